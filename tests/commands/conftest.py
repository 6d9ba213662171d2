"""Fixtures of the tests of commands: the examples, the servers, and pools and plain connections to ask them."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import hiredis
import pytest

from clusters import Cluster, is_linked
from examples import ALL, BARE, Example, examples
from newest import redis_8_2
from respool import Pool
from respool._facts.errors import server_error
from respool.testing import Server, wait_until

EXAMPLES = examples()


def title(example: Example) -> str:
    return str(example.call)


@pytest.fixture(params=EXAMPLES, ids=title)
def example(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def all_examples() -> list[Example]:
    return EXAMPLES


ALONE = [example for example in EXAMPLES if example.group != "cluster"]
CLUSTERED = [example for example in EXAMPLES if example.group == "cluster"]


@pytest.fixture(params=[example for example in ALONE if example.where == BARE], ids=title)
def bare(request: pytest.FixtureRequest) -> Any:
    """An example for a connection without respool."""
    return request.param


@pytest.fixture(params=[example for example in ALONE if example.is_made and example.where != BARE], ids=title)
def made(request: pytest.FixtureRequest) -> Any:
    """An example whose call is made."""
    return request.param


@pytest.fixture(params=[example for example in CLUSTERED if example.is_made and example.where != BARE], ids=title)
def clustered(request: pytest.FixtureRequest) -> Any:
    """An example whose call is made on a node of a cluster."""
    return request.param


@pytest.fixture(params=[example for example in CLUSTERED if example.where == BARE], ids=title)
def bare_clustered(request: pytest.FixtureRequest) -> Any:
    """An example for a connection without respool to a node that is new in a cluster."""
    return request.param


@pytest.fixture(scope="session", params=ALL.split(", "))
def called(request: pytest.FixtureRequest) -> Any:
    """The name of the server."""
    return request.param


@pytest.fixture(scope="session")
def server(called: str) -> Iterator[Server]:
    wished: Server | None = Server()
    if called == "redis":
        wished = Server("redis-server") if shutil.which("redis-server") else None
    elif called == "redis 8.2":
        wished = redis_8_2()
    if wished is None:
        pytest.skip(f"there is no {called} on this machine")
    with wished as running:
        yield running


@pytest.fixture(scope="session")
def cluster(server: Server) -> Iterator[Cluster]:
    """Two nodes of the same kind as the server."""
    with Cluster(server) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> None:
    """The pools stay open until the tests of a file have run."""


#: What can differ between two pools, without a difference in the value of a call: the protocol and the encoding.
WORLDS = [(protocol, encoding) for protocol in (2, 3) for encoding in (None, "utf-8")]


@pytest.fixture(scope="module")
def pools(server: Server) -> Iterator[dict[tuple[int, str | None], Pool[Any]]]:
    """A pool for each of ``WORLDS``."""
    yield from in_every_world(server)


@pytest.fixture(scope="module")
def cluster_pools(cluster: Cluster) -> Iterator[dict[tuple[int, str | None], Pool[Any]]]:
    """A pool for each of ``WORLDS``, of node A of a cluster."""
    yield from in_every_world(cluster.a)


def in_every_world(server: Server) -> Iterator[dict[tuple[int, str | None], Pool[Any]]]:
    made = {
        (protocol, encoding): Pool(server.url, protocol=protocol, encoding=encoding) for protocol, encoding in WORLDS
    }
    yield made
    for pool in made.values():
        pool.close()


class Talk:
    """A blocking connection that returns what the wire would give to a parser."""

    def __init__(self, server: Server, protocol: int, encoding: str | None) -> None:
        decoding: dict[str, Any] = {"encoding": encoding} if encoding else {}
        self._reader = hiredis.Reader(replyError=server_error, **decoding)
        self._socket = socket.create_connection((server.host, server.port), 5)
        self("HELLO", protocol)

    def __call__(self, *args: Any) -> Any:
        """Send a command and return its reply; an error is a value."""
        self._socket.sendall(hiredis.pack_command(args))
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return reply

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def talk(server: Server) -> Iterator[Callable[..., Talk]]:
    """Make connections to the server, which is empty."""
    made: list[Talk] = []

    def make(protocol: int = 3, encoding: str | None = None) -> Talk:
        made.append(Talk(server, protocol, encoding))
        return made[-1]

    server.command("FLUSHALL")
    yield make
    for each in made:
        each.close()


@pytest.fixture
def told(talk: Any) -> dict[str, Any]:
    """What COMMAND tells, subcommands included, by our names."""
    entries = {entry[0].upper().replace("|", " "): entry for entry in flat(talk(3, "utf-8")("COMMAND"))}
    return {name: entry for name, entry in entries.items() if not name.startswith("FT.DEBUG ")}


def flat(entries: list[Any]) -> Iterator[Any]:
    for entry in entries:
        yield entry
        yield from flat(entry[9])


@pytest.fixture
def talk_to() -> Iterator[Callable[[Server], Talk]]:
    """Make connections to any node."""
    with ExitStack() as ends:
        yield lambda node: ends.enter_context(closing(Talk(node, 3, None)))


@pytest.fixture
def talk_to_newcomer(cluster: Cluster) -> Iterator[Callable[..., Talk]]:
    """Make connections to a new node, which is linked to a node of the cluster."""
    with ExitStack() as ends:

        def make(protocol: int, encoding: str | None) -> Talk:
            node = ends.enter_context(cluster.newcomer())
            wait_until(lambda: is_linked(node), 5.0)
            return ends.enter_context(closing(Talk(node, protocol, encoding)))

        yield make
