"""Faces are tried against real servers. A test must leave no client of the server, no task and no thread behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from respool.testing import Server, wait_until


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with Server(unix=True) as running:
        yield running


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """A running, empty server that nobody is connected to, at the beginning and at the end."""
    running_server.command("FLUSHALL")
    yield running_server
    gc.collect()
    wait_until(lambda: running_server.client_count() == 0, 2.0)
