# Generated from respool/commands by tools/generate.py. Do not edit.
"""Every command as a method; await it for the reply."""

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
    from collections.abc import Callable, Coroutine, Mapping, Sequence
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


class AsyncCommands(Generic[S]):
    """Every command as a method; await it for the reply.

    ``S`` is what keys and values are in replies: bytes, or str. ``respool.commands`` has a function of the
    same name for each method, whose text tells everything about the command. A bad argument raises UsageError
    before anything is sent.
    """

    def _execute(self, args: tuple[Arg, ...], spec: Spec, parse: Parser | None = None) -> Coroutine[Any, Any, Any]:
        """Send one command and return its reply, read by ``parse`` or else by ``spec.parse``."""
        raise NotImplementedError

    def acl_cat(self, category: str | None = None) -> Coroutine[Any, Any, list[str]]:
        """Return the categories of commands, or the commands in one: ``["get", "object|encoding", ...]``."""
        command = commands.acl_cat(category)
        return self._execute(command.args, command.spec, command.parse)

    def acl_deluser(self, *usernames: str | bytes) -> Coroutine[Any, Any, int]:
        """Delete users, close their connections, and return how many users there were."""
        command = commands.acl_deluser(*usernames)
        return self._execute(command.args, command.spec, command.parse)

    def acl_dryrun(self, username: str | bytes, *words: Arg) -> Coroutine[Any, Any, str | None]:
        """Return why a user may not run a command, or None if they may."""
        command = commands.acl_dryrun(username, *words)
        return self._execute(command.args, command.spec, command.parse)

    def acl_genpass(self, bits: int | None = None) -> Coroutine[Any, Any, str]:
        """Return a new random password of 256 bits, or of ``bits``, in hexadecimal digits of 4 bits each."""
        command = commands.acl_genpass(bits)
        return self._execute(command.args, command.spec, command.parse)

    def acl_getuser(self, username: str | bytes) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Return what is known about a user, or None if there is no such user."""
        command = commands.acl_getuser(username)
        return self._execute(command.args, command.spec, command.parse)

    def acl_list(self) -> Coroutine[Any, Any, list[str]]:
        """Return a line for each user, with their rules and the hashes of their passwords, as in an ACL file."""
        command = commands.acl_list()
        return self._execute(command.args, command.spec, command.parse)

    def acl_load(self) -> Coroutine[Any, Any, bool]:
        """Replace all users by those of the server's ACL file, and return True."""
        command = commands.acl_load()
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def acl_log(
        self, count: int | None = None, *, reset: Literal[False] = False
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]: ...
    @overload
    def acl_log(self, count: None = None, *, reset: Literal[True]) -> Coroutine[Any, Any, bool]: ...
    def acl_log(self, count: int | None = None, *, reset: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the latest attempts that were denied, at most 10 or ``count``; or forget them all, and return True."""
        make: Callable[..., Command[Any]] = commands.acl_log
        command = make(count, reset=reset)
        return self._execute(command.args, command.spec, command.parse)

    def acl_save(self) -> Coroutine[Any, Any, bool]:
        """Write all users to the server's ACL file, and return True. The server refuses if it has none."""
        command = commands.acl_save()
        return self._execute(command.args, command.spec, command.parse)

    def acl_setuser(self, username: str | bytes, *rules: str | bytes) -> Coroutine[Any, Any, bool]:
        """Make a user, or change one by rules that are applied in order, and return True."""
        command = commands.acl_setuser(username, *rules)
        return self._execute(command.args, command.spec, command.parse)

    def acl_users(self) -> Coroutine[Any, Any, list[str]]:
        """Return the names of all users."""
        command = commands.acl_users()
        return self._execute(command.args, command.spec, command.parse)

    def acl_whoami(self) -> Coroutine[Any, Any, str]:
        """Return the name of the user of this connection."""
        command = commands.acl_whoami()
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def bitcount(self, key: Key, start: int | None = None) -> Coroutine[Any, Any, int]: ...
    @overload
    def bitcount(
        self, key: Key, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> Coroutine[Any, Any, int]: ...
    def bitcount(
        self, key: Key, start: int | None = None, end: int | None = None, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> Coroutine[Any, Any, int]:
        """Return how many bits are 1, in the whole string or from ``start`` to ``end``, both included."""
        make: Callable[..., Command[Any]] = bitmaps.bitcount
        command = make(key, start, end, unit=unit)
        return self._execute(command.args, command.spec, command.parse)

    def bitfield(
        self, key: Key, *ops: BitOp, overflow: Overflow | None = None
    ) -> Coroutine[Any, Any, list[int | None]]:
        """Read, set and add numbers of any width in a string, step by step, and return a number for each."""
        command = bitmaps.bitfield(key, *ops, overflow=overflow)
        return self._execute(command.args, command.spec, command.parse)

    def bitfield_ro(self, key: Key, *ops: GetBits) -> Coroutine[Any, Any, list[int]]:
        """Read numbers of any width in a string; a replica can do it too."""
        command = bitmaps.bitfield_ro(key, *ops)
        return self._execute(command.args, command.spec, command.parse)

    def bitop(self, operation: Operation, destination: Key, *keys: Key) -> Coroutine[Any, Any, int]:
        """Combine strings bit by bit, store the result, and return its length in bytes."""
        if keys:
            return self._execute(("BITOP", operation, destination, *keys), BITOP)
        command = bitmaps.bitop(operation, destination, *keys)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def bitpos(self, key: Key, bit: int, start: int | None = None) -> Coroutine[Any, Any, int]: ...
    @overload
    def bitpos(
        self, key: Key, bit: int, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None
    ) -> Coroutine[Any, Any, int]: ...
    def bitpos(
        self,
        key: Key,
        bit: int,
        start: int | None = None,
        end: int | None = None,
        *,
        unit: Literal["BYTE", "BIT"] | None = None,
    ) -> Coroutine[Any, Any, int]:
        """Return the offset of the first bit that is 1, or 0, from ``start`` to ``end``; -1 if there is none."""
        make: Callable[..., Command[Any]] = bitmaps.bitpos
        command = make(key, bit, start, end, unit=unit)
        return self._execute(command.args, command.spec, command.parse)

    def getbit(self, key: Key, offset: int) -> Coroutine[Any, Any, int]:
        """Return the bit at an offset, 0 or 1."""
        return self._execute(("GETBIT", key, offset), GETBIT)

    def setbit(self, key: Key, offset: int, value: int) -> Coroutine[Any, Any, int]:
        """Set the bit at an offset to 0 or 1, and return what it was before."""
        return self._execute(("SETBIT", key, offset, value), SETBIT)

    def bf_add(self, key: Key, item: Value) -> Coroutine[Any, Any, bool]:
        """Add an item, and return whether it was new as far as the filter can tell."""
        command = commands.bf_add(key, item)
        return self._execute(command.args, command.spec, command.parse)

    def bf_card(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return how many items were added and new, 0 if there is no filter."""
        command = commands.bf_card(key)
        return self._execute(command.args, command.spec, command.parse)

    def bf_exists(self, key: Key, item: Value) -> Coroutine[Any, Any, bool]:
        """Return whether an item may have been added; False, which is certain, if there is no filter."""
        command = commands.bf_exists(key, item)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def bf_info(self, key: Key, part: None = None) -> Coroutine[Any, Any, dict[str, Any]]: ...
    @overload
    def bf_info(self, key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS"]) -> Coroutine[Any, Any, int]: ...
    @overload
    def bf_info(self, key: Key, part: Literal["EXPANSION"]) -> Coroutine[Any, Any, int | None]: ...
    def bf_info(
        self, key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS", "EXPANSION"] | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Return facts about a filter, or one of them."""
        make: Callable[..., Command[Any]] = commands.bf_info
        command = make(key, part)
        return self._execute(command.args, command.spec, command.parse)

    def bf_insert(
        self,
        key: Key,
        *items: Value,
        capacity: int | None = None,
        error: float | None = None,
        expansion: int | None = None,
        nocreate: bool = False,
        nonscaling: bool = False,
    ) -> Coroutine[Any, Any, list[bool]]:
        """Add items, make the filter if there is none, and return for each item whether it was new."""
        command = commands.bf_insert(
            key, *items, capacity=capacity, error=error, expansion=expansion, nocreate=nocreate, nonscaling=nonscaling
        )
        return self._execute(command.args, command.spec, command.parse)

    def bf_loadchunk(self, key: Key, iterator: int, data: bytes) -> Coroutine[Any, Any, bool]:
        """Restore a part of a filter that ``bf_scandump`` returned, together with its iterator."""
        command = commands.bf_loadchunk(key, iterator, data)
        return self._execute(command.args, command.spec, command.parse)

    def bf_madd(self, key: Key, *items: Value) -> Coroutine[Any, Any, list[bool]]:
        """Add items, and return for each whether it was new as far as the filter can tell."""
        command = commands.bf_madd(key, *items)
        return self._execute(command.args, command.spec, command.parse)

    def bf_mexists(self, key: Key, *items: Value) -> Coroutine[Any, Any, list[bool]]:
        """Return for each of several items whether it may have been added; all False if there is no filter."""
        command = commands.bf_mexists(key, *items)
        return self._execute(command.args, command.spec, command.parse)

    def bf_reserve(
        self, key: Key, error_rate: float, capacity: int, *, expansion: int | None = None, nonscaling: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Make a filter for a number of items, with an error rate such as 0.01."""
        command = commands.bf_reserve(key, error_rate, capacity, expansion=expansion, nonscaling=nonscaling)
        return self._execute(command.args, command.spec, command.parse)

    def bf_scandump(self, key: Key, iterator: int = 0) -> Coroutine[Any, Any, tuple[int, bytes]]:
        """Return the next iterator and a part of a filter, to give both to ``bf_loadchunk``."""
        command = commands.bf_scandump(key, iterator)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_addslots(self, *slots: int) -> Coroutine[Any, Any, bool]:
        """Assign slots that no node has to this node, and return True."""
        command = commands.cluster_addslots(*slots)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_addslotsrange(self, *ranges: tuple[int, int]) -> Coroutine[Any, Any, bool]:
        """Assign ranges of slots that no node has to this node, and return True."""
        command = commands.cluster_addslotsrange(*ranges)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_bumpepoch(self) -> Coroutine[Any, Any, int]:
        """Advance the config epoch of this node, unless it is the greatest already, and return it."""
        command = commands.cluster_bumpepoch()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_cancelslotmigrations(self) -> Coroutine[Any, Any, bool]:
        """Cancel all migrations of slots from this node, and return True."""
        command = commands.cluster_cancelslotmigrations()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_count_failure_reports(self, node_id: str) -> Coroutine[Any, Any, int]:
        """Return how many nodes have reported lately that a node does not answer."""
        command = commands.cluster_count_failure_reports(node_id)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_countkeysinslot(self, slot: int) -> Coroutine[Any, Any, int]:
        """Return how many keys of a slot this node holds."""
        command = commands.cluster_countkeysinslot(slot)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_delslots(self, *slots: int) -> Coroutine[Any, Any, bool]:
        """Make this node forget which node has the slots, and return True."""
        command = commands.cluster_delslots(*slots)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_delslotsrange(self, *ranges: tuple[int, int]) -> Coroutine[Any, Any, bool]:
        """Make this node forget which node has the slots of ranges, and return True."""
        command = commands.cluster_delslotsrange(*ranges)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_failover(self, mode: Literal["FORCE", "TAKEOVER"] | None = None) -> Coroutine[Any, Any, bool]:
        """Ask this replica to take the place of its primary, and return True once it has begun to."""
        command = commands.cluster_failover(mode)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_flushslot(self, slot: int, mode: Literal["SYNC", "ASYNC"] | None = None) -> Coroutine[Any, Any, bool]:
        """Delete all keys of a slot, and return True."""
        command = commands.cluster_flushslot(slot, mode)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_flushslots(self) -> Coroutine[Any, Any, bool]:
        """Make this node forget all slots that it has, and return True."""
        command = commands.cluster_flushslots()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_forget(self, node_id: str) -> Coroutine[Any, Any, bool]:
        """Remove a node from the nodes that this node knows, and return True."""
        command = commands.cluster_forget(node_id)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_getkeysinslot(self, slot: int, count: int) -> Coroutine[Any, Any, list[S]]:
        """Return up to ``count`` keys of a slot that this node holds. Raises UsageValueError for a negative count."""
        command = commands.cluster_getkeysinslot(slot, count)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_getslotmigrations(self) -> Coroutine[Any, Any, list[SlotMigration]]:
        """Return the migrations of slots from and to this node: those in progress and the latest of the others."""
        command = commands.cluster_getslotmigrations()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_info(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return what this node says about its cluster: ``{"cluster_state": "ok", "cluster_size": 3, ...}``."""
        command = commands.cluster_info()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_keyslot(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the slot of a key."""
        command = commands.cluster_keyslot(key)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_links(self) -> Coroutine[Any, Any, list[ClusterLink]]:
        """Return the connections between this node and other nodes, two for each of them. Since Redis 7.0."""
        command = commands.cluster_links()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_meet(self, ip: str, port: int, cluster_bus_port: int | None = None) -> Coroutine[Any, Any, bool]:
        """Make this node introduce itself to another one, and return True at once."""
        command = commands.cluster_meet(ip, port, cluster_bus_port)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_migrateslots(self, ranges: Mapping[str, Sequence[tuple[int, int]]]) -> Coroutine[Any, Any, bool]:
        """Begin to move slots, with their keys, from this node to others, and return True."""
        command = commands.cluster_migrateslots(ranges)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_myid(self) -> Coroutine[Any, Any, str]:
        """Return the id of this node."""
        command = commands.cluster_myid()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_myshardid(self) -> Coroutine[Any, Any, str]:
        """Return the id of this node's shard, which a primary has in common with its replicas. Since Redis 7.2."""
        command = commands.cluster_myshardid()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_nodes(self) -> Coroutine[Any, Any, list[ClusterNode]]:
        """Return the nodes of the cluster as this node sees them, itself included."""
        command = commands.cluster_nodes()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_replicas(self, node_id: str) -> Coroutine[Any, Any, list[ClusterNode]]:
        """Return the replicas of a primary; the server refuses the id of a replica."""
        command = commands.cluster_replicas(node_id)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def cluster_replicate(self, node_id: str) -> Coroutine[Any, Any, bool]: ...
    @overload
    def cluster_replicate(self, *, no_one: Literal[True]) -> Coroutine[Any, Any, bool]: ...
    def cluster_replicate(self, node_id: str | None = None, *, no_one: bool = False) -> Coroutine[Any, Any, bool]:
        """Make this node a replica of a primary, and return True."""
        make: Callable[..., Command[Any]] = commands.cluster_replicate
        command = make(node_id, no_one=no_one)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_reset(self, mode: Literal["HARD", "SOFT"] | None = None) -> Coroutine[Any, Any, bool]:
        """Make this node forget its cluster, and return True."""
        command = commands.cluster_reset(mode)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_saveconfig(self) -> Coroutine[Any, Any, bool]:
        """Write what this node knows about its cluster to disk, and return True."""
        command = commands.cluster_saveconfig()
        return self._execute(command.args, command.spec, command.parse)

    def cluster_set_config_epoch(self, config_epoch: int) -> Coroutine[Any, Any, bool]:
        """Set the config epoch of a new node, and return True."""
        command = commands.cluster_set_config_epoch(config_epoch)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_setslot(
        self,
        slot: int,
        *,
        importing: str | None = None,
        migrating: str | None = None,
        node: str | None = None,
        stable: bool = False,
        timeout: Duration | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """Change one step of the move of a slot on this node, and return True."""
        command = commands.cluster_setslot(
            slot, importing=importing, migrating=migrating, node=node, stable=stable, timeout=timeout
        )
        return self._execute(command.args, command.spec, command.parse)

    def cluster_shards(self) -> Coroutine[Any, Any, list[ClusterShard]]:
        """Return the shards of the cluster: their slots, and for each node its address, role and health."""
        command = commands.cluster_shards()
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def cluster_slot_stats(self, slots: tuple[int, int]) -> Coroutine[Any, Any, dict[int, dict[str, int]]]: ...
    @overload
    def cluster_slot_stats(
        self, *, orderby: SlotMetric, limit: int | None = None, order: Literal["ASC", "DESC"] | None = None
    ) -> Coroutine[Any, Any, dict[int, dict[str, int]]]: ...
    def cluster_slot_stats(
        self,
        slots: tuple[int, int] | None = None,
        *,
        orderby: SlotMetric | None = None,
        limit: int | None = None,
        order: Literal["ASC", "DESC"] | None = None,
    ) -> Coroutine[Any, Any, dict[int, dict[str, int]]]:
        """Return what this node has counted for its slots: ``{0: {"key-count": 7, "cpu-usec": 12, ...}, ...}``."""
        make: Callable[..., Command[Any]] = commands.cluster_slot_stats
        command = make(slots, orderby=orderby, limit=limit, order=order)
        return self._execute(command.args, command.spec, command.parse)

    def cluster_slots(self) -> Coroutine[Any, Any, list[SlotRange]]:
        """Return which nodes have which slots: for each range its primary, then its replicas."""
        command = commands.cluster_slots()
        return self._execute(command.args, command.spec, command.parse)

    def clusterscan(
        self,
        cursor: str = "0",
        *,
        match: Key | None = None,
        count: int | None = None,
        type: str | None = None,
        slot: int | None = None,
    ) -> Coroutine[Any, Any, tuple[str, list[S]]]:
        """Return the next cursor and some of the keys of the cluster, slot after slot."""
        command = commands.clusterscan(cursor, match=match, count=count, type=type, slot=slot)
        return self._execute(command.args, command.spec, command.parse)

    def auth(self, password: str | bytes, username: str | bytes | None = None) -> Coroutine[Any, Any, bool]:
        """Log in as a user, or as the default user if no name is given, and return True."""
        if username is None:
            return self._execute(("AUTH", password), AUTH)
        return self._execute(("AUTH", username, password), AUTH)

    def client_caching(self, *, yes: bool) -> Coroutine[Any, Any, bool]:
        """Set whether the keys of the next command are tracked, and return True."""
        command = connection.client_caching(yes=yes)
        return self._execute(command.args, command.spec, command.parse)

    def client_capa(self, *capabilities: str) -> Coroutine[Any, Any, bool]:
        """Announce the capabilities of this connection (``"redirect"``) to the server, and return True."""
        if capabilities:
            return self._execute(("CLIENT", "CAPA", *capabilities), CLIENT_CAPA)
        command = connection.client_capa(*capabilities)
        return self._execute(command.args, command.spec, command.parse)

    def client_getname(self) -> Coroutine[Any, Any, str | None]:
        """Return the name of this connection, or None when it has none."""
        return self._execute(("CLIENT", "GETNAME"), CLIENT_GETNAME)

    def client_getredir(self) -> Coroutine[Any, Any, int]:
        """Return the id of the client that receives this connection's invalidations."""
        return self._execute(("CLIENT", "GETREDIR"), CLIENT_GETREDIR)

    def client_id(self) -> Coroutine[Any, Any, int]:
        """Return the id of this connection; a server never uses an id twice."""
        return self._execute(("CLIENT", "ID"), CLIENT_ID)

    def client_import_source(self, *, on: bool) -> Coroutine[Any, Any, bool]:
        """Set whether this connection is an import source, for a server in import mode, and return True."""
        command = connection.client_import_source(on=on)
        return self._execute(command.args, command.spec, command.parse)

    def client_info(self) -> Coroutine[Any, Any, dict[str, str]]:
        """Return the server's information about this connection, with the field names of the server."""
        return self._execute(("CLIENT", "INFO"), CLIENT_INFO)

    def client_kill(self, **filters: Unpack[ClientFilter]) -> Coroutine[Any, Any, int]:
        """Close the connections that match all the filters, and return their number."""
        command = connection.client_kill(**filters)
        return self._execute(command.args, command.spec, command.parse)

    def client_list(self, **filters: Unpack[ClientFilter]) -> Coroutine[Any, Any, list[dict[str, str]]]:
        """Return the server's information about its connections, or about those that match all the filters."""
        command = connection.client_list(**filters)
        return self._execute(command.args, command.spec, command.parse)

    def client_no_evict(self, *, on: bool) -> Coroutine[Any, Any, bool]:
        """Set whether this connection stays open when the clients use too much memory, and return True."""
        command = connection.client_no_evict(on=on)
        return self._execute(command.args, command.spec, command.parse)

    def client_no_touch(self, *, on: bool) -> Coroutine[Any, Any, bool]:
        """Set whether commands on this connection do not count as a use of keys, for eviction; return True."""
        command = connection.client_no_touch(on=on)
        return self._execute(command.args, command.spec, command.parse)

    def client_pause(self, timeout: Duration, mode: Literal["WRITE", "ALL"] = "ALL") -> Coroutine[Any, Any, bool]:
        """Suspend all clients of the server for ``timeout`` milliseconds, and return True."""
        command = connection.client_pause(timeout, mode)
        return self._execute(command.args, command.spec, command.parse)

    def client_setinfo(self, attribute: Literal["LIB-NAME", "LIB-VER"], value: str) -> Coroutine[Any, Any, bool]:
        """Set the name or version of the library behind this connection on the server, and return True."""
        return self._execute(("CLIENT", "SETINFO", attribute, value), CLIENT_SETINFO)

    def client_setname(self, name: str) -> Coroutine[Any, Any, bool]:
        """Name this connection, or remove its name with the empty string, and return True."""
        return self._execute(("CLIENT", "SETNAME", name), CLIENT_SETNAME)

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
    ) -> Coroutine[Any, Any, bool]:
        """Turn invalidation messages on or off for the keys that this connection has read, and return True."""
        command = connection.client_tracking(
            on=on, redirect=redirect, prefixes=prefixes, bcast=bcast, optin=optin, optout=optout, noloop=noloop
        )
        return self._execute(command.args, command.spec, command.parse)

    def client_trackinginfo(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return the tracking state of this connection: ``{"flags": ["off"], "redirect": -1, "prefixes": []}``."""
        return self._execute(("CLIENT", "TRACKINGINFO"), CLIENT_TRACKINGINFO)

    def client_unblock(self, client_id: int, *, error: bool = False) -> Coroutine[Any, Any, bool]:
        """End another connection's blocking command, and return whether it was blocked."""
        command = connection.client_unblock(client_id, error=error)
        return self._execute(command.args, command.spec, command.parse)

    def client_unpause(self) -> Coroutine[Any, Any, bool]:
        """End ``client_pause`` and return True."""
        return self._execute(("CLIENT", "UNPAUSE"), CLIENT_UNPAUSE)

    def echo(self, message: Value) -> Coroutine[Any, Any, S]:
        """Return the message."""
        return self._execute(("ECHO", message), ECHO)

    def hello(
        self,
        protover: Literal[2, 3] | None = None,
        *,
        username: str | None = None,
        password: str | bytes | None = None,
        clientname: str | None = None,
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Change protocol, user and name where given, and return the server's information about itself."""
        command = connection.hello(protover, username=username, password=password, clientname=clientname)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def ping(self) -> Coroutine[Any, Any, bool]: ...
    @overload
    def ping(self, message: Value) -> Coroutine[Any, Any, S]: ...
    def ping(self, message: Value | None = None) -> Coroutine[Any, Any, Any]:
        """Check that the server is alive: return True, or ``message`` if it is given."""
        if message is None:
            return self._execute(("PING",), PING)
        return self._execute(("PING", message), PING_ECHO)

    def quit(self) -> Coroutine[Any, Any, bool]:
        """Ask the server to close this connection, and return True."""
        return self._execute(("QUIT",), QUIT)

    def select(self, db: int) -> Coroutine[Any, Any, bool]:
        """Change the database of this connection and return True."""
        return self._execute(("SELECT", db), SELECT)

    def xack(self, key: Key, group: Value, *ids: StreamId) -> Coroutine[Any, Any, int]:
        """Acknowledge entries, and return how many of them were pending in the group."""
        if ids:
            return self._execute(("XACK", key, group, *ids), XACK)
        command = consumer_groups.xack(key, group, *ids)
        return self._execute(command.args, command.spec, command.parse)

    def xackdel(
        self, key: Key, group: Value, *ids: StreamId, refs: References | None = None
    ) -> Coroutine[Any, Any, list[int]]:
        """Acknowledge entries in a group and delete them from the stream."""
        command = consumer_groups.xackdel(key, group, *ids, refs=refs)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, Claimed[S]]: ...
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
    ) -> Coroutine[Any, Any, ClaimedIds]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Give a consumer the entries of its group that have been pending for ``min_idle`` milliseconds."""
        make: Callable[..., Command[Any]] = consumer_groups.xautoclaim
        command = make(key, group, consumer, min_idle, start, count=count, justid=justid)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[StreamEntry[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[str]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

    def xgroup_create(
        self, key: Key, group: Value, id: StreamId = "$", *, mkstream: bool = False, entriesread: int | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Create a consumer group, and return True."""
        command = consumer_groups.xgroup_create(key, group, id, mkstream=mkstream, entriesread=entriesread)
        return self._execute(command.args, command.spec, command.parse)

    def xgroup_createconsumer(self, key: Key, group: Value, consumer: Value) -> Coroutine[Any, Any, bool]:
        """Create a consumer in a group, and return whether there was none."""
        return self._execute(("XGROUP", "CREATECONSUMER", key, group, consumer), XGROUP_CREATECONSUMER)

    def xgroup_delconsumer(self, key: Key, group: Value, consumer: Value) -> Coroutine[Any, Any, int]:
        """Delete a consumer, and return how many entries were pending for it."""
        return self._execute(("XGROUP", "DELCONSUMER", key, group, consumer), XGROUP_DELCONSUMER)

    def xgroup_destroy(self, key: Key, group: Value) -> Coroutine[Any, Any, bool]:
        """Delete a group with its consumers and what is pending for them, and return whether there was one."""
        return self._execute(("XGROUP", "DESTROY", key, group), XGROUP_DESTROY)

    def xgroup_setid(
        self, key: Key, group: Value, id: StreamId, *, entriesread: int | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Set the id after which a group delivers entries, and return True."""
        command = consumer_groups.xgroup_setid(key, group, id, entriesread=entriesread)
        return self._execute(command.args, command.spec, command.parse)

    def xinfo_consumers(self, key: Key, group: Value) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """Return a dict for each consumer of a group: its name, pending entries and idle times in milliseconds."""
        return self._execute(("XINFO", "CONSUMERS", key, group), XINFO_CONSUMERS)

    def xinfo_groups(self, key: Key) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """Return a dict for each consumer group of a stream; an empty list if it has none."""
        return self._execute(("XINFO", "GROUPS", key), XINFO_GROUPS)

    def xnack(
        self,
        key: Key,
        group: Value,
        mode: Literal["SILENT", "FAIL", "FATAL"],
        *ids: StreamId,
        retrycount: int | None = None,
        force: bool = False,
    ) -> Coroutine[Any, Any, int]:
        """Give pending entries back to their group, for other consumers to claim at once, and return how many."""
        command = consumer_groups.xnack(key, group, mode, *ids, retrycount=retrycount, force=force)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def xpending(self, key: Key, group: Value) -> Coroutine[Any, Any, PendingSummary[S]]: ...
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
    ) -> Coroutine[Any, Any, list[Pending[S]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Return a summary of what is pending in a group, or a list of up to ``count`` pending entries."""
        if start is None and end is None and count is None and consumer is None and idle is None:
            return self._execute(("XPENDING", key, group), XPENDING)
        make: Callable[..., Command[Any]] = consumer_groups.xpending
        command = make(key, group, start, end, count, consumer=consumer, idle=idle)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, dict[S, list[StreamEntry[S]]]]: ...
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
    ) -> Coroutine[Any, Any, dict[S, list[DeliveredEntry[S]]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

    def copy(
        self, source: Key, destination: Key, *, db: int | None = None, replace: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Copy a key with its expiry, and return whether it was copied."""
        command = generic.copy(source, destination, db=db, replace=replace)
        return self._execute(command.args, command.spec, command.parse)

    def delete(self, *keys: Key) -> Coroutine[Any, Any, int]:
        """Delete keys and return how many of them existed (DEL)."""
        if keys:
            return self._execute(("DEL", *keys), DEL)
        command = generic.delete(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def dump(self, key: Key) -> Coroutine[Any, Any, bytes | None]:
        """Return the value of a key in the server's own format, for ``restore``; None if there is no such key."""
        return self._execute(("DUMP", key), DUMP)

    def exists(self, *keys: Key) -> Coroutine[Any, Any, int]:
        """Return how many of the keys exist; a key given twice counts twice."""
        if keys:
            return self._execute(("EXISTS", *keys), EXISTS)
        command = generic.exists(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def expire(
        self, key: Key, seconds: Duration, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Let a key expire after a number of seconds, and return whether the expiry was set."""
        if isinstance(seconds, int) and not (nx or xx or gt or lt):
            return self._execute(("EXPIRE", key, seconds), EXPIRE)
        command = generic.expire(key, seconds, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def expireat(
        self, key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Let a key expire at a moment in seconds since 1970, and return whether the expiry was set."""
        command = generic.expireat(key, when, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def expiretime(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return when a key expires, in seconds since 1970."""
        return self._execute(("EXPIRETIME", key), EXPIRETIME)

    def keys(self, pattern: Key) -> Coroutine[Any, Any, list[S]]:
        """Return all keys that match a glob pattern."""
        return self._execute(("KEYS", pattern), KEYS)

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
    ) -> Coroutine[Any, Any, bool]:
        """Move keys to another server, and return whether there were any to move."""
        command = generic.migrate(
            host, port, *keys, timeout=timeout, db=db, copy=copy, replace=replace, username=username, password=password
        )
        return self._execute(command.args, command.spec, command.parse)

    def move(self, key: Key, db: int) -> Coroutine[Any, Any, bool]:
        """Move a key to another database, and return whether it was moved."""
        return self._execute(("MOVE", key, db), MOVE)

    def object_encoding(self, key: Key) -> Coroutine[Any, Any, str | None]:
        """Return how the server stores a value (``"embstr"``, ``"listpack"``, ...); None if there is no such key."""
        return self._execute(("OBJECT", "ENCODING", key), OBJECT_ENCODING)

    def object_freq(self, key: Key) -> Coroutine[Any, Any, int | None]:
        """Return how often a key is used, on a logarithmic scale; None if there is no such key."""
        return self._execute(("OBJECT", "FREQ", key), OBJECT_FREQ)

    def object_idletime(self, key: Key) -> Coroutine[Any, Any, int | None]:
        """Return for how many seconds a key has not been used; None if there is no such key."""
        return self._execute(("OBJECT", "IDLETIME", key), OBJECT_IDLETIME)

    def object_refcount(self, key: Key) -> Coroutine[Any, Any, int | None]:
        """Return how many references the server holds to a value; None if there is no such key."""
        return self._execute(("OBJECT", "REFCOUNT", key), OBJECT_REFCOUNT)

    def persist(self, key: Key) -> Coroutine[Any, Any, bool]:
        """Remove the expiry of a key, and return whether it had one."""
        return self._execute(("PERSIST", key), PERSIST)

    def pexpire(
        self,
        key: Key,
        milliseconds: Duration,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Coroutine[Any, Any, bool]:
        """Let a key expire after a number of milliseconds, and return whether the expiry was set."""
        if isinstance(milliseconds, int) and not (nx or xx or gt or lt):
            return self._execute(("PEXPIRE", key, milliseconds), PEXPIRE)
        command = generic.pexpire(key, milliseconds, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def pexpireat(
        self, key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Let a key expire at a moment in milliseconds since 1970, and return whether the expiry was set."""
        command = generic.pexpireat(key, when, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def pexpiretime(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return when a key expires, in milliseconds since 1970."""
        return self._execute(("PEXPIRETIME", key), PEXPIRETIME)

    def pttl(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return how many milliseconds a key has left."""
        return self._execute(("PTTL", key), PTTL)

    def randomkey(self) -> Coroutine[Any, Any, S | None]:
        """Return a random key of the database, or None if it is empty."""
        return self._execute(("RANDOMKEY",), RANDOMKEY)

    def rename(self, key: Key, newkey: Key) -> Coroutine[Any, Any, bool]:
        """Rename a key and return True; an existing key of the new name is replaced."""
        return self._execute(("RENAME", key, newkey), RENAME)

    def renamenx(self, key: Key, newkey: Key) -> Coroutine[Any, Any, bool]:
        """Rename a key unless the new name is taken, and return whether it was renamed."""
        return self._execute(("RENAMENX", key, newkey), RENAMENX)

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
    ) -> Coroutine[Any, Any, bool]:
        """Create a key from the result of ``dump``, and return True."""
        command = generic.restore(key, ttl, value, replace=replace, absttl=absttl, idletime=idletime, freq=freq)
        return self._execute(command.args, command.spec, command.parse)

    def scan(
        self, cursor: int = 0, *, match: Key | None = None, count: int | None = None, type: str | None = None
    ) -> Coroutine[Any, Any, tuple[int, list[S]]]:
        """Return the next cursor and some of the keys."""
        command = generic.scan(cursor, match=match, count=count, type=type)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S | None]]: ...
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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Return the elements of a list, set or sorted set in order, or store them as a list."""
        make: Callable[..., Command[Any]] = generic.sort
        command = make(key, by=by, limit=limit, get=get, desc=desc, alpha=alpha, store=store)
        return self._execute(command.args, command.spec, command.parse)

    def sort_ro(
        self,
        key: Key,
        *,
        by: Key | None = None,
        limit: tuple[int, int] | None = None,
        get: Sequence[Key] = (),
        desc: bool = False,
        alpha: bool = False,
    ) -> Coroutine[Any, Any, list[S | None]]:
        """Return the elements of a list, set or sorted set in order; a replica can do it too."""
        command = generic.sort_ro(key, by=by, limit=limit, get=get, desc=desc, alpha=alpha)
        return self._execute(command.args, command.spec, command.parse)

    def touch(self, *keys: Key) -> Coroutine[Any, Any, int]:
        """Mark keys as just used, for eviction, and return how many of them existed."""
        if keys:
            return self._execute(("TOUCH", *keys), TOUCH)
        command = generic.touch(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def ttl(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return how many seconds a key has left."""
        return self._execute(("TTL", key), TTL)

    def type(self, key: Key) -> Coroutine[Any, Any, str]:
        """Return the name of the type that a key holds: ``"string"``, ``"list"``, ..."""
        return self._execute(("TYPE", key), TYPE)

    def unlink(self, *keys: Key) -> Coroutine[Any, Any, int]:
        """Delete keys, free their memory in the background, and return how many of them existed."""
        if keys:
            return self._execute(("UNLINK", *keys), UNLINK)
        command = generic.unlink(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def wait(self, numreplicas: int, timeout: Duration) -> Coroutine[Any, Any, int]:
        """Block until replicas have what this connection wrote, and return how many have it."""
        command = generic.wait(numreplicas, timeout)
        return self._execute(command.args, command.spec, command.parse)

    def waitaof(self, numlocal: int, numreplicas: int, timeout: Duration) -> Coroutine[Any, Any, tuple[int, int]]:
        """Block until what this connection wrote is on disk, and return on how many servers."""
        command = generic.waitaof(numlocal, numreplicas, timeout)
        return self._execute(command.args, command.spec, command.parse)

    def geoadd(
        self, key: Key, positions: Positions, *, nx: bool = False, xx: bool = False, ch: bool = False
    ) -> Coroutine[Any, Any, int]:
        """Set the positions of members, and return how many members are new; with ``ch`` how many are new or moved."""
        command = commands.geoadd(key, positions, nx=nx, xx=xx, ch=ch)
        return self._execute(command.args, command.spec, command.parse)

    def geodist(
        self, key: Key, member1: Value, member2: Value, *, unit: Unit = "m"
    ) -> Coroutine[Any, Any, float | None]:
        """Return the distance between two members, or None if one of them does not exist."""
        command = commands.geodist(key, member1, member2, unit=unit)
        return self._execute(command.args, command.spec, command.parse)

    def geohash(self, key: Key, *members: Value) -> Coroutine[Any, Any, list[str | None]]:
        """Return the geohashes of members, texts of 11 characters; None for each that does not exist."""
        command = commands.geohash(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    def geopos(self, key: Key, *members: Value) -> Coroutine[Any, Any, list[tuple[float, float] | None]]:
        """Return the longitudes and latitudes of members; None for each that does not exist."""
        command = commands.geopos(key, *members)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Return the members within a radius around a member, itself included; a replica can do it too."""
        make: Callable[..., Command[Any]] = commands.georadiusbymember_ro
        command = make(
            key, member, radius, unit=unit, withcoord=withcoord, withdist=withdist, withhash=withhash, **options
        )
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[False] = False,
        **area: Unpack[GeoArea],
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[True],
        withdist: bool = False,
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[True],
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
    @overload
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: Literal[False] = False,
        withdist: Literal[False] = False,
        withhash: Literal[True],
        **area: Unpack[GeoArea],
    ) -> Coroutine[Any, Any, list[GeoMatch[S]]]: ...
    def geosearch(
        self,
        key: Key,
        *,
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        **area: Unpack[GeoArea],
    ) -> Coroutine[Any, Any, Any]:
        """Return the members in a circle, a box or a polygon; an empty list if there is no key."""
        make: Callable[..., Command[Any]] = commands.geosearch
        command = make(key, withcoord=withcoord, withdist=withdist, withhash=withhash, **area)
        return self._execute(command.args, command.spec, command.parse)

    def geosearchstore(
        self, destination: Key, source: Key, *, storedist: bool = False, **area: Unpack[GeoArea]
    ) -> Coroutine[Any, Any, int]:
        """Store the members in a circle, a box or a polygon as places, and return their number."""
        command = commands.geosearchstore(destination, source, storedist=storedist, **area)
        return self._execute(command.args, command.spec, command.parse)

    def hdel(self, key: Key, *fields: Value) -> Coroutine[Any, Any, int]:
        """Delete fields and return how many there were. Raises UsageValueError without fields."""
        if fields:
            return self._execute(("HDEL", key, *fields), HDEL)
        command = hashes.hdel(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hexists(self, key: Key, field: Value) -> Coroutine[Any, Any, bool]:
        """Return whether a hash has a field."""
        return self._execute(("HEXISTS", key, field), HEXISTS)

    def hexpire(
        self,
        key: Key,
        seconds: Duration,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Coroutine[Any, Any, list[int]]:
        """Let fields expire after a number of seconds."""
        command = hashes.hexpire(key, seconds, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def hexpireat(
        self,
        key: Key,
        when: Moment,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Coroutine[Any, Any, list[int]]:
        """Let fields expire at a moment in seconds since 1970."""
        command = hashes.hexpireat(key, when, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def hexpiretime(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[int]]:
        """Return when fields expire, in seconds since 1970."""
        command = hashes.hexpiretime(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hget(self, key: Key, field: Value) -> Coroutine[Any, Any, S | None]:
        """Return the value of a field, or None if there is no such field."""
        return self._execute(("HGET", key, field), HGET)

    def hgetall(self, key: Key) -> Coroutine[Any, Any, dict[S, S]]:
        """Return all fields and their values; an empty dict if there is no hash."""
        return self._execute(("HGETALL", key), HGETALL)

    def hgetdel(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[S | None]]:
        """Return the values of fields and delete the fields; None for each that does not exist."""
        command = hashes.hgetdel(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hgetex(
        self,
        key: Key,
        *fields: Value,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
    ) -> Coroutine[Any, Any, list[S | None]]:
        """Return the values of fields and change when the fields expire; None for each that does not exist."""
        command = hashes.hgetex(key, *fields, ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
        return self._execute(command.args, command.spec, command.parse)

    def hincrby(self, key: Key, field: Value, increment: int) -> Coroutine[Any, Any, int]:
        """Add a whole number to the number in a field and return the new value."""
        return self._execute(("HINCRBY", key, field, increment), HINCRBY)

    def hincrbyfloat(self, key: Key, field: Value, increment: float) -> Coroutine[Any, Any, float]:
        """Add a number to the number in a field and return the new value."""
        return self._execute(("HINCRBYFLOAT", key, field, increment), HINCRBYFLOAT)

    def hkeys(self, key: Key) -> Coroutine[Any, Any, list[S]]:
        """Return all fields; an empty list if there is no hash."""
        return self._execute(("HKEYS", key), HKEYS)

    def hlen(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return how many fields a hash has, 0 if there is no hash."""
        return self._execute(("HLEN", key), HLEN)

    def hmget(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[S | None]]:
        """Return the values of fields; None for each that does not exist. Raises UsageValueError without fields."""
        if fields:
            return self._execute(("HMGET", key, *fields), HMGET)
        command = hashes.hmget(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hmset(self, key: Key, mapping: MappingOf[Key, Value]) -> Coroutine[Any, Any, bool]:
        """Set fields to values. ``hset`` does the same and tells how many fields are new."""
        command = hashes.hmset(key, mapping)
        return self._execute(command.args, command.spec, command.parse)

    def hpersist(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[int]]:
        """Remove the expiry of fields."""
        command = hashes.hpersist(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hpexpire(
        self,
        key: Key,
        milliseconds: Duration,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Coroutine[Any, Any, list[int]]:
        """Let fields expire after a number of milliseconds. Otherwise it works like ``hexpire``."""
        command = hashes.hpexpire(key, milliseconds, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def hpexpireat(
        self,
        key: Key,
        when: Moment,
        *fields: Value,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Coroutine[Any, Any, list[int]]:
        """Let fields expire at a moment in milliseconds since 1970. Otherwise it works like ``hexpireat``."""
        command = hashes.hpexpireat(key, when, *fields, nx=nx, xx=xx, gt=gt, lt=lt)
        return self._execute(command.args, command.spec, command.parse)

    def hpexpiretime(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[int]]:
        """Return when fields expire, in milliseconds since 1970. Otherwise it works like ``hexpiretime``."""
        command = hashes.hpexpiretime(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hpttl(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[int]]:
        """Return after how many milliseconds fields expire. Otherwise it works like ``httl``."""
        command = hashes.hpttl(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def hrandfield(
        self, key: Key, count: None = None, *, withvalues: Literal[False] = False
    ) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def hrandfield(
        self, key: Key, count: int, *, withvalues: Literal[False] = False
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def hrandfield(
        self, key: Key, count: int, *, withvalues: Literal[True]
    ) -> Coroutine[Any, Any, list[tuple[S, S]]]: ...
    def hrandfield(self, key: Key, count: int | None = None, *, withvalues: bool = False) -> Coroutine[Any, Any, Any]:
        """Return a random field, or None if there is no hash."""
        make: Callable[..., Command[Any]] = hashes.hrandfield
        command = make(key, count, withvalues=withvalues)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def hscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        novalues: Literal[False] = False,
    ) -> Coroutine[Any, Any, tuple[int, dict[S, S]]]: ...
    @overload
    def hscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        novalues: Literal[True],
    ) -> Coroutine[Any, Any, tuple[int, list[S]]]: ...
    def hscan(
        self, key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, novalues: bool = False
    ) -> Coroutine[Any, Any, Any]:
        """Return the next cursor and some of the fields with their values, or with ``novalues`` a list of fields."""
        make: Callable[..., Command[Any]] = hashes.hscan
        command = make(key, cursor, match=match, count=count, novalues=novalues)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def hset(self, key: Key, field: Value, value: Value) -> Coroutine[Any, Any, int]: ...
    @overload
    def hset(self, key: Key, *, mapping: MappingOf[Key, Value]) -> Coroutine[Any, Any, int]: ...
    def hset(
        self,
        key: Key,
        field: Value | None = None,
        value: Value | None = None,
        *,
        mapping: MappingOf[Key, Value] | None = None,
    ) -> Coroutine[Any, Any, int]:
        """Set a field to a value, or each field of ``mapping``, and return how many fields are new."""
        if mapping is None and field is not None and value is not None:
            return self._execute(("HSET", key, field, value), HSET)
        make: Callable[..., Command[Any]] = hashes.hset
        command = make(key, field, value, mapping=mapping)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, bool]:
        """Set fields to values and when the fields expire, and return whether they were set: all or none."""
        command = hashes.hsetex(
            key, mapping, ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl, fnx=fnx, fxx=fxx, nx=nx, xx=xx
        )
        return self._execute(command.args, command.spec, command.parse)

    def hsetnx(self, key: Key, field: Value, value: Value) -> Coroutine[Any, Any, bool]:
        """Set a field that does not exist to a value, and return whether it was set."""
        return self._execute(("HSETNX", key, field, value), HSETNX)

    def hstrlen(self, key: Key, field: Value) -> Coroutine[Any, Any, int]:
        """Return the length of a value in bytes, 0 if there is no such field."""
        return self._execute(("HSTRLEN", key, field), HSTRLEN)

    def httl(self, key: Key, *fields: Value) -> Coroutine[Any, Any, list[int]]:
        """Return after how many seconds fields expire."""
        command = hashes.httl(key, *fields)
        return self._execute(command.args, command.spec, command.parse)

    def hvals(self, key: Key) -> Coroutine[Any, Any, list[S]]:
        """Return all values; an empty list if there is no hash."""
        return self._execute(("HVALS", key), HVALS)

    def pfadd(self, key: Key, *elements: Value) -> Coroutine[Any, Any, bool]:
        """Add elements, and return whether the count may have changed."""
        return self._execute(("PFADD", key, *elements), PFADD)

    def pfcount(self, *keys: Key) -> Coroutine[Any, Any, int]:
        """Return about how many different elements were added to any of the HyperLogLogs."""
        if keys:
            return self._execute(("PFCOUNT", *keys), PFCOUNT)
        command = hyperloglog.pfcount(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def pfmerge(self, destination: Key, *sources: Key) -> Coroutine[Any, Any, bool]:
        """Merge HyperLogLogs into another one, and return True."""
        if sources:
            return self._execute(("PFMERGE", destination, *sources), PFMERGE)
        command = hyperloglog.pfmerge(destination, *sources)
        return self._execute(command.args, command.spec, command.parse)

    def command_count(self) -> Coroutine[Any, Any, int]:
        """Return how many commands the server knows, without subcommands."""
        command = commands.command_count()
        return self._execute(command.args, command.spec, command.parse)

    def command_docs(self, *names: str) -> Coroutine[Any, Any, dict[str, dict[str, Any]]]:
        """Return the server's documentation of commands by name, or that of all commands."""
        command = commands.command_docs(*names)
        return self._execute(command.args, command.spec, command.parse)

    def command_getkeys(self, *words: Arg) -> Coroutine[Any, Any, list[S]]:
        """Return the keys of a command; ``words`` are its name and all of its arguments. It is not run."""
        command = commands.command_getkeys(*words)
        return self._execute(command.args, command.spec, command.parse)

    def command_getkeysandflags(self, *words: Arg) -> Coroutine[Any, Any, list[tuple[S, list[str]]]]:
        """Return the keys of a command, each with flags that tell what the command does to it."""
        command = commands.command_getkeysandflags(*words)
        return self._execute(command.args, command.spec, command.parse)

    def command_info(self, *names: str) -> Coroutine[Any, Any, dict[str, CommandInfo]]:
        """Return the facts about commands by name, or about all commands."""
        command = commands.command_info(*names)
        return self._execute(command.args, command.spec, command.parse)

    def command_list(
        self, *, module: str | None = None, aclcat: str | None = None, pattern: str | None = None
    ) -> Coroutine[Any, Any, list[str]]:
        """Return the names of all commands, of those of a module or an ACL category, or that match a glob pattern."""
        command = commands.command_list(module=module, aclcat=aclcat, pattern=pattern)
        return self._execute(command.args, command.spec, command.parse)

    def commandlog_get(self, count: int, type: CommandLogType) -> Coroutine[Any, Any, list[CommandLogEntry[S]]]:
        """Return the latest ``count`` entries of a log of commands, the newest first; -1 stands for all."""
        command = commands.commandlog_get(count, type)
        return self._execute(command.args, command.spec, command.parse)

    def commandlog_len(self, type: CommandLogType) -> Coroutine[Any, Any, int]:
        """Return the number of entries of a log of commands."""
        command = commands.commandlog_len(type)
        return self._execute(command.args, command.spec, command.parse)

    def commandlog_reset(self, type: CommandLogType) -> Coroutine[Any, Any, bool]:
        """Remove all entries of a log of commands, and return True."""
        command = commands.commandlog_reset(type)
        return self._execute(command.args, command.spec, command.parse)

    def latency_doctor(self) -> Coroutine[Any, Any, str]:
        """Return the server's analysis of its latency, as text for people."""
        command = commands.latency_doctor()
        return self._execute(command.args, command.spec, command.parse)

    def latency_graph(self, event: str) -> Coroutine[Any, Any, str]:
        """Return the latency of an event over time as a drawing of characters."""
        command = commands.latency_graph(event)
        return self._execute(command.args, command.spec, command.parse)

    def latency_histogram(self, *names: str) -> Coroutine[Any, Any, dict[str, LatencyHistogram]]:
        """Return how long the calls of commands took, by name, or of all commands that were called."""
        command = commands.latency_histogram(*names)
        return self._execute(command.args, command.spec, command.parse)

    def latency_history(self, event: str) -> Coroutine[Any, Any, list[tuple[int, int]]]:
        """Return the latest spikes of an event: pairs of the time in seconds since 1970, and milliseconds."""
        command = commands.latency_history(event)
        return self._execute(command.args, command.spec, command.parse)

    def latency_latest(self) -> Coroutine[Any, Any, list[LatencyEvent]]:
        """Return the latest spike of each event that has made the server slow."""
        command = commands.latency_latest()
        return self._execute(command.args, command.spec, command.parse)

    def latency_reset(self, *events: str) -> Coroutine[Any, Any, int]:
        """Forget the spikes of events, or of all events, and return for how many events there were some."""
        command = commands.latency_reset(*events)
        return self._execute(command.args, command.spec, command.parse)

    def memory_doctor(self) -> Coroutine[Any, Any, str]:
        """Return the server's analysis of its memory, as text for people."""
        command = commands.memory_doctor()
        return self._execute(command.args, command.spec, command.parse)

    def memory_malloc_stats(self) -> Coroutine[Any, Any, str]:
        """Return the statistics of the memory allocator, as text for people."""
        command = commands.memory_malloc_stats()
        return self._execute(command.args, command.spec, command.parse)

    def memory_purge(self) -> Coroutine[Any, Any, bool]:
        """Ask the memory allocator to give unused memory back to the system, and return True."""
        command = commands.memory_purge()
        return self._execute(command.args, command.spec, command.parse)

    def memory_stats(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return how the server uses its memory."""
        command = commands.memory_stats()
        return self._execute(command.args, command.spec, command.parse)

    def memory_usage(self, key: Key, *, samples: int | None = None) -> Coroutine[Any, Any, int | None]:
        """Return how many bytes of memory a key and its value take, or None if there is no such key."""
        command = commands.memory_usage(key, samples=samples)
        return self._execute(command.args, command.spec, command.parse)

    def module_list(self) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """Return one dict for each module that is loaded: ``{"name": "bf", "ver": 20802, "path": ..., "args": []}``."""
        command = commands.module_list()
        return self._execute(command.args, command.spec, command.parse)

    def module_load(self, path: str, *args: Arg) -> Coroutine[Any, Any, bool]:
        """Load a module from a file on the server's machine, and return True."""
        command = commands.module_load(path, *args)
        return self._execute(command.args, command.spec, command.parse)

    def module_loadex(
        self, path: str, *, config: Mapping[str, Arg] | None = None, args: Sequence[Arg] = ()
    ) -> Coroutine[Any, Any, bool]:
        """Load a module with values for its settings, and return True."""
        command = commands.module_loadex(path, config=config, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def module_unload(self, name: str) -> Coroutine[Any, Any, bool]:
        """Unload a module, and return True."""
        command = commands.module_unload(name)
        return self._execute(command.args, command.spec, command.parse)

    def slowlog_get(self, count: int | None = None) -> Coroutine[Any, Any, list[SlowLogEntry[S]]]:
        """Return the latest commands that took long, the newest first: 10, or ``count``."""
        command = commands.slowlog_get(count)
        return self._execute(command.args, command.spec, command.parse)

    def slowlog_len(self) -> Coroutine[Any, Any, int]:
        """Return how many commands the slow log has."""
        command = commands.slowlog_len()
        return self._execute(command.args, command.spec, command.parse)

    def slowlog_reset(self) -> Coroutine[Any, Any, bool]:
        """Remove all entries of the slow log, and return True."""
        command = commands.slowlog_reset()
        return self._execute(command.args, command.spec, command.parse)

    def json_arrappend(self, key: Key, path: str, *values: Any) -> Coroutine[Any, Any, list[int | None]]:
        """Append values to arrays, and return the new length of each."""
        command = commands.json_arrappend(key, path, *values)
        return self._execute(command.args, command.spec, command.parse)

    def json_arrindex(
        self, key: Key, path: str, value: Any, start: int | None = None, stop: int | None = None
    ) -> Coroutine[Any, Any, list[int | None]]:
        """Return at which index each array has a value first; -1 if it has not."""
        command = commands.json_arrindex(key, path, value, start, stop)
        return self._execute(command.args, command.spec, command.parse)

    def json_arrinsert(self, key: Key, path: str, index: int, *values: Any) -> Coroutine[Any, Any, list[int | None]]:
        """Insert values into arrays before an index, and return the new length of each."""
        command = commands.json_arrinsert(key, path, index, *values)
        return self._execute(command.args, command.spec, command.parse)

    def json_arrlen(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[int | None]]:
        """Return the length of each array."""
        command = commands.json_arrlen(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_arrpop(self, key: Key, path: str = "$", index: int = -1) -> Coroutine[Any, Any, list[Any]]:
        """Remove an element of each array and return it; None if there is no array or it is empty."""
        command = commands.json_arrpop(key, path, index)
        return self._execute(command.args, command.spec, command.parse)

    def json_arrtrim(self, key: Key, path: str, start: int, stop: int) -> Coroutine[Any, Any, list[int | None]]:
        """Keep only the elements of each array from ``start`` to ``stop``, both included, and return its new length."""
        command = commands.json_arrtrim(key, path, start, stop)
        return self._execute(command.args, command.spec, command.parse)

    def json_clear(self, key: Key, path: str = "$") -> Coroutine[Any, Any, int]:
        """Empty arrays and objects and set numbers to 0, and return how many values changed."""
        command = commands.json_clear(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_debug_memory(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[int]]:
        """Return how many bytes of memory each value takes; an empty list if there is no key."""
        command = commands.json_debug_memory(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_del(self, key: Key, path: str = "$") -> Coroutine[Any, Any, int]:
        """Delete values and return how many there were; the key too if the path is its root."""
        command = commands.json_del(key, path)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def json_get(self, key: Key, *paths: str, raw: Literal[False] = False) -> Coroutine[Any, Any, Any]: ...
    @overload
    def json_get(
        self,
        key: Key,
        *paths: str,
        raw: Literal[True],
        indent: str | None = None,
        newline: str | None = None,
        space: str | None = None,
    ) -> Coroutine[Any, Any, S | None]: ...
    def json_get(
        self,
        key: Key,
        *paths: str,
        raw: bool = False,
        indent: str | None = None,
        newline: str | None = None,
        space: str | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Return a document, or what paths match in it; None if there is no key."""
        make: Callable[..., Command[Any]] = commands.json_get
        command = make(key, *paths, raw=raw, indent=indent, newline=newline, space=space)
        return self._execute(command.args, command.spec, command.parse)

    def json_merge(self, key: Key, path: str, value: Any) -> Coroutine[Any, Any, bool]:
        """Merge a value into a document: objects key by key, where None deletes; anything else is replaced."""
        command = commands.json_merge(key, path, value)
        return self._execute(command.args, command.spec, command.parse)

    def json_mget(self, *keys: Key, path: str = ".") -> Coroutine[Any, Any, list[Any]]:
        """Return what a path matches in each of several documents, or the documents; None where there is no key."""
        command = commands.json_mget(*keys, path=path)
        return self._execute(command.args, command.spec, command.parse)

    def json_mset(self, *values: tuple[Key, str, Any]) -> Coroutine[Any, Any, bool]:
        """Set values, each given as a tuple of key, path and value: all or none."""
        command = commands.json_mset(*values)
        return self._execute(command.args, command.spec, command.parse)

    def json_numincrby(self, key: Key, path: str, number: float) -> Coroutine[Any, Any, list[float | None]]:
        """Add a number to numbers, and return the new value of each: an int where the result is one."""
        command = commands.json_numincrby(key, path, number)
        return self._execute(command.args, command.spec, command.parse)

    def json_nummultby(self, key: Key, path: str, number: float) -> Coroutine[Any, Any, list[float | None]]:
        """Multiply numbers by a number, and return the new value of each."""
        command = commands.json_nummultby(key, path, number)
        return self._execute(command.args, command.spec, command.parse)

    def json_objkeys(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[list[str] | None]]:
        """Return the keys of each object."""
        command = commands.json_objkeys(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_objlen(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[int | None]]:
        """Return how many keys each object has."""
        command = commands.json_objlen(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_set(
        self, key: Key, path: str, value: Any, *, nx: bool = False, xx: bool = False
    ) -> Coroutine[Any, Any, bool]:
        """Set a value, and return whether it was set."""
        command = commands.json_set(key, path, value, nx=nx, xx=xx)
        return self._execute(command.args, command.spec, command.parse)

    def json_strappend(self, key: Key, path: str, text: str) -> Coroutine[Any, Any, list[int | None]]:
        """Append text to strings, and return the new length of each in bytes."""
        command = commands.json_strappend(key, path, text)
        return self._execute(command.args, command.spec, command.parse)

    def json_strlen(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[int | None]]:
        """Return the length of each string in bytes."""
        command = commands.json_strlen(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_toggle(self, key: Key, path: str) -> Coroutine[Any, Any, list[bool | None]]:
        """Turn True into False and False into True, and return the new values."""
        command = commands.json_toggle(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def json_type(self, key: Key, path: str = "$") -> Coroutine[Any, Any, list[str]]:
        """Return the type of each value; an empty list if there is no key."""
        command = commands.json_type(key, path)
        return self._execute(command.args, command.spec, command.parse)

    def blmove(
        self, source: Key, destination: Key, wherefrom: Side, whereto: Side, *, timeout: float | timedelta = 0
    ) -> Coroutine[Any, Any, S | None]:
        """Wait for an element, move it to another list and return it; None after ``timeout``."""
        command = lists.blmove(source, destination, wherefrom, whereto, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]:
        """Wait for elements, move them to another list and return them; the empty list after ``timeout``."""
        command = lists.blmovem(
            source, destination, wherefrom, whereto, count=count, exactly=exactly, order=order, timeout=timeout
        )
        return self._execute(command.args, command.spec, command.parse)

    def blmpop(
        self, *keys: Key, side: Side = "LEFT", count: int | None = None, timeout: float | timedelta = 0
    ) -> Coroutine[Any, Any, tuple[S, list[S]] | None]:
        """Wait until one of the lists has elements, and return its key and some of its elements."""
        command = lists.blmpop(*keys, side=side, count=count, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def blpop(self, *keys: Key, timeout: float | timedelta = 0) -> Coroutine[Any, Any, tuple[S, S] | None]:
        """Wait until one of the lists has an element, and return its key and its first element."""
        command = lists.blpop(*keys, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def brpop(self, *keys: Key, timeout: float | timedelta = 0) -> Coroutine[Any, Any, tuple[S, S] | None]:
        """Wait until one of the lists has an element, and return its key and its last element."""
        command = lists.brpop(*keys, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def brpoplpush(
        self, source: Key, destination: Key, *, timeout: float | timedelta = 0
    ) -> Coroutine[Any, Any, S | None]:
        """Wait for an element, move it from the end of a list to the head of another, and return it."""
        command = lists.brpoplpush(source, destination, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def lindex(self, key: Key, index: int) -> Coroutine[Any, Any, S | None]:
        """Return the element at an index, or None if there is none."""
        return self._execute(("LINDEX", key, index), LINDEX)

    def linsert(
        self, key: Key, where: Literal["BEFORE", "AFTER"], pivot: Value, element: Value
    ) -> Coroutine[Any, Any, int]:
        """Insert an element next to the first one that equals ``pivot``, and return the new length."""
        return self._execute(("LINSERT", key, where, pivot, element), LINSERT)

    def llen(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the length of a list, 0 if there is no list."""
        return self._execute(("LLEN", key), LLEN)

    def lmove(self, source: Key, destination: Key, wherefrom: Side, whereto: Side) -> Coroutine[Any, Any, S | None]:
        """Move an element from one end of a list to an end of another or the same list, and return it."""
        return self._execute(("LMOVE", source, destination, wherefrom, whereto), LMOVE)

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
    ) -> Coroutine[Any, Any, list[S]]:
        """Move elements from one end of a list to an end of another or the same list, and return them."""
        command = lists.lmovem(source, destination, wherefrom, whereto, count=count, exactly=exactly, order=order)
        return self._execute(command.args, command.spec, command.parse)

    def lmpop(
        self, *keys: Key, side: Side = "LEFT", count: int | None = None
    ) -> Coroutine[Any, Any, tuple[S, list[S]] | None]:
        """Remove elements from the first list that has any, and return its key and the elements."""
        command = lists.lmpop(*keys, side=side, count=count)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def lpop(self, key: Key, count: None = None) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def lpop(self, key: Key, count: int) -> Coroutine[Any, Any, list[S]]: ...
    def lpop(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Remove the first element of a list and return it, or a list of the first ``count``."""
        if count is None:
            return self._execute(("LPOP", key), LPOP)
        make: Callable[..., Command[Any]] = lists.lpop
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: None = None, maxlen: int | None = None
    ) -> Coroutine[Any, Any, int | None]: ...
    @overload
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: int, maxlen: int | None = None
    ) -> Coroutine[Any, Any, list[int]]: ...
    def lpos(
        self, key: Key, element: Value, *, rank: int | None = None, count: int | None = None, maxlen: int | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Return the index of an element, or None; with ``count`` return a list of its indexes."""
        make: Callable[..., Command[Any]] = lists.lpos
        command = make(key, element, rank=rank, count=count, maxlen=maxlen)
        return self._execute(command.args, command.spec, command.parse)

    def lpush(self, key: Key, *elements: Value) -> Coroutine[Any, Any, int]:
        """Put elements at the head of a list, one after the other, and return the new length."""
        if elements:
            return self._execute(("LPUSH", key, *elements), LPUSH)
        command = lists.lpush(key, *elements)
        return self._execute(command.args, command.spec, command.parse)

    def lpushx(self, key: Key, *elements: Value) -> Coroutine[Any, Any, int]:
        """Put elements at the head of a list only if it exists, and return the new length."""
        if elements:
            return self._execute(("LPUSHX", key, *elements), LPUSHX)
        command = lists.lpushx(key, *elements)
        return self._execute(command.args, command.spec, command.parse)

    def lrange(self, key: Key, start: int, stop: int) -> Coroutine[Any, Any, list[S]]:
        """Return the elements from ``start`` to ``stop``, both included."""
        return self._execute(("LRANGE", key, start, stop), LRANGE)

    def lrem(self, key: Key, count: int, element: Value) -> Coroutine[Any, Any, int]:
        """Remove up to ``count`` elements that equal ``element``, and return how many were removed."""
        return self._execute(("LREM", key, count, element), LREM)

    def lset(self, key: Key, index: int, element: Value) -> Coroutine[Any, Any, bool]:
        """Replace the element at an index and return True."""
        return self._execute(("LSET", key, index, element), LSET)

    def ltrim(self, key: Key, start: int, stop: int) -> Coroutine[Any, Any, bool]:
        """Keep the elements from ``start`` to ``stop``, both included, remove the others, and return True."""
        return self._execute(("LTRIM", key, start, stop), LTRIM)

    @overload
    def rpop(self, key: Key, count: None = None) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def rpop(self, key: Key, count: int) -> Coroutine[Any, Any, list[S]]: ...
    def rpop(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Remove the last element of a list and return it, or a list of the last ``count``, last first."""
        if count is None:
            return self._execute(("RPOP", key), RPOP)
        make: Callable[..., Command[Any]] = lists.rpop
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    def rpoplpush(self, source: Key, destination: Key) -> Coroutine[Any, Any, S | None]:
        """Move an element from the end of a list to the head of another or the same list, and return it."""
        return self._execute(("RPOPLPUSH", source, destination), RPOPLPUSH)

    def rpush(self, key: Key, *elements: Value) -> Coroutine[Any, Any, int]:
        """Put elements at the end of a list, in order, and return the new length."""
        if elements:
            return self._execute(("RPUSH", key, *elements), RPUSH)
        command = lists.rpush(key, *elements)
        return self._execute(command.args, command.spec, command.parse)

    def rpushx(self, key: Key, *elements: Value) -> Coroutine[Any, Any, int]:
        """Put elements at the end of a list only if it exists, and return the new length."""
        if elements:
            return self._execute(("RPUSHX", key, *elements), RPUSHX)
        command = lists.rpushx(key, *elements)
        return self._execute(command.args, command.spec, command.parse)

    def publish(self, channel: Key, message: Value) -> Coroutine[Any, Any, int]:
        """Send a message to all subscribers of a channel, and return how many clients received it."""
        return self._execute(("PUBLISH", channel, message), PUBLISH)

    def pubsub_channels(self, pattern: Value | None = None) -> Coroutine[Any, Any, list[S]]:
        """Return the channels that have subscribers, or those that match a glob pattern."""
        if pattern is None:
            return self._execute(("PUBSUB", "CHANNELS"), PUBSUB_CHANNELS)
        return self._execute(("PUBSUB", "CHANNELS", pattern), PUBSUB_CHANNELS)

    def pubsub_numpat(self) -> Coroutine[Any, Any, int]:
        """Return to how many patterns clients subscribe."""
        return self._execute(("PUBSUB", "NUMPAT"), PUBSUB_NUMPAT)

    def pubsub_numsub(self, *channels: Key) -> Coroutine[Any, Any, dict[S, int]]:
        """Return a dict of channels to how many clients subscribe to each, 0 for one without subscribers."""
        if channels:
            return self._execute(("PUBSUB", "NUMSUB", *channels), PUBSUB_NUMSUB)
        command = pubsub.pubsub_numsub(*channels)
        return self._execute(command.args, command.spec, command.parse)

    def pubsub_shardchannels(self, pattern: Value | None = None) -> Coroutine[Any, Any, list[S]]:
        """Return the shard channels that have subscribers, or those that match a glob pattern. Since Redis 7.0."""
        if pattern is None:
            return self._execute(("PUBSUB", "SHARDCHANNELS"), PUBSUB_SHARDCHANNELS)
        return self._execute(("PUBSUB", "SHARDCHANNELS", pattern), PUBSUB_SHARDCHANNELS)

    def pubsub_shardnumsub(self, *channels: Key) -> Coroutine[Any, Any, dict[S, int]]:
        """Return a dict of shard channels to how many clients subscribe to each, 0 for one without subscribers."""
        if channels:
            return self._execute(("PUBSUB", "SHARDNUMSUB", *channels), PUBSUB_SHARDNUMSUB)
        command = pubsub.pubsub_shardnumsub(*channels)
        return self._execute(command.args, command.spec, command.parse)

    def spublish(self, channel: Key, message: Value) -> Coroutine[Any, Any, int]:
        """Send a message to all subscribers of a shard channel, and return how many clients received it."""
        return self._execute(("SPUBLISH", channel, message), SPUBLISH)

    def eval(
        self, script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Run a Lua script and return what it returns, in the shape that the protocol gives it."""
        command = commands.eval(script, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def eval_ro(
        self, script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Run a Lua script that changes nothing, and return what it returns."""
        command = commands.eval_ro(script, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def evalsha(
        self, sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Run the script that has this hash, and return what it returns."""
        command = commands.evalsha(sha1, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def evalsha_ro(
        self, sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Run the script that has this hash and changes nothing, and return what it returns."""
        command = commands.evalsha_ro(sha1, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def fcall(
        self, name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Call a function of a library that was loaded, and return what it returns."""
        command = commands.fcall(name, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def fcall_ro(
        self, name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> Coroutine[Any, Any, Any]:
        """Call a function that changes nothing, and return what it returns."""
        command = commands.fcall_ro(name, keys=keys, args=args)
        return self._execute(command.args, command.spec, command.parse)

    def function_delete(self, library: str | bytes) -> Coroutine[Any, Any, bool]:
        """Delete a library with all its functions, and return True."""
        command = commands.function_delete(library)
        return self._execute(command.args, command.spec, command.parse)

    def function_dump(self) -> Coroutine[Any, Any, bytes]:
        """Return all libraries in the server's own format, for ``function_restore``. Since Redis 7.0."""
        command = commands.function_dump()
        return self._execute(command.args, command.spec, command.parse)

    def function_flush(self, mode: FlushMode | None = None) -> Coroutine[Any, Any, bool]:
        """Delete all libraries and return True."""
        command = commands.function_flush(mode)
        return self._execute(command.args, command.spec, command.parse)

    def function_kill(self) -> Coroutine[Any, Any, bool]:
        """End the function that runs too long, and return True."""
        command = commands.function_kill()
        return self._execute(command.args, command.spec, command.parse)

    def function_list(
        self, *, libraryname: str | bytes | None = None, withcode: bool = False
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """Return the libraries, each as a dict; an empty list if there are none."""
        command = commands.function_list(libraryname=libraryname, withcode=withcode)
        return self._execute(command.args, command.spec, command.parse)

    def function_load(self, code: str | bytes, *, replace: bool = False) -> Coroutine[Any, Any, str]:
        """Load a library and return its name, which its first line says: ``#!lua name=mylib``."""
        command = commands.function_load(code, replace=replace)
        return self._execute(command.args, command.spec, command.parse)

    def function_restore(
        self, payload: bytes, policy: Literal["FLUSH", "APPEND", "REPLACE"] | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Load the libraries of a ``function_dump``, and return True."""
        command = commands.function_restore(payload, policy)
        return self._execute(command.args, command.spec, command.parse)

    def function_stats(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return the function that runs now, and how many there are."""
        command = commands.function_stats()
        return self._execute(command.args, command.spec, command.parse)

    def script_exists(self, *sha1s: str | bytes) -> Coroutine[Any, Any, list[bool]]:
        """Return a list that tells, for each hash in order, whether the server remembers the script."""
        command = commands.script_exists(*sha1s)
        return self._execute(command.args, command.spec, command.parse)

    def script_flush(self, mode: FlushMode | None = None) -> Coroutine[Any, Any, bool]:
        """Forget all scripts and return True."""
        command = commands.script_flush(mode)
        return self._execute(command.args, command.spec, command.parse)

    def script_kill(self) -> Coroutine[Any, Any, bool]:
        """End the script that runs too long, and return True."""
        command = commands.script_kill()
        return self._execute(command.args, command.spec, command.parse)

    def script_load(self, script: str | bytes) -> Coroutine[Any, Any, str]:
        """Make the server remember a script, without running it, and return its hash for ``evalsha``."""
        command = commands.script_load(script)
        return self._execute(command.args, command.spec, command.parse)

    def script_show(self, sha1: str | bytes) -> Coroutine[Any, Any, S]:
        """Return the script that has this hash."""
        command = commands.script_show(sha1)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, AggregateResult[S]]:
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
        return self._execute(command.args, command.spec, command.parse)

    def ft_alter(self, index: Key, *fields: Sequence[Arg], skipinitialscan: bool = False) -> Coroutine[Any, Any, bool]:
        """Add fields to the schema of an index, each as for ``ft_create``."""
        command = commands.ft_alter(index, *fields, skipinitialscan=skipinitialscan)
        return self._execute(command.args, command.spec, command.parse)

    def ft_create(
        self, index: Key, *fields: Sequence[Arg], **options: Unpack[CreateOptions]
    ) -> Coroutine[Any, Any, bool]:
        """Make an index."""
        command = commands.ft_create(index, *fields, **options)
        return self._execute(command.args, command.spec, command.parse)

    def ft_cursor_del(self, index: Key, cursor: int) -> Coroutine[Any, Any, bool]:
        """Delete a cursor. Always True; the server refuses one that does not exist."""
        command = commands.ft_cursor_del(index, cursor)
        return self._execute(command.args, command.spec, command.parse)

    def ft_cursor_read(
        self, index: Key, cursor: int, *, count: int | None = None
    ) -> Coroutine[Any, Any, AggregateResult[S]]:
        """Return the next rows of an aggregation that was called with ``withcursor``."""
        command = commands.ft_cursor_read(index, cursor, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def ft_dropindex(self, index: Key, *, dd: bool = False) -> Coroutine[Any, Any, bool]:
        """Delete an index, and with ``dd`` the hashes or documents in it. Always True."""
        command = commands.ft_dropindex(index, dd=dd)
        return self._execute(command.args, command.spec, command.parse)

    def ft_info(self, index: Key) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return facts about an index."""
        command = commands.ft_info(index)
        return self._execute(command.args, command.spec, command.parse)

    def ft__list(self) -> Coroutine[Any, Any, list[S]]:
        """Return the names of all indexes."""
        command = commands.ft__list()
        return self._execute(command.args, command.spec, command.parse)

    def ft_search(
        self, index: Key, query: str, **options: Unpack[SearchOptions]
    ) -> Coroutine[Any, Any, SearchResult[S]]:
        """Return the documents that a query finds, 10 at most without ``limit``."""
        command = commands.ft_search(index, query, **options)
        return self._execute(command.args, command.spec, command.parse)

    def bgrewriteaof(self) -> Coroutine[Any, Any, str]:
        """Rewrite the append-only file in the background, and return what the server says: started or scheduled."""
        command = commands.bgrewriteaof()
        return self._execute(command.args, command.spec, command.parse)

    def bgsave(self, *, schedule: bool = False, cancel: bool = False) -> Coroutine[Any, Any, str]:
        """Save all data to a file in the background, and return what the server says."""
        command = commands.bgsave(schedule=schedule, cancel=cancel)
        return self._execute(command.args, command.spec, command.parse)

    def config_get(self, *patterns: str) -> Coroutine[Any, Any, dict[str, str]]:
        """Return the settings whose names match one of the glob patterns, with their values."""
        command = commands.config_get(*patterns)
        return self._execute(command.args, command.spec, command.parse)

    def config_resetstat(self) -> Coroutine[Any, Any, bool]:
        """Set the statistics of ``info`` back to 0, and return True."""
        command = commands.config_resetstat()
        return self._execute(command.args, command.spec, command.parse)

    def config_rewrite(self) -> Coroutine[Any, Any, bool]:
        """Write the settings that differ to the server's configuration file, and return True."""
        command = commands.config_rewrite()
        return self._execute(command.args, command.spec, command.parse)

    def config_set(self, settings: Mapping[str, Value]) -> Coroutine[Any, Any, bool]:
        """Change settings, all or none of them, and return True."""
        command = commands.config_set(settings)
        return self._execute(command.args, command.spec, command.parse)

    def dbsize(self) -> Coroutine[Any, Any, int]:
        """Return the number of keys in the database."""
        command = commands.dbsize()
        return self._execute(command.args, command.spec, command.parse)

    def failover(
        self,
        *,
        to: tuple[str, int] | None = None,
        force: bool = False,
        abort: bool = False,
        timeout: Duration | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """Begin to change places with a replica, and return True; ``info("replication")`` tells when it is done."""
        command = commands.failover(to=to, force=force, abort=abort, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def flushall(self, mode: FlushMode | None = None) -> Coroutine[Any, Any, bool]:
        """Remove all keys of all databases, and return True."""
        command = commands.flushall(mode)
        return self._execute(command.args, command.spec, command.parse)

    def flushdb(self, mode: FlushMode | None = None) -> Coroutine[Any, Any, bool]:
        """Remove all keys of the database, and return True."""
        command = commands.flushdb(mode)
        return self._execute(command.args, command.spec, command.parse)

    def info(self, *sections: str) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return what the server tells about itself, all in one dict: the usual sections, or those that are named."""
        command = commands.info(*sections)
        return self._execute(command.args, command.spec, command.parse)

    def lastsave(self) -> Coroutine[Any, Any, datetime]:
        """Return when the data were last saved to a file, or when the server started; in UTC."""
        command = commands.lastsave()
        return self._execute(command.args, command.spec, command.parse)

    def lolwut(self, *parameters: int | str, version: int | None = None) -> Coroutine[Any, Any, str]:
        """Return a piece of computer art, made of characters."""
        command = commands.lolwut(*parameters, version=version)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def replicaof(self, host: None, port: None = None) -> Coroutine[Any, Any, bool]: ...
    @overload
    def replicaof(self, host: str, port: int) -> Coroutine[Any, Any, bool]: ...
    def replicaof(self, host: str | None, port: int | None = None) -> Coroutine[Any, Any, bool]:
        """Make the server a replica of another one, and return True. ``replicaof(None)`` makes it a primary again."""
        make: Callable[..., Command[Any]] = commands.replicaof
        command = make(host, port)
        return self._execute(command.args, command.spec, command.parse)

    def role(self) -> Coroutine[Any, Any, PrimaryRole | ReplicaRole | SentinelRole]:
        """Return the role of the server in replication; ``role().role`` is "master", "slave" or "sentinel"."""
        command = commands.role()
        return self._execute(command.args, command.spec, command.parse)

    def save(self) -> Coroutine[Any, Any, bool]:
        """Save all data to a file, and return True. The server does nothing else meanwhile: see ``bgsave``."""
        command = commands.save()
        return self._execute(command.args, command.spec, command.parse)

    def shutdown(
        self,
        *,
        save: bool | None = None,
        now: bool = False,
        force: bool = False,
        safe: bool = False,
        failover: bool = False,
        abort: bool = False,
    ) -> Coroutine[Any, Any, bool]:
        """End the server. A server that ends does not answer: the call then raises OutcomeUnknown."""
        command = commands.shutdown(save=save, now=now, force=force, safe=safe, failover=failover, abort=abort)
        return self._execute(command.args, command.spec, command.parse)

    def swapdb(self, first: int, second: int) -> Coroutine[Any, Any, bool]:
        """Exchange the contents of two databases for all clients, and return True."""
        command = commands.swapdb(first, second)
        return self._execute(command.args, command.spec, command.parse)

    def time(self) -> Coroutine[Any, Any, datetime]:
        """Return the time of the server's clock, in UTC."""
        command = commands.time()
        return self._execute(command.args, command.spec, command.parse)

    def sadd(self, key: Key, *members: Value) -> Coroutine[Any, Any, int]:
        """Add members to a set, and return how many were not in it before."""
        if members:
            return self._execute(("SADD", key, *members), SADD)
        command = sets.sadd(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    def scard(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the number of members of a set, 0 if there is no set."""
        return self._execute(("SCARD", key), SCARD)

    def sdiff(self, *keys: Key) -> Coroutine[Any, Any, builtins.set[S]]:
        """Return the members of the first set that are in none of the others."""
        if keys:
            return self._execute(("SDIFF", *keys), SDIFF)
        command = sets.sdiff(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def sdiffcard(self, *keys: Key, limit: int | None = None) -> Coroutine[Any, Any, int]:
        """Return how many members of the first set are in none of the others."""
        command = sets.sdiffcard(*keys, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    def sdiffstore(self, destination: Key, *keys: Key) -> Coroutine[Any, Any, int]:
        """Store the members of the first set that are in none of the others, and return their number."""
        if keys:
            return self._execute(("SDIFFSTORE", destination, *keys), SDIFFSTORE)
        command = sets.sdiffstore(destination, *keys)
        return self._execute(command.args, command.spec, command.parse)

    def sinter(self, *keys: Key) -> Coroutine[Any, Any, builtins.set[S]]:
        """Return the members that all of the sets have."""
        if keys:
            return self._execute(("SINTER", *keys), SINTER)
        command = sets.sinter(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def sintercard(self, *keys: Key, limit: int | None = None) -> Coroutine[Any, Any, int]:
        """Return how many members all of the sets have, 0 if one of the keys does not exist."""
        command = sets.sintercard(*keys, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    def sinterstore(self, destination: Key, *keys: Key) -> Coroutine[Any, Any, int]:
        """Store the members that all of the sets have, and return their number."""
        if keys:
            return self._execute(("SINTERSTORE", destination, *keys), SINTERSTORE)
        command = sets.sinterstore(destination, *keys)
        return self._execute(command.args, command.spec, command.parse)

    def sismember(self, key: Key, member: Value) -> Coroutine[Any, Any, bool]:
        """Return whether a set has a member; False if there is no set."""
        return self._execute(("SISMEMBER", key, member), SISMEMBER)

    def smembers(self, key: Key) -> Coroutine[Any, Any, builtins.set[S]]:
        """Return all members of a set; the empty set if there is none."""
        return self._execute(("SMEMBERS", key), SMEMBERS)

    def smismember(self, key: Key, *members: Value) -> Coroutine[Any, Any, list[bool]]:
        """Return a list that tells, for each of ``members`` in order, whether a set has it."""
        if members:
            return self._execute(("SMISMEMBER", key, *members), SMISMEMBER)
        command = sets.smismember(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    def smove(self, source: Key, destination: Key, member: Value) -> Coroutine[Any, Any, bool]:
        """Move a member from one set to another, and return whether it was in the source."""
        return self._execute(("SMOVE", source, destination, member), SMOVE)

    @overload
    def spop(self, key: Key, count: None = None) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def spop(self, key: Key, count: int) -> Coroutine[Any, Any, builtins.set[S]]: ...
    def spop(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Remove a random member of a set and return it, or a set of up to ``count`` of them."""
        if count is None:
            return self._execute(("SPOP", key), SPOP)
        make: Callable[..., Command[Any]] = sets.spop
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def srandmember(self, key: Key, count: None = None) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def srandmember(self, key: Key, count: int) -> Coroutine[Any, Any, list[S]]: ...
    def srandmember(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Return a random member of a set without removing it, or a list of up to ``count`` of them."""
        if count is None:
            return self._execute(("SRANDMEMBER", key), SRANDMEMBER)
        make: Callable[..., Command[Any]] = sets.srandmember
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    def srem(self, key: Key, *members: Value) -> Coroutine[Any, Any, int]:
        """Remove members from a set, and return how many were in it."""
        if members:
            return self._execute(("SREM", key, *members), SREM)
        command = sets.srem(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    def sscan(
        self, key: Key, cursor: int = 0, *, match: Key | None = None, count: int | None = None
    ) -> Coroutine[Any, Any, tuple[int, list[S]]]:
        """Return the next cursor and some of the members of a set; 0 and no members if there is no set."""
        command = sets.sscan(key, cursor, match=match, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def sunion(self, *keys: Key) -> Coroutine[Any, Any, builtins.set[S]]:
        """Return the members that at least one of the sets has."""
        if keys:
            return self._execute(("SUNION", *keys), SUNION)
        command = sets.sunion(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def sunioncard(self, *keys: Key, approx: bool = False, limit: int | None = None) -> Coroutine[Any, Any, int]:
        """Return how many members the sets have together, each counted once."""
        command = sets.sunioncard(*keys, approx=approx, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    def sunionstore(self, destination: Key, *keys: Key) -> Coroutine[Any, Any, int]:
        """Store the members that at least one of the sets has, and return their number."""
        if keys:
            return self._execute(("SUNIONSTORE", destination, *keys), SUNIONSTORE)
        command = sets.sunionstore(destination, *keys)
        return self._execute(command.args, command.spec, command.parse)

    def bzmpop(
        self, *keys: Key, side: End = "MIN", count: int | None = None, timeout: float | timedelta = 0
    ) -> Coroutine[Any, Any, tuple[S, list[tuple[S, float]]] | None]:
        """Wait until one of the sorted sets has members, remove some, and return its key and (member, score) tuples."""
        command = sorted_sets.bzmpop(*keys, side=side, count=count, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def bzpopmax(self, *keys: Key, timeout: float | timedelta = 0) -> Coroutine[Any, Any, tuple[S, S, float] | None]:
        """Wait until one of the sorted sets has a member, and remove and return the one with the highest score."""
        command = sorted_sets.bzpopmax(*keys, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

    def bzpopmin(self, *keys: Key, timeout: float | timedelta = 0) -> Coroutine[Any, Any, tuple[S, S, float] | None]:
        """Wait until one of the sorted sets has a member, and remove and return the one with the lowest score."""
        command = sorted_sets.bzpopmin(*keys, timeout=timeout)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, int]: ...
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
    ) -> Coroutine[Any, Any, float | None]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Set the scores of members, and return how many members are new; with ``ch`` how many are new or changed."""
        make: Callable[..., Command[Any]] = sorted_sets.zadd
        command = make(key, scores, nx=nx, xx=xx, gt=gt, lt=lt, ch=ch, incr=incr)
        return self._execute(command.args, command.spec, command.parse)

    def zcard(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the number of members of a sorted set, 0 if there is none."""
        return self._execute(("ZCARD", key), ZCARD)

    def zcount(self, key: Key, min: ScoreBound, max: ScoreBound) -> Coroutine[Any, Any, int]:
        """Return how many members have a score from ``min`` to ``max``."""
        return self._execute(("ZCOUNT", key, min, max), ZCOUNT)

    @overload
    def zdiff(self, *keys: Key, withscores: Literal[False] = False) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zdiff(self, *keys: Key, withscores: Literal[True]) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zdiff(self, *keys: Key, withscores: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the members of the first sorted set that are in none of the others, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zdiff
        command = make(*keys, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    def zdiffstore(self, destination: Key, *keys: Key) -> Coroutine[Any, Any, int]:
        """Store the members of the first sorted set that are in none of the others, and return their number."""
        command = sorted_sets.zdiffstore(destination, *keys)
        return self._execute(command.args, command.spec, command.parse)

    def zincrby(self, key: Key, amount: float, member: Value) -> Coroutine[Any, Any, float]:
        """Add a number to the score of a member and return the new score; a member that is new counts from 0."""
        return self._execute(("ZINCRBY", key, amount, member), ZINCRBY)

    @overload
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[False] = False,
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[True],
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zinter(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Return the members that all of the sorted sets have, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zinter
        command = make(*keys, weights=weights, aggregate=aggregate, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    def zintercard(self, *keys: Key, limit: int | None = None) -> Coroutine[Any, Any, int]:
        """Return how many members all of the sorted sets have, 0 if one of the keys does not exist."""
        command = sorted_sets.zintercard(*keys, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    def zinterstore(
        self, destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
    ) -> Coroutine[Any, Any, int]:
        """Store the members that all of the sorted sets have, and return their number."""
        command = sorted_sets.zinterstore(destination, *keys, weights=weights, aggregate=aggregate)
        return self._execute(command.args, command.spec, command.parse)

    def zlexcount(self, key: Key, min: LexBound, max: LexBound) -> Coroutine[Any, Any, int]:
        """Return how many members are from ``min`` to ``max``, in a sorted set whose scores are all the same."""
        return self._execute(("ZLEXCOUNT", key, min, max), ZLEXCOUNT)

    def zmpop(
        self, *keys: Key, side: End = "MIN", count: int | None = None
    ) -> Coroutine[Any, Any, tuple[S, list[tuple[S, float]]] | None]:
        """Remove members from the first sorted set that has any, and return its key and a list of (member, score)."""
        command = sorted_sets.zmpop(*keys, side=side, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def zmscore(self, key: Key, *members: Value) -> Coroutine[Any, Any, list[float | None]]:
        """Return the scores of members; None for each that does not exist."""
        if members:
            return self._execute(("ZMSCORE", key, *members), ZMSCORE)
        command = sorted_sets.zmscore(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zpopmax(self, key: Key, count: None = None) -> Coroutine[Any, Any, tuple[S, float] | None]: ...
    @overload
    def zpopmax(self, key: Key, count: int) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zpopmax(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Remove the member with the highest score and return it with the score, or a list of up to ``count``."""
        if count is None:
            return self._execute(("ZPOPMAX", key), ZPOPMAX)
        make: Callable[..., Command[Any]] = sorted_sets.zpopmax
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zpopmin(self, key: Key, count: None = None) -> Coroutine[Any, Any, tuple[S, float] | None]: ...
    @overload
    def zpopmin(self, key: Key, count: int) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zpopmin(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Remove the member with the lowest score and return it with the score, or a list of up to ``count``."""
        if count is None:
            return self._execute(("ZPOPMIN", key), ZPOPMIN)
        make: Callable[..., Command[Any]] = sorted_sets.zpopmin
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zrandmember(
        self, key: Key, count: None = None, *, withscores: Literal[False] = False
    ) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def zrandmember(
        self, key: Key, count: int, *, withscores: Literal[False] = False
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zrandmember(
        self, key: Key, count: int, *, withscores: Literal[True]
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zrandmember(self, key: Key, count: int | None = None, *, withscores: bool = False) -> Coroutine[Any, Any, Any]:
        """Return a random member without removing it, or None if there is no sorted set."""
        make: Callable[..., Command[Any]] = sorted_sets.zrandmember
        command = make(key, count, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
        """Return the members from ``start`` to ``stop``, both included, in the order of their scores."""
        if by is None and not rev and limit is None and not withscores:
            return self._execute(("ZRANGE", key, start, stop), ZRANGE)
        if by is None and not rev and limit is None and withscores:
            return self._execute(("ZRANGE", key, start, stop, "WITHSCORES"), ZRANGE_SCORES)
        make: Callable[..., Command[Any]] = sorted_sets.zrange
        command = make(key, start, stop, by=by, rev=rev, limit=limit, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    def zrangebylex(
        self, key: Key, min: LexBound, max: LexBound, *, limit: tuple[int, int] | None = None
    ) -> Coroutine[Any, Any, list[S]]:
        """Return the members from ``min`` to ``max``, in a sorted set whose scores are all the same."""
        command = sorted_sets.zrangebylex(key, min, max, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[False] = False,
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[True],
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zrangebyscore(
        self,
        key: Key,
        min: ScoreBound,
        max: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Return the members with a score from ``min`` to ``max``, lowest first."""
        if limit is None and not withscores:
            return self._execute(("ZRANGEBYSCORE", key, min, max), ZRANGEBYSCORE)
        make: Callable[..., Command[Any]] = sorted_sets.zrangebyscore
        command = make(key, min, max, limit=limit, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, int]:
        """Store the members from ``start`` to ``stop`` with their scores, and return their number."""
        command = sorted_sets.zrangestore(destination, source, start, stop, by=by, rev=rev, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zrank(
        self, key: Key, member: Value, *, withscore: Literal[False] = False
    ) -> Coroutine[Any, Any, int | None]: ...
    @overload
    def zrank(
        self, key: Key, member: Value, *, withscore: Literal[True]
    ) -> Coroutine[Any, Any, tuple[int, float] | None]: ...
    def zrank(self, key: Key, member: Value, *, withscore: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the rank of a member, 0 for the lowest score, or None if there is no such member."""
        if withscore:
            return self._execute(("ZRANK", key, member, "WITHSCORE"), ZRANK_SCORE)
        return self._execute(("ZRANK", key, member), ZRANK)

    def zrem(self, key: Key, *members: Value) -> Coroutine[Any, Any, int]:
        """Remove members and return how many there were. Raises UsageValueError without members."""
        if members:
            return self._execute(("ZREM", key, *members), ZREM)
        command = sorted_sets.zrem(key, *members)
        return self._execute(command.args, command.spec, command.parse)

    def zremrangebylex(self, key: Key, min: LexBound, max: LexBound) -> Coroutine[Any, Any, int]:
        """Remove the members from ``min`` to ``max``, and return how many there were; all scores must be the same."""
        return self._execute(("ZREMRANGEBYLEX", key, min, max), ZREMRANGEBYLEX)

    def zremrangebyrank(self, key: Key, start: int, stop: int) -> Coroutine[Any, Any, int]:
        """Remove the members with ranks from ``start`` to ``stop``, both included, and return how many there were."""
        return self._execute(("ZREMRANGEBYRANK", key, start, stop), ZREMRANGEBYRANK)

    def zremrangebyscore(self, key: Key, min: ScoreBound, max: ScoreBound) -> Coroutine[Any, Any, int]:
        """Remove the members with a score from ``min`` to ``max``, and return how many there were."""
        return self._execute(("ZREMRANGEBYSCORE", key, min, max), ZREMRANGEBYSCORE)

    @overload
    def zrevrange(
        self, key: Key, start: int, stop: int, *, withscores: Literal[False] = False
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zrevrange(
        self, key: Key, start: int, stop: int, *, withscores: Literal[True]
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zrevrange(self, key: Key, start: int, stop: int, *, withscores: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the members from ``start`` to ``stop``, both included, highest score first."""
        if withscores:
            return self._execute(("ZREVRANGE", key, start, stop, "WITHSCORES"), ZREVRANGE_SCORES)
        return self._execute(("ZREVRANGE", key, start, stop), ZREVRANGE)

    def zrevrangebylex(
        self, key: Key, max: LexBound, min: LexBound, *, limit: tuple[int, int] | None = None
    ) -> Coroutine[Any, Any, list[S]]:
        """Return the members from ``max`` down to ``min``, in a sorted set whose scores are all the same."""
        command = sorted_sets.zrevrangebylex(key, max, min, limit=limit)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[False] = False,
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: Literal[True],
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zrevrangebyscore(
        self,
        key: Key,
        max: ScoreBound,
        min: ScoreBound,
        *,
        limit: tuple[int, int] | None = None,
        withscores: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Return the members with a score from ``max`` down to ``min``."""
        if limit is None and not withscores:
            return self._execute(("ZREVRANGEBYSCORE", key, max, min), ZREVRANGEBYSCORE)
        make: Callable[..., Command[Any]] = sorted_sets.zrevrangebyscore
        command = make(key, max, min, limit=limit, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def zrevrank(
        self, key: Key, member: Value, *, withscore: Literal[False] = False
    ) -> Coroutine[Any, Any, int | None]: ...
    @overload
    def zrevrank(
        self, key: Key, member: Value, *, withscore: Literal[True]
    ) -> Coroutine[Any, Any, tuple[int, float] | None]: ...
    def zrevrank(self, key: Key, member: Value, *, withscore: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the rank of a member, 0 for the highest score, or None if there is no such member."""
        if withscore:
            return self._execute(("ZREVRANK", key, member, "WITHSCORE"), ZREVRANK_SCORE)
        return self._execute(("ZREVRANK", key, member), ZREVRANK)

    @overload
    def zscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        noscores: Literal[False] = False,
    ) -> Coroutine[Any, Any, tuple[int, list[tuple[S, float]]]]: ...
    @overload
    def zscan(
        self,
        key: Key,
        cursor: int = 0,
        *,
        match: Value | None = None,
        count: int | None = None,
        noscores: Literal[True],
    ) -> Coroutine[Any, Any, tuple[int, list[S]]]: ...
    def zscan(
        self, key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, noscores: bool = False
    ) -> Coroutine[Any, Any, Any]:
        """Return the next cursor and some of the (member, score) tuples, or with ``noscores`` a list of members."""
        make: Callable[..., Command[Any]] = sorted_sets.zscan
        command = make(key, cursor, match=match, count=count, noscores=noscores)
        return self._execute(command.args, command.spec, command.parse)

    def zscore(self, key: Key, member: Value) -> Coroutine[Any, Any, float | None]:
        """Return the score of a member, or None if there is no such member."""
        return self._execute(("ZSCORE", key, member), ZSCORE)

    @overload
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[False] = False,
    ) -> Coroutine[Any, Any, list[S]]: ...
    @overload
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: Literal[True],
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
    def zunion(
        self,
        *keys: Key,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate | None = None,
        withscores: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Return the members that at least one of the sorted sets has, by score."""
        make: Callable[..., Command[Any]] = sorted_sets.zunion
        command = make(*keys, weights=weights, aggregate=aggregate, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    def zunionstore(
        self, destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
    ) -> Coroutine[Any, Any, int]:
        """Store the members that at least one of the sorted sets has, and return their number."""
        command = sorted_sets.zunionstore(destination, *keys, weights=weights, aggregate=aggregate)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, str]: ...
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
    ) -> Coroutine[Any, Any, str | None]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

    def xcfgset(
        self, key: Key, *, idmp_duration: Duration | None = None, idmp_maxsize: int | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Set how long a stream remembers the names of entries (``idmp`` of ``xadd``), and how many; return True."""
        command = streams.xcfgset(key, idmp_duration=idmp_duration, idmp_maxsize=idmp_maxsize)
        return self._execute(command.args, command.spec, command.parse)

    def xdel(self, key: Key, *ids: StreamId) -> Coroutine[Any, Any, int]:
        """Delete entries, and return how many there were. Raises UsageValueError without ids."""
        if ids:
            return self._execute(("XDEL", key, *ids), XDEL)
        command = streams.xdel(key, *ids)
        return self._execute(command.args, command.spec, command.parse)

    def xdelex(self, key: Key, *ids: StreamId, refs: References | None = None) -> Coroutine[Any, Any, list[int]]:
        """Delete entries, and say what becomes of those that are pending in a group."""
        command = streams.xdelex(key, *ids, refs=refs)
        return self._execute(command.args, command.spec, command.parse)

    def xinfo_stream(
        self, key: Key, *, full: bool = False, count: int | None = None
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Return a dict of facts about a stream, with ``full`` also all about its entries, groups and consumers."""
        if count is None and not full:
            return self._execute(("XINFO", "STREAM", key), XINFO_STREAM)
        command = streams.xinfo_stream(key, full=full, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def xlen(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the number of entries in a stream, 0 if there is no stream."""
        return self._execute(("XLEN", key), XLEN)

    def xrange(
        self, key: Key, start: StreamId = "-", end: StreamId = "+", *, count: int | None = None
    ) -> Coroutine[Any, Any, list[StreamEntry[S]]]:
        """Return the entries of a stream from one id to another, both included; an empty list if there is no stream."""
        if count is None:
            return self._execute(("XRANGE", key, start, end), XRANGE)
        command = streams.xrange(key, start, end, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def xread(
        self,
        streams: MappingOf[Key, StreamId],
        *,
        count: int | None = None,
        maxcount: int | None = None,
        maxsize: int | None = None,
        block: Duration | None = None,
    ) -> Coroutine[Any, Any, dict[S, list[StreamEntry[S]]]]:
        """Return the entries of streams after the ids that ``streams`` has for them, or an empty dict."""
        command = commands.xread(streams, count=count, maxcount=maxcount, maxsize=maxsize, block=block)
        return self._execute(command.args, command.spec, command.parse)

    def xrevrange(
        self, key: Key, end: StreamId = "+", start: StreamId = "-", *, count: int | None = None
    ) -> Coroutine[Any, Any, list[StreamEntry[S]]]:
        """Return the entries of a stream from one id back to another; the ids and ``count`` are those of ``xrange``."""
        if count is None:
            return self._execute(("XREVRANGE", key, end, start), XREVRANGE)
        command = streams.xrevrange(key, end, start, count=count)
        return self._execute(command.args, command.spec, command.parse)

    def xsetid(
        self, key: Key, id: StreamId, *, entriesadded: int | None = None, maxdeletedid: StreamId | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Set the last id that a stream has given, and return True."""
        command = streams.xsetid(key, id, entriesadded=entriesadded, maxdeletedid=maxdeletedid)
        return self._execute(command.args, command.spec, command.parse)

    def xtrim(
        self,
        key: Key,
        *,
        maxlen: int | None = None,
        minid: StreamId | None = None,
        approx: bool = False,
        limit: int | None = None,
        refs: References | None = None,
    ) -> Coroutine[Any, Any, int]:
        """Delete the oldest entries of a stream, and return how many."""
        command = streams.xtrim(key, maxlen=maxlen, minid=minid, approx=approx, limit=limit, refs=refs)
        return self._execute(command.args, command.spec, command.parse)

    def append(self, key: Key, value: Value) -> Coroutine[Any, Any, int]:
        """Append to a string and return its new length in bytes."""
        return self._execute(("APPEND", key, value), APPEND)

    def decr(self, key: Key) -> Coroutine[Any, Any, int]:
        """Subtract one from a number and return the new value."""
        return self._execute(("DECR", key), DECR)

    def decrby(self, key: Key, decrement: int) -> Coroutine[Any, Any, int]:
        """Subtract a whole number from a number and return the new value."""
        return self._execute(("DECRBY", key, decrement), DECRBY)

    def delex(
        self,
        key: Key,
        *,
        ifeq: Value | None = None,
        ifne: Value | None = None,
        ifdeq: str | None = None,
        ifdne: str | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """Delete a key if a condition holds, and return whether it was deleted."""
        command = strings.delex(key, ifeq=ifeq, ifne=ifne, ifdeq=ifdeq, ifdne=ifdne)
        return self._execute(command.args, command.spec, command.parse)

    def delifeq(self, key: Key, value: Value) -> Coroutine[Any, Any, bool]:
        """Delete a key if it holds exactly this value, and return whether it was deleted."""
        return self._execute(("DELIFEQ", key, value), DELIFEQ)

    def digest(self, key: Key) -> Coroutine[Any, Any, str | None]:
        """Return a hash of the value of a key, as 16 hexadecimal digits; None if there is no such key."""
        return self._execute(("DIGEST", key), DIGEST)

    def get(self, key: Key) -> Coroutine[Any, Any, S | None]:
        """Return the value of a key, or None if there is no such key."""
        return self._execute(("GET", key), GET)

    def getdel(self, key: Key) -> Coroutine[Any, Any, S | None]:
        """Return the value of a key and delete the key; None if there is no such key."""
        return self._execute(("GETDEL", key), GETDEL)

    def getex(
        self,
        key: Key,
        *,
        ex: Duration | None = None,
        px: Duration | None = None,
        exat: Moment | None = None,
        pxat: Moment | None = None,
        persist: bool = False,
    ) -> Coroutine[Any, Any, S | None]:
        """Return the value of a key and change when it expires; None if there is no such key."""
        command = strings.getex(key, ex=ex, px=px, exat=exat, pxat=pxat, persist=persist)
        return self._execute(command.args, command.spec, command.parse)

    def getrange(self, key: Key, start: int, end: int) -> Coroutine[Any, Any, S]:
        """Return the bytes from ``start`` to ``end``, both included; negative positions count from the end."""
        return self._execute(("GETRANGE", key, start, end), GETRANGE)

    def getset(self, key: Key, value: Value) -> Coroutine[Any, Any, S | None]:
        """Set a key and return its old value, or None if there was none."""
        return self._execute(("GETSET", key, value), GETSET)

    def incr(self, key: Key) -> Coroutine[Any, Any, int]:
        """Add one to a number and return the new value."""
        return self._execute(("INCR", key), INCR)

    def incrby(self, key: Key, increment: int) -> Coroutine[Any, Any, int]:
        """Add a whole number to a number and return the new value."""
        return self._execute(("INCRBY", key, increment), INCRBY)

    def incrbyfloat(self, key: Key, increment: float) -> Coroutine[Any, Any, float]:
        """Add to a floating point number and return the new value."""
        return self._execute(("INCRBYFLOAT", key, increment), INCRBYFLOAT)

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
    ) -> Coroutine[Any, Any, tuple[int, int]]: ...
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
    ) -> Coroutine[Any, Any, tuple[float, float]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def lcs(self, key1: Key, key2: Key) -> Coroutine[Any, Any, S]: ...
    @overload
    def lcs(self, key1: Key, key2: Key, *, length: Literal[True]) -> Coroutine[Any, Any, int]: ...
    @overload
    def lcs(
        self, key1: Key, key2: Key, *, idx: Literal[True], minmatchlen: int | None = None, withmatchlen: bool = False
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...
    def lcs(
        self,
        key1: Key,
        key2: Key,
        *,
        length: bool = False,
        idx: bool = False,
        minmatchlen: int | None = None,
        withmatchlen: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Return the longest common subsequence of two strings."""
        make: Callable[..., Command[Any]] = strings.lcs
        command = make(key1, key2, length=length, idx=idx, minmatchlen=minmatchlen, withmatchlen=withmatchlen)
        return self._execute(command.args, command.spec, command.parse)

    def mget(self, *keys: Key) -> Coroutine[Any, Any, list[S | None]]:
        """Return the values of several keys, in order."""
        if keys:
            return self._execute(("MGET", *keys), MGET)
        command = strings.mget(*keys)
        return self._execute(command.args, command.spec, command.parse)

    def mset(self, items: MappingOf[Key, Value]) -> Coroutine[Any, Any, bool]:
        """Set several keys at once and return True."""
        command = strings.mset(items)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, bool]:
        """Set several keys at once, all with one expiry, and return whether they were set."""
        command = strings.msetex(items, ex=ex, px=px, exat=exat, pxat=pxat, keepttl=keepttl, nx=nx, xx=xx)
        return self._execute(command.args, command.spec, command.parse)

    def msetnx(self, items: MappingOf[Key, Value]) -> Coroutine[Any, Any, bool]:
        """Set several keys only if none of them exists, and return whether they were set."""
        command = strings.msetnx(items)
        return self._execute(command.args, command.spec, command.parse)

    def psetex(self, key: Key, milliseconds: Duration, value: Value) -> Coroutine[Any, Any, bool]:
        """Set a key that expires after a number of milliseconds and return True."""
        if isinstance(milliseconds, int) and milliseconds > 0:
            return self._execute(("PSETEX", key, milliseconds, value), PSETEX)
        command = strings.psetex(key, milliseconds, value)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def set(
        self,
        key: Key,
        value: Value,
        *,
        ex: Duration | None = None,
        get: Literal[False] = False,
        **options: Unpack[SetOptions],
    ) -> Coroutine[Any, Any, bool]: ...
    @overload
    def set(
        self, key: Key, value: Value, *, ex: Duration | None = None, get: Literal[True], **options: Unpack[SetOptions]
    ) -> Coroutine[Any, Any, S | None]: ...
    def set(
        self, key: Key, value: Value, *, ex: Duration | None = None, get: bool = False, **options: Unpack[SetOptions]
    ) -> Coroutine[Any, Any, Any]:
        """Set a key and return whether it was set; with ``get`` return its old value instead."""
        if ex is None and not get and not options:
            return self._execute(("SET", key, value), SET)
        if isinstance(ex, int) and ex > 0 and not get and not options:
            return self._execute(("SET", key, value, "EX", ex), SET)
        make: Callable[..., Command[Any]] = strings.set
        command = make(key, value, ex=ex, get=get, **options)
        return self._execute(command.args, command.spec, command.parse)

    def setex(self, key: Key, seconds: Duration, value: Value) -> Coroutine[Any, Any, bool]:
        """Set a key that expires after a number of seconds and return True."""
        if isinstance(seconds, int) and seconds > 0:
            return self._execute(("SETEX", key, seconds, value), SETEX)
        command = strings.setex(key, seconds, value)
        return self._execute(command.args, command.spec, command.parse)

    def setnx(self, key: Key, value: Value) -> Coroutine[Any, Any, bool]:
        """Set a key only if it does not exist, and return whether it was set."""
        return self._execute(("SETNX", key, value), SETNX)

    def setrange(self, key: Key, offset: int, value: Value) -> Coroutine[Any, Any, int]:
        """Overwrite a part of a string from a byte offset on, and return the new length in bytes."""
        return self._execute(("SETRANGE", key, offset, value), SETRANGE)

    def strlen(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the length of a string in bytes, 0 if there is no such key."""
        return self._execute(("STRLEN", key), STRLEN)

    def unwatch(self) -> Coroutine[Any, Any, bool]:
        """End every watch of this connection, and return True."""
        command = commands.unwatch()
        return self._execute(command.args, command.spec, command.parse)

    def watch(self, *keys: Key) -> Coroutine[Any, Any, bool]:
        """Watch keys until the next transaction on this connection, and return True."""
        command = commands.watch(*keys)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, bool]:
        """Add an element with its vector, or change its vector, and return whether the element is new."""
        command = commands.vadd(
            key, vector, element, reduce=reduce, cas=cas, quantization=quantization, ef=ef, setattr=setattr, m=m
        )
        return self._execute(command.args, command.spec, command.parse)

    def vcard(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return the number of elements, 0 if there is no vector set."""
        command = commands.vcard(key)
        return self._execute(command.args, command.spec, command.parse)

    def vdim(self, key: Key) -> Coroutine[Any, Any, int]:
        """Return how many numbers the stored vectors have. The server refuses a key that does not exist."""
        command = commands.vdim(key)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def vemb(
        self, key: Key, element: Value, *, raw: Literal[False] = False
    ) -> Coroutine[Any, Any, list[float] | None]: ...
    @overload
    def vemb(self, key: Key, element: Value, *, raw: Literal[True]) -> Coroutine[Any, Any, RawVector | None]: ...
    def vemb(self, key: Key, element: Value, *, raw: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the vector of an element, or None if there is no such element."""
        make: Callable[..., Command[Any]] = commands.vemb
        command = make(key, element, raw=raw)
        return self._execute(command.args, command.spec, command.parse)

    def vgetattr(self, key: Key, element: Value) -> Coroutine[Any, Any, Any]:
        """Return the attributes of an element as a Python value; None if there are none, or no such element."""
        command = commands.vgetattr(key, element)
        return self._execute(command.args, command.spec, command.parse)

    def vinfo(self, key: Key) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Return facts about a vector set, or None if there is none."""
        command = commands.vinfo(key)
        return self._execute(command.args, command.spec, command.parse)

    def vismember(self, key: Key, element: Value) -> Coroutine[Any, Any, bool]:
        """Return whether a vector set has an element; False if there is no vector set. Since Redis 8.2."""
        command = commands.vismember(key, element)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def vlinks(
        self, key: Key, element: Value, *, withscores: Literal[False] = False
    ) -> Coroutine[Any, Any, list[list[S]]]: ...
    @overload
    def vlinks(
        self, key: Key, element: Value, *, withscores: Literal[True]
    ) -> Coroutine[Any, Any, list[list[tuple[S, float]]]]: ...
    def vlinks(self, key: Key, element: Value, *, withscores: bool = False) -> Coroutine[Any, Any, Any]:
        """Return the neighbours of an element in the graph, a list for each layer from the top down."""
        make: Callable[..., Command[Any]] = commands.vlinks
        command = make(key, element, withscores=withscores)
        return self._execute(command.args, command.spec, command.parse)

    @overload
    def vrandmember(self, key: Key, count: None = None) -> Coroutine[Any, Any, S | None]: ...
    @overload
    def vrandmember(self, key: Key, count: int) -> Coroutine[Any, Any, list[S]]: ...
    def vrandmember(self, key: Key, count: int | None = None) -> Coroutine[Any, Any, Any]:
        """Return a random element, or a list of up to ``count`` of them."""
        make: Callable[..., Command[Any]] = commands.vrandmember
        command = make(key, count)
        return self._execute(command.args, command.spec, command.parse)

    def vrem(self, key: Key, element: Value) -> Coroutine[Any, Any, bool]:
        """Remove an element, and return whether there was one."""
        command = commands.vrem(key, element)
        return self._execute(command.args, command.spec, command.parse)

    def vsetattr(self, key: Key, element: Value, attributes: Any) -> Coroutine[Any, Any, bool]:
        """Set the attributes of an element, or remove them with None, and return whether there is such an element."""
        command = commands.vsetattr(key, element, attributes)
        return self._execute(command.args, command.spec, command.parse)

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
    ) -> Coroutine[Any, Any, list[S]]: ...
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
    ) -> Coroutine[Any, Any, list[tuple[S, float]]]: ...
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
    ) -> Coroutine[Any, Any, list[VectorMatch[S]]]: ...
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
    ) -> Coroutine[Any, Any, Any]:
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
        return self._execute(command.args, command.spec, command.parse)
