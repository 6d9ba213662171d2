"""Thread affinity: each thread has a shared connection to itself, as long as there are enough of them (R-41).

Rule 1: a thread keeps the connection that it used last, while that is quiet and no other thread has taken it over.
        Otherwise it takes a quiet one whose owner has let it rest. So threads that come and go need no more
        connections than there are threads at work at the same time.
Rule 2: to own a connection is a preference and no right: two threads that take the same one share it like any other.
        So nothing here needs a lock, and nothing has to be given back.
Rule 3: once a thread finds none, there are more threads at work than connections, and all of them share the first
        for a while, and for as long as it is crowded. That needs fewer writes and reads; threads that have one to
        themselves beside others that share are slower than either.

asyncio has no such file: one task never waits for another one to read its reply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from time import monotonic

from respool._sync.shell.transport import Transport


class Affinity:
    """Remembers which connection each thread used last."""

    __slots__ = ("_mine",)

    def __init__(self) -> None:
        self._mine = threading.local()

    def prepare(self, live: list[Transport], on_meeting: Callable[[], None] | None) -> None:
        """Note which connections get new work, and what to call when a thread has to wait for another one there."""
        for transport in live:
            transport.on_meeting = on_meeting

    def choose(self, live: list[Transport]) -> Transport | None:
        """Return the connection that the calling thread has to itself, or None: it shares one."""
        me = get_ident()
        if live[0].is_crowded:
            return None
        mine: Transport | None = getattr(self._mine, "transport", None)
        if mine is not None and mine.owner == me and mine.is_quiet and mine in live:
            return mine
        now = monotonic()
        for transport in live:
            if transport.is_free_for(me, now):
                transport.owner = me
                self._mine.transport = transport
                return transport
        live[0].crowd()
        return None
