"""The gate matrix runs on both event loops, and in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from gates.combinations import Site
from leavings import sockets
from respool.testing import wait_until


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def site() -> Iterator[Site]:
    """The network of the matrix. Every socket of a test must be closed when it ends."""
    with Site() as running:
        before = sockets()
        yield running
        wait_until(lambda: running.node.open_connections == 0)
        wait_until(lambda: sockets() <= before)
