"""What one node of a cluster knows about all nodes, read from its answer to CLUSTER NODES.

Rule 1: this file knows the text of CLUSTER NODES; nobody else reads it.
Rule 2: two nodes agree if their views are equal. What only one node can know (which node it is, its links, slots that
        it is giving away) is kept apart.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """What a node knows about a node: its id, its flags, its primary (``"-"`` for none), epoch and ranges of slots.

    The epoch decides which of two nodes owns a slot that both claim. A node that does not know it yet may believe a
    claim from before, so nodes agree only when they know each other's epochs. It is 0 for replicas and failed nodes.
    """

    id: str
    flags: frozenset[str]
    primary: str
    epoch: int
    slots: tuple[tuple[int, int], ...]

    @property
    def is_primary(self) -> bool:
        return "master" in self.flags

    @property
    def has_failed(self) -> bool:
        return "fail" in self.flags

    @property
    def is_in_doubt(self) -> bool:
        return not self.flags.isdisjoint({"fail?", "handshake", "noaddr"})

    def owns(self, slot: int) -> bool:
        return any(first <= slot <= last for first, last in self.slots)


class View(NamedTuple):
    """The nodes by their ids; the ids of those without a connection; and the slots being given away, to which ids."""

    nodes: dict[str, Known]
    unlinked: frozenset[str]
    leaving: dict[int, str]


def read_view(answer: bytes) -> View:
    """Read the reply to CLUSTER NODES.

    A line: ``id ip:port@bus[,hostname] flags primary ping pong epoch link-state [first-last | slot | [slot->-id]]...``
    """
    nodes, unlinked, leaving = {}, set(), {}
    for line in answer.decode().splitlines():
        node_id, _, flags, primary, _, _, epoch, link, *slots = line.split(" ")
        ranges = []
        for text in slots:
            if text.startswith("["):
                slot, arrow, other = text[1:-1].partition("->-")
                if arrow:
                    leaving[int(slot)] = other
            else:
                first, _, last = text.partition("-")
                ranges.append((int(first), int(last or first)))
        known = frozenset(flags.split(",")) - {"myself"}
        claims = int(epoch) if "master" in known and "fail" not in known else 0
        nodes[node_id] = Known(node_id, known, primary, claims, tuple(ranges))
        if link != "connected":
            unlinked.add(node_id)
    return View(nodes, frozenset(unlinked), leaving)
