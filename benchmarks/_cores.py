"""How the kernel uses the cores during a run: idle ones can be kept awake, and a client on a single one."""

from __future__ import annotations

import os
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._question import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUESTS = Path("/dev/cpu_dma_latency")


@contextmanager
def cores_awake() -> Iterator[None]:
    """Request a wake-up latency of 0 us for the duration of a block. Raises OSError if that is not permitted.

    The kernel honours it as long as the file is open, so it ends with this process in any case.
    """
    with _REQUESTS.open("wb", buffering=0) as request:
        request.write(struct.pack("=i", 0))
        yield


@contextmanager
def on_one_core() -> Iterator[None]:
    """Let the threads that are started in a block share one core. Raises Missing where the system has no such thing."""
    if not hasattr(os, "sched_setaffinity"):
        raise Missing("a process cannot be kept on one core here")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
