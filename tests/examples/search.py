"""Examples of commands on search indexes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from examples import NotMade, Refused, Row, call
from respool._facts.server_records import AggregateResult, Document, SearchResult

INDEX = "FT.CREATE i PREFIX 1 d: SCHEMA t TEXT SORTABLE n NUMERIC SORTABLE g TAG"
BOOKS = f"{INDEX} p GEO;HSET d:1 t one n 1 p 1,2;HSET d:2 t two n 2"
JSON = 'FT.CREATE i ON JSON PREFIX 1 d: SCHEMA $.t AS t TEXT;JSON.SET d:1 $ {"t":"one"}'
ONE = {b"t": b"one", b"n": b"1", b"p": b"1,2"}
TWO = {b"t": b"two", b"n": b"2"}
FIRST = SearchResult(1, [Document(b"d:1", ONE, None, None, None)], [])
BARE = SearchResult(1, [Document(b"d:1", {}, None, None, None)], [])


def has_facts(value: Any) -> bool:
    title = {"identifier": "t", "attribute": "t", "type": "TEXT", "WEIGHT": 1.0, "flags": ["SORTABLE"]}
    return bool(value["num_docs"] == 2 and value["attributes"][0] == title and value["percent_indexed"] == 1.0)


def is_page(value: Any) -> bool:
    return len(value.rows) == 1 and value.cursor > 0


EXAMPLES: list[Row] = [
    (
        call("ft_aggregate", "i", "*", load=("@n", "AS", "m")),
        AggregateResult(1, [{b"m": b"1"}, {b"m": b"2"}], [], None),
        BOOKS,
    ),
    (call("ft_aggregate", "i", "nothing"), AggregateResult(0, [], [], None), BOOKS),
    (
        call("ft_aggregate", "i", "*", ("GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "c", "REDUCE", "TOLIST", 1, "@g")),
        lambda value: len(value.rows) == 1,
        BOOKS,
    ),
    (
        call("ft_aggregate", "i", "*", ("SORTBY", 2, "@n", "DESC"), ("LIMIT", 0, 1), verbatim=True, timeout=1000),
        AggregateResult(2, [{b"n": b"2"}], [], None),
        BOOKS,
    ),
    (
        call("ft_aggregate", "i", "@n:[$n $n]", load="*", params={"n": 2}, dialect=2),
        AggregateResult(1, [TWO], [], None),
        BOOKS,
    ),
    (
        call("ft_aggregate", "i", "*", load=["@n"], withcursor=True, count=1, maxidle=timedelta(minutes=1)),
        is_page,
        BOOKS,
    ),
    (
        call("ft_aggregate", "i", "*", load=["@n"], withcursor=True),
        AggregateResult(1, [{b"n": b"1"}, {b"n": b"2"}], [], 0),
        BOOKS,
    ),
    (call("ft_alter", "i", ("year", "NUMERIC", "SORTABLE")), True, INDEX),
    (call("ft_alter", "i", ("a", "TEXT"), ("b", "TAG"), skipinitialscan=True), True, INDEX),
    (call("ft_create", "i", ("title", "TEXT", "WEIGHT", 2), ("year", "NUMERIC", "SORTABLE"), prefix=["book:"]), True),
    (call("ft_create", "i", ("$.title", "AS", "title", "TEXT"), on="JSON", filter="@year > 1990"), True),
    (
        call(
            "ft_create",
            "i",
            ("v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "COSINE"),
            language="german",
            language_field="l",
            score=0.5,
            score_field="s",
            payload_field="p",
            temporary=timedelta(hours=1),
            stopwords=[],
        ),
        True,
    ),
    (call("ft_create", "i", ("t", "TEXT"), maxtextfields=True, nooffsets=True, nohl=True, skipinitialscan=True), True),
    (call("ft_create", "i", ("t", "TEXT"), nofields=True, nofreqs=True, stopwords=["the", "a"]), True),
    (call("ft_cursor_read", "i", 1), NotMade("a cursor has a random number: a test of its own reads one")),
    (call("ft_cursor_read", "i", 1, count=5), NotMade("a cursor has a random number: a test of its own reads one")),
    (call("ft_cursor_del", "i", 1), NotMade("a cursor has a random number: a test of its own deletes one")),
    (call("ft_dropindex", "i"), True, INDEX),
    (call("ft_dropindex", "i", dd=True), True, BOOKS),
    (call("ft_info", "i"), has_facts, BOOKS),
    (call("ft__list"), [b"i"], INDEX),
    (call("ft__list"), []),
    (call("ft_search", "i", "one"), FIRST, BOOKS),
    (call("ft_search", "i", "nothing"), SearchResult(0, [], []), BOOKS),
    (call("ft_search", "i", "*", limit=(0, 0)), SearchResult(2, [], []), BOOKS),
    (call("ft_search", "i", "one", nocontent=True), BARE, BOOKS),
    (call("ft_search", "i", "one", returns=[]), BARE, BOOKS),
    (
        call("ft_search", "i", "one", returns=("n", "AS", "m")),
        SearchResult(1, [Document(b"d:1", {b"m": b"1"}, None, None, None)], []),
        BOOKS,
    ),
    (
        call(
            "ft_search",
            "i",
            "*",
            withscores=True,
            withpayloads=True,
            withsortkeys=True,
            sortby="n",
            desc=True,
            limit=(0, 1),
        ),
        SearchResult(2, [Document(b"d:2", {b"n": b"2", b"t": b"two"}, 1.0, None, b"#2")], []),
        BOOKS,
    ),
    (
        call("ft_search", "i", "*", withscores=True, nocontent=True, sortby="n", limit=(1, 5)),
        SearchResult(2, [Document(b"d:2", {}, 1.0, None, None)], []),
        BOOKS,
    ),
    (call("ft_search", "i", "@n:[$n $n]", params={"n": 1}, dialect=2), FIRST, BOOKS),
    (call("ft_search", "i", "*", filter=[("n", 1, "(2")], geofilter=[("p", 1, 2, 5, "km")]), FIRST, BOOKS),
    (call("ft_search", "i", "one", inkeys=["d:1"], infields=["t"], slop=0, inorder=True, verbatim=True), FIRST, BOOKS),
    (call("ft_search", "i", "one", nostopwords=True, language="english", scorer="BM25", timeout=1000), FIRST, BOOKS),
    (call("ft_search", "i", "one", payload="x", expander="SBSTEM"), FIRST, BOOKS),
    (
        call(
            "ft_search",
            "i",
            "one",
            returns=["t"],
            summarize=("LEN", 1, "SEPARATOR", "..."),
            highlight=("TAGS", "<", ">"),
        ),
        SearchResult(1, [Document(b"d:1", {b"t": b"<one>..."}, None, None, None)], []),
        BOOKS,
    ),
    (
        call("ft_search", "i", "one", returns=["t"], highlight=True, summarize=False),
        SearchResult(1, [Document(b"d:1", {b"t": b"<b>one</b>"}, None, None, None)], []),
        BOOKS,
    ),
    (
        call("ft_search", "i", "one"),
        SearchResult(1, [Document(b"d:1", {b"$": b'{"t":"one"}'}, None, None, None)], []),
        JSON,
    ),
]
REFUSED: list[Refused] = [
    (call("ft_create", "i"), "FT.CREATE needs at least one field"),
    (call("ft_alter", "i"), "FT.ALTER needs at least one field"),
    (call("ft_search", "i", "*", limit=(-1, 5)), "limit must be 0 or more, not -1"),
    (call("ft_search", "i", "*", timeout=0), "timeout must be 1 or more, not 0"),
    (call("ft_aggregate", "i", "*", withcursor=True, count=0), "count must be 1 or more, not 0"),
    (call("ft_cursor_read", "i", 1, count=0), "count must be 1 or more, not 0"),
]
MISTYPED: list[Refused] = [
    (
        call("ft_create", "i", "title TEXT"),
        r"a field is a tuple of words, such as \('title', 'TEXT'\), not 'title TEXT'",
    ),
    (call("ft_create", "i", ("t", "TEXT"), prefix="book:"), "prefix is a tuple of words"),
    (
        call("ft_create", "i", ("t", "TEXT"), prefixes=["b"]),
        "unknown option 'prefixes' of FT.CREATE; known are filter, ",
    ),
    (call("ft_search", "i", "*", sort="n"), "unknown option 'sort' of FT.SEARCH; known are desc, dialect, expander"),
    (call("ft_search", "i", "*", desc=True), "desc needs sortby"),
    (call("ft_search", "i", "*", returns="n"), "returns is a tuple of words"),
    (call("ft_search", "i", "*", highlight="t"), "highlight is a tuple of words"),
    (call("ft_search", "i", "*", params=[("n", 1)]), "params must be a mapping of names to values, not list"),
    (call("ft_aggregate", "i", "*", "LIMIT"), "a step is a tuple of words"),
    (call("ft_aggregate", "i", "*", count=5), "count and maxidle are about the cursor, so they need withcursor=True"),
    (call("ft_cursor_del", "i", "1"), "cursor must be a whole number, not '1'"),
]
