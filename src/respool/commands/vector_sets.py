"""Commands on vector sets.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A vector set
holds elements, each with a vector and perhaps attributes. One without elements does not exist. On a key that holds
another type the server answers WrongType. Since Redis 8.0; Valkey has none.

A vector is a sequence of floats, or bytes: 32-bit floats one after the other, little endian, as
``array.astype("<f4").tobytes()`` of NumPy gives them. Bytes are the faster way for vectors that are long. Scores are
between 0 and 1: 1 for the same direction, 0 for the opposite one.

Attributes are JSON, in and out as Python values as in the commands on JSON documents: ``RawJson(text)`` stands for text
that is JSON already. The server stores any text as attributes; what is not JSON raises the ValueError of ``json.loads``
when it is read.

Source of the facts: the pages of the commands at redis.io/commands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import at_least, flag, option, whole
from respool.commands._json import as_json, json_text
from respool.commands._parsers import as_facts_or_none, as_list
from respool.commands._vectors import (
    as_layers_of_scores,
    as_matches,
    as_matches_with_scores,
    as_raw_vector,
    as_scores,
    as_vector,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respool._facts.command import Arg, Key
    from respool._facts.server_records import RawVector, VectorMatch
    from respool.commands._arguments import Text, Value

Vector: TypeAlias = "Sequence[float] | bytes | memoryview"
"""A vector: its numbers, or the bytes of its 32-bit floats, little endian."""

VADD = spec("VADD").derive(parse=bool)
VCARD = spec("VCARD")
VDIM = spec("VDIM")
VEMB = spec("VEMB").derive(parse=as_vector)
VEMB_RAW = spec("VEMB").derive(parse=as_raw_vector, blob=True)
VGETATTR = spec("VGETATTR").derive(parse=as_json)
VINFO = spec("VINFO").derive(parse=as_facts_or_none)
VISMEMBER = spec("VISMEMBER").derive(parse=bool)
VLINKS = spec("VLINKS").derive(parse=as_list)
VLINKS_SCORES = spec("VLINKS").derive(parse=as_layers_of_scores)
VRANDMEMBER = spec("VRANDMEMBER")
VRANDMEMBER_MANY = spec("VRANDMEMBER").derive(parse=as_list)
VREM = spec("VREM").derive(parse=bool)
VSETATTR = spec("VSETATTR").derive(parse=bool)
VSIM = spec("VSIM").derive(parse=as_list)
VSIM_ATTRIBUTES = spec("VSIM").derive(parse=as_matches)
VSIM_BOTH = spec("VSIM").derive(parse=as_matches_with_scores)
VSIM_SCORES = spec("VSIM").derive(parse=as_scores)


def vadd(
    key: Key,
    vector: Vector,
    element: Value,
    *,
    reduce: int | None = None,
    cas: bool = False,
    quantization: Literal["NOQUANT", "Q8", "BIN"] | None = None,
    ef: int | None = None,
    setattr: Any = None,
    m: int | None = None,
) -> Command[bool]:
    """Add an element with its vector, or change its vector, and return whether the element is new.

    Makes the vector set if there is none. Its first element decides how many numbers a vector has, how they are stored
    (``quantization``: 8-bit numbers, which is "Q8" and the default, full floats with "NOQUANT", one bit each with
    "BIN"), how many links a node has (``m``, 16 by default), and to how many numbers ``reduce`` projects each vector.
    ``cas`` searches for neighbours in a thread of the server. ``ef`` is how many candidates that search examines (200
    by default), and ``setattr`` the attributes. The server refuses vectors of another length, and options that
    contradict the first element's. Raises UsageValueError for a vector without numbers, for NaN and infinities, and for
    numbers below 1.
    """
    dimensions = None if reduce is None else at_least(1, "reduce", reduce)
    candidates = None if ef is None else at_least(1, "ef", ef)
    links = None if m is None else at_least(1, "m", m)
    attributes = None if setattr is None else json_text(setattr)
    options = (
        *flag("CAS", cas),
        *(() if quantization is None else (quantization,)),
        *option("EF", candidates),
        *option("SETATTR", attributes),
        *option("M", links),
    )
    return Command(VADD, key, *option("REDUCE", dimensions), *_vector(vector), element, *options)


def vcard(key: Key) -> Command[int]:
    """Return the number of elements, 0 if there is no vector set."""
    return Command(VCARD, key)


def vdim(key: Key) -> Command[int]:
    """Return how many numbers the stored vectors have. The server refuses a key that does not exist."""
    return Command(VDIM, key)


@overload
def vemb(key: Key, element: Value, *, raw: Literal[False] = False) -> Command[list[float] | None]: ...
@overload
def vemb(key: Key, element: Value, *, raw: Literal[True]) -> Command[RawVector | None]: ...
def vemb(key: Key, element: Value, *, raw: bool = False) -> Command[Any]:
    """Return the vector of an element, or None if there is no such element.

    The numbers are approximate unless the vectors are stored as full floats. ``raw`` returns what is stored: a
    ``RawVector`` with the bytes of the normalized vector.
    """
    if not raw:
        return Command(VEMB, key, element)
    return Command(VEMB_RAW, key, element, "RAW")


def vgetattr(key: Key, element: Value) -> Command[Any]:
    """Return the attributes of an element as a Python value; None if there are none, or no such element."""
    return Command(VGETATTR, key, element)


def vinfo(key: Key) -> Command[dict[str, Any] | None]:
    """Return facts about a vector set, or None if there is none.

    Among them are "quant-type", "vector-dim", "size", "max-level" and "hnsw-m".
    """
    return Command(VINFO, key)


def vismember(key: Key, element: Value) -> Command[bool]:
    """Return whether a vector set has an element; False if there is no vector set. Since Redis 8.2."""
    return Command(VISMEMBER, key, element)


@overload
def vlinks(key: Key, element: Value, *, withscores: Literal[False] = False) -> Command[list[list[Text]]]: ...
@overload
def vlinks(key: Key, element: Value, *, withscores: Literal[True]) -> Command[list[list[tuple[Text, float]]]]: ...
def vlinks(key: Key, element: Value, *, withscores: bool = False) -> Command[Any]:
    """Return the neighbours of an element in the graph, a list for each layer from the top down.

    The list is empty if there is no such element. With ``withscores`` a neighbour is an (element, score) tuple.
    """
    if not withscores:
        return Command(VLINKS, key, element)
    return Command(VLINKS_SCORES, key, element, "WITHSCORES")


@overload
def vrandmember(key: Key, count: None = None) -> Command[Text | None]: ...
@overload
def vrandmember(key: Key, count: int) -> Command[list[Text]]: ...
def vrandmember(key: Key, count: int | None = None) -> Command[Any]:
    """Return a random element, or a list of up to ``count`` of them.

    Returns None if there is no vector set, but with ``count`` the empty list. With a negative count the list has
    exactly as many elements as the count without its sign, and may have one several times.
    """
    if count is None:
        return Command(VRANDMEMBER, key)
    return Command(VRANDMEMBER_MANY, key, whole("count", count))


def vrem(key: Key, element: Value) -> Command[bool]:
    """Remove an element, and return whether there was one."""
    return Command(VREM, key, element)


def vsetattr(key: Key, element: Value, attributes: Any) -> Command[bool]:
    """Set the attributes of an element, or remove them with None, and return whether there is such an element."""
    return Command(VSETATTR, key, element, "" if attributes is None else json_text(attributes))


@overload
def vsim(
    key: Key,
    vector: Vector | None = None,
    *,
    element: Value | None = None,
    withscores: Literal[False] = False,
    withattribs: Literal[False] = False,
    count: int | None = None,
    epsilon: float | None = None,
    ef: int | None = None,
    filter: str | None = None,
    filter_ef: int | None = None,
    truth: bool = False,
    nothread: bool = False,
) -> Command[list[Text]]: ...
@overload
def vsim(
    key: Key,
    vector: Vector | None = None,
    *,
    element: Value | None = None,
    withscores: Literal[True],
    withattribs: Literal[False] = False,
    count: int | None = None,
    epsilon: float | None = None,
    ef: int | None = None,
    filter: str | None = None,
    filter_ef: int | None = None,
    truth: bool = False,
    nothread: bool = False,
) -> Command[list[tuple[Text, float]]]: ...
@overload
def vsim(
    key: Key,
    vector: Vector | None = None,
    *,
    element: Value | None = None,
    withscores: bool = False,
    withattribs: Literal[True],
    count: int | None = None,
    epsilon: float | None = None,
    ef: int | None = None,
    filter: str | None = None,
    filter_ef: int | None = None,
    truth: bool = False,
    nothread: bool = False,
) -> Command[list[VectorMatch[Text]]]: ...
def vsim(
    key: Key,
    vector: Vector | None = None,
    *,
    element: Value | None = None,
    withscores: bool = False,
    withattribs: bool = False,
    count: int | None = None,
    epsilon: float | None = None,
    ef: int | None = None,
    filter: str | None = None,
    filter_ef: int | None = None,
    truth: bool = False,
    nothread: bool = False,
) -> Command[Any]:
    """Return the elements that are most similar to a vector or to an element, the most similar first.

    ``count`` is how many, 10 by default. With ``withscores`` each is an (element, score) tuple, with ``withattribs`` a
    ``VectorMatch``, which has the score too if both are given. ``epsilon`` leaves out elements farther away: those with
    a score below 1 - ``epsilon``. ``filter`` is an expression on attributes (``.year > 1990``), for which up to
    ``filter_ef`` candidates are examined. ``ef`` is how many candidates the search examines. ``truth`` compares with
    every element, and ``nothread`` searches in the server's main thread. ``withattribs`` and ``epsilon`` are since
    Redis 8.2. An empty list if there is no vector set; the server refuses an element that does not exist. Raises
    UsageTypeError unless either a vector or an element is given, and UsageValueError for a vector without numbers, for
    NaN and infinities, and for a count or ``ef`` below 1.
    """
    if vector is None and element is not None:
        sought: tuple[Arg, ...] = ("ELE", element)
    elif vector is not None and element is None:
        sought = _vector(vector)
    else:
        raise UsageTypeError("VSIM takes either a vector or element=")
    options = (
        *option("COUNT", None if count is None else at_least(1, "count", count)),
        *option("EPSILON", epsilon),
        *option("EF", None if ef is None else at_least(1, "ef", ef)),
        *option("FILTER", filter),
        *option("FILTER-EF", None if filter_ef is None else at_least(0, "filter_ef", filter_ef)),
        *flag("TRUTH", truth),
        *flag("NOTHREAD", nothread),
    )
    shown = (*flag("WITHSCORES", withscores), *flag("WITHATTRIBS", withattribs))
    if withattribs:
        return Command(VSIM_BOTH if withscores else VSIM_ATTRIBUTES, key, *sought, *shown, *options)
    return Command(VSIM_SCORES if withscores else VSIM, key, *sought, *shown, *options)


def _vector(vector: Vector) -> tuple[Arg, ...]:
    """Return the words that are a vector."""
    if isinstance(vector, bytes | memoryview):
        return "FP32", bytes(vector)
    if isinstance(vector, str):
        raise UsageTypeError("a vector is a sequence of floats, or the bytes of 32-bit floats, not str")
    numbers = tuple(vector)
    if not numbers:
        raise UsageValueError("a vector needs at least one number")
    try:
        is_finite = all(map(math.isfinite, numbers))
    except TypeError:
        raise UsageTypeError("a vector is a sequence of floats, or the bytes of 32-bit floats") from None
    except OverflowError:  # an int beyond all floats
        is_finite = False
    if not is_finite:
        raise UsageValueError("a vector has finite numbers only, no NaN and no infinity")
    return "VALUES", len(numbers), *numbers
