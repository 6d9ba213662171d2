# Written once: respool/_sync/routing/service_buckets.py is generated from this file.
"""Buckets that are services: each has a primary that sentinels name, and follows it by itself.

Rule 1: a call that one bucket serves is a call of its ``ReplicationCalls``, with all that a pool for one service does.
        A bucket that has no primary fails alone.
Rule 2: all buckets have one maintenance task, and hear each sentinel over one connection (``hearing``). Each asks the
        sentinels for itself.
Rule 3: the table has the primary of each bucket, or ``NOWHERE``; it changes in the same step as the bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from respool._async.node.serving import Serving
from respool._async.routing.buckets import Buckets
from respool._async.routing.followed import ReplicationCalls, refusal_of
from respool._async.routing.group import Group
from respool._async.routing.hearing import Hearing
from respool._async.routing.members import Members
from respool._async.routing.readers import Readers
from respool._async.routing.slot_map import NOWHERE
from respool._facts.command import Spec
from respool._facts.errors import ConnectFailed, Error
from respool._facts.option_types import Address
from respool._facts.sentinel_options import SentinelOptions
from respool._facts.service_options import ServiceOptions
from respool._facts.slots import SLOTS
from respool._protocol.redirect import Redirect
from respool._routing.sentinel_view import Change
from respool._shell.absent import FORKED, Absent


class Service(ReplicationCalls):
    """One bucket."""

    def __init__(
        self, options: SentinelOptions, members: Members, hearing: Hearing, place: Callable[[Any], None]
    ) -> None:
        """Prepare; no I/O. ``place`` is called with the primary after every change, under ``members.lock``."""
        super().__init__(options, members, hearing)
        self._put = place

    def _apply(self, change: Change) -> None:
        super()._apply(change)
        self._put(self.place.primary)

    @property
    def trouble(self) -> int:
        """How likely a caller must wait for a connection (see ``Serving``); 3 if there is no primary."""
        primary = self.place.primary
        return 3 if primary is NOWHERE else primary.trouble


class ServiceBuckets(Buckets):
    """The buckets of a pool, each with the nodes of one service."""

    _buckets: list[Any]

    def _open_all(self, options: Any) -> list[Any]:
        """Make the buckets."""
        self._hearing = Hearing(self.members, options)
        self.members.at_end = self._end
        count = len(options.services)

        def placed(index: int) -> Callable[[Any], None]:
            def place(primary: Any) -> None:
                self.table[index::count] = [primary] * len(range(index, SLOTS, count))

            return place

        self.table = [NOWHERE] * SLOTS
        return [
            Service(options.for_service(name), self.members, self._hearing, placed(index))
            for index, name in enumerate(options.services)
        ]

    def _fill_table(self) -> None:
        """Do nothing: each bucket enters its primary when it has found it (Rule 3)."""

    def _work(self) -> float:
        rests: list[float] = [bucket.work() for bucket in self._buckets]
        return min(rests)

    # Who serves what ---------------------------------------------------------------------------------

    def node(self, address: Address) -> Any:
        """Return the primary of a bucket; ``NOWHERE`` if it has none."""
        return self.bucket(address).place.primary

    def primaries(self) -> list[Any]:
        """Return the primaries of all buckets, in their order."""
        return [bucket.place.primary for bucket in self._buckets]

    @property
    def primary_places(self) -> list[Address | None]:
        """Where the primary of each bucket is, in their order."""
        return [bucket.finder.view.primary for bucket in self._buckets]

    def owner_now(self, slot: int | None) -> Any:
        """Return the primary of a bucket by its index; for None of any."""
        return self._bucket_of(slot).place.primary

    async def owner(self, slot: int | None, deadline: float | None) -> Serving:
        """Return what ``owner_now`` does, waiting while there is no primary."""
        primary: Serving = await self._bucket_of(slot).primary(deadline)
        return primary

    def reader(self, slot: int) -> Serving | None:
        """Return the node for a read of a key with this slot of a cluster; None if the primary is not known."""
        reader: Serving | None = self._buckets[slot % len(self._buckets)].reader()
        return reader

    @property
    def readers(self) -> Sequence[Readers | None] | None:  # type: ignore[override]  # never written
        """Who may answer reads of each bucket; None if only primaries do."""
        if self.options.read_from == "primary":
            return None
        return [bucket.place.readers for bucket in self._buckets]

    def refusal(self, error: Error, serving: Serving, spec: Spec, slot: int | None) -> Redirect | None:
        """Return how a command goes on that ``serving`` refused; None if it does not, for the error is the reply."""
        return refusal_of(error, serving.address, spec)

    def follow(self, redirect: Redirect, asked: Serving) -> None:
        """Believe that ``asked`` is no primary any more."""
        for bucket in self._buckets if redirect.needs_refresh else ():
            bucket.finder.demoted(asked, redirect.to)

    def leave_out(self, slot: int, serving: Serving) -> None:
        """Send no reads of a bucket to a replica for a while: it has refused one."""
        self._buckets[slot].pass_over(serving)

    def lane(self, address: Address) -> Any:
        """Return what lends connections to the primary of a bucket."""
        return self.bucket(address)

    async def _call(
        self,
        bucket: Any,
        args: tuple[Any, ...],
        spec: Spec,
        timeout: float | None,
        failure: Error | None,
        tried: Serving | None,
    ) -> Any:
        try:
            return await bucket.execute(args, spec, timeout, failure, tried)
        finally:
            del failure

    # Life --------------------------------------------------------------------------------------------

    async def wait_ready(self, seconds: float | None, *, is_strict: bool) -> None:
        """Wait until ``min_size`` and the shared connections of each primary are up, as ``Group`` does."""
        deadline = None if seconds is None else self.members.now() + seconds
        errors: list[Error] = []
        for bucket in self._buckets:
            try:
                left = None if deadline is None else max(deadline - self.members.now(), 0.0)
                await bucket.wait_ready(left, is_strict=is_strict)
            except ConnectFailed as error:
                errors.append(error)
        if len(errors) == len(self._buckets):
            raise errors[0]

    def _change(self, **changes: Any) -> None:
        super()._change(**changes)
        for bucket in self._buckets:
            bucket._change(**changes)

    def _end(self) -> None:
        """End what works beside the maintenance task."""
        for bucket in self._buckets:
            bucket.end()

    async def close(self, seconds: float | None) -> None:
        """Close everything (R-33), once what was sent without waiting has been answered."""
        if self.is_inside():  # in a signal handler or a finaliser: the maintenance task closes once the locks are free
            self.abandon()
            return
        deadline = None if seconds is None else self.members.now() + seconds
        try:
            await self._errands.wait(deadline)
        finally:
            self.members.closed = True
            self._end()
            try:
                await self._stop(self._buckets, deadline)
            finally:
                left = None if deadline is None else max(deadline - self.members.now(), 0.0)
                await Group.close(self, left)

    async def _stop(self, buckets: list[Any], deadline: float | None) -> None:
        """Stop the finders of these buckets, each of them even if the caller gives up meanwhile."""
        if buckets:
            try:
                await buckets[0].finder.stop(deadline)
            finally:
                await self._stop(buckets[1:], deadline)

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
        super().forget(instead)
        for bucket in self._buckets:
            bucket.finder.forget(instead)


def buckets_of(options: Any) -> Buckets:
    """Return the buckets of a pool, servers or services; no I/O."""
    return ServiceBuckets(options) if isinstance(options, ServiceOptions) else Buckets(options)
