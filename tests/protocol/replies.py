"""Replies of a server as bytes, and the values that the wire must make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from respool.errors import DecodeError, ServerError


@dataclass(frozen=True)
class Said:
    """One frame, or an attribute and the frame after it: the bytes and the value they mean."""

    data: bytes
    value: Any
    is_error: bool = False
    is_text: bool = True  # False: with a strict encoding this becomes a DecodeError

    def seen_with(self, encoding: str | None) -> Any:
        if encoding is None:
            return self.value
        return decoded(self.value, encoding) if self.is_text else DecodeError


class Refused:
    """Equal to the server error with this text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerError) and f"{other.code} {other.message}".rstrip() == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Refused({self.text!r})"


def decoded(value: Any, encoding: str) -> Any:
    if isinstance(value, bytes):
        return value.decode(encoding)
    if isinstance(value, list):
        return [decoded(part, encoding) for part in value]
    if isinstance(value, dict):
        return {decoded(key, encoding): decoded(part, encoding) for key, part in value.items()}
    return value


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


KINDS = 23


def reply(kind: int, number: int) -> Said:
    """Return reply ``number`` of one of many kinds; replies of different numbers differ."""
    mark = b"%d" % number
    table = b"a\r\n|" + mark + b"|\r\n!boo\n|x\n!y|1\r\n+k\r\n"
    long = table * 60
    kinds = (
        Said(b":" + mark + b"\r\n", number),
        Said(b"+v" + mark + b"\r\n", b"v" + mark),
        Said(bulk(b"v" + mark), b"v" + mark),
        Said(bulk(table), table),
        Said(bulk(b"|" + mark), b"|" + mark),
        Said(b"*2\r\n_\r\n:" + mark + b"\r\n", [None, number]),
        Said(b"%1\r\n" + bulk(mark) + b"#t\r\n", {mark: True}),
        Said(b"~1\r\n:" + mark + b"\r\n", [number]),
        Said(b"=%d\r\ntxt:%s\r\n" % (4 + len(mark), mark), mark),
        Said(b"(" + mark + b"\r\n", mark),
        Said(b"," + mark + b".5\r\n", number + 0.5),
        Said(b"-ERR no " + mark + b"\r\n", Refused(f"ERR no {number}"), is_error=True),
        Said(b"!%d\r\nERR no %s\r\n" % (7 + len(mark), mark), Refused(f"ERR no {number}"), is_error=True),
        Said(b"*2\r\n!%d\r\nERR in %s\r\n:1\r\n" % (7 + len(mark), mark), [Refused(f"ERR in {number}"), 1]),
        Said(b"|1\r\n+ttl\r\n:1\r\n:" + mark + b"\r\n", number),
        Said(b"|2\r\n$1\r\n|\r\n*2\r\n|1\r\n+a\r\n+b\r\n:2\r\n_\r\n+c\r\n%0\r\n:" + mark + b"\r\n", number),
        Said(b"*2\r\n|1\r\n+ttl\r\n:1\r\n:" + mark + b"\r\n|0\r\n+x\r\n", [number, b"x"]),
        Said(bulk(long), long),
        Said(b"*2\r\n" + bulk(long) + bulk(mark), [long, mark]),
        Said(b"|1\r\n+ttl\r\n" + bulk(long) + bulk(long), long),
        Said(bulk(b"\xff" + mark), b"\xff" + mark, is_text=False),
        Said(b"*2\r\n*1\r\n" + bulk(b"\xc3" + mark) + b":1\r\n", [[b"\xc3" + mark], 1], is_text=False),
        Said(b"%1\r\n" + bulk(b"\xfe" + mark) + b"*1\r\n:1\r\n", {b"\xfe" + mark: [1]}, is_text=False),
    )
    assert len(kinds) == KINDS
    return kinds[kind % len(kinds)]


def push(kind: int, number: int) -> Said:
    mark = b"%d" % number
    kinds = (
        Said(b">2\r\n+message\r\n:" + mark + b"\r\n", [b"message", number]),
        Said(b">2\r\n$10\r\ninvalidate\r\n*1\r\n" + bulk(b"k" + mark), [b"invalidate", [b"k" + mark]]),
        Said(b">2\r\n+message\r\n" + bulk(b"\xff" + mark), [b"message", b"\xff" + mark], is_text=False),
    )
    return kinds[kind % len(kinds)]


def escaped(value: Any) -> Any:
    """Return what becomes of undecodable bytes in a push: no caller could get an error for it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return [escaped(part) for part in value] if isinstance(value, list) else value
