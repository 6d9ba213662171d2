# Written once: respool/_sync/node/brief_leases.py is generated from this file.
"""Leases for one plain command each, where a node has no shared connections.

Rule 1: only the usual case is here: a connection is idle, and nobody waits for one. In every other case nothing is
        sent, and the caller takes the long way (``LeaseLane.borrow``).
Rule 2: they count as leases, and a connection comes back as from any other: one that is not quiet is cleaned or closed
        (R-28).
Rule 3: an interrupted thread discards the connection that it has taken. A bad argument or a cancel costs none.
"""

from __future__ import annotations

from typing import Any, Final

from respool._async.node.lease_lane import LeaseLane
from respool._async.node.node import Node
from respool._async.shell.compat import Cancelled, here
from respool._facts.command import as_command
from respool._facts.errors import Error, UsageError, is_demoted
from respool._pooling.slot import Slot

#: What a first try returns that has sent nothing; never raised.
UNSENT: Final = UsageError("nothing was sent: the long way serves this call")


class BriefLeases:
    """Stands where callers look for a shared connection: ``submit`` sends a command on one that is leased for it."""

    #: A caller that gave up does not stay here: it is not lent what it left behind before that is clean (R-23).
    owes = 0

    def __init__(self, node: Node, lane: LeaseLane) -> None:
        self._node = node
        self._lane = lane
        self._ledger = node.ledger
        self._lock = node.lock
        self._now = node.now
        self._counters = node.counters
        keepalive = node.options.keepalive
        self._keepalive = float("inf") if keepalive is None else keepalive

    async def submit(self, args: tuple[Any, ...]) -> Any:
        """Send one plain command and return its reply, which may be an error value; ``UNSENT`` if it was not sent."""
        node, ledger = self._node, self._ledger
        if not ledger.idle_slots or node.world is not here() or node.is_inside():
            return UNSENT
        mine, slot, is_lent = object(), None, False
        transport: Any = None
        started = self._now()
        try:
            with self._lock:
                slot = ledger.take(started, mine)
            if slot is None or not await self._is_fit(slot, started):
                if ledger.to_close:
                    node.settle()
                return UNSENT
            transport = slot.connection._transport
            self._counters.leases += 1
            is_lent = True
            reply = await transport.submit(args)
            if type(reply) is not bytes and isinstance(reply, Error):
                self._judge(reply, args, slot)
            if transport.is_quiet:
                with self._lock:
                    ledger.release(slot, self._now(), reusable=True)
            else:
                self._lane.take_back(slot)
            self._counters.releases += 1
            is_lent = False
            if ledger.to_close or (ledger.quota is not None and ledger.quota.needs):
                node.settle()
            return reply
        except BaseException as error:
            self._counters.releases += is_lent
            if isinstance(error, Cancelled) and is_lent:
                transport.withdraw()
            if isinstance(error, Exception | Cancelled) and slot is not None and slot.taker is mine:
                self._lane.take_back(slot)
                node.settle()
            else:
                self._lane.drop_taken(mine)
            raise

    async def _is_fit(self, slot: Slot, now: float) -> bool:
        """Return whether a connection can be used at once; one that is not is discarded (R-11, R-12)."""
        connection = slot.connection
        if not connection._transport.is_reusable(now) or connection._options.db != self._node.db:
            self._lane.discard(slot)
            return False
        return now - slot.idle_since <= self._keepalive or await self._lane.is_fit(slot, None, is_due=True)

    def _judge(self, reply: Error, args: tuple[Any, ...], slot: Slot) -> None:
        """Note what an error says about the node (R-13)."""
        if is_demoted(reply, runs_code=as_command(args).spec.runs_code):
            self._node.demoted(slot)

    def withdraw(self) -> None:
        """Do nothing: what a cancelled caller has left behind is dealt with already."""
