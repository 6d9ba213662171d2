"""Everything by which threads differ from asyncio, one small pair of names each.

``_async/shell/compat.py`` offers the same names for asyncio. Floors 3 and 4 use these and nothing else of threading, so
that they can be written once.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from respool._facts.errors import UsageTypeError
from respool._sync.shell.dial import hang_up, run_within
from respool._shell.ending import RLock, is_finalizing, over
from respool._facts.errors import PoolError
from respool._sync.shell.sockets import check_threads
from respool._facts.errors import ReadTimeout

if TYPE_CHECKING:
    from respool._pooling.slot import Slot
    from respool._facts.options import Options

_WAITING: Final = object()

#: The longest time a lock can be waited for, in seconds: some hundred years.
LONGEST: Final = threading.TIMEOUT_MAX

#: How many seconds a caller waits at a gate before it looks whether it need not wait any more.
LOOK_AGAIN: Final = 0.5
_HERE: Final = object()

#: The threads that run a function of the user's.
_in_users_code: Final[set[int]] = set()


class Cancelled(BaseException):
    """What a cancelled call raises: nothing does here, a thread cannot be cancelled."""


#: What ends a thread of the pool; everything else that a user's code raises there costs a connection (R-36).
ENDINGS: Final = (KeyboardInterrupt, Cancelled)

#: The world this package half is for, as messages name it.
WORLD: Final = "world"


def new_world() -> object:
    """Return what a pool is bound to when it opens. Raises UsageError where threads are not threads (R-39)."""
    check_threads()
    return _HERE


def current_world() -> object:
    """Return what a pool is bound to when it opens: any thread may use it, so the world is always this one."""
    return _HERE


#: The same for comparing only.
here: Final = current_world


def has_ended(world: object) -> bool:
    """Return False: a pool for threads is bound to nothing that could end before it."""
    return False


#: Whether only this thread runs any more, because the interpreter is ending (R-38).
runs_alone: Final = is_finalizing


def clock() -> Callable[[], float]:
    """Return the monotonic clock of this world."""
    return time.monotonic


def caller() -> Any:
    """Return what stands for the calling thread."""
    return threading.current_thread()


#: Returns who takes a slot: a thread may be interrupted before it has it in hand.
taker: Final = threading.get_ident


def bounded(seconds: float | None) -> Any:
    """Bound nothing: a thread cannot be interrupted. The sockets inside have timeouts of their own."""
    return nullcontext()


def silence_of(options: Options) -> float | None:
    """Return how often maintenance looks for silent servers: a thread that signals interrupt may not notice."""
    return options.read_timeout


def bounded_hook(seconds: float | None, connection: Any) -> Any:
    """Bound a block in which a user's hook works with ``connection``: it raises TimeoutError after ``seconds``.

    Code that does not wait for the connection cannot be interrupted.
    """
    return nullcontext() if seconds is None else _Bounded(connection, time.monotonic() + seconds)


class _Bounded:
    """Stands before the transport of a connection for the time of a hook: no command of it outlasts ``until``."""

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

    def submit_until(self, args: tuple[Any, ...], deadline: float | None) -> Any:
        return self._transport.submit_until(args, self._by(deadline))

    def submit_many(self, commands: list[tuple[Any, ...]], deadline: float | None = None) -> Any:
        return self._transport.submit_many(commands, self._by(deadline))

    def submit_guarded(self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None) -> Any:
        return self._transport.submit_guarded(commands, hidden, self._by(deadline))


def check_hooks(options: Options) -> None:
    """Raise UsageTypeError for an ``async`` function among hooks and credentials: nobody would wait for it."""
    for name in ("credentials", "configure", "check", "reset"):
        if inspect.iscoroutinefunction(getattr(options, name)):
            raise UsageTypeError(f"{name} must be a plain function in a pool for threads, not an async one")


def call_hook(hook: Callable[[Any], Any], subject: Any) -> Any:
    """Call a user's hook and return what it returned. Raises UsageTypeError for an ``async`` one."""
    with users_code():
        return _answered(hook(subject))


@contextmanager
def users_code() -> Iterator[None]:
    """Note that the thread runs a function of the user's, which nobody can end: closing waits for it only so long."""
    me = threading.get_ident()
    _in_users_code.add(me)
    try:
        yield
    finally:
        _in_users_code.discard(me)


def call_credentials(source: Callable[[], Any], until: float | None) -> Any:
    """Ask a user's ``credentials`` callable, in a thread of its own. Raises UsageTypeError for an ``async`` one.

    Raises TimeoutError when there is no answer at ``until``; the function is left to end by itself then.
    """
    return _answered(run_within(source, id(source), until, "credentials"))


def _answered(result: Any) -> Any:
    if inspect.iscoroutine(result):
        result.close()  # nobody would wait for it: a check that never runs lets everything pass
        raise UsageTypeError("hooks and credentials of a pool for threads are plain functions, not async ones")
    return result


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def one_at_a_time() -> Any:
    """Return what ``with`` lets one caller after the other through.

    Its way in is one step of the interpreter: a signal handler that raises there leaves it open or held, never lost.
    """
    return RLock()


class Waiter:
    """A caller queued for a lease. It can refuse an offer, when it has given up.

    ``offer``, ``fail`` and ``give_up`` are called with the ledger's lock held; so a promise and a refusal never cross.
    """

    __slots__ = ("_gate", "_has_given_up", "_outcome", "_taker", "since")

    def __init__(self, since: float) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self._outcome: Any = _WAITING
        self._has_given_up = False
        self._taker = taker()
        self.since = since

    def offer(self, slot: Slot) -> bool:
        if self._has_given_up or self._outcome is not _WAITING:
            return False
        slot.taker = self._taker  # and no call until all is said: nothing interrupts in between
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
        """Return the slot or the error, or None after ``seconds``; then ``give_up`` tells what came too late.

        Raises PoolClosed when the interpreter is ending and nothing has come yet: nobody else would bring it.
        """
        if is_finalizing() and self._outcome is _WAITING:
            raise over()
        self._gate.acquire(timeout=-1 if seconds is None else min(max(seconds, 0.0), LONGEST))
        return None if self._outcome is _WAITING else self._outcome

    def give_up(self) -> Any:
        """Refuse from now on; return what was handed over but never taken, or None."""
        self._has_given_up = True
        return None if self._outcome is _WAITING else self._outcome


class Alarm:
    """Wakes the maintenance task: at once, or at a time; ``wait`` returns then.

    A SimpleQueue because its ``put`` is reentrant and takes no Python lock: a finaliser may call it anywhere.
    """

    __slots__ = ("_calls", "_ring_at")

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._ring_at: float | None = None

    def set(self) -> None:
        self._calls.put(None)

    def ring_at(self, time: float) -> None:
        """Wake the maintenance task at ``time``, or earlier if it was to be woken earlier."""
        if self._ring_at is None or time < self._ring_at:
            self._ring_at = time
            self._calls.put(None)  # it waits anew, with the new time

    def set_from_finaliser(self) -> None:
        """Wake the maintenance task from wherever the garbage collector runs; takes no lock."""
        self._calls.put(None)

    def wait(self, seconds: float | None) -> None:
        """Return when woken or after ``seconds``.

        The time of ``ring_at`` stands until it has come: who is woken before, and names it again, goes on sleeping.
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
            self._ring_at = None  # an earlier one that came meanwhile too: whoever waits here looks again in any case

    def quiet(self) -> None:
        """Forget the time set by ``ring_at``."""
        self._ring_at = None


class Gate:
    """Callers wait here until the gate is opened for all of them at once.

    A lock and no Event, whose inner lock stays locked when a signal handler raises in the midst of ``set``.
    """

    __slots__ = ("_turnstile",)

    def __init__(self) -> None:
        self._turnstile = threading.Lock()
        self._turnstile.acquire()

    def open(self, outcome: Any = None) -> None:
        self._turnstile.release()

    def wait(self, seconds: float | None) -> bool:
        """Wait until the gate is open; False after ``seconds``, or a little while: then look again.

        Whoever was to open it, or to let the next one through, may have been interrupted. Raises PoolClosed when the
        interpreter is ending and the gate is shut.
        """
        if is_finalizing() and self._turnstile.locked():
            raise over()
        if not self._turnstile.acquire(timeout=LOOK_AGAIN if seconds is None else min(seconds, LOOK_AGAIN)):
            return False
        self._turnstile.release()
        return True


class BackgroundTasks:
    """The threads that work for a pool. Nothing of them is left after ``stop`` but what only the user can end."""

    __slots__ = ("_lock", "_threads")

    def __init__(self) -> None:
        self._lock = RLock()  # nobody waits for the end of a thread that has not begun
        self._threads: list[threading.Thread] = []

    def start_or_run(self, work: Callable[..., None], *args: Any) -> None:
        """Start ``work(*args)``, or do it here and now when no thread is to be had; it must not raise."""
        try:
            self.start(work, *args)
        except PoolError:
            work(*args)

    def start(self, work: Callable[..., None], *args: Any) -> None:
        """Start ``work(*args)``; it must not raise. Raises PoolError when no thread is to be had.

        That may be a limit of the system, or the interpreter is ending: some versions refuse new threads as soon as
        the main thread has ended, although others still run.
        """
        if is_finalizing():  # it would never begin, and 3.11 would wait for its beginning
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
        """Let go of all threads: in a forked child none of them exists."""
        self._threads.clear()

    def stop(self, deadline: float | None, cut: Callable[[], None]) -> None:
        """Wait until all threads have ended. Dials are called off; ``cut`` ends the rest of what they wait for.

        A thread in a function of the user's is waited for until ``deadline``; then it is left to end by itself.
        """
        me = threading.current_thread()
        is_late = False
        while not is_finalizing():  # then there is nothing to wait for
            with self._lock:
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                others = [thread for thread in self._threads if thread is not me]  # another closer may wait too
            if is_late:
                others = [thread for thread in others if thread.ident not in _in_users_code]
            if not others:
                return
            cut()
            for thread in others:
                hang_up(thread)
                thread.join(0.05)  # not longer: it may have begun to wait for something else
            is_late = deadline is not None and time.monotonic() >= deadline


T = TypeVar("T")

#: What an ``acquire`` call returns: the lease, which is a context manager that gives itself back.
Borrowing = Annotated[T, "a lease"]


def borrow_from(lane: Any, timeout: float | None) -> Any:
    """Return what an ``acquire`` call returns."""
    return lane.borrow(timeout)
