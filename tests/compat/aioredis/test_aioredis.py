"""The face of aioredis, point by point as its manual and its code have it (000), against a real server."""

from __future__ import annotations

import asyncio
import codecs
import gc
import inspect
import os
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import pytest

from asyncio_.harness import wait_until
from respool.compat import aioredis
from respool.compat.aioredis import RedisPool, create_connection, create_pool, create_redis
from respool.errors import AuthenticationFailed, ConnectFailed, ServerError, UsageError, WrongType
from respool.testing import Server

Make = Callable[..., Any]


def at(server: Server) -> tuple[str, int]:
    """Return the address of a server as aioredis takes it."""
    return server.host, server.port


@pytest.fixture
async def pool_of(server: Server) -> AsyncIterator[Make]:
    """Make pools that are closed at the end: ``await pool_of(minsize=1)``."""
    made: list[RedisPool] = []

    async def make(*args: Any, **options: Any) -> RedisPool:
        pool = await create_pool(at(server), *args, **options)
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.close()
        await pool.wait_closed()


# 1. create_pool ---------------------------------------------------------------------------------------------


def test_000_01_the_signature_is_that_of_the_manual() -> None:
    names = list(inspect.signature(create_pool).parameters.values())
    assert [(each.name, each.default) for each in names[1:3]] == [("db", 0), ("password", None)]
    assert names[0].name == "address"
    keywords = {each.name: each.default for each in names if each.kind is each.KEYWORD_ONLY}
    assert keywords == {
        "minsize": 10,
        "maxsize": 10,
        "commands_factory": aioredis.Redis,
        "encoding": None,
        "loop": None,
    }
    assert inspect.iscoroutinefunction(create_pool)


async def test_000_01_minsize_connections_are_open_when_create_pool_returns(server: Server, pool_of: Make) -> None:
    pool = await pool_of()
    assert (pool.size, pool.freesize, pool.minsize, pool.maxsize) == (10, 10, 10, 10)
    assert server.client_count() == 10


async def test_000_01_an_address_is_a_tuple_a_list_a_path_or_a_url(server: Server) -> None:
    server.command("SET", "k", "v")
    addresses: list[Any] = [at(server), list(at(server)), str(server.unix_path), server.url]
    for address in addresses:
        pool = await create_pool(address, minsize=1)
        conn = await pool.acquire()
        assert await conn.get("k") == b"v"
        pool.release(conn)
        pool.close()
        await pool.wait_closed()
    pool = await create_pool(f"redis://{server.host}:{server.port}/3", minsize=1)
    assert pool.db == 3
    pool.close()
    await pool.wait_closed()
    for address in ((), ("localhost",), 6379, None):
        with pytest.raises((TypeError, ValueError), match="an address is"):
            await create_pool(address)  # type: ignore[arg-type]


async def test_000_01_a_failed_start_closes_what_was_opened() -> None:
    with Server(config={"maxclients": "5"}) as small, small.connect() as ask:
        with pytest.raises(aioredis.RedisError):
            await create_pool(at(small), minsize=10)
        await wait_until(lambda: len(ask("CLIENT", "LIST").splitlines()) == 1)
    with pytest.raises(ConnectFailed):
        await create_pool(("localhost", 1), minsize=1)


async def test_000_01_a_loop_is_ignored_with_a_warning(server: Server) -> None:
    loop = asyncio.get_running_loop()
    with pytest.warns(DeprecationWarning, match="loop= is ignored") as caught:
        pool = await create_pool(at(server), minsize=1, loop=loop)
    assert caught[0].filename == __file__
    pool.close()
    await pool.wait_closed()
    with pytest.warns(DeprecationWarning, match="loop= is ignored"):
        redis = await create_redis(at(server), loop=loop)
    with pytest.warns(DeprecationWarning, match="loop= is ignored"):
        conn = await create_connection(at(server), loop=loop)
    for each in (redis, conn):
        each.close()
        await each.wait_closed()


# 2. Sizes ---------------------------------------------------------------------------------------------------


async def test_000_02_sizes_and_db_can_be_read_and_not_set(pool_of: Make) -> None:
    pool = await pool_of(5, minsize=1, maxsize=3)
    assert (pool.minsize, pool.maxsize, pool.size, pool.freesize, pool.db) == (1, 3, 1, 1, 5)
    for name in ("minsize", "maxsize", "size", "freesize", "db"):
        with pytest.raises(AttributeError):
            setattr(pool, name, 2)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"minsize": None}, TypeError, "minsize"),
        ({"minsize": "1"}, TypeError, "minsize"),
        ({"minsize": 1.0}, TypeError, "minsize"),
        ({"minsize": True}, TypeError, "minsize"),
        ({"minsize": -1}, ValueError, "minsize"),
        ({"maxsize": None}, TypeError, "maxsize"),
        ({"maxsize": 2.5}, TypeError, "maxsize"),
        ({"maxsize": 0, "minsize": 0}, ValueError, "maxsize"),
        ({"minsize": 3, "maxsize": 2}, ValueError, r"minsize \(3\) is above maxsize \(2\)"),
        ({"db": "1"}, TypeError, "db"),
        ({"db": True}, TypeError, "db"),
        ({"db": -1}, ValueError, "db"),
    ],
)
async def test_000_02_wrong_sizes_are_refused_before_any_connection_is_made(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await create_pool(("localhost", 1), **options)


# 3. commands_factory ----------------------------------------------------------------------------------------


async def test_000_03_the_default_has_all_commands(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)
    async with pool.get() as redis:
        assert isinstance(redis, aioredis.Redis)
        assert await redis.set("k", "v") is True
        assert await redis.get("k") == b"v"
        assert await redis.mset({"a": 1, "b": 2}) is True
        assert sorted([key async for key in redis.scan_iter()]) == [b"a", b"b", b"k"]
        async with redis.pipeline(atomic=True) as pipe:
            count = pipe.incr("a")
        assert count.result() == 2
        assert (redis.db, redis.closed, redis.encoding) == (0, False, None)
        with pytest.raises(AttributeError):
            _ = redis.no_such_command


async def test_000_03_a_factory_may_return_the_raw_connection(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, commands_factory=lambda conn: conn)
    async with pool.get() as conn:
        assert isinstance(conn, aioredis.RedisConnection)
        assert await conn.execute("ping") == b"PONG"
    assert pool.freesize == 1


async def test_000_03_a_factory_may_be_any_class(pool_of: Make) -> None:
    class Mine:
        __slots__ = ("conn",)

        def __init__(self, conn: Any) -> None:
            self.conn = conn

    pool = await pool_of(minsize=1, commands_factory=Mine)
    mine = await pool.acquire()
    assert type(mine) is Mine
    pool.release(mine)
    assert (pool.size, pool.freesize) == (1, 1)
    with pytest.raises(AssertionError):
        pool.release(mine)


async def test_000_03_a_factory_that_raises_keeps_no_connection(pool_of: Make) -> None:
    def fail(conn: Any) -> Any:
        raise LookupError("no")

    pool = await pool_of(minsize=1, maxsize=1, commands_factory=fail)
    for _ in range(2):
        with pytest.raises(LookupError):
            await pool.acquire()
    assert (pool.size, pool.freesize) == (1, 1)

    class One:
        conns: ClassVar[list[Any]] = []

        def __call__(self, conn: Any) -> Any:
            self.conns.append(conn)
            return self

    one = One()
    pool = await pool_of(minsize=2, commands_factory=one)
    assert await pool.acquire() is one
    with pytest.raises(TypeError, match="make one for each"):
        await pool.acquire()
    pool.release(one)
    assert (pool.size, pool.freesize) == (2, 2)


# 4. acquire -------------------------------------------------------------------------------------------------


async def test_000_04_acquire_takes_the_oldest_free_connection(pool_of: Make) -> None:
    pool = await pool_of(minsize=3, maxsize=3)
    seen = []
    for _ in range(6):
        async with pool.get() as redis:
            seen.append(await redis.execute("CLIENT", "ID"))
    assert len(set(seen[:3])) == 3
    assert seen[:3] == seen[3:]


async def test_000_04_a_connection_is_made_if_none_is_free_and_maxsize_is_never_exceeded(
    server: Server, pool_of: Make
) -> None:
    pool = await pool_of(minsize=0, maxsize=1)
    assert (pool.size, pool.freesize) == (0, 0)
    first = await pool.acquire()
    assert (pool.size, pool.freesize) == (1, 0)
    second = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0)
    assert not second.done()
    assert server.client_count() == 1
    pool.release(first)
    conn = await second
    assert pool.size == 1
    assert server.client_count() == 1
    pool.release(conn)


async def test_000_04_waiters_are_served_first_come_first_served(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=1)
    order: list[int] = []

    async def use(number: int) -> None:
        async with pool.get():
            order.append(number)

    conn = await pool.acquire()
    tasks = []
    for number in range(20):
        tasks.append(asyncio.create_task(use(number)))
        await asyncio.sleep(0)
    pool.release(conn)
    await asyncio.gather(*tasks)
    assert order == list(range(20))


async def test_000_04_minsize_is_the_minimum_of_the_size_not_of_the_free_ones(pool_of: Make) -> None:
    pool = await pool_of(minsize=2, maxsize=5)
    conns = [await pool.acquire() for _ in range(2)]
    assert (pool.size, pool.freesize) == (2, 0)
    for conn in conns:
        pool.release(conn)


# 5. release -------------------------------------------------------------------------------------------------


async def test_000_05_release_is_a_plain_function(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)
    conn = await pool.acquire()
    assert (pool.size, pool.freesize) == (1, 0)
    assert pool.release(conn) is None
    assert (pool.size, pool.freesize) == (1, 1)


async def test_000_05_a_closed_connection_is_dropped(pool_of: Make) -> None:
    pool = await pool_of(minsize=0, maxsize=2)
    conn = await pool.acquire()
    conn.close()
    assert conn.closed
    pool.release(conn)
    assert (pool.size, pool.freesize) == (0, 0)
    async with pool.get() as redis:
        assert await redis.ping() is True


async def test_000_05_a_connection_on_another_db_is_closed(server: Server, pool_of: Make) -> None:
    pool = await pool_of(minsize=0, maxsize=1)
    conn = await pool.acquire()
    assert await conn.select(1) is True
    pool.release(conn)
    assert conn.closed
    assert (pool.size, pool.freesize) == (0, 0)
    conn = await pool.acquire()
    await conn.execute("select", 2)
    assert conn.db == 2
    pool.release(conn)
    assert pool.size == 0
    async with pool.get() as redis:
        assert redis.db == 0


@pytest.mark.parametrize("dirt", [("MULTI",), ("WATCH", "k"), ("SUBSCRIBE", "channel")], ids=lambda dirt: dirt[0])
async def test_000_05_a_dirty_connection_is_closed_with_a_warning(pool_of: Make, dirt: tuple[str, ...]) -> None:
    pool = await pool_of(minsize=0, maxsize=1)
    conn = await pool.acquire()
    before = await conn.execute("CLIENT", "ID")
    await conn.execute(*dirt)
    with pytest.warns(RuntimeWarning, match="transaction, subscribed or with replies pending") as caught:
        pool.release(conn)
    assert caught[0].filename == __file__
    assert (pool.size, pool.freesize) == (0, 0)
    async with pool.get() as redis:
        assert await redis.execute("CLIENT", "ID") != before


async def test_000_05_a_connection_with_replies_pending_is_closed_with_a_warning(pool_of: Make) -> None:
    pool = await pool_of(minsize=0, maxsize=1)
    conn = await pool.acquire()
    task = asyncio.create_task(conn.execute("BLPOP", "nothing", 5))
    await wait_until(lambda: conn.connection.in_flight)
    with pytest.warns(RuntimeWarning, match="replies pending"):
        pool.release(conn)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.size == 0


async def test_000_05_a_foreign_connection_is_an_assertion_error_and_counts_do_not_change(
    server: Server, pool_of: Make
) -> None:
    pool, other = await pool_of(minsize=1), await pool_of(minsize=1)
    conn, alone = await other.acquire(), await create_redis(at(server))
    for foreign in (conn, alone, object(), None):
        with pytest.raises(AssertionError, match="not acquired from this pool"):
            pool.release(foreign)
        assert (pool.size, pool.freesize) == (1, 1)
    other.release(conn)
    with pytest.raises(AssertionError, match="released before"):
        other.release(conn)
    assert (other.size, other.freesize) == (1, 1)
    alone.close()
    await alone.wait_closed()


# 6. select --------------------------------------------------------------------------------------------------


async def test_000_06_select_moves_free_and_later_connections_and_drops_used_ones(pool_of: Make) -> None:
    pool = await pool_of(minsize=2, maxsize=3)
    used = await pool.acquire()
    assert await pool.select(1) is True
    assert (pool.db, used.db) == (1, 0)
    pool.release(used)
    assert used.closed
    conns = [await pool.acquire() for _ in range(3)]
    assert [conn.db for conn in conns] == [1, 1, 1]
    assert [(await conn.client_info())["db"] for conn in conns] == ["1", "1", "1"]
    for conn in conns:
        pool.release(conn)
    assert pool.freesize == 3


@pytest.mark.parametrize(
    ("db", "error"), [(None, TypeError), (1.0, TypeError), ("1", TypeError), (True, TypeError), (-1, ValueError)]
)
async def test_000_06_a_wrong_db_is_refused(pool_of: Make, db: Any, error: type[Exception]) -> None:
    pool = await pool_of(minsize=1)
    with pytest.raises(error):
        await pool.select(db)
    assert pool.db == 0


async def test_000_06_a_db_that_the_server_refuses_changes_nothing(pool_of: Make) -> None:
    pool = await pool_of(minsize=2, maxsize=2)
    with pytest.raises(aioredis.ReplyError, match="out of range"):
        await pool.select(1000)
    assert pool.db == 0
    await wait_until(lambda: pool.freesize == 2)
    async with pool.get() as redis:
        assert redis.db == 0


async def test_000_06_select_waits_for_no_connection_if_all_are_used(server: Server, pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=1)
    used = await pool.acquire()
    waiter = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        with pytest.raises(aioredis.ReplyError, match="out of range"):
            await pool.select(1000)
        assert pool.db == 0
        assert await pool.select(1) is True
        assert pool.db == 1
        pool.release(used)
        conn = await waiter
    assert (conn.db, pool.size) == (1, 1)
    pool.release(conn)
    assert (pool.size, pool.freesize) == (1, 1)
    await wait_until(lambda: server.client_count() == 1)


async def test_000_06_racing_with_acquire_never_yields_a_connection_on_another_db(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=3)

    async def take() -> Any:
        conn = await pool.acquire()
        assert conn.db == pool.db
        return conn

    for step in range(60):
        _, conn = await asyncio.gather(pool.select(step % 2), take())
        assert pool.db == step % 2
        assert (await conn.client_info())["db"] == str(conn.db)
        pool.release(conn)
        async with pool.get() as redis:
            assert redis.db == pool.db


# 7. clear, get and with -------------------------------------------------------------------------------------


async def test_000_07_clear_closes_the_free_connections_only_and_may_be_awaited(server: Server, pool_of: Make) -> None:
    pool = await pool_of(minsize=0, maxsize=3)
    conns = [await pool.acquire() for _ in range(3)]
    pool.release(conns.pop())
    pool.release(conns.pop())
    assert (pool.size, pool.freesize) == (3, 2)
    pool.clear()
    assert (pool.size, pool.freesize) == (1, 0)
    assert await conns[0].ping() is True
    pool.release(conns[0])
    assert await pool.clear() is None
    assert (pool.size, pool.freesize) == (0, 0)
    await wait_until(lambda: server.client_count() == 0)


async def test_000_07_a_block_gives_the_connection_back(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)
    async with pool.get() as conn:
        assert await conn.ping() is True
        assert pool.freesize == 0
    assert pool.freesize == 1
    with await pool as conn:
        assert await conn.ping() is True
        assert pool.freesize == 0
    assert pool.freesize == 1
    with pytest.raises(LookupError):
        async with pool.get():
            raise LookupError
    with pytest.raises(LookupError), await pool:
        raise LookupError
    assert pool.freesize == 1


async def test_000_07_a_bare_with_is_refused(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)
    with pytest.raises(RuntimeError, match="with await pool as conn"), pool:
        pass
    assert pool.freesize == 1


# 8. close, execute, auth, encoding --------------------------------------------------------------------------


async def test_000_08_close_ends_everything_and_later_calls_are_refused(server: Server) -> None:
    pool = await create_pool(at(server), minsize=1, maxsize=1)
    with pytest.raises(UsageError, match="before wait_closed"):
        await pool.wait_closed()
    assert pool.closed is False
    conn = await pool.acquire()
    waiter = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.close()
    pool.close()
    assert pool.closed is True
    await pool.wait_closed()
    await pool.wait_closed()
    assert conn.closed
    with pytest.raises(aioredis.PoolClosedError):
        await waiter
    for call in (pool.acquire(), pool.execute("PING"), pool.select(1), pool.auth("x")):
        with pytest.raises(aioredis.PoolClosedError):
            await call
    pool.release(conn)
    assert (pool.size, pool.freesize) == (0, 0)
    await wait_until(lambda: server.client_count() == 0)


async def test_000_08_execute_needs_no_lease(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)
    assert await pool.execute("set", "k", "v") == b"OK"
    assert await pool.execute(b"Get", "k") == b"v"
    assert await pool.execute("get", "k", encoding="utf-8") == "v"
    assert (pool.size, pool.freesize) == (1, 1)
    with pytest.raises(aioredis.ReplyError):
        await pool.execute("INCR", "k")
    assert (pool.size, pool.freesize) == (1, 1)


async def test_000_08_auth_is_for_all_connections() -> None:
    with Server() as own:
        pool = await create_pool(at(own), minsize=1, maxsize=3)
        before = await pool.execute("CLIENT", "ID")
        own.command("CONFIG", "SET", "requirepass", "secret")
        with pytest.raises(AuthenticationFailed):
            await pool.auth("wrong")
        assert await pool.execute("CLIENT", "ID") == before
        await pool.auth("secret")
        conns = [await pool.acquire() for _ in range(3)]
        assert [await conn.ping() for conn in conns] == [True] * 3
        assert before not in [await conn.execute("CLIENT", "ID") for conn in conns]
        for conn in conns:
            pool.release(conn)
        pool.close()
        await pool.wait_closed()
        for address in (at(own), f"redis://:secret@{own.host}:{own.port}"):
            pool = await create_pool(address, password="secret" if address == at(own) else None, minsize=1)
            assert await pool.execute("ECHO", "x") == b"x"
            pool.close()
            await pool.wait_closed()
        assert "secret" not in repr(pool)


async def test_000_08_an_encoding_makes_replies_text(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, encoding="utf-8")
    assert pool.encoding == "utf-8"
    async with pool.get() as redis:
        await redis.set("k", "Grüße")
        assert await redis.get("k") == "Grüße"
        assert await redis.execute("GET", "k", encoding=None) == "Grüße".encode()
        assert redis.encoding == "utf-8"


# 9. The names beside the pool -------------------------------------------------------------------------------


async def test_000_09_create_redis_and_create_connection(server: Server) -> None:
    redis = await create_redis(at(server), 1)
    assert isinstance(redis, aioredis.Redis)
    assert isinstance(redis.connection, aioredis.RedisConnection)
    assert (redis.db, redis.closed) == (1, False)
    assert await redis.set("k", "v") is True
    redis.close()
    assert redis.closed
    await redis.wait_closed()
    raw = await create_redis(at(server), commands_factory=lambda conn: conn)
    assert isinstance(raw, aioredis.RedisConnection)
    await raw.wait_closed()
    conn = await create_connection(at(server), 1, encoding="utf-8")
    assert await conn.execute("gEt", "k") == "v"
    assert await conn.select(0) is True
    assert conn.db == 0
    await conn.execute("select", 5)
    assert conn.db == 5
    conn.close()
    conn.close()
    assert conn.closed
    await conn.wait_closed()
    with pytest.raises(aioredis.RedisError):
        await conn.execute("PING")
    with pytest.raises(LookupError):
        await create_redis(at(server), commands_factory=lambda conn: {}["x"])


async def test_000_09_auth_of_a_connection() -> None:
    with Server() as own:
        own.command("CONFIG", "SET", "requirepass", "secret")
        conn = await create_connection(at(own), password="secret")
        assert await conn.auth("secret") is True
        with pytest.raises(aioredis.ReplyError):
            await conn.auth("wrong")
        await conn.wait_closed()
        with pytest.raises(aioredis.ReplyError):
            await create_connection(at(own))


async def test_000_09_an_encoding_is_a_name_or_a_codec(server: Server) -> None:
    for encoding in ("utf-8", codecs.lookup("utf-8")):
        conn = await create_connection(at(server), encoding=encoding)
        assert conn.encoding == "utf-8"
        await conn.execute("RPUSH", "list", "é", "b")
        assert await conn.execute("LRANGE", "list", 0, -1) == ["é", "b"]
        await conn.execute("DEL", "list")
        await conn.wait_closed()
    conn = await create_connection(at(server))
    await conn.execute("HSET", "h", "é", "ü")
    assert await conn.execute("HGETALL", "h", encoding=codecs.lookup("utf-8")) == {"é": "ü"}
    assert await conn.execute("HKEYS", "h", encoding="latin-1") == ["Ã©"]
    assert await conn.execute("HLEN", "h", encoding="utf-8") == 1
    await conn.wait_closed()


async def test_000_09_what_cannot_be_encoded_is_a_type_error_before_anything_is_sent(server: Server) -> None:
    conn = await create_connection(at(server))
    for wrong in (None, [], {}, object(), {1}):
        with pytest.raises(TypeError):
            await conn.execute("SET", "k", wrong)
    with pytest.raises(TypeError):
        await conn.execute(None, "k")
    assert conn.in_flight == 0
    assert server.command("EXISTS", "k") == 0
    await conn.wait_closed()


async def test_000_09_what_waits_at_close_ends_cancelled(server: Server) -> None:
    for make in (create_connection, create_redis):
        conn = await make(at(server))
        task = asyncio.create_task(conn.execute("BLPOP", "nothing", 0))
        raw = getattr(conn, "connection", conn)
        await wait_until(lambda raw=raw: raw.in_flight)
        conn.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        await conn.wait_closed()


def test_000_09_errors_have_their_old_names() -> None:
    assert issubclass(WrongType, aioredis.ReplyError)
    assert issubclass(aioredis.ReplyError, aioredis.RedisError)
    assert issubclass(aioredis.ProtocolError, aioredis.RedisError)
    assert issubclass(aioredis.PoolClosedError, aioredis.RedisError)
    assert issubclass(aioredis.ConnectionClosedError, aioredis.RedisError)
    assert aioredis.ReplyError is ServerError
    assert all(hasattr(aioredis, name) for name in aioredis.__all__)


# Not to be copied -------------------------------------------------------------------------------------------


async def test_000_10_a_cancelled_acquire_costs_no_connection(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=1)
    conn = await pool.acquire()
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:-1]:
        task.cancel()
    pool.release(conn)
    waiting[-1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    await wait_until(lambda: (pool.size, pool.freesize) == (1, 1))
    async with asyncio.timeout(5):
        pool.release(await pool.acquire())


async def test_000_10_a_cancelled_command_never_gives_its_reply_to_the_next_user(pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=1)
    for step in range(20):
        conn = await pool.acquire()
        task = asyncio.create_task(conn.execute("ECHO", f"old {step}"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            pool.release(conn)
        async with pool.get() as redis:
            assert await redis.execute("ECHO", f"new {step}") == f"new {step}".encode()


async def test_000_10_a_connection_that_is_dropped_without_release_gives_its_place_back(pool_of: Make) -> None:
    pool = await pool_of(minsize=0, maxsize=1)
    with pytest.warns(ResourceWarning, match="never given back"):
        await pool.acquire()
        gc.collect()
    async with asyncio.timeout(5):
        pool.release(await pool.acquire())


async def test_000_10_another_living_loop_is_refused(pool_of: Make) -> None:
    pool = await pool_of(minsize=1)

    def elsewhere() -> None:
        async def use() -> None:
            await pool.acquire()

        with pytest.raises(UsageError, match="another event loop"):
            asyncio.run(use())

    await asyncio.to_thread(elsewhere)
    assert (pool.size, pool.freesize) == (1, 1)


def test_000_10_a_pool_outlives_its_loop(server: Server) -> None:
    async def start() -> tuple[RedisPool, Any]:
        pool = await create_pool(at(server), minsize=1)
        return pool, await pool.acquire()

    pool, conn = asyncio.run(start())

    async def go_on() -> None:
        async with pool.get() as redis:
            assert await redis.ping() is True
        with pytest.raises(AssertionError):
            pool.release(conn)
        assert (pool.size, pool.freesize) == (1, 1)
        pool.close()
        await pool.wait_closed()

    asyncio.run(go_on())


def test_000_10_close_works_without_a_running_loop(server: Server) -> None:
    with asyncio.Runner() as runner:
        pool = runner.run(create_pool(at(server), minsize=2))
        pool.close()
        assert pool.closed
        runner.run(pool.wait_closed())
        assert pool.size == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_000_10_a_forked_child_uses_none_of_its_parents_connections(server: Server, pool_of: Make) -> None:
    pool = await pool_of(minsize=1, maxsize=2)
    conn = await pool.acquire()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = b"lost"
        try:
            said = f"{pool.size} {pool.freesize} {conn.closed}".encode()
        finally:
            os.write(write, said)
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)  # noqa: ASYNC222 - it ends at once
    with os.fdopen(read, "rb") as answers:
        assert answers.read() == b"0 0 True"
    assert await conn.ping() is True
    pool.release(conn)
    assert (pool.size, pool.freesize) == (1, 1)
