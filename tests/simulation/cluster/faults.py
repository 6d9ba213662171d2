"""The faults of links and of single servers, each at a node that the seed decides.

What happens to the cluster itself is in ``events``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..faults import Faults
from ..loop import World
from ..network import SimSocket, Weather
from ..server import Server
from .events import Events
from .model import Cluster
from .node import Node


class ClusterFaults(Faults):
    """Causes the faults of the plan, and ends them together with the events."""

    events: Events

    def __init__(
        self, world: World, cluster: Cluster, weather: Weather, chance: Random, note: Callable[..., None]
    ) -> None:
        super().__init__(world, next(iter(cluster.nodes.values())), weather, chance, note)
        self._cluster = cluster

    def _discard(self, name: str) -> None:
        self._server = self._chance.choice([node for node in self._cluster.nodes.values() if not node.is_gone])
        super()._discard(name)

    def _links(self) -> list[SimSocket]:
        return [sock for sock in super()._links() if sock.session.server is self._server]

    def _admission(self, how: str) -> None:
        if not _is_away(self._server):
            super()._admission(how)

    def _come_back(self, server: Server) -> None:
        if not _is_away(server):
            super()._come_back(server)

    def heal(self) -> None:
        self.events.heal()
        super().heal()
        for node in self._cluster.nodes.values():
            if not node.is_gone:
                self._heal(node)


def _is_away(node: Any) -> bool:
    """Whether an event has made the node what it is."""
    return isinstance(node, Node) and not node.is_reached
