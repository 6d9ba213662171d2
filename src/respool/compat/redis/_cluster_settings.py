"""What a cluster client of redis-py is configured with, as options of the respool pool behind it.

Rule 1: as in ``_settings``: what the engine does not do exactly as redis-py has no options.
Rule 2: redis-py's clusters take only the number of tries from ``retry``: between tries they do not pause. Other classes
        of ``Retry`` may do anything, so they have no options.
Rule 3: a client with replicas sends READONLY on each connection by ``redis_connect_func``. The engine does it by
        itself, so that function is left out; one of the user's is not.
"""

from __future__ import annotations

from typing import Any, Final

from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.cluster import LoadBalancingStrategy
from redis.connection import BlockingConnectionPool, ConnectionPool
from redis.retry import Retry

from respool import RetryPolicy
from respool.compat.redis import _pools
from respool.compat.redis._settings import Classes, options_of

#: Settings of redis-py's nodes that say nothing about their connections, or that a client for a cluster always sets.
_OF_NODES: Final = frozenset(
    (
        "cache connection_class oss_cluster_maint_notifications_handler redis_connect_func response_callbacks"
    ).split()
)
#: The classes of pools that do what their settings say; with ``install()`` redis-py's nodes have ours.
_POOLS: Final = (
    BlockingConnectionPool,
    ConnectionPool,
    _pools.BlockingConnectionPool,
    _pools.ConnectionPool,
)
_READ_FROM: Final = {
    LoadBalancingStrategy.ROUND_ROBIN: "any",
    LoadBalancingStrategy.ROUND_ROBIN_REPLICAS: "replica",
    LoadBalancingStrategy.RANDOM_REPLICA: "replica",
    getattr(LoadBalancingStrategy, "RANDOM", None): "any",  # redis-py 8
}


class _Node:
    """The settings of a cluster's nodes, in the place of a pool."""

    def __init__(self, settings: dict[str, Any], connection_class: Any, max_connections: int) -> None:
        self.connection_kwargs = settings
        self.connection_class = connection_class
        self.max_connections = max_connections


def sync_options_of(client: Any, classes: Classes) -> dict[str, Any]:
    """Return the options of the engine for a client; {} if only redis-py's own path serves it (Rule 1)."""
    node = client.get_default_node() or next(iter(client.get_nodes()), None)
    pool: Any = None if node is None else client.get_redis_connection(node).connection_pool
    if type(pool) not in _POOLS or type(client.retry) is not Retry:
        return {}
    if getattr(pool, "cache", None) is not None or client.user_on_connect_func is not None:
        return {}
    settings = _connections(pool.connection_kwargs, client.retry)
    options = _options(client, _Node(settings, pool.connection_class, pool.max_connections), classes)
    if options and isinstance(pool, BlockingConnectionPool):
        del options["on_full"]
        options["acquire_timeout"] = pool.timeout
    return options


def async_options_of(client: Any, classes: Classes) -> dict[str, Any]:
    """Return the options of the engines for an asyncio client; {} if only redis-py's own path serves it (Rule 1)."""
    given = client.connection_kwargs
    if type(client.retry) not in (Retry, AsyncRetry):
        return {}
    settings = _connections(given, client.retry)
    kind = given.get("connection_class", redis_asyncio.Connection)
    return _options(client, _Node(settings, kind, given["max_connections"]), classes)


def _connections(given: dict[str, Any], retry: Any) -> dict[str, Any]:
    settings = {name: value for name, value in given.items() if name not in _OF_NODES}
    return {**settings, "retry": retry}


def _options(client: Any, node: _Node, classes: Classes) -> dict[str, Any]:
    seeds = [(place.host, int(place.port)) for place in client.nodes_manager.startup_nodes.values()]
    settings = node.connection_kwargs
    settings.setdefault("host", "")
    options = options_of(node, classes)
    if options is None or not seeds:
        return {}
    for name in ("host", "port", "db"):
        del options[name]
    read_from = _read_from(client)
    if read_from is None:  # a strategy that is newer than this module
        return {}
    return {
        **options,
        "seeds": seeds,
        "read_from": read_from,
        "retry": RetryPolicy(attempts=max(client.retry.get_retries(), 0) + 1),
        "on_full": "raise",
    }


def _read_from(client: Any) -> str | None:
    strategy = client.load_balancing_strategy
    if strategy is not None:
        return _READ_FROM.get(strategy)
    return "any" if client.read_from_replicas else "primary"
