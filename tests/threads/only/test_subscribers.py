"""Subscribers in threads: connections of their own, several threads, signals, and gevent."""

from __future__ import annotations

import importlib.util
import signal
import threading
from itertools import chain
from types import FrameType
from typing import Any

import pytest

from interrupting import is_only_printed
from respool import Pool
from respool.errors import UsageError
from respool.testing import Server, wait_until
from scripts import run_script
from threads.harness import Callers, now


def test_every_subscriber_has_a_connection_of_its_own(server: Server) -> None:
    with Pool(server.url) as pool, pool.subscribe("a") as first, pool.subscribe("a") as second:
        assert pool.leased == 2
        assert pool.publish("a", "x") == 2
        assert first.next(5.0) is not None
        assert second.next(5.0) is not None


def test_no_thread_works_for_a_subscriber(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.ping()
        before = threading.active_count()
        with pool.subscribe("a") as sub:
            wait_until(lambda: threading.active_count() == before)
            pool.publish("a", "x")
            assert sub.next(5.0) is not None
            assert threading.active_count() == before


def test_what_is_not_read_stays_at_the_server_and_a_queue_never_fills_by_reading(server: Server) -> None:
    with Pool(server.url) as pool, pool.subscribe("a", queue=1) as sub:
        pool.execute_many([("PUBLISH", "a", number) for number in range(5000)])
        for number in range(5000):
            message = sub.next(5.0)
            assert message is not None
            assert message.data == b"%d" % number
        assert sub.dropped == 0


def test_threads_that_read_together_get_every_message_once(server: Server, callers: Callers) -> None:
    with Pool(server.url) as pool, pool.subscribe("a", queue=4000) as sub:

        def read() -> list[int]:
            got = []
            while (message := sub.next(0.5)) is not None:
                got.append(int(message.data))
            return got

        readers = [callers.start(read) for _ in range(4)]
        pool.execute_many([("PUBLISH", "a", number) for number in range(2000)])
        got = [reader.result() for reader in readers]
        assert sorted(chain.from_iterable(got)) == list(range(2000))
        assert all(each == sorted(each) for each in got)


def test_one_who_did_not_read_for_long_finds_a_server_that_is_alive(server: Server) -> None:
    with Pool(server.url, keepalive=0.05, read_timeout=0.1) as pool, pool.subscribe("a") as sub:
        assert sub.next(0.06) is None  # a PING is under way
        until = now() + 0.4
        wait_until(lambda: now() > until)
        pool.publish("a", "x")
        message = sub.next(5.0)
        assert message is not None
        assert message.gap is False
        assert sub.gaps == 0


def test_a_thread_that_is_slow_to_begin_reading_does_not_wait_for_another_one(server: Server, callers: Callers) -> None:
    may_begin = threading.Event()

    class Slow:
        """The lock of one driver: a busy machine stops the thread just before it takes the lock."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock
            self.is_awaited = False

        def __enter__(self) -> None:
            if not self.is_awaited:
                self.is_awaited = True
                may_begin.wait()
            self.lock.__enter__()

        def __exit__(self, *exc_info: object) -> None:
            self.lock.__exit__(*exc_info)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.lock, name)

    with Pool(server.url) as pool, pool.subscribe("a") as sub:
        pump: Any = sub._hub.pump  # type: ignore[union-attr]
        slow = pump._driving = Slow(pump._driving)
        first = callers.start(sub.next, 1.0)
        wait_until(lambda: slow.is_awaited)
        driver = pump._driver
        second = callers.start(sub.next, None)
        try:
            wait_until(lambda: pump._driver not in (driver, None))  # the first one seems to have been interrupted
            until = now() + 4.0
        finally:
            may_begin.set()
        try:
            assert first.result() is None
            assert now() < until
        finally:
            pool.publish("a", "x")
        assert second.result().data == b"x"


def test_signals_cost_gaps_and_nothing_else(server: Server) -> None:
    class Stop(BaseException):
        pass

    def stop(_: int, frame: FrameType | None) -> None:
        if is_only_printed(frame):
            signal.setitimer(signal.ITIMER_REAL, 0.0001)
        else:
            raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    rest = signal.setitimer(signal.ITIMER_REAL, 0.0)
    try:
        with Pool(server.url) as pool, pool.subscribe("a", patterns="b*") as sub:
            for number in range(80):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0003 * number)
                    try:
                        while True:
                            pool.publish("a", number)
                            sub.next(0.01)
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0.0)
                except Stop:
                    pass
            while sub.next(0.1) is not None:
                pass
            assert pool.publish("a", "end") == 1
            message = sub.next(5.0)
            assert message is not None
            assert message.data == b"end"
            assert pool.leased == 1
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *rest)


def test_a_signal_handler_cannot_read_from_the_subscriber_that_it_interrupts(server: Server) -> None:
    said: list[str] = []
    with Pool(server.url) as pool, pool.subscribe("a") as sub:

        def handler(*_: Any) -> None:
            try:
                sub.next(0.1)
            except UsageError as error:
                said.append(str(error))

        before = signal.signal(signal.SIGALRM, handler)
        rest = signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            assert sub.next(0.5) is None
        finally:
            signal.signal(signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_REAL, *rest)
        assert [text for text in said if "reading from this subscriber already" in text]
        pool.publish("a", "x")
        assert sub.next(5.0) is not None


@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")
def test_greenlets_read_as_threads_do(server: Server) -> None:
    script = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from respool import Pool

with Pool(sys.argv[1]) as pool, pool.subscribe("a") as sub:
    reader = gevent.spawn(lambda: [int(sub.next(5.0).data) for _ in range(200)])
    for number in range(200):
        pool.publish("a", number)
    assert reader.get(timeout=10) == list(range(200))
print("done")
"""
    assert run_script(script, server.url) == "done\n"
