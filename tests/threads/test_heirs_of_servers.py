# Generated from tests/asyncio_/test_heirs_of_servers.py by tools/generate.py. Do not edit.
"""What real servers refuse because they were demoted goes to their heirs: in clusters, over services, over buckets."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from threads.harness import Callers, wait_until
from respool import ClusterPool, HashPool, SentinelPool
from respool.errors import Error
from respool.testing import ClusterServers, SentinelServers, Server
from respool.testing._ports import candidates
from sentinels import FLAVORS

LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"


@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_function_is_loaded_at_every_primary_right_after_a_failover(flavor: str) -> None:
    if flavor == "redis" and shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    with ClusterServers(binary="redis-server" if flavor == "redis" else None) as cluster:
        with ClusterPool(cluster.url, encoding="utf-8") as pool:
            assert pool.dbsize() == 0
            cluster.failover(cluster.primaries[0])
            assert pool.execute("FUNCTION", "LOAD", LIBRARY) == "lib"
            assert [node.command("FCALL", "f", 0) for node in cluster.primaries] == [1, 1, 1]
            cluster.failover(cluster.primaries[0])
            assert pool.execute("FUNCTION", "DELETE", "lib") == "OK"
            assert [node.command("FUNCTION", "LIST") for node in cluster.primaries] == [[], [], []]


class Demoted:
    """A pool over one service whose primary is a replica for a moment: what it refuses then waits."""

    def __init__(self, pool: Any, servers: SentinelServers, callers: Callers) -> None:
        self.pool = pool
        self.node: Server = servers.primary
        self._callers = callers

    def outcome(self, *call: Any) -> Any:
        """Run a call that begins at a replica, and return how it ended."""
        address = f"{self.node.host}:{self.node.port}"
        self.node.command("REPLICAOF", "127.0.0.1", next(candidates()))
        caller = self._callers.start(*call)
        wait_until(lambda: address not in self.pool.stats().nodes)
        self.node.command("REPLICAOF", "NO", "ONE")
        return caller.outcome()


def pool_of(kind: str, servers: SentinelServers, **options: Any) -> Any:
    if kind == "service":
        return SentinelPool(servers.url, connect_timeout=10.0, **options)
    seeds = [(sentinel.host, sentinel.port) for sentinel in servers.sentinels]
    return HashPool([servers.name], sentinels=seeds, connect_timeout=10.0, **options)


@LANES
@pytest.mark.parametrize("kind", ["service", "buckets"])
@pytest.mark.parametrize("flavor", FLAVORS)
def test_the_part_of_a_pipeline_that_was_refused_goes_to_the_next_primary(
    callers: Callers, flavor: str, kind: str, shared: int
) -> None:
    if flavor == "redis" and shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    with SentinelServers(1, 0, binary="redis-server" if flavor == "redis" else None) as servers:
        with pool_of(kind, servers, shared=shared) as pool:
            pool.set("n", "1")
            demoted = Demoted(pool, servers, callers)
            run = [("ECHO", "x"), ("INCR", "n"), ("GET", "n"), ("ECHO", "y"), ("INCR", "n")]
            assert demoted.outcome(pool.execute_many, run) == [b"x", 2, b"2", b"y", 3]
            assert demoted.node.command("GET", "n") == b"3"
            assert demoted.outcome(pool.flushall) is True
            assert demoted.node.command("DBSIZE") == 0


@pytest.mark.parametrize("kind", ["service", "buckets"])
def test_what_is_refused_until_the_time_is_over_is_an_error_beside_the_replies(kind: str) -> None:
    with SentinelServers(1, 0, binary="redis-server" if shutil.which("redis-server") else None) as servers:
        with pool_of(kind, servers, acquire_timeout=0.2) as pool:
            pool.set("n", "1")
            servers.primary.command("REPLICAOF", "127.0.0.1", next(candidates()))
            echo, refused = pool.execute_many([("ECHO", "x"), ("INCR", "n")])
            assert echo == b"x"
            assert isinstance(refused, Error)
