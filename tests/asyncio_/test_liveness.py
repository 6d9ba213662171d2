# Written once: tests/threads/test_liveness.py is generated from this file.
"""A connection that is dead, too old or not needed any more is never leased (R-11 to R-17, R-29)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import NIL, OK, PUSH
from asyncio_.harness import Callers, Signal, now, rest, wait_until
from respool import AsyncPool
from respool.errors import ConnectFailed, ConnectionLost, PoolTimeout
from respool.events import ConnectionClosed, ConnectionOpened, Event, Pushed
from respool.testing import Close, FakeNode, FaultProxy, Hold, Server, Silence


async def fill(pool: AsyncPool[Any], count: int) -> None:
    """Open connections until ``count`` are idle."""
    leases = [await pool.acquire() for _ in range(count)]
    for lease in leases:
        pool.release(lease)
    assert pool.idle == count


class Ears:
    """A listener that records all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def all(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


# Dead connections -------------------------------------------------------------------------------------------


async def test_twenty_idle_connections_that_were_killed_cost_no_caller_anything(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=20) as pool:
        await fill(pool, 20)
        assert server.command("CLIENT", "KILL", "TYPE", "normal") == 20
        await rest()
        for number in range(30):
            assert await pool.incr("k") == number + 1
        stats = pool.stats()
        assert 1 <= stats.lost <= 20  # a thread notices the first one; the others are of an epoch that has ended
        assert (stats.epoch, stats.size) == (1, 1)
        assert stats.opened == 21


async def test_who_waits_is_not_given_a_connection_that_was_killed_while_it_was_leased(
    callers: Callers, server: Server
) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:

        async def use() -> Any:
            async with pool.acquire() as conn:
                return await conn.execute("INCR", "k")

        lease = await pool.acquire()
        killed = await lease.execute("CLIENT", "ID")
        waiter = callers.start(use)
        await wait_until(lambda: pool.waiting)
        await rest()
        await lease.execute("PING")  # used, and so looked at, after the other has come
        assert server.command("CLIENT", "KILL", "ID", killed) == 1
        await rest()
        pool.release(lease)
        assert await waiter.result() == 1
        assert pool.stats().opened == 2


async def test_a_minimum_that_was_killed_comes_back_without_any_caller() -> None:
    with Server() as server, FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=0, min_size=2) as pool:
            assert pool.idle == 2
            async with pool.acquire() as conn:
                proxy.cut()
                with pytest.raises(ConnectionLost):  # finds the loss; a thread checks a connection only when it uses it
                    await conn.execute("PING")
            await wait_until(lambda: pool.idle == 2 and pool.stats().opened == 4 and proxy.open_connections == 2)
            assert pool.size == 2


async def test_a_restart_costs_reads_nothing_on_any_connection() -> None:
    with Server() as server:
        async with AsyncPool(server.url, shared=0, max_size=20) as pool:
            await fill(pool, 20)
            server.restart()
            for _ in range(30):
                assert await pool.execute("GET", "k") is None
            assert pool.stats().epoch == 1


async def test_a_restart_costs_concurrent_readers_nothing(callers: Callers) -> None:
    ends = Signal()

    async def read(pool: AsyncPool[Any]) -> int:
        count = 0
        while not ends.is_set:
            assert await pool.execute("GET", "k") is None
            count += 1
        return count

    with Server() as server, FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=0, max_size=4) as pool:
            for _ in range(8):
                callers.start(read, pool)
            for cuts in range(1, 6):
                before = pool.stats().replies
                await wait_until(lambda before=before: pool.stats().replies > before + 100)
                proxy.cut()
                await wait_until(lambda cuts=cuts: pool.stats().epoch >= cuts)
            ends.set()
            assert min(await callers.results()) > 0


async def test_a_node_that_was_down_is_found_again_without_any_caller() -> None:
    with Server() as server:
        async with AsyncPool(server.url, shared=0, min_size=3) as pool:
            server.kill()
            with pytest.raises((ConnectFailed, ConnectionLost, PoolTimeout)):
                await pool.execute("PING", timeout=0.05)
            server.start()
            await wait_until(lambda: pool.idle == 3)
            assert await pool.execute("PING") == b"PONG"


async def test_a_write_that_may_have_run_is_not_sent_again_and_the_next_one_goes_through() -> None:
    with FakeNode({"INCR": (Close(),)}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            with pytest.raises(ConnectionLost) as caught:
                await pool.execute("INCR", "k")
            assert caught.value.executed == "unknown"
            assert len(node.calls("INCR")) == 1
            node.on("INCR", b":7\r\n")
            assert await pool.execute("INCR", "k") == 7
            assert (pool.size, pool.idle) == (1, 1)


@pytest.mark.parametrize("surprise", [b"+OK\r\n", b":1\r\n", b"$3\r\nabc\r\n", b"-ERR told off\r\n", b"nonsense\r\n"])
async def test_an_idle_connection_with_an_unasked_reply_is_not_lent(surprise: bytes) -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            await fill(pool, 1)
            node.send(surprise)
            await rest()
            async with pool.acquire() as conn:
                assert await conn.execute("GET", "k") is None
            assert node.connections == 2
            assert (pool.stats().lost, pool.stats().opened) == (1, 2)


async def test_a_push_to_an_idle_connection_is_told_to_the_listener_and_does_no_harm() -> None:
    ears = Ears()
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, listener=ears) as pool:
            await fill(pool, 1)
            node.send(PUSH)
            await rest()
            for _ in range(3):
                assert await pool.execute("GET", "k") is None
            assert [event.push for event in ears.all(Pushed)] == [[b"hello", b"world"]]
            assert (pool.stats().lost, pool.stats().opened, node.connections) == (0, 1, 1)


async def test_one_lost_connection_ends_the_trust_in_those_made_before_it() -> None:
    with FakeNode({"GET": Close(), "PING": b"+PONG\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, retry=None) as pool:
            await fill(pool, 4)
            with pytest.raises(ConnectionLost):
                await pool.execute("GET", "k")
            assert pool.stats().epoch == 1
            assert await pool.execute("PING") == b"PONG"
            assert (node.connections, pool.size) == (5, 1)  # the three idle ones were not even tried
            await wait_until(lambda: node.open_connections == 1)


async def test_connections_made_before_a_loss_are_closed_although_nobody_touches_them() -> None:
    with FakeNode({"GET": Close()}) as node:
        async with AsyncPool(node.url, shared=0, retry=None) as pool:
            await fill(pool, 2)
            with pytest.raises(ConnectionLost):
                await pool.execute("GET", "k")
            await wait_until(lambda: pool.size == 0)
            assert (pool.stats().lost, pool.stats().closed, node.connections) == (1, 1, 2)


@pytest.mark.parametrize("close_on_error", [True, False])
async def test_close_on_error_closes_the_idle_ones_at_once(server: Server, close_on_error: bool) -> None:
    async with AsyncPool(server.url, shared=0, close_on_error=close_on_error, retry=None) as pool:
        await fill(pool, 4)
        dying, other = await pool.acquire(), await pool.acquire()
        server.command("CLIENT", "KILL", "ID", str(await dying.execute("CLIENT", "ID")))
        with pytest.raises(ConnectionLost):
            await dying.execute("PING")
        assert pool.leased == 2
        assert (pool.idle == 0) is close_on_error
        assert await other.execute("PING") == b"PONG"  # a caller keeps the lease it has
        pool.release(other)
        pool.release(dying)
        assert pool.leased == 0
        assert (pool.idle == 0) is close_on_error  # without it they are closed one by one, or when used
        assert await pool.execute("PING") == b"PONG"
        assert (pool.size, pool.idle) == (1, 1)


async def test_a_primary_that_became_a_replica_ends_the_trust_in_its_connections() -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            await fill(pool, 3)
            node.once("SET", b"-READONLY You can't write against a read only replica.\r\n")
            node.on("SET", b"+OK\r\n")
            assert await pool.execute("SET", "k", "v")
            assert pool.stats().epoch == 1
            assert node.connections == 4
            assert [seen.connection for seen in node.calls("SET")] == [3, 4]


# Liveness checks --------------------------------------------------------------------------------------------


async def test_a_connection_is_asked_only_after_the_time_of_keepalive() -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, min_size=2, keepalive=0.2) as pool:
            started = now()
            await wait_until(lambda: len(node.calls("PING")) >= 4)
            assert now() - started >= 0.35
            assert {seen.connection for seen in node.calls("PING")} == {1, 2}
            assert pool.stats().lost == 0
            before = len(node.calls("PING"))
            for _ in range(20):
                await pool.execute("GET", "k")
            assert len(node.calls("PING")) <= before + 1


async def test_a_shared_connection_that_owes_replies_is_not_asked(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        async with AsyncPool(node.url, shared=1, keepalive=0.02) as pool:
            caller = callers.start(pool.get, "k")
            await wait_until(lambda: node.calls("GET"))
            asked, since = len(node.calls("PING")), now()
            await wait_until(lambda: now() - since > 0.2)
            assert len(node.calls("PING")) == asked  # behind a long queue its answer would come too late
            node.release()
            assert await caller.result() is None
            await wait_until(lambda: len(node.calls("PING")) > asked)
            assert pool.stats().lost == 0


async def test_a_shared_connection_whose_last_reply_nobody_waits_for_is_watched() -> None:
    script = {"CLIENT REPLY OFF": b"", "SET": b"", "CLIENT REPLY ON": OK, "GET": NIL}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1, keepalive=0.2, read_timeout=1.0) as pool:
            replies = pool.stats().replies
            await pool.execute_noreply("SET", "k", "v")
            await wait_until(lambda: pool.stats().replies > replies and pool.stats().in_flight == 0)
            assert pool.stats().lost == 0
            node.on("CLIENT REPLY ON", Silence())
            await pool.execute_noreply("SET", "k", "v")
            started = now()
            await wait_until(lambda: pool.stats().lost == 1 and pool.shared == 1)
            assert now() - started < 4.0
            assert await pool.get("k") is None


async def test_neither_a_new_connection_nor_one_from_other_hands_is_asked(callers: Callers) -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, keepalive=0.03) as pool:
            lease = await pool.acquire()
            caller = callers.start(pool.get, "k")
            started = now()
            await wait_until(lambda: pool.waiting == 1 and now() - started > 0.05)
            pool.release(lease)
            assert await caller.result() is None
            assert node.calls("PING") == []


async def test_without_keepalive_nobody_is_asked() -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, min_size=2, keepalive=None) as pool:
            for _ in range(50):
                await pool.execute("GET", "k")
            assert node.calls("PING") == []


async def test_an_idle_connection_into_a_black_hole_is_found_and_replaced() -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, min_size=2, keepalive=0.2, read_timeout=1.0) as pool:
            node.on("PING", lambda _, connection: Silence() if connection.number < 3 else b"+PONG\r\n")
            started = now()
            await wait_until(lambda: node.connections >= 4 and node.open_connections == 2 and pool.idle == 2)
            assert now() - started < 4.0
            assert pool.stats().opened == 4
            assert pool.stats().lost >= 1  # a connection was lost, so those of its epoch are not trusted
            assert pool.stats().epoch == 1
            assert await pool.execute("GET", "k") is None


async def test_a_caller_is_not_kept_waiting_by_the_check_of_a_dead_connection(callers: Callers) -> None:
    with FakeNode({"GET": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=2, keepalive=0.05, read_timeout=3.0) as pool:
            node.on("PING", Silence())
            await fill(pool, 1)
            await wait_until(lambda: node.calls("PING"))
            assert (pool.idle, pool.dialing) == (0, 1)
            started = now()
            assert await pool.execute("GET", "k") is None
            assert now() - started < 2.5  # and not read_timeout
            assert node.connections == 2


# Age --------------------------------------------------------------------------------------------------------


async def test_surplus_ages_out_one_by_one_down_to_the_minimum() -> None:
    ears = Ears()
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, min_size=1, max_idle=0.03, listener=ears) as pool:
            await fill(pool, 4)
            started = now()
            await wait_until(lambda: len(ears.all(ConnectionClosed)) == 3)
            assert now() - started >= 0.06
            assert pool.size == 1
            assert [event.reason for event in ears.all(ConnectionClosed)] == ["idle"] * 3
            await wait_until(lambda: node.open_connections == 1)


async def test_surplus_ages_out_beside_connections_that_live_long() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=1, max_idle=0.05, keepalive=None, max_lifetime=3600.0) as pool:
            rested = now() + 0.2  # the maintenance task waits only for the end of that connection
            await wait_until(lambda: now() > rested)
            await fill(pool, 2)
            await wait_until(lambda: pool.size == 1)
            assert (pool.shared, pool.stats().closed) == (1, 2)


async def test_what_is_in_use_does_not_age_out() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, max_idle=0.02) as pool:
            await fill(pool, 3)
            async with pool.acquire() as one, pool.acquire() as two:
                await wait_until(lambda: pool.idle == 0)
                assert pool.leased == pool.size == 2
                assert await one.execute("PING") == b"PONG"
                assert await two.execute("PING") == b"PONG"
            await wait_until(lambda: pool.size == 0)


async def test_a_connection_over_age_is_replaced_before_it_is_closed() -> None:
    ears = Ears()
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, min_size=1, max_lifetime=0.1, listener=ears) as pool:
            await wait_until(lambda: len(ears.all(ConnectionClosed)) >= 2)
            events = [type(event) for event in ears.events]
            assert events[:4] == [ConnectionOpened, ConnectionOpened, ConnectionClosed, ConnectionOpened]
            assert {event.reason for event in ears.all(ConnectionClosed)} == {"lifetime"}
            assert pool.stats().lost == 0


async def test_a_connection_over_age_is_not_lent_and_not_taken_away() -> None:
    with FakeNode({"CLIENT ID": lambda _, connection: b":%d\r\n" % connection.number}) as node:
        async with AsyncPool(node.url, shared=0, max_lifetime=0.05) as pool:
            lease = await pool.acquire()
            opened = now()
            await wait_until(lambda: now() - opened > 0.06)
            assert await lease.execute("CLIENT", "ID") == 1
            pool.release(lease)
            assert pool.size == 0
            assert await pool.execute("CLIENT", "ID") == 2


async def test_connections_of_one_age_do_not_retire_in_the_same_moment() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=2, min_size=12, max_lifetime=1000.0) as pool:
            ledger = pool._serving.node.ledger  # type: ignore[union-attr]  # open, so there is one
            until = now()
            ends = sorted(slot.retire_at - until for slot in (*ledger.idle_slots, *ledger.shared_slots))
            assert len(ends) == 12
            assert ends[0] > 890.0
            assert ends[-1] <= 1000.0
            assert ends[-1] - ends[0] > 5.0  # a hundred random times: less in fewer than one run in ten million


async def test_limits_that_are_off_retire_nothing() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, max_idle=None, max_lifetime=None, keepalive=None) as pool:
            await fill(pool, 3)
            with pytest.raises(PoolTimeout):
                leases = [await pool.acquire() for _ in range(16)]
                await pool.acquire(timeout=0.1)
            for lease in leases:
                pool.release(lease)
            assert pool.idle == 16
            assert pool.stats().closed == 0


# Errors of a connection in use -------------------------------------------------------------------------------


async def test_a_lease_that_is_lost_raises_and_its_capacity_comes_back(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        caller = callers.start(pool.execute, "ECHO", "x")
        await wait_until(lambda: pool.waiting == 1)
        server.command("CLIENT", "KILL", "ID", str(await lease.execute("CLIENT", "ID")))
        with pytest.raises(ConnectionLost):
            await lease.execute("PING")
        with pytest.raises(ConnectionLost):
            await lease.execute("PING")
        assert (pool.leased, pool.size) == (1, 1)  # it is still out
        pool.release(lease)
        assert await caller.result() == b"x"
        assert (pool.stats().lost, pool.stats().opened) == (1, 2)
