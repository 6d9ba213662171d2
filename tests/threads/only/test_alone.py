"""A caller that is alone on its connection takes a short way to its reply, and nobody else's reply suffers from it."""

from __future__ import annotations

import codecs
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from answers import OK, PUSH, bulk, echo, held_echo
from interrupting import interrupted_at, interrupted_behind, moments
from protocol.replies import Refused
from respool import Connection, Pool
from respool.errors import ConnectionLost, DecodeError, ProtocolError, ReadTimeout, ServerError, UsageError
from respool.testing import Close, Delay, FakeNode, FaultProxy, Hold, Reset, Server, Silence
from threads.harness import Callers, now, socket_of, wait_until
from threads.signals import at_signal, send_signal

MODES = pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])


@pytest.fixture(autouse=True)
def _always_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every caller that is alone take the short way, also on a connection that was idle for long."""
    monkeypatch.setattr("respool._sync.shell.transport._RESTED", 3600.0)


def transport_of(pool: Pool[Any]) -> Any:
    transport = pool._shared.only
    assert transport is not None
    return transport


def is_at_rest(transport: Any) -> bool:
    return (transport.owes, transport.waiting, transport.is_busy) == (0, 0, False)


def leads(transport: Any, node: FakeNode, name: str) -> None:
    """Wait until the only caller leads on the short way, and the node has its command."""
    wait_until(lambda: node.calls(name))
    assert transport._leader is transport._only
    assert not transport.wire.out


# Replies ------------------------------------------------------------------------------------------------------

LATE = Delay(0.003, b"")
TEXT = "ä" * 20
#: What the node sends for one command, with an encoding, and what its caller gets.
REPLIES: dict[str, tuple[Any, Any]] = {
    "a text": (bulk(b"v"), "v"),
    "null": (b"_\r\n", None),
    "false": (b"#f\r\n", False),
    "a map": (b"%1\r\n+a\r\n*1\r\n:1\r\n", {"a": [1]}),
    "in two pieces": ((b"$5\r\nhel", LATE, b"lo\r\n"), "hello"),
    "in two pieces, cut behind a line": ((b"*2\r\n:1\r\n", LATE, b":2\r\n"), [1, 2]),
    "in two pieces, cut in a line feed": ((b"$5\r\nhello\r", LATE, b"\n"), "hello"),
    "in two pieces, cut behind the first byte": ((b"$", LATE, b"1\r\na\r\n"), "a"),
    "in two pieces, the first undecodable": ((b"*2\r\n$1\r\n\xff\r\n", LATE, b":2\r\n"), DecodeError),
    "a push before it": (PUSH + b":1\r\n", 1),
    "a push behind it": (b":1\r\n" + PUSH, 1),
    "half a push behind it": ((b":1\r\n" + PUSH[:9], LATE, PUSH[9:]), 1),
    "a push alone before it": ((PUSH, LATE, b":1\r\n"), 1),
    "an undecodable push before it": (b">2\r\n+message\r\n" + bulk(b"\xff") + b":1\r\n", 1),
    "an error": (b"-ERR no\r\n", ServerError),
    "a blob error": (b"!6\r\nERR no\r\n", ServerError),
    "an error inside": (b"*1\r\n!6\r\nERR no\r\n", [Refused("ERR no")]),
    "an attribute": (b"|1\r\n+ttl\r\n:1\r\n:7\r\n", 7),
    "an attribute inside": (b"*2\r\n|1\r\n+ttl\r\n:1\r\n:7\r\n:8\r\n", [7, 8]),
    "what looks like one": (bulk(b"a\r\n|1\r\n!x"), "a\r\n|1\r\n!x"),
    "undecodable": (bulk(b"\xff"), DecodeError),
    "decodable": (bulk(TEXT.encode()), TEXT),
    "long": (bulk(b"x" * 100_000), "x" * 100_000),
    "long, and looks like an attribute": (bulk(b"a\r\n|1\r\n" * 9_000), "a\r\n|1\r\n" * 9_000),
    "of one byte more than a short one": (bulk(b"x" * 1016), "x" * 1016),
}


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("how", REPLIES)
def test_it_gets_its_reply_whatever_it_looks_like_and_so_do_those_after_it(how: str, tls: bool) -> None:
    reply, value = REPLIES[how]
    with FakeNode({"GET": echo, "HGET": reply}) as node, FaultProxy(node, tls=tls) as proxy:
        options: dict[str, Any] = {"tls": proxy.ssl_context(), "connect_timeout": 5.0} if tls else {}
        with Pool(proxy.url, shared=1, encoding="utf-8", read_timeout=2.0, retry=None, **options) as pool:
            pool.execute("GET", "a")
            transport, before = transport_of(pool), pool.stats().replies
            for turn in range(3):
                if isinstance(value, type):
                    with pytest.raises(value):
                        pool.execute("HGET", "k", "f")
                else:
                    assert pool.execute("HGET", "k", "f") == value
                assert is_at_rest(transport)
                for number in range(2):
                    assert pool.execute("GET", f"{turn}:{number}") == f"{turn}:{number}"
            assert pool.stats().replies == before + 9
            assert pool.stats().dropped == 0
            assert transport.is_open
            assert node.connections == 1


@pytest.mark.parametrize("encoding", [None, "latin-1", "utf-8"])
def test_it_gets_it_in_its_encoding(encoding: str | None) -> None:
    data = "aä".encode(encoding or "utf-8")
    with FakeNode({"GET": bulk(data)}) as node, Pool(node.url, shared=1, encoding=encoding) as pool:
        for _ in range(3):
            assert pool.execute("GET", "k") == (data if encoding is None else "aä")


def test_so_it_is_with_the_old_protocol(server: Server) -> None:
    with Pool(server.url, shared=1, protocol=2) as pool:
        transport = transport_of(pool)
        for number in range(20):
            assert pool.execute("ECHO", number) == b"%d" % number
            assert pool.execute("GET", "nothing") is None
            assert pool.execute("HGETALL", "nothing") == []
        assert is_at_rest(transport)


def test_a_usual_reply_leaves_everything_as_it_was(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, Pool(node.url, shared=1) as pool:
        transport = transport_of(pool)
        only, completed = transport._only, transport.completed
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        began = now()
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        assert transport.heard >= began
        assert transport.completed == completed + 1
        assert transport._only is only
        assert is_at_rest(transport)


# Others that come meanwhile -----------------------------------------------------------------------------------


def test_a_run_that_was_posted_meanwhile_and_waits_for_admission_is_let_in(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "INCR": b":1\r\n"}) as node, Pool(node.url, shared=1, max_in_flight=1) as pool:
        transport = transport_of(pool)
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        ticket = transport.post_many([("INCR", "k")], now() + 5.0)
        assert transport.waiting == 1
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        node.wait_for("INCR")  # although nobody collects yet
        assert transport.collect(ticket) == [1]
        assert is_at_rest(transport)


def test_so_is_a_caller_that_waits_for_it(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "INCR": b":1\r\n"}) as node, Pool(node.url, shared=1, max_in_flight=1) as pool:
        transport = transport_of(pool)
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        second = callers.start(pool.execute, "INCR", "k", timeout=5.0)
        wait_until(lambda: transport.waiting)
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        assert second.result() == 1


def test_where_a_posted_run_is_not_answered_yet_nobody_is_alone(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "INCR": b":1\r\n"}) as node, Pool(node.url, shared=1, max_in_flight=1) as pool:
        transport = transport_of(pool)
        ticket = transport.post_many([("GET", "a")])
        caller = callers.start(pool.execute, "INCR", "k")
        wait_until(lambda: transport.waiting == 1)
        wait_until(lambda: node.release(1))
        assert caller.result() == 1
        assert transport.collect(ticket) == [b"a"]


def test_whoever_follows_meanwhile_leads_after_it(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, Pool(node.url, shared=1) as pool:
        transport = transport_of(pool)
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        follower = callers.start(transport.submit_until, ("GET", "b"), now() + 5.0)
        wait_until(lambda: transport.owes == 2)
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        wait_until(lambda: node.release(1))
        assert follower.result() == b"b"
        assert is_at_rest(transport)


def test_what_wants_no_reply_leaves_after_it(callers: Callers) -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": b""}
    with FakeNode(script) as node, Pool(node.url, shared=1) as pool:
        transport = transport_of(pool)
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        pool.execute_noreply("SET", "k", "v")
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        node.wait_for("SET")


def test_whoever_waits_until_nobody_leads_is_told(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, Pool(node.url, shared=1) as pool:
        transport = transport_of(pool)
        for turn in range(2):  # the second time, somebody has waited before
            caller = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: transport.owes and transport.is_busy)
            waiting = callers.start(transport.wait_idle)
            wait_until(lambda: transport._is_watched and transport._idle._waiters)
            wait_until(lambda: node.release(1))
            assert caller.result() == b"a"
            waiting.result()
            assert len(node.calls("GET")) == turn + 1
        assert node.calls("PING") == []


# Ends ---------------------------------------------------------------------------------------------------------


def test_bytes_behind_its_reply_that_nobody_asked_for_end_the_connection() -> None:
    with FakeNode({"GET": echo, "INCR": b":1\r\n:2\r\n"}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport, before = transport_of(pool), transport_of(pool).completed
        assert pool.execute("INCR", "k") == 1
        assert type(transport.error) is ProtocolError
        assert socket_of(transport).fileno() == -1
        assert pool.execute("GET", "a") == b"a"
        assert (pool.stats().lost, transport.completed) == (1, before + 1)


@pytest.mark.parametrize(
    ("reply", "kinds"),
    [
        (b":x\r\n", ProtocolError),
        (b"%1\r\n*0\r\n:1\r\n", ProtocolError),
        ((b"$5\r\nhe", LATE, Close()), ConnectionLost),
        (Close(), ConnectionLost),
        (Reset(), ConnectionLost),
    ],
)
def test_it_is_told_that_the_connection_ends_and_the_next_is_served(reply: Any, kinds: type[Exception]) -> None:
    with FakeNode({"GET": echo, "INCR": reply}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport, before = transport_of(pool), transport_of(pool).completed
        with pytest.raises(kinds):
            pool.execute("INCR", "k")
        assert socket_of(transport).fileno() == -1
        assert pool.execute("GET", "a") == b"a"
        assert (pool.stats().lost, transport.completed) == (1, before)


@pytest.mark.parametrize("reply", [Silence(), (b"$5\r\nhe", Silence())], ids=["silent", "half a reply"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("kind", [Pool, Connection])
def test_a_silent_server_is_noticed_in_time(kind: Any, tls: bool, reply: Any) -> None:
    with FakeNode({"GET": echo, "INCR": reply}) as node, FaultProxy(node, tls=tls) as proxy:
        options: dict[str, Any] = {"tls": proxy.ssl_context(), "connect_timeout": 5.0} if tls else {}
        more = {"shared": 1, "retry": None} if kind is Pool else {}
        with kind(proxy.url, read_timeout=0.2, **options, **more) as door:
            assert door.execute("GET", "a") == b"a"
            began = now()
            with pytest.raises(ReadTimeout):
                door.execute("INCR", "k")
            assert 0.19 <= now() - began < 3.0
            assert kind is Connection or door.execute("GET", "b") == b"b"


def test_an_ending_that_another_thread_could_not_finish_is_finished(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport = transport_of(pool)
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        transport._error = ConnectionLost("ended by the test")  # as a thread that is interrupted in ``_end_now``
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        assert not transport.is_busy
        assert socket_of(transport).fileno() == -1


def test_whoever_closes_the_connection_while_its_reply_is_read_is_obeyed() -> None:
    """A signal handler may do that anywhere, and the user's own error handler at one known place."""
    closed: list[Any] = []

    def close(error: UnicodeError) -> tuple[str, int]:
        conn.close()
        closed.append(socket_of(transport).fileno() == -1)
        assert isinstance(error, UnicodeDecodeError)
        return "?", error.end

    codecs.register_error("respool-test-close", close)
    with FakeNode({"GET": bulk(b"\xff")}) as node:
        conn = Connection(node.url, encoding="utf-8", encoding_errors="respool-test-close")
        conn.open()
        transport: Any = conn._transport
        assert conn.execute("GET", "k") == "?"
        assert closed == [False]  # that would close it under the thread that reads
        assert not transport.is_busy
        assert socket_of(transport).fileno() == -1


# Interrupts ---------------------------------------------------------------------------------------------------


@MODES
def test_interrupted_anywhere_it_leaves_nothing_to_the_next_one(interrupt: Callable[..., bool]) -> None:
    """What comes next is unusual, so it needs a call that nobody has given up."""
    script = {"GET": echo, "HGET": (b"$5\r\nhel", Delay(0.001, b"lo\r\n"))}
    with FakeNode(script) as node:
        for moment in moments():
            with Pool(node.url, shared=1, max_size=2, retry=None, read_timeout=2.0) as pool:
                pool.execute("GET", "a")
                was_interrupted = interrupt(moment, lambda pool=pool: pool.execute("GET", "b"))
                assert pool.execute("HGET", "k", "f") == b"hello", moment
                assert pool.execute("GET", "c") == b"c", moment
                assert pool.stats().dropped == 0, moment
                assert is_at_rest(transport_of(pool))
            if not was_interrupted:
                return


def test_one_that_is_interrupted_when_it_has_its_reply_disturbs_nobody_who_came_after_it(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport = transport_of(pool)
        only = transport._only
        caller = callers.start(pool.execute, "GET", "a")
        leads(transport, node, "GET")
        # The main thread had its reply by the same call just before, and is interrupted when it leaves the lock.
        transport._interrupted(only, KeyboardInterrupt())
        assert transport.is_open
        wait_until(lambda: node.release(1))
        assert caller.result() == b"a"
        assert is_at_rest(transport)
        assert node.connections == 1


def test_a_signal_handler_is_told_that_its_thread_leads_though_another_did_so_before(callers: Callers) -> None:
    outcomes: list[Any] = []

    def work() -> None:
        try:
            outcomes.append(transport.submit(("GET", "inner")))
        except UsageError as error:
            outcomes.append(error)

    with FakeNode({"GET": echo, "INCR": Hold(b":1\r\n")}) as node, Pool(node.url, shared=1) as pool, at_signal(work):
        transport = transport_of(pool)
        assert callers.start(pool.execute, "GET", "a").result() == b"a"

        def disturb() -> None:
            wait_until(lambda: node.calls("INCR"))
            send_signal()
            wait_until(lambda: outcomes or transport.owes > 1)
            wait_until(lambda: node.release())

        callers.start(disturb)
        assert pool.execute("INCR", "k") == 1
        assert [type(outcome) for outcome in outcomes] == [UsageError]


# Moments that no clock can hit --------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [0, 3, None])
def test_what_the_socket_does_not_accept_at_once_is_sent_later(callers: Callers, accepted: int | None) -> None:
    with FakeNode({"GET": echo}) as node, Pool(node.url, shared=1, retry=None, read_timeout=None) as pool:
        transport, sock = transport_of(pool), socket_of(transport_of(pool))
        usual = transport._say

        def say(data: bytes) -> int:
            if accepted is None:
                raise BlockingIOError
            return int(sock.send(data[:accepted])) if accepted else 0

        for number in range(3):
            transport._say, transport._talk = say, None
            assert callers.start(pool.execute, "GET", f"a{number}").result() == b"a%d" % number
            transport._say = usual
            assert pool.execute("GET", f"b{number}") == b"b%d" % number
        assert is_at_rest(transport)
        assert node.connections == 1


def test_what_could_not_be_sent_is_forgotten_when_the_connection_has_ended() -> None:
    with FakeNode({"GET": echo}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport = transport_of(pool)

        def say(data: bytes) -> int:
            raise ConnectionResetError

        transport._say, transport._talk = say, None
        with pytest.raises(ConnectionLost):
            pool.execute("GET", "a")
        assert not transport._rest
        assert not transport.is_busy
        assert pool.execute("GET", "b") == b"b"


# Many ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
def test_now_alone_and_now_in_company_everybody_gets_its_own_reply(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=1, retry=None) as pool:
        transport, before = transport_of(pool), pool.stats().replies

        def ask(name: int) -> int:
            chance = random.Random(name)
            for number in range(300):
                word = f"{name}:{number}" + "x" * chance.choice((0, 0, 0, 0, 2000))
                assert pool.execute("ECHO", word) == word.encode()
                if chance.random() < 0.1:
                    wait_until(lambda: not transport.is_busy or chance.random() < 0.5)
            return 300

        for name in range(3):
            callers.start(ask, name)
        assert sum(callers.results()) == 900
        assert pool.stats().replies == before + 900
        assert is_at_rest(transport)
