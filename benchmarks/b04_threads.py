"""B4: how many commands per second can threads send through one pool, and what is the 99th percentile?

The last two cases have no shared connection: every command leases one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import run_thread_gets
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

THREADS = (1, 2, 4, 8, 16, 64)
ON_LEASES = (8, 16)


def name_of(threads: int) -> str:
    return f"{threads} thread" + ("s" if threads > 1 else "")


def on_leases(threads: int) -> str:
    return f"{name_of(threads)}, shared=0"


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    threads = params["threads"]
    client = sync_side("shared=0" if side == OURS and params.get("on_leases") else side)
    return run_thread_gets(client, place, threads, with_p99=threads == max(THREADS))


QUESTION = Question(
    id="B4",
    title="threads, shared lane, GET of 64 bytes",
    sides=(OURS, BARE, "redis-py", "valkey-glide"),
    cases=(
        *(Case(name_of(threads), {"threads": threads}) for threads in THREADS),
        *(
            Case(on_leases(threads), {"threads": threads, "on_leases": True}, sides=(OURS, BARE))
            for threads in ON_LEASES
        ),
    ),
    bars=(
        Bar("1 thread", "ops/s", over=BARE, at_least=0.80),
        Bar("1 thread", "ops/s", over="redis-py", at_least=1.8),
        *(Bar(name_of(threads), "ops/s", over=BARE, at_least=0.6) for threads in (2, 4, 8, 16)),
        Bar("8 threads", "ops/s", over="redis-py", at_least=3.5),
        Bar("16 threads", "ops/s", over="redis-py", at_least=3.5),
        Bar("64 threads", "ops/s", over="redis-py", at_least=5.5),
        Bar("64 threads", "ops/s", over=BARE, at_least=1.4),
        Bar("64 threads", "p99 ms", over="redis-py", at_most=0.25),
        *(Bar(on_leases(threads), "ops/s", over=BARE, at_least=0.45) for threads in ON_LEASES),
    ),
    measure=measure,
    notes=("the bare floor has one socket per thread; at 64 threads every side also takes the time of each call",),
)
