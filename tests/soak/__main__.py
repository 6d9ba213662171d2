"""``python -m tests.soak --minutes 30``: a mixed load for asyncio and threads, with mixed faults, for any time.

Every minute it prints the memory, descriptors, threads and tasks in use, and what happened. It fails if a check of
``books`` fails, an error comes that no fault explains, memory grows after the warm-up, or anything is left at the end.
``--seed`` decides the faults and the operations, but not their interleaving.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from respool import AsyncPool, Pool
from respool.testing import FaultProxy, Server, wait_until

from . import load_asyncio, load_threads
from .books import Tally
from .trouble import Trouble

TASKS, THREADS = 12, 8
#: How much memory may grow after the warm-up before it counts as a leak: a fraction, and MiB.
GROWTH, SLACK = 1.10, 8

OPTIONS: list[dict[str, Any]] = [
    {"shared": 1, "max_size": 6, "min_size": 2},
    {"shared": 2, "max_size": 6},
    {"shared": 0, "max_size": 4, "idle_order": "fifo"},
]
COMMON: dict[str, Any] = {
    "read_timeout": 0.5,
    "connect_timeout": 0.5,
    "acquire_timeout": 2.0,
    "keepalive": 0.5,
    "max_idle": 2.0,
    "max_lifetime": 5.0,
}


def memory() -> float:
    """Return the resident memory of the process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Soak:
    """One run."""

    def __init__(self, minutes: float, seed: int) -> None:
        self._seconds = minutes * 60
        self._seed = seed
        self._tallies = {"asyncio": Tally(), "threads": Tally()}
        self._started = time.monotonic()
        self._samples: list[tuple[float, float]] = []
        self.failures: list[str] = []

    def run(self) -> None:
        with Server(config={"appendonly": "yes", "appendfsync": "always"}) as server:
            before = descriptors(), threading.active_count()
            with FaultProxy(server) as first, FaultProxy(server) as second:
                trouble = Trouble(server, [first, second], self._seed)
                pools = [Pool(first.url, **COMMON, **options) for options in OPTIONS]
                workers = self._start_threads(pools, first.url)
                trouble.start()
                try:
                    asyncio.run(self._run_tasks(second.url, trouble, workers))
                finally:
                    for pool in pools:
                        pool.close()
                self._check_end(server, before_threads=before[1] + 2)
                print(f"faults: {dict(trouble.made)}")
                self.failures += trouble.errors
            self._expect("descriptors", descriptors(), before[0])
        for world, tally in self._tallies.items():
            self.failures += [f"{world}: {wrong}" for wrong in tally.wrong[:20]]
        self._check_memory()

    # The load ------------------------------------------------------------------------------------------

    def _start_threads(self, pools: list[Pool[bytes]], url: str) -> tuple[threading.Event, list[Any], list[Any]]:
        stop = threading.Event()
        tally = self._tallies["threads"]

        def fresh() -> Pool[bytes]:
            return Pool(url, **COMMON)

        workers = [
            load_threads.Worker(f"thread {number}", pools, tally, random.Random(f"{self._seed} t{number}"), fresh)
            for number in range(THREADS)
        ]
        threads = [threading.Thread(target=worker.run, args=(stop,), name="load") for worker in workers]
        for thread in threads:
            thread.start()
        return stop, workers, threads

    async def _run_tasks(self, url: str, trouble: Trouble, of_threads: Any) -> None:
        stop_threads, thread_workers, threads = of_threads
        stop = asyncio.Event()
        tally = self._tallies["asyncio"]
        before = asyncio.all_tasks()
        pools: list[AsyncPool[bytes]] = [AsyncPool(url, **COMMON, **options) for options in OPTIONS]

        def fresh() -> AsyncPool[bytes]:
            return AsyncPool(url, **COMMON)

        workers = [
            load_asyncio.Worker(f"task {number}", pools, tally, random.Random(f"{self._seed} a{number}"), fresh)
            for number in range(TASKS)
        ]
        running = [asyncio.create_task(worker.run(stop)) for worker in workers]
        await self._watch()
        await asyncio.to_thread(trouble.stop)
        stop.set()
        stop_threads.set()
        _, late = await asyncio.wait(running, timeout=30.0)
        for thread in threads:
            await asyncio.to_thread(thread.join, 30.0)
        self._expect("workers that never came back", len(late) + sum(thread.is_alive() for thread in threads), 0)
        for worker in [*workers, *thread_workers]:
            try:
                finish = worker.finish
                await (finish() if asyncio.iscoroutinefunction(finish) else asyncio.to_thread(finish))
            except Exception as error:
                self.failures.append(f"at the end: {error!r}")
        for pool in pools:
            stats = pool.stats()
            self._expect("leased at the end", stats.leased, 0)
            self._expect("waiting at the end", stats.waiting, 0)
            await pool.aclose()
        self._expect("tasks", len(asyncio.all_tasks() - before), 0)

    async def _watch(self) -> None:
        """Report every minute until the time is over."""
        ends_at = self._started + self._seconds
        while (left := ends_at - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 60.0 if self._seconds > 300 else 20.0))
            gc.collect()
            self._samples.append((time.monotonic() - self._started, memory()))
            self._report(len(asyncio.all_tasks()))
            if any(tally.wrong for tally in self._tallies.values()):
                return

    # Reports and checks --------------------------------------------------------------------------------

    def _report(self, tasks: int) -> None:
        seconds, used = self._samples[-1]
        print(
            f"{seconds / 60:5.1f} min  {used:6.1f} MiB  {descriptors()} descriptors  {threading.active_count()} threads"
            f"  {tasks} tasks"
        )
        for world, tally in self._tallies.items():
            print(f"    {world}: {sum(tally.done.values())} done, errors {dict(tally.errors)}", flush=True)

    def _expect(self, what: str, found: int, most: int) -> None:
        if found > most:
            self.failures.append(f"{what}: {found}, expected {most}")

    def _check_end(self, server: Server, *, before_threads: int) -> None:
        try:
            wait_until(lambda: server.client_count() == 0)
        except TimeoutError:
            self.failures.append(f"connections left at the server: {server.clients()}")
        try:
            wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("respool")])
        except TimeoutError:
            self.failures.append(f"threads left: {threading.enumerate()}")
        self._expect("threads", threading.active_count(), before_threads)

    def _check_memory(self) -> None:
        warm = [used for seconds, used in self._samples if seconds >= self._seconds / 3]
        if len(warm) >= 2:
            first, last = warm[0], min(warm[-2:])
            print(f"memory: {first:.1f} MiB after the warm-up, {last:.1f} MiB at the end")
            if last > first * GROWTH + SLACK:
                self.failures.append(f"memory grew from {first:.1f} to {last:.1f} MiB")
        for world, tally in self._tallies.items():
            print(f"{world}: {dict(tally.done)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Load and faults, for long.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    soak = Soak(options.minutes, options.seed)
    soak.run()
    print(*(soak.failures or ["all is well"]), sep="\n")
    return bool(soak.failures)


if __name__ == "__main__":
    sys.exit(main())
