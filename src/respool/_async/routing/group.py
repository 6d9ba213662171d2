# Written once: respool/_sync/routing/group.py is generated from this file.
"""What all pools of several nodes have in common: what holds for all nodes, and what a spread run asks of its pool.

Rule 1: a subclass says which node serves a key (``owner``) and what the nodes are; ``Members`` has their connections.
Rule 2: all nodes are on one database, whatever fails on the way from one to another (R-34).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from respool._async.node.connection import AsyncConnection
from respool._async.node.lease_lane import not_leased
from respool._async.routing.members import Members
from respool._async.shell.compat import one_at_a_time, pause
from respool._facts.command import Spec
from respool._facts.errors import ConnectFailed, Error, ServerError
from respool._facts.option_types import Address
from respool._facts.options import Options
from respool._facts.slots import make_slot_of
from respool._facts.stats import PoolStats
from respool._protocol.packing import check_piece, make_packer
from respool._protocol.redirect import Redirect
from respool._protocol.run import Run
from respool._routing.splitting import CLUSTER, SlotOf, Terms, keys_of
from respool._shell.absent import FORKED, Absent

if TYPE_CHECKING:
    from respool._async.node.serving import Serving
    from respool._async.routing.readers import Readers

Kind = TypeVar("Kind", bound=Options)


class Group(Generic[Kind]):
    """The nodes of one pool."""

    #: How this kind of pool spreads keys over its nodes.
    terms: Terms = CLUSTER
    #: Who may answer reads of each slot; None if only primaries do.
    readers: list[Readers | None] | None = None

    def __init__(self, options: Kind, members: Members) -> None:
        """Prepare; no I/O."""
        self.options = options
        self.members = members
        self.world = members.world
        #: Returns the slot of a key that is known to be one: see ``slot_of``.
        self.checked_slot_of = make_slot_of(options.encoding)
        self._pack = make_packer(options.encoding)
        self._selecting = one_at_a_time()

    def start(self) -> None:
        """Start the maintenance task. Raises when no thread can be started."""
        self.members.start()

    @property
    def closed(self) -> bool:
        """Whether the pool has been closed."""
        return self.members.closed

    # Who serves what ---------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Address]:
        """The addresses of all nodes."""
        raise NotImplementedError

    def node(self, address: Address) -> Serving:
        """Return the node with an address. Raises UsageValueError if there is none."""
        raise NotImplementedError

    def primaries(self) -> list[Serving]:
        """Return the nodes that together have all keys."""
        raise NotImplementedError

    def owner_now(self, slot: int | None) -> Any:
        """Return the node of a slot, or for None any that has keys; ``NOWHERE`` if there is none now."""
        raise NotImplementedError

    async def owner(self, slot: int | None, deadline: float | None) -> Serving:
        """Return what ``owner_now`` does, waiting while there is no such node."""
        raise NotImplementedError

    async def ready(self, deadline: float | None) -> None:
        """Wait until it is known what the nodes are."""
        raise NotImplementedError

    def leave_out(self, slot: int, serving: Serving) -> None:
        """Send no reads of a slot to a replica for a while: it has refused one."""
        raise NotImplementedError

    def heir(self, serving: Serving, as_primary: bool) -> Any:  # noqa: FBT001 - the callback of ``Scatter.take``
        """Return the node that has the place of one that was found earlier; ``NOWHERE`` if there is none.

        ``as_primary``: the place of a primary is its slots. Otherwise the place of a node is its address.
        """
        del as_primary
        return serving

    async def news(self, refused: Sequence[Serving], seconds: float) -> None:
        """Wait until each of these nodes may have an heir, for no longer than ``seconds``."""
        await pause(seconds)

    def refusal(self, error: Error, serving: Serving, spec: Spec, slot: int | None) -> Redirect | None:
        """Return how a command goes on that ``serving`` refused; None if it does not, for the error is the reply."""
        return None

    def placed(self, redirect: Redirect) -> Redirect:
        """Return a redirect with the address to dial."""
        return redirect

    def follow(self, redirect: Redirect, asked: Serving) -> Serving | None:
        """Believe a redirect that ``asked`` has given, ``placed``; return the node that ASK named, else None."""
        raise NotImplementedError

    def slot_of(self, key: Any) -> int:
        """Return the slot of a key. Raises UsageError for one that cannot be sent."""
        return checked_slot(self.checked_slot_of, key, self.options.encoding)

    def slots_of(self, args: tuple[Any, ...], spec: Spec) -> set[int]:
        """Return the slots of the keys of a command. Raises UsageError for one that cannot be sent."""
        try:
            return {self.checked_slot_of(key) for key in keys_of(spec, args)}
        except (TypeError, UnicodeError):
            check_piece([args], self._pack)  # says what is wrong
            raise

    def check(self, run: Run) -> None:
        """Raise a UsageError if a command of a run cannot be sent."""
        check_piece(run.calls, self._pack)

    def release(self, lease: Any) -> None:
        """Take a lease back at once. Raises UsageError, and changes nothing, if it is not a current lease."""
        lane = lease.__dict__.get("_lane") if isinstance(lease, AsyncConnection) else None
        for serving in self.members.all():
            if serving.leases is lane:
                serving.leases.release(lease)
                return
        raise not_leased(lease)

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

    def _change(self, **changes: Any) -> None:
        """Change options of nodes that are opened later. The lock is held."""
        self.options = self.options.changed(**changes)

    def resize(self, min_size: int, max_size: int) -> None:
        """Set new bounds for each node (R-34)."""
        with self.members.lock:
            self._change(min_size=min_size, max_size=max_size)
        for serving in self.members.all():
            serving.resize(min_size, max_size)

    async def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        for serving in self.members.all():
            await serving.clear()

    def discard_idle(self) -> None:
        """Close all idle connections, without waiting."""
        for serving in self.members.all():
            serving.discard_idle()

    def drain(self) -> None:
        """Begin a new epoch at each node."""
        for serving in self.members.all():
            serving.drain()

    async def select(self, db: int, *, verify: bool) -> None:
        """Move all nodes to another database, one caller at a time. Raises the server's error, with nothing changed.

        One node is asked first. Of one that cannot be reached then, later connections are on the new database. If a
        node refuses, or the caller gives up, all nodes move back at once (Rule 2).
        """
        async with self._selecting:
            first = await self.owner(None, None)
            before = self.db
            try:
                await first.select(db, verify=verify)
                with self.members.lock:
                    self._change(db=db)
                    others = [serving for serving in self.members.servings.values() if serving is not first]
                for serving in others:
                    await _select_or_leave(serving, db, verify=verify)
            except BaseException:
                with self.members.lock:
                    self._change(db=before)
                    moved = [serving for serving in self.members.servings.values() if serving.db != before]
                for serving in moved:
                    serving.leave_db(before)
                raise

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
        await self.members.close(seconds)

    def abandon(self) -> None:
        """Let the maintenance task close everything."""
        self.members.abandon()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
        self.members.forget(instead)


def checked_slot(slot_of: SlotOf, key: Any, encoding: str | None) -> int:
    """Return the slot of a key. Raises UsageError for one that cannot be sent."""
    try:
        return slot_of(key)
    except (TypeError, UnicodeError):
        check_piece([("a command with this key", key)], make_packer(encoding))  # says what is wrong
        raise


async def _select_or_leave(serving: Serving, db: int, *, verify: bool) -> None:
    """Move a node to another database, at once or, if it cannot be reached, later. Raises the server's error."""
    try:
        await serving.select(db, verify=verify)
    except ServerError:
        raise
    except Error:
        serving.leave_db(db)
