"""What the tests of pools for clusters tell a ``FakeCluster``, and ask it."""

from __future__ import annotations

import time
from typing import Any

from respool.testing import FakeCluster, FakeClusterNode, FakeConnection

Words = tuple[bytes, ...]


def to(code: str, slot: int, node: FakeClusterNode) -> bytes:
    """Write a redirect: ``to("MOVED", 7, node)``."""
    return f"-{code} {slot} {node.host}:{node.port}\r\n".encode()


def other_than(cluster: FakeCluster, node: FakeClusterNode) -> FakeClusterNode:
    """Return another primary."""
    return next(each for each in cluster.primaries if each is not node)


def refuse_views(cluster: FakeCluster) -> None:
    """Let no node show its view of the cluster from now on, so that redirects alone tell what has changed."""
    for node in cluster.nodes:
        node.on("CLUSTER SLOTS", b"-ERR not now\r\n")


class Views:
    """Watches who is asked for a view, and when. Each node answers as before."""

    def __init__(self, cluster: FakeCluster) -> None:
        #: When each CLUSTER SLOTS came, in seconds, in order.
        self.times: list[float] = []
        for node in cluster.nodes:
            node.on("CLUSTER SLOTS", self._watch(node))

    def _watch(self, node: FakeClusterNode) -> Any:
        def watch(command: Words, connection: FakeConnection) -> Any:
            self.times.append(time.monotonic())
            return node.answer(command, connection)

        return watch
