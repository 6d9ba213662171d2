"""What the face needs of threads; ``_async/worlds.py`` has the same names for asyncio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def new_lock() -> Any:
    """Return the lock of one pool."""
    return threading.Lock()


def new_mutex() -> threading.Lock:
    """Return a lock that may be held while something is waited for."""
    return threading.Lock()


@contextmanager
def locked(lock: Any) -> Iterator[None]:
    """Hold the lock of a pool while it counts."""
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def fit_soon(fit: Callable[[], None]) -> None:
    """Let a pool fit its size now."""
    fit()
