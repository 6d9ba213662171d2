# Written once: respool/_sync/hub.py is generated from this file.
"""The connections of subscribers: a line to each node at which something is subscribed to.

Rule 1: ``Subscriptions`` says what is wanted and where, ``Subscribed`` what to send on a line and what its server
        says, ``Homes`` which node a topic belongs to. This file dials, sends, and tells subscribers and listeners.
Rule 2: ``work`` does what is due and never waits. ``pump`` calls it, and dials for it: a task in asyncio, the thread
        that waits for a message in threads.
Rule 3: a line has a leased connection, which counts in ``max_size``. It is closed when it has no topics any more: a
        connection that was subscribed is not lent again.
Rule 4: a line that is lost is dialed again for as long as somebody wants something of it. What the pool does for each
        dial holds here too (R-07, R-17). Only callers that wait for new topics get the error of a dial. A line
        that was drained is dialed again in the same way: replacing a connection always leaves a gap, which is told.
Rule 5: a line whose node is silent is lost: a PING is sent after ``keepalive`` seconds, and every answer is waited for
        no longer than ``read_timeout``.
Rule 6: a topic goes to another node when the server has ended it (its slot has moved) or its line is lost. Decisions
        are made under ``lock``; listeners are called without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from respool._async.node.connection import AsyncConnection
from respool._async.node.home import Homes
from respool._async.node.serving import Serving
from respool._async.shell.compat import clock, current_world
from respool._async.shell.pump import Pump
from respool._facts.errors import ConnectFailed, ConnectionLost, Error, PoolClosed, PoolTimeout, UsageError, again
from respool._facts.events import (
    Event,
    MessageDropped,
    SubscriptionLost,
    SubscriptionMoved,
    SubscriptionRestored,
    notify,
)
from respool._facts.messages import Gap
from respool._facts.options import Options
from respool._protocol.inbox import Inbox
from respool._protocol.packing import make_packer, pack_many
from respool._protocol.subscribed import Confirmed, Delivery, Ended, Refused, Subscribed, Topic
from respool._protocol.subscriptions import Claim, Subscriptions
from respool._shell.ending import RLock

#: How often a line is looked at, in seconds: nothing tells it that its node has left the pool.
LOOK_AGAIN: Final = 1.0


class Line:
    """A connection to one node, or the place for it."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.address = serving.node.options.address
        self.is_dialing = False
        #: How often the node had been drained before the lease was made.
        self.drains = serving.drains
        #: The lease, while there is one, and what was said on it.
        self.connection: AsyncConnection[Any] | None = None
        self.said = Subscribed(0.0)

    def heard(self) -> float:
        """Return when the server was last heard."""
        heard = self.said.heard
        return heard if self.connection is None else max(heard, self.connection._transport.heard)


class Hub:
    """All lines that serve some subscribers."""

    def __init__(self, options: Options, homes: Homes) -> None:
        """Prepare; no I/O. ``start`` must follow."""
        self.options = options
        self.homes = homes
        self.lock = RLock()
        #: The event loop that it belongs to.
        self.world = current_world()
        self.now = clock()
        self.state = Subscriptions()
        self.lines: dict[Serving, Line] = {}
        #: Why it does nothing any more.
        self.ended: Error | None = None
        self._is_forgotten = False
        self._pack = make_packer(None)
        self._news: list[Callable[[], None]] = []
        self.pump = Pump(self)

    def start(self) -> None:
        """Begin to work."""
        self.pump.start()

    # What subscribers want ---------------------------------------------------------------------------

    async def want(self, inbox: Inbox, topics: Iterable[Topic], deadline: float | None) -> None:
        """Add topics, and wait until the server has confirmed all of them. An error or a cancel takes them back.

        Topics that are dropped meanwhile are not waited for. Raises PoolTimeout, the error of a dial, the server's
        error, PoolClosed.
        """
        await self.homes.ready(deadline)
        with self.lock:
            if self.ended is not None:
                raise again(self.ended)
            claim = self.state.want(inbox, topics)
        is_kept = False
        try:
            self.pump.wake()
            await self.pump.wait(inbox.bell, lambda: claim.is_over or inbox.failure is not None, deadline)
            with self.lock:
                error = self._outcome(claim)
            if error is not None:
                raise error
            is_kept = True
        finally:
            with self.lock:
                self.state.release(claim, is_kept=is_kept)
            if not is_kept:
                self.pump.wake()

    def _outcome(self, claim: Claim) -> Exception | None:
        if claim.error is not None:
            return again(claim.error)
        if not claim.missing:
            return None
        if claim.inbox.failure is not None:
            return again(claim.inbox.failure)
        names = ", ".join(sorted(name.decode("utf-8", "replace") for _, name in claim.missing))
        return PoolTimeout(f"{self.options.address} has not confirmed in time that it subscribed to {names}")

    def drop(self, inbox: Inbox, topics: Iterable[Topic]) -> None:
        """End some of what a subscriber wants."""
        with self.lock:
            self.state.drop(inbox, topics)
        inbox.bell.ring()  # calls that wait for these topics need them no more
        self.pump.wake()

    async def leave(self, inbox: Inbox) -> None:
        """End everything that a subscriber wants; without subscribers the hub ends."""
        if self._is_forgotten:
            return
        try:
            if self.leave_now(inbox):
                await self.end(UsageError("this subscriber is closed"))
        except BaseException:  # whoever is interrupted does the rest: what is left does not wait
            if self.leave_now(inbox) and self.pump.is_idle:
                self.clean()
            raise

    def leave_now(self, inbox: Inbox) -> bool:
        """Do the same, but leave an end to the caller: return whether nobody is left."""
        closed = UsageError("this subscriber is closed")
        with self.lock:
            self.state.leave(inbox)
            inbox.failure = inbox.failure or closed
            is_last = not self.state.inboxes
            if is_last and self.ended is None:
                self.ended = closed
        self.pump.wake()
        return is_last

    # Work --------------------------------------------------------------------------------------------

    def work(self) -> tuple[float, list[Line]]:
        """Do what is due. Return after how many seconds to call this again, and the lines to dial (Rule 2)."""
        with self.lock:
            if self.ended is not None:
                return float("inf"), []
            now = self.now()
            self._place(now)
            seconds = self.state.next_at() - now
            for line in list(self.lines.values()):
                seconds = min(seconds, self._tend(line, now))
            dials = [line for line in self.lines.values() if line.connection is None and not line.is_dialing]
            for line in dials:
                line.is_dialing = True
        self._tell()
        return max(seconds, 0.001), dials

    def _place(self, now: float) -> None:
        """Assign topics to lines."""
        is_missing = False
        for topic in self.state.homeless(now):
            serving = self.homes.home_of(topic)
            if serving is None:
                is_missing = True
                self.state.put_off(topic, now)
                continue
            if serving not in self.lines:
                self.lines[serving] = Line(serving)
            line = self.lines[serving]
            self.state.assign(topic, line)
            if line.said.is_live(topic):  # it was dropped just before, and the server does not know that yet
                self.state.confirmed(line, topic, now)
                _ring(self.state.readers(line, topic))
        if is_missing:
            self.homes.missing()

    def hurry(self) -> None:
        """Try again to assign all topics that have no line: more is known about the nodes."""
        with self.lock:
            self.state.hurry()
        self.pump.wake()

    def _tend(self, line: Line, now: float) -> float:
        """Send what is due on a line, or end it; return after how many seconds to look again."""
        wanted = self.state.topics_of(line)
        connection, said, options = line.connection, line.said, self.options
        if connection is None:
            if not wanted and not line.is_dialing:
                del self.lines[line.serving]
            return float("inf")
        if not wanted:
            self._give_back(line)
            return 0.0
        if not connection._transport.is_open or line.serving.ledger.closed:
            self._lost(line, now)
            return 0.0
        if line.drains != line.serving.drains:
            self._lost(line, now, "the pool was drained")
            return 0.0
        commands = said.send(wanted, now)
        said.heard = line.heard()
        if now >= said.silent_at(options.read_timeout):
            connection._transport.abort_as_silent()
            self._lost(line, now)
            return 0.0
        if now >= said.ping_at(options.keepalive):
            commands += said.ping(now)
        if commands:
            self.pump.write(line, pack_many(commands, self._pack))
        next_at = min(said.silent_at(options.read_timeout), said.ping_at(options.keepalive))
        return min(next_at - now, LOOK_AGAIN)

    def _lost(self, line: Line, now: float, why: str = "the node has left the pool") -> None:
        """Take all topics from a line whose connection has ended, or must not go on."""
        error = line.connection._transport.error if line.connection is not None else None
        count = self.state.lost(line, self._gap("lost", line, now), now)
        self._give_back(line)
        if count:
            self.homes.missing()
            error = error or ConnectionLost(why, address=line.address)
            self._news.append(partial(self._emit, SubscriptionLost, line.address, count, error))

    def _gap(self, reason: str, line: Line, now: float) -> Gap:
        """Return a gap that begins when the last of what has come on a line was sent at the latest."""
        return Gap(reason, time.time() - max(now - self.pump.certain_at(line), 0.0))

    def _give_back(self, line: Line) -> None:
        """Give the connection of a line back, to be closed. A thread interrupted in here leaves the rest for later."""
        connection = line.connection
        if connection is not None:
            self.pump.detach(line)
            try:
                line.serving.leases.give_back(connection)
            finally:
                if connection._slot is None:
                    line.connection = None
        if self.lines.get(line.serving) is line:
            del self.lines[line.serving]

    async def connect(self, line: Line, deadline: float | None) -> None:
        """Lease a connection for a line, for no longer than until ``deadline``."""
        leases, line.drains = line.serving.leases, line.serving.drains
        try:
            timeout = self.options.acquire_timeout if deadline is None else max(deadline - self.now(), 0.0)
            connection = await leases.borrow(timeout)
        except PoolTimeout as error:
            if error.last_dial_error is not None:
                self._failed(line, error.last_dial_error)
                return
            line.is_dialing = False  # nobody is to blame: it is tried again
            self.pump.wake()
            return
        except Exception as error:  # a user's hook may raise anything
            self._failed(line, error)
            return
        except BaseException:
            line.is_dialing = False
            raise
        try:
            with self.lock:
                line.is_dialing = False
                if self.ended is None and self.lines.get(line.serving) is line:
                    line.said = Subscribed(self.now(), self.homes.slot_of)
                    line.connection = connection
                    self.pump.attach(line)
        finally:
            if line.connection is not connection:
                leases.give_back(connection)
        self.pump.wake()

    def _failed(self, line: Line, error: Exception) -> None:
        """Note that a line cannot be connected: its topics are tried again, perhaps elsewhere."""
        with self.lock:
            line.is_dialing = False
            self.homes.unreachable(line.serving)
            if isinstance(error, PoolClosed):  # the node has left the pool, and callers wait for its successor
                self.state.lost(line, Gap("lost", time.time()), self.now())
            else:
                self.state.failed(line, error, self.now())
            self._give_back(line)
            inboxes = list(self.state.inboxes)
        _ring(inboxes)
        self.pump.wake()

    # What servers say --------------------------------------------------------------------------------

    def received(self, line: Line, frame: Any) -> None:
        """Take a frame that came on a line. Raises ProtocolError for one that fits nowhere."""
        with self.lock:
            outcome = line.said.received(frame, self.now())
            if isinstance(outcome, Delivery):
                self._deliver(line, outcome)
            elif outcome is not None:
                self._note(line, outcome)
        if self._news:
            self._tell()

    def _deliver(self, line: Line, delivery: Delivery) -> None:
        for inbox in self.state.readers(line, delivery.topic):
            if not inbox.put(delivery.item, time.time()):
                self._news.append(
                    partial(self._emit, MessageDropped, line.address, delivery.item.channel, inbox.dropped)
                )
            inbox.bell.ring()

    def _note(self, line: Line, outcome: Confirmed | Ended | Refused) -> None:
        now = self.now()
        if isinstance(outcome, Confirmed):
            back = self.state.confirmed(line, outcome.topic, now)
            _ring(self.state.readers(line, outcome.topic))
            if back is not None:
                name = outcome.topic[1]
                self._news.append(partial(self._emit, SubscriptionRestored, line.address, name, back.seconds))
                if back.old != line.address:
                    facts = (name, back.old, line.address, back.seconds)
                    self._news.append(partial(self._emit, SubscriptionMoved, line.address, *facts))
        elif isinstance(outcome, Ended):
            self.homes.ended(line.serving, outcome.topic, self.hurry)
            self.state.lost(line, self._gap("moved", line, now), now, [outcome.topic])
            self.pump.wake()
        else:
            self._refused(line, outcome, now)
            _ring(self.state.inboxes)

    def _refused(self, line: Line, outcome: Refused, now: float) -> None:
        first = outcome.topics[0]
        if self.homes.refused(line.serving, first, outcome.error):
            is_hop = self.homes.home_of(first) not in (None, line.serving)
            self.state.lost(line, self._gap("moved", line, now), now, outcome.topics, is_hop=is_hop)
        else:
            self.state.refused(outcome.topics, outcome.error)
        self.pump.wake()

    def _emit(self, kind: type[Event], *facts: Any) -> None:
        notify(self.options.listener, kind, *facts)

    def _tell(self) -> None:
        """Call the listener for all that has happened (Rule 6)."""
        while self._news:
            try:
                news = self._news.pop(0)
            except IndexError:  # another thread was quicker
                return
            news()

    # The end -----------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """End because of a mistake: every subscriber gets the error."""
        with self.lock:
            failure: Error = ConnectFailed("a subscriber cannot go on", address=self.options.address)
            failure.__cause__ = error
            self.finish(failure)
            self.clean()

    def finish(self, error: Error) -> None:
        """Do nothing any more: subscribers get the error once they have taken what is there. ``end`` must follow."""
        with self.lock:
            if self.ended is None:
                self.ended = error
            inboxes = list(self.state.inboxes)
            for inbox in inboxes:
                inbox.failure = inbox.failure or error
        _ring(inboxes)
        self.pump.wake()

    async def end(self, error: Error) -> None:
        """End for good, and give all connections back."""
        self.finish(error)
        try:
            await self.pump.stop()
        finally:
            if self.pump.is_idle:  # else the thread that reads does it
                self.clean()

    def clean(self) -> None:
        """Give all connections back, once nobody uses them any more."""
        with self.lock:
            for line in list(self.lines.values()):
                self._give_back(line)
        self.pump.close()

    def forget(self, error: Error) -> None:
        """Drop everything without a lock: it belongs to a parent process, or its event loop has been closed (R-35)."""
        self._is_forgotten = True
        self.lock = RLock()  # a thread that does not exist here may hold the other one
        self.ended = self.ended or error
        for inbox in self.state.inboxes:
            inbox.failure = inbox.failure or error
        self.pump.forget()


def _ring(inboxes: Iterable[Inbox]) -> None:
    for inbox in inboxes:
        inbox.bell.ring()
