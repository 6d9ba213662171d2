"""Commands on hashes.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
hash without fields does not exist. On a key that holds another type the server answers WrongType.

Fields may expire by themselves (Redis 7.4, Valkey 9.0). The commands that set, read or remove such an expiry
answer with a number for each field, in the order of ``fields``; -2 stands for a field that does not exist, and
for every field of a hash that does not exist.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError
from respool.commands._arguments import (
    MILLISECOND,
    SECOND,
    at_least,
    choose,
    duration,
    expiry,
    flag,
    flattened,
    listed,
    moment,
    nothing_to_send,
    option,
    whole,
)
from respool.commands._parsers import as_list, as_map, as_page, as_page_of_pairs, as_pairs

if TYPE_CHECKING:
    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Duration, MappingOf, Moment, Text, Value

HDEL = spec("HDEL")
HEXISTS = spec("HEXISTS").derive(parse=bool)
HEXPIRE = spec("HEXPIRE")
HEXPIREAT = spec("HEXPIREAT")
HEXPIRETIME = spec("HEXPIRETIME")
HGET = spec("HGET")
HGETALL = spec("HGETALL").derive(parse=as_map)
HGETDEL = spec("HGETDEL")
HGETEX = spec("HGETEX")
HINCRBY = spec("HINCRBY")
HINCRBYFLOAT = spec("HINCRBYFLOAT").derive(parse=float)
HKEYS = spec("HKEYS")
HLEN = spec("HLEN")
HMGET = spec("HMGET")
HMSET = spec("HMSET").derive(parse=bool)
HPERSIST = spec("HPERSIST")
HPEXPIRE = spec("HPEXPIRE")
HPEXPIREAT = spec("HPEXPIREAT")
HPEXPIRETIME = spec("HPEXPIRETIME")
HPTTL = spec("HPTTL")
HRANDFIELD = spec("HRANDFIELD")
HRANDFIELD_MANY = spec("HRANDFIELD").derive(parse=as_list)
HRANDFIELD_PAIRS = spec("HRANDFIELD").derive(parse=as_pairs)
HSCAN = spec("HSCAN").derive(parse=as_page_of_pairs)
HSCAN_FIELDS = spec("HSCAN").derive(parse=as_page)
HSET = spec("HSET")
HSETEX = spec("HSETEX").derive(parse=bool)
HSETNX = spec("HSETNX").derive(parse=bool)
HSTRLEN = spec("HSTRLEN")
HTTL = spec("HTTL")
HVALS = spec("HVALS")


def hdel(key: Key, *fields: Value) -> Command[int]:
    """Delete fields and return how many there were. Raises UsageValueError without fields."""
    if fields:
        return Command(HDEL, key, *fields)
    raise nothing_to_send(HDEL, "field")


def hexists(key: Key, field: Value) -> Command[bool]:
    """Return whether a hash has a field."""
    return Command(HEXISTS, key, field)


def hexpire(
    key: Key,
    seconds: Duration,
    *fields: Value,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
) -> Command[list[int]]:
    """Let fields expire after a number of seconds.

    Returns for each field 1 when the expiry was set, 0 when a condition did not hold, 2 when the field was deleted
    at once because the time was 0, and -2 when there is no such field. With ``nx`` the field must have no expiry, with
    ``xx`` it must have one, with ``gt`` the new one must be later, with ``lt`` earlier (no expiry counts as never).
    Raises UsageValueError for more than one condition and without fields.
    """
    condition = _condition(nx=nx, xx=xx, gt=gt, lt=lt)
    return Command(HEXPIRE, key, duration("seconds", seconds, SECOND), *condition, *listed(HEXPIRE, fields))


def hexpireat(
    key: Key, when: Moment, *fields: Value, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> Command[list[int]]:
    """Let fields expire at a moment in seconds since 1970.

    The reply and the conditions are those of ``hexpire``. A moment in the past deletes the fields.
    """
    condition = _condition(nx=nx, xx=xx, gt=gt, lt=lt)
    return Command(HEXPIREAT, key, moment("when", when, SECOND), *condition, *listed(HEXPIREAT, fields))


def hexpiretime(key: Key, *fields: Value) -> Command[list[int]]:
    """Return when fields expire, in seconds since 1970.

    -1 means never, -2 that there is no such field. Raises UsageValueError without fields.
    """
    return Command(HEXPIRETIME, key, *listed(HEXPIRETIME, fields))


def hget(key: Key, field: Value) -> Command[Text | None]:
    """Return the value of a field, or None if there is no such field."""
    return Command(HGET, key, field)


def hgetall(key: Key) -> Command[dict[Text, Text]]:
    """Return all fields and their values; an empty dict if there is no hash."""
    return Command(HGETALL, key)


def hgetdel(key: Key, *fields: Value) -> Command[list[Text | None]]:
    """Return the values of fields and delete the fields; None for each that does not exist.

    Since Redis 8.0 and Valkey 9.1. Raises UsageValueError without fields.
    """
    return Command(HGETDEL, key, *listed(HGETDEL, fields))


def hgetex(
    key: Key,
    *fields: Value,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    persist: bool = False,
) -> Command[list[Text | None]]:
    """Return the values of fields and change when the fields expire; None for each that does not exist.

    ``ex`` and ``px`` are seconds and milliseconds from now, ``exat`` and ``pxat`` moments since 1970;
    ``persist`` removes the expiry, and without an option it stays. Since Redis 8.0 and Valkey 9.0. Raises
    UsageValueError for more than one option, for a time below 1 and without fields.
    """
    times = expiry(ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
    return Command(HGETEX, key, *times, *listed(HGETEX, fields))


def hincrby(key: Key, field: Value, increment: int) -> Command[int]:
    """Add a whole number to the number in a field and return the new value.

    A field that does not exist counts from 0. The server refuses a value that is not a 64-bit integer.
    """
    return Command(HINCRBY, key, field, increment)


def hincrbyfloat(key: Key, field: Value, increment: float) -> Command[float]:
    """Add a number to the number in a field and return the new value.

    A field that does not exist counts from 0.
    """
    return Command(HINCRBYFLOAT, key, field, increment)


def hkeys(key: Key) -> Command[list[Text]]:
    """Return all fields; an empty list if there is no hash."""
    return Command(HKEYS, key)


def hlen(key: Key) -> Command[int]:
    """Return how many fields a hash has, 0 if there is no hash."""
    return Command(HLEN, key)


def hmget(key: Key, *fields: Value) -> Command[list[Text | None]]:
    """Return the values of fields; None for each that does not exist. Raises UsageValueError without fields."""
    if fields:
        return Command(HMGET, key, *fields)
    raise nothing_to_send(HMGET, "field")


def hmset(key: Key, mapping: MappingOf[Key, Value]) -> Command[bool]:
    """Set fields to values. ``hset`` does the same and tells how many fields are new.

    Always True. Raises UsageValueError for an empty mapping.
    """
    return Command(HMSET, key, *flattened(HMSET, mapping, "field"))


def hpersist(key: Key, *fields: Value) -> Command[list[int]]:
    """Remove the expiry of fields.

    Returns for each field 1 when it was removed, -1 when there was none, and -2 when there is no such field. Raises
    UsageValueError without fields.
    """
    return Command(HPERSIST, key, *listed(HPERSIST, fields))


def hpexpire(
    key: Key,
    milliseconds: Duration,
    *fields: Value,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
) -> Command[list[int]]:
    """Let fields expire after a number of milliseconds. Otherwise it works like ``hexpire``."""
    condition = _condition(nx=nx, xx=xx, gt=gt, lt=lt)
    time = duration("milliseconds", milliseconds, MILLISECOND)
    return Command(HPEXPIRE, key, time, *condition, *listed(HPEXPIRE, fields))


def hpexpireat(
    key: Key, when: Moment, *fields: Value, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> Command[list[int]]:
    """Let fields expire at a moment in milliseconds since 1970. Otherwise it works like ``hexpireat``."""
    condition = _condition(nx=nx, xx=xx, gt=gt, lt=lt)
    return Command(HPEXPIREAT, key, moment("when", when, MILLISECOND), *condition, *listed(HPEXPIREAT, fields))


def hpexpiretime(key: Key, *fields: Value) -> Command[list[int]]:
    """Return when fields expire, in milliseconds since 1970. Otherwise it works like ``hexpiretime``."""
    return Command(HPEXPIRETIME, key, *listed(HPEXPIRETIME, fields))


def hpttl(key: Key, *fields: Value) -> Command[list[int]]:
    """Return after how many milliseconds fields expire. Otherwise it works like ``httl``."""
    return Command(HPTTL, key, *listed(HPTTL, fields))


@overload
def hrandfield(key: Key, count: None = None, *, withvalues: Literal[False] = False) -> Command[Text | None]: ...
@overload
def hrandfield(key: Key, count: int, *, withvalues: Literal[False] = False) -> Command[list[Text]]: ...
@overload
def hrandfield(key: Key, count: int, *, withvalues: Literal[True]) -> Command[list[tuple[Text, Text]]]: ...
def hrandfield(key: Key, count: int | None = None, *, withvalues: bool = False) -> Command[Any]:
    """Return a random field, or None if there is no hash.

    With ``count`` it returns a list of that many different fields, or of all; a negative count gives exactly as many
    as it says, and may repeat a field. ``withvalues`` returns (field, value) tuples. Since Redis 6.2. Raises
    UsageTypeError for ``withvalues`` without ``count``.
    """
    if count is None:
        if withvalues:
            raise UsageTypeError("withvalues needs count")
        return Command(HRANDFIELD, key)
    if withvalues:
        return Command(HRANDFIELD_PAIRS, key, whole("count", count), "WITHVALUES")
    return Command(HRANDFIELD_MANY, key, whole("count", count))


@overload
def hscan(
    key: Key,
    cursor: int = 0,
    *,
    match: Value | None = None,
    count: int | None = None,
    novalues: Literal[False] = False,
) -> Command[tuple[int, dict[Text, Text]]]: ...
@overload
def hscan(
    key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, novalues: Literal[True]
) -> Command[tuple[int, list[Text]]]: ...
def hscan(
    key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, novalues: bool = False
) -> Command[Any]:
    """Return the next cursor and some of the fields with their values, or with ``novalues`` a list of fields.

    Begin with cursor 0; the cursor is 0 again at the end. ``match`` is a glob pattern for fields; a page may be empty
    although more fields follow. ``count`` is how many fields the server examines for a page. ``novalues`` is since
    Redis 7.4 and Valkey 8.0. Raises UsageValueError for a count below 1.
    """
    count = None if count is None else at_least(1, "count", count)
    options = (*option("MATCH", match), *option("COUNT", count), *flag("NOVALUES", novalues))
    return Command(HSCAN_FIELDS if novalues else HSCAN, key, cursor, *options)


@overload
def hset(key: Key, field: Value, value: Value) -> Command[int]: ...
@overload
def hset(key: Key, *, mapping: MappingOf[Key, Value]) -> Command[int]: ...
def hset(
    key: Key, field: Value | None = None, value: Value | None = None, *, mapping: MappingOf[Key, Value] | None = None
) -> Command[int]:
    """Set a field to a value, or each field of ``mapping``, and return how many fields are new.

    Raises UsageTypeError unless either a field and a value or ``mapping`` is given, and UsageValueError for an empty
    mapping.
    """
    if mapping is None and field is not None and value is not None:
        return Command(HSET, key, field, value)
    if mapping is None or field is not None or value is not None:
        raise UsageTypeError("HSET takes a field and a value, or mapping=")
    return Command(HSET, key, *flattened(HSET, mapping, "field"))


def hsetex(
    key: Key,
    mapping: MappingOf[Key, Value],
    *,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    keepttl: bool = False,
    fnx: bool = False,
    fxx: bool = False,
    nx: bool = False,
    xx: bool = False,
) -> Command[bool]:
    """Set fields to values and when the fields expire, and return whether they were set: all or none.

    ``ex`` and ``px`` are seconds and milliseconds from now, ``exat`` and ``pxat`` moments since 1970; ``keepttl`` keeps
    the expiry that a field has, and without an option it is removed. With ``fnx`` none of the fields may exist, with
    ``fxx`` all must; with ``nx`` the key must not exist, with ``xx`` it must (both only in Valkey). Since Redis 8.0 and
    Valkey 9.0. Raises UsageValueError for options that exclude each other, a time below 1 and an empty mapping.
    """
    items = flattened(HSETEX, mapping, "field")
    on_key = choose(nx=flag("NX", nx), xx=flag("XX", xx))
    on_fields = choose(fnx=flag("FNX", fnx), fxx=flag("FXX", fxx))
    times = expiry(ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl)
    return Command(HSETEX, key, *on_key, *on_fields, *times, "FIELDS", len(mapping), *items)


def hsetnx(key: Key, field: Value, value: Value) -> Command[bool]:
    """Set a field that does not exist to a value, and return whether it was set."""
    return Command(HSETNX, key, field, value)


def hstrlen(key: Key, field: Value) -> Command[int]:
    """Return the length of a value in bytes, 0 if there is no such field."""
    return Command(HSTRLEN, key, field)


def httl(key: Key, *fields: Value) -> Command[list[int]]:
    """Return after how many seconds fields expire.

    -1 means never, -2 that there is no such field. Raises UsageValueError without fields.
    """
    return Command(HTTL, key, *listed(HTTL, fields))


def hvals(key: Key) -> Command[list[Text]]:
    """Return all values; an empty list if there is no hash."""
    return Command(HVALS, key)


def _condition(*, nx: bool, xx: bool, gt: bool, lt: bool) -> tuple[Arg, ...]:
    return choose(nx=flag("NX", nx), xx=flag("XX", xx), gt=flag("GT", gt), lt=flag("LT", lt))
