"""The queue of one subscriber: messages that it has not taken yet, and the gaps between them.

Rule 1: at most ``limit`` messages wait. What happens to the next one is the subscriber's choice (``on_full``): the
        oldest goes, the new one goes, or the subscriber ends with QueueFull once it has taken what is there.
Rule 2: nothing is lost silently. Each loss puts a ``Gap`` where it happened, and the first message behind it says so.
        Gaps with no message in between are one gap.
Rule 3: the connection of a topic is lost: the next message says so, and once all lost topics are subscribed again
        there is a gap. So a reader that fetches what it has missed when it meets the gap misses nothing.
Rule 4: this file knows no clocks and no locks: times come as arguments.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, NamedTuple

from respool._facts.errors import Error, QueueFull
from respool._facts.messages import Gap

POLICIES: Final = ("drop_oldest", "drop_newest", "close")


class Item(NamedTuple):
    """A message as it was received: all in bytes."""

    kind: str
    pattern: bytes | None
    channel: bytes
    data: bytes
    is_after_loss: bool = False


class Inbox:
    """What one subscriber has still to take."""

    __slots__ = ("_gap_ahead", "_is_after_gap", "_is_after_loss", "_items", "_lost", "_on_full", "bell", "dropped",
                 "failure", "gaps", "limit", "size")  # fmt: skip

    def __init__(self, limit: int, on_full: str, bell: Any = None) -> None:
        self.limit = limit
        self._on_full = on_full
        self._items: deque[Item | Gap] = deque()
        self._lost: dict[Any, Gap] = {}  # the topics that are to be subscribed again
        self._gap_ahead: Gap | None = None  # it comes before all items
        self._is_after_gap = False  # the last thing taken was a gap
        self._is_after_loss = False  # no message has come since a topic was lost
        #: Wakes whoever waits for an item.
        self.bell = bell
        #: How many messages wait.
        self.size = 0
        #: How many messages were dropped, and how many gaps there were.
        self.dropped = 0
        self.gaps = 0
        #: Why no item will come any more; it is raised once everything has been taken.
        self.failure: Error | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._items and self._gap_ahead is None

    def put(self, item: Item, now: float) -> bool:
        """Add a message; return False if one was dropped for that (Rule 1)."""
        if self.failure is not None:
            return True
        if self._is_after_loss:
            item = item._replace(is_after_loss=True)
        if self.size < self.limit:
            self._add(item)
            return True
        if self._on_full == "close":
            self.failure = QueueFull(
                f"the queue of a subscriber was full with {self.limit} messages: read faster, make queue= larger, or "
                "let on_full= drop messages"
            )
            return True
        self.dropped += 1
        if self._on_full == "drop_oldest":
            self._drop_oldest(now)
            self._add(item)
        else:
            self._add_gap(Gap("dropped", now))
        return False

    def _add(self, item: Item) -> None:
        self._is_after_loss = False
        self._items.append(item)
        self.size += 1

    def _drop_oldest(self, now: float) -> None:
        """Drop the oldest message. The gaps around it become one, ahead of all items."""
        gap = self._gap_ahead
        while self.size == self.limit:
            first = self._items.popleft()
            if isinstance(first, Gap):
                gap = gap or first
            else:
                self.size -= 1
        if gap is None:
            gap = Gap("dropped", now)
            self.gaps += 1
        while self._items and isinstance(self._items[0], Gap):
            self._items.popleft()
            self.gaps -= 1
        self._gap_ahead = gap

    def _add_gap(self, gap: Gap) -> None:
        if self._items:
            if not isinstance(self._items[-1], Gap):
                self._items.append(gap)
                self.gaps += 1
        elif self._gap_ahead is None:
            self._gap_ahead = gap
            self.gaps += 1

    def lost(self, topic: Any, gap: Gap) -> None:
        """Note that a topic may miss messages from now on (Rule 3)."""
        self._is_after_loss = True
        self._lost.setdefault(topic, gap)

    def found(self, topic: Any) -> None:
        """Note that a topic is subscribed again, or is not wanted any more."""
        gap = self._lost.pop(topic, None)
        if gap is None:
            return
        if self._lost:  # it counts when the last one is back
            other = next(iter(self._lost))
            self._lost[other] = min(gap, self._lost[other], key=lambda each: each.since)
        else:
            self._add_gap(gap)

    def take(self) -> Item | Gap | None:
        """Return the next item, a message with ``is_after_loss`` as its reader is to see it; None if there is none."""
        if self._gap_ahead is not None:
            gap, self._gap_ahead = self._gap_ahead, None
            self._is_after_gap = True
            return gap
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, Gap):
            self._is_after_gap = True
            return item
        self.size -= 1
        if self._is_after_gap:
            self._is_after_gap = False
            return item._replace(is_after_loss=True)
        return item
