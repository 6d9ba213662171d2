"""B8: are large values transferred as fast as through a raw socket? One task, or one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import ask_async, ask_threads, check, run_async
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side, sync_side

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1024 * 1024
LARGE_KEY = "bench:large"
LARGE = b"0123456789abcdef" * (MIB // 16)
CASES = tuple(f"{world} {verb}" for world in ("asyncio", "threads") for verb in ("GET", "SET"))


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if params["world"] == "asyncio":
        return run_async(_in_asyncio(side, params["verb"], place))
    return _in_threads(side, params["verb"], place)


async def _in_asyncio(side: str, verb: str, place: Place) -> dict[str, float]:
    client = async_side(side)
    await client.open(place, 1)
    await client.set(LARGE_KEY, LARGE)
    check(await client.get(LARGE_KEY), LARGE)
    get, put = client.get, client.set
    ask = (lambda: get(LARGE_KEY)) if verb == "GET" else (lambda: put(LARGE_KEY, LARGE))
    rate = await ask_async(ask, 1, place.seconds)
    await client.close()
    return {"MiB/s": rate}


def _in_threads(side: str, verb: str, place: Place) -> dict[str, float]:
    client = sync_side(side)
    client.open(place, 1)
    client.set(LARGE_KEY, LARGE)
    check(client.get(LARGE_KEY), LARGE)
    get, put = client.get, client.set
    ask = (lambda: get(LARGE_KEY)) if verb == "GET" else (lambda: put(LARGE_KEY, LARGE))
    figures = ask_threads(ask, 1, place.seconds)
    client.close()
    return {"MiB/s": figures["ops/s"]}


QUESTION = Question(
    id="B8",
    title="values of 1 MiB, one at a time",
    sides=(OURS, BARE, "redis-py", "valkey-glide"),
    cases=tuple(
        Case(f"{world} {verb}", {"world": world, "verb": verb})
        for world in ("asyncio", "threads")
        for verb in ("GET", "SET")
    ),
    bars=tuple(
        Bar(case, "MiB/s", over=over, at_least=limit)
        for case in CASES
        for over, limit in ((BARE, 0.85), ("redis-py", 1.0))
    ),
    measure=measure,
    notes=("the bare floor in threads is a raw blocking socket with hiredis, in asyncio a Protocol with hiredis",),
)
