# Written once: tests/threads/test_cluster_scans.py is generated from this file.
"""Iterators in a cluster: every key and every element that stays comes at least once, whatever moves meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import now, rest, wait_until
from effort import IS_PROOF
from respool import AsyncClusterPool
from respool._async.routing import scans
from respool._facts.slots import slot_of
from respool.errors import ClusterDown, PoolClosed, TransportError, UsageTypeError, UsageValueError
from respool.testing import ClusterNode, ClusterServers, find_binary

KEYS = {f"k:{number}" for number in range(10_000)}
#: A slot of the first node, in which there are keys.
SLOT = min(map(slot_of, KEYS))
OF_SLOT = sorted(key for key in KEYS if slot_of(key) == SLOT)


@pytest.fixture(scope="module", params=["valkey", "redis"] if IS_PROOF else ["valkey"])
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterServers]:
    """Three primaries, and a replica of each."""
    binary = None
    if request.param == "redis":
        binary = shutil.which("redis-server")
        if binary is None or find_binary(binary).flavor != "redis":
            pytest.skip("no redis-server here")
    with ClusterServers(primaries=3, replicas=1, binary=binary, config={"cluster-node-timeout": 1000}) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def filled(cluster: ClusterServers) -> None:
    """Let the cluster have exactly the keys of ``KEYS``."""
    if sum(node.command("DBSIZE") for node in cluster.primaries) == len(KEYS):
        return
    for node in cluster.primaries:
        node.command("FLUSHALL")
        slots = slots_of(node)
        with node.connect() as ask:
            for key in KEYS:
                if slot_of(key) in slots:
                    ask("SET", key, "v")


def slots_of(node: ClusterNode) -> set[int]:
    return {slot for first, last in node.view().nodes[node.id].slots for slot in range(first, last + 1)}


def other_than(cluster: ClusterServers, owner: ClusterNode) -> ClusterNode:
    return next(node for node in cluster.primaries if node is not owner)


def swap(cluster: ClusterServers, count: int) -> None:
    """Let each node give some slots with keys to the other one."""
    first, second, _ = cluster.primaries
    leaving = {node: sorted(slots_of(node) & set(map(slot_of, KEYS)))[:count] for node in (first, second)}
    cluster.move_slots(leaving[first], second)
    cluster.move_slots(leaving[second], first)


async def drain(iterator: Any, found: set[Any]) -> None:
    async for element in iterator:
        found.add(element)


async def part(iterator: Any, count: int) -> set[Any]:
    """Return the elements of the first ``count`` steps."""
    return {await iterator.__anext__() for _ in range(count)}


# Keys -------------------------------------------------------------------------------------------------------


async def test_every_key_of_every_node_comes(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        found = [key async for key in pool.scan_iter(count=100)]
        assert set(found) == KEYS
        assert len(found) < 1.1 * len(KEYS)
        assert {key async for key in pool.scan_iter(match="k:12*", count=1000)} == {
            key for key in KEYS if key.startswith("k:12")
        }
        await pool.sadd("s", "a")
        assert [key async for key in pool.scan_iter(type="set", count=1000)] == ["s"]


async def test_a_view_keeps_its_conditions(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        view = pool.using(encoding=None, timeout=5.0)
        assert {key async for key in view.scan_iter(count=1000)} == {key.encode() for key in KEYS}
        parts: list[set[str]] = [set(), set(), set()]
        for node, keys in zip(cluster.primaries, parts, strict=True):
            await drain(pool.using(node=(node.host, node.port)).scan_iter(count=1000), keys)
        assert set.union(*parts) == KEYS
        assert not set.intersection(*parts)
        assert {field async for field, _ in view.hscan_iter("nothing")} == set()
        await pool.hset("h", "f", "v")
        assert [pair async for pair in view.hscan_iter("h")] == [(b"f", b"v")]
        owner = cluster.owner_of("h")
        assert [pair async for pair in pool.using(node=(owner.host, owner.port)).hscan_iter("h")] == [("f", "v")]


@pytest.mark.parametrize("taken", [1, 2500, 5000, 9000])
async def test_no_key_is_missed_when_slots_move(cluster: ClusterServers, taken: int) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        iterator = pool.scan_iter(count=50)
        found = await part(iterator, taken)
        swap(cluster, 40)
        await drain(iterator, found)
        assert found == KEYS


@pytest.mark.parametrize("taken", [0, 1, 5000])
async def test_no_key_is_missed_of_a_slot_that_is_half_moved(cluster: ClusterServers, taken: int) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        iterator = pool.scan_iter(count=50)
        found = await part(iterator, taken)
        cluster.begin_migration(SLOT, other_than(cluster, cluster.owner_of(SLOT)), moved=OF_SLOT[:1])
        try:
            await drain(iterator, found)
            assert found == KEYS
        finally:
            cluster.finish_migration(SLOT)


async def test_keys_that_move_behind_the_scan_come(cluster: ClusterServers) -> None:
    """They go from a node that has not been scanned to one that has been, and the slot is on its way for long."""
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        for source in cluster.primaries:
            iterator = pool.scan_iter(count=50)
            found = await part(iterator, 6000)
            slot = max(slots_of(source) & set(map(slot_of, KEYS - found)), default=None)
            if slot is None:
                continue
            keys = [key for key in KEYS if slot_of(key) == slot]
            cluster.begin_migration(slot, other_than(cluster, source), moved=keys)
            try:
                await drain(iterator, found)
                assert found == KEYS
            finally:
                cluster.finish_migration(slot)


@pytest.mark.parametrize("taken", [1, 3000, 7000])
async def test_no_key_is_missed_over_a_failover(cluster: ClusterServers, taken: int) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        iterator = pool.scan_iter(count=50)
        found = await part(iterator, taken)
        for node in cluster.primaries:
            cluster.failover(node)
        await drain(iterator, found)
        assert found == KEYS


async def test_a_node_that_died_is_scanned_again_at_the_replica_that_took_over(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8", connect_timeout=0.2) as pool:
        iterator = pool.scan_iter(count=50)
        found = await part(iterator, 1000)
        key = await iterator.__anext__()
        owner = cluster.owner_of(key)
        await wait_until(lambda: cluster.replicas_of(owner)[0].command("DBSIZE") == owner.command("DBSIZE"))
        owner.kill()
        found.add(key)
        is_over = False
        deadline = now() + 30.0
        try:
            while not is_over and now() < deadline:
                try:
                    await drain(iterator, found)
                    is_over = True
                except (TransportError, ClusterDown):  # a step that raised is repeated
                    await rest()
            assert found == KEYS
        finally:
            owner.start()
            cluster.wait_agreed()


async def test_pages_after_which_a_node_is_asked_about_its_slots(
    cluster: ClusterServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "PAGES", 3)
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as pool:
        iterator = pool.scan_iter(count=50)
        found = await part(iterator, 500)
        swap(cluster, 20)
        await drain(iterator, found)
        assert found == KEYS


async def test_nodes_that_do_not_know_clusterscan_are_asked_for_it_once(cluster: ClusterServers) -> None:
    def calls() -> int:
        return sum(
            int(fields.partition(b"calls=")[2].partition(b",")[0])
            for node in cluster.primaries
            for line in node.command("INFO", "commandstats").splitlines()
            for name, _, fields in [line.partition(b":")]
            if name == b"cmdstat_scan"
        )

    async with AsyncClusterPool(cluster.url) as pool:
        before = calls()
        for _ in range(2):
            assert len({key async for key in pool.scan_iter(count=5000)}) == len(KEYS)
        cluster_of_pool: Any = pool._serving
        is_valkey = cluster.binary.flavor == "valkey"
        assert cluster_of_pool.knows_clusterscan is is_valkey
        assert (calls() == before) is is_valkey  # slots that were whole all the time need no SCAN


async def test_what_is_wrong_is_refused_by_the_call_and_names_the_iterator(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        with pytest.raises(UsageValueError, match="count must be 1 or more, not 0"):
            pool.scan_iter(count=0)
        with pytest.raises(UsageTypeError, match="argument 3 of SCAN is bool"):
            pool.using(timeout=1.0).scan_iter(match=True)
        with pytest.raises(UsageValueError, match=r"node=, in execute\(\) or using\(\), or iterate over all nodes with scan_iter"):
            await pool.scan(0)
        iterator = pool.scan_iter()
    with pytest.raises(PoolClosed):
        await iterator.__anext__()


# Elements of one key ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hash", "set", "zset"])
@pytest.mark.parametrize("read_from", ["primary", "any"])
async def test_no_element_is_missed_when_the_key_moves(cluster: ClusterServers, kind: str, read_from: Any) -> None:
    names = [f"n:{number}" for number in range(3000)]
    async with AsyncClusterPool(cluster.url, encoding="utf-8", read_from=read_from) as pool:
        if kind == "set":
            await pool.sadd("e", *names)
        elif kind == "zset":
            await pool.zadd("e", dict.fromkeys(names, 1.0))
        else:
            await pool.execute_many([("HSET", "e", name, "v") for name in names])
        scan: Any = {"set": pool.sscan_iter, "zset": pool.zscan_iter, "hash": pool.hscan_iter}[kind]
        iterator = scan("e", count=50)
        found = await part(iterator, 1500)
        slot = slot_of("e")
        to = other_than(cluster, cluster.owner_of(slot))
        cluster.begin_migration(slot, to, moved=["e"])  # the owner answers ASK
        found |= await part(iterator, 1000)
        cluster.finish_migration(slot)
        found |= await part(iterator, 1000)
        cluster.failover(to)
        await drain(iterator, found)
        assert {element if kind == "set" else element[0] for element in found} == set(names)
