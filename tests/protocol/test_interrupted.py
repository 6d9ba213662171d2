"""Ledger and wire interrupted at every possible moment: their decisions hold and their counts are right.

``interrupting`` explains how the moments are found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interrupting import Interrupted, interrupted_at, interrupted_behind, moments
from respool._pooling.ledger import Ledger
from respool._pooling.quota import Quota
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import due_for_check, sweep
from respool._protocol.wire import Wire
from respool.errors import ConnectionLost

Interrupt = Callable[..., bool]
MODES = pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])


class Told:
    """A caller of the wire; it accepts one result, like a future."""

    def __init__(self, name: str, *, has_given_up: bool = False) -> None:
        self.name = name
        self.answer: Any = None
        self.has_given_up = has_given_up

    def set_result(self, value: Any, /) -> None:
        if self.has_given_up or self.answer is not None:
            raise Interrupting
        self.answer = value

    def done(self) -> bool:
        return self.has_given_up


class Interrupting(Exception):
    """Nobody waits."""


@MODES
@pytest.mark.parametrize("what", ["fail", "take"])
def test_whoever_was_written_is_never_told_that_nothing_was(interrupt: Interrupt, what: str) -> None:
    for moment in moments():
        wire = Wire(abandoned=Interrupting)
        written = [Told("one"), Told("gone", has_given_up=True), Told("many")]
        wire.submit(b"1", written[0])
        wire.submit(b"2", written[1])
        wire.submit_many(b"345", 3, written[2])
        wire.take()
        unwritten = [Told("four"), Told("left", has_given_up=True), Told("lots", has_given_up=True), Told("run")]
        wire.submit(b"6", unwritten[0])
        wire.submit(b"7", unwritten[1])
        wire.submit_many(b"890", 3, unwritten[2])
        wire.submit_many(b"ab", 2, unwritten[3])
        wire.withdrawn = 2

        def fail(wire: Wire = wire) -> None:
            wire.fail(lambda: ConnectionLost("", executed="no"), lambda: ConnectionLost("", executed="unknown"))

        was_interrupted = interrupt(moment, fail if what == "fail" else wire.take)
        fail()
        assert [told.answer and told.answer.executed for told in written] == ["unknown", None, "unknown"], moment
        if what == "fail":
            answers = [told.answer and told.answer.executed for told in unwritten]
            assert answers == ["no", None, None, "no"], moment
            assert wire.taken_back == 4, moment
        assert (wire.owes, wire.unwritten, wire.heavy_bytes) == (0, 0, 0)
        if not was_interrupted:
            return


class Queued:
    """A waiting caller; ``offer`` and ``fail`` return False when it has given up."""

    since = 0.0

    def __init__(self) -> None:
        self.outcome: Any = None

    def offer(self, slot: Slot) -> bool:
        if self.outcome is not None:
            return False
        self.outcome = slot
        return True

    def fail(self, error: BaseException) -> bool:
        if self.outcome is not None:
            return False
        self.outcome = error
        return True


def ledger_at_work() -> tuple[Ledger, list[Slot]]:
    """Return a ledger with a shared slot, two leases, an idle slot, one being reset and one being dialed."""
    ledger = Ledger(now=0.0, min_size=0, max_size=8, shared_target=1, max_dials=8, quota=Quota(8))
    slots = ledger.reserve(0.0)
    for _ in range(4):
        ledger.enqueue(Queued(), 0.0, patient=True)
    slots += ledger.reserve(0.0)
    for slot in slots:
        ledger.dialed(slot, 100.0, 0.0)
    leased = ledger.leased_slots
    ledger.take_in(leased[0], 0.0)
    ledger.release(leased[1], 0.0, reusable=True)
    ledger.enqueue(Queued(), 0.0, patient=True)  # leases the idle slot again
    ledger.release(leased[2], 0.0, reusable=True)
    for _ in range(3):
        ledger.enqueue(Queued(), 0.0, patient=True)
    slots += ledger.reserve(0.1)
    ledger.check()
    assert slots[-1].place is Place.DIALING
    return ledger, slots


def _first(ledger: Ledger, place: Place) -> Slot:
    everywhere = (*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots, *ledger.dials)
    return next(slot for slot in everywhere if slot.place is place and slot.is_reset)  # the slot being reset


#: What threads do to a ledger; an interrupted thread repeats the same call.
STEPS: dict[str, Callable[[Ledger, list[Slot]], Any]] = {
    "release": lambda ledger, _: ledger.release(ledger.leased_slots[0], 1.0, reusable=True),
    "release broken": lambda ledger, _: ledger.release(ledger.leased_slots[0], 1.0, reusable=False),
    "take in": lambda ledger, _: ledger.take_in(ledger.leased_slots[0], 1.0),
    "made clean": lambda ledger, _: ledger.made_clean(_first(ledger, Place.DIALING), 1.0),
    "not made clean": lambda ledger, _: ledger.not_made_clean(_first(ledger, Place.DIALING)),
    "dialed": lambda ledger, slots: ledger.dialed(slots[-1], 100.0, 1.0),
    "dial failed": lambda ledger, slots: ledger.dial_failed(slots[-1], ConnectionLost(""), 1.0, 0.5),
    "abandoned": lambda ledger, slots: ledger.abandon_dial(slots[-1]),
    "lost while shared": lambda ledger, _: ledger.lost(ledger.shared_slots[0], 1.0),
    "lost while leased": lambda ledger, _: ledger.lost(ledger.leased_slots[0], 1.0),
    "discard": lambda ledger, _: ledger.discard(ledger.shared_slots[0], "x"),
    "close": lambda ledger, _: ledger.close(),
    "resize": lambda ledger, _: ledger.resize(min_size=0, max_size=1),
    "reserve": lambda ledger, _: ledger.reserve(1.0),
}

IDLE_STEPS: dict[str, Callable[[Ledger, list[Slot]], Any]] = {
    "take": lambda ledger, _: ledger.take(1.0),
    "take what is over age": lambda ledger, _: ledger.take(1000.0),
    "enqueue": lambda ledger, _: ledger.enqueue(Queued(), 1.0, patient=True),
    "hold idle": lambda ledger, _: ledger.hold_idle(1.0),
    "check": lambda ledger, _: due_for_check(ledger, 1000.0, 1.0),
    "clear": lambda ledger, _: ledger.clear(),
    "sweep": lambda ledger, _: sweep(ledger, 1000.0, 1.0),
    "lost while idle": lambda ledger, _: ledger.lost(ledger.idle_slots[0], 1.0),
    "shrink": lambda ledger, _: ledger.resize(min_size=0, max_size=2),
}


def all_are_somewhere(ledger: Ledger, slots: list[Slot]) -> None:
    """Check that every slot is in one place, and that all counts agree."""
    ledger.check()
    assert ledger.quota is not None
    assert ledger.quota.count == ledger.size
    assert ledger._resets == sum(slot.is_reset for slot in ledger.dials)
    placed = [*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots, *ledger.dials, *ledger.to_close]
    for slot in slots:
        was_called_off = slot is slots[-1] and slot.place is Place.OUT and slot not in ledger.to_close
        assert placed.count(slot) == 1 or was_called_off, slot
    for slot in ledger.to_close:
        assert slot.place is Place.OUT


@MODES
@pytest.mark.parametrize("step", STEPS)
def test_a_slot_stands_in_one_place_whatever_interrupts_its_move(interrupt: Interrupt, step: str) -> None:
    for moment in moments():
        ledger, slots = ledger_at_work()
        was_interrupted = interrupt(moment, lambda: STEPS[step](ledger, slots))
        if ledger.closed:
            ledger.close()  # again: not all waiters had their error yet
        all_are_somewhere(ledger, slots)
        if not was_interrupted:
            return


@MODES
@pytest.mark.parametrize("step", IDLE_STEPS)
def test_an_idle_slot_stands_in_one_place_whatever_interrupts_its_move(interrupt: Interrupt, step: str) -> None:
    for moment in moments():
        ledger, slots = ledger_at_work()
        ledger.dialed(slots[-1], 100.0, 0.5)
        while ledger.leased:
            ledger.release(ledger.leased_slots[0], 0.5, reusable=True)
        assert ledger.idle
        was_interrupted = interrupt(moment, lambda: IDLE_STEPS[step](ledger, slots))
        all_are_somewhere(ledger, slots)
        if not was_interrupted:
            return


#: Who asks for a slot, or gives one back, in the steps below: all that an interrupted call has is discarded.
ME = "a call"


def ledger_with_kept() -> tuple[Ledger, list[Slot]]:
    """Return the same ledger when two threads have kept a slot each, nobody waits, and all others are leased."""
    ledger, slots = ledger_at_work()
    ledger.dialed(slots[-1], 100.0, 0.5)
    while ledger.leased:
        ledger.release(ledger.leased_slots[0], 0.5, reusable=True)
    while ledger.idle_slots:
        ledger.take(0.5)
    for slot, name in zip(ledger.leased_slots, ("newer", "older"), strict=False):
        slot.taker = ME
        assert ledger.keep(slot, name, 0.5 if name == "older" else 0.6, ME)
    ledger.check()
    assert ledger.leased
    return ledger, slots


def given_back(ledger: Ledger) -> Slot:
    """Return a leased slot whose caller gives it back."""
    slot = next(slot for slot in ledger.leased_slots if slot.place is Place.LEASED)
    slot.taker = ME
    return slot


KEEPING_STEPS: dict[str, Callable[[Ledger], Any]] = {
    "keep": lambda ledger: ledger.keep(given_back(ledger), "third", 1.0, ME),
    "keep another one": lambda ledger: ledger.keep(given_back(ledger), "newer", 1.0, ME),
    "take what was kept": lambda ledger: ledger.take_kept("older", 1.0, ME),
    "gather": lambda ledger: ledger.gather(),
    "take": lambda ledger: ledger.take(1.0, ME),
    "enqueue": lambda ledger: ledger.enqueue(Queued(), 1.0, patient=True, taker=ME),
    "release": lambda ledger: ledger.release(given_back(ledger), 1.0, reusable=True),
    "release broken": lambda ledger: ledger.release(given_back(ledger), 1.0, reusable=False),
    "made clean": lambda ledger: ledger.made_clean(_first(ledger, Place.DIALING), 1.0),
    "lost while kept": lambda ledger: ledger.lost(ledger.kept_slots[0], 1.0),
    "drop taken": lambda ledger: ledger.drop_taken(ME),
    "hold idle": lambda ledger: ledger.hold_idle(1.0, ME),
    "sweep": lambda ledger: sweep(ledger, 1000.0, 1.0),
    "shrink": lambda ledger: ledger.resize(min_size=0, max_size=2),
    "clear": lambda ledger: ledger.clear(),
    "close": lambda ledger: ledger.close(),
}


@MODES
@pytest.mark.parametrize("step", KEEPING_STEPS)
def test_a_kept_slot_has_an_owner_or_is_found_whatever_interrupts(interrupt: Interrupt, step: str) -> None:
    for moment in moments():
        ledger, slots = ledger_with_kept()
        owned = [slot for slot in ledger.leased_slots if slot.place is Place.LEASED]
        were_kept = ledger.kept_slots
        was_interrupted = interrupt(moment, lambda: KEEPING_STEPS[step](ledger))
        if ledger.closed:
            ledger.close()  # again, as who closes does
        all_are_somewhere(ledger, slots)
        for slot in {*owned, *were_kept} & {*ledger.leased_slots}:
            if slot in ledger.kept_slots:
                assert (slot.place, slot.taker) == (Place.KEPT, None), moment
            else:
                assert slot.place is Place.LEASED, moment
                assert slot.taker is ME or slot in owned, moment
        ledger.drop_taken(ME)
        ledger.gather()
        assert ledger.kept_slots == [], moment
        assert {slot for slot in were_kept if slot.place is Place.LEASED} == set()
        all_are_somewhere(ledger, slots)
        if not was_interrupted:
            return


@MODES
def test_an_interrupted_loss_is_a_loss_once(interrupt: Interrupt) -> None:
    for moment in moments():
        ledger, _ = ledger_at_work()
        slot = ledger.shared_slots[0]
        news: list[bool] = []
        was_interrupted = interrupt(moment, lambda: news.append(ledger.lost(slot, 1.0)))
        if was_interrupted and not slot.is_lost:
            assert slot.place is Place.SHARED, moment
            news.append(ledger.lost(slot, 1.0))
        assert news == [True]
        assert (ledger.epoch, slot.place, ledger.lost(slot, 1.0)) == (1, Place.OUT, False)
        if not was_interrupted:
            return


@MODES
def test_everybody_in_line_hears_of_the_closing(interrupt: Interrupt) -> None:
    for moment in moments():
        ledger = Ledger(now=0.0, max_size=1)
        line = [Queued() for _ in range(3)]
        for waiter in line:
            ledger.enqueue(waiter, 0.0, patient=True)
        was_interrupted = interrupt(moment, ledger.close)
        ledger.close()
        assert all(isinstance(waiter.outcome, Exception) for waiter in line), moment
        assert not ledger.waiting
        if not was_interrupted:
            return


def test_the_interrupter_interrupts() -> None:
    assert interrupted_at(0, lambda: Wire().take())
    assert interrupted_behind(0, lambda: Wire().take())
    assert not interrupted_at(1000, lambda: Wire().take())
    assert not interrupted_behind(1000, lambda: Wire().take())
    with pytest.raises(Interrupted):
        raise Interrupted
