"""Threads at work get as many connections again, when those they had are gone (R-41)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from respool import Pool
from respool.errors import Error
from respool.testing import Server
from threads.harness import Callers, wait_until


@pytest.fixture
def working(callers: Callers) -> Iterator[list[Pool[bytes]]]:
    """Let five threads work without a pause, on whichever pool is in the list."""
    pools: list[Pool[bytes]] = []
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            try:
                for pool in pools:
                    pool.execute("GET", "k")
            except Error:
                pass

    threads = [callers.start(work) for _ in range(5)]
    yield pools
    is_over.set()
    for thread in threads:
        thread.result()


def test_when_all_are_lost_threads_get_as_many_again(server: Server, working: list[Pool[bytes]]) -> None:
    with Pool(server.url) as pool, Pool(server.url) as other:
        working.append(pool)
        for _ in range(3):
            wait_until(lambda: pool.shared >= 4)
            lost = pool.stats().lost
            other.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            wait_until(lambda lost=lost: pool.stats().lost >= lost + 4)
        wait_until(lambda: pool.shared >= 4)
        working.clear()


def test_when_all_are_past_their_lifetime_threads_get_as_many_again(server: Server, working: list[Pool[bytes]]) -> None:
    with Pool(server.url, max_lifetime=0.3) as pool:
        working.append(pool)
        for _ in range(3):
            wait_until(lambda: pool.shared >= 4)
            closed = pool.stats().closed
            wait_until(lambda closed=closed: pool.stats().closed >= closed + 4)
        working.clear()
