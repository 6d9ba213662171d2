"""A cluster without faults, for tests that script their own."""

from __future__ import annotations

from random import Random
from typing import Any

from respool.testing._fake_routing import Flavor

from ..server import Server
from ..stage import Stage
from .model import Cluster, Lags


class ClusterStage(Stage):
    """A loop, a network and a cluster of some primaries with one replica each, in this order."""

    def __init__(self, *, shards: int = 2, flavor: Flavor = "valkey") -> None:
        super().__init__()
        self.cluster = Cluster(
            self.world,
            Random(1),
            lambda *_: None,
            shards=shards,
            replicas=1,
            flavor=flavor,
            lags=Lags(),
            serves_stale=True,
            knows_resp3=True,
        )
        self.nodes = list(self.cluster.nodes.values())
        self.seeds = [self.nodes[0].address]

    def _server_at(self, address: Any) -> Server:
        return self.cluster.at(address)
