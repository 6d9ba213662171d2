"""A thread finds the connection again that it gave back; for everybody else that connection is idle.

A round of the maintenance makes idle what is kept, at a time that a test does not know: a thread may find another one
behind it. So most tests are without rounds, and the others say that they are ``maintained``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import pytest

from answers import NIL
from respool import ClusterPool, Connection, HashPool, Pool
from respool._sync.node import closing, maintenance
from respool._sync.node.node import Node
from respool._sync.routing import members
from respool._sync.shell import transport as transport_module
from respool.errors import PoolClosed, PoolTimeout, UsageError
from respool.testing import Close, FakeCluster, FakeNode, Server
from threads.harness import PATIENCE, Callers, rest, wait_until

#: Longer than any test.
LONG = 1000.0


def only_dials(node: Node) -> float:
    """Stand in for a round of the maintenance."""
    node.settle()
    return float("inf")


@pytest.fixture(autouse=True)
def without_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "maintain_once", only_dials)
    monkeypatch.setattr(members, "maintain_once", only_dials)


@pytest.fixture
def maintained(without_rounds: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()


class Other:
    """Another thread, which lives on and does one thing after the other, when the test says so."""

    def __init__(self, callers: Callers) -> None:
        self._works: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Any] = SimpleQueue()
        self._caller = callers.start(self._run)

    def _run(self) -> None:
        while (work := self._works.get()) is not None:
            try:
                self._outcomes.put(work())
            except Exception as error:
                self._outcomes.put(error)

    def begin(self, work: Callable[..., Any], *args: Any) -> None:
        self._works.put(lambda: work(*args))

    def outcome(self) -> Any:
        """Return what the oldest work has returned, or raise what it has raised."""
        outcome = self._outcomes.get(timeout=PATIENCE)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def do(self, work: Callable[..., Any], *args: Any) -> Any:
        self.begin(work, *args)
        return self.outcome()

    def stop(self) -> None:
        self._works.put(None)
        self._caller.result()


@contextmanager
def another(callers: Callers) -> Iterator[Other]:
    other = Other(callers)
    try:
        yield other
    finally:
        other.stop()


@pytest.fixture
def other(callers: Callers) -> Iterator[Other]:
    with another(callers) as thread:
        yield thread


def borrow(pool: Pool[Any], timeout: float | None = 5.0) -> int:
    """Borrow a connection, and return its number."""
    with pool.acquire(timeout) as conn:
        number: int = conn.execute("CLIENT", "ID")
        return number


def kept(pool: Any) -> int:
    """Return how many connections threads have kept."""
    return len(pool._serving.ledger.kept_slots)


def keep(pool: Pool[Any]) -> int:
    """Let this thread keep a connection, and return its number."""
    number = borrow(pool)
    assert kept(pool) == 1
    return number


def keep_one_each(pool: Pool[Any], other: Other) -> tuple[int, int]:
    """Let this thread keep one connection, and after it the other thread another; return their numbers."""
    with pool.acquire() as conn:
        theirs = other.do(pool.acquire)
        numbers = conn.execute("CLIENT", "ID"), theirs.execute("CLIENT", "ID")
    other.do(pool.release, theirs)
    assert kept(pool) == 2
    return numbers


# Who gets it ------------------------------------------------------------------------------------------------


def test_a_thread_gets_its_own_connection_again_though_another_gave_one_back_later(
    server: Server, other: Other
) -> None:
    with Pool(server.url, shared=0) as pool:
        ours, theirs = keep_one_each(pool, other)
        for _ in range(3):
            assert borrow(pool) == ours
            assert other.do(borrow, pool) == theirs
        assert (pool.idle, pool.leased, pool.stats().opened) == (2, 0, 2)


@pytest.mark.parametrize("timeout", [0, 5.0, None])
@pytest.mark.parametrize("on_full", ["wait", "raise"])
def test_another_thread_gets_it_at_once_when_nothing_else_is_idle(
    server: Server, other: Other, on_full: Any, timeout: float | None
) -> None:
    with Pool(server.url, shared=0, max_size=1, on_full=on_full) as pool:
        ours = keep(pool)
        for _ in range(2):
            assert other.do(borrow, pool, timeout) == ours
            assert borrow(pool, timeout) == ours
        assert pool.stats().waits == 1  # for the dial


def test_another_thread_gets_it_rather_than_a_new_connection(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0) as pool:
        ours = keep(pool)
        assert other.do(borrow, pool) == ours
        assert pool.stats().opened == 1


def test_what_is_idle_and_nobodys_is_lent_before_it(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0) as pool:
        first, second = pool.acquire(), pool.acquire()
        numbers = first.execute("CLIENT", "ID"), second.execute("CLIENT", "ID")
        pool.release(first)
        pool.release(second)
        assert borrow(pool) == numbers[1]
        assert (kept(pool), pool.idle) == (1, 2)
        assert other.do(borrow, pool) == numbers[0]


def test_it_is_there_when_its_thread_has_ended(server: Server, callers: Callers) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        theirs = callers.start(keep, pool).result()
        assert kept(pool) == 1
        assert borrow(pool, 0) == theirs


def test_the_leases_of_one_thread_come_back_newest_first(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        leases = [pool.acquire() for _ in range(4)]
        numbers = [lease.execute("CLIENT", "ID") for lease in leases]
        for lease in leases:
            pool.release(lease)
        again = [pool.acquire(0) for _ in leases]
        assert [lease.execute("CLIENT", "ID") for lease in again] == numbers[::-1]
        for lease in again:
            pool.release(lease)


def test_a_caller_who_waits_gets_what_a_thread_would_have_kept(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        ours = keep(pool)
        lease = pool.acquire()
        other.begin(pool.acquire)
        wait_until(lambda: pool.waiting == 1)
        pool.release(lease)
        assert (pool.idle, pool.leased, pool.waiting) == (0, 1, 0)
        with pytest.raises(PoolTimeout):
            pool.acquire(0)
        theirs = other.outcome()
        assert theirs.execute("CLIENT", "ID") == ours
        pool.release(theirs)


def test_commands_of_one_thread_stay_on_one_connection(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0) as pool:
        ours, theirs = keep_one_each(pool, other)
        for _ in range(3):
            assert pool.execute("CLIENT", "ID") == ours
            assert other.do(pool.execute, "CLIENT", "ID") == theirs
        assert (kept(pool), pool.stats().opened) == (2, 2)


def test_first_in_first_out_lends_in_its_own_order(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, idle_order="fifo") as pool:
        with pool.acquire() as conn:
            theirs = other.do(pool.acquire)
            first = conn.execute("CLIENT", "ID")
            second = theirs.execute("CLIENT", "ID")
        other.do(pool.release, theirs)
        assert kept(pool) == 0
        assert [other.do(borrow, pool), borrow(pool), borrow(pool), borrow(pool)] == [first, second, first, second]


def test_nodes_that_share_a_total_keep_nothing(other: Other) -> None:
    with FakeCluster(primaries=2) as cluster:
        keys = [next(key for key in map(str, range(99)) if cluster.owner_of(key) is node) for node in cluster.nodes]
        with ClusterPool(cluster.url, max_total=2, shared=0) as pool:
            for _ in range(3):
                for key in keys:
                    assert pool.execute("GET", key) is None
                    assert other.do(pool.execute, "GET", key) is None
            servings: Any = {pool._serving.table[cluster.slot_of(key)] for key in keys}  # type: ignore[union-attr]
            assert [serving.ledger.kept_slots for serving in servings] == [[], []]


def test_each_bucket_has_one_for_each_thread(server: Server, other: Other) -> None:
    def number(key: str) -> int:
        with pool.acquire(shard_key=key) as conn:
            return int(conn.execute("CLIENT", "ID"))

    def number_while(key: str) -> int:
        with pool.acquire(shard_key=key):
            return int(other.do(number, key))

    with Server() as second, HashPool([server.url, second.url], shared=0) as pool:
        theirs = {key: number_while(key) for key in "abcdef"}
        ours = {key: number(key) for key in theirs}
        for key in theirs:
            assert ours[key] != theirs[key]
            assert (number(key), other.do(number, key), number(key)) == (ours[key], theirs[key], ours[key])
        assert pool.size == 4


# What others see --------------------------------------------------------------------------------------------


def test_it_is_counted_as_idle(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, max_size=2) as pool:
        keep_one_each(pool, other)
        assert (pool.size, pool.idle, pool.leased) == (2, 2, 0)
        with pool.acquire():
            assert (pool.size, pool.idle, pool.leased) == (2, 1, 1)
            assert kept(pool) == 1
            stats = pool.stats()
            assert (stats.size, stats.idle, stats.leased) == (2, 1, 1)
            assert stats.leases == stats.releases + 1
            assert "idle=1 leased=1" in repr(pool)
        stats = pool.stats()
        assert (stats.size, stats.idle, stats.leased) == (2, 2, 0)
        assert stats.leases == stats.releases


# What happens to it -----------------------------------------------------------------------------------------


def test_closing_the_pool_closes_it(server: Server) -> None:
    before = server.client_count()
    pool = Pool(server.url, shared=0)
    keep(pool)
    pool.close()
    assert (pool.size, pool.idle, pool.stats().closed) == (0, 0, 1)
    wait_until(lambda: server.client_count() == before)


def test_it_is_closed_too_if_a_thread_that_has_stopped_for_ever_holds_the_lock(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Node) -> None:
        raise PoolClosed("the interpreter is ending")

    before = server.client_count()
    pool = Pool(server.url, shared=0)
    keep(pool)
    monkeypatch.setattr(closing, "runs_alone", lambda: True)
    monkeypatch.setattr(Node, "close_now", refuse)
    pool.close()
    wait_until(lambda: server.client_count() == before)
    monkeypatch.undo()
    pool._serving.node.alarm.set()  # type: ignore[union-attr]  # open, so there is one
    pool._serving.node.close_now()  # type: ignore[union-attr]


#: What closes idle connections. The last two are steps of longer ways: a select at many nodes, and the end of a loop.
CLOSING: dict[str, Callable[[Any], Any]] = {
    "clear": lambda pool: pool.clear(),
    "discard_idle": lambda pool: pool.discard_idle(),
    "leave_db": lambda pool: pool._serving.leave_db(pool.db),
    "close_spare": lambda pool: pool._serving.node.close_spare(),
}


@pytest.mark.parametrize("how", CLOSING)
def test_who_closes_what_is_idle_closes_it(server: Server, other: Other, how: str) -> None:
    with Pool(server.url, shared=0) as pool:
        ours, theirs = keep_one_each(pool, other)
        lease = other.do(pool.acquire)
        CLOSING[how](pool)
        assert (pool.size, pool.idle, pool.leased, pool.stats().closed) == (1, 0, 1, 1)
        assert borrow(pool) not in (ours, theirs)
        other.do(pool.release, lease)
        assert other.do(borrow, pool) == theirs


def test_a_pool_that_becomes_smaller_closes_it(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, max_size=2) as pool:
        keep_one_each(pool, other)
        lease = other.do(pool.acquire)
        pool.resize(max_size=1, min_size=0)
        assert (pool.size, pool.idle, pool.leased, pool.stats().closed) == (1, 0, 1, 1)
        with pytest.raises(PoolTimeout):
            pool.acquire(0)
        other.do(pool.release, lease)
        assert (pool.size, pool.idle) == (1, 1)


def test_a_lease_that_is_one_too_many_is_closed_and_not_kept(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, max_size=2) as pool:
        lease, theirs = pool.acquire(), other.do(pool.acquire)
        pool.resize(max_size=1, min_size=0)
        pool.release(lease)
        assert (pool.size, pool.idle, pool.leased) == (1, 0, 1)
        other.do(pool.release, theirs)
        assert (pool.size, pool.idle, pool.leased) == (1, 1, 0)


def test_after_a_drain_it_is_not_lent_but_closed(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        ours = keep(pool)
        pool.drain()
        assert borrow(pool) != ours
        assert pool.stats().closed == 1


@pytest.mark.usefixtures("maintained")
def test_after_a_drain_it_is_closed_without_any_caller(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        borrow(pool)
        pool.drain()
        wait_until(lambda: pool.stats().closed == 1)
        assert pool.size == 0


@pytest.mark.parametrize("verify", [True, False])
def test_select_moves_it(server: Server, other: Other, verify: bool) -> None:
    with Pool(server.url, shared=0, max_size=2) as pool:
        ours, theirs = keep_one_each(pool, other)
        assert pool.select(4, verify=verify)
        with pool.acquire() as conn:
            assert b" db=4 " in conn.execute("CLIENT", "INFO")
            assert b" db=4 " in other.do(pool.execute, "CLIENT", "INFO")
            if not verify:
                assert {conn.execute("CLIENT", "ID"), other.do(borrow, pool)} == {ours, theirs}
                assert pool.stats().closed == 0


@pytest.mark.usefixtures("maintained")
def test_when_it_is_not_used_it_ages_out(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0, max_idle=0.05) as pool:
        borrow(pool)
        other.do(borrow, pool)
        wait_until(lambda: pool.size == 0)


@pytest.mark.usefixtures("maintained")
def test_it_does_not_outlive_its_lifetime(server: Server) -> None:
    with Pool(server.url, shared=0, max_lifetime=0.2) as pool:
        borrow(pool)
        wait_until(lambda: pool.size == 0)


def test_past_its_lifetime_its_thread_gets_another(server: Server) -> None:
    with Pool(server.url, shared=0, max_lifetime=LONG) as pool:
        ours = keep(pool)
        (slot,) = pool._serving.ledger.kept_slots  # type: ignore[union-attr]  # open, so there is one
        slot.retire_at -= LONG
        assert borrow(pool) != ours
        assert (pool.size, pool.stats().closed) == (1, 1)


@pytest.mark.usefixtures("maintained")
def test_while_it_is_kept_it_is_asked_whether_it_lives() -> None:
    with FakeNode() as node, Pool(node.url, shared=0, keepalive=0.05) as pool:
        with pool.acquire():
            pass
        wait_until(lambda: len(node.calls("PING")) >= 2)
        assert (pool.size, pool.stats().opened) == (1, 1)


def test_one_that_the_peer_has_closed_is_not_lent(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        ours = keep(pool)
        server.command("CLIENT", "KILL", "ID", ours)
        rest()
        assert borrow(pool) != ours
        assert (pool.size, pool.stats().lost) == (1, 1)


def test_one_that_ended_right_behind_a_reply_costs_its_thread_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_RESTED", LONG)  # so that nobody looks, as within a millisecond of the reply
    with FakeNode({"GET": NIL}) as node, Pool(node.url, shared=0) as pool:
        for _ in range(3):
            assert pool.execute("GET", "k") is None
            assert kept(pool) == 1
            node.drop()
            wait_until(lambda: node.open_connections == 0)
        assert pool.execute("GET", "k") is None
        assert (pool.size, pool.stats().lost, pool.stats().retries) == (1, 3, 3)


def test_one_that_ends_behind_each_reply_costs_its_thread_nothing() -> None:
    with FakeNode({"GET": (NIL, Close())}) as node, Pool(node.url, shared=0) as pool:
        for _ in range(5):
            assert pool.execute("GET", "k") is None


# Hooks ------------------------------------------------------------------------------------------------------


def test_check_sees_it_before_each_lease_and_may_refuse_it(server: Server) -> None:
    seen: list[int] = []
    refused: list[int] = []

    def check(conn: Connection[Any]) -> bool:
        number = conn.execute("CLIENT", "ID")
        seen.append(number)
        return number not in refused

    with Pool(server.url, shared=0, check=check) as pool:
        ours = keep(pool)
        for _ in range(2):
            assert borrow(pool) == ours
        assert seen == [ours] * 3
        refused.append(ours)
        another = borrow(pool)
        assert another != ours
        assert (seen[3], pool.size, pool.stats().closed) == (ours, 1, 1)
        assert borrow(pool) == another


def test_reset_runs_after_each_lease_before_anybody_finds_it(server: Server) -> None:
    cleaned: list[int] = []
    with Pool(
        server.url, shared=0, max_size=1, reset=lambda conn: cleaned.append(conn.execute("CLIENT", "ID"))
    ) as pool:
        for count in range(3):
            ours = borrow(pool)
            wait_until(lambda: pool.idle == 1)
            assert cleaned == [ours] * (count + 1)
            assert kept(pool) == 0


def test_one_that_comes_back_unclean_is_made_clean_first(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        ours = keep(pool)
        with pool.acquire() as conn:
            conn.execute("WATCH", "k")
        assert borrow(pool) == ours
        assert pool.stats().resets == 1


# Giving back ------------------------------------------------------------------------------------------------


def test_a_lease_whose_connection_is_kept_is_over(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        lease = pool.acquire()
        pool.release(lease)
        assert kept(pool) == 1
        for use in (lambda: lease.execute("PING"), lambda: pool.release(lease)):
            with pytest.raises(UsageError):
                use()
        assert (kept(pool), pool.stats().releases) == (1, 1)


def test_a_thread_gives_back_what_another_borrowed_and_finds_it(server: Server, other: Other) -> None:
    with Pool(server.url, shared=0) as pool:
        keep_one_each(pool, other)
        lease = other.do(pool.acquire)
        theirs = lease.execute("CLIENT", "ID")
        ours = pool.acquire()
        pool.release(lease)
        assert borrow(pool) == theirs
        pool.release(ours)


def test_of_many_threads_each_has_its_own_and_none_is_lent_twice(server: Server, callers: Callers) -> None:
    out: set[int] = set()

    def work(pool: Pool[Any]) -> None:
        for _ in range(50):
            with pool.acquire() as conn:
                number = conn.execute("CLIENT", "ID")
                assert number not in out
                out.add(number)
                assert conn.execute("ECHO", str(number)) == str(number).encode()
                out.remove(number)

    with Pool(server.url, shared=0, max_size=3) as pool:
        for _ in range(5):
            callers.start(work, pool)
        callers.results()
        stats = pool.stats()
        assert (stats.idle, stats.leased) == (stats.size, 0)
        assert stats.leases == stats.releases == 250
