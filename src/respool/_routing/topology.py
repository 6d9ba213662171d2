"""The map of a cluster: which node has which slots, and what changed since the map before.

    CLUSTER SLOTS -> read_view -> View -> Topology.take  -> Change
                                   MOVED -> Topology.moved -> Change

Rule 1: a node is its address: the one to dial. An announced host that is missing or empty is the host of the connection
        that the answer came over. ``?`` stands for the ip in the metadata, else for the address that the node's id had
        in the map before; without either the node cannot be used. The user's ``remap`` has the last word on every
        address, those in redirections too.
Rule 2: over TLS an ip is checked against the host name that the node announces beside it.
Rule 3: a view is checked before it is believed. Refused are: no slots (a seed outside of any cluster), ranges that
        overlap or do not exist, no primary that can be used; and, once there is a map: a node that calls the cluster
        down or has an older epoch (a minority), and a view without one node of ours (another cluster, at an address
        that was ours). With ``start_over`` the last three do not count, and nothing of the old map is kept.
Rule 4: slots that a view lacks keep their owner, and are ``unserved``. An owner that is a replica now does not.
Rule 5: a MOVED counts at once and for its slot. It beats a view that was asked for before it was heard. One that names
        a replica of the slot's primary shows a failover: the replica takes over all slots of the shard.
Rule 6: a primary has lost its role if it is a replica now, or is gone and a slot of its went to a node that was no
        primary before. Its connections must be cut at once: a primary that hangs acknowledges writes that are lost as
        soon as it goes on. One that is gone after other primaries took its slots has only left: it may drain.

Times are absolute seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from itertools import compress
from operator import ne
from typing import Any, Final, NamedTuple, TypeAlias

from respool._facts.cluster_options import as_address
from respool._facts.errors import UsageError, UsageTypeError
from respool._facts.option_types import Address, Remap
from respool._facts.server_records import SlotNode, SlotRange
from respool._facts.slots import SLOTS

#: The address of each slot's primary.
Table: TypeAlias = list[Address | None]

_PORTS: Final = range(1, 65536)


class ViewRefused(Exception):
    """A view of the cluster is not believed. The text says whose, why, and what to do."""


class Node(NamedTuple):
    """A node of a cluster."""

    address: Address
    #: Empty if only a MOVED has named the node so far.
    id: str = ""
    #: The name to check a certificate against, if it is not the host of ``address``.
    tls_name: str | None = None
    zone: str | None = None


class Shard(NamedTuple):
    """A primary and its replicas."""

    primary: Node
    replicas: tuple[Node, ...] = ()


class View(NamedTuple):
    """What one node says of the cluster."""

    table: Table
    shards: dict[Address, Shard]
    #: The ids of all its nodes.
    ids: frozenset[str]
    #: The current epoch of the node that was asked; None if it was not asked for it.
    epoch: int | None
    #: False if the node calls the cluster down.
    is_ok: bool
    asked: Address


class Change(NamedTuple):
    """What is different between two maps."""

    #: Nodes that were not there before.
    joined: tuple[Node, ...] = ()
    #: Nodes that are not there any more: no new work for them. Those in ``lost_role`` too are cut, others drain.
    left: tuple[Node, ...] = ()
    #: Primaries whose connections must be cut at once (Rule 6).
    lost_role: tuple[Node, ...] = ()
    #: Primaries that were replicas: their connections must be renewed, for they were made for reading.
    promoted: tuple[Node, ...] = ()
    #: Replicas that were none.
    new_replicas: tuple[Node, ...] = ()
    #: Slots with another primary, or none, or one again.
    moved: frozenset[int] = frozenset()

    @property
    def is_empty(self) -> bool:
        return not any(self)


def address_of(host: str | None, port: int, *, asked: Address, remap: Remap | None = None) -> Address | None:
    """Return the address to dial for one that a server announces; None if it cannot be used (Rule 1).

    ``asked`` is the address of the connection over which the announcement came.
    """
    if host == "?" or port not in _PORTS:
        return None
    host = host or asked[0]
    return (host, port) if remap is None else remapped(remap, (host, port))


def remapped(remap: Remap, address: Address) -> Address:
    """Return what the user's ``remap`` makes of an address. Raises UsageError unless that is a host and a port."""
    try:
        dialed = remap(*address)
    except Exception as error:
        raise UsageError(f"remap must return (host, port) for {address!r}, and raised {error!r}") from error
    try:
        return as_address(dialed)
    except UsageError:
        raise UsageTypeError(f"remap must return (host, port), and made {dialed!r} of {address!r}") from None


def read_view(
    ranges: Iterable[SlotRange],
    *,
    asked: Address,
    known: Mapping[str, Node],
    info: Mapping[str, Any] | None = None,
    remap: Remap | None = None,
) -> View:
    """Read the answer to CLUSTER SLOTS, and to CLUSTER INFO if it was asked for. Raises ViewRefused.

    ``asked`` is the address of the connection, ``known`` the nodes of the map before, by id.
    """
    table: Table = [None] * SLOTS
    taken = bytearray(SLOTS)
    shards: dict[Address, Shard] = {}
    ids: set[str] = set()
    for start, end, nodes in ranges:
        if not 0 <= start <= end < SLOTS or not nodes:
            raise _refused(asked, f"gives slots {start} to {end} to {len(nodes)} nodes", "check its cluster")
        if any(taken[start : end + 1]):
            raise _refused(asked, f"gives slots between {start} and {end} to two nodes", "check its cluster")
        taken[start : end + 1] = b"\x01" * (end + 1 - start)
        ids.update(node.id for node in nodes)
        primary, *replicas = [_node(node, asked, known, remap) for node in nodes]
        if primary is not None:
            there = {node.address: node for node in replicas if node is not None}
            shards[primary.address] = Shard(primary, tuple(there.values()))
            table[start : end + 1] = [primary.address] * (end + 1 - start)
    if not ids:
        raise _refused(asked, "knows no slots, so it is in no cluster", "give the address of a node that is in one")
    if not shards:
        why = "does not say at which address any primary is"
        raise _refused(asked, why, "set cluster-announce-hostname or cluster-announce-ip on the servers")
    info = info or {}
    epoch = info.get("cluster_current_epoch")
    is_ok = info.get("cluster_state", "ok") == "ok"
    return View(table, _tidy(table, shards), frozenset(ids), epoch, is_ok, asked)


def difference(before: tuple[Table, dict[Address, Shard]], after: tuple[Table, dict[Address, Shard]]) -> Change:
    """Return what is different between two maps, each given as its table and its shards."""
    (old_table, old_shards), (table, shards) = before, after
    old_replicas, replicas = _replicas(old_shards), _replicas(shards)
    old_nodes = {address: shard.primary for address, shard in old_shards.items()} | old_replicas
    nodes = {address: shard.primary for address, shard in shards.items()} | replicas
    moved = frozenset(compress(range(SLOTS), map(ne, old_table, table)))  # in C: it is done for every view
    replaced = {old_table[slot] for slot in moved if table[slot] not in old_shards}
    return Change(
        joined=tuple(node for address, node in nodes.items() if address not in old_nodes),
        left=tuple(node for address, node in old_nodes.items() if address not in nodes),
        lost_role=tuple(
            shard.primary
            for address, shard in old_shards.items()
            if address in replicas or (address not in shards and address in replaced)
        ),
        promoted=tuple(shard.primary for address, shard in shards.items() if address in old_replicas),
        new_replicas=tuple(node for address, node in replicas.items() if address not in old_replicas),
        moved=moved,
    )


class Topology:
    """The map that is believed. Only this class changes it."""

    __slots__ = ("_moved_at", "_owners", "epoch", "shards", "table", "unserved")

    def __init__(self) -> None:
        self.table: Table = [None] * SLOTS
        #: By the primary's address. A primary whose slots were all moved stays here until the next view.
        self.shards: dict[Address, Shard] = {}
        #: Slots that no node served when the latest view was asked for (Rule 4).
        self.unserved: set[int] = set()
        #: The highest epoch seen.
        self.epoch = 0
        self._moved_at: dict[int, float] = {}  # when slots were last heard of in a MOVED
        self._owners: set[Address | None] | None = None  # who has slots, once somebody wanted to know

    def owner(self, slot: int) -> Shard | None:
        """Return the shard of a slot; None if no node is known to have it."""
        address = self.table[slot]
        return None if address is None else self.shards[address]

    def has_slots(self, address: Address) -> bool:
        """Tell whether a node is the primary of a slot."""
        if self._owners is None:
            self._owners = set(self.table)
        return address in self._owners

    @property
    def nodes(self) -> dict[Address, Node]:
        """All nodes, by address."""
        return {address: shard.primary for address, shard in self.shards.items()} | _replicas(self.shards)

    @property
    def by_id(self) -> dict[str, Node]:
        """All nodes whose id is known, by id."""
        return {node.id: node for node in self.nodes.values() if node.id}

    def is_ours(self, view: View) -> bool:
        """Tell whether a view is one of the cluster that the map shows; true as long as there is no map."""
        known = self.by_id
        return not known or not view.ids.isdisjoint(known)

    def take(self, view: View, asked_at: float, *, start_over: bool = False) -> Change:
        """Believe a view that was asked for at ``asked_at``, and return what changed. Raises ViewRefused (Rule 3).

        It must not be older than the view before. ``start_over``: no node of the old map can be reached, so this may be
        another cluster.
        """
        if self.shards and not start_over:
            self._check(view)
        newer = {} if start_over else {slot: at for slot, at in self._moved_at.items() if at >= asked_at}
        table = view.table.copy()
        for slot in newer:
            table[slot] = self.table[slot]
        unserved = {slot for slot, owner in enumerate(table) if owner is None} if None in table else set()
        if not start_over:
            replicas = _replicas(view.shards)
            for slot in unserved:
                if (owner := self.table[slot]) not in replicas:
                    table[slot] = owner
        change = self._replace(table, view.shards | {a: s for a, s in self.shards.items() if a not in view.shards})
        self._moved_at = newer
        self.unserved = unserved
        if view.epoch is not None:
            self.epoch = view.epoch if start_over else max(self.epoch, view.epoch)
        return change

    def moved(self, slot: int, address: Address, now: float) -> Change:
        """Believe a MOVED that was heard at ``now``, and return what changed (Rule 5).

        ``slot`` must be one, and ``address`` one to dial, as ``address_of`` returns it.
        """
        self._moved_at[slot] = now
        self.unserved.discard(slot)
        before = self.table[slot]
        if before == address:
            return Change()
        if address in self.shards:  # by far the most frequent case: nothing is computed, and nothing copied
            self.table[slot] = address
            self._owners = None
            return Change(moved=frozenset((slot,)))
        shards = self.shards.copy()
        table = self.table.copy()
        table[slot] = address
        node = self.nodes.get(address, Node(address))
        shards[address] = Shard(node)
        if before is not None and node in shards[before].replicas:
            shards[address] = Shard(node, shards.pop(before).replicas)
            for each, owner in enumerate(table):
                if owner == before:
                    table[each] = address
                    self._moved_at[each] = now
                    self.unserved.discard(each)
        return self._replace(table, shards, keep=shards)

    def _check(self, view: View) -> None:
        if not self.is_ours(view):
            raise _refused(view.asked, "shows no node of this cluster", "check whether its address is in use elsewhere")
        if not view.is_ok:
            raise _refused(view.asked, "says that the cluster is down", "check whether it reaches the other nodes")
        if view.epoch is not None and view.epoch < self.epoch:
            why = f"is at epoch {view.epoch} while others are at {self.epoch}"
            raise _refused(view.asked, why, "check whether it reaches the other nodes")

    def _replace(self, table: Table, shards: dict[Address, Shard], keep: Iterable[Address] = ()) -> Change:
        """Make this the map, with the shards that have slots and those to ``keep``."""
        after = table, _tidy([*table, *keep], shards)
        change = difference((self.table, self.shards), after)
        self.table, self.shards = after
        self._owners = None
        return change


def _node(node: SlotNode, asked: Address, known: Mapping[str, Node], remap: Remap | None) -> Node | None:
    """Return a node that a view names; None if it cannot be used (Rule 1)."""
    host = node.endpoint
    if host == "?":
        host = node.metadata.get("ip") or "?"
    address = address_of(host, node.port, asked=asked, remap=remap)
    if address is None:
        return known.get(node.id)
    name = node.metadata.get("hostname") or None
    zone = node.metadata.get("availability-zone") or None
    return Node(address, node.id, name if _is_ip(address[0]) else None, zone)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _replicas(shards: Mapping[Address, Shard]) -> dict[Address, Node]:
    return {node.address: node for shard in shards.values() for node in shard.replicas}


def _tidy(owners: Iterable[Address | None], shards: dict[Address, Shard]) -> dict[Address, Shard]:
    """Return the shards of the owners. A primary is no replica, and a replica has one primary: the first."""
    primaries = set(owners)
    seen = primaries.copy()
    tidy = {}
    for address, (primary, replicas) in shards.items():
        if address in primaries:
            mine = {node.address: node for node in replicas if node.address not in seen}
            seen.update(mine)
            tidy[address] = Shard(primary, tuple(mine.values()))
    return tidy


def _refused(asked: Address, why: str, advice: str) -> ViewRefused:
    return ViewRefused(f"{asked[0]}:{asked[1]} {why}; {advice}")
