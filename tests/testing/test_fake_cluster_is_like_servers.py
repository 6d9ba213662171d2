"""``FakeCluster`` answers as real clusters do: the same commands on both, and the same replies."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, Self

import hiredis
import pytest

from respool import Connection
from respool.testing import ClusterServers, FakeCluster, FakeNode, wait_until

#: Who is asked, and what: "A" has the slots of the test's keys, "B" is another primary, "R" is A's replica. With a "3"
#: behind it the connection speaks RESP3. A line is one connection's share of a conversation.
Line = tuple[str, str]


class Party(NamedTuple):
    """A cluster, real or not, with its nodes by their names in the tests."""

    cluster: Any
    nodes: dict[str, Any]


class Talk:
    """Connections to the nodes of a party, one for each name, which show raw replies."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._names = {node.port: name for name, node in party.nodes.items()}
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets.values():
            sock.close()
        for node in self._party.nodes.values():
            if isinstance(node, FakeNode):  # its ends are closed too, before the test's sockets are counted
                wait_until(lambda node=node: not node.open_connections)
                node._loop.call(lambda: None)

    def ask(self, name: str, text: str) -> bytes:
        if name not in self._sockets:
            node = self._party.nodes[name[0]]
            self._sockets[name] = socket.create_connection((node.host, node.port), 5)
            if name.endswith("3"):
                self.ask(name, "HELLO 3")
        self._sockets[name].sendall(hiredis.pack_command(tuple(text.split())))
        reader = hiredis.Reader()
        data = b""
        while reader.gets() is False:
            more = self._sockets[name].recv(65536)
            assert more, "hung up"
            data += more
            reader.feed(more)
        return re.sub(rb"127\.0\.0\.1:(\d+)", lambda found: self._names[int(found[1])].encode(), data)


def both(pair: tuple[Party, Party], *lines: Line) -> None:
    """Say the same to both, and compare what they answer."""
    with Talk(pair[0]) as real, Talk(pair[1]) as fake:
        answers = [(line, real.ask(*line), fake.ask(*line)) for line in lines]
    assert [(line, theirs) for line, theirs, _ in answers] == [(line, ours) for line, _, ours in answers]


def party(cluster: Any) -> Party:
    a = cluster.owner_of("{a}1")
    b = next(node for node in cluster.primaries if node is not a)
    return Party(cluster, {"A": a, "B": b, "R": cluster.replicas_of(a)[0], "S": cluster.replicas_of(b)[0]})


@pytest.fixture(scope="module", params=["valkey", "redis"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Party, Party]]:
    flavor: Literal["valkey", "redis"] = request.param
    binary = None if flavor == "valkey" else shutil.which("redis-server")
    if flavor == "redis" and binary is None:
        pytest.skip("redis is not installed")
    with (
        ClusterServers(2, 1, binary=binary, config={"cluster-require-full-coverage": "no"}) as servers,
        FakeCluster(2, 1, flavor=flavor) as fake,
    ):
        for node in servers.primaries:  # Redis does not name a replica that has got nothing yet
            node.command("FLUSHALL")
        wait_until(lambda: all(len(row) == 4 for node in servers.nodes for row in node.command("CLUSTER", "SLOTS")), 20)
        yield party(servers), party(fake)


def each(pair: tuple[Party, Party], act: Callable[[Party], object]) -> None:
    for one in pair:
        act(one)


def said(name: str, *texts: str) -> list[Line]:
    return [(name, text) for text in texts]


class TestAtRest:
    def test_keys_are_served_by_their_owner_alone(self, pair: tuple[Party, Party]) -> None:
        both(
            pair,
            *said(
                "A", "SET {a}1 x", "GET {a}1", "APPEND {a}1 y", "INCR {a}1", "INCR {a}n", "INCRBY {a}n 5", "TYPO {a}1"
            ),
            *said(
                "A",
                "MGET {a}1 {a}2",
                "MGET {a}1 {b}1",
                "EXISTS {a}1 {a}1 {a}2",
                "DEL {a}1 {a}1 {a}n",
                "GET",
                "MSET {a}1",
            ),
            *said("A", "SET {a}1 x XX", "SET {a}1 x NX", "SET {a}1 x NX", "DEL {a}1", "GET {a}1", "PING", "DBSIZE"),
            *said("B", "GET {a}1", "SET {a}1 x", "BLPOP {a}1 1", "HGETALL {a}1", "WATCH {a}1", "MGET {a}1 {b}1"),
            *said("A3", "GET {a}1", "MGET {a}1", "BLPOP {a}1 0.01", "SET {a}1 x XX"),
            *said("A", "BLPOP {a}1 0.01", "RPUSH {a}1 x y", "LPUSH {a}1 z w", "LLEN {a}1", "GET {a}1", "LPOP {a}1"),
            *said(
                "A", "BLPOP {a}0 {a}1 1", "BLPOP {a}1 -1", "BLPOP {a}1 x", "BLPOP {a}1 1", "BLPOP {a}1 1", "EXISTS {a}1"
            ),
        )

    def test_a_replica_serves_reads_of_its_shard_after_readonly(self, pair: tuple[Party, Party]) -> None:
        both(
            pair,
            *said("R", "GET {a}no", "READONLY", "GET {a}no", "SET {a}no x", "GET {b}1", "WATCH {a}no", "UNWATCH"),
            *said("R", "MULTI", "GET {a}no", "EXEC", "MULTI", "SET {a}no x", "EXEC", "ASKING", "SET {a}no x"),
            *said("R", "READWRITE", "GET {a}no", "READONLY", "RESET", "GET {a}no", "ASKING", "GET {a}no"),
            *said("R", "FLUSHALL", "DBSIZE"),
        )

    def test_what_is_written_is_on_the_replica(self, pair: tuple[Party, Party]) -> None:
        both(pair, ("A", "SET {a}copied x"))
        for one in pair:
            with Talk(one) as talk:
                talk.ask("R", "READONLY")
                wait_until(lambda talk=talk: talk.ask("R", "GET {a}copied") == b"$1\r\nx\r\n")
        both(pair, ("A", "DEL {a}copied"))

    def test_transactions(self, pair: tuple[Party, Party]) -> None:
        both(
            pair,
            *said(
                "A", "MULTI", "SET {a}t 1", "INCR {a}t", "GET {a}t", "BLPOP {a}no 0", "PING", "EXEC", "EXEC", "DISCARD"
            ),
            *said("A", "MULTI", "SET {a}t 9", "DISCARD", "GET {a}t", "MULTI", "EXEC"),
            *said("A", "MULTI", "SET {a}t 9", "SET {b}1 9", "EXEC", "GET {a}t"),
            *said("A", "MULTI", "SET {a}t 9", "MGET {a}t {b}1", "EXEC"),
            *said("A", "MULTI", "SET {a}t 9", "GET", "EXEC", "MULTI", "NOSUCH", "EXEC"),
            *said("A", "MULTI", "MULTI", "EXEC", "MULTI", "WATCH {a}t", "EXEC", "MULTI", "SET {a}t 7", "RESET", "EXEC"),
            *said("A", "MULTI", "LPUSH {a}t x", "GET {a}t", "EXEC", "DEL {a}t"),
            *said("A3", "WATCH {a}t", "SET {a}t 1", "MULTI", "GET {a}t", "EXEC", "GET {a}t"),
            *said("A", "WATCH {a}t", "DEL {a}t", "UNWATCH", "MULTI", "GET {a}t", "EXEC"),
            *said("A", "WATCH {a}t", "MULTI", "GET {a}t", "EXEC", "WATCH {a}t", "SET {a}t 1", "MULTI", "EXEC"),
            *said("A", "WATCH {a}t", "DEL {a}t", "MULTI", "NOSUCH", "EXEC", "MULTI", "EXEC"),
        )

    def test_a_transaction_over_two_slots_of_one_node(self, pair: tuple[Party, Party]) -> None:
        tags = [f"{{{number}}}" for number in range(100)]
        own, other = [tag for tag in tags if all(one.cluster.owner_of(tag) is one.nodes["A"] for one in pair)][:2]
        both(pair, *said("A", "MULTI", f"SET {own} x", f"SET {other} x", "EXEC", f"GET {own}"))

    def test_small_commands(self, pair: tuple[Party, Party]) -> None:
        both(
            pair,
            *said(
                "A",
                "SELECT 0",
                "SELECT 1",
                "CLUSTER KEYSLOT {a}1",
                "CLUSTER NOSUCH",
                "CLUSTER",
                "CLUSTER COUNTKEYSINSLOT 3",
            ),
            *said("A", "MULTI", "SELECT 1", "CLUSTER KEYSLOT {a}1", "EXEC", "RESET"),
        )

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_the_map_has_the_same_form(self, pair: tuple[Party, Party], protocol: Literal[2, 3]) -> None:
        seen = []
        for one in pair:
            names = {node.id: name for name, node in one.nodes.items()}
            ports = {node.port: name for name, node in one.nodes.items()}
            with Connection(f"redis://127.0.0.1:{one.nodes['A'].port}", protocol=protocol) as node:
                slots = [
                    (start, end, [(n.endpoint, ports[n.port], names[n.id], n.metadata) for n in nodes])
                    for start, end, nodes in node.cluster_slots()
                ]
                shards = {
                    tuple(shard.slots): [
                        (names[n.id], n.endpoint, n.ip, n.hostname, ports[n.port], n.role, n.availability_zone)
                        for n in shard.nodes
                    ]
                    for shard in node.cluster_shards()
                }
                known = {
                    names[n.id]: (
                        n.ip,
                        ports[n.port],
                        sorted(n.flags),
                        n.primary and names[n.primary],
                        n.link_state,
                        n.slots,
                    )
                    for n in node.cluster_nodes()
                }
                info = node.cluster_info()
                wanted = ("state", "slots_assigned", "slots_ok", "known_nodes", "size")
                facts = {name: info[f"cluster_{name}"] for name in wanted}
                is_known = isinstance(info["cluster_current_epoch"], int)
                seen.append((slots, shards, known, facts, is_known, names[node.cluster_myid()]))
        assert seen[0] == seen[1]

    def test_hello_says_cluster_and_the_role(self, pair: tuple[Party, Party]) -> None:
        for name in ("A", "R"):
            seen = []
            for one in pair:
                with Connection(f"redis://127.0.0.1:{one.nodes[name].port}") as node:
                    hello = node.hello()
                    seen.append((hello["server"], hello["mode"], hello["role"], set(hello) - {"availability_zone"}))
            assert seen[0] == seen[1]


class TestAMigration:
    @pytest.fixture
    def migrating(self, pair: tuple[Party, Party]) -> Iterator[tuple[Party, Party]]:
        """The slot of {a} is on its way to B: {a}here is still at A, {a}gone has moved."""
        both(pair, ("A", "MSET {a}here 1 {a}gone 2"))
        slot = pair[1].cluster.slot_of("{a}")
        each(pair, lambda one: one.cluster.begin_migration(slot, one.nodes["B"], moved=["{a}gone"]))
        yield pair
        for one in pair:
            if one.cluster.owner_of(slot) is not one.nodes["B"]:
                one.cluster.finish_migration(slot)
            one.cluster.move_slots(slot, one.nodes["A"])
        both(pair, ("A", "DEL {a}here {a}gone {a}new"))

    def test_at_the_source(self, migrating: tuple[Party, Party]) -> None:
        both(
            migrating,
            *said("A", "GET {a}here", "GET {a}gone", "SET {a}new x", "MGET {a}here {a}gone", "MGET {a}gone {a}new"),
            *said("A", "BLPOP {a}gone 1", "WATCH {a}gone", "WATCH {a}here", "ASKING", "GET {a}gone", "DEL {a}gone"),
            *said("A", "MULTI", "GET {a}here", "EXEC", "MULTI", "GET {a}gone", "EXEC", "MULTI", "PING", "EXEC"),
            *said("A", "MULTI", "MGET {a}here {a}gone", "EXEC", "MULTI", "GET {a}here", "GET {a}gone", "EXEC"),
            *said("A", "MULTI", "GET {a}gone", "GET {a}new", "EXEC", "MULTI", "GET {a}gone", "GET {b}1", "EXEC"),
            *said("A", "MGET {a}here {b}1", "CLUSTER COUNTKEYSINSLOT 15495"),
        )

    def test_at_the_target(self, migrating: tuple[Party, Party]) -> None:
        both(
            migrating,
            *said("B", "GET {a}gone", "ASKING", "GET {a}gone", "GET {a}gone", "ASKING", "PING", "GET {a}gone"),
            *said(
                "B", "ASKING", "MGET {a}here {a}gone", "ASKING", "MGET {a}here {a}new", "ASKING", "MGET {a}gone {a}gone"
            ),
            *said("B", "ASKING", "MULTI", "SET {a}gone 3", "EXEC", "GET {a}gone", "MULTI", "SET {a}gone 4", "EXEC"),
            *said("B", "ASKING", "MULTI", "MGET {a}here {a}gone", "EXEC", "ASKING", "MULTI", "GET {a}here", "EXEC"),
            *said(
                "B", "ASKING", "MULTI", "GET {a}gone", "GET {a}here", "EXEC", "MULTI", "ASKING", "GET {a}gone", "EXEC"
            ),
            *said("B", "WATCH {a}gone", "ASKING", "WATCH {a}gone", "WATCH {a}gone", "ASKING", "ASKING", "GET {a}gone"),
            *said("B", "ASKING", "GET {b}1", "ASKING", "RESET", "GET {a}gone", "ASKING", "NOSUCH", "GET {a}gone"),
            *said("B", "ASKING", "SET {a}new 1", "ASKING", "MGET {a}new {a}gone", "ASKING", "DEL {a}new"),
        )

    def test_at_the_replicas(self, migrating: tuple[Party, Party]) -> None:
        for one in migrating:  # a replica hears of it a little later than its primary
            with Talk(one) as talk:
                talk.ask("R", "READONLY")
                wait_until(lambda talk=talk: talk.ask("R", "GET {a}here") == b"$1\r\n1\r\n")
                wait_until(lambda talk=talk: talk.ask("R", "GET {a}gone") != b"$1\r\n2\r\n")
        both(
            migrating,
            *said("R", "GET {a}here", "GET {a}gone", "READONLY", "GET {a}here", "GET {a}gone", "MGET {a}here {a}gone"),
            *said("R", "SET {a}here x", "SET {a}gone x"),
            *said("S", "READONLY", "GET {a}gone", "ASKING", "GET {a}here"),
        )

    def test_a_transaction_whose_slot_leaves(self, migrating: tuple[Party, Party]) -> None:
        slot = migrating[1].cluster.slot_of("{a}")
        with Talk(migrating[0]) as real, Talk(migrating[1]) as fake:

            def both_say(name: str, *texts: str) -> None:
                for text in texts:
                    assert (text, real.ask(name, text)) == (text, fake.ask(name, text))

            both_say("A", "MULTI", "GET {a}here")
            both_say("A3", "WATCH {a}here", "MULTI")
            each(migrating, lambda one: one.cluster.finish_migration(slot))
            both_say("A", "EXEC", "MULTI", "PING", "EXEC", "GET {a}here")
            both_say("A3", "EXEC")
            both_say("B", "MGET {a}here {a}gone", "MULTI", "GET {a}here", "EXEC")

    def test_a_blocked_command_whose_slot_leaves(self, migrating: tuple[Party, Party]) -> None:
        slot = migrating[1].cluster.slot_of("{a}")
        each(migrating, lambda one: one.cluster.finish_migration(slot))
        answers = []
        for one in migrating:
            with Talk(one) as talk, socket.create_connection(("127.0.0.1", one.nodes["B"].port), 10) as blocked:
                blocked.sendall(hiredis.pack_command(("BLPOP", "{a}list", "0")))  # type: ignore[arg-type]
                wait_until(lambda talk=talk, one=one: is_blocked(talk, one))
                one.cluster.move_slots(slot, one.nodes["A"])
                reply = blocked.recv(100)
                answers.append(reply.replace(b"%d" % one.nodes["A"].port, b"A"))
                one.cluster.move_slots(slot, one.nodes["B"])
        assert answers == [b"-MOVED 15495 127.0.0.1:A\r\n"] * 2


class TestUnservedSlots:
    def test_a_slot_without_owner(self, pair: tuple[Party, Party]) -> None:
        slot = pair[1].cluster.slot_of("{a}")
        real, fake = pair
        for node in real.cluster.nodes:
            if node in real.cluster.primaries:
                node.command("CLUSTER", "DELSLOTS", slot)
        before = fake.cluster.view
        fake.cluster.believe(before.without([slot]))
        try:
            both(pair, *said("A", "GET {a}1", "MGET {a}1 {b}1", "MULTI", "GET {a}1", "EXEC", "PING"))
        finally:
            real.nodes["A"].command("CLUSTER", "ADDSLOTS", slot)
            fake.cluster.believe(before)
            real.cluster.wait_agreed()


class TestAFailover:
    def test_the_demoted_node_answers_moved_and_a_blocked_command_ends(self, pair: tuple[Party, Party]) -> None:
        answers = []
        for one in pair:
            a = one.nodes["A"]
            with Talk(one) as talk, socket.create_connection(("127.0.0.1", a.port), 30) as blocked:
                talk.ask("A", "MULTI")
                talk.ask("A", "GET {a}1")
                blocked.sendall(hiredis.pack_command(("BLPOP", "{a}list", "0")))  # type: ignore[arg-type]
                wait_until(lambda talk=talk, one=one: is_blocked(talk, one, "A"))
                replica = one.cluster.failover(a)
                ended = blocked.recv(1000).replace(b"127.0.0.1:%d" % one.nodes["R"].port, b"R")
                assert replica is one.nodes["R"]
                answers.append([ended, *(talk.ask(*line) for line in said("A", "EXEC", "GET {a}1", "SET {a}1 x"))])
                assert one.cluster.failover(replica) is a
        assert answers[0] == answers[1]


def is_blocked(talk: Talk, one: Party, name: str = "B") -> bool:
    """Whether a command is blocked at a node."""
    if isinstance(one.cluster, FakeCluster):
        return bool(one.nodes[name]._blocked)
    return b"blocked_clients:1" in talk.ask(f"{name}info", "INFO clients")
