"""The refresh against nodes that answer, fail, hang, and come back, in any order.

The model plays the pool and the network: it hears things, asks whom it is told to ask, and answers late or not at all.
Whatever happens: one round at a time, at most one a second, and what was heard is asked about in the end.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respool._facts.server_records import SlotNode, SlotRange
from respool._routing.refresh import HEDGE, MOST, PAUSE, PROBES, WIDTH, Ask, Refresh
from respool._routing.topology import Address, Topology, View, ViewRefused, read_view

PICK = st.integers(0, 10_000)
NEVER = float("inf")
TINY = 1e-9  # what a sum of times may be off
SEEDS = (("seed", 1), ("h", 1))


class RefreshMachine(RuleBasedStateMachine):
    @initialize(shards=st.integers(1, 4), replicas=st.integers(0, 2), seed=st.integers(0, 100))
    def start(self, shards: int, replicas: int, seed: int) -> None:
        self.now = 1000.0
        self.random = random.Random(seed)
        self.shards = [[shard * 10 + place + 1 for place in range(replicas + 1)] for shard in range(shards)]
        self.topology = Topology()
        self.refresh = Refresh(self.topology, SEEDS, self.now)
        self.open: list[Ask] = []
        self.began: list[float] = []
        self.asked: Counter[tuple[int, Address, bool]] = Counter()
        self.probes: list[float] = []
        self.last_ask = self.last_event = self.now
        #: What was heard since the last view that was taken was asked for.
        self.unanswered = [self.now]

    def view(self) -> View:
        ranges = [
            SlotRange(place, place, [SlotNode("h", number, f"id-{number}", {}) for number in shard])
            for place, shard in enumerate(self.shards)
        ]
        return read_view(ranges, asked=("h", 1), known={})

    @rule(pick=PICK, many=st.integers(1, 3))
    def hear_moved(self, pick: int, many: int) -> None:
        for _ in range(many):
            self.now += 0.001
            place = pick % len(self.shards)
            target = "h", self.shards[place][0]
            self.topology.moved(place, target, self.now)
            self.refresh.moved(target)
            self.unanswered.append(self.now)

    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        if nodes := list(self.topology.nodes):
            self.refresh.unreachable(nodes[pick % len(nodes)])

    @rule(pick=PICK)
    def reach(self, pick: int) -> None:
        if nodes := list(self.topology.nodes):
            self.refresh.reachable(nodes[pick % len(nodes)])

    @rule()
    def doubt(self) -> None:
        self.now += 0.001
        self.refresh.doubted()
        self.unanswered.append(self.now)

    @rule(pick=PICK)
    def fail_over(self, pick: int) -> None:
        shard = self.shards[pick % len(self.shards)]
        shard.append(shard.pop(0))

    @rule(seconds=st.sampled_from([0.001, 0.05, HEDGE, 0.3, PAUSE, 7.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.refresh.next_at() < NEVER)
    @rule()
    def wait_for_the_next(self) -> None:
        self.now = max(self.now, self.refresh.next_at())
        self.ask()
        assert self.last_ask == self.now

    @rule()
    def ask(self) -> None:
        was_running = self.refresh.is_running
        was_due = self.refresh.next_at() <= self.now
        asks = self.refresh.due(self.now, self.random.random)
        assert bool(asks) == was_due
        assert self.refresh.due(self.now, self.random.random) == []
        if asks and not was_running:
            assert len(asks) == 1
            self.began.append(self.now)
            assert all(later - before >= PAUSE - TINY for before, later in pairwise(self.began))
            self.open.clear()
        assert len(asks) <= WIDTH
        for ask in asks:
            assert ask.at == self.now
            self.asked[ask.round, ask.address, ask.is_seed] += 1
            self.last_ask = self.last_event = self.now
        self.open += asks
        assert set(self.asked.values()) <= {1}
        assert len(self.open) <= MOST

    @precondition(lambda self: self.open)
    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        self.refresh.failed(self.open.pop(pick % len(self.open)), self.now, self.random.random())
        self.last_event = self.now
        self.ended()

    @precondition(lambda self: self.open)
    @rule(pick=PICK, is_late=st.booleans())
    def answer(self, pick: int, is_late: bool) -> None:
        ask = self.open.pop(pick % len(self.open))
        try:
            self.refresh.answered(ask, self.view(), self.now, self.random.random())
        except ViewRefused:
            raise AssertionError("a true view was refused") from None
        self.unanswered = [at for at in self.unanswered if at > ask.at]
        assert not self.refresh.is_running
        late = self.open.copy()
        self.open.clear()
        for other in late if is_late else ():
            assert self.refresh.answered(other, self.view(), self.now, 0.5).is_empty
            self.refresh.failed(other, self.now, 0.5)

    def ended(self) -> None:
        """A round ends when everybody was asked, and not before."""
        if not self.refresh.is_running:
            assert not self.open
            number = max(each for each, _, _ in self.asked)
            asked = {(address, is_seed) for each, address, is_seed in self.asked if each == number}
            assert {(address, True) for address in SEEDS} <= asked

    @rule(chance=st.floats(0.0, 1.0, exclude_max=True))
    def probe(self, chance: float) -> None:
        lost = self.refresh.next_probe_at() < NEVER
        probe = self.refresh.due_probe(self.now, chance)
        if probe is not None:
            assert lost
            assert self.topology.table[probe.slot] == probe.lost != probe.address
            assert probe.address in self.topology.nodes
            self.probes.append(self.now)
            assert all(b - a >= 1.0 / PROBES - TINY for a, b in pairwise(self.probes))

    @invariant()
    def what_was_heard_is_asked_about(self) -> None:
        if self.refresh.is_running:
            assert self.open or self.refresh.next_at() <= self.last_event
            assert self.refresh.next_at() == NEVER or self.refresh.next_at() <= self.last_event + HEDGE
        elif self.unanswered:
            longest = 5.0 * 1.25
            assert self.refresh.next_at() <= max(self.began[-1] + longest if self.began else self.now, self.now)
        assert self.refresh.is_running or self.refresh.next_at() < NEVER


TestRefreshMachine = RefreshMachine.TestCase
