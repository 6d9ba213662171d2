"""A name with several addresses: they share the time to connect, and closing the pool cancels all of them."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from respool import Pool
from respool._sync.shell import dial as dial_module
from respool.errors import ConnectFailed, ConnectTimeout
from respool.testing import FakeNode, Server
from threads.harness import now, wait_until


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name resolve to these ports of this host, in this order."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_an_address_behind_a_black_hole_is_still_reached(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole:
        resolve(monkeypatch, hole.port, server.port)
        with Pool("redis://two.test", shared=1, connect_timeout=2.0) as pool:
            assert pool.execute("PING") == b"PONG"


def test_many_black_holes_take_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole:
        resolve(monkeypatch, *[hole.port] * 10)
        started = now()
        with pytest.raises(ConnectTimeout), Pool("redis://many.test", shared=1, connect_timeout=0.5):
            pass
        assert 0.45 <= now() - started < 3.0


def test_closing_calls_off_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeNode.full() as hole:
        resolve(monkeypatch, *[hole.port] * 3)
        pool: Pool[Any] = Pool("redis://many.test", shared=1, connect_timeout=60.0)
        pool.open(wait=False)
        wait_until(lambda: pool._serving is not None and pool._serving.node.in_making)  # it is connecting
        started = now()
        pool.close()
        assert now() - started < 2.0


def test_the_number_of_a_thread_that_is_used_again_hangs_up_on_nobody_else() -> None:
    over = threading.Thread(target=lambda: None)
    over.start()
    over.join()
    assert over.ident is not None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        dial = dial_module._dials[over.ident] = dial_module.Dial()  # as if a new thread had got this thread id
        dial.sockets.append(ours)
        try:
            dial_module.hang_up(over)
            theirs.send(b"a")
            assert ours.recv(1) == b"a"
        finally:
            del dial_module._dials[over.ident]


def test_nothing_is_kept_of_dials_that_have_ended(server: Server) -> None:
    with Pool(server.url, shared=0, min_size=3, max_size=8) as pool:
        assert pool.size == 3
    with FakeNode() as node:
        port = node.port
    with pytest.raises(ConnectFailed), Pool(host="127.0.0.1", port=port, shared=1):
        pass
    wait_until(lambda: not dial_module._dials)


def test_threads_that_have_dialed_are_let_go(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        for _ in range(20):
            with pool.acquire() as conn:
                conn.abort()
        assert pool.stats().opened >= 20
        assert len(pool._serving.node.tasks._threads) <= 4  # type: ignore[union-attr]  # it is open
