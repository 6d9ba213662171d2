"""What subscribers want, and where it is: nothing is forgotten, whatever happens to lines."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respool._facts.messages import Gap
from respool._protocol.inbox import Inbox
from respool._protocol.subscribed import Topic
from respool._protocol.subscriptions import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LOOK_AGAIN,
    MOST_HOPS,
    Back,
    Claim,
    Subscriptions,
)
from respool.errors import ConnectFailed, NoPermission

A, B, C = ("", b"a"), ("", b"b"), ("", b"c")
GAP = Gap("lost", 5.0)


class Line:
    def __init__(self, address: str) -> None:
        self.address = address


def inbox() -> Inbox:
    return Inbox(9, "drop_oldest")


def live(state: Subscriptions, line: Line, *topics: Topic, now: float = 0.0) -> list[Any]:
    """Assign topics to a line, and confirm them."""
    found = []
    for topic in topics:
        if topic in state.homeless(now):
            state.assign(topic, line)
        found.append(state.confirmed(line, topic, now))
    return [each for each in found if each is not None]


def test_a_claim_is_over_when_all_its_topics_are_live() -> None:
    state, line, one = Subscriptions(), Line("x"), inbox()
    claim = state.want(one, [A, B])
    assert not claim.is_over
    assert set(state.homeless(0.0)) == {A, B}
    live(state, line, A)
    assert (claim.is_over, claim.missing) == (False, {B})
    live(state, line, B)
    assert claim.is_over
    assert state.topics_of(line) == {A, B}
    assert state.want(inbox(), [B]).is_over


def test_a_topic_goes_with_its_last_subscriber() -> None:
    state, line, one, two = Subscriptions(), Line("x"), inbox(), inbox()
    state.want(one, [A, B])
    state.want(two, [A])
    live(state, line, A, B)
    state.drop(one, [A, B, C])
    assert state.topics_of(line) == {A}
    assert list(state.readers(line, A)) == [two]
    state.leave(two)
    assert state.topics_of(line) == set()
    assert list(state.inboxes) == [one]
    assert state.count(one) == state.count(two) == 0


def test_only_the_line_of_a_topic_gives_messages_and_confirmations() -> None:
    state, old, new, one = Subscriptions(), Line("old"), Line("new"), inbox()
    state.want(one, [A])
    live(state, old, A)
    state.lost(old, GAP, 1.0)
    state.assign(A, new)
    assert list(state.readers(old, A)) == []
    assert list(state.readers(new, A)) == [one]
    assert state.confirmed(old, A, 2.0) is None
    assert one.gaps == 0
    assert state.confirmed(new, A, 4.0) == Back("old", 3.0)
    assert one.gaps == 1
    assert state.confirmed(new, A, 5.0) is None


def test_only_what_was_live_is_lost() -> None:
    state, line, one, two = Subscriptions(), Line("x"), inbox(), inbox()
    state.want(one, [A, B])
    live(state, line, A)
    state.assign(B, line)
    assert state.lost(line, GAP, 1.0) == 1
    state.want(two, [A])
    assert live(state, line, A, B, now=2.0) == [Back("x", 1.0)]
    assert (one.gaps, two.gaps) == (1, 0)


def test_a_line_may_lose_some_of_its_topics() -> None:
    state, line, one = Subscriptions(), Line("x"), inbox()
    state.want(one, [A, B])
    live(state, line, A, B)
    assert state.lost(line, GAP, 1.0, [B, C]) == 1
    assert state.topics_of(line) == {A}
    assert state.homeless(1.0) == [B]


def test_a_lost_topic_is_tried_at_once_and_then_after_pauses_that_double() -> None:
    state, line, one = Subscriptions(), Line("x"), inbox()
    state.want(one, [A])
    now, pauses = 100.0, []
    for _ in range(12):
        state.assign(A, line)
        state.lost(line, GAP, now)
        at = max(state.next_at(), now)
        assert (state.homeless(now) == [A]) == (at == now)
        pauses.append(round(at - now, 6))
        now = at
        assert state.homeless(now) == [A]
    assert pauses[:4] == [0.0, FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    state.hurry()
    assert state.next_at() == float("-inf")
    live(state, line, A, now=now)
    state.lost(line, GAP, now)
    assert state.homeless(now) == [A]


def test_being_sent_elsewhere_costs_no_pause_unless_it_goes_on() -> None:
    state, line, one = Subscriptions(), Line("x"), inbox()
    state.want(one, [A])
    for _ in range(MOST_HOPS + 1):
        assert state.homeless(0.0) == [A]
        state.assign(A, line)
        state.lost(line, GAP, 0.0, is_hop=True)
    state.assign(A, line)
    state.lost(line, GAP, 0.0, is_hop=True)
    assert state.homeless(0.0) == []


def test_what_has_no_node_is_put_off() -> None:
    state = Subscriptions()
    state.want(inbox(), [A])
    assert state.next_at() == float("-inf")
    state.put_off(A, 7.0)
    assert state.homeless(7.0) == []
    assert state.next_at() == 7.0 + LOOK_AGAIN
    assert state.homeless(state.next_at()) == [A]


def test_the_error_of_a_dial_is_for_those_who_wait_and_for_nobody_else() -> None:
    state, line, one, two = Subscriptions(), Line("x"), inbox(), inbox()
    state.want(one, [A])
    live(state, line, A)
    state.lost(line, GAP, 1.0)
    claim, other = state.want(two, [A, B]), state.want(two, [C])
    for topic in (A, B):
        state.assign(topic, line)
    state.assign(C, Line("y"))
    error = ConnectFailed("no")
    state.failed(line, error, 2.0)
    assert claim.error is error
    assert other.error is None
    assert one.failure is two.failure is None
    assert live(state, line, A, now=3.0) == [Back("x", 2.0)]


def test_a_refusal_ends_claims_and_those_who_had_the_topic_before() -> None:
    state, line, one, two = Subscriptions(), Line("x"), inbox(), inbox()
    state.want(one, [A, B])
    live(state, line, A, B)
    state.lost(line, GAP, 1.0)
    claim = state.want(two, [A])
    state.assign(A, line)
    error = NoPermission("NOPERM", "no")
    assert state.refused([A], error) == [one]
    assert claim.error is error
    assert (one.failure, two.failure) == (error, None)
    assert state.count(two) == 0
    assert state.homeless(9.0) == [B]


def test_a_claim_that_is_released_or_whose_subscriber_left_is_told_nothing() -> None:
    state, line, one = Subscriptions(), Line("x"), inbox()
    claim, other = state.want(one, [A]), state.want(one, [B])
    state.release(claim, is_kept=True)
    state.release(claim, is_kept=False)
    state.assign(A, line)
    state.failed(line, ConnectFailed("no"), 0.0)
    assert claim.error is None
    state.leave(one)
    state.leave(one)
    assert other.error is None
    assert other.missing == {B}
    assert state.homeless(99.0) == []


def test_a_claim_that_fails_drops_what_it_has_added_and_no_other_claim_wants() -> None:
    state, one, two = Subscriptions(), inbox(), inbox()
    state.release(state.want(one, [A]), is_kept=True)
    first, second, foreign = state.want(one, [A, B, C]), state.want(one, [B]), state.want(two, [C])
    state.release(first, is_kept=False)
    assert state.inboxes == {one: {A, B}, two: {C}}
    state.release(second, is_kept=False)
    state.release(foreign, is_kept=False)
    assert state.inboxes == {one: {A}, two: set()}


def test_what_a_claim_has_got_is_not_dropped_by_one_that_wanted_it_too() -> None:
    state, one = Subscriptions(), inbox()
    first, second = state.want(one, [A, B]), state.want(one, [A])
    state.release(second, is_kept=True)
    state.release(first, is_kept=False)
    assert state.inboxes == {one: {A}}


def test_nothing_is_missing_of_what_was_dropped_and_what_came_back_belongs_to_others() -> None:
    state, one, two = Subscriptions(), inbox(), inbox()
    claim, foreign = state.want(one, [A, B]), state.want(two, [A])
    state.drop(one, [A])
    assert (claim.missing, foreign.missing) == ({B}, {A})
    later = state.want(one, [A])
    state.release(claim, is_kept=True)
    assert state.inboxes == {one: {A, B}, two: {A}}
    state.release(later, is_kept=False)
    assert state.inboxes == {one: {B}, two: {A}}


class Machine(RuleBasedStateMachine):
    """Topics, subscribers and lines that come and go: what is wanted is the union of what all want, at one line each."""

    @initialize()
    def begin(self) -> None:
        self.state = Subscriptions()
        self.wants: dict[Inbox, set[Topic]] = {}
        self.claims: list[Claim] = []
        self.unsure: dict[tuple[Inbox, Topic], list[Claim]] = {}  # what is wanted only by calls that have not ended
        self.lines = [Line(name) for name in "xyz"]
        self.at: dict[Topic, Line] = {}
        self.live: set[Topic] = set()

    @rule(topics=st.sets(st.sampled_from([A, B, C]), min_size=1), pick=st.integers(0, 3))
    def want(self, topics: set[Topic], pick: int) -> None:
        one = list(self.wants)[pick] if pick < len(self.wants) else inbox()
        claim = self.state.want(one, topics)
        self.claims.append(claim)
        mine = self.wants.setdefault(one, set())
        for topic in topics:
            if topic not in mine:
                self.unsure[one, topic] = [claim]
            elif (one, topic) in self.unsure:
                self.unsure[one, topic].append(claim)
        mine |= topics
        assert claim.missing == topics - self.live

    @rule(pick=st.integers(0, 3), is_kept=st.booleans())
    def release(self, pick: int, is_kept: bool) -> None:
        if pick >= len(self.claims):
            return
        claim = self.claims.pop(pick)
        self.state.release(claim, is_kept=is_kept)
        for (one, topic), claims in list(self.unsure.items()):
            if claim in claims:
                claims.remove(claim)
                if is_kept or not claims:
                    del self.unsure[one, topic]
                if not is_kept and not claims:
                    self.wants[one].remove(topic)
        self.forget_the_unwanted()

    @rule(topics=st.sets(st.sampled_from([A, B, C])), pick=st.integers(0, 3), leaves=st.booleans())
    def drop(self, topics: set[Topic], pick: int, leaves: bool) -> None:
        if pick < len(self.wants):
            one = list(self.wants)[pick]
            if leaves:
                self.state.leave(one)
                topics = self.wants.pop(one)
            else:
                self.state.drop(one, topics)
                self.wants[one] -= topics
            for topic in topics:
                self.unsure.pop((one, topic), None)
            self.forget_the_unwanted()

    def forget_the_unwanted(self) -> None:
        wanted = self.wanted()
        self.live &= wanted
        self.at = {topic: line for topic, line in self.at.items() if topic in wanted}

    def wanted(self) -> set[Topic]:
        return set().union(*self.wants.values())

    @rule(pick=st.integers(0, 2))
    def place(self, pick: int) -> None:
        for topic in self.state.homeless(float("inf")):
            self.state.assign(topic, self.lines[pick])
            self.at[topic] = self.lines[pick]

    @rule(topic=st.sampled_from([A, B, C]), pick=st.integers(0, 2))
    def confirm(self, topic: Topic, pick: int) -> None:
        self.state.confirmed(self.lines[pick], topic, 0.0)
        if self.at.get(topic) is self.lines[pick]:
            self.live.add(topic)

    @rule(topics=st.sets(st.sampled_from([A, B, C])), pick=st.integers(0, 2))
    def lose(self, topics: set[Topic], pick: int) -> None:
        line = self.lines[pick]
        gone = {topic for topic in topics if self.at.get(topic) is line}
        assert self.state.lost(line, GAP, 0.0, topics) == len(gone & self.live)
        self.live -= gone
        self.at = {topic: line for topic, line in self.at.items() if topic not in gone}

    @invariant()
    def everything_wanted_has_one_place(self) -> None:
        if hasattr(self, "state"):
            assert self.state.inboxes == self.wants
            homeless = set(self.state.homeless(float("inf")))
            assert homeless == self.wanted() - self.at.keys()
            for line in self.lines:
                assert self.state.topics_of(line) == {topic for topic, at in self.at.items() if at is line}
            for topic, line in self.at.items():
                assert set(self.state.readers(line, topic)) == {
                    one for one, topics in self.wants.items() if topic in topics
                }


TestMachine = Machine.TestCase
