"""A node of a ``FakeCluster``: a ``FakeNode`` that answers as a cluster's node does what its test has not scripted.

Rule 1: commands run one at a time in the whole cluster, under its lock, so that a change of the map is seen by all
        nodes at once. Nothing under the lock waits for another thread.
Rule 2: a node acts by its view, and writes into its own keys. What it writes is at once in the keys of its replicas.
Rule 3: what commands mean stands in ``_fake_store``, where they belong in ``_fake_routing``; this file keeps the order
        of things: refuse, queue, run, block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import hiredis

from respool._facts.command import SPELLED, Spec, find_spec
from respool._facts.errors import UsageError
from respool._facts.slots import slot_of
from respool.testing import _fake_cluster_replies, _fake_store
from respool.testing._actions import Command, FakeConnection, Park, Reply
from respool.testing._fake_client import Blocked, Client, NoConnection
from respool.testing._fake_connection import ScriptedConnection
from respool.testing._fake_node import FakeNode
from respool.testing._fake_routing import Flavor, Situation, refusal
from respool.testing._fake_store import Store, Stored
from respool.testing._fake_view import FakeView
from respool.testing._resp import NO_ARRAY, OK, QUEUED, encode, error
from respool.testing._script import Script, hello, unknown

#: Commands that are not queued behind MULTI.
AT_ONCE: Final = frozenset((b"DISCARD", b"EXEC", b"MULTI", b"QUIT", b"RESET", b"WATCH"))
#: What HELLO says.
VERSIONS: Final = {"valkey": (b"valkey", b"9.0.0"), "redis": (b"redis", b"7.0.15")}
ABORTED: Final = error("EXECABORT Transaction discarded because of previous errors.")
UNBLOCKED: Final = error("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")


class World(Protocol):
    """What a cluster is to its nodes."""

    flavor: Flavor
    _lock: threading.RLock
    _script: Script

    @property
    def view(self) -> FakeView: ...
    def _stores_behind(self, node_id: str) -> Iterable[Store]: ...
    def _primary_store(self, node_id: str) -> Store | None: ...
    def _came_back(self, node_id: str) -> None: ...


class FakeClusterNode(FakeNode):
    """A node of a ``FakeCluster``. ``FakeCluster`` makes it; ``id`` is what the cluster calls it.

    It is a ``FakeNode``: what a test scripts with ``on`` and ``once`` is answered as it is, whatever node has the slot,
    even inside of a transaction. To all else it answers by itself, with ``answer``.
    """

    def __init__(self, world: World, node_id: str) -> None:
        super().__init__()
        self.id = node_id
        self._world = world
        self._store = Store()
        self._own_view: FakeView | None = None
        self._clients: dict[int, Client] = {}
        self._blocked: list[Blocked] = []

    def __repr__(self) -> str:
        return f"<FakeClusterNode {self.url}, {'primary' if self.is_primary else 'replica'}>"

    # For tests -----------------------------------------------------------------------------------------

    @property
    def view(self) -> FakeView:
        """What the node knows of the cluster: its map, unless ``believe`` has given the node another one."""
        return self._own_view or self._world.view

    def believe(self, view: FakeView | None) -> None:
        """Answer and act by this view from now on; None: by the cluster's map again.

        A node that was cut off believes what was: ``node.believe(cluster.view)`` before the cluster changes. A replica
        that gives its own view up gets the keys of its primary: what it had acknowledged meanwhile is lost.
        """
        with self._world._lock:
            self._own_view = view
            primary = self._world._primary_store(self.id) if view is None else None
            if primary is not None:
                self._store.become(primary)
        self._settle()

    @property
    def is_primary(self) -> bool:
        """Whether it is a primary, as it sees it."""
        member = self.view.member(self.id)
        return member is None or not member.primary

    @property
    def is_awake(self) -> bool:
        """Whether it is running, and not paused."""
        return self._loop is not None and not self.is_paused

    @property
    def data(self) -> dict[bytes, Stored]:
        """A copy of the node's keys, with their values: bytes, or a list of bytes."""
        with self._world._lock:
            values = self._store.values.items()
            return {key: list(value) if isinstance(value, list) else value for key, value in values}

    def command(self, *args: bytes | str | float) -> Any:
        """Run a command at this node, without a connection and without a record, and return its reply.

        An error reply is raised as ``hiredis.ReplyError``. Nothing blocks.
        """
        reader = hiredis.Reader()
        reader.feed(hiredis.pack_command(args))  # type: ignore[arg-type]  # a tuple of any length
        first, *others = reader.gets()
        nobody = NoConnection()
        with self._world._lock:
            words = (first.upper(), *others)
            reader.feed(_as_bytes(self._reply(words, nobody, Client(), blocks=False), words, nobody))
        reply = reader.gets()
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def answer(self, command: Command, connection: FakeConnection) -> Reply | None:
        """Answer a command as this node does by itself. It is a handler: ``node.once("GET", Hold(node.answer))``.

        It runs in the node's thread.
        """
        with self._world._lock:
            client = self._clients.setdefault(connection.number, Client())
            reply = self._reply(command, connection, client, blocks=True)
            if client.queue is None and command[0] != b"ASKING":
                client.is_asking = False
        return reply

    def start(self) -> FakeClusterNode:
        """Listen, and return the node: with its old keys. Does nothing if it runs already."""
        super().start()
        self._world._came_back(self.id)
        return self

    def stop(self) -> None:
        """Close everything, as ``FakeNode.stop`` does. The keys stay."""
        super().stop()
        with self._world._lock:
            self._clients.clear()
            self._blocked.clear()

    # Refuse, queue, run --------------------------------------------------------------------------------

    def _reply(self, command: Command, connection: FakeConnection, client: Client, *, blocks: bool) -> Reply | None:
        name = command[0]
        try:
            spec = SPELLED.get(name) or find_spec(command)
        except UsageError:
            return unknown(command)
        is_exec = name == b"EXEC" and client.queue is not None
        # Valkey gives a transaction up before it asks where the keys are, Redis after that.
        is_lost = client.is_dirty and self._world.flavor == "valkey"
        calls = client.queue if is_exec and client.queue and not is_lost else [(spec, command)]
        refused = refusal(calls, self._situation(client, is_queueing=client.queue is not None and not is_exec))
        if refused is not None:
            if is_exec:
                client.end_transaction()
            client.is_dirty = client.queue is not None
            return refused
        if client.queue is None or name in AT_ONCE:
            return self._run(spec, command, connection, client, blocks=blocks)
        wrong = self._wrong(command)
        if wrong is not None:
            client.is_dirty = True
            return wrong
        client.queue.append((spec, command))
        return QUEUED

    def _situation(self, client: Client, *, is_queueing: bool = False) -> Situation:
        asks, reads = client.is_asking, client.is_readonly
        return Situation(self.view, self.id, self._store, self._world.flavor, asks, reads, is_queueing)

    def _wrong(self, command: Command) -> bytes | None:
        """Return the error of a command that is unknown, or has too few words; None for one to be queued."""
        if self._world._script.own(command) is not None:
            return None
        if command[0] in _fake_store.COMMANDS:
            return _fake_store.refusal(command)
        return None if command[0] in OWN or self._script.usual(command) is not None else unknown(command)

    def _run(
        self, spec: Spec, command: Command, connection: FakeConnection, client: Client, *, blocks: bool
    ) -> Reply | None:
        reply = self._world._script.own(command)
        if reply is not None:
            return reply
        if command[0] in _fake_store.COMMANDS:
            return self._store_reply(spec, command, connection, blocks=blocks)
        if command[0] in OWN:
            return OWN[command[0]](self, command, connection, client)
        usual = self._script.usual(command)
        return unknown(command) if usual is None else usual

    def _store_reply(self, spec: Spec, command: Command, connection: FakeConnection, *, blocks: bool) -> Reply:
        wrong = _fake_store.refusal(command)
        if wrong is not None:
            return wrong
        if not (spec.safe or self.is_primary or spec.keys_of(command)):  # with keys, routing has refused it
            return b"-READONLY You can't write against a read only replica.\r\n"
        value = _fake_store.run(self._store, command)
        if value is None and spec.blocking is not None:
            return self._block(spec, command, connection) if blocks else NO_ARRAY[connection.protocol]
        self._written(spec, command)
        return encode(value, connection.protocol)

    def _written(self, spec: Spec, command: Command) -> None:
        """Copy to the replicas what a command may have written, and see whether somebody waited for it."""
        if spec.safe:
            return
        keys = spec.keys_of(command)
        for store in self._world._stores_behind(self.id):
            if keys:
                store.copy(self._store, keys)
            else:
                store.become(self._store)
        self._settle()

    # Transactions and the state of a connection --------------------------------------------------------

    def _multi(self, _command: Command, _connection: FakeConnection, client: Client) -> Reply:
        if client.queue is not None:
            return self._not_here(client, "multi", "MULTI calls can not be nested")
        client.queue = []
        return OK

    def _watch(self, command: Command, _connection: FakeConnection, client: Client) -> Reply:
        if client.queue is not None:
            return self._not_here(client, "watch", "WATCH inside MULTI is not allowed")
        client.watched.update((key, self._store.version(key)) for key in command[1:] if key not in client.watched)
        return OK

    def _not_here(self, client: Client, name: str, in_redis: str) -> Reply:
        if self._world.flavor == "redis":
            return error(f"ERR {in_redis}")
        client.is_dirty = True
        return error(f"ERR Command '{name}' not allowed inside a transaction")

    def _exec(self, _command: Command, connection: FakeConnection, client: Client) -> Reply:
        queue, is_dirty = client.queue, client.is_dirty
        if queue is None:
            return error("ERR EXEC without MULTI")
        is_stale = any(self._store.version(key) != version for key, version in client.watched.items())
        client.end_transaction()
        if is_dirty:
            return ABORTED
        if is_stale:
            return NO_ARRAY[connection.protocol]
        replies = [
            _as_bytes(self._run(spec, call, connection, client, blocks=False), call, connection) for spec, call in queue
        ]
        return b"*%d\r\n" % len(replies) + b"".join(replies)

    def _discard(self, _command: Command, _connection: FakeConnection, client: Client) -> Reply:
        if client.queue is None:
            return error("ERR DISCARD without MULTI")
        client.end_transaction()
        return OK

    def _unwatch(self, _command: Command, _connection: FakeConnection, client: Client) -> Reply:
        client.watched.clear()
        return OK

    def _asking(self, _command: Command, _connection: FakeConnection, client: Client) -> Reply:
        client.is_asking = True
        return OK

    def _readonly(self, command: Command, _connection: FakeConnection, client: Client) -> Reply:
        client.is_readonly = command[0] == b"READONLY"
        return OK

    def _reset(self, _command: Command, connection: FakeConnection, client: Client) -> Reply:
        client.reset()
        connection.protocol = 2
        return b"+RESET\r\n"

    def _select(self, command: Command, _connection: FakeConnection, _client: Client) -> Reply:
        if command[1:] == (b"0",):
            return OK
        is_redis = self._world.flavor == "redis"
        return error("ERR SELECT is not allowed in cluster mode" if is_redis else "ERR DB index is out of range")

    def _hello(self, command: Command, connection: FakeConnection, _client: Client) -> Reply:
        role = b"master" if self.is_primary else b"replica"
        return hello(command, connection, server=VERSIONS[self._world.flavor], mode=b"cluster", role=role)

    def _cluster(self, command: Command, connection: FakeConnection, _client: Client) -> Reply:
        def keys(slot: int) -> int:
            return len(self._store.keys_in((slot,)))

        flavor, protocol = self._world.flavor, connection.protocol
        return encode(_fake_cluster_replies.reply(command, self.view, self.id, flavor, protocol, keys), protocol)

    # Blocked commands ----------------------------------------------------------------------------------

    def _block(self, spec: Spec, command: Command, connection: FakeConnection) -> Reply:
        if self._loop is None:
            raise RuntimeError("only a node that runs can block")
        blocked = Blocked(spec, command, connection, Park())
        self._blocked.append(blocked)
        seconds = float(command[-1])
        if seconds:
            self._loop.later(seconds, lambda: self._expire(blocked))
        return blocked.park

    def _expire(self, blocked: Blocked) -> None:
        with self._world._lock:
            if blocked not in self._blocked:
                return
            self._blocked.remove(blocked)
        blocked.park.resume(NO_ARRAY[blocked.connection.protocol])

    def _settle(self) -> None:
        """Look at the blocked commands soon, because keys or the view have changed. Any thread may call it."""
        loop = self._loop
        if self._blocked and loop is not None:
            loop.post(self._look_at_blocked)

    def _look_at_blocked(self) -> None:
        with self._world._lock:
            answers = [(blocked, self._unblocked(blocked)) for blocked in self._blocked]
            self._blocked = [blocked for blocked, reply in answers if reply is None]
        for blocked, reply in answers:
            if reply is not None:
                blocked.park.resume(reply)

    def _unblocked(self, blocked: Blocked) -> Reply | None:
        """Return the reply that ends the wait of a command; None if it goes on."""
        spec, command, connection, _ = blocked
        slot = slot_of(spec.keys_of(command)[0])
        owner = self.view.owner(slot)
        if (owner is None or owner.id != self.id) and self.view.leaving.get(slot) != self.id:
            if self._world.flavor == "redis" and not self.is_primary:
                return UNBLOCKED
            return refusal([(spec, command)], self._situation(Client()))
        value = _fake_store.run(self._store, command)
        if value is None:
            return None
        self._written(spec, command)
        return encode(value, connection.protocol)

    # What the FakeNode asks ----------------------------------------------------------------------------

    def _script_for(self, command: Command) -> Reply:
        reply = self._script.own(command)
        return self.answer if reply is None else reply

    def _ended(self, connection: ScriptedConnection) -> None:
        super()._ended(connection)
        with self._world._lock:
            self._clients.pop(connection.number, None)
            self._blocked = [blocked for blocked in self._blocked if blocked.connection is not connection]


def _as_bytes(reply: Reply | None, command: Command, connection: FakeConnection) -> bytes:
    """Return a reply inside of a transaction, where nothing waits and nothing hangs up."""
    while not isinstance(reply, bytes):
        if not callable(reply):
            name = command[0].decode(errors="backslashreplace")
            raise TypeError(f"{name} is answered with {reply!r}, but inside of a transaction only bytes can be sent")
        reply = reply(command, connection)
    return reply


OWN: Final[dict[bytes, Callable[[FakeClusterNode, Command, FakeConnection, Client], Reply]]] = {
    b"ASKING": FakeClusterNode._asking,
    b"CLUSTER": FakeClusterNode._cluster,
    b"DISCARD": FakeClusterNode._discard,
    b"EXEC": FakeClusterNode._exec,
    b"HELLO": FakeClusterNode._hello,
    b"MULTI": FakeClusterNode._multi,
    b"READONLY": FakeClusterNode._readonly,
    b"READWRITE": FakeClusterNode._readonly,
    b"RESET": FakeClusterNode._reset,
    b"SELECT": FakeClusterNode._select,
    b"UNWATCH": FakeClusterNode._unwatch,
    b"WATCH": FakeClusterNode._watch,
}
