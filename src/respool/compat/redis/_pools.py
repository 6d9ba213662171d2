"""The pools of redis-py with an engine: a respool ``Pool`` that is made at the first command.

Rule 1: ``disconnect``, ``reset`` and ``close`` close the engine, with the commands in it (``_engines``).
Rule 2: a pool of redis-py that is given to one of our clients becomes one of ours in place.
"""

from __future__ import annotations

import warnings
from functools import update_wrapper
from typing import Any, Final

import redis
from redis import sentinel
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from respool.compat.redis._encoding import needs_encoding
from respool.compat.redis._engines import NOBODY, EngineOwner, own
from respool.compat.redis._settings import Classes, Settings, options_of, sentinel_options_of

_CLASSES: Final = Classes(Connection, SSLConnection, UnixDomainSocketConnection)
_SENTINEL_CLASSES: Final = Classes(
    sentinel.SentinelManagedConnection, sentinel.SentinelManagedSSLConnection, sentinel_tls=SSLConnection
)


class ConnectionPool(EngineOwner, redis.ConnectionPool):
    """redis-py's ``ConnectionPool``, whose clients send their commands through respool."""

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

    def _text_encoder(self) -> Any:
        return self.get_encoder() if needs_encoding(self._connection_kwargs) else None

    # As in redis-py ----------------------------------------------------------------------------------

    def reset(self) -> None:
        super().reset()
        self._identity = NOBODY
        self._close_engine()

    def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        if inuse_connections:
            super().disconnect()
            self._identity = NOBODY
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
        kept = own(pool)
        settings = kept.pop("connection_kwargs", None)  # where redis-py 6 has it
        if settings is None:
            settings = kept["_connection_kwargs"]
        if not isinstance(settings, Settings):
            kept["_connection_kwargs"] = Settings(settings, pool)
    elif not type(pool).__module__.startswith("redis."):
        warnings.warn(
            f"{type(pool).__name__} is not one of redis-py's own pools: its commands take redis-py's own path; derive "
            "it from respool.compat.redis.ConnectionPool to send them through respool",
            RuntimeWarning,
            stacklevel=3,
        )
