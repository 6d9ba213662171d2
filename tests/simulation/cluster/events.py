"""What happens to the cluster itself in a run, by name: moves of slots, failovers, partitions, nodes that come and go.

Rule 1: an event that cannot happen now (its shard is not well, the cluster is too small) does not happen.
Rule 2: every trouble ends by itself. ``heal`` ends all of them, and the moves in progress end soon after that.
Rule 3: a primary that nobody reaches for ``timeout`` or a little longer is replaced by one of its replicas, if one is
        reached then. If it comes back before that, it remains the primary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

from respool._facts.slots import SLOTS, slot_of

from ..loop import World
from ..network import SimSocket
from .model import Cluster
from .node import Node

#: How long a node that was removed from the cluster goes on before it is stopped.
FAREWELL: Final = 10.0


class Events:
    """Causes the events of the plan. ``keys``: those whose slots are moved most often."""

    def __init__(
        self,
        world: World,
        cluster: Cluster,
        chance: Random,
        note: Callable[..., None],
        *,
        timeout: float,
        pace: float,
        keys: list[bytes],
        sockets: list[SimSocket],
    ) -> None:
        self._world = world
        self._cluster = cluster
        self._chance = chance
        self._note = note
        self._timeout = timeout
        self._pace = pace
        self._keys = keys
        self._sockets = sockets
        self._is_over = False
        self.happened = 0

    def schedule(self, events: list[tuple[float, str]]) -> None:
        for when, name in events:
            self._world.after(when, self._happen, name)

    def _happen(self, name: str) -> None:
        if not self._is_over:
            self.happened += 1
            self._note("event", name)
            getattr(self, f"_{name}")()

    def heal(self) -> None:
        """End every trouble, and cause no more."""
        self._is_over = True
        self._pace = 0.005
        for node in list(self._cluster.nodes.values()):
            if not (node.is_reached or node.is_gone):
                self._come_back(node, node.troubles)

    # Who ---------------------------------------------------------------------------------------------

    def _shard(self) -> Node | None:
        """Return the primary of a shard that is well."""
        well = [primary for primary in self._cluster.primaries() if self._cluster.is_well(primary)]
        return self._chance.choice(well) if well else None

    def _shards(self) -> tuple[Node, Node] | None:
        """Return the primaries of two shards that are well: one that will give slots to the other."""
        well = [primary for primary in self._cluster.primaries() if self._cluster.is_well(primary)]
        if len(well) < 2:
            return None
        slot = slot_of(self._chance.choice(self._keys))
        source = self._cluster.owner(slot)
        if source not in well:
            source = self._chance.choice(well)
        return source, self._chance.choice([primary for primary in well if primary is not source])

    def _replica(self, primary: Node) -> Node | None:
        """Return a replica that can take over."""
        replicas = [node for node in self._cluster.replicas(primary) if node.is_reached and node.upstream is primary]
        return self._chance.choice(replicas) if replicas else None

    # Slots -------------------------------------------------------------------------------------------

    def _move(self) -> None:
        """Move a slot key by key: until it is done, there are ASK and TRYAGAIN."""
        if (pair := self._shards()) is None:
            return
        source, target = pair
        mine = [slot for key in self._keys if self._cluster.owner(slot := slot_of(key)) is source]
        slot = self._chance.choice(mine) if mine else self._chance.randrange(SLOTS)
        if slot in self._cluster.moves or self._cluster.owner(slot) is not source:
            return
        self._note("moving slot", slot, "from", source.address, "to", target.address)
        self._cluster.begin_move(slot, target)
        self._later(slot)

    def _later(self, slot: int) -> None:
        self._world.after(self._pace * self._chance.random(), self._step, slot)

    def _step(self, slot: int) -> None:
        """Move one key, or end the move."""
        if slot not in self._cluster.moves:
            return
        source, target = (self._cluster.nodes[each] for each in self._cluster.moves[slot])
        if not (self._cluster.is_well(source) and self._cluster.is_well(target)):
            self._world.after(0.05, self._step, slot)
            return
        keys = self._cluster.keys_in(source, {slot})
        if self._chance.random() < 0.7:
            if keys:
                self._cluster.move_keys([self._chance.choice(keys)], source, target)
            self._later(slot)
        else:
            self._cluster.give([slot], source, target, at_once=False)

    def _move_at_once(self) -> None:
        """Move a range of slots in one step, as Valkey 9 can."""
        if (pair := self._shards()) is None:
            return
        source, target = pair
        mine = [slot for slot in self._slots_of(source) if slot not in self._cluster.moves]
        if mine:
            count = min(len(mine), self._chance.choice((1, 100, 3000)))
            first = self._chance.randrange(len(mine) - count + 1)
            self._cluster.give(mine[first : first + count], source, target, at_once=True)

    def _slots_of(self, primary: Node) -> list[int]:
        ranges = [(first, last) for first, last, owner in self._cluster.view.ranges if owner == primary.id]
        return [slot for first, last in ranges for slot in range(first, last + 1)]

    # Coming and going --------------------------------------------------------------------------------

    def _replica_joins(self) -> None:
        if (primary := self._shard()) is not None:
            member = self._cluster.new_member(primary.id)
            self._cluster.view = self._cluster.view.joining(member)
            node = self._cluster.add(member)
            self._cluster.publish(self._cluster.view, first=[node, primary])

    def _replica_leaves(self) -> None:
        if (primary := self._shard()) is not None and (replica := self._replica(primary)) is not None:
            self._forget([replica], of=primary)

    def _shard_joins(self) -> None:
        """Add a primary, which takes half of another one's slots."""
        primary = self._shard()
        if primary is None or self._is_moving(primary) or len(self._cluster.primaries()) > 5:
            return
        member = self._cluster.new_member()
        self._cluster.view = self._cluster.view.joining(member)
        node = self._cluster.add(member)
        slots = self._slots_of(primary)
        self._cluster.give(slots[: (len(slots) + 1) // 2], primary, node, at_once=True)

    def _shard_leaves(self) -> None:
        """Give all slots of a primary to another one, and remove it some time later."""
        if (pair := self._shards()) is None or len(self._cluster.primaries()) < 3:
            return
        source, target = pair
        if not self._is_moving(source):
            nodes = [source, *self._cluster.replicas(source)]
            self._cluster.give(self._slots_of(source), source, target, at_once=True)
            self._world.after(self._chance.choice((0.01, 0.3, 2.0)), self._forget, nodes)

    def _is_moving(self, primary: Node) -> bool:
        return any(primary.id in pair for pair in self._cluster.moves.values())

    def _forget(self, nodes: list[Node], of: Node | None = None) -> None:
        """Remove nodes from the cluster, and stop them later."""
        view = self._cluster.view
        if of is None and any(owner == node.id for _, _, owner in view.ranges for node in nodes):
            return  # it has slots again
        for node in nodes:
            view = view.leaving_out(node.id)
            node.upstream = None
            node.is_gone = True
            self._world.after(FAREWELL, partial(node.stop, "refuse", politely=True))
        self._note("forgotten", *(node.address for node in nodes))
        self._cluster.publish(view, first=[] if of is None else [of])

    # Trouble -----------------------------------------------------------------------------------------

    def _planned(self) -> None:
        if (primary := self._shard()) is not None and (replica := self._replica(primary)) is not None:
            self._cluster.promote(replica, is_planned=True)

    def _crash(self) -> None:
        if (node := self._shard()) is not None:
            self._go_down(node)

    def _replica_crashes(self) -> None:
        if (primary := self._shard()) is not None and (node := self._replica(primary)) is not None:
            self._go_down(node)

    def _go_down(self, node: Node) -> None:
        node.is_down = True
        node.stop(self._chance.choice(("refuse", "silent")), politely=False)
        self._expect(node)

    def _hang(self) -> None:
        """Stop a primary as SIGSTOP does."""
        if (node := self._shard()) is not None:
            node.is_hung = True
            self._expect(node)

    def _isolate(self) -> None:
        """Cut a primary off from the other nodes, and perhaps from us too."""
        if (node := self._shard()) is None:
            return
        node.is_isolated = True
        self._expect(node)
        self._world.after(self._timeout * self._chance.uniform(1.0, 1.2), self._give_in, node, node.troubles)
        if self._chance.random() < 0.4:
            self._note("out of our reach", node.address)
            node.mode = "silent"
            for sock in self._links(node):
                sock.black_hole()

    def _links(self, node: Node) -> list[SimSocket]:
        return [sock for sock in self._sockets if sock.session is not None and sock.session.server is node]

    def _expect(self, node: Node) -> None:
        """Plan how a trouble goes on: the node is replaced, or comes back, whatever is first."""
        node.troubles += 1
        self._note("trouble", node.address, "down" if node.is_down else "hung" if node.is_hung else "isolated")
        self._world.after(self._timeout * self._chance.uniform(1.0, 1.4), self._replace, node, node.troubles)
        seconds = self._timeout * self._chance.choice((0.1, 0.8, 2.0, 2.0, 5.0, 30.0))
        self._world.after(seconds, self._come_back, node, node.troubles)

    def _is_still(self, node: Node, trouble: int) -> bool:
        return node.troubles == trouble and not node.is_reached and not node.is_gone

    def _give_in(self, node: Node, trouble: int) -> None:
        """Let a node in a minority find that its cluster is down."""
        if self._is_still(node, trouble):
            node.turn("fail")

    def _replace(self, node: Node, trouble: int) -> None:
        if not self._is_still(node, trouble):
            return
        if node in self._cluster.primaries():
            replica = self._replica(node)
            if replica is not None:
                self._cluster.promote(replica, is_planned=False)
        else:
            self._cluster.publish(self._cluster.view.marking(node.id, failed=True))

    def _come_back(self, node: Node, trouble: int) -> None:
        if not self._is_still(node, trouble):
            return
        self._note("back", node.address)
        if node.is_down:
            node.is_down = False
            node.turn("fail")
            node.start(loading=0.0 if self._is_over else self._chance.choice((0.0, 0.0, 0.05, 1.0)))
        elif node.is_isolated:
            node.is_isolated = False
            if node.mode == "silent":
                node.start()
            for sock in self._links(node):
                sock.thaw()
        else:
            node.wake_up()
        self._cluster.mend(node)
