"""What examples of scripts and functions cannot show: what ends one, what restores them, and where a watch is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from respool import Command, Pool
from respool.errors import NoScript, ServerError, TransactionAborted, UsageValueError
from respool.testing import Server, wait_until

ENDLESS = "while true do end"
LIBRARY = f"#!lua name=lib\nredis.register_function('f', function() {ENDLESS} end)"


@pytest.fixture
def pool(server: Server) -> Iterator[Pool[bytes]]:
    server.command("FUNCTION", "FLUSH")
    server.command("CONFIG", "SET", "busy-reply-threshold", 10)
    with Pool(server.url) as pool:
        yield pool


@contextmanager
def running(server: Server, *args: Any) -> Iterator[list[Any]]:
    """Run a command that does not end by itself; the list gets its reply, or the error."""
    replies: list[Any] = []

    def run() -> None:
        with Pool(server.url) as other:
            replies.extend(other.execute_many([args]))

    thread = Thread(target=run)
    thread.start()
    yield replies
    thread.join()


def ended(kill: Callable[[], bool]) -> bool:
    """Try to end what runs too long; it may not run yet (NOTBUSY)."""
    try:
        return kill()
    except ServerError:
        return False


def test_a_script_that_runs_too_long_is_ended(server: Server, pool: Pool[bytes]) -> None:
    with running(server, "EVAL", ENDLESS, 0) as replies:
        wait_until(lambda: ended(pool.script_kill))
    assert isinstance(replies[0], ServerError)


def test_a_function_that_runs_too_long_is_told_of_and_ended(server: Server, pool: Pool[bytes]) -> None:
    pool.function_load(LIBRARY)
    with running(server, "FCALL", "f", 1, "k") as replies:
        wait_until(lambda: pool.function_stats()["running_script"] is not None)
        script = pool.function_stats()["running_script"]
        wait_until(lambda: ended(pool.function_kill))
    assert isinstance(replies[0], ServerError)
    assert script.keys() == {"name", "command", "duration_ms"}
    assert script["name"] == "f"
    assert script["command"] == ["FCALL", "f", "1", "k"]


def test_what_was_dumped_is_restored(pool: Pool[bytes]) -> None:
    pool.function_load(LIBRARY)
    payload = pool.function_dump()
    assert type(payload) is bytes
    with pytest.raises(ServerError, match="already exists"):
        pool.function_restore(payload)
    with pytest.raises(ServerError, match="already exists"):
        pool.function_restore(payload, "APPEND")
    assert pool.function_restore(payload, "REPLACE") is True
    assert pool.function_restore(payload, "FLUSH") is True
    assert pool.function_delete("lib") is True
    assert pool.function_restore(payload) is True
    assert [library["library_name"] for library in pool.function_list()] == ["lib"]


def test_a_script_that_the_server_does_not_remember_is_an_error(pool: Pool[bytes]) -> None:
    with pytest.raises(NoScript):
        pool.evalsha("0" * 40)
    with pytest.raises(NoScript):
        pool.evalsha_ro("0" * 40, keys=["k"])


@pytest.mark.parametrize(("protocol", "value"), [(2, [b"a", b"1"]), (3, {b"a": b"1"})])
def test_only_in_what_a_script_returns_the_protocol_shows(server: Server, protocol: int, value: Any) -> None:
    script = "redis.setresp(3); return {map={a='1'}}"
    with Pool(server.url, protocol=protocol) as pool:
        assert pool.eval(script) == value
        assert pool.execute(Command("EVAL", script, 0, parse=len)) == len(value)


def test_a_watch_on_a_lease_decides_whether_the_transaction_runs(pool: Pool[bytes]) -> None:
    with pool.acquire() as lease:
        lease.watch("k")
        pool.set("k", "theirs")
        with pytest.raises(TransactionAborted), lease.pipeline(atomic=True) as pipe:
            pipe.set("k", "mine")
        lease.watch("k")
        lease.unwatch()
        pool.set("k", "theirs again")
        with lease.pipeline(atomic=True) as pipe:
            pipe.set("k", "mine")
    assert pool.get("k") == b"mine"


def test_a_watch_elsewhere_is_refused_with_the_call_that_does_it(pool: Pool[bytes]) -> None:
    there = r"take a lease, pool.acquire\(\), and call watch\(\)"
    with pytest.raises(UsageValueError, match=there):
        pool.watch("k")
    with pytest.raises(UsageValueError, match=there):
        pool.unwatch()
    with pytest.raises(UsageValueError, match=there), pool.pipeline() as pipe:
        pipe.watch("k")
    before = r"call watch\(\) on a lease, before it"
    with pool.acquire() as lease, pytest.raises(UsageValueError, match=before), lease.pipeline(atomic=True) as pipe:
        pipe.watch("k")
