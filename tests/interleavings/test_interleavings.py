"""Threads in a hundred orders, each decided by a seed; ``python -m tests.interleavings`` tries more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from respool._sync.shell.calls import Answered
from respool._sync.shell.transport import Transport
from simulation.network import Weather

from .__main__ import show
from .baton import Baton, Rhythm
from .plants import PLANTS, planted
from .primitives import SimLock, SimThread, threading_with
from .run import Result, play
from .scenes import Borrowers, Crosswise, Crowd, OneConnection, WholePool
from .stage import Stage

SEEDS = 100
QUICK_SEEDS = 60  # the others are marked slow
PER_TEST = 20

#: Every planted defect is found within this many seeds.
MOST_SEEDS = 400

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=[pytest.mark.slow] if first >= QUICK_SEEDS else []) for first in range(0, SEEDS, PER_TEST)],
)
def test_no_promise_is_broken_in_any_of_these_orders(first: int, figure: Any) -> None:
    results = [play(seed) for seed in range(first, first + PER_TEST)]
    for result in results:
        show(result)
    assert [result.seed for result in results if result.failures] == []
    figure("P-01", "commands of threads in seeded orders, each with its own reply", sum(each.commands for each in results))


def test_the_same_seed_takes_the_same_turns_in_every_process() -> None:
    seeds = list(range(515, 535))  # two of them close while dials are in progress
    code = f"from interleavings.run import play; print([play(seed).digest for seed in {seeds[::-1]}][::-1])"
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert told == {f"{[play(seed).digest for seed in seeds]}\n"}


def test_a_failure_tells_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    show(Result(seed=7, scene="OneConnection", failures=["deadlock"]))
    assert capsys.readouterr().out == "seed 7 (OneConnection): deadlock\nreplay: python -m tests.interleavings --seed 7\n"


@pytest.mark.parametrize(
    ("owner", "method", "words", "others"), [plant[1:] for plant in PLANTS], ids=[plant[0] for plant in PLANTS]
)
def test_a_planted_mistake_is_found(owner: Any, method: str, words: str, others: str) -> None:
    scenes = {"collect": Crosswise, "_follow": Crowd, "_wake_one": Crowd, "settle_alone": WholePool}
    scene = scenes.get(method, OneConnection if owner in (Transport, Answered) else Borrowers)
    with planted(owner, method, words, others):
        assert any(play(seed, scene).failures for seed in range(MOST_SEEDS))


# The baton itself ---------------------------------------------------------------------------------------------


def of_two(work: Any) -> Baton:
    """Let two threads run ``work(baton, lock, other lock)``, the second with the locks swapped."""
    baton = Baton(Random(1), Rhythm(gap=1.0), frozenset())
    locks = [SimLock(baton), SimLock(baton)]

    def story() -> None:
        threads = [SimThread(baton, target=work, args=(baton, *locks[::turn]), name="two") for turn in (1, -1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    baton.run(story)
    return baton


def test_a_deadlock_is_found_at_once_and_told_with_what_each_thread_waits_for() -> None:
    def embrace(baton: Baton, one: Any, other: Any) -> None:
        with one:
            baton.wait_for(lambda: False, 0.1, "time to pass")
            with other:
                pass

    (failure,) = of_two(embrace).failures
    assert failure.startswith("deadlock")
    one, other = "two 1", "two 2"
    assert f"{one} waits for a lock of {other}" in failure
    assert f"{other} waits for a lock of {one}" in failure


def test_two_threads_without_a_lock_lose_an_update_and_with_one_they_do_not() -> None:
    for is_locked in (False, True):
        count = 0

        def add(baton: Baton, *locks: Any, is_locked: bool = is_locked) -> None:
            nonlocal count
            lock = min(locks, key=id)
            for _ in range(20):
                if is_locked:
                    lock.acquire()
                before = count
                baton.point()
                count = before + 1
                if is_locked:
                    lock.release()

        assert of_two(add).failures == []
        assert (count == 40) == is_locked


def test_a_thread_that_raises_ends_the_run_and_is_told() -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no")

    (failure,) = of_two(fail).failures
    assert "ValueError: no" in failure


def test_time_passes_only_as_far_as_somebody_waits() -> None:
    def wait(baton: Baton, lock: Any, _: Any) -> None:
        event = threading_with(baton).Event()
        began = baton.now
        assert event.wait(1000.0) is False
        assert 1000.0 <= baton.now - began < 1001.0

    assert of_two(wait).failures == []


def test_two_threads_in_one_socket_are_a_failure() -> None:
    stage = Stage(1, Rhythm(gap=1.0), Weather())

    def story() -> None:
        sock = stage._make_socket()
        sock.connect(None)
        threads = [SimThread(stage.baton, target=sock.recv, args=(1,), name="reader") for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    stage.run(story)
    assert "while reader" in stage.baton.failures[0]


def test_every_module_of_the_threaded_engine_gets_the_batons_names() -> None:
    from respool._sync.node import node as node_module
    from respool._sync.shell import compat as compat_module
    from respool._sync.shell import sockets as sockets_module
    from respool._sync.shell import transport as transport_module

    stage = Stage(1, Rhythm(), Weather())
    found: list[Any] = []
    real = transport_module.threading, compat_module.time, node_module.RLock, sockets_module.socket

    def story() -> None:
        found.extend([transport_module.threading, compat_module.time, node_module.RLock, sockets_module.socket])

    stage.run(story)
    assert all(own is not other for own, other in zip(found, real, strict=True))
    assert (transport_module.threading, compat_module.time, node_module.RLock, sockets_module.socket) == real
