"""Run a script in a process of its own, with the helpers of the tests at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import respool

TESTS = Path(__file__).parent


def run_script(script: str, *args: str, loop: str = "") -> str:
    """Run a Python script to its end and return what it printed. It must succeed, without a warning."""
    paths = [str(Path(respool.__file__).parents[1]), str(TESTS)]
    # Python 3.12 and newer warn of every fork beside another thread, and a pool for threads has one: its maintenance task.
    # That is what those tests are about. Beside asyncio there is none, and nothing is to be warned of.
    forks = [] if loop != "threads" else ["-W", "ignore:This process (pid=:DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *forks, "-c", script, *args],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LOOP": loop},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
