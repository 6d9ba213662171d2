"""Every way a connection can be made, checked and taken back, and what the caller may do meanwhile (P-02).

A connection passes five gates: dial, handshake, configure, check, reset. Each is open (``ok``), fails (``error``),
takes a moment (``slow``) or never answers (``never``). The caller waits as long as it takes, has little time, is
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
#: What a hook of the threaded world can do: nothing can interrupt it, so "never" would be for ever.
STATES_OF_HOOKS_IN_THREADS: Final = STATES[:3]

SLOW: Final = 0.01
#: What bounds a gate that never opens; everything else has ``LONG``, so that a busy machine changes no outcome.
BOUND: Final = 0.3
LONG: Final = 30.0
#: For the caller that has little time: shorter than a slow gate.
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
    """What a failing hook raises."""


#: What a caller meets, by the gate that stops it.
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
    """One line of the matrix."""

    number: int
    dial: str
    handshake: str
    configure: str
    check: str
    reset: str
    caller: str

    @property
    def stop(self) -> tuple[str, str] | None:
        """The first gate before a lease that does not let a patient caller through, and its state."""
        for gate in PATH:
            state = getattr(self, gate)
            if state in ("error", "never"):
                return gate, state
        return None

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What a patient caller meets; nothing when it gets its lease."""
        return () if self.stop is None else ERRORS[self.stop]

    @property
    def halt(self) -> str | None:
        """A gate on the way to a lease that takes time: where a caller is interrupted."""
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
        """How long a caller that waits is ready to wait; a check that never answers is bounded by that alone."""
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
        """How many connections a patient caller leaves behind in the pool."""
        if self.stop == ("check", "never"):
            return 0, 1  # its time may have been over before there was anything to check
        return (int(self.stop is None and self.reset in ("ok", "slow")),)

    def healed(self) -> Combination:
        """All gates are open."""
        return replace(self, dial="ok", handshake="ok", configure="ok", check="ok", reset="ok")

    def __str__(self) -> str:
        gates = f"dial {self.dial}, handshake {self.handshake}, configure {self.configure}, check {self.check}"
        return f"#{self.number}: {gates}, reset {self.reset}; the caller {self.caller}"


def all_combinations(hook_states: tuple[str, ...], callers: tuple[str, ...]) -> Iterator[Combination]:
    """Yield the matrix, shuffled: those that wait and those that work shall be evenly spread."""
    rows = list(itertools.product(STATES, STATES, hook_states, hook_states, hook_states, callers))
    random.Random(1).shuffle(rows)
    for number, row in enumerate(rows, 1):
        yield Combination(number, *row)


class Gates:
    """The five gates of one pool. The hooks of both worlds ask it what to do."""

    def __init__(self, combination: Combination, site: Site) -> None:
        self.now = combination
        self.reached: set[str] = set()
        self._site = site
        site.gates[f"c{combination.number}".encode()] = self  # its connections carry that name

    def heal(self) -> None:
        self.now = self.now.healed()

    def state(self, gate: str) -> str:
        """Note that a gate is reached, and return its state; an error is raised."""
        state: str = getattr(self.now, gate)
        if state != "ok":
            self.reached.add(gate)
        if state == "error" and gate != "dial":
            raise GateError(gate)
        return state

    def port(self) -> int:
        """Return the port to dial: of a node, of nobody, or of one that never accepts."""
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
        gates = self.gates[command[command.index(b"SETNAME") + 1]]
        try:
            state = gates.state("handshake")
        except GateError:
            return REFUSALS[gates.now.number % len(REFUSALS)]
        connection.protocol = 3
        hello = b"%%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:%d\r\n" % connection.number
        return {"slow": Delay(SLOW, hello), "never": Silence()}.get(state, hello)
