"""redis-py's ``redis.asyncio`` on respool's pools; every name that is not here is redis-py's own."""

from __future__ import annotations

from typing import Any, cast

from redis import asyncio as _asyncio

from respool.compat.redis._async_client import Pipeline, Redis, StrictRedis
from respool.compat.redis._async_cluster import RedisCluster
from respool.compat.redis._async_pools import BlockingConnectionPool, ConnectionPool, SentinelConnectionPool
from respool.compat.redis._sentinel import AsyncSentinel as Sentinel


def from_url(url: str, **options: Any) -> Redis:
    """Return a client for a URL, as ``redis.asyncio.from_url`` does."""
    return cast("Redis", Redis.from_url(url, **options))


def __getattr__(name: str) -> Any:
    """Find every other name where redis-py has it."""
    return getattr(_asyncio, name)


__all__ = [
    "BlockingConnectionPool",
    "ConnectionPool",
    "Pipeline",
    "Redis",
    "RedisCluster",
    "Sentinel",
    "SentinelConnectionPool",
    "StrictRedis",
    "from_url",
]
