"""Each worker's record of its writes, and the checks of what it reads (harness 7 of the promises).

Rule 1: each key and counter belongs to one worker; no other worker writes it.
Rule 2: a worker reads the value that it wrote last, or one whose outcome is unknown.
Rule 3: acknowledged <= counter <= acknowledged + unknown.
Rule 4: the record has a bounded size, so that it is not mistaken for a leak.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Any

from respool.errors import (
    ConnectFailed,
    ConnectionLost,
    Loading,
    PoolError,
    ReadTimeout,
    TransactionAborted,
    TransportError,
)

#: The errors that faults may cause. Any other error ends the soak.
EXPECTED = (ConnectFailed, ConnectionLost, ReadTimeout, PoolError, Loading)


def is_expected(error: BaseException) -> bool:
    """Return whether faults explain an error."""
    if isinstance(error, TransactionAborted):
        return isinstance(error.__cause__, Loading)
    return isinstance(error, EXPECTED)


def _brief(value: bytes | None) -> tuple[int, bytes] | None:
    """Return the part of a value that identifies it: values are a few words, padded with dots."""
    return None if value is None else (len(value), value.rstrip(b"."))


class Wrong(AssertionError):
    """Raised if a check fails."""


class Tally:
    """The counts of one half, asyncio or threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    def count(self, operation: str) -> None:
        with self._lock:
            self.done[operation] += 1

    def failed(self, operation: str, error: BaseException) -> None:
        """Count an error that faults explain; record any other as wrong."""
        with self._lock:
            self.errors[type(error).__name__] += 1
            if not is_expected(error):
                self.wrong.append(f"{operation}: {error!r} caused by {error.__cause__!r}")


class Book:
    """One worker's key and counter."""

    def __init__(self, name: str) -> None:
        self.key = f"key {name}"
        self.counter = f"counter {name}"
        self.list = f"list {name}"
        self._number = 0
        self._value: tuple[int, bytes] | None = None
        self._unsure: deque[tuple[int, bytes] | None] = deque(maxlen=500)
        self._acknowledged = 0
        self._unknown = 0

    def next_value(self, size: int) -> bytes:
        """Return a value that was never written before, and record that it may be written now."""
        self._number += 1
        value = f"{self.key} {self._number} ".encode().ljust(size, b".")
        self._unsure.append(_brief(value))
        return value

    def wrote(self, value: bytes) -> None:
        self._value = _brief(value)

    def check_value(self, value: bytes | None) -> None:
        found = _brief(value)
        if found != self._value and found not in self._unsure:
            raise Wrong(f"{self.key}: read {found!r}, wrote {self._value!r}")

    def adding(self, count: int = 1) -> None:
        """Record that the counter may grow. ``added`` means that it certainly did, ``not_added`` that it did not."""
        self._unknown += count

    def added(self, count: int = 1) -> None:
        self._unknown -= count
        self._acknowledged += count

    def not_added(self, error: BaseException, count: int = 1) -> None:
        was_not_sent = isinstance(error, TransportError) and error.executed == "no"
        if was_not_sent or isinstance(error, PoolError | Loading | TransactionAborted):
            self._unknown -= count

    def check_counter(self, value: Any) -> None:
        count = int(value or 0)
        if not self._acknowledged <= count <= self._acknowledged + self._unknown:
            known = f"{self._acknowledged} acknowledged, {self._unknown} unknown"
            raise Wrong(f"{self.counter}: read {count}, {known}")
