"""A jump of the wall clock is harmless, because nobody looks at it (P-26)."""

from __future__ import annotations

import ast
from pathlib import Path

import respool

#: What only shows numbers to people, or starts processes, may look at whatever it likes.
OUTSIDE = ("_cli", "testing")
#: Nothing is decided by these: a gap tells people at what time of the day it began.
TOLD = {"hub.py": ["time.time"]}
WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
}


def names_in(tree: ast.AST) -> set[str]:
    """Return all dotted names, and what is imported from where as such a name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(".".join(ast.unparse(node).split(".")[-2:]))
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_part_of_the_engine_reads_the_wall_clock() -> None:
    home = Path(respool.__file__).parent
    files = [path for path in home.rglob("*.py") if path.relative_to(home).parts[0] not in OUTSIDE]
    assert len(files) > 30
    read = {
        path.name: sorted(names) for path in files if (names := names_in(ast.parse(path.read_text())) & WALL_CLOCKS)
    }
    assert read == TOLD  # the twin in _sync has the same name


def test_the_search_finds_a_wall_clock() -> None:
    assert names_in(ast.parse("import time\nx = time.time()")) & WALL_CLOCKS
    assert names_in(ast.parse("from time import time")) & WALL_CLOCKS
    assert names_in(ast.parse("import datetime\nx = datetime.datetime.now()")) & WALL_CLOCKS
