"""Measure all sides in turn, for several rounds, each side in a process of its own.

Rule 1: sides alternate within a round, and each round starts with another side, so noise and drift affect all alike.
Rule 2: round 0 warms up and is not recorded.
Rule 3: a side that is missing, fails, dies or hangs is reported and skipped for the rest of the question.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._question import BEFORE, OURS, Answers, Missing, Place, Question

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds for one measurement; the longest takes about two


@dataclass
class Result:
    """The figures of one question, and the sides that are absent, with the reason."""

    question: Question
    answers: Answers = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


class Worker:
    """One side's process."""

    def __init__(self, side: str, tree: Path) -> None:
        self._process = subprocess.Popen(  # a command line of our own
            _command(side),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(tree),
            text=True,
        )

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer. No answer within ``PATIENCE`` is returned as a failure."""
        process = self._process
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return {"failed": "its process ended"}
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                return {"failed": f"no answer for {PATIENCE:g} s"}
        line = process.stdout.readline()
        return json.loads(line) if line else {"failed": "its process ended"}

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def run(
    name: str,
    question: Question,
    places: Mapping[int, Place],
    rounds: int,
    tell: Callable[[str], None],
    before: Path | None = None,
) -> Result:
    """Measure all sides of the question in module ``name``: one round to warm up, then ``rounds`` recorded ones.

    ``places`` has, for each size of cluster that a case asks for, where it is; for 0 where the server is. With
    ``before``, another checkout, only respool is measured: from this tree and from that one.
    """
    result = Result(question)
    workers: dict[str, Worker] = {}
    try:
        for number in range(rounds + 1):
            tell(f"{question.id} round {number} of {rounds}" if number else f"{question.id} warming up")
            for case in question.cases:
                if case.rounds is not None and number > case.rounds:
                    continue
                sides = question.sides_of(case) if before is None else (OURS, BEFORE)
                turn = number % len(sides)
                for side in sides[turn:] + sides[:turn]:
                    if side in result.absent or (case.is_fresh and not number):
                        continue
                    request = {
                        "question": name,
                        "side": OURS if side == BEFORE else side,
                        "params": dict(case.params),
                        "place": asdict(places[case.primaries]),
                    }
                    tree = before if before is not None and side == BEFORE else ROOT
                    answer = _ask(workers, side, request, tree, is_fresh=case.is_fresh)
                    if "figures" not in answer:
                        os.kill(places[0].pid, signal.SIGCONT)  # it may have died while the server was frozen
                        result.absent[side] = answer.get("missing") or f"failed: {answer['failed']}"
                        tell(f"{question.id} {side}: {result.absent[side]}")
                    elif number:
                        for figure, value in answer["figures"].items():
                            result.answers.setdefault((side, case.name, figure), []).append(value)
    finally:
        for worker in workers.values():
            worker.stop()
    return result


def _ask(
    workers: dict[str, Worker], side: str, request: dict[str, Any], tree: Path, *, is_fresh: bool
) -> dict[str, Any]:
    try:
        if not is_fresh and side in workers:
            return workers[side].ask(request)
        worker = Worker(side, tree)
    except Missing as error:
        return {"missing": str(error)}
    if not is_fresh:
        workers[side] = worker
        return worker.ask(request)
    try:
        return worker.ask(request)
    finally:
        worker.stop()


def _command(side: str) -> list[str]:
    if side != "ioredis":
        return [sys.executable, "-m", "benchmarks._worker"]
    node = shutil.which("node")
    if node is None:
        raise Missing("node is not installed")
    if not (ROOT / "benchmarks/node_modules/ioredis").is_dir():
        raise Missing("ioredis is not installed (see benchmarks/README.md)")
    return [node, str(ROOT / "benchmarks/peers/ioredis.mjs")]


def _environment(tree: Path) -> dict[str, str]:
    """Return an environment in which workers import this repository's questions and the ``respool`` of ``tree``."""
    paths = [str(ROOT), str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
