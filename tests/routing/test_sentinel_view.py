"""Who is the primary, by what sentinels and nodes say (Rules 1 to 6 of sentinel_view.py)."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from respool._facts.errors import ConnectFailed, UsageError
from respool._facts.server_records import PrimaryRole, ReplicaRole
from respool._routing.sentinel_answers import Answer
from respool._routing.sentinel_view import Change, Check, SentinelView
from respool._routing.sentinels import PATIENCE, PAUSE, PERIOD, RETRY, Ask
from respool._routing.topology import Address

A, B, C = ("a", 6379), ("b", 6379), ("c", 6379)
MASTER, SLAVE = ["master", 0, []], ["slave", "x", 6379, "connected", 0]
REFUSED = ConnectionError("refused")


def s(number: int) -> Address:
    return f"s{number}", 26379


def switch(old: Address, new: Address) -> str:
    return f"p {old[0]} {old[1]} {new[0]} {new[1]}"


class World:
    """A view of the primary "p" with its sentinels, what each of them and each node says, and time."""

    def __init__(self, *named: tuple[Address, int] | None, remap: Any = None) -> None:
        self.now = 100.0
        #: What each sentinel answers, and each node; an error is raised.
        self.sentinels: dict[Address, Answer | Exception] = {}
        self.roles: dict[Address, Any] = {A: MASTER, B: SLAVE, C: SLAVE}
        for number, each in enumerate(named):
            self.sentinels[s(number)] = Answer() if each is None else Answer(*each)
        self.view = SentinelView("p", list(self.sentinels), self.now, random.Random(5).random, remap=remap)
        self.changes: list[Change] = []

    def note(self, change: Change) -> Change:
        self.changes.append(change)
        return change

    def due(self) -> tuple[list[Ask], list[Check]]:
        return self.view.due(self.now)

    def answer(self, ask: Ask) -> Change:
        answer = self.sentinels[ask.sentinel]
        if isinstance(answer, Exception):
            return self.note(self.view.failed(ask, answer, self.now, 0.5))
        return self.note(self.view.answered(ask, answer, self.now, 0.5))

    def show(self, check: Check) -> Change:
        return self.note(self.view.checked(check, self.roles[check.address], self.now))

    def step(self) -> None:
        asks, checks = self.due()
        for ask in asks:
            self.answer(ask)
        for check in checks:
            self.show(check)

    def run(self, seconds: float = 3.0) -> None:
        """Let time pass, and answer everything at once."""
        until = self.now + seconds
        while (at := max(self.now, self.view.next_at())) <= until:
            self.now = at
            self.step()
        self.now = until

    def announce(self, number: int, old: Address, new: Address) -> Change:
        return self.note(self.view.event(s(number), "+switch-master", switch(old, new), self.now))

    def name(self, primary: Address, epoch: int, *numbers: int) -> None:
        for number in numbers or range(len(self.sentinels)):
            self.sentinels[s(number)] = Answer(primary, epoch)

    def checked(self) -> list[Address]:
        """Whom ``due`` asks for the role now."""
        return [check.address for check in self.due()[1]]

    @property
    def adopted(self) -> list[Address]:
        return [change.new for change in self.changes if change.new is not None]


class TestAdopting:
    """Rule 1."""

    def test_the_first_answer_and_role_are_enough(self) -> None:
        world = World((A, 1), (A, 1), (A, 1))
        (ask,), checks = world.due()
        assert checks == []
        assert world.answer(ask).is_empty
        _, (check,) = world.due()
        assert check.address == A
        change = world.show(check)
        assert change == Change(None, A, "1 of 3 sentinels name it at epoch 1")
        assert world.view.primary == A
        assert world.view.error() is None
        world.run()
        assert world.adopted == [A]

    @pytest.mark.parametrize("reply", [MASTER, [b"master", 0, []], PrimaryRole("master", 0, [])])
    def test_a_reply_to_role_may_be_raw_or_a_record(self, reply: Any) -> None:
        world = World((A, 1))
        world.roles[A] = reply
        world.run()
        assert world.view.primary == A

    @pytest.mark.parametrize("reply", [SLAVE, [b"slave"], ReplicaRole("slave", "x", 1, "sync", 0), ["sentinel", []]])
    def test_who_says_anything_else_is_not_adopted(self, reply: Any) -> None:
        world = World((A, 1))
        world.roles[A] = reply
        world.run()
        assert world.adopted == []

    def test_a_stale_sentinel_does_not_win_though_the_old_primary_is_a_master_still(self) -> None:
        world = World((A, 1), (B, 2), (A, 1))
        world.roles[B] = MASTER
        world.run()
        assert world.view.primary == B
        assert world.view.epoch == 2
        assert world.adopted[-1] == B
        world.run(100.0)
        assert world.view.primary == B

    def test_a_higher_epoch_that_names_a_node_that_is_down_still_counts(self) -> None:
        world = World((A, 1), (B, 2))
        world.roles[B] = REFUSED
        world.run()
        assert world.view.primary is None
        world.roles[B] = MASTER
        world.run()
        assert world.view.primary == B

    def test_among_equal_epochs_the_majority_wins(self) -> None:
        world = World((A, 1), (B, 1), (B, 1))
        world.roles[B] = MASTER
        world.run()
        assert world.view.primary == B
        world.run(50.0)
        assert len(world.adopted) <= 2

    def test_a_majority_waits_for_role_and_the_minority_stays_until_then(self) -> None:
        world = World((A, 1))
        world.run()
        for number in (1, 2):
            world.view.event(s(0), "+sentinel", f"sentinel id{number} s{number} 26379 @ p a 6379", world.now)
        world.sentinels |= {s(1): Answer(B, 1), s(2): Answer(B, 1)}
        world.run()
        assert world.view.primary == A
        world.roles[B] = MASTER
        world.run()
        assert [(each.old, each.new) for each in world.changes if each.new] == [(None, A), (A, B)]

    def test_among_equals_the_primary_in_service_stays(self) -> None:
        for primary, other in ((A, B), (B, A)):
            world = World((primary, 1))
            world.roles |= {A: MASTER, B: MASTER}
            world.run()
            world.view.event(s(0), "+sentinel", "sentinel id1 s1 26379 @ p a 6379", world.now)
            world.sentinels[s(1)] = Answer(other, 1)
            world.run(50.0)
            assert world.adopted == [primary]

    @pytest.mark.parametrize("reply", [MASTER, SLAVE, REFUSED])
    def test_a_better_one_that_was_not_heard_is_waited_for(self, reply: Any) -> None:
        world = World((A, 1), (B, 1), (B, 1))
        world.roles[B] = reply
        asks = []
        for _ in world.sentinels:
            asks += world.due()[0]
            world.now += 0.1
        for ask in asks:
            world.answer(ask)
        of = {check.address: check for check in world.due()[1]}
        assert world.show(of[A]).is_empty
        assert world.show(of[B]).new == (B if reply is MASTER else A)

    def test_who_lost_the_role_at_an_epoch_is_not_adopted_again_at_that_epoch(self) -> None:
        world = World((A, 1), (A, 1), (A, 1))
        world.roles[B] = MASTER
        world.run()
        world.name(B, 1, 0, 1)
        world.run(50.0)
        assert world.adopted == [A, B]
        world.name(A, 1, 0)
        world.run(50.0)
        assert world.adopted == [A, B]
        world.roles[B] = REFUSED
        world.view.demoted(B, world.now)
        world.run(50.0)
        assert world.view.primary is None
        world.name(A, 2, 0)
        world.run()
        assert world.view.primary == A

    def test_unless_all_sentinels_say_so(self) -> None:
        world = World((A, 0), (A, 0))
        world.roles[B] = MASTER
        world.run()
        world.name(B, 0)
        world.run(50.0)
        world.name(A, 0)
        world.run(50.0)
        assert world.adopted == [A, B, A]
        world.roles[C] = MASTER
        world.name(C, 0, 0)
        world.run(50.0)
        assert world.adopted == [A, B, A]

    def test_sentinels_that_were_reset_begin_anew(self) -> None:
        world = World((A, 7), (A, 7))
        world.run()
        world.name(A, 0)
        world.run(20.0)
        assert world.view.epoch == 0
        assert world.adopted == [A]
        world.name(B, 1)
        world.roles[B] = MASTER
        world.run(20.0)
        assert world.adopted == [A, B]

    def test_after_a_reset_a_primary_that_nobody_names_counts_as_one_of_the_new_epoch(self) -> None:
        world = World((A, 7))
        world.run()
        world.name(B, 0)
        world.run(20.0)
        assert world.view.primary == A
        world.name(B, 1)
        world.run(20.0)
        assert world.view.primary is None

    def test_one_of_them_is_not_enough_to_begin_anew(self) -> None:
        world = World((B, 7), (B, 7), (A, 1))
        world.roles |= {A: MASTER, B: MASTER}
        world.run()
        world.name(A, 1, 0)
        world.run(50.0)
        assert world.view.primary == B
        assert world.view.epoch == 7

    def test_a_role_that_was_said_too_long_ago_is_asked_for_again(self) -> None:
        world = World((A, 1))
        world.roles[B] = MASTER
        world.run()
        world.announce(0, A, B)
        (ask,), (check,) = world.due()
        assert check.address == B
        world.show(check)
        assert world.view.primary is None
        world.now += 2 * RETRY
        world.name(B, 2)
        assert world.answer(ask).new is None
        assert world.view.primary is None
        world.run()
        assert world.view.primary == B


class TestEndingService:
    """Rule 2."""

    def test_an_answer_with_a_higher_epoch_ends_it_at_once(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.name(B, 2, 1)
        world.run(PERIOD * 1.25)
        (end,) = [change for change in world.changes if change.old == A]
        assert end == Change(A, None, "sentinel s1:26379 names b:6379 at epoch 2")
        assert world.view.primary is None
        world.roles[B] = MASTER
        world.run()
        assert world.view.primary == B

    def test_a_higher_epoch_that_names_the_same_node_does_not(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.name(A, 2, 1)
        world.run(50.0)
        assert world.adopted == [A]
        world.name(B, 2, 0)
        world.run(50.0)
        assert world.adopted == [A]

    def test_a_node_that_says_that_it_is_a_replica_is_cut(self) -> None:
        world = World((A, 1))
        world.run()
        assert world.view.demoted(B, world.now).is_empty
        change = world.view.demoted(A, world.now)
        assert change == Change(A, None, "a:6379 is a replica")
        asks, checks = world.due()
        assert [ask.sentinel for ask in asks] == [s(0)]
        assert checks == []
        world.run()  # it says master again
        assert world.adopted == [A, A]

    def test_a_check_from_before_does_not_bring_it_back(self) -> None:
        world = World((A, 1))
        world.run()
        world.now += PERIOD * 2
        _, (check,) = world.due()
        world.view.demoted(A, world.now)
        assert world.show(check).is_empty
        assert world.view.primary is None
        assert A not in world.checked()
        world.now += PAUSE
        assert A in world.checked()

    def test_the_primary_is_asked_for_its_role_once_in_a_while(self) -> None:
        world = World((A, 1))
        world.run(0.0)
        asked = []
        for _ in range(35):
            world.now += 1.0
            asks, checks = world.due()
            for ask in asks:
                world.answer(ask)
            for check in checks:
                asked.append(world.now - 100.0)
                world.show(check)
        assert asked == [10.0, 20.0, 30.0]
        world.roles[A] = SLAVE
        world.run(PERIOD)
        assert [each.why for each in world.changes if each.old == A] == ["a:6379 says slave to ROLE"]
        assert world.view.primary is None
        world.roles[A] = MASTER
        world.run(RETRY)
        assert world.view.primary == A

    def test_neither_sentinels_nor_role_that_cannot_be_reached_end_it(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.sentinels = dict.fromkeys(world.sentinels, REFUSED)
        world.roles[A] = REFUSED
        world.run(100.0)
        assert world.view.primary == A
        assert world.adopted == [A]
        assert world.view.error() is None

    def test_a_primary_that_only_an_unreachable_sentinel_named_stays(self) -> None:
        world = World((A, 1), None)
        world.run()
        world.sentinels[s(0)] = REFUSED
        world.run(100.0)
        assert world.view.primary == A

    def test_a_node_that_nobody_names_any_more_and_that_was_cut_does_not_come_back(self) -> None:
        world = World((A, 1))
        world.run()
        world.name(B, 2)
        world.run(100.0)
        assert world.view.primary is None
        assert world.view.demoted(A, world.now).is_empty


class TestAnnouncements:
    """Rule 3."""

    def test_one_ends_the_service_and_the_answer_confirms_it(self) -> None:
        world = World((A, 1), (A, 1), (A, 1))
        world.run()
        world.roles[B] = MASTER
        change = world.announce(1, A, B)
        assert change == Change(A, None, "sentinel s1:26379 announced b:6379")
        world.name(B, 2, 1)
        asks, (check,) = world.due()
        assert [ask.sentinel for ask in asks] == [s(1)]
        assert check.address == B
        assert world.show(check).is_empty
        assert world.answer(asks[0]) == Change(A, B, "1 of 3 sentinels name it at epoch 2")

    def test_until_it_is_confirmed_the_others_do_not_bring_the_old_one_back(self) -> None:
        world = World((A, 1), (A, 1), (A, 1))
        world.run()
        world.announce(1, A, B)
        world.sentinels[s(1)] = REFUSED
        world.run(PATIENCE - 2.0)
        assert world.view.primary is None
        world.run(5.0)
        assert world.view.primary == A

    def test_the_new_one_is_checked_until_it_says_master(self) -> None:
        world = World((A, 1))
        world.run()
        world.announce(0, A, B)
        world.name(B, 2)
        asked = []
        for _ in range(400):
            world.now += 0.01
            asks, checks = world.due()
            for ask in asks:
                world.answer(ask)
            for check in checks:
                asked.append(world.now)
                world.show(check)
        pauses = [round(b - a, 1) for a, b in pairwise(asked)]
        assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
        world.roles[B] = MASTER
        world.run()
        assert world.view.primary == B

    def test_one_that_is_old_is_taken_back_by_the_answer(self) -> None:
        world = World((B, 2), (B, 2))
        world.roles[B] = MASTER
        world.run()
        assert world.announce(0, B, A).old == B
        world.run(0.2)
        assert world.view.primary == B
        assert world.adopted == [B, B]

    def test_one_of_a_sentinel_that_is_late_is_taken_back_too(self) -> None:
        world = World((B, 2), (B, 2))
        world.roles[B] = MASTER
        world.run()
        world.announce(0, B, A)
        world.name(A, 1, 0)
        world.run(0.2)
        assert world.view.primary == B

    def test_an_answer_to_a_question_from_before_does_not_take_it_back(self) -> None:
        world = World((A, 1))
        world.run()
        world.view.ask_by(s(0), world.now)
        (ask,), _ = world.due()
        world.announce(0, A, B)
        world.answer(ask)
        assert world.view.primary is None
        world.now += PAUSE
        (ask,), _ = world.due()
        world.answer(ask)
        world.run(0.1)
        assert world.view.primary == A

    def test_the_last_to_announce_it_changes_nothing(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.roles[B] = MASTER
        world.announce(0, A, B)
        world.name(B, 2)
        world.run()
        assert world.announce(1, A, B).is_empty
        world.run()
        assert world.adopted == [A, B]

    def test_one_that_deposes_another_node_changes_nothing_but_is_asked_about(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        assert world.announce(0, C, B).old == A  # its sentinel named A until now
        world = World((A, 1), None)
        world.run()
        assert world.announce(1, C, B).is_empty
        (ask,), checks = world.due()
        assert (ask.sentinel, checks) == (s(1), [])

    def test_a_second_one_names_another_heir_and_keeps_the_old_primary_out(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.announce(0, A, B)
        world.announce(0, B, C)
        assert world.checked() == [C]
        world.sentinels[s(0)] = REFUSED
        world.run(10.0)
        assert world.view.primary is None

    def test_a_second_one_that_names_the_old_primary_takes_the_first_back(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        world.announce(0, A, B)
        world.announce(0, B, A)
        world.sentinels[s(0)] = REFUSED
        world.run(0.2)
        assert world.view.primary == A

    def test_one_that_comes_twice_makes_one_check(self) -> None:
        world = World((A, 1))
        world.run()
        for old, new in ((A, B), (B, A)):
            world.announce(0, old, new)
        checks = world.due()[1]
        assert [check.address for check in checks] == [A]
        world.show(checks[0])
        world.announce(0, A, B)
        assert world.checked() == [B]
        world.announce(0, B, A)
        (check,) = world.due()[1]
        world.show(check)
        assert world.view.primary == A
        assert world.announce(0, A, B).old == A
        assert B not in world.checked()

    def test_addresses_are_mapped(self) -> None:
        world = World((A, 1), remap=lambda host, port: (host.lower(), port))
        world.run()
        assert world.announce(0, ("A", 6379), ("B", 6379)).old == A
        assert world.checked() == [B]

    def test_what_is_malformed_or_about_others_or_from_a_stranger_is_nothing(self) -> None:
        world = World((A, 1))
        world.run()
        for sentinel, channel, text in (
            (s(0), "+switch-master", "q a 6379 b 6379"),
            (s(0), "+switch-master", "p a 6379 b"),
            (s(0), "+odown", "master p a 6379 #quorum 2/2"),
            (s(7), "+switch-master", switch(A, B)),
        ):
            assert world.view.event(sentinel, channel, text, world.now).is_empty
        assert world.view.primary == A
        assert world.due() == ([], [])

    @pytest.mark.parametrize("channel", ["+reset-master", "+monitor", "-monitor"])
    def test_what_makes_the_answer_old_makes_a_question(self, channel: str) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        assert world.view.event(s(1), channel, "master p a 6379", world.now).is_empty
        (ask,), _ = world.due()
        assert ask.sentinel == s(1)


class TestRedirects:
    """Rule 4."""

    def test_the_target_is_adopted_before_the_sentinels_know(self) -> None:
        world = World((A, 1), (A, 1))
        world.run()
        assert world.view.redirected(A, B, world.now) == Change(A, None, "a:6379 is a replica")
        assert world.checked() == [B]
        world.roles |= {A: SLAVE, B: MASTER}
        world.now += RETRY
        change = world.view.checked(Check(B, world.now), MASTER, world.now)
        assert change.is_empty  # that check was not given out
        world = World((A, 1), (A, 1))
        world.run()
        world.view.redirected(A, B, world.now)
        world.roles |= {A: SLAVE, B: MASTER}
        world.run(50.0)
        assert world.adopted == [A, B]
        assert next(each.why for each in world.changes if each.new == B) == "the old primary redirects to it"
        world.name(B, 2)
        world.run(50.0)
        assert world.adopted == [A, B]

    def test_one_after_the_service_ended_counts_too(self) -> None:
        world = World((A, 1))
        world.run()
        world.view.demoted(A, world.now)
        world.roles |= {A: SLAVE, B: MASTER}
        assert world.view.redirected(A, B, world.now).is_empty
        world.run(0.2)
        assert world.view.primary == B

    def test_one_by_another_node_or_to_itself_does_not_count(self) -> None:
        world = World((A, 1))
        world.run()
        assert world.view.redirected(B, C, world.now).is_empty
        assert world.view.primary == A
        assert world.checked() == []
        assert world.view.redirected(A, A, world.now).old == A
        world.run()
        assert world.view.primary == A
        assert [change.why for change in world.changes if change.new] == ["1 of 1 sentinels name it at epoch 1"] * 2

    def test_the_old_one_serves_again_if_the_failover_comes_to_nothing(self) -> None:
        world = World((A, 1))
        world.run()
        world.view.redirected(A, B, world.now)
        world.run(1.0)
        assert world.adopted == [A, A]
        world.roles |= {A: SLAVE, B: MASTER}
        world.view.demoted(A, world.now)
        world.run(5.0)
        assert world.view.primary is None

    @pytest.mark.parametrize("is_higher", [True, False])
    def test_it_counts_for_a_while_or_until_an_epoch_is_higher(self, is_higher: bool) -> None:
        world = World((A, 1))
        world.run()
        world.roles[A] = SLAVE
        world.view.redirected(A, B, world.now)
        if is_higher:
            world.name(C, 2)
            world.run(3.0)
        else:
            world.run(PATIENCE + 2.0)
        world.roles[B] = MASTER
        world.run(5.0)
        assert world.view.primary is None


class TestErrors:
    def test_none_as_long_as_somebody_was_not_heard(self) -> None:
        world = World(None, (A, 1))
        world.roles[A] = SLAVE
        (ask,), _ = world.due()
        world.answer(ask)
        (other,), checks = world.due()
        assert world.view.error() is None
        world.answer(other)
        assert world.view.error() is None
        (check,) = checks or world.due()[1]
        world.show(check)
        assert isinstance(world.view.error(), ConnectFailed)

    def test_a_name_that_nobody_knows(self) -> None:
        world = World(None, None)
        world.run()
        error = world.view.error()
        assert isinstance(error, UsageError)
        assert sorted(str(error).partition("'p': ")[2].partition(";")[0].split(", ")) == [
            "s0:26379 does not know it",
            "s1:26379 does not know it",
        ]
        assert str(error).endswith("; use a name that SENTINEL MASTERS lists there")

    def test_a_name_that_those_do_not_know_who_answer(self) -> None:
        world = World(None, None)
        world.sentinels[s(1)] = REFUSED
        world.run()
        error = world.view.error()
        assert isinstance(error, ConnectFailed)
        assert "s0:26379 does not know it" in str(error)
        assert "s1:26379 failed (refused)" in str(error)

    def test_each_sentinels_and_each_nodes_word_is_listed(self) -> None:
        world = World((A, 3), (B, 3))
        world.roles |= {A: SLAVE, B: REFUSED}
        world.run()
        text = str(world.view.error())
        assert text.startswith("no primary is known for 'p': ")
        for words in (
            "s0:26379 names a:6379 at epoch 3",
            "s1:26379 names b:6379 at epoch 3",
            "a:6379 says slave to ROLE",
            "b:6379 does not answer ROLE (refused)",
            "; check whether the sentinels and the primary run, and can be reached from here",
        ):
            assert words in text

    def test_everybody_is_asked_again_until_there_is_a_primary(self) -> None:
        world = World(None, None)
        world.run(30.0)
        world.name(A, 1, 0)
        world.run(2 * RETRY)
        assert world.view.primary == A


def listed(primary: Address, epoch: int, **replicas: bool) -> Answer:
    return Answer(primary, epoch, {(host, 6379): is_down for host, is_down in replicas.items()})


class TestReplicas:
    """Rule 6."""

    def world(self, *answers: Answer) -> World:
        world = World(*[(A, 1)] * len(answers))
        world.sentinels = dict(zip(world.sentinels, answers, strict=True))
        world.run()
        return world

    def down(self, world: World, channel: str, number: int, replica: str = "b") -> Change:
        text = f"slave {replica}:6379 {replica} 6379 @ p a 6379"
        return world.view.event(s(number), channel, text, world.now)

    def test_they_are_those_that_any_sentinel_lists_that_names_the_primary(self) -> None:
        world = self.world(listed(A, 1, b=False), listed(A, 1, c=True), listed(B, 0, d=False))
        assert world.view.replicas == {B: False, C: True}
        assert sum((change.joined for change in world.changes), ()) in ((B, C), (C, B))

    def test_the_primary_is_none(self) -> None:
        assert self.world(listed(A, 1, a=False, b=False)).view.replicas == {B: False}

    def test_one_is_down_if_more_than_half_of_those_say_so_that_list_it(self) -> None:
        world = self.world(listed(A, 1, b=False), listed(A, 1, b=False), listed(A, 1), listed(A, 1))
        assert self.down(world, "+sdown", 0).is_empty
        assert self.down(world, "+sdown", 2).is_empty
        assert self.down(world, "+sdown", 1) == Change(down=(B,))
        assert world.view.replicas == {B: True}
        assert self.down(world, "-sdown", 0) == Change(up=(B,))
        assert self.down(world, "-sdown", 0, "x").is_empty

    def test_a_new_one_joins_and_one_that_is_listed_no_more_leaves(self) -> None:
        world = self.world(listed(A, 1, b=False))
        assert self.down(world, "+slave", 0, "c") == Change(joined=(C,))
        assert self.down(world, "+slave", 0, "c").is_empty
        world.changes.clear()
        world.run(15.0)
        assert [change.left for change in world.changes if change.left] == [(C,)]

    def test_more_than_half_need_not_be_all(self) -> None:
        world = self.world(*[listed(A, 1, b=False)] * 3)
        assert self.down(world, "+sdown", 0).is_empty
        assert self.down(world, "+sdown", 1) == Change(down=(B,))

    def test_one_that_is_announced_again_is_as_down_as_before(self) -> None:
        world = self.world(listed(A, 1, b=True))
        assert self.down(world, "+slave", 0).is_empty

    def test_an_old_primary_that_nobody_lists_is_not_asked_for_its_role(self) -> None:
        world = self.world(listed(A, 1, b=False))
        world.roles[B] = MASTER
        world.announce(0, A, B)
        world.sentinels[s(0)] = listed(B, 2)
        world.run(0.1)
        assert world.view.primary == B
        world.now += RETRY
        assert world.checked() == []

    def test_without_a_primary_they_stay(self) -> None:
        world = self.world(listed(A, 1, b=False))
        assert world.view.demoted(A, world.now) == Change(A, None, "a:6379 is a replica")
        assert world.view.replicas == {B: False}

    def test_an_old_primary_is_down_until_it_says_that_it_is_a_replica(self) -> None:
        world = self.world(listed(A, 1, b=False, c=False))
        world.roles[B] = MASTER
        world.announce(0, A, B)
        world.sentinels[s(0)] = listed(B, 2, a=False, c=False)
        world.changes.clear()
        world.run(5.0)
        assert world.view.replicas == {A: True, C: False}
        (adoption,) = [change for change in world.changes if change.new]
        assert (adoption.joined, adoption.left) == ((A,), (B,))
        world.roles[A] = SLAVE
        world.run(2 * RETRY)
        assert [change.up for change in world.changes if change.up] == [(A,)]
        assert world.view.replicas == {A: False, C: False}
        assert A not in world.checked()

    def test_an_old_primary_that_gets_the_role_again_and_loses_it_again(self) -> None:
        world = self.world(listed(A, 1, b=False))
        for epoch, old, new in ((2, A, B), (3, B, A), (4, A, B)):
            world.roles[new] = MASTER
            world.sentinels[s(0)] = listed(new, epoch, **{old[0]: False})
            world.announce(0, old, new)
            world.run(5.0)
            assert world.view.primary == new
            assert world.view.replicas == {old: True}
        world.roles[A] = SLAVE
        world.run(2 * RETRY)
        assert world.view.replicas == {A: False}


class TestSentinels:
    def test_those_that_become_known_or_are_forgotten_are_told(self) -> None:
        world = World((A, 1))
        world.sentinels[s(0)] = Answer(A, 1, {}, {s(1): "id1"})
        world.sentinels |= {s(1): REFUSED, s(2): REFUSED}
        world.run(0.5)
        assert [change.discovered for change in world.changes if change.discovered] == [(s(1),)]
        text = "sentinel id2 s2 26379 @ p a 6379"
        assert world.view.event(s(0), "+sentinel", text, world.now) == Change(discovered=(s(2),))
        assert world.view.event(s(0), "+sentinel", text, world.now).is_empty
        assert set(world.view.sentinels) == {s(0), s(1), s(2)}
        world.run(2 * RETRY)
        assert [change.forgotten for change in world.changes if change.forgotten] == [(s(2),)]
        assert set(world.view.sentinels) == {s(0), s(1)}
