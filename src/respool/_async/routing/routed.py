# Written once: respool/_sync/routing/routed.py is generated from this file.
"""A call that one node of a cluster serves: a command, a transaction, a lease.

Rule 1: it goes where the map says, and from there where redirects say, all within its deadline. A redirect is no retry
        (see ``retrying``): ``redirect`` decides which answers are redirects, and how many a call follows.
Rule 2: a call that waits for a node which leaves the cluster goes to its successor: it was not sent.
Rule 3: a call without a deadline waits as long for a slot that is being moved as it would wait for a lease.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool._async.node.connection import AsyncConnection
from respool._async.node.retrying import Call
from respool._async.node.serving import Serving
from respool._async.routing.cluster import Cluster
from respool._async.routing.members import gone
from respool._facts.errors import Error, PoolClosed, ReadTimeout
from respool._facts.option_types import Address
from respool._protocol.redirect import Hops, Redirect, Step


class Routed(Call):
    """A call that one node serves."""

    __slots__ = (
        "_asking",
        "_cluster",
        "_give_up_at",
        "_hops",
        "_is_over",
        "_node",
        "_read",
        "_reads",
        "_send",
        "_serving",
        "_slot",
    )

    def __init__(
        self,
        cluster: Cluster,
        slot: int | None,
        send: Callable[..., Any],
        read: Callable[[Error, Address], Redirect | None],
        name: str,
        deadline: float | None,
        *,
        is_safe: bool,
        runs_code: bool = False,
        within: float | None = None,
        node: Address | None = None,
        tried: Serving | None = None,
        reads: bool = False,
    ) -> None:
        """Describe a call.

        ``send(serving, elsewhere=, asking=)`` tries it at a node, ``read(failure, address)`` reads a failure as a
        redirect. ``node``: the only node that may serve it. ``tried``: where a first try was made. ``reads``: replicas
        may serve it.
        """
        retrying: Any = None if tried is None else tried.retrying
        super().__init__(self._try, retrying, name, deadline, is_safe=is_safe, runs_code=runs_code, within=within)
        self._cluster = cluster
        self._slot = slot
        self._send = send
        self._read = read
        self._node = node
        self._reads = reads and slot is not None
        self._serving = tried
        self._asking: Serving | None = None
        self._hops = Hops()
        self._is_over = False  # the time to wait for a slot
        patience = cluster.options.acquire_timeout
        limit = None if patience is None else cluster.members.now() + patience
        self._give_up_at = limit if deadline is None else deadline

    @property
    def asked(self) -> Address | None:
        """The node that was asked last."""
        return None if self._serving is None else self._serving.address

    async def _try(self, *, elsewhere: bool) -> Any:
        asking, self._asking = self._asking, None
        serving = asking
        if serving is None and self._reads and self._slot is not None:
            serving = self._cluster.reader(self._slot)
        if serving is None:
            serving = await self._cluster.chosen(self._slot, self._node, self.deadline)
        self._serving = serving
        self.retrying = serving.retrying
        try:
            return await self._send(serving, elsewhere=elsewhere, asking=asking is not None)
        except PoolClosed:
            if self._cluster.closed:
                raise
            return gone(serving)

    def pause_before(self, failure: Error, tries: int) -> float | None:
        # Without a node the cluster has waited long enough.
        if self._serving is None or self._is_over or self._cluster.closed:
            return None
        return self.retrying.pause_before(failure, tries, self.deadline)

    def reroute(self, failure: Error) -> float | None:
        """Return after how many seconds to send the call where a failure says; None unless it is a redirect.

        Raises TooManyRedirects, and ReadTimeout if its time is over before it could go on.
        """
        serving = self._serving
        redirect = None if serving is None or self._node is not None else self._read(failure, serving.address)
        if redirect is None or serving is None:
            return None
        redirect = self._cluster.discovery.placed(redirect)
        if self._reads and self._slot is not None and serving.is_replica:
            self._cluster.leave_out(self._slot, serving)
            if redirect.step is Step.WAIT:  # another node can answer at once
                return 0.0
            self._reads = False
        self._asking = self._cluster.discovery.follow(redirect, serving)
        seconds = self._hops.pause_before(redirect, serving.address, self._cluster.members.chance())
        if self._give_up_at is not None and self._cluster.members.now() + seconds >= self._give_up_at:
            if redirect.step is Step.WAIT:
                self._is_over = True
                return None
            raise ReadTimeout(
                f"{self.name} was redirected ({failure}) until its time was over; it did not run",
                address=serving.node.options.address,
            )
        return seconds


class Borrower:
    """Lends connections to the node that serves a slot, or to one node. It is the lane of ``acquire`` in a cluster."""

    __slots__ = ("_cluster", "_node", "_slot")

    def __init__(self, cluster: Cluster, slot: int | None, node: Address | None) -> None:
        self._cluster = cluster
        self._slot = slot
        self._node = node

    async def borrow(self, timeout: float | None) -> AsyncConnection[Any]:
        """Return a lease within ``timeout`` seconds; the same errors as from one node."""
        cluster = self._cluster
        deadline = None if timeout is None else cluster.members.now() + timeout
        while True:
            serving = await cluster.chosen(self._slot, self._node, deadline)
            try:
                return await serving.leases.borrow(None if deadline is None else deadline - cluster.members.now())
            except PoolClosed:
                if cluster.closed:
                    raise
