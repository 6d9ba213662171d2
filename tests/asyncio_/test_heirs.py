# Written once: tests/threads/test_heirs.py is generated from this file.
"""What concerns all primaries of a cluster, and is refused by one that was demoted, goes to its heir.

``stall_after=None``: a machine that stands still for a second makes a node look silent. Then the pool looks for an heir
before the node has refused anything, and cuts it while a write is on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import Callers, now, wait_until
from respool import AsyncClusterPool
from respool._facts.slots import key_of
from respool.errors import ConnectFailed, Error, PoolClosed, ReadOnly
from respool.testing import FakeCluster, FakeClusterNode, Hold

READONLY = b"-READONLY You can't write against a read only replica.\r\n"
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    """Three primaries; the first has a replica."""
    with FakeCluster(3) as cluster:
        cluster.add_node(cluster.nodes[0])
        yield cluster


def counts(cluster: FakeCluster, name: str) -> list[int]:
    return [len(node.calls(name)) for node in cluster.nodes]


@LANES
async def test_what_concerns_all_primaries_goes_to_the_heir_of_one_that_was_demoted(
    cluster: FakeCluster, shared: int
) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared, stall_after=None) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        old, *_, heir = cluster.nodes
        assert cluster.failover(old) is heir
        assert await pool.execute("FLUSHALL") == b"OK"
        assert [node.data for node in cluster.nodes] == [{}] * 4
        assert counts(cluster, "FLUSHALL")[1:] == [1, 1, 1]
        refused = len(old.calls("FLUSHALL"))
        assert await pool.execute("FLUSHALL") == b"OK"
        assert len(old.calls("FLUSHALL")) == refused, "the map knows better by now"


async def test_in_a_pipeline_only_what_was_refused_is_sent_again(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, stall_after=None) as pool:
        keys = [key_of(slot) for slot in (0, 8000, 16000)]
        await pool.mset(dict.fromkeys(keys, 1))
        cluster.failover(cluster.nodes[0])
        replies = await pool.execute_many([("INCR", keys[1]), ("FLUSHALL",), ("INCR", keys[2]), ("PING",)])
        assert replies == [2, b"OK", 1, b"PONG"]
        assert counts(cluster, "INCR") == [0, 1, 1, 0]


async def test_what_is_sent_without_a_reply_goes_to_the_heir_too(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, stall_after=None) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        cluster.failover(cluster.nodes[0])
        await pool.execute_noreply("FLUSHALL")
        await wait_until(lambda: [node.data for node in cluster.nodes] == [{}] * 4)


async def test_a_node_that_stays_a_replica_is_asked_until_the_time_is_over(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.nodes[0].on("FLUSHALL", READONLY)
        since = now()
        with pytest.raises(ReadOnly) as caught:
            await pool.execute("FLUSHALL", timeout=0.5)
        assert now() - since < 2.0
        assert "2 of the 3 parts of FLUSHALL ran" in caught.value.__notes__
        assert counts(cluster, "FLUSHALL")[1:] == [1, 1, 0]
        assert len(cluster.nodes[0].calls("FLUSHALL")) < 50, "with pauses"


async def test_closing_the_pool_ends_what_waits_for_an_heir(callers: Callers, cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.nodes[0].on("FLUSHALL", READONLY)
        call = callers.start(pool.execute, "FLUSHALL")
        await wait_until(lambda: counts(cluster, "FLUSHALL")[:3] == [1, 1, 1])
        since = now()
        await pool.aclose()
        assert isinstance(await call.outcome(), PoolClosed)
        assert now() - since < 1.0


async def test_a_script_that_says_readonly_may_have_run_and_is_not_sent_again(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.on("EVAL", READONLY)
        (reply,) = await pool.execute_many([("EVAL", "return 1", 0)])
        assert isinstance(reply, ReadOnly)
        assert cluster.count("EVAL") == 1


async def stop(node: FakeClusterNode, pool: Any) -> None:
    """Stop a node that was up, and let the pool notice that. For one that was never up, callers wait for one dial."""
    address = (node.host, node.port)
    await pool.execute("PING", node=address)
    node.stop()
    with pytest.raises(Error):
        await pool.execute("PING", node=address, timeout=0.1)


async def test_what_waits_for_a_primary_that_loses_its_role_goes_to_its_heir(
    callers: Callers, cluster: FakeCluster
) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0) as pool:
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        old = cluster.nodes[0]
        await stop(old, pool)
        call = callers.start(pool.execute, "FLUSHALL")
        await wait_until(lambda: counts(cluster, "FLUSHALL") == [0, 1, 1, 0])
        cluster.failover(old)
        await pool.get(key_of(0))  # a node says MOVED: now the map has the heir
        assert await call.result() == b"OK"
        assert counts(cluster, "FLUSHALL") == [0, 1, 1, 1]


async def test_what_waits_for_any_node_that_changes_its_role_goes_to_that_node(
    callers: Callers, cluster: FakeCluster
) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0, read_from="replica") as pool:
        cluster.on("SCRIPT LOAD", b"$1\r\nx\r\n")
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        replica = cluster.nodes[3]
        await stop(replica, pool)
        call = callers.start(pool.execute, "SCRIPT", "LOAD", "return 1")
        await wait_until(lambda: counts(cluster, "SCRIPT LOAD") == [1, 1, 1, 0])
        replica.on("HELLO", Hold(replica.answer))
        replica.start()
        greeted = await wait_until(lambda: len(replica.calls("HELLO")))
        cluster.believe(cluster.view.promoting(replica.id))
        write = callers.start(pool.set, key_of(0), 2)
        await wait_until(lambda: len(replica.calls("HELLO")) > greeted)  # another node said MOVED
        replica.on("HELLO", replica.answer)
        replica.release()
        assert await write.result() is True
        assert await call.result() == b"x"
        assert counts(cluster, "SCRIPT LOAD") == [1, 1, 1, 1]


async def test_a_node_that_has_left_without_an_heir_is_an_error(callers: Callers, cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=20.0) as pool:
        empty = cluster.add_node()
        cluster.move_slots(0, empty)
        await pool.mset({key_of(slot): 1 for slot in (0, 8000, 16000)})
        await stop(empty, pool)
        call = callers.start(pool.execute, "FLUSHALL")
        await wait_until(lambda: sum(counts(cluster, "FLUSHALL")) == 3)
        cluster.move_slots(0, cluster.nodes[1])
        cluster.remove_node(empty)
        error = await call.outcome()
        assert isinstance(error, ConnectFailed)
        assert "not in service" in str(error)
        assert error.executed == "unknown", "three parts ran"
