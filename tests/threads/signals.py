"""Disturbs the main thread with a signal while it waits for another one.

A signal that comes just before a system call is only handled after that call, which may last for long. So it is sent
again and again until it is handled, and each one that is wanted is handled once.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from interrupting import Interrupted
from threads.harness import Callers, now, wait_until

AGAIN_AFTER: Final = 0.05

_wanted: deque[None] = deque()  # one for each signal that is not handled yet
_lock: Final = threading.Lock()  # held while a signal is sent, so that none comes when nobody handles it any more


@contextmanager
def at_signal(work: Callable[[], Any]) -> Iterator[None]:
    """Let the main thread do ``work`` when a signal comes."""

    def handle(*_: object) -> None:
        if _wanted:
            _wanted.pop()
            work()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        with _lock:
            _wanted.clear()
            signal.signal(signal.SIGUSR1, before)


def interruptible() -> Any:
    """Let a signal raise Interrupted in the main thread."""

    def interrupt() -> NoReturn:
        raise Interrupted

    return at_signal(interrupt)


def send_signal() -> None:
    """Send the main thread a signal, and return when it has begun to handle it."""
    _wanted.append(None)
    while _wanted:
        with _lock:
            if _wanted:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        until = now() + AGAIN_AFTER
        wait_until(lambda until=until: not _wanted or now() >= until)


def interrupt_when(callers: Callers, is_time: Any) -> None:
    """Interrupt the main thread when ``is_time()``."""

    def wait_and_interrupt() -> None:
        wait_until(is_time)
        send_signal()

    callers.start(wait_and_interrupt)
