"""The sides: respool, a bare socket, and other libraries, each in its best documented configuration.

A module is imported only in its own side's worker, so a library that is missing or broken affects no other side.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from benchmarks._question import Missing

#: Connections in the pools of peers that lend a connection to each command.
POOL_SIZE = 50

_ASYNC = {
    "respool": "ours:AsyncOurs",
    "connect_timeout=5": "ours:AsyncPatient",
    "bare floor": "bare:AsyncBare",
    "redis-py": "redis_py:AsyncRedisPy",
    "drop-in": "dropin:AsyncDropIn",
    "valkey-glide": "valkey_glide:AsyncGlide",
    "coredis": "coredis_client:AsyncCoredis",
}
_SYNC = {
    "respool": "ours:SyncOurs",
    "shared=0": "ours:SyncLeases",
    "with speed": "speed:SyncSpeed",
    "with speed, shared=0": "speed:SyncSpeedLeases",
    "bare floor": "bare:SyncBare",
    "redis-py": "redis_py:SyncRedisPy",
    "drop-in": "dropin:SyncDropIn",
    "valkey-glide": "valkey_glide:SyncGlide",
}
_ASYNC_CLUSTER = {
    "respool": "ours:AsyncClusterOurs",
    "one node": "ours:AsyncOurs",
    "redis-py": "redis_py:AsyncClusterRedisPy",
    "valkey-glide": "valkey_glide:AsyncClusterGlide",
    "coredis": "coredis_client:AsyncClusterCoredis",
}
_SYNC_CLUSTER = {
    "respool": "ours:SyncClusterOurs",
    "one node": "ours:SyncOurs",
    "redis-py": "redis_py:SyncClusterRedisPy",
    "valkey-glide": "valkey_glide:SyncClusterGlide",
}


def async_side(name: str) -> Any:
    """Return the asyncio client ``name``, not open. Raises Missing."""
    return _make(_ASYNC[name])


def sync_side(name: str) -> Any:
    """Return the client ``name`` for threads, not open. Raises Missing."""
    return _make(_SYNC[name])


def async_cluster_side(name: str) -> Any:
    """Return the asyncio client ``name`` for a cluster, not open. Raises Missing."""
    return _make(_ASYNC_CLUSTER[name])


def sync_cluster_side(name: str) -> Any:
    """Return the client ``name`` for threads and a cluster, not open. Raises Missing."""
    return _make(_SYNC_CLUSTER[name])


def _make(path: str) -> Any:
    module, _, name = path.partition(":")
    if module != "speed":
        sys.modules["respool_speed"] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        return getattr(import_module(f"benchmarks.peers.{module}"), name)()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("benchmarks"):
            raise
        raise Missing(f"{error.name} is not installed") from None
