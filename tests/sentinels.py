"""What the tests of pools with sentinels need beside a pool: work and listening that go on in threads of their own."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import hiredis
import pytest

from effort import IS_PROOF
from respool.testing import SentinelServers, Server, wait_until

#: The servers that are tried: one in the short form, for a failover takes seconds.
FLAVORS = ("valkey", "redis") if IS_PROOF else ("valkey",)


def servers_of(flavor: str, **options: Any) -> Iterator[SentinelServers]:
    """Yield running sentinels and nodes of a flavor; skip where that is not installed."""
    if flavor == "redis" and not shutil.which("redis-server"):
        pytest.skip("there is no redis-server on this machine")
    with SentinelServers(binary="redis-server" if flavor == "redis" else None, **options) as servers:
        yield servers


def look_often(sentinel: Server) -> None:
    """Let a sentinel ask the nodes every half second how they are, and not every ten seconds."""
    sentinel.command("SENTINEL", "DEBUG", "INFO-PERIOD", 500)


def heal(servers: SentinelServers) -> None:
    """Wake and start all servers, and wait until every node is in step: as sentinels would do in half a minute."""
    for server in (*servers.sentinels, *servers.nodes):
        if server.is_paused:
            server.resume()
        if not server.is_running:
            server.restart()
    for sentinel in servers.sentinels:
        look_often(sentinel)  # also one that was started again
    wait_until(lambda: _restore(servers), 30.0)
    servers.wait_agreed()
    wait_until(lambda: not any(_is_leading(sentinel, servers.name) for sentinel in servers.sentinels), 30.0)
    primary = servers.primary
    for node in servers.replicas:
        node.command("REPLICAOF", primary.host, primary.port)

    def are_linked() -> bool:
        found = [node.info("replication") for node in servers.replicas]
        return all(each.get("master_link_status") == "up" for each in found)

    wait_until(are_linked, 30.0)


def restart_primary(primary: Server) -> None:
    """Start a killed primary again as a primary: as a process it begins with the role that it had at first."""
    primary.restart()
    primary.command("REPLICAOF", "NO", "ONE")


def _restore(servers: SentinelServers) -> bool:
    """Make the node that all sentinels name a primary again, and return whether it is one."""
    if len({sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", servers.name)[1] for sentinel in servers.sentinels}) > 1:
        return False
    if servers.primary.info("replication")["role"] != "master":
        servers.primary.command("REPLICAOF", "NO", "ONE")
    return True


def _is_leading(sentinel: Server, name: str) -> bool:
    """Return whether a sentinel leads a failover, which it announces a second after the others."""
    words = sentinel.command("SENTINEL", "MASTER", name)
    return b"failover_in_progress" in dict(zip(words[::2], words[1::2], strict=True))[b"flags"]


def begin_failover(servers: SentinelServers, *how: str, leader: int = 0) -> None:
    """Ask a sentinel for a failover until it begins one: it refuses as long as it knows no fit replica."""

    def has_begun() -> bool:
        try:
            servers.sentinels[leader].command("SENTINEL", "FAILOVER", servers.name, *how)
        except hiredis.ReplyError as error:
            if not str(error).startswith(("INPROG", "NOGOODSLAVE")):
                raise
            return False
        return True

    wait_until(has_begun, 30.0)


class Background:
    """A function that runs in a thread of its own, so that an event loop goes on beside it."""

    def __init__(self, work: Callable[..., Any], *args: Any) -> None:
        self.outcome: Any = None

        def run() -> None:
            try:
                self.outcome = work(*args)
            except BaseException as error:
                self.outcome = error

        self._thread = threading.Thread(target=run, name="background", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        self._thread.join(60.0)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Announcements:
    """Hears +switch-master of all sentinels, beside the pool; ``first`` is when the first one came."""

    def __init__(self, servers: SentinelServers) -> None:
        self.first: float | None = None
        self._sockets = [self._subscribed(sentinel) for sentinel in servers.sentinels]
        self._threads = [threading.Thread(target=self._hear, args=(each,), daemon=True) for each in self._sockets]

    @staticmethod
    def _subscribed(sentinel: Server) -> socket.socket:
        connection = socket.create_connection((sentinel.host, sentinel.port), timeout=60.0)
        connection.sendall(b"SUBSCRIBE +switch-master\r\n")
        assert connection.recv(65536).startswith(b"*3\r\n$9\r\nsubscribe")
        return connection

    def _hear(self, connection: socket.socket) -> None:
        try:
            while (heard := connection.recv(65536)) and b"+switch-master" not in heard:
                pass
        except OSError:
            return
        if heard and self.first is None:
            self.first = time.monotonic()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for connection, thread in zip(self._sockets, self._threads, strict=True):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            thread.join(10.0)
            connection.close()


class Services:
    """Two services, ``a`` and ``b``, that the same sentinels watch: a primary and a replica each."""

    NAMES = ("a", "b")

    def __init__(self) -> None:
        self._first = SentinelServers(name="a")
        at_once = {"repl-diskless-sync-delay": 0}  # a replica is not kept waiting for others, five seconds long
        self._others = [Server(config=at_once), Server(config=at_once)]

    def __enter__(self) -> Self:
        self._first.start()
        primary, replica = self._others
        primary.start()
        replica._config["replicaof"] = f"{primary.host} {primary.port}"
        replica.start()
        wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 30.0)
        for sentinel in self.sentinels:
            look_often(sentinel)
            sentinel.command("SENTINEL", "DEBUG", "PUBLISH-PERIOD", 100)  # so that they find each other soon
            sentinel.command("SENTINEL", "MONITOR", "b", primary.host, primary.port, 2)
            for name, value in (("down-after-milliseconds", 1000), ("failover-timeout", 3000)):
                sentinel.command("SENTINEL", "SET", "b", name, value)
        wait_until(lambda: all(self._knows(sentinel, "b") for sentinel in self.sentinels), 30.0)
        for sentinel in self.sentinels:
            sentinel.command("SENTINEL", "DEBUG", "PUBLISH-PERIOD", 2000)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._others:
            server.stop()
        self._first.stop()

    @property
    def sentinels(self) -> list[Server]:
        return self._first.sentinels

    @property
    def seeds(self) -> list[tuple[str, int]]:
        return [(sentinel.host, sentinel.port) for sentinel in self.sentinels]

    @property
    def nodes(self) -> list[Server]:
        return [*self._first.nodes, *self._others]

    def primary(self, name: str) -> Server:
        """Return the node that the first sentinel calls the primary of a service."""
        port = int(self.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1])
        return next(node for node in self.nodes if node.port == port)

    def failover(self, name: str) -> Server:
        """Let the sentinels promote the replica of a service, and return it."""
        old = self.primary(name)
        self.sentinels[0].command("SENTINEL", "FAILOVER", name)
        wait_until(lambda: self.primary(name) is not old, 30.0)
        return self.primary(name)

    def heal(self) -> None:
        """Start all nodes, and wait until each service is whole again by what each sentinel says."""
        for node in self.nodes:
            if not node.is_running:
                node.restart()
        wait_until(lambda: all(self._is_whole(name) for name in self.NAMES), 60.0)

    def _is_whole(self, name: str) -> bool:
        """Return whether a service has its primary and its replica; help it, as sentinels would do later."""
        sentinels = self.sentinels
        if len({sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1] for sentinel in sentinels}) > 1:
            return False
        primary = self.primary(name)
        own = self._first.nodes if primary in self._first.nodes else self._others
        replica = next(node for node in own if node is not primary)
        if primary.info("replication")["role"] != "master":
            primary.command("REPLICAOF", "NO", "ONE")
            return False
        info = replica.info("replication")
        if info.get("master_port") != str(primary.port):
            replica.command("REPLICAOF", primary.host, primary.port)
            return False
        is_linked = info.get("master_link_status") == "up"
        return is_linked and all(self._is_calm(sentinel, name) for sentinel in sentinels)

    @staticmethod
    def _is_calm(sentinel: Server, name: str) -> bool:
        """Return whether a sentinel leads no failover, and finds the primary and the replica well."""
        words = sentinel.command("SENTINEL", "MASTER", name)
        replicas = [dict(zip(each[::2], each[1::2], strict=True)) for each in sentinel.command("SENTINEL", "REPLICAS", name)]
        is_up = any(
            each[b"flags"] == b"slave" and each[b"master-link-status"] == b"ok" and each[b"role-reported"] == b"slave"
            for each in replicas
        )
        return is_up and dict(zip(words[::2], words[1::2], strict=True))[b"flags"] == b"master"

    @staticmethod
    def _knows(sentinel: Server, name: str) -> bool:
        others = len(sentinel.command("SENTINEL", "SENTINELS", name))
        return others == 2 and len(sentinel.command("SENTINEL", "REPLICAS", name)) == 1
