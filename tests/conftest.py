"""Every test leaves nothing behind. Where more than this can be counted, the folder's own conftest.py counts more."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from leavings import sockets, workers
from respool.testing import wait_until


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = sockets()
    yield
    if workers() or sockets() > before:
        gc.collect()
        wait_until(lambda: workers() == [], 2.0)
        wait_until(lambda: sockets() <= before, 2.0)
