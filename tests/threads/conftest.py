"""Every test gets an empty server and must leave nothing behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from leavings import sockets, workers
from respool._sync.shell.transport import Transport
from respool.testing import Server
from threads.harness import Callers, wait_until


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def server(running_server: Server) -> Server:
    """A running, empty server. A test that reconfigures, stops or restarts it makes one of its own."""
    running_server.command("FLUSHALL")
    return running_server


@pytest.fixture(autouse=True)
def nothing_is_left_behind(running_server: Server) -> Iterator[None]:
    clients, files = running_server.client_count(), sockets()
    yield
    try:
        gc.collect()
        wait_until(lambda: workers() == [], 2.0)
        wait_until(lambda: running_server.client_count() == clients, 2.0)
        wait_until(lambda: sockets() <= files, 2.0)
    except BaseException:
        for each in gc.get_objects():  # connections that a failed test still holds must not make others fail
            if isinstance(each, Transport):
                each.abort()
        raise


@pytest.fixture
def callers(nothing_is_left_behind: Any) -> Iterator[Callers]:
    """Concurrent callers: ``caller = callers.start(pool.execute, "GET", "k")``, ``caller.result()``."""
    group = Callers()
    yield group
    group.end()
