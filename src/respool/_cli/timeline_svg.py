"""A picture of timelines as SVG: for each shard its calls, its errors, and its slowest calls.

Rule: it needs no library, and the file no font or script; its colours suit light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from respool._cli.numbers import short, whole
from respool._cli.timeline import Moment, Timeline, height

WIDTH: Final = 860
LEFT: Final = 110
RIGHT: Final = 150
HEAD: Final = 54
ROW: Final = 64
FOOT: Final = 30
COUNT: Final = 160
STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#7d8590}.title{font-size:14px;font-weight:600}"
    ".calls{fill:#2da44e;fill-opacity:.55}.errors{fill:#e5534b}.slow{fill:none;stroke:#d29922;stroke-width:1.5}"
    ".kill{stroke:#e5534b;stroke-dasharray:4 3}.lost{fill:#e5534b}.base{stroke:#7d8590;stroke-opacity:.4}"
)


def draw(timelines: Sequence[Timeline]) -> str:
    """Return all timelines as one SVG file, one below the other."""
    parts: list[str] = []
    top = 0
    for timeline in timelines:
        parts += _timeline(timeline, top)
        top += HEAD + ROW * len(timeline.shards) + FOOT
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    inside = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{inside}\n</svg>\n'


def _timeline(timeline: Timeline, top: int) -> list[str]:
    found = {shard: timeline.moments(shard, COUNT) for shard in timeline.shards}
    most = max(moment.answered for moments in found.values() for moment in moments) or 1
    bottom = top + HEAD + ROW * len(found)
    kill = LEFT + (timeline.killed - timeline.began) / timeline.seconds * _inner()
    title = f"{timeline.callers}, {whole(sum(map(timeline.answered, found)) / timeline.seconds)} calls a second"
    parts = [
        _text(LEFT, top + 20, title, "title"),
        f'<line class="kill" x1="{kill:.1f}" y1="{top + HEAD - 10}" x2="{kill:.1f}" y2="{bottom}"/>',
        _text(kill + 4, top + HEAD - 4, f"shard {timeline.lost + 1} loses its primary", "lost"),
    ]
    for place, (shard, moments) in enumerate(found.items()):
        parts += _shard(timeline, shard, moments, most, top + HEAD + ROW * (place + 1))
    return [
        *parts,
        _text(LEFT, bottom + 16, "0 s"),
        _text(WIDTH - RIGHT - 30, bottom + 16, f"{timeline.seconds:.1f} s"),
    ]


def _shard(timeline: Timeline, shard: int, moments: Sequence[Moment], most: int, base: int) -> list[str]:
    """Return the row of a shard, which stands on ``base``."""
    step, tall = _inner() / len(moments), ROW - 14
    parts = [
        f'<line class="base" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>',
        _text(10, base - tall / 2, f"shard {shard + 1}"),
    ]
    lines: list[list[str]] = [[]]  # a new one after each gap, in which nobody got an answer
    for at, moment in enumerate(moments):
        x = LEFT + at * step
        parts += _column("calls", x, base, step, tall * moment.answered / most)
        parts += _column("errors", x, base, step, 6 if moment.failed else 0)
        if moment.answered:
            lines[-1].append(f"{x + step / 2:.1f},{base - tall * height(moment.slowest):.1f}")
        elif lines[-1]:
            lines.append([])
    parts += [f'<polyline class="slow" points="{" ".join(points)}"/>' for points in lines if points]
    failed, outage = sum(timeline.errors(shard).values()), timeline.outage(shard)
    parts.append(_text(WIDTH - RIGHT + 10, base - 36, f"{whole(failed)} errors", "lost" if failed else ""))
    parts.append(_text(WIDTH - RIGHT + 10, base - 20, f"slowest {short(timeline.slowest(shard))}"))
    if shard == timeline.lost:
        back = "not served again" if outage is None else f"back after {short(outage)}"
        parts.append(_text(WIDTH - RIGHT + 10, base - 4, back))
    return parts


def _inner() -> int:
    return WIDTH - LEFT - RIGHT


def _column(kind: str, x: float, base: float, width: float, tall: float) -> list[str]:
    if not tall:
        return []
    return [f'<rect class="{kind}" x="{x:.1f}" y="{base - tall:.1f}" width="{width:.2f}" height="{tall:.1f}"/>']


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
