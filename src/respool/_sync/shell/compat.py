"""Everything in which threads differ from asyncio, behind names that both have.

``_async/shell/compat.py`` offers the same names for asyncio. Floors 3 and 4 use these and nothing else of threading, so
they are written once, for asyncio, and generated for threads.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from respool._facts.errors import PoolError, ReadTimeout, UsageTypeError
from respool._shell.ending import RLock, is_finalizing, over
from respool._sync.shell.affinity import Affinity
from respool._sync.shell.dial import hang_up, run_within
from respool._sync.shell.sockets import check_threads, is_green

if TYPE_CHECKING:
    from respool._facts.options import Options
    from respool._pooling.slot import Slot

_WAITING: Final = object()

#: The longest timeout that a lock accepts, in seconds: some hundred years.
LONGEST: Final = threading.TIMEOUT_MAX

#: How many seconds ``Gate.wait`` blocks at most before the caller checks again whether it still has to wait.
LOOK_AGAIN: Final = 0.5
_HERE: Final = object()

#: The ids of the threads that are running a user's function.
_in_users_code: Final[set[int]] = set()


class Cancelled(BaseException):
    """Stands for ``asyncio.CancelledError``. Never raised: a thread cannot be cancelled."""


#: Exceptions that end a background thread. Any other exception from a user's function costs one connection (R-36).
ENDINGS: Final = (KeyboardInterrupt, Cancelled)

#: What a pool is bound to, in the words of error messages. Asyncio has "event loop" here.
WORLD: Final = "world"


def new_world() -> object:
    """Like ``current_world``, for a pool that opens. Raises UsageError for unsupported green threads (R-39)."""
    check_threads()
    return _HERE


def affinity(options: Options) -> Affinity | None:
    """Return what gives each thread a shared connection of its own; None for greenlets, for which that is no gain."""
    return None if is_green() else Affinity(is_plain=not options.tls)


def disown(connection: Any) -> bool:
    """Take a shared connection from its owner; return whether no thread has chosen it since the last call."""
    return bool(connection._transport.disown())


def ease(slot: Slot) -> float:
    """Return a number that is higher for a shared connection that can be closed sooner.

    A quiet one can be at once. Of the others, one that the server answers lately will be before one that is stalled.
    """
    transport = slot.connection._transport
    return float("inf") if transport.is_quiet else float(transport.heard)


def on_left(transport: Any, pin: Callable[[Any], None]) -> None:
    """Have ``pin`` called with the transport by each thread that is interrupted and leaves a command in flight."""
    transport.on_left = pin


def current_world() -> object:
    """Return what a pool is bound to: always the same object, because any thread may use it."""
    return _HERE


#: The same. Asyncio has a cheaper function here, for comparing only.
here: Final = current_world


def has_ended(world: object) -> bool:
    """Return False: unlike an event loop, nothing that a pool for threads is bound to can be closed before it."""
    return False


#: Returns whether the interpreter is ending, so that no other thread runs any more (R-38).
runs_alone: Final = is_finalizing


def clock() -> Callable[[], float]:
    """Return the monotonic clock."""
    return time.monotonic


def caller() -> Any:
    """Return the calling thread."""
    return threading.current_thread()


#: Returns a name for a call that takes a slot, for ``Slot.taker``: if it is interrupted, it must discard that slot, and
#: not one that the same thread takes in a signal handler or was taking when the signal came.
taker: Final = object


#: Returns a name for the calling thread, which finds the connection again that it has given back.
thread_name: Final[Callable[[], object] | None] = threading.get_ident


def bounded(seconds: float | None) -> Any:
    """Do nothing: a blocked thread cannot be interrupted. The sockets used inside have timeouts of their own."""
    return nullcontext()


def silence_of(options: Options) -> float | None:
    """Return how often maintenance checks for silent servers, in seconds: signals can keep a leader from noticing."""
    return options.read_timeout


def bounded_hook(seconds: float | None, connection: Any) -> Any:
    """Return a context manager that raises TimeoutError when a hook uses ``connection`` for over ``seconds``.

    Only waiting for the connection is bounded: other code cannot be interrupted.
    """
    return nullcontext() if seconds is None else _Bounded(connection, time.monotonic() + seconds)


class _Bounded:
    """Replaces a connection's transport while a hook runs, and gives each command the deadline ``until``."""

    __slots__ = ("_connection", "_transport", "_until")

    def __init__(self, connection: Any, until: float) -> None:
        self._connection = connection
        self._transport = connection._transport
        self._until = until

    def __enter__(self) -> None:
        self._connection._transport = self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if self._connection._transport is self:
            self._connection._transport = self._transport
        if isinstance(error, ReadTimeout) and time.monotonic() >= self._until:
            raise TimeoutError("the hook took too long") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _by(self, deadline: float | None) -> float:
        return self._until if deadline is None else min(deadline, self._until)

    def submit(self, args: tuple[Any, ...]) -> Any:
        return self._transport.submit_until(args, self._until)

    def submit_until(self, args: tuple[Any, ...], deadline: float | None, **reading: Any) -> Any:
        return self._transport.submit_until(args, self._by(deadline), **reading)

    def submit_many(self, commands: list[tuple[Any, ...]], deadline: float | None = None, *reading: Any) -> Any:
        return self._transport.submit_many(commands, self._by(deadline), *reading)

    def post_many(self, commands: list[tuple[Any, ...]], deadline: float | None = None, *reading: Any) -> Any:
        return self._transport.post_many(commands, self._by(deadline), *reading)

    def submit_guarded(self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None) -> Any:
        return self._transport.submit_guarded(commands, hidden, self._by(deadline))


def check_hooks(options: Options) -> None:
    """Raise UsageTypeError for an ``async`` function among hooks and credentials: it would never be awaited."""
    for name in ("credentials", "configure", "check", "reset"):
        if inspect.iscoroutinefunction(getattr(options, name)):
            raise UsageTypeError(f"{name} must be a plain function in a pool for threads, not an async one")


def call_hook(hook: Callable[[Any], Any], subject: Any) -> Any:
    """Call a user's hook and return what it returned. Raises UsageTypeError for an ``async`` one."""
    with users_code():
        return _answered(hook(subject))


@contextmanager
def users_code() -> Iterator[None]:
    """Note that this thread is running a user's function: closing waits for that only until its deadline."""
    me = threading.get_ident()
    _in_users_code.add(me)
    try:
        yield
    finally:
        _in_users_code.discard(me)


def call_credentials(source: Callable[[], Any], until: float | None) -> Any:
    """Call a user's ``credentials`` function, in a thread of its own. Raises UsageTypeError for an ``async`` one.

    Raises TimeoutError if it has not returned by ``until``. It is then left running.
    """
    return _answered(run_within(source, id(source), until, "credentials"))


def _answered(result: Any) -> Any:
    if inspect.iscoroutine(result):
        result.close()  # it would never be awaited, and a check that never runs would let everything pass
        raise UsageTypeError("hooks and credentials of a pool for threads are plain functions, not async ones")
    return result


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def one_at_a_time() -> Any:
    """Return a reentrant lock for use in ``with`` (an ``asyncio.Lock`` in the other half).

    It is acquired in one step of the interpreter, so that an exception in a signal handler never leaves it locked.
    """
    return RLock()


class Waiter:
    """The future of a caller that is queued for a lease. It is set to a slot or an error, once, unless given up.

    ``offer``, ``fail`` and ``give_up`` are called with the ledger's lock held, so an offer and giving up never race.
    """

    __slots__ = ("_gate", "_has_given_up", "_outcome", "_taker", "since")

    def __init__(self, since: float, taker: object = None) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self._outcome: Any = _WAITING
        self._has_given_up = False
        self._taker = taker
        self.since = since

    def offer(self, slot: Slot) -> bool:
        if self._has_given_up or self._outcome is not _WAITING:
            return False
        slot.taker = self._taker  # no function is called until both are set, so no interrupt comes in between
        self._outcome = slot
        self._gate.release()
        return True

    def fail(self, error: BaseException) -> bool:
        if self._has_given_up or self._outcome is not _WAITING:
            return False
        self._outcome = error
        self._gate.release()
        return True

    def wait(self, seconds: float | None) -> Any:
        """Return the slot or the error, or None after ``seconds``. Call ``give_up`` then.

        Raises PoolClosed if there is neither and the interpreter is ending: no other thread runs to set one.
        """
        if is_finalizing() and self._outcome is _WAITING:
            raise over()
        self._gate.acquire(timeout=-1 if seconds is None else min(max(seconds, 0.0), LONGEST))
        return None if self._outcome is _WAITING else self._outcome

    def give_up(self) -> Any:
        """Refuse offers from now on. Return the slot or error that was set meanwhile, or None."""
        self._has_given_up = True
        return None if self._outcome is _WAITING else self._outcome


class Alarm:
    """An event with a timer, which wakes the maintenance thread from ``wait``: at once, or at a given time.

    Built on a SimpleQueue because its ``put`` is reentrant and takes no Python lock, so a finaliser may call it.
    """

    __slots__ = ("_calls", "_ring_at")

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._ring_at: float | None = None

    def set(self) -> None:
        self._calls.put(None)

    def ring_at(self, time: float) -> None:
        """Wake the maintenance thread at ``time``, unless an earlier time is set already."""
        if self._ring_at is None or time < self._ring_at:
            self._ring_at = time
            self._calls.put(None)  # wake it now, so that it waits again with the new time

    def set_from_finaliser(self) -> None:
        """Wake the maintenance thread from a finaliser, which may run anywhere; takes no lock."""
        self._calls.put(None)

    def wait(self, seconds: float | None) -> None:
        """Return when woken or after ``seconds``.

        The time of ``ring_at`` is kept until it is reached, so setting the same time again wakes nobody.
        """
        ring_at = self._ring_at
        if ring_at is not None:
            left = max(ring_at - time.monotonic(), 0.0)
            seconds = left if seconds is None else min(seconds, left)
        try:
            self._calls.get(timeout=None if seconds is None else min(seconds, LONGEST))
            while True:
                self._calls.get_nowait()
        except Empty:
            pass
        if ring_at is not None and time.monotonic() >= ring_at:
            self._ring_at = None  # perhaps an earlier time set meanwhile, but the caller checks everything anyway

    def quiet(self) -> None:
        """Forget the time set by ``ring_at``."""
        self._ring_at = None


class Gate:
    """A one-shot event: ``open`` releases all threads in ``wait``. It cannot be closed again.

    Not a ``threading.Event``: its inner lock stays locked if a signal handler raises during ``set``.
    """

    __slots__ = ("_turnstile",)

    def __init__(self) -> None:
        self._turnstile = threading.Lock()
        self._turnstile.acquire()

    def open(self, outcome: Any = None) -> None:
        self._turnstile.release()

    def wait(self, seconds: float | None) -> bool:
        """Wait until the gate is open. Return False after ``seconds``, or after ``LOOK_AGAIN``: then check again.

        That is because the thread that should open it, or release the lock for the next, may be interrupted. Raises
        PoolClosed if the gate is shut and the interpreter is ending.
        """
        if is_finalizing() and self._turnstile.locked():
            raise over()
        if not self._turnstile.acquire(timeout=LOOK_AGAIN if seconds is None else min(seconds, LOOK_AGAIN)):
            return False
        self._turnstile.release()
        return True


class BackgroundTasks:
    """The background threads of a pool. ``stop`` leaves none of them but those blocked in a user's function."""

    __slots__ = ("_lock", "_threads")

    def __init__(self) -> None:
        self._lock = RLock()  # held while a thread starts, so that ``stop`` joins only threads that have started
        self._threads: list[threading.Thread] = []

    def start_or_run(self, work: Callable[..., None], *args: Any) -> None:
        """Run ``work(*args)`` in a new thread, or in this one if none can be started. ``work`` must not raise."""
        try:
            self.start(work, *args)
        except PoolError:
            work(*args)

    def start(self, work: Callable[..., None], *args: Any) -> None:
        """Run ``work(*args)`` in a new thread. ``work`` must not raise. Raises PoolError if none can be started.

        Either the system's limit is reached or the interpreter is ending: some versions refuse new threads as soon as
        the main thread has ended, even if other threads still run.
        """
        if is_finalizing():  # the thread would never start, and Python 3.11 would wait until it has
            raise over()
        thread = threading.Thread(target=work, args=args, name=f"respool-{work.__name__.strip('_')}", daemon=True)
        with self._lock:
            self._threads = [other for other in self._threads if other.is_alive()]
            self._threads.append(thread)
            try:
                thread.start()
            except RuntimeError as error:
                why = str(error)
                if not threading.main_thread().is_alive():
                    why += ": the main thread has ended, so open the pool before that"
                raise PoolError(f"a pool needs a thread of its own, and none can be started ({why})") from error

    def forget(self) -> None:
        """Drop all threads: in a forked child none of them exists."""
        self._threads.clear()

    def stop(self, deadline: float | None, cut: Callable[[], None]) -> None:
        """Wait until all threads have ended. Their dials are cancelled; ``cut`` ends everything else they wait for.

        A thread in a user's function is waited for until ``deadline``, and then left running.
        """
        me = threading.current_thread()
        is_late = False
        while not is_finalizing():  # then there is nothing to wait for
            with self._lock:
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                others = [thread for thread in self._threads if thread is not me]  # kept: others may call this too
            if is_late:
                others = [thread for thread in others if thread.ident not in _in_users_code]
            if not others:
                return
            cut()
            for thread in others:
                hang_up(thread)
                thread.join(0.05)  # briefly: it may begin to wait for something else, to be ended again
            is_late = deadline is not None and time.monotonic() >= deadline


T = TypeVar("T")

#: The type of what ``acquire`` returns: the lease, a context manager that releases itself.
Borrowing = Annotated[T, "a lease"]


def borrow_from(lane: Any, timeout: float | None) -> Any:
    """Acquire a lease from ``lane`` within ``timeout`` seconds."""
    return lane.borrow(timeout)
