# Written once: tests/compat/pyredis/threads/test_pools.py is generated from this file.
"""The pools of pyredis, point by point as their documents have them (001 and 003), against a real server."""

from __future__ import annotations

import copy
import gc
import inspect
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from asyncio_.harness import WAYS_OUT, Callers, wait_until
from respool.compat import pyredis
from respool.compat.pyredis import AsyncBasePool, AsyncClient, AsyncPool, PyRedisConnError, PyRedisError, ReplyError
from respool.errors import ConnectFailed, PoolExhausted, UsageError
from respool.testing import FakeNode, Hold, Server

Make = Callable[..., AsyncPool]


@pytest.fixture
async def pool_of(server: Server) -> AsyncIterator[Make]:
    """Make pools of the server that are closed at the end: ``pool_of(pool_size=2)``."""
    made: list[AsyncPool] = []

    def make(**options: Any) -> AsyncPool:
        pool = AsyncPool(host=server.host, port=server.port, **options)
        made.append(pool)
        return pool

    yield make
    for pool in made:
        await pool.close()


@pytest.fixture
async def callers() -> AsyncIterator[Callers]:
    group = Callers()
    yield group
    await group.end()


def reap(child: int) -> None:
    """Wait for the end of a child that ends at once."""
    os.waitpid(child, 0)


async def id_of(client: Any) -> Any:
    return await client.execute("CLIENT", "ID")


# 1. Options ------------------------------------------------------------------------------------------------


def test_003_01_the_signature_is_that_of_the_document() -> None:
    parameters = list(inspect.signature(AsyncBasePool).parameters.values())
    assert {each.name: each.default for each in parameters} == {
        "database": 0,
        "password": None,
        "encoding": None,
        "conn_timeout": 2,
        "read_timeout": 2,
        "pool_size": 16,
        "lock": None,
        "username": None,
    }
    assert [each.kind for each in parameters] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 8


def test_003_01_every_option_is_a_property_and_only_pool_size_is_writable() -> None:
    for pool in (
        AsyncBasePool(3, "secret", "utf-8", 1.5, 2.5, 4, None, "ann"),
        AsyncPool("localhost", 7000, database=3, password="secret", encoding="utf-8", conn_timeout=1.5, read_timeout=2.5,
                  pool_size=4, username="ann"),
    ):
        assert (pool.database, pool.password, pool.encoding, pool.username) == (3, "secret", "utf-8", "ann")
        assert (pool.conn_timeout, pool.read_timeout, pool.pool_size) == (1.5, 2.5, 4)
        assert pool.close_on_err is False
        for name in ("database", "password", "encoding", "conn_timeout", "read_timeout", "close_on_err", "username"):
            with pytest.raises(AttributeError):
                setattr(pool, name, 1)
        pool.pool_size = 7
        assert pool.pool_size == 7
        assert "secret" not in repr(pool)
    defaults = AsyncPool("localhost")
    assert (defaults.database, defaults.password, defaults.encoding, defaults.username) == (0, None, None, None)
    assert (defaults.conn_timeout, defaults.read_timeout, defaults.pool_size) == (2, 2, 16)


def test_003_01_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        AsyncPool("localhost", colour="red")
    with pytest.raises(TypeError):
        AsyncBasePool(colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("size", [0, -1, 1.0, "2", None, True])
def test_003_01_a_wrong_pool_size_is_refused(size: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="pool_size must be"):
        AsyncPool("localhost", pool_size=size)
    pool = AsyncPool("localhost")
    with pytest.raises((TypeError, ValueError), match="pool_size must be"):
        pool.pool_size = size
    assert pool.pool_size == 16


async def test_003_01_options_reach_every_connection(server: Server, pool_of: Make) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all")
    pool = pool_of(database=2, username="ann", password="secret", encoding="utf-8")
    one, two = await pool.acquire(), await pool.acquire()
    for client in (one, two):
        assert await client.execute("ACL", "WHOAMI") == "ann"
        assert (await client.client_info())["db"] == "2"
        await pool.release(client)
    server.command("ACL", "DELUSER", "ann")


async def test_003_01_the_base_pool_lends_nothing() -> None:
    pool = AsyncBasePool()
    with pytest.raises(NotImplementedError):
        await pool.acquire()
    await pool.close()


# 2. Nothing is connected before it is needed ---------------------------------------------------------------


async def test_003_02_construction_and_acquire_do_no_io() -> None:
    pool = AsyncPool("localhost", 1)
    client = await pool.acquire()
    assert client.closed is False
    for _ in range(2):
        with pytest.raises(PyRedisConnError):
            await client.ping()
    await pool.release(client)
    await pool.close()


async def test_003_02_a_client_connects_at_its_first_command(server: Server, pool_of: Make) -> None:
    pool = pool_of()
    client = await pool.acquire()
    assert server.client_count() == 0
    assert await client.ping() is True
    assert server.client_count() == 1
    await pool.release(client)
    assert server.client_count() == 1


# 3. acquire ------------------------------------------------------------------------------------------------


async def test_003_03_a_free_connection_is_lent_before_a_new_one_is_made(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=2)
    first = await pool.acquire()
    seen = await id_of(first)
    await pool.release(first)
    second = await pool.acquire()
    assert await id_of(second) == seen
    third = await pool.acquire()
    assert await id_of(third) != seen
    await pool.release(second)
    await pool.release(third)
    assert server.client_count() == 2


async def test_003_03_beyond_pool_size_it_raises_at_once(pool_of: Make) -> None:
    pool = pool_of(pool_size=2)
    clients = [await pool.acquire() for _ in range(2)]
    for _ in range(3):
        with pytest.raises(PyRedisError) as caught:
            await pool.acquire()
        assert str(caught.value) == "Max connections 2 exhausted"
        assert isinstance(caught.value, PoolExhausted)
    with pytest.raises(PyRedisError, match="Max connections 2 exhausted"):
        await pool.execute("PING")
    await pool.release(clients.pop())
    assert await pool.execute("PING") == b"PONG"
    await pool.release(clients.pop())


async def test_003_03_a_failing_connect_costs_no_place() -> None:
    pool = AsyncPool("localhost", 1, pool_size=1)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            await pool.execute("PING")
    client = await pool.acquire()
    await pool.release(client)
    await pool.close()


# 4. release ------------------------------------------------------------------------------------------------


async def test_003_04_a_connection_that_was_lost_is_dropped(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    client = await pool.acquire()
    before = await id_of(client)
    server.command("CLIENT", "KILL", "ID", before)
    await wait_until(lambda: server.client_count() == 0)
    with pytest.raises(PyRedisConnError):
        await client.incr("k")
    assert client.closed is True
    with pytest.raises(PyRedisConnError):
        await client.ping()
    await pool.release(client)
    client = await pool.acquire()
    assert await id_of(client) != before
    await pool.release(client)


async def test_003_04_a_client_that_was_closed_is_dropped_and_the_free_ones_stay(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=3)
    clients = [await pool.acquire() for _ in range(3)]
    ids = [await id_of(client) for client in clients]
    await pool.release(clients[0])
    await clients[1].close()
    assert clients[1].closed is True
    await pool.release(clients[1])
    await wait_until(lambda: server.client_count() == 2)
    client = await pool.acquire()
    assert await id_of(client) == ids[0]
    await pool.release(client)
    await pool.release(clients[2])


async def test_003_04_a_client_that_is_unknown_is_closed_and_counts_do_not_change(server: Server, pool_of: Make) -> None:
    pool, other = pool_of(pool_size=1), pool_of(pool_size=1)
    alone = AsyncClient(host=server.host, port=server.port)
    assert await alone.ping() is True
    await pool.release(alone)
    assert alone.closed is True
    theirs = await other.acquire()
    assert await theirs.ping() is True
    await pool.release(theirs)
    assert theirs.closed is True
    client = await other.acquire()  # its place was given back
    assert await client.ping() is True
    await other.release(client)
    mine = await pool.acquire()
    with pytest.raises(PyRedisError, match="exhausted"):
        await pool.acquire()
    await pool.release(mine)


async def test_003_04_a_client_released_twice_does_not_disturb_its_successor(pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    first = await pool.acquire()
    before = await id_of(first)
    await pool.release(first)
    second = await pool.acquire()
    assert await id_of(second) == before
    await pool.release(first)
    assert await id_of(second) == before
    with pytest.raises(PyRedisError, match="exhausted"):
        await pool.acquire()
    with pytest.raises(UsageError, match="given back"):
        await first.ping()
    await pool.release(second)


# 5. pool_size ----------------------------------------------------------------------------------------------


async def test_003_05_shrinking_closes_free_connections_at_once(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=4)
    clients = [await pool.acquire() for _ in range(4)]
    for client in clients:
        await client.ping()
    for client in clients:
        await pool.release(client)
    assert server.client_count() == 4
    pool.pool_size = 1
    await wait_until(lambda: server.client_count() == 1)
    client = await pool.acquire()
    with pytest.raises(PyRedisError, match="Max connections 1 exhausted"):
        await pool.acquire()
    await pool.release(client)


async def test_003_05_shrinking_closes_lent_connections_when_they_come_back(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=3)
    clients = [await pool.acquire() for _ in range(3)]
    for client in clients:
        await client.ping()
    pool.pool_size = 1
    assert [await client.ping() for client in clients] == [True] * 3
    for left in (2, 1, 1):
        await pool.release(clients.pop())
        await wait_until(lambda left=left: server.client_count() == left)
    client = await pool.acquire()
    assert await client.ping() is True
    await pool.release(client)


async def test_003_05_clients_that_were_lent_before_a_pool_shrank_connect_all_the_same(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=3)
    clients = [await pool.acquire() for _ in range(3)]
    pool.pool_size = 1
    assert [await client.ping() for client in clients] == [True] * 3
    assert server.client_count() == 3
    for client in clients:
        await pool.release(client)
    await wait_until(lambda: server.client_count() == 1)


async def test_003_05_growing_takes_effect_at_once(pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    clients = [await pool.acquire()]
    pool.pool_size = 3
    clients += [await pool.acquire() for _ in range(2)]
    assert [await client.ping() for client in clients] == [True] * 3
    for client in clients:
        await pool.release(client)


# 6. execute ------------------------------------------------------------------------------------------------


async def test_003_06_execute_acquires_and_releases_in_any_case(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    assert await pool.execute("SET", "k", "v") == b"OK"
    assert await pool.execute(b"get", "k") == b"v"
    before = await id_of(pool)
    for _ in range(3):
        with pytest.raises(ReplyError):
            await pool.execute("INCR", "k")
    assert await id_of(pool) == before
    with pytest.raises(TypeError):
        await pool.execute("SET", "k", None)
    with pytest.raises(TypeError):
        await pool.execute("GET", "k", shard_key="k")
    assert await id_of(pool) == before
    assert server.client_count() == 1


async def test_003_06_all_commands_are_methods_of_pools_and_clients(pool_of: Make) -> None:
    pool = pool_of()
    assert await pool.set("k", "v") is True
    assert await pool.get("k") == b"v"
    client = await pool.acquire()
    assert await client.hset("h", "a", "1") == 1
    assert await client.hgetall("h") == {b"a": b"1"}
    await pool.release(client)
    assert await pool.delete("k", "h") == 2


async def test_003_06_a_client_has_transactions(pool_of: Make) -> None:
    pool = pool_of()
    client = await pool.acquire()
    assert await client.watch("k") is True
    await client.multi()
    await client.set("k", "v")
    await client.incr("n")
    assert await client.exec() == [b"OK", 1]
    await client.multi()
    await client.discard()
    assert await client.unwatch() is True
    assert await client.get("k") == b"v"
    await pool.release(client)


@pytest.mark.parametrize("args", [("MULTI",), ("SELECT", 1), ("WATCH", "k"), ("AUTH", "x"), ("SUBSCRIBE", "c")], ids=lambda args: args[0])
async def test_003_06_what_changes_a_connection_is_refused_on_a_pool(pool_of: Make, args: tuple[Any, ...]) -> None:
    pool = pool_of()
    with pytest.raises(PyRedisError, match=r"changes the state of one connection: acquire\(\) a client"):
        await pool.execute(*args)


# 7. Pool and Client ----------------------------------------------------------------------------------------


def test_003_07_a_pool_has_either_a_host_or_a_unix_socket() -> None:
    pool = AsyncPool("localhost")
    assert (pool.host, pool.port, pool.unix_sock) == ("localhost", 6379, None)
    pool = AsyncPool(unix_sock="/run/valkey.sock")
    assert (pool.host, pool.port, pool.unix_sock) == (None, 6379, "/run/valkey.sock")
    for kind in (AsyncPool, AsyncClient):
        for wrong in ({}, {"host": "localhost", "unix_sock": "/run/valkey.sock"}):
            with pytest.raises(PyRedisError, match="either host= or unix_sock="):
                kind(**wrong)


async def test_003_07_a_unix_socket_is_used(server: Server) -> None:
    pool = AsyncPool(unix_sock=str(server.unix_path))
    assert await pool.set("k", "v") is True
    await pool.close()
    client = AsyncClient(unix_sock=str(server.unix_path))
    assert await client.get("k") == b"v"
    await client.close()
    assert client.closed is True
    await client.close()


async def test_003_07_a_users_lock_is_held_while_a_pool_counts(server: Server, pool_of: Make) -> None:
    class Lock:
        def __init__(self) -> None:
            self.said: list[str] = []

        async def acquire(self) -> bool:
            self.said.append("acquire")
            return True

        def release(self) -> None:
            self.said.append("release")

    lock = Lock()
    pool = pool_of(lock=lock, pool_size=1)
    client = await pool.acquire()
    assert lock.said == ["acquire", "release"]
    with pytest.raises(PyRedisError, match="exhausted"):
        await pool.acquire()
    assert lock.said == ["acquire", "release"] * 2
    await pool.release(client)
    assert lock.said[:6] == ["acquire", "release"] * 3
    assert lock.said.count("acquire") == lock.said.count("release")


async def test_003_07_bulk_mode_sends_commands_together(server: Server) -> None:
    client = AsyncClient(host=server.host, port=server.port)
    assert client.bulk is False
    client.bulk_start()
    assert client.bulk is True
    with pytest.raises(PyRedisError, match="already in bulk mode"):
        client.bulk_start()
    assert await client.set("key1", "value1") is None
    assert await client.execute("INCR", "key1") is None
    assert await client.get("key1") is None
    assert server.command("EXISTS", "key1") == 0
    results = await client.bulk_stop()
    assert results[0] is True
    assert isinstance(results[1], ReplyError)
    assert results[2:] == [b"value1"]
    assert client.bulk is False
    with pytest.raises(PyRedisError, match="not in bulk mode"):
        await client.bulk_stop()
    assert await client.get("key1") == b"value1"
    client.bulk_start(bulk_size=3, keep_results=False)
    for step in range(7):
        await client.rpush("list", step)
    assert server.command("LLEN", "list") == 6
    assert await client.bulk_stop() is None
    assert server.command("LLEN", "list") == 7
    await client.close()


async def test_003_07_what_bulk_mode_never_sent_is_told(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    client = await pool.acquire()
    client.bulk_start()
    await client.set("k", "v")
    with pytest.warns(RuntimeWarning, match="1 commands in bulk mode were never sent"):
        await pool.release(client)
    assert server.command("EXISTS", "k") == 0
    client = await pool.acquire()
    assert client.bulk is False
    await pool.release(client)


def test_003_07_errors_have_their_old_names() -> None:
    for name in ("PyRedisURLError", "PyRedisConnError", "PyRedisConnReadTimeout", "PyRedisConnClosed", "ProtocolError", "ReplyError"):
        assert issubclass(getattr(pyredis, name), PyRedisError)
    assert all(hasattr(pyredis, name) for name in pyredis.__all__)


async def test_003_07_a_reply_that_does_not_come_is_a_read_timeout() -> None:
    with FakeNode({"GET": Hold(b"$1\r\nv\r\n")}) as node:
        client = AsyncClient(host=node.host, port=node.port, read_timeout=0.1)
        with pytest.raises(pyredis.PyRedisConnReadTimeout):
            await client.get("k")
        assert client.closed is True
        await client.close()


# 9. Not to be copied ---------------------------------------------------------------------------------------


async def test_003_09_nothing_leaks_to_the_next_user(pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    for dirt in (("MULTI",), ("SELECT", 3), ("WATCH", "k"), ("SUBSCRIBE", "c")):
        client = await pool.acquire()
        await client.execute(*dirt)
        await pool.release(client)
        client = await pool.acquire()
        assert await client.set("k", "v") is True
        assert (await client.client_info())["db"] == "0"
        await pool.release(client)


async def test_003_09_a_pool_is_not_copied(pool_of: Make) -> None:
    with pytest.raises(UsageError, match="cannot be copied"):
        copy.copy(pool_of())


async def test_003_09_payloads_with_line_ends_come_back_as_they_were(pool_of: Make) -> None:
    pool = pool_of()
    for payload in (b"\r\n", b"a\r\nb\r\n", b"$3\r\nabc\r\n", b""):
        await pool.set("k", payload)
        assert await pool.get("k") == payload


async def test_003_09_a_client_that_is_dropped_gives_its_place_back(pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    await pool.acquire()
    gc.collect()
    client = await pool.acquire()
    assert await client.ping() is True
    with pytest.warns(ResourceWarning, match="never given back"):
        del client
        gc.collect()
    client = await pool.acquire()
    assert await client.ping() is True
    await pool.release(client)


async def test_003_09_callers_at_the_same_time_get_their_own_replies(pool_of: Make, callers: Callers) -> None:
    pool = pool_of(pool_size=4)

    async def use(number: int) -> None:
        client = await pool.acquire()
        try:
            for step in range(50):
                assert await client.execute("ECHO", f"{number} {step}") == f"{number} {step}".encode()
        finally:
            await pool.release(client)

    for number in range(4):
        callers.start(use, number)
    await callers.results()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_003_09_a_forked_child_begins_with_no_clients(server: Server, pool_of: Make) -> None:
    pool = pool_of(pool_size=1)
    client = await pool.acquire()
    before = await id_of(client)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "lost"
        try:
            mine = await pool.acquire()
            said = f"{len(pool._used)} {client.closed}"
            await pool.release(client)
            await pool.release(mine)
            said += f" {len(pool._used)}"
        finally:
            os.write(write, said.encode())
            WAYS_OUT[0](0)
    os.close(write)
    reap(child)
    with os.fdopen(read, "rb") as answers:
        assert answers.read() == b"1 True 0"
    assert await id_of(client) == before
    await pool.release(client)
