"""What is left of a pipeline that a demoted node has refused in part."""

from __future__ import annotations

import pytest

from respool._facts.command import Spec
from respool._facts.errors import server_error
from respool._protocol.leftover import Leftover
from respool._protocol.redirect import Redirect, Step, read_refusal
from respool._protocol.run import Run
from respool.errors import ConnectionLost, Error, ReadOnly

ASKED = ("10.0.0.1", 6379)
REFUSED = server_error("READONLY You can't write against a read only replica.")
WAIT = Redirect("READONLY", Step.WAIT, needs_refresh=True)
RUN = [("ECHO", "x"), ("INCR", "n"), ("GET", "n"), ("PUBLISH", "c", "m"), ("INCR", "n")]


def read(error: Error, spec: Spec) -> Redirect | None:
    return read_refusal(error, ASKED, spec)


def left(leftover: Leftover) -> list[str]:
    return [str(args[0]) for args in leftover.run.calls]


def test_a_run_that_was_answered_leaves_nothing() -> None:
    leftover = Leftover(Run(RUN))
    replies = [b"x", 1, b"1", 0, 2]
    assert leftover.take(replies, read) == (None, None)
    assert leftover.replies is replies


def test_what_was_refused_is_left_and_reads_behind_it_but_nothing_that_ran() -> None:
    leftover = Leftover(Run(RUN))
    assert leftover.take([b"x", REFUSED, b"old", 0, REFUSED], read) == (WAIT, REFUSED)
    assert left(leftover) == ["INCR", "GET", "INCR"]
    assert leftover.has_answers
    assert leftover.take([REFUSED, b"old", REFUSED], read) == (WAIT, REFUSED)
    assert left(leftover) == ["INCR", "GET", "INCR"]
    assert leftover.take([1, b"1", 2], read) == (None, None)
    assert leftover.replies == [b"x", 1, b"1", 0, 2]


def test_a_run_that_was_refused_as_a_whole_has_no_answers() -> None:
    leftover = Leftover(Run([("INCR", "n"), ("INCR", "n")]))
    assert leftover.take([REFUSED, REFUSED], read) == (WAIT, REFUSED)
    assert not leftover.has_answers


def test_other_errors_are_replies() -> None:
    wrong = server_error("WRONGTYPE Operation against a key holding the wrong kind of value")
    leftover = Leftover(Run([("INCR", "n"), ("EVAL", "x", 0)]))
    assert leftover.take([wrong, REFUSED], read) == (None, None), "the script may have done something before"
    assert leftover.replies == [wrong, REFUSED]


def test_a_failure_is_the_end_of_what_is_left_alone() -> None:
    leftover = Leftover(Run(RUN))
    leftover.take([b"x", REFUSED, b"old", 0, REFUSED], read)
    lost = ConnectionLost("gone", executed="unknown")
    leftover.fail(lost)
    echo, first, second, count, third = leftover.replies
    assert (echo, count) == (b"x", 0)
    assert {type(error) for error in (first, second, third)} == {ConnectionLost}
    assert len({id(error) for error in (first, second, third, lost)}) == 4


@pytest.mark.parametrize("error", [REFUSED])
def test_when_the_time_is_over_the_latest_replies_stand(error: ReadOnly) -> None:
    leftover = Leftover(Run(RUN))
    leftover.take([b"x", REFUSED, b"old", 0, REFUSED], read)
    leftover.fail(error)
    assert leftover.replies == [b"x", REFUSED, b"old", 0, REFUSED], "nothing was written before the read"
