"""``install()``: programs that name ``redis.Redis`` get the classes of this package.

Rule 1: names are replaced in redis-py's own modules, nowhere else. A program that has imported a class before keeps it.
Rule 2: ``uninstall`` puts back what was there before, and only where nobody has replaced the name since.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from respool.compat.redis import (
    _async_client,
    _async_cluster,
    _async_cluster_pipelines,
    _async_pools,
    _client,
    _cluster,
    _cluster_pipelines,
    _pools,
    _sentinel,
)

_SYNC: Final[dict[str, Any]] = {
    "BlockingConnectionPool": _pools.BlockingConnectionPool,
    "ClusterPipeline": _cluster_pipelines.ClusterPipeline,
    "ConnectionPool": _pools.ConnectionPool,
    "Pipeline": _client.Pipeline,
    "Redis": _client.Redis,
    "RedisCluster": _cluster.RedisCluster,
    "Sentinel": _sentinel.Sentinel,
    "SentinelConnectionPool": _pools.SentinelConnectionPool,
    "StrictRedis": _client.StrictRedis,
}
_ASYNC: Final[dict[str, Any]] = {
    "BlockingConnectionPool": _async_pools.BlockingConnectionPool,
    "ClusterPipeline": _async_cluster_pipelines.ClusterPipeline,
    "ConnectionPool": _async_pools.ConnectionPool,
    "Pipeline": _async_client.Pipeline,
    "Redis": _async_client.Redis,
    "RedisCluster": _async_cluster.RedisCluster,
    "Sentinel": _sentinel.AsyncSentinel,
    "SentinelConnectionPool": _async_pools.SentinelConnectionPool,
    "StrictRedis": _async_client.StrictRedis,
}
#: What redis-py's modules of clusters get. Their nodes are redis-py's own clients.
_OF_CLUSTERS: Final = ("ClusterPipeline", "RedisCluster")
#: The modules in which programs find redis-py's classes, and those to put there.
_PLACES: Final[dict[str, dict[str, Any]]] = {
    "redis": _SYNC,
    "redis.client": _SYNC,
    "redis.cluster": {name: _SYNC[name] for name in _OF_CLUSTERS},
    "redis.connection": _SYNC,
    "redis.sentinel": _SYNC,
    "redis.asyncio": _ASYNC,
    "redis.asyncio.client": _ASYNC,
    "redis.asyncio.cluster": {name: _ASYNC[name] for name in _OF_CLUSTERS},
    "redis.asyncio.connection": _ASYNC,
    "redis.asyncio.sentinel": _ASYNC,
}

_replaced: list[tuple[Any, str, Any, Any]] = []


def install() -> None:
    """Replace redis-py's clients, pools and pipelines by those of this package, for all code that is imported later.

    Call it before anything that names ``redis.Redis`` is imported. Calling it again does nothing.
    """
    if _replaced:
        return
    for place, classes in _PLACES.items():
        module = import_module(place)
        for name, ours in classes.items():
            theirs = vars(module).get(name)
            if theirs is not None and theirs is not ours:
                setattr(module, name, ours)
                _replaced.append((module, name, theirs, ours))


def uninstall() -> None:
    """Put redis-py's own classes back. Objects that were made meanwhile keep working."""
    while _replaced:
        module, name, theirs, ours = _replaced.pop()
        if getattr(module, name) is ours:
            setattr(module, name, theirs)
