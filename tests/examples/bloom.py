"""Examples of commands on Bloom filters."""

from __future__ import annotations

from typing import Any

from examples import Blob, NotMade, Refused, Row, call

FILTER = "BF.RESERVE f 0.01 100;BF.MADD f a b"
FIXED = "BF.RESERVE f 0.01 100 NONSCALING"


def are_facts(value: Any) -> bool:
    return bool(value["Capacity"] == 100 and value["Number of items inserted"] == 2 and value["Expansion rate"] == 2)


def is_size(value: Any) -> bool:
    return type(value) is int and value > 50


EXAMPLES: list[Row] = [
    (call("bf_add", "f", "a"), True),
    (call("bf_add", "f", "a"), False, FILTER),
    (call("bf_card", "f"), 2, FILTER),
    (call("bf_card", "k"), 0),
    (call("bf_exists", "f", "a"), True, FILTER),
    (call("bf_exists", "k", "a"), False),
    (call("bf_info", "f"), are_facts, FILTER),
    (call("bf_info", "f", "CAPACITY"), 100, FILTER),
    (call("bf_info", "f", "SIZE"), is_size, FILTER),
    (call("bf_info", "f", "FILTERS"), 1, FILTER),
    (call("bf_info", "f", "ITEMS"), 2, FILTER),
    (call("bf_info", "f", "EXPANSION"), 2, FILTER),
    (call("bf_info", "f", "EXPANSION"), None, FIXED),
    (call("bf_insert", "f", "a", "x"), [False, True], FILTER),
    (call("bf_insert", "k", "a", capacity=1000, error=0.001, expansion=4), [True]),
    (call("bf_insert", "k", "a", 1, nonscaling=True), [True, True]),
    (call("bf_insert", "f", "a", nocreate=True), [False], FILTER),
    (call("bf_loadchunk", "k", 1, b"part"), NotMade("a part comes from bf_scandump: a test of its own loads it")),
    (call("bf_madd", "f", "a", "x"), [False, True], FILTER),
    (call("bf_mexists", "f", "a", "x"), [True, False], FILTER),
    (call("bf_mexists", "k", "a"), [False]),
    (call("bf_reserve", "k", 0.01, 1000), True),
    (call("bf_reserve", "k", 0.01, 1000, expansion=4), True),
    (call("bf_reserve", "k", 0.01, 1000, nonscaling=True), True),
    (call("bf_scandump", "f", 1), (9, Blob(b"\0\0\0\0\0\0\0\0")), "BF.RESERVE f 0.01 5"),
    (call("bf_scandump", "f", 9), (0, Blob(b"")), "BF.RESERVE f 0.01 5"),
]
REFUSED: list[Refused] = [
    (call("bf_madd", "f"), "BF.MADD needs at least one item"),
    (call("bf_mexists", "f"), "BF.MEXISTS needs at least one item"),
    (call("bf_insert", "f"), "BF.INSERT needs at least one item"),
    (call("bf_insert", "f", "a", capacity=0), "capacity must be 1 or more, not 0"),
    (call("bf_insert", "f", "a", error=1), "error must be between 0 and 1, not 1"),
    (call("bf_insert", "f", "a", nocreate=True, capacity=5), "nocreate excludes capacity and error"),
    (call("bf_insert", "f", "a", nonscaling=True, expansion=2), "expansion and nonscaling exclude each other"),
    (call("bf_reserve", "f", 0, 5), "error_rate must be between 0 and 1, not 0"),
    (call("bf_reserve", "f", 0.1, 0), "capacity must be 1 or more, not 0"),
    (call("bf_reserve", "f", 0.1, 5, expansion=0), "expansion must be 1 or more, not 0"),
    (call("bf_reserve", "f", 0.1, 5, expansion=2, nonscaling=True), "expansion and nonscaling exclude each other"),
]
MISTYPED: list[Refused] = [
    (call("bf_reserve", "f", 0.1, 5.0), "capacity must be a whole number, not 5.0"),
    (call("bf_scandump", "f", "0"), "iterator must be a whole number, not '0'"),
    (call("bf_loadchunk", "f", "0", b""), "iterator must be a whole number, not '0'"),
]
