"""What must never happen under the face either: a wrong reply, a lost slot, a connection that is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any

import pytest

from answers import echo
from asyncio_.harness import Callers, wait_until
from leavings import sockets
from respool.compat.coredis import BlockingConnectionPool, ConnectionPool, Redis, exceptions
from respool.errors import UsageError
from respool.testing import FakeNode, Hold, Server


async def test_a_cancelled_command_never_leaves_its_reply_to_the_next_one(server: Server, callers: Callers) -> None:
    async with Redis(port=server.port, connection_pool_cls=BlockingConnectionPool, max_connections=2) as client:
        await client.mset({f"k{number}": number for number in range(50)})

        async def use(number: int) -> None:
            for _ in range(20):
                if number % 2:
                    assert await client.get(f"k{number}") == str(number).encode()
                    continue
                task = asyncio.ensure_future(client.get(f"k{number}"))
                await asyncio.sleep(0)
                task.cancel()
                try:
                    assert await task == str(number).encode()
                except asyncio.CancelledError:
                    pass

        for number in range(50):
            callers.start(use, number)
        await callers.results()
        engine = client.connection_pool.engine
        assert (engine.leased, engine.waiting) == (0, 0)
        assert engine.size <= 2


async def test_a_cancelled_command_frees_its_place(callers: Callers) -> None:
    with FakeNode({"GET": Hold(b"$1\r\nv\r\n"), "ECHO": echo}) as node:
        async with Redis(port=node.port, max_connections=1) as client:
            held = callers.start(client.get, "k")
            await wait_until(lambda: node.calls("GET"))
            held.task.cancel()
            await wait_until(lambda: held.is_done)
            assert await client.execute("ECHO", "mine") == b"mine"
            node.release()


@pytest.mark.parametrize(
    "dirt", [("MULTI",), ("SELECT", 5), ("WATCH", "k"), ("SUBSCRIBE", "news"), ("CLIENT", "TRACKING", "ON")]
)
async def test_a_dirty_connection_is_cleaned_or_closed_before_the_next_caller(
    server: Server, dirt: tuple[Any, ...]
) -> None:
    pool = BlockingConnectionPool(port=server.port, max_connections=1)
    connection = await pool.get_connection()
    await connection.execute(*dirt)
    pool.release(connection)
    connection = await pool.get_connection()
    assert connection.is_clean
    info = await connection.client_info()
    assert (info["db"], info["sub"], info["watch"], info["flags"]) == ("0", "0", "0", "N")
    assert await connection.get("k") is None  # in a transaction it would be QUEUED
    pool.release(connection)
    assert pool.engine.size == 1
    await pool.aclose()


async def test_a_connection_that_was_killed_is_replaced_and_counts_stay(server: Server) -> None:
    pool = ConnectionPool(port=server.port, max_connections=2)
    client = Redis(connection_pool=pool)
    connection = await pool.get_connection()
    await client.ping()
    server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await wait_until(lambda: not connection.is_connected)
    for _ in range(5):
        assert await client.ping()
    pool.release(connection)
    assert await asyncio.gather(client.ping(), client.ping()) == [True, True]
    assert (pool.engine.leased, pool.engine.size) == (0, 2)
    await pool.aclose()


async def test_a_server_that_is_down_is_an_error_and_its_return_needs_no_help() -> None:
    with Server() as server:
        async with Redis(port=server.port, connect_timeout=0.2, max_connections=2) as client:
            assert await client.ping()
            server.stop()
            for _ in range(3):
                with pytest.raises(exceptions.ConnectionError):
                    await client.ping()
            server.start()
            answers = [await client.ping() for _ in range(3)]
            assert answers == [True] * 3


async def test_what_waits_when_the_pool_is_closed_is_told(server: Server, callers: Callers) -> None:
    pool = BlockingConnectionPool(port=server.port, max_connections=1, timeout=None)
    connection = await pool.get_connection()
    waiting = callers.start(Redis(connection_pool=pool).ping)
    await wait_until(lambda: pool.engine.waiting == 1)
    await pool.aclose()
    with pytest.raises(exceptions.ConnectionError, match="closed"):
        await waiting.result()
    pool.release(connection)
    assert pool.engine.size == 0


def test_a_client_is_used_in_one_event_loop_after_another(server: Server) -> None:
    client = Redis(port=server.port)
    before = sockets()
    for number in range(1, 4):
        assert asyncio.run(client.incr("n")) == number
    del client
    gc.collect()
    assert sockets() == before


async def test_a_client_of_another_event_loop_that_runs_is_refused(server: Server) -> None:
    async with Redis(port=server.port) as client:
        await client.ping()
        with pytest.raises(UsageError, match="make one pool for each"):
            await asyncio.to_thread(lambda: asyncio.run(client.ping()))
        assert await client.ping()


def test_many_clients_that_nobody_closes_leave_nothing(server: Server) -> None:
    before, clients = sockets(), server.client_count()

    async def main() -> None:
        for number in range(100):
            assert await Redis(port=server.port).set("k", number)
        await wait_until(lambda: server.client_count() <= clients + 1)

    asyncio.run(main())
    gc.collect()
    assert sockets() == before  # and no warning, which would be an error


def test_a_forked_child_gets_connections_of_its_own(server: Server) -> None:
    client = Redis(port=server.port)

    async def main() -> int:
        number = await client.client_id()
        child = os.fork()
        if child == 0:
            os._exit(7)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 7
        assert await client.client_id() == number
        return number

    ours = asyncio.run(main())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(asyncio.run(client.client_id())).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading) as pipe:
        assert int(pipe.read()) > ours
