"""The wire against a model that knows only the order of commands and replies, and which callers gave up.

The model plays both ends: callers that submit and give up, a shell that writes, and a server that answers in order, in
pieces of any size, with pushes in between.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.replies import KINDS, Said, escaped, push, reply
from respool._protocol.wire import SMALL_BYTES, UNANSWERED, Wire
from respool.errors import ConnectionLost, DecodeError, ProtocolError

PICK = st.integers(min_value=0, max_value=10_000)


class GaveUpError(Exception):
    """Nobody waits for this reply."""


@dataclass(eq=False)
class Caller:
    """A caller that waits for the replies to one submission."""

    count: int = 1  # replies
    is_list: bool = False
    hidden: int = 0
    size: int = 0
    has_given_up: bool = False
    blobs: frozenset[int] = frozenset()  # the replies that stay bytes
    answers: list[Any] = field(default_factory=list)  # the results received; never more than one
    said: list[Any] = field(default_factory=list)  # the server's replies so far

    def set_result(self, value: Any) -> None:
        if self.has_given_up:
            raise GaveUpError
        assert not self.answers, "answered twice"
        self.answers.append(value)

    def done(self) -> bool:
        return self.has_given_up

    def expects(self) -> Any:
        return self.said if self.is_list else self.said[0]


@dataclass(eq=False)
class Frame:
    """A frame from the server: the caller it answers (None: nobody, or it is a push), and where its bytes end."""

    said: Said
    end: int
    caller: Caller | None
    is_push: bool = False
    is_refusal: bool = False


class WireMachine(RuleBasedStateMachine):
    @initialize(encoding=st.sampled_from([None, "utf-8"]))
    def connect(self, encoding: str | None) -> None:
        self.encoding = encoding
        self.number = 0
        self.begin()

    def begin(self) -> None:
        self.pushes: list[Any] = []
        self.wire = Wire(encoding=self.encoding, abandoned=GaveUpError, on_push=self.pushes.append)
        self.unwritten: list[tuple[bytes, Caller]] = []
        self.asked: deque[Caller] = deque()  # written, but not completely answered by the server
        self.owed: deque[Caller | None] = deque()  # one for each pending reply to a written command
        self.frames: deque[Frame] = deque()
        self.stream = b""
        self.fed = 0
        self.callers: list[Caller] = []
        self.dropped = self.taken_back = 0
        self.expected_pushes: list[Any] = []

    def tag(self) -> int:
        self.number += 1
        return self.number

    # Submitting ----------------------------------------------------------------------------------------

    def data(self, size: int) -> bytes:
        return (b"<%d>" % self.tag()).ljust(size, b".")

    def note(self, data: bytes, caller: Caller) -> None:
        caller.size = len(data) if len(data) > SMALL_BYTES else 0
        self.unwritten.append((data, caller))
        self.callers.append(caller)

    @rule(size=st.sampled_from([5, 5, SMALL_BYTES, SMALL_BYTES + 1, 5000]), blobs=st.sampled_from([(), (), (0,)]))
    def submit(self, size: int, blobs: tuple[int, ...]) -> None:
        data, caller = self.data(size), Caller(blobs=frozenset(blobs))
        self.wire.submit(data, caller, dict.fromkeys(blobs))
        self.note(data, caller)

    @rule(count=st.integers(1, 4), size=st.sampled_from([9, 3000]), blobs=st.frozensets(st.integers(0, 3)))
    def submit_many(self, count: int, size: int, blobs: frozenset[int]) -> None:
        blobs = frozenset(at for at in blobs if at < count)
        data, caller = self.data(size), Caller(count, is_list=True, blobs=blobs)
        self.wire.submit_many(data, count, caller, None, dict.fromkeys(blobs))
        self.note(data, caller)

    @rule(hidden=st.integers(0, 3), size=st.sampled_from([9, 3000]))
    def submit_guarded(self, hidden: int, size: int) -> None:
        data, caller = self.data(size), Caller(hidden=hidden)
        self.wire.submit_guarded(data, hidden, caller)
        self.note(data, caller)

    @precondition(lambda self: any(not c.has_given_up and not c.answers for c in self.callers))
    @rule(pick=PICK)
    def give_up(self, pick: int) -> None:
        waiting = [caller for caller in self.callers if not caller.has_given_up and not caller.answers]
        waiting[pick % len(waiting)].has_given_up = True
        self.wire.withdrawn += 1

    @rule()
    def write(self) -> None:
        wanted = b"".join(data for data, caller in self.unwritten if not caller.has_given_up)
        written = self.wire.take()
        assert written == wanted, "what is written is what was asked, in order, without what was taken back (R-19)"
        assert self.wire.take() == b"", "nothing is written twice"
        for _, caller in self.unwritten:
            if caller.has_given_up:
                self.taken_back += caller.count
                self.callers.remove(caller)
            else:
                self.asked.append(caller)
                self.owed.extend([caller] * caller.count)
        self.unwritten.clear()

    # Answering -----------------------------------------------------------------------------------------

    def say(self, said: Said, caller: Caller | None, **more: bool) -> None:
        self.stream += said.data
        self.frames.append(Frame(said, len(self.stream), caller, **more))

    @precondition(lambda self: self.asked)
    @rule(kinds=st.lists(st.integers(0, KINDS - 1), min_size=4, max_size=4))
    def answer(self, kinds: list[int]) -> None:
        """Let the server run the oldest command it has received."""
        caller = self.asked.popleft()
        for kind in kinds[: caller.count]:
            said = reply(kind, self.tag())
            self.say(said, caller, is_refusal=said.is_error)
            if said.is_error:
                for _ in range(caller.hidden):
                    self.say(reply(kinds[-1], self.tag()), None)

    @precondition(lambda self: self.asked and self.asked[0].hidden)
    @rule()
    def confirm(self) -> None:
        """Let the server accept a SUBSCRIBE, with a push, and refuse the PING after it."""
        caller, number = self.asked.popleft(), self.tag()
        self.say(Said(b">2\r\n+subscribe\r\n:%d\r\n" % number, [b"subscribe", number]), None, is_push=True)
        self.say(Said(b"-NOPERM no %d\r\n" % number, None), caller)

    @rule(kind=st.integers(0, 2))
    def push(self, kind: int) -> None:
        self.say(push(kind, self.tag()), None, is_push=True)

    @precondition(lambda self: self.fed < len(self.stream))
    @rule(
        size=st.one_of(st.integers(1, 12), st.integers(1, 400), st.integers(1000, 9000), st.just(10**9)),
        shortly=st.booleans(),
    )
    def feed(self, size: int, shortly: bool = False) -> None:
        piece = self.stream[self.fed : self.fed + size]
        self.fed += len(piece)
        self.read(piece, shortly=shortly)
        while self.frames and self.frames[0].end <= self.fed:
            self.arrived(self.frames.popleft())

    def read(self, piece: bytes, *, shortly: bool) -> None:
        """Let the wire read bytes, in the short way if wanted and there is just one caller for it."""
        if not shortly or not self.is_alone():
            self.wire.feed(piece)
            return
        (caller,) = self.callers
        value = self.wire.answer(piece)
        if value is not UNANSWERED:
            caller.set_result(value)

    def is_alone(self) -> bool:
        if len(self.owed) != 1 or self.unwritten:
            return False
        (caller,) = self.owed
        if caller is None or caller.has_given_up or caller.is_list or caller.hidden or caller.size:
            return False
        return not (caller.blobs and self.encoding)

    @precondition(lambda self: self.is_alone())
    @rule(kind=st.integers(0, KINDS - 1), cuts=st.lists(st.integers(1, 30), max_size=3), pushes=st.integers(0, 3))
    def answer_the_only_one(self, kind: int, cuts: list[int], pushes: int) -> None:
        """Let the server answer the only caller, perhaps with a push before or behind its reply."""
        if self.asked:
            if pushes & 1:
                self.push(kind % 3)
            self.answer([kind])
            if pushes & 2:
                self.push(kind % 3)
        for size in [*cuts, 10**9]:
            if self.fed < len(self.stream):
                self.feed(size, shortly=True)

    def arrived(self, frame: Frame) -> None:
        if frame.is_push:
            said = frame.said.value
            self.expected_pushes.append(said if self.encoding is None else escaped(said))
            return
        caller = self.owed.popleft()
        assert caller is frame.caller
        if caller is None:
            return
        if frame.is_refusal:
            self.owed.extendleft([None] * caller.hidden)
        is_blob = len(caller.said) in caller.blobs
        caller.said.append(frame.said.seen_with(None if is_blob else self.encoding))
        if len(caller.said) < caller.count:
            return
        self.callers.remove(caller)
        if caller.has_given_up:
            self.dropped += caller.count
            assert not caller.answers
        else:
            assert len(caller.answers) == 1, "a reply arrived, and its caller has nothing"
            assert is_same(caller.answers[0], caller.expects()), "somebody else's reply (R-18)"

    # Ends ----------------------------------------------------------------------------------------------

    @rule()
    def end(self) -> None:
        self.fail_all(None)

    def fail_all(self, culprit: Caller | None) -> None:
        """End the connection. ``culprit``: the caller whose reply could not be parsed."""
        wire = self.wire
        wire.fail(lambda: ConnectionLost("before", executed="no"), lambda: ConnectionLost("after", executed="unknown"))
        unwritten = [caller for _, caller in self.unwritten]
        seen: set[int] = set()
        for caller in self.callers:
            if caller.has_given_up:
                assert not caller.answers
                continue
            assert len(caller.answers) == 1, "the connection ended, and a caller was not told"
            (error,) = caller.answers
            assert type(error) is (ProtocolError if caller is culprit else ConnectionLost)
            assert error.executed == ("no" if caller in unwritten else "unknown")
            assert id(error) not in seen, "every caller gets an error of its own"
            seen.add(id(error))
        assert (wire.owes, wire.unwritten, wire.heavy_bytes, wire.blobs, wire.withdrawn) == (0, 0, 0, 0, 0)
        assert wire.take() == b"", "what failed is not written later"
        self.begin()

    def feed_all(self) -> None:
        if self.fed < len(self.stream):
            self.feed(10**9)

    @precondition(lambda self: self.is_alone() and self.asked)
    @rule(kind=st.integers(0, KINDS - 1))
    def surplus_behind_a_reply(self, kind: int) -> None:
        """Send two replies at once to the only caller."""
        self.feed_all()
        if not self.asked:
            return
        caller = self.asked[0]
        self.answer([kind])
        self.fed = len(self.stream)
        with pytest.raises(ProtocolError, match="nobody asked for"):
            self.wire.answer(self.frames[0].said.data + reply(kind, self.tag()).data)
        assert len(caller.answers) == 1, "it has its reply, and the connection ends"
        self.arrived(self.frames.popleft())
        self.end()

    @precondition(lambda self: not self.asked)
    @rule(kind=st.integers(0, KINDS - 1))
    def surplus(self, kind: int) -> None:
        """Send a reply that nobody asked for, perhaps while commands wait to be written."""
        self.feed_all()
        assert not self.owed
        with pytest.raises(ProtocolError, match="nobody asked for"):
            self.wire.feed(reply(kind, self.tag()).data)
        self.end()

    @rule(garbage=st.sampled_from([b"@", b"x\r\n", b"$abc\r\n", b"*-2\r\n", b"|x\r\n", b"!?\r\n", b":\r\n", b"_x\r\n"]), shortly=st.booleans())
    def garbage(self, garbage: bytes, shortly: bool) -> None:
        self.feed_all()
        with pytest.raises(ProtocolError, match="not RESP"):
            self.read(garbage, shortly=shortly)
        self.fail_all(self.owed[0] if self.owed else None)

    @precondition(lambda self: self.asked)
    @rule(shortly=st.booleans())
    def a_key_that_cannot_be(self, shortly: bool) -> None:
        """Send a map whose key is an array: the parser then loses its place."""
        self.feed_all()
        with pytest.raises(ProtocolError, match="cannot hash"):
            self.read(b"%1\r\n*1\r\n:1\r\n:2\r\n", shortly=shortly)
        self.fail_all(self.owed[0])

    # What always holds ---------------------------------------------------------------------------------

    @invariant()
    def the_counts_are_exact(self) -> None:
        if not hasattr(self, "wire"):
            return
        wire = self.wire
        unwritten = sum(caller.count for _, caller in self.unwritten)
        assert wire.unwritten == unwritten
        assert wire.owes == len(self.owed) + unwritten
        assert wire.heavy_bytes == sum(caller.size for caller in self.callers)
        expected = sum(len([at for at in caller.blobs if at >= len(caller.said)]) for caller in self.callers)
        assert wire.blobs == (0 if self.encoding is None else expected)
        assert wire.dropped == self.dropped
        assert wire.taken_back == self.taken_back
        assert self.pushes == self.expected_pushes

    @invariant()
    def nobody_is_answered_before_time(self) -> None:
        if hasattr(self, "wire"):
            assert not any(caller.answers for caller in self.callers)


def is_same(value: Any, expected: Any) -> bool:
    if expected is DecodeError:
        return isinstance(value, DecodeError)
    if isinstance(expected, list) and isinstance(value, list):
        return len(value) == len(expected) and all(map(is_same, value, expected))
    return bool(expected == value) and isinstance(value, bool) == isinstance(expected, bool)


TestWire = WireMachine.TestCase
