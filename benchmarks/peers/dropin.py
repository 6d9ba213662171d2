"""respool's drop-in for redis-py: what ``redis_py`` does, with its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.redis_py import AsyncRedisPy, SyncRedisPy, blocking_options
from respool.compat import redis

if TYPE_CHECKING:
    from benchmarks._question import Place


class AsyncDropIn(AsyncRedisPy):
    async def open(self, place: Place, tasks: int) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(place.url, **blocking_options())
        self.client = redis.asyncio.Redis.from_pool(pool)
        self.get = self.client.get
        self.set = self.client.set


class SyncDropIn(SyncRedisPy):
    def open(self, place: Place, threads: int) -> None:
        self.client = redis.Redis.from_url(place.url)
        self.get = self.client.get
        self.set = self.client.set
