# Written once: respool/_sync/cluster_pool.py is generated from this file.
"""The pool for a cluster: ``AsyncManyDoor`` over a ``Cluster``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from respool import commands
from respool._async.many import AsyncManyDoor
from respool._async.node.connection import AsyncConnection
from respool._async.node.pieces import take_in
from respool._async.routing.calls import ClusterCalls
from respool._async.routing.homes import ClusterHomes
from respool._async.routing.routed import Borrower
from respool._async.routing.scans import AsyncClusterScan, KeyPages
from respool._async.shell.compat import Borrowing, borrow_from, clock
from respool._facts.cluster_options import ClusterOptions, as_address
from respool._facts.command import Command, Key, as_command
from respool._facts.conditions import KEPT, Conditions
from respool._facts.errors import Error, UsageError, UsageTypeError
from respool._facts.option_types import FROM_OPTIONS, FROM_URL, Address, ClusterPoolOptions, Encoding, S
from respool._facts.options import checked_timeout, make_options
from respool._protocol.run import Run, refused

if TYPE_CHECKING:
    from typing import Unpack

T = TypeVar("T")


class AsyncClusterPool(AsyncManyDoor[S]):
    """Pools of connections to all nodes of a Redis or Valkey cluster.

    ``AsyncClusterPool("redis+cluster://10.0.0.1:7000,10.0.0.2:7000")``: the nodes in the URL are asked for the map of
    the cluster first. Options are those of ``AsyncPool``, and hold for each node by itself; docs/reference/options.md
    lists what a cluster has beyond that. Commands go to the node that has their keys, wherever that is by now.
    """

    _options: ClusterOptions
    _has_own_scans = True

    def __init__(
        self,
        url: str | None = None,
        *,
        encoding: Encoding[S] | None = FROM_URL,
        **options: Unpack[ClusterPoolOptions],
    ) -> None:
        """Check the options; no I/O. Raises UsageError (a TypeError or ValueError) for an invalid one."""
        super().__init__(make_options(url, options, encoding, ClusterOptions))
        self._may_ask_replicas = self._options.read_from != "primary"

    def _make_serving(self) -> ClusterCalls:
        return ClusterCalls(self._options)

    def _make_homes(self, serving: Any) -> ClusterHomes:
        return ClusterHomes(serving)

    def _place(self, node: Any, shard_key: Any) -> Address:
        if shard_key is not KEPT:
            raise UsageTypeError("shard_key= is for buckets: in a cluster say which node with node=")
        return as_address(node)

    # Commands ----------------------------------------------------------------------------------------

    @overload
    async def execute(
        self, command: Command[T], /, *, timeout: float | None = None, node: Address | str | None = None
    ) -> T: ...

    @overload
    async def execute(self, *args: Any, timeout: float | None = None, node: Address | str | None = None) -> Any: ...

    async def execute(self, *args: Any, timeout: float | None = None, node: Address | str | None = None) -> Any:
        """Run one command where its keys are, and return its reply.

        Keys in several slots are no obstacle for MGET, MSET, DEL, EXISTS, TOUCH and UNLINK: they are split. Commands
        without keys go to all nodes that they concern (DBSIZE, FLUSHALL, SCRIPT LOAD); one that concerns a single node
        (INFO) needs ``node``, ``"host:port"`` or (host, port). ``timeout`` bounds the whole call in seconds, redirects
        and retries included. Raises what ``AsyncPool.execute`` raises, CrossSlot, TooManyRedirects, ClusterDown.
        """
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        if timeout is None and node is None:
            return await self._execute(command.args, command.spec, command.parse)
        seconds = None if timeout is None else checked_timeout(timeout)
        place = None if node is None else as_address(node)
        return await self._execute_with_care(command.args, command.spec, command.parse, seconds, node=place)

    @overload
    async def execute_many(
        self,
        commands: Iterable[Command[T]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        node: Address | str | None = None,
    ) -> list[T | Error]: ...

    @overload
    async def execute_many(
        self,
        commands: Iterable[Command[Any] | Sequence[Any]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        node: Address | str | None = None,
    ) -> list[Any]: ...

    async def execute_many(
        self,
        commands: Iterable[Command[Any] | Sequence[Any]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        node: Address | str | None = None,
    ) -> list[Any]:
        """Run commands as one pipeline for each node that they concern; return one value for each, errors as values.

        ``atomic=True`` runs them as one transaction: all keys must be in one slot, or it raises CrossSlot before
        anything is sent. If a node fails, its commands end in errors, and the others in their replies; it raises only
        if no reply came at all. ``node`` sends all of them to that node.
        """
        seconds = None if timeout is None else checked_timeout(timeout)
        place = None if node is None else as_address(node)
        deadline = None if seconds is None else clock()() + seconds
        run = await take_in(commands, atomic=atomic, deadline=deadline)
        if not run.calls:
            return []
        if (spec := run.misplaced) is not None:
            raise refused(spec)
        values: list[Any] = await self._opened().execute_run(run, deadline, seconds, place)
        return values

    async def execute_noreply(self, *args: Any, node: Address | str | None = None) -> None:
        """Send one command without waiting for its reply; its errors are not reported. Returns when it is queued.

        ``node`` sends it there whatever its keys are; a redirect is not followed then.
        """
        command = args[0] if len(args) == 1 and isinstance(args[0], Command) else args
        await self.execute_many_noreply([command], node=node)

    async def execute_many_noreply(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, node: Address | str | None = None
    ) -> None:
        """Send commands as one run for each node, and wait for no reply. Raises if they were certainly not sent.

        ``node`` sends them there whatever their keys are; a redirect is not followed then.
        """
        place = None if node is None else as_address(node)
        run = Run(commands)
        if run.calls:
            await self._opened().execute_noreply(run, place)

    # Iterators ---------------------------------------------------------------------------------------

    def _scan_nodes(self, through: Any, **options: Any) -> AsyncClusterScan[Any]:
        """Return an iterator over the keys of all nodes; ``through`` is this pool, or a view of it."""
        return AsyncClusterScan(
            self._opened,
            through,
            lambda cursor: commands.scan(cursor, **options),
            lambda cursor: commands.clusterscan(cursor, **options),
        )

    def _pages_of_key(self, conditions: Conditions) -> KeyPages:
        """Return what sends the commands of an iterator over one key."""
        return KeyPages(self._opened, conditions)

    # Leases ------------------------------------------------------------------------------------------

    def acquire(
        self, timeout: float | None = FROM_OPTIONS, *, key: Key | None = None, node: Address | str | None = None
    ) -> Borrowing[AsyncConnection[S]]:
        """Lease a connection to the node that serves ``key``, or to ``node``, as ``"host:port"`` or (host, port).

        ``async with pool.acquire(key="user:1") as conn``. Times and errors are those of ``AsyncPool.acquire``; raises
        UsageError unless one of the two is given.
        """
        if (key is None) == (node is None):
            both = "" if key is None else ", not with both"
            raise UsageError(f"a lease is a connection to one node: say which with key= or node={both}")
        if timeout is FROM_OPTIONS:
            timeout = self._options.acquire_timeout
        elif timeout is not None:
            timeout = checked_timeout(timeout)
        place = None if node is None else as_address(node)
        cluster = self._opened()
        slot = None if key is None else cluster.slot_of(key)
        borrowing: Borrowing[AsyncConnection[S]] = borrow_from(Borrower(cluster, slot, place), timeout)
        return borrowing

    # State -------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Address]:
        """The addresses of all nodes, as (host, port); empty until the map of the cluster is known."""
        return [] if self._serving is None else list(self._serving.nodes)
