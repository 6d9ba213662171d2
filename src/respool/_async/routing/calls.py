# Written once: respool/_sync/routing/calls.py is generated from this file.
"""How the calls of a pool are served by the nodes of a cluster.

Rule 1: a command whose keys are in one slot goes to the node that serves it; one that any node can answer goes to any
        primary; every other one is spread (``scatter``). A transaction is served by one node as a whole.
Rule 2: a command that may block keeps its own time: sent again after a redirect, it waits for what is left of it.
Rule 3: what is sent without waiting for a reply is spread too, and its replies are read later (``errands``). To a node
        that the caller names it is sent as to a pool of one node, for no redirect would be followed.
"""

from __future__ import annotations

from typing import Any

from respool._async.node.retrying import persist
from respool._async.node.serving import Serving
from respool._async.routing.cluster import Cluster
from respool._async.routing.discovery import as_text
from respool._async.routing.errands import Errands
from respool._async.routing.routed import Routed
from respool._async.routing.scatter import Spread, execute_spread
from respool._facts.cluster_options import ClusterOptions
from respool._facts.command import Spec
from respool._facts.errors import Error, TryAgain
from respool._facts.option_types import Address
from respool._protocol.misdirected import named_wrongly
from respool._protocol.redirect import Redirect, read_redirect, read_run
from respool._protocol.run import Run, noreply_args
from respool._routing.splitting import goes_anywhere, keys_of, one_slot


class ClusterCalls(Cluster):
    """A cluster that serves the calls of a pool."""

    def __init__(self, options: ClusterOptions) -> None:
        """Prepare; no I/O."""
        super().__init__(options)
        self._errands = Errands(self.members, options.max_in_flight)
        #: Whether no node has said yet that it does not know CLUSTERSCAN.
        self.knows_clusterscan = True

    async def execute(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None = None,
        node: Address | None = None,
    ) -> Any:
        """Run one command where its keys are, or at ``node``, and return its reply.

        ``failure`` is the error of a first try at the node ``tried``.
        """
        deadline = None if timeout is None else self.members.now() + timeout
        slots = self.slots_of(args, spec)
        if node is None and (len(slots) > 1 or not (slots or goes_anywhere(spec))):
            return await execute_spread(self, args, spec, deadline)
        call = self._routed(args, spec, slots.pop() if slots else None, deadline, timeout, tried, node)
        try:
            return await persist(call, failure)
        finally:
            del failure

    async def execute_and_tell(
        self, args: tuple[Any, ...], spec: Spec, timeout: float | None
    ) -> tuple[Any, Address | None]:
        """Run one command where its first key is, and return its reply with the address of the node that gave it."""
        deadline = None if timeout is None else self.members.now() + timeout
        call = self._routed(args, spec, self.slot_of(keys_of(spec, args)[0]), deadline, timeout)
        return await persist(call), call.asked

    def _routed(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        slot: int | None,
        deadline: float | None,
        within: float | None,
        tried: Serving | None = None,
        node: Address | None = None,
    ) -> Routed:
        """Describe the call of a command that one node serves."""
        limit = spec.blocks_for(args)
        ends_at = None if limit is None else self.members.now() + limit
        was_redirected = False

        async def send(serving: Serving, *, elsewhere: bool, asking: bool) -> Any:
            may_block, call = ends_at is not None, args
            if was_redirected and ends_at is not None and ends_at != float("inf"):
                call = spec.with_timeout(args, ends_at - self.members.now())
            reply = await serving.try_once(call, spec, deadline, on_lease=may_block, elsewhere=elsewhere, asking=asking)
            return reply if node is None else named_wrongly(reply, as_text(node))

        def read(failure: Error, asked: Address) -> Redirect | None:
            nonlocal was_redirected
            redirect = read_redirect(failure, asked, spec, slot)
            was_redirected = was_redirected or redirect is not None
            return redirect

        return Routed(
            self,
            slot,
            send,
            read,
            spec.name,
            deadline,
            is_safe=spec.safe and ends_at is None,
            runs_code=spec.runs_code,
            within=within,
            node=node,
            tried=tried,
            reads=spec.reads and ends_at is None,
        )

    async def execute_run(
        self, run: Run, deadline: float | None, within: float | None, node: Address | None = None
    ) -> list[Any]:
        """Run a pipeline; return one value per command, errors of servers and of nodes that failed as values."""
        if not (run.is_atomic or node is not None):
            await self.ready(deadline)
            return await Spread(self, run, deadline).values()
        slot = one_slot(run, self.slot_of) if node is None else None
        may_block = run.may_block
        found: Redirect | None = None

        async def send(serving: Serving, *, elsewhere: bool, asking: bool) -> Any:
            nonlocal found
            on_lease = may_block or run.is_big
            replies = await serving.try_run(run, deadline, on_lease=on_lease, elsewhere=elsewhere, asking=asking)
            if node is not None:
                return _named_wrongly(replies, as_text(node))
            found = read_run(run, replies, serving.address)
            refusal = run.why_not_now(replies) if run.is_atomic else None
            if found is not None and refusal is None:
                why = f"the transaction was not run: its slot is being moved ({found.code})"
                refusal = TryAgain("TRYAGAIN", why)
            return refusal or replies

        def read(_: Error, asked: Address) -> Redirect | None:
            nonlocal found
            redirect, found = found, None
            return redirect

        is_safe = run.is_safe and not may_block
        call = Routed(self, slot, send, read, "a pipeline", deadline, is_safe=is_safe, within=within, node=node)
        return run.read(await persist(call))

    async def execute_noreply(self, run: Run, node: Address | None = None) -> None:
        """Send a run without waiting for replies, all of it to ``node``. Raises if it was certainly not sent."""
        noreply_args(run)  # refuses what it would refuse on one node
        await self.ready(None)
        if node is not None:
            await self.node(node).execute_noreply(run)
            return
        await self._errands.send(Spread(self, run, None))

    async def close(self, seconds: float | None) -> None:
        """Close everything (R-33), once what was sent without waiting has been answered."""
        try:
            if not self.is_inside():
                await self._errands.wait(None if seconds is None else self.members.now() + seconds)
        finally:
            await super().close(seconds)


def _named_wrongly(replies: Any, node: str) -> Any:
    """Do ``named_wrongly`` to all replies of a run, which may be an error value."""
    if isinstance(replies, Error) or not any(issubclass(kind, Error) for kind in set(map(type, replies))):
        return replies
    return [named_wrongly(reply, node) for reply in replies]
