"""respool: the connection layer for Redis and Valkey.

A pool has two lanes. Ordinary commands of any number of tasks or threads share a few connections and are written
together. Blocking commands, transactions with WATCH and commands that change the state of a connection get a connection
of their own. The API is the same in asyncio (``AsyncPool``) and in threads (``Pool``).

Names are loaded when they are first used: a program that uses threads does not load asyncio, nor the other way round.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from respool._facts.version import __version__

if TYPE_CHECKING:
    from respool._async.cluster_pool import AsyncClusterPool
    from respool._async.commands import AsyncCommands
    from respool._async.from_url import async_from_url
    from respool._async.hash_pool import AsyncHashPool
    from respool._async.node.connection import AsyncConnection
    from respool._async.node.script import AsyncScript
    from respool._async.pool import AsyncPool
    from respool._async.sentinel_pool import AsyncSentinelPool
    from respool._facts.command import Command
    from respool._facts.retry_policy import RetryPolicy
    from respool._facts.stats import PoolStats
    from respool._sync.cluster_pool import ClusterPool
    from respool._sync.commands import Commands
    from respool._sync.from_url import from_url
    from respool._sync.hash_pool import HashPool
    from respool._sync.node.connection import Connection
    from respool._sync.node.script import Script
    from respool._sync.pool import Pool
    from respool._sync.sentinel_pool import SentinelPool

_HOMES = {
    "AsyncClusterPool": "respool._async.cluster_pool",
    "AsyncCommands": "respool._async.commands",
    "AsyncConnection": "respool._async.node.connection",
    "AsyncHashPool": "respool._async.hash_pool",
    "AsyncPool": "respool._async.pool",
    "AsyncScript": "respool._async.node.script",
    "AsyncSentinelPool": "respool._async.sentinel_pool",
    "ClusterPool": "respool._sync.cluster_pool",
    "Command": "respool._facts.command",
    "Commands": "respool._sync.commands",
    "Connection": "respool._sync.node.connection",
    "HashPool": "respool._sync.hash_pool",
    "Pool": "respool._sync.pool",
    "PoolStats": "respool._facts.stats",
    "RetryPolicy": "respool._facts.retry_policy",
    "Script": "respool._sync.node.script",
    "SentinelPool": "respool._sync.sentinel_pool",
    "async_from_url": "respool._async.from_url",
    "from_url": "respool._sync.from_url",
}

__all__ = [
    "AsyncClusterPool",
    "AsyncCommands",
    "AsyncConnection",
    "AsyncHashPool",
    "AsyncPool",
    "AsyncScript",
    "AsyncSentinelPool",
    "ClusterPool",
    "Command",
    "Commands",
    "Connection",
    "HashPool",
    "Pool",
    "PoolStats",
    "RetryPolicy",
    "Script",
    "SentinelPool",
    "__version__",
    "async_from_url",
    "from_url",
]


if not TYPE_CHECKING:  # a type checker would believe every name

    def __getattr__(name: str) -> Any:
        """Load a public name."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
