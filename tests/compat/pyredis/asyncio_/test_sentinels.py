# Written once: tests/compat/pyredis/threads/test_sentinels.py is generated from this file.
"""The pools and clients of pyredis with sentinels, and messages (001 and 003, points 1, 4 and 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from asyncio_.harness import Callers, wait_until
from respool.compat.pyredis import (
    AsyncClient,
    AsyncPubSubClient,
    AsyncSentinelClient,
    AsyncSentinelHashPool,
    AsyncSentinelPool,
    PyRedisConnClosed,
    PyRedisConnError,
    PyRedisConnReadTimeout,
    PyRedisError,
    ReplyError,
)
from respool.testing import SentinelServers, Server


@pytest.fixture(scope="module")
def servers() -> Iterator[SentinelServers]:
    with SentinelServers(sentinels=2, replicas=1) as servers:
        yield servers


@pytest.fixture
async def callers() -> AsyncIterator[Callers]:
    group = Callers()
    yield group
    await group.end()


def sentinels_of(servers: SentinelServers) -> list[tuple[str, int]]:
    return [(sentinel.host, sentinel.port) for sentinel in servers.sentinels]


# SentinelPool ----------------------------------------------------------------------------------------------


async def test_003_07_a_sentinel_pool_finds_the_primary(servers: SentinelServers) -> None:
    pool = AsyncSentinelPool(sentinels_of(servers), servers.name, pool_size=2)
    assert (pool.name, pool.slave_ok, pool.retries, pool.sentinels) == (servers.name, False, 3, sentinels_of(servers))
    assert await pool.set("k", "v") is True
    client = await pool.acquire()
    assert await client.config_get("port") == {"port": str(servers.primary.port)}
    await client.multi()
    await client.incr("n")
    assert await client.exec() == [1]
    await client.delete("n")
    await pool.release(client)
    clients = [await pool.acquire() for _ in range(2)]
    with pytest.raises(PyRedisError, match="Max connections 2 exhausted"):
        await pool.acquire()
    for client in clients:
        await pool.release(client)
    await pool.close()


async def test_003_01_close_on_err_is_true_with_sentinels_and_closes_all_connections(servers: SentinelServers) -> None:
    pool = AsyncSentinelPool(sentinels_of(servers), servers.name, pool_size=3)
    assert pool.close_on_err is True
    with pytest.raises(AttributeError):
        pool.close_on_err = False  # type: ignore[misc]
    clients = [await pool.acquire() for _ in range(3)]
    ids = [await client.execute("CLIENT", "ID") for client in clients]
    await pool.release(clients[0])
    await clients[1].close()
    await pool.release(clients[1])
    again = await pool.acquire()
    assert await again.execute("CLIENT", "ID") not in ids
    assert await clients[2].execute("CLIENT", "ID") == ids[2]
    await pool.release(clients[2])
    last = await pool.acquire()
    assert await last.execute("CLIENT", "ID") not in ids
    await pool.release(again)
    await pool.release(last)
    await pool.close()


async def test_003_07_slave_ok_lets_replicas_answer_reads(servers: SentinelServers) -> None:
    pool = AsyncSentinelPool(sentinels_of(servers), servers.name, slave_ok=True)
    assert pool.slave_ok is True
    replica = servers.replicas[0]
    client = await pool.acquire()
    assert await is_read_at(replica, client)
    assert await client.set("k", "v") is True
    await client.watch("k")
    assert await client.config_get("port") == {"port": str(servers.primary.port)}
    await pool.release(client)
    await pool.close()


async def is_read_at(replica: Server, client: Any) -> bool:
    """Read until a replica has answered: it does so once it is known to be up."""
    before = gets_of(replica)
    for _ in range(1000):
        await client.get("k")
        if gets_of(replica) > before:
            return True
    return False


def gets_of(server: Server) -> int:
    """Return how many GETs a server has answered."""
    text = server.command("INFO", "commandstats").decode()
    return int(text.partition("cmdstat_get:calls=")[2].partition(",")[0] or 0)


async def test_003_07_without_a_primary_the_error_is_about_connecting() -> None:
    pool = AsyncSentinelPool([("localhost", 1)], "nobody", retries=2, conn_timeout=0.2)
    assert pool.retries == 2
    client = await pool.acquire()
    with pytest.raises(PyRedisConnError):
        await client.ping()
    with pytest.raises(PyRedisConnError):
        await client.ping()
    await pool.release(client)
    await pool.close()
    pool = AsyncSentinelPool([("localhost", 1)], "nobody", slave_ok=True, conn_timeout=0.2)
    with pytest.raises(PyRedisConnError):
        await pool.get("k")
    await pool.close()


async def test_003_07_sentinels_have_credentials_of_their_own() -> None:
    with SentinelServers(sentinels=1, replicas=0, password="one", sentinel_password="two") as servers:
        secrets = {"password": "one", "sentinel_password": "two"}
        for pool in (
            AsyncSentinelPool(sentinels_of(servers), servers.name, **secrets),
            AsyncSentinelHashPool(sentinels_of(servers), [servers.name], **secrets),
        ):
            assert await pool.set("k", "v") is True
            assert (pool.password, pool.sentinel_password, pool.sentinel_username) == ("one", "two", None)
            assert "two" not in repr(pool)
            await pool.close()
        client = AsyncSentinelClient(sentinels_of(servers), password="two")
        assert (await client.get_master(servers.name))[b"name"] == servers.name.encode()
        await client.close()


async def test_003_07_buckets_may_be_primaries_that_sentinels_name(servers: SentinelServers) -> None:
    pool = AsyncSentinelHashPool(sentinels_of(servers), [servers.name], pool_size=2)
    assert (pool.buckets, pool.sentinels, pool.retries) == ([servers.name], sentinels_of(servers), 3)
    assert (pool.close_on_err, pool.slave_ok) == (True, False)
    for number in range(10):
        assert await pool.set(f"hashed {number}", number) is True
    client = await pool.acquire()
    assert await client.get("hashed 3") == b"3"
    port = {"port": str(servers.primary.port)}
    for sock in (servers.name, f"{servers.primary.host}_{servers.primary.port}"):
        assert await client.config_get("port", sock=sock) == port
    with pytest.raises(PyRedisError, match="no bucket has its primary"):
        await client.ping(sock="localhost_1")
    await client.multi(shard_key="x")
    await client.incr("hashed 3")
    assert await client.exec(shard_key="x") == [4]
    await pool.release(client)
    pool.pool_size = 1
    client = await pool.acquire()
    with pytest.raises(PyRedisError, match="Max connections 1 exhausted"):
        await pool.acquire()
    await client.close()
    await pool.release(client)
    assert await pool.get("hashed 3") == b"4"
    await pool.close()
    reader = AsyncSentinelHashPool(sentinels_of(servers), [servers.name], slave_ok=True)
    assert await is_read_at(servers.replicas[0], reader)
    await reader.close()
    for wrong in ([], ["a", "a"]):
        with pytest.raises(PyRedisError, match="names each primary once"):
            AsyncSentinelHashPool(sentinels_of(servers), wrong)


# SentinelClient --------------------------------------------------------------------------------------------


async def test_003_07_a_sentinel_client_asks_the_first_that_answers(servers: SentinelServers) -> None:
    places = [("localhost", 1), *sentinels_of(servers)]
    client = AsyncSentinelClient(places)
    assert client.sentinels == deque(places)
    assert await client.execute("PING") == b"PONG"
    assert client.sentinels[0] == places[1]
    master = await client.get_master(servers.name)
    assert (master[b"name"], master[b"port"]) == (servers.name.encode(), str(servers.primary.port).encode())
    assert [each[b"name"] for each in await client.get_masters()] == [servers.name.encode()]
    assert [int(each[b"port"]) for each in await client.get_slaves(servers.name)] == [servers.replicas[0].port]
    await client.next_sentinel()
    assert client.sentinels[0] == places[2]
    assert await client.execute("PING") == b"PONG"
    with pytest.raises(ReplyError):
        await client.get_master("nobody")
    await client.close()
    await client.close()
    nowhere = AsyncSentinelClient([("localhost", 1), ("localhost", 2)])
    with pytest.raises(PyRedisConnError, match="could not connect to any sentinel"):
        await nowhere.execute("PING")


# PubSubClient ----------------------------------------------------------------------------------------------


async def test_003_07_a_client_that_subscribes_gets_what_comes(server: Server) -> None:
    client = AsyncClient(host=server.host, port=server.port)
    subscriber = AsyncPubSubClient(host=server.host, port=server.port)
    assert subscriber.closed is False
    await subscriber.subscribe("/blub")
    assert await subscriber.get() == [b"subscribe", b"/blub", 1]
    assert await client.publish("/blub", "test") == 1
    assert await subscriber.get() == [b"message", b"/blub", b"test"]
    await subscriber.psubscribe("news.*")
    assert await subscriber.get() == [b"psubscribe", b"news.*", 2]
    for number in range(3):
        await client.publish(f"news.{number}", number)
    assert [(await subscriber.get())[2:] for _ in range(3)] == [[f"news.{n}".encode(), str(n).encode()] for n in range(3)]
    await subscriber.unsubscribe("/blub")
    assert await subscriber.get() == [b"unsubscribe", b"/blub", 1]
    await subscriber.punsubscribe()
    assert await subscriber.get() == [b"punsubscribe", b"news.*", 0]
    await subscriber.close()
    assert subscriber.closed is True
    with pytest.raises(PyRedisConnClosed):
        await subscriber.get()
    await subscriber.close()
    await client.close()


async def test_003_07_silence_is_a_read_timeout_and_keeps_the_connection(server: Server) -> None:
    subscriber = AsyncPubSubClient(host=server.host, port=server.port, read_timeout=0.1, encoding="utf-8")
    await subscriber.write("SUBSCRIBE", "c")
    assert await subscriber.get() == ["subscribe", "c", 1]
    with pytest.raises(PyRedisConnReadTimeout):
        await subscriber.get()
    server.command("PUBLISH", "c", "late")
    assert await subscriber.get() == ["message", "c", "late"]
    await subscriber.close()


async def test_003_07_a_client_whose_connection_is_lost_subscribes_again(server: Server, callers: Callers) -> None:
    subscriber = AsyncPubSubClient(host=server.host, port=server.port, read_timeout=5)
    await subscriber.subscribe("c")
    await subscriber.get()
    server.command("CLIENT", "KILL", "TYPE", "pubsub")
    reader = callers.start(subscriber.get)
    await wait_until(lambda: server.command("PUBLISH", "c", "again"))
    assert await reader.result() == [b"message", b"c", b"again"]
    assert subscriber.closed is False
    await subscriber.close()


async def test_003_07_a_client_that_subscribes_says_what_it_cannot_do(server: Server) -> None:
    subscriber = AsyncPubSubClient(host=server.host, port=server.port)
    with pytest.raises(PyRedisError, match="subscribed to nothing"):
        await subscriber.get()
    with pytest.raises(PyRedisError, match="sends no GET"):
        await subscriber.write("GET", "k")
    with pytest.raises(PyRedisError, match="one at least"):
        await subscriber.subscribe()
    await subscriber.unsubscribe()
    assert await subscriber.get() == [b"unsubscribe", None, 0]
    await subscriber.close()
    nowhere = AsyncPubSubClient("localhost", 1, conn_timeout=0.2)
    with pytest.raises(PyRedisConnError):
        await nowhere.subscribe("c")
    await nowhere.close()


async def test_003_07_every_channel_has_an_answer_of_its_own(server: Server) -> None:
    subscriber = AsyncPubSubClient(host=server.host, port=server.port)
    await subscriber.subscribe("a", b"b")
    assert [await subscriber.get() for _ in range(2)] == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2]]
    await subscriber.unsubscribe()
    assert [(await subscriber.get())[1:] for _ in range(2)] == [[b"a", 1], [b"b", 0]]
    await subscriber.close()
