"""Bugs that were planted in the pool on purpose, and the seeds that find them in the worlds made for their kind.

A seed that passes with its bug means that its world has changed: look for another with ``python -m tests.simulation``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from respool._async.node import pieces, retrying, serving
from respool._async.node.node import Node
from respool._facts.errors import again, is_demoted
from respool._pooling.retry import may_retry
from respool._protocol import run, session
from respool._protocol.entries import AtomicBatch, Batch
from respool._protocol.wire import Wire
from respool.errors import Error, ProtocolError

from .run import simulate

if TYPE_CHECKING:
    from respool._pooling.slot import Slot

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


def the_errors_of_scripts_prove_something(patch: pytest.MonkeyPatch) -> None:
    def allow(error: Error, *, safe: bool, runs_code: bool = False) -> bool:
        return may_retry(error, safe=safe)

    patch.setattr(retrying, "may_retry", allow)


def a_script_that_says_readonly_retires_connections(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving, "is_demoted", lambda error, runs_code=False: is_demoted(error))


def a_demoted_node_is_asked_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(retrying, "is_demoted", lambda error, runs_code=False: False)


def a_demoted_node_keeps_its_connections(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(serving.SharedLane, "demoted", lambda lane, transport: None)


def each_answer_of_a_demoted_node_renews_all(patch: pytest.MonkeyPatch) -> None:
    def demoted(node: Node, slot: Slot) -> None:
        with node.lock:
            node.ledger.drain(node.now())
        node.alarm.set()

    patch.setattr(Node, "demoted", demoted)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("plant", "seed", "complaint"),
    [
        (a_refused_exec_keeps_its_connection, 24, "sent into somebody's open transaction"),
        (any_answer_ends_a_transaction, 39, "left on it"),
        (a_refused_exec_in_pieces_keeps_its_lease, 51, "ECHO on a lease answered b'QUEUED'"),
        (a_refused_multi_says_nothing_of_its_commands, 10, "ran, but its caller was told: not executed"),
        (a_read_is_asked_again_after_bytes_that_are_no_reply, 46, "was sent again"),
        (nobody_is_blamed_for_bytes_that_are_no_reply, 46, "was not RESP, and the end was ConnectionLost"),
        (everybody_is_blamed_for_bytes_that_are_no_reply, 46, "and its reply was as it should be"),
        (the_errors_of_scripts_prove_something, 13, "ran 4 times"),
        (a_script_that_says_readonly_retires_connections, 5, "had not said READONLY on it"),
        (a_demoted_node_is_asked_again, 143, "to the connection that had said READONLY"),
        (a_demoted_node_keeps_its_connections, 20, "to the connection that had said READONLY"),
        (each_answer_of_a_demoted_node_renews_all, 143, "has its successors retired too"),
    ],
)
def test_a_planted_bug_is_found(plant: Plant, seed: int, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert simulate(seed).failures == []
    plant(monkeypatch)
    assert any(complaint in failure for failure in simulate(seed).failures)
    gc.collect()  # the pool of the failed run was not closed, and warns of it in vain
