"""``max_total``: the permits that all ledgers of one pool share. ``test_quota_machine.py`` tries any order of events."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from effort import IS_PROOF
from respool._pooling.books import STAGGER
from respool._pooling.ledger import Ledger
from respool._pooling.quota import AT_HAND, Need, Quota
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import shed, sweep, take_retired
from respool.errors import PoolExhausted, UsageError

from .books import FOREVER, REFUSED, connect, fill, idle, make, queue, share


def ledgers(quota: Quota, count: int, **options: Any) -> list[Ledger]:
    return [make(address=f"node:{number}", quota=quota, **options) for number in range(1, count + 1)]


def shed_one(quota: Quota, now: float = 0.0) -> Ledger:
    """Do the part of the shell: one node gives up an idle connection, and is settled."""
    helper = quota.helper()
    assert isinstance(helper, Ledger)
    assert shed(helper)
    (gone,) = helper.reap()
    assert (gone.place, gone.reason) == (Place.OUT, "shed")
    helper.reserve(now)
    return helper


class TestPermits:
    def test_all_nodes_together_have_no_more_connections_than_the_limit(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2, min_size=4, max_dials=4)
        assert len(a.reserve(0.0)) == 3
        assert b.reserve(0.0) == []
        assert quota.count == a.size == 3

    @pytest.mark.parametrize("end", ["failed", "abandoned", "discarded", "lost", "released broken", "cleared"])
    def test_every_end_of_a_slot_returns_its_permit(self, end: str) -> None:
        quota = Quota(1)
        (ledger,) = ledgers(quota, 1)
        if end in ("failed", "abandoned"):
            queue(ledger)
            (slot,) = ledger.reserve(0.0)
        else:
            (slot,) = fill(ledger, 1) if end == "released broken" else idle(ledger, 1)
        assert quota.count == 1
        if end == "failed":
            ledger.dial_failed(slot, REFUSED, 0.0, 0.0)
        elif end == "abandoned":
            ledger.abandon_dial(slot)
        elif end == "discarded":
            ledger.discard(slot, "test")
        elif end == "lost":
            ledger.lost(slot, 0.0)
        elif end == "released broken":
            ledger.release(slot, 0.0, reusable=False)
        else:
            ledger.clear()
        assert quota.count == 0

    def test_a_lost_lease_keeps_its_permit_until_it_is_released(self) -> None:
        quota = Quota(1)
        (ledger,) = ledgers(quota, 1)
        (slot,) = fill(ledger, 1)
        ledger.lost(slot, 0.0)
        assert quota.count == 1
        ledger.release(slot, 0.0, reusable=True)
        assert quota.count == 0

    def test_a_permit_that_another_thread_took_first_leaves_the_need(self) -> None:
        class Taken(list[None]):
            def __delitem__(self, at: Any) -> None:
                raise IndexError("pop from empty list")

        quota = Quota(1)
        (ledger,) = ledgers(quota, 1)
        quota.permits = Taken()
        queue(ledger)
        assert ledger.reserve(0.0) == []
        assert (ledger.size, quota.needs) == (0, {ledger: Need.LEASE})

    @pytest.mark.parametrize("limit", [10**9, 10**30])
    def test_a_huge_limit_costs_nothing(self, limit: int) -> None:
        quota = Quota(limit)
        (ledger,) = ledgers(quota, 1)
        slots = fill(ledger, 3)
        assert quota.count == 3
        assert len(quota.permits) <= 3 * AT_HAND
        assert not quota.is_short(1000)
        for slot in slots:
            ledger.release(slot, 0.0, reusable=False)
        assert quota.count == 0

    def test_permits_that_are_not_at_hand_yet_are_given_out_too_and_no_more_than_all(self) -> None:
        limit = 2 * AT_HAND + 1
        quota = Quota(limit)
        a, b = ledgers(quota, 2, min_size=limit, max_size=limit, max_dials=limit)
        slots = a.reserve(0.0)
        assert len(slots) == quota.count == limit
        assert (b.reserve(0.0), quota.free) == ([], 0)
        for slot in slots:
            a.abandon_dial(slot)
        assert (quota.count, quota.free) == (0, limit)
        assert len(b.reserve(0.0)) == limit

    def test_what_is_left_for_a_caller_counts_every_permit(self) -> None:
        quota = Quota(10 * AT_HAND)
        (ledger,) = ledgers(quota, 1)
        fill(ledger, 1)
        assert quota.left_for(ledger) == 10 * AT_HAND - 1

    def test_a_closed_node_keeps_its_permits_until_its_slots_end(self) -> None:
        quota = Quota(2)
        (ledger,) = ledgers(quota, 1)
        slot, _ = fill(ledger, 1) + idle(ledger, 1)
        ledger.close()
        assert (quota.count, quota.members) == (1, {})
        ledger.release(slot, 0.0, reusable=True)
        assert quota.count == 0

    def test_a_limit_allows_at_least_one_connection(self) -> None:
        with pytest.raises(UsageError, match="max_total=0 allows no connection"):
            Quota(0)

    def test_it_tells_when_there_are_more_nodes_than_connections(self) -> None:
        assert not Quota(3).is_short(3)
        assert Quota(3).is_short(4)


class TestNeeds:
    def test_a_refused_ledger_is_in_need_until_it_has_dialed(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2)
        (slot,) = fill(a, 1)
        queue(b)
        assert b.reserve(0.0) == []
        assert quota.needs == {b: Need.LEASE}
        assert quota.next() is None
        a.discard(slot, "test")
        assert quota.next() is b
        assert len(b.reserve(0.0)) == 1
        assert quota.needs == {}

    def test_a_need_ends_when_the_callers_withdraw(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2)
        (slot,) = idle(a, 1)
        caller = queue(b)
        b.reserve(0.0)
        assert quota.helper() is a
        b.withdraw(caller)
        assert quota.helper() is None, "for nobody"
        a.discard(slot, "test")
        assert quota.next() is None
        b.reserve(0.0)
        assert quota.needs == {}

    def test_the_need_for_a_caller_that_withdrew_becomes_that_for_min_size(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2)
        (slot,) = fill(a, 1)
        caller = queue(b)
        b.min_size = 1
        b.reserve(0.0)
        b.withdraw(caller)
        queue(a)
        a.release(slot, 0.0, reusable=True)
        assert a.leased == 1, "which is no reason to close what a caller waits for"
        a.discard(slot, "test")
        assert quota.next() is b

    def test_a_need_ends_when_the_ledger_closes(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2)
        (slot,) = fill(a, 1)
        queue(b)
        b.reserve(0.0)
        b.close()
        assert quota.needs == {}
        a.discard(slot, "test")
        assert quota.next() is None
        assert b.reserve(0.0) == []
        assert quota.needs == {}

    def test_a_need_ends_while_the_node_may_not_be_dialed(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2, min_size=1)
        (slot,) = fill(a, 1)
        assert b.reserve(0.0) == []
        assert quota.needs == {b: Need.SPARE}
        b.redial.failed(REFUSED, 0.0, 0.9)
        assert b.reserve(0.0) == []
        assert quota.needs == {}
        assert b.next_dial_at(0.0) == pytest.approx(0.009), "it asks again by itself"
        a.discard(slot, "test")

    def test_a_need_ends_while_all_dials_are_under_way(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2, max_dials=1)
        idle(a, 2)
        for _ in range(2):
            queue(b)
        b.reserve(0.0)
        shed_one(quota)
        assert len(b.reserve(0.0)) == 1
        assert quota.needs == {}, "one dial at a time: it does not need more now"

    def test_a_need_ends_when_the_node_may_have_no_more(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        fill(a, 1)
        fill(b, 1)
        queue(b)
        b.reserve(1.0)
        assert quota.needs == {b: Need.LEASE}
        b.resize(min_size=0, max_size=1)
        b.reserve(1.0)
        assert quota.needs == {}

    def test_what_is_refused_is_not_tried_again_by_the_clock(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2, shared_target=1)
        share(a)
        queue(b)
        b.reserve(0.0)
        assert b.next_dial_at(0.0) is None

    def test_a_need_that_grows_by_itself_is_stated_in_time(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2)
        fill(a, 1)
        fill(b, 1)
        queue(b)
        assert len(b.reserve(1.0)) == 1
        queue(b)
        b.min_size = 3
        assert b.reserve(1.0) == []
        assert quota.needs == {b: Need.LEASE}
        b.min_size = 0
        assert b.reserve(1.0) == []
        assert quota.needs == {}, "a lease may be released before the dial is done (R-06)"
        assert b.next_dial_at(1.0) == 1.0 + STAGGER
        assert b.reserve(1.0 + STAGGER) == []
        assert quota.needs == {b: Need.LEASE}
        assert b.next_dial_at(1.0 + STAGGER) is None


class TestOrder:
    def test_needs_of_one_kind_are_served_in_the_order_of_asking(self) -> None:
        quota = Quota(6)
        a, b, c = ledgers(quota, 3)
        leased = fill(a, 4)
        fill(c, 1)
        fill(b, 1)
        for ledger in (c, b):
            queue(ledger)
            ledger.reserve(1.0)
        a.discard(leased[0], "test")
        assert quota.next() is c
        assert b.reserve(1.0) == [], "the free permit is kept for the first in line"
        assert len(c.reserve(1.0)) == 1
        a.discard(leased[1], "test")
        assert quota.next() is b

    def test_who_needs_more_than_one_asks_again_behind_the_others(self) -> None:
        quota = Quota(3)
        a, b, c = ledgers(quota, 3)
        leased = fill(a, 3)
        b.min_size = c.min_size = 2
        for ledger in (b, c):
            ledger.reserve(1.0)
        a.discard(leased[0], "test")
        assert len(b.reserve(1.0)) == 1
        assert list(quota.needs) == [c, b]

    def test_two_permits_serve_the_first_two_in_any_order(self) -> None:
        quota = Quota(2)
        a, b, c = ledgers(quota, 3)
        leased = fill(a, 2)
        for ledger in (b, c):
            queue(ledger)
            ledger.reserve(0.0)
        for slot in leased:
            a.discard(slot, "test")
        assert len(c.reserve(0.0)) == len(b.reserve(0.0)) == 1

    def test_first_connections_then_shared_ones_then_leases_then_min_size(self) -> None:
        quota = Quota(7)
        a, spare, lease, shared, first = ledgers(quota, 5)
        leased = fill(a, 4)
        for ledger in (spare, lease, shared):
            fill(ledger, 1)
        spare.min_size = 2
        queue(lease)
        shared.shared_target = first.shared_target = 1
        order = []
        for ledger in (spare, lease, shared, first):
            assert ledger.reserve(1.0) == []
        for slot in leased:
            a.discard(slot, "test")
            needy = quota.next()
            assert isinstance(needy, Ledger)
            order.append(needy)
            assert len(needy.reserve(1.0)) == 1
        assert order == [first, shared, lease, spare]
        assert quota.needs == {}

    def test_a_node_that_lost_its_last_connection_has_become_first(self) -> None:
        quota = Quota(3)
        a, b, c = ledgers(quota, 3)
        (slot,) = fill(a, 1)
        (last,) = fill(b, 1)
        fill(c, 1)
        for ledger in (c, b):
            queue(ledger)
            ledger.reserve(1.0)
        b.release(last, 1.0, reusable=False)
        assert quota.next() is b, "although another asked before"
        assert len(b.reserve(1.0)) == 1
        a.discard(slot, "test")
        assert quota.next() is c

    def test_min_size_is_no_first_connection(self) -> None:
        quota = Quota(2)
        a, b, c = ledgers(quota, 3)
        slot, _ = fill(a, 1) + fill(c, 1)
        b.min_size = 1
        b.reserve(1.0)
        queue(c)
        c.reserve(1.0)
        a.discard(slot, "test")
        assert quota.next() is c


class TestHelping:
    def test_the_richest_node_gives_up_an_idle_connection(self) -> None:
        quota = Quota(5)
        a, b, c = ledgers(quota, 3)
        idle(a, 2)
        slots = idle(b, 3)
        queue(c)
        c.reserve(0.0)
        assert shed_one(quota) is b
        assert slots[0].place is Place.OUT, "the one that was unused longest"
        assert quota.next() is c
        assert quota.helper() is None, "one is enough"
        assert len(c.reserve(0.0)) == 1

    def test_what_min_size_keeps_goes_last(self) -> None:
        quota = Quota(5)
        a, b, c = ledgers(quota, 3)
        idle(a, 3)
        a.min_size = 3
        idle(b, 2)
        b.min_size = 1
        queue(c)
        c.reserve(0.0)
        assert shed_one(quota) is b
        c.reserve(0.0)
        queue(c)
        c.reserve(0.0)
        assert shed_one(quota) is a, "but it goes: somebody waits"

    def test_min_size_takes_only_what_is_above_that_of_others(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2)
        idle(a, 3)
        a.min_size = 2
        b.min_size = 2
        b.reserve(0.0)
        assert shed_one(quota) is a
        assert len(b.reserve(0.0)) == 1
        assert b.reserve(0.0) == []
        assert quota.helper() is None

    def test_shared_and_leased_connections_are_never_given_up(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2, shared_target=1)
        share(a)
        fill(a, 1)
        fill(a, 1)
        b.reserve(0.0)
        assert quota.needs == {b: Need.SHARED}
        assert quota.helper() is None
        assert not shed(a)

    def test_a_node_helps_its_own_shared_connection(self) -> None:
        quota = Quota(2)
        (ledger,) = ledgers(quota, 1)
        idle(ledger, 2)
        ledger.shared_target = 1
        ledger.reserve(0.0)
        assert quota.helper() is ledger
        assert shed(ledger)
        (dial,) = ledger.reserve(0.0)
        assert dial.is_for_sharing

    def test_nobody_sheds_twice_for_one_need(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        idle(a, 2)
        queue(b)
        b.reserve(0.0)
        assert shed(a)
        assert not shed(a), "a second thread that had asked before"
        assert a.idle == 1

    def test_a_ledger_without_a_quota_has_nothing_to_shed(self) -> None:
        ledger = make()
        idle(ledger, 1)
        assert not shed(ledger)


class TestSharedConnections:
    def test_a_node_with_several_drains_one_for_another_ones_first(self) -> None:
        quota = Quota(4)
        a, b = ledgers(quota, 2, shared_target=3, max_size=5)
        *_, newest = share(a)
        (slot,) = fill(a, 1)
        assert b.reserve(0.0) == []
        assert quota.helper() is a
        assert shed(a)
        assert a.is_shedding
        assert quota.helper() is None, "one at a time"
        a.reserve(0.0)
        drained = take_retired(a)
        assert drained is newest
        assert a.discard(drained, drained.reason)
        a.reap()
        assert a.reserve(0.0) == [], "it asks again behind the other"
        assert quota.next() is b
        assert len(b.reserve(0.0)) == 1
        assert quota.helper() is None, "the last shared ones stay"
        assert slot.place is Place.LEASED

    def test_one_need_drains_one_though_others_have_several_too(self) -> None:
        quota = Quota(6)
        a, b, c = ledgers(quota, 3, shared_target=3, max_size=5)
        share(a)
        share(b)
        assert c.reserve(0.0) == []
        helper = quota.helper()
        assert helper is a or helper is b
        assert isinstance(helper, Ledger)
        assert shed(helper)
        assert quota.helper() is None

    def test_one_that_is_given_up_is_not_replaced_first_when_there_is_room_again(self) -> None:
        quota = Quota(4)
        a, b = ledgers(quota, 2, shared_target=3, max_size=5)
        *_, newest = share(a)
        (leased,) = fill(a, 1)
        assert b.reserve(0.0) == []
        assert shed(a)
        a.release(leased, 0.0, reusable=False)
        assert a.has_room
        assert a.missing_shared == 1
        assert take_retired(a) is newest

    def test_nobody_gives_up_its_only_one(self) -> None:
        quota = Quota(2)
        a, b, c = ledgers(quota, 3, shared_target=1, max_size=5)
        share(a)
        share(b)
        assert c.reserve(0.0) == []
        assert c in quota.needs
        assert quota.helper() is None

    def test_shared_connections_are_no_help_for_a_lease(self) -> None:
        quota = Quota(4)
        a = make(quota=quota, shared_target=3, max_size=5)
        b = make(quota=quota, shared_target=1, max_size=5, address="node:2")
        share(a)
        share(b)
        queue(b)
        b.reserve(0.0)
        assert b in quota.needs
        assert quota.helper() is None


class TestComingBack:
    def needy(self, a_size: int, b_size: int, **more: Any) -> tuple[Quota, Ledger, Ledger, Slot]:
        """Return a full quota, a ledger with leases and one more caller, another in need, and one of the leases."""
        quota = Quota(a_size + b_size)
        a, b = ledgers(quota, 2)
        leased = fill(a, a_size)
        if b_size:
            fill(b, b_size)
        queue(a)
        if more.get("shared"):
            b.shared_target = 1
        elif more.get("spare"):
            b.min_size = b_size + 1
        else:
            queue(b)
        assert a.reserve(1.0) == b.reserve(1.0) == []
        return quota, a, b, leased[0]

    def test_what_comes_back_goes_to_a_node_without_any(self) -> None:
        quota, a, b, slot = self.needy(1, 0)
        assert a.release(slot, 1.0, reusable=True)
        assert (slot.place, slot.reason) == (Place.OUT, "shed")
        assert a.reserve(1.0) == [], "the node that released it does not take it back"
        assert quota.next() is b

    def test_what_comes_back_goes_to_a_missing_shared_connection(self) -> None:
        quota, a, b, slot = self.needy(1, 1, shared=True)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.OUT
        assert quota.next() is b

    def test_callers_at_two_nodes_share_equally(self) -> None:
        quota, a, b, slot = self.needy(3, 1)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.OUT
        assert quota.next() is b

    def test_nodes_with_equally_many_take_nothing_from_each_other(self) -> None:
        _, a, _, slot = self.needy(2, 1)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.LEASED, "to the caller of this node: the other would then have one more"

    def test_it_goes_to_a_poor_node_although_a_rich_one_asked_before(self) -> None:
        quota = Quota(7)
        a, b, c = ledgers(quota, 3)
        leased = fill(a, 3)
        fill(b, 3)
        fill(c, 1)
        for ledger in (a, b, c):
            queue(ledger)
            ledger.reserve(1.0)
        a.release(leased[0], 1.0, reusable=True)
        assert leased[0].place is Place.OUT
        a.reserve(1.0)
        assert quota.next() is b, "in the order of asking"
        b.reserve(1.0)
        assert list(quota.needs) == [c, a]

    def test_min_size_takes_nothing_that_comes_back(self) -> None:
        _, a, _, slot = self.needy(3, 1, spare=True)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.LEASED

    def test_a_node_closes_a_lease_for_its_own_shared_connection(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        slot, _ = fill(a, 1) + fill(b, 1)
        a.shared_target = 1
        queue(a)
        a.reserve(1.0)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.OUT
        assert quota.needs == {a: Need.SHARED}, "and keeps its place in the line"
        (dial,) = a.reserve(1.0)
        assert dial.is_for_sharing

    def test_what_nobody_waits_for_here_goes_to_whoever_waits_elsewhere(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        (slot,) = fill(a, 1)
        fill(b, 1)
        queue(b)
        b.reserve(1.0)
        a.release(slot, 1.0, reusable=True)
        assert slot.place is Place.OUT

    def test_one_connection_serves_one_need(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2)
        leased = fill(a, 3)
        queue(b)
        b.reserve(1.0)
        for slot in leased:
            a.release(slot, 1.0, reusable=True)
        assert [slot.place for slot in leased] == [Place.OUT, Place.IDLE, Place.IDLE]

    def test_a_new_connection_serves_a_caller_before_it_is_shed(self) -> None:
        quota = Quota(1)
        a, b = ledgers(quota, 2)
        first, second = queue(a), queue(b)
        (dial,) = a.reserve(0.0)
        b.reserve(0.0)
        connect(a, dial)
        assert first.slot is dial, "or two nodes could dial in turn and serve nobody"
        a.release(dial, 0.0, reusable=True)
        (dial,) = b.reserve(0.0)
        connect(b, dial)
        assert second.slot is dial

    def test_a_lease_to_be_reset_is_shed_instead(self) -> None:
        _, a, _, slot = self.needy(1, 0)
        assert not a.take_in(slot, 1.0)
        assert slot.reason == "shed"


class TestImpatientCallers:
    def test_an_impatient_caller_is_refused_when_all_connections_of_the_pool_are_in_use(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        fill(a, 2)
        with pytest.raises(PoolExhausted, match=r"Max connections 2 .*node:2.* raise max_total"):
            queue(b, patient=False)
        assert b.waiting == 0

    def test_an_idle_connection_of_another_node_is_left_for_it(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2)
        idle(a, 1)
        fill(a, 0)
        queue(b, patient=False)
        queue(b, patient=False)
        with pytest.raises(PoolExhausted):
            queue(b, patient=False)

    def test_a_dial_under_way_is_left_for_it(self) -> None:
        quota = Quota(1)
        (ledger,) = ledgers(quota, 1, min_size=1)
        ledger.reserve(0.0)
        queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)

    def test_what_another_node_asked_for_before_is_not_left_for_it(self) -> None:
        quota = Quota(1)
        a, b, c = ledgers(quota, 3)
        idle(a, 1)
        queue(b)
        b.reserve(0.0)
        with pytest.raises(PoolExhausted):
            queue(c, patient=False)


class TestOldConnections:
    def test_a_shared_connection_over_age_goes_before_its_replacement_when_nothing_else_can_go(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2, shared_target=1)
        (old,) = share(a, retire_at=10.0)
        share(b)
        sweep(a, 10.0, None)
        assert a.reserve(10.0) == []
        assert take_retired(a) is old
        a.discard(old, "lifetime")
        assert quota.next() is a
        assert len(a.reserve(10.0)) == 1

    def test_it_stays_while_an_idle_connection_can_be_shed_for_its_replacement(self) -> None:
        quota = Quota(3)
        a, b = ledgers(quota, 2, shared_target=1)
        (old,) = share(a, retire_at=10.0)
        share(b)
        idle(b, 1)
        sweep(a, 10.0, None)
        a.reserve(10.0)
        assert take_retired(a) is None
        assert shed_one(quota) is b
        (dial,) = a.reserve(10.0)
        assert take_retired(a) is None
        connect(a, dial, now=10.0)
        assert take_retired(a) is old

    def test_an_idle_connection_over_age_is_not_kept_for_a_replacement_that_has_no_room(self) -> None:
        quota = Quota(1)
        (ledger,) = ledgers(quota, 1, min_size=1)
        (old,) = idle(ledger, 1, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert old.place is Place.OUT
        assert len(ledger.reserve(10.0)) == 1

    def test_nor_when_another_node_takes_that_room(self) -> None:
        quota = Quota(2)
        a, b = ledgers(quota, 2, min_size=1)
        (old,) = idle(a, 1, retire_at=10.0)
        sweep(a, 10.0, None)
        assert a.renewing is old
        fill(b, 1, now=10.0)
        sweep(a, 10.0, None)
        assert old.place is Place.OUT

    def test_it_stays_while_its_replacement_is_being_dialed(self) -> None:
        quota = Quota(2)
        (ledger,) = ledgers(quota, 1, min_size=1)
        (old,) = idle(ledger, 1, retire_at=10.0)
        sweep(ledger, 10.0, None)
        (dial,) = ledger.reserve(10.0)
        sweep(ledger, 10.0, None)
        assert old.place is Place.IDLE
        connect(ledger, dial, retire_at=FOREVER, now=10.0)
        assert old.place is Place.OUT


class TestThreads:
    """Each node has its own lock, and no thread ever holds two (Rules 2 and 3)."""

    class Signal:
        """A caller in a thread."""

        since = 0.0

        def __init__(self) -> None:
            self.served = threading.Event()
            self.slot: Slot | None = None

        def offer(self, slot: Slot) -> bool:
            self.slot = slot
            self.served.set()
            return True

        def fail(self, error: BaseException) -> bool:
            raise error

    @contextmanager
    def frequent_switches(self) -> Iterator[None]:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            yield
        finally:
            sys.setswitchinterval(usual)

    def test_nobody_is_forgotten_and_no_permit_is_lost_between_threads(self) -> None:
        quota = Quota(2)
        locks = {ledger: threading.Lock() for ledger in ledgers(quota, 4)}

        def settle(ledger: Ledger) -> None:
            with locks[ledger]:
                ledger.reap()
                dials = ledger.reserve(0.0)
            for slot in dials:
                with locks[ledger]:
                    connect(ledger, slot)
            if dials:
                settle(ledger)

        def help_others() -> None:
            while True:
                needy, helper = quota.next(), quota.helper()
                if isinstance(needy, Ledger):
                    settle(needy)
                elif isinstance(helper, Ledger):
                    with locks[helper]:
                        shed(helper)
                    settle(helper)
                else:
                    return

        def use(ledger: Ledger) -> None:
            for turn in range(20_000 if IS_PROOF else 2_000):
                caller = self.Signal()
                with locks[ledger]:
                    ledger.enqueue(caller, 0.0, patient=True)
                settle(ledger)
                help_others()
                assert caller.served.wait(30.0), "a caller was forgotten"
                assert caller.slot is not None
                with locks[ledger]:
                    ledger.release(caller.slot, 0.0, reusable=turn % 3 > 0)
                settle(ledger)
                help_others()

        with self.frequent_switches(), ThreadPoolExecutor(len(locks)) as threads:
            list(threads.map(use, locks))
        assert quota.count == sum(ledger.size for ledger in locks) <= 2
        for ledger in locks:
            ledger.close()
        assert (quota.count, quota.free) == (0, 2)
