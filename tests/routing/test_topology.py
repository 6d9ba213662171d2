"""The map of a cluster: addresses, what is believed, and what changed (Rules 1 to 6 of topology.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from respool._facts.server_records import SlotNode, SlotRange
from respool._routing.topology import Address, Change, Node, Shard, Topology, View, ViewRefused, address_of, read_view

ASKED = ("10.0.0.99", 7000)
ALL = (0, 16383)
HALVES = ((0, 8191), (8192, 16383))


def at(number: int) -> Address:
    return (f"10.0.0.{number}", 6379)


def record(number: int, endpoint: str | None = "", /, port: int = 6379, **metadata: str) -> SlotNode:
    """What a server says of the node that the map has ``at(number)``."""
    return SlotNode(f"10.0.0.{number}" if endpoint == "" else endpoint, port, f"id-{number}", metadata)


def node(number: int) -> Node:
    return Node(at(number), f"id-{number}")


def view(*shards: tuple[tuple[int, int], Sequence[int]], state: str = "ok", epoch: int | None = None) -> View:
    """A view, of shards given as a range of slots and the numbers of nodes, the primary's first."""
    info: dict[str, Any] = {"cluster_state": state}
    if epoch is not None:
        info["cluster_current_epoch"] = epoch
    ranges = [SlotRange(start, end, [record(number) for number in numbers]) for (start, end), numbers in shards]
    return read_view(ranges, asked=ASKED, known={}, info=info)


def topology(*shards: tuple[tuple[int, int], Sequence[int]], epoch: int | None = None) -> Topology:
    made = Topology()
    made.take(view(*shards, epoch=epoch), 0.0)
    return made


def numbers(nodes: Sequence[Node]) -> list[int]:
    return sorted(int(each.address[0].rpartition(".")[2]) for each in nodes)


def owners(known: Topology, *slots: int) -> list[int | None]:
    found = [known.owner(slot) for slot in slots]
    return [None if shard is None else numbers([shard.primary])[0] for shard in found]


class TestAddresses:
    """Rules 1 and 2."""

    def read(self, *nodes: SlotNode, **more: Any) -> Shard | None:
        seen = read_view([SlotRange(0, 5, list(nodes))], asked=ASKED, known=more.pop("known", {}), **more)
        (shard,) = seen.shards.values()
        assert seen.table[:7] == [shard.primary.address] * 6 + [None]
        return shard

    @pytest.mark.parametrize("endpoint", [None, ""])
    def test_a_host_that_is_not_announced_is_the_one_of_the_connection(self, endpoint: str | None) -> None:
        seen = SlotNode(endpoint, 6380, "id-1", {})
        assert self.read(seen) == Shard(Node(("10.0.0.99", 6380), "id-1"))
        assert address_of(endpoint, 6380, asked=ASKED) == ("10.0.0.99", 6380)

    def test_a_host_that_the_server_does_not_know_is_the_ip_of_the_metadata(self) -> None:
        assert self.read(record(1, "?", ip="10.0.0.7")) == Shard(Node(("10.0.0.7", 6379), "id-1"))

    def test_without_an_ip_it_is_where_the_node_was_before(self) -> None:
        before = Node(("10.0.0.8", 6379), "id-1", "host-1", "az-1")
        assert self.read(record(1, "?"), known={"id-1": before}) == Shard(before)

    def test_a_replica_that_cannot_be_used_is_left_out(self) -> None:
        assert self.read(record(1), record(2, "?"), record(3, port=0)) == Shard(node(1))

    def test_slots_of_a_primary_that_cannot_be_used_have_no_owner(self) -> None:
        seen = read_view(
            [SlotRange(0, 5, [record(1, "?"), record(2)]), SlotRange(6, 9, [record(3)])], asked=ASKED, known={}
        )
        assert seen.table[:10] == [None] * 6 + [at(3)] * 4
        assert seen.shards == {at(3): Shard(node(3))}
        assert seen.ids == {"id-1", "id-2", "id-3"}

    def test_a_view_without_a_primary_that_can_be_used_is_refused(self) -> None:
        with pytest.raises(ViewRefused, match=r"^10.0.0.99:7000 does not say .*; set cluster-announce-hostname"):
            read_view([SlotRange(0, 5, [record(1, "?"), record(2)])], asked=ASKED, known={})

    @pytest.mark.parametrize(("host", "port"), [("?", 6379), ("10.0.0.1", 0), ("10.0.0.1", 65536), ("10.0.0.1", -1)])
    def test_an_address_that_cannot_be_dialed_is_none(self, host: str, port: int) -> None:
        assert address_of(host, port, asked=ASKED, remap=lambda *_: pytest.fail("not to be remapped")) is None

    def test_the_highest_port_is_one(self) -> None:
        assert address_of("h", 65535, asked=ASKED) == ("h", 65535)
        assert address_of("h", 1, asked=ASKED) == ("h", 1)

    def test_the_remap_has_the_last_word_on_every_address(self) -> None:
        def remap(host: str, port: int) -> Address:
            return "localhost", port + int(host.rpartition(".")[2])

        shard = self.read(record(1), record(2, None), record(3, "?", ip="10.0.0.7"), remap=remap)
        assert shard is not None
        assert [each.address for each in (shard.primary, *shard.replicas)] == [
            ("localhost", 6380), ("localhost", 6478), ("localhost", 6386),
        ]  # fmt: skip
        assert address_of("10.0.0.2", 6379, asked=ASKED, remap=remap) == ("localhost", 6381)
        assert address_of("", 6379, asked=ASKED, remap=remap) == ("localhost", 6478)

    @pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8::1"])
    def test_over_tls_an_ip_is_checked_against_the_announced_name(self, ip: str) -> None:
        shard = self.read(record(1, ip, **{"hostname": "host-1", "availability-zone": "az-2"}))
        assert shard == Shard(Node((ip, 6379), "id-1", "host-1", "az-2"))
        shard = self.read(record(1, "?", ip=ip, hostname="host-1"))
        assert shard == Shard(Node((ip, 6379), "id-1", "host-1"))

    def test_a_name_is_checked_as_it_is(self) -> None:
        assert self.read(record(1, "host-1", ip="10.0.0.1")) == Shard(Node(("host-1", 6379), "id-1"))
        assert self.read(record(1, hostname="a"), remap=lambda *_: ("b", 1)) == Shard(Node(("b", 1), "id-1"))

    def test_empty_metadata_is_none(self) -> None:
        shard = self.read(record(1, **{"hostname": "", "availability-zone": ""}))
        assert shard == Shard(node(1))


class TestViews:
    """Rule 3."""

    def test_an_empty_view_is_that_of_a_wrong_seed(self) -> None:
        with pytest.raises(ViewRefused, match=r"^10.0.0.99:7000 knows no slots, .*; give the address of a node"):
            view()

    @pytest.mark.parametrize("bad", [(-1, 5), (5, 16384), (6, 5)])
    def test_what_is_no_range_of_slots_is_refused(self, bad: tuple[int, int]) -> None:
        with pytest.raises(ViewRefused, match=f"gives slots {bad[0]} to {bad[1]} to 1 nodes; check"):
            view((bad, [1]))

    def test_a_range_without_nodes_is_refused(self) -> None:
        with pytest.raises(ViewRefused, match="gives slots 0 to 16383 to 0 nodes; check"):
            view((ALL, []))

    @pytest.mark.parametrize("other", [(5, 9), (0, 5), (3, 3), (0, 16383)])
    def test_a_slot_of_two_nodes_is_refused(self, other: tuple[int, int]) -> None:
        with pytest.raises(ViewRefused, match=f"gives slots between {other[0]} and {other[1]} to two nodes; check"):
            view(((3, 5), [1]), (other, [2]))
        with pytest.raises(ViewRefused, match="to two nodes"):  # the address of the first cannot be used
            read_view([SlotRange(3, 5, [record(1, "?")]), SlotRange(*other, [record(2)])], asked=ASKED, known={})

    def test_ranges_that_touch_do_not_overlap(self) -> None:
        seen = view(((3, 5), [1]), ((6, 6), [2]), ((0, 2), [2]))
        assert seen.table[:8] == [at(2)] * 3 + [at(1)] * 3 + [at(2), None]

    def test_a_primary_is_no_replica_and_a_replica_has_one_primary(self) -> None:
        seen = view((HALVES[0], [1, 1, 2, 3, 3]), (HALVES[1], [2, 1, 3, 4]))
        assert seen.shards == {at(1): Shard(node(1), (node(3),)), at(2): Shard(node(2), (node(4),))}

    def test_a_first_view_is_taken_from_a_node_that_calls_the_cluster_down(self) -> None:
        known = Topology()
        change = known.take(view((ALL, [1, 2]), state="fail", epoch=3), 0.0)
        assert known.epoch == 3
        assert numbers(change.joined) == [1, 2]
        assert numbers(change.new_replicas) == [2]
        assert change.moved == set(range(16384))
        assert change.left == change.lost_role == change.promoted == ()

    def test_a_later_one_is_not(self) -> None:
        known = topology((ALL, [1, 2]))
        with pytest.raises(ViewRefused, match="says that the cluster is down; check"):
            known.take(view((ALL, [2, 1]), state="fail"), 1.0)
        assert owners(known, 0) == [1]

    def test_an_older_epoch_is_refused_and_the_same_is_not(self) -> None:
        known = topology((ALL, [1, 2]), epoch=7)
        with pytest.raises(ViewRefused, match="is at epoch 6 while others are at 7; check"):
            known.take(view((ALL, [2, 1]), epoch=6), 1.0)
        assert known.take(view((ALL, [1, 2]), epoch=7), 1.0).is_empty
        known.take(view((ALL, [1, 2])), 2.0)  # CLUSTER INFO was not asked for
        assert known.epoch == 7
        known.take(view((ALL, [2, 1]), epoch=8), 3.0)
        assert known.epoch == 8
        assert owners(known, 0) == [2]

    def test_a_view_without_a_node_of_ours_is_that_of_another_cluster(self) -> None:
        known = topology((ALL, [1, 2]))
        strange = view((ALL, [3, 4]))
        assert not known.is_ours(strange)
        with pytest.raises(ViewRefused, match="shows no node of this cluster; check"):
            known.take(strange, 1.0)
        assert known.is_ours(view((ALL, [3, 2])))
        assert Topology().is_ours(strange)

    def test_a_node_without_a_known_id_does_not_make_a_cluster(self) -> None:
        known = Topology()
        known.moved(5, at(1), 0.0)
        assert known.is_ours(view((ALL, [3, 4])))
        assert known.by_id == {}

    def test_who_starts_over_takes_another_cluster_and_keeps_nothing(self) -> None:
        known = topology((ALL, [1, 2]), epoch=7)
        known.moved(5, at(1), 9.0)
        known.moved(6, at(3), 9.0)
        change = known.take(view(((0, 99), [4, 5]), state="fail", epoch=1), 8.0, start_over=True)
        assert known.epoch == 1
        assert numbers(list(known.nodes.values())) == [4, 5]
        assert owners(known, 0, 5, 6, 100) == [4, 4, 4, None]
        assert known.unserved == set(range(100, 16384))
        assert (numbers(change.left), numbers(change.joined)) == ([1, 2, 3], [4, 5])
        assert numbers(change.lost_role) == [1, 3]
        assert change.moved == set(range(16384))
        assert known.take(view(((0, 99), [4, 5]), epoch=1), 8.5).is_empty  # the MOVEDs of before are forgotten


class TestGaps:
    """Rule 4."""

    def test_slots_that_a_view_lacks_keep_their_owner_and_are_unserved(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        assert known.unserved == set()
        change = known.take(view(((0, 99), [1, 3])), 1.0)
        assert change.is_empty
        assert owners(known, 0, 100, 8192) == [1, 1, 2]
        assert known.unserved == set(range(100, 16384))
        assert known.take(view((HALVES[0], [1, 3]), (HALVES[1], [2])), 2.0).is_empty
        assert known.unserved == set()

    def test_an_owner_that_is_a_replica_now_is_none(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        change = known.take(view((HALVES[0], [1, 2])), 1.0)
        assert owners(known, 8192) == [None]
        assert change.moved == set(range(8192, 16384))
        assert numbers(change.lost_role) == numbers(change.new_replicas) == [2]
        assert change.left == change.joined == ()

    def test_replicas_of_an_owner_that_is_kept_go_where_the_view_has_them(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2, 3, 4]))
        known.take(view((HALVES[0], [1, 3])), 1.0)
        assert known.shards == {at(1): Shard(node(1), (node(3),)), at(2): Shard(node(2), (node(4),))}

    def test_a_moved_ends_the_gap(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        known.take(view((HALVES[0], [1])), 1.0)
        known.moved(9000, at(2), 2.0)
        assert known.unserved == set(range(8192, 16384)) - {9000}


class TestMoved:
    """Rule 5."""

    def test_it_counts_at_once_and_for_its_slot(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        assert known.moved(5, at(2), 1.0) == Change(moved=frozenset({5}))
        assert owners(known, 4, 5, 6) == [1, 2, 1]

    def test_with_its_last_slot_a_node_has_none_until_it_gets_one(self) -> None:
        known = topology(((0, 0), [1]), ((1, 16383), [2]))
        assert known.has_slots(at(1))
        known.moved(0, at(2), 1.0)
        assert not known.has_slots(at(1))
        known.moved(7, at(1), 2.0)
        assert known.has_slots(at(1))
        assert not known.has_slots(at(3))

    def test_one_that_says_what_is_known_changes_nothing(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        assert known.moved(5, at(1), 1.0).is_empty

    def test_an_unknown_node_is_added(self) -> None:
        known = topology((ALL, [1, 2]))
        change = known.moved(5, at(3), 1.0)
        assert change == Change(joined=(Node(at(3)),), moved=frozenset({5}))
        assert known.owner(5) == Shard(Node(at(3)))
        assert known.moved(6, at(3), 1.0) == Change(moved=frozenset({6}))
        assert Topology().moved(5, at(3), 1.0) == change

    def test_its_id_and_its_name_come_with_the_next_view(self) -> None:
        known = topology((ALL, [1, 2]))
        known.moved(5, at(3), 1.0)
        change = known.take(view(((0, 4), [1, 2]), ((5, 5), [3]), ((6, 16383), [1, 2])), 2.0)
        assert change.is_empty
        assert known.owner(5) == Shard(node(3))

    def test_one_to_a_replica_of_the_same_shard_is_a_failover(self) -> None:
        known = topology((HALVES[0], [1, 3, 4]), (HALVES[1], [2]))
        change = known.moved(5, at(3), 1.0)
        assert change.moved == set(range(8192))
        assert numbers(change.lost_role) == numbers(change.left) == [1]
        assert numbers(change.promoted) == [3]
        assert change.joined == change.new_replicas == ()
        assert known.shards == {at(2): Shard(node(2)), at(3): Shard(node(3), (node(4),))}

    def test_slots_without_service_are_served_by_the_heir(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        known.take(view(((0, 9), [1, 3])), 1.0)
        known.moved(5, at(3), 2.0)
        assert known.unserved == set(range(8192, 16384))

    def test_a_failover_seen_twice_does_not_swing_back(self) -> None:
        known = topology((ALL, [1, 3]))
        known.moved(5, at(3), 1.0)
        change = known.moved(6, at(1), 2.0)
        assert change == Change(joined=(Node(at(1)),), moved=frozenset({6}))
        assert owners(known, 5, 6, 7) == [3, 1, 3]

    def test_a_view_from_before_the_failover_does_not_undo_it(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        known.moved(5, at(3), 2.0)
        change = known.take(view((HALVES[0], [1, 3]), (HALVES[1], [2])), 1.5)
        assert change.is_empty
        assert owners(known, 0, 5) == [3, 3]

    def test_one_to_a_replica_of_another_shard_moves_one_slot(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2, 3, 4]))
        change = known.moved(5, at(3), 1.0)
        assert change == Change(promoted=(node(3),), moved=frozenset({5}))
        assert known.shards == {
            at(1): Shard(node(1)), at(2): Shard(node(2), (node(4),)), at(3): Shard(node(3)),
        }  # fmt: skip

    @pytest.mark.parametrize(("asked_at", "owner"), [(1.0, 2), (2.0, 2), (2.1, 1)])
    def test_it_beats_a_view_that_was_asked_for_before(self, asked_at: float, owner: int) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        known.moved(5, at(2), 2.0)
        known.moved(9, at(2), 0.5)
        known.take(view((HALVES[0], [1]), (HALVES[1], [2])), asked_at)
        assert owners(known, 5, 9) == [owner, 1]

    def test_one_that_says_what_is_known_beats_it_too(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        known.moved(5, at(1), 2.0)
        known.take(view((ALL, [2, 1])), 1.0)
        assert owners(known, 5, 6) == [1, 2]

    def test_a_primary_whose_slots_all_moved_stays_until_the_next_view(self) -> None:
        known = topology(((0, 0), [1, 3]), ((1, 16383), [2]))
        assert known.moved(0, at(2), 1.0) == Change(moved=frozenset({0}))
        assert known.moved(1, at(4), 1.0) == Change(joined=(Node(at(4)),), moved=frozenset({1}))
        assert known.shards[at(1)] == Shard(node(1), (node(3),))
        change = known.take(view(((0, 0), [2, 3]), ((1, 1), [4]), ((2, 16383), [2, 3])), 2.0)
        assert change == Change(left=(node(1),))
        assert numbers(list(known.nodes.values())) == [2, 3, 4]


class TestRoles:
    """Rule 6."""

    def test_a_primary_that_is_a_replica_now_has_lost_its_role(self) -> None:
        change = topology((ALL, [1, 2])).take(view((ALL, [2, 1])), 1.0)
        assert numbers(change.lost_role) == numbers(change.new_replicas) == [1]
        assert numbers(change.promoted) == [2]
        assert change.left == change.joined == ()
        assert change.moved == set(range(16384))

    def test_so_has_one_whose_slots_had_all_moved_before(self) -> None:
        known = topology(((0, 0), [1]), ((1, 16383), [2]))
        known.moved(0, at(2), 1.0)
        change = known.take(view((ALL, [2, 1])), 2.0)
        assert numbers(change.lost_role) == numbers(change.new_replicas) == [1]

    def test_so_has_one_that_is_gone_while_its_replica_has_its_slots(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        change = known.take(view((HALVES[0], [3]), (HALVES[1], [2])), 1.0)
        assert numbers(change.lost_role) == numbers(change.left) == [1]

    def test_so_has_one_that_is_gone_while_an_unknown_node_has_its_slots(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        change = known.take(view((HALVES[0], [3]), (HALVES[1], [2])), 1.0)
        assert numbers(change.lost_role) == numbers(change.left) == [1]

    def test_one_that_is_gone_after_others_took_its_slots_has_only_left(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        change = known.take(view((ALL, [2])), 1.0)
        assert change == Change(left=(node(1),), moved=frozenset(range(8192)))

    def test_one_that_only_lost_slots_has_lost_nothing_else(self) -> None:
        known = topology((HALVES[0], [1]), (HALVES[1], [2]))
        change = known.take(view(((0, 99), [1]), ((100, 8191), [3]), (HALVES[1], [2])), 1.0)
        assert change == Change(joined=(node(3),), moved=frozenset(range(100, 8192)))

    def test_a_replica_that_changes_its_primary_changes_nothing(self) -> None:
        known = topology((HALVES[0], [1, 3]), (HALVES[1], [2]))
        assert known.take(view((HALVES[0], [1]), (HALVES[1], [2, 3])), 1.0).is_empty

    def test_replicas_come_and_go(self) -> None:
        known = topology((ALL, [1, 2]))
        assert known.take(view((ALL, [1, 3])), 1.0) == Change((node(3),), (node(2),), new_replicas=(node(3),))

    def test_the_same_map_again_changes_nothing(self) -> None:
        same = view((HALVES[0], [1, 3]), (HALVES[1], [2, 4]))
        known = Topology()
        assert not known.take(same, 0.0).is_empty
        assert known.take(same, 1.0).is_empty
