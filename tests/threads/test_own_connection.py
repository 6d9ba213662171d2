# Generated from tests/asyncio_/test_own_connection.py by tools/generate.py. Do not edit.
"""A connection used alone, without a pool: its end, its socket, its state."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from answers import echo
from threads.conftest import sockets
from threads.harness import now, rest, socket_of, wait_until
from respool import Connection
from respool.errors import ConnectFailed, ConnectionLost, NoPermission, ReadTimeout, ServerError, UsageError
from respool.testing import Close, FakeNode, Server, Silence


@pytest.mark.parametrize("how", ["hung up on", "closed"])
def test_what_is_asked_after_the_end_was_surely_not_sent(how: str) -> None:
    with FakeNode({"GET": echo}) as node:
        with Connection(node.url) as conn:
            assert conn.execute("GET", "a") == b"a"
            if how == "closed":
                conn.close()
            else:
                node.drop()
                rest()
            for ask in (
                lambda: conn.execute("GET", "b"),
                lambda: conn.execute("GET", "b", timeout=1.0),
                lambda: conn.execute_many([("GET", "b"), ("GET", "b")]),
                lambda: conn.execute_noreply("SET", "b", "v"),
            ):
                with pytest.raises(ConnectionLost) as caught:
                    ask()
                assert caught.value.executed == "no"
            assert conn.closed
            assert conn.in_flight == 0


def test_one_that_was_never_opened_says_how_to_open_it() -> None:
    conn = Connection("redis://localhost:1")
    with pytest.raises(UsageError, match="never opened: call its open"):
        conn.ping()


def test_closing_returns_when_the_socket_is_gone(server: Server) -> None:
    before = sockets()
    conn = Connection(server.url)
    conn.open()
    assert sockets() > before
    conn.close()
    assert sockets() == before


def test_one_that_is_dropped_open_is_closed_with_a_warning(server: Server) -> None:
    before = server.client_count()
    with pytest.warns(ResourceWarning, match="never closed"):
        forget_one(server)
    wait_until(lambda: server.client_count() == before)


def test_it_is_closed_too_if_that_warning_is_an_error(server: Server, printed: list[str]) -> None:
    before = server.client_count()
    forget_one(server)
    wait_until(lambda: server.client_count() == before)
    assert len(printed) == 1
    assert "was never closed" in printed[0]


def forget_one(server: Server) -> None:
    conn = Connection(server.url)
    conn.open()
    assert conn.execute("PING") == b"PONG"


@pytest.mark.parametrize("answer", [Silence(), Close(), b"-ERR not now\r\n"], ids=["silent", "hung up on", "refused"])
def test_a_reset_that_fails_closes_it(answer: Any) -> None:
    with FakeNode() as node:
        with Connection(node.url, connect_timeout=1.5) as conn:
            node.on("RESET", answer)
            with pytest.raises((ConnectFailed, ServerError)):
                conn.reset()
            assert conn.closed
            wait_until(lambda: node.open_connections == 0)


def test_a_pipeline_on_one_that_was_never_opened_is_a_clear_error(server: Server) -> None:
    conn: Connection[bytes] = Connection(server.url)
    for commands in ([("GET", "k")], [("GET", "k")] * 3000):
        with pytest.raises(UsageError, match="never opened"):
            conn.execute_many(commands)


def test_what_a_server_would_only_queue_is_refused_inside_a_transaction(server: Server) -> None:
    with Connection(server.url) as conn:
        conn.execute("MULTI")
        conn.execute("SET", "k", "v")
        with pytest.raises(UsageError, match="behind MULTI"):
            conn.execute_noreply("SET", "k", "w")
        with pytest.raises(UsageError, match="behind MULTI"):
            conn.execute("SUBSCRIBE", "news")
        with pytest.raises(UsageError, match="behind MULTI"):
            conn.execute_many([("SET", "k", "w")], atomic=True)
        assert conn.execute("GET", "k") == b"QUEUED"
        assert conn.execute("EXEC") == [b"OK", b"v"]
        conn.execute_noreply("SET", "k", "w")
        assert conn.execute_many([("GET", "k")], atomic=True) == [b"w"]
        assert conn.get("k") == b"w"


def test_of_a_pipeline_that_is_refused_nothing_is_noted(server: Server) -> None:
    with Connection(server.url) as conn:
        for first in ("MULTI", "WATCH k", "SELECT 5", "RESET"):
            with pytest.raises(UsageError, match="no place in a pipeline"):
                conn.execute_many([first.split(), ("SUBSCRIBE", "news")])
            assert conn.is_clean
        assert conn.set("k", "v") is True


def test_behind_a_multi_that_was_refused_replies_are_read_as_ever(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all", "-multi")
    try:
        with Connection(server.url, username="ann", password="secret") as conn:
            for _ in range(2):
                with pytest.raises(NoPermission):
                    conn.execute("MULTI")
                assert conn.set("k", "v") is True
            conn.execute_noreply("SET", "k", "w")
            assert conn.get("k") == b"w"
            assert conn.is_clean
            with pytest.raises(NoPermission):
                conn.execute_many([("SET", "k", "v")], atomic=True)
            assert conn.set("k", "v") is True
            conn.execute_noreply("SET", "k", "w")
            assert conn.get("k") == b"w"
    finally:
        server.command("ACL", "DELUSER", "ann")


@pytest.mark.parametrize("command", ["HELLO 2", "RESET"])
def test_nothing_is_subscribed_where_the_protocol_may_be_another(server: Server, command: str) -> None:
    with Connection(server.url) as conn:
        conn.execute(*command.split())
        with pytest.raises(UsageError, match="protocol=3"):
            conn.execute("SUBSCRIBE", "news")
        assert conn.execute("ECHO", "x") == b"x"
        conn.execute("HELLO", "3")
        conn.execute("SUBSCRIBE", "news")
        assert conn.execute("ECHO", "x") == b"x"


def test_a_timeout_bounds_a_subscribe_too() -> None:
    with FakeNode({"SUBSCRIBE": Silence(), "PING": Silence()}) as node:
        with Connection(node.url) as conn:
            started = now()
            with pytest.raises(ReadTimeout):
                conn.execute("SUBSCRIBE", "news", timeout=0.05)
            assert now() - started < 3.0
            assert not conn.closed


def test_replies_inside_a_transaction_are_not_read_as_what_they_will_be(server: Server) -> None:
    with Connection(server.url) as conn:
        conn.execute("MULTI")
        assert conn.set("k", "v") == b"QUEUED"
        assert conn.incr("n") == b"QUEUED"
        assert conn.execute("EXEC") == [b"OK", 1]
        assert conn.set("k", "v") is True


def test_its_socket_sends_at_once_and_notices_a_dead_peer(server: Server) -> None:
    with Connection(server.url, read_timeout=3.0) as conn:
        sock = socket_of(conn._transport)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 6000  # twice as long, in ms


@pytest.mark.parametrize("host", ["a\0b", "a..b", "a" * 300, "\udcff"], ids=["null", "empty label", "long label", "no text"])
@pytest.mark.parametrize("tls", [False, True])
def test_a_name_that_can_be_none_of_a_host_is_a_failed_connection(host: str, tls: bool) -> None:
    conn = Connection(host=host, tls=tls)
    with pytest.raises(ConnectFailed, match="cannot connect") as caught:
        conn.open()
    assert caught.value.executed == "no"
    assert conn.closed
