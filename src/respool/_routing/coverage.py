"""Which slots of a cluster an iteration over all keys has covered, while slots move and nodes fail.

    choose a node -> begin(what it says of itself) -> scan it -> end(what it says then) -> choose ... until is_complete

Rule 1: a scan of a node covers the slots that were whole there at its beginning and at its end: the node owned them,
        and none of them was on its way to another node. Then every key of them was there all the time.
Rule 2: a slot on its way between two nodes has keys at both, and they go in one direction. It is covered by a scan of
        the node that it leaves, and after that a scan of the node where it arrives. A migration that never ends does
        not keep the iteration from ending.
Rule 3: a scan counts for nothing if the config epoch of the node has changed meanwhile: it may have lost slots and got
        them back, or its role.
Rule 4: a slot that was not covered is scanned again, at the node that has it then. A slot that no node serves has no
        keys to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from respool._facts.server_records import ClusterNode
from respool._facts.slots import SLOTS

N = TypeVar("N")

_NOTHING: Final[frozenset[int]] = frozenset()


class Stand(NamedTuple):
    """What a node says of itself."""

    id: str
    #: Its config epoch. It rises when the node is promoted, and when it takes a slot over from a newer node.
    epoch: int
    #: The slots with all of their keys here.
    whole: frozenset[int]
    #: The slots that are moving from here, and that are moving here, with the id of the other node.
    leaving: Mapping[int, str]
    arriving: Mapping[int, str]


def read_stand(nodes: Iterable[ClusterNode]) -> Stand:
    """Return what a node says of itself in its reply to CLUSTER NODES."""
    for node in nodes:
        if "myself" in node.flags:
            owned = {slot for first, last in node.slots for slot in range(first, last + 1)}
            whole = frozenset(owned.difference(node.migrating))
            return Stand(node.id, node.config_epoch, whole, node.migrating, node.importing)
    return Stand("", 0, _NOTHING, {}, {})


class Coverage:
    """The slots that are left to be scanned, and the scan that is going on."""

    __slots__ = ("_before", "_clean", "_halves", "left")

    def __init__(self, slots: int = SLOTS) -> None:
        self.left = set(range(slots))
        #: Slots on their way of which the first node has been scanned: its id, and that of the second one (Rule 2).
        self._halves: dict[int, tuple[str, str]] = {}
        self._before: Stand | None = None
        self._clean = _NOTHING  # the slots that have been whole since the scan began

    def is_complete(self, owners: Sequence[object]) -> bool:
        """Tell whether every served slot is covered. ``owners``: the node of each slot, None if there is none."""
        return all(owners[slot] is None for slot in self.left)

    def choose(self, owners: Sequence[N | None], known: Mapping[str, N]) -> N | None:
        """Return the node to scan now. ``known``: nodes by their ids.

        None if there is none yet; if it stays so, ``forget_halves``.
        """
        for slot in sorted(self.left):
            node = owners[slot]
            if slot in self._halves:
                first, second = self._halves[slot]
                if known.get(first) == node:  # else it has arrived by now, wherever that is
                    node = known.get(second)
            if node is not None:
                return node
        return None

    def begin(self, stand: Stand) -> None:
        """Note what a node says of itself before it is scanned."""
        self._before, self._clean = stand, stand.whole

    def end(self, stand: Stand) -> bool:
        """Note what the node says after all of its keys were returned. Return False if that was no step forward."""
        before, clean = self._before, self._kept(stand)
        self._before = None
        covered = self.left & clean
        halved: dict[int, tuple[str, str]] = {}
        for slot in self.left - covered:
            first, second = self._halves.get(slot, ("", ""))
            if second == stand.id:
                if before is not None and _has_arrived(before, stand, slot):
                    covered.add(slot)
                elif slot not in stand.whole and slot not in stand.arriving:  # it did not move here after all
                    del self._halves[slot]
            elif before is not None and _has_left(before, stand, slot):
                half = (stand.id, stand.leaving[slot])
                if half != (first, second):
                    halved[slot] = half
        self.left -= covered
        self._halves |= halved
        return bool(covered or halved)

    def pass_by(self, stand: Stand, first: int, following: int) -> None:
        """Note what the node says after its slots from ``first`` to before ``following`` were scanned, one by one.

        The scan may go on: it is in the slot ``following`` now, or about to begin it.
        """
        clean = self._kept(stand)
        self.left.difference_update(slot for slot in clean if first <= slot < following)
        self._before, self._clean = stand, stand.whole - ({following} - clean)

    def forget_halves(self) -> None:
        """Scan slots on their way at their first node again: the second one is not found."""
        self._halves.clear()

    def _kept(self, stand: Stand) -> set[int]:
        """Return the slots that have been whole since the scan began."""
        if self._before is None or not _is_same(self._before, stand):
            return set()
        return set(self._clean & stand.whole)


def _is_same(before: Stand, now: Stand) -> bool:
    return (before.id, before.epoch) == (now.id, now.epoch)


def _has_left(before: Stand, now: Stand, slot: int) -> bool:
    """Tell whether a key of this slot was either here all the time, or has gone where the slot is moving (Rule 2)."""
    target = now.leaving.get(slot)
    is_one_way = slot in before.whole or before.leaving.get(slot) == target
    return target is not None and is_one_way and _is_same(before, now)


def _has_arrived(before: Stand, now: Stand, slot: int) -> bool:
    """Tell whether a key of this slot that was here once has stayed."""
    source = now.arriving.get(slot)
    return source is not None and before.arriving.get(slot) == source and _is_same(before, now)
