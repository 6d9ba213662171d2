"""The order in which threads are woken whose replies another thread has read."""

from __future__ import annotations

from time import monotonic

import pytest

from respool._sync.shell.calls import PATIENCE, Abandoned, Answered, Call


def sleepers(count: int) -> tuple[Answered, list[Call]]:
    """Return calls whose threads would sleep, and where they queue once they are answered."""
    answered = Answered()
    answered.since = monotonic()
    calls = [Call() for _ in range(count)]
    for call in calls:
        call.sleep_until_answered(answered)
    return answered, calls


def awake(calls: list[Call]) -> list[int]:
    """Return which of them have an open gate."""
    return [number for number, call in enumerate(calls) if call.gate is None]


def test_a_reply_wakes_nobody_yet() -> None:
    answered, calls = sleepers(2)
    calls[1].set_result(b"one")
    calls[0].set_result(b"two")
    assert [*answered] == [calls[1], calls[0]]
    assert awake(calls) == []


def test_threads_are_woken_one_by_one_in_the_order_of_their_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._sync.shell.calls.PATIENCE", 3600.0)
    answered, calls = sleepers(3)
    for call in reversed(calls):
        call.set_result(b"")
    woken = []
    while answered:
        answered.wake_next()
        woken.append(awake(calls))
    assert woken == [[2], [1, 2], [0, 1, 2]]


def test_threads_that_have_waited_for_long_are_woken_together() -> None:
    answered, calls = sleepers(3)
    for call in calls:
        call.set_result(b"")
    answered.since = monotonic() - 2 * PATIENCE
    answered.wake_next()
    assert awake(calls) == [0, 1, 2]
    assert not answered


def test_who_is_awake_already_is_not_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._sync.shell.calls.PATIENCE", 3600.0)
    answered, calls = sleepers(2)
    for call in calls:
        call.set_result(b"")
    assert calls[0].wake()
    assert not calls[0].wake()  # only once
    answered.wake_next()
    assert awake(calls) == [0, 1]
    assert not answered


def test_all_are_woken_at_the_end() -> None:
    answered, calls = sleepers(3)
    for call in calls:
        call.set_result(b"")
    answered.wake_all()
    assert awake(calls) == [0, 1, 2]
    answered.wake_all()  # there is nobody left


def test_what_was_given_up_is_not_answered() -> None:
    answered, (call,) = sleepers(1)
    call.is_given_up = True
    with pytest.raises(Abandoned):
        call.set_result(b"")
    assert not answered
