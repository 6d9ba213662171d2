# Written once: respool/_sync/routing/slot_map.py is generated from this file.
"""The map of a cluster in use: who serves each slot, and the nodes that follow from it.

    Change -> nodes opened, cut, retired -> table, readers

Rule 1: ``table`` has a ``Serving`` for each slot, or ``NOWHERE``. The hot path reads it without a lock.
Rule 2: the map changes under ``members.lock``. What follows from a change (closing, waking) is done after that, by
        ``settle``.
Rule 3: a node that lost its role is cut; one that left, or whose role changed otherwise, is retired (``topology``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from respool._async.node.serving import Serving
from respool._async.node.shared_lane import NoLane
from respool._async.node.slot_watch import SlotWatch
from respool._async.routing.members import Members
from respool._async.routing.readers import Readers
from respool._async.shell.compat import Gate
from respool._facts.cluster_options import ClusterOptions
from respool._facts.option_types import Address
from respool._facts.slots import SLOTS
from respool._facts.standing import Standing
from respool._routing.topology import Change, Shard, Topology


class Nowhere:
    """Stands for the node of a slot that no node serves."""

    address = None
    shared = NoLane()


NOWHERE: Final[Any] = Nowhere()


class SlotMap:
    """Who serves each slot. ``notice`` is called with a node whose connections may have changed."""

    def __init__(self, options: ClusterOptions, members: Members, notice: Callable[[Serving], None]) -> None:
        """Begin without a map."""
        self.options = options
        self.members = members
        self.topology = Topology()
        #: Who serves each slot.
        self.table: list[Any] = [NOWHERE] * SLOTS
        #: Who may answer reads of each slot; None if only primaries do.
        self.readers: list[Readers | None] | None = None
        if options.read_from != "primary":
            self.readers = [None for _ in range(SLOTS)]
        #: Opens when the map has changed; then there is another one.
        self.gate = Gate()
        #: How often each slot has changed its node.
        self.versions: list[int] = [0] * SLOTS
        #: Makes what the leases of a node ask about slots. The cluster sets it before it starts.
        self.watch_for: Callable[[Serving], SlotWatch] | None = None
        self._shards: dict[Address, Readers] = {}
        self._notice = notice
        self._steps: list[Callable[[], None]] = []  # what follows from changes of the map

    @property
    def is_known(self) -> bool:
        """Whether there is a map."""
        return bool(self.topology.shards)

    def primaries(self) -> list[Serving]:
        """Return all primaries."""
        servings = self.members.servings
        return [servings[address] for address in list(self.topology.shards) if address in servings]

    # Changes. Call these with the lock held, and ``settle`` after that. --------------------------------

    def apply(self, change: Change) -> None:
        """Open, cut and retire nodes as a change of the map says, then rewrite the table."""
        if change.is_empty:
            return
        members, topology = self.members, self.topology
        cut = {node.address for node in change.lost_role}
        for address in cut.union(node.address for node in (*change.promoted, *change.new_replicas, *change.left)):
            serving = members.servings.get(address)
            if serving is not None:
                members.leave(serving)
                self._steps.append(partial(members.cut if address in cut else members.retire, serving))
        for address in topology.shards:
            self.open(address)
        for slot in change.moved:
            owner = topology.table[slot]
            if self.table[slot].address in cut:
                self.table[slot].heir = owner
            self.table[slot] = NOWHERE if owner is None else members.servings[owner]
            self.versions[slot] += 1
        if self.readers is not None:
            self._regroup(change, self.readers)
        self._steps.append(self.wake)

    def _regroup(self, change: Change, readers: list[Readers | None]) -> None:
        table = self.topology.table
        if len(change.moved) < sum(map(len, change)):  # nodes have changed, not slots alone
            self._shards = {address: self._make_readers(shard) for address, shard in self.topology.shards.items()}
            readers[:] = [None if owner is None else self._shards[owner] for owner in table]
        for slot in change.moved:
            owner = table[slot]
            readers[slot] = None if owner is None else self._shards[owner]

    def _make_readers(self, shard: Shard) -> Readers:
        """Open the replicas of a shard, and group all nodes that may answer reads."""
        members, zone = self.members, self.options.zone
        primary = self.open(shard.primary.address)
        nodes = [(node, self.open(node.address)) for node in shard.replicas]
        near = [serving for node, serving in nodes if zone is not None and node.zone == zone]
        far = [serving for _, serving in nodes if serving not in near]
        is_near = zone is not None and shard.primary.zone == zone
        if self.options.read_from == "any":
            (near if is_near else far).append(primary)
        groups = [near, [primary], far] if is_near else [near, far]
        stall_after = self.options.stall_after
        return Readers(primary, groups, now=members.now, chance=members.chance, stall_after=stall_after)

    def open(self, address: Address) -> Serving:
        """Return the node with an address, opened if it is not yet."""
        serving = self.members.servings.get(address)
        if serving is None:
            node = self.topology.nodes.get(address)
            standing = Standing(
                in_cluster=True,
                readonly=node is not None and address not in self.topology.shards,
                tls_name=None if node is None else node.tls_name,
            )
            serving = self.members.open(address, self.options.for_node(address, standing), self._notice)
            serving.leases.slots = None if self.watch_for is None else self.watch_for(serving)
        return serving

    def drop_strangers(self) -> None:
        """Retire what is no node of the map: seeds have other names there."""
        nodes = self.topology.nodes
        for address, serving in list(self.members.servings.items()):
            if address not in nodes:
                self._steps.append(partial(self.members.retire, serving))

    def later(self, step: Callable[[], None]) -> None:
        """Let ``settle`` do something too."""
        self._steps.append(step)

    # Without the lock --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Do what follows from changes of the map."""
        while self._steps:
            try:
                step = self._steps.pop(0)
            except IndexError:  # another thread was quicker
                break
            step()
        self.members.alarm.set()

    def wake(self) -> None:
        """Wake all who wait for the map."""
        with self.members.lock:
            gate, self.gate = self.gate, Gate()
        gate.open()
