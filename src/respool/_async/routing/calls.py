# Written once: respool/_sync/routing/calls.py is generated from this file.
"""How the calls of a pool are served by the nodes of a cluster.

Rule 1: a command whose keys are in one slot goes to the node that serves it; one that any node can answer goes to any
        primary; every other one is split (``scatter``).
Rule 2: a command that may block keeps its own time: sent again after a redirect, it waits for what is left of it.
"""

from __future__ import annotations

from typing import Any

from respool._async.node.connection import AsyncConnection
from respool._async.node.retrying import persist
from respool._async.node.serving import Serving
from respool._async.routing.cluster import Cluster
from respool._async.routing.routed import Routed
from respool._facts.command import Spec
from respool._facts.errors import Error, UsageError
from respool._facts.option_types import Address
from respool._facts.routing_table import ROUTES, Where
from respool._protocol.redirect import Redirect, read_redirect
from respool._routing.splitting import keys_of


class ClusterCalls(Cluster):
    """A cluster that serves the calls of a pool."""

    async def execute(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None = None,
    ) -> Any:
        """Run one command where its keys are, and return its reply.

        ``failure`` is the error of a first try at the node ``tried``.
        """
        deadline = None if timeout is None else self.members.now() + timeout
        slots = {self.slot_of(key) for key in keys_of(spec, args)}
        slot = slots.pop() if slots else None
        may_block = spec.blocks_for(args) is not None

        async def send(serving: Serving, *, elsewhere: bool, asking: bool) -> Any:
            return await serving.try_once(
                args, spec, deadline, on_lease=may_block, elsewhere=elsewhere, asking=asking
            )

        def read(failure: Error, asked: Address) -> Redirect | None:
            return read_redirect(failure, asked, spec, slot)

        call = Routed(
            self,
            slot,
            send,
            read,
            spec.name,
            deadline,
            is_safe=spec.safe and not may_block,
            runs_code=spec.runs_code,
            within=timeout,
            tried=tried,
        )
        try:
            return await persist(call, failure)
        finally:
            del failure

    def release(self, lease: AsyncConnection[Any]) -> None:
        """Take a lease back at once. Raises UsageError, and changes nothing, if it is not a current lease."""
        for serving in self.members.all():
            if getattr(lease, "_lane", None) is serving.leases:
                serving.leases.release(lease)
                return
        raise UsageError("this connection was not leased from this pool, or was released already")


_ = ROUTES, Where
