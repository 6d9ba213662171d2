"""What threads keep, and every order in which others may look for it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pooling import turns
from pooling.books import Caller, connect, fill, make, queue
from pooling.turns import in_all_orders
from respool._pooling import books, out_of_time
from respool._pooling.ledger import Ledger
from respool._pooling.quota import Quota
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import sweep
from respool.errors import PoolTimeout

US, THEM, ME = "one thread", "another", "a call"


def keep(ledger: Ledger, slot: Slot, name: str = US, now: float = 1.0) -> bool:
    return ledger.keep(slot, name, now, ME)


def kept(*, now: float = 1.0, **options: Any) -> tuple[Ledger, Slot]:
    """Return a ledger and the one slot that a thread has kept."""
    ledger = make(**options)
    (slot,) = fill(ledger, 1)
    slot.taker = ME
    assert keep(ledger, slot, now=now)
    return ledger, slot


class TestKeeping:
    def test_a_thread_finds_what_it_has_kept_once(self) -> None:
        ledger, slot = kept()
        assert (slot.taker, slot.idle_since) == (None, 1.0)
        assert ledger.take_kept(US, 2.0, ME) is slot
        assert slot.taker is ME
        assert ledger.take_kept(US, 2.0, ME) is None
        assert ledger.release(slot, 2.0, reusable=True)

    def test_a_thread_does_not_find_what_another_has_kept(self) -> None:
        ledger, slot = kept()
        assert ledger.take_kept(THEM, 2.0, ME) is None
        assert ledger.take_kept(US, 2.0, ME) is slot

    def test_for_all_others_it_is_idle(self) -> None:
        ledger, slot = kept()
        assert (ledger.idle, ledger.leased, ledger.size) == (1, 0, 1)
        ledger.check()
        assert ledger.take(2.0, THEM) is slot
        assert (ledger.idle, ledger.leased, slot.taker) == (0, 1, THEM)
        assert ledger.take_kept(US, 2.0, ME) is None
        assert ledger.take(2.0) is None

    def test_what_is_idle_already_is_lent_first(self) -> None:
        ledger = make()
        one, other = fill(ledger, 2)
        ledger.release(one, 1.0, reusable=True)
        assert keep(ledger, other, now=2.0)
        assert ledger.take(3.0) is one
        assert ledger.take(3.0) is other

    def test_of_several_the_last_is_kept_and_all_come_back_in_order(self) -> None:
        ledger = make()
        slots = fill(ledger, 3)
        for now, slot in enumerate(slots):
            if not keep(ledger, slot, now=float(now)):
                ledger.release(slot, float(now), reusable=True)
        again = [ledger.take_kept(US, 3.0, ME), ledger.take(3.0), ledger.take(3.0)]
        assert again == slots[::-1]

    def test_who_keeps_another_one_finds_the_newer(self) -> None:
        ledger = make()
        one, other = fill(ledger, 2)
        assert keep(ledger, one)
        assert ledger.take(2.0, THEM) is one
        assert keep(ledger, other)
        assert ledger.take_kept(US, 3.0, ME) is other

    def test_gathered_ones_stand_in_the_order_in_which_they_were_given_back(self) -> None:
        ledger = make(max_size=5)
        slots = fill(ledger, 4)
        for slot, name, now in zip(slots, "dcba", (3.0, 1.0, 2.0, 0.0), strict=True):
            if name == "c":
                ledger.release(slot, now, reusable=True)
            else:
                assert keep(ledger, slot, name, now)
        assert [slot.idle_since for slot in ledger.gather()] == [0.0, 1.0, 2.0, 3.0]
        assert {slot.place for slot in slots} == {Place.IDLE}
        ledger.check()
        assert ledger.kept_slots == []
        assert ledger.take_kept("a", 4.0, ME) is None

    def test_the_order_of_idle_ones_or_a_quota_may_forbid_it(self) -> None:
        assert make().may_keep
        assert not make(lifo=False).may_keep
        assert not make(quota=Quota(4)).may_keep


class TestWhatMustNotStay:
    def test_while_a_caller_waits(self) -> None:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        caller = queue(ledger)
        assert not keep(ledger, slot)
        assert ledger.release(slot, 1.0, reusable=True)
        assert caller.slot is slot

    def test_after_the_end(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        ledger.close()
        assert not keep(ledger, slot)

    def test_of_an_older_epoch(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1)
        ledger.drain(0.5)
        assert not keep(ledger, slot)

    @pytest.mark.parametrize(("now", "stays"), [(9.9, True), (10.0, False)])
    def test_past_its_lifetime(self, now: float, stays: bool) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1, retire_at=10.0)
        assert keep(ledger, slot, now=now) is stays

    @pytest.mark.parametrize(("max_size", "stays"), [(3, True), (2, False)])
    def test_where_a_shared_connection_may_need_the_place(self, max_size: int, stays: bool) -> None:
        ledger = make(max_size=3, shared_target=1)
        (shared,) = ledger.reserve(0.0)
        connect(ledger, shared)
        (slot,) = fill(ledger, 1)
        ledger.resize(min_size=0, max_size=max_size)
        assert keep(ledger, slot) is stays

    def test_one_that_is_refused_is_as_it_was(self) -> None:
        ledger = make()
        one, other = fill(ledger, 2)
        other.taker = THEM
        assert keep(ledger, one)
        before = other.idle_since
        assert not keep(ledger, other)
        assert (other.taker, other.idle_since) == (THEM, before)
        assert ledger.take_kept(US, 2.0, ME) is one


class TestWhatWasKept:
    def test_one_past_its_lifetime_is_not_taken_but_closed(self) -> None:
        ledger = make()
        (slot,) = fill(ledger, 1, retire_at=10.0)
        assert keep(ledger, slot, now=9.0)
        assert ledger.take_kept(US, 10.0, ME) is None
        assert ledger.take(10.0) is None
        assert ledger.reap() == [slot]

    def test_one_of_an_older_epoch_is_not_taken_but_closed(self) -> None:
        ledger, slot = kept()
        ledger.new_epoch()
        assert ledger.take_kept(US, 2.0, ME) is None
        assert ledger.take(2.0) is None
        assert ledger.reap() == [slot]

    def test_a_good_one_is_found_behind_idle_ones_that_are_not(self) -> None:
        ledger = make()
        old, good = fill(ledger, 2)
        ledger.release(old, 0.0, reusable=True)
        old.retire_at = 1.0
        assert keep(ledger, good)
        assert ledger.take(2.0) is good
        assert ledger.reap() == [old]

    def test_nobody_is_told_that_all_are_in_use(self) -> None:
        ledger, slot = kept(max_size=1)
        caller = queue(ledger, patient=False)
        assert caller.slot is slot

    def test_the_end_closes_it(self) -> None:
        ledger, slot = kept()
        ledger.close()
        assert ledger.reap() == [slot]
        assert ledger.size == 0

    def test_a_smaller_pool_closes_it(self) -> None:
        ledger = make()
        one, other = fill(ledger, 2)
        assert keep(ledger, one)
        ledger.resize(min_size=0, max_size=1)
        assert ledger.reap() == [one]
        assert ledger.leased_slots == [other]

    def test_it_is_held_with_the_idle_ones(self) -> None:
        ledger, slot = kept()
        assert ledger.hold_idle(2.0, THEM) == [slot]
        assert (slot.place, slot.taker) == (Place.DIALING, THEM)

    def test_unused_ones_are_closed_as_if_they_were_idle(self) -> None:
        ledger, slot = kept()
        assert sweep(ledger, 10.0, 5.0)
        assert ledger.reap() == []  # it was used
        assert sweep(ledger, 20.0, 5.0)
        assert ledger.reap() == [slot]

    def test_the_lowest_mark_of_a_period_stays_when_more_come_back(self) -> None:
        ledger = make()
        for slot in fill(ledger, 3):
            ledger.release(slot, 1.0, reusable=True)
        sweep(ledger, 10.0, 5.0)
        for slot in [ledger.take(11.0), ledger.take(11.0)]:
            assert slot is not None
            ledger.release(slot, 12.0, reusable=True)
        ledger.take(13.0)
        assert (ledger.idle, ledger.low_water) == (2, 1)

    def test_of_threads_that_take_turns_not_each_needs_one(self) -> None:
        ledger = make()
        for slot, name in zip(fill(ledger, 3), "abc", strict=True):
            assert keep(ledger, slot, name)
        sweep(ledger, 10.0, 5.0)
        for name in "abcabc":
            slot = ledger.take_kept(name, 11.0, ME) or ledger.take(11.0, ME)
            assert slot is not None
            assert keep(ledger, slot, name, now=11.0)
        assert (ledger.low_water, ledger.idle) == (2, 3)
        taken = [ledger.take_kept(name, 12.0, ME) for name in "ab"]
        assert ledger.low_water == 1
        for slot, name in zip(taken, "ab", strict=True):
            assert slot is not None
            assert keep(ledger, slot, name, now=12.0)
        assert ledger.take_kept("c", 13.0, ME)
        assert (ledger.low_water, ledger.idle) == (1, 2)
        sweep(ledger, 20.0, 5.0)
        assert [slot.reason for slot in ledger.reap()] == ["idle"]

    def test_nobody_discards_it_who_has_not_taken_it(self) -> None:
        ledger, slot = kept()
        assert not ledger.discard(slot, "late")
        assert ledger.take_kept(US, 2.0, ME) is slot

    def test_one_that_is_given_back_comes_after_it(self) -> None:
        ledger = make()
        one, other = fill(ledger, 2)
        assert keep(ledger, one)
        ledger.release(other, 2.0, reusable=True)
        assert list(ledger.idle_slots) == [one, other]


# Every order -----------------------------------------------------------------------------------------------------

#: What another thread does meanwhile, and what holds then: it gets the ledger, the slot, and its own result.
Meanwhile = Callable[[Ledger], Any]


def _enqueue(ledger: Ledger) -> Caller:
    return queue(ledger, now=1.0)


def _enqueue_two(ledger: Ledger) -> list[Caller]:
    return [queue(ledger, now=1.0), queue(ledger, now=1.0)]


def _drain(ledger: Ledger) -> None:
    ledger.drain(1.0)
    sweep(ledger, 1.0, None)


def _is_free(ledger: Ledger, slot: Slot) -> bool:
    return slot in (*ledger.idle_slots, *ledger.kept_slots)


def _is_closed(ledger: Ledger, slot: Slot) -> bool:
    return slot.place is Place.OUT and ledger.to_close == [slot]


AFTER_KEEPING: dict[str, tuple[Meanwhile, Callable[[Ledger, Slot, Any], bool]]] = {
    "a caller queues": (_enqueue, lambda ledger, slot, caller: caller.slot is slot and not ledger.idle),
    "two callers queue": (
        _enqueue_two,
        lambda ledger, slot, callers: [each.slot for each in callers] == [slot, None] and ledger.waiting == 1,
    ),
    "the ledger is closed": (lambda ledger: ledger.close(), lambda ledger, slot, _: _is_closed(ledger, slot)),
    "the ledger becomes smaller": (
        lambda ledger: ledger.resize(min_size=0, max_size=1),
        lambda ledger, slot, _: _is_closed(ledger, slot),
    ),
    "all are replaced": (_drain, lambda ledger, slot, _: _is_closed(ledger, slot)),
    "idle ones are held": (
        lambda ledger: ledger.hold_idle(1.0),
        lambda ledger, slot, held: (held == [slot]) != _is_free(ledger, slot),
    ),
    "idle ones are closed": (
        lambda ledger: ledger.clear(),
        lambda ledger, slot, _: _is_closed(ledger, slot) != _is_free(ledger, slot),
    ),
    "another thread takes one": (
        lambda ledger: ledger.take(1.0, THEM),
        lambda ledger, slot, taken: (taken is slot) != _is_free(ledger, slot),
    ),
}


@pytest.mark.parametrize("meanwhile", AFTER_KEEPING)
def test_who_looks_while_a_slot_is_kept_finds_it_or_comes_first(meanwhile: str) -> None:
    act, holds = AFTER_KEEPING[meanwhile]

    def make_works() -> Any:
        ledger = make(max_size=2)
        slot, _ = fill(ledger, 2)
        slot.taker = ME

        def check(has_kept: bool, result: Any) -> None:
            if not has_kept:
                assert slot.taker is ME
                assert ledger.release(slot, 1.0, reusable=True)
            assert holds(ledger, slot, result)
            ledger.check()

        return lambda: keep(ledger, slot), lambda: act(ledger), check

    assert in_all_orders(make_works, comes_twice=meanwhile == "two callers queue") > 50


@pytest.mark.parametrize("meanwhile", AFTER_KEEPING)
def test_what_is_taken_again_while_others_look_has_one_owner(meanwhile: str) -> None:
    act, holds = AFTER_KEEPING[meanwhile]

    def make_works() -> Any:
        ledger = make(max_size=2)
        slot, _ = fill(ledger, 2)
        assert keep(ledger, slot)

        def check(taken: Slot | None, result: Any) -> None:
            if taken is not None:
                assert (taken, slot.taker, slot.place) == (slot, ME, Place.LEASED)
                assert not _is_free(ledger, slot)
                assert ledger.release(slot, 1.0, reusable=True)  # the only owner: no other has it
            assert holds(ledger, slot, result)
            ledger.check()

        return lambda: ledger.take_kept(US, 1.0, ME), lambda: act(ledger), check

    assert in_all_orders(make_works) > 10


@pytest.mark.parametrize("is_kept", [False, True], ids=["kept meanwhile", "taken meanwhile"])
def test_counts_are_of_one_moment(monkeypatch: pytest.MonkeyPatch, *, is_kept: bool) -> None:
    monkeypatch.setattr("pooling.turns.TRACED", turns.TRACED | {books.__file__, out_of_time.__file__})

    def make_works() -> Any:
        ledger = make(max_size=1)
        (slot,) = fill(ledger, 1)
        if is_kept:
            assert keep(ledger, slot)

        def act() -> Any:
            return ledger.take_kept(US, 2.0, ME) if is_kept else keep(ledger, slot)

        def check(error: PoolTimeout, _: object) -> None:
            assert (error.idle, error.leased) in {(0, 1), (1, 0)}
            assert f"idle {error.idle}, leased {error.leased}" in str(error)

        return lambda: out_of_time.out_of_time(ledger, "none", 1.0, 1.0), act, check

    assert in_all_orders(make_works) > 50


def test_one_that_is_taken_while_all_are_gathered_does_not_hide_the_others() -> None:
    def make_works() -> Any:
        ledger = make(max_size=2)
        one, other = fill(ledger, 2)
        assert keep(ledger, one)
        assert keep(ledger, other, THEM)

        def check(taken: Slot | None, held: list[Slot]) -> None:
            assert held == ([other] if taken is one else [one, other])
            ledger.check()

        return lambda: ledger.take_kept(US, 1.0, ME), lambda: ledger.hold_idle(1.0), check

    assert in_all_orders(make_works) > 10
