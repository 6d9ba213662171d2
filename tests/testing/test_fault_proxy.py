"""``respool.testing.FaultProxy``: transparent until told otherwise, exact when told."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import pytest

from respool.testing import FakeNode, FaultProxy, Server, ShortConnection, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PING = b"*1\r\n$4\r\nPING\r\n"


class Ends:
    """A proxy with both ends in the test's hand."""

    def __init__(self, **options: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = FaultProxy(self.listener.getsockname()[:2], **options)  # type: ignore[arg-type]
        self.open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.proxy.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.stop()
        self.listener.close()
        for sock in self.open:
            sock.close()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return a client's socket and the server's end of it."""
        client = socket.create_connection((self.proxy.host, self.proxy.port), 5.0)
        server, _ = self.listener.accept()
        server.settimeout(5.0)
        self.open += [client, server]
        return client, server


@pytest.fixture
def ends() -> Iterator[Ends]:
    with Ends() as ends:
        yield ends


def read(sock: socket.socket, count: int) -> bytes:
    """Read exactly so many bytes, or less and then the end of the stream."""
    data = b""
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return data


def read_to_the_end(sock: socket.socket) -> bytes:
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def nothing_comes(sock: socket.socket) -> bool:
    """Whether nothing has arrived; ask when it should have, if it were to come."""
    sock.settimeout(0)
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        sock.settimeout(5.0)


def fill(sock: socket.socket) -> int:
    """Send until it would block for 50 ms; return how many bytes went."""
    sent = 0
    sock.settimeout(0.05)
    try:
        while True:
            sent += sock.send(bytes(65536))
    except TimeoutError:
        return sent
    finally:
        sock.settimeout(5.0)


def asking(proxy: FaultProxy) -> ShortConnection:
    return ShortConnection(proxy.host, proxy.port, timeout=5.0)


def abort(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def connected(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), 5.0)


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin >= seconds


class TestTransparency:
    def test_bytes_pass_both_ways_and_are_counted(self, ends: Ends) -> None:
        client, server = ends.connect()
        client.sendall(b"question")
        assert read(server, 8) == b"question"
        server.sendall(b"answer")
        assert read(client, 6) == b"answer"
        proxy = ends.proxy
        assert (proxy.bytes_up, proxy.bytes_down) == (8, 6)
        assert (proxy.connections, proxy.open_connections, proxy.cuts) == (1, 1, 0)

    def test_much_passes_unchanged(self) -> None:
        value = os.urandom(8_000_000)
        with Server() as server, FaultProxy(server, buffer_bytes=10_000) as proxy, asking(proxy) as ask:
            ask("SET", "key", value)
            assert ask("GET", "key") == value

    def test_the_end_of_one_direction_passes_and_the_other_lives_on(self, ends: Ends) -> None:
        client, server = ends.connect()
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert read_to_the_end(server) == b"last words"
        server.sendall(b"answer")
        server.close()
        assert read_to_the_end(client) == b"answer"
        wait_until(lambda: ends.proxy.open_connections == 0)

    @pytest.mark.parametrize("end", [0, 1])
    def test_a_reset_passes(self, ends: Ends, end: int) -> None:
        pair = ends.connect()
        abort(pair[end])
        with pytest.raises(ConnectionResetError):
            pair[1 - end].recv(1)
        assert ends.proxy.open_connections == 0

    def test_a_target_that_refuses_is_a_reset(self) -> None:
        with FakeNode() as node, FaultProxy(node) as proxy:
            node.stop()
            # The reset may come before the connect has returned.
            with pytest.raises(ConnectionResetError), connected(proxy) as client:
                client.recv(1)
            assert (proxy.connections, proxy.open_connections) == (1, 0)

    def test_who_sends_to_a_dead_peer_is_reset(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.stop_reading = True  # so that the proxy does not see the reset before it sends
        abort(client)
        server.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            server.recv(1)

    def test_connections_do_not_mix(self, ends: Ends) -> None:
        pairs = [ends.connect() for _ in range(20)]
        for number, (client, _) in enumerate(pairs):
            client.sendall(b"%02d" % number)
        for number, (client, server) in enumerate(pairs):
            assert read(server, 2) == b"%02d" % number
            server.sendall(b"-%02d" % number)
            assert read(client, 3) == b"-%02d" % number

    def test_proxies_stand_in_a_row(self) -> None:
        with FakeNode() as node, FaultProxy(node) as inner, FaultProxy(inner) as outer:
            with asking(outer) as ask:
                assert ask("PING") == b"PONG"
            assert inner.bytes_up == outer.bytes_up == len(PING)


class TestLimits:
    REPLY = b"$5\r\nhello\r\n"
    COMMAND = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"

    @pytest.mark.parametrize("count", range(len(REPLY) + 1))
    def test_exactly_so_many_bytes_of_a_reply_arrive(self, count: int) -> None:
        with FakeNode({"GET": self.REPLY}) as node, FaultProxy(node) as proxy:
            proxy.down.limit_after(count)
            with connected(proxy) as client:
                client.sendall(self.COMMAND)
                assert read_to_the_end(client) == self.REPLY[:count]
                assert (proxy.bytes_down, proxy.cuts, proxy.open_connections) == (count, 1, 0)
            assert len(node.calls("GET")) == 1  # also with 0: the command got through, its reply did not
            wait_until(lambda: node.open_connections == 0)

    @pytest.mark.parametrize("count", range(len(COMMAND) + 1))
    def test_exactly_so_many_bytes_of_a_command_arrive(self, ends: Ends, count: int) -> None:
        ends.proxy.up.limit_after(count)
        client, server = ends.connect()
        client.sendall(self.COMMAND)
        assert read_to_the_end(server) == self.COMMAND[:count]
        assert read_to_the_end(client) == b""

    def test_live_connections_count_from_now_and_new_ones_from_their_beginning(self, ends: Ends) -> None:
        old, old_server = ends.connect()
        old_server.sendall(b"before")
        assert read(old, 6) == b"before"
        ends.proxy.down.limit_after(3)
        new, new_server = ends.connect()
        for server, client in ((old_server, old), (new_server, new)):
            server.sendall(b"afterwards")
            assert read_to_the_end(client) == b"aft"

    def test_a_total_counts_all_together_cuts_all_and_is_spent(self, ends: Ends) -> None:
        ends.proxy.up.limit_after(5, total=True)
        (first, first_server), (second, second_server) = ends.connect(), ends.connect()
        first.sendall(b"abc")
        assert read(first_server, 3) == b"abc"
        second.sendall(b"defg")
        assert read_to_the_end(second_server) == b"de"
        assert read_to_the_end(first_server) == b""
        assert ends.proxy.cuts == 2
        third, third_server = ends.connect()
        third.sendall(b"hij")
        assert read(third_server, 3) == b"hij"

    def test_heal_forgets_limits(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.limit_after(2)
        ends.proxy.heal()
        client.sendall(b"abc")
        assert read(server, 3) == b"abc"

    def test_one_side_may_still_be_sending_when_it_is_cut(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.down.limit_after(3)
        client.sendall(bytes(100_000))
        server.sendall(b"abcdef")
        client.sendall(bytes(100_000))
        assert read_to_the_end(client) == b"abc"

    def test_less_than_nothing_cannot_pass(self, ends: Ends) -> None:
        with pytest.raises(ValueError, match="-1"):
            ends.proxy.up.limit_after(-1)


class TestTime:
    def test_latency_is_for_one_direction_and_for_the_end_too(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.down.latency = 0.05
        client.sendall(b"x")
        assert read(server, 1) == b"x"
        with at_least(0.05):
            server.sendall(b"y")
            assert read(client, 1) == b"y"
        with at_least(0.05):
            server.close()
            assert read(client, 1) == b""

    def test_latency_does_not_add_up_along_the_stream(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.latency = 0.1
        begin = time.monotonic()
        for _ in range(20):
            client.sendall(b"x")
        assert len(read(server, 20)) == 20
        assert 0.1 <= time.monotonic() - begin < 1.0

    def test_bandwidth_is_bytes_per_second(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.bandwidth = 100_000
        begin = time.monotonic()
        client.sendall(bytes(20_000))
        assert len(read(server, 20_000)) == 20_000
        assert 0.17 <= time.monotonic() - begin < 1.0

    def test_slices_arrive_one_by_one(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.down.slice_size = 3
        ends.proxy.down.slice_gap = 0.01
        server.sendall(b"0123456789")
        pieces = [client.recv(100)]
        while sum(map(len, pieces)) < 10:
            pieces.append(client.recv(100))
        assert b"".join(pieces) == b"0123456789"
        assert len(pieces) > 1
        assert all(len(piece) % 3 == 0 for piece in pieces[:-1])

    def test_slices_without_a_gap_lose_nothing(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.slice_size = 1
        data = os.urandom(3000)
        client.sendall(data)
        assert read(server, 3000) == data


class TestHold:
    def test_held_bytes_go_in_order_when_released(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.hold()
        client.sendall(b"one")
        client.sendall(b"two")
        client.shutdown(socket.SHUT_WR)
        server.sendall(b"the other way is open")
        assert read(client, 21) == b"the other way is open"
        assert nothing_comes(server)
        assert ends.proxy.bytes_up == 0
        ends.proxy.up.release()
        assert read_to_the_end(server) == b"onetwo"

    def test_heal_releases(self, ends: Ends) -> None:
        ends.proxy.down.hold()
        client, server = ends.connect()
        server.sendall(b"x")
        assert ends.proxy.down.held
        ends.proxy.heal()
        assert not ends.proxy.down.held
        assert read(client, 1) == b"x"

    def test_held_bytes_are_bounded(self) -> None:
        with Ends(buffer_bytes=100_000, socket_buffer_bytes=10_000) as ends:
            client, _ = ends.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10_000)
            ends.proxy.up.hold()
            assert 100_000 <= fill(client) < 1_000_000


class TestBlackHole:
    def test_bytes_and_the_end_are_swallowed_without_a_word(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.black_hole = True
        client.sendall(bytes(3_000_000))
        client.close()
        server.sendall(b"anybody?")
        assert nothing_comes(server)
        assert ends.proxy.bytes_up == 0

    def test_a_connection_that_lost_something_stays_dark_and_others_heal(self, ends: Ends) -> None:
        (loser, loser_server), (lucky, lucky_server) = ends.connect(), ends.connect()
        ends.proxy.up.black_hole = True
        loser.sendall(b"lost")
        loser_server.sendall(b"x")
        assert read(loser, 1) == b"x"  # so "lost" was read by the proxy, or will be found dark below
        wait_until(lambda: any(pipe.is_dark for link in ends.proxy._links for pipe in link.pipes()))
        ends.proxy.heal()
        loser.sendall(b"still lost")
        new, new_server = ends.connect()
        for client, server in ((lucky, lucky_server), (new, new_server)):
            client.sendall(b"fine")
            assert read(server, 4) == b"fine"
        assert nothing_comes(loser_server)
        ends.proxy.cut()
        assert read_to_the_end(loser_server) == b""

    def test_a_reset_falls_in_too(self, ends: Ends) -> None:
        client, server = ends.connect()
        ends.proxy.up.black_hole = True
        abort(client)
        assert nothing_comes(server)
        assert ends.proxy.open_connections == 1

    def test_new_connections_fall_in_too(self, ends: Ends) -> None:
        ends.proxy.down.black_hole = True
        client, server = ends.connect()
        server.sendall(b"lost")
        client.sendall(b"x")
        assert read(server, 1) == b"x"
        assert nothing_comes(client)


class TestBackpressure:
    def test_a_sender_blocks_when_nothing_is_read_and_goes_on_afterwards(self) -> None:
        with Ends(socket_buffer_bytes=4096) as ends:
            client, server = ends.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            ends.proxy.up.stop_reading = True
            sent = fill(client)
            assert 0 < sent < 200_000
            assert nothing_comes(server)
            ends.proxy.up.stop_reading = False
            assert len(read(server, sent)) == sent

    def test_a_receiver_that_does_not_read_blocks_the_sender_through_the_proxy(self) -> None:
        with Ends(socket_buffer_bytes=4096, buffer_bytes=4096) as ends:
            client, server = ends.connect()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sent = fill(client)
            assert sent < 10_000_000
            assert len(read(server, sent)) == sent


class TestWholeConnections:
    def test_cut_ends_both_streams_after_what_has_passed(self, ends: Ends) -> None:
        client, server = ends.connect()
        server.sendall(b"passed")
        wait_until(lambda: ends.proxy.bytes_down == 6)
        ends.proxy.cut()
        assert ends.proxy.open_connections == 0
        assert read_to_the_end(client) == b"passed"
        assert read_to_the_end(server) == b""
        assert ends.connect()

    def test_reset_resets_both_sides(self, ends: Ends) -> None:
        pair = ends.connect()
        ends.proxy.reset()
        assert ends.proxy.open_connections == 0
        for sock in pair:
            with pytest.raises(ConnectionResetError):
                sock.recv(1)

    def test_refuse_refuses_new_connections_and_keeps_the_old(self, ends: Ends) -> None:
        client, server = ends.connect()
        port = ends.proxy.port
        ends.proxy.refuse()
        ends.proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            ends.connect()
        client.sendall(b"x")
        assert read(server, 1) == b"x"
        ends.proxy.accept()
        assert ends.connect()
        assert ends.proxy.port == port

    def test_refuse_holds_when_it_was_said_before_the_start(self) -> None:
        with FakeNode() as node:
            proxy = FaultProxy(node)
            proxy.refuse()
            with proxy:
                with pytest.raises(ConnectionRefusedError):
                    connected(proxy)
                proxy.accept()
                connected(proxy).close()

    def test_refuse_may_hang_up_instead(self, ends: Ends) -> None:
        ends.proxy.refuse(hang_up=True)
        with socket.create_connection((ends.proxy.host, ends.proxy.port), 5) as client:
            assert client.recv(1) == b""
        ends.proxy.heal()
        assert ends.connect()


class TestSettings:
    def test_what_makes_no_sense_is_refused(self, ends: Ends) -> None:
        with pytest.raises(ValueError, match="latency must be at least 0"):
            ends.proxy.up.latency = -1
        with pytest.raises(ValueError, match="bandwidth must be at least 1"):
            ends.proxy.up.bandwidth = 0
        with pytest.raises(ValueError, match="slice_size must be at least 1"):
            ends.proxy.up.slice_size = 0

    def test_faults_set_before_the_start_hold_and_heal_clears_all(self) -> None:
        with FakeNode() as node:
            proxy = FaultProxy(node)
            proxy.down.limit_after(1)
            proxy.up.latency = 0.01
            with proxy, connected(proxy) as client:
                client.sendall(PING)
                assert read_to_the_end(client) == b"+"
                assert "latency=0.01" in repr(proxy)
                proxy.heal()
                assert "up <Direction healthy" in repr(proxy)
                assert proxy.up.latency == 0.0

    def test_it_stops_with_open_connections_and_starts_again_at_the_same_port(self, ends: Ends) -> None:
        client, server = ends.connect()
        port = ends.proxy.port
        ends.proxy.stop()
        ends.proxy.stop()
        assert read_to_the_end(client) == read_to_the_end(server) == b""
        assert ends.proxy.start().start() is ends.proxy
        assert ends.proxy.port == port
        assert ends.connect()


class TestTlsAndUnix:
    def test_it_ends_tls_in_front_of_a_plain_target(self) -> None:
        value = os.urandom(3_000_000)
        reply = b"$%d\r\n%s\r\n" % (len(value), value)
        with FakeNode({"GET": reply}) as node, FaultProxy(node, tls=True, socket_buffer_bytes=8192) as proxy:
            assert proxy.url == proxy.tls_url == f"rediss://127.0.0.1:{proxy.port}/0"
            with tls(proxy) as client:
                client.sendall(TestLimits.COMMAND)
                assert read(client, len(reply)) == reply

    def test_the_end_of_a_plain_stream_is_a_clean_end_of_tls(self) -> None:
        with FakeNode() as node, FaultProxy(node, tls=True) as proxy, tls(proxy) as client:
            client.sendall(b"*1\r\n$4\r\nQUIT\r\n")
            assert read_to_the_end(client) == b"+OK\r\n"

    def test_a_cut_is_an_unclean_end_of_tls_after_exactly_so_many_bytes(self) -> None:
        with FakeNode() as node, FaultProxy(node, tls=True) as proxy, tls(proxy) as client:
            proxy.down.limit_after(3)
            client.sendall(PING)
            assert read(client, 3) == b"+PO"
            with pytest.raises(ssl.SSLEOFError):
                client.recv(1)

    def test_a_client_that_speaks_no_tls_is_hung_up_on(self) -> None:
        with FakeNode() as node, FaultProxy(node, tls=True) as proxy, connected(proxy) as client:
            client.sendall(PING)
            read_to_the_end(client)  # an alert, perhaps
            assert (proxy.connections, node.connections) == (1, 0)
            assert proxy.open_connections == 0

    def test_it_breaks_tls_that_the_target_speaks_itself(self) -> None:
        with Server(tls=True) as server:
            proxy = FaultProxy((server.host, server.tls_port))
            with proxy, tls(proxy) as client:
                client.sendall(PING)
                assert read(client, 7) == b"+PONG\r\n"
                proxy.down.limit_after(3)  # of a TLS record
                client.sendall(PING)
                with pytest.raises(ssl.SSLEOFError):
                    client.recv(1)

    def test_both_sides_may_be_unix_sockets(self) -> None:
        with FakeNode(unix=True) as node, FaultProxy(node, unix=True) as outer:
            assert outer.url == f"unix://{outer.unix_path}"
            for target in (outer, outer.unix_path or ""):
                with FaultProxy(target) as proxy, asking(proxy) as ask:
                    assert ask("PING") == b"PONG"
            outer.refuse()
            with socket.socket(socket.AF_UNIX) as client, pytest.raises(OSError, match="No such file"):
                client.connect(outer.unix_path or "")
            outer.heal()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(outer.unix_path or "")
                client.sendall(PING)
                assert read(client, 7) == b"+PONG\r\n"

    def test_the_url_carries_the_servers_password(self) -> None:
        with Server(username="alice", password="secret") as server, FaultProxy(server) as proxy:
            assert proxy.url == f"redis://alice:secret@127.0.0.1:{proxy.port}/0"


def tls(proxy: FaultProxy) -> ssl.SSLSocket:
    raw = connected(proxy)
    return proxy.ssl_context().wrap_socket(raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
