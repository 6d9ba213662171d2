"""What type checkers see: no test runs this, mypy and pyright read it.

Values are ``S`` of the surface, bytes or str; awaiting, waiting and pipelining differ in nothing else.
"""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from respool import commands
from respool._facts.command import Command
from respool._pooling.pipeline_result import PipelineResult
from respool._surfaces.asyncio import AsyncCommands
from respool._surfaces.pipeline import PipelineCommands
from respool._surfaces.threads import Commands


def functions() -> None:
    assert_type(commands.get("k"), Command[bytes | str | None])
    assert_type(commands.set("k", "v", ex=5), Command[bool])
    assert_type(commands.set("k", "v", get=True), Command[bytes | str | None])
    commands.set("k", "v", expires=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def threads(pool: Commands[str], raw: Commands[bytes]) -> None:
    assert_type(pool.get("k"), str | None)
    assert_type(raw.get("k"), bytes | None)
    assert_type(pool.set("k", "v"), bool)
    assert_type(pool.set("k", "v", px=5, get=True), str | None)
    assert_type(raw.mget("k", "m"), list[bytes | None])
    assert_type(raw.lpop("l"), bytes | None)
    assert_type(raw.lpop("l", 2), list[bytes])
    assert_type(raw.lpos("l", "a"), int | None)
    assert_type(raw.lpos("l", "a", count=0), list[int])
    assert_type(raw.blpop("l", timeout=1.5), tuple[bytes, bytes] | None)
    assert_type(pool.scan(match="k*"), tuple[int, list[str]])
    assert_type(raw.sort("l"), list[bytes | None])
    assert_type(raw.sort("l", store="m"), int)
    assert_type(pool.lcs("k", "m"), str)
    assert_type(pool.lcs("k", "m", length=True), int)
    assert_type(pool.lcs("k", "m", idx=True), dict[str, Any])
    assert_type(raw.type("k"), str)
    assert_type(raw.ping(), bool)
    assert_type(raw.ping("v"), bytes)
    assert_type(raw.client_list(type="normal", id=[1, 2]), list[dict[str, str]])


async def tasks(pool: AsyncCommands[bytes]) -> None:
    assert_type(await pool.get("k"), bytes | None)
    assert_type(await pool.set("k", "v"), bool)
    task = asyncio.create_task(pool.incr("k"))
    assert_type(await task, int)
    async with asyncio.TaskGroup() as group:
        assert_type(await group.create_task(pool.lpop("l", 2)), list[bytes])


def pipeline(p: PipelineCommands[str]) -> None:
    assert_type(p.get("k"), PipelineResult[str | None])
    assert_type(p.get("k").result(), str | None)
    assert_type(p.set("k", "v", get=True).result(), str | None)
