# Generated from tests/asyncio_/test_cluster_leases.py by tools/generate.py. Do not edit.
"""Leases of one node of a cluster while its slots move, and while the node itself comes and goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from threads.harness import Callers, wait_until
from respool import Connection, Pool
from respool._sync.cluster_pool import ClusterPool
from respool._facts.slots import key_of
from respool.errors import (
    ClusterDown,
    ConnectionLost,
    Error,
    PoolExhausted,
    PoolTimeout,
    SlotMoved,
    TooManyWaiters,
    TransactionAborted,
    TryAgain,
    UnknownCommand,
    UsageError,
    WrongNode,
)
from respool.testing import ClusterNode, ClusterServers, FakeCluster, FakeClusterNode, find_binary

KEY = "{a}1"
OTHER = "{a}2"
SLOT = FakeCluster.slot_of(KEY)


@pytest.fixture(params=["valkey", "redis"])
def cluster(request: pytest.FixtureRequest) -> Iterator[FakeCluster]:
    with FakeCluster(primaries=2, replicas=1, flavor=request.param) as cluster:
        yield cluster


def place(node: Any) -> str:
    return f"{node.host}:{node.port}"


def other_than(cluster: FakeCluster, node: FakeClusterNode) -> FakeClusterNode:
    return next(each for each in cluster.primaries if each is not node)


def error_of(work: Any) -> Any:
    with pytest.raises(Error) as caught:
        work()
    return caught.value


def transact(conn: Connection[Any], way: str, *commands: tuple[Any, ...]) -> Any:
    """Run a transaction, in one of three ways; return the replies, or raise."""
    if way == "an atomic run":
        return conn.execute_many(commands, atomic=True)
    if way == "a pipeline":
        replies = conn.execute_many([("MULTI",), *commands, ("EXEC",)])
        if isinstance(replies[-1], Error):
            raise replies[-1]
        return replies[-1]
    conn.execute("MULTI")
    for command in commands:
        conn.execute(*command)
    return conn.execute("EXEC")


WAYS = ["an atomic run", "a pipeline", "one by one"]


# Transactions whose slot has left, as the pool knows -----------------------------------------------------------


@pytest.mark.parametrize("commands", [[], [("SET", KEY, "mine")]], ids=["empty", "not empty"])
@pytest.mark.parametrize("way", WAYS)
def test_a_transaction_is_not_run_once_the_slot_of_a_watched_key_has_left(
    cluster: FakeCluster, way: str, commands: list[Any]
) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool:
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(owner)
            conn.watch(KEY)
            for command in [("MULTI",), *commands] if way == "one by one" else ():
                conn.execute(*command)
            cluster.move_slots(SLOT, other)
            pool.set(KEY, "theirs")
            end = (lambda: conn.execute("EXEC")) if way == "one by one" else (lambda: transact(conn, way, *commands))
            aborted = error_of(end)
            assert type(aborted) is TransactionAborted
            cause = aborted.__cause__
            assert type(cause) is SlotMoved
            assert f"slot {SLOT} has left {place(owner)} " in str(cause)
            assert f"is served by {place(other)}" in str(cause)
            assert "acquire(key=...) again" in str(aborted)
            assert conn.is_clean
            assert not owner.calls("EXEC")
            assert conn.ping()
        assert pool.stats().resets == 0
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(other)
            conn.watch(KEY)
            assert transact(conn, way, *commands) == [b"OK"] * len(commands)


def test_what_stands_around_such_a_transaction_in_a_pipeline_is_run(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    key = key_of(next(slot for slot in range(16384) if slot != SLOT and cluster.owner_of(slot) is owner))
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(KEY)
        cluster.move_slots(SLOT, other_than(cluster, owner))
        pool.get(KEY)
        run = [("SET", key, "1"), ("MULTI",), ("INCR", key), ("EXEC",), ("MULTI",), ("INCR", key), ("EXEC",)]
        replies = conn.execute_many(run)
        assert isinstance(replies.pop(3), TransactionAborted)
        assert replies == [b"OK", b"OK", b"QUEUED", b"OK", b"QUEUED", [2]]
        assert conn.is_clean


def test_a_transaction_that_was_discarded_before_in_a_pipeline_hinders_no_other(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(KEY)
        conn.execute("MULTI")
        cluster.move_slots(SLOT, other_than(cluster, owner))
        pool.get(KEY)
        assert conn.execute_many([("DISCARD",), ("MULTI",), ("EXEC",)]) == [b"OK", b"OK", []]


def test_a_slot_that_has_come_back_was_away(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(KEY)
        for to in (other, owner):
            cluster.move_slots(SLOT, to)
            pool.get(KEY)
        aborted = error_of(lambda: conn.execute_many([], atomic=True))
        assert f"has left {place(owner)} since a key of it was watched, and has come back" in str(aborted.__cause__)
        conn.watch(KEY)
        assert conn.execute_many([("SET", KEY, "v")], atomic=True) == [b"OK"]


def test_slots_that_are_not_watched_may_leave(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    another = next(slot for slot in range(16384) if slot != SLOT and cluster.owner_of(slot) is owner)
    key = key_of(another)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(key)
        conn.unwatch()
        conn.watch(KEY)
        cluster.move_slots(another, other_than(cluster, owner))
        pool.get(key)
        assert conn.execute_many([("SET", KEY, "v")], atomic=True) == [b"OK"]
        assert conn.execute_many([], atomic=True) == [], "nothing is watched any more"


def test_each_watched_slot_counts(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    another = next(slot for slot in range(16384) if slot != SLOT and cluster.owner_of(slot) is owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(key_of(another))
        conn.watch(KEY)
        cluster.move_slots(SLOT, other_than(cluster, owner))
        pool.get(KEY)
        assert f"slot {SLOT} has left" in str(error_of(lambda: conn.execute_many([], atomic=True)))


def test_a_watch_behind_a_transaction_in_a_pipeline_is_remembered(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.execute_many([("MULTI",), ("EXEC",), ("WATCH", KEY)])
        cluster.move_slots(SLOT, other_than(cluster, owner))
        pool.get(KEY)
        conn.execute("MULTI")
        assert type((error_of(lambda: conn.execute("EXEC"))).__cause__) is SlotMoved
        assert not owner.calls("EXEC")[1:]


def test_an_exec_without_multi_stays_one(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.watch(KEY)
        cluster.move_slots(SLOT, other_than(cluster, owner))
        pool.get(KEY)
        assert "EXEC without MULTI" in str(error_of(lambda: conn.execute("EXEC")))


def test_a_discard_that_is_not_answered_leaves_no_open_transaction(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url, max_size=2) as pool:
        with pool.acquire(key=KEY) as conn:
            conn.watch(KEY)
            conn.execute("MULTI")
            cluster.move_slots(SLOT, other_than(cluster, owner))
            pool.get(KEY)
            owner.once("DISCARD", b"-NOPERM no\r\n")
            assert type(error_of(lambda: conn.execute("EXEC"))) is TransactionAborted
            assert not conn.is_clean
        with pool.acquire(node=place(owner)) as conn:
            assert conn.ping()


# Transactions whose slot has left, and the pool does not know ---------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_watched", [True, False])
def test_a_transaction_that_a_move_prevents_names_the_move_and_the_pool_learns_of_it(
    cluster: FakeCluster, way: str, *, is_watched: bool
) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool:
        with pool.acquire(key=KEY) as conn:
            if is_watched:
                conn.watch(KEY)
            cluster.move_slots(SLOT, other)
            aborted = error_of(lambda: transact(conn, way, ("SET", KEY, "mine")))
            assert type(aborted) is TransactionAborted
            assert type(aborted.__cause__) is SlotMoved
            expected = f"slot {SLOT} is served by {place(other)}, and this lease is a connection to {place(owner)}"
            assert expected in str(aborted.__cause__)
            assert conn.is_clean or way == "one by one"
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(other)
        assert not other.data


def test_a_command_that_was_not_queued_leaves_the_transaction_open_until_exec(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        conn.execute("MULTI")
        cluster.move_slots(SLOT, other)
        refused = error_of(lambda: conn.execute("SET", KEY, "v"))
        assert type(refused) is TransactionAborted
        assert "was not queued, so EXEC will run nothing" in str(refused)
        assert type(error_of(lambda: conn.execute("NO-SUCH"))) is UnknownCommand
        assert conn.execute("PING") == b"QUEUED"
        aborted = error_of(lambda: conn.execute("EXEC"))
        assert type(aborted) is TransactionAborted
        assert type(aborted.__cause__) is SlotMoved
        assert aborted.__cause__ is not refused.__cause__
        assert conn.is_clean
        assert transact(conn, "one by one", ("PING",)) == ["PONG" if pool._options.encoding else b"PONG"]


def test_an_exec_that_is_redirected_itself_aborts_and_leaves_a_clean_lease(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        for end in (lambda: conn.execute("EXEC"), lambda: transact_end(conn)):
            to, old = (other, owner) if cluster.owner_of(SLOT) is owner else (owner, other)
            with pool.acquire(key=KEY) as conn:
                assert conn.address == place(old)
                conn.execute("MULTI")
                conn.execute("SET", KEY, "v")
                cluster.move_slots(SLOT, to)
                aborted = error_of(end)
                assert f"slot {SLOT} is served by {place(to)}" in str(aborted.__cause__)
                assert conn.is_clean
        assert pool.stats().resets == 0


def transact_end(conn: Connection[Any]) -> None:
    """Send EXEC in a pipeline."""
    (end,) = conn.execute_many([("EXEC",)])
    raise end


@pytest.mark.parametrize("way", WAYS)
def test_a_transaction_on_a_slot_that_is_being_moved_names_the_move(cluster: FakeCluster, way: str) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    cluster.begin_migration(SLOT, other)
    with ClusterPool(cluster.url) as pool:
        with pool.acquire(key=KEY) as conn:
            aborted = error_of(lambda: transact(conn, way, ("SET", KEY, "v")))
            assert type(aborted) is TransactionAborted
            assert type(aborted.__cause__) is SlotMoved
            assert f"slot {SLOT} is being moved from {place(owner)} to {place(other)}" in str(aborted.__cause__)
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(owner), "the slot is still there"


def test_a_transaction_with_keys_here_and_there_aborts_too() -> None:
    with FakeCluster(primaries=2) as cluster:
        owner = cluster.owner_of(SLOT)
        owner.command("SET", OTHER, "v")
        cluster.begin_migration(SLOT, other_than(cluster, owner))
        with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
            for way in WAYS:
                aborted = error_of(lambda: transact(conn, way, ("SET", KEY, "v"), ("GET", OTHER)))
                assert type(aborted) is TransactionAborted
                assert type(aborted.__cause__) is TryAgain
                assert "where their slot is being moved to" in str(aborted)
                assert conn.is_clean


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_transaction_proves_nothing_about_keys_that_have_left(cluster: FakeCluster, way: str) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool:
        with pool.acquire(key=KEY) as conn:
            conn.watch(OTHER, KEY)
            assert transact(conn, way) == []
            conn.watch(OTHER, KEY)
            cluster.move_slots(SLOT, other)
            aborted = error_of(lambda: transact(conn, way))
            assert type(aborted) is TransactionAborted
            assert f"slot {SLOT} is served by {place(other)}" in str(aborted.__cause__)
            assert conn.is_clean
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(other)


def test_an_empty_transaction_of_a_pool_for_one_node_notices_what_was_changed(cluster: FakeCluster) -> None:
    node = cluster.owner_of(SLOT)
    with Pool(node.url) as pool, pool.acquire() as conn:
        conn.watch(KEY)
        node.command("SET", KEY, "v")
        assert type(error_of(lambda: conn.execute_many([], atomic=True))) is TransactionAborted
        assert conn.execute_many([], atomic=True) == []
        assert len(node.calls("EXEC")) == 1


# Other commands --------------------------------------------------------------------------------------------------


def test_a_command_whose_slot_has_left_says_where_it_is_and_the_pool_learns_of_it(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        cluster.move_slots(SLOT, other)
        for call in (lambda: conn.get(KEY), lambda: conn.execute("BLPOP", KEY, 1), lambda: conn.watch(KEY)):
            moved = error_of(call)
            assert type(moved) is SlotMoved
            assert str(moved).startswith(f"slot {SLOT} is served by {place(other)}, and this lease is a connection to")
            assert isinstance(moved, WrongNode)
            assert "ClusterPool" not in str(moved)
        before = len(owner.calls("GET"))
        assert pool.get(KEY) is None
        assert len(owner.calls("GET")) == before, "the pool knew it"


def test_a_pipeline_whose_slot_has_left_has_such_errors_as_values(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        cluster.move_slots(SLOT, other)
        values = conn.execute_many([("GET", KEY), ("PING",), ("GET", KEY)])
        assert [type(value) for value in values] == [SlotMoved, bytes, SlotMoved]
        with pytest.raises(SlotMoved, match=rf"command 1 of 1 \(GET\): slot {SLOT} is served by {place(other)}"):
            with conn.pipeline() as p:
                p.get(KEY)
        before = len(owner.calls("GET"))
        assert pool.get(KEY) is None
        assert len(owner.calls("GET")) == before


def test_a_command_on_a_slot_that_is_being_moved_names_the_pool(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    owner.command("SET", OTHER, "v")
    cluster.begin_migration(SLOT, other)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        moved = error_of(lambda: conn.get(KEY))
        assert type(moved) is SlotMoved
        assert f"is being moved from {place(owner)} to {place(other)}" in str(moved)
        assert "send the command through the pool" in str(moved)
        assert type(error_of(lambda: conn.mget(KEY, OTHER))) is TryAgain
        assert conn.get(OTHER) == b"v"
        with pool.acquire(key=KEY) as another:
            assert another.address == place(owner)


def test_a_slot_without_a_node_makes_the_pool_ask_for_the_map(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        before = cluster.count("CLUSTER SLOTS")
        owner.once("GET", b"-CLUSTERDOWN Hash slot not served\r\n")
        assert type(error_of(lambda: conn.get(KEY))) is ClusterDown
        wait_until(lambda: cluster.count("CLUSTER SLOTS") > before)


def test_a_script_that_answers_with_the_words_of_a_redirect_teaches_nothing(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    owner.on("EVAL", f"-MOVED {SLOT + 1} {place(other)}\r\n".encode())
    with ClusterPool(cluster.url) as pool, pool.acquire(key=KEY) as conn:
        before = pool._serving.table[SLOT + 1]
        assert type(error_of(lambda: conn.eval("return 1", keys=[KEY]))) is WrongNode
        assert pool._serving.table[SLOT + 1] is before


def test_a_command_for_a_node_that_has_not_its_keys_says_so(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url) as pool:
        view = pool.using(node=place(other))
        (value,) = pool.execute_many([("GET", KEY)], node=place(other))
        atomic = error_of(lambda: pool.execute_many([("GET", KEY)], atomic=True, node=place(other)))
        errors = [
            error_of(lambda: pool.execute("GET", KEY, node=place(other))),
            error_of(lambda: view.get(KEY)),
            value,
            atomic.__cause__,
        ]
        for error in errors:
            assert type(error) is WrongNode
            assert str(error) == (
                f"slot {SLOT} is served by {place(owner)}, and not by {place(other)}, which node= names: leave node= out"
            )
        assert type(atomic) is TransactionAborted
        cluster.begin_migration(SLOT, other)
        error = error_of(lambda: pool.execute("GET", KEY, node=place(owner)))
        assert str(error).startswith(f"slot {SLOT} is being moved to {place(other)}, and not")


def test_a_connection_used_alone_names_the_pool_for_clusters(cluster: FakeCluster) -> None:
    with Connection(other_than(cluster, cluster.owner_of(SLOT)).url) as conn:
        error = error_of(lambda: conn.get(KEY))
        assert type(error) is WrongNode
        assert "neither a connection nor a pool of one node follows redirects: use ClusterPool" in str(error)


# Which node ------------------------------------------------------------------------------------------------------


def test_a_lease_of_a_replica_reads_there_and_again_after_it_was_cleaned(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    (replica,) = cluster.replicas_of(owner)
    with ClusterPool(cluster.url, max_size=1, shared=0) as pool:
        pool.set(KEY, "v")
        for _ in range(2):
            with pool.acquire(node=place(replica)) as conn:
                assert conn.is_clean
                assert conn.get(KEY) == b"v"
                moved = error_of(lambda: conn.set(KEY, "w"))
                assert f"is served by {place(owner)}" in str(moved)
                conn.execute("MULTI")
        assert {call.connection for call in replica.calls("GET")} == {replica.calls("READONLY")[0].connection}
        assert pool.stats().resets == 2


def test_a_lease_for_a_key_is_one_of_the_primary_wherever_reads_go(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url, read_from="replica") as pool:
        for _ in range(3):
            with pool.acquire(key=KEY) as conn:
                assert conn.address == place(owner)
                conn.set(KEY, "v")
        assert not owner.calls("READONLY")


# Nodes that come and go --------------------------------------------------------------------------------------------


def test_a_lease_of_a_node_that_lost_its_role_fails_and_can_be_given_back(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url) as pool:
        conn = pool.acquire(key=KEY)
        with pool.acquire(key=KEY) as other:
            conn.watch(KEY)
            cluster.failover(owner)
            pool.set(KEY, "v")  # the old primary names the new one
            for lease in (conn, other):
                lost = error_of(lambda lease=lease: lease.get(KEY))  # type: ignore[misc]
                assert isinstance(lost, ConnectionLost)
                assert lost.executed == "no"
                assert "the node is no primary any more, so the connection was closed before it was sent" in str(lost)
                assert place(owner) in str(lost)
                assert lease.closed
        pool.release(conn)
        with pytest.raises(UsageError, match="released already"):
            pool.release(conn)
        assert pool.leased == 0
        wait_until(lambda: pool.size == pool.shared + pool.idle)
        with pool.acquire(key=KEY) as conn:
            assert conn.address == place(cluster.owner_of(SLOT))


def test_a_lease_of_a_node_that_has_left_goes_on_until_it_is_given_back(cluster: FakeCluster) -> None:
    node = cluster.add_node()
    cluster.move_slots(SLOT, node)
    first = other_than(cluster, node)
    with ClusterPool(cluster.url) as pool:
        conn = pool.acquire(key=KEY)
        assert conn.address == place(node)
        conn.watch(KEY)
        cluster.move_slots(SLOT, first)
        view = cluster.view
        cluster.believe(view.leaving_out(node.id))
        node.believe(view)
        wait_until(lambda: (node.host, node.port) not in pool.nodes or pool._serving.discovery.doubt())
        assert conn.ping()
        assert type(error_of(lambda: transact(conn, "one by one"))) is TransactionAborted
        node.believe(view.giving({SLOT}, cluster.primaries[1].id))
        table = list(pool._serving.table)
        assert type(error_of(lambda: conn.get(KEY))) is SlotMoved
        assert pool._serving.table == table, "it is not believed any more"
        transport = conn._transport
        pool.release(conn)
        wait_until(lambda: not transport.is_open)
        assert pool.leased == 0


def test_only_current_leases_of_the_pool_can_be_released(cluster: FakeCluster) -> None:
    with ClusterPool(cluster.url) as pool, ClusterPool(cluster.url) as another:
        conn, theirs = pool.acquire(key=KEY), another.acquire(key=KEY)
        with pytest.raises(UsageError, match="not leased from this pool"):
            pool.release(theirs)
        pool.release(conn)
        with pytest.raises(UsageError, match="released already"):
            pool.release(conn)
        with pytest.raises(UsageError, match="acquire another one"):
            conn.ping()
        with pytest.raises(TypeError, match="release takes a leased connection, not int"):
            pool.release(1)  # type: ignore[arg-type]
        another.release(theirs)
        assert (pool.leased, another.leased) == (0, 0)


# Nodes that are full -----------------------------------------------------------------------------------------------


def test_a_full_node_times_out_alone_and_is_named(cluster: FakeCluster, callers: Callers) -> None:
    owner = cluster.owner_of(SLOT)
    other = other_than(cluster, owner)
    with ClusterPool(cluster.url, max_size=2, shared=1, max_waiting=1) as pool:
        with pool.acquire(key=KEY):
            late = error_of(lambda: pool.acquire(0.02, key=KEY))
            assert type(late) is PoolTimeout
            assert place(owner) in str(late)
            assert (late.leased, late.max_size) == (1, 2)
            waiting = callers.start(pool.acquire, 5.0, key=KEY)
            wait_until(lambda: pool.waiting == 1)
            crowded = error_of(lambda: pool.acquire(key=KEY))
            assert type(crowded) is TooManyWaiters
            assert place(owner) in str(crowded)
            with pool.acquire(0.5, node=place(other)) as conn:
                assert conn.ping()
        pool.release(waiting.result())


def test_a_full_node_may_refuse_at_once(cluster: FakeCluster) -> None:
    owner = cluster.owner_of(SLOT)
    with ClusterPool(cluster.url, max_size=2, shared=1, on_full="raise") as pool:
        before = cluster.count("CLUSTER SLOTS")
        with pool.acquire(key=KEY), pool.acquire(node=place(other_than(cluster, owner))):
            full = error_of(lambda: pool.acquire(key=KEY))
            assert type(full) is PoolExhausted
            assert place(owner) in str(full)
        assert cluster.count("CLUSTER SLOTS") == before, "a full node is not a dead one"


# On real servers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[None, "redis-server"])
def servers(request: pytest.FixtureRequest) -> Iterator[ClusterServers]:
    try:
        find_binary(request.param)
    except LookupError:
        pytest.skip(f"no {request.param} is installed")
    with ClusterServers(primaries=2, replicas=0, binary=request.param) as cluster:
        yield cluster


#: The slots of the first node, each for one move: servers that swap a slot back and forth may lose track of it.
FRESH = itertools.count()


def moving(servers: ClusterServers) -> tuple[int, bytes, ClusterNode, ClusterNode]:
    """Return a slot that has never moved, a key of it, its owner and the other node."""
    slot = next(FRESH)
    owner = servers.owner_of(slot)
    return slot, key_of(slot), owner, next(node for node in servers.nodes if node is not owner)


@pytest.mark.parametrize("commands", [[], [("INCR",)]], ids=["empty", "not empty"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_known", [True, False])
def test_on_servers_no_transaction_succeeds_whose_slot_has_left(
    servers: ClusterServers, way: str, commands: list[Any], *, is_known: bool
) -> None:
    slot, key, owner, to = moving(servers)
    with ClusterPool(servers.url) as pool:
        with pool.acquire(key=key) as conn:
            assert conn.address == place(owner)
            conn.watch(key)
            servers.move_slots(slot, to)
            to.command("SET", key, "1")
            if is_known:
                assert pool.get(key) == b"1"
            aborted = error_of(lambda: transact(conn, way, *((*command, key) for command in commands)))
            assert type(aborted) is TransactionAborted
            assert type(aborted.__cause__) is SlotMoved
            assert place(to) in str(aborted.__cause__)
            assert conn.is_clean or (way, commands) == ("one by one", [("INCR",)])
        assert to.command("GET", key) == b"1"
        with pool.acquire(key=key) as conn:
            assert conn.address == place(to)
            conn.watch(key)
            assert transact(conn, way, *((*command, key) for command in commands)) == [2] * len(commands)


@pytest.mark.parametrize("commands", [[], [("INCR",)]], ids=["empty", "not empty"])
@pytest.mark.parametrize("way", WAYS)
def test_on_servers_no_transaction_succeeds_on_a_slot_that_is_being_moved(
    servers: ClusterServers, way: str, commands: list[Any]
) -> None:
    slot, key, owner, to = moving(servers)
    with ClusterPool(servers.url) as pool:
        with pool.acquire(key=key) as conn:
            conn.watch(key)
            servers.begin_migration(slot, to)
            aborted = error_of(lambda: transact(conn, way, *((*command, key) for command in commands)))
            assert type(aborted) is TransactionAborted
            assert f"slot {slot} is being moved from {place(owner)} to {place(to)}" in str(aborted.__cause__)
            assert pool.execute_many([("INCR", key)], atomic=True) == [1], "the pool follows"
        servers.finish_migration(slot)
        assert to.command("GET", key) == b"1"


def test_on_servers_an_exec_that_is_redirected_itself_leaves_a_clean_lease(servers: ClusterServers) -> None:
    slot, key, _, to = moving(servers)
    with ClusterPool(servers.url) as pool:
        with pool.acquire(key=key) as conn:
            conn.execute("MULTI")
            conn.execute("INCR", key)
            servers.move_slots(slot, to)
            aborted = error_of(lambda: conn.execute("EXEC"))
            assert f"slot {slot} is served by {place(to)}" in str(aborted.__cause__)
            assert conn.is_clean
            assert conn.ping()
        assert pool.stats().resets == 0
        with pool.acquire(key=key) as conn:
            assert conn.address == place(to)
