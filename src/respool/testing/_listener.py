"""The listening socket of a helper: TCP on 127.0.0.1, or a unix socket.

Rule 1: it can be closed and opened again at the same address, to refuse connections and accept them again.
Rule 2: every socket it hands over is non-blocking and has Nagle's algorithm turned off.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from respool.testing._loop import READ, Loop
from respool.testing._ports import HOST, bind, first_free

if TYPE_CHECKING:
    from collections.abc import Callable

BACKLOG: Final = 1024


class Listener:
    """The listening socket of a helper; ``port`` or ``path`` is known after the first ``open``."""

    def __init__(self, *, port: int = 0, unix: bool = False, buffer_bytes: int = 0) -> None:
        self.port = port
        self.path: str | None = None
        self._unix = unix
        self._buffer_bytes = buffer_bytes
        self._directory: str | None = None
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens. Connecting to a closed listener is refused."""
        return self._socket is not None

    def open(self, backlog: int = BACKLOG) -> None:
        """Listen, at the same address as last time if there was one."""
        if self._socket is not None:
            return
        if self.port or self._unix:
            self._socket = self._listen(self.port, backlog)
        else:
            self._socket = first_free(lambda port: self._listen(port, backlog))
            self.port = self._socket.getsockname()[1]

    def serve(self, loop: Loop, accepted: Callable[[socket.socket], None]) -> None:
        """Accept connections in the loop's thread, from now until ``close``."""
        listening = self._socket
        if listening is None:
            raise RuntimeError("serve() needs an open listener")

        def accept(_mask: int) -> None:
            with suppress(BlockingIOError):
                while self._socket is listening:
                    sock, _ = listening.accept()
                    sock.settimeout(0)
                    prompt(sock)
                    accepted(sock)

        loop.watch(listening, READ, accept)

    def close(self, loop: Loop | None = None) -> None:
        """Stop listening: new connections are refused, those in the backlog are reset."""
        sock, self._socket = self._socket, None
        if sock is None:
            return
        if loop is not None:
            loop.close(sock)
        else:
            sock.close()
        if self.path is not None:
            os.unlink(self.path)

    def remove(self) -> None:
        """Close and remove the directory of a unix socket."""
        self.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = self.path = None

    def url(self, scheme: str = "redis", userinfo: str = "") -> str:
        """The URL for clients; ``userinfo`` is ``"user:password@"`` or empty."""
        if self._unix:
            return f"unix://{userinfo}{self.path}"
        return f"{scheme}://{userinfo}{HOST}:{self.port}/0"

    def _listen(self, port: int, backlog: int) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX if self._unix else socket.AF_INET)
        try:
            sock.settimeout(0)
            shrink(sock, self._buffer_bytes)  # accepted sockets inherit it, in time for the TCP handshake
            if self._unix:
                sock.bind(self._new_path())
            else:
                bind(sock, port)
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return sock

    def _new_path(self) -> str:
        if self.path is None:
            self._directory = tempfile.mkdtemp(prefix="respool-")
            self.path = os.path.join(self._directory, "node.sock")
        return self.path


def prompt(sock: socket.socket) -> None:
    """Turn Nagle's algorithm off, so that bytes sent in two pieces travel in two pieces."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def shrink(sock: socket.socket, buffer_bytes: int) -> None:
    """Give a socket small kernel buffers (the kernel rounds up) before it connects; 0 leaves them alone."""
    if buffer_bytes:
        if sock.family != socket.AF_UNIX:
            # Loopback segments of 64 KiB do not fit into a small window: the sender would wait for its
            # persist timer, 200 ms, before each small one.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
