"""Helpers for tests with threads; ``asyncio_/harness.py`` has the same names for asyncio.

Callers run at the same time as the test; a test waits for what it expects, with a deadline, and never just sleeps.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: The longest that a test waits for anything, in seconds.
PATIENCE = 15.0

#: The event loops that ``run`` knows, for scripts: here, none.
LOOPS = ("threads",)

#: How a forked child may end.
WAYS_OUT = (os._exit, sys.exit)

#: An exception that ends only the task or thread it is raised in.
LEAVING = SystemExit

now = time.monotonic


def run(main: Callable[[], Any]) -> Any:
    """Run a script's main function to its end and return what it returned."""
    return main()


def wait_until(predicate: Callable[[], Any], timeout: float = PATIENCE) -> Any:
    """Ask ``predicate`` until its answer is true, and return that answer. Raises TimeoutError after ``timeout``."""
    deadline = now() + timeout
    while not (answer := predicate()):
        if now() >= deadline:
            raise TimeoutError(f"still {answer!r} after {timeout:g} s")
        time.sleep(0.001)
    return answer


@contextmanager
def complaints() -> Iterator[list[BaseException]]:
    """Collect what the threads of a pool raise to nobody."""
    errors: list[BaseException] = []
    before = threading.excepthook
    threading.excepthook = lambda said: errors.append(said.exc_value or said.exc_type())
    try:
        yield errors
    finally:
        threading.excepthook = before


def rest() -> None:
    """Let idle connections rest until bytes or an end that have arrived are noticed: here, by their next user."""
    time.sleep(0.002)


def resolves_in_python() -> bool:
    """Return whether names are resolved by ``socket.getaddrinfo``, which a test can replace."""
    return True


def socket_of(transport: Any) -> Any:
    """Return the socket of a transport of the engine."""
    return transport._sock._sock


class Signal:
    """An event that callers wait for and the test sets, or the other way round."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    def wait(self) -> None:
        """Wait until it is set. Raises TimeoutError if it is not set in time."""
        if not self._event.wait(PATIENCE):
            raise TimeoutError(f"no signal after {PATIENCE:g} s")


class Caller:
    """One concurrent caller and its outcome."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._value: Any = None
        self._error: BaseException | None = None

        def run() -> None:
            try:
                self._value = work()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name="caller", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def result(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError(f"a caller has not come back after {PATIENCE:g} s")
        if self._error is not None:
            raise self._error
        return self._value

    def outcome(self) -> Any:
        """Return what the call returned or raised."""
        try:
            return self.result()
        except Exception as error:
            return error


class Callers:
    """A group of concurrent callers. All of them must have returned when the test ends."""

    def __init__(self) -> None:
        self._callers: list[Caller] = []

    def start(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Caller:
        """Start a new caller that runs ``fn(*args, **options)``; it begins now."""
        caller = Caller(lambda: fn(*args, **options))
        self._callers.append(caller)
        return caller

    def results(self) -> list[Any]:
        """Wait for all callers and return what they returned, in the order of their start; raise the first error."""
        return [caller.result() for caller in self._callers]

    def outcomes(self) -> list[Any]:
        """Wait for all callers and return what each returned or raised, in the order of their start."""
        return [caller.outcome() for caller in self._callers]

    def end(self) -> None:
        """Called at the end of a test. It fails the test if a caller still runs."""
        deadline = now() + 1.0
        for caller in self._callers:
            caller.join(max(0.0, deadline - now()))
        late = [caller for caller in self._callers if not caller.is_done]
        assert not late, f"{len(late)} callers never came back"
