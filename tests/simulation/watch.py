"""The checks after every round of the loop, and the subclasses that make the pool's state visible to them.

``size <= max_size`` is checked twice: in the pool's ledger, and by counting the sockets that the client uses. A server
may count more, but only connections whose end it has not seen yet. After a shrink the excess may only get smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from respool._async.node import lease_lane as lease_lane_module
from respool._async.node import node as node_module
from respool._async.node import serving as serving_module
from respool._async.node import shared_lane as shared_lane_module
from respool._async.shell import dial as dial_module
from respool._async.shell import transport as transport_module
from respool._async.shell.compat import Waiter
from respool._pooling.ledger import Ledger
from respool._pooling.slot import Slot
from respool.errors import PoolExhausted, PoolTimeout

from .books import Broken

if TYPE_CHECKING:
    from .network import SimSocket
    from .run import Run


def broke(message: str) -> None:
    """Keep a broken promise until the end of this round."""
    _broken.append(message)


class WatchedLedger(Ledger):
    """A ledger that records the order in which its waiters came (R-03)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: The highest ``max_size`` since the last check.
        self.highest = self.max_size
        self.line: list[WatchedWaiter] = []

    def resize(self, *, min_size: int, max_size: int) -> None:
        super().resize(min_size=min_size, max_size=max_size)
        self.highest = max(self.highest, max_size)

    def enqueue(self, waiter: Any, now: float, *, patient: bool, taker: object = None) -> None:
        waiter.ledger = self
        super().enqueue(waiter, now, patient=patient, taker=taker)
        self.line = [other for other in self.line if not other._future.done()]
        self.line.append(waiter)


class WatchedWaiter(Waiter):
    """A waiter that checks that it is not served before an earlier one."""

    ledger: WatchedLedger

    def offer(self, slot: Slot) -> bool:
        is_taken = super().offer(slot)
        if is_taken:
            for other in self.ledger.line:
                if other is self:
                    break
                if not other._future.done():
                    _broken.append("a waiter was served before one that had come earlier")
        return is_taken


class WatchedTransport(transport_module.AsyncTransport):
    """A transport that remembers its socket, also when it has ended."""

    __slots__ = ("sock",)

    sock: SimSocket

    def connection_made(self, transport: Any) -> None:
        self.sock = transport.get_extra_info("socket")._sock
        super().connection_made(transport)


class WatchedNode(node_module.Node):
    """A node that records which connections were added to it, and checks why they are retired (R-13)."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        made.append(self)
        self.entered: list[SimSocket] = []
        #: The newest connection when all were last retired because one of them had answered READONLY.
        self.newest_retired = 0

    def demoted(self, slot: Slot) -> None:
        sock, epoch = slot.connection._transport.sock, self.ledger.epoch
        if not sock.session.says_readonly:
            _broken.append(f"connection {sock.number} was retired as a replica's, and the server had not said READONLY on it")
        super().demoted(slot)
        if self.ledger.epoch != epoch:
            if sock.number <= self.newest_retired:
                _broken.append(f"connection {sock.number} was retired before, and now it has its successors retired too")
            self.newest_retired = self.entered[-1].number

    def _enter(self, slot: Slot, connection: Any) -> None:
        self.entered.append(connection._transport.sock)
        super()._enter(slot, connection)


class WatchedLeases(lease_lane_module.LeaseLane):
    """A leased lane that counts the outcomes of its callers."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.fared: Counter[str] = Counter()

    async def _take(self, timeout: float | None, me: object) -> Slot:
        try:
            slot = await super()._take(timeout, me)
        except PoolExhausted:
            self.fared["exhausted"] += 1
            raise
        except PoolTimeout:
            self.fared["timeouts"] += 1
            raise
        self.fared["leases"] += 1
        return slot


class WatchedShared(shared_lane_module.SharedLane):
    """A shared lane that counts the callers whose timeout passed before they had a connection."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.timeouts = 0

    async def wait(self, deadline: float | None, *, elsewhere: bool = False) -> Any:
        try:
            return await super().wait(deadline, elsewhere=elsewhere)
        except PoolTimeout:
            self.timeouts += 1
            raise

    async def catch_up(self, deadline: float | None) -> None:
        try:
            await super().catch_up(deadline)
        except PoolTimeout:
            self.timeouts += 1
            raise


_broken: list[str] = []

#: All nodes that were made in this run.
made: list[WatchedNode] = []


def check_nothing_is_broken() -> None:
    """Raise what a watched class has found out."""
    if _broken:
        raise Broken(_broken[0])


@contextmanager
def watched() -> Iterator[None]:
    """Make every pool that is created in this block one that can be watched."""
    _broken.clear()
    made.clear()
    own: list[tuple[Any, str, Any]] = [
        (dial_module, "AsyncTransport", WatchedTransport),
        (node_module, "Ledger", WatchedLedger),
        (lease_lane_module, "Waiter", WatchedWaiter),
        (serving_module, "Node", WatchedNode),
        (serving_module, "LeaseLane", WatchedLeases),
        (serving_module, "SharedLane", WatchedShared),
    ]
    real = [(module, name, getattr(module, name)) for module, name, _ in own]
    for module, name, kind in own:
        setattr(module, name, kind)
    try:
        yield
    finally:
        for module, name, kind in real:
            setattr(module, name, kind)


class NodeWatch:
    """Checks one node after every round of the loop. ``sockets`` are the client's to it that are not closed."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self._limit = 0
        self._lonely_rounds = 0

    def look(self, sockets: list[SimSocket]) -> None:
        ledger = self.node.ledger
        ledger.check()
        self._check_size(ledger, sockets)
        self._check_somebody_serves(ledger)

    def _check_size(self, ledger: Any, open_sockets: list[SimSocket]) -> None:
        size, most = ledger.size, ledger.max_size
        self._limit = max(self._limit, ledger.highest)
        ledger.highest = most
        if size > self._limit:
            raise Broken(f"size {size} is above max_size {most}")
        sockets = sum(sock.is_in_use for sock in open_sockets)
        if sockets > self._limit:
            raise Broken(f"{sockets} sockets are in use, and max_size is {most}")
        self._limit = max(most, min(self._limit, size))

    def _check_somebody_serves(self, ledger: Any) -> None:
        """Check that each waiter has something to wait for: a dial, a lease in use, or the alarm for a dial."""
        if ledger.quota is not None:
            return  # they may wait for a connection of another node
        is_draining = any(slot.is_draining for slot in ledger.shared_slots)
        if not ledger.waiters or ledger.dials or ledger.leased or is_draining or ledger.closed:
            self._lonely_rounds = 0
            return
        alarm = self.node.alarm
        is_set = alarm._event.is_set() or (alarm._timer is not None and not alarm._timer.cancelled())
        self._lonely_rounds = 0 if is_set else self._lonely_rounds + 1
        if self._lonely_rounds > 3:
            raise Broken(f"{ledger.waiting} callers wait, and nothing is under way that could serve them")


class Watch:
    """Checks one pool after every round of the loop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._watches: list[NodeWatch] = []
        #: The client's sockets that are not closed yet.
        self.sockets: list[SimSocket] = []

    @property
    def nodes(self) -> list[Any]:
        """The nodes the pool has had: a failed ``open`` leaves the first one behind."""
        return [watch.node for watch in self._watches]

    def look(self) -> None:
        check_nothing_is_broken()
        serving = self._run.pool._serving
        node = None if serving is None else serving.node
        if node is None:
            return
        if not self._watches or self._watches[-1].node is not node:
            self._watches.append(NodeWatch(node))
        self.sockets = [sock for sock in self.sockets if not sock.is_closed]
        self._watches[-1].look(self.sockets)
