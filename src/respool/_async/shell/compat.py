"""All differences between asyncio and threads, each as a small pair of names.

``_sync/shell/compat.py`` defines the same names for threads. Floors 3 and 4 use these names and nothing else of
asyncio, so that they can be written once.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator
from contextlib import nullcontext
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from respool._facts.errors import UsageError

if TYPE_CHECKING:
    from respool._facts.options import Options
    from respool._pooling.slot import Slot

T = TypeVar("T")

#: The exception that a cancelled call raises.
Cancelled: Final = asyncio.CancelledError

#: The exceptions that end a background task; any other one that user code raises there costs a connection (R-36).
ENDINGS: Final = (KeyboardInterrupt, asyncio.CancelledError)

#: What a pool is bound to, as error messages name it.
WORLD: Final = "event loop"


def current_world() -> Any:
    """Return the running event loop, to which a pool is bound when it opens. Raises UsageError without one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise UsageError("an async pool is used inside a running event loop; use Pool for threads") from error


#: The same, called when a pool opens.
new_world: Final = current_world

#: The same, for comparisons only: returns None outside a running loop.
here: Final = asyncio._get_running_loop


def affinity(_: Options) -> Any:
    """Return None: tasks need no connections of their own, as none waits for another one to read its reply."""
    return None


def disown(connection: Any) -> bool:
    """Return False: no task owns a shared connection, and there are no extra ones to be closed as unused."""
    del connection
    return False


def ease(slot: Slot) -> float:
    """Return zero: no shared connection is closed before its time here."""
    del slot
    return 0.0


def on_left(transport: Any, pin: Callable[[Any], None]) -> None:
    """Do nothing: a task that leaves a command in flight notices that itself, by ``Cancelled``."""
    del transport, pin


def has_ended(world: Any) -> bool:
    """Return whether the event loop of a pool has been closed, so that nothing can run in it any more (R-35)."""
    return bool(world.is_closed())


def runs_alone() -> bool:
    """Return False: nothing here waits for another thread, not even at interpreter exit (R-38)."""
    return False


def clock() -> Callable[[], float]:
    """Return the monotonic clock of the running event loop."""
    return asyncio.get_running_loop().time


def caller() -> Any:
    """Return the calling task."""
    return asyncio.current_task()


#: Returns a name for a call that takes a slot. Here None is enough: nothing interrupts a task that takes one.
taker: Final[Callable[[], object]] = repeat(None).__next__  # the cheapest function that returns None


#: Returns a name for the calling thread, which finds the connection again that it has given back; None in asyncio,
#: where the lock is never contended and a lookup costs as much.
thread_name: Final[Callable[[], object] | None] = None


def bounded(seconds: float | None) -> Any:
    """Return an ``asyncio.timeout``: the block raises TimeoutError after ``seconds``; None sets no limit."""
    return asyncio.timeout(seconds)


def silence_of(_: Options) -> float | None:
    """Return how often maintenance looks for silent servers: None, never, because each connection has a timer."""
    return None


def bounded_hook(seconds: float | None, _: Any) -> Any:
    """Limit a block that runs a user's hook on a connection: it raises TimeoutError after ``seconds``."""
    return asyncio.timeout(seconds)


def check_hooks(options: Options) -> None:
    """Accept all functions: hooks may be plain or ``async``."""


async def call_hook(hook: Callable[[Any], Any], subject: Any) -> Any:
    """Call a user's hook, plain or ``async``, and return what it returned.

    If it raises CancelledError although nobody cancelled this task, that is an ordinary error: UsageError (R-36).
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
    """Return a null context manager: a task that runs user code can be cancelled, so nothing must be noted."""
    return nullcontext()


async def call_credentials(source: Callable[[], Any], until: float | None) -> Any:
    """Call a user's ``credentials`` function, plain or ``async``. The caller limits the time by cancelling."""
    result = source()
    return await result if inspect.isawaitable(result) else result


async def pause(seconds: float) -> None:
    """Sleep for ``seconds``."""
    await asyncio.sleep(seconds)


def one_at_a_time() -> Any:
    """Return an ``asyncio.Lock``, to be used with ``async with``."""
    return asyncio.Lock()


class Waiter:
    """A caller queued for a lease: an ``asyncio.Future`` for a slot or an error. Once done, it refuses offers."""

    __slots__ = ("_future", "since")

    def __init__(self, since: float, _: object = None) -> None:
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
        """Refuse all offers from now on; return the slot or error that was handed over but never received, or None."""
        if self._future.done() and not self._future.cancelled():
            return self._future.result()
        self._future.cancel()
        return None


class Alarm:
    """The ``asyncio.Event`` that the maintenance task waits for, with a timer. ``wait`` clears both."""

    __slots__ = ("_event", "_loop", "_rings_at", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0  # kept here: a uvloop timer of less than half a millisecond does not know it

    def set(self) -> None:
        self._event.set()

    def ring_at(self, time: float) -> None:
        """Wake the maintenance task at ``time``, or earlier if it is already due earlier."""
        if self._timer is not None:
            if self._rings_at <= time and not self._event.is_set():
                return
            self._timer.cancel()
        self._rings_at = time
        self._timer = self._loop.call_at(time, self._event.set)

    def set_from_finaliser(self) -> None:
        """Wake the maintenance task from any thread in which the garbage collector runs; takes no lock."""
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
        """Cancel the timer set by ``ring_at``."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Gate:
    """A one-shot condition, made of an ``asyncio.Future``: ``open`` wakes all callers that wait."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def open(self, outcome: Any = None) -> None:
        if not self._future.done():
            self._future.set_result(outcome)

    async def wait(self, seconds: float | None) -> bool:
        """Wait until the gate is open; return False after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._future)
        except TimeoutError:
            return False
        return True


class BackgroundTasks:
    """The asyncio tasks that work for a pool. None of them is left after ``stop``."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start_or_run(self, work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Run ``work(*args)`` in a new task, which begins in a later loop iteration; it must not raise."""
        # Not by ``create_task``: an eager task factory would run it at once, in the middle of the caller's step.
        task = asyncio.Task(work(*args), loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    #: The same here. In threads it raises when no thread can be started, and ``start_or_run`` then runs the work.
    start = start_or_run

    def forget(self) -> None:
        """Drop tasks that will never continue: their loop has been closed, or belongs to a parent process.

        In a process that was forked inside one of the tasks, that task is still running.
        """
        for task in self._tasks:
            if task.get_loop().is_closed():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio does for its own
                work: Any = task.get_coro()
                work.close()  # now, not whenever the garbage collector runs

    def cancel(self) -> None:
        """Cancel all tasks, without waiting."""
        for task in self._tasks:
            task.cancel()

    async def stop(self, deadline: float | None, cut: Callable[[], None]) -> None:
        """Cancel all tasks and wait until they have ended. Safe to cancel: the tasks are cancelled first.

        Only threads need ``deadline`` and ``cut``: a task can be cancelled whatever it waits for.
        """
        me = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not me]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Borrowing(Coroutine[Any, Any, T], Generic[T]):
    """The result of ``acquire()``: await it for a lease, or use it in ``async with``, which releases the lease; once.

    It is also a coroutine, so a task can be made from it. Nothing begins before one of these is done: a result that is
    dropped has taken no connection.
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
        """Return the coroutine that borrows, for the task that started it. Raises UsageError in any other task."""
        task = id(asyncio.current_task())  # not the task itself, which refers to this: no reference cycle
        if not hasattr(self, "_steps"):
            self._steps, self._task = self._begin(), task
        elif self._task != task:
            _SPENT.borrow(None)
        return self._steps


class _Spent:
    """Replaces the lane in the result of ``acquire`` once that has been used."""

    def borrow(self, timeout: float | None) -> NoReturn:
        raise UsageError("what acquire() returned was awaited or entered before: call acquire() once for each lease")


_SPENT: Final = _Spent()


#: Makes the result of ``acquire`` from the lane and the timeout.
borrow_from: Final = Borrowing
