"""Replacements for what the engine uses of ``threading``, ``time`` and ``queue``. They wait for the baton.

They behave as in CPython: a free lock goes to the first thread that asks, a timeout and a release at the same moment
may go either way, and a lock that is not held cannot be released.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from .baton import Baton


class Face:
    """A module with some of its names replaced."""

    def __init__(self, real: Any, **own: Any) -> None:
        self._real = real
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class SimLock:
    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self.holder = ""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        baton = self._baton
        baton.point()
        if self.holder:
            if not blocking or timeout == 0:
                return False
            what = f"a lock of {self.holder}"
            if not baton.wait_for(lambda: not self.holder, None if timeout < 0 else timeout, what):
                return False
        assert baton.me is not None
        self.holder = baton.me.name
        return True

    def release(self) -> None:
        if not self.holder:
            raise RuntimeError("release unlocked lock")
        self.holder = ""
        self._baton.point()

    def locked(self) -> bool:
        return bool(self.holder)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SimRLock(SimLock):
    def __init__(self, baton: Baton) -> None:
        super().__init__(baton)
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not self._is_owned() and not super().acquire(blocking, timeout):
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if not self._depth:
            super().release()

    def _is_owned(self) -> bool:
        me = self._baton.me
        return me is not None and self.holder == me.name


class SimCondition:
    def __init__(self, baton: Baton, lock: SimLock) -> None:
        self._baton = baton
        self._lock = lock
        self._waiters: list[list[bool]] = []

    def wait(self, timeout: float | None = None) -> bool:
        told = [False]
        self._waiters.append(told)
        self._lock.release()
        try:
            return self._baton.wait_for(lambda: told[0], timeout, "a notification")
        finally:
            if told in self._waiters:
                self._waiters.remove(told)
            self._lock.acquire()

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        until = None if timeout is None else self._baton.now + timeout
        while not (result := predicate()):
            left = None if until is None else until - self._baton.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify_all(self) -> None:
        assert self._lock.locked(), "notified without the lock"
        for told in self._waiters:
            told[0] = True
        self._waiters.clear()


class SimEvent:
    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        self._baton.point()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        self._baton.point()
        return self._is_set or self._baton.wait_for(lambda: self._is_set, timeout, "an event")


class SimQueue:
    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self._items: list[Any] = []

    def put(self, item: Any) -> None:
        self._items.append(item)  # not a switch point, because a finaliser may call it anywhere

    def get(self, timeout: float | None = None) -> Any:
        self._baton.point()
        if not self._items and not self._baton.wait_for(lambda: bool(self._items), timeout, "a queue"):
            raise Empty
        return self._items.pop(0)

    def get_nowait(self) -> Any:
        if not self._items:
            raise Empty
        return self._items.pop(0)


class SimThread:
    def __init__(
        self, baton: Baton, *, target: Callable[..., None], args: tuple[Any, ...] = (), name: str = "", daemon: bool = False
    ) -> None:
        self._baton = baton
        self._work = lambda: target(*args)
        self.name = name
        self._actor: Any = None

    def start(self) -> None:
        self.name += f" {len(self._baton.actors)}"  # a unique name, because names identify owners and holders
        self._actor = self._baton.spawn(self.name, self._work)
        self._baton.point()

    @property
    def ident(self) -> int | None:
        return None if self._actor is None else self._actor.ident

    def is_alive(self) -> bool:
        return self._actor is not None and not self._actor.is_over

    def join(self, timeout: float | None = None) -> None:
        self._baton.point()
        if self.is_alive():
            self._baton.wait_for(lambda: not self.is_alive(), timeout, f"the end of {self.name}")


def threading_with(baton: Baton) -> Any:
    return Face(
        threading,
        Lock=lambda: SimLock(baton),
        RLock=lambda: SimRLock(baton),
        Condition=lambda lock: SimCondition(baton, lock),
        Event=lambda: SimEvent(baton),
        Thread=lambda **how: SimThread(baton, **how),
        current_thread=lambda: baton.me,
    )


def time_with(baton: Baton) -> Any:
    def sleep(seconds: float) -> None:
        baton.wait_for(lambda: False, seconds, "time to pass")

    return Face(time, monotonic=lambda: baton.now, sleep=sleep)
