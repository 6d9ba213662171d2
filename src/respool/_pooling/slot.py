"""A connection's entry in the ledger, the places it can be in, and the callers that wait for it."""

from __future__ import annotations

import enum
from typing import Any, Protocol


class Place(enum.Enum):
    """The place of a slot in the ledger."""

    DIALING = "dialing"  # held by the pool itself: being connected, greeted, checked or reset
    SHARED = "shared"
    IDLE = "idle"
    LEASED = "leased"
    KEPT = "kept"  # given back without the lock: counted among the leased ones until somebody takes it or gathers it
    OUT = "out"


class Slot:
    """One connection's entry in the ledger."""

    __slots__ = (
        "checked_at",
        "connection",
        "epoch",
        "held_at",
        "idle_since",
        "is_called_for",
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
        #: Whether callers of the shared lane wait for this dial.
        self.is_called_for = False
        #: Whether it is being checked or reset rather than dialed: then it does not count against ``max_dials``.
        self.is_reset = False
        #: Whether it is a shared connection past its lifetime, about to be closed: it gets no new work.
        self.is_draining = False
        #: Whether its connection ended by itself.
        self.is_lost = False
        #: When its check or reset began.
        self.held_at = 0.0
        #: When it was last dialed or checked with PING.
        self.checked_at = 0.0
        self.retire_at = float("inf")
        self.idle_since = 0.0
        #: Why it was taken out, in a word.
        self.reason = ""
        #: The call that is about to receive it (only with threads), until it has: it may be interrupted before.
        self.taker: object = None

    def __repr__(self) -> str:
        return f"<Slot {self.place.value} epoch={self.epoch}>"


class Waiter(Protocol):
    """A caller queued for a lease: a future of the result. Once it has given up, both methods return False."""

    since: float

    def offer(self, slot: Slot) -> bool:
        """Complete the wait with a leased slot."""
        ...

    def fail(self, error: BaseException) -> bool:
        """End the wait with an error."""
        ...
