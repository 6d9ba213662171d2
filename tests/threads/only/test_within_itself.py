"""A signal handler, finaliser or listener that uses the pool inside one of its calls gets a reply or an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import respool
from answers import PUSH, echo, held_echo
from respool import Connection, Pool
from respool.errors import Error, PoolTimeout, UsageError
from respool.testing import FakeNode, Server
from threads.harness import Callers, now, wait_until
from threads.signals import at_signal, send_signal

_OURS = str(Path(respool.__file__).parent)


def meanwhile_at(moment: int, work: Callable[[], Any], handler: Callable[[], Any]) -> bool:
    """Run ``work``, and call ``handler`` at its n-th moment in our code, as a signal or the collector may."""
    left = moment

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal left
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(_OURS):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                handler()

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return left < 0


USES: dict[str, Callable[[Pool[Any]], Any]] = {
    "execute": lambda pool: pool.execute("ECHO", "inner", timeout=2.0),
    "acquire": lambda pool: pool.release(pool.acquire(2.0)),
    "noreply": lambda pool: pool.execute_noreply("ECHO", "inner"),
    "stats": lambda pool: pool.stats(),
    "resize": lambda pool: pool.resize(max_size=3),
}


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("how", USES)
def test_at_any_moment(server: Server, how: str, shared: int) -> None:
    with Pool(server.url, shared=shared, max_size=2) as pool:
        outcomes: list[Any] = []

        def inner() -> None:
            started = now()
            try:
                outcomes.append(USES[how](pool))
            except UsageError as error:
                outcomes.append(error)
            assert now() - started < 4.0

        pool.execute("ECHO", "warm")
        for moment in range(2000):
            if not meanwhile_at(moment, lambda: outcomes.append(pool.execute("ECHO", "outer", timeout=5.0)), inner):
                break
            assert outcomes[-1] == b"outer"
            assert pool.execute("ECHO", "after", timeout=2.0) == b"after"
        assert len(outcomes) > 20
        wait_until(lambda: (pool.leased, pool.dialing, pool.waiting) == (0, 0, 0))


@pytest.mark.parametrize("how", ["execute", "acquire"])
def test_who_finds_no_lease_inside_leaves_the_one_outside_alone(server: Server, how: str) -> None:
    def use(pool: Pool[Any]) -> Any:
        if how == "execute":
            return pool.execute("ECHO", "outer", timeout=5.0)
        with pool.acquire() as lease:
            return lease.execute("ECHO", "outer", timeout=5.0)

    with Pool(server.url, shared=0, max_size=1) as pool:
        refusals: list[PoolTimeout] = []

        def inner() -> None:
            try:
                pool.release(pool.acquire(0.0))
            except UsageError:
                pass
            except PoolTimeout as error:
                refusals.append(error)

        use(pool)
        outcomes: list[Any] = []
        for moment in range(2000):
            if not meanwhile_at(moment, lambda: outcomes.append(use(pool)), inner):
                break
        assert set(outcomes) == {b"outer"}
        assert len(refusals) > 10
        stats = pool.stats()
        assert (stats.leases - stats.releases, stats.opened, stats.closed) == (0, 1, 0)


def leave(pool: Pool[Any], lease: Connection[Any]) -> None:
    lease.__exit__(None, None, None)


def release(pool: Pool[Any], lease: Connection[Any]) -> None:
    with suppress(UsageError):  # it was released already
        pool.release(lease)


@pytest.mark.parametrize("give_back", [release, leave])
def test_a_lease_that_is_given_back_twice_at_the_same_time_is_so_once(
    server: Server, give_back: Callable[[Pool[Any], Connection[Any]], None]
) -> None:
    for moment in range(2000):
        with Pool(server.url, shared=0, max_size=1) as pool:
            lease, others = pool.acquire(), []

            def inner() -> None:
                release(pool, lease)
                with suppress(PoolTimeout, UsageError):
                    others.append(pool.acquire(0.0))

            was_there = meanwhile_at(moment, lambda: give_back(pool, lease), inner)
            for other in others:
                assert pool.leased == 1
                assert other.execute("ECHO", "other") == b"other"
                pool.release(other)
            wait_until(lambda: (pool.leased, pool.dialing, pool.waiting) == (0, 0, 0))
            stats = pool.stats()
            assert stats.leases == stats.releases + stats.leaks
        if not was_there:
            return


@pytest.mark.parametrize("is_kept", [False, True], ids=["kept meanwhile", "taken meanwhile"])
def test_what_another_thread_keeps_or_takes_meanwhile_is_counted_once(server: Server, *, is_kept: bool) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        pool.execute("ECHO", "warm")
        node = pool._serving.node
        assert node is not None
        ledger, counted = node.ledger, []

        def inner() -> None:  # it takes no lock, so it stands for another thread
            assert ledger.take_kept("other", now(), None) if is_kept else ledger.keep(slot, "other", now(), None)

        for moment in range(2000):
            with node.lock:
                slot = ledger.take(now())
                assert slot is not None
                assert not is_kept or ledger.keep(slot, "other", now(), None)
                was_there = meanwhile_at(moment, lambda: counted.append(node.stats()), inner)
                if is_kept == was_there:
                    ledger.release(slot, now(), reusable=True)
            if not was_there:
                break
        assert len(counted) > 20
        assert {stats.idle + stats.leased for stats in counted} == {1}


@pytest.mark.parametrize("shared", [0, 1])
def test_closing_at_any_moment(server: Server, shared: int) -> None:
    for moment in range(2000):
        pool = Pool(server.url, shared=shared, max_size=2)
        pool.execute("ECHO", "warm")
        started = now()
        try:
            was_there = meanwhile_at(moment, lambda: pool.execute("ECHO", "outer", timeout=5.0), lambda: pool.close())
        except Error:
            was_there = True
        assert now() - started < 4.0
        pool.close()
        wait_until(lambda: pool.size == 0)
        if not was_there:
            return


@pytest.mark.parametrize("role", ["leader", "follower"])
def test_a_signal_handler_is_told_that_its_thread_waits_already(callers: Callers, role: str) -> None:
    outcomes: list[Any] = []

    def work() -> None:
        try:
            outcomes.append(pool.execute("ECHO", "inner", timeout=2.0))
        except UsageError as error:
            outcomes.append(error)

    with FakeNode({"GET": held_echo, "ECHO": echo}) as node, Pool(node.url, shared=1) as pool, at_signal(work):
        count = 1
        if role == "follower":
            callers.start(pool.execute, "GET", "leader")
            wait_until(lambda: node.calls("GET"))
            count = 2

        def disturb() -> None:
            wait_until(lambda: node.calls("GET") and pool.stats().in_flight == count)
            send_signal()
            wait_until(lambda: outcomes)
            node.on("GET", echo)
            wait_until(lambda: node.release())

        callers.start(disturb)
        assert pool.execute("GET", "mine") == b"mine"
        assert isinstance(outcomes[0], UsageError)


def test_a_listener_is_told_that_its_thread_reads(callers: Callers) -> None:
    outcomes: list[Any] = []

    def listener(event: Any) -> None:
        if type(event).__name__ == "Pushed":
            try:
                outcomes.append(pool.execute("ECHO", "inner", timeout=2.0))
            except UsageError as error:
                outcomes.append(error)

    with FakeNode({"GET": echo, "ECHO": echo}) as node, Pool(node.url, shared=1, listener=listener) as pool:
        node.on("GET", lambda words, _: PUSH + b"$1\r\na\r\n")
        assert callers.start(pool.execute, "GET", "a").result() == b"a"
        assert isinstance(outcomes[0], UsageError)
