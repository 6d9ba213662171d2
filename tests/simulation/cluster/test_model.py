"""The model of a cluster does what real clusters do. What a node answers for other slots is tested with its rules."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from respool import AsyncConnection
from respool._facts.slots import slot_of
from respool.errors import ServerError, TransactionAborted
from respool.testing._fake_routing import Flavor

from .node import Node
from .stage import ClusterStage

KEY = b"n:1"


def _connection(node: Node) -> AsyncConnection[bytes]:
    host, port = node.address
    return AsyncConnection(host=host, port=port)


async def _code(conn: AsyncConnection[bytes], *args: Any) -> str:
    """Return the first word of the error that a command is answered with."""
    with pytest.raises(ServerError) as caught:
        await conn.execute(*args)
    return caught.value.code


def test_a_primary_that_hangs_acknowledges_a_write_that_is_lost_before_it_learns_of_its_successor() -> None:
    stage = ClusterStage()
    old, _, new, _ = stage.nodes
    world = stage.world

    async def story() -> None:
        async with _connection(old) as conn, _connection(new) as other:
            assert await conn.execute("INCR", KEY) == 1
            world.after(0.1, setattr, old, "is_hung", True)
            world.after(1.0, lambda: stage.cluster.promote(new, is_planned=False))
            world.after(2.0, old.wake_up)
            world.after(2.0, stage.cluster.mend, old)
            await asyncio.sleep(0.5)
            assert await conn.execute("INCR", KEY) == 2
            assert await other.execute("GET", KEY) == b"1"
            await asyncio.sleep(0.1)
            assert await _code(conn, "INCR", KEY) == "MOVED"
            assert old.data[0] == {KEY: b"1"}
        assert (stage.cluster.increments[KEY], stage.cluster.lost_increments[KEY]) == (2, 1)

    stage.run(story())


def test_a_failover_that_was_asked_for_loses_nothing() -> None:
    stage = ClusterStage()
    stage.cluster.lags.replication = 60.0
    old, _, new, _ = stage.nodes

    async def story() -> None:
        async with _connection(old) as conn, _connection(new) as other:
            assert await conn.execute("INCR", KEY) == 1
            stage.cluster.promote(new, is_planned=True)
            assert await other.execute("INCR", KEY) == 2
            assert await _code(conn, "GET", KEY) == "MOVED"
        assert not stage.cluster.lost_increments[KEY]

    stage.run(story())


def test_what_a_replica_has_not_got_is_lost_when_its_primary_crashes() -> None:
    stage = ClusterStage()
    stage.cluster.lags.replication = 60.0
    old, _, new, _ = stage.nodes

    async def story() -> None:
        async with _connection(old) as conn:
            assert await conn.execute("INCR", KEY) == 1
        old.is_down = True
        old.stop("refuse", politely=False)
        stage.cluster.promote(new, is_planned=False)
        async with _connection(new) as conn:
            assert await conn.execute("GET", KEY) is None
        assert stage.cluster.lost_increments[KEY] == 1

    stage.run(story())


@pytest.mark.parametrize("flavor", ["redis", "valkey"])
def test_a_transaction_over_a_moving_slot_is_refused_as_each_server_does(flavor: Flavor) -> None:
    stage = ClusterStage(flavor=flavor)
    source, target, *_ = stage.nodes

    async def story() -> None:
        stage.cluster.begin_move(slot_of(KEY), target)
        async with _connection(source) as conn, _connection(target) as other:
            assert await _code(conn, "INCR", KEY) == "ASK"
            await conn.execute("MULTI")
            if flavor == "redis":
                assert await _code(conn, "INCR", KEY) == "ASK"
                with pytest.raises(TransactionAborted):
                    await conn.execute("EXEC")
            else:
                assert await conn.execute("INCR", KEY) == b"QUEUED"
                assert await _code(conn, "EXEC") == "ASK"
            assert await other.execute("ASKING") == b"OK"
            assert await other.execute("INCR", KEY) == 1
            assert await _code(other, "INCR", KEY) == "MOVED"
            stage.cluster.give([slot_of(KEY)], source, target, at_once=True)
            assert await other.execute("INCR", KEY) == 2
            assert await _code(conn, "INCR", KEY) == "MOVED"

    stage.run(story())


@pytest.mark.parametrize(("flavor", "code"), [("redis", "UNBLOCKED"), ("valkey", "MOVED")])
def test_a_blocked_client_is_told_when_its_primary_becomes_a_replica(flavor: Flavor, code: str) -> None:
    stage = ClusterStage(flavor=flavor)
    old, _, new, _ = stage.nodes

    async def story() -> None:
        async with _connection(old) as conn:
            stage.world.after(1.0, lambda: stage.cluster.promote(new, is_planned=True))
            assert await _code(conn, "BLPOP", KEY, 5) == code

    stage.run(story())
