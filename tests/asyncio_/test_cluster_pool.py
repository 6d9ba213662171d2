# Written once: tests/threads/test_cluster_pool.py is generated from this file.
"""A pool for a real cluster whose nodes are well: what goes where, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from asyncio_.harness import Callers, wait_until
from respool import AsyncClusterPool, AsyncPool, async_from_url, commands
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    CrossSlot,
    Error,
    PoolClosed,
    ServerError,
    UsageError,
    UsageTypeError,
    UsageValueError,
    WrongType,
)
from respool.events import TotalTooSmall
from respool.testing import ClusterNode, ClusterServers, Server

MANY = [f"key:{number}" for number in range(300)]


@pytest.fixture(scope="module")
def running_cluster() -> Generator[ClusterServers, None, None]:
    with ClusterServers(config={"cluster-databases": 16}) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: ClusterServers) -> ClusterServers:
    """An empty cluster of three primaries with a replica each."""
    for node in running_cluster.primaries:
        node.command("FLUSHALL")
    return running_cluster


@pytest.fixture
async def pool(cluster: ClusterServers) -> AsyncIterator[AsyncClusterPool[str]]:
    async with AsyncClusterPool(cluster.url, encoding="utf-8", shared=1) as opened:
        yield opened


def calls(nodes: list[ClusterNode], name: str) -> list[int]:
    """Return how often each node has run a command since the statistics were reset."""
    found = []
    for node in nodes:
        lines = node.command("INFO", "commandstats").decode().splitlines()
        line = next((line for line in lines if line.startswith(f"cmdstat_{name}:")), "calls=0,")
        found.append(int(line.partition("calls=")[2].partition(",")[0]))
    return found


def forget_calls(nodes: list[ClusterNode]) -> None:
    for node in nodes:
        node.command("CONFIG", "RESETSTAT")


# One key --------------------------------------------------------------------------------------------------


async def test_every_key_goes_to_its_node(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    for number, key in enumerate(MANY):
        await pool.set(key, number)
    assert [await pool.get(key) for key in MANY] == [str(number) for number in range(len(MANY))]
    assert sum(node.command("DBSIZE") for node in cluster.primaries) == len(MANY)
    stats = pool.stats()
    assert stats.size == stats.shared == 3
    assert stats.retries == 0
    assert len(stats.nodes) == 3
    assert sum(node.replies for node in stats.nodes.values()) <= stats.replies


async def test_a_seed_under_another_name_is_no_node_of_its_own(cluster: ClusterServers) -> None:
    seed = cluster.nodes[0]
    async with AsyncClusterPool(seeds=[("localhost", seed.port)], shared=1) as pool:
        assert await pool.set("key", "value") is True
        await wait_until(lambda: pool.size == 3)
        assert all(host == "127.0.0.1" for host, _ in pool.nodes)


async def test_a_url_makes_the_pool_of_its_kind(cluster: ClusterServers) -> None:
    made = async_from_url(cluster.url + "?client_name=orders", encoding="utf-8")
    assert isinstance(made, AsyncClusterPool)
    async with made as pool:
        assert await pool.set("key", "value") is True
        assert b"name=orders" in cluster.owner_of("key").command("CLIENT", "LIST")
    assert isinstance(async_from_url(cluster.nodes[0].url), AsyncPool)
    with pytest.raises(UsageValueError, match="ClusterPool"):
        AsyncPool(cluster.url)
    with pytest.raises(UsageValueError, match=r"redis\+cluster://"):
        async_from_url("redis://10.0.0.1:7000,10.0.0.2:7000")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"seeds": "10.0.0.1:7000"}, "list of nodes"),
        ({"seeds": [7000]}, "host:port"),
        ({"seeds": [("10.0.0.1", 0)]}, "65535"),
        ({"seeds": ["10.0.0.1:70000"]}, "host:port"),
        ({"read_from": "everywhere"}, "read_from"),
        ({"max_total": 0}, "max_total"),
        ({"zone": "a"}, "read_from"),
        ({"path": "/run/valkey.sock"}, "TCP"),
        ({"remap": 5}, "remap"),
        ({"seed": ["10.0.0.1:7000"]}, "seeds"),
    ],
)
def test_what_is_wrong_with_options_is_said_at_once(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        AsyncClusterPool(**options)


@pytest.mark.parametrize("key", [None, ["a", "b"], object()])
async def test_a_key_that_cannot_be_sent_is_refused(pool: AsyncClusterPool[str], key: Any) -> None:
    with pytest.raises(UsageTypeError):
        await pool.execute("GET", key)
    with pytest.raises(UsageTypeError):
        await pool.execute_many([("GET", key)])
    assert await pool.get("key") is None


# Many keys ------------------------------------------------------------------------------------------------


async def test_commands_with_keys_everywhere_are_split(pool: AsyncClusterPool[str]) -> None:
    assert await pool.mset({key: number for number, key in enumerate(MANY)}) is True
    twice = [*MANY, *reversed(MANY), "missing"]
    assert await pool.mget(*twice) == [*map(str, range(300)), *map(str, reversed(range(300))), None]
    assert await pool.exists(*MANY, "missing") == 300
    assert await pool.touch(*MANY) == 300
    assert await pool.dbsize() == 300
    assert sorted(await pool.keys("key:*")) == sorted(MANY)
    assert await pool.delete(*MANY[:100]) == 100
    assert await pool.unlink(*MANY) == 200
    assert await pool.dbsize() == 0


async def test_keys_in_several_slots_are_refused_where_nothing_can_be_split(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    await pool.set("a", "value")
    before = [node.command("INFO", "stats") for node in cluster.primaries]
    for call in (
        commands.sinter("a", "b"),
        commands.rename("a", "b"),
        commands.eval("return 1", keys=["a", "b"]),
        commands.bitop("AND", "a", "b"),
    ):
        with pytest.raises(CrossSlot, match="hash tag"):
            await pool.execute(call)
        with pytest.raises(CrossSlot):
            await pool.execute_many([commands.set("a", "new"), call])
    with pytest.raises(CrossSlot):
        await pool.execute_many([("SET", "a", "new"), ("SET", "b", "new")], atomic=True)
    assert len(before) == 3
    assert await pool.get("a") == "value"
    assert await pool.rename("a", "{a}b") is True


async def test_a_pipeline_is_one_write_for_each_node(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    await pool.mset(dict.fromkeys(MANY, "value"))
    reads = pool.stats().replies
    values = await pool.execute_many([*(("GET", key) for key in MANY), ("LPUSH", MANY[0], "x"), ("ECHO", "last")])
    assert values[:-2] == ["value"] * 300
    assert isinstance(values[-2], WrongType)
    assert values[-1] == "last"
    assert pool.stats().replies - reads == 302
    async with pool.pipeline() as pipe:
        first, both = pipe.get(MANY[0]), pipe.mget(MANY[1], "missing")
    assert (first.result(), both.result()) == ("value", ["value", None])


async def test_a_big_pipeline_goes_on_leases(pool: AsyncClusterPool[str]) -> None:
    calls = [("SET", f"key:{number}", number) for number in range(6000)]
    assert await pool.execute_many(calls) == ["OK"] * 6000
    assert await pool.dbsize() == 6000
    assert pool.stats().leases >= 3


# Without keys ---------------------------------------------------------------------------------------------


async def test_what_concerns_one_node_needs_its_name(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    for call in (commands.info(), commands.client_id(), commands.role(), commands.scan(0)):
        with pytest.raises(UsageError, match="node="):
            await pool.execute(call)
    node = cluster.primaries[1]
    place = (node.host, node.port)
    assert int((await pool.using(node=place).info("server"))["tcp_port"]) == node.port
    assert await pool.execute("CLUSTER", "MYID", node=f"{node.host}:{node.port}") == node.id
    assert await pool.execute_many([("CLUSTER", "MYID"), ("PING",)], node=place) == [node.id, "PONG"]
    with pytest.raises(UsageValueError, match="has no node"):
        await pool.execute("PING", node="127.0.0.1:1")
    with pytest.raises(UsageError, match="host:port"):
        await pool.execute("PING", node=7000)
    async with AsyncPool(node.url) as single:
        with pytest.raises(UsageError, match="only one"):
            single.using(node=place)


async def test_commands_for_all_nodes_reach_all_nodes(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    await pool.mset(dict.fromkeys(MANY, "value"))
    sha = await pool.script_load("return KEYS[1]")
    assert [await pool.evalsha(sha, keys=[key]) for key in MANY[:20]] == MANY[:20]
    assert await pool.execute("CONFIG", "SET", "slowlog-max-len", 77) == "OK"
    assert {node.command("CONFIG", "GET", "slowlog-max-len")[1] for node in cluster.nodes} == {b"77"}
    assert await pool.ping() is True
    assert await pool.randomkey() in MANY
    assert await pool.flushall() is True
    assert [node.command("DBSIZE") for node in cluster.primaries] == [0, 0, 0]


# Replicas -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_from", ["primary", "replica", "any"])
async def test_reads_go_where_they_may(cluster: ClusterServers, callers: Callers, read_from: Any) -> None:
    replicas = [replica for node in cluster.primaries for replica in cluster.replicas_of(node)]
    async with AsyncClusterPool(cluster.url, read_from=read_from) as pool:
        await pool.mset(dict.fromkeys(MANY, "value"))
        await wait_until(lambda: sum(node.command("DBSIZE") for node in replicas) == len(MANY))
        await wait_until(lambda: read_from == "primary" or pool.shared == 6)
        forget_calls(cluster.nodes)
        assert [await pool.get(key) for key in MANY] == [b"value"] * 300
        assert await pool.mget(*MANY) == [b"value"] * 300
        assert await pool.incr("counter") == 1
        at_primaries, at_replicas = calls(cluster.primaries, "get"), calls(replicas, "get")
        assert sum(at_primaries) + sum(at_replicas) == 300
        assert (sum(at_primaries) > 0, sum(at_replicas) > 0) == (read_from != "replica", read_from != "primary")
        if read_from == "any":
            assert all(30 < count < 120 for count in (*at_primaries, *at_replicas))
        assert sum(calls(replicas, "incr")) == 1  # replicated: no client sent it there
        assert pool.stats().retries == 0


async def test_a_run_with_a_write_reads_what_it_wrote(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url, read_from="replica") as pool:
        for key in MANY:
            assert await pool.execute_many([("SET", key, "new"), ("GET", key)]) == [b"OK", b"new"]


# Limits, databases, ends ----------------------------------------------------------------------------------


async def test_all_nodes_together_have_no_more_than_max_total(cluster: ClusterServers, callers: Callers) -> None:
    events: list[Any] = []
    async with AsyncClusterPool(cluster.url, max_total=5, listener=events.append) as pool:
        sizes: Counter[int] = Counter()

        async def use(key: str) -> None:
            async with pool.acquire(key=key) as conn:
                await conn.set(key, "value")
                sizes[pool.size] += 1

        for key in MANY[:60]:
            callers.start(use, key)
        await callers.results()
        assert max(sizes) <= 5
        assert await pool.mget(*MANY[:60]) == [b"value"] * 60
    assert not any(isinstance(event, TotalTooSmall) for event in events)
    async with AsyncClusterPool(cluster.url, max_total=2, shared=0, listener=events.append) as pool:
        assert [await pool.get(key) for key in MANY[:30]] == [b"value"] * 30
        assert pool.size <= 2
    assert [(event.max_total, event.nodes) for event in events if isinstance(event, TotalTooSmall)] == [(2, 3)]


async def test_numbered_databases_hold_on_every_node(cluster: ClusterServers) -> None:
    async with AsyncClusterPool(cluster.url.rstrip("/") + "/3") as pool:
        await pool.mset(dict.fromkeys(MANY, "three"))
        assert pool.db == 3
        assert await pool.select(4) is True
        assert await pool.dbsize() == 0
        await pool.set("key", "four")
        with pytest.raises(ServerError):
            await pool.select(400)
        assert (pool.db, await pool.get("key")) == (4, b"four")
    async with AsyncClusterPool(cluster.url) as pool:
        assert await pool.dbsize() == 0


async def test_a_closed_pool_is_closed(cluster: ClusterServers) -> None:
    pool: AsyncClusterPool[Any] = AsyncClusterPool(cluster.url)
    assert await pool.set("key", "value") is True
    assert "open" in repr(pool)
    await pool.aclose()
    await pool.aclose()
    for call in (("GET", "key"), ("MGET", "a", "b"), ("DBSIZE",), ("TIME",)):
        with pytest.raises(PoolClosed):
            await pool.execute(*call)
        with pytest.raises(PoolClosed):
            await pool.execute_many([call, call])
    with pytest.raises(PoolClosed):
        await pool.execute_noreply("SET", "key", "value")
    with pytest.raises(PoolClosed):
        await pool.acquire(key="key")
    assert pool.size == 0
    assert pool.stats().closed == pool.stats().opened


# Who refuses ----------------------------------------------------------------------------------------------


async def test_a_server_that_is_in_no_cluster_says_so_once(server: Server) -> None:
    pool: AsyncClusterPool[Any] = AsyncClusterPool(host=server.host, port=server.port)
    with pytest.raises(ServerError, match=r"cluster support disabled.*use Pool"):
        await pool.open()
    with pytest.raises(ServerError, match="cluster support disabled"):
        await pool.get("key")
    dialed = pool.stats().opened
    await wait_until(lambda: pool.size == 0)
    assert pool.stats().opened == dialed
    await pool.aclose()


async def test_seeds_that_cannot_be_reached_are_all_named() -> None:
    pool: AsyncClusterPool[Any] = AsyncClusterPool(seeds=["127.0.0.1:1", "127.0.0.1:2"])
    with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1:[12]: .*127\.0\.0\.1:[12]: "):
        await pool.get("key")
    await pool.aclose()


async def test_a_wrong_password_is_an_error_of_authentication(cluster: ClusterServers) -> None:
    pool: AsyncClusterPool[Any] = AsyncClusterPool(cluster.url, username="nobody", password="wrong")
    with pytest.raises(AuthenticationFailed):
        await pool.get("key")
    await pool.aclose()


async def test_a_dead_seed_costs_little(cluster: ClusterServers) -> None:
    node = cluster.nodes[0]
    async with AsyncClusterPool(seeds=["127.0.0.1:1", (node.host, node.port)]) as pool:
        assert await pool.set("key", "value") is True


async def test_errors_of_the_server_are_raised_as_they_are(pool: AsyncClusterPool[str]) -> None:
    await pool.set("key", "value")
    with pytest.raises(WrongType) as caught:
        await pool.lpush("key", "x")
    assert isinstance(caught.value, Error)
    assert caught.value.command == "LPUSH"
