"""The map of a ``FakeCluster``: who its members are, and who has which slot.

Rule 1: a view is a value and never changes: a change makes a new view. So it can be read without a lock, kept, and
        given to a node that is to see the cluster as it was, or as it never was.
Rule 2: a view may lie. Ranges may overlap (the last one counts for commands), leave slots out, or be none at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Self, TypedDict

from respool._facts.slots import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack


@dataclass(frozen=True)
class FakeMember:
    """A node, as a view names it.

    ``id``        40 hexadecimal digits.
    ``host``      the address that clients are to use; None or empty for that of the node that was asked, ``"?"`` if the
                  node has no name.
    ``primary``   the id of its primary; empty for a primary.
    ``metadata``  what CLUSTER SLOTS says beside it: ``{"ip": "127.0.0.1", "availability-zone": "a"}``.
    ``failed``    the cluster has found that it is down: CLUSTER SLOTS leaves it out.
    """

    id: str
    host: str | None
    port: int
    primary: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    failed: bool = False


class Announced(TypedDict, total=False):
    """What ``FakeView.announcing`` can change of a member."""

    host: str | None
    port: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class FakeView:
    """What a node of a ``FakeCluster`` knows of it, and acts by.

    ``members``  the nodes.
    ``ranges``   the slots: the first, the last, and the id of their primary.
    ``epoch``    ``cluster_current_epoch`` in CLUSTER INFO.
    ``state``    ``cluster_state`` there. Unless it is ``"ok"``, commands with keys are answered with CLUSTERDOWN.
    ``leaving``  slots whose migration has begun, and the ids of the nodes that they go to.

    Make another one with the methods below, or with ``dataclasses.replace(view, epoch=1)``.
    """

    members: tuple[FakeMember, ...]
    ranges: tuple[tuple[int, int, str], ...]
    epoch: int = 1
    state: str = "ok"
    leaving: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for first, last, node_id in self.ranges:
            if not 0 <= first <= last < SLOTS:
                raise ValueError(f"a range of slots lies within 0 to {SLOTS - 1}, not {first} to {last}")
            if node_id not in self._by_id:
                raise ValueError(f"slots {first} to {last} belong to {node_id!r}, which is none of the members: add it")

    @cached_property
    def _by_id(self) -> dict[str, FakeMember]:
        return {member.id: member for member in self.members}

    @cached_property
    def _table(self) -> list[FakeMember | None]:
        table: list[FakeMember | None] = [None] * SLOTS
        for first, last, node_id in self.ranges:
            table[first : last + 1] = [self._by_id[node_id]] * (last + 1 - first)
        return table

    # Questions -----------------------------------------------------------------------------------------

    def member(self, node_id: str) -> FakeMember | None:
        """Return the member with this id, or None."""
        return self._by_id.get(node_id)

    def owner(self, slot: int) -> FakeMember | None:
        """Return the primary of a slot, or None."""
        return self._table[slot]

    def replicas(self, node_id: str) -> list[FakeMember]:
        """Return the replicas of the primary with this id, failed ones too."""
        return [member for member in self.members if member.primary == node_id]

    # Changes -------------------------------------------------------------------------------------------

    def giving(self, slots: Iterable[int], node_id: str | None) -> Self:
        """Return a view where these slots belong to this primary, or to none; none of them is being migrated."""
        moved = set(slots)
        new = None if node_id is None else self._by_id[node_id]
        table = [new if slot in moved else owner for slot, owner in enumerate(self._table)]
        leaving = {slot: target for slot, target in self.leaving.items() if slot not in moved}
        return replace(self, ranges=_ranges(table), leaving=leaving)

    def without(self, slots: Iterable[int]) -> Self:
        """Return a view where these slots belong to nobody."""
        return self.giving(slots, None)

    def promoting(self, node_id: str) -> Self:
        """Return a view where this replica and its primary have changed places, one epoch later."""
        old = self._by_id[node_id].primary
        if not old:
            raise ValueError(f"{node_id} is a primary already")
        members = tuple(
            replace(member, primary="" if member.id == node_id else node_id)
            if member.id in (node_id, old) or member.primary == old
            else member
            for member in self.members
        )
        ranges = tuple((first, last, node_id if owner == old else owner) for first, last, owner in self.ranges)
        return replace(self, members=members, ranges=ranges, epoch=self.epoch + 1)

    def announcing(self, node_id: str | None = None, **changes: Unpack[Announced]) -> Self:
        """Return a view where a member, or each, has another ``host``, ``port`` or ``metadata``."""
        members = tuple(replace(each, **changes) if node_id in (None, each.id) else each for each in self.members)
        return replace(self, members=members)

    def marking(self, node_id: str, *, failed: bool) -> Self:
        """Return a view that knows that a member has failed, or that it is back."""
        members = tuple(replace(each, failed=failed) if each.id == node_id else each for each in self.members)
        return replace(self, members=members)

    def joining(self, member: FakeMember) -> Self:
        """Return a view with one more member."""
        return replace(self, members=(*self.members, member))

    def leaving_out(self, node_id: str) -> Self:
        """Return a view without this member, which must have no slots."""
        return replace(self, members=tuple(member for member in self.members if member.id != node_id))


def _ranges(table: list[FakeMember | None]) -> tuple[tuple[int, int, str], ...]:
    ranges = []
    slot = 0
    for owner, group in groupby(table):
        end = slot + len(list(group))
        if owner is not None:
            ranges.append((slot, end - 1, owner.id))
        slot = end
    return tuple(ranges)
