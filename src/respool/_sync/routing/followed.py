# Generated from respool/_async/routing/followed.py by tools/generate.py. Do not edit.
"""Calls that follow a primary: a command, a pipeline, a lease.

Rule 1: a call goes to whoever is the primary when it is sent, and a read to a replica where ``read_from`` allows that.
        One that waits at a node which leaves goes to the next one: it was not sent.
Rule 2: a node that refuses a command as a replica does (READONLY, REDIRECT, UNBLOCKED, MASTERDOWN) is no primary any
        more. ``finder`` hears of it, and the call goes to the next primary, within its deadline. It did not run, so
        this is no retry (see ``retrying``).
Rule 3: a command that was in flight when its primary was cut may have run: a read is retried, a write raises
        OutcomeUnknown.
Rule 4: a command that may block keeps its own time: sent again, it waits for what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool._sync.node.connection import Connection
from respool._sync.node.retrying import Call, persist
from respool._sync.node.serving import Serving
from respool._sync.routing.members import gone
from respool._sync.routing.replication import Replication
from respool._facts.command import Spec
from respool._facts.errors import ConnectFailed, Error, PoolClosed, ReadTimeout, is_demoted
from respool._facts.option_types import Address
from respool._protocol.leftover import Leftover
from respool._protocol.redirect import Hops, Redirect, Step, read_refusal, read_run
from respool._protocol.run import Run, noreply_args


class Followed(Call):
    """A call that goes to the primary, whoever that is."""

    __slots__ = ("_give_up_at", "_group", "_hops", "_read", "_reads", "_send", "_serving")

    def __init__(
        self,
        group: Replication,
        send: Callable[..., Any],
        read: Callable[[Error, Address], Redirect | None],
        name: str,
        deadline: float | None,
        *,
        is_safe: bool,
        runs_code: bool = False,
        within: float | None = None,
        tried: Serving | None = None,
        reads: bool = False,
    ) -> None:
        """Describe a call.

        ``send(serving, elsewhere=)`` tries it at a node, ``read(failure, address)`` reads a failure as a refusal by a
        node that does not serve it now. ``tried``: where a first try was made. ``reads``: replicas may serve it.
        """
        retrying: Any = None if tried is None else tried.retrying
        super().__init__(self._try, retrying, name, deadline, is_safe=is_safe, runs_code=runs_code, within=within)
        self._group = group
        self._send = send
        self._read = read
        self._reads = reads
        self._serving = tried
        self._hops = Hops()
        patience = group.options.acquire_timeout
        limit = None if patience is None else group.members.now() + patience
        self._give_up_at = limit if deadline is None else deadline

    def _try(self, *, elsewhere: bool) -> Any:
        self._serving = None  # until there is one, no node can be blamed
        serving = self._group.reader() if self._reads else None
        if serving is None:
            serving = self._group.primary(self.deadline)
        self._serving = serving
        self.retrying = serving.retrying
        try:
            return self._send(serving, elsewhere=elsewhere)
        except PoolClosed:
            if self._group.closed:
                raise
            return gone(serving)

    def pause_before(self, failure: Error, tries: int) -> float | None:
        if self._serving is None or self._group.closed:  # for a primary it has waited long enough
            return None
        return self.retrying.pause_before(failure, tries, self.deadline)

    def reroute(self, failure: Error) -> float | None:
        """Return after how many seconds to send the call again; None unless its node does not serve it now.

        Raises ReadTimeout if its time is over before it could go on.
        """
        serving, group = self._serving, self._group
        if serving is None:
            return None
        refusal = self._read(failure, serving.address)
        if refusal is None:
            if is_demoted(failure, runs_code=self.runs_code):
                group.finder.demoted(serving)
            return None
        if serving.is_replica:
            group.pass_over(serving)
            if refusal.step is Step.WAIT:  # another node can answer at once
                self._reads = group.reader() is not serving
                return 0.0
        elif refusal.needs_refresh:
            group.finder.demoted(serving, refusal.to)
        seconds = self._hops.pause_before(refusal, serving.address, group.members.chance())
        if self._give_up_at is not None and group.members.now() + seconds >= self._give_up_at:
            if refusal.step is Step.WAIT:
                return None
            raise ReadTimeout(
                f"{self.name} was refused ({failure}) until its time was over; it did not run",
                address=serving.node.options.address,
            )
        return seconds


class ReplicationCalls(Replication):
    """A primary and its replicas that serve the calls of a pool."""

    def execute(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None = None,
    ) -> Any:
        """Run one command and return its reply. ``failure`` is the error of a first try at the node ``tried``."""
        now = self.members.now
        deadline = None if timeout is None else now() + timeout
        limit = spec.blocks_for(args)
        ends_at = None if limit is None else now() + limit
        may_block = ends_at is not None
        was_refused = False

        def send(serving: Serving, *, elsewhere: bool) -> Any:
            call = args
            if was_refused and ends_at is not None and ends_at != float("inf"):
                call = spec.with_timeout(args, ends_at - now())
            return serving.try_once(call, spec, deadline, on_lease=may_block, elsewhere=elsewhere)

        def read(failure: Error, asked: Address) -> Redirect | None:
            nonlocal was_refused
            refusal = refusal_of(failure, asked, spec)
            was_refused = was_refused or refusal is not None
            return refusal

        call = Followed(
            self,
            send,
            read,
            spec.name,
            deadline,
            is_safe=spec.safe and not may_block,
            runs_code=spec.runs_code,
            within=timeout,
            tried=tried,
            reads=spec.reads and not may_block,
        )
        try:
            return persist(call, failure)
        finally:
            del failure

    def execute_run(self, run: Run, deadline: float | None, within: float | None) -> list[Any]:
        """Run a pipeline on one connection; return one value per command, server errors as values.

        What the node has refused, all of an atomic run, goes to the next primary.
        """
        leftover = Leftover(run)
        may_block = run.may_block
        found: Redirect | None = None

        def send(serving: Serving, *, elsewhere: bool) -> Any:
            nonlocal found
            part = leftover.run
            replies = serving.try_run(part, deadline, on_lease=may_block or part.is_big, elsewhere=elsewhere)
            if isinstance(replies, Error):
                return replies
            if run.is_atomic:
                found, refusal = _refusal_of_atomic(run, replies, serving.address)
            else:
                found, refusal = leftover.take(replies, lambda error, spec: refusal_of(error, serving.address, spec))
            if refusal is None and part.is_refused_as_replica(replies):
                self.finder.demoted(serving)
            return refusal or replies

        def read(_: Error, asked: Address) -> Redirect | None:
            nonlocal found
            redirect, found = found, None
            return redirect

        reads = not run.is_atomic and not may_block and all(spec.reads for spec in run.specs)
        is_safe = run.is_safe and not may_block
        call = Followed(self, send, read, "a pipeline", deadline, is_safe=is_safe, within=within, reads=reads)
        try:
            replies = persist(call)
        except Error as error:
            if not leftover.has_answers:
                raise
            leftover.fail(error)
            return run.read(leftover.replies)
        return run.read(replies if run.is_atomic else leftover.replies)

    def execute_noreply(self, run: Run) -> None:
        """Send a run without waiting for replies. Raises if it was certainly not sent."""
        sent = noreply_args(run)

        def send(serving: Serving, *, elsewhere: bool) -> Any:
            return serving.try_noreply(sent)

        persist(Followed(self, send, _nothing, "a run without reply", None, is_safe=False))

    def borrow(self, timeout: float | None) -> Connection[Any]:
        """Lease a connection to the primary within ``timeout`` seconds; the same errors as from one node."""
        now = self.members.now
        deadline = None if timeout is None else now() + timeout
        while True:
            serving = self.primary(deadline)
            try:
                return serving.leases.borrow(None if deadline is None else deadline - now())
            except (PoolClosed, ConnectFailed):
                if self.closed or serving is self.place.primary:
                    raise


def refusal_of(failure: Error, asked: Address, spec: Spec) -> Redirect | None:
    """Read the error of a node that does not serve a command now; None if it is another error, or proves nothing."""
    redirect = read_refusal(failure, asked, spec)
    return redirect if redirect is not None and redirect.slot is None else None


def _refusal_of_atomic(run: Run, replies: list[Any], asked: Address) -> tuple[Redirect | None, Error | None]:
    """Return how a run goes on that a node refused as a whole, and an error that says so; None twice if it did not."""
    refusal = run.why_not_now(replies)
    if refusal is None:
        return None, None
    redirect = read_run(run, replies, asked)
    if redirect is None and is_demoted(refusal):
        redirect = Redirect("READONLY", Step.WAIT, needs_refresh=True)
    return redirect, refusal


def _nothing(_: Error, asked: Address) -> Redirect | None:
    """Return None: no server answers a run without reply."""
