"""coredis, with a pool as large as redis-py's; for a cluster, one for each node."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import coredis

from benchmarks.peers import POOL_SIZE

if TYPE_CHECKING:
    from benchmarks._question import Place


class AsyncCoredis:
    async def open(self, place: Place, tasks: int) -> None:
        self._exits = AsyncExitStack()
        client = coredis.Redis(host=place.host, port=place.port, max_connections=POOL_SIZE)
        self.client = await self._exits.enter_async_context(client)
        self.get = self.client.get
        self.set = self.client.set

    async def close(self) -> None:
        await self._exits.aclose()


class AsyncClusterCoredis:
    async def open(self, place: Place, tasks: int) -> None:
        self._exits = AsyncExitStack()
        nodes = [coredis.connection.TCPLocation(host, port) for host, port in place.primaries]
        client = coredis.RedisCluster(startup_nodes=nodes, max_connections=POOL_SIZE, max_connections_per_node=True)
        self.client = await self._exits.enter_async_context(client)
        self.get = self.client.get
        self.set = self.client.set
        self.mget = self.client.mget

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        async with self.client.pipeline() as pipe:
            asked = [pipe.get(key) for _, key in commands]  # it has no way to send words as they are
        return [await one for one in asked]

    async def close(self) -> None:
        await self._exits.aclose()
