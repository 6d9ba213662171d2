"""A question: the sides (libraries) that are measured, the cases, and the bars that the figures must meet.

Rule 1: ``measure`` runs in a worker process, one call per side, case and round.
Rule 2: a bar limits a ratio of medians of one run, or an absolute figure if a promise names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

OURS = "respool"
BARE = "bare floor"
SPEED = "with speed"  # respool with respool-speed
BEFORE = "before"  # respool from another checkout, to measure the cost of a change

#: Figures of every recorded round, by (side, case, name of the figure).
Answers = dict[tuple[str, str, str], list[float]]


class Missing(Exception):
    """Raised if a side cannot run here. The message says why."""


@dataclass(frozen=True)
class Place:
    """The server to measure against, and for how many seconds."""

    host: str
    port: int
    pid: int  # of the server, for freezing it
    seconds: float
    primaries: tuple[tuple[str, int], ...] = ()  # of the cluster that a case asks for
    binary: str | None = None  # of the server, for a case that needs another one; None: the embedded Valkey

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    @property
    def cluster_url(self) -> str:
        return "redis+cluster://" + ",".join(f"{host}:{port}" for host, port in self.primaries)


@dataclass(frozen=True)
class Case:
    """One measurement that every side runs."""

    name: str
    params: Mapping[str, Any]
    sides: tuple[str, ...] = ()  # empty: all sides of the question
    is_fresh: bool = False  # use a new process for every measurement, as memory needs it
    primaries: int = 0  # measure against a cluster of so many; 0: no cluster
    rounds: int | None = None  # record at most so many rounds, if one takes long; None: all


@dataclass(frozen=True)
class Bar:
    """A limit for the ratio of our median to another one, or for our median itself."""

    case: str
    figure: str
    over: str | None = None  # a side to divide by; without this and the next two the figure itself is compared
    over_case: str | None = None
    over_figure: str | None = None
    minus: str | None = None  # a side whose figure is subtracted first
    at_least: float | None = None
    at_most: float | None = None
    of: str = OURS  # the side whose median is meant

    @property
    def is_ratio(self) -> bool:
        return bool(self.over or self.over_case or self.over_figure)

    @property
    def words(self) -> str:
        """A description of the comparison."""
        against = [name for name in (self.over, self.over_case, self.over_figure) if name]
        less = f" beyond {self.minus}" if self.minus else ""
        which = "" if self.of == OURS else f" {self.of}"
        return f"{self.case}{which}: {self.figure}{less}" + (f" / {', '.join(against)}" if against else "")

    @property
    def limit(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def value(self, answers: Answers) -> float | None:
        """Return the ratio or figure, or None if a side has no answer."""
        ours = _median(answers, (self.of, self.case, self.figure))
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
    """One of B1 ... B15."""

    id: str
    title: str
    sides: tuple[str, ...]
    cases: tuple[Case, ...]
    bars: tuple[Bar, ...]
    measure: Callable[[str, Mapping[str, Any], Place], dict[str, float]]
    #: Remarks on how it was measured, for the report.
    notes: tuple[str, ...] = field(default=())

    def sides_of(self, case: Case) -> tuple[str, ...]:
        return case.sides or self.sides

    @property
    def clusters(self) -> list[int]:
        """The sizes of the clusters that its cases need."""
        return sorted({case.primaries for case in self.cases if case.primaries})


def _median(answers: Answers, key: tuple[str, str, str]) -> float | None:
    figures = answers.get(key)
    return median(figures) if figures else None
