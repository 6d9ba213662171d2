"""The sockets a threaded connection drives: they read, write and wait, each call with the fewest system calls.

Rule 1: a plain socket blocks, and the kernel bounds how long (SO_RCVTIMEO): a read is one system call. But a signal
        starts that time anew, for Python reads again (PEP 475), so ``Transport.end_if_silent`` looks after it.
Rule 2: a TLS socket never blocks: a TLS read may need a write, and a write a read, so it waits with ``poll``.
Rule 3: a socket of gevent never blocks either: the kernel's clocks mean nothing to it. Its ``poll`` lets other
        greenlets run (R-39).
Rule 4: one thread at a time reads and writes; only ``shut`` and ``has_input`` may be called from another.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
from threading import get_ident
from time import monotonic
from typing import Any, Final

from respool._facts.errors import UsageError

#: The longest time the kernel's calls can be given, in seconds: three weeks. Whoever waits longer waits again.
LONGEST: Final = 2e6

CHUNK_BYTES: Final = 64 * 1024


def drive(sock: Any) -> PlainSocket:
    """Return what drives a connected socket: the kind is decided once for a connection."""
    if _maker_of_sockets() == "gevent":
        return GreenSocket(sock)
    return TlsSocket(sock) if isinstance(sock, ssl.SSLSocket) else PlainSocket(sock)


def check_threads() -> None:
    """Raise UsageError where threads have been replaced by something that respool cannot work with (R-39)."""
    maker = _maker_of_sockets()
    if maker == "eventlet":
        raise UsageError("respool does not work with eventlet's green threads: use gevent, asyncio or real threads")
    if get_ident is not threading.get_ident:
        raise UsageError("respool was imported before gevent's monkey.patch_all(): make that the first of all imports")
    if maker == "gevent" and get_ident.__module__ == "_thread":
        raise UsageError("gevent has replaced sockets but not threads: call monkey.patch_all() without thread=False")


def _maker_of_sockets() -> str:
    """Return the package that the class of sockets comes from, which is another one after monkey patching."""
    return str(socket.socket.__module__).partition(".")[0]


class PlainSocket:
    """A TCP or unix socket. It blocks, and the kernel bounds how long (SO_RCVTIMEO): one system call a read."""

    __slots__ = ("_poll", "_sock")

    #: Whether the time of ``receive`` starts anew with each signal.
    restarts = True

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        self._sock = sock
        self._poll: select.poll | None = None

    def set_timeout(self, seconds: float | None) -> None:
        bounded = min(seconds or 0, LONGEST)
        whole = int(bounded)
        micro = int((bounded - whole) * 1_000_000)
        if seconds is not None and whole == micro == 0:
            micro = 1
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", whole, micro))

    def send(self, data: bytes | memoryview) -> int:
        """Write what fits into the buffer now; never blocks."""
        try:
            return self._sock.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def receive(self, _seconds: float | None) -> bytes | None:
        """Read, waiting as long as ``set_timeout`` said; None when that was not long enough."""
        try:
            return self._sock.recv(CHUNK_BYTES)
        except BlockingIOError:
            return None

    def receive_within(self, seconds: float) -> bytes | None:
        can_read, _ = self.wait(seconds, writing=False)
        return self.receive_now() if can_read else None

    def receive_now(self) -> bytes | None:
        """Read what is there; None when nothing is, ``b""`` at the end."""
        try:
            return self._sock.recv(CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def has_input(self) -> bool:
        """Tell whether a read would return at once."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def wait(self, seconds: float | None, *, writing: bool) -> tuple[bool, bool]:
        """Wait until the socket can be read, or written if asked; (False, False) after ``seconds``."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | (select.POLLOUT if writing else 0))
        ready = poll.poll(None if seconds is None else max(1, int(min(seconds, LONGEST) * 1000)))
        if not ready:
            return False, False
        events = ready[0][1]
        ended = bool(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL))
        return bool(events & select.POLLIN) or ended, bool(events & select.POLLOUT)

    def shut(self) -> None:
        """End the connection, and wake a thread that is blocked in a read."""
        try:
            # Of the plain socket: that of TLS would take the TLS away from under a thread that reads.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass  # not connected any more: nothing to wake

    def close(self) -> None:
        """Give the descriptor back. Nobody may be using the socket."""
        self._sock.close()

    def forget(self) -> None:
        socket.close(self._sock.detach())


class TlsSocket(PlainSocket):
    """A TLS socket. It never blocks; waiting is ``poll``, because a TLS read may need a write, and a write a read."""

    __slots__ = ()

    restarts = False

    def __init__(self, sock: ssl.SSLSocket) -> None:
        super().__init__(sock)
        sock.settimeout(0.0)

    def set_timeout(self, seconds: float | None) -> None:
        """The time comes with each read."""

    def send(self, data: bytes | memoryview) -> int:
        try:
            return self._sock.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def receive(self, seconds: float | None) -> bytes | None:
        until = None if seconds is None else monotonic() + seconds
        while (data := self.receive_now()) is None:  # a record may come in many pieces
            left = None if until is None else until - monotonic()
            if (left is not None and left <= 0) or not self.wait(left, writing=False)[0]:
                break
        return data

    def receive_within(self, seconds: float) -> bytes | None:
        return self.receive(seconds)

    def receive_now(self) -> bytes | None:
        try:
            return self._sock.recv(CHUNK_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return b""


class GreenSocket(TlsSocket):
    """A socket of gevent, plain or TLS. It never blocks; waiting is gevent's ``poll``, in which other greenlets run."""

    __slots__ = ()

    def send(self, data: bytes | memoryview) -> int:
        try:
            return super().send(data)
        except BlockingIOError:
            return 0

    def receive_now(self) -> bytes | None:
        try:
            return super().receive_now()
        except BlockingIOError:
            return None
