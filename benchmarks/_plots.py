"""Draw the two plots: throughput by number of tasks, and by number of threads.

They are readable on light and dark pages: the background is transparent and the text is a medium grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks._question import BARE, OURS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks._rounds import Result

GREY = "#808890"
COLORS = {
    OURS: "#e0483e",
    BARE: GREY,
    "redis-py": "#3f86d6",
    "valkey-glide": "#2fa37c",
    "coredis": "#a070d8",
    "ioredis": "#cf9420",
}
PLOTS = (
    ("throughput.svg", ("B1", "B2", "B3"), "tasks", "GETs of 64 bytes per second, one process, asyncio on uvloop"),
    ("threads.svg", ("B4",), "threads", "GETs of 64 bytes per second, one process, threads"),
)


def draw(results: Sequence[Result], directory: Path) -> list[str]:
    """Write the plots that the results have figures for; return their file names. Needs matplotlib."""
    from matplotlib import pyplot

    written = []
    for name, ids, key, title in PLOTS:
        lines = _lines([result for result in results if result.question.id in ids], key)
        if not lines:
            continue
        with pyplot.rc_context({"svg.hashsalt": "respool", "svg.fonttype": "none", "font.family": "sans-serif"}):
            figure = _figure(pyplot, lines, key, title)
            figure.savefig(directory / name, transparent=True, metadata={"Date": None})
            pyplot.close(figure)
        written.append(name)
    return written


def _lines(results: Sequence[Result], key: str) -> dict[str, dict[int, float]]:
    """Return the medians of each side by the number of tasks or threads."""
    lines: dict[str, dict[int, float]] = {}
    for result in results:
        for case in result.question.cases:
            for side in result.question.sides_of(case):
                values = result.answers.get((side, case.name, "ops/s"))
                if values:
                    lines.setdefault(side, {}).setdefault(case.params[key], median(values))
    return lines


def _figure(pyplot: Any, lines: dict[str, dict[int, float]], key: str, title: str) -> Any:
    figure, axes = pyplot.subplots(figsize=(8, 4.6), layout="constrained")
    for side, points in lines.items():
        xs = sorted(points)
        is_bare = side == BARE
        axes.plot(
            xs,
            [points[x] for x in xs],
            color=COLORS.get(side, GREY),
            linestyle="--" if is_bare else "-",
            linewidth=2.6 if side == OURS else 1.6,
            marker="o",
            markersize=5 if side == OURS else 3.5,
            zorder=3 if side == OURS else 2,
        )
    _name_lines(axes, lines)
    axes.set_xscale("log")
    axes.set_yscale("log")
    marks = sorted({x for points in lines.values() for x in points})
    axes.set_xticks(marks, [f"{x:,}".replace(",", " ") for x in marks])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y / 1000:,.0f} k")
    axes.yaxis.set_minor_formatter(lambda y, _: f"{y / 1000:,.0f} k" if f"{y:e}"[0] in "25" else "")
    axes.tick_params(which="both", colors=GREY, labelsize=9)
    axes.grid(visible=True, which="major", color=GREY, alpha=0.25, linewidth=0.8)
    axes.set_xlabel(key, color=GREY)
    axes.set_title(title, color=GREY, fontsize=11, loc="left")
    for edge in axes.spines.values():
        edge.set_visible(False)
    return figure


def _name_lines(axes: Any, lines: dict[str, dict[int, float]]) -> None:
    """Write each name at the end of its line, and move names apart that would overlap."""
    nearest = 1.16  # the smallest distance between two names, as a ratio, because the axis is logarithmic
    floor = 0.0
    for side, points in sorted(lines.items(), key=lambda line: line[1][max(line[1])]):
        end = max(points)
        height = max(points[end], floor * nearest)
        floor = height
        axes.annotate(
            side,
            (end, height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=COLORS.get(side, GREY),
            fontweight="bold" if side == OURS else "normal",
            annotation_clip=False,
        )
