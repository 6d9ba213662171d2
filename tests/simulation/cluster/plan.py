"""The plan of one run of a cluster, made from its seed before anything starts.

``temper`` says what may go wrong:

``calm``     slots move, nodes come and go. No caller may notice, except by TRYAGAIN, and by leases of slots that left.
``planned``  replicas take over as administrators make them do. Commands in flight end, but nothing is lost.
``lossy``    primaries crash, hang, or are cut off from the majority. What was not copied is lost.
``flaky``    links break, and servers refuse connections.
``hell``     all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from respool._protocol.run import BIG_COUNT
from respool.testing._fake_routing import Flavor

from ..loop import Order
from ..network import Weather
from ..plan import FLAKY, chance_of, make_options, make_order, make_weather
from .model import Lags

CALM: Final = "move move move move_at_once move_at_once replica_joins replica_leaves shard_joins shard_leaves".split()
PLANNED: Final = [*CALM, *"planned planned planned planned".split()]
LOSSY: Final = [*CALM, *"planned crash crash hang hang hang isolate isolate isolate replica_crashes".split()]
EVENTS: Final = {"calm": CALM, "planned": PLANNED, "lossy": LOSSY, "flaky": CALM, "hell": LOSSY}
FAULTS: Final = [*FLAKY, *"refuse silent mute loading crowded network_down".split()]


@dataclass
class ClusterPlan:
    """One run. The fields that ``simulation.plan.Plan`` has too mean the same."""

    seed: int
    temper: str
    order: Order
    weather: Weather
    options: dict[str, Any]
    clients: int
    operations: int
    span: float
    pace: float
    shards: int
    replicas: int
    flavor: Flavor
    lags: Lags
    serves_stale: bool
    #: After how many seconds a node that nobody reaches counts as failed.
    timeout: float
    #: How long a step of a move takes, at most.
    move_pace: float
    closes_early: bool
    knows_resp3: bool
    big_count: int
    events: list[tuple[float, str]] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    hooks: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    selects: bool = False
    scripts: bool = False

    @property
    def is_calm(self) -> bool:
        return self.temper == "calm"

    @property
    def has_room(self) -> bool:
        """Whether every node can take what is sent to it. Otherwise a part of what has no reply may be dropped."""
        options = self.options
        return options["shared"] != 0 and options["on_full"] == "wait" and options["max_waiting"] > 8

    @property
    def loses_nothing(self) -> bool:
        """Whether every write that was executed stays."""
        return self.temper in ("calm", "planned", "flaky")


def make_cluster_plan(seed: int) -> ClusterPlan:
    """Decide everything about run ``seed``."""
    chance = chance_of(seed, "cluster")
    temper = chance.choices(tuple(EVENTS), (3, 2, 4, 2, 3))[0]
    span = chance.choice((0.1, 1.0, 5.0, 20.0))
    clients = min(30, 4 + int(chance.expovariate(1 / 4)))
    operations = chance.randint(3, 10 if clients < 15 else 5)
    shards, replicas = chance.choice((2, 3, 3, 4)), chance.choice((1, 1, 2))
    plan = ClusterPlan(
        seed=seed,
        temper=temper,
        order=make_order(chance),
        weather=make_weather(chance, is_calm=temper != "flaky"),
        options=_options(chance, shards, replicas),
        clients=clients,
        operations=operations,
        span=span,
        pace=span / operations,
        shards=shards,
        replicas=replicas,
        flavor=chance.choice(("valkey", "redis")),
        lags=Lags(replication=chance.choice((0.0, 0.001, 0.05)), gossip=chance.choice((0.001, 0.02, 0.2))),
        serves_stale=chance.random() < 0.7,
        timeout=chance.choice((0.1, 0.5, 2.0)),
        move_pace=chance.choice((0.0005, 0.01, 0.1, 1.0)),
        closes_early=chance.random() < 0.1,
        knows_resp3=chance.random() < 0.9,
        big_count=chance.choice((BIG_COUNT, BIG_COUNT, 3)),
    )
    if plan.weather.latency * (1.0 + plan.weather.jitter) > 0.01:
        plan.options["connect_timeout"] = 2.0
        plan.options["read_timeout"] = 5.0
    kinds = EVENTS[temper]
    if "max_total" in plan.options:
        kinds = [kind for kind in kinds if not kind.endswith("joins")]
    count = chance.randint(1, max(3, min(clients * operations // 6, 25)))
    plan.events = sorted((chance.uniform(0.0, span), chance.choice(kinds)) for _ in range(count))
    if temper in ("flaky", "hell"):
        plan.faults = sorted((chance.uniform(0.0, span), chance.choice(FAULTS)) for _ in range(count))
    return plan


def _options(chance: Random, shards: int, replicas: int) -> dict[str, Any]:
    options = make_options(chance)
    options["db"] = 0
    options["acquire_timeout"] = chance.choice((1.0, 30.0, 30.0))
    options["read_from"] = chance.choice(("primary", "primary", "replica", "any"))
    for name in ("max_idle", "max_lifetime", "keepalive"):
        if (options.get(name) or 1.0) < 0.5:
            options[name] = 0.5
    if chance.random() < 0.3 and options["shared"] is not None:
        # As many as all nodes need for their shared connections, and for a lease: a shared one is never given up.
        nodes = shards * (1 + replicas)
        options["max_total"] = nodes * (options["shared"] + 1) + chance.choice((0, 2, nodes))
    seeds = range(1, shards + 1)
    chosen = chance.sample(seeds, chance.randint(1, shards))
    options["seeds"] = [(f"10.0.0.{number}", 7000 + number) for number in chosen]
    return options
