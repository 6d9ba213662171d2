"""The asyncio client: what ``test_client`` and its neighbours say of the other one, and engines for event loops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from typing import Any

import pytest
from redis import asyncio as original

from compat.redis.test_pipelines import FILLS, plain
from leavings import sockets
from respool import AsyncPool
from respool.compat import redis
from respool.compat.redis import asyncio as ours
from respool.testing import FakeNode, Hold, Server, wait_until


def connect(server: Server, **options: Any) -> Any:
    return ours.from_url(server.url, **options)


def own_connections(client: Any) -> int:
    """Return how many connections of redis-py's own the client has made."""
    pool = client.connection_pool
    return len(pool._available_connections) + len(pool._in_use_connections)


CALLS: list[Callable[[Any], Any]] = [
    lambda r: r.set("a", 1),
    lambda r: r.get("a"),
    lambda r: r.hset("h", mapping={"x": 1, "y": "é"}),
    lambda r: r.hgetall("h"),
    lambda r: r.sadd("s", 1, 2),
    lambda r: r.smembers("s"),
    lambda r: r.zadd("z", {"a": 1, "b": 2.5}),
    lambda r: r.zrange("z", 0, -1, withscores=True),
    lambda r: r.xadd("x", {"f": "v"}, id="1-1"),
    lambda r: r.xread({"x": 0}),
    lambda r: r.config_get("maxmemory"),
    lambda r: r.scan(match="a"),
    lambda r: r.dump("a"),
    lambda r: r.execute_command("SET c 1"),
    lambda r: r.execute_command("GET", "a", NEVER_DECODE=True),
    lambda r: r.eval("return {1, {'x', redis.status_reply('OK')}}", 0),
    lambda r: r.lpush("l", 1, 2),
    lambda r: r.blpop("l", 1),
    lambda r: r.blpop("nothing", 0.01),
    lambda r: r.geoadd("g", [1.0, 2.0, "p"]),
    lambda r: r.geopos("g", "p", "q"),
    lambda r: r.acl_whoami(),
    lambda r: r.ping(),
]


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 2}, {"protocol": 3}], ids=str)
async def test_replies_have_the_shapes_that_redis_py_gives_them(server: Server, options: dict[str, Any]) -> None:
    async with original.from_url(server.url, **options) as theirs:
        expected = [await call(theirs) for call in CALLS]
    server.command("FLUSHALL")
    async with connect(server, **options) as client:
        replies = [await call(client) for call in CALLS]
        assert own_connections(client) == 0
        assert isinstance(client.connection_pool._engine, AsyncPool)
        await client.connection_pool.disconnect()
    for reply, wanted in zip(replies, expected, strict=True):
        assert (type(reply), reply) == (type(wanted), wanted)


async def outcome(url: str, module: Any, fill: Callable[[Any], Any], *, raises: bool, atomic: bool) -> Any:
    client = module.from_url(url)
    try:
        pipe = client.pipeline(transaction=atomic)
        fill(pipe)
        try:
            return [plain(value) for value in await pipe.execute(raise_on_error=raises)], len(pipe)
        except redis.RedisError as error:
            return plain(error), len(pipe)
    finally:
        await client.flushall()
        await client.aclose()


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("fill", FILLS)
async def test_results_and_errors_of_pipelines_are_redis_pys(
    server: Server, fill: Callable[[Any], Any], raises: bool, atomic: bool
) -> None:
    mine = await outcome(server.url, ours, fill, raises=raises, atomic=atomic)
    assert mine == await outcome(server.url, original, fill, raises=raises, atomic=atomic)


async def test_scripts_locks_and_watch_work(server: Server) -> None:
    async with connect(server) as client:
        script = client.register_script("return ARGV[1]")
        async with client.pipeline() as pipe:
            await script(args=["x"], client=pipe)
            pipe.set("a", 1)
            assert await pipe.execute() == [b"x", True]
        assert own_connections(client) == 0
        async with client.lock("l", timeout=5):
            assert await client.exists("l")

        async def double(pipe: Any) -> None:
            value = int(await pipe.get("a"))
            pipe.multi()
            pipe.set("a", value * 2)

        assert await client.transaction(double, "a") == [True]
        assert await client.get("a") == b"2"
        async with client.pubsub() as subscriber:
            await subscriber.subscribe("c")
            assert (await subscriber.get_message(timeout=1))["type"] == "subscribe"


async def test_a_hundred_tasks_share_one_connection(server: Server) -> None:
    async with connect(server) as client:
        await asyncio.gather(*[client.incr("n") for _ in range(100)])
        assert await client.get("n") == b"100"
        assert server.client_count() == 1


async def test_patches_of_redis_pys_methods_see_every_call(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    execute_command, execute = original.Redis.execute_command, original.client.Pipeline.execute

    async def see_command(self: Any, *args: Any, **options: Any) -> Any:
        seen.append((args, self.connection_pool is client.connection_pool))
        return await execute_command(self, *args, **options)

    async def see_pipeline(self: Any, *args: Any, **options: Any) -> Any:
        seen.append([command for command, _ in self.command_stack])
        return await execute(self, *args, **options)

    monkeypatch.setattr(original.Redis, "execute_command", see_command)
    monkeypatch.setattr(original.client.Pipeline, "execute", see_pipeline)
    async with connect(server) as client:
        assert await client.hgetall("k") == {}
        with pytest.raises(redis.ResponseError):
            await client.execute_command("NO.SUCH")
        await client.pipeline().get("k").execute()
        assert own_connections(client) == 0
    assert seen == [(("HGETALL", "k"), True), (("NO.SUCH",), True), [("GET", "k")]]


async def test_errors_are_redis_pys(server: Server) -> None:
    async with connect(server) as client:
        with pytest.raises(redis.ResponseError, match="unknown command"):
            await client.execute_command("NO.SUCH")
        with pytest.raises(redis.DataError):
            await client.set("k", object())
        with pytest.raises(UnicodeEncodeError):
            await client.set("k", "\ud800")
        assert await client.execute_command("NO.SUCH", EMPTY_RESPONSE=[]) == []
    async with connect(server, password="x", protocol=2, retry=None) as client:
        with pytest.raises(redis.AuthenticationError):
            await client.ping()
    with FakeNode() as node:
        node.on("INCRBY", lambda *_: node.drop())
        async with ours.Redis(port=node.port) as client:
            with pytest.raises(redis.ConnectionError):
                await client.incr("k")
        assert len(node.calls("INCRBY")) == 1


# Engines ------------------------------------------------------------------------------------------------------


async def test_a_pool_that_was_closed_works_again(server: Server) -> None:
    client = connect(server)
    await client.set("k", 1)
    await client.connection_pool.disconnect()
    await asyncio.to_thread(wait_until, lambda: server.client_count() == 0)
    assert await client.get("k") == b"1"
    client.connection_pool.reset()
    assert await client.get("k") == b"1"
    await client.aclose()
    await asyncio.to_thread(wait_until, lambda: server.client_count() == 0)


async def test_auth_select_and_setname_hold_for_every_later_command(users: Server) -> None:
    async with connect(users) as client:
        await client.set("k", 0)
        await client.select(2)
        assert await client.get("k") is None
        await client.client_setname("me")
        assert await client.client_getname() == "me"
        await client.auth("reader", "reader")
        assert (await client.acl_whoami(), await client.client_getname()) == ("reader", "me")
        with pytest.raises(redis.exceptions.NoPermissionError):
            await client.set("k", 1)
        with pytest.raises(redis.exceptions.NoPermissionError):
            await client.pipeline().set("k", 1).execute()
        await client.connection_pool.disconnect()
        assert (await client.acl_whoami(), await client.get("k")) == ("default", b"0")


@pytest.mark.parametrize("drop", ["reset", "disconnect"])
async def test_a_pool_that_is_dropped_while_select_is_on_its_way_returns_to_its_own_database(drop: str) -> None:
    with FakeNode() as node:
        node.on("SELECT", b"+OK\r\n")
        client = ours.Redis(port=node.port, protocol=3)
        await client.ping()
        pool = client.connection_pool
        before = pool._engine
        task = asyncio.create_task(client.select(3))
        await asyncio.to_thread(node.wait_for, "SELECT")  # on redis-py's own path
        node.once("SELECT", Hold(b"+OK\r\n"))
        await asyncio.to_thread(node.wait_for, "SELECT", 2)  # by the engine
        for connection in pool._available_connections:  # redis-py's reset forgets them, and they warn
            await connection.disconnect()
        dropped = getattr(pool, drop)()
        if dropped is not None:
            await dropped
        node.release()
        with contextlib.suppress(redis.ConnectionError):
            await task
        await client.ping()
        assert pool._engine is not before
        assert pool._engine.db == 0
        await client.aclose()


async def test_auth_works_after_the_server_was_given_a_password(server: Server) -> None:
    async with connect(server) as client:
        await client.set("k", 1)
        try:
            await client.config_set("requirepass", "new")
            with pytest.raises(redis.AuthenticationError):
                await client.auth("wrong")
            assert await client.auth("new") is True
            assert await client.get("k") == b"1"
            assert await client.blpop("nothing", 0.01) is None  # on a new connection
        finally:
            await client.config_set("requirepass", "")
        with pytest.raises(redis.AuthenticationError):
            await client.auth("new")  # a password that the server does not ask for


def test_a_client_works_in_one_event_loop_after_the_other(server: Server) -> None:
    client = connect(server)

    async def count() -> Any:
        return await client.incr("n")

    assert [asyncio.run(count()) for _ in range(3)] == [1, 2, 3]
    assert len(client.connection_pool._engines) == 1
    asyncio.run(client.aclose())


def test_a_client_works_in_two_event_loops_by_turns(server: Server) -> None:
    client = connect(server)
    with asyncio.Runner() as first, asyncio.Runner() as second:

        async def count() -> Any:
            return await client.incr("n")

        assert [runner.run(count()) for runner in (first, second, first, second)] == [1, 2, 3, 4]
        assert len(client.connection_pool._engines) == 2
        first.run(client.aclose())
        second.run(client.aclose())


async def test_clients_that_nobody_closes_leave_nothing(server: Server) -> None:
    before = sockets()
    for _ in range(100):
        await ours.from_url(server.url).ping()
    gc.collect()
    await asyncio.to_thread(wait_until, lambda: (sockets(), server.client_count()) == (before, 0))


async def test_a_changed_setting_makes_a_new_engine(server: Server) -> None:
    async with connect(server) as client:
        await client.ping()
        pool = client.connection_pool
        pool.connection_kwargs["db"] = 3
        assert pool._engine is None
        await client.set("k", 3)
        assert server.command("EXISTS", "k") == 0


async def test_a_plain_pool_becomes_one_with_engines_in_place(server: Server) -> None:
    pool = original.BlockingConnectionPool.from_url(server.url, timeout=3)
    client = ours.Redis(connection_pool=pool)
    assert await client.ping()
    assert type(client.connection_pool) is ours.BlockingConnectionPool
    assert pool._options["acquire_timeout"] == 3
    await client.aclose(close_connection_pool=True)
    assert pool._engine is None


async def test_a_setting_that_respool_does_not_serve_leaves_everything_to_redis_py(server: Server) -> None:
    async with connect(server, retry_on_error=[KeyError]) as client:
        assert await client.ping()
        assert await client.pipeline().ping().execute() == [True]
        assert client.connection_pool._engine is None
        assert own_connections(client) == 1
