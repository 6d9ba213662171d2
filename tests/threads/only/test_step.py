"""The step in C (respool-speed): what it does by itself, and that a connection with it is like one without (Rule 5)."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from answers import OK, echo
from interrupting import Interrupted
from respool import Pool
from respool._sync.shell import compat, sockets
from respool.errors import ConnectionLost, ReadTimeout
from respool.testing import FakeNode, FaultProxy, Hold, Server
from threads.harness import PATIENCE, Callers, now, wait_until
from threads.signals import at_signal, interrupt_when, interruptible, send_signal
from threads.step import compile_step

ROOM = 16384
GET = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return compile_step(tmp_path_factory.mktemp("step"))


@pytest.fixture
def talk(module: Any) -> Any:
    return module.talk


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


class Counted:
    """Counts the calls of the step."""

    def __init__(self, talk: Any) -> None:
        self._talk = talk
        self.calls = 0

    def __call__(self, sock: socket.socket, data: bytes) -> tuple[int, bytes | None]:
        self.calls += 1
        got: tuple[int, bytes | None] = self._talk(sock, data)
        return got


@pytest.fixture
def step(talk: Any, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Let all connections that are made from now on use the step."""
    counted = Counted(talk)
    monkeypatch.setattr(sockets, "step", counted)
    return counted


# By itself -----------------------------------------------------------------------------------------------------


def test_it_writes_and_returns_what_comes(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"+OK\r\n")
    assert talk(ours, GET) == (len(GET), b"+OK\r\n")
    assert theirs.recv(100) == GET


def test_it_waits_for_the_answer_while_other_threads_run(talk: Any, pair: Pair) -> None:
    ours, theirs = pair

    def answer() -> None:
        assert theirs.recv(100) == GET
        theirs.sendall(b"$1\r\nv\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    assert talk(ours, GET) == (len(GET), b"$1\r\nv\r\n")
    thread.join()


def test_it_reads_no_more_than_it_has_room_for_and_leaves_the_rest(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"x" * ROOM + b"rest")
    assert talk(ours, b"a") == (1, b"x" * ROOM)
    assert ours.recv(100) == b"rest"


def test_bytes_of_every_value_come_through(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    every = bytes(range(256))
    theirs.sendall(every)
    assert talk(ours, every) == (256, every)
    assert theirs.recv(1000) == every


def test_at_the_end_of_the_stream_it_returns_nothing(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    theirs.shutdown(socket.SHUT_WR)
    assert talk(ours, GET) == (len(GET), b"")


def test_after_the_timeout_of_the_socket_it_returns_none(talk: Any, pair: Pair) -> None:
    ours, _ = pair
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 1000))
    assert talk(ours, GET) == (len(GET), None)


def test_what_is_not_written_whole_is_not_waited_for(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    ours.setblocking(False)
    data = b"x" * 10_000_000
    theirs.sendall(b"answer")
    sent, answer = talk(ours, data)
    assert 0 < sent < len(data)
    assert answer is None
    assert ours.recv(100) == b"answer"


def test_what_is_not_written_at_all_is_an_error(talk: Any, pair: Pair) -> None:
    ours, _ = pair
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            talk(ours, b"x" * 100_000)


def test_a_connection_that_the_peer_has_closed_is_an_error(talk: Any, pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        talk(ours, GET)


def test_a_connection_that_the_peer_resets_is_an_error(talk: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as ours:
        theirs, _ = listening.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            talk(ours, GET)


def test_a_closed_socket_is_an_error_as_for_the_socket_itself(talk: Any, pair: Pair) -> None:
    ours, _ = pair
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        talk(ours, GET)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("args", [(), (1,), (1, b"", 2), (1, "text"), (1, bytearray(b"x")), (object(), b"x")])
def test_wrong_arguments_are_refused(talk: Any, args: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        talk(*args)


def test_it_says_what_it_takes(talk: Any) -> None:
    assert talk.__text_signature__ == "($module, sock, data, /)"
    assert talk.__doc__.startswith("Write ``data`` to a blocking socket")


def test_a_signal_is_handled_while_it_waits_and_it_waits_on(talk: Any, pair: Pair, callers: Callers) -> None:
    ours, theirs = pair
    handled: list[bool] = []

    def disturb() -> None:
        wait_until(lambda: theirs.recv(100) == GET)
        for _ in range(3):
            send_signal()
        theirs.sendall(b"+OK\r\n")

    with at_signal(lambda: handled.append(True)):
        callers.start(disturb)
        assert talk(ours, GET) == (len(GET), b"+OK\r\n")
    assert handled == [True] * 3
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):  # and it has written only once
        theirs.recv(100)


def test_what_a_signal_handler_raises_ends_the_wait(talk: Any, pair: Pair, callers: Callers) -> None:
    ours, theirs = pair
    with interruptible():
        interrupt_when(callers, lambda: theirs.recv(100) == GET)
        with pytest.raises(Interrupted):
            talk(ours, GET)


def test_a_socket_that_a_signal_handler_closes_is_not_used_again(talk: Any, pair: Pair, callers: Callers) -> None:
    ours, theirs = pair
    others: list[socket.socket] = []

    def close() -> None:  # as in the child, if the handler forks
        descriptor = ours.fileno()
        ours.close()
        others.extend(socket.socketpair())
        assert others[0].fileno() == descriptor
        others[1].sendall(b"for somebody else")

    def disturb() -> None:
        wait_until(lambda: theirs.recv(100) == GET)
        send_signal()

    try:
        with at_signal(close):
            callers.start(disturb)
            with pytest.raises(OSError, match="Bad file descriptor"):
                talk(ours, GET)
        assert others[0].recv(100) == b"for somebody else"
    finally:
        for other in others:
            other.close()


def test_many_threads_each_get_their_own_answer(talk: Any, callers: Callers) -> None:
    def answer(theirs: socket.socket) -> None:
        while data := theirs.recv(100):
            theirs.sendall(data * 2)

    def ask(ours: socket.socket, name: bytes) -> None:
        with ours:
            for number in range(300):
                data = b"%s %d" % (name, number)
                assert talk(ours, data) == (len(data), data * 2)

    pairs = [socket.socketpair() for _ in range(8)]
    answering = [callers.start(answer, theirs) for _, theirs in pairs]
    asking = [callers.start(ask, ours, b"%d" % number) for number, (ours, _) in enumerate(pairs)]
    for caller in (*asking, *answering):
        caller.result()
    for _, theirs in pairs:
        theirs.close()


# In a connection -----------------------------------------------------------------------------------------------


def test_a_caller_that_is_alone_uses_it(server: Server, step: Counted) -> None:
    with Pool(server.url) as pool:
        pool.ping()
        before = step.calls
        assert pool.execute("SET", "k", "v") == b"OK"
        assert pool.execute("GET", "k") == b"v"
        assert step.calls == before + 2


def test_without_it_everything_goes_its_usual_way(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "step", None)
    with Pool(server.url) as pool:
        assert pool.execute("SET", "k", "v") == b"OK"
        assert pool.execute("GET", "k") == b"v"


def test_a_connection_of_its_own_does_not_use_it_with_a_timeout(server: Server, step: Counted) -> None:
    with Pool(server.url, shared=0) as pool, pool.acquire() as lease:
        assert lease.execute("PING") == b"PONG"
        used = step.calls
        assert lease.execute("GET", "k", timeout=5.0) is None
        assert step.calls == used


def test_a_long_reply_is_read_to_its_end(server: Server, step: Counted) -> None:
    with Pool(server.url) as pool:
        for size in (ROOM - 20, ROOM - 10, ROOM, ROOM + 1, 3 * ROOM, 1_000_000):
            value = bytes(number % 251 for number in range(size))
            pool.execute("SET", "k", value)
            assert pool.execute("GET", "k") == value
            assert pool.execute("GET", "other") is None
    assert step.calls > 10


def test_an_error_of_the_server_is_raised(server: Server, step: Counted) -> None:
    with Pool(server.url) as pool:
        pool.execute("SET", "k", "v")
        with pytest.raises(Exception, match="wrong kind of value"):
            pool.execute("LPUSH", "k", "v")
        assert pool.execute("GET", "k") == b"v"
    assert step.calls


def test_a_server_that_is_silent_for_too_long_ends_the_connection(step: Counted) -> None:
    with FakeNode({"GET": echo, "INCR": Hold(b":1\r\n")}) as node:
        with Pool(node.url, shared=1, read_timeout=0.2) as pool:
            assert pool.execute("GET", "k") == b"k"
            with pytest.raises(ReadTimeout, match="no reply for") as caught:
                pool.execute("INCR", "n")
            assert caught.value.executed == "unknown"
            assert pool.execute("GET", "k") == b"k"
    assert step.calls


def test_a_connection_that_ends_while_it_waits_is_lost(step: Counted) -> None:
    with FakeNode({"GET": echo, "INCR": Hold(b":1\r\n")}) as node, FaultProxy(node) as proxy:
        with Pool(proxy.url, shared=1) as pool:
            assert pool.execute("GET", "k") == b"k"
            cutting = threading.Timer(0.05, proxy.cut)
            cutting.start()
            with pytest.raises(ConnectionLost) as caught:
                pool.execute("INCR", "n")
            cutting.join()
            assert caught.value.executed == "unknown"
            assert pool.execute("GET", "k") == b"k"
            assert len(node.calls("INCR")) == 1
    assert step.calls


def test_an_interrupt_while_it_waits_ends_the_connection_and_no_reply_goes_astray(
    step: Counted, callers: Callers
) -> None:
    with FakeNode({"GET": echo, "SET": Hold(OK)}) as node, Pool(node.url, shared=1) as pool:
        assert pool.execute("GET", "a") == b"a"
        with interruptible():
            interrupt_when(callers, lambda: node.calls("SET"))
            with pytest.raises(Interrupted):
                pool.execute("SET", "k", "v")
        node.release()
        assert pool.execute("GET", "b") == b"b"
    assert step.calls


def test_others_that_come_while_it_waits_get_their_replies(step: Counted, callers: Callers) -> None:
    with FakeNode({"GET": echo, "SET": Hold(OK)}) as node, Pool(node.url, shared=1) as pool:
        assert pool.execute("GET", "a") == b"a"
        first = callers.start(pool.execute, "SET", "k", "v")
        wait_until(lambda: node.calls("SET"))
        others = [callers.start(pool.execute, "GET", f"k{number}") for number in range(5)]
        wait_until(lambda: pool.stats().in_flight == 6)
        node.release()
        assert [caller.result() for caller in (first, *others)] == [b"OK", b"k0", b"k1", b"k2", b"k3", b"k4"]


def test_closing_ends_its_wait(step: Counted, callers: Callers) -> None:
    with FakeNode({"GET": echo, "SET": Hold(OK)}) as node:
        pool: Pool[bytes] = Pool(node.url, shared=1)
        assert pool.execute("GET", "a") == b"a"
        waiting = callers.start(pool.execute, "SET", "k", "v")
        wait_until(lambda: node.calls("SET"))
        pool.close(timeout=0)
        assert isinstance(waiting.outcome(), ConnectionLost)


def test_threads_that_use_it_get_their_own_replies(server: Server, step: Counted, callers: Callers) -> None:
    with Pool(server.url) as pool:

        def work(name: str) -> None:
            until, number = now() + PATIENCE, 0
            while number < 200 or (pool.shared < 8 and now() < until):  # more than there are without it
                value = f"{name} {number}".encode()
                assert pool.execute("SET", name, value) == b"OK"
                assert pool.execute("GET", name) == value
                number += 1

        working = [callers.start(work, f"k{number}") for number in range(12)]
        for caller in working:
            caller.result()
        assert pool.shared == 8
    assert step.calls


@pytest.mark.parametrize(("is_there", "tls", "most"), [(False, False, 3), (True, False, 7), (True, True, 3)])
def test_where_it_is_used_there_are_more_extra_connections(
    is_there: bool, tls: bool, most: int, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "step", talk if is_there else None)
    pool: Pool[bytes] = Pool("redis://127.0.0.1:1", tls=tls, warn_unclosed=False)
    affinity = compat.affinity(pool._options)
    assert affinity is not None
    assert affinity.most_extra == most


def test_a_socket_that_does_not_block_does_not_use_it(step: Counted) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert sockets.PlainSocket(ours).shortest_way() is not None
        assert sockets.GreenSocket.shortest_way(Any) is None  # type: ignore[arg-type]
        assert sockets.TlsSocket.shortest_way(Any) is None  # type: ignore[arg-type]
    assert not step.calls
