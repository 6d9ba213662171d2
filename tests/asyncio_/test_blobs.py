# Written once: tests/threads/test_blobs.py is generated from this file.
"""Replies that are binary by nature are bytes, also where the pool has an encoding."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from answers import echo, held_echo
from asyncio_.harness import Callers, wait_until
from respool import AsyncConnection, AsyncPool, commands
from respool.errors import DecodeError, ReadTimeout, WrongType
from respool.testing import FakeNode, Server

#: What no encoding can read.
RAW = b"\xff\x00\xc3"


@pytest.fixture(params=[2, 3])
async def pool(server: Server, request: Any) -> AsyncIterator[AsyncPool[str]]:
    async with AsyncPool(server.url, encoding="utf-8", protocol=request.param, shared=1) as pool:
        yield pool


async def test_a_dump_is_bytes_everywhere_and_can_be_restored(pool: AsyncPool[str], server: Server) -> None:
    await pool.set("k", "ä")
    dump = await pool.dump("k")
    assert type(dump) is bytes
    assert await pool.execute("DUMP", "k") == dump
    assert await pool.execute("dump", "k", timeout=5.0) == dump
    assert await pool.dump("none") is None
    async with pool.acquire() as conn:
        assert await conn.dump("k") == dump
        assert await conn.execute("DUMP", "k", timeout=5.0) == dump
        assert await conn.execute_many([("GET", "k"), ("DUMP", "k")]) == ["ä", dump]
    for atomic in (False, True):
        async with pool.pipeline(atomic=atomic) as p:
            results = p.get("k"), p.dump("k"), p.mget("k", "none"), p.dump("none"), p.execute("DUMP", "k")
        assert [result.result() for result in results] == ["ä", dump, ["ä", None], None, dump]
        assert await pool.execute_many([commands.dump("k")] * 2, atomic=atomic) == [dump, dump]
    assert await pool.restore("copy", 0, dump)
    assert await pool.get("copy") == "ä"
    async with AsyncPool(server.url, encoding="utf-8", shared=0) as exclusive:
        assert await exclusive.dump("k") == dump
    async with AsyncPool(server.url) as plain:
        assert await plain.dump("k") == dump


async def test_a_dump_of_functions_is_bytes(pool: AsyncPool[str]) -> None:
    if "FUNCTION" not in str(await pool.execute("COMMAND", "INFO", "FUNCTION|DUMP")).upper():
        pytest.skip("this server has no functions")
    assert type(await pool.execute("FUNCTION", "DUMP")) is bytes


async def test_neighbours_of_a_blob_are_decoded_and_may_fail_alone(pool: AsyncPool[str], callers: Callers) -> None:
    await pool.set("raw", RAW)
    await pool.set("k", "ä")
    answers = [callers.start(call, "k") for call in (pool.get, pool.dump) * 20]
    for at, answer in enumerate(answers):
        assert type(await answer.result()) is (str, bytes)[at % 2]
    replies = await pool.execute_many([("GET", "raw"), ("DUMP", "raw"), ("LPOP", "k"), ("GET", "k")])
    assert [type(reply) for reply in replies] == [DecodeError, bytes, WrongType, str]
    replies = await pool.execute_many([("GET", "raw"), ("DUMP", "raw"), ("LPOP", "k"), ("GET", "k")], atomic=True)
    assert [type(reply) for reply in replies] == [DecodeError, bytes, WrongType, str]
    assert pool.stats().opened == 1


async def test_a_long_run_of_several_pieces_keeps_its_blobs_apart(pool: AsyncPool[str]) -> None:
    await pool.set("k", "ä")
    dump = await pool.dump("k")
    for atomic in (False, True):
        run = [("GET", "k"), ("GET", "k"), ("DUMP", "k")] * 900
        assert await pool.execute_many(run, atomic=atomic) == ["ä", "ä", dump] * 900


async def test_a_blob_is_bytes_while_the_connection_is_full(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, encoding="utf-8", shared=1, max_in_flight=2) as pool:
        await pool.set("k", "v" * 2000)
        answers = [callers.start(call, "k") for call in (pool.get, pool.dump) * 20]
        for at, answer in enumerate(answers):
            assert type(await answer.result()) is (str, bytes)[at % 2]


async def test_a_blob_that_was_given_up_leaves_the_next_reply_alone(callers: Callers) -> None:
    with FakeNode({"DUMP": held_echo, "GET": echo}) as node:
        async with AsyncPool(node.url, encoding="utf-8", shared=1) as pool:
            with pytest.raises(ReadTimeout):
                await pool.execute("DUMP", "a", timeout=0.05)
            following = [callers.start(pool.get, "b"), callers.start(pool.dump, "c")]
            await wait_until(lambda: pool.stats().in_flight == 3)
            await wait_until(lambda: node.release())
            await wait_until(lambda: node.release())
            assert [await each.result() for each in following] == ["b", b"c"]
            assert pool.stats().dropped == 1


async def test_a_push_beside_a_blob_is_text(server: Server) -> None:
    pushes: list[Any] = []
    async with AsyncConnection(server.url, encoding="utf-8", protocol=3) as conn:
        conn._on_push = pushes.append
        await conn.set("k", "ä")
        await conn.execute("SUBSCRIBE", "ch")
        dump, count, value = await conn.execute_many([("DUMP", "k"), ("PUBLISH", "ch", "ä"), ("GET", "k")])
        assert (type(dump), count, value) == (bytes, 1, "ä")
        await conn.execute_many([("PUBLISH", "ch", "ä"), ("DUMP", "k")])
    assert pushes == [["subscribe", "ch", 1], ["message", "ch", "ä"], ["message", "ch", "ä"]]
