"""The model of a cluster: the truth, which its nodes learn with a delay, and the copying of data to replicas.

    event -> publish(view) -> each node adopts it, sooner or later
    write -> Entry -> each replica, sooner or later

Rule 1: views come one after another, each with a higher epoch if somebody's slots have changed. A node always adopts
        the newest, unless nobody reaches it.
Rule 2: replicas get the writes of their primary in order. What a replica has not got when it is promoted is lost, and
        so is what its predecessor executes from then on (``Entry.is_lost``). Nothing else is ever lost.
Rule 3: a slot is moved only while both shards are well, and each key at once with all of its copies. So a move loses
        nothing, whatever happens to its nodes later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from respool._facts.slots import SLOTS, slot_of
from respool.testing._fake_routing import Flavor
from respool.testing._fake_view import FakeMember, FakeView

from ..loop import World
from ..server import Garble, Server
from .node import Entry, Node

PORT: Final = 7000


@dataclass
class Lags:
    """How long a replica is behind, and how long a node takes to learn a new view; in seconds, at most."""

    replication: float = 0.001
    gossip: float = 0.02


@dataclass
class Deposition:
    """A primary that lost its role to one of its replicas."""

    old: Node
    new: Node
    #: Whether the pool's map has shown the old one as a primary since then.
    was_believed: bool = False
    #: The first round after which the pool's map showed the new one, and the number of the last connection made until then.
    seen_in: int | None = None
    last_socket: int = 0


class Cluster:
    """All nodes, and what is true. It also stands for the one server of ``Books``: counts are those of all nodes."""

    def __init__(
        self,
        world: World,
        chance: Random,
        note: Callable[..., None],
        *,
        shards: int,
        replicas: int,
        flavor: Flavor,
        lags: Lags,
        serves_stale: bool,
        knows_resp3: bool,
    ) -> None:
        self.world = world
        self.chance = chance
        self.note = note
        self.flavor = flavor
        self.lags = lags
        self.serves_stale = serves_stale
        self.knows_resp3 = knows_resp3
        self.executed: Counter[bytes] = Counter()
        self.increments: Counter[bytes] = Counter()
        self.lost_increments: Counter[bytes] = Counter()
        #: The writes that carried each token.
        self.entries: dict[bytes, list[Entry]] = {}
        #: How often each value of a counter was an answer.
        self.counted: Counter[tuple[bytes, int]] = Counter()
        self.garbled: list[Garble] = []
        self.asked_again: list[list[bytes]] = []
        self.insisted: list[list[bytes]] = []
        self.complaints: list[str] = []
        self.views_given = 0
        self.depositions: list[Deposition] = []
        #: Slots on the move: the ids of the primaries that they come from and go to.
        self.moves: dict[int, tuple[str, str]] = {}
        self._members = 0
        self.nodes: dict[str, Node] = {}
        self.by_address: dict[Any, Node] = {}
        self._nobody = Server(world, chance)
        self._nobody.mode = "refuse"
        self.view = self._first_view(shards, replicas)
        for member in self.view.members:
            self.add(member)
        for node in self.nodes.values():
            node.adopt()

    def _first_view(self, shards: int, replicas: int) -> FakeView:
        primaries = [self.new_member() for _ in range(shards)]
        members = list(primaries)
        for primary in primaries:
            members += [self.new_member(primary.id) for _ in range(replicas)]
        edges = [SLOTS * number // shards for number in range(shards + 1)]
        ranges = [(edges[at], edges[at + 1] - 1, primary.id) for at, primary in enumerate(primaries)]
        return FakeView(tuple(members), tuple(ranges))

    def new_member(self, primary: str = "") -> FakeMember:
        """Return a node with an address that no other has had."""
        self._members += 1
        return FakeMember(f"{self._members:040x}", f"10.0.0.{self._members}", PORT + self._members, primary)

    def add(self, member: FakeMember) -> Node:
        """Start a node."""
        node = self.nodes[member.id] = self.by_address[member.host, member.port] = Node(self, member)
        node.knows_resp3 = self.knows_resp3
        return node

    def at(self, address: Any) -> Server:
        """Return what answers at an address."""
        return self.by_address.get(tuple(address[:2]), self._nobody)

    @property
    def commands(self) -> int:
        return sum(node.commands for node in self.nodes.values())

    # Who has what ------------------------------------------------------------------------------------

    def owner(self, slot: int) -> Node:
        member = self.view.owner(slot)
        assert member is not None
        return self.nodes[member.id]

    def owner_of(self, key: bytes) -> Node:
        return self.owner(slot_of(key))

    def primaries(self) -> list[Node]:
        """Return the primaries that have slots."""
        return [self.nodes[owner] for owner in dict.fromkeys(owner for _, _, owner in self.view.ranges)]

    def replicas(self, primary: Node) -> list[Node]:
        return [self.nodes[member.id] for member in self.view.replicas(primary.id)]

    def is_well(self, primary: Node) -> bool:
        """Whether all nodes of a shard are reached."""
        return not primary.is_deposed and all(node.is_reached for node in (primary, *self.replicas(primary)))

    def leaving_of(self, node: Node) -> dict[int, str]:
        """Return the slots on the move that concern a node's shard, as its view may have them."""
        mine = {node.id, *(member.primary for member in self.view.members if member.id == node.id)}
        return {slot: target for slot, (source, target) in self.moves.items() if mine & {source, target}}

    # Views -------------------------------------------------------------------------------------------

    def publish(self, view: FakeView, *, first: Iterable[Node] = (), soon: Iterable[Node] = ()) -> None:
        """Make a view the newest; ``first`` adopt it now, ``soon`` within milliseconds, the others some time later."""
        self.view = view
        now, quickly = list(first), list(soon)
        for node in now:
            node.adopt()
        for node in list(self.nodes.values()):
            if node not in now:
                most = 0.005 if node in quickly else self.lags.gossip
                self.world.after(most * self.chance.random(), self._gossip, node)

    def _gossip(self, node: Node) -> None:
        if node.is_reached:
            node.adopt()

    def mend(self, node: Node) -> None:
        """Let a node learn what has happened while it was away, some milliseconds later."""
        self.world.after(self.chance.uniform(0.003, 0.009), self._mended, node)

    def _mended(self, node: Node) -> None:
        if not node.is_reached:
            return
        node.adopt()
        for replica in [node, *self.replicas(node)]:
            for _ in replica.incoming:
                self._ship_later(replica)
        member = self.view.member(node.id)
        if member is not None and member.failed:
            self.publish(self.view.marking(node.id, failed=False))

    # Copies ------------------------------------------------------------------------------------------

    def replicate(self, node: Node, key: bytes) -> None:
        """Note a write of a primary, and send it to its replicas."""
        entry = Entry(node, key, node.data[0].get(key), counts=node.is_counting)
        for token in node.tokens:
            self.entries.setdefault(token, []).append(entry)
        if node.is_deposed:
            self._lose(entry)
            return
        for replica in self.nodes.values():
            if replica.upstream is node:
                replica.incoming.append(entry)
                self._ship_later(replica)

    def _ship_later(self, replica: Node) -> None:
        self.world.after(self.lags.replication * self.chance.random(), self._ship, replica)

    def _ship(self, replica: Node) -> None:
        upstream = replica.upstream
        if replica.incoming and upstream is not None and upstream.is_reached and replica.is_reached:
            _apply(replica, replica.incoming.popleft())

    def flush(self, primary: Node) -> None:
        """Let the replicas of a primary have everything now."""
        for replica in self.nodes.values():
            while replica.upstream is primary and replica.incoming:
                _apply(replica, replica.incoming.popleft())

    def sync(self, node: Node, primary: Node) -> None:
        """Make a node a replica with all data of its primary."""
        for key in {*node.data[0], *primary.data[0]}:
            Server.touch(node, 0, key)
        node.data[0] = {key: list(v) if isinstance(v, list) else v for key, v in primary.data[0].items()}
        node.incoming.clear()
        node.upstream = primary

    def _lose(self, entry: Entry) -> None:
        entry.is_lost = True
        self.lost_increments[entry.key] += entry.counts

    # Changes -----------------------------------------------------------------------------------------

    def promote(self, replica: Node, *, is_planned: bool) -> None:
        """Make a replica the primary of its shard."""
        old = replica.upstream
        assert old is not None
        if is_planned:
            self.flush(old)
        for entry in replica.incoming:
            self._lose(entry)
        replica.incoming.clear()
        replica.upstream = None
        old.is_deposed = True
        self.depositions.append(Deposition(old, replica))
        for slot, (source, target) in self.moves.items():
            self.moves[slot] = _heir(source, old, replica), _heir(target, old, replica)
        view = self.view.promoting(replica.id).marking(replica.id, failed=False)
        if not is_planned:
            view = view.marking(old.id, failed=True)
        self.note("promoted", replica.address, "for", old.address, "planned" if is_planned else "")
        self.publish(view, first=[replica, old] if is_planned else [replica])

    def begin_move(self, slot: int, target: Node) -> None:
        source = self.owner(slot)
        self.moves[slot] = source.id, target.id
        for node in (target, *self.replicas(target), source, *self.replicas(source)):
            node.adopt()

    def keys_in(self, node: Node, slots: set[int]) -> list[bytes]:
        return [key for key in node.data[0] if slot_of(key) in slots]

    def move_keys(self, keys: Iterable[bytes], source: Node, target: Node) -> None:
        """Move keys with all of their copies."""
        self.flush(source)
        self.flush(target)
        for key in keys:
            target.data[0][key] = source.data[0].pop(key)
            source.touch(0, key)
            target.touch(0, key)
        self.flush(source)
        self.flush(target)
        target.serve_blocked()

    def give(self, slots: Iterable[int], source: Node, target: Node, *, at_once: bool) -> None:
        """Give slots to another primary, with their keys."""
        given = set(slots)
        self.move_keys(self.keys_in(source, given), source, target)
        for slot in given:
            self.moves.pop(slot, None)
        view = replace(self.view.giving(given, target.id), epoch=self.view.epoch + 1)
        self.note("moved", len(given), "slots from", source.address, "to", target.address, "at once" if at_once else "")
        self.publish(view, first=[target, source] if at_once else [target], soon=[source])


def _apply(replica: Node, entry: Entry) -> None:
    if entry.value is None:
        replica.data[0].pop(entry.key, None)
    else:
        replica.data[0][entry.key] = list(entry.value) if isinstance(entry.value, list) else entry.value
    Server.touch(replica, 0, entry.key)


def _heir(node_id: str, old: Node, new: Node) -> str:
    return new.id if node_id == old.id else node_id
