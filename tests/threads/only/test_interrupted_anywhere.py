"""A thread is interrupted at every moment, one after the other, at which Python runs a signal handler.

``interrupting`` says how the moments are found. ``test_interrupted_endings`` tests connections that end while a thread
is interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from answers import OK, Words, bulk, echo, held_echo
from effort import IS_PROOF
from interrupting import interrupted_at, interrupted_behind, moments, sparse_moments
from respool import Connection, Pool
from respool._pooling.slot import Place
from respool.errors import ConnectionLost, PoolTimeout, UsageError
from respool.testing import FakeConnection, FakeNode, Hold, Server
from threads.harness import Callers, Signal, wait_until

Interrupt = Callable[..., bool]
MODES = pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])


def rests(pool: Pool[Any]) -> None:
    """Wait until nothing is in progress; then check the ledger, and that all counts agree."""
    assert pool._serving is not None
    node = pool._serving.node
    wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
    with node.lock:
        node.ledger.check()
        stats = pool.stats()
        assert not node._leaked
    assert stats.opened == stats.closed + stats.lost + stats.size, stats
    assert stats.leases == stats.releases + stats.leaks, stats


def asked(node: FakeNode, word: str) -> bool:
    """Return whether ``GET word`` has arrived at the node."""
    return any(seen.command[1] == word.encode() for seen in node.calls("GET"))


COMMANDS: dict[str, tuple[Any, ...]] = {
    "execute": ("ECHO", "mine"),
    "execute_noreply": ("SET", "k", "v"),
    "execute_many": ([("ECHO", "mine")] * 3,),
}


@pytest.mark.parametrize("how", COMMANDS)
def test_a_follower_shifts_no_reply(callers: Callers, how: str) -> None:
    script = {"GET": held_echo, "ECHO": echo, "SET": b"", "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK}
    with FakeNode(script) as node:
        for moment in moments():
            with Pool(node.url, shared=1, max_size=2, retry=None) as pool:
                leader = callers.start(pool.execute, "GET", f"leader {moment}")
                wait_until(lambda: asked(node, f"leader {moment}"))
                transport, is_over = pool._shared.only, Signal()
                assert transport is not None

                def let_go() -> None:
                    wait_until(lambda: transport.owes != 1 or is_over.is_set)
                    wait_until(lambda: node.release() or transport.owes == 0)

                helper = callers.start(let_go)
                was_interrupted = interrupted_at(moment, lambda: getattr(pool, how)(*COMMANDS[how]))
                is_over.set()
                helper.result()
                outcome = leader.outcome()
                assert outcome == f"leader {moment}".encode() or isinstance(outcome, ConnectionLost)
                for number in range(3):
                    assert pool.execute("ECHO", number, timeout=2.0) == str(number).encode(), moment
            if not was_interrupted:
                return


@pytest.mark.parametrize("how", COMMANDS)
def test_a_leader_leaves_nobody_asleep_and_shifts_no_reply(callers: Callers, server: Server, how: str) -> None:
    for moment in moments():
        with Pool(server.url, shared=1, max_size=2, retry=None) as pool:
            is_over = Signal()

            def ask(name: int) -> None:
                number = 0
                while not is_over.is_set:
                    number += 1
                    try:
                        assert pool.execute("ECHO", f"{name}:{number}") == f"{name}:{number}".encode()
                    except ConnectionLost:
                        pass

            others = [callers.start(ask, name) for name in range(2 * (moment % 2))]
            was_interrupted = interrupted_at(moment, lambda: getattr(pool, how)(*COMMANDS[how]))
            for number in range(3):
                assert pool.execute("ECHO", number, timeout=2.0) == str(number).encode(), moment
            is_over.set()
            for other in others:
                other.result()
        if not (was_interrupted or others):
            return


def test_a_reply_in_the_hands_of_an_interrupted_leader_was_not_surely_unsent(callers: Callers) -> None:
    """The node answers leader and follower in one piece, so the leader also reads the follower's reply."""
    kept: list[bytes] = []

    def answer(command: Words, _: FakeConnection) -> Hold | bytes:
        kept.append(bulk(command[1]))
        if command[1] == b"first":
            return Hold(kept.pop())
        return b"" if command[1] == b"second" else b"".join(kept)

    with FakeNode({"GET": answer}) as node:
        for moment in moments():
            kept.clear()
            asked_before = len(node.calls("GET"))
            with Pool(node.url, shared=1, max_size=2, retry=None) as pool:
                first = callers.start(pool.execute, "GET", "first")
                wait_until(lambda: len(node.calls("GET")) > asked_before)
                transport, is_over = pool._shared.only, Signal()
                assert transport is not None

                def follow() -> Any:
                    wait_until(lambda: transport.owes == 2 or is_over.is_set)
                    last = callers.start(pool.execute, "GET", "last")
                    wait_until(lambda: transport.owes == 3 or is_over.is_set)
                    wait_until(lambda: node.release() or transport.owes == 0)
                    return last

                helper = callers.start(follow)
                was_interrupted = interrupted_at(moment, lambda: pool.execute("GET", "second"))
                is_over.set()
                for caller, word in ((first, b"first"), (helper.result(), b"last")):
                    outcome = caller.outcome()
                    assert outcome == word or isinstance(outcome, ConnectionLost), (moment, outcome)
                    if outcome != word and any(seen.command[1] == word for seen in node.calls("GET")[asked_before:]):
                        assert outcome.executed == "unknown", moment  # otherwise it might be sent again
            if not was_interrupted:
                return


# A lease interrupted on its way from our code into the caller's "with" is found by the leak detector, which warns.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("is_idle", [True, False], ids=["idle", "dialed"])
def test_a_lease_comes_back(server: Server, *, is_idle: bool) -> None:
    def use() -> None:
        with pool.acquire(2.0) as conn:
            conn.execute("ECHO", "x")

    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            if is_idle:
                use()
            was_interrupted = interrupted_at(moment, use)
            use()
            wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
            assert pool.size <= 1
        if not was_interrupted:
            return


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_exclusive_call_gives_its_lease_back(server: Server) -> None:
    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            pool.execute("ECHO", "x")
            was_interrupted = interrupted_at(moment, lambda: pool.execute("ECHO", "x"))
            assert pool.execute("ECHO", "y", timeout=2.0) == b"y"
            wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
            assert pool.size <= 1
        if not was_interrupted:
            return


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@MODES
def test_a_bad_argument_on_a_lease_loses_nothing(server: Server, interrupt: Interrupt) -> None:
    def ask(pool: Any) -> None:
        with suppress(UsageError):
            pool.execute("SET", "k", object())

    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            pool.execute("ECHO", "x")
            was_interrupted = interrupt(moment, lambda pool=pool: ask(pool))
            assert pool.execute("ECHO", "y", timeout=2.0) == b"y"
            rests(pool)
        if not was_interrupted:
            return


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_caller_that_waits_leaves_the_line(callers: Callers, server: Server) -> None:
    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            lease, is_over = pool.acquire(), Signal()

            def give_back() -> None:
                wait_until(lambda: pool.waiting or is_over.is_set)
                pool.release(lease)

            helper = callers.start(give_back)
            was_interrupted = interrupted_at(moment, lambda: pool.execute("ECHO", "x", timeout=2.0))
            is_over.set()
            helper.result()
            assert pool.execute("ECHO", "y", timeout=2.0) == b"y"
            wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
        if not was_interrupted:
            return


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_whoever_gives_back_wakes_the_next(callers: Callers, server: Server) -> None:
    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            leases = [pool.acquire()]
            waiter = callers.start(pool.execute, "ECHO", "waiter", timeout=2.0)
            wait_until(lambda: pool.waiting)
            was_interrupted = interrupted_at(moment, lambda: pool.release(leases[0]))
            leases.clear()  # interrupted at the start of release: it was not given back
            assert waiter.result() == b"waiter"
            wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
        if not was_interrupted:
            return


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_first_use_of_a_pool_can_be_tried_again(server: Server, shared: int) -> None:
    for moment in sparse_moments(shared):
        pool = Pool(server.url, shared=shared, max_size=1)
        was_interrupted = interrupted_at(moment, lambda: pool.execute("ECHO", "x"))
        assert pool.execute("ECHO", "y", timeout=2.0) == b"y"
        wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
        pool.close()
        if not was_interrupted:
            return


# The ledger of leases ---------------------------------------------------------------------------------------------


def use(conn: Connection[Any]) -> None:
    conn.execute("ECHO", "x")


def watch(conn: Connection[Any]) -> None:
    conn.execute("WATCH", "k")


def close(conn: Connection[Any]) -> None:
    conn.close()


def select(conn: Connection[Any]) -> None:
    conn.execute("SELECT", 1)


def refusing_twice() -> Callable[[Any], bool]:
    """Return a hook that refuses the first two connections it is given."""
    answers = iter([False, False])
    return lambda _: next(answers, True)


#: How a lease is released, and what returns the options of a pool.
RETURNS: dict[str, tuple[Callable[[Connection[Any]], Any], Callable[[], dict[str, Any]]]] = {
    "clean": (use, dict),
    "in a transaction": (watch, dict),
    "on another database": (select, dict),
    "closed": (close, dict),
    "to a reset hook": (use, lambda: {"reset": lambda conn: conn.execute("ECHO", "reset")}),
    "checked by a hook": (use, lambda: {"check": lambda conn: conn.execute("ECHO", "c")}),
    "refused by a hook": (use, lambda: {"check": refusing_twice()}),
    "traced": (watch, lambda: {"trace_leases": True}),
}


@MODES
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("how", RETURNS)
def test_every_lease_comes_back_and_is_counted(server: Server, interrupt: Interrupt, how: str) -> None:
    work, options = RETURNS[how]

    def borrow() -> None:
        with pool.acquire(2.0) as conn:
            work(conn)

    for moment in sparse_moments(list(RETURNS).index(how)):
        with Pool(server.url, shared=0, max_size=1, **options()) as pool:
            if how != "refused by a hook":
                borrow()
            was_interrupted = interrupt(moment, borrow)
            borrow()
            rests(pool)
        if not was_interrupted:
            return


@MODES
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_collection_of_leaks_loses_none(server: Server, interrupt: Interrupt) -> None:
    for moment in moments():
        with Pool(server.url, shared=0, max_size=2) as pool:
            leases = [pool.acquire(), pool.acquire()]
            node = pool._serving.node
            assert node is not None
            with node.lock:  # so that the maintenance thread cannot be first
                leases.clear()
                was_interrupted = interrupt(moment, node.settle)
            rests(pool)
            assert pool.stats().leaks == 2
            assert pool.execute("ECHO", "x", timeout=2.0) == b"x"
        if not was_interrupted:
            return


@MODES
def test_a_shared_connection_to_be_closed_is_closed(server: Server, interrupt: Interrupt) -> None:
    for moment in moments():
        with Pool(server.url, shared=1, max_size=2) as pool:
            node = pool._serving.node
            assert node is not None
            wait_until(lambda: pool.shared == 1)
            with node.lock:  # so that the maintenance thread cannot be first
                given_up = node.ledger.shared_slots[-1]
                node.ledger.retiring, given_up.reason, given_up.retire_at = given_up, "shed", float("-inf")
                was_interrupted = interrupt(moment, node.settle)
            node.alarm.set()  # as who asks for that does
            wait_until(lambda: given_up.place is Place.OUT)
            rests(pool)
        if not was_interrupted:
            return


@MODES
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("timeout", [0.0, 0.003])
def test_one_who_gives_up_after_a_timeout_leaves_the_line(server: Server, interrupt: Interrupt, timeout: float) -> None:
    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            lease = pool.acquire()

            def give_up() -> None:
                with suppress(PoolTimeout):
                    pool.acquire(timeout)

            was_interrupted = interrupt(moment, give_up)
            assert pool.waiting == 0, moment
            pool.release(lease)
            assert pool.execute("ECHO", "x", timeout=2.0) == b"x"
            rests(pool)
        if not was_interrupted:
            return


@MODES
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_came_back_just_before_a_caller_stood_in_line_is_not_lost(server: Server, interrupt: Interrupt) -> None:
    """Another thread releases a lease after a caller found none idle and before the caller is queued."""
    for moment in moments():
        with Pool(server.url, shared=0, max_size=1) as pool:
            lane, lease = pool._serving.leases, pool.acquire()
            node, before = lane._node, lane._queue

            def queue(*args: Any, pool: Any = pool, lease: Any = lease, before: Any = before) -> Any:
                pool.release(lease)
                return before(*args)

            lane._queue = queue  # type: ignore[method-assign]  # the moment is hard to hit otherwise
            got: list[Any] = []
            was_interrupted = interrupt(moment, lambda: got.append(pool.acquire(2.0)))
            lane._queue = before  # type: ignore[method-assign]
            for each in got:
                pool.release(each)
            got.clear()
            if lease._slot is not None:
                pool.release(lease)
            assert node is not None
            assert pool.execute("ECHO", "x", timeout=2.0) == b"x"
            rests(pool)
        if not was_interrupted:
            return


@MODES
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("what", ["select", "clear", "drain", "resize", "close"])
def test_run_time_control_can_be_done_again(server: Server, interrupt: Interrupt, what: str) -> None:
    does: dict[str, Callable[[Pool[Any]], Any]] = {
        "select": lambda pool: pool.select(1),
        "clear": lambda pool: pool.clear(),
        "drain": lambda pool: pool.drain(),
        "resize": lambda pool: pool.resize(min_size=0, max_size=2),
        "close": lambda pool: pool.close(timeout=1.0),
    }
    some = moments(7 if IS_PROOF else 21) if what == "select" else sparse_moments(list(does).index(what))
    for moment in some:
        with Pool(server.url, shared=1, max_size=4) as pool:
            leases = [pool.acquire() for _ in range(3)]
            for lease in leases:
                pool.release(lease)
            was_interrupted = interrupt(moment, lambda: does[what](pool))
            does[what](pool)
            if what != "close":
                assert pool.execute("ECHO", "x", timeout=2.0) == b"x"
                with pool.acquire(2.0) as conn:
                    assert conn.db == (1 if what == "select" else 0)
            rests(pool)
        if not was_interrupted:
            return
