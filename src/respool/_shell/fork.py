"""A forked child starts with empty pools (R-35).

Rule 1: the child never writes to, reads from or TLS-closes a socket of its parent; it only closes its copies of the
        file descriptors, so that the server notices when the parent closes its own.
        That includes the socket of a dial, which belongs to no connection yet.
Rule 2: the state of the parent's pools is kept in the child, unused and never collected: its finalisers, locks and
        event loops belong to threads that do not exist here.
Rule 3: a pool that cannot be emptied keeps none of the others from it.
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
    """Have ``pool._after_fork()`` called in every forked child; its result is kept alive for ever (Rule 2)."""
    _pools.add(pool)


def dial_begins(sock: socket.socket) -> None:
    """Have a socket closed in every child that is forked before ``dial_ends``."""
    _dialing.add(sock)


def dial_ends(sock: socket.socket) -> None:
    """Note that a socket now belongs to a connection, or is closed."""
    _dialing.discard(sock)


def _in_child() -> None:
    for sock in list(_dialing):
        if sock.fileno() >= 0:
            os.close(sock.detach())  # sends nothing; closing a TLS socket otherwise might
    _dialing.clear()
    failures: list[Exception] = []
    for pool in list(_pools):
        try:
            _buried.append(pool._after_fork())
        except Exception as error:
            failures.append(error)
            _buried.append(pool)
    if failures:
        raise failures[0]  # Python reports it, and goes on


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
