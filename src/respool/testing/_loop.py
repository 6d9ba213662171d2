"""One thread and one selector: everything that moves bytes in ``FakeNode`` and ``FaultProxy``.

Rule 1: only the loop's thread touches the sockets it owns, and no callback waits: what takes time is a timer.
        ``call`` is the only way in from other threads; it returns when the thing has happened.
Rule 2: a socket given to ``watch`` or ``hang_up`` belongs to the loop until ``close``, ``abort`` or ``stop``
        closes it.
Rule 3: a callback that raises does not end the loop: the error is kept, and ``stop`` raises it.
Rule 4: ``stop`` leaves no thread, no socket and no timer.
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
CALL_TIMEOUT: Final = 10.0  # a callback that takes this long waits for something, which rule 1 forbids

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
    """A function on its way into the loop's thread, and its outcome on the way back."""

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
    """A selector in a daemon thread; made by ``start`` of a helper and used up by its ``stop``."""

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
        self._admission = threading.Lock()  # between a call on its way in and the end
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
            self._calls.append(call)  # type: ignore[arg-type]  # nobody reads a _Call[object] but its own caller
            self._ring()
        return call.wait()

    def refuse_to_stop_itself(self) -> None:
        """Raise ``RuntimeError`` in the loop's own thread, which cannot wait for its own end."""
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
            call.run()  # its caller came late; without a thread there is nothing to race with
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
        with suppress(BlockingIOError):  # full of unread rings: it will wake up
            self._button.send(b"\0")

    # From the loop's thread ----------------------------------------------------------------------------

    def watch(self, sock: socket.socket, events: int, callback: Callback) -> None:
        """Own a socket and call ``callback(mask)`` when it is ready for one of ``events``; 0 only owns it."""
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
        """Call back in ``seconds``; with 0, in the next round, after what is ready now."""
        timer = Timer(time.monotonic() + seconds, callback)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def close(self, sock: socket.socket) -> None:
        """Close an owned socket now. Unread input turns into a reset; ``hang_up`` is the polite way."""
        self._forget(sock)
        self._owned.discard(sock)
        sock.close()

    def abort(self, sock: socket.socket) -> None:
        """Close an owned socket with a reset (RST): the peer gets ``ECONNRESET``, unread bytes are lost."""
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(sock)

    def hang_up(self, sock: socket.socket) -> None:
        """Say goodbye (FIN) and close when the peer has, dropping what it still sends.

        So the peer gets every byte sent so far and then the end of the stream: closing at once could turn
        into a reset that makes its kernel throw those bytes away.
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
                # Looked up anew: an earlier callback of this round may have closed this socket.
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
        except BaseException as error:  # pytest.fail() in a handler too
            self._errors.append(error)
