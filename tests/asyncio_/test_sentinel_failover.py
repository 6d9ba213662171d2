# Written once: tests/threads/test_sentinel_failover.py is generated from this file.
"""A pool with real sentinels through failovers: no write is lost after the first announcement, and service goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import Callers, now, wait_until
from effort import IS_PROOF
from respool import AsyncSentinelPool, RetryPolicy
from respool.errors import ConnectFailed, ConnectionLost, OutcomeUnknown, PoolClosed
from respool.events import PrimaryChanged, SubscriptionMoved
from respool.testing import SentinelServers, Server
from respool.types import Message
from sentinels import FLAVORS, Announcements, Background, begin_failover, heal, restart_primary, servers_of

ROUNDS = 20 if IS_PROOF else 2
#: How long after the first announcement a lost write may still be acknowledged, in seconds.
LEEWAY = 0.05
#: Longer than any failover here takes.
LONG = 20.0


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[SentinelServers]:
    yield from servers_of(getattr(request, "param", "valkey"), replicas=2)


each_flavor = pytest.mark.parametrize("running", FLAVORS, indirect=True)


@pytest.fixture
def servers(running: SentinelServers) -> SentinelServers:
    """Sentinels and nodes that all run and agree."""
    heal(running)
    running.primary.command("FLUSHALL")
    return running


def at(server: Server) -> tuple[str, int]:
    return server.host, server.port


def primary_of(pool: Any, servers: SentinelServers) -> Server:
    """Return the node that a pool has found to be the primary: right after a failover, most sentinels may not know it."""
    (primary,) = (node for node in servers.nodes if at(node) == pool.primary)
    return primary


class Writer:
    """Increments one counter after the other, until it is told to stop, and notes which were acknowledged, and when."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.acknowledged: dict[int, tuple[float, float]] = {}
        self.errors: list[Exception] = []
        self.is_over = False
        self.count = 0

    async def run(self) -> None:
        while not self.is_over:
            self.count += 1
            sent = now()
            try:
                await self._pool.incr(f"n:{self.count}")
            except PoolClosed:
                return
            except Exception as error:
                self.errors.append(error)
            else:
                self.acknowledged[self.count] = sent, now()

    def lost(self, primary: Server) -> list[tuple[float, float]]:
        """Return when each was sent and acknowledged that the primary does not have."""
        with primary.connect(timeout=20.0) as ask:
            return [times for number, times in self.acknowledged.items() if not ask("EXISTS", f"n:{number}")]

    def repeated(self, primary: Server) -> list[int]:
        with primary.connect(timeout=20.0) as ask:
            return [number for number in range(1, self.count + 1) if int(ask("GET", f"n:{number}") or 0) > 1]


@each_flavor
async def test_no_write_is_lost_that_was_acknowledged_after_the_first_announcement(
    servers: SentinelServers, callers: Callers
) -> None:
    for _ in range(ROUNDS):
        heal(servers)
        old = servers.primary
        old.command("FLUSHALL")
        events: list[Any] = []
        async with AsyncSentinelPool(servers.url, listener=events.append) as pool:
            writer = Writer(pool)
            caller = callers.start(writer.run)
            with Announcements(servers) as announced:
                begin_failover(servers)
                await wait_until(lambda: announced.first, LONG)
                at_first, count = announced.first, len(writer.acknowledged)
                await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
                await wait_until(lambda: len(writer.acknowledged) > count + 100, LONG)
            writer.is_over = True
            await caller.result()
            primary = primary_of(pool, servers)
            assert primary is not old
            assert at_first is not None
            late = [(sent, done) for sent, done in writer.lost(primary) if sent > at_first and done > at_first + LEEWAY]
            assert late == []
            assert writer.repeated(primary) == []
            assert all(isinstance(error, OutcomeUnknown) for error in writer.errors)
            assert len(writer.errors) <= 1  # there is one caller
        changes = [event for event in events if isinstance(event, PrimaryChanged)]
        assert [change.new for change in changes] == [
            f"{old.host}:{old.port}",
            None,
            f"{primary.host}:{primary.port}",
        ]
        assert "announced" in changes[1].why


async def test_a_killed_primary_is_replaced(servers: SentinelServers, callers: Callers) -> None:
    old = servers.primary
    async with AsyncSentinelPool(servers.url, connect_timeout=LONG) as pool:
        writer = Writer(pool)
        caller = callers.start(writer.run)
        await wait_until(lambda: len(writer.acknowledged) > 100)
        old.kill()
        await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
        count = len(writer.acknowledged)
        await wait_until(lambda: len(writer.acknowledged) > count + 100, LONG)
        writer.is_over = True
        await caller.result()
        assert len(writer.errors) <= 1
        assert all(isinstance(error, OutcomeUnknown) for error in writer.errors)


async def test_reads_go_on_over_the_death_of_a_primary(servers: SentinelServers, callers: Callers) -> None:
    with servers.primary.connect() as ask:
        ask("SET", "k", "v")
        assert ask("WAIT", 2, 5000) == 2
    async with AsyncSentinelPool(servers.url, connect_timeout=LONG, retry=RetryPolicy(budget_floor=1000.0)) as pool:
        await pool.get("k")
        servers.primary.kill()
        readers = [callers.start(pool.get, "k") for _ in range(20)]
        await wait_until(lambda: all(reader.is_done for reader in readers), LONG)
        assert [await reader.result() for reader in readers] == [b"v"] * 20


@each_flavor
async def test_what_a_hung_primary_acknowledges_later_is_not_believed(
    servers: SentinelServers, callers: Callers
) -> None:
    old = servers.primary
    with old.connect() as ask:
        ask("SET", "k", "before")
        assert ask("WAIT", 2, 5000) == 2
    patient = {"read_timeout": None, "stall_after": None, "connect_timeout": LONG}
    async with AsyncSentinelPool(servers.url, **patient) as pool:  # type: ignore[arg-type]
        async with pool.acquire() as lease:
            assert await lease.get("k") == b"before"
            old.pause()
            write = callers.start(pool.set, "k", "lost")
            on_lease = callers.start(lease.set, "k", "lost")
            await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
            for caller in (write, on_lease):
                with pytest.raises(OutcomeUnknown):
                    await caller.result()
            old.resume()
            with pytest.raises(ConnectionLost):
                await lease.get("k")
        assert await pool.get("k") == b"before"
        assert await pool.set("k", "after") is True
        assert primary_of(pool, servers).command("GET", "k") == b"after"


@each_flavor
async def test_a_blocked_command_that_is_cut_may_have_run(servers: SentinelServers, callers: Callers) -> None:
    async with AsyncSentinelPool(servers.url) as pool:
        old = pool.primary
        popped = callers.start(pool.blpop, "queue", timeout=LONG)
        await wait_until(lambda: pool.leased == 1)
        begin_failover(servers)
        await wait_until(lambda: pool.primary not in (None, old), LONG)
        with pytest.raises(OutcomeUnknown):
            await popped.result()
        await pool.ping()


async def test_a_coordinated_failover_loses_nothing(servers: SentinelServers, callers: Callers) -> None:
    if servers.binary.version < (9,):
        pytest.skip("this server has no coordinated failover")
    async with AsyncSentinelPool(servers.url) as pool:
        old = pool.primary
        writer = Writer(pool)
        caller = callers.start(writer.run)
        await wait_until(lambda: len(writer.acknowledged) > 100)
        begin_failover(servers, "COORDINATED")
        await wait_until(lambda: pool.primary not in (None, old), LONG)
        count = len(writer.acknowledged)
        await wait_until(lambda: len(writer.acknowledged) > count + 100, LONG)
        writer.is_over = True
        await caller.result()
        primary = primary_of(pool, servers)
        assert all(isinstance(error, OutcomeUnknown) for error in writer.errors)  # the one that the server held back
        assert len(writer.errors) <= 1
        assert writer.lost(primary) == []
        assert writer.repeated(primary) == []


async def test_a_stale_sentinel_does_not_bring_the_old_primary_back(servers: SentinelServers) -> None:
    stale, *_ = servers.sentinels
    old = servers.primary
    async with AsyncSentinelPool(servers.url) as pool:
        assert pool.primary == at(old)
        stale.pause()
        begin_failover(servers, leader=1)
        await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
        new = pool.primary
        stale.resume()
        await wait_until(lambda: pool._serving.finder.view._sentinels.known[at(stale)].epoch >= 0, LONG)
        assert await pool.set("k", "v") is True
        assert pool.primary == new
    # A pool that begins with the stale one.
    stale.pause()
    async with AsyncSentinelPool(servers.url) as pool:
        stale.resume()
        assert pool.primary == new
        assert await pool.set("k", "w") is True


async def test_service_goes_on_with_one_sentinel_dead_and_follows_the_others(servers: SentinelServers) -> None:
    dead, *_ = servers.sentinels
    dead.kill()
    old = servers.primary
    async with AsyncSentinelPool(servers.url) as pool:
        assert await pool.set("k", "v") is True
        begin_failover(servers, leader=1)
        await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
        assert await pool.set("k", "w") is True
        assert primary_of(pool, servers).command("GET", "k") == b"w"


async def test_service_goes_on_with_all_sentinels_dead_and_they_are_heard_again_when_they_are_back(
    servers: SentinelServers,
) -> None:
    async with AsyncSentinelPool(servers.url) as pool:
        assert await pool.set("k", "v") is True
        old = pool.primary
        await wait_until(lambda: len(heard(pool)) == 3)
        for sentinel in servers.sentinels:
            sentinel.kill()
        await wait_until(lambda: heard(pool) == [])
        assert await pool.set("k", "w") is True
        assert pool.primary == old
        for sentinel in servers.sentinels:
            sentinel.restart()
        await wait_until(lambda: len(heard(pool)) == 3, LONG)
        begin_failover(servers)
        await wait_until(lambda: pool.primary not in (None, old), LONG)
        assert await pool.set("k", "x") is True


def heard(pool: Any) -> list[Any]:
    """Return the sentinels to whose messages a pool listens."""
    sentinels = list(pool._serving.finder._hearing._sentinels.values())
    return [each for each in sentinels if each.is_heard and each._hearing is not None and not each._hearing.closed]


async def test_without_a_quorum_calls_fail_in_time_and_service_returns_with_the_primary(
    servers: SentinelServers, callers: Callers
) -> None:
    primary = servers.primary
    async with AsyncSentinelPool(servers.url, connect_timeout=0.5) as pool:
        await pool.set("k", "v")
        for sentinel in servers.sentinels[:2]:
            sentinel.kill()
        primary.kill()
        since = now()
        with pytest.raises(ConnectFailed) as caught:
            while True:  # the first may fail in flight
                try:
                    await pool.set("k", "w")
                except OutcomeUnknown:
                    pass
        assert caught.value.executed == "no"
        assert now() - since < LONG / 2
        restart_primary(primary)
        await wait_until(lambda: pool.shared == 1, LONG)
        assert await pool.set("k", "w") is True


@each_flavor
@pytest.mark.parametrize("read_from", ["replica", "any"] if IS_PROOF else ["any"])
async def test_reads_at_replicas_never_come_from_a_deposed_primary(
    servers: SentinelServers, callers: Callers, read_from: Any
) -> None:
    old = servers.primary
    with old.connect() as ask:
        ask("SET", "k", "old")
        assert ask("WAIT", 2, 5000) == 2
    async with AsyncSentinelPool(servers.url, read_from=read_from, connect_timeout=LONG) as pool:
        assert await pool.get("k") == b"old"
        await wait_until(lambda: len(pool.replicas) == 2, LONG)
        begin_failover(servers)
        await wait_until(lambda: pool.primary not in (None, at(old)), LONG)
        old.command("SET", "k", "lost")  # for ten seconds more it believes that it is the primary
        assert await pool.set("k", "new") is True
        (other,) = {*servers.nodes} - {old, primary_of(pool, servers)}
        await wait_until(lambda: other.command("GET", "k") == b"new", LONG)
        assert {await pool.get("k") for _ in range(200)} == {b"new"}
        assert at(old) not in pool.replicas
        if IS_PROOF:  # ten seconds: then the sentinels are asked again
            heal(servers)
            await wait_until(lambda: at(old) in pool.replicas, LONG)
            assert await pool.get("k") == b"new"


async def test_a_failover_does_not_hold_up_a_pool_that_is_closed_in_it(servers: SentinelServers) -> None:
    pool: AsyncSentinelPool[bytes] = AsyncSentinelPool(servers.url)
    await pool.open()
    old = pool.primary
    failover = Background(begin_failover, servers)
    await wait_until(lambda: pool.primary != old, LONG)
    await pool.aclose()
    failover.result()


async def test_a_subscriber_follows_the_primary(servers: SentinelServers) -> None:
    events: list[Any] = []
    async with (
        AsyncSentinelPool(servers.url, encoding="utf-8", listener=events.append) as pool,
        pool.subscribe("news", patterns="n*") as sub,
    ):
        old = servers.primary
        assert b"news" in old.command("PUBSUB", "CHANNELS")
        begin_failover(servers)
        await wait_until(lambda: [event for event in events if isinstance(event, PrimaryChanged) and event.new], LONG)
        while not sub.gaps:
            assert await sub.next(0.1) is None
        await pool.publish("news", "x")
        assert await sub.next(LONG) == Message("news", "x", None, "message", gap=True)
        new = f"{pool.primary[0]}:{pool.primary[1]}"  # type: ignore[index]  # there is one
        moved = [event for event in events if isinstance(event, SubscriptionMoved)]
        assert {(event.channel, event.old, event.new) for event in moved} >= {
            (name, f"{old.host}:{old.port}", new) for name in (b"news", b"n*")
        }
