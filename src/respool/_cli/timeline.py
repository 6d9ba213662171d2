"""What happened on each shard of a cluster while one of its primaries was killed, and a picture of it as text.

Rule 1: every caller has a ``Record`` of its own, so that threads share no lock. Times are seconds of ``perf_counter``.
Rule 2: a call is drawn where it ended: where nothing is drawn, nobody got an answer.
Rule 3: the picture in text has a line for the calls and one for the slowest call of each moment; ``timeline_svg`` draws
        the same figures.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: How many moments a timeline has, and the height of a bar in eighths of a line.
COLUMNS: Final = 64
BARS: Final = " ▁▂▃▄▅▆▇█"
FAILURE: Final = "x"
#: Latencies are drawn on a logarithmic scale between these seconds.
FASTEST: Final = 0.0001
SLOWEST: Final = 10.0


@dataclass(slots=True)
class Record:
    """The calls of one caller, all of them on one shard."""

    shard: int
    ended: array[float] = field(default_factory=lambda: array("d"))
    took: array[float] = field(default_factory=lambda: array("d"))
    #: When calls ended in errors, and in which.
    failed: list[tuple[float, str]] = field(default_factory=list)
    compared: int = 0
    wrong: int = 0

    def answered(self, began: float, now: float) -> None:
        """Note a call that was answered."""
        self.ended.append(now)
        self.took.append(now - began)

    def compare(self, found: object, expected: object) -> None:
        """Note a reply; a write that the failover lost reads as None."""
        self.compared += 1
        if found is not None and found != expected:
            self.wrong += 1


class Moment(NamedTuple):
    """A part of the timeline of a shard."""

    answered: int = 0
    failed: int = 0
    #: Of the answered calls, in seconds.
    slowest: float = 0.0


class Span(NamedTuple):
    """A piece of a line, and its style as rich names it."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What the callers of one pool saw: they began at ``began``, and a primary of ``lost`` was killed at ``killed``."""

    callers: str
    began: float
    killed: float
    ended: float
    lost: int
    records: Sequence[Record]

    @property
    def shards(self) -> list[int]:
        """The numbers of the shards."""
        return sorted({record.shard for record in self.records})

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def answered(self, shard: int) -> int:
        """Return how many calls of a shard were answered."""
        return sum(len(record.ended) for record in self._of(shard))

    def errors(self, shard: int) -> Counter[str]:
        """Return how many calls of a shard failed, by the name of the error."""
        return Counter(name for record in self._of(shard) for _, name in record.failed)

    def outage(self, shard: int) -> float | None:
        """Return the seconds from the kill to the first answer to a call that began after it; None without one."""
        answers = (
            ended
            for record in self._of(shard)
            for ended, took in zip(record.ended, record.took, strict=True)
            if ended - took >= self.killed
        )
        first = min(answers, default=None)
        return None if first is None else first - self.killed

    def slowest(self, shard: int) -> float:
        """Return how long the slowest answered call of a shard took, in seconds."""
        return max((max(record.took) for record in self._of(shard) if record.took), default=0.0)

    def moments(self, shard: int, count: int = COLUMNS) -> list[Moment]:
        """Return the timeline of a shard in ``count`` parts of the same length."""
        scale = count / self.seconds
        answered, failed, slowest = [0] * count, [0] * count, [0.0] * count
        for record in self._of(shard):
            for ended, took in zip(record.ended, record.took, strict=True):
                at = min(int((ended - self.began) * scale), count - 1)
                answered[at] += 1
                slowest[at] = max(slowest[at], took)
            for ended, _ in record.failed:
                failed[min(int((ended - self.began) * scale), count - 1)] += 1
        return list(map(Moment, answered, failed, slowest))

    def _of(self, shard: int) -> list[Record]:
        return [record for record in self.records if record.shard == shard]


def height(seconds: float) -> float:
    """Return the height of a latency between 0 and 1, on a logarithmic scale."""
    if seconds <= FASTEST:
        return 0.0
    return min(math.log(seconds / FASTEST) / math.log(SLOWEST / FASTEST), 1.0)


def picture(timeline: Timeline) -> list[list[Span]]:
    """Return the timeline of all shards as lines of text."""
    found = {shard: timeline.moments(shard) for shard in timeline.shards}
    most = max(moment.answered for moments in found.values() for moment in moments) or 1
    at = min(int((timeline.killed - timeline.began) / timeline.seconds * COLUMNS), COLUMNS - 1)
    label = f"v shard {timeline.lost + 1} loses its primary"
    lines = [[Span(" " * (_MARGIN + at) + label, "bold red")]]
    for shard, moments in found.items():
        calls = [_calls(moment, most) for moment in moments]
        slow = [Span(_bar(height(moment.slowest)) if moment.answered else " ", "yellow") for moment in moments]
        lines += [[_margin(f"shard {shard + 1}", "calls"), *calls], [_margin("", "slowest"), *slow]]
    end = f"{timeline.seconds:.1f} s"
    scale = f"0 s{end:>{COLUMNS - 3}}"
    return [*lines, [Span(" " * _MARGIN + scale, "dim")]]


_MARGIN: Final = 18


def _margin(left: str, right: str) -> Span:
    return Span(f"  {left:<8}{right:>7} ")


def _calls(moment: Moment, most: int) -> Span:
    if moment.failed:
        return Span(FAILURE, "bold red")
    return Span(_bar(moment.answered / most) if moment.answered else " ", "green")


def _bar(share: float) -> str:
    """Return a bar; whatever there is can be seen."""
    return BARS[max(math.ceil(share * (len(BARS) - 1)), 1)]
