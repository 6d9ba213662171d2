# Written once: tests/threads/test_measured.py is generated from this file.
"""Promises with a number are measured: how late, how often, how much. The summary of a run prints the numbers.

The bounds on times are wide, for busy machines; the figure is the measured value.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from asyncio_.harness import now, wait_until
from effort import IS_PROOF
from respool import AsyncPool
from respool.errors import OutcomeUnknown, PoolTimeout
from respool.testing import FakeNode, FaultProxy, Server

MIB = 1 << 20
VALUE = b"v" * 65_536


@pytest.mark.parametrize("node_of", [FakeNode.silent, FakeNode.full], ids=["never answers", "never accepts"])
async def test_acquire_into_a_black_hole_ends_on_time(node_of: Any, figure: Any) -> None:
    with node_of() as node:
        pool = AsyncPool(node.url, shared=0, connect_timeout=5.0)
        late = []
        for _ in range(10):
            started = now()
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.1)
            late.append(now() - started - 0.1)
        await pool.aclose()
    assert -0.002 <= min(late) <= max(late) < 3.0  # uvloop counts in milliseconds
    figure("P-05", "acquire(0.1) into a black hole ends late by, at most, ms", max(late) * 1000, most=True)


async def test_a_write_whose_reply_is_dropped_runs_once(server: Server, figure: Any) -> None:
    unknown = 0
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            for number in range(12):
                await wait_until(lambda: pool.shared == 1)
                proxy.down.limit_after(number % 4, total=True)
                with pytest.raises(OutcomeUnknown):
                    await pool.execute("INCR", "k")
                unknown += 1
    ran = int(server.command("GET", "k"))
    assert ran == unknown == 12
    figure("P-10", "writes whose reply was cut off", unknown)
    figure("P-10", "how often they ran", ran)


async def test_an_idle_connection_into_a_black_hole_is_found_soon_after_keepalive(server: Server, figure: Any) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=0, min_size=1, keepalive=0.2, read_timeout=0.3) as pool:
            await wait_until(lambda: pool.idle == 1)
            proxy.up.black_hole = True
            started = now()
            await wait_until(lambda: pool.stats().lost == 1)
            took = now() - started
            proxy.up.heal()
    assert took < 0.2 + 0.3 + 5.0
    figure("P-11", "a dead idle peer is found after keepalive and, of read_timeout 0.3 s, s", took - 0.2, most=True)


async def test_a_pipeline_of_many_mib_costs_a_few(server: Server, figure: Any) -> None:
    size = 1024 if IS_PROOF else 256  # MiB
    count = size * MIB // len(VALUE)
    async with AsyncPool(server.url) as pool:
        tracemalloc.start()
        try:
            answers = await pool.execute_many([("SET", "k", VALUE)] * count)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert len(answers) == count
        assert set(answers) == {b"OK"}
        assert server.command("STRLEN", "k") == len(VALUE)
        assert pool.stats().lost == 0
    assert peak < 8 * MIB
    figure("P-14", f"memory at the peak of a pipeline of {size} MiB, MiB", peak / MIB, most=True)
