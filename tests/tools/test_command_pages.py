"""Every command has its page in the documentation, made of what is known of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from respool import commands

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import command_pages
import docs_hooks

ROOT: Final = Path(__file__).parents[2]
PAGES = command_pages.pages()


def test_every_function_has_a_page_and_stands_in_the_index() -> None:
    assert {Path(address).stem for address in PAGES} == set(commands.__all__)
    assert set(re.findall(r"\(commands/(\w+)\.md\)", command_pages.index())) == set(commands.__all__)


def test_the_index_has_its_place() -> None:
    page = ROOT / f"docs/{command_pages.FOLDER}.md"
    assert page.read_text("utf-8").count(command_pages.MARK) == 1


@pytest.mark.parametrize("name", ["get", "hset", "blpop", "client_setname", "scan"])
def test_a_page_says_how_a_command_travels(name: str) -> None:
    lane, retried, keys, cacheable = {
        "get": ("shared", "yes, as a read", "`key`", "yes"),
        "hset": ("shared", "only if it was not written: it may have run", "`key`", "no"),
        "blpop": ("leased: it blocks", "only if it was not written: it may have run", "`*keys`", "no"),
        "client_setname": (
            "leased: it changes its connection, so call it on a lease",
            "only if it was not written: it may have run",
            "none",
            "no",
        ),
        "scan": ("shared", "yes, as a read", "none", "no"),
    }[name]
    assert f"| {lane} | {retried} | {keys} | {cacheable} |" in PAGES[f"reference/commands/{name}.md"]


def test_a_page_shows_what_is_sent_and_since_when() -> None:
    page = PAGES["reference/commands/hsetex.md"]
    assert '| `hsetex("h", {"a": 1, "b": 2}, ex=5)` | `True` | `HSETEX h EX 5 FIELDS 2 a 1 b 2` |' in page
    assert "| `fnx=True` | FNX | 9.0.0 | 8.0.0 |" in page
    assert "hsetex(" in page
    assert "https://valkey.io/commands/hsetex/), since 9.0.0" in page


def test_a_value_is_shown_as_text_and_never_where_it_varies() -> None:
    assert '| `get("k")` | `"v"` | `GET k` |' in PAGES["reference/commands/get.md"]
    assert "| `client_id()` |  | `CLIENT ID` |" in PAGES["reference/commands/client_id.md"]


@pytest.mark.parametrize("address", sorted(PAGES))
def test_no_line_of_code_is_too_wide(address: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGES[address], flags=re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > docs_hooks.WIDEST] == []
