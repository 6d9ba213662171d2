# Written once: tests/threads/test_books.py is generated from this file.
"""A pool's counts are exact, its repr has no secrets, and it warns of lost leases (R-09, R-30)."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

from answers import NIL
from asyncio_.harness import Callers, Signal, wait_until
from respool import AsyncConnection, AsyncPool, PoolStats
from respool.errors import ConnectionLost, PoolTimeout, ReadTimeout
from respool.testing import FakeNode, Hold, Server


def is_at_rest(pool: AsyncPool[Any]) -> bool:
    """Return whether nothing is in progress and the counts agree with each other."""
    stats = pool.stats()
    assert (stats.size, stats.idle, stats.leased) == (pool.size, pool.idle, pool.leased)
    assert stats.size == stats.shared + stats.idle + stats.leased + stats.dialing
    return stats.leased == stats.dialing == stats.waiting == stats.in_flight == 0


# Counting ---------------------------------------------------------------------------------------------------


async def test_a_pool_that_was_never_opened_has_counted_nothing() -> None:
    pool = AsyncPool(shared=0, min_size=1, max_size=3)
    assert pool.stats() == PoolStats(min_size=1, max_size=3)
    assert (pool.size, pool.idle, pool.leased, pool.shared, pool.dialing, pool.waiting) == (0, 0, 0, 0, 0, 0)
    await pool.aclose()


async def test_every_count_is_exact(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, min_size=1, max_size=2) as pool:
        stats = pool.stats()
        assert (stats.opened, stats.size, stats.idle) == (1, 1, 1)
        assert (stats.min_size, stats.max_size) == (1, 2)
        greeted = stats.replies
        assert await pool.execute("PING") == b"PONG"
        stats = pool.stats()
        assert (stats.leases, stats.releases, stats.waits, stats.replies) == (1, 1, 0, greeted + 1)
        one, two = await pool.acquire(), await pool.acquire()
        stats = pool.stats()
        assert (stats.leases, stats.releases, stats.leased, stats.idle, stats.opened) == (3, 1, 2, 0, 2)
        assert stats.waits == 1  # for the dial
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.01)
        caller = callers.start(pool.execute, "PING")
        await wait_until(lambda: pool.waiting == 1)
        assert (pool.stats().timeouts, pool.stats().waiting) == (1, 1)
        pool.release(one)
        await caller.result()
        stats = pool.stats()
        assert (stats.waits, stats.leases, stats.releases, stats.exhausted) == (2, 4, 3, 0)
        assert 0 < stats.longest_wait <= stats.wait_seconds
        await two.execute("MULTI")
        pool.release(two)
        await wait_until(lambda: pool.idle == 2)
        assert pool.stats().resets == 1
        await pool.clear()
        await wait_until(lambda: pool.idle == 1)
        stats = pool.stats()
        assert (stats.closed, stats.lost, stats.opened) == (2, 0, 3)
        assert is_at_rest(pool)
    stats = pool.stats()
    assert (stats.opened, stats.closed, stats.lost, stats.dial_failures, stats.size) == (3, 3, 0, 0, 0)
    assert stats.leases == stats.releases


async def test_a_reply_nobody_waited_for_is_counted_once() -> None:
    with FakeNode({"GET": Hold(NIL), "PING": b"+PONG\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            async with pool.acquire() as conn:
                before = pool.stats().replies
                with pytest.raises(ReadTimeout):
                    await conn.execute("GET", "k", timeout=0.02)
                node.release()
                assert await conn.execute("PING") == b"PONG"
                assert (pool.stats().replies, pool.stats().dropped) == (before + 2, 1)
            await pool.clear()
            assert (pool.stats().replies, pool.stats().dropped) == (before + 2, 1)  # closed connections still count


async def test_what_was_given_up_at_the_door_of_a_connection_that_ended_was_taken_back(callers: Callers) -> None:
    with FakeNode({"GET": b""}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
            first = callers.start(pool.execute, "GET", "a")
            await wait_until(lambda: node.calls("GET"))
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "b", timeout=0.01)
            node.drop()
            assert type(await first.outcome()) is ConnectionLost
            await wait_until(lambda: pool.stats().lost == 1 and pool.shared == 1)
            assert (pool.stats().taken_back, pool.stats().dropped) == (1, 0)
            assert len(node.calls("GET")) == 1


async def test_a_caller_that_finds_no_shared_connection_in_time_is_counted() -> None:
    with FakeNode.silent() as node:
        pool = AsyncPool(node.url, shared=1)
        for _ in range(3):
            with pytest.raises(PoolTimeout):
                await pool.execute("GET", "k", timeout=0.01)
        assert pool.stats().timeouts == 3
        await pool.aclose()


async def test_a_reply_that_came_just_before_the_protocol_broke_is_counted() -> None:
    with FakeNode({"GET": NIL + b"nonsense\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            async with pool.acquire() as conn:
                before = pool.stats().replies
                assert await conn.execute("GET", "k") is None
                assert conn.closed
                assert pool.stats().replies == before + 1
            assert pool.stats().replies == before + 1


async def test_what_a_connection_has_counted_outlives_it(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
            first = callers.start(pool.execute, "GET", "a")
            await wait_until(lambda: node.calls("GET"))
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "b", timeout=0.02)  # in the admission queue
            node.release()
            await first.result()
            await wait_until(lambda: pool.stats().taken_back == 1)
            before = pool.stats()
        assert (pool.stats().taken_back, pool.stats().dropped) == (1, 0)
        assert pool.stats().replies >= before.replies


async def test_counts_agree_after_a_storm_of_everything(callers: Callers) -> None:
    async def use(pool: AsyncPool[Any], name: int) -> int:
        failures = 0
        for number in range(20):
            kind = (name + number) % 6
            try:
                async with pool.acquire(timeout=0.001 if kind == 1 else 5.0) as conn:
                    if kind == 2:
                        await conn.execute("WATCH", "k")
                    elif kind == 3:
                        await conn.aclose()
                    elif kind == 4:
                        await conn.execute("PING", timeout=0.0001)
                    else:
                        await conn.execute("PING")
            except (PoolTimeout, ReadTimeout):
                failures += 1
        return failures

    with FakeNode({"WATCH": b"+OK\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=4) as pool:
            for name in range(12):
                callers.start(use, pool, name)
            await callers.results()
            await wait_until(lambda: is_at_rest(pool) and node.open_connections == pool.size)
            stats = pool.stats()
            assert stats.leases == stats.releases
            assert stats.leases + stats.timeouts == 240
            pool._serving.node.ledger.check()  # type: ignore[union-attr]  # it is open
        stats = pool.stats()
        assert stats.size == 0
        await wait_until(lambda: node.open_connections == 0)


# Saying -----------------------------------------------------------------------------------------------------


async def test_repr_tells_the_state_and_no_secret(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">hunter2", "~*", "+@all")
    pool = AsyncPool(server.url, username="ann", password="hunter2", shared=0, db=3, max_size=4)
    here = f"127.0.0.1:{server.port}/3"
    kind = type(pool).__name__
    assert repr(pool) == f"<{kind} {here} unopened size=0/4 shared=0 idle=0 leased=0 dialing=0 waiting=0>"
    async with pool:
        pool.release(await pool.acquire())
        assert repr(pool) == f"<{kind} {here} open size=1/4 shared=0 idle=1 leased=0 dialing=0 waiting=0>"
        async with pool.acquire() as conn:
            assert repr(conn) == f"<{type(conn).__name__} {here} open in_flight=0>"
            await conn.aclose()
            assert repr(conn) == f"<{type(conn).__name__} {here} closed>"
    assert " closed size=0/4 " in repr(pool)
    assert "hunter2" not in repr(pool) + repr(conn) + repr(pool.stats()) + repr(pool._options)
    server.command("ACL", "DELUSER", "ann")


async def test_what_a_pool_says_of_itself_cannot_be_set(server: Server) -> None:
    pool = AsyncPool(server.url)
    for name in "size idle leased shared dialing waiting min_size max_size db closed".split():
        with pytest.raises(AttributeError):
            setattr(pool, name, 1)
    await pool.aclose()


# Leaks ------------------------------------------------------------------------------------------------------


async def test_a_lease_nobody_holds_any_more_is_taken_back_with_a_warning(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        client_id = await lease.execute("CLIENT", "ID")
        with pytest.warns(ResourceWarning, match=f"a lease of 127.0.0.1:{server.port} was never given back"):
            del lease
            gc.collect()
        assert await pool.execute("CLIENT", "ID") > client_id  # it was closed, because its state is unknown
        assert (pool.leased, pool.idle, pool.stats().leaks) == (0, 1, 1)
        assert pool.stats().leases == 2


async def test_a_leak_serves_the_next_waiter(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        caller = callers.start(pool.execute, "ECHO", "x")
        await wait_until(lambda: pool.waiting == 1)
        with pytest.warns(ResourceWarning):
            del lease
            gc.collect()
        assert await caller.result() == b"x"


async def test_a_lease_may_be_collected_while_the_books_are_locked(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        held = [await pool.acquire()]
        finaliser = threading.Thread(target=lambda: (held.clear(), gc.collect()), daemon=True)
        with pytest.warns(ResourceWarning), pool._serving.node.lock:  # type: ignore[union-attr]
            finaliser.start()
            finaliser.join(5.0)
            is_stuck = finaliser.is_alive()
        finaliser.join(5.0)
        assert not is_stuck
        await wait_until(lambda: pool.leased == 0)
        assert await pool.execute("PING") == b"PONG"


async def test_the_warning_tells_where_the_lease_was_borrowed_if_asked_to(server: Server) -> None:
    async def borrow_and_forget(pool: AsyncPool[Any]) -> None:
        await pool.acquire()

    async with AsyncPool(server.url, shared=0, trace_leases=True) as pool:
        with pytest.warns(ResourceWarning, match=r"borrowed here:\n(.|\n)*in borrow_and_forget"):
            await borrow_and_forget(pool)
            gc.collect()
        async with pool.acquire():
            pass
        assert pool._serving.leases._traces == {}


async def test_a_lease_that_was_given_back_is_no_leak(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1, trace_leases=True) as pool:
        for _ in range(3):
            lease = await pool.acquire()
            pool.release(lease)
            del lease
            async with pool.acquire():
                pass
        gc.collect()
        assert (pool.stats().leaks, pool.stats().opened) == (0, 1)


async def test_a_lease_lost_in_a_cycle_is_found(server: Server) -> None:
    class Box:
        pass

    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        box: Any = Box()
        box.lease = await pool.acquire()
        box.me = box
        with pytest.warns(ResourceWarning):
            del box
            gc.collect()
        assert await pool.execute("PING") == b"PONG"


async def test_a_lease_forgotten_after_the_close_leaves_nothing(server: Server) -> None:
    pool = AsyncPool(server.url, shared=0)
    lease = await pool.acquire()
    await pool.aclose()
    assert server.client_count() == 1
    with pytest.warns(ResourceWarning):
        del lease
        gc.collect()
    await wait_until(lambda: server.client_count() == 0)
    await pool.aclose()
    assert (pool.size, pool.stats().leaks) == (0, 1)


async def test_leases_kept_by_many_callers_all_come_home(server: Server, callers: Callers) -> None:
    all_out = Signal()

    async def keep(pool: AsyncPool[Any]) -> AsyncConnection[Any]:
        lease = await pool.acquire()
        await all_out.wait()
        return lease

    async with AsyncPool(server.url, shared=0, max_size=8) as pool:
        for _ in range(8):
            callers.start(keep, pool)
        await wait_until(lambda: pool.leased == 8)
        all_out.set()
        for lease in await callers.results():
            pool.release(lease)  # by a caller that did not acquire it
        assert is_at_rest(pool)
        assert pool.idle == 8
