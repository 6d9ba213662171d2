"""The face of aioredis: ``create_pool`` and ``RedisPool``, as its first manual describes them.

Change ``import aioredis`` into ``import respool.compat.aioredis as aioredis``. docs/how-to/coming-from-aioredis.md says
what stays, what differs, and what to write in respool itself.
"""

from __future__ import annotations

from respool.compat.aioredis.connection import Redis, RedisConnection, create_connection, create_redis
from respool.compat.aioredis.pool import RedisPool, create_pool
from respool.errors import Error, PoolClosed, ProtocolError, ServerError, TransportError

__all__ = [
    "ConnectionClosedError",
    "PoolClosedError",
    "ProtocolError",
    "Redis",
    "RedisConnection",
    "RedisError",
    "RedisPool",
    "ReplyError",
    "create_connection",
    "create_pool",
    "create_redis",
]

RedisError = Error
ReplyError = ServerError
ConnectionClosedError = TransportError
PoolClosedError = PoolClosed
