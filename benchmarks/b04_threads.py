"""B4: how many commands per second can threads send through one pool, and what is the 99th percentile?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import run_thread_gets
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

THREADS = (1, 4, 8, 16, 64)


def name_of(threads: int) -> str:
    return f"{threads} thread" + ("s" if threads > 1 else "")


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    threads = params["threads"]
    return run_thread_gets(sync_side(side), place, threads, with_p99=threads == max(THREADS))


QUESTION = Question(
    id="B4",
    title="threads, shared lane, GET of 64 bytes",
    sides=(OURS, BARE, "redis-py", "valkey-glide"),
    cases=tuple(Case(name_of(threads), {"threads": threads}) for threads in THREADS),
    bars=(
        Bar("1 thread", "ops/s", over=BARE, at_least=0.80),
        Bar("1 thread", "ops/s", over="redis-py", at_least=1.8),
        Bar("8 threads", "ops/s", over="redis-py", at_least=3.5),
        Bar("64 threads", "ops/s", over="redis-py", at_least=5.5),
        Bar("64 threads", "ops/s", over=BARE, at_least=1.4),
        Bar("64 threads", "p99 ms", over="redis-py", at_most=0.25),
    ),
    measure=measure,
    notes=("the bare floor has one socket per thread; at 64 threads every side also takes the time of each call",),
)
