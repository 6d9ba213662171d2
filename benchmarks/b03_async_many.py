"""B3: does throughput hold with thousands of tasks, and how much memory does a waiting command take?

The memory is the growth of resident memory while the server is frozen and all commands wait, in a new process each
time. "a bare task" is as many tasks waiting for plain futures: the memory that asyncio itself needs.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

from benchmarks._load import KEY, VALUE, check, run_async, run_gets
from benchmarks._memory import frozen_server, resident_kib
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side

if TYPE_CHECKING:
    from collections.abc import Mapping

BARE_TASK = "a bare task"
ALL = (OURS, BARE, "redis-py", "valkey-glide", "coredis", "ioredis")
WEIGHT = "10000 waiting commands"


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if params["work"] == "gets":
        return run_gets(async_side(side), place, params["tasks"])
    return run_async(_weigh(side, params["tasks"], place))


async def _weigh(side: str, tasks: int, place: Place) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    client = None if side == BARE_TASK else async_side(side)
    if client is not None:
        await client.open(place, tasks)
        await client.set(KEY, VALUE)
        check(await client.get(KEY), VALUE)

    async def wait() -> None:
        if client is None:
            await loop.create_future()
        else:
            await client.get(KEY)

    gc.collect()
    with frozen_server(place):
        before = resident_kib()
        crowd = [loop.create_task(wait()) for _ in range(tasks)]
        await asyncio.sleep(0.2)  # all tasks have submitted, and all bytes that can be written are written
        waiting = sum(not task.done() for task in crowd)
        weight = (resident_kib() - before) / tasks
    check(str(waiting).encode(), str(tasks).encode())
    if client is not None:
        await asyncio.gather(*crowd)
        await client.close()
    else:
        for task in crowd:
            task.cancel()
    return {"KiB each": weight}


QUESTION = Question(
    id="B3",
    title="asyncio, shared lane, many tasks, GET of 64 bytes",
    sides=ALL,
    cases=(
        Case("10 tasks", {"work": "gets", "tasks": 10}),
        Case("100 tasks", {"work": "gets", "tasks": 100}),
        Case("1000 tasks", {"work": "gets", "tasks": 1000}),
        Case("10000 tasks", {"work": "gets", "tasks": 10_000}),
        Case(
            WEIGHT,
            {"work": "weigh", "tasks": 10_000},
            sides=(OURS, BARE_TASK, BARE, "redis-py"),
            is_fresh=True,
        ),
    ),
    bars=(
        Bar("1000 tasks", "ops/s", over_case="100 tasks", at_least=0.90),
        Bar("10000 tasks", "ops/s", over_case="100 tasks", at_least=0.90),
        Bar(WEIGHT, "KiB each", minus=BARE_TASK, at_most=2.0),
    ),
    measure=measure,
    notes=("10 tasks is for the plot; the bars compare with 100 tasks of this very table",),
)
