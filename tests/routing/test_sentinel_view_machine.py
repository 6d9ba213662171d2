"""The view of a primary against sentinels and nodes that fail over, sleep, are cut off, and publish late or in vain.

The model plays them and the shell. A failover raises the epoch and makes another node a master; the old one stays one
until a sentinel converts it. Sentinels learn of it one by one. Whatever happens: no node is in service that a newer
epoch, as far as it was told, or an announcement deposed; questions keep their bounds; and once everybody is awake and
agrees, the true primary is in service.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respool._routing.sentinel_answers import Answer
from respool._routing.sentinel_view import Change, Check, SentinelView
from respool._routing.sentinels import PATIENCE, PAUSE, PERIOD, Ask
from respool._routing.topology import Address

PICK = st.integers(0, 10_000)
TINY = 1e-9  # what a sum of times may be off


def s(number: int) -> Address:
    return f"s{number}", 26379


def n(number: int) -> Address:
    return "n", 7000 + number


class SentinelViewMachine(RuleBasedStateMachine):
    @initialize(sentinels=st.integers(1, 4), seeds=st.integers(1, 4), nodes=st.integers(2, 4), seed=st.integers(0, 99))
    def start(self, sentinels: int, seeds: int, nodes: int, seed: int) -> None:
        self.now = 1000.0
        self.random = random.Random(seed)
        self.nodes = [n(number) for number in range(nodes)]
        self.masters = {n(0)}
        self.lost: set[Address] = set()  # nodes that cannot be reached
        self.history = [n(0)]  # the primary of each epoch
        self.knows = dict.fromkeys((s(number) for number in range(sentinels)), 0)  # the epoch of each sentinel
        self.asleep: set[Address] = set()
        self.cut: set[Address] = set()  # sentinels that we cannot reach
        self.queue: list[tuple[Address, str]] = []  # announcements on their way
        self.view = SentinelView("p", [s(each) for each in range(min(seeds, sentinels))], self.now, self.random.random)
        self.asks: dict[Ask, Answer] = {}
        self.checks: dict[Check, Any] = {}
        self.asked_at: dict[Address, float] = {}
        self.told = -1
        self.accused: dict[Address, tuple[Address, float]] = {}
        self.stale: set[Address] = set()  # sentinels that announced something since they were asked
        self.by_redirect: Address | None = None

    # The world ------------------------------------------------------------------------------------------

    @property
    def primary(self) -> Address:
        return self.history[-1]

    def learn(self, sentinel: Address, is_lost: bool) -> None:
        old, new = self.history[self.knows[sentinel]], self.primary
        self.knows[sentinel] = len(self.history) - 1
        if old != new and not is_lost and sentinel not in self.cut:
            self.queue.append((sentinel, f"p {old[0]} {old[1]} {new[0]} {new[1]}"))

    @rule(pick=PICK, leader=PICK, is_lost=st.booleans())
    def fail_over(self, pick: int, leader: int, is_lost: bool) -> None:
        awake = [each for each in self.knows if each not in self.asleep and self.knows[each] == len(self.history) - 1]
        if awake:
            others = [node for node in self.nodes if node != self.primary]
            self.history.append(others[pick % len(others)])
            self.masters.add(self.primary)
            self.learn(awake[leader % len(awake)], is_lost)

    @rule(pick=PICK, is_lost=st.booleans())
    def gossip(self, pick: int, is_lost: bool) -> None:
        late = [each for each in self.knows if each not in self.asleep and self.knows[each] < len(self.history) - 1]
        if late:
            self.learn(late[pick % len(late)], is_lost)

    @rule(pick=PICK)
    def convert(self, pick: int) -> None:
        if old := sorted(self.masters - {self.primary}):
            self.masters.discard(old[pick % len(old)])

    @rule(pick=PICK)
    def sleep_or_wake(self, pick: int) -> None:
        self.asleep ^= {list(self.knows)[pick % len(self.knows)]}

    @rule(pick=PICK)
    def cut_or_join(self, pick: int) -> None:
        sentinel = list(self.knows)[pick % len(self.knows)]
        self.cut ^= {sentinel}
        if sentinel not in self.cut:
            self.view.ask_by(sentinel, self.now)

    @rule(pick=PICK)
    def lose_or_find(self, pick: int) -> None:
        self.lost ^= {self.nodes[pick % len(self.nodes)]}

    # The shell ------------------------------------------------------------------------------------------

    def answer_of(self, sentinel: Address) -> Answer:
        epoch = self.knows[sentinel]
        primary = self.history[epoch]
        replicas = {node: False for node in self.nodes if node != primary}
        others = {each: each[0] for each in self.knows if each != sentinel}
        return Answer(primary, epoch, replicas, others, sentinel[0])

    def role_of(self, node: Address) -> Any:
        if node in self.lost:
            return ConnectionError("refused")
        return ["master", 0, []] if node in self.masters else ["slave", *self.primary, "connected", 0]

    def note(self, change: Change) -> None:
        if change.old is not None or change.new is not None:
            assert change.why
            assert self.view.primary == change.new
        if change.new is not None:
            assert change.new not in self.lost

    def do_due(self) -> None:
        asks, checks = self.view.due(self.now)
        assert self.view.due(self.now) == ([], [])
        for ask in asks:
            assert ask.sentinel not in [each.sentinel for each in self.asks]
            assert self.now >= self.asked_at.get(ask.sentinel, 0.0) + PAUSE - TINY
            self.asked_at[ask.sentinel] = self.now
            self.stale.discard(ask.sentinel)
            self.asks[ask] = self.answer_of(ask.sentinel)
        for check in checks:
            assert check.address not in [each.address for each in self.checks]
            self.checks[check] = self.role_of(check.address)

    @rule()
    def ask(self) -> None:
        self.do_due()

    @rule(seconds=st.sampled_from([0.001, 0.05, 0.1, 0.3, 1.0, 7.0, PATIENCE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def wait_for_the_next(self) -> None:
        at = self.view.next_at()
        assert at < self.now + 2 * PERIOD or self.asks or self.checks
        if at < self.now + 2 * PERIOD:
            self.now = max(self.now, at)
            self.do_due()
            assert self.asks or self.checks

    def end(self, ask: Ask, is_slow: bool) -> None:
        answer = self.asks.pop(ask)
        self.now += 0.001
        if ask.sentinel in self.asleep | self.cut:
            self.note(self.view.failed(ask, ConnectionError("no answer"), self.now, self.random.random()))
            accused = self.accused.get(ask.sentinel)
            if accused is not None and self.now >= accused[1] + PATIENCE:
                del self.accused[ask.sentinel]
            return
        if not is_slow:
            answer = self.answer_of(ask.sentinel)
        if ask.sentinel not in self.stale:
            self.told = max(self.told, answer.epoch)
            self.accused.pop(ask.sentinel, None)
        self.note(self.view.answered(ask, answer, self.now, self.random.random()))

    @precondition(lambda self: self.asks)
    @rule(pick=PICK, is_slow=st.booleans())
    def answer(self, pick: int, is_slow: bool) -> None:
        self.end(list(self.asks)[pick % len(self.asks)], is_slow)

    def show(self, check: Check, is_slow: bool) -> None:
        reply = self.checks.pop(check)
        self.now += 0.001
        if not is_slow:
            reply = self.role_of(check.address)
        before = self.view.primary
        change = self.view.checked(check, reply, self.now)
        if change.new is None or not isinstance(reply, Exception):
            assert self.view.primary == (before if change.old is None and change.new is None else change.new)

    @precondition(lambda self: self.checks)
    @rule(pick=PICK, is_slow=st.booleans())
    def role(self, pick: int, is_slow: bool) -> None:
        self.show(list(self.checks)[pick % len(self.checks)], is_slow)

    @precondition(lambda self: self.queue)
    @rule(pick=PICK)
    def publish(self, pick: int) -> None:
        sentinel = self.queue[pick % len(self.queue)][0]
        place = next(place for place, (each, _) in enumerate(self.queue) if each == sentinel)
        self.deliver(*self.queue.pop(place))

    def deliver(self, sentinel: Address, text: str) -> None:
        if sentinel not in self.view.sentinels:
            return
        _, host, port, new_host, new_port = text.split()
        old, new, before = (host, int(port)), (new_host, int(new_port)), self.view.primary
        self.now += 0.001
        self.note(self.view.event(sentinel, "+switch-master", text, self.now))
        self.stale.add(sentinel)
        if sentinel in self.accused:
            if self.accused[sentinel][0] == new:
                del self.accused[sentinel]
            else:
                self.accused[sentinel] = (self.accused[sentinel][0], self.now)
        elif before == old:
            assert self.view.primary is None
            self.accused[sentinel] = (old, self.now)

    @precondition(lambda self: self.view.primary is not None and self.view.primary not in self.masters | self.lost)
    @rule(is_redirect=st.booleans())
    def write(self, is_redirect: bool) -> None:
        address = self.view.primary
        if is_redirect:
            self.by_redirect = self.primary
            self.view.redirected(address, self.primary, self.now)
        else:
            self.view.demoted(address, self.now)
        assert self.view.primary != address

    # What must hold -------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_in_service_who_was_deposed(self) -> None:
        primary = self.view.primary
        if primary is None:
            return
        latest = max(epoch for epoch, each in enumerate(self.history) if each == primary)
        assert latest >= self.told
        assert primary == self.by_redirect or primary not in [each for each, _ in self.accused.values()]
        assert primary not in self.view.replicas
        assert self.view.error() is None

    @rule()
    def calm(self) -> None:
        """Everybody is awake, knows the primary and can be reached: it is in service soon."""
        self.asleep.clear()
        self.cut.clear()
        self.lost.clear()
        self.masters = {self.primary}
        for sentinel in self.knows:
            self.learn(sentinel, is_lost=False)
        while self.queue:
            self.deliver(*self.queue.pop(0))
        until = self.now + PERIOD * 1.25 + 2.0
        while self.now < until:
            self.do_due()
            for ask in list(self.asks):
                self.end(ask, is_slow=False)
            for check in list(self.checks):
                self.show(check, is_slow=False)
            self.now = max(self.now, self.view.next_at())
        assert self.view.primary == self.primary
        assert self.view.epoch == len(self.history) - 1
        assert set(self.view.sentinels) == set(self.knows)
        assert self.view.replicas == {node: False for node in self.nodes if node != self.primary}
        self.do_due()


TestSentinelViewMachine = SentinelViewMachine.TestCase
