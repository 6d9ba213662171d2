"""The records in the replies of servers, clusters and modules; the rules are those of ``records``.

They are in a file of their own because most programs never load them.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")


class ClusterNode(NamedTuple):
    """A node of a cluster as another node sees it: ``cluster_nodes``, ``cluster_replicas``.

    ``ip`` is empty if the node that was asked does not know its own. ``flags`` are words such as "myself", "master",
    "slave", "fail?" and "fail". ``primary`` is the id of a replica's primary. ``ping_sent`` (0 if no ping waits for
    its answer) and ``pong_received`` are in milliseconds since 1970. ``slots`` are ranges, each with its first and
    last slot; ``importing`` and ``migrating``, which only the node "myself" has, map slots to the id of the other node.
    """

    id: str
    ip: str
    port: int
    cluster_bus_port: int
    hostname: str | None
    flags: list[str]
    primary: str | None
    ping_sent: int
    pong_received: int
    config_epoch: int
    link_state: str
    slots: list[tuple[int, int]]
    importing: dict[int, str]
    migrating: dict[int, str]


class SlotNode(NamedTuple):
    """A node in ``cluster_slots``.

    ``endpoint`` is the address that clients are to use: an IP address or a host name, "?" if it is unknown, None or
    empty for the address of the node that was asked. ``metadata`` holds its other addresses, and more:
    ``{"hostname": "host-1"}``. It is empty before Redis 7.0.
    """

    endpoint: str | None
    port: int
    id: str
    metadata: dict[str, str]


class SlotRange(NamedTuple):
    """The slots from ``start`` to ``end``, both included, and the nodes that have them: the primary is the first."""

    start: int
    end: int
    nodes: list[SlotNode]


class ShardNode(NamedTuple):
    """A node in ``cluster_shards``.

    ``endpoint`` is as in ``SlotNode``. A node has a ``port``, a ``tls_port`` or both. ``role`` is "master" or
    "replica", ``health`` "online", "failed" or "loading".
    """

    id: str
    endpoint: str | None
    ip: str
    hostname: str | None
    port: int | None
    tls_port: int | None
    role: str
    replication_offset: int
    health: str
    availability_zone: str | None


class ClusterShard(NamedTuple):
    """A primary and its replicas, with their ranges of slots, each with its first and last slot.

    ``id`` is None unless the server is Valkey 8.0 or newer.
    """

    id: str | None
    slots: list[tuple[int, int]]
    nodes: list[ShardNode]


class ClusterLink(NamedTuple):
    """A connection between the node that was asked and another one.

    ``direction`` is "to" or "from" the other ``node``. ``create_time`` is in milliseconds since 1970, ``events`` what
    the server waits for ("r", "w"); buffers are in bytes.
    """

    direction: str
    node: str
    create_time: int
    events: str
    send_buffer_allocated: int
    send_buffer_used: int


class SlotMigration(NamedTuple):
    """A migration of slots between two nodes.

    ``operation`` is "EXPORT" or "IMPORT", from the view of the node that was asked. ``slots`` are ranges, each with its
    first and last slot. Times are in seconds since 1970, sizes in bytes. ``state`` ends with "success", "failed" or
    "cancelled"; ``message`` says why it failed.
    """

    name: str
    operation: str
    slots: list[tuple[int, int]]
    target_node: str
    source_node: str
    create_time: int
    last_update_time: int
    last_ack_time: int
    state: str
    message: str
    cow_size: int
    remaining_repl_size: int


class SlowLogEntry(NamedTuple, Generic[T]):
    """A command that took long.

    ``timestamp`` is when it ran, in seconds since 1970, ``duration`` how long it took, in microseconds. ``args`` has
    its name and its arguments; the server cuts off long ones and hides passwords. Servers before Redis 4.0 do not
    tell ``address`` and ``client_name``: they are empty.
    """

    id: int
    timestamp: int
    duration: int
    args: list[T]
    address: str
    client_name: str


class CommandLogEntry(NamedTuple, Generic[T]):
    """A command that took long, or whose request or reply was large.

    Its parts are those of ``SlowLogEntry``, but for ``amount``: microseconds of a slow command, bytes of a large one.
    """

    id: int
    timestamp: int
    amount: int
    args: list[T]
    address: str
    client_name: str


class LatencyEvent(NamedTuple):
    """A kind of event that has made the server slow.

    ``timestamp`` is that of the last spike, in seconds since 1970. ``latest`` and ``highest`` are in milliseconds, as
    is ``total``, the sum of all ``spikes``. Servers other than Valkey 8.1 and later do not tell these two: they are
    None.
    """

    event: str
    timestamp: int
    latest: int
    highest: int
    total: int | None
    spikes: int | None


class LatencyHistogram(NamedTuple):
    """How long the calls of a command took.

    ``usec`` has microseconds as keys; its value is how many calls took no longer than that.
    """

    calls: int
    usec: dict[int, int]


class CommandInfo(NamedTuple):
    """What a server knows about a command.

    ``arity`` counts the words of a call, with the name; a negative one is the least number. The keys are the arguments
    from ``first_key`` to ``last_key`` (-1 is the last argument), every ``step``; all are 0 if there are none. Servers
    before Redis 7.0 tell no ``tips``, ``key_specs`` and ``subcommands``, and those before 6.0 no ``acl_categories``:
    they are empty.
    """

    name: str
    arity: int
    flags: set[str]
    first_key: int
    last_key: int
    step: int
    acl_categories: set[str]
    tips: set[str]
    key_specs: list[dict[str, Any]]
    subcommands: dict[str, CommandInfo]


class ConnectedReplica(NamedTuple):
    """A replica of a primary, and how far it has read what was written there."""

    host: str
    port: int
    offset: int


class PrimaryRole(NamedTuple):
    """The role of a server that takes writes. ``offset`` is how far its replicas can read."""

    role: Literal["master"]
    offset: int
    replicas: list[ConnectedReplica]


class ReplicaRole(NamedTuple):
    """The role of a server that copies another one, at ``host`` and ``port``.

    ``state`` is "connected" when it has caught up and follows, or "connect", "connecting", "handshake" or "sync".
    ``offset`` is how far it has read, -1 if it has not begun.
    """

    role: Literal["slave"]
    host: str
    port: int
    state: str
    offset: int


class SentinelRole(NamedTuple):
    """The role of a Sentinel, with the names of the primaries that it watches."""

    role: Literal["sentinel"]
    primaries: list[str]


class VectorMatch(NamedTuple, Generic[T]):
    """An element of a vector set that is similar to what was sought.

    ``attributes`` is a JSON value as a Python value, None if the element has none.
    """

    element: T
    score: float | None
    attributes: Any


class RawVector(NamedTuple):
    """A vector as the server stores it: ``blob`` has its normalized numbers, ``norm`` is its length before that.

    ``quantization`` is "f32", "int8" or "bin". With "int8", ``range`` is the number that 127 stands for.
    """

    quantization: str
    blob: bytes
    norm: float
    range: float | None


class Document(NamedTuple, Generic[T]):
    """A document that a search found. Its ``fields`` are empty where the search does not return them.

    ``score``, ``payload`` and ``sortkey`` are None unless they were asked for.
    """

    id: T
    fields: dict[T, T]
    score: float | None
    payload: T | None
    sortkey: T | None


class SearchResult(NamedTuple, Generic[T]):
    """What a search found: how many documents match, those of this page, and in RESP3 what the server warns of."""

    total: int
    documents: list[Document[T]]
    warnings: list[str]


class AggregateResult(NamedTuple, Generic[T]):
    """The rows of an aggregation. A value in a row is text, None, or a list of these (``TOLIST``).

    ``cursor`` is what ``ft_cursor_read`` takes to go on, 0 at the end, and None for an aggregation without a cursor.
    ``total`` is the server's figure, which is no count of the rows; ``warnings`` come in RESP3 only.
    """

    total: int
    rows: list[dict[T, Any]]
    warnings: list[str]
    cursor: int | None
