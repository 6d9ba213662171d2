"""B11: how long does the import take, and how much memory does an idle connection need?

An import is timed inside a new interpreter, so the interpreter's own start is not included.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks._load import run_async
from benchmarks._memory import resident_kib
from benchmarks._question import OURS, Bar, Case, Missing, Place, Question

if TYPE_CHECKING:
    from collections.abc import Mapping

BASIS = "asyncio and hiredis"
IMPORTS = {
    OURS: "import respool",
    BASIS: "import asyncio, hiredis",
    "redis-py": "import redis.asyncio",
    "valkey-glide": "import glide",
    "coredis": "import coredis",
}
# Our names are loaded when they are first used, so these statements show the cost for a real program.
POOLS = {OURS: "from respool import AsyncPool", BASIS: IMPORTS[BASIS]}
TIMER = "from time import perf_counter as now; start = now(); {}; print(now() - start)"
STARTS = 3  # interpreter starts per measurement
CONNECTIONS = 200


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if params["work"] == "import":
        statement = (POOLS if params["with_pool"] else IMPORTS)[side]
        return {"ms": median(_time_import(statement) for _ in range(STARTS)) * 1000}
    if params["work"] == "asyncio":
        return run_async(_weigh_in_asyncio(side, place))
    return _weigh_in_threads(side, place)


def _time_import(statement: str) -> float:
    # Let Python write compiled modules, because a program does not compile its libraries at every start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = subprocess.run(  # this interpreter, with a command of our own
        [sys.executable, "-c", TIMER.format(statement)], capture_output=True, text=True, check=False, env=environment
    )
    if "ModuleNotFoundError" in started.stderr:
        raise Missing(started.stderr.strip().splitlines()[-1])
    return float(started.stdout)


async def _weigh_in_asyncio(side: str, place: Place) -> dict[str, float]:
    if side == OURS:
        from respool import AsyncPool

        async def open_pool(size: int) -> Any:
            pool = AsyncPool(place.url, shared=0, min_size=size, max_size=size)
            await pool.open()
            return pool
    else:
        from redis import asyncio as redis

        async def open_pool(size: int) -> Any:
            pool = redis.BlockingConnectionPool.from_url(place.url, max_connections=size)
            for connection in [await pool.get_connection() for _ in range(size)]:
                await pool.release(connection)
            return pool

    first = await open_pool(1)  # so that everything loaded or created only once is there already
    gc.collect()
    before = resident_kib()
    second = await open_pool(CONNECTIONS)
    gc.collect()
    weight = (resident_kib() - before) / CONNECTIONS
    await first.aclose()
    await second.aclose()
    return {"KiB": weight}


def _weigh_in_threads(side: str, place: Place) -> dict[str, float]:
    if side == OURS:
        from respool import Pool

        def open_pool(size: int) -> Any:
            pool = Pool(place.url, shared=0, min_size=size, max_size=size)
            pool.open()
            return pool
    else:
        import redis

        def open_pool(size: int) -> Any:
            pool = redis.BlockingConnectionPool.from_url(place.url, max_connections=size)
            for connection in [pool.get_connection() for _ in range(size)]:
                pool.release(connection)
            return pool

    first = open_pool(1)
    gc.collect()
    before = resident_kib()
    second = open_pool(CONNECTIONS)
    gc.collect()
    weight = (resident_kib() - before) / CONNECTIONS
    first.close()
    second.close()
    return {"KiB": weight}


WEIGHED = (OURS, "redis-py")

QUESTION = Question(
    id="B11",
    title="import time, and the memory of an idle connection",
    sides=tuple(IMPORTS),
    cases=(
        Case("import", {"work": "import", "with_pool": False}),
        Case("import of AsyncPool", {"work": "import", "with_pool": True}, sides=tuple(POOLS)),
        Case("idle connection, asyncio", {"work": "asyncio"}, sides=WEIGHED, is_fresh=True),
        Case("idle connection, threads", {"work": "threads"}, sides=WEIGHED, is_fresh=True),
    ),
    bars=(
        Bar("import", "ms", over=BASIS, at_most=1.5),
        Bar("import of AsyncPool", "ms", over=BASIS, at_most=1.5),
        Bar("idle connection, asyncio", "KiB", at_most=32),
        Bar("idle connection, threads", "KiB", at_most=32),
    ),
    measure=measure,
    notes=(
        "our names are loaded at their first use: 'import' is the package alone, 'import of AsyncPool' what is paid",
        f"resident memory of {CONNECTIONS} connections, in a new process each time",
    ),
)
