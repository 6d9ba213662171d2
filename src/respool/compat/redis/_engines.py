"""What holds an engine, sync: a pool of redis-py, or its client for a cluster.

Rule 1: the engine is the attribute ``_engine`` of its owner. Whoever finds None calls ``_make_engine``, which returns
        None if only redis-py's own path serves this owner.
Rule 2: an engine is dropped whole, and the next command makes another one. ``_close_engine`` closes it, with the
        commands in it. Changed settings and a new identity (AUTH, CLIENT SETNAME) only forget it.
Rule 3: nothing is waited for in a finaliser: a dropped owner forgets its engine, which closes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from respool import ClusterPool, Pool, SentinelPool
from respool.compat.redis._encoding import EncodingEngine
from respool.compat.redis._settings import as_credentials, finished
from respool.errors import Error, UsageError

NOBODY: Final[Mapping[str, Any]] = {}


def _credentials(provider: Any) -> Any:
    return lambda: as_credentials(provider.get_credentials())


class EngineOwner:
    """Makes an engine at the first command, and drops it when its settings or its identity change."""

    #: A respool pool, or an EncodingEngine around one.
    _engine: Any = None
    #: The options of the engine before ``_identity``; None: not read yet. An empty dict: there can be no engine.
    _options: dict[str, Any] | None = None
    #: Options that commands have set since: AUTH, SELECT, CLIENT SETNAME.
    _identity: Mapping[str, Any] = NOBODY

    def _read_options(self) -> dict[str, Any]:
        """Return the options of the engine; an empty dict if there can be none."""
        raise NotImplementedError

    def _text_encoder(self) -> Any:
        """Return redis-py's encoder if the engine's text must be encoded by it, else None."""
        raise NotImplementedError

    def _make_engine(self) -> Any:
        """Make the engine, without I/O; None if only redis-py's own path serves this owner."""
        while True:
            options, identity = self._options, self._identity
            if options is None:
                options = self._options = self._read_options()
            if not options:
                return None
            try:
                made = finished({**options, **identity}, _credentials)
                engine: Any = _pool_of(made)
            except UsageError:  # a setting that redis-py takes and respool does not
                self._options = {}
                return None
            encoder = self._text_encoder()
            if encoder is not None:
                engine = EncodingEngine(engine, encoder)
            engine = own(self).setdefault("_engine", engine)  # of two threads the first one wins
            if self._identity is identity and self._options is options:
                return engine
            self._forget_engine()  # another thread has changed them, and may have found no engine to forget

    def _settings_changed(self) -> None:
        if self._options is None:
            return
        before, self._options = self._options, self._read_options()
        if before != self._options:
            self._forget_engine()

    def _take_identity(self, changes: dict[str, Any]) -> None:
        """Give all later commands the identity that the server has accepted on one connection."""
        self._identity = {**self._identity, **changes}
        engine = self._engine  # after that: whoever is making one looks at the identity when it is made
        if engine is None:
            return
        if changes.keys() == {"db"}:
            engine.select(changes["db"])
        else:
            self._forget_engine()

    def _can_log_in(self, args: tuple[Any, ...], changes: dict[str, Any]) -> bool:
        """Tell whether the server takes AUTH on a connection that has logged in like that already.

        Once the server has another password, no new connection can log in with the old one, to send AUTH then.
        """
        if not self._options:
            return False
        try:
            made = finished({**self._options, **self._identity, **changes}, _credentials)
            with _pool_of(made) as pool, pool.acquire() as lease:
                lease.execute(*args)
        except Error:
            return False
        return True

    def _forget_engine(self) -> Any:
        """Drop the engine and return it. It closes itself once the commands in it have ended and nobody keeps it."""
        return own(self).pop("_engine", None)

    def _close_engine(self) -> None:
        engine = self._forget_engine()
        if engine is not None:
            try:
                engine.close(timeout=0.0)
            except UsageError:  # called from a signal handler that interrupted the engine: it closes itself
                pass


def _pool_of(options: dict[str, Any]) -> Any:
    if "seeds" in options:
        return ClusterPool(**options)
    return SentinelPool(**options) if "sentinels" in options else Pool(**options)


def own(owner: Any) -> dict[str, Any]:
    """Return the attributes of the object itself."""
    return owner.__dict__  # type: ignore[no-any-return]
