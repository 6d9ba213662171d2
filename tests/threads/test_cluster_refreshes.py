# Generated from tests/asyncio_/test_cluster_refreshes.py by tools/generate.py. Do not edit.
"""How the map of a cluster is learned: whom a pool asks, what it believes, who waits, and what it says if it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from threads.harness import Callers, now, wait_until
from maps import Views, other_than, refuse_views
from respool import ClusterPool
from respool._facts.slots import key_of
from respool.errors import AuthenticationFailed, ClusterDown, ConnectFailed, PoolTimeout, ServerError
from respool.testing import FakeCluster, FakeClusterNode, FakeMember, FakeNode, FakeView, Hold
from respool.testing._ports import candidates

SLOT = FakeCluster.slot_of("key")
#: Longer than the pause between two rounds, in seconds.
A_ROUND_LATER = 1.5


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


def place(node: FakeNode) -> tuple[str, int]:
    return node.host, node.port


def doubt(pool: ClusterPool[bytes], cluster: FakeCluster) -> None:
    """Make the pool doubt its map."""
    key = key_of(0)
    cluster.owner_of(0).once("EXISTS", b"-CLUSTERDOWN Hash slot not served\r\n")
    pool.execute("EXISTS", key)


def never(predicate: Any) -> None:
    """Check that something is not so for longer than the pause between two rounds."""
    with pytest.raises(TimeoutError):
        wait_until(predicate, A_ROUND_LATER)


# Whom it asks -----------------------------------------------------------------------------------------------


def test_nodes_that_hang_cost_a_tenth_of_a_second_each(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    with FakeNode.silent() as a, FakeNode.silent() as b, FakeNode.silent() as c, FakeNode.silent() as d:
        seeds = [place(node) for node in (a, b, c, d, owner)]
        pool = ClusterPool(seeds=seeds, connect_timeout=30.0)
        started = now()
        pool.open()
        assert now() - started < 5.0
        assert pool.get("key") is None
        pool.close()


def test_a_node_that_hangs_does_not_keep_the_map_from_being_renewed(
    cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    with ClusterPool(cluster.url, connect_timeout=30.0, stall_after=None) as pool:
        newcomer = cluster.add_node()
        cluster.move_slots(7, newcomer)
        owner.pause()
        doubt(pool, cluster)
        wait_until(lambda: place(newcomer) in pool.nodes)
        assert not newcomer.calls("GET")
        assert pool.get(key_of(7)) is None
        owner.resume()


def test_nobody_is_asked_while_nothing_is_wrong(cluster: FakeCluster) -> None:
    with ClusterPool(cluster.url) as pool:
        asked = cluster.count("CLUSTER SLOTS")
        for slot in range(0, 16384, 256):
            pool.set(key_of(slot), slot)
        never(lambda: cluster.count("CLUSTER SLOTS") > asked)


def test_a_map_that_is_repeated_opens_and_closes_nothing(cluster: FakeCluster) -> None:
    with ClusterPool(cluster.url, shared=1) as pool:
        views, before = Views(cluster), pool.stats()
        doubt(pool, cluster)
        wait_until(lambda: views.times)
        pool.execute("DBSIZE")
        after = pool.stats()
        assert (after.opened, after.closed, after.epoch) == (before.opened, before.closed, before.epoch)


def test_a_replica_that_shows_the_map_stays_what_it_is(owner: FakeClusterNode) -> None:
    with FakeCluster(1, 2) as small:
        replica = small.nodes[1]
        with ClusterPool(seeds=[place(replica)], shared=1) as pool:
            assert pool.set("key", 1) is True
            assert sorted(pool.nodes) == sorted(place(node) for node in small.nodes)
            wait_until(lambda: pool.size == 1)  # no connection to a replica is kept: nobody reads there


# What it believes -------------------------------------------------------------------------------------------


def overlapping(view: FakeView) -> FakeView:
    return replace(view, ranges=(*view.ranges, (0, 10, view.ranges[-1][2])))


LIES = {
    "gives slots between 0 and 5460 to two nodes": overlapping,
    "knows no slots, so it is in no cluster": lambda view: replace(view, ranges=()),
    "does not say at which address any primary is": lambda view: view.announcing(host="?"),
}


@pytest.mark.parametrize("complaint", LIES)
def test_a_view_that_makes_no_sense_is_refused(cluster: FakeCluster, complaint: str) -> None:
    for node in cluster.nodes:
        node.believe(LIES[complaint](cluster.view))
    pool = ClusterPool(cluster.url)
    with pytest.raises(ConnectFailed, match=complaint) as caught:
        pool.open()
    for node in cluster.nodes:
        assert f"127.0.0.1:{node.port} {complaint}" in str(caught.value)
    cluster.nodes[0].believe(None)
    assert pool.execute("DBSIZE") == 0  # one that makes sense is enough
    pool.close()


@pytest.mark.parametrize("complaint", LIES)
def test_one_node_whose_view_makes_no_sense_does_no_harm(cluster: FakeCluster, complaint: str) -> None:
    liar = cluster.nodes[0]
    liar.believe(LIES[complaint](cluster.view))
    for _ in range(3):
        with ClusterPool(cluster.url) as pool:
            assert sorted(pool.nodes) == sorted(place(node) for node in cluster.nodes)


def test_views_of_a_minority_and_of_another_cluster_are_refused() -> None:
    with FakeCluster(4) as cluster, FakeCluster(3) as foreign:
        honest, *liars = sorted(cluster.nodes, key=lambda node: node is not cluster.owner_of("key"))
        other = liars[0]
        lie = cluster.view.giving([SLOT], other.id)  # in each case, "key" is said to be there
        liars[0].believe(replace(lie, state="fail"))
        liars[1].believe(replace(lie, epoch=cluster.view.epoch - 1))
        liars[2].believe(replace(foreign.view, epoch=99))
        for liar in liars:
            liar.on("EXISTS", b":0\r\n")
        with ClusterPool(seeds=[place(honest)]) as pool:
            honest.on("CLUSTER SLOTS", b"-ERR not now\r\n")
            doubt(pool, cluster)
            wait_until(lambda: all(liar.calls("CLUSTER SLOTS") for liar in liars))
            answers: list[Any] = []

            def answer(command: Any, connection: Any) -> Any:
                answers.append(honest.answer(command, connection))
                return answers[-1]

            honest.on("CLUSTER SLOTS", answer)
            # The round before is over then. After rounds that brought nothing new, the next one takes its time.
            wait_until(lambda: answers, 20.0)
            assert pool.set("key", 1) is True
            assert len(honest.calls("SET")) == 1
            assert cluster.count("SET") == 1
            assert sorted(pool.nodes) == sorted(place(node) for node in cluster.nodes)


def test_slots_that_a_view_leaves_out_stay_where_they_were(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    with ClusterPool(cluster.url) as pool:
        newcomer = FakeMember("f" * 40, "127.0.0.1", 1, owner.id)
        view = cluster.view.without([SLOT]).joining(newcomer)
        for node in cluster.nodes:
            if node is not owner:
                node.believe(view)
        owner.on("CLUSTER SLOTS", b"-ERR not now\r\n")
        doubt(pool, cluster)
        wait_until(lambda: ("127.0.0.1", 1) in pool.nodes)  # the view was believed
        assert pool.set("key", 1) is True
        assert cluster.count("SET") == 1


def test_a_view_that_is_older_than_a_redirect_does_not_undo_it(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode, target: FakeClusterNode
) -> None:
    late = next(node for node in cluster.nodes if node not in (owner, target))
    extra = FakeMember("f" * 40, "127.0.0.1", 1, owner.id)
    with ClusterPool(cluster.url, shared=0) as pool:
        refuse_views(cluster)
        late.believe(cluster.view.joining(extra))
        late.on("CLUSTER SLOTS", lambda command, connection: Hold(late.answer(command, connection) or b""))
        asked = len(late.calls("CLUSTER SLOTS"))
        doubt(pool, cluster)
        wait_until(lambda: len(late.calls("CLUSTER SLOTS")) > asked)
        cluster.move_slots(SLOT, target)
        assert pool.get("key") is None
        wait_until(lambda: late.release() or ("127.0.0.1", 1) in pool.nodes)
        assert pool.get("key") is None
        assert (len(owner.calls("GET")), len(target.calls("GET"))) == (1, 2)


# Who waits --------------------------------------------------------------------------------------------------


def test_callers_of_known_slots_do_not_wait_for_a_view(
    callers: Callers, cluster: FakeCluster, owner: FakeClusterNode
) -> None:
    with ClusterPool(cluster.url, shared=0) as pool:
        for node in cluster.nodes:
            node.on("CLUSTER SLOTS", Hold(node.answer))
        cluster.believe(cluster.view.without([SLOT]))
        asked = cluster.count("CLUSTER SLOTS")
        waiting = callers.start(pool.get, "key")
        wait_until(lambda: cluster.count("CLUSTER SLOTS") > asked)
        for slot in range(0, 16384, 512):
            assert pool.set(key_of(slot), slot) is True
        assert not waiting.is_done
        cluster.believe(cluster.view.giving([SLOT], owner.id))
        for node in cluster.nodes:
            node.on("CLUSTER SLOTS", node.answer)
            node.release()
        assert waiting.result() is None


def test_a_slot_without_a_node_is_waited_for(callers: Callers, cluster: FakeCluster, owner: FakeClusterNode) -> None:
    whole = cluster.view
    cluster.believe(whole.without([SLOT]))
    with ClusterPool(cluster.url) as pool:
        waiting = callers.start(pool.set, "key", 1)
        many = callers.start(pool.execute_many, [("GET", key_of(0)), ("INCRBY", "{key}n", 2)])
        spread = callers.start(pool.execute, "MGET", key_of(0), "{key}none")
        wait_until(lambda: cluster.owner_of(0).calls("MGET") or spread.is_done)
        cluster.believe(whole)
        assert waiting.result() is True
        assert many.result() == [None, 2]
        assert spread.result() == [None, None]


def test_a_slot_that_stays_without_a_node_is_an_error_after_the_grace(cluster: FakeCluster) -> None:
    cluster.believe(cluster.view.without([SLOT]))
    with ClusterPool(cluster.url, connect_timeout=0.5) as pool:
        started = now()
        with pytest.raises(ClusterDown, match=f"no node of the cluster at .* served slot {SLOT} for 0.5"):
            pool.get("key")
        assert 0.4 < now() - started < 3.0
        with pytest.raises(ClusterDown, match=f"served slot {SLOT} for 0.(099|[12])"):
            pool.execute("GET", "key", timeout=0.1)
        replies = pool.execute_many([("GET", key_of(0)), ("GET", "key")])
        assert replies[0] is None
        assert isinstance(replies[1], ClusterDown)
        assert cluster.count("GET") == 1


def test_a_full_pool_of_a_node_is_no_reason_to_ask(cluster: FakeCluster, owner: FakeClusterNode) -> None:
    with ClusterPool(cluster.url, shared=0, max_size=1) as pool:
        lease = pool.acquire(key="key")
        asked = cluster.count("CLUSTER SLOTS")
        for _ in range(5):
            with pytest.raises(PoolTimeout):
                pool.execute("GET", "key", timeout=0.05)
        never(lambda: cluster.count("CLUSTER SLOTS") > asked)
        assert pool.get(key_of(0)) is None
        pool.release(lease)


# Seeds ------------------------------------------------------------------------------------------------------


def refusing() -> FakeNode:
    return FakeNode({"HELLO": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"})


def test_every_seed_that_is_of_no_use_is_named_with_its_reason() -> None:
    dead = next(candidates())
    alone = FakeNode({"CLUSTER SLOTS": b"-ERR This instance has cluster support disabled\r\n"})
    with alone, refusing() as strict, FakeCluster(1) as lone:
        lone.nodes[0].believe(replace(lone.view, ranges=()))
        seeds = [("127.0.0.1", dead), *map(place, (alone, strict, lone.nodes[0]))]
        pool = ClusterPool(seeds=seeds, password="secret")
        with pytest.raises(ConnectFailed) as caught:
            pool.open()
        text = str(caught.value)
        assert text.startswith("no map of the cluster at ")
        assert "secret" not in text
        reasons = ["refused", "cluster support disabled", "WRONGPASS", "knows no slots"]
        for (_, port), reason in zip(seeds, reasons, strict=True):
            assert reason in text.partition(f"127.0.0.1:{port}: ")[2].partition("; ")[0]
        assert "use Pool for a single node" in text
        pool.close()


def test_seeds_that_are_of_no_use_do_no_harm_beside_one_that_is(cluster: FakeCluster) -> None:
    dead = ("127.0.0.1", next(candidates()))
    with FakeNode({"CLUSTER SLOTS": b"-ERR This instance has cluster support disabled\r\n"}) as alone:
        for _ in range(3):
            with ClusterPool(seeds=[dead, place(alone), place(cluster.nodes[0])]) as pool:
                assert pool.get("key") is None
                assert place(alone) not in pool.nodes
                assert pool.size <= 4
        wait_until(lambda: not alone.open_connections)


def test_a_wrong_password_is_told_once_and_nobody_is_dialed_until_somebody_calls(callers: Callers) -> None:
    with refusing() as one, refusing() as two:
        pool = ClusterPool(seeds=[place(one), place(two)], password="secret")
        for _ in range(5):
            callers.start(pool.get, "key")
        assert {type(error) for error in callers.outcomes()} == {AuthenticationFailed}
        dials = one.connections + two.connections
        assert dials <= 6  # each once; a slow round leaves time for a second try
        never(lambda: one.connections + two.connections > dials)
        with pytest.raises(AuthenticationFailed, match="no map of the cluster"):
            pool.get("key")
        assert dials < one.connections + two.connections <= dials + 6
        pool.close()


def test_what_is_not_a_cluster_says_so(callers: Callers) -> None:
    with FakeNode({"CLUSTER SLOTS": b"-ERR This instance has cluster support disabled\r\n"}) as alone:
        pool = ClusterPool(seeds=[place(alone)])
        with pytest.raises(ServerError, match="use Pool for a single node"):
            pool.open()
        pool.close()


def test_seeds_that_come_up_later_are_found(callers: Callers) -> None:
    with FakeCluster(2) as cluster:
        seeds = [place(node) for node in cluster.nodes]
        cluster.stop()
        pool = ClusterPool(seeds=seeds)
        with pytest.raises(ConnectFailed):
            pool.get("key")
        cluster.start()
        assert pool.get("key") is None
        pool.close()
