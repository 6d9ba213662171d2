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
    done = subprocess.run(
        # Python 3.12 warns of every fork beside a thread; that is what the tests of forking are about.
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script, *args],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LOOP": loop},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
