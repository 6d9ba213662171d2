"""The alarm wakes the maintenance thread at the earliest time that was set, and not before."""

from __future__ import annotations

import threading
from time import monotonic

from respool._sync.shell.compat import Alarm


def test_who_names_the_time_of_its_own_waking_sleeps_until_then() -> None:
    alarm, rounds = Alarm(), 0
    until = monotonic() + 0.1
    while monotonic() < until:
        rounds += 1
        alarm.ring_at(until)
        alarm.wait(None)
    assert rounds <= 3


def test_the_earliest_of_all_times_counts() -> None:
    alarm, started = Alarm(), monotonic()
    for seconds in (60.0, 0.1, 30.0):
        alarm.ring_at(started + seconds)
    alarm.wait(60.0)  # woken, to wait again
    alarm.wait(60.0)
    assert 0.1 <= monotonic() - started < 5.0


def test_an_earlier_time_wakes_whoever_sleeps_for_a_later_one() -> None:
    alarm, started = Alarm(), monotonic()
    alarm.ring_at(started + 60.0)
    alarm.wait(60.0)
    other = threading.Timer(0.05, alarm.ring_at, (started + 0.1,))
    other.start()
    while monotonic() < started + 0.1:
        alarm.wait(60.0)
    other.join()
    assert monotonic() - started < 5.0


def test_a_time_that_has_come_or_was_taken_back_does_not_come_again() -> None:
    alarm, started = Alarm(), monotonic()
    alarm.ring_at(started + 0.02)
    alarm.wait(5.0)
    alarm.wait(5.0)
    alarm.wait(0.05)
    assert monotonic() - started >= 0.06
    alarm.ring_at(monotonic() + 0.02)
    alarm.quiet()
    started = monotonic()
    alarm.wait(0.05)
    alarm.wait(0.05)
    assert monotonic() - started >= 0.05
