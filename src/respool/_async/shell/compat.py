"""Everything by which asyncio differs from threads, one small pair of names each.

``_sync/shell/compat.py`` offers the same names for threads. Floors 3 and 4 use these and nothing else of asyncio, so
that they can be written once.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import nullcontext
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from respool._facts.errors import UsageError

if TYPE_CHECKING:
    from respool._facts.options import Options
    from respool._pooling.slot import Slot

T = TypeVar("T")

#: What a cancelled call raises.
Cancelled: Final = asyncio.CancelledError

#: What ends a task of the pool; everything else that a user's code raises there costs a connection (R-36).
ENDINGS: Final = (KeyboardInterrupt, asyncio.CancelledError)

#: The world this package half is for, as messages name it.
WORLD: Final = "event loop"


def current_world() -> Any:
    """Return what a pool is bound to when it opens: the running loop. Raises UsageError without one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise UsageError("an async pool is used inside a running event loop; use Pool for threads") from error


#: The same, where a pool opens.
new_world: Final = current_world

#: The same for comparing only; None outside of a running loop.
here: Final = asyncio._get_running_loop


def has_ended(world: Any) -> bool:
    """Return whether nothing can run any more in what a pool is bound to: its loop has been closed (R-35)."""
    return bool(world.is_closed())


def runs_alone() -> bool:
    """Return False: nothing here waits for another thread, at the end of the interpreter neither (R-38)."""
    return False


def clock() -> Callable[[], float]:
    """Return the monotonic clock of this world."""
    return asyncio.get_running_loop().time


def caller() -> Any:
    """Return what stands for the calling task."""
    return asyncio.current_task()


#: Returns who takes a slot: nobody needs to know, since nothing comes between taking it and having it in hand.
taker: Final[Callable[[], object]] = repeat(None).__next__  # the cheapest function that returns None


def bounded(seconds: float | None) -> Any:
    """Bound a block: it raises TimeoutError after ``seconds``; None does not bound it."""
    return asyncio.timeout(seconds)


def silence_of(_: Options) -> float | None:
    """Return how often the maintenance task looks for silent servers: never, each connection has a timer."""
    return None


def bounded_hook(seconds: float | None, _: Any) -> Any:
    """Bound a block in which a user's hook works with a connection: it raises TimeoutError after ``seconds``."""
    return asyncio.timeout(seconds)


def check_hooks(options: Options) -> None:
    """Accept all functions: hooks may be plain or ``async``."""


async def call_hook(hook: Callable[[Any], Any], subject: Any) -> Any:
    """Call a user's hook, plain or ``async``, and return what it returned.

    A cancellation that comes out of it although nobody cancelled the caller is an error like any other (R-36).
    """
    try:
        result = hook(subject)
        return await result if inspect.isawaitable(result) else result
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise UsageError("a hook ended in a cancellation that nobody had asked for") from error


def users_code() -> Any:
    """Note nothing: a task in a function of the user's can be cancelled."""
    return nullcontext()


async def call_credentials(source: Callable[[], Any], until: float | None) -> Any:
    """Ask a user's ``credentials`` callable, plain or ``async``. The caller bounds the time, here by a cancel."""
    result = source()
    return await result if inspect.isawaitable(result) else result


async def pause(seconds: float) -> None:
    """Sleep."""
    await asyncio.sleep(seconds)


def one_at_a_time() -> Any:
    """Return what ``async with`` lets one caller after the other through."""
    return asyncio.Lock()


class Waiter:
    """A caller queued for a lease. It can refuse an offer, when it has given up."""

    __slots__ = ("_future", "since")

    def __init__(self, since: float) -> None:
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.since = since

    def offer(self, slot: Slot) -> bool:
        return self._settle(slot)

    def fail(self, error: BaseException) -> bool:
        return self._settle(error)

    def _settle(self, outcome: Any) -> bool:
        if self._future.done():
            return False
        self._future.set_result(outcome)
        return True

    async def wait(self, seconds: float | None) -> Any:
        """Return the slot or the error, or None after ``seconds``. After None every offer is refused."""
        if seconds is None:
            return await self._future
        alarm = asyncio.get_running_loop().call_later(max(seconds, 0.0), self._settle, None)
        try:
            return await self._future
        finally:
            alarm.cancel()

    def give_up(self) -> Any:
        """Refuse from now on; return what was handed over but never taken, or None."""
        if self._future.done() and not self._future.cancelled():
            return self._future.result()
        self._future.cancel()
        return None


class Alarm:
    """Wakes the maintenance task: at once, or at a time; ``wait`` returns then."""

    __slots__ = ("_event", "_loop", "_rings_at", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0  # noted here: uvloop's timer of less than half a millisecond does not know it

    def set(self) -> None:
        self._event.set()

    def ring_at(self, time: float) -> None:
        """Wake the maintenance task at ``time``, or earlier if it was to be woken earlier."""
        if self._timer is not None:
            if self._rings_at <= time and not self._event.is_set():
                return
            self._timer.cancel()
        self._rings_at = time
        self._timer = self._loop.call_at(time, self._event.set)

    def set_from_finaliser(self) -> None:
        """Wake the maintenance task from wherever the garbage collector runs; takes no lock."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float | None) -> None:
        """Return when woken or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
        self.quiet()

    def quiet(self) -> None:
        """Forget the time set by ``ring_at``."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Gate:
    """Callers wait here until the gate is opened for all of them at once."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def open(self, outcome: Any = None) -> None:
        if not self._future.done():
            self._future.set_result(outcome)

    async def wait(self, seconds: float | None) -> bool:
        """Wait until the gate is open; False after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._future)
        except TimeoutError:
            return False
        return True


class BackgroundTasks:
    """The tasks that work for a pool. Nothing of them is left after ``stop``."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start_or_run(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Start ``work(*args)``, a moment later; it must not raise."""
        # Made by hand, for an eager task factory would run it in the middle of the step that asked for it.
        task = asyncio.Task(work(*args), loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    #: Start what must not be done at once when it cannot be started.
    start = start_or_run

    def forget(self) -> None:
        """Let go of tasks that will never go on: their loop has been closed, or belongs to a parent process.

        In a process that was forked inside of one, that one is running.
        """
        for task in self._tasks:
            if task.get_loop().is_closed():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio does for its own
                work: Any = task.get_coro()
                work.close()  # now, and not whenever the garbage collector comes by

    async def stop(self, deadline: float | None, cut: Callable[[], None]) -> None:
        """Stop all tasks and wait until they have ended. Safe to be cancelled: the tasks are cancelled first.

        What threads need besides, a ``deadline`` and a ``cut``, tasks do not: a cancel ends whatever they wait for.
        """
        me = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not me]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Borrowing(Coroutine[Any, Any, T], Generic[T]):
    """What ``acquire()`` returns: await it for a lease, or enter it to have the lease given back; once.

    It is a coroutine too, so that a task can be made of it. Nothing begins before one of these is done: one that is
    dropped has taken nothing.
    """

    __slots__ = ("_lane", "_lease", "_steps", "_task", "_timeout")

    __name__ = "acquire"  # for the repr of a task

    def __init__(self, lane: Any, timeout: float | None) -> None:
        self._lane = lane
        self._timeout = timeout

    def _begin(self) -> Coroutine[Any, Any, T]:
        lane, self._lane = self._lane, _SPENT
        return lane.borrow(self._timeout)  # type: ignore[no-any-return]

    def __await__(self) -> Generator[Any, Any, T]:
        return self._begin().__await__()

    def __repr__(self) -> str:
        state = "was taken" if self._lane is _SPENT else "was not taken yet: await it, or use it in async with"
        return f"<a lease that {state}>"

    async def __aenter__(self) -> T:
        lane, self._lane = self._lane, _SPENT
        self._lease: Any = await lane.borrow(self._timeout)
        return self._lease  # type: ignore[no-any-return]

    async def __aexit__(self, *exc_info: object) -> None:
        lease = self._lease
        del self._lease
        if (lane := lease._lane) is not None:  # not given back before
            lane.give_back(lease)

    # As a coroutine ----------------------------------------------------------------------------------

    def send(self, value: Any) -> Any:
        steps = self._mine()
        try:
            return steps.send(value)
        except BaseException:  # StopIteration too: it has ended
            self._task = 0
            raise

    def throw(self, *exc_info: Any) -> Any:
        steps = self._mine()
        try:
            return steps.throw(*exc_info)
        except BaseException:
            self._task = 0
            raise

    def close(self) -> None:
        if hasattr(self, "_steps"):
            self._steps.close()
        self._lane = _SPENT

    def _mine(self) -> Coroutine[Any, Any, T]:
        """Return the coroutine that borrows, for the task that was made of this; no other one may drive it."""
        task = id(asyncio.current_task())  # not the task, which holds this: no cycles
        if not hasattr(self, "_steps"):
            self._steps, self._task = self._begin(), task
        elif self._task != task:
            _SPENT.borrow(None)
        return self._steps


class _Spent:
    """Stands where the lane was in what an ``acquire`` call returned, once that has been used."""

    def borrow(self, timeout: float | None) -> NoReturn:
        raise UsageError("what acquire() returned was awaited or entered before: call acquire() once for each lease")


_SPENT: Final = _Spent()


#: Makes what an ``acquire`` call returns, from the lane and the timeout.
borrow_from: Final = Borrowing


__all__ = [
    "ENDINGS",
    "WORLD",
    "Alarm",
    "Awaitable",
    "BackgroundTasks",
    "Borrowing",
    "Cancelled",
    "Gate",
    "Waiter",
    "borrow_from",
    "bounded",
    "bounded_hook",
    "call_credentials",
    "call_hook",
    "caller",
    "clock",
    "current_world",
    "has_ended",
    "here",
    "new_world",
    "one_at_a_time",
    "pause",
    "runs_alone",
    "silence_of",
    "taker",
    "users_code",
]
