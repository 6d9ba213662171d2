"""Parsers of the replies about streams; the rules are those of ``_parsers``."""

from __future__ import annotations

from typing import Any

from respool._facts.records import Claimed, ClaimedIds, DeliveredEntry, Pending, PendingSummary, StreamEntry
from respool.commands._parsers import as_map, plain


def as_entry(reply: Any) -> StreamEntry[Any] | None:
    """Return one entry of a stream, or None."""
    return None if reply is None else as_entries([reply])[0]


def as_entries(reply: Any) -> list[StreamEntry[Any]]:
    """Return entries of a stream; None becomes an empty list. An entry that was deleted has no fields."""
    if not reply:
        return []
    make = tuple.__new__  # StreamEntry(...) takes a seventh longer
    # ``zip`` takes a field and then its value from the one iterator that it gets twice.
    if isinstance(reply[0][0], str):
        return [
            make(StreamEntry, (id, dict(zip(each, each, strict=True))))
            for id, fields in reply
            for each in [iter(fields or ())]
        ]
    return [
        make(StreamEntry, (id.decode(), dict(zip(each, each, strict=True))))
        for id, fields in reply
        for each in [iter(fields or ())]
    ]


def as_streams(reply: Any) -> dict[Any, list[StreamEntry[Any]]]:
    """Return a map of streams to their entries; None becomes an empty one."""
    return {key: as_entries(entries) for key, entries in _pairs(reply)}


def as_delivered(reply: Any) -> dict[Any, list[DeliveredEntry[Any]]]:
    """Return a map of streams to entries with their earlier deliveries; None becomes an empty one."""
    return {key: [_delivered(*entry) for entry in entries] for key, entries in _pairs(reply)}


def as_claimed_entries(reply: Any) -> list[StreamEntry[Any]]:
    """Return entries that were claimed; servers before Redis 7.0 send None for one that was deleted."""
    return as_entries([entry for entry in reply if entry is not None])


def as_claimed(reply: Any) -> Claimed[Any]:
    """Return where to go on, entries, and the ids of deleted entries, which Redis 6.2 does not send."""
    return Claimed(plain(reply[0]), as_claimed_entries(reply[1]), plain(reply[2]) if len(reply) > 2 else [])


def as_claimed_ids(reply: Any) -> ClaimedIds:
    """Return where to go on, and ids in place of the entries."""
    start, ids, *deleted = plain(reply)
    return ClaimedIds(start, ids, deleted[0] if deleted else [])


def as_pending(reply: Any) -> list[Pending[Any]]:
    """Return the entries that nobody has acknowledged."""
    return [Pending(plain(id), consumer, idle, deliveries) for id, consumer, idle, deliveries in reply]


def as_pending_summary(reply: Any) -> PendingSummary[Any]:
    """Return how much is pending. The count of each consumer is text, and an empty group has None for all of them."""
    count, first, last, consumers = reply
    return PendingSummary(count, plain(first), plain(last), {name: int(each) for name, each in consumers or ()})


def as_stream(reply: Any) -> dict[str, Any]:
    """Return the facts about a stream, a group or a consumer, and about what it has, as dicts at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {name: _fact_of_stream(name, value) for name, value in ((plain(key), value) for key, value in pairs)}


def as_streams_parts(reply: Any) -> list[dict[str, Any]]:
    """Return the facts about the groups of a stream, or about the consumers of a group."""
    return [as_stream(part) for part in reply]


def _pairs(reply: Any) -> Any:
    """Return the items of a map, which RESP2 sends as a list of pairs; None has no items."""
    return reply.items() if isinstance(reply, dict) else reply or ()


def _delivered(id: Any, fields: Any, idle: Any = 0, deliveries: Any = 0) -> DeliveredEntry[Any]:
    """Return an entry with its earlier deliveries, whose numbers the first servers sent as text."""
    return DeliveredEntry(plain(id), as_map(fields or []), int(idle), int(deliveries))


def _fact_of_stream(name: str, value: Any) -> Any:
    match name:
        case "name":
            return value  # of a group or a consumer: users chose it
        case "first-entry" | "last-entry":
            return as_entry(value)
        case "entries":
            return as_entries(value)
        case ("groups" | "consumers") if isinstance(value, list):
            return as_streams_parts(value)
        case "pending" if isinstance(value, list):
            return [(plain(id), *rest) for id, *rest in value]
    return plain(value)
