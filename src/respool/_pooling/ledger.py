"""The record of who holds which connection. It only decides; the lanes do the I/O.

                 reserve -> [dialing] -> dialed -> [idle] <- release - [leased]
                                |                     |----- take ------->|
                                +-> dial_failed       +-> out <- release -+

Rule 1: only this file moves a slot from one place to another, and ``keeping.py``, which has the short way on which a
        thread gives a slot back and finds it again. A slot moves as soon as it is promised: a reserved dial and an
        offered lease count from that moment (R-09). ``books.py`` counts, and says which dials are needed.
Rule 2: a dial belongs to the pool. Its connection goes to the first waiter when it is ready, or becomes idle (R-05).
Rule 3: waiters are served first come, first served. A waiter that has given up refuses the offer, and the next waiter
        gets it in the same step (R-03).
Rule 4: a slot of an older epoch, or past its retirement, is never handed out (R-13, R-15).
Rule 5: a slot to be closed is put into ``to_close``. The caller closes it; an error there cannot harm the ledger.
Rule 6: a transition makes no call between its first change and its last. Signal handlers run only at calls, so one
        that raises leaves each slot in its old place or in its new one. Hence dicts and operators, not methods.

Times are absolute seconds of one monotonic clock. Not thread-safe: the sync lanes hold a lock around every call but
``keep`` and ``take_kept``.
"""

from __future__ import annotations

from typing import Any, Final

from respool._facts.errors import PoolClosed, PoolExhausted, TooManyWaiters
from respool._pooling.keeping import Keeping
from respool._pooling.quota import PERMIT, Quota
from respool._pooling.slot import Place, Slot, Waiter

# Looking up an enum member costs more than looking up a name, and every lease needs several.
_DIALING: Final = Place.DIALING
_SHARED: Final = Place.SHARED
_IDLE: Final = Place.IDLE
_LEASED: Final = Place.LEASED
_OUT: Final = Place.OUT
_ELSEWHERE: Final = (Place.DIALING, Place.KEPT, Place.OUT)


class Ledger(Keeping):
    """The transitions: taking, dialing, releasing, taking out."""

    __slots__ = ()

    # Taking --------------------------------------------------------------------------------------

    def take(self, now: float, taker: object = None) -> Slot | None:
        """Lease an idle slot, or return None. While callers wait no slot is idle, so nobody overtakes them (R-02)."""
        idle = self.idle_slots
        while idle or (self._kept and (idle := self.gather())):
            slot = idle[-1] if self._lifo else idle[0]
            if slot.epoch != self.epoch:
                self._take_out(slot, "epoch")
            elif slot.retire_at <= now:
                self._take_out(slot, "lifetime")
            else:
                slot.taker = taker
                del idle[-1 if self._lifo else 0]
                slot.place = _LEASED
                self._leased[slot] = None
                if len(idle) < self.low_water:
                    self.note_low_water()
                return slot
        self.low_water = 0
        return None

    def drop_taken(self, taker: object) -> bool:
        """Discard the slots that were leased to ``taker`` but never reached it, because it was interrupted.

        Returns whether there were any.
        """
        taken = [slot for slot in self._leased if slot.taker == taker]
        for slot in taken:
            self._take_out(slot, "interrupted")
        return bool(taken)

    def enqueue(self, waiter: Waiter, now: float, *, patient: bool, taker: object = None) -> None:
        """Queue a caller; one that is not ``patient`` only while a slot is left for it (R-10).

        If another thread has released a slot since the caller looked, the caller gets it here, so that nobody waits
        while a connection is idle (R-09). Raises PoolClosed, PoolExhausted or TooManyWaiters (R-04).
        """
        if self.closed:
            raise PoolClosed(f"the pool of {self.address} is closed")
        slot = self.take(now, taker)
        if slot is not None:
            if not waiter.offer(slot):
                self.release(slot, now, reusable=True)
            return
        waiting = len(self.waiters)
        if self.leasable <= 0:
            raise self._all_shared()
        shared = len(self.shared_slots) - self.leaving + self.missing_shared - self.extra
        if not patient and shared + len(self._leased) + waiting >= self.max_size:
            raise PoolExhausted(f"Max connections {self.max_size} exhausted at {self.address}")
        if not patient and self.quota is not None:
            coming = len(self.dials) - self.dialing_shared
            if waiting >= coming + self.quota.left_for(self):
                raise self._all_used(self.quota)
        if waiting >= self.max_waiting:
            raise TooManyWaiters(f"{waiting} callers wait for {self.address} already (max_waiting={self.max_waiting})")
        self.waiters[waiter] = None
        self._gathered += 1
        if self._kept and not waiting:  # since ``take`` has looked
            del self.waiters[waiter]
            self.enqueue(waiter, now, patient=patient, taker=taker)

    def _all_shared(self) -> PoolExhausted:
        why = "all of them are shared, leases need a higher max_size"
        return PoolExhausted(f"Max connections {self.max_size} exhausted at {self.address}: {why}")

    def _all_used(self, quota: Quota) -> PoolExhausted:
        why = f"all nodes of the pool together have {quota.limit}, release leases earlier or raise max_total"
        return PoolExhausted(f"Max connections {quota.limit} exhausted at {self.address}: {why}")

    def tell_hopeless(self) -> None:
        """Fail every waiter when the node is down, nothing is leased, and no dial may be tried now.

        Called when a dial has just failed. A caller that arrives later waits for the next dial instead, because the
        cause of the failure may be gone by then.
        """
        error = self.redial.last_error
        if error is None or self.dials or self._leased:
            return
        while self.waiters:
            waiter, _ = self.waiters.popitem(last=False)
            waiter.fail(error)

    def withdraw(self, waiter: Waiter) -> None:
        """Remove a caller from the queue, if it is still in it."""
        self.waiters.pop(waiter, None)

    # Dialing -------------------------------------------------------------------------------------

    def reserve(self, now: float) -> list[Slot]:
        """Reserve and return the slots to dial now (R-06, R-07); end each with ``dialed`` or ``dial_failed``."""
        reserved: list[Slot] = []
        quota = self.quota
        while not self.closed and self._may_dial_more():
            if quota is not None and not quota.is_turn(self, self._need(now)):
                break
            # Shared connections come first. While they may not be dialed yet, a waiter may still need a dial.
            for_sharing = self._wants_shared() and self._may_dial(now, wanted=self.is_called_for)
            is_for_lease = not for_sharing and self._wants_lease(now)
            if is_for_lease and not self._may_dial(now, wanted=self._is_short(now)):
                break
            if not (for_sharing or is_for_lease):
                if not (self._could_have_extra and self._may_dial(now, wanted=False)):
                    break
                for_sharing, self.wants_extra = True, False
            slot = Slot(self.epoch, is_for_sharing=for_sharing)
            if quota is not None:
                try:
                    del quota.permits[-1]  # no call from here until the slot is in its place
                except IndexError:  # another thread was quicker: the need stands
                    break
            if for_sharing:
                slot.is_called_for, self.is_called_for = self.is_called_for, False
            else:
                self._moved_at = now
            self.dials[slot] = None
            self.size += 1
            self.dialing_shared += for_sharing
            reserved.append(slot)
            if quota is not None:
                quota.withdraw(self)
        else:
            if quota is not None:
                quota.withdraw(self)
        if self.redial.is_recovering and not self._wants_shared() and self.size >= self.min_size:
            self.redial.recovered()
        return reserved

    def _may_dial(self, now: float, *, wanted: bool) -> bool:
        return (wanted or not self._is_probing) and self.redial.may_dial(now, wanted=wanted)

    def dialed(self, slot: Slot, retire_at: float, now: float, chance: float = 0.0) -> None:
        """Put a new connection into service: share it, lease it to the first waiter, or keep it idle.

        ``chance``, in [0, 1), is the fraction of the longest pause to wait before another lost connection is replaced.
        """
        self._check_dialing(slot)
        slot.retire_at = retire_at
        slot.checked_at = now
        self.redial.succeeded(now, chance, is_of_now=slot.epoch == self.epoch)
        if self.closed or slot.epoch != self.epoch:
            self._take_out(slot, "closed" if self.closed else "epoch")
        elif slot.is_for_sharing and (self.missing_shared or self._has_place_for_extra):
            self._leave(slot)
            slot.place = _SHARED
            self.shared_slots += (slot,)
            self.wants_extra = False
        elif slot.is_for_sharing:  # an extra one, whose place a lease has taken meanwhile
            self._take_out(slot, "shed")
        elif self._must_go(slot, now):
            self._take_out(slot, slot.reason)
        else:
            self._place(slot, now)

    def dial_failed(self, slot: Slot, error: Exception, now: float, chance: float) -> None:
        """Discard a failed dial. If it was for a lease, the first waiter gets its error (R-10)."""
        self._check_dialing(slot)
        self.redial.failed(error, now, chance)
        self._end(slot)
        if slot.is_for_sharing:
            self.is_called_for |= slot.is_called_for  # until the shared lane has decided whom to wake
            return
        while self.waiters:
            if self._fail_first(error):
                return

    def abandon_dial(self, slot: Slot) -> None:
        """Discard a dial that was cancelled, without blaming the node."""
        self._check_dialing(slot)
        self._end(slot)

    def _check_dialing(self, slot: Slot) -> None:
        if slot.place is not _DIALING:
            raise AssertionError(f"{slot!r} is not being dialed")

    def _fail_first(self, error: BaseException) -> bool:
        """Fail the first waiter; False if it has given up. An interrupt leaves it in the queue, to be failed again."""
        waiter = next(iter(self.waiters))
        was_told = waiter.fail(error)
        self.waiters.pop(waiter, None)
        return was_told

    # Releasing -----------------------------------------------------------------------------------

    def release(self, slot: Slot, now: float, *, reusable: bool) -> bool:
        """Release a leased slot. Return False, and change nothing, when it is not leased (R-27)."""
        if slot.place is not _LEASED:
            return False
        if not reusable:
            self._take_out(slot, "broken")
        elif self._must_go(slot, now):
            self._take_out(slot, slot.reason)
        else:
            self._place(slot, now)
        return True

    def take_in(self, slot: Slot, now: float) -> bool:
        """Take a leased slot back to reset it before its next use; False when it had to be closed instead."""
        if slot.place is not _LEASED:
            raise AssertionError(f"{slot!r} is not leased")
        if self._must_go(slot, now):
            self._take_out(slot, slot.reason)
            return False
        self.hold(slot, now)
        return True

    def hold(self, slot: Slot, now: float) -> None:
        """Let the pool itself hold a connected slot, to check or reset it."""
        self._leave(slot)
        slot.place = _DIALING
        slot.is_reset = True
        slot.held_at = now
        self._resets += 1
        self.dials[slot] = None

    def hold_idle(self, now: float, taker: object = None) -> list[Slot]:
        """Hold every idle slot (see ``hold``); each must end in ``made_clean`` or ``not_made_clean``."""
        held = list(self.gather())
        for slot in held:
            slot.taker = taker
            self.hold(slot, now)
        return held

    def made_clean(self, slot: Slot, now: float) -> None:
        """Return a held slot to service: its check or reset has succeeded."""
        self._check_dialing(slot)
        if self._must_go(slot, now):
            self._take_out(slot, slot.reason)
        else:
            self._place(slot, now)

    def not_made_clean(self, slot: Slot) -> None:
        """Discard a held slot whose check or reset failed; the node is not blamed."""
        self._check_dialing(slot)
        self._take_out(slot, "reset failed")

    def _must_go(self, slot: Slot, now: float) -> bool:
        if self.closed:
            slot.reason = "closed"
        elif slot.epoch != self.epoch:
            slot.reason = "epoch"
        elif slot.retire_at <= now:
            slot.reason = "lifetime"
        elif slot.place is _LEASED and self.quota is not None and self.quota.make_way(self):
            slot.reason = "shed"  # a new connection never is, or two nodes could dial in turn and serve nobody
        else:
            others = self.size - 1  # this one has not left its place yet
            if others + self.shared_target < self.max_size or others + self._spoken_for < self.max_size:
                return False
            slot.reason = "resize"
        return True

    def _place(self, slot: Slot, now: float) -> None:
        """Lease a ready slot to the first waiter that still wants it, else make it idle."""
        if self._kept:
            self.gather()  # what was given back before it
        slot.idle_since = now  # for a waiter too: the connection has just been used, so it is known to be alive
        if self.waiters:
            self._leave(slot)
            slot.place = _LEASED
            self._leased[slot] = None
            while self.waiters:
                waiter = next(iter(self.waiters))
                has_taken = waiter.offer(slot)
                del self.waiters[waiter]  # only now: an interrupt before this leaves it in the queue
                if has_taken:
                    self._moved_at = now
                    return
        if slot.place is _LEASED:
            del self._leased[slot]
        else:
            self._leave(slot)
        slot.place = _IDLE
        self.idle_slots += (slot,)
        if self.renewing is not None and self.renewing is not slot and self.size > self.min_size:
            self.discard(self.renewing, "lifetime")

    # Taking out ----------------------------------------------------------------------------------

    def discard(self, slot: Slot, reason: str) -> bool:
        """Take out a slot whose connection is no longer wanted; False if it is DIALING or KEPT, or OUT already."""
        if slot.place in _ELSEWHERE:
            return False
        self._take_out(slot, reason)
        return True

    def lost(self, slot: Slot, now: float) -> bool:
        """Note that a slot's connection ended by itself. If it was of this epoch, a new one begins (R-13)."""
        if slot.is_lost or slot.place is _OUT:
            return False
        is_shared, is_current = slot.place is _SHARED, slot.epoch == self.epoch
        is_up = any(each is not slot and not each.is_draining for each in self.shared_slots)
        if is_current or is_shared:  # an older shared connection was still in service, so its loss is a new event
            self.redial.lost(now, is_down=not is_up)
        if slot.place is _IDLE or is_shared:  # otherwise its holder releases it as broken
            self._take_out(slot, "lost")
        self.epoch += is_current
        slot.is_lost = True
        return True

    def new_epoch(self) -> None:
        """Begin a new epoch: every older connection is closed when it is next taken or released."""
        self.epoch += 1

    def drain(self, now: float) -> None:
        """Begin a new epoch and have the shared connections of the old one replaced, one by one (R-34)."""
        self.new_epoch()
        for slot in self.shared_slots:
            slot.retire_at = min(slot.retire_at, now)

    def retire(self, slot: Slot, now: float) -> None:
        """Replace a connection that is up but useless to its callers (READONLY); the new dial costs a token (R-07)."""
        if slot.retire_at > now:
            slot.retire_at = now
            self.redial.refused()

    def _leave(self, slot: Slot) -> None:
        """Remove a slot from its place: the first change of a transition, and the last call in it (Rule 6)."""
        place = slot.place
        if place is _LEASED:
            del self._leased[slot]
        elif place is _DIALING:
            del self.dials[slot]
            self.dialing_shared -= slot.is_for_sharing
            self._resets -= slot.is_reset
            slot.is_reset = False
        else:
            slots: Any = self.idle_slots if place is _IDLE else self.shared_slots
            at = slots.index(slot)
            del slots[at]

    def _end(self, slot: Slot) -> None:
        """Remove a slot from the ledger: the one place where slots end, as ``reserve`` is where they begin."""
        self._leave(slot)
        self.size -= 1
        slot.place = _OUT
        if self.quota is not None:
            self.quota.permits += PERMIT

    def _take_out(self, slot: Slot, reason: str) -> None:
        self._end(slot)
        slot.reason = reason
        self.to_close += (slot,)
        if slot is self.renewing:
            self.renewing = None
        if slot is self.retiring:
            self.retiring = None
        elif slot.is_draining:
            self.leaving -= 1

    def reap(self) -> list[Slot]:
        """Return the slots whose connections must be closed now, and forget them."""
        if not self.to_close:
            return _NONE
        to_close, self.to_close = self.to_close, []
        return to_close

    # Run-time control ----------------------------------------------------------------------------

    def resize(self, *, min_size: int, max_size: int) -> None:
        """Set new limits. Surplus idle slots are closed at once, leased ones when they are released (R-34).

        If all remaining slots are shared, nothing can be leased any more, so the waiters fail with PoolExhausted.
        """
        self.min_size = min_size
        self.max_size = max_size
        while self.gather() and self.size + self._spoken_for > max_size:
            self._take_out(self.idle_slots[0], "resize")
        while self.waiters and self.leasable <= 0:
            self._fail_first(self._all_shared())

    def clear(self) -> None:
        """Close every idle slot."""
        while self.gather():
            self._take_out(self.idle_slots[0], "cleared")

    def close(self) -> None:
        """Fail the waiters, close idle slots, and serve nobody; leased and shared slots follow as they end (R-33)."""
        self.closed = True
        if self.quota is not None:
            self.quota.leave(self)
        while self.waiters:
            self._fail_first(PoolClosed(f"the pool of {self.address} is closed"))
        self.clear()


_NONE: Final[list[Slot]] = []
