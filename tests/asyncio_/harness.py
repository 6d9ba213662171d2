"""Helpers for tests with asyncio; ``threads/harness.py`` has the same names for threads.

Callers run at the same time as the test; a test waits for what it expects, with a deadline, and never just sleeps.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: The longest that a test waits for anything, in seconds.
PATIENCE = 15.0

#: The event loops that ``run`` knows, for scripts: the environment variable LOOP chooses one.
LOOPS = ("asyncio", "uvloop")

#: How a forked child may end: not by SystemExit, which would go through the event loop of its parent.
WAYS_OUT = (os._exit,)

#: An exception that ends only the task or thread it is raised in.
LEAVING = asyncio.CancelledError

now = time.monotonic


def run(main: Callable[[], Any]) -> Any:
    """Run a script's main function to its end and return what it returned."""
    factory = asyncio.new_event_loop
    if os.environ.get("LOOP") == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


async def wait_until(predicate: Callable[[], Any], timeout: float = PATIENCE) -> Any:
    """Ask ``predicate`` until its answer is true, and return that answer. Raises TimeoutError after ``timeout``."""
    deadline = now() + timeout
    while not (answer := predicate()):
        if now() >= deadline:
            raise TimeoutError(f"still {answer!r} after {timeout:g} s")
        await asyncio.sleep(0.001)
    return answer


@contextmanager
def complaints() -> Iterator[list[BaseException]]:
    """Collect what the tasks of a pool raise to nobody."""
    loop, errors = asyncio.get_running_loop(), []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    try:
        yield errors
    finally:
        loop.set_exception_handler(before)


async def rest() -> None:
    """Let idle connections rest until bytes or an end that have arrived are noticed: here, by the event loop."""
    for _ in range(3):
        await asyncio.sleep(0)


def resolves_in_python() -> bool:
    """Return whether names are resolved by ``socket.getaddrinfo``, which a test can replace; not in uvloop."""
    return not type(asyncio.get_running_loop()).__module__.startswith("uvloop")


def socket_of(transport: Any) -> Any:
    """Return the socket of a transport of the engine."""
    return transport._transport.get_extra_info("socket")


class Signal:
    """An event that callers wait for and the test sets, or the other way round."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is set. Raises TimeoutError if it is not set in time."""
        async with asyncio.timeout(PATIENCE):
            await self._event.wait()


class Caller:
    """One concurrent caller and its outcome."""

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        async def run() -> Any:
            return await work()

        self.task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(run())

    @property
    def is_done(self) -> bool:
        return self.task.done()

    async def result(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        done, _ = await asyncio.wait([self.task], timeout=PATIENCE)
        if not done:
            raise TimeoutError(f"a caller has not come back after {PATIENCE:g} s")
        return self.task.result()

    async def outcome(self) -> Any:
        """Return what the call returned or raised."""
        try:
            return await self.result()
        except Exception as error:
            return error


class Callers:
    """A group of concurrent callers. All of them must have returned when the test ends."""

    def __init__(self) -> None:
        self._callers: list[Caller] = []

    def start(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Caller:
        """Start a new caller that runs ``fn(*args, **options)``; it begins when the test next waits."""
        caller = Caller(lambda: fn(*args, **options))
        self._callers.append(caller)
        return caller

    async def results(self) -> list[Any]:
        """Wait for all callers and return what they returned, in the order of their start; raise the first error."""
        return [await caller.result() for caller in self._callers]

    async def outcomes(self) -> list[Any]:
        """Wait for all callers and return what each returned or raised, in the order of their start."""
        return [await caller.outcome() for caller in self._callers]

    async def end(self) -> None:
        """Called at the end of a test. It fails the test if a caller still runs."""
        late = [caller for caller in self._callers if not caller.is_done]
        if late:
            await asyncio.wait([caller.task for caller in late], timeout=1.0)
        late = [caller for caller in late if not caller.is_done]
        for caller in late:
            caller.task.cancel()
        if late:
            await asyncio.wait([caller.task for caller in late], timeout=1.0)
        for caller in self._callers:
            if caller.is_done and not caller.task.cancelled():
                caller.task.exception()  # seen, whether or not the test asked
        assert not late, f"{len(late)} callers never came back"
