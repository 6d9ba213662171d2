"""The promises of the async pool, checked in a hundred simulated runs; ``python -m tests.simulation`` runs more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .__main__ import show
from .books import Books
from .run import simulate

SEEDS = 100
QUICK_SEEDS = 60  # the others are marked slow
PER_TEST = 20

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=[pytest.mark.slow] if first >= QUICK_SEEDS else []) for first in range(0, SEEDS, PER_TEST)],
)
def test_no_promise_is_broken_in_any_of_these_worlds(first: int, figure: Any) -> None:
    results = [simulate(seed) for seed in range(first, first + PER_TEST)]
    for result in results:
        show(result)
    assert [result.seed for result in results if result.failures] == []
    figure("P-01", "simulated commands, each with its own reply", sum(result.commands for result in results))
    figure("P-02", "simulated cancels that lost no slot", sum(result.cancels for result in results))
    figure("P-08", "simulated faults survived", sum(result.faults for result in results))


@pytest.mark.parametrize("seed", [2, 22, 41])
def test_the_same_seed_tells_the_same_story(seed: int) -> None:
    first = simulate(seed, keep_trace=True)
    assert simulate(seed, keep_trace=True).trace == first.trace
    assert len(first.trace) > 20


def test_the_story_does_not_depend_on_the_process_it_is_told_in() -> None:
    seeds = list(range(100, 110))
    code = f"from tests.simulation.run import simulate; print([simulate(seed).digest for seed in {seeds[::-1]}][::-1])"
    paths = [str(ROOT), str(ROOT / "src")]
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for salt in ("1", "2")
    ]
    assert told == [str([simulate(seed).digest for seed in seeds])] * 2


def test_a_broken_promise_prints_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Books, "compare", lambda books, _: books.fail("something ran twice"))
    show(simulate(7))
    assert capsys.readouterr().out == ("seed 7: something ran twice\nreplay: python -m tests.simulation --seed 7 -v\n")
