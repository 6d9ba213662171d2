"""What a node of a ``FakeCluster`` answers to CLUSTER: its view, in the servers' words.

Rule 1: nothing is decided here. What the view says is written down, lies too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from respool._facts.slots import SLOTS, slot_of
from respool.testing._actions import Command
from respool.testing._fake_routing import Flavor
from respool.testing._fake_view import FakeMember, FakeView
from respool.testing._resp import Raw, Value, error, verbatim

#: The port of the cluster bus lies so far above a node's own.
BUS: Final = 10_000
HOST: Final = "127.0.0.1"


def slots(view: FakeView) -> Value:
    """CLUSTER SLOTS: ranges in order, each with its primary and the replicas that have not failed."""
    rows: list[Value] = []
    for first, last, node_id in sorted(view.ranges):
        replicas = [member for member in view.replicas(node_id) if not member.failed]
        nodes = [member for member in (view.member(node_id), *replicas) if member is not None]
        rows.append([first, last, *([node.host, node.port, node.id, node.metadata] for node in nodes)])
    return rows


def shards(view: FakeView, flavor: Flavor) -> Value:
    """CLUSTER SHARDS: each primary with its slots and its replicas."""
    rows: list[Value] = []
    for primary in (member for member in view.members if not member.primary):
        ranges = [edge for first, last, owner in view.ranges if owner == primary.id for edge in (first, last)]
        nodes: list[Value] = [_shard_node(member) for member in (primary, *view.replicas(primary.id))]
        row: dict[str, Value] = {"slots": ranges, "nodes": nodes}
        rows.append(row | {"id": primary.id} if flavor == "valkey" else row)
    return rows


def _shard_node(member: FakeMember) -> Value:
    hostname: dict[str, Value] = {key: text for key, text in member.metadata.items() if key == "hostname"}
    zone: dict[str, Value] = {key: text for key, text in member.metadata.items() if key == "availability-zone"}
    node: dict[str, Value] = {
        "id": member.id,
        "port": member.port,
        "ip": member.metadata.get("ip", member.host or HOST),
        "endpoint": member.host or "",
    }
    role = "replica" if member.primary else "master"
    health = "failed" if member.failed else "online"
    return node | hostname | {"role": role, "replication-offset": 0, "health": health} | zone


def nodes(view: FakeView, me: str) -> str:
    """CLUSTER NODES: a line for each member."""
    lines = []
    for member in view.members:
        flags = ["myself"] * (member.id == me) + ["slave" if member.primary else "master"] + ["fail"] * member.failed
        ranges = [f"{first}-{last}" for first, last, owner in view.ranges if owner == member.id]
        if member.id == me:
            owned = {slot: target for slot, target in view.leaving.items() if view.owner(slot) == member}
            ranges += [f"[{slot}->-{target}]" for slot, target in owned.items()]
            coming = [slot for slot, target in view.leaving.items() if target == me]
            ranges += [f"[{slot}-<-{owner.id}]" for slot in coming if (owner := view.owner(slot))]
        address = f"{member.metadata.get('ip', member.host or HOST)}:{member.port}@{member.port + BUS}"
        link = "disconnected" if member.failed else "connected"
        words = [member.id, address, ",".join(flags), member.primary or "-", "0", "0", str(view.epoch), link, *ranges]
        lines.append(" ".join(words) + "\n")
    return "".join(lines)


def info(view: FakeView) -> str:
    """CLUSTER INFO."""
    served = sum(view.owner(slot) is not None for slot in range(SLOTS))
    facts = {
        "cluster_state": view.state,
        "cluster_slots_assigned": served,
        "cluster_slots_ok": served,
        "cluster_slots_pfail": 0,
        "cluster_slots_fail": 0,
        "cluster_known_nodes": len(view.members),
        "cluster_size": len({owner for _, _, owner in view.ranges}),
        "cluster_current_epoch": view.epoch,
        "cluster_my_epoch": view.epoch,
    }
    return "".join(f"{name}:{value}\r\n" for name, value in facts.items())


def reply(
    command: Command, view: FakeView, me: str, flavor: Flavor, protocol: int, keys: Callable[[int], int]
) -> Value:
    """Return the reply to CLUSTER; ``keys(slot)`` is how many keys of a slot the node has."""
    if len(command) < 2:
        return error("ERR wrong number of arguments for 'cluster' command")
    match command[1].upper(), *command[2:]:
        case [b"SLOTS"]:
            return slots(view)
        case [b"SHARDS"]:
            return shards(view, flavor)
        case [b"NODES"]:
            return verbatim(nodes(view, me), protocol)
        case [b"INFO"]:
            return verbatim(info(view), protocol)
        case [b"MYID"]:
            return me
        case [b"KEYSLOT", key]:
            return slot_of(key)
        case [b"COUNTKEYSINSLOT", slot]:
            return keys(int(slot))
    word = command[1].decode(errors="backslashreplace")
    return Raw(f"-ERR unknown subcommand '{word}'. Try CLUSTER HELP.\r\n".encode())
