"""Commands on clusters, each to one node.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. They
ask and change the node that the pool is connected to: its own view of the cluster, its own slots. A server that
is not in cluster mode refuses them (code ERR).

A slot is a number from 0 to 16383, a range of slots a tuple of its first and last slot: ``(0, 16383)`` is all of
them. Other numbers are refused before anything is sent. A node is named by its id of 40 characters. What a node
says of a cluster is str, also where the pool has no encoding; keys are bytes or str as everywhere.

``CLUSTER SLAVES`` is missing, the old name of ``CLUSTER REPLICAS``; so is ``CLUSTER MIGRATION`` of Redis 8.4, for
which there is ``execute``.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import (
    MILLISECOND,
    at_least,
    choose,
    duration,
    flag,
    nothing_to_send,
    option,
    slot_bounds,
    slot_number,
    slot_numbers,
    whole,
)
from respool.commands._cluster_replies import (
    as_cluster_info,
    as_cluster_links,
    as_cluster_nodes,
    as_cluster_shards,
    as_cluster_slots,
    as_epoch,
    as_page_of_slots,
    as_slot_migrations,
    as_slot_stats,
)
from respool.commands._parsers import as_list, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respool._facts.command import Arg, Key
    from respool._facts.server_records import ClusterLink, ClusterNode, ClusterShard, SlotMigration, SlotRange
    from respool.commands._arguments import Duration, Text

SlotMetric: TypeAlias = Literal["KEY-COUNT", "CPU-USEC", "NETWORK-BYTES-IN", "NETWORK-BYTES-OUT", "MEMORY-BYTES"]
"""What a server counts for each slot; ``MEMORY-BYTES`` is since Redis 8.4."""

CLUSTER_ADDSLOTS = spec("CLUSTER ADDSLOTS").derive(parse=bool)
CLUSTER_ADDSLOTSRANGE = spec("CLUSTER ADDSLOTSRANGE").derive(parse=bool)
CLUSTER_BUMPEPOCH = spec("CLUSTER BUMPEPOCH").derive(parse=as_epoch)
CLUSTER_CANCELSLOTMIGRATIONS = spec("CLUSTER CANCELSLOTMIGRATIONS").derive(parse=bool)
CLUSTER_COUNT_FAILURE_REPORTS = spec("CLUSTER COUNT-FAILURE-REPORTS")
CLUSTER_COUNTKEYSINSLOT = spec("CLUSTER COUNTKEYSINSLOT")
CLUSTER_DELSLOTS = spec("CLUSTER DELSLOTS").derive(parse=bool)
CLUSTER_DELSLOTSRANGE = spec("CLUSTER DELSLOTSRANGE").derive(parse=bool)
CLUSTER_FAILOVER = spec("CLUSTER FAILOVER").derive(parse=bool)
CLUSTER_FLUSHSLOT = spec("CLUSTER FLUSHSLOT").derive(parse=bool)
CLUSTER_FLUSHSLOTS = spec("CLUSTER FLUSHSLOTS").derive(parse=bool)
CLUSTER_FORGET = spec("CLUSTER FORGET").derive(parse=bool)
CLUSTER_GETKEYSINSLOT = spec("CLUSTER GETKEYSINSLOT").derive(parse=as_list)
CLUSTER_GETSLOTMIGRATIONS = spec("CLUSTER GETSLOTMIGRATIONS").derive(parse=as_slot_migrations)
CLUSTER_INFO = spec("CLUSTER INFO").derive(parse=as_cluster_info)
CLUSTER_KEYSLOT = spec("CLUSTER KEYSLOT")
CLUSTER_LINKS = spec("CLUSTER LINKS").derive(parse=as_cluster_links)
CLUSTER_MEET = spec("CLUSTER MEET").derive(parse=bool)
CLUSTER_MIGRATESLOTS = spec("CLUSTER MIGRATESLOTS").derive(parse=bool)
CLUSTER_MYID = spec("CLUSTER MYID").derive(parse=as_text)
CLUSTER_MYSHARDID = spec("CLUSTER MYSHARDID").derive(parse=as_text)
CLUSTER_NODES = spec("CLUSTER NODES").derive(parse=as_cluster_nodes)
CLUSTER_REPLICAS = spec("CLUSTER REPLICAS").derive(parse=as_cluster_nodes)
CLUSTER_REPLICATE = spec("CLUSTER REPLICATE").derive(parse=bool)
CLUSTER_RESET = spec("CLUSTER RESET").derive(parse=bool)
CLUSTER_SAVECONFIG = spec("CLUSTER SAVECONFIG").derive(parse=bool)
CLUSTER_SET_CONFIG_EPOCH = spec("CLUSTER SET-CONFIG-EPOCH").derive(parse=bool)
CLUSTER_SETSLOT = spec("CLUSTER SETSLOT").derive(parse=bool)
CLUSTER_SHARDS = spec("CLUSTER SHARDS").derive(parse=as_cluster_shards)
CLUSTER_SLOT_STATS = spec("CLUSTER SLOT-STATS").derive(parse=as_slot_stats)
CLUSTER_SLOTS = spec("CLUSTER SLOTS").derive(parse=as_cluster_slots)
CLUSTERSCAN = spec("CLUSTERSCAN").derive(parse=as_page_of_slots)


def cluster_addslots(*slots: int) -> Command[bool]:
    """Assign slots that no node has to this node, and return True.

    The server refuses all of them if one is assigned already. Raises UsageValueError without slots.
    """
    return Command(CLUSTER_ADDSLOTS, *slot_numbers(CLUSTER_ADDSLOTS, slots))


def cluster_addslotsrange(*ranges: tuple[int, int]) -> Command[bool]:
    """Assign ranges of slots that no node has to this node, and return True.

    The server refuses all of them if a slot is assigned already. Raises UsageValueError without ranges, and for
    one whose end is before its start. Since Redis 7.0.
    """
    return Command(CLUSTER_ADDSLOTSRANGE, *slot_bounds(CLUSTER_ADDSLOTSRANGE, ranges))


def cluster_bumpepoch() -> Command[int]:
    """Advance the config epoch of this node, unless it is the greatest already, and return it.

    The node does not ask the others; two nodes that get the same epoch settle it between themselves.
    """
    return Command(CLUSTER_BUMPEPOCH)


def cluster_cancelslotmigrations() -> Command[bool]:
    """Cancel all migrations of slots from this node, and return True.

    The server refuses if there are none. Since Valkey 9.0.
    """
    return Command(CLUSTER_CANCELSLOTMIGRATIONS)


def cluster_count_failure_reports(node_id: str) -> Command[int]:
    """Return how many nodes have reported lately that a node does not answer."""
    return Command(CLUSTER_COUNT_FAILURE_REPORTS, node_id)


def cluster_countkeysinslot(slot: int) -> Command[int]:
    """Return how many keys of a slot this node holds."""
    return Command(CLUSTER_COUNTKEYSINSLOT, slot_number("slot", slot))


def cluster_delslots(*slots: int) -> Command[bool]:
    """Make this node forget which node has the slots, and return True.

    The other nodes are not told. The server refuses all of them if one is not assigned. Raises UsageValueError
    without slots.
    """
    return Command(CLUSTER_DELSLOTS, *slot_numbers(CLUSTER_DELSLOTS, slots))


def cluster_delslotsrange(*ranges: tuple[int, int]) -> Command[bool]:
    """Make this node forget which node has the slots of ranges, and return True.

    Otherwise it works like ``cluster_delslots``. Raises UsageValueError without ranges, and for one whose end is
    before its start. Since Redis 7.0.
    """
    return Command(CLUSTER_DELSLOTSRANGE, *slot_bounds(CLUSTER_DELSLOTSRANGE, ranges))


def cluster_failover(mode: Literal["FORCE", "TAKEOVER"] | None = None) -> Command[bool]:
    """Ask this replica to take the place of its primary, and return True once it has begun to.

    Without a mode the primary must agree, and nothing is lost. ``FORCE`` does not ask the primary, only the other
    primaries for their votes; ``TAKEOVER`` asks nobody. A primary refuses the command.
    """
    if mode is None:
        return Command(CLUSTER_FAILOVER)
    return Command(CLUSTER_FAILOVER, mode)


def cluster_flushslot(slot: int, mode: Literal["SYNC", "ASYNC"] | None = None) -> Command[bool]:
    """Delete all keys of a slot, and return True.

    ``SYNC`` frees their memory before the reply, ``ASYNC`` in the background; the server's configuration decides
    without a mode. Since Valkey 9.0.
    """
    return Command(CLUSTER_FLUSHSLOT, slot_number("slot", slot), *_mode(mode))


def cluster_flushslots() -> Command[bool]:
    """Make this node forget all slots that it has, and return True.

    The server refuses unless its database is empty.
    """
    return Command(CLUSTER_FLUSHSLOTS)


def cluster_forget(node_id: str) -> Command[bool]:
    """Remove a node from the nodes that this node knows, and return True.

    For a minute this node does not learn of it again, so within that time every node must be told to forget it.
    """
    return Command(CLUSTER_FORGET, node_id)


def cluster_getkeysinslot(slot: int, count: int) -> Command[list[Text]]:
    """Return up to ``count`` keys of a slot that this node holds. Raises UsageValueError for a negative count."""
    return Command(CLUSTER_GETKEYSINSLOT, slot_number("slot", slot), at_least(0, "count", count))


def cluster_getslotmigrations() -> Command[list[SlotMigration]]:
    """Return the migrations of slots from and to this node: those in progress and the latest of the others.

    Since Valkey 9.0.
    """
    return Command(CLUSTER_GETSLOTMIGRATIONS)


def cluster_info() -> Command[dict[str, Any]]:
    """Return what this node says about its cluster: ``{"cluster_state": "ok", "cluster_size": 3, ...}``.

    Whole numbers are int, all other values str.
    """
    return Command(CLUSTER_INFO)


def cluster_keyslot(key: Key) -> Command[int]:
    """Return the slot of a key."""
    return Command(CLUSTER_KEYSLOT, key)


def cluster_links() -> Command[list[ClusterLink]]:
    """Return the connections between this node and other nodes, two for each of them. Since Redis 7.0."""
    return Command(CLUSTER_LINKS)


def cluster_meet(ip: str, port: int, cluster_bus_port: int | None = None) -> Command[bool]:
    """Make this node introduce itself to another one, and return True at once.

    ``ip`` is an address, not a name. Without ``cluster_bus_port``, the other node's port for nodes is ``port``
    and 10000. Raises UsageTypeError for a port that is not a whole number.
    """
    if cluster_bus_port is None:
        return Command(CLUSTER_MEET, ip, whole("port", port))
    return Command(CLUSTER_MEET, ip, whole("port", port), whole("cluster_bus_port", cluster_bus_port))


def cluster_migrateslots(ranges: Mapping[str, Sequence[tuple[int, int]]]) -> Command[bool]:
    """Begin to move slots, with their keys, from this node to others, and return True.

    ``ranges`` maps the id of each node that receives slots to ranges of slots: ``{node_id: [(0, 99), (200, 299)]}``.
    ``cluster_getslotmigrations`` tells how far it is. Raises UsageValueError without nodes, for a node without ranges,
    and for a range whose end is before its start. Since Valkey 9.0.
    """
    if not isinstance(ranges, Mapping):
        raise UsageTypeError("CLUSTER MIGRATESLOTS takes a mapping of ids of nodes to lists of ranges")
    if not ranges:
        raise nothing_to_send(CLUSTER_MIGRATESLOTS, "node")
    words: list[Arg] = []
    for node_id, some in ranges.items():
        words += ("SLOTSRANGE", *slot_bounds(CLUSTER_MIGRATESLOTS, some), "NODE", node_id)
    return Command(CLUSTER_MIGRATESLOTS, *words)


def cluster_myid() -> Command[str]:
    """Return the id of this node."""
    return Command(CLUSTER_MYID)


def cluster_myshardid() -> Command[str]:
    """Return the id of this node's shard, which a primary has in common with its replicas. Since Redis 7.2."""
    return Command(CLUSTER_MYSHARDID)


def cluster_nodes() -> Command[list[ClusterNode]]:
    """Return the nodes of the cluster as this node sees them, itself included."""
    return Command(CLUSTER_NODES)


def cluster_replicas(node_id: str) -> Command[list[ClusterNode]]:
    """Return the replicas of a primary; the server refuses the id of a replica."""
    return Command(CLUSTER_REPLICAS, node_id)


@overload
def cluster_replicate(node_id: str) -> Command[bool]: ...
@overload
def cluster_replicate(*, no_one: Literal[True]) -> Command[bool]: ...
def cluster_replicate(node_id: str | None = None, *, no_one: bool = False) -> Command[bool]:
    """Make this node a replica of a primary, and return True.

    A primary must have neither slots nor keys. ``no_one=True`` instead makes a replica an empty primary, which loses
    its keys (Valkey 9.0). Raises UsageTypeError unless exactly one of the two is given.
    """
    if node_id is not None and not no_one:
        return Command(CLUSTER_REPLICATE, node_id)
    if node_id is not None or not no_one:
        raise UsageTypeError("CLUSTER REPLICATE takes either the id of a node or no_one=True")
    return Command(CLUSTER_REPLICATE, "NO", "ONE")


def cluster_reset(mode: Literal["HARD", "SOFT"] | None = None) -> Command[bool]:
    """Make this node forget its cluster, and return True.

    A replica becomes a primary and loses its keys; a primary that has keys refuses. ``HARD`` also gives it a new id
    and sets all epochs to 0, ``SOFT`` is what it does without a mode.
    """
    if mode is None:
        return Command(CLUSTER_RESET)
    return Command(CLUSTER_RESET, mode)


def cluster_saveconfig() -> Command[bool]:
    """Write what this node knows about its cluster to disk, and return True.

    The node also does that by itself after each change.
    """
    return Command(CLUSTER_SAVECONFIG)


def cluster_set_config_epoch(config_epoch: int) -> Command[bool]:
    """Set the config epoch of a new node, and return True.

    The server refuses if the node knows any other node or has an epoch already. Raises UsageValueError for a negative
    number.
    """
    return Command(CLUSTER_SET_CONFIG_EPOCH, at_least(0, "config_epoch", config_epoch))


def cluster_setslot(
    slot: int,
    *,
    importing: str | None = None,
    migrating: str | None = None,
    node: str | None = None,
    stable: bool = False,
    timeout: Duration | None = None,
) -> Command[bool]:
    """Change one step of the move of a slot on this node, and return True.

    ``importing`` is the id of the node from which the slot comes, ``migrating`` that of the node to which it goes,
    ``node`` that of its owner from now on; ``stable`` undoes ``importing`` and ``migrating``. ``timeout`` is how many
    milliseconds the node waits for its replicas (Valkey 8.0). Raises UsageValueError unless exactly one of the four is
    given, and for a negative timeout.
    """
    step = choose(
        importing=option("IMPORTING", importing),
        migrating=option("MIGRATING", migrating),
        node=option("NODE", node),
        stable=flag("STABLE", stable),
    )
    if not step:
        raise UsageValueError("CLUSTER SETSLOT needs importing, migrating, node or stable")
    time = None if timeout is None else at_least(0, "timeout", duration("timeout", timeout, MILLISECOND))
    return Command(CLUSTER_SETSLOT, slot_number("slot", slot), *step, *option("TIMEOUT", time))


def cluster_shards() -> Command[list[ClusterShard]]:
    """Return the shards of the cluster: their slots, and for each node its address, role and health.

    A shard without slots is there too. Since Redis 7.0; ``cluster_slots`` is for older servers.
    """
    return Command(CLUSTER_SHARDS)


@overload
def cluster_slot_stats(slots: tuple[int, int]) -> Command[dict[int, dict[str, int]]]: ...
@overload
def cluster_slot_stats(
    *, orderby: SlotMetric, limit: int | None = None, order: Literal["ASC", "DESC"] | None = None
) -> Command[dict[int, dict[str, int]]]: ...
def cluster_slot_stats(
    slots: tuple[int, int] | None = None,
    *,
    orderby: SlotMetric | None = None,
    limit: int | None = None,
    order: Literal["ASC", "DESC"] | None = None,
) -> Command[dict[int, dict[str, int]]]:
    """Return what this node has counted for its slots: ``{0: {"key-count": 7, "cpu-usec": 12, ...}, ...}``.

    ``slots`` is a range, whose slots come in order; ``orderby`` puts those first that have the most of a metric, or the
    least with ``order="ASC"``, and ``limit`` of them. The dict has the server's order, and lacks slots of other nodes.
    More than ``key-count`` needs ``cluster-slot-stats-enabled`` in the server's configuration. Raises UsageTypeError
    unless exactly one of ``slots`` and ``orderby`` is given, and UsageValueError for a limit below 1. Since Redis 8.2
    and Valkey 8.0.
    """
    if slots is not None:
        if orderby is not None or limit is not None or order is not None:
            raise UsageTypeError("CLUSTER SLOT-STATS takes either a range of slots or orderby=, with limit and order")
        return Command(CLUSTER_SLOT_STATS, "SLOTSRANGE", *slot_bounds(CLUSTER_SLOT_STATS, (slots,)))
    if orderby is None:
        raise UsageTypeError("CLUSTER SLOT-STATS takes either a range of slots or orderby=, with limit and order")
    limit = None if limit is None else at_least(1, "limit", limit)
    return Command(CLUSTER_SLOT_STATS, "ORDERBY", orderby, *option("LIMIT", limit), *_mode(order))


def cluster_slots() -> Command[list[SlotRange]]:
    """Return which nodes have which slots: for each range its primary, then its replicas."""
    return Command(CLUSTER_SLOTS)


def clusterscan(
    cursor: str = "0",
    *,
    match: Key | None = None,
    count: int | None = None,
    type: str | None = None,
    slot: int | None = None,
) -> Command[tuple[str, list[Text]]]:
    """Return the next cursor and some of the keys of the cluster, slot after slot.

    Begin with cursor ``"0"``; the cursor is ``"0"`` again at the end. It tells which slot comes next, and a node that
    does not have that slot answers with an error (code MOVED). A page may be empty although more keys follow, and a
    key may come twice. ``match`` is a glob pattern, ``count`` is how many keys the server examines for a page,
    ``type`` a type's name; with ``slot`` only that slot is scanned. Raises UsageValueError for a count below 1. Since
    Valkey 9.1.
    """
    count = None if count is None else at_least(1, "count", count)
    slot = None if slot is None else slot_number("slot", slot)
    options = (*option("MATCH", match), *option("COUNT", count), *option("TYPE", type), *option("SLOT", slot))
    return Command(CLUSTERSCAN, cursor, *options)


def _mode(word: str | None) -> tuple[Arg, ...]:
    return () if word is None else (word,)
