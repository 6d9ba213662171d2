"""A cancel that comes when the reply has arrived, but its caller has not run yet."""

from __future__ import annotations

import asyncio

import pytest

from asyncio_.harness import now, wait_until
from respool import AsyncPool
from respool.errors import PoolTimeout
from respool.testing import FakeNode, FaultProxy, Server, Silence


async def test_a_big_transaction_cancelled_between_two_pieces_leaves_no_open_transaction(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=0, max_size=1) as pool:
            await pool.execute("PING")
            (connection,) = pool._serving.node.connections()  # type: ignore[union-attr]  # open, so there is one
            transport = connection._transport
            proxy.down.hold()
            task = asyncio.create_task(pool.execute_many([("INCR", "n")] * 1500, atomic=True))
            await wait_until(lambda: any(row["multi"] == "1023" for row in server.clients()))
            seen = transport.completed
            proxy.down.release()
            # Only until the first piece is answered, and not one step longer.
            while transport.completed < seen + 1024:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await pool.get("n") is None


@pytest.mark.parametrize("shared", [0, 1])
async def test_a_reply_that_came_just_before_the_cancel_is_not_anybody_elses(server: Server, shared: int) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=shared, max_size=2) as pool:
            for number in range(50):
                task = asyncio.create_task(pool.execute("ECHO", f"cancelled {number}"))
                for _ in range(number % 12):
                    await asyncio.sleep(0)
                task.cancel()
                results = await asyncio.gather(task, return_exceptions=True)
                assert results[0] == f"cancelled {number}".encode() or isinstance(results[0], asyncio.CancelledError)
                assert await pool.execute("ECHO", f"kept {number}") == f"kept {number}".encode()
            assert pool.stats().in_flight == 0
            assert pool.stats().leased == 0


async def test_the_check_of_a_connection_that_was_idle_for_long_ends_with_the_time_of_its_caller() -> None:
    with FakeNode({"PING": Silence()}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, keepalive=0.02) as pool:
            pool.release(await pool.acquire())
            started = now()
            while now() < started + 0.05:
                pass  # block the loop, and with it the maintenance task
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.1)
            assert now() - started < 2.0
            assert len(node.calls("PING")) == 1
