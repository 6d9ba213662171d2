"""The connection pools and clients of coredis on respool's pools.

Change ``import coredis`` into ``import respool.compat.coredis as coredis``. docs/how-to/coming-from-coredis.md says
what stays, what differs, and what to write in respool itself.
"""

from __future__ import annotations

from respool.compat.coredis import connection, exceptions, pool
from respool.compat.coredis.client import Redis, RedisCluster
from respool.compat.coredis.connection import (
    BaseConnection,
    ClusterConnection,
    Connection,
    UnixDomainSocketConnection,
)
from respool.compat.coredis.pool import (
    BlockingClusterConnectionPool,
    BlockingConnectionPool,
    ClusterConnectionPool,
    ConnectionPool,
)

__all__ = [
    "BaseConnection",
    "BlockingClusterConnectionPool",
    "BlockingConnectionPool",
    "ClusterConnection",
    "ClusterConnectionPool",
    "Connection",
    "ConnectionPool",
    "Redis",
    "RedisCluster",
    "UnixDomainSocketConnection",
    "connection",
    "exceptions",
    "pool",
]
