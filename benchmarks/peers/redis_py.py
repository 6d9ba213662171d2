"""redis-py with hiredis: in asyncio its blocking pool of 50, in threads a pool with a connection for each thread.

A pool that is made by itself retries nothing, so the blocking pool is given the policy that ``Redis()`` has by default.
Its cluster clients have a pool for each node; ``mget_nonatomic`` is its MGET for keys in several slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from benchmarks.peers import POOL_SIZE

if TYPE_CHECKING:
    from benchmarks._question import Place


def blocking_options() -> dict[str, Any]:
    """Return the options of the blocking pool, which the drop-in has too."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=1), 10)
    return {"max_connections": POOL_SIZE, "timeout": None, "retry": retry}


class AsyncRedisPy:
    async def open(self, place: Place, tasks: int) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(place.url, **blocking_options())
        self.client = redis.asyncio.Redis.from_pool(pool)
        self.get = self.client.get
        self.set = self.client.set

    async def count(self, key: str, seconds: int) -> int:
        async with self.client.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds)
            found, _ = await pipe.execute()
            return found

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        async with self.client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute()

    async def close(self) -> None:
        await self.client.aclose()


class SyncRedisPy:
    def open(self, place: Place, threads: int) -> None:
        self.client = redis.Redis.from_url(place.url)
        self.get = self.client.get
        self.set = self.client.set

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute()

    def close(self) -> None:
        self.client.close()


class AsyncClusterRedisPy:
    async def open(self, place: Place, tasks: int) -> None:
        nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in place.primaries]
        self.client = redis.asyncio.RedisCluster(startup_nodes=nodes, max_connections=max(tasks, POOL_SIZE))
        await self.client.initialize()
        self.get = self.client.get
        self.set = self.client.set
        self.mget = self.client.mget_nonatomic

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        async with self.client.pipeline() as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute()

    async def close(self) -> None:
        await self.client.aclose()


class SyncClusterRedisPy:
    def open(self, place: Place, threads: int) -> None:
        nodes = [redis.cluster.ClusterNode(host, port) for host, port in place.primaries]
        self.client = redis.RedisCluster(startup_nodes=nodes)
        self.get = self.client.get
        self.set = self.client.set
        self.mget = self.client.mget_nonatomic

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        with self.client.pipeline() as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute()

    def close(self) -> None:
        self.client.close()
