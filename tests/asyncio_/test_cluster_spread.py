# Written once: tests/threads/test_cluster_spread.py is generated from this file.
"""A run over the nodes of a cluster is checked before any of it is sent, and its replies come in its order."""

from __future__ import annotations

import pytest

from respool import AsyncClusterPool
from respool.errors import UsageError
from respool.testing import FakeCluster

KEYS = [f"key {number}" for number in range(60)]


async def test_a_run_that_cannot_be_sent_is_sent_to_nobody() -> None:
    with FakeCluster() as cluster:
        async with AsyncClusterPool(cluster.url) as pool:
            run: list[tuple[object, ...]] = [("SET", key, "value") for key in KEYS]
            with pytest.raises(UsageError, match="argument 2 of SET is list"):
                await pool.execute_many([*run, ("SET", "last", ["value"])])
            with pytest.raises(UsageError, match="an argument of SET cannot be encoded"):
                await pool.execute_many([*run, ("SET", "no text: \ud800", "value")])
        assert cluster.count("SET") == 0


async def test_replies_and_errors_come_in_the_order_of_the_run() -> None:
    with FakeCluster() as cluster:
        async with AsyncClusterPool(cluster.url) as pool:
            await pool.execute_many([("SET", key, f"value of {key}") for key in KEYS])
            run = [("INCR", key) if key == KEYS[7] else ("GET", key) for key in KEYS]
            replies = await pool.execute_many([*run, ("MGET", *KEYS)])
            expected = [f"value of {key}".encode() for key in KEYS]
            assert replies.pop() == expected
            assert isinstance(replies[7], Exception)
            assert replies[:7] + replies[8:] == expected[:7] + expected[8:]


async def test_text_in_every_encoding_and_numbers_are_sent() -> None:
    with FakeCluster() as cluster:
        async with AsyncClusterPool(cluster.url, encoding="latin-1") as pool:
            assert (
                await pool.execute_many([("SET", "ä", "ö"), ("SET", "number", 7), ("SET", b"bytes", b"\xff")])
                == ["OK"] * 3
            )
            assert await pool.execute_many([("GET", b"\xe4"), ("GET", "number"), ("GET", "bytes")]) == ["ö", "7", "ÿ"]
