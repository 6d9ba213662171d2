# Generated from tests/asyncio_/test_posted_runs.py by tools/generate.py. Do not edit.
"""Runs that are posted on several connections before the first reply is waited for, and collected in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from answers import OK, echo, held_echo, words
from threads.harness import Callers, now, rest, wait_until
from respool import Pool
from respool._protocol.run import ASKING, EXEC, MULTI
from respool.errors import ConnectionLost, ProtocolError, ReadTimeout, ServerError, UsageError
from respool.testing import FakeNode, FaultProxy, Hold, Server

#: Far more than the buffers of a loopback connection hold.
HUGE = b"x" * 20_000_000


def of(pool: Pool[Any]) -> Any:
    """Return the transport of a pool's only shared connection."""
    transport = pool._shared.only
    assert transport is not None
    return transport


def let_go(node: FakeNode, count: int) -> None:
    """Release as many held replies, each of them once it is held."""
    for _ in range(count):
        wait_until(lambda: node.release(1))


@pytest.fixture
def node() -> Iterator[FakeNode]:
    with FakeNode({"GET": held_echo, "SET": echo, "ECHO": echo}) as node:
        yield node


def test_all_are_sent_before_the_first_is_waited_for(callers: Callers, node: FakeNode) -> None:
    with FakeNode({"GET": held_echo}) as last:
        with Pool(node.url, shared=1) as pool, Pool(last.url, shared=1) as other:
            run = [("GET", "a"), ("GET", "b")]

            def scatter() -> list[Any]:
                tickets = [(transport, transport.post_many(run)) for transport in (of(pool), of(other))]
                return [transport.collect(ticket) for transport, ticket in tickets]

            scattered = callers.start(scatter)
            wait_until(lambda: words(node, "GET") == words(last, "GET") == [b"a", b"b"])
            assert not scattered.is_done
            let_go(last, 2)
            let_go(node, 2)
            assert scattered.result() == [[b"a", b"b"], [b"a", b"b"]]
            assert (pool.stats().in_flight, other.stats().in_flight) == (0, 0)


def test_another_caller_gets_its_own_reply_and_may_read_that_of_the_run(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        node.on("GET", echo)
        ticket = of(pool).post_many([("GET", "a"), ("GET", "b")])
        assert pool.execute("ECHO", "mine") == b"mine"
        node.drop()
        assert of(pool).collect(ticket) == [b"a", b"b"]


def test_several_may_be_posted_on_one_connection_and_collected_in_any_order(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        node.on("GET", echo)
        tickets = [of(pool).post_many([("GET", str(number))]) for number in range(4)]
        for number in (2, 0, 3, 1):
            assert of(pool).collect(tickets[number]) == [b"%d" % number]
            assert of(pool).collect(tickets[number]) == [b"%d" % number]
        assert words(node, "GET") == [b"0", b"1", b"2", b"3"]


def test_errors_are_values_and_a_wrong_argument_raises_before_anything_is_queued(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("SET", "k", "v"), ("LPUSH", "k", "x"), ("GET", "k")])
        done, error, value = transport.collect(ticket)
        assert (done, value) == (b"OK", b"v")
        assert isinstance(error, ServerError)
        with pytest.raises(UsageError):
            transport.post_many([("GET", "k"), ("GET", None)])
        assert (transport.owes, pool.get("k")) == (0, b"v")


def test_blobs_stay_bytes(server: Server) -> None:
    with Pool(server.url, shared=1, encoding="utf-8") as pool:
        pool.set("k", "v")
        ticket = of(pool).post_many([("GET", "k"), ("GET", "k")], None, {1: None})
        assert of(pool).collect(ticket) == ["v", b"v"]


# Its time is over --------------------------------------------------------------------------------------------


def test_at_its_deadline_it_is_a_timeout_and_the_reply_is_dropped(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        started = now()
        ticket = transport.post_many([("GET", "a"), ("GET", "b")], started + 0.05)
        for _ in range(2):
            assert type(transport.collect(ticket)) is ReadTimeout
        assert 0.045 <= now() - started < 3.0
        let_go(node, 2)
        assert pool.execute("ECHO", "after") == b"after"
        assert pool.stats().dropped == 2
        assert node.connections == 1


def test_a_reply_that_came_in_time_is_returned_although_the_caller_waited_elsewhere(node: FakeNode) -> None:
    value = b"v" * 70_000  # more than one read takes
    with FakeNode({"GET": echo}) as quick:
        with Pool(node.url, shared=1) as pool, Pool(quick.url, shared=1) as other:
            deadline = now() + 0.2
            late = of(pool).post_many([("GET", "late")], deadline)
            early = of(other).post_many([("GET", value), ("GET", "b")], deadline)
            wait_until(lambda: len(quick.calls("GET")) == 2)
            assert type(of(pool).collect(late)) is ReadTimeout
            assert now() >= deadline - 0.001
            assert of(other).collect(early) == [value, b"b"]
            let_go(node, 1)


def test_at_a_follower_its_deadline_holds_too(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("ECHO", "a")], now() + 0.05)
        for _ in range(2):
            assert type(transport.collect(ticket)) is ReadTimeout
        let_go(node, 1)
        assert leader.result() == b"leader"
        assert pool.execute("ECHO", "after") == b"after"
        assert pool.stats().dropped + pool.stats().taken_back == 1


# Other callers -----------------------------------------------------------------------------------------------


def test_behind_another_caller_it_is_sent_when_that_one_is_answered(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("SET", "a"), ("SET", "b")])
        let_go(node, 1)
        assert leader.result() == b"leader"
        wait_until(lambda: words(node, "SET") == [b"a", b"b"])
        assert transport.collect(ticket) == [b"a", b"b"]


def test_it_is_collected_while_another_caller_reads_for_it(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("GET", "a"), ("GET", "b")])

        def collect() -> Any:
            return transport.collect(ticket)

        collected = callers.start(collect)
        node.on("GET", echo)
        wait_until(lambda: node.release() == 0 and collected.is_done)
        assert leader.result() == b"leader"
        assert collected.result() == [b"a", b"b"]


def test_beyond_the_caps_it_waits_in_the_admission_queue(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1, max_in_flight=2) as pool:
        transport = of(pool)
        first = transport.post_many([("GET", "a"), ("GET", "b")])
        second = transport.post_many([("GET", "c"), ("GET", "d")])
        third = transport.post_many([("SET", "e")])
        assert (transport.owes, transport.waiting) == (2, 2)
        wait_until(lambda: words(node, "GET") == [b"a", b"b"])

        def collect() -> list[Any]:
            return [transport.collect(ticket) for ticket in (third, second, first)]

        collected = callers.start(collect)
        node.on("GET", echo)
        wait_until(lambda: node.release() == 0 and collected.is_done)
        assert collected.result() == [[b"e"], [b"c", b"d"], [b"a", b"b"]]
        assert words(node, "GET") == [b"a", b"b", b"c", b"d"]


def test_a_run_larger_than_all_buffers_is_posted_without_waiting_and_arrives(server: Server) -> None:
    with FaultProxy(server) as proxy:
        with Pool(proxy.url, shared=1) as pool, Pool(server.url, shared=1) as other:
            pool.execute("PING")
            proxy.up.stop_reading = True
            ticket = of(pool).post_many([("SET", "k", HUGE), ("GET", "k")])
            small = of(other).post_many([("ECHO", "small")])
            assert of(other).collect(small) == [b"small"]
            assert other.get("k") is None
            proxy.heal()
            assert of(pool).collect(ticket) == [b"OK", HUGE]


# Giving up ---------------------------------------------------------------------------------------------------


def test_given_up_its_replies_are_dropped_and_nobody_elses(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a"), ("GET", "b")])
        wait_until(lambda: len(node.calls("GET")) == 2)
        for _ in range(2):
            transport.give_up(ticket)
        let_go(node, 2)
        assert pool.execute("ECHO", "mine") == b"mine"
        assert (pool.stats().dropped, pool.stats().taken_back) == (2, 0)
        transport.give_up(ticket)
        assert pool.execute("ECHO", "mine") == b"mine"
        assert node.connections == 1


def test_given_up_in_the_admission_queue_it_is_never_sent(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1, max_in_flight=1) as pool:
        transport = of(pool)
        first = callers.start(pool.execute, "GET", "first")
        wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many([("SET", "a"), ("SET", "b")])
        transport.give_up(ticket)
        last = callers.start(pool.execute, "ECHO", "last")
        wait_until(lambda: transport.owes + transport.waiting == 3)
        let_go(node, 1)
        assert first.result() == b"first"
        assert last.result() == b"last"
        assert words(node, "SET") == []
        assert (pool.stats().taken_back, pool.stats().dropped) == (2, 0)


def test_giving_up_what_is_completed_changes_nothing(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("SET", "a")])
        assert transport.collect(ticket) == [b"a"]
        transport.give_up(ticket)
        assert transport.wire.withdrawn == 0
        assert transport.collect(ticket) == [b"a"]
        assert (pool.stats().taken_back, pool.stats().dropped) == (0, 0)


# The end -----------------------------------------------------------------------------------------------------


def test_on_a_dead_connection_nothing_is_raised_and_collecting_returns_the_error(node: FakeNode) -> None:
    with Pool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        transport.abort()
        ticket = transport.post_many([("SET", "a")])
        error = transport.collect(ticket)
        assert isinstance(error, ConnectionLost)
        assert error.executed == "no"
        transport.give_up(ticket)
        assert words(node, "SET") == []


def test_a_peer_that_has_gone_is_noticed_before_it_is_written_to(node: FakeNode) -> None:
    with Pool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        rest()
        node.drop()
        wait_until(lambda: node.open_connections == 0)
        rest()
        error = transport.collect(transport.post_many([("SET", "a")]))
        assert isinstance(error, ConnectionLost)
        assert error.executed == "no"


def test_a_connection_lost_meanwhile_leaves_it_open_whether_it_ran(node: FakeNode) -> None:
    with Pool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
        transport = of(pool)
        sent = transport.post_many([("GET", "a")])
        unsent = transport.post_many([("SET", "b")])
        wait_until(lambda: node.calls("GET"))
        node.drop()
        outcomes = [transport.collect(ticket) for ticket in (unsent, sent)]
        assert [type(error) for error in outcomes] == [ConnectionLost, ConnectionLost]
        assert [error.executed for error in outcomes] == ["no", "unknown"]


def test_abort_ends_it_at_once(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])

        def collect() -> Any:
            return transport.collect(ticket)

        wait_until(lambda: node.calls("GET"))
        collected = callers.start(collect)
        transport.abort()
        error = collected.result()
        assert isinstance(error, ConnectionLost)
        assert error.executed == "unknown"
        transport.wait_closed()


def test_closing_waits_for_replies_that_nobody_collects_yet(callers: Callers, node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])
        assert not transport.is_quiet
        retiring = callers.start(transport.wait_idle, then_close=True)
        wait_until(lambda: node.calls("GET"))
        assert transport.is_open
        node.on("PING", b"+PONG\r\n")
        let_go(node, 1)
        retiring.result()
        assert not transport.is_open
        assert transport.collect(ticket) == [b"a"]


def test_a_silent_server_ends_it_after_the_read_timeout(node: FakeNode) -> None:
    with Pool(node.url, shared=1, read_timeout=0.1, retry=None) as pool:
        started = now()
        transport = of(pool)
        error = transport.collect(transport.post_many([("GET", "a")]))
        assert type(error) is ReadTimeout
        assert 0.09 <= now() - started < 3.0
        assert not transport.is_open


def test_a_reply_that_waited_longer_than_the_read_timeout_is_no_silence(node: FakeNode) -> None:
    with FakeNode({"GET": echo}) as quick:
        options: dict[str, Any] = {"shared": 1, "read_timeout": 0.1, "retry": None}
        with Pool(node.url, **options) as pool, Pool(quick.url, **options) as other:
            transport = of(other)
            silent = of(pool).post_many([("GET", "a")])
            answered = transport.post_many([("GET", "b")])
            wait_until(lambda: quick.calls("GET"))
            assert type(of(pool).collect(silent)) is ReadTimeout
            assert transport.collect(answered) == [b"b"]
            assert transport.silent_for == 0.0
            assert transport.is_open


def test_how_long_the_server_is_silent_is_seen_without_a_collector(node: FakeNode) -> None:
    with Pool(node.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many([("GET", "a")])
        wait_until(lambda: transport.silent_for > 0.02)
        let_go(node, 1)
        wait_until(lambda: transport.silent_for == 0.0)
        assert transport.collect(ticket) == [b"a"]


# Behind ASKING -----------------------------------------------------------------------------------------------


def test_a_transaction_behind_asking_delivers_all_replies() -> None:
    script = {"ASKING": OK, "MULTI": OK, "INCR": b"+QUEUED\r\n", "EXEC": b"*1\r\n:1\r\n", "ECHO": echo}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            ticket = of(pool).post_many([ASKING, MULTI, ("INCR", "k"), EXEC])
            assert of(pool).collect(ticket) == [b"OK", b"OK", b"QUEUED", [1]]
            assert pool.execute("ECHO", "after") == b"after"
            assert node.connections == 1


@pytest.mark.parametrize("asking", [OK, b"-ERR This instance has cluster support disabled\r\n"])
def test_a_transaction_behind_asking_that_may_be_open_ends_the_connection(asking: bytes) -> None:
    script = {"ASKING": asking, "MULTI": OK, "INCR": b"+QUEUED\r\n", "EXEC": Hold(b"-ERR unknown command\r\n")}
    with FakeNode({**script, "ECHO": b"+QUEUED\r\n"}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            transport = of(pool)
            ticket = transport.post_many([ASKING, MULTI, ("INCR", "k"), EXEC])
            behind = transport.post_many([("ECHO", "x")])
            wait_until(lambda: node.calls("EXEC"))
            let_go(node, 1)
            assert len(transport.collect(ticket)) == 4
            error = transport.collect(behind)
            assert isinstance(error, ConnectionLost)
            assert isinstance(error.__cause__, ProtocolError)
            assert not transport.is_open
