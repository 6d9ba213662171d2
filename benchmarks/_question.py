"""What a question is: the sides that answer it, the cases they are asked, and the bars the answers are held against.

Rule 1: a question measures nothing by itself: ``measure`` runs in a worker process, one call per side, case and round.
Rule 2: a bar is a ratio of medians of one run, or an absolute figure where a promise names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

OURS = "respool"
BARE = "bare floor"
BEFORE = "before"  # respool as another tree has it, to see what a change costs

#: Figures of every recorded round, by (side, case, name of the figure).
Answers = dict[tuple[str, str, str], list[float]]


class Missing(Exception):
    """A side cannot take part here; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where and for how long to measure."""

    host: str
    port: int
    pid: int  # of the server, to freeze it
    seconds: float

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"


@dataclass(frozen=True)
class Case:
    """One thing that every side is asked."""

    name: str
    params: Mapping[str, Any]
    sides: tuple[str, ...] = ()  # empty: all of the question
    is_fresh: bool = False  # a new process for every measurement, for memory


@dataclass(frozen=True)
class Bar:
    """Our median over somebody's, held against a limit."""

    case: str
    figure: str
    over: str | None = None  # a side; None and no ``over_case`` or ``over_figure``: the figure itself counts
    over_case: str | None = None
    over_figure: str | None = None
    minus: str | None = None  # a side whose figure is taken off first
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_ratio(self) -> bool:
        return bool(self.over or self.over_case or self.over_figure)

    @property
    def words(self) -> str:
        """What is compared, in words."""
        against = [name for name in (self.over, self.over_case, self.over_figure) if name]
        less = f" beyond {self.minus}" if self.minus else ""
        return f"{self.case}: {self.figure}{less}" + (f" / {', '.join(against)}" if against else "")

    @property
    def limit(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def value(self, answers: Answers) -> float | None:
        """Return the ratio or figure, or None where a side has no answer."""
        ours = _median(answers, (OURS, self.case, self.figure))
        if ours is not None and self.minus is not None:
            less = _median(answers, (self.minus, self.case, self.figure))
            ours = None if less is None else ours - less
        if ours is None or not self.is_ratio:
            return ours
        theirs = _median(answers, (self.over or OURS, self.over_case or self.case, self.over_figure or self.figure))
        return None if not theirs else ours / theirs

    def is_met(self, value: float) -> bool:
        return value >= self.at_least if self.at_least is not None else value <= self.at_most


@dataclass(frozen=True)
class Question:
    """One of B1 ... B11."""

    id: str
    title: str
    sides: tuple[str, ...]
    cases: tuple[Case, ...]
    bars: tuple[Bar, ...]
    measure: Callable[[str, Mapping[str, Any], Place], dict[str, float]]
    #: What the reader should know about how it was measured.
    notes: tuple[str, ...] = field(default=())

    def sides_of(self, case: Case) -> tuple[str, ...]:
        return case.sides or self.sides


def _median(answers: Answers, key: tuple[str, str, str]) -> float | None:
    figures = answers.get(key)
    return median(figures) if figures else None
