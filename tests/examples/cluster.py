"""Examples of commands on clusters.

They are sent to node A of a cluster of two; A has all slots but the last, which B has. Examples for a bare connection
are sent to a new node that knows B only. (See ``tests/clusters.py``.)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from examples import ALL, BARE, Refused, Row, call, is_count

A = "a" * 40
B = "b" * 40
C = "c" * 40
KEYS = "SET {a}1 x;SET {a}2 x"  # their slot is 15495
NEW = "valkey, redis 8.2"


def is_node_id(reply: Any) -> bool:
    return type(reply) is str and len(reply) == 40


def is_info(reply: Any) -> bool:
    return type(reply) is dict and reply["cluster_state"] == "ok" and reply["cluster_size"] == 2


def is_both_nodes(reply: Any) -> bool:
    a, b = sorted(reply)
    return (
        (a.id, a.ip, a.hostname, a.flags, a.primary) == (A, "127.0.0.1", None, ["myself", "master"], None)
        and a.slots == [(0, 4), (6, 16382)]
        and (a.importing, a.migrating) == ({}, {6: B})
        and (b.id, b.hostname, b.flags, b.slots, b.link_state) == (B, "host-b", ["master"], [(16383, 16383)], "connected")
        and (b.importing, b.migrating) == ({}, {})
        and all(node.cluster_bus_port == node.port + 10000 for node in reply)
        and all(is_count(each) for each in (b.ping_sent, b.pong_received, b.config_epoch))
    )


def is_importing(reply: Any) -> bool:
    return [(node.importing, node.migrating) for node in sorted(reply)] == [({16383: B}, {}), ({}, {})]


def is_both_ranges(reply: Any) -> bool:
    one, other = sorted(reply)
    (a,), (b,) = one.nodes, other.nodes
    return (
        (one.start, one.end, other.start, other.end) == (0, 16382, 16383, 16383)
        and (a.endpoint, a.id, a.metadata) == ("127.0.0.1", A, {})
        and (b.endpoint, b.id, b.metadata) == ("127.0.0.1", B, {"hostname": "host-b"})
        and is_count(a.port)
    )


def is_both_shards(reply: Any) -> bool:
    one, other = sorted(reply, key=lambda shard: shard.slots)
    (a,), (b,) = one.nodes, other.nodes
    return (
        (one.slots, other.slots) == ([(0, 4), (6, 16382)], [(16383, 16383)])
        and (a.id, a.endpoint, a.ip, a.hostname) == (A, "127.0.0.1", "127.0.0.1", None)
        and (b.id, b.endpoint, b.ip, b.hostname) == (B, "127.0.0.1", "127.0.0.1", "host-b")
        and all((node.role, node.health, node.tls_port) == ("master", "online", None) for node in (a, b))
        and all((is_count(node.port), is_count(node.replication_offset)) == (True, True) for node in (a, b))
    )


def is_links(reply: Any) -> bool:
    return len(reply) > 0 and all(
        link.direction in {"to", "from"}
        and link.node == B
        and type(link.events) is str
        and all(map(is_count, (link.create_time, link.send_buffer_allocated, link.send_buffer_used)))
        for link in reply
    )


def is_migrations(reply: Any) -> bool:
    job = reply[0]
    return (
        (job.operation, job.slots, job.target_node, job.source_node) == ("EXPORT", [(6, 6), (8, 9)], B, A)
        and is_node_id(job.name)
        and type(job.state) is type(job.message) is str
        and all(map(is_count, (job.create_time, job.last_update_time, job.last_ack_time, job.cow_size)))
        and is_count(job.remaining_repl_size)
    )


def is_stats(reply: Any) -> bool:
    return list(reply) == [4, 5, 6] and all(
        counts["key-count"] == 0 and all(map(is_count, counts.values())) for counts in reply.values()
    )


def is_largest(reply: Any) -> bool:
    return list(reply) == [15495, 0] and reply[15495]["key-count"] == 2


def is_smallest(reply: Any) -> bool:
    return list(reply) == [0] and reply[0]["key-count"] == 0


def is_used(reply: Any) -> bool:
    return len(reply) == 9 and all(map(is_count, next(iter(reply.values())).values()))


def is_first_page(reply: Any) -> bool:
    cursor, keys = reply
    return type(cursor) is str and cursor.startswith("0-{") and keys == []


EXAMPLES: list[Row] = [
    (call("cluster_addslots", 5, 7), True, "CLUSTER DELSLOTS 5 7"),
    (call("cluster_addslotsrange", (5, 7), (9, 9)), True, "CLUSTER DELSLOTS 5 6 7 9"),
    (call("cluster_bumpepoch"), is_count),
    (call("cluster_cancelslotmigrations"), True, f"CLUSTER MIGRATESLOTS SLOTSRANGE 6 6 NODE {B}", "valkey"),
    (call("cluster_count_failure_reports", B), 0),
    (call("cluster_countkeysinslot", 15495), 2, KEYS),
    (call("cluster_countkeysinslot", 0), 0, KEYS),
    (call("cluster_delslots", 5, 7), True),
    (call("cluster_delslotsrange", (5, 7), (9, 9)), True),
    (call("cluster_failover"), True, f"CLUSTER REPLICATE {B}", ALL, BARE),
    (call("cluster_failover", "FORCE"), True, f"CLUSTER REPLICATE {B}", ALL, BARE),
    (call("cluster_failover", "TAKEOVER"), True, f"CLUSTER REPLICATE {B}", ALL, BARE),
    (call("cluster_flushslot", 15495), True, KEYS, "valkey"),
    (call("cluster_flushslot", 15495, "SYNC"), True, KEYS, "valkey"),
    (call("cluster_flushslot", 15495, "ASYNC"), True, KEYS, "valkey"),
    (call("cluster_flushslots"), True),
    (call("cluster_forget", B), True, "", ALL, BARE),
    (call("cluster_getkeysinslot", 15495, 9), [b"{a}1"], "SET {a}1 x"),
    (call("cluster_getkeysinslot", 15495, 0), [], KEYS),
    (call("cluster_getslotmigrations"), is_migrations, f"CLUSTER MIGRATESLOTS SLOTSRANGE 6 6 8 9 NODE {B}", "valkey"),
    (call("cluster_info"), is_info),
    (call("cluster_keyslot", "{a}1"), 15495),
    (call("cluster_links"), is_links),
    (call("cluster_meet", "127.0.0.1", 1), True, "", ALL, BARE),
    (call("cluster_meet", "127.0.0.1", 1, 2), True, "", ALL, BARE),
    (call("cluster_migrateslots", {B: [(6, 6), (8, 9)]}), True, "", "valkey"),
    (call("cluster_myid"), A),
    (call("cluster_myshardid"), is_node_id),
    (call("cluster_nodes"), is_both_nodes, f"CLUSTER DELSLOTS 5;CLUSTER SETSLOT 6 MIGRATING {B}"),
    (call("cluster_nodes"), is_importing, f"CLUSTER SETSLOT 16383 IMPORTING {B}"),
    (call("cluster_replicas", B), []),
    (call("cluster_replicate", B), True, "", ALL, BARE),
    (call("cluster_replicate", no_one=True), True, f"CLUSTER REPLICATE {B}", "valkey", BARE),
    (call("cluster_reset"), True, "", ALL, BARE),
    (call("cluster_reset", "HARD"), True, "", ALL, BARE),
    (call("cluster_reset", "SOFT"), True, "", ALL, BARE),
    (call("cluster_saveconfig"), True),
    (call("cluster_set_config_epoch", 5), True, f"CLUSTER FORGET {B}", ALL, BARE),
    (call("cluster_setslot", 16383, importing=B), True),
    (call("cluster_setslot", 6, migrating=B), True),
    (call("cluster_setslot", 5, node=A), True, "CLUSTER DELSLOTS 5"),
    (call("cluster_setslot", 6, stable=True), True, f"CLUSTER SETSLOT 6 MIGRATING {B}"),
    (call("cluster_setslot", 6, migrating=B, timeout=timedelta(seconds=1)), True, "", "valkey"),
    (call("cluster_shards"), is_both_shards, "CLUSTER DELSLOTS 5"),
    (call("cluster_slot_stats", (4, 6)), is_stats, "", NEW),
    (call("cluster_slot_stats", orderby="KEY-COUNT", limit=2, order="DESC"), is_largest, KEYS, NEW),
    (call("cluster_slot_stats", orderby="KEY-COUNT", limit=1, order="ASC"), is_smallest, KEYS, NEW),
    (call("cluster_slot_stats", orderby="CPU-USEC", limit=9), is_used, "", NEW),
    (call("cluster_slots"), is_both_ranges),
    (call("clusterscan"), is_first_page, KEYS),
    (call("clusterscan", "0-{a}-0", slot=15495), ("0", [b"{a}1"]), "SET {a}1 x"),
    (call("clusterscan", "0-{a}-0", match="*2", count=100, type="string", slot=15495), ("0", [b"{a}2"]), KEYS),
]
REFUSED: list[Refused] = [
    (call("cluster_addslots"), "CLUSTER ADDSLOTS needs at least one slot"),
    (call("cluster_addslots", 0, 16384), "a slot must be 0 to 16383, not 16384"),
    (call("cluster_addslotsrange"), "CLUSTER ADDSLOTSRANGE needs at least one range"),
    (call("cluster_addslotsrange", (0, 5), (-1, 5)), "the start of a range must be 0 to 16383, not -1"),
    (call("cluster_addslotsrange", (0, 16384)), "the end of a range must be 0 to 16383, not 16384"),
    (call("cluster_addslotsrange", (6, 5)), r"a range must not end before it starts, as \(6, 5\) does"),
    (call("cluster_countkeysinslot", -1), "slot must be 0 to 16383, not -1"),
    (call("cluster_delslots"), "CLUSTER DELSLOTS needs at least one slot"),
    (call("cluster_delslots", -1), "a slot must be 0 to 16383, not -1"),
    (call("cluster_delslotsrange"), "CLUSTER DELSLOTSRANGE needs at least one range"),
    (call("cluster_flushslot", 16384), "slot must be 0 to 16383, not 16384"),
    (call("cluster_getkeysinslot", 16384, 1), "slot must be 0 to 16383, not 16384"),
    (call("cluster_getkeysinslot", 0, -1), "count must be 0 or more, not -1"),
    (call("cluster_migrateslots", {}), "CLUSTER MIGRATESLOTS needs at least one node"),
    (call("cluster_migrateslots", {B: []}), "CLUSTER MIGRATESLOTS needs at least one range"),
    (call("cluster_set_config_epoch", -1), "config_epoch must be 0 or more, not -1"),
    (call("cluster_setslot", 5), "CLUSTER SETSLOT needs importing, migrating, node or stable"),
    (call("cluster_setslot", 5, importing=B, stable=True), "importing and stable exclude each other"),
    (call("cluster_setslot", 5, stable=True, timeout=-1), "timeout must be 0 or more, not -1"),
    (call("cluster_setslot", 16384, stable=True), "slot must be 0 to 16383, not 16384"),
    (call("cluster_slot_stats", (0, 16384)), "the end of a range must be 0 to 16383, not 16384"),
    (call("cluster_slot_stats", orderby="KEY-COUNT", limit=0), "limit must be 1 or more, not 0"),
    (call("clusterscan", count=0), "count must be 1 or more, not 0"),
    (call("clusterscan", slot=16384), "slot must be 0 to 16383, not 16384"),
]
MISTYPED: list[Refused] = [
    (call("cluster_addslots", [1, 2]), r"a slot must be a whole number, not \[1, 2\]"),
    (call("cluster_addslotsrange", 0, 5), r"CLUSTER ADDSLOTSRANGE takes ranges of slots as tuples \(start, end\)"),
    (call("cluster_addslotsrange", [(0, 5)]), r"CLUSTER ADDSLOTSRANGE takes ranges of slots as tuples \(start, end\)"),
    (call("cluster_addslotsrange", (0, "5")), "the end of a range must be a whole number, not '5'"),
    (call("cluster_countkeysinslot", "5"), "slot must be a whole number, not '5'"),
    (call("cluster_meet", "127.0.0.1", "1"), "port must be a whole number, not '1'"),
    (call("cluster_migrateslots", [(0, 5)]), "CLUSTER MIGRATESLOTS takes a mapping of ids of nodes to lists of ranges"),
    (call("cluster_migrateslots", {B: (0, 5)}), "CLUSTER MIGRATESLOTS takes ranges of slots as tuples"),
    (call("cluster_migrateslots", {B: 5}), "CLUSTER MIGRATESLOTS takes ranges of slots as tuples"),
    (call("cluster_replicate"), "CLUSTER REPLICATE takes either the id of a node or no_one=True"),
    (call("cluster_replicate", B, no_one=True), "CLUSTER REPLICATE takes either the id of a node or no_one=True"),
    (call("cluster_slot_stats"), "CLUSTER SLOT-STATS takes either a range of slots or orderby="),
    (call("cluster_slot_stats", (0, 5), orderby="KEY-COUNT"), "CLUSTER SLOT-STATS takes either a range of slots or"),
]
