"""The sockets under a threaded connection: read, write and wait with as few system calls as possible.

Rule 1: a plain socket blocks, and the kernel ends a read at a timeout (SO_RCVTIMEO), so a read is one system call.
        A signal restarts that timeout, because Python reads again (PEP 475): see ``Transport.end_if_silent``.
Rule 2: a TLS socket is non-blocking and waits with ``poll``, because a TLS read may need a write, and a write a read.
Rule 3: a gevent socket is non-blocking too, because the kernel's timeouts have no effect on it. While it waits in
        gevent's ``poll``, other greenlets run (R-39).
Rule 4: only one thread at a time reads and writes. Another thread may call nothing but ``shut`` and ``has_input``.
Rule 5: where the distribution respool-speed is installed (the extra "speed"), a caller that is alone on a plain socket
        writes and reads in one call of C. It does nothing else than the two calls that it replaces, but gives the
        interpreter's lock away once instead of twice, so threads wait half as often to get it back.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from functools import partial
from threading import get_ident
from time import monotonic
from typing import Any, Final, TypeAlias

from respool._facts.errors import UsageError

Talk: TypeAlias = Callable[[socket.socket, bytes], tuple[int, bytes | None]]

try:
    from respool_speed import talk
except ImportError:  # the extra "speed" is not installed
    step: Talk | None = None
else:
    step = talk  # writes to a plain socket and reads from it in one call (Rule 5)

#: The longest timeout passed to the kernel, in seconds: three weeks. The caller waits again after that.
LONGEST: Final = 2e6

CHUNK_BYTES: Final = 64 * 1024


def drive(sock: Any) -> PlainSocket:
    """Wrap a connected socket in the class for its kind."""
    if is_green():
        return GreenSocket(sock)
    return TlsSocket(sock) if isinstance(sock, ssl.SSLSocket) else PlainSocket(sock)


def is_green() -> bool:
    """Return whether gevent has replaced sockets."""
    return _maker_of_sockets() == "gevent"


def check_threads() -> None:
    """Raise UsageError if threads have been replaced by something that respool does not support (R-39)."""
    maker = _maker_of_sockets()
    if maker == "eventlet":
        raise UsageError("respool does not work with eventlet's green threads: use gevent, asyncio or real threads")
    if get_ident is not threading.get_ident:
        raise UsageError("respool was imported before gevent's monkey.patch_all(): make that the first of all imports")
    if maker == "gevent" and get_ident.__module__ == "_thread":
        raise UsageError("gevent has replaced sockets but not threads: call monkey.patch_all() without thread=False")


def _maker_of_sockets() -> str:
    """Return the package that defines ``socket.socket``. Monkey patching changes it."""
    return str(socket.socket.__module__).partition(".")[0]


class PlainSocket:
    """A TCP or unix socket. It blocks, with a timeout in the kernel (SO_RCVTIMEO): one system call per read."""

    __slots__ = ("_sock",)

    #: Whether each signal restarts the timeout of ``receive``.
    restarts = True

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        self._sock = sock

    def set_timeout(self, seconds: float | None) -> None:
        bounded = min(seconds or 0, LONGEST)
        whole = int(bounded)
        micro = int((bounded - whole) * 1_000_000)
        if seconds is not None and whole == micro == 0:
            micro = 1
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", whole, micro))

    def send(self, data: bytes | memoryview) -> int:
        """Write as much as fits into the socket's buffer and return how many bytes that was; never blocks."""
        try:
            return self._sock.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def short_ways(self) -> tuple[Callable[[bytes], int], Callable[[], bytes | None]]:
        """Return what a caller uses that is alone: ``send`` for what certainly fits, and ``receive``.

        The latter waits for the timeout of ``set_timeout``. After it, it may raise BlockingIOError.
        """
        return self._sock.send, partial(self._sock.recv, CHUNK_BYTES)

    def shortest_way(self) -> Callable[[bytes], tuple[int, bytes | None]] | None:
        """Return both of them in one call, if there is one: it returns how much was written, and what was read.

        That is None if it was not all written, or nothing came until the timeout of ``set_timeout``.
        """
        return None if step is None else partial(step, self._sock)

    def receive(self, _seconds: float | None) -> bytes | None:
        """Wait for bytes and read them. Return None after the timeout of ``set_timeout``, ``b""`` at the end."""
        try:
            return self._sock.recv(CHUNK_BYTES)
        except BlockingIOError:
            return None

    def receive_within(self, seconds: float) -> bytes | None:
        can_read, _ = self.wait(seconds, writing=False)
        return self.receive_now() if can_read else None

    def receive_now(self) -> bytes | None:
        """Read without waiting. Return None if there is nothing to read, ``b""`` at the end."""
        try:
            return self._sock.recv(CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sock.fileno()

    def has_input(self) -> bool:
        """Return whether a read would return at once."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def wait(self, seconds: float | None, *, writing: bool) -> tuple[bool, bool]:
        """Wait until the socket is readable, or writable with ``writing``. Return (False, False) after ``seconds``."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | (select.POLLOUT if writing else 0))
        ready = poll.poll(None if seconds is None else max(1, int(min(seconds, LONGEST) * 1000)))
        if not ready:
            return False, False
        events = ready[0][1]
        ended = bool(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL))
        return bool(events & select.POLLIN) or ended, bool(events & select.POLLOUT)

    def shut(self) -> None:
        """Shut the connection down, which wakes a thread that is blocked in a read."""
        try:
            # The base class's method: ``SSLSocket.shutdown`` would remove the TLS layer while another thread reads.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass  # not connected any more, so there is no thread to wake

    def close(self) -> None:
        """Close the descriptor. No thread may be using the socket."""
        self._sock.close()

    def forget(self) -> None:
        """Close the descriptor in a forked child without sending anything; does nothing if it is closed already."""
        descriptor = self._sock.detach()
        if descriptor >= 0:
            socket.close(descriptor)


class TlsSocket(PlainSocket):
    """A TLS socket. It is non-blocking and waits with ``poll`` (Rule 2)."""

    __slots__ = ("_seconds",)

    restarts = False

    def __init__(self, sock: ssl.SSLSocket) -> None:
        super().__init__(sock)
        sock.settimeout(0.0)
        self._seconds: float | None = None

    def set_timeout(self, seconds: float | None) -> None:
        self._seconds = seconds

    def short_ways(self) -> tuple[Callable[[bytes], int], Callable[[], bytes | None]]:
        return self.send, self._receive_in_time

    def shortest_way(self) -> None:
        return None

    def _receive_in_time(self) -> bytes | None:
        return self.receive(self._seconds)

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
    """A gevent socket, plain or TLS. It is non-blocking and waits with gevent's ``poll`` (Rule 3)."""

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
