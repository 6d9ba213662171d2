# Written once: respool/_sync/node/shared_lane.py is generated from this file.
"""The shared lane: many callers on a few connections, with replies matched to commands by their order.

Rule 1: a connection that is not up, is being drained, or whose oldest command is stalled gets no new work (R-18).
Rule 2: ``only`` is the one live transport if no other is up; then there is nothing to choose. With threads and the
        default of ``shared``, extra ones are made as callers meet, and each thread has one to itself while there are
        enough (``affinity``): that is cheaper than waiting for another thread. More callers share the first.
Rule 3: a caller whose last command may still be on its way stays on that connection, so its commands keep their
        order (R-23).
Rule 4: with no connection up, callers wait for the node to come back. From ``connect_timeout`` after the last one went
        down, a caller gets the error of the first dial that fails while it waits.
Rule 5: a dial that fails before that time wakes no caller: the next one is made for them. Each would only ask for it,
        and thousands of callers would keep the process busy for as long as the server is away.
"""

from __future__ import annotations

from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from respool._async.node.node import Node
from respool._async.shell.compat import Gate, affinity, caller, on_left
from respool._async.shell.transport import AsyncTransport
from respool._facts.errors import PoolClosed, ReadTimeout, again
from respool._pooling.out_of_time import out_of_time


class SharedLane:
    """Chooses the shared connection for each command of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ledger = node.ledger
        self._strategy = node.options.strategy
        self._takes_quiet = node.options.strategy == "least_pending"
        self._affinity = affinity(node.options) if node.options.strategy == "least_pending" else None
        self._grows = (
            self._affinity is not None
            and node.options.shared is None
            and node.ledger.allow_extra(self._affinity.most_extra)
        )
        self._stall_after = node.options.stall_after
        self._gate = Gate()  # opens when callers have something new to look at; then there is another one
        self._news = Gate()  # the same for those who wait for the pool to be ready: every failed dial is new to them
        self._failed_dials = 0  # when ``refresh`` was called last
        self._up: list[AsyncTransport] = []
        self._live: list[AsyncTransport] = []  # those of them that get new work
        self._turn = 0
        self._pins: WeakKeyDictionary[Any, AsyncTransport] = WeakKeyDictionary()
        #: The one transport to use without choosing; None when there is none, or more than one is up.
        self.only: AsyncTransport | None = None

    @property
    def in_flight(self) -> int:
        """Replies owed on the connections that are up, those being drained included."""
        return sum(transport.owes for transport in self._up)

    @property
    def silent_for(self) -> float:
        """For how many seconds the connection that is silent for longest has owed a reply."""
        return max((transport.silent_for for transport in self._up), default=0.0)

    def refresh(self) -> None:
        """Update which shared connections are up; called whenever that may have changed."""
        node = self._node
        with node.lock:
            slots = [slot for slot in self._ledger.shared_slots if slot.connection is not None]
            slots = [slot for slot in slots if slot.connection._transport.is_open]
            self._up = [slot.connection._transport for slot in slots]
            for transport in self._up:
                on_left(transport, self.pin)
            is_closing = self._ledger.closed  # commands in flight may finish, no new ones are sent
            self._live = [] if is_closing else [slot.connection._transport for slot in slots if not slot.is_draining]
            # A caller may be pinned to a connection that is being drained, and must go through ``pick``.
            self.only = self._live[0] if len(self._live) == len(self._up) == 1 else None
            if self._affinity is not None:
                met = self._met if self._grows and self._ledger.may_have_more else None
                self._affinity.prepare(self._live, met)
            news, self._news = self._news, Gate()
            failed, self._failed_dials = self._failed_dials, self._ledger.redial.failed_dials
            has_failed = failed != self._failed_dials
            gate = None
            if not (has_failed and self._keeps_callers(is_closing=is_closing)):
                gate, self._gate = self._gate, Gate()
                if has_failed:
                    self._ledger.is_called_for = False  # who still needs a dial asks for it
        news.open()
        if gate is not None:
            gate.open()

    def _met(self) -> None:
        """Note that callers have met, so that another connection is made for them (Rule 2). Takes no lock."""
        self._ledger.wants_extra = True
        self._node.alarm.set()

    def _keeps_callers(self, *, is_closing: bool) -> bool:
        """Return whether nobody needs to be woken after a failed dial (Rule 5)."""
        node = self._node
        if self._live or is_closing or node.options.connect_timeout is None:
            return False
        return node.is_within_grace(node.now())

    # Choosing --------------------------------------------------------------------------------------

    def pick(self) -> AsyncTransport | None:
        """Return the transport for the next command, or None when no connection is up."""
        live = self._live
        if not live:
            return None
        if self._pins:
            pinned = self._pinned()
            if pinned is not None:
                return pinned
        if len(live) == 1:
            return live[0]
        if self._affinity is not None:
            own: AsyncTransport | None = self._affinity.choose(live)
            if own is not None:
                return own
            if self._grows and (self._stall_after is None or live[0].silent_for < self._stall_after):
                return live[0]
        if self._takes_quiet:
            for transport in live:  # before anything is computed for all of them
                if transport.is_quiet:
                    return transport
        if self._stall_after is not None:
            fresh = [transport for transport in live if transport.silent_for < self._stall_after]
            live = fresh or live
        if self._strategy == "round_robin":
            self._turn += 1
            return live[self._turn % len(live)]
        if self._strategy == "random":
            return live[int(self._node.chance() * len(live))]
        return min(live, key=_load)

    def _pick_elsewhere(self) -> AsyncTransport | None:
        """Return a transport that is not to be replaced, or None when there is none yet."""
        node = self._node
        with node.lock:
            now = node.now()
            slots = [slot for slot in self._ledger.shared_slots if slot.retire_at > now and slot.connection is not None]
            return min((slot.connection._transport for slot in slots), key=_load, default=None)

    def demoted(self, transport: AsyncTransport) -> None:
        """Note that a connection answered READONLY: it is replaced, and perhaps all others too (R-13)."""
        node = self._node
        with node.lock:
            slots = [slot for slot in self._ledger.shared_slots if slot.connection is not None]
            slot = next((slot for slot in slots if slot.connection._transport is transport), None)
        if slot is not None:
            node.demoted(slot)

    def pin(self, transport: AsyncTransport) -> None:
        """Keep the caller on ``transport`` while it owes replies: its last command may still be on its way (R-23)."""
        self._pins[caller()] = transport

    async def catch_up(self, deadline: float | None) -> None:
        """Wait until the commands that the caller gave up have run: its next one uses another connection (R-23).

        Raises PoolTimeout.
        """
        pinned = self._pinned() if self._pins else None
        if pinned is not None:
            reply = await pinned.submit_until(("PING",), deadline)
            if isinstance(reply, ReadTimeout) and pinned.is_open:
                self._out_of_time(f"what this caller sent to {self._ledger.address} before has not run in time")

    def _out_of_time(self, words: str) -> NoReturn:
        node = self._node
        with node.lock:
            node.counters.timeouts += 1
            now = node.now()
            raise out_of_time(self._ledger, words, now, now)

    def _pinned(self) -> AsyncTransport | None:
        me = caller()
        transport = self._pins.get(me)
        if transport is not None and not transport.owes:
            self._pins.pop(me, None)
            return None
        return transport

    async def wait(self, deadline: float | None, *, elsewhere: bool = False) -> AsyncTransport:
        """Return a transport, waiting for a connection to come up (Rule 4).

        ``elsewhere`` avoids connections that are to be replaced: one of them has just refused the caller, and the new
        primary has the usual time to appear. Raises the error of a dial that failed meanwhile, PoolTimeout, PoolClosed.
        """
        node, redial = self._node, self._ledger.redial
        failed_before = redial.failed_dials  # an error from before this call may be outdated
        came = node.now()
        while True:
            gate = self._gate
            transport = self._pick_elsewhere() if elsewhere else self.pick()
            if transport is not None:
                if transport.is_open:
                    return transport
                transport.conclude()  # a thread may get here before the loss is recorded
            if self._ledger.closed:
                raise PoolClosed(f"the pool of {self._ledger.address} is closed")
            now = node.now()
            give_up_at = node.gives_up_at(now, came if elsewhere else None)
            last_error = redial.last_error  # read once: another thread's dial may succeed at any moment
            if redial.failed_dials == failed_before:
                last_error = None
            if last_error is not None and now >= give_up_at:
                raise again(last_error)
            if deadline is not None and now >= deadline:
                self._out_of_time(f"no shared connection to {self._ledger.address} in time")
            self._ledger.is_called_for = True
            node.settle()
            # After that time the dial in progress, or the one just requested, ends in an error or a connection.
            until = give_up_at if now < give_up_at else float("inf")
            if deadline is not None:
                until = min(until, deadline)
            await gate.wait(None if until == float("inf") else max(until - now, 0.0))

    async def wait_ready(self, deadline: float | None, *, is_strict: bool) -> None:
        """Wait until the minimum and all shared connections are up; ``is_strict`` raises the first dial's error."""
        node, ledger = self._node, self._ledger
        while True:
            news = self._news
            last_error = ledger.redial.last_error
            up = ledger.size - ledger.dialing
            if not (ledger.closed or ledger.missing_shared) and up >= ledger.min_size:
                return
            if ledger.quota is not None and not (ledger.quota.free or ledger.dialing):
                return  # all connections that the nodes may have together are made
            if is_strict and last_error is not None:
                raise again(last_error)
            if ledger.closed:
                raise PoolClosed(f"the pool of {ledger.address} is closed")
            now = node.now()
            if deadline is not None and now >= deadline:
                wanted = max(ledger.min_size, ledger.shared_target)
                with node.lock:
                    raise out_of_time(ledger, f"{up} of {wanted} connections to {ledger.address} are up", now, now)
            node.settle()
            await news.wait(None if deadline is None else deadline - now)


def _load(transport: AsyncTransport) -> int:
    return transport.owes + transport.waiting


class NoLane:
    """The lane of a pool that is not open: no connection is up, and nothing is owed."""

    only = None
    in_flight = 0

    def pick(self) -> None:
        """Return None: no connection is up."""
