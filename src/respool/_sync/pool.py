# Generated from respool/_async/pool.py by tools/generate.py. Do not edit.
"""One node behind one object: commands on shared connections, leases beside them, the lane chosen by itself.

Rule 1: a command goes to a shared connection; one that may block goes to a lease; one that would change the state of
        a shared connection is refused before anything is sent (R-20, R-21).
Rule 2: what failed is sent again in ``retrying``, whichever lane it was on (R-24).
Rule 3: constructing does no I/O; the first use opens; after a fork the child starts with an empty pool (R-35).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

from respool._sync.node.connection import Connection
from respool._sync.node.lease_lane import LeaseLane
from respool._sync.node.node import Node
from respool._sync.node.pipeline import Pipeline
from respool._sync.node.retrying import Retrying
from respool._sync.node.select import select_db
from respool._sync.node.shared_lane import NoLane, SharedLane
from respool._sync.shell.compat import (
    WORLD,
    Borrowing,
    Cancelled,
    borrow_from,
    check_hooks,
    current_world,
    has_ended,
    here,
)
from respool._facts.command import Command, Parser, Spec, as_command
from respool._facts.errors import (
    ConnectFailed,
    Error,
    PoolClosed,
    TransportError,
    UsageError,
    UsageTypeError,
    is_demoted,
)
from respool._facts.option_types import FROM_URL, Encoding, PoolOptions, S
from respool._facts.options import checked_timeout, make_options
from respool._facts.stats import PoolStats
from respool._facts.unknown import POOL_NAMES, answering
from respool._protocol.run import Run, noreply_args, refused
from respool._shell.absent import OUTLIVED
from respool._shell.ending import RLock
from respool._shell.fork import watch_forks
from respool._shell.sockets import tls_context
from respool._surfaces.threads import Commands

if TYPE_CHECKING:
    from typing import Unpack

T = TypeVar("T")

_NO_LANE: Final = NoLane()
_DEFAULT: Final = object()
_ELSEWHERE: Final = UsageError("a first try met the connections of another event loop; never raised")


@answering(POOL_NAMES)
class Pool(Commands[S]):
    """A pool of connections to one Redis or Valkey server.

    Options are keywords, or stand in the URL's query string; keywords win. docs/reference/options.md lists all of
    them. Use it as ``with Pool("redis://localhost") as pool``, or just
    call it: the first use opens it.

    ``execute()`` and the command methods share a few connections between all callers. ``acquire()`` lends a connection
    to one caller. ``shared=0`` makes it a classic exclusive pool: every command leases, runs, releases.
    """

    def __init__(
        self, url: str | None = None, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[PoolOptions]
    ) -> None:
        """Check the options; no I/O. Raises UsageError (a TypeError or ValueError) for what cannot be.

        ``encoding``, such as ``"utf-8"``, makes replies ``str``; without it, here and in the URL, they are ``bytes``.
        """
        checked = make_options(url, options, encoding)
        kind = checked.connection_class
        if kind is not None and not issubclass(kind, Connection):
            raise UsageTypeError(f"connection_class must be a subclass of Connection, not {kind.__name__}")
        check_hooks(checked)
        self._options = checked.changed(tls=tls_context(checked.tls) or False)
        self._opening = RLock()
        self._is_closed = False
        self._forget()
        watch_forks(self)

    def _forget(self) -> None:
        """Stand as one that was never opened; also what a forked child does."""
        self._node: Node | None = None
        self._leases: LeaseLane = _NO_LANE  # type: ignore[assignment]  # never used before the pool is open
        self._shared: SharedLane = _NO_LANE  # type: ignore[assignment]  # it answers "no connection is up"
        self._retrying: Retrying = _NO_LANE  # type: ignore[assignment]  # the same

    def _after_fork(self) -> object:
        """Let go, in a forked child, of everything that is the parent's; return it to be kept and never touched."""
        node, buried = self._node, (self._node, self._leases, self._shared, self._opening)
        self._opening = RLock()
        self._forget()
        if node is not None:
            node.forget()
        return buried

    # Life --------------------------------------------------------------------------------------------

    def open(self, *, wait: bool = True, timeout: float | None = None) -> None:
        """Open the pool: connect ``min_size`` and the shared connections, and by default wait until they are up.

        ``timeout`` is in seconds (None: ``acquire_timeout``). With ``wait=False`` connecting goes on in the background.
        Raises the error of the first dial that fails; then, and on a timeout or cancel, nothing is left behind and the
        pool can be opened again; one that was open before stays so. Raises PoolClosed after ``close``.
        """
        seconds = self._seconds(timeout)
        before, node = self._node, self._opened()
        if wait:
            try:
                self._wait_ready(seconds, is_strict=True)
            except BaseException:
                if node is not before:
                    if self._node is node:
                        self._forget()
                    node.close(0.0)
                raise

    def _start(self) -> Node:
        if self._opening._is_owned():  # type: ignore[attr-defined]
            raise UsageError("this pool is being opened by this very thread: a signal handler cannot use it")
        with self._opening:
            if self._is_closed:
                raise PoolClosed(f"the pool of {self._options.address} is closed")
            if self._node is None:
                node = Node(self._options)
                shared = SharedLane(node)
                node.on_change = shared.refresh
                self._retrying = Retrying(node)
                self._leases = LeaseLane(node)
                self._shared = shared
                self._node = node
                try:
                    node.tasks.start(node.maintain)
                    node.settle()
                except BaseException:  # interrupted, or no thread could be started: a pool needs its maintenance task
                    self._forget()
                    node.abandon()
                    raise
            return self._node

    def _opened(self) -> Node:
        """Return the node, opening the pool on first use. Raises PoolClosed, UsageError in another event loop."""
        node = self._bound_node()
        return self._start() if node is None else node

    def _bound_node(self) -> Node | None:
        """Return the node, None before the first use and after the end of its event loop (R-35).

        Raises UsageError in another event loop while the first one is open.
        """
        node = self._node
        if node is not None and node.world is not current_world():
            if not has_ended(node.world):
                raise UsageError(
                    f"the pool of {self._options.address} was opened in another {WORLD}, which is still open: make one "
                    "pool for each (often it is opened in a fixture, or used in a thread with a loop of its own)"
                )
            node = self._outlive(node)
        if node is not None and node.is_inside():
            node.check_outside()
        return node

    def _outlive(self, node: Node) -> Node | None:
        """Stand as one that was never opened after the event loop of ``node`` has been closed; return today's node."""
        with self._opening:
            if self._node is node:
                self._forget()
                node.forget(OUTLIVED)
            return self._node

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until ``min_size`` and the shared connections are up.

        Raises PoolTimeout after ``timeout`` seconds (None: ``acquire_timeout``), with the last dial's error as cause.
        """
        seconds = self._seconds(timeout)
        self._opened()
        self._wait_ready(seconds, is_strict=False)

    def _wait_ready(self, timeout: float | None, *, is_strict: bool) -> None:
        node = self._opened()
        self._shared.wait_ready(None if timeout is None else node.now() + timeout, is_strict=is_strict)

    def _seconds(self, timeout: float | None) -> float | None:
        return self._options.acquire_timeout if timeout is None else checked_timeout(timeout)

    def close(self, *, timeout: float | None = None) -> None:
        """Close the pool: waiting and new callers get PoolClosed, leases close when they come back.

        Commands in flight on shared connections may finish for ``timeout`` seconds (None: ``read_timeout``). When this
        returns, also by a cancel, no task, thread, timer or idle socket is left. Idempotent.
        """
        patience = self._options.read_timeout if timeout is None else checked_timeout(timeout)
        if self._node is None or not self._node.is_inside():
            self._bound_node()
        with self._opening:
            self._is_closed = True
            node = self._node
        if node is not None:
            node.close(patience)

    def __reduce__(self) -> NoReturn:
        raise UsageTypeError("a pool cannot be copied or pickled; make one in each process")

    def __del__(self) -> None:
        node = self.__dict__.get("_node")
        if node is not None and not self._is_closed:
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=2)
            node.abandon()

    def __enter__(self) -> Pool[S]:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # Commands ----------------------------------------------------------------------------------------

    @overload
    def execute(self, command: Command[T], /, *, timeout: float | None = None) -> T: ...

    @overload
    def execute(self, *args: Any, timeout: float | None = None) -> Any: ...

    def execute(self, *args: Any, timeout: float | None = None) -> Any:
        """Run one command, or one ``Command``, on the lane that fits it, and return its reply.

        ``timeout`` bounds the whole call in seconds, retries included. Raises ServerError, ReadTimeout,
        ConnectionLost (OutcomeUnknown for a write that may have run), ConnectFailed, PoolError, UsageError.
        A cancelled call costs no reconnect: its reply is dropped when it comes.
        """
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        if timeout is None:
            return self._execute(command.args, command.spec, command.parse)
        seconds = checked_timeout(timeout)
        return self._execute_with_care(command.args, command.spec, command.parse, seconds)

    def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        # The hot path: everything unusual is left to ``_execute_with_care``.
        shared = self._shared
        transport = shared.only or shared.pick()
        if transport is None or not spec.plain:
            return self._execute_with_care(args, spec, parse)
        try:
            reply = transport.submit(args)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        except (RuntimeError, UsageError):
            if self._node is None or self._node.world is here():
                raise
            reply = _ELSEWHERE  # nothing was sent: the pool opens anew, or says which loop it belongs to
        if type(reply) is not bytes and isinstance(reply, Error):  # the first half is the cheaper one
            if is_demoted(reply, runs_code=spec.runs_code):
                shared.demoted(transport)
            try:
                failure = None if reply is _ELSEWHERE else reply
                return self._execute_with_care(args, spec, parse, None, failure)
            finally:
                del reply, failure  # what is raised holds this frame, which shall not hold it: no waiting for the gc
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    def _execute_with_care(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        parse: Parser | None = None,
        timeout: float | None = None,
        failure: Error | None = None,
    ) -> Any:
        """Run one command on the right lane, and again where R-24 allows it. ``failure``: what a first try ended in."""
        if spec.refusal is not None:
            raise refused(spec)
        may_block = spec.blocks_for(args) is not None
        is_safe = spec.safe and not may_block
        now = self._opened().now
        deadline = None if timeout is None else now() + timeout

        def attempt(*, elsewhere: bool) -> Any:
            return self._try_once(args, spec, deadline, on_lease=may_block, elsewhere=elsewhere)

        try:
            reply = self._retrying.persist(
                attempt,
                spec.name,
                deadline,
                is_safe=is_safe,
                runs_code=spec.runs_code,
                failure=failure,
                within=timeout,
            )
        finally:
            del failure
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    def _try_once(
        self, args: tuple[Any, ...], spec: Spec, deadline: float | None, *, on_lease: bool, elsewhere: bool
    ) -> Any:
        """Send one command once; return its reply, which may be an error value.

        ``elsewhere``: not on a shared connection that is to be replaced; for leases the ledger sees to that.
        """
        node = self._opened()
        if on_lease or not node.ledger.shared_target:
            if on_lease:
                self._shared.catch_up(deadline)
            lease = self._leases.borrow(self._left(deadline))
            try:
                reply = lease._request(args, spec, deadline)
                if isinstance(reply, Error) and is_demoted(reply, runs_code=spec.runs_code) and lease._slot is not None:
                    node.demoted(lease._slot)
                return reply
            finally:
                self._leases.give_back(lease)
        shared = self._shared
        transport = shared.wait(deadline, elsewhere=elsewhere)
        try:
            reply = transport.submit_until(args, deadline)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        if isinstance(reply, TransportError):
            shared.pin(transport)
        elif isinstance(reply, Error) and is_demoted(reply, runs_code=spec.runs_code):
            shared.demoted(transport)
        return reply

    @overload
    def execute_many(
        self, commands: Iterable[Command[T]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[T | Error]: ...

    @overload
    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]: ...

    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]:
        """Run commands as one pipeline on one connection; return one value for each, server errors as values.

        ``atomic=True`` wraps them in MULTI/EXEC and raises TransactionAborted when nothing was run. A big pipeline
        leaves by a connection of its own, so that others do not wait behind it. Raises as ``execute`` does.
        """
        run = Run(commands, atomic=atomic)
        if not run.calls:
            return []
        if (spec := run.misplaced) is not None:
            raise refused(spec)
        may_block = run.may_block
        seconds = None if timeout is None else checked_timeout(timeout)
        deadline = None if seconds is None else self._opened().now() + seconds

        def attempt(*, elsewhere: bool) -> Any:
            replies = self._try_run(run, deadline, on_lease=may_block or run.is_big, elsewhere=elsewhere)
            return (run.why_not_now(replies) if run.is_atomic else None) or replies

        try:
            replies = attempt(elsewhere=False)
        except ConnectFailed as error:
            replies = error
        if isinstance(replies, Error):
            is_safe = run.is_safe and not may_block
            try:
                replies = self._retrying.persist(
                    attempt, "a pipeline", deadline, is_safe=is_safe, failure=replies, within=seconds
                )
            except Error:
                del replies  # what is raised holds this frame, which shall not hold it: no cycles
                raise
        return run.read(replies)

    def _try_run(self, run: Run, deadline: float | None, *, on_lease: bool, elsewhere: bool) -> Any:
        """Send a run once; return the list of its replies, or an error value.

        What is only big goes on a shared connection where there are no others; what may block never does (R-21).
        """
        node = self._opened()
        must_lease = run.blocks_for is not None
        if must_lease or (on_lease and node.ledger.leasable > 0) or not node.ledger.shared_target:
            if on_lease:
                self._shared.catch_up(deadline)
            lease = self._leases.borrow(self._left(deadline))
            try:
                replies = lease._send_run(run, deadline)
                if run.is_refused_as_replica(replies) and lease._slot is not None:
                    node.demoted(lease._slot)
                return replies
            finally:
                self._leases.give_back(lease)
        shared = self._shared
        transport = (None if elsewhere else shared.only) or shared.wait(deadline, elsewhere=elsewhere)
        try:
            replies = transport.submit_many(run.args, deadline)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        if isinstance(replies, TransportError):
            shared.pin(transport)
        elif run.is_refused_as_replica(replies):
            shared.demoted(transport)
        return replies

    def execute_noreply(self, *args: Any) -> None:
        """Send one command whose reply nobody wants; its errors are not seen. Returns when it is queued.

        With ``shared=0`` it takes one round trip: until the server has seen it, the connection is nobody else's.
        Uses CLIENT REPLY OFF and ON, in a way that cannot shift the replies of others even where an ACL forbids it.
        """
        self.execute_many_noreply([args[0] if len(args) == 1 and isinstance(args[0], Command) else args])

    def execute_many_noreply(self, commands: Iterable[Command[Any] | Sequence[Any]]) -> None:
        """Send commands whose replies nobody wants, as one run. Raises when they were surely not sent."""
        run = Run(commands)
        if not run.calls:
            return
        told = noreply_args(run)
        node = self._opened()

        def attempt(*, elsewhere: bool) -> Any:
            if not node.ledger.shared_target:
                return self._noreply_on_lease(told)
            transport = self._shared.wait(None)
            error = transport.submit_noreply(told)
            self._shared.pin(transport)
            return error

        self._retrying.persist(attempt, "a run without reply", None, is_safe=False)

    def _noreply_on_lease(self, told: list[tuple[Any, ...]]) -> Any:
        """Send a run without replies on a lease, and wait for its end: a lease that owes is nobody else's yet."""
        lease = self._leases.borrow(self._left(None))
        try:
            reply = lease._transport.submit_guarded(told, len(told) - 1)
        finally:
            self._leases.give_back(lease)
        return reply if isinstance(reply, TransportError) and reply.executed == "no" else None

    def pipeline(self, *, atomic: bool = False, raise_errors: bool = True) -> Pipeline[S]:
        """Collect commands and send them as one pipeline: ``with pool.pipeline() as p: a = p.get("k")``.

        Leaving the block raises the first error among the replies; ``raise_errors=False`` leaves errors to the results.
        """
        return Pipeline(self.execute_many, atomic=atomic, raise_errors=raise_errors)

    def _left(self, deadline: float | None) -> float | None:
        """Return how long a lease may be waited for."""
        if deadline is None or self._node is None:
            return self._options.acquire_timeout
        return deadline - self._node.now()

    # Leases ------------------------------------------------------------------------------------------

    def acquire(self, timeout: Any = _DEFAULT) -> Borrowing[Connection[S]]:
        """Borrow a connection: ``with pool.acquire() as conn``, or ``conn = pool.acquire()``. Once each.

        ``timeout`` in seconds covers waiting, connecting and checking; zero or less: what is idle; None waits for ever;
        the default is the option ``acquire_timeout``. Raises PoolTimeout, PoolExhausted (TooManyWaiters), PoolClosed,
        or the error of the connection that could not be made.
        """
        if timeout is _DEFAULT:
            timeout = self._options.acquire_timeout
        elif timeout is not None:
            timeout = checked_timeout(timeout)
        if self._node is None or self._node.world is not here():
            self._opened()
        borrowing: Borrowing[Connection[S]] = borrow_from(self._leases, timeout)
        return borrowing

    def release(self, conn: Connection[S]) -> None:
        """Give a lease back, now: cannot wait, and cannot fail for a connection that is out.

        Raises UsageError, with nothing changed, for one that was given back before or is not of this pool.
        """
        if self._node is None:
            raise UsageError("this connection was not leased from this pool")
        self._leases.release(conn)

    # Run-time control --------------------------------------------------------------------------------

    def resize(self, *, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the bounds: at once for idle connections, on return for leased ones. Raises UsageError."""
        changes = {"min_size": min_size, "max_size": max_size}
        wanted = {name: size for name, size in changes.items() if size is not None}
        self._bound_node()
        with self._opening:
            self._options = options = self._options.changed(**wanted)
            node = self._node
        if node is not None:
            with node.lock:
                node.ledger.resize(min_size=options.min_size, max_size=options.max_size)
            node.settle()

    def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        node = self._bound_node()
        if node is not None:
            with node.lock:
                node.ledger.clear()
            node.settle_closed()

    def drain(self) -> None:
        """Begin a new epoch: every connection made before is replaced; leased and busy ones when they are free."""
        node = self._bound_node()
        if node is not None:
            node.drain()

    def select(self, db: int) -> bool:
        """Change the database of idle, shared and future connections, and return True. Leases on the old one are
        dropped when they come back.

        Raises UsageTypeError or UsageValueError for what is no database number, and the server's error when it
        refuses; then nothing has changed.
        """
        self._options.changed(db=db)  # raises for what is none
        node = self._opened()
        with node.selecting:
            try:
                select_db(node, self._leases, self._shared, db)
            finally:
                with self._opening:
                    self._options = self._options.changed(db=node.db)  # a cancel may come when the pool has moved
        return True

    # State -------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """All connections: ``shared + idle + leased + dialing``."""
        return 0 if self._node is None else self._node.ledger.size

    @property
    def idle(self) -> int:
        """Connections nobody uses."""
        return 0 if self._node is None else self._node.ledger.idle

    @property
    def leased(self) -> int:
        """Connections that are lent out."""
        return 0 if self._node is None else self._node.ledger.leased

    @property
    def shared(self) -> int:
        """Shared connections that are up."""
        return 0 if self._node is None else self._node.ledger.shared

    @property
    def dialing(self) -> int:
        """Connections being opened, checked or cleaned."""
        return 0 if self._node is None else self._node.ledger.dialing

    @property
    def waiting(self) -> int:
        """Callers waiting for a lease."""
        return 0 if self._node is None else self._node.ledger.waiting

    @property
    def min_size(self) -> int:
        """The number of connections that are kept."""
        return self._options.min_size

    @property
    def max_size(self) -> int:
        """The number of connections that is never exceeded."""
        return self._options.max_size

    @property
    def db(self) -> int:
        """The database of the pool's connections."""
        return self._options.db if self._node is None else self._node.db

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._is_closed

    def stats(self) -> PoolStats:
        """Return all counts as one value, exact at this moment."""
        if self._node is None:
            return PoolStats(min_size=self.min_size, max_size=self.max_size)
        budget = self._retrying.budget
        return self._node.stats(in_flight=self._shared.in_flight, retries=budget.taken, retries_refused=budget.refused)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "unopened" if self._node is None else "open"
        return (
            f"<{type(self).__name__} {self._options.address}/{self.db} {state} size={self.size}/{self.max_size} "
            f"shared={self.shared} idle={self.idle} leased={self.leased} dialing={self.dialing} waiting={self.waiting}>"
        )
