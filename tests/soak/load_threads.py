"""The load for threads: the same as for asyncio, except that nothing is cancelled."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from respool import Pool

from .books import Book, Tally, Wrong
from .load_asyncio import DIRT


class Worker:
    """A thread with a key and a counter."""

    def __init__(self, name: str, pools: list[Pool[bytes]], tally: Tally, chance: random.Random, fresh: Any) -> None:
        self.book = Book(name)
        self.pools = pools
        self._tally = tally
        self._chance = chance
        self._fresh = fresh  # makes a new pool for this worker

    def run(self, stop: threading.Event) -> None:
        operations = (self.write, self.read, self.add, self.look, self.add_many, self.lease, self.block, self.dirty)
        while not stop.is_set():
            operation = self._chance.choice(operations) if self._chance.random() < 0.995 else self.own_pool
            try:
                operation(self._chance.choice(self.pools))
            except Exception as error:
                self._tally.failed(operation.__name__, error)
                time.sleep(0.005)
            else:
                self._tally.count(operation.__name__)

    def _timeout(self) -> float | None:
        return self._chance.expovariate(50) if self._chance.random() < 0.2 else None

    def write(self, pool: Pool[bytes]) -> None:
        value = self.book.next_value(self._chance.choice((40, 40, 40, 3000, 100_000)))
        pool.execute("SET", self.book.key, value, timeout=self._timeout())
        self.book.wrote(value)

    def read(self, pool: Pool[bytes]) -> None:
        self.book.check_value(pool.execute("GET", self.book.key, timeout=self._timeout()))

    def add(self, pool: Pool[bytes]) -> None:
        self.book.adding()
        try:
            pool.execute("INCR", self.book.counter, timeout=self._timeout())
        except Exception as error:
            self.book.not_added(error)
            raise
        self.book.added()

    def look(self, pool: Pool[bytes]) -> None:
        self.book.check_counter(pool.get(self.book.counter))

    def add_many(self, pool: Pool[bytes]) -> None:
        count = self._chance.choice((2, 10, 100))
        self.book.adding(count)
        try:
            replies = pool.execute_many([("INCR", self.book.counter)] * count, atomic=self._chance.random() < 0.5)
        except Exception as error:
            self.book.not_added(error, count)
            raise
        if any(not isinstance(reply, int) for reply in replies):
            return  # LOADING in the middle: it is unknown which commands ran
        self.book.added(count)

    def lease(self, pool: Pool[bytes]) -> None:
        with pool.acquire(timeout=self._chance.choice((0.01, 1.0, 3.0))) as lease:
            self.book.check_value(lease.execute("GET", self.book.key))
            self.book.check_counter(lease.execute("GET", self.book.counter))

    def block(self, pool: Pool[bytes]) -> None:
        reply = pool.execute("BLPOP", self.book.list, 0.02)
        if reply is not None:
            raise Wrong(f"an empty list gave {reply!r}")

    def dirty(self, pool: Pool[bytes]) -> None:
        with pool.acquire(timeout=1.0) as lease:
            lease.execute(*self._chance.choice(DIRT).split())

    def own_pool(self, _: Pool[bytes]) -> None:
        with self._fresh() as pool:
            self.book.check_value(pool.get(self.book.key))

    def finish(self) -> None:
        """Read and check everything, without faults."""
        self.book.check_value(self.pools[0].get(self.book.key))
        self.book.check_counter(self.pools[0].get(self.book.counter))
