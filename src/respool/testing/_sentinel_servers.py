"""A real primary with replicas and the sentinels that watch them, for the length of a ``with`` block.

Rule 1: every process is a ``Server``, and ends as a ``Server`` does.
Rule 2: nothing is remembered about who is the primary: the sentinels are asked.
Rule 3: a sentinel finds the others by messages that each publishes every two seconds. While the sentinels start, that
        is every tenth of a second; afterwards all times are the server's own.
Rule 4: a sentinel writes what it has learned to its configuration file. That file is kept when it is started again.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from respool.testing._binary import Binary, find_binary
from respool.testing._server import Server
from respool.testing._server_config import quoted
from respool.testing._wait import wait_settled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from respool.testing._server_config import Setting

# Seconds. Longer than any change takes: a failover takes two to three on an idle machine.
AGREE_TIMEOUT: Final = 30.0
DOWN_AFTER, FAILOVER_TIMEOUT = 1000, 3000  # milliseconds
HELLO_PERIOD, FIRST_HELLO_PERIOD = 2000, 100  # milliseconds


class Sentinel(Server):
    """A ``Server`` that is a sentinel."""

    _arguments = ("--sentinel",)

    def _render(self, binary: Binary) -> str:
        file = self.directory / "server.conf"
        text = file.read_text() if file.exists() else ""
        return text if "sentinel myid" in text else super()._render(binary)

    def primary_port(self, name: str) -> int:
        """Return the port of the primary as this sentinel knows it."""
        return int(self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1])


class SentinelServers:
    """A real primary called ``name``, ``replicas`` of it, and ``sentinels``, on free ports of 127.0.0.1.

    ``binary``, ``username``, ``password`` and ``config`` are those of ``Server`` and apply to the primary and the
    replicas; ``sentinel_username`` and ``sentinel_password`` to the sentinels. ``sentinel_config`` sets directives of
    the primary's watch, in milliseconds where they are times: ``{"down-after-milliseconds": 500}``. Unless they are
    given, a primary is down after 1000 ms, a failover times out after 3000 ms, and more than half of the sentinels
    must agree.

        with SentinelServers(sentinels=3, replicas=1) as servers:
            dead = servers.kill_primary()
            servers.wait_agreed()  # a replica has been promoted
            assert servers.primary is not dead

    It starts in about one second. It may be used by one thread at a time, and needs no event loop. Methods that wait
    raise ``TimeoutError``, and say what is missing. Needs Redis 7 or any Valkey.
    """

    def __init__(
        self,
        sentinels: int = 3,
        replicas: int = 1,
        name: str = "primary",
        *,
        binary: str | os.PathLike[str] | None = None,
        username: str | None = None,
        password: str | None = None,
        config: Mapping[str, Setting] | None = None,
        sentinel_username: str | None = None,
        sentinel_password: str | None = None,
        sentinel_config: Mapping[str, str | int] | None = None,
    ) -> None:
        if sentinels < 1 or replicas < 0:
            raise ValueError(f"there is 1 sentinel or more and 0 replicas or more, not {sentinels} and {replicas}")
        self.name = name
        self._counts = (sentinels, replicas)
        self._binary = binary
        self._username, self._password = username, password
        self._sentinel_username, self._sentinel_password = sentinel_username, sentinel_password
        self._watch = {
            "down-after-milliseconds": DOWN_AFTER,
            "failover-timeout": FAILOVER_TIMEOUT,
            "quorum": sentinels // 2 + 1,
            **(sentinel_config or {}),
        }
        self._config: dict[str, Setting] = {"repl-diskless-sync-delay": 0, **(config or {})}
        if password is not None:
            self._config["masterauth"] = quoted(password)
        if username is not None:
            self._config["masteruser"] = quoted(username)
        self._nodes: list[Server] = []
        self._sentinels: list[Sentinel] = []

    def __repr__(self) -> str:
        return f"<SentinelServers {self.name!r} of {len(self._nodes)} nodes and {len(self._sentinels)} sentinels>"

    # The servers ---------------------------------------------------------------------------------------

    @property
    def binary(self) -> Binary:
        """The binary: its path, flavor (``"valkey"`` or ``"redis"``) and version, as in ``(9, 1, 2)``."""
        return find_binary(None if self._binary is None else os.fspath(self._binary))

    @property
    def nodes(self) -> list[Server]:
        """The first primary and its replicas, dead ones too."""
        return list(self._nodes)

    @property
    def sentinels(self) -> list[Server]:
        """The sentinels, dead ones too."""
        return list(self._sentinels)

    @property
    def primary(self) -> Server:
        """The node that most of the sentinels that are awake call the primary. It may have died."""
        ports = Counter(sentinel.primary_port(self.name) for sentinel in self._awake())
        return self._by_port()[ports.most_common(1)[0][0]]

    @property
    def replicas(self) -> list[Server]:
        """All nodes but the primary, dead ones too."""
        primary = self.primary
        return [node for node in self._nodes if node is not primary]

    @property
    def url(self) -> str:
        """``redis+sentinel://host:port,host:port/name``: all sentinels; user and password are those of the nodes."""
        userinfo = self._nodes[0].userinfo if self._nodes else ""
        addresses = ",".join(f"{sentinel.host}:{sentinel.port}" for sentinel in self._sentinels)
        return f"redis+sentinel://{userinfo}{addresses}/{self.name}"

    # Starting and stopping -----------------------------------------------------------------------------

    def start(self) -> Self:
        """Start all servers, wait until the sentinels know each other and all nodes, and return it.

        Does nothing if it was started. Raises what ``Server.start`` raises, and ``TimeoutError``.
        """
        if self._nodes:
            return self
        sentinels, replicas = self._counts
        try:
            primary = self._start_node({})
            for _ in range(replicas):
                self._start_node({"replicaof": f"{primary.host} {primary.port}"})
            # A sentinel asks the primary at once which replicas it has, and again after ten seconds.
            self._wait(lambda: self._unlinked(self._nodes[1:]))
            for _ in range(sentinels):
                self._start_sentinel(primary)
            self._wait(self._strangers)
            for sentinel in self._sentinels:
                sentinel.command("SENTINEL", "DEBUG", "PUBLISH-PERIOD", HELLO_PERIOD)
            self.wait_agreed()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all servers and remove their files. ``start()`` makes new ones. Calling it again does nothing."""
        with ExitStack() as ends:  # all of them, even if ending one fails
            for server in (*self._nodes, *self._sentinels):
                ends.callback(server.stop)
            self._nodes, self._sentinels = [], []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_agreed(self, timeout: float = AGREE_TIMEOUT) -> None:
        """Wait until all sentinels that are awake name the same node, and it is awake and is a primary.

        It does not wait for the replicas: sentinels turn an old primary into one only after ten seconds or so.
        Raises ``TimeoutError``, which says what is missing.
        """
        self._wait(self._doubt, timeout)

    # Changing the primary ------------------------------------------------------------------------------

    def failover(self) -> Server:
        """Let the sentinels promote a replica (``SENTINEL FAILOVER``), and return it when all of them name it.

        For ten seconds or so the old primary goes on taking writes, which are then lost: sentinels are like that.
        """
        old = self.primary
        self._wait(self._ask_for_failover)
        self._wait(lambda: f"{old!r} is the primary still" if self.primary is old else self._doubt())
        return self.primary

    def kill_primary(self) -> Server:
        """Kill the primary and return it. ``wait_agreed()`` waits for the promotion of a replica."""
        primary = self.primary
        primary.kill()
        return primary

    # Asking the sentinels ------------------------------------------------------------------------------

    def _awake(self) -> list[Sentinel]:
        awake = [sentinel for sentinel in self._sentinels if sentinel.is_running and not sentinel.is_paused]
        if not awake:
            raise RuntimeError("no sentinel is awake: start it, or resume a sentinel")
        return awake

    def _by_port(self) -> dict[int, Server]:
        return {node.port: node for node in self._nodes}

    def _doubt(self) -> str:
        """Return what is missing for the sentinels to agree, or an empty string."""
        ports = {sentinel.primary_port(self.name) for sentinel in self._awake()}
        if len(ports) > 1:
            return f"the sentinels name the ports {', '.join(map(str, sorted(ports)))}"
        primary = self._by_port()[ports.pop()]
        if not primary.is_running or primary.is_paused:
            return f"the sentinels name {primary!r}, which is not awake"
        role = primary.info("replication")["role"]
        return "" if role == "master" else f"the sentinels name {primary!r}, which is a {role}"

    def _ask_for_failover(self) -> str:
        """Ask a sentinel for a failover; return an empty string. A refusal is raised: one may be going on."""
        self._awake()[0].command("SENTINEL", "FAILOVER", self.name)
        return ""

    def _strangers(self) -> str:
        """Return which sentinel does not know all others and all nodes, or an empty string."""
        sentinels, replicas = self._counts
        for sentinel in self._sentinels:
            others = len(sentinel.command("SENTINEL", "SENTINELS", self.name))
            known = len(sentinel.command("SENTINEL", "REPLICAS", self.name))
            if (others, known) != (sentinels - 1, replicas):
                return f"{sentinel!r} knows {others} other sentinels and {known} replicas"
        return ""

    @staticmethod
    def _unlinked(replicas: list[Server]) -> str:
        late = next((node for node in replicas if node.info("replication").get("master_link_status") != "up"), None)
        return f"{late!r} is not linked to the primary" if late else ""

    @staticmethod
    def _wait(doubt: Callable[[], str], timeout: float = AGREE_TIMEOUT) -> None:
        wait_settled(doubt, timeout, "the sentinels and their nodes are not settled")

    # Starting them -------------------------------------------------------------------------------------

    def _start_node(self, role: Mapping[str, Setting]) -> Server:
        config = {**self._config, **role}
        node = Server(self._binary, username=self._username, password=self._password, config=config)
        self._nodes.append(node.start())
        return node

    def _start_sentinel(self, primary: Server) -> None:
        watch = dict(self._watch)
        lines = [f"monitor {self.name} {primary.host} {primary.port} {watch.pop('quorum')}"]
        lines += [f"{directive} {self.name} {value}" for directive, value in watch.items()]
        if self._username is not None:
            lines.append(f"auth-user {self.name} {quoted(self._username)}")
        if self._password is not None:
            lines.append(f"auth-pass {self.name} {quoted(self._password)}")
        if self._sentinel_username is not None:
            lines.append(f"sentinel-user {quoted(self._sentinel_username)}")
        if self._sentinel_password is not None:
            lines.append(f"sentinel-pass {quoted(self._sentinel_password)}")
        sentinel = Sentinel(
            self._binary,
            username=self._sentinel_username,
            password=self._sentinel_password,
            config={"sentinel": lines},
        )
        self._sentinels.append(sentinel.start())
        sentinel.command("SENTINEL", "DEBUG", "PUBLISH-PERIOD", FIRST_HELLO_PERIOD)
