"""The face of pyredis in asyncio alone: cancelled calls, event loops, and ``pool_size`` outside of a loop (001)."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool.compat.pyredis import AsyncBasePool, AsyncClient, AsyncPool, AsyncPubSubClient, PyRedisError
from respool.errors import UsageError
from respool.testing import Server


def pool_of(server: Server, **options: Any) -> AsyncPool:
    return AsyncPool(host=server.host, port=server.port, **options)


def test_001_06_acquire_release_and_execute_are_coroutines() -> None:
    for method in (AsyncBasePool.acquire, AsyncBasePool.release, AsyncBasePool.execute, AsyncClient.execute):
        assert inspect.iscoroutinefunction(method)


def test_001_05_pool_size_can_be_set_outside_a_running_loop(server: Server) -> None:
    pool = pool_of(server, pool_size=4)
    pool.pool_size = 3

    async def use(count: int) -> None:
        clients = [await pool.acquire() for _ in range(count)]
        with pytest.raises(PyRedisError, match=f"Max connections {count} exhausted"):
            await pool.acquire()
        assert [await client.ping() for client in clients] == [True] * count
        for client in clients:
            await pool.release(client)
        assert server.client_count() == count

    with asyncio.Runner() as runner:
        runner.run(use(3))
        pool.pool_size = 1
        runner.run(use(1))
        pool.pool_size = 5
        runner.run(use(5))
        runner.run(pool.close())


async def test_001_09_a_cancelled_command_never_gives_its_reply_to_the_next_user(server: Server) -> None:
    pool = pool_of(server, pool_size=1)
    for step in range(30):
        client = await pool.acquire()
        await client.ping()
        task = asyncio.create_task(client.execute("ECHO", f"old {step}"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await pool.release(client)
        assert await pool.execute("ECHO", f"new {step}") == f"new {step}".encode()
    task = asyncio.create_task(pool.execute("BLPOP", "nothing", 0))
    while server.command("CLIENT", "LIST").count(b"cmd=blpop") == 0:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await pool.execute("ECHO", "after") == b"after"
    await pool.close()


async def test_001_09_a_first_command_that_is_cancelled_costs_no_place(server: Server) -> None:
    pool = pool_of(server, pool_size=1)
    for _ in range(10):
        task = asyncio.create_task(pool.execute("PING"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await pool.execute("PING") == b"PONG"
    assert server.client_count() == 1
    await pool.close()


async def test_001_09_a_release_that_is_cancelled_while_it_waits_for_the_lock_releases(server: Server) -> None:
    lock = asyncio.Lock()
    pool = pool_of(server, pool_size=1, lock=lock)
    client = await pool.acquire()
    assert await client.ping() is True
    async with lock:
        task = asyncio.create_task(pool.release(client))
        waiting = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        task.cancel()
        waiting.cancel()
        for each in (task, waiting):
            with pytest.raises(asyncio.CancelledError):
                await each
    assert not lock.locked()
    client = await pool.acquire()
    assert await client.ping() is True
    await pool.release(client)
    await pool.close()


async def test_001_09_another_living_loop_is_refused(server: Server) -> None:
    pool = pool_of(server)
    assert await pool.execute("PING") == b"PONG"

    def elsewhere() -> None:
        with pytest.raises(UsageError, match="another event loop"):
            asyncio.run(pool.execute("PING"))

    await asyncio.to_thread(elsewhere)
    assert await pool.execute("PING") == b"PONG"
    await pool.close()


def test_001_09_a_pool_outlives_its_loop(server: Server) -> None:
    pool = pool_of(server, pool_size=1)

    async def start() -> Any:
        client = await pool.acquire()
        assert await client.ping() is True
        return client

    client = asyncio.run(start())

    async def go_on() -> None:
        with pytest.raises(PyRedisError):
            await client.ping()
        await pool.release(client)
        assert await pool.execute("PING") == b"PONG"
        await pool.close()

    asyncio.run(go_on())


async def test_001_07_tasks_that_use_one_client_share_its_connection(server: Server) -> None:
    pool, alone = pool_of(server, pool_size=1), AsyncClient(host=server.host, port=server.port)
    lent = await pool.acquire()
    for client in (lent, alone):
        before = server.info("stats")["total_connections_received"]
        replies = await asyncio.gather(*[client.execute("ECHO", number) for number in range(20)])
        assert replies == [str(number).encode() for number in range(20)]
        opened = int(server.info("stats")["total_connections_received"]) - int(before)
        assert opened == 2  # that of the client, and the one that asks
    await pool.release(lent)
    await alone.close()
    await pool.close()


async def test_001_07_a_client_that_is_given_back_while_it_connects_keeps_no_connection(server: Server) -> None:
    pool = pool_of(server, pool_size=1)
    client = await pool.acquire()
    task = asyncio.create_task(client.ping())
    await asyncio.sleep(0)
    await pool.release(client)
    with pytest.raises(PyRedisError, match="given back"):
        await task
    assert await pool.execute("PING") == b"PONG"
    await pool.close()


async def test_001_07_messages_that_came_before_a_subscription_are_returned_before_its_answer(server: Server) -> None:
    subscriber = AsyncPubSubClient(host=server.host, port=server.port)
    await subscriber.subscribe("a")
    server.command("PUBLISH", "a", "one")
    await wait_until(lambda: subscriber._subscriber.queued == 1)
    await subscriber.subscribe("b")
    said = [await subscriber.get() for _ in range(3)]
    assert said == [[b"subscribe", b"a", 1], [b"message", b"a", b"one"], [b"subscribe", b"b", 2]]
    await subscriber.close()
