"""A real server takes every call, and its value is the one of the example: in both protocols, everywhere.

Everywhere is a pool, a lease, a pipeline and an atomic pipeline, each in RESP2 and RESP3, with bytes and with str.
"""

from __future__ import annotations

from typing import Any

import pytest
from making import SURFACES, check, check_bare, prepare

from examples import ALL, BARE, Example
from respool import commands
from respool.errors import ServerError
from respool.testing import Server


def test_a_call_has_the_same_value_everywhere(made: Any, called: str, pools: Any) -> None:
    some_pool = next(iter(pools.values()))
    check(made, called, pools, lambda: some_pool.execute("FLUSHALL"))


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_call_on_a_bare_connection(bare: Any, talk: Any, protocol: int, encoding: str | None) -> None:
    check_bare(bare, talk(protocol, encoding), encoding)


def test_every_function_has_an_example(all_examples: list[Example]) -> None:
    assert {example.call.name for example in all_examples} == set(commands.__all__)


def test_every_call_that_is_not_made_has_a_reason(all_examples: list[Example]) -> None:
    assert all(example.is_made or len(example.value.why.split()) > 3 for example in all_examples)


def test_every_example_is_for_servers_and_places_that_exist(all_examples: list[Example]) -> None:
    for example in all_examples:
        assert set(example.servers.split(", ")) <= set(ALL.split(", "))
        assert set(example.where.split(", ")) <= {*SURFACES, BARE}


def test_what_was_dumped_is_restored(talk: Any) -> None:
    ask = talk()
    ask("RPUSH", "l", "a", "b")
    payload = ask(*commands.dump("l").args)
    assert ask(*commands.restore("m", 0, payload, idletime=3).args) == b"OK"
    assert ask(*commands.lrange("m", 0, -1).args) == [b"a", b"b"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_filter_that_was_dumped_is_restored(called: str, server: Server, pools: Any, protocol: int) -> None:
    if called != "redis 8.2":
        pytest.skip("this server does not know the commands")
    server.command("FLUSHALL")
    pool = pools[protocol, None]
    pool.bf_madd("f", "a", "b")
    iterator = 0
    while (part := pool.bf_scandump("f", iterator)) != (0, b""):
        assert pool.bf_loadchunk("g", *part) is True
        iterator = part[0]
    assert pool.bf_mexists("g", "a", "b", "c") == [True, True, False]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_full_filter_raises_the_servers_error(called: str, server: Server, pools: Any, protocol: int) -> None:
    if called != "redis 8.2":
        pytest.skip("this server does not know the commands")
    server.command("FLUSHALL")
    pool = pools[protocol, "utf-8"]
    pool.bf_reserve("f", 0.01, 1, nonscaling=True)
    with pytest.raises(ServerError, match="filter is full"):
        pool.bf_madd("f", "a", "b", "c")
    assert pool.bf_exists("f", "a") is True


@pytest.mark.parametrize(("protocol", "encoding"), [(2, None), (2, "utf-8"), (3, None), (3, "utf-8")])
def test_a_cursor_is_read_to_its_end_or_deleted(
    called: str, server: Server, pools: Any, protocol: int, encoding: str | None
) -> None:
    if called != "redis 8.2":
        pytest.skip("this server does not know the commands")
    server.command("FLUSHALL")
    pool = pools[protocol, encoding]
    prepare(pool, ["FT.CREATE i SCHEMA n NUMERIC SORTABLE", "HSET d:1 n 1", "HSET d:2 n 2", "HSET d:3 n 3"])
    name, *numbers = [b"n", b"1", b"2", b"3"] if encoding is None else ["n", "1", "2", "3"]
    page = pool.ft_aggregate("i", "*", ("SORTBY", 2, "@n", "ASC"), withcursor=True, count=1)
    assert page.rows == [{name: numbers[0]}]
    page = pool.ft_cursor_read("i", page.cursor)
    assert page.rows == [{name: numbers[1]}]
    rest = pool.ft_cursor_read("i", page.cursor, count=5)
    assert (rest.rows, rest.cursor) == ([{name: numbers[2]}], 0)
    page = pool.ft_aggregate("i", "*", withcursor=True, count=1)
    assert pool.ft_cursor_del("i", page.cursor) is True
    with pytest.raises(ServerError, match="Cursor not found"):
        pool.ft_cursor_read("i", page.cursor)


def test_facts_about_an_index_are_the_same_in_both_protocols(called: str, server: Server, pools: Any) -> None:
    if called != "redis 8.2":
        pytest.skip("this server does not know the commands")
    server.command("FLUSHALL")
    options: dict[str, Any] = {"on": "JSON", "filter": "@n>1", "score": 0.5, "stopwords": ["a"], "nohl": True}
    vector = ("$.v", "AS", "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "COSINE")
    pool = pools[2, "utf-8"]
    pool.ft_create("i", ("$.n", "AS", "n", "NUMERIC", "SORTABLE"), ("$.t", "AS", "t", "TEXT", "NOSTEM"), vector, **options)
    pool.json_set("d", "$", {"n": 2, "t": "one", "v": [1, 0]})
    facts = [each.ft_info("i") for each in pools.values()]
    assert facts[0]["index_definition"]["default_score"] == 0.5
    assert facts[0]["attributes"][1]["flags"] == ["NOSTEM"]
    for each in facts:
        for varying in ("number_of_uses", "total_indexing_time"):
            each.pop(varying)
    assert repr(facts[0]) == repr(facts[1]) == repr(facts[2]) == repr(facts[3])  # NaN is not equal to NaN
