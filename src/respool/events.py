"""The events that a pool reports to a ``listener``, as small values. ``respool._facts.events`` defines them.

A listener is a plain function, called where the event happens. It must be quick, and its exceptions are dropped.
"""

from __future__ import annotations

from respool._facts.events import (
    ConnectionClosed,
    ConnectionOpened,
    DialFailed,
    Event,
    LeaseLeaked,
    MessageDropped,
    PrimaryChanged,
    Pushed,
    Retried,
    SubscriptionLost,
    SubscriptionMoved,
    SubscriptionRestored,
    TotalTooSmall,
)

__all__ = [
    "ConnectionClosed",
    "ConnectionOpened",
    "DialFailed",
    "Event",
    "LeaseLeaked",
    "MessageDropped",
    "PrimaryChanged",
    "Pushed",
    "Retried",
    "SubscriptionLost",
    "SubscriptionMoved",
    "SubscriptionRestored",
    "TotalTooSmall",
]
