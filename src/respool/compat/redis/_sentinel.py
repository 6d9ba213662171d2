"""redis-py's ``Sentinel``, sync and asyncio: the primaries that it finds are served by respool's Sentinel pools.

Rule 1: a client for replicas takes redis-py's own path, which sends it every command; respool, only reads.
"""

from __future__ import annotations

from typing import Any

from redis import sentinel
from redis.asyncio import sentinel as async_sentinel

from respool.compat.redis import _async_client, _async_pools, _client, _pools


class Sentinel(sentinel.Sentinel):
    """redis-py's ``Sentinel``, whose clients send their commands through respool."""

    def master_for(
        self,
        service_name: str,
        redis_class: Any = _client.Redis,
        connection_pool_class: Any = _pools.SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """Return a client for the primary of ``service_name``, whichever node that is."""
        return super().master_for(service_name, redis_class, connection_pool_class, **kwargs)

    def slave_for(
        self,
        service_name: str,
        redis_class: Any = _client.Redis,
        connection_pool_class: Any = _pools.SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """Return a client for the replicas of ``service_name``; it takes redis-py's own path."""
        return super().slave_for(service_name, redis_class, connection_pool_class, **kwargs)


class AsyncSentinel(async_sentinel.Sentinel):
    """redis-py's asyncio ``Sentinel``, whose clients send their commands through respool."""

    def master_for(
        self,
        service_name: str,
        redis_class: Any = _async_client.Redis,
        connection_pool_class: Any = _async_pools.SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """Return a client for the primary of ``service_name``, whichever node that is."""
        return super().master_for(service_name, redis_class, connection_pool_class, **kwargs)

    def slave_for(
        self,
        service_name: str,
        redis_class: Any = _async_client.Redis,
        connection_pool_class: Any = _async_pools.SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """Return a client for the replicas of ``service_name``; it takes redis-py's own path."""
        return super().slave_for(service_name, redis_class, connection_pool_class, **kwargs)
