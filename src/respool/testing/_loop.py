"""An event loop in a thread of its own: a selector and timers. ``FakeNode`` and ``FaultProxy`` run on it.

Rule 1: only the loop's thread touches the sockets it owns, and no callback blocks: to wait, it sets a timer.
        Other threads use ``call``, which returns when the function has run, and ``post``, which does not wait.
Rule 2: a socket given to ``watch`` or ``hang_up`` belongs to the loop until ``close``, ``abort`` or ``stop``
        closes it.
Rule 3: a callback that raises does not end the loop: the error is kept, and ``stop`` raises it.
Rule 4: ``stop`` leaves no thread, socket or timer behind.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE
CALL_TIMEOUT: Final = 10.0  # a callback that takes this long is blocked, which Rule 1 forbids

Callback = Callable[[int], None]
T = TypeVar("T")


class Timer:
    """A callback that will run once, unless it is cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class _Call(Generic[T]):
    """The future of a function that the loop's thread runs for another thread."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._done = threading.Event()
        self._result: T
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error
        self._done.set()

    def wait(self) -> T:
        if not self._done.wait(CALL_TIMEOUT):
            raise RuntimeError(f"the helper's thread was busy for {CALL_TIMEOUT:g} s: handlers must not wait")
        if self._error is not None:
            raise self._error
        return self._result


class Loop:
    """A selector in a daemon thread. A helper's ``start`` makes it, and its ``stop`` ends it for good."""

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._bell, self._button = socket.socketpair()
        self._bell.settimeout(0)
        self._button.settimeout(0)
        self._selector.register(self._bell, READ)
        self._callbacks: dict[socket.socket, Callback] = {}
        self._owned: set[socket.socket] = set()
        self._calls: deque[_Call[object]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._admission = threading.Lock()  # so that no call is added after the end of ``stop``
        self._is_stopping = False
        self._is_closed = False
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # From any thread -----------------------------------------------------------------------------------

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the loop's thread and return its result, or raise what it raised."""
        if threading.current_thread() is self._thread:
            return function()
        call = _Call(function)
        with self._admission:
            if self._is_closed:
                raise RuntimeError("the helper was stopped")
            self._calls.append(call)  # type: ignore[arg-type]  # only the caller, which knows T, reads the result
            self._ring()
        return call.wait()

    def post(self, function: Callable[[], None]) -> None:
        """Run a function in the loop's thread soon. It counts as a callback. Does nothing if the loop was stopped."""
        with self._admission:
            if not self._is_closed:
                self._calls.append(_Call(lambda: self._guarded(function)))
                self._ring()

    def refuse_to_stop_itself(self) -> None:
        """Raise ``RuntimeError`` if called in the loop's own thread, which cannot join itself."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a handler cannot stop the helper it runs in")

    def stop(self) -> None:
        """End the thread and close every socket; raise the first error of a callback, if there was one."""
        self.refuse_to_stop_itself()
        self._is_stopping = True
        self._ring()
        self._thread.join()
        with self._admission:
            self._is_closed = True
        for call in self._calls:
            call.run()  # added while the thread ended; safe here, because there is no loop thread any more
        self._selector.close()
        self._bell.close()
        self._button.close()
        for sock in self._owned:
            sock.close()
        self._owned.clear()
        self._timers.clear()
        if self._errors:
            raise self._errors[0]

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # the buffer is full of unread bytes, so the thread will wake up anyway
            self._button.send(b"\0")

    # From the loop's thread ----------------------------------------------------------------------------

    def watch(self, sock: socket.socket, events: int, callback: Callback) -> None:
        """Own a socket, and call ``callback(mask)`` when it is ready for one of ``events``; with 0, never."""
        self._owned.add(sock)
        if sock not in self._callbacks:
            if events:
                self._selector.register(sock, events)
                self._callbacks[sock] = callback
        elif not events:
            self._forget(sock)
        else:
            if self._selector.get_key(sock).events != events:
                self._selector.modify(sock, events)
            self._callbacks[sock] = callback

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` after ``seconds``; with 0, in the next round, after the callbacks that are ready now."""
        timer = Timer(time.monotonic() + seconds, callback)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def close(self, sock: socket.socket) -> None:
        """Close an owned socket now. If it has unread input, the peer gets a reset; ``hang_up`` avoids that."""
        self._forget(sock)
        self._owned.discard(sock)
        sock.close()

    def abort(self, sock: socket.socket) -> None:
        """Close an owned socket with a reset (RST): the peer gets ``ECONNRESET`` and loses unread bytes."""
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(sock)

    def hang_up(self, sock: socket.socket) -> None:
        """Send the end of the stream (FIN), drop input, and close when the peer has closed.

        So the peer gets every byte sent so far and then the end of the stream. Closing at once could send a
        reset, which makes the peer's kernel discard those bytes.
        """
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close(sock)
        else:
            self.watch(sock, READ, lambda _mask: self._drop_input(sock))

    def _drop_input(self, sock: socket.socket) -> None:
        try:
            while sock.recv(65536):
                pass
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close(sock)

    def _forget(self, sock: socket.socket) -> None:
        if self._callbacks.pop(sock, None) is not None:
            self._selector.unregister(sock)

    # The thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_stopping:
            for key, mask in self._selector.select(self._patience()):
                if key.fileobj is self._bell:
                    self._bell.recv(65536)
                # Checked again: an earlier callback of this round may have closed this socket.
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._callbacks:
                    self._guarded(functools.partial(self._callbacks[key.fileobj], mask))
            while self._calls:
                self._calls.popleft().run()
            now = time.monotonic()
            due = []
            while self._timers and self._timers[0][0] <= now:
                due.append(heapq.heappop(self._timers)[2])
            for timer in due:
                if timer.callback is not None:
                    self._guarded(timer.callback)

    def _patience(self) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except BaseException as error:  # not only Exception: pytest.fail() in a handler counts too
            self._errors.append(error)
