# Written once: tests/threads/test_cluster_scripts.py is generated from this file.
"""Scripts of pools of several nodes: each node gets a script when it is called there, whoever the node is by now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from asyncio_.harness import now, wait_until
from effort import IS_PROOF
from respool import AsyncClusterPool, AsyncHashPool, AsyncSentinelPool
from respool._async.shell.compat import pause
from respool.errors import ConnectFailed, CrossSlot, ServerError, UsageError, UsageTypeError
from respool.testing import ClusterNode, ClusterServers, SentinelServers, Server
from sentinels import servers_of

COUNT = "return redis.call('INCR', KEYS[1])"
LOOK = "return redis.call('GET', KEYS[1])"
SHOW = "return ARGV[1]"
LIBRARY = """#!lua name=counting
redis.register_function('count', function(keys) return redis.call('INCR', keys[1]) end)
redis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end,
                        flags={'no-writes'}}
"""
FAILOVER = 25.0
#: A key of each of three primaries: their slots are 2592, 6657, 14915.
THREE = ["key:0", "key:1", "key:3"]
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])


@pytest.fixture(scope="module", params=["valkey", "redis-server"] if IS_PROOF else ["valkey"])
def running_cluster(request: pytest.FixtureRequest) -> Generator[ClusterServers, None, None]:
    with ClusterServers(binary=None if request.param == "valkey" else request.param) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: ClusterServers) -> Generator[ClusterServers, None, None]:
    """A cluster of three primaries with a replica each, without keys and scripts."""
    for node in running_cluster.nodes:
        node.command("SCRIPT", "FLUSH")
        node.command("CONFIG", "RESETSTAT")
    for node in running_cluster.primaries:
        node.command("FLUSHALL")
        node.command("FUNCTION", "FLUSH")
    yield running_cluster
    for node in running_cluster.nodes:
        node.start()
    running_cluster.wait_agreed()


@pytest.fixture
async def pool(cluster: ClusterServers) -> AsyncIterator[AsyncClusterPool[str]]:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as opened:
        yield opened


def calls(nodes: list[Any], name: str) -> list[int]:
    """Return how often each node has run a command since its statistics were reset."""
    found = [node.info("commandstats").get(f"cmdstat_{name}", "calls=0,") for node in nodes]
    return [int(line.partition("calls=")[2].partition(",")[0]) for line in found]


def primaries(cluster: ClusterServers) -> list[ClusterNode]:
    """Return the primaries of the three keys, in their order."""
    return [cluster.owner_of(key) for key in THREE]


def elsewhere(cluster: ClusterServers, key: str) -> ClusterNode:
    """Return a primary that does not serve a key."""
    return next(node for node in primaries(cluster) if node is not cluster.owner_of(key))


# Calls ------------------------------------------------------------------------------------------------------


async def test_each_node_gets_a_script_when_it_is_called_there(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    for number in range(1, 4):
        assert [await count(keys=[key]) for key in THREE[:2]] == [number, number]
    assert calls(primaries(cluster), "script|load") == [1, 1, 0]
    assert calls(primaries(cluster), "evalsha") == [4, 4, 0]
    assert await count(keys=[THREE[2]]) == 1
    assert calls(primaries(cluster), "script|load") == [1, 1, 1]
    assert pool.stats().retries == 0


async def test_a_node_that_forgot_its_scripts_gets_them_again_and_runs_each_call_once(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    for number in range(1, 6):
        assert [await count(keys=[key]) for key in THREE] == [number] * 3
        primaries(cluster)[number % 3].command("SCRIPT", "FLUSH")
    assert pool.stats().retries == 0


@LANES
async def test_a_script_follows_its_slot_to_a_node_that_does_not_know_it(cluster: ClusterServers, shared: int) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        count = pool.script(COUNT)
        slot, owner = cluster.slot_of(THREE[0]), cluster.owner_of(THREE[0])
        assert await count(keys=[THREE[0]]) == 1
        cluster.move_slots(slot, elsewhere(cluster, THREE[0]))
        assert await count(keys=[THREE[0]]) == 2
        cluster.move_slots(slot, owner)
        assert await count(keys=[THREE[0]]) == 3


@LANES
async def test_a_script_goes_where_ask_says_and_brings_its_text_along(cluster: ClusterServers, shared: int) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        count, key = pool.script(COUNT), THREE[1]
        slot, owner, target = cluster.slot_of(key), cluster.owner_of(key), elsewhere(cluster, key)
        assert await count(keys=[key]) == 1
        cluster.begin_migration(slot, target, moved=[key])
        assert await count(keys=[key]) == 2  # NOSCRIPT behind ASKING
        assert await count(keys=[key]) == 3
        target.command("SCRIPT", "FLUSH")
        async with pool.pipeline() as pipe:
            counts = [pipe.script(count, keys=[each]) for each in (key, THREE[0], key)]
        assert [each.result() for each in counts] == [4, 1, 5]
        target.command("SCRIPT", "FLUSH")
        async with pool.pipeline(atomic=True) as pipe:
            counts = [pipe.script(count, keys=[key]) for _ in range(2)]
        assert [each.result() for each in counts] == [6, 7]
        cluster.finish_migration(slot)
        cluster.move_slots(slot, owner)


async def test_the_replica_that_takes_over_gets_the_script(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    count = pool.script(COUNT)
    assert await count(keys=[THREE[2]]) == 1
    cluster.failover(cluster.owner_of(THREE[2]))
    assert await count(keys=[THREE[2]]) == 2
    async with pool.pipeline() as pipe:
        counts = [pipe.script(count, keys=[key]) for key in THREE]
    assert [each.result() for each in counts] == [1, 1, 3]


@pytest.mark.parametrize("read_from", ["replica", "any"])
async def test_replicas_run_scripts_that_only_read_and_get_them_one_by_one(
    cluster: ClusterServers, read_from: Any
) -> None:
    replicas = [cluster.replicas_of(node)[0] for node in primaries(cluster)]
    async with AsyncClusterPool(cluster.url, encoding="utf-8", read_from=read_from, shared=1) as pool:
        for key in THREE:
            await pool.set(key, key)
        await wait_until(lambda: [node.command("DBSIZE") for node in replicas] == [1, 1, 1])
        await wait_until(lambda: pool.size == 6, FAILOVER)  # a replica that is not up gets no reads
        look, count = pool.script(LOOK, readonly=True), pool.script(COUNT)
        nodes = primaries(cluster) + replicas
        for _ in range(60):  # it takes two reads of a node before one of them loads the script there, on average
            assert [await look(keys=[key]) for key in THREE] == THREE
        at_primaries, at_replicas = calls(primaries(cluster), "evalsha_ro"), calls(replicas, "evalsha_ro")
        assert (sum(at_replicas) > 180 / 4, sum(at_primaries) > 0) == (True, read_from == "any")
        asked = nodes if read_from == "any" else replicas
        assert [node.command("SCRIPT", "EXISTS", look.sha) for node in asked] == [[1]] * len(asked)
        for node in nodes:
            node.command("SCRIPT", "FLUSH")
        async with pool.pipeline() as pipe:
            looked = [pipe.script(look, keys=[key]) for key in THREE]
        assert [each.result() for each in looked] == THREE
        assert await count(keys=["{" + THREE[0] + "}n"]) == 1
        assert calls(replicas, "evalsha") == [0, 0, 0]


async def test_a_script_without_keys_runs_at_any_primary_or_at_the_node_that_is_named(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    show = pool.script(SHOW)
    for _ in range(10):
        assert await show(args=["x"]) == "x"
    replica = cluster.replicas_of(primaries(cluster)[0])[0]
    at_replica = pool.using(node=(replica.host, replica.port))
    assert await at_replica.script(SHOW, readonly=True)(args=["y"], timeout=5.0) == "y"
    assert calls([replica], "evalsha_ro") == [2]


async def test_a_script_with_keys_in_several_slots_is_refused_before_anything_is_sent(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    with pytest.raises(CrossSlot, match="the keys of EVALSHA are in 2 slots"):
        await pool.script(COUNT)(keys=THREE[:2])
    assert calls(primaries(cluster), "evalsha") == [0, 0, 0]


async def test_a_lease_of_a_cluster_runs_scripts(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    async with pool.acquire(key=THREE[0]) as lease:
        count = lease.script(COUNT)
        assert await count(keys=[THREE[0]]) == 1
        await lease.watch(THREE[0])
        async with lease.pipeline(atomic=True) as pipe:
            counted = pipe.script(count, keys=[THREE[0]])
        assert counted.result() == 2


# Pipelines --------------------------------------------------------------------------------------------------


@LANES
async def test_a_pipeline_over_several_nodes_loads_a_script_once_at_each(cluster: ClusterServers, shared: int) -> None:
    async with AsyncClusterPool(cluster.url, encoding="utf-8", shared=shared) as pool:
        count, show = pool.script(COUNT), pool.script(SHOW)
        async with pool.pipeline() as pipe:
            counts = [pipe.script(count, keys=[key]) for _ in range(4) for key in THREE[:2]]
            shown = pipe.script(show, args=["x"])
            got = pipe.mget(*THREE)
        assert [each.result() for each in counts] == [1, 1, 2, 2, 3, 3, 4, 4]
        assert (shown.result(), got.result()) == ("x", ["4", "4", None])
        assert calls(primaries(cluster), "script|load") == [1, 2, 0]


async def test_a_pipeline_over_several_nodes_needs_no_node_to_know_its_scripts(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    for number in range(1, 5):
        async with pool.pipeline() as pipe:
            counts = [pipe.script(count, keys=[key]) for key in THREE]
        assert [each.result() for each in counts] == [number] * 3
        primaries(cluster)[number % 3].command("SCRIPT", "FLUSH")


async def test_a_big_pipeline_over_several_nodes_brings_its_scripts_along(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    async with pool.pipeline() as pipe:
        counts = [pipe.script(count, keys=[key]) for _ in range(1500) for key in THREE]
    assert [each.result() for each in counts] == [number for number in range(1, 1501) for _ in THREE]
    assert calls(primaries(cluster), "script|load") == [1, 1, 1]


async def test_a_pipeline_whose_slot_has_moved_brings_its_script_to_the_new_node(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count, slot, owner = pool.script(COUNT), cluster.slot_of(THREE[0]), cluster.owner_of(THREE[0])
    assert await pool.get(THREE[0]) is None
    cluster.move_slots(slot, elsewhere(cluster, THREE[0]))
    async with pool.pipeline() as pipe:
        counts = [pipe.script(count, keys=[THREE[0]]) for _ in range(3)]
    assert [each.result() for each in counts] == [1, 2, 3]
    cluster.move_slots(slot, owner)


async def test_an_atomic_pipeline_in_a_cluster_sends_the_texts(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    async with pool.pipeline(atomic=True) as pipe:
        counts = [pipe.script(count, keys=[THREE[1]]) for _ in range(2)]
    assert [each.result() for each in counts] == [1, 2]
    assert calls(primaries(cluster), "eval") == [0, 2, 0]
    assert calls(primaries(cluster), "evalsha") == [0, 0, 0]


async def test_a_script_that_cannot_be_compiled_is_an_error_at_each_node(pool: AsyncClusterPool[str]) -> None:
    pipe = pool.pipeline(raise_errors=False)
    bad = pool.script("retur 1")
    for key in THREE:
        pipe.script(bad, keys=[key])
    pipe.get(THREE[0])
    *failed, got = await pipe.send()
    assert got is None
    assert all(isinstance(error, ServerError) and "Error compiling script" in str(error) for error in failed)


async def test_after_a_primary_died_its_script_goes_on_at_the_new_one(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    count = pool.script(COUNT)
    victim = cluster.owner_of(THREE[0])
    heir = cluster.replicas_of(victim)[0]
    assert await count(keys=[THREE[0]]) == 1
    await wait_until(lambda: int(heir.command("DBSIZE")) == 1)
    victim.kill()
    await wait_until(lambda: heir.command("ROLE")[0] == b"master", FAILOVER)
    until, reply = now() + FAILOVER, None
    while reply is None and now() < until:
        try:
            reply = await count(keys=[THREE[0]], timeout=FAILOVER)
        except ConnectFailed:  # the pool has not heard of the new primary yet
            await pause(0.05)
    assert (reply, calls([heir], "script|load")) == (2, [1])


# Functions --------------------------------------------------------------------------------------------------


async def test_a_library_is_loaded_at_all_primaries_and_called_where_its_keys_are(
    cluster: ClusterServers, pool: AsyncClusterPool[str]
) -> None:
    assert await pool.function_load(LIBRARY, replace=True) == "counting"
    assert calls(primaries(cluster), "function|load") == [1, 1, 1]
    assert [await pool.fcall("count", keys=[key]) for key in THREE] == [1, 1, 1]
    assert [await pool.fcall_ro("look", keys=[key]) for key in THREE] == ["1", "1", "1"]
    async with pool.pipeline() as pipe:
        counts = [pipe.fcall("count", keys=[key]) for key in THREE]
    assert [each.result() for each in counts] == [2, 2, 2]
    cluster.failover(cluster.owner_of(THREE[0]))  # replicas have what their primary has
    assert await pool.fcall("count", keys=[THREE[0]]) == 3


async def test_a_library_is_deleted_at_all_primaries(cluster: ClusterServers, pool: AsyncClusterPool[str]) -> None:
    await pool.function_load(LIBRARY, replace=True)
    assert await pool.function_delete("counting")
    assert [node.command("FUNCTION", "LIST") for node in cluster.primaries] == [[], [], []]


# Sentinels and buckets --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentinels() -> Generator[SentinelServers, None, None]:
    yield from servers_of("valkey", replicas=1)


async def test_the_node_that_sentinels_promote_gets_the_script(sentinels: SentinelServers) -> None:
    async with AsyncSentinelPool(sentinels.url) as pool:
        count = pool.script(COUNT)
        assert await count(keys=["k"]) == 1
        promoted = sentinels.failover()
        await wait_until(lambda: pool.primary == (promoted.host, promoted.port), FAILOVER)
        assert await count(keys=["k"], timeout=FAILOVER) == 2
        sentinels.primary.command("SCRIPT", "FLUSH")
        async with pool.pipeline() as pipe:
            counted = pipe.script(count, keys=["k"])
        assert counted.result() == 3
        assert await count(keys=["k"]) == 4


async def test_each_bucket_gets_a_script_when_it_is_called_there() -> None:
    with Server() as one, Server() as two:
        async with AsyncHashPool([one.url, two.url], encoding="utf-8") as pool:
            count, keys = pool.script(COUNT), [f"k{number}" for number in range(8)]
            for number in range(1, 4):
                assert [await count(keys=[key]) for key in keys] == [number] * 8
            one.command("SCRIPT", "FLUSH")
            async with pool.pipeline() as pipe:
                counts = [pipe.script(count, keys=[key]) for key in keys]
            assert [each.result() for each in counts] == [4] * 8
            with pytest.raises(UsageError, match=r"say which one with shard_key= or node="):
                await pool.script(SHOW)(args=["x"])
            assert await pool.using(shard_key="k0").script(SHOW)(args=["x"]) == "x"
            with pytest.raises(UsageTypeError):
                pool.script(7)  # type: ignore[call-overload]
