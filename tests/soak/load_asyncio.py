"""The load for asyncio: workers that use both lanes, time out, and are cancelled."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from respool import AsyncPool

from .books import Book, Tally, Wrong

DIRT = ("MULTI", "WATCH k", "SELECT 3", "CLIENT TRACKING ON", "CLIENT NO-EVICT ON", "SUBSCRIBE c")


class Worker:
    """A worker that runs one task after another for the same key and counter."""

    def __init__(
        self, name: str, pools: list[AsyncPool[bytes]], tally: Tally, chance: random.Random, fresh: Any
    ) -> None:
        self.book = Book(name)
        self.pools = pools
        self._tally = tally
        self._chance = chance
        self._fresh = fresh  # makes a new pool for this worker

    async def run(self, stop: asyncio.Event) -> None:
        operations = (self.write, self.read, self.add, self.look, self.add_many, self.lease, self.block, self.dirty)
        while not stop.is_set():
            operation = self._chance.choice(operations) if self._chance.random() < 0.995 else self.own_pool
            await self._try(operation)

    async def _try(self, operation: Any) -> None:
        """Run one operation; one in eight is cancelled while it runs."""
        name = operation.__name__
        pool = self._chance.choice(self.pools)
        task = asyncio.get_running_loop().create_task(operation(pool))
        alarm = None
        if self._chance.random() < 0.125:
            alarm = asyncio.get_running_loop().call_later(self._chance.expovariate(500), task.cancel)
        try:
            await asyncio.wait([task])
        finally:
            if alarm is not None:
                alarm.cancel()
        if task.cancelled():
            self._tally.count("cancelled")
        elif (error := task.exception()) is not None:
            self._tally.failed(name, error)
            if not isinstance(error, Wrong):
                await asyncio.sleep(0.005)
        else:
            self._tally.count(name)

    def _timeout(self) -> float | None:
        return self._chance.expovariate(50) if self._chance.random() < 0.2 else None

    async def write(self, pool: AsyncPool[bytes]) -> None:
        value = self.book.next_value(self._chance.choice((40, 40, 40, 3000, 100_000)))
        await pool.execute("SET", self.book.key, value, timeout=self._timeout())
        self.book.wrote(value)

    async def read(self, pool: AsyncPool[bytes]) -> None:
        self.book.check_value(await pool.execute("GET", self.book.key, timeout=self._timeout()))

    async def add(self, pool: AsyncPool[bytes]) -> None:
        self.book.adding()
        try:
            await pool.execute("INCR", self.book.counter, timeout=self._timeout())
        except Exception as error:
            self.book.not_added(error)
            raise
        self.book.added()

    async def look(self, pool: AsyncPool[bytes]) -> None:
        self.book.check_counter(await pool.get(self.book.counter))

    async def add_many(self, pool: AsyncPool[bytes]) -> None:
        count = self._chance.choice((2, 10, 100))
        self.book.adding(count)
        commands = [("INCR", self.book.counter)] * count
        try:
            replies = await pool.execute_many(commands, atomic=self._chance.random() < 0.5)
        except Exception as error:
            self.book.not_added(error, count)
            raise
        if any(not isinstance(reply, int) for reply in replies):
            return  # LOADING in the middle: it is unknown which commands ran
        self.book.added(count)

    async def lease(self, pool: AsyncPool[bytes]) -> None:
        async with pool.acquire(timeout=self._chance.choice((0.01, 1.0, 3.0))) as lease:
            self.book.check_value(await lease.execute("GET", self.book.key))
            self.book.check_counter(await lease.execute("GET", self.book.counter))

    async def block(self, pool: AsyncPool[bytes]) -> None:
        reply = await pool.execute("BLPOP", self.book.list, 0.02)
        if reply is not None:
            raise Wrong(f"an empty list gave {reply!r}")

    async def dirty(self, pool: AsyncPool[bytes]) -> None:
        async with pool.acquire(timeout=1.0) as lease:
            await lease.execute(*self._chance.choice(DIRT).split())

    async def own_pool(self, _: AsyncPool[bytes]) -> None:
        async with self._fresh() as pool:
            self.book.check_value(await pool.get(self.book.key))

    async def finish(self) -> None:
        """Read and check everything, without faults."""
        self.book.check_value(await self.pools[0].get(self.book.key))
        self.book.check_counter(await self.pools[0].get(self.book.counter))
