"""The step in C of the distribution respool-speed, compiled from ``speed/`` for the tests."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "speed/src/respool_speed/_talk.c"


def compile_step(home: Path) -> Any:
    """Return the module ``_talk``, compiled into ``home``. Skip the test where there is no C compiler, or no headers."""
    include = sysconfig.get_path("include")
    if not (Path(include) / "Python.h").exists():
        pytest.skip("Python's headers are not installed")
    target = home / f"_talk{sysconfig.get_config_var('EXT_SUFFIX')}"
    linker = shlex.split(sysconfig.get_config_var("LDSHARED"))
    flags = ["-std=c11", "-O2", "-fPIC", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
    try:
        ran = subprocess.run([*linker, *flags, str(SOURCE), "-o", str(target)], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no C compiler on this machine")
    assert ran.returncode == 0, ran.stderr
    loader = ExtensionFileLoader("respool_speed._talk", str(target))
    spec = spec_from_file_location("respool_speed._talk", target, loader=loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module
