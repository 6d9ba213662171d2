# Generated from tests/asyncio_/test_cluster_subscribers.py by tools/generate.py. Do not edit.
"""Subscribers of a real cluster while its slots move, its primaries change roles, and its nodes die."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Generator
from threading import Thread
from typing import Any

import pytest

from threads.harness import Callers, Signal, now, wait_until
from effort import IS_PROOF
from respool import ClusterPool
from respool._sync.shell.compat import pause
from respool._facts.slots import slot_of
from respool.errors import Error
from respool.events import SubscriptionLost, SubscriptionMoved
from respool.testing import ClusterNode, ClusterServers
from respool.types import Message

#: Longer than any failover takes, in seconds.
FAILOVER = 25.0


@pytest.fixture(scope="module", params=["valkey", "redis-server"] if IS_PROOF else ["valkey"])
def running_cluster(request: pytest.FixtureRequest) -> Generator[ClusterServers, None, None]:
    if request.param != "valkey" and not shutil.which(request.param):
        pytest.skip("there is no redis-server on this machine")
    with ClusterServers(binary=None if request.param == "valkey" else request.param) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: ClusterServers) -> Generator[ClusterServers, None, None]:
    """A cluster of three primaries with a replica each, whole."""
    yield running_cluster
    for node in running_cluster.nodes:
        node.start()
    running_cluster.wait_agreed()


class Events:
    """What a pool has told, and the number of the message that was being published when its channel had moved."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.numbers: list[int] = []
        self.publisher: Publisher | None = None

    def hear(self, event: Any) -> None:
        self.all.append(event)
        if isinstance(event, SubscriptionMoved) and event.channel == b"a" and self.publisher is not None:
            self.numbers.append(self.publisher.begun)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.all if isinstance(event, kind)]


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def pool(cluster: ClusterServers, events: Events) -> Iterator[ClusterPool[str]]:
    with ClusterPool(cluster.url, encoding="utf-8", listener=events.hear) as opened:
        yield opened


class Publisher:
    """Publishes numbers to a shard channel, one after the other, until it is told to stop."""

    def __init__(self, pool: ClusterPool[str]) -> None:
        self._pool = pool
        self.stop = Signal()
        self.begun = -1

    def run(self) -> None:
        while not self.stop.is_set:
            self.begun += 1
            try:
                self._pool.spublish("a", self.begun)
            except Error:
                pass  # a number that was not published, or was and nobody knows
            pause(0.001)


class Reader:
    """Takes messages until the publisher has stopped and nothing comes any more."""

    def __init__(self, sub: Any, publisher: Publisher) -> None:
        self._sub = sub
        self._publisher = publisher
        self.got: list[tuple[int, bool]] = []

    def run(self) -> None:
        while True:
            message = self._sub.next(0.5)
            if message is not None:
                self.got.append((int(message.data), message.gap))
            elif self._publisher.stop.is_set:
                return

    def check(self, moved: int) -> None:
        """Check that nothing came twice, that nothing is missing after ``moved``, or before the first gap.

        Only in between, nodes may send what was published to the old owner after what was published to the new one.
        """
        numbers = [number for number, _ in self.got]
        assert len(set(numbers)) == len(numbers)
        assert [number for number in numbers if number > moved] == list(range(moved + 1, self._publisher.begun + 1))
        first = [gap for _, gap in self.got].index(True)
        assert numbers[:first] == list(range(first))


def while_(work: Any, *args: Any) -> None:
    """Change the cluster in a thread, while the callers go on."""
    thread = Thread(target=work, args=args)
    thread.start()
    wait_until(lambda: not thread.is_alive(), 60.0)
    thread.join()


def another(cluster: ClusterServers, node: ClusterNode) -> ClusterNode:
    return next(each for each in cluster.primaries if each is not node)


def moves(cluster: ClusterServers) -> Any:
    """Move the slot of the channel to another node."""
    cluster.move_slots(slot_of("a"), another(cluster, cluster.owner_of("a")))


def fails_over(cluster: ClusterServers) -> Any:
    """Let a replica of the channel's node take over."""
    cluster.failover(cluster.owner_of("a"))


@pytest.mark.parametrize("change", [moves, fails_over])
def test_a_shard_channel_is_followed_and_no_message_comes_twice_or_is_missed_in_silence(
    cluster: ClusterServers, pool: ClusterPool[str], events: Events, callers: Callers, change: Any
) -> None:
    with pool.subscribe(sharded=["a", "b", "c", "{a}2"]) as sub:
        publisher = events.publisher = Publisher(pool)
        reader = Reader(sub, publisher)
        callers.start(publisher.run)
        reading = callers.start(reader.run)
        wait_until(lambda: len(reader.got) > 50)
        old = cluster.owner_of("a")
        while_(change, cluster)
        wait_until(lambda: events.numbers, FAILOVER)
        enough = publisher.begun + 300
        wait_until(lambda: publisher.begun > enough, FAILOVER)
        publisher.stop.set()
        wait_until(lambda: reading.is_done)
        reader.check(events.numbers[-1])
        new = cluster.owner_of("a")
        moved = {event.channel: event for event in events.of(SubscriptionMoved)}
        assert {b"a", b"{a}2"} <= set(moved)
        assert moved[b"a"].old == f"127.0.0.1:{old.port}"
        assert moved[b"a"].new == f"127.0.0.1:{new.port}"
        assert 0.0 <= moved[b"a"].seconds < FAILOVER
        assert sub.gaps == 1
        assert b"a" in new.command("PUBSUB", "SHARDCHANNELS")


def test_channels_of_one_call_are_subscribed_to_where_their_slots_are(
    cluster: ClusterServers, pool: ClusterPool[str]
) -> None:
    names = [f"channel:{number}" for number in range(30)]
    with pool.subscribe(*names[:3], patterns="chan*", sharded=names) as sub:
        owners = {name: cluster.owner_of(name) for name in names}
        for node in cluster.primaries:
            own = {name.encode() for name in names if owners[name] is node}
            assert set(node.command("PUBSUB", "SHARDCHANNELS")) == own
        plain = [node for node in cluster.primaries if node.command("PUBSUB", "CHANNELS")]
        assert len(plain) == 1
        assert set(plain[0].command("PUBSUB", "CHANNELS")) == {name.encode() for name in names[:3]}
        assert pool.leased == 3
        for name in names:
            pool.spublish(name, name)
        got = [sub.next(5.0) for _ in names]
        assert {message.channel for message in got if message is not None} == set(names)
        sub.unsubscribe(*names[:3], patterns="chan*", sharded=names)
        sub.next(0.05)
        wait_until(lambda: pool.leased == 0)


def test_when_its_node_dies_plain_channels_are_subscribed_to_at_another_one(
    cluster: ClusterServers, pool: ClusterPool[str], events: Events
) -> None:
    with pool.subscribe("news", patterns="n*") as sub:
        node = next(each for each in cluster.primaries if each.command("PUBSUB", "CHANNELS"))
        node.kill()
        message = None
        until = now() + FAILOVER
        while message is None and now() < until:
            message = sub.next(0.3)
            if message is None and sub.gaps:
                another(cluster, node).command("PUBLISH", "news", "x")
        assert message == Message("news", "x", None, "message", gap=True)
        lost = events.of(SubscriptionLost)
        assert [(event.address, event.topics) for event in lost] == [(f"127.0.0.1:{node.port}", 2)]


def test_plain_channels_leave_a_dead_node_that_nobody_replaces() -> None:
    with ClusterServers(replicas=0) as cluster:
        nodes = cluster.primaries
        with (
            ClusterPool(cluster.url, encoding="utf-8", connect_timeout=1.5) as pool,
            pool.subscribe("news", timeout=10.0) as sub,
        ):
            for _ in range(2):
                at = next(node for node in nodes if node.command("PUBSUB", "CHANNELS"))
                nodes.remove(at)
                at.kill()
                message = None
                until = now() + FAILOVER
                while message is None and now() < until:
                    message = sub.next(0.2)
                    if message is None:
                        nodes[0].command("PUBLISH", "news", "x")
                assert message == Message("news", "x", None, "message", gap=True)
                while sub.next(0.2) is not None:
                    pass


def test_when_its_primary_dies_a_shard_channel_is_subscribed_to_at_the_next_one(
    cluster: ClusterServers, pool: ClusterPool[str], events: Events, callers: Callers
) -> None:
    with pool.subscribe(sharded="a") as sub:
        publisher = events.publisher = Publisher(pool)
        reader = Reader(sub, publisher)
        callers.start(publisher.run)
        reading = callers.start(reader.run)
        wait_until(lambda: len(reader.got) > 20)
        cluster.owner_of("a").kill()
        wait_until(lambda: events.numbers, FAILOVER)
        enough = publisher.begun + 100
        wait_until(lambda: publisher.begun > enough, FAILOVER)
        publisher.stop.set()
        wait_until(lambda: reading.is_done, FAILOVER)
        reader.check(events.numbers[-1])


def test_a_subscribe_to_a_slot_that_has_moved_is_redirected(
    cluster: ClusterServers, pool: ClusterPool[str]
) -> None:
    assert pool.exists("a") == 0  # the map is known
    old = cluster.owner_of("a")
    while_(cluster.move_slots, slot_of("a"), another(cluster, old))
    with pool.subscribe(sharded=["a", "{a}2", "b"]) as sub:
        assert sub.gaps == 0
        pool.spublish("a", "x")
        assert sub.next(5.0) == Message("a", "x", None, "smessage", gap=False)
