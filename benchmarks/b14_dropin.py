"""B14: what does a program of redis-py gain by the drop-in? The side "respool" is ``respool.compat.redis``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import KEY, VALUE, ask_async, ask_threads, check, run_async, run_gets, run_thread_gets
from benchmarks._question import OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side, sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 100


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    name = "drop-in" if side == OURS else side
    count = params["count"]
    if params["work"] == "gets":
        if params["world"] == "asyncio":
            return run_gets(async_side(name), place, count)
        return run_thread_gets(sync_side(name), place, count, with_p99=False)
    if params["world"] == "asyncio":
        return run_async(_pipelines_in_asyncio(name, place))
    return _pipelines_in_threads(name, place)


async def _pipelines_in_asyncio(name: str, place: Place) -> dict[str, float]:
    client = async_side(name)
    await client.open(place, 1)
    await client.set(KEY, VALUE)
    for reply in await client.pipeline([("GET", KEY)] * SIZE):
        check(reply, VALUE)
    pipelines = await ask_async(lambda: client.pipeline([("GET", KEY)] * SIZE), 1, place.seconds)
    await client.close()
    return {"ops/s": pipelines * SIZE}


def _pipelines_in_threads(name: str, place: Place) -> dict[str, float]:
    client = sync_side(name)
    client.open(place, 1)
    client.set(KEY, VALUE)
    for reply in client.pipeline([("GET", KEY)] * SIZE):
        check(reply, VALUE)
    figures = ask_threads(lambda: client.pipeline([("GET", KEY)] * SIZE), 1, place.seconds)
    client.close()
    return {"ops/s": figures["ops/s"] * SIZE}


def _case(name: str, world: str, work: str, count: int = 1) -> Case:
    return Case(name, {"world": world, "work": work, "count": count})


QUESTION = Question(
    id="B14",
    title="a program of redis-py: GET of 64 bytes, and pipelines of 100",
    sides=(OURS, "redis-py"),
    cases=(
        _case("100 tasks", "asyncio", "gets", 100),
        _case("1 task", "asyncio", "gets"),
        _case("16 threads", "threads", "gets", 16),
        _case("1 thread", "threads", "gets"),
        _case("pipeline, asyncio", "asyncio", "pipelines"),
        _case("pipeline, threads", "threads", "pipelines"),
    ),
    bars=(
        Bar("100 tasks", "ops/s", over="redis-py", at_least=6),
        Bar("1 task", "ops/s", over="redis-py", at_least=2),
        Bar("16 threads", "ops/s", over="redis-py", at_least=2),
        Bar("1 thread", "ops/s", over="redis-py", at_least=1.2),
        Bar("pipeline, asyncio", "ops/s", over="redis-py", at_least=2),
        Bar("pipeline, threads", "ops/s", over="redis-py", at_least=2),
    ),
    measure=measure,
    notes=("respool is respool.compat.redis here: redis-py's own command methods and callbacks on respool's pools",),
)
