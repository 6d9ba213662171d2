# Generated from tests/asyncio_/test_cluster_errands.py by tools/generate.py. Do not edit.
"""Commands of a cluster whose replies nobody waits for, and those that wait long: both follow their slots."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from threads.harness import Callers, now, wait_until
from maps import other_than, refuse_views, to
from respool import ClusterPool
from respool._facts.slots import key_of
from respool.errors import ConnectFailed, UsageError
from respool.testing import Close, FakeCluster, FakeClusterNode, Hold

SLOT = FakeCluster.slot_of("key")
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
#: A key of each of three primaries.
THREE = [key_of(slot) for slot in (0, 8000, 16000)]


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


# Without waiting for replies ---------------------------------------------------------------------------------


def test_a_remap_that_raises_does_not_keep_later_replies_from_being_read(
    cluster: FakeCluster, target: FakeClusterNode
) -> None:
    def remap(host: str, port: int) -> tuple[str, int]:
        if is_broken:
            broken.append(port)
            raise ValueError("no such tunnel")
        return host, port

    is_broken = False
    broken: list[int] = []
    with ClusterPool(cluster.url, remap=remap) as pool:
        pool.set("key", 0)
        refuse_views(cluster)
        cluster.move_slots(SLOT, target)
        is_broken = True
        pool.execute_noreply("SET", "key", 1)
        wait_until(lambda: bool(broken))
        is_broken = False
        pool.execute_noreply("SET", "key", 2)
        wait_until(lambda: target.data.get(b"key") == b"2")
        started = now()
    assert now() - started < 4  # close waits up to 5 s for a task that reads


@LANES
def test_a_named_node_gets_it_whatever_its_keys_are(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    place = (target.host, target.port)
    with ClusterPool(cluster.url, shared=shared) as pool:
        pool.execute_noreply("SET", "key", 1, node=place)
        pool.execute_many_noreply([("CONFIG", "SET", "a", "b"), ("GET", "key")], node=f"{place[0]}:{place[1]}")
        wait_until(lambda: target.calls("GET"))
        assert [len(target.calls(name)) for name in ("SET", "CONFIG SET", "GET")] == [1, 1, 1]
        assert pool.get("key") is None  # a named node's redirect is not followed
        assert not owner.calls("SET")
        with pytest.raises(UsageError, match=r"has no node 127\.0\.0\.1:1"):
            pool.execute_noreply("SET", "key", 1, node="127.0.0.1:1")


@LANES
def test_nothing_that_is_sent_without_waiting_is_lost_or_run_twice_while_slots_move(
    callers: Callers, cluster: FakeCluster, shared: int
) -> None:
    first, second, third = cluster.primaries
    keys = [key_of(slot) for slot in range(10)]
    pool = ClusterPool(cluster.url, shared=shared)

    def work(key: bytes) -> None:
        for number in range(20):
            pool.execute_noreply("INCR", key)
            pool.execute_many_noreply([("INCR", key), ("INCR", keys[number % 10])])

    pool.open()
    for key in keys[:7]:
        callers.start(work, key)
    for turn in range(1, 8):
        wait_until(lambda turn=turn: cluster.count("INCR") >= turn * 40)
        if turn % 2:
            cluster.begin_migration(3, second if cluster.owner_of(3) is first else first)
            cluster.move_slots([0, 1, 2, 7, 8, 9], (second, third, first)[turn % 3])
        else:
            cluster.finish_migration(3)
    callers.results()
    pool.close(timeout=60.0)  # waits until all is answered
    values = [value for node in cluster.primaries for value in node.data.values()]
    assert sum(int(value) for value in values if isinstance(value, bytes)) == 420
    assert pool.stats().retries == 0


@LANES
def test_what_ask_says_is_followed_without_a_caller(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    cluster.begin_migration(SLOT, target)
    with ClusterPool(cluster.url, shared=shared) as pool:
        for number in range(20):
            pool.execute_noreply("SET", f"{{key}}{number}", number)
        wait_until(lambda: len(target.data) == 20)
        wire = [seen.command[0] for seen in target.commands if seen.command[0] in (b"ASKING", b"SET")]
        assert wire == [b"ASKING", b"SET"] * 20


def test_a_caller_does_not_wait_for_replies(cluster: FakeCluster) -> None:
    with ClusterPool(cluster.url, shared=1) as pool:
        for node in cluster.nodes:
            node.on("SET", Hold(node.answer))
        pool.execute_many_noreply([("SET", key, 1) for key in THREE])
        wait_until(lambda: cluster.count("SET") == 3)
        assert not any(node.data for node in cluster.nodes)
        wait_until(lambda: [node.release() for node in cluster.nodes] and all(node.data for node in cluster.nodes))


def test_closing_waits_until_what_was_sent_is_answered(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    pool = ClusterPool(cluster.url, shared=1)
    pool.open()
    refuse_views(cluster)
    cluster.move_slots(SLOT, other_than(cluster, owner))
    for _ in range(10):
        pool.execute_noreply("INCR", "key")
    started = now()
    pool.close(timeout=30.0)
    assert now() - started < 10.0  # and no longer
    assert cluster.owner_of(SLOT).data == {b"key": b"10"}


def test_an_errand_whose_connection_is_lost_is_not_sent_again(
    cluster: FakeCluster, owner: FakeClusterNode
) -> None:
    with ClusterPool(cluster.url, shared=1) as pool:
        owner.once("INCR", Close())
        pool.execute_noreply("INCR", "key")
        wait_until(lambda: pool.stats().lost == 1)
        pool.execute_noreply("INCR", "key")
        wait_until(lambda: owner.data == {b"key": b"1"})
        assert len(owner.calls("INCR")) == 2


def test_what_was_certainly_not_sent_is_told(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    with ClusterPool(cluster.url, shared=1, connect_timeout=0.3) as pool:
        owner.stop()
        with pytest.raises(ConnectFailed):
            pool.get("key")
        with pytest.raises(ConnectFailed):
            pool.execute_noreply("SET", "key", 1)
        with pytest.raises(UsageError):
            pool.execute_noreply("BLPOP", "key", 1)
        with pytest.raises(UsageError, match="nothing was sent"):
            pool.execute_noreply("SUNION", *THREE)


# Blocking commands -------------------------------------------------------------------------------------------


@LANES
def test_a_blocked_command_follows_its_slot_and_keeps_its_own_time(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    with ClusterPool(cluster.url, shared=shared) as pool:
        started = now()
        caller = callers.start(pool.blpop, "key", timeout=1.5)
        wait_until(lambda: now() - started > 0.6 and owner.calls("BLPOP"))
        cluster.move_slots(SLOT, target)
        assert caller.result() is None
        assert 1.2 < now() - started < 2.5
        times = [float(node.calls("BLPOP")[0].command[-1]) for node in (owner, target)]
        assert times[0] == 1.5
        assert 0.1 < times[1] <= 1.0
        assert cluster.count("BLPOP") == 2
        assert pool.stats().retries == 0


@pytest.mark.parametrize("seconds", [0, 30])
def test_what_is_pushed_at_the_new_node_arrives(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, seconds: int
) -> None:
    with ClusterPool(cluster.url) as pool:
        caller = callers.start(pool.execute, "BLPOP", "key", seconds)
        wait_until(lambda: owner.calls("BLPOP"))
        cluster.move_slots(SLOT, target)
        wait_until(lambda: target.calls("BLPOP"))
        assert (target.calls("BLPOP")[0].command[-1] == b"0") == (seconds == 0)
        assert pool.rpush("key", "x") == 1
        assert caller.result() == [b"key", b"x"]


def test_a_blocking_command_goes_where_ask_says(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    cluster.begin_migration(SLOT, target)
    with ClusterPool(cluster.url) as pool:
        caller = callers.start(pool.execute, "BLPOP", "key", 30)
        wait_until(lambda: target.calls("BLPOP"))
        assert pool.rpush("key", "x") == 1  # behind ASKING too
        assert caller.result() == [b"key", b"x"]
        assert len(owner.calls("BLPOP")) == len(target.calls("BLPOP")) == 1


@pytest.mark.parametrize("flavor", ["valkey", "redis"])
def test_a_command_that_is_blocked_when_its_node_is_demoted_goes_on_at_the_new_primary(
    callers: Callers, flavor: str
) -> None:
    with FakeCluster(2, 1, flavor="redis" if flavor == "redis" else "valkey") as cluster:
        owner = cluster.owner_of(SLOT)
        with ClusterPool(cluster.url) as pool:
            caller = callers.start(pool.execute, "BLPOP", "key", 30)
            wait_until(lambda: owner.calls("BLPOP"))
            heir = cluster.failover(owner)
            wait_until(lambda: heir.calls("BLPOP"))
            assert float(heir.calls("BLPOP")[0].command[-1]) <= 30
            assert pool.rpush("key", "x") == 1
            assert caller.result() == [b"key", b"x"]


def test_a_blocking_command_between_two_nodes_does_not_outlast_its_own_time(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    with ClusterPool(cluster.url) as pool:
        refuse_views(cluster)
        caller = callers.start(pool.execute, "BLPOP", "key", 1)
        wait_until(lambda: owner.calls("BLPOP"))
        for node in (target, owner, target):
            cluster.move_slots(SLOT, node)
            wait_until(lambda node=node: node.calls("BLPOP"))
        started = now()
        assert caller.result() is None
        assert now() - started < 2.0
        last = [float(seen.command[-1]) for node in (owner, target) for seen in node.calls("BLPOP")]
        assert all(0 < seconds <= 1 for seconds in last)


def test_a_command_with_an_end_of_the_caller_is_bounded_by_it(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    with ClusterPool(cluster.url) as pool:
        started = now()
        owner.once("BLPOP", to("MOVED", SLOT, other_than(cluster, owner)))
        with pytest.raises(TimeoutError):
            pool.execute("BLPOP", "key", 30, timeout=0.3)
        assert now() - started < 2.0
