"""A thread that is interrupted as it asks for another connection leaves that to the next one (R-41)."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from answers import OK, echo
from interrupting import Interrupted
from respool import Pool
from respool._facts.options import Options
from respool._sync.node.shared_lane import SharedLane
from respool._sync.shell import affinity as affinity_module
from respool._sync.shell.affinity import Affinity
from respool._sync.shell.transport import Transport
from respool.testing import FakeNode, Hold
from threads.harness import Callers, wait_until


@pytest.fixture
def live() -> Iterator[list[Transport]]:
    """Return two connections that nobody owns."""
    pairs = [socket.socketpair() for _ in range(2)]
    yield [Transport(Options(), ours) for ours, _ in pairs]
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def interrupts_at(function: Any) -> Any:
    """Return a profiler that interrupts the beginning of ``function``, once, as a signal may."""
    code = function.__code__

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is code:
            sys.setprofile(None)
            raise Interrupted

    return profile


def test_a_thread_that_is_interrupted_as_it_asks_leaves_that_to_the_next_one(
    live: list[Transport], callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(affinity_module, "LATELY", 3600.0)  # the seats of the two threads are theirs all the while
    affinity = Affinity()
    asked: list[bool] = []

    def ask() -> None:
        asked.append(True)

    affinity.prepare(live, ask)
    for _ in live:
        callers.start(affinity.choose, live).result()
    sys.setprofile(interrupts_at(ask))
    with pytest.raises(Interrupted):
        affinity.choose(live)
    assert not asked
    assert callers.start(affinity.choose, live).result() is None
    assert asked == [True]


def test_a_thread_that_is_interrupted_as_it_meets_another_leaves_asking_to_the_next_one(callers: Callers) -> None:
    with FakeNode({"GET": echo, "SET": Hold(OK)}) as node, Pool(node.url) as pool:
        first = callers.start(pool.execute, "SET", "k", "v")
        wait_until(lambda: node.calls("SET"))
        sys.setprofile(interrupts_at(SharedLane._met))
        with pytest.raises(Interrupted):
            pool.execute("GET", "b")
        assert pool.shared == 1
        second = callers.start(pool.execute, "GET", "c")
        wait_until(lambda: pool.shared == 2)
        node.release()
        assert (first.result(), second.result()) == (b"OK", b"c")
