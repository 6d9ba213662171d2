"""The reference pages say what the code says: every option, error, counter and event, with its default."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Final

import pytest

import respool
from respool import PoolStats, RetryPolicy, errors, events, testing, types
from respool._facts import records, server_records
from respool._facts.cluster_options import ClusterOptions
from respool._facts.options import NAMES, Options
from respool._facts.sentinel_options import SentinelOptions
from respool.commands import connection, geo, strings

ROOT: Final = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text("utf-8")


def rows(name: str) -> dict[str, list[str]]:
    """Return the table rows of a page by the name in their first cell, which stands between backquotes."""
    found = {}
    for line in page(name).splitlines():
        first = re.match(r"\| `(\w+)`", line)
        if first:
            assert first[1] not in found, f"{first[1]} stands twice in {name}"
            found[first[1]] = [cell.strip() for cell in line.strip("|").split(" | ")]
    return found


def default_of(entry: object) -> str:
    value = getattr(entry, "default", MISSING)
    if value is MISSING:
        return "`RetryPolicy()`"
    if value is None:
        return "`None`"
    return f"`{value!r}`".replace('"', "'")


def test_every_option_is_there_with_its_default() -> None:
    found = rows("options.md")
    options = {entry.name: default_of(entry) for entry in fields(Options) if entry.name in NAMES}
    nodes = Options.names()
    options |= {entry.name: default_of(entry) for entry in fields(SentinelOptions) if entry.name not in nodes | {"standing"}}
    policy = {entry.name: default_of(entry) for entry in fields(RetryPolicy)}
    cluster = {entry.name: default_of(entry) for entry in fields(ClusterOptions) if entry.name not in options}
    cluster.pop("standing")
    assert {name: cells[1].replace(" ", "").replace('"', "'") for name, cells in found.items()} == {
        name: default.replace(" ", "") for name, default in (options | cluster | policy).items()
    }


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_there(name: str) -> None:
    assert name in rows("errors.md")


def test_no_error_is_there_that_does_not_exist() -> None:
    assert set(rows("errors.md")) <= set(errors.__all__)


def test_every_counter_is_there() -> None:
    assert set(rows("stats.md")) == {entry.name for entry in fields(PoolStats)}


def test_every_event_is_there_with_its_fields() -> None:
    found = rows("events.md")
    kinds = {
        name: kind for name, kind in vars(events).items() if isinstance(kind, type) and issubclass(kind, events.Event)
    }
    kinds.pop("Event")
    assert set(found) == set(kinds)
    for name, kind in kinds.items():
        named = set(re.findall(r"`(\w+)`", found[name][1]))
        assert named == {entry.name for entry in fields(kind)} - {"address"}


def test_every_reason_for_which_a_connection_is_closed_is_there() -> None:
    source = ROOT / "src/respool"
    lines = [line for file in source.rglob("*.py") for line in file.read_text("utf-8").splitlines()]
    giving = re.compile(r"_take_out\(|(self|ledger)\.discard\(|slot\.reason = ")
    given = {reason for line in lines if giving.search(line) for reason in re.findall(r'"([a-z ]+)"', line)}
    assert given == set(re.findall(r'^\| `"([a-z ]+)"`', page("events.md"), flags=re.MULTILINE))


def test_the_rules_are_all_there_in_order_and_the_code_cites_no_other() -> None:
    source = ROOT / "src/respool"
    cited = {rule for file in source.rglob("*.py") for rule in re.findall(r"\bR-\d\d\b", file.read_text("utf-8"))}
    written = re.findall(r"^\*\*(R-\d\d) ", page("semantics.md"), flags=re.MULTILINE)
    assert written == [f"R-{number:02}" for number in range(1, 42)]
    assert cited <= set(written)


@pytest.mark.parametrize("name", ["SetOptions", "ClientFilter", "GeoOrder", "GeoArea"])
def test_every_field_of_a_group_of_arguments_is_explained(name: str) -> None:
    group = next(getattr(module, name) for module in (connection, geo, strings) if hasattr(module, name))
    fields_of = [field for field in group.__annotations__ if not field.startswith("not_")]
    assert [field for field in fields_of if f"``{field}``" not in group.__doc__] == []


def test_every_alias_in_a_signature_of_a_command_is_explained() -> None:
    homes = {"respool._facts.command", "respool.commands._arguments"}
    used = {
        alias.name
        for file in (ROOT / "src/respool/commands").glob("[a-z]*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in homes
        for alias in node.names
        if alias.name.istitle() and alias.name != "Command"
    }
    assert {"Key", "Value", "Text", "Duration", "Moment"} <= used
    assert used <= set(re.findall(r"^::: respool\.[\w.]+\.([A-Z]\w+)$", page("commands.md"), flags=re.MULTILINE))


def test_every_public_name_is_in_the_api_reference() -> None:
    twins = {name.removeprefix("Async") for name in respool.__all__ if name.startswith("Async")}
    wanted = set(respool.__all__) - twins - {"__version__"}
    assert wanted <= set(re.findall(r"::: respool\.(\w+)$", page("api.md"), flags=re.MULTILINE))


@pytest.mark.parametrize("name", ["AsyncPool", "AsyncClusterPool", "AsyncSentinelPool", "AsyncHashPool", "AsyncConnection"])
def test_every_method_of_a_pool_and_a_connection_is_in_the_reference(name: str) -> None:
    kind: type = getattr(respool, name)
    shown = set(re.findall(r"^::: (\S+)", page("api.md") + page("commands.md"), flags=re.MULTILINE))
    missing = []
    for method in (each for each in dir(kind) if not each.startswith("_") and hasattr(kind, each)):
        makers = [each for each in kind.__mro__ if method in vars(each) and each is not respool.AsyncCommands]
        places = {f"{maker.__module__}.{maker.__qualname__}" for maker in makers}
        places |= {f"{place}.{method}" for place in places} | {f"respool.{maker.__name__}" for maker in makers}
        if makers and not places & shown:
            missing.append(method)
    assert missing == []


def test_every_record_is_public_and_every_public_name_exists() -> None:
    every = vars(records) | vars(server_records)
    kinds = {name for name, kind in every.items() if isinstance(kind, type) and hasattr(kind, "_fields")}
    assert kinds <= set(types.__all__)
    assert all(getattr(types, name) for name in types.__all__)
    with pytest.raises(AttributeError):
        _ = types.Piper


def test_every_helper_for_tests_is_in_its_reference() -> None:
    assert set(re.findall(r"^ +- (\w+)$", page("testing.md"), flags=re.MULTILINE)) == set(testing.__all__)
