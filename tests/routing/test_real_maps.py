"""The map that real clusters give, whatever they announce."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import hiredis
import pytest

from clusters import Cluster
from examples.cluster import A, B
from respool import Pool
from respool._routing.topology import Node, Topology, View, ViewRefused, address_of, read_view
from respool.testing import Server


@pytest.fixture(scope="module", params=["valkey", "redis"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "redis" and not shutil.which("redis-server"):
        pytest.skip("there is no redis on this machine")
    with Server("redis-server") if request.param == "redis" else Server() as like, Cluster(like) as running:
        yield running


def seen(server: Server, known: dict[str, Node] | None = None) -> View:
    with Pool(server.url) as pool:
        asked = (server.host, server.port)
        return read_view(pool.cluster_slots(), asked=asked, known=known or {}, info=pool.cluster_info())


@pytest.fixture
def preferred(cluster: Cluster) -> Iterator[Any]:
    def prefer(kind: str) -> None:
        cluster.a.command("CONFIG", "SET", "cluster-preferred-endpoint-type", kind)

    yield prefer
    prefer("ip")


def test_ips_with_the_names_beside_them(cluster: Cluster) -> None:
    view = seen(cluster.a)
    a, b = ("127.0.0.1", cluster.a.port), ("127.0.0.1", cluster.b.port)
    assert view.shards[a].primary == Node(a, A)
    assert view.shards[b].primary == Node(b, B, "host-b")
    assert view.table == [a] * 16383 + [b]
    assert view.is_ok
    assert view.epoch == 2
    assert seen(cluster.b)[:-1] == view[:-1]


def test_hosts_that_are_not_announced(cluster: Cluster, preferred: Any) -> None:
    preferred("unknown-endpoint")
    view = seen(cluster.a)
    assert set(view.table) == {(cluster.a.host, cluster.a.port), (cluster.a.host, cluster.b.port)}


def test_names_and_a_node_without_one(cluster: Cluster, preferred: Any) -> None:
    preferred("hostname")
    view = seen(cluster.a)
    a, b = view.table[0], view.table[-1]
    assert a == ("127.0.0.1", cluster.a.port)
    assert b == ("host-b", cluster.b.port)
    assert view.shards[b].primary == Node(b, B)


def test_a_redirection_names_the_same_address(cluster: Cluster, preferred: Any) -> None:
    view = seen(cluster.a)
    for kind in ("ip", "unknown-endpoint"):
        preferred(kind)
        with pytest.raises(hiredis.ReplyError, match=r"^MOVED 16383 ") as caught:
            cluster.a.command("GET", "39296")
        host, _, port = str(caught.value).split()[2].rpartition(":")
        assert address_of(host, int(port), asked=(cluster.a.host, cluster.a.port)) == view.table[16383]


def test_the_zone_of_a_node(cluster: Cluster) -> None:
    try:
        cluster.b.command("CONFIG", "SET", "availability-zone", "az-2")
    except hiredis.ReplyError:
        pytest.skip("this server has no zones")
    try:
        assert {shard.primary.zone for shard in seen(cluster.b).shards.values()} == {None, "az-2"}
    finally:
        cluster.b.command("CONFIG", "SET", "availability-zone", "")


def test_a_node_without_a_cluster_is_refused(cluster: Cluster) -> None:
    lone = Server(cluster.a.binary.path, config={"cluster-enabled": "yes"})
    with lone, pytest.raises(ViewRefused, match="knows no slots, so it is in no cluster"):
        seen(lone)


def test_the_same_map_from_both_nodes_changes_nothing(cluster: Cluster) -> None:
    topology = Topology()
    topology.take(seen(cluster.a), 0.0)
    assert topology.take(seen(cluster.b, topology.by_id), 1.0).is_empty
