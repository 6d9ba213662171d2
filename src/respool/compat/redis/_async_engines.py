"""What holds engines, asyncio: a pool of redis-py, or its client for a cluster. It has one for each event loop.

Rule 1: ``_engine`` is the engine of the event loop ``_loop``, the one that was used last. Whoever runs in another loop
        calls ``_make_engine``, which returns None if only redis-py's own path serves this owner.
Rule 2: an engine is dropped whole, as in ``_engines``. Only the running loop's can be closed; the others are forgotten.
Rule 3: an engine whose loop has been closed is forgotten when another one is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from respool import AsyncClusterPool, AsyncPool, AsyncSentinelPool
from respool.compat.redis._encoding import EncodingEngine
from respool.compat.redis._engines import NOBODY
from respool.compat.redis._settings import as_credentials, finished
from respool.errors import Error, UsageError


def _credentials(provider: Any) -> Any:
    async def ask() -> Any:
        return as_credentials(await provider.get_credentials_async())

    return ask


class AsyncEngineOwner:
    """Makes an engine at the first command in an event loop, and drops all when settings or identity change."""

    #: A respool pool, or an EncodingEngine around one, and its event loop.
    _engine: Any = None
    _loop: Any = None
    #: The engines of all event loops.
    _engines: Mapping[Any, Any] = {}
    #: The options of the engines before ``_identity``; None: not read yet. An empty dict: there can be no engine.
    _options: dict[str, Any] | None = None
    #: Options that commands have set since: AUTH, SELECT, CLIENT SETNAME.
    _identity: Mapping[str, Any] = NOBODY

    def _read_options(self) -> dict[str, Any]:
        """Return the options of the engines; an empty dict if there can be none."""
        raise NotImplementedError

    def _text_encoder(self) -> Any:
        """Return redis-py's encoder if the engines' text must be encoded by it, else None."""
        raise NotImplementedError

    def _make_engine(self) -> Any:
        """Return the engine of the running loop; None if only redis-py's own path serves this owner."""
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        if engine is None:
            options = self._options
            if options is None:
                options = self._options = self._read_options()
            if not options:
                return None
            try:
                engine = _pool_of(finished({**options, **self._identity}, _credentials))
            except UsageError:  # a setting that redis-py takes and respool does not
                self._options = {}
                return None
            encoder = self._text_encoder()
            if encoder is not None:
                engine = EncodingEngine(engine, encoder)
            living = {other: kept for other, kept in self._engines.items() if not other.is_closed()}
            self._engines = {**living, loop: engine}
        self._engine, self._loop = engine, loop
        return engine

    def _running_engine(self) -> Any:
        """Return the engine of the running loop; None if only redis-py's own path serves this owner."""
        return self._engine if self._loop is asyncio.get_running_loop() else self._make_engine()

    def _settings_changed(self) -> None:
        if self._options is None:
            return
        before, self._options = self._options, self._read_options()
        if before != self._options:
            self._forget_engines()

    async def _take_identity(self, changes: dict[str, Any]) -> None:
        """Give all later commands the identity that the server has accepted on one connection."""
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        identity = self._identity = {**self._identity, **changes}
        self._forget_engines()
        if engine is not None and changes.keys() == {"db"}:
            await engine.select(changes["db"])
            if self._identity is identity and loop not in self._engines:  # or it has been disconnected meanwhile
                self._engines = {**self._engines, loop: engine}

    async def _can_log_in(self, args: tuple[Any, ...], changes: dict[str, Any]) -> bool:
        """Tell whether the server takes AUTH on a connection that has logged in like that already (``_engines``)."""
        if not self._options:
            return False
        try:
            made = finished({**self._options, **self._identity, **changes}, _credentials)
            async with _pool_of(made) as pool, pool.acquire() as lease:
                await lease.execute(*args)
        except Error:
            return False
        return True

    def _forget_engines(self) -> Mapping[Any, Any]:
        """Drop the engines and return them. Each closes itself once its commands have ended and nobody keeps it."""
        engines, self._engines = self._engines, {}
        self._engine = self._loop = None
        return engines

    async def _close_engine(self) -> None:
        self._identity = NOBODY
        engine = self._forget_engines().get(asyncio.get_running_loop())
        if engine is not None:
            await engine.aclose(timeout=0.0)

    async def _clear_engine(self) -> None:
        """Close the idle connections of the running loop's engine."""
        engine = self._engines.get(asyncio.get_running_loop())
        if engine is not None:
            await engine.clear()


def _pool_of(options: dict[str, Any]) -> Any:
    if "seeds" in options:
        return AsyncClusterPool(**options)
    return AsyncSentinelPool(**options) if "sentinels" in options else AsyncPool(**options)
