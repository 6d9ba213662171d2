# Written once: tests/threads/test_pool_control.py is generated from this file.
"""Control at run time: resize, clear, drain, select (R-34)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import NIL
from asyncio_.harness import Callers, Signal, wait_until
from respool import AsyncConnection, AsyncPool
from respool.errors import (
    ConnectFailed,
    PoolExhausted,
    PoolTimeout,
    ServerError,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool.testing import Close, FakeNode, Hold, Server
from respool.testing._script import hello


async def fill(pool: AsyncPool[Any], count: int) -> None:
    """Open connections until ``count`` are idle."""
    leases = [await pool.acquire() for _ in range(count)]
    for lease in leases:
        pool.release(lease)
    assert pool.idle == count


# resize -----------------------------------------------------------------------------------------------------


async def test_a_smaller_pool_closes_idle_connections_at_once_and_leased_ones_when_they_return(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=8) as pool:
        await fill(pool, 8)
        leases = [await pool.acquire() for _ in range(5)]
        await pool.resize(max_size=4)
        assert (pool.max_size, pool.idle, pool.leased) == (4, 0, 5)
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0)
        pool.release(leases.pop())
        assert (pool.idle, pool.leased) == (0, 4)  # one too many: gone
        pool.release(leases.pop())
        assert (pool.idle, pool.leased) == (1, 3)
        for lease in leases:
            pool.release(lease)
        assert (pool.idle, pool.leased, pool.size) == (4, 0, 4)
        await wait_until(lambda: server.client_count() == 4)


async def test_a_bigger_pool_serves_those_who_wait(server: Server, callers: Callers) -> None:
    served: list[int] = []
    done = Signal()

    async def keep(pool: AsyncPool[Any], name: int) -> None:
        async with pool.acquire():
            served.append(name)
            await done.wait()

    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        for name in range(4):
            callers.start(keep, pool, name)
            await wait_until(lambda name=name: len(served) + pool.waiting == name + 1)
        await wait_until(lambda: len(served) == 1)
        await pool.resize(max_size=3)
        await wait_until(lambda: len(served) == 3)
        assert (pool.leased, pool.waiting) == (3, 1)
        done.set()
        await callers.results()
        assert sorted(served) == [0, 1, 2, 3]


async def test_a_higher_minimum_is_filled_and_a_lower_one_ages_out(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_idle=0.03) as pool:
        await pool.resize(min_size=3)
        await wait_until(lambda: pool.idle == 3)
        await pool.resize(min_size=1)
        assert pool.min_size == 1
        await wait_until(lambda: pool.size == 1)


async def test_a_resize_before_the_pool_is_open_counts(server: Server) -> None:
    pool = AsyncPool(server.url, shared=0)
    await pool.resize(min_size=2, max_size=2)
    await pool.open()
    assert (pool.size, pool.min_size, pool.max_size) == (2, 2, 2)
    await pool.aclose()


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ({"max_size": 0}, UsageValueError),
        ({"max_size": -1}, UsageValueError),
        ({"min_size": -1}, UsageValueError),
        ({"min_size": 5}, UsageValueError),
        ({"max_size": 1}, UsageValueError),  # below the minimum
        ({"min_size": 3, "max_size": 2}, UsageValueError),
        ({"max_size": True}, UsageTypeError),
        ({"max_size": "4"}, UsageTypeError),
        ({"max_size": 2.5}, UsageTypeError),
    ],
)
async def test_sizes_that_cannot_be_are_refused_and_change_nothing(
    server: Server, sizes: Any, error: type[Exception]
) -> None:
    async with AsyncPool(server.url, shared=0, min_size=2, max_size=4) as pool:
        with pytest.raises(error):
            await pool.resize(**sizes)
        assert (pool.min_size, pool.max_size, pool.size) == (2, 4, 2)


async def test_a_pool_cannot_become_smaller_than_its_shared_connections(server: Server) -> None:
    async with AsyncPool(server.url, shared=2, max_size=4) as pool:
        with pytest.raises(UsageValueError):
            await pool.resize(max_size=1)
        await pool.resize(max_size=2)
        with pytest.raises(PoolExhausted):
            await pool.acquire()
        assert await pool.execute("PING") == b"PONG"


# clear and drain --------------------------------------------------------------------------------------------


async def test_discard_idle_closes_idle_connections_at_the_call_and_leases_stay(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=4) as pool:
        async with pool.acquire() as kept:
            first, second = await pool.acquire(), await pool.acquire()
            pool.release(first)
            pool.release(second)
            assert (pool.idle, pool.leased) == (2, 1)
            pool.discard_idle()
            assert (pool.idle, pool.leased, pool.size) == (0, 1, 1)
            assert await kept.ping() is True
        assert pool.idle == 1
        await wait_until(lambda: server.client_count() == 1)
    pool.discard_idle()
    assert pool.idle == 0


async def test_what_a_connection_has_answered_is_counted_while_it_is_being_closed(server: Server) -> None:
    class Watched(AsyncConnection[Any]):
        def abort(self) -> None:
            counted.append(pool.stats().replies)
            super().abort()

    counted: list[int] = []
    async with AsyncPool(server.url, shared=0, connection_class=Watched) as pool:
        for _ in range(3):
            await pool.ping()
        before = pool.stats().replies
        await pool.clear()
        assert counted == [before]
        assert pool.stats().replies == before


async def test_clear_closes_what_is_idle_and_nothing_else(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        await fill(pool, 4)
        async with pool.acquire() as conn:
            client_id = await conn.execute("CLIENT", "ID")
            await pool.clear()
            assert (pool.idle, pool.leased) == (0, 1)
            await wait_until(lambda: server.client_count() == 1)
            assert await conn.execute("PING") == b"PONG"
        assert pool.idle == 1
        assert await pool.execute("CLIENT", "ID") == client_id
        assert pool.stats().epoch == 0


async def test_what_was_cleared_below_the_minimum_comes_back(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, min_size=3) as pool:
        await pool.clear()
        await wait_until(lambda: pool.idle == 3 and pool.stats().opened == 6)


async def test_clearing_a_pool_that_is_not_open_is_nothing(server: Server) -> None:
    pool = AsyncPool(server.url)
    await pool.clear()
    pool.drain()
    assert pool.size == 0
    await pool.aclose()


async def test_after_a_drain_only_new_connections_are_lent(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        await fill(pool, 3)
        lease = await pool.acquire()
        old = await lease.execute("CLIENT", "ID")
        pool.drain()
        assert await lease.execute("PING") == b"PONG"  # a caller keeps the lease it has
        pool.release(lease)
        assert pool.leased == 0
        assert await pool.execute("CLIENT", "ID") > old
        assert pool.stats().epoch == 1
        assert pool.size <= 2
        await wait_until(lambda: server.client_count() == pool.size == 1)


async def test_a_drain_replaces_the_minimum_without_any_caller(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, min_size=1) as pool:
        pool.drain()
        await wait_until(lambda: pool.stats().opened == 2 and pool.idle == 1)
        assert (pool.stats().lost, pool.stats().dial_failures) == (0, 0)


async def test_a_drain_replaces_shared_connections_one_right_after_the_other() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=4, max_size=8) as pool:
            pool.drain()
            await wait_until(lambda: pool.stats().closed == 4, timeout=1.5)
            await wait_until(lambda: (node.open_connections, node.connections, pool.shared) == (4, 8, 4))


# select -----------------------------------------------------------------------------------------------------


async def test_select_moves_idle_and_future_connections(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=6) as pool:
        await fill(pool, 3)
        assert await pool.select(4)
        assert pool.db == 4
        leases = [await pool.acquire() for _ in range(6)]
        for lease in leases:
            assert lease.db == 4
            assert b" db=4 " in await lease.execute("CLIENT", "INFO")
            pool.release(lease)
        assert pool.stats().resets <= 1  # the connection that was tried first


async def test_a_lease_on_the_old_database_is_dropped_when_it_comes_back(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        lease = await pool.acquire()
        await pool.select(4)
        assert lease.db == 0
        assert b" db=0 " in await lease.execute("CLIENT", "INFO")
        pool.release(lease)
        assert pool.leased == 0
        for _ in range(3):
            assert b" db=4 " in await pool.execute("CLIENT", "INFO")
        leases = [await pool.acquire() for _ in range(3)]
        assert [lease.db for lease in leases] == [4, 4, 4]
        for lease in leases:
            pool.release(lease)


@pytest.mark.parametrize("shared", [0, 2])
async def test_select_without_asking_waits_for_no_lease(server: Server, shared: int) -> None:
    async with AsyncPool(server.url, shared=shared, max_size=shared + 1, acquire_timeout=0.1) as pool:
        lease = await pool.acquire()
        if not shared:
            with pytest.raises(PoolTimeout):
                await pool.select(1)
        assert await pool.select(1, verify=False) is True
        assert (pool.db, lease.db) == (1, 0)
        pool.release(lease)
        async with pool.acquire(5.0) as conn:
            assert conn.db == 1
            assert (await conn.client_info())["db"] == "1"
        if shared:
            assert "db=1 " in (await pool.execute("CLIENT", "INFO")).decode()


async def test_select_before_the_first_use_opens_the_pool(server: Server) -> None:
    pool = AsyncPool(server.url, shared=0)
    assert await pool.select(2)
    assert b" db=2 " in await pool.execute("CLIENT", "INFO")
    await pool.aclose()


@pytest.mark.parametrize("max_size", [1, 2, 16])
async def test_select_moves_shared_connections(server: Server, max_size: int) -> None:
    pool = AsyncPool(server.url, shared=1, max_size=max_size)
    assert await pool.select(3)
    assert b" db=3 " in await pool.execute("CLIENT", "INFO")
    assert await pool.select(5)
    assert b" db=5 " in await pool.execute("CLIENT", "INFO")
    await pool.aclose()


@pytest.mark.parametrize(
    ("db", "error"),
    [
        (-1, UsageValueError),
        (True, UsageTypeError),
        (False, UsageTypeError),
        ("1", UsageTypeError),
        (b"1", UsageTypeError),
        (1.0, UsageTypeError),
        (None, UsageTypeError),
    ],
)
@pytest.mark.parametrize("shared", [0, 1])
async def test_what_is_no_database_number_is_refused(server: Server, db: Any, error: type[Exception], shared: int) -> None:
    async with AsyncPool(server.url, shared=shared, db=2) as pool:
        sizes = (pool.size, pool.idle)
        with pytest.raises(error) as caught:
            await pool.select(db)
        assert isinstance(caught.value, UsageError)
        assert (pool.db, pool.size, pool.idle) == (2, *sizes)
        assert b" db=2 " in await pool.execute("CLIENT", "INFO")


@pytest.mark.parametrize("shared", [0, 1, 2])
async def test_a_select_that_the_server_refuses_changes_nothing(server: Server, shared: int) -> None:
    async with AsyncPool(server.url, shared=shared, db=2) as pool:
        await fill(pool, 2)
        for _ in range(2):
            with pytest.raises(ServerError, match="out of range"):
                await pool.select(1000)
            assert pool.db == 2
            async with pool.acquire() as one, pool.acquire() as two:
                for conn in (one, two, pool):
                    assert b" db=2 " in await conn.execute("CLIENT", "INFO")
        assert pool.stats().lost == 0


async def test_select_on_a_dead_port_is_a_connection_error_and_changes_nothing() -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, shared=0, db=1)
    with pytest.raises(ConnectFailed):
        await pool.select(2)
    assert (pool.db, pool.size) == (1, 0)
    await pool.aclose()


async def test_an_idle_connection_that_cannot_follow_is_closed() -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            await fill(pool, 3)
            node.on("SELECT", lambda _, connection: Close() if connection.number == 1 else b"+OK\r\n")
            assert await pool.select(2)
            assert pool.db == 2
            assert pool.size <= 2
            assert await pool.get("k") is None
            async with pool.acquire() as conn:
                assert conn.db == 2


async def test_an_idle_connection_that_cannot_follow_is_closed_while_others_are_still_asked(callers: Callers) -> None:
    answers = {1: b"+OK\r\n", 2: Hold(b"+OK\r\n"), 3: b"-ERR no\r\n"}
    with FakeNode({"SELECT": lambda _, connection: answers[connection.number]}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            await fill(pool, 2)
            caller = callers.start(pool.select, 2)
            await wait_until(lambda: len(node.calls("SELECT")) == 3)
            await wait_until(lambda: node.open_connections == 2)
            assert (pool.size, pool.stats().closed) == (2, 1)
            node.release()
            assert await caller.result()


async def test_selects_at_the_same_time_end_on_one_database_everywhere(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=2, max_size=8) as pool:
        await fill(pool, 4)
        for turn in range(10):
            for db in range(5):
                callers.start(pool.select, (db + turn) % 16)
            await callers.results()
            leases = [await pool.acquire() for _ in range(6)]
            assert [lease.db for lease in leases] == [pool.db] * 6
            for conn in (*leases, pool, pool, pool, pool):
                assert f" db={pool.db} ".encode() in await conn.execute("CLIENT", "INFO")
            for lease in leases:
                pool.release(lease)


async def test_select_races_with_borrowers_and_nobody_is_on_a_third_database(server: Server, callers: Callers) -> None:
    ends = Signal()

    async def use(pool: AsyncPool[Any]) -> None:
        while not ends.is_set:
            before = pool.db
            async with pool.acquire() as conn:
                info = await conn.execute("CLIENT", "INFO")
                assert f" db={conn.db} ".encode() in info
                assert conn.db in (before, pool.db, before + 1)

    async with AsyncPool(server.url, shared=0, max_size=4) as pool:
        for _ in range(8):
            callers.start(use, pool)
        for db in range(1, 16):
            assert await pool.select(db)
            async with pool.acquire() as conn:
                assert conn.db == db
        ends.set()
        await callers.results()
        assert pool.size <= 4
        assert pool.leased == pool.waiting == 0


async def test_a_connection_being_asked_during_a_select_is_not_lent_on_the_old_database() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=1, keepalive=0.05) as pool:
            node.on("PING", lambda _, connection: Hold(b"+PONG\r\n") if connection.number == 2 else b"+PONG\r\n")
            await fill(pool, 1)
            await wait_until(lambda: any(seen.connection == 2 for seen in node.calls("PING")))
            assert pool.dialing == 1
            assert await pool.select(2)
            node.release()
            await wait_until(lambda: pool.dialing == 0)
            async with pool.acquire() as one, pool.acquire() as two:
                assert (one.db, two.db) == (2, 2)
            stats = pool.stats()
            assert stats.opened == stats.size + stats.closed


async def test_a_connection_being_made_during_a_select_is_not_lent_on_the_old_database(callers: Callers) -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, db=1, shared=0) as pool:
            lease = await pool.acquire()
            node.on("HELLO", lambda command, connection: Hold(hello(command, connection)))
            caller = callers.start(pool.execute, "GET", "k")
            await wait_until(lambda: len(node.calls("HELLO")) == 2)
            pool.release(lease)  # serves the caller; the dial for it goes on
            await caller.result()
            assert await pool.select(2)
            node.on("HELLO", hello)
            node.release()
            await wait_until(lambda: pool.dialing == 0)
            async with pool.acquire() as one, pool.acquire() as two:
                assert (one.db, two.db) == (2, 2)
            assert [seen.command[1] for seen in node.calls("SELECT") if seen.connection == 2] == [b"1"]
            await wait_until(lambda: node.open_connections == pool.size == 2)
