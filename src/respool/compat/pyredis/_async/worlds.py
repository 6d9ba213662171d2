"""What the face needs of asyncio; ``_sync/worlds.py`` has the same names for threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

_fitting: set[asyncio.Task[None]] = set()


def new_lock() -> Any:
    """Return no lock: nothing waits while a pool counts its clients."""
    return None


def new_mutex() -> asyncio.Lock:
    """Return a lock that may be held while something is waited for."""
    return asyncio.Lock()


@asynccontextmanager
async def locked(lock: Any) -> AsyncIterator[None]:
    """Hold the lock of a pool while it counts.

    A call that is cancelled while it waits for the lock goes on without it, and is cancelled afterwards: counting takes
    one step of the event loop, and what comes back must be counted.
    """
    if lock is None:
        yield
        return
    try:
        await lock.acquire()
    except asyncio.CancelledError as cancelled:
        try:
            yield
        finally:
            raise cancelled
    try:
        yield
    finally:
        lock.release()


def fit_soon(fit: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let a pool fit its size in the next step of the event loop. Where none is running, its next call does it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    task = loop.create_task(fit())
    _fitting.add(task)
    task.add_done_callback(_fitting.discard)
