"""What a pool tells a ``listener``: one small value per event, made only when somebody listens.

A listener is a plain function called where the event happens; it must be quick, and what it raises is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at a node. ``address`` names it."""

    address: str


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """A connection finished its handshake, ``took`` seconds after its dial began."""

    took: float


@dataclass(frozen=True, slots=True)
class ConnectionClosed(Event):
    """A connection was closed. ``reason`` says why: ``"lost"``, ``"idle"`` ... (all in docs/reference/events.md)."""

    reason: str


@dataclass(frozen=True, slots=True)
class DialFailed(Event):
    """A dial ended in ``error``."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """A command is sent again after ``error``; ``attempt`` counts from 1."""

    command: str
    attempt: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class Pushed(Event):
    """The server sent a push: a message of a channel that a lease subscribed to, an invalidation ..."""

    push: list[Any]


@dataclass(frozen=True, slots=True)
class LeaseLeaked(Event):
    """A leased connection was dropped without being released; the pool took its slot back."""

    borrowed_at: str


def _name_as_imported() -> None:
    """Let representations and pickles name an event as users import it."""
    for kind in [Event, *Event.__subclasses__()]:
        kind.__module__ = "respool.events"


_name_as_imported()
