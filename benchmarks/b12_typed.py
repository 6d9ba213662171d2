"""B12: what do the typed methods cost, compared with ``execute`` and the same words?

One loop in asyncio sends the same command to the same data either way. What parsing costs is timed without a server,
on the replies that RESP2 and RESP3 bring: lists of pairs, and entries of a stream.
"""

from __future__ import annotations

import gc
from time import perf_counter
from typing import TYPE_CHECKING, Any

import hiredis

from benchmarks._load import ask_async, run_async
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side
from respool import AsyncPool, commands

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

EXECUTE = "execute()"
TASKS = 100
SIZE = 10  # members of the sorted set, fields of the hash
MANY = 100  # pairs or entries in a reply that is parsed, commands of a pipeline
TIMES = 200

KEY, HASH, SORTED = "bench:key", "bench:hash", "bench:sorted"
WORDS: dict[str, tuple[Any, ...]] = {
    "get": ("GET", KEY),
    "set": ("SET", KEY, b"0123456789abcdef" * 4),
    "hgetall": ("HGETALL", HASH),
    "hset": ("HSET", HASH, "field 1", "value"),
    "zadd": ("ZADD", SORTED, 1, "member 1"),
    "zrange": ("ZRANGE", SORTED, 0, -1),
}


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    match params["work"]:
        case "parse":
            return {"ns": _time_parser(params["reply"])}
        case "pipeline":
            return run_async(_send_pipelines(side, place))
    return run_async(_ask(side, params["work"], place))


async def _ask(side: str, name: str, place: Place) -> dict[str, float]:
    pool: AsyncPool[bytes] = AsyncPool(place.url)
    await pool.open()
    await _fill(pool)
    words = WORDS[name]
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "get": lambda: pool.get(KEY),
        "set": lambda: pool.set(KEY, words[2]),
        "hgetall": lambda: pool.hgetall(HASH),
        "hset": lambda: pool.hset(HASH, "field 1", "value"),
        "zadd": lambda: pool.zadd(SORTED, {"member 1": 1}),
        "zrange": lambda: pool.zrange(SORTED, 0, -1),
    }
    ask = calls[name] if side == OURS else lambda: pool.execute(*words)
    figures = {"ops/s": await ask_async(ask, TASKS, place.seconds)}
    await pool.aclose()
    return figures


async def _fill(pool: AsyncPool[bytes]) -> None:
    await pool.delete(KEY, HASH, SORTED)
    await pool.set(KEY, b"0123456789abcdef" * 4)
    await pool.hset(HASH, mapping={f"field {number}": "value" for number in range(SIZE)})
    await pool.zadd(SORTED, {f"member {number}": number for number in range(SIZE)})


async def _send_pipelines(side: str, place: Place) -> dict[str, float]:
    """Return the commands per second in pipelines of ``MANY``: typed methods, or a bare socket."""
    if side == BARE:
        bare = async_side(BARE)
        await bare.open(place, 1)
        pipelines = await ask_async(lambda: bare.pipeline([WORDS["get"]] * MANY), 1, place.seconds)
        await bare.close()
        return {"ops/s": pipelines * MANY}
    pool: AsyncPool[bytes] = AsyncPool(place.url)
    await pool.open()
    await _fill(pool)

    async def ask() -> None:
        async with pool.pipeline() as pipe:
            for _ in range(MANY):
                pipe.get(KEY)

    pipelines = await ask_async(ask, 1, place.seconds)
    await pool.aclose()
    return {"ops/s": pipelines * MANY}


def _time_parser(kind: str) -> float:
    """Return the nanoseconds that a parser adds for each pair or entry, besides reading the reply."""
    reply, parse = _replies()[kind]
    assert parse is not None
    read = hiredis.Reader()
    read.feed(reply)
    values = [_read_again(read, reply) for _ in range(TIMES)]
    parse(values[0])
    gc.collect()
    start = perf_counter()
    for value in values:
        parse(value)
    return (perf_counter() - start) / TIMES / MANY * 1e9


def _read_again(reader: Any, reply: bytes) -> Any:
    value = reader.gets()
    reader.feed(reply)
    return value


def _replies() -> dict[str, tuple[bytes, Callable[[Any], Any] | None]]:
    """Return replies as the server writes them, with the parser of the command."""
    bulk = [b"$9\r\nmember %02d\r\n" % number for number in range(MANY)]
    scores = [b",%d.5\r\n" % number for number in range(MANY)]
    texts = [b"$4\r\n%02d.5\r\n" % number for number in range(MANY)]
    pairs = commands.zrange(SORTED, 0, -1, withscores=True).parse
    entries = commands.xrange("bench:stream").parse
    entry = b"*2\r\n$3\r\n%d-0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"
    return {
        "pairs, RESP3": (
            b"*%d\r\n" % MANY + b"".join(b"*2\r\n" + a + b for a, b in zip(bulk, scores, strict=True)),
            pairs,
        ),
        "pairs, RESP2": (
            b"*%d\r\n" % (2 * MANY) + b"".join(a + b for a, b in zip(bulk, texts, strict=True)),
            pairs,
        ),
        "stream entries": (b"*%d\r\n" % MANY + b"".join(entry % (number % 10) for number in range(MANY)), entries),
    }


QUESTION = Question(
    id="B12",
    title=f"typed methods, asyncio, {TASKS} tasks; parsers for {MANY} elements",
    sides=(OURS, EXECUTE),
    cases=(
        *(Case(name, {"work": name}) for name in WORDS),
        Case("pipeline of 100 typed", {"work": "pipeline"}, sides=(OURS, BARE)),
        *(Case(kind, {"work": "parse", "reply": kind}, sides=(OURS,)) for kind in _replies()),
    ),
    bars=(
        *(Bar(name, "ops/s", over=EXECUTE, at_least=0.9) for name in ("get", "set", "hgetall", "zrange")),
        Bar("pipeline of 100 typed", "ops/s", over=BARE, at_least=0.75),
        Bar("pairs, RESP3", "ns", at_most=60),
        Bar("stream entries", "ns", at_most=1500),
    ),
    measure=measure,
    notes=(
        "execute() is given the same words, and returns the reply as it is; hset and zadd have no bar",
        "parsers: nanoseconds for each pair or entry, besides what hiredis needs; RESP2 has no bar",
    ),
)
