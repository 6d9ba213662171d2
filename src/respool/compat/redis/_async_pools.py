"""The asyncio pools of redis-py with engines: an ``AsyncPool`` for each event loop, made at the first command there.

Rule 1: ``_engine`` is the engine of the event loop ``_loop``, the one that was used last. Whoever runs in another loop
        calls ``_make_engine``, which returns None if only redis-py's own path serves this pool.
Rule 2: an engine is dropped whole, as in ``_pools``. Only the running loop's can be closed; the others are forgotten.
Rule 3: an engine whose loop has been closed is forgotten when another one is made.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from functools import update_wrapper
from typing import Any, Final

from redis import asyncio as original
from redis.asyncio import sentinel
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from respool import AsyncPool, AsyncSentinelPool
from respool.compat.redis._encoding import EncodingEngine, needs_encoding
from respool.compat.redis._settings import Classes, Settings, finished, options_of, sentinel_options_of
from respool.errors import UsageError

_CLASSES: Final = Classes(Connection, SSLConnection, UnixDomainSocketConnection)
_SENTINEL_CLASSES: Final = Classes(
    sentinel.SentinelManagedConnection, sentinel.SentinelManagedSSLConnection, sentinel_tls=SSLConnection
)
_NOBODY: Final[Mapping[str, Any]] = {}


def _credentials(provider: Any) -> Any:
    return provider.get_credentials_async


class ConnectionPool(original.ConnectionPool):
    """redis-py's asyncio ``ConnectionPool``, whose clients send their commands through respool."""

    #: An AsyncPool, or an EncodingEngine around one, and its event loop.
    _engine: Any = None
    _loop: Any = None
    #: The engines of all event loops.
    _engines: Mapping[Any, Any] = {}
    #: The options of the engines before ``_identity``; None: not read yet. An empty dict: there can be no engine.
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

    # The engines -------------------------------------------------------------------------------------

    def _make_engine(self) -> Any:
        """Return the engine of the running loop; None if only redis-py's own path serves this pool."""
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        if engine is None:
            options = self._options
            if options is None:
                options = self._options = self._read_options()
            if not options:
                return None
            try:
                made = finished({**options, **self._identity}, _credentials)
                engine = AsyncSentinelPool(**made) if "sentinels" in made else AsyncPool(**made)
            except UsageError:  # a setting that redis-py takes and respool does not
                self._options = {}
                return None
            if needs_encoding(self._connection_kwargs):
                engine = EncodingEngine(engine, self.get_encoder())
            living = {other: kept for other, kept in self._engines.items() if not other.is_closed()}
            self._engines = {**living, loop: engine}
        self._engine, self._loop = engine, loop
        return engine

    def _read_options(self) -> dict[str, Any]:
        if isinstance(self, sentinel.SentinelConnectionPool):
            options = sentinel_options_of(self, _SENTINEL_CLASSES) or {}
        else:
            options = options_of(self, _CLASSES) or {}
        if options and isinstance(self, original.BlockingConnectionPool):
            options["acquire_timeout"] = self.timeout
        elif options:
            options["on_full"] = "raise"
        return options

    def _settings_changed(self) -> None:
        if self._options is None:
            return
        before, self._options = self._options, self._read_options()
        if before != self._options:
            self._forget_engines()

    async def _take_identity(self, changes: dict[str, Any]) -> None:
        """Give all later commands the identity that the server has accepted on one connection."""
        engine = self._engines.get(asyncio.get_running_loop())
        self._identity = {**self._identity, **changes}
        self._forget_engines()
        if engine is not None and changes.keys() == {"db"}:
            await engine.select(changes["db"])
            self._engines = {asyncio.get_running_loop(): engine}

    def _forget_engines(self) -> Mapping[Any, Any]:
        """Drop the engines and return them. Each closes itself once its commands have ended and nobody keeps it."""
        engines, self._engines = self._engines, {}
        self._engine = self._loop = None
        return engines

    async def _close_engine(self) -> None:
        self._identity = _NOBODY
        engine = self._forget_engines().get(asyncio.get_running_loop())
        if engine is not None:
            await engine.aclose(timeout=0.0)

    # As in redis-py ----------------------------------------------------------------------------------

    def reset(self) -> None:
        super().reset()
        self._identity = _NOBODY
        self._forget_engines()

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        try:
            await super().disconnect(inuse_connections)
        finally:
            if inuse_connections:
                await self._close_engine()
            elif (engine := self._engines.get(asyncio.get_running_loop())) is not None:
                await engine.clear()


update_wrapper(ConnectionPool.__init__, original.ConnectionPool.__init__)  # its signature


class BlockingConnectionPool(ConnectionPool, original.BlockingConnectionPool):
    """redis-py's asyncio ``BlockingConnectionPool``, whose clients send their commands through respool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


update_wrapper(BlockingConnectionPool.__init__, original.BlockingConnectionPool.__init__)


class SentinelConnectionPool(ConnectionPool, sentinel.SentinelConnectionPool):
    """redis-py's asyncio ``SentinelConnectionPool``. Commands to a primary go through an ``AsyncSentinelPool``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


update_wrapper(SentinelConnectionPool.__init__, sentinel.SentinelConnectionPool.__init__)

#: The classes that are replaced in place; a subclass of somebody else may depend on anything.
_UPGRADES: Final[dict[type[Any], type[Any]]] = {
    original.ConnectionPool: ConnectionPool,
    original.BlockingConnectionPool: BlockingConnectionPool,
    sentinel.SentinelConnectionPool: SentinelConnectionPool,
}


def take_over(pool: Any) -> None:
    """Make a pool of redis-py one with engines, in place. Other classes of pools stay as they are, with a warning."""
    upgrade = _UPGRADES.get(type(pool))
    if upgrade is not None:
        pool.__class__ = upgrade
    if isinstance(pool, ConnectionPool):
        own: Any = pool.__dict__
        settings = own.pop("connection_kwargs", None)  # where redis-py 6 has it
        if settings is None:
            settings = own["_connection_kwargs"]
        if not isinstance(settings, Settings):
            own["_connection_kwargs"] = Settings(settings, pool)
    elif not type(pool).__module__.startswith("redis."):
        warnings.warn(
            f"{type(pool).__name__} is not one of redis-py's own pools: its commands take redis-py's own path; derive "
            "it from respool.compat.redis.asyncio.ConnectionPool to send them through respool",
            RuntimeWarning,
            stacklevel=3,
        )
