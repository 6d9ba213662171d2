"""A forked child starts with empty pools (R-35).

Rule 1: the child never writes to, reads from or TLS-closes a socket of its parent; it only closes its copies of the
        file descriptors, so that the parent's own close is seen by the server.
        That holds for the socket of a dial too, which no connection has yet.
Rule 2: what the parent's pools were is kept in the child, untouched and never collected: finalisers, locks and event
        loops in it belong to threads that do not exist here.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final
from weakref import WeakSet

_pools: Final[WeakSet[Any]] = WeakSet()
_buried: Final[list[Any]] = []
_dialing: Final[set[socket.socket]] = set()


def watch_forks(pool: Any) -> None:
    """Let ``pool._after_fork()`` be called in every forked child; what it returns is buried."""
    _pools.add(pool)


def dial_begins(sock: socket.socket) -> None:
    """Let a socket be closed in every child that is forked before ``dial_ends``."""
    _dialing.add(sock)


def dial_ends(sock: socket.socket) -> None:
    """Note that a socket has become a connection's, or is closed."""
    _dialing.discard(sock)


def _in_child() -> None:
    for sock in list(_dialing):
        if sock.fileno() >= 0:
            os.close(sock.detach())  # without a word: closing a TLS socket in another way may send one
    _dialing.clear()
    for pool in list(_pools):
        _buried.append(pool._after_fork())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
