# Generated from tests/asyncio_/test_own_commands.py by tools/generate.py. Do not edit.
"""All commands over an ``execute`` that a user has written."""

from __future__ import annotations

from typing import Any

import pytest

from respool import Commands, Pool, Command
from respool.errors import UsageError, UsageTypeError, WrongType
from respool.testing import Server


class Counting(Commands[Any]):
    """Runs commands on a pool, and notes their names."""

    def __init__(self, pool: Pool[Any]) -> None:
        self.pool = pool
        self.names: list[str] = []

    def execute(self, command: Command[Any], /) -> Any:
        self.names.append(command.name)
        return self.pool.execute(command)

    def execute_many(self, commands: Any, *, atomic: bool = False) -> list[Any]:
        self.names.append("atomic run" if atomic else "run")
        return self.pool.execute_many(commands, atomic=atomic)


class Silent(Commands[Any]):
    """Has nothing of its own."""


def test_each_method_is_one_call_of_execute_and_returns_what_the_pool_returns(server: Server) -> None:
    with Pool(server.url) as pool:
        ours = Counting(pool)
        assert ours.set("k", "v") is True
        assert ours.get("k") == b"v"
        assert ours.hset("h", mapping={"a": "1"}) == 1
        assert ours.hgetall("h") == {b"a": b"1"}
        assert ours.client_id() > 0
        with pytest.raises(WrongType):
            ours.incr("h")
        assert ours.names == ["SET", "GET", "HSET", "HGETALL", "CLIENT ID", "INCR"]


def test_each_page_of_an_iterator_is_one_call_of_execute(server: Server) -> None:
    with Pool(server.url) as pool:
        ours = Counting(pool)
        pool.mset({f"k{number}": number for number in range(50)})
        keys = [key for key in ours.scan_iter(count=5)]
        assert len(set(keys)) == 50
        assert ours.names == ["SCAN"] * len(ours.names)
        assert len(ours.names) > 3


def test_a_pipeline_is_one_call_of_execute_many(server: Server) -> None:
    with Pool(server.url) as pool:
        ours = Counting(pool)
        with ours.pipeline() as pipe:
            first = pipe.incr("n")
        with ours.pipeline(atomic=True, raise_errors=False) as pipe:
            second, third = pipe.incr("n"), pipe.lpush("n", "x")
        assert (first.result(), second.result()) == (1, 2)
        with pytest.raises(WrongType):
            third.result()
        assert ours.names == ["run", "atomic run"]


def test_a_bad_argument_does_not_reach_execute(server: Server) -> None:
    with Pool(server.url) as pool:
        ours = Counting(pool)
        with pytest.raises(UsageTypeError):
            ours.expire("k", "soon")  # type: ignore[arg-type]
        assert ours.names == []


def test_what_was_not_written_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"Silent has no execute: write execute\(self, command\)"):
        Silent().get("k")
    pipe = Silent().pipeline()
    pipe.get("k")
    with pytest.raises(UsageError, match="Silent has no execute_many: write execute_many"):
        pipe.send()
