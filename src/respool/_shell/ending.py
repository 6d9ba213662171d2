"""The end of the interpreter (R-38).

Once the interpreter has begun to finalise, only its main thread runs: a daemon thread stops wherever it is, and a lock
that it holds is never released. A thread started then never runs (3.11) or is refused (3.12 and later), and one that
is joined never ends (3.13). Finalisers, generators and ``__del__`` methods of users still run, and may use a pool.

Rule 1: from then on no call waits for what another thread would have to do: release a lock, end, give back a
        lease. What is free still works; everything else is a PoolClosed.
Rule 2: before that it costs nothing: locks change their class's way in when the interpreter says that it ends.
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
    """Return the error of a call that would wait for a thread that does not run any more."""
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
