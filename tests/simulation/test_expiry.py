"""Connections of one age do not end together (P-15, R-15), in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from respool import AsyncPool
from respool.events import ConnectionClosed

from .stage import Stage


@pytest.mark.parametrize("shared", [0, 2])
def test_no_more_than_a_twentieth_of_a_pool_ends_within_ten_seconds(shared: int, figure: Any) -> None:
    stage = Stage()
    started: list[float] = []
    ends: list[float] = []

    def hear(event: object) -> None:
        if isinstance(event, ConnectionClosed):
            ends.append(asyncio.get_running_loop().time() - started[0])

    async def story() -> None:
        pool = AsyncPool[bytes](min_size=100, max_size=110, shared=shared, keepalive=None, max_idle=None, listener=hear)
        started.append(asyncio.get_running_loop().time())
        await pool.open()
        await asyncio.sleep(3700.0)
        assert (pool.stats().opened, pool.stats().closed, pool.stats().lost) == (200, 100, 0)
        await pool.aclose()

    stage.run(story())
    first = sorted(ends)[:100]
    assert 3600.0 * 0.9 <= first[0] <= first[-1] <= 3605.0
    busiest = max(sum(at <= other < at + 10.0 for other in first) for at in first)
    assert busiest <= 5
    figure("P-15", "of 100 connections of one age, ended within ten seconds, at most", busiest, most=True)
