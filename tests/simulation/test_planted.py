"""Bugs that were planted in the pool on purpose, and the seeds that find them in the worlds made for their kind.

A seed that passes with its bug means that its world has changed: look for another with ``python -m tests.simulation``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from respool._async.node import pieces, retrying
from respool._facts.errors import again
from respool._pooling.retry import may_retry
from respool._protocol import run, session
from respool._protocol.entries import AtomicBatch, Batch
from respool._protocol.wire import Wire
from respool.errors import Error, ProtocolError

from .run import simulate

Plant = Callable[[pytest.MonkeyPatch], None]


def a_refused_exec_keeps_its_connection(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AtomicBatch, "set_result", Batch.set_result)


def any_answer_ends_a_transaction(patch: pytest.MonkeyPatch) -> None:
    for module in (run, session):
        patch.setattr(module, "has_ended", lambda name, reply: True)


def a_refused_exec_in_pieces_keeps_its_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pieces, "why_in_doubt", lambda replies: None)


def a_refused_multi_says_nothing_of_its_commands(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run.Run, "_refused", lambda self, replies: again(replies[0]))


def a_read_is_asked_again_after_bytes_that_are_no_reply(patch: pytest.MonkeyPatch) -> None:
    def allow(error: Error, *, safe: bool, runs_code: bool = False) -> bool:
        return may_retry(error, safe=safe, runs_code=runs_code) or (safe and isinstance(error, ProtocolError))

    patch.setattr(retrying, "may_retry", allow)


def nobody_is_blamed_for_bytes_that_are_no_reply(patch: pytest.MonkeyPatch) -> None:
    usual = Wire._broken

    def broken(wire: Wire, error: Exception) -> ProtocolError:
        made = usual(wire, error)
        wire._blame = None
        return made

    patch.setattr(Wire, "_broken", broken)


def everybody_is_blamed_for_bytes_that_are_no_reply(patch: pytest.MonkeyPatch) -> None:
    usual = Wire.fail

    def fail(wire: Wire, unwritten: Callable[[], Any], written: Callable[[], Any]) -> None:
        blame = wire._blame
        usual(wire, unwritten, written if blame is None else lambda: blame)

    patch.setattr(Wire, "fail", fail)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("plant", "seed", "complaint"),
    [
        (a_refused_exec_keeps_its_connection, 24, "sent into somebody's open transaction"),
        (any_answer_ends_a_transaction, 39, "left on it"),
        (a_refused_exec_in_pieces_keeps_its_lease, 51, "ECHO on a lease answered b'QUEUED'"),
        (a_refused_multi_says_nothing_of_its_commands, 10, "ran, but its caller was told: not executed"),
        (a_read_is_asked_again_after_bytes_that_are_no_reply, 46, "was sent again"),
        (nobody_is_blamed_for_bytes_that_are_no_reply, 12, "was not RESP, and the end was ConnectionLost"),
        (everybody_is_blamed_for_bytes_that_are_no_reply, 46, "and its reply was as it should be"),
    ],
)
def test_a_planted_bug_is_found(plant: Plant, seed: int, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert simulate(seed).failures == []
    plant(monkeypatch)
    assert any(complaint in failure for failure in simulate(seed).failures)
    gc.collect()  # the pool of the failed run was not closed, and warns of it in vain
