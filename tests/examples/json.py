"""Examples of commands on JSON documents."""

from __future__ import annotations

from typing import Any

from examples import Refused, Row, call
from respool.types import RawJson

DOCUMENT = 'JSON.SET d $ {"name":"Ada","n":5,"f":1.5,"on":true,"tags":["a","b"],"in":{"n":7,"x":null}}'
READ = {"name": "Ada", "n": 5, "f": 1.5, "on": True, "tags": ["a", "b"], "in": {"n": 7, "x": None}}


def has_both_paths(value: Any) -> bool:
    """Judge the reply to several paths, which come in any order."""
    return bool(value == {"$..n": [5, 7], "$.none": []}) or bool(value == {".n": 5, ".name": "Ada"})


def are_sizes(value: Any) -> bool:
    return all(type(size) is int and size > 0 for size in value) and len(value) == 1


EXAMPLES: list[Row] = [
    (call("json_arrappend", "d", "$.tags", "c", {"x": None}), [4], DOCUMENT),
    (call("json_arrappend", "d", "$.*", 1), [None, None, None, None, 3, None], DOCUMENT),
    (call("json_arrindex", "d", "$.tags", "b"), [1], DOCUMENT),
    (call("json_arrindex", "d", "$.tags", "a", 1), [-1], DOCUMENT),
    (call("json_arrindex", "d", "$.tags", "a", 0, 1), [0], DOCUMENT),
    (call("json_arrindex", "d", "$.n", 5), [None], DOCUMENT),
    (call("json_arrinsert", "d", "$.tags", 0, True, [1]), [4], DOCUMENT),
    (call("json_arrinsert", "d", "$.n", 0, 1), [None], DOCUMENT),
    (call("json_arrlen", "d", "$.tags"), [2], DOCUMENT),
    (call("json_arrlen", "d"), [None], DOCUMENT),
    (call("json_arrpop", "d", "$.tags"), ["b"], DOCUMENT),
    (call("json_arrpop", "d", "$.tags", 0), ["a"], DOCUMENT),
    (call("json_arrpop", "k"), [{"é": [1, 2.5, None]}], 'JSON.SET k $ [{"é":[1,2.5,null]}]'),
    (call("json_arrpop", "k"), [None], "JSON.SET k $ []"),
    (call("json_arrtrim", "d", "$.tags", 1, -1), [1], DOCUMENT),
    (call("json_arrtrim", "d", "$.n", 0, 0), [None], DOCUMENT),
    (call("json_clear", "d", "$.tags"), 1, DOCUMENT),
    (call("json_clear", "d", "$.none"), 0, DOCUMENT),
    (call("json_debug_memory", "d", "$.tags"), are_sizes, DOCUMENT),
    (call("json_debug_memory", "k"), []),
    (call("json_del", "d", "$..n"), 2, DOCUMENT),
    (call("json_del", "d"), 1, DOCUMENT),
    (call("json_del", "k"), 0),
    (call("json_get", "d"), READ, DOCUMENT),
    (call("json_get", "d", "$"), [READ], DOCUMENT),
    (call("json_get", "d", "$..n"), [5, 7], DOCUMENT),
    (call("json_get", "d", "$.none"), [], DOCUMENT),
    (call("json_get", "d", ".name"), "Ada", DOCUMENT),
    (call("json_get", "d", "$..n", "$.none"), has_both_paths, DOCUMENT),
    (call("json_get", "d", ".n", ".name"), has_both_paths, DOCUMENT),
    (call("json_get", "k"), None),
    (call("json_get", "k"), "é😀", 'JSON.SET k $ "é😀"'),
    (call("json_get", "k"), None, "JSON.SET k $ null"),
    (call("json_get", "d", "$.in", raw=True), b'[{"n":7,"x":null}]', DOCUMENT),
    (
        call("json_get", "k", raw=True, indent="\t", newline="\n", space=" "),
        b'{\n\t"a": 1\n}',
        'JSON.SET k $ {"a":1}',
    ),
    (call("json_get", "k", raw=True), None),
    (call("json_merge", "d", "$.in", {"x": 1, "n": None}), True, DOCUMENT),
    (call("json_merge", "k", "$", [1]), True),
    (call("json_mget", "d", "k", path="$.n"), [[5], None], DOCUMENT),
    (call("json_mget", "d", "k", path=".n"), [5, None], DOCUMENT),
    (call("json_mget", "d", "k"), [READ, None], DOCUMENT),
    (call("json_mset", ("k", "$", {"a": 1}), ("l", "$", RawJson("[2]"))), True),
    (call("json_numincrby", "d", "$..n", 2), [7, 9], DOCUMENT),
    (call("json_numincrby", "d", "$.name", 2), [None], DOCUMENT),
    (call("json_numincrby", "d", "$.f", 0.25), [1.75], DOCUMENT),
    (call("json_numincrby", "d", "$.none", 2), [], DOCUMENT),
    (call("json_nummultby", "d", "$.n", -3), [-15], DOCUMENT),
    (call("json_nummultby", "d", "$.n", 0.5), [2.5], DOCUMENT),
    (call("json_objkeys", "d", "$.in"), [["n", "x"]], DOCUMENT),
    (call("json_objkeys", "d", "$.n"), [None], DOCUMENT),
    (call("json_objkeys", "d"), [["name", "n", "f", "on", "tags", "in"]], DOCUMENT),
    (call("json_objlen", "d"), [6], DOCUMENT),
    (call("json_objlen", "d", "$.n"), [None], DOCUMENT),
    (call("json_set", "k", "$", {"name": "Zoë", "tags": ("a", 1.5, None)}), True),
    (call("json_set", "k", "$", RawJson(b'{"a": [1]}')), True),
    (call("json_set", "d", "$.new", None, nx=True), True, DOCUMENT),
    (call("json_set", "d", "$.n", 1, nx=True), False, DOCUMENT),
    (call("json_set", "d", ".n", 1, xx=True), True, DOCUMENT),
    (call("json_set", "d", "$.none.x", 1), False, DOCUMENT),
    (call("json_strappend", "d", "$.name", " Lovelace"), [12], DOCUMENT),
    (call("json_strappend", "d", "$.n", "x"), [None], DOCUMENT),
    (call("json_strlen", "d", "$.name"), [3], DOCUMENT),
    (call("json_strlen", "d"), [None], DOCUMENT),
    (call("json_toggle", "d", "$.on"), [False], DOCUMENT),
    (call("json_toggle", "d", "$.*"), [None, None, None, False, None, None], DOCUMENT),
    (call("json_type", "d", "$.*"), ["string", "integer", "number", "boolean", "array", "object"], DOCUMENT),
    (call("json_type", "d"), ["object"], DOCUMENT),
    (call("json_type", "d", "$.none"), [], DOCUMENT),
    (call("json_type", "k"), []),
]
NOT_IN_JSON = "not a JSON value: "
REFUSED: list[Refused] = [
    (call("json_arrappend", "d", "$.tags"), "JSON.ARRAPPEND needs at least one value"),
    (call("json_arrinsert", "d", "$.tags", 0), "JSON.ARRINSERT needs at least one value"),
    (call("json_mget"), "JSON.MGET needs at least one key"),
    (call("json_mset"), "JSON.MSET needs at least one value"),
    (call("json_arrlen", "d", ".tags"), r"path must begin with \$, as in '\$.name': the reply to '.tags' would"),
    (call("json_type", "d", ""), r"path must begin with \$"),
    (call("json_type", "d", "$name"), r"path must begin with \$"),
    (call("json_set", "d", "$", 1, nx=True, xx=True), "nx and xx exclude each other"),
    (call("json_set", "d", "$", float("nan")), NOT_IN_JSON),
    (call("json_set", "d", "$", [float("inf")]), NOT_IN_JSON),
    (call("json_arrappend", "d", "$", "\ud800"), NOT_IN_JSON),
    (call("json_set", "d", "$", RawJson("\ud800")), NOT_IN_JSON),
]
MISTYPED: list[Refused] = [
    (call("json_set", "d", "$", b"text"), r"not a JSON value, convert it or give its text as RawJson\(text\): "),
    (call("json_set", "d", "$", {"a": {1, 2}}), "Object of type set is not JSON serializable"),
    (call("json_set", "d", "$", [RawJson("1")]), "Object of type RawJson is not JSON serializable"),
    (call("json_merge", "d", "$", {(1, 2): 3}), "keys must be str, int, float, bool or None, not tuple"),
    (call("json_arrindex", "d", "$", 1, stop=2), "stop needs start: give 0 to search from the beginning"),
    (call("json_arrindex", "d", "$", 1, "0"), "start must be a whole number, not '0'"),
    (call("json_arrinsert", "d", "$", 1.0, "x"), "index must be a whole number, not 1.0"),
    (call("json_arrpop", "d", "$", "0"), "index must be a whole number, not '0'"),
    (call("json_arrlen", "d", b"$"), "path must be a str, not bytes"),
    (call("json_get", "d", indent=" "), "indent, newline and space shape the text, so they need raw=True"),
    (call("json_mset", ("k", "$")), "JSON.MSET takes tuples of a key, a path and a value"),
    (call("json_mset", ["k", "$", 1]), "JSON.MSET takes tuples of a key, a path and a value"),
    (call("json_numincrby", "d", "$", "1"), "number must be an int or a float, not str"),
    (call("json_nummultby", "d", "$", True), "number must be an int or a float, not bool"),
    (call("json_strappend", "d", "$", 1), "text must be a str, not int: a JSON string is text"),
]
