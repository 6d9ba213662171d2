"""The book of who holds which connection. It decides; the lanes act.

                 reserve -> [dialing] -> dialed -> [idle] <- release - [leased]
                                |                     |----- take ------->|
                                +-> dial_failed       +-> out <- release -+

Rule 1: only this file moves a slot from one place to another, and a promise moves it at once: a reserved dial and an
        offered lease count from that moment (R-09).
Rule 2: a dial belongs to the pool. It serves whoever is first in line when it is done, or the idle set (R-05).
Rule 3: waiters are served first come, first served. One that has given up refuses its offer, and the next one gets
        it in the same step (R-03).
Rule 4: a slot of an older epoch, or past its retirement, is never handed out (R-13, R-15).
Rule 5: what has to be closed is put into ``doomed``; closing it is the caller's work, and cannot fail the book.

Times are absolute seconds of one monotonic clock. Not thread-safe: the sync lanes hold a lock around every call.
"""

from __future__ import annotations

import enum
from collections import OrderedDict, deque
from typing import Any, Final, Protocol

from respool._errors import PoolClosed, PoolExhausted, TooManyWaiters, again
from respool._redial import Redial


class Place(enum.Enum):
    """Where a slot stands."""

    DIALING = "dialing"  # in the pool's own hands: being connected, greeted, checked or reset
    SHARED = "shared"
    IDLE = "idle"
    LEASED = "leased"
    OUT = "out"


# A member of an enum costs more to look up than a name, and every lease asks for some.
_DIALING: Final = Place.DIALING
_SHARED: Final = Place.SHARED
_IDLE: Final = Place.IDLE
_LEASED: Final = Place.LEASED
_OUT: Final = Place.OUT


class Slot:
    """One connection's line in the book."""

    __slots__ = (
        "checked_at",
        "connection",
        "epoch",
        "held_at",
        "idle_since",
        "is_draining",
        "is_for_sharing",
        "is_lost",
        "is_reset",
        "place",
        "reason",
        "retire_at",
        "taker",
    )

    def __init__(self, epoch: int, *, is_for_sharing: bool = False) -> None:
        self.connection: Any = None
        self.epoch = epoch
        self.place = _DIALING
        self.is_for_sharing = is_for_sharing
        #: Made ready for the next user rather than connected: it does not count against ``max_dials``.
        self.is_reset = False
        #: A shared connection over age whose replacement is there: it gets no new work.
        self.is_draining = False
        #: Whether its connection ended by itself.
        self.is_lost = False
        #: Since when it is being made ready.
        self.held_at = 0.0
        #: When it was last known to be alive without having been used.
        self.checked_at = 0.0
        self.retire_at = float("inf")
        self.idle_since = 0.0
        #: Why it went out, in a word.
        self.reason = ""
        #: Who it was handed to, until it is in that caller's hands: a thread may be interrupted in between.
        self.taker: object = None

    def __repr__(self) -> str:
        return f"<Slot {self.place.value} epoch={self.epoch}>"


class Waiter(Protocol):
    """A caller queued for a lease. Both methods say no when it has given up; then nothing has happened."""

    since: float

    def offer(self, slot: Slot) -> bool:
        """Hand over a leased slot."""
        ...

    def fail(self, error: BaseException) -> bool:
        """End the wait with an error."""
        ...


class Ledger:
    """Slots, waiters, epoch."""

    __slots__ = (
        "_leased",
        "_lifo",
        "_low_water",
        "_low_water_since",
        "_moved_at",
        "_renewing",
        "_resets",
        "address",
        "closed",
        "dialing_shared",
        "dials",
        "doomed",
        "epoch",
        "idle_slots",
        "is_called_for",
        "max_dials",
        "max_size",
        "max_waiting",
        "min_size",
        "redial",
        "retiring",
        "shared_slots",
        "shared_target",
        "waiters",
    )

    def __init__(
        self,
        *,
        now: float,
        min_size: int = 0,
        max_size: int = 16,
        shared_target: int = 0,
        max_waiting: int = 1024,
        max_dials: int = 2,
        lifo: bool = True,
        address: str = "",
    ) -> None:
        self.min_size = min_size
        self.max_size = max_size
        self.shared_target = shared_target
        self.max_waiting = max_waiting
        self.max_dials = max_dials
        self._lifo = lifo
        self.address = address
        self.redial = Redial(now)
        self.epoch = 0
        self.closed = False
        #: Idle slots; the right end was released last.
        self.idle_slots: deque[Slot] = deque()
        self._leased: set[Slot] = set()
        self.shared_slots: list[Slot] = []
        #: Slots being dialed or made ready.
        self.dials: set[Slot] = set()
        self.dialing_shared = 0
        self._resets = 0
        self._moved_at = float("-inf")  # when the line of waiters last moved, or a dial for it began
        self._renewing: Slot | None = None  # an idle slot over age that goes when its replacement is there
        #: A caller found no shared connection up since the last dial for one.
        self.is_called_for = False
        #: The shared slot over age that is being replaced; one at a time.
        self.retiring: Slot | None = None
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        #: Slots whose connections the caller must close.
        self.doomed: list[Slot] = []
        self._low_water = 0  # the fewest idle slots since ``_low_water_since``
        self._low_water_since = now

    # Counting ------------------------------------------------------------------------------------

    @property
    def idle(self) -> int:
        return len(self.idle_slots)

    @property
    def leased(self) -> int:
        return len(self._leased)

    @property
    def shared(self) -> int:
        return len(self.shared_slots)

    @property
    def dialing(self) -> int:
        return len(self.dials)

    @property
    def waiting(self) -> int:
        return len(self.waiters)

    @property
    def leased_slots(self) -> list[Slot]:
        return list(self._leased)

    @property
    def size(self) -> int:
        """All slots: shared, idle, leased and dialing. Never above ``max_size``, but for a shrink in progress."""
        return len(self.shared_slots) + len(self.idle_slots) + len(self._leased) + len(self.dials)

    @property
    def leasable(self) -> int:
        """How many connections can be out at once."""
        return self.max_size - self.shared_target

    def check(self) -> None:
        """Raise AssertionError when the book is wrong. Called by tests and debug runs after every step."""
        places = [*self.idle_slots, *self._leased, *self.shared_slots, *self.dials]
        assert len(set(places)) == len(places), "a slot stands in two places"
        for slots, place in (
            (self.idle_slots, _IDLE),
            (self._leased, _LEASED),
            (self.shared_slots, _SHARED),
            (self.dials, _DIALING),
        ):
            assert all(slot.place is place for slot in slots), f"a slot among the {place.value} is elsewhere"
        assert self.dialing_shared == sum(slot.is_for_sharing for slot in self.dials)
        assert not (self.waiters and self.idle_slots), "somebody waits while a connection is idle"
        assert not (self.closed and (self.waiters or self.idle_slots)), "a closed ledger serves nobody"

    # Taking --------------------------------------------------------------------------------------

    def take(self, now: float, taker: object = None) -> Slot | None:
        """Lease an idle slot, or return None. With waiters there is none: nobody overtakes (R-02)."""
        idle = self.idle_slots
        while idle:
            slot = idle.pop() if self._lifo else idle.popleft()
            if slot.epoch != self.epoch:
                self._doom(slot, "epoch")
            elif slot.retire_at <= now:
                self._doom(slot, "lifetime")
            else:
                slot.place = _LEASED
                slot.taker = taker
                self._leased.add(slot)
                if len(idle) < self._low_water:
                    self._low_water = len(idle)
                return slot
        self._low_water = 0
        return None

    def drop_taken(self, taker: object) -> None:
        """Strike what was handed to ``taker`` and never reached its hands, because it was interrupted."""
        for slot in [slot for slot in self._leased if slot.taker == taker]:
            self._leased.discard(slot)
            self._doom(slot, "interrupted")

    def enqueue(self, waiter: Waiter, now: float, *, patient: bool) -> None:
        """Put a caller in line. Not ``patient``: only if a slot is left for it (R-10).

        A slot that another thread gave back since the caller looked is handed over here, so that nobody waits while
        a connection is idle (R-09). Raises PoolClosed, PoolExhausted or TooManyWaiters (R-04).
        """
        if self.closed:
            raise PoolClosed(f"the pool of {self.address} is closed")
        slot = self.take(now)
        if slot is not None:
            if not waiter.offer(slot):
                self.release(slot, now, reusable=True)
            return
        waiting = len(self.waiters)
        if self.leasable <= 0:
            raise self._all_shared()
        if not patient and len(self.shared_slots) + len(self._leased) + waiting >= self.max_size - self.missing_shared:
            raise PoolExhausted(f"Max connections {self.max_size} exhausted at {self.address}")
        if waiting >= self.max_waiting:
            raise TooManyWaiters(f"{waiting} callers wait for {self.address} already (max_waiting={self.max_waiting})")
        self.waiters[waiter] = None

    def _all_shared(self) -> PoolExhausted:
        why = "all of them are shared, leases need a higher max_size"
        return PoolExhausted(f"Max connections {self.max_size} exhausted at {self.address}: {why}")

    def why_hopeless(self, waiter: Waiter) -> Exception | None:
        """Return why waiting makes no sense: the node is down, nothing is out, and no dial is left to try now."""
        if waiter not in self.waiters or self.dials or self._leased or self.redial.last_error is None:
            return None
        return again(self.redial.last_error)

    @property
    def missing_shared(self) -> int:
        """How many shared connections are not there yet; their slots are spoken for."""
        missing = self.shared_target - len(self.shared_slots)
        if self.retiring is not None and self.retiring.place is _SHARED:
            missing += 1
        return max(0, missing)

    def withdraw(self, waiter: Waiter) -> None:
        """Take a caller out of the line, if it still stands there."""
        self.waiters.pop(waiter, None)

    # Dialing -------------------------------------------------------------------------------------

    def reserve(self, now: float) -> list[Slot]:
        """Return the slots that shall be dialed now (R-06, R-07). Each must end in ``dialed`` or ``dial_failed``."""
        reserved: list[Slot] = []
        while not self.closed and self._may_dial_more():
            # A shared connection comes first; where it may not be dialed yet, a caller may still need one of its own.
            for_sharing = self._wants_shared() and self._may_dial(now, wanted=self.is_called_for)
            if not for_sharing and not self._wants_lease(now):
                break
            if not for_sharing and not self._may_dial(now, wanted=self._is_short(now)):
                break
            if for_sharing:
                self.is_called_for = False
            else:
                self._moved_at = now
            slot = Slot(self.epoch, is_for_sharing=for_sharing)
            self.dials.add(slot)
            self.dialing_shared += for_sharing
            reserved.append(slot)
        if self.redial.is_recovering and not self._wants_shared() and self.size >= self.min_size:
            self.redial.recovered()
        return reserved

    def _may_dial_more(self) -> bool:
        return len(self.dials) - self._resets < self.max_dials and self.size < self.max_size

    def _may_dial(self, now: float, *, wanted: bool) -> bool:
        return (wanted or not self._is_probing) and self.redial.may_dial(now, wanted=wanted)

    @property
    def _is_probing(self) -> bool:
        """Whether the dial under way shall tell first how the node is, before the pool makes another one unasked."""
        return self.redial.is_recovering and len(self.dials) > self._resets

    def _wants_shared(self) -> bool:
        return self.missing_shared > self.dialing_shared

    def _wants_lease(self, now: float) -> bool:
        if self.size + self._spoken_for >= self.max_size:
            return False
        if self.size < self.min_size or (self._renewing is not None and not self.dials):
            return True
        return self._is_short(now) and now >= self._next_beside

    @property
    def _next_beside(self) -> float:
        """When a dial for a caller may begin beside another: while others come back, they may be sooner (R-06)."""
        under_way = len(self.dials) - self._resets - self.dialing_shared
        return self._moved_at + STAGGER if under_way > 0 and self._leased else float("-inf")

    def _is_short(self, now: float) -> bool:
        """Tell whether more callers wait than connections are on their way to them (R-06).

        One that is asked or made clean counts only for as long as that takes when all is well (R-05).
        """
        waiting, coming = len(self.waiters), len(self.dials) - self.dialing_shared + len(self.idle_slots)
        if self._resets and 0 < waiting <= coming:
            coming -= sum(slot.is_reset and now >= slot.held_at + STAGGER for slot in self.dials)
        return waiting > coming

    @property
    def _spoken_for(self) -> int:
        """How many slots are kept free for shared connections that are neither there nor being dialed."""
        return max(0, self.missing_shared - self.dialing_shared)

    def next_dial_at(self, now: float) -> float | None:
        """Return when ``reserve`` shall be called again although nothing happened; None when there is no need."""
        if self.closed or not self._may_dial_more():
            return None
        chances: list[float] = []
        may_unasked = not self._is_probing  # else the end of the dial under way is what to wait for
        if self._wants_shared() and (may_unasked or self.is_called_for):
            chances.append(self.redial.next_chance(now, wanted=self.is_called_for))
        times = {now, max(now, self._next_beside)}
        if self.waiters and self._resets:
            times |= {max(now, slot.held_at + STAGGER) for slot in self.dials if slot.is_reset}
        soon = next(filter(self._wants_lease, sorted(times)), None)
        if soon is not None and (may_unasked or self._is_short(soon)):
            chances.append(max(soon, self.redial.next_chance(now, wanted=self._is_short(soon))))
        return min(chances, default=None)

    def dialed(self, slot: Slot, retire_at: float, now: float, chance: float = 0.0) -> None:
        """Enter a connection that is ready: shared, leased by the first in line, or idle.

        ``chance`` is in [0, 1): the part of the longest pause after which a pool that has lost more goes on.
        """
        self._end_dial(slot)
        slot.retire_at = retire_at
        slot.checked_at = now
        self.redial.succeeded(now, chance, is_of_now=slot.epoch == self.epoch)
        if self.closed or slot.epoch != self.epoch:
            self._doom(slot, "closed" if self.closed else "epoch")
        elif slot.is_for_sharing and self.missing_shared:
            slot.place = _SHARED
            self.shared_slots.append(slot)
        elif slot.is_for_sharing or self._must_go(slot, now):
            self._doom(slot, slot.reason or "resize")
        else:
            self._place(slot, now)

    def dial_failed(self, slot: Slot, error: Exception, now: float, chance: float) -> None:
        """Strike a dial that came to nothing; the first in line hears of it (R-10)."""
        self._end_dial(slot)
        slot.place = _OUT
        self.redial.failed(error, now, chance)
        if slot.is_for_sharing:
            return
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            if waiter.fail(error):
                return

    def abandon_dial(self, slot: Slot) -> None:
        """Strike a dial that was called off, without blaming the node."""
        self._end_dial(slot)
        slot.place = _OUT

    def _end_dial(self, slot: Slot) -> None:
        if slot.place is not _DIALING:
            raise AssertionError(f"{slot!r} is not being dialed")
        self.dials.remove(slot)
        self.dialing_shared -= slot.is_for_sharing
        self._resets -= slot.is_reset

    # Giving back ---------------------------------------------------------------------------------

    def release(self, slot: Slot, now: float, *, reusable: bool) -> bool:
        """Give back a leased slot; False, and nothing changes, when it is not out (R-27)."""
        if slot.place is not _LEASED:
            return False
        self._leased.discard(slot)
        if not reusable:
            self._doom(slot, "broken")
        elif self._must_go(slot, now):
            self._doom(slot, slot.reason)
        else:
            self._place(slot, now)
        return True

    def take_in(self, slot: Slot, now: float) -> bool:
        """Take a leased slot back into the pool's own hands to make it clean; False when it has to go instead."""
        if slot.place is not _LEASED:
            raise AssertionError(f"{slot!r} is not leased")
        self._leased.remove(slot)
        if self._must_go(slot, now):
            self._doom(slot, slot.reason)
            return False
        self._hold(slot, now)
        return True

    def _hold(self, slot: Slot, now: float) -> None:
        """Put a slot with a connection into the pool's own hands."""
        slot.place = _DIALING
        slot.is_reset = True
        slot.held_at = now
        self._resets += 1
        self.dials.add(slot)

    def hold_idle(self, now: float) -> list[Slot]:
        """Take every idle slot into the pool's own hands; each must end in ``made_clean`` or ``not_made_clean``."""
        held = list(self.idle_slots)
        self.idle_slots.clear()
        for slot in held:
            self._hold(slot, now)
        return held

    def made_clean(self, slot: Slot, now: float) -> None:
        """Enter a slot from ``take_in`` that is as good as new."""
        self._end_dial(slot)
        slot.is_reset = False
        if self._must_go(slot, now):
            self._doom(slot, slot.reason)
        else:
            self._place(slot, now)

    def not_made_clean(self, slot: Slot) -> None:
        """Strike a slot from ``take_in`` that could not be cleaned; the node is not blamed."""
        self._end_dial(slot)
        self._doom(slot, "reset failed")

    def _must_go(self, slot: Slot, now: float) -> bool:
        if self.closed:
            slot.reason = "closed"
        elif slot.epoch != self.epoch:
            slot.reason = "epoch"
        elif slot.retire_at <= now:
            slot.reason = "lifetime"
        else:
            # The slot in hand is one more than these.
            others = len(self.shared_slots) + len(self.idle_slots) + len(self._leased) + len(self.dials)
            if others + self.shared_target < self.max_size or others + self._spoken_for < self.max_size:
                return False
            slot.reason = "resize"
        return True

    def _place(self, slot: Slot, now: float) -> None:
        """Hand a ready slot to the first in line who still wants it, else keep it."""
        slot.idle_since = now  # for a waiter too: what comes from other hands is known to be alive
        slot.place = _LEASED
        self._leased.add(slot)
        while self.waiters:
            waiter = next(iter(self.waiters))
            has_taken = waiter.offer(slot)
            del self.waiters[waiter]  # only now: interrupted before, it is still in line
            if has_taken:
                self._moved_at = now
                return
        self._leased.discard(slot)
        slot.place = _IDLE
        self.idle_slots.append(slot)
        if self._renewing is not None and self._renewing is not slot and self.size > self.min_size:
            self.discard(self._renewing, "lifetime")

    # Going out -----------------------------------------------------------------------------------

    def discard(self, slot: Slot, reason: str) -> bool:
        """Strike a slot whose connection is of no more use, wherever it stands; False when it is out already."""
        if slot.place is _IDLE:
            self.idle_slots.remove(slot)
        elif slot.place is _LEASED:
            self._leased.remove(slot)
        elif slot.place is _SHARED:
            self.shared_slots.remove(slot)
        else:
            return False
        self._doom(slot, reason)
        return True

    def lost(self, slot: Slot, now: float) -> bool:
        """Strike a slot whose connection ended by itself, and with it the trust in older ones (R-13)."""
        if slot.is_lost or slot.place is _OUT:
            return False
        slot.is_lost = True
        was_shared = slot.place is _SHARED
        if slot.place is _IDLE or was_shared:  # else whoever holds it gives it back broken
            self.discard(slot, "lost")
        if slot.epoch == self.epoch:
            self.new_epoch()
            self.redial.lost(now)
        elif was_shared:  # in service since an earlier epoch: its end is no part of the event that began this one
            self.redial.lost(now)
        return True

    def new_epoch(self) -> None:
        """Begin a new epoch: every connection made before is closed when it is touched next."""
        self.epoch += 1

    def drain(self, now: float) -> None:
        """Begin a new epoch and let shared connections of the old one be replaced, one by one (R-34)."""
        self.new_epoch()
        for slot in self.shared_slots:
            slot.retire_at = min(slot.retire_at, now)

    def _doom(self, slot: Slot, reason: str) -> None:
        slot.place = _OUT
        slot.reason = reason
        self.doomed.append(slot)
        if slot is self._renewing:
            self._renewing = None
        if slot is self.retiring:
            self.retiring = None

    def reap(self) -> list[Slot]:
        """Return the slots whose connections must be closed now, and forget them."""
        if not self.doomed:
            return _NONE
        doomed, self.doomed = self.doomed, []
        return doomed

    # Run-time control ----------------------------------------------------------------------------

    def resize(self, *, min_size: int, max_size: int) -> None:
        """Set new bounds; idle slots beyond them go at once, leased ones when they return (R-34).

        Where all that is left is shared, nobody can be served any more, and those who wait are told.
        """
        self.min_size = min_size
        self.max_size = max_size
        while self.idle_slots and self.size + self._spoken_for > max_size:
            self._doom(self.idle_slots.popleft(), "resize")
        while self.waiters and self.leasable <= 0:
            waiter, _ = self.waiters.popitem(last=False)
            waiter.fail(self._all_shared())

    def clear(self) -> None:
        """Close every idle slot."""
        while self.idle_slots:
            self._doom(self.idle_slots.popleft(), "cleared")

    def close(self) -> None:
        """Serve nobody any more: waiters are told, idle slots go; leased and shared ones follow as they end (R-33)."""
        self.closed = True
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            waiter.fail(PoolClosed(f"the pool of {self.address} is closed"))
        self.clear()

    def sweep(self, now: float, max_idle: float | None) -> None:
        """Retire what is due: one idle slot of surplus per ``max_idle`` (R-16), and one that is over age (R-15).

        When the pool is at its minimum and has room, the one over age stays until its replacement is there.
        """
        if max_idle is not None and now >= self._low_water_since + max_idle:
            # Slots can leave the idle set for other reasons than being taken; what is not there is no surplus.
            if self._low_water > 0 and self.idle_slots and self.size > self.min_size:
                self._doom(self.idle_slots.popleft(), "idle")
            self._low_water = len(self.idle_slots)
            self._low_water_since = now
        for slot in self.idle_slots:
            if slot.epoch != self.epoch:
                self.discard(slot, "epoch")
                break
            if slot.retire_at <= now and self._renewing is None:
                if self.size > self.min_size or self.size >= self.max_size:
                    self.discard(slot, "lifetime")
                else:
                    self._renewing = slot
                break
        if self.retiring is None:
            self.retiring = next((slot for slot in self.shared_slots if slot.retire_at <= now), None)

    def take_retired(self) -> Slot | None:
        """Return the shared slot over age to drain now: its replacement is there, or has no room (R-15)."""
        slot = self.retiring
        if slot is None or slot.is_draining:
            return None
        if self.missing_shared and (self.dialing_shared or self.size < self.max_size):
            return None
        slot.is_draining = True
        return slot

    def due_for_check(self, now: float, keepalive: float | None) -> list[Slot]:
        """Return the slots to PING, unused for ``keepalive``. Idle ones are in the pool's hands until then (R-12)."""
        if keepalive is None:
            return []
        due = [
            slot
            for slot in (*self.idle_slots, *self.shared_slots)
            if now >= max(slot.checked_at, slot.idle_since) + keepalive
            and (slot.epoch == self.epoch or slot.place is _SHARED)  # stale idle ones go without a question
        ]
        for slot in due:
            slot.checked_at = now
            if slot.place is _IDLE:
                self.idle_slots.remove(slot)
                self._hold(slot, now)
        return due

    def next_sweep_at(self, now: float, max_idle: float | None, keepalive: float | None) -> float | None:
        """Return when ``sweep`` or ``due_for_check`` have something to do; None when nothing can become due.

        What waits for a replacement is looked at again after ``RECHECK``, so that the housekeeper never spins.
        """
        times: list[float] = []
        for slots, replaced in ((self.idle_slots, self._renewing), (self.shared_slots, self.retiring)):
            times += [now + RECHECK] if replaced is not None else [slot.retire_at for slot in slots]
        if max_idle is not None and self.idle_slots:
            times.append(self._low_water_since + max_idle)
        fresh = [slot for slot in self.idle_slots if slot.epoch == self.epoch]
        if keepalive is not None:
            times += [max(slot.checked_at, slot.idle_since) + keepalive for slot in (*fresh, *self.shared_slots)]
        if len(fresh) < len(self.idle_slots):
            times.append(now + RECHECK)
        soonest = min(times, default=float("inf"))
        return None if soonest == float("inf") else soonest


#: How many seconds the line of waiters must stand still before a dial begins beside another, while leases are out.
STAGGER: Final = 0.05

#: After how many seconds the housekeeper looks again at what it could not act on: idle slots of an older epoch go one
#: by one, and a slot over age waits for its replacement.
RECHECK: Final = 1.0

_NONE: Final[list[Slot]] = []
