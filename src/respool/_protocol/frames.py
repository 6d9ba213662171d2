"""Replace the two RESP3 frame types that the C parser does not know (the rare frames) by bytes that it does.

An attribute (``|``) precedes a value and is not a reply itself; a blob error (``!``) is an error with a length prefix.
hiredis takes an attribute for a reply and fails at a blob error, so they would shift the replies or end the connection.
They are rare: the wire looks for their first byte after a line end and comes here only when it finds one.

Rule 1: an attribute is dropped; a blob error becomes the equivalent simple error.
Rule 2: an incomplete frame is left alone until all of it has arrived, up to ``LIMIT_BYTES``.
Rule 3: such a first byte counts only where a value begins. Texts may be full of these bytes, so they are not examined
        one by one. Long texts are skipped by their announced length. Short ones are read again by a second parser,
        which fails at such a byte where a value begins. Only if it fails are the values examined one by one.
Source: the RESP3 specification, "Attribute type" and "Blob error".
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

import hiredis

LIMIT_BYTES: Final = 1024 * 1024

#: The parser moves the rest of its buffer each time it has read a reply, so it is fed at most this much at a time.
SLICE_BYTES: Final = 16 * 1024

_ATTRIBUTE: Final = ord("|")
_RETURN: Final = ord("\r")
_ZERO: Final = ord("0")
_LONGEST_LENGTH: Final = 19  # digits of the largest number that the parser accepts
_BLOB_ERROR: Final = ord("!")
_LINES: Final = b"+-:,_#("
_LENGTHS: Final = b"$=!"
_COUNTS: Final = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, _ATTRIBUTE: 2}
_RARE: Final = b"|!"
_TEXTS: Final = b"$="

_SUSPECT: Final = re.compile(rb"\n[|!]")
_MARKED: Final = bytes.maketrans(_RARE, b"@@")  # no value begins with "@", so the parser fails there
_NOTHING: Final = object()
_LONG_VALUE: Final = 512
_LONG_TEXT: Final = re.compile(rb"\$([1-9][0-9]{2,17})\r\n")
_FREE_VALUES: Final = 8


def next_suspect(data: bytes, start: int) -> int:
    """Return the first place from ``start`` on, right after a line feed, where a rare frame may begin; -1 if none."""
    found = _SUSPECT.search(data, max(start - 1, 0))
    return -1 if found is None else found.start() + 1


def has_no_frame(data: bytes, at: int) -> bool:
    """Tell whether ``data`` from ``at`` on, where a value begins, certainly holds no rare frame."""
    due, match = at - _FREE_VALUES * _LONG_VALUE, _LONG_TEXT.match
    while 0 <= at < len(data) and at >= due:  # while values are long it is cheaper to skip them one by one
        if found := match(data, at):
            at = found.end() + int(found[1]) + 2
        elif data[at] in _RARE:
            return False
        else:
            at = skip_values(data, at, at + 1)
        due += _LONG_VALUE
    if not 0 <= at < len(data):
        return True
    reader = hiredis.Reader(notEnoughData=_NOTHING)
    marked = data.translate(_MARKED)
    try:
        while at < len(marked):
            size = min(SLICE_BYTES, len(marked) - at)
            reader.feed(marked, at, size)
            deque(iter(reader.gets, _NOTHING), 0)  # reads to the end and keeps nothing
            at += size
    except (hiredis.HiredisError, TypeError, MemoryError):  # a rare frame, or bytes that are not RESP
        return False
    return True


def skip_values(data: bytes, at: int, until: int) -> int:
    """Skip values from ``at`` on until one begins at or after ``until``; return where it begins.

    A value inside another counts by itself. The result is beyond the data if a text is incomplete, and -1 if a line is
    incomplete or begins no value: then no value begins in the rest of the data.
    """
    while at < until:
        kind = data[at]
        line_end = data.find(b"\r\n", at)
        if line_end < 0 or (kind not in _LINES and kind not in _TEXTS and kind not in _COUNTS):
            return -1
        if kind in _TEXTS:
            at = _text_end(data[at + 1 : line_end], line_end + 2)
            if at < 0:
                return -1
        else:
            at = line_end + 2
    return at


def end_of_cut(head: bytes, size: int, last: int, data: bytes) -> int | None:
    """Return where in ``data`` a value ends that began before it, as ``skip_values`` does; None if unknown.

    ``head`` holds the first of the ``size`` bytes before ``data``, beginning with a value; ``last`` is their last byte.
    """
    at = 0
    while (line_end := head.find(b"\r\n", at)) >= 0:
        at = _text_end(head[at + 1 : line_end], line_end + 2) if head[at] in _TEXTS else line_end + 2
        if at < 0 or at >= size:
            return at if at < 0 else at - size
        if at >= len(head):
            return None
    if len(head) < size:
        return None
    if last == _RETURN and data[:1] == b"\n":
        line_end = 1
    elif (found := data.find(b"\r\n")) >= 0:
        line_end = found + 2
    else:
        return -1
    if head[at] not in _TEXTS:
        return line_end
    return _text_end((head[at + 1 :] + data[:line_end])[:-2], line_end)


def _text_end(digits: bytes, begin: int) -> int:
    """Return where a text that begins at ``begin`` ends; -1 if the parser would not accept its length."""
    if digits == b"-1":
        return begin
    if not digits.isdigit() or (digits[0] == _ZERO and len(digits) > 1) or len(digits) > _LONGEST_LENGTH:
        return -1
    return begin + int(digits) + 2


def pass_over(data: bytes, frame: int, at: int, missing: int) -> tuple[int, int]:
    """Skip the values of the rare frame at ``frame``; return the place reached and how many values are still missing.

    Begin with ``at`` equal to ``frame`` and ``missing`` 1. If nothing is missing, the frame is complete and ends there.
    Otherwise call again with the result once there is more data. Raises ValueError for bytes that are not RESP.
    """
    while missing:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            break
        kind = data[at]
        end = line_end + 2
        more = 0
        if kind in _LENGTHS:
            length = _number(data[at + 1 : line_end])
            if length >= 0:
                end += length + 2
                if end <= len(data) and data[end - 2 : end] != b"\r\n":
                    raise ValueError("a text is not as long as it says")
        elif kind in _COUNTS:
            more = max(_number(data[at + 1 : line_end]), 0) * _COUNTS[kind]
            if kind == _ATTRIBUTE and at != frame:
                more += 1  # a nested attribute: the value it belongs to follows
        elif kind not in _LINES:
            raise ValueError(f"{data[at : at + 1]!r} begins no value")
        if end > len(data):
            break
        at = end
        missing += more - 1
    return at, missing


def _number(digits: bytes) -> int:
    if not digits.removeprefix(b"-").isdigit():
        raise ValueError(f"{digits[:20]!r} is no length")
    return int(digits)


def as_known(frame: bytes) -> bytes:
    """Return the bytes for the C parser to read instead of a complete rare frame."""
    if frame[0] == _BLOB_ERROR:
        text = frame[frame.index(b"\r\n") + 2 : -2]
        return b"-" + text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n"
    return b""
