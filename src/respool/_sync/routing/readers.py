# Generated from respool/_async/routing/readers.py by tools/generate.py. Do not edit.
"""Which node of a shard answers a read, if that need not be the primary (``read_from``, ``zone``).

Rule 1: nodes are in groups, the preferred ones first: those of the user's zone, then the others. A read goes to the
        first group in which a node is up. If none is, it goes to the primary.
Rule 2: within a group, the less loaded of two random nodes gets it. So load is spread, and a slow node gets less.
Rule 3: a node that is not ready (it loads, has lost its primary, or hangs) is passed over, for ``LEFT_OUT`` seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from respool._sync.node.serving import Serving

#: How many seconds a node gets no reads after it refused one.
LEFT_OUT: Final = 1.0


class Readers:
    """The nodes of one shard that may answer reads."""

    __slots__ = ("_chance", "_groups", "_left_out", "_now", "_primary", "_stall_after")

    def __init__(
        self,
        primary: Serving,
        groups: Sequence[Sequence[Serving]],
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        stall_after: float | None,
    ) -> None:
        """Prepare to choose; ``groups`` in order of preference."""
        self._primary = primary
        self._groups = [group for group in groups if group]
        self._now = now
        self._chance = chance
        self._stall_after = float("inf") if stall_after is None else stall_after
        self._left_out: dict[Serving, float] = {}

    def choose(self) -> Serving:
        """Return the node for the next read."""
        for group in self._groups:
            ready = [serving for serving in group if self._is_ready(serving)]
            if len(ready) > 1:
                first = int(self._chance() * len(ready))
                second = (first + 1 + int(self._chance() * (len(ready) - 1))) % len(ready)
                return min(ready[first], ready[second], key=_load)
            if ready:
                return ready[0]
        return self._primary

    def leave_out(self, serving: Serving) -> None:
        """Pass a node over for a while (Rule 3)."""
        if serving is not self._primary:
            self._left_out[serving] = self._now() + LEFT_OUT

    def _is_ready(self, serving: Serving) -> bool:
        shared = serving.shared
        if shared.only is None and shared.pick() is None and serving.ledger.shared_target:
            return False
        if shared.silent_for >= self._stall_after or serving.ledger.closed:
            return False
        until = self._left_out.get(serving)
        if until is None:
            return True
        if self._now() < until:
            return False
        self._left_out.pop(serving, None)
        return True


def _load(serving: Serving) -> int:
    return serving.shared.in_flight + serving.ledger.leased
