"""The plan of one run, made from its seed before anything starts.

Rule 1: all randomness of a run comes from generators made here by name, so that one more draw in one place does not
        change the others.
Rule 2: a world may be odd without any fault of the plan: see ``_refused`` and ``garble_rate``.
Rule 3: ``temper`` says how many faults there are. ``calm`` has none, so any error is a bug of the pool.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from respool._protocol.run import BIG_COUNT

from .loop import Order
from .network import Weather

TEMPERS: Final = ("calm", "flaky", "outage", "hell")


def chance_of(seed: int, name: str) -> Random:
    """Return the generator ``name`` of a seed."""
    return Random(zlib.crc32(name.encode()) << 40 ^ seed)


@dataclass
class Plan:
    """One run."""

    seed: int
    temper: str
    order: Order
    weather: Weather
    #: Options of the pool, without hooks.
    options: dict[str, Any]
    #: How each hook behaves: ``none``, ``good``, ``slow``, ``raises``, ``says no``.
    hooks: dict[str, str]
    clients: int
    operations: int
    #: The length of the busy part in seconds, and the mean pause of a client between two operations.
    span: float
    pace: float
    #: Whether clients may resize, clear, drain or select, and which dbs they use.
    controls: bool
    selects: bool
    #: Whether the pool is closed before its callers are done.
    closes_early: bool
    #: For how many seconds the node is down at the end, without callers (P-08); 0: not at all.
    last_outage: float
    password: str | None
    knows_resp3: bool
    denied: frozenset[str]
    #: From which size a pipeline is big, and how much of one is sent at a time.
    big_count: int
    #: How often a command is slow, and for how long, without this being a fault.
    slowness: tuple[float, float] = (0.0, 0.0)
    faults: list[tuple[float, str]] = field(default_factory=list)
    #: The words of transactions that the server refuses, each with its error; ``EXEC`` then leaves its MULTI open.
    refused: dict[str, str] = field(default_factory=dict)
    #: How often a reply cannot be parsed, because it is not RESP.
    garble_rate: float = 0.0
    #: Whether callers run scripts, which write and then answer with an error that looks like the server's own.
    scripts: bool = False
    #: When another node becomes the primary, and for how long the new one does not greet.
    failovers: list[tuple[float, float]] = field(default_factory=list)

    @property
    def is_calm(self) -> bool:
        """Whether there are no faults, and no connection has a reason to end before its time."""
        ends_connections = "EXEC" in self.refused or self.garble_rate or self.failovers
        return self.temper == "calm" and not ends_connections


def make_plan(seed: int) -> Plan:
    """Decide everything about run ``seed``."""
    chance = chance_of(seed, "plan")
    temper = chance.choices(TEMPERS, (3, 3, 2, 2))[0]
    span = chance.choice((0.02, 0.2, 2.0, 20.0))
    clients = min(60, 5 + int(chance.expovariate(1 / 7)))
    operations = chance.randint(2, 8 if clients < 20 else 4)
    plan = Plan(
        seed=seed,
        big_count=chance_of(seed, "big").choice((BIG_COUNT, 2, 5)),
        temper=temper,
        order=make_order(chance),
        weather=make_weather(chance, is_calm=temper == "calm"),
        options=make_options(chance),
        hooks=_hooks(chance),
        clients=clients,
        operations=operations,
        span=span,
        pace=span / operations,
        controls=chance.random() < 0.4,
        selects=chance.random() < 0.15,
        closes_early=chance.random() < 0.1,
        last_outage=chance.choices((0.0, 1.0, 60.0, 3600.0), (6, 2, 2, 1))[0],
        password="secret" if chance.random() < 0.2 else None,
        knows_resp3=chance.random() < 0.85,
        denied=frozenset({"CLIENT REPLY"} if chance.random() < 0.15 else ()),
    )
    if plan.is_calm:
        plan.slowness = chance.choice(((0.0, 0.0), (0.3, 0.005)))
    if chance.random() < 0.1:
        plan.options["path"] = "/run/valkey.sock"
    if plan.password is not None:
        plan.options["password"] = plan.password
    if plan.weather.latency * (1.0 + plan.weather.jitter) > 0.01:
        plan.options["connect_timeout"] = 2.0
        plan.options["read_timeout"] = 5.0
        plan.options["acquire_timeout"] = max(plan.options["acquire_timeout"], 1.0)
        for name in ("max_lifetime", "keepalive"):
            if (plan.options.get(name) or 60.0) < 5.0:
                plan.options[name] = 5.0  # must be longer than a dial
    if span > 0.2:
        for name in ("max_idle", "max_lifetime", "keepalive"):
            if (plan.options.get(name) or 1.0) < 0.5:
                plan.options[name] = 0.5  # more often finds nothing else
    shortest = min(plan.options.get(name) or 60.0 for name in ("max_idle", "max_lifetime", "keepalive"))
    plan.last_outage = min(plan.last_outage, shortest * 500.0)  # the maintenance task wakes that often
    if temper != "calm":
        plan.faults = _faults(chance, temper, span, clients * operations)
    odd = chance_of(seed, "odd worlds")
    if odd.random() < 0.15:
        plan.refused = _refused(odd)
    elif odd.random() < 0.15:
        plan.garble_rate = odd.choice((0.002, 0.01, 0.05))
    else:
        plan.scripts = odd.random() < 0.2
        if odd.random() < 0.2:
            late = odd.choice((0.0, 0.05, 0.3, 1.0, 3.0))
            plan.failovers = [(odd.uniform(0.0, span), late) for _ in range(odd.choice((1, 1, 2)))]
    return plan


def _refused(chance: Random) -> dict[str, str]:
    """Return which words of transactions a server refuses, because they were renamed or an ACL forbids them.

    Servers from 7 on discard the transaction of a forbidden EXEC, and say EXECABORT; older ones and proxies do not.
    """
    names = chance.choice((("EXEC",), ("EXEC",), ("MULTI",), ("MULTI", "EXEC"), ("DISCARD",), ("EXEC", "DISCARD")))
    kind = chance.choice(("renamed", "forbidden", "aborted"))
    refused = {}
    for name in names:
        refused[name] = f"NOPERM User default has no permissions to run the '{name.lower()}' command"
        if kind == "renamed":
            refused[name] = f"ERR unknown command '{name}', with args beginning with: "
        elif kind == "aborted" and name == "EXEC":
            refused[name] = f"EXECABORT Transaction discarded because of: {refused[name]}"
    return refused


def make_order(chance: Random) -> Order:
    """Return how the loop of a run is scheduled."""
    return Order(
        adversarial=chance.random() < 0.25,
        coarse=chance.random() < 0.3,
        timers_first=chance.random() < 0.3,
        lateness=chance.choice((0.0, 0.2, 0.5)),
    )


def make_weather(chance: Random, *, is_calm: bool) -> Weather:
    """Return how the links of a run behave."""
    return Weather(
        latency=chance.choice((0.0, 0.0002, 0.001) if is_calm else (0.0, 0.0002, 0.001, 0.02)),
        jitter=chance.choice((0.0, 0.5) if is_calm else (0.0, 0.5, 5.0)),
        reading=chance.choice(("as sent", "merged", "split", "crumbs")),
        window=chance.choice((4096, 65536) if is_calm else (64, 4096, 65536, 1 << 20)),
        delivers_last=chance.choice((0.0, 0.5, 1.0)),
    )


def make_options(chance: Random) -> dict[str, Any]:
    """Return options that hold for the connections to one node."""
    max_size = chance.choice((1, 2, 2, 3, 4, 6, 10))
    shared: int | None = min(chance.choice((0, 0, 0, 1, 1, 2, 3, 4)), max_size)
    if shared == max_size and chance.random() < 0.8:
        shared -= 1  # otherwise there would be no leases at all
    if chance.random() < 0.15:
        shared = None
    options: dict[str, Any] = {
        "max_size": max_size,
        "min_size": chance.choice((0, 0, 1, 2, max_size)) if max_size > 1 else chance.choice((0, 1)),
        "shared": shared,
        "strategy": chance.choice(("least_pending", "round_robin", "random")),
        "on_full": "raise" if chance.random() < 0.15 else "wait",
        "acquire_timeout": chance.choice((0.05, 1.0, 30.0, 30.0)),
        "connect_timeout": chance.choice((0.2, 2.0)),
        "read_timeout": chance.choice((0.3, 5.0)),
        "max_waiting": chance.choice((1, 8, 1024, 1024, 1024, 1024, 1024, 1024)),
        "max_dials": chance.choice((1, 2, 2, 5)),
        "idle_order": chance.choice(("lifo", "fifo")),
        "stall_after": chance.choice((None, 0.05, 1.0)),
        "close_on_error": chance.random() < 0.2,
        "client_name": chance.choice((None, "sim")),
        "protocol": chance.choice((3, 3, 3, 2)),
        "db": chance.choice((0, 0, 0, 3)),
        "trace_leases": chance.random() < 0.05,
    }
    if chance.random() < 0.3:
        options["max_in_flight"] = chance.choice((1, 2, 5))
    if chance.random() < 0.2:
        options["max_in_flight_bytes"] = chance.choice((1, 2000))
    if chance.random() < 0.4:
        options["max_idle"] = chance.choice((0.01, 0.5, 5.0, None))
    if chance.random() < 0.4:
        options["max_lifetime"] = chance.choice((0.02, 0.5, 5.0, None))
    if chance.random() < 0.4:
        options["keepalive"] = chance.choice((0.05, 0.5, 5.0, None))
    if chance.random() < 0.1:
        options["retry"] = None
    options["min_size"] = min(options["min_size"], max_size)
    return options


def _hooks(chance: Random) -> dict[str, str]:
    hooks = {}
    for name in ("configure", "check", "reset"):
        kinds = ("none", "good", "slow", "raises", "says no") if name == "check" else ("none", "good", "slow", "raises")
        hooks[name] = chance.choices(kinds, (12, 2, 2, 1, 1)[: len(kinds)])[0]
    return hooks


FLAKY: Final = (
    "reset reset eof farewell farewell half_reply freeze freeze freeze_down slow_link black_hole push push stall slow_server fast_server"
).split()
OUTAGE: Final = (
    "restart restart refuse silent mute loading crowded network_down polite_restart demoted locked"
).split()


def _faults(chance: Random, temper: str, span: float, busyness: int) -> list[tuple[float, str]]:
    """Return the times of the faults. They are as dense as the operations, or they would affect none."""
    kinds = {"flaky": FLAKY, "outage": OUTAGE, "hell": FLAKY * 2 + OUTAGE}[temper]
    count = chance.randint(1, max(3, min(busyness // 4, 25)) if temper != "outage" else 4)
    return sorted((chance.uniform(0.0, span), chance.choice(kinds)) for _ in range(count))
