"""P-07 with exact time: how many connections a spike of callers opens if leases come back sooner than a dial takes.

With a real clock, a busy machine may stall for longer than the pool waits before it starts a second dial.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from respool import AsyncPool

from .loop import Order
from .stage import Stage


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("max_dials", [1, 2, 4])
def test_a_spike_of_50_callers_on_5_connections_opens_one_at_most(max_dials: int, *, coarse: bool, figure: Any) -> None:
    stage = Stage(Order(coarse=coarse))

    async def story() -> None:
        pool = AsyncPool[bytes](shared=0, min_size=5, max_size=50, max_dials=max_dials)
        await pool.open()
        assert (pool.idle, stage.server.accepted) == (5, 5)
        stage.server.latency = 0.15
        stage.server.slowness = (1.0, 0.004)
        assert await asyncio.gather(*(pool.execute("ECHO", str(n)) for n in range(50))) == [
            str(n).encode() for n in range(50)
        ]
        assert pool.size <= 6
        await asyncio.sleep(1.0)
        assert (pool.dialing, pool.size <= 6, stage.server.accepted <= 6) == (0, True, True)
        await pool.aclose()

    stage.run(story())
    figure("P-07", "connections for a spike of 50 callers on 5 connections, at most", stage.server.accepted, most=True)
