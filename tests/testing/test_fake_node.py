"""``respool.testing.FakeNode``: a node that says exactly what the script says."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Self

import hiredis
import pytest

from respool.testing import (
    Close,
    Delay,
    FakeConnection,
    FakeNode,
    Hold,
    Reply,
    Reset,
    Seen,
    Silence,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client:
    """A blocking client that shows raw bytes."""

    def __init__(self, node: FakeNode, timeout: float = 5.0) -> None:
        if node.unix_path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(node.unix_path)
        else:
            self.socket = socket.create_connection((node.host, node.port), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *args: Any) -> None:
        self.socket.sendall(hiredis.pack_command(args))

    def read(self, count: int) -> bytes:
        """Read exactly so many bytes, or less and then the end of the stream."""
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data

    def read_to_the_end(self) -> bytes:
        data = b""
        while more := self.socket.recv(65536):
            data += more
        return data

    def ask(self, *args: Any) -> Any:
        """Send a command and parse its reply; an error reply is returned."""
        self.send(*args)
        reader = hiredis.Reader()
        while (reply := reader.gets()) is False:
            data = self.socket.recv(65536)
            assert data, "hung up"
            reader.feed(data)
        return reply

    def hears_nothing(self) -> bool:
        """Whether nothing has arrived. Ask after something has, else it only means "not yet"."""
        self.socket.settimeout(0)
        try:
            return not self.socket.recv(1)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(5.0)


@pytest.fixture
def node() -> Iterator[FakeNode]:
    with FakeNode() as node:
        yield node


@pytest.fixture
def client(node: FakeNode) -> Iterator[Client]:
    with Client(node) as client:
        yield client


class TestHandshake:
    def test_hello_3_is_answered_with_a_map(self, client: Client) -> None:
        reply = client.ask("HELLO", 3, "AUTH", "user", "secret", "SETNAME", "me")
        assert reply[b"proto"] == 3
        assert reply[b"id"] == 1
        assert reply[b"role"] == b"master"
        assert reply[b"modules"] == []
        assert client.ask("HELLO")[b"proto"] == 3

    def test_hello_2_is_answered_with_the_same_as_an_array(self, client: Client) -> None:
        two = client.ask("HELLO", 2)
        three = client.ask("HELLO", 3)
        assert two[4:6] == [b"proto", 2]
        assert list(three) == two[::2]

    def test_an_unknown_protocol_is_refused(self, client: Client) -> None:
        assert str(client.ask("HELLO", 4)).startswith("NOPROTO")

    def test_an_old_node_does_not_know_hello(self) -> None:
        with FakeNode(resp2_only=True) as node, Client(node) as client:
            assert str(client.ask("HELLO", 3)).startswith("ERR unknown command 'HELLO'")
            assert client.ask("AUTH", "secret") == b"OK"

    @pytest.mark.parametrize(
        ("command", "reply"),
        [
            ("AUTH secret", b"OK"),
            ("SELECT 3", b"OK"),
            ("READONLY", b"OK"),
            ("CLIENT SETNAME me", b"OK"),
            ("client setinfo LIB-NAME respool", b"OK"),
            ("CLIENT ID", 1),
            ("PING", b"PONG"),
            ("RESET", b"RESET"),
        ],
    )
    def test_the_commands_of_a_handshake_are_answered(self, client: Client, command: str, reply: object) -> None:
        assert client.ask(*command.split()) == reply

    def test_quit_is_answered_and_hung_up_on(self, client: Client) -> None:
        client.send("QUIT")
        assert client.read_to_the_end() == b"+OK\r\n"

    def test_other_commands_are_unknown(self, client: Client) -> None:
        assert str(client.ask("GET", "key")).startswith("ERR unknown command 'GET'")
        assert str(client.ask("CLIENT", "KILL", "x")).startswith("ERR unknown command 'CLIENT'")

    def test_without_a_handshake_the_default_answers_all(self) -> None:
        with FakeNode(handshake=False, default=b":0\r\n") as node, Client(node) as client:
            assert client.ask("HELLO", 3) == client.ask("ANYTHING") == 0


class TestScript:
    def test_bytes_are_sent_as_they_are(self, node: FakeNode, client: Client) -> None:
        raw = b">2\r\n+push\r\n:1\r\n$1\r\nx\r\n+extra\r\n"
        node.on("GET", raw)
        client.send("GET", "key")
        assert client.read(len(raw)) == raw

    def test_names_are_matched_in_any_case_and_the_longest_wins(self, node: FakeNode, client: Client) -> None:
        node.on("config", b":1\r\n")
        node.on("CONFIG get", b":2\r\n")
        node.on("config get maxclients", b":3\r\n")
        assert client.ask("Config", "set", "x", "y") == 1
        assert client.ask("CONFIG", "GET", "save") == 2
        assert client.ask("CONFIG", "GET", "maxclients") == 3

    def test_the_script_comes_before_the_handshake(self, node: FakeNode, client: Client) -> None:
        node.on("CLIENT", b"-NOPERM\r\n")
        assert str(client.ask("CLIENT", "SETNAME", "me")) == "NOPERM"

    def test_once_is_used_up_in_order_and_comes_first(self, node: FakeNode, client: Client) -> None:
        node.on("GET", b":0\r\n")
        node.once("GET", b":1\r\n")
        node.once("GET", b":2\r\n")
        assert [client.ask("GET", "key") for _ in range(4)] == [1, 2, 0, 0]

    def test_a_function_answers_by_command_and_connection(self, node: FakeNode) -> None:
        def echo(command: tuple[bytes, ...], connection: FakeConnection) -> Reply:
            return b":%d\r\n" % (int(command[1]) + connection.number * 100 + connection.protocol * 1000)

        node.on("ECHO", echo)
        with Client(node) as first, Client(node) as second:
            assert first.ask("ECHO", 7) == 2107
            second.ask("HELLO", 3)
            assert second.ask("ECHO", 8) == 3208

    def test_a_function_may_act_on_its_connection_and_return_nothing(self, node: FakeNode, client: Client) -> None:
        def bye(_command: tuple[bytes, ...], connection: FakeConnection) -> None:
            connection.send(b"+bye\r\n")
            connection.close()
            connection.send(b"+too late\r\n")

        node.on("BYE", bye)
        client.send("BYE")
        assert client.read_to_the_end() == b"+bye\r\n"

    def test_a_tuple_is_done_one_after_the_other(self, node: FakeNode, client: Client) -> None:
        node.on("GET", (b"$10\r\n", Delay(0.01, (b"ha", b"lf")), Close(), b"never"))
        client.send("GET", "key")
        assert client.read_to_the_end() == b"$10\r\nhalf"

    def test_a_reply_without_a_name_is_refused(self) -> None:
        with pytest.raises(ValueError, match="needs the name"):
            FakeNode({" ": b"+OK\r\n"})

    @pytest.mark.parametrize("reply", ["+OK\r\n", [b"+OK\r\n", Close()], (b"+OK\r\n", 1), Delay(0.01, "+OK\r\n"), None])
    def test_what_is_no_reply_is_refused_at_once(self, node: FakeNode, reply: Any) -> None:
        for script in (lambda: FakeNode({"GET": reply}), lambda: node.on("GET", reply), lambda: node.once("GET", reply)):
            with pytest.raises(TypeError, match="a reply is bytes, an action, a tuple of replies or a function, not "):
                script()

    def test_a_big_reply_arrives_whole(self, node: FakeNode, client: Client) -> None:
        raw = b"$5000000\r\n" + bytes(5_000_000) + b"\r\n"
        node.on("GET", (raw, Close()))
        client.send("GET", "key")
        assert client.read_to_the_end() == raw


class TestActions:
    def test_silence_answers_nothing_and_goes_on(self, node: FakeNode, client: Client) -> None:
        node.once("GET", Silence())
        client.send("GET", "key")
        assert client.ask("PING") == b"PONG"

    def test_close_comes_after_what_was_sent(self, node: FakeNode, client: Client) -> None:
        node.on("GET", b"$1\r\nx\r\n")
        node.on("DIE", Close())
        client.socket.sendall(
            hiredis.pack_command(("GET", "a"))
            + hiredis.pack_command(("DIE",))
            + hiredis.pack_command(("SET", "b", bytes(1_000_000)))
        )
        assert client.read_to_the_end() == b"$1\r\nx\r\n"
        wait_until(lambda: node.open_connections == 0)

    def test_reset_is_a_connection_reset(self, node: FakeNode, client: Client) -> None:
        node.on("GET", Reset())
        client.send("GET", "key")
        with pytest.raises(ConnectionResetError):
            client.read(1)

    def test_delay_waits_and_keeps_the_order(self, node: FakeNode, client: Client) -> None:
        node.once("GET", Delay(0.05, b":1\r\n"))
        node.on("GET", b":2\r\n")
        begin = time.monotonic()
        client.send("GET", "key")
        client.send("GET", "key")
        assert client.read(8) == b":1\r\n:2\r\n"
        assert time.monotonic() - begin >= 0.05

    def test_hold_waits_for_release_and_keeps_the_order(self, node: FakeNode, client: Client) -> None:
        node.once("GET", Hold(b":1\r\n"))
        client.send("GET", "key")
        client.send("PING")
        node.wait_for("PING")
        assert client.hears_nothing()
        assert node.release() == 1
        assert client.read(11) == b":1\r\n+PONG\r\n"

    def test_release_lets_the_oldest_go_first(self, node: FakeNode) -> None:
        node.on("GET", Hold(b":1\r\n"))
        with Client(node) as first, Client(node) as second:
            first.send("GET", "key")
            node.wait_for("GET")
            second.send("GET", "key")
            node.wait_for("GET", 2)
            assert node.release(1) == 1
            assert first.read(4) == b":1\r\n"
            assert second.hears_nothing()
            assert node.release(5) == 1
            assert second.read(4) == b":1\r\n"

    def test_release_lets_go_one_hold_of_a_connection_at_a_time(self, node: FakeNode, client: Client) -> None:
        node.on("GET", Hold(b":1\r\n"))
        for _ in range(2):
            client.send("GET", "key")
        node.wait_for("GET", 2)
        assert [node.release() for _ in range(3)] == [1, 1, 0]
        assert client.read(8) == b":1\r\n:1\r\n"

    def test_what_is_held_for_a_dead_connection_is_forgotten(self, node: FakeNode) -> None:
        node.on("GET", Hold(b":1\r\n"))
        with Client(node) as client:
            client.send("GET", "key")
            node.wait_for("GET")
        wait_until(lambda: node.open_connections == 0)
        assert node.release() == 0


class TestUnasked:
    def test_send_reaches_every_open_connection_or_one(self, node: FakeNode) -> None:
        with Client(node) as first, Client(node) as second:
            first.ask("PING")
            second.ask("PING")
            node.send(b"+all\r\n")
            node.send(b"+two\r\n", connection=2)
            node.drop()
            assert first.read_to_the_end() == b"+all\r\n"
            assert second.read_to_the_end() == b"+all\r\n+two\r\n"

    def test_a_push_overtakes_what_is_held(self, node: FakeNode, client: Client) -> None:
        node.on("GET", Hold(b":1\r\n"))
        client.send("GET", "key")
        node.wait_for("GET")
        node.send(b"+push\r\n")
        node.release()
        assert client.read(11) == b"+push\r\n:1\r\n"

    def test_drop_and_reset_take_one_or_all(self, node: FakeNode) -> None:
        with Client(node) as first, Client(node) as second, Client(node) as third:
            for client in (first, second, third):
                client.ask("PING")
            node.drop(2)
            assert second.read_to_the_end() == b""
            assert node.open_connections == 2
            node.reset()
            for client in (first, third):
                with pytest.raises(ConnectionResetError):
                    client.read(1)

    def test_an_unknown_connection_is_an_error(self, node: FakeNode) -> None:
        with pytest.raises(LookupError, match="no open connection 7"):
            node.send(b"x", connection=7)

    def test_a_client_that_resets_is_gone(self, node: FakeNode) -> None:
        with Client(node) as client:
            client.ask("PING")
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: node.open_connections == 0)

    def test_a_connection_of_a_stopped_node_says_so(self, node: FakeNode, client: Client) -> None:
        kept: list[FakeConnection] = []
        node.on("KEEP", lambda _command, connection: kept.append(connection) or b"+OK\r\n")  # type: ignore[func-returns-value]
        client.ask("KEEP")
        node.stop()
        with pytest.raises(RuntimeError, match="was stopped"):
            kept[0].send(b"x")


class TestBook:
    def test_commands_are_recorded_with_their_connection(self, node: FakeNode) -> None:
        with Client(node) as first, Client(node) as second:
            first.ask("ping")
            second.ask("set", b"\x00\r\n", "x")
        assert node.commands == [Seen(1, (b"PING",)), Seen(2, (b"SET", b"\x00\r\n", b"x"))]
        assert node.calls("SET") == [(2, (b"SET", b"\x00\r\n", b"x"))]
        assert node.connections == 2
        wait_until(lambda: node.open_connections == 0)

    def test_a_command_in_pieces_is_one_command(self, node: FakeNode, client: Client) -> None:
        raw = hiredis.pack_command(("CLIENT", "SETNAME", "me"))
        for index in range(len(raw)):
            client.socket.sendall(raw[index : index + 1])
        assert client.read(5) == b"+OK\r\n"
        assert node.calls("client setname") == [(1, (b"CLIENT", b"SETNAME", b"me"))]

    def test_wait_for_says_what_came_instead(self, node: FakeNode, client: Client) -> None:
        client.ask("PING")
        with pytest.raises(TimeoutError, match=r"0 of 1 GET after 0.01 s; seen: .*PING"):
            node.wait_for("GET", timeout=0.01)

    def test_the_book_is_kept_over_a_restart_at_the_same_port(self, node: FakeNode) -> None:
        port = node.port
        with Client(node) as client:
            client.ask("PING")
            node.stop()
            assert client.read(1) == b""
            with pytest.raises(ConnectionRefusedError):
                Client(node)
            assert node.start().start() is node
        with Client(node) as client:
            assert client.ask("PING") == b"PONG"
        assert node.port == port
        assert node.calls("PING") == [(1, (b"PING",)), (2, (b"PING",))]


class TestProtocolErrors:
    @pytest.mark.parametrize("raw", [b"GET key\r\n", b"*1\r\n:1\r\n", b"+OK\r\n", b"*x\r\n"])
    def test_what_is_no_command_is_answered_and_hung_up_on(self, client: Client, raw: bytes) -> None:
        client.socket.sendall(raw)
        assert client.read_to_the_end().startswith(b"-ERR Protocol error")

    def test_an_empty_command_is_ignored(self, node: FakeNode, client: Client) -> None:
        client.socket.sendall(b"*0\r\n")
        assert client.ask("PING") == b"PONG"


class TestHandlersThatRaise:
    def test_the_client_is_reset_and_stop_raises(self) -> None:
        node = FakeNode({"GET": lambda _command, _connection: b"%d" % 1 + 1}).start()  # type: ignore[operator]
        with Client(node) as client:
            client.send("GET", "key")
            with pytest.raises(ConnectionResetError):
                client.read(1)
        with pytest.raises(TypeError):
            node.stop()
        node.stop()

    def test_a_with_block_raises_too_unless_the_test_has_failed_already(self) -> None:
        def wrong(_command: object, _connection: object) -> None:
            raise KeyError("handler")

        def use(failure: Exception | None) -> None:
            with FakeNode({"GET": wrong}) as node, Client(node) as client:
                client.send("GET", "key")
                with pytest.raises(ConnectionResetError):
                    client.read(1)
                if failure is not None:
                    raise failure

        with pytest.raises(KeyError, match="handler"):
            use(None)
        with pytest.raises(LookupError, match="test"):
            use(LookupError("test"))

    def test_a_handler_cannot_stop_its_node(self) -> None:
        def stop(_command: object, _connection: object) -> None:
            node.stop()

        node = FakeNode({"STOP": stop}).start()
        with Client(node) as client:
            client.send("STOP")
            with pytest.raises(ConnectionResetError):
                client.read(1)
        with pytest.raises(RuntimeError, match="cannot stop"):
            node.stop()


class TestNodesThatDoNotAnswer:
    def test_a_silent_node_accepts_and_reads_and_never_answers(self) -> None:
        with FakeNode.silent() as node, Client(node) as client:
            for command in ("HELLO", "PING", "QUIT", "GET"):
                client.send(command)
            node.wait_for("GET")
            assert client.hears_nothing()

    def test_a_silent_node_may_finish_the_handshake(self) -> None:
        with FakeNode.silent(handshake=True) as node, Client(node) as client:
            assert client.ask("HELLO", 3)[b"proto"] == 3
            client.send("PING")
            node.wait_for("PING")
            assert client.hears_nothing()

    def test_a_node_that_does_not_accept_is_connected_to_but_sees_nothing(self) -> None:
        with FakeNode(accepting=False) as node, Client(node, timeout=0.05) as client:
            client.send("PING")
            with pytest.raises(TimeoutError):
                client.read(1)
            assert node.connections == 0
            assert node.commands == []

    def test_a_full_node_is_not_even_connected_to(self) -> None:
        with FakeNode.full() as node, pytest.raises(TimeoutError):
            Client(node, timeout=0.1)


class TestWhereItIs:
    def test_a_port_is_in_the_url(self, node: FakeNode) -> None:
        assert node.url == f"redis://127.0.0.1:{node.port}/0"
        assert repr(node) == f"<FakeNode {node.url}, 0 open of 0>"

    def test_a_port_of_your_choice(self, node: FakeNode) -> None:
        port = node.port
        node.stop()
        with FakeNode(port=port) as other:
            assert other.port == port
        with FakeNode() as other, pytest.raises(OSError, match="in use"):
            FakeNode(port=other.port).start()

    def test_a_unix_socket(self) -> None:
        with FakeNode({"GET": b":1\r\n"}, unix=True) as node, Client(node) as client:
            assert node.url == f"unix://{node.unix_path}"
            assert node.port == 0
            assert client.ask("GET", "key") == 1
            node.reset()  # there is no reset on a unix socket: it is the end of the stream
            assert client.read(1) == b""

    def test_scripts_can_be_written_before_the_start(self) -> None:
        node = FakeNode()
        node.on("GET", b":1\r\n")
        assert node.release() == 0
        with node, Client(node) as client:
            assert client.ask("GET", "key") == 1

    async def test_it_works_under_an_event_loop(self, node: FakeNode) -> None:
        node.on("GET", Hold(b":1\r\n"))
        reader, writer = await asyncio.open_connection(node.host, node.port)
        writer.write(hiredis.pack_command(("GET", "key")))
        await asyncio.to_thread(node.wait_for, "GET")
        node.release()
        assert await reader.readexactly(4) == b":1\r\n"
        writer.close()
        await writer.wait_closed()
