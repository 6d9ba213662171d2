"""One run against a cluster. What is not here is as in a run against one node."""

from __future__ import annotations

import asyncio
from typing import Any

from respool import AsyncClusterPool

from ..clients import Client
from ..run import Result, Run, play
from ..server import Server
from . import ending, lease_operations, operations
from .books import ClusterBooks
from .clients import ClusterClient
from .events import Events
from .faults import ClusterFaults
from .model import Cluster
from .plan import ClusterPlan, make_cluster_plan
from .watch import ClusterWatch, watched_cluster

COUNTERS, LISTS, SHARED = 5, 3, 6


class ClusterRun(Run):
    """The state of one run."""

    plan: ClusterPlan
    server: Cluster
    books: ClusterBooks

    def _build(self) -> None:
        plan = self.plan
        self.server = Cluster(
            self.world,
            self.chance("server"),
            self.note,
            shards=plan.shards,
            replicas=plan.replicas,
            flavor=plan.flavor,
            lags=plan.lags,
            serves_stale=plan.serves_stale,
            knows_resp3=plan.knows_resp3,
        )
        self.books = ClusterBooks(self.server, lambda: self.loop.rounds)
        faults = ClusterFaults(self.world, self.server, plan.weather, self.chance("faults"), self.note)
        self.faults = faults
        self.keys = [
            *(b"n:%d" % number for number in range(COUNTERS)),
            *(b"l:%d" % number for number in range(LISTS)),
            *(b"s:%d" % number for number in range(SHARED)),
            *(b"own:%d" % number for number in range(plan.clients)),
            *(b"n:{%d}" % number for number in range(3)),
            *(b"cas:%d" % number for number in range(2)),
        ]
        #: Each of them as often as it is used, roughly.
        hot = [key for key in self.keys if not key.startswith(b"own:")]
        self.events = faults.events = Events(
            self.world,
            self.server,
            self.chance("events"),
            self.note,
            timeout=plan.timeout,
            pace=plan.move_pace,
            keys=[*hot, *hot, *self.keys],
            sockets=faults.sockets,
        )

    def _open(self) -> None:
        self.pool = AsyncClusterPool(**self.plan.options)
        self.watch = ClusterWatch(self)

    def _server_at(self, address: Any) -> Server:
        return self.server.at(address)

    def _schedule(self) -> None:
        self.faults.schedule(self.plan.faults)
        self.events.schedule(self.plan.events)

    @property
    def struck(self) -> int:
        return self.faults.struck + self.events.happened

    # What clients ask ----------------------------------------------------------------------------------

    def _client(self, number: int) -> Client:
        return ClusterClient(self, number)

    def _table(self) -> list[Any]:
        return [*operations.ORDINARY, *lease_operations.LEASES]

    def counter(self, chance: Any) -> bytes:
        return b"n:%d" % chance.randrange(COUNTERS)

    def list_name(self, chance: Any) -> bytes:
        return b"l:%d" % chance.randrange(LISTS)

    @property
    def reads_are_exact(self) -> bool:
        """Whether a read sees every acknowledged write."""
        return self.plan.loses_nothing and self.plan.options["read_from"] == "primary"

    # The end -------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        await ending.recovers(self)
        await ending.at_rest(self)
        if self.plan.is_calm and self.plan.has_room:
            self.books.compare_unanswered(self.server)
        await asyncio.sleep(1.0)  # until the last moves have ended, and the last copies were made
        self.books.compare_counters(self.server)

    def _check_end(self) -> None:
        ending.after_close(self)


def simulate_cluster(seed: int, *, keep_trace: bool = False) -> Result:
    """Run one seed from its plan to its last check."""
    with watched_cluster():
        return play(seed, lambda: ClusterRun(make_cluster_plan(seed), keep_trace=keep_trace))
