"""A thread that is interrupted while it sends commands to a cluster leaves nothing undone for the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import pytest

from interrupting import interrupted_at, interrupted_behind, moments
from respool import ClusterPool
from respool.testing import FakeCluster
from threads.harness import wait_until


def is_read() -> bool:
    return all(thread.name != "respool-read" for thread in threading.enumerate())


@pytest.mark.parametrize("interrupted", [interrupted_at, interrupted_behind])
def test_replies_that_nobody_waits_for_are_read_after_an_interrupt(interrupted: Callable[..., bool]) -> None:
    with FakeCluster(1) as cluster:
        pool = ClusterPool(cluster.url)
        pool.set("key", 0)
        for moment in moments():
            pool.get("key")  # an interrupt may have cost the connection
            if not interrupted(moment, lambda: pool.execute_noreply("INCR", "key")):
                break
            wait_until(is_read)
        started = monotonic()
        pool.close()
        assert monotonic() - started < 4  # close waits up to 5 s for what is unread
