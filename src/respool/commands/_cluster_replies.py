"""Parsers of the replies about clusters; the rules are those of ``_parsers``."""

from __future__ import annotations

from typing import Any

from respool._facts.server_records import (
    ClusterLink,
    ClusterNode,
    ClusterShard,
    ShardNode,
    SlotMigration,
    SlotNode,
    SlotRange,
)
from respool.commands._parsers import as_map, as_pairs, plain


def as_epoch(reply: Any) -> int:
    """Return the epoch in ``BUMPED 3`` or ``STILL 3``."""
    return int(plain(reply).split()[1])


def as_cluster_info(reply: Any) -> dict[str, Any]:
    """Parse the lines of CLUSTER INFO: ``cluster_size:3``."""
    fields = (line.partition(":") for line in plain(reply).splitlines())
    return {name: int(value) if value.isdecimal() else value for name, _, value in fields}


def as_cluster_node(line: str) -> ClusterNode:
    """Parse one line about a node: ``<id> 10.0.0.1:6379@16379,name master - 0 0 1 connected 0-5460 [93->-<id>]``."""
    node_id, address, flags, primary, ping_sent, pong_received, epoch, state, *slots = line.split()
    address, _, details = address.partition(",")
    ip, _, ports = address.rpartition(":")
    port, _, bus = ports.partition("@")
    moving = [each.strip("[]").partition("->-" if "->-" in each else "-<-") for each in slots if each[0] == "["]
    return ClusterNode(
        id=node_id,
        ip=ip,
        port=int(port),
        cluster_bus_port=int(bus),
        hostname=details.partition(",")[0] or None,
        flags=flags.split(","),
        primary=None if primary == "-" else primary,
        ping_sent=int(ping_sent),
        pong_received=int(pong_received),
        config_epoch=int(epoch),
        link_state=state,
        slots=[_slot_range(each) for each in slots if each[0] != "["],
        importing={int(slot): other for slot, arrow, other in moving if arrow == "-<-"},
        migrating={int(slot): other for slot, arrow, other in moving if arrow == "->-"},
    )


def as_cluster_nodes(reply: Any) -> list[ClusterNode]:
    """Parse the lines about many nodes, whether they arrive as one text or as a list."""
    lines = plain(reply)
    return [as_cluster_node(line) for line in (lines if isinstance(lines, list) else lines.splitlines())]


def as_cluster_slots(reply: Any) -> list[SlotRange]:
    """Return the ranges of slots with their nodes."""
    return [SlotRange(start, end, [_slot_node(*node) for node in nodes]) for start, end, *nodes in plain(reply)]


def as_cluster_shards(reply: Any) -> list[ClusterShard]:
    """Return the shards with their nodes."""
    return [
        ClusterShard(shard.get("id"), as_pairs(shard["slots"]), [_shard_node(as_map(node)) for node in shard["nodes"]])
        for shard in map(as_map, plain(reply))
    ]


def as_cluster_links(reply: Any) -> list[ClusterLink]:
    """Return the connections between nodes."""
    return [
        ClusterLink(
            direction=link["direction"],
            node=link["node"],
            create_time=link["create-time"],
            events=link["events"],
            send_buffer_allocated=link["send-buffer-allocated"],
            send_buffer_used=link["send-buffer-used"],
        )
        for link in map(as_map, plain(reply))
    ]


def as_slot_stats(reply: Any) -> dict[int, dict[str, int]]:
    """Return what was counted, by slot."""
    return {slot: {plain(name): count for name, count in as_map(counts).items()} for slot, counts in reply}


def as_slot_migrations(reply: Any) -> list[SlotMigration]:
    """Return the migrations of slots."""
    return [
        SlotMigration(
            name=job["name"],
            operation=job["operation"],
            slots=[_slot_range(each) for each in job["slot_ranges"].split()],
            target_node=job["target_node"],
            source_node=job["source_node"],
            create_time=job["create_time"],
            last_update_time=job["last_update_time"],
            last_ack_time=job["last_ack_time"],
            state=job["state"],
            message=job["message"],
            cow_size=job["cow_size"],
            remaining_repl_size=job["remaining_repl_size"],
        )
        for job in map(as_map, plain(reply))
    ]


def as_page_of_slots(reply: Any) -> tuple[str, list[Any]]:
    """Return one page of a scan of slots: the next cursor, which is a text, and the elements."""
    cursor, elements = reply
    return plain(cursor), elements


def _slot_range(text: str) -> tuple[int, int]:
    """Return the first and last slot in ``0-5460`` or in ``7``."""
    start, _, end = text.partition("-")
    return int(start), int(end or start)


def _slot_node(endpoint: str | None, port: int, node_id: str, metadata: Any = ()) -> SlotNode:
    return SlotNode(endpoint, port, node_id, as_map(metadata))


def _shard_node(node: dict[str, Any]) -> ShardNode:
    return ShardNode(
        id=node["id"],
        endpoint=node["endpoint"],
        ip=node["ip"],
        hostname=node.get("hostname") or None,
        port=node.get("port"),
        tls_port=node.get("tls-port"),
        role=node["role"],
        replication_offset=node["replication-offset"],
        health=node["health"],
        availability_zone=node.get("availability-zone") or None,
    )
