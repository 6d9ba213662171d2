"""What stands before the parser: it keeps from it the frames that it does not know (see ``frames``).

Rule 1: the parser reads everything in order, and never the beginning of a rare frame.
Rule 2: what looks like a rare frame is one only where a value begins. To know where that is, the screen notes how the
        bytes begin that the parser has not been able to read yet.
Rule 3: the work is in proportion to the bytes, whatever they say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from respool._protocol.frames import (
    LIMIT_BYTES,
    SLICE_BYTES,
    as_known,
    end_of_cut,
    has_no_frame,
    next_suspect,
    pass_over,
    skip_values,
)

_LINE_FEED: Final = ord("\n")
_TEXT: Final = ord("$")
_LONGEST_LENGTH: Final = 24  # no line that tells the length of a text is longer
_BEGINS: Final = b"+-:$*_#,(%~=>"  # the first bytes of values
#: Shorter pieces are not looked at for long texts.
_SMALL_BYTES: Final = 1024

#: How much is kept of what the parser could not read yet. The parser drops what it has read when that is 1 KiB or
#: more: so within this, the value begins at which it waits.
_HEAD_BYTES: Final = 1024 + 64


class Screen:
    """Feeds a parser, piece by piece, with everything but the frames that it does not know."""

    __slots__ = (
        "_body",
        "_broken",
        "_deliver",
        "_head",
        "_head_size",
        "_held",
        "_is_cut",
        "_last",
        "_passed",
        "_reader",
    )

    def __init__(
        self, reader: Any, deliver: Callable[[], None], broken: Callable[[Exception], Exception]
    ) -> None:
        self._reader = reader
        self._deliver = deliver
        self._broken = broken
        self._held = b""  # the start of a rare frame that has not arrived whole,
        self._passed = (0, 1)  # and how far it has been looked through
        self._body = 0  # how many bytes are to come of a long text, where no frame can begin
        self._last = _LINE_FEED  # the last byte that was fed,
        self._is_cut = False  # and whether it is the first of a value, read by the parser
        self._head = b""  # how the bytes begin that the parser could not read yet: with a value;
        self._head_size = 0  # and how many they are, perhaps with some before them that it has read

    def feed(self, data: bytes) -> None:
        """Let the parser read ``data``; ``deliver`` is called whenever it may have a whole reply.

        Raises what ``broken`` makes of bytes that are no RESP, and whatever ``deliver`` raises.
        """
        if self._body or len(data) > _SMALL_BYTES:
            data = self._feed_body(data)
        # One byte is searched for many times faster than two; where it stands is looked at only when it is there.
        if self._held or b"|" in data or b"!" in data:
            self._feed_suspect(data)
        elif len(data) > SLICE_BYTES:
            self._read(data)
        elif data:
            self._reader.feed(data)
            self._deliver()
            if data[-1] == _LINE_FEED and not self._reader.has_data():  # nearly always: whole replies
                self._head, self._is_cut, self._last = b"", False, _LINE_FEED
            else:
                self._note_end(data)

    def _read(self, data: bytes) -> None:
        """Let the parser read what holds no rare frame, and note where it stands then."""
        size = len(data) if self._body else SLICE_BYTES
        for begin in range(0, len(data), size):
            self._reader.feed(data, begin, min(size, len(data) - begin))
            self._deliver()
        self._note_end(data)

    def _note_end(self, data: bytes) -> None:
        """Note where the parser stands behind ``data``, which it was fed last."""
        if self._reader.has_data():
            self._note_head(data)
            self._is_cut = False
        else:
            self._is_cut = data[-1] in _BEGINS and not self._ends_whole(data)
            self._head = b""
        self._last = data[-1]

    def _ends_whole(self, data: bytes) -> bool:
        """Tell whether a last byte that may begin a value ends a text: the parser takes any two bytes behind one."""
        at = self._value_in(data)
        return at is not None and at >= 0 and skip_values(data, at, len(data)) == len(data)

    def _note_head(self, data: bytes) -> None:
        """Keep how the bytes begin that the parser could not read yet; ``data`` is what it was fed last."""
        begin = len(data) - self._reader.len()  # where the parser's own buffer begins
        if begin > 0:
            if data[begin - 1] in _BEGINS:  # it has read the first byte of the value
                begin -= 1
            self._head = data[begin : begin + _HEAD_BYTES]
            self._head_size = len(data) - begin
        elif self._head:
            self._head += data[: max(_HEAD_BYTES - len(self._head), 0)]
            self._head_size += len(data)
        else:
            first = bytes([self._last]) if self._is_cut else b""
            self._head = first + data[:_HEAD_BYTES]
            self._head_size = len(first) + len(data)

    def _feed_body(self, data: bytes) -> bytes:
        """Feed what is surely inside of a long text, where no frame can begin; return the rest.

        To look through a long text for frames would cost more than to read it.
        """
        if not self._body and data[0] == _TEXT and not (self._held or self._head or self._is_cut):
            line_end = data.find(b"\r\n", 1, _LONGEST_LENGTH)
            if line_end > 0 and (digits := data[1:line_end]).isdigit() and int(digits) > _SMALL_BYTES:
                self._body = line_end + 2 + int(digits) + 2  # counted from the first byte of ``data``
        if not self._body or not data:
            return data
        rest = data[self._body :]
        self._body = max(0, self._body - len(data))
        self._read(data if not rest else data[: -len(rest)])
        return rest

    def _feed_suspect(self, data: bytes) -> None:
        """Feed bytes that may hold a rare frame (see ``frames``).

        What looks like one is one where a value begins. The work is in proportion to the bytes, whatever they say.
        """
        data = self._held + data
        done, at = (0, 0) if self._held else self._first_value(data)
        self._held = b""
        is_clean: bool | None = None  # not known; asked once, since the answer is in proportion to all of the data
        is_first = at == 0 and self._last == _LINE_FEED and data[:1] in (b"|", b"!")
        while 0 <= at < len(data) and (suspect := 0 if is_first else next_suspect(data, at)) >= 0:
            is_first = False
            if is_clean is None and suspect > at and (is_clean := has_no_frame(data, at)):
                break
            at = skip_values(data, at, suspect)
            if not 0 <= at <= suspect:
                continue
            if done < at:
                self._read(data[done:at])
            passed, missing = self._passed
            try:
                end, missing = pass_over(data, at, at + passed, missing)
            except ValueError as error:
                raise self._broken(error) from error
            if missing:
                if len(data) - at > LIMIT_BYTES:
                    raise self._broken(ValueError("an attribute or blob error beyond all bounds"))
                self._held, self._passed = data[at:], (end - at, missing)
                return
            self._passed = (0, 1)
            if known := as_known(data[at:end]):
                self._read(known)
            self._last = _LINE_FEED
            done = at = end
        if done < len(data):
            self._read(data[done:])
            self._body = max(0, at - len(data))

    def _value_in(self, data: bytes) -> int | None:
        """Return where the first value begins in ``data``, as ``skip_values`` does; None if that is not known."""
        if not self._head and not self._is_cut:
            return 0
        head, size = (self._head, self._head_size) if self._head else (bytes([self._last]), 1)
        return end_of_cut(head, size, self._last, data)

    def _first_value(self, data: bytes) -> tuple[int, int]:
        """Return how much of ``data`` was read, and where the first value begins in it, as ``skip_values`` does."""
        at = self._value_in(data)
        if at is not None:
            return 0, at
        # The parser keeps more of what it has read than we think. At each suspect it tells whether a value begins.
        done, suspect = 0, next_suspect(data, 0)
        while suspect >= 0:
            if done < suspect:
                self._read(data[done:suspect])
            done = suspect
            if not self._head and not self._is_cut:
                return done, done
            suspect = next_suspect(data, suspect + 1)
        return done, -1
