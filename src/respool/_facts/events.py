"""What a pool passes to a ``listener``: one small value per event, made only if there is a listener.

A listener is a plain function, called where the event happens. It must be quick; exceptions from it are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Base class: something happened at the node with this ``address``."""

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
    """A dial failed with ``error``."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """A command is sent again after ``error``; ``attempt`` counts from 1."""

    command: str
    attempt: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class Pushed(Event):
    """The server sent a push: a message of a channel that a lease has subscribed to, an invalidation ..."""

    push: list[Any]


@dataclass(frozen=True, slots=True)
class LeaseLeaked(Event):
    """A leased connection was dropped without being released; the pool took its slot back."""

    borrowed_at: str


@dataclass(frozen=True, slots=True)
class TotalTooSmall(Event):
    """``max_total`` is below the number of nodes, so some of them wait for the connections of others."""

    max_total: int
    nodes: int


@dataclass(frozen=True, slots=True)
class PrimaryChanged(Event):
    """Another node is the primary of a service. ``old`` and ``new`` are ``host:port``; None: there was, or is, none.

    ``why`` says who said so.
    """

    old: str | None
    new: str | None
    why: str


@dataclass(frozen=True, slots=True)
class SubscriptionLost(Event):
    """The connection of ``topics`` channels and patterns ended, with ``error``; they are subscribed to again."""

    topics: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class SubscriptionRestored(Event):
    """A channel or pattern, as the server knows it, is subscribed to again, ``seconds`` after it was lost."""

    channel: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class SubscriptionMoved(Event):
    """A channel is subscribed to at another node, ``seconds`` after it was lost at the old one.

    ``old`` and ``new`` are ``host:port``.
    """

    channel: bytes
    old: str
    new: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageDropped(Event):
    """A message was dropped because the queue of a subscriber was full; it has dropped ``dropped`` by now."""

    channel: bytes
    dropped: int


def notify(listener: Callable[[Any], None] | None, kind: type[Event], *facts: Any) -> None:
    """Call a listener, if there is one. Its exceptions are dropped, except KeyboardInterrupt."""
    if listener is not None:
        try:
            listener(kind(*facts))
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: S110 - a listener must not break the pool it listens to
            pass


def _name_as_imported() -> None:
    """Make representations and pickles name the events by the path from which users import them."""
    for kind in [Event, *Event.__subclasses__()]:
        kind.__module__ = "respool.events"


_name_as_imported()
