"""What interrupts a thread does so at any moment; here, in turn, at every one in which Python lets a signal in.

CPython runs signal handlers when a function begins and when a call of a C function has returned. A profiler is called
at the same moments, and may raise there as a handler may. So every scene is played again and again, interrupted one
moment later each time, until it comes to its end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import respool
from answers import OK, Words, bulk, echo, held_echo
from respool import Pool
from respool.errors import ConnectionLost
from respool.testing import FakeConnection, FakeNode, Hold, Server
from threads.harness import Callers, Signal, wait_until

_OURS = str(Path(respool.__file__).parent)


class Interrupted(BaseException):
    """What a signal handler raises."""


def interrupted_at(moment: int, work: Callable[[], Any]) -> bool:
    """Do ``work`` and interrupt it at its n-th moment in our own code; False when it was over before."""
    left = moment

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal left
        if event in ("call", "c_return") and is_ours(frame):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise Interrupted

    sys.setprofile(count)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.setprofile(None)
    return False


def is_ours(frame: Any) -> bool:
    """Tell whether our code runs here; a finaliser cannot be interrupted, what it raises is only printed."""
    if not frame.f_code.co_filename.startswith(_OURS):
        return False
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return False
        frame = frame.f_back
    return True


def moments() -> Iterator[int]:
    """Count the moments. A scene has many, but not that many."""
    yield from range(2000)
    raise AssertionError("the scene never came to its end")


def asked(node: FakeNode, word: str) -> bool:
    """Tell whether ``GET word`` has arrived."""
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
    """The node answers the leader and its follower in one piece, so the leader has a reply that is not its own."""
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
                        assert outcome.executed == "unknown", moment  # else it might be sent once more
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
            leases.clear()  # interrupted at the very door: it was not given back
            assert waiter.result() == b"waiter"
            wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
        if not was_interrupted:
            return


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_first_use_of_a_pool_can_be_tried_again(server: Server, shared: int) -> None:
    for moment in moments():
        pool = Pool(server.url, shared=shared, max_size=1)
        was_interrupted = interrupted_at(moment, lambda: pool.execute("ECHO", "x"))
        assert pool.execute("ECHO", "y", timeout=2.0) == b"y"
        wait_until(lambda: (pool.leased, pool.waiting, pool.dialing) == (0, 0, 0))
        pool.close()
        if not was_interrupted:
            return
