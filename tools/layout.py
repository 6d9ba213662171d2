"""Format generated code as ``ruff format`` and ruff's import rule would."""

from __future__ import annotations

import tomllib
from itertools import groupby
from typing import TYPE_CHECKING, Final

from unasync import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The longest line, as pyproject.toml says.
WIDTH: Final[int] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["line-length"]

#: The packages that are ours.
OURS: Final = ("respool", "examples")


def bracketed(head: str, items: Sequence[str], tail: str, *, width: int = WIDTH) -> str:
    """Return ``head``, the items and ``tail`` on one line, or on three, or with a line for each item."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= width or not items:
        return line
    margin = " " * (len(head) - len(head.lstrip()))
    inner = f"{margin}    {', '.join(items)}"
    if len(inner) <= width:
        return f"{head}\n{inner}\n{margin}{tail}"
    lines = "".join(f"{margin}    {item},\n" for item in items)
    return f"{head}\n{lines}{margin}{tail}"


def condition(margin: str, parts: Sequence[str], joint: str) -> str:
    """Return ``if`` and its parts, joined by "and" or "or", on one line or with a line for each part."""
    line = f"{margin}if {f' {joint} '.join(parts)}:"
    if len(line) <= WIDTH:
        return line
    lines = f"\n{margin}    {joint} ".join(parts)
    return f"{margin}if (\n{margin}    {lines}\n{margin}):"


def imported(names: Iterable[tuple[str, str]], *, indent: int = 0) -> str:
    """Return import statements for pairs of a module and a name: the standard library, then ours.

    An empty name imports the module itself.
    """
    margin = " " * indent
    blocks: list[list[str]] = [[], []]
    for origin, pairs in groupby(sorted(names), key=lambda pair: pair[0]):
        found = sorted({name for _, name in pairs if name}, key=_rank)
        line = _from(f"{margin}from {origin} import ", found) if found else f"{margin}import {origin}"
        blocks[origin.startswith(OURS)].append(line)
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks if block)


def _from(head: str, names: list[str]) -> str:
    line = f"{head}{', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    margin = " " * (len(head) - len(head.lstrip()))
    lines = "".join(f"{margin}    {name},\n" for name in names)
    return f"{head}(\n{lines}{margin})"


def _rank(name: str) -> tuple[int, str, str]:
    """Order names as the import rule does: constants, classes, the rest, each without regard to case."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name.lower(), name
    return kind, name.lower()
