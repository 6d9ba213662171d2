"""An event loop with a virtual clock and a network in memory.

Rule 1: time advances only when nothing is ready, so waiting costs no real time, and a state in which nothing can ever
        become ready is found at once: ``Hang``.
        A timer fires a nanosecond late, because no timer is exact.
Rule 2: the seed decides what asyncio leaves open: the order of ready sockets, whether a ready socket is seen in this
        round or in the next, the order of timers due at the same moment, and whether sockets come before timers
        (asyncio) or after them (uvloop). Callbacks of ``call_soon`` stay first in, first out.
Rule 3: ``Order.adversarial`` also permutes the steps of different tasks within one round. asyncio never does that, so
        code that fails only there relies on the order of tasks. Each task's own steps keep their order.
Rule 4: ``Order.coarse`` is uvloop's clock: it counts milliseconds, rounds timers to the nearest, and for less than half
        of one ``call_at`` returns a plain handle. A timer may then fire early, so each round takes ``ROUND`` of time.
Rule 5: the transports are asyncio's own selector transports, on sockets of ``network``.
Rule 6: where the engine asks the kernel about a socket (``poll``), the sockets of ``network`` answer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import select
import socket
from asyncio import events
from asyncio.selector_events import _SelectorSocketTransport  # type: ignore[attr-defined]
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from respool._async.shell import transport as transport_module

#: Where the virtual clock starts. Not at 0, so that code that takes 0 for "never" is found.
START = 1000.0


ROUND = 0.00002
LATE = 1e-9

#: This many rounds at the same time are a busy loop; this many in total are an endless run.
MOST_ROUNDS_AT_ONCE = 20_000
MOST_ROUNDS = 1_000_000


class Hang(AssertionError):
    """The run has not ended, but nothing is ready and nothing is due; or it is a busy loop."""


@dataclass(frozen=True)
class Order:
    """The freedom that the scheduler of one run has."""

    adversarial: bool = False
    coarse: bool = False
    timers_first: bool = False
    #: How often a ready socket is seen one round late.
    lateness: float = 0.0


class World:
    """The events outside the process, by time."""

    def __init__(self) -> None:
        self.now = START
        self._happenings: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, happen: Callable[..., None], *args: Any) -> None:
        """Call ``happen(*args)`` at ``when``. Events at the same moment happen in the order they were added."""
        heapq.heappush(self._happenings, (max(when, self.now), next(self._numbers), happen, args))

    def after(self, seconds: float, happen: Callable[..., None], *args: Any) -> None:
        self.at(self.now + seconds, happen, *args)

    @property
    def next_at(self) -> float:
        return self._happenings[0][0] if self._happenings else float("inf")

    def go_on(self) -> None:
        """Run all events that are due."""
        happenings = self._happenings
        while happenings and happenings[0][0] <= self.now:
            _, _, happen, args = heapq.heappop(happenings)
            happen(*args)


class SimTask(asyncio.Task):  # type: ignore[type-arg]
    """A task whose hash is its number, so that sets of tasks have the same order in every run."""

    def __init__(self, coro: Any, *, loop: SimLoop, **more: Any) -> None:
        self.number = next(loop.task_numbers)
        super().__init__(coro, loop=loop, **more)

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.BaseEventLoop):
    """The loop. ``connect`` makes a client socket for an address; ``on_step`` is called after every round."""

    def __init__(
        self, world: World, chance: Random, order: Order, connect: Callable[[Any], Any] | None = None
    ) -> None:
        super().__init__()
        self.set_debug(False)
        self.world = world
        self.order = order
        self.rounds = 0
        self._stands_at, self._stands_since = 0.0, 0
        self.task_numbers = itertools.count(1)
        self.on_step: Callable[[], None] = _nothing
        self._chance = chance
        self._connect = connect
        self._selector = _NoSelector()  # for the repr() of a transport
        self._transports: dict[int, Any] = {}
        self._wanted: dict[int, Any] = {}  # fd of a socket that will be replaced -> the address it is to reach
        self._watched: dict[int, Any] = {}  # fd -> socket
        self._readers: dict[int, events.Handle] = {}
        self._writers: dict[int, events.Handle] = {}
        self.set_task_factory(_make_task)

    # The clock -----------------------------------------------------------------------------------

    def time(self) -> float:
        return int(self.world.now * 1000.0 + 1e-6) / 1000.0 if self.order.coarse else self.world.now

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        if self.order.coarse:
            wait = round(max(when - self.time(), 0.0) * 1000.0)
            if wait == 0:
                return self.call_soon(callback, *args, context=context)
            when = self.time() + wait / 1000.0
        return super().call_at(when, callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    @property
    def pending_timers(self) -> list[Any]:
        return [handle for handle in self._scheduled if not handle._cancelled]

    # One round -----------------------------------------------------------------------------------

    def _run_once(self) -> None:
        self.rounds += 1
        if self.order.coarse:
            self.world.now += ROUND
        self._check_progress()
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not self._ready and not self._stopping:
            self._advance()
        self.world.go_on()
        incoming, due = self._poll(), self._due()
        self._ready.extend(due + incoming if self.order.timers_first else incoming + due)
        batch = list(self._ready)
        self._ready.clear()
        if self.order.adversarial and len(batch) > 1:
            batch = self._shuffled(batch)
        for handle in batch:
            if not handle._cancelled:
                handle._run()
        self.on_step()

    def _check_progress(self) -> None:
        if self.world.now != self._stands_at:
            self._stands_at, self._stands_since = self.world.now, self.rounds
        if self.rounds - self._stands_since > MOST_ROUNDS_AT_ONCE or self.rounds > MOST_ROUNDS:
            raise Hang(f"round {self.rounds}, and the clock has stood still since round {self._stands_since}")

    def _advance(self) -> None:
        """Move the clock to the next moment at which something can happen."""
        if any(sock.is_readable for fd, sock in self._watched.items() if fd in self._readers):
            return
        if any(sock.is_writable for fd, sock in self._watched.items() if fd in self._writers):
            return
        when = min(self.world.next_at, self._scheduled[0]._when if self._scheduled else float("inf"))
        if when == float("inf"):
            raise Hang("nothing is ready and nothing will ever be")
        self.world.now = max(self.world.now, when) + LATE

    def _poll(self) -> list[Any]:
        """Return the handles of the sockets that can be read or written, in an order that the seed decides."""
        found: list[Any] = []
        for fd, sock in self._watched.items():
            if fd in self._readers and sock.is_readable:
                found.append(self._readers[fd])
            if fd in self._writers and sock.is_writable:
                found.append(self._writers[fd])
        if len(found) > 1:
            self._chance.shuffle(found)
        if found and self.order.lateness:
            found = [handle for handle in found if self._chance.random() >= self.order.lateness]
        return found

    def _due(self) -> list[Any]:
        """Return the handles of due timers, earliest first; the seed decides the order of equal ones."""
        due: list[tuple[float, float, int, Any]] = []
        timers, now = self._scheduled, self.world.now
        while timers and timers[0]._when <= now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            due.append((handle._when, self._chance.random(), len(due), handle))
        return [entry[-1] for entry in sorted(due)]

    def _shuffled(self, batch: list[Any]) -> list[Any]:
        """Permute the steps of different tasks. Steps of one task, and other callbacks, keep their order."""
        queues: dict[int, list[Any]] = {}
        for handle in batch:
            owner = getattr(handle._callback, "__self__", None)
            queues.setdefault(owner.number if isinstance(owner, SimTask) else 0, []).append(handle)
        names = [name for name, queue in queues.items() for _ in queue]
        self._chance.shuffle(names)
        heads = {name: iter(queue) for name, queue in queues.items()}
        return [next(heads[name]) for name in names]

    # Sockets -------------------------------------------------------------------------------------

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:  # type: ignore[override]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Remember the address: ``create_connection`` replaces this socket by one of the network."""
        self._wanted[sock.fileno()] = address

    async def create_connection(self, protocol_factory: Any, *, sock: Any, **_: Any) -> Any:  # type: ignore[override]
        assert self._connect is not None, "this loop has no network"
        address = self._wanted.pop(sock.fileno())
        sock.close()
        sock = self._connect(address)
        connected = self.create_future()
        sock.connect(lambda error: _settle(connected, error))
        try:
            await connected
        except BaseException:
            sock.close()
            raise
        protocol = protocol_factory()
        waiter = self.create_future()
        transport = _SelectorSocketTransport(self, sock, protocol, waiter)
        sock.transport = transport
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def create_unix_connection(self, protocol_factory: Any, *, sock: Any) -> Any:  # type: ignore[override]
        return await self.create_connection(protocol_factory, sock=sock)

    def watch(self, sock: Any) -> None:
        """Watch a socket until it is closed."""
        self._watched[sock.fileno()] = sock

    def unwatch(self, sock: Any) -> None:
        self._watched.pop(sock.fileno(), None)

    def _add_reader(self, fd: int, callback: Any, *args: Any) -> Any:
        self._readers[fd] = handle = events.Handle(callback, args, self, None)
        return handle

    def _remove_reader(self, fd: int) -> bool:
        return _cancelled(self._readers.pop(fd, None))

    def _add_writer(self, fd: int, callback: Any, *args: Any) -> Any:
        self._writers[fd] = handle = events.Handle(callback, args, self, None)
        return handle

    def _remove_writer(self, fd: int) -> bool:
        return _cancelled(self._writers.pop(fd, None))

    def _process_events(self, event_list: Any) -> None:
        raise AssertionError("there is no selector")

    def _write_to_self(self) -> None:
        """Do nothing: there is no other thread from which the loop must be woken."""


class _NoSelector:
    def get_key(self, fd: int) -> Any:
        raise KeyError(fd)


def _make_task(loop: Any, coro: Any, **more: Any) -> SimTask:
    return SimTask(coro, loop=loop, **more)


def _settle(future: asyncio.Future[None], error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _cancelled(handle: events.Handle | None) -> bool:
    if handle is None:
        return False
    handle.cancel()
    return True


def _nothing() -> None:
    """Do nothing."""


class SimPoll:
    """``select.poll`` for the one socket that a connection registers."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self._fd = -1

    def register(self, fd: int, _events: int) -> None:
        self._fd = fd

    def poll(self, _timeout: int) -> list[tuple[int, int]]:
        sock = self._loop._watched.get(self._fd)
        if sock is None:
            return [(self._fd, select.POLLNVAL)]
        events = select.POLLIN if sock.is_readable else 0
        if sock.has_ended:
            events |= select.POLLRDHUP
        return [(self._fd, events)] if events else []


class _Polls:
    """The module ``select`` for the engine's transports: simulated in a simulated loop, real in a real one."""

    POLLIN = select.POLLIN

    @staticmethod
    def poll() -> Any:
        loop = asyncio.get_running_loop()
        return SimPoll(loop) if isinstance(loop, SimLoop) else select.poll()


transport_module.select = _Polls  # type: ignore[assignment]
