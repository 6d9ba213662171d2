"""Replies as bytes, in RESP2 or RESP3.

Rule 1: a Python value says which kind of reply it is. ``Raw`` is sent as it is: a status, an error, anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias


class Raw(bytes):
    """Bytes of the protocol, not to be encoded again."""


Value: TypeAlias = "Raw | bytes | str | int | Sequence[Value] | Mapping[str, Value] | None"

OK: Final = Raw(b"+OK\r\n")
QUEUED: Final = Raw(b"+QUEUED\r\n")
#: What a transaction that was given up, and a blocking command whose time is over, are answered with.
NO_ARRAY: Final = {2: Raw(b"*-1\r\n"), 3: Raw(b"_\r\n")}


def error(text: str) -> Raw:
    """Encode an error: ``error("ERR no")``."""
    return Raw(f"-{text}\r\n".encode())


def verbatim(text: str, protocol: int) -> Raw:
    """Encode a text for people: a verbatim string in RESP3, a bulk string in RESP2."""
    data = text.encode()
    return Raw(b"=%d\r\ntxt:%s\r\n" % (len(data) + 4, data) if protocol == 3 else encode(data, protocol))


def encode(value: Value, protocol: int) -> bytes:
    """Encode a reply: None is null, text and bytes are bulk strings, a mapping is a flat array in RESP2."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"$%d\r\n%s\r\n" % (len(value), value)
    if isinstance(value, int):
        return b":%d\r\n" % value
    if value is None:
        return b"_\r\n" if protocol == 3 else b"$-1\r\n"
    if isinstance(value, Mapping):
        head = b"%%%d\r\n" % len(value) if protocol == 3 else b"*%d\r\n" % (2 * len(value))
        return head + b"".join(encode(each, protocol) for pair in value.items() for each in pair)
    return b"*%d\r\n" % len(value) + b"".join(encode(each, protocol) for each in value)
