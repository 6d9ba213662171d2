# Generated from tests/asyncio_/test_long_times.py by tools/generate.py. Do not edit.
"""A very long timeout works like none; it never causes an error of the clock, the kernel or a lock."""

from __future__ import annotations

import pytest

from answers import echo, held_echo
from threads.harness import Callers, wait_until
from respool import Pool
from respool.testing import FakeNode, FaultProxy, Server

LONG = [3e6, 1e10, 1e18, float("inf")]  # more than poll accepts, than a lock accepts, than fits any integer type


@pytest.mark.parametrize("timeout", LONG)
def test_leaders_followers_and_borrowers_may_wait_for_long(callers: Callers, timeout: float) -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node:
        with Pool(node.url, shared=1, max_size=2, read_timeout=None) as pool:
            waiting = [callers.start(pool.execute, "GET", key, timeout=timeout) for key in "ab"]
            wait_until(lambda: len(node.calls("GET")) >= 1 and pool.stats().in_flight == 2)

            def borrow() -> None:
                with pool.acquire(timeout) as conn:
                    assert conn.execute("ECHO", "x", timeout=timeout) == b"x"

            lease = pool.acquire(timeout)
            borrower = callers.start(borrow)
            wait_until(lambda: pool.waiting)
            pool.release(lease)
            borrower.result()
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and all(caller.is_done for caller in waiting))
            assert [caller.result() for caller in waiting] == [b"a", b"b"]
            pool.wait_ready(timeout)
            pool.close(timeout=timeout)


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("seconds", [3e6, 1e10, 1e18])
def test_all_times_of_a_pool_may_be_long(server: Server, seconds: float, *, tls: bool) -> None:
    with FaultProxy(server, tls=tls) as proxy:
        with Pool(
            proxy.tls_url if tls else proxy.url,
            tls=proxy.ssl_context() if tls else False,
            shared=1,
            connect_timeout=seconds,
            read_timeout=seconds,
            acquire_timeout=seconds,
            max_idle=seconds,
            max_lifetime=seconds,
            keepalive=seconds,
        ) as pool:
            assert pool.execute("ECHO", "x") == b"x"
            pool.execute("RPUSH", "list", "1")
            assert pool.execute("BLPOP", "list", min(seconds, 1e10)) == [b"list", b"1"]
