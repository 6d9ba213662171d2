"""What a thread waits for, the reply to its command or posted run, and the order in which threads are woken.

Rule 1: a call gets one value, under the lock of its connection, or is given up there; so a reply is counted once.
Rule 2: a thread whose reply another one reads sleeps on the gate of its call. The gate is released once: by whoever
        makes the thread the leader (see ``transport``), or when it is its turn among those that are answered.
Rule 3: who reads replies wakes the first of these threads, and each thread that wakes up wakes the next. Woken all at
        once, they would only queue for the interpreter lock: that takes one more switch of threads for each command.
Rule 4: what has not been woken within ``PATIENCE`` is woken at once. Then another thread is computing, and one after
        the other they would get the interpreter lock every 5 ms only; or the processors are busy with other work.
Rule 5: a thread that stops waiting, whatever the reason, takes its gate away and then wakes the next one. So while one
        sleeps with its reply, another is on its way to wake it.
"""

from __future__ import annotations

import threading
from collections import deque
from threading import get_ident
from time import monotonic
from typing import Any, Final

#: The value of a call without a reply.
WAITING: Final = object()

#: For how many seconds answered threads are woken one after the other.
PATIENCE: Final = 0.0005


class Abandoned(Exception):
    """The caller has given up this reply."""


class Call:
    """The future of one thread's reply. ``answered`` is where it queues when that has come, if its thread sleeps."""

    __slots__ = ("answered", "gate", "is_given_up", "thread", "value")

    def __init__(self) -> None:
        self.thread = get_ident()
        self.value: Any = WAITING
        self.is_given_up = False
        self.gate: threading.Lock | None = None
        self.answered: Answered | None = None

    def set_result(self, value: Any, /) -> None:
        if self.is_given_up:
            raise Abandoned
        self.value = value
        if self.answered is not None:
            self.answered.append(self)

    def done(self) -> bool:
        return self.is_given_up

    @property
    def is_waiting(self) -> bool:
        return self.value is WAITING and not self.is_given_up

    def sleep_until_answered(self, answered: Answered) -> None:
        """Give the call a gate, on which its thread can sleep."""
        self.answered = answered
        self.gate = gate = threading.Lock()
        gate.acquire()

    def wake(self) -> bool:
        """Release the gate if it has not been released yet; return whether it was."""
        gate, self.gate = self.gate, None
        if gate is None:
            return False
        gate.release()
        return True


class Ticket(Call):
    """A posted run: ``collect`` it, or ``give_up`` on it. ``deadline`` is the time until which it is waited for."""

    __slots__ = ("deadline",)

    def __init__(self, deadline: float | None) -> None:
        super().__init__()
        self.deadline = deadline


class Answered(deque[Call]):
    """The calls that have their replies and whose threads are to be woken. Threads may use it at the same time."""

    __slots__ = ("since",)

    def __init__(self) -> None:
        super().__init__()
        #: When the first of them got its reply; set by whoever reads replies while there are none.
        self.since = 0.0

    def wake_next(self) -> None:
        """Wake the next thread, or all of them if they have waited for too long (Rules 3 and 4)."""
        wakes_all = monotonic() - self.since > PATIENCE
        while self._wake_one() and wakes_all:
            pass

    def wake_all(self) -> None:
        """Wake all threads: the connection has ended, or a thread was interrupted."""
        while self._wake_one():
            pass

    def _wake_one(self) -> bool:
        """Wake the first thread that sleeps still; return False if there is none. An interrupt here loses nobody."""
        while self:
            try:
                call = self[0]
            except IndexError:  # another thread was faster
                break
            was_asleep = call.wake()
            try:
                self.remove(call)  # not the first one, whoever that is by now; and only after it was woken
            except ValueError:
                pass
            if was_asleep:
                return True
        return False
