"""Where the test helpers listen: free ports of 127.0.0.1 that nobody gets by accident.

Rule 1: never an ephemeral port. A client that redials a port of the ephemeral range while nothing listens
        there may be given that very port as its own and then connects *to itself* (TCP simultaneous open),
        and any outgoing connection may take the port of a server that is being restarted. Linux hands out
        32768 and up, macOS 49152 and up.
Rule 2: room for the bus. A cluster node also listens on its port + 10000, so the range ends where that one
        begins.
Rule 3: no port twice. Ports are handed out in a circle that begins anywhere, so that the port of a node that
        is down, and will come back, is not given to somebody else of this process.
Rule 4: a port is only probably free: whoever binds it must be ready to take the next one.
"""

from __future__ import annotations

import errno
import itertools
import socket
from random import SystemRandom
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST: Final = "127.0.0.1"
FIRST, LAST = 10_000, 19_999
TRIES: Final = 200
# The system's random numbers, because test processes may all be seeded alike.
_circle = itertools.count(SystemRandom().randrange(LAST - FIRST))

T = TypeVar("T")


def candidates() -> Iterator[int]:
    """Yield ports that were free a moment ago; raise ``RuntimeError`` when ``TRIES`` ports were tried."""
    for _ in range(TRIES):
        port = FIRST + next(_circle) % (LAST - FIRST + 1)
        with socket.socket() as probe:
            try:
                bind(probe, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                yield port
    raise RuntimeError(f"no free port of {HOST} between {FIRST} and {LAST} in {TRIES} tries")


def bind(sock: socket.socket, port: int) -> None:
    """Bind a socket to a port of 127.0.0.1 the way servers do: its last owner's connections do not matter."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))


def first_free(take: Callable[[int], T]) -> T:
    """Return the first ``take(port)`` that is not refused with "address in use"."""
    ports = candidates()
    while True:
        try:
            return take(next(ports))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
