"""What a caller reads when a command met a node that does not have its keys."""

from __future__ import annotations

import pickle

import pytest

from respool._protocol.misdirected import (
    aborted,
    is_about_place,
    moved_on_lease,
    moved_since_watched,
    named_wrongly,
    not_queued,
)
from respool._protocol.redirect import Redirect, Step
from respool.errors import ClusterDown, SlotMoved, TransactionAborted, TryAgain, WrongNode

MOVED = Redirect("MOVED", Step.GO, ("b", 1), 7, needs_refresh=True)
ASKED = Redirect("ASK", Step.ASK, ("b", 1), 7)


def test_a_lease_reads_where_the_slot_is_and_what_to_do() -> None:
    error = moved_on_lease(MOVED, "a:1", "b:1")
    assert str(error) == (
        "slot 7 is served by b:1, and this lease is a connection to a:1: release it, and call acquire(key=...) again"
    )
    assert error.code == "MOVED"
    assert str(moved_on_lease(MOVED, "a:1", None)).startswith("slot 7 is served by another node, ")
    assert str(moved_on_lease(ASKED, "a:1", "b:1")) == (
        "slot 7 is being moved from a:1 to b:1, and this key has left: send the command through the pool, which "
        "follows it, or call acquire(key=...) again when the slot has moved"
    )


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("b:1", "and is served by b:1, "),
        ("a:1", "and has come back, "),
        (None, "and no node serves it, "),
    ],
)
def test_a_watch_reads_that_its_slot_has_left_and_where_it_is(there: str | None, words: str) -> None:
    error = moved_since_watched(7, "a:1", there)
    assert type(error) is SlotMoved
    assert str(error).startswith(f"slot 7 has left a:1 since a key of it was watched, {words}")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_transaction_that_was_not_run_has_the_reason_as_its_cause() -> None:
    cause = SlotMoved("MOVED", "slot 7 is elsewhere")
    for error in (aborted(cause), not_queued(cause)):
        assert type(error) is TransactionAborted
        assert error.code == "EXECABORT"
        assert error.__cause__ is cause
        assert str(error).endswith(": slot 7 is elsewhere")
    assert "call acquire(key=...) again afterwards" in str(aborted(TryAgain("TRYAGAIN", "...")))


def test_only_words_about_places_are_about_places() -> None:
    assert all(map(is_about_place, (SlotMoved("ASK"), WrongNode("MOVED", "1 a:1"), TryAgain("TRYAGAIN"))))
    assert not any(map(is_about_place, (ClusterDown("CLUSTERDOWN"), TransactionAborted("EXECABORT"), b"MOVED", None)))


def test_who_names_a_node_reads_which_one_serves_the_slot() -> None:
    heard = WrongNode("MOVED", "7 b:1")
    error = named_wrongly(heard, "a:1")
    assert error is not heard
    assert str(error) == "slot 7 is served by b:1, and not by a:1, which node= names: leave node= out"
    assert (error.code, error.message) == ("MOVED", "7 b:1")
    assert str(named_wrongly(WrongNode("ASK", "7 b:1"), "a:1")).startswith("slot 7 is being moved to b:1, ")
    for nameless in ("7 :1", "7 ?:1"):
        assert str(named_wrongly(WrongNode("MOVED", nameless), "a:1")).startswith("slot 7 is served by another node, ")
    assert named_wrongly(b"reply", "a:1") == b"reply"
