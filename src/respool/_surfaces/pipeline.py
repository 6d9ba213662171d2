# Generated from respool/commands by tools/generate.py. Do not edit.
"""Every command as a method that adds it to a pipeline; ``result()`` has the reply once that has run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Unpack, overload

from respool import commands
from respool.commands import (
    bitmaps,
    connection,
    consumer_groups,
    generic,
    hashes,
    hyperloglog,
    lists,
    pubsub,
    sets,
    sorted_sets,
    streams,
    strings,
)
from respool.commands.bitmaps import BITOP, GETBIT, SETBIT
from respool.commands.connection import (
    AUTH,
    CLIENT_CAPA,
    CLIENT_GETNAME,
    CLIENT_GETREDIR,
    CLIENT_ID,
    CLIENT_INFO,
    CLIENT_SETINFO,
    CLIENT_SETNAME,
    CLIENT_TRACKINGINFO,
    CLIENT_UNPAUSE,
    ECHO,
    PING,
    PING_ECHO,
    QUIT,
    RESET,
    SELECT,
)
from respool.commands.consumer_groups import (
    XACK,
    XGROUP_CREATECONSUMER,
    XGROUP_DELCONSUMER,
    XGROUP_DESTROY,
    XINFO_CONSUMERS,
    XINFO_GROUPS,
    XPENDING,
)
from respool.commands.generic import (
    DEL,
    DUMP,
    EXISTS,
    EXPIRE,
    EXPIRETIME,
    KEYS,
    MOVE,
    OBJECT_ENCODING,
    OBJECT_FREQ,
    OBJECT_IDLETIME,
    OBJECT_REFCOUNT,
    PERSIST,
    PEXPIRE,
    PEXPIRETIME,
    PTTL,
    RANDOMKEY,
    RENAME,
    RENAMENX,
    TOUCH,
    TTL,
    TYPE,
    UNLINK,
)
from respool.commands.hashes import (
    HDEL,
    HEXISTS,
    HGET,
    HGETALL,
    HINCRBY,
    HINCRBYFLOAT,
    HKEYS,
    HLEN,
    HMGET,
    HSET,
    HSETNX,
    HSTRLEN,
    HVALS,
)
from respool.commands.hyperloglog import PFADD, PFCOUNT, PFMERGE
from respool.commands.lists import (
    LINDEX,
    LINSERT,
    LLEN,
    LMOVE,
    LPOP,
    LPUSH,
    LPUSHX,
    LRANGE,
    LREM,
    LSET,
    LTRIM,
    RPOP,
    RPOPLPUSH,
    RPUSH,
    RPUSHX,
)
from respool.commands.pubsub import (
    PUBLISH,
    PUBSUB_CHANNELS,
    PUBSUB_NUMPAT,
    PUBSUB_NUMSUB,
    PUBSUB_SHARDCHANNELS,
    PUBSUB_SHARDNUMSUB,
    SPUBLISH,
)
from respool.commands.sets import (
    SADD,
    SCARD,
    SDIFF,
    SDIFFSTORE,
    SINTER,
    SINTERSTORE,
    SISMEMBER,
    SMEMBERS,
    SMISMEMBER,
    SMOVE,
    SPOP,
    SRANDMEMBER,
    SREM,
    SUNION,
    SUNIONSTORE,
)
from respool.commands.sorted_sets import (
    ZCARD,
    ZCOUNT,
    ZINCRBY,
    ZLEXCOUNT,
    ZMSCORE,
    ZPOPMAX,
    ZPOPMIN,
    ZRANGE,
    ZRANGE_SCORES,
    ZRANGEBYSCORE,
    ZRANK,
    ZRANK_SCORE,
    ZREM,
    ZREMRANGEBYLEX,
    ZREMRANGEBYRANK,
    ZREMRANGEBYSCORE,
    ZREVRANGE,
    ZREVRANGE_SCORES,
    ZREVRANGEBYSCORE,
    ZREVRANK,
    ZREVRANK_SCORE,
    ZSCORE,
)
from respool.commands.streams import XDEL, XINFO_STREAM, XLEN, XRANGE, XREVRANGE
from respool.commands.strings import (
    APPEND,
    DECR,
    DECRBY,
    DELIFEQ,
    DIGEST,
    GET,
    GETDEL,
    GETRANGE,
    GETSET,
    INCR,
    INCRBY,
    INCRBYFLOAT,
    MGET,
    PSETEX,
    SET,
    SETEX,
    SETNX,
    SETRANGE,
    STRLEN,
)

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from respool._facts.command import Arg, Command, Key, Parser, Spec
    from respool._facts.records import (
        Claimed,
        ClaimedIds,
        DeliveredEntry,
        GeoMatch,
        Pending,
        PendingSummary,
        StreamEntry,
    )
    from respool._facts.server_records import (
        AggregateResult,
        ClusterLink,
        ClusterNode,
        ClusterShard,
        CommandInfo,
        CommandLogEntry,
        LatencyEvent,
        LatencyHistogram,
        PrimaryRole,
        RawVector,
        ReplicaRole,
        SearchResult,
        SentinelRole,
        SlotMigration,
        SlotRange,
        SlowLogEntry,
        VectorMatch,
    )
    from respool._pooling.pipeline_result import PipelineResult
    from respool.commands._arguments import Duration, FlushMode, MappingOf, Moment, Value
    from respool.commands._stream_arguments import References, StreamId
    from respool.commands.bitmaps import BitOp, GetBits, Operation, Overflow
    from respool.commands.cluster import SlotMetric
    from respool.commands.connection import ClientFilter
    from respool.commands.geo import GeoArea, GeoOrder, Positions, Unit
    from respool.commands.introspection import CommandLogType
    from respool.commands.lists import Order, Side
    from respool.commands.search import CreateOptions, SearchOptions
    from respool.commands.sorted_sets import Aggregate, End, LexBound, ScoreBound, Scores
    from respool.commands.strings import SetOptions
    from respool.commands.vector_sets import Vector

S = TypeVar("S")


class PipelineCommands(Generic[S]):
    """Every command as a method that adds it to a pipeline; ``result()`` has the reply once that has run.

    ``S`` is what keys and values are in replies: bytes, or str. ``respool.commands`` has a function of the
    same name for each method, whose text tells everything about the command. A bad argument raises UsageError
    before anything is sent.
    """

    def _add(self, args: tuple[Arg, ...], spec: Spec, parse: Parser | None = None) -> PipelineResult[Any]:
        """Add one command, whose reply is read by ``parse`` or else by ``spec.parse``."""
        raise NotImplementedError

    def acl_cat(self, category: str | None = None) -> PipelineResult[list[str]]:
        """Return the categories of commands, or the commands in one: ``["get", "object|encoding", ...]``."""
        command = commands.acl_cat(category)
        return self._add(command.args, command.spec, command.parse)

    def acl_deluser(self, *usernames: str | bytes) -> PipelineResult[int]:
        """Delete users, close their connections, and return how many users there were."""
        command = commands.acl_deluser(*usernames)
        return self._add(command.args, command.spec, command.parse)

    def acl_dryrun(self, username: str | bytes, *words: Arg) -> PipelineResult[str | None]:
        """Return why a user may not run a command, or None if they may."""
        command = commands.acl_dryrun(username, *words)
        return self._add(command.args, command.spec, command.parse)

    def acl_genpass(self, bits: int | None = None) -> PipelineResult[str]:
        """Return a new random password of 256 bits, or of ``bits``, in hexadecimal digits of 4 bits each."""
        command = commands.acl_genpass(bits)
        return self._add(command.args, command.spec, command.parse)

    def acl_getuser(self, username: str | bytes) -> PipelineResult[dict[str, Any] | None]:
        """Return what is known about a user, or None if there is no such user."""
        command = commands.acl_getuser(username)
        return self._add(command.args, command.spec, command.parse)

    def acl_list(self) -> PipelineResult[list[str]]:
        """Return a line for each user, with their rules and the hashes of their passwords, as in an ACL file."""
        command = commands.acl_list()
        return self._add(command.args, command.spec, command.parse)

    def acl_load(self) -> PipelineResult[bool]:
        """Replace all users by those of the server's ACL file, and return True."""
        command = commands.acl_load()
        return self._add(command.args, command.spec, command.parse)

    @overload
    def acl_log(
        self, count: int | None = None, *, reset: Literal[False] = False
    ) -> PipelineResult[list[dict[str, Any]]]: ...
    @overload
    def acl_log(self, count: None = None, *, reset: Literal[True]) -> PipelineResult[bool]: ...
    def acl_log(self, count: int | None = None, *, reset: bool = False) -> PipelineResult[Any]:
        """Return the latest attempts that were denied, at most 10 or ``count``; or forget them all, and return True."""
        make: Callable[..., Command[Any]] = commands.acl_log
        command = make(count, reset=reset)
        return self._add(command.args, command.spec, command.parse)

    def acl_save(self) -> PipelineResult[bool]:
        """Write all users to the server's ACL file, and return True. The server refuses if it has none."""
        command = commands.acl_save()
        return self._add(command.args, command.spec, command.parse)

    def acl_setuser(self, username: str | bytes, *rules: str | bytes) -> PipelineResult[bool]:
        """Make a user, or change one by rules that are applied in order, and return True."""
        command = commands.acl_setuser(username, *rules)
        return self._add(command.args, command.spec, command.parse)

    def acl_users(self) -> PipelineResult[list[str]]:
        """Return the names of all users."""
        command = commands.acl_users()
        return self._add(command.args, command.spec, command.parse)

    def acl_whoami(self) -> PipelineResult[str]:
        """Return the name of the user of this connection."""
        command = commands.acl_whoami()
        return self._add(command.args, command.spec, command.parse)

    @overload
    def bitcount(self, key: Key, start: int | None = None) -> PipelineResult[int]: ...
    @overload
    def bitcount(
        self, key: Key, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> PipelineResult[int]: ...
    def bitcount(
        self, key: Key, start: int | None = None, end: int | None = None, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> PipelineResult[int]:
        """Return how many bits are 1, in the whole string or from ``start`` to ``end``, both included."""
        make: Callable[..., Command[Any]] = bitmaps.bitcount
        command = make(key, start, end, unit=unit)
        return self._add(command.args, command.spec, command.parse)

    def bitfield(self, key: Key, *ops: BitOp, overflow: Overflow | None = None) -> PipelineResult[list[int | None]]:
        """Read, set and add numbers of any width in a string, step by step, and return a number for each."""
        command = bitmaps.bitfield(key, *ops, overflow=overflow)
        return self._add(command.args, command.spec, command.parse)

    def bitfield_ro(self, key: Key, *ops: GetBits) -> PipelineResult[list[int]]:
        """Read numbers of any width in a string; a replica can do it too."""
        command = bitmaps.bitfield_ro(key, *ops)
        return self._add(command.args, command.spec, command.parse)

    def bitop(self, operation: Operation, destination: Key, *keys: Key) -> PipelineResult[int]:
        """Combine strings bit by bit, store the result, and return its length in bytes."""
        if keys:
            return self._add(("BITOP", operation, destination, *keys), BITOP)
        command = bitmaps.bitop(operation, destination, *keys)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def bitpos(self, key: Key, bit: int, start: int | None = None) -> PipelineResult[int]: ...
    @overload
    def bitpos(
        self, key: Key, bit: int, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> PipelineResult[int]: ...
    def bitpos(
        self,
        key: Key,
        bit: int,
        start: int | None = None,
        end: int | None = None,
        *,
        unit: Literal["BYTE", "BIT"] | None = None,
    ) -> PipelineResult[int]:
        """Return the offset of the first bit that is 1, or 0, from ``start`` to ``end``; -1 if there is none."""
        make: Callable[..., Command[Any]] = bitmaps.bitpos
        command = make(key, bit, start, end, unit=unit)
        return self._add(command.args, command.spec, command.parse)

    def getbit(self, key: Key, offset: int) -> PipelineResult[int]:
        """Return the bit at an offset, 0 or 1."""
        return self._add(("GETBIT", key, offset), GETBIT)

    def setbit(self, key: Key, offset: int, value: int) -> PipelineResult[int]:
        """Set the bit at an offset to 0 or 1, and return what it was before."""
        return self._add(("SETBIT", key, offset, value), SETBIT)

    def bf_add(self, key: Key, item: Value) -> PipelineResult[bool]:
        """Add an item, and return whether it was new as far as the filter can tell."""
        command = commands.bf_add(key, item)
        return self._add(command.args, command.spec, command.parse)

    def bf_card(self, key: Key) -> PipelineResult[int]:
        """Return how many items were added and new, 0 if there is no filter."""
        command = commands.bf_card(key)
        return self._add(command.args, command.spec, command.parse)

    def bf_exists(self, key: Key, item: Value) -> PipelineResult[bool]:
        """Return whether an item may have been added; False, which is certain, if there is no filter."""
        command = commands.bf_exists(key, item)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def bf_info(self, key: Key, part: None = None) -> PipelineResult[dict[str, Any]]: ...
    @overload
    def bf_info(self, key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS"]) -> PipelineResult[int]: ...
    @overload
    def bf_info(self, key: Key, part: Literal["EXPANSION"]) -> PipelineResult[int | None]: ...
    def bf_info(
        self, key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS", "EXPANSION"] | None = None
    ) -> PipelineResult[Any]:
        """Return facts about a filter, or one of them."""
        make: Callable[..., Command[Any]] = commands.bf_info
        command = make(key, part)
        return self._add(command.args, command.spec, command.parse)

    def bf_insert(
        self,
        key: Key,
        *items: Value,
        capacity: int | None = None,
        error: float | None = None,
        expansion: int | None = None,
        nocreate: bool = False,
        nonscaling: bool = False,
    ) -> PipelineResult[list[bool]]:
        """Add items, make the filter if there is none, and return for each item whether it was new."""
        command = commands.bf_insert(
            key, *items, capacity=capacity, error=error, expansion=expansion, nocreate=nocreate, nonscaling=nonscaling
        )
        return self._add(command.args, command.spec, command.parse)

    def bf_loadchunk(self, key: Key, iterator: int, data: bytes) -> PipelineResult[bool]:
        """Restore a part of a filter that ``bf_scandump`` returned, together with its iterator."""
        command = commands.bf_loadchunk(key, iterator, data)
        return self._add(command.args, command.spec, command.parse)

    def bf_madd(self, key: Key, *items: Value) -> PipelineResult[list[bool]]:
        """Add items, and return for each whether it was new as far as the filter can tell."""
        command = commands.bf_madd(key, *items)
        return self._add(command.args, command.spec, command.parse)

    def bf_mexists(self, key: Key, *items: Value) -> PipelineResult[list[bool]]:
        """Return for each of several items whether it may have been added; all False if there is no filter."""
        command = commands.bf_mexists(key, *items)
        return self._add(command.args, command.spec, command.parse)

    def bf_reserve(
        self, key: Key, error_rate: float, capacity: int, *, expansion: int | None = None, nonscaling: bool = False
    ) -> PipelineResult[bool]:
        """Make a filter for a number of items, with an error rate such as 0.01."""
        command = commands.bf_reserve(key, error_rate, capacity, expansion=expansion, nonscaling=nonscaling)
        return self._add(command.args, command.spec, command.parse)

    def bf_scandump(self, key: Key, iterator: int = 0) -> PipelineResult[tuple[int, bytes]]:
        """Return the next iterator and a part of a filter, to give both to ``bf_loadchunk``."""
        command = commands.bf_scandump(key, iterator)
        return self._add(command.args, command.spec, command.parse)

    def cluster_addslots(self, *slots: int) -> PipelineResult[bool]:
        """Assign slots that no node has to this node, and return True."""
        command = commands.cluster_addslots(*slots)
        return self._add(command.args, command.spec, command.parse)

    def cluster_addslotsrange(self, *ranges: tuple[int, int]) -> PipelineResult[bool]:
        """Assign ranges of slots that no node has to this node, and return True."""
        command = commands.cluster_addslotsrange(*ranges)
        return self._add(command.args, command.spec, command.parse)

    def cluster_bumpepoch(self) -> PipelineResult[int]:
        """Advance the config epoch of this node, unless it is the greatest already, and return it."""
        command = commands.cluster_bumpepoch()
        return self._add(command.args, command.spec, command.parse)

    def cluster_cancelslotmigrations(self) -> PipelineResult[bool]:
        """Cancel all migrations of slots from this node, and return True."""
        command = commands.cluster_cancelslotmigrations()
        return self._add(command.args, command.spec, command.parse)

    def cluster_count_failure_reports(self, node_id: str) -> PipelineResult[int]:
        """Return how many nodes have reported lately that a node does not answer."""
        command = commands.cluster_count_failure_reports(node_id)
        return self._add(command.args, command.spec, command.parse)

    def cluster_countkeysinslot(self, slot: int) -> PipelineResult[int]:
        """Return how many keys of a slot this node holds."""
        command = commands.cluster_countkeysinslot(slot)
        return self._add(command.args, command.spec, command.parse)

    def cluster_delslots(self, *slots: int) -> PipelineResult[bool]:
        """Make this node forget which node has the slots, and return True."""
        command = commands.cluster_delslots(*slots)
        return self._add(command.args, command.spec, command.parse)

    def cluster_delslotsrange(self, *ranges: tuple[int, int]) -> PipelineResult[bool]:
        """Make this node forget which node has the slots of ranges, and return True."""
        command = commands.cluster_delslotsrange(*ranges)
        return self._add(command.args, command.spec, command.parse)

    def cluster_failover(self, mode: Literal["FORCE", "TAKEOVER"] | None = None) -> PipelineResult[bool]:
        """Ask this replica to take the place of its primary, and return True once it has begun to."""
        command = commands.cluster_failover(mode)
        return self._add(command.args, command.spec, command.parse)

    def cluster_flushslot(self, slot: int, mode: Literal["SYNC", "ASYNC"] | None = None) -> PipelineResult[bool]:
        """Delete all keys of a slot, and return True."""
        command = commands.cluster_flushslot(slot, mode)
        return self._add(command.args, command.spec, command.parse)

    def cluster_flushslots(self) -> PipelineResult[bool]:
        """Make this node forget all slots that it has, and return True."""
        command = commands.cluster_flushslots()
        return self._add(command.args, command.spec, command.parse)

    def cluster_forget(self, node_id: str) -> PipelineResult[bool]:
        """Remove a node from the nodes that this node knows, and return True."""
        command = commands.cluster_forget(node_id)
        return self._add(command.args, command.spec, command.parse)

    def cluster_getkeysinslot(self, slot: int, count: int) -> PipelineResult[list[S]]:
        """Return up to ``count`` keys of a slot that this node holds. Raises UsageValueError for a negative count."""
        command = commands.cluster_getkeysinslot(slot, count)
        return self._add(command.args, command.spec, command.parse)

    def cluster_getslotmigrations(self) -> PipelineResult[list[SlotMigration]]:
        """Return the migrations of slots from and to this node: those in progress and the latest of the others."""
        command = commands.cluster_getslotmigrations()
        return self._add(command.args, command.spec, command.parse)

    def cluster_info(self) -> PipelineResult[dict[str, Any]]:
        """Return what this node says about its cluster: ``{"cluster_state": "ok", "cluster_size": 3, ...}``."""
        command = commands.cluster_info()
        return self._add(command.args, command.spec, command.parse)

    def cluster_keyslot(self, key: Key) -> PipelineResult[int]:
        """Return the slot of a key."""
        command = commands.cluster_keyslot(key)
        return self._add(command.args, command.spec, command.parse)

    def cluster_links(self) -> PipelineResult[list[ClusterLink]]:
        """Return the connections between this node and other nodes, two for each of them. Since Redis 7.0."""
        command = commands.cluster_links()
        return self._add(command.args, command.spec, command.parse)

    def cluster_meet(self, ip: str, port: int, cluster_bus_port: int | None = None) -> PipelineResult[bool]:
        """Make this node introduce itself to another one, and return True at once."""
        command = commands.cluster_meet(ip, port, cluster_bus_port)
        return self._add(command.args, command.spec, command.parse)

    def cluster_migrateslots(self, ranges: Mapping[str, Sequence[tuple[int, int]]]) -> PipelineResult[bool]:
        """Begin to move slots, with their keys, from this node to others, and return True."""
        command = commands.cluster_migrateslots(ranges)
        return self._add(command.args, command.spec, command.parse)

    def cluster_myid(self) -> PipelineResult[str]:
        """Return the id of this node."""
        command = commands.cluster_myid()
        return self._add(command.args, command.spec, command.parse)

    def cluster_myshardid(self) -> PipelineResult[str]:
        """Return the id of this node's shard, which a primary has in common with its replicas. Since Redis 7.2."""
        command = commands.cluster_myshardid()
        return self._add(command.args, command.spec, command.parse)

    def cluster_nodes(self) -> PipelineResult[list[ClusterNode]]:
        """Return the nodes of the cluster as this node sees them, itself included."""
        command = commands.cluster_nodes()
        return self._add(command.args, command.spec, command.parse)

    def cluster_replicas(self, node_id: str) -> PipelineResult[list[ClusterNode]]:
        """Return the replicas of a primary; the server refuses the id of a replica."""
        command = commands.cluster_replicas(node_id)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def cluster_replicate(self, node_id: str) -> PipelineResult[bool]: ...
    @overload
    def cluster_replicate(self, *, no_one: Literal[True]) -> PipelineResult[bool]: ...
    def cluster_replicate(self, node_id: str | None = None, *, no_one: bool = False) -> PipelineResult[bool]:
        """Make this node a replica of a primary, and return True."""
        make: Callable[..., Command[Any]] = commands.cluster_replicate
        command = make(node_id, no_one=no_one)
        return self._add(command.args, command.spec, command.parse)

    def cluster_reset(self, mode: Literal["HARD", "SOFT"] | None = None) -> PipelineResult[bool]:
        """Make this node forget its cluster, and return True."""
        command = commands.cluster_reset(mode)
        return self._add(command.args, command.spec, command.parse)

    def cluster_saveconfig(self) -> PipelineResult[bool]:
        """Write what this node knows about its cluster to disk, and return True."""
        command = commands.cluster_saveconfig()
        return self._add(command.args, command.spec, command.parse)

    def cluster_set_config_epoch(self, config_epoch: int) -> PipelineResult[bool]:
        """Set the config epoch of a new node, and return True."""
        command = commands.cluster_set_config_epoch(config_epoch)
        return self._add(command.args, command.spec, command.parse)

    def cluster_setslot(
        self,
        slot: int,
        *,
        importing: str | None = None,
        migrating: str | None = None,
        node: str | None = None,
        stable: bool = False,
        timeout: Duration | None = None,
    ) -> PipelineResult[bool]:
        """Change one step of the move of a slot on this node, and return True."""
        command = commands.cluster_setslot(
            slot, importing=importing, migrating=migrating, node=node, stable=stable, timeout=timeout
        )
        return self._add(command.args, command.spec, command.parse)

    def cluster_shards(self) -> PipelineResult[list[ClusterShard]]:
        """Return the shards of the cluster: their slots, and for each node its address, role and health."""
        command = commands.cluster_shards()
        return self._add(command.args, command.spec, command.parse)

    @overload
    def cluster_slot_stats(self, slots: tuple[int, int]) -> PipelineResult[dict[int, dict[str, int]]]: ...
    @overload
    def cluster_slot_stats(
        self, *, orderby: SlotMetric, limit: int | None = None, order: Literal["ASC", "DESC"] | None = None
    ) -> PipelineResult[dict[int, dict[str, int]]]: ...
    def cluster_slot_stats(
        self,
        slots: tuple[int, int] | None = None,
        *,
        orderby: SlotMetric | None = None,
        limit: int | None = None,
        order: Literal["ASC", "DESC"] | None = None,
    ) -> PipelineResult[dict[int, dict[str, int]]]:
        """Return what this node has counted for its slots: ``{0: {"key-count": 7, "cpu-usec": 12, ...}, ...}``."""
        make: Callable[..., Command[Any]] = commands.cluster_slot_stats
        command = make(slots, orderby=orderby, limit=limit, order=order)
        return self._add(command.args, command.spec, command.parse)

    def cluster_slots(self) -> PipelineResult[list[SlotRange]]:
        """Return which nodes have which slots: for each range its primary, then its replicas."""
        command = commands.cluster_slots()
        return self._add(command.args, command.spec, command.parse)

    def clusterscan(
        self,
        cursor: str = "0",
        *,
        match: Key | None = None,
        count: int | None = None,
        type: str | None = None,
        slot: int | None = None,
    ) -> PipelineResult[tuple[str, list[S]]]:
        """Return the next cursor and some of the keys of the cluster, slot after slot."""
        command = commands.clusterscan(cursor, match=match, count=count, type=type, slot=slot)
        return self._add(command.args, command.spec, command.parse)

    def auth(self, password: str | bytes, username: str | bytes | None = None) -> PipelineResult[bool]:
        """Log in as a user, or as the default user if no name is given, and return True."""
        if username is None:
            return self._add(("AUTH", password), AUTH)
        return self._add(("AUTH", username, password), AUTH)

    def client_caching(self, *, yes: bool) -> PipelineResult[bool]:
        """Set whether the keys of the next command are tracked, and return True."""
        command = connection.client_caching(yes=yes)
        return self._add(command.args, command.spec, command.parse)

    def client_capa(self, *capabilities: str) -> PipelineResult[bool]:
        """Announce the capabilities of this connection (``"redirect"``) to the server, and return True."""
        if capabilities:
            return self._add(("CLIENT", "CAPA", *capabilities), CLIENT_CAPA)
        command = connection.client_capa(*capabilities)
        return self._add(command.args, command.spec, command.parse)

    def client_getname(self) -> PipelineResult[str | None]:
        """Return the name of this connection, or None when it has none."""
        return self._add(("CLIENT", "GETNAME"), CLIENT_GETNAME)

    def client_getredir(self) -> PipelineResult[int]:
        """Return the id of the client that receives this connection's invalidations."""
        return self._add(("CLIENT", "GETREDIR"), CLIENT_GETREDIR)

    def client_id(self) -> PipelineResult[int]:
        """Return the id of this connection; a server never uses an id twice."""
        return self._add(("CLIENT", "ID"), CLIENT_ID)

    def client_import_source(self, *, on: bool) -> PipelineResult[bool]:
        """Set whether this connection is an import source, for a server in import mode, and return True."""
        command = connection.client_import_source(on=on)
        return self._add(command.args, command.spec, command.parse)

    def client_info(self) -> PipelineResult[dict[str, str]]:
        """Return the server's information about this connection, with the field names of the server."""
        return self._add(("CLIENT", "INFO"), CLIENT_INFO)

    def client_kill(self, **filters: Unpack[ClientFilter]) -> PipelineResult[int]:
        """Close the connections that match all the filters, and return their number."""
        command = connection.client_kill(**filters)
        return self._add(command.args, command.spec, command.parse)

    def client_list(self, **filters: Unpack[ClientFilter]) -> PipelineResult[list[dict[str, str]]]:
        """Return the server's information about its connections, or about those that match all the filters."""
        command = connection.client_list(**filters)
        return self._add(command.args, command.spec, command.parse)

    def client_no_evict(self, *, on: bool) -> PipelineResult[bool]:
        """Set whether this connection stays open when the clients use too much memory, and return True."""
        command = connection.client_no_evict(on=on)
        return self._add(command.args, command.spec, command.parse)

    def client_no_touch(self, *, on: bool) -> PipelineResult[bool]:
        """Set whether commands on this connection do not count as a use of keys, for eviction; return True."""
        command = connection.client_no_touch(on=on)
        return self._add(command.args, command.spec, command.parse)

    def client_pause(self, timeout: Duration, mode: Literal["WRITE", "ALL"] = "ALL") -> PipelineResult[bool]:
        """Suspend all clients of the server for ``timeout`` milliseconds, and return True."""
        command = connection.client_pause(timeout, mode)
        return self._add(command.args, command.spec, command.parse)

    def client_setinfo(self, attribute: Literal["LIB-NAME", "LIB-VER"], value: str) -> PipelineResult[bool]:
        """Set the name or version of the library behind this connection on the server, and return True."""
        return self._add(("CLIENT", "SETINFO", attribute, value), CLIENT_SETINFO)

    def client_setname(self, name: str) -> PipelineResult[bool]:
        """Name this connection, or remove its name with the empty string, and return True."""
        return self._add(("CLIENT", "SETNAME", name), CLIENT_SETNAME)

    def client_tracking(
        self,
        *,
        on: bool,
        redirect: int | None = None,
        prefixes: Sequence[Key] = (),
        bcast: bool = False,
        optin: bool = False,
        optout: bool = False,
        noloop: bool = False,
    ) -> PipelineResult[bool]:
        """Turn invalidation messages on or off for the keys that this connection has read, and return True."""
        command = connection.client_tracking(
            on=on, redirect=redirect, prefixes=prefixes, bcast=bcast, optin=optin, optout=optout, noloop=noloop
        )
        return self._add(command.args, command.spec, command.parse)

    def client_trackinginfo(self) -> PipelineResult[dict[str, Any]]:
        """Return the tracking state of this connection: ``{"flags": ["off"], "redirect": -1, "prefixes": []}``."""
        return self._add(("CLIENT", "TRACKINGINFO"), CLIENT_TRACKINGINFO)

    def client_unblock(self, client_id: int, *, error: bool = False) -> PipelineResult[bool]:
        """End another connection's blocking command, and return whether it was blocked."""
        command = connection.client_unblock(client_id, error=error)
        return self._add(command.args, command.spec, command.parse)

    def client_unpause(self) -> PipelineResult[bool]:
        """End ``client_pause`` and return True."""
        return self._add(("CLIENT", "UNPAUSE"), CLIENT_UNPAUSE)

    def echo(self, message: Value) -> PipelineResult[S]:
        """Return the message."""
        return self._add(("ECHO", message), ECHO)

    def hello(
        self,
        protover: Literal[2, 3] | None = None,
        *,
        username: str | None = None,
        password: str | bytes | None = None,
        clientname: str | None = None,
    ) -> PipelineResult[dict[str, Any]]:
        """Change protocol, user and name where given, and return the server's information about itself."""
        command = connection.hello(protover, username=username, password=password, clientname=clientname)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def ping(self) -> PipelineResult[bool]: ...
    @overload
    def ping(self, message: Value) -> PipelineResult[S]: ...
    def ping(self, message: Value | None = None) -> PipelineResult[Any]:
        """Check that the server is alive: return True, or ``message`` if it is given."""
        if message is None:
            return self._add(("PING",), PING)
        return self._add(("PING", message), PING_ECHO)

    def quit(self) -> PipelineResult[bool]:
        """Ask the server to close this connection, and return True."""
        return self._add(("QUIT",), QUIT)

    def reset(self) -> PipelineResult[bool]:
        """Reset all state of this connection, and return True."""
        return self._add(("RESET",), RESET)

    def select(self, db: int) -> PipelineResult[bool]:
        """Change the database of this connection and return True."""
        return self._add(("SELECT", db), SELECT)

    def xack(self, key: Key, group: Value, *ids: StreamId) -> PipelineResult[int]:
        """Acknowledge entries, and return how many of them were pending in the group."""
        if ids:
            return self._add(("XACK", key, group, *ids), XACK)
        command = consumer_groups.xack(key, group, *ids)
        return self._add(command.args, command.spec, command.parse)

    def xackdel(
        self, key: Key, group: Value, *ids: StreamId, refs: References | None = None
    ) -> PipelineResult[list[int]]:
        """Acknowledge entries in a group and delete them from the stream."""
        command = consumer_groups.xackdel(key, group, *ids, refs=refs)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def xautoclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        start: StreamId = "0-0",
        *,
        count: int | None = None,
        justid: Literal[False] = False,
    ) -> PipelineResult[Claimed[S]]: ...
    @overload
    def xautoclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        start: StreamId = "0-0",
        *,
        count: int | None = None,
        justid: Literal[True],
    ) -> PipelineResult[ClaimedIds]: ...
    def xautoclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        start: StreamId = "0-0",
        *,
        count: int | None = None,
        justid: bool = False,
    ) -> PipelineResult[Any]:
        """Give a consumer the entries of its group that have been pending for ``min_idle`` milliseconds."""
        make: Callable[..., Command[Any]] = consumer_groups.xautoclaim
        command = make(key, group, consumer, min_idle, start, count=count, justid=justid)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def xclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        *ids: StreamId,
        idle: Duration | None = None,
        time: Moment | None = None,
        retrycount: int | None = None,
        force: bool = False,
        lastid: StreamId | None = None,
        justid: Literal[False] = False,
    ) -> PipelineResult[list[StreamEntry[S]]]: ...
    @overload
    def xclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        *ids: StreamId,
        idle: Duration | None = None,
        time: Moment | None = None,
        retrycount: int | None = None,
        force: bool = False,
        lastid: StreamId | None = None,
        justid: Literal[True],
    ) -> PipelineResult[list[str]]: ...
    def xclaim(
        self,
        key: Key,
        group: Value,
        consumer: Value,
        min_idle: Duration,
        *ids: StreamId,
        idle: Duration | None = None,
        time: Moment | None = None,
        retrycount: int | None = None,
        force: bool = False,
        lastid: StreamId | None = None,
        justid: bool = False,
    ) -> PipelineResult[Any]:
        """Give a consumer those of the entries that have been pending in its group for ``min_idle`` milliseconds."""
        make: Callable[..., Command[Any]] = consumer_groups.xclaim
        command = make(
            key,
            group,
            consumer,
            min_idle,
            *ids,
            idle=idle,
            time=time,
            retrycount=retrycount,
            force=force,
            lastid=lastid,
            justid=justid,
        )
        return self._add(command.args, command.spec, command.parse)

    def xgroup_create(
        self, key: Key, group: Value, id: StreamId = "$", *, mkstream: bool = False, entriesread: int | None = None
    ) -> PipelineResult[bool]:
        """Create a consumer group, and return True."""
        command = consumer_groups.xgroup_create(key, group, id, mkstream=mkstream, entriesread=entriesread)
        return self._add(command.args, command.spec, command.parse)

    def xgroup_createconsumer(self, key: Key, group: Value, consumer: Value) -> PipelineResult[bool]:
        """Create a consumer in a group, and return whether there was none."""
        return self._add(("XGROUP", "CREATECONSUMER", key, group, consumer), XGROUP_CREATECONSUMER)

    def xgroup_delconsumer(self, key: Key, group: Value, consumer: Value) -> PipelineResult[int]:
        """Delete a consumer, and return how many entries were pending for it."""
        return self._add(("XGROUP", "DELCONSUMER", key, group, consumer), XGROUP_DELCONSUMER)

    def xgroup_destroy(self, key: Key, group: Value) -> PipelineResult[bool]:
        """Delete a group with its consumers and what is pending for them, and return whether there was one."""
        return self._add(("XGROUP", "DESTROY", key, group), XGROUP_DESTROY)

    def xgroup_setid(
        self, key: Key, group: Value, id: StreamId, *, entriesread: int | None = None
    ) -> PipelineResult[bool]:
        """Set the id after which a group delivers entries, and return True."""
        command = consumer_groups.xgroup_setid(key, group, id, entriesread=entriesread)
        return self._add(command.args, command.spec, command.parse)

    def xinfo_consumers(self, key: Key, group: Value) -> PipelineResult[list[dict[str, Any]]]:
        """Return a dict for each consumer of a group: its name, pending entries and idle times in milliseconds."""
        return self._add(("XINFO", "CONSUMERS", key, group), XINFO_CONSUMERS)

    def xinfo_groups(self, key: Key) -> PipelineResult[list[dict[str, Any]]]:
        """Return a dict for each consumer group of a stream; an empty list if it has none."""
        return self._add(("XINFO", "GROUPS", key), XINFO_GROUPS)

    def xnack(
        self,
        key: Key,
        group: Value,
        mode: Literal["SILENT", "FAIL", "FATAL"],
        *ids: StreamId,
        retrycount: int | None = None,
        force: bool = False,
    ) -> PipelineResult[int]:
        """Give pending entries back to their group, for other consumers to claim at once, and return how many."""
        command = consumer_groups.xnack(key, group, mode, *ids, retrycount=retrycount, force=force)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def xpending(self, key: Key, group: Value) -> PipelineResult[PendingSummary[S]]: ...
    @overload
    def xpending(
        self,
        key: Key,
        group: Value,
        start: StreamId,
        end: StreamId,
        count: int,
        *,
        consumer: Value | None = None,
        idle: Duration | None = None,
    ) -> PipelineResult[list[Pending[S]]]: ...
    def xpending(
        self,
        key: Key,
        group: Value,
        start: StreamId | None = None,
        end: StreamId | None = None,
        count: int | None = None,
        *,
        consumer: Value | None = None,
        idle: Duration | None = None,
    ) -> PipelineResult[Any]:
        """Return a summary of what is pending in a group, or a list of up to ``count`` pending entries."""
        if start is None and end is None and count is None and consumer is None and idle is None:
            return self._add(("XPENDING", key, group), XPENDING)
        make: Callable[..., Command[Any]] = consumer_groups.xpending
        command = make(key, group, start, end, count, consumer=consumer, idle=idle)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def xreadgroup(
        self,
        group: Value,
        consumer: Value,
        streams: MappingOf[Key, StreamId],
        *,
        count: int | None = None,
        maxcount: int | None = None,
        maxsize: int | None = None,
        block: Duration | None = None,
        noack: bool = False,
        claim: None = None,
    ) -> PipelineResult[dict[S, list[StreamEntry[S]]]]: ...
    @overload
    def xreadgroup(
        self,
        group: Value,
        consumer: Value,
        streams: MappingOf[Key, StreamId],
        *,
        count: int | None = None,
        maxcount: int | None = None,
        maxsize: int | None = None,
        block: Duration | None = None,
        noack: bool = False,
        claim: Duration,
    ) -> PipelineResult[dict[S, list[DeliveredEntry[S]]]]: ...
    def xreadgroup(
        self,
        group: Value,
        consumer: Value,
        streams: MappingOf[Key, StreamId],
        *,
        count: int | None = None,
        maxcount: int | None = None,
        maxsize: int | None = None,
        block: Duration | None = None,
        noack: bool = False,
        claim: Duration | None = None,
    ) -> PipelineResult[Any]:
        """Return entries of streams for a consumer of a group; an empty dict if there are none."""
        make: Callable[..., Command[Any]] = consumer_groups.xreadgroup
        command = make(
            group,
            consumer,
            streams,
            count=count,
            maxcount=maxcount,
            maxsize=maxsize,
            block=block,
            noack=noack,
            claim=claim,
        )
        return self._add(command.args, command.spec, command.parse)

    def copy(
        self, source: Key, destination: Key, *, db: int | None = None, replace: bool = False
    ) -> PipelineResult[bool]:
        """Copy a key with its expiry, and return whether it was copied."""
        command = generic.copy(source, destination, db=db, replace=replace)
        return self._add(command.args, command.spec, command.parse)

    def delete(self, *keys: Key) -> PipelineResult[int]:
        """Delete keys and return how many of them existed (DEL)."""
        if keys:
            return self._add(("DEL", *keys), DEL)
        command = generic.delete(*keys)
        return self._add(command.args, command.spec, command.parse)

    def dump(self, key: Key) -> PipelineResult[bytes | None]:
        """Return the value of a key in the server's own format, for ``restore``; None if there is no such key."""
        return self._add(("DUMP", key), DUMP)

    def exists(self, *keys: Key) -> PipelineResult[int]:
        """Return how many of the keys exist; a key given twice counts twice."""
        if keys:
            return self._add(("EXISTS", *keys), EXISTS)
        command = generic.exists(*keys)
        return self._add(command.args, command.spec, command.parse)

    def expire(
        self, key: Key, seconds: Duration, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> PipelineResult[bool]:
        """Let a key expire after a number of seconds, and return whether the expiry was set."""
        if isinstance(seconds, int) and not (nx or xx or gt or lt):
            return self._add(("EXPIRE", key, seconds), EXPIRE)
        command = generic.expire(key, seconds, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def expireat(
        self, key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> PipelineResult[bool]:
        """Let a key expire at a moment in seconds since 1970, and return whether the expiry was set."""
        command = generic.expireat(key, when, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def expiretime(self, key: Key) -> PipelineResult[int]:
        """Return when a key expires, in seconds since 1970."""
        return self._add(("EXPIRETIME", key), EXPIRETIME)

    def keys(self, pattern: Key) -> PipelineResult[list[S]]:
        """Return all keys that match a glob pattern."""
        return self._add(("KEYS", pattern), KEYS)

    def migrate(
        self,
        host: str,
        port: int,
        *keys: Key,
        timeout: Duration,
        db: int = 0,
        copy: bool = False,
        replace: bool = False,
        username: str | bytes | None = None,
        password: str | bytes | None = None,
    ) -> PipelineResult[bool]:
        """Move keys to another server, and return whether there were any to move."""
        command = generic.migrate(
            host, port, *keys, timeout=timeout, db=db, copy=copy, replace=replace, username=username, password=password
        )
        return self._add(command.args, command.spec, command.parse)

    def move(self, key: Key, db: int) -> PipelineResult[bool]:
        """Move a key to another database, and return whether it was moved."""
        return self._add(("MOVE", key, db), MOVE)

    def object_encoding(self, key: Key) -> PipelineResult[str | None]:
        """Return how the server stores a value (``"embstr"``, ``"listpack"``, ...); None if there is no such key."""
        return self._add(("OBJECT", "ENCODING", key), OBJECT_ENCODING)

    def object_freq(self, key: Key) -> PipelineResult[int | None]:
        """Return how often a key is used, on a logarithmic scale; None if there is no such key."""
        return self._add(("OBJECT", "FREQ", key), OBJECT_FREQ)

    def object_idletime(self, key: Key) -> PipelineResult[int | None]:
        """Return for how many seconds a key has not been used; None if there is no such key."""
        return self._add(("OBJECT", "IDLETIME", key), OBJECT_IDLETIME)

    def object_refcount(self, key: Key) -> PipelineResult[int | None]:
        """Return how many references the server holds to a value; None if there is no such key."""
        return self._add(("OBJECT", "REFCOUNT", key), OBJECT_REFCOUNT)

    def persist(self, key: Key) -> PipelineResult[bool]:
        """Remove the expiry of a key, and return whether it had one."""
        return self._add(("PERSIST", key), PERSIST)

    def pexpire(
        self,
        key: Key,
        milliseconds: Duration,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> PipelineResult[bool]:
        """Let a key expire after a number of milliseconds, and return whether the expiry was set."""
        if isinstance(milliseconds, int) and not (nx or xx or gt or lt):
            return self._add(("PEXPIRE", key, milliseconds), PEXPIRE)
        command = generic.pexpire(key, milliseconds, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def pexpireat(
        self, key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> PipelineResult[bool]:
        """Let a key expire at a moment in milliseconds since 1970, and return whether the expiry was set."""
        command = generic.pexpireat(key, when, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def pexpiretime(self, key: Key) -> PipelineResult[int]:
        """Return when a key expires, in milliseconds since 1970."""
        return self._add(("PEXPIRETIME", key), PEXPIRETIME)

    def pttl(self, key: Key) -> PipelineResult[int]:
        """Return how many milliseconds a key has left."""
        return self._add(("PTTL", key), PTTL)

    def randomkey(self) -> PipelineResult[S | None]:
        """Return a random key of the database, or None if it is empty."""
        return self._add(("RANDOMKEY",), RANDOMKEY)

    def rename(self, key: Key, newkey: Key) -> PipelineResult[bool]:
        """Rename a key and return True; an existing key of the new name is replaced."""
        return self._add(("RENAME", key, newkey), RENAME)

    def renamenx(self, key: Key, newkey: Key) -> PipelineResult[bool]:
        """Rename a key unless the new name is taken, and return whether it was renamed."""
        return self._add(("RENAMENX", key, newkey), RENAMENX)

    def restore(
        self,
        key: Key,
        ttl: Duration,
        value: bytes,
        *,
        replace: bool = False,
        absttl: bool = False,
        idletime: int | None = None,
        freq: int | None = None,
    ) -> PipelineResult[bool]:
        """Create a key from the result of ``dump``, and return True."""
        command = generic.restore(key, ttl, value, replace=replace, absttl=absttl, idletime=idletime, freq=freq)
        return self._add(command.args, command.spec, command.parse)

    def scan(
        self, cursor: int = 0, *, match: Key | None = None, count: int | None = None, type: str | None = None
    ) -> PipelineResult[tuple[int, list[S]]]:
        """Return the next cursor and some of the keys."""
        command = generic.scan(cursor, match=match, count=count, type=type)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def sort(
        self,
        key: Key,
        *,
        by: Key | None = None,
        limit: tuple[int, int] | None = None,
        get: Sequence[Key] = (),
        desc: bool = False,
        alpha: bool = False,
        store: None = None,
    ) -> PipelineResult[list[S | None]]: ...
    @overload
    def sort(
        self,
        key: Key,
        *,
        by: Key | None = None,
        limit: tuple[int, int] | None = None,
        get: Sequence[Key] = (),
        desc: bool = False,
        alpha: bool = False,
        store: Key,
    ) -> PipelineResult[int]: ...
    def sort(
        self,
        key: Key,
        *,
        by: Key | None = None,
        limit: tuple[int, int] | None = None,
        get: Sequence[Key] = (),
        desc: bool = False,
        alpha: bool = False,
        store: Key | None = None,
    ) -> PipelineResult[Any]:
        """Return the elements of a list, set or sorted set in order, or store them as a list."""
        make: Callable[..., Command[Any]] = generic.sort
        command = make(key, by=by, limit=limit, get=get, desc=desc, alpha=alpha, store=store)
        return self._add(command.args, command.spec, command.parse)

    def sort_ro(
        self,
        key: Key,
        *,
        by: Key | None = None,
        limit: tuple[int, int] | None = None,
        get: Sequence[Key] = (),
        desc: bool = False,
        alpha: bool = False,
    ) -> PipelineResult[list[S | None]]:
        """Return the elements of a list, set or sorted set in order; a replica can do it too."""
        command = generic.sort_ro(key, by=by, limit=limit, get=get, desc=desc, alpha=alpha)
        return self._add(command.args, command.spec, command.parse)

    def touch(self, *keys: Key) -> PipelineResult[int]:
        """Mark keys as just used, for eviction, and return how many of them existed."""
        if keys:
            return self._add(("TOUCH", *keys), TOUCH)
        command = generic.touch(*keys)
        return self._add(command.args, command.spec, command.parse)

    def ttl(self, key: Key) -> PipelineResult[int]:
        """Return how many seconds a key has left."""
        return self._add(("TTL", key), TTL)

    def type(self, key: Key) -> PipelineResult[str]:
        """Return the name of the type that a key holds: ``"string"``, ``"list"``, ..."""
        return self._add(("TYPE", key), TYPE)

    def unlink(self, *keys: Key) -> PipelineResult[int]:
        """Delete keys, free their memory in the background, and return how many of them existed."""
        if keys:
            return self._add(("UNLINK", *keys), UNLINK)
        command = generic.unlink(*keys)
        return self._add(command.args, command.spec, command.parse)

    def wait(self, numreplicas: int, timeout: Duration) -> PipelineResult[int]:
        """Block until replicas have what this connection wrote, and return how many have it."""
        command = generic.wait(numreplicas, timeout)
        return self._add(command.args, command.spec, command.parse)

    def waitaof(self, numlocal: int, numreplicas: int, timeout: Duration) -> PipelineResult[tuple[int, int]]:
        """Block until what this connection wrote is on disk, and return on how many servers."""
        command = generic.waitaof(numlocal, numreplicas, timeout)
        return self._add(command.args, command.spec, command.parse)

    def geoadd(
        self, key: Key, positions: Positions, *, nx: bool = False, xx: bool = False, ch: bool = False
    ) -> PipelineResult[int]:
        """Set the positions of members, and return how many members are new; with ``ch`` how many are new or moved."""
        command = commands.geoadd(key, positions, nx=nx, xx=xx, ch=ch)
        return self._add(command.args, command.spec, command.parse)

    def geodist(self, key: Key, member1: Value, member2: Value, *, unit: Unit = "m") -> PipelineResult[float | None]:
        """Return the distance between two members, or None if one of them does not exist."""
        command = commands.geodist(key, member1, member2, unit=unit)
        return self._add(command.args, command.spec, command.parse)

    def geohash(self, key: Key, *members: Value) -> PipelineResult[list[str | None]]:
        """Return the geohashes of members, texts of 11 characters; None for each that does not exist."""
        command = commands.geohash(key, *members)
        return self._add(command.args, command.spec, command.parse)

    def geopos(self, key: Key, *members: Value) -> PipelineResult[list[tuple[float, float] | None]]:
        """Return the longitudes and latitudes of members; None for each that does not exist."""
        command = commands.geopos(key, *members)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[S]]: ...
    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        store: Key,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[int]: ...
    @overload
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        store: None = None,
        storedist: Key,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[int]: ...
    def georadius(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        store: Key | None = None,
        storedist: Key | None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[Any]:
        """Return the members within a radius around a position, or store them."""
        make: Callable[..., Command[Any]] = commands.georadius
        command = make(
            key,
            longitude,
            latitude,
            radius,
            unit=unit,
            withcoord=withcoord,
            withdist=withdist,
            withhash=withhash,
            store=store,
            storedist=storedist,
            **options,
        )
        return self._add(command.args, command.spec, command.parse)

    @overload
    def georadius_ro(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[S]]: ...
    @overload
    def georadius_ro(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadius_ro(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadius_ro(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    def georadius_ro(
        self,
        key: Key,
        longitude: float,
        latitude: float,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[Any]:
        """Return the members within a radius around a position; a replica can do it too."""
        make: Callable[..., Command[Any]] = commands.georadius_ro
        command = make(
            key,
            longitude,
            latitude,
            radius,
            unit=unit,
            withcoord=withcoord,
            withdist=withdist,
            withhash=withhash,
            **options,
        )
        return self._add(command.args, command.spec, command.parse)

    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[S]]: ...
    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        store: None = None,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        store: Key,
        storedist: None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[int]: ...
    @overload
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        store: None = None,
        storedist: Key,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[int]: ...
    def georadiusbymember(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        store: Key | None = None,
        storedist: Key | None = None,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[Any]:
        """Return the members within a radius around a member, itself included, or store them."""
        make: Callable[..., Command[Any]] = commands.georadiusbymember
        command = make(
            key,
            member,
            radius,
            unit=unit,
            withcoord=withcoord,
            withdist=withdist,
            withhash=withhash,
            store=store,
            storedist=storedist,
            **options,
        )
        return self._add(command.args, command.spec, command.parse)

    @overload
    def georadiusbymember_ro(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[S]]: ...
    @overload
    def georadiusbymember_ro(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadiusbymember_ro(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def georadiusbymember_ro(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    def georadiusbymember_ro(
        self,
        key: Key,
        member: Value,
        radius: float,
        *,
        unit: Unit = "m",
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        **options: Unpack[GeoOrder],
    ) -> PipelineResult[Any]:
        """Return the members within a radius around a member, itself included; a replica can do it too."""
        make: Callable[..., Command[Any]] = commands.georadiusbymember_ro
        command = make(
            key, member, radius, unit=unit, withcoord=withcoord, withdist=withdist, withhash=withhash, **options
        )
        return self._add(command.args, command.spec, command.parse)

    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        **area: Unpack[GeoArea],
    ) -> PipelineResult[list[S]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        **area: Unpack[GeoArea],
    ) -> PipelineResult[list[GeoMatch[S]]]: ...
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> PipelineResult[Any]:
        """Return the members in a circle, a box or a polygon; an empty list if there is no key."""
        make: Callable[..., Command[Any]] = commands.geosearch
        command = make(key, withcoord=withcoord, withdist=withdist, withhash=withhash, **area)
        return self._add(command.args, command.spec, command.parse)

    def geosearchstore(
        self, destination: Key, source: Key, *, storedist: bool = False, **area: Unpack[GeoArea]
    ) -> PipelineResult[int]:
        """Store the members in a circle, a box or a polygon as places, and return their number."""
        command = commands.geosearchstore(destination, source, storedist=storedist, **area)
        return self._add(command.args, command.spec, command.parse)

    def hdel(self, key: Key, *fields: Value) -> PipelineResult[int]:
        """Delete fields and return how many there were. Raises UsageValueError without fields."""
        if fields:
            return self._add(("HDEL", key, *fields), HDEL)
        command = hashes.hdel(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hexists(self, key: Key, field: Value) -> PipelineResult[bool]:
        """Return whether a hash has a field."""
        return self._add(("HEXISTS", key, field), HEXISTS)

    def hexpire(
        self,
        key: Key,
        seconds: Duration,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> PipelineResult[list[int]]:
        """Let fields expire after a number of seconds."""
        command = hashes.hexpire(key, seconds, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def hexpireat(
        self,
        key: Key,
        when: Moment,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> PipelineResult[list[int]]:
        """Let fields expire at a moment in seconds since 1970."""
        command = hashes.hexpireat(key, when, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def hexpiretime(self, key: Key, *fields: Value) -> PipelineResult[list[int]]:
        """Return when fields expire, in seconds since 1970."""
        command = hashes.hexpiretime(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hget(self, key: Key, field: Value) -> PipelineResult[S | None]:
        """Return the value of a field, or None if there is no such field."""
        return self._add(("HGET", key, field), HGET)

    def hgetall(self, key: Key) -> PipelineResult[dict[S, S]]:
        """Return all fields and their values; an empty dict if there is no hash."""
        return self._add(("HGETALL", key), HGETALL)

    def hgetdel(self, key: Key, *fields: Value) -> PipelineResult[list[S | None]]:
        """Return the values of fields and delete the fields; None for each that does not exist."""
        command = hashes.hgetdel(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hgetex(
        self,
        key: Key,
        *fields: Value,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
    ) -> PipelineResult[list[S | None]]:
        """Return the values of fields and change when the fields expire; None for each that does not exist."""
        command = hashes.hgetex(key, *fields, ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
        return self._add(command.args, command.spec, command.parse)

    def hincrby(self, key: Key, field: Value, increment: int) -> PipelineResult[int]:
        """Add a whole number to the number in a field and return the new value."""
        return self._add(("HINCRBY", key, field, increment), HINCRBY)

    def hincrbyfloat(self, key: Key, field: Value, increment: float) -> PipelineResult[float]:
        """Add a number to the number in a field and return the new value."""
        return self._add(("HINCRBYFLOAT", key, field, increment), HINCRBYFLOAT)

    def hkeys(self, key: Key) -> PipelineResult[list[S]]:
        """Return all fields; an empty list if there is no hash."""
        return self._add(("HKEYS", key), HKEYS)

    def hlen(self, key: Key) -> PipelineResult[int]:
        """Return how many fields a hash has, 0 if there is no hash."""
        return self._add(("HLEN", key), HLEN)

    def hmget(self, key: Key, *fields: Value) -> PipelineResult[list[S | None]]:
        """Return the values of fields; None for each that does not exist. Raises UsageValueError without fields."""
        if fields:
            return self._add(("HMGET", key, *fields), HMGET)
        command = hashes.hmget(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hmset(self, key: Key, mapping: MappingOf[Key, Value]) -> PipelineResult[bool]:
        """Set fields to values. ``hset`` does the same and tells how many fields are new."""
        command = hashes.hmset(key, mapping)
        return self._add(command.args, command.spec, command.parse)

    def hpersist(self, key: Key, *fields: Value) -> PipelineResult[list[int]]:
        """Remove the expiry of fields."""
        command = hashes.hpersist(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hpexpire(
        self,
        key: Key,
        milliseconds: Duration,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> PipelineResult[list[int]]:
        """Let fields expire after a number of milliseconds. Otherwise it works like ``hexpire``."""
        command = hashes.hpexpire(key, milliseconds, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def hpexpireat(
        self,
        key: Key,
        when: Moment,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> PipelineResult[list[int]]:
        """Let fields expire at a moment in milliseconds since 1970. Otherwise it works like ``hexpireat``."""
        command = hashes.hpexpireat(key, when, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._add(command.args, command.spec, command.parse)

    def hpexpiretime(self, key: Key, *fields: Value) -> PipelineResult[list[int]]:
        """Return when fields expire, in milliseconds since 1970. Otherwise it works like ``hexpiretime``."""
        command = hashes.hpexpiretime(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hpttl(self, key: Key, *fields: Value) -> PipelineResult[list[int]]:
        """Return after how many milliseconds fields expire. Otherwise it works like ``httl``."""
        command = hashes.hpttl(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def hrandfield(
        self, key: Key, count: None = None, *, withvalues: Literal[False] = False
    ) -> PipelineResult[S | None]: ...
    @overload
    def hrandfield(self, key: Key, count: int, *, withvalues: Literal[False] = False) -> PipelineResult[list[S]]: ...
    @overload
    def hrandfield(self, key: Key, count: int, *, withvalues: Literal[True]) -> PipelineResult[list[tuple[S, S]]]: ...
    def hrandfield(self, key: Key, count: int | None = None, *, withvalues: bool = False) -> PipelineResult[Any]:
        """Return a random field, or None if there is no hash."""
        make: Callable[..., Command[Any]] = hashes.hrandfield
        command = make(key, count, withvalues=withvalues)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def hscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        novalues: Literal[False] = False,
    ) -> PipelineResult[tuple[int, dict[S, S]]]: ...
    @overload
    def hscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        novalues: Literal[True],
    ) -> PipelineResult[tuple[int, list[S]]]: ...
    def hscan(
        self, key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, novalues: bool = False
    ) -> PipelineResult[Any]:
        """Return the next cursor and some of the fields with their values, or with ``novalues`` a list of fields."""
        make: Callable[..., Command[Any]] = hashes.hscan
        command = make(key, cursor, match=match, count=count, novalues=novalues)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def hset(self, key: Key, field: Value, value: Value) -> PipelineResult[int]: ...
    @overload
    def hset(self, key: Key, *, mapping: MappingOf[Key, Value]) -> PipelineResult[int]: ...
    def hset(
        self,
        key: Key,
        field: Value | None = None,
        value: Value | None = None,
        *,
        mapping: MappingOf[Key, Value] | None = None,
    ) -> PipelineResult[int]:
        """Set a field to a value, or each field of ``mapping``, and return how many fields are new."""
        if mapping is None and field is not None and value is not None:
            return self._add(("HSET", key, field, value), HSET)
        make: Callable[..., Command[Any]] = hashes.hset
        command = make(key, field, value, mapping=mapping)
        return self._add(command.args, command.spec, command.parse)

    def hsetex(
        self,
        key: Key,
        mapping: MappingOf[Key, Value],
        *,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        keepttl: bool = False,
        fnx: bool = False,
        fxx: bool = False,
        nx: bool = False,
        xx: bool = False,
    ) -> PipelineResult[bool]:
        """Set fields to values and when the fields expire, and return whether they were set: all or none."""
        command = hashes.hsetex(
            key, mapping, ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl, fnx=fnx, fxx=fxx, nx=nx, xx=xx
        )
        return self._add(command.args, command.spec, command.parse)

    def hsetnx(self, key: Key, field: Value, value: Value) -> PipelineResult[bool]:
        """Set a field that does not exist to a value, and return whether it was set."""
        return self._add(("HSETNX", key, field, value), HSETNX)

    def hstrlen(self, key: Key, field: Value) -> PipelineResult[int]:
        """Return the length of a value in bytes, 0 if there is no such field."""
        return self._add(("HSTRLEN", key, field), HSTRLEN)

    def httl(self, key: Key, *fields: Value) -> PipelineResult[list[int]]:
        """Return after how many seconds fields expire."""
        command = hashes.httl(key, *fields)
        return self._add(command.args, command.spec, command.parse)

    def hvals(self, key: Key) -> PipelineResult[list[S]]:
        """Return all values; an empty list if there is no hash."""
        return self._add(("HVALS", key), HVALS)

    def pfadd(self, key: Key, *elements: Value) -> PipelineResult[bool]:
        """Add elements, and return whether the count may have changed."""
        return self._add(("PFADD", key, *elements), PFADD)

    def pfcount(self, *keys: Key) -> PipelineResult[int]:
        """Return about how many different elements were added to any of the HyperLogLogs."""
        if keys:
            return self._add(("PFCOUNT", *keys), PFCOUNT)
        command = hyperloglog.pfcount(*keys)
        return self._add(command.args, command.spec, command.parse)

    def pfmerge(self, destination: Key, *sources: Key) -> PipelineResult[bool]:
        """Merge HyperLogLogs into another one, and return True."""
        if sources:
            return self._add(("PFMERGE", destination, *sources), PFMERGE)
        command = hyperloglog.pfmerge(destination, *sources)
        return self._add(command.args, command.spec, command.parse)

    def command_count(self) -> PipelineResult[int]:
        """Return how many commands the server knows, without subcommands."""
        command = commands.command_count()
        return self._add(command.args, command.spec, command.parse)

    def command_docs(self, *names: str) -> PipelineResult[dict[str, dict[str, Any]]]:
        """Return the server's documentation of commands by name, or that of all commands."""
        command = commands.command_docs(*names)
        return self._add(command.args, command.spec, command.parse)

    def command_getkeys(self, *words: Arg) -> PipelineResult[list[S]]:
        """Return the keys of a command; ``words`` are its name and all of its arguments. It is not run."""
        command = commands.command_getkeys(*words)
        return self._add(command.args, command.spec, command.parse)

    def command_getkeysandflags(self, *words: Arg) -> PipelineResult[list[tuple[S, list[str]]]]:
        """Return the keys of a command, each with flags that tell what the command does to it."""
        command = commands.command_getkeysandflags(*words)
        return self._add(command.args, command.spec, command.parse)

    def command_info(self, *names: str) -> PipelineResult[dict[str, CommandInfo]]:
        """Return the facts about commands by name, or about all commands."""
        command = commands.command_info(*names)
        return self._add(command.args, command.spec, command.parse)

    def command_list(
        self, *, module: str | None = None, aclcat: str | None = None, pattern: str | None = None
    ) -> PipelineResult[list[str]]:
        """Return the names of all commands, of those of a module or an ACL category, or that match a glob pattern."""
        command = commands.command_list(module=module, aclcat=aclcat, pattern=pattern)
        return self._add(command.args, command.spec, command.parse)

    def commandlog_get(self, count: int, type: CommandLogType) -> PipelineResult[list[CommandLogEntry[S]]]:
        """Return the latest ``count`` entries of a log of commands, the newest first; -1 stands for all."""
        command = commands.commandlog_get(count, type)
        return self._add(command.args, command.spec, command.parse)

    def commandlog_len(self, type: CommandLogType) -> PipelineResult[int]:
        """Return the number of entries of a log of commands."""
        command = commands.commandlog_len(type)
        return self._add(command.args, command.spec, command.parse)

    def commandlog_reset(self, type: CommandLogType) -> PipelineResult[bool]:
        """Remove all entries of a log of commands, and return True."""
        command = commands.commandlog_reset(type)
        return self._add(command.args, command.spec, command.parse)

    def latency_doctor(self) -> PipelineResult[str]:
        """Return the server's analysis of its latency, as text for people."""
        command = commands.latency_doctor()
        return self._add(command.args, command.spec, command.parse)

    def latency_graph(self, event: str) -> PipelineResult[str]:
        """Return the latency of an event over time as a drawing of characters."""
        command = commands.latency_graph(event)
        return self._add(command.args, command.spec, command.parse)

    def latency_histogram(self, *names: str) -> PipelineResult[dict[str, LatencyHistogram]]:
        """Return how long the calls of commands took, by name, or of all commands that were called."""
        command = commands.latency_histogram(*names)
        return self._add(command.args, command.spec, command.parse)

    def latency_history(self, event: str) -> PipelineResult[list[tuple[int, int]]]:
        """Return the latest spikes of an event: pairs of the time in seconds since 1970, and milliseconds."""
        command = commands.latency_history(event)
        return self._add(command.args, command.spec, command.parse)

    def latency_latest(self) -> PipelineResult[list[LatencyEvent]]:
        """Return the latest spike of each event that has made the server slow."""
        command = commands.latency_latest()
        return self._add(command.args, command.spec, command.parse)

    def latency_reset(self, *events: str) -> PipelineResult[int]:
        """Forget the spikes of events, or of all events, and return for how many events there were some."""
        command = commands.latency_reset(*events)
        return self._add(command.args, command.spec, command.parse)

    def memory_doctor(self) -> PipelineResult[str]:
        """Return the server's analysis of its memory, as text for people."""
        command = commands.memory_doctor()
        return self._add(command.args, command.spec, command.parse)

    def memory_malloc_stats(self) -> PipelineResult[str]:
        """Return the statistics of the memory allocator, as text for people."""
        command = commands.memory_malloc_stats()
        return self._add(command.args, command.spec, command.parse)

    def memory_purge(self) -> PipelineResult[bool]:
        """Ask the memory allocator to give unused memory back to the system, and return True."""
        command = commands.memory_purge()
        return self._add(command.args, command.spec, command.parse)

    def memory_stats(self) -> PipelineResult[dict[str, Any]]:
        """Return how the server uses its memory."""
        command = commands.memory_stats()
        return self._add(command.args, command.spec, command.parse)

    def memory_usage(self, key: Key, *, samples: int | None = None) -> PipelineResult[int | None]:
        """Return how many bytes of memory a key and its value take, or None if there is no such key."""
        command = commands.memory_usage(key, samples=samples)
        return self._add(command.args, command.spec, command.parse)

    def module_list(self) -> PipelineResult[list[dict[str, Any]]]:
        """Return one dict for each module that is loaded: ``{"name": "bf", "ver": 20802, "path": ..., "args": []}``."""
        command = commands.module_list()
        return self._add(command.args, command.spec, command.parse)

    def module_load(self, path: str, *args: Arg) -> PipelineResult[bool]:
        """Load a module from a file on the server's machine, and return True."""
        command = commands.module_load(path, *args)
        return self._add(command.args, command.spec, command.parse)

    def module_loadex(
        self, path: str, *, config: Mapping[str, Arg] | None = None, args: Sequence[Arg] = ()
    ) -> PipelineResult[bool]:
        """Load a module with values for its settings, and return True."""
        command = commands.module_loadex(path, config=config, args=args)
        return self._add(command.args, command.spec, command.parse)

    def module_unload(self, name: str) -> PipelineResult[bool]:
        """Unload a module, and return True."""
        command = commands.module_unload(name)
        return self._add(command.args, command.spec, command.parse)

    def slowlog_get(self, count: int | None = None) -> PipelineResult[list[SlowLogEntry[S]]]:
        """Return the latest commands that took long, the newest first: 10, or ``count``."""
        command = commands.slowlog_get(count)
        return self._add(command.args, command.spec, command.parse)

    def slowlog_len(self) -> PipelineResult[int]:
        """Return how many commands the slow log has."""
        command = commands.slowlog_len()
        return self._add(command.args, command.spec, command.parse)

    def slowlog_reset(self) -> PipelineResult[bool]:
        """Remove all entries of the slow log, and return True."""
        command = commands.slowlog_reset()
        return self._add(command.args, command.spec, command.parse)

    def json_arrappend(self, key: Key, path: str, *values: Any) -> PipelineResult[list[int | None]]:
        """Append values to arrays, and return the new length of each."""
        command = commands.json_arrappend(key, path, *values)
        return self._add(command.args, command.spec, command.parse)

    def json_arrindex(
        self, key: Key, path: str, value: Any, start: int | None = None, stop: int | None = None
    ) -> PipelineResult[list[int | None]]:
        """Return at which index each array has a value first; -1 if it has not."""
        command = commands.json_arrindex(key, path, value, start, stop)
        return self._add(command.args, command.spec, command.parse)

    def json_arrinsert(self, key: Key, path: str, index: int, *values: Any) -> PipelineResult[list[int | None]]:
        """Insert values into arrays before an index, and return the new length of each."""
        command = commands.json_arrinsert(key, path, index, *values)
        return self._add(command.args, command.spec, command.parse)

    def json_arrlen(self, key: Key, path: str = "$") -> PipelineResult[list[int | None]]:
        """Return the length of each array."""
        command = commands.json_arrlen(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_arrpop(self, key: Key, path: str = "$", index: int = -1) -> PipelineResult[list[Any]]:
        """Remove an element of each array and return it; None if there is no array or it is empty."""
        command = commands.json_arrpop(key, path, index)
        return self._add(command.args, command.spec, command.parse)

    def json_arrtrim(self, key: Key, path: str, start: int, stop: int) -> PipelineResult[list[int | None]]:
        """Keep only the elements of each array from ``start`` to ``stop``, both included, and return its new length."""
        command = commands.json_arrtrim(key, path, start, stop)
        return self._add(command.args, command.spec, command.parse)

    def json_clear(self, key: Key, path: str = "$") -> PipelineResult[int]:
        """Empty arrays and objects and set numbers to 0, and return how many values changed."""
        command = commands.json_clear(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_debug_memory(self, key: Key, path: str = "$") -> PipelineResult[list[int]]:
        """Return how many bytes of memory each value takes; an empty list if there is no key."""
        command = commands.json_debug_memory(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_del(self, key: Key, path: str = "$") -> PipelineResult[int]:
        """Delete values and return how many there were; the key too if the path is its root."""
        command = commands.json_del(key, path)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def json_get(self, key: Key, *paths: str, raw: Literal[False] = False) -> PipelineResult[Any]: ...
    @overload
    def json_get(
        self,
        key: Key,
        *paths: str,
        raw: Literal[True],
        indent: str | None = None,
        newline: str | None = None,
        space: str | None = None,
    ) -> PipelineResult[S | None]: ...
    def json_get(
        self,
        key: Key,
        *paths: str,
        raw: bool = False,
        indent: str | None = None,
        newline: str | None = None,
        space: str | None = None,
    ) -> PipelineResult[Any]:
        """Return a document, or what paths match in it; None if there is no key."""
        make: Callable[..., Command[Any]] = commands.json_get
        command = make(key, *paths, raw=raw, indent=indent, newline=newline, space=space)
        return self._add(command.args, command.spec, command.parse)

    def json_merge(self, key: Key, path: str, value: Any) -> PipelineResult[bool]:
        """Merge a value into a document: objects key by key, where None deletes; anything else is replaced."""
        command = commands.json_merge(key, path, value)
        return self._add(command.args, command.spec, command.parse)

    def json_mget(self, *keys: Key, path: str = ".") -> PipelineResult[list[Any]]:
        """Return what a path matches in each of several documents, or the documents; None where there is no key."""
        command = commands.json_mget(*keys, path=path)
        return self._add(command.args, command.spec, command.parse)

    def json_mset(self, *values: tuple[Key, str, Any]) -> PipelineResult[bool]:
        """Set values, each given as a tuple of key, path and value: all or none."""
        command = commands.json_mset(*values)
        return self._add(command.args, command.spec, command.parse)

    def json_numincrby(self, key: Key, path: str, number: float) -> PipelineResult[list[float | None]]:
        """Add a number to numbers, and return the new value of each: an int where the result is one."""
        command = commands.json_numincrby(key, path, number)
        return self._add(command.args, command.spec, command.parse)

    def json_nummultby(self, key: Key, path: str, number: float) -> PipelineResult[list[float | None]]:
        """Multiply numbers by a number, and return the new value of each."""
        command = commands.json_nummultby(key, path, number)
        return self._add(command.args, command.spec, command.parse)

    def json_objkeys(self, key: Key, path: str = "$") -> PipelineResult[list[list[str] | None]]:
        """Return the keys of each object."""
        command = commands.json_objkeys(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_objlen(self, key: Key, path: str = "$") -> PipelineResult[list[int | None]]:
        """Return how many keys each object has."""
        command = commands.json_objlen(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_set(self, key: Key, path: str, value: Any, *, nx: bool = False, xx: bool = False) -> PipelineResult[bool]:
        """Set a value, and return whether it was set."""
        command = commands.json_set(key, path, value, nx=nx, xx=xx)
        return self._add(command.args, command.spec, command.parse)

    def json_strappend(self, key: Key, path: str, text: str) -> PipelineResult[list[int | None]]:
        """Append text to strings, and return the new length of each in bytes."""
        command = commands.json_strappend(key, path, text)
        return self._add(command.args, command.spec, command.parse)

    def json_strlen(self, key: Key, path: str = "$") -> PipelineResult[list[int | None]]:
        """Return the length of each string in bytes."""
        command = commands.json_strlen(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_toggle(self, key: Key, path: str) -> PipelineResult[list[bool | None]]:
        """Turn True into False and False into True, and return the new values."""
        command = commands.json_toggle(key, path)
        return self._add(command.args, command.spec, command.parse)

    def json_type(self, key: Key, path: str = "$") -> PipelineResult[list[str]]:
        """Return the type of each value; an empty list if there is no key."""
        command = commands.json_type(key, path)
        return self._add(command.args, command.spec, command.parse)

    def blmove(
        self, source: Key, destination: Key, wherefrom: Side, whereto: Side, *, timeout: float | timedelta = 0
    ) -> PipelineResult[S | None]:
        """Wait for an element, move it to another list and return it; None after ``timeout``."""
        command = lists.blmove(source, destination, wherefrom, whereto, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def blmovem(
        self,
        source: Key,
        destination: Key,
        wherefrom: Side,
        whereto: Side,
        *,
        count: int | None = None,
        exactly: int | None = None,
        order: Order | None = None,
        timeout: float | timedelta = 0,
    ) -> PipelineResult[list[S]]:
        """Wait for elements, move them to another list and return them; the empty list after ``timeout``."""
        command = lists.blmovem(
            source, destination, wherefrom, whereto, count=count, exactly=exactly, order=order, timeout=timeout
        )
        return self._add(command.args, command.spec, command.parse)

    def blmpop(
        self, *keys: Key, side: Side = "LEFT", count: int | None = None, timeout: float | timedelta = 0
    ) -> PipelineResult[tuple[S, list[S]] | None]:
        """Wait until one of the lists has elements, and return its key and some of its elements."""
        command = lists.blmpop(*keys, side=side, count=count, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def blpop(self, *keys: Key, timeout: float | timedelta = 0) -> PipelineResult[tuple[S, S] | None]:
        """Wait until one of the lists has an element, and return its key and its first element."""
        command = lists.blpop(*keys, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def brpop(self, *keys: Key, timeout: float | timedelta = 0) -> PipelineResult[tuple[S, S] | None]:
        """Wait until one of the lists has an element, and return its key and its last element."""
        command = lists.brpop(*keys, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def brpoplpush(self, source: Key, destination: Key, *, timeout: float | timedelta = 0) -> PipelineResult[S | None]:
        """Wait for an element, move it from the end of a list to the head of another, and return it."""
        command = lists.brpoplpush(source, destination, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def lindex(self, key: Key, index: int) -> PipelineResult[S | None]:
        """Return the element at an index, or None if there is none."""
        return self._add(("LINDEX", key, index), LINDEX)

    def linsert(self, key: Key, where: Literal["BEFORE", "AFTER"], pivot: Value, element: Value) -> PipelineResult[int]:
        """Insert an element next to the first one that equals ``pivot``, and return the new length."""
        return self._add(("LINSERT", key, where, pivot, element), LINSERT)

    def llen(self, key: Key) -> PipelineResult[int]:
        """Return the length of a list, 0 if there is no list."""
        return self._add(("LLEN", key), LLEN)

    def lmove(self, source: Key, destination: Key, wherefrom: Side, whereto: Side) -> PipelineResult[S | None]:
        """Move an element from one end of a list to an end of another or the same list, and return it."""
        return self._add(("LMOVE", source, destination, wherefrom, whereto), LMOVE)

    def lmovem(
        self,
        source: Key,
        destination: Key,
        wherefrom: Side,
        whereto: Side,
        *,
        count: int | None = None,
        exactly: int | None = None,
        order: Order | None = None,
    ) -> PipelineResult[list[S]]:
        """Move elements from one end of a list to an end of another or the same list, and return them."""
        command = lists.lmovem(source, destination, wherefrom, whereto, count=count, exactly=exactly, order=order)
        return self._add(command.args, command.spec, command.parse)

    def lmpop(
        self, *keys: Key, side: Side = "LEFT", count: int | None = None
    ) -> PipelineResult[tuple[S, list[S]] | None]:
        """Remove elements from the first list that has any, and return its key and the elements."""
        command = lists.lmpop(*keys, side=side, count=count)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def lpop(self, key: Key, count: None = None) -> PipelineResult[S | None]: ...
    @overload
    def lpop(self, key: Key, count: int) -> PipelineResult[list[S]]: ...
    def lpop(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Remove the first element of a list and return it, or a list of the first ``count``."""
        if count is None:
            return self._add(("LPOP", key), LPOP)
        make: Callable[..., Command[Any]] = lists.lpop
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: None = None, maxlen: int | None = None
    ) -> PipelineResult[int | None]: ...
    @overload
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: int, maxlen: int | None = None
    ) -> PipelineResult[list[int]]: ...
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: int | None = None, maxlen: int | None = None
    ) -> PipelineResult[Any]:
        """Return the index of an element, or None; with ``count`` return a list of its indexes."""
        make: Callable[..., Command[Any]] = lists.lpos
        command = make(key, element, rank=rank, count=count, maxlen=maxlen)
        return self._add(command.args, command.spec, command.parse)

    def lpush(self, key: Key, *elements: Value) -> PipelineResult[int]:
        """Put elements at the head of a list, one after the other, and return the new length."""
        if elements:
            return self._add(("LPUSH", key, *elements), LPUSH)
        command = lists.lpush(key, *elements)
        return self._add(command.args, command.spec, command.parse)

    def lpushx(self, key: Key, *elements: Value) -> PipelineResult[int]:
        """Put elements at the head of a list only if it exists, and return the new length."""
        if elements:
            return self._add(("LPUSHX", key, *elements), LPUSHX)
        command = lists.lpushx(key, *elements)
        return self._add(command.args, command.spec, command.parse)

    def lrange(self, key: Key, start: int, stop: int) -> PipelineResult[list[S]]:
        """Return the elements from ``start`` to ``stop``, both included."""
        return self._add(("LRANGE", key, start, stop), LRANGE)

    def lrem(self, key: Key, count: int, element: Value) -> PipelineResult[int]:
        """Remove up to ``count`` elements that equal ``element``, and return how many were removed."""
        return self._add(("LREM", key, count, element), LREM)

    def lset(self, key: Key, index: int, element: Value) -> PipelineResult[bool]:
        """Replace the element at an index and return True."""
        return self._add(("LSET", key, index, element), LSET)

    def ltrim(self, key: Key, start: int, stop: int) -> PipelineResult[bool]:
        """Keep the elements from ``start`` to ``stop``, both included, remove the others, and return True."""
        return self._add(("LTRIM", key, start, stop), LTRIM)

    @overload
    def rpop(self, key: Key, count: None = None) -> PipelineResult[S | None]: ...
    @overload
    def rpop(self, key: Key, count: int) -> PipelineResult[list[S]]: ...
    def rpop(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Remove the last element of a list and return it, or a list of the last ``count``, last first."""
        if count is None:
            return self._add(("RPOP", key), RPOP)
        make: Callable[..., Command[Any]] = lists.rpop
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    def rpoplpush(self, source: Key, destination: Key) -> PipelineResult[S | None]:
        """Move an element from the end of a list to the head of another or the same list, and return it."""
        return self._add(("RPOPLPUSH", source, destination), RPOPLPUSH)

    def rpush(self, key: Key, *elements: Value) -> PipelineResult[int]:
        """Put elements at the end of a list, in order, and return the new length."""
        if elements:
            return self._add(("RPUSH", key, *elements), RPUSH)
        command = lists.rpush(key, *elements)
        return self._add(command.args, command.spec, command.parse)

    def rpushx(self, key: Key, *elements: Value) -> PipelineResult[int]:
        """Put elements at the end of a list only if it exists, and return the new length."""
        if elements:
            return self._add(("RPUSHX", key, *elements), RPUSHX)
        command = lists.rpushx(key, *elements)
        return self._add(command.args, command.spec, command.parse)

    def publish(self, channel: Key, message: Value) -> PipelineResult[int]:
        """Send a message to all subscribers of a channel, and return how many clients received it."""
        return self._add(("PUBLISH", channel, message), PUBLISH)

    def pubsub_channels(self, pattern: Value | None = None) -> PipelineResult[list[S]]:
        """Return the channels that have subscribers, or those that match a glob pattern."""
        if pattern is None:
            return self._add(("PUBSUB", "CHANNELS"), PUBSUB_CHANNELS)
        return self._add(("PUBSUB", "CHANNELS", pattern), PUBSUB_CHANNELS)

    def pubsub_numpat(self) -> PipelineResult[int]:
        """Return to how many patterns clients subscribe."""
        return self._add(("PUBSUB", "NUMPAT"), PUBSUB_NUMPAT)

    def pubsub_numsub(self, *channels: Key) -> PipelineResult[dict[S, int]]:
        """Return a dict of channels to how many clients subscribe to each, 0 for one without subscribers."""
        if channels:
            return self._add(("PUBSUB", "NUMSUB", *channels), PUBSUB_NUMSUB)
        command = pubsub.pubsub_numsub(*channels)
        return self._add(command.args, command.spec, command.parse)

    def pubsub_shardchannels(self, pattern: Value | None = None) -> PipelineResult[list[S]]:
        """Return the shard channels that have subscribers, or those that match a glob pattern. Since Redis 7.0."""
        if pattern is None:
            return self._add(("PUBSUB", "SHARDCHANNELS"), PUBSUB_SHARDCHANNELS)
        return self._add(("PUBSUB", "SHARDCHANNELS", pattern), PUBSUB_SHARDCHANNELS)

    def pubsub_shardnumsub(self, *channels: Key) -> PipelineResult[dict[S, int]]:
        """Return a dict of shard channels to how many clients subscribe to each, 0 for one without subscribers."""
        if channels:
            return self._add(("PUBSUB", "SHARDNUMSUB", *channels), PUBSUB_SHARDNUMSUB)
        command = pubsub.pubsub_shardnumsub(*channels)
        return self._add(command.args, command.spec, command.parse)

    def spublish(self, channel: Key, message: Value) -> PipelineResult[int]:
        """Send a message to all subscribers of a shard channel, and return how many clients received it."""
        return self._add(("SPUBLISH", channel, message), SPUBLISH)

    def eval(self, script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> PipelineResult[Any]:
        """Run a Lua script and return what it returns, in the shape that the protocol gives it."""
        command = commands.eval(script, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def eval_ro(
        self, script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[Any]:
        """Run a Lua script that changes nothing, and return what it returns."""
        command = commands.eval_ro(script, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def evalsha(
        self, sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[Any]:
        """Run the script that has this hash, and return what it returns."""
        command = commands.evalsha(sha1, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def evalsha_ro(
        self, sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[Any]:
        """Run the script that has this hash and changes nothing, and return what it returns."""
        command = commands.evalsha_ro(sha1, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def fcall(self, name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> PipelineResult[Any]:
        """Call a function of a library that was loaded, and return what it returns."""
        command = commands.fcall(name, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def fcall_ro(
        self, name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[Any]:
        """Call a function that changes nothing, and return what it returns."""
        command = commands.fcall_ro(name, keys=keys, args=args)
        return self._add(command.args, command.spec, command.parse)

    def function_delete(self, library: str | bytes) -> PipelineResult[bool]:
        """Delete a library with all its functions, and return True."""
        command = commands.function_delete(library)
        return self._add(command.args, command.spec, command.parse)

    def function_dump(self) -> PipelineResult[bytes]:
        """Return all libraries in the server's own format, for ``function_restore``. Since Redis 7.0."""
        command = commands.function_dump()
        return self._add(command.args, command.spec, command.parse)

    def function_flush(self, mode: FlushMode | None = None) -> PipelineResult[bool]:
        """Delete all libraries and return True."""
        command = commands.function_flush(mode)
        return self._add(command.args, command.spec, command.parse)

    def function_kill(self) -> PipelineResult[bool]:
        """End the function that runs too long, and return True."""
        command = commands.function_kill()
        return self._add(command.args, command.spec, command.parse)

    def function_list(
        self, *, libraryname: str | bytes | None = None, withcode: bool = False
    ) -> PipelineResult[list[dict[str, Any]]]:
        """Return the libraries, each as a dict; an empty list if there are none."""
        command = commands.function_list(libraryname=libraryname, withcode=withcode)
        return self._add(command.args, command.spec, command.parse)

    def function_load(self, code: str | bytes, *, replace: bool = False) -> PipelineResult[str]:
        """Load a library and return its name, which its first line says: ``#!lua name=mylib``."""
        command = commands.function_load(code, replace=replace)
        return self._add(command.args, command.spec, command.parse)

    def function_restore(
        self, payload: bytes, policy: Literal["FLUSH", "APPEND", "REPLACE"] | None = None
    ) -> PipelineResult[bool]:
        """Load the libraries of a ``function_dump``, and return True."""
        command = commands.function_restore(payload, policy)
        return self._add(command.args, command.spec, command.parse)

    def function_stats(self) -> PipelineResult[dict[str, Any]]:
        """Return the function that runs now, and how many there are."""
        command = commands.function_stats()
        return self._add(command.args, command.spec, command.parse)

    def script_exists(self, *sha1s: str | bytes) -> PipelineResult[list[bool]]:
        """Return a list that tells, for each hash in order, whether the server remembers the script."""
        command = commands.script_exists(*sha1s)
        return self._add(command.args, command.spec, command.parse)

    def script_flush(self, mode: FlushMode | None = None) -> PipelineResult[bool]:
        """Forget all scripts and return True."""
        command = commands.script_flush(mode)
        return self._add(command.args, command.spec, command.parse)

    def script_kill(self) -> PipelineResult[bool]:
        """End the script that runs too long, and return True."""
        command = commands.script_kill()
        return self._add(command.args, command.spec, command.parse)

    def script_load(self, script: str | bytes) -> PipelineResult[str]:
        """Make the server remember a script, without running it, and return its hash for ``evalsha``."""
        command = commands.script_load(script)
        return self._add(command.args, command.spec, command.parse)

    def script_show(self, sha1: str | bytes) -> PipelineResult[S]:
        """Return the script that has this hash."""
        command = commands.script_show(sha1)
        return self._add(command.args, command.spec, command.parse)

    def ft_aggregate(
        self,
        index: Key,
        query: str,
        *steps: Sequence[Arg],
        load: Literal["*"] | Sequence[Arg] | None = None,
        verbatim: bool = False,
        timeout: Duration | None = None,
        withcursor: bool = False,
        count: int | None = None,
        maxidle: Duration | None = None,
        params: Mapping[str, Value] | None = None,
        dialect: int | None = None,
    ) -> PipelineResult[AggregateResult[S]]:
        """Group, sort and compute what a query finds, in ``steps``, and return the rows."""
        command = commands.ft_aggregate(
            index,
            query,
            *steps,
            load=load,
            verbatim=verbatim,
            timeout=timeout,
            withcursor=withcursor,
            count=count,
            maxidle=maxidle,
            params=params,
            dialect=dialect,
        )
        return self._add(command.args, command.spec, command.parse)

    def ft_alter(self, index: Key, *fields: Sequence[Arg], skipinitialscan: bool = False) -> PipelineResult[bool]:
        """Add fields to the schema of an index, each as for ``ft_create``."""
        command = commands.ft_alter(index, *fields, skipinitialscan=skipinitialscan)
        return self._add(command.args, command.spec, command.parse)

    def ft_create(self, index: Key, *fields: Sequence[Arg], **options: Unpack[CreateOptions]) -> PipelineResult[bool]:
        """Make an index."""
        command = commands.ft_create(index, *fields, **options)
        return self._add(command.args, command.spec, command.parse)

    def ft_cursor_del(self, index: Key, cursor: int) -> PipelineResult[bool]:
        """Delete a cursor. Always True; the server refuses one that does not exist."""
        command = commands.ft_cursor_del(index, cursor)
        return self._add(command.args, command.spec, command.parse)

    def ft_cursor_read(
        self, index: Key, cursor: int, *, count: int | None = None
    ) -> PipelineResult[AggregateResult[S]]:
        """Return the next rows of an aggregation that was called with ``withcursor``."""
        command = commands.ft_cursor_read(index, cursor, count=count)
        return self._add(command.args, command.spec, command.parse)

    def ft_dropindex(self, index: Key, *, dd: bool = False) -> PipelineResult[bool]:
        """Delete an index, and with ``dd`` the hashes or documents in it. Always True."""
        command = commands.ft_dropindex(index, dd=dd)
        return self._add(command.args, command.spec, command.parse)

    def ft_info(self, index: Key) -> PipelineResult[dict[str, Any]]:
        """Return facts about an index."""
        command = commands.ft_info(index)
        return self._add(command.args, command.spec, command.parse)

    def ft__list(self) -> PipelineResult[list[S]]:
        """Return the names of all indexes."""
        command = commands.ft__list()
        return self._add(command.args, command.spec, command.parse)

    def ft_search(self, index: Key, query: str, **options: Unpack[SearchOptions]) -> PipelineResult[SearchResult[S]]:
        """Return the documents that a query finds, 10 at most without ``limit``."""
        command = commands.ft_search(index, query, **options)
        return self._add(command.args, command.spec, command.parse)

    def bgrewriteaof(self) -> PipelineResult[str]:
        """Rewrite the append-only file in the background, and return what the server says: started or scheduled."""
        command = commands.bgrewriteaof()
        return self._add(command.args, command.spec, command.parse)

    def bgsave(self, *, schedule: bool = False, cancel: bool = False) -> PipelineResult[str]:
        """Save all data to a file in the background, and return what the server says."""
        command = commands.bgsave(schedule=schedule, cancel=cancel)
        return self._add(command.args, command.spec, command.parse)

    def config_get(self, *patterns: str) -> PipelineResult[dict[str, str]]:
        """Return the settings whose names match one of the glob patterns, with their values."""
        command = commands.config_get(*patterns)
        return self._add(command.args, command.spec, command.parse)

    def config_resetstat(self) -> PipelineResult[bool]:
        """Set the statistics of ``info`` back to 0, and return True."""
        command = commands.config_resetstat()
        return self._add(command.args, command.spec, command.parse)

    def config_rewrite(self) -> PipelineResult[bool]:
        """Write the settings that differ to the server's configuration file, and return True."""
        command = commands.config_rewrite()
        return self._add(command.args, command.spec, command.parse)

    def config_set(self, settings: Mapping[str, Value]) -> PipelineResult[bool]:
        """Change settings, all or none of them, and return True."""
        command = commands.config_set(settings)
        return self._add(command.args, command.spec, command.parse)

    def dbsize(self) -> PipelineResult[int]:
        """Return the number of keys in the database."""
        command = commands.dbsize()
        return self._add(command.args, command.spec, command.parse)

    def failover(
        self,
        *,
        to: tuple[str, int] | None = None,
        force: bool = False,
        abort: bool = False,
        timeout: Duration | None = None,
    ) -> PipelineResult[bool]:
        """Begin to change places with a replica, and return True; ``info("replication")`` tells when it is done."""
        command = commands.failover(to=to, force=force, abort=abort, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def flushall(self, mode: FlushMode | None = None) -> PipelineResult[bool]:
        """Remove all keys of all databases, and return True."""
        command = commands.flushall(mode)
        return self._add(command.args, command.spec, command.parse)

    def flushdb(self, mode: FlushMode | None = None) -> PipelineResult[bool]:
        """Remove all keys of the database, and return True."""
        command = commands.flushdb(mode)
        return self._add(command.args, command.spec, command.parse)

    def info(self, *sections: str) -> PipelineResult[dict[str, Any]]:
        """Return what the server tells about itself, all in one dict: the usual sections, or those that are named."""
        command = commands.info(*sections)
        return self._add(command.args, command.spec, command.parse)

    def lastsave(self) -> PipelineResult[datetime]:
        """Return when the data were last saved to a file, or when the server started; in UTC."""
        command = commands.lastsave()
        return self._add(command.args, command.spec, command.parse)

    def lolwut(self, *parameters: int | str, version: int | None = None) -> PipelineResult[str]:
        """Return a piece of computer art, made of characters."""
        command = commands.lolwut(*parameters, version=version)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def replicaof(self, host: None, port: None = None) -> PipelineResult[bool]: ...
    @overload
    def replicaof(self, host: str, port: int) -> PipelineResult[bool]: ...
    def replicaof(self, host: str | None, port: int | None = None) -> PipelineResult[bool]:
        """Make the server a replica of another one, and return True. ``replicaof(None)`` makes it a primary again."""
        make: Callable[..., Command[Any]] = commands.replicaof
        command = make(host, port)
        return self._add(command.args, command.spec, command.parse)

    def role(self) -> PipelineResult[PrimaryRole | ReplicaRole | SentinelRole]:
        """Return the role of the server in replication; ``role().role`` is "master", "slave" or "sentinel"."""
        command = commands.role()
        return self._add(command.args, command.spec, command.parse)

    def save(self) -> PipelineResult[bool]:
        """Save all data to a file, and return True. The server does nothing else meanwhile: see ``bgsave``."""
        command = commands.save()
        return self._add(command.args, command.spec, command.parse)

    def shutdown(
        self,
        *,
        save: bool | None = None,
        now: bool = False,
        force: bool = False,
        safe: bool = False,
        failover: bool = False,
        abort: bool = False,
    ) -> PipelineResult[bool]:
        """End the server. A server that ends does not answer: the call then raises OutcomeUnknown."""
        command = commands.shutdown(save=save, now=now, force=force, safe=safe, failover=failover, abort=abort)
        return self._add(command.args, command.spec, command.parse)

    def swapdb(self, first: int, second: int) -> PipelineResult[bool]:
        """Exchange the contents of two databases for all clients, and return True."""
        command = commands.swapdb(first, second)
        return self._add(command.args, command.spec, command.parse)

    def time(self) -> PipelineResult[datetime]:
        """Return the time of the server's clock, in UTC."""
        command = commands.time()
        return self._add(command.args, command.spec, command.parse)

    def sadd(self, key: Key, *members: Value) -> PipelineResult[int]:
        """Add members to a set, and return how many were not in it before."""
        if members:
            return self._add(("SADD", key, *members), SADD)
        command = sets.sadd(key, *members)
        return self._add(command.args, command.spec, command.parse)

    def scard(self, key: Key) -> PipelineResult[int]:
        """Return the number of members of a set, 0 if there is no set."""
        return self._add(("SCARD", key), SCARD)

    def sdiff(self, *keys: Key) -> PipelineResult[builtins.set[S]]:
        """Return the members of the first set that are in none of the others."""
        if keys:
            return self._add(("SDIFF", *keys), SDIFF)
        command = sets.sdiff(*keys)
        return self._add(command.args, command.spec, command.parse)

    def sdiffcard(self, *keys: Key, limit: int | None = None) -> PipelineResult[int]:
        """Return how many members of the first set are in none of the others."""
        command = sets.sdiffcard(*keys, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    def sdiffstore(self, destination: Key, *keys: Key) -> PipelineResult[int]:
        """Store the members of the first set that are in none of the others, and return their number."""
        if keys:
            return self._add(("SDIFFSTORE", destination, *keys), SDIFFSTORE)
        command = sets.sdiffstore(destination, *keys)
        return self._add(command.args, command.spec, command.parse)

    def sinter(self, *keys: Key) -> PipelineResult[builtins.set[S]]:
        """Return the members that all of the sets have."""
        if keys:
            return self._add(("SINTER", *keys), SINTER)
        command = sets.sinter(*keys)
        return self._add(command.args, command.spec, command.parse)

    def sintercard(self, *keys: Key, limit: int | None = None) -> PipelineResult[int]:
        """Return how many members all of the sets have, 0 if one of the keys does not exist."""
        command = sets.sintercard(*keys, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    def sinterstore(self, destination: Key, *keys: Key) -> PipelineResult[int]:
        """Store the members that all of the sets have, and return their number."""
        if keys:
            return self._add(("SINTERSTORE", destination, *keys), SINTERSTORE)
        command = sets.sinterstore(destination, *keys)
        return self._add(command.args, command.spec, command.parse)

    def sismember(self, key: Key, member: Value) -> PipelineResult[bool]:
        """Return whether a set has a member; False if there is no set."""
        return self._add(("SISMEMBER", key, member), SISMEMBER)

    def smembers(self, key: Key) -> PipelineResult[builtins.set[S]]:
        """Return all members of a set; the empty set if there is none."""
        return self._add(("SMEMBERS", key), SMEMBERS)

    def smismember(self, key: Key, *members: Value) -> PipelineResult[list[bool]]:
        """Return a list that tells, for each of ``members`` in order, whether a set has it."""
        if members:
            return self._add(("SMISMEMBER", key, *members), SMISMEMBER)
        command = sets.smismember(key, *members)
        return self._add(command.args, command.spec, command.parse)

    def smove(self, source: Key, destination: Key, member: Value) -> PipelineResult[bool]:
        """Move a member from one set to another, and return whether it was in the source."""
        return self._add(("SMOVE", source, destination, member), SMOVE)

    @overload
    def spop(self, key: Key, count: None = None) -> PipelineResult[S | None]: ...
    @overload
    def spop(self, key: Key, count: int) -> PipelineResult[builtins.set[S]]: ...
    def spop(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Remove a random member of a set and return it, or a set of up to ``count`` of them."""
        if count is None:
            return self._add(("SPOP", key), SPOP)
        make: Callable[..., Command[Any]] = sets.spop
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def srandmember(self, key: Key, count: None = None) -> PipelineResult[S | None]: ...
    @overload
    def srandmember(self, key: Key, count: int) -> PipelineResult[list[S]]: ...
    def srandmember(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Return a random member of a set without removing it, or a list of up to ``count`` of them."""
        if count is None:
            return self._add(("SRANDMEMBER", key), SRANDMEMBER)
        make: Callable[..., Command[Any]] = sets.srandmember
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    def srem(self, key: Key, *members: Value) -> PipelineResult[int]:
        """Remove members from a set, and return how many were in it."""
        if members:
            return self._add(("SREM", key, *members), SREM)
        command = sets.srem(key, *members)
        return self._add(command.args, command.spec, command.parse)

    def sscan(
        self, key: Key, cursor: int = 0, *, match: Key | None = None, count: int | None = None
    ) -> PipelineResult[tuple[int, list[S]]]:
        """Return the next cursor and some of the members of a set; 0 and no members if there is no set."""
        command = sets.sscan(key, cursor, match=match, count=count)
        return self._add(command.args, command.spec, command.parse)

    def sunion(self, *keys: Key) -> PipelineResult[builtins.set[S]]:
        """Return the members that at least one of the sets has."""
        if keys:
            return self._add(("SUNION", *keys), SUNION)
        command = sets.sunion(*keys)
        return self._add(command.args, command.spec, command.parse)

    def sunioncard(self, *keys: Key, approx: bool = False, limit: int | None = None) -> PipelineResult[int]:
        """Return how many members the sets have together, each counted once."""
        command = sets.sunioncard(*keys, approx=approx, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    def sunionstore(self, destination: Key, *keys: Key) -> PipelineResult[int]:
        """Store the members that at least one of the sets has, and return their number."""
        if keys:
            return self._add(("SUNIONSTORE", destination, *keys), SUNIONSTORE)
        command = sets.sunionstore(destination, *keys)
        return self._add(command.args, command.spec, command.parse)

    def bzmpop(
        self, *keys: Key, side: End = "MIN", count: int | None = None, timeout: float | timedelta = 0
    ) -> PipelineResult[tuple[S, list[tuple[S, float]]] | None]:
        """Wait until one of the sorted sets has members, remove some, and return its key and (member, score) tuples."""
        command = sorted_sets.bzmpop(*keys, side=side, count=count, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def bzpopmax(self, *keys: Key, timeout: float | timedelta = 0) -> PipelineResult[tuple[S, S, float] | None]:
        """Wait until one of the sorted sets has a member, and remove and return the one with the highest score."""
        command = sorted_sets.bzpopmax(*keys, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    def bzpopmin(self, *keys: Key, timeout: float | timedelta = 0) -> PipelineResult[tuple[S, S, float] | None]:
        """Wait until one of the sorted sets has a member, and remove and return the one with the lowest score."""
        command = sorted_sets.bzpopmin(*keys, timeout=timeout)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zadd(
        self,
        key: Key,
        scores: Scores,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
        ch: bool = False,
        incr: Literal[False] = False,
    ) -> PipelineResult[int]: ...
    @overload
    def zadd(
        self,
        key: Key,
        scores: Scores,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
        incr: Literal[True],
    ) -> PipelineResult[float | None]: ...
    def zadd(
        self,
        key: Key,
        scores: Scores,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
        ch: bool = False,
        incr: bool = False,
    ) -> PipelineResult[Any]:
        """Set the scores of members, and return how many members are new; with ``ch`` how many are new or changed."""
        make: Callable[..., Command[Any]] = sorted_sets.zadd
        command = make(key, scores, nx=nx, xx=xx, gt=gt, lt=lt, ch=ch, incr=incr)
        return self._add(command.args, command.spec, command.parse)

    def zcard(self, key: Key) -> PipelineResult[int]:
        """Return the number of members of a sorted set, 0 if there is none."""
        return self._add(("ZCARD", key), ZCARD)

    def zcount(self, key: Key, min: ScoreBound, max: ScoreBound) -> PipelineResult[int]:
        """Return how many members have a score from ``min`` to ``max``."""
        return self._add(("ZCOUNT", key, min, max), ZCOUNT)

    @overload
    def zdiff(self, *keys: Key, withscores: Literal[False] = False) -> PipelineResult[list[S]]: ...
    @overload
    def zdiff(self, *keys: Key, withscores: Literal[True]) -> PipelineResult[list[tuple[S, float]]]: ...
    def zdiff(self, *keys: Key, withscores: bool = False) -> PipelineResult[Any]:
        """Return the members of the first sorted set that are in none of the others, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zdiff
        command = make(*keys, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    def zdiffstore(self, destination: Key, *keys: Key) -> PipelineResult[int]:
        """Store the members of the first sorted set that are in none of the others, and return their number."""
        command = sorted_sets.zdiffstore(destination, *keys)
        return self._add(command.args, command.spec, command.parse)

    def zincrby(self, key: Key, amount: float, member: Value) -> PipelineResult[float]:
        """Add a number to the score of a member and return the new score; a member that is new counts from 0."""
        return self._add(("ZINCRBY", key, amount, member), ZINCRBY)

    @overload
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[False] = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[True],
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: bool = False,
    ) -> PipelineResult[Any]:
        """Return the members that all of the sorted sets have, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zinter
        command = make(*keys, weights=weights, aggregate=aggregate, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    def zintercard(self, *keys: Key, limit: int | None = None) -> PipelineResult[int]:
        """Return how many members all of the sorted sets have, 0 if one of the keys does not exist."""
        command = sorted_sets.zintercard(*keys, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    def zinterstore(
        self, destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
    ) -> PipelineResult[int]:
        """Store the members that all of the sorted sets have, and return their number."""
        command = sorted_sets.zinterstore(destination, *keys, weights=weights, aggregate=aggregate)
        return self._add(command.args, command.spec, command.parse)

    def zlexcount(self, key: Key, min: LexBound, max: LexBound) -> PipelineResult[int]:
        """Return how many members are from ``min`` to ``max``, in a sorted set whose scores are all the same."""
        return self._add(("ZLEXCOUNT", key, min, max), ZLEXCOUNT)

    def zmpop(
        self, *keys: Key, side: End = "MIN", count: int | None = None
    ) -> PipelineResult[tuple[S, list[tuple[S, float]]] | None]:
        """Remove members from the first sorted set that has any, and return its key and a list of (member, score)."""
        command = sorted_sets.zmpop(*keys, side=side, count=count)
        return self._add(command.args, command.spec, command.parse)

    def zmscore(self, key: Key, *members: Value) -> PipelineResult[list[float | None]]:
        """Return the scores of members; None for each that does not exist."""
        if members:
            return self._add(("ZMSCORE", key, *members), ZMSCORE)
        command = sorted_sets.zmscore(key, *members)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zpopmax(self, key: Key, count: None = None) -> PipelineResult[tuple[S, float] | None]: ...
    @overload
    def zpopmax(self, key: Key, count: int) -> PipelineResult[list[tuple[S, float]]]: ...
    def zpopmax(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Remove the member with the highest score and return it with the score, or a list of up to ``count``."""
        if count is None:
            return self._add(("ZPOPMAX", key), ZPOPMAX)
        make: Callable[..., Command[Any]] = sorted_sets.zpopmax
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zpopmin(self, key: Key, count: None = None) -> PipelineResult[tuple[S, float] | None]: ...
    @overload
    def zpopmin(self, key: Key, count: int) -> PipelineResult[list[tuple[S, float]]]: ...
    def zpopmin(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Remove the member with the lowest score and return it with the score, or a list of up to ``count``."""
        if count is None:
            return self._add(("ZPOPMIN", key), ZPOPMIN)
        make: Callable[..., Command[Any]] = sorted_sets.zpopmin
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrandmember(
        self, key: Key, count: None = None, *, withscores: Literal[False] = False
    ) -> PipelineResult[S | None]: ...
    @overload
    def zrandmember(self, key: Key, count: int, *, withscores: Literal[False] = False) -> PipelineResult[list[S]]: ...
    @overload
    def zrandmember(
        self, key: Key, count: int, *, withscores: Literal[True]
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zrandmember(self, key: Key, count: int | None = None, *, withscores: bool = False) -> PipelineResult[Any]:
        """Return a random member without removing it, or None if there is no sorted set."""
        make: Callable[..., Command[Any]] = sorted_sets.zrandmember
        command = make(key, count, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrange(
        self,
        key: Key,
        start: ScoreBound,
        stop: ScoreBound,
        *,
        by: Literal["SCORE", "LEX"] | None = None,
        rev: bool = False,
        limit: tuple[int, int] | None = None,
        withscores: Literal[False] = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zrange(
        self,
        key: Key,
        start: ScoreBound,
        stop: ScoreBound,
        *,
        by: Literal["SCORE"] | None = None,
        rev: bool = False,
        limit: tuple[int, int] | None = None,
        withscores: Literal[True],
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zrange(
        self,
        key: Key,
        start: ScoreBound,
        stop: ScoreBound,
        *,
        by: Literal["SCORE", "LEX"] | None = None,
        rev: bool = False,
        limit: tuple[int, int] | None = None,
        withscores: bool = False,
    ) -> PipelineResult[Any]:
        """Return the members from ``start`` to ``stop``, both included, in the order of their scores."""
        if by is None and not rev and limit is None and not withscores:
            return self._add(("ZRANGE", key, start, stop), ZRANGE)
        if by is None and not rev and limit is None and withscores:
            return self._add(("ZRANGE", key, start, stop, "WITHSCORES"), ZRANGE_SCORES)
        make: Callable[..., Command[Any]] = sorted_sets.zrange
        command = make(key, start, stop, by=by, rev=rev, limit=limit, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    def zrangebylex(
        self, key: Key, min: LexBound, max: LexBound, *, limit: tuple[int, int] | None = None
    ) -> PipelineResult[list[S]]:
        """Return the members from ``min`` to ``max``, in a sorted set whose scores are all the same."""
        command = sorted_sets.zrangebylex(key, min, max, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[False] = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[True],
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: bool = False,
    ) -> PipelineResult[Any]:
        """Return the members with a score from ``min`` to ``max``, lowest first."""
        if limit is None and not withscores:
            return self._add(("ZRANGEBYSCORE", key, min, max), ZRANGEBYSCORE)
        make: Callable[..., Command[Any]] = sorted_sets.zrangebyscore
        command = make(key, min, max, limit=limit, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    def zrangestore(
        self,
        destination: Key,
        source: Key,
        start: ScoreBound,
        stop: ScoreBound,
        *,
        by: Literal["SCORE", "LEX"] | None = None,
        rev: bool = False,
        limit: tuple[int, int] | None = None,
    ) -> PipelineResult[int]:
        """Store the members from ``start`` to ``stop`` with their scores, and return their number."""
        command = sorted_sets.zrangestore(destination, source, start, stop, by=by, rev=rev, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrank(self, key: Key, member: Value, *, withscore: Literal[False] = False) -> PipelineResult[int | None]: ...
    @overload
    def zrank(
        self, key: Key, member: Value, *, withscore: Literal[True]
    ) -> PipelineResult[tuple[int, float] | None]: ...
    def zrank(self, key: Key, member: Value, *, withscore: bool = False) -> PipelineResult[Any]:
        """Return the rank of a member, 0 for the lowest score, or None if there is no such member."""
        if withscore:
            return self._add(("ZRANK", key, member, "WITHSCORE"), ZRANK_SCORE)
        return self._add(("ZRANK", key, member), ZRANK)

    def zrem(self, key: Key, *members: Value) -> PipelineResult[int]:
        """Remove members and return how many there were. Raises UsageValueError without members."""
        if members:
            return self._add(("ZREM", key, *members), ZREM)
        command = sorted_sets.zrem(key, *members)
        return self._add(command.args, command.spec, command.parse)

    def zremrangebylex(self, key: Key, min: LexBound, max: LexBound) -> PipelineResult[int]:
        """Remove the members from ``min`` to ``max``, and return how many there were; all scores must be the same."""
        return self._add(("ZREMRANGEBYLEX", key, min, max), ZREMRANGEBYLEX)

    def zremrangebyrank(self, key: Key, start: int, stop: int) -> PipelineResult[int]:
        """Remove the members with ranks from ``start`` to ``stop``, both included, and return how many there were."""
        return self._add(("ZREMRANGEBYRANK", key, start, stop), ZREMRANGEBYRANK)

    def zremrangebyscore(self, key: Key, min: ScoreBound, max: ScoreBound) -> PipelineResult[int]:
        """Remove the members with a score from ``min`` to ``max``, and return how many there were."""
        return self._add(("ZREMRANGEBYSCORE", key, min, max), ZREMRANGEBYSCORE)

    @overload
    def zrevrange(
        self, key: Key, start: int, stop: int, *, withscores: Literal[False] = False
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zrevrange(
        self, key: Key, start: int, stop: int, *, withscores: Literal[True]
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zrevrange(self, key: Key, start: int, stop: int, *, withscores: bool = False) -> PipelineResult[Any]:
        """Return the members from ``start`` to ``stop``, both included, highest score first."""
        if withscores:
            return self._add(("ZREVRANGE", key, start, stop, "WITHSCORES"), ZREVRANGE_SCORES)
        return self._add(("ZREVRANGE", key, start, stop), ZREVRANGE)

    def zrevrangebylex(
        self, key: Key, max: LexBound, min: LexBound, *, limit: tuple[int, int] | None = None
    ) -> PipelineResult[list[S]]:
        """Return the members from ``max`` down to ``min``, in a sorted set whose scores are all the same."""
        command = sorted_sets.zrevrangebylex(key, max, min, limit=limit)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[False] = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[True],
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: bool = False,
    ) -> PipelineResult[Any]:
        """Return the members with a score from ``max`` down to ``min``."""
        if limit is None and not withscores:
            return self._add(("ZREVRANGEBYSCORE", key, max, min), ZREVRANGEBYSCORE)
        make: Callable[..., Command[Any]] = sorted_sets.zrevrangebyscore
        command = make(key, max, min, limit=limit, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def zrevrank(self, key: Key, member: Value, *, withscore: Literal[False] = False) -> PipelineResult[int | None]: ...
    @overload
    def zrevrank(
        self, key: Key, member: Value, *, withscore: Literal[True]
    ) -> PipelineResult[tuple[int, float] | None]: ...
    def zrevrank(self, key: Key, member: Value, *, withscore: bool = False) -> PipelineResult[Any]:
        """Return the rank of a member, 0 for the highest score, or None if there is no such member."""
        if withscore:
            return self._add(("ZREVRANK", key, member, "WITHSCORE"), ZREVRANK_SCORE)
        return self._add(("ZREVRANK", key, member), ZREVRANK)

    @overload
    def zscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        noscores: Literal[False] = False,
    ) -> PipelineResult[tuple[int, list[tuple[S, float]]]]: ...
    @overload
    def zscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        noscores: Literal[True],
    ) -> PipelineResult[tuple[int, list[S]]]: ...
    def zscan(
        self, key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, noscores: bool = False
    ) -> PipelineResult[Any]:
        """Return the next cursor and some of the (member, score) tuples, or with ``noscores`` a list of members."""
        make: Callable[..., Command[Any]] = sorted_sets.zscan
        command = make(key, cursor, match=match, count=count, noscores=noscores)
        return self._add(command.args, command.spec, command.parse)

    def zscore(self, key: Key, member: Value) -> PipelineResult[float | None]:
        """Return the score of a member, or None if there is no such member."""
        return self._add(("ZSCORE", key, member), ZSCORE)

    @overload
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[False] = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[True],
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: bool = False,
    ) -> PipelineResult[Any]:
        """Return the members that at least one of the sorted sets has, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zunion
        command = make(*keys, weights=weights, aggregate=aggregate, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    def zunionstore(
        self, destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
    ) -> PipelineResult[int]:
        """Store the members that at least one of the sorted sets has, and return their number."""
        command = sorted_sets.zunionstore(destination, *keys, weights=weights, aggregate=aggregate)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def xadd(
        self,
        key: Key,
        fields: MappingOf[Key, Value],
        *,
        id: StreamId = "*",
        maxlen: int | None = None,
        minid: StreamId | None = None,
        approx: bool = False,
        limit: int | None = None,
        refs: References | None = None,
        idmp: tuple[Value, Value] | None = None,
        idmpauto: Value | None = None,
        nomkstream: Literal[False] = False,
    ) -> PipelineResult[str]: ...
    @overload
    def xadd(
        self,
        key: Key,
        fields: MappingOf[Key, Value],
        *,
        id: StreamId = "*",
        maxlen: int | None = None,
        minid: StreamId | None = None,
        approx: bool = False,
        limit: int | None = None,
        refs: References | None = None,
        idmp: tuple[Value, Value] | None = None,
        idmpauto: Value | None = None,
        nomkstream: Literal[True],
    ) -> PipelineResult[str | None]: ...
    def xadd(
        self,
        key: Key,
        fields: MappingOf[Key, Value],
        *,
        id: StreamId = "*",
        maxlen: int | None = None,
        minid: StreamId | None = None,
        approx: bool = False,
        limit: int | None = None,
        refs: References | None = None,
        idmp: tuple[Value, Value] | None = None,
        idmpauto: Value | None = None,
        nomkstream: bool = False,
    ) -> PipelineResult[Any]:
        """Add an entry at the end of a stream, and return its id."""
        make: Callable[..., Command[Any]] = streams.xadd
        command = make(
            key,
            fields,
            id=id,
            maxlen=maxlen,
            minid=minid,
            approx=approx,
            limit=limit,
            refs=refs,
            idmp=idmp,
            idmpauto=idmpauto,
            nomkstream=nomkstream,
        )
        return self._add(command.args, command.spec, command.parse)

    def xcfgset(
        self, key: Key, *, idmp_duration: Duration | None = None, idmp_maxsize: int | None = None
    ) -> PipelineResult[bool]:
        """Set how long a stream remembers the names of entries (``idmp`` of ``xadd``), and how many; return True."""
        command = streams.xcfgset(key, idmp_duration=idmp_duration, idmp_maxsize=idmp_maxsize)
        return self._add(command.args, command.spec, command.parse)

    def xdel(self, key: Key, *ids: StreamId) -> PipelineResult[int]:
        """Delete entries, and return how many there were. Raises UsageValueError without ids."""
        if ids:
            return self._add(("XDEL", key, *ids), XDEL)
        command = streams.xdel(key, *ids)
        return self._add(command.args, command.spec, command.parse)

    def xdelex(self, key: Key, *ids: StreamId, refs: References | None = None) -> PipelineResult[list[int]]:
        """Delete entries, and say what becomes of those that are pending in a group."""
        command = streams.xdelex(key, *ids, refs=refs)
        return self._add(command.args, command.spec, command.parse)

    def xinfo_stream(self, key: Key, *, full: bool = False, count: int | None = None) -> PipelineResult[dict[str, Any]]:
        """Return a dict of facts about a stream, with ``full`` also all about its entries, groups and consumers."""
        if count is None and not full:
            return self._add(("XINFO", "STREAM", key), XINFO_STREAM)
        command = streams.xinfo_stream(key, full=full, count=count)
        return self._add(command.args, command.spec, command.parse)

    def xlen(self, key: Key) -> PipelineResult[int]:
        """Return the number of entries in a stream, 0 if there is no stream."""
        return self._add(("XLEN", key), XLEN)

    def xrange(
        self, key: Key, start: StreamId = "-", end: StreamId = "+", *, count: int | None = None
    ) -> PipelineResult[list[StreamEntry[S]]]:
        """Return the entries of a stream from one id to another, both included; an empty list if there is no stream."""
        if count is None:
            return self._add(("XRANGE", key, start, end), XRANGE)
        command = streams.xrange(key, start, end, count=count)
        return self._add(command.args, command.spec, command.parse)

    def xread(
        self,
        streams: MappingOf[Key, StreamId],
        *,
        count: int | None = None,
        maxcount: int | None = None,
        maxsize: int | None = None,
        block: Duration | None = None,
    ) -> PipelineResult[dict[S, list[StreamEntry[S]]]]:
        """Return the entries of streams after the ids that ``streams`` has for them, or an empty dict."""
        command = commands.xread(streams, count=count, maxcount=maxcount, maxsize=maxsize, block=block)
        return self._add(command.args, command.spec, command.parse)

    def xrevrange(
        self, key: Key, end: StreamId = "+", start: StreamId = "-", *, count: int | None = None
    ) -> PipelineResult[list[StreamEntry[S]]]:
        """Return the entries of a stream from one id back to another; the ids and ``count`` are those of ``xrange``."""
        if count is None:
            return self._add(("XREVRANGE", key, end, start), XREVRANGE)
        command = streams.xrevrange(key, end, start, count=count)
        return self._add(command.args, command.spec, command.parse)

    def xsetid(
        self, key: Key, id: StreamId, *, entriesadded: int | None = None, maxdeletedid: StreamId | None = None
    ) -> PipelineResult[bool]:
        """Set the last id that a stream has given, and return True."""
        command = streams.xsetid(key, id, entriesadded=entriesadded, maxdeletedid=maxdeletedid)
        return self._add(command.args, command.spec, command.parse)

    def xtrim(
        self,
        key: Key,
        *,
        maxlen: int | None = None,
        minid: StreamId | None = None,
        approx: bool = False,
        limit: int | None = None,
        refs: References | None = None,
    ) -> PipelineResult[int]:
        """Delete the oldest entries of a stream, and return how many."""
        command = streams.xtrim(key, maxlen=maxlen, minid=minid, approx=approx, limit=limit, refs=refs)
        return self._add(command.args, command.spec, command.parse)

    def append(self, key: Key, value: Value) -> PipelineResult[int]:
        """Append to a string and return its new length in bytes."""
        return self._add(("APPEND", key, value), APPEND)

    def decr(self, key: Key) -> PipelineResult[int]:
        """Subtract one from a number and return the new value."""
        return self._add(("DECR", key), DECR)

    def decrby(self, key: Key, decrement: int) -> PipelineResult[int]:
        """Subtract a whole number from a number and return the new value."""
        return self._add(("DECRBY", key, decrement), DECRBY)

    def delex(
        self,
        key: Key,
        *,
        ifeq: Value | None = None,
        ifne: Value | None = None,
        ifdeq: str | None = None,
        ifdne: str | None = None,
    ) -> PipelineResult[bool]:
        """Delete a key if a condition holds, and return whether it was deleted."""
        command = strings.delex(key, ifeq=ifeq, ifne=ifne, ifdeq=ifdeq, ifdne=ifdne)
        return self._add(command.args, command.spec, command.parse)

    def delifeq(self, key: Key, value: Value) -> PipelineResult[bool]:
        """Delete a key if it holds exactly this value, and return whether it was deleted."""
        return self._add(("DELIFEQ", key, value), DELIFEQ)

    def digest(self, key: Key) -> PipelineResult[str | None]:
        """Return a hash of the value of a key, as 16 hexadecimal digits; None if there is no such key."""
        return self._add(("DIGEST", key), DIGEST)

    def get(self, key: Key) -> PipelineResult[S | None]:
        """Return the value of a key, or None if there is no such key."""
        return self._add(("GET", key), GET)

    def getdel(self, key: Key) -> PipelineResult[S | None]:
        """Return the value of a key and delete the key; None if there is no such key."""
        return self._add(("GETDEL", key), GETDEL)

    def getex(
        self,
        key: Key,
        *,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
    ) -> PipelineResult[S | None]:
        """Return the value of a key and change when it expires; None if there is no such key."""
        command = strings.getex(key, ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
        return self._add(command.args, command.spec, command.parse)

    def getrange(self, key: Key, start: int, end: int) -> PipelineResult[S]:
        """Return the bytes from ``start`` to ``end``, both included; negative positions count from the end."""
        return self._add(("GETRANGE", key, start, end), GETRANGE)

    def getset(self, key: Key, value: Value) -> PipelineResult[S | None]:
        """Set a key and return its old value, or None if there was none."""
        return self._add(("GETSET", key, value), GETSET)

    def incr(self, key: Key) -> PipelineResult[int]:
        """Add one to a number and return the new value."""
        return self._add(("INCR", key), INCR)

    def incrby(self, key: Key, increment: int) -> PipelineResult[int]:
        """Add a whole number to a number and return the new value."""
        return self._add(("INCRBY", key, increment), INCRBY)

    def incrbyfloat(self, key: Key, increment: float) -> PipelineResult[float]:
        """Add to a floating point number and return the new value."""
        return self._add(("INCRBYFLOAT", key, increment), INCRBYFLOAT)

    @overload
    def increx(
        self,
        key: Key,
        *,
        byint: int | None = None,
        byfloat: None = None,
        lbound: int | None = None,
        ubound: int | None = None,
        saturate: bool = False,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
        enx: bool = False,
    ) -> PipelineResult[tuple[int, int]]: ...
    @overload
    def increx(
        self,
        key: Key,
        *,
        byint: None = None,
        byfloat: float,
        lbound: float | None = None,
        ubound: float | None = None,
        saturate: bool = False,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
        enx: bool = False,
    ) -> PipelineResult[tuple[float, float]]: ...
    def increx(
        self,
        key: Key,
        *,
        byint: int | None = None,
        byfloat: float | None = None,
        lbound: float | None = None,
        ubound: float | None = None,
        saturate: bool = False,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
        enx: bool = False,
    ) -> PipelineResult[Any]:
        """Add to a number within bounds, set when it expires, and return the new value and what was added."""
        make: Callable[..., Command[Any]] = strings.increx
        command = make(
            key,
            byint=byint,
            byfloat=byfloat,
            lbound=lbound,
            ubound=ubound,
            saturate=saturate,
            ex=ex,
            px=px,
            exat=exat,
            pxat=pxat,
            persist=persist,
            enx=enx,
        )
        return self._add(command.args, command.spec, command.parse)

    @overload
    def lcs(self, key1: Key, key2: Key) -> PipelineResult[S]: ...
    @overload
    def lcs(self, key1: Key, key2: Key, *, length: Literal[True]) -> PipelineResult[int]: ...
    @overload
    def lcs(
        self, key1: Key, key2: Key, *, idx: Literal[True], minmatchlen: int | None = None, withmatchlen: bool = False
    ) -> PipelineResult[dict[str, Any]]: ...
    def lcs(
        self,
        key1: Key,
        key2: Key,
        *,
        length: bool = False,
        idx: bool = False,
        minmatchlen: int | None = None,
        withmatchlen: bool = False,
    ) -> PipelineResult[Any]:
        """Return the longest common subsequence of two strings."""
        make: Callable[..., Command[Any]] = strings.lcs
        command = make(key1, key2, length=length, idx=idx, minmatchlen=minmatchlen, withmatchlen=withmatchlen)
        return self._add(command.args, command.spec, command.parse)

    def mget(self, *keys: Key) -> PipelineResult[list[S | None]]:
        """Return the values of several keys, in order."""
        if keys:
            return self._add(("MGET", *keys), MGET)
        command = strings.mget(*keys)
        return self._add(command.args, command.spec, command.parse)

    def mset(self, items: MappingOf[Key, Value]) -> PipelineResult[bool]:
        """Set several keys at once and return True."""
        command = strings.mset(items)
        return self._add(command.args, command.spec, command.parse)

    def msetex(
        self,
        items: MappingOf[Key, Value],
        *,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        keepttl: bool = False,
        nx: bool = False,
        xx: bool = False,
    ) -> PipelineResult[bool]:
        """Set several keys at once, all with one expiry, and return whether they were set."""
        command = strings.msetex(items, ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl, nx=nx, xx=xx)
        return self._add(command.args, command.spec, command.parse)

    def msetnx(self, items: MappingOf[Key, Value]) -> PipelineResult[bool]:
        """Set several keys only if none of them exists, and return whether they were set."""
        command = strings.msetnx(items)
        return self._add(command.args, command.spec, command.parse)

    def psetex(self, key: Key, milliseconds: Duration, value: Value) -> PipelineResult[bool]:
        """Set a key that expires after a number of milliseconds and return True."""
        if isinstance(milliseconds, int) and milliseconds > 0:
            return self._add(("PSETEX", key, milliseconds, value), PSETEX)
        command = strings.psetex(key, milliseconds, value)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def set(
        self,
        key: Key,
        value: Value,
        *,
        ex: Duration | None = None,
        get: Literal[False] = False,
        **options: Unpack[SetOptions],
    ) -> PipelineResult[bool]: ...
    @overload
    def set(
        self, key: Key, value: Value, *, ex: Duration | None = None, get: Literal[True], **options: Unpack[SetOptions]
    ) -> PipelineResult[S | None]: ...
    def set(
        self, key: Key, value: Value, *, ex: Duration | None = None, get: bool = False, **options: Unpack[SetOptions]
    ) -> PipelineResult[Any]:
        """Set a key and return whether it was set; with ``get`` return its old value instead."""
        if ex is None and not get and not options:
            return self._add(("SET", key, value), SET)
        if isinstance(ex, int) and ex > 0 and not get and not options:
            return self._add(("SET", key, value, "EX", ex), SET)
        make: Callable[..., Command[Any]] = strings.set
        command = make(key, value, ex=ex, get=get, **options)
        return self._add(command.args, command.spec, command.parse)

    def setex(self, key: Key, seconds: Duration, value: Value) -> PipelineResult[bool]:
        """Set a key that expires after a number of seconds and return True."""
        if isinstance(seconds, int) and seconds > 0:
            return self._add(("SETEX", key, seconds, value), SETEX)
        command = strings.setex(key, seconds, value)
        return self._add(command.args, command.spec, command.parse)

    def setnx(self, key: Key, value: Value) -> PipelineResult[bool]:
        """Set a key only if it does not exist, and return whether it was set."""
        return self._add(("SETNX", key, value), SETNX)

    def setrange(self, key: Key, offset: int, value: Value) -> PipelineResult[int]:
        """Overwrite a part of a string from a byte offset on, and return the new length in bytes."""
        return self._add(("SETRANGE", key, offset, value), SETRANGE)

    def strlen(self, key: Key) -> PipelineResult[int]:
        """Return the length of a string in bytes, 0 if there is no such key."""
        return self._add(("STRLEN", key), STRLEN)

    def unwatch(self) -> PipelineResult[bool]:
        """End every watch of this connection, and return True."""
        command = commands.unwatch()
        return self._add(command.args, command.spec, command.parse)

    def watch(self, *keys: Key) -> PipelineResult[bool]:
        """Watch keys until the next transaction on this connection, and return True."""
        command = commands.watch(*keys)
        return self._add(command.args, command.spec, command.parse)

    def vadd(
        self,
        key: Key,
        vector: Vector,
        element: Value,
        *,
        reduce: int | None = None,
        cas: bool = False,
        quantization: Literal["NOQUANT", "Q8", "BIN"] | None = None,
        ef: int | None = None,
        setattr: Any = None,
        m: int | None = None,
    ) -> PipelineResult[bool]:
        """Add an element with its vector, or change its vector, and return whether the element is new."""
        command = commands.vadd(
            key, vector, element, reduce=reduce, cas=cas, quantization=quantization, ef=ef, setattr=setattr, m=m
        )
        return self._add(command.args, command.spec, command.parse)

    def vcard(self, key: Key) -> PipelineResult[int]:
        """Return the number of elements, 0 if there is no vector set."""
        command = commands.vcard(key)
        return self._add(command.args, command.spec, command.parse)

    def vdim(self, key: Key) -> PipelineResult[int]:
        """Return how many numbers the stored vectors have. The server refuses a key that does not exist."""
        command = commands.vdim(key)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def vemb(self, key: Key, element: Value, *, raw: Literal[False] = False) -> PipelineResult[list[float] | None]: ...
    @overload
    def vemb(self, key: Key, element: Value, *, raw: Literal[True]) -> PipelineResult[RawVector | None]: ...
    def vemb(self, key: Key, element: Value, *, raw: bool = False) -> PipelineResult[Any]:
        """Return the vector of an element, or None if there is no such element."""
        make: Callable[..., Command[Any]] = commands.vemb
        command = make(key, element, raw=raw)
        return self._add(command.args, command.spec, command.parse)

    def vgetattr(self, key: Key, element: Value) -> PipelineResult[Any]:
        """Return the attributes of an element as a Python value; None if there are none, or no such element."""
        command = commands.vgetattr(key, element)
        return self._add(command.args, command.spec, command.parse)

    def vinfo(self, key: Key) -> PipelineResult[dict[str, Any] | None]:
        """Return facts about a vector set, or None if there is none."""
        command = commands.vinfo(key)
        return self._add(command.args, command.spec, command.parse)

    def vismember(self, key: Key, element: Value) -> PipelineResult[bool]:
        """Return whether a vector set has an element; False if there is no vector set. Since Redis 8.2."""
        command = commands.vismember(key, element)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def vlinks(
        self, key: Key, element: Value, *, withscores: Literal[False] = False
    ) -> PipelineResult[list[list[S]]]: ...
    @overload
    def vlinks(
        self, key: Key, element: Value, *, withscores: Literal[True]
    ) -> PipelineResult[list[list[tuple[S, float]]]]: ...
    def vlinks(self, key: Key, element: Value, *, withscores: bool = False) -> PipelineResult[Any]:
        """Return the neighbours of an element in the graph, a list for each layer from the top down."""
        make: Callable[..., Command[Any]] = commands.vlinks
        command = make(key, element, withscores=withscores)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def vrandmember(self, key: Key, count: None = None) -> PipelineResult[S | None]: ...
    @overload
    def vrandmember(self, key: Key, count: int) -> PipelineResult[list[S]]: ...
    def vrandmember(self, key: Key, count: int | None = None) -> PipelineResult[Any]:
        """Return a random element, or a list of up to ``count`` of them."""
        make: Callable[..., Command[Any]] = commands.vrandmember
        command = make(key, count)
        return self._add(command.args, command.spec, command.parse)

    def vrem(self, key: Key, element: Value) -> PipelineResult[bool]:
        """Remove an element, and return whether there was one."""
        command = commands.vrem(key, element)
        return self._add(command.args, command.spec, command.parse)

    def vsetattr(self, key: Key, element: Value, attributes: Any) -> PipelineResult[bool]:
        """Set the attributes of an element, or remove them with None, and return whether there is such an element."""
        command = commands.vsetattr(key, element, attributes)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def vsim(
        self,
        key: Key,
        vector: Vector | None = None,
        *,
        element: Value | None = None,
        withscores: Literal[False] = False,
        withattribs: Literal[False] = False,
        count: int | None = None,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: str | None = None,
        filter_ef: int | None = None,
        truth: bool = False,
        nothread: bool = False,
    ) -> PipelineResult[list[S]]: ...
    @overload
    def vsim(
        self,
        key: Key,
        vector: Vector | None = None,
        *,
        element: Value | None = None,
        withscores: Literal[True],
        withattribs: Literal[False] = False,
        count: int | None = None,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: str | None = None,
        filter_ef: int | None = None,
        truth: bool = False,
        nothread: bool = False,
    ) -> PipelineResult[list[tuple[S, float]]]: ...
    @overload
    def vsim(
        self,
        key: Key,
        vector: Vector | None = None,
        *,
        element: Value | None = None,
        withscores: bool = False,
        withattribs: Literal[True],
        count: int | None = None,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: str | None = None,
        filter_ef: int | None = None,
        truth: bool = False,
        nothread: bool = False,
    ) -> PipelineResult[list[VectorMatch[S]]]: ...
    def vsim(
        self,
        key: Key,
        vector: Vector | None = None,
        *,
        element: Value | None = None,
        withscores: bool = False,
        withattribs: bool = False,
        count: int | None = None,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: str | None = None,
        filter_ef: int | None = None,
        truth: bool = False,
        nothread: bool = False,
    ) -> PipelineResult[Any]:
        """Return the elements that are most similar to a vector or to an element, the most similar first."""
        make: Callable[..., Command[Any]] = commands.vsim
        command = make(
            key,
            vector,
            element=element,
            withscores=withscores,
            withattribs=withattribs,
            count=count,
            epsilon=epsilon,
            ef=ef,
            filter=filter,
            filter_ef=filter_ef,
            truth=truth,
            nothread=nothread,
        )
        return self._add(command.args, command.spec, command.parse)
