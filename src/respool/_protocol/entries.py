"""The kinds of entries in a wire's queue: claims to the next replies of a connection.

An entry is whatever has ``set_result(value)``: a future, a thread's slot, or one of those here, which stand before such
a claim. Error replies and lost connections are values too: the one who waits decides what to raise.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Protocol

from respool._facts.errors import ProtocolError, ServerError
from respool._protocol.run import why_in_doubt


class Entry(Protocol):
    """One caller's claim to the next replies of a connection."""

    def set_result(self, value: Any, /) -> None:
        """Take the reply. Raises the wire's ``abandoned`` exception when nobody waits."""

    def done(self) -> bool:
        """Tell whether nobody waits any more."""
        ...


class Wire(Protocol):
    """The part of a wire that some entries change: its queue and its counts."""

    queue: deque[Entry]
    confirmed: Entry | None
    revealed: int
    heavy_bytes: int


class Batch:
    """The last entry of a run of ``count`` commands; hands ``entry`` the list of replies once it has its own.

    The entries before it are a ``Part`` each.
    """

    __slots__ = ("_entry", "_replies", "count")

    def __init__(self, entry: Entry, count: int, replies: list[Any]) -> None:
        self._entry = entry
        self._replies = replies
        self.count = count

    def set_result(self, value: Any, /) -> None:
        self._replies.append(value)
        self._entry.set_result(self._replies)

    def done(self) -> bool:
        return self._entry.done()


class AtomicBatch(Batch):
    """The last entry of a run that is one transaction.

    Raises ProtocolError, once the run has its replies, when they leave open whether the transaction has ended. That
    ends the connection before a reply to anybody else's command is read: it would be QUEUED (R-25). It is decided here
    and not where the run was sent, because the caller may have given up.
    """

    __slots__ = ()

    def set_result(self, value: Any, /) -> None:
        try:
            super().set_result(value)
        finally:
            doubt = why_in_doubt(self._replies)
            if doubt is not None:
                raise ProtocolError(f"the connection may still be in a transaction: {doubt}")


class Part:
    """An entry of a run that is not the last. Taking its reply is the list's own ``append``: a run has many of them."""

    __slots__ = ("_entry", "_replies", "count", "set_result")

    def __init__(self, entry: Entry, count: int, replies: list[Any]) -> None:
        self._entry = entry
        self._replies = replies
        self.set_result = replies.append
        self.count = count

    def done(self) -> bool:
        return self._entry.done()


class Guarded:
    """An entry for a run whose first command answers only when it is refused.

    The run between CLIENT REPLY OFF and ON has one reply, the OK of the last. Where OFF is refused (an ACL), the run
    has ``hidden`` more replies than that, and they are dropped; so no neighbour ever gets one of them. The same holds
    for SUBSCRIBE, which RESP3 answers with pushes, followed by a PING; there the push tells whose error it is, for a
    PING may be refused by itself (an ACL, or a server that is loading).

    QUEUED tells that the connection is in a transaction that nobody knows of, where every command of the run is
    answered. That ends the connection.
    """

    __slots__ = ("_entry", "_hidden", "_wire")

    def __init__(self, entry: Entry | None, hidden: int, wire: Wire) -> None:
        self._entry = entry
        self._hidden = hidden
        self._wire = wire

    def set_result(self, value: Any, /) -> None:
        if isinstance(value, ServerError):
            if self._wire.confirmed is self:
                value = None
            else:
                self._wire.queue.extendleft([NOBODY] * self._hidden)
                self._wire.revealed += self._hidden
        try:
            if self._entry is not None:
                self._entry.set_result(value)
        finally:
            if value in (b"QUEUED", "QUEUED"):
                raise ProtocolError("the connection is in a transaction, where replies cannot be switched off")

    def done(self) -> bool:
        return self._entry is not None and self._entry.done()


class _Nobody:
    """An entry whose reply nobody wants."""

    __slots__ = ()

    def set_result(self, value: Any, /) -> None:
        """Drop it."""

    def done(self) -> bool:
        return False


NOBODY: Final = _Nobody()


class Weighed:
    """The last entry of a run whose bytes count against the wire's limit until its reply is there (R-22)."""

    __slots__ = ("_entry", "_size", "_wire", "count")

    def __init__(self, entry: Entry, size: int, wire: Wire, count: int = 1) -> None:
        self._entry = entry
        self._size = size
        self._wire = wire
        self.count = count

    def set_result(self, value: Any, /) -> None:
        self.give_back()
        self._entry.set_result(value)

    def done(self) -> bool:
        return self._entry.done()

    def give_back(self) -> None:
        self._wire.heavy_bytes -= self._size
        self._size = 0


def claim_of(entry: Entry) -> tuple[Entry | None, list[Any]]:
    """Return who waits behind an entry, and what part of its replies has come."""
    replies: list[Any] = []
    claim: Entry | None = entry
    while isinstance(claim, Batch | Part | Weighed | Guarded):
        if isinstance(claim, Batch | Part):
            replies = claim._replies
        claim = claim._entry
    return claim, replies
