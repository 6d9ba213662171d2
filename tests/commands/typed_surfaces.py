"""What type checkers see: no test runs this, mypy and pyright read it.

Values are ``S`` of the surface, bytes or str; awaiting, waiting and pipelining differ in nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, assert_type

from respool import AsyncConnection, AsyncPool, ClusterPool, Connection, Pool, async_from_url, commands, from_url, types
from respool._async.node.pipeline import AsyncPipelineView
from respool._async.node.view import AsyncView
from respool._facts.command import Command
from respool._pooling.pipeline_result import PipelineResult
from respool._surfaces.asyncio import AsyncCommands
from respool._surfaces.pipeline import PipelineCommands
from respool._surfaces.threads import Commands
from respool._sync.node.pipeline import PipelineView
from respool._sync.node.view import View
from respool.errors import Error
from respool.types import StreamEntry


def functions() -> None:
    assert_type(commands.get("k"), Command[Any | None])
    assert_type(commands.set("k", "v", ex=5), Command[bool])
    assert_type(commands.smembers("s"), Command[set[Any]])
    assert_type(commands.set("k", "v", get=True), Command[Any | None])
    commands.set("k", "v", expires=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def threads(pool: Commands[str], raw: Commands[bytes]) -> None:
    assert_type(pool.get("k"), str | None)
    assert_type(raw.get("k"), bytes | None)
    assert_type(pool.set("k", "v"), bool)
    assert_type(pool.set("k", "v", px=5, get=True), str | None)
    assert_type(raw.mget("k", "m"), list[bytes | None])
    assert_type(raw.lpop("l"), bytes | None)
    assert_type(raw.lpop("l", 2), list[bytes])
    assert_type(raw.lpos("l", "a"), int | None)
    assert_type(raw.lpos("l", "a", count=0), list[int])
    assert_type(raw.blpop("l", timeout=1.5), tuple[bytes, bytes] | None)
    assert_type(raw.smembers("s"), set[bytes])
    assert_type(pool.spop("s"), str | None)
    assert_type(raw.spop("s", 2), set[bytes])
    assert_type(pool.srandmember("s"), str | None)
    assert_type(raw.srandmember("s", -2), list[bytes])
    assert_type(pool.smismember("s", "a", "b"), list[bool])
    assert_type(pool.sscan("s", match="a*"), tuple[int, list[str]])
    assert_type(pool.scan(match="k*"), tuple[int, list[str]])
    assert_type(raw.sort("l"), list[bytes | None])
    assert_type(raw.sort("l", store="m"), int)
    assert_type(pool.lcs("k", "m"), str)
    assert_type(pool.lcs("k", "m", length=True), int)
    assert_type(pool.lcs("k", "m", idx=True), dict[str, Any])
    assert_type(raw.hget("h", "a"), bytes | None)
    assert_type(pool.hgetall("h"), dict[str, str])
    assert_type(raw.hset("h", "a", 1), int)
    assert_type(raw.hset("h", mapping={"a": 1}), int)
    assert_type(pool.hmget("h", "a"), list[str | None])
    assert_type(pool.hrandfield("h"), str | None)
    assert_type(pool.hrandfield("h", 2), list[str])
    assert_type(raw.hrandfield("h", 2, withvalues=True), list[tuple[bytes, bytes]])
    assert_type(pool.hscan("h"), tuple[int, dict[str, str]])
    assert_type(pool.hscan("h", novalues=True), tuple[int, list[str]])
    assert_type(pool.hexpire("h", 5, "a"), list[int])
    assert_type(pool.hsetex("h", {"a": 1}, ex=5), bool)
    assert_type(raw.type("k"), str)
    assert_type(raw.ping(), bool)
    assert_type(raw.ping("v"), bytes)
    assert_type(raw.client_list(type="normal", id=[1, 2]), list[dict[str, str]])


async def tasks(pool: AsyncCommands[bytes]) -> None:
    assert_type(await pool.get("k"), bytes | None)
    assert_type(await pool.set("k", "v"), bool)
    assert_type(await pool.hgetall("h"), dict[bytes, bytes])
    assert_type(await pool.hrandfield("h", 2, withvalues=True), list[tuple[bytes, bytes]])
    assert_type(await pool.smembers("s"), set[bytes])
    assert_type(await pool.spop("s"), bytes | None)
    assert_type(await pool.spop("s", 2), set[bytes])
    assert_type(await pool.srandmember("s"), bytes | None)
    assert_type(await pool.srandmember("s", 2), list[bytes])
    assert_type(await pool.smismember("s", "a"), list[bool])
    assert_type(await pool.sscan("s", 0, count=10), tuple[int, list[bytes]])
    task = asyncio.create_task(pool.incr("k"))
    assert_type(await task, int)
    async with asyncio.TaskGroup() as group:
        assert_type(await group.create_task(pool.lpop("l", 2)), list[bytes])


def pipeline(p: PipelineCommands[str]) -> None:
    assert_type(p.get("k"), PipelineResult[str | None])
    assert_type(p.hgetall("h"), PipelineResult[dict[str, str]])
    assert_type(p.hscan("h", novalues=True), PipelineResult[tuple[int, list[str]]])
    assert_type(p.get("k").result(), str | None)
    assert_type(p.set("k", "v", get=True).result(), str | None)
    assert_type(p.smembers("s"), PipelineResult[set[str]])
    assert_type(p.spop("s"), PipelineResult[str | None])
    assert_type(p.spop("s", 2).result(), set[str])
    assert_type(p.srandmember("s"), PipelineResult[str | None])
    assert_type(p.srandmember("s", 2).result(), list[str])
    assert_type(p.smismember("s", "a"), PipelineResult[list[bool]])
    assert_type(p.sscan("s").result(), tuple[int, list[str]])


def mappings_of_narrower_types(
    pool: Commands[str], texts: dict[str, str], numbers: dict[str, float], binary: dict[bytes, int], any_: dict[str, Any]
) -> None:
    """A dict in a variable has a narrower type than the parameter, in its keys too."""
    assert_type(pool.mset(texts), bool)
    assert_type(pool.mset(any_), bool)
    assert_type(pool.msetnx(binary), bool)
    assert_type(pool.msetex(numbers, ex=5), bool)
    assert_type(pool.hset("h", mapping=numbers), int)
    assert_type(pool.hset("h", mapping=binary), int)
    assert_type(pool.hsetex("h", texts), bool)
    assert_type(pool.zadd("z", numbers), int)
    assert_type(pool.zadd("z", {"a": 1, b"b": 2.5}), int)
    assert_type(pool.xadd("s", texts), str)
    assert_type(pool.xread(texts), dict[str, list[StreamEntry[str]]])
    pool.zadd("z", texts)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pool.mset(list(texts.items()))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def what_has_commands(pool: Pool[str], connection: Connection[str], wrong: Pool[bytes]) -> None:
    """A function of the user's own takes a pool, a lease or a view."""

    def remember(where: types.Commands[str], key: types.Key, ttl: types.Duration, value: types.Value) -> bool:
        return where.set(key, value, ex=ttl)

    remember(pool, "k", 5, bytearray(b"v"))
    remember(connection, b"k", timedelta(days=1), memoryview(b"v"))
    remember(pool.using(timeout=0.2), "k", 5, 1.5)
    remember(wrong, "k", 5, "v")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pool.pipeline() as p:
        pipeline: types.Pipeline[str] = p
        result: types.PipelineResult[int] = pipeline.incr("k")
        assert_type(result.result(), int)
    view: types.View[bytes] = pool.using(encoding=None)
    assert_type(view.get("k"), bytes | None)


def names_that_do_not_exist() -> None:
    from respool import Poool  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from respool.types import Piper  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

    assert Poool, Piper


def types_by_encoding(url: str, encoding: str, settings: dict[str, Any]) -> None:
    """``str`` where an encoding is passed. What a URL or a dict may hold no checker sees: nothing is claimed."""
    assert_type(Pool(url, encoding="utf-8"), Pool[str])
    assert_type(Pool(encoding=encoding, max_size=4), Pool[str])
    assert_type(AsyncPool(url, encoding=encoding), AsyncPool[str])
    assert_type(Connection(url, encoding="utf-8"), Connection[str])
    assert_type(AsyncConnection(host="h", encoding="utf-8"), AsyncConnection[str])
    assert_type(from_url(url, encoding="utf-8"), types.Door[str])
    assert_type(async_from_url(url, encoding="utf-8"), types.AsyncDoor[str])

    assert_type(Pool("redis://localhost?encoding=utf-8"), Pool[Any])
    assert_type(Pool(url, encoding=None), Pool[Any])
    assert_type(Pool(url, **settings), Pool[Any])
    assert_type(Pool(**settings), Pool[Any])
    assert_type(AsyncPool(url), AsyncPool[Any])
    assert_type(AsyncConnection(url, **settings), AsyncConnection[Any])
    assert_type(from_url(url), types.Door[Any])
    assert_type(async_from_url(url, **settings), types.AsyncDoor[Any])

    raw: Pool[bytes] = Pool(url)  # who knows better says so
    assert_type(raw.get("k"), bytes | None)
    wrong: Pool[bytes] = Pool(url, encoding="utf-8")  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    assert_type(wrong.get("k"), bytes | None)


def views(pool: Pool[str], unknown: Pool[Any], lease: Connection[str]) -> None:
    assert_type(pool.dump("k"), bytes | None)
    assert_type(lease.dump("k"), bytes | None)
    raw = pool.using(encoding=None)
    assert_type(raw, View[bytes])
    assert_type(raw.get("k"), bytes | None)
    assert_type(raw.using(timeout=0.2).hgetall("h"), dict[bytes, bytes])
    assert_type(raw.execute(commands.incr("k")), int)
    assert_type(raw.execute_many([commands.incr("k")]), list[int | Error])
    assert_type(unknown.using(encoding=None).mget("k"), list[bytes | None])
    assert_type(unknown.using(timeout=1), View[Any])
    assert_type(pool.using(timeout=0.2), View[str])
    assert_type(pool.using(timeout=None, idempotent=True).get("k"), str | None)
    assert_type(pool.using(encoding=None, timeout=0.2, idempotent=True), View[bytes])
    assert_type(lease.using(encoding=None), View[bytes])
    assert_type(lease.using(idempotent=True).set("k", "v"), bool)
    pool.using(encoding="utf-8")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    pool.using(idempotent=False)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with raw.pipeline() as p:
        assert_type(p.get("k"), PipelineResult[bytes | None])
    with pool.pipeline() as q:
        assert_type(q.dump("k"), PipelineResult[bytes | None])
        assert_type(q.using(encoding=None).get("k"), PipelineResult[bytes | None])
        assert_type(q.using(idempotent=True).get("k"), PipelineResult[str | None])
        assert_type(q.using(encoding=None).using(idempotent=True), PipelineView[bytes])
        q.using(timeout=1.0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


async def views_in_tasks(pool: AsyncPool[str], lease: AsyncConnection[str]) -> None:
    assert_type(await pool.dump("k"), bytes | None)
    raw = pool.using(encoding=None)
    assert_type(raw, AsyncView[bytes])
    assert_type(await raw.get("k"), bytes | None)
    assert_type(await raw.execute(commands.incr("k"), timeout=1), int)
    assert_type(pool.using(timeout=0.2), AsyncView[str])
    assert_type(await lease.using(encoding=None, idempotent=True).smembers("s"), set[bytes])
    async with raw.pipeline(atomic=True) as p:
        assert_type(p.get("k"), PipelineResult[bytes | None])
        assert_type(p.using(encoding=None), AsyncPipelineView[bytes])


def misspelt_options(url: str) -> None:
    """Not one of these errors is about overloads: it is one line, and mypy asks "did you mean"."""
    Pool(url, max_sise=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AsyncPool(url, decode_responses=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AsyncConnection(url, max_size=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    from_url(url, socket_timeout=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Pool(url, max_size="4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pool(url, encoding=b"utf-8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class User:
    @classmethod
    def from_json(cls, text: str) -> User:
        raise NotImplementedError

    @classmethod
    def from_fields(cls, fields: dict[str, str]) -> User:
        raise NotImplementedError

    def rename(self) -> str:
        raise NotImplementedError


def mapped_commands(pool: Pool[bytes], unknown: Command[Any]) -> None:
    """A reply that may be None stays so; one that may not becomes what the function returns."""
    assert_type(commands.get("k").map(User.from_json), Command[User | None])
    assert_type(commands.get("k").map(len), Command[int | None])
    assert_type(commands.get("k").map(str), Command[str | None])  # which would take None
    assert_type(commands.get("k").map(lambda text: text.upper()), Command[Any | None])
    assert_type(commands.get("k").map(json.loads), Command[Any | None])
    assert_type(commands.lpos("l", "a").map(lambda place: place + 1), Command[int | None])
    assert_type(commands.blpop("l").map(lambda pair: pair[1]), Command[Any | None])
    assert_type(commands.object_encoding("k").map(str.upper), Command[str | None])
    assert_type(commands.set("k", "v", get=True).map(User.from_json), Command[User | None])

    assert_type(commands.hgetall("h").map(User.from_fields), Command[User])
    assert_type(commands.hgetall("h").map(lambda fields: len(fields)), Command[int])
    assert_type(commands.incr("k").map(str), Command[str])
    assert_type(commands.set("k", "v").map(lambda is_set: not is_set), Command[bool])
    assert_type(commands.incrbyfloat("k", 0.5).map(round), Command[int])
    assert_type(commands.smembers("s").map(len), Command[int])
    assert_type(commands.mget("k", "m").map(lambda texts: [t for t in texts if t]), Command[list[Any]])
    assert_type(commands.sscan("s").map(lambda page: page[0]), Command[int])
    assert_type(commands.type("k").map(str.upper), Command[str])

    assert_type(commands.get("k").map(User.from_json).map(User.rename), Command[str | None])
    assert_type(commands.get("k").map(len).map(str).map(len), Command[int | None])
    assert_type(commands.incr("k").map(str).map(len), Command[int])
    assert_type(Command("GET", "k", parse=int).map(str), Command[str])
    assert_type(Command("GET", "k").map(User.from_json), Command[User | None])
    assert_type(unknown.map(User.from_json), Command[User | None])
    assert_type(commands.get("k").idempotent(), Command[Any | None])
    assert_type(commands.get("k").map(len).idempotent(), Command[int | None])

    commands.hgetall("h").map(User.from_json)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    commands.get("k").map(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]

    assert_type(pool.execute(commands.get("k").map(User.from_json)), User | None)
    assert_type(pool.execute_many([commands.hgetall("h").map(User.from_fields)]), list[User | Error])
    with pool.pipeline() as p:
        assert_type(p.execute(commands.get("k").map(User.from_json)), PipelineResult[User | None])


def leases_and_subscribers(pool: Pool[str], cluster: ClusterPool[str]) -> None:
    assert_type(pool.acquire(0.5).__enter__(), Connection[str])
    assert_type(pool.acquire(timeout=None).__enter__(), Connection[str])
    assert_type(cluster.acquire(key=b"k").__enter__(), Connection[str])
    assert_type(pool.subscribe("c", on_full="close").__enter__(), types.Subscriber[str])
    pool.acquire("0.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cluster.acquire(key=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pool.subscribe("c", on_full="drop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def scans(pool: Pool[str], raw: Pool[bytes], connection: Connection[str]) -> None:
    assert_type(pool.scan_iter(match="a*", type="set"), Iterator[str])
    assert_type(raw.hscan_iter("h", count=100), Iterator[tuple[bytes, bytes]])
    assert_type(raw.sscan_iter("s"), Iterator[bytes])
    assert_type(connection.zscan_iter("z"), Iterator[tuple[str, float]])


async def scans_in_tasks(pool: AsyncPool[str], raw: AsyncPool[bytes], connection: AsyncConnection[str]) -> None:
    assert_type(pool.scan_iter(match="a*", type="set"), AsyncIterator[str])
    assert_type(raw.hscan_iter("h", count=100), AsyncIterator[tuple[bytes, bytes]])
    assert_type(raw.sscan_iter("s"), AsyncIterator[bytes])
    assert_type(connection.zscan_iter("z"), AsyncIterator[tuple[str, float]])
    assert_type({field: value async for field, value in pool.hscan_iter("h")}, dict[str, str])


def command_objects(pool: Pool[bytes], connection: Connection[str], raw: tuple[Any, ...]) -> None:
    assert_type(pool.execute(commands.get("k"), timeout=0.2), Any | None)
    assert_type(pool.execute(commands.set("k", "v")), bool)
    assert_type(pool.execute(Command("GET", "k", parse=bool)), bool)
    assert_type(connection.execute(commands.incr("k")), int)
    assert_type(pool.execute("GET", "k"), Any)
    assert_type(pool.execute(*raw), Any)
    assert_type(pool.execute(b"GET", 5, timeout=1), Any)

    assert_type(pool.execute_many([commands.incr("k"), commands.ttl("k")]), list[int | Error])
    assert_type(pool.execute_many(commands.get(key) for key in "ab"), list[Any | Error | None])
    assert_type(connection.execute_many([commands.set("k", "v")], atomic=True), list[bool | Error])
    assert_type(pool.execute_many([("GET", "k"), ("SET", "k", 1)]), list[Any])
    with pool.pipeline() as p:
        assert_type(p.execute(commands.incr("k")), PipelineResult[int])
        assert_type(p.execute("INCR", "k"), PipelineResult[Any])


async def command_objects_in_tasks(pool: AsyncPool[bytes], connection: AsyncConnection[str]) -> None:
    assert_type(await pool.execute(commands.get("k"), timeout=0.2), Any | None)
    assert_type(await connection.execute(commands.incr("k")), int)
    assert_type(await pool.execute("GET", "k"), Any)
    assert_type(await pool.execute_many([commands.incr("k")], timeout=1), list[int | Error])
    async with pool.acquire() as lease:
        assert_type(await lease.execute(commands.ttl("k")), int)
    async with pool.pipeline() as p:
        assert_type(p.execute(commands.incr("k")), PipelineResult[int])
