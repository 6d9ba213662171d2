"""What a thread waits for: the reply to its command, or to a run that it has posted.

Rule 1: a call gets one value, under the lock of its connection, or is given up there; so a reply is counted once.
Rule 2: the gate of a call is released once, by whoever completes it or makes it the leader (see ``transport``).
"""

from __future__ import annotations

import threading
from threading import get_ident
from typing import Any, Final

#: The value of a call without a reply.
WAITING: Final = object()


class Abandoned(Exception):
    """The caller has given up this reply."""


class Call:
    """The future of one thread's reply. ``gate`` is the locked lock that a follower sleeps on until it is released."""

    __slots__ = ("gate", "is_given_up", "thread", "value")

    def __init__(self) -> None:
        self.thread = get_ident()
        self.value: Any = WAITING
        self.gate: threading.Lock | None = None
        self.is_given_up = False

    def set_result(self, value: Any, /) -> None:
        if self.is_given_up:
            raise Abandoned
        self.value = value
        gate, self.gate = self.gate, None  # so that it is released only once, even if this is called twice
        if gate is not None:
            gate.release()

    def done(self) -> bool:
        return self.is_given_up

    @property
    def is_waiting(self) -> bool:
        return self.value is WAITING and not self.is_given_up


class Ticket(Call):
    """A posted run: ``collect`` it, or ``give_up`` on it. ``deadline`` is the time until which it is waited for."""

    __slots__ = ("deadline",)

    def __init__(self, deadline: float | None) -> None:
        super().__init__()
        self.deadline = deadline
