"""Tests of the drop-in for redis-py. They skip where redis-py is not installed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("redis", reason="redis-py is not installed: pip install respool[redis]")

from respool.compat import redis
from respool.testing import ClusterServers, Server, wait_until

Connect = Callable[..., Any]


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


# Clusters -----------------------------------------------------------------------------------------------------


#: The marks of tests with clusters: redis-py 6 and 7 warn of arguments that they give themselves.
OF_CLUSTERS = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*cluster_error_retry_attempts:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*'lib_(name|version)':DeprecationWarning"),
]


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[ClusterServers]:
    with ClusterServers(primaries=3, replicas=1) as servers:
        yield servers


@pytest.fixture
def servers(running_cluster: ClusterServers) -> Iterator[ClusterServers]:
    """A running, empty cluster, without clients of respool at the end."""
    yield running_cluster
    gc.collect()
    wait_until(lambda: engine_connections(running_cluster) == 0)
    for node in running_cluster.primaries:
        node.command("FLUSHALL")


@pytest.fixture
def connect(servers: ClusterServers) -> Iterator[Connect]:
    """Makes clients, which are closed at the end."""
    made: list[Any] = []

    def connect(kind: Any = redis.RedisCluster, **options: Any) -> Any:
        made.append(kind(host="127.0.0.1", port=servers.nodes[0].port, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def engine_connections(servers: ClusterServers) -> int:
    return sum(row.get("lib-name") == "respool" for node in servers.nodes for row in node.clients())
