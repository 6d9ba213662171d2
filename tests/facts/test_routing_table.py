"""The table of what concerns several nodes of a cluster is complete, and fits the table of commands."""

from __future__ import annotations

import pytest

from respool._facts.command import SPECS
from respool._facts.routing_table import _ROUTES, ROUTES, Merge, Where


def test_every_command_without_keys_has_a_line_unless_no_pool_sends_it() -> None:
    keyless = {name for name, spec in SPECS.items() if not spec.key_rule and spec.refusal is None}
    assert {name for name, route in ROUTES.items() if route.where is not Where.SLOTS} == keyless


def test_only_commands_whose_arguments_are_keys_are_split() -> None:
    split = {name: SPECS[name].key_rule for name, route in ROUTES.items() if route.where is Where.SLOTS}
    assert split == {**dict.fromkeys(("MGET", "DEL", "EXISTS", "TOUCH", "UNLINK"), "1:-1"), "MSET": "1:-1:2"}


def test_no_name_has_two_lines() -> None:
    names = [name for line in _ROUTES.strip().splitlines() for name in line.partition("|")[2].split()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", ROUTES)
def test_where_several_answer_there_is_a_way_to_make_one_of_them(name: str) -> None:
    where, merge = ROUTES[name]
    assert (merge is None) == (where in (Where.ANY, Where.NODE))
    assert (merge is Merge.ORDER) <= (where is Where.SLOTS)


def test_what_a_write_goes_to_several_nodes_for_does_no_harm_if_one_of_them_gets_it_twice() -> None:
    """A part is sent again alone; its reply may then differ from the first one, but not the data."""
    writes = {
        name for name, route in ROUTES.items() if route.where in (Where.PRIMARIES, Where.NODES) and not SPECS[name].safe
    }
    assert {name.split()[0] for name in writes} == {
        *("ACL", "COMMANDLOG", "CONFIG", "FLUSHALL", "FLUSHDB", "FUNCTION", "LATENCY", "MEMORY", "SCRIPT", "SLOWLOG"),
    }
