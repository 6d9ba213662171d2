# Written once: tests/threads/test_hash_pool.py is generated from this file.
"""A pool over buckets: which bucket has a key, what concerns several buckets, and that a dead one fails alone."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from answers import echo, words
from asyncio_.harness import LOOPS, Callers, wait_until
from effort import IS_PROOF
from respool import AsyncClusterPool, AsyncHashPool, AsyncPool, async_from_url, commands
from respool.errors import (
    ConnectFailed,
    CrossSlot,
    Error,
    Loading,
    PoolClosed,
    ReadOnly,
    ReadTimeout,
    ServerError,
    TransactionAborted,
    UsageError,
    UsageTypeError,
    UsageValueError,
    WrongNode,
)
from respool.testing import FakeNode, Server
from scripts import run_script

KEYS = [f"key:{number}" for number in range(60)]


@pytest.fixture(scope="module")
def running() -> Iterator[list[Server]]:
    with Server() as one, Server(unix=True) as two, Server() as three:
        yield [one, two, three]


@pytest.fixture
def servers(running: list[Server]) -> list[Server]:
    """Three running, empty servers. A test that stops one of them has servers of its own."""
    for server in running:
        server.command("FLUSHALL")
        server.command("CONFIG", "RESETSTAT")
    return running


@pytest.fixture
async def pool(servers: list[Server]) -> AsyncGenerator[AsyncHashPool[str], None]:
    async with AsyncHashPool([server.url for server in servers], encoding="utf-8") as pool:
        yield pool


@pytest.fixture
def mortal() -> Iterator[list[Server]]:
    """Three servers that a test may stop."""
    with Server() as one, Server() as two, Server() as three:
        yield [one, two, three]


def index_of(key: str | bytes) -> int:
    return crc_hqx(key if isinstance(key, bytes) else key.encode(), 0) % 16384 % 3


def keys_in(bucket: int, count: int = 2) -> list[str]:
    return [key for key in KEYS if index_of(key) == bucket][:count]


def runs(server: Server, name: str) -> int:
    """Return how often a server has run a command."""
    stats = server.info("commandstats").get(f"cmdstat_{name}", "calls=0,")
    return int(stats.partition("calls=")[2].partition(",")[0])


async def fill(pool: AsyncHashPool[str]) -> None:
    await pool.mset({key: key for key in KEYS})


# Which bucket -----------------------------------------------------------------------------------------------


async def test_a_key_is_in_the_bucket_of_its_slot_modulo_their_number(
    pool: AsyncHashPool[str], servers: list[Server]
) -> None:
    assert any(crc_hqx(key.encode(), 0) % 3 != index_of(key) for key in KEYS)  # the slot counts, not the CRC
    for key in KEYS:
        await pool.set(key, "x")
        assert pool.node_of(key) == pool.nodes[index_of(key)]
        assert [server.command("EXISTS", key) for server in servers] == [int(index_of(key) == at) for at in range(3)]
    for key, tag in (("{user:1}:name", "user:1"), ("a{}b", "a{}b"), ("{x", "{x"), ("a{b}c}", "b"), (b"{\xff}", b"\xff")):
        assert pool.node_of(key) == pool.nodes[index_of(tag)]
    assert pool.node_of(17) == pool.nodes[index_of("17")]


async def test_the_order_of_the_buckets_decides(servers: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in reversed(servers)]) as pool:
        for key in KEYS[:10]:
            await pool.set(key, "x")
            assert servers[2 - index_of(key)].command("EXISTS", key) == 1


async def test_buckets_are_given_by_address_by_socket_or_in_one_url(servers: list[Server]) -> None:
    one, two, three = servers
    buckets = [("127.0.0.1", one.port), str(two.unix_path), f"127.0.0.1:{three.port}"]
    async with AsyncHashPool(buckets, max_size=5, db=2) as pool:
        assert pool.nodes == [("127.0.0.1", one.port), (str(two.unix_path), 0), ("127.0.0.1", three.port)]
        assert pool.primaries == pool.nodes
        await pool.mset(dict.fromkeys(KEYS, "x"))
        assert await pool.dbsize() == len(KEYS)
        info = await pool.using(node=str(two.unix_path)).client_info()
        assert info["db"] == "2"
        assert (await pool.using(node=pool.nodes[1]).client_info())["id"] == info["id"]
    url = "redis+hash://" + ",".join(f"127.0.0.1:{server.port}" for server in servers) + "/2?encoding=utf-8"
    url_pool = async_from_url(url, max_size=5)
    assert type(url_pool) is AsyncHashPool
    async with url_pool:
        assert (url_pool.db, url_pool.max_size) == (2, 5)
        assert await url_pool.mget(*KEYS) == ["x"] * len(KEYS)
    for kind in (AsyncPool, AsyncClusterPool):
        with pytest.raises(UsageValueError, match="this URL names buckets: use HashPool"):
            kind(url)
    with pytest.raises(UsageValueError, match="stands twice"):
        AsyncHashPool([one.url, two.url, one.url])


@pytest.mark.parametrize("key", [None, object(), "\udc80"])
async def test_a_key_that_cannot_be_sent_is_refused(pool: AsyncHashPool[str], key: Any) -> None:
    for use in (lambda: pool.get(key), lambda: pool.execute("MGET", "a", key), lambda: pool.execute_many([("GET", key)])):
        with pytest.raises(UsageError):
            await use()
    with pytest.raises(UsageError):
        pool.node_of(key)


# Several keys -----------------------------------------------------------------------------------------------


async def test_what_can_be_split_is_one_command_for_each_bucket(
    pool: AsyncHashPool[str], servers: list[Server]
) -> None:
    assert await pool.mset({key: key for key in KEYS}) is True
    assert await pool.mget(*KEYS, "none") == [*KEYS, None]
    assert await pool.exists(*KEYS, "none", KEYS[0]) == len(KEYS) + 1
    assert await pool.touch(*KEYS[:20]) == 20
    assert await pool.unlink(*KEYS[:20]) == 20
    assert await pool.delete(*KEYS) == len(KEYS) - 20
    for server in servers:
        names = ("mset", "mget", "exists", "touch", "unlink", "del")
        assert [runs(server, name) for name in names] == [1] * len(names)


async def test_keys_of_one_bucket_need_not_be_in_one_slot(pool: AsyncHashPool[str], servers: list[Server]) -> None:
    one, two = keys_in(1)
    await pool.set(one, "x")
    await pool.rename(one, two)
    assert await pool.mget(one, two) == [None, "x"]
    assert [runs(server, "mget") for server in servers] == [0, 1, 0]
    assert await pool.execute_many([("SET", one, 1), ("DBSIZE",)], atomic=True, timeout=1.0, node=pool.nodes[1]) == ["OK", 2]
    async with pool.pipeline(atomic=True) as pipe:
        pipe.set(one, 1)
        size = pipe.strlen(two)
    assert size.result() == 1
    assert runs(servers[1], "exec") == 2


async def test_other_commands_over_buckets_are_refused_before_anything_is_sent(
    pool: AsyncHashPool[str], servers: list[Server]
) -> None:
    (one,), (two,) = keys_in(0, 1), keys_in(1, 1)
    for use in (
        lambda: pool.rename(one, two),
        lambda: pool.sunion(one, two),
        lambda: pool.blpop(one, two, timeout=1),
        lambda: pool.execute_many([("SET", one, 1), ("RENAME", one, two)]),
        lambda: pool.execute_many([("SET", one, 1), ("SET", two, 1)], atomic=True),
        lambda: pool.execute_noreply("RENAME", one, two),
    ):
        with pytest.raises(CrossSlot, match="2 buckets, and nothing was sent: give them one hash tag"):
            await use()
    assert sum(runs(server, "set") for server in servers) == 0


async def test_a_blocking_command_waits_at_its_bucket_on_a_lease(pool: AsyncHashPool[str], callers: Callers) -> None:
    one, two = keys_in(2)
    caller = callers.start(pool.blpop, one, two, timeout=5)
    await wait_until(lambda: pool.leased == 1)
    await pool.rpush(two, "x")
    assert await caller.result() == (two, "x")


# Without keys -----------------------------------------------------------------------------------------------


async def test_what_concerns_all_buckets_goes_to_all(pool: AsyncHashPool[str], servers: list[Server]) -> None:
    await fill(pool)
    assert await pool.dbsize() == len(KEYS)
    assert sorted(await pool.keys("*")) == sorted(KEYS)
    assert await pool.randomkey() in KEYS
    sha = await pool.script_load("return redis.call('GET', KEYS[1])")
    for key in KEYS[:6]:
        assert await pool.evalsha(sha, keys=[key]) == key
    assert await pool.script_exists(sha, "0" * 40) == [True, False]
    assert await pool.config_set({"maxmemory-samples": "7"}) is True
    assert [server.command("CONFIG", "GET", "maxmemory-samples")[1] for server in servers] == [b"7"] * 3
    assert await pool.execute("DBSIZE", timeout=1.0) == len(KEYS)
    assert await pool.flushall() is True
    assert [server.command("DBSIZE") for server in servers] == [0, 0, 0]


async def test_what_concerns_one_bucket_needs_a_shard_key_or_a_node(
    pool: AsyncHashPool[str], servers: list[Server]
) -> None:
    for use in (
        lambda: pool.info(),
        lambda: pool.publish("channel", "message"),
        lambda: pool.eval("return 1"),
        lambda: pool.scan(0),
        lambda: pool.execute_many([("GET", "k"), ("INFO",)]),
        lambda: pool.execute_many([("ECHO", "x")], atomic=True),
        lambda: pool.execute_noreply("PUBLISH", "channel", "message"),
    ):
        with pytest.raises(UsageValueError, match="concerns one bucket: say which one with shard_key= or node="):
            await use()
    for key in KEYS[:10]:
        port = servers[index_of(key)].port
        host = f"127.0.0.1:{port}"
        assert f"tcp_port:{port}\r" in await pool.execute("INFO", "server", shard_key=key)
        assert f"tcp_port:{port}\r" in await pool.execute("INFO", "server", node=host, timeout=1.0)
        assert (await pool.execute(commands.info("server"), shard_key=key))["tcp_port"] == port
        assert (await pool.using(shard_key=key).info("server"))["tcp_port"] == port
        assert (await pool.using(node=host).using(timeout=1.0).info("server"))["tcp_port"] == port
        assert await pool.using(shard_key=key).eval("return 1") == 1
        (text,) = await pool.execute_many([("INFO", "server")], shard_key=key)
        assert f"tcp_port:{port}\r" in text
        async with pool.using(shard_key=key).pipeline(atomic=True) as pipe:
            port_there = pipe.config_get("port")
        assert port_there.result() == {"port": str(port)}


async def test_a_call_that_names_its_bucket_goes_there_whatever_its_keys(
    pool: AsyncHashPool[str], servers: list[Server]
) -> None:
    (here,), (there,) = keys_in(0, 1), keys_in(2, 1)
    await pool.execute("SET", here, "x", shard_key=there)
    assert servers[2].command("GET", here) == b"x"
    assert await pool.get(here) is None
    assert await pool.execute_many([("GET", here), ("GET", there)], node=pool.nodes[2]) == ["x", None]
    assert await pool.using(shard_key=there).using(node=pool.nodes[0]).get(here) is None  # what is given last wins


async def test_a_bucket_is_named_once_and_must_be_one_of_the_pool(pool: AsyncHashPool[str], server: Server) -> None:
    node = pool.nodes[0]
    for use in (
        lambda: pool.execute("INFO", shard_key="k", node=node),
        lambda: pool.execute_many([("INFO",)], shard_key="k", node=node),
        lambda: pool.using(shard_key="k", node=node).info(),
        lambda: pool.acquire(shard_key="k", node=node),
    ):
        with pytest.raises(UsageError, match="not with both"):
            await use()
    with pytest.raises(UsageValueError, match=f"no bucket 127.0.0.1:1; its buckets are 127.0.0.1:{node[1]}, "):
        await pool.execute("INFO", node="127.0.0.1:1")
    with pytest.raises(UsageError, match="say which with shard_key= or node="):
        await pool.acquire()
    async with AsyncPool(server.url) as single:
        with pytest.raises(UsageTypeError, match="shard_key= chooses among the buckets of a pool of several"):
            single.using(shard_key="k")
        with pytest.raises(UsageTypeError, match="node= chooses among the nodes of a pool of several"):
            single.using(node=node)


# Pipelines, leases, scans -----------------------------------------------------------------------------------


async def test_a_pipeline_is_sent_to_all_of_its_buckets_and_answered_in_its_order(pool: AsyncHashPool[str]) -> None:
    await pool.execute_many([("SET", key, at) for at, key in enumerate(KEYS)])
    assert await pool.execute_many([("INCR", key) for key in KEYS]) == list(range(1, len(KEYS) + 1))
    values = await pool.execute_many(
        [("GET", KEYS[0]), ("LPUSH", KEYS[1], "x"), ("MGET", *KEYS[:9]), ("DBSIZE",), ("ECHO", "x")], timeout=1.0
    )
    assert isinstance(values.pop(1), ServerError)
    assert values == ["1", [str(at) for at in range(1, 10)], len(KEYS), "x"]
    async with pool.pipeline() as pipe:
        found = [pipe.get(key) for key in KEYS]
    assert [each.result() for each in found] == [str(at) for at in range(1, len(KEYS) + 1)]
    assert await pool.execute_many([]) == []
    big = "x" * 100_000
    await pool.execute_many([("SET", key, big) for key in KEYS])
    assert await pool.execute_many([("STRLEN", key) for key in KEYS]) == [len(big)] * len(KEYS)


async def test_without_shared_connections_everything_uses_leases(servers: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in servers], shared=0, encoding="utf-8") as pool:
        await fill(pool)
        assert await pool.mget(*KEYS) == KEYS
        assert await pool.execute_many([("GET", key) for key in KEYS]) == KEYS
        await pool.execute_many_noreply([("SET", key, "y") for key in KEYS])
        await wait_until(lambda: all(server.command("GET", KEYS[0]) != KEYS[0].encode() for server in servers))
        assert await pool.select(0) is True
        assert (pool.shared, pool.leased) == (0, 0)


async def test_what_is_sent_without_waiting_arrives_at_every_bucket(servers: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in servers]) as pool:
        await pool.execute_many_noreply([("SET", key, "x") for key in KEYS])
        await pool.execute_noreply("DEL", *KEYS[:30])
    assert sum(server.command("DBSIZE") for server in servers) == len(KEYS) - 30


async def test_what_is_sent_without_waiting_can_name_its_bucket(servers: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in servers]) as pool:
        for number, key in enumerate(KEYS[:10]):
            await pool.execute_noreply("SET", f"at:{key}", number, shard_key=key)
        await pool.execute_many_noreply([("SET", "here", 1), ("SET", "there", 2)], node=pool.nodes[1])
        with pytest.raises(UsageError, match="not with both"):
            await pool.execute_noreply("SET", "k", "v", shard_key="k", node=pool.nodes[1])
    for key in KEYS[:10]:
        assert [server.command("EXISTS", f"at:{key}") for server in servers].index(1) == index_of(key)
    assert servers[1].command("MGET", "here", "there") == [b"1", b"2"]


async def test_a_lease_is_a_connection_to_one_bucket(pool: AsyncHashPool[str], servers: list[Server]) -> None:
    (key,) = keys_in(1, 1)
    async with pool.acquire(shard_key=key) as conn:
        await conn.watch(key)
        await pool.set(key, "changed")
        with pytest.raises(TransactionAborted):
            await conn.execute_many([("SET", key, "mine")], atomic=True)
        assert (await conn.info("server"))["tcp_port"] == servers[1].port
        assert pool.stats().nodes[f"127.0.0.1:{servers[1].port}"].leased == 1
    conn = await pool.acquire(timeout=1.0, node=pool.nodes[2])
    assert (await conn.info("server"))["tcp_port"] == servers[2].port
    pool.release(conn)
    with pytest.raises(UsageError):
        pool.release(conn)
    assert pool.leased == 0


async def test_an_iterator_over_keys_goes_through_all_buckets(pool: AsyncHashPool[str]) -> None:
    await fill(pool)
    assert sorted([key async for key in pool.scan_iter()]) == sorted(KEYS)
    assert sorted([key async for key in pool.scan_iter(count=3, match="key:1*")]) == sorted(
        key for key in KEYS if key.startswith("key:1")
    )
    raw = pool.using(encoding=None, timeout=5.0)
    assert sorted([key async for key in raw.scan_iter(count=7)]) == sorted(key.encode() for key in KEYS)
    assert sorted([key async for key in raw.using(shard_key=KEYS[0]).scan_iter(count=7)]) == sorted(
        key.encode() for key in KEYS if index_of(key) == index_of(KEYS[0])
    )
    await pool.hset("hash", mapping={"a": "1"})
    assert [pair async for pair in pool.hscan_iter("hash")] == [("a", "1")]


# A dead bucket ----------------------------------------------------------------------------------------------


async def test_others_are_served_while_callers_wait_for_a_dead_bucket(
    mortal: list[Server], callers: Callers
) -> None:
    async with AsyncHashPool([server.url for server in mortal], encoding="utf-8", connect_timeout=60.0) as pool:
        await fill(pool)
        others = [key for key in KEYS if index_of(key) != 1]
        (lost,) = keys_in(1, 1)
        mortal[1].kill()
        waiting = [callers.start(pool.get, lost) for _ in range(10)]
        await wait_until(lambda: pool.stats().nodes[f"127.0.0.1:{mortal[1].port}"].dial_failures)
        assert [await pool.get(key) for key in others] == others
        assert await pool.mget(*others) == others
        for _ in range(20):  # any bucket: one that answers
            assert await pool.execute("ECHO", "x") == "x"
        assert (await pool.execute_many([("ECHO", "x"), ("TIME",)]))[0] == "x"
        async with pool.acquire(shard_key=others[0]) as conn:
            assert await conn.get(others[0]) == others[0]
        assert not any(caller.is_done for caller in waiting)
        mortal[1].start()
        assert await callers.results() == [None] * 10


async def test_a_dead_bucket_fails_alone(mortal: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in mortal], encoding="utf-8", connect_timeout=0.2) as pool:
        await fill(pool)
        (lost,) = keys_in(1, 1)
        mortal[1].kill()
        with pytest.raises(Error):
            await pool.get(lost)
        values = await pool.execute_many([("GET", key) for key in KEYS])
        for key, value in zip(KEYS, values, strict=True):
            assert isinstance(value, ConnectFailed) if index_of(key) == 1 else value == key
        for use in (
            lambda: pool.mget(*KEYS),
            lambda: pool.dbsize(),
            lambda: pool.get(lost),
            lambda: pool.execute_many([("GET", lost)]),
            lambda: pool.acquire(shard_key=lost),
        ):
            with pytest.raises(ConnectFailed):
                await use()

        scanned = pool.scan_iter(count=1000)
        first = [await scanned.__anext__() for _ in range(sum(index_of(key) == 0 for key in KEYS))]
        assert {index_of(key) for key in first} == {0}
        with pytest.raises(ConnectFailed):
            await scanned.__anext__()
        mortal[1].start()
        await wait_until(lambda: pool.shared == 3, 20.0)  # dials are spread over seconds
        assert await pool.set(lost, "again") is True
        assert sorted([key async for key in scanned]) == sorted([lost, *(key for key in KEYS if index_of(key) == 2)])


async def test_a_bucket_that_hangs_costs_its_own_commands_alone(mortal: list[Server]) -> None:
    options: dict[str, Any] = {"encoding": "utf-8", "retry": None}
    async with AsyncHashPool([server.url for server in mortal], **options) as pool:
        await pool.execute_many([("SET", key, key) for key in keys_in(0) + keys_in(1) + keys_in(2)])
        mortal[0].pause()
        for key in keys_in(1) + keys_in(2):
            assert await pool.execute("GET", key, timeout=1.0) == key
        every = keys_in(0) + keys_in(1) + keys_in(2)
        values = await pool.execute_many([("GET", key) for key in every], timeout=0.2)
        assert [type(value) for value in values[:2]] == [ReadTimeout, ReadTimeout]
        assert values[2:] == every[2:]
        mortal[0].resume()
        assert await pool.get(every[0]) == every[0]


@pytest.mark.parametrize(
    ("shared", "dead"), [(0, 0), (1, 0), (0, 2), *([(0, 1), (1, 1), (1, 2)] if IS_PROOF else [])]
)
async def test_a_part_for_a_bucket_that_is_down_is_waited_for_last(
    mortal: list[Server], shared: int, dead: int
) -> None:
    pool: AsyncHashPool[str] = AsyncHashPool(
        [server.url for server in mortal], shared=shared, encoding="utf-8", connect_timeout=60.0
    )
    async with pool:
        await fill(pool)
        mortal[dead].command("CLIENT", "KILL", "TYPE", "NORMAL")
        mortal[dead].pause()  # the next dial gets no answer
        with pytest.raises(Error):
            await pool.execute("GET", keys_in(dead)[0], timeout=0.1)
        big = "x" * 100_000  # so that no part is small enough for a shared connection
        values = await pool.execute_many([("SET", key, big) for key in KEYS], timeout=2.0)
        assert [isinstance(value, Error) for value in values] == [index_of(key) == dead for key in KEYS]
        with pytest.raises(Error):
            await pool.execute_many([("SET", key, key) for key in keys_in(dead)], timeout=0.1)


async def test_a_pool_opens_as_long_as_one_bucket_is_up(mortal: list[Server]) -> None:
    mortal[0].kill()
    mortal[2].kill()
    async with AsyncHashPool([server.url for server in mortal], encoding="utf-8", connect_timeout=0.2) as pool:
        (key,) = keys_in(1, 1)
        assert await pool.set(key, "x") is True
    mortal[1].kill()
    pool = AsyncHashPool([server.url for server in mortal], connect_timeout=0.2)
    with pytest.raises(ConnectFailed):
        await pool.open()
    await pool.aclose()


# Scripted buckets -------------------------------------------------------------------------------------------


def in_bucket(index: int) -> str:
    """Return a key in one of two buckets."""
    return next(key for key in KEYS if crc_hqx(key.encode(), 0) % 2 == index)


async def test_a_split_command_is_retried_where_it_was_refused_for_now_and_a_pipeline_is_not() -> None:
    one, two = in_bucket(0), in_bucket(1)
    with FakeNode({"MGET": b"*1\r\n$1\r\na\r\n"}) as first, FakeNode({"MGET": b"*1\r\n$1\r\nb\r\n"}) as second:
        async with AsyncHashPool([first.url, second.url]) as pool:
            second.once("MGET", b"-LOADING wait\r\n")
            assert await pool.mget(one, two) == [b"a", b"b"]
            assert (len(words(first, "MGET")), len(words(second, "MGET"))) == (1, 2)
            second.once("MGET", b"-LOADING wait\r\n")
            values = await pool.execute_many([("MGET", one), ("MGET", two)])
            assert values[0] == [b"a"]
            assert isinstance(values[1], Loading)
            second.on("MGET", b"-LOADING wait\r\n")
            with pytest.raises(Loading):
                await pool.mget(one, two)


async def test_a_bucket_that_became_a_replica_is_connected_to_anew() -> None:
    for send in ("one", "many"):
        with FakeNode({"SET": b"+OK\r\n"}) as first, FakeNode({"SET": b"+OK\r\n"}) as second:
            async with AsyncHashPool([first.url, second.url], retry=None) as pool:
                key = in_bucket(1)
                assert await pool.set(key, "x") is True
                second.once("SET", b"-READONLY You can't write against a read only replica.\r\n")
                if send == "one":
                    with pytest.raises(ReadOnly):
                        await pool.set(key, "x")
                else:
                    values = await pool.execute_many([("SET", in_bucket(0), "x"), ("SET", key, "x")])
                    assert isinstance(values[1], ReadOnly)
                await wait_until(lambda: second.connections == 2)
                assert first.connections == 1


async def test_a_redirect_is_an_error_like_any_other() -> None:
    moved = b"-MOVED 1 127.0.0.1:1\r\n"
    with FakeNode({"GET": moved, "MGET": moved}) as first, FakeNode({"GET": echo, "MGET": moved}) as second:
        async with AsyncHashPool([first.url, second.url]) as pool:
            one, two = in_bucket(0), in_bucket(1)
            for use in (lambda: pool.get(one), lambda: pool.mget(one, two)):
                with pytest.raises(WrongNode):
                    await use()
            values = await pool.execute_many([("GET", one), ("GET", two)])
            assert isinstance(values[0], WrongNode)
            assert values[1] == two.encode()


# Control and life -------------------------------------------------------------------------------------------


async def test_select_moves_all_buckets(pool: AsyncHashPool[str], servers: list[Server], callers: Callers) -> None:
    await fill(pool)
    assert await pool.select(3) is True
    assert pool.db == 3
    assert await pool.dbsize() == 0
    await fill(pool)
    for server in servers:
        server.command("CLIENT", "KILL", "TYPE", "NORMAL")
    assert await pool.mget(*KEYS) == KEYS
    for db in (1, 2, 1, 2, 5):
        callers.start(pool.select, db)
    assert await callers.results() == [True] * 5
    assert {(await pool.using(node=node).client_info())["db"] for node in pool.nodes} == {str(pool.db)}


async def test_select_changes_nothing_if_a_bucket_refuses() -> None:
    with Server() as one, Server(config={"databases": 2}) as two, Server() as three:
        async with AsyncHashPool([one.url, two.url, three.url], encoding="utf-8", min_size=3) as pool:
            await fill(pool)
            for _ in range(5):  # whichever is asked first
                with pytest.raises(ServerError, match="out of range"):
                    await pool.select(7)
                assert pool.db == 0
                assert await pool.mget(*KEYS) == KEYS
                async with pool.acquire(node=pool.nodes[0]) as conn:
                    assert (await conn.client_info())["db"] == "0"
            with pytest.raises(UsageTypeError):
                await pool.select("1")  # type: ignore[arg-type]


async def test_a_bucket_that_is_down_changes_its_database_when_it_comes_back(mortal: list[Server]) -> None:
    async with AsyncHashPool([server.url for server in mortal], encoding="utf-8", connect_timeout=0.2) as pool:
        mortal[2].kill()
        with pytest.raises(ConnectFailed):
            await pool.dbsize()
        assert await pool.select(4) is True
        mortal[2].start()
        await wait_until(lambda: pool.shared == 3, 20.0)  # dials are spread over seconds
        assert {(await pool.using(node=node).client_info())["db"] for node in pool.nodes} == {"4"}


async def test_bounds_hold_for_each_bucket(pool: AsyncHashPool[str], servers: list[Server]) -> None:
    await pool.resize(min_size=3, max_size=4)
    await wait_until(lambda: pool.size == 9 and not pool.dialing)
    stats = pool.stats()
    assert (stats.min_size, stats.max_size, stats.size) == (3, 4, 9)
    assert list(stats.nodes) == [f"127.0.0.1:{server.port}" for server in servers]
    assert [node.size for node in stats.nodes.values()] == [3, 3, 3]
    await pool.resize(min_size=0)
    await pool.clear()
    assert (pool.idle, pool.shared) == (0, 3)
    pool.drain()
    await wait_until(lambda: all(node.opened >= 4 for node in pool.stats().nodes.values()))
    assert repr(pool).startswith("<AsyncHashPool of the buckets 127.0.0.1:")


async def test_a_closed_pool_serves_nobody(servers: list[Server]) -> None:
    pool: AsyncHashPool[Any] = AsyncHashPool([server.url for server in servers])
    assert (pool.nodes[2], pool.size) == (("127.0.0.1", servers[2].port), 0)
    assert await pool.set("k", "v") is True  # the first use opens it
    lease = await pool.acquire(shard_key="k")
    await pool.aclose()
    await pool.aclose()
    for use in (
        lambda: pool.get("k"),
        lambda: pool.mget(*KEYS),
        lambda: pool.execute_many([("GET", "k"), ("GET", "j")]),
        lambda: pool.acquire(shard_key="k"),
        lambda: pool.execute_noreply("SET", "k", "v"),
    ):
        with pytest.raises(PoolClosed):
            await use()
    assert await lease.get("k") == b"v"
    pool.release(lease)
    await wait_until(lambda: pool.size == 0)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_forked_child_starts_afresh(servers: list[Server], loop: str) -> None:
    script = """
import os, sys
from asyncio_.harness import run
from respool import AsyncHashPool

pool = AsyncHashPool(sys.argv[1:], encoding="utf-8", shared=1)
keys = [f"key:{number}" for number in range(9)]

async def child():
    assert (pool.size, pool.stats().opened) == (0, 0)
    assert await pool.mget(*keys) == keys
    await pool.aclose()

async def main():
    await pool.open()
    await pool.mset({key: key for key in keys})
    before = [(node.opened, node.size) for node in pool.stats().nodes.values()]
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(child)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert [(node.opened, node.size) for node in pool.stats().nodes.values()] == before == [(1, 1)] * 3
    assert await pool.mget(*keys) == keys
    assert pool.stats().lost == 0
    await pool.aclose()

run(main)
print("done")
"""
    assert run_script(script, *[server.url for server in servers], loop=loop) == "done\n"


async def test_a_channel_is_at_the_bucket_of_its_name(servers: list[Server], pool: AsyncHashPool[str]) -> None:
    names = [f"channel:{number}" for number in range(12)]
    async with pool.subscribe(*names, sharded=["shard"]) as sub:
        for server in servers:
            own = {name.encode() for name in names if pool.node_of(name) == (server.host, server.port)}
            assert set(server.command("PUBSUB", "CHANNELS")) == own
        for name in names:
            assert await pool.execute("PUBLISH", name, "x", shard_key=name) == 1
        await pool.spublish("shard", "x")
        messages = [await sub.next(5.0) for _ in range(13)]
        assert {message.channel for message in messages if message is not None} == {*names, "shard"}


async def test_a_pattern_has_no_bucket(pool: AsyncHashPool[str]) -> None:
    with pytest.raises(UsageValueError, match="a pattern matches channels of all buckets"):
        async with pool.subscribe(patterns="c*"):
            pass
    async with pool.subscribe("c") as sub:
        with pytest.raises(UsageValueError, match="name the channels"):
            await sub.subscribe(patterns="c*")
        assert sub.patterns == set()
    assert pool.leased == 0
