# Generated from respool/_async/routing/cluster.py by tools/generate.py. Do not edit.
"""A cluster in service: which node serves which slot, and who waits while there is none.

Rule 1: a caller whose slot has a node waits for no refresh. Without one, it waits for the next change of the map, as
        long as it would wait for a node that is down.
Rule 2: ``discovery`` keeps the map up to date, ``slot_map`` holds it. What concerns all nodes alike is in ``group``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from respool._sync.node.serving import Serving
from respool._sync.routing.discovery import Discovery, as_text
from respool._sync.routing.group import Group
from respool._sync.routing.lease_watch import LeaseWatch
from respool._sync.routing.slot_map import NOWHERE
from respool._facts.cluster_options import ClusterOptions
from respool._facts.command import Spec
from respool._facts.errors import ClusterDown, ConnectTimeout, Error, PoolClosed, UsageValueError, again
from respool._facts.option_types import Address
from respool._protocol.redirect import Redirect, read_refusal


class Cluster(Group[ClusterOptions]):
    """The nodes of a cluster, and which of them serves which slot."""

    def __init__(self, options: ClusterOptions) -> None:
        """Prepare; no I/O."""
        self.discovery = Discovery(options)
        super().__init__(options, self.discovery.members)
        self.map = self.discovery.map
        self.map.watch_for = partial(LeaseWatch, self.discovery)
        #: Who serves each slot; who may answer reads of it.
        self.table = self.map.table
        self.readers = self.map.readers

    # Who serves what ---------------------------------------------------------------------------------

    def chosen(self, slot: int | None, node: Address | None, deadline: float | None) -> Serving:
        """Return the node with an address, or without one what ``owner`` returns. Raises UsageValueError too."""
        if node is None:
            return self.owner(slot, deadline)
        self.ready(deadline)
        return self.node(node)

    def owner(self, slot: int | None, deadline: float | None) -> Serving:
        """Return the primary of a slot, or any primary for None, waiting while there is none (Rule 1).

        Raises ClusterDown, the error of a failed round, PoolClosed.
        """
        members, discovery = self.members, self.discovery
        came, failed_before = members.now(), discovery.failed_rounds
        patience = self.options.connect_timeout
        give_up_at = float("inf") if patience is None else came + patience
        while True:
            gate = self.map.gate
            serving = self.owner_now(slot)
            if serving is not NOWHERE:
                return serving  # type: ignore[no-any-return]
            if members.closed:
                raise PoolClosed(f"the pool of {self.options.address} is closed")
            if discovery.verdict is not None and discovery.failed_rounds > failed_before:
                raise again(discovery.verdict)
            now = members.now()
            until = give_up_at if self.map.is_known else float("inf")  # without a map, the round tells how it ends
            if deadline is not None:
                until = min(until, deadline)
            if now >= until:
                raise self._unserved(slot, now - came)
            with members.lock:
                if self.owner_now(slot) is NOWHERE:  # another thread may have changed the map meanwhile
                    discovery.doubt()
            gate.wait(None if until == float("inf") else until - now)

    def owner_now(self, slot: int | None) -> Any:
        """Return the primary of a slot, or any primary for None; ``NOWHERE`` if there is none now."""
        if slot is None:
            primaries = self.primaries()
            return primaries[int(self.members.chance() * len(primaries))] if primaries else NOWHERE
        serving = self.table[slot]
        return NOWHERE if serving is NOWHERE or serving.ledger.closed else serving

    def reader(self, slot: int) -> Serving | None:
        """Return the node for a read of this slot; None if nobody is known."""
        readers = None if self.readers is None else self.readers[slot]
        return None if readers is None else readers.choose()

    def leave_out(self, slot: int, serving: Serving) -> None:
        """Send no reads of the shard of ``slot`` to a node for a while: it has refused one."""
        readers = None if self.readers is None else self.readers[slot]
        if readers is not None:
            readers.leave_out(serving)

    def heir(self, serving: Serving, as_primary: bool) -> Any:  # noqa: FBT001 - the callback of ``Scatter.take``
        """Return the node that has the place of one that was found earlier; ``NOWHERE`` if there is none."""
        topology = self.map.topology
        with self.members.lock:
            if not as_primary:
                return self.map.open(serving.address) if serving.address in topology.nodes else NOWHERE
            address = serving.address if serving.address in topology.shards else serving.heir
            return self.map.open(address) if address in topology.shards else NOWHERE

    def news(self, refused: Sequence[Serving], seconds: float) -> None:
        """Wait until each of these nodes may have an heir, for no longer than ``seconds``."""
        gate = self.map.gate
        if not self.closed and any(self.heir(serving, as_primary=True) is serving for serving in refused):
            gate.wait(seconds)

    def refusal(self, error: Error, serving: Serving, spec: Spec, slot: int | None) -> Redirect | None:
        """Return how a command goes on that ``serving`` refused; None if it does not, for the error is the reply."""
        return read_refusal(error, serving.address, spec, slot)

    def placed(self, redirect: Redirect) -> Redirect:
        """Return a redirect with the address to dial."""
        return self.discovery.placed(redirect)

    def follow(self, redirect: Redirect, asked: Serving) -> Serving | None:
        """Believe a redirect that ``asked`` has given, ``placed``; return the node that ASK named, else None."""
        return self.discovery.follow(redirect, asked)

    def primaries(self) -> list[Serving]:
        """Return all primaries."""
        return self.map.primaries()

    def node(self, address: Address) -> Serving:
        """Return the node with an address, a replica too. Raises UsageValueError if the map has no such node."""
        with self.members.lock:
            nodes = self.map.topology.nodes
            if address not in nodes:
                known = ", ".join(sorted(as_text(each) for each in nodes))
                raise UsageValueError(f"the cluster has no node {as_text(address)}; its nodes are {known}")
            return self.map.open(address)

    @property
    def nodes(self) -> list[Address]:
        """The addresses of all nodes. While a thread is changing the map, this waits: calls go by what it says."""
        with self.members.lock:
            return list(self.map.topology.nodes)

    def ready(self, deadline: float | None) -> None:
        """Wait until there is a map. Raises PoolClosed."""
        if self.closed:
            raise PoolClosed(f"the pool of {self.options.address} is closed")
        if not self.map.is_known:
            self.owner(None, deadline)

    def _unserved(self, slot: int | None, seconds: float) -> Error:
        if slot is None or not self.map.is_known:
            return ConnectTimeout(f"no map of {self.options.address} came within {seconds:.3g} s")
        return ClusterDown("CLUSTERDOWN", f"no node of {self.options.address} served slot {slot} for {seconds:.3g} s")

    # Life --------------------------------------------------------------------------------------------

    def _change(self, **changes: Any) -> None:
        super()._change(**changes)
        self.map.options = self.options

    def close(self, seconds: float | None) -> None:
        """Close everything (R-33)."""
        try:
            self.members.closed = True
            self.map.wake()
        finally:
            super().close(seconds)
