# Written once: tests/threads/test_cycles.py is generated from this file.
"""A failed call leaves nothing to the garbage collector: an error that held itself would keep its caller's frames."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from asyncio_.harness import rest
from respool import AsyncPool
from respool.errors import (
    ConnectFailed,
    Error,
    Loading,
    OutOfMemory,
    PoolExhausted,
    PoolTimeout,
    TransactionAborted,
    TryAgain,
)
from respool.testing import FakeNode

LOADING = b"-LOADING wait\r\n"
CALLS = 10


async def garbage_of(call: Callable[[], Any], error: type[Error]) -> int:
    """Return how many unreachable objects in cycles some failing calls leave: 0, or as many in each of three rounds."""
    for _ in range(3):  # not counting what is created only once
        with pytest.raises(error):
            await call()
    # One clean round is enough: what another test has left behind is found once, what the calls leave each time.
    found = 0
    for _ in range(3):
        found = await garbage_of_a_round(call, error)
        if found == 0:
            break
    return found


async def garbage_of_a_round(call: Callable[[], Any], error: type[Error]) -> int:
    await rest()
    while gc.collect():  # the finalisers of one collection leave work to the next
        pass
    gc.disable()
    try:
        for _ in range(CALLS):
            try:
                await call()
            except error:
                pass
        await rest()
        return gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("what", ["acquire", "execute", "execute_many", "execute_noreply"])
async def test_with_a_node_that_is_not_there(what: str, shared: int) -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, shared=shared, connect_timeout=0.05)
    calls: dict[str, Callable[[], Any]] = {
        "acquire": lambda: borrow(pool, None),
        "execute": lambda: pool.execute("GET", "k"),
        "execute_many": lambda: pool.execute_many([("GET", "k")]),
        "execute_noreply": lambda: pool.execute_noreply("SET", "k", "v"),
    }
    found = await garbage_of(calls[what], ConnectFailed)
    await pool.aclose()
    assert found == 0


async def borrow(pool: AsyncPool[Any], timeout: float | None) -> None:
    async with pool.acquire(timeout=timeout):
        raise AssertionError("there is nothing to lend")


async def test_with_a_pool_that_is_lent_out() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool, pool.acquire():
            assert await garbage_of(lambda: borrow(pool, 0.001), PoolTimeout) == 0
            assert await garbage_of(lambda: borrow(pool, 0), PoolTimeout) == 0
        async with AsyncPool(node.url, shared=0, max_size=1, on_full="raise") as pool, pool.acquire():
            assert await garbage_of(lambda: borrow(pool, None), PoolExhausted) == 0


@pytest.mark.parametrize(
    ("multi", "set_", "exec_", "error"),
    [
        (LOADING, LOADING, LOADING, Loading),
        (b"+OK\r\n", b"+QUEUED\r\n", b"-TRYAGAIN wait\r\n", TryAgain),
        (b"+OK\r\n", b"+QUEUED\r\n", b"_\r\n", TransactionAborted),
        (b"+OK\r\n", LOADING, b"-EXECABORT Transaction discarded because of: LOADING wait\r\n", TransactionAborted),
    ],
)
async def test_with_a_transaction_that_is_refused(multi: bytes, set_: bytes, exec_: bytes, error: type[Error]) -> None:
    with FakeNode({"MULTI": multi, "SET": set_, "EXEC": exec_}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:
            run = [("SET", "k", "v")]
            assert await garbage_of(lambda: pool.execute_many(run, atomic=True), error) == 0

            async def on_a_lease() -> None:
                async with pool.acquire() as conn:
                    await conn.execute_many(run, atomic=True)

            assert await garbage_of(on_a_lease, error) == 0


async def test_with_a_pipeline_that_raises_an_error() -> None:
    with FakeNode({"SET": b"-OOM no\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:

            async def fill() -> None:
                async with pool.pipeline() as p:
                    p.set("k", "v")

            assert await garbage_of(fill, OutOfMemory) == 0
