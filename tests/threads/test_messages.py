# Generated from tests/asyncio_/test_messages.py by tools/generate.py. Do not edit.
"""Error messages: each says what happened, to which command, and what to do, without values or repeated causes."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from threads.harness import Callers, wait_until
from respool import Connection, Pool
from respool._facts.unknown import CONNECTION_NAMES, PIPELINE_NAMES, POOL_NAMES
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DecodeError,
    Error,
    OutcomeUnknown,
    PoolExhausted,
    PoolTimeout,
    ReadTimeout,
    ServerError,
    UsageAttributeError,
    UsageError,
    WrongType,
)
from respool.testing import Close, FakeNode, Server, Silence


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def chain(error: BaseException | None) -> list[str]:
    """Return the texts of the errors in a traceback, the last one first."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts


def failing(kind: type[Error], url: str, *args: Any, timeout: float | None = None, **options: Any) -> str:
    """Run a command on a new pool, and return the text of its error."""
    with Unopened(url, **options) as pool:
        with pytest.raises(kind) as caught:
            pool.execute(*args, timeout=timeout)
    texts = chain(caught.value)
    for place, text in enumerate(texts):
        assert "secret" not in text
        assert text not in texts[:place], texts  # each cause once
    return texts[0]


class Unopened:
    """A pool that is not opened before its first command."""

    def __init__(self, url: str, **options: Any) -> None:
        self._pool: Pool[Any] = Pool(url, **options)

    def __enter__(self) -> Pool[Any]:
        return self._pool

    def __exit__(self, *_: object) -> None:
        self._pool.close(timeout=0)


# Connecting -----------------------------------------------------------------------------------------------


def test_a_tls_client_on_a_port_that_is_silent_to_it_is_told_of_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        url = f"rediss://127.0.0.1:{port}"
        said = failing(ConnectTimeout, url, "GET", "secret", tls=unchecked(), connect_timeout=1.0)
        assert said.startswith(f"127.0.0.1:{port}: no connection within 1 s (connect_timeout)")
        assert said.endswith("perhaps this port does not speak TLS: try redis:// or tls=False, or the port for TLS")


def test_a_tls_client_on_a_port_that_answers_in_plain_is_told_of_tls(callers: Callers) -> None:
    with FakeNode.silent() as node:
        url = node.url.replace("redis://", "rediss://")
        caller = callers.start(
            failing, ConnectFailed, url, "GET", "secret", tls=unchecked(), connect_timeout=5.0, max_size=1
        )
        wait_until(lambda: caller.is_done or node.connections)
        wait_until(lambda: caller.is_done or node.send(b"-ERR max number of clients reached\r\n"))
        assert "perhaps this port does not speak TLS" in caller.result()


def test_a_plain_client_on_a_tls_port_is_told_of_tls() -> None:
    with Server(tls=True) as server:
        url = f"redis://127.0.0.1:{server.tls_url.rpartition(':')[2]}"
        said = failing(ConnectFailed, url, "GET", "secret")
        assert said.endswith("; perhaps this port speaks TLS: try rediss:// or tls=True")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"<!DOCTYPE HTML>\r\n"])
def test_an_http_server_is_recognised(answer: bytes) -> None:
    with FakeNode({"HELLO": answer}) as node:
        said = failing(ConnectFailed, node.url, "GET", "secret")
        assert said.endswith("; this looks like an HTTP server: check host and port")


def test_a_node_that_is_silent_in_the_handshake_is_told_from_one_that_cannot_be_reached() -> None:
    with FakeNode.silent() as node:
        said = failing(ConnectTimeout, node.url, "GET", "secret", connect_timeout=1.0)
        assert "connected, but no answer to the handshake within 1 s (connect_timeout)" in said


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_missing_password_is_told_with_the_ways_to_give_one(protocol: Any) -> None:
    with Server(password="secret") as server:
        url = f"redis://127.0.0.1:{server.url.rpartition(':')[2].partition('/')[0]}"
        said = failing(AuthenticationFailed, url, "GET", "k", protocol=protocol)
        assert "password=" in said
        assert "credentials=" in said
        assert "redis://:password@host" in said
        said = failing(AuthenticationFailed, url, "GET", "k", protocol=protocol, password="wrong")
        assert "WRONGPASS" in said


def test_a_database_that_the_server_does_not_have_is_named(server: Server) -> None:
    said = failing(ServerError, server.url, "GET", "secret", db=99)
    assert "DB index is out of range (db=99 in the handshake with 127.0.0.1:" in said


def test_an_unknown_host_is_told_in_words() -> None:
    said = failing(ConnectFailed, "redis://no.such.host.invalid", "GET", "k", connect_timeout=5.0, acquire_timeout=5.0)
    assert "cannot connect" in said
    assert "Errno" not in said


# Commands -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [1, 0])
def test_what_went_wrong_on_the_way_names_the_command_and_what_was_waited_for(shared: int) -> None:
    with FakeNode({"GET": Silence(), "INCR": Close(), "ECHO": Close()}) as node:
        at = f"127.0.0.1:{node.port}: "
        said = failing(ReadTimeout, node.url, "GET", "secret", timeout=0.2, shared=shared)
        assert said == at + "GET: no reply within 0.2 s"
        said = failing(ReadTimeout, node.url, "GET", "secret", read_timeout=0.2, retry=None, shared=shared)
        assert said == at + "GET: no reply for 0.2 s, so the connection was closed"
        said = failing(OutcomeUnknown, node.url, "INCR", "secret", shared=shared)
        assert said == at + (
            "INCR: the server closed the connection while a write was on its way: it ran once or not at all"
        )
        said = failing(ConnectionLost, node.url, "ECHO", "secret", retry=None, shared=shared)
        assert said == at + "ECHO: the server closed the connection before the reply came"


def test_on_a_lease_they_are_named_as_well() -> None:
    with FakeNode({"GET": Silence(), "INCR": Close()}) as node:
        with Pool(node.url) as pool:
            with pool.acquire() as lease:
                with pytest.raises(ReadTimeout, match=r": GET: no reply within 0.2 s$"):
                    lease.execute("GET", "k", timeout=0.2)
            with pool.acquire() as lease:
                with pytest.raises(OutcomeUnknown, match=": a pipeline: the server closed the connection while"):
                    lease.execute_many([("INCR", "k"), ("INCR", "k")])
            with pool.acquire() as lease:
                lease.close()
                with pytest.raises(ConnectionLost, match=r": GET: the connection was closed before it was sent$") as caught:
                    lease.execute("GET", "k")
                assert caught.value.command == "GET"


def test_an_error_of_the_server_keeps_its_words_and_names_its_command(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.execute("RPUSH", "list", "secret")
        with pool.acquire() as lease:
            for execute in (pool.execute, lease.execute):
                with pytest.raises(WrongType) as caught:
                    execute("GET", "list")
                assert str(caught.value) == f"WRONGTYPE {caught.value.message}"
                assert caught.value.command == "GET"
                assert caught.value.__notes__ == ["in answer to GET"]
        with pytest.raises(ServerError) as other:
            pool.execute("CLIENT", "KILL", "secret")
        assert other.value.command == "CLIENT KILL"


def test_what_is_no_text_is_named_by_its_place(server: Server) -> None:
    server.command("SET", "k", b"ab\xff")
    server.command("RPUSH", "l", "a", b"\xfe secret")
    server.command("HSET", "h", "f", b"\xfd secret")
    for command, place, encoding in (
        (("GET", "k"), "byte 0xff behind 2 characters of the reply is not utf-8", "utf-8"),
        (("LRANGE", "l", 0, -1), "byte 0xfe behind 0 characters of element 1 of the reply is not ascii", "ascii"),
        (("HGETALL", "h"), "byte 0xfd behind 0 characters of value 0 of the reply is not utf-8", "utf-8"),
        (
            ("EVAL", "return {1, {redis.call('GET', KEYS[1])}}", 1, "k"),
            "byte 0xff behind 2 characters of element 0 of element 1 of the reply is not utf-8",
            "utf-8",
        ),
    ):
        said = failing(DecodeError, server.url, *command, encoding=encoding)
        assert said == f"{command[0]}: {place} (elements count from 0); encoding=None returns bytes"


# Names of other clients -------------------------------------------------------------------------------------


def test_names_of_other_clients_are_answered_with_ours_and_are_not_there(server: Server) -> None:
    with Pool(server.url) as pool:
        with pool.acquire() as lease:
            answered = []
            for thing, names in ((pool, POOL_NAMES), (lease, CONNECTION_NAMES), (pool.pipeline(), PIPELINE_NAMES)):
                for name in names:
                    if not hasattr(thing, name):  # hasattr relies on AttributeError
                        with pytest.raises(UsageAttributeError, match=f"^{type(thing).__name__} has no {name}: "):
                            getattr(thing, name)
                        answered.append(name)
            assert {"pubsub", "lock", "transaction", "register_script", "from_url", "multi"} <= set(answered)
            with pytest.raises(AttributeError, match="object has no attribute 'nonsense'"):
                lease.nonsense  # noqa: B018
        with pytest.raises(AttributeError, match="object has no attribute 'nonsense'"):
            pool.nonsense  # noqa: B018
    with pytest.raises(UsageAttributeError, match=r"respool\.from_url"):
        Pool.from_url  # noqa: B018
    assert getattr(Connection(), "pubsub", None) is None


def test_a_pipeline_is_not_sent_by_execute(server: Server) -> None:
    with Pool(server.url) as pool:
        with pool.pipeline() as p:
            answer = p.execute("PING")
            with pytest.raises(UsageError, match="a pipeline is sent by leaving its with block, or by send"):
                p.execute()
        assert answer.result() == b"PONG"


# Leases -----------------------------------------------------------------------------------------------------


def hold_on(pool: Pool[Any]) -> Any:
    return pool.acquire()


def test_with_traces_a_caller_without_a_connection_is_told_who_has_them(server: Server) -> None:
    for on_full, kind in (("wait", PoolTimeout), ("raise", PoolExhausted)):
        with Pool(server.url, shared=0, max_size=3, trace_leases=True, on_full=on_full) as pool:
            leases = [hold_on(pool) for _ in range(2)]
            leases.append(pool.acquire())
            with pytest.raises(kind, match=r"; borrowed: 2 at .*test_messages.py:\d+ in hold_on, 1 at .*") as caught:
                pool.acquire(timeout=0.05)
            assert "in test_with_traces_a_caller" in str(caught.value)
            for lease in leases:
                pool.release(lease)


def test_without_traces_nobody_is_named(server: Server, callers: Callers) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool, pool.acquire():
        caller = callers.start(pool.acquire, timeout=0.05)
        wait_until(lambda: caller.is_done)
        assert "borrowed" not in str(caller.outcome())
