"""When a cluster's map is asked for, and whom (Rules 1 to 6 of refresh.py)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from respool._facts.server_records import SlotNode, SlotRange
from respool._routing.refresh import CAP, HEDGE, MOST, PAUSE, PERIOD, PROBES, SMALL, Ask, Refresh
from respool._routing.topology import Address, Topology, View, ViewRefused, read_view
from respool.errors import UsageValueError

SEEDS = (("seed-1", 7000), ("seed-2", 7000))
NEVER = float("inf")


def at(number: int) -> Address:
    return "h", number


def view(*shards: tuple[int, ...], state: str = "ok") -> View:
    """A view in which the shards, given by the numbers of their nodes, share the slots from 0 on, ten each."""
    ranges = [
        SlotRange(place * 10, place * 10 + 9, [SlotNode("h", number, f"id-{number}", {}) for number in shard])
        for place, shard in enumerate(shards)
    ]
    return read_view(ranges, asked=("h", 1), known={}, info={"cluster_state": state})


class World:
    """A refresh with a map, at rest since 1000 s, and time."""

    def __init__(self, *shards: tuple[int, ...], seeds: tuple[Address, ...] = SEEDS) -> None:
        self.random = random.Random(5)
        self.topology = Topology()
        self.refresh = Refresh(self.topology, seeds, 0.0)
        self.now = 0.0
        self.shards = shards
        if shards:
            (ask,) = self.due()
            self.refresh.answered(ask, view(*shards), 0.0, 0.0)
            self.now = 30.0

    def due(self) -> list[Ask]:
        return self.refresh.due(self.now, self.random.random)

    def addresses(self) -> list[Address]:
        return [ask.address for ask in self.due()]

    def everybody(self) -> list[Address]:
        """Whom a round asks if nobody has a view."""
        asked = []
        while asks := self.due():
            for ask in asks:
                asked.append(ask.address)
                self.refresh.failed(ask, self.now, 0.0)
        return asked


class TestWanting:
    """Rules 1 and 2."""

    def test_the_first_map_is_asked_for_at_once_and_from_a_seed(self) -> None:
        world = World()
        (ask,) = world.due()
        assert ask.is_seed
        assert ask.address in SEEDS
        assert world.refresh.is_running

    def test_without_a_seed_there_is_no_cluster(self) -> None:
        with pytest.raises(UsageValueError, match="needs the address of one node"):
            Refresh(Topology(), (), 0.0)

    def test_who_hears_nothing_asks_once_in_a_while(self) -> None:
        world = World((1, 2), (3, 4))
        assert world.refresh.next_at() == PERIOD * 0.75
        assert world.due() == []
        world.now = PERIOD * 0.75
        (ask,) = world.due()
        world.refresh.answered(ask, view((1, 2), (3, 4)), 100.0, 0.5)
        assert world.refresh.next_at() == 100.0 + PERIOD

    def test_ten_thousand_redirections_make_one_round_and_another_for_those_heard_during_it(self) -> None:
        world = World((1,), (2,))
        for _ in range(10_000):
            world.refresh.moved(at(2))
        (ask,) = world.due()
        for _ in range(10_000):
            world.refresh.moved(at(2))
            assert world.due() == []
        world.refresh.answered(ask, view((1,), (2,)), world.now + 0.01, 0.0)
        assert not world.refresh.is_running
        assert world.refresh.next_at() == world.now + PAUSE
        world.now += PAUSE
        (ask,) = world.due()
        world.refresh.answered(ask, view((1,), (2,)), world.now, 0.0)
        assert world.refresh.next_at() > world.now + 10.0

    @pytest.mark.parametrize("event", ["moved", "unreachable", "doubted"])
    def test_what_makes_the_map_doubtful_makes_a_round_at_once(self, event: str) -> None:
        world = World((1,), (2,))
        getattr(world.refresh, event)(*([] if event == "doubted" else [at(2)]))
        assert world.refresh.next_at() <= world.now
        assert len(world.due()) == 1

    def test_a_node_is_unreachable_once(self) -> None:
        world = World((1, 3), (2,))
        world.refresh.unreachable(at(3))
        (ask,) = world.due()
        world.refresh.unreachable(at(3))
        world.refresh.answered(ask, view((1, 3), (2,)), world.now, 0.0)
        assert world.refresh.next_at() > world.now + 10.0
        world.refresh.reachable(at(3))
        world.refresh.unreachable(at(3))
        assert world.refresh.next_at() == world.now + PAUSE

    def test_while_a_primary_is_unreachable_rounds_go_on_ever_more_seldom(self) -> None:
        world = World((1,), (2,))
        world.refresh.unreachable(at(2))
        began = []
        for _ in range(5):
            world.now = max(world.now, world.refresh.next_at())
            began.append(world.now)
            (ask,) = world.due()
            world.refresh.answered(ask, view((1,), (2,)), world.now, 0.0)
        assert [after - before for before, after in pairwise(began)] == [2.0, 4.0, CAP, CAP]
        world.refresh.moved(at(1))
        assert world.refresh.next_at() == world.now + PAUSE

    def test_one_that_answers_is_reachable(self) -> None:
        world = World((1,))
        world.refresh.unreachable(at(1))
        (ask,) = world.due()
        assert ask.address == at(1)
        world.refresh.answered(ask, view((1,)), world.now, 0.0)
        assert world.refresh.next_at() > world.now + 10.0
        assert world.refresh.next_probe_at() == NEVER

    def test_one_that_has_left_the_map_is_no_reason_any_more(self) -> None:
        world = World((1, 3), (2,))
        world.refresh.unreachable(at(1))
        (ask,) = world.due()
        world.refresh.answered(ask, view((3,), (2,)), world.now, 0.0)
        assert world.refresh.next_at() > world.now + 10.0
        world.topology.take(view((3, 1), (2,)), world.now)
        world.refresh.unreachable(at(1))
        assert world.refresh.next_at() == world.now + PAUSE

    def test_rounds_of_the_timer_do_not_delay_the_next(self) -> None:
        world = World((1,))
        for _ in range(4):
            world.now = world.refresh.next_at()
            (ask,) = world.due()
            world.refresh.answered(ask, view((1,)), world.now, 0.0)
        world.refresh.doubted()
        assert world.refresh.next_at() == world.now + PAUSE

    def test_a_round_that_fails_is_tried_again_ever_more_seldom(self) -> None:
        world = World()
        pauses = []
        for _ in range(5):
            assert set(world.everybody()) == set(SEEDS)
            pauses.append(world.refresh.next_at() - world.now)
            world.now = world.refresh.next_at()
        assert pauses == [2.0, 4.0, CAP, CAP, CAP]

    def test_the_jitter_only_makes_a_pause_longer(self) -> None:
        world = World((1,), (2,))
        world.refresh.doubted()
        (ask,) = world.due()
        world.refresh.moved(at(2))
        world.refresh.answered(ask, view((2,), (1,)), world.now, 0.8)
        assert world.refresh.next_at() == world.now + PAUSE * 1.2

    @pytest.mark.parametrize(
        ("size", "pause", "period"),
        [(1, 1.0, 45.0), (100, 1.0, 45.0), (550, 15.5, 247.5), (1000, 30.0, 450.0), (1200, 30.0, 540.0)],
    )
    def test_a_large_cluster_is_asked_more_seldom(self, size: int, pause: float, period: float) -> None:
        world = World(tuple(range(1, size + 1)))
        assert world.refresh.next_at() == period
        world.refresh.doubted()
        (ask,) = world.due()
        world.refresh.moved(at(1))
        world.refresh.failed(ask, world.now, 0.0)
        world.everybody()
        world.refresh.moved(at(1))
        assert world.refresh.next_at() == world.now + pause


class TestRounds:
    """Rules 3 and 4."""

    def test_a_node_that_hangs_costs_a_tenth_of_a_second(self) -> None:
        world = World((1, 2), (3, 4), (5, 6), (7, 8), (9, 10))
        world.refresh.doubted()
        began = world.now
        counts = []
        while world.refresh.next_at() < NEVER:
            world.now = max(world.now, world.refresh.next_at())
            counts.append((round(world.now - began, 3), len(world.due())))
        assert counts == [(0.0, 1), (HEDGE, 2), (HEDGE * 2, 2), (round(HEDGE * 3, 3), 2)]
        assert sum(count for _, count in counts) == MOST

    def test_one_that_fails_costs_nothing(self) -> None:
        world = World((1, 2), (3, 4), (5, 6))
        world.refresh.doubted()
        (ask,) = world.due()
        assert world.due() == []
        world.refresh.failed(ask, world.now, 0.0)
        assert world.refresh.next_at() == world.now
        assert len(world.due()) == 2

    def test_the_room_of_one_that_failed_is_taken_by_the_next(self) -> None:
        world = World((1, 2), (3, 4), (5, 6), (7, 8), (9, 10))
        world.refresh.doubted()
        asks = []
        while len(asks) < MOST:
            world.now += HEDGE
            asks += world.due()
        world.refresh.failed(asks[3], world.now, 0.0)
        assert len(world.due()) == 1

    def test_the_first_view_ends_the_round_and_later_ones_are_nothing(self) -> None:
        world = World((1,), (2,), (3,))
        world.refresh.doubted()
        (first,) = world.due()
        world.now += HEDGE
        second, third = world.due()
        assert not world.refresh.answered(second, view((1,), (2,), (4,)), world.now, 0.0).is_empty
        assert world.refresh.answered(first, view((1,), (2,), (5,)), world.now, 0.0).is_empty
        world.refresh.failed(third, world.now, 0.0)
        assert at(4) in world.topology.nodes
        assert at(5) not in world.topology.nodes
        world.refresh.doubted()
        world.now += 10.0
        (ask,) = world.due()
        world.refresh.failed(third, world.now, 0.0)
        assert world.due() == []
        assert world.refresh.answered(second, view((1,)), world.now, 0.0).is_empty
        assert world.refresh.is_running
        assert world.refresh.answered(ask, view((1,), (2,), (4,)), world.now, 0.0).is_empty
        assert not world.refresh.is_running

    def test_a_view_that_is_refused_is_a_failure(self) -> None:
        world = World((1,), (2,), (3,))
        world.refresh.doubted()
        (ask,) = world.due()
        with pytest.raises(ViewRefused, match="is down"):
            world.refresh.answered(ask, view((2,), (1,), (3,), state="fail"), world.now, 0.0)
        assert len(world.due()) == 2

    @pytest.mark.parametrize("seed", range(10))
    def test_the_order(self, seed: int) -> None:
        world = World((1, 11, 12), (2, 21), (3, 31), (4,))
        world.random = random.Random(seed)
        world.refresh.unreachable(at(1))
        world.refresh.unreachable(at(12))
        world.refresh.unreachable(at(31))
        world.refresh.moved(at(21))
        asked = world.everybody()
        assert asked[:2] == [at(21), at(11)]
        assert set(asked[2:5]) == {at(2), at(3), at(4)}
        assert set(asked[5:8]) == {at(1), at(12), at(31)}
        assert set(asked[8:]) == set(SEEDS)
        assert len(asked) == 10

    def test_an_unreachable_target_does_not_come_first(self) -> None:
        world = World((1,), (2,), (3,))
        world.refresh.unreachable(at(2))
        world.refresh.moved(at(2))
        assert world.everybody()[2] == at(2)

    def test_the_target_comes_first_once(self) -> None:
        world = World(tuple(range(1, 60)))
        world.refresh.moved(at(7))
        assert world.everybody()[0] == at(7)
        world.now += 100.0
        assert world.everybody()[0] != at(7)

    def test_the_order_is_random(self) -> None:
        world = World((1,), (2,), (3,))
        firsts, first_seeds = set(), set()
        for _ in range(40):
            world.now += 100.0
            asked = world.everybody()
            firsts.add(asked[0])
            first_seeds.add(asked[3])
        assert firsts == {at(1), at(2), at(3)}
        assert first_seeds == set(SEEDS)


class TestAnotherCluster:
    """Rule 5."""

    def test_it_is_believed_of_a_seed_that_is_a_node_of_before_too(self) -> None:
        world = World((1,), (2,), seeds=(at(1),))
        world.refresh.unreachable(at(2))
        (ask,) = world.due()
        with pytest.raises(ViewRefused, match="shows no node of this cluster"):
            world.refresh.answered(ask, view((8,), (9,)), world.now, 0.0)
        two, seed = world.due()
        assert (two.address, seed.address, seed.is_seed) == (at(2), at(1), True)
        world.refresh.failed(two, world.now, 0.0)
        change = world.refresh.answered(seed, view((8,), (9,)), world.now, 0.0)
        assert {node.address for node in change.joined} == {at(8), at(9)}
        assert set(world.topology.nodes) == {at(8), at(9)}

    def test_it_is_not_while_a_node_of_ours_has_a_view(self) -> None:
        world = World((1,), seeds=(at(7),))
        world.refresh.doubted()
        (ask,) = world.due()
        with pytest.raises(ViewRefused, match="is down"):
            world.refresh.answered(ask, view((1,), state="fail"), world.now, 0.0)
        (seed,) = world.due()
        with pytest.raises(ViewRefused, match="shows no node of this cluster"):
            world.refresh.answered(seed, view((8,)), world.now, 0.0)
        world.now = world.refresh.next_at()
        (ask,) = world.due()
        world.refresh.failed(ask, world.now, 0.0)
        (seed,) = world.due()
        assert not world.refresh.answered(seed, view((8,)), world.now, 0.0).is_empty

    def test_a_seed_of_ours_may_not_go_back(self) -> None:
        world = World((1,), seeds=(at(7),))
        world.refresh.doubted()
        (ask,) = world.due()
        world.refresh.failed(ask, world.now, 0.0)
        (seed,) = world.due()
        with pytest.raises(ViewRefused, match="is down"):
            world.refresh.answered(seed, view((1,), state="fail"), world.now, 0.0)


class TestLargeClusters:
    """Rule 4: each answer is long, and all clients hear of a dead primary together."""

    @pytest.mark.parametrize(("shards", "is_preferred"), [(SMALL // 2, True), (SMALL // 2 + 1, False)])
    def test_only_in_a_small_one_the_replica_of_a_dead_primary_is_asked_first(
        self, shards: int, *, is_preferred: bool
    ) -> None:
        first = set()
        for seed in range(20):
            world = World(*((number, 1000 + number) for number in range(1, shards + 1)))
            world.now += 60.0
            world.random = random.Random(seed)
            world.refresh.unreachable(at(1))
            first.update(world.addresses())
        assert (first == {at(1001)}) == is_preferred
        assert is_preferred or len(first) > 10


class TestProbes:
    """Rule 6."""

    def test_nothing_is_sent_while_every_primary_answers(self) -> None:
        world = World((1, 11), (2,))
        world.refresh.unreachable(at(11))
        assert world.refresh.next_probe_at() == NEVER
        assert world.refresh.due_probe(world.now, 0.0) is None

    def test_four_a_second_go_to_other_shards_in_turn_for_each_lost_primary(self) -> None:
        world = World((1, 11), (2, 21), (3, 31), (4, 41))
        world.refresh.unreachable(at(2))
        world.refresh.unreachable(at(3))
        asked = []
        for _ in range(4):
            assert world.refresh.next_probe_at() <= world.now
            probe = world.refresh.due_probe(world.now, len(asked) / 4)
            assert probe is not None
            asked.append(probe)
            assert world.refresh.due_probe(world.now, 0.0) is None
            assert world.refresh.next_probe_at() == world.now + 1.0 / PROBES
            world.now += 1.0 / PROBES
        assert [(probe.lost, probe.slot) for probe in asked] == [(at(2), 10), (at(3), 20)] * 2
        assert [probe.address for probe in asked] == [at(1), at(1), at(4), at(4)]

    def test_replicas_are_asked_if_no_other_primary_lives(self) -> None:
        world = World((1, 11))
        world.refresh.unreachable(at(1))
        probe = world.refresh.due_probe(world.now, 0.99)
        assert probe is not None
        assert probe.address == at(11)

    def test_if_nobody_lives_nobody_is_asked(self) -> None:
        world = World((1, 11))
        world.refresh.unreachable(at(1))
        world.refresh.unreachable(at(11))
        assert world.refresh.due_probe(world.now, 0.0) is None
        assert world.refresh.next_probe_at() == world.now + 1.0 / PROBES

    def test_the_redirection_that_names_the_heir_ends_it(self) -> None:
        world = World((1, 11), (2,))
        world.refresh.unreachable(at(1))
        world.topology.moved(0, at(11), world.now)
        world.refresh.moved(at(11))
        assert world.refresh.next_probe_at() == NEVER
        assert world.addresses() == [at(11)]
