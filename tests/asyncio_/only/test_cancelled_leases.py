"""A cancel at any moment loses no lease, is never swallowed, lets no waiter overtake (R-03, R-19, R-21, R-33, R-36)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from answers import NIL, OK, echo
from asyncio_.harness import Callers, wait_until
from respool import AsyncConnection, AsyncPool
from respool.errors import ConnectionLost, PoolTimeout, UsageError
from respool.testing import FakeNode, Hold, Server
from respool.testing._script import hello

QUEUED = b"+QUEUED\r\n"


def held_hello(command: tuple[bytes, ...], connection: Any) -> Hold:
    return Hold(hello(command, connection))


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and check that it raises CancelledError."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def steps(count: int) -> None:
    """Let everything else run for this many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


# Borrowing --------------------------------------------------------------------------------------------------


async def test_an_acquire_that_was_not_awaited_says_so(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        assert repr(pool.acquire()) == "<a lease that was not taken yet: await it, or use it in async with>"


async def test_an_idle_connection_is_borrowed_without_a_suspension(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, min_size=1) as pool:
        borrowing = pool.acquire().__await__()
        with pytest.raises(StopIteration) as caught:
            next(borrowing)
        lease = caught.value.value
        assert pool.leased == 1
        pool.release(lease)
        assert pool.idle == 1


async def test_waiters_that_were_cancelled_are_skipped_and_a_thousand_keep_their_order(server: Server) -> None:
    served = []

    async def use(name: int) -> None:
        async with pool.acquire():
            served.append(name)

    chance = random.Random(6)
    async with AsyncPool(server.url, shared=0, max_size=1, max_waiting=1000) as pool:
        lease = await pool.acquire()
        tasks = [asyncio.create_task(use(name)) for name in range(1000)]
        await wait_until(lambda: pool.waiting == 1000)
        gone = set(chance.sample(range(1000), 300))
        for name in gone:
            tasks[name].cancel()
        await steps(2)
        assert pool.waiting == 700
        pool.release(lease)
        await asyncio.wait(tasks)
        assert served == [name for name in range(1000) if name not in gone]
        assert all(tasks[name].cancelled() for name in gone)
        assert (pool.leased, pool.idle, pool.waiting) == (0, 1, 0)


async def test_cancels_in_the_very_step_of_the_hand_over_pass_the_connection_on(server: Server) -> None:
    served = []

    async def use(name: int) -> None:
        async with pool.acquire():
            served.append(name)

    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        tasks = [asyncio.create_task(use(name)) for name in range(5)]
        await wait_until(lambda: pool.waiting == 5)
        pool.release(lease)  # assigned to the first waiter; none of them has run yet
        assert (pool.leased, pool.waiting) == (1, 4)
        for name in (0, 1, 3):
            tasks[name].cancel()
        await asyncio.wait(tasks)
        assert served == [2, 4]
        assert [task.cancelled() for task in tasks] == [True, True, False, True, False]
        assert (pool.leased, pool.idle) == (0, 1)


async def test_a_dial_outlives_the_caller_it_was_made_for() -> None:
    with FakeNode({"HELLO": held_hello}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            task = asyncio.create_task(pool.execute("PING"))
            await wait_until(lambda: node.calls("HELLO"))
            await cancelled(task)
            assert (pool.dialing, pool.waiting) == (1, 0)
            node.release()
            await wait_until(lambda: pool.idle == 1)
            assert node.connections == 1


async def test_a_cancelled_command_without_a_shared_connection_costs_no_connection() -> None:
    with FakeNode({"GET": Hold(NIL), "SET": OK}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            await pool.set("k", 1)
            task = asyncio.create_task(pool.get("k"))
            await wait_until(lambda: node.calls("GET"))
            await cancelled(task)
            node.release()
            await pool.set("k", 2)
            stats = pool.stats()
            assert (stats.opened, stats.leases, stats.releases, stats.resets) == (1, 3, 3, 1)


async def test_wait_for_and_timeouts_around_a_call_lose_nothing(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await asyncio.wait_for(pool.acquire(), 1)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.acquire(), 0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), pool.acquire():
                    raise AssertionError("never here")
        assert pool.waiting == 0
        pool.release(lease)
        assert await asyncio.wait_for(pool.execute("PING"), 1) == b"PONG"


async def test_a_task_that_is_cancelled_inside_the_block_gives_its_lease_back(server: Server) -> None:
    async def use() -> None:
        async with pool.acquire() as conn:
            await conn.execute("PING")
            inside.set()
            await asyncio.Event().wait()

    inside = asyncio.Event()
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        task = asyncio.create_task(use())
        await inside.wait()
        await cancelled(task)
        assert (pool.leased, pool.idle, pool.stats().resets) == (0, 1, 0)


# Commands on a lease ----------------------------------------------------------------------------------------


async def test_a_cancelled_command_costs_a_reset_and_its_reply_reaches_nobody() -> None:
    with FakeNode({"GET": lambda command, _: Hold(echo(command, _)), "ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            task = asyncio.create_task(pool.execute("GET", "late"))
            await wait_until(lambda: node.calls("GET"))
            await cancelled(task)
            node.release()
            assert await pool.execute("ECHO", "next") == b"next"
            assert (pool.stats().opened, pool.stats().resets, pool.stats().dropped) == (1, 1, 1)


async def test_a_cancelled_blocking_command_closes_its_connection_so_nothing_is_taken_for_nobody(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        task = asyncio.create_task(pool.blpop("list", timeout=0))
        await wait_until(lambda: [client["cmd"] for client in server.clients()] == ["blpop"])
        await cancelled(task)
        assert (pool.size, pool.leased) == (0, 0)
        await wait_until(lambda: server.client_count() == 0)
        await pool.rpush("list", "a")
        assert await pool.execute("LLEN", "list") == 1


async def test_a_long_transaction_that_is_cancelled_half_way_leaves_no_connection_that_only_queues() -> None:
    with FakeNode({"MULTI": OK, "INCR": QUEUED, "SET": Hold(QUEUED), "EXEC": NIL}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            async with pool.acquire() as conn:
                commands = [*[("INCR", "n")] * 1500, ("SET", "k", "v"), *[("INCR", "n")] * 1500]
                task = asyncio.create_task(conn.execute_many(commands, atomic=True))
                await wait_until(lambda: node.calls("SET"))
                await cancelled(task)
                with pytest.raises(ConnectionLost) as caught:
                    await conn.set("mine", "v")
                assert caught.value.executed == "no"
            assert (pool.size, pool.stats().resets) == (0, 0)
            async with pool.acquire() as conn:
                task = asyncio.create_task(conn.execute_many([("SET", "k", "v")], atomic=True))
                await wait_until(lambda: len(node.calls("SET")) == 2)
                await cancelled(task)  # its EXEC is sent, so the connection can still be used
                assert not conn.closed
                node.release()
                assert await conn.execute("INCR", "n") == b"QUEUED"


# Hooks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["configure", "check", "reset"])
async def test_a_cancel_in_a_hook_costs_that_connection_only(server: Server, hook: str) -> None:
    inside = asyncio.Event()
    blocks = False

    async def wait(conn: AsyncConnection[Any]) -> None:
        if blocks:
            inside.set()
            await asyncio.Event().wait()

    async with AsyncPool(server.url, shared=0, max_size=3, **{hook: wait}) as pool:  # type: ignore[arg-type]
        one, two = await pool.acquire(), await pool.acquire()
        pool.release(one)
        pool.release(two)
        await wait_until(lambda: pool.idle == 2)
        if hook == "configure":
            await pool.clear()
        blocks = True
        task = asyncio.create_task(pool.execute("PING"))
        await inside.wait()
        if hook == "check":
            await cancelled(task)
            assert (pool.idle, pool.leased) == (1, 0)
        elif hook == "configure":
            await cancelled(task)  # the dial belongs to the pool, and continues
            assert pool.dialing == 1
        else:
            assert await task == b"PONG"
            assert (pool.idle, pool.dialing) == (1, 1)


@pytest.mark.parametrize("hook", ["configure", "check", "reset"])
async def test_a_hook_that_ends_in_a_cancellation_of_its_own_is_an_error_like_any_other(
    server: Server, hook: str
) -> None:
    fails = True

    async def give_up(conn: AsyncConnection[Any]) -> None:
        if fails:
            raise asyncio.CancelledError

    async with AsyncPool(server.url, shared=0, max_size=1, **{hook: give_up}) as pool:  # type: ignore[arg-type]
        if hook == "configure":
            with pytest.raises(UsageError, match="nobody had asked"):
                await pool.acquire(timeout=2)
        elif hook == "check":
            fails = False
            assert await pool.execute("PING") == b"PONG"
            fails = True
            with pytest.raises(UsageError, match="nobody had asked"):
                await pool.acquire(timeout=2)
        else:
            assert await pool.execute("PING") == b"PONG"
            await wait_until(lambda: pool.size == 0)
        assert (pool.size, pool.waiting) == (0, 0)
        fails = False
        assert await pool.execute("PING") == b"PONG"


@pytest.mark.parametrize("hook", ["configure", "check", "reset"])
async def test_a_hook_that_never_ends_is_ended(server: Server, hook: str) -> None:
    hangs = False

    async def hang(conn: AsyncConnection[Any]) -> None:
        if hangs:
            await asyncio.Event().wait()

    options: dict[str, Any] = {hook: hang}
    async with AsyncPool(server.url, shared=0, max_size=1, connect_timeout=1.0, **options) as pool:
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: pool.idle == 1)
        if hook == "configure":
            await pool.clear()
        hangs = True
        if hook == "reset":
            assert await pool.execute("PING") == b"PONG"
        else:
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout=0.2)
        await wait_until(lambda: pool.size == pool.waiting == 0)
        hangs = False
        assert await pool.execute("PING") == b"PONG"


async def test_a_pool_can_be_closed_while_its_hooks_hang(server: Server) -> None:
    async def hang(conn: AsyncConnection[Any]) -> None:
        await asyncio.Event().wait()

    pool = AsyncPool(server.url, shared=0, min_size=2, configure=hang)
    await pool.open(wait=False)
    await wait_until(lambda: server.client_count() == 2)
    async with asyncio.timeout(4):
        await pool.aclose()
    assert pool.size == 0


# At every step ----------------------------------------------------------------------------------------------

Operation = Callable[[AsyncPool[Any]], Awaitable[Any]]


async def use_lease(pool: AsyncPool[Any]) -> None:
    async with pool.acquire() as conn:
        assert await conn.execute("ECHO", "a") == b"a"
        assert await conn.execute("ECHO", "b") == b"b"


async def use_dirty_lease(pool: AsyncPool[Any]) -> None:
    async with pool.acquire() as conn:
        await conn.execute("WATCH", "k")
        await conn.execute_many([("SET", "k", "v"), ("GET", "k")], atomic=True)
        await conn.execute("MULTI")


async def subscribe(pool: AsyncPool[Any]) -> None:
    async with pool.acquire() as conn:
        await conn.execute("SUBSCRIBE", "news")


async def run_in_pieces(pool: AsyncPool[Any]) -> None:
    async with pool.acquire() as conn:
        assert await conn.execute_many([("ECHO", "a")] * 1100, atomic=True) == [b"a"] * 1100


async def execute(pool: AsyncPool[Any]) -> None:
    assert await pool.execute("ECHO", "a") == b"a"


async def execute_many(pool: AsyncPool[Any]) -> None:
    assert await pool.execute_many([("ECHO", "a"), ("ECHO", "b")]) == [b"a", b"b"]


async def block(pool: AsyncPool[Any]) -> None:
    assert await pool.execute("BLPOP", "full", 1) == [b"full", b"x"]


async def select(pool: AsyncPool[Any]) -> None:
    assert await pool.select((pool.db + 1) % 16)


async def open_again(pool: AsyncPool[Any]) -> None:
    await pool.open()


OPERATIONS: dict[str, Operation] = {
    "use a lease": use_lease,
    "use a dirty lease": use_dirty_lease,
    "subscribe": subscribe,
    "a transaction in pieces": run_in_pieces,
    "execute": execute,
    "execute_many": execute_many,
    "a blocking command": block,
    "select": select,
    "open": open_again,
}
MOST_STEPS = 400


@pytest.mark.parametrize("options", [{"shared": 0}, {"shared": 0, "min_size": 4}, {"shared": 1}, {"shared": 2}], ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_cancel_at_every_step_of(server: Server, name: str, options: dict[str, Any]) -> None:
    """Each round uses a new pool and cancels one step later, until the call ends before its cancel comes."""
    server.command("RPUSH", "full", *["x"] * MOST_STEPS)
    for count in range(MOST_STEPS):
        pool = AsyncPool(server.url, max_size=4, **options)
        task = asyncio.ensure_future(OPERATIONS[name](pool))
        await steps(count)
        is_done = task.done()
        if not is_done:
            await cancelled(task)
            assert pool.waiting == pool.leased == 0
            leases = [await pool.acquire() for _ in range(max(pool.idle, 1))]
            for conn in leases:  # they can still be used
                assert await conn.execute("ECHO", "lease") == b"lease"
                said = await conn.execute("CLIENT", "INFO")
                assert b" flags=N " in said  # no MULTI, no subscription
                assert b" db=%d " % pool.db in said
                assert conn.db == pool.db
                pool.release(conn)
            assert await pool.execute("ECHO", "after") == b"after"
            for shared in pool._serving.node.ledger.shared_slots:  # type: ignore[union-attr]  # it is open
                assert b" db=%d " % pool.db in await shared.connection._transport.submit(("CLIENT", "INFO"))
            pool._serving.node.ledger.check()  # type: ignore[union-attr]  # it is open
        await pool.aclose()
        assert (pool.size, pool.leased, pool.dialing, pool.waiting) == (0, 0, 0, 0)
        stats = pool.stats()
        assert stats.leases == stats.releases
        if is_done:
            await task
            break
    else:
        raise AssertionError(f"{name} was never done within {MOST_STEPS} steps")


async def test_a_cancel_at_every_step_of_the_close_leaves_nothing(server: Server) -> None:
    before = asyncio.all_tasks()
    for count in range(60):
        pool = AsyncPool(server.url, shared=1, min_size=3, max_size=4)
        await pool.open()
        lease = await pool.acquire()
        waiter = asyncio.create_task(pool.execute("DEBUG", "SLEEP", "0.001"))
        await steps(1)
        task = asyncio.create_task(pool.aclose())
        await steps(count)
        is_done = task.done()
        if not is_done:
            await cancelled(task)
            await pool.aclose()
        pool.release(lease)
        await asyncio.wait([waiter])
        waiter.exception()
        assert (pool.size, pool.waiting) == (0, 0)
        assert asyncio.all_tasks() == before
        if is_done:
            break
    else:
        raise AssertionError("the close was never done")


async def test_a_cancel_at_every_step_of_opening_leaves_nothing_and_it_can_be_tried_again() -> None:
    before = asyncio.all_tasks()
    with FakeNode() as node:
        for count in range(100):
            pool = AsyncPool(node.url, shared=1, min_size=2)
            task = asyncio.create_task(pool.open())
            await steps(count)
            is_done = task.done()
            if not is_done:
                await cancelled(task)
                assert asyncio.all_tasks() == before
                assert pool.size == 0
                await pool.open()
            assert (pool.shared, pool.size) == (1, 2)
            await pool.aclose()
            if is_done:
                break
        else:
            raise AssertionError("it was never open")
        await wait_until(lambda: node.open_connections == 0)


async def test_two_cancels_in_a_row_are_one(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        task = asyncio.create_task(pool.acquire().__aenter__())
        await wait_until(lambda: pool.waiting == 1)
        task.cancel()
        task.cancel()
        pool.release(lease)
        await asyncio.wait([task])
        assert task.cancelled()
        assert (pool.leased, pool.idle, pool.waiting) == (0, 1, 0)


async def test_a_cancelled_check_of_an_old_connection_costs_that_connection(callers: Callers) -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=2, keepalive=0.02, read_timeout=5.0) as pool:
            node.on("PING", Hold(b"+PONG\r\n"))
            pool.release(await pool.acquire())
            await wait_until(lambda: node.calls("PING"))
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.01)
            assert (pool.idle, pool.dialing, pool.waiting) == (0, 1, 0)
            node.release()
            await wait_until(lambda: pool.idle == 1)
            assert pool.stats().lost == 0
