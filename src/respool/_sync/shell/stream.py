"""A connection as a stream, for subscribers: one thread sends and reads at will, and no reply belongs to a command.

Rule 1: whoever begins a stream leads the connection until its end (see ``transport``): it may use the socket whenever
        it likes, and nobody else does.
Rule 2: nothing here waits. ``Pump`` waits for many streams together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool._sync.shell.calls import Call
from respool._sync.shell.transport import Transport


class Stream:
    """Reads and writes a connection without waiting. It uses the parts of the transport that belong to the leader."""

    __slots__ = ("transport",)

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def begin(self, received: Callable[[Any], None]) -> None:
        """Lead from now on; ``read`` passes every frame that has come to ``received``."""
        self.transport.lead_on(Call())
        self.transport.wire.stream(received)

    @property
    def is_open(self) -> bool:
        """Whether the connection can be used."""
        return self.transport.is_open

    def fileno(self) -> int:
        """Return the descriptor of the socket, to wait for it."""
        return self.transport._sock.fileno()

    def write(self, data: bytes) -> None:
        """Send bytes. What the socket does not accept is sent by ``flush``."""
        self.transport._rest = bytes(self.transport._rest) + data
        self.flush()

    def flush(self) -> None:
        """Send what the socket has not accepted yet."""
        transport = self.transport
        try:
            if transport._rest and transport.error is None:
                transport._rest = transport._rest[transport._sock.send(transport._rest) :]
        except OSError as error:
            transport._end_by(error)

    @property
    def is_flushed(self) -> bool:
        """Whether the socket has accepted all that was written."""
        return not self.transport._rest or self.transport.error is not None

    def read(self) -> bool:
        """Read what has come; return whether anything had."""
        return self.transport.error is None and self.transport._look()

    def end(self) -> None:
        """Close the connection."""
        self.transport.abort()
        self.transport._rest = b""
        self.transport._resign()
