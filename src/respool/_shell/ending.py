"""The end of the interpreter (R-38).

Once the interpreter has begun to finalise, only its main thread runs: a daemon thread stops wherever it is, and a lock
that it holds is never released. A thread started then never runs (3.11) or is refused (3.12 and later), and joining a
thread never ends (3.13). Users' finalisers, generators and ``__del__`` methods still run, and may use a pool.

Rule 1: from then on no call waits for another thread: for a lock, for its end, or for a lease to be released. If the
        lock or connection is free, the call works; otherwise it raises PoolClosed.
Rule 2: before that, this costs nothing: an atexit function replaces ``RLock.__enter__`` when the interpreter ends.
"""

from __future__ import annotations

import atexit
import threading
from sys import is_finalizing
from typing import TYPE_CHECKING, Any, Final

from respool._facts.errors import PoolClosed

__all__ = ["RLock", "is_finalizing", "over"]

if TYPE_CHECKING:
    from threading import RLock
else:

    class RLock(type(threading.RLock())):
        """A reentrant lock that raises PoolClosed at the end of the interpreter instead of waiting for ever."""

        __slots__ = ()


def over() -> PoolClosed:
    """Return the error for a call that would wait for a thread that no longer runs."""
    return PoolClosed(
        "the interpreter is ending and its other threads have stopped: close pools before the end of the program, "
        "in a with block or in a function registered with atexit"
    )


def _enter_or_raise(lock: Any, _is_finalizing: Any = is_finalizing, _over: Any = over) -> bool:
    if not lock.acquire(blocking=not _is_finalizing()):
        raise _over()
    return True


def _begin() -> None:
    RLock.__enter__ = _enter_or_raise  # type: ignore[assignment]


_registered: Final = atexit.register(_begin)
