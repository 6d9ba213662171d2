"""What the demo's two loads share: the plan, the tally, and the checks against the server's counts."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Final

from respool._cli.numbers import Latencies, whole

if TYPE_CHECKING:
    from respool import PoolStats

#: Seconds after which the server removes our keys, in case this process is killed.
EXPIRES: Final = 600
#: Callers that block in BLPOP, each on a lease; callers that push items; seconds between two items of a feeder.
CONSUMERS: Final = 8
FEEDERS: Final = 2
FEED_EVERY: Final = 0.005
#: Reads per write.
READS: Final = 3
STOP: Final = b"stop"


@dataclass(slots=True, kw_only=True)
class Plan:
    """Where a load runs, under which name, and for how long."""

    url: str
    name: str
    callers: int
    seconds: float

    def key(self, kind: str, number: int = 0) -> str:
        """Return a key with this load's prefix."""
        return f"{self.name}:{kind}:{number}"


@dataclass(slots=True)
class Tally:
    """Counts and samples of one caller, or of all of them."""

    samples: array[float] = field(default_factory=lambda: array("d"))
    compared: int = 0
    wrong: int = 0
    pushed: dict[int, float] = field(default_factory=dict)
    popped: list[int] = field(default_factory=list)
    handover: array[float] = field(default_factory=lambda: array("d"))

    def took(self, then: float) -> float:
        """Record a call that began at ``then``; return the time now."""
        now = perf_counter()
        self.samples.append(now - then)
        return now

    def compare(self, found: object, expected: object) -> None:
        """Record whether a reply has the expected value."""
        self.compared += 1
        if found != expected:
            self.wrong += 1

    def took_item(self, item: bytes) -> None:
        """Record an item that was popped from the list."""
        number = int(item)
        self.popped.append(number)
        self.handover.append(perf_counter() - self.pushed[number])


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The result of a load, with the server's view of our connections (``rows`` of CLIENT LIST)."""

    callers: str
    seconds: float
    tally: Tally
    stats: PoolStats
    rows: list[dict[str, str]]

    @property
    def latencies(self) -> Latencies:
        """How long the calls on the shared lane took."""
        return Latencies.of(self.tally.samples)

    @property
    def at_server(self) -> int | None:
        """How many commands the server counted on our connections; None if it does not count them."""
        counts = [row.get("tot-cmds") for row in self.rows]
        return None if None in counts else sum(int(count) for count in counts if count is not None)

    @property
    def is_tidy(self) -> bool:
        """Whether no lease or call is left over, and the pool counts as many connections as the server."""
        stats = self.stats
        nothing = not (stats.leased or stats.waiting or stats.dialing or stats.in_flight)
        all_back = stats.leases == stats.releases
        return nothing and all_back and stats.size == len(self.rows) == stats.opened - stats.lost - stats.closed

    @property
    def items_once(self) -> bool:
        """Whether every item that was pushed was popped by exactly one consumer."""
        return sorted(self.tally.popped) == sorted(self.tally.pushed)


@dataclass(slots=True, kw_only=True)
class Cancelling:
    """The result of cancelling half of the calls."""

    calls: int = 0
    cancelled: int = 0
    survivors: int = 0
    wrong: int = 0
    taken_back: int = 0
    dropped: int = 0
    replies: int = 0
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()

    @property
    def reconnects(self) -> int:
        """The number of connections that were opened meanwhile."""
        return len(self.after - self.before)

    @property
    def adds_up(self) -> bool:
        """Whether each call was either answered by the server (the reply may be dropped) or never sent."""
        return self.calls == self.replies + self.taken_back and self.calls == self.cancelled + self.survivors


def progress_words(calls: int, elapsed: float) -> str:
    """Return the text of the progress display."""
    return f"{whole(calls):>11} commands  {whole(calls / max(elapsed, 0.001)):>9}/s"
