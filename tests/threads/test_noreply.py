# Generated from tests/asyncio_/test_noreply.py by tools/generate.py. Do not edit.
"""Commands without replies, on connections that other callers use: no reply goes to a wrong caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from answers import OK, echo, words
from threads.harness import Callers, wait_until
from respool import Pool, commands
from respool.errors import ConnectFailed, UsageError
from respool.testing import Close, FakeNode, FaultProxy, Hold, Server


@pytest.fixture
def forbidden(server: Server) -> Iterator[dict[str, Any]]:
    """A user who may run all commands except CLIENT REPLY."""
    server.command("ACL", "SETUSER", "mute", "on", ">secret", "~*", "&*", "+@all", "-client|reply")
    yield {"username": "mute", "password": "secret"}
    server.command("ACL", "DELUSER", "mute")


def mix(pool: Pool[Any], name: int, *, rounds: int = 15) -> None:
    """Send commands with and without replies in turns; every reply must be the right one."""
    for number in range(rounds):
        word = f"{name}:{number}"
        pool.execute_noreply("RPUSH", f"list{name}", word)
        assert pool.execute("ECHO", word) == word.encode()
        pool.execute_many_noreply([("RPUSH", f"list{name}", f"{word}:{extra}") for extra in range(3)])
        assert pool.execute_many([("ECHO", word), ("ECHO", "x")]) == [word.encode(), b"x"]


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_neighbours_get_their_own_replies(callers: Callers, server: Server, shared: int) -> None:
    with Pool(server.url, shared=shared) as pool:
        for name in range(8):
            callers.start(mix, pool, name)
        callers.results()
        for name in range(8):
            assert pool.execute("LLEN", f"list{name}") == 15 * 4
        assert pool.execute("ECHO", "after") == b"after"
        assert pool.stats().in_flight == 0
        assert pool.stats().lost == 0


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_neighbours_get_their_own_replies_where_an_acl_forbids_it(
    callers: Callers, server: Server, forbidden: dict[str, Any], shared: int
) -> None:
    with Pool(server.url, shared=shared, **forbidden) as pool:
        for name in range(8):
            callers.start(mix, pool, name)
        callers.results()
        for name in range(8):
            assert pool.execute("LLEN", f"list{name}") == 15 * 4  # CLIENT REPLY was refused, not the command
        assert pool.execute("ECHO", "after") == b"after"
        assert pool.stats().in_flight == 0
        assert pool.stats().lost == 0


def test_without_shared_connections_it_costs_no_reset(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        for number in range(10):
            pool.execute_noreply("SET", "k", number)
            assert pool.get("k") == b"%d" % number
        assert pool.stats().resets == 0
        assert pool.stats().opened == 1


def test_errors_of_what_nobody_waits_for_are_not_seen(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        pool.set("k", "v")
        pool.execute_noreply("LPUSH", "k", "wrong type")
        pool.execute_many_noreply([("NO-SUCH-COMMAND",), ("SET", "l", "w"), ("LPUSH", "k", "wrong again")])
        assert pool.get("l") == b"w"
        assert pool.stats().opened == 1


def test_it_returns_without_waiting_for_the_server(callers: Callers) -> None:
    script = {"CLIENT REPLY OFF": b"", "CLIENT REPLY ON": Hold(OK), "SET": b"", "GET": echo}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            for number in range(5):
                pool.execute_noreply("SET", f"k{number}", "v")
            later = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("CLIENT REPLY ON"))
            assert not later.is_done
            wait_until(lambda: node.release() == 0 and later.is_done)
            assert later.result() == b"a"
            assert words(node, "SET") == [b"k0", b"k1", b"k2", b"k3", b"k4"]


def test_a_run_without_replies_arrives_in_one_piece(callers: Callers) -> None:
    script = {"CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": b"", "GET": echo}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:

            def tell(name: int) -> None:
                for number in range(5):
                    pool.execute_many_noreply([("SET", f"{name}:{number}"), ("SET", f"{name}:{number}")])

            def ask(name: int) -> None:
                for number in range(5):
                    assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)

            for name in range(6):
                callers.start(tell, name)
                callers.start(ask, name)
            callers.results()
            wait_until(lambda: len(node.calls("CLIENT REPLY ON")) == 30)
            seen = [b" ".join(seen.command) for seen in node.commands]
            begins = [index for index, line in enumerate(seen) if line == b"CLIENT REPLY OFF"]
            assert len(begins) == 30
            for index in begins:
                assert seen[index + 1] == seen[index + 2]
                assert seen[index + 3] == b"CLIENT REPLY ON"


def test_a_large_run_without_replies_counts_against_the_bytes_in_flight(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=1, max_in_flight_bytes=100_000) as pool:
        for number in range(20):
            pool.execute_noreply("SET", f"k{number}", b"x" * 50_000)
        for number in range(20):
            assert pool.execute("STRLEN", f"k{number}") == 50_000
        transport = pool._shared.only
        assert transport is not None
        assert transport.wire.heavy_bytes == 0


def test_it_raises_when_the_run_was_surely_not_sent() -> None:
    with FakeNode() as node:
        url = node.url
    pool: Pool[bytes] = Pool(url, shared=1)
    with pytest.raises(ConnectFailed) as caught:
        pool.execute_noreply("SET", "k", "v")
    assert caught.value.executed == "no"
    pool.close()


@pytest.mark.parametrize("shared", [0, 1])
def test_it_does_not_raise_when_the_run_may_have_been_sent(shared: int) -> None:
    with FakeNode({"CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": Close()}) as node:
        with Pool(node.url, shared=shared) as pool:
            pool.execute_noreply("SET", "k", "v")
            wait_until(lambda: node.calls("SET"))
            assert len(node.calls("SET")) == 1


def test_a_run_without_replies_is_never_sent_twice(server: Server) -> None:
    with FaultProxy(server) as proxy:
        with Pool(proxy.url, shared=1) as pool:
            for _ in range(3):
                wait_until(lambda: pool.shared == 1)
                proxy.down.limit_after(0, total=True)
                pool.execute_noreply("INCR", "n")
                wait_until(lambda: proxy.open_connections == 0 or pool.stats().lost)
                assert pool.execute("ECHO", "x") == b"x"
            assert server.command("GET", "n") == b"3"


def test_nothing_is_sent_for_no_commands_or_wrong_ones() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=1) as pool:
            greeting = len(node.commands)
            pool.execute_many_noreply([])
            for wrong in ([("SET", "k", None)], [("MULTI",)], [("SELECT", 1)], ["SET"], 7):
                with pytest.raises(UsageError):
                    pool.execute_many_noreply(wrong)  # type: ignore[arg-type]
            assert len(node.commands) == greeting


def test_a_lease_tells_without_replies_too(server: Server) -> None:
    with Pool(server.url, shared=0) as pool, pool.acquire() as conn:
        conn.execute_noreply("SET", "k", "v")
        conn.execute_many_noreply([("INCR", "n"), ("INCR", "n")])
        assert conn.get("k") == b"v"
        assert conn.get("n") == b"2"


def test_the_count_of_replies_is_exact_where_an_acl_forbids_it(
    server: Server, forbidden: dict[str, Any]
) -> None:
    with Pool(server.url, shared=1, **forbidden) as pool:
        pool.execute("PING")
        before = pool.stats().replies
        pool.execute_many_noreply([("SET", "k", "v"), ("SET", "k", "w")])
        assert pool.get("k") == b"w"
        assert pool.stats().replies - before == 4 + 1  # OFF, SET, SET and ON were answered, and GET


def test_a_command_made_beforehand_can_be_told(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.execute_noreply(commands.incr("k"))
        with pool.acquire() as conn:
            conn.execute_noreply(commands.incr("k"))
            conn.ping()
        wait_until(lambda: server.command("GET", "k") == b"2")
