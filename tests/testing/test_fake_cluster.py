"""``respool.testing.FakeCluster``: scripted nodes that share a map, move slots and lie.

That they answer as real clusters do is the subject of ``test_fake_cluster_is_like_servers``.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import hiredis
import pytest

from respool import Connection
from respool._facts.server_records import SlotNode
from respool.errors import ServerError
from respool.testing import (
    Close,
    FakeCluster,
    FakeClusterNode,
    FakeConnection,
    FakeMember,
    FakeNode,
    FakeView,
    Hold,
    Reply,
    Seen,
    Silence,
    wait_until,
)


class Client:
    """A blocking client. Error replies are returned as text."""

    def __init__(self, node: FakeClusterNode) -> None:
        self._reader = hiredis.Reader()
        self.socket = socket.create_connection((node.host, node.port), 5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: str) -> None:
        self.socket.sendall(hiredis.pack_command(tuple(text.split())))

    def read(self) -> Any:
        while (reply := self._reader.gets()) is False:
            data = self.socket.recv(65536)
            if not data:
                return "hung up"
            self._reader.feed(data)
        return str(reply) if isinstance(reply, hiredis.ReplyError) else reply

    def ask(self, text: str) -> Any:
        self.send(text)
        return self.read()


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(3, 1) as cluster:
        yield cluster


def moved(slot: int, node: FakeClusterNode) -> str:
    return f"MOVED {slot} 127.0.0.1:{node.port}"


class TestTheNodes:
    def test_are_primaries_that_share_the_slots_and_their_replicas(self, cluster: FakeCluster) -> None:
        assert cluster.nodes[:3] == cluster.primaries
        assert [cluster.replicas_of(node) for node in cluster.primaries] == [[node] for node in cluster.nodes[3:]]
        assert [cluster.owner_of(slot) for slot in (0, 5460, 5461, 10921, 10922, 16383)] == [
            node for node in cluster.primaries for _ in range(2)
        ]
        assert cluster.owner_of("key") is cluster.owner_of(b"key") is cluster.owner_of(12539)
        assert len({node.id for node in cluster.nodes}) == 6

    def test_say_their_url_and_what_they_are(self, cluster: FakeCluster) -> None:
        addresses = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        assert cluster.url == f"redis+cluster://{addresses}"
        assert repr(cluster) == "<FakeCluster of 6 nodes>"
        assert repr(cluster.nodes[0]) == f"<FakeClusterNode redis://127.0.0.1:{cluster.nodes[0].port}/0, primary>"
        assert repr(cluster.nodes[3]).endswith(", replica>")

    def test_two_clusters_have_other_ids(self) -> None:
        ids = [node.id for cluster in (FakeCluster(), FakeCluster()) for node in cluster.nodes]
        assert len(set(ids)) == 6

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ({"primaries": 0}, "1 primary or more"),
            ({"replicas": -1}, "0 replicas or more"),
            ({"flavor": "other"}, "'valkey' or 'redis', not 'other'"),
        ],
    )
    def test_are_refused_if_there_can_be_none(self, arguments: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            FakeCluster(**arguments)

    def test_no_slot_is_beyond_the_last_and_some_have_no_owner(self, cluster: FakeCluster) -> None:
        with pytest.raises(ValueError, match="0 to 16383, not 16384"):
            cluster.owner_of(16384)
        cluster.believe(cluster.view.without([7]))
        with pytest.raises(LookupError, match="no node owns slot 7"):
            cluster.owner_of(7)

    def test_keep_their_ports_map_keys_and_records_over_a_stop(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        with Client(owner) as client:
            client.ask("SET key 1")
        view = cluster.view
        cluster.stop()
        cluster.stop()
        with pytest.raises(ConnectionRefusedError):
            Client(owner)
        assert cluster.start() is cluster
        assert cluster.view is view
        with Client(owner) as client:
            assert client.ask("GET key") == b"1"
        assert owner.wire(1) == [(b"SET", b"key", b"1")]
        assert owner.wire(2) == [(b"GET", b"key")]

    def test_a_raising_handler_fails_the_test(self) -> None:
        def broken(_command: tuple[bytes, ...], _connection: FakeConnection) -> Reply:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), FakeCluster(1) as cluster:
            cluster.on("HGET", broken)
            with Client(cluster.nodes[0]) as client, pytest.raises(ConnectionResetError):
                client.ask("HGET key field")

    def test_a_failed_test_keeps_its_own_error(self) -> None:
        def broken(_command: tuple[bytes, ...], _connection: FakeConnection) -> Reply:
            raise ZeroDivisionError

        with pytest.raises(LookupError), FakeCluster(1) as cluster:
            cluster.on("HGET", broken)
            with Client(cluster.nodes[0]) as client, pytest.raises(ConnectionResetError):
                client.ask("HGET key field")
            raise LookupError


class TestKeys:
    def test_belong_to_a_node_and_its_replicas(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        owner.command("SET", "key", 1)
        owner.command("RPUSH", "{key}list", "a", "b")
        expected = {b"key": b"1", b"{key}list": [b"a", b"b"]}
        assert [node.data for node in cluster.nodes if node.data] == [expected, expected]
        owner.command("FLUSHALL")
        assert not any(node.data for node in cluster.nodes)

    def test_a_command_of_the_test_itself_is_no_record(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        assert owner.command("INCR", "key") == 1
        with pytest.raises(hiredis.ReplyError, match="MOVED 12539"):
            cluster.nodes[0].command("GET", "key")
        assert owner.command("BLPOP", "{key}none", 0) is None
        assert owner.commands == []
        assert cluster.count("INCR") == 0

    def test_what_the_store_does_not_know_says_so(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        with pytest.raises(hiredis.ReplyError, match="knows only NX and XX: script this SET"):
            owner.command("SET", "key", 1, "EX", 5)
        with pytest.raises(hiredis.ReplyError, match="unknown command 'HGET'"):
            owner.command("HGET", "key", "field")

    def test_the_data_is_a_copy(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        owner.command("RPUSH", "key", "a")
        owner.data.clear()
        data = owner.data
        data[b"key"].append(b"b")  # type: ignore[union-attr]
        assert owner.data == {b"key": [b"a"]}


class TestScripts:
    def test_a_nodes_own_script_has_the_first_word(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        other.once("GET", b"$4\r\nmine\r\n")
        with Client(other) as client:
            assert client.ask("GET key") == b"mine"
            assert client.ask("GET key") == moved(12539, owner)
            client.ask("MULTI")
            other.once("GET", b"-ERR not now\r\n")
            assert client.ask("GET key") == "ERR not now"

    def test_what_the_cluster_is_told_is_redirected_queued_and_executed(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        cluster.on("HGET", b"$1\r\nx\r\n")
        cluster.on("HLEN", lambda command, _: b"$%d\r\n%s\r\n" % (len(command[1]), command[1]))
        with Client(owner) as client, Client(other) as wrong:
            assert wrong.ask("HGET key field") == moved(12539, owner)
            assert client.ask("HGET key field") == b"x"
            assert [client.ask(text) for text in ("MULTI", "HGET key f", "HLEN key")] == [b"OK", b"QUEUED", b"QUEUED"]
            assert client.ask("EXEC") == [b"x", b"key"]

    def test_what_hangs_up_cannot_be_in_a_transaction(self) -> None:
        with pytest.raises(TypeError, match="HGET is answered with Close"), FakeCluster(1) as cluster:
            cluster.on("HGET", Close())
            with Client(cluster.nodes[0]) as client, pytest.raises(ConnectionResetError):
                [client.ask(text) for text in ("MULTI", "HGET key f", "EXEC")]

    def test_a_node_answers_later_what_is_true_then(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        owner.once("GET", Hold(owner.answer))
        with Client(owner) as client:
            client.send("GET key")
            owner.wait_for("GET")
            cluster.move_slots(12539, other)
            owner.release()
            assert client.read() == moved(12539, other)

    def test_a_write_whose_reply_is_lost(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")

        def lost(command: tuple[bytes, ...], connection: FakeConnection) -> Reply:
            owner.answer(command, connection)
            return Close()

        owner.once("INCR", lost)
        with Client(owner) as client:
            assert client.ask("INCR key") == "hung up"
        assert owner.data == {b"key": b"1"}


class TestRecords:
    def test_are_kept_by_node_by_connection_and_in_total(self, cluster: FakeCluster) -> None:
        a, b = cluster.primaries[:2]
        with Client(a) as one, Client(a) as two, Client(b) as three:
            for client, text in ((one, "ASKING"), (two, "PING"), (one, "GET key"), (three, "CLUSTER SLOTS")):
                client.ask(text)
            two.ask("CLUSTER SLOTS")
            two.ask("cluster info")
            assert a.commands[:3] == [Seen(1, (b"ASKING",)), Seen(2, (b"PING",)), Seen(1, (b"GET", b"key"))]
            assert a.wire(1) == [(b"ASKING",), (b"GET", b"key")]
            assert a.wire(3) == []
        assert cluster.count("CLUSTER SLOTS") == 2
        assert cluster.count("CLUSTER") == cluster.wait_for("CLUSTER", 3) == 3
        with pytest.raises(TimeoutError, match=r"3 of 4 CLUSTER after 0\.01 s"):
            cluster.wait_for("CLUSTER", 4, timeout=0.01)

    def test_ten_thousand_redirections_take_a_moment(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        wanted = (moved(12539, owner) + "\r\n").encode()
        with Client(cluster.primaries[0]) as client:
            request = hiredis.pack_command(("GET", "key"))  # type: ignore[arg-type]
            began = time.process_time()
            sender = threading.Thread(target=client.socket.sendall, args=(request * 10_000,))
            sender.start()
            left = 10_000 * (len(wanted) + 1)
            while left:
                left -= len(client.socket.recv(65536))
            sender.join()
            assert time.process_time() - began < 5  # about 0.3 s of one processor
        assert cluster.count("GET") == 10_000

    def test_many_threads_change_it_at_once(self) -> None:
        with FakeCluster(2) as cluster:
            clients = [Client(node) for node in cluster.nodes for _ in range(2)]
            answers: list[Any] = []

            def work(client: Client) -> None:
                answers.extend([client.ask("INCR key") for _ in range(200)])

            threads = [threading.Thread(target=work, args=(client,)) for client in clients]
            for thread in threads:
                thread.start()
            for turn in range(50):
                cluster.move_slots(12539, cluster.nodes[turn % 2])
            for thread in threads:
                thread.join()
            for client in clients:
                client.socket.close()
            counted = sorted(answer for answer in answers if isinstance(answer, int))
            assert counted == list(range(1, len(counted) + 1))
            assert all(answer.startswith("MOVED") for answer in answers if isinstance(answer, str))
            assert int(cluster.owner_of("key").data[b"key"]) == len(counted)  # type: ignore[arg-type]
            assert cluster.view.epoch == 2 + 50


class TestChanges:
    def test_slots_move_with_their_keys(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        owner.command("MSET", "key", 1, "{key}2", 2)
        epoch = cluster.view.epoch
        cluster.move_slots(12539, other)
        assert cluster.view.epoch == epoch + 1
        assert owner.data == cluster.replicas_of(owner)[0].data == {}
        assert other.data == cluster.replicas_of(other)[0].data == {b"key": b"1", b"{key}2": b"2"}
        cluster.move_slots(range(16384), owner)
        assert cluster.view.ranges == ((0, 16383, owner.id),)
        assert len(owner.data) == 2
        assert other in cluster.primaries

    def test_a_migration_begins_and_ends(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        owner.command("MSET", "key", 1, "{key}2", 2)
        cluster.begin_migration(12539, other, moved=["{key}2"])
        assert cluster.owner_of("key") is owner
        assert (owner.data, other.data) == ({b"key": b"1"}, {b"{key}2": b"2"})
        with Client(owner) as client:
            assert client.ask("GET {key}2") == f"ASK 12539 127.0.0.1:{other.port}"
            assert f"[12539->-{other.id}]".encode() in client.ask("CLUSTER NODES")
        with Client(other) as client:
            assert f"[12539-<-{owner.id}]".encode() in client.ask("CLUSTER NODES")
        cluster.finish_migration(12539)
        assert cluster.owner_of("key") is other
        assert other.data == {b"key": b"1", b"{key}2": b"2"}
        assert cluster.view.leaving == {}

    def test_a_migration_needs_another_node_and_a_beginning(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        with pytest.raises(ValueError, match="owns slot 12539 already"):
            cluster.begin_migration(12539, owner)
        with pytest.raises(ValueError, match="slot 12539 is not being moved: call begin_migration"):
            cluster.finish_migration(12539)

    def test_a_replica_takes_over(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        (replica,) = cluster.replicas_of(owner)
        second = cluster.add_node(owner)
        owner.command("SET", "key", 1)
        epoch = cluster.view.epoch
        assert cluster.failover(owner) is replica
        assert cluster.view.epoch == epoch + 1
        assert cluster.owner_of("key") is replica
        assert cluster.replicas_of(replica) == [owner, second]
        assert (owner.is_primary, replica.is_primary) == (False, True)
        assert replica.command("INCR", "key") == 2
        assert owner.data == second.data == {b"key": b"2"}

    def test_a_stopped_primary_has_failed_until_it_is_started(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        owner.stop()
        replica = cluster.failover(owner)
        with Client(cluster.primaries[0]) as client:
            assert [len(row) for row in client.ask("CLUSTER SLOTS")] == [4, 4, 3]
            assert b"slave,fail" in client.ask("CLUSTER NODES")
            owner.start()
            assert [len(row) for row in client.ask("CLUSTER SLOTS")] == [4, 4, 4]
        replica.stop()
        owner.pause()
        with pytest.raises(LookupError, match="has no replica that could take over"):
            cluster.failover(replica)

    def test_nodes_come_and_go(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        owner.command("SET", "key", 1)
        primary = cluster.add_node()
        replica = cluster.add_node(owner)
        assert primary in cluster.primaries
        assert cluster.replicas_of(owner)[1:] == [replica]
        assert replica.data == owner.data
        with Client(owner) as client:
            assert b"cluster_known_nodes:8" in client.ask("CLUSTER INFO")
        cluster.remove_node(replica)
        cluster.remove_node(primary)
        assert len(cluster.nodes) == len(cluster.view.members) == 6
        with pytest.raises(ValueError, match="owns slots: give them to another node first"):
            cluster.remove_node(owner)
        with pytest.raises(LookupError, match="is not in the cluster's map"):
            cluster.move_slots(1, primary)

    def test_a_blocked_command_waits_for_its_key_its_time_or_a_move(self, cluster: FakeCluster) -> None:
        owner, other = cluster.owner_of("key"), cluster.primaries[0]
        with Client(owner) as first, Client(owner) as second, Client(owner) as pusher:
            first.send("BLPOP key 0")
            wait_until(lambda: len(owner._blocked) == 1)
            second.send("BLPOP key {key}2 0")
            wait_until(lambda: len(owner._blocked) == 2)
            first.send("PING")
            assert pusher.ask("LPUSH key x") == 1
            assert first.read() == [b"key", b"x"]
            assert first.read() == b"PONG"
            assert cluster.replicas_of(owner)[0].data == {}
            cluster.move_slots(12539, other)
            assert second.read() == moved(12539, other)
        with Client(other) as client:
            assert client.ask("BLPOP key 0.001") is None
            client.send("BLPOP key 0")
            wait_until(lambda: other._blocked)
        wait_until(lambda: not other._blocked)  # it hung up
        other.command("LPUSH", "key", "x")
        assert other.data == {b"key": [b"x"]}

    def test_a_stopped_node_forgets_who_was_blocked(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        with Client(owner) as client:
            client.send("BLPOP key 0")
            wait_until(lambda: owner._blocked)
            owner.stop()
        owner.start()
        owner.command("LPUSH", "key", "x")
        assert owner.data == {b"key": [b"x"]}


class TestLies:
    """What a node believes is what it says, and what it acts by."""

    @pytest.mark.parametrize(("host", "text"), [(None, ""), ("", ""), ("?", "?"), ("node-1", "node-1")])
    @pytest.mark.parametrize("protocol", [2, 3])
    def test_addresses(self, cluster: FakeCluster, host: str | None, text: str, protocol: Any) -> None:
        cluster.believe(cluster.view.announcing(host=host, metadata={"ip": "127.0.0.1", "availability-zone": "a"}))
        first = cluster.nodes[0]
        with Connection(first.url, protocol=protocol) as node:
            named = node.cluster_slots()[0].nodes[0]
            assert named == SlotNode(host, first.port, first.id, {"ip": "127.0.0.1", "availability-zone": "a"})
            shard = node.cluster_shards()[0].nodes[0]
            assert (shard.endpoint or "", shard.ip, shard.availability_zone) == (text, "127.0.0.1", "a")
            with pytest.raises(ServerError, match=f"12539 {text.replace('?', '[?]')}:{cluster.owner_of('key').port}"):
                node.get("key")

    def test_a_gap_and_an_overlap(self, cluster: FakeCluster) -> None:
        a, b, _ = cluster.primaries
        a.believe(replace(cluster.view, ranges=((0, 100, a.id), (50, 200, b.id), (16000, 16383, a.id))))
        with Client(a) as client:
            rows = client.ask("CLUSTER SLOTS")
            assert [(first, last, node[1]) for first, last, node, _ in rows] == [
                (0, 100, a.port),
                (50, 200, b.port),
                (16000, 16383, a.port),
            ]
            assert b"cluster_slots_assigned:585" in client.ask("CLUSTER INFO")
            assert client.ask("GET key") == "CLUSTERDOWN Hash slot not served"
        assert b.view is cluster.view
        a.believe(None)
        assert a.view is cluster.view

    def test_a_cluster_that_is_down_and_an_old_epoch(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        owner.believe(replace(cluster.view, state="fail", epoch=1))
        with Client(owner) as client:
            info = client.ask("CLUSTER INFO")
            assert b"cluster_state:fail" in info
            assert b"cluster_current_epoch:1\r\n" in info
            assert client.ask("GET key") == "CLUSTERDOWN The cluster is down"
            assert client.ask("PING") == b"PONG"

    def test_another_cluster(self, cluster: FakeCluster) -> None:
        stranger = FakeMember("f" * 40, "127.0.0.1", 1)
        node = cluster.nodes[0]
        node.believe(FakeView((stranger,), ((0, 16383, stranger.id),)))
        with Client(node) as client:
            assert client.ask("GET key") == "MOVED 12539 127.0.0.1:1"
            assert client.ask("CLUSTER SLOTS") == [[0, 16383, [b"127.0.0.1", 1, b"f" * 40, []]]]

    def test_two_nodes_that_name_each_other(self, cluster: FakeCluster) -> None:
        a, b, _ = cluster.primaries
        a.believe(cluster.view.giving([12539], b.id))
        b.believe(cluster.view.giving([12539], a.id))
        with Client(a) as one, Client(b) as two:
            assert one.ask("GET key") == moved(12539, b)
            assert two.ask("GET key") == moved(12539, a)

    def test_a_node_that_names_itself(self, cluster: FakeCluster) -> None:
        a, owner = cluster.primaries[0], cluster.owner_of("key")
        a.believe(cluster.view.announcing(owner.id, port=a.port))
        with Client(a) as client:
            assert client.ask("GET key") == moved(12539, a)

    def test_a_lone_node_without_slots(self) -> None:
        with FakeCluster(1) as cluster:
            cluster.believe(cluster.view.without(range(16384)))
            with Client(cluster.nodes[0]) as client:
                assert client.ask("CLUSTER SLOTS") == []
                assert client.ask("GET key") == "CLUSTERDOWN Hash slot not served"

    def test_a_deposed_primary_acknowledges_what_is_lost(self, cluster: FakeCluster) -> None:
        owner = cluster.owner_of("key")
        with Client(owner) as client:
            client.ask("SET key 1")
            owner.pause()
            assert owner.is_paused
            assert not owner.is_awake
            client.send("SET key 2")
            owner.wait_for("SET", 2)
            owner.believe(cluster.view)
            replica = cluster.failover(owner)
            owner.resume()
            assert client.read() == b"OK"
            assert (owner.data, replica.data) == ({b"key": b"2"}, {b"key": b"1"})
            owner.believe(None)
            assert client.ask("SET key 3") == moved(12539, replica)
            assert owner.data == {b"key": b"1"}

    def test_a_view_must_make_sense_where_it_would_break_the_node(self, cluster: FakeCluster) -> None:
        view = cluster.view
        with pytest.raises(ValueError, match="within 0 to 16383, not 5 to 16384"):
            replace(view, ranges=((5, 16384, cluster.nodes[0].id),))
        with pytest.raises(ValueError, match="none of the members: add it"):
            replace(view, ranges=((5, 6, "nobody"),))
        with pytest.raises(ValueError, match="is a primary already"):
            view.promoting(cluster.nodes[0].id)


class TestPausing:
    def test_a_paused_node_accepts_and_reads_and_answers_later(self) -> None:
        with FakeNode() as node, socket.create_connection((node.host, node.port), 5) as client:
            node.pause()
            with socket.create_connection((node.host, node.port), 5) as late:
                client.sendall(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n")
                late.sendall(b"*1\r\n$5\r\nHELLO\r\n")
                node.wait_for("PING", 2)
                node.wait_for("HELLO")
                client.settimeout(0)
                with pytest.raises(BlockingIOError):
                    client.recv(1)
                client.settimeout(5)
                node.resume()
                assert late.recv(3) == b"*14"
                assert client.recv(7) == b"+PONG\r\n"
                assert client.recv(7) == b"+PONG\r\n"

    def test_a_node_that_is_stopped_is_not_paused_any_more(self) -> None:
        with FakeNode() as node:
            node.pause()
            node.stop()
            node.start()
            assert not node.is_paused

    def test_a_silent_node_of_a_cluster(self, cluster: FakeCluster) -> None:
        node = cluster.nodes[0]
        node.on("CLUSTER SLOTS", Silence())
        with Client(node) as client:
            client.send("CLUSTER SLOTS")
            assert client.ask("PING") == b"PONG"
