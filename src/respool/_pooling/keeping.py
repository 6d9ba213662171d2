"""What threads keep: a thread that gives its connection back finds it again without the lock.

Rule 1: a kept slot stands among the leased ones, and is idle for everybody who looks. It belongs to whoever removes it
        from ``_kept``, which is one step of a dict. ``_kept_by`` is only where a thread looks first.
Rule 2: whoever needs idle slots gathers the kept ones first, under the lock. So does whoever has changed which slots
        may stay: closed the ledger, made it smaller, or queued a caller.
Rule 3: ``gather`` counts before it looks, and ``keep`` reads the count before its checks and again at its end. So a
        slot that is kept while others are gathered is found by one of the two: none stays where nobody looks.
Rule 4: while callers wait nothing is kept, but for the moment until ``keep`` finds that there are some. So nobody is
        overtaken.
Rule 5: as in ``ledger``, no call is made between the first change of a step and its last.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import Final

from respool._pooling.books import Books
from respool._pooling.slot import Place, Slot

_BY_AGE: Final = attrgetter("idle_since")
_IDLE: Final = Place.IDLE
_KEPT: Final = Place.KEPT
_LEASED: Final = Place.LEASED


class Keeping(Books):
    """Keeping, taking what was kept, and gathering. The first two need no lock."""

    __slots__ = ()

    def keep(self, slot: Slot, key: object, now: float, taker: object) -> bool:
        """Keep a leased slot for ``key``. Return False if it must be released; it still belongs to ``taker`` then."""
        last = self._kept_by.get(key)
        gathered = self._gathered  # nothing is called from here on
        if (
            self.waiters
            or self.closed
            or slot.epoch != self.epoch
            or slot.retire_at <= now
            or self.size + self.shared_target > self.max_size  # one may have to go
            or last in self._kept  # the newer one comes first: then this one is released behind it
        ):
            return False
        slot.idle_since = now
        slot.place = _KEPT
        slot.taker = None
        self._kept_by[key] = slot
        self._kept[slot] = None
        if self._gathered == gathered:
            return True
        try:
            del self._kept[slot]
        except KeyError:  # it was there in time
            return True
        slot.place = _LEASED
        slot.taker = taker
        return False

    def take_kept(self, key: object, now: float, taker: object) -> Slot | None:
        """Lease to ``taker`` what ``key`` has kept; None if there is nothing, or nothing that is fit for use."""
        slot = self._kept_by.get(key)
        if slot is None or slot.epoch != self.epoch or slot.retire_at <= now:
            return None
        try:
            del self._kept[slot]
        except KeyError:  # somebody else has it
            return None
        slot.place = _LEASED
        slot.taker = taker
        if self.low_water:
            self.note_low_water()
        return slot

    def gather(self) -> deque[Slot]:
        """Make idle what is kept, and return all idle slots in the order in which they were given back."""
        self._gathered += 1
        if self._kept and not self.waiters:
            for slot in list(self._kept):
                try:
                    del self._kept[slot]
                except KeyError:  # its thread was quicker
                    continue
                del self._leased[slot]
                slot.place = _IDLE
                self.idle_slots += (slot,)
            self.idle_slots = deque(sorted(self.idle_slots, key=_BY_AGE))
            self._kept_by.clear()
        return self.idle_slots

    def note_low_water(self) -> None:
        """Lower the mark if fewer connections than before are idle now (R-16)."""
        self.low_water = min(self.low_water, self.idle)
