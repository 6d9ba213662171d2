"""The kinds of entries in a wire's queue. An entry waits for the next reply of a connection.

An entry is any object with ``set_result(value)``: a future, its counterpart in threads, or one of the classes here,
which wrap such an object. Error replies and lost connections are values too: the waiting caller decides what to raise.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final, Protocol

from respool._facts.errors import ProtocolError, ServerError
from respool._protocol.run import why_in_doubt


class Entry(Protocol):
    """A caller that waits for the next reply of a connection."""

    def set_result(self, value: Any, /) -> None:
        """Receive the reply. Raises the wire's ``abandoned`` exception when nobody waits for it."""

    def done(self) -> bool:
        """Tell whether nobody waits for the reply any more."""
        ...


class Wire(Protocol):
    """The part of a wire that some entries change: its queue and its counts."""

    queue: deque[Entry]
    confirmed: Entry | None
    revealed: int
    heavy_bytes: int
    blobs: int


class Batch:
    """The last entry of a run of ``count`` commands. Its reply completes ``entry`` with the list of all replies.

    The entries before it are ``Part`` objects.
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


class ExecBatch(Batch):
    """The last entry of a run that ends with the EXEC of a transaction: each element of its reply answers a command."""

    __slots__ = ()


class AtomicBatch(ExecBatch):
    """The last entry of a run that is one whole transaction.

    Delivers the replies, then raises ProtocolError if they do not prove that the transaction has ended. That ends the
    connection before it reads a reply to another caller's command, which would be QUEUED (R-25). The check is here and
    not where the run was sent, because that caller may have given up.
    """

    __slots__ = ()

    #: The position of the reply to MULTI.
    _multi_at: ClassVar = 0

    def set_result(self, value: Any, /) -> None:
        try:
            super().set_result(value)
        finally:
            doubt = why_in_doubt(self._replies, self._multi_at)
            if doubt is not None:
                raise ProtocolError(f"the connection may still be in a transaction: {doubt}")


class AskedBatch(AtomicBatch):
    """The last entry of a run that is one whole transaction behind ASKING, whose reply comes first."""

    __slots__ = ()

    _multi_at = 1


class Part:
    """Any entry of a run but the last. For speed, its ``set_result`` is the ``append`` of the list of replies."""

    __slots__ = ("_entry", "_replies", "count", "set_result")

    def __init__(self, entry: Entry, count: int, replies: list[Any]) -> None:
        self._entry = entry
        self._replies = replies
        self.set_result = replies.append
        self.count = count

    def done(self) -> bool:
        return self._entry.done()


class Guarded:
    """An entry for a run whose first command is answered only if it is refused.

    A run between CLIENT REPLY OFF and ON has one reply, the OK of the last command. If OFF is refused (by an ACL), it
    has ``hidden`` more replies. They are dropped, so no other caller gets one. The same holds for SUBSCRIBE followed
    by a PING, because RESP3 answers SUBSCRIBE with pushes. If a push has confirmed the SUBSCRIBE, an error is that of
    the PING, which may be refused by itself (by an ACL, or while the server loads).

    The reply QUEUED shows that the connection is in a transaction nobody knows of, where the server answers every
    command of the run. That ends the connection.
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
    """The last entry of a large command or run, whose bytes count against the wire's limit until its reply (R-22)."""

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


class Undecoded:
    """An entry whose reply stays bytes. It wraps all other kinds, so that the wire sees it at the head of its queue.

    ``kept`` are the elements of the reply that stay bytes while the others are decoded, as in the reply to an EXEC;
    None stands for the whole reply.
    """

    __slots__ = ("_entry", "_wire", "count", "kept")

    def __init__(self, entry: Entry, kept: frozenset[int] | None, wire: Wire) -> None:
        self._entry = entry
        self._wire = wire
        self.kept = kept
        self.count: int = getattr(entry, "count", 1)
        wire.blobs += 1

    def set_result(self, value: Any, /) -> None:
        self._wire.blobs -= 1
        self._entry.set_result(value)

    def done(self) -> bool:
        return self._entry.done()

    def give_back(self) -> None:
        self._wire.blobs -= 1
        if isinstance(self._entry, Weighed):
            self._entry.give_back()


def answers_exec(entry: Entry) -> bool:
    """Tell whether an entry of a queue waits for the reply to the EXEC of a transaction."""
    last: Entry = entry
    while isinstance(last, Weighed | Undecoded):
        last = last._entry
    return isinstance(last, ExecBatch)


def claim_of(entry: Entry) -> tuple[Entry | None, list[Any]]:
    """Return the caller's own entry, which a queue's entry may wrap, and the replies of its run received so far."""
    replies: list[Any] = []
    claim: Entry | None = entry
    while isinstance(claim, Batch | Part | Weighed | Guarded | Undecoded):
        if isinstance(claim, Batch | Part):
            replies = claim._replies
        claim = claim._entry
    return claim, replies
