# Written once: respool/_sync/routing/cluster.py is generated from this file.
"""A cluster in service: which node serves which slot, and who waits while there is none.

Rule 1: a caller whose slot has a node waits for no refresh. Without one, it waits for the next change of the map, as
        long as it would wait for a node that is down.
Rule 2: ``discovery`` keeps the map up to date, ``slot_map`` holds it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from respool._async.node.serving import Serving
from respool._async.routing.discovery import Discovery, as_text
from respool._async.routing.lease_watch import LeaseWatch
from respool._async.routing.slot_map import NOWHERE
from respool._facts.cluster_options import ClusterOptions
from respool._facts.errors import ClusterDown, ConnectFailed, ConnectTimeout, Error, PoolClosed, UsageValueError, again
from respool._facts.option_types import Address
from respool._facts.slots import make_slot_of
from respool._facts.stats import PoolStats
from respool._protocol.packing import check_piece, make_packer
from respool._protocol.run import Run
from respool._shell.absent import FORKED, Absent


class Cluster:
    """The nodes of a cluster, and which of them serves which slot."""

    def __init__(self, options: ClusterOptions) -> None:
        """Prepare; no I/O."""
        self.options = options
        self.discovery = Discovery(options)
        self.map = self.discovery.map
        self.map.watch_for = partial(LeaseWatch, self.discovery)
        self.members = self.discovery.members
        self.world = self.members.world
        #: Who serves each slot; who may answer reads of it.
        self.table = self.map.table
        self.readers = self.map.readers
        #: Returns the slot of a key that is known to be one: see ``slot_of``.
        self.checked_slot_of = make_slot_of(options.encoding)
        self._pack = make_packer(options.encoding)

    def start(self) -> None:
        """Start maintenance, which asks for the map first. Raises when no thread can be started."""
        self.members.start()

    @property
    def closed(self) -> bool:
        """Whether the pool has been closed."""
        return self.members.closed

    # Who serves what ---------------------------------------------------------------------------------

    async def chosen(self, slot: int | None, node: Address | None, deadline: float | None) -> Serving:
        """Return the node with an address, or without one what ``owner`` returns. Raises UsageValueError too."""
        if node is None:
            return await self.owner(slot, deadline)
        await self.ready(deadline)
        return self.node(node)

    async def owner(self, slot: int | None, deadline: float | None) -> Serving:
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
            await gate.wait(None if until == float("inf") else until - now)

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
        """The addresses of all nodes."""
        return list(self.map.topology.nodes)

    def slot_of(self, key: Any) -> int:
        """Return the slot of a key. Raises UsageError for one that cannot be sent."""
        try:
            return self.checked_slot_of(key)
        except (TypeError, UnicodeError):
            check_piece([("a command with this key", key)], self._pack)  # says what is wrong
            raise

    def check(self, run: Run) -> None:
        """Raise a UsageError if a command of a run cannot be sent."""
        check_piece(run.calls, self._pack)

    async def ready(self, deadline: float | None) -> None:
        """Wait until there is a map. Raises PoolClosed."""
        if self.closed:
            raise PoolClosed(f"the pool of {self.options.address} is closed")
        if not self.map.is_known:
            await self.owner(None, deadline)

    def _unserved(self, slot: int | None, seconds: float) -> Error:
        if slot is None or not self.map.is_known:
            return ConnectTimeout(f"no map of {self.options.address} came within {seconds:.3g} s")
        return ClusterDown("CLUSTERDOWN", f"no node of {self.options.address} served slot {slot} for {seconds:.3g} s")

    # Life --------------------------------------------------------------------------------------------

    async def wait_ready(self, seconds: float | None, *, is_strict: bool) -> None:
        """Wait until each primary's ``min_size`` and shared connections are up.

        ``is_strict``: one primary is enough; raises the error of the first round, or of a dial if no primary is up.
        """
        deadline = None if seconds is None else self.members.now() + seconds
        await self.ready(deadline)
        errors: list[Error] = []
        primaries = self.primaries()
        for serving in primaries:
            try:
                await serving.shared.wait_ready(deadline, is_strict=is_strict)
            except ConnectFailed as error:
                errors.append(error)
        if errors and len(errors) == len(primaries):
            raise errors[0]

    @property
    def db(self) -> int:
        """The database of the connections."""
        return self.options.db

    def resize(self, min_size: int, max_size: int) -> None:
        """Set new bounds for each node (R-34)."""
        with self.members.lock:
            self.options = self.map.options = self.options.changed(min_size=min_size, max_size=max_size)
        for serving in self.members.all():
            serving.resize(min_size, max_size)

    async def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        for serving in self.members.all():
            await serving.clear()

    def drain(self) -> None:
        """Begin a new epoch at each node."""
        for serving in self.members.all():
            serving.drain()

    async def select(self, db: int) -> None:
        """Move all nodes to another database. Raises the server's error, with nothing changed (R-34).

        One node is asked first. Of one that cannot be reached then, later connections are on the new database.
        """
        first = await self.owner(None, None)
        await first.select(db)
        with self.members.lock:
            self.options = self.map.options = self.options.changed(db=db)
            others = [serving for serving in self.members.servings.values() if serving is not first]
        for serving in others:
            try:
                await serving.select(db)
            except Error:
                serving.node.db = db
                serving.drain()

    def is_inside(self) -> bool:
        """Tell whether this very thread is at work in here: it runs a signal handler or a finaliser then."""
        return self.members.is_inside()

    def check_outside(self) -> None:
        """Raise UsageError if ``is_inside``."""
        for serving in self.members.all():
            serving.check_outside()

    def gauge(self, name: str) -> int:
        """Return the sum of one of the ledgers' counts."""
        return self.members.gauge(name)

    def stats(self) -> PoolStats:
        """Return all counts as one value."""
        return replace(self.members.stats(), min_size=self.options.min_size, max_size=self.options.max_size)

    async def close(self, seconds: float | None) -> None:
        """Close everything (R-33)."""
        try:
            self.members.closed = True
            self.map.wake()
        finally:
            await self.members.close(seconds)

    def abandon(self) -> None:
        """Let the maintenance task close everything."""
        self.members.abandon()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
        self.members.forget(instead)
