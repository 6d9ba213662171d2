"""B9: how many commands per second can tasks and threads send to a cluster of three primaries?

Every command names the next one of 100 keys in 100 slots, so all nodes are busy at once. "one node" is respool's pool
for a single server with the same load: the difference is what routing costs, for the servers share the same cores.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from benchmarks._load import KEYS, VALUE, ask_async, ask_threads, check, run_async
from benchmarks._question import OURS, Bar, Case, Place, Question
from benchmarks.peers import async_cluster_side, sync_cluster_side

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

ONE_NODE = "one node"
TASKS = 100
PRIMARIES = 3
SIZE = len(KEYS)
GETS = [("GET", key) for key in KEYS]
IN_THREADS = (OURS, ONE_NODE, "redis-py", "valkey-glide")


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if "threads" in params:
        return _in_threads(side, params["threads"], place)
    return run_async(_in_asyncio(side, params["work"], place))


async def _in_asyncio(side: str, work: str, place: Place) -> dict[str, float]:
    client = async_cluster_side(side)
    await client.open(place, TASKS)
    for key in KEYS:
        await client.set(key, VALUE)
    following = cycle(KEYS).__next__
    asks: dict[str, tuple[Callable[[], Awaitable[Any]], int, int]] = {
        "GET": (lambda: client.get(following()), TASKS, 1),
        "SET": (lambda: client.set(following(), VALUE), TASKS, 1),
        "pipeline": (lambda: client.pipeline(GETS), 1, SIZE),
        "MGET": (lambda: client.mget(KEYS), 1, SIZE),
    }
    for reply in (*await client.pipeline(GETS), *await client.mget(KEYS)):
        check(reply, VALUE)
    ask, tasks, commands = asks[work]
    rate = await ask_async(ask, tasks, place.seconds)
    await client.close()
    return {"keys/s": rate * commands}


def _in_threads(side: str, threads: int, place: Place) -> dict[str, float]:
    client = sync_cluster_side(side)
    client.open(place, threads)
    for key in KEYS:
        client.set(key, VALUE)
        check(client.get(key), VALUE)
    following = cycle(KEYS).__next__
    figures = ask_threads(lambda: client.get(following()), threads, place.seconds)
    client.close()
    return {"keys/s": figures["ops/s"]}


QUESTION = Question(
    id="B9",
    title=f"a cluster of {PRIMARIES} primaries, 64 bytes, keys in 100 slots",
    sides=(OURS, ONE_NODE, "redis-py", "valkey-glide", "coredis"),
    cases=(
        Case("GET, 100 tasks", {"work": "GET"}, primaries=PRIMARIES),
        Case("SET, 100 tasks", {"work": "SET"}, primaries=PRIMARIES),
        Case("pipeline of 100 GETs", {"work": "pipeline"}, primaries=PRIMARIES),
        Case("MGET of 100", {"work": "MGET"}, primaries=PRIMARIES),
        Case("GET, 1 thread", {"threads": 1}, sides=IN_THREADS, primaries=PRIMARIES),
        Case("GET, 8 threads", {"threads": 8}, sides=IN_THREADS, primaries=PRIMARIES),
    ),
    bars=(
        Bar("GET, 100 tasks", "keys/s", over="redis-py", at_least=15),
        Bar("GET, 100 tasks", "keys/s", over="valkey-glide", at_least=3),
    ),
    measure=measure,
    notes=(
        "one node: respool's pool for a single server, with the same keys",
        "pipelines and MGET are sent one at a time; redis-py's MGET is mget_nonatomic",
    ),
)
