"""B7: how fast are pipelines of 100 commands, compared with a bare socket? One task, or one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import KEY, VALUE, ask_async, ask_threads, check, run_async
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side, sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 100


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if params["world"] == "asyncio":
        return run_async(_in_asyncio(side, place))
    return _in_threads(side, place)


async def _in_asyncio(side: str, place: Place) -> dict[str, float]:
    client = async_side(side)
    await client.open(place, 1)
    await client.set(KEY, VALUE)
    for reply in await client.pipeline([("GET", KEY)] * SIZE):
        check(reply, VALUE)
    pipelines = await ask_async(lambda: client.pipeline([("GET", KEY)] * SIZE), 1, place.seconds)
    await client.close()
    return {"ops/s": pipelines * SIZE}


def _in_threads(side: str, place: Place) -> dict[str, float]:
    client = sync_side(side)
    client.open(place, 1)
    client.set(KEY, VALUE)
    for reply in client.pipeline([("GET", KEY)] * SIZE):
        check(reply, VALUE)
    figures = ask_threads(lambda: client.pipeline([("GET", KEY)] * SIZE), 1, place.seconds)
    client.close()
    return {"ops/s": figures["ops/s"] * SIZE}


QUESTION = Question(
    id="B7",
    title="a pipeline of 100 GETs, one at a time",
    sides=(OURS, BARE, "redis-py", "valkey-glide"),
    cases=(Case("asyncio", {"world": "asyncio"}), Case("threads", {"world": "threads"})),
    bars=(
        Bar("asyncio", "ops/s", over=BARE, at_least=0.75),
        Bar("asyncio", "ops/s", over="redis-py", at_least=4),
        Bar("threads", "ops/s", over=BARE, at_least=0.75),
        Bar("threads", "ops/s", over="redis-py", at_least=4),
    ),
    measure=measure,
    notes=("the bare floor packs 100 commands, writes once and parses; every side is given the same list of tuples",),
)
