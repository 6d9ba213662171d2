"""Bugs of the pool for a cluster that the simulation has found, as short tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from respool import AsyncClusterPool
from respool.errors import OutcomeUnknown, PoolClosed, PoolTimeout

from .stage import ClusterStage

#: In the lower and in the upper half of the slots.
LOW, HIGH = "n:1", "n:2"


def _check_keys(stage: ClusterStage) -> None:
    assert [stage.cluster.owner_of(key.encode()) for key in (LOW, HIGH)] == stage.nodes[:2]


def test_a_node_without_a_free_connection_costs_a_pipeline_its_own_commands_alone() -> None:
    stage = ClusterStage()
    _check_keys(stage)

    async def story() -> None:
        async with AsyncClusterPool[bytes](seeds=stage.seeds, shared=0, max_size=1, acquire_timeout=0.1) as pool:
            async with pool.acquire(key=LOW):
                low, high = await pool.execute_many([("INCR", LOW), ("INCR", HIGH)])
            assert (type(low), high) == (PoolTimeout, 1)
            assert await pool.execute("INCR", HIGH) == 2

    stage.run(story())


def test_the_error_of_a_pipeline_does_not_say_that_nothing_was_sent_if_something_was() -> None:
    stage = ClusterStage()
    _check_keys(stage)

    async def story() -> None:
        pool = AsyncClusterPool[bytes](seeds=stage.seeds, shared=0, max_size=1, acquire_timeout=0.1, retry=None)
        async with pool, pool.acquire(key=LOW):
            await pool.execute("INCR", HIGH)
            for session in stage.nodes[1].sessions:
                session.cut_next_reply(0.0)
            with pytest.raises(OutcomeUnknown):
                await pool.execute_many([("INCR", LOW), ("INCR", HIGH)])
        assert stage.cluster.increments == {HIGH.encode(): 2}

    stage.run(story())


def test_a_pipeline_that_a_closing_pool_interrupts_returns_what_has_been_answered() -> None:
    stage = ClusterStage()
    _check_keys(stage)

    async def story() -> None:
        pool = AsyncClusterPool[bytes](seeds=stage.seeds, shared=0, max_size=1)
        await pool.execute("GET", HIGH)
        lease = await pool.acquire(key=LOW)
        call: asyncio.Task[Any] = asyncio.create_task(pool.execute_many([("INCR", HIGH), ("INCR", LOW)]))
        await asyncio.sleep(0.1)
        assert stage.cluster.increments == {HIGH.encode(): 1}
        await pool.aclose(timeout=0.0)
        high, low = await call
        assert (high, type(low)) == (1, PoolClosed)
        pool.release(lease)

    stage.run(story())
