"""``max_total``: how many connections all nodes of one pool may have together, and which node gets the next one.

Rule 1: there are as many permits as the limit says. A slot has one from its reservation until it is out, so at every
        moment at most ``limit`` slots exist in all ledgers together, dials included.
Rule 2: there is no lock. A ledger takes a permit with ``del permits[-1]``, which fails when there is none, and returns
        it with ``permits +=``. Each is one operation of CPython, and none of them makes a call: neither a thread nor a
        signal handler can come between a permit and its slot. So nodes never hold two locks, and cannot deadlock.
        ``permits`` holds only the next few; they are replenished, by one operation too, so a huge limit costs nothing.
Rule 3: a ledger first states its need, then looks for a permit. Whoever ends a slot first returns the permit, then
        looks for needs. So one of the two always sees the other, and nobody waits beside a free permit.
Rule 4: needs are served by urgency (``Need``), then in the order of asking. A ledger gets one permit at a time: if it
        needs more, it asks again behind the others. A free permit is kept for the first in line.
Rule 5: a need only counts while it lasts: each ``reserve`` of its ledger states it anew or withdraws it.
Rule 6: what is read here of other ledgers (sizes, waiters) may be out of date by a step. It decides who is served
        first, never how many slots there are.
Rule 7: nobody is left without a connection while another node has several: if there is no idle one to give up, the node
        with the most shared connections drains one of them, for a first connection only, and one at a time.

The shell does the work. After every step of any node it repeats, until both return None: settle the node of ``next``;
or, under the lock of its node, ``upkeep.shed`` the ledger of ``helper``, and settle that node.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import islice, repeat
from operator import length_hint
from typing import Final, Protocol

from respool._facts.errors import UsageError


class Need(IntEnum):
    """What a ledger needs a connection for, the most urgent first."""

    FIRST = 0  # a shared connection or a lease, and the ledger has no connection at all
    SHARED = 1
    LEASE = 2  # for a caller that waits
    SPARE = 3  # nobody waits: ``min_size``, or a replacement for one past its lifetime


class Member(Protocol):
    """What a quota reads of a ledger."""

    min_size: int

    @property
    def size(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def spare_shared(self) -> int: ...
    @property
    def is_shedding(self) -> bool: ...


#: What a ledger adds to ``permits`` when one of its slots is out.
PERMIT: Final = (None,)
#: How many permits are at hand at least, if there are so many: more than threads that could take one at a time.
AT_HAND: Final = 256
#: More sockets than any system has: a higher limit is never reached.
_MOST: Final = 2**31


class Quota:
    """The permits of one pool, and the ledgers that need one."""

    __slots__ = ("_fresh", "limit", "members", "needs", "permits")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise UsageError(f"max_total={limit} allows no connection: it must be at least 1, or None for no limit")
        self.limit = limit
        #: The free permits that are at hand, for ledgers to take and to return (Rule 2); ``free`` counts all of them.
        self.permits: list[None] = []
        self._fresh = repeat(None, min(limit, _MOST))  # those that were never at hand
        #: The open ledgers.
        self.members: dict[Member, None] = {}
        #: What each ledger in need has asked for, in the order of asking.
        self.needs: dict[Member, Need] = {}

    @property
    def count(self) -> int:
        """How many slots exist in all ledgers."""
        return min(self.limit, _MOST) - self.free

    @property
    def free(self) -> int:
        """How many more slots may exist now."""
        return len(self.permits) + length_hint(self._fresh)

    def is_short(self, nodes: int) -> bool:
        """Tell whether the limit is too low for one connection to each of ``nodes`` nodes."""
        return nodes > self.limit

    def join(self, ledger: Member) -> None:
        self.members[ledger] = None

    def leave(self, ledger: Member) -> None:
        """Forget a closed ledger. Its remaining slots return their permits as they end."""
        self.members.pop(ledger, None)
        self.withdraw(ledger)

    # Needs -----------------------------------------------------------------------------------------

    def is_turn(self, ledger: Member, need: Need | None) -> bool:
        """State what ``ledger`` needs now, and tell whether it may take a permit for it."""
        if need is None:
            self.withdraw(ledger)
            return False
        self.needs[ledger] = need
        if len(self.permits) < AT_HAND:
            self.permits += islice(self._fresh, AT_HAND)
        return ledger in [other for other, _ in self._line()[: self.free]]

    def withdraw(self, ledger: Member) -> None:
        """End the need of a ledger: it is met, or no more."""
        self.needs.pop(ledger, None)

    def _line(self) -> list[tuple[Member, Need]]:
        """Return who needs a permit, in the order in which they will get one."""
        line = [(ledger, self._urgency(ledger, need)) for ledger, need in self.needs.copy().items()]
        return sorted(((ledger, need) for ledger, need in line if need is not None), key=_by_urgency)

    def _urgency(self, ledger: Member, stated: Need) -> Need | None:
        """Return what a ledger needs as it is now; None if the callers that it asked for have given up."""
        if stated is Need.LEASE and not ledger.waiting:
            return Need.SPARE if ledger.size < ledger.min_size else None
        return stated if stated is Need.SPARE or ledger.size else Need.FIRST

    # Helping -----------------------------------------------------------------------------------------

    def next(self) -> Member | None:
        """Return the ledger to settle now: the first in line, if a permit is free."""
        line = self._line() if self.needs and self.free else []
        return line[0][0] if line else None

    def helper(self) -> Member | None:
        """Return the ledger that should give up a connection now, if somebody is in line and no permit is free.

        It is the one with the most idle connections above its ``min_size``. Those that ``min_size`` keeps go only when
        there are no others, and never for another's ``min_size``. Shared ones go by Rule 7.
        """
        line = self._line() if self.needs and not self.free else []
        if not line:
            return None
        wealth = {ledger: (_spare(ledger), ledger.idle) for ledger in self.members.copy()}
        is_spare = line[0][1] is Need.SPARE
        rich = [ledger for ledger, (spare, idle) in wealth.items() if (spare if is_spare else idle) > 0]
        if rich or line[0][1] is not Need.FIRST or any(ledger.is_shedding for ledger in wealth):
            return max(rich, key=wealth.__getitem__, default=None)
        sharing = {ledger: ledger.spare_shared for ledger in wealth if ledger.spare_shared}
        return max(sharing, key=sharing.__getitem__, default=None)

    def make_way(self, ledger: Member) -> bool:
        """Tell whether a connection that comes back to ``ledger`` from a lease must be closed for a need.

        A first or a shared connection goes before any lease. When callers wait at two nodes, connections go to the one
        that has fewer until both have equally many, so that a busy node does not starve another. The ledger that makes
        way asks again behind the others, or it could take back what it has just given up.
        """
        unserved = self._line()[self.free :] if self.needs else []
        for needy, need in unserved:
            if needy is ledger:
                if need is Need.SHARED:
                    return True
            elif need <= Need.SHARED or (need is Need.LEASE and _is_richer(ledger, needy)):
                self.withdraw(ledger)
                return True
        return False

    def left_for(self, ledger: Member) -> int:
        """Return how many more connections ``ledger`` could get now if no lease ended: free or idle ones."""
        ahead = sum(need is not Need.SPARE and needy is not ledger for needy, need in self._line())
        return self.free + sum(member.idle for member in self.members.copy()) - ahead


def _by_urgency(entry: tuple[Member, Need]) -> Need:
    return entry[1]


def _is_richer(ledger: Member, needy: Member) -> bool:
    """Tell whether ``ledger`` can do without a connection rather than ``needy``, for whose callers it would be."""
    return not ledger.waiting or ledger.size - needy.size > 1


def _spare(ledger: Member) -> int:
    """Return how many idle connections a ledger has above its ``min_size``."""
    return min(ledger.idle, ledger.size - ledger.min_size)
