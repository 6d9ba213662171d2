"""B13: what does a larger cluster cost, and what a storm of MOVED?

A storm: one node gives all of its slots to another one at once (CLUSTER MIGRATESLOTS, Valkey 9), so that a third of all
commands are redirected until the client has learned where the slots are. The servers count how often clients ask for
the map meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from itertools import cycle
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Any

from benchmarks._load import KEYS, VALUE, ask_async, check, run_async
from benchmarks._memory import resident_kib
from benchmarks._question import OURS, Case, Missing, Place, Question
from benchmarks.peers import async_cluster_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from respool import Connection

TASKS = 100
SIZES = (3, 6, 12)
STORM = "storm of MOVED"
STORM_SECONDS = 1.0
MOVE_PATIENCE = 20.0
POLL = 0.005
MAP_COMMANDS = ("cluster|slots", "cluster|shards", "cluster|nodes")


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    if params["work"] == "grow":
        return run_async(_grow(side, place))
    with _looking_at(place) as nodes:
        return run_async(_weather(side, nodes, place))


@contextmanager
def _looking_at(place: Place) -> Iterator[list[Connection[bytes]]]:
    """Yield a connection to each node."""
    from respool import Connection  # not at the head: no other side is to be charged for its memory

    with ExitStack() as ends:
        yield [ends.enter_context(Connection(f"redis://{host}:{port}")) for host, port in place.primaries]


async def _grow(side: str, place: Place) -> dict[str, float]:
    client = async_cluster_side(side)
    await client.open(place, TASKS)
    await _fill(client)
    following = cycle(KEYS).__next__
    rate = await ask_async(lambda: client.get(following()), TASKS, place.seconds)
    figures = {"keys/s": rate, "MiB resident": resident_kib() / 1024}
    with _looking_at(place) as nodes:
        figures["connections"] = sum(node.info("clients")["connected_clients"] - 1 for node in nodes)
    await client.close()
    return figures


async def _weather(side: str, nodes: Sequence[Connection[bytes]], place: Place) -> dict[str, float]:
    client = async_cluster_side(side)
    await client.open(place, TASKS)
    await _fill(client)
    following = cycle(KEYS).__next__
    calm = await ask_async(lambda: client.get(following()), TASKS, place.seconds)
    source, to = nodes[:2]
    slots = [(start, end) for start, end, owners in source.cluster_slots() if owners[0].port == place.primaries[0][1]]
    asked = _asked(nodes)
    move = asyncio.create_task(asyncio.to_thread(_move, source, to, slots))
    answered = failed = 0
    started = perf_counter()

    async def ask_on() -> None:
        nonlocal answered, failed
        while perf_counter() - started < STORM_SECONDS or not move.done():
            try:
                check(await client.get(following()), VALUE)
            except Exception:
                failed += 1
                await asyncio.sleep(0)
            else:
                answered += 1

    try:
        await asyncio.gather(*(ask_on() for _ in range(TASKS)))
        seconds = perf_counter() - started
        questions = _asked(nodes) - asked
        await client.close()
    finally:
        await move
        _move(to, source, slots)
    return {
        "keys/s in calm": calm,
        "keys/s in storm": answered / seconds,
        "failed": failed,
        "maps asked for": questions,
    }


async def _fill(client: Any) -> None:
    for key in KEYS:
        await client.set(key, VALUE)
        check(await client.get(key), VALUE)


# What the servers say and do -----------------------------------------------------------------------------


def _asked(nodes: Sequence[Connection[bytes]]) -> int:
    """Return how often the nodes were asked for the map."""
    found = 0
    for node in nodes:
        counts = node.info("commandstats")
        found += sum(counts.get(f"cmdstat_{name}", {}).get("calls", 0) for name in MAP_COMMANDS)
    return found


def _move(source: Connection[bytes], to: Connection[bytes], slots: Sequence[tuple[int, int]]) -> None:
    """Move slots with their keys at once, and wait until it is done."""
    from respool.errors import ServerError

    ends = [end for both in slots for end in both]
    try:
        source.execute("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *ends, "NODE", to.execute("CLUSTER", "MYID"))
    except ServerError as error:
        raise Missing(f"the server cannot move slots at once: {error}") from None
    give_up_at = monotonic() + MOVE_PATIENCE
    while (state := _state_of_move(source)) != b"success":
        if state in (b"failed", b"cancelled") or monotonic() > give_up_at:
            raise RuntimeError(f"the slots were not moved: {state!r}")
        sleep(POLL)


def _state_of_move(source: Connection[bytes]) -> bytes:
    rows = source.execute("CLUSTER", "GETSLOTMIGRATIONS")
    moves = [row if isinstance(row, dict) else dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
    return next((bytes(move[b"state"]) for move in moves if move[b"operation"] == b"EXPORT"), b"none")


QUESTION = Question(
    id="B13",
    title=f"clusters of {', '.join(map(str, SIZES))} primaries, {TASKS} tasks, GET of 64 bytes; a storm of MOVED",
    sides=(OURS, "redis-py", "valkey-glide", "coredis"),
    cases=(
        *(Case(f"{size} primaries", {"work": "grow"}, is_fresh=True, primaries=size) for size in SIZES),
        Case(STORM, {"work": "storm"}, primaries=min(SIZES)),
    ),
    bars=(),
    measure=measure,
    notes=(
        "the memory is all that the process has, the libraries it imported included",
        f"the storm: all slots of one of {min(SIZES)} nodes move at once, and the figures are those of the next second",
    ),
)
