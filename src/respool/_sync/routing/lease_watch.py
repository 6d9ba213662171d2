# Generated from respool/_async/routing/lease_watch.py by tools/generate.py. Do not edit.
"""What the leases of one node of a cluster ask about slots, and what they tell.

Rule 1: a slot counts as moved if its node has changed since its key was watched, even if it is the old one again.
Rule 2: a node that has left the pool is not believed any more: its lease may be old, and what it says too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from respool._sync.node.serving import Serving
from respool._sync.node.slot_watch import Mark
from respool._sync.routing.discovery import Discovery, as_text
from respool._sync.routing.slot_map import NOWHERE
from respool._facts.command import Spec
from respool._facts.errors import ServerError, SlotMoved, WrongNode
from respool._facts.slots import make_slot_of
from respool._protocol.misdirected import moved_on_lease, moved_since_watched
from respool._protocol.redirect import read_redirect
from respool._routing.topology import address_of


class LeaseWatch:
    """The slots of a cluster, as the leases of one node see them."""

    __slots__ = ("_discovery", "_map", "_serving", "_slot_of")

    def __init__(self, discovery: Discovery, serving: Serving) -> None:
        self._discovery = discovery
        self._map = discovery.map
        self._serving = serving
        self._slot_of = make_slot_of(discovery.options.encoding)

    def marks(self, keys: Iterable[Any]) -> list[Mark]:
        """Return what to remember of keys that are about to be watched."""
        found = []
        for key in keys:
            with suppress(TypeError, UnicodeError):  # a key that cannot be sent: sending it raises
                slot = self._slot_of(key)
                found.append(Mark(key, slot, self._map.versions[slot]))
        return found

    def left(self, marks: Iterable[Mark]) -> SlotMoved | None:
        """Return the reason if the slot of a watched key has left the node since then (Rule 1)."""
        for mark in marks:
            if self._map.versions[mark.slot] != mark.version:
                serving = self._map.table[mark.slot]
                there = None if serving is NOWHERE else serving.node.options.address
                return moved_since_watched(mark.slot, self._serving.node.options.address, there)
        return None

    def heard(self, error: ServerError, spec: Spec, args: Sequence[Any]) -> ServerError:
        """Take note of an error that the node has answered, and return the one for the caller."""
        serving = self._serving
        slots = {self._slot_of(key) for key in spec.keys_of(args)}
        redirect = read_redirect(error, serving.address, spec, slots.pop() if len(slots) == 1 else None)
        if redirect is None:
            return error
        if self._map.members.servings.get(serving.address) is serving:
            self._discovery.follow(redirect, serving)
        if not isinstance(error, WrongNode):
            return error
        to = redirect.to
        if to is not None:
            to = address_of(*to, asked=serving.address, remap=self._discovery.options.remap)
        return moved_on_lease(redirect, serving.node.options.address, None if to is None else as_text(to))
