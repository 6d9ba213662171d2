# Written once: respool/_sync/routing/errands.py is generated from this file.
"""What is sent without waiting for replies in a cluster, and the task that reads them all the same.

Rule 1: CLIENT REPLY OFF would hide redirects, and a server that hides one drops the command. So every command has a
        reply, and what a node did not run goes where the redirect says. Other replies are dropped.
Rule 2: the caller returns when everything is written or queued. One task reads, in the order of the calls; it ends when
        nothing is left to read. Too many unread runs make their callers wait: memory stays bounded (P-14).
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from respool._async.routing.members import Members
from respool._async.routing.scatter import Part, Spread
from respool._async.shell.compat import Gate


class Errands:
    """The runs that were sent, and whose replies nobody waits for."""

    def __init__(self, members: Members, most: int) -> None:
        """Keep at most ``most`` unread runs."""
        self._members = members
        self._most = most
        self._unread: deque[tuple[Spread, list[Part]]] = deque()
        self._gate: Gate | None = None  # opens when the task has read everything; None if there is no task

    async def send(self, spread: Spread) -> None:
        """Send a run; wait only if it cannot be sent at once. Raises the error if it was certainly not sent."""
        posted, late = spread.begin()
        if late or len(self._unread) >= self._most:
            await spread.finish(posted, late)
            spread.check_sent()
            return
        is_alone = False
        try:
            with self._members.lock:
                self._unread.append((spread, posted))
                if self._gate is None:
                    is_alone, self._gate = True, Gate()
            if is_alone:
                self._members.tasks.start_or_run(self._read)
        except BaseException:  # a signal, perhaps before the task began: the next call starts another one
            with self._members.lock:
                gate, self._gate = (self._gate, None) if is_alone else (None, self._gate)
            if gate is not None:
                gate.open()
            raise

    async def _read(self) -> None:
        while True:
            with self._members.lock:
                if not self._unread:
                    gate, self._gate = self._gate, None
                    break
                spread, posted = self._unread.popleft()
            with suppress(Exception):  # of the user's remap, too: whatever it is, the task reads on for later callers
                await spread.finish(posted, [])
        if gate is not None:
            gate.open()

    async def wait(self, deadline: float | None) -> None:
        """Wait until everything sent before has been answered, or ``deadline``."""
        while (gate := self._gate) is not None:
            seconds = None if deadline is None else deadline - self._members.now()
            if seconds is not None and seconds <= 0:
                return
            await gate.wait(seconds)
