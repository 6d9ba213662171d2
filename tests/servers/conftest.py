"""Real servers: the embedded Valkey and the Redis of the system, each with TCP, TLS and a unix socket."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from leavings import tasks, timers
from respool.testing import Server, wait_until
from servers.places import TRANSPORTS, WORLDS, Place

BINARIES = {"valkey": None, "redis": "redis-server"}


@pytest.fixture(scope="session", params=list(BINARIES))
def binary(request: pytest.FixtureRequest) -> str | None:
    """Each server there is; one that is not installed is skipped, and says so."""
    wish = BINARIES[request.param]
    if wish is not None and shutil.which(wish) is None:
        pytest.skip(f"{wish} is not installed")
    return wish


@pytest.fixture(scope="session")
def running_server(binary: str | None) -> Iterator[Server]:
    with Server(binary, tls=True, unix=True) as running:
        running.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
        yield running


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """A running, empty server with a user "ann". Nobody may be connected when the test is over."""
    running_server.command("FLUSHALL")
    yield running_server
    wait_until(lambda: running_server.client_count() == 0)


@pytest.fixture
def own_server(binary: str | None) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own: ``own_server(config={...})``."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Server(binary, tls=True, unix=True, **options))


@pytest.fixture(
    params=[f"resp{protocol}-{way}-{world}" for protocol in (3, 2) for way in TRANSPORTS for world in WORLDS]
)
def place(request: pytest.FixtureRequest, server: Server) -> Place:
    """Each way to that server."""
    protocol, transport, world = request.param.split("-")
    return Place(server, int(protocol[-1]), transport, world)


@pytest.fixture(autouse=True)
async def room_for_threads() -> AsyncIterator[None]:
    """Let every pool of the threaded world have a thread, also while some of them block; no task or timer is left."""
    before = tasks()
    with ThreadPoolExecutor(64) as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        yield
    assert tasks() - before == set()
    assert timers() == []
