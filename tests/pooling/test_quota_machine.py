"""Several real ledgers under one quota, in any order of events.

The model plays callers, servers, clocks and the shell. The shell may be late, as that of another thread may be: then a
step is not followed by help, and the promises about needs are only checked after the next help.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from effort import IS_MUTANT, IS_PROOF
from respool._pooling.ledger import Ledger
from respool._pooling.quota import Quota
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import due_for_check, shed, sweep, take_retired
from respool.errors import ConnectFailed, PoolError

PICK = st.integers(min_value=0, max_value=10_000)
FOREVER = float("inf")


class Caller:
    """A caller that waits at one of the ledgers."""

    since = 0.0

    def __init__(self, world: QuotaMachine, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger
        self.wants = True

    def offer(self, slot: Slot) -> bool:
        if self.wants:
            self.wants = False
            self.world.leased[slot] = self.ledger
        return slot in self.world.leased

    def fail(self, error: BaseException) -> bool:
        was_told, self.wants = self.wants, False
        return was_told


class QuotaMachine(RuleBasedStateMachine):
    @initialize(
        limit=st.integers(1, 8),
        shapes=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5), st.integers(0, 1)), min_size=1, max_size=4),
        max_dials=st.integers(1, 3),
        seed=st.integers(0, 100),
    )
    def open(self, limit: int, shapes: list[tuple[int, int, int]], max_dials: int, seed: int) -> None:
        self.now = 1000.0
        self.chance = random.Random(seed)
        self.quota = Quota(limit)
        self.ledgers = [
            Ledger(
                now=self.now,
                min_size=min_size,
                max_size=max(min_size, shared, most),
                shared_target=shared,
                max_dials=max_dials,
                address=f"node:{number}",
                quota=self.quota,
            )
            for number, (min_size, most, shared) in enumerate(shapes)
        ]
        self.dials: dict[Slot, Ledger] = {}
        self.held: dict[Slot, Ledger] = {}
        self.leased: dict[Slot, Ledger] = {}
        self.draining: dict[Slot, Ledger] = {}
        self.callers: list[Caller] = []
        self.is_helped = True
        for ledger in self.ledgers:
            self.settle(ledger)
        self.help()

    # The shell -------------------------------------------------------------------------------------

    def settle(self, ledger: Ledger) -> None:
        """Do what ``Node.settle`` does."""
        self.count()
        ledger.reap()
        for slot in ledger.reserve(self.now):
            self.dials[slot] = ledger
        self.count()
        retired = take_retired(ledger)
        if retired is not None:
            self.draining[retired] = ledger
        dial_at = ledger.next_dial_at(self.now)
        assert dial_at is None or dial_at > self.now, "the clock is asked for what the quota refuses: it would spin"

    def help(self) -> None:
        """Do what the shell must do after every step."""
        for _ in range(100):
            needy = self.quota.next()
            helper = self.quota.helper()
            assert needy is None or helper is None, "a connection is given up although a permit is free"
            if isinstance(needy, Ledger):
                self.settle(needy)
            elif isinstance(helper, Ledger):
                leased, shared, idle = helper.leased, helper.shared, helper.idle
                assert shed(helper)
                assert (helper.leased, helper.shared, helper.idle) == (leased, shared, idle - 1)
                self.settle(helper)
            else:
                break
        else:
            raise AssertionError("the shell never comes to an end")
        self.is_helped = True

    def done(self, ledger: Ledger, *, is_late: bool = False) -> None:
        self.settle(ledger)
        self.is_helped = False
        if not is_late:
            self.help()

    def count(self) -> None:
        """Check the promise: exact at every moment."""
        total = sum(ledger.size for ledger in self.ledgers)
        assert self.quota.count == total
        assert total <= self.quota.limit, "more connections than max_total"

    def pick(self, choices: Any, pick: int) -> Any:
        return list(choices)[pick % len(choices)]

    def take(self, slots: dict[Slot, Ledger], pick: int) -> tuple[Slot, Ledger]:
        slot = self.pick(slots, pick)
        return slot, slots.pop(slot)

    # Callers ---------------------------------------------------------------------------------------

    @rule(pick=PICK, patient=st.booleans(), is_late=st.booleans())
    def acquire(self, pick: int, patient: bool, is_late: bool) -> None:
        ledger = self.pick(self.ledgers, pick)
        caller = Caller(self, ledger)
        is_used_up = not self.quota.free and not any(other.idle for other in self.ledgers)
        has_own = ledger.dialing > ledger.dialing_shared
        try:
            ledger.enqueue(caller, self.now, patient=patient)
        except PoolError:
            caller.wants = False
        else:
            assert patient or not is_used_up or has_own, "an impatient caller waits for what is not there"
            self.callers.append(caller)
        self.done(ledger, is_late=is_late)

    @precondition(lambda self: any(caller.wants for caller in self.callers))
    @rule(pick=PICK, is_late=st.booleans())
    def give_up(self, pick: int, is_late: bool) -> None:
        """Time out, as the lane does it: without settling the node."""
        caller = self.pick([caller for caller in self.callers if caller.wants], pick)
        caller.wants = False
        caller.ledger.withdraw(caller)
        self.is_helped = False
        if not is_late:
            self.help()

    @precondition(lambda self: self.leased)
    @rule(pick=PICK, how=st.sampled_from(["reusable", "reusable", "broken", "reset", "discarded"]), is_late=st.booleans())
    def release(self, pick: int, how: str, is_late: bool) -> None:
        slot, ledger = self.take(self.leased, pick)
        first = [other for other in self.ledgers if other is not ledger and self.lacks_its_first(other)]
        is_tight = self.is_helped and not self.quota.free
        if how in ("broken", "discarded") and ledger.size == 1:
            first.append(ledger)  # it has none then either, and may have asked before the others
        if how == "reset":
            if ledger.take_in(slot, self.now):
                self.held[slot] = ledger
        elif how == "discarded":
            ledger.discard(slot, "test")
        else:
            ledger.release(slot, self.now, reusable=how == "reusable")
        if set(first) - {ledger} and is_tight:
            assert slot.place is Place.OUT, "a node without any connection is next"
        self.done(ledger, is_late=is_late)
        if set(first) - {ledger} and is_tight and not is_late:
            assert any(other.size for other in first), "what a node gave up did not go to one that has none"

    def lacks_its_first(self, ledger: Ledger) -> bool:
        return ledger.size == 0 and self.wants(ledger) and self.would_dial(ledger)

    def wants(self, ledger: Ledger) -> bool:
        """Tell whether somebody needs another connection; not just ``min_size``."""
        coming = ledger.dialing - ledger.dialing_shared
        return ledger.missing_shared > ledger.dialing_shared or ledger.waiting > coming

    @precondition(lambda self: self.held)
    @rule(pick=PICK, is_fit=st.booleans(), is_late=st.booleans())
    def checked_or_cleaned(self, pick: int, is_fit: bool, is_late: bool) -> None:
        slot, ledger = self.take(self.held, pick)
        if is_fit:
            ledger.made_clean(slot, self.now)
        else:
            ledger.not_made_clean(slot)
        self.done(ledger, is_late=is_late)

    # Dials -----------------------------------------------------------------------------------------

    @precondition(lambda self: self.dials)
    @rule(pick=PICK, lifetime=st.sampled_from([5.0, 50.0, FOREVER]), is_late=st.booleans())
    def dialed(self, pick: int, lifetime: float, is_late: bool) -> None:
        slot, ledger = self.take(self.dials, pick)
        slot.connection = object()
        ledger.dialed(slot, self.now + lifetime, self.now, self.chance.random())
        ledger.redial.served()
        assert slot.reason != "shed", "a new connection has served nobody"
        self.done(ledger, is_late=is_late)

    @precondition(lambda self: self.dials)
    @rule(pick=PICK, is_abandoned=st.booleans(), is_late=st.booleans())
    def not_dialed(self, pick: int, is_abandoned: bool, is_late: bool) -> None:
        slot, ledger = self.take(self.dials, pick)
        if is_abandoned:
            ledger.abandon_dial(slot)
        else:
            ledger.dial_failed(slot, ConnectFailed("refused"), self.now, self.chance.random())
        self.settle(ledger)
        ledger.tell_hopeless()
        self.done(ledger, is_late=is_late)

    @rule(pick=PICK, is_late=st.booleans())
    def call_for_a_shared_connection(self, pick: int, is_late: bool) -> None:
        ledger = self.pick(self.ledgers, pick)
        ledger.is_called_for = True
        self.done(ledger, is_late=is_late)

    # Taking out ------------------------------------------------------------------------------------

    @rule(pick=PICK, slot_pick=PICK, is_late=st.booleans())
    def lose(self, pick: int, slot_pick: int, is_late: bool) -> None:
        ledger = self.pick(self.ledgers, pick)
        slots = [*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots]
        if slots:
            ledger.lost(self.pick(slots, slot_pick), self.now)
            self.done(ledger, is_late=is_late)

    @precondition(lambda self: self.draining)
    @rule(pick=PICK, is_late=st.booleans())
    def drained(self, pick: int, is_late: bool) -> None:
        slot, ledger = self.take(self.draining, pick)
        ledger.discard(slot, "lifetime")
        self.done(ledger, is_late=is_late)

    @rule(
        what=st.sampled_from(["drain", "clear", "resize", "close"]),
        pick=PICK,
        min_size=st.integers(0, 3),
        spare=st.integers(1, 6),
    )
    def control(self, what: str, pick: int, min_size: int, spare: int) -> None:
        ledger = self.pick(self.ledgers, pick)
        if what == "drain":
            ledger.drain(self.now)
        elif what == "clear":
            ledger.clear()
        elif what == "resize":
            ledger.resize(min_size=min_size, max_size=min_size + spare)
        elif spare == 6:  # rarely: a closed ledger does little that could be tested
            ledger.close()
        self.done(ledger)

    # Time ------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.005, 0.06, 1.0, 10.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for ledger in self.ledgers:
            self.maintain(ledger)
        self.help()

    def maintain(self, ledger: Ledger) -> None:
        sweep(ledger, self.now, 60.0)
        for slot in due_for_check(ledger, self.now, 30.0):
            if slot.place is Place.DIALING:
                self.held[slot] = ledger
        self.settle(ledger)

    # What always holds -----------------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "quota"):
            return
        self.count()
        for ledger in self.ledgers:
            ledger.check()
            assert not ledger.closed or ledger not in self.quota.needs, "a closed ledger needs nothing"

    @invariant()
    def nobody_is_forgotten(self) -> None:
        if not hasattr(self, "quota") or not self.is_helped:
            return
        quota = self.quota
        for ledger in self.ledgers:
            if self.would_dial(ledger):
                assert ledger in quota.needs, "a ledger in need is not in the line"
        needy = [ledger for ledger in self.ledgers if ledger in quota.needs]
        if needy:
            assert not quota.free or not any(map(self.would_dial, needy)), "somebody waits beside a free permit"
        if any(self.wants(ledger) and self.would_dial(ledger) for ledger in needy):
            assert not any(ledger.idle for ledger in self.ledgers), "somebody waits beside an idle connection"

    def would_dial(self, ledger: Ledger) -> bool:
        """Tell whether a ledger would dial now if there was no quota."""
        ledger.quota, quota = None, ledger.quota
        try:
            return ledger.next_dial_at(self.now) == self.now
        finally:
            ledger.quota = quota

    # The end ---------------------------------------------------------------------------------------

    def serve_everybody(self) -> None:
        """Let every dial succeed and every lease end: all callers are served, or have an error."""
        for _ in range(60 * len(self.ledgers)):
            for slot, ledger in list(self.dials.items()):
                del self.dials[slot]
                slot.connection = object()
                ledger.dialed(slot, FOREVER, self.now, 0.0)
                ledger.redial.served()
                self.done(ledger)
            for slot, ledger in list(self.leased.items()):
                del self.leased[slot]
                ledger.release(slot, self.now, reusable=True)
                self.done(ledger)
            for slots in (self.held, self.draining):
                for slot, ledger in list(slots.items()):
                    del slots[slot]
                    if slot.place is Place.DIALING:
                        ledger.made_clean(slot, self.now)
                    else:
                        ledger.discard(slot, "lifetime")
                    self.done(ledger)
            if not any(caller.wants for caller in self.callers):
                return
            self.time_passes(0.06)
        raise AssertionError("a caller waits for ever, although every lease ends")

    def teardown(self) -> None:
        if not hasattr(self, "quota"):
            return
        self.help()
        if self.quota.limit > sum(ledger.shared_target for ledger in self.ledgers):
            self.serve_everybody()
        for ledger in self.ledgers:
            ledger.close()
        for slot, ledger in self.leased.items():
            ledger.release(slot, self.now, reusable=True)
        for slot, ledger in self.dials.items():
            ledger.abandon_dial(slot)
        for slot, ledger in self.held.items():
            ledger.made_clean(slot, self.now)
        for ledger in self.ledgers:
            for slot in list(ledger.shared_slots):
                ledger.discard(slot, "closed")
            self.settle(ledger)
        self.count()
        assert self.quota.count == 0
        assert self.quota.free == self.quota.limit
        assert self.quota.needs == self.quota.members == {}
        assert self.quota.next() is self.quota.helper() is None


TestQuota = QuotaMachine.TestCase
_USUAL = settings()
_FEWEST = 0 if IS_MUTANT else 1000 if IS_PROOF else 200
TestQuota.settings = settings(_USUAL, max_examples=max(_FEWEST, _USUAL.max_examples))
