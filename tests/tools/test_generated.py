"""The generated files are what the generator makes of their sources, and the generator has nothing to spare."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import generate
import unasync

TWINS = unasync.twins()
WANTED = generate.products()


@pytest.mark.parametrize("path", WANTED, ids=unasync.short)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.exists(), f"run: python tools/generate.py ({path.name} is missing)"
    assert path.read_text("utf-8") == WANTED[path], "run: python tools/generate.py"


def test_no_bannered_file_is_an_orphan() -> None:
    assert generate.orphans(WANTED) == []


def test_every_rule_of_the_table_is_used() -> None:
    assert unasync.unused_rules() == []


@pytest.mark.parametrize("twin", TWINS, ids=unasync.short)
def test_a_twin_has_the_lines_of_its_source(twin: Path) -> None:
    text = unasync.turn(TWINS[twin], twin)
    assert text.count("\n") == TWINS[twin].read_text("utf-8").count("\n")
    compile(text, str(twin), "exec")


def test_every_file_by_hand_exists_in_both_worlds() -> None:
    for pair in unasync.PAIRS:
        for name in pair.by_hand:
            assert (unasync.ROOT / pair.source / name).exists(), f"{pair.source}/{name}"
            assert (unasync.ROOT / pair.twin / name).exists(), f"{pair.twin}/{name}"


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def aclose(self) -> None:", "def close(self) -> None:"),
        ("    return await self._lane.call(args)", "    return self._lane.call(args)"),
        (
            "async with AsyncPool() as pool, pool.acquire() as conn:",
            "with Pool() as pool, pool.acquire() as conn:",
        ),
        ("[item async for item in await self.scan()]", "[item for item in self.scan()]"),
        ("async def __aenter__(self) -> AsyncPool:", "def __enter__(self) -> Pool:"),
        ("    raise StopAsyncIteration", "    raise StopIteration"),
        ("from respool._async.shell.compat import Waiter", "from respool._sync.shell.compat import Waiter"),
        ("from asyncio_.harness import Callers", "from threads.harness import Callers"),
        (
            "    #: Use ``await pool.open()``, or ``async with pool``.",
            "    #: Use ``pool.open()``, or ``with pool``.",
        ),
        ("self._asynchronous = awaited  # stays", "self._asynchronous = awaited  # stays"),
    ],
)
def test_a_line_is_turned(source: str, twin: str) -> None:
    assert unasync.turn_text(source) == twin


def test_a_source_without_its_first_line_is_refused() -> None:
    source = unasync.ROOT / "src/respool/_async/shell/compat.py"
    with pytest.raises(ValueError, match=r"Written once: respool/_sync/shell/compat\.py is generated from this file"):
        unasync.turn(source, unasync.ROOT / "src/respool/_sync/shell/compat.py")
