# Written once: respool/_sync/node/serving.py is generated from this file.
"""One node in service: its shared and its leased lane, and the calls that are tried on them.

Rule 1: a command that may block uses a lease, any other a shared connection where there are any (R-20, R-21).
Rule 2: a try returns its reply, which may be an error value; ``retrying`` decides what next.
Rule 3: the effects of a lost or refused try (a pinned caller, a demoted connection) are recorded here, in the step
        that sees the failure.
"""

from __future__ import annotations

from typing import Any

from respool._async.node.closing import close, forget, wait_closed
from respool._async.node.lease_lane import LeaseLane
from respool._async.node.maintenance import maintain
from respool._async.node.node import Node
from respool._async.node.retrying import Call, Retrying, persist
from respool._async.node.select import leave_db, select_db, try_first
from respool._async.node.shared_lane import SharedLane
from respool._async.shell.compat import Alarm, Cancelled
from respool._facts.command import Spec
from respool._facts.errors import ConnectFailed, Error, TransportError, is_demoted
from respool._facts.option_types import Address
from respool._facts.options import Options
from respool._facts.stats import PoolStats
from respool._pooling.quota import Quota
from respool._protocol.run import ASKING, Run, behind_others, noreply_args
from respool._protocol.scripts import reply_to_last
from respool._shell.absent import FORKED, Absent


class Serving:
    """The node behind a pool, with its shared and its leased lane."""

    def __init__(self, options: Options, alarm: Alarm | None = None, quota: Quota | None = None) -> None:
        """Create the node; no I/O. ``start`` begins to dial.

        ``alarm``: that of a maintenance task which looks after several nodes; ``start`` is not called then. ``quota``:
        that of all these nodes.
        """
        self.node = node = Node(options, alarm, quota)
        #: The address to dial.
        self.address: Address = (options.host, options.port)
        self.ledger = node.ledger
        standing = options.standing
        #: Whether it was opened as a replica.
        self.is_replica = standing is not None and (standing.readonly or standing.expects == "replica")
        #: Which node has its slots, once it has lost its role as their primary.
        self.heir: Address | None = None
        #: How often it was drained: a subscriber has a lease that never comes back by itself.
        self.drains = 0
        #: The event loop that it belongs to.
        self.world = node.world
        self.shared = SharedLane(node)
        self.leases = LeaseLane(node)
        self.retrying = Retrying(node)
        node.on_change = self.shared.refresh

    def start(self) -> None:
        """Start maintenance and the first dials. Raises when no thread can be started."""
        self.node.tasks.start(maintain, self.node)
        self.node.settle()

    # Calls -------------------------------------------------------------------------------------------

    async def execute(self, args: tuple[Any, ...], spec: Spec, timeout: float | None, failure: Error | None) -> Any:
        """Run one command on the right lane, retry it where R-24 allows, and return its reply.

        ``failure`` is the error of a first try that was made elsewhere.
        """
        may_block = not spec.plain and spec.blocks_for(args) is not None
        is_safe = spec.safe and not may_block
        deadline = None if timeout is None else self.node.now() + timeout

        if failure is None:  # the first try needs nothing of what retries need
            try:
                reply = await self.try_once(args, spec, deadline, on_lease=may_block, elsewhere=False)
            except ConnectFailed as error:
                reply = error
            if not isinstance(reply, Error):
                return reply
            failure = reply
            del reply  # see below

        async def attempt(*, elsewhere: bool) -> Any:
            return await self.try_once(args, spec, deadline, on_lease=may_block, elsewhere=elsewhere)

        call = Call(
            attempt, self.retrying, spec.name, deadline, is_safe=is_safe, runs_code=spec.runs_code, within=timeout
        )
        try:
            return await persist(call, failure)
        finally:
            del failure  # the raised error refers to this frame: without a cycle, no gc run is needed

    async def execute_run(self, run: Run, deadline: float | None, within: float | None) -> list[Any]:
        """Run a pipeline on one connection; return one value per command, server errors as values."""
        may_block = run.may_block

        async def attempt(*, elsewhere: bool) -> Any:
            replies = await self.try_run(run, deadline, on_lease=may_block or run.is_big, elsewhere=elsewhere)
            return (run.why_not_now(replies) if run.is_atomic else None) or replies

        try:
            replies = await attempt(elsewhere=False)
        except ConnectFailed as error:
            replies = error
        if isinstance(replies, Error):
            is_safe = run.is_safe and not may_block
            call = Call(attempt, self.retrying, "a pipeline", deadline, is_safe=is_safe, within=within)
            try:
                replies = await persist(call, replies)
            except Error:
                del replies  # the raised error refers to this frame: no reference cycle
                raise
        return run.read(replies)

    async def execute_noreply(self, run: Run) -> None:
        """Send a run without waiting for replies. Raises if it was certainly not sent."""
        sent = noreply_args(run)

        async def attempt(*, elsewhere: bool) -> Any:
            return await self.try_noreply(sent)

        await persist(Call(attempt, self.retrying, "a run without reply", None, is_safe=False))

    # One try -----------------------------------------------------------------------------------------

    async def try_once(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        deadline: float | None,
        *,
        on_lease: bool,
        elsewhere: bool,
        asking: bool = False,
    ) -> Any:
        """Send one command once; return its reply, which may be an error value.

        ``elsewhere`` avoids shared connections that are to be replaced; for leases the ledger does so. ``asking``: send
        it directly behind an ASKING.
        """
        if on_lease or not self.ledger.shared_target:
            if on_lease:
                await self.shared.catch_up(deadline)
            elif spec.plain and not asking:
                return await self.leases.run(args, spec, deadline, self._left(deadline))
            lease = await self.leases.borrow(self._left(deadline))
            try:
                reply = await lease._request(args, spec, deadline, asking=asking)
                if isinstance(reply, Error) and is_demoted(reply, runs_code=spec.runs_code) and lease._slot is not None:
                    self.node.demoted(lease._slot)
                return reply
            finally:
                self.leases.give_back(lease)
        shared = self.shared
        transport = await shared.wait(deadline, elsewhere=elsewhere)
        try:
            if asking or spec.script is not None:
                commands, blobs = behind_others(args, spec, asking=asking)
                reply = reply_to_last(await transport.submit_many(commands, deadline, blobs), spec)
            else:
                reply = await transport.submit_until(args, deadline, blob=spec.blob)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        if isinstance(reply, TransportError):
            shared.pin(transport)
        elif isinstance(reply, Error) and is_demoted(reply, runs_code=spec.runs_code):
            shared.demoted(transport)
        return reply

    async def try_run(
        self, run: Run, deadline: float | None, *, on_lease: bool, elsewhere: bool, asking: bool = False
    ) -> Any:
        """Send a run once; return the list of its replies, or an error value.

        A run that is merely big uses a shared connection if none can be leased; one that may block never does (R-21).
        ``asking``: send it directly behind an ASKING, which serves a whole transaction.
        """
        must_lease = run.blocks_for is not None
        if must_lease or (on_lease and self.ledger.leasable > 0) or not self.ledger.shared_target:
            if on_lease:
                await self.shared.catch_up(deadline)
            lease = await self.leases.borrow(self._left(deadline))
            try:
                if asking:
                    await lease._transport.submit_until(ASKING, deadline)
                replies = await lease._send_run(run, deadline)
                if run.is_refused_as_replica(replies) and lease._slot is not None:
                    self.node.demoted(lease._slot)
                return replies
            finally:
                self.leases.give_back(lease)
        shared = self.shared
        transport = (None if elsewhere else shared.only) or await shared.wait(deadline, elsewhere=elsewhere)
        try:
            if asking:
                blobs = {at + 1: kept for at, kept in run.blobs.items()}
                replies = await transport.submit_many([ASKING, *run.args], deadline, blobs)
                replies = replies if isinstance(replies, Error) else replies[1:]
            else:
                replies = await transport.submit_many(run.args, deadline, run.blobs)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        replies = run.own(replies)
        if isinstance(replies, TransportError):
            shared.pin(transport)
        elif run.is_refused_as_replica(replies):
            shared.demoted(transport)
        return replies

    async def try_noreply(self, commands: list[tuple[Any, ...]]) -> Any:
        """Send a run of which only the last command is answered; return the error if it was certainly not sent.

        On a lease this waits for that answer: a connection with a pending reply cannot be lent again.
        """
        if self.ledger.shared_target:
            transport = await self.shared.wait(None)
            error = await transport.submit_noreply(commands)
            self.shared.pin(transport)
            return error
        lease = await self.leases.borrow(self._left(None))
        try:
            reply = await lease._transport.submit_guarded(commands, len(commands) - 1)
        finally:
            self.leases.give_back(lease)
        return reply if isinstance(reply, TransportError) and reply.executed == "no" else None

    def release(self, lease: Any) -> None:
        """Take a lease back at once. Raises UsageError, and changes nothing, if it is not a current lease."""
        self.leases.release(lease)

    def _left(self, deadline: float | None) -> float | None:
        """Return how many seconds the caller may wait for a lease."""
        return self.node.options.acquire_timeout if deadline is None else deadline - self.node.now()

    # Control -----------------------------------------------------------------------------------------

    def is_inside(self) -> bool:
        """Tell whether this very thread is at work in here: it runs a signal handler or a finaliser then."""
        return self.node.is_inside()

    def check_outside(self) -> None:
        """Raise UsageError if ``is_inside``."""
        self.node.check_outside()

    async def wait_ready(self, seconds: float | None, *, is_strict: bool) -> None:
        """Wait until ``min_size`` and the shared connections are up; ``is_strict`` raises the first dial's error."""
        await self.shared.wait_ready(None if seconds is None else self.node.now() + seconds, is_strict=is_strict)

    def resize(self, min_size: int, max_size: int) -> None:
        """Set new bounds (R-34)."""
        with self.node.lock:
            self.ledger.resize(min_size=min_size, max_size=max_size)
        self.node.on_change()  # another number of shared connections may be allowed
        self.node.settle()

    async def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        self.discard_idle()
        await wait_closed(self.node)

    def discard_idle(self) -> None:
        """Close all idle connections, without waiting."""
        with self.node.lock:
            self.ledger.clear()
        self.node.settle()

    def drain(self) -> None:
        """Begin a new epoch: replace every connection (R-34)."""
        self.drains += 1
        self.node.drain()

    @property
    def db(self) -> int:
        """The database of its connections."""
        return self.node.db

    async def select(self, db: int, *, verify: bool) -> None:
        """Move to another database, one caller at a time (R-34). Raises the server's error, with nothing changed."""
        async with self.node.selecting:
            first = await try_first(self.node, self.leases, self.shared, db) if verify else None
            await select_db(self.node, db, first)

    def leave_db(self, db: int) -> None:
        """Make ``db`` the database of later connections, and close those that are idle or shared; no waiting."""
        leave_db(self.node, db)

    # Counting ----------------------------------------------------------------------------------------

    @property
    def trouble(self) -> int:
        """How likely a caller must wait for a connection: 0 if one is up, 1 if none is, 2 if the last dial failed."""
        if self.ledger.size > self.ledger.dialing:
            return 0
        return 1 if self.ledger.redial.last_error is None else 2

    def gauge(self, name: str) -> int:
        """Return one of the ledger's counts: size, idle, leased, shared, dialing or waiting."""
        count: int = getattr(self.ledger, name)
        return count

    def stats(self) -> PoolStats:
        """Return all counts as one value."""
        budget = self.retrying.budget
        return self.node.stats(in_flight=self.shared.in_flight, retries=budget.taken, retries_refused=budget.refused)

    # The end -----------------------------------------------------------------------------------------

    async def close(self, seconds: float | None) -> None:
        """Close everything; commands in flight on shared connections have ``seconds`` to finish (R-33)."""
        await close(self.node, seconds)

    def abandon(self) -> None:
        """Let the maintenance task, if there is one, close the node: in a finaliser, or after a failed start."""
        self.node.abandon()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket: it belongs to a parent process, or its event loop has been closed (R-35)."""
        forget(self.node, instead)
