"""A long pipeline blocks the event loop for no longer than one of its steps takes."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from answers import OK
from respool import AsyncPool, Command
from respool.testing import FakeNode


@pytest.mark.parametrize("kind", ["tuples", "commands", "pipeline"])
async def test_the_work_of_one_turn_of_the_loop_does_not_grow_with_the_pipeline(kind: str) -> None:
    """Counted in function calls, because that is the same on every machine."""
    with FakeNode(default=OK) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            commands: list[Any] = [("SET", "k", str(number)) for number in range(30_000)]
            if kind == "commands":
                commands = [Command(*args) for args in commands]
            pipeline = pool.pipeline()
            for args in commands if kind == "pipeline" else ():
                pipeline.execute(*args)
            calls = most = 0

            def note(frame: Any, event: str, arg: Any) -> None:
                nonlocal calls
                calls += event in ("call", "c_call")

            async def watch() -> None:
                nonlocal calls, most
                while True:
                    calls = 0
                    await asyncio.sleep(0)
                    most = max(most, calls)

            watcher = asyncio.create_task(watch())
            await asyncio.sleep(0)
            sys.setprofile(note)
            try:
                sent = pipeline.send() if kind == "pipeline" else pool.execute_many(commands)
                assert await sent == [b"OK"] * len(commands)
            finally:
                sys.setprofile(None)
                watcher.cancel()
            # A pipeline tells all of its results in one turn, with a call for each.
            assert most < (45_000 if kind == "pipeline" else 30_000)
