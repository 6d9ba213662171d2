"""The wire finds where values begin, whatever texts contain and however the bytes are cut (P-28)."""

from __future__ import annotations

import sys
from typing import Any

import hiredis
import pytest

import respool._protocol.screen
from protocol.replies import bulk
from respool._protocol import frames
from respool._protocol.frames import SLICE_BYTES, has_no_frame
from respool._protocol.wire import Wire
from respool.errors import ProtocolError

CHUNK = 64 * 1024


class Caller:
    """A waiting caller."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def set_result(self, value: Any) -> None:
        self.answers.append(value)

    def done(self) -> bool:
        return False


def answers(pieces: list[bytes], count: int) -> tuple[list[Any], list[Any]]:
    """Feed pieces to a wire with ``count`` pending replies; return the replies and the pushes."""
    pushes: list[Any] = []
    wire = Wire(on_push=pushes.append)
    callers = [Caller() for _ in range(count)]
    for caller in callers:
        wire.submit(b"x", caller)
    wire.take()
    for piece in pieces:
        wire.feed(piece)
    assert wire.owes == 0
    return [answer for caller in callers for answer in caller.answers], pushes


#: Texts that look like frames: with every first byte, at the beginning of the text and after each kind of line end.
FIRST_BYTES = [bytes([byte]) for byte in b"|!$=*~%>+-:,_#(@"]
FRAMES = [first + rest for first in FIRST_BYTES for rest in (b"", b"1\r\n", b"0\r\n", b"9\r\nabc\r\n", b"-1\r\n")]
TEXTS = [line_end + frame + more for frame in FRAMES for line_end in (b"", b"\n", b"\r\n") for more in (b"", b"\r", b"\r\n")]


def enclosed(text: bytes) -> tuple[bytes, int, list[Any], list[Any]]:
    """Return a stream with the text in each kind of value, its number of replies, the replies, and the pushes."""
    stream = (
        bulk(text)
        + b"*3\r\n" + bulk(text) + b":1\r\n" + bulk(text)
        + b"|1\r\n+key\r\n" + bulk(text)
        + b"%1\r\n+k\r\n*2\r\n" + bulk(text) + b"~1\r\n" + bulk(text)
        + b">2\r\n+message\r\n" + bulk(text)
        + b"*3\r\n$-1\r\n|1\r\n" + bulk(text) + b"*1\r\n" + bulk(text) + b"=%d\r\ntxt:" % (len(text) + 4) + text + b"\r\n!5\r\nERR x\r\n"
        + b"+OK\r\n"
    )  # fmt: skip
    return stream, 5, [text, [text, 1, text], {b"k": [text, [text]]}, [None, text, "ERR x"], b"OK"], [[b"message", text]]


def without_errors(values: list[Any]) -> list[Any]:
    return [
        [str(part) if isinstance(part, Exception) else part for part in value] if isinstance(value, list) else value
        for value in values
    ]


@pytest.mark.parametrize("head_bytes", [respool._protocol.screen._HEAD_BYTES, 1, 6])
def test_a_text_may_say_anything_in_any_place_and_be_cut_anywhere(
    head_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If less of a cut value is kept, the parser must find where values begin: slower, with the same result."""
    monkeypatch.setattr(respool._protocol.screen, "_HEAD_BYTES", head_bytes)
    for number, text in enumerate(TEXTS):
        stream, count, expected, pushed = enclosed(text)
        for cut in range(number % 5, len(stream) + 1, 5):
            replies, pushes = answers([stream[:cut], stream[cut:]], count)
            assert (without_errors(replies), pushes) == (expected, pushed), (text, cut)
        replies, pushes = answers([stream[at : at + 1] for at in range(len(stream))], count)
        assert (without_errors(replies), pushes) == (expected, pushed), text


@pytest.mark.parametrize("before", [0, 90, 1000, 1100, 5000])
@pytest.mark.parametrize("text", [b"\n|1\r\n", b"\r\n!3\r\nabc\r\n" * 3, b"|0\r\n" * 300, b"x\n|" * 4000])
def test_that_holds_behind_values_of_any_length_in_the_same_reply(text: bytes, before: int) -> None:
    """The parser keeps up to 1 KiB of the bytes it has read; the beginning of a cut value is searched for there."""
    values = [b":7\r\n" * (before // 4), bulk(text), b"|1\r\n+a\r\n+b\r\n", b":8\r\n", bulk(text), b"+|\r\n", b":9\r\n"]
    stream = b"*%d\r\n" % (before // 4 + 5) + b"".join(values) + b"!5\r\nERR x\r\n"
    expected = [7] * (before // 4) + [text, 8, text, b"|", 9]
    begin = len(stream) - 2 * len(text) - 100
    cuts = [cut for cut in range(max(begin, 0), len(stream)) if len(text) < 100 or cut < begin + 80 or cut > len(stream) - 70]
    for cut in cuts:
        for second in (cut, cut + 1, cut + 7, cut + len(text) // 2):
            replies, _ = answers([stream[:cut], stream[cut:second], stream[second:]], 2)
            assert replies[0] == expected, (cut, second)
            assert str(replies[1]) == "ERR x"


def test_a_simple_line_may_be_long_and_cut_anywhere() -> None:
    line = b"|1!" * 1000
    stream = b"*2\r\n+" + line + b"\r\n|1\r\n+a\r\n+b\r\n:1\r\n-ERR " + line + b"\r\n:2\r\n"
    for cut in [*range(12), 1100, *range(3000, 3040), 5000, *range(len(stream) - 9, len(stream))]:
        for second in (cut, cut + 1, 2500):
            first, last = sorted((cut, second))
            replies, _ = answers([stream[:first], stream[first:last], stream[last:]], 3)
            assert (replies[0], str(replies[1]), replies[2]) == ([line, 1], "ERR " + line.decode(), 2)


@pytest.mark.parametrize("broken", [b"$+3\r\nabc\r\n", b"$03\r\nabc\r\n", b"$-2\r\n", b"$\r\n", b"@\r\n", b"$99999999999999999999\r\n"])
@pytest.mark.parametrize("cut", range(4))
def test_behind_what_is_not_resp_nothing_is_taken_for_a_frame(broken: bytes, cut: int) -> None:
    wire = Wire()
    callers = [Caller() for _ in range(3)]
    for caller in callers:
        wire.submit(b"x", caller)
    wire.take()
    stream = b"*2\r\n$2\r\n\n|\r\n:1\r\n*2\r\n" + broken + b"|1\r\n+a\r\n:1\r\n:2\r\n:3\r\n"
    at = stream.index(broken) + cut
    with pytest.raises(ProtocolError):
        wire.feed(stream[:at])
        wire.feed(stream[at:])
    assert callers[0].answers == [[b"\n|", 1]]
    assert not callers[1].answers


def work(stream: bytes, count: int) -> int:
    """Return how many functions are called to read a stream: a measure of time that is equal on all machines."""
    wire = Wire()
    for _ in range(count):
        wire.submit(b"x", Caller())
    wire.take()
    calls = 0

    def note(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        for at in range(0, len(stream), CHUNK):
            wire.feed(stream[at : at + CHUNK])
    finally:
        sys.setprofile(None)
    assert wire.owes == 0
    return calls


def filled(pattern: bytes, size: int) -> bytes:
    return (pattern * (size // len(pattern) + 1))[:size]


SHAPES = {
    "one text": lambda text: (b"", bulk(filled(text, 2_000_000)), 1, 1),
    "one text in an array": lambda text: (b"*1\r\n", bulk(filled(text, 2_000_000)), 1, 1),
    "an array of texts": lambda text: (b"*1000\r\n", bulk(filled(text, 1000)), 1000, 1),
    "an array of short texts": lambda text: (b"*50000\r\n", bulk(filled(text, 12)), 50_000, 1),
    "a map of texts": lambda text: (b"%500\r\n", bulk(filled(text, 1000)), 1000, 1),
    "a pipeline of texts": lambda text: (b"", bulk(filled(text, 1000)), 1000, 1000),
    "a pipeline of short texts": lambda text: (b"", bulk(filled(text, 12)), 20_000, 20_000),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pattern", [b"\n|", b"\n!", b"\r\n|1\r\n", b"\r\n!1\r\n", b"| a | b |\n", b"|", b"a|!"])
def test_no_text_is_more_work_than_another_of_its_size(pattern: bytes, shape: str) -> None:
    """P-28: at most a second pass over all bytes, in slices; no work for each line."""
    head, value, times, count = SHAPES[shape](pattern)
    _, other, _, _ = SHAPES[shape](b"x")
    plain, tried = work(head + other * times, count), work(head + value * times, count)
    slices = len(value) * times // SLICE_BYTES
    chunks = len(value) * times // CHUNK + 1
    assert tried <= plain + 6 * slices + 800 * chunks  # up to 1 KiB of each is read value by value


def test_many_rare_frames_in_one_piece_are_read_in_linear_time() -> None:
    frame = b"|1\r\n+a\r\n+b\r\n$3\r\n\n|x\r\n"
    few, many = work(frame * 100, 100), work(frame * 2000, 2000)
    assert many <= 21 * few


def test_a_stream_full_of_rare_frames_is_read_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    fed = 0

    class Counting(hiredis.Reader):
        def feed(self, data: Any, begin: int = 0, size: int = -1) -> None:
            nonlocal fed
            fed += len(data) if size < 0 else size
            super().feed(data, begin, size)

    monkeypatch.setattr(hiredis, "Reader", Counting)
    stream = b"|1\r\n+a\r\n+b\r\n$3\r\n\n|x\r\n" * 2000
    replies, _ = answers([stream], 2000)
    assert replies == [b"\n|x"] * 2000
    assert fed <= 2 * len(stream)


def test_behind_a_text_with_two_other_bytes_at_its_end_values_begin_wherever_it_is_cut() -> None:
    """The parser does not look at them; what stands there must not be taken for the first byte of a value."""
    stream = b"*2\r\n:0\r\n$3\r\nfoo\n$*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n"
    for cut in range(len(stream)):
        assert answers([stream[:cut], stream[cut:]], 3)[0] == [[0, b"foo"], [1], 2], cut


def test_what_a_signal_handler_raises_while_texts_are_looked_through_reaches_its_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raise_as_a_signal_handler(*_: Any) -> None:
        raise TimeoutError

    data = b"+OK\r\n" * 10_000
    assert has_no_frame(data, 0)
    monkeypatch.setattr(frames, "deque", raise_as_a_signal_handler)
    with pytest.raises(TimeoutError):
        has_no_frame(data, 0)
