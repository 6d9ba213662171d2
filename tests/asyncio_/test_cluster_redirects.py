# Written once: tests/threads/test_cluster_redirects.py is generated from this file.
"""Redirects of a cluster: followed at once, never raised, never counted as retries, and bounded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from answers import OK
from asyncio_.harness import Callers, now, wait_until
from maps import Views, other_than, refuse_views, to
from respool import AsyncClusterPool
from respool._facts.slots import key_of
from respool.errors import ReadTimeout, ServerError, TooManyRedirects, TryAgain
from respool.testing import Close, FakeCluster, FakeClusterNode

SLOT = FakeCluster.slot_of("key")


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(3) as cluster:
        yield cluster


@pytest.fixture
def owner(cluster: FakeCluster) -> FakeClusterNode:
    return cluster.owner_of(SLOT)


@pytest.fixture
def target(cluster: FakeCluster, owner: FakeClusterNode) -> FakeClusterNode:
    return other_than(cluster, owner)


def wires(node: FakeClusterNode) -> list[list[tuple[bytes, ...]]]:
    """Return what came over each connection of a node, without what every connection begins with."""
    own = (b"HELLO", b"CLIENT", b"CLUSTER", b"PING")
    every = [node.wire(number) for number in range(1, node.connections + 1)]
    return [[command for command in wire if command[0] not in own] for wire in every]


# MOVED ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_moved_is_followed_and_the_map_corrected_at_once(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        await pool.set("key", 1)
        refuse_views(cluster)
        cluster.move_slots(SLOT, target)
        for _ in range(3):
            assert await pool.get("key") == b"1"
        assert len(owner.calls("GET")) == 1
        assert len(target.calls("GET")) == 3
        assert pool.stats().retries == 0


async def test_moved_to_a_node_that_is_not_in_the_map_is_followed(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        await pool.set("key", 1)
        refuse_views(cluster)
        newcomer = cluster.add_node()
        newcomer.on("CLUSTER SLOTS", b"-ERR not now\r\n")
        cluster.move_slots(SLOT, newcomer)
        assert await pool.get("key") == b"1"
        assert ("127.0.0.1", newcomer.port) in pool.nodes


async def test_moved_without_a_host_means_the_host_that_was_asked(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        await pool.set("key", 1)
        cluster.believe(cluster.view.announcing(host=None))
        cluster.move_slots(SLOT, target)
        assert await pool.get("key") == b"1"


async def test_ten_thousand_moved_commands_ask_for_one_view_in_a_second(callers: Callers, cluster: FakeCluster) -> None:
    first, second, _ = cluster.primaries
    keys = [key_of(slot) for slot in range(5000)]
    async with AsyncClusterPool(cluster.url) as pool:
        views, started = Views(cluster), now()
        cluster.move_slots(range(5000), second)
        for begin in range(0, 5000, 250):
            callers.start(pool.execute_many, [("GET", key) for key in keys[begin : begin + 250] * 2])
        assert await callers.results() == [[None] * 500] * 20
        assert len(first.calls("GET")) == 10_000  # each of them was answered with MOVED
        assert len(second.calls("GET")) == 10_000
        assert await pool.execute("MGET", *keys) == [None] * 5000
        assert not first.calls("MGET")  # the redirects alone have corrected the map
        assert pool.stats().retries == 0
        await wait_until(lambda: views.times)
        assert len(views.times) <= 7 * (1.0 + now() - started)  # a round a second, and at most 7 questions in each


async def test_moved_to_the_node_that_answered_renews_its_connections(
    cluster: FakeCluster, owner: FakeClusterNode
) -> None:
    def get(_: Any, connection: Any) -> bytes:
        return to("MOVED", SLOT, owner) if connection.number <= before else b"+new\r\n"

    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        await pool.set("key", 1)
        views = Views(cluster)
        before = owner.connections
        owner.on("GET", get)
        assert await pool.get("key") == b"new"
        await wait_until(lambda: views.times)  # and the map is in doubt
        assert owner.connections <= before + 2
        assert pool.stats().retries == 0


async def test_a_node_that_always_says_moved_to_itself_is_given_up(
    cluster: FakeCluster, owner: FakeClusterNode
) -> None:
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        await pool.set("key", 1)
        owner.on("GET", to("MOVED", SLOT, owner))
        started, before = now(), owner.connections
        with pytest.raises(TooManyRedirects, match="compare CLUSTER SLOTS of these nodes"):
            await pool.get("key")
        assert now() - started < 2.0
        assert len(owner.calls("GET")) == 17
        assert owner.connections - before <= 17
        assert await pool.execute("EXISTS", "key") == 1  # the node is still of use


async def test_two_nodes_that_point_at_each_other_are_given_up_and_still_usable(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        refuse_views(cluster)
        owner.on("GET", to("MOVED", SLOT, target))
        target.on("GET", to("MOVED", SLOT, owner))
        started = now()
        for _ in range(5):
            callers.start(pool.get, "key")
        assert {type(error) for error in await callers.outcomes()} == {TooManyRedirects}
        assert now() - started < 2.0
        assert len(owner.calls("GET")) + len(target.calls("GET")) == 5 * 17
        before = owner.connections, target.connections
        assert await pool.set("key", 1) is True
        for node in (owner, target):
            assert await pool.execute("DBSIZE", node=(node.host, node.port)) in (0, 1)
        assert (owner.connections, target.connections) == before
        assert pool.stats().retries == 0


@pytest.mark.parametrize(
    "words",
    ["MOVED x", "MOVED", "ASK 1", "MOVED 1 127.0.0.1:0", "MOVED 99999 127.0.0.1:7000", "MOVED 7 host", "ASK 7 host:x"],
)
async def test_a_malformed_redirect_is_an_error_of_the_server(
    cluster: FakeCluster, owner: FakeClusterNode, words: str
) -> None:
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        await pool.set("key", 1)
        before = owner.connections
        owner.once("GET", f"-{words}\r\n".encode())
        with pytest.raises(ServerError, match=words):
            await pool.get("key")
        assert await pool.get("key") == b"1"
        assert owner.connections == before
        assert pool.stats().retries == 0


# ASK --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_asking_is_followed_directly_by_its_command_under_many_callers(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, shared: int
) -> None:
    own = next(key_of(slot) for slot in range(16384) if cluster.owner_of(slot) is target)
    cluster.begin_migration(SLOT, target)
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        for number in range(100):
            callers.start(pool.set, f"{{key}}{number}", number)
            if number % 4 == 0:
                callers.start(pool.set, own, number)
        await callers.results()
        assert len(owner.calls("SET")) == 100
        assert len(target.calls("ASKING")) == 100
        for wire in wires(target):
            for before, command in itertools.pairwise([(b"",), *wire, (b"",)]):
                is_theirs = command[0] == b"SET" and command[1] != own
                assert (before == (b"ASKING",)) == is_theirs
        assert pool.stats().retries == 0
        await pool.set("{key}0", 1)
        assert len(owner.calls("SET")) == 101  # ASK changes no map


async def test_a_command_that_is_sent_again_asks_again(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    cluster.begin_migration(SLOT, target)
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        target.once("INCR", b"-TRYAGAIN not yet\r\n")
        assert await pool.incr("key") == 1
        assert wires(target)[-1] == [(b"ASKING",), (b"INCR", b"key")] * 2
        target.once("GET", Close())
        assert await pool.get("{key}none") is None
        assert [wire for wire in wires(target) if wire[-1:] == [(b"GET", b"{key}none")]] == [
            [(b"ASKING",), (b"INCR", b"key")] * 2 + [(b"ASKING",), (b"GET", b"{key}none")],
            [(b"ASKING",), (b"GET", b"{key}none")],
        ]
        assert pool.stats().retries == 1  # for the connection that was lost


async def test_a_slot_that_has_moved_meanwhile_is_followed_from_the_node_that_ask_named(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    third = next(node for node in cluster.primaries if node not in (owner, target))
    async with AsyncClusterPool(cluster.url) as pool:
        owner.once("INCR", to("ASK", SLOT, target))
        cluster.move_slots(SLOT, third)
        assert await pool.incr("key") == 1
        assert third.data == {b"key": b"1"}


# TRYAGAIN ---------------------------------------------------------------------------------------------------


async def test_keys_here_and_there_are_asked_for_again_until_the_slot_has_moved(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    owner.command("MSET", "{key}a", 1, "{key}b", 2)
    cluster.begin_migration(SLOT, target, moved=["{key}a"])
    async with AsyncClusterPool(cluster.url) as pool:
        caller = callers.start(pool.execute, "MGET", "{key}a", "{key}b", timeout=5.0)
        await wait_until(lambda: len(owner.calls("MGET")) >= 3)
        cluster.finish_migration(SLOT)
        assert await caller.result() == [b"1", b"2"]
        assert pool.stats().retries == 0


@pytest.mark.parametrize("bound", ["timeout", "acquire_timeout"])
@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_keys_here_and_there_until_the_time_is_over_are_the_servers_error(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode, bound: str, shared: int
) -> None:
    owner.command("MSET", "{key}a", 1, "{key}b", 2)
    cluster.begin_migration(SLOT, target, moved=["{key}a"])
    seconds = 0.5
    patience = seconds if bound == "acquire_timeout" else 10.0
    async with AsyncClusterPool(cluster.url, shared=shared, acquire_timeout=patience) as pool:
        started = now()
        with pytest.raises((TryAgain, ReadTimeout)):  # on a busy machine, its time may be over during the last try
            await pool.execute("MGET", "{key}a", "{key}b", timeout=seconds if bound == "timeout" else None)
        assert seconds - 0.21 <= now() - started < seconds + 1.0
        assert 3 <= len(owner.calls("MGET")) <= 20
        assert pool.stats().retries == 0


# What the caller sees ---------------------------------------------------------------------------------------


async def test_callers_see_no_redirect_while_slots_go_to_and_fro(callers: Callers, cluster: FakeCluster) -> None:
    first, second, third = cluster.primaries
    keys = [key_of(slot) for slot in range(40)]

    async def work(key: bytes) -> None:
        for _ in range(25):
            await pool.incr(key)
            await pool.execute_many([("INCR", key), ("INCR", key)])

    async with AsyncClusterPool(cluster.url) as pool:
        for key in keys:
            callers.start(work, key)
        for turn in range(1, 11):
            await wait_until(lambda turn=turn: cluster.count("INCR") >= turn * 200)
            cluster.move_slots(range(40), (second, third, first)[turn % 3])
        await callers.results()
        owner = cluster.owner_of(0)
        assert owner.data == dict.fromkeys(keys, b"75")
        assert pool.stats().retries == 0


async def test_an_unknown_command_is_redirected_by_its_first_argument(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        owner.once("MODULE.SET", to("MOVED", SLOT, target))
        target.on("MODULE.SET", OK)
        assert await pool.execute("MODULE.SET", "key", 1) == b"OK"
