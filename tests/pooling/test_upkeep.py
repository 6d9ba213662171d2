"""The rules of upkeep, one by one: what connections need while unused."""

from __future__ import annotations

import pytest

from pooling.books import FOREVER, REFUSED, add_extra, connect, fill, growing, idle, make, queue, share
from respool._pooling.slot import Place
from respool._pooling.upkeep import RECHECK, due_for_check, give_up_unused, next_sweep_at, sweep, take_retired


class TestLifetime:
    def test_one_over_age_stays_while_its_replacement_is_being_dialed_however_often_it_is_looked_at(self) -> None:
        ledger = make(min_size=1)
        (old,) = idle(ledger, 1, retire_at=10.0)
        sweep(ledger, 10.0, None)
        (new,) = ledger.reserve(10.0)
        sweep(ledger, 10.5, None)
        assert (old.place, ledger.to_close) == (Place.IDLE, [])
        connect(ledger, new, now=11.0)
        assert (old.place, new.place, ledger.size) == (Place.OUT, Place.IDLE, 1)

    def test_a_connection_over_age_is_not_handed_out(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1, retire_at=10.0)
        assert ledger.take(10.0) is None
        assert ledger.reap() == [slot]

    def test_a_leased_connection_is_never_retired_but_when_it_returns(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1, retire_at=10.0)
        sweep(ledger, 20.0, None)
        assert slot.place is Place.LEASED
        ledger.release(slot, 20.0, reusable=True)
        assert slot.reason == "lifetime"

    def test_one_at_a_time(self) -> None:
        ledger = make()
        idle(ledger, 3, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert len(ledger.reap()) == 1

    def test_at_its_minimum_the_pool_has_the_replacement_first(self) -> None:
        ledger = make(min_size=1)
        (old,) = ledger.reserve(0.0)
        connect(ledger, old, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert old.place is Place.IDLE
        (new,) = ledger.reserve(10.0)
        connect(ledger, new, now=10.0)
        assert ledger.reap() == [old]
        assert list(ledger.idle_slots) == [new]
        assert ledger.reserve(10.0) == []

    def test_a_lease_that_comes_back_is_no_replacement(self) -> None:
        ledger = make(min_size=2)
        for slot in ledger.reserve(0.0):
            connect(ledger, slot, retire_at=10.0)
        leased = ledger.take(0.0)
        assert leased is not None
        leased.retire_at = FOREVER
        sweep(ledger, 10.0, None)
        (old,) = ledger.idle_slots
        ledger.release(leased, 10.0, reusable=True)
        assert old.place is Place.IDLE  # otherwise the pool would be below its minimum
        (new,) = ledger.reserve(10.0)
        connect(ledger, new)
        assert ledger.reap() == [old]

    def test_with_no_room_for_a_replacement_the_old_one_goes_first(self) -> None:
        ledger = make(min_size=1, max_size=1)
        (old,) = ledger.reserve(0.0)
        connect(ledger, old, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert ledger.reap() == [old]
        assert len(ledger.reserve(10.0)) == 1

    def test_when_the_old_one_goes_by_itself_nothing_is_dialed_in_its_place_beyond_the_minimum(self) -> None:
        ledger = make(min_size=1, max_size=4)
        (old,) = ledger.reserve(0.0)
        connect(ledger, old, retire_at=10.0)
        sweep(ledger, 10.0, None)
        ledger.resize(min_size=0, max_size=4)
        ledger.clear()
        assert ledger.reserve(10.0) == []

    def test_every_shared_connection_over_age_has_its_turn(self) -> None:
        ledger = make(shared_target=1, max_size=3)
        for age in range(1, 4):
            (shared,) = share(ledger, retire_at=age * 10.0, now=age * 10.0 - 10.0)
            sweep(ledger, age * 10.0, None)
            (slot,) = ledger.reserve(age * 10.0)
            connect(ledger, slot, retire_at=(age + 1) * 10.0, now=age * 10.0)
            assert take_retired(ledger) is shared
            ledger.discard(shared, "lifetime")
            assert ledger.reap() == [shared]

    def test_a_shared_connection_without_room_for_a_replacement_is_drained_first(self) -> None:
        ledger = make(shared_target=1, max_size=1)
        (shared,) = share(ledger, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert ledger.reserve(10.0) == []
        assert take_retired(ledger) is shared

    def test_a_replacement_that_fills_the_pool_is_waited_for(self) -> None:
        ledger = make(shared_target=1, max_size=2)
        (shared,) = share(ledger, retire_at=10.0)
        sweep(ledger, 10.0, None)
        (slot,) = ledger.reserve(10.0)
        assert ledger.size == ledger.max_size
        assert take_retired(ledger) is None  # otherwise nobody has a connection until the dial is done
        ledger.dial_failed(slot, REFUSED, 10.0, 0.0)
        assert take_retired(ledger) is None
        (slot,) = ledger.reserve(10.0)
        connect(ledger, slot, now=10.0)
        assert take_retired(ledger) is shared

    def test_a_retiring_shared_connection_that_is_lost_makes_way_for_the_next(self) -> None:
        ledger = make(shared_target=2)
        first, second = share(ledger, retire_at=10.0)
        sweep(ledger, 10.0, None)
        assert ledger.retiring is first
        ledger.lost(first, 10.0)
        sweep(ledger, 10.0, None)
        assert ledger.retiring is second


class TestShrinking:
    def test_one_surplus_connection_goes_per_period(self) -> None:
        ledger = make()
        slots = idle(ledger, 3)
        sweep(ledger, 100.0, 60.0)  # the first period began before they were idle
        assert ledger.reap() == []
        sweep(ledger, 159.9, 60.0)
        assert ledger.reap() == []
        sweep(ledger, 160.0, 60.0)
        assert ledger.reap() == [slots[0]]  # the one idle the longest
        assert slots[0].reason == "idle"
        sweep(ledger, 220.0, 60.0)
        assert len(ledger.reap()) == 1

    def test_a_period_in_which_all_were_needed_closes_none(self) -> None:
        ledger = make()
        idle(ledger, 2)
        sweep(ledger, 100.0, 60.0)
        for count in (2, 1):  # fewer leases later do not change that both were needed
            taken = [ledger.take(110.0) for _ in range(count)]
            for slot in taken:
                assert slot is not None
                ledger.release(slot, 111.0, reusable=True)
        sweep(ledger, 160.0, 60.0)
        assert ledger.reap() == []

    def test_only_what_was_never_needed_is_surplus(self) -> None:
        ledger = make()
        idle(ledger, 2)
        sweep(ledger, 100.0, 60.0)
        slot = ledger.take(110.0)
        assert slot is not None
        ledger.release(slot, 111.0, reusable=True)
        sweep(ledger, 160.0, 60.0)
        assert len(ledger.reap()) == 1

    def test_a_check_by_the_pool_is_no_need(self) -> None:
        ledger = make()
        idle(ledger, 2)
        sweep(ledger, 100.0, 60.0)
        due = due_for_check(ledger, 130.0, 30.0)
        assert len(due) == 2
        for slot in due:
            ledger.made_clean(slot, 130.1)
        sweep(ledger, 160.0, 60.0)
        assert len(ledger.reap()) == 1

    def test_never_below_the_minimum(self) -> None:
        ledger = make(min_size=2)
        for slot in ledger.reserve(0.0):
            connect(ledger, slot)
        sweep(ledger, 100.0, 60.0)
        sweep(ledger, 200.0, 60.0)
        assert ledger.reap() == []

    def test_without_max_idle_none_goes(self) -> None:
        ledger = make()
        idle(ledger, 2)
        sweep(ledger, 100.0, None)
        sweep(ledger, 10_000.0, None)
        assert ledger.idle == 2

    def test_an_idle_set_that_was_emptied_otherwise_is_no_surplus(self) -> None:
        ledger = make()
        idle(ledger, 3)
        sweep(ledger, 100.0, 60.0)
        assert ledger.take(101.0) is not None
        ledger.clear()
        ledger.reap()
        sweep(ledger, 160.0, 60.0)
        assert ledger.reap() == []

    def test_a_period_in_which_a_caller_found_none_closes_none(self) -> None:
        ledger = make()
        idle(ledger, 2)
        sweep(ledger, 100.0, 60.0)
        ledger.clear()
        ledger.reap()
        assert ledger.take(110.0) is None
        idle(ledger, 2, now=120.0)
        sweep(ledger, 160.0, 60.0)
        assert ledger.reap() == []


    def test_it_says_whether_a_period_has_passed(self) -> None:
        ledger = make()
        assert [sweep(ledger, now, 60.0) for now in (59.9, 60.0, 60.1, 119.9, 120.0)] == [False, True, False, False, True]
        assert not sweep(ledger, 10_000.0, None)


class TestUnused:
    """Extra shared connections that no thread has chosen for ``max_idle``."""

    def test_the_newest_of_them_is_retired_and_not_replaced(self) -> None:
        ledger, first = growing(max_size=16)
        second, third, fourth = (add_extra(ledger) for _ in range(3))
        give_up_unused(ledger, [second, third])
        assert take_retired(ledger) is third
        assert (third.reason, third.retire_at) == ("idle", -FOREVER)  # nobody chooses it any more
        assert take_retired(ledger) is None
        ledger.discard(third, third.reason)
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        assert ledger.shared_slots == [first, second, fourth]

    def test_one_at_a_time(self) -> None:
        ledger, first = growing(max_size=16)
        second, third = add_extra(ledger), add_extra(ledger)
        give_up_unused(ledger, [first, second, third])
        give_up_unused(ledger, [first, second])
        assert ledger.retiring is third
        assert take_retired(ledger) is third
        assert take_retired(ledger) is None
        give_up_unused(ledger, [first, second, third])  # though the other one still owes replies
        assert take_retired(ledger) is second
        give_up_unused(ledger, [first, second, third])
        assert take_retired(ledger) is None
        ledger.check()
        ledger.discard(third, third.reason)
        ledger.discard(second, second.reason)
        ledger.check()
        assert ledger.shared_slots == [first]

    def test_for_a_lease_that_one_goes_that_can_be_closed_soonest(self) -> None:
        ledger, first = growing(max_size=9)
        second, third, fourth = (add_extra(ledger) for _ in range(3))
        ease = {first: 9.0, second: 1.0, third: 2.0, fourth: 1.0}
        ledger.resize(min_size=0, max_size=4)
        assert take_retired(ledger, lambda slot: ease[slot]) is third
        assert take_retired(ledger, lambda slot: ease[slot]) is None  # its place is as good as free
        ledger.discard(third, third.reason)
        ledger.resize(min_size=0, max_size=3)
        assert take_retired(ledger, lambda slot: ease[slot]) is fourth
        ledger.resize(min_size=0, max_size=2)
        assert take_retired(ledger, lambda slot: ease[slot]) is second
        assert take_retired(ledger, lambda slot: ease[slot]) is None
        ledger.check()

    def test_the_last_one_stays(self) -> None:
        ledger, first = growing()
        give_up_unused(ledger, [first])
        assert ledger.retiring is None
        second = add_extra(ledger)
        ledger.lost(first, 1.0)
        give_up_unused(ledger, [second])
        assert ledger.retiring is None

    def test_the_first_one_stays_because_threads_share_it_without_choosing_it(self) -> None:
        ledger, first = growing()
        add_extra(ledger)
        give_up_unused(ledger, [first])
        assert ledger.retiring is None
        assert first.retire_at == FOREVER

    def test_where_all_are_used_all_stay(self) -> None:
        ledger, _ = growing()
        add_extra(ledger)
        give_up_unused(ledger, [])
        assert ledger.retiring is None

    def test_the_minimum_stays(self) -> None:
        ledger, first = growing(max_size=16)
        second, third = add_extra(ledger), add_extra(ledger)
        ledger.min_size = 3
        give_up_unused(ledger, [first, second, third])
        assert ledger.retiring is None
        ledger.min_size = 2
        give_up_unused(ledger, [first, second, third])
        assert ledger.retiring is third

    def test_none_while_another_one_is_being_replaced(self) -> None:
        ledger, first = growing(max_size=16)
        second = add_extra(ledger, retire_at=5.0)
        third = add_extra(ledger)
        sweep(ledger, 5.0, None)
        give_up_unused(ledger, [first, second, third])
        assert ledger.retiring is second
        assert second.reason == ""
        assert third.retire_at == FOREVER

    @pytest.mark.parametrize("shared", [1, 2])
    def test_none_where_there_are_no_extra_ones(self, shared: int) -> None:
        ledger = make(shared_target=shared)
        slots = share(ledger)
        give_up_unused(ledger, slots)
        assert ledger.retiring is None

    def test_the_only_one_being_replaced_is_no_extra_one_where_none_is_allowed(self) -> None:
        ledger = make(shared_target=1)
        (old,) = share(ledger, retire_at=5.0)
        sweep(ledger, 5.0, None)
        (new,) = ledger.reserve(5.0)
        connect(ledger, new, now=5.0)
        assert ledger.retiring is old
        assert ledger.extra == 0
        assert next_sweep_at(ledger, 5.0, 60.0, None) == 5.0 + RECHECK

    def test_as_long_as_there_are_some_each_period_is_looked_at(self) -> None:
        ledger, _ = growing()
        assert next_sweep_at(ledger, 0.0, 60.0, None) is None
        second = add_extra(ledger)
        assert next_sweep_at(ledger, 0.0, 60.0, None) == 60.0
        assert next_sweep_at(ledger, 0.0, None, None) is None
        assert sweep(ledger, 61.0, 60.0)
        assert next_sweep_at(ledger, 61.0, 60.0, None) == 121.0
        give_up_unused(ledger, [second])
        assert next_sweep_at(ledger, 61.0, 60.0, None) == 61.0 + RECHECK
        ledger.discard(second, second.reason)
        assert next_sweep_at(ledger, 61.0, 60.0, None) is None

    def test_one_that_is_left_alone_before_it_is_drained_waits_for_its_replacement(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger)
        give_up_unused(ledger, [second])
        ledger.lost(first, 1.0)
        assert take_retired(ledger) is None
        (new,) = ledger.reserve(1.1)
        connect(ledger, new, now=1.1)
        assert take_retired(ledger) is second


class TestChecking:
    def test_a_connection_unused_for_keepalive_is_due(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1, now=5.0)
        assert due_for_check(ledger, 34.9, 30.0) == []
        assert due_for_check(ledger, 35.0, 30.0) == [slot]
        assert slot.place is Place.DIALING  # no caller gets it during the check
        assert ledger.take(35.0) is None
        ledger.check()
        ledger.made_clean(slot, 35.1)
        assert due_for_check(ledger, 60.0, 30.0) == []

    def test_a_shared_connection_that_is_new_is_not_due(self) -> None:
        ledger = make(shared_target=1)
        (shared,) = share(ledger, now=100.0)
        assert due_for_check(ledger, 129.9, 30.0) == []
        assert due_for_check(ledger, 130.0, 30.0) == [shared]

    def test_a_shared_connection_stays_in_service_while_it_is_checked(self) -> None:
        ledger = make(shared_target=1)
        (shared,) = share(ledger)
        assert due_for_check(ledger, 30.0, 30.0) == [shared]
        assert shared.place is Place.SHARED
        assert due_for_check(ledger, 31.0, 30.0) == []

    def test_a_shared_connection_of_an_older_epoch_is_checked_all_the_same(self) -> None:
        ledger = make(shared_target=1)
        (shared,) = share(ledger)
        ledger.new_epoch()
        assert due_for_check(ledger, 30.0, 30.0) == [shared]
        assert next_sweep_at(ledger, 30.0, None, 30.0) == 60.0

    def test_an_idle_connection_of_an_older_epoch_goes_unasked(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        ledger.new_epoch()
        assert due_for_check(ledger, 30.0, 30.0) == []
        assert next_sweep_at(ledger, 30.0, None, 30.0) == 30.0 + RECHECK
        sweep(ledger, 31.0, None)
        assert ledger.reap() == [slot]

    def test_without_keepalive_none_is_due(self) -> None:
        ledger = make()
        idle(ledger, 1)
        assert due_for_check(ledger, 1e9, None) == []

    def test_the_housekeeper_wakes_for_the_first_thing_that_is_due(self) -> None:
        ledger = make()
        idle(ledger, 1, retire_at=50.0)
        assert next_sweep_at(ledger, 0.0, None, None) == 50.0
        assert next_sweep_at(ledger, 0.0, None, 30.0) == 30.0
        assert next_sweep_at(ledger, 0.0, 20.0, 30.0) == 20.0

    def test_the_housekeeper_does_not_spin_while_a_replacement_is_awaited(self) -> None:
        ledger = make(min_size=1, shared_target=2)
        share(ledger, retire_at=10.0)
        queue(ledger, now=9.0)
        (slot,) = ledger.reserve(9.0)
        connect(ledger, slot, retire_at=10.0)
        ledger.release(slot, 9.0, reusable=True)
        ledger.resize(min_size=3, max_size=4)
        sweep(ledger, 10.0, None)
        wake_at = next_sweep_at(ledger, 10.0, None, None)
        assert wake_at == 10.0 + RECHECK
