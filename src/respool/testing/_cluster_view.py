"""What one node of a cluster knows about all nodes, read from its answer to CLUSTER NODES.

Rule 1: this file knows the text of CLUSTER NODES; nobody else reads it.
Rule 2: two nodes agree if their views are equal. What only one node can know (which node it is, its links, slots that
        it is giving away) is kept apart.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """What a node knows about a node: its id, its flags, its primary (``"-"`` for none) and its ranges of slots."""

    id: str
    flags: frozenset[str]
    primary: str
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
        node_id, _, flags, primary, _, _, _, link, *slots = line.split(" ")
        ranges = []
        for text in slots:
            if text.startswith("["):
                slot, arrow, other = text[1:-1].partition("->-")
                if arrow:
                    leaving[int(slot)] = other
            else:
                first, _, last = text.partition("-")
                ranges.append((int(first), int(last or first)))
        nodes[node_id] = Known(node_id, frozenset(flags.split(",")) - {"myself"}, primary, tuple(ranges))
        if link != "connected":
            unlinked.add(node_id)
    return View(nodes, frozenset(unlinked), leaving)
