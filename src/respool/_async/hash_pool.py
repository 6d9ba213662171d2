# Written once: respool/_sync/hash_pool.py is generated from this file.
"""The pool that spreads its keys over a fixed list of servers: ``AsyncManyDoor`` over ``Buckets``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from respool._async.many import AsyncManyDoor
from respool._async.node.connection import AsyncConnection
from respool._async.node.pieces import take_in
from respool._async.routing.buckets import Buckets
from respool._async.routing.group import checked_slot
from respool._async.routing.homes import BucketHomes
from respool._async.routing.service_buckets import buckets_of
from respool._async.shell.compat import Borrowing, borrow_from, check_hooks, clock
from respool._facts.command import Command, Key, as_command
from respool._facts.conditions import KEPT
from respool._facts.errors import Error, UsageError
from respool._facts.hash_options import HashOptions, make_hash_options
from respool._facts.option_types import FROM_OPTIONS, FROM_URL, Address, Encoding, HashPoolOptions, S
from respool._facts.options import checked_timeout
from respool._facts.service_options import ServiceOptions
from respool._protocol.run import Run, refused
from respool._shell.sockets import tls_context

if TYPE_CHECKING:
    from typing import Unpack

T = TypeVar("T")


class AsyncHashPool(AsyncManyDoor[S]):
    """Pools of connections to several independent servers, the buckets, over which keys are spread.

    ``AsyncHashPool(["redis://10.0.0.1:6379", "10.0.0.2:6379", "/run/valkey.sock"])``: each bucket is a URL, an address
    as ``"host:port"`` or (host, port), or the path of a unix socket. ``"redis+hash://10.0.0.1,10.0.0.2/0"`` names
    several in one URL. Options are those of ``AsyncPool``, and hold for each bucket by itself.

    A key is in the bucket whose index is the slot of the key (CRC16 of the key, or of its hash tag, modulo 16384)
    modulo the number of buckets. So the buckets and their order stay the same for as long as the data is to be found.
    A bucket that is down fails alone.

    A server has no failover. Services have: ``AsyncHashPool(["bucket-a", "bucket-b"], sentinels=["10.0.0.1:26379"])``.
    Then a bucket is the name of a service, and its primary whichever node the sentinels name, as in
    ``AsyncSentinelPool``, whose options this pool then has too.
    """

    _options: HashOptions | ServiceOptions

    def __init__(
        self,
        buckets: Iterable[Address | str] | str,
        *,
        encoding: Encoding[S] | None = FROM_URL,
        **options: Unpack[HashPoolOptions],
    ) -> None:
        """Check the options; no I/O. Raises UsageError (a TypeError or ValueError) for an invalid one."""
        checked = make_hash_options(buckets, options, encoding)
        if isinstance(checked, ServiceOptions):
            check_hooks(checked.for_sentinel(checked.sentinels[0]))
            checked = checked.changed(sentinel_tls=tls_context(checked.sentinel_tls) or False)
            self._may_ask_replicas = checked.read_from != "primary"
        super().__init__(checked)

    def _make_serving(self) -> Buckets:
        return buckets_of(self._options)

    def _make_homes(self, serving: Any) -> BucketHomes:
        return BucketHomes(serving)

    # Which bucket ------------------------------------------------------------------------------------

    def node_of(self, key: Key) -> Address:
        """Return where the bucket of a key is: (host, port), (path, 0) for a socket, (name, 0) for a service."""
        places = self._options.places
        return places[checked_slot(self._slot_of, key, self._options.encoding) % len(places)]

    def _place(self, node: Any, shard_key: Any) -> Address:
        if node is not KEPT and shard_key is not KEPT:
            raise UsageError("a command goes to one bucket: say which with shard_key= or with node=, not with both")
        return self._options.place_of(node) if shard_key is KEPT else self.node_of(shard_key)

    def _chosen(self, node: Any, shard_key: Any) -> Address | None:
        """Return where a call is to go; None if its keys decide."""
        if node is None and shard_key is None:
            return None
        return self._place(KEPT if node is None else node, KEPT if shard_key is None else shard_key)

    def _scan_places(self) -> list[Address]:
        return self._options.places

    # Commands ----------------------------------------------------------------------------------------

    @overload
    async def execute(
        self,
        command: Command[T],
        /,
        *,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> T: ...

    @overload
    async def execute(
        self,
        *args: Any,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> Any: ...

    async def execute(
        self,
        *args: Any,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> Any:
        """Run one command at the bucket of its keys, and return its reply.

        Keys in several buckets are no obstacle for MGET, MSET, DEL, EXISTS, TOUCH and UNLINK: they are split. Commands
        without keys that concern all buckets (DBSIZE, FLUSHALL, KEYS) go to all of them; one that concerns a single
        bucket (INFO, PUBLISH, a script without keys) needs ``shard_key``, a key in that bucket, or ``node``, where it
        is. With either, it goes there whatever its keys are. ``timeout`` bounds the whole call in seconds, retries
        included. Raises what ``AsyncPool.execute`` raises, and CrossSlot.
        """
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        place = self._chosen(node, shard_key)
        if timeout is None and place is None:
            return await self._execute(command.args, command.spec, command.parse)
        seconds = None if timeout is None else checked_timeout(timeout)
        return await self._execute_with_care(command.args, command.spec, command.parse, seconds, node=place)

    @overload
    async def execute_many(
        self,
        commands: Iterable[Command[T]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> list[T | Error]: ...

    @overload
    async def execute_many(
        self,
        commands: Iterable[Command[Any] | Sequence[Any]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> list[Any]: ...

    async def execute_many(
        self,
        commands: Iterable[Command[Any] | Sequence[Any]],
        *,
        atomic: bool = False,
        timeout: float | None = None,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> list[Any]:
        """Run commands as one pipeline for each bucket that they concern; return one value for each, errors as values.

        ``atomic=True`` runs them as one transaction: all keys must be in one bucket, or it raises CrossSlot before
        anything is sent. If a bucket fails, its commands end in errors, and the others in their replies; it raises only
        if no reply came at all. ``shard_key`` or ``node`` sends all of them to one bucket.
        """
        seconds = None if timeout is None else checked_timeout(timeout)
        place = self._chosen(node, shard_key)
        deadline = None if seconds is None else clock()() + seconds
        run = await take_in(commands, atomic=atomic, deadline=deadline)
        if not run.calls:
            return []
        if (spec := run.misplaced) is not None:
            raise refused(spec)
        values: list[Any] = await self._opened().execute_run(run, deadline, seconds, place)
        return values

    async def execute_noreply(
        self, *args: Any, shard_key: Key | None = None, node: Address | str | None = None
    ) -> None:
        """Send one command without waiting for its reply; its errors are not reported. Returns when it is queued.

        ``shard_key`` or ``node`` sends it to one bucket whatever its keys are.
        """
        command = args[0] if len(args) == 1 and isinstance(args[0], Command) else args
        await self.execute_many_noreply([command], shard_key=shard_key, node=node)

    async def execute_many_noreply(
        self,
        commands: Iterable[Command[Any] | Sequence[Any]],
        *,
        shard_key: Key | None = None,
        node: Address | str | None = None,
    ) -> None:
        """Send commands as one run for each bucket, and wait for no reply. Raises if they were certainly not sent.

        ``shard_key`` or ``node`` sends them to one bucket whatever their keys are.
        """
        place = self._chosen(node, shard_key)
        run = Run(commands)
        if run.calls:
            await self._opened().execute_noreply(run, place)

    # Leases ------------------------------------------------------------------------------------------

    def acquire(
        self, timeout: float | None = FROM_OPTIONS, *, shard_key: Key | None = None, node: Address | str | None = None
    ) -> Borrowing[AsyncConnection[S]]:
        """Lease a connection to the bucket of ``shard_key``, or to ``node``, as ``"host:port"`` or (host, port).

        ``async with pool.acquire(shard_key="user:1") as conn``. Times and errors are those of ``AsyncPool.acquire``;
        raises UsageError unless one of the two is given.
        """
        place = self._chosen(node, shard_key)
        if place is None:
            raise UsageError("a lease is a connection to one bucket: say which with shard_key= or node=")
        if timeout is FROM_OPTIONS:
            timeout = self._options.acquire_timeout
        elif timeout is not None:
            timeout = checked_timeout(timeout)
        borrowing: Borrowing[AsyncConnection[S]] = borrow_from(self._opened().lane(place), timeout)
        return borrowing

    # State -------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Address]:
        """Where the buckets are, in their order: (host, port), (path, 0) for a unix socket, (name, 0) for a service."""
        return self._options.places

    @property
    def primaries(self) -> list[Address | None]:
        """Where the primary of each bucket is now, in the order of ``nodes``; None while none is known.

        For a server that is the server itself, and for a service what the sentinels say, once the pool is open.
        """
        if not isinstance(self._options, ServiceOptions):
            return list(self.nodes)
        return [None] * len(self.nodes) if self._serving is None else self._serving.primary_places
