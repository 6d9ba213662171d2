# Written once: respool/_sync/routing/members.py is generated from this file.
"""The nodes of one pool, each with its ``Serving``, and the maintenance task that looks after all of them.

Rule 1: a node is opened once for its address, and stays what it is. If its role changes, another one takes its place.
Rule 2: a node that is retired finishes what is in flight and what is leased. One that is cut is closed at once: what
        was in flight ends with an unknown outcome.
Rule 3: nothing is lost of the counts: those of nodes that are gone stay in the sums.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from respool._async.node.closing import close, forget
from respool._async.node.maintenance import end_maintenance, maintain_once
from respool._async.node.serving import Serving
from respool._async.shell.compat import Alarm, BackgroundTasks, clock, new_world
from respool._facts.errors import ConnectFailed
from respool._facts.option_types import Address
from respool._facts.options import Options
from respool._facts.stats import PoolStats, summed
from respool._pooling.quota import Quota
from respool._pooling.upkeep import shed
from respool._shell.absent import FORKED, Absent
from respool._shell.ending import RLock
from respool._shell.sockets import Retired

#: Why the connections of a node that was cut ended.
LOST_ROLE: Final = "the node is no primary any more, so the connection was closed"


class Members:
    """The nodes of one pool. Bound to one event loop or process when made."""

    def __init__(self, work: Callable[[], float], max_total: int | None = None) -> None:
        """Create an empty set; no I/O. ``work`` is what else the maintenance task does in each of its rounds.

        It returns after how many seconds to call it again. ``max_total``: how many connections all nodes together may
        have.
        """
        self.quota = None if max_total is None else Quota(max_total)
        self.world = new_world()
        self.now = clock()
        self.chance: Callable[[], float] = random.random
        self.lock = RLock()
        self.alarm = Alarm()
        self.tasks = BackgroundTasks()
        self.closed = False
        #: Called when the maintenance task ends; whatever else works for the pool must end too.
        self.at_end: Callable[[], None] = _nothing
        #: Those in use, by their addresses.
        self.servings: dict[Address, Serving] = {}
        self._leaving: list[Serving] = []  # retired or cut, and not all of their connections are back
        self._gone = PoolStats()
        self._work = work
        self._is_abandoned = False

    def start(self) -> None:
        """Start the maintenance task. Raises when no thread can be started."""
        self.tasks.start(self._maintain)

    async def _maintain(self) -> None:
        try:
            while not (self.closed or self._is_abandoned):
                seconds = self._work()
                for serving in self.all():
                    seconds = min(seconds, maintain_once(serving.node))
                self._count_gone()
                await self.alarm.wait(None if seconds == float("inf") else seconds)
        finally:
            servings = [] if self.closed else self.all()
            self.closed = self.closed or self._is_abandoned
            for serving in servings:
                serving.node.is_abandoned = self._is_abandoned
                end_maintenance(serving.node)
        self.at_end()

    def all(self) -> list[Serving]:
        """Return all nodes, those that are leaving included."""
        with self.lock:
            return [*self.servings.values(), *self._leaving]

    # Coming and going --------------------------------------------------------------------------------

    def open(self, address: Address, options: Options, on_change: Callable[[Serving], None]) -> Serving:
        """Make a node part of the pool, without I/O; its connections are dialed by the next round of maintenance.

        ``on_change`` is called whenever its connections may have changed.
        """
        serving = Serving(options, self.alarm, self.quota)
        if self.quota is not None:
            serving.node.share = self._share

        def changed() -> None:
            serving.shared.refresh()
            on_change(serving)

        serving.node.on_change = changed
        with self.lock:
            self.servings[address] = serving
        return serving

    def retire(self, serving: Serving) -> None:
        """Give a node no more work, and close it once what is in flight has ended (Rule 2)."""
        self.leave(serving)
        self.tasks.start_or_run(_drain, serving)

    def cut(self, serving: Serving) -> None:
        """Close a node at once, leases included: what it answers from now on is not to be believed (Rule 2)."""
        self.leave(serving)
        for connection in serving.node.connections():
            connection._transport.abort(LOST_ROLE)
        serving.node.close_now()
        self.tasks.start_or_run(_drain, serving)

    def leave(self, serving: Serving) -> None:
        """Make room for another node with the same address. ``retire`` or ``cut`` must follow."""
        with self.lock:
            if self.servings.get(serving.address) is serving:
                del self.servings[serving.address]
                self._leaving.append(serving)

    def _count_gone(self) -> None:
        """Keep only the counts of nodes that have left."""
        for serving in [each for each in self._leaving if each.ledger.closed and not each.ledger.size]:
            with self.lock:
                if serving in self._leaving:
                    self._leaving.remove(serving)
                    self._gone = summed([self._gone, serving.stats()])

    def _share(self) -> None:
        """Let a node that needs a connection have a free one, or the place of an idle one of another node."""
        quota = self.quota
        if quota is None or not quota.needs:
            return
        nodes: dict[Any, Any] = {serving.ledger: serving.node for serving in self.all()}
        for _ in range(2 * len(nodes) + len(quota.needs)):  # what is left then, the next step of a node does
            ledger = quota.next() or quota.helper()
            node = nodes.get(ledger)
            if node is None:
                return
            with node.lock:
                shed(node.ledger)
            node.settle_alone()

    # Counting ----------------------------------------------------------------------------------------

    def gauge(self, name: str) -> int:
        """Return the sum of one of the ledgers' counts."""
        return sum(serving.gauge(name) for serving in self.all())

    def stats(self) -> PoolStats:
        """Return the sums of all counts, and those of each node in use."""
        with self.lock:
            own = {serving.node.options.address: serving.stats() for serving in self.servings.values()}
            rest = [self._gone, *(serving.stats() for serving in self._leaving)]
        return summed([*rest, *own.values()], own)

    # Safety ------------------------------------------------------------------------------------------

    def is_inside(self) -> bool:
        """Tell whether this very thread is at work in here: it runs a signal handler or a finaliser then."""
        is_mine: bool = self.lock._is_owned()  # type: ignore[attr-defined]
        return is_mine or any(serving.node.is_inside() for serving in [*self.servings.values()])

    # The end -----------------------------------------------------------------------------------------

    async def close(self, seconds: float | None) -> None:
        """Close all nodes; what is in flight on shared connections has ``seconds`` to finish (R-33)."""
        if self.is_inside():  # in a signal handler or a finaliser: the maintenance task closes once the locks are free
            self.abandon()
            return
        deadline = None if seconds is None else self.now() + seconds
        self.closed = True
        servings = self.all()
        for serving in servings:
            with serving.node.lock:
                serving.ledger.close()
            serving.node.on_change()
        try:
            for serving in servings:
                await close(serving.node, None if deadline is None else max(deadline - self.now(), 0.0))
        finally:
            self.alarm.set()
            for serving in servings:
                await close(serving.node, 0.0)
            await self.tasks.stop(deadline, _nothing)

    def abandon(self) -> None:
        """Let the maintenance task close everything: in a finaliser, or after a failed start."""
        self._is_abandoned = True
        self.alarm.set_from_finaliser()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket: it belongs to a parent process, or its event loop has been closed (R-35)."""
        self.closed = True
        self.tasks.forget()
        for serving in [*self.servings.values(), *self._leaving]:
            forget(serving.node, instead)


def gone(serving: Serving) -> ConnectFailed:
    """Return the failure of a call that was not sent because its node is not in service any more."""
    words, address = "the node is not in service any more", serving.node.options.address
    failure = ConnectFailed(words, address=address)
    failure.__cause__ = Retired(words, address=address)
    return failure


async def _drain(serving: Serving) -> None:
    await close(serving.node, serving.node.options.read_timeout)


def _nothing() -> Any:
    """Do nothing."""
