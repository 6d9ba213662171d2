# Generated from respool/compat/pyredis/_async/others.py by tools/generate.py. Do not edit.
"""What pyredis has beside pools and their clients: messages, sentinels, and the map of a cluster."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, uuid4

from respool import Connection
from respool import Pool as Node
from respool.compat.pyredis._sync.worlds import locked, new_lock
from respool.compat.pyredis._names import (
    Place,
    command_of,
    options_of,
    places_of,
    slot_of,
    sock_of,
    where_of,
)
from respool.errors import ConnectFailed, ConnectionLost, Error, PoolTimeout, ReadTimeout, TransportError, UsageError
from respool.types import Message

#: How many seconds a sentinel may take to answer before the next one is asked.
SENTINEL_PATIENCE: Final = 1.0


class PubSubClient:
    """A client that subscribes: ``subscribe`` and its kin send, and ``get`` returns what came, one by one.

    A connection that is lost is replaced, and subscribed again; what was published meanwhile is missing.
    """

    def __init__(
        self, host: str | None = None, port: int = 6379, unix_sock: str | None = None, **kwargs: Any
    ) -> None:
        """Check the options, which are those of ``Client``; no I/O."""
        options = where_of(host, port, unix_sock) | options_of(**kwargs)
        self._read_timeout: float | None = options["read_timeout"]
        self._encoding: str | None = options["encoding"]
        self._engine: Node[Any] = Node(shared=0, acquire_timeout=options["connect_timeout"], **options)
        self._subscriber: Any = None
        self._received: deque[list[Any]] = deque()
        self._is_closed = False

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._is_closed

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        if self._subscriber is not None:
            self._subscriber.close()
        self._engine.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost("the client is closed; make another one and subscribe again")

    def write(self, *args: Any) -> None:
        """Send SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE or PUNSUBSCRIBE. What it is answered with, ``get`` returns."""
        name = command_of(args).name
        if name not in ("SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE"):
            raise UsageError(f"a client that subscribes sends no {name}: use another one for it")
        self._check_open()
        self._take_in()
        is_pattern = name.startswith("P")
        topics = list(args[1:])
        if name.endswith("UNSUBSCRIBE"):
            self._unsubscribe(name.lower(), topics or self._names(is_pattern=is_pattern), is_pattern=is_pattern)
            return
        if not topics:
            raise UsageError(f"{name} names channels or patterns, one at least")
        for topic in topics:
            self._subscribe([], [topic]) if is_pattern else self._subscribe([topic], [])
            self._confirm(name.lower(), topic)

    def _subscribe(self, channels: list[Any], patterns: list[Any]) -> None:
        try:
            if self._subscriber is None:
                subscriber = self._engine.subscribe(*channels, patterns=patterns)
                subscriber.open()
                self._subscriber = subscriber
            else:
                self._subscriber.subscribe(*channels, patterns=patterns)
        except PoolTimeout as error:
            raise ConnectFailed(f"no connection could be made: {error}") from error

    def _unsubscribe(self, kind: str, topics: list[Any], *, is_pattern: bool) -> None:
        for topic in topics:
            if self._subscriber is not None:
                channels, patterns = ([], [topic]) if is_pattern else ([topic], [])
                self._subscriber.unsubscribe(*channels, patterns=patterns)
            self._confirm(kind, topic)
        if not topics:
            self._confirm(kind, None)

    def _names(self, *, is_pattern: bool) -> list[Any]:
        if self._subscriber is None:
            return []
        return sorted(self._subscriber.patterns if is_pattern else self._subscriber.channels)

    def _confirm(self, kind: str, topic: Any) -> None:
        """Add the answer to a subscription, as the server words it."""
        count = len(self._names(is_pattern=False)) + len(self._names(is_pattern=True))
        self._received.append([self._text(kind), self._text(topic), count])

    def _text(self, value: Any) -> Any:
        if self._encoding is None:
            return str(value).encode() if isinstance(value, str | int | float) else value
        return value.decode(self._encoding) if isinstance(value, bytes) else value

    def _as_reply(self, message: Message[Any]) -> list[Any]:
        where = [message.channel] if message.pattern is None else [message.pattern, message.channel]
        return [self._text(message.kind), *where, message.data]

    def _take_in(self) -> None:
        """Keep the messages that have come, in front of what comes next."""
        while self._subscriber is not None and (message := self._subscriber.next(0.0)) is not None:
            self._received.append(self._as_reply(message))

    def subscribe(self, *args: Any) -> None:
        """Subscribe to channels."""
        self.write("SUBSCRIBE", *args)

    def psubscribe(self, *args: Any) -> None:
        """Subscribe to patterns of channels."""
        self.write("PSUBSCRIBE", *args)

    def unsubscribe(self, *args: Any) -> None:
        """Unsubscribe from channels; from all of them if none is named."""
        self.write("UNSUBSCRIBE", *args)

    def punsubscribe(self, *args: Any) -> None:
        """Unsubscribe from patterns; from all of them if none is named."""
        self.write("PUNSUBSCRIBE", *args)

    def get(self) -> list[Any]:
        """Return the next message, ``[b"message", b"channel", b"text"]``, or the answer to a subscription.

        Raises ReadTimeout (PyRedisConnReadTimeout) after ``read_timeout`` seconds without one; the connection stays.
        """
        self._check_open()
        if self._received:
            return self._received.popleft()
        if self._subscriber is None:
            raise UsageError("this client has subscribed to nothing: call subscribe() or psubscribe() first")
        message = self._subscriber.next(self._read_timeout)
        if message is None:
            raise ReadTimeout("no message came within read_timeout")
        return self._as_reply(message)


class SentinelClient:
    """A client of the first sentinel that answers."""

    def __init__(self, sentinels: Any, password: str | None = None, username: str | None = None) -> None:
        """Check the options; no I/O."""
        self._sentinels = deque(places_of(sentinels))
        self._options = options_of(
            password=password, username=username, conn_timeout=SENTINEL_PATIENCE, read_timeout=SENTINEL_PATIENCE
        )
        self._conn: Connection[Any] | None = None

    @property
    def sentinels(self) -> deque[Place]:
        """The sentinels, the one to ask first."""
        return self._sentinels

    def close(self) -> None:
        """Close the connection; the next command makes another one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def next_sentinel(self) -> None:
        """Close the connection, and ask the next sentinel from now on."""
        self.close()
        self._sentinels.rotate(-1)

    def execute(self, *args: Any) -> Any:
        """Run one command. Raises ConnectFailed (PyRedisConnError) if no sentinel can be reached."""
        if self._conn is None or self._conn.closed:
            self._conn = self._reached()
        return self._conn.execute(*args)

    def _reached(self) -> Connection[Any]:
        failure: Error | None = None
        for _ in range(len(self._sentinels)):
            host, port = self._sentinels[0]
            conn: Connection[Any] = Connection(host=host, port=port, **self._options)
            try:
                conn.open()
            except TransportError as error:
                failure = error
                self._sentinels.rotate(-1)
            else:
                return conn
        raise ConnectFailed("could not connect to any sentinel") from failure

    def get_master(self, name: str) -> dict[Any, Any]:
        """Return what the sentinel says about a primary."""
        return _as_dict(self.execute("SENTINEL", "MASTER", name))

    def get_masters(self) -> list[dict[Any, Any]]:
        """Return what the sentinel says about all primaries."""
        return [_as_dict(each) for each in self.execute("SENTINEL", "MASTERS")]

    def get_slaves(self, name: str) -> list[dict[Any, Any]]:
        """Return what the sentinel says about the replicas of a primary."""
        return [_as_dict(each) for each in self.execute("SENTINEL", "REPLICAS", name)]


def _as_dict(reply: Any) -> dict[Any, Any]:
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2], strict=True))


class ClusterMap:
    """Which node has which slots, as CLUSTER SLOTS said at the last ``update``."""

    def __init__(self, seeds: Any, password: str | None = None, lock: Any = None, username: str | None = None) -> None:
        """Check the options; no I/O."""
        self._seeds = places_of(seeds)
        self._options = options_of(password=password, username=username)
        self._lock = new_lock() if lock is None else lock
        self._id = uuid4()
        self._owners: dict[int, tuple[Place, Place]] = {}

    @property
    def id(self) -> UUID:
        """The name of this state of the map; each update changes it."""
        return self._id

    @property
    def seeds(self) -> list[Place]:
        """The nodes to ask."""
        return self._seeds

    def get_slot(self, shard_key: Any, slave: bool | None = None) -> str:  # noqa: FBT001
        """Return the node that has the slot of a key, or with ``slave`` a replica of it, as ``"host_port"``.

        Raises KeyError if the map does not know it: call ``update``.
        """
        return sock_of(self._owners[slot_of(shard_key)][bool(slave)])

    def hosts(self, slave: bool | None = None) -> set[str]:  # noqa: FBT001
        """Return all primaries, or with ``slave`` the replicas."""
        return {sock_of(owner[bool(slave)]) for owner in self._owners.values()}

    def update(self, map_id: UUID) -> UUID:
        """Ask the nodes again unless somebody has done so since ``map_id``; return the id of the map."""
        with locked(self._lock):
            if map_id == self._id:
                self._owners = self._fetched()
                self._id = uuid4()
            return self._id

    def _fetched(self) -> dict[int, tuple[Place, Place]]:
        failure: Error | None = None
        for host, port in self._seeds:
            try:
                with Connection(host=host, port=port, **self._options) as conn:
                    return _owners_of(conn.cluster_slots(), host)
            except Error as error:
                failure = error
        raise ConnectFailed(f"no seed told the map of the cluster: {self._seeds}") from failure


def _owners_of(ranges: Iterable[Any], asked: str) -> dict[int, tuple[Place, Place]]:
    """Return the primary and one replica (the primary if there is none) of every slot."""
    owners = {}
    for each in ranges:
        nodes = [(node.endpoint or asked, node.port) for node in each.nodes]
        pair = nodes[0], random.choice(nodes[1:] or nodes)  # noqa: S311 - any replica will do
        owners.update(dict.fromkeys(range(each.start, each.end + 1), pair))
    return owners
