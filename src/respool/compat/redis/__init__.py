"""redis-py on respool's pools: ``from respool.compat import redis`` in place of ``import redis``.

``Redis``, ``ConnectionPool`` and the others are subclasses of redis-py's own. Commands and pipelines go through a
respool pool; whatever needs a connection of redis-py's (pub/sub, MONITOR) goes by redis-py's path. Every other name
of redis-py is found here too, unchanged.
"""

from __future__ import annotations

from typing import Any, cast

import redis as _redis

from respool.compat.redis import asyncio, exceptions
from respool.compat.redis._client import Pipeline, Redis, StrictRedis
from respool.compat.redis._cluster import RedisCluster
from respool.compat.redis._install import install, uninstall
from respool.compat.redis._pools import BlockingConnectionPool, ConnectionPool, SentinelConnectionPool
from respool.compat.redis._sentinel import Sentinel


def from_url(url: str, **options: Any) -> Redis:
    """Return a client for a URL, as ``redis.from_url`` does."""
    return cast("Redis", Redis.from_url(url, **options))


def __getattr__(name: str) -> Any:
    """Find every other name where redis-py has it."""
    return getattr(_redis, name)


__all__ = [
    "BlockingConnectionPool",
    "ConnectionPool",
    "Pipeline",
    "Redis",
    "RedisCluster",
    "Sentinel",
    "SentinelConnectionPool",
    "StrictRedis",
    "asyncio",
    "exceptions",
    "from_url",
    "install",
    "uninstall",
]
