# Written once: respool/_sync/routing/cluster.py is generated from this file.
"""A cluster in service: the map of its slots, kept up to date, and the node that serves each.

    views, MOVED -> Topology -> Change -> nodes opened, cut, retired -> table

Rule 1: ``table`` has a ``Serving`` for each slot, or ``NOWHERE``. The hot path reads it without a lock.
Rule 2: the map changes under ``members.lock``. What follows from a change (closing, waking) is done after that.
Rule 3: a node that lost its role is cut; one that left, or changed its role otherwise, is retired (topology, Rule 6).
Rule 4: a caller whose slot has a node waits for no refresh. Without one, it waits for the next change of the map, as
        long as it would wait for a node that is down.
Rule 5: as long as there is no map, a round that fails is told to all who wait, with the answer of each seed. If the
        servers refuse us, nobody dials them again until somebody calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from respool import commands
from respool._async.node.serving import Serving
from respool._async.node.shared_lane import NoLane
from respool._async.routing.members import Members
from respool._async.shell.compat import Gate
from respool._facts.cluster_options import ClusterOptions
from respool._facts.command import spec
from respool._facts.errors import (
    ClusterDown,
    ConnectFailed,
    ConnectTimeout,
    Error,
    PoolClosed,
    ServerError,
    UsageValueError,
    again,
)
from respool._facts.option_types import Address
from respool._facts.slots import SLOTS, key_of, make_slot_of
from respool._facts.stats import PoolStats
from respool._protocol.packing import check_piece, make_packer
from respool._protocol.redirect import Redirect, Step, read_redirect
from respool._protocol.run import Run
from respool._routing.refresh import PROBES, Ask, Probe, Refresh
from respool._routing.topology import Change, Topology, ViewRefused, address_of, read_view
from respool._shell.absent import FORKED, Absent


class Nowhere:
    """Stands for the node of a slot that no node serves."""

    shared = NoLane()


NOWHERE: Final[Any] = Nowhere()
EXISTS: Final = spec("EXISTS")


class Cluster:
    """The nodes of a cluster, and which of them serves which slot."""

    def __init__(self, options: ClusterOptions) -> None:
        """Prepare; no I/O."""
        self.options = options
        self.members = Members(self._work)
        self.world = self.members.world
        self._slot_of = make_slot_of(options.encoding)
        self._pack = make_packer(options.encoding)
        #: Who serves each slot.
        self.table: list[Any] = [NOWHERE] * SLOTS
        self._topology = Topology()
        self._refresh = Refresh(self._topology, options.seeds, self.members.now())
        self._gate = Gate()  # opens when the map has changed, or a round has failed
        self._answers: dict[str, Exception] = {}  # why the nodes asked in this round gave no view
        self._failed_rounds = 0
        self._verdict: Error | None = None  # the error of the last round, while there is no map
        self._is_parked = False
        self._todo: list[Callable[[], None]] = []  # what follows from changes of the map, to be done without the lock

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
        """Return the primary of a slot, or any primary for None, waiting while there is none (Rule 4).

        Raises ClusterDown, the error of a failed round, PoolClosed.
        """
        members = self.members
        came, failed_before = members.now(), self._failed_rounds
        patience = self.options.connect_timeout
        give_up_at = float("inf") if patience is None else came + patience
        while True:
            gate = self._gate
            serving = self.owner_now(slot)
            if serving is not NOWHERE:
                return serving  # type: ignore[no-any-return]
            if members.closed:
                raise PoolClosed(f"the pool of {self.options.address} is closed")
            if self._verdict is not None and self._failed_rounds > failed_before:
                raise again(self._verdict)
            now = members.now()
            has_map = bool(self._topology.shards)
            until = give_up_at if has_map else float("inf")  # without a map, the round tells how it ends
            if deadline is not None:
                until = min(until, deadline)
            if now >= until:
                raise self._unserved(slot, now - came)
            with members.lock:
                self._is_parked = False
                self._refresh.doubted()
            members.alarm.set()
            await gate.wait(None if until == float("inf") else until - now)

    def owner_now(self, slot: int | None) -> Any:
        """Return the primary of a slot, or any primary for None; ``NOWHERE`` if there is none now."""
        if slot is None:
            primaries = self.primaries()
            return primaries[int(self.members.chance() * len(primaries))] if primaries else NOWHERE
        serving = self.table[slot]
        return NOWHERE if serving is NOWHERE or serving.ledger.closed else serving

    def primaries(self) -> list[Serving]:
        """Return all primaries."""
        servings = self.members.servings
        return [servings[address] for address in list(self._topology.shards) if address in servings]

    def node(self, address: Address) -> Serving:
        """Return the node with an address, a replica too. Raises UsageValueError if the map has no such node."""
        with self.members.lock:
            nodes = self._topology.nodes
            if address not in nodes:
                known = ", ".join(sorted(_text(each) for each in nodes))
                raise UsageValueError(f"the cluster has no node {_text(address)}; its nodes are {known}")
            return self._open(address)

    @property
    def nodes(self) -> list[Address]:
        """The addresses of all nodes."""
        return list(self._topology.nodes)

    def slot_of(self, key: Any) -> int:
        """Return the slot of a key. Raises UsageError for one that cannot be sent."""
        try:
            return self._slot_of(key)
        except (TypeError, UnicodeError):
            check_piece([("a command with this key", key)], self._pack)  # says what is wrong
            raise

    async def ready(self, deadline: float | None) -> None:
        """Wait until there is a map."""
        if not self._topology.shards:
            await self.owner(None, deadline)

    def _unserved(self, slot: int | None, seconds: float) -> Error:
        if slot is None or not self._topology.shards:
            return ConnectTimeout(f"no map of {self.options.address} came within {seconds:.3g} s")
        return ClusterDown("CLUSTERDOWN", f"no node of {self.options.address} served slot {slot} for {seconds:.3g} s")

    # What redirects say ------------------------------------------------------------------------------

    def follow(self, redirect: Redirect, asked: Serving) -> Serving | None:
        """Believe a redirect that ``asked`` has given; return the node that ASK named, else None."""
        members, to = self.members, redirect.to
        if to is not None:
            to = address_of(*to, asked=asked.address, remap=self.options.remap)
        asking = None
        with members.lock:
            if redirect.step is Step.GO and to is not None and redirect.slot is not None:
                self._moved(redirect.slot, to, asked)
            elif redirect.step is Step.ASK and to is not None:
                asking = self._open(to)
            elif redirect.needs_refresh:
                self._refresh.doubted()
        self._do()
        return asking

    def _moved(self, slot: int, to: Address, asked: Serving) -> None:
        change = self._topology.moved(slot, to, self.members.now())
        if not change.is_empty:
            self._refresh.moved(to)
            self._apply(change)
        elif to == asked.address:  # another server answers there: a load balancer, or a node that was replaced
            self._refresh.doubted()
            self._todo.append(asked.node.drain)

    # Refreshing --------------------------------------------------------------------------------------

    def _work(self) -> float:
        """Ask for views that are due; return after how many seconds the next may be."""
        members, refresh = self.members, self._refresh
        with members.lock:
            self._watch()
            if not refresh.is_running:
                self._answers = {}
            asks = [] if self._is_parked else refresh.due(members.now(), members.chance)
            probe = refresh.due_probe(members.now(), members.chance())
            next_at = float("inf") if self._is_parked else min(refresh.next_at(), refresh.next_probe_at())
        for ask in asks:
            members.tasks.start_or_run(self._ask, ask)
        if probe is not None:
            members.tasks.start_or_run(self._probe, probe)
        seconds = max(next_at - members.now(), 0.001)
        stall_after = self.options.stall_after
        return seconds if stall_after is None else min(seconds, stall_after)

    def _watch(self) -> None:
        """Doubt the map while a primary stays silent: perhaps it hangs, and another one takes its place."""
        stall_after = self.options.stall_after
        if stall_after is not None and any(serving.shared.silent_for >= stall_after for serving in self.primaries()):
            self._refresh.doubted()

    async def _probe(self, probe: Probe) -> None:
        """Ask a living node who has the slots of a primary that cannot be reached."""
        members = self.members
        serving = members.servings.get(probe.address)
        if serving is None:
            return
        args = ("EXISTS", key_of(probe.slot))
        deadline = members.now() + 1.0 / PROBES
        try:
            reply = await serving.try_once(args, EXISTS, deadline, on_lease=False, elsewhere=False)
        except Error:
            return
        redirect = read_redirect(reply, probe.address, EXISTS, probe.slot) if isinstance(reply, Error) else None
        if redirect is not None:
            self.follow(redirect, serving)
        elif not isinstance(reply, Error):  # it has the slot itself by now
            self.follow(Redirect("MOVED", Step.GO, serving.address, probe.slot, needs_refresh=True), serving)

    async def _ask(self, ask: Ask) -> None:
        """Ask one node for its view of the cluster, and take it."""
        members = self.members
        patience = self.options.connect_timeout
        deadline = None if patience is None else ask.at + patience
        try:
            with members.lock:
                serving = self._open(ask.address)
            run = Run([commands.cluster_slots(), commands.cluster_info()])
            ranges, info = run.read(await serving.try_run(run, deadline, on_lease=False, elsewhere=False))
            for answer in (ranges, info):
                if isinstance(answer, Error):
                    raise answer
            view = read_view(
                ranges, asked=ask.address, known=self._topology.by_id, info=info, remap=self.options.remap
            )
            with members.lock:
                if not members.closed:
                    change = self._refresh.answered(ask, view, members.now(), members.chance())
                    self._apply(change)
                    self._drop_seeds()
                    self._is_parked = False
                    self._verdict = None
        except Exception as error:
            self._failed(ask, error)
        self._do()

    def _failed(self, ask: Ask, error: Exception) -> None:
        members = self.members
        with members.lock:
            was_running = self._refresh.is_running
            self._refresh.failed(ask, members.now(), members.chance())
            if was_running:
                self._answers[_text(ask.address)] = error.with_traceback(None)  # its frames refer to the pool
            if was_running and not self._refresh.is_running:
                self._failed_rounds += 1
                if self._topology.shards:
                    self._drop_seeds()
                else:
                    self._judge()

    def _judge(self) -> None:
        """End a round that brought no map (Rule 5)."""
        answers = self._answers
        self._answers = {}
        texts = "; ".join(f"{place}: {error}" for place, error in answers.items())
        advice = " (use Pool for a single node)" if "cluster support disabled" in texts else ""
        message = f"no map of {self.options.address} could be had: {texts}{advice}"
        errors = list(answers.values())
        first = errors[0]
        is_refusal = all(isinstance(error, ServerError | ViewRefused) for error in errors)
        if is_refusal and isinstance(first, ServerError):
            self._verdict = type(first)(first.code, message)
        else:
            self._verdict = ConnectFailed(message)
        self._is_parked = is_refusal
        for serving in list(self.members.servings.values()):
            self._todo.append(partial(self.members.retire, serving))
        self._todo.append(self._wake)

    # The map -----------------------------------------------------------------------------------------

    def _apply(self, change: Change) -> None:
        """Open, cut and retire nodes as a change of the map says, then rewrite the table. Call with the lock held."""
        if change.is_empty:
            return
        members, topology = self.members, self._topology
        for node in (*change.promoted, *change.new_replicas, *change.left, *change.lost_role):
            serving = members.servings.get(node.address)
            if serving is not None:
                members.leave(serving)
                self._todo.append(partial(members.cut if node in change.lost_role else members.retire, serving))
        for address in topology.shards:
            self._open(address)
        for slot in change.moved:
            owner = topology.table[slot]
            self.table[slot] = NOWHERE if owner is None else members.servings[owner]
        self._todo.append(self._wake)

    def _drop_seeds(self) -> None:
        """Retire what is no node of the map: seeds have other names there."""
        members, nodes = self.members, self._topology.nodes
        for address, serving in list(members.servings.items()):
            if address not in nodes:
                self._todo.append(partial(members.retire, serving))

    def _open(self, address: Address) -> Serving:
        """Return the node with an address, opened if it is not yet. Call with the lock held."""
        serving = self.members.servings.get(address)
        if serving is None:
            serving = self.members.open(address, self.options.for_node(address), self._noticed)
        return serving

    def _noticed(self, serving: Serving) -> None:
        """Note, when the connections of a node have changed, whether it can be reached."""
        ledger = serving.ledger
        with self.members.lock:
            if self.members.servings.get(serving.address) is not serving:
                return
            if ledger.redial.last_error is None:
                self._refresh.reachable(serving.address)
                return
            if ledger.size > ledger.dialing:
                return
            self._refresh.unreachable(serving.address)
        self.members.alarm.set()

    def _do(self) -> None:
        """Do what follows from changes of the map."""
        while self._todo:
            try:
                step = self._todo.pop(0)
            except IndexError:  # another thread was quicker
                break
            step()
        self.members.alarm.set()

    def _wake(self) -> None:
        """Wake all who wait for the map."""
        with self.members.lock:
            gate, self._gate = self._gate, Gate()
        gate.open()

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
            self._wake()
        finally:
            await self.members.close(seconds)

    def abandon(self) -> None:
        """Let the maintenance task close everything."""
        self.members.abandon()

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
        self.members.forget(instead)


def _text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
