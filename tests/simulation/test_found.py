"""Bugs that the simulation has found, as short tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from respool import AsyncPool
from respool._async.shell.compat import Alarm
from respool.errors import AuthenticationFailed, ConnectTimeout, Error, PoolExhausted, PoolTimeout

from .loop import Order
from .stage import Stage


def test_a_timer_that_uvloop_rings_at_once_can_be_set_again() -> None:
    async def story() -> None:
        alarm, now = Alarm(), asyncio.get_running_loop().time()
        alarm.ring_at(now + 0.0001)  # uvloop returns a handle that has no time
        alarm.ring_at(now + 0.0002)
        await alarm.wait(5.0)

    Stage(Order(coarse=True)).run(story())


def test_a_pool_that_is_closed_while_it_waits_to_dial_again_leaves_no_timer() -> None:
    stage = Stage()
    stage.server.mode = "refuse"

    async def story() -> None:
        pool = AsyncPool[bytes](min_size=2)
        for _ in range(20):
            with pytest.raises(Error):
                await pool.execute("PING", timeout=0.5)
        await pool.aclose()

    stage.run(story())


def test_a_try_once_that_finds_only_an_expired_connection_closes_it_and_has_it_replaced() -> None:
    stage = Stage()

    async def story() -> None:
        pool = AsyncPool[bytes](shared=0, min_size=1, max_lifetime=1.0, max_idle=None, keepalive=None)
        await pool.open()
        pool.drain()
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0)
        assert sum(sock.is_in_use for sock in stage.sockets) == 0
        await asyncio.sleep(0.1)
        assert (pool.idle, pool.size) == (1, 1)
        await pool.aclose()

    stage.run(story())


def test_a_connection_that_ends_while_its_hook_looks_at_it_is_not_lent() -> None:
    stage = Stage()

    async def check(_: Any) -> None:
        await asyncio.sleep(0.01)

    async def story() -> None:
        pool = AsyncPool[bytes](shared=0, check=check)
        asyncio.get_running_loop().call_later(0.005, lambda: stage.server.sessions[0].drop(politely=False))
        async with pool.acquire() as conn:
            assert not conn.closed
            assert await conn.execute("ECHO", "a") == b"a"
        await pool.aclose()

    stage.run(story())


def test_a_deadline_covers_the_ping_and_the_hook_together() -> None:
    stage = Stage()

    async def check(_: Any) -> None:
        await asyncio.sleep(10.0 if stage.server.slowness[0] else 0.0)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        pool = AsyncPool[bytes](shared=0, check=check, keepalive=0.5)
        async with pool.acquire():
            loop.call_later(0.4, lambda: setattr(stage.server, "slowness", (1.0, 0.15)))
        await asyncio.sleep(0.5001)
        started = loop.time()
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.2)
        assert loop.time() - started < 0.201
        await pool.aclose()

    stage.run(story())


def test_a_retired_connection_that_still_answers_is_not_cut() -> None:
    stage = Stage()
    stage.server.slowness = (1.0, 0.02)

    async def story() -> None:
        pool = AsyncPool[bytes](shared=1, max_lifetime=5.0, read_timeout=1.0)
        await pool.execute("PING")
        await asyncio.sleep(4.7)
        answers = await pool.execute_many([("ECHO", "a"), ("INCR", "n")] * 150)  # takes about three seconds
        assert answers[-2:] == [b"a", 150]
        await pool.aclose()

    stage.run(story())


def test_a_cancelled_select_leaves_the_pool_on_the_database_of_its_connections() -> None:
    async def story() -> None:
        pool = AsyncPool[bytes](shared=2, min_size=4, max_size=4)
        await pool.open()
        task = asyncio.create_task(pool.select(1))
        while not task.done() and pool._serving is not None and pool._serving.node.db == 0:
            await asyncio.sleep(0.00001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with pool.acquire() as conn:
            assert conn.db == pool.db == 1
        await pool.aclose()

    Stage().run(story())


def test_a_configure_hook_that_takes_too_long_is_a_failed_dial() -> None:
    async def configure(_: Any) -> None:
        await asyncio.sleep(1.0)

    async def story() -> None:
        pool = AsyncPool[bytes](connect_timeout=0.1, configure=configure)
        with pytest.raises(ConnectTimeout, match="configure"):
            await pool.execute("PING")
        await pool.aclose()

    Stage().run(story())


@pytest.mark.parametrize("protocol", [2, 3])
def test_without_the_password_that_the_server_wants_there_is_no_connection(protocol: Any) -> None:
    stage = Stage()
    stage.server.password = "secret"

    async def story() -> None:
        pool = AsyncPool[bytes](protocol=protocol)
        with pytest.raises(AuthenticationFailed):
            await pool.execute("PING")
        await pool.aclose()

    stage.run(story())


def test_callers_who_are_told_that_no_lease_is_left_are_counted() -> None:
    async def story() -> None:
        pool = AsyncPool[bytes](shared=1, max_size=2)
        async with pool.acquire():
            waiting = asyncio.create_task(pool.execute("BLPOP", "l", 1))
            await asyncio.sleep(0.01)
            await pool.resize(max_size=1)
            with pytest.raises(PoolExhausted):
                await waiting
        assert pool.stats().exhausted == 1
        await pool.aclose()

    Stage().run(story())


def test_callers_whose_time_runs_out_in_the_check_are_counted() -> None:
    async def check(_: Any) -> None:
        await asyncio.sleep(1.0)

    async def story() -> None:
        pool = AsyncPool[bytes](shared=0, check=check)
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.5)
        assert pool.stats().timeouts == 1
        await pool.aclose()

    Stage().run(story())


def test_a_drain_replaces_shared_connections_one_right_after_the_other() -> None:
    """The maintenance task used to look for the next one only after a second."""
    stage = Stage()

    async def story() -> None:
        pool = AsyncPool[bytes](shared=4, max_size=6)
        await pool.open()
        pool.drain()
        await asyncio.sleep(0.5)  # of virtual time; a dial takes milliseconds
        assert (pool.stats().opened, pool.shared, pool.size) == (8, 4, 4)
        await pool.aclose()

    stage.run(story())


def test_new_commands_are_no_sign_of_life() -> None:
    stage = Stage()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        pool = AsyncPool[bytes](shared=1, read_timeout=1.0, retry=None)
        await pool.open()
        stage.server.slowness = (1.0, 1e9)
        tasks: list[asyncio.Task[Any]] = []
        started = loop.time()
        while not tasks or not tasks[0].done():
            tasks.append(asyncio.create_task(pool.execute("ECHO", "a")))
            await asyncio.sleep(0.01)
            assert loop.time() - started < 1.2
        await asyncio.gather(*tasks, return_exceptions=True)
        await pool.aclose()

    stage.run(story())


def test_a_deadline_covers_every_connection_that_is_tried() -> None:
    stage = Stage()
    has_begun = False

    async def check(_: Any) -> bool:
        if has_begun:
            await asyncio.sleep(0.3)
            stage.server.slowness = (1.0, 1e9)  # no handshake will be answered any more
        return not has_begun

    async def story() -> None:
        nonlocal has_begun
        loop = asyncio.get_running_loop()
        pool = AsyncPool[bytes](shared=0, max_size=1, check=check, connect_timeout=5.0)
        async with pool.acquire():
            has_begun = True
        started = loop.time()
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.5)
        assert loop.time() - started < 0.501
        await pool.aclose()

    stage.run(story())


def test_a_caller_calls_for_a_dial_that_the_pool_would_still_wait_with() -> None:
    stage = Stage()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        pool = AsyncPool[bytes](shared=1, retry=None, connect_timeout=0.5)
        await pool.open()
        node = pool._serving.node
        assert node is not None
        node.chance = lambda: 0.999
        stage.server.mode = "refuse"
        for session in list(stage.server.sessions):
            session.drop(politely=False)
        failures = 0
        while failures < 14:  # the last pauses are of five seconds
            await asyncio.sleep(0.001)
            failures = node.ledger.redial.failures
        stage.server.mode = "up"
        started = loop.time()
        assert await pool.execute("PING") == b"PONG"  # does not get the error of an earlier dial
        assert loop.time() - started < 0.5
        await pool.aclose()

    stage.run(story())
