# Written once: tests/threads/test_hooks.py is generated from this file.
"""What users supply: hooks, a connection class, credentials, a listener (R-36, R-37)."""

from __future__ import annotations

import asyncio
import threading
import traceback
from typing import Any

import pytest

from answers import NIL
from asyncio_.harness import LEAVING, Callers, Signal, now, wait_until
from respool import AsyncConnection, AsyncPool
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectTimeout,
    PoolClosed,
    PoolTimeout,
    ReadTimeout,
    UsageError,
    UsageTypeError,
)
from respool.events import ConnectionClosed, ConnectionOpened, DialFailed, Event, LeaseLeaked
from respool.testing import Delay, FakeNode, Hold, Server, Silence


class Trouble(Exception):
    """Raised by a user's hook."""


async def fill(pool: AsyncPool[Any], count: int) -> None:
    """Open connections until ``count`` are idle."""
    leases = [await pool.acquire() for _ in range(count)]
    for lease in leases:
        pool.release(lease)


# configure --------------------------------------------------------------------------------------------------


async def test_configure_sees_every_new_connection_once_before_anybody_else(server: Server) -> None:
    seen = []

    async def configure(conn: AsyncConnection[Any]) -> None:
        seen.append(await conn.execute("CLIENT", "ID"))
        await conn.execute("CLIENT", "TRACKING", "ON")

    async with AsyncPool(server.url, shared=0, configure=configure) as pool:
        await fill(pool, 3)
        for _ in range(3):
            async with pool.acquire() as conn:
                assert await conn.execute("CLIENT", "ID") in seen
                assert b" flags=t " in await conn.execute("CLIENT", "INFO")
        assert len(seen) == 3
        assert pool.stats().resets == 0  # the state that the hook set is normal for this pool, so no reset is needed


async def test_a_plain_function_will_do_as_a_hook(server: Server) -> None:
    calls = []
    async with AsyncPool(
        server.url,
        shared=0,
        configure=lambda conn: calls.append("configure"),
        check=lambda conn: calls.append("check"),
        reset=lambda conn: calls.append("reset"),
    ) as pool:
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: pool.idle == 1)
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: pool.idle == 1)
    assert calls.count("configure") == 1
    assert calls.count("reset") == 2
    assert calls.count("check") in (1, 2)


async def test_configure_that_raises_is_a_dial_that_failed_and_its_error_reaches_the_caller(server: Server) -> None:
    events: list[Event] = []
    fails = True

    async def configure(conn: AsyncConnection[Any]) -> None:
        if fails:
            raise Trouble("not this one")

    async with AsyncPool(server.url, shared=0, max_size=1, configure=configure, listener=events.append) as pool:
        for _ in range(3):
            with pytest.raises(Trouble):
                await pool.acquire()
            assert (pool.size, pool.leased) == (0, 0)
        with pytest.raises(Trouble):
            await pool.execute("PING")
        await wait_until(lambda: server.client_count() == 0)
        assert pool.stats().dial_failures == 4
        assert len([event for event in events if isinstance(event, DialFailed)]) == 4
        fails = False
        assert await pool.execute("PING") == b"PONG"


async def test_configure_runs_again_after_a_reset(server: Server) -> None:
    async def configure(conn: AsyncConnection[Any]) -> None:
        await conn.execute("CLIENT", "TRACKING", "ON")

    async with AsyncPool(server.url, shared=0, max_size=1, configure=configure) as pool:
        for dirt in (["MULTI"], ["CLIENT", "TRACKING", "OFF"], ["SELECT", "5"]):
            async with pool.acquire() as conn:
                await conn.execute(*dirt)
            async with pool.acquire() as conn:
                assert b" flags=t " in await conn.execute("CLIENT", "INFO")
                assert conn.db == 0
        assert (pool.stats().resets, pool.stats().opened) == (3, 1)


@pytest.mark.parametrize("words", [("SELECT", 3), ("MULTI",), ("WATCH", "k")])
async def test_configure_that_leaves_what_others_would_meet_is_refused(server: Server, words: tuple[Any, ...]) -> None:
    async def configure(conn: AsyncConnection[Any]) -> None:
        await conn.execute(*words)

    pool = AsyncPool(server.url, configure=configure)
    for call in (lambda: pool.get("k"), pool.acquire):
        with pytest.raises(UsageError, match="configure"):
            await call()
    assert (pool.shared, pool.idle, pool.leased) == (0, 0, 0)
    await pool.aclose()


async def test_a_hook_that_closes_the_pool_leaves_nothing(server: Server) -> None:
    async def close(conn: AsyncConnection[Any]) -> None:
        await pool.aclose()

    pool = AsyncPool(server.url, configure=close)
    with pytest.raises(PoolClosed):
        await pool.get("k")
    pool = AsyncPool(server.url, reset=close)
    async with pool.acquire() as conn:
        assert await conn.ping()
    await wait_until(lambda: pool.closed)
    await pool.aclose()
    assert pool.size == 0


async def test_open_fails_when_configure_does(server: Server) -> None:
    def configure(conn: AsyncConnection[Any]) -> None:
        raise Trouble

    pool = AsyncPool(server.url, shared=0, min_size=2, configure=configure)
    with pytest.raises(Trouble):
        await pool.open()
    assert pool.size == 0
    await pool.aclose()


# check ------------------------------------------------------------------------------------------------------


async def test_check_that_says_no_discards_that_connection_and_tries_another(server: Server) -> None:
    bad: list[Any] = []

    async def check(conn: AsyncConnection[Any]) -> bool:
        return await conn.execute("CLIENT", "ID") not in bad

    async with AsyncPool(server.url, shared=0, max_size=3, check=check) as pool:
        leases = [await pool.acquire() for _ in range(3)]
        ids = [await lease.execute("CLIENT", "ID") for lease in leases]
        for lease in leases:
            pool.release(lease)
        bad += ids[1:]
        assert await pool.execute("CLIENT", "ID") == ids[0]  # the last two came before it
        assert (pool.size, pool.idle) == (1, 1)
        bad.append(ids[0])
        assert await pool.execute("CLIENT", "ID") > max(ids)
        assert (pool.size, pool.idle) == (1, 1)
        assert pool.stats().lost == 0


async def test_check_that_raises_costs_one_connection_and_its_error_reaches_the_caller(server: Server) -> None:
    fails = False

    async def check(conn: AsyncConnection[Any]) -> None:
        if fails:
            raise Trouble

    async with AsyncPool(server.url, shared=0, check=check) as pool:
        await fill(pool, 3)
        fails = True
        for left in (2, 1, 0):
            with pytest.raises(Trouble):
                await pool.acquire()
            assert (pool.size, pool.idle, pool.leased) == (left, left, 0)
        fails = False
        assert await pool.execute("PING") == b"PONG"


@pytest.mark.parametrize("how", ["says no", "raises", "is out of time"])
async def test_check_that_refuses_everything_does_not_dial_without_limit(how: str) -> None:
    """A burst of ten, then ten a second: replacing a connection that a hook refused takes a token (R-07)."""

    def check(_: AsyncConnection[Any]) -> bool:
        if how == "raises":
            raise Trouble
        if how == "is out of time":
            raise TimeoutError
        return False

    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, check=check) as pool:
            started = now()
            while now() - started < (0.5 if node.connections > 10 else 20.0):
                with pytest.raises(Trouble if how == "raises" else PoolTimeout):
                    await pool.acquire(timeout=0.5 if how == "says no" else None)
            took = now() - started
            assert 10 < node.connections <= 12 + 10 * took
            assert pool.stats().lost == 0


@pytest.mark.parametrize("shared", [0, 1])
async def test_configure_that_closes_its_connection_costs_that_one_only(server: Server, shared: int) -> None:
    seen = 0

    async def configure(conn: AsyncConnection[Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            await conn.aclose()

    async with AsyncPool(server.url, shared=shared, configure=configure) as pool:
        assert await pool.execute("PING", timeout=3.0) == b"PONG"
        assert (seen, pool.size, pool.stats().lost) == (2, 1, 1)


async def test_the_time_of_a_command_in_the_configure_hook_is_told_as_that(server: Server) -> None:
    async def configure(conn: AsyncConnection[Any]) -> None:
        await conn.execute("DEBUG", "SLEEP", "0.05", timeout=0.0)

    async with AsyncPool(server.url, shared=0, configure=configure) as pool:
        with pytest.raises(ReadTimeout):
            await pool.acquire()


async def test_check_that_leaves_a_reply_behind_costs_the_connection(server: Server) -> None:
    async def check(conn: AsyncConnection[Any]) -> None:
        if dirty:
            await conn.aclose()

    dirty = False
    async with AsyncPool(server.url, shared=0, max_size=1, check=check) as pool:
        first = await pool.execute("CLIENT", "ID")
        dirty = True
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.1)
        dirty = False
        assert await pool.execute("CLIENT", "ID") > first


# reset ------------------------------------------------------------------------------------------------------


async def test_reset_runs_after_every_lease_before_the_next_one(server: Server) -> None:
    async def reset(conn: AsyncConnection[Any]) -> None:
        await conn.execute("SET", "k", "reset")

    async with AsyncPool(server.url, shared=0, max_size=1, reset=reset) as pool:
        for _ in range(3):
            async with pool.acquire() as conn:
                assert await conn.execute("SET", "k", "used")
            assert await pool.execute("GET", "k") == b"reset"
        assert pool.stats().opened == 1


async def test_reset_that_raises_discards_that_connection_only(server: Server) -> None:
    def reset(conn: AsyncConnection[Any]) -> None:
        if fails:
            raise Trouble

    fails = False
    async with AsyncPool(server.url, shared=0, reset=reset) as pool:
        await fill(pool, 3)
        await wait_until(lambda: pool.idle == 3)
        fails = True
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: (pool.size, pool.idle) == (2, 2))
        fails = False
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: (pool.size, pool.idle) == (2, 2))


async def test_reset_that_leaves_dirt_behind_costs_the_connection(server: Server) -> None:
    async def reset(conn: AsyncConnection[Any]) -> None:
        await conn.execute("WATCH", "k")

    async with AsyncPool(server.url, shared=0, reset=reset) as pool:
        assert await pool.execute("PING") == b"PONG"
        await wait_until(lambda: pool.size == 0)


async def test_a_waiter_gets_the_connection_after_the_reset(server: Server, callers: Callers) -> None:
    may_go = Signal()

    async def reset(conn: AsyncConnection[Any]) -> None:
        await may_go.wait()

    async with AsyncPool(server.url, shared=0, max_size=1, reset=reset) as pool:
        pool.release(await pool.acquire())
        caller = callers.start(pool.execute, "ECHO", "x")
        await wait_until(lambda: pool.waiting == 1)
        assert (pool.idle, pool.leased, pool.dialing) == (0, 0, 1)
        may_go.set()
        assert await caller.result() == b"x"


# The connection class ---------------------------------------------------------------------------------------


class Counting(AsyncConnection[Any]):
    """A connection with a constructor, a method and a state of its own."""

    def __init__(self, *, first: int, step: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.count = first
        self.step = step

    async def counted(self, *args: Any) -> Any:
        self.count += self.step
        return await self.execute(*args)


async def test_an_option_that_the_connection_class_does_not_take_is_told(server: Server) -> None:
    for kind, options in ((Counting, {"first": 1, "stpe": 5}), (None, {"stpe": 5})):
        with pytest.raises(UsageTypeError, match="stpe"):
            async with AsyncPool(server.url, shared=0, connection_class=kind, connection_options=options) as pool:
                await pool.execute("PING")


async def test_a_connection_class_gets_its_options_and_keeps_its_state_from_lease_to_lease(server: Server) -> None:
    async with AsyncPool(
        server.url,
        shared=0,
        max_size=1,
        connection_class=Counting,
        connection_options={"first": 10, "step": 5},
    ) as pool:
        async with pool.acquire() as conn:
            assert isinstance(conn, Counting)
            assert await conn.counted("ECHO", "x") == b"x"
            assert conn.count == 15
        async with pool.acquire() as conn:
            assert isinstance(conn, Counting)
            await conn.counted("PING")
            assert conn.count == 20
        with pytest.raises(UsageError, match="given back"):
            _ = conn.count


async def test_the_options_of_a_connection_class_reach_it_unchanged(server: Server) -> None:
    marker = object()
    got = []

    class Own(AsyncConnection[Any]):
        def __init__(self, own: Any, **options: Any) -> None:
            got.append(own)
            super().__init__(**options)

    async with AsyncPool(
        server.url, shared=0, connection_class=Own, connection_options={"own": {"a": marker}}
    ) as pool:
        assert await pool.execute("PING") == b"PONG"
    assert got[0]["a"] is marker


async def test_a_connection_class_that_is_none_is_refused() -> None:
    for kind in (int, dict, threading.Thread):
        with pytest.raises(UsageTypeError):
            AsyncPool(connection_class=kind)
    with pytest.raises(UsageTypeError):
        AsyncPool(connection_class="Connection")  # type: ignore[arg-type]


async def test_a_connection_that_cannot_be_constructed_is_a_dial_that_failed(server: Server) -> None:
    pool = AsyncPool(server.url, shared=0, max_size=1, connection_class=Counting)  # without "first"
    for _ in range(2):
        with pytest.raises(TypeError):
            await pool.acquire(timeout=2)
        assert (pool.size, pool.dialing, pool.waiting) == (0, 0, 0)
    await pool.aclose()


async def test_a_connection_class_that_forgets_its_base_is_told(server: Server) -> None:
    class Forgetful(AsyncConnection[Any]):
        def __init__(self, **options: Any) -> None:
            pass

    pool = AsyncPool(server.url, shared=0, connection_class=Forgetful)
    with pytest.raises(UsageError, match="super"):
        await pool.acquire(timeout=2)
    assert pool.size == 0
    await pool.aclose()


async def test_open_of_a_connection_class_can_be_extended(server: Server) -> None:
    class Prepared(AsyncConnection[Any]):
        async def open(self) -> None:
            await super().open()
            await self.execute("SET", "prepared", "yes")

    async with AsyncPool(server.url, shared=0, connection_class=Prepared) as pool:
        assert await pool.execute("GET", "prepared") == b"yes"


@pytest.mark.parametrize("how", ["configure", "open"])
async def test_what_was_prepared_is_found_by_every_lease(server: Server, how: str) -> None:
    async def configure(conn: AsyncConnection[Any]) -> None:
        await conn.execute("CLIENT", "NO-TOUCH", "ON")

    class Prepared(AsyncConnection[Any]):
        async def open(self) -> None:
            await super().open()
            await configure(self)

    ways: dict[str, Any] = {"configure": {"configure": configure}, "open": {"connection_class": Prepared}}

    async def nothing(conn: AsyncConnection[Any]) -> None:
        assert conn.is_clean

    async def reset(conn: AsyncConnection[Any]) -> None:
        await conn.reset()
        assert not conn.is_clean

    async def watch(conn: AsyncConnection[Any]) -> None:
        await conn.execute("WATCH", "k")

    async with AsyncPool(server.url, shared=0, max_size=1, **ways[how]) as pool:
        for use in (nothing, nothing, reset, watch, nothing):
            async with pool.acquire() as conn:
                assert b" flags=T " in await conn.execute("CLIENT", "INFO")
                await use(conn)
        assert (pool.stats().opened, pool.stats().resets) == ((1, 2) if how == "configure" else (3, 0))


async def test_open_of_a_connection_class_that_leaves_what_others_would_meet_is_refused(server: Server) -> None:
    class Watching(AsyncConnection[Any]):
        async def open(self) -> None:
            await super().open()
            await self.execute("WATCH", "k")

    pool = AsyncPool(server.url, shared=0, connection_class=Watching)
    with pytest.raises(UsageError, match=r"Watching\.open\(\) left"):
        await pool.acquire()
    assert pool.size == 0
    await pool.aclose()


async def test_open_of_a_connection_class_that_raises_leaves_nothing(server: Server) -> None:
    class Failing(AsyncConnection[Any]):
        async def open(self) -> None:
            await super().open()
            raise Trouble

    pool = AsyncPool(server.url, shared=0, connection_class=Failing)
    with pytest.raises(Trouble):
        await pool.execute("PING")
    assert pool.size == 0
    await wait_until(lambda: server.client_count() == 0)
    await pool.aclose()


async def test_open_of_a_connection_class_that_forgets_its_base_is_told(server: Server) -> None:
    class Forgetful(AsyncConnection[Any]):
        async def open(self) -> None:
            pass

    pool = AsyncPool(server.url, connection_class=Forgetful)
    for call in (lambda: pool.get("k"), pool.acquire):
        with pytest.raises(UsageError, match="super"):
            await call()
    assert (pool.shared, pool.idle, pool.leased) == (0, 0, 0)
    await pool.aclose()


# Credentials ------------------------------------------------------------------------------------------------


async def test_credentials_are_asked_at_every_dial_so_they_can_rotate(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">one", "~*", "+@all")
    asked = []
    today = ("ann", "one")

    def credentials() -> tuple[str, str]:
        asked.append(today)
        return today

    async with AsyncPool(server.url, shared=0, max_size=4, credentials=credentials) as pool:
        assert await pool.execute("ACL", "WHOAMI") == b"ann"
        assert await pool.execute("ACL", "WHOAMI") == b"ann"
        assert len(asked) == 1
        server.command("ACL", "SETUSER", "ann", "resetpass", ">two")
        today = ("ann", "two")
        await fill(pool, 3)
        assert asked == [("ann", "one"), ("ann", "two"), ("ann", "two")]
        today = ("ann", "wrong")
        leases = [await pool.acquire() for _ in range(3)]
        with pytest.raises(AuthenticationFailed):
            await pool.acquire()
        for lease in leases:
            pool.release(lease)
        assert (pool.idle, pool.size) == (3, 3)
    server.command("ACL", "DELUSER", "ann")


async def test_a_password_alone_is_for_the_default_user() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, credentials=lambda: "secret") as pool:
            assert await pool.execute("PING") == b"PONG"
        assert [seen.command[1:] for seen in node.calls("HELLO")] == [(b"3", b"AUTH", b"default", b"secret")]


async def test_credentials_may_say_that_none_are_needed() -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, credentials=lambda: None) as pool:
            assert await pool.execute("PING") == b"PONG"
        assert [seen.command[1:] for seen in node.calls("HELLO")] == [(b"3",)]


async def test_credentials_that_raise_or_make_no_sense_are_a_dial_that_failed(server: Server) -> None:
    def fail() -> str:
        raise Trouble

    for credentials, error in ((fail, Trouble), (lambda: 7, UsageError), (lambda: ("a", 7), UsageError)):
        pool = AsyncPool(server.url, shared=0, credentials=credentials)
        with pytest.raises(error):
            await pool.acquire(timeout=2)
        assert pool.size == 0
        await wait_until(lambda: server.client_count() == 0)
        await pool.aclose()


@pytest.mark.filterwarnings("ignore:Exception in thread respool-dial")  # the test makes it end that way
async def test_credentials_that_end_the_dial_are_a_dial_that_failed() -> None:
    asked = []

    def credentials() -> str:
        asked.append(1)
        raise LEAVING

    with FakeNode() as node:
        pool = AsyncPool(node.url, credentials=credentials)
        with pytest.raises(UsageError, match=LEAVING.__name__) as caught:
            await pool.get("k")
        assert isinstance(caught.value.__cause__, LEAVING)
        assert pool.stats().dial_failures == len(asked) <= 2
        await pool.aclose()


async def test_wrong_credentials_do_not_start_a_storm() -> None:
    with FakeNode({"HELLO": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"}) as node:
        pool = AsyncPool(node.url, shared=0, min_size=4, password="wrong")
        await pool.open(wait=False)
        started = now()
        with pytest.raises((AuthenticationFailed, PoolTimeout)):
            await pool.acquire(timeout=0.5)
        await wait_until(lambda: now() - started > 0.3)
        assert len(node.calls("HELLO")) <= 12
        await pool.aclose()


class Beyond(BaseException):
    """A BaseException that is neither an Exception nor one of ``ENDINGS``."""


#: Exceptions of users' code that ``except Exception`` does not catch.
BEYOND = pytest.mark.parametrize("kind", [Trouble, SystemExit, asyncio.CancelledError, GeneratorExit, Beyond])


@BEYOND
@pytest.mark.parametrize("shared", [0, 1])
async def test_whatever_the_listener_raises_is_dropped(server: Server, shared: int, kind: type[BaseException]) -> None:
    heard: list[Event] = []

    def listener(event: Event) -> None:
        heard.append(event)
        raise kind

    async with AsyncPool(server.url, shared=shared, min_size=2, listener=listener, max_idle=0.05) as pool:
        assert await pool.execute("PING") == b"PONG"
        before = pool.stats().opened
        server.command("CLIENT", "KILL", "TYPE", "normal")
        assert await pool.execute("PING") == b"PONG"  # with threads, only a caller notices
        await wait_until(lambda: pool.stats().opened > before)
        async with pool.acquire(), pool.acquire(), pool.acquire():
            pass
        # Maintenance still runs: it closes connections that are not needed any more.
        await wait_until(lambda: any(isinstance(e, ConnectionClosed) and e.reason == "idle" for e in heard))
        assert await pool.execute("PING") == b"PONG"
    assert pool.size == 0


@BEYOND
@pytest.mark.parametrize("hook", ["configure", "reset"])
async def test_whatever_a_hook_raises_costs_its_connection_and_nothing_else(
    server: Server, hook: str, kind: type[BaseException]
) -> None:
    calls = []

    def work(conn: AsyncConnection[Any]) -> None:
        calls.append(conn)
        if len(calls) == 1:
            raise kind

    async with AsyncPool(server.url, shared=0, max_size=2, **{hook: work}) as pool:  # type: ignore[arg-type]
        try:
            await pool.execute("PING")
        except (Trouble, UsageError):
            assert hook == "configure"
        await wait_until(lambda: pool.dialing == 0)
        assert await pool.execute("ECHO", "next", timeout=5.0) == b"next"
        await wait_until(lambda: pool.dialing == 0)
        assert pool.size == pool.idle == 1


# The listener -----------------------------------------------------------------------------------------------


async def test_the_listener_hears_of_every_connection(server: Server) -> None:
    events: list[Event] = []
    async with AsyncPool(server.url, shared=0, listener=events.append) as pool:
        await fill(pool, 2)
        await pool.clear()
        async with pool.acquire() as conn:
            await conn.aclose()
    opened = [event for event in events if isinstance(event, ConnectionOpened)]
    closed = [event for event in events if isinstance(event, ConnectionClosed)]
    assert len(opened) == len(closed) == 3
    assert all(0 <= event.took < 2 for event in opened)
    assert sorted(event.reason for event in closed) == ["broken", "cleared", "cleared"]
    assert {event.address for event in events} == {f"127.0.0.1:{server.port}"}


async def test_a_listener_that_raises_does_no_harm(server: Server) -> None:
    def listen(event: Event) -> None:
        raise Trouble

    async with AsyncPool(server.url, shared=0, max_size=2, listener=listen) as pool:
        for _ in range(5):
            assert await pool.execute("PING") == b"PONG"
        await pool.clear()
        assert await pool.execute("PING") == b"PONG"
        assert pool.size == 1


async def test_a_listener_may_ask_the_pool(server: Server) -> None:
    sizes = []

    def listen(event: Event) -> None:
        sizes.append((pool.size, pool.stats().opened, repr(pool)))

    pool = AsyncPool(server.url, shared=0, listener=listen)
    async with pool:
        await fill(pool, 2)
        await pool.clear()
    assert len(sizes) == 4


# Slow hooks -------------------------------------------------------------------------------------------------


async def test_a_caller_does_not_wait_longer_than_it_may_for_a_slow_configure(server: Server) -> None:
    may_go = Signal()

    async def configure(conn: AsyncConnection[Any]) -> None:
        await may_go.wait()

    async with AsyncPool(server.url, shared=0, configure=configure) as pool:
        started = now()
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.05)
        assert now() - started < 1.5  # and not connect_timeout
        assert pool.dialing == 1
        may_go.set()
        await wait_until(lambda: pool.idle == 1)
        assert await pool.execute("PING") == b"PONG"


async def test_a_slow_dial_holds_nobody_up_who_could_be_served(callers: Callers) -> None:
    with FakeNode({"GET": NIL, "RESET": Hold(b"+RESET\r\n"), "WATCH": b"+OK\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=2) as pool:
            async with pool.acquire() as conn:
                await conn.execute("WATCH", "k")
            await wait_until(lambda: node.calls("RESET"))
            started = now()
            assert await pool.get("k") is None  # on a second connection, while the first is made clean
            assert now() - started < 1.8  # and not connect_timeout
            node.release()
            await wait_until(lambda: pool.idle == 2)


async def test_a_leak_is_told_to_the_listener(server: Server) -> None:
    events: list[Event] = []
    async with AsyncPool(server.url, shared=0, listener=events.append, trace_leases=True) as pool:
        with pytest.warns(ResourceWarning, match="never given back"):
            await pool.acquire()
        await wait_until(lambda: pool.leased == 0)
    leaked = [event for event in events if isinstance(event, LeaseLeaked)]
    assert len(leaked) == 1
    assert "test_a_leak_is_told_to_the_listener" in leaked[0].borrowed_at


async def test_a_dial_error_names_the_address_and_no_secret() -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, password="hunter2", shared=0)
    with pytest.raises(ConnectFailed) as caught:
        await pool.acquire()
    assert f"127.0.0.1:{node.port}" in str(caught.value)
    assert "hunter2" not in f"{caught.value!r} {pool!r} {pool.stats()!r} {pool._options!r}"
    await pool.aclose()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("options", [{"password": "hunter2"}, {"credentials": lambda: ["hunter2"]}])
async def test_no_local_variable_in_the_traceback_of_a_failed_dial_holds_a_secret(
    server: Server, options: dict[str, Any], protocol: Any
) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">one", "~*", "+@all")
    named = {"username": "ann"} if "password" in options else {}
    pool = AsyncPool(server.url, protocol=protocol, **named, **options)
    with pytest.raises((AuthenticationFailed, UsageError)) as caught:
        await pool.acquire()
    error: BaseException | None = caught.value
    while error is not None:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        for frame in trace.stack:
            if frame.filename != __file__:
                assert not [name for name, value in (frame.locals or {}).items() if "hunter2" in value], frame
        error = error.__cause__
    await pool.aclose()
    server.command("ACL", "DELUSER", "ann")


# The time of hooks --------------------------------------------------------------------------------------------


async def test_a_check_that_is_never_answered_ends_with_the_callers_time(callers: Callers) -> None:
    async def check(conn: AsyncConnection[Any]) -> None:
        await conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, check=check, read_timeout=30.0) as pool:
            started = now()
            with pytest.raises(PoolTimeout):
                await pool.acquire(0.2)
            assert now() - started < 5.0
            assert (pool.leased, pool.dialing, pool.stats().timeouts) == (0, 0, 1)


async def test_all_commands_of_a_check_together_end_with_the_callers_time(callers: Callers) -> None:
    async def check(conn: AsyncConnection[Any]) -> None:
        for _ in range(100):
            await conn.execute_many([("GET", "k"), ("GET", "k")])
            await conn.execute("GET", "k", timeout=30.0)

    with FakeNode({"GET": Delay(0.1, NIL)}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, check=check) as pool:
            started = now()
            with pytest.raises(PoolTimeout):
                await pool.acquire(0.5)
            assert now() - started < 5.0


async def test_a_check_that_is_answered_in_time_changes_nothing(server: Server) -> None:
    async def check(conn: AsyncConnection[Any]) -> None:
        assert await conn.execute_many([("ECHO", "a"), ("ECHO", "b")]) == [b"a", b"b"]
        assert await conn.execute("BLPOP", "nothing", 0.01) is None

    async with AsyncPool(server.url, shared=0, max_size=1, check=check) as pool:
        for _ in range(2):
            async with pool.acquire(5.0) as conn:
                assert await conn.execute("ECHO", "x") == b"x"
        assert (pool.stats().opened, pool.stats().leases) == (1, 2)


async def test_a_hook_gets_bytes_where_it_asks_for_them(server: Server) -> None:
    got: list[Any] = []

    async def check(conn: AsyncConnection[Any]) -> None:
        await conn.set("k", b"\xff")
        raw = conn.using(encoding=None)
        got.append(type(await conn.dump("k")))
        got.append(await raw.get("k"))
        got.append(await raw.execute_many([("GET", "k"), ("ECHO", "a")]))
        got.append(await raw.execute_many([("GET", "k")], atomic=True))

    async with AsyncPool(server.url, shared=0, max_size=1, encoding="utf-8", check=check) as pool:
        for _ in range(2):
            async with pool.acquire(5.0) as conn:
                assert await conn.execute("ECHO", "x") == "x"
    assert got[:4] == [bytes, b"\xff", [b"\xff", b"a"], [b"\xff"]]


async def test_a_reset_that_is_never_answered_ends_after_connect_timeout(callers: Callers) -> None:
    async def reset(conn: AsyncConnection[Any]) -> None:
        await conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        options: dict[str, Any] = {"connect_timeout": 0.2, "read_timeout": 30.0}
        async with AsyncPool(node.url, shared=0, max_size=1, reset=reset, **options) as pool:
            started = now()
            pool.release(await pool.acquire())
            pool.release(await pool.acquire(20.0))
            assert now() - started < 5.0
            assert pool.stats().opened == 2


async def test_a_configure_that_is_never_answered_is_a_connect_timeout(callers: Callers) -> None:
    async def configure(conn: AsyncConnection[Any]) -> None:
        await conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        options: dict[str, Any] = {"connect_timeout": 0.2, "read_timeout": 30.0}
        pool: AsyncPool[bytes] = AsyncPool(node.url, shared=0, max_size=1, configure=configure, **options)
        started = now()
        with pytest.raises(ConnectTimeout, match="the configure hook took too long"):
            await pool.acquire(20.0)
        assert now() - started < 5.0
        await pool.aclose()
