"""Sockets in memory, and the links between them and the server model, with network faults.

Rule 1: a direction is a stream: bytes arrive complete, in order and once, unless the link is cut. The seed decides
        only when they arrive, and in which pieces they are read.
Rule 2: a frozen direction keeps the bytes in transit. One that never thaws is a black hole: neither side notices, so
        the server may also not know that a connection is closed.
Rule 3: a cut discards the bytes in transit. Bytes that have arrived before are still executed or read.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import hiredis

from .loop import World

FOREVER: Final = float("inf")

#: What a direction carries besides bytes.
FIN: Final = "FIN"
RST: Final = "RST"


@dataclass
class Weather:
    """How the links of one run behave."""

    latency: float = 0.0002
    jitter: float = 0.5
    #: The pieces in which a socket reads: ``as sent``, ``merged``, ``split``, ``crumbs``.
    reading: str = "as sent"
    #: How many bytes a client may have in transit before its socket is full.
    window: int = 64 * 1024
    #: The probability that a client that closes still delivers what it sent.
    delivers_last: float = 0.5


class Direction:
    """One way of a link."""

    def __init__(self, world: World, chance: Random, weather: Weather, deliver: Callable[[Any], None]) -> None:
        self._world = world
        self._chance = chance
        self._weather = weather
        self._deliver = deliver
        self._on_its_way: deque[Any] = deque()
        self._busy_until = 0.0
        self._generation = 0
        self._kept = 0  # how many items have arrived at a black hole
        self.frozen_until = 0.0
        self.extra = 0.0

    def send(self, item: Any) -> None:
        weather = self._weather
        delay = weather.latency * (1.0 + weather.jitter * self._chance.random()) + self.extra
        self._busy_until = max(self._busy_until, self._world.now + delay)
        self._on_its_way.append(item)
        self._world.at(self._busy_until, self._arrive, self._generation)

    def _arrive(self, generation: int) -> None:
        if generation != self._generation:
            return
        if self._world.now < self.frozen_until:
            if self.frozen_until < FOREVER:
                self._world.at(self.frozen_until, self._arrive, generation)
            else:
                self._kept += 1
            return
        self._deliver(self._on_its_way.popleft())

    def freeze(self, seconds: float) -> None:
        self.frozen_until = max(self.frozen_until, self._world.now + seconds)

    def thaw(self) -> None:
        """End a black hole and deliver the bytes it kept."""
        self.frozen_until = 0.0
        for _ in range(self._kept):
            self._world.at(max(self._world.now, self._busy_until), self._arrive, self._generation)
        self._kept = 0

    def cut(self) -> None:
        self._generation += 1
        self._kept = 0
        self._on_its_way.clear()


class SimSocket:
    """The client's end: the socket methods that a selector transport uses."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, world: World, loop: Any, chance: Random, weather: Weather, number: int, server: Any) -> None:
        self._world = world
        self._loop = loop
        self._chance = chance
        self._weather = weather
        self._server = server
        self.number = number
        self.transport: Any = None
        self.session: Any = None
        self.is_closed = False
        self.is_connected = False
        self._inbox: deque[bytes] = deque()
        self._has_ended = False
        self._error: OSError | None = None
        self._unsent = 0
        self._reader = hiredis.Reader()
        self._is_garbled = False
        self.replies_read = 0
        self.up = Direction(world, chance, weather, self._reach_server)
        self.down = Direction(world, chance, weather, self._reach_client)

    # What the client does --------------------------------------------------------------------------

    def connect(self, done: Callable[[BaseException | None], None]) -> None:
        """Connect, and call ``done`` once the server has accepted or refused, which may be never."""
        self._server.knock(self, done)

    def fileno(self) -> int:
        return -1 if self.is_closed else self.number

    def recv(self, limit: int) -> bytes:
        if self._inbox:
            data = self._read(limit)
            self._count(data)
            return data
        if self._error is not None:
            raise self._error
        if self._has_ended:
            return b""
        raise BlockingIOError

    def _count(self, data: bytes) -> None:
        """Count the replies that the client has read. Pushes do not count."""
        if self._is_garbled:
            return
        self._reader.feed(data)
        try:
            while (frame := self._reader.gets(False)) is not False:
                self.replies_read += not isinstance(frame, hiredis.PushNotification)
        except hiredis.ProtocolError:
            self._is_garbled = True
            self.session.garble_was_read()

    def _read(self, limit: int) -> bytes:
        reading = self._weather.reading
        if reading == "merged" and len(self._inbox) > 1:
            merged = b"".join(self._inbox)
            self._inbox.clear()
            self._inbox.append(merged)
        first = self._inbox.popleft()
        size = min(limit, len(first))
        if reading == "split" and size > 1 and self._chance.random() < 0.5:
            size = self._chance.randint(1, size)
        elif reading == "crumbs" and self._chance.random() < 0.3:
            size = min(size, self._chance.randint(1, 4))
        if size < len(first):
            self._inbox.appendleft(first[size:])
        return first[:size]

    def send(self, data: Any) -> int:
        if self._error is not None:
            raise self._error
        room = self._weather.window - self._unsent
        if room <= 0:
            raise BlockingIOError
        taken = bytes(data[:room])
        self._unsent += len(taken)
        self.up.send(taken)
        return len(taken)

    def sendmsg(self, buffers: Any) -> int:
        return self.send(b"".join(bytes(buffer) for buffer in buffers))

    def close(self) -> None:
        if self.is_closed:
            return
        self._loop.unwatch(self)
        self.is_closed = True
        self._inbox.clear()
        if self.is_connected:
            if self._chance.random() >= self._weather.delivers_last:
                self.up.cut()
            self.up.send(FIN)

    def getsockname(self) -> Any:
        return ("client", self.number)

    def getpeername(self) -> Any:
        return ("server", 6379)

    def setsockopt(self, *_: Any) -> None:
        """Accept any option."""

    def shutdown(self, _: int) -> None:
        self.up.send(FIN)

    # What the loop asks ------------------------------------------------------------------------------

    @property
    def is_readable(self) -> bool:
        return bool(self._inbox) or self._has_ended or self._error is not None

    @property
    def has_ended(self) -> bool:
        return self._has_ended or self._error is not None

    @property
    def is_writable(self) -> bool:
        return self._unsent < self._weather.window or self._error is not None

    @property
    def is_in_use(self) -> bool:
        """Whether the client still uses it: open, and not about to be closed."""
        return not self.is_closed and (self.transport is None or not self.transport.is_closing())

    # What arrives ------------------------------------------------------------------------------------

    def accepted(self, session: Any) -> None:
        self.session = session
        self.is_connected = True
        self._loop.watch(self)

    def _reach_server(self, item: Any) -> None:
        if isinstance(item, bytes):
            self._unsent -= len(item)
            self.session.receive(item)
        else:
            self.session.hung_up()

    def _reach_client(self, item: Any) -> None:
        if self.is_closed or self._has_ended or self._error is not None:
            return
        if isinstance(item, bytes):
            self._inbox.append(item)
        elif item is FIN:
            self._has_ended = True
        else:
            self._inbox.clear()  # a reset discards unread bytes
            self._error = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    # Faults ------------------------------------------------------------------------------------------

    def reset(self, *, loses_replies: bool) -> None:
        """Break the link in both directions; the server's end knows at once."""
        self.up.cut()
        if loses_replies:
            self.down.cut()
        self.down.frozen_until = 0.0
        self.down.send(RST)
        self.session.end()

    def black_hole(self) -> None:
        self.up.frozen_until = self.down.frozen_until = FOREVER

    def thaw(self) -> None:
        self.up.thaw()
        self.down.thaw()
