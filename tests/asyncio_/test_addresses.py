# Written once: tests/threads/test_addresses.py is generated from this file.
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
from asyncio_.harness import Callers, Signal, now, resolves_in_python, wait_until
from respool import AsyncConnection, AsyncPool
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


async def test_an_address_that_swallows_everything_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, hole.port, node.port)
        async with AsyncPool(NAME, shared=1, connect_timeout=3.0) as pool:
            assert await pool.execute("GET", "k") == b"k"


async def test_little_time_is_enough_for_the_second_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, hole.port, hole.port + 1, node.port)
        async with AsyncPool(NAME, shared=1, connect_timeout=0.25, acquire_timeout=20.0) as pool:
            assert await pool.execute("GET", "k") == b"k"


async def test_an_address_that_refuses_is_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as gone:
        port = gone.port
    with FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, port, node.port)
        for _ in range(8):
            async with AsyncConnection(NAME, connect_timeout=1.0) as conn:
                assert await conn.execute("GET", "k") == b"k"


async def test_the_order_of_the_resolver_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode() as first, FakeNode() as second:
        let_names_mean(monkeypatch, first.port, second.port)
        async with AsyncPool(NAME, shared=0, min_size=3, connect_timeout=5.0):
            assert (first.connections, second.connections) == (3, 0)


async def test_a_name_whose_addresses_all_fail_fails_in_time_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeNode.full() as hole, FakeNode.full() as other:
        let_names_mean(monkeypatch, hole.port, other.port)
        started = now()
        with pytest.raises(ConnectTimeout):
            async with AsyncConnection(NAME, connect_timeout=0.3):
                pass
        assert now() - started < 3.0
    let_names_mean(monkeypatch, hole.port, other.port)
    with pytest.raises(ConnectFailed, match="Connection refused"):
        async with AsyncConnection(NAME, connect_timeout=5.0):
            pass


@pytest.mark.parametrize("answer", [Silence(), Close()], ids=["mute", "hangs up"])
async def test_an_address_that_accepts_and_does_not_greet_is_passed_over_at_the_next_dial(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    with FakeNode(handshake=False, default=answer) as bad, FakeNode({"GET": echo}) as node:
        let_names_mean(monkeypatch, bad.port, node.port)
        pool: AsyncPool[bytes] = AsyncPool(NAME, shared=1, connect_timeout=0.5)
        await pool.open(wait=False)
        await pool.wait_ready(10.0)
        assert await pool.execute("GET", "k") == b"k"
        before = bad.connections
        async with pool.acquire() as one, pool.acquire() as two:
            assert [await one.execute("GET", "k"), await two.execute("GET", "k")] == [b"k", b"k"]
        assert bad.connections == before <= 2
        await pool.aclose()


async def test_an_address_that_is_mute_in_the_tls_handshake_is_passed_over_at_the_next_dial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeNode(accepting=False) as mute, FakeNode({"GET": echo}) as node, FaultProxy(node, tls=True) as proxy:
        let_names_mean(monkeypatch, mute.port, proxy.port)
        context = proxy.ssl_context()
        context.check_hostname = False
        conn = AsyncConnection("rediss://several.test", tls=context, connect_timeout=0.5)
        with pytest.raises(ConnectTimeout):
            await conn.open()
        async with conn:
            assert await conn.execute("GET", "k") == b"k"


async def test_tls_checks_the_name_and_not_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole, FakeNode() as node, FaultProxy(node, tls=True) as proxy:
        let_names_mean(monkeypatch, hole.port, proxy.port)
        context = proxy.ssl_context()
        assert context.verify_mode is ssl.CERT_REQUIRED
        with pytest.raises(ConnectFailed, match="certificate"):
            async with AsyncConnection("rediss://several.test", tls=context, connect_timeout=5.0):
                pass


async def test_a_literal_address_asks_no_resolver(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as resolver:
        async with AsyncConnection(server.url) as conn:
            assert await conn.ping()
        assert resolver.calls == 0


# A resolver that hangs --------------------------------------------------------------------------------------


async def test_a_resolver_that_hangs_holds_up_no_open_and_no_close(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch):
        pool: AsyncPool[bytes] = AsyncPool(NAME, connect_timeout=20.0)
        started = now()
        with pytest.raises(PoolTimeout):
            await pool.open(timeout=0.2)
        await pool.open(wait=False)
        await pool.aclose(timeout=0)
        pool = AsyncPool(NAME, connect_timeout=20.0)
        await pool.open(wait=False)
        await pool.aclose()
        assert now() - started < 5.0


async def test_a_resolver_that_hangs_is_given_up_after_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as resolver:
        pool: AsyncPool[bytes] = AsyncPool(NAME, connect_timeout=0.2)
        started = now()
        with pytest.raises(ConnectTimeout):
            await pool.ping()
        with pytest.raises(ConnectTimeout):
            async with AsyncConnection(NAME, connect_timeout=0.2):
                pass
        assert now() - started < 5.0
        await pool.aclose()
        assert resolver.calls >= 1


# A function of the user's that hangs ---------------------------------------------------------------------------


async def test_credentials_that_hang_hold_up_no_open_and_no_close(callers: Callers) -> None:
    may_go = Signal()

    async def credentials() -> str:
        await may_go.wait()
        return "p"

    with FakeNode({"GET": echo}) as node:
        started = now()
        pool: AsyncPool[bytes] = AsyncPool(node.url, credentials=credentials, connect_timeout=20.0)
        with pytest.raises(PoolTimeout):
            await pool.open(timeout=0.2)
        await pool.open(wait=False)
        await pool.aclose(timeout=0)
        pool = AsyncPool(node.url, credentials=credentials, connect_timeout=0.2)
        with pytest.raises(ConnectTimeout):
            await pool.ping()
        await pool.aclose()
        assert now() - started < 4.0
        may_go.set()
        await wait_until(lambda: node.open_connections == 0)
        assert node.commands == []  # no handshake after an answer that came too late


@pytest.mark.parametrize("hook", ["configure", "reset"])
async def test_a_hook_that_hangs_holds_up_no_close(callers: Callers, hook: str) -> None:
    may_go, began = Signal(), Signal()

    async def hang(conn: Any) -> None:
        began.set()
        await may_go.wait()

    options: dict[str, Any] = {hook: hang}
    with FakeNode({"GET": echo}) as node:
        pool: AsyncPool[bytes] = AsyncPool(node.url, shared=0, min_size=1, connect_timeout=20.0, **options)
        await pool.open(wait=False)
        if hook == "reset":
            async with pool.acquire() as conn:
                await conn.execute("GET", "k")
        await began.wait()
        started = now()
        await pool.aclose(timeout=0)
        assert now() - started < 3.0
        may_go.set()
        await wait_until(lambda: node.open_connections == 0)
