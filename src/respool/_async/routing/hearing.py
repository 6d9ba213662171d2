# Written once: respool/_sync/routing/hearing.py is generated from this file.
"""What sentinels publish, heard once for all finders of a pool.

Rule 1: a sentinel that has answered a finder is listened to, over one connection. Every finder gets every message, and
        takes what is about its own service.
Rule 2: when that connection is lost, all finders ask the sentinel soon, and so on until one answer brings the next
        connection. When it is there, they ask once more: what was published before may have been missed.
Rule 3: a sentinel that no finder knows any more is not listened to.
"""

from __future__ import annotations

from typing import Protocol

from respool._async.routing.members import Members
from respool._async.routing.sentinel import Sentinel
from respool._async.shell.compat import BackgroundTasks
from respool._facts.errors import Error
from respool._facts.option_types import Address
from respool._facts.sentinel_options import SentinelOptions
from respool._routing.sentinel_view import SentinelView
from respool._routing.sentinels import RETRY
from respool._shell.absent import Absent


class Hearer(Protocol):
    """The part of a finder that hears sentinels."""

    view: SentinelView

    def hear(self, address: Address, channel: str, text: str) -> None:
        """Take a message of the sentinel at ``address``; does not wait, nor raise."""


class Hearing:
    """The connections over which sentinels are heard."""

    def __init__(self, members: Members, options: SentinelOptions) -> None:
        """Prepare; no I/O."""
        self.hearers: list[Hearer] = []
        self._members = members
        self._options = options
        self._tasks = BackgroundTasks()
        self._sentinels: dict[Address, Sentinel] = {}

    def begin(self, address: Address) -> None:
        """Listen to a sentinel that has answered, unless that goes on already."""
        members = self._members
        with members.lock:
            sentinel = self._sentinels.get(address)
            if members.closed or (sentinel is not None and sentinel.is_heard):
                return
            if sentinel is None:
                sentinel = self._sentinels[address] = Sentinel(address, self._options.for_sentinel(address))
            sentinel.is_heard = True
        self._tasks.start_or_run(self._listen, sentinel)

    async def _listen(self, sentinel: Sentinel) -> None:
        """Hear what a sentinel publishes until its connection is lost (Rule 2)."""
        members, address = self._members, sentinel.address

        def hear(channel: str, text: str) -> None:
            for hearer in self.hearers:
                hearer.hear(address, channel, text)

        try:
            await sentinel.listen(hear, lambda: self._let_ask(address, 0.0))
        except Error:  # the next answer brings the next try
            pass
        finally:
            sentinel.is_heard = False
            self._let_ask(address, RETRY * members.chance())

    def _let_ask(self, address: Address, pause: float) -> None:
        """Let all finders ask a sentinel in ``pause`` seconds."""
        members = self._members
        with members.lock:
            for hearer in () if members.closed else self.hearers:
                hearer.view.ask_by(address, members.now() + pause)
        members.alarm.set()

    def drop(self, address: Address) -> None:
        """Stop listening to a sentinel that a finder has forgotten, if the others have too."""
        with self._members.lock:
            is_known = any(address in hearer.view.sentinels for hearer in self.hearers)
            sentinel = None if is_known else self._sentinels.pop(address, None)
        if sentinel is not None:
            sentinel.abort()

    # The end -----------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Stop listening, for good. ``members.closed`` must be set before."""
        for sentinel in [*self._sentinels.values()]:
            sentinel.abort()

    async def stop(self, deadline: float | None) -> None:
        """Wait until nothing goes on any more, after ``abort``."""
        await self._tasks.stop(deadline, self.abort)
        for sentinel in [*self._sentinels.values()]:
            await sentinel.wait_closed()

    def forget(self, instead: Absent) -> None:
        """Drop every socket (R-35)."""
        self._tasks.forget()
        for sentinel in self._sentinels.values():
            sentinel.forget(instead)
