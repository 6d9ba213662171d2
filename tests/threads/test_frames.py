# Generated from tests/asyncio_/test_frames.py by tools/generate.py. Do not edit.
"""Pushes, unexpected replies and malformed replies never shift a reply to another caller (R-25)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from answers import NIL, PUSH, bulk, echo
from threads.harness import Callers, wait_until
from respool import Pool
from respool.errors import ConnectionLost, DecodeError, OutcomeUnknown, ProtocolError, ServerError
from respool.testing import FakeNode, Hold, Server

BINARIES = [None, "redis-server"]
ATTRIBUTE = b"|1\r\n+ttl\r\n:3600\r\n"
BLOB_ERROR = b"!21\r\nSYNTAX invalid syntax\r\n"


@pytest.fixture(scope="module", params=BINARIES, ids=["valkey", "redis"])
def real(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param is not None and shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    with Server(request.param) as server:
        yield server


# Pushes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    [(PUSH, echo), (echo, PUSH), (PUSH, PUSH, echo, PUSH)],
    ids=["before", "after", "around"],
)
def test_a_push_around_a_reply_consumes_nothing(callers: Callers, around: Any) -> None:
    heard: list[Any] = []
    with FakeNode({"GET": around}) as node:
        with Pool(node.url, shared=1, listener=heard.append) as pool:

            def ask(name: int) -> None:
                for number in range(10):
                    assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)

            for name in range(8):
                callers.start(ask, name)
            callers.results()
            assert node.connections == 1
            pushes = [event.push for event in heard if type(event).__name__ == "Pushed"]
            assert len(pushes) >= 79
            assert pushes[0] == [b"hello", b"world"]


def test_a_push_between_the_commands_of_a_pipeline_consumes_nothing() -> None:
    with FakeNode({"GET": (PUSH, echo)}) as node:
        with Pool(node.url, shared=1) as pool:
            assert pool.execute_many([("GET", f"{n}") for n in range(50)]) == [b"%d" % n for n in range(50)]


def test_a_push_to_an_idle_connection_is_no_surplus(callers: Callers) -> None:
    heard: list[Any] = []
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=1, listener=heard.append) as pool:
            pool.execute("GET", "a")
            for number in range(5):
                node.send(PUSH)
                assert pool.execute("GET", f"{number}") == b"%d" % number
            assert node.connections == 1


def test_an_undecodable_push_consumes_nothing(callers: Callers) -> None:
    push = b">2\r\n$2\r\n\xff\xfe\r\n$1\r\nx\r\n"
    with FakeNode({"GET": (push, echo)}) as node:
        with Pool(node.url, shared=1, encoding="utf-8") as pool:

            def ask(name: int) -> None:
                for number in range(10):
                    assert pool.execute("GET", f"{name}:{number}") == f"{name}:{number}"

            for name in range(4):
                callers.start(ask, name)
            callers.results()
            assert node.connections == 1


def test_a_listener_that_raises_disturbs_nobody() -> None:
    def listen(_: Any) -> None:
        raise ValueError("not quick, not quiet")

    with FakeNode({"GET": (PUSH, echo)}) as node:
        with Pool(node.url, shared=1, listener=listen) as pool:
            for number in range(5):
                assert pool.execute("GET", f"{number}") == b"%d" % number
            assert node.connections == 1


def test_a_real_servers_push_comes_before_or_after_the_reply(callers: Callers, real: Server) -> None:
    with Pool(real.url, shared=1) as pool:

        def ask(name: int) -> None:
            for number in range(10):
                pool.execute("DEBUG", "PROTOCOL", "PUSH")
                word = f"{name}:{number}"
                assert pool.execute("ECHO", word) == word.encode()

        for name in range(5):
            callers.start(ask, name)
        callers.results()
        assert pool.stats().opened == 1


# Every type of reply ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [3, 2])
def test_every_type_of_reply_has_its_place(callers: Callers, real: Server, protocol: Any) -> None:
    expected: dict[str, Any] = {
        "string": b"Hello World",
        "integer": 12345,
        "double": 3.141 if protocol == 3 else b"3.141",
        "null": None,
        "array": [0, 1, 2],
        "true": True if protocol == 3 else 1,
        "false": False if protocol == 3 else 0,
    }
    with Pool(real.url, shared=1, protocol=protocol) as pool:

        def ask(name: int) -> None:
            for kind in ("set", "map", "verbatim", "bignum", "attrib"):
                try:
                    pool.execute("DEBUG", "PROTOCOL", kind)
                except ServerError:
                    assert (kind, protocol) == ("attrib", 2)
                assert pool.execute("ECHO", f"{name}:{kind}") == f"{name}:{kind}".encode()
            for kind, reply in expected.items():
                assert pool.execute("DEBUG", "PROTOCOL", kind) == reply

        for name in range(6):
            callers.start(ask, name)
        callers.results()
        assert pool.stats().opened == 1


def test_an_attribute_before_a_reply_shifts_nothing(callers: Callers, real: Server) -> None:
    with Pool(real.url, shared=1) as pool:
        reply = pool.execute("DEBUG", "PROTOCOL", "attrib")
        assert reply == b"Some real reply following the attribute"
        assert pool.execute_many([("DEBUG", "PROTOCOL", "attrib"), ("ECHO", "x")]) == [reply, b"x"]
        assert pool.stats().opened == 1


def test_attributes_and_blob_errors_anywhere_shift_nothing(callers: Callers) -> None:
    script = {
        "GET": (ATTRIBUTE, echo),
        "BAD": BLOB_ERROR,
        "LIST": (b"*2\r\n", ATTRIBUTE, bulk(b"a"), BLOB_ERROR),
    }
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:

            def ask(name: int) -> None:
                for number in range(10):
                    assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)
                    with pytest.raises(ServerError) as caught:
                        pool.execute("BAD", "x")
                    assert caught.value.code == "SYNTAX"
                    first, second = pool.execute("LIST", "x")
                    assert first == b"a"
                    assert isinstance(second, ServerError)

            for name in range(6):
                callers.start(ask, name)
            callers.results()
            assert node.connections == 1


def test_values_that_look_like_frames_are_values(callers: Callers, server: Server) -> None:
    values = [b"\r\n|1\r\n+a\r\n+b\r\n", b"!5\r\nERROR\r\n", b"\n!", b"\n|", b"|", b">1\r\n+x\r\n", b"*1\r\n"]
    with Pool(server.url, shared=1) as pool:

        def ask(name: int) -> None:
            for number in range(16):
                value = values[(name + number) % len(values)]
                assert pool.execute("ECHO", value) == value
                assert pool.execute_many([("ECHO", value), ("ECHO", value * 5)]) == [value, value * 5]

        for name in range(8):
            callers.start(ask, name)
        callers.results()
        assert pool.stats().opened == 1


# Unexpected replies, and bytes that are no RESP -------------------------------------------------------------------


def test_a_surplus_reply_closes_the_connection() -> None:
    with FakeNode({"GET": echo}) as node:
        node.once("GET", bulk(b"a") + bulk(b"surplus"))
        with Pool(node.url, shared=1) as pool:
            assert pool.execute("GET", "a") == b"a"
            wait_until(lambda: pool.stats().lost == 1)
            assert pool.execute("GET", "b") == b"b"
            assert node.connections == 2


def _looks(pool: Pool[Any]) -> bool:
    """With threads, let the connection check its socket; with asyncio, the event loop does."""
    only = pool._shared.only
    return only is None or not only.is_reusable(pool._serving.node.now())  # type: ignore[union-attr]  # it is open


def test_a_reply_to_an_idle_connection_closes_it(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=1) as pool:
            assert pool.execute("GET", "a") == b"a"
            node.send(b"$7\r\nsurplus\r\n")
            wait_until(lambda: pool.stats().lost == 1 or _looks(pool))
            for number in range(5):
                assert pool.execute("GET", f"{number}") == b"%d" % number
            assert node.connections == 2
            assert pool.stats().lost == 1


@pytest.mark.parametrize(
    "garbage",
    [b"?what\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x00\x00\x00\x00", b"$-7\r\n", b"*x\r\n", b"$x\r\n", b"|x\r\n"],
    ids=["type", "http", "zeros", "length", "count", "size", "attribute"],
)
def test_what_is_no_resp_ends_the_connection_and_all_in_flight(callers: Callers, garbage: bytes) -> None:
    with FakeNode({"GET": Hold(NIL), "INCR": Hold(NIL)}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            for number in range(3):
                callers.start(pool.execute, "GET", f"k{number}")
                callers.start(pool.execute, "INCR", f"k{number}")
            wait_until(lambda: pool.stats().in_flight == 6)
            wait_until(lambda: node.calls("GET") or node.calls("INCR"))
            node.send(garbage)
            outcomes = callers.outcomes()
            kinds = [type(outcome) for outcome in outcomes]
            assert kinds.count(ProtocolError) == 1, "it was the reply of one command"
            assert set(kinds) <= {ProtocolError, ConnectionLost, OutcomeUnknown}
            assert {type(root(outcome)) for outcome in outcomes} == {ProtocolError}
            node.on("GET", echo)
            assert pool.execute("GET", "after") == b"after"
            assert node.connections == 2


def root(error: BaseException) -> BaseException:
    """Return the first cause of an error."""
    while isinstance(error, ConnectionLost) and error.__cause__ is not None:
        error = error.__cause__
    return error


UNREADABLE = {
    "type": b"?what\r\n",
    "number": b":12a4\r\n",
    "big number": b"(x\r\n",
    "nested": b"*1\r\n" * 3000 + b":1\r\n",
    "key": b"%1\r\n*1\r\n:1\r\n:2\r\n",
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("shared", [1, 0])
def test_a_reply_that_cannot_be_read_costs_one_connection_and_one_error(kind: str, shared: int) -> None:
    with FakeNode({"GET": echo, "INCR": UNREADABLE[kind], "EVAL_RO": UNREADABLE[kind]}) as node:
        with Pool(node.url, shared=shared, min_size=1) as pool:
            for number, name in enumerate(("EVAL_RO", "INCR"), 1):
                with pytest.raises(ProtocolError) as caught:
                    pool.execute(name, "k")
                assert caught.value.address == pool._options.address
                assert caught.value.executed == "unknown"
                assert pool.execute("GET", "after") == b"after"
                assert (len(node.calls(name)), node.connections) == (1, number + 1)
            assert pool.stats().retries == 0


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("shared", [1, 0])
@pytest.mark.parametrize("atomic", [False, True])
def test_a_pipeline_with_a_reply_that_cannot_be_read_ends_in_that_error(
    kind: str, shared: int, atomic: bool
) -> None:
    replies: dict[str, Any] = {"MULTI": b"+OK\r\n", "EXEC": UNREADABLE[kind]}
    with FakeNode({"GET": echo, "EVAL_RO": UNREADABLE[kind], **replies}) as node:
        with Pool(node.url, shared=shared, min_size=1) as pool:
            with pytest.raises(ProtocolError):
                pool.execute_many([("GET", "a"), ("EVAL_RO", "x", "0"), ("GET", "b")], atomic=atomic)
            assert pool.execute("GET", "after") == b"after"
            assert node.connections == 2
            assert pool.stats().retries == 0


def test_reads_behind_a_reply_that_cannot_be_read_are_asked_again_and_writes_are_not(callers: Callers) -> None:
    with FakeNode({"EVAL_RO": Hold(NIL), "GET": Hold(NIL), "INCR": Hold(NIL)}) as node:
        with Pool(node.url, shared=1) as pool:
            callers.start(pool.execute, "EVAL_RO", "x", "0")
            wait_until(lambda: node.calls("EVAL_RO") != [])
            callers.start(pool.execute, "GET", "a")
            callers.start(pool.execute, "INCR", "n")
            wait_until(lambda: pool.stats().in_flight == 3)
            node.on("GET", echo)
            node.on("INCR", b":7\r\n")
            node.send(b":12a4\r\n")
            first, read, write = callers.outcomes()
            assert isinstance(first, ProtocolError)
            assert read == b"a"
            # With threads, a queued command was not written yet, and is sent on the next connection.
            assert write == 7 or (isinstance(write, OutcomeUnknown) and isinstance(root(write), ProtocolError))
            assert (len(node.calls("EVAL_RO")), node.connections) == (1, 2)
            assert len(node.calls("INCR")) <= 1


def test_a_lease_is_told_which_reply_cannot_be_read() -> None:
    with FakeNode({"EVAL_RO": b"(x\r\n"}) as node:
        with Pool(node.url, shared=0) as pool, pool.acquire() as conn:
            with pytest.raises(ProtocolError):
                conn.execute("EVAL_RO", "x", "0")
            assert conn.closed


def test_a_map_whose_key_cannot_be_a_key_fails_its_caller_and_shifts_nothing(callers: Callers) -> None:
    with FakeNode({"GET": echo, "MAP": b"%1\r\n*1\r\n:1\r\n+v\r\n"}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:

            def ask(name: int) -> None:
                for number in range(10):
                    try:
                        assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)
                    except ConnectionLost:
                        pass  # the parser cannot continue, so the connection ends

            for name in range(4):
                callers.start(ask, name)
            with pytest.raises((ProtocolError, ConnectionLost)):
                pool.execute("MAP", "x")
            callers.results()
            wait_until(lambda: pool.shared == 1)
            assert pool.execute("GET", "after") == b"after"


# Text ------------------------------------------------------------------------------------------------------------


def test_an_undecodable_reply_fails_its_caller_alone(callers: Callers, server: Server) -> None:
    server.command("SET", "bytes", b"\xff\xfe")
    server.command("RPUSH", "list", b"ok", b"\xff", b"ok")
    with Pool(server.url, shared=1, encoding="utf-8") as pool:

        def ask(name: int) -> None:
            for number in range(10):
                with pytest.raises(DecodeError) as caught:
                    pool.execute("GET", "bytes")
                assert isinstance(caught.value, ValueError)
                word = f"{name}:{number} ü"
                assert pool.execute("ECHO", word) == word
                with pytest.raises(DecodeError):
                    pool.execute("LRANGE", "list", 0, -1)

        for name in range(6):
            callers.start(ask, name)
        callers.results()
        assert pool.stats().opened == 1
        assert pool.stats().retries == 0


@pytest.mark.parametrize(
    ("options", "stored", "read"),
    [
        ({}, b"\xc3\xbc", b"\xc3\xbc"),
        ({"encoding": "utf-8"}, b"\xc3\xbc", "ü"),
        ({"encoding": "latin-1"}, b"\xfc", "ü"),
        ({"encoding": "utf-8", "encoding_errors": "replace"}, b"\xfc", "\ufffd"),
        ({"encoding": "ascii", "encoding_errors": "ignore"}, b"a\xfc", "a"),
    ],
    ids=["bytes", "utf-8", "latin-1", "replace", "ignore"],
)
def test_replies_are_bytes_or_text_as_the_pool_was_told(
    server: Server, options: dict[str, Any], stored: bytes, read: Any
) -> None:
    server.command("SET", b"k", stored)
    with Pool(server.url, shared=1, **options) as pool:
        assert pool.execute(b"GET", b"k") == read
        with pool.acquire() as conn:
            assert conn.execute(b"GET", b"k") == read


def test_text_is_sent_in_the_encoding_of_the_pool(server: Server) -> None:
    with Pool(server.url, shared=1, encoding="latin-1") as pool:
        pool.set("k", "ü")
        assert server.command("GET", "k") == b"\xfc"
        assert pool.get("k") == "ü"
        with pytest.raises(ValueError, match="encode"):
            pool.set("k", "☃")
        assert pool.get("k") == "ü"
        assert pool.stats().opened == 1
