"""respool with respool-speed, one function in C. The other sides go without it, whether it is installed or not."""

from __future__ import annotations

import respool_speed

from benchmarks.peers.ours import SyncLeases, SyncOurs

__all__ = ["SyncSpeed", "SyncSpeedLeases", "respool_speed"]

SyncSpeed = SyncOurs
SyncSpeedLeases = SyncLeases
