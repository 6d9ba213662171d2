"""B5: how long does it take to acquire and release an idle connection? No I/O, one task or thread.

psycopg_pool needs no PostgreSQL for this: its connection class is replaced by one that opens no connection.
"""

from __future__ import annotations

import gc
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks._load import run_async
from benchmarks._question import OURS, Bar, Case, Place, Question
from benchmarks.peers.leases import async_leases, sync_leases

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCKING = "redis-py blocking pool"
PLAIN = "redis-py plain pool"
PSYCOPG = "psycopg_pool"
BATCH = 200  # acquire/release pairs between two reads of the clock


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    return run_async(_in_asyncio(side, place)) if params["world"] == "asyncio" else _in_threads(side, place)


async def _in_asyncio(side: str, place: Place) -> dict[str, float]:
    async with async_leases(side, place) as turn:

        async def turn_for(seconds: float) -> float:
            pairs, start = 0, perf_counter()
            while (took := perf_counter() - start) < seconds:
                await turn(BATCH)
                pairs += BATCH
            return took / pairs

        await turn_for(place.seconds / 4)
        gc.collect()
        return {"us": await turn_for(place.seconds) * 1e6}


def _in_threads(side: str, place: Place) -> dict[str, float]:
    with sync_leases(side, place) as turn:

        def turn_for(seconds: float) -> float:
            pairs, start = 0, perf_counter()
            while (took := perf_counter() - start) < seconds:
                turn(BATCH)
                pairs += BATCH
            return took / pairs

        turn_for(place.seconds / 4)
        gc.collect()
        return {"us": turn_for(place.seconds) * 1e6}


QUESTION = Question(
    id="B5",
    title="acquire and release of an idle lease, no I/O",
    sides=(OURS, BLOCKING, PLAIN, PSYCOPG),
    cases=(Case("asyncio", {"world": "asyncio"}), Case("threads", {"world": "threads"})),
    bars=(
        Bar("asyncio", "us", over=BLOCKING, at_most=0.25),
        Bar("asyncio", "us", over=PSYCOPG, at_most=1.0),
        Bar("threads", "us", over=PLAIN, at_most=0.50),
        Bar("threads", "us", over=BLOCKING, at_most=0.50),
        Bar("threads", "us", over=PSYCOPG, at_most=1.0),
    ),
    measure=measure,
    notes=("psycopg_pool with a connection class that connects to nothing: its own bookkeeping alone",),
)
