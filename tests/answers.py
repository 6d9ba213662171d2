"""What a scripted node answers in the tests of the engine: replies that tell which command they belong to."""

from __future__ import annotations

from typing import Any

from respool.testing import Delay, FakeConnection, Hold

OK = b"+OK\r\n"
NIL = b"_\r\n"
PUSH = b">2\r\n$5\r\nhello\r\n$5\r\nworld\r\n"

Words = tuple[bytes, ...]


def bulk(data: bytes) -> bytes:
    """Write a bulk string."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


def echo(command: Words, _: FakeConnection) -> bytes:
    """Answer with the first argument of the command."""
    return bulk(command[1])


def held_echo(command: Words, _: FakeConnection) -> Hold:
    """The same, when the test says ``node.release()``."""
    return Hold(bulk(command[1]))


class SlowEcho:
    """The same, ``seconds`` after the answer before it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, command: Words, _: FakeConnection) -> Delay:
        return Delay(self._seconds, bulk(command[1]))


def words(node: Any, name: str) -> list[bytes]:
    """Return the first arguments of these commands, in the order in which ``node`` got them."""
    return [seen.command[1] for seen in node.calls(name)]
