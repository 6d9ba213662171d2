"""All combinations of how a connection is made, checked and reset, and what the caller does meanwhile (P-02).

A connection passes five gates: dial, handshake, configure, check, reset. Each succeeds (``ok``), fails (``error``),
takes a moment (``slow``) or never answers (``never``). The caller waits without a limit, has a short timeout, is
cancelled inside a gate, or closes the pool there.
"""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from respool.errors import ConnectFailed, ConnectTimeout, PoolTimeout, ServerError
from respool.testing import Close, Delay, FakeConnection, FakeNode, Reset, Silence
from respool.testing._actions import Reply

PATH: Final = ("dial", "handshake", "configure", "check")  # to a lease, in order
STATES: Final = ("ok", "error", "slow", "never")
#: The states of hooks with threads. A hook cannot be interrupted there, so "never" would really be for ever.
STATES_OF_HOOKS_IN_THREADS: Final = STATES[:3]

SLOW: Final = 0.01
#: The timeout of a gate that never answers. All others have ``LONG``, so that a busy machine changes no outcome.
BOUND: Final = 0.3
LONG: Final = 30.0
#: The short timeout of a caller: shorter than a slow gate.
SHORT: Final = 0.004

REFUSALS: Final = (
    b"-ERR refused\r\n",
    b"-WRONGPASS invalid username-password pair\r\n",
    b"-NOPERM no\r\n",
    b"nonsense\r\n",
    (b"+half an answ", Close()),
    Close(),
    Reset(),
)


class GateError(Exception):
    """Raised by a failing hook."""


#: The error that a caller gets, by the gate that stops it.
ERRORS: Final[dict[tuple[str, str], tuple[type[Exception], ...]]] = {
    ("dial", "error"): (ConnectFailed,),
    ("dial", "never"): (ConnectTimeout,),
    ("handshake", "error"): (ServerError, ConnectFailed),
    ("handshake", "never"): (ConnectTimeout,),
    ("configure", "error"): (GateError,),
    ("configure", "never"): (ConnectTimeout,),
    ("check", "error"): (GateError,),
    ("check", "never"): (PoolTimeout,),
}


@dataclass(frozen=True)
class Combination:
    """One combination of the matrix."""

    number: int
    dial: str
    handshake: str
    configure: str
    check: str
    reset: str
    caller: str

    @property
    def stop(self) -> tuple[str, str] | None:
        """The first gate on the way to a lease that stops a caller without a timeout, and its state."""
        for gate in PATH:
            state = getattr(self, gate)
            if state in ("error", "never"):
                return gate, state
        return None

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors that a caller without a timeout may get; empty if it gets its lease."""
        return () if self.stop is None else ERRORS[self.stop]

    @property
    def halt(self) -> str | None:
        """The gate on the way to a lease that takes time, in which the caller is interrupted."""
        halts: list[str] = []
        for gate in PATH:
            state = getattr(self, gate)
            if state in ("slow", "never"):
                halts.append(gate)
            if state in ("error", "never"):
                break
        return halts[self.number % len(halts)] if halts else None

    @property
    def patience(self) -> float:
        """The timeout of a waiting caller. Only this bounds a check that never answers."""
        return BOUND if self.stop == ("check", "never") else LONG

    @property
    def time_to_open(self) -> float:
        """The ``connect_timeout`` of a connection."""
        return BOUND if "never" in (self.dial, self.handshake) else LONG

    @property
    def time_for_hooks(self) -> float:
        """The ``connect_timeout`` of the pool, which bounds the hooks."""
        return BOUND if "never" in (self.configure, self.reset) else LONG

    @property
    def kept(self) -> tuple[int, ...]:
        """How many connections a caller without a timeout leaves in the pool."""
        if self.stop == ("check", "never"):
            return 0, 1  # its timeout may have passed before there was a connection to check
        return (int(self.stop is None and self.reset in ("ok", "slow")),)

    def healed(self) -> Combination:
        """The same with all gates open."""
        return replace(self, dial="ok", handshake="ok", configure="ok", check="ok", reset="ok")

    def __str__(self) -> str:
        gates = f"dial {self.dial}, handshake {self.handshake}, configure {self.configure}, check {self.check}"
        return f"#{self.number}: {gates}, reset {self.reset}; the caller {self.caller}"


def all_combinations(hook_states: tuple[str, ...], callers: tuple[str, ...]) -> Iterator[Combination]:
    """Yield the matrix, shuffled, so that combinations that wait and those that compute are mixed."""
    rows = list(itertools.product(STATES, STATES, hook_states, hook_states, hook_states, callers))
    random.Random(1).shuffle(rows)
    for number, row in enumerate(rows, 1):
        yield Combination(number, *row)


class Gates:
    """The five gates of one pool. The hooks for asyncio and for threads ask it what to do."""

    def __init__(self, combination: Combination, site: Site) -> None:
        self.now = combination
        self.reached: set[str] = set()
        self._site = site
        site.gates[f"c{combination.number}".encode()] = self  # its connections have that password

    def heal(self) -> None:
        self.now = self.now.healed()

    def state(self, gate: str) -> str:
        """Record that a gate is reached, and return its state. Raises GateError if that is ``error``."""
        state: str = getattr(self.now, gate)
        if state != "ok":
            self.reached.add(gate)
        if state == "error" and gate != "dial":
            raise GateError(gate)
        return state

    def port(self) -> int:
        """Return the port to dial: of a node, without a listener, or of a node that never accepts."""
        site = self._site
        return {"error": site.nobody, "never": site.full.port}.get(self.state("dial"), site.node.port)


class Site:
    """The network of the matrix: a node, a node with a full backlog, and a port where nobody listens."""

    def __init__(self) -> None:
        self.node = FakeNode()
        self.full = FakeNode.full()
        self._closed = socket.socket()
        self.nobody = 0
        self.gates: dict[bytes, Gates] = {}
        self.node.on("HELLO", self._hello)
        self.node.on("AUTH", self._auth)  # in RESP2, which is tried where HELLO fails

    def __enter__(self) -> Self:
        self._closed.bind(("127.0.0.1", 0))  # and does not listen: connecting is refused
        self.nobody = self._closed.getsockname()[1]
        self.node.start()
        self.full.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.full.stop()
        self.node.stop()
        self._closed.close()

    def _hello(self, command: tuple[bytes, ...], connection: FakeConnection) -> Reply:
        connection.protocol = 3
        hello = b"%%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:%d\r\n" % connection.number
        if b"AUTH" not in command:  # it tries whether HELLO ended the last connection: this one is authenticated
            return hello
        return self._greet(command[command.index(b"AUTH") + 2], hello)

    def _auth(self, command: tuple[bytes, ...], _: FakeConnection) -> Reply:
        return self._greet(command[-1], b"+OK\r\n")

    def _greet(self, password: bytes, greeting: bytes) -> Reply:
        gates = self.gates[password]
        try:
            state = gates.state("handshake")
        except GateError:
            return REFUSALS[gates.now.number % len(REFUSALS)]
        return {"slow": Delay(SLOW, greeting), "never": Silence()}.get(state, greeting)
