"""Describe the machine and the software of a run, without host names or paths."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from respool import __version__

if TYPE_CHECKING:
    from respool.testing import Server

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "hiredis", "uvloop", "redis", "valkey-glide", "valkey-glide-sync", "coredis", "psycopg", "psycopg-pool",
)  # fmt: skip


def describe(server: Server, *, is_awake: bool) -> list[tuple[str, str]]:
    """Return the head of a table as pairs of a name and a value."""
    binary = server.binary
    cores = os.cpu_count()
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("respool", f"{__version__} {_commit()}".strip()),
        ("cpu", f"{_cpu()}, {cores} core{'s' if cores != 1 else ''}"),
        ("idle cores", "kept awake" if is_awake else "may sleep"),
        ("system", f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}"),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("server", f"{binary.flavor} {'.'.join(map(str, binary.version))}, loopback TCP, no persistence"),
        ("libraries", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)),
        ("node", _node()),
        ("load before", " ".join(f"{load:.2f}" for load in os.getloadavg())),
    ]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    if shutil.which("git") is None or not (commit := git("rev-parse", "--short", "HEAD")):
        return ""
    return f"({commit}{', src changed since' if git('status', '--porcelain', 'src') else ''})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return "not installed"
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    package = ROOT / "benchmarks/node_modules/ioredis/package.json"
    ioredis = json.loads(package.read_text("utf-8"))["version"] if package.exists() else "not installed"
    return f"{done.stdout.strip().lstrip('v')}, ioredis {ioredis}"
