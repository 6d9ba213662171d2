# Written once: tests/threads/test_cluster_life.py is generated from this file.
"""The life of a pool for a cluster, and of the nodes in it: they leave, lose their role, and are counted to the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from asyncio_.harness import LOOPS, Callers, now, wait_until
from maps import other_than, refuse_views, to
from respool import AsyncClusterPool
from respool._facts.slots import key_of
from respool.errors import ConnectFailed, Error, OutcomeUnknown, PoolClosed, TooManyRedirects
from respool.testing import FakeCluster, FakeClusterNode, FakeNode, Hold
from scripts import run_script

SLOT = FakeCluster.slot_of("key")
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(3) as cluster:
        yield cluster


@pytest.fixture
def owner(cluster: FakeCluster) -> FakeClusterNode:
    return cluster.owner_of(SLOT)


@pytest.fixture
def target(cluster: FakeCluster, owner: FakeClusterNode) -> FakeClusterNode:
    return other_than(cluster, owner)


def place(node: FakeNode) -> tuple[str, int]:
    return node.host, node.port


async def doubt(pool: AsyncClusterPool[bytes], node: FakeClusterNode, key: bytes) -> None:
    """Make the pool doubt its map."""
    node.once("EXISTS", b"-CLUSTERDOWN Hash slot not served\r\n")
    await pool.execute("EXISTS", key)


# Closing in every state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 0.2])
async def test_a_pool_is_closed_before_it_has_a_map(callers: Callers, seconds: float) -> None:
    with FakeNode.silent() as a, FakeNode.silent() as b:
        pool = AsyncClusterPool(seeds=[place(a), place(b)])
        for call in (("GET", "k"), ("MGET", "k", "l"), ("DBSIZE",), ("BLPOP", "k", 0)):
            callers.start(pool.execute, *call)
        callers.start(pool.execute_many, [("GET", "k")])
        callers.start(pool.execute_noreply, "GET", "k")
        await wait_until(lambda: a.connections + b.connections == 2)
        started = now()
        await pool.aclose(timeout=seconds)
        assert {type(error) for error in await callers.outcomes()} == {PoolClosed}
        assert now() - started < 2.0


async def test_a_pool_is_closed_during_a_refresh(callers: Callers, cluster: FakeCluster) -> None:
    pool = AsyncClusterPool(cluster.url, shared=0)
    await pool.open()
    asked = cluster.count("CLUSTER SLOTS")
    for node in cluster.nodes:
        node.on("CLUSTER SLOTS", Hold(node.answer))
    cluster.believe(cluster.view.without([SLOT]))
    waiting = callers.start(pool.get, "key")
    await wait_until(lambda: cluster.count("CLUSTER SLOTS") > asked)
    await pool.aclose(timeout=0.1)
    with pytest.raises(PoolClosed):
        await waiting.result()
    with pytest.raises(PoolClosed):
        await pool.get("key")


async def test_a_pool_is_closed_while_a_primary_is_down(callers: Callers, cluster: FakeCluster) -> None:
    pool = AsyncClusterPool(cluster.url, connect_timeout=30.0)
    await pool.open()
    cluster.owner_of(SLOT).stop()
    waiting = callers.start(pool.get, "key")
    await wait_until(lambda: cluster.count("EXISTS") >= 2)  # probes
    started = now()
    await pool.aclose(timeout=0.1)
    assert isinstance(await waiting.outcome(), Error)
    assert now() - started < 2.0


async def test_a_pool_is_closed_while_calls_wait_for_a_slot_that_moves(callers: Callers, cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    owner.command("SET", "{key}a", 1)
    cluster.begin_migration(SLOT, other_than(cluster, owner))
    pool = AsyncClusterPool(cluster.url)
    calls = [("MGET", "{key}a", "{key}b")] * 3
    for call in calls:
        callers.start(pool.execute, *call)
    callers.start(pool.execute_many, calls)
    callers.start(pool.execute_many, calls, atomic=True)
    await wait_until(lambda: cluster.count("MGET") >= 20)
    started = now()
    await pool.aclose(timeout=0.1)
    outcomes = await callers.outcomes()
    assert all(isinstance(outcome, Error) for outcome in outcomes[:3] + outcomes[4:])
    assert now() - started < 2.0


@pytest.mark.parametrize("seconds", [0.0, 0.1])
async def test_a_pool_is_closed_while_errands_are_unread(cluster: FakeCluster, seconds: float) -> None:
    pool = AsyncClusterPool(cluster.url, shared=1)
    await pool.open()
    for node in cluster.nodes:
        node.on("INCR", Hold(node.answer))
    await pool.execute_many_noreply([("INCR", number) for number in range(50)])
    await wait_until(lambda: cluster.count("INCR") == 50)
    started = now()
    await pool.aclose(timeout=seconds)
    assert now() - started < 2.0


@pytest.mark.parametrize("seconds", [0.0, 0.1])
async def test_a_pool_is_closed_while_errands_wait_for_a_slot_that_moves(cluster: FakeCluster, seconds: float) -> None:
    pool = AsyncClusterPool(cluster.url, shared=1)
    await pool.open()
    for node in cluster.nodes:
        node.on("INCR", b"-TRYAGAIN not yet\r\n")
    for number in range(20):
        await pool.execute_noreply("INCR", number)
    await wait_until(lambda: cluster.count("INCR") > 20)
    started = now()
    await pool.aclose(timeout=seconds)
    assert now() - started < 2.0


async def test_a_pool_is_opened_again_by_nobody(cluster: FakeCluster) -> None:
    pool = AsyncClusterPool(cluster.url)
    await pool.aclose()
    await pool.aclose()
    with pytest.raises(PoolClosed):
        await pool.open()
    assert not any(node.connections for node in cluster.nodes)


# Nodes that leave --------------------------------------------------------------------------------------------


@LANES
async def test_a_node_that_leaves_answers_what_is_in_flight_and_is_closed_then(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        owner.on("GET", Hold(b"+old\r\n"))
        caller = callers.start(pool.get, "key")
        await wait_until(lambda: owner.calls("GET"))
        cluster.move_slots(slots, target)
        cluster.believe(cluster.view.leaving_out(owner.id))
        await doubt(pool, target, key_of(other))
        await wait_until(lambda: place(owner) not in pool.nodes)
        assert await pool.set("key", 1) is True
        assert not caller.is_done
        assert owner.open_connections
        owner.release()
        assert await caller.result() == b"old"
        await wait_until(lambda: not owner.open_connections)
        assert pool.stats().lost == 0


async def test_who_waits_for_a_node_that_leaves_goes_to_its_successor_and_leases_go_on(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    owner.command("SET", "key", 1)
    async with AsyncClusterPool(cluster.url, shared=0, max_size=1, acquire_timeout=30.0) as pool:
        lease = await pool.acquire(key="key")
        waiting = callers.start(pool.get, "key")
        many = callers.start(pool.execute_many, [("GET", "key"), ("GET", "{key}2")])
        atomic = callers.start(pool.execute_many, [("GET", "key")], atomic=True)
        borrowed = callers.start(pool.acquire, key="key")
        await wait_until(lambda: pool.waiting == 4)
        cluster.move_slots(slots, target)
        cluster.believe(cluster.view.leaving_out(owner.id))
        await doubt(pool, target, key_of(other))
        second = await borrowed.result()
        assert await second.execute("GET", "key") == b"1"
        pool.release(second)
        assert await waiting.result() == b"1"
        assert await many.result() == [b"1", None]
        assert await atomic.result() == [b"1"]
        assert not owner.calls("GET")
        assert await lease.execute("PING") == b"PONG"
        pool.release(lease)
        await wait_until(lambda: not owner.open_connections)
        assert pool.stats().retries == 0


@LANES
async def test_a_node_that_lost_its_role_is_cut_at_once(callers: Callers, shared: int) -> None:
    with FakeCluster(2, 1) as cluster:
        owner = cluster.owner_of(SLOT)
        other = other_than(cluster, owner)
        slot = next(slot for slot in range(16384) if cluster.owner_of(slot) is other)
        async with AsyncClusterPool(cluster.url, shared=shared, read_timeout=30.0) as pool:
            assert await pool.set("key", "before") is True
            owner.pause()
            owner.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            await wait_until(lambda: len(owner.calls("SET")) == 2)
            heir = cluster.failover(owner)
            await doubt(pool, other, key_of(slot))
            with pytest.raises(OutcomeUnknown):
                await write.result()
            owner.resume()
            assert await pool.get("key") == b"before"
            assert await pool.set("key", "after") is True
            assert heir.data == {b"key": b"after"}
            assert cluster.count("SET") == 3


async def test_so_is_one_that_only_a_redirect_has_named(callers: Callers) -> None:
    with FakeCluster(2) as cluster:
        owner = cluster.owner_of(SLOT)
        other = other_than(cluster, owner)
        newcomer = cluster.add_node()
        heir = cluster.add_node(replica_of=newcomer)
        known = cluster.view
        for node in (owner, other):
            node.believe(known.leaving_out(newcomer.id).leaving_out(heir.id))
        async with AsyncClusterPool(cluster.url, read_timeout=30.0, stall_after=None) as pool:
            refuse_views(cluster)
            cluster.move_slots(SLOT, newcomer)
            owner.believe(cluster.view)
            assert await pool.set("key", "before") is True
            newcomer.pause()
            newcomer.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            await wait_until(lambda: len(newcomer.calls("SET")) == 2)
            assert cluster.failover(newcomer) is heir
            for node in cluster.nodes:
                node.believe(cluster.view)
                node.on("CLUSTER SLOTS", node.answer)
            await doubt(pool, owner, key_of(SLOT + 1))
            with pytest.raises(OutcomeUnknown):
                await write.result()
            newcomer.resume()
            assert await pool.get("key") == b"before"
            assert heir.data == {b"key": b"before"}


async def test_a_primary_that_stays_silent_makes_the_map_doubtful(callers: Callers) -> None:
    with FakeCluster(2, 1) as cluster:
        owner = cluster.owner_of(SLOT)
        async with AsyncClusterPool(cluster.url, shared=1, stall_after=0.2, read_timeout=30.0) as pool:
            owner.pause()
            owner.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            await wait_until(lambda: owner.calls("SET"))
            cluster.failover(owner)
            with pytest.raises(OutcomeUnknown):
                await write.result()
            owner.resume()


async def test_a_primary_that_dies_is_replaced_by_what_a_probe_finds(cluster: FakeCluster) -> None:
    with FakeCluster(2, 1) as small:
        owner = small.owner_of(SLOT)
        async with AsyncClusterPool(small.url, connect_timeout=10.0) as pool:
            await pool.set("key", 1)
            refuse_views(small)
            owner.stop()
            small.failover(owner)
            assert await pool.get("key") == b"1"
            assert await pool.set("key", 2) is True


# Counting ----------------------------------------------------------------------------------------------------


def total(stats: Any, name: str) -> int:
    return sum(getattr(each, name) for each in stats.nodes.values())


COUNTS = ("opened", "closed", "lost", "replies", "leases", "releases", "size", "shared", "idle", "leased", "in_flight")


@LANES
async def test_counts_add_up_also_when_nodes_have_left(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    pool = AsyncClusterPool(cluster.url, shared=shared)
    await pool.open()
    await pool.execute_many([("SET", key_of(slot), 1) for slot in range(0, 16384, 100)])
    stats = pool.stats()
    assert sorted(stats.nodes) == sorted(f"127.0.0.1:{node.port}" for node in cluster.nodes)
    for name in ("size", "shared", "idle", "leased"):
        assert getattr(stats, name) == getattr(pool, name) == total(stats, name)
    assert stats.replies >= 164
    cluster.move_slots(slots, target)
    cluster.believe(cluster.view.leaving_out(owner.id))
    await doubt(pool, target, key_of(other))
    await wait_until(lambda: not owner.open_connections)
    after = pool.stats()
    assert f"127.0.0.1:{owner.port}" not in after.nodes
    for name in ("opened", "closed", "replies", "leases", "releases"):
        assert getattr(after, name) >= getattr(stats, name)
        assert getattr(after, name) >= total(after, name)
    await wait_until(lambda: pool.stats().size == total(pool.stats(), "size"))
    await pool.aclose()
    last = pool.stats()
    assert last.opened == last.closed + last.lost
    assert (last.size, last.leases) == (0, last.releases)


# Addresses ---------------------------------------------------------------------------------------------------


async def test_every_address_that_is_announced_goes_through_remap(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    def remap(host: str, port: int) -> tuple[str, int]:
        seen.add(host)
        return "127.0.0.1", port

    seen: set[str] = set()
    cluster.believe(cluster.view.announcing(host="192.0.2.1"))
    async with AsyncClusterPool(seeds=[place(node) for node in cluster.nodes], remap=remap) as pool:
        assert sorted(pool.nodes) == sorted(place(node) for node in cluster.nodes)
        assert seen == {"192.0.2.1"}
        refuse_views(cluster)
        cluster.move_slots(SLOT, target)  # MOVED
        assert await pool.set("key", 1) is True
        cluster.begin_migration(SLOT, owner)  # ASK
        assert await pool.incr("{key}n") == 1
        assert await pool.execute_many([("INCR", "{key}m"), ("GET", "key")]) == [1, b"1"]
        assert await pool.execute_many([("INCR", "{key}l")], atomic=True) == [1]
        assert owner.data == {b"{key}n": b"1", b"{key}m": b"1", b"{key}l": b"1"}


@pytest.mark.parametrize("made", [None, 5, ("127.0.0.1", "7000"), ("127.0.0.1", 0)])
async def test_a_remap_that_returns_no_address_is_named_in_the_error(cluster: FakeCluster, made: Any) -> None:
    pool = AsyncClusterPool(cluster.url, remap=lambda *_: made)
    with pytest.raises(ConnectFailed, match=r"remap must return \(host, port\)"):
        await pool.execute("GET", "key", timeout=5)
    await pool.aclose()


async def test_nodes_that_point_at_each_other_by_other_names_are_given_up_after_pauses(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    def remap(host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", port

    async with AsyncClusterPool(cluster.url, remap=remap) as pool:
        refuse_views(cluster)
        for node, other in ((owner, target), (target, owner)):
            node.on("GET", to("MOVED", SLOT, other).replace(b"127.0.0.1", b"192.0.2.1"))
        started = now()
        with pytest.raises(TooManyRedirects):
            await pool.get("key")
        assert 0.3 < now() - started < 2.0
        started = now()
        replies = await pool.execute_many([("GET", "key"), ("DBSIZE",)])
        assert isinstance(replies[0], TooManyRedirects)
        assert 0.3 < now() - started < 2.0


async def test_a_replica_that_announces_another_name_is_known_by_that(cluster: FakeCluster) -> None:
    cluster.believe(replace(cluster.view.announcing(host="localhost"), epoch=9))
    async with AsyncClusterPool(seeds=[place(cluster.nodes[0])], shared=1) as pool:
        assert await pool.set("key", 1) is True
        assert sorted(pool.nodes) == sorted(("localhost", node.port) for node in cluster.nodes)
        await wait_until(lambda: pool.size == 3)  # what was dialed by the seed's name is closed


# Forks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
def test_the_child_of_a_fork_starts_afresh_and_the_parent_goes_on(cluster: FakeCluster, loop: str) -> None:
    script = """
import os, sys, traceback
from asyncio_.harness import Callers, run, wait_until
from respool import AsyncClusterPool

pool = AsyncClusterPool(sys.argv[1], min_size=1)

def fork(child):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(child)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]

async def child():
    assert (pool.size, pool.leased, pool.closed) == (0, 0, False)
    assert pool.stats().opened == 0
    assert await pool.incr("key") == 2
    assert await pool.execute_many([("INCR", number) for number in range(20)]) == [1] * 20
    await pool.aclose()

async def main():
    callers = Callers()
    assert await pool.incr("key") == 1
    waiting = callers.start(pool.execute, "BLPOP", "list", 10)
    async with pool.acquire(key="key") as conn:
        await wait_until(lambda: pool.leased == 2 and not pool.dialing)
        before = pool.stats()
        assert fork(child) == 0
        assert pool.stats().opened == before.opened
        assert await conn.execute("GET", "key") == b"2"
    await pool.rpush("list", "x")
    assert await waiting.result() == [b"list", b"x"]
    assert await pool.execute_many([("INCR", number) for number in range(20)]) == [2] * 20
    assert pool.stats().lost == 0
    await callers.end()
    await pool.aclose()

run(main)
print("done")
"""
    assert run_script(script, cluster.url, loop=loop) == "done\n"
