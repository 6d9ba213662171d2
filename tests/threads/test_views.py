# Generated from tests/asyncio_/test_views.py by tools/generate.py. Do not edit.
"""Views: the same commands under other conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from answers import OK, held_echo
from threads.harness import Callers, now, wait_until
from respool import Connection, Pool, Command, commands
from respool._sync.node.view import View
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
def pool(server: Server, request: Any) -> Iterator[Pool[str]]:
    with Pool(server.url, encoding="utf-8", protocol=request.param, shared=1) as pool:
        yield pool


# Bytes -------------------------------------------------------------------------------------------------------


def test_a_view_returns_bytes_from_the_same_connections(pool: Pool[str]) -> None:
    raw = pool.using(encoding=None)
    raw.set("k", RAW)
    raw.hset("h", "ä", RAW)
    assert raw.get("k") == RAW
    assert raw.hgetall("h") == {"ä".encode(): RAW}
    assert raw.type("k") == "string"
    assert raw.execute("GET", "k") == RAW
    assert raw.execute(Command("GET", "k", parse=len)) == 3
    assert raw.execute(commands.get("k"), timeout=5.0) == RAW
    assert raw.execute_many(command for command in [("GET", "k"), commands.strlen("k")]) == [RAW, 3]
    assert raw.execute_many([("GET", "k"), ("PING",)], atomic=True) == [RAW, b"PONG"]
    with raw.pipeline(atomic=True) as p:
        value = p.get("k")
    assert value.result() == RAW
    with pytest.raises(DecodeError):
        pool.get("k")
    assert pool.ping() is True
    assert pool.stats().opened == 1


def test_a_long_run_of_a_view_is_bytes(pool: Pool[str]) -> None:
    pool.set("k", "ä")
    for atomic in (False, True):
        run = [("GET", "k")] * 9000
        assert pool.using(encoding=None).execute_many(run, atomic=atomic) == ["ä".encode()] * 9000


def test_a_view_of_a_lease_and_of_a_pipeline(pool: Pool[str]) -> None:
    pool.set("k", RAW)
    with pool.acquire() as conn:
        raw = conn.using(encoding=None)
        assert raw.get("k") == RAW
        assert raw.execute_many([("GET", "k")]) == [RAW]
        raw.execute("MULTI")
        assert raw.get("k") == b"QUEUED"
        assert raw.execute("EXEC") == [RAW]
        assert raw.blpop("none", timeout=0.01) is None
        assert conn.is_clean
    for atomic in (False, True):
        with pool.pipeline(atomic=atomic) as p:
            raw_in_it = p.using(encoding=None)
            results = raw_in_it.get("k"), p.set("m", "ä"), p.get("m"), raw_in_it.execute("GET", "m")
            mapped = raw_in_it.using(idempotent=True).execute(Command("GET", "k", parse=len))
        assert [result.result() for result in results] == [RAW, True, "ä", "ä".encode()]
        assert mapped.result() == 3


def test_a_view_of_a_released_lease_is_dead_too(pool: Pool[str]) -> None:
    with pool.acquire() as conn:
        view = conn.using(encoding=None)
    with pytest.raises(UsageError, match="was given back"):
        view.get("k")
    with pytest.raises(UsageError, match="was given back"):
        conn.using(timeout=1.0).get("k")


def test_a_view_refuses_what_its_pool_refuses(pool: Pool[str]) -> None:
    raw = pool.using(encoding=None, idempotent=True, timeout=5.0)
    with pytest.raises(UsageValueError, match="SELECT has no place on a shared connection"):
        raw.select(1)
    for bad in ("GET", 7):
        with pytest.raises(UsageTypeError, match="commands must be a list of commands"):
            raw.execute_many(bad)  # type: ignore[arg-type]


# Time --------------------------------------------------------------------------------------------------------


def test_the_timeout_of_a_view_bounds_each_call() -> None:
    with FakeNode({"GET": held_echo, "DUMP": held_echo, "PING": OK}) as node:
        with Pool(node.url, shared=1, read_timeout=1.0) as pool:
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
                    call()
            pipeline = hasty.pipeline()
            late = pipeline.get("k")
            with pytest.raises(ReadTimeout):
                pipeline.send()
            assert not late.done
            assert now() - began < 4.0


def test_the_timeout_of_a_view_bounds_what_a_lease_does() -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=0) as pool, pool.acquire() as conn:
            hasty = conn.using(timeout=0.05)
            with pytest.raises(ReadTimeout, match=r"GET: no reply within 0\.05 s"):
                hasty.get("k")
            with pytest.raises(ReadTimeout):
                hasty.execute_many([("GET", "k")])
            with pytest.raises(ReadTimeout):
                conn.execute_many([("GET", "k")], timeout=0.05)
            assert not conn.closed


def test_a_long_transaction_that_is_out_of_time_ends_its_lease() -> None:
    """Otherwise all later commands on it would only be queued."""
    with FakeNode({"MULTI": OK, "INCR": b"+QUEUED\r\n"}) as node:
        node.once("INCR", held_echo)
        with Connection(node.url) as conn:
            with pytest.raises(ReadTimeout):
                conn.execute_many([("INCR", "n")] * 1500, atomic=True, timeout=0.1)
            assert conn.closed


def test_an_inner_view_may_have_more_time_or_no_bound(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, read_timeout=1.0) as pool:
            patient = pool.using(timeout=0.05).using(timeout=None)
            caller = callers.start(patient.get, "k")
            wait_until(lambda: pool.stats().in_flight == 1)
            with pytest.raises(ReadTimeout):
                pool.using(timeout=0.1).get("k")
            wait_until(lambda: node.release())  # only now is the first one answered
            assert caller.result() == b"k"


# Retries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [0, 1])
def test_commands_of_an_idempotent_view_are_sent_again(shared: int) -> None:
    with FakeNode({"SET": OK}) as node:
        with Pool(node.url, shared=shared) as pool:
            again = pool.using(idempotent=True)
            for call in (
                lambda: again.set("k", 1),
                lambda: again.execute("SET", "k", 1),
                lambda: again.using(timeout=5.0, encoding=None).set("k", 1),
            ):
                node.once("SET", Close())
                assert call() in (True, b"OK")
            node.once("SET", Close())
            assert again.execute_many([("SET", "k", 1)]) == [b"OK"]
            node.once("SET", Close())
            with pool.pipeline() as p:
                p.using(idempotent=True).set("k", 1)
            node.once("SET", Close())
            with pytest.raises(OutcomeUnknown):
                pool.set("k", 1)
            assert pool.stats().retries == 5


def test_a_pipeline_with_a_command_outside_of_the_view_is_not_sent_again() -> None:
    with FakeNode({"SET": OK}) as node:
        with Pool(node.url, shared=1) as pool:
            node.once("SET", Close())
            with pytest.raises(OutcomeUnknown):
                with pool.pipeline() as p:
                    p.using(idempotent=True).set("k", 1)
                    p.set("k", 1)


def test_a_lease_never_retries_but_says_that_nothing_is_in_doubt() -> None:
    with FakeNode({"SET": Close()}) as node:
        with Connection(node.url) as conn:
            with pytest.raises(ConnectionLost) as caught:
                conn.using(idempotent=True).set("k", 1)
            assert type(caught.value) is ConnectionLost


# What they are -----------------------------------------------------------------------------------------------


def test_conditions_add_up_and_are_shown(server: Server) -> None:
    pool = Pool(server.url)
    view = pool.using(encoding=None).using(timeout=0.2, idempotent=True)
    assert repr(view) == f"<{View.__name__} encoding=None timeout=0.2 idempotent=True of {pool!r}>"
    pipeline = pool.pipeline()
    assert repr(pipeline.using(encoding=None)).endswith(f"View encoding=None of {pipeline!r}>")
    assert repr(pool.using(timeout=None)) == f"<{View.__name__} timeout=None of {pool!r}>"


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
    pool = Pool(server.url)
    pipeline = pool.pipeline()
    for each in (pool, pool.using(encoding=None), pipeline, pipeline.using(encoding=None), Connection(server.url)):
        with pytest.raises(UsageTypeError, match=said):
            each.using(**conditions)


def test_a_bad_timeout_is_refused_and_any_on_a_pipeline(server: Server) -> None:
    pool = Pool(server.url)
    with pytest.raises(UsageTypeError, match="timeout must be a number of seconds or None, not 'x'"):
        pool.using(timeout="x")  # type: ignore[call-overload]
    for each in (pool.pipeline(), pool.pipeline().using(encoding=None)):
        for timeout in (0.2, None):
            with pytest.raises(UsageTypeError, match=r"write pool\.using\(timeout=\.\.\.\)\.pipeline\(\)"):
                each.using(timeout=timeout)  # type: ignore[call-overload]
