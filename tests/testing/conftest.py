"""After every test of the helpers: no thread, no file descriptor, no temporary directory is left."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTORS = Path("/proc/self/fd")  # Linux; elsewhere only threads and directories are counted


def descriptors() -> int:
    return len(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else 0


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A directory of its own, so that other processes' directories are not counted; short, for unix sockets.
    with tempfile.TemporaryDirectory(prefix="t") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        gc.collect()
        threads, files = threading.active_count(), descriptors()
        yield
        gc.collect()
        assert threading.active_count() == threads
        assert descriptors() == files
        assert os.listdir(directory) == []
