# Written once: tests/threads/test_cluster_failover.py is generated from this file.
"""What happens to the calls of a cluster pool when nodes of a real cluster die, hang, change roles or give slots away.

Bounds are far above what is measured on an idle machine: a node that is up answers, whatever happens to another one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from threading import Thread
from typing import Any

import pytest

from asyncio_.harness import Callers, Signal, now, wait_until
from effort import IS_PROOF
from respool import AsyncClusterPool
from respool._async.shell.compat import pause
from respool.errors import ClusterDown, ConnectFailed, Error, OutcomeUnknown, TransportError
from respool.testing import ClusterNode, ClusterServers

#: Longer than any failover takes, in seconds.
FAILOVER = 25.0
#: The longest that a call may take whose node is not concerned, on a busy machine.
UNDISTURBED = 1.5

KEYS = [f"key:{number}" for number in range(24)]


@pytest.fixture(scope="module", params=["valkey", "redis-server"] if IS_PROOF else ["valkey"])
def running_cluster(request: pytest.FixtureRequest) -> Generator[ClusterServers, None, None]:
    with ClusterServers(binary=None if request.param == "valkey" else request.param) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: ClusterServers) -> Generator[ClusterServers, None, None]:
    """A cluster of three primaries with a replica each, whole and empty."""
    yield running_cluster
    for node in running_cluster.nodes:
        if node.is_paused:
            node.resume()
        node.start()
    running_cluster.wait_agreed()
    for node in running_cluster.primaries:
        node.command("FLUSHALL")


@pytest.fixture
async def pool(cluster: ClusterServers) -> AsyncIterator[AsyncClusterPool[str]]:
    async with AsyncClusterPool(cluster.url, encoding="utf-8") as opened:
        yield opened


class Load:
    """Callers that count up, each its own key, until they are stopped."""

    def __init__(self, pool: AsyncClusterPool[str], callers: Callers) -> None:
        self.stop = Signal()
        #: For each key, how often INCR was answered, and what else it ended in.
        self.answered = dict.fromkeys(KEYS, 0)
        self.failed: dict[str, list[Error]] = {key: [] for key in KEYS}
        #: The longest that a call took, in seconds.
        self.longest = dict.fromkeys(KEYS, 0.0)
        for key in KEYS:
            callers.start(self._count, pool, key)

    async def _count(self, pool: AsyncClusterPool[str], key: str) -> None:
        while not self.stop.is_set:
            began = now()
            try:
                await pool.incr(key)
            except Error as error:
                self.failed[key].append(error)
            else:
                self.answered[key] += 1
            self.longest[key] = max(self.longest[key], now() - began)
            await pause(0.002)

    async def is_running(self) -> None:
        """Wait until every caller has been answered once more."""
        before = self.answered.copy()
        await wait_until(lambda: all(self.answered[key] > before[key] for key in KEYS), FAILOVER)

    def outcomes(self, keys: list[str]) -> set[str]:
        return {type(error).__name__ for key in keys for error in self.failed[key]}


def split(cluster: ClusterServers, node: ClusterNode) -> tuple[list[str], list[str]]:
    """Return the keys of a node, and those of the others."""
    own = [key for key in KEYS if cluster.owner_of(key) is node]
    return own, [key for key in KEYS if key not in own]


async def while_(work: Any, *args: Any, **options: Any) -> None:
    """Change the cluster in a thread, while the callers go on."""
    thread = Thread(target=work, args=args, kwargs=options)
    thread.start()
    await wait_until(lambda: not thread.is_alive(), 60.0)
    thread.join()


def total(cluster: ClusterServers, keys: list[str]) -> dict[str, int]:
    return {key: int(cluster.owner_of(key).command("GET", key) or 0) for key in keys}


async def test_when_a_primary_dies_the_others_are_not_disturbed_and_its_slots_come_back(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers, figure: Any
) -> None:
    victim = cluster.owner_of(KEYS[0])
    heir = cluster.replicas_of(victim)[0]
    own, others = split(cluster, victim)
    load = Load(pool, callers)
    await load.is_running()
    victim.kill()
    await wait_until(lambda: heir.command("ROLE")[0] == b"master", FAILOVER)
    promoted = now()
    before = load.answered.copy()
    await wait_until(lambda: any(load.answered[key] > before[key] for key in own), FAILOVER)
    took = now() - promoted
    await load.is_running()
    load.stop.set()
    await callers.results()
    figure("P-16", "slots of a dead primary are served again after its replica was promoted and, s", took, most=True)
    slowest = max(load.longest[key] for key in others)
    figure("P-16", "longest call to another node meanwhile, s", slowest, most=True)
    assert took < 5.0
    assert load.outcomes(others) == set()
    assert slowest < UNDISTURBED
    assert load.outcomes(own) <= {"OutcomeUnknown", "ConnectFailed", "ClusterDown", "ConnectTimeout"}
    assert pool.stats().retries_refused < 100


async def test_a_restart_of_one_node_costs_reads_nothing(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    stop = Signal()

    async def read(key: str) -> int:
        count = 0
        while not stop.is_set:
            await pool.get(key)
            count += 1
            await pause(0.002)
        return count

    readers = [callers.start(read, key) for key in KEYS]
    victim = cluster.owner_of(KEYS[0])
    leases = [await pool.acquire(key=KEYS[0]) for _ in range(5)]
    for lease in leases:
        pool.release(lease)
    victim.kill()
    victim.start()
    await wait_until(lambda: victim.command("CLUSTER", "INFO").startswith(b"cluster_state:ok"), FAILOVER)
    assert await pool.get(KEYS[0]) is None
    stop.set()
    counts = [await reader.result() for reader in readers]
    assert min(counts) > 0


async def test_a_primary_that_hung_acknowledges_nothing_after_its_replica_was_promoted(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    key = KEYS[0]
    victim = cluster.owner_of(key)
    replica = cluster.replicas_of(victim)[0]
    await pool.set(key, "before")
    await wait_until(lambda: replica.command("DBSIZE") == 1)
    victim.pause()
    late = callers.start(pool.set, key, "lost")
    await wait_until(lambda: replica.command("ROLE")[0] == b"master", FAILOVER)
    await wait_until(lambda: late.is_done, FAILOVER)
    assert isinstance(await late.outcome(), OutcomeUnknown)
    victim.resume()
    assert await pool.get(key) == "before"
    assert await pool.set(key, "after") is True
    assert replica.command("GET", key) == b"after"


async def test_a_planned_failover_costs_no_call_and_no_count(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    load = Load(pool, callers)
    await load.is_running()
    await while_(cluster.failover, cluster.owner_of(KEYS[0]))
    await load.is_running()
    load.stop.set()
    await callers.results()
    unknown = {key: sum(isinstance(error, OutcomeUnknown) for error in load.failed[key]) for key in KEYS}
    assert load.outcomes(KEYS) <= {"OutcomeUnknown"}
    counted = total(cluster, KEYS)
    for key in KEYS:
        assert load.answered[key] <= counted[key] <= load.answered[key] + unknown[key]


@pytest.mark.parametrize("atomic", [False, True])
async def test_slots_that_move_under_load_cost_no_call_and_no_count(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers, *, atomic: bool
) -> None:
    if atomic and not (cluster.binary.flavor == "valkey" and cluster.binary.version >= (9,)):
        pytest.skip("this server does not move slots by itself")
    source = cluster.owner_of(KEYS[0])
    own, _ = split(cluster, source)
    slots = sorted({cluster.slot_of(key) for key in own})
    target = next(node for node in cluster.primaries if node is not source)
    load = Load(pool, callers)
    await load.is_running()
    await while_(cluster.move_slots, slots, target, atomic=atomic)
    await load.is_running()
    load.stop.set()
    await callers.results()
    assert load.outcomes(KEYS) == set()
    assert total(cluster, KEYS) == load.answered
    assert pool.stats().retries == 0
    cluster.move_slots(slots, source)


async def test_what_is_sent_without_a_reply_is_not_lost_while_its_slot_moves(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    key = KEYS[0]
    source, slot = cluster.owner_of(key), cluster.slot_of(key)
    target = next(node for node in cluster.primaries if node is not source)
    moving = callers.start(while_, cluster.move_slots, slot, target)
    for _ in range(1000):
        await pool.execute_noreply("INCR", key)
        await pause(0.0002)
    await wait_until(lambda: moving.is_done, FAILOVER)
    await wait_until(lambda: cluster.owner_of(key).command("GET", key) == b"1000")
    cluster.move_slots(slot, source)


async def test_a_transaction_follows_a_slot_that_moves(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    here, there = "{tag}here", "{tag}there"
    source, slot = cluster.owner_of(here), cluster.slot_of(here)
    target = next(node for node in cluster.primaries if node is not source)
    await pool.mset({here: 1, there: 1})
    cluster.begin_migration(slot, target, moved=[there])
    assert await pool.execute_many([("INCR", there), ("GET", there)], atomic=True) == [2, "2"]  # by ASK
    mixed = callers.start(pool.execute_many, [("INCR", here), ("INCR", there)], atomic=True)  # no node has both
    await pause(0.05)
    assert not mixed.is_done
    cluster.finish_migration(slot)
    assert await mixed.result() == [2, 3]
    cluster.move_slots(slot, source)


@pytest.mark.parametrize("how", ["reshard", "failover"])
async def test_a_blocking_command_keeps_its_own_time_and_finds_its_key(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers, how: str
) -> None:
    key = "list"
    source = cluster.owner_of(key)
    target = next(node for node in cluster.primaries if node is not source)
    began = now()
    popped = callers.start(pool.blpop, key, timeout=20)
    empty = callers.start(pool.blpop, "{list}other", timeout=3)
    await wait_until(lambda: b"blocked_clients:2" in source.command("INFO", "clients"))
    if how == "reshard":
        cluster.move_slots(cluster.slot_of(key), target)
    else:
        target = cluster.failover(source)
    await wait_until(lambda: b"blocked_clients:0" not in target.command("INFO", "clients"), FAILOVER)
    target.command("LPUSH", key, "value")
    assert await popped.result() == ("list", "value")
    assert await empty.result() is None
    assert 2.9 < now() - began < 8.0
    if how == "reshard":
        cluster.move_slots(cluster.slot_of(key), source)


async def test_a_cluster_whose_nodes_were_all_gone_is_found_again(
    cluster: ClusterServers, pool: AsyncClusterPool[str], callers: Callers
) -> None:
    for node in cluster.nodes:
        node.kill()
    with pytest.raises(TransportError):
        await pool.execute("SET", "key", "lost", timeout=3)
    for node in cluster.nodes:
        node.start()
    await while_(cluster.wait_agreed)

    async def set_again() -> bool:
        try:
            return await pool.using(timeout=2).set("key", "value")
        except (ConnectFailed, ClusterDown):
            return False

    began = now()
    while not await set_again():
        assert now() - began < FAILOVER
        await pause(0.05)
    assert await pool.get("key") == "value"
