"""Many threads that switch all the time: counts stay exact, no connection has two owners, no waiter is forgotten."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from answers import echo
from respool import Connection, Pool
from respool.errors import ConnectionLost, PoolTimeout, ReadTimeout
from respool.testing import FakeNode
from threads.harness import Callers, Signal, now, wait_until


@pytest.fixture(autouse=True)
def threads_switch_all_the_time() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def use(pool: Pool[Any], owners: dict[Any, int], seed: int) -> int:
    """Acquire thirty leases in all possible ways, and return how often the timeout passed."""
    chance = random.Random(seed)
    missed = 0
    for number in range(30):
        word = f"{seed}:{number}"
        kind = chance.randrange(8)
        try:
            with pool.acquire(chance.choice((0, 0.0005, 5, 5))) as conn:
                me = conn._slot
                assert owners.setdefault(me, seed) == seed, "two owners"
                try:
                    if kind == 0:
                        conn.close()
                    elif kind == 1:
                        conn.execute("WATCH", "k")
                    elif kind == 2:
                        conn.execute("ECHO", word, timeout=0.0001)
                    else:
                        assert conn.execute("ECHO", word) == word.encode()
                finally:
                    del owners[me]
        except PoolTimeout:
            missed += 1
        except ReadTimeout:
            pass
    return missed


def test_counts_agree_after_a_storm(callers: Callers) -> None:
    owners: dict[Any, int] = {}
    with FakeNode({"ECHO": echo, "WATCH": b"+OK\r\n"}) as node, Pool(node.url, shared=0, max_size=4) as pool:
        for seed in range(20):
            callers.start(use, pool, owners, seed)
        missed = sum(callers.results())
        wait_until(lambda: (pool.leased, pool.dialing, pool.waiting) == (0, 0, 0))
        stats = pool.stats()
        assert stats.leases == stats.releases == 600 - missed
        assert stats.timeouts == missed
        assert owners == {}
        assert pool._serving is not None
        pool._serving.node.ledger.check()
        wait_until(lambda: node.open_connections == pool.size)


def test_closing_in_the_middle_of_a_storm_leaves_nobody_behind(callers: Callers) -> None:
    def work(pool: Pool[Any], seed: int) -> None:
        while True:
            use(pool, {}, seed)

    with FakeNode({"ECHO": echo, "WATCH": b"+OK\r\n"}) as node:
        for _ in range(5):
            pool = Pool(node.url, shared=0, max_size=3)
            workers = [callers.start(work, pool, seed) for seed in range(8)]
            wait_until(lambda pool=pool: pool.stats().leases > 30)
            pool.close()
            outcomes = [worker.outcome() for worker in workers]
            assert {type(outcome).__name__ for outcome in outcomes} == {"PoolClosed"}
            assert pool.size == 0
        wait_until(lambda: node.open_connections == 0)


def test_resizing_clearing_and_draining_in_a_storm_never_exceeds_the_bound(callers: Callers) -> None:
    ends = Signal()

    def work(pool: Pool[Any]) -> None:
        while not ends.is_set:
            assert pool.execute("ECHO", "x") == b"x"

    with FakeNode({"ECHO": echo}) as node, Pool(node.url, shared=0, max_size=6) as pool:
        for _ in range(8):
            callers.start(work, pool)
        started, turn = now(), 0
        while now() - started < 0.5:
            turn += 1
            if turn % 3 == 0:
                pool.resize(max_size=2 + turn % 5)
            elif turn % 3 == 1:
                pool.clear()
            else:
                pool.drain()
            assert pool.execute("ECHO", "y") == b"y"
        pool.resize(max_size=2)
        ends.set()
        callers.results()
        wait_until(lambda: pool.size <= 2 and pool.leased == pool.dialing == 0)
        assert pool.stats().lost == 0


def test_a_lease_that_wanders_from_thread_to_thread_is_one_lease(callers: Callers) -> None:
    def ask(conn: Connection[Any], word: str) -> Any:
        try:
            return conn.execute("ECHO", word)
        except ConnectionLost:
            return None

    with FakeNode({"ECHO": echo}) as node, Pool(node.url, shared=0, max_size=1) as pool, pool.acquire() as conn:
        for name in range(10):
            callers.start(ask, conn, f"word {name}")
        assert callers.results() == [f"word {name}".encode() for name in range(10)]
        assert conn.is_clean
