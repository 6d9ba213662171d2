# Written once: tests/threads/test_blocking_commands.py is generated from this file.
"""Blocking commands run on a lease, with their own timeout, and only once (R-21)."""

from __future__ import annotations

import pytest

from answers import NIL
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool
from respool.errors import ConnectionLost, PoolTimeout, ReadTimeout
from respool.testing import Close, FakeNode, Hold, Server, Silence


async def test_a_blocking_command_waits_as_long_as_it_says_and_not_for_read_timeout(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, read_timeout=0.1) as pool:
        started = now()
        assert await pool.execute("BLPOP", "list", 0.3) is None
        assert 0.3 <= now() - started < 3.0
        assert (pool.stats().opened, pool.stats().lost, pool.stats().resets) == (1, 0, 0)
        assert pool.idle == 1


async def test_a_blocking_command_is_answered_when_there_is_something(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, read_timeout=0.05) as pool:
        callers.start(pool.blpop, "list", timeout=0)  # for ever
        callers.start(pool.execute, "BLPOP", "list", "0")
        await wait_until(lambda: sum(client["cmd"] == "blpop" for client in server.clients()) == 2)
        started = now()
        await wait_until(lambda: now() - started > 0.1)  # longer than read_timeout
        server.command("RPUSH", "list", "a", "b")
        replies = [tuple(reply) for reply in await callers.results()]
        assert sorted(replies) == [(b"list", b"a"), (b"list", b"b")]
        assert (pool.leased, pool.idle, pool.stats().lost) == (0, 2, 0)


async def test_a_server_that_does_not_answer_a_blocking_command_in_its_time_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._async.node.connection.BLOCKING_MARGIN", 0.1)
    with FakeNode({"BLPOP": Silence()}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            started = now()
            with pytest.raises(ReadTimeout):
                await pool.execute("BLPOP", "list", 0.1)
            assert 0.2 <= now() - started < 3.0
            assert len(node.calls("BLPOP")) == 1
            assert (pool.size, pool.leased) == (0, 0)


@pytest.mark.parametrize("how", ["alone", "in a pipeline"])
async def test_a_caller_who_gives_up_costs_the_connection_and_nothing_is_taken_for_nobody(
    server: Server, how: str
) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        with pytest.raises(ReadTimeout):
            if how == "alone":
                await pool.execute("BLPOP", "list", 0, timeout=0.05)
            else:
                await pool.execute_many([("BLPOP", "list", 0)], timeout=0.05)
        assert (pool.size, pool.leased) == (0, 0)
        await wait_until(lambda: server.client_count() == 0)  # so that the server does not pop for the old client
        await pool.rpush("list", "a")
        assert await pool.execute("LLEN", "list") == 1


async def test_a_blocking_command_is_never_sent_twice() -> None:
    with FakeNode({"BLPOP": Close(), "XREAD": Close()}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            with pytest.raises(ConnectionLost):
                await pool.execute("BLPOP", "list", 5)
            with pytest.raises(ConnectionLost):
                await pool.execute("XREAD", "BLOCK", 5000, "STREAMS", "s", "$")
            assert (len(node.calls("BLPOP")), len(node.calls("XREAD"))) == (1, 1)


async def test_a_blocking_command_does_not_hold_up_the_others(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=1, max_size=2) as pool:
        caller = callers.start(pool.blpop, "list", timeout=0)
        await wait_until(lambda: pool.leased == 1)
        for _ in range(10):
            assert await pool.execute("PING") == b"PONG"
        started = now()
        with pytest.raises(PoolTimeout):
            await pool.execute("BLPOP", "other", 1, timeout=0.02)
        assert 0.018 <= now() - started < 2.0, "it waited as long as the pool says, not its caller"
        await pool.rpush("list", "a")
        assert tuple(await caller.result()) == (b"list", b"a")


async def test_blocking_commands_beyond_the_pool_wait_their_turn(callers: Callers) -> None:
    with FakeNode({"BLPOP": Hold(b"_\r\n")}) as node:
        async with AsyncPool(node.url, shared=0, max_size=2) as pool:
            for _ in range(4):
                callers.start(pool.execute, "BLPOP", "list", 0)
            await wait_until(lambda: len(node.calls("BLPOP")) == 2 and pool.waiting == 2)
            node.release()
            await wait_until(lambda: len(node.calls("BLPOP")) == 4)
            node.release()
            assert await callers.results() == [None] * 4
            assert node.connections == 2


async def test_a_blocking_command_on_a_lease_leaves_it_clean(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1, read_timeout=1.0) as pool:
        async with pool.acquire() as conn:
            assert await conn.execute("BLPOP", "list", 1.2) is None
            assert await conn.execute_many([("BLPOP", "list", 1.2), ("PING",)]) == [None, b"PONG"]
            assert conn.is_clean
        assert (pool.stats().opened, pool.stats().resets, pool.idle) == (1, 0, 1)


async def test_after_a_blocking_command_the_server_has_as_long_as_ever() -> None:
    with FakeNode({"BLPOP": NIL, "GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=0, read_timeout=0.1, retry=None) as pool:
            for block in (
                lambda conn: conn.execute("BLPOP", "list", 0),
                lambda conn: conn.execute_many([("BLPOP", "list", 0)]),
            ):
                async with pool.acquire() as conn:
                    await block(conn)
                    started = now()
                    with pytest.raises(ReadTimeout):
                        await conn.execute("GET", "k", timeout=3.0)
                    assert now() - started < 2.0  # neither the caller's timeout nor the rest of the blocking command's
                    assert conn.closed


async def test_an_answered_blocking_command_makes_no_dirt_worse(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        for number, block in enumerate(
            (
                lambda conn: conn.execute("BLPOP", "list", 0.01),
                lambda conn: conn.execute_many([("BLPOP", "list", 0.01)]),
            ),
            start=1,
        ):
            async with pool.acquire() as conn:
                await block(conn)
                await conn.execute("WATCH", "k")
            await wait_until(lambda: pool.idle == 1)
            assert (pool.stats().resets, pool.stats().opened) == (number, 1)


async def test_nothing_blocks_inside_a_transaction(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool, pool.acquire() as conn:
        started = now()
        assert await conn.execute_many([("BLPOP", "list", 0)], atomic=True) == [None]
        await conn.execute("MULTI")
        await conn.execute("BLPOP", "list", 0)
        assert await conn.execute("EXEC") == [None]
        assert now() - started < 4.0


async def test_a_blocking_command_that_was_given_up_ends_its_connection_although_the_reply_came_later() -> None:
    with FakeNode({"BLPOP": Hold(NIL)}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            async with pool.acquire() as conn:
                with pytest.raises(ReadTimeout):
                    await conn.execute("BLPOP", "a", 0, timeout=0.05)
                node.release()
                assert await conn.ping() is True
                assert conn.in_flight == 0
            assert pool.size == 0  # the next caller would have waited for the server for ever


async def test_a_run_with_a_read_that_blocks_is_sent_once() -> None:
    with FakeNode({"GET": NIL, "XREAD": Close()}) as node:
        async with AsyncPool(node.url) as pool:
            with pytest.raises(ConnectionLost):
                await pool.execute_many([("GET", "k"), ("XREAD", "BLOCK", 1000, "STREAMS", "s", "$")])
            assert len(node.calls("XREAD")) == 1
            with pytest.raises(ConnectionLost):  # the same read without BLOCK is tried again
                await pool.execute_many([("GET", "k"), ("XREAD", "STREAMS", "s", "$")])
            assert len(node.calls("XREAD")) > 2
