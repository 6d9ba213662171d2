"""The result of ``acquire()`` can be awaited, entered, or made a task of, but only once (R-27)."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncPool
from respool.errors import PoolClosed, PoolTimeout, UsageError
from respool.testing import Server


async def in_a_group(borrowing: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(borrowing)
    return task.result()


async def alone(borrowing: Any) -> Any:
    return await borrowing


async def first_done(borrowing: Any) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(borrowing)])
    return done.pop().result()


async def gathered(borrowing: Any) -> Any:
    return (await asyncio.gather(borrowing))[0]


WAYS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "await": alone,
    "create_task": asyncio.create_task,
    "TaskGroup": in_a_group,
    "ensure_future": first_done,
    "gather": gathered,
    "wait_for": lambda borrowing: asyncio.wait_for(borrowing, 5.0),
    "__aenter__": lambda borrowing: borrowing.__aenter__(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_to_run_a_command_gives_a_lease_too(server: Server, way: str) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        for _ in range(2):
            conn = await WAYS[way](pool.acquire())
            assert await conn.ping()
            assert pool.leased == 1
            pool.release(conn)
        assert (pool.leased, pool.idle) == (0, 1)


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
async def test_a_second_use_is_refused_and_takes_nothing(server: Server, first: str, second: str) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        borrowing = pool.acquire()
        conn = await WAYS[first](borrowing)
        with pytest.raises((UsageError, ExceptionGroup)) as caught:
            await WAYS[second](borrowing)
        error = caught.value.exceptions[0] if isinstance(caught.value, ExceptionGroup) else caught.value
        assert isinstance(error, UsageError)
        assert "once for each lease" in str(error)
        assert await conn.ping()
        assert pool.leased == 1
        pool.release(conn)
        assert (pool.leased, pool.size) == (0, 1)


async def test_one_block_entered_by_two_tasks_lends_to_one_of_them(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        borrowing = pool.acquire()

        async def use() -> Any:
            async with borrowing as conn:
                return await conn.ping()

        outcomes = await asyncio.gather(use(), use(), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [bool, UsageError]
        assert (pool.leased, pool.size) == (0, 1)


async def test_leaving_the_block_after_a_release_inside_changes_nothing(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        async with pool.acquire() as conn:
            pool.release(conn)
            assert (pool.leased, pool.idle) == (0, 1)
        assert (pool.leased, pool.idle, pool.stats().releases) == (0, 1, 1)


async def test_a_task_of_it_can_be_cancelled_at_any_moment(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool, pool.acquire():
        early, late = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
        early.cancel()  # it has not begun
        await wait_until(lambda: pool.waiting == 1)
        late.cancel()
        outcomes = await asyncio.gather(early, late, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
        assert pool.waiting == 0
        with pytest.raises(PoolTimeout):
            await asyncio.create_task(pool.acquire(timeout=0.01))
        closing = asyncio.create_task(pool.acquire())
        await wait_until(lambda: pool.waiting == 1)
        assert "acquire()" in repr(closing)
        await pool.aclose()
        with pytest.raises(PoolClosed):
            await closing


async def test_one_that_is_dropped_or_closed_has_taken_nothing_and_warns_of_nothing(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pool.acquire()
            closed = pool.acquire()
            closed.close()
            gc.collect()
        with pytest.raises(UsageError):
            await closed
        assert pool.leased == 0
        assert inspect.isawaitable(pool.acquire())
        assert asyncio.iscoroutine(pool.acquire())
