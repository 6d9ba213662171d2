"""B4: how many commands per second can threads send through one pool, and what is the 99th percentile?

"with speed" is respool with respool-speed, a step in C that gives the interpreter's lock away once for each command.
With "shared=0" there is no shared connection: every command leases one. With "one core" the client, and only that, is
kept on a single core. Its threads cannot run at the same time anyway, and on several cores they spend most of their
time on handing over the interpreter's lock: a thread that is woken on another core finds the lock taken, and sleeps.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from benchmarks._cores import on_one_core
from benchmarks._load import run_thread_gets
from benchmarks._question import BARE, OURS, SPEED, Bar, Case, Place, Question
from benchmarks.peers import sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

THREADS = (1, 2, 4, 8, 16, 64)
ON_LEASES = (8, 16)
ON_ONE_CORE = (4, 8, 16)


def name_of(threads: int, *, on_leases: bool = False, on_one_core: bool = False) -> str:
    name = f"{threads} thread" + ("s" if threads > 1 else "")
    return name + (", shared=0" if on_leases else "") + (", one core" if on_one_core else "")


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    threads = params["threads"]
    name = side
    if params.get("on_leases"):
        name = {OURS: "shared=0", SPEED: f"{SPEED}, shared=0"}.get(side, side)
    client = sync_side(name)
    with on_one_core() if params.get("on_one_core") else nullcontext():
        return run_thread_gets(client, place, threads, with_p99=threads == max(THREADS))


def case(threads: int, sides: tuple[str, ...] = (), **how: bool) -> Case:
    return Case(name_of(threads, **how), {"threads": threads, **how}, sides=sides)


QUESTION = Question(
    id="B4",
    title="threads, shared lane, GET of 64 bytes",
    sides=(OURS, SPEED, BARE, "redis-py", "valkey-glide"),
    cases=(
        *(case(threads) for threads in THREADS),
        *(case(threads, (OURS, SPEED, BARE), on_leases=True) for threads in ON_LEASES),
        *(case(threads, (OURS, SPEED, BARE, "redis-py"), on_one_core=True) for threads in ON_ONE_CORE),
        *(case(threads, (OURS, SPEED, BARE), on_leases=True, on_one_core=True) for threads in ON_LEASES),
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
        *(Bar(name_of(threads, on_leases=True), "ops/s", over=BARE, at_least=0.45) for threads in ON_LEASES),
        *(Bar(name_of(threads, on_one_core=True), "ops/s", over=BARE, at_least=0.6) for threads in ON_ONE_CORE),
        *(
            Bar(name_of(threads, on_leases=True, on_one_core=True), "ops/s", over=BARE, at_least=0.45)
            for threads in ON_LEASES
        ),
        *(Bar(name_of(threads), "ops/s", over=BARE, at_least=0.6, of=SPEED) for threads in (2, 4, 8, 16)),
        *(Bar(name_of(threads, on_leases=True), "ops/s", over=BARE, at_least=0.45, of=SPEED) for threads in ON_LEASES),
        *(
            Bar(name_of(threads, on_one_core=True), "ops/s", over=BARE, at_least=0.6, of=SPEED)
            for threads in ON_ONE_CORE
        ),
    ),
    measure=measure,
    notes=("the bare floor has one socket per thread; at 64 threads every side also takes the time of each call",),
)
