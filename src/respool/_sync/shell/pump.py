"""What keeps the connections of a subscriber going in threads: the thread that waits for a message.

Rule 1: every subscriber has a hub, and connections, of its own. Whoever waits for something of it drives the hub: it
        dials, sends, waits for all sockets together, and reads. No thread works for it in the background.
Rule 2: one thread drives at a time. Another one that waits sleeps until the driver has news or stops.
Rule 3: the driver hands out no more frames than it needs for what it waits for. The others stay where they are, so a
        reader that takes its messages never fills its own queue.
Rule 4: only the driver uses the sockets, or a thread that closes the hub while there is none.
Rule 5: an exception in the driver (KeyboardInterrupt) may lose frames, so it ends all connections. They are dialed
        again, with a gap.

``_async/shell/pump.py`` is the counterpart for asyncio.
"""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from time import monotonic
from typing import Any, Final

from respool._facts.errors import ProtocolError, UsageError
from respool._shell.ending import RLock, is_finalizing, over
from respool._sync.shell.stream import Stream

#: Whether all subscribers of a pool share a hub.
IS_SHARED: Final = False

#: How many seconds a thread that waits for the driver sleeps at most: the driver may be interrupted.
LOOK_AGAIN: Final = 0.5
#: A ``poll`` that took longer than this, in seconds, has waited: before that there was nothing to read.
BLOCKED: Final = 0.001
#: The longest wait of ``poll``, in seconds.
LONGEST: Final = 3600.0
#: A thread that closes the hub waits so many seconds for one that dials. That one gives the connections back then.
LONGEST_DIAL: Final = 1.0
#: A dial is given at least this many seconds, so that one who only looks for messages brings it about all the same.
SHORTEST_DIAL: Final = 0.001


class Bell:
    """Asyncio has a bell for each subscriber. Here the driver wakes all who wait."""

    __slots__ = ()

    def ring(self) -> None:
        """Do nothing."""


class Pump:
    """Does the work of a hub in the threads that wait for something of it."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._lock = RLock()
        self._turn = threading.Condition(self._lock)
        self._driver: int | None = None
        self._driving: Any
        self._is_driving: Callable[[], bool]
        self._renew()
        self._streams: dict[Any, Stream] = {}
        self._frames: dict[Any, deque[Any]] = {}
        self._drained: dict[Any, float] = {}  # when there was certainly nothing to read on a line
        self._unread: set[Any] = set()  # lines that had bytes when they were last read: there may be more
        self._ears, self._call = socket.socketpair()
        self._ears.settimeout(0.0)
        self._call.settimeout(0.0)

    def __del__(self) -> None:
        if "_call" in self.__dict__:  # an interrupt may have come before anybody could close it
            self.close()

    def start(self) -> None:
        """Do nothing: there is work when somebody waits."""

    def make_bell(self) -> Bell:
        """Return what wakes one subscriber."""
        return Bell()

    def wake(self) -> None:
        """Let the driver look for work."""
        try:
            self._call.send(b"!")
        except OSError:
            pass  # it has been called often enough, or there is none any more

    def wait(self, _bell: Bell, is_ready: Callable[[], bool], deadline: float | None) -> bool:
        """Drive the hub, or wait for its driver, until it is ready; return False at the deadline."""
        me = get_ident()
        while not is_ready():
            if self._is_driving():
                raise UsageError(
                    "this thread is reading from this subscriber already: a signal handler or a listener cannot wait "
                    "for it, it would wait for itself"
                )
            try:
                driving = self._take_over(me, deadline)
                if driving is not None:
                    with driving:
                        is_in_time = self._driver != me or self._drive(is_ready, deadline)
                else:
                    is_in_time = deadline is None or monotonic() < deadline
            except BaseException:
                if self._driver == me:
                    self._tear()
                raise
            finally:
                if self._driver == me:
                    self._driver = None
                    self._step_down()
            if not is_in_time:
                return is_ready()
        return True

    def _take_over(self, me: int, deadline: float | None) -> Any:
        """Become the driver, and return the lock to drive under; if there is a driver, wait for news of it."""
        with self._lock:
            if self._driver not in (None, me):
                if is_finalizing():  # its thread will never run again
                    raise over()
                left = LOOK_AGAIN if deadline is None else min(deadline - monotonic(), LOOK_AGAIN)
                if left > 0 and not self._turn.wait(left):
                    self._depose()
                return None
            self._driver = me
            return self._driving

    def _depose(self) -> None:
        """Let another thread drive unless the driver does: perhaps it was interrupted before it could step down.

        If it was only slow to begin, it sees that once it holds its lock. The next driver has another lock, so that
        neither of them waits for the other (Rule 2).
        """
        driving = self._driving
        if driving.acquire(blocking=False):
            try:
                self._driver = None
                self._renew()
            finally:
                driving.release()

    def _renew(self) -> None:
        self._driving = RLock()  # held while a thread drives, so that it is known for certain whether it still does
        self._is_driving = self._driving._is_owned

    def _step_down(self) -> None:
        if self._hub.ended is not None:
            self._hub.clean()
        self._tell()

    def _drive(self, is_ready: Callable[[], bool], deadline: float | None) -> bool:
        if self._hand_out(is_ready):
            return True
        self._read(0.0)  # what came while nobody waited tells that the servers are alive
        while True:
            if self._hand_out(is_ready):
                return True
            seconds, dials = self._hub.work()
            for line in dials:
                until = None if deadline is None else max(deadline, monotonic() + SHORTEST_DIAL)
                self._hub.connect(line, until)
                seconds = 0.0
            left = LONGEST if deadline is None else max(deadline - monotonic(), 0.0)
            if is_ready():
                return True
            self._read(min(seconds, left, LONGEST))
            if deadline is not None and monotonic() >= deadline:
                return self._hand_out(is_ready)

    def _hand_out(self, is_ready: Callable[[], bool]) -> bool:
        """Give the hub frames until it is ready (Rule 3)."""
        for line, frames in list(self._frames.items()):
            while frames:
                if is_ready():
                    return True
                try:
                    self._hub.received(line, frames.popleft())
                except ProtocolError:
                    frames.clear()
                    line.connection._transport.abort()
                self._tell()
        return is_ready()

    def _tell(self) -> None:
        with self._lock:
            self._turn.notify_all()

    def _read(self, seconds: float) -> None:
        """Wait for the sockets of all lines, and for ``wake``; read what has come."""
        poll = select.poll()
        poll.register(self._ears, select.POLLIN)
        lines = {}
        for line, stream in list(self._streams.items()):
            if stream.is_open:
                lines[stream.fileno()] = line
                poll.register(stream.fileno(), select.POLLIN | (0 if stream.is_flushed else select.POLLOUT))
        unread, self._unread = self._unread, set()
        began = monotonic()
        ready = {fd for fd, _ in poll.poll(0 if unread else max(seconds * 1000.0, 0.0))}
        now = monotonic()
        for fd, line in lines.items():
            if line not in unread and (fd not in ready or now - began > BLOCKED):
                self._drained[line] = now
        if self._ears.fileno() in ready:
            try:
                self._ears.recv(4096)
            except OSError:
                pass
        for fd, line in lines.items():
            if fd in ready or line in unread:
                stream = self._streams[line]
                stream.flush()
                if stream.read():
                    self._unread.add(line)

    def _tear(self) -> None:
        """End all connections and dials (Rule 5)."""
        for line in list(self._hub.lines.values()):
            line.is_dialing = False
            if line.connection is not None:
                line.connection._transport.abort()

    # Connections -------------------------------------------------------------------------------------

    def attach(self, line: Any) -> None:
        """Begin to read a line: its hub gets every frame."""
        frames: deque[Any] = deque()
        stream = Stream(line.connection._transport)
        stream.begin(frames.append)
        self._streams[line], self._frames[line] = stream, frames
        self._drained[line] = monotonic()

    def detach(self, line: Any) -> None:
        """Close a line's connection."""
        self._streams.pop(line, None)
        self._frames.pop(line, None)
        self._unread.discard(line)
        self._drained.pop(line, None)
        Stream(line.connection._transport).end()

    def certain_at(self, line: Any) -> float:
        """Return a time before which nothing was sent that has not come: perhaps nobody has read for long."""
        return self._drained.get(line, 0.0)

    def write(self, line: Any, data: bytes) -> None:
        """Send bytes on a line."""
        self._streams[line].write(data)

    # The end -----------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether no thread drives, so that the caller may use the connections."""
        return self._driver is None

    def stop(self) -> None:
        """Wait until nobody drives any more. The hub has ended, so whoever does stops at once, unless it dials."""
        self.wake()
        until = monotonic() + LONGEST_DIAL
        with self._lock:
            while self._driver not in (None, get_ident()) and not is_finalizing() and monotonic() < until:
                self._turn.wait(LOOK_AGAIN)

    def close(self) -> None:
        """Close what ``wake`` uses."""
        self._ears.close()
        self._call.close()

    def abandon(self, inbox: Any) -> None:
        """Take leave of a subscriber that was dropped, from a finaliser: the pool takes the connections back later."""
        self._hub.leave_now(inbox)
        for line in list(self._frames):
            connection = line.connection
            if connection is not None and connection._slot is not None:
                connection._transport.abort_in_finaliser()
                line.serving.node.leaked(connection._slot, "")
                connection._vacate()
                line.connection = None
        self._streams.clear()
        self._frames.clear()
        self._hub.lines.clear()
        self.close()

    def forget(self) -> None:
        """Drop what belongs to a parent process (R-35)."""
        self._lock = RLock()  # a thread that does not exist here may hold the other one
        self._turn = threading.Condition(self._lock)
        self._renew()
        self._driver = None
        self.close()
