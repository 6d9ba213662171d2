# Written once: tests/threads/test_subscribers.py is generated from this file.
"""Subscribers of one node: messages, gaps, full queues, and their end."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool
from respool.errors import (
    ConnectFailed,
    DecodeError,
    NoPermission,
    PoolClosed,
    PoolExhausted,
    PoolTimeout,
    QueueFull,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool.events import MessageDropped, SubscriptionLost, SubscriptionMoved, SubscriptionRestored
from respool.testing import FakeNode, FaultProxy, Server, Silence
from respool.types import Gap, Message

protocols = pytest.mark.parametrize("protocol", [3, 2])


def subscribers(server: Server) -> int:
    """Count the connections that are subscribed to something."""
    return server.command("CLIENT", "LIST", "TYPE", "PUBSUB").count(b"\n")


def cut(server: Server) -> None:
    """Let the server close every connection that is subscribed to something."""
    server.command("CLIENT", "KILL", "TYPE", "pubsub")


# Messages ----------------------------------------------------------------------------------------


@protocols
async def test_what_is_published_after_entering_is_received(server: Server, protocol: int) -> None:
    async with AsyncPool(server.url, protocol=protocol) as pool, pool.subscribe("news", "more") as sub:
        assert await pool.publish("news", "one") == 1
        assert await pool.publish("more", "two") == 1
        assert await sub.next() == Message(b"news", b"one", None, "message", gap=False)
        assert await sub.next(5.0) == Message(b"more", b"two", None, "message", gap=False)
        assert await sub.next(0.01) is None
        assert await sub.next(0) is None


@protocols
async def test_patterns_and_shard_channels_say_what_they_are(server: Server, protocol: int) -> None:
    async with (
        AsyncPool(server.url, protocol=protocol, encoding="utf-8") as pool,
        pool.subscribe("news", patterns=["n*"], sharded="shard") as sub,
    ):
        assert (sub.channels, sub.patterns, sub.sharded) == ({"news"}, {"n*"}, {"shard"})
        await pool.publish("news", "ä")
        assert await sub.next(5.0) == Message("news", "ä", None, "message", gap=False)
        assert await sub.next(5.0) == Message("news", "ä", "n*", "pmessage", gap=False)
        await pool.spublish("shard", "s")
        assert await sub.next(5.0) == Message("shard", "s", None, "smessage", gap=False)


@protocols
async def test_an_iteration_returns_messages_in_order(server: Server, protocol: int) -> None:
    async with AsyncPool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe("c") as sub:
        await pool.execute_many([("PUBLISH", "c", n) for n in range(500)])
        got = []
        async for message in sub:
            got.append(int(message.data))
            if len(got) == 500:
                break
        assert got == list(range(500))


@protocols
async def test_a_subscriber_changes_what_it_wants(server: Server, protocol: int) -> None:
    async with AsyncPool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe() as sub:
        assert await pool.publish("a", "lost") == 0
        await sub.subscribe("a", patterns="b*", sharded=["s"])
        for channel in ("a", "b1"):
            assert await pool.publish(channel, channel) == 1
        assert [(await sub.next(5.0)).data for _ in range(2)] == ["a", "b1"]  # type: ignore[union-attr]
        await sub.unsubscribe("a", "unheard", patterns="b*")
        assert (sub.channels, sub.patterns, sub.sharded) == (set(), set(), {"s"})
        await sub.next(0)
        await wait_until(lambda: server.command("PUBSUB", "CHANNELS") == [])
        await pool.spublish("s", "s")
        assert (await sub.next(5.0)).data == "s"  # type: ignore[union-attr]


async def test_without_channels_it_has_no_connection(server: Server) -> None:
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe() as sub:
        assert await sub.next(0.01) is None
        for number in range(3):
            assert pool.leased == 0
            await sub.subscribe("a")
            assert pool.leased == 1
            await pool.publish("a", number)
            assert (await sub.next(5.0)).data == str(number)  # type: ignore[union-attr]
            await sub.unsubscribe("a")
            assert await sub.next(0.05) is None
        assert sub.gaps == 0


@protocols
async def test_what_is_unsubscribed_and_subscribed_at_once_is_subscribed(server: Server, protocol: int) -> None:
    async with AsyncPool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe("a", "b") as sub:
        for number in range(10):
            await sub.unsubscribe("a")
            if number % 2:
                await sub.next(0.001)
            await sub.subscribe("a")
            assert await pool.publish("a", number) == 1
            assert (await sub.next(5.0)).data == str(number)  # type: ignore[union-attr]


async def test_two_subscribers_of_one_channel_have_it_each_on_its_own(server: Server) -> None:
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("c") as first:
        async with pool.subscribe("c") as second:
            await pool.publish("c", "both")
            assert (await first.next(5.0)).data == (await second.next(5.0)).data == "both"  # type: ignore[union-attr]
            await second.unsubscribe("c")
            await second.next(0.01)
            await pool.publish("c", "one")
            assert (await first.next(5.0)).data == "one"  # type: ignore[union-attr]
            assert await second.next(0.02) is None
        await pool.publish("c", "left")
        assert (await first.next(5.0)).data == "left"  # type: ignore[union-attr]


async def test_a_thousand_channels_are_subscribed_to_together(server: Server) -> None:
    names = [f"c{n}" for n in range(1200)]
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe(*names) as sub:
        assert sub.channels == set(names)
        assert len(server.command("PUBSUB", "CHANNELS")) == 1200
        await pool.publish("c1199", "x")
        assert (await sub.next(5.0)).channel == "c1199"  # type: ignore[union-attr]


async def test_a_large_message_is_whole(server: Server) -> None:
    data = bytes(range(256)) * 8192
    async with AsyncPool(server.url) as pool, pool.subscribe("c") as sub:
        await pool.publish("c", data)
        await pool.publish("c", b"|!\n|!")
        assert (await sub.next(5.0)).data == data  # type: ignore[union-attr]
        assert (await sub.next(5.0)).data == b"|!\n|!"  # type: ignore[union-attr]


async def test_a_message_that_cannot_be_decoded_costs_only_itself(server: Server) -> None:
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("c") as sub:
        await pool.publish("c", b"\xff")
        await pool.publish("c", b"good")
        with pytest.raises(DecodeError, match="encoding=None"):
            await sub.next(5.0)
        assert (await sub.next(5.0)).data == "good"  # type: ignore[union-attr]


async def test_names_are_sent_in_the_encoding_of_the_pool(server: Server) -> None:
    async with AsyncPool(server.url, encoding="latin-1") as pool, pool.subscribe("ä", 7) as sub:
        assert server.command("PUBSUB", "CHANNELS") in ([b"\xe4", b"7"], [b"7", b"\xe4"])
        assert sub.channels == {"ä", "7"}
        await pool.publish("ä", "ö")
        assert await sub.next(5.0) == Message("ä", "ö", None, "message", gap=False)


# The connection ----------------------------------------------------------------------------------


async def test_its_connection_is_a_lease_and_is_closed_with_it(server: Server) -> None:
    async with AsyncPool(server.url, shared=1, max_size=2) as pool:
        async with pool.subscribe("c") as sub:
            assert (pool.leased, subscribers(server)) == (1, 1)
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.01)
            assert not sub.closed
        assert (pool.leased, pool.idle) == (0, 0)
        await wait_until(lambda: subscribers(server) == 0)
        async with pool.acquire(timeout=5.0) as conn:
            assert await conn.ping() is True
        assert sub.closed


async def test_a_pool_without_room_for_it_says_so(server: Server) -> None:
    async with AsyncPool(server.url, shared=1, max_size=2, on_full="raise") as pool, pool.acquire():
        with pytest.raises(PoolExhausted):
            async with pool.subscribe("c"):
                pass
        assert pool.leased == 1


async def test_a_subscriber_that_cannot_be_confirmed_in_time_says_what_is_missing(server: Server) -> None:
    async with AsyncPool(server.url, shared=1, max_size=2) as pool, pool.acquire():
        before = now()
        with pytest.raises(PoolTimeout, match="has not confirmed in time that it subscribed to a, b"):
            async with pool.subscribe("a", "b", timeout=0.05):
                pass
        assert now() - before < 2.0
        assert pool.waiting == 0


async def test_a_node_that_is_not_there_is_told_to_who_subscribes() -> None:
    node = FakeNode()
    with node:
        url = node.url
    pool = AsyncPool(url, connect_timeout=0.2)
    with pytest.raises(ConnectFailed):
        async with pool.subscribe("a"):
            pass
    assert (pool.leased, pool.waiting) == (0, 0)
    await pool.aclose()


async def test_channels_that_an_acl_forbids_are_refused(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "&ok*")
    try:
        async with AsyncPool(server.url, username="ann", password="pw", encoding="utf-8") as pool:
            with pytest.raises(NoPermission):
                async with pool.subscribe("secret"):
                    pass
            async with pool.subscribe("ok") as sub:
                with pytest.raises(NoPermission):
                    await sub.subscribe("ok2", "secret")
                assert sub.channels == {"ok"}
                await pool.publish("ok", "x")
                assert (await sub.next(5.0)).data == "x"  # type: ignore[union-attr]
    finally:
        server.command("ACL", "DELUSER", "ann")


async def test_a_ping_that_an_acl_forbids_proves_life_too(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "-ping", "&*")
    try:
        options: Any = {"username": "ann", "password": "pw", "keepalive": 0.02, "read_timeout": 0.5}
        async with AsyncPool(server.url, encoding="utf-8", **options) as pool, pool.subscribe("a", "b") as sub:
            assert await sub.next(0.3) is None
            await pool.publish("a", "x")
            assert await sub.next(5.0) == Message("a", "x", None, "message", gap=False)
            assert sub.gaps == 0
    finally:
        server.command("ACL", "DELUSER", "ann")


# Gaps --------------------------------------------------------------------------------------------


@protocols
async def test_a_lost_connection_is_replaced_and_told_as_a_gap(server: Server, protocol: int) -> None:
    events: list[Any] = []
    gaps: list[Gap] = []
    options: Any = {"protocol": protocol, "encoding": "utf-8", "listener": events.append}
    async with (
        AsyncPool(server.url, **options) as pool,
        pool.subscribe("a", patterns="p*", on_gap=gaps.append) as sub,
    ):
        await pool.publish("a", "before")
        assert (await sub.next(5.0)) == Message("a", "before", None, "message", gap=False)
        cut(server)
        assert await sub.next(0.2) is None
        await wait_until(lambda: subscribers(server) == 1)
        await pool.publish("a", "after")
        await pool.publish("p", "later")
        assert await sub.next(5.0) == Message("a", "after", None, "message", gap=True)
        assert await sub.next(5.0) == Message("p", "later", "p*", "pmessage", gap=False)
        assert [gap.reason for gap in gaps] == ["lost"]
        assert sub.gaps == 1
        assert sub.dropped == 0
    address = f"127.0.0.1:{server.port}"
    lost = [event for event in events if isinstance(event, SubscriptionLost)]
    assert [(event.address, event.topics) for event in lost] == [(address, 2)]
    restored = [event for event in events if isinstance(event, SubscriptionRestored)]
    assert {event.channel for event in restored} == {b"a", b"p*"}
    assert all(0 <= event.seconds < 5.0 for event in restored)
    assert not [event for event in events if isinstance(event, SubscriptionMoved)]


@protocols
async def test_a_drain_replaces_its_connection_and_is_told_as_a_gap(server: Server, protocol: int) -> None:
    gaps: list[Gap] = []
    events: list[Any] = []
    async with (
        AsyncPool(server.url, protocol=protocol, listener=events.append) as pool,
        pool.subscribe("news", on_gap=gaps.append) as sub,
    ):
        before = server.command("CLIENT", "LIST", "TYPE", "PUBSUB")
        await pool.publish("news", "old")
        assert (await sub.next(5.0)).data == b"old"
        pool.drain()
        assert await sub.next(2.0) is None
        assert [gap.reason for gap in gaps] == ["lost"]
        after = server.command("CLIENT", "LIST", "TYPE", "PUBSUB")
        assert after.count(b"\n") == 1
        assert before.split()[0] != after.split()[0], "another connection"
        await pool.publish("news", "new")
        assert (await sub.next(5.0)).data == b"new"
        assert await sub.next(1.2) is None
        assert sub.gaps == 1, "it is replaced once"
        told = next(event for event in events if isinstance(event, SubscriptionLost))
        assert "the pool was drained" in str(told.error)


async def test_what_came_before_the_loss_is_read_before_the_gap(server: Server) -> None:
    order: list[Any] = []
    async with (
        AsyncPool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", on_gap=lambda gap: order.append(gap.reason)) as sub,
    ):
        await pool.execute_many([("PUBLISH", "a", n) for n in range(3)])
        cut(server)
        while len(order) < 4:
            message = await sub.next(0.05)
            if message is not None:
                order.append(message.data)
        assert order == ["0", "1", "2", "lost"]


async def test_a_gap_begins_before_the_loss_however_late_that_is_noticed(server: Server) -> None:
    gaps: list[Gap] = []
    async with AsyncPool(server.url) as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        assert await sub.next(0.02) is None
        opened = time.time()
        await pool.publish("a", "x")
        cut(server)
        lost = time.time()
        until = now() + 0.5
        await wait_until(lambda: now() > until)
        assert await sub.next(5.0) is not None
        assert await sub.next(0.2) is None
        assert [gap.reason for gap in gaps] == ["lost"]
        assert opened - 1.0 < gaps[0].since <= lost


async def test_reconnecting_goes_on_until_the_server_is_back() -> None:
    with Server() as server:
        async with AsyncPool(server.url, encoding="utf-8", connect_timeout=0.3) as pool, pool.subscribe("a") as sub:
            server.kill()
            assert await sub.next(0.8) is None
            server.restart()
            message, until = None, now() + 20.0
            while message is None and now() < until:
                await pool.publish("a", "back")
                message = await sub.next(0.1)
            assert message == Message("a", "back", None, "message", gap=True)
            assert sub.gaps == 1


async def test_a_subscribe_during_an_outage_gets_the_error_and_costs_nothing_else() -> None:
    with Server() as server:
        options: Any = {"connect_timeout": 0.2, "encoding": "utf-8"}
        async with AsyncPool(server.url, **options) as pool, pool.subscribe("a") as sub:
            server.kill()
            with pytest.raises((ConnectFailed, PoolTimeout)):
                await sub.subscribe("b", timeout=2.0)
            assert sub.channels == {"a"}
            server.restart()
            await sub.subscribe("c", timeout=10.0)
            assert sub.channels == {"a", "c"}
            assert await pool.publish("a", "x") == 1
            assert (await sub.next(5.0)).gap is True  # type: ignore[union-attr]


async def test_a_channel_that_is_forbidden_when_the_connection_is_back_ends_the_subscriber(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "&*")
    try:
        async with AsyncPool(server.url, username="ann", password="pw") as pool, pool.subscribe("a") as sub:
            server.command("ACL", "SETUSER", "ann", "resetchannels")
            with pytest.raises(NoPermission):
                await sub.next(5.0)
            assert sub.closed
            with pytest.raises(NoPermission):
                async for _ in sub:
                    pass
    finally:
        server.command("ACL", "DELUSER", "ann")


@protocols
async def test_a_silent_server_is_noticed_by_a_ping(server: Server, protocol: int) -> None:
    options: Any = {"protocol": protocol, "encoding": "utf-8", "keepalive": 0.1, "read_timeout": 0.3}
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, **options) as pool, pool.subscribe("a") as sub:
            assert await sub.next(0.5) is None
            assert sub.gaps == 0
            proxy.down.hold()
            before = now()
            while sub.gaps == 0 and now() - before < 5.0:
                await sub.next(0.05)
                if now() - before > 0.6:
                    proxy.heal()
            await pool.publish("a", "x")
            assert (await sub.next(5.0)) == Message("a", "x", None, "message", gap=True)


async def test_silence_alone_ends_nothing(server: Server) -> None:
    async with AsyncPool(server.url, keepalive=None, read_timeout=0.1) as pool, pool.subscribe("a") as sub:
        assert await sub.next(0.4) is None
        assert sub.gaps == 0
        assert await pool.publish("a", "x") == 1


async def test_a_subscribe_that_is_not_answered_loses_its_connection() -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        async with AsyncPool(node.url, read_timeout=0.1) as pool:
            with pytest.raises(PoolTimeout):
                async with pool.subscribe("a", timeout=0.5):
                    pass
        assert len({seen.connection for seen in node.calls("SUBSCRIBE")}) > 1


async def test_a_reply_that_nobody_asked_for_ends_the_connection(server: Server) -> None:
    confirmed = b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
    with FakeNode({"SUBSCRIBE": confirmed, "PING": lambda command, _: b"$%d\r\n%s\r\n" % (len(command[1]), command[1])
                   if len(command) > 1 else b"+PONG\r\n"}) as node:  # fmt: skip
        async with AsyncPool(node.url) as pool, pool.subscribe("a") as sub:
            assert sub.gaps == 0
            node.send(b"*1\r\n+surplus\r\n", node.calls("SUBSCRIBE")[0].connection)
            await wait_until(lambda: sub.gaps == 1) if sub.queued else None
            assert await sub.next(0.3) is None
            assert sub.gaps == 1
            assert len(node.calls("SUBSCRIBE")) == 2


# Full queues -------------------------------------------------------------------------------------


async def flood(pool: Any, sub: Any, count: int) -> None:
    """Publish while the subscriber does not take messages, but receives them: it subscribes to something else."""
    await pool.execute_many([("PUBLISH", "a", n) for n in range(count)])
    await sub.subscribe("another")


async def taken(sub: Any) -> list[Any]:
    got = []
    while (message := await sub.next(0.05)) is not None:
        got.append((message.data, message.gap))
    return got


async def test_of_a_full_queue_the_oldest_are_dropped(server: Server) -> None:
    events: list[Any] = []
    gaps: list[Gap] = []
    async with (
        AsyncPool(server.url, encoding="utf-8", listener=events.append) as pool,
        pool.subscribe("a", queue=3, on_gap=gaps.append) as sub,
    ):
        await flood(pool, sub, 10)
        assert (sub.queued, sub.dropped) == (3, 7)
        assert await taken(sub) == [("7", True), ("8", False), ("9", False)]
        assert [gap.reason for gap in gaps] == ["dropped"]
        assert sub.gaps == 1
    dropped = [event for event in events if isinstance(event, MessageDropped)]
    assert [event.dropped for event in dropped] == list(range(1, 8))


async def test_of_a_full_queue_the_newest_are_dropped(server: Server) -> None:
    gaps: list[Gap] = []
    async with (
        AsyncPool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", queue=3, on_full="drop_newest", on_gap=gaps.append) as sub,
    ):
        await flood(pool, sub, 10)
        assert (sub.queued, sub.dropped, sub.gaps) == (3, 7, 1)
        assert await taken(sub) == [("0", False), ("1", False), ("2", False)]
        assert [gap.reason for gap in gaps] == ["dropped"]
        await pool.publish("a", "next")
        assert await taken(sub) == [("next", True)]


async def test_a_full_queue_ends_a_subscriber_that_wants_that(server: Server) -> None:
    async with (
        AsyncPool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", queue=3, on_full="close") as sub,
        pool.subscribe("a") as other,
    ):
        with pytest.raises(QueueFull, match="queue="):
            await flood(pool, sub, 10)
        assert [(await sub.next(5.0)).data for _ in range(3)] == ["0", "1", "2"]  # type: ignore[union-attr]
        for _ in range(2):
            with pytest.raises(QueueFull, match="full with 3 messages"):
                await sub.next(5.0)
        assert sub.closed
        assert len(await taken(other)) == 10


# The end -----------------------------------------------------------------------------------------


async def test_closing_the_pool_ends_its_subscribers(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        sub = pool.subscribe("a")
        await sub.open()
        await pool.publish("a", "last")
        await sub.next(5.0)
    with pytest.raises(PoolClosed):
        await sub.next(5.0)
    with pytest.raises(PoolClosed):
        async for _ in sub:
            pass
    await sub.aclose()
    await wait_until(lambda: subscribers(server) == 0)
    with pytest.raises(PoolClosed):
        async with pool.subscribe("b"):
            pass


async def test_who_waits_for_a_message_hears_of_the_end(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url) as pool:
        first, second = pool.subscribe("a"), pool.subscribe("b")
        await first.open()
        await second.open()
        waiting = [callers.start(sub.next) for sub in (first, second)]
        iterating = callers.start(everything, second)
        assert await first.next(0.05) is None
        await second.aclose()
        assert await iterating.result() == []
        with pytest.raises(UsageError, match="closed"):
            await waiting[1].result()
        await pool.aclose()
        with pytest.raises(PoolClosed):
            await waiting[0].result()
        await first.aclose()


async def everything(sub: Any) -> list[Any]:
    return [message async for message in sub]


async def test_another_caller_may_subscribe_while_one_waits(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe() as sub:
        waiting = callers.start(sub.next)
        await sub.subscribe("a")
        await pool.publish("a", "x")
        assert (await waiting.result()).data == "x"


async def test_nobody_waits_for_a_channel_that_another_caller_has_dropped(callers: Callers) -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        async with AsyncPool(node.url, read_timeout=None) as pool, pool.subscribe() as sub:
            waiting = callers.start(sub.subscribe, "a", timeout=10.0)
            await wait_until(lambda: node.calls("SUBSCRIBE"))
            await sub.unsubscribe("a")
            await waiting.result()
            assert sub.channels == set()


async def test_a_subscribe_that_fails_takes_nothing_from_another_caller(callers: Callers) -> None:
    with Server() as server:
        async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("b") as sub:
            server.pause()
            first = callers.start(sub.subscribe, "a", "c", timeout=0.3)
            second = callers.start(sub.subscribe, "a", timeout=10.0)
            assert isinstance(await first.outcome(), PoolTimeout)
            server.resume()
            await second.result()
            assert sub.channels == {"a", "b"}
            assert await pool.publish("a", "x") == 1
            assert (await sub.next(5.0)).data == "x"
            assert await sub.next(0.01) is None  # in threads, who waits also sends what is to be sent
            await wait_until(lambda: server.command("PUBSUB", "NUMSUB", "c") == [b"c", 0])
            assert subscribers(server) == 1


async def test_a_subscribe_ends_with_its_subscriber(callers: Callers) -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        async with AsyncPool(node.url, read_timeout=None) as pool:
            sub = pool.subscribe()
            await sub.open()
            waiting = callers.start(sub.subscribe, "a", timeout=10.0)
            await wait_until(lambda: node.calls("SUBSCRIBE"))
            await sub.aclose()
            assert isinstance(await waiting.outcome(), UsageError)


async def test_a_subscriber_that_is_closed_or_not_open_says_so(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        sub = pool.subscribe("a")
        for use in (sub.next, sub.subscribe, sub.unsubscribe):
            with pytest.raises(UsageError, match="not open yet"):
                await use()
        async with sub:
            with pytest.raises(UsageError, match="open already"):
                await sub.open()
        await sub.aclose()
        for use in (sub.next, sub.subscribe, sub.unsubscribe, sub.open):
            with pytest.raises(UsageError, match="this subscriber is closed"):
                await use()
        assert await everything(sub) == []


async def test_one_that_is_dropped_is_closed_with_a_warning(server: Server) -> None:
    async with AsyncPool(server.url) as pool:
        with pytest.warns(ResourceWarning, match="Subscriber of .* was never closed"):
            await forget_one(pool)
            gc.collect()
        await wait_until(lambda: subscribers(server) == 0)
        await wait_until(lambda: pool.leased == 0)


async def test_it_is_closed_too_if_that_warning_is_an_error(server: Server, printed: list[str]) -> None:
    async with AsyncPool(server.url) as pool:
        await forget_one(pool)
        gc.collect()
        await wait_until(lambda: subscribers(server) == 0)
        await wait_until(lambda: pool.leased == 0)
    assert "Subscriber of" in printed[0]
    assert "was never closed" in printed[0]


async def forget_one(pool: Any) -> None:
    sub = pool.subscribe("a")
    await sub.open()


async def test_bad_arguments_are_refused_before_anything_is_sent(server: Server) -> None:
    pool: Any = AsyncPool(server.url)
    for options in ({"queue": 0}, {"on_full": "wait"}):
        with pytest.raises(UsageValueError):
            pool.subscribe("a", **options)
    for options in ({"queue": True}, {"queue": "1"}, {"on_gap": 7}, {"timeout": "soon"}):
        with pytest.raises(UsageTypeError):
            pool.subscribe("a", **options)
    with pytest.raises(UsageTypeError, match=r"subscribe\(\*channels\)"):
        pool.subscribe(["a", "b"])
    with pytest.raises(UsageError, match=r"pool\.subscribe"):
        await pool.execute("SUBSCRIBE", "a")
    assert pool.size == 0
    await pool.aclose()


async def test_an_error_in_on_gap_comes_out_of_next(server: Server) -> None:
    def fail(gap: Gap) -> None:
        raise LookupError(gap.reason)

    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=fail) as sub:
        cut(server)
        with pytest.raises(LookupError, match="lost"):
            await sub.next(5.0)
        await pool.publish("a", "x")
        assert await sub.next(5.0) == Message("a", "x", None, "message", gap=True)


async def test_on_gap_may_use_the_subscriber(server: Server) -> None:
    seen: list[Any] = []

    async def use(_: Gap) -> None:
        await sub.subscribe("b")
        seen.append(sub.channels)

    def plain(_: Gap) -> Any:
        return use(_)

    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=plain) as sub:
        cut(server)
        await sub.next(0.3)
        assert seen == [{"a", "b"}]


async def test_a_second_loss_before_the_first_gap_is_read_is_the_same_gap(server: Server) -> None:
    gaps: list[Gap] = []
    async with AsyncPool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        for number in range(1, 4):
            cut(server)
            assert await sub.next(0.2) is None
            assert sub.gaps == len(gaps) == number


async def test_one_that_could_not_be_opened_can_be_opened_later(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all")
    try:
        async with AsyncPool(server.url, username="ann", password="pw") as pool:
            sub = pool.subscribe("a")
            with pytest.raises(NoPermission):
                await sub.open()
            server.command("ACL", "SETUSER", "ann", "&a")
            async with sub:
                await pool.publish("a", "x")
                assert (await sub.next(5.0)).data == b"x"  # type: ignore[union-attr]
    finally:
        server.command("ACL", "DELUSER", "ann")


async def test_what_a_hook_raises_is_told_to_who_subscribes(server: Server) -> None:
    is_broken = False

    def configure(_: Any) -> None:
        if is_broken:
            raise LookupError("no tables")

    async with AsyncPool(server.url, configure=configure, connect_timeout=0.2) as pool:
        is_broken = True
        with pytest.raises(LookupError, match="no tables"):
            async with pool.subscribe("a"):
                pass
        is_broken = False
        async with pool.subscribe("a") as sub:
            assert sub.gaps == 0


async def test_closing_a_pool_does_not_wait_for_the_dial_of_a_subscriber(server: Server, callers: Callers) -> None:
    with FaultProxy(server) as proxy:
        pool = AsyncPool(proxy.url, connect_timeout=30.0, read_timeout=0.5)
        async with pool.subscribe("a") as sub:
            reader = callers.start(sub.next)
            await wait_until(lambda: subscribers(server) == 1)
            proxy.down.hold()
            cut(server)
            proxy.cut()
            await wait_until(lambda: pool.dialing > 0)
            before = now()
            await pool.aclose()
            assert now() - before < 4.0
            with pytest.raises(PoolClosed):
                await reader.result()
        assert pool.leased == 0
