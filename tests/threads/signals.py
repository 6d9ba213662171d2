"""Interrupts the main thread by a signal while it waits for another one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interrupting import Interrupted
from threads.harness import Callers, wait_until


@contextmanager
def interruptible() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def interrupt_when(callers: Callers, is_time: Any) -> None:
    """Interrupt the main thread when ``is_time()``."""

    def wait_and_interrupt() -> None:
        wait_until(is_time)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    callers.start(wait_and_interrupt)
