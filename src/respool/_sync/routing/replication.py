# Generated from respool/_async/routing/replication.py by tools/generate.py. Do not edit.
"""A primary and its replicas in service: who they are now, and who waits while there is no primary.

Rule 1: ``finder`` says who they are. Changes are made under ``members.lock``; what follows from them (closing, waking)
        is done after that, by ``_settle``.
Rule 2: a primary whose service ends is cut at once, for it acknowledges writes that are lost. Its replicas, and those
        that are down, are retired: they finish what is in flight.
Rule 3: callers wait for a primary as they wait for a node that is down: for ``connect_timeout`` from the moment when
        there was none, and after that for one round that brings none. At first there is only that round.
Rule 4: an old primary is a replica once its own ROLE says so (``SentinelView``), and so does every connection to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from respool._sync.node.serving import Serving
from respool._sync.routing.discovery import as_text
from respool._sync.routing.finder import Finder
from respool._sync.routing.group import Group
from respool._sync.routing.hearing import Hearing
from respool._sync.routing.members import Members
from respool._sync.routing.readers import Readers
from respool._sync.routing.slot_map import NOWHERE
from respool._sync.shell.compat import Gate
from respool._facts.errors import ConnectFailed, ConnectTimeout, PoolClosed, WrongRole, again
from respool._facts.events import PrimaryChanged, notify
from respool._facts.option_types import Address
from respool._facts.sentinel_options import SentinelOptions
from respool._facts.standing import Standing
from respool._routing.sentinel_view import Change
from respool._shell.absent import FORKED, Absent


class Place:
    """Where calls go now. The hot path reads it without a lock."""

    __slots__ = ("primary", "readers")

    def __init__(self) -> None:
        #: The ``Serving`` of the primary; ``NOWHERE`` while there is none.
        self.primary: Any = NOWHERE
        #: Who answers reads; None if the primary does.
        self.readers: Readers | None = None


class Replication(Group[SentinelOptions]):
    """The primary and the replicas of one service."""

    def __init__(
        self, options: SentinelOptions, members: Members | None = None, hearing: Hearing | None = None
    ) -> None:
        """Prepare; no I/O. ``members`` and ``hearing``: those of several services whose nodes are one pool."""
        if members is None:
            members = Members(self.work, options.max_total)
            members.at_end = self.end
        super().__init__(options, members)
        self.place = Place()
        hearing = Hearing(members, options) if hearing is None else hearing
        self.finder = Finder(options, members, hearing, self._in_service, self._apply, self._settle, self._wake)
        self._may_ask_replicas = options.read_from != "primary"
        self._replicas: dict[Address, Serving] = {}
        self._down_since = float("-inf")  # since when there is no primary
        self._gate = Gate()  # opens when there is something new for those who wait; then there is another one
        self._steps: list[Callable[[], None]] = []  # what follows from changes

    def work(self) -> float:
        """Do what is due now; return after how many seconds there may be more."""
        return self.finder.work()

    # Who serves what ---------------------------------------------------------------------------------

    def _in_service(self) -> Serving | None:
        primary = self.place.primary
        return None if primary is NOWHERE else primary

    def owner(self, slot: int | None, deadline: float | None) -> Serving:
        """Return the primary, which has all keys."""
        return self.primary(deadline)

    def primary(self, deadline: float | None) -> Serving:
        """Return the primary, waiting while there is none (Rule 3).

        Raises the error of a round that has found none, ConnectTimeout, PoolClosed.
        """
        members, finder = self.members, self.finder
        came, failed_before = members.now(), finder.failed_rounds
        patience = float("inf") if self.options.connect_timeout is None else self.options.connect_timeout
        while True:
            gate = self._gate
            serving = self.place.primary
            if serving is not NOWHERE and not serving.ledger.closed:
                return serving  # type: ignore[no-any-return]
            if members.closed:
                raise PoolClosed(f"the pool of {self.options.address} is closed")
            now, grace_ends = members.now(), self._down_since + patience
            if finder.verdict is not None and finder.failed_rounds > failed_before and now >= grace_ends:
                raise again(finder.verdict)
            until = max(came, self._down_since) + patience if grace_ends > float("-inf") else float("inf")
            if deadline is not None:
                until = min(until, deadline)
            if now >= until:
                message = f"{self.options.address} was not found within {now - came:.3g} s"
                raise again(finder.verdict) if finder.verdict is not None else ConnectTimeout(message)
            finder.wanted()
            wake_at = min(until, grace_ends) if grace_ends > now else until
            gate.wait(None if wake_at == float("inf") else wake_at - now)

    def reader(self) -> Serving | None:
        """Return the node for a read; None if that is the primary, and nobody knows it."""
        readers = self.place.readers
        serving: Any = self.place.primary if readers is None else readers.choose()
        return None if serving is NOWHERE or serving.ledger.closed else serving

    def pass_over(self, serving: Serving) -> None:
        """Send no reads to a replica for a while: it has refused one."""
        readers = self.place.readers
        if readers is not None:
            readers.leave_out(serving)

    @property
    def replicas(self) -> list[Address]:
        """The addresses of the replicas that are up."""
        return [address for address, is_down in list(self.finder.view.replicas.items()) if not is_down]

    # Changes. The lock is held in these three. ---------------------------------------------------------

    def _apply(self, change: Change) -> None:
        """Cut, retire and open nodes as a change of the view says."""
        members, place = self.members, self.place
        if change.old is not None and place.primary is not NOWHERE:
            old, place.primary = place.primary, NOWHERE
            members.leave(old)
            self._steps.append(partial(members.cut, old))
            self._down_since = members.now()
        if change.new is not None:
            self._retire(change.new)
            place.primary = self._open(change.new, Standing(expects="primary"))
        if self._may_ask_replicas:
            self._regroup()
        if change.old is not None or change.new is not None:
            self._steps.append(partial(self._tell, change))
            self._steps.append(self._wake)

    def _regroup(self) -> None:
        """Open the replicas that are up, retire all others, and put the nodes together that may answer reads."""
        members, place, view = self.members, self.place, self.finder.view
        up = {address for address, is_down in view.replicas.items() if not is_down and address != view.primary}
        for address in self._replicas.keys() - up:
            self._retire(address)
        for address in up - self._replicas.keys():
            self._replicas[address] = self._open(address, Standing(expects="replica"))
        nodes = list(self._replicas.values())
        if self.options.read_from == "any" and place.primary is not NOWHERE:
            nodes.append(place.primary)
        place.readers = Readers(
            place.primary, [nodes], now=members.now, chance=members.chance, stall_after=self.options.stall_after
        )

    def _retire(self, address: Address) -> None:
        serving = self._replicas.pop(address, None)
        if serving is not None:
            self.members.leave(serving)
            self._steps.append(partial(self.members.retire, serving))

    def _open(self, address: Address, standing: Standing) -> Serving:
        return self.members.open(address, self.options.for_node(address, standing), self._noticed)

    # Without the lock --------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Do what follows from changes."""
        while self._steps:
            try:
                step = self._steps.pop(0)
            except IndexError:  # another thread was quicker
                break
            step()

    def _tell(self, change: Change) -> None:
        old, new = (None if address is None else as_text(address) for address in (change.old, change.new))
        notify(self.options.listener, PrimaryChanged, self.options.address, old, new, change.why)

    def _wake(self) -> None:
        """Wake all who wait for a primary."""
        with self.members.lock:
            gate, self._gate = self._gate, Gate()
        gate.open()

    def _noticed(self, serving: Serving) -> None:
        """Note, when the connections of a node have changed, whether it still is the primary, and can be reached."""
        ledger = serving.ledger
        if serving is not self.place.primary or ledger.redial.last_error is None or ledger.closed:
            return
        if isinstance(ledger.redial.last_error, WrongRole):
            self.finder.demoted(serving)
        elif ledger.size == ledger.dialing:
            self.finder.ask_all()

    # Life --------------------------------------------------------------------------------------------

    def wait_ready(self, seconds: float | None, *, is_strict: bool) -> None:
        """Wait until ``min_size`` and the shared connections of the primary are up.

        ``is_strict`` raises the error of the first dial. Raises the error of a round that has found no primary.
        """
        deadline = None if seconds is None else self.members.now() + seconds
        while True:
            serving = self.primary(deadline)
            try:
                serving.shared.wait_ready(deadline, is_strict=is_strict)
                return
            except (PoolClosed, ConnectFailed):
                if self.closed or serving is self.place.primary:
                    raise

    def _change(self, **changes: Any) -> None:
        super()._change(**changes)
        self.finder.options = self.options

    def close(self, seconds: float | None) -> None:
        """Close everything (R-33)."""
        if self.is_inside():  # in a signal handler or a finaliser: the maintenance task closes once the locks are free
            self.abandon()
            return
        deadline = None if seconds is None else self.members.now() + seconds
        try:
            self.members.closed = True
            self.end()
            self.finder.stop(deadline)
        finally:
            super().close(None if deadline is None else max(deadline - self.members.now(), 0.0))

    def end(self) -> None:
        """End what works beside the maintenance task, once that has ended or the pool is closed."""
        self._wake()
        self.finder.abort()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
        super().forget(instead)
        self.finder.forget(instead)
