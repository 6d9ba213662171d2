"""The rules of the ledger, one by one."""

from __future__ import annotations

import heapq
import itertools

import pytest

from pooling.books import (
    FOREVER,
    MOST_EXTRA,
    REFUSED,
    Caller,
    add_extra,
    connect,
    fill,
    growing,
    idle,
    make,
    queue,
    share,
)
from respool._pooling.books import STAGGER
from respool._pooling.ledger import Ledger
from respool._pooling.quota import Quota
from respool._pooling.redial import REFILL_LEAST
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import next_sweep_at, sweep, take_retired
from respool.errors import PoolClosed, PoolExhausted, TooManyWaiters


class TestWaiting:
    def test_a_new_ledger_has_nothing_and_dials_nothing(self) -> None:
        ledger = make()
        assert (ledger.size, ledger.idle, ledger.leased, ledger.shared, ledger.dialing, ledger.waiting) == (0,) * 6
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        assert next_sweep_at(ledger, 0.0, 600.0, 30.0) is None

    def test_an_idle_connection_is_taken_without_waiting(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        assert ledger.take(0.0) is slot
        assert slot.place is Place.LEASED
        assert (ledger.idle, ledger.leased) == (0, 1)

    def test_with_somebody_waiting_there_is_nothing_to_take(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        first = queue(ledger)
        ledger.release(slot, 0.0, reusable=True)
        assert first.slot is slot
        assert ledger.take(0.0) is None

    def test_callers_are_served_in_the_order_they_came(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        callers = [queue(ledger) for _ in range(5)]
        for caller in callers:
            ledger.release(slot, 0.0, reusable=True)
            assert caller.slot is slot
        assert ledger.waiting == 0

    def test_one_who_gave_up_refuses_and_the_next_is_served_in_the_same_step(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        gone = [queue(ledger, wants=False) for _ in range(3)]
        keen = queue(ledger)
        ledger.release(slot, 0.0, reusable=True)
        assert keen.slot is slot
        assert all(caller.slot is None for caller in gone)
        assert ledger.waiting == 0

    def test_when_all_have_given_up_the_connection_is_idle(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        for _ in range(3):
            queue(ledger, wants=False)
        ledger.release(slot, 0.0, reusable=True)
        assert slot.place is Place.IDLE
        assert (ledger.idle, ledger.leased, ledger.waiting) == (1, 0, 0)

    def test_one_who_withdraws_is_not_asked(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        first, second = queue(ledger), queue(ledger)
        ledger.withdraw(first)
        ledger.withdraw(first)  # harmless
        ledger.release(slot, 0.0, reusable=True)
        assert first.slot is None
        assert second.slot is slot

    def test_one_more_than_max_waiting_is_told_at_once(self) -> None:
        ledger = make(max_size=1, max_waiting=2)
        fill(ledger, 1)
        queue(ledger)
        queue(ledger)
        with pytest.raises(TooManyWaiters, match=r"2 callers wait for node:1 already \(max_waiting=2\)"):
            queue(ledger)
        assert ledger.waiting == 2

    def test_a_connection_that_came_back_meanwhile_is_handed_over_instead_of_queueing(self) -> None:
        """Another thread released a connection between ``take`` and ``enqueue``; queueing would then wait for ever."""
        ledger = make(max_size=1, max_waiting=0)
        (slot,) = fill_one_without_queue(ledger)
        assert ledger.take(0.0) is None
        ledger.release(slot, 0.0, reusable=True)
        caller = queue(ledger)
        assert caller.slot is slot
        assert (ledger.waiting, ledger.idle, ledger.leased) == (0, 0, 1)
        ledger.check()

    def test_one_who_is_gone_already_does_not_keep_what_came_back_meanwhile(self) -> None:
        ledger = make(max_size=1)
        (slot,) = idle(ledger, 1)
        caller = queue(ledger, wants=False)
        assert caller.slot is None
        assert slot.place is Place.IDLE
        assert (ledger.waiting, ledger.idle, ledger.leased) == (0, 1, 0)


def fill_one_without_queue(ledger: Ledger) -> list[Slot]:
    ledger.min_size = 1
    (slot,) = ledger.reserve(0.0)
    ledger.min_size = 0
    connect(ledger, slot)
    taken = ledger.take(0.0)
    assert taken is slot
    return [slot]


class TestFull:
    def test_the_impatient_are_told_when_no_slot_is_left_for_them(self) -> None:
        ledger = make(max_size=2)
        fill(ledger, 2)
        with pytest.raises(PoolExhausted, match="Max connections 2 exhausted at node:1"):
            queue(ledger, patient=False)

    def test_connections_still_being_opened_count(self) -> None:
        ledger = make(max_size=2)
        queue(ledger, patient=False)
        queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)
        assert ledger.waiting == 2

    def test_slots_of_missing_shared_connections_are_spoken_for(self) -> None:
        ledger = make(max_size=2, shared_target=1)
        queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)

    def test_with_all_connections_shared_nobody_can_wait_for_a_lease(self) -> None:
        ledger = make(max_size=1, shared_target=1)
        for patient in (True, False):
            with pytest.raises(PoolExhausted, match="all of them are shared, leases need a higher max_size"):
                queue(ledger, patient=patient)

    def test_a_failed_dial_is_an_error_of_the_connection_and_gives_its_slot_back(self) -> None:
        ledger = make(max_size=1)
        caller = queue(ledger, patient=False)
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.5)
        assert caller.error is REFUSED
        assert ledger.size == 0
        queue(ledger, patient=False)  # not exhausted


class TestDialing:
    def test_a_caller_in_line_is_dialed_for(self) -> None:
        ledger = make()
        caller = queue(ledger)
        (slot,) = ledger.reserve(0.0)
        assert slot.place is Place.DIALING
        assert (ledger.size, ledger.dialing) == (1, 1)
        connect(ledger, slot)
        assert caller.slot is slot

    def test_a_promise_counts_from_the_moment_it_is_made(self) -> None:
        ledger = make(max_size=1)
        queue(ledger)
        queue(ledger)
        assert len(ledger.reserve(0.0)) == 1
        assert ledger.reserve(0.0) == []
        assert ledger.size == 1

    def test_whoever_is_first_in_line_gets_the_new_connection_not_who_caused_the_dial(self) -> None:
        ledger = make(max_size=2)
        (back,) = fill(ledger, 1)
        cause, other = queue(ledger), queue(ledger)
        (slot,) = ledger.reserve(0.0)
        ledger.release(back, 0.0, reusable=True)
        assert cause.slot is back
        connect(ledger, slot)
        assert other.slot is slot

    def test_a_dial_nobody_needs_any_more_becomes_idle(self) -> None:
        ledger = make()
        caller = queue(ledger)
        (slot,) = ledger.reserve(0.0)
        ledger.withdraw(caller)
        connect(ledger, slot)
        assert slot.place is Place.IDLE

    def test_no_more_dials_than_callers_who_need_one(self) -> None:
        ledger = make(max_dials=10, max_size=10)
        for _ in range(3):
            queue(ledger)
        assert len(ledger.reserve(0.0)) == 3
        assert ledger.reserve(0.0) == []

    def test_a_returned_connection_elides_the_queued_dial(self) -> None:
        ledger = make(max_size=5)
        (slot,) = fill(ledger, 1)
        caller = queue(ledger)
        ledger.release(slot, 0.0, reusable=True)
        assert caller.slot is slot
        assert ledger.reserve(0.0) == []

    def test_at_most_max_dials_at_a_time(self) -> None:
        ledger = make(max_size=10, max_dials=2)
        for _ in range(6):
            queue(ledger)
        first, second = ledger.reserve(0.0)
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        connect(ledger, first)
        assert ledger.reserve(STAGGER * 2) != []
        ledger.abandon_dial(second)

    def test_the_minimum_is_dialed_without_any_caller(self) -> None:
        ledger = make(min_size=3, max_dials=2)
        slots = ledger.reserve(0.0)
        assert len(slots) == 2
        for slot in slots:
            connect(ledger, slot)
        (third,) = ledger.reserve(0.0)
        connect(ledger, third)
        assert ledger.idle == 3
        assert ledger.reserve(0.0) == []

    def test_a_lost_minimum_is_dialed_again_without_any_caller(self) -> None:
        ledger = make(min_size=1)
        (slot,) = ledger.reserve(0.0)
        connect(ledger, slot)
        ledger.lost(slot, 1.0)
        assert len(ledger.reserve(1.0)) == 1

    def test_what_was_lost_is_dialed_one_by_one_with_pauses_until_all_is_there(self) -> None:
        ledger = make(min_size=3)
        for slot in idle(ledger, 3):
            ledger.lost(slot, 1.0)
        (first,) = ledger.reserve(1.0)
        assert ledger.reserve(1.0) == []
        assert ledger.next_dial_at(1.0) is None  # the dial in progress must end first
        ledger.dialed(first, FOREVER, 1.0, 0.5)
        pause = REFILL_LEAST / 2
        assert ledger.reserve(1.0) == []
        assert ledger.next_dial_at(1.0) == 1.0 + pause
        (second,) = ledger.reserve(1.0 + pause)
        ledger.dialed(second, FOREVER, 2.0, 0.5)
        (third,) = ledger.reserve(2.0 + pause)
        ledger.dialed(third, FOREVER, 3.0, 0.5)
        ledger.clear()
        assert len(ledger.reserve(3.0)) == 2  # these dials replace nothing that was lost

    def test_callers_are_dialed_for_beside_it_and_during_the_pauses(self) -> None:
        ledger = make(min_size=2, max_size=8)
        for slot in idle(ledger, 2):
            ledger.lost(slot, 1.0)
        (first,) = ledger.reserve(1.0)
        callers = [queue(ledger, now=1.0) for _ in range(2)]
        (second,) = ledger.reserve(1.0)
        ledger.dialed(first, FOREVER, 1.0, 0.999)
        callers.append(queue(ledger, now=1.0))
        (third,) = ledger.reserve(1.0 + STAGGER)
        for slot in (second, third):
            ledger.dialed(slot, FOREVER, 1.0 + STAGGER, 0.999)
        assert all(caller.slot is not None for caller in callers)

    def test_shared_connections_are_dialed_first(self) -> None:
        ledger = make(shared_target=1, min_size=2)
        queue(ledger)
        first, second = ledger.reserve(0.0)
        assert (first.is_for_sharing, second.is_for_sharing) == (True, False)
        connect(ledger, first)
        assert first.place is Place.SHARED
        assert ledger.shared == 1

    def test_the_slot_of_a_missing_shared_connection_is_not_leased(self) -> None:
        ledger = make(max_size=2, shared_target=1)
        (shared,) = share(ledger)
        fill(ledger, 1)
        ledger.lost(shared, 1.0)
        queue(ledger, now=1.0)
        (slot,) = ledger.reserve(1.0)
        assert slot.is_for_sharing
        assert ledger.size == 2

    def test_nor_when_the_shared_connection_may_not_be_dialed_yet(self) -> None:
        ledger = make(max_size=2, shared_target=1)
        (shared,) = share(ledger)
        fill(ledger, 1)
        ledger.lost(shared, 1.0)
        (slot,) = ledger.reserve(1.0)
        ledger.dial_failed(slot, REFUSED, 1.0, 0.99)
        queue(ledger, now=1.0)
        assert ledger.reserve(1.0) == []
        assert ledger.next_dial_at(1.0) == pytest.approx(1.0099)

    def test_a_second_dial_gets_no_start_while_connections_are_out_and_the_first_is_young(self) -> None:
        ledger = make(max_size=10, max_dials=2)
        fill(ledger, 2)
        queue(ledger, now=1.0)
        queue(ledger, now=1.0)
        assert len(ledger.reserve(1.0)) == 1
        assert ledger.reserve(1.0 + STAGGER / 2) == []
        assert ledger.next_dial_at(1.0) == 1.0 + STAGGER
        assert len(ledger.reserve(1.0 + STAGGER)) == 1

    def test_a_shared_dial_under_way_holds_up_no_caller(self) -> None:
        ledger = make(max_size=10, max_dials=2, shared_target=1)
        share(ledger)
        (out,) = fill(ledger, 1)
        ledger.discard(ledger.shared_slots[0], "lifetime")
        (shared,) = ledger.reserve(1.0)
        assert shared.is_for_sharing
        queue(ledger, now=1.0)
        ledger._moved_at = 1.0  # a waiter was served just now
        (slot,) = ledger.reserve(1.0)
        assert not slot.is_for_sharing
        assert out.place is Place.LEASED

    def test_one_that_is_made_clean_tells_nothing_of_a_node_in_trouble(self) -> None:
        ledger = make(min_size=3)
        slots = fill(ledger, 2)
        ledger.lost(slots[0], 1.0)
        ledger.release(slots[0], 1.0, reusable=False)
        slots[1].epoch = ledger.epoch
        assert ledger.take_in(slots[1], 1.0)
        assert ledger.redial.is_recovering
        assert len(ledger.reserve(1.0)) == 1  # no caller waits for it; it runs beside the reset
        assert ledger.reserve(1.0) == []  # that dial must show first how the node is

    def test_a_pool_has_not_recovered_while_a_shared_connection_is_missing(self) -> None:
        ledger = make(shared_target=2)
        first, second = share(ledger)
        for slot in (first, second):
            ledger.lost(slot, 1.0)
        assert len(ledger.reserve(1.0)) == 1
        assert ledger.redial.is_recovering

    def test_a_caller_does_not_wait_longer_than_a_moment_for_one_that_is_made_clean(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        assert ledger.take_in(slot, 1.0)
        caller = queue(ledger, now=1.0)
        assert ledger.reserve(1.0) == []  # a reset is normally quick, so no dial is needed yet
        assert ledger.next_dial_at(1.0) == 1.0 + STAGGER
        assert ledger.reserve(1.0 + STAGGER / 2) == []
        (other,) = ledger.reserve(1.0 + STAGGER)
        assert ledger.next_dial_at(1.0 + STAGGER) is None
        connect(ledger, other, now=1.1)
        assert caller.slot is other
        ledger.made_clean(slot, 2.0)
        assert (ledger.idle, ledger.leased) == (1, 1)

    def test_without_callers_nothing_is_dialed_beside_one_that_is_made_clean(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        assert ledger.take_in(slot, 1.0)
        assert ledger.next_dial_at(1.0) is None
        assert ledger.reserve(9.0) == []

    def test_nor_while_the_line_moves(self) -> None:
        ledger = make(max_size=10, max_dials=2)
        first, second = fill(ledger, 2)
        for _ in range(4):
            queue(ledger, now=1.0)
        assert len(ledger.reserve(1.0)) == 1
        later = 1.0 + STAGGER * 0.9
        ledger.release(first, later, reusable=True)
        assert ledger.reserve(1.0 + STAGGER) == []
        assert len(ledger.reserve(later + STAGGER)) == 1
        assert second.place is Place.LEASED

    def test_with_nothing_out_dials_begin_side_by_side(self) -> None:
        ledger = make(max_size=10, max_dials=2)
        queue(ledger)
        queue(ledger)
        assert len(ledger.reserve(0.0)) == 2

    def test_only_the_first_in_line_hears_of_a_failed_dial(self) -> None:
        ledger = make(max_size=1)
        gone, first, second = queue(ledger, wants=False), queue(ledger), queue(ledger)
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.0)
        assert (gone.error, first.error, second.error) == (None, REFUSED, None)
        assert ledger.waiting == 1
        assert slot.place is Place.OUT
        assert ledger.reap() == []

    def test_a_failed_shared_dial_is_nobodys_error(self) -> None:
        ledger = make(shared_target=1)
        (slot,) = ledger.reserve(0.0)
        caller = queue(ledger)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.0)
        assert caller.error is None
        assert ledger.dialing_shared == 0

    def test_a_dial_that_was_called_off_gives_its_slot_back_and_blames_nobody(self) -> None:
        ledger = make(shared_target=1)
        (slot,) = ledger.reserve(0.0)
        ledger.abandon_dial(slot)
        assert (ledger.size, ledger.dialing_shared, ledger.redial.failures) == (0, 0, 0)
        assert len(ledger.reserve(0.0)) == 1

    def test_a_slot_that_is_not_being_dialed_cannot_end_a_dial(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        with pytest.raises(AssertionError, match="is not being dialed"):
            ledger.dialed(slot, FOREVER, 0.0)

    def test_during_backoff_the_pool_waits_and_a_caller_does_not(self) -> None:
        ledger = make(min_size=1, max_size=3)
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.99)
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) == pytest.approx(0.0099)
        queue(ledger)
        assert len(ledger.reserve(0.0)) == 1

    def test_a_shared_connection_in_backoff_does_not_hold_up_a_caller_who_needs_a_lease(self) -> None:
        ledger = make(shared_target=1)
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.99)
        caller = queue(ledger)
        assert ledger.next_dial_at(0.0) == 0.0
        (lease,) = ledger.reserve(0.0)
        assert not lease.is_for_sharing
        connect(ledger, lease)
        assert caller.slot is lease

    def test_a_caller_without_a_shared_connection_calls_for_an_early_dial(self) -> None:
        ledger = make(shared_target=1)
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.99)
        assert ledger.reserve(0.0) == []
        ledger.is_called_for = True
        assert ledger.next_dial_at(0.0) == 0.0
        (called,) = ledger.reserve(0.0)
        assert not ledger.is_called_for
        ledger.dial_failed(called, REFUSED, 0.0, 0.99)
        assert ledger.is_called_for  # the call goes on to the next dial

    def test_waiting_is_hopeless_when_the_node_is_down_and_nothing_is_out(self) -> None:
        ledger = make(max_size=1)
        first, second, third = queue(ledger), queue(ledger), queue(ledger)
        (slot,) = ledger.reserve(0.0)
        ledger.tell_hopeless()
        assert first.error is None  # a dial is in progress
        ledger.dial_failed(slot, REFUSED, 0.0, 0.5)
        assert first.error is REFUSED
        assert second.error is None
        ledger.tell_hopeless()
        assert second.error is third.error is REFUSED
        assert ledger.waiting == 0

    def test_waiting_is_not_hopeless_while_something_is_out(self) -> None:
        ledger = make(max_size=2)
        (out,) = fill(ledger, 1)
        queue(ledger)
        (slot,) = ledger.reserve(1.0)
        ledger.dial_failed(slot, REFUSED, 1.0, 0.5)
        caller = queue(ledger)
        ledger.tell_hopeless()
        assert caller.error is None
        ledger.release(out, 1.0, reusable=True)
        assert caller.slot is out

    def test_the_next_time_to_dial_is_now_or_later_or_never(self) -> None:
        ledger = make(max_size=1)
        assert ledger.next_dial_at(5.0) is None
        queue(ledger)
        assert ledger.next_dial_at(5.0) == 5.0
        ledger.reserve(5.0)
        assert ledger.next_dial_at(5.0) is None
        ledger.close()
        assert ledger.next_dial_at(5.0) is None


def test_a_spike_of_50_callers_on_5_connections_makes_at_most_6() -> None:
    """R-06 with its own numbers: a dial takes 150 ms, a lease 2 ms, and 50 connections would be allowed."""
    ledger = make(min_size=5, max_size=50)
    while ledger.size < 5:
        for slot in ledger.reserve(0.0):
            connect(ledger, slot)
    now, order = 1.0, itertools.count()
    events: list[tuple[float, int, str, Slot]] = []
    served: list[float] = []

    def use(slot: Slot) -> None:
        served.append(now)
        heapq.heappush(events, (now + 0.002, next(order), "used", slot))

    class Spiker(Caller):
        def offer(self, slot: Slot) -> bool:
            use(slot)
            return True

    def settle() -> None:
        for slot in ledger.reserve(now):
            heapq.heappush(events, (now + 0.150, next(order), "dialed", slot))

    for _ in range(50):
        slot = ledger.take(now)
        if slot is not None:
            use(slot)
        else:
            ledger.enqueue(Spiker(), now, patient=True)
        settle()
    peak = ledger.size
    while events:
        now, _, what, slot = heapq.heappop(events)
        if what == "used":
            ledger.release(slot, now, reusable=True)
        else:
            connect(ledger, slot, now=now)
        settle()
        ledger.check()
        peak = max(peak, ledger.size)
    assert len(served) == 50
    assert served[-1] - 1.0 == pytest.approx(0.018)
    assert peak <= 6


class TestIdleOrder:
    def test_the_last_one_back_is_taken_first(self) -> None:
        ledger = make()
        slots = idle(ledger, 3)
        assert [ledger.take(0.0) for _ in slots] == slots[::-1]

    def test_fifo_by_option(self) -> None:
        ledger = make(lifo=False)
        slots = idle(ledger, 3)
        assert [ledger.take(0.0) for _ in slots] == slots


class TestEpochs:
    def test_the_loss_of_one_connection_retires_the_idle_ones_made_before(self) -> None:
        ledger = make()
        first, second, third = idle(ledger, 3)
        assert ledger.lost(third, 1.0)
        assert ledger.take(1.0) is None
        assert set(ledger.reap()) == {first, second, third}
        assert (first.reason, third.reason) == ("epoch", "lost")

    def test_more_losses_of_the_same_past_begin_no_further_epoch(self) -> None:
        ledger = make()
        first, second = idle(ledger, 2)
        ledger.lost(first, 1.0)
        ledger.lost(second, 1.0)
        assert ledger.epoch == 1
        assert ledger.redial.debt == 1

    def test_a_loss_is_news_once(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        assert ledger.lost(slot, 1.0)
        assert not ledger.lost(slot, 1.0)
        ledger.release(slot, 1.0, reusable=False)
        assert not ledger.lost(slot, 1.0)
        assert ledger.epoch == 1

    def test_a_leased_connection_that_is_lost_goes_when_it_comes_back(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        ledger.lost(slot, 1.0)
        assert slot.place is Place.LEASED
        ledger.release(slot, 1.0, reusable=True)  # the holder does not know that it was lost
        assert slot.place is Place.OUT
        assert ledger.reap() == [slot]

    def test_a_connection_lost_while_the_pool_checks_it_begins_a_new_epoch(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        assert ledger.hold_idle(0.0) == [slot]
        assert ledger.lost(slot, 1.0)
        assert ledger.epoch == 1
        assert slot.place is Place.DIALING
        ledger.made_clean(slot, 1.0)
        assert ledger.reap() == [slot]

    def test_a_dial_of_an_older_epoch_is_refused(self) -> None:
        ledger = make()
        queue(ledger)
        (slot,) = ledger.reserve(0.0)
        ledger.new_epoch()
        connect(ledger, slot)
        assert slot.place is Place.OUT
        assert ledger.reap() == [slot]
        assert len(ledger.reserve(0.0)) == 1  # the caller still waits

    def test_a_shared_connection_from_an_earlier_epoch_counts_when_it_is_lost(self) -> None:
        """It stays in service when others are lost; when it is lost hours later, that must count as a new event."""
        ledger = make(shared_target=1)
        (shared,) = share(ledger)
        (leased,) = fill(ledger, 1)
        ledger.lost(leased, 1.0)
        ledger.release(leased, 1.0, reusable=False)
        (again,) = fill(ledger, 1, now=1.0)
        assert ledger.redial.down_since is None
        ledger.lost(shared, 100.0)
        assert ledger.redial.down_since == 100.0
        assert ledger.redial.debt == 1
        assert again.place is Place.LEASED

    def test_drain_replaces_shared_connections_one_by_one(self) -> None:
        ledger = make(shared_target=2, max_size=4)
        old = share(ledger)
        ledger.drain(10.0)
        for turn in range(2):
            sweep(ledger, 10.0 + turn, None)
            retiring = ledger.retiring
            assert retiring in old
            assert take_retired(ledger) is None  # its replacement is not ready
            (slot,) = ledger.reserve(10.0 + turn)
            assert slot.is_for_sharing
            connect(ledger, slot, now=10.0)
            assert take_retired(ledger) is retiring
            assert take_retired(ledger) is None  # returned only once
            ledger.discard(retiring, "lifetime")
            assert ledger.retiring is None
        assert not set(old) & set(ledger.shared_slots)
        assert ledger.shared == 2


class TestExtra:
    """The extra shared connections beside the only one."""

    def test_it_is_dialed_once_callers_have_met_and_not_before(self) -> None:
        ledger, first = growing()
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        ledger.wants_extra = True
        assert ledger.next_dial_at(0.0) == 0.0
        (slot,) = ledger.reserve(0.0)
        assert slot.is_for_sharing
        assert not ledger.wants_extra
        connect(ledger, slot)
        assert ledger.shared_slots == [first, slot]
        assert ledger.extra
        ledger.check()

    @pytest.mark.parametrize(("max_size", "most"), [(3, 1), (5, 1), (6, 2), (7, 2), (8, 3), (10, 3), (40, MOST_EXTRA)])
    def test_there_are_as_many_as_its_bound_and_at_most_half_of_the_places_are_shared(
        self, max_size: int, most: int
    ) -> None:
        ledger, first = growing(max_size=max_size)
        assert ledger.extra == 0
        extra = []
        for number in range(most):
            assert ledger.may_have_more
            extra.append(add_extra(ledger))
            assert ledger.extra == number + 1
        assert not ledger.may_have_more
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        assert ledger.shared_slots == [first, *extra]
        assert ledger.extra == most
        assert take_retired(ledger) is None
        ledger.check()

    def test_they_are_dialed_one_after_the_other(self) -> None:
        ledger, first = growing(max_size=16, max_dials=4)
        extra = []
        for _ in range(3):
            ledger.wants_extra = True
            (slot,) = ledger.reserve(0.0)
            for _ in range(2):  # callers go on meeting
                ledger.wants_extra = True
                assert ledger.reserve(0.0) == []
                assert ledger.next_dial_at(0.0) is None
            connect(ledger, slot)
            assert ledger.reserve(0.0) == []
            extra.append(slot)
        assert ledger.shared_slots == [first, *extra]

    def test_a_larger_pool_may_have_more(self) -> None:
        ledger, _ = growing(max_size=5)
        add_extra(ledger)
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        ledger.resize(min_size=0, max_size=8)
        assert ledger.may_have_more
        assert ledger.next_dial_at(0.0) == 0.0
        assert len(ledger.reserve(0.0)) == 1

    def test_a_smaller_pool_keeps_those_it_has_until_a_lease_needs_their_places(self) -> None:
        ledger, first = growing(max_size=16)
        extra = [add_extra(ledger) for _ in range(3)]
        ledger.resize(min_size=0, max_size=6)
        assert not ledger.may_have_more
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        assert take_retired(ledger) is None
        fill(ledger, 2)
        assert take_retired(ledger) is extra[-1]
        ledger.discard(extra[-1], extra[-1].reason)
        assert ledger.shared_slots == [first, *extra[:-1]]
        assert ledger.reserve(0.0) == []

    def test_one_dialed_while_the_pool_became_smaller_is_closed(self) -> None:
        ledger, first = growing(max_size=8)
        second = add_extra(ledger)
        ledger.wants_extra = True
        (slot,) = ledger.reserve(0.0)
        ledger.resize(min_size=0, max_size=5)
        connect(ledger, slot)
        assert (slot.place, slot.reason) == (Place.OUT, "shed")
        assert ledger.shared_slots == [first, second]

    def test_all_but_one_give_up_their_places_one_by_one(self) -> None:
        ledger, first = growing(max_size=8)
        extra = [add_extra(ledger) for _ in range(3)]
        fill(ledger, 4)
        for slot in reversed(extra):
            assert ledger.size == 8
            assert take_retired(ledger) is slot
            assert slot.reason == "shed"
            assert take_retired(ledger) is None
            waiting = queue(ledger)
            assert ledger.reserve(0.0) == []
            ledger.discard(slot, slot.reason)
            assert take_retired(ledger) is None
            (new,) = ledger.reserve(1.0)
            connect(ledger, new)
            assert waiting.slot is new
        assert take_retired(ledger) is None
        assert ledger.shared_slots == [first]
        assert ledger.leased == 7

    def test_an_impatient_caller_counts_none_of_them(self) -> None:
        ledger, _ = growing(max_size=8)
        for _ in range(3):
            add_extra(ledger)
        fill(ledger, 4)
        for _ in range(3):
            queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)

    def test_while_the_only_one_is_missing_all_other_places_are_for_leases(self) -> None:
        ledger, first = growing(max_size=3)
        ledger.lost(first, 1.0)
        assert ledger.extra == 0
        for _ in range(2):
            queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)
        assert take_retired(ledger) is None

    def test_the_rest_serve_when_several_are_lost_and_none_is_replaced(self) -> None:
        ledger, first = growing(max_size=16)
        extra = [add_extra(ledger) for _ in range(3)]
        for slot in (first, extra[1], extra[2]):
            assert ledger.lost(slot, 1.0)
            assert ledger.redial.down_since is None
            assert ledger.missing_shared == 0
        assert ledger.reserve(10.0) == []
        assert ledger.next_dial_at(10.0) is None
        assert ledger.lost(extra[0], 11.0)
        assert ledger.redial.down_since == 11.0
        assert ledger.missing_shared == 1

    def test_drain_closes_all_but_the_last_and_then_replaces_that(self) -> None:
        ledger, first = growing(max_size=16)
        extra = [add_extra(ledger) for _ in range(3)]
        ledger.drain(5.0)
        for slot in (first, *extra[:-1]):
            sweep(ledger, 5.0, None)
            assert ledger.reserve(5.0) == []
            assert take_retired(ledger) is slot
            ledger.discard(slot, "lifetime")
        sweep(ledger, 5.0, None)
        assert take_retired(ledger) is None
        (new,) = ledger.reserve(5.0)
        connect(ledger, new, now=5.0)
        assert take_retired(ledger) is extra[-1]

    def test_callers_that_meet_while_it_is_dialed_do_not_make_another(self) -> None:
        ledger, _ = growing(max_size=9)
        ledger.wants_extra = True
        (slot,) = ledger.reserve(0.0)
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        connect(ledger, slot)
        assert not ledger.wants_extra
        assert ledger.lost(slot, 1.0)
        assert ledger.reserve(10.0) == []

    @pytest.mark.parametrize("shared", [0, 2, 3])
    def test_only_a_pool_with_one_shared_connection_may_have_it(self, shared: int) -> None:
        ledger = make(shared_target=shared, max_size=9)
        assert not ledger.allow_extra(MOST_EXTRA)
        share(ledger)
        ledger.wants_extra = True
        for slot in ledger.reserve(0.0):
            connect(ledger, slot)
        assert ledger.shared == shared

    def test_a_node_with_a_quota_may_not_have_it(self) -> None:
        assert not make(shared_target=1, quota=Quota(8)).allow_extra(MOST_EXTRA)

    def test_a_place_for_a_lease_is_left_beside_it(self) -> None:
        ledger, _ = growing(max_size=3)
        (leased,) = fill(ledger, 1)
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None
        ledger.release(leased, 0.0, reusable=False)
        assert len(ledger.reserve(0.0)) == 1

    def test_in_a_pool_of_two_there_is_no_place_for_one(self) -> None:
        ledger, _ = growing(max_size=2)
        ledger.wants_extra = True
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None

    def test_it_does_not_take_the_last_place_when_a_lease_was_quicker(self) -> None:
        ledger, first = growing(max_size=3)
        ledger.wants_extra = True
        (slot,) = ledger.reserve(0.0)
        (leased,) = fill(ledger, 1)
        connect(ledger, slot)
        assert (slot.place, slot.reason) == (Place.OUT, "shed")
        assert ledger.shared_slots == [first]
        assert leased.place is Place.LEASED

    def test_while_the_only_one_is_missing_that_is_dialed(self) -> None:
        ledger = make(shared_target=1)
        assert ledger.allow_extra(MOST_EXTRA)
        ledger.wants_extra = True
        (first,) = ledger.reserve(0.0)
        assert ledger.reserve(0.0) == []
        connect(ledger, first)
        assert ledger.shared_slots == [first]
        assert ledger.reserve(0.0) == []  # whoever has met there may meet again

    @pytest.mark.parametrize("max_size", [5, 9])
    def test_one_that_is_being_drained_counts_against_the_bound(self, max_size: int) -> None:
        ledger, first = growing(max_size=max_size)
        ledger.drain(1.0)
        sweep(ledger, 1.0, None)
        ledger.wants_extra = True
        (slot,) = ledger.reserve(1.0)
        assert ledger.reserve(1.0) == []
        assert ledger.next_dial_at(1.0) is None
        connect(ledger, slot, now=1.0)
        assert take_retired(ledger) is first
        ledger.wants_extra = True
        assert (ledger.next_dial_at(1.0) is None) == (max_size == 5)
        assert len(ledger.reserve(1.0)) == (max_size == 9)
        ledger.discard(first, "lifetime")
        assert len(ledger.reserve(1.0)) == (max_size == 5)

    def test_callers_who_wait_and_the_minimum_come_first(self) -> None:
        ledger, _ = growing(max_size=9, max_dials=1)
        ledger.min_size = 2
        ledger.wants_extra = True
        (slot,) = ledger.reserve(0.0)
        assert not slot.is_for_sharing
        connect(ledger, slot)
        waiting = [queue(ledger), queue(ledger)]
        (slot,) = ledger.reserve(0.0)
        assert not slot.is_for_sharing
        connect(ledger, slot)
        assert all(caller.slot is not None for caller in waiting)
        (slot,) = ledger.reserve(1.0)
        assert slot.is_for_sharing

    def test_a_caller_who_waits_for_a_lease_to_come_back_does_not_delay_it(self) -> None:
        ledger, _ = growing(max_size=9, max_dials=3)
        fill(ledger, 1)
        queue(ledger)
        ledger.reserve(1.0)
        queue(ledger)  # a second dial for leases begins a little later
        ledger.redial.refill_at = 1.0 + STAGGER / 2
        ledger.wants_extra = True
        assert ledger.reserve(1.0) == []
        at = 1.0 + STAGGER / 2
        assert ledger.next_dial_at(1.0) == at
        (slot,) = ledger.reserve(at)
        assert slot.is_for_sharing
        assert ledger.next_dial_at(at) == 1.0 + STAGGER

    def test_it_waits_for_the_end_of_the_pause_after_a_failed_dial(self) -> None:
        ledger, _ = growing()
        ledger.redial.failures = 10
        ledger.wants_extra = True
        (slot,) = ledger.reserve(0.0)
        ledger.dial_failed(slot, REFUSED, 0.0, 0.5)
        assert not ledger.wants_extra
        assert ledger.next_dial_at(0.0) is None  # it is not dialed again by itself
        ledger.wants_extra = True
        assert ledger.next_dial_at(0.0) == 2.5
        assert ledger.reserve(2.4) == []
        (slot,) = ledger.reserve(2.5)
        assert slot.is_for_sharing

    def test_while_the_pool_recovers_it_waits_for_the_dial_in_progress_and_the_pause_after_it(self) -> None:
        ledger, _ = growing(min_size=3, max_size=9)
        for slot in ledger.reserve(0.0):
            connect(ledger, slot)
        for slot in list(ledger.idle_slots):
            ledger.lost(slot, 1.0)
        ledger.wants_extra = True
        (probe,) = ledger.reserve(1.0)
        assert not probe.is_for_sharing
        assert ledger.next_dial_at(1.0) is None
        ledger.min_size = 1
        assert ledger.next_dial_at(1.0) is None  # it waits for the probe
        assert ledger.redial.is_recovering
        ledger.dialed(probe, FOREVER, 1.0, 0.5)
        ledger.min_size = 4  # so that the recovery goes on
        refill_at = 1.0 + REFILL_LEAST / 2
        assert ledger.redial.refill_at == refill_at
        assert ledger.next_dial_at(1.0) == refill_at
        assert ledger.reserve(1.0) == []

    def test_after_a_loss_it_costs_a_token_as_any_other_dial(self) -> None:
        ledger, _ = growing()
        for _ in range(100):
            second = add_extra(ledger)
            ledger.redial.failures = 0
            ledger.lost(second, 0.0)
            ledger.wants_extra = True
            if ledger.next_dial_at(0.0) != 0.0:
                break
        assert ledger.next_dial_at(0.0) == pytest.approx(0.1)
        assert ledger.reserve(0.05) == []
        assert len(ledger.reserve(0.11)) == 1

    def test_it_becomes_the_first_when_the_first_is_lost(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger)
        assert ledger.lost(first, 1.0)
        assert ledger.shared_slots == [second]
        assert ledger.missing_shared == 0
        assert ledger.redial.down_since is None
        assert ledger.reserve(10.0) == []
        assert ledger.next_dial_at(10.0) is None
        ledger.wants_extra = True
        assert len(ledger.reserve(10.0)) == 1

    def test_a_loss_counts_as_an_outage_when_no_other_one_takes_new_work(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger)
        assert ledger.lost(second, 1.0)
        assert ledger.redial.down_since is None
        assert ledger.lost(first, 2.0)
        assert ledger.redial.down_since == 2.0

    def test_one_that_is_being_drained_does_not_keep_the_node_up(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger, retire_at=1.0)
        sweep(ledger, 1.0, None)
        assert take_retired(ledger) is second
        assert ledger.lost(first, 2.0)
        assert ledger.redial.down_since == 2.0

    def test_it_is_not_replaced_when_it_is_lost(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger)
        assert ledger.lost(second, 1.0)
        assert ledger.shared_slots == [first]
        assert ledger.reserve(10.0) == []
        assert ledger.next_dial_at(10.0) is None

    def test_nor_when_it_is_past_its_lifetime(self) -> None:
        ledger, first = growing()
        second = add_extra(ledger, retire_at=5.0)
        assert next_sweep_at(ledger, 1.0, None, None) == 5.0
        sweep(ledger, 5.0, None)
        assert ledger.reserve(5.0) == []
        assert ledger.next_dial_at(5.0) is None
        assert take_retired(ledger) is second
        assert take_retired(ledger) is None
        sweep(ledger, 6.0, None)
        assert take_retired(ledger) is None
        assert next_sweep_at(ledger, 6.0, None, None) is None
        ledger.discard(second, "lifetime")
        assert ledger.shared_slots == [first]
        assert ledger.reserve(5.0) == []

    def test_a_first_one_past_its_lifetime_has_its_replacement_already(self) -> None:
        ledger = make(shared_target=1)
        assert ledger.allow_extra(MOST_EXTRA)
        (first,) = share(ledger, retire_at=5.0)
        second = add_extra(ledger)
        sweep(ledger, 5.0, None)
        assert ledger.reserve(5.0) == []
        assert take_retired(ledger) is first
        ledger.discard(first, "lifetime")
        assert ledger.shared_slots == [second]
        assert ledger.reserve(5.0) == []

    def test_drain_closes_all_but_the_last_and_replaces_that_before_they_are_closed(self) -> None:
        ledger, first = growing(max_size=16)
        second, third = add_extra(ledger), add_extra(ledger)
        ledger.drain(5.0)
        for slot in (first, second):
            sweep(ledger, 5.0, None)
            assert take_retired(ledger) is slot
            assert ledger.reserve(5.0) == []
            assert next_sweep_at(ledger, 5.0, None, None) == 5.0
            ledger.check()
        sweep(ledger, 5.0, None)
        assert take_retired(ledger) is None  # its replacement is not ready
        assert (ledger.missing_shared, ledger.leaving) == (1, 2)
        (new,) = ledger.reserve(5.0)
        connect(ledger, new, now=5.0)
        assert take_retired(ledger) is third
        for slot in (second, third, first):
            ledger.discard(slot, "lifetime")
            ledger.check()
        assert ledger.shared_slots == [new]
        assert ledger.reserve(5.0) == []

    def test_it_gives_up_its_place_when_all_are_taken_and_not_before(self) -> None:
        ledger, first = growing(max_size=4)
        second = add_extra(ledger)
        fill(ledger, 1)
        assert take_retired(ledger) is None
        (leased,) = fill(ledger, 1)
        assert ledger.size == 4
        assert take_retired(ledger) is second
        assert second.reason == "shed"
        assert take_retired(ledger) is None  # returned only once
        waiting = queue(ledger)
        assert ledger.reserve(0.0) == []
        ledger.discard(second, second.reason)
        (slot,) = ledger.reserve(0.0)
        connect(ledger, slot)
        assert waiting.slot is slot
        assert ledger.shared_slots == [first]
        assert leased.place is Place.LEASED

    def test_a_dial_for_a_lease_takes_a_place_too(self) -> None:
        ledger, _ = growing(max_size=3)
        second = add_extra(ledger)
        queue(ledger)
        ledger.reserve(0.0)
        assert take_retired(ledger) is second

    def test_it_gives_up_its_place_when_the_pool_shrinks(self) -> None:
        ledger, _ = growing(max_size=9)
        second = add_extra(ledger)
        assert take_retired(ledger) is None
        ledger.resize(min_size=0, max_size=2)
        assert take_retired(ledger) is second

    def test_without_one_there_is_nothing_to_give_up(self) -> None:
        ledger, _ = growing(max_size=2)
        fill(ledger, 1)
        assert take_retired(ledger) is None
        two = make(shared_target=2, max_size=2)
        share(two)
        assert take_retired(two) is None

    def test_a_first_one_past_its_lifetime_makes_room_instead(self) -> None:
        ledger = make(shared_target=1, max_size=3)
        assert ledger.allow_extra(MOST_EXTRA)
        (first,) = share(ledger, retire_at=5.0)
        second = add_extra(ledger)
        sweep(ledger, 5.0, None)
        fill(ledger, 1, now=5.0)
        assert take_retired(ledger) is first
        ledger.discard(first, "lifetime")
        assert take_retired(ledger) is None
        assert ledger.shared_slots == [second]

    def test_it_does_not_count_for_an_impatient_caller(self) -> None:
        ledger, _ = growing(max_size=4)
        second = add_extra(ledger)
        fill(ledger, 2)
        assert take_retired(ledger) is second
        waiting = queue(ledger, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)
        ledger.discard(second, "shed")
        for slot in ledger.reserve(1.0):
            connect(ledger, slot)
        assert waiting.slot is not None
        with pytest.raises(PoolExhausted):
            queue(ledger, patient=False)

    @pytest.mark.parametrize("is_first", [True, False])
    def test_nor_while_one_of_the_two_is_past_its_lifetime(self, is_first: bool) -> None:
        ledger = make(shared_target=1, max_size=3)
        assert ledger.allow_extra(MOST_EXTRA)
        (first,) = share(ledger, retire_at=5.0 if is_first else FOREVER)
        second = add_extra(ledger, retire_at=FOREVER if is_first else 5.0)
        sweep(ledger, 5.0, None)
        assert take_retired(ledger) is (first if is_first else second)
        fill(ledger, 1, now=5.0)
        queue(ledger, now=5.0, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, now=5.0, patient=False)

    def test_one_that_waits_for_its_end_beside_its_replacement_counts_where_no_extra_one_is_allowed(self) -> None:
        ledger = make(shared_target=1, max_size=3)
        (old,) = share(ledger, retire_at=5.0)
        sweep(ledger, 5.0, None)
        (new,) = ledger.reserve(5.0)
        connect(ledger, new, now=5.0)
        assert ledger.shared_slots == [old, new]
        queue(ledger, now=5.0, patient=False)
        with pytest.raises(PoolExhausted):
            queue(ledger, now=5.0, patient=False)

    def test_a_closed_ledger_dials_none(self) -> None:
        ledger, _ = growing()
        ledger.wants_extra = True
        ledger.close()
        assert ledger.reserve(0.0) == []
        assert ledger.next_dial_at(0.0) is None


class TestGivingBack:
    def test_a_second_release_changes_nothing(self) -> None:
        ledger = make(max_size=2)
        first, _ = fill(ledger, 2)
        assert ledger.release(first, 0.0, reusable=True)
        assert not ledger.release(first, 0.0, reusable=True)
        assert (ledger.idle, ledger.leased) == (1, 1)

    def test_a_connection_released_twice_never_serves_two(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        first, second = queue(ledger), queue(ledger)
        ledger.release(slot, 0.0, reusable=True)
        assert first.slot is slot
        # A second release by the old holder would end the new lease; the shells prevent it with the lease object.
        assert second.slot is None

    def test_a_broken_connection_frees_its_slot_for_those_who_wait(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        caller = queue(ledger)
        assert ledger.release(slot, 0.0, reusable=False)
        assert ledger.reap() == [slot]
        (new,) = ledger.reserve(0.0)
        connect(ledger, new)
        assert caller.slot is new

    def test_doomed_slots_are_reaped_once(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        ledger.clear()
        assert ledger.reap() == [slot]
        assert ledger.reap() == []

    def test_a_connection_to_be_cleaned_is_in_the_pools_hands_and_serves_the_first_in_line_then(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        caller = queue(ledger)
        assert ledger.take_in(slot, 0.0)
        assert (ledger.leased, ledger.dialing, ledger.size) == (0, 1, 1)
        assert ledger.reserve(0.0) == []
        ledger.made_clean(slot, 0.0)
        assert caller.slot is slot

    def test_one_being_cleaned_takes_no_place_that_is_kept_for_a_shared_connection(self) -> None:
        ledger = make(max_size=2, shared_target=1)
        (slot,) = fill(ledger, 1)
        for shared in [*ledger.shared_slots]:
            ledger.lost(shared, 1.0)
        for dial in ledger.reserve(1.0):
            ledger.dial_failed(dial, REFUSED, 1.0, 0.99)
        slot.epoch = ledger.epoch
        ledger.take_in(slot, 1.0)
        queue(ledger)
        later = 1.0 + STAGGER
        assert ledger.missing_shared == 1
        assert not ledger._wants_lease(later)  # the only slot left is reserved for the shared connection
        assert all(dial.is_for_sharing for dial in ledger.reserve(later))

    def test_cleaning_does_not_use_up_the_dials(self) -> None:
        ledger = make(max_size=4, max_dials=1)
        slots = fill(ledger, 2)
        for slot in slots:
            ledger.take_in(slot, 0.0)
        for _ in range(3):
            queue(ledger)
        assert len(ledger.reserve(0.0)) == 1

    def test_a_connection_that_takes_long_to_clean_is_not_waited_for(self) -> None:
        ledger = make(max_size=2)
        (slot,) = fill(ledger, 1)
        ledger.take_in(slot, 5.0)
        caller = queue(ledger, now=5.0)
        assert ledger.reserve(5.0) == []
        assert ledger.next_dial_at(5.0) == 5.0 + STAGGER
        (new,) = ledger.reserve(5.0 + STAGGER)
        connect(ledger, new)
        assert caller.slot is new
        ledger.made_clean(slot, 9.0)
        assert slot.place is Place.IDLE

    def test_what_was_cleaned_does_not_lend_its_dial_to_others(self) -> None:
        ledger = make(max_size=9, max_dials=1)
        slots = fill(ledger, 3)
        for slot in slots:
            ledger.take_in(slot, 0.0)
        ledger.made_clean(slots[0], 0.0)
        ledger.not_made_clean(slots[1])
        ledger.not_made_clean(slots[2])
        assert ledger.take(0.0) is slots[0]
        ledger.release(slots[0], 0.0, reusable=False)
        for _ in range(5):
            queue(ledger)
        assert len(ledger.reserve(0.0)) == 1

    def test_what_could_not_be_cleaned_goes(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        ledger.take_in(slot, 0.0)
        ledger.not_made_clean(slot)
        assert ledger.reap() == [slot]
        assert ledger.size == 0

    def test_only_a_leased_slot_is_taken_in(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        with pytest.raises(AssertionError, match="is not leased"):
            ledger.take_in(slot, 0.0)

    def test_a_connection_over_age_is_not_cleaned_but_goes(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1, retire_at=5.0)
        assert not ledger.take_in(slot, 5.0)
        assert slot.reason == "lifetime"
        assert ledger.reap() == [slot]

    @pytest.mark.parametrize("place", [Place.IDLE, Place.LEASED, Place.SHARED])
    def test_a_slot_can_be_struck_wherever_it_stands(self, place: Place) -> None:
        ledger = make(shared_target=1)
        (shared,) = share(ledger)
        first, second = fill(ledger, 2)
        ledger.release(first, 0.0, reusable=True)
        slot = {Place.IDLE: first, Place.LEASED: second, Place.SHARED: shared}[place]
        assert slot.place is place
        assert ledger.discard(slot, "unfit")
        assert not ledger.discard(slot, "unfit")
        assert ledger.reap() == [slot]
        ledger.check()


class TestControl:
    def test_resize_closes_idle_connections_at_once_and_leased_ones_when_they_return(self) -> None:
        ledger = make()
        slots = fill(ledger, 4)
        for slot in slots[:2]:
            ledger.release(slot, 0.0, reusable=True)
        ledger.resize(min_size=0, max_size=1)
        assert set(ledger.reap()) == set(slots[:2])
        assert ledger.size == 2
        ledger.release(slots[2], 0.0, reusable=True)
        assert ledger.reap() == [slots[2]]
        ledger.release(slots[3], 0.0, reusable=True)
        assert slots[3].place is Place.IDLE

    def test_a_dial_that_ends_after_a_shrink_is_not_kept(self) -> None:
        ledger = make()
        fill(ledger, 1)
        queue(ledger)
        (slot,) = ledger.reserve(1.0)
        ledger.resize(min_size=0, max_size=1)
        connect(ledger, slot)
        assert slot.reason == "resize"
        assert ledger.size == 1

    def test_a_shrink_leaves_room_for_the_shared_connection_that_is_missing(self) -> None:
        ledger = make(shared_target=1, max_size=4)
        (shared,) = share(ledger)
        idle(ledger, 2)
        ledger.discard(shared, "test")
        ledger.resize(min_size=0, max_size=2)
        (slot,) = ledger.reserve(0.0)
        assert slot.is_for_sharing

    def test_a_shrink_to_shared_connections_only_tells_those_who_wait(self) -> None:
        ledger = make(shared_target=1, max_size=2)
        share(ledger)
        fill(ledger, 1)
        caller = queue(ledger)
        ledger.resize(min_size=0, max_size=1)
        assert isinstance(caller.error, PoolExhausted)

    def test_growth_serves_those_who_wait(self) -> None:
        ledger = make(max_size=1)
        fill(ledger, 1)
        caller = queue(ledger)
        assert ledger.reserve(1.0) == []
        ledger.resize(min_size=0, max_size=2)
        (slot,) = ledger.reserve(1.0)
        connect(ledger, slot)
        assert caller.slot is slot

    def test_clear_closes_idle_connections_and_no_others(self) -> None:
        ledger = make(shared_target=1)
        share(ledger)
        first, second = fill(ledger, 2)
        ledger.release(first, 0.0, reusable=True)
        ledger.clear()
        assert ledger.reap() == [first]
        assert first.reason == "cleared"
        assert (ledger.leased, ledger.shared, second.place) == (1, 1, Place.LEASED)

    def test_hold_idle_takes_all_idle_connections_out_of_reach(self) -> None:
        ledger = make()
        slots = idle(ledger, 2)
        assert ledger.hold_idle(0.0) == slots
        assert ledger.take(0.0) is None
        caller = queue(ledger)
        assert ledger.reserve(0.0) == []  # one of the held slots will be released to it
        ledger.made_clean(slots[0], 0.0)
        assert caller.slot is slots[0]


class TestClosing:
    def test_waiting_and_new_callers_are_told_at_once(self) -> None:
        ledger = make(max_size=1)
        fill(ledger, 1)
        callers = [queue(ledger) for _ in range(3)]
        ledger.close()
        assert all(isinstance(caller.error, PoolClosed) for caller in callers)
        assert len({id(caller.error) for caller in callers}) == 3
        with pytest.raises(PoolClosed, match="the pool of node:1 is closed"):
            queue(ledger)

    def test_idle_connections_go_at_once_and_leased_ones_when_they_return(self) -> None:
        ledger = make()
        first, second = fill(ledger, 2)
        ledger.release(first, 0.0, reusable=True)
        ledger.close()
        assert ledger.reap() == [first]
        ledger.release(second, 0.0, reusable=True)
        assert ledger.reap() == [second]
        assert ledger.size == 0

    def test_dials_that_end_afterwards_are_not_kept(self) -> None:
        ledger = make(shared_target=1)
        queue(ledger)
        dials = ledger.reserve(0.0)
        assert len(dials) == 2
        ledger.close()
        for slot in dials:
            connect(ledger, slot)
            assert slot.reason == "closed"
        assert ledger.size == 0
        assert set(ledger.reap()) == set(dials)

    def test_closing_twice_is_closing_once(self) -> None:
        ledger = make()
        ledger.close()
        ledger.close()
        ledger.check()
        assert ledger.reserve(0.0) == []


class TestTheCheckItself:
    def test_it_finds_a_slot_in_two_places(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        ledger.idle_slots.append(slot)
        with pytest.raises(AssertionError, match="two places"):
            ledger.check()

    def test_it_finds_a_slot_that_believes_to_be_elsewhere(self) -> None:
        ledger = make()
        (slot,) = idle(ledger, 1)
        slot.place = Place.LEASED
        with pytest.raises(AssertionError, match="elsewhere"):
            ledger.check()

    def test_it_finds_somebody_waiting_beside_an_idle_connection(self) -> None:
        ledger = make()
        idle(ledger, 1)
        ledger.waiters[Caller()] = None
        with pytest.raises(AssertionError, match="somebody waits"):
            ledger.check()

    def test_it_finds_a_connection_or_a_caller_that_a_closed_pool_has_left(self) -> None:
        for leave in (lambda ledger: idle(ledger, 1), queue):
            ledger = make()
            leave(ledger)
            ledger.check()
            ledger.closed = True
            with pytest.raises(AssertionError, match="serves nobody"):
                ledger.check()

    def test_a_slot_shows_where_it_stands(self) -> None:
        assert repr(Slot(3)) == "<Slot dialing epoch=3>"
