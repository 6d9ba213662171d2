"""Format results as the text report that is committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks._question import BEFORE, OURS

if TYPE_CHECKING:
    from benchmarks._question import Bar
    from benchmarks._rounds import Result

WIDTH = 118


@dataclass(frozen=True)
class Verdict:
    """One bar, and the value measured for it; None if a side had no answer."""

    id: str
    bar: Bar
    value: float | None

    @property
    def word(self) -> str:
        if self.value is None:
            return "not measured"
        return "met" if self.bar.is_met(self.value) else "MISSED"


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    return [
        Verdict(result.question.id, bar, bar.value(result.answers))
        for result in results
        for bar in result.question.bars
    ]


def render(machine: Sequence[tuple[str, str]], results: Sequence[Result], *, rounds: int, seconds: float) -> str:
    """Return the whole report."""
    lines = ["respool benchmarks", "=" * 18, ""]
    lines += [f"{what + ':':<13} {which}" for what, which in machine]
    lines += [
        f"{'method:':<13} medians of {rounds} alternating rounds of {seconds:g} s after one to warm up, a process for",
        f"{'':<13} each side; in brackets the lowest and the highest round",
        "",
        "Bars",
        "----",
        "",
        *_bars(verdicts(results)),
    ]
    for result in results:
        lines += ["", *_question(result)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def against_before(
    machine: Sequence[tuple[str, str]], results: Sequence[Result], *, rounds: int, seconds: float
) -> str:
    """Return the ratio of this tree to the other one for every figure: of the medians, and of each pair of rounds."""
    lines = [f"{what + ':':<13} {which}" for what, which in machine]
    lines += [f"{rounds} alternating rounds of {seconds:g} s", ""]
    lines += [f"{'id':<5}{'case':<40}{'figure':<22}{'now':>12}{'before':>12}{'ratio':>8}   of pairs", "-" * WIDTH]
    for result in results:
        for side, case, figure in result.answers:
            ours, theirs = (result.answers.get((name, case, figure), []) for name in (OURS, BEFORE))
            if side != OURS or not theirs or not median(theirs):
                continue
            pairs = sorted(now / then for now, then in zip(ours, theirs, strict=False) if then)
            lines.append(
                f"{result.question.id:<5}{case[:39]:<40}{figure[:21]:<22}{median(ours):>12,.4g}{median(theirs):>12,.4g}"
                f"{median(ours) / median(theirs):>8.3f}   {pairs[0]:.2f} .. {pairs[-1]:.2f}"
            )
    return "\n".join(lines) + "\n"


def _bars(rows: Sequence[Verdict]) -> list[str]:
    lines = [f"{'id':<5}{'what':<66}{'value':>9}  {'bar':<9} verdict", "-" * WIDTH]
    for row in rows:
        value = "-" if row.value is None else f"{row.value:.3g}" if row.value < 10 else f"{row.value:.1f}"
        lines.append(f"{row.id:<5}{row.bar.words:<66}{value:>9}  {row.bar.limit:<9} {row.word}")
    met = sum(row.word == "met" for row in rows)
    return [*lines, "-" * WIDTH, f"{met} of {len(rows)} met"]


def _question(result: Result) -> list[str]:
    question = result.question
    title = f"{question.id}. {question.title}"
    lines = [title, "-" * len(title), ""]
    for case in question.cases:
        for side in question.sides_of(case):
            figures = [
                (figure, values)
                for (who, what, figure), values in result.answers.items()
                if (who, what) == (side, case.name)
            ]
            lines += [
                f"{case.name:<32}{side:<24}{_number(median(values)):>10} {figure:<16}"
                f"[{_number(min(values))} .. {_number(max(values))}]"
                for figure, values in figures
            ]
    lines += [f"{side} took no part: {why}" for side, why in result.absent.items()]
    lines += [f"note: {note}" for note in question.notes]
    return lines


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
