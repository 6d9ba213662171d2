"""The checks after every round of the loop, for a pool with many nodes.

Rule 1: what is checked of the node of an ordinary pool is checked of each node, of one in each round: what is broken
        stays so.
Rule 2: all nodes together never have more than ``max_total`` sockets.
Rule 3: once the map shows that a primary lost its role, no connection to it that was made before is left (A.1).
Rule 4: rounds of asking for the map begin a second apart, one at a time, and ask no more than is due (P-17).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from respool._async.routing import discovery as discovery_module
from respool._routing.refresh import PAUSE, Ask, Refresh

from ..books import Broken
from ..watch import NodeWatch, broke, check_nothing_is_broken, made

if TYPE_CHECKING:
    from ..network import SimSocket
    from .model import Deposition
    from .run import ClusterRun

#: A cut takes effect within so many rounds.
AT_ONCE: Final = 2


#: How many nodes were to be asked, each time that some were.
questions: list[int] = []


class WatchedRefresh(Refresh):
    """A refresh that counts its rounds and questions."""

    __slots__ = ("_round_began", "rounds")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._round_began = float("-inf")
        self.rounds = 0

    def due(self, now: float, random: Callable[[], float]) -> list[Ask]:
        was_running = self.is_running
        asks = super().due(now, random)
        questions.append(len(asks))
        if asks and not was_running:
            self.rounds += 1
            if now - self._round_began < PAUSE - 1e-6:
                broke(f"two rounds of asking for the map began {now - self._round_began:.3f} s apart")
            self._round_began = now
        return asks


@contextmanager
def watched_cluster() -> Iterator[None]:
    """Make every cluster pool that is created in this block one that can be watched."""
    questions.clear()
    real = discovery_module.Refresh
    discovery_module.Refresh = WatchedRefresh  # type: ignore[misc]
    try:
        yield
    finally:
        discovery_module.Refresh = real  # type: ignore[misc]


class ClusterWatch:
    """Checks one pool after every round of the loop."""

    def __init__(self, run: ClusterRun) -> None:
        self._run = run
        self._watches: dict[Any, NodeWatch] = {}
        #: The client's sockets; many of those that are closed are dropped.
        self.sockets: list[SimSocket] = []

    @property
    def nodes(self) -> list[Any]:
        """All nodes that the pool has had."""
        return list(made)

    def look(self) -> None:
        check_nothing_is_broken()
        cluster = self._run.pool._serving
        if self._run.loop.rounds % 20 == 0:
            self.sockets = [sock for sock in self.sockets if not sock.is_closed]
        if cluster is None:
            return
        servings = cluster.members.all()
        if servings:
            self._look_at_node(servings[self._run.loop.rounds % len(servings)].node)
        most = self._run.plan.options.get("max_total")
        if most is not None and (count := sum(sock.is_in_use for sock in self.sockets)) > most:
            raise Broken(f"{count} sockets are in use, and max_total is {most}")
        for deposition in self._run.server.depositions:
            self._look_at(deposition, cluster.map.topology)

    def _look_at_node(self, node: Any) -> None:
        if node not in self._watches:
            self._watches[node] = NodeWatch(node)
        self._watches[node].look([sock for sock in node.entered if not sock.is_closed])

    def _look_at(self, deposition: Deposition, topology: Any) -> None:
        """Note when the map shows that a node lost its role, and check that it is cut (Rule 3)."""
        now, shards = self._run.loop.rounds, topology.shards
        if deposition.seen_in is None:
            deposition.was_believed = deposition.was_believed or deposition.old.address in shards
            if deposition.was_believed and deposition.new.address in shards and deposition.old.address not in shards:
                deposition.seen_in = now
                deposition.last_socket = len(self._run.faults.sockets)
                self._run.note("the map shows", deposition.new.address, "for", deposition.old.address)
        elif deposition.seen_in + AT_ONCE < now < deposition.seen_in + 20:
            for sock in self._entered():
                server = sock.session.server
                if server is deposition.old and sock.number <= deposition.last_socket and sock.is_in_use:
                    raise Broken(f"{server.address} lost its role, and connection {sock.number} to it was not cut")

    def _entered(self) -> Iterator[SimSocket]:
        for node in made:
            yield from (sock for sock in node.entered if not sock.is_closed)
