"""A thread that is interrupted from outside (Ctrl-C, a signal handler that raises) loses no connection of the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from answers import NIL, echo
from interrupting import Interrupted
from respool import Pool
from respool.testing import FakeNode, Hold, Server
from threads.harness import Callers, wait_until
from threads.signals import interrupt_when, interruptible

Interrupt = Callable[[Callable[[], Any]], None]


@pytest.fixture
def interrupt(callers: Callers) -> Iterator[Interrupt]:
    """Raise Interrupted in this thread as soon as a predicate is true: ``interrupt(lambda: pool.waiting)``."""
    with interruptible():
        yield partial(interrupt_when, callers)


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
