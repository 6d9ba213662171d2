# Generated from respool/_async/routing/buckets.py by tools/generate.py. Do not edit.
"""A fixed list of servers in service: the bucket of a key is its slot, as in a cluster, modulo the number of buckets.

Rule 1: to everything here a bucket is what a slot is to a cluster: ``slot_of`` returns the index of a bucket.
Rule 2: a call that one bucket serves is a call of that ``Serving``, with its lanes, its retries and its errors; nothing
        of another bucket is asked. Only what concerns several is spread (``scatter``).
Rule 3: a bucket is one node for the life of the pool, up or down. It is never replaced by another bucket. A subclass
        may have buckets that are more than one node (``service_buckets``).
"""

from __future__ import annotations

from typing import Any

from respool._sync.node.serving import Serving
from respool._sync.routing.errands import Errands
from respool._sync.routing.group import Group
from respool._sync.routing.members import Members
from respool._sync.routing.scatter import Spread, execute_spread
from respool._facts.command import Spec
from respool._facts.errors import Error
from respool._facts.hash_options import HashOptions
from respool._facts.option_types import Address
from respool._facts.slots import SLOTS
from respool._protocol.run import Run, noreply_args
from respool._routing.splitting import BUCKETS, SlotOf, goes_anywhere, one_slot


class Buckets(Group[Any]):
    """The buckets of a pool, each served by a ``Serving``."""

    terms = BUCKETS

    #: Who serves each slot: the buckets in their order, again and again.
    table: list[Any]

    def __init__(self, options: Any) -> None:
        """Prepare; no I/O."""
        super().__init__(options, Members(self._work, getattr(options, "max_total", None)))
        self._buckets = self._open_all(options)
        self._fill_table()
        self.checked_slot_of = self._by_bucket(self.checked_slot_of)
        self._errands = Errands(self.members, options.max_in_flight)

    def _open_all(self, options: HashOptions) -> list[Serving]:
        """Make the buckets."""
        return [self.members.open(bucket.place, options.for_bucket(bucket), _ignore) for bucket in options.buckets]

    def _fill_table(self) -> None:
        self.table = [self._buckets[slot % len(self._buckets)] for slot in range(SLOTS)]

    def _work(self) -> float:
        """Do nothing else in a round of maintenance."""
        return float("inf")

    # Who serves what ---------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Address]:
        """Where the buckets are, in their order."""
        places: list[Address] = self.options.places
        return places

    def bucket(self, address: Address) -> Any:
        """Return the bucket with an address."""
        return self._buckets[self.nodes.index(address)]

    def node(self, address: Address) -> Serving:
        """Return the node of a bucket."""
        serving: Serving = self.bucket(address)
        return serving

    def primaries(self) -> list[Serving]:
        """Return the nodes of all buckets, in their order."""
        return self._buckets

    def lane(self, address: Address) -> Any:
        """Return what lends connections to a bucket."""
        return self.node(address).leases

    def _by_bucket(self, slot_of: SlotOf) -> SlotOf:
        """Return the function that gives the index of the bucket of a key: to a run, buckets are what slots are."""
        count = len(self._buckets)
        return lambda key: slot_of(key) % count

    def owner_now(self, slot: int | None) -> Serving:
        """Return the node of a bucket by its index; for None of any."""
        serving: Serving = self._bucket_of(slot)
        return serving

    def _bucket_of(self, slot: int | None) -> Any:
        """Return a bucket by its index; for None any, one that is up if there is one."""
        if slot is not None:
            return self._buckets[slot]
        first = int(self.members.chance() * len(self._buckets))
        turned = self._buckets[first:] + self._buckets[:first]
        return min(turned, key=lambda bucket: bucket.trouble)

    def owner(self, slot: int | None, deadline: float | None) -> Serving:
        """Return what ``owner_now`` does: a bucket that is a server needs no waiting."""
        del deadline
        return self.owner_now(slot)

    def ready(self, deadline: float | None) -> None:
        """Return at once: the buckets are known."""

    # Calls -------------------------------------------------------------------------------------------

    def execute(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None = None,
        node: Address | None = None,
    ) -> Any:
        """Run one command at the bucket of its keys, or at ``node``, and return its reply.

        ``failure`` is the error of a first try at the bucket ``tried``.
        """
        if node is not None:
            bucket = self.bucket(node)
        else:
            slots = self.slots_of(args, spec)
            if len(slots) > 1 or not (slots or goes_anywhere(spec, self.terms)):
                deadline = None if timeout is None else self.members.now() + timeout
                return execute_spread(self, args, spec, deadline)
            bucket = self._bucket_of(slots.pop() if slots else None)
        try:
            return self._call(bucket, args, spec, timeout, failure, tried)
        finally:
            del failure

    def _call(
        self,
        bucket: Any,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None,
    ) -> Any:
        """Run one command at one bucket, and return its reply. ``tried`` is the node of that bucket, or None."""
        try:
            return bucket.execute(args, spec, timeout, failure)
        finally:
            del failure

    def execute_run(
        self, run: Run, deadline: float | None, within: float | None, node: Address | None = None
    ) -> list[Any]:
        """Run a pipeline; return one value per command, errors of servers and of buckets that failed as values."""
        if node is None and not run.is_atomic:
            return Spread(self, run, deadline).values()
        bucket = self._bucket_of(one_slot(run, self.slot_of, self.terms)) if node is None else self.bucket(node)
        values: list[Any] = bucket.execute_run(run, deadline, within)
        return values

    def execute_noreply(self, run: Run, node: Address | None = None) -> None:
        """Send a run without waiting for replies, all of it to ``node``. Raises if it was certainly not sent."""
        if node is not None:
            self.bucket(node).execute_noreply(run)
            return
        noreply_args(run)  # refuses what it would refuse on one node
        self._errands.send(Spread(self, run, None))

    def close(self, seconds: float | None) -> None:
        """Close everything (R-33), once what was sent without waiting has been answered."""
        try:
            if not self.is_inside():
                self._errands.wait(None if seconds is None else self.members.now() + seconds)
        finally:
            super().close(seconds)


def _ignore(_: Serving) -> None:
    """Note nothing when the connections of a bucket change: nothing follows from it."""
