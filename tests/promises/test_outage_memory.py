"""What producers cost while the server takes nothing: no more than the caps and their own commands (P-14, R-22)."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from respool import AsyncPool, Pool
from respool.errors import PoolTimeout, ReadTimeout
from respool.testing import Server

PRODUCERS = 50
VALUE = b"v" * 64 * 1024
CAP = 4 * 1024 * 1024
ROUNDS = 40
#: Of 125 MiB offered: the cap, as a queue, as one piece of bytes and in the buffer of the socket; the values that
#: producers hold; in the admission queue, two commands for each; and room for the rest.
LIMIT = 3 * CAP + 4 * PRODUCERS * len(VALUE) + 12 * 1024 * 1024
OPTIONS = {"max_in_flight_bytes": CAP, "read_timeout": 30.0, "retry": None, "shared": 1}


@pytest.fixture
def frozen() -> Iterator[Server]:
    with Server() as server:
        yield server
        server.resume()


def measured() -> int:
    return tracemalloc.get_traced_memory()[1]


async def test_tasks_that_produce_during_an_outage_cost_no_more_than_the_caps(frozen: Server, figure: Any) -> None:
    asyncio.get_running_loop().set_debug(False)

    async def produce(pool: AsyncPool[bytes], number: int) -> int:
        given_up = 0
        for _ in range(ROUNDS):
            try:
                await pool.execute("SET", f"k{number}", bytes(VALUE + b"%d" % number), timeout=0.03)
            except (ReadTimeout, PoolTimeout):
                given_up += 1
        return given_up

    async with AsyncPool(frozen.url, **OPTIONS) as pool:
        assert await pool.execute("PING") == b"PONG"
        frozen.pause()
        tracemalloc.start()
        try:
            given_up = await asyncio.gather(*(produce(pool, number) for number in range(PRODUCERS)))
            peak = measured()
        finally:
            tracemalloc.stop()
            frozen.resume()
        assert sum(given_up) > PRODUCERS * ROUNDS * 0.75
        assert peak < LIMIT, f"{peak / 2**20:.1f} MiB"
        figure("P-14", "memory at the peak of an outage, of 125 MiB offered, MiB", peak / 2**20, most=True)
        assert await pool.execute("PING") == b"PONG"


def test_threads_that_produce_during_an_outage_cost_no_more_than_the_caps(frozen: Server, figure: Any) -> None:
    given_up = [0]

    def produce(pool: Pool[bytes], number: int) -> None:
        for _ in range(ROUNDS):
            try:
                pool.execute("SET", f"k{number}", bytes(VALUE + b"%d" % number), timeout=0.03)
            except (ReadTimeout, PoolTimeout):
                given_up[0] += 1

    with Pool(frozen.url, **OPTIONS) as pool:
        assert pool.execute("PING") == b"PONG"
        frozen.pause()
        tracemalloc.start()
        try:
            threads = [threading.Thread(target=produce, args=(pool, number)) for number in range(PRODUCERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            peak = measured()
        finally:
            tracemalloc.stop()
            frozen.resume()
        assert given_up[0] > PRODUCERS * ROUNDS * 0.75
        assert peak < LIMIT, f"{peak / 2**20:.1f} MiB"
        figure("P-14", "memory at the peak of an outage, of 125 MiB offered, MiB", peak / 2**20, most=True)
        assert pool.execute("PING") == b"PONG"
