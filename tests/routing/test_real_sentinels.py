"""What the view makes of real sentinels and nodes, through a failover, a stale sentinel, and a name nobody knows."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any, Self

import hiredis
import pytest

from effort import IS_PROOF
from respool._facts.errors import ServerError, UsageError, server_error
from respool._routing.sentinel_answers import CHANNELS, Answer, questions, read_answer
from respool._routing.sentinel_view import SentinelView
from respool._routing.topology import Address
from respool.testing import SentinelServers, Server, wait_until


@pytest.fixture(scope="module", params=["valkey", "redis"])
def servers(request: pytest.FixtureRequest) -> Iterator[SentinelServers]:
    if request.param == "redis" and not shutil.which("redis-server"):
        pytest.skip("there is no redis on this machine")
    with SentinelServers(replicas=2, binary="redis-server" if request.param == "redis" else None) as running:
        yield running


def at(server: Server) -> Address:
    return server.host, server.port


def ask(server: Server, *words: str) -> Any:
    try:
        return server.command(*words)
    except hiredis.ReplyError as error:
        return server_error(str(error))


def answer_of(sentinel: Server, name: str = "primary") -> Answer:
    return read_answer([ask(sentinel, *words) for words in questions(name)], asked=at(sentinel))


class Shell:
    """What a pool does with the view, step by step and without time."""

    def __init__(self, servers: SentinelServers, seeds: list[Server], name: str = "primary") -> None:
        self.name = name
        self.by_address = {at(server): server for server in (*servers.nodes, *servers.sentinels)}
        self.now = 0.0
        self.view = SentinelView(name, [at(seed) for seed in seeds], self.now, lambda: 0.5)

    def step(self, without: Server | None) -> None:
        self.now = max(self.now, self.view.next_at())
        asks, checks = self.view.due(self.now)
        for each in asks:
            if without is not None and each.sentinel == at(without):
                self.view.failed(each, TimeoutError("no answer"), self.now, 0.5)
                continue
            answer = answer_of(self.by_address[each.sentinel], self.name)
            self.view.answered(each, answer, self.now, 0.5)
        for each in checks:
            reply = ask(self.by_address[each.address], "ROLE")
            self.view.checked(each, reply, self.now)

    def run_until(self, is_done: Callable[[], bool], without: Server | None = None) -> None:
        def step() -> bool:
            if not is_done():
                self.step(without)
            return is_done()

        wait_until(step, 30.0)


def test_the_other_sentinels_and_the_replicas_are_found_through_one_sentinel(servers: SentinelServers) -> None:
    servers.wait_agreed()
    shell = Shell(servers, servers.sentinels[:1])
    shell.run_until(lambda: set(shell.view.replicas) == {at(node) for node in servers.replicas})
    assert shell.view.primary == at(servers.primary)
    assert set(shell.view.sentinels) == {at(sentinel) for sentinel in servers.sentinels}


def test_a_name_that_nobody_knows(servers: SentinelServers) -> None:
    shell = Shell(servers, servers.sentinels, name="other")
    shell.run_until(lambda: shell.view.error() is not None)
    error = shell.view.error()
    assert isinstance(error, UsageError)
    assert str(error).startswith("no sentinel knows 'other': 127.0.0.1:")
    assert str(error).count("does not know it") == 3


def test_the_replies_to_a_name_that_is_unknown(servers: SentinelServers) -> None:
    replies = [ask(servers.sentinels[0], *words) for words in questions("other")]
    assert [isinstance(reply, ServerError) for reply in replies] == [True, False, True, True, False]
    assert replies[1] is None


class Subscriber:
    """A subscription to a sentinel's channels."""

    def __init__(self, sentinel: Server) -> None:
        self._socket = socket.create_connection(at(sentinel), timeout=20.0)
        self._socket.sendall(f"SUBSCRIBE {' '.join(CHANNELS)}\r\n".encode())
        self._reader = hiredis.Reader(encoding="utf-8")
        for _ in CHANNELS:
            assert self._next()[0] == "subscribe"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _next(self) -> Any:
        while (message := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return message

    def message(self) -> tuple[str, str]:
        kind, channel, text = self._next()
        assert kind == "message"
        return channel, text


def test_a_failover_is_followed_by_what_a_sentinel_publishes(servers: SentinelServers) -> None:
    servers.wait_agreed()
    stale, publisher, leader = servers.sentinels
    shell = Shell(servers, [stale])
    shell.run_until(lambda: len(shell.view.replicas) == 2 and len(shell.view.sentinels) == 3)
    old, epoch = servers.primary, shell.view.epoch
    assert shell.view.primary == at(old)
    stale.pause()  # it goes on naming the old primary: what it said still counts
    try:
        with Subscriber(publisher) as subscriber:
            leader.command("SENTINEL", "FAILOVER", "primary")
            channel = ""
            while channel != "+switch-master":
                channel, text = subscriber.message()
                change = shell.view.event(at(publisher), channel, text, shell.now)
            assert change.old == at(old)
            assert shell.view.primary is None
            # The old one may be a master for ten seconds more, and the stale sentinel has not said anything else.
            shell.run_until(lambda: shell.view.primary is not None, without=stale)
            while (len(shell.view.replicas), channel) != (2, "+slave"):
                channel, text = subscriber.message()
                shell.view.event(at(publisher), channel, text, shell.now)
    finally:
        stale.resume()
    servers.wait_agreed()
    assert shell.view.primary == at(servers.primary) != at(old)
    assert shell.view.epoch == epoch + 1
    assert set(shell.view.replicas) == {at(node) for node in servers.replicas}
    assert shell.view.replicas[at(old)]  # down, until it says that it is a replica
    if IS_PROOF:  # twenty seconds: the sentinels convert it after ten, and ask again after ten
        shell.run_until(lambda: not shell.view.replicas[at(old)])
        assert ask(old, "ROLE")[0] == b"slave"
