"""Replies that stay bytes on a connection with an encoding, between others that are decoded."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from protocol.test_wire import Caller, GaveUpError, make, no, unknown
from respool._protocol.decoding import STRICT, decoded
from respool._protocol.run import ATOMIC, MULTI, ONE_BLOB, Run
from respool._protocol.wire import SMALL_BYTES, Wire
from respool.errors import ConnectionLost, DecodeError, ProtocolError, ServerError

UMLAUT = "ä".encode()
#: A frame, its value as bytes and its value as text; None instead of text: not decodable.
FRAMES: list[tuple[bytes, Any, Any]] = [
    (b"$2\r\n\xc3\xa4\r\n", UMLAUT, "ä"),
    (b"+OK\r\n", b"OK", "OK"),
    (b":7\r\n", 7, 7),
    (b"*3\r\n$1\r\na\r\n*1\r\n$2\r\n\xc3\xa4\r\n_\r\n", [b"a", [UMLAUT], None], ["a", ["ä"], None]),
    (b"%1\r\n$1\r\nk\r\n*1\r\n$1\r\nv\r\n", {b"k": [b"v"]}, {"k": ["v"]}),
    (b"$2\r\n\xff\x00\r\n", b"\xff\x00", None),
    (b"*2\r\n$1\r\n\xff\r\n$1\r\na\r\n", [b"\xff", b"a"], None),
    (b"=5\r\ntxt:x\r\n", b"x", "x"),
    (b"#f\r\n", False, False),
]
PUSH = b">3\r\n+message\r\n$2\r\n\xc3\xa4\r\n*1\r\n$1\r\n\xff\r\n"
PUSHED = ["message", "ä", ["\udcff"]]


def feed(wire: Wire, stream: bytes, *cuts: int) -> None:
    for begin, end in zip((0, *cuts), (*cuts, len(stream)), strict=True):
        wire.feed(stream[begin:end])


def same(answer: Any, expected: Any) -> bool:
    return isinstance(answer, DecodeError) if expected is None else (answer == expected)


class TestCuts:
    @pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: repr(frame[0])[2:12])
    def test_a_frame_is_read_in_one_way_wherever_it_is_cut(self, frame: tuple[bytes, Any, Any]) -> None:
        data, as_bytes, as_text = frame
        for wishes in (True, False), (False, True), (True, True):
            stream = (PUSH + data) * 2 + PUSH
            for cut in range(len(stream) + 1):
                pushes: list[Any] = []
                wire = make(encoding="utf-8", on_push=pushes.append)
                callers = Caller(), Caller()
                for caller, is_blob in zip(callers, wishes, strict=True):
                    wire.submit(b"x", caller, ONE_BLOB if is_blob else {})
                wire.take()
                feed(wire, stream, cut)
                for caller, is_blob in zip(callers, wishes, strict=True):
                    assert same(caller.answer, as_bytes if is_blob else as_text), (wishes, cut)
                assert pushes == [PUSHED] * 3
                assert wire.blobs == 0

    def test_a_stream_may_come_byte_by_byte(self) -> None:
        pushes: list[Any] = []
        wire = make(encoding="utf-8", on_push=pushes.append)
        callers = [Caller() for _ in range(2 * len(FRAMES))]
        for at, caller in enumerate(callers):
            wire.submit(b"x", caller, ONE_BLOB if at % 2 else {})
        wire.take()
        stream = b"".join((data + PUSH) * 2 for data, _, _ in FRAMES)
        feed(wire, stream, *range(1, len(stream)))
        for at, (_, as_bytes, as_text) in enumerate(FRAMES):
            assert same(callers[2 * at].answer, as_text)
            assert same(callers[2 * at + 1].answer, as_bytes)
        assert pushes == [PUSHED] * len(callers)

    @pytest.mark.parametrize("cut", range(1, len(PUSH)))
    def test_a_push_that_begins_before_the_command_is_whole_text(self, cut: int) -> None:
        """Its first part is read while nobody wants bytes, its second part while the oldest command does."""
        pushes: list[Any] = []
        wire = make(encoding="utf-8", on_push=pushes.append)
        wire.feed(PUSH[:cut])
        caller = Caller()
        wire.submit(b"x", caller, ONE_BLOB)
        wire.take()
        wire.feed(PUSH[cut:] + b"$1\r\n\xff\r\n")
        assert (pushes, caller.answer) == ([PUSHED], b"\xff")

    @pytest.mark.parametrize("cut", range(1, len(PUSH)))
    def test_a_push_is_whole_text_where_the_command_is_taken_back_meanwhile(self, cut: int) -> None:
        pushes: list[Any] = []
        wire = make(encoding="utf-8", on_push=pushes.append)
        caller = Caller()
        wire.submit(b"x", caller, ONE_BLOB)
        wire.feed(PUSH[:cut])
        caller.has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b""
        wire.feed(PUSH[cut:])
        assert (pushes, wire.blobs, wire.taken_back) == ([PUSHED], 0, 1)


class TestRuns:
    def test_each_reply_of_a_run_is_read_as_its_command_wants(self) -> None:
        wire, caller, after = make(encoding="utf-8"), Caller(), Caller()
        wire.submit_many(b"abcd", 4, caller, None, {1: None, 3: None})
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b"$1\r\na\r\n" * 5)
        assert (caller.answer, after.answer) == (["a", b"a", "a", b"a"], "a")

    @pytest.mark.parametrize("size", [4, SMALL_BYTES + 1])
    def test_a_run_that_is_taken_back_is_not_counted(self, size: int) -> None:
        wire, caller, after = make(encoding="utf-8"), Caller(), Caller()
        wire.submit_many(b"abcd".ljust(size), 4, caller, None, {1: None, 3: None})
        wire.submit(b"x", after, ONE_BLOB)
        assert wire.blobs == 3
        caller.has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b"x"
        assert (wire.blobs, wire.heavy_bytes, wire.taken_back) == (1, 0, 4)
        wire.feed(b"$1\r\n\xff\r\n")
        assert (after.answer, wire.blobs) == (b"\xff", 0)

    def test_a_reply_that_nobody_waits_for_is_counted_and_dropped(self) -> None:
        wire, caller, run, after = make(encoding="utf-8"), Caller(), Caller(), Caller()
        wire.submit(b"x", caller, ONE_BLOB)
        wire.submit_many(b"ab", 2, run, None, {1: None})
        wire.submit(b"y", after)
        wire.take()
        caller.has_given_up = run.has_given_up = True
        wire.feed(b"$1\r\n\xff\r\n$1\r\na\r\n$1\r\n\xff\r\n$1\r\na\r\n")
        assert (wire.dropped, wire.blobs, after.answer) == (3, 0, "a")

    def test_an_end_tells_every_caller(self) -> None:
        wire, caller, run = make(encoding="utf-8"), Caller(), Caller()
        wire.submit(b"x" * 2000, caller, ONE_BLOB)
        wire.submit_many(b"ab", 2, run, None, {0: None, 1: None})
        wire.take()
        wire.fail(no, unknown)
        assert isinstance(caller.answer, ConnectionLost)
        assert isinstance(run.answer, ConnectionLost)
        assert (wire.blobs, wire.heavy_bytes) == (0, 0)

    def test_an_error_is_an_error(self) -> None:
        wire, caller = make(encoding="utf-8"), Caller()
        wire.submit(b"x", caller, ONE_BLOB)
        wire.take()
        wire.feed(b"-ERR \xc3\xa4\r\n")
        assert isinstance(caller.answer, ServerError)
        assert caller.answer.message == "ä"

    def test_without_an_encoding_nothing_is_counted(self) -> None:
        wire, caller, run = make(), Caller(), Caller()
        wire.submit(b"x", caller, ONE_BLOB)
        wire.submit_many(b"ab", 2, run, None, {0: None})
        assert wire.blobs == 0
        wire.take()
        wire.feed(b"$1\r\na\r\n" * 3)
        assert (caller.answer, run.answer) == (b"a", [b"a", b"a"])


class TestTransactions:
    HEAD = b"+OK\r\n" + b"+QUEUED\r\n" * 3

    def ask(self, outcome: bytes, kept: frozenset[int] | None = frozenset((1,)), **options: Any) -> Any:
        stream = self.HEAD + outcome
        answers = []
        for cut in range(1, len(stream)):
            wire, caller = make(**{"encoding": "utf-8", **options}), Caller()
            wire.submit_many(b"x", 5, caller, ATOMIC, {4: kept})
            wire.take()
            feed(wire, stream, cut)
            answers.append(caller.answer[-1])
        return answers

    def test_only_the_blob_among_the_results_stays_bytes(self) -> None:
        for answer in self.ask(b"*3\r\n$2\r\n\xc3\xa4\r\n*2\r\n$1\r\n\xff\r\n+a\r\n%1\r\n+k\r\n$1\r\nv\r\n"):
            assert answer == ["ä", [b"\xff", b"a"], {"k": "v"}]

    def test_all_of_them_stay_bytes_if_all_shall(self) -> None:
        assert self.ask(b"*3\r\n$1\r\n\xff\r\n+a\r\n:1\r\n", None)[0] == [b"\xff", b"a", 1]

    def test_a_neighbour_that_cannot_be_decoded_is_found(self) -> None:
        for answer in self.ask(b"*3\r\n+a\r\n$1\r\n\xff\r\n*1\r\n$2\r\nb\xfe\r\n"):
            assert answer[:2] == ["a", b"\xff"]
            assert isinstance(answer[2], DecodeError)
            assert str(answer[2]).startswith("byte 0xfe behind 1 characters of element 0 of the reply")

    def test_neighbours_are_decoded_with_the_error_handler_of_the_connection(self) -> None:
        for answer in self.ask(b"*3\r\n$1\r\n\xfe\r\n$1\r\n\xff\r\n+a\r\n", errors="replace"):
            assert answer == ["\ufffd", b"\xff", "a"]

    @pytest.mark.parametrize(("outcome", "value"), [(b"_\r\n", None), (b"*-1\r\n", None)])
    def test_an_aborted_transaction_has_no_elements(self, outcome: bytes, value: Any) -> None:
        assert set(self.ask(outcome)) == {value}

    def test_an_answer_that_is_no_list_is_decoded(self) -> None:
        wire, caller = make(encoding="utf-8"), Caller()
        wire.submit_many(b"x", 5, caller, ATOMIC, {4: frozenset((1,))})
        wire.take()
        with pytest.raises(ProtocolError, match="may still be in a transaction"):
            wire.feed(self.HEAD + b"+QUEUED\r\n")
        assert caller.answer[-1] == "QUEUED"

    def test_a_run_knows_which_of_its_replies_are_blobs(self) -> None:
        mixed = [("GET", "k"), ("DUMP", "k"), ("PING",), ("DUMP", "m")]
        assert Run(mixed).blobs == {1: None, 3: None}
        assert Run(mixed, atomic=True).blobs == {5: frozenset((1, 3))}
        assert Run(mixed, atomic=True).args[0] is MULTI
        assert Run([("DUMP", "k")] * 2, atomic=True).blobs == {3: None}
        assert Run([("GET", "k")], atomic=True).blobs == {}
        assert Run([("BLPOP", "k", 1)]).blobs == {}


class TestHandlers:
    def test_a_handler_that_raises_ends_the_connection(self) -> None:
        def handler(error: UnicodeError) -> Any:
            raise error

        codecs.register_error("respool-test-raises", handler)
        wire, caller, after = make(encoding="utf-8", errors="respool-test-raises"), Caller(), Caller()
        wire.submit_many(b"x", 4, caller, ATOMIC, {3: frozenset((0,))})
        wire.submit(b"x", after, ONE_BLOB)
        wire.take()
        with pytest.raises(ProtocolError, match="cannot be decoded"):
            wire.feed(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n\xff\r\n$1\r\n\xff\r\n")
        wire.fail(no, unknown)
        assert isinstance(caller.answer, ProtocolError)
        assert isinstance(after.answer, ConnectionLost)

    def test_decoding_afterwards_gives_what_the_parser_gives(self) -> None:
        for data, as_bytes, as_text in FRAMES:
            for errors in ("replace", "ignore", "surrogateescape", "backslashreplace"):
                wire, caller = make(encoding="utf-8", errors=errors), Caller()
                wire.submit(b"x", caller)
                wire.take()
                wire.feed(data)
                own, plain = Caller(), make()
                plain.submit(b"x", own)
                plain.take()
                plain.feed(data)
                assert own.answer == as_bytes
                assert decoded(own.answer, "utf-8", errors) == caller.answer
            if as_text is not None:
                assert caller.answer == as_text

    def test_what_is_decoded_already_stays(self) -> None:
        assert decoded(["ä", UMLAUT, 1, None, {b"k": "v"}], "utf-8", STRICT) == ["ä", "ä", 1, None, {"k": "v"}]


def test_a_reply_without_a_command_is_refused_while_bytes_are_wanted() -> None:
    wire = make(encoding="utf-8", abandoned=GaveUpError)
    wire.submit(b"x", Caller(), ONE_BLOB)
    with pytest.raises(ProtocolError, match="nobody asked for"):
        wire.feed(b"+a\r\n")
