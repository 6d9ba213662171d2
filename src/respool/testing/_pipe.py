"""One direction of one proxied connection: what came in, what may go out now, and what has passed.

Rule 1: a byte has passed when the kernel of the far side took it, and limits are exact: never one more.
Rule 2: a pipe reads and sends, but never closes a socket or waits: ``pump`` says what must happen next.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from respool.testing._faults import Direction

BURST: Final = 0.02  # seconds of bandwidth that may go at once; makes up for timers that come late
CUT: Final = float("inf")


class Pipe:
    """One direction of one link: a queue of ``(due, bytes)`` between two sockets; empty bytes are the end."""

    def __init__(self, faults: Direction, source: socket.socket, sink: socket.socket, capacity: int) -> None:
        self.faults = faults
        self.source = source
        self.sink = sink
        self.limit = faults.each
        self.is_blocked = False  # the sink's kernel buffer is full
        self.has_ended = False  # the source said goodbye
        self.has_passed_end = False  # and the sink was told
        self.is_dark = False  # something fell into the black hole
        self.next_at = 0.0  # slices and bandwidth: nothing goes before
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
        """Read what the source has; raise ``OSError`` if it was reset."""
        while True:
            try:
                data = self.source.recv(65536)
            except not_ready:
                return
            self._queue.append((time.monotonic() + self.faults.latency, memoryview(data)))
            self._queued += len(data)
            self.has_ended = not data
            # The selector does not see what a TLS socket has read ahead and decrypted.
            pending = getattr(self.source, "pending", None)
            if not data or pending is None or not pending():
                return

    def pump(self, not_ready: tuple[type[OSError], ...]) -> float | None:
        """Pass on what may go now.

        Return when to come back (monotonic time), ``CUT`` if a limit is reached, None for no date.
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
            # Just after now: the next slice waits for the next round of the loop at least.
            self.next_at = max(self.next_at, now + max(faults.slice_gap, 1e-9))

    def _limit_is_reached(self) -> bool:
        return self.limit == 0 or self.faults.total == 0
