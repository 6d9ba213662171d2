"""A cluster of scripted nodes that share one map, for behaviour that a healthy cluster cannot be made to show.

Rule 1: the names are those of ``ClusterServers``, so that a test of one can be read beside a test of the other.
Rule 2: a change happens at once and for all nodes, but for those that believe a view of their own.
Rule 3: no method waits for a node, so each may be called by any thread, handlers too.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from respool._facts.slots import SLOTS, slot_of
from respool.testing._fake_cluster_node import FakeClusterNode
from respool.testing._fake_view import FakeMember, FakeView
from respool.testing._script import Script
from respool.testing._slot_moves import shares
from respool.testing._wait import wait_until

if TYPE_CHECKING:
    from respool.testing._actions import Reply
    from respool.testing._fake_routing import Flavor
    from respool.testing._fake_store import Store


class FakeCluster:
    """Scripted nodes on free ports of 127.0.0.1 that act as a cluster.

    ``primaries``  how many nodes there are with slots: they share them equally.
    ``replicas``   how many replicas each of them has.

    ``flavor``     whose habits: ``"valkey"`` (9) or ``"redis"`` (7). In a transaction Redis 7 refuses a key that is
                   being migrated when it is queued, Valkey 9 when EXEC runs; a blocked command of a demoted primary
                   ends in UNBLOCKED in Redis 7, in MOVED in Valkey 9.

    The nodes answer CLUSTER SLOTS, SHARDS, NODES, INFO and MYID from one map, ``view``. They redirect commands as
    servers do (MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN, ASKING, READONLY, MULTI), and run these on keys of their
    own: GET, SET (NX, XX), INCR, INCRBY, APPEND, DEL, UNLINK, EXISTS, TOUCH, MGET, MSET, LPUSH, RPUSH, LPOP, LLEN,
    BLPOP, DBSIZE, FLUSHALL. Give replies to others with ``on``, or script one node: each is a ``FakeNode``.

        with FakeCluster(primaries=3) as cluster:
            owner = cluster.owner_of("key")
            other = cluster.primaries[0]
            owner.once("GET", Close())  # one node hangs up, once
            cluster.move_slots(cluster.slot_of("key"), other)
            ...                         # a client at cluster.url
            assert cluster.count("CLUSTER SLOTS") == 1

    A node can be stopped and started, paused and resumed. The others do not notice: ``failover`` promotes a replica.
    """

    def __init__(self, primaries: int = 3, replicas: int = 0, *, flavor: Flavor = "valkey") -> None:
        if primaries < 1 or replicas < 0:
            raise ValueError(f"a cluster has 1 primary or more and 0 replicas or more, not {primaries} and {replicas}")
        if flavor not in ("valkey", "redis"):
            raise ValueError(f"flavor is 'valkey' or 'redis', not {flavor!r}")
        self._primaries = primaries
        self.flavor: Flavor = flavor
        self._lock = threading.RLock()
        self._script = Script(handshake=False, resp2_only=False, default=None)
        self._view = FakeView((), ())
        self._nodes = [self._node() for _ in range(primaries * (1 + replicas))]

    def __repr__(self) -> str:
        return f"<FakeCluster of {len(self._nodes)} nodes>"

    # The nodes -----------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[FakeClusterNode]:
        """All nodes, stopped ones too: those that were primaries at first, then their replicas, then added ones."""
        return list(self._nodes)

    @property
    def view(self) -> FakeView:
        """The cluster's map, a value: it stays what it is when the cluster changes."""
        return self._view

    @property
    def primaries(self) -> list[FakeClusterNode]:
        """The nodes that are primaries, with slots or without, by the cluster's map."""
        return [node for node in self._nodes if (member := self.view.member(node.id)) and not member.primary]

    @property
    def url(self) -> str:
        """``redis+cluster://host:port,host:port``: all nodes."""
        return "redis+cluster://" + ",".join(f"{node.host}:{node.port}" for node in self._nodes)

    def replicas_of(self, node: FakeClusterNode) -> list[FakeClusterNode]:
        """Return the replicas of a primary, by the cluster's map."""
        return [self._known(member.id) for member in self.view.replicas(node.id)]

    def owner_of(self, key_or_slot: bytes | str | int) -> FakeClusterNode:
        """Return the node that has a slot (an int) or the slot of a key. Raises ``LookupError`` if nobody has it."""
        slot = key_or_slot if isinstance(key_or_slot, int) else self.slot_of(key_or_slot)
        if not 0 <= slot < SLOTS:
            raise ValueError(f"slot must be 0 to {SLOTS - 1}, not {slot}")
        owner = self.view.owner(slot)
        if owner is None:
            raise LookupError(f"no node owns slot {slot}")
        return self._known(owner.id)

    @staticmethod
    def slot_of(key: bytes | str) -> int:
        """Return the slot of a key."""
        return slot_of(key)

    # Starting and stopping -----------------------------------------------------------------------------

    def start(self) -> Self:
        """Start all nodes, and return the cluster. After ``stop`` it is the same again: ports, map, keys, records."""
        try:
            for node in self._nodes:
                node.start()
        except BaseException:
            self.stop()
            raise
        if not self.view.members:
            self._view = self._first_view()
        return self

    def stop(self) -> None:
        """Stop all nodes. Calling it again does nothing. Raises the first error that a handler raised."""
        with ExitStack() as ends:  # all of them, even if one raises
            for node in self._nodes:
                ends.callback(node.stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        except BaseException:
            if kind is None:  # else the test has failed already, with an error of its own
                raise

    # Replies and records -------------------------------------------------------------------------------

    def on(self, name: str, reply: Reply) -> None:
        """Let every node know a command, with this reply, from now on.

        Unlike ``node.on``, which has the first word, this is a command like those that the nodes know by themselves:
        it is redirected by its keys, queued behind MULTI, and answered by EXEC (then the reply must be bytes, or a
        function that returns bytes).
        """
        with self._lock:
            self._script.on(name, reply)

    def count(self, name: str) -> int:
        """Return how many commands that begin with these words (``"CLUSTER SLOTS"``) all nodes have received."""
        return sum(len(node.calls(name)) for node in self._nodes)

    def wait_for(self, name: str, count: int = 1, timeout: float = 5.0) -> int:
        """Wait until all nodes together have received ``count`` such commands, and return how many they have.

        Raises ``TimeoutError`` after ``timeout`` seconds. This blocks its thread: in an async test write ``await
        asyncio.to_thread(cluster.wait_for, "GET")``.
        """
        try:
            return wait_until(lambda: found if (found := self.count(name)) >= count else 0, timeout)
        except TimeoutError as late:
            raise TimeoutError(f"{self.count(name)} of {count} {name} after {timeout:g} s") from late

    # Changing it ---------------------------------------------------------------------------------------

    def believe(self, view: FakeView) -> None:
        """Make this the cluster's map: ``cluster.believe(cluster.view.announcing(host=None))``.

        No keys are moved. To let one node see another map, call its own ``believe``.
        """
        with self._lock:
            self._view = view
        for node in self._nodes:
            node._settle()

    def failover(self, node: FakeClusterNode) -> FakeClusterNode:
        """Let a replica of this primary take over, one epoch later, and return the replica.

        The old primary becomes a replica; if it is stopped, one that has failed. For one that hangs and does not know
        of it, call ``node.pause()`` and ``node.believe(cluster.view)`` before.
        """
        with self._lock:
            replica = next((each for each in self.replicas_of(node) if each.is_awake), None)
            if replica is None:
                raise LookupError(f"{node!r} has no replica that could take over")
            view = self.view.promoting(replica.id).marking(node.id, failed=node._loop is None)
            self.believe(view)
        return replica

    def move_slots(self, slots: int | Iterable[int], to: FakeClusterNode) -> None:
        """Give slots with their keys to another primary, at once, one epoch later: one slot (an int) or many."""
        wanted = {slots} if isinstance(slots, int) else set(slots)
        with self._lock:
            view = self.view.giving(wanted, self._member(to).id)
            for node in self.primaries:
                own = [slot for slot in wanted if (owner := self.view.owner(slot)) and owner.id == node.id]
                if node is not to and own:
                    self._move_keys(node._store.keys_in(own), node, to)
            self.believe(replace(view, epoch=view.epoch + 1))

    def begin_migration(self, slot: int, to: FakeClusterNode, *, moved: Sequence[bytes | str] = ()) -> None:
        """Begin to move a slot, and move only the keys ``moved`` of it.

        Until ``finish_migration(slot)`` the owner answers ASK for keys that it has not, and TRYAGAIN for commands with
        keys here and there.
        """
        with self._lock:
            source = self.owner_of(slot)
            if source is to:
                raise ValueError(f"{to!r} owns slot {slot} already: name another node")
            self._move_keys([key.encode() if isinstance(key, str) else key for key in moved], source, to)
            self.believe(replace(self.view, leaving={**self.view.leaving, slot: self._member(to).id}))

    def finish_migration(self, slot: int) -> None:
        """Move the keys that are left of a slot whose migration has begun, and make its target its owner."""
        with self._lock:
            target = self.view.leaving.get(slot)
            if target is None:
                raise ValueError(f"slot {slot} is not being moved: call begin_migration({slot}, to) first")
            self.move_slots(slot, self._known(target))

    def add_node(self, replica_of: FakeClusterNode | None = None) -> FakeClusterNode:
        """Start one more node, a primary without slots or a replica of ``replica_of``, and return it."""
        node = self._node()
        node.start()
        with self._lock:
            primary = "" if replica_of is None else self._member(replica_of).id
            if replica_of is not None:
                node._store.become(replica_of._store)
            self._nodes.append(node)
            self.believe(self.view.joining(FakeMember(node.id, node.host, node.port, primary)))
        return node

    def remove_node(self, node: FakeClusterNode) -> None:
        """Stop a node that owns no slot, and let the others forget it."""
        with self._lock:
            if any(owner == node.id for _, _, owner in self.view.ranges):
                raise ValueError(f"{node!r} owns slots: give them to another node first, with move_slots")
            self._nodes.remove(node)
            self.believe(self.view.leaving_out(node.id))
        node.stop()

    # For the nodes -------------------------------------------------------------------------------------

    def _stores_behind(self, node_id: str) -> Iterable[Store]:
        """Return the keys of a primary's replicas."""
        return [self._known(member.id)._store for member in self.view.replicas(node_id)]

    def _primary_store(self, node_id: str) -> Store | None:
        """Return the keys of a replica's primary, or None for a primary."""
        member = self.view.member(node_id)
        return self._known(member.primary)._store if member is not None and member.primary else None

    def _came_back(self, node_id: str) -> None:
        """Mark a node that was started as one that has not failed."""
        with self._lock:
            if (member := self.view.member(node_id)) is not None and member.failed:
                self.believe(self.view.marking(node_id, failed=False))

    def _node(self) -> FakeClusterNode:
        return FakeClusterNode(self, secrets.token_hex(20))

    def _first_view(self) -> FakeView:
        primaries, replicas = self._nodes[: self._primaries], self._nodes[self._primaries :]
        members = [FakeMember(node.id, node.host, node.port) for node in primaries]
        for index, node in enumerate(replicas):
            primary = primaries[index % self._primaries].id
            members.append(FakeMember(node.id, node.host, node.port, primary))
        ranges = [(first, last, node.id) for node, (first, last) in zip(primaries, shares(len(primaries)), strict=True)]
        return FakeView(tuple(members), tuple(ranges), epoch=self._primaries)

    def _known(self, node_id: str) -> FakeClusterNode:
        node = next((node for node in self._nodes if node.id == node_id), None)
        if node is None:
            raise LookupError(f"{node_id} is in the map, but none of the cluster's nodes")
        return node

    def _member(self, node: FakeClusterNode) -> FakeMember:
        member = self.view.member(node.id)
        if member is None:
            raise LookupError(f"{node!r} is not in the cluster's map: add_node() makes new nodes")
        return member

    def _move_keys(self, keys: Iterable[bytes], source: FakeClusterNode, to: FakeClusterNode) -> None:
        there = [key for key in keys if key in source._store]
        for store in (to._store, *self._stores_behind(to.id)):
            store.copy(source._store, there)
        for store in (*self._stores_behind(source.id), source._store):
            for key in there:
                store.put(key, None)
