"""What a ledger holds, and what can be read from it: counts, and which dials are needed (R-06, R-07).

Rule 1: nothing here changes a place or a queue; ``ledger.py`` does.
Rule 2: a dial is needed for a shared connection, a waiting caller, ``min_size``, or a slot past its lifetime, in this
        order. It also has to be allowed: by ``Redial``, after something went wrong, and by the quota, if there is one.
Rule 3: extra shared connections, beside the only one, are dialed one after the other: when callers have met, nothing
        else is needed and places are left. They give up their places when all are taken, so they cost no lease, and
        they are not replaced. So nothing waits for the end of one that is being drained.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from respool._pooling.quota import Need, Quota
from respool._pooling.redial import Redial
from respool._pooling.slot import Place, Slot, Waiter

#: While leases are out, a dial begins beside another only if no waiter was served for this many seconds.
STAGGER: Final = 0.05


class Books:
    """The state of a ledger: slots, waiters, epoch."""

    __slots__ = (
        "_gathered",
        "_kept",
        "_kept_by",
        "_leased",
        "_lifo",
        "_may_have_extra",
        "_most_extra",
        "_moved_at",
        "_resets",
        "address",
        "closed",
        "dialing_shared",
        "dials",
        "epoch",
        "idle_slots",
        "is_called_for",
        "leaving",
        "low_water",
        "low_water_since",
        "max_dials",
        "max_size",
        "max_waiting",
        "may_keep",
        "min_size",
        "quota",
        "redial",
        "renewing",
        "retiring",
        "shared_slots",
        "shared_target",
        "size",
        "to_close",
        "waiters",
        "wants_extra",
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
        quota: Quota | None = None,
    ) -> None:
        self.min_size = min_size
        self.max_size = max_size
        self.shared_target = shared_target
        self._may_have_extra = False
        self._most_extra = 0
        #: Whether callers have met on a shared connection since the latest dial for an extra one.
        self.wants_extra = False
        self.max_waiting = max_waiting
        self.max_dials = max_dials
        self._lifo = lifo
        self.address = address
        #: What all nodes of the pool may have together (``max_total``).
        self.quota = quota
        if quota is not None:
            quota.join(self)
        self.redial = Redial(now)
        self.epoch = 0
        self.closed = False
        #: All slots: shared, idle, leased and dialing. Never above ``max_size``, except while the pool shrinks.
        self.size = 0
        #: Idle slots; the right end was released last.
        self.idle_slots: deque[Slot] = deque()
        self._leased: dict[Slot, None] = {}
        #: Whether threads may keep what they give back (``keeping.py``): "fifo" wants all used in turn, and a quota
        #: wants to know what other nodes can spare.
        self.may_keep = lifo and quota is None
        self._kept: dict[Slot, None] = {}
        self._kept_by: dict[object, Slot] = {}
        self._gathered = 0
        self.shared_slots: list[Slot] = []
        #: Slots being dialed or made ready.
        self.dials: dict[Slot, None] = {}
        self.dialing_shared = 0
        self._resets = 0
        self._moved_at = float("-inf")  # when the queue of waiters last moved, or a dial for a waiter began
        self.renewing: Slot | None = None  # an idle slot past its lifetime, closed once its replacement is ready
        #: Whether a caller has found no shared connection up since the last dial for one began.
        self.is_called_for = False
        #: The shared slot past its lifetime that is being replaced; one at a time.
        self.retiring: Slot | None = None
        #: How many other shared slots are being drained: extra ones, which are not replaced (Rule 3).
        self.leaving = 0
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        #: Slots whose connections the caller must close.
        self.to_close: list[Slot] = []
        self.low_water = 0  # the fewest idle slots since ``low_water_since``
        self.low_water_since = now

    # Counting -------------------------------------------------------------------------------------

    @property
    def idle(self) -> int:
        return len(self.idle_slots) + len(self._kept)

    @property
    def leased(self) -> int:
        return max(0, len(self._leased) - len(self._kept))  # without the lock the two may be of different moments

    @property
    def shared(self) -> int:
        return len(self.shared_slots)

    @property
    def dialing(self) -> int:
        return len(self.dials)

    @property
    def waiting(self) -> int:
        return len(self.waiters)

    def counts(self) -> dict[str, int]:
        """Return the counts of one moment, which add up: threads keep and take connections without the lock."""
        kept = len(self._kept)
        return {
            "size": self.size,
            "shared": len(self.shared_slots),
            "idle": len(self.idle_slots) + kept,
            "leased": len(self._leased) - kept,
            "dialing": len(self.dials),
            "waiting": len(self.waiters),
        }

    @property
    def leased_slots(self) -> list[Slot]:
        """Those that are kept are among them."""
        return list(self._leased)

    @property
    def kept_slots(self) -> list[Slot]:
        """Those that threads have given back, and may take again without the lock."""
        return list(self._kept)

    @property
    def leasable(self) -> int:
        """How many connections can be leased at once."""
        return self.max_size - self.shared_target

    @property
    def has_room(self) -> bool:
        """Whether another connection may be dialed without closing one first."""
        return self.size < self.max_size and (self.quota is None or self.quota.free > 0)

    @property
    def missing_shared(self) -> int:
        """How many shared connections are missing; slots are reserved for them."""
        missing = self.shared_target - len(self.shared_slots) + self.leaving
        if self.retiring is not None and self.retiring.place is Place.SHARED:
            missing += 1
        return max(0, missing)

    def allow_extra(self, most: int) -> bool:
        """Allow extra shared connections when callers meet on the only one; return whether that can be (Rule 3).

        With them no more than half of the places are shared.
        """
        self._most_extra = most
        self._may_have_extra = self.shared_target == 1 and self.quota is None
        return self._may_have_extra

    @property
    def extra(self) -> int:
        """How many shared connections hold their places only until leases need them (Rule 3)."""
        return max(0, len(self.shared_slots) - self.leaving - self.shared_target) if self._may_have_extra else 0

    @property
    def may_have_more(self) -> bool:
        """Whether another extra connection is allowed."""
        most = min(self._most_extra, max(1, self.max_size // 2 - 1))
        return self._may_have_extra and self.extra + self.leaving < most

    @property
    def spare_shared(self) -> int:
        """How many shared connections this node could give up and still have one; 0 while one is being replaced."""
        return max(0, len(self.shared_slots) - 1) if self.retiring is None else 0

    @property
    def is_shedding(self) -> bool:
        """Whether a shared connection is being drained for another node or for a lease."""
        return self.retiring is not None and self.retiring.reason == "shed"

    @property
    def _spoken_for(self) -> int:
        """How many slots are kept free for shared connections that are missing and not being dialed."""
        return max(0, self.missing_shared - self.dialing_shared)

    def check(self) -> None:
        """Raise AssertionError when the ledger is inconsistent. Tests and debug runs call it after every step."""
        places = [*self.idle_slots, *self._leased, *self.shared_slots, *self.dials]
        assert len(set(places)) == len(places) == self.size, "a slot stands in two places, or in none"
        for slots, place in (
            (self.idle_slots, Place.IDLE),
            (self._kept, Place.KEPT),
            (self.shared_slots, Place.SHARED),
            (self.dials, Place.DIALING),
        ):
            assert all(slot.place is place for slot in slots), f"a slot among the {place.value} is elsewhere"
        # A thread may be about to keep one, or to take it, without the lock.
        assert all(slot.place in (Place.LEASED, Place.KEPT) for slot in self._leased), "a leased slot is elsewhere"
        assert self._kept.keys() <= self._leased.keys(), "a slot is kept that is not leased"
        assert self.dialing_shared == sum(slot.is_for_sharing for slot in self.dials)
        assert self.leaving == sum(slot.is_draining and slot is not self.retiring for slot in self.shared_slots)
        assert not (self.waiters and self.idle_slots), "somebody waits while a connection is idle"
        assert not (self.closed and (self.waiters or self.idle_slots)), "a closed ledger serves nobody"

    # What to dial ---------------------------------------------------------------------------------

    def next_dial_at(self, now: float) -> float | None:
        """Return when to call ``reserve`` again if nothing happens before; None when there is no need.

        What the quota refuses now is not tried again before the quota names this ledger.
        """
        if self.closed or not self._may_dial_more():
            return None
        chances: list[float] = []
        may_unasked = not self._is_probing  # otherwise the dial in progress must end first
        if self._wants_shared() and (may_unasked or self.is_called_for):
            chances.append(self.redial.next_chance(now, wanted=self.is_called_for))
        refused_at = now if self.quota is not None and self in self.quota.needs else float("-inf")
        times = {now, max(now, self._next_beside)}
        if self.waiters and self._resets:
            times |= {max(now, slot.held_at + STAGGER) for slot in self.dials if slot.is_reset}
        soon = next((at for at in sorted(times) if at > refused_at and self._wants_lease(at)), None)
        if soon is not None and (may_unasked or self._is_short(soon)):
            chances.append(max(soon, self.redial.next_chance(now, wanted=self._is_short(soon))))
        if self._could_have_extra and may_unasked:
            chances.append(self.redial.next_chance(now, wanted=False))
        return min((chance for chance in chances if chance > refused_at), default=None)

    def _may_dial_more(self) -> bool:
        return len(self.dials) - self._resets < self.max_dials and self.size < self.max_size

    def _need(self, now: float) -> Need | None:
        """Return what the next dial would be for; None when there would be none even without a quota."""
        if self._wants_shared() and self._could_dial(now, wanted=self.is_called_for):
            return Need.SHARED
        is_short = self._is_short(now)
        if not self._wants_lease(now) or not self._could_dial(now, wanted=is_short):
            return None
        return Need.LEASE if is_short else Need.SPARE

    def _could_dial(self, now: float, *, wanted: bool) -> bool:
        return (wanted or not self._is_probing) and self.redial.next_chance(now, wanted=wanted) <= now

    @property
    def _is_probing(self) -> bool:
        """Whether the dial in progress must end before the pool starts another that no caller waits for."""
        return self.redial.is_recovering and len(self.dials) > self._resets

    @property
    def _could_have_extra(self) -> bool:
        """Whether an extra shared connection is wanted, and two places are left: one for it, and one for a lease."""
        is_whole = not (self.missing_shared or self.dialing_shared)
        return self.wants_extra and is_whole and self.may_have_more and self.size + 1 < self.max_size

    @property
    def _has_place_for_extra(self) -> bool:
        return self.may_have_more and self.size < self.max_size

    def _wants_shared(self) -> bool:
        return self.missing_shared > self.dialing_shared

    def _wants_lease(self, now: float) -> bool:
        if self.size + self._spoken_for >= self.max_size:
            return False
        if self.size < self.min_size or (self.renewing is not None and not self.dials):
            return True
        return self._is_short(now) and now >= self._next_beside

    @property
    def _next_beside(self) -> float:
        """When a dial for a waiter may begin beside another one: a lease may be released before it is done (R-06)."""
        under_way = len(self.dials) - self._resets - self.dialing_shared
        return self._moved_at + STAGGER if under_way > 0 and self._leased else float("-inf")

    def _is_short(self, now: float) -> bool:
        """Tell whether more callers wait than connections are about to become available (R-06).

        A connection being checked or reset counts only for ``STAGGER`` seconds, which is normally enough (R-05).
        """
        waiting, coming = len(self.waiters), len(self.dials) - self.dialing_shared + len(self.idle_slots)
        if self._resets and 0 < waiting <= coming:
            coming -= sum(slot.is_reset and now >= slot.held_at + STAGGER for slot in self.dials)
        return waiting > coming
