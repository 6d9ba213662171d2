"""The second shared connection, which a pool makes once two threads meet on its only one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from interrupting import Interrupted
from answers import OK, echo, held_echo, words
from respool import HashPool, Pool
from respool._facts.slots import slot_of
from respool._pooling.redial import BASE
from respool.errors import PoolExhausted, ReadTimeout
from respool.events import ConnectionClosed
from respool.testing import FakeNode, FaultProxy, Hold, Server
from respool.testing._script import hello
from scripts import run_script
from threads.harness import Caller, Callers, now, wait_until
from threads.signals import interrupt_when, interruptible

#: The numbers of the first two connections to a node.
FIRST, SECOND = 1, 2

REFUSALS = [b"-ERR max number of clients reached\r\n", b"-WRONGPASS invalid username-password pair\r\n"]


@contextmanager
def pool_of(node: Any, *, stall_after: float | None = None, **options: Any) -> Iterator[Pool[Any]]:
    """Open a pool that moves no caller away from a connection that is slow."""
    with Pool(node.url, stall_after=stall_after, **options) as pool:
        yield pool


def node_of(pool: Any) -> Any:
    return pool._serving.node


def live(pool: Any) -> list[Any]:
    """Return the transports of the shared connections that get new work."""
    return list(pool._shared._live)


def in_flight(pool: Any) -> list[int]:
    return [transport.owes for transport in live(pool)]


def ask(callers: Callers, pool: Any, key: str, in_flight_then: list[int]) -> Caller:
    """Start a GET, and wait until that many replies are pending on each connection."""
    caller = callers.start(pool.execute, "GET", key)
    wait_until(lambda: in_flight(pool) == in_flight_then)
    return caller


def let_go(node: FakeNode, *awaited: Caller) -> None:
    """Send all replies that are held, and those that come to be held, until these callers have returned."""
    wait_until(lambda: node.release() == 0 and all(caller.is_done for caller in awaited))


def meet(callers: Callers, node: FakeNode, pool: Any) -> None:
    """Let two threads meet on the only connection, and wait until nothing is in flight."""
    first = ask(callers, pool, "first", [1])
    second = callers.start(pool.execute, "GET", "second")
    wait_until(lambda: sum(in_flight(pool)) == 2)
    let_go(node, first, second)
    assert (first.result(), second.result()) == (b"first", b"second")


def pair(callers: Callers, node: FakeNode, pool: Any) -> None:
    """Let two threads meet, and wait for the second connection."""
    meet(callers, node, pool)
    wait_until(lambda: len(live(pool)) == 2)
    wait_until(lambda: in_flight(pool) == [0, 0] and not any(transport.is_busy for transport in live(pool)))


def lose(node: FakeNode, pool: Any, number: int) -> None:
    """Close one of the two connections at the node, and let the pool notice that. (A PING would be another caller.)"""
    transport = live(pool)[number - 1]
    node.drop(number)
    wait_until(lambda: not transport.is_reusable(now()))
    wait_until(lambda: pool.shared == 1)


def connection_of(node: FakeNode, key: bytes) -> int:
    """Return the number of the connection on which a GET came."""
    (number,) = [seen.connection for seen in node.calls("GET") if seen.command[1] == key]
    return number


# Who uses it ---------------------------------------------------------------------------------------------------


def test_two_threads_that_meet_have_a_connection_each_and_more_share_the_first(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        assert connection_of(node, b"first") == connection_of(node, b"second") == FIRST
        asked = [ask(callers, pool, "a", [1, 0]), ask(callers, pool, "b", [1, 1])]
        asked += [ask(callers, pool, "c", [2, 1]), ask(callers, pool, "d", [3, 1])]
        let_go(node, *asked)
        assert [caller.result() for caller in asked] == [b"a", b"b", b"c", b"d"]
        assert [connection_of(node, key) for key in (b"a", b"b", b"c", b"d")] == [FIRST, SECOND, FIRST, FIRST]
        stats = pool.stats()
        assert (stats.opened, stats.closed, stats.lost, stats.shared, stats.size) == (2, 0, 0, 2, 2)
        assert (stats.in_flight, stats.dropped, stats.taken_back) == (0, 0, 0)


def test_a_thread_that_meets_nobody_stays_on_the_first(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        node.on("GET", echo)
        for number in range(20):
            assert pool.execute("GET", f"k{number}") == b"k%d" % number
        assert {seen.connection for seen in node.calls("GET")} == {FIRST}


def test_every_caller_of_many_gets_its_own_reply(callers: Callers, server: Server) -> None:
    with Pool(server.url) as pool:

        def work(name: int) -> None:
            for number in range(200):
                word = f"{name}:{number}"
                assert pool.execute("ECHO", word) == word.encode()
                if number % 10 == 0:
                    assert pool.execute_many([("SET", word, number), ("GET", word)]) == [b"OK", b"%d" % number]

        for name in range(6):
            callers.start(work, name)
        callers.results()
        wait_until(lambda: pool.shared == 2)
        stats = pool.stats()
        assert (stats.opened, stats.closed, stats.in_flight, stats.dropped, stats.taken_back) == (2, 0, 0, 0, 0)


def test_one_thread_alone_never_gets_a_second(server: Server) -> None:
    with Pool(server.url, client_name="alone") as pool:
        for number in range(300):
            pool.execute("SET", "k", number)
        pool.execute_many([("GET", "k")] * 50)
        pool.execute_many_noreply([("SET", "k", 0)] * 50)
        assert pool.execute("GET", "k") == b"0"
        with pool.acquire() as lease:
            assert lease.execute("GET", "k") == b"0"
        stats = pool.stats()
        assert (stats.shared, stats.opened, stats.size) == (1, 2, 2)
        assert not node_of(pool).ledger.wants_second
        assert sum(row["name"] == "alone" for row in server.clients()) == 2


def test_that_threads_meet_is_said_once_and_not_after_the_end(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with pool_of(node, shared=1) as pool:
            (transport,) = live(pool)
            assert transport.on_meeting is None
            meetings: list[float] = []
            transport.on_meeting = lambda: meetings.append(now())
            first = ask(callers, pool, "a", [1])
            assert meetings == []
            others = [ask(callers, pool, "b", [2]), ask(callers, pool, "c", [3])]
            assert len(meetings) == 1
            let_go(node, first, *others)
            transport.on_meeting = lambda: meetings.append(now())
        assert transport.on_meeting is None  # an ended connection does not keep its pool
        assert len(meetings) == 1


def test_a_thread_that_is_interrupted_stays_where_its_command_is(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool, interruptible():
        pair(callers, node, pool)
        a, b, c = (ask(callers, pool, key, then) for key, then in (("a", [1, 0]), ("b", [1, 1]), ("c", [2, 1])))

        def is_sent() -> bool:
            wait_until(lambda: in_flight(pool) == [3, 1])
            node.release(2)  # a and b; then c leads, and sends what is queued
            wait_until(lambda: a.is_done and b.is_done)
            return bool(wait_until(lambda: b"left" in words(node, "GET")))

        interrupt_when(callers, is_sent)
        with pytest.raises(Interrupted):
            pool.execute("GET", "left")
        node.release(1)
        assert c.result() == b"c"
        assert in_flight(pool) == [1, 0]
        with pytest.raises(ReadTimeout):
            pool.execute("GET", "later", timeout=0.1)
        let_go(node)
        assert connection_of(node, b"left") == connection_of(node, b"later") == FIRST, "in their order (R-23)"


def test_who_meets_while_two_are_up_wants_no_other(callers: Callers) -> None:
    def held_hello(command: Any, connection: Any) -> Any:
        return Hold(hello(command, connection))

    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        node.on("HELLO", held_hello)
        asked = [ask(callers, pool, "a", [1]), ask(callers, pool, "b", [2])]
        node.wait_for("HELLO", 2)
        node.on("HELLO", hello)
        with pool.acquire():  # whenever connections have changed, the lane listens for callers that meet on the only one
            wait_until(lambda: live(pool)[0].on_meeting is not None)
        let_go(node, *asked)
        wait_until(lambda: in_flight(pool) == [0, 0])
        first, _ = live(pool)
        assert first.on_meeting is not None
        asked = [ask(callers, pool, "c", [1, 0]), ask(callers, pool, "d", [1, 1]), ask(callers, pool, "e", [2, 1])]
        assert first.on_meeting is None
        assert not node_of(pool).ledger.wants_second
        let_go(node, *asked)


@pytest.mark.parametrize("options", [{"shared": 1}, {"max_size": 2}], ids=["shared=1", "max_size=2"])
def test_there_is_none_where_one_is_asked_for_or_no_place_is_left(callers: Callers, options: dict[str, Any]) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, **options) as pool:
        for _ in range(3):
            node.on("GET", held_echo)
            asked = [callers.start(pool.execute, "GET", key) for key in "abc"]
            wait_until(lambda: in_flight(pool) == [3])
            let_go(node, *asked)
        with pool.acquire():  # the ledger has looked at what it needs since
            assert node_of(pool).ledger.next_dial_at(now()) is None
        stats = pool.stats()
        assert (stats.shared, stats.opened, stats.closed, stats.size) == (1, 2, 0, 2)
        assert node.connections == 2


def test_a_crowd_is_remembered_for_a_while(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        for seconds, used in ((3600.0, FIRST), (0.0, SECOND)):
            monkeypatch.setattr("respool._sync.shell.transport._CROWDED", 0.0)
            crowd = [ask(callers, pool, f"{used}a", [1, 0]), ask(callers, pool, f"{used}b", [1, 1])]
            crowd += [ask(callers, pool, f"{used}{key}", [count, 1]) for count, key in enumerate("cde", 2)]
            let_go(node, *crowd)
            monkeypatch.setattr("respool._sync.shell.transport._CROWDED", seconds)
            one = ask(callers, pool, f"{used}x", [1, 0])
            other = ask(callers, pool, f"{used}y", [1, 1] if used == SECOND else [2, 0])
            let_go(node, one, other)
            assert connection_of(node, b"%dy" % used) == used


def test_a_connection_that_is_stalled_gets_no_new_work(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, stall_after=0.05) as pool:
        pair(callers, node, pool)
        first, second = live(pool)
        asked = [ask(callers, pool, "a", [1, 0]), ask(callers, pool, "b", [1, 1])]
        wait_until(lambda: first.silent_for > 0.06 and second.silent_for > 0.06)
        assert first.silent_for > second.silent_for
        asked.append(ask(callers, pool, "c", [1, 2]))
        asked.append(ask(callers, pool, "d", [1, 3]))
        let_go(node, *asked)
        assert {connection_of(node, key) for key in (b"b", b"c", b"d")} == {SECOND}


def test_each_node_of_a_pool_of_several_has_its_own(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as one, FakeNode({"GET": held_echo}) as other:
        with HashPool([one.url, other.url], stall_after=None) as pool:
            key = next(f"k{number}" for number in range(100) if slot_of(b"k%d" % number) % 2 == 0)
            asked = [callers.start(pool.execute, "GET", key) for _ in range(2)]
            wait_until(lambda: one.connections == 2)
            let_go(one, *asked)
            assert [caller.result() for caller in asked] == [key.encode()] * 2
            wait_until(lambda: pool.stats().shared == 3)
            assert (one.connections, other.connections) == (2, 1)


# Order (R-23) --------------------------------------------------------------------------------------------------


def test_a_thread_that_gave_up_on_the_second_stays_there_until_that_owes_nothing(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        other = ask(callers, pool, "other", [1, 0])
        has_given_up, may_go_on = threading.Event(), threading.Event()

        def work() -> list[bytes]:
            with pytest.raises(ReadTimeout):
                pool.execute("GET", "a", timeout=0.05)
            has_given_up.set()
            replies = [pool.execute("GET", "b")]
            may_go_on.wait()
            return [*replies, pool.execute("GET", "c")]

        worker = callers.start(work)
        has_given_up.wait()
        wait_until(lambda: in_flight(pool) == [1, 2])
        wait_until(lambda: b"b" in words(node, "GET"))
        let_go(node, other)
        wait_until(lambda: in_flight(pool) == [0, 0])
        node.on("GET", echo)
        may_go_on.set()
        assert worker.result() == [b"b", b"c"]
        assert [connection_of(node, key) for key in (b"a", b"b", b"c")] == [SECOND, SECOND, FIRST]
        assert pool.stats().dropped == 1


def test_what_is_sent_without_reply_on_the_second_is_not_overtaken(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        for name, reply in (("CLIENT REPLY OFF", b""), ("SET", b""), ("CLIENT REPLY ON", Hold(OK))):
            node.on(name, reply)
        pair(callers, node, pool)
        other = ask(callers, pool, "other", [1, 0])

        def work() -> Any:
            pool.execute_noreply("SET", "a", 1)
            return pool.execute("GET", "b")

        worker = callers.start(work)
        wait_until(lambda: in_flight(pool) == [1, 2])
        let_go(node, other, worker)
        assert worker.result() == b"b"
        assert [seen.connection for seen in node.calls("SET")] == [connection_of(node, b"b")] == [SECOND]


def test_runs_posted_to_a_node_with_two_come_back_to_their_callers(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as one, FakeNode({"GET": held_echo}) as other:
        with HashPool([one.url, other.url], stall_after=None) as pool:
            keys = [f"k{number}" for number in range(20)]

            def run_four() -> bool:
                runs = [callers.start(pool.execute_many, [("GET", key) for key in keys]) for _ in range(4)]
                wait_until(lambda: one.release() + other.release() == 0 and all(run.is_done for run in runs))
                assert all(run.result() == [key.encode() for key in keys] for run in runs)
                return pool.stats().shared == 4

            wait_until(run_four)  # sooner or later they meet at both nodes
            run_four()
            assert pool.stats().in_flight == 0


# Its place is for a lease when one needs it --------------------------------------------------------------------


@pytest.mark.parametrize("on_full", ["wait", "raise"])
@pytest.mark.parametrize("max_size", [3, 5])
def test_it_gives_up_its_place_for_the_last_lease(callers: Callers, on_full: Any, max_size: int) -> None:
    reasons: list[Any] = []

    def hear(event: object) -> None:
        if isinstance(event, ConnectionClosed):
            reasons.append(event.reason)

    with FakeNode({"GET": held_echo}) as node:
        with pool_of(node, max_size=max_size, on_full=on_full, listener=hear) as pool:
            pair(callers, node, pool)
            leases = []
            for number in range(max_size - 1):
                assert pool.shared == 2 or number == max_size - 2
                leases.append(pool.acquire())
            wait_until(lambda: pool.shared == 1)
            assert reasons == ["shed"]
            stats = pool.stats()
            assert (stats.size, stats.leased, stats.opened, stats.closed) == (max_size, max_size - 1, max_size + 1, 1)
            if on_full == "raise":
                with pytest.raises(PoolExhausted):
                    pool.acquire()
            for lease in leases:
                pool.release(lease)
            again = [pool.acquire(timeout=0) for _ in range(max_size - 1)]
            for lease in again:
                pool.release(lease)
            meet(callers, node, pool)  # there is no place for another
            assert node_of(pool).ledger.next_dial_at(now()) is None
            assert pool.stats().opened == max_size + 1


def test_it_first_answers_what_it_owes_when_it_gives_up_its_place(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=3) as pool:
        pair(callers, node, pool)
        asked = [ask(callers, pool, "a", [1, 0]), ask(callers, pool, "b", [1, 1])]
        with pool.acquire():
            last = callers.start(pool.acquire)
            wait_until(lambda: pool.waiting == 1)
            asked.append(ask(callers, pool, "c", [2]))
            assert pool.size == 3
            let_go(node, *asked)
            pool.release(last.result())
        assert [caller.result() for caller in asked] == [b"a", b"b", b"c"]
        assert [connection_of(node, key) for key in (b"a", b"b", b"c")] == [FIRST, SECOND, FIRST]
        assert (pool.shared, pool.size, pool.stats().closed) == (1, 3, 1)


def test_it_goes_when_the_pool_shrinks_and_comes_back_when_it_grows(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=8) as pool:
        pair(callers, node, pool)
        pool.resize(max_size=2)
        wait_until(lambda: pool.shared == pool.size == 1)
        meet(callers, node, pool)
        assert pool.stats().opened == 2
        pool.resize(max_size=8)  # they have met
        wait_until(lambda: pool.shared == 2)
        assert (pool.stats().opened, pool.stats().closed, pool.stats().lost) == (3, 1, 0)


# Its end -------------------------------------------------------------------------------------------------------


def test_one_that_is_lost_is_not_replaced_before_callers_meet_again(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        lose(node, pool, SECOND)
        node.on("GET", echo)
        for number in range(20):
            assert pool.execute("GET", f"k{number}") == b"k%d" % number
        node_of(pool).settle()
        assert not node_of(pool).ledger.dials
        assert (pool.size, pool.stats().opened, pool.stats().lost, node.connections) == (1, 2, 1, 2)
        node.on("GET", held_echo)
        asked = [callers.start(pool.execute, "GET", key) for key in "ab"]
        wait_until(lambda: pool.shared == 2)
        let_go(node, *asked)
        assert [caller.result() for caller in asked] == [b"a", b"b"]
        assert (pool.stats().opened, node.connections) == (3, 3)


def test_callers_of_one_that_was_killed_are_served_on_the_first(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        node.reset(SECOND)
        wait_until(lambda: node.open_connections == 1)
        asked = [ask(callers, pool, "a", [1, 0]), callers.start(pool.execute, "GET", "b")]
        let_go(node, *asked)
        assert [caller.result() for caller in asked] == [b"a", b"b"]
        assert connection_of(node, b"b") == connection_of(node, b"a") == FIRST
        assert pool.stats().lost == 1


def test_it_goes_on_alone_when_the_first_is_lost(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        (_, second) = live(pool)
        lose(node, pool, FIRST)
        assert pool._shared.only is second
        assert (pool.size, pool.stats().opened, pool.stats().lost) == (1, 2, 1)
        pair(callers, node, pool)
        assert live(pool)[0] is second
        assert (pool.shared, pool.stats().opened, node.connections) == (2, 3, 3)


@pytest.mark.parametrize("which", [0, 1])
def test_one_past_its_lifetime_is_closed_and_not_replaced(callers: Callers, which: int) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        kept = live(pool)[1 - which]
        node_of(pool).ledger.shared_slots[which].retire_at = now()
        node_of(pool).alarm.set()
        wait_until(lambda: pool.size == 1)
        assert pool._shared.only is kept
        stats = pool.stats()
        assert (stats.shared, stats.opened, stats.closed, stats.lost, stats.dialing) == (1, 2, 1, 0, 0)


def test_a_drained_pool_has_one_new_connection_and_no_caller_notices(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        asked = [ask(callers, pool, "a", [1, 0]), ask(callers, pool, "b", [1, 1])]
        pool.drain()
        let_go(node, *asked)
        assert [caller.result() for caller in asked] == [b"a", b"b"]
        wait_until(lambda: pool.stats().closed == 2 and pool.size == 1)
        assert (pool.shared, pool.stats().opened, pool.stats().lost) == (1, 3, 0)
        node.on("GET", echo)
        assert pool.execute("GET", "c") == b"c"
        assert connection_of(node, b"c") == 3


def test_select_moves_both(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        pool.select(3)
        assert sorted(seen.connection for seen in node.calls("SELECT 3")) == [FIRST, SECOND]
        assert (pool.shared, pool.stats().opened, pool.stats().closed) == (2, 2, 0)


def test_one_that_is_made_during_a_select_is_not_used_on_the_old_database(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, FaultProxy(node) as proxy, pool_of(proxy) as pool:
        first = ask(callers, pool, "a", [1])
        proxy.up.hold()
        second = callers.start(pool.execute, "GET", "b")
        wait_until(lambda: pool.stats().dialing == 1 and proxy.connections == 2)
        selecting = callers.start(pool.select, 3)
        wait_until(lambda: in_flight(pool) == [3])
        proxy.up.release()
        let_go(node, first, second, selecting)
        selecting.result()
        wait_until(lambda: pool.stats().dialing == 0)
        selected = {seen.connection for seen in node.calls("SELECT 3")}
        assert len(selected) == pool.size
        assert {connection_of(node, b"a"), connection_of(node, b"b")} <= selected


def test_closing_waits_for_what_both_owe_and_leaves_nothing(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with pool_of(node) as pool:
            pair(callers, node, pool)
            asked = [ask(callers, pool, "a", [1, 0]), ask(callers, pool, "b", [1, 1])]
            closing = callers.start(pool.close, timeout=10.0)
            wait_until(lambda: pool.closed)
            let_go(node, *asked, closing)
            assert [caller.result() for caller in asked] == [b"a", b"b"]
        stats = pool.stats()
        assert (stats.size, stats.opened, stats.closed, stats.in_flight) == (0, 2, 2, 0)
        wait_until(lambda: node.open_connections == 0)


def test_closing_while_it_is_dialed_leaves_nothing(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, FaultProxy(node) as proxy:
        with pool_of(proxy) as pool:
            first = ask(callers, pool, "a", [1])
            proxy.up.hold()
            second = callers.start(pool.execute, "GET", "b")
            wait_until(lambda: pool.stats().dialing == 1 and proxy.connections == 2)
            pool.close(timeout=0)
            assert type(second.outcome()) is not bytes
            assert type(first.outcome()) is not bytes
        assert (pool.stats().size, pool.stats().opened, pool.stats().dial_failures) == (0, 1, 0)
        proxy.heal()  # what it holds back comes before the end of the connections
        wait_until(lambda: proxy.open_connections == 0)


def test_a_fork_leaves_both_to_the_parent(server: Server) -> None:
    script = """
import os, sys, threading, traceback
from respool import Pool
from respool.testing import ShortConnection
from threads.harness import Callers, wait_until

url, host, port = sys.argv[1:4]
pool = Pool(url, client_name="us")
pool.open()
callers = Callers()

def ask(name):
    while pool.shared < 2:
        assert pool.execute("ECHO", name) == name.encode()

def clients():
    with ShortConnection(host, int(port), timeout=5) as ask:
        return ask("CLIENT", "LIST").decode().count("name=us ")

for name in "abcd":
    callers.start(ask, name)
callers.results()
assert clients() == 2
pid = os.fork()
if pid == 0:
    code = 1
    try:
        assert (pool.size, pool.shared, pool.stats().opened) == (0, 0, 0)
        assert pool.execute("ECHO", "child") == b"child"
        assert (pool.shared, clients()) == (1, 3)
        pool.close()
        assert clients() == 2
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
assert os.waitpid(pid, 0)[1] == 0
assert (pool.shared, pool.stats().opened, clients()) == (2, 2, 2)
assert pool.execute("ECHO", "parent") == b"parent"
pool.close()
wait_until(lambda: clients() == 0)
print("done")
"""
    assert run_script(script, server.url, server.host, str(server.port), loop="threads") == "done\n"


# Where it cannot be made ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", REFUSALS, ids=["maxclients", "wrong-password"])
def test_where_the_server_refuses_it_the_first_works_on_and_dials_keep_their_pace(
    callers: Callers, refusal: bytes
) -> None:
    with FakeNode({"GET": echo}) as node, pool_of(node) as pool:
        node_of(pool).chance = lambda: 0.999
        node.on("HELLO", refusal)
        refused_at: list[float] = []
        is_password = refusal.startswith(b"-WRONGPASS")
        enough = 1 if is_password else 6
        is_over = threading.Event()

        def work(name: str) -> int:
            number = 0
            while not is_over.is_set():
                number += 1
                assert pool.execute("GET", f"{name}:{number}") == f"{name}:{number}".encode()
            return number

        def refusals() -> int:
            while len(refused_at) < pool.stats().dial_failures:
                refused_at.append(now())
            return len(refused_at)

        for name in "abc":
            callers.start(work, name)
        wait_until(lambda: refusals() >= enough)
        before = pool.stats().replies
        wait_until(lambda: node_of(pool).ledger.wants_second and pool.stats().replies > before + 100)
        is_over.set()
        assert sum(callers.results()) > 100
        ledger = node_of(pool).ledger
        assert (pool.shared, pool.size - pool.stats().dialing, pool.stats().opened, pool.stats().lost) == (1, 1, 1, 0)
        if is_password:
            assert refusals() == 1
            assert ledger.next_dial_at(now()) >= refused_at[0] + 4.0
        else:
            assert refusals() <= enough + 1
            # The times are those at which a refusal was seen, at most some milliseconds late.
            whole = sum(BASE * 2**failed for failed in range(enough - 1)) * 0.99
            assert refused_at[enough - 1] - refused_at[0] > whole - 0.02
