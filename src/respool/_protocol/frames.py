"""The two RESP3 frames the C parser does not know, put into words it does.

An attribute (``|``) stands before a value and is no reply of its own; a blob error (``!``) is an error with a length.
hiredis takes the first for a reply and gives up at the second, so either would shift or end a connection. They are
rare: the wire looks for their first byte behind a line end and comes here only when it finds one.

Rule 1: an attribute is dropped, a blob error becomes the simple error it means.
Rule 2: a frame that has not arrived whole is left alone until it has, up to ``LIMIT_BYTES``.
Source: the RESP3 specification, "Attribute type" and "Blob error".
"""

from __future__ import annotations

import re
from typing import Final

LIMIT_BYTES: Final = 1024 * 1024

_ATTRIBUTE: Final = ord("|")
_BLOB_ERROR: Final = ord("!")
_LINES: Final = b"+-:,_#("
_LENGTHS: Final = b"$=!"
_COUNTS: Final = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, _ATTRIBUTE: 2}


_SUSPECT: Final = re.compile(rb"\n[|!]")


def next_suspect(data: bytes, start: int) -> int:
    """Return where, from ``start`` on, a rare frame may begin: at the start or behind a line feed; -1 if nowhere."""
    if start == 0 and data[:1] in (b"|", b"!"):
        return 0
    found = _SUSPECT.search(data, max(start - 1, 0))
    return -1 if found is None else found.start() + 1


def pass_over(data: bytes, frame: int, at: int, missing: int) -> tuple[int, int]:
    """Go on over the values of the rare frame at ``frame``; return where it stopped, and how many are missing there.

    Begins with ``at`` at the frame and ``missing`` 1. Nothing missing: the frame is whole, and ends where it stopped.
    Else it is called again with what it returned once there is more data. Raises ValueError for what is not RESP.
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
                more += 1  # an attribute inside: the value it belongs to follows
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
    """Return what the C parser shall read in place of a whole rare frame."""
    if frame[0] == _BLOB_ERROR:
        text = frame[frame.index(b"\r\n") + 2 : -2]
        return b"-" + text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n"
    return b""
