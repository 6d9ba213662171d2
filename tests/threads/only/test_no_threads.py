"""If the system refuses new threads, the callers do the work of the pool's background threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from respool import Pool
from respool.errors import PoolError
from respool.testing import FakeNode, Server
from threads.harness import wait_until


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Make the system refuse every new thread, by a stack size that is too large."""
    before = threading.stack_size(2**46)
    try:
        with pytest.raises(RuntimeError):
            threading.Thread(target=int).start()
        yield
    finally:
        threading.stack_size(before)


def test_a_pool_cannot_be_opened_and_can_be_tried_again(server: Server) -> None:
    pool = Pool(server.url)
    with no_more_threads(), pytest.raises(PoolError, match="a thread of its own, and none can be started"):
        pool.open()
    assert pool.size == 0
    assert pool.execute("PING") == b"PONG"
    pool.close()


@pytest.mark.parametrize("shared", [0, 1])
def test_a_lost_connection_is_replaced(server: Server, shared: int) -> None:
    with Pool(server.url, shared=shared, min_size=1) as pool, no_more_threads():
        server.command("CLIENT", "KILL", "TYPE", "normal")
        for _ in range(3):
            assert pool.execute("PING", timeout=3.0) == b"PONG"
        wait_until(lambda: pool.dialing == 0)
        assert pool.size == 1


def test_a_dial_that_fails_is_an_error_of_the_caller_and_the_housekeeper_goes_on(server: Server) -> None:
    with FakeNode({"PING": b"+PONG\r\n"}) as node:
        port = node.port
        pool = Pool(host="127.0.0.1", port=port, shared=1, connect_timeout=0.2, retry=None)
        pool.open()
        with no_more_threads():
            node.stop()
            with pytest.raises(Exception, match=str(port)):
                pool.execute("PING", timeout=1.0)
    wait_until(lambda: pool.stats().dial_failures > 2)  # without callers: the maintenance thread dials
    assert pool.dialing <= 1
    pool.close()


def test_a_lease_is_made_clean_by_whoever_gives_it_back(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        pool.execute("PING")
        with no_more_threads():
            with pool.acquire() as conn:
                conn.execute("MULTI")
            assert pool.execute("ECHO", "x", timeout=2.0) == b"x"
        assert (pool.size, pool.stats().resets) == (1, 1)
