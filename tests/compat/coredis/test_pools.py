"""The pools of coredis: how many connections, who waits, who is told what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from answers import NIL
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool, RetryPolicy, errors
from respool.compat import coredis
from respool.compat.coredis import (
    BlockingClusterConnectionPool,
    BlockingConnectionPool,
    ClusterConnectionPool,
    Connection,
    ConnectionPool,
    Redis,
    UnixDomainSocketConnection,
    exceptions,
)
from respool.errors import UsageError, UsageTypeError
from respool.testing import FakeNode, Hold, Server, Silence

#: How much later than its deadline a call may end, in seconds, on a busy machine.
TICK = 1.5


# 1: clients and pools -----------------------------------------------------------------------------------------


async def test_002_01_a_client_makes_a_pool_of_the_class_that_it_is_given(server: Server) -> None:
    assert type(Redis().connection_pool) is ConnectionPool
    client = Redis(port=server.port, connection_pool_cls=BlockingConnectionPool, max_connections=3)
    assert type(client.connection_pool) is BlockingConnectionPool
    assert client.connection_pool.max_connections == 3
    assert await client.ping() is True
    await client.aclose()


async def test_002_01_several_clients_share_a_pool_and_none_of_them_closes_it(server: Server) -> None:
    pool = ConnectionPool(port=server.port, client_name="ours", decode_responses=True)
    async with Redis(connection_pool=pool) as first, Redis("nowhere", 1, connection_pool=pool) as second:
        assert first.connection_pool is second.connection_pool is pool
        await first.set("k", "v")
        assert await second.get("k") == "v"
        await first.aclose()
        assert await second.get("k") == "v"
        assert sum(client["name"] == "ours" for client in server.clients()) == 1
    assert await Redis(connection_pool=pool).get("k") == "v"
    await pool.aclose()


async def test_002_01_a_client_closes_the_pool_that_it_made(server: Server) -> None:
    async with Redis(port=server.port) as client:
        assert await client.ping()
    with pytest.raises(exceptions.ConnectionError, match="closed"):
        await client.ping()


async def test_002_01_a_unix_socket_is_a_path(server: Server) -> None:
    with Server(unix=True) as other:
        async with Redis(unix_socket_path=str(other.unix_path), decode_responses=True) as client:
            assert client.connection_pool.connection_class is UnixDomainSocketConnection
            assert repr(client) == f"Redis<ConnectionPool<UnixDomainSocketConnection<path={other.unix_path},db=0>>>"
            await client.set("k", "v")
            assert await client.get("k") == "v"
            connection = await client.connection_pool.get_connection()
            assert (connection.path, connection.host, connection.port) == (str(other.unix_path), "", 0)
            client.connection_pool.release(connection)


async def test_002_01_a_pool_of_another_kind_is_refused(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        with pytest.raises(UsageTypeError, match="connection_pool must be a ConnectionPool of"):
            Redis(connection_pool=pool)  # type: ignore[arg-type]
    with pytest.raises(UsageTypeError, match="connection_pool must be a ConnectionPool of"):
        Redis(connection_pool=ClusterConnectionPool(host="localhost"))
    with pytest.raises(UsageTypeError, match="connection_pool must be a ClusterConnectionPool of"):
        coredis.RedisCluster(connection_pool=ConnectionPool())  # type: ignore[arg-type]


# 2 and 3: limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "failures"), [(2, 8), (10, 0)])
async def test_002_02_ten_commands_at_once_need_ten_connections(server: Server, limit: int, failures: int) -> None:
    client = Redis(port=server.port, max_connections=limit)
    await client.set("fubar", 1)
    for _ in range(20):
        results = await asyncio.gather(*[client.get("fubar") for _ in range(10)], return_exceptions=True)
        assert [str(each) for each in results if isinstance(each, Exception)] == ["Too many connections"] * failures
        assert results.count(b"1") == 10 - failures
    await client.aclose()


async def test_002_02_a_blocking_pool_of_two_fails_nobody_and_opens_two(server: Server) -> None:
    client = Redis(
        port=server.port, connection_pool_cls=BlockingConnectionPool, max_connections=2, client_name="ours"
    )
    await client.set("fubar", 1)
    assert await asyncio.gather(*[client.get("fubar") for _ in range(3000)]) == [b"1"] * 3000
    assert sum(each["name"] == "ours" for each in server.clients()) <= 2
    await client.aclose()


async def test_002_03_a_full_pool_raises_at_once_whatever_the_retry_policy(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        client = Redis(port=node.port, max_connections=1, retry_policy=RetryPolicy(attempts=5, base=5.0))
        first = callers.start(client.get, "k")
        await wait_until(lambda: node.calls("GET"))
        started = now()
        with pytest.raises(exceptions.ConnectionError, match=r"^Too many connections$") as caught:
            await client.get("k")
        assert now() - started < TICK
        assert type(caught.value.__cause__) is errors.PoolExhausted
        node.release()
        assert await first.result() is None
        await client.aclose()


async def test_002_03_a_blocking_pool_waits_for_the_time_it_was_given(server: Server) -> None:
    pool = BlockingConnectionPool(port=server.port, max_connections=1, timeout=0.05)
    connection = await pool.get_connection()
    started = now()
    with pytest.raises(exceptions.ConnectionError, match=r"^No connection available\.$") as caught:
        await Redis(connection_pool=pool).get("k")
    assert 0.045 <= now() - started < 0.05 + TICK
    assert type(caught.value.__cause__) is errors.PoolTimeout
    pool.release(connection)
    assert await Redis(connection_pool=pool).get("k") is None
    await pool.aclose()


async def test_002_03_the_timeout_covers_connecting() -> None:
    with FakeNode({"HELLO": Silence()}) as node:
        pool = BlockingConnectionPool(port=node.port, timeout=0.05)
        with pytest.raises(exceptions.ConnectionError, match=r"^No connection available\.$"):
            await Redis(connection_pool=pool).get("k")
        await pool.aclose()


async def test_002_03_without_a_timeout_it_waits_until_a_connection_is_released(
    server: Server, callers: Callers
) -> None:
    pool = BlockingConnectionPool(port=server.port, max_connections=1, timeout=None)
    connection = await pool.get_connection()
    waiting = callers.start(pool.get_connection)
    await wait_until(lambda: pool.engine.waiting == 1)
    pool.release(connection)
    pool.release(await waiting.result())
    await pool.aclose()


def test_002_03_the_defaults_are_those_of_coredis() -> None:
    assert ConnectionPool().max_connections == 2**31
    blocking = BlockingConnectionPool()
    assert (blocking.max_connections, blocking.timeout, blocking.queue_class) == (50, 20, asyncio.LifoQueue)
    clustered = ClusterConnectionPool(host="localhost")
    assert (clustered.max_connections, clustered.max_connections_per_node, clustered.blocking) == (2**31, False, False)
    assert BlockingClusterConnectionPool(host="localhost").timeout == 20
    for pool in (ConnectionPool(), blocking, clustered):
        assert (pool.max_idle_time, pool.idle_check_interval) == (0, 1)
        assert (pool.encoding, pool.decode_responses) == ("utf-8", False)
    assert Redis(max_connections=7).connection_pool.max_connections == 7
    assert coredis.RedisCluster("localhost").connection_pool.max_connections == 32


async def test_002_03_an_unused_connection_is_closed_after_max_idle_time(server: Server) -> None:
    async with Redis(port=server.port, max_idle_time=0.05, idle_check_interval=0.01) as client:
        await asyncio.gather(client.ping(), client.ping())
        assert client.connection_pool.engine.size > 0
        await wait_until(lambda: client.connection_pool.engine.size == 0)


async def test_002_03_a_queue_class_says_which_connection_is_lent_first(server: Server) -> None:
    for queue_class, is_latest in ((asyncio.LifoQueue, True), (asyncio.Queue, False)):
        pool = BlockingConnectionPool(port=server.port, queue_class=queue_class)
        leases = [await pool.get_connection() for _ in range(3)]
        ids = [await lease.client_id() for lease in leases]
        for lease in leases:
            pool.release(lease)
        lease = await pool.get_connection()
        assert await lease.client_id() == (ids[-1] if is_latest else ids[0])
        pool.release(lease)
        await pool.aclose()


# 6: the methods of pools --------------------------------------------------------------------------------------


async def test_002_06_a_released_connection_is_lent_again_and_its_old_name_is_dead(server: Server) -> None:
    pool = ConnectionPool(port=server.port)
    first = await pool.get_connection(b"GET")
    second = await pool.get_connection()
    number = await first.client_id()
    assert number != await second.client_id()
    pool.release(first)
    with pytest.raises(UsageError, match="given back"):
        await first.ping()
    third = await pool.get_connection()
    assert await third.client_id() == number
    for connection in (second, third):
        pool.release(connection)
    await pool.aclose()


async def test_002_06_what_is_not_on_loan_cannot_be_released_and_changes_nothing(server: Server) -> None:
    pool, other = ConnectionPool(port=server.port), ConnectionPool(port=server.port)
    connection, foreign = await pool.get_connection(), await other.get_connection()
    pool.release(connection)
    for wrong in (connection, foreign, Connection()):
        with pytest.raises(UsageError):
            pool.release(wrong)
    assert (pool.engine.leased, pool.engine.idle, other.engine.leased) == (0, 1, 1)
    other.release(foreign)
    await pool.aclose()
    await other.aclose()


@pytest.mark.parametrize("method", ["disconnect", "reset"])
@pytest.mark.parametrize("kind", [ConnectionPool, BlockingConnectionPool])
async def test_002_06_disconnect_closes_all_connections_and_the_pool_goes_on(
    server: Server, kind: type[ConnectionPool], method: str
) -> None:
    before = server.client_count()
    pool = kind(port=server.port, max_connections=3)
    one, two, three = [await pool.get_connection() for _ in range(3)]
    pool.release(three)
    getattr(pool, method)()
    assert not one.is_connected
    assert not two.is_connected
    await wait_until(lambda: server.client_count() == before)
    pool.release(one)
    pool.release(two)
    assert (pool.engine.leased, pool.engine.size) == (0, 0)
    assert await Redis(connection_pool=pool).ping()
    await pool.aclose()


async def test_002_06_a_command_that_runs_at_disconnect_is_answered_and_its_connection_closed(callers: Callers) -> None:
    with FakeNode({"GET": Hold(b"$1\r\nv\r\n")}) as node:
        client = Redis(port=node.port)
        running = callers.start(client.get, "k")
        await wait_until(lambda: node.calls("GET"))
        client.connection_pool.disconnect()
        node.release()
        assert await running.result() == b"v"
        await wait_until(lambda: node.open_connections == 0)
        await client.aclose()


def test_002_06_without_an_event_loop_there_is_nothing_to_disconnect() -> None:
    ConnectionPool().disconnect()
    ClusterConnectionPool(host="localhost").reset()


async def test_002_06_a_connection_that_others_would_use_too_is_refused(server: Server) -> None:
    pool = ConnectionPool(port=server.port)
    with pytest.raises(UsageError, match="acquire=False would lend a connection that others use too"):
        await pool.get_connection(acquire=False)
    await pool.aclose()


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"max_idle": 5}, TypeError, "max_idle"),
        ({"port": "6379"}, UsageTypeError, "port must be"),
        ({"protocol_version": 4}, UsageError, "protocol must be"),
        ({"stream_timeout": -1}, UsageError, "read_timeout must be"),
        ({"max_connections": -1}, UsageError, "max_size must be"),
        ({"retry_policy": "often"}, UsageTypeError, r"respool\.RetryPolicy"),
        ({"encoding": "latin-1"}, UsageError, "needs decode_responses=True"),
        ({"socket_keepalive": True, "socket_keepalive_options": {4: 1}}, UsageError, "leave it out"),
    ],
)
def test_a_bad_keyword_is_refused_when_the_pool_is_made(
    arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        ConnectionPool(**arguments)
