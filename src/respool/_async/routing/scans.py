# Written once: respool/_sync/routing/scans.py is generated from this file.
"""Iterate over a cluster: over the keys of all nodes, and over the elements of a key that may move.

Rule 1: every page is asked of one node by name: a cursor means nothing to another one. ``coverage`` decides which nodes
        are scanned, and when all slots are covered.
Rule 2: where every node knows CLUSTERSCAN it goes from slot to slot, so that a failure costs one slot. It does not see
        the keys of a slot that have moved away already. So the nodes are asked about their slots now and then, and
        what was not whole is left to SCAN, node by node.
Rule 3: what a step has found is noted when its reply is there. A step that raises can be repeated, and asks again; of
        a node that is no primary any more nothing is asked again.
Rule 4: the elements of a key are found in an order that differs from node to node. When another node answers than
        before, the iteration of this key begins again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, TypeVar

from respool import commands
from respool._async.routing.calls import ClusterCalls
from respool._facts.command import Command, Parser, Spec
from respool._facts.conditions import Conditions
from respool._facts.errors import ClusterDown, Error, ServerError, UnknownCommand, UsageError
from respool._facts.option_types import Address
from respool._facts.slots import SLOTS, slot_of
from respool._protocol.packing import check_kinds
from respool._routing.coverage import Coverage, Stand, read_stand

T = TypeVar("T")

#: After so many pages of CLUSTERSCAN, a node is asked about its slots.
PAGES: Final = 1000
#: How long, in seconds, a change of the map is waited for at a time.
MOMENT: Final = 0.2


class _NoPrimaryError(Exception):
    """A node is no primary any more. It never leaves this file."""


class AsyncClusterScan(AsyncIterator[T]):
    """An iterator over the keys of a cluster.

    ``opened`` returns the cluster, ``through`` sends commands under its conditions. ``by_node`` makes SCAN of a cursor,
    ``by_slot`` CLUSTERSCAN.
    """

    def __init__(
        self,
        opened: Callable[[], ClusterCalls],
        through: Any,
        by_node: Callable[[int], Command[Any]],
        by_slot: Callable[[str], Command[Any]],
    ) -> None:
        check_kinds(by_node(0).args)
        self._opened = opened
        self._through = through
        self._by_node = by_node
        self._by_slot = by_slot
        self._is_by_slot = True
        self._coverage = Coverage()
        #: An iterator over the rest of the latest page.
        self._page: Iterable[T] = iter(())
        self._is_over = False
        #: The right to get the next page; empty while it is on its way.
        self._turns = [True]
        #: The node that is being scanned, and the cursor of its next page; None after the last.
        self._node: Address | None = None
        self._cursor: Any = None
        #: With CLUSTERSCAN: which slot has not been looked at yet, and how many pages have come since then.
        self._slot = 0
        self._pages = 0
        self._waited = 0.0  # in seconds, since the last step forward

    async def __anext__(self) -> T:
        while True:
            for element in self._page:
                return element
            if self._is_over:
                raise StopAsyncIteration
            try:
                turn = self._turns.pop()
            except IndexError:
                raise UsageError(
                    "this iterator waits for a page already: give each task (thread) an iterator of its own"
                ) from None
            try:
                await self._step()
            finally:
                self._turns.append(turn)

    async def _step(self) -> None:
        """Ask one thing, and note the answer (Rule 3)."""
        cluster = self._opened()
        if self._node is None:
            seconds = self._through._viewed()[1].timeout
            await cluster.ready(None if seconds is None else cluster.members.now() + seconds)
            step = self._begin_slots if self._is_by_slot else self._begin_node
        else:
            step = self._scan_slots if self._is_by_slot else self._scan_node
        try:
            await step(cluster)
        except _NoPrimaryError:
            self._node = None

    async def _ask(self, cluster: ClusterCalls, node: Address, command: Command[Any]) -> Any:
        """Ask a primary. Raises _NoPrimaryError if it is none by now, whatever it answers."""
        if node not in cluster.map.topology.shards:
            raise _NoPrimaryError
        view = self._through.using(node=node)
        try:
            return await view._execute(command.args, command.spec, command.parse)
        except Error as error:
            if node in cluster.map.topology.shards:
                raise
            raise _NoPrimaryError from error

    async def _stand(self, cluster: ClusterCalls, node: Address) -> Stand:
        return read_stand(await self._ask(cluster, node, commands.cluster_nodes()))

    async def _wait(self, cluster: ClusterCalls) -> None:
        """Wait a moment for the map to change. Raises ClusterDown if that has been in vain for long."""
        patience = cluster.options.acquire_timeout
        if patience is not None and self._waited >= patience:
            self._waited = 0.0
            self._coverage.forget_halves()
            slot = min(self._coverage.left)
            raise ClusterDown(
                "CLUSTERDOWN",
                f"for {patience:g} s no node of {cluster.options.address} said that it has slot {slot}: compare "
                "CLUSTER NODES of the nodes, then repeat the step",
            )
        gate = cluster.map.gate
        cluster.discovery.doubt()
        began = cluster.members.now()
        await gate.wait(MOMENT)
        self._waited += cluster.members.now() - began

    # Node by node: SCAN ------------------------------------------------------------------------------

    async def _begin_node(self, cluster: ClusterCalls) -> None:
        """Choose a node, and ask it about its slots."""
        topology = cluster.map.topology
        if self._coverage.is_complete(topology.table):
            self._is_over = True
            return
        known = {node.id: node.address for node in (shard.primary for shard in list(topology.shards.values()))}
        node = self._coverage.choose(topology.table, known)
        if node is None:
            await self._wait(cluster)
            return
        self._coverage.begin(await self._stand(cluster, node))
        self._node, self._cursor = node, 0

    async def _scan_node(self, cluster: ClusterCalls) -> None:
        """Get the next page of the node; after the last, ask it about its slots again."""
        node: Any = self._node
        if self._cursor is not None:
            cursor, page = await self._ask(cluster, node, self._by_node(self._cursor))
            self._page, self._cursor = iter(page), cursor or None
            return
        is_step = self._coverage.end(await self._stand(cluster, node))
        self._node = None
        if is_step:
            self._waited = 0.0
        else:
            await self._wait(cluster)

    # Slot by slot: CLUSTERSCAN -----------------------------------------------------------------------

    async def _begin_slots(self, cluster: ClusterCalls) -> None:
        """Get a cursor for the next slot that is served, and ask its node about its slots."""
        table = cluster.map.topology.table
        slot = next((slot for slot in range(self._slot, SLOTS) if table[slot] is not None), None)
        if slot is None or not cluster.knows_clusterscan:
            self._is_by_slot = False
            return
        node: Any = table[slot]
        first = commands.clusterscan("0", slot=slot)
        try:
            cursor, _ = await self._through._execute(first.args, first.spec, first.parse)
        except UnknownCommand:
            cluster.knows_clusterscan = False
            return
        self._coverage.begin(await self._stand(cluster, node))
        self._node, self._cursor, self._slot, self._pages = node, cursor, slot, 0

    async def _scan_slots(self, cluster: ClusterCalls) -> None:
        """Get the next page of the slots of the node; now and then, and after the last, ask it about its slots."""
        node: Any = self._node
        at = self._cursor
        slot = SLOTS if at is None else slot_of(at)
        following = slot
        is_here = at is not None and cluster.map.topology.table[slot] == node
        if at is not None and is_here and self._pages < PAGES:
            try:
                cursor, page = await self._ask(cluster, node, self._by_slot(at))
            except UnknownCommand:
                cluster.knows_clusterscan = self._is_by_slot = False
                self._node = None
                return
            except ServerError as error:
                if error.code not in ("MOVED", "ASK"):
                    raise
                if error.code == "MOVED":
                    await self._wait(cluster)
                else:
                    following += 1  # some keys of this slot are elsewhere: it is left to SCAN
                is_here = False
            else:
                self._page, self._cursor = iter(page), None if cursor == "0" else cursor
                self._pages += 1
                self._waited = 0.0
                return
        self._coverage.pass_by(await self._stand(cluster, node), self._slot, slot)
        self._slot, self._pages = following, 0
        if not is_here:
            self._node = None


class KeyPages:
    """Gets the pages of one key, from whichever node has it (Rule 4). An iterator sends its commands with it."""

    __slots__ = ("_conditions", "_node", "_opened")

    def __init__(self, opened: Callable[[], ClusterCalls], conditions: Conditions) -> None:
        self._opened = opened
        self._conditions = conditions
        self._node: Address | None = None  # who gave the latest page

    async def __call__(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        """Return a page, the first one if another node has the key by now. ``args`` are name, key, cursor, options."""
        cluster, spec, seconds = self._opened(), self._conditions.spec(spec), self._conditions.timeout
        reply, node = await cluster.execute_and_tell(args, spec, seconds)
        if args[2] != 0 and node != self._node:
            reply, node = await cluster.execute_and_tell((*args[:2], 0, *args[3:]), spec, seconds)
        self._node = node
        parse = parse or spec.parse
        return reply if parse is None else parse(reply)
