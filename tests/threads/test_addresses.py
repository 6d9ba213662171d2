# Generated from tests/asyncio_/test_addresses.py by tools/generate.py. Do not edit.
"""Several addresses, a resolver or a user's function that hangs: no caller waits beyond its timeout (R-40)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from answers import echo
from threads.harness import Callers, Signal, now, resolves_in_python, wait_until
from respool import Connection, Pool
from respool.errors import ConnectFailed, ConnectTimeout, PoolTimeout
from respool.testing import Close, FakeNode, FaultProxy, Server, Silence

NAME = "redis://several.test"


def let_names_mean(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name resolve to these ports of this host, in this order."""
    if not resolves_in_python():
        pytest.skip("uvloop does not ask Python's resolver; only/test_event_loops.py has a loop of its own for this")
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


class Resolver:
    """A resolver that does not answer until the test lets it."""

    def __init__(self) -> None:
        self.calls = 0
        self.go_on = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> list[Any]:
        self.calls += 1
        self.go_on.wait(30.0)
        raise OSError("no such name")


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    if not resolves_in_python():
        pytest.skip("uvloop does not ask Python's resolver")
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    try:
        yield resolver
    finally:
        resolver.go_on.set()


def test_an_address_that_swallows_everything_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, hole.port, node.port)
        with Pool(NAME, shared=1, connect_timeout=3.0) as pool:
            assert pool.execute("GET", "k") == b"k"


def test_little_time_is_enough_for_the_second_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, hole.port, hole.port + 1, node.port)
        with Pool(NAME, shared=1, connect_timeout=0.25, acquire_timeout=20.0) as pool:
            assert pool.execute("GET", "k") == b"k"


def test_an_address_that_refuses_is_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as gone:
        port = gone.port
    with FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, port, node.port)
        for _ in range(8):
            with Connection(NAME, connect_timeout=1.0) as conn:
                assert conn.execute("GET", "k") == b"k"


def test_the_order_of_the_resolver_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as first, FakeNode() as second:
        let_names_mean(monkeypatch, first.port, second.port)
        with Pool(NAME, shared=0, min_size=3, connect_timeout=5.0):
            assert (first.connections, second.connections) == (3, 0)


def test_a_name_whose_addresses_all_fail_fails_in_time_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeNode.full() as hole, FakeNode.full() as other:
        let_names_mean(monkeypatch, hole.port, other.port)
        started = now()
        with pytest.raises(ConnectTimeout):
            with Connection(NAME, connect_timeout=0.3):
                pass
        assert now() - started < 3.0
    let_names_mean(monkeypatch, hole.port, other.port)
    with pytest.raises(ConnectFailed, match="Connection refused"):
        with Connection(NAME, connect_timeout=5.0):
            pass


@pytest.mark.parametrize("answer", [Silence(), Close()], ids=["mute", "hangs up"])
def test_an_address_that_accepts_and_does_not_greet_is_passed_over_at_the_next_dial(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    with FakeNode(handshake=False, default=answer) as bad, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, bad.port, node.port)
        pool: Pool[bytes] = Pool(NAME, shared=1, connect_timeout=0.5)
        pool.open(wait=False)
        pool.wait_ready(10.0)
        assert pool.execute("GET", "k") == b"k"
        before = bad.connections
        with pool.acquire() as one, pool.acquire() as two:
            assert [one.execute("GET", "k"), two.execute("GET", "k")] == [b"k", b"k"]
        assert bad.connections == before <= 2
        pool.close()


def test_an_address_that_is_mute_in_the_tls_handshake_is_passed_over_at_the_next_dial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeNode(accepting=False) as mute, FakeNode({"GET": echo}) as node, FaultProxy(node, tls=True) as proxy:
        let_names_mean(monkeypatch, mute.port, proxy.port)
        context = proxy.ssl_context()
        context.check_hostname = False
        conn = Connection("rediss://several.test", tls=context, connect_timeout=0.5)
        with pytest.raises(ConnectTimeout):
            conn.open()
        with conn:
            assert conn.execute("GET", "k") == b"k"


def test_tls_checks_the_name_and_not_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode() as node, FaultProxy(node, tls=True) as proxy:
        let_names_mean(monkeypatch, hole.port, proxy.port)
        context = proxy.ssl_context()
        assert context.verify_mode is ssl.CERT_REQUIRED
        with pytest.raises(ConnectFailed, match="certificate"):
            with Connection("rediss://several.test", tls=context, connect_timeout=5.0):
                pass


def test_a_literal_address_asks_no_resolver(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as resolver:
        with Connection(server.url) as conn:
            assert conn.ping()
        assert resolver.calls == 0


# A resolver that hangs --------------------------------------------------------------------------------------


def test_a_resolver_that_hangs_holds_up_no_open_and_no_close(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch):
        pool: Pool[bytes] = Pool(NAME, connect_timeout=20.0)
        started = now()
        with pytest.raises(PoolTimeout):
            pool.open(timeout=0.2)
        pool.open(wait=False)
        pool.close(timeout=0)
        pool = Pool(NAME, connect_timeout=20.0)
        pool.open(wait=False)
        pool.close()
        assert now() - started < 5.0


def test_a_resolver_that_hangs_is_given_up_after_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as resolver:
        pool: Pool[bytes] = Pool(NAME, connect_timeout=0.2)
        started = now()
        with pytest.raises(ConnectTimeout):
            pool.ping()
        with pytest.raises(ConnectTimeout):
            with Connection(NAME, connect_timeout=0.2):
                pass
        assert now() - started < 5.0
        pool.close()
        assert resolver.calls >= 1


# A function of the user's that hangs ---------------------------------------------------------------------------


def test_credentials_that_hang_hold_up_no_open_and_no_close(callers: Callers) -> None:
    may_go = Signal()

    def credentials() -> str:
        may_go.wait()
        return "p"

    with FakeNode({"GET": echo}) as node:
        started = now()
        pool: Pool[bytes] = Pool(node.url, credentials=credentials, connect_timeout=20.0)
        with pytest.raises(PoolTimeout):
            pool.open(timeout=0.2)
        pool.open(wait=False)
        pool.close(timeout=0)
        pool = Pool(node.url, credentials=credentials, connect_timeout=0.2)
        with pytest.raises(ConnectTimeout):
            pool.ping()
        pool.close()
        assert now() - started < 4.0
        may_go.set()
        wait_until(lambda: node.open_connections == 0)
        assert node.commands == []  # no handshake after an answer that came too late


@pytest.mark.parametrize("hook", ["configure", "reset"])
def test_a_hook_that_hangs_holds_up_no_close(callers: Callers, hook: str) -> None:
    may_go, began = Signal(), Signal()

    def hang(conn: Any) -> None:
        began.set()
        may_go.wait()

    options: dict[str, Any] = {hook: hang}
    with FakeNode({"GET": echo}) as node:
        pool: Pool[bytes] = Pool(node.url, shared=0, min_size=1, connect_timeout=20.0, **options)
        pool.open(wait=False)
        if hook == "reset":
            with pool.acquire() as conn:
                conn.execute("GET", "k")
        began.wait()
        started = now()
        pool.close(timeout=0)
        assert now() - started < 3.0
        may_go.set()
        wait_until(lambda: node.open_connections == 0)
