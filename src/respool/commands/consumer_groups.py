"""Commands on the consumer groups of streams.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
group shares the entries of a stream among its consumers. An entry that was delivered stays pending until it is
acknowledged (``xack``). If the reply to ``xreadgroup`` is lost, its entries are pending as well: the consumer gets
them by reading from id 0, or another one takes them over (``xautoclaim``). For a group that does not exist most
commands are answered NOGROUP, as a ServerError.

Times are in milliseconds.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import MILLISECOND, at_least, choose, flag, moment, nothing_to_send, option
from respool.commands._parsers import as_text, as_texts
from respool.commands._stream_arguments import after, limits, milliseconds, numbered, references
from respool.commands._stream_replies import (
    as_claimed,
    as_claimed_entries,
    as_claimed_ids,
    as_delivered,
    as_pending,
    as_pending_summary,
    as_streams,
    as_streams_parts,
)

if TYPE_CHECKING:

    from respool._facts.command import Key
    from respool._facts.records import Claimed, ClaimedIds, DeliveredEntry, Pending, PendingSummary, StreamEntry
    from respool.commands._arguments import Duration, MappingOf, Moment, Text, Value
    from respool.commands._stream_arguments import References, StreamId

XACK = spec("XACK")
XACKDEL = spec("XACKDEL")
XAUTOCLAIM = spec("XAUTOCLAIM").derive(parse=as_claimed)
XAUTOCLAIM_IDS = spec("XAUTOCLAIM").derive(parse=as_claimed_ids)
XCLAIM = spec("XCLAIM").derive(parse=as_claimed_entries)
XCLAIM_IDS = spec("XCLAIM").derive(parse=as_texts)
XGROUP_CREATE = spec("XGROUP CREATE").derive(parse=bool)
XGROUP_CREATECONSUMER = spec("XGROUP CREATECONSUMER").derive(parse=bool)
XGROUP_DELCONSUMER = spec("XGROUP DELCONSUMER")
XGROUP_DESTROY = spec("XGROUP DESTROY").derive(parse=bool)
XGROUP_SETID = spec("XGROUP SETID").derive(parse=bool)
XINFO_CONSUMERS = spec("XINFO CONSUMERS").derive(parse=as_streams_parts)
XINFO_GROUPS = spec("XINFO GROUPS").derive(parse=as_streams_parts)
XNACK = spec("XNACK")
XPENDING = spec("XPENDING").derive(parse=as_pending_summary)
XPENDING_ENTRIES = spec("XPENDING").derive(parse=as_pending)
XREADGROUP = spec("XREADGROUP").derive(parse=as_streams)
XREADGROUP_CLAIM = spec("XREADGROUP").derive(parse=as_delivered)


def xack(key: Key, group: Value, *ids: StreamId) -> Command[int]:
    """Acknowledge entries, and return how many of them were pending in the group.

    It is 0 if there is no such stream or group. Raises UsageValueError without ids.
    """
    if ids:
        return Command(XACK, key, group, *ids)
    raise nothing_to_send(XACK, "id")


def xackdel(key: Key, group: Value, *ids: StreamId, refs: References | None = None) -> Command[list[int]]:
    """Acknowledge entries in a group and delete them from the stream.

    Returns for each id 1 when the entry was acknowledged and deleted, 2 when it was acknowledged and not deleted
    because another group has still to read or to acknowledge it (``refs="ACKED"``), and -1 when it is not pending in
    the group or there is no such stream or group. Raises UsageValueError without ids. Since Redis 8.2.
    """
    return Command(XACKDEL, key, group, *references(refs), *numbered(XACKDEL, ids))


@overload
def xautoclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    start: StreamId = "0-0",
    *,
    count: int | None = None,
    justid: Literal[False] = False,
) -> Command[Claimed[Text]]: ...
@overload
def xautoclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    start: StreamId = "0-0",
    *,
    count: int | None = None,
    justid: Literal[True],
) -> Command[ClaimedIds]: ...
def xautoclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    start: StreamId = "0-0",
    *,
    count: int | None = None,
    justid: bool = False,
) -> Command[Any]:
    """Give a consumer the entries of its group that have been pending for ``min_idle`` milliseconds.

    Returns ``Claimed``: the id to go on from, "0-0" at the end; the entries; and the ids of pending entries that were
    deleted from the stream, which are no longer pending now. ``start`` is the id to begin with, ``count`` the largest
    number of entries, 100 by default. With ``justid`` it returns ``ClaimedIds``, and does not count as a delivery.
    Raises UsageValueError for a negative time and a count below 1. Since Redis 6.2, which tells no deleted ids.
    """
    count = None if count is None else at_least(1, "count", count)
    words = (milliseconds("min_idle", min_idle), start, *option("COUNT", count), *flag("JUSTID", justid))
    return Command(XAUTOCLAIM_IDS if justid else XAUTOCLAIM, key, group, consumer, *words)


@overload
def xclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    *ids: StreamId,
    idle: Duration | None = None,
    time: Moment | None = None,
    retrycount: int | None = None,
    force: bool = False,
    lastid: StreamId | None = None,
    justid: Literal[False] = False,
) -> Command[list[StreamEntry[Text]]]: ...
@overload
def xclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    *ids: StreamId,
    idle: Duration | None = None,
    time: Moment | None = None,
    retrycount: int | None = None,
    force: bool = False,
    lastid: StreamId | None = None,
    justid: Literal[True],
) -> Command[list[str]]: ...
def xclaim(
    key: Key,
    group: Value,
    consumer: Value,
    min_idle: Duration,
    *ids: StreamId,
    idle: Duration | None = None,
    time: Moment | None = None,
    retrycount: int | None = None,
    force: bool = False,
    lastid: StreamId | None = None,
    justid: bool = False,
) -> Command[Any]:
    """Give a consumer those of the entries that have been pending in its group for ``min_idle`` milliseconds.

    Returns the entries that it took over; with ``justid`` only their ids, and that does not count as a delivery. An
    entry that was deleted from the stream is left out. ``idle`` (milliseconds) or ``time`` (milliseconds since 1970)
    sets when the entries were last delivered, instead of now; ``retrycount`` sets how often. ``force`` takes entries
    that are not pending as well; ``lastid`` moves the last delivered id of the group on to this one. Raises
    UsageValueError without ids, for ``idle`` with ``time``, and for a negative number.
    """
    if not ids:
        raise nothing_to_send(XCLAIM, "id")
    last = choose(
        idle=() if idle is None else ("IDLE", milliseconds("idle", idle)),
        time=() if time is None else ("TIME", at_least(0, "time", moment("time", time, MILLISECOND))),
    )
    retries = None if retrycount is None else at_least(0, "retrycount", retrycount)
    words = (*last, *option("RETRYCOUNT", retries), *flag("FORCE", force), *option("LASTID", lastid))
    args = (key, group, consumer, milliseconds("min_idle", min_idle), *ids, *words, *flag("JUSTID", justid))
    return Command(XCLAIM_IDS if justid else XCLAIM, *args)


def xgroup_create(
    key: Key, group: Value, id: StreamId = "$", *, mkstream: bool = False, entriesread: int | None = None
) -> Command[bool]:
    """Create a consumer group, and return True.

    It delivers the entries after ``id``: "0" is all, "$" those that are added from now on. ``mkstream`` makes an empty
    stream if there is none, which is an error otherwise. ``entriesread`` (Redis 7.0) is how many entries the stream
    has had up to ``id``, from which the server counts how far the group is behind. If the group exists, the server
    answers BusyGroup.
    """
    return Command(XGROUP_CREATE, key, group, id, *flag("MKSTREAM", mkstream), *option("ENTRIESREAD", entriesread))


def xgroup_createconsumer(key: Key, group: Value, consumer: Value) -> Command[bool]:
    """Create a consumer in a group, and return whether there was none.

    ``xreadgroup`` and the claiming commands create it by themselves. Since Redis 6.2.
    """
    return Command(XGROUP_CREATECONSUMER, key, group, consumer)


def xgroup_delconsumer(key: Key, group: Value, consumer: Value) -> Command[int]:
    """Delete a consumer, and return how many entries were pending for it.

    Nobody can claim those any more. It is 0 if there is no such consumer.
    """
    return Command(XGROUP_DELCONSUMER, key, group, consumer)


def xgroup_destroy(key: Key, group: Value) -> Command[bool]:
    """Delete a group with its consumers and what is pending for them, and return whether there was one."""
    return Command(XGROUP_DESTROY, key, group)


def xgroup_setid(key: Key, group: Value, id: StreamId, *, entriesread: int | None = None) -> Command[bool]:
    """Set the id after which a group delivers entries, and return True.

    ``id`` and ``entriesread`` (Redis 7.0) are those of ``xgroup_create``.
    """
    return Command(XGROUP_SETID, key, group, id, *option("ENTRIESREAD", entriesread))


def xinfo_consumers(key: Key, group: Value) -> Command[list[dict[str, Any]]]:
    """Return a dict for each consumer of a group: its name, pending entries and idle times in milliseconds.

    The keys are the server's: "name", which is bytes or str as the pool decodes, "pending", "idle", and "inactive"
    since Redis 7.2.
    """
    return Command(XINFO_CONSUMERS, key, group)


def xinfo_groups(key: Key) -> Command[list[dict[str, Any]]]:
    """Return a dict for each consumer group of a stream; an empty list if it has none.

    The keys are the server's: "name", which is bytes or str as the pool decodes, "consumers", "pending",
    "last-delivered-id", and since Redis 7.0 "entries-read" and "lag", each of which may be None.
    """
    return Command(XINFO_GROUPS, key)


def xnack(
    key: Key,
    group: Value,
    mode: Literal["SILENT", "FAIL", "FATAL"],
    *ids: StreamId,
    retrycount: int | None = None,
    force: bool = False,
) -> Command[int]:
    """Give pending entries back to their group, for other consumers to claim at once, and return how many.

    ``mode`` says what becomes of an entry's number of deliveries: ``"SILENT"`` takes this one off, ``"FAIL"`` leaves
    it, ``"FATAL"`` makes it the largest number there is; ``retrycount`` sets it. ``force`` also takes entries of the
    stream that are not pending. Raises UsageValueError without ids and for a negative number. Since Redis 8.8; not
    yet tested against a server.
    """
    retries = None if retrycount is None else at_least(0, "retrycount", retrycount)
    words = (*numbered(XNACK, ids), *option("RETRYCOUNT", retries), *flag("FORCE", force))
    return Command(XNACK, key, group, mode, *words)


@overload
def xpending(key: Key, group: Value) -> Command[PendingSummary[Text]]: ...
@overload
def xpending(
    key: Key,
    group: Value,
    start: StreamId,
    end: StreamId,
    count: int,
    *,
    consumer: Value | None = None,
    idle: Duration | None = None,
) -> Command[list[Pending[Text]]]: ...
def xpending(
    key: Key,
    group: Value,
    start: StreamId | None = None,
    end: StreamId | None = None,
    count: int | None = None,
    *,
    consumer: Value | None = None,
    idle: Duration | None = None,
) -> Command[Any]:
    """Return a summary of what is pending in a group, or a list of up to ``count`` pending entries.

    The list is of the entries from ``start`` ("-" is the first) to ``end`` ("+" is the last) in the order of their
    ids; ``consumer`` lists only those of one consumer, ``idle`` those that were delivered at least so many milliseconds
    ago (Redis 6.2). If nothing is pending, the list is empty, and so are the consumers of the summary; its ids are
    None. Raises UsageTypeError unless all three, or nothing but the group, are given, and UsageValueError for a
    negative number.
    """
    if start is None and end is None and count is None and consumer is None and idle is None:
        return Command(XPENDING, key, group)
    if start is None or end is None or count is None:
        raise UsageTypeError("XPENDING takes start, end and count together, and consumer= and idle= only with them")
    longest = () if idle is None else ("IDLE", milliseconds("idle", idle))
    words = (*longest, start, end, at_least(0, "count", count), *(() if consumer is None else (consumer,)))
    return Command(XPENDING_ENTRIES, key, group, *words)


@overload
def xreadgroup(
    group: Value,
    consumer: Value,
    streams: MappingOf[Key, StreamId],
    *,
    count: int | None = None,
    maxcount: int | None = None,
    maxsize: int | None = None,
    block: Duration | None = None,
    noack: bool = False,
    claim: None = None,
) -> Command[dict[Text, list[StreamEntry[Text]]]]: ...
@overload
def xreadgroup(
    group: Value,
    consumer: Value,
    streams: MappingOf[Key, StreamId],
    *,
    count: int | None = None,
    maxcount: int | None = None,
    maxsize: int | None = None,
    block: Duration | None = None,
    noack: bool = False,
    claim: Duration,
) -> Command[dict[Text, list[DeliveredEntry[Text]]]]: ...
def xreadgroup(
    group: Value,
    consumer: Value,
    streams: MappingOf[Key, StreamId],
    *,
    count: int | None = None,
    maxcount: int | None = None,
    maxsize: int | None = None,
    block: Duration | None = None,
    noack: bool = False,
    claim: Duration | None = None,
) -> Command[Any]:
    """Return entries of streams for a consumer of a group; an empty dict if there are none.

    ``streams`` maps each stream to ">", which returns entries that no consumer of the group has got yet and makes
    them pending (with ``noack`` it does not), or to an id: then it returns what is pending for this consumer after
    that id, neither blocks nor delivers anything new, and has each such stream in the dict. An entry there that was
    deleted has no fields. Reading a pending entry again counts as a delivery (see ``xpending``).

    ``count``, ``maxcount``, ``maxsize`` and ``block`` are those of ``xread``. ``claim`` first takes over what has been
    pending for so many milliseconds, and returns each entry as a ``DeliveredEntry`` (Redis 8.4; not yet tested against
    a server). Without the group the server answers NOGROUP, as a ServerError. Raises UsageValueError as ``xread`` does,
    and for ``claim`` with an id other than ">".
    """
    most = limits(count=count, maxcount=maxcount, maxsize=maxsize, block=block)
    if claim is None:
        words = (*most, *flag("NOACK", noack), *after(XREADGROUP, streams))
        return Command(XREADGROUP, "GROUP", group, consumer, *words)
    read = after(XREADGROUP, streams)
    if any(as_text(id) != ">" for id in streams.values()):
        raise UsageValueError("claim works with the id '>' alone")
    words = (*most, "CLAIM", milliseconds("claim", claim), *flag("NOACK", noack), *read)
    return Command(XREADGROUP_CLAIM, "GROUP", group, consumer, *words)
