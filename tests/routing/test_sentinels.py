"""Which sentinels are known, and when each is asked (Rules 1 to 5 of sentinels.py)."""

from __future__ import annotations

import random

import pytest

from respool._routing.sentinel_answers import Answer
from respool._routing.sentinels import HEDGE, MOST, PATIENCE, PAUSE, PERIOD, RETRY, Ask, News, Sentinels
from respool._routing.topology import Address
from respool.errors import UsageValueError

A, B = ("a", 6379), ("b", 6379)
TINY = 1e-9  # what a sum of times may be off
REFUSED = ConnectionError("refused")
KNOWN = Answer(A, 1)


def s(number: int) -> Address:
    return f"s{number}", 26379


def seen(*numbers: int, epoch: int = 1, own_id: str = "") -> Answer:
    """An answer that lists other sentinels."""
    return Answer(A, epoch, {}, {s(number): f"id{number}" for number in numbers}, own_id)


class World:
    """Sentinels of which the first ``seeds`` are known, and time."""

    def __init__(self, seeds: int = 3, seed: int = 5) -> None:
        self.now = 100.0
        self.sentinels = Sentinels([s(number) for number in range(seeds)], self.now, random.Random(seed).random)

    def due(self, seconds: float = 0.0) -> list[Ask]:
        self.now += seconds + (TINY if seconds else 0.0)
        return self.sentinels.due(self.now)

    def one(self, seconds: float = 0.0) -> Ask:
        (ask,) = self.due(seconds)
        return ask

    def answer(self, ask: Ask, answer: Answer = KNOWN, chance: float = 0.5) -> News | None:
        return self.sentinels.answered(ask, answer, self.now, chance)

    def fail(self, ask: Ask) -> News | None:
        return self.sentinels.failed(ask, REFUSED, self.now, 0.5)

    def quiet(self) -> World:
        """All have answered, and there is a primary."""
        while asks := self.due():
            for ask in asks:
                self.answer(ask)
        self.sentinels.rest()
        for _ in range(2):  # once more after RETRY: that question was planned before there was a primary
            for ask in self.due(PERIOD):
                self.answer(ask)
        self.now += 1.0
        assert self.due() == []
        return self


class TestAsking:
    """Rules 1 and 2."""

    def test_without_a_seed_there_is_nobody_to_ask(self) -> None:
        with pytest.raises(UsageValueError, match="needs the address of one of them"):
            Sentinels([], 0.0, random.random)

    def test_they_are_asked_one_by_one_in_random_order(self) -> None:
        orders = set()
        for seed in range(20):
            world = World(seed=seed)
            first = world.one()
            assert world.sentinels.next_at() == 100.0 + HEDGE
            assert world.due(HEDGE / 2) == []
            second, third = world.one(HEDGE / 2), world.one(HEDGE)
            assert world.due(50.0) == []
            orders.add((first.sentinel, second.sentinel, third.sentinel))
        assert len(orders) == 6

    @pytest.mark.parametrize("way", ["answer", "fail"])
    def test_the_next_one_is_asked_as_soon_as_one_has_answered_or_failed(self, way: str) -> None:
        world = World()
        for _ in range(2):
            getattr(world, way)(world.one())
        assert world.one().at == 100.0

    def test_but_not_if_there_is_a_primary(self) -> None:
        world = World()
        ask = world.one()
        world.sentinels.rest()
        world.answer(ask)
        assert world.due() == []
        world.one(HEDGE)

    @pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
    def test_one_is_asked_again_once_in_a_while_and_more_often_without_a_primary(
        self, chance: float, factor: float
    ) -> None:
        world = World(1)
        world.answer(world.one(), KNOWN, chance)
        assert world.sentinels.next_at() == 100.0 + RETRY * factor
        ask = world.one(2.0)
        world.sentinels.rest()
        world.answer(ask, KNOWN, chance)
        assert world.sentinels.next_at() == pytest.approx(102.0 + PERIOD * factor)

    def test_when_a_primary_is_needed_all_are_asked_and_those_with_an_announcement_first(self) -> None:
        world = World().quiet()
        world.sentinels.known[s(1)].announce(A, B, world.now)
        world.sentinels.hurry(world.now)
        assert world.one().sentinel == s(1)
        assert len(world.due(HEDGE)) == len(world.due(HEDGE)) == 1

    def test_nobody_is_asked_twice_within_a_moment(self) -> None:
        world = World(1)
        world.answer(world.one())
        sentinel = world.sentinels.known[s(0)]
        sentinel.ask_by(world.now)
        world.sentinels.hurry(world.now)
        sentinel.published(world.now)
        assert world.due(PAUSE / 2) == []
        world.one(PAUSE / 2)

    def test_what_one_publishes_makes_a_question(self) -> None:
        world = World().quiet()
        world.sentinels.known[s(1)].published(world.now)
        assert world.one().sentinel == s(1)

    def test_until_there_is_a_primary_again_the_next_one_is_asked_at_once(self) -> None:
        world = World().quiet()
        world.sentinels.hurry(world.now)
        world.answer(world.one())
        world.fail(world.one())
        world.one()

    def test_a_question_is_never_put_off(self) -> None:
        world = World(1).quiet()
        world.sentinels.known[s(0)].ask_by(world.now)
        world.sentinels.known[s(0)].ask_by(world.now + 5.0)
        world.one()

    def test_an_open_question_is_enough(self) -> None:
        world = World(1)
        ask = world.one()
        world.sentinels.known[s(0)].ask_by(world.now)
        assert world.due(50.0) == []
        assert world.answer(ask) == News()
        assert world.answer(ask) is None
        assert world.fail(ask) is None
        assert world.answer(Ask(s(9), 1.0)) is None


class TestWords:
    """Rules 3 and 4."""

    def test_what_it_said_counts_until_it_says_something_else(self) -> None:
        world = World(1)
        sentinel = world.sentinels.known[s(0)]
        assert (sentinel.named, sentinel.epoch, sentinel.is_heard) == (None, -1, False)
        world.answer(world.one(), Answer(A, 1, {B: True}))
        world.fail(world.one(2.0))
        assert (sentinel.named, sentinel.epoch, sentinel.replicas, str(sentinel)) == (
            A,
            1,
            {B: True},
            "failed (refused)",
        )
        world.answer(world.one(2.0), Answer(B, 2))
        assert (sentinel.named, sentinel.epoch, sentinel.replicas) == (B, 2, {})
        assert str(sentinel) == "names b:6379 at epoch 2"
        world.answer(world.one(2.0), Answer())
        assert (sentinel.named, sentinel.epoch, str(sentinel)) == (None, -1, "does not know it")

    def test_an_answer_from_before_an_announcement_says_nothing_about_the_primary_and_it_is_asked_again(self) -> None:
        world = World(1)
        sentinel = world.sentinels.known[s(0)]
        ask = world.one()
        sentinel.announce(A, B, world.now)
        sentinel.published(world.now)
        assert world.answer(ask, seen(1)) == News((s(1),), ())
        assert (sentinel.named, sentinel.heir) == (None, B)
        again = next(ask for ask in world.due(PAUSE) if ask.sentinel == s(0))
        world.answer(again)
        assert (sentinel.named, sentinel.heir, sentinel.accused) == (A, None, None)

    def test_an_announcement_outlives_failures_for_a_while(self) -> None:
        world = World(1)
        sentinel = world.sentinels.known[s(0)]
        world.answer(world.one())
        sentinel.announce(A, B, world.now)
        began = world.now
        while sentinel.accused is not None:
            world.fail(world.one(RETRY))
        assert world.now == pytest.approx(began + PATIENCE)


class TestKnowing:
    """Rule 5."""

    def test_others_become_known_by_answers_and_are_asked_at_once(self) -> None:
        world = World(1)
        assert world.answer(world.one(), seen(1, 2)) == News((s(1), s(2)), ())
        asks = world.due()
        assert [ask.sentinel for ask in asks] == [s(1), s(2)]
        assert world.answer(asks[0], seen(0, 2)) == News()

    def test_there_is_a_limit(self) -> None:
        world = World(2)
        world.answer(world.one(), seen(*range(2, 2 * MOST)))
        assert len(world.sentinels.known) == MOST
        assert not world.sentinels.meet(s(500), "id500", world.now)

    def test_an_address_of_one_that_is_known_by_another_address_is_left_out(self) -> None:
        world = World(2)
        for _ in range(2):
            ask = world.one()
            world.answer(ask, seen(own_id="x" if ask.sentinel == s(0) else "y"))
        assert not world.sentinels.meet(("10.0.0.1", 26379), "x", world.now)
        assert world.sentinels.meet(("10.0.0.2", 26379), "", world.now)
        assert world.sentinels.meet(("10.0.0.3", 26379), "", world.now)

    def test_those_that_do_not_tell_their_ids_are_not_one(self) -> None:
        world = World(1)
        world.answer(world.one(), Answer(A, 1, {}, {s(1): "", s(2): ""}))
        asks = {ask.sentinel: ask for ask in world.due(2.0)}
        assert [world.answer(asks[s(number)]) for number in (1, 2, 0)] == [News()] * 3

    def test_an_id_is_kept_if_it_is_not_told_again(self) -> None:
        world = World(1)
        world.answer(world.one(), seen(own_id="x"))
        world.answer(world.one(2.0), seen())
        assert not world.sentinels.meet(("10.0.0.1", 26379), "x", world.now)

    def test_unless_that_address_has_failed(self) -> None:
        world = World(1)
        world.answer(world.one(), seen(own_id="x"))
        world.fail(world.one(2.0))
        assert world.sentinels.meet(("10.0.0.1", 26379), "x", world.now)

    def test_of_two_addresses_the_seed_stays(self) -> None:
        world = World(1)
        announced = "10.0.0.1", 26379
        ask = world.one()
        world.sentinels.meet(announced, "x", world.now)
        assert world.answer(ask, seen(own_id="x")) == News((), (announced,))
        assert list(world.sentinels.known) == [s(0)]

    def test_also_if_the_other_one_answers(self) -> None:
        world = World(1)
        announced = "10.0.0.1", 26379
        world.sentinels.meet(announced, "", world.now)
        asks = {ask.sentinel: ask for ask in world.due()}
        assert world.answer(asks[s(0)], seen(own_id="x")) == News()
        assert world.answer(asks[announced], seen(own_id="x")) == News((), (announced,))
        assert world.due(2.0)[0].sentinel == s(0)

    def test_two_seeds_with_one_id_both_stay(self) -> None:
        world = World(2)
        for _ in range(2):
            assert world.answer(world.one(), seen(own_id="x")) == News()
        assert len(world.sentinels.known) == 2

    def test_one_that_fails_and_that_nobody_lists_is_forgotten(self) -> None:
        world = World(1)
        world.answer(world.one(), seen(1))
        ask = world.one()
        world.answer(ask, seen(0))
        asks = {ask.sentinel: ask for ask in world.due(2.0)}
        world.now += PAUSE
        assert world.fail(asks[s(1)]) == News()  # it is listed still
        assert world.answer(asks[s(0)], seen()) == News((), (s(1),))
        assert list(world.sentinels.known) == [s(0)]
        ask = world.one(2.0)
        world.now += PAUSE
        assert world.fail(ask) == News()  # a seed stays

    def test_but_not_within_a_moment_after_it_was_asked(self) -> None:
        world = World(1)
        world.answer(world.one(), seen(1))
        asks = {ask.sentinel: ask for ask in world.due(2.0)}
        world.fail(asks[s(1)])
        assert world.answer(asks[s(0)], seen()) == News()
        world.sentinels.known[s(0)].ask_by(world.now)
        assert world.answer(world.one(PAUSE), seen()) == News((), (s(1),))

    def test_nor_without_a_failure(self) -> None:
        world = World(1)
        world.answer(world.one(), seen(1))
        world.answer(world.one(), seen(0))
        world.sentinels.known[s(0)].ask_by(world.now)
        assert world.answer(world.one(PAUSE), seen()) == News()

    @pytest.mark.parametrize("reason", ["epoch", "announcement"])
    def test_nobody_is_forgotten_while_it_alone_knows_something(self, reason: str) -> None:
        world = World(1)
        world.answer(world.one(), seen(1))
        world.answer(world.one(), seen(0, epoch=2 if reason == "epoch" else 1))
        asks = {ask.sentinel: ask for ask in world.due(2.0)}
        if reason == "announcement":
            world.sentinels.known[s(1)].announce(A, B, world.now)
        world.now += PAUSE
        world.fail(asks[s(1)])
        assert world.answer(asks[s(0)], seen()) == News()
        asks = {ask.sentinel: ask for ask in world.due(2.0)}
        world.now += PAUSE
        if reason == "announcement":
            world.sentinels.known[s(1)].withdraw()
        assert world.answer(asks[s(0)], seen(epoch=2)) == News()  # it is being asked
        assert world.fail(asks[s(1)]) == News((), (s(1),))
