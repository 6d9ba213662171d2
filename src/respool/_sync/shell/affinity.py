"""Thread affinity: each thread has a shared connection to itself, as long as there are enough of them (R-41).

Rule 1: a thread keeps the connection that it used last, its seat, while that is quiet. Otherwise it takes a quiet one
        that nobody has, or whose owner has sent nothing for a while. So threads that come and go need few connections
        more than there are threads at work at the same time.
Rule 2: a seat is a preference and no right: two threads that take the same one share it like any other. So nothing
        here needs a lock, and nothing has to be given back.
Rule 3: a thread that finds none asks for another connection, if one may be made, and shares the first meanwhile. So
        does one whose seat has ended.
Rule 4: if none may be made, there are more threads at work than connections, and all of them share the first, until no
        thread has gone without a seat for a while. That needs fewer writes and reads; threads that have a connection to
        themselves beside others that share are slower than either. Each keeps its seat meanwhile, without using it.

asyncio has no such file: one task never waits for another one to read its reply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from respool._sync.shell import sockets
from respool._sync.shell.transport import Transport

#: How many extra connections a pool may have: more of them cost more than they bring where the two system calls of a
#: command give the interpreter's lock away twice (``sockets``, Rule 5).
MOST_EXTRA: Final = 3
MOST_EXTRA_WITH_STEP: Final = 7

LATELY: Final = 0.01  # for how many seconds a seat stays its owner's after a command
CROWDED: Final = 0.01  # for how many seconds all share the first connection after a thread has found no seat
PAUSE: Final = 0.001  # for how many seconds no thread looks for a seat after one has found none


class Seat:
    """What one thread has: the connection that it used last, and when it sent its last command anywhere."""

    __slots__ = ("at", "transport")

    def __init__(self) -> None:
        self.at = float("-inf")
        self.transport: Transport | None = None


class Affinity:
    """Remembers which connection each thread used last."""

    __slots__ = ("_lacked_at", "_mine", "_on_lack", "most_extra")

    def __init__(self, *, is_plain: bool = True) -> None:
        self._mine = threading.local()
        self._lacked_at = float("-inf")  # when a thread last found no seat, and no other connection could be made
        self._on_lack: Callable[[], None] | None = None
        #: How many extra connections are made for threads at most.
        self.most_extra = MOST_EXTRA_WITH_STEP if is_plain and sockets.step is not None else MOST_EXTRA

    def prepare(self, live: list[Transport], on_lack: Callable[[], None] | None) -> None:
        """Note which connections get new work, and what to call when threads need another one; None: there is none.

        It is called once, and may take no lock. While there is only one connection, nobody chooses, and it is called
        there, when a thread has to wait for another one.
        """
        self._on_lack = on_lack
        for transport in live:
            transport.on_meeting = on_lack if len(live) == 1 else None

    def choose(self, live: list[Transport]) -> Transport | None:
        """Return the connection that the calling thread has to itself, or None: it shares one."""
        try:
            seat: Seat = self._mine.seat
        except AttributeError:
            seat = self._mine.seat = Seat()
        seat.at = now = monotonic()
        mine = seat.transport
        if mine is not None and mine.owner is seat:
            if now - self._lacked_at < CROWDED:
                return None
            if mine not in live:  # it has ended, or ends soon
                mine.owner = None
                mine = None
            elif mine.is_quiet:
                return mine
        else:
            mine = None
            if now - self._lacked_at < PAUSE:
                return None
        for transport in live:
            owner: Seat | None = transport.owner
            if (owner is None or owner is seat or now - owner.at > LATELY) and transport.is_quiet:
                if mine is not None:
                    mine.owner = None
                transport.owner, seat.transport = seat, transport
                return transport
        if mine is None:
            self._lack(now)
        return None

    def _lack(self, now: float) -> None:
        """Note that a thread has found no seat."""
        on_lack = self._on_lack
        if on_lack is None:
            self._lacked_at = now
        else:
            self._on_lack = None
            try:
                on_lack()
            except BaseException:  # interrupted: the next thread asks again
                self._on_lack = on_lack
                raise
