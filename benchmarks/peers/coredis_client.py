"""coredis, with a pool as large as redis-py's."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

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
