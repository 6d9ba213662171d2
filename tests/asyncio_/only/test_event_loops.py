"""A pool belongs to the event loop it was opened in, and raises a clear error in another one (R-35)."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from leavings import sockets
from respool import AsyncConnection, AsyncPool
from respool.errors import ConnectFailed, PoolClosed, UsageError
from respool.events import DialFailed, Event
from respool.testing import FakeNode, FaultProxy, Hold, Server
from respool.testing._certificate import client_context
from respool.testing._script import hello
from threads.harness import PATIENCE, wait_until


def elsewhere(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine in an event loop of another thread, and return what it returned or raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work()))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


@pytest.mark.parametrize("shared", [0, 1, 2])
async def test_every_use_in_another_event_loop_is_a_clear_error_and_harms_nobody(server: Server, shared: int) -> None:
    async with AsyncPool(server.url, shared=shared, min_size=3) as pool:
        assert await pool.execute("PING") == b"PONG"

        async def acquire() -> Any:
            return await pool.acquire()

        async def enter() -> None:
            async with pool:
                raise AssertionError("never here")

        async def drain() -> None:
            pool.drain()

        for use in (
            lambda: pool.execute("PING"),
            lambda: pool.get("k"),
            lambda: pool.execute("PING", timeout=1.0),
            lambda: pool.execute_many([("PING",), ("PING",)]),
            lambda: pool.execute_noreply("PING"),
            lambda: pool.execute("BLPOP", "k", 1),
            lambda: pool.select(1),
            lambda: pool.resize(max_size=8),
            acquire,
            enter,
            drain,
            pool.open,
            pool.wait_ready,
            pool.clear,
            pool.aclose,
        ):
            error = elsewhere(use)
            assert isinstance(error, UsageError), error
            assert "another event loop" in str(error)
        assert not pool.closed
        for number in range(10):
            assert await pool.execute("ECHO", number) == str(number).encode()
        assert (pool.leased, pool.waiting, pool.stats().epoch, pool.db, pool.max_size) == (0, 0, 0, 0, 16)


async def test_every_use_of_a_lease_in_another_event_loop_is_a_clear_error(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool, pool.acquire() as conn:
        for use in (
            lambda: conn.get("k"),
            lambda: conn.set("k", b"x" * 5000),
            lambda: conn.execute_many([("PING",), ("PING",)]),
            lambda: conn.execute_noreply("PING"),
            lambda: conn.execute("BLPOP", "k", 1),
            lambda: conn.execute("SUBSCRIBE", "channel"),
            lambda: conn.execute("GET", "k", timeout=1.0),
        ):
            error = elsewhere(use)
            assert isinstance(error, UsageError), error
            assert "another event loop" in str(error)
            assert conn.in_flight == 0
        assert await conn.ping() is True


def test_a_pool_belongs_to_its_event_loop_as_long_as_that_is_open(server: Server) -> None:
    pool = AsyncPool(server.url, shared=1)

    async def use() -> Any:
        return await pool.execute("PING")

    async def close() -> None:
        await pool.aclose()

    with asyncio.Runner() as first:
        assert first.run(use()) == b"PONG"
        with asyncio.Runner() as second, pytest.raises(UsageError, match=r"127\.0\.0\.1.*another event loop.*still open"):
            second.run(use())
        assert first.run(use()) == b"PONG"
        first.run(close())


FACTORIES = pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])

#: When it is closed, uvloop warns of every open transport, whatever the pool does.
UVLOOPS_OWN = pytest.mark.filterwarnings("ignore:unclosed resource <TCPTransport:ResourceWarning")


@UVLOOPS_OWN
@FACTORIES
@pytest.mark.parametrize("ending", ["orderly", "abrupt"])
@pytest.mark.parametrize("shared", [0, 1, 2])
def test_a_pool_opens_anew_in_each_event_loop_after_the_other(
    server: Server, factory: Callable[[], asyncio.AbstractEventLoop], ending: str, shared: int
) -> None:
    pool = AsyncPool(server.url, shared=shared, min_size=2)

    async def acquire() -> None:
        async with pool.acquire() as conn:
            assert await conn.ping()

    async def drain() -> None:
        pool.drain()

    before = sockets()
    for use in (
        pool.ping,
        lambda: pool.execute("PING"),
        lambda: pool.execute("PING", timeout=1.0),
        lambda: pool.execute_many([("PING",)]),
        lambda: pool.execute_noreply("PING"),
        lambda: pool.blpop("nothing", timeout=0.01),
        lambda: pool.select(1),
        lambda: pool.resize(max_size=8),
        acquire,
        drain,
        pool.open,
        pool.wait_ready,
        pool.clear,
        pool.ping,
    ):

        async def run(use: Callable[[], Any] = use) -> int:
            await use()
            return sockets()

        assert run_in(factory, run, ending) <= before + 20
    assert run_in(factory, pool.ping, ending)
    run_in(factory, pool.aclose, ending)  # nothing of the closed loop is left
    gc.collect()
    assert sockets() == before
    with pytest.raises(PoolClosed):
        run_in(factory, pool.ping, ending)


def run_in(factory: Callable[[], asyncio.AbstractEventLoop], work: Callable[[], Any], ending: str) -> Any:
    """Run ``work`` in an event loop of its own, which is closed properly or with tasks pending."""
    if ending == "orderly":
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(work())
    loop = factory()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


@UVLOOPS_OWN
@FACTORIES
def test_what_was_on_its_way_when_the_event_loop_ended_is_not_sent_by_the_next_one(
    server: Server, factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    pool = AsyncPool(server.url, shared=1)

    async def leave_behind() -> Any:
        await pool.set("k", "0")
        for _ in range(3):  # the second and third would be sent at the end of the tick, which never comes
            work = asyncio.ensure_future(pool.incr("k"))
            work._log_destroy_pending = False  # type: ignore[attr-defined]  # left behind on purpose
            lost.append(work)
        await asyncio.sleep(0)

    async def read() -> Any:
        assert int(await pool.get("k") or 0) <= 3
        return await pool.incrby("k", 100)

    lost: list[Any] = []
    run_in(factory, leave_behind, "abrupt")
    assert run_in(factory, read, "orderly") in range(100, 104)
    run_in(factory, pool.aclose, "orderly")
    for work in lost:
        work.get_coro().close()


def test_a_lease_of_a_closed_event_loop_says_so_and_is_given_back_without_harm(server: Server) -> None:
    pool = AsyncPool(server.url, shared=0, max_size=1)
    kept: list[Any] = []

    async def take() -> None:
        kept.append(await pool.acquire())
        assert await kept[0].ping()

    async def go_on() -> None:
        assert await pool.ping()
        with pytest.raises(UsageError, match="has been closed"):
            await kept[0].ping()
        async with kept.pop():
            pass
        assert (pool.size, pool.leased) == (1, 0)
        await pool.aclose()

    asyncio.run(take())
    asyncio.run(go_on())


def test_over_tls_a_pool_opens_anew_too() -> None:
    with Server(tls=True) as server:
        pool = AsyncPool(server.tls_url, tls=client_context(), shared=1)
        before = sockets()
        for _ in range(3):
            assert asyncio.run(pool.execute("ECHO", "hello")) == b"hello"
            wait_until(lambda: sockets() == before + TLS_SOCKETS)
        asyncio.run(pool.aclose())
        wait_until(lambda: sockets() == before)


#: The resources of a connection over TLS: its own, and two of the server, which decrypts in this process.
TLS_SOCKETS = 3


def test_a_connection_of_ones_own_is_closed_and_opened_again_in_the_next_event_loop(server: Server) -> None:
    conn = AsyncConnection(server.url)
    before = sockets()

    async def go_on() -> Any:
        with pytest.raises(UsageError, match="another event loop"):
            await conn.ping()
        await conn.aclose()
        assert sockets() == before + LOOP_SOCKETS
        async with conn:
            return await conn.ping()

    asyncio.run(conn.open())
    assert asyncio.run(go_on())
    assert sockets() == before


#: The resources that an event loop of asyncio has for itself.
LOOP_SOCKETS = 2


def test_without_an_event_loop_there_is_no_async_pool(server: Server) -> None:
    pool = AsyncPool(server.url)  # making one is fine
    with pytest.raises(UsageError, match="running event loop"):
        pool.acquire()
    assert pool.size == 0


async def test_a_pool_can_be_made_anywhere_and_used_where_it_is_opened(server: Server) -> None:
    made: list[AsyncPool[Any]] = []
    thread = threading.Thread(target=lambda: made.append(AsyncPool(server.url, shared=0)))
    thread.start()
    thread.join()
    async with made[0] as pool:
        assert await pool.execute("PING") == b"PONG"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the first version with eager tasks")
def test_with_eager_tasks_a_listener_may_close_the_pool_that_is_just_being_opened() -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        closing = []

        def listen(event: Event) -> None:
            if isinstance(event, DialFailed):
                closing.append(asyncio.create_task(pool.aclose()))

        pool = AsyncPool(path="/nowhere/at/all.sock", listener=listen)  # fails without waiting for anything
        with pytest.raises((PoolClosed, ConnectFailed)):
            await pool.get("k")
        await asyncio.gather(*closing)
        assert pool.closed

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)  # daemon: it once hung, and would hang pytest
    thread.start()
    thread.join(5.0)
    assert not thread.is_alive()


class Several(uvloop.Loop):
    """An event loop that resolves one name to several addresses."""

    ports: tuple[int, ...] = ()

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        ports = self.ports if host == "several.test" else (port,)  # called for literal addresses too
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", each)) for each in ports]


@pytest.mark.parametrize("tls", [False, True])
def test_uvloop_tries_the_addresses_of_a_name_side_by_side_too(tls: bool) -> None:
    async def ask(context: ssl.SSLContext | bool) -> None:
        async with AsyncPool("redis://several.test", shared=1, tls=context, connect_timeout=5.0) as pool:
            assert await pool.ping()

    with FakeNode.full() as hole, FakeNode() as node, FaultProxy(node, tls=True) as proxy:
        context = proxy.ssl_context()
        context.check_hostname = False
        with asyncio.Runner(loop_factory=Several) as runner:
            runner.get_loop().ports = (hole.port, proxy.port if tls else node.port)  # type: ignore[attr-defined]
            runner.run(ask(context if tls else False))


async def test_one_acquire_stands_for_one_lease(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        borrowing = pool.acquire()
        async with borrowing as conn:
            assert await conn.ping()
            with pytest.raises(UsageError, match="awaited or entered before"):
                async with borrowing:
                    pass
            with pytest.raises(UsageError, match="awaited or entered before"):
                await borrowing
        with pytest.raises(UsageError, match="awaited or entered before"):
            await borrowing
        assert (pool.leased, pool.idle) == (0, 1)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("how", ["dropped in the loop", "dropped after it", "used in the next one"])
@FACTORIES
def test_a_pool_that_need_not_be_closed_leaves_nothing_at_the_end_of_its_event_loop(
    server: Server, factory: Callable[[], asyncio.AbstractEventLoop], how: str, shared: int
) -> None:
    before, clients = sockets(), server.client_count()
    pools: list[Any] = []

    async def use() -> None:
        pool = AsyncPool(server.url, warn_unclosed=False, shared=shared, max_size=4) if not pools else pools.pop()
        assert await asyncio.gather(*[pool.ping() for _ in range(10)]) == [True] * 10
        if how != "dropped in the loop":
            pools.append(pool)

    for _ in range(2):
        run_in(factory, use, "orderly")
        wait_until(lambda: server.client_count() == clients)
        if how == "dropped after it":
            pools.clear()
    pools.clear()
    gc.collect()
    assert sockets() == before  # and no warning, which would be an error


def test_what_the_end_of_a_loop_closes_is_counted(server: Server) -> None:
    pool = AsyncPool(server.url, warn_unclosed=False)

    async def use() -> None:
        assert await pool.ping()
        async with pool.acquire() as lease:
            assert await lease.ping()

    asyncio.run(use())
    stats = pool.stats()
    assert (stats.opened, stats.closed, stats.size) == (2, 2, 0)


@UVLOOPS_OWN
@FACTORIES
def test_a_dial_that_outlives_its_event_loop_ends_without_a_word(
    factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with FakeNode({"HELLO": Hold(hello)}) as node:

        async def use() -> None:
            pool = AsyncPool(node.url, warn_unclosed=False, shared=1, max_size=4)
            await pool.open(wait=False)
            async with asyncio.timeout(PATIENCE):
                while not node.calls("HELLO"):
                    await asyncio.sleep(0.001)
            pools.append(pool)

        pools: list[Any] = []
        run_in(factory, use, "abrupt")
        pools.clear()
        gc.collect()  # an error in a finaliser would fail the test


def test_a_pool_whose_tasks_are_all_cancelled_can_be_used_on(server: Server) -> None:
    async def main() -> None:
        pool = AsyncPool(server.url, warn_unclosed=False, shared=1)
        assert await pool.ping()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        assert await pool.ping()
        await pool.aclose()

    asyncio.run(main())
