# Generated from tests/asyncio_/test_subscribers.py by tools/generate.py. Do not edit.
"""Subscribers of one node: messages, gaps, full queues, and their end."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from threads.harness import Callers, now, wait_until
from respool import Pool
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
def test_what_is_published_after_entering_is_received(server: Server, protocol: int) -> None:
    with Pool(server.url, protocol=protocol) as pool, pool.subscribe("news", "more") as sub:
        assert pool.publish("news", "one") == 1
        assert pool.publish("more", "two") == 1
        assert sub.next() == Message(b"news", b"one", None, "message", gap=False)
        assert sub.next(5.0) == Message(b"more", b"two", None, "message", gap=False)
        assert sub.next(0.01) is None
        assert sub.next(0) is None


@protocols
def test_patterns_and_shard_channels_say_what_they_are(server: Server, protocol: int) -> None:
    with (
        Pool(server.url, protocol=protocol, encoding="utf-8") as pool,
        pool.subscribe("news", patterns=["n*"], sharded="shard") as sub,
    ):
        assert (sub.channels, sub.patterns, sub.sharded) == ({"news"}, {"n*"}, {"shard"})
        pool.publish("news", "ä")
        assert sub.next(5.0) == Message("news", "ä", None, "message", gap=False)
        assert sub.next(5.0) == Message("news", "ä", "n*", "pmessage", gap=False)
        pool.spublish("shard", "s")
        assert sub.next(5.0) == Message("shard", "s", None, "smessage", gap=False)


@protocols
def test_an_iteration_returns_messages_in_order(server: Server, protocol: int) -> None:
    with Pool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe("c") as sub:
        pool.execute_many([("PUBLISH", "c", n) for n in range(500)])
        got = []
        for message in sub:
            got.append(int(message.data))
            if len(got) == 500:
                break
        assert got == list(range(500))


@protocols
def test_a_subscriber_changes_what_it_wants(server: Server, protocol: int) -> None:
    with Pool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe() as sub:
        assert pool.publish("a", "lost") == 0
        sub.subscribe("a", patterns="b*", sharded=["s"])
        for channel in ("a", "b1"):
            assert pool.publish(channel, channel) == 1
        assert [(sub.next(5.0)).data for _ in range(2)] == ["a", "b1"]  # type: ignore[union-attr]
        sub.unsubscribe("a", "unheard", patterns="b*")
        assert (sub.channels, sub.patterns, sub.sharded) == (set(), set(), {"s"})
        sub.next(0)
        wait_until(lambda: server.command("PUBSUB", "CHANNELS") == [])
        pool.spublish("s", "s")
        assert (sub.next(5.0)).data == "s"  # type: ignore[union-attr]


def test_without_channels_it_has_no_connection(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe() as sub:
        assert sub.next(0.01) is None
        for number in range(3):
            assert pool.leased == 0
            sub.subscribe("a")
            assert pool.leased == 1
            pool.publish("a", number)
            assert (sub.next(5.0)).data == str(number)  # type: ignore[union-attr]
            sub.unsubscribe("a")
            assert sub.next(0.05) is None
        assert sub.gaps == 0


@protocols
def test_what_is_unsubscribed_and_subscribed_at_once_is_subscribed(server: Server, protocol: int) -> None:
    with Pool(server.url, protocol=protocol, encoding="utf-8") as pool, pool.subscribe("a", "b") as sub:
        for number in range(10):
            sub.unsubscribe("a")
            if number % 2:
                sub.next(0.001)
            sub.subscribe("a")
            assert pool.publish("a", number) == 1
            assert (sub.next(5.0)).data == str(number)  # type: ignore[union-attr]


def test_two_subscribers_of_one_channel_have_it_each_on_its_own(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("c") as first:
        with pool.subscribe("c") as second:
            pool.publish("c", "both")
            assert (first.next(5.0)).data == (second.next(5.0)).data == "both"  # type: ignore[union-attr]
            second.unsubscribe("c")
            second.next(0.01)
            pool.publish("c", "one")
            assert (first.next(5.0)).data == "one"  # type: ignore[union-attr]
            assert second.next(0.02) is None
        pool.publish("c", "left")
        assert (first.next(5.0)).data == "left"  # type: ignore[union-attr]


def test_a_thousand_channels_are_subscribed_to_together(server: Server) -> None:
    names = [f"c{n}" for n in range(1200)]
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe(*names) as sub:
        assert sub.channels == set(names)
        assert len(server.command("PUBSUB", "CHANNELS")) == 1200
        pool.publish("c1199", "x")
        assert (sub.next(5.0)).channel == "c1199"  # type: ignore[union-attr]


def test_a_large_message_is_whole(server: Server) -> None:
    data = bytes(range(256)) * 8192
    with Pool(server.url) as pool, pool.subscribe("c") as sub:
        pool.publish("c", data)
        pool.publish("c", b"|!\n|!")
        assert (sub.next(5.0)).data == data  # type: ignore[union-attr]
        assert (sub.next(5.0)).data == b"|!\n|!"  # type: ignore[union-attr]


def test_a_message_that_cannot_be_decoded_costs_only_itself(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("c") as sub:
        pool.publish("c", b"\xff")
        pool.publish("c", b"good")
        with pytest.raises(DecodeError, match="encoding=None"):
            sub.next(5.0)
        assert (sub.next(5.0)).data == "good"  # type: ignore[union-attr]


def test_names_are_sent_in_the_encoding_of_the_pool(server: Server) -> None:
    with Pool(server.url, encoding="latin-1") as pool, pool.subscribe("ä", 7) as sub:
        assert server.command("PUBSUB", "CHANNELS") in ([b"\xe4", b"7"], [b"7", b"\xe4"])
        assert sub.channels == {"ä", "7"}
        pool.publish("ä", "ö")
        assert sub.next(5.0) == Message("ä", "ö", None, "message", gap=False)


# The connection ----------------------------------------------------------------------------------


def test_its_connection_is_a_lease_and_is_closed_with_it(server: Server) -> None:
    with Pool(server.url, shared=1, max_size=2) as pool:
        with pool.subscribe("c") as sub:
            assert (pool.leased, subscribers(server)) == (1, 1)
            with pytest.raises(PoolTimeout):
                pool.acquire(timeout=0.01)
            assert not sub.closed
        assert (pool.leased, pool.idle) == (0, 0)
        wait_until(lambda: subscribers(server) == 0)
        with pool.acquire(timeout=5.0) as conn:
            assert conn.ping() is True
        assert sub.closed


def test_a_pool_without_room_for_it_says_so(server: Server) -> None:
    with Pool(server.url, shared=1, max_size=2, on_full="raise") as pool, pool.acquire():
        with pytest.raises(PoolExhausted):
            with pool.subscribe("c"):
                pass
        assert pool.leased == 1


def test_a_subscriber_that_cannot_be_confirmed_in_time_says_what_is_missing(server: Server) -> None:
    with Pool(server.url, shared=1, max_size=2) as pool, pool.acquire():
        before = now()
        with pytest.raises(PoolTimeout, match="has not confirmed in time that it subscribed to a, b"):
            with pool.subscribe("a", "b", timeout=0.05):
                pass
        assert now() - before < 2.0
        assert pool.waiting == 0


def test_a_node_that_is_not_there_is_told_to_who_subscribes() -> None:
    node = FakeNode()
    with node:
        url = node.url
    pool = Pool(url, connect_timeout=0.2)
    with pytest.raises(ConnectFailed):
        with pool.subscribe("a"):
            pass
    assert (pool.leased, pool.waiting) == (0, 0)
    pool.close()


def test_channels_that_an_acl_forbids_are_refused(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "&ok*")
    try:
        with Pool(server.url, username="ann", password="pw", encoding="utf-8") as pool:
            with pytest.raises(NoPermission):
                with pool.subscribe("secret"):
                    pass
            with pool.subscribe("ok") as sub:
                with pytest.raises(NoPermission):
                    sub.subscribe("ok2", "secret")
                assert sub.channels == {"ok"}
                pool.publish("ok", "x")
                assert (sub.next(5.0)).data == "x"  # type: ignore[union-attr]
    finally:
        server.command("ACL", "DELUSER", "ann")


def test_a_ping_that_an_acl_forbids_proves_life_too(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "-ping", "&*")
    try:
        options: Any = {"username": "ann", "password": "pw", "keepalive": 0.02, "read_timeout": 0.5}
        with Pool(server.url, encoding="utf-8", **options) as pool, pool.subscribe("a", "b") as sub:
            assert sub.next(0.3) is None
            pool.publish("a", "x")
            assert sub.next(5.0) == Message("a", "x", None, "message", gap=False)
            assert sub.gaps == 0
    finally:
        server.command("ACL", "DELUSER", "ann")


# Gaps --------------------------------------------------------------------------------------------


@protocols
def test_a_lost_connection_is_replaced_and_told_as_a_gap(server: Server, protocol: int) -> None:
    events: list[Any] = []
    gaps: list[Gap] = []
    options: Any = {"protocol": protocol, "encoding": "utf-8", "listener": events.append}
    with (
        Pool(server.url, **options) as pool,
        pool.subscribe("a", patterns="p*", on_gap=gaps.append) as sub,
    ):
        pool.publish("a", "before")
        assert (sub.next(5.0)) == Message("a", "before", None, "message", gap=False)
        cut(server)
        assert sub.next(0.2) is None
        wait_until(lambda: subscribers(server) == 1)
        pool.publish("a", "after")
        pool.publish("p", "later")
        assert sub.next(5.0) == Message("a", "after", None, "message", gap=True)
        assert sub.next(5.0) == Message("p", "later", "p*", "pmessage", gap=False)
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
def test_a_drain_replaces_its_connection_and_is_told_as_a_gap(server: Server, protocol: int) -> None:
    gaps: list[Gap] = []
    events: list[Any] = []
    with (
        Pool(server.url, protocol=protocol, listener=events.append) as pool,
        pool.subscribe("news", on_gap=gaps.append) as sub,
    ):
        before = server.command("CLIENT", "LIST", "TYPE", "PUBSUB")
        pool.publish("news", "old")
        assert (sub.next(5.0)).data == b"old"
        pool.drain()
        assert sub.next(2.0) is None
        assert [gap.reason for gap in gaps] == ["lost"]
        after = server.command("CLIENT", "LIST", "TYPE", "PUBSUB")
        assert after.count(b"\n") == 1
        assert before.split()[0] != after.split()[0], "another connection"
        pool.publish("news", "new")
        assert (sub.next(5.0)).data == b"new"
        assert sub.next(1.2) is None
        assert sub.gaps == 1, "it is replaced once"
        told = next(event for event in events if isinstance(event, SubscriptionLost))
        assert "the pool was drained" in str(told.error)


def test_what_came_before_the_loss_is_read_before_the_gap(server: Server) -> None:
    order: list[Any] = []
    with (
        Pool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", on_gap=lambda gap: order.append(gap.reason)) as sub,
    ):
        pool.execute_many([("PUBLISH", "a", n) for n in range(3)])
        cut(server)
        while len(order) < 4:
            message = sub.next(0.05)
            if message is not None:
                order.append(message.data)
        assert order == ["0", "1", "2", "lost"]


def test_a_gap_begins_before_the_loss_however_late_that_is_noticed(server: Server) -> None:
    gaps: list[Gap] = []
    with Pool(server.url) as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        assert sub.next(0.02) is None
        opened = time.time()
        pool.publish("a", "x")
        cut(server)
        lost = time.time()
        until = now() + 0.5
        wait_until(lambda: now() > until)
        assert sub.next(5.0) is not None
        assert sub.next(0.2) is None
        assert [gap.reason for gap in gaps] == ["lost"]
        assert opened - 1.0 < gaps[0].since <= lost


def test_reconnecting_goes_on_until_the_server_is_back() -> None:
    with Server() as server:
        with Pool(server.url, encoding="utf-8", connect_timeout=0.3) as pool, pool.subscribe("a") as sub:
            server.kill()
            assert sub.next(0.8) is None
            server.restart()
            message, until = None, now() + 20.0
            while message is None and now() < until:
                pool.publish("a", "back")
                message = sub.next(0.1)
            assert message == Message("a", "back", None, "message", gap=True)
            assert sub.gaps == 1


def test_a_subscribe_during_an_outage_gets_the_error_and_costs_nothing_else() -> None:
    with Server() as server:
        options: Any = {"connect_timeout": 0.2, "encoding": "utf-8"}
        with Pool(server.url, **options) as pool, pool.subscribe("a") as sub:
            server.kill()
            with pytest.raises((ConnectFailed, PoolTimeout)):
                sub.subscribe("b", timeout=2.0)
            assert sub.channels == {"a"}
            server.restart()
            sub.subscribe("c", timeout=10.0)
            assert sub.channels == {"a", "c"}
            assert pool.publish("a", "x") == 1
            assert (sub.next(5.0)).gap is True  # type: ignore[union-attr]


def test_a_channel_that_is_forbidden_when_the_connection_is_back_ends_the_subscriber(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "&*")
    try:
        with Pool(server.url, username="ann", password="pw") as pool, pool.subscribe("a") as sub:
            server.command("ACL", "SETUSER", "ann", "resetchannels")
            with pytest.raises(NoPermission):
                sub.next(5.0)
            assert sub.closed
            with pytest.raises(NoPermission):
                for _ in sub:
                    pass
    finally:
        server.command("ACL", "DELUSER", "ann")


@protocols
def test_a_silent_server_is_noticed_by_a_ping(server: Server, protocol: int) -> None:
    options: Any = {"protocol": protocol, "encoding": "utf-8", "keepalive": 0.1, "read_timeout": 0.3}
    with FaultProxy(server) as proxy:
        with Pool(proxy.url, **options) as pool, pool.subscribe("a") as sub:
            assert sub.next(0.5) is None
            assert sub.gaps == 0
            proxy.down.hold()
            before = now()
            while sub.gaps == 0 and now() - before < 5.0:
                sub.next(0.05)
                if now() - before > 0.6:
                    proxy.heal()
            pool.publish("a", "x")
            assert (sub.next(5.0)) == Message("a", "x", None, "message", gap=True)


def test_silence_alone_ends_nothing(server: Server) -> None:
    with Pool(server.url, keepalive=None, read_timeout=0.1) as pool, pool.subscribe("a") as sub:
        assert sub.next(0.4) is None
        assert sub.gaps == 0
        assert pool.publish("a", "x") == 1


def test_a_subscribe_that_is_not_answered_loses_its_connection() -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        with Pool(node.url, read_timeout=0.1) as pool:
            with pytest.raises(PoolTimeout):
                with pool.subscribe("a", timeout=0.5):
                    pass
        assert len({seen.connection for seen in node.calls("SUBSCRIBE")}) > 1


def test_a_reply_that_nobody_asked_for_ends_the_connection(server: Server) -> None:
    confirmed = b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
    with FakeNode({"SUBSCRIBE": confirmed, "PING": lambda command, _: b"$%d\r\n%s\r\n" % (len(command[1]), command[1])
                   if len(command) > 1 else b"+PONG\r\n"}) as node:  # fmt: skip
        with Pool(node.url) as pool, pool.subscribe("a") as sub:
            assert sub.gaps == 0
            node.send(b"*1\r\n+surplus\r\n", node.calls("SUBSCRIBE")[0].connection)
            wait_until(lambda: sub.gaps == 1) if sub.queued else None
            assert sub.next(0.3) is None
            assert sub.gaps == 1
            assert len(node.calls("SUBSCRIBE")) == 2


# Full queues -------------------------------------------------------------------------------------


def flood(pool: Any, sub: Any, count: int) -> None:
    """Publish while the subscriber does not take messages, but receives them: it subscribes to something else."""
    pool.execute_many([("PUBLISH", "a", n) for n in range(count)])
    sub.subscribe("another")


def taken(sub: Any) -> list[Any]:
    got = []
    while (message := sub.next(0.05)) is not None:
        got.append((message.data, message.gap))
    return got


def test_of_a_full_queue_the_oldest_are_dropped(server: Server) -> None:
    events: list[Any] = []
    gaps: list[Gap] = []
    with (
        Pool(server.url, encoding="utf-8", listener=events.append) as pool,
        pool.subscribe("a", queue=3, on_gap=gaps.append) as sub,
    ):
        flood(pool, sub, 10)
        assert (sub.queued, sub.dropped) == (3, 7)
        assert taken(sub) == [("7", True), ("8", False), ("9", False)]
        assert [gap.reason for gap in gaps] == ["dropped"]
        assert sub.gaps == 1
    dropped = [event for event in events if isinstance(event, MessageDropped)]
    assert [event.dropped for event in dropped] == list(range(1, 8))


def test_of_a_full_queue_the_newest_are_dropped(server: Server) -> None:
    gaps: list[Gap] = []
    with (
        Pool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", queue=3, on_full="drop_newest", on_gap=gaps.append) as sub,
    ):
        flood(pool, sub, 10)
        assert (sub.queued, sub.dropped, sub.gaps) == (3, 7, 1)
        assert taken(sub) == [("0", False), ("1", False), ("2", False)]
        assert [gap.reason for gap in gaps] == ["dropped"]
        pool.publish("a", "next")
        assert taken(sub) == [("next", True)]


def test_a_full_queue_ends_a_subscriber_that_wants_that(server: Server) -> None:
    with (
        Pool(server.url, encoding="utf-8") as pool,
        pool.subscribe("a", queue=3, on_full="close") as sub,
        pool.subscribe("a") as other,
    ):
        with pytest.raises(QueueFull, match="queue="):
            flood(pool, sub, 10)
        assert [(sub.next(5.0)).data for _ in range(3)] == ["0", "1", "2"]  # type: ignore[union-attr]
        for _ in range(2):
            with pytest.raises(QueueFull, match="full with 3 messages"):
                sub.next(5.0)
        assert sub.closed
        assert len(taken(other)) == 10


# The end -----------------------------------------------------------------------------------------


def test_closing_the_pool_ends_its_subscribers(server: Server) -> None:
    with Pool(server.url) as pool:
        sub = pool.subscribe("a")
        sub.open()
        pool.publish("a", "last")
        sub.next(5.0)
    with pytest.raises(PoolClosed):
        sub.next(5.0)
    with pytest.raises(PoolClosed):
        for _ in sub:
            pass
    sub.close()
    wait_until(lambda: subscribers(server) == 0)
    with pytest.raises(PoolClosed):
        with pool.subscribe("b"):
            pass


def test_who_waits_for_a_message_hears_of_the_end(server: Server, callers: Callers) -> None:
    with Pool(server.url) as pool:
        first, second = pool.subscribe("a"), pool.subscribe("b")
        first.open()
        second.open()
        waiting = [callers.start(sub.next) for sub in (first, second)]
        iterating = callers.start(everything, second)
        assert first.next(0.05) is None
        second.close()
        assert iterating.result() == []
        with pytest.raises(UsageError, match="closed"):
            waiting[1].result()
        pool.close()
        with pytest.raises(PoolClosed):
            waiting[0].result()
        first.close()


def everything(sub: Any) -> list[Any]:
    return [message for message in sub]


def test_another_caller_may_subscribe_while_one_waits(server: Server, callers: Callers) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe() as sub:
        waiting = callers.start(sub.next)
        sub.subscribe("a")
        pool.publish("a", "x")
        assert (waiting.result()).data == "x"


def test_nobody_waits_for_a_channel_that_another_caller_has_dropped(callers: Callers) -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        with Pool(node.url, read_timeout=None) as pool, pool.subscribe() as sub:
            waiting = callers.start(sub.subscribe, "a", timeout=10.0)
            wait_until(lambda: node.calls("SUBSCRIBE"))
            sub.unsubscribe("a")
            waiting.result()
            assert sub.channels == set()


def test_a_subscribe_that_fails_takes_nothing_from_another_caller(callers: Callers) -> None:
    with Server() as server:
        with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("b") as sub:
            server.pause()
            first = callers.start(sub.subscribe, "a", "c", timeout=0.3)
            second = callers.start(sub.subscribe, "a", timeout=10.0)
            assert isinstance(first.outcome(), PoolTimeout)
            server.resume()
            second.result()
            assert sub.channels == {"a", "b"}
            assert pool.publish("a", "x") == 1
            assert (sub.next(5.0)).data == "x"
            assert sub.next(0.01) is None  # in threads, who waits also sends what is to be sent
            wait_until(lambda: server.command("PUBSUB", "NUMSUB", "c") == [b"c", 0])
            assert subscribers(server) == 1


def test_a_subscribe_ends_with_its_subscriber(callers: Callers) -> None:
    with FakeNode({"SUBSCRIBE": Silence()}) as node:
        with Pool(node.url, read_timeout=None) as pool:
            sub = pool.subscribe()
            sub.open()
            waiting = callers.start(sub.subscribe, "a", timeout=10.0)
            wait_until(lambda: node.calls("SUBSCRIBE"))
            sub.close()
            assert isinstance(waiting.outcome(), UsageError)


def test_a_subscriber_that_is_closed_or_not_open_says_so(server: Server) -> None:
    with Pool(server.url) as pool:
        sub = pool.subscribe("a")
        for use in (sub.next, sub.subscribe, sub.unsubscribe):
            with pytest.raises(UsageError, match="not open yet"):
                use()
        with sub:
            with pytest.raises(UsageError, match="open already"):
                sub.open()
        sub.close()
        for use in (sub.next, sub.subscribe, sub.unsubscribe, sub.open):
            with pytest.raises(UsageError, match="this subscriber is closed"):
                use()
        assert everything(sub) == []


def test_one_that_is_dropped_is_closed_with_a_warning(server: Server) -> None:
    with Pool(server.url) as pool:
        with pytest.warns(ResourceWarning, match="Subscriber of .* was never closed"):
            forget_one(pool)
            gc.collect()
        wait_until(lambda: subscribers(server) == 0)
        wait_until(lambda: pool.leased == 0)


def test_it_is_closed_too_if_that_warning_is_an_error(server: Server, printed: list[str]) -> None:
    with Pool(server.url) as pool:
        forget_one(pool)
        gc.collect()
        wait_until(lambda: subscribers(server) == 0)
        wait_until(lambda: pool.leased == 0)
    assert "Subscriber of" in printed[0]
    assert "was never closed" in printed[0]


def forget_one(pool: Any) -> None:
    sub = pool.subscribe("a")
    sub.open()


def test_bad_arguments_are_refused_before_anything_is_sent(server: Server) -> None:
    pool: Any = Pool(server.url)
    for options in ({"queue": 0}, {"on_full": "wait"}):
        with pytest.raises(UsageValueError):
            pool.subscribe("a", **options)
    for options in ({"queue": True}, {"queue": "1"}, {"on_gap": 7}, {"timeout": "soon"}):
        with pytest.raises(UsageTypeError):
            pool.subscribe("a", **options)
    with pytest.raises(UsageTypeError, match=r"subscribe\(\*channels\)"):
        pool.subscribe(["a", "b"])
    with pytest.raises(UsageError, match=r"pool\.subscribe"):
        pool.execute("SUBSCRIBE", "a")
    assert pool.size == 0
    pool.close()


def test_an_error_in_on_gap_comes_out_of_next(server: Server) -> None:
    def fail(gap: Gap) -> None:
        raise LookupError(gap.reason)

    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=fail) as sub:
        cut(server)
        with pytest.raises(LookupError, match="lost"):
            sub.next(5.0)
        pool.publish("a", "x")
        assert sub.next(5.0) == Message("a", "x", None, "message", gap=True)


def test_on_gap_may_use_the_subscriber(server: Server) -> None:
    seen: list[Any] = []

    def use(_: Gap) -> None:
        sub.subscribe("b")
        seen.append(sub.channels)

    def plain(_: Gap) -> Any:
        return use(_)

    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=plain) as sub:
        cut(server)
        sub.next(0.3)
        assert seen == [{"a", "b"}]


def test_a_second_loss_before_the_first_gap_is_read_is_the_same_gap(server: Server) -> None:
    gaps: list[Gap] = []
    with Pool(server.url, encoding="utf-8") as pool, pool.subscribe("a", on_gap=gaps.append) as sub:
        for number in range(1, 4):
            cut(server)
            assert sub.next(0.2) is None
            assert sub.gaps == len(gaps) == number


def test_one_that_could_not_be_opened_can_be_opened_later(server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">pw", "+@all")
    try:
        with Pool(server.url, username="ann", password="pw") as pool:
            sub = pool.subscribe("a")
            with pytest.raises(NoPermission):
                sub.open()
            server.command("ACL", "SETUSER", "ann", "&a")
            with sub:
                pool.publish("a", "x")
                assert (sub.next(5.0)).data == b"x"  # type: ignore[union-attr]
    finally:
        server.command("ACL", "DELUSER", "ann")


def test_what_a_hook_raises_is_told_to_who_subscribes(server: Server) -> None:
    is_broken = False

    def configure(_: Any) -> None:
        if is_broken:
            raise LookupError("no tables")

    with Pool(server.url, configure=configure, connect_timeout=0.2) as pool:
        is_broken = True
        with pytest.raises(LookupError, match="no tables"):
            with pool.subscribe("a"):
                pass
        is_broken = False
        with pool.subscribe("a") as sub:
            assert sub.gaps == 0


def test_closing_a_pool_does_not_wait_for_the_dial_of_a_subscriber(server: Server, callers: Callers) -> None:
    with FaultProxy(server) as proxy:
        pool = Pool(proxy.url, connect_timeout=30.0, read_timeout=0.5)
        with pool.subscribe("a") as sub:
            reader = callers.start(sub.next)
            wait_until(lambda: subscribers(server) == 1)
            proxy.down.hold()
            cut(server)
            proxy.cut()
            wait_until(lambda: pool.dialing > 0)
            before = now()
            pool.close()
            assert now() - before < 4.0
            with pytest.raises(PoolClosed):
                reader.result()
        assert pool.leased == 0
