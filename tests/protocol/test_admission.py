"""Backpressure of one connection: who enters, who waits, and what is counted, also where a signal interrupts a step."""

from __future__ import annotations

from typing import Any

import pytest

from interrupting import interrupted_at, interrupted_behind, moments
from respool._protocol.admission import Admission
from respool._protocol.run import NO_BLOBS
from respool._protocol.wire import SMALL_BYTES, Wire
from respool.errors import ConnectionLost

SMALL = b"x"
LARGE = b"x" * (SMALL_BYTES + 1)


class Caller:
    """What the wire and the queue know of a caller; it may give up."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.has_given_up = False

    def set_result(self, value: Any, /) -> None:
        self.answers.append(value)

    def done(self) -> bool:
        return self.has_given_up


class Door:
    """A wire with its queue of callers, as both shells use them."""

    def __init__(self, cap: int = 2, cap_bytes: int = 2 * len(LARGE)) -> None:
        self.wire = Wire()
        self.queue = Admission(self.wire, cap, cap_bytes)

    def come(self, data: bytes = SMALL, count: int = 1) -> Caller:
        caller = Caller()
        hidden = 0 if count == 1 else None
        if self.queue.must_wait(len(data), count):
            self.queue.wait(data, count, hidden, NO_BLOBS, caller)
        else:
            self.wire.enter(data, count, hidden, NO_BLOBS, caller)
        return caller

    def answer(self, count: int = 1) -> None:
        """Write what is queued, and answer the oldest commands."""
        self.wire.take()
        self.wire.feed(b"+OK\r\n" * count)

    def admit(self) -> bool:
        return self.queue.admit(self.wire.enter)

    @property
    def pending(self) -> int:
        return len(self.wire.queue)


def test_callers_wait_beyond_the_cap_and_enter_in_order() -> None:
    door = Door(cap=2)
    callers = [door.come() for _ in range(4)]
    assert (door.pending, len(door.queue)) == (2, 2)
    assert not door.admit()
    door.answer()
    assert not door.admit()
    assert [len(caller.answers) for caller in callers] == [1, 0, 0, 0]
    door.answer(2)
    assert door.admit()
    assert (door.pending, len(door.queue)) == (1, 0)
    door.answer()
    assert [len(caller.answers) for caller in callers] == [1, 1, 1, 1]


def test_a_small_one_does_not_overtake_a_run_that_waits() -> None:
    door = Door(cap=3)
    door.come()
    door.come(count=3)
    assert len(door.queue) == 1
    door.come()  # there would be room for it
    assert (door.pending, len(door.queue)) == (1, 2)
    door.answer()
    assert not door.admit()
    assert (door.pending, len(door.queue)) == (3, 1)


def test_a_run_larger_than_the_cap_enters_when_nothing_is_pending() -> None:
    door = Door(cap=2)
    door.come(count=5)
    assert (door.pending, len(door.queue)) == (5, 0)
    door.come(count=5)
    assert len(door.queue) == 1
    door.answer(4)
    assert not door.admit()
    door.answer()
    assert door.admit()
    assert door.pending == 5


def test_bytes_are_limited_where_commands_are_large() -> None:
    door = Door(cap=100, cap_bytes=2 * len(LARGE))
    for _ in range(2):
        door.come(LARGE)
    assert not door.queue
    door.come(LARGE)
    assert len(door.queue) == 1
    door.answer()
    assert door.admit()
    for _ in range(3):
        door.come()  # small ones are limited by their number alone
    assert not door.queue


def test_one_command_larger_than_the_cap_of_bytes_enters_when_no_other_large_one_is_pending() -> None:
    door = Door(cap=100, cap_bytes=10)
    door.come()
    door.come(LARGE)
    assert not door.queue
    door.come(LARGE)
    assert len(door.queue) == 1


def test_those_who_gave_up_are_passed_over_and_counted() -> None:
    door = Door(cap=1)
    door.come()
    gone = [door.come(), door.come(count=3)]
    last = door.come()
    for caller in gone:
        caller.has_given_up = True
    door.answer()
    assert door.admit()
    door.answer()
    assert last.answers == [b"OK"]
    assert [caller.answers for caller in gone] == [[], []]
    assert door.wire.taken_back == 4


def test_the_queue_stays_short_when_callers_give_up() -> None:
    door = Door(cap=1)
    door.come()
    patient = [door.come() for _ in range(10)]
    longest = 0
    for _ in range(1000):
        door.come(count=2).has_given_up = True
        longest = max(longest, len(door.queue))
    assert longest <= 20
    while door.queue:
        door.answer()
        door.admit()
    door.answer()
    assert [len(caller.answers) for caller in patient] == [1] * 10
    assert door.wire.taken_back == 2000


def test_patient_callers_are_not_searched_each_time_one_comes() -> None:
    door = Door(cap=1)
    door.come()
    asked = 0

    class Asked(Caller):
        def done(self) -> bool:
            nonlocal asked
            asked += 1
            return False

    for _ in range(1000):
        door.queue.wait(SMALL, 1, 0, NO_BLOBS, Asked())
    assert asked < 10_000


def test_the_end_of_the_connection_ends_the_wait_of_each_with_an_error_of_its_own() -> None:
    door = Door(cap=1)
    door.come()
    callers = [door.come(), door.come(count=3), door.come()]
    callers[1].has_given_up = True
    door.queue.fail(lambda: ConnectionLost("gone", executed="no"))
    assert [len(caller.answers) for caller in callers] == [1, 0, 1]
    assert callers[0].answers[0] is not callers[2].answers[0]
    assert (len(door.queue), door.wire.taken_back) == (0, 3)


@pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])
@pytest.mark.parametrize("step", ["wait", "admit", "fail"])
def test_an_interrupted_step_loses_nobody_and_counts_once(interrupt: Any, step: str) -> None:
    for moment in moments():
        door = Door(cap=1)
        door.come()
        callers = [door.come() for _ in range(16)]
        for caller in callers[::2]:
            caller.has_given_up = True
        newcomer = Caller()
        door.answer()

        def work(door: Door = door, newcomer: Caller = newcomer) -> None:
            if step == "wait":
                door.queue.wait(SMALL, 1, 0, NO_BLOBS, newcomer)
            elif step == "admit":
                door.admit()
            else:
                door.queue.fail(lambda: ConnectionLost("gone"))

        was_interrupted = interrupt(moment, work)
        door.queue.fail(lambda: ConnectionLost("gone"))
        door.wire.fail(lambda: ConnectionLost("gone"), lambda: ConnectionLost("gone"))
        assert [bool(caller.answers) for caller in callers] == [False, True] * 8, moment
        assert door.wire.taken_back == 8, moment
        if not was_interrupted:
            assert step != "wait" or newcomer.answers
            break
