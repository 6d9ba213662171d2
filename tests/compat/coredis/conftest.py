"""Every test has an empty server, and must leave nothing behind. The points are those of the handbook of coredis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asyncio_.conftest import callers, nothing_is_left_behind, running_server, server  # noqa: F401
from respool.testing import ClusterServers


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[ClusterServers]:
    with ClusterServers(primaries=3, replicas=1) as running:
        yield running


@pytest.fixture
def cluster(running_cluster: ClusterServers) -> ClusterServers:
    """A running, empty cluster of three primaries with a replica each."""
    for node in running_cluster.primaries:
        node.command("FLUSHALL")
    return running_cluster
