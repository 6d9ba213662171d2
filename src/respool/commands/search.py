"""Commands on search indexes.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. The commands
are those of the module search, which is part of Redis 8; the server needs it, and JSON for indexes on documents. An
index that does not exist is an error.

A query is text in the query language of the server, and so are the parts of a schema, the steps of an aggregation and
the words of a few options: each is a tuple of the words of the command, such as ``("title", "TEXT", "SORTABLE")`` or
``("GROUPBY", 1, "@year", "REDUCE", "COUNT", 0, "AS", "books")``. Values that come from users belong into ``params``,
which needs ``dialect=2``: ``ft_search("books", "@title:$word", params={"word": word}, dialect=2)``.

Source of the facts: the pages of the commands at redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError
from respool.commands._arguments import (
    MILLISECOND,
    SECOND,
    at_least,
    duration,
    flag,
    nothing_to_send,
    only_known,
    option,
    whole,
)
from respool.commands._parsers import as_list
from respool.commands._search import as_aggregate, as_aggregate_page, as_index_facts, search_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from respool._facts.command import Arg, Key
    from respool._facts.server_records import AggregateResult, SearchResult
    from respool.commands._arguments import Duration, Text, Value

#: Returns the value of an option by its name, or None.
_Given: TypeAlias = "Callable[[str], Any]"

FT_AGGREGATE = spec("FT.AGGREGATE").derive(parse=as_aggregate)
FT_AGGREGATE_PAGE = spec("FT.AGGREGATE").derive(parse=as_aggregate_page)
FT_ALTER = spec("FT.ALTER").derive(parse=bool)
FT_CREATE = spec("FT.CREATE").derive(parse=bool)
FT_CURSOR_DEL = spec("FT.CURSOR").derive(parse=bool)
FT_CURSOR_READ = spec("FT.CURSOR").derive(parse=as_aggregate_page)
FT_DROPINDEX = spec("FT.DROPINDEX").derive(parse=bool)
FT_INFO = spec("FT.INFO").derive(parse=as_index_facts)
FT_LIST = spec("FT._LIST").derive(parse=as_list)
FT_SEARCH = spec("FT.SEARCH")


class CreateOptions(TypedDict, total=False):
    """The options of ``ft_create``.

    None and False are the same as not giving the option.

    - ``on``: what is indexed, "HASH" (the default) or "JSON"
    - ``prefix``: only keys that begin with one of these
    - ``filter``: only what this expression holds for
    - ``language``, ``score``: what a document has that says nothing else
    - ``language_field``, ``score_field``, ``payload_field``: the fields in which it may say so
    - ``stopwords``: the words that are not indexed; an empty list for none
    - ``temporary``: delete the index when it was not used for this many seconds
    - ``maxtextfields``, ``nooffsets``, ``nohl``, ``nofields``, ``nofreqs``: what the index leaves out or has room for
    - ``skipinitialscan``: index only what is written from now on
    """

    on: Literal["HASH", "JSON"] | None
    prefix: Sequence[str] | None
    filter: str | None
    language: str | None
    language_field: str | None
    score: float | None
    score_field: str | None
    payload_field: str | None
    maxtextfields: bool
    temporary: Duration | None
    nooffsets: bool
    nohl: bool
    nofields: bool
    nofreqs: bool
    stopwords: Sequence[str] | None
    skipinitialscan: bool


class SearchOptions(TypedDict, total=False):
    """The options of ``ft_search``.

    None and False are the same as not giving the option.

    - ``nocontent``: return no fields
    - ``returns``: return only these fields; ``("$.price", "AS", "price")`` renames one
    - ``withscores``, ``withpayloads``, ``withsortkeys``: return these too
    - ``sortby``, ``desc``: order by this field, descending
    - ``limit``: skip so many documents and return up to so many, (0, 10) by default
    - ``params``: the values of ``$name`` in the query; needs dialect 2
    - ``filter``: ranges of numbers, tuples of a field, the least and the greatest value
    - ``geofilter``: circles, tuples of a field, longitude, latitude, radius and unit
    - ``inkeys``, ``infields``: search only in these keys, in these fields
    - ``summarize``, ``highlight``: True, or the words that follow: ``("FIELDS", 1, "title", "LEN", 20)``
    - ``verbatim``, ``nostopwords``, ``slop``, ``inorder``, ``language``, ``expander``, ``scorer``, ``payload``: how the
      words of the query are understood and scored
    - ``timeout``: stop after so many milliseconds
    - ``dialect``: the version of the query language
    """

    nocontent: bool
    returns: Sequence[Arg] | None
    withscores: bool
    withpayloads: bool
    withsortkeys: bool
    sortby: str | None
    desc: bool
    limit: tuple[int, int] | None
    params: Mapping[str, Value] | None
    filter: Sequence[tuple[Arg, Arg, Arg]] | None
    geofilter: Sequence[tuple[Arg, Arg, Arg, Arg, Arg]] | None
    inkeys: Sequence[Key] | None
    infields: Sequence[str] | None
    summarize: bool | Sequence[Arg]
    highlight: bool | Sequence[Arg]
    verbatim: bool
    nostopwords: bool
    slop: int | None
    inorder: bool
    language: str | None
    expander: str | None
    scorer: str | None
    payload: Value | None
    timeout: Duration | None
    dialect: int | None


def ft_aggregate(
    index: Key,
    query: str,
    *steps: Sequence[Arg],
    load: Literal["*"] | Sequence[Arg] | None = None,
    verbatim: bool = False,
    timeout: Duration | None = None,
    withcursor: bool = False,
    count: int | None = None,
    maxidle: Duration | None = None,
    params: Mapping[str, Value] | None = None,
    dialect: int | None = None,
) -> Command[AggregateResult[Text]]:
    """Group, sort and compute what a query finds, in ``steps``, and return the rows.

    A step is a tuple of words: GROUPBY, SORTBY, APPLY, LIMIT or FILTER with what belongs to it. ``load`` names fields
    that the steps need and the index has not stored: "*" for all, or ``("@n", "AS", "m")``. ``withcursor`` returns
    ``count`` rows and a cursor for ``ft_cursor_read``, which lives ``maxidle`` milliseconds between two calls.
    ``timeout`` is in milliseconds; ``params`` are the values of ``$name`` in the query (dialect 2). Raises
    UsageTypeError for a step that is no tuple, and for ``count`` or ``maxidle`` without ``withcursor``.
    """
    if not withcursor and (count is not None or maxidle is not None):
        raise UsageTypeError("count and maxidle are about the cursor, so they need withcursor=True")
    loaded = ("LOAD", "*") if load == "*" else _counted("LOAD", "load", load)
    words = (
        *flag("VERBATIM", verbatim),
        *loaded,
        *_milliseconds("TIMEOUT", "timeout", timeout),
        *(word for step in steps for word in _words("a step", step, "('LIMIT', 0, 10)")),
        *flag("WITHCURSOR", withcursor),
        *option("COUNT", None if count is None else at_least(1, "count", count)),
        *_milliseconds("MAXIDLE", "maxidle", maxidle),
        *_params(params),
        *option("DIALECT", dialect),
    )
    return Command(FT_AGGREGATE_PAGE if withcursor else FT_AGGREGATE, index, query, *words)


def ft_alter(index: Key, *fields: Sequence[Arg], skipinitialscan: bool = False) -> Command[bool]:
    """Add fields to the schema of an index, each as for ``ft_create``.

    Always True. ``skipinitialscan`` does not index what is there already. Raises UsageValueError without fields, and
    UsageTypeError for a field that is no tuple.
    """
    schema = _schema(FT_ALTER.name, fields)
    return Command(FT_ALTER, index, *flag("SKIPINITIALSCAN", skipinitialscan), "SCHEMA", "ADD", *schema)


def ft_create(index: Key, *fields: Sequence[Arg], **options: Unpack[CreateOptions]) -> Command[bool]:
    """Make an index.

    A field is a tuple of its name, ``"AS"`` and another name if it has one, its type and what belongs to it:
    ``("title", "TEXT", "WEIGHT", 2)``, ``("$.year", "AS", "year", "NUMERIC", "SORTABLE")``. Always True; the server
    refuses a name that an index has already. Raises UsageValueError without fields, and UsageTypeError for a field that
    is no tuple and for an unknown option.
    """
    only_known(FT_CREATE.name, options, CreateOptions.__optional_keys__)
    given: _Given = options.get
    temporary = given("temporary")
    words = (
        *_valued(given, "ON"),
        *_counted("PREFIX", "prefix", given("prefix")),
        *_valued(given, "FILTER", "LANGUAGE", "LANGUAGE_FIELD", "SCORE", "SCORE_FIELD", "PAYLOAD_FIELD"),
        *_flags(given, "MAXTEXTFIELDS"),
        *option("TEMPORARY", None if temporary is None else duration("temporary", temporary, SECOND)),
        *_flags(given, "NOOFFSETS", "NOHL", "NOFIELDS", "NOFREQS"),
        *_counted("STOPWORDS", "stopwords", given("stopwords")),
        *_flags(given, "SKIPINITIALSCAN"),
    )
    return Command(FT_CREATE, index, *words, "SCHEMA", *_schema(FT_CREATE.name, fields))


def ft_cursor_del(index: Key, cursor: int) -> Command[bool]:
    """Delete a cursor. Always True; the server refuses one that does not exist."""
    return Command(FT_CURSOR_DEL, "DEL", index, whole("cursor", cursor))


def ft_cursor_read(index: Key, cursor: int, *, count: int | None = None) -> Command[AggregateResult[Text]]:
    """Return the next rows of an aggregation that was called with ``withcursor``.

    Its ``cursor`` is 0 at the end. ``count`` is how many rows, by default as many as before. The server refuses a
    cursor that does not exist, or exists no longer. Raises UsageValueError for a count below 1.
    """
    size = None if count is None else at_least(1, "count", count)
    return Command(FT_CURSOR_READ, "READ", index, whole("cursor", cursor), *option("COUNT", size))


def ft_dropindex(index: Key, *, dd: bool = False) -> Command[bool]:
    """Delete an index, and with ``dd`` the hashes or documents in it. Always True."""
    return Command(FT_DROPINDEX, index, *flag("DD", dd))


def ft_info(index: Key) -> Command[dict[str, Any]]:
    """Return facts about an index.

    "attributes" is a list of dicts about its fields, "num_docs" how many documents are in it, "indexing" whether it is
    still being filled. Facts that are measured are floats.
    """
    return Command(FT_INFO, index)


def ft__list() -> Command[list[Text]]:
    """Return the names of all indexes."""
    return Command(FT_LIST)


def ft_search(index: Key, query: str, **options: Unpack[SearchOptions]) -> Command[SearchResult[Text]]:
    """Return the documents that a query finds, 10 at most without ``limit``.

    The result has the total of what was found too. A document of an index on JSON has its text in the field ``"$"``,
    unless ``returns`` names others. Raises UsageTypeError for an unknown option, for ``desc`` without ``sortby``, and
    for a str where several words are meant.
    """
    only_known(FT_SEARCH.name, options, SearchOptions.__optional_keys__)
    given: _Given = options.get
    returns = given("returns")
    parts = {"score": "withscores", "payload": "withpayloads", "sortkey": "withsortkeys"}
    wanted = tuple(part for part, name in parts.items() if given(name))
    has_fields = not given("nocontent") and (returns is None or len(returns) > 0)
    words = (*_shown(given), *_understood(given))
    return Command(FT_SEARCH, index, query, *words, parse=search_parser(wanted, has_fields=has_fields))


def _shown(given: _Given) -> tuple[Arg, ...]:
    """Return the words that say which documents are returned, and what of them."""
    if given("desc") and given("sortby") is None:
        raise UsageTypeError("desc needs sortby")
    limit = given("limit")
    return (
        *_flags(given, "NOCONTENT", "WITHSCORES", "WITHPAYLOADS", "WITHSORTKEYS"),
        *_counted("RETURN", "returns", given("returns")),
        *_followed("SUMMARIZE", given("summarize")),
        *_followed("HIGHLIGHT", given("highlight")),
        *_valued(given, "SORTBY"),
        *_flags(given, "DESC"),
        *(() if limit is None else ("LIMIT", at_least(0, "limit", limit[0]), at_least(0, "limit", limit[1]))),
    )


def _understood(given: _Given) -> tuple[Arg, ...]:
    """Return the words that say what the query means."""
    return (
        *_flags(given, "VERBATIM", "NOSTOPWORDS"),
        *(word for each in given("filter") or () for word in ("FILTER", *each)),
        *(word for each in given("geofilter") or () for word in ("GEOFILTER", *each)),
        *_counted("INKEYS", "inkeys", given("inkeys")),
        *_counted("INFIELDS", "infields", given("infields")),
        *_valued(given, "SLOP"),
        *_milliseconds("TIMEOUT", "timeout", given("timeout")),
        *_flags(given, "INORDER"),
        *_valued(given, "LANGUAGE", "EXPANDER", "SCORER", "PAYLOAD"),
        *_params(given("params")),
        *_valued(given, "DIALECT"),
    )


def _flags(given: _Given, *words: str) -> tuple[Arg, ...]:
    """Return those of the words whose option is on."""
    return tuple(word for word in words if given(word.lower()))


def _valued(given: _Given, *words: str) -> tuple[Arg, ...]:
    """Return those of the words whose option has a value, each with it."""
    return tuple(each for word in words for each in option(word, given(word.lower())))


def _schema(name: str, fields: Sequence[Sequence[Arg]]) -> list[Arg]:
    if not fields:
        raise nothing_to_send(spec(name), "field")
    return [word for field in fields for word in _words("a field", field, "('title', 'TEXT')")]


def _words(what: str, words: Any, example: str) -> tuple[Arg, ...]:
    """Return the words of a tuple. A str, which has no words but letters, is refused."""
    if isinstance(words, str | bytes) or not hasattr(words, "__iter__"):
        raise UsageTypeError(f"{what} is a tuple of words, such as {example}, not {words!r}")
    return tuple(words)


def _counted(word: str, name: str, values: Any) -> tuple[Arg, ...]:
    """Return the word, how many values follow, and the values."""
    if values is None:
        return ()
    found = _words(name, values, "('a', 'b')")
    return word, len(found), *found


def _followed(word: str, values: Any) -> tuple[Arg, ...]:
    """Return the word, and the words that follow if there are any."""
    if values is None or isinstance(values, bool):
        return flag(word, bool(values))
    return word, *_words(word.lower(), values, "('FIELDS', 1, 'title')")


def _params(params: Mapping[str, Value] | None) -> tuple[Arg, ...]:
    if params is None:
        return ()
    if not isinstance(params, Mapping):
        raise UsageTypeError(f"params must be a mapping of names to values, not {type(params).__name__}")
    return "PARAMS", 2 * len(params), *(word for item in params.items() for word in item)


def _milliseconds(word: str, name: str, value: Duration | None) -> tuple[Arg, ...]:
    return () if value is None else (word, at_least(1, name, duration(name, value, MILLISECOND)))
