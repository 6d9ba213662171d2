"""What a pool counts, and the snapshot it returns.

Rule 1: every number is either derived from the state itself or counted in the one place where the event happens.
Rule 2: a snapshot is a value; nothing in it changes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment. The first group holds gauges, the others count since the pool was opened.

    ``size = shared + idle + leased + dialing``. ``in_flight`` counts pending replies on shared connections.
    """

    size: int = 0
    shared: int = 0
    idle: int = 0
    leased: int = 0
    dialing: int = 0
    waiting: int = 0
    in_flight: int = 0
    min_size: int = 0
    max_size: int = 0
    epoch: int = 0

    #: Connections opened, lost (ended by themselves), closed on purpose, and failed dials.
    opened: int = 0
    lost: int = 0
    closed: int = 0
    dial_failures: int = 0

    #: Replies received on any connection, and how many of them nobody waited for any more.
    replies: int = 0
    dropped: int = 0
    #: Commands given up before a byte of them was written.
    taken_back: int = 0

    #: Leases acquired and released; how many had to wait, and for how many seconds in total and at most.
    leases: int = 0
    releases: int = 0
    waits: int = 0
    wait_seconds: float = 0.0
    longest_wait: float = 0.0
    #: Calls that got no connection: refused at once (``on_full="raise"``, too many waiters), and timed out.
    exhausted: int = 0
    timeouts: int = 0
    #: Leased connections that were released in a changed state and had to be reset.
    resets: int = 0
    #: Leases that were dropped without being released.
    leaks: int = 0

    #: Retries made, and retries that the budget refused.
    retries: int = 0
    retries_refused: int = 0

    #: The same for each node of a pool of many nodes, by its address; empty for a pool of one.
    nodes: Mapping[str, PoolStats] = field(default_factory=dict)


#: What is no sum over nodes: they have the same bounds, and each has epochs of its own.
_NO_SUMS: Final = frozenset({"min_size", "max_size", "epoch", "longest_wait", "nodes"})


def summed(parts: Iterable[PoolStats], nodes: Mapping[str, PoolStats] | None = None) -> PoolStats:
    """Return the stats of a pool of several nodes. ``longest_wait`` is the longest; bounds and epochs are left out."""
    parts = list(parts)
    sums = {
        entry.name: sum(getattr(part, entry.name) for part in parts)
        for entry in fields(PoolStats)
        if entry.name not in _NO_SUMS
    }
    longest = max((part.longest_wait for part in parts), default=0.0)
    return PoolStats(**sums, longest_wait=longest, nodes=nodes or {})


class Counters:
    """The counters of one pool that cannot be derived from its state."""

    __slots__ = (
        "closed",
        "dial_failures",
        "dropped",
        "exhausted",
        "leaks",
        "leases",
        "longest_wait",
        "lost",
        "opened",
        "releases",
        "replies",
        "resets",
        "taken_back",
        "timeouts",
        "wait_seconds",
        "waits",
    )

    def __init__(self) -> None:
        self.opened = self.lost = self.closed = self.dial_failures = 0
        self.replies = self.dropped = self.taken_back = 0
        self.leases = self.releases = self.waits = self.resets = self.leaks = 0
        self.exhausted = self.timeouts = 0
        self.wait_seconds = self.longest_wait = 0.0

    def waited(self, seconds: float) -> None:
        """Count a lease that had to wait, and for how long."""
        self.waits += 1
        self.wait_seconds += seconds
        self.longest_wait = max(self.longest_wait, seconds)
