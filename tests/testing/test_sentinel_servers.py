"""``respool.testing.SentinelServers``: sentinels that promote a real replica on command, or when they must."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import hiredis
import pytest

from respool.testing import SentinelServers, Server


@pytest.fixture
def servers(binary: str | None) -> Iterator[SentinelServers]:
    with SentinelServers(binary=binary) as servers:
        yield servers


def role(server: Server) -> str:
    return server.info("replication")["role"]


class TestSentinels:
    def test_know_each_other_and_the_nodes_and_promote_on_command(self, servers: SentinelServers) -> None:
        primary, (replica,) = servers.primary, servers.replicas
        assert servers.nodes == [primary, replica]
        assert [role(node) for node in servers.nodes] == ["master", "slave"]
        for sentinel in servers.sentinels:
            assert sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary") == [
                b"127.0.0.1",
                str(primary.port).encode(),
            ]
            assert sentinel.command("SENTINEL", "CKQUORUM", "primary").startswith(b"OK 3 usable Sentinels")
        addresses = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in servers.sentinels)
        assert servers.url == f"redis+sentinel://{addresses}/primary"
        assert repr(servers) == "<SentinelServers 'primary' of 2 nodes and 3 sentinels>"

        assert servers.failover() is replica
        assert servers.primary is replica
        assert servers.replicas == [primary]
        assert role(replica) == "master"

    def test_promote_a_replica_when_the_primary_is_killed(self, servers: SentinelServers) -> None:
        (replica,) = servers.replicas
        dead = servers.kill_primary()
        assert not dead.is_running
        assert servers.primary is dead  # they do not know yet
        servers.wait_agreed()
        assert servers.primary is replica
        assert role(replica) == "master"

    def test_keep_what_they_know_when_they_are_started_again(self, servers: SentinelServers) -> None:
        sentinel = servers.sentinels[0]
        before = sentinel.command("SENTINEL", "MYID")
        promoted = servers.failover()
        sentinel.restart()
        assert sentinel.command("SENTINEL", "MYID") == before
        assert sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary")[1] == str(promoted.port).encode()
        assert len(sentinel.command("SENTINEL", "SENTINELS", "primary")) == 2

    def test_that_sleep_are_not_asked(self, servers: SentinelServers) -> None:
        stale, *_ = servers.sentinels
        stale.pause()
        promoted = servers.failover()
        assert servers.primary is promoted
        stale.resume()
        servers.wait_agreed()
        assert servers.primary is promoted


class TestOptions:
    def test_users_and_passwords_of_nodes_and_of_sentinels(self, binary: str | None) -> None:
        with SentinelServers(
            binary=binary,
            name="orders",
            username="ann",
            password='s"\\ e',
            sentinel_username="guard",
            sentinel_password="hush",
            config={"maxclients": 77},
            sentinel_config={"down-after-milliseconds": 12_345, "quorum": 3},
        ) as servers:
            assert servers.url.startswith("redis+sentinel://ann:s%22%5C%20e@127.0.0.1:")
            assert servers.url.endswith("/orders")
            for server in servers.nodes:
                assert server.command("CONFIG", "GET", "maxclients") == [b"maxclients", b"77"]
            answer = servers.sentinels[0].command("SENTINEL", "MASTER", "orders")
            watch = dict(zip(answer[::2], answer[1::2], strict=True))
            assert watch[b"down-after-milliseconds"] == b"12345"
            assert watch[b"quorum"] == b"3"
            first = servers.sentinels[0]
            with first.connect() as ask, pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
                ask("AUTH", "guard", "wrong")
            (replica,) = servers.replicas
            assert servers.failover() is replica

    def test_numbers_that_make_no_group_are_refused(self) -> None:
        with pytest.raises(ValueError, match="1 sentinel or more and 0 replicas or more, not 0 and 1"):
            SentinelServers(0)


class TestStartAndStop:
    def test_it_starts_once_and_again_after_a_stop(self) -> None:
        servers = SentinelServers(sentinels=1, replicas=0)
        with pytest.raises(RuntimeError, match="no sentinel is awake"):
            servers.wait_agreed()
        with servers:
            (node,), (sentinel,) = servers.nodes, servers.sentinels
            assert servers.start() is servers
            assert servers.nodes == [node]
            node.pause()
            with pytest.raises(TimeoutError, match=r"not settled after 0\.05 s: .* which is not awake"):
                servers.wait_agreed(timeout=0.05)
        servers.stop()
        assert (servers.nodes, servers.sentinels) == ([], [])
        assert not node.is_running
        assert not sentinel.is_running
        with servers:
            assert role(servers.primary) == "master"

    def test_a_sentinel_that_does_not_start_ends_them_all(self) -> None:
        servers = SentinelServers(sentinel_config={"no-such-directive": 1})
        with pytest.raises(RuntimeError, match="ended instead of answering"):
            servers.start()
        assert (servers.nodes, servers.sentinels) == ([], [])
        assert os.listdir(tempfile.gettempdir()) == []
