"""The records in replies: what has more parts than a pair, with a name for each part.

Rule 1: a record is a NamedTuple, so it is a tuple too. If it holds what users stored, it is generic in ``T``: bytes,
        or str where the pool has an encoding. What the server says is str for everyone.
Rule 2: what a call did not ask for is None.

``server_records`` has those of servers, clusters and modules.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class StreamEntry(NamedTuple, Generic[T]):
    """One entry of a stream. Its ``fields`` are empty only if the entry was deleted."""

    id: str
    fields: dict[T, T]


class DeliveredEntry(NamedTuple, Generic[T]):
    """An entry that ``xreadgroup`` with ``claim`` returns, and its deliveries before this one.

    ``idle`` is in milliseconds since the last of them, ``deliveries`` how many there were; both are 0 for a new entry.
    """

    id: str
    fields: dict[T, T]
    idle: int
    deliveries: int


class Claimed(NamedTuple, Generic[T]):
    """What ``xautoclaim`` took over: the id to go on from ("0-0" at the end), entries, and ids of deleted entries."""

    next: str
    entries: list[StreamEntry[T]]
    deleted: list[str]


class ClaimedIds(NamedTuple):
    """What ``xautoclaim`` with ``justid`` took over: as ``Claimed``, with ids in place of entries."""

    next: str
    ids: list[str]
    deleted: list[str]


class Pending(NamedTuple, Generic[T]):
    """An entry that a consumer has not acknowledged.

    ``idle`` is in milliseconds since it was last delivered, ``deliveries`` how often that happened. An entry that
    ``xnack`` released belongs to no consumer: its ``consumer`` is empty, and its ``idle`` is -1.
    """

    id: str
    consumer: T
    idle: int
    deliveries: int


class PendingSummary(NamedTuple, Generic[T]):
    """What is pending in a consumer group: the total of entries, the first and last id, and how many by consumer."""

    total: int
    first: str | None
    last: str | None
    consumers: dict[T, int]


class GeoMatch(NamedTuple, Generic[T]):
    """A member that a geo search found.

    ``distance`` is in the unit of the search, ``position`` is longitude and latitude in degrees.
    """

    member: T
    distance: float | None
    hash: int | None
    position: tuple[float, float] | None
