"""Every test runs on both event loops, with an empty server, and must leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop

from asyncio_.harness import Callers, wait_until
from effort import IS_PROOF
from leavings import sockets, tasks, timers, workers
from respool._async.shell.transport import AsyncTransport
from respool.testing import Server

#: What is about pools of many nodes knows nothing of loops: only transports do. ``make prove`` tries both all the same.
ABOVE_THE_LOOPS = ("test_cluster_", "test_sentinel_", "test_hash_")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name.startswith(ABOVE_THE_LOOPS) and item.path.parent.name != "only" and not IS_PROOF:
        return {"asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}  # both in debug mode: pyproject.toml


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with Server() as running:
        gc.collect()
        gc.freeze()  # never collect the objects that exist now, so that a collection after each test is cheap
        yield running
        gc.unfreeze()


@pytest.fixture
def server(running_server: Server) -> Server:
    """A running, empty server. A test that reconfigures, stops or restarts it makes one of its own."""
    running_server.command("FLUSHALL")
    return running_server


@pytest.fixture(autouse=True)
async def nothing_is_left_behind(running_server: Server) -> AsyncIterator[None]:
    clients, files = running_server.client_count(), sockets()
    before = tasks()
    yield
    try:
        assert tasks() - before == set()
        assert timers() == []
        gc.collect()
        await wait_until(lambda: workers() == [], 2.0)
        await wait_until(lambda: running_server.client_count() == clients, 2.0)
        await wait_until(lambda: sockets() <= files, 2.0)
    except BaseException:
        for each in gc.get_objects():  # connections that a failed test still holds must not make others fail
            if isinstance(each, AsyncTransport):
                each.abort()
        raise


@pytest.fixture
async def callers(nothing_is_left_behind: Any) -> AsyncIterator[Callers]:
    """Concurrent callers: ``caller = callers.start(pool.execute, "GET", "k")``, ``await caller.result()``."""
    group = Callers()
    yield group
    await group.end()
