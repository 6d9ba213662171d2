"""What a subscriber receives: messages, and gaps in them."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Message(NamedTuple, Generic[T]):
    """A message that was published to a channel.

    ``kind`` is ``"message"``, ``"pmessage"`` (it came by ``pattern``, which is None otherwise) or ``"smessage"`` (a
    shard channel). ``gap`` says that messages before this one may have been lost: it is the first one since then.
    """

    channel: T
    data: T
    pattern: T | None
    kind: str
    gap: bool


class Gap(NamedTuple):
    """A time in which messages may have been lost.

    ``reason`` is ``"lost"`` (a connection ended), ``"moved"`` (the slot of a shard channel left its node) or
    ``"dropped"`` (the queue was full). ``since`` is when it began at the earliest, in seconds since the epoch, as
    ``time.time()`` counts them: nothing that came to the server before that is missing.
    """

    reason: str
    since: float
