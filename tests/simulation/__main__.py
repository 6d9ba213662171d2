"""``python -m tests.simulation --seed 12345 -v`` replays one run; ``--seeds 2000`` tries many.

With ``--cluster`` the pool is one for a cluster. Options: ``--from N`` the first seed, ``--jobs N`` processes, ``-v`` the trace of a run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable

from .cluster.run import simulate_cluster
from .run import Result, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulate the async pools.")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--seeds", type=int, default=200, help="how many to try")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the trace")
    parser.add_argument("--cluster", action="store_true", help="the pool for a cluster")
    options = parser.parse_args()
    run = simulate_cluster if options.cluster else simulate
    if options.seed is not None:
        result = run(options.seed, keep_trace=options.verbose)
        print(*result.trace, sep="\n")
        show(result, is_cluster=options.cluster)
        return bool(result.failures)
    seeds = range(options.first, options.first + options.seeds)
    if options.jobs == 1:
        return summarise(map(run, seeds), is_cluster=options.cluster)
    with multiprocessing.Pool(options.jobs) as pool:
        return summarise(pool.imap_unordered(run, seeds, chunksize=8), is_cluster=options.cluster)


def show(result: Result, *, is_cluster: bool = False) -> None:
    for failure in result.failures:
        print(f"seed {result.seed}: {failure}")
    if result.failures:
        print(f"replay: python -m tests.simulation {'--cluster ' * is_cluster}--seed {result.seed} -v")


def summarise(results: Iterable[Result], *, is_cluster: bool) -> int:
    started = time.perf_counter()
    passed: list[Result] = []
    failed: list[Result] = []
    for result in results:
        (failed if result.failures else passed).append(result)
        show(result, is_cluster=is_cluster)
    everything = passed + failed
    took = time.perf_counter() - started
    print(
        f"{len(passed)} seeds passed, {len(failed)} failed: "
        f"{sum(result.operations for result in everything)} operations, "
        f"{sum(result.commands for result in everything)} commands, "
        f"{sum(result.cancels for result in everything)} cancels, "
        f"{sum(result.faults for result in everything)} faults, "
        f"{sum(result.rounds for result in everything)} rounds, "
        f"{sum(result.seconds for result in everything) / 3600:.1f} virtual hours "
        f"in {took:.1f} s ({len(everything) / took:.0f} seeds/s)"
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
