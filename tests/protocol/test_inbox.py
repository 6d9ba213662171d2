"""The queue of one subscriber: what is dropped, and where the gaps are."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respool._facts.messages import Gap
from respool._protocol.inbox import Inbox, Item
from respool.errors import QueueFull

A, B = ("", b"a"), ("", b"b")


def item(number: int) -> Item:
    return Item("message", None, b"c", b"%d" % number)


def put(inbox: Inbox, *numbers: int, now: float = 0.0) -> list[bool]:
    return [inbox.put(item(number), now) for number in numbers]


def taken(inbox: Inbox) -> list[Any]:
    """Return everything: a number, negative if it says that something is missing before it, or the reason of a gap."""
    got: list[Any] = []
    while (each := inbox.take()) is not None:
        if isinstance(each, Gap):
            got.append((each.reason, each.since))
        else:
            got.append(-int(each.data) if each.is_after_loss else int(each.data))
    return got


def test_messages_are_taken_in_order() -> None:
    inbox = Inbox(9, "drop_oldest")
    assert inbox.is_empty
    assert put(inbox, 1, 2, 3) == [True] * 3
    assert (inbox.size, inbox.is_empty) == (3, False)
    assert taken(inbox) == [1, 2, 3]
    assert (inbox.size, inbox.is_empty) == (0, True)


def test_of_a_full_one_the_oldest_go_and_the_gap_is_ahead() -> None:
    inbox = Inbox(2, "drop_oldest")
    assert put(inbox, 1, 2, 3, 4, now=7.0) == [True, True, False, False]
    assert (inbox.size, inbox.dropped, inbox.gaps) == (2, 2, 1)
    assert taken(inbox) == [("dropped", 7.0), -3, 4]
    put(inbox, 5)
    assert taken(inbox) == [5]


def test_of_a_full_one_the_newest_go_and_the_gap_is_behind() -> None:
    inbox = Inbox(2, "drop_newest")
    assert put(inbox, 1, 2, 3, 4, now=7.0) == [True, True, False, False]
    assert (inbox.size, inbox.dropped, inbox.gaps) == (2, 2, 1)
    assert taken(inbox) == [1, 2, ("dropped", 7.0)]
    put(inbox, 5, 6)
    assert taken(inbox) == [-5, 6]


def test_a_full_one_that_closes_keeps_what_it_has_and_takes_no_more() -> None:
    inbox = Inbox(2, "close")
    assert put(inbox, 1, 2) == [True, True]
    assert inbox.failure is None
    put(inbox, 3, 4)
    assert isinstance(inbox.failure, QueueFull)
    assert (inbox.dropped, inbox.gaps) == (0, 0)
    assert taken(inbox) == [1, 2]
    put(inbox, 5)
    assert taken(inbox) == []


def test_a_loss_is_a_gap_once_the_topic_is_back() -> None:
    inbox = Inbox(9, "drop_oldest")
    put(inbox, 1)
    inbox.lost(A, Gap("lost", 5.0))
    assert taken(inbox) == [1]
    assert inbox.gaps == 0
    inbox.found(A)
    assert inbox.gaps == 1
    put(inbox, 2, 3)
    assert taken(inbox) == [("lost", 5.0), -2, 3]


def test_of_several_lost_topics_the_last_one_makes_the_gap_but_messages_before_it_say_so_too() -> None:
    inbox = Inbox(9, "drop_oldest")
    inbox.lost(A, Gap("lost", 5.0))
    inbox.lost(B, Gap("moved", 6.0))
    inbox.found(A)
    put(inbox, 1, 2)
    inbox.found(B)
    put(inbox, 3, 4)
    assert taken(inbox) == [-1, 2, ("lost", 5.0), -3, 4]
    assert inbox.gaps == 1


def test_a_topic_that_is_lost_twice_is_missing_since_the_first_time() -> None:
    inbox = Inbox(9, "drop_oldest")
    inbox.lost(A, Gap("lost", 5.0))
    inbox.lost(A, Gap("moved", 6.0))
    inbox.found(A)
    inbox.found(A)
    assert taken(inbox) == [("lost", 5.0)]


def test_gaps_with_nothing_in_between_are_one() -> None:
    inbox = Inbox(1, "drop_newest")
    put(inbox, 1, 2, now=3.0)
    for since in (5.0, 6.0):
        inbox.lost(A, Gap("lost", since))
        inbox.found(A)
    assert inbox.gaps == 1
    assert taken(inbox) == [1, ("dropped", 3.0)]


def test_gaps_around_what_is_dropped_become_one() -> None:
    inbox = Inbox(1, "drop_oldest")
    inbox.lost(A, Gap("lost", 5.0))
    inbox.found(A)
    put(inbox, 1)
    inbox.lost(A, Gap("moved", 6.0))
    inbox.found(A)
    put(inbox, 2, now=9.0)
    assert inbox.gaps == 1
    assert taken(inbox) == [("lost", 5.0), -2]


def test_a_gap_before_what_is_dropped_is_kept() -> None:
    inbox = Inbox(2, "drop_oldest")
    put(inbox, 1)
    inbox.lost(A, Gap("lost", 5.0))
    inbox.found(A)
    put(inbox, 2)
    first = inbox.take()
    assert isinstance(first, Item)
    put(inbox, 3, 4, now=9.0)
    assert inbox.gaps == 1
    assert taken(inbox) == [("lost", 5.0), -3, 4]


class Machine(RuleBasedStateMachine):
    """Whatever happens, whoever takes everything can tell between which messages something is missing."""

    @initialize(limit=st.integers(1, 3), on_full=st.sampled_from(["drop_oldest", "drop_newest"]))
    def begin(self, limit: int, on_full: str) -> None:
        self.inbox = Inbox(limit, on_full)
        self.drops_oldest = on_full == "drop_oldest"
        self.number = 0
        self.waiting: deque[int] = deque()  # what the model keeps
        self.amid: set[int] = set()  # what came while a topic was lost: the gap comes behind it
        self.limit = limit
        self.lost: set[Any] = set()
        self.last = 0  # the last number that was taken
        self.told = False  # whether a gap has been taken since
        self.is_new = True  # whether something has happened since the last item was taken
        self.gaps = 0

    @rule()
    def put(self) -> None:
        self.number += 1
        self.is_new = True
        if self.lost:
            self.amid.add(self.number)
        is_kept = self.inbox.put(item(self.number), float(self.number))
        assert is_kept == (len(self.waiting) < self.limit)
        if not is_kept and self.drops_oldest:
            self.waiting.popleft()
        if is_kept or self.drops_oldest:
            self.waiting.append(self.number)

    @rule()
    def miss(self) -> None:
        if self.lost:
            self.number += 1  # published while a topic is lost: it never comes

    @rule(topic=st.sampled_from([A, B]))
    def lose(self, topic: Any) -> None:
        self.lost.add(topic)
        self.inbox.lost(topic, Gap("lost", 0.0))

    @rule(topic=st.sampled_from([A, B]))
    def find(self, topic: Any) -> None:
        self.lost.discard(topic)
        self.is_new = True
        self.inbox.found(topic)

    @rule()
    def take(self) -> None:
        each = self.inbox.take()
        if each is None:
            assert not self.waiting
        elif isinstance(each, Gap):
            assert self.is_new or not self.told, "two gaps with nothing in between"
            self.told, self.is_new = True, False
            self.gaps += 1
        else:
            number = int(each.data)
            assert number == self.waiting.popleft()
            assert each.is_after_loss or number == self.last + 1 or number in self.amid
            assert each.is_after_loss or not self.told
            self.last, self.told, self.is_new = number, False, False

    @invariant()
    def counts(self) -> None:
        if hasattr(self, "inbox"):
            assert self.inbox.size == len(self.waiting) <= self.limit
            assert self.inbox.is_empty or self.inbox.gaps >= self.gaps

    def teardown(self) -> None:
        if hasattr(self, "inbox"):
            for topic in list(self.lost):
                self.find(topic)
            while not self.inbox.is_empty:
                self.take()
            assert self.gaps == self.inbox.gaps


TestInbox = Machine.TestCase
