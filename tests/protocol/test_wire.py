"""The rules of the wire, one by one."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from typing import Any

import pytest

from answers import PUSH
from respool._protocol import wire as wire_module
from respool._protocol.frames import LIMIT_BYTES
from respool._protocol.packing import LARGE_BYTES, check_piece, make_packer, minding_large, pack_again, pack_many
from respool._protocol.run import ATOMIC, ATOMIC_ASKED
from respool._protocol.wire import SMALL_BYTES, UNANSWERED, Wire
from respool.errors import (
    ConnectionLost,
    DecodeError,
    ProtocolError,
    ServerError,
    UsageTypeError,
    UsageValueError,
    WrongType,
)


class GaveUpError(Exception):
    """Nobody waits for this reply."""


class Caller:
    """A caller that waits until it gives up."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.has_given_up = False

    def set_result(self, value: Any) -> None:
        if self.has_given_up:
            raise GaveUpError
        self.answers.append(value)

    def done(self) -> bool:
        return self.has_given_up

    @property
    def answer(self) -> Any:
        (answer,) = self.answers
        return answer


def make(**options: Any) -> Wire:
    return Wire(**{"abandoned": GaveUpError, **options})


def ask(wire: Wire, count: int = 1, *, written: bool = True) -> list[Caller]:
    callers = [Caller() for _ in range(count)]
    for number, caller in enumerate(callers):
        wire.submit(b"<%d>" % number, caller)
    if written:
        wire.take()
    return callers


def no() -> Exception:
    return ConnectionLost("before", executed="no")


def unknown() -> Exception:
    return ConnectionLost("after", executed="unknown")


class TestOrder:
    def test_reply_k_completes_command_k(self) -> None:
        wire = make()
        callers = ask(wire, 3)
        wire.feed(b":0\r\n:1\r\n:2\r\n")
        assert [caller.answer for caller in callers] == [0, 1, 2]
        assert wire.owes == 0

    def test_commands_queued_together_are_one_write(self) -> None:
        wire = make()
        ask(wire, 3, written=False)
        assert (wire.owes, wire.unwritten) == (3, 3)
        assert wire.take() == b"<0><1><2>"
        assert (wire.owes, wire.unwritten) == (3, 0)
        assert wire.take() == b""

    def test_replies_can_come_one_byte_at_a_time(self) -> None:
        wire = make()
        first, second = ask(wire, 2)
        for byte in b"$3\r\nabc\r\n*2\r\n:1\r\n:2\r\n":
            wire.feed(bytes([byte]))
        assert (first.answer, second.answer) == (b"abc", [1, 2])

    def test_false_and_null_are_replies(self) -> None:
        wire = make()
        callers = ask(wire, 4)
        wire.feed(b"#f\r\n_\r\n$-1\r\n*-1\r\n")
        assert [caller.answer for caller in callers] == [False, None, None, None]

    def test_an_error_reply_is_a_value_of_its_own_type(self) -> None:
        wire = make()
        wrong, fine = ask(wire, 2)
        wire.feed(b"-WRONGTYPE Operation against a key\r\n+OK\r\n")
        assert isinstance(wrong.answer, WrongType)
        assert (wrong.answer.code, wrong.answer.message) == ("WRONGTYPE", "Operation against a key")
        assert fine.answer == b"OK"

    def test_errors_inside_a_reply_are_values_too(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b"*2\r\n-ERR one\r\n:2\r\n")
        error, two = caller.answer
        assert isinstance(error, ServerError)
        assert two == 2


class TestRuns:
    def test_a_run_is_answered_with_the_list_of_its_replies(self) -> None:
        wire = make()
        caller = Caller()
        wire.submit_many(b"abc", 3, caller)
        assert (wire.owes, wire.unwritten) == (3, 3)
        assert wire.take() == b"abc"
        wire.feed(b":1\r\n-ERR x\r\n")
        assert caller.answers == []
        wire.feed(b":3\r\n")
        one, error, three = caller.answer
        assert (one, three) == (1, 3)
        assert isinstance(error, ServerError)

    def test_a_run_between_single_commands_keeps_its_place(self) -> None:
        wire = make()
        first, run, last = Caller(), Caller(), Caller()
        wire.submit(b"a", first)
        wire.submit_many(b"bc", 2, run)
        wire.submit(b"d", last)
        wire.take()
        wire.feed(b":1\r\n:2\r\n:3\r\n:4\r\n")
        assert (first.answer, run.answer, last.answer) == (1, [2, 3], 4)

    def test_a_guarded_run_has_one_reply(self) -> None:
        wire = make()
        guarded, after = Caller(), Caller()
        wire.submit_guarded(b"off get on", 2, guarded)
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b"+OK\r\n:7\r\n")
        assert (guarded.answer, after.answer) == (b"OK", 7)

    def test_a_guarded_run_that_is_refused_keeps_its_other_replies_from_the_neighbours(self) -> None:
        wire = make()
        guarded, after = Caller(), Caller()
        wire.submit_guarded(b"off get on", 2, guarded)
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b"-NOPERM no\r\n")
        assert isinstance(guarded.answer, ServerError)
        assert wire.owes == 3
        wire.feed(b"$6\r\nsecret\r\n-NOPERM no\r\n:7\r\n")
        assert after.answer == 7
        assert (wire.owes, wire.dropped, wire.revealed) == (0, 0, 2)

    @pytest.mark.parametrize("encoding", [None, "utf-8"])
    @pytest.mark.parametrize("size", [9, 5000])
    def test_behind_a_subscribe_that_was_accepted_a_refused_ping_hides_no_reply(
        self, size: int, encoding: str | None
    ) -> None:
        """An ACL may allow SUBSCRIBE but not PING, and so does a server that is loading."""
        wire = make(encoding=encoding)
        before, guarded, after = Caller(), Caller(), Caller()
        wire.submit(b"x", before)
        wire.submit_guarded(b"subscribe ping".ljust(size), 1, guarded)
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b":1\r\n>3\r\n+subscribe\r\n+c\r\n:1\r\n>3\r\n+message\r\n+c\r\n+hi\r\n")
        wire.feed(b"-LOADING not yet\r\n:2\r\n")
        assert (before.answer, guarded.answer, after.answer) == (1, None, 2)
        assert wire.owes == 0

    def test_a_message_in_between_does_not_confirm_a_subscribe(self) -> None:
        wire = make()
        guarded, after = Caller(), Caller()
        wire.submit_guarded(b"subscribe ping", 1, guarded)
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b">3\r\n+message\r\n+c\r\n+hi\r\n>1\r\n*0\r\n>0\r\n-NOPERM no\r\n+PONG\r\n:2\r\n")
        assert isinstance(guarded.answer, ServerError)
        assert after.answer == 2

    def test_a_confirmation_counts_for_its_own_subscribe_only(self) -> None:
        wire = make()
        first, second, after = Caller(), Caller(), Caller()
        wire.submit_guarded(b"subscribe ping", 1, first)
        wire.submit_guarded(b"subscribe ping", 1, second)
        wire.submit(b"x", after)
        wire.take()
        wire.feed(b">3\r\n+subscribe\r\n+c\r\n:1\r\n+PONG\r\n-NOPERM no\r\n+PONG\r\n:2\r\n")
        assert first.answer == b"PONG"
        assert isinstance(second.answer, ServerError)
        assert after.answer == 2

    def test_a_guarded_run_needs_nobody_who_waits(self) -> None:
        wire = make()
        wire.submit_guarded(b"off get on", 2, None)
        wire.withdrawn += 1
        assert wire.take() == b"off get on"
        wire.feed(b"-NOPERM no\r\n:1\r\n:2\r\n")
        assert wire.owes == 0
        wire.submit_guarded(b"off get on", 2, None)
        wire.fail(no, unknown)
        assert wire.owes == 0


class TestGivingUp:
    def test_what_was_not_written_is_taken_back(self) -> None:
        wire = make()
        callers = ask(wire, 3, written=False)
        callers[1].has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b"<0><2>"
        assert (wire.owes, wire.taken_back, wire.withdrawn) == (2, 1, 0)
        wire.feed(b":0\r\n:2\r\n")
        assert (callers[0].answer, callers[1].answers, callers[2].answer) == (0, [], 2)

    def test_what_was_written_stays_and_its_reply_is_dropped(self) -> None:
        wire = make()
        callers = ask(wire, 3)
        callers[1].has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b""
        assert (wire.owes, wire.taken_back) == (3, 0)
        wire.feed(b":0\r\n:1\r\n:2\r\n")
        assert (callers[0].answer, callers[1].answers, callers[2].answer) == (0, [], 2)
        assert wire.dropped == 1

    def test_written_and_unwritten_ones_are_told_apart(self) -> None:
        wire = make()
        old = ask(wire, 2)
        new = ask(wire, 2, written=False)
        for caller in (old[0], new[0]):
            caller.has_given_up = True
            wire.withdrawn += 1
        assert wire.take() == b"<1>"
        assert (wire.owes, wire.unwritten, wire.taken_back) == (3, 0, 1)
        wire.feed(b":0\r\n:1\r\n:2\r\n")
        assert (old[1].answer, new[1].answer) == (1, 2)

    def test_runs_are_taken_back_whole_and_counted_by_command(self) -> None:
        wire = make()
        first, run, last = Caller(), Caller(), Caller()
        wire.submit(b"a", first)
        wire.submit_many(b"bcd", 3, run)
        wire.submit(b"e", last)
        run.has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b"ae"
        assert (wire.owes, wire.taken_back) == (2, 3)

    def test_a_run_that_is_kept_keeps_its_place_when_others_are_taken_back(self) -> None:
        wire = make()
        first, run, last = Caller(), Caller(), Caller()
        wire.submit(b"a", first)
        wire.submit_many(b"bcd", 3, run)
        wire.submit(b"e", last)
        first.has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b"bcde"
        wire.feed(b":2\r\n:3\r\n:4\r\n:5\r\n")
        assert (run.answer, last.answer) == ([2, 3, 4], 5)

    def test_all_replies_of_a_run_that_was_given_up_count_as_dropped(self) -> None:
        wire = make()
        run, big = Caller(), Caller()
        wire.submit_many(b"abc", 3, run)
        wire.submit_many(b"x" * 5000, 2, big)
        wire.take()
        wire.feed(b":1\r\n")
        run.has_given_up = big.has_given_up = True
        wire.feed(b":2\r\n:3\r\n:1\r\n:2\r\n")
        assert wire.dropped == 5
        assert wire.heavy_bytes == 0

    def test_whoever_gives_up_after_its_reply_came_changes_nothing(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b":1\r\n")
        caller.has_given_up = True
        wire.withdrawn += 1
        assert wire.take() == b""
        assert (wire.dropped, wire.taken_back) == (0, 0)


class TestAlone:
    """``answer`` reads the reply of a caller that is alone."""

    @pytest.mark.parametrize(
        ("data", "reply"),
        [(b":1\r\n", 1), (b"+OK\r\n", "OK"), (b"_\r\n", None), (b"#f\r\n", False), (b"*2\r\n:1\r\n$1\r\na\r\n", [1, "a"])],
    )
    def test_its_reply_is_returned_and_not_given_to_it(self, data: bytes, reply: Any) -> None:
        wire = make(encoding="utf-8")
        for _ in range(2):
            (caller,) = ask(wire)
            assert wire.answer(data) == reply
            assert caller.answers == []
            assert wire.owes == 0

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (b"$5\r\nhe", b"llo\r\n"),
            (b"=9\r\ntxt:", b"hello\r\n"),
            (b"$5\r\nhello\r", b"\n"),
            (b"$", b"5\r\nhello\r\n"),
            (b">2\r\n+message\r\n", b"+x\r\n+hello\r\n"),
            (b">1\r\n+message\r\n", b"+hello\r\n"),
            (b"|1\r\n+ttl\r\n", b":1\r\n+hello\r\n"),
        ],
    )
    def test_in_two_pieces_it_is_given_to_it(self, first: bytes, second: bytes) -> None:
        wire = make(encoding="utf-8")
        (caller,) = ask(wire)
        assert wire.answer(first) is UNANSWERED
        assert caller.answers == []
        wire.feed(second)
        assert caller.answer == "hello"
        (caller,) = ask(wire)
        assert wire.answer(b":1\r\n") == 1

    @pytest.mark.parametrize("data", [b"!6\r\nERR no\r\n", b"|1\r\n+a\r\n:1\r\n-ERR no\r\n"])
    def test_behind_or_in_a_rare_frame_it_is_given_to_it(self, data: bytes) -> None:
        wire = make()
        (caller,) = ask(wire)
        assert wire.answer(data) is UNANSWERED
        assert str(caller.answer) == "ERR no"

    def test_a_push_that_was_begun_before_is_no_reply(self) -> None:
        pushes: list[Any] = []
        wire = make(on_push=pushes.append)
        wire.feed(b">2\r\n+message\r\n")
        (caller,) = ask(wire)
        assert wire.answer(b"+x\r\n:1\r\n") is UNANSWERED
        assert (caller.answer, pushes) == (1, [[b"message", b"x"]])

    @pytest.mark.parametrize(
        ("behind", "rest", "value"),
        [
            (b"$", b"1\r\na\r\n", b"a"),
            (b"|1\r\n+a\r\n", b":1\r\n$1\r\na\r\n", b"a"),
            (b"$10\r\nab\r\n", b"|0\r\nxy\r\n", b"ab\r\n|0\r\nxy"),
            (b"$9\r\nab", b"+\r\n|0\r\n\r\n", b"ab+\r\n|0\r\n"),
        ],
    )
    def test_what_has_begun_behind_its_reply_goes_on_afterwards(self, behind: bytes, rest: bytes, value: bytes) -> None:
        wire = make()
        (caller,) = ask(wire)
        assert wire.answer(b":1\r\n" + behind) is UNANSWERED
        assert caller.answer == 1
        (caller,) = ask(wire)
        assert wire.answer(rest) is UNANSWERED
        assert caller.answer == value
        (caller,) = ask(wire)
        assert wire.answer(b":2\r\n") == 2

    @pytest.mark.parametrize(
        ("first", "second"), [(b"$1\r\n\xff\r\n", b""), (b"*2\r\n$1\r\n\xff\r\n", b":1\r\n")], ids=["whole", "cut"]
    )
    def test_one_that_is_no_text_is_an_error(self, first: bytes, second: bytes) -> None:
        wire = make(encoding="utf-8")
        (caller,) = ask(wire)
        assert wire.answer(first) is UNANSWERED
        if second:
            assert wire.answer(second) is UNANSWERED
        assert isinstance(caller.answer, DecodeError)

    @pytest.mark.parametrize("data", [b":1\r\n:2\r\n", b":1\r\n*0\r\n", b":1\r\n" + PUSH + b":2\r\n"])
    def test_a_reply_behind_it_that_nobody_asked_for_ends_the_connection(self, data: bytes) -> None:
        wire = make()
        (caller,) = ask(wire)
        with pytest.raises(ProtocolError, match="nobody asked for"):
            wire.answer(data)
        assert caller.answer == 1

    @pytest.mark.parametrize("data", [b":x\r\n", b"@", b"%1\r\n*0\r\n:1\r\n"])
    def test_what_cannot_be_parsed_is_its_fault(self, data: bytes) -> None:
        wire = make()
        (caller,) = ask(wire)
        with pytest.raises(ProtocolError):
            wire.answer(data)
        wire.fail(no, unknown)
        assert isinstance(caller.answer, ProtocolError)


class TestWeight:
    def test_small_commands_weigh_nothing(self) -> None:
        wire = make()
        wire.submit(b"x" * SMALL_BYTES, Caller())
        assert wire.heavy_bytes == 0

    def test_large_ones_weigh_until_their_reply_is_there(self) -> None:
        wire = make()
        wire.submit(b"x" * 2000, Caller())
        wire.submit_many(b"y" * 3000, 2, Caller())
        wire.submit_guarded(b"z" * 4000, 1, Caller())
        assert wire.heavy_bytes == 9000
        wire.take()
        assert wire.heavy_bytes == 9000
        wire.feed(b":1\r\n")
        assert wire.heavy_bytes == 7000
        wire.feed(b":1\r\n")
        assert wire.heavy_bytes == 7000
        wire.feed(b":1\r\n")
        assert wire.heavy_bytes == 4000
        wire.feed(b":1\r\n")
        assert wire.heavy_bytes == 0

    def test_what_is_taken_back_weighs_nothing(self) -> None:
        wire = make()
        callers = [Caller(), Caller()]
        wire.submit(b"x" * 2000, callers[0])
        wire.submit_many(b"y" * 3000, 2, callers[1])
        for caller in callers:
            caller.has_given_up = True
        wire.withdrawn = 2
        assert wire.take() == b""
        assert wire.heavy_bytes == 0

    def test_a_dropped_reply_takes_its_weight_away(self) -> None:
        wire = make()
        caller = Caller()
        wire.submit(b"x" * 2000, caller)
        wire.take()
        caller.has_given_up = True
        wire.feed(b":1\r\n")
        assert (wire.heavy_bytes, wire.dropped) == (0, 1)


class TestPushes:
    def test_a_push_completes_nothing(self) -> None:
        pushes: list[Any] = []
        wire = make(on_push=pushes.append)
        (caller,) = ask(wire)
        wire.feed(b">2\r\n+message\r\n+a\r\n:1\r\n>1\r\n+b\r\n")
        assert caller.answer == 1
        assert pushes == [[b"message", b"a"], [b"b"]]
        assert wire.owes == 0

    def test_a_push_with_nobody_listening_is_dropped(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b">1\r\n+a\r\n:1\r\n")
        assert caller.answer == 1

    def test_a_push_with_bytes_that_are_no_text_completes_nothing(self) -> None:
        """The parser only reports "not decodable": mistaken for a reply, a push would shift every later reply."""
        pushes: list[Any] = []
        wire = make(encoding="utf-8", on_push=pushes.append)
        (caller,) = ask(wire)
        wire.feed(b">2\r\n+message\r\n$2\r\n\xff\x00\r\n:1\r\n")
        assert caller.answer == 1
        assert pushes == [["message", "\udcff\x00"]]


class TestText:
    def test_without_an_encoding_replies_are_bytes(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b"$1\r\n\xff\r\n")
        assert caller.answer == b"\xff"

    def test_with_an_encoding_they_are_text(self) -> None:
        wire = make(encoding="utf-8")
        (caller,) = ask(wire)
        wire.feed("$3\r\n€\r\n".encode())
        assert caller.answer == "€"

    def test_a_reply_that_is_no_text_is_an_error_for_its_caller_alone(self) -> None:
        wire = make(encoding="utf-8")
        callers = ask(wire, 4)
        wire.feed(b":0\r\n$3\r\na\xff\xfe\r\n*2\r\n%1\r\n+k\r\n*1\r\n$1\r\n\xc3\r\n:1\r\n+OK\r\n")
        wrong = callers[1].answer
        assert isinstance(wrong, DecodeError)
        assert isinstance(wrong, ValueError)
        assert "byte 0xff behind 1 characters" in str(wrong)
        assert str(wrong).endswith(" of the reply is not utf-8 (elements count from 0); encoding=None returns bytes")
        assert isinstance(callers[2].answer, DecodeError)
        assert "characters of element 0 of value 0 of element 0 of the reply is not" in str(callers[2].answer)
        assert (callers[0].answer, callers[3].answer) == (0, "OK")

    @pytest.mark.parametrize("encoding", ["ascii", "utf-16", "shift_jis"])
    def test_that_holds_for_any_encoding(self, encoding: str) -> None:
        wire = make(encoding=encoding)
        wrong, right = ask(wire, 2)
        text = "ab".encode(encoding)
        wire.feed(b"$3\r\n\xff\xff\xff\r\n$%d\r\n%s\r\n" % (len(text), text))
        assert isinstance(wrong.answer, DecodeError)
        assert right.answer == "ab"

    @pytest.mark.parametrize(("errors", "text"), [("replace", "\ufffd"), ("ignore", ""), ("surrogateescape", "\udcff")])
    def test_another_error_handler_is_obeyed(self, errors: str, text: str) -> None:
        strict, other = make(encoding="utf-8"), make(encoding="utf-8", errors=errors)
        (wrong,), (caller,) = ask(strict), ask(other)
        strict.feed(b"$1\r\n\xff\r\n")
        other.feed(b"$1\r\n\xff\r\n")
        assert isinstance(wrong.answer, DecodeError)
        assert caller.answer == text

    def test_one_wires_trouble_is_not_anothers(self) -> None:
        one, other = make(encoding="utf-8"), make(encoding="utf-8")
        (wrong,), (right,) = ask(one), ask(other)
        one.feed(b"*2\r\n$1\r\n\xff\r\n")  # half a reply
        other.feed(b"+fine\r\n")
        one.feed(b":1\r\n")
        assert right.answer == "fine"
        assert isinstance(wrong.answer, DecodeError)

    def test_what_one_wire_met_costs_the_others_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[Any] = []
        monkeypatch.setattr("respool._protocol.wire.what_is_wrong", lambda reply: looked.append(reply))
        one, other = make(encoding="utf-8"), make(encoding="utf-8")
        ask(one, 3)
        ask(other, 4)
        other.feed(b"*2\r\n+half\r\n")
        one.feed(b"$1\r\n\xff\r\n")
        assert looked == ["\udcff"]
        other.feed(b"+whole\r\n+next\r\n")
        one.feed(b"+fine\r\n")
        other.feed(b"+fine\r\n")
        assert looked == ["\udcff"]

    @pytest.mark.parametrize("cut", range(1, 40))
    def test_a_reply_that_is_no_text_is_found_however_it_is_cut(self, cut: int) -> None:
        wire, other = make(encoding="utf-8"), make(encoding="utf-8")
        first, wrong, last = ask(wire, 3)
        (theirs,) = ask(other)
        data = b"+a\r\n*3\r\n$1\r\n\xff\r\n$2\r\nok\r\n+x\r\n+b\r\n"
        other.feed(b"*2\r\n+a\r\n")
        wire.feed(data[:cut])
        other.feed(b"+b\r\n")
        wire.feed(data[cut:])
        assert isinstance(wrong.answer, DecodeError)
        assert (first.answer, last.answer, theirs.answer) == ("a", "b", ["a", "b"])

    def test_where_a_long_text_is_none_is_found_in_one_search(self) -> None:
        wire = make(encoding="utf-8")
        (caller,) = ask(wire)
        text = "é".encode() * 500_000 + b"\xff"
        calls = 0

        def note(frame: Any, event: str, arg: Any) -> None:
            nonlocal calls
            calls += 1

        wire.feed(b"$%d\r\n" % len(text) + text)
        sys.setprofile(note)
        try:
            wire.feed(b"\r\n")
        finally:
            sys.setprofile(None)
        assert "byte 0xff behind 500000 characters" in str(caller.answer)
        assert calls < 200

    def test_a_handler_of_the_users_own_that_gives_up_ends_the_connection(self) -> None:
        wire = make(encoding="utf-16", errors="surrogateescape")
        ask(wire)
        with pytest.raises(ProtocolError, match="cannot be decoded"):
            wire.feed(b"$1\r\na\r\n")

    def test_what_a_signal_handler_raises_meanwhile_is_not_blamed_on_the_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def raise_as_a_signal_handler(_: str) -> None:
            raise TimeoutError

        monkeypatch.setattr(wire_module, "server_error", raise_as_a_signal_handler)
        for read in (Wire.answer, lambda wire, data: wire.feed(data)):
            wire = make()
            ask(wire)
            with pytest.raises(TimeoutError):
                read(wire, b"-ERR no\r\n")
        wire = make()
        wire.stream(lambda _: None)
        with pytest.raises(TimeoutError):
            wire.feed(b"-ERR no\r\n")

    def test_the_text_of_an_error_reply_is_always_readable(self) -> None:
        for encoding in (None, "utf-8", "ascii"):
            wire = make(encoding=encoding)
            (caller,) = ask(wire)
            wire.feed(b"-ERR \xff no\r\n")
            assert str(caller.answer) == "ERR \ufffd no"


class TestBrokenProtocol:
    def test_a_reply_that_nobody_asked_for_ends_the_connection(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        with pytest.raises(ProtocolError, match="nobody asked for"):
            wire.feed(b":1\r\n:2\r\n")
        assert caller.answer == 1

    def test_a_reply_for_which_there_is_no_memory_ends_the_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def raise_as_the_parser(_: str) -> None:
            raise MemoryError

        monkeypatch.setattr(wire_module, "server_error", raise_as_the_parser)
        wire = make()
        ask(wire)
        with pytest.raises(ProtocolError, match="not RESP"):
            wire.feed(b"-ERR no\r\n")

    def test_it_is_not_given_to_a_command_that_was_not_written_yet(self) -> None:
        wire = make()
        (waiting,) = ask(wire, written=False)
        with pytest.raises(ProtocolError, match="nobody asked for"):
            wire.feed(b":1\r\n")
        assert waiting.answers == []
        wire.fail(no, unknown)
        assert waiting.answer.executed == "no"

    def test_the_same_with_any_kind_of_exception_for_giving_up(self) -> None:
        wire = Wire()
        with pytest.raises(ProtocolError, match="nobody asked for"):
            wire.feed(b":1\r\n")
        assert wire.dropped == 0

    @pytest.mark.parametrize("garbage", [b"HTTP/1.1 400\r\n", b"$x\r\n", b":1a\r\n", b"@\r\n", b"*-2\r\n", b"#y\r\n"])
    def test_what_is_not_resp_ends_the_connection(self, garbage: bytes) -> None:
        wire = make()
        (caller,) = ask(wire)
        with pytest.raises(ProtocolError, match="not RESP"):
            wire.feed(garbage)
        assert caller.answers == []

    @pytest.mark.parametrize(
        ("garbage", "said"),
        [
            (b":12a4\r\n", "not RESP"),
            (b"(x\r\n", "not RESP"),
            (b"*1\r\n" * 3000, "not RESP"),
            (b"|x\r\n", "not RESP"),
            (b"%1\r\n*1\r\n:1\r\n:2\r\n:3\r\n", "a key that Python cannot hash"),
        ],
        ids=["number", "big number", "nested", "attribute", "key"],
    )
    def test_the_command_whose_reply_cannot_be_parsed_is_told_so_and_the_others_that_the_connection_is_lost(
        self, garbage: bytes, said: str
    ) -> None:
        wire = make(address="node:1")
        answered, first, second = ask(wire, 3)
        (waiting,) = ask(wire, written=False)
        with pytest.raises(ProtocolError, match=said) as caught:
            wire.feed(b":1\r\n" + garbage)
        wire.fail(no, unknown)
        assert answered.answer == 1
        assert isinstance(first.answer, ProtocolError)
        assert first.answer is not caught.value
        assert (first.answer.address, first.answer.executed) == ("node:1", "unknown")
        assert said in str(first.answer)
        assert (type(second.answer), second.answer.executed) == (ConnectionLost, "unknown")
        assert (type(waiting.answer), waiting.answer.executed) == (ConnectionLost, "no")

    @pytest.mark.parametrize("size", [9, 5000])
    @pytest.mark.parametrize("answered", [0, 1, 2])
    def test_a_run_with_a_reply_that_cannot_be_parsed_is_told_once(self, answered: int, size: int) -> None:
        wire = make()
        run, behind = Caller(), Caller()
        wire.submit_many(b"abc".ljust(size), 3, run)
        wire.submit_many(b"de", 2, behind)
        wire.take()
        with pytest.raises(ProtocolError):
            wire.feed(b":1\r\n" * answered + b":x\r\n")
        wire.fail(no, unknown)
        assert isinstance(run.answer, ProtocolError)
        assert isinstance(behind.answer, ConnectionLost)

    def test_nobody_else_is_blamed_when_its_caller_is_gone_or_there_is_none(self) -> None:
        wire = make()
        gone, other = ask(wire, 2)
        gone.has_given_up = True
        with pytest.raises(ProtocolError):
            wire.feed(b":x\r\n")
        wire.fail(no, unknown)
        assert gone.answers == []
        assert isinstance(other.answer, ConnectionLost)
        wire = make()
        wire.submit_guarded(b"off get on", 2, None)
        (other,) = ask(wire)
        with pytest.raises(ProtocolError):
            wire.feed(b":x\r\n")
        wire.fail(no, unknown)
        assert isinstance(other.answer, ConnectionLost)
        wire = make()
        (waiting,) = ask(wire, written=False)
        with pytest.raises(ProtocolError):
            wire.feed(b":x\r\n")
        wire.fail(no, unknown)
        assert (type(waiting.answer), waiting.answer.executed) == (ConnectionLost, "no")

    def test_a_length_beyond_all_memory_is_a_protocol_error(self) -> None:
        wire = make()
        ask(wire)
        with pytest.raises(ProtocolError):
            wire.feed(b"*9223372036854775807\r\n")


class TestTransactions:
    IN_DOUBT = b"+OK\r\n+QUEUED\r\n-ERR unknown command 'EXEC'\r\n"

    def test_one_that_may_still_be_open_ends_the_connection_before_the_next_reply(self) -> None:
        for has_given_up in (False, True):
            wire = make()
            run, next_one = Caller(), Caller()
            run.has_given_up = has_given_up
            wire.submit_many(b"abc", 3, run, ATOMIC)
            wire.submit(b"d", next_one)
            wire.take()
            with pytest.raises(ProtocolError, match="may still be in a transaction: MULTI answered OK and EXEC ERR"):
                wire.feed(self.IN_DOUBT + b"+QUEUED\r\n")
            assert [len(answer) for answer in run.answers] == ([] if has_given_up else [3])
            assert next_one.answers == []

    @pytest.mark.parametrize("asking", [b"+OK\r\n", b"-ERR This instance has cluster support disabled\r\n"])
    def test_behind_asking_only_the_replies_after_it_are_judged(self, asking: bytes) -> None:
        for answers in (b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n", b"+OK\r\n-ASK 1 h:1\r\n-EXECABORT no\r\n"):
            wire = make()
            run = Caller()
            wire.submit_many(b"0abc", 4, run, ATOMIC_ASKED)
            wire.take()
            wire.feed(asking + answers)
            assert len(run.answer) == 4
        wire = make()
        run, next_one = Caller(), Caller()
        wire.submit_many(b"0abc", 4, run, ATOMIC_ASKED)
        wire.submit(b"d", next_one)
        wire.take()
        with pytest.raises(ProtocolError, match="may still be in a transaction: MULTI answered OK and EXEC ERR"):
            wire.feed(asking + self.IN_DOUBT + b"+QUEUED\r\n")
        assert len(run.answer) == 4
        assert next_one.answers == []

    def test_behind_asking_an_undecodable_result_replaces_only_itself(self) -> None:
        wire = make(encoding="utf-8")
        run = Caller()
        wire.submit_many(b"0abcd", 5, run, ATOMIC_ASKED)
        wire.take()
        wire.feed(b"+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n\xff\r\n$1\r\nb\r\n")
        bad, good = run.answer[-1]
        assert isinstance(bad, DecodeError)
        assert good == "b"

    def test_a_heavy_one_is_judged_too_and_weighs_nothing_then(self) -> None:
        wire = make()
        wire.submit_many(b"x" * 5000, 3, Caller(), ATOMIC)
        wire.take()
        with pytest.raises(ProtocolError, match="may still be in a transaction"):
            wire.feed(self.IN_DOUBT)
        assert wire.heavy_bytes == 0

    def test_only_a_run_that_is_one_transaction_is_judged(self) -> None:
        wire = make()
        run = Caller()
        wire.submit_many(b"abc", 3, run)
        wire.take()
        wire.feed(self.IN_DOUBT)
        assert len(run.answer) == 3

    def test_a_run_without_replies_that_was_queued_ends_the_connection(self) -> None:
        for is_awaited in (False, True):
            wire = make()
            wire.submit_guarded(b"abc", 2, Caller() if is_awaited else None)
            wire.take()
            with pytest.raises(ProtocolError, match="replies cannot be switched off"):
                wire.feed(b"+QUEUED\r\n")


class TestRareFrames:
    """Attributes and blob errors, which the C parser does not know (R-25)."""

    def test_an_attribute_is_no_reply(self) -> None:
        wire = make()
        first, second = ask(wire, 2)
        wire.feed(b"|1\r\n+ttl\r\n:3600\r\n:1\r\n:2\r\n")
        assert (first.answer, second.answer) == (1, 2)

    def test_an_attribute_inside_a_reply_is_no_element(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b"*3\r\n:1\r\n|1\r\n+ttl\r\n:3600\r\n:2\r\n:3\r\n")
        assert caller.answer == [1, 2, 3]

    def test_an_attribute_may_hold_anything_an_attribute_included(self) -> None:
        wire = make()
        (caller,) = ask(wire)
        data = b"|2\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n$3\r\n\n|\n\r\n*2\r\n%1\r\n_\r\n#t\r\n=5\r\ntxt:x\r\n+v\r\n"
        for cut in range(len(data) + 1):
            again = make()
            (caller,) = ask(again)
            again.feed(data[:cut])
            again.feed(data[cut:])
            assert caller.answer == b"v"
        wire.feed(data)

    def test_a_blob_error_is_an_error(self) -> None:
        wire = make()
        first, second = ask(wire, 2)
        wire.feed(b"!21\r\nSYNTAX invalid syntax\r\n!8\r\nERR a\r\nb\r\n")
        assert (first.answer.code, first.answer.message) == ("SYNTAX", "invalid syntax")
        assert str(second.answer) == "ERR a  b"

    def test_their_first_bytes_inside_a_text_mean_nothing(self) -> None:
        wire = make()
        table = b"| a | b |\r\n|---|---|\r\n| 1 | 2 |\r\n!important\r\n"
        for cut in range(len(table)):
            (caller,) = ask(wire)
            data = b"$%d\r\n%s\r\n" % (len(table), table)
            wire.feed(data[:cut])
            wire.feed(data[cut:])
            assert caller.answer == table

    def test_a_long_table_is_read_in_linear_time(self) -> None:
        """Every row begins like an attribute. Searching for "!" to the end of the data each time would be quadratic."""
        table = b"| a | b |\n" * 200_000
        wire = make()
        (caller,) = ask(wire)
        wire.feed(b"$%d\r\n%s\r\n" % (len(table), table))
        assert caller.answer == table

    @pytest.mark.parametrize("text", [b"x" * 5000, b"|1\r\n+a\r\n!3\r\n" * 500])
    def test_behind_a_long_text_they_are_known_again_wherever_the_bytes_are_cut(self, text: bytes) -> None:
        head = b"$%d\r\n%s\r\n" % (len(text), text)
        data = head + b"|1\r\n+a\r\n:1\r\n:5\r\n!5\r\nERR x\r\n" + head + b"!5\r\nERR y\r\n"
        cuts = [*range(9), *range(len(head) - 9, len(head) + 40), *range(len(data) - 25, len(data) + 1), 2000]
        for cut in cuts:
            for other in (cut, *range(len(head) - 3, len(head) + 4)):
                first, second = sorted((cut, other))
                wire = make()
                one, two, three, four, five = ask(wire, 5)
                for piece in (data[:first], data[first:second], data[second:]):
                    wire.feed(piece)
                assert one.answer == four.answer == text
                assert two.answer == 5
                assert [str(three.answer), str(five.answer)] == ["ERR x", "ERR y"]
                assert wire.owes == 0

    def test_a_frame_that_never_ends_is_given_up(self) -> None:
        wire = make()
        ask(wire)
        wire.feed(b"|1000000\r\n")
        for _ in range(LIMIT_BYTES // 4096 - 1):
            wire.feed(b":1\r\n" * 1024)
        with pytest.raises(ProtocolError, match="beyond all bounds"):
            wire.feed(b":1\r\n" * 1024)

    @pytest.mark.parametrize(
        "frame",
        [
            b"|x\r\n",
            b"!-\r\n",
            b"!+3\r\nabc\r\n",
            b"!1_0\r\n",
            b"|1\r\n@\r\n:1\r\n",
            b"!3\r\nabcd\r\n",
            b"|?\r\n",
            b"|1\r\n\r\n",
        ],
    )
    def test_a_malformed_one_ends_the_connection(self, frame: bytes) -> None:
        wire = make()
        ask(wire)
        with pytest.raises(ProtocolError, match="not RESP"):
            wire.feed(frame)


class TestTheEnd:
    def test_each_caller_gets_an_error_of_its_own_and_is_told_whether_it_was_written(self) -> None:
        wire = make()
        written = ask(wire, 2)
        waiting = ask(wire, 2, written=False)
        wire.fail(no, unknown)
        assert [caller.answer.executed for caller in written] == ["unknown"] * 2
        assert [caller.answer.executed for caller in waiting] == ["no"] * 2
        assert len({id(caller.answer) for caller in written + waiting}) == 4
        assert (wire.owes, wire.unwritten, wire.take()) == (0, 0, b"")

    def test_what_was_given_up_and_never_left_counts_as_taken_back(self) -> None:
        wire = make()
        written, waiting = ask(wire, 2), ask(wire, 2, written=False)
        run = Caller()
        wire.submit_many(b"abc", 3, run)
        for caller in (written[0], waiting[0], run):
            caller.has_given_up = True
        wire.fail(no, unknown)
        assert (wire.taken_back, wire.dropped) == (4, 0)
        assert (written[1].answer.executed, waiting[1].answer.executed) == ("unknown", "no")

    def test_a_run_fails_once_as_a_whole_even_half_answered(self) -> None:
        wire = make()
        half, whole = Caller(), Caller()
        wire.submit_many(b"abc", 3, half)
        wire.take()
        wire.feed(b":1\r\n")
        wire.submit_many(b"x" * 5000, 2, whole)
        wire.fail(no, unknown)
        assert half.answer.executed == "unknown"
        assert whole.answer.executed == "no"
        assert wire.heavy_bytes == 0

    def test_a_run_is_told_the_last_words_of_the_server_if_they_were_an_error(self) -> None:
        wire = make()
        error, value, nothing = Caller(), Caller(), Caller()
        wire.submit_many(b"ab", 2, error)
        wire.take()
        wire.feed(b"-ERR max number of clients reached\r\n")
        wire.submit_many(b"cd", 2, nothing)
        wire.fail(no, unknown)
        assert str(error.answer.last_words) == "ERR max number of clients reached"
        assert nothing.answer.last_words is None
        wire.submit_many(b"ab", 2, value)
        wire.take()
        wire.feed(b":1\r\n")
        wire.fail(no, unknown)
        assert value.answer.last_words is None

    def test_one_who_gave_up_is_not_told(self) -> None:
        wire = make()
        gone, here = ask(wire, 2)
        gone.has_given_up = True
        wire.fail(no, unknown)
        assert gone.answers == []
        assert isinstance(here.answer, ConnectionLost)

    def test_nothing_owed_means_nobody_to_tell(self) -> None:
        make().fail(unexpected, unexpected)


def unexpected() -> Exception:
    raise AssertionError("nobody is there to be told")


class Colour(enum.IntEnum):
    RED = 1


class TestPacking:
    @pytest.mark.parametrize(("encoding", "data"), [("latin-1", b"\xe9"), ("utf-16-le", b"\xe9\x00")])
    def test_text_is_encoded_as_the_replies_are_decoded(self, encoding: str, data: bytes) -> None:
        packed = make_packer(encoding)(("SET".encode(encoding), "é", b"\xff", 1))
        assert b"$%d\r\n%s\r\n$1\r\n\xff\r\n$1\r\n1\r\n" % (len(data), data) in packed

    def test_text_that_the_encoding_does_not_know_is_refused_not_sent_in_another(self) -> None:
        pack = make_packer("ascii")
        with pytest.raises(UnicodeEncodeError) as caught:
            pack(("SET", "é"))
        with pytest.raises(UsageValueError, match="an argument of SET cannot be encoded"):
            pack_again(("SET", "é"), pack, caught.value)

    def test_lone_surrogates_are_refused(self) -> None:
        with pytest.raises(UsageValueError, match="cannot be encoded"):
            pack_many([("SET", "\udcff")], make_packer(None))

    @pytest.mark.parametrize("value", [None, True, [], {}, object(), 1j, {1}])
    def test_what_is_no_argument_is_named_with_its_place_and_not_shown(self, value: Any) -> None:
        with pytest.raises(UsageTypeError, match=f"argument 2 of SET is {type(value).__name__}"):
            pack_many([("SET", "k", value)], make_packer(None))

    def test_the_name_of_the_command_may_be_bytes(self) -> None:
        with pytest.raises(UsageTypeError, match="argument 1 of GET"):
            pack_many([(b"GET", None)], make_packer(None))

    def test_bytearrays_and_members_of_an_enum_are_taken(self) -> None:
        packed = pack_many([("SET", bytearray(b"k"), Colour.RED)], make_packer(None))
        assert packed == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n"

    def test_every_type_an_argument_may_have(self) -> None:
        packed = pack_many([("A", b"b", "é", 1, 1.5, memoryview(b"m"), 10**30)], make_packer(None))
        assert packed == (
            b"*7\r\n$1\r\nA\r\n$1\r\nb\r\n$2\r\n\xc3\xa9\r\n$1\r\n1\r\n$3\r\n1.5\r\n$1\r\nm\r\n$31\r\n1"
            + b"0" * 30
            + b"\r\n"
        )

    @pytest.mark.parametrize("size", [0, LARGE_BYTES, LARGE_BYTES + 1])
    @pytest.mark.parametrize("encoding", [None, "utf-16-le"])
    def test_large_values_are_packed_as_any_others(self, encoding: str | None, size: int) -> None:
        value, pack = b"\n" * size, make_packer(encoding)
        for args in [(value,), ("SET", "k", value), ("MSET", "k", value, "é", value), (value, value), ("A", value, 1, b"")]:
            assert minding_large(minding_large(pack))(args) == pack(args)

    def test_a_run_in_pieces_is_checked_whole_and_may_be_nothing_but_bytes(self) -> None:
        good, bad = [(b"SET", b"k", b"v")], [("SET", "k", None)]
        check_piece(good * 2, make_packer(None))
        check_piece([*good, ("SET", bytearray(b"k"), Colour.RED)], make_packer(None))
        with pytest.raises(UsageTypeError, match="argument 2 of SET"):
            check_piece(good + bad, make_packer(None))
        with pytest.raises(UsageValueError, match="an argument of SET cannot be encoded"):
            check_piece([("SET", "k", "v"), ("SET", "k", "\ud800")], make_packer(None))

    def test_beside_a_large_value_too_what_is_no_argument_is_refused(self) -> None:
        with pytest.raises(TypeError):
            minding_large(make_packer(None))(("SET", None, b"v" * (LARGE_BYTES + 1)))

    def test_a_bytearray_with_text_the_encoding_does_not_know_is_refused_too(self) -> None:
        with pytest.raises(UsageValueError, match="cannot be encoded"):
            pack_many([("SET", bytearray(b"k"), "\udcff")], make_packer(None))

    def test_an_unencodable_run_leaves_nothing_behind(self) -> None:
        wire = make()
        with pytest.raises(UsageTypeError):
            wire.submit_many(pack_many([("GET", "k"), ("SET", None)], make_packer(None)), 2, Caller())
        assert (wire.owes, wire.unwritten) == (0, 0)


def test_an_exception_of_the_push_listener_is_not_taken_for_a_protocol_error() -> None:
    def listen(push: list[Any]) -> None:
        raise LookupError(push)

    listener: Callable[[list[Any]], None] = listen
    with pytest.raises(LookupError):
        make(on_push=listener).feed(b">1\r\n+a\r\n")


@pytest.mark.parametrize("word", [b"|2", b"!3", b"$2000"])
def test_a_line_that_is_cut_behind_its_first_byte_begins_no_frame(word: bytes) -> None:
    wire = make()
    callers = ask(wire, 502)
    wire.feed(b"+")
    wire.feed(word + b"\r\n" + b"|1\r\n+k\r\n+v\r\n:1\r\n" + b":2\r\n" * 500)
    assert [caller.answer for caller in callers] == [word, 1] + [2] * 500


def test_what_looks_like_a_long_text_inside_of_a_short_one_is_none() -> None:
    wire = make()
    callers = ask(wire, 502)
    wire.feed(b"$9\r\na\n")
    wire.feed(b"$2000\r\n\r\n" + b"|1\r\n+k\r\n+v\r\n:1\r\n" + b":2\r\n" * 500)
    assert [caller.answer for caller in callers] == [b"a\n$2000\r\n", 1] + [2] * 500
