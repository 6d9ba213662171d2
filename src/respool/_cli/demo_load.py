"""What the demo's two loads have in common: the plan, the tally, and what is asked from the server at the end."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Final

from respool._cli.numbers import Latencies, whole

if TYPE_CHECKING:
    from respool import PoolStats

#: Seconds after which the server removes a key of ours by itself, should we be killed.
EXPIRES: Final = 600
#: Callers that sit in BLPOP, each on a lease; callers that feed them; seconds between two items of a feeder.
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
        """Return a key of our own."""
        return f"{self.name}:{kind}:{number}"


@dataclass(slots=True)
class Tally:
    """What one caller, or all of them, did and saw."""

    samples: array[float] = field(default_factory=lambda: array("d"))
    compared: int = 0
    wrong: int = 0
    pushed: dict[int, float] = field(default_factory=dict)
    popped: list[int] = field(default_factory=list)
    handover: array[float] = field(default_factory=lambda: array("d"))

    def took(self, then: float) -> float:
        """Note a call that began at ``then``; return the time now."""
        now = perf_counter()
        self.samples.append(now - then)
        return now

    def compare(self, found: object, expected: object) -> None:
        """Note whether a reply is the one its caller must get."""
        self.compared += 1
        if found != expected:
            self.wrong += 1

    def took_item(self, item: bytes) -> None:
        """Note an item that came out of the list."""
        number = int(item)
        self.popped.append(number)
        self.handover.append(perf_counter() - self.pushed[number])


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a load did, and what the server says about it."""

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
        """How many commands the server counts on our connections; None when it does not count them."""
        counts = [row.get("tot-cmds") for row in self.rows]
        return None if None in counts else sum(int(count) for count in counts if count is not None)

    @property
    def is_tidy(self) -> bool:
        """Whether nothing is left over, and the pool counts as many connections as the server."""
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
    """What cancelling half of the calls did."""

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
        """Connections the server had not seen before."""
        return len(self.after - self.before)

    @property
    def adds_up(self) -> bool:
        """Whether each call either got its reply from the server, dropped or not, or was never sent."""
        return self.calls == self.replies + self.taken_back and self.calls == self.cancelled + self.survivors


def progress_words(calls: int, elapsed: float) -> str:
    """Return what a ticker says."""
    return f"{whole(calls):>11} commands  {whole(calls / max(elapsed, 0.001)):>9}/s"
