"""B6: 100 tasks lease one of 10 connections for one GET each: what is the throughput, and is the waiting fair?

A wait is the time from the request for a connection to the reply of the GET.
"""

from __future__ import annotations

import asyncio
import gc
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks._load import KEY, VALUE, check, run_async
from benchmarks._question import OURS, Bar, Case, Place, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

NAME = "100 tasks on 10 leases"


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    return run_async(_on_ours(params, place) if side == OURS else _on_redis_py(params, place))


async def _on_ours(params: Mapping[str, Any], place: Place) -> dict[str, float]:
    from respool import AsyncPool

    async with AsyncPool(place.url, shared=0, max_size=params["leases"]) as pool:
        await pool.set(KEY, VALUE)

        async def ask() -> bytes | None:
            async with pool.acquire() as lease:
                return await lease.get(KEY)

        return await _crowd(ask, params["tasks"], place.seconds)


async def _on_redis_py(params: Mapping[str, Any], place: Place) -> dict[str, float]:
    from redis import asyncio as redis

    pool = redis.BlockingConnectionPool.from_url(place.url, max_connections=params["leases"], timeout=None)
    client = redis.Redis.from_pool(pool)
    await client.set(KEY, VALUE)
    try:
        return await _crowd(lambda: client.get(KEY), params["tasks"], place.seconds)
    finally:
        await client.aclose()


async def _crowd(ask: Callable[[], Awaitable[Any]], tasks: int, seconds: float) -> dict[str, float]:
    """Run ``tasks`` tasks for ``seconds``; return the throughput and the waits."""
    check(await ask(), VALUE)
    await _ask_for(ask, tasks, seconds / 3)
    gc.collect()
    start = perf_counter()
    waits = await _ask_for(ask, tasks, seconds)
    took = perf_counter() - start
    return {
        "ops/s": len(waits) / took,
        "median wait ms": median(waits) * 1000,
        "longest wait ms": max(waits) * 1000,
    }


async def _ask_for(ask: Callable[[], Awaitable[Any]], tasks: int, seconds: float) -> list[float]:
    waits: list[float] = []
    end = perf_counter() + seconds

    async def ask_on() -> None:
        now = perf_counter()
        while now < end:
            await ask()
            before, now = now, perf_counter()
            waits.append(now - before)

    await asyncio.gather(*[ask_on() for _ in range(tasks)])
    return waits


QUESTION = Question(
    id="B6",
    title="asyncio, leased lane, 100 tasks on 10 connections, one GET each",
    sides=(OURS, "redis-py"),
    cases=(Case(NAME, {"tasks": 100, "leases": 10}),),
    bars=(
        Bar(NAME, "ops/s", over="redis-py", at_least=2),
        Bar(NAME, "longest wait ms", over_figure="median wait ms", at_most=3),
    ),
    measure=measure,
    notes=("redis-py: its blocking pool with 10 connections; a wait is from asking to the answer of the GET",),
)
