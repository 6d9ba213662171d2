"""Commands on streams.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. An
entry has an id, ``milliseconds-number``, and fields, which come back as a dict: of a field that an entry has
several times, the dict has the last value (``execute`` returns all). On a key that holds another type the server
answers WrongType.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import SECOND, at_least, choose, duration, flag, flattened, nothing_to_send, option
from respool.commands._parsers import as_text
from respool.commands._stream_arguments import after, limits, numbered, references, trimming
from respool.commands._stream_replies import as_entries, as_stream, as_streams

if TYPE_CHECKING:

    from respool._facts.command import Key
    from respool._facts.records import StreamEntry
    from respool.commands._arguments import Duration, MappingOf, Text, Value
    from respool.commands._stream_arguments import References, StreamId

XADD = spec("XADD").derive(parse=as_text)
XCFGSET = spec("XCFGSET").derive(parse=bool)
XDEL = spec("XDEL")
XDELEX = spec("XDELEX")
XINFO_STREAM = spec("XINFO STREAM").derive(parse=as_stream)
XLEN = spec("XLEN")
XRANGE = spec("XRANGE").derive(parse=as_entries)
XREAD = spec("XREAD").derive(parse=as_streams)
XREVRANGE = spec("XREVRANGE").derive(parse=as_entries)
XSETID = spec("XSETID").derive(parse=bool)
XTRIM = spec("XTRIM")


@overload
def xadd(
    key: Key,
    fields: MappingOf[Key, Value],
    *,
    id: StreamId = "*",
    maxlen: int | None = None,
    minid: StreamId | None = None,
    approx: bool = False,
    limit: int | None = None,
    refs: References | None = None,
    idmp: tuple[Value, Value] | None = None,
    idmpauto: Value | None = None,
    nomkstream: Literal[False] = False,
) -> Command[str]: ...
@overload
def xadd(
    key: Key,
    fields: MappingOf[Key, Value],
    *,
    id: StreamId = "*",
    maxlen: int | None = None,
    minid: StreamId | None = None,
    approx: bool = False,
    limit: int | None = None,
    refs: References | None = None,
    idmp: tuple[Value, Value] | None = None,
    idmpauto: Value | None = None,
    nomkstream: Literal[True],
) -> Command[str | None]: ...
def xadd(
    key: Key,
    fields: MappingOf[Key, Value],
    *,
    id: StreamId = "*",
    maxlen: int | None = None,
    minid: StreamId | None = None,
    approx: bool = False,
    limit: int | None = None,
    refs: References | None = None,
    idmp: tuple[Value, Value] | None = None,
    idmpauto: Value | None = None,
    nomkstream: bool = False,
) -> Command[Any]:
    """Add an entry at the end of a stream, and return its id.

    Makes the stream if there is none; with ``nomkstream`` it returns None instead. The server makes the id, or takes
    ``id`` if it is greater than all before. ``maxlen``, ``minid``, ``approx``, ``limit`` and ``refs`` (Redis 8.2) trim
    the stream as ``xtrim`` does. ``idmp=(producer, name)`` adds the entry only if that producer has added none of that
    name lately, and otherwise returns the id of that one; with ``idmpauto=producer`` the fields serve as the name
    (both since Redis 8.6; not yet tested against a server). Raises UsageValueError without fields, and for options
    that exclude each other; UsageTypeError for ``limit`` or ``approx`` without ``maxlen`` or ``minid``, and for
    ``limit`` without ``approx``.
    """
    trim = trimming(XADD, maxlen=maxlen, minid=minid, approx=approx, limit=limit)
    if refs is None and idmp is None and idmpauto is None and not nomkstream:
        return Command(XADD, key, *trim, id, *flattened(XADD, fields, "field"))
    once = choose(
        idmp=() if idmp is None else ("IDMP", *_producer_and_name(idmp)), idmpauto=option("IDMPAUTO", idmpauto)
    )
    words = (*flag("NOMKSTREAM", nomkstream), *references(refs), *once, *trim)
    return Command(XADD, key, *words, id, *flattened(XADD, fields, "field"))


def xcfgset(key: Key, *, idmp_duration: Duration | None = None, idmp_maxsize: int | None = None) -> Command[bool]:
    """Set how long a stream remembers the names of entries (``idmp`` of ``xadd``), and how many; return True.

    ``idmp_duration`` is in seconds, ``idmp_maxsize`` a number of names for each producer; both are 100 by default. The
    names that the stream remembers are forgotten. Raises UsageValueError without options, and for one below 1. Since
    Redis 8.6; not yet tested against a server.
    """
    if idmp_duration is None and idmp_maxsize is None:
        raise nothing_to_send(XCFGSET, "option")
    seconds = None if idmp_duration is None else _seconds(idmp_duration)
    names = None if idmp_maxsize is None else at_least(1, "idmp_maxsize", idmp_maxsize)
    return Command(XCFGSET, key, *option("IDMP-DURATION", seconds), *option("IDMP-MAXSIZE", names))


def xdel(key: Key, *ids: StreamId) -> Command[int]:
    """Delete entries, and return how many there were. Raises UsageValueError without ids.

    An entry that is pending in a group stays so, without its fields; ``xdelex`` can end that.
    """
    if ids:
        return Command(XDEL, key, *ids)
    raise nothing_to_send(XDEL, "id")


def xdelex(key: Key, *ids: StreamId, refs: References | None = None) -> Command[list[int]]:
    """Delete entries, and say what becomes of those that are pending in a group.

    Returns for each id 1 when the entry was deleted, 2 when it was not because a group has still to read or to
    acknowledge it (``refs="ACKED"``), and -1 when there is no such entry. Raises UsageValueError without ids. Since
    Redis 8.2.
    """
    return Command(XDELEX, key, *references(refs), *numbered(XDELEX, ids))


def xinfo_stream(key: Key, *, full: bool = False, count: int | None = None) -> Command[dict[str, Any]]:
    """Return a dict of facts about a stream, with ``full`` also all about its entries, groups and consumers.

    The keys are the server's, as "length" and "last-generated-id". "first-entry" and "last-entry" are each a
    ``StreamEntry`` or None. With ``full`` (Redis 6.0), "entries" is a list of ``StreamEntry``, "groups" and in each of
    them "consumers" are lists of dicts, and "pending" is a list of tuples: id, consumer (not in that consumer's own
    list), delivery time in milliseconds since 1970, deliveries. Fields, values and names of groups and consumers are
    bytes or str as the pool decodes; all else is str. ``count`` limits the entries, pending ones too; it is 10 by
    default, and 0 is all. Raises UsageTypeError for ``count`` without ``full``, and UsageValueError for a negative one.
    """
    if count is None and not full:
        return Command(XINFO_STREAM, key)
    if not full:
        raise UsageTypeError("count needs full=True")
    return Command(XINFO_STREAM, key, "FULL", *option("COUNT", None if count is None else at_least(0, "count", count)))


def xlen(key: Key) -> Command[int]:
    """Return the number of entries in a stream, 0 if there is no stream."""
    return Command(XLEN, key)


def xrange(
    key: Key, start: StreamId = "-", end: StreamId = "+", *, count: int | None = None
) -> Command[list[StreamEntry[Text]]]:
    """Return the entries of a stream from one id to another, both included; an empty list if there is no stream.

    "-" is the first id, "+" the last one; a ``(`` before an id excludes that (Redis 6.2). ``count`` is the largest
    number of entries. Raises UsageValueError for a negative count.
    """
    if count is None:
        return Command(XRANGE, key, start, end)
    return Command(XRANGE, key, start, end, "COUNT", at_least(0, "count", count))


def xread(
    streams: MappingOf[Key, StreamId],
    *,
    count: int | None = None,
    maxcount: int | None = None,
    maxsize: int | None = None,
    block: Duration | None = None,
) -> Command[dict[Text, list[StreamEntry[Text]]]]:
    """Return the entries of streams after the ids that ``streams`` has for them, or an empty dict.

    Only streams that have some are in the dict. The id "$" is the last one at the time of the call, so that only
    entries added while it blocks are returned: use it for the first call alone, or entries are missed between two.
    "+" returns the last entry (Redis 7.4, Valkey 8.0). ``count`` limits the entries of each stream, ``maxcount`` those
    of all, and ``maxsize`` the bytes of the reply, which has at least one entry (both since Redis 8.10; not yet tested
    against a server). With ``block`` it waits for entries for so many milliseconds, 0 for ever; a pool takes a lease
    for that. Raises UsageValueError without streams, for a limit below 1 and for a negative time.
    """
    most = limits(count=count, maxcount=maxcount, maxsize=maxsize, block=block)
    return Command(XREAD, *most, *after(XREAD, streams))


def xrevrange(
    key: Key, end: StreamId = "+", start: StreamId = "-", *, count: int | None = None
) -> Command[list[StreamEntry[Text]]]:
    """Return the entries of a stream from one id back to another; the ids and ``count`` are those of ``xrange``."""
    if count is None:
        return Command(XREVRANGE, key, end, start)
    return Command(XREVRANGE, key, end, start, "COUNT", at_least(0, "count", count))


def xsetid(
    key: Key, id: StreamId, *, entriesadded: int | None = None, maxdeletedid: StreamId | None = None
) -> Command[bool]:
    """Set the last id that a stream has given, and return True.

    ``entriesadded`` sets how many entries were ever added, ``maxdeletedid`` the greatest id that was deleted (both
    since Redis 7.0). The server refuses an id that is less than one in the stream. Raises UsageValueError for a
    negative number.
    """
    added = None if entriesadded is None else at_least(0, "entriesadded", entriesadded)
    return Command(XSETID, key, id, *option("ENTRIESADDED", added), *option("MAXDELETEDID", maxdeletedid))


def xtrim(
    key: Key,
    *,
    maxlen: int | None = None,
    minid: StreamId | None = None,
    approx: bool = False,
    limit: int | None = None,
    refs: References | None = None,
) -> Command[int]:
    """Delete the oldest entries of a stream, and return how many.

    ``maxlen`` is how many entries stay; or ``minid`` is the least id that stays (Redis 6.2). ``approx`` deletes only
    what can be deleted cheaply, so more may stay; with it, ``limit`` is the largest number of entries to delete in this
    call, 0 for no limit (Redis 6.2). ``refs`` is since Redis 8.2. Raises UsageValueError unless either ``maxlen`` or
    ``minid`` is given, and for a negative number.
    """
    trim = trimming(XTRIM, maxlen=maxlen, minid=minid, approx=approx, limit=limit)
    if not trim:
        raise UsageValueError("XTRIM needs maxlen or minid")
    return Command(XTRIM, key, *trim, *references(refs))


def _producer_and_name(idmp: Any) -> tuple[Value, Value]:
    match idmp:
        case tuple((producer, name)):
            return producer, name
    raise UsageTypeError(f"idmp must be a tuple of a producer and a name, not {type(idmp).__name__}")


def _seconds(idmp_duration: Duration) -> int:
    return at_least(1, "idmp_duration", duration("idmp_duration", idmp_duration, SECOND))
