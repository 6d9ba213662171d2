"""Ledgers and waiters for the tests."""

from __future__ import annotations

from typing import Any

from respool._pooling.books import STAGGER
from respool._pooling.ledger import Ledger
from respool._pooling.slot import Place, Slot
from respool.errors import ConnectFailed

FOREVER = float("inf")
MOST_EXTRA = 3
REFUSED = ConnectFailed("refused", address="node:1")


class Caller:
    """A waiting caller."""

    def __init__(self, *, wants: bool = True, since: float = 0.0) -> None:
        self.since = since
        self.wants = wants
        self.slot: Slot | None = None
        self.error: BaseException | None = None

    def offer(self, slot: Slot) -> bool:
        if self.wants:
            self.slot = slot
        return self.wants

    def fail(self, error: BaseException) -> bool:
        if self.wants:
            self.error = error
        return self.wants


def make(**options: Any) -> Ledger:
    return Ledger(**{"now": 0.0, "max_size": 4, "address": "node:1", **options})


def fill(ledger: Ledger, count: int, *, retire_at: float = FOREVER, now: float = 0.0) -> list[Slot]:
    """Lease ``count`` new connections to waiting callers."""
    leased = []
    for _ in range(count):
        caller = queue(ledger, now=now)
        for slot in ledger.reserve(now + STAGGER * 2):
            connect(ledger, slot, retire_at=retire_at, now=now)
        assert caller.slot is not None
        leased.append(caller.slot)
    return leased


def connect(ledger: Ledger, slot: Slot, *, retire_at: float = FOREVER, now: float = 0.0) -> None:
    slot.connection = object()
    ledger.dialed(slot, retire_at, now)


def idle(ledger: Ledger, count: int, *, retire_at: float = FOREVER, now: float = 0.0) -> list[Slot]:
    slots = fill(ledger, count, retire_at=retire_at, now=now)
    for slot in slots:
        assert ledger.release(slot, now, reusable=True)
    return slots


def queue(ledger: Ledger, *, now: float = 0.0, patient: bool = True, wants: bool = True) -> Caller:
    caller = Caller(wants=wants, since=now)
    ledger.enqueue(caller, now, patient=patient)
    return caller


def share(ledger: Ledger, *, retire_at: float = FOREVER, now: float = 0.0) -> list[Slot]:
    """Bring all shared connections up."""
    while ledger.missing_shared:
        for slot in ledger.reserve(now):
            connect(ledger, slot, retire_at=retire_at, now=now)
    return list(ledger.shared_slots)


def growing(**options: Any) -> tuple[Ledger, Slot]:
    """Return a ledger that may have extra shared connections, and its first one."""
    ledger = make(**{"shared_target": 1, **options})
    assert ledger.allow_extra(MOST_EXTRA)
    (first,) = share(ledger)
    return ledger, first


def add_extra(ledger: Ledger, *, retire_at: float = FOREVER, now: float = 0.0) -> Slot:
    """Let callers meet, and bring an extra shared connection up."""
    ledger.wants_extra = True
    (slot,) = ledger.reserve(now)
    assert slot.is_for_sharing
    connect(ledger, slot, retire_at=retire_at, now=now)
    assert slot.place is Place.SHARED
    return slot
