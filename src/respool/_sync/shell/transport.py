"""One connected socket for threads: the wire, and whoever needs a reply reads for everybody (leader and followers).

Rule 1: a thread queues its command under a short lock. If nobody leads it becomes the leader; otherwise it sleeps on
        a lock of its own until its reply is there, its time is over, or it is made the leader.
Rule 2: the leader sends all that is queued in one write, reads, and completes replies until its own is done; then the
        oldest waiting follower leads. Leadership is never lost: whoever stops leading hands it on (see ``_lead``).
Rule 3: the leader reads while it cannot write, so that two full buffers are no deadlock.
Rule 4: entries are completed and given up under the lock; so a reply is either delivered or dropped, and counted once.
Rule 5: what interrupts a leader from outside (KeyboardInterrupt) ends the connection: bytes may have been lost. So
        does what interrupts anybody while its command is being queued: it may stand there by halves.
Rule 6: a thread that is busy here cannot be served here once more: a signal handler, a finaliser or a listener that
        tries gets a UsageError, for it would wait for itself.
Rule 7: ending a connection is one step that anyone can take up again (see ``_end``). Its reason is set first, and each
        of the following steps can be repeated. An interrupted thread does so itself on its way out; when it is
        interrupted once more, the next thread that comes here does.
Rule 8: the socket is closed by whoever leads, or by anybody when nobody does: nobody shall read from a descriptor
        that is another socket's by now. Another thread only shuts it down, and that wakes the leader.

``_async/shell/transport.py`` is the same thing for asyncio; the two are the only code written twice.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from time import monotonic
from typing import Any, Final

from respool._protocol.packing import LARGE_BYTES, make_packer, minding_large, pack_again, pack_many
from respool._facts.errors import ConnectionLost, Error, Executed, ProtocolError
from respool._facts.errors import ReadTimeout, UsageError
from respool._protocol.run import kind_of
from respool._shell.ending import RLock, is_finalizing, over
from respool._facts.errors import PoolClosed
from respool._facts.options import Options
from respool._sync.shell.sockets import PlainSocket
from respool._shell.sockets import ADMISSION_ROOM, ClosedHere, Retired, lost, why
from respool._sync.shell.sockets import drive
from respool._protocol.wire import SMALL_BYTES, Wire

_WAITING: Final = object()  # the value of a call without a reply
_MAIN: Final = threading.main_thread().ident
_LEADS: Final = object()
_FOLLOWS: Final = object()
_RESTED: Final = 0.001  # an idle connection is looked at before it is used again, after this many seconds


class _Abandoned(Exception):
    """Nobody waits for this reply."""


class _Call:
    """One thread's claim to a reply, and the lock it sleeps on."""

    __slots__ = ("gate", "is_given_up", "thread", "value")

    def __init__(self) -> None:
        self.thread = get_ident()
        self.value: Any = _WAITING
        self.gate: threading.Lock | None = None
        self.is_given_up = False

    def set_result(self, value: Any, /) -> None:
        if self.is_given_up:
            raise _Abandoned
        self.value = value
        gate, self.gate = self.gate, None  # opened once, whoever comes twice
        if gate is not None:
            gate.release()

    def done(self) -> bool:
        return self.is_given_up

    @property
    def is_waiting(self) -> bool:
        return self.value is _WAITING and not self.is_given_up


class Transport:
    """A connected socket and its wire. ``submit`` is the hot path of the threaded world."""

    __slots__ = (
        "_address",
        "_admission",
        "_admission_room",
        "_cap",
        "_cap_bytes",
        "_completed",
        "_cut",
        "_entering",
        "_error",
        "_followers",
        "_followers_room",
        "_has_ended",
        "_heard",
        "_idle",
        "_is_inside",
        "_is_watched",
        "_leader",
        "_lock",
        "_looked",
        "_out",
        "_queue",
        "_rest",
        "_sock",
        "on_lost",
        "pack",
        "patience",
        "remote",
        "wire",
    )

    def __init__(
        self, options: Options, sock: socket.socket, on_push: Callable[[list[Any]], None] | None = None
    ) -> None:
        self._address = options.address
        self.pack = make_packer(options.encoding)
        self._cap = options.max_in_flight
        self._cap_bytes = options.max_in_flight_bytes
        self._sock: PlainSocket = drive(sock)
        self._lock = RLock()
        self._is_inside = self._lock._is_owned  # type: ignore[attr-defined]  # asked before it is taken: Rule 6
        self._leader: _Call | None = None  # the call whose thread drives the connection
        self._rest: bytes | memoryview = b""  # what the socket did not take of the last write
        self._entering: _Call | None = None  # what is being queued at this moment
        self._followers: deque[_Call] = deque()  # callers that sleep, oldest first; those that are done are skipped
        self._followers_room = ADMISSION_ROOM  # the same for followers
        self._admission: deque[tuple[bytes, int, int | None, _Call]] = deque()
        self._admission_room = ADMISSION_ROOM  # at this length those who gave up are looked for
        self._idle = threading.Condition(self._lock)
        self._is_watched = False  # somebody waits until nobody leads: tell
        self._looked = 0.0  # when the socket was last looked at while idle
        self._heard = monotonic()  # when bytes last came or a blocked write went on, or the head became the head
        self._error: Error | None = None  # why it ends
        self._has_ended = False  # everybody here has been told; ``on_lost`` follows
        self._cut: Error | None = None  # a signal handler closed it in the midst of work here: whoever leads ends it
        #: How long the server may stay silent while it owes a reply; None for ever.
        self.patience: float | None = None
        #: The address it is connected to, None for a unix socket.
        self.remote: Any = None
        self._completed = 0  # entries that have left the queue with a reply
        #: Called with the error when the connection has ended by itself, and forgotten then. One that is interrupted
        #: is called again.
        self.on_lost: Callable[[Error], None] | None = None
        self.wire = Wire(
            encoding=options.encoding, errors=options.encoding_errors, address=options.address,
            abandoned=_Abandoned, on_push=on_push,
        )  # fmt: skip
        self._queue = self.wire.queue
        self._out = self.wire.out
        self.set_patience(options.read_timeout)

    # State ---------------------------------------------------------------------------------------

    @property
    def owes(self) -> int:
        """The number of replies still to come."""
        return len(self._queue)

    @property
    def completed(self) -> int:
        """Replies received, those that nobody waited for included."""
        return self._completed + self.wire.revealed

    @property
    def waiting(self) -> int:
        """How many callers wait in the admission queue."""
        return len(self._admission)

    @property
    def is_open(self) -> bool:
        """Whether commands can be submitted."""
        return self._error is None and self._cut is None

    @property
    def is_busy(self) -> bool:
        """Whether a thread drives this connection now."""
        return self._leader is not None

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open, nothing is owed and no thread drives it."""
        return self._error is None and not self._queue and self._leader is None

    def is_reusable(self, now: float) -> bool:
        """Tell whether it is quiet and its socket has not ended unnoticed: the free check of a checkout (R-11)."""
        if now - self._looked > _RESTED and self.is_quiet:
            self._look()
        return self._error is None and not self._queue and self._leader is None

    @property
    def silent_for(self) -> float:
        """How many seconds the oldest unanswered command has waited for the server.

        Replies that came after their callers had given up are read first, if nobody else does.
        """
        if self._queue and self._leader is None and not self._is_inside():
            call = _Call()
            try:
                self._catch_up(call)
            except BaseException as error:
                self._interrupted(call, error)
                raise
        return monotonic() - self._heard if self._queue else 0.0

    # Sending -------------------------------------------------------------------------------------

    def submit(self, args: tuple[Any, ...]) -> Any:
        """Send one command and return its reply, which may be a ServerError or TransportError *value*.

        A bad argument raises before anything is queued.
        """
        try:
            data = self.pack(args)
        except (TypeError, UnicodeError) as error:
            data = pack_again(args, self.pack, error)
        call = _Call()
        if self._is_inside():
            raise self._busy()
        try:
            with self._lock:
                if self._leader is not None:
                    role = self._enter(data, 1, 0, call)
                elif (
                    not self._queue
                    and len(data) <= SMALL_BYTES
                    and self._error is None
                    and (now := monotonic()) - self._heard <= _RESTED
                ):
                    # Alone on an idle connection: drive it directly, at the cost of a plain socket.
                    self._leader = call
                    self._queue.append(call)
                    self._heard = now
                    role = _LEADS
                else:
                    role = None
            if role is _LEADS:
                return self._exchange(data, call)
            if role is _FOLLOWS:
                return self._follow(call, None)
        except BaseException as error:
            self._interrupted(call, error)
            raise
        return self._join(data, 1, 0, None)

    def submit_until(self, args: tuple[Any, ...], deadline: float | None) -> Any:
        """Like ``submit``; the value is a ReadTimeout when the reply is not there by ``deadline``."""
        try:
            data = self.pack(args)
        except (TypeError, UnicodeError) as error:
            data = pack_again(args, self.pack, error)
        return self._join(data, 1, 0, deadline)

    def submit_many(self, commands: list[tuple[Any, ...]], deadline: float | None = None) -> Any:
        """Send a run of commands that nothing can come between; return the list of replies, or an error value."""
        return self._join(pack_many(commands, self.pack), len(commands), kind_of(commands), deadline)

    def submit_guarded(self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None) -> Any:
        """Send a run of which only the last is answered, unless the first is refused (see ``Guarded``)."""
        return self._join(pack_many(commands, self.pack), 1, hidden, deadline)

    def submit_noreply(self, commands: list[tuple[Any, ...]]) -> Error | None:
        """Send a run that is not answered but for its last command, and do not wait for that.

        Waits only while the connection is full. Returns the error when the run was surely not sent.
        """
        data, hidden = pack_many(commands, self.pack), len(commands) - 1
        call = _Call()
        if self._is_inside():
            raise self._busy()
        try:
            self._catch_up(call)
            with self._lock:
                is_full = self._error is not None or len(self._admission) > 0 or self._is_full(len(data), 1)
                is_full = is_full or (self._leader is not None and is_finalizing())  # it would never be sent
                if not is_full:
                    self._put(data, 1, hidden, call)
                    if self._leader is None:
                        self._leader = call
            if self._leader is call:
                self._send_queued(None)
                self._hand_over()
        except BaseException as error:
            self._interrupted(call, error)
            raise
        if is_full:
            reply = self._join(data, 1, hidden, None)
            is_unsent = isinstance(reply, UsageError | PoolClosed) or getattr(reply, "executed", "") == "no"
            return reply if is_unsent else None
        return None

    def withdraw(self) -> None:
        """Say that a submitted command was given up. Here callers do that themselves."""

    def _join(self, data: bytes, count: int, hidden: int | None, deadline: float | None) -> Any:
        """Queue a run, then lead or follow; return its reply, replies or error."""
        call = _Call()
        if self._is_inside():
            raise self._busy()
        try:
            self._catch_up(call)
            with self._lock:
                role = self._enter(data, count, hidden, call)
            if role is _LEADS:
                return self._lead(call, deadline)
            return self._follow(call, deadline)
        except BaseException as error:
            self._interrupted(call, error)
            raise

    def _enter(self, data: bytes, count: int, hidden: int | None, call: _Call) -> object:
        """Queue a run, or let it wait for admission; tell whether its caller leads or follows. With the lock held."""
        if len(data) > LARGE_BYTES:
            self.pack = minding_large(self.pack)
        if self._error is not None:
            call.value = self._lost("no")
            return _FOLLOWS  # without a gate
        if (leader := self._leader) is not None and (leader.thread == call.thread or self._sleeps(call.thread)):
            call.value = self._busy()
            return _FOLLOWS
        if leader is not None and is_finalizing():  # its thread has stopped for good
            call.value = over()
            return _FOLLOWS
        if self._admission or self._is_full(len(data), count):
            if len(self._admission) >= self._admission_room:
                self._clear_admission()
            self._admission.append((data, count, hidden, call))
        else:
            self._put(data, count, hidden, call)
        if self._leader is None:
            self._leader = call
            return _LEADS
        call.gate = threading.Lock()
        call.gate.acquire()
        self._followers.append(call)
        return _FOLLOWS

    def _sleeps(self, thread: int) -> bool:
        """Whether a thread stands in the line of followers. Only a handler of signals can ask: so, the main thread."""
        return thread == _MAIN and any(each.thread == thread and each.is_waiting for each in self._followers)

    def _busy(self) -> UsageError:
        return UsageError(
            f"this thread uses the connection to {self._address} already: a signal handler, a finaliser or a "
            "listener cannot wait for it, it would wait for itself"
        )

    def _put(self, data: bytes, count: int, hidden: int | None, call: _Call) -> None:
        self._entering = call
        if not self._queue:
            self._heard = monotonic()
        if hidden is None or hidden < 0:  # a run, of one command perhaps: its replies are wanted as a list
            self.wire.submit_many(data, count, call, hidden)
        elif hidden:
            self.wire.submit_guarded(data, hidden, call)
        else:
            self.wire.submit(data, call)
        self._entering = None

    def _is_full(self, size: int, count: int) -> bool:
        """Tell whether a caller must wait. What is beyond a cap by itself goes when nothing is before it."""
        owed = len(self._queue)
        if owed > 0 and owed + count > self._cap:
            return True
        heavy = self.wire.heavy_bytes
        return size > SMALL_BYTES and heavy > 0 and heavy + size > self._cap_bytes

    def _clear_admission(self) -> None:
        """Drop the callers who gave up: the admission queue never holds many more than those who wait (P-14)."""
        kept = [waiter for waiter in self._admission if not waiter[3].is_given_up]
        self.wire.taken_back += sum(waiter[1] for waiter in self._admission if waiter[3].is_given_up)
        self._admission = deque(kept)  # in one step: nobody is forgotten, whatever interrupts here
        self._admission_room = max(ADMISSION_ROOM, 2 * len(kept))

    def _admit(self) -> None:
        """Let in whoever waits in the admission queue, in order, as far as there is room (R-22). With the lock held."""
        door = self._admission
        while door:
            data, count, hidden, call = door[0]
            if call.is_given_up:
                self.wire.taken_back += count
            elif self._is_full(len(data), count):
                return
            else:
                self._put(data, count, hidden, call)
            door.popleft()

    # Leading and following -------------------------------------------------------------------------

    def _follow(self, call: _Call, deadline: float | None) -> Any:
        """Sleep until the reply is there, leadership comes, or the time is over."""
        gate = call.gate
        if gate is not None:
            try:
                if deadline is None:
                    gate.acquire()
                else:
                    gate.acquire(timeout=min(max(0.0, deadline - monotonic()), threading.TIMEOUT_MAX))
            except BaseException:
                self._give_up(call)
                raise
        else:
            self.conclude()
        if self._leader is call:  # perhaps at the very moment its time was over, or the connection ended
            return self._lead(call, deadline)
        return self._give_up(call) if call.value is _WAITING else call.value

    def _give_up(self, call: _Call) -> Any:
        """Stop waiting, and leading; return the reply if it was just in time, else a ReadTimeout."""
        with self._lock:
            if call.value is _WAITING:
                call.is_given_up = True
                self.wire.withdrawn += 1
            leads = self._leader is call
            if len(self._followers) >= self._followers_room:
                kept = (each for each in self._followers if each.is_waiting)
                self._followers = deque(kept)
                self._followers_room = max(ADMISSION_ROOM, 2 * len(self._followers))
        if leads:
            self._hand_over()
        if call.value is not _WAITING:
            return call.value
        return ReadTimeout("no reply in time", address=self._address, executed="unknown")

    def _exchange(self, data: bytes, call: _Call) -> Any:
        """Lead with nobody before and nothing queued: one write, one read. The rest is ``_lead``'s."""
        try:
            sent = self._sock.send(data)
            if sent == len(data):
                # Without a pool nobody calls ``end_if_silent``: then the time must not start anew with each signal.
                if self.on_lost is not None or self.patience is None:
                    answer = self._sock.receive(self.patience)
                else:
                    answer = self._sock.receive_within(self.patience)
                if answer:
                    self._take_in(answer)
            else:
                self._rest = memoryview(data)[sent:]
        except OSError as error:
            self._end_by(error)
        if call.value is _WAITING:
            return self._lead(call, None)
        self._hand_over()
        return call.value

    def _lead(self, call: _Call, deadline: float | None) -> Any:
        """Send and read for everybody until ``call`` has its reply, then hand leadership on."""
        while call.value is _WAITING:
            if self._error is not None:
                self.conclude()
                if call.value is _WAITING:  # its reply was in the hands of a leader that was interrupted
                    call.value = self._lost("unknown")
                break
            if deadline is not None and monotonic() >= deadline:
                return self._give_up(call)
            if self._out or self._rest:
                self._send_queued(deadline)
            else:
                self._receive(deadline)
        self._hand_over()
        return call.value

    def _hand_over(self) -> None:
        """Make the oldest waiting follower the leader, or nobody."""
        while not self._resign():
            self._send_queued(0.0)  # a run without reply came meanwhile; nobody leads who would send it
        if self._cut is not None:
            self.conclude()

    def _resign(self) -> bool:
        """Hand leadership on; False, and nothing changes, when nobody can have it and something is to be sent."""
        with self._lock:
            followers = self._followers
            while followers:
                call = followers.popleft()
                if call.value is _WAITING and not call.is_given_up:
                    self._leader = call
                    gate, call.gate = call.gate, None
                    gate.release()  # type: ignore[union-attr]  # a follower has a gate until it leads
                    return True
            if self._out and not self._rest and self._error is None:
                return False
            if self._error is not None:
                self._rest = b""
                self._sock.close()
            if self._is_watched:
                self._idle.notify_all()
            self._leader = None  # last: interrupted before, it leads still, and resigns once more
            return True

    def _interrupted(self, call: _Call, error: BaseException) -> None:
        """End what ``call`` was about. What a leader was interrupted in may have been half done (Rule 5)."""
        with self._lock:
            call.is_given_up = True
            self.wire.withdrawn += 1
            leads = self._leader is call
            is_torn = leads or self._entering is call
        try:
            if is_torn:
                self._end(ConnectionLost(f"interrupted by {type(error).__name__}", address=self._address))
        finally:
            if leads:
                self._resign()

    def _catch_up(self, call: _Call) -> None:
        """Lead for a moment when nobody does, to read what came while the connection rested."""
        now = monotonic()
        if self.is_busy or now - self._heard <= _RESTED or now - self._looked <= _RESTED:
            return
        with self._lock:
            if self._leader is not None or self._error is not None:
                return
            self._leader = call
        self._look()
        self._hand_over()

    # The leader's work ------------------------------------------------------------------------------

    def _send_queued(self, deadline: float | None) -> None:
        """Write everything queued; what the socket has not taken by ``deadline`` is left for the next leader."""
        if not self._rest:
            with self._lock:
                data = self.wire.take()
                if self._admission:
                    self._admit()  # what was taken back has made room
            if not data or self._error is not None:
                return
            try:
                sent = self._sock.send(data)
            except OSError as error:
                self._end_by(error)
                return
            if sent == len(data):
                return
            self._rest = memoryview(data)[sent:]
        try:
            self._send_rest(deadline)
        except OSError as error:
            self._end_by(error)

    def _send_rest(self, deadline: float | None) -> None:
        """Write what did not fit into the socket's buffer, reading whatever comes in between."""
        while self._rest and self._error is None:
            seconds = None if self.patience is None else max(self._heard + self.patience - monotonic(), 0.0)
            if deadline is not None:
                left = deadline - monotonic()
                if left <= 0:
                    return
                seconds = left if seconds is None else min(seconds, left)
            can_read, can_write = self._sock.wait(seconds, writing=True)
            if can_read:
                data = self._sock.receive_now()
                if data is not None:
                    self._take_in(data)
            if can_write and self._error is None:
                sent = self._sock.send(self._rest)
                if sent:
                    self._rest = self._rest[sent:]
                    self._heard = monotonic()  # the peer takes bytes: it is alive
            if not can_read and not can_write and self._is_silent():
                self._end_silent()

    def _is_silent(self) -> bool:
        """Whether the server has owed something for longer than our patience (R-14)."""
        return self.patience is not None and monotonic() - self._heard >= self.patience * 0.999

    def _receive(self, deadline: float | None) -> None:
        """Wait for bytes and complete what they answer; end the connection when the server is silent for too long."""
        if self._error is not None:
            return
        limit = None if self.patience is None else self._heard + self.patience - monotonic()
        try:
            is_watched = self.on_lost is not None and deadline is None
            if (limit is None and deadline is None) or (is_watched and limit > 0.9 * self.patience):  # type: ignore[operator]
                data = self._sock.receive(self.patience)  # the socket's own timeout is exact enough
            else:
                until = None if deadline is None else deadline - monotonic()
                shortest = min(time for time in (limit, until) if time is not None)
                data = self._sock.receive_within(max(shortest, 0.0))
        except OSError as error:
            self._end_by(error)
            return
        if data is None:
            if self._is_silent():
                self._end_silent()
        else:
            self._take_in(data)

    def end_if_silent(self) -> float | None:
        """End the connection if the server has been silent for longer than our patience. For the maintenance task.

        A leader notices that by itself, unless signals come so often that its read never ends. Returns in how many
        seconds to look again; None: not before another command could be late.
        """
        if self.patience is None or not self._queue or not self._sock.restarts:
            return None
        with self._lock:
            if self._error is not None or not self._queue or self._leader is None:
                return None
            left = self._heard + self.patience + min(0.05 * self.patience, 0.1) - monotonic()  # the leader comes first
            if left > 0 or self._sock.has_input():
                return max(left, 0.05)
        self._end_silent()
        return None

    def _take_in(self, data: bytes) -> None:
        if not data:
            self._end(ConnectionLost("the server closed the connection", address=self._address))
            return
        with self._lock:
            before = len(self._queue)
            try:
                self.wire.feed(data)
            except ProtocolError as error:
                broken: ProtocolError | None = error.with_traceback(None)  # they hold the connection
            else:
                broken = None
            self._completed += before - len(self._queue)
            if self._admission and broken is None:
                self._admit()
            self._heard = monotonic()
        if broken is not None:
            self._end(broken)

    def _look(self) -> None:
        """Read what came unasked while the connection was idle: a push is fine, an end or a reply is the end."""
        self._looked = monotonic()
        try:
            data = self._sock.receive_now()
        except OSError as error:
            self._end_by(error)
            return
        if data is not None:
            self._take_in(data)

    # The end -----------------------------------------------------------------------------------------

    def set_patience(self, patience: float | None) -> None:
        """Change how long the server may stay silent, from now on; None for ever (R-21)."""
        self.patience = patience
        self._heard = monotonic()
        if self._error is None:
            try:
                self._sock.set_timeout(patience)
            except OSError:
                pass  # closed at this very moment

    def abort(self) -> None:
        """Close at once, without waiting for anything. Whatever is in flight fails. Callable from any thread."""
        self._end(ClosedHere("the connection was closed", address=self._address), quiet=True)

    def abort_in_finaliser(self) -> None:
        """Close from a finaliser: only the socket, since the lock may be held by the very thread that collects."""
        self._sock.close()

    def abort_as_silent(self) -> None:
        """Close because the server did not answer; unlike ``abort`` this counts as a loss."""
        self._end(ReadTimeout("no answer to a PING", address=self._address, executed="unknown"))

    def wait_idle(self, deadline: float | None = None, *, then_close: bool = False) -> None:
        """Wait until nothing is owed and nobody waits for admission, or the connection has ended, or ``deadline``.

        Replies that nobody waits for any more are read here. ``then_close`` closes it in the same step: a thread that
        had chosen it just before gets an error caused by ``Retired``, and has sent nothing.
        """
        while self._error is None and not self._is_mine() and not is_finalizing():
            with self._lock:
                if self._leader is not None:
                    left = None if deadline is None else deadline - monotonic()
                    if left is not None and left <= 0:
                        return
                    self._is_watched = True
                    self._idle.wait(None if left is None else min(left, threading.TIMEOUT_MAX))
                    continue
                if not self._queue and not self._admission:
                    if then_close:
                        self._end_now(Retired("the connection was retired", address=self._address), quiet=True)
                    return
            self.submit_until(("PING",), deadline)  # leads, and so reads all that came before
            if deadline is not None and monotonic() >= deadline:
                return

    def wait_closed(self) -> None:
        """Wait until the socket is closed. Call ``abort`` first: that does it, but for a thread that leads."""
        if self._is_mine() or is_finalizing():  # whoever is interrupted or called back closes it on the way out
            return
        with self._lock:
            self._is_watched = True
            self._idle.wait_for(lambda: self._leader is None, timeout=1.0)

    def _is_mine(self) -> bool:
        """Whether the very thread that asks is busy here."""
        leader = self._leader
        return self._is_inside() or (leader is not None and leader.thread == get_ident())

    def forget(self) -> None:
        """Let go of the socket in a forked child without a word to the peer (R-35)."""
        self._error = ConnectionLost("the process was forked", address=self._address)
        self._sock.forget()

    def _end_by(self, error: OSError) -> None:
        self._end(ConnectionLost(why(error), address=self._address))

    def _end_silent(self) -> None:
        message = f"no reply for {self.patience:g} s"
        self._end(ReadTimeout(message, address=self._address, executed="unknown"))

    def _end(self, error: Error, *, quiet: bool = False) -> None:
        """End the connection: everything in flight fails with an error of its own, each with ``error`` as its cause.

        The first error stands. Called again, it finishes what an interrupt has cut short.
        """
        if self._is_inside():  # a signal handler or a finaliser in the midst of work here: that will find it shut
            self._cut = error
            self._sock.shut()
            return
        with self._lock:
            self._end_now(error, quiet=quiet)
        on_lost, reason = self.on_lost, self._error
        if on_lost is not None and reason is not None:
            on_lost(reason)
            self.on_lost = None  # only now: interrupted before, it is told again

    def _end_now(self, error: Error, *, quiet: bool) -> None:
        """Do so, with the lock held; ``on_lost`` is still to be called unless it was ``quiet``."""
        if self._error is None:
            if quiet:
                self.on_lost = None
            self._error = error
        if not self._has_ended:
            self._sock.shut()
            self.wire.fail(lambda: self._lost("no"), lambda: self._lost("unknown"))
            while self._admission:
                _, count, _, call = self._admission[0]
                if call.is_waiting:
                    call.set_result(self._lost("no"))
                if call.is_given_up:
                    self.wire.taken_back += count
                self._admission.popleft()
            for call in self._followers:  # whose reply was in the hands of a leader when it was interrupted
                if call.is_waiting:
                    call.set_result(self._lost("unknown"))
            self._idle.notify_all()
            self._has_ended = True
        if self._leader is None:
            self._rest = b""
            self._sock.close()

    def conclude(self) -> None:
        """Finish an ending that an interrupt has cut short; nothing happens to a connection that is open."""
        if self._cut is not None:
            self._end(self._cut, quiet=True)
        elif self._error is not None and (self.on_lost is not None or not self._has_ended):
            self._end(self._error)

    def _lost(self, executed: Executed) -> Error:
        return lost(self._error, self._address, executed)
