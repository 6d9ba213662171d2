# Generated from tests/asyncio_/test_cluster_life.py by tools/generate.py. Do not edit.
"""The life of a pool for a cluster, and of the nodes in it: they leave, lose their role, and are counted to the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from threads.harness import LOOPS, Callers, now, wait_until
from maps import other_than, refuse_views, to
from respool import ClusterPool
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


def doubt(pool: ClusterPool[bytes], node: FakeClusterNode, key: bytes) -> None:
    """Make the pool doubt its map."""
    node.once("EXISTS", b"-CLUSTERDOWN Hash slot not served\r\n")
    pool.execute("EXISTS", key)


# Closing in every state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_pool_is_closed_before_it_has_a_map(callers: Callers, seconds: float) -> None:
    with FakeNode.silent() as a, FakeNode.silent() as b:
        pool = ClusterPool(seeds=[place(a), place(b)])
        for call in (("GET", "k"), ("MGET", "k", "l"), ("DBSIZE",), ("BLPOP", "k", 0)):
            callers.start(pool.execute, *call)
        callers.start(pool.execute_many, [("GET", "k")])
        callers.start(pool.execute_noreply, "GET", "k")
        wait_until(lambda: a.connections + b.connections == 2)
        started = now()
        pool.close(timeout=seconds)
        assert {type(error) for error in callers.outcomes()} == {PoolClosed}
        assert now() - started < 2.0


def test_a_pool_is_closed_during_a_refresh(callers: Callers, cluster: FakeCluster) -> None:
    pool = ClusterPool(cluster.url, shared=0)
    pool.open()
    asked = cluster.count("CLUSTER SLOTS")
    for node in cluster.nodes:
        node.on("CLUSTER SLOTS", Hold(node.answer))
    cluster.believe(cluster.view.without([SLOT]))
    waiting = callers.start(pool.get, "key")
    wait_until(lambda: cluster.count("CLUSTER SLOTS") > asked)
    pool.close(timeout=0.1)
    with pytest.raises(PoolClosed):
        waiting.result()
    with pytest.raises(PoolClosed):
        pool.get("key")


def test_a_pool_is_closed_while_a_primary_is_down(callers: Callers, cluster: FakeCluster) -> None:
    pool = ClusterPool(cluster.url, connect_timeout=30.0)
    pool.open()
    cluster.owner_of(SLOT).stop()
    waiting = callers.start(pool.get, "key")
    wait_until(lambda: cluster.count("EXISTS") >= 2)  # probes
    started = now()
    pool.close(timeout=0.1)
    assert isinstance(waiting.outcome(), Error)
    assert now() - started < 2.0


def test_a_pool_is_closed_while_calls_wait_for_a_slot_that_moves(callers: Callers, cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    owner.command("SET", "{key}a", 1)
    cluster.begin_migration(SLOT, other_than(cluster, owner))
    pool = ClusterPool(cluster.url)
    calls = [("MGET", "{key}a", "{key}b")] * 3
    for call in calls:
        callers.start(pool.execute, *call)
    callers.start(pool.execute_many, calls)
    callers.start(pool.execute_many, calls, atomic=True)
    wait_until(lambda: cluster.count("MGET") >= 20)
    started = now()
    pool.close(timeout=0.1)
    outcomes = callers.outcomes()
    assert all(isinstance(outcome, Error) for outcome in outcomes[:3] + outcomes[4:])
    assert now() - started < 2.0


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_pool_is_closed_while_errands_are_unread(cluster: FakeCluster, seconds: float) -> None:
    pool = ClusterPool(cluster.url, shared=1)
    pool.open()
    for node in cluster.nodes:
        node.on("INCR", Hold(node.answer))
    pool.execute_many_noreply([("INCR", number) for number in range(50)])
    wait_until(lambda: cluster.count("INCR") == 50)
    started = now()
    pool.close(timeout=seconds)
    assert now() - started < 2.0


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_pool_is_closed_while_errands_wait_for_a_slot_that_moves(cluster: FakeCluster, seconds: float) -> None:
    pool = ClusterPool(cluster.url, shared=1)
    pool.open()
    for node in cluster.nodes:
        node.on("INCR", b"-TRYAGAIN not yet\r\n")
    for number in range(20):
        pool.execute_noreply("INCR", number)
    wait_until(lambda: cluster.count("INCR") > 20)
    started = now()
    pool.close(timeout=seconds)
    assert now() - started < 2.0


def test_a_pool_is_opened_again_by_nobody(cluster: FakeCluster) -> None:
    pool = ClusterPool(cluster.url)
    pool.close()
    pool.close()
    with pytest.raises(PoolClosed):
        pool.open()
    assert not any(node.connections for node in cluster.nodes)


# Nodes that leave --------------------------------------------------------------------------------------------


@LANES
def test_a_node_that_leaves_answers_what_is_in_flight_and_is_closed_then(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    with ClusterPool(cluster.url, shared=shared) as pool:
        owner.on("GET", Hold(b"+old\r\n"))
        caller = callers.start(pool.get, "key")
        wait_until(lambda: owner.calls("GET"))
        cluster.move_slots(slots, target)
        cluster.believe(cluster.view.leaving_out(owner.id))
        doubt(pool, target, key_of(other))
        wait_until(lambda: place(owner) not in pool.nodes)
        assert pool.set("key", 1) is True
        assert not caller.is_done
        assert owner.open_connections
        owner.release()
        assert caller.result() == b"old"
        wait_until(lambda: not owner.open_connections)
        assert pool.stats().lost == 0


def test_who_waits_for_a_node_that_leaves_goes_to_its_successor_and_leases_go_on(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    owner.command("SET", "key", 1)
    with ClusterPool(cluster.url, shared=0, max_size=1, acquire_timeout=30.0) as pool:
        lease = pool.acquire(key="key")
        waiting = callers.start(pool.get, "key")
        many = callers.start(pool.execute_many, [("GET", "key"), ("GET", "{key}2")])
        atomic = callers.start(pool.execute_many, [("GET", "key")], atomic=True)
        borrowed = callers.start(pool.acquire, key="key")
        wait_until(lambda: pool.waiting == 4)
        cluster.move_slots(slots, target)
        cluster.believe(cluster.view.leaving_out(owner.id))
        doubt(pool, target, key_of(other))
        second = borrowed.result()
        assert second.execute("GET", "key") == b"1"
        pool.release(second)
        assert waiting.result() == b"1"
        assert many.result() == [b"1", None]
        assert atomic.result() == [b"1"]
        assert not owner.calls("GET")
        assert lease.execute("PING") == b"PONG"
        pool.release(lease)
        wait_until(lambda: not owner.open_connections)
        assert pool.stats().retries == 0


@LANES
def test_a_node_that_lost_its_role_is_cut_at_once(callers: Callers, shared: int) -> None:
    with FakeCluster(2, 1) as cluster:
        owner = cluster.owner_of(SLOT)
        other = other_than(cluster, owner)
        slot = next(slot for slot in range(16384) if cluster.owner_of(slot) is other)
        with ClusterPool(cluster.url, shared=shared, read_timeout=30.0) as pool:
            assert pool.set("key", "before") is True
            owner.pause()
            owner.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            wait_until(lambda: len(owner.calls("SET")) == 2)
            heir = cluster.failover(owner)
            doubt(pool, other, key_of(slot))
            with pytest.raises(OutcomeUnknown):
                write.result()
            owner.resume()
            assert pool.get("key") == b"before"
            assert pool.set("key", "after") is True
            assert heir.data == {b"key": b"after"}
            assert cluster.count("SET") == 3


def test_so_is_one_that_only_a_redirect_has_named(callers: Callers) -> None:
    with FakeCluster(2) as cluster:
        owner = cluster.owner_of(SLOT)
        other = other_than(cluster, owner)
        newcomer = cluster.add_node()
        heir = cluster.add_node(replica_of=newcomer)
        known = cluster.view
        for node in (owner, other):
            node.believe(known.leaving_out(newcomer.id).leaving_out(heir.id))
        with ClusterPool(cluster.url, read_timeout=30.0, stall_after=None) as pool:
            refuse_views(cluster)
            cluster.move_slots(SLOT, newcomer)
            owner.believe(cluster.view)
            assert pool.set("key", "before") is True
            newcomer.pause()
            newcomer.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            wait_until(lambda: len(newcomer.calls("SET")) == 2)
            assert cluster.failover(newcomer) is heir
            for node in cluster.nodes:
                node.believe(cluster.view)
                node.on("CLUSTER SLOTS", node.answer)
            doubt(pool, owner, key_of(SLOT + 1))
            with pytest.raises(OutcomeUnknown):
                write.result()
            newcomer.resume()
            assert pool.get("key") == b"before"
            assert heir.data == {b"key": b"before"}


def test_a_primary_that_stays_silent_makes_the_map_doubtful(callers: Callers) -> None:
    with FakeCluster(2, 1) as cluster:
        owner = cluster.owner_of(SLOT)
        with ClusterPool(cluster.url, shared=1, stall_after=0.2, read_timeout=30.0) as pool:
            owner.pause()
            owner.believe(cluster.view)
            write = callers.start(pool.set, "key", "lost")
            wait_until(lambda: owner.calls("SET"))
            cluster.failover(owner)
            with pytest.raises(OutcomeUnknown):
                write.result()
            owner.resume()


def test_a_primary_that_dies_is_replaced_by_what_a_probe_finds(cluster: FakeCluster) -> None:
    with FakeCluster(2, 1) as small:
        owner = small.owner_of(SLOT)
        with ClusterPool(small.url, connect_timeout=10.0) as pool:
            pool.set("key", 1)
            refuse_views(small)
            owner.stop()
            small.failover(owner)
            assert pool.get("key") == b"1"
            assert pool.set("key", 2) is True


# Counting ----------------------------------------------------------------------------------------------------


def total(stats: Any, name: str) -> int:
    return sum(getattr(each, name) for each in stats.nodes.values())


COUNTS = ("opened", "closed", "lost", "replies", "leases", "releases", "size", "shared", "idle", "leased", "in_flight")


@LANES
def test_counts_add_up_also_when_nodes_have_left(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    slots = [slot for slot in range(16384) if cluster.owner_of(slot) is owner]
    other = next(slot for slot in range(16384) if cluster.owner_of(slot) is target)
    pool = ClusterPool(cluster.url, shared=shared)
    pool.open()
    pool.execute_many([("SET", key_of(slot), 1) for slot in range(0, 16384, 100)])
    stats = pool.stats()
    assert sorted(stats.nodes) == sorted(f"127.0.0.1:{node.port}" for node in cluster.nodes)
    for name in ("size", "shared", "idle", "leased"):
        assert getattr(stats, name) == getattr(pool, name) == total(stats, name)
    assert stats.replies >= 164
    cluster.move_slots(slots, target)
    cluster.believe(cluster.view.leaving_out(owner.id))
    doubt(pool, target, key_of(other))
    wait_until(lambda: not owner.open_connections)
    after = pool.stats()
    assert f"127.0.0.1:{owner.port}" not in after.nodes
    for name in ("opened", "closed", "replies", "leases", "releases"):
        assert getattr(after, name) >= getattr(stats, name)
        assert getattr(after, name) >= total(after, name)
    wait_until(lambda: pool.stats().size == total(pool.stats(), "size"))
    pool.close()
    last = pool.stats()
    assert last.opened == last.closed + last.lost
    assert (last.size, last.leases) == (0, last.releases)


# Addresses ---------------------------------------------------------------------------------------------------


def test_every_address_that_is_announced_goes_through_remap(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    def remap(host: str, port: int) -> tuple[str, int]:
        seen.add(host)
        return "127.0.0.1", port

    seen: set[str] = set()
    cluster.believe(cluster.view.announcing(host="192.0.2.1"))
    with ClusterPool(seeds=[place(node) for node in cluster.nodes], remap=remap) as pool:
        assert sorted(pool.nodes) == sorted(place(node) for node in cluster.nodes)
        assert seen == {"192.0.2.1"}
        refuse_views(cluster)
        cluster.move_slots(SLOT, target)  # MOVED
        assert pool.set("key", 1) is True
        cluster.begin_migration(SLOT, owner)  # ASK
        assert pool.incr("{key}n") == 1
        assert pool.execute_many([("INCR", "{key}m"), ("GET", "key")]) == [1, b"1"]
        assert pool.execute_many([("INCR", "{key}l")], atomic=True) == [1]
        assert owner.data == {b"{key}n": b"1", b"{key}m": b"1", b"{key}l": b"1"}


@pytest.mark.parametrize("made", [None, 5, ("127.0.0.1", "7000"), ("127.0.0.1", 0)])
def test_a_remap_that_returns_no_address_is_named_in_the_error(cluster: FakeCluster, made: Any) -> None:
    pool = ClusterPool(cluster.url, remap=lambda *_: made)
    with pytest.raises(ConnectFailed, match=r"remap must return \(host, port\)"):
        pool.execute("GET", "key", timeout=5)
    pool.close()


def test_nodes_that_point_at_each_other_by_other_names_are_given_up_after_pauses(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    def remap(host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", port

    with ClusterPool(cluster.url, remap=remap) as pool:
        refuse_views(cluster)
        for node, other in ((owner, target), (target, owner)):
            node.on("GET", to("MOVED", SLOT, other).replace(b"127.0.0.1", b"192.0.2.1"))
        started = now()
        with pytest.raises(TooManyRedirects):
            pool.get("key")
        assert 0.3 < now() - started < 2.0
        started = now()
        replies = pool.execute_many([("GET", "key"), ("DBSIZE",)])
        assert isinstance(replies[0], TooManyRedirects)
        assert 0.3 < now() - started < 2.0


def test_a_replica_that_announces_another_name_is_known_by_that(cluster: FakeCluster) -> None:
    cluster.believe(replace(cluster.view.announcing(host="localhost"), epoch=9))
    with ClusterPool(seeds=[place(cluster.nodes[0])], shared=1) as pool:
        assert pool.set("key", 1) is True
        assert sorted(pool.nodes) == sorted(("localhost", node.port) for node in cluster.nodes)
        wait_until(lambda: pool.size == 3)  # what was dialed by the seed's name is closed


# Forks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
def test_the_child_of_a_fork_starts_afresh_and_the_parent_goes_on(cluster: FakeCluster, loop: str) -> None:
    script = """
import os, sys, traceback
from threads.harness import Callers, run, wait_until
from respool import ClusterPool

pool = ClusterPool(sys.argv[1], min_size=1)

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

def child():
    assert (pool.size, pool.leased, pool.closed) == (0, 0, False)
    assert pool.stats().opened == 0
    assert pool.incr("key") == 2
    assert pool.execute_many([("INCR", number) for number in range(20)]) == [1] * 20
    pool.close()

def main():
    callers = Callers()
    assert pool.incr("key") == 1
    waiting = callers.start(pool.execute, "BLPOP", "list", 10)
    with pool.acquire(key="key") as conn:
        wait_until(lambda: pool.leased == 2 and not pool.dialing)
        before = pool.stats()
        assert fork(child) == 0
        assert pool.stats().opened == before.opened
        assert conn.execute("GET", "key") == b"2"
    pool.rpush("list", "x")
    assert waiting.result() == [b"list", b"x"]
    assert pool.execute_many([("INCR", number) for number in range(20)]) == [2] * 20
    assert pool.stats().lost == 0
    callers.end()
    pool.close()

run(main)
print("done")
"""
    assert run_script(script, cluster.url, loop=loop) == "done\n"
