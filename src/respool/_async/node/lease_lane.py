# Written once: respool/_sync/node/lease_lane.py is generated from this file.
"""The leased lane: one caller owns a connection until it gives it back.

Rule 1: a caller waits for the pool, never for one dial: it gets the connection that is ready first (R-05).
Rule 2: a caller that stops waiting withdraws and gives back a late offer in the same step (R-03).
Rule 3: giving back cannot suspend or fail. The pool does slow work (cleaning, the ``reset`` hook) afterwards, while
        it holds the slot itself (R-27, R-28).
Rule 4: one step ends a lease (``_vacate``), so it is given back once. In threads it is usually kept: the same thread
        finds it again without the lock (``_pooling/keeping.py``).
"""

from __future__ import annotations

import traceback
import warnings
from typing import Any, Final

from respool._async.node.connection import AsyncConnection
from respool._async.node.node import Node
from respool._async.node.slot_watch import SlotWatch
from respool._async.shell.compat import (
    ENDINGS,
    Cancelled,
    Waiter,
    bounded_hook,
    call_hook,
    runs_alone,
    taker,
    thread_name,
)
from respool._facts.command import Spec
from respool._facts.errors import Error, PoolExhausted, PoolTimeout, UsageError, UsageTypeError, again, is_demoted
from respool._pooling.out_of_time import holders, out_of_time
from respool._pooling.slot import Place, Slot

#: The ``taker`` of a slot that is being given back, until another caller gets the slot.
_RETURNING: Final = object()


class LeaseLane:
    """Lends the connections of one node, exclusively."""

    def __init__(self, node: Node) -> None:
        #: What the leases ask about slots; None outside of clusters.
        self.slots: SlotWatch | None = None
        self._node = node
        self._ledger = node.ledger
        self._options = node.options
        self._counters = node.counters
        self._is_patient = node.options.on_full == "wait"
        self._traces: dict[Slot, str] | None = {} if node.options.trace_leases else None
        # Without hooks, connections that come back clean skip the work that only hooks need.
        self._has_reset = node.options.reset is not None
        self._has_check = node.options.check is not None
        self._thread_name = thread_name if node.ledger.may_keep else None  # None: nobody keeps what it gives back
        keepalive = node.options.keepalive
        self._keepalive = float("inf") if keepalive is None else keepalive

    # Borrowing -------------------------------------------------------------------------------------

    async def borrow(self, timeout: float | None) -> AsyncConnection[Any]:
        """Return a lease, waiting up to ``timeout`` seconds for queueing, dialing, checking and hooks (R-01).

        Raises PoolTimeout, PoolExhausted (TooManyWaiters), PoolClosed, or the error of the dial that was made for it.
        """
        if self._node.is_inside():
            self._node.check_outside()
        me = taker()
        try:
            slot = await self._take(timeout, me)
            lease = slot.connection._second_body(slot, self)
            if self._traces is not None:
                self._traces[slot] = "".join(traceback.format_stack(limit=12)[:-1])
            self._counters.leases += 1  # from here on nothing is called, so no interrupt can come
            slot.taker = None
            return lease  # type: ignore[no-any-return]
        except BaseException:
            if me is not None:
                self._drop_taken(me)
            raise

    async def run(self, args: tuple[Any, ...], spec: Spec, deadline: float | None, timeout: float | None) -> Any:
        """Run one plain command as on a lease; return its reply, which may be an error value.

        Such a command leaves a connection as it was, and nobody else sees the lease, so it needs no object for it.
        Raises what ``borrow`` raises.
        """
        if self._node.is_inside():
            self._node.check_outside()
        me = taker()
        slot: Slot | None = None
        try:
            slot = await self._take(timeout, me)
            self._counters.leases += 1
            if self._traces is not None:
                self._traces[slot] = "".join(traceback.format_stack(limit=12)[:-1])
            transport = slot.connection._transport
            try:
                reply = await transport.submit_until(args, deadline)
                if (
                    type(reply) is not bytes  # the cheapest test comes first
                    and isinstance(reply, Error)
                    and is_demoted(reply, runs_code=spec.runs_code)
                    and slot.connection is not None
                ):
                    self._node.demoted(slot)
                return reply
            except Cancelled:
                transport.withdraw()
                raise
            finally:
                self._take_back(slot, None)
        except BaseException:
            if me is not None:
                was_counted = self._drop_taken(me) and slot is not None
                self._counters.releases += was_counted
            raise

    async def _take(self, timeout: float | None, me: object) -> Slot:
        """Lease a slot whose connection is fit for use. ``me`` has it until its ``taker`` is changed."""
        node = self._node
        started = now = node.now()
        deadline = None if timeout is None else started + timeout
        slot = None if self._thread_name is None else self._ledger.take_kept(self._thread_name(), started, me)
        while True:
            if slot is None:
                with node.lock:
                    slot = self._ledger.take(now, me)
                if self._ledger.to_close:
                    node.settle()
            if slot is None:
                slot = await self._queue(started, deadline, me)
                now = node.now()
            connection = slot.connection
            # A connection that was being checked, cleaned or released during select() is on the old database.
            if not connection._transport.is_reusable(now) or connection._options.db != node.db:
                self._discard(slot)
                slot = None
                continue
            is_due = now - slot.idle_since > self._keepalive
            if (is_due or self._has_check) and not await self._is_fit(slot, deadline, is_due=is_due):
                slot = None
                continue
            return slot

    def _drop_taken(self, me: object) -> bool:
        """Discard the slot that an interrupted call was handed and has not passed on; return whether there was one."""
        with self._node.lock:
            has_dropped = self._ledger.drop_taken(me)
        if self._ledger.to_close:
            self._node.settle()
        return has_dropped

    async def _queue(self, started: float, deadline: float | None, me: object) -> Slot:
        """Wait in the queue until a slot is handed over."""
        node, ledger = self._node, self._ledger
        waiter = Waiter(started, me)
        if deadline is not None and deadline <= started and not ledger.closed:
            raise self._timed_out(started)  # try once, never queue
        try:
            with node.lock:
                ledger.enqueue(waiter, started, patient=self._is_patient, taker=me)
            node.settle()
            outcome = await waiter.wait(None if deadline is None else deadline - node.now())
            if outcome is None or waiter in ledger.waiters:  # still queued: the thread that served it was interrupted
                with node.lock:
                    if outcome is None:
                        outcome = waiter.give_up()  # an offer at the last moment still counts
                    ledger.withdraw(waiter)
        except BaseException as error:
            if isinstance(error, PoolExhausted):
                node.counters.exhausted += 1
                error.args = (f"{error}{self._held()}",)
            with node.lock:
                late = waiter.give_up()
                ledger.withdraw(waiter)
                if isinstance(late, Slot):
                    ledger.release(late, node.now(), reusable=late.connection._transport.is_quiet)
            node.settle()
            raise
        if isinstance(outcome, Slot):
            node.counters.waited(node.now() - started)
            return outcome
        if outcome is None:
            if ledger.quota is not None:  # what was kept for this caller is for another node now
                node.settle()
            raise self._timed_out(started)
        node.counters.exhausted += isinstance(outcome, PoolExhausted)  # a resize left nothing to wait for
        is_kept: bool = outcome is ledger.redial.last_error  # then raise a copy: the node must not keep our frames
        try:
            raise again(outcome) if is_kept else outcome
        finally:
            del outcome

    def _timed_out(self, started: float) -> PoolTimeout:
        node, ledger = self._node, self._ledger
        with node.lock:
            node.counters.timeouts += 1
            now = node.now()
            within = f" within {now - started:.3g} s" if now - started >= 0.001 else ""
            words = f"no connection to {ledger.address}{within}"
            is_full = ledger.leased > 0 and ledger.size >= ledger.max_size
            advice = "; leases and blocking commands have all of them: end some earlier, or raise max_size"
            return out_of_time(ledger, words, now, started, self._held() + (advice if is_full else ""))

    def _held(self) -> str:
        """Say where the current leases were borrowed, if that is traced."""
        return "" if self._traces is None else holders(list(self._traces.values()))

    async def _is_fit(self, slot: Slot, deadline: float | None, *, is_due: bool) -> bool:
        """Check a connection before lending it: PING it if it was idle for long (R-12), then call the ``check`` hook.

        A connection that fails is discarded, also when its check is cancelled or raises (R-36). Its replacement costs
        a token: a hook that refuses every connection must not cause endless dials (R-07).
        """
        node = self._node
        try:
            left = None if deadline is None else max(deadline - node.now(), 0.0)
            is_fit = not is_due or await node.is_alive(slot.connection, left)
            if is_fit and self._options.check is not None:
                left = None if deadline is None else max(deadline - node.now(), 0.0)
                async with bounded_hook(left, slot.connection):
                    is_fit = await call_hook(self._options.check, slot.connection) is not False
        except TimeoutError as error:
            self._discard(slot, is_refused=True)
            now, words = node.now(), f"no checked connection to {self._ledger.address} in time"
            with node.lock:
                node.counters.timeouts += 1
                raise out_of_time(self._ledger, words, now, now) from error
        except BaseException:
            self._discard(slot, is_refused=True)
            raise
        # It may have ended while the hook looked at it.
        is_fit = is_fit and slot.connection._transport.is_reusable(node.now())
        if not is_fit:
            self._discard(slot, is_refused=True)
        return is_fit

    def _discard(self, slot: Slot, *, is_refused: bool = False) -> None:
        with self._node.lock:
            if self._ledger.discard(slot, "unfit") and is_refused:
                self._ledger.redial.refused()
        self._node.settle()

    # Giving back -----------------------------------------------------------------------------------

    def release(self, lease: Any) -> None:
        """Take a lease back at once (R-27). Raises UsageError, and changes nothing, if it is not a current lease."""
        if not isinstance(lease, AsyncConnection) or lease.__dict__.get("_lane") is not self or not lease._is_lease:
            raise not_leased(lease)
        slot = lease._slot
        if slot is not None:  # else another thread has just given it back
            self._take_back(slot, lease)

    def give_back(self, lease: AsyncConnection[Any]) -> None:
        """Take a lease back; does nothing if it was given back before."""
        slot = lease._slot
        if slot is not None:
            self._take_back(slot, lease)

    def _take_back(self, slot: Slot, lease: AsyncConnection[Any] | None) -> None:
        """End a lease, and make its connection available again, or clean or discard it."""
        node, ledger = self._node, self._ledger
        if lease is not None:
            if node.is_inside():  # in a signal handler or finaliser, with the lock held: maintenance does it later
                if lease._vacate():
                    node.leaked(slot, "")
                return
            if not lease._vacate():  # given back meanwhile, by another thread or in a signal handler
                return
            # Nothing is called from here to the try, so no interrupt can come.
        slot.taker = _RETURNING
        self._counters.releases += 1
        try:
            connection = slot.connection
            if self._traces is not None:
                self._traces.pop(slot, None)
            if connection is None:  # closed by the pool while it was out
                return
            connection._slot = connection._lane = None
            if connection.is_clean and connection._options.db == node.db and not self._has_reset:
                now, name = node.now(), self._thread_name
                if name is not None and ledger.keep(slot, name(), now, _RETURNING):
                    return
                with node.lock:
                    ledger.release(slot, now, reusable=True)
                if not ledger.to_close and (ledger.quota is None or not ledger.quota.needs):
                    return
            else:
                self._give_back_unclean(slot, connection)
            node.settle()
        except BaseException:
            if runs_alone():  # a stopped thread holds the lock: nobody will use this connection again
                if slot.connection is not None:
                    slot.connection._transport.abort_in_finaliser()
                return
            with node.lock:  # interrupted: discard it, unless a waiter got it or its cleaning has begun
                if slot.taker is _RETURNING and slot.place is Place.DIALING:
                    ledger.not_made_clean(slot)
                elif slot.taker is _RETURNING:
                    ledger.release(slot, node.now(), reusable=False)
            node.settle()
            raise

    def _give_back_unclean(self, slot: Slot, connection: AsyncConnection[Any]) -> None:
        """Take back a connection that cannot be reused as it is: clean or discard it (R-28, R-29, R-34)."""
        node = self._node
        is_beyond_reset = connection._session.is_spoiled or connection._is_prepared
        is_lost_cause = not connection._transport.is_open or connection._is_blocked or is_beyond_reset
        with node.lock:
            if is_lost_cause or connection._options.db != node.db:
                self._ledger.release(slot, node.now(), reusable=False)
                return
            is_held = self._ledger.take_in(slot, node.now())
        if is_held:
            node.counters.resets += 1
            node.tasks.start_or_run(self._clean, slot)

    async def _clean(self, slot: Slot) -> None:
        """Make a connection fit for the next user, or discard it (R-28, R-36)."""
        node, options = self._node, self._options
        with node.lock:
            if slot.place is not Place.DIALING:  # the thread that gave it back was interrupted and has discarded it
                return
            slot.taker = node.tasks
        connection = slot.connection
        try:
            if not connection.is_clean or connection.db != node.db:
                if connection._options.db != node.db:
                    connection._options = connection._options.changed(db=node.db)
                await connection.reset()
                await node.maker.configure(connection)
            if options.reset is not None:
                async with bounded_hook(options.connect_timeout, connection):
                    await call_hook(options.reset, connection)
            is_fit = connection.is_clean and connection.db == node.db
        except BaseException as error:
            with node.lock:
                if slot.place is Place.DIALING:  # a hook that closed the pool has discarded it already
                    self._ledger.not_made_clean(slot)
            node.settle()
            if isinstance(error, ENDINGS):
                raise
            return
        with node.lock:
            if slot.place is not Place.DIALING:
                return
            if is_fit:
                self._ledger.made_clean(slot, node.now())
            else:
                self._ledger.not_made_clean(slot)
        node.settle()

    def leaked(self, slot: Slot) -> None:
        """Note, from a finaliser, that a lease was dropped without being given back. Takes no lock (R-30)."""
        if slot.taker is not None:  # a thread was interrupted while it took it or gave it back, and discards it
            return
        borrowed_at = "" if self._traces is None else self._traces.pop(slot, "")
        where = f"; it was borrowed here:\n{borrowed_at}" if borrowed_at else " (trace_leases=True tells where)"
        if slot.place is Place.LEASED:
            self._node.leaked(slot, borrowed_at)
            message = f"a lease of {self._ledger.address} was never given back{where}"
            warnings.warn(message, ResourceWarning, stacklevel=2)


def not_leased(conn: Any) -> UsageError:
    """Make the error for a release of what is no current lease of the pool."""
    if not isinstance(conn, AsyncConnection):
        return UsageTypeError(f"release takes a leased connection, not {type(conn).__name__}")
    if "_options" not in conn.__dict__:
        return UsageError("this lease was released already")
    return UsageError("this connection was not leased from this pool")
