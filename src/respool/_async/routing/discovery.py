# Written once: respool/_sync/routing/discovery.py is generated from this file.
"""How a pool learns of changes in its cluster: from redirects, from views, from probes.

    redirects -> Topology.moved      \\
    views     -> Refresh -> Topology  > Change -> SlotMap.apply
    probes    -> redirects           /

Rule 1: ``Refresh`` decides when to ask whom. Each question is a task of its own, bounded by ``connect_timeout``.
Rule 2: as long as there is no map, a round that fails is told to all who wait, with the answer of each seed. If the
        servers refuse us (wrong credentials, no cluster), nobody asks them again until somebody calls.
Rule 3: a node that cannot be reached, or a primary that stays silent, makes the map doubtful. That all of its
        connections are in use does not.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from respool import commands
from respool._async.node.serving import Serving
from respool._async.routing.members import Members
from respool._async.routing.slot_map import SlotMap
from respool._facts.cluster_options import ClusterOptions
from respool._facts.command import spec
from respool._facts.errors import ConnectFailed, Error, ServerError
from respool._facts.events import Event, TotalTooSmall, notify
from respool._facts.option_types import Address
from respool._facts.slots import key_of
from respool._protocol.redirect import Redirect, Step, read_redirect
from respool._protocol.run import Run
from respool._routing.refresh import PROBES, Ask, Probe, Refresh
from respool._routing.topology import ViewRefused, read_view, remapped

EXISTS: Final = spec("EXISTS")


class Discovery:
    """Keeps the map of a cluster up to date."""

    def __init__(self, options: ClusterOptions) -> None:
        """Prepare; no I/O."""
        self.options = options
        self.members = Members(self._work, options.max_total)
        self.map = SlotMap(options, self.members, self._noticed)
        self._refresh = Refresh(self.map.topology, options.seeds, self.members.now())
        self._answers: dict[str, Exception] = {}  # why the nodes asked in this round gave no view
        #: How many rounds have failed; and the error of the last one, while there is no map.
        self.failed_rounds = 0
        self.verdict: Error | None = None
        self._is_parked = False
        self._silent: set[Address] = set()  # primaries that owe a reply for longer than ``stall_after``
        self._short_for = 0  # the number of nodes for which ``max_total`` was found too small

    def doubt(self) -> None:
        """Note that a slot has no node. Without a map no slot has one, and that is known."""
        with self.members.lock:
            self._is_parked = False
            if self.map.is_known:
                self._refresh.doubted()
        self.members.alarm.set()

    # What redirects say ------------------------------------------------------------------------------

    def placed(self, redirect: Redirect) -> Redirect:
        """Return a redirect to the address to dial, for one to the address that a server has named (``remap``)."""
        to, remap = redirect.to, self.options.remap
        return redirect if to is None or remap is None else redirect._replace(to=remapped(remap, to))

    def follow(self, redirect: Redirect, asked: Serving) -> Serving | None:
        """Believe a redirect that ``asked`` has given, ``placed``; return the node that ASK named, else None."""
        members, to = self.members, redirect.to
        asking = None
        with members.lock:
            if redirect.step is Step.GO and to is not None and redirect.slot is not None:
                self._moved(redirect.slot, to, asked)
            elif redirect.step is Step.ASK and to is not None:
                asking = self.map.open(to)
            elif redirect.needs_refresh:
                self._refresh.doubted()
        self.map.settle()
        return asking

    def _moved(self, slot: int, to: Address, asked: Serving) -> None:
        change = self.map.topology.moved(slot, to, self.members.now())
        if not change.is_empty:
            self._refresh.moved(to)
            self.map.apply(change)
        elif to == asked.address:  # another server answers there: a load balancer, or a node that was replaced
            self._refresh.doubted()
            self.map.later(asked.node.renew)

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

    # Asking ------------------------------------------------------------------------------------------

    def _work(self) -> float:
        """Ask whom ``Refresh`` says; return after how many seconds it may say more."""
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
        """Take a primary that stays silent for one that cannot be reached: perhaps another one takes its place."""
        stall_after = self.options.stall_after
        if stall_after is None:
            return
        for serving in self.map.primaries():
            if serving.shared.silent_for >= stall_after:
                self._silent.add(serving.address)
                self._refresh.unreachable(serving.address)
            elif serving.address in self._silent:
                self._silent.remove(serving.address)
                self._refresh.reachable(serving.address)

    async def _probe(self, probe: Probe) -> None:
        """Ask a living node who has the slots of a primary that cannot be reached."""
        serving = self.members.servings.get(probe.address)
        if serving is not None:
            await self.ask_about(serving, probe.slot)

    async def ask_about(self, serving: Serving, slot: int) -> None:
        """Ask a node who has a slot, and believe it."""
        args = ("EXISTS", key_of(slot))
        deadline = self.members.now() + 1.0 / PROBES
        try:
            reply = await serving.try_once(args, EXISTS, deadline, on_lease=False, elsewhere=False)
        except Error:
            return
        redirect = read_redirect(reply, serving.address, EXISTS, slot) if isinstance(reply, Error) else None
        if redirect is not None:
            self.follow(self.placed(redirect), serving)
        elif not isinstance(reply, Error):  # it has the slot itself by now
            self.follow(Redirect("MOVED", Step.GO, serving.address, slot, needs_refresh=True), serving)

    async def _ask(self, ask: Ask) -> None:
        """Ask one node for its view of the cluster, and take it."""
        members, topology = self.members, self.map.topology
        patience = self.options.connect_timeout
        deadline = None if patience is None else ask.at + patience
        try:
            with members.lock:
                serving = self.map.open(ask.address)
            run = Run([commands.cluster_slots(), commands.cluster_info()])
            ranges, info = run.read(await serving.try_run(run, deadline, on_lease=False, elsewhere=False))
            for answer in (ranges, info):
                if isinstance(answer, Error):
                    raise answer
            view = read_view(ranges, asked=ask.address, known=topology.by_id, info=info, remap=self.options.remap)
            with members.lock:
                if not members.closed:
                    self.map.apply(self._refresh.answered(ask, view, members.now(), members.chance()))
                    self.map.drop_strangers()
                    self._check_total()
                    self._is_parked = False
                    self.verdict = None
        except Exception as error:
            self._failed(ask, error)
        self.map.settle()

    def _check_total(self) -> None:
        """Tell the listener, once for each number of nodes, that ``max_total`` leaves a node without a connection."""
        quota, count = self.members.quota, len(self.members.servings)
        if quota is not None and quota.is_short(count) and count != self._short_for:
            self._short_for = count
            self.map.later(partial(self._emit, TotalTooSmall, quota.limit, count))

    def _emit(self, kind: type[Event], *facts: Any) -> None:
        notify(self.options.listener, kind, self.options.address, *facts)

    def _failed(self, ask: Ask, error: Exception) -> None:
        members = self.members
        with members.lock:
            was_running = self._refresh.is_running
            self._refresh.failed(ask, members.now(), members.chance())
            if was_running:
                self._answers[as_text(ask.address)] = error.with_traceback(None)  # its frames refer to the pool
            if was_running and not self._refresh.is_running:
                self.failed_rounds += 1
                if self.map.is_known:
                    self.map.drop_strangers()
                else:
                    self._judge()

    def _judge(self) -> None:
        """End a round that brought no map (Rule 2)."""
        answers = self._answers
        self._answers = {}
        texts = "; ".join(f"{place}: {str(error).removeprefix(f'{place}: ')}" for place, error in answers.items())
        advice = " (use Pool for a single node)" if "cluster support disabled" in texts else ""
        message = f"no map of {self.options.address} could be had: {texts}{advice}"
        errors = list(answers.values())
        first = errors[0]
        is_refusal = all(isinstance(error, ServerError | ViewRefused) for error in errors)
        if is_refusal and isinstance(first, ServerError):
            self.verdict = type(first)(first.code, message)
        else:
            self.verdict = ConnectFailed(message)
        self._is_parked = is_refusal
        for serving in list(self.members.servings.values()):
            self.map.later(partial(self.members.retire, serving))
        self.map.later(self.map.wake)


def as_text(address: Address) -> str:
    """Return an address as messages show it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
