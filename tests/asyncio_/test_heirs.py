# Written once: tests/threads/test_heirs.py is generated from this file.
"""What a demoted primary refuses goes to its heir: what concerns all primaries, and what is left of a pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import Callers, now, wait_until
from respool import AsyncClusterPool, AsyncHashPool, AsyncSentinelPool
from respool._facts.slots import key_of
from respool.errors import ConnectFailed, Error, ReadOnly
from respool.testing import ClusterServers, FakeCluster, FakeClusterNode, Hold, SentinelServers, Server
from respool.testing._ports import candidates
from sentinels import FLAVORS

READONLY = b"-READONLY You can't write against a read only replica.\r\n"
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    """Three primaries; the first has a replica."""
    with FakeCluster(3) as cluster:
        cluster.add_node(cluster.nodes[0])
        yield cluster


def counts(cluster: FakeCluster, name: str) -> list[int]:
    return [len(node.calls(name)) for node in cluster.nodes]


# In clusters ------------------------------------------------------------------------------------------------


@LANES
async def test_what_concerns_all_primaries_goes_to_the_heir_of_one_that_was_demoted(
    cluster: FakeCluster, shared: int
) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        old, *_, heir = cluster.nodes
        assert cluster.failover(old) is heir
        assert await pool.execute("FLUSHALL") == b"OK"
        assert [node.data for node in cluster.nodes] == [{}] * 4
        assert counts(cluster, "FLUSHALL")[1:] == [1, 1, 1]
        refused = len(old.calls("FLUSHALL"))
        assert await pool.execute("FLUSHALL") == b"OK"
        assert len(old.calls("FLUSHALL")) == refused, "the map knows better by now"


async def test_in_a_pipeline_only_what_was_refused_is_sent_again(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        keys = [key_of(slot) for slot in (0, 8000, 16000)]
        await pool.mset(dict.fromkeys(keys, 1))
        cluster.failover(cluster.nodes[0])
        replies = await pool.execute_many([("INCR", keys[1]), ("FLUSHALL",), ("INCR", keys[2]), ("PING",)])
        assert replies == [2, b"OK", 1, b"PONG"]
        assert counts(cluster, "INCR") == [0, 1, 1, 0]


async def test_what_is_sent_without_a_reply_goes_to_the_heir_too(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        cluster.failover(cluster.nodes[0])
        await pool.execute_noreply("FLUSHALL")
        await wait_until(lambda: [node.data for node in cluster.nodes] == [{}] * 4)


async def test_a_node_that_stays_a_replica_is_asked_until_the_time_is_over(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.nodes[0].on("FLUSHALL", READONLY)
        since = now()
        with pytest.raises(ReadOnly) as caught:
            await pool.execute("FLUSHALL", timeout=0.5)
        assert now() - since < 2.0
        assert "2 of the 3 parts of FLUSHALL ran" in caught.value.__notes__
        assert counts(cluster, "FLUSHALL")[1:] == [1, 1, 0]
        assert len(cluster.nodes[0].calls("FLUSHALL")) < 50, "with pauses"


async def test_a_script_that_says_readonly_may_have_run_and_is_not_sent_again(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.on("EVAL", READONLY)
        (reply,) = await pool.execute_many([("EVAL", "return 1", 0)])
        assert isinstance(reply, ReadOnly)
        assert cluster.count("EVAL") == 1


async def stop(node: FakeClusterNode, pool: Any) -> None:
    """Stop a node, and let the pool notice that."""
    node.stop()
    with pytest.raises(Error):
        await pool.execute("PING", node=(node.host, node.port), timeout=0.1)


async def test_what_waits_for_a_primary_that_loses_its_role_goes_to_its_heir(
    callers: Callers, cluster: FakeCluster
) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        old = cluster.nodes[0]
        await stop(old, pool)
        call = callers.start(pool.execute, "FLUSHALL")
        await wait_until(lambda: counts(cluster, "FLUSHALL") == [0, 1, 1, 0])
        cluster.failover(old)
        await pool.get(key_of(0))  # a node says MOVED: now the map has the heir
        assert await call.result() == b"OK"
        assert counts(cluster, "FLUSHALL") == [0, 1, 1, 1]


async def test_what_waits_for_any_node_that_changes_its_role_goes_to_that_node(
    callers: Callers, cluster: FakeCluster
) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0, read_from="replica") as pool:
        cluster.on("SCRIPT LOAD", b"$1\r\nx\r\n")
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        replica = cluster.nodes[3]
        await stop(replica, pool)
        call = callers.start(pool.execute, "SCRIPT", "LOAD", "return 1")
        await wait_until(lambda: counts(cluster, "SCRIPT LOAD") == [1, 1, 1, 0])
        replica.on("HELLO", Hold(replica.answer))
        replica.start()
        greeted = await wait_until(lambda: len(replica.calls("HELLO")))
        cluster.believe(cluster.view.promoting(replica.id))
        write = callers.start(pool.set, key_of(0), 2)
        await wait_until(lambda: len(replica.calls("HELLO")) > greeted)  # another node said MOVED
        replica.on("HELLO", replica.answer)
        replica.release()
        assert await write.result() is True
        assert await call.result() == b"x"
        assert counts(cluster, "SCRIPT LOAD") == [1, 1, 1, 1]


async def test_a_node_that_has_left_without_an_heir_is_an_error(callers: Callers, cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0) as pool:
        empty = cluster.add_node()
        cluster.move_slots(0, empty)
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        await stop(empty, pool)
        call = callers.start(pool.execute, "FLUSHALL")
        await wait_until(lambda: sum(counts(cluster, "FLUSHALL")) == 3)
        cluster.move_slots(0, cluster.nodes[1])
        cluster.remove_node(empty)
        error = await call.outcome()
        assert isinstance(error, ConnectFailed)
        assert "not in service" in str(error)
        assert error.executed == "unknown", "three parts ran"


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_function_is_loaded_at_every_primary_right_after_a_failover(flavor: str) -> None:
    if flavor == "redis" and shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    with ClusterServers(binary="redis-server" if flavor == "redis" else None) as cluster:
        async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
            assert await pool.dbsize() == 0
            cluster.failover(cluster.primaries[0])
            assert await pool.execute("FUNCTION", "LOAD", LIBRARY) == "lib"
            assert [node.command("FCALL", "f", 0) for node in cluster.primaries] == [1, 1, 1]
            cluster.failover(cluster.primaries[0])
            assert await pool.execute("FUNCTION", "DELETE", "lib") == "OK"
            assert [node.command("FUNCTION", "LIST") for node in cluster.primaries] == [[], [], []]


# Over services ----------------------------------------------------------------------------------------------


class Demoted:
    """A pool over one service whose primary is a replica for a moment: what it refuses then waits."""

    def __init__(self, pool: Any, servers: SentinelServers, callers: Callers) -> None:
        self.pool = pool
        self.node: Server = servers.primary
        self._callers = callers

    async def outcome(self, *call: Any) -> Any:
        """Run a call that begins at a replica, and return how it ended."""
        address = f"{self.node.host}:{self.node.port}"
        self.node.command("REPLICAOF", "127.0.0.1", next(candidates()))
        caller = self._callers.start(*call)
        await wait_until(lambda: address not in self.pool.stats().nodes)
        self.node.command("REPLICAOF", "NO", "ONE")
        return await caller.outcome()


def pool_of(kind: str, servers: SentinelServers, **options: Any) -> Any:
    if kind == "service":
        return AsyncSentinelPool(servers.url, connect_timeout=10.0, **options)
    seeds = [(sentinel.host, sentinel.port) for sentinel in servers.sentinels]
    return AsyncHashPool([servers.name], sentinels=seeds, connect_timeout=10.0, **options)


@LANES
@pytest.mark.parametrize("kind", ["service", "buckets"])
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_the_part_of_a_pipeline_that_was_refused_goes_to_the_next_primary(
    callers: Callers, flavor: str, kind: str, shared: int
) -> None:
    if flavor == "redis" and shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    with SentinelServers(1, 0, binary="redis-server" if flavor == "redis" else None) as servers:
        async with pool_of(kind, servers, shared=shared) as pool:
            await pool.set("n", "1")
            demoted = Demoted(pool, servers, callers)
            run = [("ECHO", "x"), ("INCR", "n"), ("GET", "n"), ("ECHO", "y"), ("INCR", "n")]
            assert await demoted.outcome(pool.execute_many, run) == [b"x", 2, b"2", b"y", 3]
            assert demoted.node.command("GET", "n") == b"3"
            assert await demoted.outcome(pool.flushall) is True
            assert demoted.node.command("DBSIZE") == 0


@pytest.mark.parametrize("kind", ["service", "buckets"])
async def test_what_is_refused_until_the_time_is_over_is_an_error_beside_the_replies(kind: str) -> None:
    with SentinelServers(1, 0, binary="redis-server" if shutil.which("redis-server") else None) as servers:
        async with pool_of(kind, servers, acquire_timeout=0.2) as pool:
            await pool.set("n", "1")
            servers.primary.command("REPLICAOF", "127.0.0.1", next(candidates()))
            echo, refused = await pool.execute_many([("ECHO", "x"), ("INCR", "n")])
            assert echo == b"x"
            assert isinstance(refused, Error)
