# Generated from tests/asyncio_/test_cycles.py by tools/generate.py. Do not edit.
"""A failed call leaves nothing to the garbage collector: an error that held itself would keep its caller's frames."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from threads.harness import rest
from respool import Pool
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


def garbage_of(call: Callable[[], Any], error: type[Error]) -> int:
    """Return how many unreachable objects in cycles some failing calls leave: 0, or as many in each of three rounds."""
    for _ in range(3):  # not counting what is created only once
        with pytest.raises(error):
            call()
    # One clean round is enough: what another test has left behind is found once, what the calls leave each time.
    found = 0
    for _ in range(3):
        found = garbage_of_a_round(call, error)
        if found == 0:
            break
    return found


def garbage_of_a_round(call: Callable[[], Any], error: type[Error]) -> int:
    rest()
    while gc.collect():  # the finalisers of one collection leave work to the next
        pass
    gc.disable()
    try:
        for _ in range(CALLS):
            try:
                call()
            except error:
                pass
        rest()
        return gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("what", ["acquire", "execute", "execute_many", "execute_noreply"])
def test_with_a_node_that_is_not_there(what: str, shared: int) -> None:
    with FakeNode() as node:
        url = node.url
    pool = Pool(url, shared=shared, connect_timeout=0.05)
    calls: dict[str, Callable[[], Any]] = {
        "acquire": lambda: borrow(pool, None),
        "execute": lambda: pool.execute("GET", "k"),
        "execute_many": lambda: pool.execute_many([("GET", "k")]),
        "execute_noreply": lambda: pool.execute_noreply("SET", "k", "v"),
    }
    found = garbage_of(calls[what], ConnectFailed)
    pool.close()
    assert found == 0


def borrow(pool: Pool[Any], timeout: float | None) -> None:
    with pool.acquire(timeout=timeout):
        raise AssertionError("there is nothing to lend")


def test_with_a_pool_that_is_lent_out() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=0, max_size=1) as pool, pool.acquire():
            assert garbage_of(lambda: borrow(pool, 0.001), PoolTimeout) == 0
            assert garbage_of(lambda: borrow(pool, 0), PoolTimeout) == 0
        with Pool(node.url, shared=0, max_size=1, on_full="raise") as pool, pool.acquire():
            assert garbage_of(lambda: borrow(pool, None), PoolExhausted) == 0


@pytest.mark.parametrize(
    ("multi", "set_", "exec_", "error"),
    [
        (LOADING, LOADING, LOADING, Loading),
        (b"+OK\r\n", b"+QUEUED\r\n", b"-TRYAGAIN wait\r\n", TryAgain),
        (b"+OK\r\n", b"+QUEUED\r\n", b"_\r\n", TransactionAborted),
        (b"+OK\r\n", LOADING, b"-EXECABORT Transaction discarded because of: LOADING wait\r\n", TransactionAborted),
    ],
)
def test_with_a_transaction_that_is_refused(multi: bytes, set_: bytes, exec_: bytes, error: type[Error]) -> None:
    with FakeNode({"MULTI": multi, "SET": set_, "EXEC": exec_}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            run = [("SET", "k", "v")]
            assert garbage_of(lambda: pool.execute_many(run, atomic=True), error) == 0

            def on_a_lease() -> None:
                with pool.acquire() as conn:
                    conn.execute_many(run, atomic=True)

            assert garbage_of(on_a_lease, error) == 0


def test_with_a_pipeline_that_raises_an_error() -> None:
    with FakeNode({"SET": b"-OOM no\r\n"}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:

            def fill() -> None:
                with pool.pipeline() as p:
                    p.set("k", "v")

            assert garbage_of(fill, OutOfMemory) == 0
