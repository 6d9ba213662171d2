"""respool: the connection layer for Redis and Valkey.

One pool, two lanes: ordinary commands of any number of tasks or threads share a few connections and leave in one write;
blocking commands, transactions with WATCH and everything that changes a connection's state get one of their own. The
same API in asyncio (``AsyncPool``) and in threads (``Pool``).

Names are loaded when they are first used: a program for threads does not pay for asyncio, nor the other way round.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from respool._facts.version import __version__

if TYPE_CHECKING:
    from respool._async.from_url import async_from_url
    from respool._async.node.connection import AsyncConnection
    from respool._async.pool import AsyncPool
    from respool._facts.command import Command
    from respool._facts.retry_policy import RetryPolicy
    from respool._facts.stats import PoolStats
    from respool._sync.from_url import from_url
    from respool._sync.node.connection import Connection
    from respool._sync.pool import Pool

_HOMES = {
    "AsyncConnection": "respool._async.node.connection",
    "AsyncPool": "respool._async.pool",
    "Command": "respool._facts.command",
    "Connection": "respool._sync.node.connection",
    "Pool": "respool._sync.pool",
    "PoolStats": "respool._facts.stats",
    "RetryPolicy": "respool._facts.retry_policy",
    "async_from_url": "respool._async.from_url",
    "from_url": "respool._sync.from_url",
}

__all__ = [
    "AsyncConnection",
    "AsyncPool",
    "Command",
    "Connection",
    "Pool",
    "PoolStats",
    "RetryPolicy",
    "__version__",
    "async_from_url",
    "from_url",
]


def __getattr__(name: str) -> Any:
    """Load a public name."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
