"""The ledger against a model that only remembers which caller has which slot, in any order of events.

The model plays the shells: callers that wait, give up and refuse, dials that end well, badly or not at all, a
maintenance task, and time. After every step the ledger must agree with what the callers know.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respool._pooling.books import STAGGER
from respool._pooling.ledger import Ledger
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import RECHECK, due_for_check, give_up_unused, next_sweep_at, sweep, take_retired
from respool.errors import ConnectFailed, PoolClosed, PoolExhausted, TooManyWaiters

PICK = st.integers(min_value=0, max_value=10_000)
FOREVER = float("inf")
MOST_EXTRA = 7  # of all that are tried


class Caller:
    """A caller of ``acquire``: wants a slot, gets one or an error, or gives up and refuses."""

    def __init__(self, world: LedgerMachine) -> None:
        self.world = world
        self.since = world.now
        self.wants = True
        self.slot: Slot | None = None
        self.error: BaseException | None = None

    def offer(self, slot: Slot) -> bool:
        if not self.wants:
            return self.world.refuse(self)
        self.world.hand_over(self, slot)
        return True

    def fail(self, error: BaseException) -> bool:
        if not self.wants:
            return self.world.refuse(self)
        self.world.leave_line(self)
        self.error = error
        self.wants = False
        return True


class LedgerMachine(RuleBasedStateMachine):
    @initialize(
        min_size=st.integers(0, 3),
        spare=st.sampled_from([0, 1, 2, 3, 4, 9, 15]),
        shared=st.integers(0, 2),
        grows=st.booleans(),
        most_extra=st.sampled_from([1, 3, MOST_EXTRA]),
        max_waiting=st.sampled_from([0, 1, 3, 100]),
        max_dials=st.integers(1, 3),
        lifo=st.booleans(),
        seed=st.integers(0, 100),
    )
    def open(
        self,
        min_size: int,
        spare: int,
        shared: int,
        grows: bool,
        most_extra: int,
        max_waiting: int,
        max_dials: int,
        lifo: bool,
        seed: int,
    ) -> None:
        self.now = 1000.0
        self.chance = random.Random(seed)
        self.lifo = lifo
        self.ledger = Ledger(
            now=self.now,
            min_size=min_size,
            max_size=max(1, min_size, shared) + spare,
            shared_target=shared,
            max_waiting=max_waiting,
            max_dials=max_dials,
            lifo=lifo,
            address="node:1",
        )
        self.most_allowed = most_extra
        self.grows = grows and self.ledger.allow_extra(most_extra)
        self.have_met = False  # callers, since the latest dial for an extra shared connection
        self.bound = self.ledger.max_size
        self.most_before = self.most_extra  # so many extra shared connections stay when the pool shrinks
        self.line: list[Caller] = []  # in order of arrival; a caller that gave up silently stays, as in the shells
        self.holders: dict[Slot, Caller] = {}
        self.dials: list[Slot] = []
        self.held: list[Slot] = []  # held by the pool with a connection: being checked or reset
        self.shared: list[Slot] = []
        self.draining: list[Slot] = []
        self.connected: list[Slot] = []  # every slot that ever had a connection
        self.reaped: list[Slot] = []
        self.released: list[Slot] = []
        self.last_kept: dict[int, Slot] = {}  # by threads
        self.keepers: dict[Slot, int] = {}  # who has kept it last
        self.max_idle = 60.0
        self.keepalive = 30.0
        self.fewest_idle = 0  # since the period of ``max_idle`` began
        self.settle()

    # What callers see ------------------------------------------------------------------------------

    def leave_line(self, caller: Caller) -> None:
        earlier = self.line[: self.line.index(caller)] if caller in self.line else []
        assert not any(other.wants for other in earlier), "somebody was overtaken (R-03)"
        if caller in self.line:
            self.line.remove(caller)

    def refuse(self, caller: Caller) -> bool:
        self.line.remove(caller)
        return False

    def hand_over(self, caller: Caller, slot: Slot) -> None:
        ledger = self.ledger
        assert slot not in self.holders, "one connection for two callers (R-27)"
        assert slot in self.connected, "a slot without a connection was handed out"
        assert slot not in [*self.reaped, *ledger.to_close], "a closed connection was handed out"
        assert slot.epoch == ledger.epoch, "a connection of an older epoch was handed out (R-13)"
        assert slot.retire_at > self.now, "a connection over age was handed out (R-15)"
        assert slot.place is Place.LEASED
        self.leave_line(caller)
        self.fewest_idle = min(self.fewest_idle, ledger.idle)
        caller.slot = slot
        caller.wants = False
        self.holders[slot] = caller

    def settle(self) -> None:
        """Do what the shells do after every step."""
        ledger = self.ledger
        for slot in ledger.reap():
            assert slot.place is Place.OUT
            assert slot.reason, "a slot goes with a reason"
            assert slot not in self.reaped, "a slot was reaped twice"
            self.reaped.append(slot)
        self.reserve()
        while self.is_dial_due():  # the dial that ended a recovery may have made another one possible
            assert self.reserve() > 0, "a dial is due that is not made: the maintenance task spins"
        is_retiring, had_extra = ledger.retiring is not None, self.extra > 0
        retired = take_retired(ledger)
        if self.extra and ledger.size >= ledger.max_size:
            assert ledger.retiring or ledger.leaving, "an extra shared connection is in the way of a lease"
        if retired is not None and retired.reason == "shed" and not is_retiring:
            assert had_extra, "the only shared connection is given up"
            assert retired is [slot for slot in ledger.shared_slots if slot not in self.draining][-1]
            assert ledger.size >= ledger.max_size, "an extra shared connection is given up for nothing"
        if retired is not None:
            assert retired.place is Place.SHARED
            assert retired not in self.draining, "a shared connection is drained once"
            assert retired.retire_at <= self.now
            self.draining.append(retired)

    def is_dial_due(self) -> bool:
        at = self.ledger.next_dial_at(self.now)
        return at is not None and at <= self.now

    @property
    def extra(self) -> int:
        return max(0, self.ledger.shared - self.ledger.leaving - 1) if self.grows else 0

    @property
    def most_extra(self) -> int:
        return min(self.most_allowed, max(1, self.ledger.max_size // 2 - 1))

    def reserve(self) -> int:
        ledger = self.ledger
        slow = sum(self.now >= slot.held_at + STAGGER for slot in self.held)  # these no longer count as coming
        short = ledger.waiting - (ledger.dialing - ledger.dialing_shared - slow) - ledger.idle
        below = ledger.min_size - ledger.size
        missing = ledger.missing_shared - ledger.dialing_shared
        renewing = 1 if ledger.renewing is not None and not ledger.dials else 0
        reserved = ledger.reserve(self.now)
        for_sharing = [slot for slot in reserved if slot.is_for_sharing]
        for_leases = [slot for slot in reserved if not slot.is_for_sharing]
        assert not (reserved and ledger.closed)
        if len(for_sharing) > max(missing, 0):
            assert len(for_sharing) == 1, "a shared connection too many"
            assert self.grows, "an extra shared connection where there may be none"
            assert self.have_met, "an extra shared connection that nobody needs"
            assert ledger.missing_shared == 0, "an extra shared connection while the only one is missing"
            assert ledger.dialing_shared == 1, "two extra shared connections at a time"
            assert self.extra < self.most_extra, "more extra shared connections than there may be"
            assert ledger.size < ledger.max_size, "an extra shared connection takes the place of a lease"
            self.have_met = False
        assert len(for_leases) <= max(short, 0) + max(below, 0) + renewing, "a dial that nobody needs (R-06)"
        for slot in reserved:
            assert slot.place is Place.DIALING
            assert slot.epoch == ledger.epoch
        self.dials += reserved
        assert ledger.size <= self.bound or not reserved, "a dial beyond max_size (R-09)"
        spoken_for = max(0, ledger.missing_shared - ledger.dialing_shared)
        assert ledger.size + spoken_for <= ledger.max_size or not for_leases, "the room of a shared connection is taken"
        return len(reserved)

    def usable(self) -> list[Slot]:
        """Return what may be lent, in order; what threads have kept only if nothing else is idle."""
        ledger = self.ledger
        kept = sorted(ledger.kept_slots, key=lambda slot: slot.idle_since)
        good = [[s for s in slots if s.epoch == ledger.epoch and s.retire_at > self.now] for slots in (ledger.idle_slots, kept)]
        return good[0] or good[1]

    def pick(self, choices: list[Any], pick: int) -> Any:
        return choices[pick % len(choices)]

    # Callers ----------------------------------------------------------------------------------------

    @rule(patient=st.booleans())
    def acquire(self, patient: bool) -> None:
        ledger = self.ledger
        caller = Caller(self)
        anybody = any(other.wants for other in self.line) or ledger.waiting
        usable = self.usable()
        slot = ledger.take(self.now)
        assert (slot is None) == (not usable), "an idle connection is given at once, and only a good one (R-02)"
        if slot is not None:
            assert not anybody, "nobody overtakes those who wait (R-02)"
            assert slot is usable[-1 if self.lifo else 0], "the wrong end of the idle set (R-08)"
            self.hand_over(caller, slot)
            self.settle()
            return
        self.settle()
        self.enqueue(caller, patient=patient)
        self.settle()

    def enqueue(self, caller: Caller, *, patient: bool) -> None:
        ledger = self.ledger
        usable = self.usable()
        waiting = ledger.waiting
        in_service = ledger.shared - ledger.leaving
        kept = in_service + ledger.missing_shared - self.extra  # the extra ones go when leases need their places
        left = ledger.max_size - kept - ledger.leased - waiting
        self.line.append(caller)
        try:
            ledger.enqueue(caller, self.now, patient=patient)
        except PoolClosed:
            assert ledger.closed
        except TooManyWaiters:
            assert not usable
            assert waiting >= ledger.max_waiting
        except PoolExhausted:
            assert not usable
            assert ledger.leasable <= 0 or (not patient and left <= 0), (
                "told that all is out while a slot is left (R-10)"
            )
        else:
            assert not ledger.closed
            if usable:
                assert caller.slot is not None, "a caller was queued while a connection is idle"
            else:
                assert waiting < ledger.max_waiting, "more callers wait than may (R-04)"
                assert patient or left > 0
            return
        self.line.remove(caller)
        caller.wants = False

    @rule(patient=st.booleans())
    def enqueue_late(self, patient: bool) -> None:
        """Queue a caller that another thread overtook after ``take``: there may be an idle slot now."""
        self.enqueue(Caller(self), patient=patient)
        self.settle()

    @precondition(lambda self: self.line)
    @rule(pick=PICK)
    def withdraw(self, pick: int) -> None:
        caller = self.pick(self.line, pick)
        caller.wants = False
        self.line.remove(caller)
        self.ledger.withdraw(caller)
        self.settle()

    @precondition(lambda self: any(caller.wants for caller in self.line))
    @rule(pick=PICK)
    def give_up_silently(self, pick: int) -> None:
        """Let a caller time out: it refuses offers from now on, but has not withdrawn yet."""
        self.pick([caller for caller in self.line if caller.wants], pick).wants = False

    @precondition(lambda self: self.holders)
    @rule(pick=PICK, reusable=st.booleans())
    def release(self, pick: int, reusable: bool) -> None:
        slot = self.pick(list(self.holders), pick)
        del self.holders[slot]
        keen = [caller for caller in self.line if caller.wants]
        is_good = self.is_good(slot) and reusable
        assert self.ledger.release(slot, self.now, reusable=reusable)
        if is_good and keen:
            assert keen[0].slot is slot, "the first in line gets what comes back (R-03)"
        elif is_good:
            assert slot.place is Place.IDLE
        else:
            assert slot.place is Place.OUT
            assert slot in self.ledger.to_close
        self.released.append(slot)
        self.settle()

    @precondition(lambda self: self.holders and self.ledger.may_keep)
    @rule(pick=PICK, name=st.integers(0, 2))
    def keep(self, pick: int, name: int) -> None:
        """Let a thread keep the slot that it gives back."""
        ledger = self.ledger
        slot = self.pick(list(self.holders), pick)
        last = self.last_kept.get(name)
        may_stay = self.is_good(slot) and not ledger.waiting and ledger.size + ledger.shared_target <= ledger.max_size
        has_kept = ledger.keep(slot, name, self.now, self)
        if last not in ledger.kept_slots or last is slot:
            assert has_kept == may_stay
        elif self.keepers[last] == name:
            assert not has_kept, "a thread keeps two"
        else:  # it was passed on to another thread, and this one may not know it
            assert may_stay or not has_kept
        if has_kept:
            self.last_kept[name] = slot
            self.keepers[slot] = name
            del self.holders[slot]
            self.released.append(slot)
        self.settle()

    @rule(name=st.integers(0, 2))
    def take_kept(self, name: int) -> None:
        ledger = self.ledger
        last = self.last_kept.get(name)
        is_usable = last in ledger.kept_slots and last.epoch == ledger.epoch and last.retire_at > self.now
        slot = ledger.take_kept(name, self.now, self)
        if is_usable and self.keepers[last] != name:
            assert slot in (last, None), "a thread finds what it has kept once, unless it is in use"
        else:
            assert slot is (last if is_usable else None), "a thread finds what it has kept, and nothing else"
        if slot is not None:
            assert slot.taker is self
            self.hand_over(Caller(self), slot)
        self.settle()

    def is_good(self, slot: Slot) -> bool:
        """Tell whether a slot being released, which is in no place at this moment, may stay."""
        ledger = self.ledger
        others = ledger.size - 1 + max(0, ledger.missing_shared - ledger.dialing_shared)
        return (
            not ledger.closed and slot.epoch == ledger.epoch and slot.retire_at > self.now and others < ledger.max_size
        )

    @precondition(lambda self: [slot for slot in self.released if slot not in self.holders])
    @rule(pick=PICK)
    def release_twice(self, pick: int) -> None:
        slot = self.pick([slot for slot in self.released if slot not in self.holders], pick)
        before = self.picture()
        assert not self.ledger.release(slot, self.now, reusable=True), "a second release is no release (R-27)"
        assert self.picture() == before

    def picture(self) -> tuple[Any, ...]:
        ledger = self.ledger
        return ledger.size, ledger.idle, ledger.leased, ledger.dialing, ledger.waiting, len(ledger.to_close), ledger.epoch

    @precondition(lambda self: self.holders)
    @rule(pick=PICK)
    def take_in(self, pick: int) -> None:
        slot = self.pick(list(self.holders), pick)
        del self.holders[slot]
        is_good = self.is_good(slot)
        assert self.ledger.take_in(slot, self.now) == is_good
        if is_good:
            self.held.append(slot)
        else:
            assert slot in self.ledger.to_close
        self.settle()

    @precondition(lambda self: self.held)
    @rule(pick=PICK, is_fit=st.booleans())
    def checked_or_cleaned(self, pick: int, is_fit: bool) -> None:
        slot = self.held.pop(pick % len(self.held))
        keen = [caller for caller in self.line if caller.wants]
        is_good = self.is_good(slot) and is_fit
        if is_fit:
            self.ledger.made_clean(slot, self.now)
        else:
            self.ledger.not_made_clean(slot)
        if is_good:
            assert slot.place is (Place.LEASED if keen else Place.IDLE)
        else:
            assert slot in self.ledger.to_close
        self.settle()

    # Dials -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.dials)
    @rule(pick=PICK, lifetime=st.sampled_from([5.0, 50.0, 500.0, FOREVER]), served=st.booleans())
    def dialed(self, pick: int, lifetime: float, served: bool) -> None:
        self.finish_dial(self.pick(self.dials, pick), lifetime, served=served)
        self.settle()

    def finish_dial(self, slot: Slot, lifetime: float, *, served: bool = True) -> None:
        ledger = self.ledger
        self.dials.remove(slot)
        slot.connection = object()
        self.connected.append(slot)
        ledger.dialed(slot, self.now + lifetime, self.now, self.chance.random())
        if served:
            ledger.redial.served()
        if slot.place is Place.SHARED:
            assert slot.is_for_sharing
            self.shared.append(slot)
            self.have_met = False
            assert self.extra <= self.most_extra, "more extra shared connections than there may be"

    @precondition(lambda self: self.dials)
    @rule(pick=PICK)
    def dial_failed(self, pick: int) -> None:
        ledger = self.ledger
        slot = self.dials.pop(pick % len(self.dials))
        keen = [caller for caller in self.line if caller.wants]
        size = ledger.size
        error = ConnectFailed("refused")
        ledger.dial_failed(slot, error, self.now, self.chance.random())
        assert ledger.size == size - 1, "a failed dial keeps its slot (R-10)"
        told = [caller for caller in keen if caller.error is error]
        assert told == ([] if slot.is_for_sharing else keen[:1]), "the first in line hears of a failed dial (R-10)"
        assert slot not in ledger.to_close
        self.settle()

    @precondition(lambda self: self.dials)
    @rule(pick=PICK)
    def abandon_dial(self, pick: int) -> None:
        slot = self.dials.pop(pick % len(self.dials))
        size, failures = self.ledger.size, self.ledger.redial.failures
        self.ledger.abandon_dial(slot)
        assert self.ledger.size == size - 1
        assert self.ledger.redial.failures == failures, "a dial that was called off is nobody's fault"
        self.settle()

    @rule()
    def wait_for_next_dial(self) -> None:
        at = self.ledger.next_dial_at(self.now)
        if at is not None:
            self.now = max(self.now, at)
            assert self.reserve() > 0, "the time to dial came, and nothing was dialed"
        self.settle()

    @rule()
    def call_for_a_shared_connection(self) -> None:
        self.ledger.is_called_for = True
        self.settle()

    @precondition(lambda self: self.grows and self.shared)
    @rule()
    def meet(self) -> None:
        """Let two callers meet on a shared connection."""
        self.ledger.wants_extra = self.have_met = True
        self.settle()

    @precondition(lambda self: self.grows and self.shared)
    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0]))
    def grow(self, seconds: float) -> None:
        """Let callers meet, and dial without trouble, until no more is wanted."""
        self.now += seconds
        for _ in range(MOST_EXTRA):
            self.meet()
            dials = [slot for slot in self.dials if slot.is_for_sharing]
            if not dials:
                break
            self.finish_dial(dials[0], FOREVER)
            self.settle()

    # Taking out ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.connected)
    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        ledger = self.ledger
        slot = self.pick(self.connected, pick)
        epoch, place, was_lost, debt = ledger.epoch, slot.place, slot.is_lost, ledger.redial.debt
        down_since = ledger.redial.down_since
        is_news = ledger.lost(slot, self.now)
        assert is_news == (place is not Place.OUT and not was_lost)
        if is_news:
            assert slot.place is (Place.OUT if place in (Place.IDLE, Place.SHARED) else place)
            assert ledger.epoch == epoch + (slot.epoch == epoch), "one loss of this epoch begins one new epoch (R-13)"
            assert ledger.redial.debt == debt + (slot.epoch == epoch or place is Place.SHARED)
            is_event = slot.epoch == epoch or place is Place.SHARED
            is_up = any(not each.is_draining for each in ledger.shared_slots)
            down_now = self.now if is_event and not is_up else None
            assert ledger.redial.down_since == (down_now if down_since is None else down_since)
        else:
            assert ledger.epoch == epoch
        self.settle()

    @precondition(lambda self: self.shared)
    @rule(pick=PICK)
    def lose_shared(self, pick: int) -> None:
        slot = self.pick(self.shared, pick)
        assert self.ledger.lost(slot, self.now)
        assert slot.place is Place.OUT
        self.settle()

    @precondition(lambda self: self.connected)
    @rule(pick=PICK)
    def discard(self, pick: int) -> None:
        slot = self.pick(self.connected, pick)
        is_in = slot.place in (Place.IDLE, Place.LEASED, Place.SHARED)
        assert self.ledger.discard(slot, "test") == is_in
        self.holders.pop(slot, None)
        self.settle()

    @precondition(lambda self: self.draining)
    @rule(pick=PICK)
    def drained(self, pick: int) -> None:
        self.ledger.discard(self.draining.pop(pick % len(self.draining)), "lifetime")
        self.settle()

    # Control -----------------------------------------------------------------------------------------

    # One rule for all of these: each closes many connections, and old connections should be tested too.
    @rule(
        what=st.sampled_from(["new_epoch", "drain", "clear", "hold_idle", "resize", "close"]),
        min_size=st.integers(0, 3),
        spare=st.integers(0, 5),
    )
    def control(self, what: str, min_size: int, spare: int) -> None:
        if what == "resize":
            self.resize(min_size, spare)
        elif what != "close":
            getattr(self, what)()
        elif spare == 5:  # rarely: a closed ledger does little that could be tested
            self.close()
        self.settle()

    def new_epoch(self) -> None:
        self.ledger.new_epoch()

    def drain(self) -> None:
        self.ledger.drain(self.now)
        assert all(slot.retire_at <= self.now for slot in self.ledger.shared_slots)

    def resize(self, min_size: int, spare: int) -> None:
        ledger = self.ledger
        max_size = max(1, min_size + spare)
        ledger.resize(min_size=min_size, max_size=max_size)
        assert not ledger.idle or ledger.size <= max_size, "idle slots beyond the bound go at once (R-34)"
        self.bound = max(max_size, ledger.size)
        self.most_before = max(self.most_extra, self.extra)

    def clear(self) -> None:
        leased, shared = self.ledger.leased, self.ledger.shared
        self.ledger.clear()
        assert self.ledger.idle == 0
        assert (self.ledger.leased, self.ledger.shared) == (leased, shared)

    def close(self) -> None:
        keen = [caller for caller in self.line if caller.wants]
        self.ledger.close()
        assert all(isinstance(caller.error, PoolClosed) for caller in keen), "who waits is told (R-33)"
        self.line.clear()

    # Maintenance ---------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.005, 0.1, 1.0, 10.0, 31.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def maintain(self) -> None:
        """Wake the maintenance task once; it must finish without time passing."""
        ledger = self.ledger
        for _ in range(ledger.size + 3):
            self.sweep()
            for slot in due_for_check(ledger, self.now, self.keepalive):
                if slot.place is Place.DIALING:
                    self.held.append(slot)
                else:
                    assert slot.place is Place.SHARED
            self.settle()
            wake_at = next_sweep_at(ledger, self.now, self.max_idle, self.keepalive)
            if wake_at is None or wake_at > self.now:
                break
        else:
            raise AssertionError("the maintenance task spins")
        over_age = [slot for slot in ledger.shared_slots if slot.retire_at <= self.now and not slot.is_draining]
        stale = [slot for slot in ledger.idle_slots if slot.epoch != ledger.epoch]
        if over_age or stale:
            assert (wake_at or FOREVER) <= self.now + RECHECK, "what has to go is forgotten (R-15)"
        if over_age:
            assert ledger.retiring is not None, "nothing is done about a shared connection over age (R-15)"

    @precondition(lambda self: self.shared)
    @rule(used=st.sets(st.integers(0, MOST_EXTRA)))
    def give_up_unused(self, used: set[int]) -> None:
        """Give up a shared connection that no caller has used for long; others may be in use."""
        ledger = self.ledger
        self.give_up([slot for number, slot in enumerate(ledger.shared_slots) if number not in used])
        self.settle()

    def give_up(self, unused: list[Slot]) -> None:
        ledger = self.ledger
        before, first = ledger.retiring, ledger.shared_slots[:1]
        give_up_unused(ledger, unused)
        given_up = ledger.retiring
        if given_up is None or given_up is before:
            may_go = before is None and self.extra and ledger.size > ledger.min_size
            others = [slot for slot in unused if slot not in first and slot not in self.draining]
            assert not (may_go and others), "a connection that nobody uses stays (R-41)"
            return
        assert before is None, "two are given up at a time"
        assert self.extra, "the only shared connection is given up"
        assert given_up in unused, "a connection in use is given up"
        assert given_up not in first, "the first connection is given up"
        assert ledger.size > ledger.min_size, "shrunk below min_size (R-16)"
        assert (given_up.reason, ledger.missing_shared) == ("idle", 0), "what is given up is replaced"

    def sweep(self) -> None:
        ledger = self.ledger
        size, min_size, is_any_idle = ledger.size, ledger.min_size, ledger.idle > 0
        pending, since = len(ledger.to_close), ledger.low_water_since
        is_over = sweep(ledger, self.now, self.max_idle)
        assert is_over == (self.now >= since + self.max_idle)
        assert ledger.low_water_since == (self.now if is_over else since)
        if is_over and ledger.shared:
            self.give_up(list(ledger.shared_slots))
        gone = ledger.to_close[pending:]
        idle = [slot for slot in gone if slot.reason == "idle"]
        assert len(idle) <= 1, "one surplus slot at a time (R-16)"
        assert len(gone) - len(idle) <= 1, "one old slot at a time (R-15)"
        if idle:
            assert size > min_size, "shrunk below min_size (R-16)"
        if is_over:
            may_go = self.fewest_idle > 0 and is_any_idle and size > min_size
            assert idle or not may_go, "one that nobody needed stays (R-16)"
            self.fewest_idle = ledger.idle
        for slot in gone:
            if slot.reason == "lifetime":
                assert slot.retire_at <= self.now
                assert size - len(idle) > min_size or size >= ledger.max_size, "gone before its replacement (R-15)"
            elif slot.reason != "idle":
                assert slot.reason == "epoch"
                assert slot.epoch != ledger.epoch

    def hold_idle(self) -> None:
        idle = [*self.ledger.idle_slots, *self.ledger.kept_slots]
        held = self.ledger.hold_idle(self.now)
        assert held == sorted(idle, key=lambda slot: slot.idle_since)
        assert all(slot.place is Place.DIALING for slot in held)
        self.held += held

    # What always holds ---------------------------------------------------------------------------------

    @invariant()
    def the_book_is_right(self) -> None:
        if not hasattr(self, "ledger"):
            return
        ledger = self.ledger
        ledger.check()
        self.shared = [slot for slot in self.shared if slot.place is Place.SHARED]
        assert set(ledger.leased_slots) == {*self.holders, *ledger.kept_slots}, "who has what"
        assert not self.holders.keys() & set(ledger.kept_slots), "what a caller has is idle for others"
        self.fewest_idle = min(self.fewest_idle, ledger.idle)
        times = [slot.idle_since for slot in ledger.idle_slots]
        assert times == sorted(times), "idle slots do not stand in the order in which they came"
        assert ledger.dials.keys() == {*self.dials, *self.held}
        assert set(ledger.shared_slots) == set(self.shared)
        assert ledger.size == ledger.shared + ledger.idle + ledger.leased + ledger.dialing
        assert ledger.dialing - len(self.held) <= ledger.max_dials, "too many dials at a time (R-07)"
        assert ledger.size <= self.bound, "more connections than max_size (R-09)"
        self.bound = max(ledger.max_size, min(self.bound, ledger.size))
        assert list(ledger.waiters) == self.line
        assert ledger.waiting <= ledger.max_waiting
        assert not (ledger.waiting and ledger.idle)
        assert ledger.redial.debt >= 0
        may_be_more = (max(self.most_before, self.most_extra) if self.grows else 0) + (ledger.retiring is not None)
        in_service = ledger.shared - ledger.leaving
        assert in_service <= ledger.shared_target + may_be_more, "a shared connection too many"
        self.most_before = min(self.most_before, max(self.most_extra, self.extra + ledger.leaving))

    @invariant()
    def every_connection_is_somewhere_or_closed_once(self) -> None:
        if not hasattr(self, "ledger"):
            return
        ledger = self.ledger
        inside = [*ledger.idle_slots, *ledger.leased_slots, *ledger.shared_slots, *self.held]
        assert len(set(self.reaped)) == len(self.reaped)
        assert {*inside, *ledger.to_close, *self.reaped} == set(self.connected), "a connection was lost track of"
        assert len(inside) + len(ledger.to_close) + len(self.reaped) == len(self.connected)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """While callers wait, either something is in progress or there is a time for the next try."""
        if not hasattr(self, "ledger") or not self.ledger.waiting:
            return
        ledger = self.ledger
        next_at = ledger.next_dial_at(self.now)
        assert next_at is None or next_at >= self.now
        under_way = ledger.leased or ledger.dialing or ledger.retiring is not None or ledger.leaving
        assert under_way or next_at is not None, "callers wait, nothing happens, and nothing will"
        spoken_for = max(0, ledger.missing_shared - ledger.dialing_shared)
        is_short = ledger.waiting > ledger.dialing - ledger.dialing_shared
        may_dial = len(self.dials) < ledger.max_dials and ledger.size + spoken_for < ledger.max_size
        if is_short and may_dial:
            assert next_at is not None, "there is room and need, and no dial will come"
            assert next_at <= self.now + 0.2, "a caller waits longer than the next token takes (R-07)"

    def teardown(self) -> None:
        """Close the ledger and end everything: no slot may be left, whatever happened before."""
        if not hasattr(self, "ledger"):
            return
        ledger = self.ledger
        ledger.close()
        self.line.clear()
        for slot in list(self.holders):
            assert ledger.release(slot, self.now, reusable=True)
        for slot in self.dials:
            ledger.abandon_dial(slot)
        for slot in self.held:
            ledger.made_clean(slot, self.now)
        for slot in list(ledger.shared_slots):
            ledger.discard(slot, "closed")
        self.reaped += ledger.reap()
        ledger.check()
        assert ledger.size == ledger.waiting == ledger.dialing_shared == 0
        assert sorted(map(id, self.reaped)) == sorted(map(id, self.connected)), "not every connection was closed once"
        assert ledger.reserve(self.now) == []
        assert ledger.next_dial_at(self.now) is None


TestLedger = LedgerMachine.TestCase
