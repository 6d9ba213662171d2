"""The server model gives the same replies as a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from random import Random
from typing import Any

import hiredis
import pytest

from respool.testing import Server as RealServer

from .loop import World
from .network import SimSocket, Weather
from .server import Server, Session

SCRIPTS = {
    "strings": ["SET k v", "GET k", "GET none", "MGET k none", "INCR n", "INCRBY n 5", "INCR k", "DEL k n", "GET", "NOSUCH"],
    "lists": ["LPUSH l a b c", "LRANGE l 0 -1", "LRANGE l 0 1", "BLPOP none l 1", "GET l", "LPUSH l d", "DEL l", "BLPOP l 0.01"],
    "transactions": [
        "MULTI", "SET a 1", "INCR a", "GET a", "LPUSH a x", "BLPOP none 0", "EXEC", "EXEC", "DISCARD", "MULTI", "MULTI",
        "WATCH a", "DISCARD", "MULTI", "NOSUCH", "SET a 2", "EXEC", "WATCH a", "SET a 3", "MULTI", "GET a", "EXEC",
        "WATCH a", "UNWATCH", "SET a 4", "MULTI", "GET a", "EXEC", "MULTI", "EXEC",
    ],
    "databases": ["SET k 0", "SELECT 3", "GET k", "SET k 3", "SELECT 0", "GET k", "SELECT 99", "SELECT 3", "RESET", "GET k"],
    "replies": [
        "CLIENT REPLY SKIP", "PING", "PING", "CLIENT REPLY OFF", "PING", "INCR n", "CLIENT REPLY ON", "INCR n",
        "CLIENT REPLY SKIP", "NOSUCH", "PING", "CLIENT REPLY ON",
    ],
    "channels": ["SUBSCRIBE a b", "PING", "UNSUBSCRIBE a", "UNSUBSCRIBE", "PING", "UNSUBSCRIBE", "SUBSCRIBE a", "RESET", "PING"],
    "clients": ["CLIENT SETNAME me", "CLIENT NOSUCH", "CLIENT TRACKING ON", "CLIENT SETINFO LIB-NAME x", "ECHO hi", "AUTH pw"],
}  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Iterator[RealServer]:
    with RealServer() as running:
        yield running


def encoded(lines: list[str]) -> bytes:
    return b"".join(hiredis.pack_command(tuple(line.split())) for line in lines)


def parsed(data: bytes) -> list[Any]:
    reader = hiredis.Reader()
    reader.feed(data)
    replies = []
    while (reply := reader.gets()) is not False:
        replies.append(_plain(reply))
    return replies


def _plain(reply: Any) -> Any:
    """Return a reply in which each error is replaced by its code, because texts differ between servers."""
    if isinstance(reply, Exception):
        return f"error {str(reply).split()[0]}"
    return [_plain(item) for item in reply] if isinstance(reply, list) else reply


def told_by_model(lines: list[str], refused: dict[str, str] | None = None) -> list[Any]:
    world = World()
    server = Server(world, Random(0))
    server.refused = refused or {}
    sock = SimSocket(world, None, Random(0), Weather(), 1, server)
    sock.session = Session(server, sock, is_mute=False)
    server.sessions.append(sock.session)
    for line in lines:
        sock.session.receive(encoded([line]))
        for _ in range(2):  # a blocked command times out, and its reply arrives
            world.now += 1.0
            world.go_on()
    return parsed(b"".join(sock._inbox))


def told_by_server(real: RealServer, lines: list[str]) -> list[Any]:
    real.command("FLUSHALL")
    received = b""
    with socket.create_connection((real.host, real.port), timeout=5.0) as sock:
        sock.sendall(encoded([*lines, "ECHO the-end"]))
        while not received.endswith(b"the-end\r\n"):
            received += sock.recv(65536)
    return parsed(received)[:-1]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_model_answers_as_a_server_does(name: str, protocol: int, real: RealServer) -> None:
    lines = [f"HELLO {protocol}", *SCRIPTS[name]]
    if protocol == 2 and name == "channels":
        lines.insert(2, "GET k")  # refused there
    if protocol == 2:
        lines = [line for line in lines if line != "PING"] if name == "channels" else lines
    model, server = told_by_model(lines), told_by_server(real, lines)
    assert model[1:] == server[1:]


@pytest.mark.parametrize("name", ["MULTI", "EXEC", "DISCARD"])
def test_the_model_refuses_words_of_transactions_as_a_server_does(name: str, real: RealServer) -> None:
    lines = ["HELLO 3", "MULTI", "SET a 1", name, "GET a", "EXEC", "GET a", "MULTI", "SET a 2", "DISCARD", "GET a", "EXEC", "GET a"]
    refusal = f"NOPERM no permissions to run {name}"
    refused = {name: f"EXECABORT Transaction discarded because of: {refusal}" if name == "EXEC" else refusal}
    real.command("ACL", "SETUSER", "limited", "reset", "on", "nopass", "~*", "+@all", f"-{name.lower()}")
    server = told_by_server(real, ["AUTH limited x", *lines])
    assert told_by_model(lines, refused)[1:] == server[2:]
