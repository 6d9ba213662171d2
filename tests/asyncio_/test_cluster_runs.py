# Written once: tests/threads/test_cluster_runs.py is generated from this file.
"""What concerns several nodes of a cluster, or moves as a whole: transactions, pipelines, split commands, fan-out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import Callers, now, wait_until
from maps import other_than, refuse_views, to
from respool import AsyncClusterPool
from respool._facts.command import SPECS
from respool._facts.routing_table import ROUTES, Merge, Where
from respool._facts.slots import key_of
from respool.errors import (
    ConnectFailed,
    CrossSlot,
    OutcomeUnknown,
    OutOfMemory,
    ReadTimeout,
    ServerError,
    TooManyRedirects,
    TransportError,
    TryAgain,
    UsageError,
    UsageValueError,
)
from respool.testing import Close, FakeCluster, FakeClusterNode, FakeConnection

SLOT = FakeCluster.slot_of("key")
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
#: A key of each of three primaries.
THREE = [key_of(slot) for slot in (0, 8000, 16000)]


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(3) as cluster:
        yield cluster


@pytest.fixture(params=["valkey", "redis"])
def either(request: pytest.FixtureRequest) -> Iterator[FakeCluster]:
    """A cluster with the habits of Valkey 9, and one with those of Redis 7."""
    with FakeCluster(3, flavor=request.param) as cluster:
        yield cluster


def place(node: FakeClusterNode) -> tuple[str, int]:
    return node.host, node.port


def received(cluster: FakeCluster) -> int:
    """Count the commands that all nodes have got, but for those that a pool sends by itself."""
    own = (b"HELLO", b"CLIENT", b"CLUSTER", b"PING")
    return sum(seen.command[0] not in own for node in cluster.nodes for seen in node.commands)


def data(cluster: FakeCluster) -> dict[bytes, Any]:
    """Return the keys of all nodes."""
    return {key: value for node in cluster.nodes for key, value in node.data.items()}


def aborting(node: FakeClusterNode) -> Any:
    """Return a handler that drops a transaction some of whose commands the test's script has refused."""

    def abort(_: tuple[bytes, ...], connection: FakeConnection) -> bytes:
        node.answer((b"DISCARD",), connection)
        return b"-EXECABORT Transaction discarded because of previous errors.\r\n"

    return abort


# Transactions -----------------------------------------------------------------------------------------------

TWO = [("INCR", "{key}a"), ("INCR", "{key}b"), ("INCR", "{key}a")]


@LANES
async def test_a_transaction_follows_its_slot(either: FakeCluster, shared: int) -> None:
    owner = either.owner_of(SLOT)
    target = other_than(either, owner)
    async with AsyncClusterPool(either.url, shared=shared) as pool:
        refuse_views(either)
        either.move_slots(SLOT, target)
        assert await pool.execute_many(TWO, atomic=True) == [1, 1, 2]
        assert await pool.execute_many(TWO, atomic=True) == [3, 2, 4]
        assert (owner.data, target.data) == ({}, {b"{key}a": b"4", b"{key}b": b"2"})
        assert len(owner.calls("MULTI")) == 1
        assert pool.stats().retries == 0


@LANES
async def test_a_transaction_follows_its_slot_that_moves_before_exec(either: FakeCluster, shared: int) -> None:
    owner = either.owner_of(SLOT)
    target = other_than(either, owner)

    def exec_(command: tuple[bytes, ...], connection: FakeConnection) -> Any:
        either.move_slots(SLOT, target)
        return owner.answer(command, connection)

    async with AsyncClusterPool(either.url, shared=shared) as pool:
        owner.once("EXEC", exec_)
        assert await pool.execute_many(TWO, atomic=True) == [1, 1, 2]
        assert (owner.data, target.data) == ({}, {b"{key}a": b"2", b"{key}b": b"1"})
        assert await pool.execute("DBSIZE", node=place(owner)) == 0  # the connection is as good as before
        assert pool.stats().retries == 0


@LANES
async def test_a_transaction_on_absent_keys_of_a_slot_that_is_leaving_runs_where_ask_says(
    either: FakeCluster, shared: int
) -> None:
    owner = either.owner_of(SLOT)
    target = other_than(either, owner)
    either.begin_migration(SLOT, target)
    async with AsyncClusterPool(either.url, shared=shared) as pool:
        run = [("INCR", "key"), ("INCR", "key")]  # a second absent key would have to wait until the slot has moved
        assert await pool.execute_many(run, atomic=True) == [1, 2]
        assert (owner.data, target.data) == ({}, {b"key": b"2"})
        assert len(target.calls("ASKING")) == 1
        assert pool.stats().retries == 0


async def test_a_transaction_on_keys_here_and_there_waits_until_the_slot_has_moved(
    callers: Callers, either: FakeCluster
) -> None:
    owner = either.owner_of(SLOT)
    target = other_than(either, owner)
    owner.command("SET", "{key}a", 5)
    either.begin_migration(SLOT, target)
    async with AsyncClusterPool(either.url) as pool:
        caller = callers.start(pool.execute_many, TWO, atomic=True)
        await wait_until(lambda: len(owner.calls("MULTI")) >= 3)
        assert data(either) == {b"{key}a": b"5"}
        either.finish_migration(SLOT)
        assert await caller.result() == [6, 1, 7]
        assert pool.stats().retries == 0


async def test_a_transaction_on_keys_here_and_there_until_its_time_is_over_did_not_run(either: FakeCluster) -> None:
    owner = either.owner_of(SLOT)
    owner.command("SET", "{key}a", 5)
    either.begin_migration(SLOT, other_than(either, owner))
    async with AsyncClusterPool(either.url) as pool:
        started = now()
        with pytest.raises((TryAgain, ReadTimeout)):  # on a busy machine, its time may be over during the last try
            await pool.execute_many(TWO, atomic=True, timeout=0.5)
        assert 0.2 < now() - started < 2.0
        assert data(either) == {b"{key}a": b"5"}
        assert pool.stats().retries == 0


@pytest.mark.parametrize("ran", [True, False])
@LANES
async def test_a_transaction_whose_reply_is_lost_has_an_unknown_outcome_and_is_not_sent_again(
    either: FakeCluster, shared: int, ran: bool
) -> None:
    owner = either.owner_of(SLOT)

    def lost(command: tuple[bytes, ...], connection: FakeConnection) -> Any:
        if ran:
            owner.answer(command, connection)
        return Close()

    async with AsyncClusterPool(either.url, shared=shared) as pool:
        owner.once("EXEC", lost)
        with pytest.raises(OutcomeUnknown):
            await pool.execute_many(TWO, atomic=True)
        assert either.count("EXEC") == 1
        assert owner.data == ({b"{key}a": b"2", b"{key}b": b"1"} if ran else {})


async def test_a_transaction_that_is_sent_to_and_fro_is_given_up(either: FakeCluster) -> None:
    owner = either.owner_of(SLOT)
    target = other_than(either, owner)
    async with AsyncClusterPool(either.url) as pool:
        refuse_views(either)
        owner.on("INCR", to("MOVED", SLOT, target))
        target.on("INCR", to("MOVED", SLOT, owner))
        for node in (owner, target):
            node.on("EXEC", aborting(node))
        with pytest.raises(TooManyRedirects):
            await pool.execute_many(TWO, atomic=True)


async def test_a_transaction_over_two_slots_is_refused_before_a_byte_is_sent(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        before = sum(len(node.commands) for node in cluster.nodes)
        for run in (
            [("SET", THREE[0], 1), ("SET", THREE[1], 1)],
            [("SET", key_of(1), 1), ("SET", key_of(2), 1)],  # of one node
            [("MSET", THREE[0], 1, THREE[1], 1)],
        ):
            with pytest.raises(CrossSlot, match="nothing was sent"):
                await pool.execute_many(run, atomic=True)
        with pytest.raises(UsageError, match="FLUSHALL has no place in a transaction"):
            await pool.execute_many([("SET", "key", 1), ("FLUSHALL",)], atomic=True)
        assert sum(len(node.commands) for node in cluster.nodes) == before


async def test_commands_without_keys_run_where_the_keys_of_a_transaction_are(either: FakeCluster) -> None:
    either.on("TIME", b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n")
    owner = either.owner_of(SLOT)
    async with AsyncClusterPool(either.url) as pool:
        replies = await pool.execute_many([("TIME",), ("INCR", "key")], atomic=True)
        assert replies[1] == 1
        assert len(owner.calls("TIME")) == either.count("TIME") == 1


# Pipelines --------------------------------------------------------------------------------------------------


@LANES
async def test_replies_come_in_the_order_of_the_commands(cluster: FakeCluster, shared: int) -> None:
    keys = [key_of(slot) for slot in range(0, 16384, 100)]
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        sets = await pool.execute_many([("SET", key, number) for number, key in enumerate(keys)])
        assert sets == [b"OK"] * len(keys)
        gets = await pool.execute_many([("GET", key) for key in [*reversed(keys), *keys]])
        values = [str(number).encode() for number in range(len(keys))]
        assert gets == [*reversed(values), *values]


async def test_errors_of_the_server_are_values(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        await pool.execute("RPUSH", THREE[0], 1)
        replies = await pool.execute_many([("INCR", key) for key in THREE])
        assert isinstance(replies[0], ServerError)
        assert replies[1:] == [1, 1]


async def test_each_node_gets_its_part_before_a_reply_is_waited_for(callers: Callers, cluster: FakeCluster) -> None:
    keys = [key_of(slot) for slot in range(0, 16384, 100)]
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        many = pool.execute_many, [("INCR", key) for key in keys]
        split = pool.execute, "MGET", *keys
        for name, call in (("INCR", many), ("MGET", split)):
            for node in cluster.nodes:
                node.pause()
            caller = callers.start(*call)
            await wait_until(lambda name=name: cluster.count(name) == len(keys))
            for node in cluster.nodes:
                node.resume()
            assert await caller.result() == [1 if name == "INCR" else b"1"] * len(keys)


async def test_a_node_that_is_gone_costs_its_own_commands_alone(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, shared=1, connect_timeout=0.5) as pool:
        gone = cluster.owner_of(0)
        gone.stop()
        replies = await pool.execute_many([("INCR", key) for key in THREE])
        assert isinstance(replies[0], TransportError)
        assert replies[1:] == [1, 1]
        with pytest.raises(ConnectFailed):
            await pool.execute_many([("INCR", THREE[0]), ("GET", THREE[0])])  # nothing else came


@LANES
async def test_a_node_that_hangs_up_costs_its_writes_alone(cluster: FakeCluster, shared: int) -> None:
    async with AsyncClusterPool(cluster.url, shared=shared) as pool:
        cluster.owner_of(0).once("INCR", Close())
        run = [("GET", THREE[0]), *(("INCR", key) for key in THREE), ("GET", THREE[0])]
        replies = await pool.execute_many(run)
        assert (replies[0], replies[2], replies[3], replies[4]) == (None, 1, 1, None)
        assert isinstance(replies[1], OutcomeUnknown)
        assert cluster.count("INCR") == 3


async def test_what_is_redirected_is_sent_again_alone(cluster: FakeCluster) -> None:
    moved = list(range(0, 5000, 50))
    stays = list(range(10_922, 16_384, 50))
    keys = [key_of(slot) for slot in itertools.chain(*zip(moved, stays, strict=False))]
    async with AsyncClusterPool(cluster.url) as pool:
        refuse_views(cluster)
        cluster.move_slots(moved, cluster.primaries[1])
        assert await pool.execute_many([("INCR", key) for key in keys]) == [1] * len(keys)
        assert data(cluster) == dict.fromkeys(keys, b"1")
        assert cluster.count("INCR") == len(keys) + len(moved)
        assert pool.stats().retries == 0


async def test_commands_on_one_slot_keep_their_order_when_it_has_moved(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.move_slots(SLOT, other_than(cluster, cluster.owner_of(SLOT)))
        replies = await pool.execute_many([("APPEND", "key", number) for number in range(10)] + [("GET", "key")])
        assert replies == [*range(1, 11), b"0123456789"]


async def test_a_part_of_a_pipeline_goes_where_ask_says(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    target = other_than(cluster, owner)
    owner.command("SET", "{key}here", 1)
    cluster.begin_migration(SLOT, target)
    run = [("INCR", f"{{key}}{number}") for number in range(20)] + [("GET", "{key}here"), ("GET", THREE[0])]
    async with AsyncClusterPool(cluster.url) as pool:
        assert await pool.execute_many(run) == [1] * 20 + [b"1", None]
        wire = [seen.command[0] for seen in target.commands if seen.command[0] in (b"ASKING", b"INCR")]
        assert wire == [b"ASKING", b"INCR"] * 20
        assert len(owner.calls("GET")) == (2 if cluster.owner_of(0) is owner else 1)


async def test_a_part_that_waits_for_a_slot_until_the_time_is_over_is_an_error_and_the_others_are_not(
    cluster: FakeCluster,
) -> None:
    owner = cluster.owner_of(SLOT)
    owner.command("SET", "{key}a", 5)
    cluster.begin_migration(SLOT, other_than(cluster, owner))
    async with AsyncClusterPool(cluster.url) as pool:
        run = [("MGET", "{key}a", "{key}b"), *(("INCR", key) for key in THREE)]
        replies = await pool.execute_many(run, timeout=0.4)
        assert isinstance(replies[0], TryAgain | ReadTimeout)  # the latter if the time ends while its last try is out
        assert replies[1:] == [1, 1, 1]
        assert pool.stats().retries == 0


async def test_nodes_that_point_at_each_other_cost_their_slot_alone(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        refuse_views(cluster)
        a, b = cluster.owner_of(0), cluster.owner_of(8000)
        a.on("INCR", to("MOVED", 0, b))
        b.on("INCR", to("MOVED", 0, a))
        replies = await pool.execute_many([("INCR", THREE[0]), ("INCR", THREE[2]), ("GET", THREE[1])])
        assert isinstance(replies[0], TooManyRedirects)
        assert replies[1:] == [1, None]


# Split commands ---------------------------------------------------------------------------------------------


async def test_values_come_in_the_order_of_the_keys_repeated_ones_too(cluster: FakeCluster) -> None:
    keys = [key_of(slot) for slot in range(0, 16384, 100)]
    async with AsyncClusterPool(cluster.url) as pool:
        pairs = itertools.chain(*((key, number) for number, key in enumerate(keys)))
        assert await pool.execute("MSET", *pairs) == b"OK"
        values = [str(number).encode() for number in range(len(keys))]
        wanted = [*reversed(keys), keys[3], b"none", *keys]
        assert await pool.execute("MGET", *wanted) == [*reversed(values), values[3], None, *values]
        for name in ("EXISTS", "TOUCH"):
            assert await pool.execute(name, *keys, keys[0]) == len(keys) + 1
        assert await pool.execute("DEL", *keys[:10], b"none") == 10
        assert await pool.execute("UNLINK", *keys) == len(keys) - 10
        assert data(cluster) == {}


async def test_a_command_that_cannot_be_split_is_refused_before_a_byte_is_sent(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        before = received(cluster)
        sort = ("SORT", THREE[0], "STORE", THREE[1])
        for call in (sort, ("SUNION", *THREE), ("RENAME", *THREE[:2]), ("MSETNX", THREE[0], 1, THREE[1], 1)):
            with pytest.raises(CrossSlot, match="nothing was sent"):
                await pool.execute(*call)
        with pytest.raises(UsageValueError, match="the last key has no value"):
            await pool.execute("MSET", THREE[0], 1, THREE[1])
        with pytest.raises(CrossSlot):
            await pool.execute_many([("SET", "key", 1), ("SUNION", *THREE)])
        assert received(cluster) == before


async def test_a_part_of_a_split_command_that_fails_says_how_many_others_ran(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        cluster.owner_of(8000).once("MSET", b"-OOM command not allowed when used memory > 'maxmemory'.\r\n")
        with pytest.raises(OutOfMemory) as caught:
            await pool.execute("MSET", *itertools.chain(*((key, 1) for key in THREE)))
        assert "2 of the 3 parts of MSET ran" in caught.value.__notes__
        assert len(data(cluster)) == 2
        cluster.owner_of(8000).once("MSET", Close())
        with pytest.raises(OutcomeUnknown) as lost:
            await pool.execute("MSET", *itertools.chain(*((key, 2) for key in THREE)))
        assert "2 of the 3 parts of MSET ran" in lost.value.__notes__
        assert lost.value.executed == "unknown"
        assert cluster.count("MSET") == 6


async def test_a_split_read_over_a_lost_connection_is_asked_again(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, shared=1) as pool:
        await pool.execute("MSET", *itertools.chain(*((key, 1) for key in THREE)))
        cluster.owner_of(8000).once("MGET", Close())
        assert await pool.execute("MGET", *THREE) == [b"1"] * 3
        assert cluster.count("MGET") == 4


async def test_a_part_of_a_split_command_follows_its_slot(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        refuse_views(cluster)
        cluster.move_slots(0, cluster.primaries[1])
        assert await pool.execute("MSET", *itertools.chain(*((key, 1) for key in THREE))) == b"OK"
        assert cluster.count("MSET") == 4
        assert cluster.primaries[1].data == {THREE[0]: b"1", THREE[1]: b"1"}


# Fan-out ----------------------------------------------------------------------------------------------------

REPLIES = {
    Merge.SAME: b"+OK\r\n",
    Merge.SUM: b":1\r\n",
    Merge.JOIN: b"*1\r\n$1\r\nk\r\n",
    Merge.EVERY: b"*1\r\n:1\r\n",
    Merge.ONE: b"+OK\r\n",
    Merge.SOME: b"$1\r\nk\r\n",
    None: b"+OK\r\n",
}


@pytest.mark.parametrize("where", [Where.PRIMARIES, Where.NODES, Where.ANY, Where.NODE])
async def test_what_has_no_keys_goes_to_exactly_the_nodes_that_it_concerns(where: Where) -> None:
    with FakeCluster(2, 1) as cluster:
        replica = cluster.nodes[2]
        async with AsyncClusterPool(cluster.url) as pool:
            for name, route in ROUTES.items():
                if route.where is not where:
                    continue
                for node in cluster.nodes:
                    node.on(name, REPLIES[route.merge])
                before = [len(node.calls(name)) for node in cluster.nodes]
                if where is Where.NODE:
                    with pytest.raises(UsageValueError, match=f"{name} concerns one node of the cluster: .* node="):
                        await pool.execute(*name.split())
                    sent = callable(SPECS[name].parse) or await pool.execute(*name.split(), node=place(replica))
                    assert sent
                else:
                    await pool._execute_with_care(tuple(name.split()), SPECS[name], lambda reply: reply)
                counts = [len(node.calls(name)) - was for node, was in zip(cluster.nodes, before, strict=True)]
                if where is Where.ANY:
                    assert sorted(counts) == [0, 0, 0, 1], name
                    assert counts[2:] == [0, 0], name
                else:
                    assert counts == {Where.PRIMARIES: [1, 1, 0, 0], Where.NODES: [1] * 4, Where.NODE: [0, 0, 1, 0]}[
                        where
                    ], name


async def test_replies_of_several_nodes_become_one(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        await pool.execute("MSET", *itertools.chain(*((key_of(slot), 1) for slot in range(0, 16384, 1000))))
        assert await pool.execute("DBSIZE") == 17
        for number, node in enumerate(cluster.nodes):
            node.on("KEYS", b"*1\r\n$1\r\n%d\r\n" % number)
            node.on("SCRIPT EXISTS", b"*2\r\n:1\r\n:%d\r\n" % (number != 1))
            node.on("RANDOMKEY", b"_\r\n" if number < 2 else b"$1\r\nk\r\n")
            node.on("SCRIPT KILL", b"+OK\r\n" if number == 1 else b"-NOTBUSY No scripts in execution right now.\r\n")
        assert sorted(await pool.execute("KEYS", "*")) == [b"0", b"1", b"2"]
        assert await pool.execute("SCRIPT", "EXISTS", "a", "b") == [1, 0]
        assert await pool.execute("RANDOMKEY") == b"k"
        assert await pool.execute("SCRIPT", "KILL") == b"OK"
        assert await pool.execute("FLUSHALL") == b"OK"
        assert data(cluster) == {}


async def test_a_node_that_fails_makes_what_concerns_all_fail(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url, connect_timeout=0.5) as pool:
        cluster.nodes[1].stop()
        with pytest.raises(ConnectFailed):
            await pool.execute("DBSIZE")
        with pytest.raises(TransportError) as caught:
            await pool.execute("FLUSHALL")
        assert "2 of the 3 parts of FLUSHALL ran" in caught.value.__notes__


async def test_a_node_that_is_not_in_the_map_is_refused(cluster: FakeCluster) -> None:
    async with AsyncClusterPool(cluster.url) as pool:
        with pytest.raises(UsageValueError, match=r"the cluster has no node 127\.0\.0\.1:1; its nodes are "):
            await pool.execute("INFO", node="127.0.0.1:1")
