"""A real cluster of Redis or Valkey nodes, for the length of a ``with`` block.

Rule 1: every node is a ``Server``, and ends as a ``Server`` does. This file adds what only a cluster has.
Rule 2: nothing is remembered about who owns what: the nodes are asked. Only the ids of the nodes are kept.
Rule 3: a method that changes the cluster returns when every running node knows of the change.
Rule 4: a node that starts refuses commands for its first two seconds (the server's rule). All nodes start at once, and
        the cluster is formed meanwhile.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from respool._facts.slots import SLOTS
from respool.testing._binary import Binary, find_binary
from respool.testing._cluster_view import Known, View, read_view
from respool.testing._server import Server
from respool.testing._server_config import quoted
from respool.testing._slot_moves import SlotMoves, begin_atomic_move, shares, trouble_of_atomic_move
from respool.testing._wait import wait_settled, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from respool.testing._server_config import Setting

# Seconds. Longer than any change takes: a promotion takes about three on an idle machine.
AGREE_TIMEOUT: Final = 30.0
POLL: Final = 0.01
NODE_TIMEOUT: Final = 2000  # milliseconds


class ClusterNode(Server):
    """A ``Server`` that is a node of a cluster. ``id`` is what the cluster calls it, once it has been started."""

    id: str = ""

    def start(self) -> Self:
        """Start the node as a ``Server`` starts. It has the same id as before, and the same slots, but no keys."""
        super().start()
        self.id = self.command("CLUSTER", "MYID").decode()
        return self

    @property
    def is_awake(self) -> bool:
        """Whether the process is running, and not paused."""
        return self.is_running and not self.is_paused

    def view(self) -> View:
        """Return what the node knows about all nodes."""
        return read_view(self.command("CLUSTER", "NODES"))


class ClusterServers:
    """A real cluster on free ports of 127.0.0.1: ``primaries`` nodes with all slots, and ``replicas`` of each.

    ``binary``, ``username``, ``password`` and ``config`` are those of ``Server`` and apply to every node:
    ``config={"cluster-node-timeout": 500, "cluster-databases": 16}``. Unless the test says otherwise, the node timeout
    is 2000 ms, and a primary that gives its last slot away stays a primary.

        with ClusterServers(primaries=3, replicas=1) as cluster:
            owner = cluster.owner_of("key")
            owner.kill()  # a node can do what a Server can: start, pause, command
            cluster.wait_agreed()  # a replica has been promoted
            assert cluster.owner_of("key") is not owner

    It starts in two to three seconds. It may be used by one thread at a time, and needs no event loop.
    Methods that wait raise ``TimeoutError``, and say what is missing. Needs Redis 7 or any Valkey.
    """

    def __init__(
        self,
        primaries: int = 3,
        replicas: int = 1,
        *,
        binary: str | os.PathLike[str] | None = None,
        username: str | None = None,
        password: str | None = None,
        config: Mapping[str, Setting] | None = None,
    ) -> None:
        if primaries < 1 or replicas < 0:
            raise ValueError(f"a cluster has 1 primary or more and 0 replicas or more, not {primaries} and {replicas}")
        self._primaries = primaries
        self._replicas = replicas
        self._binary = binary
        self._username = username
        self._password = password
        self._config: dict[str, Setting] = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": NODE_TIMEOUT,
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": 0,
            **(config or {}),
        }
        if password is not None:
            self._config["masterauth"] = quoted(password)
        if username is not None:
            self._config["masteruser"] = quoted(username)
        self._nodes: list[ClusterNode] = []

    def __repr__(self) -> str:
        return f"<ClusterServers of {len(self._nodes)} nodes>"

    # The nodes -----------------------------------------------------------------------------------------

    @property
    def binary(self) -> Binary:
        """The binary: its path, flavor (``"valkey"`` or ``"redis"``) and version, as in ``(9, 1, 2)``."""
        return find_binary(None if self._binary is None else os.fspath(self._binary))

    @property
    def nodes(self) -> list[ClusterNode]:
        """All nodes, dead ones too: those that were started as primaries, then their replicas, then added ones."""
        return list(self._nodes)

    @property
    def primaries(self) -> list[ClusterNode]:
        """The nodes that are primaries now, whether they own slots or not, as the first node awake sees it.

        A node that the cluster has found to have failed is none.
        """
        return self._seen(lambda known: known.is_primary)

    @property
    def url(self) -> str:
        """``redis+cluster://host:port,host:port``: all nodes, with the user and the password if there are any."""
        userinfo = self._nodes[0].userinfo if self._nodes else ""
        return f"redis+cluster://{userinfo}" + ",".join(f"{node.host}:{node.port}" for node in self._nodes)

    def replicas_of(self, node: ClusterNode) -> list[ClusterNode]:
        """Return the replicas of a primary. One that the cluster has found to have failed is left out."""
        return self._seen(lambda known: known.primary == node.id)

    def owner_of(self, key_or_slot: bytes | str | int) -> ClusterNode:
        """Return the node that owns a slot (an int) or the slot of a key, as the first node awake sees it.

        Raises ``LookupError`` if nobody owns it.
        """
        slot = key_or_slot if isinstance(key_or_slot, int) else self.slot_of(key_or_slot)
        if not 0 <= slot < SLOTS:
            raise ValueError(f"slot must be 0 to {SLOTS - 1}, not {slot}")
        found = self._seen(lambda known: known.owns(slot))
        if not found:
            raise LookupError(f"no node owns slot {slot}, or the one that does has failed")
        return found[0]

    def slot_of(self, key: bytes | str) -> int:
        """Return the slot of a key."""
        return int(self._awake()[0].command("CLUSTER", "KEYSLOT", key))

    # Starting and stopping -----------------------------------------------------------------------------

    def start(self) -> Self:
        """Start all nodes, form the cluster, wait until it is agreed, and return it. Does nothing if it was started.

        Raises what ``Server.start`` raises, and ``TimeoutError``.
        """
        if self._nodes:
            return self
        nodes = self._nodes = [self._node() for _ in range(self._primaries * (1 + self._replicas))]
        primaries, replicas = nodes[: self._primaries], nodes[self._primaries :]
        try:
            with ThreadPoolExecutor(len(nodes)) as threads:
                list(threads.map(ClusterNode.start, nodes))
            for epoch, (node, (first, last)) in enumerate(zip(primaries, shares(self._primaries), strict=True), 1):
                # Epochs that differ, so that no two primaries must settle which of them is the newer one.
                node.command("CLUSTER", "SET-CONFIG-EPOCH", epoch)
                node.command("CLUSTER", "ADDSLOTSRANGE", first, last)
            for index, node in enumerate(nodes):
                self._introduce(node, nodes[index + 1 :])
            for index, node in enumerate(replicas):
                self._replicate(node, primaries[index % self._primaries])
            self.wait_agreed()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all nodes and remove their files. ``start()`` makes a new cluster. Calling it again does nothing."""
        with ExitStack() as ends:  # all of them, even if ending one fails
            for node in self._nodes:
                ends.callback(node.stop)
            self._nodes = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_agreed(self, timeout: float = AGREE_TIMEOUT) -> None:
        """Wait until all nodes that are awake see the same cluster, and it is whole.

        It is whole if every slot has an owner that is awake, every replica is linked to its primary, and of the
        others the cluster knows that they have failed. Raises ``TimeoutError``, which says what is missing.
        """
        self._wait(self._doubt, timeout)

    # Changing it ---------------------------------------------------------------------------------------

    def add_node(self, replica_of: ClusterNode | None = None) -> ClusterNode:
        """Start one more node, a primary without slots or a replica of ``replica_of``; return it when all know it."""
        node = self._node()
        known = self._awake()
        self._nodes.append(node)
        try:
            self._introduce(node.start(), known)
            if replica_of is not None:
                self._replicate(node, replica_of)
        except BaseException:
            self._nodes.remove(node)
            node.stop()
            raise
        self.wait_agreed()
        return node

    def remove_node(self, node: ClusterNode) -> None:
        """Stop a node that owns no slot, and let the others forget it."""
        if any(known.slots for known in self._known() if known.id == node.id):
            raise ValueError(f"{node!r} owns slots: give them to another node first, with move_slots")
        self._nodes.remove(node)
        node.stop()
        for other in self._awake():
            other.command("CLUSTER", "FORGET", node.id)
        self.wait_agreed()

    def failover(self, node: ClusterNode) -> ClusterNode:
        """Let a replica of this primary take over (``CLUSTER FAILOVER``), and return the replica.

        Both nodes must be awake. No write is lost. To see what an outage does, ``kill()`` or ``pause()`` the node.
        """
        replica = next((each for each in self.replicas_of(node) if each.is_awake), None)
        if replica is None:
            raise LookupError(f"{node!r} has no replica that could take over")
        wait_until(lambda: _is_linked(replica), AGREE_TIMEOUT, interval=POLL)
        replica.command("CLUSTER", "FAILOVER")
        self._wait(lambda: self._unless_all_see(lambda view: view.nodes[replica.id].is_primary), AGREE_TIMEOUT)
        self.wait_agreed()
        return replica

    def move_slots(self, slots: int | Iterable[int], to: ClusterNode, *, atomic: bool = False) -> None:
        """Give slots with their keys to another primary: one slot (an int) or many, whoever owns them.

        They are moved one by one (``CLUSTER SETSLOT``, ``MIGRATE``), during which clients see ASK and TRYAGAIN; with
        ``atomic``, by Valkey 9 itself (``CLUSTER MIGRATESLOTS``), which raises ``RuntimeError`` if that fails.
        """
        wanted = {slots} if isinstance(slots, int) else set(slots)
        leaving = {}
        for known in self._known():
            source = next((node for node in self._nodes if node.id == known.id), None)
            if source not in (None, to) and (owned := sorted(slot for slot in wanted if known.owns(slot))):
                leaving[source] = owned
        if atomic:
            self._move_atomically(leaving, to)
        else:
            with SlotMoves(self._databases) as moves:
                for source, each in leaving.items():
                    others = [node for node in self.primaries if node.is_awake and node not in (source, to)]
                    for slot in each:
                        moves.begin(slot, source, source.id, to, to.id)
                        moves.finish(slot, source, to, to.id, others)
        self._wait_owned(wanted, to)

    def begin_migration(self, slot: int, to: ClusterNode, *, moved: Sequence[bytes | str] = ()) -> None:
        """Begin to move a slot, and move only the keys ``moved`` of it (database 0).

        Until ``finish_migration(slot)`` the owner answers ASK for keys that it has not, and TRYAGAIN for commands
        with keys here and there.
        """
        source = self.owner_of(slot)
        if source is to:
            raise ValueError(f"{to!r} owns slot {slot} already: name another node")
        with SlotMoves(self._databases) as moves:
            moves.begin(slot, source, source.id, to, to.id)
            if moved:
                moves.move_keys(source, to, moved)

    def finish_migration(self, slot: int) -> None:
        """Move the keys that are left of a slot whose migration has begun, and make its target its owner."""
        source = self.owner_of(slot)
        target = source.view().leaving.get(slot)
        to = next((node for node in self._nodes if node.id == target), None)
        if to is None:
            raise ValueError(f"slot {slot} is not being moved: call begin_migration({slot}, to) first")
        with SlotMoves(self._databases) as moves:
            others = [node for node in self.primaries if node.is_awake and node not in (source, to)]
            moves.finish(slot, source, to, to.id, others)
        self._wait_owned({slot}, to)

    def _wait_owned(self, slots: set[int], to: ClusterNode) -> None:
        """Wait until all nodes agree that ``to`` owns the slots."""
        self._wait(
            lambda: self._unless_all_see(lambda view: all(map(view.nodes[to.id].owns, slots))) or self._doubt(),
            AGREE_TIMEOUT,
        )

    # Asking the nodes ----------------------------------------------------------------------------------

    def _awake(self) -> list[ClusterNode]:
        awake = [node for node in self._nodes if node.is_awake]
        if not awake:
            raise RuntimeError("no node of this cluster is awake: start it, or resume a node")
        return awake

    def _known(self) -> Iterable[Known]:
        return self._awake()[0].view().nodes.values()

    def _seen(self, is_wanted: Callable[[Known], bool]) -> list[ClusterNode]:
        wanted = {known.id for known in self._known() if is_wanted(known) and not known.has_failed}
        return [node for node in self._nodes if node.id in wanted]

    def _unless_all_see(self, is_seen: Callable[[View], bool]) -> str:
        """Return an empty string if all nodes that are awake see it, else a sentence that names one that does not."""
        late = next((node for node in self._awake() if not is_seen(node.view())), None)
        return f"{late!r} does not see the change" if late else ""

    def _doubt(self) -> str:
        """Return what is missing for the cluster to be agreed, or an empty string."""
        awake = self._awake()
        ids = {node.id for node in awake}
        views = {node: node.view() for node in awake}
        first = views[awake[0]]
        for node, view in views.items():
            if b"cluster_state:ok" not in node.command("CLUSTER", "INFO"):
                return f"{node!r} says that the cluster is down"
            if view.nodes != first.nodes:
                return f"{node!r} and {awake[0]!r} do not see the same cluster"
            if not ids <= view.nodes.keys() or ids & view.unlinked:
                return f"{node!r} is not linked to all nodes"
        for known in first.nodes.values():
            if known.is_in_doubt or known.has_failed != (known.id not in ids):
                return f"node {known.id} is {', '.join(sorted(known.flags))}"
            if known.has_failed and known.slots:
                return f"node {known.id} has failed and owns slots"
        unlinked = next((node for node in awake if not first.nodes[node.id].is_primary and not _is_linked(node)), None)
        return f"{unlinked!r} is not linked to its primary" if unlinked else ""

    @staticmethod
    def _wait(doubt: Callable[[], str], timeout: float) -> None:
        wait_settled(doubt, timeout, "the cluster is not agreed")

    # Forming it ----------------------------------------------------------------------------------------

    @property
    def _databases(self) -> int:
        databases = self._config.get("cluster-databases", 1)
        return int(databases) if isinstance(databases, str | int) else int(databases[-1])

    def _node(self) -> ClusterNode:
        return ClusterNode(self._binary, username=self._username, password=self._password, config=self._config)

    @staticmethod
    def _introduce(node: ClusterNode, others: Iterable[ClusterNode]) -> None:
        with node.connect() as ask:
            for other in others:
                ask("CLUSTER", "MEET", other.host, other.port)

    @staticmethod
    def _replicate(node: ClusterNode, primary: ClusterNode) -> None:
        """Make a node a replica, once it knows the primary and is known by it."""
        wait_until(
            lambda: all(
                other.id in view.nodes and not view.nodes[other.id].is_in_doubt
                for view, other in ((node.view(), primary), (primary.view(), node))
            ),
            AGREE_TIMEOUT,
            interval=POLL,
        )
        node.command("CLUSTER", "REPLICATE", primary.id)

    def _move_atomically(self, leaving: Mapping[ClusterNode, list[int]], to: ClusterNode) -> None:
        if self.binary.flavor != "valkey" or self.binary.version < (9,):
            raise RuntimeError(f"atomic=True needs Valkey 9, and {self.binary.path} is another server: leave it out")
        for source, slots in leaving.items():
            begin_atomic_move(source, to.id, slots)

            def doubt(source: ClusterNode = source, slots: list[int] = slots) -> str:
                if trouble := trouble_of_atomic_move(source):
                    raise RuntimeError(f"{source!r} could not give its slots away: {trouble}")
                return self._unless_all_see(lambda view: all(view.nodes[to.id].owns(slot) for slot in slots))

            self._wait(doubt, AGREE_TIMEOUT)


def _is_linked(replica: Server) -> bool:
    return replica.info("replication").get("master_link_status") == "up"
