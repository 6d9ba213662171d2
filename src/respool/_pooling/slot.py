"""A connection's line in the ledger, the places where it can stand, and who may wait for it."""

from __future__ import annotations

import enum
from typing import Any, Protocol


class Place(enum.Enum):
    """Where a slot stands."""

    DIALING = "dialing"  # in the pool's own hands: being connected, greeted, checked or reset
    SHARED = "shared"
    IDLE = "idle"
    LEASED = "leased"
    OUT = "out"


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
        self.place = Place.DIALING
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
