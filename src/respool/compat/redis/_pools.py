"""The pools of redis-py with an engine: a respool ``Pool`` that is made at the first command.

Rule 1: the engine is the attribute ``_engine`` of its pool. Whoever finds None calls ``_make_engine``, which returns
        None if only redis-py's own path serves this pool.
Rule 2: an engine is dropped whole, and the next command makes another one. ``disconnect``, ``reset`` and ``close``
        close it, with the commands in it. Changed settings and a new identity (AUTH, CLIENT SETNAME) only forget it.
Rule 3: nothing is waited for in a finaliser: a dropped pool forgets its engine, which closes itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import update_wrapper
from typing import Any, Final

import redis
from redis import sentinel
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from respool import Pool, SentinelPool
from respool.compat.redis._encoding import EncodingEngine, needs_encoding
from respool.compat.redis._settings import Classes, Settings, finished, options_of, sentinel_options_of
from respool.errors import UsageError

_CLASSES: Final = Classes(Connection, SSLConnection, UnixDomainSocketConnection)
_SENTINEL_CLASSES: Final = Classes(
    sentinel.SentinelManagedConnection, sentinel.SentinelManagedSSLConnection, sentinel_tls=SSLConnection
)
_NOBODY: Final[Mapping[str, Any]] = {}


class ConnectionPool(redis.ConnectionPool):
    """redis-py's ``ConnectionPool``, whose clients send their commands through respool."""

    #: A Pool, or an EncodingEngine around one.
    _engine: Any = None
    #: The options of the engine before ``_identity``; None: not read yet. An empty dict: there can be no engine.
    _options: dict[str, Any] | None = None
    #: Options that commands have set since: AUTH, SELECT, CLIENT SETNAME.
    _identity: Mapping[str, Any] = _NOBODY

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        take_over(self)

    @property
    def connection_kwargs(self) -> dict[str, Any]:
        return self._connection_kwargs

    @connection_kwargs.setter
    def connection_kwargs(self, value: dict[str, Any]) -> None:
        self._connection_kwargs = Settings(value, self)
        self._settings_changed()

    # The engine --------------------------------------------------------------------------------------

    def _make_engine(self) -> Any:
        """Make the engine, without I/O; None if only redis-py's own path serves this pool."""
        options = self._options
        if options is None:
            options = self._options = self._read_options()
        if not options:
            return None
        try:
            made = finished({**options, **self._identity}, lambda provider: provider.get_credentials)
            engine: Any = SentinelPool(**made) if "sentinels" in made else Pool(**made)
        except UsageError:  # a setting that redis-py takes and respool does not
            self._options = {}
            return None
        if needs_encoding(self._connection_kwargs):
            engine = EncodingEngine(engine, self.get_encoder())
        return _own(self).setdefault("_engine", engine)  # of two threads the first one wins

    def _read_options(self) -> dict[str, Any]:
        if isinstance(self, sentinel.SentinelConnectionPool):
            options = sentinel_options_of(self, _SENTINEL_CLASSES) or {}
        else:
            options = options_of(self, _CLASSES) or {}
        if options and isinstance(self, redis.BlockingConnectionPool):
            options["acquire_timeout"] = self.timeout
        elif options:
            options["on_full"] = "raise"
        return options

    def _settings_changed(self) -> None:
        if self._options is None:
            return
        before, self._options = self._options, self._read_options()
        if before != self._options:
            self._forget_engine()

    def _take_identity(self, changes: dict[str, Any]) -> None:
        """Give all later commands the identity that the server has accepted on one connection."""
        engine, self._identity = self._engine, {**self._identity, **changes}
        if engine is None:
            return
        if changes.keys() == {"db"}:
            engine.select(changes["db"])
        else:
            self._forget_engine()

    def _forget_engine(self) -> Any:
        """Drop the engine and return it. It closes itself once the commands in it have ended and nobody keeps it."""
        return _own(self).pop("_engine", None)

    def _close_engine(self) -> None:
        engine = self._forget_engine()
        if engine is not None:
            try:
                engine.close(timeout=0.0)
            except UsageError:  # called from a signal handler that interrupted the engine: it closes itself
                pass

    # As in redis-py ----------------------------------------------------------------------------------

    def reset(self) -> None:
        super().reset()
        self._identity = _NOBODY
        self._close_engine()

    def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        if inuse_connections:
            super().disconnect()
            self._identity = _NOBODY
            self._close_engine()
        else:
            super().disconnect(inuse_connections)
            if self._engine is not None:
                self._engine.clear()

    def __del__(self) -> None:
        self._forget_engine()
        finish = getattr(super(), "__del__", None)  # redis-py 6 has none
        if finish is not None:
            finish()


update_wrapper(ConnectionPool.__init__, redis.ConnectionPool.__init__)  # its signature


class BlockingConnectionPool(ConnectionPool, redis.BlockingConnectionPool):
    """redis-py's ``BlockingConnectionPool``, whose clients send their commands through respool."""


    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


update_wrapper(BlockingConnectionPool.__init__, redis.BlockingConnectionPool.__init__)


class SentinelConnectionPool(ConnectionPool, sentinel.SentinelConnectionPool):
    """redis-py's ``SentinelConnectionPool``. Commands to a primary go through respool's ``SentinelPool``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


update_wrapper(SentinelConnectionPool.__init__, sentinel.SentinelConnectionPool.__init__)

#: The classes that are replaced in place; a subclass of somebody else may depend on anything.
_UPGRADES: Final[dict[type[Any], type[Any]]] = {
    redis.ConnectionPool: ConnectionPool,
    redis.BlockingConnectionPool: BlockingConnectionPool,
    sentinel.SentinelConnectionPool: SentinelConnectionPool,
}


def take_over(pool: Any) -> None:
    """Make a pool of redis-py one with an engine, in place. Other classes of pools stay as they are, with a warning."""
    upgrade = _UPGRADES.get(type(pool))
    if upgrade is not None:
        pool.__class__ = upgrade
    if isinstance(pool, ConnectionPool):
        own = _own(pool)
        settings = own.pop("connection_kwargs", None)  # where redis-py 6 has it
        if settings is None:
            settings = own["_connection_kwargs"]
        if not isinstance(settings, Settings):
            own["_connection_kwargs"] = Settings(settings, pool)
    elif not type(pool).__module__.startswith("redis."):
        warnings.warn(
            f"{type(pool).__name__} is not one of redis-py's own pools: its commands take redis-py's own path; derive "
            "it from respool.compat.redis.ConnectionPool to send them through respool",
            RuntimeWarning,
            stacklevel=3,
        )


def _own(pool: Any) -> dict[str, Any]:
    """Return the attributes of the object itself."""
    return pool.__dict__  # type: ignore[no-any-return]
