# Generated from tests/compat/pyredis/asyncio_/test_sentinels.py by tools/generate.py. Do not edit.
"""The pools and clients of pyredis with sentinels, and messages (001 and 003, points 1, 4 and 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Iterator
from typing import Any

import pytest

from threads.harness import Callers, wait_until
from respool.compat.pyredis import (
    Client,
    PubSubClient,
    SentinelClient,
    SentinelHashPool,
    SentinelPool,
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
def callers() -> Iterator[Callers]:
    group = Callers()
    yield group
    group.end()


def sentinels_of(servers: SentinelServers) -> list[tuple[str, int]]:
    return [(sentinel.host, sentinel.port) for sentinel in servers.sentinels]


# SentinelPool ----------------------------------------------------------------------------------------------


def test_003_07_a_sentinel_pool_finds_the_primary(servers: SentinelServers) -> None:
    pool = SentinelPool(sentinels_of(servers), servers.name, pool_size=2)
    assert (pool.name, pool.slave_ok, pool.retries, pool.sentinels) == (servers.name, False, 3, sentinels_of(servers))
    assert pool.set("k", "v") is True
    client = pool.acquire()
    assert client.config_get("port") == {"port": str(servers.primary.port)}
    client.multi()
    client.incr("n")
    assert client.exec() == [1]
    client.delete("n")
    pool.release(client)
    clients = [pool.acquire() for _ in range(2)]
    with pytest.raises(PyRedisError, match="Max connections 2 exhausted"):
        pool.acquire()
    for client in clients:
        pool.release(client)
    pool.close()


def test_003_01_close_on_err_is_true_with_sentinels_and_closes_all_connections(servers: SentinelServers) -> None:
    pool = SentinelPool(sentinels_of(servers), servers.name, pool_size=3)
    assert pool.close_on_err is True
    with pytest.raises(AttributeError):
        pool.close_on_err = False  # type: ignore[misc]
    clients = [pool.acquire() for _ in range(3)]
    ids = [client.execute("CLIENT", "ID") for client in clients]
    pool.release(clients[0])
    clients[1].close()
    pool.release(clients[1])
    again = pool.acquire()
    assert again.execute("CLIENT", "ID") not in ids
    assert clients[2].execute("CLIENT", "ID") == ids[2]
    pool.release(clients[2])
    last = pool.acquire()
    assert last.execute("CLIENT", "ID") not in ids
    pool.release(again)
    pool.release(last)
    pool.close()


def test_003_07_slave_ok_lets_replicas_answer_reads(servers: SentinelServers) -> None:
    pool = SentinelPool(sentinels_of(servers), servers.name, slave_ok=True)
    assert pool.slave_ok is True
    replica = servers.replicas[0]
    client = pool.acquire()
    assert is_read_at(replica, client)
    assert client.set("k", "v") is True
    client.watch("k")
    assert client.config_get("port") == {"port": str(servers.primary.port)}
    pool.release(client)
    pool.close()


def is_read_at(replica: Server, client: Any) -> bool:
    """Read until a replica has answered: it does so once it is known to be up."""
    before = gets_of(replica)
    for _ in range(1000):
        client.get("k")
        if gets_of(replica) > before:
            return True
    return False


def gets_of(server: Server) -> int:
    """Return how many GETs a server has answered."""
    text = server.command("INFO", "commandstats").decode()
    return int(text.partition("cmdstat_get:calls=")[2].partition(",")[0] or 0)


def test_003_07_without_a_primary_the_error_is_about_connecting() -> None:
    pool = SentinelPool([("localhost", 1)], "nobody", retries=2, conn_timeout=0.2)
    assert pool.retries == 2
    client = pool.acquire()
    with pytest.raises(PyRedisConnError):
        client.ping()
    with pytest.raises(PyRedisConnError):
        client.ping()
    pool.release(client)
    pool.close()
    pool = SentinelPool([("localhost", 1)], "nobody", slave_ok=True, conn_timeout=0.2)
    with pytest.raises(PyRedisConnError):
        pool.get("k")
    pool.close()


def test_003_07_sentinels_have_credentials_of_their_own() -> None:
    with SentinelServers(sentinels=1, replicas=0, password="one", sentinel_password="two") as servers:
        secrets = {"password": "one", "sentinel_password": "two"}
        for pool in (
            SentinelPool(sentinels_of(servers), servers.name, **secrets),
            SentinelHashPool(sentinels_of(servers), [servers.name], **secrets),
        ):
            assert pool.set("k", "v") is True
            assert (pool.password, pool.sentinel_password, pool.sentinel_username) == ("one", "two", None)
            assert "two" not in repr(pool)
            pool.close()
        client = SentinelClient(sentinels_of(servers), password="two")
        assert (client.get_master(servers.name))[b"name"] == servers.name.encode()
        client.close()


def test_003_07_buckets_may_be_primaries_that_sentinels_name(servers: SentinelServers) -> None:
    pool = SentinelHashPool(sentinels_of(servers), [servers.name], pool_size=2)
    assert (pool.buckets, pool.sentinels, pool.retries) == ([servers.name], sentinels_of(servers), 3)
    assert (pool.close_on_err, pool.slave_ok) == (True, False)
    for number in range(10):
        assert pool.set(f"hashed {number}", number) is True
    client = pool.acquire()
    assert client.get("hashed 3") == b"3"
    port = {"port": str(servers.primary.port)}
    for sock in (servers.name, f"{servers.primary.host}_{servers.primary.port}"):
        assert client.config_get("port", sock=sock) == port
    with pytest.raises(PyRedisError, match="no bucket has its primary"):
        client.ping(sock="localhost_1")
    client.multi(shard_key="x")
    client.incr("hashed 3")
    assert client.exec(shard_key="x") == [4]
    pool.release(client)
    pool.pool_size = 1
    client = pool.acquire()
    with pytest.raises(PyRedisError, match="Max connections 1 exhausted"):
        pool.acquire()
    client.close()
    pool.release(client)
    assert pool.get("hashed 3") == b"4"
    pool.close()
    reader = SentinelHashPool(sentinels_of(servers), [servers.name], slave_ok=True)
    assert is_read_at(servers.replicas[0], reader)
    reader.close()
    for wrong in ([], ["a", "a"]):
        with pytest.raises(PyRedisError, match="names each primary once"):
            SentinelHashPool(sentinels_of(servers), wrong)


# SentinelClient --------------------------------------------------------------------------------------------


def test_003_07_a_sentinel_client_asks_the_first_that_answers(servers: SentinelServers) -> None:
    places = [("localhost", 1), *sentinels_of(servers)]
    client = SentinelClient(places)
    assert client.sentinels == deque(places)
    assert client.execute("PING") == b"PONG"
    assert client.sentinels[0] == places[1]
    master = client.get_master(servers.name)
    assert (master[b"name"], master[b"port"]) == (servers.name.encode(), str(servers.primary.port).encode())
    assert [each[b"name"] for each in client.get_masters()] == [servers.name.encode()]
    assert [int(each[b"port"]) for each in client.get_slaves(servers.name)] == [servers.replicas[0].port]
    client.next_sentinel()
    assert client.sentinels[0] == places[2]
    assert client.execute("PING") == b"PONG"
    with pytest.raises(ReplyError):
        client.get_master("nobody")
    client.close()
    client.close()
    nowhere = SentinelClient([("localhost", 1), ("localhost", 2)])
    with pytest.raises(PyRedisConnError, match="could not connect to any sentinel"):
        nowhere.execute("PING")


# PubSubClient ----------------------------------------------------------------------------------------------


def test_003_07_a_client_that_subscribes_gets_what_comes(server: Server) -> None:
    client = Client(host=server.host, port=server.port)
    subscriber = PubSubClient(host=server.host, port=server.port)
    assert subscriber.closed is False
    subscriber.subscribe("/blub")
    assert subscriber.get() == [b"subscribe", b"/blub", 1]
    assert client.publish("/blub", "test") == 1
    assert subscriber.get() == [b"message", b"/blub", b"test"]
    subscriber.psubscribe("news.*")
    assert subscriber.get() == [b"psubscribe", b"news.*", 2]
    for number in range(3):
        client.publish(f"news.{number}", number)
    assert [(subscriber.get())[2:] for _ in range(3)] == [[f"news.{n}".encode(), str(n).encode()] for n in range(3)]
    subscriber.unsubscribe("/blub")
    assert subscriber.get() == [b"unsubscribe", b"/blub", 1]
    subscriber.punsubscribe()
    assert subscriber.get() == [b"punsubscribe", b"news.*", 0]
    subscriber.close()
    assert subscriber.closed is True
    with pytest.raises(PyRedisConnClosed):
        subscriber.get()
    subscriber.close()
    client.close()


def test_003_07_silence_is_a_read_timeout_and_keeps_the_connection(server: Server) -> None:
    subscriber = PubSubClient(host=server.host, port=server.port, read_timeout=0.1, encoding="utf-8")
    subscriber.write("SUBSCRIBE", "c")
    assert subscriber.get() == ["subscribe", "c", 1]
    with pytest.raises(PyRedisConnReadTimeout):
        subscriber.get()
    server.command("PUBLISH", "c", "late")
    assert subscriber.get() == ["message", "c", "late"]
    subscriber.close()


def test_003_07_a_client_whose_connection_is_lost_subscribes_again(server: Server, callers: Callers) -> None:
    subscriber = PubSubClient(host=server.host, port=server.port, read_timeout=5)
    subscriber.subscribe("c")
    subscriber.get()
    server.command("CLIENT", "KILL", "TYPE", "pubsub")
    reader = callers.start(subscriber.get)
    wait_until(lambda: server.command("PUBLISH", "c", "again"))
    assert reader.result() == [b"message", b"c", b"again"]
    assert subscriber.closed is False
    subscriber.close()


def test_003_07_a_client_that_subscribes_says_what_it_cannot_do(server: Server) -> None:
    subscriber = PubSubClient(host=server.host, port=server.port)
    with pytest.raises(PyRedisError, match="subscribed to nothing"):
        subscriber.get()
    with pytest.raises(PyRedisError, match="sends no GET"):
        subscriber.write("GET", "k")
    with pytest.raises(PyRedisError, match="one at least"):
        subscriber.subscribe()
    subscriber.unsubscribe()
    assert subscriber.get() == [b"unsubscribe", None, 0]
    subscriber.close()
    nowhere = PubSubClient("localhost", 1, conn_timeout=0.2)
    with pytest.raises(PyRedisConnError):
        nowhere.subscribe("c")
    nowhere.close()


def test_003_07_every_channel_has_an_answer_of_its_own(server: Server) -> None:
    subscriber = PubSubClient(host=server.host, port=server.port)
    subscriber.subscribe("a", b"b")
    assert [subscriber.get() for _ in range(2)] == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2]]
    subscriber.unsubscribe()
    assert [(subscriber.get())[1:] for _ in range(2)] == [[b"a", 1], [b"b", 0]]
    subscriber.close()
