"""What keeps the connections of subscribers going in asyncio: one task, beside which the event loop reads.

Rule 1: one hub serves all subscribers of a pool. Its connections are read at full speed, whoever takes the messages.
Rule 2: ``stop`` leaves no task and no timer behind.
Rule 3: a read proves that nothing was lost before it once the loop has looked at the socket again and has found
        neither more nor its end. A busy loop reads late: the end may have come long before, and is found behind all
        that was sent.

``_sync/shell/pump.py`` is the counterpart for threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from respool._async.shell.compat import Alarm, BackgroundTasks

#: Whether all subscribers of a pool share a hub.
IS_SHARED: Final = True

#: In how many turns of the loop an end that had come before a read is known: it is found in one, and told in another.
TURNS: Final = 2


class Bell:
    """Wakes the tasks that wait for something of one subscriber."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Let all who wait look again."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def wait(self, is_ready: Callable[[], bool], deadline: float | None) -> bool:
        """Wait until it is ready; return False at the deadline."""
        loop = asyncio.get_running_loop()
        has_read = False
        while not is_ready():
            if deadline is not None and loop.time() >= deadline:
                if has_read:
                    return False
                await asyncio.sleep(0)  # let the loop read: a caller that only looks for messages must find them
                has_read = True
                continue
            has_read = True
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.append(future)
            timer = None if deadline is None else loop.call_at(deadline, self.ring)
            try:
                await future
            finally:
                if timer is not None:
                    timer.cancel()
                if future in self._waiting:
                    self._waiting.remove(future)
        return True


class Pump:
    """Does the work of a hub in a task."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm()
        self._tasks = BackgroundTasks()
        self._certain: dict[Any, float] = {}  # when there was certainly nothing to read on a line (Rule 3)
        self._unproven: dict[Any, tuple[float, int]] = {}  # when a connection was last read, and the turns from there

    def start(self) -> None:
        """Begin to work."""
        self._tasks.start(self._run)

    async def _run(self) -> None:
        hub = self._hub
        try:
            while True:
                seconds, dials = hub.work()
                for line in dials:
                    self._tasks.start(hub.connect, line, None)
                await self._alarm.wait(None if seconds == float("inf") else seconds)
        except Exception as error:
            hub.fail(error)

    def make_bell(self) -> Bell:
        """Return what wakes one subscriber."""
        return Bell()

    def wake(self) -> None:
        """Let the hub look for work."""
        if not self._loop.is_closed():
            self._alarm.set()

    async def wait(self, bell: Bell, is_ready: Callable[[], bool], deadline: float | None) -> bool:
        """Wait until something of a subscriber is ready; return False at the deadline."""
        return await bell.wait(is_ready, deadline)

    # Connections -------------------------------------------------------------------------------------

    def attach(self, line: Any) -> None:
        """Begin to read a line: its hub gets every frame."""
        transport = line.connection._transport
        transport.wire.stream(partial(self._received, line, transport))
        transport.on_end = self.wake
        self._certain[line] = transport.heard

    def _received(self, line: Any, transport: Any, frame: Any) -> None:
        is_new = transport not in self._unproven
        self._unproven[transport] = self._loop.time(), TURNS
        if is_new:
            self._loop.call_soon(self._prove, line, transport)
        self._hub.received(line, frame)

    def _prove(self, line: Any, transport: Any) -> None:
        """Note the last read once the connection has outlived some turns of the loop without another one."""
        read_at, turns = self._unproven.pop(transport)
        if turns:
            self._unproven[transport] = read_at, turns - 1
            self._loop.call_soon(self._prove, line, transport)
        elif line in self._certain and transport.is_open:
            self._certain[line] = read_at

    def detach(self, line: Any) -> None:
        """Close a line's connection."""
        transport = line.connection._transport
        transport.on_end = None
        transport.abort()
        self._certain.pop(line, None)

    def certain_at(self, line: Any) -> float:
        """Return a time before which nothing was sent that has not come."""
        return self._certain.get(line, 0.0)

    def write(self, line: Any, data: bytes) -> None:
        """Send bytes on a line."""
        line.connection._transport.write(data)

    # The end -----------------------------------------------------------------------------------------

    #: Whether nobody uses the connections but the caller: always, in one event loop.
    is_idle = True

    async def stop(self) -> None:
        """End the task, and every dial that is under way."""
        self._alarm.quiet()
        await self._tasks.stop(None, _nothing)

    def close(self) -> None:
        """Nothing is left to close."""

    def abandon(self, inbox: Any) -> None:
        """Take leave of a subscriber that was dropped, from any thread in which the garbage collector runs."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave, inbox)

    def _leave(self, inbox: Any) -> None:
        if self._hub.leave_now(inbox):
            self._hub.clean()
            self._tasks.cancel()

    def forget(self) -> None:
        """Drop the task: it will never continue (R-35)."""
        self._tasks.forget()


def _nothing() -> None:
    """Do nothing: tasks are cancelled."""
