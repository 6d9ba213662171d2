"""Subscribers in asyncio: one connection for all of them, cancels, and event loops."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncPool
from respool.errors import UsageError
from respool.testing import Server
from respool.types import Gap


async def test_one_connection_serves_all_subscribers(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        subs = [pool.subscribe(f"c{number % 3}") for number in range(9)]
        await asyncio.gather(*[sub.open() for sub in subs])
        assert pool.leased == 1
        assert await pool.publish("c0", "x") == 1
        for number, sub in enumerate(subs):
            assert (await sub.next(0.1) is not None) == (number % 3 == 0)
        for number, sub in enumerate(subs):
            assert pool.leased == 1
            await sub.aclose()
            if number == 6:  # the last one of its channel
                await wait_until(lambda: len(server.command("PUBSUB", "CHANNELS")) == 2)
        assert pool.leased == 0
        async with pool.subscribe("again"):
            assert pool.leased == 1


async def test_a_reader_that_is_slow_delays_nobody(server: Server) -> None:
    async with AsyncPool(server.url) as pool, pool.subscribe("c", queue=10) as slow, pool.subscribe("c") as quick:
        await pool.execute_many([("PUBLISH", "c", number) for number in range(500)])
        for number in range(500):
            message = await quick.next(5.0)
            assert message is not None
            assert message.data == b"%d" % number
        assert (slow.queued, slow.dropped, quick.dropped) == (10, 490, 0)


async def test_a_cancel_at_any_moment_of_entering_leaves_nothing(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        ways_out = set()
        for steps in range(60):

            async def enter() -> str:
                async with pool.subscribe("a", patterns="b*"):
                    return "in"

            task = asyncio.create_task(enter())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            ways_out.update(str(each) for each in await asyncio.gather(task, return_exceptions=True))
            assert pool.leased == pool.waiting == 0
        assert ways_out <= {"", "in"}
        await wait_until(lambda: server.command("PUBSUB", "CHANNELS") == [])


async def test_a_cancelled_wait_loses_no_message(server: Server) -> None:
    async with AsyncPool(server.url) as pool, pool.subscribe("a") as sub:
        got: list[Any] = []
        for number in range(100):
            waiting = asyncio.create_task(sub.next())
            await asyncio.sleep(0)
            publishing = asyncio.create_task(pool.publish("a", number))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            waiting.cancel()
            got += await asyncio.gather(waiting, return_exceptions=True)
            await publishing
        while (message := await sub.next(0.05)) is not None:
            got.append(message)
        data = [int(message.data) for message in got if not isinstance(message, BaseException)]
        assert data == list(range(100))


async def test_a_cancelled_subscribe_leaves_what_there_was(server: Server) -> None:
    async with AsyncPool(server.url) as pool, pool.subscribe("a") as sub:
        for steps in range(12):
            task = asyncio.create_task(sub.subscribe("a", "b"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if task.cancel():
                await asyncio.gather(task, return_exceptions=True)
                assert sub.channels == {b"a"}
            await sub.unsubscribe("b")
        await wait_until(lambda: server.command("PUBSUB", "CHANNELS") == [b"a"])


async def test_one_who_only_looks_finds_messages(server: Server) -> None:
    async with AsyncPool(server.url) as pool, pool.subscribe("a") as sub:
        server.command("PUBLISH", "a", "x")
        for _ in range(100_000):  # nothing else lets the loop read
            if await sub.next(0) is not None:
                break
        else:
            pytest.fail("it never came")


async def test_a_hook_may_be_async(server: Server) -> None:
    seen = []

    async def note(gap: Any) -> None:
        await asyncio.sleep(0)
        seen.append(gap.reason)

    async with AsyncPool(server.url) as pool, pool.subscribe("a", on_gap=note) as sub:
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        assert await sub.next(0.3) is None
        assert seen == ["lost"]


async def test_a_gap_begins_before_a_loss_that_a_busy_loop_reads_late(server: Server) -> None:
    gaps: list[Gap] = []
    async with AsyncPool(server.url) as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        assert await sub.next(0.05) is None
        opened = time.time()
        server.command("PUBLISH", "a", "x")  # these block the loop: the message and the end are read in one go
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        lost = time.time()
        time.sleep(0.05)  # noqa: ASYNC251 - the loop is busy
        message = await sub.next(5.0)
        assert message is not None
        assert message.data == b"x"
        assert await sub.next(0.2) is None
        assert opened - 1.0 < gaps[0].since <= lost


async def test_a_gap_begins_when_the_last_of_what_came_was_read(server: Server) -> None:
    gaps: list[Gap] = []
    async with AsyncPool(server.url) as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        await asyncio.sleep(0.3)
        await pool.publish("a", "x")
        assert await sub.next(5.0) is not None
        read = time.time()
        await asyncio.sleep(0.3)
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        assert await sub.next(0.2) is None
        assert read - 0.25 < gaps[0].since < read + 0.25


def test_a_subscriber_of_another_event_loop_says_so(running_server: Server) -> None:
    pool = AsyncPool(running_server.url)
    sub = pool.subscribe("a")

    async def use() -> None:
        with pytest.raises(UsageError, match="another event loop"):
            await sub.next(0.1)

    first = asyncio.new_event_loop()
    first.run_until_complete(sub.open())
    asyncio.run(use())
    first.close()
    asyncio.run(use())
    asyncio.run(_end(sub, pool))


async def _end(sub: Any, pool: Any) -> None:
    await sub.aclose()
    async with pool.subscribe("b") as other:
        await pool.publish("b", "x")
        assert (await other.next(5.0)).data == b"x"
    await pool.aclose()
