"""One connected socket in asyncio: the wire, one write per loop tick, one timer for all commands in flight.

Rule 1: commands submitted in one tick leave in one write; a lone command on an idle connection leaves at once.
Rule 2: no task, timer or lock exists per command; one timer watches the head of the queue (R-14).
Rule 3: the future of a cancelled call stays in the queue until its reply comes, unless it was never written (R-19).
Rule 4: callers beyond the in-flight limits wait in the admission queue, in order; reading never stops because
        writing does (R-22).

``_sync/shell/transport.py`` is the counterpart for threads.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
from typing import Any, Final

from respool._facts.command import Args
from respool._facts.errors import (
    ConnectionLost,
    Error,
    Executed,
    ProtocolError,
    ReadTimeout,
    TransportError,
    UsageError,
)
from respool._facts.options import Options
from respool._protocol.admission import Admission
from respool._protocol.packing import LARGE_BYTES, make_packer, minding_large, pack_again, pack_many
from respool._protocol.run import NO_BLOBS, ONE_BLOB, Blobs, kind_of
from respool._protocol.wire import SMALL_BYTES, Wire
from respool._shell.sockets import CLOSED, ClosedHere, close_orphan, late, lost, tune, why

#: The cheapest way to get the running loop: asyncio's own C function.
_get_running_loop: Final = asyncio._get_running_loop

_Future = asyncio.Future[Any]
#: A posted run: the future of its replies, to ``collect`` or to ``give_up``.
Ticket = _Future
_WRITE_HIGH_WATER: Final = 256 * 1024

#: A connection that was idle for more than this many seconds is polled before it is written to (R-11).
_RESTED: Final = 0.001
#: The poll events that show that the peer has closed or reset a connection.
_ENDED: Final = ~getattr(select, "POLLIN", 0)
_LOOK_FOR: Final = getattr(select, "POLLIN", 0) | getattr(select, "POLLRDHUP", 0)


class AsyncTransport(asyncio.Protocol):
    """A connected socket and its wire. ``submit`` is the hot path in asyncio."""

    __slots__ = (
        "_address",
        "_admission",
        "_backlog",
        "_cap",
        "_closed",
        "_completed",
        "_create_future",
        "_error",
        "_heard",
        "_idle",
        "_limit",
        "_lone",
        "_loop",
        "_out",
        "_paused",
        "_poll",
        "_queue",
        "_timer",
        "_transport",
        "_watched",
        "on_end",
        "on_lost",
        "pack",
        "patience",
        "remote",
        "wire",
    )

    def __init__(
        self,
        options: Options,
        loop: asyncio.AbstractEventLoop,
        on_push: Callable[[list[Any]], None] | None = None,
    ) -> None:
        self._loop = loop
        self._create_future = loop.create_future
        self._address = options.address
        self.pack = make_packer(options.encoding)
        self._cap = options.max_in_flight
        self._limit = 0  # the length of the queue at which ``submit`` takes the slow path; 0 while closed or full
        self._idle: asyncio.Future[None] | None = None  # done when no reply is pending any more
        self._watched = False  # a caller waits for admission or for idleness: check after each read
        self._transport: asyncio.Transport | None = None
        self._poll: Callable[[int], list[tuple[int, int]]] = _nothing_to_see
        self._paused = False
        self._backlog = 0  # how many bytes waited for the socket at the last check
        self._lone = True  # the last write carried one command: the next one on an idle connection goes out at once
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0  # when the last reply came, or when the head of the queue became the head
        self._error: Error | None = None
        self._closed: asyncio.Future[None] = loop.create_future()
        #: How long the server may stay silent while it owes a reply; None for ever.
        self.patience = options.read_timeout
        #: The address it is connected to, None for a unix socket.
        self.remote: Any = None
        self._completed = 0  # entries that have left the queue with a reply
        #: Called once, with the error, when the connection has ended by itself.
        self.on_lost: Callable[[Error], None] | None = None
        #: Called once, when the connection has ended in any way.
        self.on_end: Callable[[], None] | None = None
        self.wire = Wire(
            encoding=options.encoding,
            errors=options.encoding_errors,
            address=options.address,
            abandoned=asyncio.InvalidStateError,
            on_push=on_push,
        )
        self._queue = self.wire.queue
        self._out = self.wire.out
        self._admission = Admission(self.wire, options.max_in_flight, options.max_in_flight_bytes)

    # State ---------------------------------------------------------------------------------------

    @property
    def owes(self) -> int:
        """The number of replies still to come."""
        return len(self._queue)

    @property
    def completed(self) -> int:
        """Replies received, including those that nobody waited for."""
        return self._completed + self.wire.revealed

    @property
    def waiting(self) -> int:
        """How many callers wait in the admission queue."""
        return len(self._admission)

    @property
    def is_open(self) -> bool:
        """Whether commands can be submitted."""
        return self._error is None

    #: Whether the server's silence would be noticed: the loop listens while replies are pending.
    is_busy = owes

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open and no reply is pending."""
        return self._error is None and not self._queue

    def is_reusable(self, now: float) -> bool:
        """Tell whether it is quiet and its socket has not ended unnoticed: the free check of a checkout (R-11)."""
        if self._error is not None or self._queue or self._transport.is_closing():  # type: ignore[union-attr]  # open
            return False
        return now - self._heard <= _RESTED or self._look(now)

    def notice_end(self) -> None:
        """End the connection if it is idle and the peer has closed it, which the loop has not noticed yet."""
        self.is_reusable(self._loop.time())

    @property
    def silent_for(self) -> float:
        """How many seconds the oldest written command has waited for its reply."""
        queue = self._queue
        if not queue or (self._out and len(queue) <= self.wire.unwritten):
            return 0.0  # an unwritten command does not wait for the server, however long the connection was idle
        return self._loop.time() - self._heard

    # Sending -------------------------------------------------------------------------------------

    def submit(self, args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Queue one command and return the future of its reply.

        The reply may be a ServerError or TransportError *value*. A bad argument raises before anything is queued.
        """
        try:
            data = self.pack(args)
        except (TypeError, UnicodeError) as error:
            data = pack_again(args, self.pack, error)
        queue = self._queue
        if len(queue) >= self._limit or len(data) > SMALL_BYTES:
            return self._submit_slowly(data, 1, 0)
        future: asyncio.Future[Any] = self._create_future()
        out = self._out
        if out:
            out.append(data)
        elif _get_running_loop() is not self._loop:  # checked once a tick: later commands join that write
            raise UsageError("this connection belongs to another event loop; make one for each")
        elif self._lone and not queue:
            # Alone on an idle connection: waiting for the end of the tick would only cost time.
            now = self._loop.time()
            if now - self._heard > _RESTED and not self._look(now):
                return self._submit_slowly(data, 1, 0)
            self._transport.write(data)  # type: ignore[union-attr]  # the limit is 0 without a transport
            self._start_clock(now)
        else:
            out.append(data)
            self._loop.call_soon(self._flush)
        queue.append(future)
        return future

    def submit_until(self, args: tuple[Any, ...], deadline: float | None, *, blob: bool = False) -> Awaitable[Any]:
        """Like ``submit``; a ReadTimeout when the reply is not there by ``deadline``; with ``blob`` it stays bytes."""
        if blob:
            return self._until(self._submit_slowly(pack_many([args], self.pack), 1, 0, ONE_BLOB), deadline)
        return self._until(self.submit(args), deadline)

    def submit_many(self, commands: list[Args], deadline: float | None = None, blobs: Blobs = NO_BLOBS) -> _Future:
        """Queue a run, into which no other command can come; awaiting it gives the list of replies, or an error."""
        answer = self._submit_slowly(pack_many(commands, self.pack), len(commands), kind_of(commands), blobs)
        return self._until(answer, deadline)

    def submit_guarded(
        self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None
    ) -> Awaitable[Any]:
        """Queue a run of which only the last command is answered, unless the first is refused (see ``Guarded``).

        Awaiting it gives that answer, or the refusal.
        """
        return self._until(self._submit_slowly(pack_many(commands, self.pack), 1, hidden), deadline)

    async def submit_noreply(self, commands: list[tuple[Any, ...]]) -> Error | None:
        """Queue a run of which only the last command is answered, and do not wait for that answer.

        Waits only while the connection is full. Returns the error if the run was certainly not sent.
        """
        self.is_reusable(self._loop.time())  # see an end now: nobody waits for an answer that would tell of it
        answer = self._submit_slowly(pack_many(commands, self.pack), 1, len(commands) - 1)
        if self._admission or self._error is not None:
            reply = await answer
            return reply if isinstance(reply, TransportError) and reply.executed == "no" else None
        return None

    def withdraw(self) -> None:
        """Note that a submitted command was cancelled, so that it is taken back if it was never written."""
        self.wire.withdrawn += 1

    def post_many(self, commands: list[Args], deadline: float | None = None, blobs: Blobs = NO_BLOBS) -> Ticket:
        """Queue a run like ``submit_many``; ``collect`` the ticket, or ``give_up`` on it.

        A task can so post on several connections before it waits for the first reply. Raises only for bad arguments,
        before anything is queued: if the connection has ended, collecting returns the error.
        """
        return self.submit_many(commands, deadline, blobs)  # here it needs no caller that waits

    def collect(self, ticket: Ticket) -> Awaitable[Any]:
        """Return what to await for the replies to a posted run, or an error, which is a ReadTimeout at its deadline.

        When that await is cancelled, ``give_up`` on this ticket and on every other one that is not collected.
        """
        return ticket

    def give_up(self, ticket: Ticket) -> None:
        """Note that nobody will collect this ticket: the replies are dropped, and what is not written is taken back.

        Does nothing to a run that is completed, and no harm to one that is given up already.
        """
        if not self._loop.is_closed() and (ticket.cancel() or ticket.cancelled()):
            self.wire.withdrawn += 1

    def _submit_slowly(self, data: bytes, count: int, hidden: int | None, blobs: Blobs = NO_BLOBS) -> _Future:
        """Queue a large command, one whose reply is a blob, a run, or any command while it is full or closed."""
        if _get_running_loop() is not self._loop:
            raise UsageError("this connection belongs to another event loop; make one for each")
        if len(data) > LARGE_BYTES:
            self.pack = minding_large(self.pack)
        future: asyncio.Future[Any] = self._create_future()
        if self._error is not None:
            future.set_result(late(self._error, self._address))
        elif self._admission.must_wait(len(data), count):
            self._admission.wait(data, count, hidden, blobs, future)
            self._limit = 0
            self._watched = True
        else:
            self._put(data, count, hidden, blobs, future)
        return future

    def _until(self, answer: asyncio.Future[Any], deadline: float | None) -> _Future:
        """Let ``answer`` become a ReadTimeout at ``deadline``."""
        if deadline is not None:
            alarm = self._loop.call_at(deadline, self._expire, answer)
            answer.add_done_callback(lambda _: alarm.cancel())
        return answer

    def _expire(self, answer: asyncio.Future[Any]) -> None:
        if not answer.done():
            answer.set_result(ReadTimeout("no reply in time", address=self._address, executed="unknown"))
            self.wire.withdrawn += 1

    def _put(self, data: bytes, count: int, hidden: int | None, blobs: Blobs, future: asyncio.Future[Any]) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self.wire.enter(data, count, hidden, blobs, future)

    def _flush(self) -> None:
        """Write everything submitted in this tick."""
        if self._paused or self._error is not None or not self._out:
            return
        is_first = len(self._queue) == self.wire.unwritten
        now = self._loop.time() if is_first else 0.0
        if is_first and now - self._heard > _RESTED and not self._look(now):
            if self._error is None:  # there are bytes to read: the loop reads them in its next tick
                self._heard = now
                self._loop.call_soon(self._loop.call_soon, self._flush)
            return
        self._lone = len(self._out) == 1
        data = self.wire.take()
        if data:
            self._transport.write(data)  # type: ignore[union-attr]  # open, so there is one
            if is_first:
                self._start_clock(now)
        elif self._watched:
            self._look_after()  # all was taken back: perhaps no reply will come that would trigger this

    def pause_writing(self) -> None:
        self._paused = True
        self._backlog = self._transport.get_write_buffer_size()  # type: ignore[union-attr]  # it is the caller

    def resume_writing(self) -> None:
        self._paused = False
        self._heard = self._loop.time()  # the peer took bytes: it is alive
        self._flush()

    # Receiving -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by construction
        self._limit = self._cap
        self._transport.set_write_buffer_limits(_WRITE_HIGH_WATER)  # type: ignore[union-attr]
        self._heard = self._loop.time()
        sock = transport.get_extra_info("socket")
        tune(sock, self.patience)
        if sock is not None and hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock.fileno(), _LOOK_FOR)
            self._poll = poll.poll

    def _look(self, now: float) -> bool:
        """Poll an idle connection for an end or for bytes that the loop has not noticed yet (R-11).

        Returns False if it must not be written to: it was closed, or the loop has to read first. Otherwise a reply
        without a command would be taken for the reply to the next command.
        """
        events = self._poll(0)
        if not events:
            self._heard = now
            return True
        if events[0][1] & _ENDED:
            self.eof_received()
        return False

    def data_received(self, data: bytes) -> None:
        queue = self._queue
        before = len(queue)
        try:
            self.wire.feed(data)
        except ProtocolError as error:
            self._completed += before - len(queue)
            self._end(error.with_traceback(None))  # without frames that refer to the connection: no cycle
            return
        self._completed += before - len(queue)
        self._heard = self._loop.time()
        if self._watched:
            self._look_after()

    def _look_after(self) -> None:
        """Serve callers that wait for admission or for idleness, now that fewer replies are pending."""
        if self._admission.admit(self._put):
            self._limit = self._cap
        if not self._queue:
            self._watched = False
            if self._idle is not None:
                self._idle.set_result(None)
                self._idle = None

    # The clock -----------------------------------------------------------------------------------

    def _start_clock(self, now: float) -> None:
        """Note that the head of the queue became the head at ``now``."""
        self._heard = now
        if self._timer is None and self.patience is not None:
            self._timer = self._loop.call_later(self.patience, self._sweep)

    def set_patience(self, patience: float | None) -> None:
        """Change how many seconds the server may stay silent from now on; None for ever (R-21)."""
        self.patience = patience
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue:
            self._start_clock(self._loop.time())

    def _sweep(self) -> None:
        """Close the connection when the server owes a reply and has been silent for too long (R-14)."""
        self._timer = None
        if not self._queue or self.patience is None:
            return  # the next write starts the clock again
        quiet = self._loop.time() - self._heard
        if self._paused and (backlog := self._transport.get_write_buffer_size()) < self._backlog:  # type: ignore[union-attr]
            self._backlog = backlog  # the peer takes what we write, if slowly: it is alive
            self._timer = self._loop.call_later(self.patience, self._sweep)
        elif quiet < self.patience:
            self._timer = self._loop.call_later(self.patience - quiet, self._sweep)
        else:
            message = f"no reply for {self.patience:g} s"
            self._end(ReadTimeout(message, address=self._address, executed="unknown"))

    # The end -------------------------------------------------------------------------------------

    def eof_received(self) -> None:
        self._end(ConnectionLost("the server closed the connection", address=self._address))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._error is None:
            reason = why(exc) if exc is not None else "closed"
            self._end(ConnectionLost(reason, address=self._address))
        self._transport = None  # and its buffers: a closed connection may be referred to for long
        if not self._closed.done():
            self._closed.set_result(None)

    def abort(self, reason: str = CLOSED) -> None:
        """Close at once, without waiting for anything. Commands in flight fail; their errors give the reason."""
        if self._loop.is_closed():
            self.forget()
        else:
            self._end(ClosedHere(reason, address=self._address), quiet=True)

    def abort_in_finaliser(self) -> None:
        """Close from any thread in which the garbage collector runs, perhaps after the loop has been closed."""
        if self._loop.is_closed():
            self.forget()
        else:
            self._loop.call_soon_threadsafe(self.abort)

    def abort_as_silent(self) -> None:
        """Close because the server did not answer; unlike ``abort`` this counts as a loss."""
        self._end(ReadTimeout("no answer to a PING", address=self._address, executed="unknown"))

    async def wait_idle(self, deadline: float | None = None, *, then_close: bool = False) -> None:
        """Wait until no reply is pending and nobody waits for admission, or the connection ended, or ``deadline``.

        ``then_close`` closes it in the same step, so that no command can come in between.
        """
        while self._error is None and (self._queue or self._admission):
            if self._idle is None:
                self._idle = self._create_future()
                self._watched = True
            try:
                async with asyncio.timeout_at(deadline):
                    await asyncio.shield(self._idle)
            except TimeoutError:
                return
        if then_close:
            self.abort()

    def write(self, data: bytes) -> None:
        """Send bytes on a connection whose wire is a stream: no reply is waited for."""
        if self._transport is not None and self._error is None:
            self._transport.write(data)

    @property
    def error(self) -> Error | None:
        """Why the connection has ended; None while it is open."""
        return self._error

    @property
    def heard(self) -> float:
        """When bytes last arrived."""
        return self._heard

    async def listen(self) -> None:
        """Read what the server sends unasked, until the connection has ended. Nothing else may use it meanwhile."""
        await self.wait_closed()  # the event loop reads

    async def wait_closed(self) -> None:
        """Wait until the socket is closed. Call ``abort`` first."""
        if not self._loop.is_closed():
            await asyncio.shield(self._closed)

    def forget(self) -> None:
        """Drop the socket without notifying the peer: in a forked child, or once the loop is closed (R-35)."""
        self._error = ConnectionLost("the process was forked, or the loop closed", address=self._address)
        self._limit = 0
        if self._loop.is_closed():
            close_orphan(self._transport)
            return
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            os.close(sock.fileno())

    def _end(self, error: Error, *, quiet: bool = False) -> None:
        """End the connection: each command in flight fails with an error of its own, whose cause is ``error``."""
        if self._error is not None:
            return
        self._error = error
        self._limit = 0
        self.wire.fail(lambda: self._lost("no"), lambda: self._lost("unknown"))
        self._admission.fail(lambda: self._lost("no"))
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._poll = _nothing_to_see  # the descriptor may soon belong to another socket
        if self._transport is not None:
            self._transport.abort()
        if self.on_lost is not None and not quiet:
            self.on_lost(error)
        self.on_lost = None
        if self.on_end is not None:
            self.on_end()
        self.on_end = None

    def end_if_silent(self) -> float | None:
        """Return None: here a timer ends a connection to a silent server; in threads this method does."""
        return None

    def conclude(self) -> None:
        """Do nothing. In threads this finishes a closing that an interrupt has cut short."""

    def _lost(self, executed: Executed) -> Error:
        return lost(self._error, self._address, executed)


def _nothing_to_see(_: int) -> list[tuple[int, int]]:
    """Replace ``poll`` while there is no socket to look at."""
    return []
