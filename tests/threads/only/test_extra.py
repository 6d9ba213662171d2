"""Extra shared connections, made as threads meet, and threads that have one to themselves (R-41)."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import pytest

from interrupting import Interrupted
from answers import OK, echo, held_echo, words
from respool import HashPool, Pool, RetryPolicy
from respool._facts.slots import slot_of
from respool._pooling.redial import BASE
from respool._shell.sockets import Retired
from respool._sync.shell import affinity as affinity_module
from respool._sync.shell.transport import Transport
from respool.errors import PoolExhausted, ReadTimeout
from respool.events import ConnectionClosed
from respool.testing import FakeNode, FaultProxy, Hold, Server
from respool.testing._script import hello
from scripts import run_script
from threads.harness import PATIENCE, Caller, Callers, now, rest, wait_until
from threads.signals import interrupt_when, interruptible

#: More where respool-speed is installed.
MOST_EXTRA = affinity_module.Affinity().most_extra

#: The numbers of the first two connections to a node.
FIRST, SECOND = 1, 2

REFUSALS = [b"-ERR max number of clients reached\r\n", b"-WRONGPASS invalid username-password pair\r\n"]


@contextmanager
def pool_of(node: Any, *, stall_after: float | None = None, max_size: int = 5, **options: Any) -> Iterator[Pool[Any]]:
    """Open a pool that may have one extra connection, and moves no caller away from a connection that is slow."""
    with Pool(node.url, stall_after=stall_after, max_size=max_size, **options) as pool:
        yield pool


class Worker:
    """A thread that lives on and gets one key after the other, when the test says so."""

    def __init__(self, callers: Callers, pool: Any) -> None:
        self._pool = pool
        self._keys: SimpleQueue[tuple[str, dict[str, Any]] | None] = SimpleQueue()
        self._replies: SimpleQueue[Any] = SimpleQueue()
        self._thread = callers.start(self._work)
        self._has_stopped = False

    def _work(self) -> None:
        while (key := self._keys.get()) is not None:
            try:
                self._replies.put(self._pool.execute("GET", key[0], **key[1]))
            except Exception as error:
                self._replies.put(error)

    def ask(self, key: str, **options: Any) -> None:
        """Let it send a GET."""
        self._keys.put((key, options))

    def reply(self) -> Any:
        """Wait for the oldest reply, or the error that was raised instead."""
        return self._replies.get(timeout=PATIENCE)

    def get(self, key: str, **options: Any) -> Any:
        """Let it send a GET, and return the reply."""
        self.ask(key, **options)
        return self.reply()

    def stop(self) -> None:
        """End the thread."""
        self._keys.put(None)
        self._thread.result()
        self._has_stopped = True


@contextmanager
def workers(callers: Callers, pool: Any, count: int) -> Iterator[list[Worker]]:
    """Start threads that live on."""
    crew = [Worker(callers, pool) for _ in range(count)]
    try:
        yield crew
    finally:
        for worker in crew:
            if not worker._has_stopped:
                worker._keys.put(None)


def node_of(pool: Any) -> Any:
    return pool._serving.node


def live(pool: Any) -> list[Any]:
    """Return the transports of the shared connections that get new work."""
    return list(pool._shared._live)


def affinity_of(pool: Any) -> Any:
    return pool._shared._affinity


def listens(pool: Any) -> bool:
    """Return whether the pool would make another connection for a thread that needs one."""
    transports = live(pool)
    is_told = [transport.on_meeting is not None for transport in transports]
    assert is_told == [affinity_of(pool)._on_lack is not None and len(transports) == 1] * len(transports)
    return affinity_of(pool)._on_lack is not None


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
    """Let two threads meet, and wait for another connection."""
    meet(callers, node, pool)
    wait_until(lambda: len(live(pool)) == 2)
    wait_until(lambda: in_flight(pool) == [0, 0] and not any(transport.is_busy for transport in live(pool)))


def is_at_rest(pool: Any) -> bool:
    return sum(in_flight(pool)) == 0 and not any(transport.is_busy for transport in live(pool))


def is_known(pool: Any) -> bool:
    """Return whether the lane has heard of all connections that are there by now, and has told its callers."""
    with node_of(pool).lock:
        return len(live(pool)) == sum(not slot.is_draining for slot in node_of(pool).ledger.shared_slots)


def free_all(pool: Any) -> None:
    """Let nobody own a connection, and nobody know that a thread has found none."""
    for transport in live(pool):
        transport.owner = None
    affinity_of(pool)._lacked_at = float("-inf")


def grow(callers: Callers, node: FakeNode, pool: Any, count: int) -> None:
    """Let so many threads meet that there are ``count`` connections, and let nobody own them."""
    node.on("GET", held_echo)
    free_all(pool)
    asked: list[Caller] = []
    while len(live(pool)) < count:
        before, owed, opened = in_flight(pool), pool.stats().in_flight, pool.stats().opened
        asked.append(callers.start(pool.execute, "GET", f"grow{len(asked)}"))
        wait_until(lambda: pool.stats().in_flight > owed)
        if any(now > then > 0 for now, then in zip(in_flight(pool), before, strict=False)):  # it has found none
            wait_until(lambda: pool.stats().opened > opened)
            wait_until(lambda: not node_of(pool).ledger.dials and is_known(pool))
    let_go(node, *asked)
    wait_until(lambda: is_at_rest(pool))
    free_all(pool)


def held_hello(command: Any, connection: Any) -> Any:
    """Hold the reply to HELLO, so that a connection is being made until the node lets it go."""
    return Hold(hello(command, connection))


def crowd_for(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all threads share the first connection for so long after one has found none. 0: each uses its own."""
    monkeypatch.setattr(affinity_module, "CROWDED", seconds)
    monkeypatch.setattr(affinity_module, "PAUSE", 0.0)


def own(crew: list[Worker], node: FakeNode, pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers take the connections, the first one the first, and keep them for good, also in a crowd."""
    node.on("GET", held_echo)
    crowd_for(0.0, monkeypatch)
    monkeypatch.setattr(affinity_module, "LATELY", -1.0)  # whoever had them before
    for number, worker in enumerate(crew, 1):
        worker.ask(f"own{number}")
        wait_until(lambda: sum(in_flight(pool)) == number)
    assert in_flight(pool)[: len(crew)] == [1] * len(crew)
    wait_until(lambda: node.release() == 0 and sum(in_flight(pool)) == 0)
    assert [worker.reply() for worker in crew] == [b"own%d" % number for number in range(1, len(crew) + 1)]
    wait_until(lambda: is_at_rest(pool))
    monkeypatch.setattr(affinity_module, "LATELY", 3600.0)
    node.on("GET", echo)


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


def test_threads_that_meet_have_a_connection_each_and_more_share_the_first(callers: Callers) -> None:
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


def test_a_thread_that_meets_nobody_takes_the_first(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        node.on("GET", echo)
        for number in range(20):
            assert pool.execute("GET", f"k{number}") == b"k%d" % number
        assert {seen.connection for seen in node.calls("GET")} == {FIRST}


def test_every_caller_of_many_gets_its_own_reply_while_connections_come_and_go(
    callers: Callers, server: Server
) -> None:
    is_over = threading.Event()
    with Pool(server.url, max_size=8, max_idle=0.02) as pool:

        def work(name: int) -> int:
            number = 0
            while not is_over.is_set():
                number += 1
                word = f"{name}:{number}"
                assert pool.execute("ECHO", word) == word.encode()
                if number % 10 == 0:
                    assert pool.execute_many([("SET", word, number), ("GET", word)]) == [b"OK", b"%d" % number]
                if number % 50 == 0:
                    time.sleep(0.03)  # so that nobody uses its connection for a while
            return number

        def borrow() -> int:
            times = 0
            while not is_over.is_set():
                times += 1
                leases = [pool.acquire() for _ in range(6)]
                for number, lease in enumerate(leases):
                    assert lease.execute("ECHO", number) == b"%d" % number
                    pool.release(lease)
                time.sleep(0.03)
            return times

        for name in range(5):
            callers.start(work, name)
        callers.start(borrow)
        wait_until(lambda: pool.stats().closed >= 10 and pool.stats().opened >= 20)
        is_over.set()
        assert min(callers.results()) > 0
        wait_until(lambda: pool.size == 1)
        stats = pool.stats()
        assert (stats.lost, stats.in_flight, stats.dropped, stats.taken_back) == (0, 0, 0, 0)
        assert stats.opened - stats.closed == 1


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
        assert not node_of(pool).ledger.wants_extra
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


def test_a_thread_that_is_interrupted_stays_where_its_command_is(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        monkeypatch.setattr(affinity_module, "LATELY", -1.0)  # the other one is free
        with pytest.raises(ReadTimeout):
            pool.execute("GET", "later", timeout=0.1)
        let_go(node)
        assert connection_of(node, b"left") == connection_of(node, b"later") == FIRST, "in their order (R-23)"


def test_who_meets_while_as_many_are_up_as_may_be_wants_no_other(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node) as pool:
        pair(callers, node, pool)
        assert not listens(pool)
        asked = [ask(callers, pool, "c", [1, 0]), ask(callers, pool, "d", [1, 1]), ask(callers, pool, "e", [2, 1])]
        assert not node_of(pool).ledger.wants_extra
        let_go(node, *asked)


def test_who_meets_while_one_is_dialed_wants_no_other(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=16) as pool:
        node.on("HELLO", held_hello)
        asked = [ask(callers, pool, "a", [1]), ask(callers, pool, "b", [2])]
        node.wait_for("HELLO", 2)
        node.on("HELLO", hello)
        with pool.acquire():  # whenever connections have changed, the lane listens for callers that meet
            pool.resize(max_size=17)
            assert listens(pool)
        asked.append(ask(callers, pool, "c", [3]))
        wait_until(lambda: node_of(pool).ledger.wants_extra)
        let_go(node, *asked)
        wait_until(lambda: pool.shared == 2 and is_known(pool))
        assert listens(pool)
        assert not node_of(pool).ledger.wants_extra
        assert (pool.stats().dialing, node.connections) == (0, 3)


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


def test_each_of_many_threads_has_one_and_stays_on_it(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 4) as crew:
        grow(callers, node, pool, 4)
        own(crew, node, pool, monkeypatch)
        for _ in range(3):
            for number, worker in reversed([*enumerate(crew, 1)]):
                assert worker.get(f"k{number}") == b"k%d" % number
        used = {number: {seen.connection for seen in node.calls(f"GET k{number}")} for number in range(1, 5)}
        assert used == {1: {1}, 2: {2}, 3: {3}, 4: {4}}
        assert (pool.stats().opened, pool.stats().closed) == (4, 0)


def test_a_thread_that_comes_when_all_have_owners_shares_the_first(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        for _ in range(3):
            assert third.get("third") == b"third"
            assert one.get("one") == b"one"
            assert other.get("other") == b"other"
        assert {seen.connection for seen in node.calls("GET third")} == {FIRST}
        assert {seen.connection for seen in node.calls("GET one")} == {FIRST}
        assert {seen.connection for seen in node.calls("GET other")} == {SECOND}


def test_a_thread_that_has_ended_leaves_its_connection_to_another(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lately = affinity_module.LATELY
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        other.stop()
        node.on("GET", held_echo)
        one.ask("one")
        wait_until(lambda: in_flight(pool) == [1, 0])
        third.ask("shared")
        wait_until(lambda: in_flight(pool) == [2, 0])
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (one.reply(), third.reply()) == (b"one", b"shared")
        one.ask("again")
        wait_until(lambda: in_flight(pool) == [1, 0])
        monkeypatch.setattr(affinity_module, "LATELY", lately)
        time.sleep(lately * 2)
        third.ask("own")
        wait_until(lambda: in_flight(pool) == [1, 1])
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (one.reply(), third.reply()) == (b"again", b"own")


def test_a_thread_whose_connection_was_taken_over_meanwhile_takes_another(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 3)
        own([one, other], node, pool, monkeypatch)
        monkeypatch.setattr(affinity_module, "LATELY", -1.0)
        node.on("GET", held_echo)
        third.ask("x")
        wait_until(lambda: in_flight(pool) == [1, 0, 0])
        monkeypatch.setattr(affinity_module, "LATELY", 3600.0)
        one.ask("y")
        wait_until(lambda: in_flight(pool) == [1, 0, 1])
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (third.reply(), one.reply()) == (b"x", b"y")


def test_once_a_thread_finds_none_all_share_the_first_for_a_while(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        crowd_for(3600.0, monkeypatch)
        assert other.get("alone") == b"alone"
        assert third.get("third") == b"third"
        assert other.get("crowded") == b"crowded"
        crowd_for(0.0, monkeypatch)
        assert other.get("later") == b"later"
        used = [connection_of(node, key) for key in (b"alone", b"third", b"crowded", b"later")]
        assert used == [SECOND, FIRST, FIRST, SECOND]


def crowd_of(callers: Callers, pool: Any, count: int, others: list[int]) -> list[Caller]:
    """Let ``count`` threads share the first connection."""
    return [ask(callers, pool, f"crowd{number}", [number, *others]) for number in range(1, count + 1)]


def test_in_a_crowd_owners_go_to_the_first_too_and_for_a_while_after_it(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 2) as crew:
        grow(callers, node, pool, 2)
        for seconds, later in ((3600.0, [1, 0]), (0.0, [0, 1])):
            free_all(pool)
            own(crew, node, pool, monkeypatch)
            node.on("GET", held_echo)
            crew[0].ask("own")  # who uses its own is no crowd
            wait_until(lambda: in_flight(pool) == [1, 0])
            crowd_for(3600.0, monkeypatch)
            crew[1].ask("few")
            wait_until(lambda: in_flight(pool) == [1, 1])
            wait_until(lambda: node.release() == 0 and is_at_rest(pool))
            crowd = crowd_of(callers, pool, 3, [0])
            crew[1].ask("many")
            wait_until(lambda: in_flight(pool) == [4, 0])
            let_go(node, *crowd)
            assert (crew[0].reply(), crew[1].reply(), crew[1].reply()) == (b"own", b"few", b"many")
            wait_until(lambda: is_at_rest(pool))
            crowd_for(seconds, monkeypatch)
            crew[1].ask("later")
            wait_until(lambda: in_flight(pool) == later)
            wait_until(lambda: node.release() == 0 and is_at_rest(pool))
            assert crew[1].reply() == b"later"


def test_how_many_wait_on_the_first_is_no_matter(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 2) as crew:
        grow(callers, node, pool, 2)
        own(crew, node, pool, monkeypatch)
        node.on("GET", held_echo)
        crowd = crowd_of(callers, pool, 12, [0])
        crew[1].ask("own")  # since all of them wait, nobody has gone without one for a while
        wait_until(lambda: in_flight(pool) == [12, 1])
        crew[0].ask("first")
        wait_until(lambda: in_flight(pool) == [13, 1])
        let_go(node, *crowd)
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (crew[0].reply(), crew[1].reply()) == (b"first", b"own")


def test_a_thread_that_finds_none_gets_another_and_owners_keep_theirs_meanwhile(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        crowd_for(3600.0, monkeypatch)
        assert listens(pool)
        node.on("HELLO", held_hello)
        assert third.get("shared") == b"shared"  # alone there: it waits for no other thread
        node.wait_for("HELLO", 3)
        assert not listens(pool)
        assert [worker.get(key) for worker, key in ((one, "one"), (other, "other"))] == [b"one", b"other"]
        wait_until(lambda: node.release() == 0 and pool.shared == 3 and is_known(pool))
        assert third.get("own") == b"own"
        used = [connection_of(node, key) for key in (b"shared", b"one", b"other", b"own")]
        assert used == [FIRST, FIRST, SECOND, 3]
        assert (pool.stats().opened, node.connections) == (3, 3)


def test_while_another_is_made_it_is_asked_for_no_more_and_all_share(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as (one, other, third):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        crowd_for(3600.0, monkeypatch)
        node.on("HELLO", held_hello)
        for key in ("a", "b", "c"):
            assert third.get(key) == key.encode()
        node.wait_for("HELLO", 3)
        assert not node_of(pool).ledger.wants_extra
        assert other.get("other") == b"other"
        assert connection_of(node, b"other") == FIRST
        wait_until(lambda: node.release() == 0 and pool.shared == 3)
        assert (pool.stats().opened, pool.stats().dialing, node.connections) == (3, 0, 3)


def test_a_thread_whose_own_is_busy_wants_no_other_and_makes_no_crowd(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 2) as (one, other):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        crowd_for(3600.0, monkeypatch)
        node.on("GET", held_echo)
        held = callers.start(live(pool)[1].submit, ("GET", "held"))  # as a thread that was pinned there
        wait_until(lambda: in_flight(pool) == [0, 1])
        other.ask("shared")
        wait_until(lambda: in_flight(pool) == [1, 1])
        assert listens(pool)
        assert not node_of(pool).ledger.wants_extra
        let_go(node, held)
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        other.ask("own")
        wait_until(lambda: in_flight(pool) == [0, 1])
        let_go(node)
        assert (other.reply(), other.reply()) == (b"shared", b"own")
        assert (pool.shared, node.connections) == (2, 2)


def test_it_is_shared_by_more_than_there_may_be_connections(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd_for(0.0, monkeypatch)
    monkeypatch.setattr(affinity_module, "LATELY", -1.0)
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=8) as pool:
        grow(callers, node, pool, 4)
        asked = []
        for number in range(9):  # one after the other: two at the same moment may take the same one
            asked.append(callers.start(pool.execute, "GET", f"k{number}"))
            wait_until(lambda: sum(in_flight(pool)) == len(asked))
        wait_until(lambda: not node_of(pool).ledger.dials)
        assert sorted(in_flight(pool)[1:]) == [1, 1, 1]
        assert in_flight(pool)[0] == 6
        assert not listens(pool)
        let_go(node, *asked)
        assert [caller.result() for caller in asked] == [b"k%d" % number for number in range(9)]
        stats = pool.stats()
        assert (stats.shared, stats.opened, stats.closed, node.connections) == (4, 4, 0, 4)


def test_there_are_never_more_than_the_most(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=64) as pool:
        grow(callers, node, pool, 1 + MOST_EXTRA)
        asked = [callers.start(pool.execute, "GET", f"k{number}") for number in range(1 + MOST_EXTRA + 2)]
        wait_until(lambda: sum(in_flight(pool)) == len(asked))
        assert not listens(pool)
        assert not node_of(pool).ledger.wants_extra
        let_go(node, *asked)
        assert (pool.shared, node.connections) == (1 + MOST_EXTRA, 1 + MOST_EXTRA)


def test_a_larger_pool_makes_more_as_threads_meet_again(callers: Callers) -> None:
    with FakeNode() as node, pool_of(node, max_size=5) as pool:
        grow(callers, node, pool, 2)
        pool.resize(max_size=16)
        assert not node_of(pool).ledger.dials
        grow(callers, node, pool, 4)
        assert (pool.shared, pool.stats().opened) == (4, 4)


def test_an_owner_whose_connection_is_lost_takes_another(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as crew:
        grow(callers, node, pool, 3)
        own(crew[:2], node, pool, monkeypatch)
        node.drop(SECOND)
        wait_until(lambda: node.open_connections == 2)
        assert crew[1].get("a") == b"a"
        assert crew[1].get("b") == b"b"
        assert (connection_of(node, b"a"), connection_of(node, b"b")) == (3, 3)
        assert crew[0].get("c") == b"c"
        assert connection_of(node, b"c") == FIRST


def test_an_owner_whose_connection_is_lost_and_that_finds_no_other_gets_a_new_one(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as crew:
        grow(callers, node, pool, 3)
        own(crew, node, pool, monkeypatch)
        node.drop(SECOND)
        wait_until(lambda: node.open_connections == 2)
        rest()
        assert crew[1].get("shared") == b"shared"
        wait_until(lambda: pool.shared == 3 and is_known(pool))
        assert crew[1].get("own") == b"own"
        assert (connection_of(node, b"shared"), connection_of(node, b"own")) == (FIRST, 4)
        assert (pool.stats().lost, pool.stats().opened) == (1, 4)


def test_an_owner_whose_connection_is_being_drained_and_that_finds_no_other_gets_a_new_one(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 3) as crew:
        grow(callers, node, pool, 3)
        own(crew, node, pool, monkeypatch)
        node.on("GET", held_echo)
        crew[1].ask("last")
        wait_until(lambda: in_flight(pool) == [0, 1, 0])
        held = callers.start(live(pool)[1].submit, ("GET", "held"))
        wait_until(lambda: in_flight(pool) == [0, 2, 0])
        node_of(pool).ledger.shared_slots[1].retire_at = now()
        node_of(pool).alarm.set()
        wait_until(lambda: len(live(pool)) == 2)
        node.release(1)
        assert crew[1].reply() == b"last"
        assert not held.is_done
        node.on("GET", echo)
        assert crew[1].get("shared") == b"shared"
        wait_until(lambda: len(live(pool)) == 3)
        assert crew[1].get("own") == b"own"
        assert (connection_of(node, b"shared"), connection_of(node, b"own")) == (FIRST, 4)
        let_go(node, held)
        assert pool.stats().lost == 0


def test_an_owner_leaves_a_connection_that_is_being_drained(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node, max_size=16) as pool, workers(callers, pool, 2) as crew:
        grow(callers, node, pool, 3)
        own(crew, node, pool, monkeypatch)
        second = live(pool)[1]
        node.on("GET", held_echo)
        crew[1].ask("last")
        wait_until(lambda: in_flight(pool) == [0, 1, 0])
        node_of(pool).ledger.shared_slots[1].retire_at = now()
        node_of(pool).alarm.set()
        wait_until(lambda: len(live(pool)) == 2)
        assert second.owes == 1
        wait_until(lambda: node.release() == 0 and pool.shared == 2)
        assert crew[1].reply() == b"last"
        node.on("GET", echo)
        assert crew[1].get("next") == b"next"
        assert connection_of(node, b"next") == 3
        assert pool.stats().lost == 0


def test_a_connection_that_is_stalled_gets_no_new_work(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, stall_after=0.05) as pool:
        pair(callers, node, pool)
        first, second = live(pool)
        asked = [ask(callers, pool, "a", [1, 0])]
        wait_until(lambda: first.silent_for > 0.06)
        asked += [ask(callers, pool, key, [1, count]) for count, key in enumerate("bcd", 1)]
        wait_until(lambda: second.silent_for > 0.06)
        asked.append(ask(callers, pool, "e", [2, 3]))  # where both are, the strategy decides
        let_go(node, *asked)
        assert {connection_of(node, key) for key in (b"b", b"c", b"d")} == {SECOND}


# Explicit numbers and other strategies -------------------------------------------------------------------------


def test_a_fixed_number_of_connections_have_owners_too_and_the_strategy_finds_one_for_others(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_size=16, shared=4) as pool, workers(callers, pool, 4) as crew:
        pool.open()
        wait_until(lambda: len(live(pool)) == 4)
        node.on("GET", held_echo)
        own(crew, node, pool, monkeypatch)
        for _ in range(2):
            for number, worker in reversed([*enumerate(crew, 1)]):
                assert worker.get(f"k{number}") == b"k%d" % number
        assert all(len({seen.connection for seen in node.calls(f"GET k{number}")}) == 1 for number in range(1, 5))
        node.on("GET", held_echo)
        for number, worker in enumerate(crew, 1):
            worker.ask("k")
            wait_until(lambda: sum(in_flight(pool)) == number)
        others = [ask(callers, pool, "e", [2, 1, 1, 1]), ask(callers, pool, "f", [2, 2, 1, 1])]
        assert not listens(pool)
        let_go(node, *others)
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (pool.shared, pool.stats().opened, node.connections) == (4, 4, 4)


def test_who_finds_no_owned_connection_there_takes_a_quiet_one(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, shared=2) as pool, workers(callers, pool, 3) as (one, other, third):
        pool.open()
        wait_until(lambda: len(live(pool)) == 2)
        own([one, other], node, pool, monkeypatch)
        node.on("GET", held_echo)
        one.ask("a")
        wait_until(lambda: in_flight(pool) == [1, 0])
        third.ask("b")  # the other owner has used its connection lately, and it is quiet
        wait_until(lambda: in_flight(pool) == [1, 1])
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert (one.reply(), third.reply()) == (b"a", b"b")


@pytest.mark.parametrize("strategy", ["round_robin", "random"])
@pytest.mark.parametrize("options", [{}, {"shared": 4}], ids=["default", "shared=4"])
def test_with_another_strategy_no_thread_has_one_to_itself(
    callers: Callers, strategy: Any, options: dict[str, Any]
) -> None:
    with FakeNode({"GET": held_echo}) as node, pool_of(node, max_size=16, strategy=strategy, **options) as pool:
        pool.open()
        shared = options.get("shared", 1)
        wait_until(lambda: len(live(pool)) == shared)
        lane: Any = pool._shared
        assert (lane._affinity, lane._grows) == (None, False)
        asked = [callers.start(pool.execute, "GET", key) for key in "abcdefgh"]
        wait_until(lambda: sum(in_flight(pool)) == 8)
        let_go(node, *asked)
        node.on("GET", echo)
        for _ in range(50):
            assert pool.execute("GET", "k") == b"k"
        assert len({seen.connection for seen in node.calls("GET k")}) == shared
        assert all((each.on_meeting, each.owner) == (None, None) for each in live(pool))
        assert (pool.shared, pool.stats().opened) == (shared, shared)


def test_each_node_of_a_pool_of_several_has_its_own(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as one, FakeNode({"GET": held_echo}) as other:
        with HashPool([one.url, other.url], stall_after=None, max_size=5) as pool:
            key = next(f"k{number}" for number in range(100) if slot_of(b"k%d" % number) % 2 == 0)
            asked = [callers.start(pool.execute, "GET", key) for _ in range(2)]
            wait_until(lambda: one.connections == 2)
            let_go(one, *asked)
            assert [caller.result() for caller in asked] == [key.encode()] * 2
            wait_until(lambda: pool.stats().shared == 3)
            assert (one.connections, other.connections) == (2, 1)


# Order (R-23) --------------------------------------------------------------------------------------------------


def test_a_thread_that_gave_up_on_the_second_stays_there(callers: Callers) -> None:
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
        assert [connection_of(node, key) for key in (b"a", b"b", b"c")] == [SECOND, SECOND, SECOND]
        assert pool.stats().dropped == 1


def test_a_thread_that_gave_up_on_a_shared_one_uses_its_own_only_when_that_owes_nothing(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node) as pool, workers(callers, pool, 2) as (one, other):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        crowd_for(3600.0, monkeypatch)
        node.on("GET", held_echo)
        one.ask("x")
        wait_until(lambda: in_flight(pool) == [1, 0])
        crowd = [ask(callers, pool, "y", [2, 0])]
        assert isinstance(other.get("a", timeout=0.05), ReadTimeout)  # it went where the crowd is
        assert in_flight(pool) == [3, 0]
        crowd_for(0.0, monkeypatch)
        other.ask("b")
        wait_until(lambda: in_flight(pool) == [4, 0])
        let_go(node, *crowd)
        assert (one.reply(), other.reply()) == (b"x", b"b")
        wait_until(lambda: is_at_rest(pool))
        node.on("GET", echo)
        assert other.get("c") == b"c"
        assert [connection_of(node, key) for key in (b"b", b"c")] == [FIRST, SECOND]


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
        with HashPool([one.url, other.url], stall_after=None, max_size=5) as pool:
            keys = [f"k{number}" for number in range(20)]

            for part, node in enumerate((one, other)):
                key = next(key for key in keys if slot_of(key.encode()) % 2 == part)
                asked = [callers.start(pool.execute, "GET", key) for _ in range(2)]
                wait_until(lambda node=node: node.connections == 2)  # type: ignore[misc]
                let_go(node, *asked)
            wait_until(lambda: pool.stats().shared == 4)
            for _ in range(3):
                runs = [callers.start(pool.execute_many, [("GET", key) for key in keys]) for _ in range(4)]
                wait_until(lambda: one.release() + other.release() == 0 and all(run.is_done for run in runs))
                assert all(run.result() == [key.encode() for key in keys] for run in runs)
            assert {seen.connection for seen in one.calls("GET")} == {FIRST, SECOND}
            assert (pool.stats().in_flight, pool.stats().shared, pool.stats().opened) == (0, 4, 4)


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


def test_it_is_not_the_stalled_one_that_gives_up_its_place(callers: Callers) -> None:
    with FakeNode() as node, pool_of(node, max_size=6) as pool:
        grow(callers, node, pool, 3)
        node.on("GET", held_echo)
        newest = live(pool)[-1]
        held = callers.start(newest.submit, ("GET", "held"))
        wait_until(lambda: newest.owes == 1)
        leases = [pool.acquire(timeout=PATIENCE) for _ in range(4)]  # the last needs the place of one of them
        assert not held.is_done
        let_go(node, held)
        assert held.result() == b"held"
        for lease in leases:
            pool.release(lease)


def test_the_replacement_of_all_waits_for_none_of_them(callers: Callers) -> None:
    """What a former primary has refused is sent again on a connection made after that (R-24)."""
    with FakeNode({"SET": OK}) as node, pool_of(node, max_size=16) as pool:
        grow(callers, node, pool, 4)
        node.on("GET", held_echo)
        held = [callers.start(each.submit, ("GET", "held")) for each in live(pool)[:2]]
        wait_until(lambda: in_flight(pool) == [1, 1] + [0] * (len(live(pool)) - 2))
        node.once("SET", b"-READONLY You can't write against a read only replica.\r\n")
        assert pool.execute("SET", "k", "v", timeout=PATIENCE) == b"OK"
        assert not any(caller.is_done for caller in held)
        let_go(node, *held)
        wait_until(lambda: pool.shared == 1)
        assert pool.stats().lost == 0


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


# When nobody uses it -------------------------------------------------------------------------------------------


class Endings:
    """When and why connections were closed."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.times: list[float] = []

    def __call__(self, event: object) -> None:
        if isinstance(event, ConnectionClosed):
            self.reasons.append(event.reason)
            self.times.append(now())


def let_max_idle_pass(pool: Any) -> None:
    """Let maintenance look now for connections that nobody has used since it looked last, whatever the time is."""
    node = node_of(pool)
    node.ledger.low_water_since = float("-inf")
    node.alarm.set()
    wait_until(lambda: node.ledger.low_water_since > float("-inf"))
    with node.lock:  # it has found them
        pass


def test_those_that_nobody_uses_are_closed_one_by_one(callers: Callers) -> None:
    endings = Endings()
    with FakeNode() as node, pool_of(node, max_size=16, max_idle=0.1, listener=endings) as pool:
        grow(callers, node, pool, 4)
        wait_until(lambda: pool.size == 1)
        assert endings.reasons == ["idle"] * (pool.stats().opened - 1)
        assert all(later - before > 0.05 for before, later in zip(endings.times, endings.times[1:], strict=False))
        assert pool.stats().lost == 0
        node.on("GET", echo)
        assert pool.execute("GET", "k") == b"k"
        assert connection_of(node, b"k") == FIRST
        grow(callers, node, pool, 3)


def test_those_that_threads_use_stay(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    endings, is_over = Endings(), threading.Event()
    counts = {"a": 0, "b": 0}
    with FakeNode() as node, pool_of(node, max_size=16, max_idle=3600.0, listener=endings) as pool:
        grow(callers, node, pool, 4)
        node.on("GET", echo)
        monkeypatch.setattr(affinity_module, "LATELY", 3600.0)

        def work(name: str) -> None:
            while not is_over.is_set():
                assert pool.execute("GET", name) == name.encode()
                counts[name] += 1

        def is_left(number: int) -> bool:
            """Let ``max_idle`` pass, and see whether so many are left when both have used theirs since."""
            let_max_idle_pass(pool)
            before = dict(counts)  # in the first two rounds after that they may meet on the same one
            wait_until(lambda: all(counts[name] > before[name] + 3 for name in counts))
            return bool(pool.shared == number)

        for name in counts:
            callers.start(work, name)
        wait_until(lambda: is_left(2))
        opened = pool.stats().opened
        for _ in range(5):
            assert is_left(2)
        assert pool.stats().opened == opened
        is_over.set()
        callers.results()
        for _ in range(2):
            assert pool.shared == 2
            let_max_idle_pass(pool)
        wait_until(lambda: pool.shared == 1)
        assert endings.reasons == ["idle"] * 3


def test_one_that_its_owner_has_left_in_a_crowd_is_closed(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node, max_idle=3600.0) as pool, workers(callers, pool, 2) as (one, other):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        other.stop()
        crowd_for(3600.0, monkeypatch)
        affinity_of(pool)._lacked_at = now()
        let_max_idle_pass(pool)
        assert one.get("a") == b"a"
        assert pool.shared == 2
        affinity_of(pool)._lacked_at = now()
        let_max_idle_pass(pool)
        wait_until(lambda: pool.shared == 1)
        assert one.get("b") == b"b"
        assert connection_of(node, b"a") == connection_of(node, b"b") == FIRST


def test_one_thread_alone_after_many_keeps_one(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as node, pool_of(node, max_size=16, max_idle=3600.0) as pool, workers(callers, pool, 4) as crew:
        grow(callers, node, pool, 4)
        own(crew, node, pool, monkeypatch)
        last = crew[-1]
        assert last.get("before") == b"before"
        assert connection_of(node, b"before") > FIRST

        def is_alone() -> bool:
            let_max_idle_pass(pool)
            assert last.get("k") == b"k"
            return bool(pool.size == 1)

        wait_until(is_alone)
        assert last.get("after") == b"after"
        assert connection_of(node, b"after") == FIRST
        assert (pool.stats().lost, pool.stats().opened) == (0, node.connections)


def test_one_that_is_shared_all_the_time_stays_though_nobody_owns_it(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode() as node, pool_of(node, max_idle=3600.0) as pool, workers(callers, pool, 2) as (one, other):
        grow(callers, node, pool, 2)
        own([one, other], node, pool, monkeypatch)
        first, second = live(pool)
        node.on("GET", held_echo)
        one.ask("held")
        wait_until(lambda: in_flight(pool) == [1, 0])
        node.on("GET", echo)
        for _ in range(6):
            let_max_idle_pass(pool)
            assert other.get("k") == b"k"
        assert first.owner is None
        assert live(pool) == [first, second]
        assert pool.stats().closed == 0
        wait_until(lambda: node.release() == 0 and is_at_rest(pool))
        assert one.reply() == b"held"


def test_what_the_minimum_asks_for_stays(callers: Callers) -> None:
    with FakeNode() as node, pool_of(node, max_size=16, min_size=3, max_idle=0.1) as pool:
        grow(callers, node, pool, 4)
        wait_until(lambda: pool.size == 3)
        closed = pool.stats().closed
        time.sleep(0.25)
        assert (pool.size, pool.stats().closed) == (3, closed)


def test_without_max_idle_all_stay(callers: Callers) -> None:
    with FakeNode() as node, pool_of(node, max_size=16, max_idle=None) as pool:
        grow(callers, node, pool, 3)
        time.sleep(0.05)
        node_of(pool).alarm.set()
        assert (pool.shared, pool.stats().closed) == (3, 0)


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


@pytest.mark.parametrize("policy", [None, RetryPolicy()], ids=["no retries", "default"])
@pytest.mark.parametrize(
    ("how", "sent", "answer"),
    [
        ("execute", ("GET", "k"), b"k"),
        ("execute_many", ([("GET", "k")],), [b"k"]),
        ("execute_noreply", ("SET", "k", "v"), None),
    ],
    ids=["execute", "execute_many", "execute_noreply"],
)
def test_a_caller_alone_notices_nothing_when_all_were_closed_at_rest(
    callers: Callers, how: str, sent: tuple[Any, ...], answer: Any, policy: RetryPolicy | None
) -> None:
    """There are more of them than a command may be tried."""
    script = {"SET": b"", "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK}
    with FakeNode(script) as node, pool_of(node, max_size=16, retry=policy) as pool:
        grow(callers, node, pool, MOST_EXTRA + 1)
        node.on("GET", echo)
        rest()
        node.drop()
        rest()
        assert getattr(pool, how)(*sent) == answer
        assert pool.execute("GET", "k") == b"k"
        assert (pool.stats().lost, pool.shared) == (MOST_EXTRA + 1, 1)


@pytest.mark.parametrize("policy", [None, RetryPolicy()], ids=["no retries", "default"])
def test_nor_does_the_caller_of_a_pool_of_several_nodes(callers: Callers, policy: RetryPolicy | None) -> None:
    with FakeNode() as node, HashPool([node.url], shared=8, retry=policy) as pool:
        wait_until(lambda: pool.stats().shared == 8)
        node.on("GET", echo)
        for _ in range(2):
            rest()
            node.drop()
            rest()
            assert pool.execute_many([("GET", "k")] * 2) == [b"k"] * 2
            wait_until(lambda: pool.stats().shared == 8)


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


def test_select_is_not_refused_where_connections_are_being_closed(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode({"SELECT": OK}) as node, pool_of(node, max_size=16) as pool:
        grow(callers, node, pool, 3)
        first, submit = live(pool)[0], Transport.submit

        def submit_late(self: Any, args: tuple[Any, ...]) -> Any:
            if self is first:
                self.wait_idle(then_close=True)  # as the thread does that drains it
            return submit(self, args)

        monkeypatch.setattr(Transport, "submit", submit_late)
        pool.select(3)
        assert pool.db == 3
        assert isinstance(first.error.__cause__ or first.error, Retired)


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
pool = Pool(url, client_name="us", max_size=5)
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
        wait_until(lambda: node_of(pool).ledger.wants_extra and pool.stats().replies > before + 100)
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


def test_over_tls_threads_have_their_own_connections_too(callers: Callers, server: Server) -> None:
    is_over = threading.Event()
    with FaultProxy(server, tls=True) as proxy:
        with Pool(proxy.url, tls=proxy.ssl_context(), connect_timeout=5.0, max_size=5) as pool:
            until = now() + 10.0

            def work(name: int) -> None:
                number = 0
                while not is_over.is_set() and now() < until:
                    number += 1
                    word = f"{name}:{number}"
                    assert pool.execute("ECHO", word) == word.encode()

            for name in range(3):
                callers.start(work, name)
            wait_until(lambda: pool.shared == 2)
            before = pool.stats().replies
            wait_until(lambda: pool.stats().replies > before + 100)
            is_over.set()
            callers.results()
            assert isinstance(pool._shared._live[0]._sock._sock, ssl.SSLSocket)
            assert pool.stats().lost == 0
