# Generated from tests/compat/pyredis/asyncio_/test_many_nodes.py by tools/generate.py. Do not edit.
"""The pools and clients of pyredis for clusters and buckets, and the map of a cluster (001 and 003, points 6 to 9)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from threads.harness import wait_until
from respool import HashPool as Plain
from respool.compat.pyredis import (
    ClusterClient,
    ClusterMap,
    ClusterPool,
    HashClient,
    HashPool,
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
def pool(cluster: ClusterServers) -> Iterator[ClusterPool]:
    pool = ClusterPool(seeds_of(cluster), pool_size=2)
    yield pool
    pool.close()


@pytest.fixture
def hashed(buckets: list[Server]) -> Iterator[HashPool]:
    for bucket in buckets:
        bucket.command("FLUSHALL")
    pool = HashPool(places_of(buckets), pool_size=2)
    yield pool
    pool.close()


def seeds_of(cluster: ClusterServers) -> list[tuple[str, int]]:
    return [(node.host, node.port) for node in cluster.nodes[:2]]


def places_of(buckets: list[Server]) -> list[tuple[str, int]]:
    return [(bucket.host, bucket.port) for bucket in buckets]


# 6. Which node ---------------------------------------------------------------------------------------------


def test_003_06_in_a_cluster_keys_say_where_a_command_goes(pool: ClusterPool) -> None:
    for number in range(50):
        assert pool.set(f"key {number}", number) is True
    client = pool.acquire()
    assert [client.get(f"key {number}") for number in range(50)] == [f"{number}".encode() for number in range(50)]
    assert client.execute("GET", "key 7", shard_key="key 7") == b"7"
    pool.release(client)


@pytest.mark.parametrize("kind", ["pool", "client"])
def test_003_06_in_a_cluster_a_keyless_command_needs_a_shard_key_or_a_sock(
    cluster: ClusterServers, pool: ClusterPool, kind: str
) -> None:
    client = pool if kind == "pool" else pool.acquire()
    with pytest.raises(PyRedisError, match="PING has no key that says where it goes"):
        client.execute("PING")
    with pytest.raises(PyRedisError, match="either shard_key= or sock=, not both"):
        client.execute("PING", shard_key="k", sock="localhost_1")
    assert client.execute("PING", shard_key="k") == b"PONG"
    assert client.ping(shard_key="k") is True
    for node in cluster.primaries:
        sock = f"{node.host}_{node.port}"
        assert (client.config_get("port", sock=sock)) == {"port": str(node.port)}
        assert str(node.port) in str(client.execute("CONFIG", "GET", "port", sock=sock))
    owner = cluster.owner_of("k")
    assert client.config_get("port", shard_key="k") == {"port": str(owner.port)}
    with pytest.raises(UsageError, match="host_port"):
        client.ping(sock="nowhere")
    if kind == "client":
        pool.release(client)


def test_003_06_a_bucket_is_named_by_keys_a_shard_key_or_a_sock(
    buckets: list[Server], hashed: HashPool
) -> None:
    client = hashed.acquire()
    for target in (hashed, client):
        for number in range(30):
            assert target.set(f"key {number}", number) is True
        assert [target.get(f"key {number}") for number in range(30)] == [f"{n}".encode() for n in range(30)]
        with pytest.raises(PyRedisError, match="give shard_key= or sock="):
            target.ping()
        with pytest.raises(PyRedisError, match="not both"):
            target.ping(shard_key="k", sock="h_1")
        for bucket in buckets:
            assert target.config_get("port", sock=f"{bucket.host}_{bucket.port}") == {"port": str(bucket.port)}
        assert target.publish("channel", "text", shard_key="k") == 0
        with pytest.raises(PyRedisError):
            target.ping(sock="localhost_1")
    hashed.release(client)
    assert sum(bucket.command("DBSIZE") for bucket in buckets) == 30
    assert all(bucket.command("DBSIZE") for bucket in buckets)


# 7. Pools and clients --------------------------------------------------------------------------------------


def test_003_07_a_cluster_pool_counts_clients_and_has_its_properties(pool: ClusterPool) -> None:
    assert (pool.slave_ok, pool.close_on_err, pool.pool_size, pool.database) == (False, False, 2, 0)
    clients = [pool.acquire() for _ in range(2)]
    with pytest.raises(PyRedisError, match="Max connections 2 exhausted"):
        pool.acquire()
    for client in clients:
        assert client.closed is False
        pool.release(client)
        assert client.closed is True
        with pytest.raises(UsageError, match="given back"):
            client.get("k")
    pool.pool_size = 1
    client = pool.acquire()
    assert client.set("k", "v") is True
    pool.release(client)


def test_003_07_a_cluster_client_has_transactions_and_they_leave_nothing(pool: ClusterPool) -> None:
    client = pool.acquire()
    assert client.watch("{t}a") is True
    client.multi(shard_key="{t}a")
    client.set("{t}a", 1)
    client.incr("{t}a")
    assert client.exec(shard_key="{t}a") == [b"OK", 2]
    assert client.get("elsewhere") is None
    client.multi(shard_key="{t}a")
    client.set("{t}a", 5)
    pool.release(client)
    client = pool.acquire()
    assert client.get("{t}a") == b"2"
    assert client.set("{t}a", 3) is True
    pool.release(client)
    with pytest.raises(PyRedisError, match="changes the state of one connection"):
        pool.execute("MULTI", shard_key="k")


def test_003_07_a_cluster_client_of_its_own(cluster: ClusterServers) -> None:
    for wrong in ({}, {"seeds": seeds_of(cluster), "cluster_map": ClusterMap(seeds_of(cluster))}):
        with pytest.raises(PyRedisError, match="either seeds= or cluster_map="):
            ClusterClient(**wrong)
    for where in ({"seeds": seeds_of(cluster)}, {"cluster_map": ClusterMap(seeds_of(cluster))}):
        client = ClusterClient(encoding="utf-8", **where)
        assert client.closed is False
        assert client.set("own", "v") is True
        assert client.get("own") == "v"
        client.close()
        assert client.closed is True
        with pytest.raises(PyRedisConnError):
            client.get("own")
        client.close()


def test_003_07_slave_ok_lets_replicas_answer_reads(cluster: ClusterServers) -> None:
    pool = ClusterPool(seeds_of(cluster), slave_ok=True)
    assert pool.slave_ok is True
    assert pool.set("replicated", "v") is True
    replicas = [node for node in cluster.nodes if node not in cluster.primaries]
    before = gets_of(replicas)
    reads = 0
    while gets_of(replicas) == before:
        assert reads < 1000
        pool.get("replicated")
        reads += 1
    pool.close()


def gets_of(nodes: list[Any]) -> int:
    """Return how many GETs some nodes have answered."""
    texts = [node.command("INFO", "commandstats").decode() for node in nodes]
    return sum(int(text.partition("cmdstat_get:calls=")[2].partition(",")[0] or 0) for text in texts)


def test_003_07_credentials_reach_every_node() -> None:
    with ClusterServers(primaries=3, replicas=0, password="secret") as cluster:
        pool = ClusterPool(seeds_of(cluster), password="secret")
        for number in range(20):
            assert pool.set(f"key {number}", number) is True
        pool.close()
        cluster_map = ClusterMap(seeds_of(cluster), password="secret")
        cluster_map.update(cluster_map.id)
        assert len(cluster_map.hosts()) == 3


def test_003_07_the_map_of_a_cluster(cluster: ClusterServers) -> None:
    cluster_map = ClusterMap(seeds_of(cluster))
    first = cluster_map.id
    assert cluster_map.id == first
    with pytest.raises(KeyError):
        cluster_map.get_slot("k")
    second = cluster_map.update(first)
    assert second == cluster_map.id != first
    assert cluster_map.update(first) == second
    owner = cluster.owner_of("k")
    assert cluster_map.get_slot("k") == f"{owner.host}_{owner.port}"
    assert cluster_map.hosts() == {f"{node.host}_{node.port}" for node in cluster.primaries}
    replicas = {f"{node.host}_{node.port}" for node in cluster.nodes} - cluster_map.hosts()
    assert cluster_map.hosts(slave=True) == replicas
    assert cluster_map.get_slot("k", slave=True) in replicas
    nowhere = ClusterMap([("localhost", 1)])
    with pytest.raises(PyRedisConnError, match="no seed told the map"):
        nowhere.update(nowhere.id)


def test_003_07_a_slot_that_moves_is_followed(cluster: ClusterServers, pool: ClusterPool) -> None:
    client = pool.acquire()
    assert client.set("moving", "v") is True
    owner = cluster.owner_of("moving")
    target = next(node for node in cluster.primaries if node is not owner)
    cluster.move_slots(cluster.slot_of("moving"), target)
    assert client.get("moving") == b"v"
    with pytest.raises(ReplyError):
        client.execute("GET", "moving", sock=f"{owner.host}_{owner.port}")
    cluster.move_slots(cluster.slot_of("moving"), owner)
    assert client.get("moving") == b"v"
    pool.release(client)


def test_003_07_buckets_are_a_list_or_a_mapping(buckets: list[Server]) -> None:
    places = places_of(buckets)
    ways: list[Any] = [places, [list(place) for place in places]]
    ways += [dict(enumerate(places)), {n: {"host": host, "port": port} for n, (host, port) in enumerate(places)}]
    for number, way in enumerate(ways):
        pool = HashPool(way, database=1, encoding="utf-8")
        assert pool.buckets is way
        assert pool.set(f"way {number}", "v") is True
        assert pool.get("way 0") == "v"
        pool.close()
        client = HashClient(way, database=1)
        assert client.get("way 0") == b"v"
        client.close()
        assert client.closed is True
    for wrong in ([], ["localhost"], [("localhost",)], [5]):
        with pytest.raises(PyRedisError):
            HashPool(wrong)


def test_003_07_a_hash_client_has_bulk_mode_and_transactions(hashed: HashPool) -> None:
    client = hashed.acquire()
    client.bulk_start(bulk_size=7)
    for number in range(20):
        assert client.set(f"key {number}", number) is None
    assert client.incr("key 3") is None
    client.execute("LPUSH", "key 3", "x")
    results = client.bulk_stop()
    assert results[:20] == [True] * 20
    assert results[20] == 4
    assert isinstance(results[21], ReplyError)
    client.multi(shard_key="{t}a")
    client.set("{t}a", 1)
    client.set("{t}b", 2)
    assert client.exec(shard_key="{t}a") == [b"OK", b"OK"]
    hashed.release(client)


def test_003_07_keys_in_several_buckets_are_refused_and_not_put_into_the_bucket_of_the_first(
    buckets: list[Server], hashed: HashPool
) -> None:
    spread = {f"spread {number}": number for number in range(9)}
    client = hashed.acquire()
    for target in (hashed, client):
        with pytest.raises(PyRedisError, match="MSET has keys in several buckets: send one command for each"):
            target.mset(spread)
        with pytest.raises(PyRedisError, match="MGET has keys in several buckets"):
            target.execute("MGET", *spread)
    assert [bucket.command("DBSIZE") for bucket in buckets] == [0, 0, 0]
    together = {f"{{t}}{number}": number for number in range(9)}
    assert client.mset(together) is True
    assert client.mget(*together) == [str(number).encode() for number in range(9)]
    assert client.mset(spread, shard_key="{t}") is True
    assert client.mget(*spread, shard_key="{t}") == [str(number).encode() for number in range(9)]
    hashed.release(client)


def test_003_07_a_bucket_that_is_lost_closes_the_client(buckets: list[Server], hashed: HashPool) -> None:
    client = hashed.acquire()
    client.set("k", "v")
    for bucket in buckets:
        bucket.command("CLIENT", "KILL", "TYPE", "normal")
    wait_until(lambda: sum(bucket.client_count() for bucket in buckets) == 0)
    with pytest.raises(PyRedisConnError):
        client.incr("n{k}")
    assert client.closed is True
    hashed.release(client)
    assert hashed.get("k") == b"v"


def test_003_07_redirects_end_in_an_error() -> None:
    with FakeCluster(primaries=2) as cluster:
        node = cluster.nodes[0]
        cluster.on("GET", f"-MOVED {cluster.slot_of('k')} {node.host}:{node.port}\r\n".encode())
        pool = ClusterPool([(each.host, each.port) for each in cluster.nodes])
        with pytest.raises(PyRedisError, match="redirect"):
            pool.get("k")
        assert pool.set("k", "v") is True
        pool.close()


# 8. Hash tags ----------------------------------------------------------------------------------------------


def test_003_08_the_rule_of_servers_holds_unless_the_old_one_is_asked_for(buckets: list[Server]) -> None:
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
        HashPool(places_of(buckets), tags="old")


def test_003_08_old_buckets_are_kept_with_old_tags(buckets: list[Server]) -> None:
    old = HashPool(places_of(buckets), tags="pyredis")
    new = HashPool(places_of(buckets))
    moved = [key for key in (f"{{}}{n}" for n in range(50)) if slot_of(key) % 3 != slot_of("") % 3]
    assert moved
    for key in moved:
        assert old.set(key, "v") is True
        assert new.get(key) is None
        assert old.get(key) == b"v"
        assert buckets[slot_of("") % 3].command("GET", key) == b"v"
    old.close()
    new.close()


# 9. Not to be copied ---------------------------------------------------------------------------------------


def test_003_09_a_key_that_is_moving_is_found_with_asking(cluster: ClusterServers, pool: ClusterPool) -> None:
    owner = cluster.owner_of("{asked}")
    target = next(node for node in cluster.primaries if node is not owner)
    slot = cluster.slot_of("{asked}")
    pool.mset({"{asked}a": 1, "{asked}b": 2})
    cluster.begin_migration(slot, target, moved=["{asked}a"])
    client = pool.acquire()
    assert [client.get("{asked}a"), client.get("{asked}b")] == [b"1", b"2"]
    assert client.set("{asked}new", "v") is True
    assert client.execute("GET", "{asked}new", shard_key="{asked}") == b"v"
    pool.release(client)
    cluster.finish_migration(slot)
    assert pool.get("{asked}new") == b"v"
    cluster.move_slots(slot, owner)


def test_003_09_a_cluster_pool_can_shrink_and_close(cluster: ClusterServers) -> None:
    pool = ClusterPool(seeds_of(cluster), pool_size=3)
    clients = [pool.acquire() for _ in range(3)]
    for number, client in enumerate(clients):
        assert client.set(f"k{number}", 1) is True
    pool.pool_size = 1
    for client in clients:
        pool.release(client)
    client = pool.acquire()
    client.close()
    assert client.closed is True
    pool.release(client)
    assert pool.get("k0") == b"1"
    pool.close()
