"""A filter before the parser, for the frames that the parser does not know (see ``frames``).

Rule 1: the parser gets all other bytes in order, and never the beginning of a rare frame.
Rule 2: bytes that look like a rare frame are one only where a value begins. To know where values begin, the screen
        keeps the beginning of the bytes that the parser could not read yet.
Rule 3: the work is proportional to the number of bytes, whatever they contain.
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

LINE_FEED: Final = ord("\n")
_TEXT: Final = ord("$")
# The first bytes of the rare frames, as numbers: bytes that are looked for in bytes are first tried as a number, which
# takes six times as long, because it makes an exception.
EXTRA: Final = ord("|")
ERROR: Final = ord("!")
_LONGEST_LENGTH: Final = 24  # no line with the length of a text is longer
_BEGINS: Final = b"+-:$*_#,(%~=>"  # the first bytes of values
#: Shorter pieces are not searched for long texts.
_SMALL_BYTES: Final = 1024

#: How many of the bytes that the parser could not read yet are kept. The parser drops the bytes it has read when they
#: are 1 KiB or more, so the value it waits for begins within these.
_HEAD_BYTES: Final = 1024 + 64


class Screen:
    """Feeds a parser piece by piece, and keeps from it the frames that it does not know."""

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
        "is_between",
    )

    def __init__(
        self, reader: Any, deliver: Callable[[], None], broken: Callable[[Exception], Exception]
    ) -> None:
        self._reader = reader
        self._deliver = deliver
        self._broken = broken
        self._held = b""  # the beginning of an incomplete rare frame
        self._passed = (0, 1)  # how far ``pass_over`` got in it, and how many values were missing there
        self._body = 0  # how many bytes of a long text are still to come, where no frame can begin
        self._last = LINE_FEED  # the last byte that was fed
        self._is_cut = False  # whether that is the first byte of a value, already read by the parser
        #: Whether nothing is kept here: the next byte begins a value.
        self.is_between = True
        self._head = b""  # the first of the bytes that the parser could not read yet, beginning with a value
        self._head_size = 0  # how many those bytes are, perhaps with earlier ones that it has read

    def deliver_to(self, deliver: Callable[[], None]) -> None:
        """Call another function whenever there may be a complete reply."""
        self._deliver = deliver

    def feed(self, data: bytes) -> None:
        """Let the parser read ``data``; ``deliver`` is called whenever it may have a complete reply.

        Raises the error that ``broken`` makes for bytes that are not RESP, and whatever ``deliver`` raises.
        """
        if self.is_between and len(data) <= _SMALL_BYTES and EXTRA not in data and ERROR not in data and data:
            self._reader.feed(data)  # the hot path: one or more short replies, and usually whole
            self._deliver()
            if data[-1] != LINE_FEED or self._reader.has_data():
                self._note_end(data)
                self.is_between = False
            return
        self._feed_any(data)
        self.is_between = self._last == LINE_FEED and not (self._body or self._held or self._head or self._is_cut)

    def fed(self, data: bytes) -> None:
        """Note that the parser has read ``data`` without the screen, which would have let all of it pass."""
        if data[-1] != LINE_FEED or self._reader.has_data():
            self._note_end(data)
            self.is_between = False

    def _feed_any(self, data: bytes) -> None:
        """Do what ``feed`` does, wherever the parser stands."""
        if self._body or len(data) > _SMALL_BYTES:
            data = self._feed_body(data)
        # Searching for one byte is many times faster than for two, so its place is checked only if it is found.
        if self._held or EXTRA in data or ERROR in data:
            self._feed_suspect(data)
        elif len(data) > SLICE_BYTES:
            self._read(data)
        elif data:
            self._reader.feed(data)
            self._deliver()
            self._note_end(data)

    def _read(self, data: bytes) -> None:
        """Let the parser read bytes without a rare frame, and note where in a value it stops."""
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
        """Tell whether a last byte that could begin a value ends a text: the parser accepts any two bytes after one."""
        at = self._value_in(data)
        return at is not None and at >= 0 and skip_values(data, at, len(data)) == len(data)

    def _note_head(self, data: bytes) -> None:
        """Keep the first of the bytes that the parser could not read yet; ``data`` is what it was fed last."""
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
        """Feed the bytes that are certainly inside a long text, where no frame can begin; return the rest.

        Searching a long text for frames would cost more than reading it.
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

        A suspect is a frame only where a value begins. The work is proportional to the bytes, whatever they contain.
        """
        data = self._held + data
        done, at = (0, 0) if self._held else self._first_value(data)
        self._held = b""
        is_clean: bool | None = None  # unknown; computed at most once, because that reads all of the data
        is_first = at == 0 and self._last == LINE_FEED and data[:1] in (b"|", b"!")
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
            self._last = LINE_FEED
            done = at = end
        if done < len(data):
            self._read(data[done:])
            self._body = max(0, at - len(data))

    def _value_in(self, data: bytes) -> int | None:
        """Return where the first value begins in ``data``, as ``skip_values`` does; None if unknown."""
        if not self._head and not self._is_cut:
            return 0
        head, size = (self._head, self._head_size) if self._head else (bytes([self._last]), 1)
        return end_of_cut(head, size, self._last, data)

    def _first_value(self, data: bytes) -> tuple[int, int]:
        """Return how much of ``data`` was read, and where the first value begins in it, as ``skip_values`` does."""
        at = self._value_in(data)
        if at is not None:
            return 0, at
        # The parser kept more bytes than expected. Fed up to each suspect, it shows whether a value begins there.
        done, suspect = 0, next_suspect(data, 0)
        while suspect >= 0:
            if done < suspect:
                self._read(data[done:suspect])
            done = suspect
            if not self._head and not self._is_cut:
                return done, done
            suspect = next_suspect(data, suspect + 1)
        return done, -1
