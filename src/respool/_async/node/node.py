# Written once: respool/_sync/node/node.py is generated from this file.
"""One server as the pool sees it: its ledger, the dials that the ledger requests, and the background tasks.

Rule 1: decide under the lock, act outside it. While the lock is held, no connection is used and nothing is awaited.
Rule 2: every dial ends in the ledger: ``dialed``, ``dial_failed`` or ``abandon_dial``, also when it is cancelled.
Rule 3: every step that can free a slot or break a connection ends with ``settle``, which closes the slots in
        ``to_close`` and starts the dials that are needed.
Rule 4: when ``close`` returns, no task, thread, timer or idle socket of the node is left.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from respool._async.node.connection import AsyncConnection
from respool._async.node.maker import Maker
from respool._async.shell.compat import (
    ENDINGS,
    Alarm,
    BackgroundTasks,
    clock,
    ease,
    has_ended,
    new_world,
    one_at_a_time,
    silence_of,
)
from respool._async.shell.transport import AsyncTransport
from respool._facts.errors import ConnectFailed, Error, ProtocolError, TransportError, UsageError
from respool._facts.events import ConnectionClosed, ConnectionOpened, DialFailed, Event, LeaseLeaked, Pushed, notify
from respool._facts.options import Options
from respool._facts.stats import Counters, PoolStats
from respool._pooling.ledger import Ledger
from respool._pooling.quota import Quota
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import take_retired
from respool._shell.absent import UNOPENED
from respool._shell.ending import RLock

#: How many seconds the connections of a node are kept at least before ``renew`` replaces them again.
RENEW_AFTER: Final = 0.1


class Node:
    """The ledger of one server and the work it requests. Bound to one event loop or process when made."""

    def __init__(self, options: Options, alarm: Alarm | None = None, quota: Quota | None = None) -> None:
        """Create the ledger; no I/O.

        ``alarm`` wakes the maintenance task, if that is one of several nodes; ``quota`` is that of all these nodes.
        """
        self.options = options
        self.world = new_world()
        self.now = clock()
        self.chance: Callable[[], float] = random.random
        self.maker = Maker(options, self.chance())
        self.lock = RLock()  # never contended in asyncio, where it is cheaper than a null context manager
        #: Whether this very thread holds the lock: only a signal handler or a finaliser can see True.
        self.is_inside: Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]
        self.counters = Counters()
        self.tasks = BackgroundTasks()
        self.db = options.db
        self.selecting = one_at_a_time()
        self.ledger = Ledger(
            now=self.now(),
            min_size=options.min_size,
            max_size=options.max_size,
            shared_target=options.shared_target,
            max_waiting=options.max_waiting,
            max_dials=options.max_dials,
            lifo=options.idle_order == "lifo",
            address=options.address,
            quota=quota,
        )
        #: Called after each step of a node with a quota: another one may be waiting for a connection.
        self.share: Callable[[], None] | None = None
        #: Called when the set of connections may have changed.
        self.on_change: Callable[[], None] = _nothing
        self._closing: list[Slot] = []  # taken out of the ledger, and some of them not counted yet
        self.just_closed: deque[AsyncTransport] = deque(maxlen=64)  # their sockets may still be open
        self.alarm = Alarm() if alarm is None else alarm
        # A new connection needs no maintenance earlier than this, so the maintenance task may sleep that long.
        limits = (options.max_idle, options.keepalive, self.maker.shortest, silence_of(options))
        self.longest_rest = min((limit for limit in limits if limit is not None), default=float("inf"))
        self.in_making: set[AsyncConnection[Any]] = set()
        self.is_abandoned = False
        self._unproven: list[tuple[AsyncTransport, int]] = []  # made after failed dials, with their reply counts then
        self._renewed_at = float("-inf")
        self._leaked: deque[tuple[Slot, str]] = deque()  # filled by finalisers, which must not lock

    # Dialing ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Do what the ledger requests now: close the slots in ``to_close`` and start the dials that are needed.

        Then connections are passed between the nodes of a pool that may have only so many in total.
        """
        self.settle_alone()
        if self.share is not None:
            self.share()

    def settle_alone(self) -> None:
        """Do what the ledger requests, and nothing for other nodes."""
        ledger = self.ledger
        if self._leaked:
            self._collect_leaks()
        to_close: list[Slot] = []
        try:
            with self.lock:
                closed = _closed_among(ledger.to_close)
                to_close = ledger.reap()  # counted in the same step: no call, and no interrupt, in between
                self.counters.closed += closed
                if to_close:
                    self._closing = [slot for slot in self._closing if slot.connection is not None] + to_close
                dials = ledger.reserve(self.now())
                retired = take_retired(ledger, ease)
                dial_at = ledger.next_dial_at(self.now())
            for slot in to_close:
                self._close_slot(slot)
            for slot in dials:
                self.tasks.start_or_run(self._dial, slot)
            if retired is not None:
                self.tasks.start_or_run(self._drain, retired)
                self.alarm.set()  # it may be the turn of the next one already
            if dial_at is not None:
                self.alarm.ring_at(dial_at)  # the maintenance task dials when the node may be tried again
        except BaseException:
            self._resume(to_close)
            raise

    def _resume(self, to_close: list[Slot]) -> None:
        """Leave the rest of a ``settle`` that was interrupted to the maintenance task."""
        with self.lock:
            self.ledger.to_close += to_close
            self.counters.closed -= _closed_among(to_close)
            for slot in [slot for slot in self.ledger.dials if slot.taker is None and slot.connection is None]:
                self.ledger.abandon_dial(slot)
            for slot in [slot for slot in self.ledger.shared_slots if slot.is_draining and slot.taker is None]:
                slot.is_draining = False
                self.ledger.leaving -= slot is not self.ledger.retiring
        self.alarm.set()

    def _begins(self, slot: Slot) -> bool:
        """Mark a reserved slot as held by the background tasks; return False if its dial was called off before."""
        with self.lock:
            if slot.place is Place.DIALING and self.ledger.closed:
                self.ledger.abandon_dial(slot)
            slot.taker = self.tasks
            return slot.place is Place.DIALING

    async def _dial(self, slot: Slot) -> None:
        """Make a connection for a reserved slot and enter it into the ledger."""
        if not self._begins(slot):
            return
        started = self.now()
        connection: AsyncConnection[Any] | None = None
        try:
            connection = self.maker.construct(self.db)
            self.in_making.add(connection)
            await self.maker.open(connection)
            if connection._transport is UNOPENED:  # type: ignore[comparison-overlap]  # it has the same interface
                raise UsageError(f"{type(connection).__name__}.open() must call super().open()")
            self.maker.accept(connection)
            await self.maker.configure(connection)
        except BaseException as error:
            if connection is not None:
                connection.abort()
                self.in_making.discard(connection)
            # The pool cancels dials only when it closes. Any other cancellation or exit comes from user code. It
            # counts as a failure, or the dial would be repeated at once and for ever.
            failure = error if isinstance(error, Exception) else _unasked(error)
            with self.lock:
                self._note_served()
                is_failure = not self.ledger.closed
                if is_failure:
                    self.ledger.dial_failed(slot, failure, self.now(), self.chance())
                elif slot.place is Place.DIALING:  # a hook that closed the pool has discarded it already
                    self.ledger.abandon_dial(slot)
            if is_failure:
                self.counters.dial_failures += 1
                self.emit(DialFailed, failure)
            del failure  # it refers to this frame: no reference cycle
            if has_ended(self.world):  # an event loop that is closed: nobody is left to be told
                raise
            if isinstance(error, ENDINGS):
                self.on_change()
                self.settle()
                raise
        else:
            self.in_making.discard(connection)
            if slot.place is not Place.DIALING:  # the configure hook has closed the pool
                connection.abort()
                return
            self._enter(slot, connection)
            self.emit(ConnectionOpened, self.now() - started)
        self.on_change()
        self.settle()
        if self.ledger.waiters and not self.is_within_grace(self.now()):
            with self.lock:
                self.ledger.tell_hopeless()

    def _enter(self, slot: Slot, connection: AsyncConnection[Any]) -> None:
        now = self.now()
        connection._on_push = self._pushed if self.options.listener is not None else None
        with self.lock:
            self._note_served()
            slot.connection = connection
            retire_at = self.maker.retire_at(now)
            if connection._options.db != self.db:
                slot.epoch = -1  # select() ran meanwhile: the ledger must refuse it
            self.ledger.dialed(slot, retire_at, now, self.chance())
            self.counters.opened += 1
            if self.ledger.redial.failures:
                self._unproven.append((connection._transport, connection._transport.completed))
        connection._transport.on_lost = partial(self.lost, slot)
        if connection.closed:
            self.lost(slot, ConnectFailed("lost at once", address=self.options.address))

    # What happens to connections -------------------------------------------------------------------

    def lost(self, slot: Slot, error: Error) -> None:
        """Note that a connection ended by itself (R-13, R-29). A thread interrupted in here calls it again."""
        with self.lock:
            self._note_served()
            if self.ledger.lost(slot, self.now()):
                self.counters.lost += 1
            if slot.is_lost and self.options.close_on_error:
                self.ledger.clear()
        if not slot.is_lost:  # the pool had closed it before
            return
        if slot.is_for_sharing:
            self.on_change()
        self.alarm.set()  # the maintenance task closes idle connections of the old epoch
        self.settle()

    def _note_served(self) -> None:
        """Forget failed dials if a connection made after them has served a reply (R-17)."""
        if any(transport.completed > greeted for transport, greeted in self._unproven):
            self.ledger.redial.served()
            self._unproven.clear()
        self._unproven = [pair for pair in self._unproven if pair[0].is_open]

    def _close_slot(self, slot: Slot) -> None:
        connection = slot.connection
        if connection is None:
            return
        transport, counters = connection._transport, self.counters
        connection.abort()  # first: it takes back unsent commands, and an interrupt after it leaves no socket
        with self.lock:  # two threads may close connections at once
            replies = transport.completed  # the last call: no interrupt can come after it
            slot.connection = connection._slot = connection._lane = None
            counters.replies += replies
            counters.dropped += transport.wire.dropped
            counters.taken_back += transport.wire.taken_back
        self.just_closed.append(transport)
        self.emit(ConnectionClosed, slot.reason)

    def check_outside(self) -> None:
        """Raise UsageError in a signal handler or finaliser that has interrupted a holder of the lock."""
        if self.is_inside():
            raise UsageError(
                f"the pool of {self.ledger.address} is at work in this very thread, which a signal handler or a "
                "finaliser interrupts: it cannot be used there"
            )

    def connections(self) -> list[AsyncConnection[Any]]:
        """Return every connection that is up, or not closed yet, whatever the place of its slot."""
        ledger = self.ledger
        with self.lock:
            slots = [*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots, *ledger.dials]
            slots += [*ledger.to_close, *self._closing]  # after an interrupt one may be in both
        return [slot.connection for slot in dict.fromkeys(slots) if slot.connection is not None]

    # Leaks -----------------------------------------------------------------------------------------

    def leaked(self, slot: Slot, borrowed_at: str) -> None:
        """Note, from a finaliser, that a lease was dropped. Takes no lock; the slot is recovered soon after (R-30)."""
        self._leaked.append((slot, borrowed_at))
        if self.ledger.closed and slot.connection is not None:  # the maintenance task has ended
            slot.connection._transport.abort_in_finaliser()
        self.alarm.set_from_finaliser()

    def _collect_leaks(self) -> None:
        while self._leaked:
            with self.lock:
                if not self._leaked:  # another thread has collected it
                    return
                slot, borrowed_at = self._leaked[0]
                is_out = self.ledger.release(slot, self.now(), reusable=False)
                self.counters.leaks += is_out
                self._leaked.popleft()  # last: after an interrupt, the next call collects it again
            if is_out:
                self.emit(LeaseLeaked, borrowed_at)

    # In the background --------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Let the maintenance task close the node. A finaliser may call it: the pool was dropped, but never closed."""
        self.is_abandoned = True
        self.alarm.set_from_finaliser()

    async def is_alive(self, connection: AsyncConnection[Any], seconds: float | None) -> bool:
        """Return whether a connection answers a PING within ``seconds``."""
        deadline = None if seconds is None else self.now() + seconds
        reply = await connection._transport.submit_until(("PING",), deadline)
        return not isinstance(reply, TransportError | ProtocolError)

    async def _drain(self, slot: Slot) -> None:
        """Close a shared connection once nothing is in flight on it (R-15)."""
        slot.taker = self.tasks
        self.on_change()  # no new work for it from here on
        connection = slot.connection  # read once: another thread may be closing it
        if connection is not None:
            await connection._transport.wait_idle(then_close=True)  # returns for a silent server too
        with self.lock:
            self.ledger.discard(slot, slot.reason or "lifetime")
        self.on_change()
        self.settle()
        self.alarm.set()  # the next expired connection may be drained now

    def gives_up_at(self, now: float, demoted_at: float | None = None) -> float:
        """Return when callers stop waiting for the node to come back: ``connect_timeout`` after it went down.

        If it was never up, callers wait for one dial. ``demoted_at``: when the caller found it up, but not a primary.
        """
        redial, grace = self.ledger.redial, self.options.connect_timeout
        if grace is None:
            return float("inf")
        since = demoted_at if redial.down_since is None else redial.down_since
        return now if since is None else since + grace

    def is_within_grace(self, now: float) -> bool:
        """Return whether a failed dial may be repeated on behalf of a caller."""
        return now < self.gives_up_at(now)

    def drain(self) -> None:
        """Begin a new epoch: old idle connections are closed when next examined, shared ones replaced singly (R-34)."""
        with self.lock:
            self.ledger.drain(self.now())
        self.alarm.set()

    def renew(self) -> None:
        """Begin a new epoch because other servers may answer at the address by now; not twice within ``RENEW_AFTER``.

        Answers that were on their way when the epoch began say nothing about the connections made since.
        """
        now = self.now()
        with self.lock:
            if now - self._renewed_at < RENEW_AFTER:
                return
            self._renewed_at = now
            self.ledger.drain(now)
        self.alarm.set()

    def demoted(self, slot: Slot) -> None:
        """Note that a connection answered READONLY: its node is no longer a primary (R-13).

        The first such answer within a second retires every connection. One made after that is retired alone.
        """
        now = self.now()
        with self.lock:
            if slot.retire_at <= now or (slot.place is not Place.SHARED and slot.epoch != self.ledger.epoch):
                return  # it is being replaced already
            if now - self._renewed_at >= 1.0:
                self._renewed_at = now
                self.ledger.drain(now)
            else:
                self.ledger.retire(slot, now)
        self.alarm.set()

    # Counting --------------------------------------------------------------------------------------

    @property
    def replies(self) -> int:
        """Replies received on all connections, closed ones included."""
        with self.lock:
            return self.counters.replies + sum(each._transport.completed for each in self.connections())

    def stats(self, **more: Any) -> PoolStats:
        """Return all counts; ``more`` are counts that are kept elsewhere."""
        ledger, counters = self.ledger, self.counters
        with self.lock:
            wires = [connection._transport for connection in self.connections()]
            counted: dict[str, Any] = {name: getattr(counters, name) for name in Counters.__slots__}
            counted["closed"] += _closed_among(ledger.to_close)
            counted["replies"] += sum(transport.completed for transport in wires)
            counted["dropped"] += sum(transport.wire.dropped for transport in wires)
            counted["taken_back"] += sum(transport.wire.taken_back for transport in wires)
            counted |= ledger.counts()
            return PoolStats(
                min_size=ledger.min_size,
                max_size=ledger.max_size,
                epoch=ledger.epoch,
                **counted,
                **more,
            )

    def close_now(self) -> None:
        """Close everything that is not leased, without waiting for pending replies."""
        with self.lock:
            self.ledger.close()
            for slot in list(self.ledger.shared_slots):
                self.ledger.discard(slot, "closed")
        self.on_change()
        self.settle()

    def close_spare(self) -> None:
        """Close everything that is not leased, and dial nothing in its place; the next caller does."""
        ledger = self.ledger
        with self.lock:
            for slot in [*ledger.gather(), *ledger.shared_slots]:
                ledger.discard(slot, "closed")
            self.counters.closed += _closed_among(ledger.to_close)
            to_close = ledger.reap()
        self.on_change()
        for slot in to_close:
            self._close_slot(slot)

    # Events ----------------------------------------------------------------------------------------

    def emit(self, kind: type[Event], *facts: Any) -> None:
        """Call the listener, if there is one. Its exceptions are dropped, except KeyboardInterrupt."""
        notify(self.options.listener, kind, self.options.address, *facts)

    def _pushed(self, push: list[Any]) -> None:
        self.emit(Pushed, push)


def _closed_among(to_close: list[Slot]) -> int:
    """Count the connections that the pool closes itself, without those that were lost."""
    return sum(slot.connection is not None and not slot.is_lost for slot in to_close)


def _unasked(error: BaseException) -> UsageError:
    failure = UsageError(f"connecting was ended by {type(error).__name__}, which the pool had not asked for")
    failure.__cause__ = error
    return failure


def _nothing() -> None:
    """Do nothing."""
