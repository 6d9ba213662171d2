"""``python -m tests.interleavings --seed 12345`` replays one run; ``--seeds 2000`` tries many.

Options: ``--from N`` the first seed, ``--jobs N`` processes, ``--scene NAME`` only that scene.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as for pytest: the server model is in ``simulation``

from .run import Result, play
from .scenes import SCENES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description="Interleave the threads.")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--seeds", type=int, default=200, help="how many to try")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--scene", choices=[scene.__name__ for scene in SCENES], help="only this one")
    options = parser.parse_args()
    scene = next((scene for scene in SCENES if scene.__name__ == options.scene), None)
    if options.seed is not None:
        return summarise([play(options.seed, scene)])
    work = partial(play, scene=scene)
    seeds = range(options.first, options.first + options.seeds)
    if options.jobs == 1:
        return summarise(map(work, seeds))
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        return summarise(pool.imap_unordered(work, seeds, chunksize=8))


def show(result: Result) -> None:
    for failure in result.failures:
        print(f"seed {result.seed} ({result.scene}): {failure}")
    if result.failures:
        print(f"replay: python -m tests.interleavings --seed {result.seed}")


def summarise(results: Iterable[Result]) -> int:
    started = time.perf_counter()
    passed: list[Result] = []
    failed: list[Result] = []
    for result in results:
        (failed if result.failures else passed).append(result)
        show(result)
    everything = passed + failed
    took = time.perf_counter() - started
    print(
        f"{len(passed)} seeds passed, {len(failed)} failed: "
        f"{sum(result.threads for result in everything)} threads, "
        f"{sum(result.commands for result in everything)} commands, "
        f"{sum(result.switches for result in everything)} turns at "
        f"{sum(result.points for result in everything)} switch points, "
        f"{sum(result.seconds for result in everything):.0f} virtual seconds "
        f"in {took:.1f} s ({len(everything) / took:.0f} seeds/s)"
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
