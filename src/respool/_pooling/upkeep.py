"""What connections need while nobody asks for them: replacement by age, shrinking, liveness checks (R-12, R-15, R-16).

Rule 1: these functions decide what is due; the ledger moves the slots and keeps what it must remember.
Rule 2: whatever waits for something else is looked at again after ``RECHECK``, so that maintenance never spins.
"""

from __future__ import annotations

from typing import Final

from respool._pooling.ledger import Ledger
from respool._pooling.slot import Place, Slot

#: After how many seconds the maintenance task looks again at what it could not act on: idle slots of an older epoch
#: go one by one, and a slot over age waits for its replacement.
RECHECK: Final = 1.0


def sweep(ledger: Ledger, now: float, max_idle: float | None) -> None:
    """Retire what is due: one idle slot of surplus per ``max_idle`` (R-16), and one that is over age (R-15).

    When the pool is at its minimum and has room, the one over age stays until its replacement is there.
    """
    if max_idle is not None and now >= ledger.low_water_since + max_idle:
        # Slots can leave the idle set for other reasons than being taken; what is not there is no surplus.
        if ledger.low_water > 0 and ledger.idle_slots and ledger.size > ledger.min_size:
            ledger.discard(ledger.idle_slots[0], "idle")
        ledger.low_water = len(ledger.idle_slots)
        ledger.low_water_since = now
    for slot in ledger.idle_slots:
        if slot.epoch != ledger.epoch:
            ledger.discard(slot, "epoch")
            break
        if slot.retire_at <= now and ledger.renewing is None:
            if ledger.size > ledger.min_size or ledger.size >= ledger.max_size:
                ledger.discard(slot, "lifetime")
            else:
                ledger.renewing = slot
            break
    if ledger.retiring is None:
        ledger.retiring = next((slot for slot in ledger.shared_slots if slot.retire_at <= now), None)


def take_retired(ledger: Ledger) -> Slot | None:
    """Return the shared slot over age to drain now: its replacement is there, or has no room (R-15)."""
    slot = ledger.retiring
    if slot is None or slot.is_draining:
        return None
    if ledger.missing_shared and (ledger.dialing_shared or ledger.size < ledger.max_size):
        return None
    slot.is_draining = True
    return slot


def due_for_check(ledger: Ledger, now: float, keepalive: float | None) -> list[Slot]:
    """Return the slots to PING, unused for ``keepalive``. Idle ones are in the pool's hands until then (R-12)."""
    if keepalive is None:
        return []
    due = [
        slot
        for slot in (*ledger.idle_slots, *ledger.shared_slots)
        if now >= max(slot.checked_at, slot.idle_since) + keepalive
        and (slot.epoch == ledger.epoch or slot.place is Place.SHARED)  # stale idle ones go without a question
    ]
    for slot in due:
        slot.checked_at = now
        if slot.place is Place.IDLE:
            ledger.hold(slot, now)
    return due


def next_sweep_at(ledger: Ledger, now: float, max_idle: float | None, keepalive: float | None) -> float | None:
    """Return when ``sweep`` or ``due_for_check`` have something to do; None when nothing can become due.

    What waits for a replacement is looked at again after ``RECHECK``, so that the maintenance task never spins.
    """
    times: list[float] = []
    for slots, replaced in ((ledger.idle_slots, ledger.renewing), (ledger.shared_slots, ledger.retiring)):
        times += [now + RECHECK] if replaced is not None else [slot.retire_at for slot in slots]
    if max_idle is not None and ledger.idle_slots:
        times.append(ledger.low_water_since + max_idle)
    fresh = [slot for slot in ledger.idle_slots if slot.epoch == ledger.epoch]
    if keepalive is not None:
        times += [max(slot.checked_at, slot.idle_since) + keepalive for slot in (*fresh, *ledger.shared_slots)]
    if len(fresh) < len(ledger.idle_slots):
        times.append(now + RECHECK)
    soonest = min(times, default=float("inf"))
    return None if soonest == float("inf") else soonest
