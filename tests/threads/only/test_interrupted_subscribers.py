"""A thread that reads for a subscriber is interrupted at every moment: no lease of the subscriber's is lost.

``interrupting`` says how the moments are found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interrupting import interrupted_at, interrupted_behind, moments, sparse_moments
from respool import Pool
from respool.testing import Server
from threads.harness import wait_until

Interrupt = Callable[..., bool]
MODES = pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])


def cut(pool: Pool[Any]) -> None:
    """Close all connections from the server's side."""
    with pool.acquire() as conn:
        conn.execute("CLIENT", "KILL", "TYPE", "pubsub")


def rests(pool: Pool[Any], leased: int) -> None:
    """Check that nothing is leased but to subscribers, and that all counts agree."""
    wait_until(lambda: (pool.leased, pool.dialing) == (leased, 0))
    stats = pool.stats()
    assert stats.leases == stats.releases + stats.leaks + leased
    assert stats.opened == stats.closed + stats.lost + stats.size


@MODES
def test_while_a_lost_connection_is_replaced(server: Server, interrupt: Interrupt) -> None:
    for moment in sparse_moments(0 if interrupt is interrupted_at else 1):
        with Pool(server.url, shared=1, max_size=4) as pool:
            with pool.subscribe("a") as sub:
                cut(pool)
                was_interrupted = interrupt(moment, lambda: sub.subscribe("b"))
                sub.subscribe("b", "c")
                assert pool.publish("c", moment) == 1
                message = sub.next(5.0)
                assert message is not None
                assert message.data == str(moment).encode()
                rests(pool, 1)
            rests(pool, 0)
            assert pool.stats().leaks == 0
        if not was_interrupted:
            return


@MODES
def test_while_topics_are_dropped(server: Server, interrupt: Interrupt) -> None:
    for moment in moments():
        with Pool(server.url, shared=1, max_size=4) as pool:
            with pool.subscribe("a", "b") as sub:
                was_interrupted = interrupt(moment, lambda: sub.unsubscribe("b"))
                sub.subscribe("c")
                sub.unsubscribe("b")
                assert pool.publish("c", moment) == 1
                message = sub.next(5.0)
                assert message is not None
                assert message.data == str(moment).encode()
            rests(pool, 0)
        if not was_interrupted:
            return


@MODES
@pytest.mark.filterwarnings("ignore:.*was never closed:ResourceWarning")  # interrupted just before it was
def test_while_a_subscriber_is_opened_and_closed(server: Server, interrupt: Interrupt) -> None:
    def come_and_go(pool: Pool[Any]) -> None:
        with pool.subscribe("a"):
            pass

    for moment in sparse_moments(2 if interrupt is interrupted_at else 0):
        with Pool(server.url, shared=1, max_size=4) as pool:
            was_interrupted = interrupt(moment, lambda: come_and_go(pool))
            rests(pool, 0)
        if not was_interrupted:
            return
