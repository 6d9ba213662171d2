"""A task that is cancelled while it collects gives its tickets up, and nobody else notices (R-19)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from answers import echo, held_echo, words
from asyncio_.harness import Callers, wait_until
from respool import AsyncPool
from respool.errors import UsageError
from respool.testing import FakeNode, Server

RUN = [("GET", "a"), ("GET", "b")]


def of(pool: AsyncPool[Any]) -> Any:
    """Return the transport of a pool's only shared connection."""
    transport = pool._shared.only
    assert transport is not None
    return transport


async def scatter(*pools: AsyncPool[Any]) -> list[Any]:
    """Post a run on all pools and collect the replies, as a pool over many nodes does."""
    tickets: list[Any] = []
    try:
        tickets.extend((of(pool), of(pool).post_many(RUN)) for pool in pools)
        return [await transport.collect(ticket) for transport, ticket in tickets]
    except BaseException:
        for transport, ticket in tickets:
            transport.give_up(ticket)
        raise


@pytest.mark.parametrize("is_task", [True, False])
async def test_cancelled_before_the_end_of_its_tick_nothing_is_sent(*, is_task: bool) -> None:
    with FakeNode({"GET": echo, "ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=1) as one, AsyncPool(node.url, shared=1) as two:
            running = scatter(one, two)
            awaited = running.send(None)  # it has posted and waits; the loop has not written yet
            if is_task:  # a task cancels what it waits for
                awaited.cancel()
            with pytest.raises(asyncio.CancelledError):
                running.throw(asyncio.CancelledError())
            assert await one.execute("ECHO", "after") == b"after"
            assert await two.execute("ECHO", "after") == b"after"
            assert words(node, "GET") == []
            for pool in (one, two):
                assert (pool.stats().taken_back, pool.stats().dropped, pool.stats().in_flight) == (2, 0, 0)


@pytest.mark.parametrize("is_first_answered", [False, True])
async def test_cancelled_while_the_server_works_the_replies_are_dropped(
    callers: Callers, *, is_first_answered: bool
) -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node, FakeNode({"GET": held_echo, "ECHO": echo}) as last:
        async with AsyncPool(node.url, shared=1) as one, AsyncPool(last.url, shared=1) as two:
            scattered = callers.start(scatter, one, two)
            await wait_until(lambda: len(node.calls("GET")) == len(last.calls("GET")) == 2)
            for _ in range(2 * is_first_answered):
                await wait_until(lambda: node.release(1))
            await wait_until(lambda: one.stats().in_flight == 2 * (not is_first_answered))
            scattered.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scattered.result()
            for each in (node, last) if not is_first_answered else (last,):
                for _ in range(2):
                    await wait_until(lambda each=each: each.release(1))
            for pool in (one, two):
                assert await pool.execute("ECHO", "after") == b"after"
            assert (one.stats().dropped, two.stats().dropped) == (2 * (not is_first_answered), 2)
            assert (node.connections, last.connections) == (1, 1)


async def test_a_run_of_one_tick_leaves_in_one_write_with_the_commands_around_it(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        transport = of(pool)
        before = transport.submit(("ECHO", "before"))
        ticket = transport.post_many([("ECHO", "a"), ("ECHO", "b")])
        after = transport.submit(("ECHO", "after"))
        assert len(transport.wire.out) == 2  # all but the first, which was sent at once
        assert [await before, await transport.collect(ticket), await after] == [b"before", [b"a", b"b"], b"after"]


async def test_in_another_event_loop_it_cannot_be_posted(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:

        async def post() -> None:
            of(pool).post_many(RUN)

        with pytest.raises(UsageError, match="belongs to another event loop"):
            await asyncio.to_thread(asyncio.run, post())
        assert await pool.execute("ECHO", "x") == b"x"


def test_it_can_be_given_up_when_its_loop_is_closed(server: Server) -> None:
    """As the coroutine of a task does that is collected after its loop was closed."""
    running: list[Any] = []

    async def leave() -> AsyncPool[Any]:
        pool: AsyncPool[Any] = AsyncPool(server.url, shared=1)
        await pool.open()
        running.append(scatter(pool))
        running[0].send(None)
        running[0].cr_frame.f_locals["tickets"][0][1].add_done_callback(lambda _: None)
        return pool

    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(leave())
    loop.close()
    running[0].close()  # raises nothing
    asyncio.run(pool.aclose())
