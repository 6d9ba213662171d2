"""A real server takes every call, and the reply comes out as the function promises, in RESP2 and RESP3."""

from __future__ import annotations

from typing import Any

import pytest

from respool import commands
from respool._facts.errors import Error, UnknownCommand


def as_stored(value: Any, encoding: str | None) -> Any:
    """Return what is expected, with str for bytes where the connection has an encoding."""
    if isinstance(value, bytes):
        return value.decode() if encoding else value
    if isinstance(value, list | tuple | set):
        return type(value)(as_stored(item, encoding) for item in value)
    if isinstance(value, dict):
        return {as_stored(key, encoding): as_stored(item, encoding) for key, item in value.items()}
    return value


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_call_is_taken_and_its_reply_read(answered: Any, talk: Any, protocol: int, encoding: str | None) -> None:
    sample = answered
    ask = talk(protocol, encoding)
    for line in filter(None, sample.given.split(";")):
        given = ask(*line.split(" "))
        if isinstance(given, UnknownCommand):
            pytest.skip("this server does not know the command")
        assert not isinstance(given, Error)
    command = sample.command
    reply = ask(*command.args)
    if isinstance(reply, UnknownCommand) or "unknown subcommand" in str(reply):
        pytest.skip("this server does not know the command")
    if isinstance(reply, Error) and sample.needs == "valkey":
        pytest.skip("this server does not know the option")
    assert not isinstance(reply, Error), reply
    value = reply if command.parse is None else command.parse(reply)
    if callable(sample.reply):
        assert sample.reply(value), value
    else:
        expected = as_stored(sample.reply, encoding)
        assert value == expected
        assert type(value) is type(expected)


def test_every_function_has_a_sample(samples: list[Any]) -> None:
    assert {sample.name for sample in samples} == set(commands.__all__)


def test_what_was_dumped_is_restored(talk: Any) -> None:
    ask = talk()
    ask("RPUSH", "l", "a", "b")
    payload = ask(*commands.dump("l").args)
    assert ask(*commands.restore("m", 0, payload, idletime=3).args) == b"OK"
    assert ask(*commands.lrange("m", 0, -1).args) == [b"a", b"b"]
