"""A thread that is interrupted from outside (Ctrl-C, a signal handler that raises) loses no connection of the pool."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from answers import NIL, echo
from respool import Pool
from respool.testing import FakeNode, Hold, Server
from threads.harness import Callers, wait_until

Interrupt = Callable[[Callable[[], Any]], None]


class Interrupted(BaseException):
    """An exception like KeyboardInterrupt, which no code expects."""


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Raise Interrupted in this thread as soon as a predicate is true: ``interrupt(lambda: pool.waiting)``."""

    arrived = threading.Event()

    def handler(*_: object) -> None:
        if not arrived.is_set():
            arrived.set()
            raise Interrupted

    watchers: list[threading.Thread] = []

    def when(predicate: Callable[[], Any]) -> None:
        def watch() -> None:
            wait_until(predicate)
            while not arrived.is_set():  # again: a signal just before a system call is only handled after the call
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                arrived.wait(0.05)

        watchers.append(threading.Thread(target=watch))
        watchers[-1].start()

    before = signal.signal(signal.SIGUSR1, handler)
    yield when
    for watcher in watchers:
        watcher.join()
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupted_waiter_is_skipped(server: Server, callers: Callers, interrupt: Interrupt) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        lease = pool.acquire()
        interrupt(lambda: pool.waiting == 1)
        with pytest.raises(Interrupted):
            pool.acquire()
        assert pool.waiting == 0
        caller = callers.start(pool.execute, "ECHO", "x")
        wait_until(lambda: pool.waiting == 1)
        pool.release(lease)
        assert caller.result() == b"x"


def test_an_interrupted_command_costs_its_connection_and_no_more(interrupt: Interrupt) -> None:
    with FakeNode({"GET": Hold(NIL), "ECHO": echo}) as node, Pool(node.url, shared=0, max_size=1) as pool:
        interrupt(lambda: node.calls("GET"))
        with pytest.raises(Interrupted), pool.acquire() as conn:
            conn.execute("GET", "k")
        assert pool.leased == 0
        node.release()
        assert pool.execute("ECHO", "x") == b"x"
        assert (pool.size, pool.idle) == (1, 1)


def test_an_interrupted_exclusive_call_gives_its_lease_back(interrupt: Interrupt) -> None:
    with FakeNode({"BLPOP": Hold(NIL), "ECHO": echo}) as node, Pool(node.url, shared=0, max_size=1) as pool:
        interrupt(lambda: node.calls("BLPOP"))
        with pytest.raises(Interrupted):
            pool.execute("BLPOP", "list", 0)
        assert (pool.leased, pool.size) == (0, 0)
        assert pool.execute("ECHO", "x") == b"x"


def test_an_interrupted_open_leaves_nothing_and_can_be_tried_again(interrupt: Interrupt) -> None:
    with FakeNode({"HELLO": Hold()}) as node:
        pool = Pool(node.url, shared=0, min_size=1)
        interrupt(lambda: node.calls("HELLO"))
        with pytest.raises(Interrupted):
            pool.open()
        assert pool.size == 0
        pool.close()
