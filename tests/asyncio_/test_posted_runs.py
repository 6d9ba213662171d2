# Written once: tests/threads/test_posted_runs.py is generated from this file.
"""Runs that are posted on several connections before the first reply is waited for, and collected in any order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from answers import OK, echo, held_echo, words
from asyncio_.harness import Callers, now, rest, wait_until
from respool import AsyncPool
from respool._protocol.run import ASKING, EXEC, MULTI
from respool.errors import ConnectionLost, ProtocolError, ReadTimeout, ServerError, UsageError
from respool.testing import FakeNode, FaultProxy, Hold, Server

#: Far more than the buffers of a loopback connection hold.
HUGE = b"x" * 20_000_000


def of(pool: AsyncPool[Any]) -> Any:
    """Return the transport of a pool's only shared connection."""
    transport = pool._shared.only
    assert transport is not None
    return transport


async def let_go(node: FakeNode, count: int) -> None:
    """Release as many held replies, each of them once it is held."""
    for _ in range(count):
        await wait_until(lambda: node.release(1))


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    with FakeNode({"GET": held_echo, "SET": echo, "ECHO": echo}) as node:
        yield node


async def test_all_are_sent_before_the_first_is_waited_for(callers: Callers, node: FakeNode) -> None:
    with FakeNode({"GET": held_echo}) as last:
        async with AsyncPool(node.url, shared=1) as pool, AsyncPool(last.url, shared=1) as other:
            run = [("GET", "a"), ("GET", "b")]

            async def scatter() -> list[Any]:
                tickets = [(transport, transport.post_many(run)) for transport in (of(pool), of(other))]
                return [await transport.collect(ticket) for transport, ticket in tickets]

            scattered = callers.start(scatter)
            await wait_until(lambda: words(node, "GET") == words(last, "GET") == [b"a", b"b"])
            assert not scattered.is_done
            await let_go(last, 2)
            await let_go(node, 2)
            assert await scattered.result() == [[b"a", b"b"], [b"a", b"b"]]
            assert (pool.stats().in_flight, other.stats().in_flight) == (0, 0)


async def test_another_caller_gets_its_own_reply_and_may_read_that_of_the_run(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        node.on("GET", echo)
        ticket = of(pool).post_many([("GET", "a"), ("GET", "b")])
        assert await pool.execute("ECHO", "mine") == b"mine"
        node.drop()
        assert await of(pool).collect(ticket) == [b"a", b"b"]


async def test_several_may_be_posted_on_one_connection_and_collected_in_any_order(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        node.on("GET", echo)
        tickets = [of(pool).post_many([("GET", str(number))]) for number in range(4)]
        for number in (2, 0, 3, 1):
            assert await of(pool).collect(tickets[number]) == [b"%d" % number]
            assert await of(pool).collect(tickets[number]) == [b"%d" % number]
        assert words(node, "GET") == [b"0", b"1", b"2", b"3"]


async def test_errors_are_values_and_a_wrong_argument_raises_before_anything_is_queued(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("SET", "k", "v"), ("LPUSH", "k", "x"), ("GET", "k")])
        done, error, value = await transport.collect(ticket)
        assert (done, value) == (b"OK", b"v")
        assert isinstance(error, ServerError)
        with pytest.raises(UsageError):
            transport.post_many([("GET", "k"), ("GET", None)])
        assert (transport.owes, await pool.get("k")) == (0, b"v")


async def test_blobs_stay_bytes(server: Server) -> None:
    async with AsyncPool(server.url, shared=1, encoding="utf-8") as pool:
        await pool.set("k", "v")
        ticket = of(pool).post_many([("GET", "k"), ("GET", "k")], None, {1: None})
        assert await of(pool).collect(ticket) == ["v", b"v"]


# Its time is over --------------------------------------------------------------------------------------------


async def test_at_its_deadline_it_is_a_timeout_and_the_reply_is_dropped(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        started = now()
        ticket = transport.post_many([("GET", "a"), ("GET", "b")], started + 0.05)
        for _ in range(2):
            assert type(await transport.collect(ticket)) is ReadTimeout
        assert 0.045 <= now() - started < 3.0
        await let_go(node, 2)
        assert await pool.execute("ECHO", "after") == b"after"
        assert pool.stats().dropped == 2
        assert node.connections == 1


async def test_a_reply_that_came_in_time_is_returned_although_the_caller_waited_elsewhere(node: FakeNode) -> None:
    value = b"v" * 70_000  # more than one read takes
    with FakeNode({"GET": echo}) as quick:
        async with AsyncPool(node.url, shared=1) as pool, AsyncPool(quick.url, shared=1) as other:
            deadline = now() + 0.2
            late = of(pool).post_many([("GET", "late")], deadline)
            early = of(other).post_many([("GET", value), ("GET", "b")], deadline)
            await wait_until(lambda: len(quick.calls("GET")) == 2)
            assert type(await of(pool).collect(late)) is ReadTimeout
            assert now() >= deadline - 0.001
            assert await of(other).collect(early) == [value, b"b"]
            await let_go(node, 1)


async def test_at_a_follower_its_deadline_holds_too(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        await wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("ECHO", "a")], now() + 0.05)
        for _ in range(2):
            assert type(await transport.collect(ticket)) is ReadTimeout
        await let_go(node, 1)
        assert await leader.result() == b"leader"
        assert await pool.execute("ECHO", "after") == b"after"
        assert pool.stats().dropped + pool.stats().taken_back == 1


# Other callers -----------------------------------------------------------------------------------------------


async def test_behind_another_caller_it_is_sent_when_that_one_is_answered(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        await wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("SET", "a"), ("SET", "b")])
        await let_go(node, 1)
        assert await leader.result() == b"leader"
        await wait_until(lambda: words(node, "SET") == [b"a", b"b"])
        assert await transport.collect(ticket) == [b"a", b"b"]


async def test_it_is_collected_while_another_caller_reads_for_it(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        await wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("GET", "a"), ("GET", "b")])

        async def collect() -> Any:
            return await transport.collect(ticket)

        collected = callers.start(collect)
        node.on("GET", echo)
        await wait_until(lambda: node.release() == 0 and collected.is_done)
        assert await leader.result() == b"leader"
        assert await collected.result() == [b"a", b"b"]


async def test_beyond_the_caps_it_waits_in_the_admission_queue(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, max_in_flight=2) as pool:
        transport = of(pool)
        first = transport.post_many([("GET", "a"), ("GET", "b")])
        second = transport.post_many([("GET", "c"), ("GET", "d")])
        third = transport.post_many([("SET", "e")])
        assert (transport.owes, transport.waiting) == (2, 2)
        await wait_until(lambda: words(node, "GET") == [b"a", b"b"])

        async def collect() -> list[Any]:
            return [await transport.collect(ticket) for ticket in (third, second, first)]

        collected = callers.start(collect)
        node.on("GET", echo)
        await wait_until(lambda: node.release() == 0 and collected.is_done)
        assert await collected.result() == [[b"e"], [b"c", b"d"], [b"a", b"b"]]
        assert words(node, "GET") == [b"a", b"b", b"c", b"d"]


async def test_a_run_larger_than_all_buffers_is_posted_without_waiting_and_arrives(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool, AsyncPool(server.url, shared=1) as other:
            await pool.execute("PING")
            proxy.up.stop_reading = True
            ticket = of(pool).post_many([("SET", "k", HUGE), ("GET", "k")])
            small = of(other).post_many([("ECHO", "small")])
            assert await of(other).collect(small) == [b"small"]
            assert await other.get("k") is None
            proxy.heal()
            assert await of(pool).collect(ticket) == [b"OK", HUGE]


# Giving up ---------------------------------------------------------------------------------------------------


async def test_given_up_its_replies_are_dropped_and_nobody_elses(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a"), ("GET", "b")])
        await wait_until(lambda: len(node.calls("GET")) == 2)
        for _ in range(2):
            transport.give_up(ticket)
        await let_go(node, 2)
        assert await pool.execute("ECHO", "mine") == b"mine"
        assert (pool.stats().dropped, pool.stats().taken_back) == (2, 0)
        transport.give_up(ticket)
        assert await pool.execute("ECHO", "mine") == b"mine"
        assert node.connections == 1


async def test_given_up_in_the_admission_queue_it_is_never_sent(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
        transport = of(pool)
        first = callers.start(pool.execute, "GET", "first")
        await wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("SET", "a"), ("SET", "b")])
        transport.give_up(ticket)
        last = callers.start(pool.execute, "ECHO", "last")
        await wait_until(lambda: transport.owes + transport.waiting == 3)
        await let_go(node, 1)
        assert await first.result() == b"first"
        assert await last.result() == b"last"
        assert words(node, "SET") == []
        assert (pool.stats().taken_back, pool.stats().dropped) == (2, 0)


async def test_giving_up_what_is_completed_changes_nothing(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("SET", "a")])
        assert await transport.collect(ticket) == [b"a"]
        transport.give_up(ticket)
        assert transport.wire.withdrawn == 0
        assert await transport.collect(ticket) == [b"a"]
        assert (pool.stats().taken_back, pool.stats().dropped) == (0, 0)


# The end -----------------------------------------------------------------------------------------------------


async def test_on_a_dead_connection_nothing_is_raised_and_collecting_returns_the_error(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        transport.abort()
        ticket = transport.post_many([("SET", "a")])
        error = await transport.collect(ticket)
        assert isinstance(error, ConnectionLost)
        assert error.executed == "no"
        transport.give_up(ticket)
        assert words(node, "SET") == []


async def test_a_peer_that_has_gone_is_noticed_before_it_is_written_to(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        await rest()
        node.drop()
        await wait_until(lambda: node.open_connections == 0)
        await rest()
        error = await transport.collect(transport.post_many([("SET", "a")]))
        assert isinstance(error, ConnectionLost)
        assert error.executed == "no"


async def test_a_connection_lost_meanwhile_leaves_it_open_whether_it_ran(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
        transport = of(pool)
        sent = transport.post_many([("GET", "a")])
        unsent = transport.post_many([("SET", "b")])
        await wait_until(lambda: node.calls("GET"))
        node.drop()
        outcomes = [await transport.collect(ticket) for ticket in (unsent, sent)]
        assert [type(error) for error in outcomes] == [ConnectionLost, ConnectionLost]
        assert [error.executed for error in outcomes] == ["no", "unknown"]


async def test_abort_ends_it_at_once(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])

        async def collect() -> Any:
            return await transport.collect(ticket)

        await wait_until(lambda: node.calls("GET"))
        collected = callers.start(collect)
        transport.abort()
        error = await collected.result()
        assert isinstance(error, ConnectionLost)
        assert error.executed == "unknown"
        await transport.wait_closed()


async def test_closing_waits_for_replies_that_nobody_collects_yet(callers: Callers, node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])
        assert not transport.is_quiet
        retiring = callers.start(transport.wait_idle, then_close=True)
        await wait_until(lambda: node.calls("GET"))
        assert transport.is_open
        node.on("PING", b"+PONG\r\n")
        await let_go(node, 1)
        await retiring.result()
        assert not transport.is_open
        assert await transport.collect(ticket) == [b"a"]


async def test_a_silent_server_ends_it_after_the_read_timeout(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1, read_timeout=0.1, retry=None) as pool:
        started = now()
        transport = of(pool)
        error = await transport.collect(transport.post_many([("GET", "a")]))
        assert type(error) is ReadTimeout
        assert 0.09 <= now() - started < 3.0
        assert not transport.is_open


async def test_a_reply_that_waited_longer_than_the_read_timeout_is_no_silence(node: FakeNode) -> None:
    with FakeNode({"GET": echo}) as quick:
        options: dict[str, Any] = {"shared": 1, "read_timeout": 0.1, "retry": None}
        async with AsyncPool(node.url, **options) as pool, AsyncPool(quick.url, **options) as other:
            transport = of(other)
            silent = of(pool).post_many([("GET", "a")])
            answered = transport.post_many([("GET", "b")])
            await wait_until(lambda: quick.calls("GET"))
            assert type(await of(pool).collect(silent)) is ReadTimeout
            assert await transport.collect(answered) == [b"b"]
            assert transport.silent_for == 0.0
            assert transport.is_open


async def test_how_long_the_server_is_silent_is_seen_without_a_collector(node: FakeNode) -> None:
    async with AsyncPool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])
        await wait_until(lambda: transport.silent_for > 0.02)
        await let_go(node, 1)
        await wait_until(lambda: transport.silent_for == 0.0)
        assert await transport.collect(ticket) == [b"a"]


# Behind ASKING -----------------------------------------------------------------------------------------------


async def test_a_transaction_behind_asking_delivers_all_replies() -> None:
    script = {"ASKING": OK, "MULTI": OK, "INCR": b"+QUEUED\r\n", "EXEC": b"*1\r\n:1\r\n", "ECHO": echo}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            ticket = of(pool).post_many([ASKING, MULTI, ("INCR", "k"), EXEC])
            assert await of(pool).collect(ticket) == [b"OK", b"OK", b"QUEUED", [1]]
            assert await pool.execute("ECHO", "after") == b"after"
            assert node.connections == 1


@pytest.mark.parametrize("asking", [OK, b"-ERR This instance has cluster support disabled\r\n"])
async def test_a_transaction_behind_asking_that_may_be_open_ends_the_connection(asking: bytes) -> None:
    script = {"ASKING": asking, "MULTI": OK, "INCR": b"+QUEUED\r\n", "EXEC": Hold(b"-ERR unknown command\r\n")}
    with FakeNode({**script, "ECHO": b"+QUEUED\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:
            transport = of(pool)
            ticket = transport.post_many([ASKING, MULTI, ("INCR", "k"), EXEC])
            behind = transport.post_many([("ECHO", "x")])
            await wait_until(lambda: node.calls("EXEC"))
            await let_go(node, 1)
            assert len(await transport.collect(ticket)) == 4
            error = await transport.collect(behind)
            assert isinstance(error, ConnectionLost)
            assert isinstance(error.__cause__, ProtocolError)
            assert not transport.is_open
