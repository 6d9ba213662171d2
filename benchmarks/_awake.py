"""Keeps idle cores from sleeping while a run lasts, where the system lets us.

The kernel holds the request for as long as the file is open: nothing is left behind, however we end.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUESTS = Path("/dev/cpu_dma_latency")


@contextmanager
def cores_awake() -> Iterator[None]:
    """Ask for a wake-up latency of 0 us for the length of a block. Raises OSError where that cannot be asked."""
    with _REQUESTS.open("wb", buffering=0) as request:
        request.write(struct.pack("=i", 0))
        yield
