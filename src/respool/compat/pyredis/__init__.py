"""The face of pyredis: its pools and clients, in threads and, with ``Async`` before their names, in asyncio.

Rule 1: a pool of pyredis lends clients, and counts them. Connections are those of a pool of respool without shared
        ones, which dials, checks, cleans and closes them.
Rule 2: the classes are written once, in ``_async``, and generated for threads. Each world is loaded when one of its
        names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from respool.compat.pyredis._names import (
    ProtocolError,
    PyRedisConnClosed,
    PyRedisConnError,
    PyRedisConnReadTimeout,
    PyRedisError,
    PyRedisURLError,
    ReplyError,
)
from respool.compat.pyredis._urls import get_by_url

if TYPE_CHECKING:
    from respool.compat.pyredis._async.clients import AsyncClient, AsyncClusterClient, AsyncHashClient
    from respool.compat.pyredis._async.hashed import AsyncSentinelHashPool
    from respool.compat.pyredis._async.others import AsyncClusterMap, AsyncPubSubClient, AsyncSentinelClient
    from respool.compat.pyredis._async.pools import (
        AsyncBasePool,
        AsyncClusterPool,
        AsyncHashPool,
        AsyncPool,
        AsyncSentinelPool,
    )
    from respool.compat.pyredis._sync.clients import Client, ClusterClient, HashClient
    from respool.compat.pyredis._sync.hashed import SentinelHashPool
    from respool.compat.pyredis._sync.others import ClusterMap, PubSubClient, SentinelClient
    from respool.compat.pyredis._sync.pools import BasePool, ClusterPool, HashPool, Pool, SentinelPool

_HOMES = {
    "clients": ("Client", "ClusterClient", "HashClient"),
    "hashed": ("SentinelHashPool",),
    "others": ("ClusterMap", "PubSubClient", "SentinelClient"),
    "pools": ("BasePool", "ClusterPool", "HashPool", "Pool", "SentinelPool"),
}

__all__ = [
    "AsyncBasePool",
    "AsyncClient",
    "AsyncClusterClient",
    "AsyncClusterMap",
    "AsyncClusterPool",
    "AsyncHashClient",
    "AsyncHashPool",
    "AsyncPool",
    "AsyncPubSubClient",
    "AsyncSentinelClient",
    "AsyncSentinelHashPool",
    "AsyncSentinelPool",
    "BasePool",
    "Client",
    "ClusterClient",
    "ClusterMap",
    "ClusterPool",
    "HashClient",
    "HashPool",
    "Pool",
    "ProtocolError",
    "PubSubClient",
    "PyRedisConnClosed",
    "PyRedisConnError",
    "PyRedisConnReadTimeout",
    "PyRedisError",
    "PyRedisURLError",
    "ReplyError",
    "SentinelClient",
    "SentinelHashPool",
    "SentinelPool",
    "get_by_url",
]


if not TYPE_CHECKING:  # a type checker would believe every name

    def __getattr__(name: str) -> Any:
        """Load a public name."""
        plain = name.removeprefix("Async")
        world = "_sync" if plain == name else "_async"
        for home, names in _HOMES.items():
            if plain in names:
                value = globals()[name] = getattr(import_module(f"{__name__}.{world}.{home}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
