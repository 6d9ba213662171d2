"""Backpressure: how much may be pending on a connection, and the callers that wait for room (R-22).

Rule 1: callers enter in order: nobody overtakes one that waits.
Rule 2: what is larger than a cap enters once nothing else counts against that cap.
Rule 3: a caller that gives up while it waits has sent nothing: its commands count as taken back.
Rule 4: a caller leaves last, when it has entered the wire or got its error. So an interrupted step loses nobody, and
        can be repeated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from respool._facts.errors import Error
from respool._protocol.run import Blobs
from respool._protocol.wire import SMALL_BYTES, Wire

#: What a caller wants to send: the bytes, how many commands they are, and what ``Wire.enter`` takes besides.
Waiting = tuple[bytes, int, int | None, Blobs, Any]

#: The length at which the queue is first searched for callers that have given up (P-14).
_ROOM: Final = 16


class Admission(deque[Waiting]):
    """The callers that wait for room on a connection, oldest first."""

    __slots__ = ("_cap", "_cap_bytes", "_room", "_wire")

    def __init__(self, wire: Wire, cap: int, cap_bytes: int) -> None:
        super().__init__()
        self._wire = wire
        self._cap = cap
        self._cap_bytes = cap_bytes
        self._room = _ROOM

    def must_wait(self, size: int, count: int) -> bool:
        """Return whether ``count`` commands of ``size`` bytes together have to wait."""
        return len(self) > 0 or self._is_full(size, count)

    def wait(self, *waiting: *Waiting) -> None:
        """Queue a caller."""
        if len(self) >= self._room:
            self._drop_given_up()
        self.append(waiting)

    def admit(self, enter: Callable[[*Waiting], None]) -> bool:
        """Let callers enter, in order, as far as there is room; return whether nobody waits any more."""
        while self:
            data, count, _, _, entry = self[0]
            if entry.done():
                self._wire.taken_back += count
            elif self._is_full(len(data), count):
                return False
            else:
                enter(*self[0])
            self.popleft()
        return True

    def fail(self, make_error: Callable[[], Error]) -> None:
        """End the wait of all callers: the connection has ended, and nothing of theirs was sent."""
        while self:
            _, count, _, _, entry = self[0]
            if entry.done():
                self._wire.taken_back += count
            else:
                entry.set_result(make_error())
            self.popleft()

    def _is_full(self, size: int, count: int) -> bool:
        owed = len(self._wire.queue)
        if owed > 0 and owed + count > self._cap:
            return True
        heavy = self._wire.heavy_bytes
        return size > SMALL_BYTES and heavy > 0 and heavy + size > self._cap_bytes

    def _drop_given_up(self) -> None:
        """Remove callers that gave up, so that they cannot make the queue long (P-14)."""
        kept = [waiting for waiting in self if not waiting[-1].done()]
        gone = sum(waiting[1] for waiting in self if waiting[-1].done())
        self._room = max(_ROOM, 2 * len(kept))
        self._wire.taken_back += gone
        deque.__init__(self, kept)  # replaces all at once: no interrupt can come in between (Rule 4)
