"""What connections need while unused: replacement by age, shrinking, liveness checks (R-12, R-15, R-16).

Rule 1: these functions decide what is due; the ledger moves the slots and holds the state.
Rule 2: a slot that cannot be acted on yet is looked at again after ``RECHECK``, so that maintenance never spins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from respool._pooling.ledger import Ledger
from respool._pooling.slot import Place, Slot

#: After how many seconds the maintenance task looks again at slots it could not act on: idle slots of an older epoch
#: are closed one by one, and a slot past its lifetime waits for its replacement.
RECHECK: Final = 1.0


def sweep(ledger: Ledger, now: float, max_idle: float | None) -> bool:
    """Retire one surplus idle slot per ``max_idle`` (R-16), and one that is past its lifetime (R-15).

    When the pool is at its minimum and has room, the latter stays until its replacement is ready. Returns whether
    another ``max_idle`` has passed.
    """
    ledger.gather()
    is_over = max_idle is not None and now >= ledger.low_water_since + max_idle
    if is_over:
        # Slots also leave the idle set in other ways than ``take``, so the low-water mark may be out of date.
        if ledger.low_water > 0 and ledger.idle_slots and ledger.size > ledger.min_size:
            ledger.discard(ledger.idle_slots[0], "idle")
        ledger.low_water = len(ledger.idle_slots)
        ledger.low_water_since = now
    if ledger.renewing is not None and ledger.quota is not None and not ledger.quota.free and not ledger.dials:
        ledger.discard(ledger.renewing, "lifetime")  # other nodes have taken the room of its replacement
    for slot in ledger.idle_slots:
        if slot.epoch != ledger.epoch:
            ledger.discard(slot, "epoch")
            break
        if slot.retire_at <= now and ledger.renewing is None:
            if ledger.size > ledger.min_size or not ledger.has_room:
                ledger.discard(slot, "lifetime")
            else:
                ledger.renewing = slot
            break
    if ledger.retiring is None:
        old = (slot for slot in ledger.shared_slots if slot.retire_at <= now and not slot.is_draining)
        ledger.retiring = next(old, None)
    return is_over


def give_up_unused(ledger: Ledger, unused: list[Slot]) -> None:
    """Retire one of the extra shared slots that no thread has chosen for ``max_idle``, the newest of them (R-41).

    The oldest stays, because threads share it without choosing it. So does what ``min_size`` asks for.
    """
    extra = [slot for slot in unused if slot is not ledger.shared_slots[0] and not slot.is_draining]
    if extra and ledger.extra and ledger.retiring is None and ledger.size > ledger.min_size:
        _give_up(ledger, extra[-1], "idle")


def _all_alike(_: Slot) -> float:
    return 0.0


def take_retired(ledger: Ledger, ease: Callable[[Slot], float] = _all_alike) -> Slot | None:
    """Return the shared slot to drain now, if any.

    It is expired, and its replacement is ready, or there is no room for one (R-15); or it is an extra one that is in
    the way of a lease. ``ease`` is higher for one that can be closed sooner: a lease may be waiting for that.
    """
    if ledger.retiring is None and ledger.extra and ledger.size - ledger.leaving >= ledger.max_size:
        stay = [slot for slot in reversed(ledger.shared_slots) if not slot.is_draining]
        _give_up(ledger, max(stay[: ledger.extra], key=ease), "shed")  # the newest of those that are alike
    slot = ledger.retiring
    if slot is None or slot.is_draining:
        return None
    is_waiting = ledger.dialing_shared or ledger.has_room or _is_room_coming(ledger)
    if ledger.missing_shared and is_waiting and not ledger.is_shedding:
        return None
    is_extra = ledger.extra > 0  # nothing is called from here on
    slot.is_draining, slot.taker = True, None  # until the thread that drains it has begun
    if is_extra:
        ledger.leaving += 1
        ledger.retiring = None
    return slot


def _is_room_coming(ledger: Ledger) -> bool:
    """Tell whether another connection must be closed for the replacement that this node has asked its quota for."""
    quota = ledger.quota
    return quota is not None and ledger in quota.needs and quota.helper() is not None


def shed(ledger: Ledger) -> bool:
    """Give up a connection if the quota still asks this node to help another.

    It is the idle one that was unused longest, else the newest shared one, which ``take_retired`` returns next.
    """
    if ledger.quota is None or ledger.quota.helper() is not ledger:
        return False
    if ledger.idle_slots:
        return ledger.discard(ledger.idle_slots[0], "shed")
    if not ledger.spare_shared:  # another thread has changed it meanwhile
        return False
    _give_up(ledger, ledger.shared_slots[-1], "shed")
    return True


def _give_up(ledger: Ledger, slot: Slot, reason: str) -> None:
    ledger.retiring = slot
    slot.reason, slot.retire_at = reason, float("-inf")


def due_for_check(ledger: Ledger, now: float, keepalive: float | None) -> list[Slot]:
    """Return the slots to PING, unused for ``keepalive``. The pool holds the idle ones meanwhile (R-12)."""
    if keepalive is None:
        return []
    due = [
        slot
        for slot in (*ledger.idle_slots, *ledger.shared_slots)
        if now >= max(slot.checked_at, slot.idle_since) + keepalive
        and (slot.epoch == ledger.epoch or slot.place is Place.SHARED)  # stale idle slots are closed unchecked
    ]
    for slot in due:
        slot.checked_at = now
        if slot.place is Place.IDLE:
            ledger.hold(slot, now)
    return due


def next_sweep_at(ledger: Ledger, now: float, max_idle: float | None, keepalive: float | None) -> float | None:
    """Return when ``sweep`` or ``due_for_check`` will have something to do; None when nothing can become due.

    A slot that waits for its replacement is looked at again after ``RECHECK``, so that the task never spins.
    """
    times: list[float] = []
    for slots, replaced in ((ledger.idle_slots, ledger.renewing), (ledger.shared_slots, ledger.retiring)):
        at_work = (slot.retire_at for slot in slots if not slot.is_draining)
        times += [now + RECHECK] if replaced is not None else at_work
    if max_idle is not None and (ledger.idle_slots or ledger.extra):
        times.append(ledger.low_water_since + max_idle)
    fresh = [slot for slot in ledger.idle_slots if slot.epoch == ledger.epoch]
    if keepalive is not None:
        times += [max(slot.checked_at, slot.idle_since) + keepalive for slot in (*fresh, *ledger.shared_slots)]
    if len(fresh) < len(ledger.idle_slots):
        times.append(now + RECHECK)
    soonest = min(times, default=float("inf"))
    return None if soonest == float("inf") else soonest
