"""Blocking sockets for threads, on top of the simulation's, which check how the engine uses them.

Rule 1: only one thread at a time, the leader, may be in a call of a socket. A second one is a failure.
Rule 2: no thread may close a socket while another thread is in a call of it: its descriptor might be reused.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from simulation.network import FIN, SimSocket, Weather
from simulation.server import Server

from .baton import Baton
from .primitives import Face


class _NoLoop:
    """Stands for the event loop, which a thread's socket does not have."""

    def watch(self, _: Any) -> None: ...

    def unwatch(self, _: Any) -> None: ...


#: How many bytes the step reads at most: few, so that replies are cut.
ROOM = 64


class ThreadSocket(SimSocket):
    def __init__(self, baton: Baton, chance: Random, weather: Weather, number: int, server: Server) -> None:
        super().__init__(baton.world, _NoLoop(), chance, weather, number, server)
        self._baton = baton
        self._timeout: float | None = None  # SO_RCVTIMEO
        self._patience: float | None = None  # the timeout of calls made before the engine has the socket
        self._user = ""
        self._is_shut = False

    @contextmanager
    def _in_call(self, name: str) -> Iterator[None]:
        me = self._baton.me
        assert me is not None
        if self._user:
            self._baton.fail(f"{me.name} calls {name} while {self._user} uses the socket\n{self._baton.stacks()}")
        self._user = me.name
        try:
            self._baton.point()
            if self.is_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            yield
        finally:
            self._user = ""

    # Making one ------------------------------------------------------------------------------------

    def settimeout(self, seconds: float | None) -> None:
        self._patience = seconds

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        if level == socket.SOL_SOCKET and option == socket.SO_RCVTIMEO:
            seconds, micro = struct.unpack("@ll", value)
            self._timeout = seconds + micro / 1e6 or None

    def connect(self, _: Any) -> None:
        outcome: list[BaseException | None] = []
        super().connect(outcome.append)
        if not self._baton.wait_for(lambda: bool(outcome) or self._is_shut, self._patience, "a connection"):
            raise TimeoutError("timed out")
        if self._is_shut:
            raise OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
        if outcome[0] is not None:
            raise outcome[0]

    # Using it --------------------------------------------------------------------------------------

    def send(self, data: Any, flags: int = 0) -> int:
        with self._in_call("send"):
            if self._is_shut:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            return super().send(data)

    def recv(self, limit: int, flags: int = 0) -> bytes:
        with self._in_call("recv"):
            if not (self.is_readable or flags & socket.MSG_DONTWAIT):
                self._baton.wait_for(lambda: self.is_readable, self._timeout, f"bytes from connection {self.number}")
            return super().recv(limit)

    def talk(self, data: bytes) -> tuple[int, bytes | None]:
        """What the step in C does; other threads run between its two system calls too."""
        sent = self.send(data)
        try:
            return sent, self.recv(ROOM) if sent == len(data) else None
        except BlockingIOError:
            return sent, None

    def wait(self, mask: int, seconds: float | None) -> int:
        with self._in_call("poll"):
            self._baton.wait_for(lambda: bool(self._events(mask)), seconds, f"connection {self.number}, polling")
            return self._events(mask)

    def _events(self, mask: int) -> int:
        ready = select.POLLIN * self.is_readable | select.POLLOUT * (self.is_writable or self._is_shut)
        return ready & mask | select.POLLHUP * self._is_shut

    def shutdown(self, _: int) -> None:
        if self.is_closed or self._is_shut or self._error is not None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        self._is_shut = self._has_ended = True
        self._inbox.clear()
        if self.session is not None:
            self.up.send(FIN)

    def close(self) -> None:
        if self._user and not self._baton.is_over:
            self._baton.fail(f"the socket is closed while {self._user} is in it\n{self._baton.stacks()}")
        super().close()


class _Poll:
    def __init__(self) -> None:
        self._sock: Any = None
        self._mask = 0

    def register(self, sock: ThreadSocket, mask: int) -> None:
        self._sock, self._mask = sock, mask

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        if milliseconds == 0:  # a check without waiting, which any thread may do
            events = self._sock._events(self._mask)
            return [(self._sock.number, events)] if events else []
        events = self._sock.wait(self._mask, None if milliseconds is None else milliseconds / 1000)
        return [(self._sock.number, events)] if events else []


def socket_with(make: Callable[[], ThreadSocket]) -> Any:
    class Made(ThreadSocket):
        def __new__(cls, *_: Any) -> Any:
            return make()

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]

    return Face(socket, getaddrinfo=getaddrinfo, socket=Made)


select_with_polls = Face(select, poll=_Poll)
