"""Commands on strings.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name.
On a key that holds another type the server answers WrongType, unless the docstring says otherwise.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import (
    MILLISECOND,
    SECOND,
    at_least,
    choose,
    duration,
    expiry,
    flag,
    flattened,
    nothing_to_send,
    only_known,
    option,
)
from respool.commands._parsers import as_facts, as_floats, as_text

if TYPE_CHECKING:
    from typing import Unpack

    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Duration, MappingOf, Moment, Text, Value

APPEND = spec("APPEND")
DECR = spec("DECR")
DECRBY = spec("DECRBY")
DELEX = spec("DELEX").derive(parse=bool)
DELIFEQ = spec("DELIFEQ").derive(parse=bool)
DIGEST = spec("DIGEST").derive(parse=as_text)
GET = spec("GET")
GETDEL = spec("GETDEL")
GETEX = spec("GETEX")
GETRANGE = spec("GETRANGE")
GETSET = spec("GETSET")
INCR = spec("INCR")
INCRBY = spec("INCRBY")
INCRBYFLOAT = spec("INCRBYFLOAT").derive(parse=float)
INCREX = spec("INCREX").derive(parse=tuple)
INCREX_FLOAT = spec("INCREX").derive(parse=as_floats)
LCS = spec("LCS")
MGET = spec("MGET")
MSET = spec("MSET").derive(parse=bool)
MSETEX = spec("MSETEX").derive(parse=bool)
MSETNX = spec("MSETNX").derive(parse=bool)
PSETEX = spec("PSETEX").derive(parse=bool)
SET = spec("SET").derive(parse=bool)
SET_GET = spec("SET")
SETEX = spec("SETEX").derive(parse=bool)
SETNX = spec("SETNX").derive(parse=bool)
SETRANGE = spec("SETRANGE")
STRLEN = spec("STRLEN")


class SetOptions(TypedDict, total=False):
    """The options of ``set`` besides ``ex`` and ``get``: at most one condition and one time.

    None and False are the same as not giving the option.

    - ``nx``: set only a key that does not exist
    - ``xx``: set only a key that exists
    - ``ifeq``: set only a key that holds exactly this value (Valkey 8.1, Redis 8.4)
    - ``ifne``: set only a key that does not exist or holds another value (Redis 8.4)
    - ``ifdeq``: set only a key whose value has this digest, as ``digest`` returns it (Redis 8.4)
    - ``ifdne``: set only a key that does not exist or whose value has another digest (Redis 8.4)
    - ``px``: expire after this many milliseconds
    - ``exat``: expire at this moment, in seconds since 1970
    - ``pxat``: expire at this moment, in milliseconds since 1970
    - ``keepttl``: keep the expiry that the key has
    """

    px: Duration | None
    exat: Moment | None
    pxat: Moment | None
    keepttl: bool
    nx: bool
    xx: bool
    ifeq: Value | None
    ifne: Value | None
    ifdeq: str | None
    ifdne: str | None


def append(key: Key, value: Value) -> Command[int]:
    """Append to a string and return its new length in bytes.

    A key that does not exist starts as the empty string.
    """
    return Command(APPEND, key, value)


def decr(key: Key) -> Command[int]:
    """Subtract one from a number and return the new value.

    A key that does not exist counts from 0. The server refuses a value that is not a 64-bit integer.
    """
    return Command(DECR, key)


def decrby(key: Key, decrement: int) -> Command[int]:
    """Subtract a whole number from a number and return the new value.

    Otherwise it works like ``decr``.
    """
    return Command(DECRBY, key, decrement)


def delex(
    key: Key,
    *,
    ifeq: Value | None = None,
    ifne: Value | None = None,
    ifdeq: str | None = None,
    ifdne: str | None = None,
) -> Command[bool]:
    """Delete a key if a condition holds, and return whether it was deleted.

    With ``ifeq`` it must hold exactly this value, with ``ifne`` another; with ``ifdeq`` its value must have this
    digest, as ``digest`` returns it, with ``ifdne`` another. A condition asks for a string; without one, a key of any
    type is deleted. Raises UsageValueError for two conditions. Since Redis 8.4; not yet tested against a server.
    """
    condition = choose(
        ifeq=option("IFEQ", ifeq),
        ifne=option("IFNE", ifne),
        ifdeq=option("IFDEQ", ifdeq),
        ifdne=option("IFDNE", ifdne),
    )
    return Command(DELEX, key, *condition)


def delifeq(key: Key, value: Value) -> Command[bool]:
    """Delete a key if it holds exactly this value, and return whether it was deleted.

    This is the safe way to release a lock: it never deletes the lock of another holder. Since Valkey 9.0.
    """
    return Command(DELIFEQ, key, value)


def digest(key: Key) -> Command[str | None]:
    """Return a hash of the value of a key, as 16 hexadecimal digits; None if there is no such key.

    ``set`` and ``delex`` take it as a condition (``ifdeq``, ``ifdne``), so that a long value need not be sent to be
    compared. It is the 64-bit XXH3 of the value. Since Redis 8.4; not yet tested against a server.
    """
    return Command(DIGEST, key)


def get(key: Key) -> Command[Text | None]:
    """Return the value of a key, or None if there is no such key."""
    return Command(GET, key)


def getdel(key: Key) -> Command[Text | None]:
    """Return the value of a key and delete the key; None if there is no such key.

    Since Redis 6.2.
    """
    return Command(GETDEL, key)


def getex(
    key: Key,
    *,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    persist: bool = False,
) -> Command[Text | None]:
    """Return the value of a key and change when it expires; None if there is no such key.

    ``ex`` is in seconds from now, ``px`` in milliseconds, ``exat`` and ``pxat`` are the same since 1970,
    ``persist`` removes the expiry. Raises UsageValueError for more than one of them, and for a time that is
    not above 0. Since Redis 6.2.
    """
    return Command(GETEX, key, *expiry(ex=ex, px=px, exat=exat, pxat=pxat, persist=persist))


def getrange(key: Key, start: int, end: int) -> Command[Text]:
    """Return the bytes from ``start`` to ``end``, both included; negative positions count from the end.

    Positions out of range are no error; a key that does not exist gives the empty string.
    """
    return Command(GETRANGE, key, start, end)


def getset(key: Key, value: Value) -> Command[Text | None]:
    """Set a key and return its old value, or None if there was none.

    The key loses its expiry. ``set`` with ``get=True`` does the same and takes options.
    """
    return Command(GETSET, key, value)


def incr(key: Key) -> Command[int]:
    """Add one to a number and return the new value.

    A key that does not exist counts from 0. The server refuses a value that is not a 64-bit integer.
    """
    return Command(INCR, key)


def incrby(key: Key, increment: int) -> Command[int]:
    """Add a whole number to a number and return the new value.

    Otherwise it works like ``incr``.
    """
    return Command(INCRBY, key, increment)


def incrbyfloat(key: Key, increment: float) -> Command[float]:
    """Add to a floating point number and return the new value.

    A key that does not exist counts from 0. The server calculates in ``long double`` and keeps up to 17
    decimal places; the reply is rounded to a Python float.
    """
    return Command(INCRBYFLOAT, key, increment)


@overload
def increx(
    key: Key,
    *,
    byint: int | None = None,
    byfloat: None = None,
    lbound: int | None = None,
    ubound: int | None = None,
    saturate: bool = False,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    persist: bool = False,
    enx: bool = False,
) -> Command[tuple[int, int]]: ...
@overload
def increx(
    key: Key,
    *,
    byint: None = None,
    byfloat: float,
    lbound: float | None = None,
    ubound: float | None = None,
    saturate: bool = False,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    persist: bool = False,
    enx: bool = False,
) -> Command[tuple[float, float]]: ...
def increx(
    key: Key,
    *,
    byint: int | None = None,
    byfloat: float | None = None,
    lbound: float | None = None,
    ubound: float | None = None,
    saturate: bool = False,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    persist: bool = False,
    enx: bool = False,
) -> Command[Any]:
    """Add to a number within bounds, set when it expires, and return the new value and what was added.

    It adds the whole number ``byint``, 1 by default, or else ``byfloat``; a key that does not exist counts from 0. If
    the result would be below ``lbound`` or above ``ubound``, nothing changes and 0 was added; with ``saturate`` the
    result is that bound.

    ``ex`` and ``px`` are seconds and milliseconds from now, ``exat`` and ``pxat`` moments since 1970, ``persist``
    removes the expiry, and without an option it stays. With ``enx`` only a key that never expires gets one: so
    ``increx(key, ubound=100, ex=60, enx=True)`` counts calls in a window, and has added 0 when there were too many.

    Raises UsageValueError for ``byint`` with ``byfloat``, for ``enx`` without a time, for more than one time, and for a
    time below 1; UsageTypeError for a bound of ``byint`` that is not whole. Since Redis 8.8; not yet tested against a
    server.
    """
    amount = choose(byint=option("BYINT", byint), byfloat=option("BYFLOAT", byfloat))
    times = expiry(ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
    if enx and (persist or not times):
        raise UsageValueError("enx needs ex, px, exat or pxat")
    if byfloat is None:
        for name, bound in (("byint", byint), ("lbound", lbound), ("ubound", ubound)):
            if bound is not None and not isinstance(bound, int):
                raise UsageTypeError(f"{name} must be a whole number, not {bound!r}: a fraction needs byfloat")
    bounds = (*option("LBOUND", lbound), *option("UBOUND", ubound), *flag("SATURATE", saturate))
    words = (*amount, *bounds, *times, *flag("ENX", enx))
    return Command(INCREX if byfloat is None else INCREX_FLOAT, key, *words)


@overload
def lcs(key1: Key, key2: Key) -> Command[Text]: ...
@overload
def lcs(key1: Key, key2: Key, *, length: Literal[True]) -> Command[int]: ...
@overload
def lcs(
    key1: Key, key2: Key, *, idx: Literal[True], minmatchlen: int | None = None, withmatchlen: bool = False
) -> Command[dict[str, Any]]: ...
def lcs(
    key1: Key,
    key2: Key,
    *,
    length: bool = False,
    idx: bool = False,
    minmatchlen: int | None = None,
    withmatchlen: bool = False,
) -> Command[Any]:
    """Return the longest common subsequence of two strings.

    With ``length`` it returns only the length. With ``idx`` it returns ``{"matches": [...], "len": n}``, last
    match first, where a match lists its first and last index in each of the two strings; ``minmatchlen``
    leaves shorter matches out, ``withmatchlen`` adds the length of each match. Since Redis 7.0.
    """
    if not idx and (withmatchlen or minmatchlen is not None):
        raise UsageValueError("minmatchlen and withmatchlen need idx")
    if not idx:
        return Command(LCS, key1, key2, *flag("LEN", length))
    words = (*option("MINMATCHLEN", minmatchlen), *flag("WITHMATCHLEN", withmatchlen))
    return Command(LCS, key1, key2, *choose(length=flag("LEN", length), idx=("IDX", *words)), parse=as_facts)


def mget(*keys: Key) -> Command[list[Text | None]]:
    """Return the values of several keys, in order.

    None stands for a key that is missing or holds no string. The server never answers WrongType. Raises
    UsageValueError without keys.
    """
    if keys:
        return Command(MGET, *keys)
    raise nothing_to_send(MGET, "key")


def mset(items: MappingOf[Key, Value]) -> Command[bool]:
    """Set several keys at once and return True.

    Old values of any type are replaced, and old expiries are lost. Raises UsageValueError without keys.
    """
    return Command(MSET, *flattened(MSET, items))


def msetex(
    items: MappingOf[Key, Value],
    *,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    keepttl: bool = False,
    nx: bool = False,
    xx: bool = False,
) -> Command[bool]:
    """Set several keys at once, all with one expiry, and return whether they were set.

    ``nx`` sets them only if none of them exists, ``xx`` only if all do; the times are those of ``set``. Raises
    UsageValueError without keys, for ``nx`` with ``xx``, and for two times. Since Valkey 9.1 and Redis 8.4.
    """
    condition = choose(nx=flag("NX", nx), xx=flag("XX", xx))
    times = expiry(ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl)
    words = flattened(MSETEX, items)
    return Command(MSETEX, len(items), *words, *condition, *times)


def msetnx(items: MappingOf[Key, Value]) -> Command[bool]:
    """Set several keys only if none of them exists, and return whether they were set.

    Either all of them are set or none. Raises UsageValueError without keys.
    """
    return Command(MSETNX, *flattened(MSETNX, items))


def psetex(key: Key, milliseconds: Duration, value: Value) -> Command[bool]:
    """Set a key that expires after a number of milliseconds and return True.

    It does the same as ``set`` with ``px``.
    """
    if isinstance(milliseconds, int) and milliseconds > 0:
        return Command(PSETEX, key, milliseconds, value)
    return Command(PSETEX, key, at_least(1, "milliseconds", duration("milliseconds", milliseconds, MILLISECOND)), value)


@overload
def set(
    key: Key,
    value: Value,
    *,
    ex: Duration | None = None,
    get: Literal[False] = False,
    **options: Unpack[SetOptions],
) -> Command[bool]: ...
@overload
def set(
    key: Key, value: Value, *, ex: Duration | None = None, get: Literal[True], **options: Unpack[SetOptions]
) -> Command[Text | None]: ...
def set(
    key: Key, value: Value, *, ex: Duration | None = None, get: bool = False, **options: Unpack[SetOptions]
) -> Command[Any]:
    """Set a key and return whether it was set; with ``get`` return its old value instead.

    An old value of any type is replaced, and its expiry is lost unless ``keepttl`` keeps it. ``ex`` is in seconds
    from now, ``px`` in milliseconds, ``exat`` and ``pxat`` are the same since 1970.

    ``nx`` sets only a key that does not exist, ``xx`` only one that does, ``ifeq`` only one that holds exactly
    this value (Valkey 8.1, Redis 8.4), ``ifne`` only one that does not; ``ifdeq`` and ``ifdne`` ask the same about the
    value's ``digest``. A key that does not exist is set by ``ifne`` and ``ifdne`` only. These three are since Redis
    8.4; not yet tested against a server. With ``get`` the reply does not show whether the condition held, except
    that with ``nx`` None means that it did (Redis 7.0); the old value must then be a string, else WrongType.

    Raises UsageValueError for two conditions, for two times, and for a time that is not above 0.
    """
    if ex is None and not get and not options:
        return Command(SET, key, value)
    if isinstance(ex, int) and ex > 0 and not get and not options:
        return Command(SET, key, value, "EX", ex)
    return Command(SET_GET if get else SET, key, value, *_set_words(ex=ex, get=get, **options))


def setex(key: Key, seconds: Duration, value: Value) -> Command[bool]:
    """Set a key that expires after a number of seconds and return True.

    It does the same as ``set`` with ``ex``.
    """
    if isinstance(seconds, int) and seconds > 0:
        return Command(SETEX, key, seconds, value)
    return Command(SETEX, key, at_least(1, "seconds", duration("seconds", seconds, SECOND)), value)


def setnx(key: Key, value: Value) -> Command[bool]:
    """Set a key only if it does not exist, and return whether it was set.

    It does the same as ``set`` with ``nx``, which can also set an expiry.
    """
    return Command(SETNX, key, value)


def setrange(key: Key, offset: int, value: Value) -> Command[int]:
    """Overwrite a part of a string from a byte offset on, and return the new length in bytes.

    A string that is too short is padded with zero bytes, up to 512 MiB.
    """
    return Command(SETRANGE, key, offset, value)


def strlen(key: Key) -> Command[int]:
    """Return the length of a string in bytes, 0 if there is no such key."""
    return Command(STRLEN, key)


def _set_words(
    *,
    get: bool,
    nx: bool = False,
    xx: bool = False,
    ifeq: Value | None = None,
    ifne: Value | None = None,
    ifdeq: str | None = None,
    ifdne: str | None = None,
    **times: Any,
) -> tuple[Arg, ...]:
    """Return the words of the options of SET. Raises UsageTypeError for an unknown option."""
    only_known("SET", times, {"ex", "get", *SetOptions.__optional_keys__})
    condition = choose(
        nx=flag("NX", nx),
        xx=flag("XX", xx),
        ifeq=option("IFEQ", ifeq),
        ifne=option("IFNE", ifne),
        ifdeq=option("IFDEQ", ifdeq),
        ifdne=option("IFDNE", ifdne),
    )
    return (*condition, *flag("GET", get), *expiry(**times))
