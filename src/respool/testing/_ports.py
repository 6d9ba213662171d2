"""Free ports of 127.0.0.1 for the test helpers to listen on, outside the ephemeral range.

Rule 1: never use an ephemeral port. A client that redials a port of the ephemeral range while nothing listens
        there may be given that very port as its own, and then connects *to itself* (TCP simultaneous open).
        Also, any outgoing connection may take the port of a server that is restarting. The ephemeral range
        begins at 32768 on Linux and at 49152 on macOS.
Rule 2: leave room for the cluster bus. A cluster node also listens on its port + 10000, so our range ends
        where that one begins.
Rule 3: use no port twice. Ports are handed out in a circle from a random start, so that the port of a node
        that is down and will come back is not given to another helper of this process. Test processes that run
        side by side keep to one part of the range each (``keep_to``).
Rule 4: a port is only probably free: code that binds it must be ready to try the next one.
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
_range = range(FIRST, LAST + 1)
# The system's random numbers, because test processes may all be seeded alike.
_circle = itertools.count(SystemRandom().randrange(LAST - FIRST))

T = TypeVar("T")


def keep_to(part: int, parts: int) -> None:
    """Hand out only ports of one of so many equal parts of the range, counted from 0."""
    global _range
    size = (LAST + 1 - FIRST) // parts
    _range = range(FIRST + part * size, FIRST + (part + 1) * size)


def candidates() -> Iterator[int]:
    """Yield ports that were free a moment ago. Raise ``RuntimeError`` after ``TRIES`` ports."""
    for _ in range(TRIES):
        port = _range[next(_circle) % len(_range)]
        with socket.socket() as probe:
            try:
                bind(probe, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                yield port
    raise RuntimeError(f"no free port of {HOST} between {_range[0]} and {_range[-1]} in {TRIES} tries")


def bind(sock: socket.socket, port: int) -> None:
    """Bind a socket to a port of 127.0.0.1 as servers do: even if old connections to it linger (TIME_WAIT)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))


def first_free(take: Callable[[int], T]) -> T:
    """Call ``take`` with one port after another until it does not raise "address in use"; return its result."""
    ports = candidates()
    while True:
        try:
            return take(next(ports))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
