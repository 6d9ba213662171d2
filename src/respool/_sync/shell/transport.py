"""One connected socket shared by threads: one thread at a time, the leader, sends and reads for all the others.

Rule 1: a thread queues its command under a short lock. If there is no leader it becomes the leader. Otherwise it is a
        follower: it sleeps on a lock of its own until its reply arrives, its deadline passes or it is made the leader.
Rule 2: the leader sends everything queued in one write, then reads and completes replies until its own has arrived. A
        leader that stops passes leadership to the oldest waiting follower, so leadership is never lost (``_lead``).
Rule 3: the leader reads while it cannot write. Otherwise two full buffers, ours and the server's, would deadlock.
Rule 4: commands are completed and given up under the lock, so a reply is delivered or dropped, and counted once.
Rule 5: an exception from outside (KeyboardInterrupt) in the leader ends the connection, because bytes may be lost. So
        does one in any thread that is just queueing its command, because the command may be half queued.
Rule 6: a thread that is already using the connection cannot use it again. A signal handler, a finaliser or a listener
        that tries gets a UsageError, because it would wait for itself.
Rule 7: any thread can finish an ending that another one began (see ``_end``): the reason is set first, and every step
        after it can be repeated. An interrupted thread finishes the ending on its way out; if it is interrupted
        again, the next thread to use the connection does.
Rule 8: only the leader closes the socket, or any thread when there is no leader. Otherwise a thread could read from a
        descriptor that another socket has by now. Other threads only shut the socket down, which wakes the leader.
Rule 9: followers are woken one after the other (see ``calls``).
Rule 10: a posted run (``post_many``) has no thread that waits for it until it is collected. So it is among the
        followers only while it is being collected, and is never made the leader before; any leader may read its reply.

``_async/shell/transport.py`` is its counterpart for asyncio. Only the files of ``shell/`` are written twice, by hand.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from time import monotonic
from typing import Any, Final

from respool._facts.errors import ConnectionLost, Error, Executed, PoolClosed, ProtocolError, ReadTimeout, UsageError
from respool._facts.options import Options
from respool._protocol.admission import Admission
from respool._protocol.packing import LARGE_BYTES, make_packer, minding_large, pack_again, pack_many
from respool._protocol.run import NO_BLOBS, ONE_BLOB, Blobs, kind_of
from respool._protocol.wire import SMALL_BYTES, UNANSWERED, Wire
from respool._shell.ending import RLock, is_finalizing, over
from respool._shell.sockets import CLOSED, ClosedHere, Retired, late, lost, why
from respool._sync.shell.calls import WAITING, Abandoned, Answered, Call, Ticket
from respool._sync.shell.sockets import PlainSocket, drive

_MAIN: Final = threading.main_thread().ident
_LEADS: Final = object()
_FOLLOWS: Final = object()
_FEW: Final = 16  # so many followers are not searched for those that are done
_RESTED: Final = 0.001  # a connection that was idle for this many seconds is checked before it is used again


class Transport:
    """A connected socket and its wire. ``submit`` is the hot path with threads."""

    __slots__ = (
        "_address", "_admission", "_answered", "_cap", "_completed", "_cut",
        "_entering", "_error", "_followers", "_followers_room", "_has_ended", "_hear", "_heard", "_idle",
        "_is_inside", "_is_watched", "_leader", "_lock", "_looked", "_only", "_out", "_queue", "_rest", "_say",
        "_sock", "_talk", "on_left", "on_lost", "on_meeting", "owner", "pack", "patience", "remote", "wire",
    )  # fmt: skip

    def __init__(
        self, options: Options, sock: socket.socket, on_push: Callable[[list[Any]], None] | None = None
    ) -> None:
        self._address = options.address
        self.pack = make_packer(options.encoding)
        self._cap = options.max_in_flight
        self._sock: PlainSocket = drive(sock)
        self._say, self._hear = self._sock.short_ways()
        self._talk = self._sock.shortest_way()
        self._lock = RLock()
        self._is_inside = self._lock._is_owned  # type: ignore[attr-defined]  # asked before taking it (Rule 6)
        self._leader: Call | None = None  # the call whose thread drives the connection
        self._only = Call()  # serves one caller after the other, as long as each is the only one (see ``_exchange``)
        self._rest: bytes | memoryview = b""  # the part of the last write that the socket did not accept
        self._entering: Call | None = None  # the call that is being queued at this moment
        self._followers: deque[Call] = deque()  # sleeping callers, oldest first; those that are done are skipped
        self._followers_room = _FEW  # at this length, followers that are done are removed
        self._answered = Answered()  # followers that have their reply and are to be woken
        self._idle = threading.Condition(self._lock)
        self._is_watched = False  # a thread waits for ``_idle``: notify it when there is no leader any more
        self._looked = 0.0  # when the socket was last checked while idle
        self._heard = monotonic()  # when bytes last arrived, a blocked write went on, or an empty queue got an entry
        self._error: Error | None = None  # why the connection ends
        self._has_ended = False  # every caller has received its error; ``on_lost`` comes next
        self._cut: Error | None = None  # a signal handler ended it inside a step that holds the lock: to be finished
        #: How many seconds the server may stay silent while it owes a reply; None: for ever.
        self.patience: float | None = None
        #: The address it is connected to, None for a unix socket.
        self.remote: Any = None
        self._completed = 0  # entries that have left the queue with a reply
        #: Called with the error when the connection has ended by itself, and then forgotten. If the call is
        #: interrupted, it is made again.
        self.on_lost: Callable[[Error], None] | None = None
        #: The ``Seat`` of the thread that has it to itself, or None (see ``affinity``).
        self.owner: Any = None
        #: Called once when a thread becomes a follower. It may take no lock.
        self.on_meeting: Callable[[], None] | None = None
        #: Called in a thread that was interrupted, and whose command stays in flight here.
        self.on_left: Callable[[Transport], None] | None = None
        self.wire = Wire(
            encoding=options.encoding, errors=options.encoding_errors, address=options.address,
            abandoned=Abandoned, on_push=on_push,
        )  # fmt: skip
        self._queue = self.wire.queue
        self._out = self.wire.out
        self._admission = Admission(self.wire, options.max_in_flight, options.max_in_flight_bytes)
        self.set_patience(options.read_timeout)

    # State ---------------------------------------------------------------------------------------

    @property
    def owes(self) -> int:
        """The number of pending replies."""
        return len(self._queue)

    @property
    def completed(self) -> int:
        """The number of replies received, including those whose callers had given up."""
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
        """Whether the connection is open, no reply is pending and no thread drives it."""
        return self._error is None and not self._queue and self._leader is None

    def disown(self) -> bool:
        """Take it from its owner, who takes it again when needed; return whether nobody has taken it since."""
        owner, self.owner = self.owner, None
        return owner is None

    def is_reusable(self, now: float) -> bool:
        """Tell whether it is quiet and the peer has not closed it: the check before each lease, no PING (R-11)."""
        if now - self._looked > _RESTED and self.is_quiet:
            self._look()
        return self._error is None and not self._queue and self._leader is None

    def notice_end(self) -> None:
        """End the connection if it is idle and the peer has closed it: no thread reads from it then."""
        if self._is_inside():
            return
        call = Call()
        try:
            self._catch_up(call)
        except BaseException as error:
            self._interrupted(call, error)
            raise

    @property
    def silent_for(self) -> float:
        """For how many seconds the server has sent nothing while a reply is pending.

        If there is no leader, replies whose callers have given up are read first.
        """
        if self._queue and self._leader is None:
            self.notice_end()
        return monotonic() - self._heard if self._queue else 0.0

    # Sending -------------------------------------------------------------------------------------

    def submit(self, args: tuple[Any, ...]) -> Any:
        """Send one command and return its reply. A ServerError or TransportError is returned, not raised.

        A bad argument raises before anything is queued.
        """
        try:
            data = self.pack(args)
        except (TypeError, UnicodeError) as error:
            data = pack_again(args, self.pack, error)
        if self._is_inside():
            raise self._busy()
        call, role = None, _FOLLOWS
        try:
            with self._lock:
                leader = self._leader
                if leader is not None:
                    call = Call()
                    if (
                        len(data) <= SMALL_BYTES
                        and not self._admission
                        and self._error is None
                        and len(self._queue) < self._cap
                        and leader.thread != call.thread != _MAIN
                        and not is_finalizing()
                    ):  # the usual follower: what ``_enter`` does, without its calls
                        self._entering = call
                        if not self._queue:
                            self._heard = monotonic()
                        self._queue.append(call)
                        self._out.append(data)
                        self._entering = None
                        self._fall_in(call)
                    else:
                        role = self._enter(data, 1, 0, NO_BLOBS, call)
                elif (
                    not self._queue
                    and len(data) <= SMALL_BYTES
                    and self._error is None
                    and (now := monotonic()) - self._heard <= _RESTED
                ):
                    # The only caller on an idle connection drives it directly, as cheap as a plain socket.
                    call = self._only
                    call.thread = get_ident()
                    self._leader = call
                    self._queue.append(call)
                    self._heard = now
                    role = _LEADS
            if call is not None:
                return self._exchange(data, call) if role is _LEADS else self._follow(call, None)
        except BaseException as error:
            if call is not None:
                self._interrupted(call, error)
            raise
        return self._join(data, 1, 0, None)

    def submit_until(self, args: tuple[Any, ...], deadline: float | None, *, blob: bool = False) -> Any:
        """Like ``submit``, but return a ReadTimeout if no reply came by ``deadline``; with ``blob`` it stays bytes."""
        if deadline is None and not blob:
            return self.submit(args)
        try:
            data = self.pack(args)
        except (TypeError, UnicodeError) as error:
            data = pack_again(args, self.pack, error)
        return self._join(data, 1, 0, deadline, ONE_BLOB if blob else NO_BLOBS)

    def submit_many(
        self, commands: list[tuple[Any, ...]], deadline: float | None = None, blobs: Blobs = NO_BLOBS
    ) -> Any:
        """Send commands with no other command in between; return the list of replies, or an error."""
        return self._join(pack_many(commands, self.pack), len(commands), kind_of(commands), deadline, blobs)

    def submit_guarded(self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None) -> Any:
        """Send commands of which only the last is answered, unless the first is refused (see ``Guarded``)."""
        return self._join(pack_many(commands, self.pack), 1, hidden, deadline)

    def submit_noreply(self, commands: list[tuple[Any, ...]]) -> Error | None:
        """Send commands of which only the last is answered, and do not wait for that reply.

        Waits only while the connection is full. Returns an error if the commands were certainly not sent.
        """
        data, hidden = pack_many(commands, self.pack), len(commands) - 1
        call = Call()
        if self._is_inside():
            raise self._busy()
        try:
            self._catch_up(call)
            with self._lock:
                is_full = self._error is not None or self._admission.must_wait(len(data), 1)
                is_full = is_full or (self._leader is not None and is_finalizing())  # the leader is frozen
                if not is_full:
                    self._put(data, 1, hidden, NO_BLOBS, call)
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
        """Note that a caller has given up a command. Does nothing: with threads each caller does so itself."""

    def post_many(
        self, commands: list[tuple[Any, ...]], deadline: float | None = None, blobs: Blobs = NO_BLOBS
    ) -> Ticket:
        """Send a run like ``submit_many``, but wait for nothing; ``collect`` the ticket, or ``give_up`` on it.

        A thread can so post on several connections before it waits for the first reply. What does not fit into the
        socket's buffer, the connection's limits or the turn of another leader is sent by whoever leads next. Raises
        only for bad arguments (before anything is queued) and inside itself (Rule 6): if the connection has ended,
        collecting returns the error.
        """
        data = pack_many(commands, self.pack)
        ticket = Ticket(deadline)
        if self._is_inside():
            raise self._busy()
        try:
            self._catch_up(ticket)
            with self._lock:
                role = self._enter(data, len(commands), kind_of(commands), blobs, ticket)
                if ticket.gate is not None:
                    self._followers.pop()  # it follows when it is collected (Rule 10)
                    ticket.gate = ticket.answered = None
            if role is _LEADS:
                self._send_queued(0.0)
                self._hand_over()
            else:
                self.conclude()
        except BaseException as error:
            self._interrupted(ticket, error)
            raise
        return ticket

    def collect(self, ticket: Ticket) -> Any:
        """Wait for the replies to a posted run; return their list or an error, which is a ReadTimeout at its deadline.

        Replies that have arrived before the deadline are returned after it too: the thread may have waited elsewhere.
        """
        if ticket.value is not WAITING:
            return ticket.value
        if ticket.is_given_up:
            raise AssertionError("a ticket is collected or given up, not both")
        if self._is_inside():
            raise self._busy()
        ticket.thread = get_ident()
        try:
            with self._lock:
                role = self._line_up(ticket)
            if role is _LEADS:
                while ticket.value is WAITING and self._look():
                    pass
                ticket.value = self._lead(ticket, ticket.deadline)
            else:
                ticket.value = self._follow(ticket, ticket.deadline)
        except BaseException as error:
            self._interrupted(ticket, error)
            raise
        return ticket.value

    def give_up(self, ticket: Ticket) -> None:
        """Note that nobody will collect this ticket: the replies are dropped, and what is not written is taken back.

        Does nothing to a run that is completed or given up already.
        """
        with self._lock:
            if ticket.is_waiting:
                ticket.is_given_up = True
                self.wire.withdrawn += 1

    def _join(
        self, data: bytes, count: int, hidden: int | None, deadline: float | None, blobs: Blobs = NO_BLOBS
    ) -> Any:
        """Queue commands, then lead or follow; return their reply, list of replies or error."""
        call = Call()
        if self._is_inside():
            raise self._busy()
        try:
            self._catch_up(call)
            with self._lock:
                role = self._enter(data, count, hidden, blobs, call)
            if role is _LEADS:
                return self._lead(call, deadline)
            return self._follow(call, deadline)
        except BaseException as error:
            self._interrupted(call, error)
            raise

    def _enter(self, data: bytes, count: int, hidden: int | None, blobs: Blobs, call: Call) -> object:
        """Queue commands here or for admission; return whether the caller leads or follows. Call with the lock held."""
        if len(data) > LARGE_BYTES:
            self.pack = minding_large(self.pack)
        if self._error is not None:
            call.value = late(self._error, self._address)
            return _FOLLOWS  # without a gate, so it returns at once
        if (leader := self._leader) is not None and (leader.thread == call.thread or self._sleeps(call.thread)):
            call.value = self._busy()
            return _FOLLOWS
        if leader is not None and is_finalizing():  # the leader's thread will never run again
            call.value = over()
            return _FOLLOWS
        if self._admission.must_wait(len(data), count):
            self._admission.wait(data, count, hidden, blobs, call)
        else:
            self._put(data, count, hidden, blobs, call)
        if self._leader is None:
            self._leader = call
            return _LEADS
        self._fall_in(call)
        return _FOLLOWS

    def _fall_in(self, call: Call) -> None:
        """Make a call a follower. Call with the lock held."""
        call.sleep_until_answered(self._answered)
        self._followers.append(call)
        if self.on_meeting is not None:
            on_meeting, self.on_meeting = self.on_meeting, None
            try:
                on_meeting()
            except BaseException:  # interrupted: the next follower calls it again
                self.on_meeting = on_meeting
                raise

    def _line_up(self, ticket: Ticket) -> object:
        """Return whether the thread that collects leads or follows. Call with the lock held."""
        if ticket.value is not WAITING:
            return _FOLLOWS  # without a gate, so it returns at once
        leader = self._leader
        if self._error is not None:  # ``_follow`` finishes the ending, which gives the run its own error
            ticket.value = self._lost("unknown")
        elif (leader is not None and leader.thread == ticket.thread) or self._sleeps(ticket.thread):
            ticket.value = self._busy()
        elif leader is None:
            self._leader = ticket
            return _LEADS
        elif is_finalizing():  # the leader's thread will never run again
            ticket.value = over()
        else:
            self._fall_in(ticket)
        return _FOLLOWS

    def _sleeps(self, thread: int) -> bool:
        """Whether the thread is a follower already. That is possible in a signal handler only, in the main thread."""
        return thread == _MAIN and any(each.thread == thread and each.is_waiting for each in self._followers)

    def _busy(self) -> UsageError:
        return UsageError(
            f"this thread uses the connection to {self._address} already: a signal handler, a finaliser or a "
            "listener cannot wait for it, it would wait for itself"
        )

    def _put(self, data: bytes, count: int, hidden: int | None, blobs: Blobs, call: Call) -> None:
        self._entering = call
        if not self._queue:
            self._heard = monotonic()
        self.wire.enter(data, count, hidden, blobs, call)
        self._entering = None

    # Leading and following -------------------------------------------------------------------------

    def _follow(self, call: Call, deadline: float | None) -> Any:
        """Sleep until the reply arrives, the caller is made the leader, or the deadline passes."""
        gate = call.gate
        try:
            if gate is None:  # it leads, or has its reply, or is not among the followers
                self.conclude()
            elif call.value is not WAITING:
                pass  # the reply came before this thread fell asleep
            elif deadline is None:
                gate.acquire()
            else:
                gate.acquire(timeout=min(max(0.0, deadline - monotonic()), threading.TIMEOUT_MAX))
            call.gate = None  # whoever wakes the next thread from here on passes over this one
            if self._answered:
                self._answered.wake_next()
        except BaseException:
            self._give_up(call)
            raise
        if self._leader is call:  # this can coincide with the deadline or with the end of the connection
            return self._lead(call, deadline)
        return self._give_up(call) if call.value is WAITING else call.value

    def _give_up(self, call: Call) -> Any:
        """Stop waiting and leading; return the reply if it has arrived after all, else a ReadTimeout."""
        with self._lock:
            if call.value is WAITING:
                call.is_given_up = True
                self.wire.withdrawn += 1
            leads = self._leader is call
            if len(self._followers) >= self._followers_room:
                kept = (each for each in self._followers if each.is_waiting)
                self._followers = deque(kept)
                self._followers_room = max(_FEW, 2 * len(self._followers))
        if leads:
            self._hand_over()
        if call.value is not WAITING:
            return call.value
        return ReadTimeout("no reply in time", address=self._address, executed="unknown")

    def _exchange(self, data: bytes, call: Call) -> Any:
        """Lead on an idle connection: one write, one read. ``_lead`` continues if that is not enough.

        Usually it is, and then ``call`` is as it was before: its reply is returned, without a stay in it.
        """
        sent, answer = 0, None
        try:
            if self.on_lost is None and self.patience is not None:
                # Only a pool calls ``end_if_silent``. Without one, the timeout must not restart with each signal.
                sent = self._say(data)
                if sent == len(data):
                    answer = self._sock.receive_within(self.patience)
            elif self._talk is not None:
                sent, answer = self._talk(data)
            else:
                sent = self._say(data)
                if sent == len(data):
                    answer = self._hear()
        except BlockingIOError:
            pass  # nothing came in time
        except OSError as error:
            self._end_by(error)
        if answer:
            with self._lock:
                if len(self._queue) != 1 or self._admission:
                    broken = self._feed(answer)
                else:
                    reply, broken = UNANSWERED, None
                    try:
                        reply = self.wire.answer(answer)
                    except ProtocolError as error:
                        broken = error.with_traceback(None)
                    self._completed += 1 - len(self._queue)
                    self._heard = monotonic()
                    if reply is not UNANSWERED:
                        # Up to the end of the lock no signal handler runs, so none can set ``_cut`` behind this.
                        if self._cut is None and self._error is None and not self._is_watched:
                            self._leader = None  # as ``_hand_over`` would do, but without taking the lock again
                            return reply
                        call.value = reply
            self._answer(broken)
        self._only = Call()  # this one has a value, or will get one
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
        if call.value is WAITING:
            return self._lead(call, None)
        self._hand_over()
        return call.value

    def _lead(self, call: Call, deadline: float | None) -> Any:
        """Send and read for all callers until ``call`` has its reply, then pass leadership on."""
        while call.value is WAITING:
            if self._error is not None:
                self.conclude()
                if call.value is WAITING:  # a leader was interrupted while it delivered this reply
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
        """Pass leadership to the oldest waiting follower. Without one, the connection has no leader."""
        while not self._resign():
            self._send_queued(0.0)  # for commands that ``submit_noreply`` queued meanwhile: no caller waits for them
        if self._cut is not None:
            self.conclude()

    def _resign(self) -> bool:
        """Pass leadership on. Return False and keep it if there is no follower but something is left to send."""
        with self._lock:
            followers = self._followers
            while followers:
                call = followers.popleft()
                if call.value is WAITING and not call.is_given_up:
                    call.answered = None  # it will read its reply itself
                    self._leader = call
                    gate, call.gate = call.gate, None  # nothing is called up to the release: no interrupt can come
                    if gate is not None:  # it has not just stopped waiting
                        gate.release()
                    return True
            if self._out and not self._rest and self._error is None:
                return False
            if self._error is not None:
                self._rest = b""
                self._sock.close()
            if self._is_watched:
                self._idle.notify_all()
            self._leader = None  # last: a leader that is interrupted before this still leads, and resigns again
            return True

    def _interrupted(self, call: Call, error: BaseException) -> None:
        """Give up ``call``. End the connection if its thread led or was queueing: that may be half done (Rule 5)."""
        call.gate = None
        self._answered.wake_all()  # this thread may have been the one to wake the next
        with self._lock:
            if call.thread != get_ident():
                return  # it was ``_only``, had its reply, and serves another thread by now
            if call is self._only:
                self._only = Call()
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
        if not is_torn and self.on_left is not None:
            self.on_left(self)

    def _catch_up(self, call: Call) -> None:
        """Read what arrived while the connection was idle: lead for a moment, unless another thread leads."""
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
        """Write everything queued. The next leader sends what the socket has not accepted by ``deadline``."""
        if not self._rest:
            with self._lock:
                data = self.wire.take()
                if self._admission:
                    self._admission.admit(self._put)  # ``take`` removed commands that were given up, which made room
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
        """Write the bytes that did not fit into the socket's buffer, and read meanwhile (Rule 3)."""
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
                    self._heard = monotonic()  # the peer accepts bytes, so it is alive
            if not can_read and not can_write and self._is_silent():
                self._end_silent()

    def _is_silent(self) -> bool:
        """Whether nothing was heard from the server for ``patience`` seconds (R-14)."""
        return self.patience is not None and monotonic() - self._heard >= self.patience * 0.999

    def _receive(self, deadline: float | None) -> None:
        """Wait for bytes and complete their replies. End the connection if the server is silent for too long."""
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
        """End the connection if the server has been silent for longer than ``patience``. For the maintenance thread.

        A leader notices silence itself, unless signals come so often that its read never times out. Returns after how
        many seconds to check again, or None if that can wait until the next regular check.
        """
        if self.patience is None or not self._queue or not self._sock.restarts:
            return None
        with self._lock:
            if self._error is not None or not self._queue or self._leader is None:
                return None
            left = self._heard + self.patience + min(0.05 * self.patience, 0.1) - monotonic()  # after the leader would
            if left > 0 or self._sock.has_input():
                return max(left, 0.05)
        self._end_silent()
        return None

    def _take_in(self, data: bytes) -> None:
        if not data:
            self._end(ConnectionLost("the server closed the connection", address=self._address))
            return
        with self._lock:
            broken = self._feed(data)
        self._answer(broken)

    def _feed(self, data: bytes) -> ProtocolError | None:
        """Complete the replies in ``data``; return what is wrong with it. Call with the lock held."""
        before, was_empty = len(self._queue), not self._answered
        try:
            self.wire.feed(data)
        except ProtocolError as error:
            broken: ProtocolError | None = error.with_traceback(None)  # its frames refer to the connection
        else:
            broken = None
        self._completed += before - len(self._queue)
        if self._admission and broken is None:
            self._admission.admit(self._put)
        self._heard = monotonic()
        if was_empty:
            self._answered.since = self._heard
        return broken

    def _answer(self, broken: ProtocolError | None) -> None:
        """Go on after ``_feed``: wake the first thread that has its reply, or end the connection."""
        if broken is not None:
            self._end(broken)
        elif self._answered:
            self._answered.wake_next()

    def _look(self) -> bool:
        """Read bytes that have come, and return whether there were any. The end of the stream ends the connection."""
        self._looked = monotonic()
        try:
            data = self._sock.receive_now()
        except OSError as error:
            self._end_by(error)
            return False
        if data is not None:
            self._take_in(data)
        return bool(data)

    # The end -----------------------------------------------------------------------------------------

    def set_patience(self, patience: float | None) -> None:
        """Set how many seconds the server may stay silent, counted from now; None: for ever (R-21)."""
        self.patience = patience
        self._heard = monotonic()
        if self._error is None:
            try:
                self._sock.set_timeout(patience)
            except OSError:
                pass  # another thread has just closed it

    def abort(self, reason: str = CLOSED) -> None:
        """Close at once, without waiting for anything. Every command in flight fails, with this reason in its error.

        Callable from any thread.
        """
        self._end(ClosedHere(reason, address=self._address), quiet=True)

    def abort_in_finaliser(self) -> None:
        """Close only the socket, from a finaliser: the thread that runs it may hold the lock already."""
        self._sock.close()

    def abort_as_silent(self) -> None:
        """Close because the server did not answer. Unlike ``abort`` this calls ``on_lost``."""
        self._end(ReadTimeout("no answer to a PING", address=self._address, executed="unknown"))

    def wait_idle(self, deadline: float | None = None, *, then_close: bool = False) -> None:
        """Wait until no reply is pending and no caller waits for admission, the connection has ended, or ``deadline``.

        Replies whose callers have given up are read here. ``then_close`` closes the connection in the same step: a
        thread that chose it just before gets an error caused by ``Retired``, and has sent nothing.
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
            self.submit_until(("PING",), deadline)  # leads, and so reads all replies before that of the PING
            if deadline is not None and monotonic() >= deadline:
                return

    def lead_on(self, call: Call) -> None:
        """Lead without a command of its own, until ``_resign``. Raises UsageError if another thread leads."""
        with self._lock:
            if self._leader is not None:
                raise self._busy()
            self._leader = call

    @property
    def error(self) -> Error | None:
        """Why the connection has ended; None while it is open."""
        return self._error

    @property
    def heard(self) -> float:
        """When bytes last arrived."""
        return self._heard

    def listen(self) -> None:
        """Read what the server sends unasked, until the connection has ended. Nothing else may use it meanwhile.

        Its thread leads for a call that has no command, so no reply ends its reading. That nothing comes is no fault.
        """
        self.set_patience(None)
        call = Call()
        self.lead_on(call)
        try:
            self._lead(call, None)
        except BaseException as error:
            self._interrupted(call, error)
            raise

    def wait_closed(self) -> None:
        """Wait until the socket is closed. Call ``abort`` first; it leaves the close to the leader, if there is one."""
        if self._is_mine() or is_finalizing():  # this thread leads, further up its stack: it closes the socket there
            return
        with self._lock:
            self._is_watched = True
            self._idle.wait_for(lambda: self._leader is None, timeout=1.0)

    def _is_mine(self) -> bool:
        """Whether the calling thread is using this connection already, further up its stack."""
        leader = self._leader
        return self._is_inside() or (leader is not None and leader.thread == get_ident())

    def forget(self) -> None:
        """Close the socket in a forked child without sending anything to the peer (R-35)."""
        self._lock = RLock()  # a thread that does not exist here may hold the other one
        self._is_inside = self._lock._is_owned  # type: ignore[attr-defined]
        self._idle = threading.Condition(self._lock)
        self.on_lost = None
        self._error = ConnectionLost("the process was forked", address=self._address)
        self._sock.forget()

    def _end_by(self, error: OSError) -> None:
        self._end(ConnectionLost(why(error), address=self._address))

    def _end_silent(self) -> None:
        message = f"no reply for {self.patience:g} s"
        self._end(ReadTimeout(message, address=self._address, executed="unknown"))

    def _end(self, error: Error, *, quiet: bool = False) -> None:
        """End the connection. Each command in flight fails with an error of its own, caused by ``error``.

        Only the first error counts. Called again, this finishes an ending that was interrupted.
        """
        if self._is_inside():  # a signal handler or finaliser interrupts a step here, which then finds the socket shut
            self._cut = error
            self._sock.shut()
            return
        with self._lock:
            self._end_now(error, quiet=quiet)
        on_lost, reason = self.on_lost, self._error
        if on_lost is not None and reason is not None:
            on_lost(reason)
            self.on_lost = None  # only now: if the call was interrupted, it is made again

    def _end_now(self, error: Error, *, quiet: bool) -> None:
        """Do the part of ``_end`` that needs the lock. If ``quiet``, ``on_lost`` will not be called."""
        if self._error is None:
            if quiet:
                self.on_lost = None
            self._error = error
            self.on_meeting = self.on_left = self.owner = None
        if not self._has_ended:
            self._sock.shut()
            self.wire.fail(lambda: self._lost("no"), lambda: self._lost("unknown"))
            self._admission.fail(lambda: self._lost("no"))
            for call in self._followers:  # the rest: a leader was interrupted while it delivered their replies
                if call.is_waiting:
                    call.set_result(self._lost("unknown"))
            self._idle.notify_all()
            self._has_ended = True
        self._answered.wake_all()
        if self._leader is None:
            self._rest = b""
            self._sock.close()

    def conclude(self) -> None:
        """Finish an ending that was interrupted. Does nothing to an open connection."""
        if self._cut is not None:
            self._end(self._cut, quiet=True)
        elif self._error is not None and (self.on_lost is not None or not self._has_ended or self._answered):
            self._end(self._error)

    def _lost(self, executed: Executed) -> Error:
        return lost(self._error, self._address, executed)
