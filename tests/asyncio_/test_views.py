# Written once: tests/threads/test_views.py is generated from this file.
"""Views: the same commands under other conditions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from answers import OK, held_echo
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncConnection, AsyncPool, Command, commands
from respool._async.node.view import AsyncView
from respool.errors import (
    ConnectionLost,
    DecodeError,
    OutcomeUnknown,
    ReadTimeout,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool.testing import Close, FakeNode, Server

#: What no encoding can read.
RAW = b"\xff\x00\xc3"


@pytest.fixture(params=[2, 3])
async def pool(server: Server, request: Any) -> AsyncIterator[AsyncPool[str]]:
    async with AsyncPool(server.url, encoding="utf-8", protocol=request.param, shared=1) as pool:
        yield pool


# Bytes -------------------------------------------------------------------------------------------------------


async def test_a_view_returns_bytes_from_the_same_connections(pool: AsyncPool[str]) -> None:
    raw = pool.using(encoding=None)
    await raw.set("k", RAW)
    await raw.hset("h", "ä", RAW)
    assert await raw.get("k") == RAW
    assert await raw.hgetall("h") == {"ä".encode(): RAW}
    assert await raw.type("k") == "string"
    assert await raw.execute("GET", "k") == RAW
    assert await raw.execute(Command("GET", "k", parse=len)) == 3
    assert await raw.execute(commands.get("k"), timeout=5.0) == RAW
    assert await raw.execute_many(command for command in [("GET", "k"), commands.strlen("k")]) == [RAW, 3]
    assert await raw.execute_many([("GET", "k"), ("PING",)], atomic=True) == [RAW, b"PONG"]
    async with raw.pipeline(atomic=True) as p:
        value = p.get("k")
    assert value.result() == RAW
    with pytest.raises(DecodeError):
        await pool.get("k")
    assert await pool.ping() is True
    assert pool.stats().opened == 1


async def test_a_long_run_of_a_view_is_bytes(pool: AsyncPool[str]) -> None:
    await pool.set("k", "ä")
    for atomic in (False, True):
        run = [("GET", "k")] * 9000
        assert await pool.using(encoding=None).execute_many(run, atomic=atomic) == ["ä".encode()] * 9000


async def test_a_view_of_a_lease_and_of_a_pipeline(pool: AsyncPool[str]) -> None:
    await pool.set("k", RAW)
    async with pool.acquire() as conn:
        raw = conn.using(encoding=None)
        assert await raw.get("k") == RAW
        assert await raw.execute_many([("GET", "k")]) == [RAW]
        await raw.execute("MULTI")
        assert await raw.get("k") == b"QUEUED"
        assert await raw.execute("EXEC") == [RAW]
        assert await raw.blpop("none", timeout=0.01) is None
        assert conn.is_clean
    for atomic in (False, True):
        async with pool.pipeline(atomic=atomic) as p:
            raw_in_it = p.using(encoding=None)
            results = raw_in_it.get("k"), p.set("m", "ä"), p.get("m"), raw_in_it.execute("GET", "m")
            mapped = raw_in_it.using(idempotent=True).execute(Command("GET", "k", parse=len))
        assert [result.result() for result in results] == [RAW, True, "ä", "ä".encode()]
        assert mapped.result() == 3


async def test_a_view_of_a_released_lease_is_dead_too(pool: AsyncPool[str]) -> None:
    async with pool.acquire() as conn:
        view = conn.using(encoding=None)
    with pytest.raises(UsageError, match="was given back"):
        await view.get("k")
    with pytest.raises(UsageError, match="was given back"):
        await conn.using(timeout=1.0).get("k")


async def test_a_view_refuses_what_its_pool_refuses(pool: AsyncPool[str]) -> None:
    raw = pool.using(encoding=None, idempotent=True, timeout=5.0)
    with pytest.raises(UsageValueError, match="SELECT has no place on a shared connection"):
        await raw.select(1)
    for bad in ("GET", 7):
        with pytest.raises(UsageTypeError, match="commands must be a list of commands"):
            await raw.execute_many(bad)  # type: ignore[arg-type]


# Time --------------------------------------------------------------------------------------------------------


async def test_the_timeout_of_a_view_bounds_each_call() -> None:
    with FakeNode({"GET": held_echo, "DUMP": held_echo, "PING": OK}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.0) as pool:
            hasty = pool.using(timeout=0.05)
            began = now()
            for call in (
                lambda: hasty.get("k"),
                lambda: hasty.execute("GET", "k"),
                lambda: hasty.execute_many([("GET", "k")]),
                lambda: hasty.using(encoding=None).get("k"),
                lambda: hasty.using(timeout=60.0).execute("GET", "k", timeout=0.05),
            ):
                with pytest.raises(ReadTimeout, match=r"within 0\.05 s|no reply in time"):
                    await call()
            pipeline = hasty.pipeline()
            late = pipeline.get("k")
            with pytest.raises(ReadTimeout):
                await pipeline.send()
            assert not late.done
            assert now() - began < 4.0


async def test_the_timeout_of_a_view_bounds_what_a_lease_does() -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=0) as pool, pool.acquire() as conn:
            hasty = conn.using(timeout=0.05)
            with pytest.raises(ReadTimeout, match=r"GET: no reply within 0\.05 s"):
                await hasty.get("k")
            with pytest.raises(ReadTimeout):
                await hasty.execute_many([("GET", "k")])
            with pytest.raises(ReadTimeout):
                await conn.execute_many([("GET", "k")], timeout=0.05)
            assert not conn.closed


async def test_a_long_transaction_that_is_out_of_time_ends_its_lease() -> None:
    """Otherwise all later commands on it would only be queued."""
    with FakeNode({"MULTI": OK, "INCR": b"+QUEUED\r\n"}) as node:
        node.once("INCR", held_echo)
        async with AsyncConnection(node.url) as conn:
            with pytest.raises(ReadTimeout):
                await conn.execute_many([("INCR", "n")] * 1500, atomic=True, timeout=0.1)
            assert conn.closed


async def test_an_inner_view_may_have_more_time_or_no_bound(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.0) as pool:
            patient = pool.using(timeout=0.05).using(timeout=None)
            caller = callers.start(patient.get, "k")
            await wait_until(lambda: pool.stats().in_flight == 1)
            with pytest.raises(ReadTimeout):
                await pool.using(timeout=0.1).get("k")
            await wait_until(lambda: node.release())  # only now is the first one answered
            assert await caller.result() == b"k"


# Retries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [0, 1])
async def test_commands_of_an_idempotent_view_are_sent_again(shared: int) -> None:
    with FakeNode({"SET": OK}) as node:
        async with AsyncPool(node.url, shared=shared) as pool:
            again = pool.using(idempotent=True)
            for call in (
                lambda: again.set("k", 1),
                lambda: again.execute("SET", "k", 1),
                lambda: again.using(timeout=5.0, encoding=None).set("k", 1),
            ):
                node.once("SET", Close())
                assert await call() in (True, b"OK")
            node.once("SET", Close())
            assert await again.execute_many([("SET", "k", 1)]) == [b"OK"]
            node.once("SET", Close())
            async with pool.pipeline() as p:
                p.using(idempotent=True).set("k", 1)
            node.once("SET", Close())
            with pytest.raises(OutcomeUnknown):
                await pool.set("k", 1)
            assert pool.stats().retries == 5


async def test_a_pipeline_with_a_command_outside_of_the_view_is_not_sent_again() -> None:
    with FakeNode({"SET": OK}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            node.once("SET", Close())
            with pytest.raises(OutcomeUnknown):
                async with pool.pipeline() as p:
                    p.using(idempotent=True).set("k", 1)
                    p.set("k", 1)


async def test_a_lease_never_retries_but_says_that_nothing_is_in_doubt() -> None:
    with FakeNode({"SET": Close()}) as node:
        async with AsyncConnection(node.url) as conn:
            with pytest.raises(ConnectionLost) as caught:
                await conn.using(idempotent=True).set("k", 1)
            assert type(caught.value) is ConnectionLost


# What they are -----------------------------------------------------------------------------------------------


def test_conditions_add_up_and_are_shown(server: Server) -> None:
    pool = AsyncPool(server.url)
    view = pool.using(encoding=None).using(timeout=0.2, idempotent=True)
    assert repr(view) == f"<{AsyncView.__name__} encoding=None timeout=0.2 idempotent=True of {pool!r}>"
    pipeline = pool.pipeline()
    assert repr(pipeline.using(encoding=None)).endswith(f"View encoding=None of {pipeline!r}>")
    assert repr(pool.using(timeout=None)) == f"<{AsyncView.__name__} timeout=None of {pool!r}>"


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({}, r"using\(\) needs a condition: encoding=None, timeout=seconds or idempotent=True"),
        ({"encoding": "utf-8"}, "there is no other encoding per call, not 'utf-8': decode the bytes yourself"),
        ({"idempotent": False}, "idempotent must be True, not False"),
        ({"idempotent": 1}, "idempotent must be True, not 1"),
    ],
)
def test_other_conditions_are_refused(server: Server, conditions: Any, said: str) -> None:
    pool = AsyncPool(server.url)
    pipeline = pool.pipeline()
    for each in (pool, pool.using(encoding=None), pipeline, pipeline.using(encoding=None), AsyncConnection(server.url)):
        with pytest.raises(UsageTypeError, match=said):
            each.using(**conditions)


def test_a_bad_timeout_is_refused_and_any_on_a_pipeline(server: Server) -> None:
    pool = AsyncPool(server.url)
    with pytest.raises(UsageTypeError, match="timeout must be a number of seconds or None, not 'x'"):
        pool.using(timeout="x")  # type: ignore[call-overload]
    for each in (pool.pipeline(), pool.pipeline().using(encoding=None)):
        for timeout in (0.2, None):
            with pytest.raises(UsageTypeError, match=r"write pool\.using\(timeout=\.\.\.\)\.pipeline\(\)"):
                each.using(timeout=timeout)  # type: ignore[call-overload]
