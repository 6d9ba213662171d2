"""The pools and the client of coredis for clusters, against a real one of three primaries with a replica each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asyncio_.harness import now
from respool.compat.coredis import (
    BlockingClusterConnectionPool,
    ClusterConnectionPool,
    RedisCluster,
    exceptions,
)
from respool.errors import UsageError, UsageTypeError
from respool.testing import ClusterServers

#: How much later than its deadline a call may end, in seconds, on a busy machine.
TICK = 1.5


def place(cluster: ClusterServers) -> dict[str, Any]:
    return {"host": "localhost", "port": cluster.nodes[0].port}


def keys_of(cluster: ClusterServers) -> list[str]:
    """Return a key of each primary."""
    keys: dict[int, str] = {}
    for number in range(1000):
        keys.setdefault(cluster.owner_of(f"k{number}").port, f"k{number}")
        if len(keys) == 3:
            return list(keys.values())
    raise AssertionError("no key for one of the primaries")


@pytest.mark.parametrize(("limit", "failures"), [(2, 8), (10, 0)])
async def test_002_04_a_limit_for_each_node(cluster: ClusterServers, limit: int, failures: int) -> None:
    async with RedisCluster(**place(cluster), max_connections=limit, max_connections_per_node=True) as client:
        await client.set("fubar", 1)
        for _ in range(5):
            results = await asyncio.gather(*[client.get("fubar") for _ in range(10)], return_exceptions=True)
            assert [str(each) for each in results if isinstance(each, Exception)] == ["Too many connections"] * failures


async def test_002_04_a_blocking_pool_of_two_for_each_node_fails_nobody(cluster: ClusterServers) -> None:
    pool = BlockingClusterConnectionPool([place(cluster)], max_connections=2, max_connections_per_node=True)
    async with RedisCluster(connection_pool=pool) as client:
        keys = keys_of(cluster)
        await client.mset(dict.fromkeys(keys, "v"))
        assert await asyncio.gather(*[client.get(key) for key in keys * 200]) == [b"v"] * 600
        assert all(stats.size <= 2 for stats in pool.engine.stats().nodes.values())
    await pool.aclose()


async def test_002_04_a_full_node_does_not_delay_the_others(cluster: ClusterServers) -> None:
    full, other, _ = keys_of(cluster)
    for per_node, limit in ((True, 1), (False, 6)):
        pool = BlockingClusterConnectionPool(
            [place(cluster)], max_connections=limit, max_connections_per_node=per_node, timeout=0.05
        )
        async with RedisCluster(connection_pool=pool) as client:
            taken = [await pool.get_connection_by_key(full) for _ in range(1 if per_node else 5)]
            assert await client.get(other) is None
            if per_node:
                started = now()
                with pytest.raises(exceptions.ConnectionError, match=r"^No connection available\.$"):
                    await client.get(full)
                assert now() - started < 0.05 + TICK
            assert await client.get(other) is None
            for connection in taken:
                pool.release(connection)
            assert await client.get(full) is None
        await pool.aclose()


async def test_002_04_a_limit_for_the_whole_cluster_is_never_exceeded(cluster: ClusterServers) -> None:
    pool = ClusterConnectionPool([place(cluster)], max_connections=6)
    await pool.initialize()
    connections = [await pool.get_connection_by_node((node.host, node.port)) for node in cluster.nodes]
    assert len({connection.port for connection in connections}) == 6
    with pytest.raises(exceptions.ConnectionError, match=r"^Too many connections$"):
        await pool.get_connection_by_node(place(cluster) | {"host": "127.0.0.1"})
    pool.release(connections.pop())
    connections.append(await pool.get_connection_by_node(place(cluster) | {"host": "127.0.0.1"}))
    assert pool.engine.size == 6
    for connection in connections:
        pool.release(connection)
    await pool.aclose()


@pytest.mark.parametrize("kind", [ClusterConnectionPool, BlockingClusterConnectionPool])
async def test_002_04_a_limit_below_the_number_of_nodes_is_increased_with_a_warning(
    cluster: ClusterServers, kind: type[ClusterConnectionPool]
) -> None:
    pool = kind([place(cluster)], max_connections=2)
    client = RedisCluster(connection_pool=pool)
    keys = keys_of(cluster)
    with pytest.warns(UserWarning, match="increased by 4 connections") as warned:
        replies = await asyncio.gather(*[client.get(key) for key in keys])
    assert (replies, len(warned)) == ([None] * 3, 1)
    assert (pool.max_connections, pool.initialized) == (6, True)
    assert await client.get(keys[0]) is None  # and no other warning
    await pool.aclose()


async def test_002_04_a_limit_for_each_node_may_be_one(cluster: ClusterServers) -> None:
    async with RedisCluster(**place(cluster), max_connections=1, max_connections_per_node=True) as client:
        for key in keys_of(cluster) * 3:
            await client.set(key, "v")


async def test_002_06_reads_go_to_replicas_when_configured(cluster: ClusterServers) -> None:
    async with RedisCluster(**place(cluster), read_from_replicas=True) as client:
        await client.set("k", "v")
        replica = cluster.replicas_of(cluster.owner_of("k"))[0]

        def gets() -> int:
            return int(replica.command("INFO", "commandstats").decode().partition("cmdstat_get:calls=")[2].partition(",")[0] or 0)

        before = gets()
        for _ in range(40):
            await client.get("k")
        assert gets() > before


async def test_002_06_keys_of_all_nodes_are_one_database(cluster: ClusterServers) -> None:
    async with RedisCluster(startup_nodes=[place(cluster)], decode_responses=True) as client:
        values = {f"k{number}": str(number) for number in range(100)}
        await client.mset(values)
        assert await client.dbsize() == 100
        assert {key async for key in client.scan_iter(match="k*")} == set(values)
        assert await client.mget("k1", "k99") == ["1", "99"]
        async with client.pipeline() as pipe:
            counts = [pipe.delete(key) for key in values]
        assert sum(count.result() for count in counts) == 100
        with pytest.raises(exceptions.ClusterCrossSlotError):
            await client.rename("k1", "k2")


async def test_002_06_a_connection_of_a_cluster_is_for_messages_a_key_or_a_node(cluster: ClusterServers) -> None:
    pool = ClusterConnectionPool([place(cluster)])
    for wrong in (None, b"GET"):
        with pytest.raises(exceptions.RedisClusterException, match="Only 'pubsub' commands can use get_connection"):
            await pool.get_connection(wrong)
    with pytest.raises(exceptions.RedisClusterException, match="No way to dispatch this command"):
        await pool.get_connection_by_key("")
    news = await pool.get_connection(b"pubsub", channel="news")
    some = await pool.get_connection(b"pubsub")
    keyed = await pool.get_connection_by_key("k")
    assert news.port == cluster.owner_of("news").port
    assert some.port in {node.port for node in cluster.nodes}
    assert keyed.port == cluster.owner_of("k").port
    assert await keyed.set("k", "v") is True
    for connection in (news, some, keyed):
        pool.release(connection)
    await pool.aclose()


async def test_002_06_pools_of_a_cluster_are_disconnected_and_go_on(cluster: ClusterServers) -> None:
    pool = ClusterConnectionPool([place(cluster)])
    connections = [await pool.get_connection_by_key(key) for key in keys_of(cluster)]
    pool.release(connections.pop())
    pool.disconnect()
    assert not any(connection.is_connected for connection in connections)
    for connection in connections:
        pool.release(connection)
    assert await RedisCluster(connection_pool=pool).get("k") is None
    await pool.aclose()


async def test_a_cluster_that_cannot_be_reached_says_so() -> None:
    pool = ClusterConnectionPool([{"host": "127.0.0.1", "port": 1}, {"host": "127.0.0.1", "port": 2}])
    with pytest.raises(exceptions.RedisClusterException, match="Redis Cluster cannot be connected"):
        await RedisCluster(connection_pool=pool).get("k")
    await pool.aclose()


def test_startup_nodes_are_given_in_any_form() -> None:
    class Node:
        host, port = "h3", 3

    pool = ClusterConnectionPool([{"host": "h1", "port": "1"}, ("h2", 2), Node()], host="h4")
    assert pool.startup_nodes == [("h1", 1), ("h2", 2), ("h3", 3), ("h4", 7000)]
    listed = ", ".join(f"ClusterConnection<host={host},port={port}>" for host, port in pool.startup_nodes)
    assert repr(pool) == f"ClusterConnectionPool<{listed}>"


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (RedisCluster, exceptions.RedisClusterException, "No startup nodes provided"),
        (lambda: RedisCluster("localhost", db=1), exceptions.RedisClusterException, "Argument 'db'"),
        (lambda: ClusterConnectionPool(host="localhost", db=1), exceptions.RedisClusterException, "Argument 'db'"),
        (lambda: ClusterConnectionPool.from_url("unix:///socket"), exceptions.RedisClusterException, "over TCP"),
        (lambda: ClusterConnectionPool(host="h", path="/socket"), exceptions.RedisClusterException, "over TCP"),
        (lambda: RedisCluster("localhost", non_atomic_cross_slot=False), UsageError, "leave it out"),
        (lambda: BlockingClusterConnectionPool(host="localhost", blocking=False), UsageTypeError, "always waits"),
        (lambda: RedisCluster("localhost", cache=object()), UsageError, "no client-side cache"),
        (lambda: ClusterConnectionPool(host="localhost", socket_timeout=1), TypeError, "socket_timeout"),
    ],
)
def test_what_a_cluster_cannot_have_is_refused(make: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        make()
