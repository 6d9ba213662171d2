# Written once: respool/_sync/door.py is generated from this file.
"""The public API that all kinds of pool share: opening and closing, commands, pipelines and leases.

Rule 1: a subclass creates the object that serves it (``_make_serving``): a ``Serving`` for one node, a ``Cluster`` for
        many. Everything here works on that object alone, by the names of ``Service``.
Rule 2: the hot path is one coroutine, ``_execute``; it passes every unusual case to ``_execute_with_care``.
Rule 3: a command that would change the state of a shared connection is refused before anything is sent (R-20).
        ``retrying`` repeats failed commands of both lanes (R-24).
Rule 4: construction does no I/O; the first use opens the pool. After a fork, or once its event loop is closed, a pool
        behaves as if it had never been opened (R-35).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, NoReturn, Self, TypeVar, overload

from respool._async.node.connection import AsyncConnection
from respool._async.node.pieces import take_in
from respool._async.node.pipeline import AsyncPipeline
from respool._async.node.shared_lane import NoLane
from respool._async.node.view import AsyncViewable
from respool._async.service import Service
from respool._async.shell.compat import (
    WORLD,
    Borrowing,
    Cancelled,
    borrow_from,
    check_hooks,
    clock,
    current_world,
    has_ended,
    here,
)
from respool._async.subscriber import AsyncSubscribable
from respool._facts.command import Command, Parser, Spec, as_command
from respool._facts.errors import Error, PoolClosed, UsageError, UsageTypeError, is_demoted
from respool._facts.option_types import FROM_OPTIONS, S
from respool._facts.options import Options, checked_timeout
from respool._facts.stats import PoolStats
from respool._facts.unknown import POOL_NAMES, answering
from respool._protocol.run import Run, refused
from respool._shell.absent import OUTLIVED
from respool._shell.ending import RLock
from respool._shell.fork import watch_forks
from respool._shell.sockets import tls_context
from respool._shell.unclosed import close_unclosed

T = TypeVar("T")

_NO_LANE: Final = NoLane()
_ELSEWHERE: Final = UsageError("a first try met the connections of another event loop; never raised")


@answering(POOL_NAMES)
class AsyncDoor(AsyncSubscribable[S], AsyncViewable[S]):
    """What every kind of pool can do; what ``async_from_url`` returns. A subclass creates the object that serves it."""

    _shared: Any  # a SharedLane

    def __init__(self, options: Options) -> None:
        kind = options.connection_class
        if kind is not None and not issubclass(kind, AsyncConnection):
            raise UsageTypeError(f"connection_class must be a subclass of AsyncConnection, not {kind.__name__}")
        check_hooks(options)
        self._options = options.changed(tls=tls_context(options.tls) or False)
        self._opening = RLock()
        self._is_closed = False
        self._forget()
        watch_forks(self)

    def _make_serving(self) -> Any:
        """Create the object that serves this pool; no I/O."""
        raise NotImplementedError

    def _bind(self, serving: Any) -> None:
        """Keep what the hot path reads of the object that serves this pool."""
        self._shared = serving.shared

    def _forget(self) -> None:
        """Return to the state of a pool that was never opened; a forked child does so too."""
        self._serving: Any = None  # a Service
        self._forget_hubs()
        self._shared = _NO_LANE  # it says that no connection is up

    def _after_fork(self) -> object:
        """Drop, in a forked child, what belongs to the parent. The caller must keep the result and never use it."""
        serving, buried = self._serving, (self._serving, self._opening)
        self._opening = RLock()
        self._forget()
        if serving is not None:
            serving.forget()
        return buried

    # Life --------------------------------------------------------------------------------------------

    async def open(self, *, wait: bool = True, timeout: float | None = None) -> None:
        """Open the pool: connect ``min_size`` and the shared connections, and by default wait until they are up.

        ``timeout`` is in seconds (None: ``acquire_timeout``). With ``wait=False`` it connects in the background.
        Raises the error of the first dial that fails. After an error, a timeout or a cancel nothing is left behind and
        the pool can be opened again; a pool that was already open stays open. Raises PoolClosed after ``aclose``.
        """
        seconds = self._seconds(timeout)
        before, serving = self._serving, self._opened()
        if wait:
            try:
                await serving.wait_ready(seconds, is_strict=True)
            except BaseException:
                if serving is not before:
                    if self._serving is serving:
                        self._forget()
                    await serving.close(0.0)
                raise

    def _start(self) -> Any:
        if self._opening._is_owned():  # type: ignore[attr-defined]
            raise UsageError("this pool is being opened by this very thread: a signal handler cannot use it")
        with self._opening:
            if self._is_closed:
                raise PoolClosed(f"the pool of {self._options.address} is closed")
            if self._serving is None:
                self._serving = serving = self._make_serving()
                self._bind(serving)
                try:
                    serving.start()
                except BaseException:  # interrupted, or no thread could be started: a pool needs its maintenance task
                    self._forget()
                    serving.abandon()
                    raise
            return self._serving

    def _opened(self) -> Any:
        """Return the ``Service``; the first use opens the pool. Raises PoolClosed, UsageError in another event loop."""
        serving = self._bound()
        return self._start() if serving is None else serving

    def _bound(self) -> Any:
        """Return the ``Service``; None before the first use and once its event loop is closed (R-35).

        Raises UsageError in another event loop while the first one is open.
        """
        serving = self._serving
        if serving is not None and serving.world is not current_world():
            if not has_ended(serving.world):
                raise UsageError(
                    f"the pool of {self._options.address} was opened in another {WORLD}, which is still open: make one "
                    "pool for each (often it is opened in a fixture, or used in a thread with a loop of its own)"
                )
            serving = self._outlive(serving)
        if serving is not None and serving.is_inside():
            serving.check_outside()
        return serving

    def _outlive(self, serving: Service) -> Any:
        """Drop the ``Service`` of an event loop that has been closed; return the current one, or None."""
        with self._opening:
            if self._serving is serving:
                self._forget()
                serving.forget(OUTLIVED)
            return self._serving

    async def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until ``min_size`` and the shared connections are up.

        Raises PoolTimeout after ``timeout`` seconds (None: ``acquire_timeout``), with the last dial's error as cause.
        """
        seconds = self._seconds(timeout)
        await self._opened().wait_ready(seconds, is_strict=False)

    def _seconds(self, timeout: float | None) -> float | None:
        return self._options.acquire_timeout if timeout is None else checked_timeout(timeout)

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Close the pool: waiting and new callers get PoolClosed; a leased connection is closed when it is released.

        Commands in flight on shared connections have ``timeout`` seconds to finish (None: ``read_timeout``). When this
        returns or is cancelled, no task, thread, timer or idle socket is left. Idempotent.
        """
        patience = self._options.read_timeout if timeout is None else checked_timeout(timeout)
        if self._serving is None or not self._serving.is_inside():
            self._bound()
        with self._opening:
            self._is_closed = True
            serving = self._serving
        self._finish_hubs()
        try:
            if serving is not None:
                await serving.close(patience)
        finally:
            await self._end_hubs()

    def __reduce__(self) -> NoReturn:
        raise UsageTypeError("a pool cannot be copied or pickled; make one in each process")

    def __del__(self) -> None:
        serving = self.__dict__.get("_serving")
        if serving is not None and not self._is_closed:
            end = partial(serving.forget, OUTLIVED) if has_ended(serving.world) else serving.abandon
            close_unclosed(self, end) if self._options.warn_unclosed else end()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    # Commands ----------------------------------------------------------------------------------------

    @overload
    async def execute(self, command: Command[T], /, *, timeout: float | None = None) -> T: ...

    @overload
    async def execute(self, *args: Any, timeout: float | None = None) -> Any: ...

    async def execute(self, *args: Any, timeout: float | None = None) -> Any:
        """Run one command, given by its arguments or as a ``Command``, and return its reply.

        ``timeout`` bounds the whole call in seconds, retries included. Raises ServerError, ReadTimeout,
        ConnectionLost (OutcomeUnknown for a write that may have run), ConnectFailed, PoolError, UsageError.
        Cancelling does not cost a reconnect, except for a blocking command: the late reply is dropped.
        """
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        if timeout is None:
            return await self._execute(command.args, command.spec, command.parse)
        seconds = checked_timeout(timeout)
        return await self._execute_with_care(command.args, command.spec, command.parse, seconds)

    async def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        # The hot path: ``_execute_with_care`` handles every unusual case.
        shared = self._shared
        transport = shared.only or shared.pick()
        if transport is None or not spec.plain:
            return await self._execute_with_care(args, spec, parse)
        try:
            reply = await transport.submit(args)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        except (RuntimeError, UsageError):
            if self._serving is None or self._serving.world is here():
                raise
            reply = _ELSEWHERE  # nothing was sent: below, the pool opens again or raises UsageError
        if type(reply) is not bytes and isinstance(reply, Error):  # the cheaper test comes first
            if is_demoted(reply, runs_code=spec.runs_code):
                shared.demoted(transport)
            failure = None if reply is _ELSEWHERE else reply
            try:
                return await self._execute_with_care(args, spec, parse, None, failure)
            finally:
                del reply, failure  # the raised error refers to this frame: without a cycle, no gc run is needed
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    async def _execute_with_care(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        parse: Parser | None = None,
        timeout: float | None = None,
        failure: Error | None = None,
    ) -> Any:
        """Run one command on the right lane and retry it where R-24 allows. ``failure`` is the error of a first try."""
        if spec.refusal is not None:
            raise refused(spec)
        try:
            reply = await self._opened().execute(args, spec, timeout, failure)
        finally:
            del failure
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    @overload
    async def execute_many(
        self, commands: Iterable[Command[T]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[T | Error]: ...

    @overload
    async def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]: ...

    async def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]:
        """Run commands as one pipeline on one connection; return one value for each, server errors as values.

        ``atomic=True`` wraps them in MULTI/EXEC and raises TransactionAborted when nothing was run. A big pipeline
        leases a connection, so that other callers do not wait behind it. Raises the same errors as ``execute``.
        """
        seconds = None if timeout is None else checked_timeout(timeout)
        deadline = None if seconds is None else clock()() + seconds
        run = await take_in(commands, atomic=atomic, deadline=deadline)
        if not run.calls:
            return []
        if (spec := run.misplaced) is not None:
            raise refused(spec)
        values: list[Any] = await self._opened().execute_run(run, deadline, seconds)
        return values

    async def execute_noreply(self, *args: Any) -> None:
        """Send one command without waiting for its reply; its errors are not reported. Returns when it is queued.

        With ``shared=0`` it takes one round trip: the connection is released only after the server has seen the
        command. CLIENT REPLY OFF and ON are sent so that others get the right replies even if an ACL forbids them.
        """
        await self.execute_many_noreply([args[0] if len(args) == 1 and isinstance(args[0], Command) else args])

    async def execute_many_noreply(self, commands: Iterable[Command[Any] | Sequence[Any]]) -> None:
        """Send commands as one run without waiting for replies. Raises if they were certainly not sent."""
        run = Run(commands)
        if run.calls:
            await self._opened().execute_noreply(run)

    def pipeline(self, *, atomic: bool = False, raise_errors: bool = True) -> AsyncPipeline[S]:
        """Collect commands and send them as one pipeline: ``async with pool.pipeline() as p: a = p.get("k")``.

        Leaving the block raises the first error among the replies; with ``raise_errors=False`` only ``result()`` does.
        """
        return AsyncPipeline(self.execute_many, atomic=atomic, raise_errors=raise_errors)

    # Leases ------------------------------------------------------------------------------------------

    def acquire(self, timeout: float | None = FROM_OPTIONS) -> Borrowing[AsyncConnection[S]]:
        """Lease a connection: ``async with pool.acquire() as conn``, or ``conn = await pool.acquire()``.

        Each result can be used once. ``timeout`` in seconds covers waiting, connecting and checking; with zero or less
        only an idle connection is leased; None waits for ever; the default is the option ``acquire_timeout``. Raises
        PoolTimeout, PoolExhausted (TooManyWaiters), PoolClosed, or the error of the dial that failed.
        """
        if timeout is FROM_OPTIONS:
            timeout = self._options.acquire_timeout
        elif timeout is not None:
            timeout = checked_timeout(timeout)
        serving = self._serving
        if serving is None or serving.world is not here():
            serving = self._opened()
        borrowing: Borrowing[AsyncConnection[S]] = borrow_from(serving.leases, timeout)
        return borrowing

    def release(self, conn: AsyncConnection[S]) -> None:
        """Give a lease back at once. It never waits, and never fails for a current lease of this pool.

        Raises UsageError, and changes nothing, for a lease that was released before or belongs to another pool.
        """
        if self._serving is None:
            raise UsageError("this connection was not leased from this pool")
        self._serving.release(conn)

    # Run-time control --------------------------------------------------------------------------------

    async def resize(self, *, min_size: int | None = None, max_size: int | None = None) -> None:
        """Set new bounds. Surplus idle connections close at once, leased ones when released. Raises UsageError."""
        changes = {"min_size": min_size, "max_size": max_size}
        wanted = {name: size for name, size in changes.items() if size is not None}
        self._bound()
        with self._opening:
            self._options = options = self._options.changed(**wanted)
            serving = self._serving
        if serving is not None:
            serving.resize(options.min_size, options.max_size)

    async def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        serving = self._bound()
        if serving is not None:
            await serving.clear()

    def discard_idle(self) -> None:
        """Close all idle connections at once, without waiting for anything; ``clear`` waits until they are closed."""
        serving = self._bound()
        if serving is not None:
            serving.discard_idle()

    def drain(self) -> None:
        """Begin a new epoch: replace every existing connection, leased and busy ones once they are free.

        A subscriber's connection is replaced within a second, in threads while somebody reads: there is a gap.
        """
        serving = self._bound()
        if serving is not None:
            serving.drain()

    async def select(self, db: int, *, verify: bool = True) -> bool:
        """Change the database of idle, shared and future connections, and return True.

        A lease on the old database is closed when it is released. Raises UsageTypeError or UsageValueError for an
        invalid database number, and the server's error when it refuses; then nothing has changed. With ``verify=False``
        it does not ask first, and so waits for no connection: the server must have that database.
        """
        self._options.changed(db=db)  # raises for an invalid number
        serving = self._opened()
        try:
            await serving.select(db, verify=verify)
        finally:
            with self._opening:
                self._options = self._options.changed(db=serving.db)  # the pool may have moved before a cancel
        return True

    # State -------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """All connections: ``shared + idle + leased + dialing``."""
        return self._gauge("size")

    @property
    def idle(self) -> int:
        """Connections that nobody uses at the moment."""
        return self._gauge("idle")

    @property
    def leased(self) -> int:
        """Connections that are leased to callers."""
        return self._gauge("leased")

    @property
    def shared(self) -> int:
        """Shared connections that are up."""
        return self._gauge("shared")

    @property
    def dialing(self) -> int:
        """Connections being opened, checked or cleaned."""
        return self._gauge("dialing")

    @property
    def waiting(self) -> int:
        """Callers waiting for a lease."""
        return self._gauge("waiting")

    @property
    def db(self) -> int:
        """The database of the pool's connections."""
        return self._options.db if self._serving is None else self._serving.db

    @property
    def min_size(self) -> int:
        """The number of connections that the pool keeps open."""
        return self._options.min_size

    @property
    def max_size(self) -> int:
        """The largest number of connections that the pool may have."""
        return self._options.max_size

    @property
    def closed(self) -> bool:
        """Whether ``aclose`` was called."""
        return self._is_closed

    def _gauge(self, name: str) -> int:
        serving = self._serving
        return 0 if serving is None else serving.gauge(name)

    def stats(self) -> PoolStats:
        """Return all counts as one value, exact at this moment."""
        serving: Service | None = self._serving
        return PoolStats(min_size=self.min_size, max_size=self.max_size) if serving is None else serving.stats()
