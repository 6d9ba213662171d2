"""The gate matrix runs on both event loops, and in threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from gates.combinations import Site
from respool.testing import wait_until


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def sockets() -> int:
    """Count the sockets of this process; 0 where there is no /proc."""
    found = 0
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            continue  # the descriptor of the listing itself
    return found


@pytest.fixture
def site() -> Iterator[Site]:
    """The network of the matrix; every socket of a test must be gone with it."""
    with Site() as running:
        before = sockets()
        yield running
        wait_until(lambda: running.node.open_connections == 0)
        wait_until(lambda: sockets() <= before)
