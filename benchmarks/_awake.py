"""Keep idle cores from sleeping during a run, if the system permits.

The kernel honours the request as long as the file is open, so it ends with this process in any case.
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
    """Request a wake-up latency of 0 us for the duration of a block. Raises OSError if that is not permitted."""
    with _REQUESTS.open("wb", buffering=0) as request:
        request.write(struct.pack("=i", 0))
        yield
