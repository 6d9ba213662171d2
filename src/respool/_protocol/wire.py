"""The protocol state of one connection: which commands are queued and written, and whose reply comes next.

Rule 1: replies are matched by position only: reply k completes entry k (R-18).
Rule 2: an entry leaves the queue when its reply arrives, when the connection ends, or when its caller gives up before
        a byte of it was written. A written entry stays even if its caller gives up (R-19).
Rule 3: a push never completes an entry; a reply without an entry ends the connection (R-25).
Rule 4: this file knows no sockets, event loops, locks or clocks; both shells use the same code.
Rule 5: a reply is decoded or left as bytes, as its entry wants: the parser is asked for what the oldest written entry
        wants. That entry stays the oldest until its reply is whole, so no reply is read in both ways, however it is
        cut into pieces. Only a push can be: what of it is bytes is decoded before it is passed on.

The kinds of entries are in ``entries``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import chain
from typing import Any, Final

import hiredis

from respool._facts.errors import DecodeError, ProtocolError, ServerError, TransportError, server_error
from respool._protocol.decoding import LATEST, STRICT, decoded, what_is_wrong
from respool._protocol.entries import (
    AskedBatch,
    AtomicBatch,
    Batch,
    Entry,
    ExecBatch,
    Guarded,
    Part,
    Undecoded,
    Weighed,
    answers_exec,
    claim_of,
)
from respool._protocol.run import ATOMIC, ATOMIC_ASKED, EXEC_PIECE, NO_BLOBS, Blobs
from respool._protocol.screen import ERROR, EXTRA, Screen

#: What hiredis returns when there is no complete reply. (False and None are replies.)
_NOTHING: Final = object()

#: What ``answer`` returns unless it returns the reply.
UNANSWERED: Final = object()

_PUSH: Final = hiredis.PushNotification

#: What the parser raises for bytes that it cannot read. Any other error comes from outside, from a signal handler that
#: ran in the code which makes errors or marks bytes: it belongs to the thread, like an interrupt.
_UNREADABLE: Final = (hiredis.HiredisError, UnicodeError, TypeError, MemoryError)

#: The last entry of a run, by its kind (see ``kind_of``).
_LAST: Final = {None: Batch, ATOMIC: AtomicBatch, ATOMIC_ASKED: AskedBatch, EXEC_PIECE: ExecBatch}

#: The first words of pushes that answer a command.
_CONFIRMATIONS: Final = frozenset(
    word
    for name in ("subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe")
    for word in (name, name.encode())
)


#: For commands up to this size only their number is limited; of larger ones the bytes are counted too (R-22).
SMALL_BYTES: Final = 1024


class Wire:
    """Unanswered commands in order, bytes not yet written, and the parser."""

    __slots__ = (
        "_abandoned",
        "_address",
        "_blame",
        "_encoding",
        "_errors",
        "_extra",
        "_failed",
        "_gets",
        "_is_doubtful",
        "_is_strict",
        "_on_push",
        "_reader",
        "_received",
        "_screen",
        "_seen",
        "blobs",
        "confirmed",
        "dropped",
        "feed",
        "heavy_bytes",
        "out",
        "queue",
        "revealed",
        "taken_back",
        "withdrawn",
    )

    def __init__(
        self,
        *,
        encoding: str | None = None,
        errors: str = "strict",
        address: str = "",
        abandoned: type[Exception] = Exception,
        on_push: Callable[[list[Any]], None] | None = None,
    ) -> None:
        self._encoding = encoding
        self._is_strict = encoding is not None and errors == "strict"
        self._seen = LATEST[0]
        self._is_doubtful = False  # whether the incomplete reply so far may hold an undecodable byte
        # Without an encoding hiredis must not be given an error handler either.
        decoding: dict[str, Any] = {}
        if encoding is not None:
            decoding = {"encoding": encoding, "errors": STRICT if self._is_strict else errors}
        self._errors = decoding.get("errors", "")
        reader = hiredis.Reader(replyError=server_error, notEnoughData=_NOTHING, **decoding)
        self._reader: Any = reader
        self._gets: Callable[..., Any] = reader.gets
        #: Reads received bytes and completes an entry for each reply in them. Raises ProtocolError when the peer broke
        #: the protocol; the connection must then be closed and ``fail`` called.
        self._screen: Any = Screen(reader, self._deliver, self._broken)
        self.feed: Callable[[bytes], None] = self._screen.feed
        self._received: Callable[[Any], None] | None = None
        self._address = address
        self._blame: ProtocolError | None = None  # the error of the oldest command if its reply could not be parsed
        self._abandoned = abandoned
        self._on_push = on_push
        self._extra = 0  # unwritten entries beyond one for each item of ``out``
        self._failed: Entry | None = None  # the caller's entry that ``fail`` completed last
        #: Entries, oldest first; the newest ``unwritten`` of them have not been written.
        self.queue: deque[Entry] = deque()
        #: Encoded commands not yet written.
        self.out: list[bytes] = []
        #: Unwritten entries that their callers gave up; the next write removes them.
        self.withdrawn = 0
        #: How many such commands were removed, and how many replies were dropped because nobody waited. All commands of
        #: a run count if it was given up before its last reply.
        self.taken_back = 0
        self.dropped = 0
        #: Additional replies of runs whose first command was refused (see ``Guarded``).
        self.revealed = 0
        #: The entry that was the oldest when a push last confirmed a SUBSCRIBE.
        self.confirmed: Entry | None = None
        #: Bytes of large commands that are not answered yet.
        self.heavy_bytes = 0
        #: Entries in the queue whose replies stay bytes although the connection has an encoding.
        self.blobs = 0

    # Pending replies -----------------------------------------------------------------------------

    @property
    def owes(self) -> int:
        """The number of replies still to come, those of unwritten commands included."""
        return len(self.queue)

    @property
    def unwritten(self) -> int:
        """How many of the newest entries have not been written."""
        return len(self.out) + self._extra

    # Sending -------------------------------------------------------------------------------------

    def submit(self, data: bytes, entry: Entry, blobs: Blobs = NO_BLOBS) -> None:
        """Queue one encoded command; its reply stays bytes if ``blobs`` says so. The shells inline this for others."""
        if len(data) > SMALL_BYTES:
            entry = self._weigh(data, entry, 1)
        if blobs and self._encoding is not None:
            entry = Undecoded(entry, None, self)
        self.queue.append(entry)
        self.out.append(data)

    def submit_many(
        self, data: bytes, count: int, entry: Entry, kind: int | None = None, blobs: Blobs = NO_BLOBS
    ) -> None:
        """Queue ``count`` commands as one run; ``entry`` gets the list of replies.

        ``kind``: see ``kind_of``; ``blobs``: which of the replies stay bytes.
        """
        replies: list[Any] = []
        last: Entry = _LAST[kind](entry, count, replies)
        if len(data) > SMALL_BYTES:
            last = self._weigh(data, last, count)
        run: list[Entry] = [Part(entry, count, replies)] * (count - 1)
        run.append(last)
        if blobs and self._encoding is not None:
            for at, kept in blobs.items():
                run[at] = Undecoded(run[at], kept, self)
        self.queue.extend(run)
        self.out.append(data)
        self._extra += count - 1

    def submit_guarded(self, data: bytes, hidden: int, entry: Entry | None) -> None:
        """Queue a run that has one reply, or ``hidden`` more when its first command is refused."""
        guarded: Entry = Guarded(entry, hidden, self)
        if len(data) > SMALL_BYTES:
            guarded = self._weigh(data, guarded, 1)
        self.queue.append(guarded)
        self.out.append(data)

    def enter(self, data: bytes, count: int, hidden: int | None, blobs: Blobs, entry: Entry) -> None:
        """Queue commands in the way that ``hidden`` says: it is a kind of run, or how many commands have no reply."""
        if hidden is None or hidden < 0:  # a run, perhaps of one command: its replies are returned as a list
            self.submit_many(data, count, entry, hidden, blobs)
        elif hidden:
            self.submit_guarded(data, hidden, entry)
        else:
            self.submit(data, entry, blobs)

    def _weigh(self, data: bytes, entry: Entry, count: int) -> Entry:
        self.heavy_bytes += len(data)
        return Weighed(entry, len(data), self, count)

    def take(self) -> bytes:
        """Return everything unwritten as one bytes object. From here on it counts as written."""
        if self.withdrawn:
            self._take_back()
        out = self.out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self._extra = 0
        return data

    def _take_back(self) -> None:
        """Remove the unwritten commands that nobody waits for any more (R-19)."""
        queue, out = self.queue, self.out[:]
        count_kept = len(queue) - self.unwritten
        self.out.clear()  # from here on all counts as written, so that an interrupt never leads to "not executed"
        self._extra = 0
        tail = [queue.pop() for _ in range(len(queue) - count_kept)]  # newest first
        kept: list[bytes] = []
        extra = 0
        for data in out:
            count = getattr(tail[-1], "count", 1)
            run = [tail.pop() for _ in range(count)]
            last = run[-1]
            if last.done():
                self.taken_back += count
                for entry in run:
                    if isinstance(entry, Weighed | Undecoded):
                        entry.give_back()
            else:
                queue.extend(run)
                kept.append(data)
                extra += count - 1
        self.out[:] = kept
        self._extra = extra
        self.withdrawn = 0

    # Receiving -----------------------------------------------------------------------------------

    def answer(self, data: bytes) -> Any:
        """Do what ``feed`` does, with less work if ``data`` is one whole reply and nothing else.

        Then the entry leaves the queue, and its reply is returned instead of given to it. Returns UNANSWERED otherwise.
        There must be one entry, which ``submit`` has queued as it is: small, written, not given up and no blob.
        """
        screen = self._screen
        is_short = screen.is_between and len(data) <= SMALL_BYTES and EXTRA not in data and ERROR not in data
        if not is_short or self._is_doubtful:
            self.feed(data)
            return UNANSWERED
        seen = LATEST[0]
        reader = self._reader
        reader.feed(data)
        try:
            reply = self._gets()
        except _UNREADABLE as error:
            raise self._broken(error) from error
        is_usual = reply is not _NOTHING and type(reply) is not _PUSH and LATEST[0] is seen
        if is_usual and not reader.has_data():
            self.queue.popleft()
            return reply
        self._is_doubtful = self._is_strict and LATEST[0] is not seen
        self._deliver(chain((reply,), iter(self._gets, UNANSWERED)).__next__)
        screen.fed(data)
        return UNANSWERED

    def _deliver(self, gets: Callable[[], Any] | None = None) -> None:
        # Local names: this loop is the hot path of every reply.
        gets = gets or (self._gets_mixed if self.blobs else self._gets)
        popleft = self._pop_written if self.out else self.queue.popleft
        latest = LATEST if self._is_strict else None
        if latest is not None and not self._is_doubtful:
            self._seen = latest[0]  # what other wires have decoded does not matter here
        while True:
            try:
                reply = gets()
            except _UNREADABLE as error:
                raise self._broken(error) from error
            if reply is _NOTHING:
                if latest is not None:
                    self._is_doubtful = latest[0] is not self._seen  # in the part of a reply that has arrived
                return
            if type(reply) is _PUSH:
                self._pushed(reply)
                continue
            if latest is not None and latest[0] is not self._seen:
                self._seen = latest[0]
                reply = self._checked(reply)
            try:
                entry = popleft()
            except IndexError:
                said = f": {reply}" if isinstance(reply, ServerError) else ""  # never a value: it may be a secret
                raise ProtocolError(f"the server sent a reply that nobody asked for{said}") from None
            try:
                entry.set_result(reply)
            except self._abandoned:
                self.dropped += getattr(entry, "count", 1)

    def stream(self, received: Callable[[Any], None]) -> None:
        """Pass every frame from now on to ``received``, with its texts as bytes: nothing is a reply any more.

        Nothing may be queued after this. ``received`` may raise ProtocolError, to end the connection.
        """
        self._received = received
        self._screen.deliver_to(self._stream)

    def _stream(self) -> None:
        received = self._received
        while received is not None:
            try:
                frame = self._gets(False)  # noqa: FBT003 - hiredis takes it by position
            except _UNREADABLE as error:
                raise self._broken(error) from error
            if frame is _NOTHING:
                return
            received(frame)

    def _gets_mixed(self) -> Any:
        """Read the next frame, for an oldest entry that may want bytes (Rule 5)."""
        head = self.queue[0] if len(self.queue) > self.unwritten else None  # what is unwritten may be taken back
        reply = self._gets(not isinstance(head, Undecoded))
        if type(reply) is _PUSH:
            return self._decoded(reply)
        if not isinstance(head, Undecoded) or head.kept is None:
            return reply
        if type(reply) is not list:
            return self._decoded(reply)
        return [part if at in head.kept else self._decoded(part) for at, part in enumerate(reply)]

    def _decoded(self, value: Any) -> Any:
        """Decode what was read as bytes, as the parser would have. Used only if there is an encoding."""
        return decoded(value, self._encoding or "", self._errors)

    def _pop_written(self) -> Entry:
        """Return the oldest entry, which must have been written: nothing else can be answered."""
        if len(self.queue) <= self.unwritten:
            raise IndexError
        return self.queue.popleft()

    def _pushed(self, push: list[Any]) -> None:
        if self.queue and push and isinstance(push[0], bytes | str) and push[0] in _CONFIRMATIONS:
            head = self.queue[0]
            self.confirmed = head._entry if isinstance(head, Weighed) else head
        if self._on_push is not None:
            self._on_push(push)

    def _checked(self, reply: Any) -> Any:
        """Return the reply, or a DecodeError in its place. Called when this or another wire met an undecodable byte.

        In the reply to the EXEC of a run, the DecodeError replaces only the elements that cannot be decoded: the others
        are the replies to commands that have run, and nobody could ask for them again.
        """
        if type(reply) is list and self.queue and answers_exec(self.queue[0]):
            return [self._text_or_error(part) for part in reply]
        return self._text_or_error(reply)

    def _text_or_error(self, reply: Any) -> Any:
        wrong = what_is_wrong(reply)
        if wrong is None:
            return reply
        return DecodeError(f"{wrong} is not {self._encoding} (elements count from 0); encoding=None returns bytes")

    def _broken(self, error: Exception) -> ProtocolError:
        """Make the error for bytes that the parser cannot read; they end the connection.

        The oldest command, whose reply that was, gets a ProtocolError of its own, which is never retried; the others
        get a lost connection (R-24). It may have been a push, but hiredis does not show that.
        """
        if isinstance(error, UnicodeError):  # raised by the user's own error handler
            message = f"the reply cannot be decoded: {error}"
        elif isinstance(error, TypeError):
            message = "the reply holds a map with a key that Python cannot hash"
        else:
            message = f"the reply is not RESP: {error}"
        self._blame = ProtocolError(message, address=self._address)
        return ProtocolError(message)

    # The end -------------------------------------------------------------------------------------

    def fail(self, unwritten: Callable[[], Exception], written: Callable[[], Exception]) -> None:
        """Complete every entry with an error made by ``unwritten``, or by ``written`` if its command was written.

        The oldest one gets a ProtocolError instead if its reply could not be parsed.

        If a thread is interrupted here, another call continues with the rest. So an entry stays in the queue, and
        unwritten commands stay in ``out``, until the caller has its error.
        """
        queue = self.queue
        while queue:
            entry = queue[0]
            make = written if len(queue) > self.unwritten else unwritten
            claim, replies = claim_of(entry)
            count = 0
            if claim is not None and claim is not self._failed:  # of a run's many entries only the first does this
                if make is unwritten and entry.done():
                    count = getattr(entry, "count", 1)  # given up, and never written
                error = self._blame if self._blame is not None and make is written else make()
                if replies and isinstance(error, TransportError):
                    error.last_words = replies[-1] if isinstance(replies[-1], ServerError) else None
                    error.answered = len(replies)
                try:
                    claim.set_result(error)
                except self._abandoned:
                    pass
            self._failed = claim
            self._blame = None
            self.taken_back += count
            queue.popleft()
        self.out.clear()
        self._extra = 0
        self.withdrawn = 0
        self.heavy_bytes = self.blobs = 0
        self._failed = None
        # Free the parser: half a reply may be large, and this object lives on because its counts are still read.
        self.feed = self._gets = _drop
        self._reader = self._screen = self._received = None


def _drop(_: object = None) -> Any:
    """Ignore bytes for a connection that has ended; there is no reply in them."""
    return _NOTHING
