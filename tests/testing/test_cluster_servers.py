"""``respool.testing.ClusterServers``: a real cluster that changes on command."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import hiredis
import pytest

from respool.testing import ClusterNode, ClusterServers, find_binary, wait_until
from respool.testing._cluster_view import read_view
from respool.testing._slot_moves import ranges_of, shares

SLOTS = 16384


@pytest.fixture(scope="module")
def cluster(binary: str | None) -> Iterator[ClusterServers]:
    with ClusterServers(binary=binary) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def whole_and_empty(request: pytest.FixtureRequest) -> None:
    """Make the cluster of this file whole again, and empty it."""
    if "cluster" not in request.fixturenames:
        return
    cluster: ClusterServers = request.getfixturevalue("cluster")
    for node in cluster.nodes:
        if node.is_paused:
            node.resume()
        node.start()
    cluster.wait_agreed()
    for node in cluster.primaries:
        node.command("FLUSHALL")


def another(cluster: ClusterServers, node: ClusterNode) -> ClusterNode:
    return next(each for each in cluster.primaries if each is not node and each.view().nodes[each.id].slots)


def error_of(node: ClusterNode, *command: bytes | str) -> str:
    with pytest.raises(hiredis.ReplyError) as caught:
        node.command(*command)
    return str(caught.value)


def has_atomic_moves(binary: str | None) -> bool:
    found = find_binary(binary)
    return found.flavor == "valkey" and found.version >= (9,)


class TestACluster:
    def test_has_primaries_with_all_slots_and_a_replica_of_each(self, cluster: ClusterServers) -> None:
        replicas = [cluster.replicas_of(node) for node in cluster.primaries]
        assert len(cluster.primaries) == 3
        assert [len(each) for each in replicas] == [1, 1, 1]
        assert {*cluster.primaries, *(node for each in replicas for node in each)} == set(cluster.nodes)
        info = cluster.nodes[0].command("CLUSTER", "INFO")
        assert b"cluster_state:ok" in info
        assert b"cluster_slots_ok:16384" in info

    def test_serves_a_key_at_its_owner_and_at_no_other(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        assert owner.command("SET", "key", "value") == b"OK"
        assert error_of(another(cluster, owner), "GET", "key").startswith(f"MOVED 12539 127.0.0.1:{owner.port}")
        assert cluster.slot_of("key") == 12539
        assert cluster.owner_of(12539) is cluster.owner_of(b"key") is owner

    def test_copies_keys_to_the_replica(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        owner.command("SET", "key", "value")
        with cluster.replicas_of(owner)[0].connect() as ask:
            ask("READONLY")
            wait_until(lambda: ask("GET", "key") == b"value")

    def test_says_its_url(self, cluster: ClusterServers) -> None:
        addresses = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        assert cluster.url == f"redis+cluster://{addresses}"

    def test_knows_no_slot_beyond_the_last(self, cluster: ClusterServers) -> None:
        with pytest.raises(ValueError, match="slot must be 0 to 16383, not 16384"):
            cluster.owner_of(SLOTS)


class TestAFailover:
    def test_makes_a_replica_the_primary(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        (replica,) = cluster.replicas_of(owner)
        assert cluster.failover(owner) is replica
        assert cluster.owner_of("key") is replica
        assert cluster.replicas_of(replica) == [owner]

    def test_needs_a_replica(self, cluster: ClusterServers) -> None:
        (replica,) = cluster.replicas_of(cluster.owner_of("key"))
        with pytest.raises(LookupError, match="has no replica that could take over"):
            cluster.failover(replica)

    def test_follows_when_a_primary_is_killed_and_it_comes_back_as_a_replica(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        node_id, (replica,) = owner.id, cluster.replicas_of(owner)
        owner.kill()
        cluster.wait_agreed()
        assert cluster.owner_of("key") is replica
        assert owner not in cluster.primaries
        assert cluster.replicas_of(replica) == []
        owner.start()
        cluster.wait_agreed()
        assert owner.id == node_id
        assert cluster.replicas_of(replica) == [owner]

    def test_follows_when_a_primary_is_paused(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        (replica,) = cluster.replicas_of(owner)
        owner.pause()
        cluster.wait_agreed()
        assert cluster.owner_of("key") is replica
        owner.resume()
        cluster.wait_agreed()
        assert cluster.replicas_of(replica) == [owner]


class TestSlots:
    @pytest.mark.parametrize("atomic", [False, True], ids=["by setslot", "atomically"])
    def test_move_with_their_keys(self, cluster: ClusterServers, binary: str | None, atomic: bool) -> None:
        if atomic and not has_atomic_moves(binary):
            pytest.skip("this server has no CLUSTER MIGRATESLOTS")
        source = cluster.owner_of("{tag}")
        slot, to = cluster.slot_of("{tag}"), another(cluster, source)
        keys = [f"{{tag}}{number}" for number in range(250)]
        for key in keys:
            source.command("SET", key, "value")
        free = cluster.owner_of(slot + 1)
        cluster.move_slots([slot, slot + 1], to, atomic=atomic)
        assert cluster.owner_of(slot) is cluster.owner_of(slot + 1) is to
        assert to.command("EXISTS", *keys) == len(keys)
        assert error_of(source, "GET", keys[0]).startswith(f"MOVED {slot} 127.0.0.1:{to.port}")
        cluster.move_slots([slot, slot + 1], to, atomic=atomic)  # nothing is left to do
        cluster.move_slots(slot + 1, free)
        assert cluster.owner_of(slot + 1) is free

    def test_move_atomically_only_where_the_server_can(self, cluster: ClusterServers, binary: str | None) -> None:
        if has_atomic_moves(binary):
            pytest.skip("this server has CLUSTER MIGRATESLOTS")
        owner = cluster.owner_of("key")
        with pytest.raises(RuntimeError, match="atomic=True needs Valkey 9"):
            cluster.move_slots(cluster.slot_of("key"), another(cluster, owner), atomic=True)

    def test_say_why_they_cannot_move_atomically(self, cluster: ClusterServers, binary: str | None) -> None:
        if not has_atomic_moves(binary):
            pytest.skip("this server has no CLUSTER MIGRATESLOTS")
        owner = cluster.owner_of("key")
        target = another(cluster, owner)
        owner.command("SET", "key", "value")
        target.command("CONFIG", "SET", "maxmemory", "1")
        try:
            with pytest.raises(RuntimeError, match="could not give its slots away: "):
                cluster.move_slots(cluster.slot_of("key"), target, atomic=True)
        finally:
            target.command("CONFIG", "SET", "maxmemory", "0")

    def test_can_be_half_migrated(self, cluster: ClusterServers) -> None:
        source = cluster.owner_of("{tag}")
        slot, to = cluster.slot_of("{tag}"), another(cluster, source)
        for key in ("{tag}here", "{tag}there"):
            source.command("SET", key, "value")
        cluster.begin_migration(slot, to, moved=["{tag}there"])
        assert cluster.owner_of(slot) is source
        assert source.command("GET", "{tag}here") == b"value"
        assert error_of(source, "GET", "{tag}there") == f"ASK {slot} 127.0.0.1:{to.port}"
        assert error_of(source, "MGET", "{tag}here", "{tag}there").startswith("TRYAGAIN")
        cluster.finish_migration(slot)
        assert cluster.owner_of(slot) is to
        assert to.command("MGET", "{tag}here", "{tag}there") == [b"value", b"value"]

    def test_begin_to_move_to_another_node_only(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        with pytest.raises(ValueError, match="owns slot 12539 already: name another node"):
            cluster.begin_migration(12539, owner)

    def test_finish_a_migration_that_has_begun(self, cluster: ClusterServers) -> None:
        with pytest.raises(ValueError, match=r"slot 12539 is not being moved: call begin_migration\(12539, to\) first"):
            cluster.finish_migration(12539)


class TestNodes:
    def test_can_be_added_and_removed(self, cluster: ClusterServers) -> None:
        owner = cluster.owner_of("key")
        primary = cluster.add_node()
        replica = cluster.add_node(replica_of=owner)
        try:
            assert primary in cluster.primaries
            assert replica in cluster.replicas_of(owner)
            slot = cluster.slot_of("key")
            cluster.move_slots(slot, primary)
            with pytest.raises(ValueError, match="owns slots: give them to another node first, with move_slots"):
                cluster.remove_node(primary)
            cluster.move_slots(slot, owner)
            assert primary in cluster.primaries
        finally:
            for node in (primary, replica):
                cluster.remove_node(node)
        assert not any(node.id in other.view().nodes for node in (primary, replica) for other in cluster.nodes)


class TestOptions:
    def test_user_password_and_databases(self, binary: str | None) -> None:
        config = {"cluster-databases": 4} if has_atomic_moves(binary) else {}
        with ClusterServers(2, 1, binary=binary, username="ann", password='s"\\ e', config=config) as cluster:
            assert cluster.url.startswith("redis+cluster://ann:s%22%5C%20e@127.0.0.1:")
            source = cluster.owner_of("key")
            to = another(cluster, source)
            for database in range(4 if config else 1):
                with source.connect() as ask:
                    if database:
                        ask("SELECT", database)
                    ask("SET", "key", database)
            cluster.move_slots(cluster.slot_of("key"), to)
            keys = {database: text.partition(",")[0] for database, text in to.info("keyspace").items()}
            assert keys == {f"db{database}": "keys=1" for database in range(4 if config else 1)}

    def test_numbers_that_make_no_cluster_are_refused(self) -> None:
        with pytest.raises(ValueError, match="1 primary or more and 0 replicas or more, not 0 and 1"):
            ClusterServers(0)


class TestStartAndStop:
    def test_it_starts_once_and_again_after_a_stop(self) -> None:
        cluster = ClusterServers(primaries=1, replicas=0)
        with pytest.raises(RuntimeError, match="no node of this cluster is awake"):
            cluster.wait_agreed()
        with cluster:
            (node,) = cluster.nodes
            assert cluster.start() is cluster
            assert cluster.nodes == [node]
            assert repr(cluster) == "<ClusterServers of 1 nodes>"
            assert cluster.owner_of("key") is node
        cluster.stop()
        assert cluster.nodes == []
        assert not node.is_running
        with cluster:
            assert cluster.owner_of(0) is cluster.nodes[0]

    def test_a_node_that_does_not_start_ends_them_all(self) -> None:
        cluster = ClusterServers(config={"no-such-directive": "yes"})
        with pytest.raises(RuntimeError, match="ended instead of answering"):
            cluster.start()
        assert cluster.nodes == []
        assert os.listdir(tempfile.gettempdir()) == []

    def test_a_cluster_that_is_not_whole_says_what_is_missing(self) -> None:
        with ClusterServers(primaries=2, replicas=0) as cluster:
            cluster.nodes[1].kill()
            with pytest.raises(
                TimeoutError, match=r"the cluster is not agreed after 0\.05 s: .* (is not linked|is master)"
            ):
                cluster.wait_agreed(timeout=0.05)


class TestWhatNodesSay:
    def test_is_read_from_cluster_nodes(self) -> None:
        view = read_view(
            b"aa 127.0.0.1:1@10001 myself,master - 0 0 1 connected 0-9 11 [11->-bb] [12-<-bb]\n"
            b"bb 127.0.0.1:2@10002,host master,fail - 0 0 2 disconnected 12\n"
            b"cc 127.0.0.1:3@10003 slave,fail? aa 0 0 1 connected\n"
        )
        a, b, c = view.nodes.values()
        assert (a.slots, a.is_primary, a.has_failed, a.is_in_doubt) == (((0, 9), (11, 11)), True, False, False)
        assert (b.slots, b.is_primary, b.has_failed, b.is_in_doubt) == (((12, 12),), True, True, False)
        assert (c.slots, c.primary, c.has_failed, c.is_in_doubt) == ((), "aa", False, True)
        assert (view.unlinked, view.leaving) == ({"bb"}, {11: "bb"})
        assert [slot for slot in range(14) if a.owns(slot)] == [*range(10), 11]


class TestRangesOfSlots:
    def test_are_made_of_slots_in_any_order(self) -> None:
        assert ranges_of([]) == []
        assert ranges_of([7, 3, 5, 4, 9, 3]) == [(3, 5), (7, 7), (9, 9)]

    @pytest.mark.parametrize("count", [1, 3, 7])
    def test_share_all_slots(self, count: int) -> None:
        ranges = shares(count)
        assert [slot for first, last in ranges for slot in range(first, last + 1)] == list(range(SLOTS))
        assert len(ranges) == count
