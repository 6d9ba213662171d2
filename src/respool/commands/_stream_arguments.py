"""Arguments that the commands on streams and those on consumer groups have in common."""

from __future__ import annotations

from typing import Literal, TypeAlias

from respool._facts.command import Arg, Key, Spec
from respool._facts.errors import UsageTypeError
from respool.commands._arguments import (
    MILLISECOND,
    Duration,
    MappingOf,
    at_least,
    choose,
    duration,
    flag,
    flattened,
    nothing_to_send,
)

StreamId: TypeAlias = str | bytes | int
"""The id of an entry, as ``"1526919030474-55"``. A number alone is milliseconds. Some commands know special ids."""
References: TypeAlias = Literal["KEEPREF", "DELREF", "ACKED"]
"""What becomes of entries that are pending in a group when they are deleted: ``"KEEPREF"``, which is the default,
leaves them pending, ``"DELREF"`` ends that, and ``"ACKED"`` deletes only what all groups have acknowledged."""


def references(refs: References | None) -> tuple[Arg, ...]:
    """Return the word, when there is one."""
    return () if refs is None else (refs,)


def trimming(
    spec: Spec, *, maxlen: int | None, minid: StreamId | None, approx: bool, limit: int | None
) -> tuple[Arg, ...]:
    """Return the words that trim a stream, or none.

    Raises UsageValueError for both of ``maxlen`` and ``minid``, UsageTypeError for an option that neither of them has.
    """
    if maxlen is None and minid is None:
        if approx or limit is not None:
            raise UsageTypeError(f"{'approx' if approx else 'limit'} of {spec.name} needs maxlen or minid")
        return ()
    if limit is not None and not approx:
        raise UsageTypeError(f"limit of {spec.name} needs approx=True")
    roughly = flag("~", approx)
    words = choose(
        maxlen=() if maxlen is None else ("MAXLEN", *roughly, at_least(0, "maxlen", maxlen)),
        minid=() if minid is None else ("MINID", *roughly, minid),
    )
    return words if limit is None else (*words, "LIMIT", at_least(0, "limit", limit))


def limits(*, count: int | None, maxcount: int | None, maxsize: int | None, block: Duration | None) -> tuple[Arg, ...]:
    """Return the words that limit what is read, and how long it is waited for."""
    return (
        *(() if count is None else ("COUNT", at_least(1, "count", count))),
        *(() if maxcount is None else ("MAXCOUNT", at_least(1, "maxcount", maxcount))),
        *(() if maxsize is None else ("MAXSIZE", at_least(1, "maxsize", maxsize))),
        *(() if block is None else ("BLOCK", milliseconds("block", block))),
    )


def after(spec: Spec, streams: MappingOf[Key, StreamId]) -> tuple[Arg, ...]:
    """Return the word STREAMS, then all keys, then all ids."""
    words = flattened(spec, streams, "stream", "id")
    return "STREAMS", *words[::2], *words[1::2]


def numbered(spec: Spec, ids: tuple[StreamId, ...]) -> tuple[Arg, ...]:
    """Return the word IDS and the number of ids, followed by the ids."""
    if not ids:
        raise nothing_to_send(spec, "id")
    return "IDS", len(ids), *ids


def milliseconds(name: str, value: Duration) -> int:
    """Return a duration in milliseconds. Raises UsageValueError if it is negative."""
    return at_least(0, name, duration(name, value, MILLISECOND))
