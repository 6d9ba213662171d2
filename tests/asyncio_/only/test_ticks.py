"""Commands of one tick are sent in one write; a command given up before it was sent is taken back (R-19)."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from answers import OK, PUSH, echo, held_echo, words
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool
from respool.events import Pushed
from respool.testing import FakeNode, FaultProxy, Hold, Server, Silence

HEAVY = b"x" * 10_000

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO counts segments on Linux only")


def segments_sent(pool: AsyncPool[Any]) -> int:
    """Return how many TCP segments with data the shared connection has sent: on loopback, one per small write."""
    sock = pool._shared.only._transport.get_extra_info("socket")  # type: ignore[union-attr]
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    (count,) = struct.unpack_from("@I", info, 156)  # tcpi_data_segs_out of struct tcp_info
    return int(count)


def start(*calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(call) for call in calls]


async def outcomes(*tasks: asyncio.Task[Any]) -> list[Any]:
    """Return what each task returned or raised."""
    return list(await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5.0))


@linux
async def test_a_hundred_commands_of_one_tick_leave_in_two_writes(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        await pool.execute("PING")
        before = segments_sent(pool)
        replies = await asyncio.gather(*[pool.execute("ECHO", f"{number}") for number in range(100)])
        assert replies == [b"%d" % number for number in range(100)]
        assert segments_sent(pool) - before <= 2  # the first one was sent at once, because the connection was idle
        before = segments_sent(pool)
        await asyncio.gather(*[pool.execute("ECHO", f"{number}") for number in range(100)])
        assert segments_sent(pool) - before == 1  # after a busy tick no command is sent alone


@linux
async def test_a_lone_command_on_an_idle_connection_leaves_at_once(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        await pool.execute("PING")
        before = segments_sent(pool)
        (call,) = start(pool.execute("PING"))
        await asyncio.sleep(0)
        assert segments_sent(pool) - before == 1
        await call


async def test_a_command_given_up_in_the_tick_of_its_start_is_taken_back_or_dropped(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        keep, *given_up = start(pool.incr("kept"), *[pool.incr("given up") for _ in range(20)])
        await asyncio.sleep(0)  # all have started: the first is sent, the others are sent at the end of the tick
        for task in given_up:
            task.cancel()
        assert await keep == 1
        results = await outcomes(*given_up)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 20
        ran = int(await pool.get("given up") or 0)
        stats = pool.stats()
        assert (stats.taken_back, stats.dropped, stats.in_flight) == (20 - ran, ran, 0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: [pool.incr("given up") for _ in range(10)],
        lambda pool: [pool.execute("INCR", "given up", timeout=30.0)],
        lambda pool: [pool.execute_many([("INCR", "given up"), ("INCR", "given up")])],
        lambda pool: [pool.using(encoding=None).incr("given up"), pool.dump("given up")],
    ],
    ids=["commands", "a command with a time", "a run", "commands that want bytes"],
)
async def test_what_is_given_up_while_the_socket_is_full_never_leaves(server: Server, ask: Any) -> None:
    with FaultProxy(server, socket_buffer_bytes=4096, buffer_bytes=4096) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=5.0, encoding="utf-8") as pool:
            transport = pool._shared.only
            assert transport is not None
            proxy.up.stop_reading = True
            (blocked,) = start(pool.execute("SET", "big", b"x" * 8_000_000))
            await wait_until(lambda: transport._paused)
            given_up = start(*ask(pool))
            await wait_until(lambda: transport.owes > len(given_up))
            count = transport.owes - 1
            (kept,) = start(pool.incr("kept"))
            await wait_until(lambda: transport.owes == count + 2)
            for task in given_up:
                task.cancel()
            await outcomes(*given_up)
            proxy.up.stop_reading = False
            assert await kept == 1
            assert await blocked == "OK"
            assert await pool.get("given up") is None
            assert transport.wire.blobs == 0
            assert pool.stats().taken_back == count
            assert pool.stats().dropped == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool, *words: pool.execute(*words),
        lambda pool, *words: pool.execute(*words, timeout=30.0),
        lambda pool, *words: pool.execute_many([words]),
    ],
    ids=["a command", "a command with a time", "a run"],
)
async def test_the_next_command_after_a_cancelled_one_goes_the_same_way(ask: Any) -> None:
    with FakeNode({"SET": Hold(OK), "GET": Hold(OK)}) as node:
        async with AsyncPool(node.url, shared=3, strategy="round_robin") as pool:
            for turn in range(6):
                for words in (("SET", f"k{turn}", "v"), ("GET", f"k{turn}")):
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(0.02):  # cancels within the task, which is the caller
                            await ask(pool, *words)
                await wait_until(lambda n=turn + 1: node.release() >= 0 and len(node.calls("GET")) == n)
                assert node.calls("GET")[-1].connection == node.calls("SET")[-1].connection
                await wait_until(lambda: node.release() == 0 and pool.stats().in_flight == 0)


async def test_a_lease_does_not_wait_for_what_was_sent_without_reply_and_any_reply_of_the_pool_does(
    server: Server,
) -> None:
    """R-23 is about the pool's own commands. A lease is a connection of its own."""
    async with AsyncPool(server.url, shared=2) as pool:
        pool.release(await pool.acquire())  # from here on ``acquire`` does not suspend
        for number in range(20):
            await pool.execute_noreply("SET", "k", number)
            await pool.ping()
            async with pool.acquire() as conn:
                assert await conn.get("k") == b"%d" % number


async def test_whoever_waits_at_the_door_is_let_in_when_all_before_it_is_taken_back() -> None:
    with FakeNode({"SET": OK}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight_bytes=15_000) as pool:
            first, second = start(pool.execute("SET", "a", HEAVY, timeout=0.001), pool.execute("SET", "b", HEAVY))
            await asyncio.sleep(0)  # the first is queued but not written, the second is in the admission queue
            time.sleep(0.005)  # noqa: ASYNC251 - the loop is busy: on uvloop a time can be over before the tick is
            assert await outcomes(second) == [b"OK"]
            await outcomes(first)
            assert await pool.execute("SET", "c", HEAVY) == b"OK"
            assert node.connections == 1


async def test_closing_does_not_wait_for_what_was_taken_back() -> None:
    with FakeNode({"SET": Silence()}) as node:
        pool: AsyncPool[bytes] = AsyncPool(node.url, shared=1)
        await pool.open()
        call, closing = start(pool.execute("SET", "a", HEAVY, timeout=0.001), pool.aclose(timeout=4.0))
        await asyncio.sleep(0)
        time.sleep(0.005)  # noqa: ASYNC251 - see above
        started = now()
        await outcomes(closing, call)
        if not node.calls("SET"):  # on uvloop: see above
            assert now() - started < 3.0


async def test_a_caller_cancelled_at_the_door_was_never_sent_and_the_next_one_goes(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            transport = pool._shared.only
            assert transport is not None
            first, second, third = start(*[pool.execute("GET", key) for key in "abc"])
            await wait_until(lambda: transport.waiting == 2)
            second.cancel()
            await outcomes(second)
            await wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert await first == b"a"
            await wait_until(lambda: words(node, "GET") == [b"a", b"c"])
            node.release(1)
            assert await third == b"c"
            assert pool.stats().taken_back == 1


async def test_a_run_without_reply_cancelled_at_the_door_is_not_sent() -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": b""}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            transport = pool._shared.only
            assert transport is not None
            first, told, last = start(
                pool.execute("GET", "a"), pool.execute_noreply("SET", "k", "v"), pool.execute("GET", "b")
            )
            await wait_until(lambda: transport.waiting == 2)
            told.cancel()
            await outcomes(told)
            await wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert await first == b"a"
            await wait_until(lambda: words(node, "GET") == [b"a", b"b"])
            node.release(1)
            assert await last == b"b"
            assert node.calls("SET") == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda conn: conn.execute("INCR", "given up"),
        lambda conn: conn.execute("INCR", "given up", timeout=60.0),
        lambda conn: conn.execute_many([("INCR", "given up"), ("INCR", "given up")]),
        lambda conn: conn.using(encoding=None).incr("given up"),
    ],
    ids=["a command", "a command with a time", "a run", "a command that wants bytes"],
)
async def test_what_is_given_up_on_a_lease_while_the_socket_is_full_never_leaves(server: Server, ask: Any) -> None:
    with FaultProxy(server, socket_buffer_bytes=4096, buffer_bytes=4096) as proxy:
        options = {"shared": 0, "connect_timeout": 5.0, "encoding": "utf-8"}
        async with AsyncPool(proxy.url, **options) as pool, pool.acquire() as conn:
            transport = conn._transport
            proxy.up.stop_reading = True
            (blocked,) = start(conn.execute("SET", "big", b"x" * 8_000_000))
            await wait_until(lambda: transport._paused)
            (given_up,) = start(ask(conn))
            await wait_until(lambda: transport.owes > 1)
            count = transport.owes - 1
            given_up.cancel()
            await outcomes(given_up)
            proxy.up.stop_reading = False
            assert await blocked == "OK"
            assert await conn.execute("GET", "given up") is None
            assert transport.wire.blobs == 0
            assert pool.stats().taken_back == count


# Events in the kernel that the loop has not seen yet (R-11) -------------------------------------------------------


def busy(is_there: Callable[[], bool]) -> None:
    """Block the loop until an event at its sockets has reached the kernel, but not the loop."""
    deadline = time.monotonic() + 5.0
    while not is_there() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert is_there()
    time.sleep(0.05)  # the node has closed its end: the FIN is on its way through the loopback


@pytest.mark.parametrize("shared", [0, 1])
async def test_an_end_that_the_loop_has_not_seen_costs_no_write(shared: int) -> None:
    with FakeNode({"INCR": b":1\r\n"}) as node:
        async with AsyncPool(node.url, shared=shared, min_size=4) as pool:
            await wait_until(lambda: pool.size == 4)
            node.drop()
            busy(lambda: node.open_connections == 0)

            async def count() -> None:
                if shared:
                    await pool.execute("INCR", "k")
                else:
                    async with pool.acquire() as conn:
                        await conn.execute("INCR", "k")

            assert await outcomes(*start(*[count() for _ in range(4)])) == [None] * 4
            assert len(node.calls("INCR")) == 4
            assert {seen.connection for seen in node.calls("INCR")}.isdisjoint(range(1, 5))


async def test_an_end_that_the_loop_has_not_seen_loses_no_command_without_a_reply() -> None:
    with Server() as server:
        async with AsyncPool(server.url, shared=1) as pool:
            await pool.execute("PING")
            server.command("CLIENT", "KILL", "TYPE", "normal")
            busy(lambda: server.client_count() == 0)
            for _ in range(4):
                await pool.execute_noreply("INCR", "n")
            assert await pool.execute("INCR", "n") == 5
            assert pool.stats().lost == 1


@pytest.mark.parametrize("count", [1, 3])
async def test_a_reply_that_the_loop_has_not_seen_is_nobodys_answer(count: int) -> None:
    with FakeNode({"ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            await outcomes(*start(*[pool.execute("ECHO", "a") for _ in range(count)]))
            node.send(b"$7\r\nsurplus\r\n")
            busy(lambda: True)
            replies = await outcomes(*start(*[pool.execute("ECHO", f"{number}") for number in range(count)]))
            assert replies == [b"%d" % number for number in range(count)]
            assert node.connections == 2


@pytest.mark.parametrize("count", [1, 3])
async def test_a_push_that_the_loop_has_not_seen_is_told_and_does_no_harm(count: int) -> None:
    told: list[Any] = []
    with FakeNode({"ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=1, listener=told.append) as pool:
            await outcomes(*start(*[pool.execute("ECHO", "a") for _ in range(count)]))
            told.clear()
            node.send(PUSH)
            busy(lambda: True)
            replies = await outcomes(*start(*[pool.execute("ECHO", f"{number}") for number in range(count)]))
            assert replies == [b"%d" % number for number in range(count)]
            assert node.connections == 1
            assert [type(event) for event in told] == [Pushed]
