"""Measure this process's memory, and freeze a server so that commands wait."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._question import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._question import Place

_STATM = Path("/proc/self/statm")


def resident_kib() -> float:
    """Return the resident memory in KiB. Raises Missing if the system has no /proc."""
    if not _STATM.exists():
        raise Missing("resident memory is read from /proc, which is not here")
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


@contextmanager
def frozen_server(place: Place) -> Iterator[None]:
    """Freeze the server (SIGSTOP) for the duration of a block."""
    os.kill(place.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(place.pid, signal.SIGCONT)
