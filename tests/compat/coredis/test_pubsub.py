"""What coredis calls ``pubsub``: subscriptions, confirmations, handlers, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool.compat.coredis import Redis, RedisCluster, exceptions
from respool.compat.coredis.pubsub import ClusterPubSub, PubSub, ShardedPubSub
from respool.errors import UsageAttributeError, UsageError
from respool.testing import ClusterServers, Server


def told(kind: str, channel: Any, data: Any, pattern: Any = None) -> dict[str, Any]:
    return {"type": kind, "channel": channel, "pattern": pattern, "data": data}


def subscribers(server: Server) -> int:
    return server.command("CLIENT", "LIST", "TYPE", "PUBSUB").count(b"\n")


async def test_confirmations_and_messages_are_those_of_the_handbook(server: Server) -> None:
    async with Redis(port=server.port) as client:
        p = client.pubsub()
        assert type(p) is PubSub
        assert not p.subscribed
        await p.subscribe("first", "second")
        await p.psubscribe("fi*")
        assert p.subscribed
        assert await p.get_message() == told("subscribe", b"first", 1)
        assert await p.get_message() == told("subscribe", b"second", 2)
        assert await p.get_message() == told("psubscribe", b"fi*", 3, b"fi*")
        assert await client.publish("first", "some data") == 2
        assert await p.get_message() == told("message", b"first", b"some data")
        assert await p.get_message() == told("pmessage", b"first", b"some data", b"fi*")
        assert await p.get_message(timeout=0.01) is None
        await p.unsubscribe()
        await p.punsubscribe("fi*", "unknown")
        assert await p.get_message() == told("unsubscribe", b"first", 2)
        assert await p.get_message() == told("unsubscribe", b"second", 1)
        assert await p.get_message() == told("punsubscribe", b"fi*", 0, b"fi*")
        assert not p.subscribed
        assert await p.listen() is None
        p.close()
        await wait_until(lambda: subscribers(server) == 0)


async def test_text_comes_back_as_text_where_replies_are_decoded(server: Server) -> None:
    async with Redis(port=server.port, decode_responses=True) as client, client.pubsub(channels=[b"news"]) as p:
        assert await p.get_message() == told("subscribe", "news", 1)
        await client.publish("news", "x")
        assert await p.listen() == told("message", "news", "x")
        await p.unsubscribe()
        assert [message["type"] async for message in p] == ["unsubscribe"]


async def test_a_handler_gets_the_messages_of_its_channel_and_nobody_else_does(server: Server) -> None:
    handled: list[Any] = []

    async def later(message: Any) -> None:
        handled.append(message["pattern"])

    async with Redis(port=server.port) as client:
        p = client.pubsub(ignore_subscribe_messages=True)
        await p.subscribe("plain", handled_too=lambda message: handled.append(message["data"]))
        await p.psubscribe(**{"x*": later})
        assert [await p.get_message() for _ in range(3)] == [None] * 3
        for channel in ("handled_too", "xyz", "plain"):
            await client.publish(channel, "1")
        assert [await p.get_message() for _ in range(3)] == [None, None, told("message", b"plain", b"1")]
        assert handled == [b"1", b"x*"]
        await p.aclose()
        await wait_until(lambda: subscribers(server) == 0)


async def test_an_iteration_ends_with_the_last_subscription(server: Server) -> None:
    async with Redis(port=server.port) as client:
        async with client.pubsub(
            ignore_subscribe_messages=True, channels=["a", "b"], pattern_handlers={"c*": print}
        ) as consumer:
            assert consumer.patterns == {b"c*": print}
            await consumer.punsubscribe()
            for channel in ("a", "b", "a"):
                await client.publish(channel, "STOP")
            seen = []
            async for message in consumer:
                seen.append(message["channel"])
                await consumer.unsubscribe(message["channel"])
            assert seen == [b"a", b"b"]
        await wait_until(lambda: subscribers(server) == 0)


async def test_a_lost_connection_is_replaced(server: Server) -> None:
    async with Redis(port=server.port) as client, client.pubsub(True, channels=["a"]) as p:
        assert await p.get_message() is None
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        await wait_until(lambda: subscribers(server) == 1)
        await client.publish("a", "x")
        assert await p.get_message(timeout=5) == told("message", b"a", b"x")


async def test_mistakes_and_failures_are_told(server: Server) -> None:
    async with Redis(port=server.port, max_connections=1) as client:
        p = await client.pubsub()
        async with await client.pubsub(channels=["a"]) as twice:
            assert await twice.get_message() == told("subscribe", b"a", 1)
            assert await twice.get_message(timeout=0.01) is None
        await wait_until(lambda: subscribers(server) == 0)
        with pytest.raises(UsageError, match="call subscribe"):
            await p.get_message()
        with pytest.raises(UsageAttributeError, match="create_task"):
            p.run_in_thread()
        other = await client.pubsub(channels=["a"])
        with pytest.raises(exceptions.ConnectionError):
            await client.ping()
        await other.aclose()
        assert await client.ping()
        lease = await client.connection_pool.get_connection()
        with pytest.raises(exceptions.ConnectionError):
            await p.subscribe("a")
        assert not p.subscribed
        client.connection_pool.release(lease)
        await p.subscribe("a")
        await p.aclose()
        await p.aclose()


async def test_in_a_cluster_there_are_channels_and_shard_channels(cluster: ClusterServers) -> None:
    async with RedisCluster("127.0.0.1", cluster.nodes[0].port) as client:
        async with client.pubsub(ignore_subscribe_messages=True, channels=["news"]) as p:
            assert type(p) is ClusterPubSub
            assert await p.get_message() is None
            await client.publish("news", "x")
            assert await p.get_message() == told("message", b"news", b"x")
        async with client.sharded_pubsub(channels=["a", "b"]) as p:
            assert type(p) is ShardedPubSub
            assert await p.get_message() == told("ssubscribe", b"a", 1)
            assert await p.get_message() == told("ssubscribe", b"b", 2)
            await client.spublish("b", "y")
            assert await p.get_message() == told("message", b"b", b"y")
            await p.unsubscribe("a")
            assert await p.get_message() == told("sunsubscribe", b"a", 1)
            with pytest.raises(UsageError, match="shard channels have no patterns"):
                await p.psubscribe("a*")
            with pytest.raises(UsageError, match="shard channels have no patterns"):
                await p.punsubscribe()


# Scripts ----------------------------------------------------------------------------------------------------


async def test_a_script_is_called_by_its_hash(server: Server) -> None:
    async with Redis(port=server.port, decode_responses=True) as client, Redis(port=server.port, db=1) as other:
        multiply = client.register_script("return redis.call('GET', KEYS[1]) * ARGV[1]")
        await client.set("k", 3)
        await other.set("k", 5)
        assert await multiply(keys=["k"], args=[2]) == 6
        assert await multiply(["k"], [3]) == 9
        assert await multiply.execute(keys=["k"], args=[2], client=other) == 10
        assert server.info("commandstats")["cmdstat_evalsha"]
        assert await multiply(["k"], [2], readonly=True) == 6
        assert server.info("commandstats")["cmdstat_evalsha_ro"]
        server.command("SCRIPT", "FLUSH")
        assert await multiply(["k"], [2]) == 6
        async with client.pipeline() as pipe:
            result = await multiply(["k"], [4], client=pipe)
        assert result.result() == 12
        with pytest.raises(exceptions.ResponseError):
            await multiply(["missing"], [1])


async def test_a_script_may_be_sent_without_a_reply(server: Server) -> None:
    async with Redis(port=server.port) as client:
        store = client.register_script("return redis.call('SET', KEYS[1], ARGV[1])")
        with client.ignore_replies():
            assert await store(["k"], ["v"]) is None
        await wait_until(lambda: server.command("GET", "k") == b"v")


async def test_a_script_without_a_text_or_a_client_is_refused(server: Server) -> None:
    async with Redis(port=server.port) as client:
        script = client.register_script("return 1")
        script.registered_client = None
        with pytest.raises(UsageError, match="has no client"):
            await script()
        assert await script(client=client) == 1
        async with client.pipeline() as pipe:
            result = await script(client=pipe)
        assert result.result() == 1
        with pytest.raises(UsageError, match="the text of a script"):
            client.register_script("")
        with pytest.raises(UsageAttributeError, match="write a function"):
            script.wraps()
