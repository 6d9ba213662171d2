"""What a test leaves behind: threads, sockets, tasks, timers. None of them may be there when it is over."""

from __future__ import annotations

import asyncio
import os
import threading


def sockets() -> int:
    """Count the sockets of this process; 0 where there is no /proc."""
    found = 0
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def workers() -> list[str]:
    """Return the names of the threads of the engine and of the callers of a test."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("respool", "caller"))]


def timers() -> list[str]:
    """Return what the running loop will call later. uvloop keeps that to itself: for it, none."""
    handles = getattr(asyncio.get_running_loop(), "_scheduled", ())
    return [repr(handle) for handle in handles if not handle.cancelled()]


def tasks() -> set[asyncio.Task[object]]:
    """Return the tasks of the running loop, but for this one."""
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]  # there is one: this is running
