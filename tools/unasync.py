"""Turn a file written for asyncio into its twin for threads, line for line.

Rule 1: one table of replacements is applied to the whole text, including docstrings and comments, so that
        examples change with the code. ``await`` and ``async with`` always count as code; prose says "wait".
Rule 2: no replacement changes a line break: line N of a twin is line N of its source, so a traceback through
        a twin also points into the source.
Rule 3: the first line of a source names its twin; in the twin that line is the banner.
Rule 4: a replacement that is never used is an error, and so are a twin without a source and a source without
        the first line. Code that the table cannot convert belongs in ``shell/compat.py``, written twice.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent

#: Pattern and replacement, applied in this order.
RULES: Final[tuple[tuple[str, str], ...]] = (
    (r"\basync (?=(?:def|with|for)\b)", ""),
    (r"\bawait ", ""),
    (r"Async(?=[A-Z])", ""),  # AsyncPool, AsyncIterator, StopAsyncIteration
    (r"\basync_(?=from_url\b)", ""),
    (r"\baclose\b", "close"),
    (r"\b__a(?=(?:enter|exit|iter|next)__)", "__"),
    (r"\b_async\b", "_sync"),  # the package
    (r"\b_surfaces\.asyncio\b", "_surfaces.threads"),
    (r"\basyncio_\b", "threads"),  # the package of the tests
)


class Pair(NamedTuple):
    """A directory of sources and the directory of their twins; ``by_hand`` names the files without a twin."""

    source: str
    twin: str
    pattern: str
    by_hand: frozenset[str]


PAIRS: Final = (
    Pair(
        "src/respool/_async",
        "src/respool/_sync",
        "**/*.py",
        frozenset(
            "__init__.py node/__init__.py routing/__init__.py shell/__init__.py".split()
            + "shell/compat.py shell/dial.py shell/pump.py shell/transport.py".split()
        ),
    ),
    Pair(
        "src/respool/compat/pyredis/_async",
        "src/respool/compat/pyredis/_sync",
        "*.py",
        frozenset({"__init__.py", "worlds.py"}),
    ),
    Pair("tests/asyncio_", "tests/threads", "test_*.py", frozenset()),
    Pair("tests/compat/pyredis/asyncio_", "tests/compat/pyredis/threads", "test_*.py", frozenset()),
)


def twins() -> dict[Path, Path]:
    """Return the path of every twin, with its source."""
    return {
        ROOT / pair.twin / source.relative_to(ROOT / pair.source): source
        for pair in PAIRS
        for source in sorted((ROOT / pair.source).glob(pair.pattern))
        if source.relative_to(ROOT / pair.source).as_posix() not in pair.by_hand
    }


def written_once(twin: Path) -> str:
    """Return the first line of the source of ``twin``."""
    return f"# Written once: {short(twin)} is generated from this file."


def banner(source: str) -> str:
    """Return the first line of a file that is generated from ``source``."""
    return f"# Generated from {source} by tools/generate.py. Do not edit."


def short(path: Path) -> str:
    """Return a path as banners name it."""
    return path.relative_to(ROOT).as_posix().removeprefix("src/")


def turn(source: Path, twin: Path) -> str:
    """Return the text of ``twin``. Raises ValueError if the source does not begin with the line of Rule 3."""
    head, _, body = source.read_text("utf-8").partition("\n")
    if head != written_once(twin):
        raise ValueError(f"the first line of {short(source)} must be: {written_once(twin)}")
    return f"{banner(short(source))}\n{turn_text(body)}"


def turn_text(text: str, used: Counter[str] | None = None) -> str:
    """Apply the table to ``text``; ``used`` counts how often each pattern matched."""
    for pattern, replacement in RULES:
        text, count = re.subn(pattern, replacement, text)
        if used is not None:
            used[pattern] += count
    return text


def unused_rules() -> list[str]:
    """Return the patterns of the table that no source needs."""
    used: Counter[str] = Counter()
    for source in twins().values():
        turn_text(source.read_text("utf-8"), used)
    return [pattern for pattern, _ in RULES if not used[pattern]]
