"""What a pool tells a ``listener``: one small value per event. ``respool._facts.events`` defines them.

A listener is a plain function called where the event happens; it must be quick, and what it raises is dropped.
"""

from __future__ import annotations

from respool._facts.events import ConnectionClosed, ConnectionOpened, DialFailed, Event, LeaseLeaked, Pushed, Retried

__all__ = ["ConnectionClosed", "ConnectionOpened", "DialFailed", "Event", "LeaseLeaked", "Pushed", "Retried"]
