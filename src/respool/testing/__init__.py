"""Real servers and clusters, scripted nodes and breakable networks for tests.

    from respool.testing import Close, FakeNode, FaultProxy, Server

    with Server() as server:  # a real Valkey in a process of its own
        print(server.url, server.command("PING"))

    with Server("redis-server", tls=True) as server, FaultProxy(server) as proxy:
        proxy.down.limit_after(17)  # cut connections after 17 bytes of replies
        proxy.heal()

    with ClusterServers(primaries=3, replicas=1) as cluster:  # a real cluster
        cluster.owner_of("key").kill()
        cluster.wait_agreed()  # until a replica has been promoted

    with FakeNode({"GET": (b"$10\\r\\nhalf", Close())}) as node:
        print(node.url, node.commands)

    with FakeCluster(primaries=3) as cluster:  # scripted nodes that redirect
        cluster.move_slots(cluster.slot_of("key"), cluster.nodes[0])

All of them run in threads and processes of their own, so they work the same in sync and in async tests and
do not depend on an event loop. Each is a context manager with ``start()`` and ``stop()``; ``stop()`` leaves
no process, thread, socket or file behind.
"""

from __future__ import annotations

from respool.testing._actions import Close, Delay, FakeConnection, Hold, Reply, Reset, Silence
from respool.testing._binary import Binary, find_binary
from respool.testing._cluster_servers import ClusterNode, ClusterServers
from respool.testing._fake_cluster import FakeCluster
from respool.testing._fake_cluster_node import FakeClusterNode
from respool.testing._fake_node import FakeNode, Seen
from respool.testing._fake_view import FakeMember, FakeView
from respool.testing._fault_proxy import FaultProxy
from respool.testing._faults import Direction
from respool.testing._sentinel_servers import SentinelServers
from respool.testing._server import Server
from respool.testing._short import ShortConnection
from respool.testing._wait import wait_until

__all__ = [
    "Binary",
    "Close",
    "ClusterNode",
    "ClusterServers",
    "Delay",
    "Direction",
    "FakeCluster",
    "FakeClusterNode",
    "FakeConnection",
    "FakeMember",
    "FakeNode",
    "FakeView",
    "FaultProxy",
    "Hold",
    "Reply",
    "Reset",
    "Seen",
    "SentinelServers",
    "Server",
    "ShortConnection",
    "Silence",
    "find_binary",
    "wait_until",
]
