"""A node and its callers in bad times: a stalled connection, a mass reconnect, an overload (P-12, P-15, P-20)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from respool import AsyncPool
from respool.errors import Loading
from respool.events import ConnectionOpened
from respool.testing import FakeConnection, FakeNode, Server, Silence


async def until(predicate: Any, timeout: float = 15.0) -> None:
    deadline = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


async def test_one_frozen_connection_of_four_does_not_slow_down_the_rest(figure: Any) -> None:
    frozen: set[int] = set()

    def answer(_: Any, connection: FakeConnection) -> bytes | Silence:
        return Silence() if connection.number in frozen else b"$1\r\nx\r\n"

    times: list[float] = []

    async def call(pool: AsyncPool[bytes], seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            started = time.monotonic()
            await pool.execute("GET", "k")
            times.append(time.monotonic() - started)

    def p99() -> float:
        return sorted(times)[int(len(times) * 0.99)]

    with FakeNode({"GET": answer}) as node:
        async with AsyncPool(node.url, shared=4, max_size=6, stall_after=0.1, read_timeout=5.0) as pool:
            await asyncio.gather(*(call(pool, 0.5) for _ in range(10)))
            healthy = p99()
            frozen.add(1)
            stuck = [asyncio.create_task(pool.execute("GET", "k")) for _ in range(40)]
            await until(lambda: sum(task.done() for task in stuck) == 30)  # the others met the frozen one
            started = time.monotonic()
            await until(lambda: time.monotonic() - started > 0.15)  # stall_after is over
            times.clear()
            await asyncio.gather(*(call(pool, 0.5) for _ in range(10)))
            assert len(times) > 100
            assert p99() <= max(2 * healthy, 1.0)  # on the frozen one it would be read_timeout
            figure(
                "P-12",
                "p99 of all with one of four connections frozen, against all healthy",
                p99() / healthy,
                most=True,
            )
            for task in stuck:
                task.cancel()
            await asyncio.wait(stuck)
            await pool.aclose(timeout=0.0)  # does not wait for what the frozen one owes


@pytest.mark.slow
async def test_a_hundred_pools_do_not_reconnect_in_the_same_instant(figure: Any) -> None:
    asyncio.get_running_loop().set_debug(False)
    opened: list[float] = []

    def hear(event: object) -> None:
        if isinstance(event, ConnectionOpened):
            opened.append(time.monotonic())

    with Server() as server:
        pools = [AsyncPool(server.url, min_size=10, max_size=12, listener=hear) for _ in range(100)]
        await asyncio.gather(*(pool.open() for pool in pools))
        assert len(opened) == 1000
        await asyncio.to_thread(server.kill)
        # Each has tried some five times: it is down for about half a second.
        await until(lambda: sum(pool.stats().dial_failures for pool in pools) >= 450)
        opened.clear()
        started = time.monotonic()
        await asyncio.to_thread(server.start)  # not in the loop: what becomes due meanwhile would be dialed at once
        await until(lambda: sum(pool.size - pool.dialing for pool in pools) == 1000)
        took = time.monotonic() - started
        at = Counter(int((moment - started) * 10) for moment in opened)
        await asyncio.gather(*(pool.aclose() for pool in pools))
    assert len(opened) == 1000  # nobody dialed more than was lost
    # How evenly is a matter of exact time, and tried there (tests/pooling/test_fleet.py). A machine that stands still
    # for a tenth of a second makes two tenths of one.
    assert max(at.values()) <= 200, f"{max(at.values())} of 1000 within 0.1 s, all within {took:.1f} s"
    assert took < 15.0
    figure(
        "P-15", "of 1000 connections that come back, within one tenth of a second, at most", max(at.values()), most=True
    )


async def test_retries_add_no_more_than_their_budget_to_an_overload_and_nothing_is_left_of_it(figure: Any) -> None:
    asyncio.get_running_loop().set_debug(False)
    is_overloaded = [False]

    def answer(_: Any, __: FakeConnection) -> bytes:
        return b"-LOADING busy\r\n" if is_overloaded[0] else b"$1\r\nx\r\n"

    async def ask(pool: AsyncPool[bytes]) -> bool:
        try:
            return bool(await pool.execute("GET", "k") == b"x")
        except Loading:
            return False

    with FakeNode({"GET": answer}) as node:
        async with AsyncPool(node.url) as pool:
            asked = 0
            started = time.monotonic()
            for overloaded in (False, True):
                is_overloaded[0] = overloaded
                for _ in range(30):
                    answers = await asyncio.gather(*(ask(pool) for _ in range(100)))
                    asked += 100
                    assert any(answers) != overloaded
            took = time.monotonic() - started
            sent = len(node.calls("GET"))
            assert sent <= asked * 1.2 + 10 * (took + 2), f"{sent} commands for {asked} calls"
            figure("P-20", "commands sent for each call, half of the time in an overload", sent / asked, most=True)
            is_overloaded[0] = False
            assert all(await asyncio.gather(*(ask(pool) for _ in range(100))))
            assert pool.stats().lost == 0
