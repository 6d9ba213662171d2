# Written once: tests/compat/pyredis/threads/test_many_nodes.py is generated from this file.
"""The pools and clients of pyredis for clusters and buckets, and the map of a cluster (001 and 003, points 6 to 9)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncHashPool as Plain
from respool.compat.pyredis import (
    AsyncClusterClient,
    AsyncClusterMap,
    AsyncClusterPool,
    AsyncHashClient,
    AsyncHashPool,
    PyRedisConnError,
    PyRedisError,
    ReplyError,
)
from respool.compat.pyredis._names import slot_of
from respool.errors import UsageError
from respool.testing import ClusterServers, FakeCluster, Server


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers(primaries=3, replicas=1) as servers:
        yield servers


@pytest.fixture(scope="module")
def buckets() -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Server()) for _ in range(3)]


@pytest.fixture
async def pool(cluster: ClusterServers) -> AsyncIterator[AsyncClusterPool]:
    pool = AsyncClusterPool(seeds_of(cluster), pool_size=2)
    yield pool
    await pool.close()


@pytest.fixture
async def hashed(buckets: list[Server]) -> AsyncIterator[AsyncHashPool]:
    for bucket in buckets:
        bucket.command("FLUSHALL")
    pool = AsyncHashPool(places_of(buckets), pool_size=2)
    yield pool
    await pool.close()


def seeds_of(cluster: ClusterServers) -> list[tuple[str, int]]:
    return [(node.host, node.port) for node in cluster.nodes[:2]]


def places_of(buckets: list[Server]) -> list[tuple[str, int]]:
    return [(bucket.host, bucket.port) for bucket in buckets]


# 6. Which node ---------------------------------------------------------------------------------------------


async def test_003_06_in_a_cluster_keys_say_where_a_command_goes(pool: AsyncClusterPool) -> None:
    for number in range(50):
        assert await pool.set(f"key {number}", number) is True
    client = await pool.acquire()
    assert [await client.get(f"key {number}") for number in range(50)] == [f"{number}".encode() for number in range(50)]
    assert await client.execute("GET", "key 7", shard_key="key 7") == b"7"
    await pool.release(client)


@pytest.mark.parametrize("kind", ["pool", "client"])
async def test_003_06_in_a_cluster_a_keyless_command_needs_a_shard_key_or_a_sock(
    cluster: ClusterServers, pool: AsyncClusterPool, kind: str
) -> None:
    client = pool if kind == "pool" else await pool.acquire()
    with pytest.raises(PyRedisError, match="PING has no key that says where it goes"):
        await client.execute("PING")
    with pytest.raises(PyRedisError, match="either shard_key= or sock=, not both"):
        await client.execute("PING", shard_key="k", sock="localhost_1")
    assert await client.execute("PING", shard_key="k") == b"PONG"
    assert await client.ping(shard_key="k") is True
    for node in cluster.primaries:
        sock = f"{node.host}_{node.port}"
        assert (await client.config_get("port", sock=sock)) == {"port": str(node.port)}
        assert str(node.port) in str(await client.execute("CONFIG", "GET", "port", sock=sock))
    owner = cluster.owner_of("k")
    assert await client.config_get("port", shard_key="k") == {"port": str(owner.port)}
    with pytest.raises(UsageError, match="host_port"):
        await client.ping(sock="nowhere")
    if kind == "client":
        await pool.release(client)


async def test_003_06_a_bucket_is_named_by_keys_a_shard_key_or_a_sock(
    buckets: list[Server], hashed: AsyncHashPool
) -> None:
    client = await hashed.acquire()
    for target in (hashed, client):
        for number in range(30):
            assert await target.set(f"key {number}", number) is True
        assert [await target.get(f"key {number}") for number in range(30)] == [f"{n}".encode() for n in range(30)]
        with pytest.raises(PyRedisError, match="give shard_key= or sock="):
            await target.ping()
        with pytest.raises(PyRedisError, match="not both"):
            await target.ping(shard_key="k", sock="h_1")
        for bucket in buckets:
            assert await target.config_get("port", sock=f"{bucket.host}_{bucket.port}") == {"port": str(bucket.port)}
        assert await target.publish("channel", "text", shard_key="k") == 0
        with pytest.raises(PyRedisError):
            await target.ping(sock="localhost_1")
    await hashed.release(client)
    assert sum(bucket.command("DBSIZE") for bucket in buckets) == 30
    assert all(bucket.command("DBSIZE") for bucket in buckets)


# 7. Pools and clients --------------------------------------------------------------------------------------


async def test_003_07_a_cluster_pool_counts_clients_and_has_its_properties(pool: AsyncClusterPool) -> None:
    assert (pool.slave_ok, pool.close_on_err, pool.pool_size, pool.database) == (False, False, 2, 0)
    clients = [await pool.acquire() for _ in range(2)]
    with pytest.raises(PyRedisError, match="Max connections 2 exhausted"):
        await pool.acquire()
    for client in clients:
        assert client.closed is False
        await pool.release(client)
        assert client.closed is True
        with pytest.raises(UsageError, match="given back"):
            await client.get("k")
    pool.pool_size = 1
    client = await pool.acquire()
    assert await client.set("k", "v") is True
    await pool.release(client)


async def test_003_07_a_cluster_client_has_transactions_and_they_leave_nothing(pool: AsyncClusterPool) -> None:
    client = await pool.acquire()
    assert await client.watch("{t}a") is True
    await client.multi(shard_key="{t}a")
    await client.set("{t}a", 1)
    await client.incr("{t}a")
    assert await client.exec(shard_key="{t}a") == [b"OK", 2]
    assert await client.get("elsewhere") is None
    await client.multi(shard_key="{t}a")
    await client.set("{t}a", 5)
    await pool.release(client)
    client = await pool.acquire()
    assert await client.get("{t}a") == b"2"
    assert await client.set("{t}a", 3) is True
    await pool.release(client)
    with pytest.raises(PyRedisError, match="changes the state of one connection"):
        await pool.execute("MULTI", shard_key="k")


async def test_003_07_a_cluster_client_of_its_own(cluster: ClusterServers) -> None:
    for wrong in ({}, {"seeds": seeds_of(cluster), "cluster_map": AsyncClusterMap(seeds_of(cluster))}):
        with pytest.raises(PyRedisError, match="either seeds= or cluster_map="):
            AsyncClusterClient(**wrong)
    for where in ({"seeds": seeds_of(cluster)}, {"cluster_map": AsyncClusterMap(seeds_of(cluster))}):
        client = AsyncClusterClient(encoding="utf-8", **where)
        assert client.closed is False
        assert await client.set("own", "v") is True
        assert await client.get("own") == "v"
        await client.close()
        assert client.closed is True
        with pytest.raises(PyRedisConnError):
            await client.get("own")
        await client.close()


async def test_003_07_slave_ok_lets_replicas_answer_reads(cluster: ClusterServers) -> None:
    pool = AsyncClusterPool(seeds_of(cluster), slave_ok=True)
    assert pool.slave_ok is True
    assert await pool.set("replicated", "v") is True
    replicas = [node for node in cluster.nodes if node not in cluster.primaries]
    before = gets_of(replicas)
    reads = 0
    while gets_of(replicas) == before:
        assert reads < 1000
        await pool.get("replicated")
        reads += 1
    await pool.close()


def gets_of(nodes: list[Any]) -> int:
    """Return how many GETs some nodes have answered."""
    texts = [node.command("INFO", "commandstats").decode() for node in nodes]
    return sum(int(text.partition("cmdstat_get:calls=")[2].partition(",")[0] or 0) for text in texts)


async def test_003_07_credentials_reach_every_node() -> None:
    with ClusterServers(primaries=3, replicas=0, password="secret") as cluster:
        pool = AsyncClusterPool(seeds_of(cluster), password="secret")
        for number in range(20):
            assert await pool.set(f"key {number}", number) is True
        await pool.close()
        cluster_map = AsyncClusterMap(seeds_of(cluster), password="secret")
        await cluster_map.update(cluster_map.id)
        assert len(cluster_map.hosts()) == 3


async def test_003_07_the_map_of_a_cluster(cluster: ClusterServers) -> None:
    cluster_map = AsyncClusterMap(seeds_of(cluster))
    first = cluster_map.id
    assert cluster_map.id == first
    with pytest.raises(KeyError):
        cluster_map.get_slot("k")
    second = await cluster_map.update(first)
    assert second == cluster_map.id != first
    assert await cluster_map.update(first) == second
    owner = cluster.owner_of("k")
    assert cluster_map.get_slot("k") == f"{owner.host}_{owner.port}"
    assert cluster_map.hosts() == {f"{node.host}_{node.port}" for node in cluster.primaries}
    replicas = {f"{node.host}_{node.port}" for node in cluster.nodes} - cluster_map.hosts()
    assert cluster_map.hosts(slave=True) == replicas
    assert cluster_map.get_slot("k", slave=True) in replicas
    nowhere = AsyncClusterMap([("localhost", 1)])
    with pytest.raises(PyRedisConnError, match="no seed told the map"):
        await nowhere.update(nowhere.id)


async def test_003_07_a_slot_that_moves_is_followed(cluster: ClusterServers, pool: AsyncClusterPool) -> None:
    client = await pool.acquire()
    assert await client.set("moving", "v") is True
    owner = cluster.owner_of("moving")
    target = next(node for node in cluster.primaries if node is not owner)
    cluster.move_slots(cluster.slot_of("moving"), target)
    assert await client.get("moving") == b"v"
    with pytest.raises(ReplyError):
        await client.execute("GET", "moving", sock=f"{owner.host}_{owner.port}")
    cluster.move_slots(cluster.slot_of("moving"), owner)
    assert await client.get("moving") == b"v"
    await pool.release(client)


async def test_003_07_buckets_are_a_list_or_a_mapping(buckets: list[Server]) -> None:
    places = places_of(buckets)
    ways: list[Any] = [places, [list(place) for place in places]]
    ways += [dict(enumerate(places)), {n: {"host": host, "port": port} for n, (host, port) in enumerate(places)}]
    for number, way in enumerate(ways):
        pool = AsyncHashPool(way, database=1, encoding="utf-8")
        assert pool.buckets is way
        assert await pool.set(f"way {number}", "v") is True
        assert await pool.get("way 0") == "v"
        await pool.close()
        client = AsyncHashClient(way, database=1)
        assert await client.get("way 0") == b"v"
        await client.close()
        assert client.closed is True
    for wrong in ([], ["localhost"], [("localhost",)], [5]):
        with pytest.raises(PyRedisError):
            AsyncHashPool(wrong)


async def test_003_07_a_hash_client_has_bulk_mode_and_transactions(hashed: AsyncHashPool) -> None:
    client = await hashed.acquire()
    client.bulk_start(bulk_size=7)
    for number in range(20):
        assert await client.set(f"key {number}", number) is None
    assert await client.incr("key 3") is None
    await client.execute("LPUSH", "key 3", "x")
    results = await client.bulk_stop()
    assert results[:20] == [True] * 20
    assert results[20] == 4
    assert isinstance(results[21], ReplyError)
    await client.multi(shard_key="{t}a")
    await client.set("{t}a", 1)
    await client.set("{t}b", 2)
    assert await client.exec(shard_key="{t}a") == [b"OK", b"OK"]
    await hashed.release(client)


async def test_003_07_keys_in_several_buckets_are_refused_and_not_put_into_the_bucket_of_the_first(
    buckets: list[Server], hashed: AsyncHashPool
) -> None:
    spread = {f"spread {number}": number for number in range(9)}
    client = await hashed.acquire()
    for target in (hashed, client):
        with pytest.raises(PyRedisError, match="MSET has keys in several buckets: send one command for each"):
            await target.mset(spread)
        with pytest.raises(PyRedisError, match="MGET has keys in several buckets"):
            await target.execute("MGET", *spread)
    assert [bucket.command("DBSIZE") for bucket in buckets] == [0, 0, 0]
    together = {f"{{t}}{number}": number for number in range(9)}
    assert await client.mset(together) is True
    assert await client.mget(*together) == [str(number).encode() for number in range(9)]
    assert await client.mset(spread, shard_key="{t}") is True
    assert await client.mget(*spread, shard_key="{t}") == [str(number).encode() for number in range(9)]
    await hashed.release(client)


async def test_003_07_a_bucket_that_is_lost_closes_the_client(buckets: list[Server], hashed: AsyncHashPool) -> None:
    client = await hashed.acquire()
    await client.set("k", "v")
    for bucket in buckets:
        bucket.command("CLIENT", "KILL", "TYPE", "normal")
    await wait_until(lambda: sum(bucket.client_count() for bucket in buckets) == 0)
    with pytest.raises(PyRedisConnError):
        await client.incr("n{k}")
    assert client.closed is True
    await hashed.release(client)
    assert await hashed.get("k") == b"v"


async def test_003_07_redirects_end_in_an_error() -> None:
    with FakeCluster(primaries=2) as cluster:
        node = cluster.nodes[0]
        cluster.on("GET", f"-MOVED {cluster.slot_of('k')} {node.host}:{node.port}\r\n".encode())
        pool = AsyncClusterPool([(each.host, each.port) for each in cluster.nodes])
        with pytest.raises(PyRedisError, match="redirect"):
            await pool.get("k")
        assert await pool.set("k", "v") is True
        await pool.close()


# 8. Hash tags ----------------------------------------------------------------------------------------------


async def test_003_08_the_rule_of_servers_holds_unless_the_old_one_is_asked_for(buckets: list[Server]) -> None:
    plain: Plain[bytes] = Plain(places_of(buckets))
    rules = random.Random(8)
    keys = ["".join(rules.choice("ab{}") for _ in range(rules.randrange(9))) for _ in range(3000)]
    places = plain.nodes
    assert [places[slot_of(key) % 3] for key in keys] == [plain.node_of(key) for key in keys]
    assert slot_of("{}user", tags="pyredis") == slot_of("")
    assert slot_of("}{user}", tags="pyredis") == slot_of("")
    assert slot_of("a{user}b", tags="pyredis") == slot_of("user") == slot_of("a{user}b")
    assert slot_of("user", tags="pyredis") == slot_of("user") == slot_of(b"user")
    with pytest.raises(PyRedisError, match="'server' or 'pyredis'"):
        AsyncHashPool(places_of(buckets), tags="old")


async def test_003_08_old_buckets_are_kept_with_old_tags(buckets: list[Server]) -> None:
    old = AsyncHashPool(places_of(buckets), tags="pyredis")
    new = AsyncHashPool(places_of(buckets))
    moved = [key for key in (f"{{}}{n}" for n in range(50)) if slot_of(key) % 3 != slot_of("") % 3]
    assert moved
    for key in moved:
        assert await old.set(key, "v") is True
        assert await new.get(key) is None
        assert await old.get(key) == b"v"
        assert buckets[slot_of("") % 3].command("GET", key) == b"v"
    await old.close()
    await new.close()


# 9. Not to be copied ---------------------------------------------------------------------------------------


async def test_003_09_a_key_that_is_moving_is_found_with_asking(cluster: ClusterServers, pool: AsyncClusterPool) -> None:
    owner = cluster.owner_of("{asked}")
    target = next(node for node in cluster.primaries if node is not owner)
    slot = cluster.slot_of("{asked}")
    await pool.mset({"{asked}a": 1, "{asked}b": 2})
    cluster.begin_migration(slot, target, moved=["{asked}a"])
    client = await pool.acquire()
    assert [await client.get("{asked}a"), await client.get("{asked}b")] == [b"1", b"2"]
    assert await client.set("{asked}new", "v") is True
    assert await client.execute("GET", "{asked}new", shard_key="{asked}") == b"v"
    await pool.release(client)
    cluster.finish_migration(slot)
    assert await pool.get("{asked}new") == b"v"
    cluster.move_slots(slot, owner)


async def test_003_09_a_cluster_pool_can_shrink_and_close(cluster: ClusterServers) -> None:
    pool = AsyncClusterPool(seeds_of(cluster), pool_size=3)
    clients = [await pool.acquire() for _ in range(3)]
    for number, client in enumerate(clients):
        assert await client.set(f"k{number}", 1) is True
    pool.pool_size = 1
    for client in clients:
        await pool.release(client)
    client = await pool.acquire()
    await client.close()
    assert client.closed is True
    await pool.release(client)
    assert await pool.get("k0") == b"1"
    await pool.close()
