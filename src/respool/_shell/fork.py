"""A forked child starts with empty pools (R-35).

Rule 1: the child never writes to, reads from or TLS-closes a socket of its parent; it only closes its copies of the
        file descriptors, so that the parent's own close is seen by the server.
Rule 2: what the parent's pools were is kept in the child, untouched and never collected: finalisers, locks and event
        loops in it belong to threads that do not exist here.
"""

from __future__ import annotations

import os
from typing import Any, Final
from weakref import WeakSet

_pools: Final[WeakSet[Any]] = WeakSet()
_buried: Final[list[Any]] = []


def watch_forks(pool: Any) -> None:
    """Let ``pool._after_fork()`` be called in every forked child; what it returns is buried."""
    _pools.add(pool)


def _in_child() -> None:
    for pool in list(_pools):
        _buried.append(pool._after_fork())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
