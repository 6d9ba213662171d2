# Generated from tests/asyncio_/test_blobs.py by tools/generate.py. Do not edit.
"""Replies that are binary by nature are bytes, also where the pool has an encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from answers import echo, held_echo
from threads.harness import Callers, wait_until
from respool import Connection, Pool, commands
from respool.errors import DecodeError, ReadTimeout, WrongType
from respool.testing import FakeNode, Server

#: What no encoding can read.
RAW = b"\xff\x00\xc3"


@pytest.fixture(params=[2, 3])
def pool(server: Server, request: Any) -> Iterator[Pool[str]]:
    with Pool(server.url, encoding="utf-8", protocol=request.param, shared=1) as pool:
        yield pool


def test_a_dump_is_bytes_everywhere_and_can_be_restored(pool: Pool[str], server: Server) -> None:
    pool.set("k", "ä")
    dump = pool.dump("k")
    assert type(dump) is bytes
    assert pool.execute("DUMP", "k") == dump
    assert pool.execute("dump", "k", timeout=5.0) == dump
    assert pool.dump("none") is None
    with pool.acquire() as conn:
        assert conn.dump("k") == dump
        assert conn.execute("DUMP", "k", timeout=5.0) == dump
        assert conn.execute_many([("GET", "k"), ("DUMP", "k")]) == ["ä", dump]
    for atomic in (False, True):
        with pool.pipeline(atomic=atomic) as p:
            results = p.get("k"), p.dump("k"), p.mget("k", "none"), p.dump("none"), p.execute("DUMP", "k")
        assert [result.result() for result in results] == ["ä", dump, ["ä", None], None, dump]
        assert pool.execute_many([commands.dump("k")] * 2, atomic=atomic) == [dump, dump]
    assert pool.restore("copy", 0, dump)
    assert pool.get("copy") == "ä"
    with Pool(server.url, encoding="utf-8", shared=0) as exclusive:
        assert exclusive.dump("k") == dump
    with Pool(server.url) as plain:
        assert plain.dump("k") == dump


def test_a_dump_of_functions_is_bytes(pool: Pool[str]) -> None:
    if "FUNCTION" not in str(pool.execute("COMMAND", "INFO", "FUNCTION|DUMP")).upper():
        pytest.skip("this server has no functions")
    assert type(pool.execute("FUNCTION", "DUMP")) is bytes


def test_neighbours_of_a_blob_are_decoded_and_may_fail_alone(pool: Pool[str], callers: Callers) -> None:
    pool.set("raw", RAW)
    pool.set("k", "ä")
    answers = [callers.start(call, "k") for call in (pool.get, pool.dump) * 20]
    for at, answer in enumerate(answers):
        assert type(answer.result()) is (str, bytes)[at % 2]
    replies = pool.execute_many([("GET", "raw"), ("DUMP", "raw"), ("LPOP", "k"), ("GET", "k")])
    assert [type(reply) for reply in replies] == [DecodeError, bytes, WrongType, str]
    replies = pool.execute_many([("GET", "raw"), ("DUMP", "raw"), ("LPOP", "k"), ("GET", "k")], atomic=True)
    assert [type(reply) for reply in replies] == [DecodeError, bytes, WrongType, str]
    assert pool.stats().opened == 1


def test_a_long_run_of_several_pieces_keeps_its_blobs_apart(pool: Pool[str]) -> None:
    pool.set("k", "ä")
    dump = pool.dump("k")
    for atomic in (False, True):
        run = [("GET", "k"), ("GET", "k"), ("DUMP", "k")] * 900
        assert pool.execute_many(run, atomic=atomic) == ["ä", "ä", dump] * 900


def test_a_blob_is_bytes_while_the_connection_is_full(server: Server, callers: Callers) -> None:
    with Pool(server.url, encoding="utf-8", shared=1, max_in_flight=2) as pool:
        pool.set("k", "v" * 2000)
        answers = [callers.start(call, "k") for call in (pool.get, pool.dump) * 20]
        for at, answer in enumerate(answers):
            assert type(answer.result()) is (str, bytes)[at % 2]


def test_a_blob_that_was_given_up_leaves_the_next_reply_alone(callers: Callers) -> None:
    with FakeNode({"DUMP": held_echo, "GET": echo}) as node:
        with Pool(node.url, encoding="utf-8", shared=1) as pool:
            with pytest.raises(ReadTimeout):
                pool.execute("DUMP", "a", timeout=0.05)
            following = [callers.start(pool.get, "b"), callers.start(pool.dump, "c")]
            wait_until(lambda: pool.stats().in_flight == 3)
            wait_until(lambda: node.release())
            wait_until(lambda: node.release())
            assert [each.result() for each in following] == ["b", b"c"]
            assert pool.stats().dropped == 1


def test_a_push_beside_a_blob_is_text(server: Server) -> None:
    pushes: list[Any] = []
    with Connection(server.url, encoding="utf-8", protocol=3) as conn:
        conn._on_push = pushes.append
        conn.set("k", "ä")
        conn.execute("SUBSCRIBE", "ch")
        dump, count, value = conn.execute_many([("DUMP", "k"), ("PUBLISH", "ch", "ä"), ("GET", "k")])
        assert (type(dump), count, value) == (bytes, 1, "ä")
        conn.execute_many([("PUBLISH", "ch", "ä"), ("DUMP", "k")])
    assert pushes == [["subscribe", "ch", 1], ["message", "ch", "ä"], ["message", "ch", "ä"]]
