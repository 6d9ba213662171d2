"""What redis_ex promises of its pool (004), kept by ``AsyncPool(shared=5, strategy="round_robin")`` itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncPool
from respool.errors import Error, PoolClosed, ServerError, TransactionAborted, TransportError, UsageValueError
from respool.testing import FakeNode, Server

FIVE: dict[str, Any] = {"shared": 5, "strategy": "round_robin"}


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[AsyncPool[Any]]:
    async with AsyncPool(server.url, **FIVE) as pool:
        yield pool


async def test_004_01_options_are_checked_before_connecting() -> None:
    for wrong in ({"strategy": "sideways"}, {"shared": -1}, {"shared": 17}):
        with pytest.raises(UsageValueError):
            AsyncPool("redis://localhost:1", **FIVE | wrong)


async def test_004_02_all_connections_are_opened_at_start_and_one_failure_stops_the_others(
    server: Server, pool: AsyncPool[Any]
) -> None:
    assert (pool.shared, pool.size) == (5, 5)
    assert server.client_count() == 5
    with Server(config={"maxclients": "5"}) as small, small.connect() as ask:
        other: AsyncPool[Any] = AsyncPool(small.url, **FIVE)
        with pytest.raises(Error, match="max number of clients"):
            await other.open()
        await wait_until(lambda: len(ask("CLIENT", "LIST").splitlines()) == 1)
        await other.aclose()


async def test_004_03_round_robin_gives_every_connection_the_same(pool: AsyncPool[Any]) -> None:
    ids = Counter([await pool.execute("CLIENT", "ID") for _ in range(5 * 8)])
    assert sorted(ids.values()) == [8] * 5
    for atomic in (False, True):
        replies = await pool.execute_many([["CLIENT", "ID"]] * 10, atomic=atomic)
        assert len(set(replies)) == 1


async def test_004_04_nobody_is_refused_however_many_call(server: Server, pool: AsyncPool[Any]) -> None:
    replies = await asyncio.gather(*[pool.execute("ECHO", number) for number in range(2000)])
    assert replies == [str(number).encode() for number in range(2000)]
    assert server.client_count() == 5


async def test_004_05_a_dead_connection_is_replaced_without_traffic(server: Server, pool: AsyncPool[Any]) -> None:
    victims = {await pool.execute("CLIENT", "ID") for _ in range(5)}
    dead = min(victims)
    server.command("CLIENT", "KILL", "ID", dead)
    await wait_until(lambda: pool.stats().opened == 6 and pool.shared == 5)
    assert server.client_count() == 5
    now = {await pool.execute("CLIENT", "ID") for _ in range(5)}
    assert len(now) == 5
    assert now - victims == now - (victims - {dead})


async def test_004_05_with_no_server_calls_fail_and_the_pool_heals_without_traffic() -> None:
    with Server() as own:
        async with AsyncPool(own.url, **FIVE) as pool:
            own.kill()
            await wait_until(lambda: pool.shared == 0)
            with pytest.raises(TransportError):
                await pool.execute("SET", "k", "v", timeout=10)
            own.restart()
            await wait_until(lambda: pool.shared == 5, 20.0)
            assert await pool.execute("PING") == b"PONG"
            assert pool.size == 5


async def test_004_06_a_stopped_pool_has_closed_everything_and_refuses_calls(server: Server) -> None:
    pool: AsyncPool[Any] = AsyncPool(server.url, **FIVE)
    await pool.open()
    stats = pool.stats()
    assert (stats.size, stats.shared, stats.max_size) == (5, 5, 16)
    await pool.aclose()
    await wait_until(lambda: server.client_count() == 0)
    with pytest.raises(PoolClosed):
        await pool.execute("PING")


async def test_004_07_errors_are_values_in_a_pipeline_and_an_aborted_transaction_raises(pool: AsyncPool[Any]) -> None:
    await pool.execute("SET", "text", "x")
    replies = await pool.execute_many([["SET", "k", 1], ["INCR", "text"], ["INCR", "k"]])
    assert replies[0] == b"OK"
    assert isinstance(replies[1], ServerError)
    assert replies[2] == 2
    with pytest.raises(TransactionAborted) as caught:
        await pool.execute_many([["SET", "k", 9], ["NOSUCHCOMMAND"]], atomic=True)
    assert caught.value.__cause__ is not None
    assert await pool.execute("GET", "k") == b"2"
    assert await pool.execute_many([]) == []
    await pool.execute_noreply("INCR", "k")
    await pool.execute_many_noreply([["INCR", "k"], ["INCR", "k"]])
    async with asyncio.timeout(5):
        while await pool.execute("GET", "k") != b"5":  # another connection may be a moment ahead
            await asyncio.sleep(0)


async def test_004_07_an_empty_pipeline_asks_nobody() -> None:
    with FakeNode() as node:
        pool: AsyncPool[Any] = AsyncPool(node.url, **FIVE)
        assert await pool.execute_many([]) == []
        assert await pool.execute_many([], atomic=True) == []
        assert node.connections == 0
        await pool.aclose()


async def test_004_08_a_pool_lives_as_long_as_the_block_that_supervises_it(server: Server) -> None:
    with pytest.raises(ExceptionGroup):
        async with AsyncPool(server.url, **FIVE) as pool, asyncio.TaskGroup() as group:
            group.create_task(pool.execute("PING"))
            group.create_task(pool.execute("NOSUCHCOMMAND"))
    assert pool.closed
    await wait_until(lambda: server.client_count() == 0)
