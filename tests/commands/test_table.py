"""``command_table`` and ``module_table`` say what the servers' COMMAND says.

Keys are compared by trying: both sides pick the keys out of the same made-up arguments.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from respool._facts.command import SPECS, Spec
from respool._facts.command_table import BLOCKING, CONTAINERS, EFFECTS, REFUSALS
from respool._facts.module_table import MODULE_BLOCKING, MODULE_CONTAINERS

#: Keys of these stand behind words: ``command`` finds them, but for those in a pattern of SORT.
KEYS_BEHIND_WORDS = {"GEORADIUS", "GEORADIUSBYMEMBER", "MIGRATE", "SORT", "SORT_RO"}
#: What modules call read-only, but changes something: aliases, dictionaries, settings, a cursor that moves on, a filter.
CHANGES_SOMETHING = {
    *("FT.ALIASADD", "FT.ALIASDEL", "FT.ALIASUPDATE", "FT._ALIASADDIFNX", "FT._ALIASDELIFX", "FT.CONFIG", "FT.CURSOR"),
    *("FT.DEBUG", "FT.DICTADD", "FT.DICTDEL", "CF.COMPACT"),
}
#: What has more keys than its module tells.
HAS_MORE_KEYS = {"CMS.MERGE", "JSON.MGET", "TDIGEST.MERGE"}


def keys_told(key_specs: list[Any], args: list[Any]) -> list[Any]:
    """Pick the keys as the server's key specifications say."""
    found: list[Any] = []
    for one in key_specs:
        begin, find = one["begin_search"], one["find_keys"]["spec"]
        match begin["type"]:
            case "index":
                start = begin["spec"]["index"]
            case "keyword" if begin["spec"]["keyword"] in args:
                start = args.index(begin["spec"]["keyword"]) + 1
            case _:
                continue
        if one["find_keys"]["type"] == "keynum":
            count, first, step = args[start + find["keynumidx"]], start + find["firstkey"], find["keystep"]
            found += args[first : first + count * step : step]
        else:
            last = find["lastkey"]
            stop = start + last + 1 if last >= 0 else len(args) + last + 1
            if find["limit"] > 1:
                stop = start + (stop - start) // find["limit"]
            found += args[start : stop : find["keystep"]]
    return found


def made_up(length: int, **at: Any) -> list[Any]:
    """Return arguments that can be told apart, with some of them as given: ``_2=3`` puts 3 at index 2."""
    return [at.get(f"_{index}", f"argument {index}") for index in range(length)]


def test_every_command_of_the_server_is_in_the_table(told: dict[str, Any]) -> None:
    assert told.keys() - SPECS.keys() == set()


def test_what_the_server_calls_read_only_is_safe(told: dict[str, Any]) -> None:
    careful = {name for name, entry in told.items() if "readonly" in entry[2] and not SPECS[name].safe}
    assert careful == CHANGES_SOMETHING & told.keys()


def test_what_the_server_calls_a_write_is_not_safe(told: dict[str, Any]) -> None:
    assert {name for name, entry in told.items() if "write" in entry[2] and SPECS[name].safe} == set()


def test_what_may_block_is_known(told: dict[str, Any]) -> None:
    blocking = {name for name, entry in told.items() if "blocking" in entry[2]}
    known = BLOCKING.keys() | MODULE_BLOCKING.keys()
    assert blocking | {"WAIT"} == known & told.keys()  # Redis 7.0 does not say it of WAIT


def test_what_has_subcommands_is_a_container(told: dict[str, Any]) -> None:
    assert {name for name, entry in told.items() if entry[9]} == (CONTAINERS | MODULE_CONTAINERS) & told.keys()


@pytest.mark.parametrize(
    "args",
    [
        made_up(7, _1=2, _2=1, _3=1),
        made_up(8, _1=1, _2=3, _3=1),
        made_up(10, _1=3, _2=2, _3=2),
        made_up(8, _1=1, _2=1, _3="STREAMS"),
    ],
)
def test_the_keys_are_where_the_server_says(told: dict[str, Any], args: list[Any]) -> None:
    wrong = {
        name: (SPECS[name].keys_of(args), keys)
        for name, entry in told.items()
        if name not in HAS_MORE_KEYS and SPECS[name].keys_of(args) != (keys := keys_told(entry[8], args))
    }
    assert wrong == {}


def test_keys_behind_words_are_those_we_know_of(told: dict[str, Any]) -> None:
    searched = {
        name
        for name, entry in told.items()
        for one in entry[8]
        if one["begin_search"]["type"] != "index" and one["begin_search"]["spec"].get("keyword") != "STREAMS"
    }
    assert searched == KEYS_BEHIND_WORDS


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_what_to_do_instead_is_said_so_that_it_is_true_in_threads_too(name: str) -> None:
    assert not {"async", "await"} & set(REFUSALS[name].split())


@pytest.mark.parametrize("name", sorted(chain(BLOCKING, EFFECTS, MODULE_BLOCKING, REFUSALS)))
def test_every_name_in_the_table_is_a_command(name: str) -> None:
    assert isinstance(SPECS[name], Spec)
