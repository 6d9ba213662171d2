"""Parsers, which turn replies into the values that callers get.

Rule 1: a parser accepts what RESP2 and RESP3 send, both bytes and str; it never sees an error reply.
Rule 2: words of the *server* (a type's name, the state of a client) are always str; data that users stored
        keeps the type that their pool's encoding gives it.
Rule 3: where a builtin does the job, it is the parser: ``bool`` for OK or null and for 1 or 0, ``float``.
"""

from __future__ import annotations

from typing import Any

from respool._facts.records import (
    Claimed,
    ClaimedIds,
    ClusterLink,
    ClusterNode,
    ClusterShard,
    DeliveredEntry,
    GeoMatch,
    Pending,
    PendingSummary,
    ShardNode,
    SlotMigration,
    SlotNode,
    SlotRange,
    StreamEntry,
)


def as_text(reply: Any) -> str | None:
    """Return a word of the server as str."""
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply


def as_texts(reply: Any) -> list[str | None]:
    """Return a list of words of the server as str."""
    return [as_text(each) for each in reply]


def as_tuple(reply: Any) -> tuple[Any, ...] | None:
    """Return a reply of fixed length as a tuple, or None."""
    return None if reply is None else tuple(reply)


def as_list(reply: Any) -> list[Any]:
    """Return a list; None becomes an empty one."""
    return [] if reply is None else list(reply)


def as_map(reply: Any) -> dict[Any, Any]:
    """Return a map of fields to values as a dict."""
    return reply if type(reply) is dict else dict(zip(reply[::2], reply[1::2], strict=True))


def as_pairs(reply: Any) -> list[tuple[Any, Any]]:
    """Return pairs as tuples, whether they arrive as lists or one after the other; None becomes an empty list."""
    if not reply:
        return []
    if isinstance(reply[0], list):
        return [(first, second) for first, second in reply]
    return list(zip(reply[::2], reply[1::2], strict=True))


def as_set(reply: Any) -> set[Any]:
    """Return a set; None becomes an empty one."""
    return set() if reply is None else set(reply)


def as_floats(reply: Any) -> tuple[float, ...]:
    """Return numbers of fixed count, which may be text, as a tuple of float."""
    return tuple(map(float, reply))


def as_moved(reply: Any) -> bool:
    """Tell whether MIGRATE answered OK, and not NOKEY."""
    return as_text(reply) != "NOKEY"


def as_bools(reply: Any) -> list[bool]:
    """Return a list of answers, each 1 or 0, or true or false, as a list of bool."""
    return [bool(each) for each in reply]


def as_bools_or_none(reply: Any) -> list[bool | None]:
    """Return a list of answers, of which some are None."""
    return [None if each is None else bool(each) for each in reply]


def as_answers(reply: Any) -> list[bool]:
    """Return a list of answers. Raises the error that may stand in place of one."""
    for each in reply:
        if isinstance(each, Exception):
            raise each
    return as_bools(reply)


def as_only_fact(reply: Any) -> Any:
    """Return the value of the one fact in a map, or the one item of a list."""
    (value,) = reply.values() if isinstance(reply, dict) else reply
    return value


def as_lists_of_words(reply: Any) -> list[list[str] | None]:
    """Return lists of words as str; None stays None."""
    return [None if words is None else [_plain(word) for word in words] for words in reply]


def as_words_of_matches(reply: Any) -> list[str]:
    """Return a list of words, which RESP3 sends in a list of one; no list, or None in it, becomes an empty one."""
    words = reply[0] if reply and (reply[0] is None or isinstance(reply[0], list)) else reply
    return [] if words is None else [_plain(word) for word in words]


def as_facts(reply: Any) -> dict[str, Any]:
    """Return a map from the server as a dict; its words become str at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {_plain(key): _plain(value) for key, value in pairs}


def as_libraries(reply: Any) -> list[dict[str, Any]]:
    """Return the reply to FUNCTION LIST as dicts; the functions in them are dicts themselves."""
    libraries = [as_facts(library) for library in reply]
    for library in libraries:
        library["functions"] = [as_facts(function) for function in library["functions"]]
    return libraries


def as_function_stats(reply: Any) -> dict[str, Any]:
    """Return the reply to FUNCTION STATS as a dict; what runs and the engines are dicts themselves."""
    stats = as_facts(reply)
    if stats["running_script"] is not None:
        stats["running_script"] = as_facts(stats["running_script"])
    stats["engines"] = {name: as_facts(engine) for name, engine in as_facts(stats["engines"]).items()}
    return stats
def as_facts_or_none(reply: Any) -> dict[str, Any] | None:
    """Return a map from the server as a dict, or None."""
    return None if reply is None else as_facts(reply)


def as_greeting(reply: Any) -> dict[str, Any]:
    """Return the reply to HELLO as a dict; its modules are dicts themselves."""
    greeting = as_facts(reply)
    greeting["modules"] = [as_facts(module) for module in greeting.get("modules", ())]
    return greeting


def as_page(reply: Any) -> tuple[int, list[Any]]:
    """Return one page of a scan: the next cursor and the elements."""
    cursor, elements = reply
    return int(cursor), elements


def as_page_of_pairs(reply: Any) -> tuple[int, dict[Any, Any]]:
    """Return one page of a scan of a hash: the next cursor, and fields with their values."""
    cursor, elements = reply
    return int(cursor), as_map(elements)


def as_page_of_scores(reply: Any) -> tuple[int, list[tuple[Any, float]]]:
    """Return one page of a scan of a sorted set: the next cursor, and members with their scores.

    A page is a flat list, and its scores are text, in RESP3 too.
    """
    cursor, elements = reply
    return int(cursor), list(zip(elements[::2], map(float, elements[1::2]), strict=True))


def as_entry(reply: Any) -> StreamEntry[Any] | None:
    """Return one entry of a stream, or None."""
    return None if reply is None else as_entries([reply])[0]


def as_entries(reply: Any) -> list[StreamEntry[Any]]:
    """Return entries of a stream; None becomes an empty list. An entry that was deleted has no fields."""
    if not reply:
        return []
    make = tuple.__new__  # StreamEntry(...) takes a seventh longer
    # ``zip`` takes a field and then its value from the one iterator that it gets twice.
    if isinstance(reply[0][0], str):
        return [
            make(StreamEntry, (id, dict(zip(each, each, strict=True))))
            for id, fields in reply
            for each in [iter(fields or ())]
        ]
    return [
        make(StreamEntry, (id.decode(), dict(zip(each, each, strict=True))))
        for id, fields in reply
        for each in [iter(fields or ())]
    ]


def as_streams(reply: Any) -> dict[Any, list[StreamEntry[Any]]]:
    """Return a map of streams to their entries; None becomes an empty one."""
    return {key: as_entries(entries) for key, entries in _pairs(reply)}


def as_delivered(reply: Any) -> dict[Any, list[DeliveredEntry[Any]]]:
    """Return a map of streams to entries with their earlier deliveries; None becomes an empty one."""
    return {key: [_delivered(*entry) for entry in entries] for key, entries in _pairs(reply)}


def as_claimed_entries(reply: Any) -> list[StreamEntry[Any]]:
    """Return entries that were claimed; servers before Redis 7.0 send None for one that was deleted."""
    return as_entries([entry for entry in reply if entry is not None])


def as_claimed(reply: Any) -> Claimed[Any]:
    """Return where to go on, entries, and the ids of deleted entries, which Redis 6.2 does not send."""
    return Claimed(_plain(reply[0]), as_claimed_entries(reply[1]), _plain(reply[2]) if len(reply) > 2 else [])


def as_claimed_ids(reply: Any) -> ClaimedIds:
    """Return where to go on, and ids in place of the entries."""
    start, ids, *deleted = _plain(reply)
    return ClaimedIds(start, ids, deleted[0] if deleted else [])


def as_pending(reply: Any) -> list[Pending[Any]]:
    """Return the entries that nobody has acknowledged."""
    return [Pending(_plain(id), consumer, idle, deliveries) for id, consumer, idle, deliveries in reply]


def as_pending_summary(reply: Any) -> PendingSummary[Any]:
    """Return how much is pending. The count of each consumer is text, and an empty group has None for all of them."""
    count, first, last, consumers = reply
    return PendingSummary(count, _plain(first), _plain(last), {name: int(each) for name, each in consumers or ()})


def as_stream(reply: Any) -> dict[str, Any]:
    """Return the facts about a stream, a group or a consumer, and about what it has, as dicts at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {name: _fact_of_stream(name, value) for name, value in ((_plain(key), value) for key, value in pairs)}


def as_streams_parts(reply: Any) -> list[dict[str, Any]]:
    """Return the facts about the groups of a stream, or about the consumers of a group."""
    return [as_stream(part) for part in reply]


def as_score(reply: Any) -> float | None:
    """Return a score, or None."""
    return None if reply is None else float(reply)


def as_scores(reply: Any) -> list[float | None]:
    """Return a list of scores, with None for members that do not exist."""
    return [None if score is None else float(score) for score in reply]


def as_scored(reply: Any) -> list[tuple[Any, float]]:
    """Return members with their scores, whether they arrive as lists or one after the other."""
    if not reply:
        return []
    if type(reply[0]) is not list:
        return list(zip(reply[::2], map(float, reply[1::2]), strict=True))
    if type(reply[0][1]) is float:
        return list(map(tuple, reply))
    return [(member, float(score)) for member, score in reply]


def as_popped(reply: Any) -> tuple[Any, float] | None:
    """Return one member with its score, or None if there was none."""
    return (reply[0], float(reply[1])) if reply else None


def as_popped_from(reply: Any) -> tuple[Any, Any, float] | None:
    """Return a key, a member of it and the score, or None."""
    return None if reply is None else (reply[0], reply[1], float(reply[2]))


def as_popped_many(reply: Any) -> tuple[Any, list[tuple[Any, float]]] | None:
    """Return a key, and members of it with their scores, or None."""
    return None if reply is None else (reply[0], as_scored(reply[1]))


def as_rank(reply: Any) -> tuple[int, float] | None:
    """Return a rank and a score, or None."""
    return None if reply is None else (reply[0], float(reply[1]))


def as_number(reply: Any) -> float | None:
    """Return a number, or None."""
    return None if reply is None else float(reply)


def as_positions(reply: Any) -> list[tuple[float, float] | None]:
    """Return positions as tuples of floats, with None for members that do not exist."""
    return [None if pair is None else (float(pair[0]), float(pair[1])) for pair in reply]


def as_matches(reply: Any) -> list[GeoMatch[Any]]:
    """Return what a geo search found. Parts are told by their types: a distance is text, a hash a whole number."""
    return [_match(*found) for found in reply]


def _match(member: Any, *parts: Any) -> GeoMatch[Any]:
    distance = hash_ = position = None
    for part in parts:
        if isinstance(part, list):
            position = (float(part[0]), float(part[1]))
        elif isinstance(part, int):
            hash_ = part
        else:
            distance = float(part)
    return GeoMatch(member, distance, hash_, position)


def as_client(reply: Any) -> dict[str, str]:
    """Parse one line about a client: ``id=3 addr=127.0.0.1:40000 name= ...``."""
    fields = (field.partition("=") for field in _plain(reply).split())
    return {name: value for name, _, value in fields}


def as_clients(reply: Any) -> list[dict[str, str]]:
    """Parse the lines about many clients."""
    return [as_client(line) for line in _plain(reply).splitlines()]


def _pairs(reply: Any) -> Any:
    """Return the items of a map, which RESP2 sends as a list of pairs; None has no items."""
    return reply.items() if isinstance(reply, dict) else reply or ()


def _delivered(id: Any, fields: Any, idle: Any = 0, deliveries: Any = 0) -> DeliveredEntry[Any]:
    """Return an entry with its earlier deliveries, whose numbers the first servers sent as text."""
    return DeliveredEntry(_plain(id), as_map(fields or []), int(idle), int(deliveries))


def _fact_of_stream(name: str, value: Any) -> Any:
    match name:
        case "name":
            return value  # of a group or a consumer: users chose it
        case "first-entry" | "last-entry":
            return as_entry(value)
        case "entries":
            return as_entries(value)
        case ("groups" | "consumers") if isinstance(value, list):
            return as_streams_parts(value)
        case "pending" if isinstance(value, list):
            return [(_plain(id), *rest) for id, *rest in value]
    return _plain(value)


def as_epoch(reply: Any) -> int:
    """Return the epoch in ``BUMPED 3`` or ``STILL 3``."""
    return int(_plain(reply).split()[1])


def as_cluster_info(reply: Any) -> dict[str, Any]:
    """Parse the lines of CLUSTER INFO: ``cluster_size:3``."""
    fields = (line.partition(":") for line in _plain(reply).splitlines())
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
    plain = _plain(reply)
    return [as_cluster_node(line) for line in (plain if isinstance(plain, list) else plain.splitlines())]


def as_cluster_slots(reply: Any) -> list[SlotRange]:
    """Return the ranges of slots with their nodes."""
    return [SlotRange(start, end, [_slot_node(*node) for node in nodes]) for start, end, *nodes in _plain(reply)]


def as_cluster_shards(reply: Any) -> list[ClusterShard]:
    """Return the shards with their nodes."""
    return [
        ClusterShard(shard.get("id"), as_pairs(shard["slots"]), [_shard_node(as_map(node)) for node in shard["nodes"]])
        for shard in map(as_map, _plain(reply))
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
        for link in map(as_map, _plain(reply))
    ]


def as_slot_stats(reply: Any) -> dict[int, dict[str, int]]:
    """Return what was counted, by slot."""
    return {slot: {_plain(name): count for name, count in as_map(counts).items()} for slot, counts in reply}


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
        for job in map(as_map, _plain(reply))
    ]


def as_page_of_slots(reply: Any) -> tuple[str, list[Any]]:
    """Return one page of a scan of slots: the next cursor, which is a text, and the elements."""
    cursor, elements = reply
    return _plain(cursor), elements


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


def _plain(value: Any) -> Any:
    """Turn bytes into str, in lists and maps too."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
