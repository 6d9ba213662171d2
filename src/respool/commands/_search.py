"""Parsers of the replies of the search module; the rules are those of ``_parsers``.

RESP3 has maps with names, RESP2 lists whose order depends on the options of the call, so a parser is told those.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from respool._facts.server_records import AggregateResult, Document, SearchResult
from respool.commands._parsers import as_facts, as_map, as_text

#: The facts about an index that are maps, and lists of maps, which RESP2 sends as flat lists.
_MAPS = ("index_definition", "gc_stats", "cursor_stats", "dialect_stats", "Index Errors")
_LISTS_OF_MAPS = ("attributes", "field statistics")
#: What stands in the facts about a field without a value, in RESP2.
_FLAGS = frozenset(
    ["SORTABLE", "UNF", "NOSTEM", "NOINDEX", "CASESENSITIVE", "WITHSUFFIXTRIE", "INDEXEMPTY", "INDEXMISSING"]
)
#: How the names of facts end that are floats, which RESP2 sends as text.
_FLOATS = (
    *("_mb", "_avg", "_time", "_ms", "_ms_run", "_missed", "_denied"),
    *("percent_indexed", "bytes_collected", "total_cycles", "default_score", "WEIGHT"),
)


@cache
def search_parser(parts: tuple[str, ...], *, has_fields: bool) -> Callable[[Any], SearchResult[Any]]:
    """Return the parser for a search. ``parts`` are what a document has between its id and its fields, in order."""
    return partial(_search, parts=parts, has_fields=has_fields)


def as_aggregate(reply: Any) -> AggregateResult[Any]:
    """Return the rows of an aggregation without a cursor."""
    return _aggregate(reply, None)


def as_aggregate_page(reply: Any) -> AggregateResult[Any]:
    """Return some rows of an aggregation, and its cursor."""
    rows, cursor = reply
    return _aggregate(rows, cursor)


def as_index_facts(reply: Any) -> dict[str, Any]:
    """Return the facts about an index; the numbers that RESP2 sends as text become floats."""
    facts = as_facts(reply)
    for name, value in facts.items():
        if name in _MAPS:
            facts[name] = _numbered(as_facts(value))
        elif name in _LISTS_OF_MAPS:
            facts[name] = [_field(each) for each in value]
    return _numbered(facts)


def _search(reply: Any, *, parts: tuple[str, ...], has_fields: bool) -> SearchResult[Any]:
    if isinstance(reply, dict):
        found = _named(reply)
        return SearchResult(found["total_results"], [_document(each) for each in found["results"]], _warnings(found))
    total, *rest = reply
    width = 1 + len(parts) + has_fields
    documents = []
    for start in range(0, len(rest), width):
        row = dict(zip(("id", *parts, "extra_attributes"), rest[start : start + width], strict=False))
        documents.append(_document(row))
    return SearchResult(total, documents, [])


def _aggregate(reply: Any, cursor: int | None) -> AggregateResult[Any]:
    if isinstance(reply, dict):
        found = _named(reply)
        rows = [_named(row).get("extra_attributes") or {} for row in found["results"]]
        return AggregateResult(found["total_results"], rows, _warnings(found), cursor)
    return AggregateResult(reply[0], [as_map(row) for row in reply[1:]], [], cursor)


def _document(row: dict[Any, Any]) -> Document[Any]:
    named = _named(row)
    score, fields = named.get("score"), named.get("extra_attributes")
    return Document(
        named["id"],
        as_map(fields) if fields else {},  # None: it expired meanwhile
        None if score is None else float(score),
        named.get("payload"),
        named.get("sortkey"),
    )


def _named(reply: dict[Any, Any]) -> dict[str, Any]:
    """Return a map with names that are str."""
    return {as_text(name) or "": value for name, value in reply.items()}


def _warnings(found: dict[str, Any]) -> list[str]:
    return [as_text(each) or "" for each in found.get("warning", ())]


def _field(reply: Any) -> dict[str, Any]:
    """Return the facts about one field; after those, RESP2 has its flags."""
    if isinstance(reply, dict):
        facts = as_facts(reply)
    else:
        end = next((index for index in range(0, len(reply), 2) if reply[index] in _FLAGS), len(reply))
        facts = as_facts(reply[:end])
        if "type" in facts:
            facts["flags"] = reply[end:]
    if "Index Errors" in facts:
        facts["Index Errors"] = as_facts(facts["Index Errors"])
    return _numbered(facts)


def _numbered(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts whose numbers are numbers."""
    return {
        name: float(value) if name.endswith(_FLOATS) and isinstance(value, str) else value
        for name, value in facts.items()
    }
