"""respool with its default options: the pool for one node, and the pool for a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool import AsyncClusterPool, AsyncPool, ClusterPool, Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks._question import Place


class AsyncOurs:
    options: Mapping[str, Any] = {}

    async def open(self, place: Place, tasks: int) -> None:
        self.pool: AsyncPool[bytes] = AsyncPool(place.url, **self.options)
        await self.pool.open()
        self.get = self.pool.get
        self.set = self.pool.set

    async def mget(self, keys: list[str]) -> list[Any]:
        return await self.pool.mget(*keys)

    async def count(self, key: str, seconds: int) -> int:
        async with self.pool.pipeline(atomic=True) as pipe:
            found = pipe.incr(key)
            pipe.expire(key, seconds)
        return found.result()

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        return await self.pool.execute_many(commands)

    async def close(self) -> None:
        await self.pool.aclose()


class AsyncPatient(AsyncOurs):
    """Waits for a server that went down for as long as redis-py waits for a connection."""

    options = {"connect_timeout": 5.0}  # noqa: RUF012 - nobody changes it


class SyncOurs:
    def open(self, place: Place, threads: int) -> None:
        self.pool: Pool[bytes] = Pool(place.url)
        self.pool.open()
        self.get = self.pool.get
        self.set = self.pool.set

    def mget(self, keys: list[str]) -> list[Any]:
        return self.pool.mget(*keys)

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        return self.pool.execute_many(commands)

    def close(self) -> None:
        self.pool.close()


class SyncLeases(SyncOurs):
    """No shared connection: each command leases one, and there are as many as threads."""

    def open(self, place: Place, threads: int) -> None:
        self.pool = Pool(place.url, shared=0, max_size=threads)
        self.pool.open()
        self.get = self.pool.get
        self.set = self.pool.set


class AsyncClusterOurs:
    async def open(self, place: Place, tasks: int) -> None:
        self.pool: AsyncClusterPool[bytes] = AsyncClusterPool(place.cluster_url)
        await self.pool.open()
        self.get = self.pool.get
        self.set = self.pool.set

    async def mget(self, keys: list[str]) -> list[Any]:
        return await self.pool.mget(*keys)

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        return await self.pool.execute_many(commands)

    async def close(self) -> None:
        await self.pool.aclose()


class SyncClusterOurs:
    def open(self, place: Place, threads: int) -> None:
        self.pool: ClusterPool[bytes] = ClusterPool(place.cluster_url)
        self.pool.open()
        self.get = self.pool.get
        self.set = self.pool.set

    def mget(self, keys: list[str]) -> list[Any]:
        return self.pool.mget(*keys)

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        return self.pool.execute_many(commands)

    def close(self) -> None:
        self.pool.close()
