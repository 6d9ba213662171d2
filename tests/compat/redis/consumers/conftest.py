"""Jobs of libraries that use redis-py, each in a Python of its own in which the drop-in is installed.

A test skips if its library is not installed: ``make consumers`` installs those of the dependency group ``consumers``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from respool.testing import Server

Job = Callable[..., None]

#: What every program begins and ends with. ``engines()`` counts the replies that came through respool.
HEAD = """
import gc, sys
from respool import AsyncPool, Pool
from respool.compat import redis as dropin

dropin.install()
URL = sys.argv[1]

def engines():
    return sum(o.stats().replies for o in gc.get_objects() if type(o) in (Pool, AsyncPool))

"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def job(own_server: Server, tmp_path: Path) -> Job:
    """Run a program with the URL of an empty server; it must end well and must have used respool."""

    def run(program: str, *, needs: str, installs: bool = True, tail: str = "assert engines() > 0, 'nothing went through respool'\n") -> None:
        pytest.importorskip(needs, reason=f"{needs} is not installed: make consumers")
        own_server.command("FLUSHALL")
        file = tmp_path / "program.py"
        head = HEAD if installs else HEAD.replace("dropin.install()\n", "")
        file.write_text(head + program + "\n" + tail, "utf-8")
        done = subprocess.run(
            [sys.executable, str(file), own_server.url], capture_output=True, text=True, timeout=90, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]

    return run
