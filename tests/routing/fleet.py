"""A simulation of many clients of one large cluster: how often do they ask for its map?

    PYTHONPATH=src:tests python -m routing.fleet --clients 1000 --nodes 1000

Rule 1: the machines are the real ones: each client is a ``Refresh`` with its ``Topology``. Time, the network and the
        servers are made up; nothing sleeps, and a seed decides everything.
Rule 2: half of the nodes are primaries, and each has a replica. A node that is down refuses connections, so clients
        hear of it within ``HEARD``. Nodes learn of a promotion within ``GOSSIP``.
Rule 3: a probe is answered with a MOVED once the node that it was sent to knows of the promotion.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from respool._facts.server_records import SlotNode, SlotRange
from respool._facts.slots import SLOTS
from respool._routing.refresh import Ask, Probe, Refresh
from respool._routing.topology import Address, Topology, View, ViewRefused, read_view

#: Seconds. A round trip, until a client hears that a node is down, and until a node hears of a promotion.
TRIP: Final = (0.001, 0.02)
HEARD: Final = 0.1
GOSSIP: Final = 0.2
#: Seconds from the beginning, when every client has its map, to the first event, and from there to the end.
REST: Final = 100.0
WATCHED: Final = 120.0


class Fleet:
    """A cluster, its clients, and what the clients asked."""

    def __init__(self, clients: int, nodes: int, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.asked: list[tuple[float, Address]] = []
        self.probed: list[float] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._down: set[Address] = set()
        half = nodes // 2
        #: The nodes of each shard: its primary and its replica, in the order of their roles.
        self.shards = [[_address(place), _address(half + place)] for place in range(half)]
        self._views: list[tuple[float, View]] = []  # since when, and what nodes say then
        self._know_after = {address: self.random.uniform(0.0, GOSSIP) for shard in self.shards for address in shard}
        self._publish()
        self.clients = [Client(self, number) for number in range(clients)]

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something happen at a time."""
        heappush(self._events, (when, next(self._numbers), what))

    def run(self, until: float) -> None:
        """Let happen what happens until a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heappop(self._events)
            what()
        self.now = until

    # The cluster -------------------------------------------------------------------------------------------

    def view_of(self, address: Address) -> View | None:
        """Return what a node says of the cluster now; None if it is down."""
        if address in self._down:
            return None
        known = self.now - self._know_after[address]
        return next((view for since, view in reversed(self._views) if since <= known), self._views[0][1])

    def fail(self, address: Address) -> None:
        """Stop a node. Every client has connections to it, and finds them closed."""
        self._down.add(address)
        self._tell_all(lambda client: client.refresh.unreachable(address))

    def restart(self, address: Address) -> None:
        """Start a node again."""
        self._down.discard(address)
        self._tell_all(lambda client: client.refresh.reachable(address))

    def promote(self, place: int) -> None:
        """Let the replica of a shard take the place of its primary."""
        self.shards[place].reverse()
        self._publish()

    def _tell_all(self, tell: Callable[[Client], None]) -> None:
        for client in self.clients:
            self.at(self.now + self.random.uniform(0.0, HEARD), lambda client=client: client.hear(tell))

    def _publish(self) -> None:
        ranges = []
        for place, addresses in enumerate(self.shards):
            first, behind = SLOTS * place // len(self.shards), SLOTS * (place + 1) // len(self.shards)
            nodes = [SlotNode(host, port, f"id of {host}", {}) for host, port in addresses]
            ranges.append(SlotRange(first, behind - 1, nodes))
        info = {"cluster_current_epoch": len(self._views) + 1}
        self._views.append((self.now, read_view(ranges, asked=self.shards[0][0], known={}, info=info)))


class Client:
    """One client of the cluster: the machines of a pool, driven as a pool drives them."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self.fleet = fleet
        self.topology = Topology()
        self.refresh = Refresh(self.topology, [fleet.shards[0][0]], 0.0)
        self._wakes = 0
        (ask,) = self.refresh.due(0.0, fleet.random.random)
        view = fleet.view_of(fleet.shards[0][0])
        assert view is not None
        # Clients have started one after another, long ago: their timers are spread over the period.
        self.refresh.answered(ask, view, 0.0, fleet.random.random())
        period = self.refresh.next_at()
        self.refresh._timer_at = fleet.random.uniform(0.0, period)
        self.refresh._began_at = -period
        self.sleep()

    def hear(self, tell: Callable[[Client], None]) -> None:
        """Let the client hear something."""
        tell(self)
        self.sleep()

    def sleep(self) -> None:
        """Wake up when there is something to do."""
        self._wakes += 1
        turn = self._wakes
        at = max(min(self.refresh.next_at(), self.refresh.next_probe_at()), self.fleet.now)
        if at < float("inf"):
            self.fleet.at(at, lambda: self._work() if turn == self._wakes else None)

    def _work(self) -> None:
        fleet = self.fleet
        for ask in self.refresh.due(fleet.now, fleet.random.random):
            fleet.asked.append((fleet.now, ask.address))
            fleet.at(fleet.now + fleet.random.uniform(*TRIP), lambda ask=ask: self._answered(ask))
        probe = self.refresh.due_probe(fleet.now, fleet.random.random())
        if probe is not None:
            fleet.probed.append(fleet.now)
            fleet.at(fleet.now + fleet.random.uniform(*TRIP), lambda probe=probe: self._found(probe))
        self.sleep()

    def _answered(self, ask: Ask) -> None:
        fleet = self.fleet
        view = fleet.view_of(ask.address)
        if view is None:
            self.refresh.failed(ask, fleet.now, fleet.random.random())
        else:
            try:
                self.refresh.answered(ask, view, fleet.now, fleet.random.random())
            except ViewRefused:
                pass  # it is older than what this client knows: the round goes on
        self.sleep()

    def _found(self, probe: Probe) -> None:
        view = self.fleet.view_of(probe.address)
        owner = None if view is None else view.table[probe.slot]
        if owner is not None and owner != self.topology.table[probe.slot]:
            self.topology.moved(probe.slot, owner, self.fleet.now)
            self.refresh.moved(owner)
        self.sleep()


# What happens, and what is counted ---------------------------------------------------------------------------


@dataclass
class Counts:
    """What a fleet asked from the first event on, or in as much time of quiet."""

    name: str
    clients: int
    asked: int = 0
    #: The most in one second, and the most that one node was asked in one second.
    peak: int = 0
    peak_of_node: int = 0
    probes: int = 0
    peak_of_probes: int = 0
    #: For each client, seconds from the promotion until it sends its commands to the new primary.
    learned: list[float] = field(default_factory=list)

    @property
    def each_second(self) -> float:
        return self.asked / WATCHED

    @property
    def each(self) -> float:
        """How often each client asked."""
        return self.asked / self.clients


def watch_quiet(clients: int, nodes: int) -> Counts:
    """Nothing happens."""
    fleet = Fleet(clients, nodes)
    fleet.run(REST + WATCHED)
    return _counted("quiet", fleet)


def watch_failover(clients: int, nodes: int, seconds: float = 3.0) -> Counts:
    """A primary dies, and its replica is promoted ``seconds`` later."""
    fleet = Fleet(clients, nodes)
    fleet.run(REST)
    place = len(fleet.shards) // 2
    lost, heir = fleet.shards[place]
    slot = fleet.clients[0].topology.table.index(lost)
    fleet.fail(lost)
    fleet.run(REST + seconds)
    fleet.promote(place)
    learned: list[float] = []
    waiting = list(fleet.clients)
    while waiting and fleet.now < REST + WATCHED:
        fleet.run(fleet.now + 0.01)
        there = [client for client in waiting if client.topology.table[slot] == heir]
        learned += [fleet.now - REST - seconds] * len(there)
        waiting = [client for client in waiting if client not in there]
    fleet.run(REST + WATCHED)
    counts = _counted(f"a primary dies, promotion after {seconds:g} s", fleet)
    counts.learned = learned
    return counts


def watch_flapping(clients: int, nodes: int, period: float = 4.0) -> Counts:
    """A primary is gone for half of each ``period``, and comes back before its replica is promoted."""
    fleet = Fleet(clients, nodes)
    fleet.run(REST)
    address = fleet.shards[len(fleet.shards) // 2][0]
    while fleet.now < REST + WATCHED:
        fleet.fail(address)
        fleet.run(fleet.now + period / 2)
        fleet.restart(address)
        fleet.run(fleet.now + period / 2)
    return _counted(f"a primary flaps, {period / 2:g} s of every {period:g} s", fleet)


def _counted(name: str, fleet: Fleet) -> Counts:
    asked = [(at, address) for at, address in fleet.asked if at >= REST]
    probes = [at for at in fleet.probed if at >= REST]
    return Counts(
        name,
        len(fleet.clients),
        asked=len(asked),
        peak=_most(int(at - REST) for at, _ in asked),
        peak_of_node=_most((int(at - REST), address) for at, address in asked),
        probes=len(probes),
        peak_of_probes=_most(int(at - REST) for at in probes),
    )


def _most(of: Iterable[object]) -> int:
    return max(Counter(of).values(), default=0)


def _address(number: int) -> Address:
    return f"10.0.{number // 250}.{number % 250 + 1}", 6379


def table(rows: Iterable[Counts]) -> str:
    """Return the counts as text."""
    head = ("", "SLOTS/s", "peak/s", "of one node", "each client", "probes, peak/s", "learned, last")
    lines = [f"{head[0]:<40}" + "".join(f"{word:>16}" for word in head[1:])]
    for row in rows:
        learned = f"{max(row.learned):.2f} s" if row.learned else "-"
        cells = (f"{row.each_second:.1f}", row.peak, row.peak_of_node, f"{row.each:.2f}", row.peak_of_probes, learned)
        lines.append(f"{row.name:<40}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate a fleet of clients of one cluster.")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=1000)
    size = parser.parse_args()
    print(f"{size.clients} clients of a cluster of {size.nodes} nodes, {WATCHED:g} s from the event on")
    print(table([watch(size.clients, size.nodes) for watch in (watch_quiet, watch_failover, watch_flapping)]))


if __name__ == "__main__":
    main()
