"""Signals that come more often than ``read_timeout``, as from a profiler, each restart the timeout of a read.

Python reads again after the handler (PEP 475), and the kernel counts SO_RCVTIMEO from the start again. A missing reply
is noticed in time all the same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from answers import echo
from respool import Connection, Pool
from respool.errors import ReadTimeout
from respool.testing import FakeNode, Silence
from threads.harness import Callers, now, wait_until

PERIOD = 0.01  # seconds


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """Send this thread a signal every ``PERIOD`` seconds; the list holds those that were handled."""
    handled: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: handled.append(number))
    ends = threading.Event()

    def send() -> None:
        while not ends.wait(PERIOD):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    sender = threading.Thread(target=send)
    sender.start()
    yield handled
    ends.set()
    sender.join()
    signal.signal(signal.SIGUSR1, before)


def is_late(started: float, handled: list[int]) -> bool:
    assert len(handled) > 2
    return now() - started > 5.0


def test_a_leader_and_its_followers_miss_a_silent_server(callers: Callers, signals: list[int]) -> None:
    with FakeNode({"GET": Silence(), "ECHO": echo}) as node:
        with Pool(node.url, shared=1, max_size=1, read_timeout=0.3, retry=None) as pool:
            transport = pool._shared.only
            assert transport is not None

            def follow() -> Any:
                wait_until(lambda: transport.owes == 1)
                return pool.execute("GET", "theirs")

            follower = callers.start(follow)
            started = now()
            with pytest.raises(ReadTimeout):
                pool.execute("GET", "ours")
            outcome = follower.outcome()
            assert getattr(outcome, "executed", "") == "no" or isinstance(outcome, ReadTimeout)
            assert not is_late(started, signals)
            assert pool.execute("ECHO", "x") == b"x"
            assert pool.stats().lost == 1


def test_a_lease_misses_a_silent_server(signals: list[int]) -> None:
    with FakeNode({"GET": Silence()}) as node:
        with Pool(node.url, shared=0, max_size=1, read_timeout=0.3, keepalive=None) as pool, pool.acquire() as conn:
            started = now()
            with pytest.raises(ReadTimeout):
                conn.execute("GET", "k")
            assert not is_late(started, signals)


def test_a_connection_without_a_pool_misses_a_silent_server(signals: list[int]) -> None:
    for many in (False, True):
        with FakeNode({"GET": Silence()}) as node, Connection(node.url, read_timeout=0.3) as conn:
            started = now()
            with pytest.raises(ReadTimeout):
                conn.execute_many([("GET", "k")] * 2) if many else conn.execute("GET", "k")
            assert not is_late(started, signals)


def test_an_answer_that_comes_late_but_in_time_is_waited_for(callers: Callers, signals: list[int]) -> None:
    """Every reply restarts the timeout (R-14), and so does a command on an idle connection."""
    with FakeNode({"GET": Silence(), "ECHO": echo}) as node:
        with Pool(node.url, shared=1, max_size=1, read_timeout=1.0) as pool:
            started = now()
            while now() - started < 2.5:
                assert pool.execute("ECHO", "x") == b"x"
                again = now() + 0.4
                wait_until(lambda again=again: now() > again)
            assert pool.stats().lost == 0
