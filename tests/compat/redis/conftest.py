"""Tests of the drop-in for redis-py. They skip where redis-py is not installed."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

pytest.importorskip("redis", reason="redis-py is not installed: pip install respool[redis]")

from respool.testing import Server, wait_until


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """A running, empty server. No client is left on it: a dropped client of redis-py closes its connections too."""
    running_server.command("FLUSHALL")
    yield running_server
    gc.collect()
    wait_until(lambda: running_server.client_count() == 0)


@pytest.fixture
def users(server: Server) -> Iterator[Server]:
    """A server with the users ``reader`` and ``writer``, whose passwords are their names."""
    server.command("ACL", "SETUSER", "reader", "on", ">reader", "~*", "+@all", "-@write")
    server.command("ACL", "SETUSER", "writer", "on", ">writer", "~*", "+@all")
    yield server
    server.command("ACL", "DELUSER", "reader", "writer")
