"""One direction of one proxied connection: it reads bytes, applies the faults, and sends them on.

Rule 1: a byte has passed once ``send`` to the receiver accepted it. Limits are exact: never one byte more.
Rule 2: a pipe reads and sends, but never blocks or closes a socket: ``pump`` returns what must happen next.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from respool.testing._faults import Direction

BURST: Final = 0.02  # seconds of bandwidth that may be sent at once; makes up for timers that fire late
CUT: Final = float("inf")


class Pipe:
    """One direction of one link: a queue of ``(due, bytes)`` between two sockets. Empty bytes mark the end."""

    def __init__(self, faults: Direction, source: socket.socket, sink: socket.socket, capacity: int) -> None:
        self.faults = faults
        self.source = source
        self.sink = sink
        self.limit = faults.each
        self.is_blocked = False  # the sink's kernel buffer is full
        self.has_ended = False  # the source has sent the end of its stream
        self.has_passed_end = False  # the end of the stream has been passed on to the sink
        self.is_dark = False  # the black hole has swallowed bytes: pass no more (see ``black_hole``)
        self.next_at = 0.0  # send nothing before this time, because of slices or bandwidth
        self._capacity = capacity
        self._queue: deque[tuple[float, memoryview]] = deque()
        self._queued = 0

    def wants_input(self) -> bool:
        if self.has_ended or self.faults.stop_reading:
            return False
        return self.is_dark or self._queued < self._capacity

    def swallows_all(self) -> bool:
        return self.is_dark or self.faults.black_hole

    def fill(self, not_ready: tuple[type[OSError], ...]) -> None:
        """Read what the source has sent; raise ``OSError`` if it was reset."""
        while True:
            try:
                data = self.source.recv(65536)
            except not_ready:
                return
            self._queue.append((time.monotonic() + self.faults.latency, memoryview(data)))
            self._queued += len(data)
            self.has_ended = not data
            # The selector does not see bytes that a TLS socket has decrypted but not returned.
            pending = getattr(self.source, "pending", None)
            if not data or pending is None or not pending():
                return

    def pump(self, not_ready: tuple[type[OSError], ...]) -> float | None:
        """Send on what may pass now.

        Return the monotonic time to call again, ``CUT`` if a limit is reached, or None to wait for an event.
        """
        if self._queue and self.swallows_all():
            self.is_dark = True
            self._queue.clear()
            self._queued = 0
        while self._queue and not self.is_blocked and not self.faults.held:
            now = time.monotonic()
            due, data = self._queue[0]
            if (start := max(due, self.next_at)) > now:
                return start
            if not data:
                self._queue.popleft()
                self.has_passed_end = True
                return None
            allowed = self._allowance(len(data))
            if allowed == 0:
                return CUT
            try:
                sent = self.sink.send(data[:allowed])
            except not_ready:
                self.is_blocked = True
                return None
            self._passed(sent, data, due, now)
            if self._limit_is_reached():
                return CUT
        return None

    def _allowance(self, wish: int) -> int:
        faults = self.faults
        if faults.slice_size is not None:
            wish = min(wish, faults.slice_size)
        if faults.bandwidth is not None:
            wish = min(wish, max(1, int(faults.bandwidth * BURST / 2)))
        if self.limit is not None:
            wish = min(wish, self.limit)
        if faults.total is not None:
            wish = min(wish, faults.total)
        return wish

    def _passed(self, sent: int, data: memoryview, due: float, now: float) -> None:
        faults = self.faults
        if sent == len(data):
            self._queue.popleft()
        else:
            self._queue[0] = (due, data[sent:])
        self._queued -= sent
        faults.count += sent
        if self.limit is not None:
            self.limit -= sent
        if faults.total is not None:
            faults.total -= sent
        if faults.bandwidth is not None:
            self.next_at = max(self.next_at, now - BURST) + sent / faults.bandwidth
        if faults.slice_size is not None:
            # Slightly later than now, so that the next slice waits at least for the next round of the loop.
            self.next_at = max(self.next_at, now + max(faults.slice_gap, 1e-9))

    def _limit_is_reached(self) -> bool:
        return self.limit == 0 or self.faults.total == 0
