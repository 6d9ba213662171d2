"""Pools for clusters and event loops: a pool belongs to one, and a cancelled call leaves nothing in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import wait_until
from asyncio_.only.test_event_loops import elsewhere
from respool import AsyncClusterPool
from respool._facts.slots import key_of
from respool.errors import UsageError
from respool.testing import FakeCluster, FakeNode, Hold


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(3) as cluster:
        yield cluster


async def test_every_use_in_another_event_loop_is_a_clear_error_and_harms_nobody(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        assert await pool.set("key", 1) is True
        keys = [key_of(slot) for slot in (0, 8000, 16000)]

        async def acquire() -> Any:
            return await pool.acquire(key="key")

        for use in (
            lambda: pool.get("key"),
            lambda: pool.execute("GET", "key", timeout=1.0),
            lambda: pool.execute("MGET", *keys),
            lambda: pool.execute("DBSIZE"),
            lambda: pool.execute("BLPOP", "list", 1),
            lambda: pool.execute_many([("GET", key) for key in keys]),
            lambda: pool.execute_many([("GET", "key")], atomic=True),
            lambda: pool.execute_noreply("SET", "key", 2),
            acquire,
        ):
            error = elsewhere(use)  # type: ignore[arg-type]
            assert type(error) is UsageError
            assert "event loop" in str(error)
        assert await pool.get("key") == b"1"
        assert pool.leased == 0


@pytest.mark.parametrize("when", range(12))
async def test_opening_that_is_cancelled_leaves_nothing(cluster: FakeCluster, when: int) -> None:
    pool = AsyncClusterPool(cluster.url, min_size=1)
    task = asyncio.ensure_future(pool.open())
    for _ in range(when):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await pool.aclose()
    assert pool.size == 0


async def test_calls_that_are_cancelled_before_there_is_a_map_leave_nothing() -> None:
    with FakeNode.silent() as node:
        pool = AsyncClusterPool(seeds=[(node.host, node.port)])
        calls = [pool.get("k"), pool.execute("MGET", "k", "l"), pool.execute_many([("GET", "k")]), pool.open()]
        tasks = [asyncio.ensure_future(call) for call in calls]
        await wait_until(lambda: node.connections == 1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        await pool.aclose()


async def test_calls_over_several_nodes_that_are_cancelled_leave_their_connections_in_order(
    cluster: FakeCluster,
) -> None:
    keys = [key_of(slot) for slot in (0, 8000, 16000)]
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        for node in cluster.nodes:
            node.on("INCR", Hold(node.answer))
        many = asyncio.ensure_future(pool.execute_many([("INCR", key) for key in keys]))
        await wait_until(lambda: cluster.count("INCR") == 3)
        many.cancel()
        await asyncio.wait([many])
        for node in cluster.nodes:
            node.release()
        assert await pool.execute("MGET", *keys) == [b"1"] * 3
        assert pool.stats().dropped == 3


async def test_closing_that_is_cancelled_can_be_repeated(cluster: FakeCluster) -> None:
    pool = AsyncClusterPool(cluster.url, shared=1)
    await pool.open()
    for node in cluster.nodes:
        node.on("SET", Hold(node.answer))
    await pool.execute_noreply("SET", "key", 1)
    await wait_until(lambda: cluster.count("SET") == 1)
    closing = asyncio.ensure_future(pool.aclose(timeout=30.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await pool.aclose(timeout=0.0)
    assert pool.size == 0
