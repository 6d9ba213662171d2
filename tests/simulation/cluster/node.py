"""One node of the model cluster: a server that serves the slots it believes to have.

Rule 1: a node acts by its own view, which may be behind. What it answers to a command for other slots is decided by
        ``respool.testing``, as for scripted clusters: tests compare that with real servers.
Rule 2: a node that hangs accepts connections and keeps what arrives. When it wakes up it executes that first, and
        learns of its cluster later: so a deposed primary acknowledges writes that are lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from respool._facts.command import Spec, find_spec
from respool._facts.slots import slot_of
from respool.testing._fake_cluster_replies import reply as cluster_reply
from respool.testing._fake_routing import Situation, refusal
from respool.testing._fake_view import FakeMember, FakeView
from respool.testing._resp import encode

from ..server import Server, Session
from ..server_commands import COMMANDS, OK, WRITES, error

if TYPE_CHECKING:
    from .model import Cluster

STALE: Final = error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
DEMOTED: Final = error("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")


class Entry:
    """One write in the replication stream of a primary: a key and its new value; None: it was deleted."""

    __slots__ = ("counts", "is_lost", "key", "node", "value")

    def __init__(self, node: Node, key: bytes, value: Any, *, counts: bool) -> None:
        #: Where it was written.
        self.node = node
        self.key = key
        self.value = list(value) if isinstance(value, list) else value
        #: Whether it adds one to a counter.
        self.counts = counts
        #: Whether it was written at a primary in vain: its successor has never got it.
        self.is_lost = False


class NodeSession(Session):
    """A connection to a node of a cluster."""

    server: Node

    def renew(self) -> None:
        super().renew()
        self.is_readonly = False
        self.is_asking = False

    # Executing ---------------------------------------------------------------------------------------

    def _run(self, args: list[Any]) -> None:
        name = bytes(args[0]).upper()
        if (
            self.is_asking
            and self.transaction is None
            and name != b"MULTI"
            and not find_spec([bytes(arg) for arg in args]).key_rule
        ):
            self.server.cluster.complaints.append(f"ASKING was followed by {name!r}, to which it says nothing")
        super()._run(args)
        if name != b"ASKING" and self.transaction is None:
            self.is_asking = False

    def _refusal(self, name: str, args: list[Any]) -> bytes | None:
        return self._away(name, args) or super()._refusal(name, args)

    def _away(self, name: str, args: list[Any]) -> bytes | None:
        """Return the redirect for a command, or for EXEC with what was queued, that another node is to serve."""
        calls = [args]
        if name == "EXEC":
            calls = [] if self.is_spoilt else self.transaction or []
        answer = self._ask([[bytes(arg) for arg in call] for call in calls], is_exec=name == "EXEC")
        if answer is not None and name == "EXEC":
            self.transaction, self.watched = None, {}
        return answer

    def _ask(self, calls: list[list[bytes]], *, is_exec: bool) -> bytes | None:
        node = self.server
        found: list[tuple[Spec, Any]] = [(find_spec(call), call) for call in calls]
        if not any(spec.key_rule for spec, _ in found):
            return None
        situation = Situation(
            view=node.view,
            me=node.id,
            has=node.data[0],
            flavor=node.cluster.flavor,
            is_asking=self.is_asking,
            is_readonly=self.is_readonly,
            is_queueing=self.transaction is not None and not is_exec,
        )
        answer = refusal(found, situation)
        if answer is None and node.is_without_primary:
            return STALE
        return answer

    def call(self, name: str, args: list[Any]) -> Any:
        node = self.server
        node.tokens = [bytes(arg) for arg in args[1:] if bytes(arg).startswith(b"tok:")] if name in WRITES else []
        node.is_counting = name == "INCR"
        try:
            reply = super().call(name, args)
        finally:
            node.tokens, node.is_counting = [], False
        if name == "INCR" and reply[:1] == b":":
            node.cluster.counted[bytes(args[1]), int(reply[1:])] += 1
        return reply

    # Blocking, and hanging ---------------------------------------------------------------------------

    def kick(self, *, is_demoted: bool) -> None:
        """End the wait of a blocked client if its keys are at another node now."""
        assert self.waits_for is not None
        node = self.server
        call = [b"BLPOP", *self.waits_for[0], b"0"]
        asking = Situation(node.view, node.id, node.data[0], node.cluster.flavor, True, False, False)
        answer = refusal([(find_spec(call), call)], asking)
        if is_demoted and node.cluster.flavor == "redis":
            answer = DEMOTED
        if answer is not None and not answer.startswith((b"-ASK", b"-TRYAGAIN")):
            self._unblock(answer)

    def _pump(self) -> None:
        if not self.server.is_hung:
            super()._pump()

    def _finish_slowly(self) -> None:
        if self.server.is_hung:
            self._is_busy = False  # what it was about to run is still in the queue
            return
        super()._finish_slowly()

    def _give_up(self, block: int) -> None:
        if self.server.is_hung:
            self.server.world.after(0.05, self._give_up, block)
            return
        super()._give_up(block)

    def wake_up(self) -> None:
        self._pump()


class Node(Server):
    """A node. ``is_down``, ``is_hung`` and ``is_isolated`` are set by ``events``."""

    session_type = NodeSession

    def __init__(self, cluster: Cluster, member: FakeMember) -> None:
        super().__init__(cluster.world, cluster.chance)
        self.cluster = cluster
        self.id = member.id
        self.address = (member.host or "", member.port)
        self.executed, self.increments = cluster.executed, cluster.increments
        self.view: FakeView = cluster.view
        self.is_down = self.is_hung = self.is_isolated = self.is_gone = False
        #: Grows with each trouble, so that what was planned for an earlier one is called off.
        self.troubles = 0
        #: Whether another node has taken its place, and it does not know.
        self.is_deposed = False
        self.was_replica = bool(member.primary)
        #: The primary that it copies, and what has not arrived yet.
        self.upstream: Node | None = None
        self.incoming: deque[Entry] = deque()
        self.tokens: list[bytes] = []
        self.is_counting = False

    @property
    def member(self) -> FakeMember:
        """This node, as its own view has it."""
        member = self.view.member(self.id)
        assert member is not None
        return member

    @property
    def is_reached(self) -> bool:
        """Whether it and the majority of the others hear of each other."""
        return not (self.is_down or self.is_hung or self.is_isolated or self.is_gone)

    @property
    def is_without_primary(self) -> bool:
        """Whether it refuses reads because it has lost its primary."""
        if self.cluster.serves_stale or not self.member.primary:
            return False
        return self.is_isolated or self.upstream is None or not self.upstream.is_reached

    def touch(self, db: int, key: bytes) -> None:
        super().touch(db, key)
        if not self.member.primary:
            self.cluster.replicate(self, key)

    # Learning ----------------------------------------------------------------------------------------

    def adopt(self, *, state: str = "ok") -> None:
        """Learn the newest view, and do what follows from it."""
        newest = self.cluster.view
        if newest.member(self.id) is None:  # the others have forgotten it, and do not tell
            return
        was_primary = not self.member.primary
        self.view = replace(newest, state=state, leaving=self.cluster.leaving_of(self))
        primary = self.member.primary
        if primary:
            self.was_replica = True
            if self.upstream is not self.cluster.nodes[primary]:
                self.cluster.sync(self, self.cluster.nodes[primary])
        self.is_deposed = False
        for session in list(self.blocked):
            session.kick(is_demoted=was_primary and bool(primary))  # type: ignore[attr-defined]  # they are all of ours
        if not primary:
            self._drop_foreign_keys()

    def turn(self, state: str) -> None:
        """Find that the cluster is up, or down."""
        self.view = replace(self.view, state=state)

    def _drop_foreign_keys(self) -> None:
        for key in list(self.data[0]):
            owner = self.view.owner(slot_of(key))
            if (owner is None or owner.id != self.id) and slot_of(key) not in self.view.leaving:
                del self.data[0][key]
                Server.touch(self, 0, key)

    def wake_up(self) -> None:
        """Go on after a hang: first of all, execute what has arrived."""
        self.is_hung = False
        for session in list(self.sessions):
            session.wake_up()  # type: ignore[attr-defined]


# Commands -----------------------------------------------------------------------------------------------


def cluster(session: NodeSession, *words: bytes) -> bytes:
    node = session.server
    if bytes(words[0]).upper() == b"SLOTS":
        node.cluster.views_given += 1
    command = (b"CLUSTER", *(bytes(word) for word in words))
    value = cluster_reply(command, node.view, node.id, node.cluster.flavor, session.protocol, lambda _: 0)
    return encode(value, session.protocol)


def asking(session: NodeSession) -> bytes:
    session.is_asking = True
    return OK


def readonly(session: NodeSession) -> bytes:
    if not session.server.was_replica:
        session.server.cluster.complaints.append("READONLY was sent to a node that was never a replica")
    session.is_readonly = True
    return OK


def readwrite(session: NodeSession) -> bytes:
    session.is_readonly = False
    return OK


NodeSession.commands = {
    **COMMANDS,
    "ASKING": asking,
    "CLUSTER": cluster,
    "READONLY": readonly,
    "READWRITE": readwrite,
}
