"""Every command has its page in the documentation, made of what is known of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from respool import Pool, commands
from respool.errors import ServerError, UnknownCommand, WrongType
from respool.testing import Server

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import command_pages
import docs_hooks

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return all pages by their addresses: made once, and not by every process that collects tests."""
    return command_pages.pages()


def test_every_function_has_a_page_and_stands_in_the_index(pages: dict[str, str]) -> None:
    assert {Path(address).stem for address in pages} == set(commands.__all__)
    assert set(re.findall(r"\(commands/(\w+)\.md\)", command_pages.index())) == set(commands.__all__)


def test_the_index_has_its_place() -> None:
    page = ROOT / f"docs/{command_pages.FOLDER}.md"
    assert page.read_text("utf-8").count(command_pages.MARK) == 1


@pytest.mark.parametrize("name", ["get", "hset", "blpop", "client_setname", "scan"])
def test_a_page_says_how_a_command_travels(pages: dict[str, str], name: str) -> None:
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
    assert f"| {lane} | {retried} | {keys} | {cacheable} |" in pages[f"reference/commands/{name}.md"]


def test_a_page_shows_what_is_sent_and_since_when(pages: dict[str, str]) -> None:
    page = pages["reference/commands/hsetex.md"]
    assert '| `hsetex("h", {"a": 1, "b": 2}, ex=5)` | `True` | `HSETEX h EX 5 FIELDS 2 a 1 b 2` |' in page
    assert "| `fnx=True` | FNX | 9.0.0 | 8.0.0 |" in page
    assert "hsetex(" in page
    assert "https://valkey.io/commands/hsetex/), since 9.0.0" in page


def test_a_value_is_shown_as_text_and_never_where_it_varies(pages: dict[str, str]) -> None:
    assert '| `get("k")` | `"v"` | `GET k` |' in pages["reference/commands/get.md"]
    assert "| `client_id()` |  | `CLIENT ID` |" in pages["reference/commands/client_id.md"]


def test_no_line_of_code_is_too_wide(pages: dict[str, str]) -> None:
    for address, page in pages.items():
        blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
        assert [line for block in blocks for line in block.splitlines() if len(line) > docs_hooks.WIDEST] == [], address


def test_an_option_has_one_row_with_all_its_words(pages: dict[str, str]) -> None:
    page = pages["reference/commands/zunionstore.md"]
    assert '| `aggregate="SUM" \\| "MIN" \\| "MAX"` | AGGREGATE, SUM, MIN, MAX | 2.0.0 | 2.0.0 |' in page
    assert '| `by="SCORE" \\| "LEX"` | BYSCORE, BYLEX | 6.2.0 | 6.2.0 |' in pages["reference/commands/zrange.md"]
    kill = pages["reference/commands/client_kill.md"]
    assert "| 2.8.12 (3.2.0: MASTER; -: PRIMARY; 5.0.0: REPLICA) |" in kill
    for address, page in pages.items():
        names = re.findall(r"^\| `(\w+)=", page.partition("## Options")[2], flags=re.MULTILINE)
        assert len(names) == len(set(names)), address


def test_what_most_examples_need_before_stands_above_them_once(pages: dict[str, str]) -> None:
    page = pages["reference/commands/zunionstore.md"]
    assert "Before each call: `ZADD z 1 a 2 b; ZADD y 10 b 20 c`\n\n| call |" in page
    assert '| nothing | `zrange("k", 0, -1)` | `[]` |' in pages["reference/commands/zrange.md"]


def test_a_page_names_the_fields_of_a_record_and_no_private_type(pages: dict[str, str]) -> None:
    assert "`SlotRange` has `start`, `end` and `nodes`" in pages["reference/commands/cluster_slots.md"]
    assert [address for address, page in pages.items() if re.search(r"`_[A-Z]\w*` is", page)] == []


def test_redis_py_is_named_where_it_differs_and_only_for_commands_that_exist(pages: dict[str, str]) -> None:
    assert "- redis-py differs: `blpop(keys, timeout=0)`" in pages["reference/commands/blpop.md"]
    assert "redis-py" not in pages["reference/commands/get.md"]
    assert set(command_pages._REDIS_PY) | set(command_pages._ANY_TYPE) <= set(commands.__all__)


def kinds_of_answers(pool: Pool[bytes], entry: command_pages.Entry, keys: slice) -> set[type]:
    """Return what the examples of a command raise, or ``object``, where these of its keys hold another type."""
    fill = ("RPUSH", "SET")[entry.module.name not in {"strings", "bitmaps", "hyperloglog"}]
    found: set[type] = set()
    for example in entry.examples:
        command = example.call.command
        pool.flushall()
        for key in command.keys[keys]:
            pool.execute(fill, key, "x")
        try:
            pool.execute(command)
            found.add(object)
        except ServerError as error:
            is_unknown = isinstance(error, UnknownCommand) or "syntax error" in error.message
            if not is_unknown and "Invalid stream ID" not in error.message:  # of an option of another server
                found.add(type(error))
    return found


def test_a_page_says_what_a_key_of_another_type_brings() -> None:
    with Server() as server, Pool(server.url) as pool:
        for entry in command_pages.entries():
            if entry.module.name in command_pages._OF_ONE_TYPE and entry.spec.key_rule:
                kinds = kinds_of_answers(pool, entry, slice(None))
                assert (kinds == {WrongType}) == command_pages.raises_wrong_type(entry) or not kinds, entry.name
                if command_pages.replaces(entry):
                    assert kinds_of_answers(pool, entry, slice(1)) == {object}, entry.name
