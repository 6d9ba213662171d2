"""Every test gets an empty server and must leave nothing behind. Together the tests run on both event loops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from asyncio_.harness import Callers, wait_until
from effort import IS_MUTANT, IS_PROOF, deal
from leavings import sockets, tasks, timers, workers
from respool._async.shell.transport import AsyncTransport
from respool.testing import Server

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}  # both in debug mode: pyproject.toml

#: Files whose tests always run on both event loops: they are about transports, and those alone know of loops.
ABOUT_LOOPS = (
    "test_addresses.py",
    "test_backpressure.py",
    "test_blocked_writes.py",
    "test_cuts.py",
    "test_cycles.py",
    "test_every_transport.py",
)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the short form, leave every case of a test to one of the two loops. Mutants choose one for all."""
    left_out = set() if IS_PROOF or IS_MUTANT else {item for item in items if is_for_the_other_loop(item)}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


def is_for_the_other_loop(item: pytest.Item) -> bool:
    """Return whether the short form runs this case on the other loop. What is about loops runs on both."""
    if Path(__file__).parent not in item.path.parents or not isinstance(item, pytest.Function):
        return False
    loop, _, case = item.callspec.id.partition("-") if hasattr(item, "callspec") else ("", "", "")
    is_single = item.path.parent.name == "only" and not case
    if loop not in LOOPS or is_single or item.path.name in ABOUT_LOOPS:
        return False
    return deal(f"{item.originalname} {case}", list(LOOPS)) != loop


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
