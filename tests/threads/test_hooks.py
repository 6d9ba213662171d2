# Generated from tests/asyncio_/test_hooks.py by tools/generate.py. Do not edit.
"""What users supply: hooks, a connection class, credentials, a listener (R-36, R-37)."""

from __future__ import annotations

import asyncio
import threading
import traceback
from typing import Any

import pytest

from answers import NIL
from threads.harness import LEAVING, Callers, Signal, now, wait_until
from respool import Connection, Pool
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


def fill(pool: Pool[Any], count: int) -> None:
    """Open connections until ``count`` are idle."""
    leases = [pool.acquire() for _ in range(count)]
    for lease in leases:
        pool.release(lease)


# configure --------------------------------------------------------------------------------------------------


def test_configure_sees_every_new_connection_once_before_anybody_else(server: Server) -> None:
    seen = []

    def configure(conn: Connection[Any]) -> None:
        seen.append(conn.execute("CLIENT", "ID"))
        conn.execute("CLIENT", "TRACKING", "ON")

    with Pool(server.url, shared=0, configure=configure) as pool:
        fill(pool, 3)
        for _ in range(3):
            with pool.acquire() as conn:
                assert conn.execute("CLIENT", "ID") in seen
                assert b" flags=t " in conn.execute("CLIENT", "INFO")
        assert len(seen) == 3
        assert pool.stats().resets == 0  # the state that the hook set is normal for this pool, so no reset is needed


def test_a_plain_function_will_do_as_a_hook(server: Server) -> None:
    calls = []
    with Pool(
        server.url,
        shared=0,
        configure=lambda conn: calls.append("configure"),
        check=lambda conn: calls.append("check"),
        reset=lambda conn: calls.append("reset"),
    ) as pool:
        assert pool.execute("PING") == b"PONG"
        wait_until(lambda: pool.idle == 1)
        assert pool.execute("PING") == b"PONG"
        wait_until(lambda: pool.idle == 1)
    assert calls.count("configure") == 1
    assert calls.count("reset") == 2
    assert calls.count("check") in (1, 2)


def test_configure_that_raises_is_a_dial_that_failed_and_its_error_reaches_the_caller(server: Server) -> None:
    events: list[Event] = []
    fails = True

    def configure(conn: Connection[Any]) -> None:
        if fails:
            raise Trouble("not this one")

    with Pool(server.url, shared=0, max_size=1, configure=configure, listener=events.append) as pool:
        for _ in range(3):
            with pytest.raises(Trouble):
                pool.acquire()
            assert (pool.size, pool.leased) == (0, 0)
        with pytest.raises(Trouble):
            pool.execute("PING")
        wait_until(lambda: server.client_count() == 0)
        assert pool.stats().dial_failures == 4
        assert len([event for event in events if isinstance(event, DialFailed)]) == 4
        fails = False
        assert pool.execute("PING") == b"PONG"


def test_configure_runs_again_after_a_reset(server: Server) -> None:
    def configure(conn: Connection[Any]) -> None:
        conn.execute("CLIENT", "TRACKING", "ON")

    with Pool(server.url, shared=0, max_size=1, configure=configure) as pool:
        for dirt in (["MULTI"], ["CLIENT", "TRACKING", "OFF"], ["SELECT", "5"]):
            with pool.acquire() as conn:
                conn.execute(*dirt)
            with pool.acquire() as conn:
                assert b" flags=t " in conn.execute("CLIENT", "INFO")
                assert conn.db == 0
        assert (pool.stats().resets, pool.stats().opened) == (3, 1)


@pytest.mark.parametrize("words", [("SELECT", 3), ("MULTI",), ("WATCH", "k")])
def test_configure_that_leaves_what_others_would_meet_is_refused(server: Server, words: tuple[Any, ...]) -> None:
    def configure(conn: Connection[Any]) -> None:
        conn.execute(*words)

    pool = Pool(server.url, configure=configure)
    for call in (lambda: pool.get("k"), pool.acquire):
        with pytest.raises(UsageError, match="configure"):
            call()
    assert (pool.shared, pool.idle, pool.leased) == (0, 0, 0)
    pool.close()


def test_a_hook_that_closes_the_pool_leaves_nothing(server: Server) -> None:
    def close(conn: Connection[Any]) -> None:
        pool.close()

    pool = Pool(server.url, configure=close)
    with pytest.raises(PoolClosed):
        pool.get("k")
    pool = Pool(server.url, reset=close)
    with pool.acquire() as conn:
        assert conn.ping()
    wait_until(lambda: pool.closed)
    pool.close()
    assert pool.size == 0


def test_open_fails_when_configure_does(server: Server) -> None:
    def configure(conn: Connection[Any]) -> None:
        raise Trouble

    pool = Pool(server.url, shared=0, min_size=2, configure=configure)
    with pytest.raises(Trouble):
        pool.open()
    assert pool.size == 0
    pool.close()


# check ------------------------------------------------------------------------------------------------------


def test_check_that_says_no_discards_that_connection_and_tries_another(server: Server) -> None:
    bad: list[Any] = []

    def check(conn: Connection[Any]) -> bool:
        return conn.execute("CLIENT", "ID") not in bad

    with Pool(server.url, shared=0, max_size=3, check=check) as pool:
        leases = [pool.acquire() for _ in range(3)]
        ids = [lease.execute("CLIENT", "ID") for lease in leases]
        for lease in leases:
            pool.release(lease)
        bad += ids[1:]
        assert pool.execute("CLIENT", "ID") == ids[0]  # the last two came before it
        assert (pool.size, pool.idle) == (1, 1)
        bad.append(ids[0])
        assert pool.execute("CLIENT", "ID") > max(ids)
        assert (pool.size, pool.idle) == (1, 1)
        assert pool.stats().lost == 0


def test_check_that_raises_costs_one_connection_and_its_error_reaches_the_caller(server: Server) -> None:
    fails = False

    def check(conn: Connection[Any]) -> None:
        if fails:
            raise Trouble

    with Pool(server.url, shared=0, check=check) as pool:
        fill(pool, 3)
        fails = True
        for left in (2, 1, 0):
            with pytest.raises(Trouble):
                pool.acquire()
            assert (pool.size, pool.idle, pool.leased) == (left, left, 0)
        fails = False
        assert pool.execute("PING") == b"PONG"


@pytest.mark.parametrize("how", ["says no", "raises", "is out of time"])
def test_check_that_refuses_everything_does_not_dial_without_limit(how: str) -> None:
    """A burst of ten, then ten a second: replacing a connection that a hook refused takes a token (R-07)."""

    def check(_: Connection[Any]) -> bool:
        if how == "raises":
            raise Trouble
        if how == "is out of time":
            raise TimeoutError
        return False

    with FakeNode() as node:
        with Pool(node.url, shared=0, check=check) as pool:
            started = now()
            while now() - started < (0.5 if node.connections > 10 else 20.0):
                with pytest.raises(Trouble if how == "raises" else PoolTimeout):
                    pool.acquire(timeout=0.5 if how == "says no" else None)
            took = now() - started
            assert 10 < node.connections <= 12 + 10 * took
            assert pool.stats().lost == 0


@pytest.mark.parametrize("shared", [0, 1])
def test_configure_that_closes_its_connection_costs_that_one_only(server: Server, shared: int) -> None:
    seen = 0

    def configure(conn: Connection[Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            conn.close()

    with Pool(server.url, shared=shared, configure=configure) as pool:
        assert pool.execute("PING", timeout=3.0) == b"PONG"
        assert (seen, pool.size, pool.stats().lost) == (2, 1, 1)


def test_the_time_of_a_command_in_the_configure_hook_is_told_as_that(server: Server) -> None:
    def configure(conn: Connection[Any]) -> None:
        conn.execute("DEBUG", "SLEEP", "0.05", timeout=0.0)

    with Pool(server.url, shared=0, configure=configure) as pool:
        with pytest.raises(ReadTimeout):
            pool.acquire()


def test_check_that_leaves_a_reply_behind_costs_the_connection(server: Server) -> None:
    def check(conn: Connection[Any]) -> None:
        if dirty:
            conn.close()

    dirty = False
    with Pool(server.url, shared=0, max_size=1, check=check) as pool:
        first = pool.execute("CLIENT", "ID")
        dirty = True
        with pytest.raises(PoolTimeout):
            pool.acquire(timeout=0.1)
        dirty = False
        assert pool.execute("CLIENT", "ID") > first


# reset ------------------------------------------------------------------------------------------------------


def test_reset_runs_after_every_lease_before_the_next_one(server: Server) -> None:
    def reset(conn: Connection[Any]) -> None:
        conn.execute("SET", "k", "reset")

    with Pool(server.url, shared=0, max_size=1, reset=reset) as pool:
        for _ in range(3):
            with pool.acquire() as conn:
                assert conn.execute("SET", "k", "used")
            assert pool.execute("GET", "k") == b"reset"
        assert pool.stats().opened == 1


def test_reset_that_raises_discards_that_connection_only(server: Server) -> None:
    def reset(conn: Connection[Any]) -> None:
        if fails:
            raise Trouble

    fails = False
    with Pool(server.url, shared=0, reset=reset) as pool:
        fill(pool, 3)
        wait_until(lambda: pool.idle == 3)
        fails = True
        assert pool.execute("PING") == b"PONG"
        wait_until(lambda: (pool.size, pool.idle) == (2, 2))
        fails = False
        assert pool.execute("PING") == b"PONG"
        wait_until(lambda: (pool.size, pool.idle) == (2, 2))


def test_reset_that_leaves_dirt_behind_costs_the_connection(server: Server) -> None:
    def reset(conn: Connection[Any]) -> None:
        conn.execute("WATCH", "k")

    with Pool(server.url, shared=0, reset=reset) as pool:
        assert pool.execute("PING") == b"PONG"
        wait_until(lambda: pool.size == 0)


def test_a_waiter_gets_the_connection_after_the_reset(server: Server, callers: Callers) -> None:
    may_go = Signal()

    def reset(conn: Connection[Any]) -> None:
        may_go.wait()

    with Pool(server.url, shared=0, max_size=1, reset=reset) as pool:
        pool.release(pool.acquire())
        caller = callers.start(pool.execute, "ECHO", "x")
        wait_until(lambda: pool.waiting == 1)
        assert (pool.idle, pool.leased, pool.dialing) == (0, 0, 1)
        may_go.set()
        assert caller.result() == b"x"


# The connection class ---------------------------------------------------------------------------------------


class Counting(Connection[Any]):
    """A connection with a constructor, a method and a state of its own."""

    def __init__(self, *, first: int, step: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.count = first
        self.step = step

    def counted(self, *args: Any) -> Any:
        self.count += self.step
        return self.execute(*args)


def test_an_option_that_the_connection_class_does_not_take_is_told(server: Server) -> None:
    for kind, options in ((Counting, {"first": 1, "stpe": 5}), (None, {"stpe": 5})):
        with pytest.raises(UsageTypeError, match="stpe"):
            with Pool(server.url, shared=0, connection_class=kind, connection_options=options) as pool:
                pool.execute("PING")


def test_a_connection_class_gets_its_options_and_keeps_its_state_from_lease_to_lease(server: Server) -> None:
    with Pool(
        server.url,
        shared=0,
        max_size=1,
        connection_class=Counting,
        connection_options={"first": 10, "step": 5},
    ) as pool:
        with pool.acquire() as conn:
            assert isinstance(conn, Counting)
            assert conn.counted("ECHO", "x") == b"x"
            assert conn.count == 15
        with pool.acquire() as conn:
            assert isinstance(conn, Counting)
            conn.counted("PING")
            assert conn.count == 20
        with pytest.raises(UsageError, match="given back"):
            _ = conn.count


def test_the_options_of_a_connection_class_reach_it_unchanged(server: Server) -> None:
    marker = object()
    got = []

    class Own(Connection[Any]):
        def __init__(self, own: Any, **options: Any) -> None:
            got.append(own)
            super().__init__(**options)

    with Pool(
        server.url, shared=0, connection_class=Own, connection_options={"own": {"a": marker}}
    ) as pool:
        assert pool.execute("PING") == b"PONG"
    assert got[0]["a"] is marker


def test_a_connection_class_that_is_none_is_refused() -> None:
    for kind in (int, dict, threading.Thread):
        with pytest.raises(UsageTypeError):
            Pool(connection_class=kind)
    with pytest.raises(UsageTypeError):
        Pool(connection_class="Connection")  # type: ignore[arg-type]


def test_a_connection_that_cannot_be_constructed_is_a_dial_that_failed(server: Server) -> None:
    pool = Pool(server.url, shared=0, max_size=1, connection_class=Counting)  # without "first"
    for _ in range(2):
        with pytest.raises(TypeError):
            pool.acquire(timeout=2)
        assert (pool.size, pool.dialing, pool.waiting) == (0, 0, 0)
    pool.close()


def test_a_connection_class_that_forgets_its_base_is_told(server: Server) -> None:
    class Forgetful(Connection[Any]):
        def __init__(self, **options: Any) -> None:
            pass

    pool = Pool(server.url, shared=0, connection_class=Forgetful)
    with pytest.raises(UsageError, match="super"):
        pool.acquire(timeout=2)
    assert pool.size == 0
    pool.close()


def test_open_of_a_connection_class_can_be_extended(server: Server) -> None:
    class Prepared(Connection[Any]):
        def open(self) -> None:
            super().open()
            self.execute("SET", "prepared", "yes")

    with Pool(server.url, shared=0, connection_class=Prepared) as pool:
        assert pool.execute("GET", "prepared") == b"yes"


@pytest.mark.parametrize("how", ["configure", "open"])
def test_what_was_prepared_is_found_by_every_lease(server: Server, how: str) -> None:
    def configure(conn: Connection[Any]) -> None:
        conn.execute("CLIENT", "NO-TOUCH", "ON")

    class Prepared(Connection[Any]):
        def open(self) -> None:
            super().open()
            configure(self)

    ways: dict[str, Any] = {"configure": {"configure": configure}, "open": {"connection_class": Prepared}}

    def nothing(conn: Connection[Any]) -> None:
        assert conn.is_clean

    def reset(conn: Connection[Any]) -> None:
        conn.reset()
        assert not conn.is_clean

    def watch(conn: Connection[Any]) -> None:
        conn.execute("WATCH", "k")

    with Pool(server.url, shared=0, max_size=1, **ways[how]) as pool:
        for use in (nothing, nothing, reset, watch, nothing):
            with pool.acquire() as conn:
                assert b" flags=T " in conn.execute("CLIENT", "INFO")
                use(conn)
        assert (pool.stats().opened, pool.stats().resets) == ((1, 2) if how == "configure" else (3, 0))


def test_open_of_a_connection_class_that_leaves_what_others_would_meet_is_refused(server: Server) -> None:
    class Watching(Connection[Any]):
        def open(self) -> None:
            super().open()
            self.execute("WATCH", "k")

    pool = Pool(server.url, shared=0, connection_class=Watching)
    with pytest.raises(UsageError, match=r"Watching\.open\(\) left"):
        pool.acquire()
    assert pool.size == 0
    pool.close()


def test_open_of_a_connection_class_that_raises_leaves_nothing(server: Server) -> None:
    class Failing(Connection[Any]):
        def open(self) -> None:
            super().open()
            raise Trouble

    pool = Pool(server.url, shared=0, connection_class=Failing)
    with pytest.raises(Trouble):
        pool.execute("PING")
    assert pool.size == 0
    wait_until(lambda: server.client_count() == 0)
    pool.close()


def test_open_of_a_connection_class_that_forgets_its_base_is_told(server: Server) -> None:
    class Forgetful(Connection[Any]):
        def open(self) -> None:
            pass

    pool = Pool(server.url, connection_class=Forgetful)
    for call in (lambda: pool.get("k"), pool.acquire):
        with pytest.raises(UsageError, match="super"):
            call()
    assert (pool.shared, pool.idle, pool.leased) == (0, 0, 0)
    pool.close()


# Credentials ------------------------------------------------------------------------------------------------


def test_credentials_are_asked_at_every_dial_so_they_can_rotate(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">one", "~*", "+@all")
    asked = []
    today = ("ann", "one")

    def credentials() -> tuple[str, str]:
        asked.append(today)
        return today

    with Pool(server.url, shared=0, max_size=4, credentials=credentials) as pool:
        assert pool.execute("ACL", "WHOAMI") == b"ann"
        assert pool.execute("ACL", "WHOAMI") == b"ann"
        assert len(asked) == 1
        server.command("ACL", "SETUSER", "ann", "resetpass", ">two")
        today = ("ann", "two")
        fill(pool, 3)
        assert asked == [("ann", "one"), ("ann", "two"), ("ann", "two")]
        today = ("ann", "wrong")
        leases = [pool.acquire() for _ in range(3)]
        with pytest.raises(AuthenticationFailed):
            pool.acquire()
        for lease in leases:
            pool.release(lease)
        assert (pool.idle, pool.size) == (3, 3)
    server.command("ACL", "DELUSER", "ann")


def test_a_password_alone_is_for_the_default_user() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=0, credentials=lambda: "secret") as pool:
            assert pool.execute("PING") == b"PONG"
        assert [seen.command[1:] for seen in node.calls("HELLO")] == [(b"3", b"AUTH", b"default", b"secret")]


def test_credentials_may_say_that_none_are_needed() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=0, credentials=lambda: None) as pool:
            assert pool.execute("PING") == b"PONG"
        assert [seen.command[1:] for seen in node.calls("HELLO")] == [(b"3",)]


def test_credentials_that_raise_or_make_no_sense_are_a_dial_that_failed(server: Server) -> None:
    def fail() -> str:
        raise Trouble

    for credentials, error in ((fail, Trouble), (lambda: 7, UsageError), (lambda: ("a", 7), UsageError)):
        pool = Pool(server.url, shared=0, credentials=credentials)
        with pytest.raises(error):
            pool.acquire(timeout=2)
        assert pool.size == 0
        wait_until(lambda: server.client_count() == 0)
        pool.close()


@pytest.mark.filterwarnings("ignore:Exception in thread respool-dial")  # the test makes it end that way
def test_credentials_that_end_the_dial_are_a_dial_that_failed() -> None:
    asked = []

    def credentials() -> str:
        asked.append(1)
        raise LEAVING

    with FakeNode() as node:
        pool = Pool(node.url, credentials=credentials)
        with pytest.raises(UsageError, match=LEAVING.__name__) as caught:
            pool.get("k")
        assert isinstance(caught.value.__cause__, LEAVING)
        assert pool.stats().dial_failures == len(asked) <= 2
        pool.close()


def test_wrong_credentials_do_not_start_a_storm() -> None:
    with FakeNode({"HELLO": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"}) as node:
        pool = Pool(node.url, shared=0, min_size=4, password="wrong")
        pool.open(wait=False)
        started = now()
        with pytest.raises((AuthenticationFailed, PoolTimeout)):
            pool.acquire(timeout=0.5)
        wait_until(lambda: now() - started > 0.3)
        assert len(node.calls("HELLO")) <= 12
        pool.close()


class Beyond(BaseException):
    """A BaseException that is neither an Exception nor one of ``ENDINGS``."""


#: Exceptions of users' code that ``except Exception`` does not catch.
BEYOND = pytest.mark.parametrize("kind", [Trouble, SystemExit, asyncio.CancelledError, GeneratorExit, Beyond])


@BEYOND
@pytest.mark.parametrize("shared", [0, 1])
def test_whatever_the_listener_raises_is_dropped(server: Server, shared: int, kind: type[BaseException]) -> None:
    heard: list[Event] = []

    def listener(event: Event) -> None:
        heard.append(event)
        raise kind

    with Pool(server.url, shared=shared, min_size=2, listener=listener, max_idle=0.05) as pool:
        assert pool.execute("PING") == b"PONG"
        before = pool.stats().opened
        server.command("CLIENT", "KILL", "TYPE", "normal")
        assert pool.execute("PING") == b"PONG"  # with threads, only a caller notices
        wait_until(lambda: pool.stats().opened > before)
        with pool.acquire(), pool.acquire(), pool.acquire():
            pass
        # Maintenance still runs: it closes connections that are not needed any more.
        wait_until(lambda: any(isinstance(e, ConnectionClosed) and e.reason == "idle" for e in heard))
        assert pool.execute("PING") == b"PONG"
    assert pool.size == 0


@BEYOND
@pytest.mark.parametrize("hook", ["configure", "reset"])
def test_whatever_a_hook_raises_costs_its_connection_and_nothing_else(
    server: Server, hook: str, kind: type[BaseException]
) -> None:
    calls = []

    def work(conn: Connection[Any]) -> None:
        calls.append(conn)
        if len(calls) == 1:
            raise kind

    with Pool(server.url, shared=0, max_size=2, **{hook: work}) as pool:  # type: ignore[arg-type]
        try:
            pool.execute("PING")
        except (Trouble, UsageError):
            assert hook == "configure"
        wait_until(lambda: pool.dialing == 0)
        assert pool.execute("ECHO", "next", timeout=5.0) == b"next"
        wait_until(lambda: pool.dialing == 0)
        assert pool.size == pool.idle == 1


# The listener -----------------------------------------------------------------------------------------------


def test_the_listener_hears_of_every_connection(server: Server) -> None:
    events: list[Event] = []
    with Pool(server.url, shared=0, listener=events.append) as pool:
        fill(pool, 2)
        pool.clear()
        with pool.acquire() as conn:
            conn.close()
    opened = [event for event in events if isinstance(event, ConnectionOpened)]
    closed = [event for event in events if isinstance(event, ConnectionClosed)]
    assert len(opened) == len(closed) == 3
    assert all(0 <= event.took < 2 for event in opened)
    assert sorted(event.reason for event in closed) == ["broken", "cleared", "cleared"]
    assert {event.address for event in events} == {f"127.0.0.1:{server.port}"}


def test_a_listener_that_raises_does_no_harm(server: Server) -> None:
    def listen(event: Event) -> None:
        raise Trouble

    with Pool(server.url, shared=0, max_size=2, listener=listen) as pool:
        for _ in range(5):
            assert pool.execute("PING") == b"PONG"
        pool.clear()
        assert pool.execute("PING") == b"PONG"
        assert pool.size == 1


def test_a_listener_may_ask_the_pool(server: Server) -> None:
    sizes = []

    def listen(event: Event) -> None:
        sizes.append((pool.size, pool.stats().opened, repr(pool)))

    pool = Pool(server.url, shared=0, listener=listen)
    with pool:
        fill(pool, 2)
        pool.clear()
    assert len(sizes) == 4


# Slow hooks -------------------------------------------------------------------------------------------------


def test_a_caller_does_not_wait_longer_than_it_may_for_a_slow_configure(server: Server) -> None:
    may_go = Signal()

    def configure(conn: Connection[Any]) -> None:
        may_go.wait()

    with Pool(server.url, shared=0, configure=configure) as pool:
        started = now()
        with pytest.raises(PoolTimeout):
            pool.acquire(timeout=0.05)
        assert now() - started < 1.5  # and not connect_timeout
        assert pool.dialing == 1
        may_go.set()
        wait_until(lambda: pool.idle == 1)
        assert pool.execute("PING") == b"PONG"


def test_a_slow_dial_holds_nobody_up_who_could_be_served(callers: Callers) -> None:
    with FakeNode({"GET": NIL, "RESET": Hold(b"+RESET\r\n"), "WATCH": b"+OK\r\n"}) as node:
        with Pool(node.url, shared=0, max_size=2) as pool:
            with pool.acquire() as conn:
                conn.execute("WATCH", "k")
            wait_until(lambda: node.calls("RESET"))
            started = now()
            assert pool.get("k") is None  # on a second connection, while the first is made clean
            assert now() - started < 1.8  # and not connect_timeout
            node.release()
            wait_until(lambda: pool.idle == 2)


def test_a_leak_is_told_to_the_listener(server: Server) -> None:
    events: list[Event] = []
    with Pool(server.url, shared=0, listener=events.append, trace_leases=True) as pool:
        with pytest.warns(ResourceWarning, match="never given back"):
            pool.acquire()
        wait_until(lambda: pool.leased == 0)
    leaked = [event for event in events if isinstance(event, LeaseLeaked)]
    assert len(leaked) == 1
    assert "test_a_leak_is_told_to_the_listener" in leaked[0].borrowed_at


def test_a_dial_error_names_the_address_and_no_secret() -> None:
    with FakeNode() as node:
        url = node.url
    pool = Pool(url, password="hunter2", shared=0)
    with pytest.raises(ConnectFailed) as caught:
        pool.acquire()
    assert f"127.0.0.1:{node.port}" in str(caught.value)
    assert "hunter2" not in f"{caught.value!r} {pool!r} {pool.stats()!r} {pool._options!r}"
    pool.close()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("options", [{"password": "hunter2"}, {"credentials": lambda: ["hunter2"]}])
def test_no_local_variable_in_the_traceback_of_a_failed_dial_holds_a_secret(
    server: Server, options: dict[str, Any], protocol: Any
) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">one", "~*", "+@all")
    named = {"username": "ann"} if "password" in options else {}
    pool = Pool(server.url, protocol=protocol, **named, **options)
    with pytest.raises((AuthenticationFailed, UsageError)) as caught:
        pool.acquire()
    error: BaseException | None = caught.value
    while error is not None:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        for frame in trace.stack:
            if frame.filename != __file__:
                assert not [name for name, value in (frame.locals or {}).items() if "hunter2" in value], frame
        error = error.__cause__
    pool.close()
    server.command("ACL", "DELUSER", "ann")


# The time of hooks --------------------------------------------------------------------------------------------


def test_a_check_that_is_never_answered_ends_with_the_callers_time(callers: Callers) -> None:
    def check(conn: Connection[Any]) -> None:
        conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        with Pool(node.url, shared=0, max_size=1, check=check, read_timeout=30.0) as pool:
            started = now()
            with pytest.raises(PoolTimeout):
                pool.acquire(0.2)
            assert now() - started < 5.0
            assert (pool.leased, pool.dialing, pool.stats().timeouts) == (0, 0, 1)


def test_all_commands_of_a_check_together_end_with_the_callers_time(callers: Callers) -> None:
    def check(conn: Connection[Any]) -> None:
        for _ in range(100):
            conn.execute_many([("GET", "k"), ("GET", "k")])
            conn.execute("GET", "k", timeout=30.0)

    with FakeNode({"GET": Delay(0.1, NIL)}) as node:
        with Pool(node.url, shared=0, max_size=1, check=check) as pool:
            started = now()
            with pytest.raises(PoolTimeout):
                pool.acquire(0.5)
            assert now() - started < 5.0


def test_a_check_that_is_answered_in_time_changes_nothing(server: Server) -> None:
    def check(conn: Connection[Any]) -> None:
        assert conn.execute_many([("ECHO", "a"), ("ECHO", "b")]) == [b"a", b"b"]
        assert conn.execute("BLPOP", "nothing", 0.01) is None

    with Pool(server.url, shared=0, max_size=1, check=check) as pool:
        for _ in range(2):
            with pool.acquire(5.0) as conn:
                assert conn.execute("ECHO", "x") == b"x"
        assert (pool.stats().opened, pool.stats().leases) == (1, 2)


def test_a_hook_gets_bytes_where_it_asks_for_them(server: Server) -> None:
    got: list[Any] = []

    def check(conn: Connection[Any]) -> None:
        conn.set("k", b"\xff")
        raw = conn.using(encoding=None)
        got.append(type(conn.dump("k")))
        got.append(raw.get("k"))
        got.append(raw.execute_many([("GET", "k"), ("ECHO", "a")]))
        got.append(raw.execute_many([("GET", "k")], atomic=True))

    with Pool(server.url, shared=0, max_size=1, encoding="utf-8", check=check) as pool:
        for _ in range(2):
            with pool.acquire(5.0) as conn:
                assert conn.execute("ECHO", "x") == "x"
    assert got[:4] == [bytes, b"\xff", [b"\xff", b"a"], [b"\xff"]]


def test_a_reset_that_is_never_answered_ends_after_connect_timeout(callers: Callers) -> None:
    def reset(conn: Connection[Any]) -> None:
        conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        options: dict[str, Any] = {"connect_timeout": 0.2, "read_timeout": 30.0}
        with Pool(node.url, shared=0, max_size=1, reset=reset, **options) as pool:
            started = now()
            pool.release(pool.acquire())
            pool.release(pool.acquire(20.0))
            assert now() - started < 5.0
            assert pool.stats().opened == 2


def test_a_configure_that_is_never_answered_is_a_connect_timeout(callers: Callers) -> None:
    def configure(conn: Connection[Any]) -> None:
        conn.execute("GET", "k")

    with FakeNode({"GET": Silence()}) as node:
        options: dict[str, Any] = {"connect_timeout": 0.2, "read_timeout": 30.0}
        pool: Pool[bytes] = Pool(node.url, shared=0, max_size=1, configure=configure, **options)
        started = now()
        with pytest.raises(ConnectTimeout, match="the configure hook took too long"):
            pool.acquire(20.0)
        assert now() - started < 5.0
        pool.close()
