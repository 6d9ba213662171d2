# Generated from tests/asyncio_/test_sentinel_buckets.py by tools/generate.py. Do not edit.
"""A pool over buckets whose primaries sentinels name: each bucket follows its own failover, and fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Generator
from threading import Thread
from typing import Any

import pytest

from threads.harness import Callers, now, wait_until
from respool import HashPool
from respool._sync.shell.compat import pause
from respool.errors import ConnectFailed, CrossSlot, Error, PoolClosed, TransportError, UsageError, UsageValueError
from respool.events import Event, PrimaryChanged
from respool.testing import Server
from sentinels import Services

LONG = 30.0
KEYS = [f"key:{number}" for number in range(40)]


@pytest.fixture(scope="module")
def running() -> Generator[Services, None, None]:
    with Services() as services:
        yield services


@pytest.fixture
def services(running: Services) -> Services:
    """Two services that are whole and empty."""
    running.heal()
    for name in running.NAMES:
        running.primary(name).command("FLUSHALL")
        running.primary(name).command("CONFIG", "RESETSTAT")
    return running


@pytest.fixture
def pool(services: Services) -> Iterator[HashPool[str]]:
    with HashPool(["a", "b"], sentinels=services.seeds, encoding="utf-8", client_name="us") as opened:
        yield opened


def keys_of(pool: HashPool[Any], name: str) -> list[str]:
    return [key for key in KEYS if pool.node_of(key) == (name, 0)]


def subscribers(services: Services) -> int:
    """Count the connections called "us" that listen to a sentinel."""
    lines = [line for server in services.sentinels for line in server.command("CLIENT", "LIST").splitlines()]
    return sum(b" name=us " in line and b" sub=0 " not in line for line in lines)


def clients(services: Services) -> int:
    """Count the connections called "us" at all servers."""
    every = [*services.nodes, *services.sentinels]
    return sum(server.command("CLIENT", "LIST").count(b" name=us ") for server in every if server.is_running)


def test_a_key_is_at_the_primary_of_its_bucket(services: Services, pool: HashPool[str]) -> None:
    for key in KEYS:
        assert pool.set(key, key)
    a, b = (services.primary(name) for name in services.NAMES)
    for key in KEYS:
        assert a.command("EXISTS", key) == (pool.node_of(key) == ("a", 0))
        assert b.command("EXISTS", key) == (pool.node_of(key) == ("b", 0))
    assert pool.mget(*KEYS) == KEYS
    assert (pool.dbsize(), pool.nodes) == (len(KEYS), [("a", 0), ("b", 0)])
    assert sorted([key for key in pool.scan_iter()]) == sorted(KEYS)
    assert set(pool.stats().nodes) == {f"{node.host}:{node.port}" for node in (a, b)}
    assert pool.primaries == [(a.host, a.port), (b.host, b.port)]
    assert HashPool(["a", "b"], sentinels=services.seeds).primaries == [None, None]


def test_the_order_of_the_names_decides(services: Services, pool: HashPool[str]) -> None:
    with HashPool(["b", "a"], sentinels=services.seeds, encoding="utf-8") as other:
        pool.set("key:1", 1)
        assert other.get("key:1") is None
        assert pool.node_of("key:1") != other.node_of("key:1")


def test_pipelines_transactions_and_leases_go_to_their_buckets(pool: HashPool[str]) -> None:
    with pool.pipeline() as pipe:
        counts = [pipe.incr(key) for key in KEYS for _ in range(2)]
        size = pipe.dbsize()
    assert [each.result() for each in counts] == [1, 2] * len(KEYS)
    assert size.result() == len(KEYS)
    own = keys_of(pool, "a")[:2]
    assert pool.execute_many([("INCR", key) for key in own], atomic=True) == [3, 3]
    with pytest.raises(CrossSlot, match="2 buckets"):
        pool.execute_many([("INCR", key) for key in KEYS], atomic=True)
    with pool.acquire(node="b") as lease:
        lease.watch(keys_of(pool, "b")[0])
        assert lease.get(keys_of(pool, "b")[0]) == "2"
    with pool.acquire(shard_key=own[0]) as lease:
        assert lease.get(own[0]) == "3"
    pool.execute_noreply("SET", own[0], "x")
    pool.execute_many_noreply([("SET", key, "y") for key in KEYS], node=None)
    wait_until_all(pool, "y")


def wait_until_all(pool: HashPool[str], value: str) -> None:
    """Wait until all keys have a value: they were sent without waiting."""
    ends = now() + 5.0
    while set(pool.mget(*KEYS)) != {value}:
        assert now() < ends


def test_a_call_can_name_its_bucket(services: Services, pool: HashPool[str]) -> None:
    port = (pool.using(node="b").info("server"))["tcp_port"]
    assert port == services.primary("b").port
    assert pool.execute("SET", "odd", "1", node=("a", 0))
    assert services.primary("a").command("GET", "odd") == b"1"
    assert pool.execute("CONFIG", "GET", "port", shard_key=keys_of(pool, "b")[0]) == {"port": str(port)}
    with pytest.raises(UsageValueError, match="the pool has no bucket 'c'; its buckets are a, b"):
        pool.using(node="c")
    with pytest.raises(UsageError, match="shard_key= or node="):
        pool.info()


def test_sentinels_are_heard_once_for_all_buckets(services: Services, pool: HashPool[str]) -> None:
    pool.dbsize()
    wait_until(lambda: subscribers(services) == len(services.sentinels))
    for sentinel in services.sentinels:
        sentinel.command("CLIENT", "KILL", "TYPE", "pubsub")
    wait_until(lambda: subscribers(services) == len(services.sentinels), LONG)
    assert subscribers(services) == len(services.sentinels)


def test_a_failover_of_one_bucket_is_followed_and_the_other_one_notices_nothing(
    services: Services, callers: Callers
) -> None:
    events: list[Event] = []
    with HashPool(["a", "b"], sentinels=services.seeds, listener=events.append, client_name="us") as pool:
        pool.dbsize()
        wait_until(lambda: subscribers(services) == len(services.sentinels))
        load = Load(pool, callers)
        load.is_running(KEYS)
        for name in services.NAMES:
            other = "b" if name == "a" else "a"
            own, others = keys_of(pool, name), keys_of(pool, other)
            longest, failed = dict.fromkeys(others, 0.0), {key: len(load.failed[key]) for key in others}
            load.longest.update(longest)
            while_(services.failover, name)
            promoted = services.primary(name)
            wait_until(lambda there=f"{promoted.host}:{promoted.port}": there in pool.stats().nodes, LONG)
            load.is_running(own)
            assert {len(load.failed[key]) - failed[key] for key in others} == {0}
            assert max(load.longest[key] for key in others) < 1.5
            changes = [event for event in events if isinstance(event, PrimaryChanged)]
            assert changes[-1].new == f"{promoted.host}:{promoted.port}"
            assert name in changes[-1].address
            while_(services.heal)
        load.is_over = True
        callers.results()
        assert all(isinstance(error, TransportError) for key in KEYS for error in load.failed[key])


def while_(work: Any, *args: Any) -> None:
    """Change the servers in a thread, while the callers go on."""
    thread = Thread(target=work, args=args)
    thread.start()
    wait_until(lambda: not thread.is_alive(), 60.0)
    thread.join()


class Load:
    """Callers that count up, each its own key."""

    def __init__(self, pool: HashPool[Any], callers: Callers) -> None:
        self.is_over = False
        self.answered = dict.fromkeys(KEYS, 0)
        self.longest = dict.fromkeys(KEYS, 0.0)
        self.failed: dict[str, list[Error]] = {key: [] for key in KEYS}
        for key in KEYS:
            callers.start(self._count, pool, key)

    def _count(self, pool: HashPool[Any], key: str) -> None:
        while not self.is_over:
            began = now()
            try:
                pool.incr(key)
            except PoolClosed:
                return
            except Error as error:
                self.failed[key].append(error)
            else:
                self.answered[key] += 1
            self.longest[key] = max(self.longest[key], now() - began)
            pause(0.002)

    def is_running(self, keys: list[str]) -> None:
        before = self.answered.copy()
        wait_until(lambda: all(self.answered[key] > before[key] for key in keys), LONG)


def test_a_bucket_whose_primary_died_fails_alone_until_another_one_is_promoted(services: Services) -> None:
    with HashPool(["a", "b"], sentinels=services.seeds, connect_timeout=1.0) as pool:
        a, b = keys_of(pool, "a"), keys_of(pool, "b")
        assert pool.execute_many([("SET", key, key) for key in KEYS]) == [b"OK"] * len(KEYS)
        dead = services.primary("b")
        heir = next(node for node in services.nodes[2:] if node is not dead)
        wait_until(lambda: heir.command("DBSIZE") == len(b))
        dead.kill()
        replies = pool.execute_many([("GET", key) for key in [*a, *b]], timeout=0.5)
        assert replies[: len(a)] == [key.encode() for key in a]
        assert all(isinstance(reply, Error) for reply in replies[len(a) :])
        for key in a:
            assert pool.using(timeout=1.0).get(key) == key.encode()
        wait_until(lambda: services.primary("b") is heir, LONG)
        assert _until_it_is_served(pool, b[0]) == b[0].encode()
        assert pool.execute_many([("GET", key) for key in b]) == [key.encode() for key in b]
        assert pool.mget(*a[:2], *b[:2]) == [key.encode() for key in [*a[:2], *b[:2]]]
        assert pool.dbsize() == len(KEYS)


def _until_it_is_served(pool: HashPool[Any], key: str) -> Any:
    ends = now() + LONG
    while True:
        try:
            return pool.get(key)
        except TransportError:
            assert now() < ends


def test_what_concerns_all_buckets_waits_for_the_primary_of_each(services: Services) -> None:
    with HashPool(["a", "b"], sentinels=services.seeds) as pool:
        pool.mset(dict.fromkeys(KEYS, 1))
        promoted = services.failover("a")
        wait_until(lambda: f"{promoted.host}:{promoted.port}" in pool.stats().nodes, LONG)
        assert pool.dbsize() == len(KEYS)
        assert pool.flushall()
        assert pool.dbsize() == 0


@pytest.mark.parametrize("read_from", ["replica", "any"])
def test_reads_may_go_to_the_replicas_of_each_bucket(services: Services, read_from: Any) -> None:
    with HashPool(["a", "b"], sentinels=services.seeds, read_from=read_from) as pool:
        pool.mset({key: key for key in KEYS})
        replicas = [node for node in services.nodes if node not in [services.primary(name) for name in services.NAMES]]
        wait_until(lambda: sum(node.command("DBSIZE") for node in replicas) == len(KEYS))
        wait_until(lambda: pool.size >= 4, LONG)
        for replica in replicas:
            replica.command("CONFIG", "RESETSTAT")
        assert [pool.get(key) for key in KEYS for _ in range(3)] == [k.encode() for k in KEYS for _ in range(3)]
        assert pool.execute_many([("GET", key) for key in KEYS]) == [key.encode() for key in KEYS]
        served = [runs(replica, "get") for replica in replicas]
        assert all(served)
        assert (sum(served) == 4 * len(KEYS)) == (read_from == "replica")


def runs(server: Server, name: str) -> int:
    """Return how often a server has run a command since its statistics were reset."""
    return int(server.info("commandstats").get(f"cmdstat_{name}", "calls=0,").partition("calls=")[2].split(",")[0])


def test_the_pool_changes_its_bounds_and_its_database_for_all_buckets(services: Services) -> None:
    with HashPool(["a", "b"], sentinels=services.seeds, max_size=4) as pool:
        pool.mset({key: key for key in KEYS})
        pool.resize(min_size=2, max_size=5)
        wait_until(lambda: pool.size >= 4)
        pool.select(3)
        assert (pool.dbsize(), pool.db) == (0, 3)
        promoted = services.failover("b")
        wait_until(lambda: f"{promoted.host}:{promoted.port}" in pool.stats().nodes, LONG)
        pool.mset({key: key for key in KEYS})
        assert pool.dbsize() == len(KEYS)
        assert promoted.info("keyspace").keys() >= {"db3"}


def test_a_service_that_nobody_knows_is_told_at_once_and_the_others_are_served(services: Services) -> None:
    pool = HashPool(["a", "nobody"], sentinels=services.seeds)
    with pytest.raises(UsageError, match="no sentinel knows 'nobody'"):
        pool.open()
    own = [key for key in KEYS if pool.node_of(key) == ("a", 0)]
    other = next(key for key in KEYS if key not in own)
    assert [pool.set(key, 1) for key in own] == [True] * len(own)
    with pytest.raises(UsageError, match="no sentinel knows 'nobody'"):
        pool.get(other)
    assert pool.get(own[0]) == b"1"
    pool.close()


def test_a_pool_opens_as_long_as_one_bucket_has_a_primary(services: Services) -> None:
    services.primary("b").kill()
    with HashPool(["a", "b"], sentinels=services.seeds, connect_timeout=0.5) as pool:
        assert pool.set(keys_of(pool, "a")[0], 1) is True
    dead = HashPool(["a", "b"], sentinels=[("127.0.0.1", 1)], connect_timeout=0.5)
    with pytest.raises(ConnectFailed):
        dead.open()
    dead.close()


def test_a_closed_pool_leaves_no_connection(services: Services) -> None:
    pool = HashPool(["a", "b"], sentinels=services.seeds, client_name="us")
    pool.mset({key: key for key in KEYS})
    wait_until(lambda: subscribers(services) == len(services.sentinels))
    pool.close()
    wait_until(lambda: clients(services) == 0)
    with pytest.raises(PoolClosed):
        pool.get("k")


def test_names_and_addresses_do_not_mix() -> None:
    for buckets, why in (
        (["a", "10.0.0.1:6379"], "do not mix"),
        (["a", ("10.0.0.1", 6379)], "do not mix"),
        (["redis+sentinel://s:26379/a"], "do not mix"),
        (["a", "a"], "a stands twice"),
        ([], "needs buckets"),
        ("redis+hash://a,b", "must be a list of the names"),
    ):
        with pytest.raises(UsageError, match=why):
            HashPool(buckets, sentinels=["s:26379"])
    wrong: Any = {"service": "a"}
    with pytest.raises(UsageValueError, match="leave service= out"):
        HashPool(["a"], sentinels=["s:26379"], **wrong)
    with pytest.raises(UsageValueError, match="beside sentinels="):
        HashPool(["redis+sentinel://s:26379/a", "redis+sentinel://s:26379/b"])
    with pytest.raises(UsageError, match="unknown option 'read_from'"):
        HashPool(["s:6379"], read_from="replica")
