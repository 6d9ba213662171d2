"""Commands on lists.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
list without elements does not exist, and an index that is negative counts from the end. On a key that holds
another type the server answers WrongType.

Blocking commands wait for an element for ``timeout`` seconds, 0 for ever. A pool runs each of them on its
own lease; cancelling one closes its connection (R-21).

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageValueError
from respool.commands._arguments import at_least, choose, counted, nothing_to_send, option, patience, with_patience
from respool.commands._parsers import as_list, as_tuple

if TYPE_CHECKING:
    from datetime import timedelta

    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Text, Value

Side: TypeAlias = Literal["LEFT", "RIGHT"]
"""An end of a list: ``"LEFT"`` is its head, ``"RIGHT"`` its tail."""
Order: TypeAlias = Literal["OBO", "BULK"]
"""How several elements are moved: ``"OBO"`` one by one, ``"BULK"`` all at once, which keeps their order."""

BLMOVE = spec("BLMOVE")
BLMOVEM = spec("BLMOVEM").derive(parse=as_list)
BLMPOP = spec("BLMPOP").derive(parse=as_tuple)
BLPOP = spec("BLPOP").derive(parse=as_tuple)
BRPOP = spec("BRPOP").derive(parse=as_tuple)
BRPOPLPUSH = spec("BRPOPLPUSH")
LINDEX = spec("LINDEX")
LINSERT = spec("LINSERT")
LLEN = spec("LLEN")
LMOVE = spec("LMOVE")
LMOVEM = spec("LMOVEM").derive(parse=as_list)
LMPOP = spec("LMPOP").derive(parse=as_tuple)
LPOP = spec("LPOP")
LPOP_MANY = spec("LPOP").derive(parse=as_list)
LPOS = spec("LPOS")
LPUSH = spec("LPUSH")
LPUSHX = spec("LPUSHX")
LRANGE = spec("LRANGE")
LREM = spec("LREM")
LSET = spec("LSET").derive(parse=bool)
LTRIM = spec("LTRIM").derive(parse=bool)
RPOP = spec("RPOP")
RPOP_MANY = spec("RPOP").derive(parse=as_list)
RPOPLPUSH = spec("RPOPLPUSH")
RPUSH = spec("RPUSH")
RPUSHX = spec("RPUSHX")


def blmove(
    source: Key, destination: Key, wherefrom: Side, whereto: Side, *, timeout: float | timedelta = 0
) -> Command[Text | None]:
    """Wait for an element, move it to another list and return it; None after ``timeout``.

    This is the blocking ``lmove``. Since Redis 6.2.
    """
    return Command(BLMOVE, source, destination, wherefrom, whereto, patience(timeout))


def blmovem(
    source: Key,
    destination: Key,
    wherefrom: Side,
    whereto: Side,
    *,
    count: int | None = None,
    exactly: int | None = None,
    order: Order | None = None,
    timeout: float | timedelta = 0,
) -> Command[list[Text]]:
    """Wait for elements, move them to another list and return them; the empty list after ``timeout``.

    With ``exactly`` it waits for that many, otherwise for one. This is the blocking ``lmovem``. Since Redis 8.10; not
    yet tested against a server.
    """
    words = _amount(count, exactly, order)
    return Command(BLMOVEM, source, destination, wherefrom, whereto, patience(timeout), *words)


def blmpop(
    *keys: Key, side: Side = "LEFT", count: int | None = None, timeout: float | timedelta = 0
) -> Command[tuple[Text, list[Text]] | None]:
    """Wait until one of the lists has elements, and return its key and some of its elements.

    Returns None after ``timeout``. Takes up to ``count`` elements, one by default, from the first list, in the
    order of ``keys``, that has any. Raises UsageValueError without keys and for a count below 1. Since Redis 7.0.
    """
    return Command(BLMPOP, patience(timeout), *counted(BLMPOP, keys), side, *_many(count))


def blpop(*keys: Key, timeout: float | timedelta = 0) -> Command[tuple[Text, Text] | None]:
    """Wait until one of the lists has an element, and return its key and its first element.

    Returns None after ``timeout``. It takes from the first list, in the order of ``keys``, that has elements.
    The client that has waited longest is served first. Raises UsageValueError without keys, and UsageTypeError for a
    number behind keys that are none: the timeout is given by name.
    """
    return Command(BLPOP, *with_patience(BLPOP, keys, timeout))


def brpop(*keys: Key, timeout: float | timedelta = 0) -> Command[tuple[Text, Text] | None]:
    """Wait until one of the lists has an element, and return its key and its last element.

    Otherwise it works like ``blpop``.
    """
    return Command(BRPOP, *with_patience(BRPOP, keys, timeout))


def brpoplpush(source: Key, destination: Key, *, timeout: float | timedelta = 0) -> Command[Text | None]:
    """Wait for an element, move it from the end of a list to the head of another, and return it.

    Returns None after ``timeout``. ``blmove(source, destination, "RIGHT", "LEFT")`` is the newer name.
    """
    return Command(BRPOPLPUSH, source, destination, patience(timeout))


def lindex(key: Key, index: int) -> Command[Text | None]:
    """Return the element at an index, or None if there is none."""
    return Command(LINDEX, key, index)


def linsert(key: Key, where: Literal["BEFORE", "AFTER"], pivot: Value, element: Value) -> Command[int]:
    """Insert an element next to the first one that equals ``pivot``, and return the new length.

    0 means that there is no list, -1 that the pivot is not in it.
    """
    return Command(LINSERT, key, where, pivot, element)


def llen(key: Key) -> Command[int]:
    """Return the length of a list, 0 if there is no list."""
    return Command(LLEN, key)


def lmove(source: Key, destination: Key, wherefrom: Side, whereto: Side) -> Command[Text | None]:
    """Move an element from one end of a list to an end of another or the same list, and return it.

    Returns None if the source does not exist. Since Redis 6.2.
    """
    return Command(LMOVE, source, destination, wherefrom, whereto)


def lmovem(
    source: Key,
    destination: Key,
    wherefrom: Side,
    whereto: Side,
    *,
    count: int | None = None,
    exactly: int | None = None,
    order: Order | None = None,
) -> Command[list[Text]]:
    """Move elements from one end of a list to an end of another or the same list, and return them.

    ``count`` moves up to that many, ``exactly`` that many or none; without either it moves one. Both need ``order``:
    ``"OBO"`` moves one element after the other, so that two ends of one name reverse them, ``"BULK"`` keeps their
    order. Returns the elements as they stand in the destination, and the empty list if nothing was moved. Raises
    UsageValueError for ``count`` with ``exactly``, for a number below 1, for one without ``order``, and for ``order``
    alone. Since Redis 8.10; not yet tested against a server.
    """
    return Command(LMOVEM, source, destination, wherefrom, whereto, *_amount(count, exactly, order))


def lmpop(*keys: Key, side: Side = "LEFT", count: int | None = None) -> Command[tuple[Text, list[Text]] | None]:
    """Remove elements from the first list that has any, and return its key and the elements.

    Returns None if no list has any. Takes up to ``count`` elements, one by default. Raises UsageValueError
    without keys and for a count below 1. Since Redis 7.0.
    """
    return Command(LMPOP, *counted(LMPOP, keys), side, *_many(count))


@overload
def lpop(key: Key, count: None = None) -> Command[Text | None]: ...
@overload
def lpop(key: Key, count: int) -> Command[list[Text]]: ...
def lpop(key: Key, count: int | None = None) -> Command[Any]:
    """Remove the first element of a list and return it, or a list of the first ``count``.

    Returns None if there is no list, but with ``count`` (Redis 6.2) the empty list. Raises UsageValueError for
    a negative count.
    """
    if count is None:
        return Command(LPOP, key)
    return Command(LPOP_MANY, key, at_least(0, "count", count))


@overload
def lpos(
    key: Key, element: Value, *, rank: int | None = None, count: None = None, maxlen: int | None = None
) -> Command[int | None]: ...
@overload
def lpos(
    key: Key, element: Value, *, rank: int | None = None, count: int, maxlen: int | None = None
) -> Command[list[int]]: ...
def lpos(
    key: Key,
    element: Value,
    *,
    rank: int | None = None,
    count: int | None = None,
    maxlen: int | None = None,
) -> Command[Any]:
    """Return the index of an element, or None; with ``count`` return a list of its indexes.

    ``count`` is the largest number of indexes to return, 0 is all. ``rank`` is the number of the first match to
    return, a negative one counts from the end; ``maxlen`` is how many elements to compare at most, 0 is all.
    Raises UsageValueError for a negative count or length. Since Redis 6.0.6.
    """
    count = None if count is None else at_least(0, "count", count)
    maxlen = None if maxlen is None else at_least(0, "maxlen", maxlen)
    words = (*option("RANK", rank), *option("COUNT", count), *option("MAXLEN", maxlen))
    return Command(LPOS, key, element, *words)


def lpush(key: Key, *elements: Value) -> Command[int]:
    """Put elements at the head of a list, one after the other, and return the new length.

    The last one given becomes the first of the list. Raises UsageValueError without elements.
    """
    if elements:
        return Command(LPUSH, key, *elements)
    raise nothing_to_send(LPUSH, "element")


def lpushx(key: Key, *elements: Value) -> Command[int]:
    """Put elements at the head of a list only if it exists, and return the new length.

    It is 0 if there is no list. Raises UsageValueError without elements.
    """
    if elements:
        return Command(LPUSHX, key, *elements)
    raise nothing_to_send(LPUSHX, "element")


def lrange(key: Key, start: int, stop: int) -> Command[list[Text]]:
    """Return the elements from ``start`` to ``stop``, both included.

    Indexes out of range are no error. ``lrange(key, 0, -1)`` returns the whole list.
    """
    return Command(LRANGE, key, start, stop)


def lrem(key: Key, count: int, element: Value) -> Command[int]:
    """Remove up to ``count`` elements that equal ``element``, and return how many were removed.

    A negative count removes from the end of the list, 0 removes all.
    """
    return Command(LREM, key, count, element)


def lset(key: Key, index: int, element: Value) -> Command[bool]:
    """Replace the element at an index and return True.

    The server refuses if there is no list, or no such index.
    """
    return Command(LSET, key, index, element)


def ltrim(key: Key, start: int, stop: int) -> Command[bool]:
    """Keep the elements from ``start`` to ``stop``, both included, remove the others, and return True."""
    return Command(LTRIM, key, start, stop)


@overload
def rpop(key: Key, count: None = None) -> Command[Text | None]: ...
@overload
def rpop(key: Key, count: int) -> Command[list[Text]]: ...
def rpop(key: Key, count: int | None = None) -> Command[Any]:
    """Remove the last element of a list and return it, or a list of the last ``count``, last first.

    Otherwise it works like ``lpop``.
    """
    if count is None:
        return Command(RPOP, key)
    return Command(RPOP_MANY, key, at_least(0, "count", count))


def rpoplpush(source: Key, destination: Key) -> Command[Text | None]:
    """Move an element from the end of a list to the head of another or the same list, and return it.

    Returns None if the source does not exist. ``lmove(source, destination, "RIGHT", "LEFT")`` is the newer name.
    """
    return Command(RPOPLPUSH, source, destination)


def rpush(key: Key, *elements: Value) -> Command[int]:
    """Put elements at the end of a list, in order, and return the new length.

    Raises UsageValueError without elements.
    """
    if elements:
        return Command(RPUSH, key, *elements)
    raise nothing_to_send(RPUSH, "element")


def rpushx(key: Key, *elements: Value) -> Command[int]:
    """Put elements at the end of a list only if it exists, and return the new length.

    It is 0 if there is no list. Raises UsageValueError without elements.
    """
    if elements:
        return Command(RPUSHX, key, *elements)
    raise nothing_to_send(RPUSHX, "element")


def _many(count: int | None) -> tuple[int | str, ...]:
    """Return the words of the COUNT option of LMPOP and BLMPOP."""
    return () if count is None else ("COUNT", at_least(1, "count", count))


def _amount(count: int | None, exactly: int | None, order: Order | None) -> tuple[Arg, ...]:
    """Return the words of LMOVEM and BLMOVEM that say how many elements to move, and in which order."""
    number = choose(
        count=() if count is None else ("COUNT", at_least(1, "count", count)),
        exactly=() if exactly is None else ("EXACTLY", at_least(1, "exactly", exactly)),
    )
    if bool(number) != (order is not None):
        raise UsageValueError("count and exactly need order, and order needs one of them")
    return number if order is None else (*number, order)
