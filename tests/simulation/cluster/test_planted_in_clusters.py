"""Bugs that were planted in the pool for a cluster on purpose, and the seeds that find them.

A seed that passes with its bug means that its world has changed: look for another with
``python -m tests.simulation --cluster``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from respool._async.node import serving, slot_watch
from respool._async.node.serving import Serving
from respool._async.routing import scatter
from respool._async.routing.errands import Errands
from respool._async.routing.lease_watch import LeaseWatch
from respool._async.routing.members import Members
from respool._async.routing.scatter import Spread
from respool._facts.errors import Error
from respool._routing.refresh import Refresh

from .run import simulate_cluster

Plant = Callable[[pytest.MonkeyPatch], None]


def a_node_that_lost_its_role_is_drained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Members, "cut", Members.retire)


def what_goes_where_ask_said_goes_without_asking(patch: pytest.MonkeyPatch) -> None:
    for module in (scatter, serving):
        patch.setattr(module, "ASKING", ("PING",))


def what_is_redirected_is_sent_twice(patch: pytest.MonkeyPatch) -> None:
    usual = Serving.try_once

    async def try_once(self: Serving, *args: Any, asking: bool = False, **more: Any) -> Any:
        reply = await usual(self, *args, asking=asking, **more)
        return await usual(self, *args, asking=True, **more) if asking and not isinstance(reply, Error) else reply

    patch.setattr(Serving, "try_once", try_once)


def nobody_reads_the_redirects_of_errands(patch: pytest.MonkeyPatch) -> None:
    async def send(self: Errands, spread: Spread) -> None:
        posted, late = spread.begin()
        for part in posted:
            part.transport.give_up(part.ticket)
        await spread.finish([], late)

    patch.setattr(Errands, "send", send)


def a_lease_believes_its_exec_after_its_slot_has_left(patch: pytest.MonkeyPatch) -> None:
    async def checked(*_: Any) -> None:
        """Find nothing."""

    patch.setattr(slot_watch, "_checked", checked)
    patch.setattr(LeaseWatch, "left", lambda *_: None)


def each_doubt_begins_a_round(patch: pytest.MonkeyPatch) -> None:
    def doubted(self: Refresh) -> None:
        self._heard += 1
        self._began_at = float("-inf")

    patch.setattr(Refresh, "doubted", doubted)


def a_part_that_failed_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Spread, "_may_retry", lambda *_: True)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("plant", "seed", "complaint"),
    [
        (a_node_that_lost_its_role_is_drained, 22, "was not cut"),
        (what_goes_where_ask_said_goes_without_asking, 46, "TooManyRedirects"),
        (what_is_redirected_is_sent_twice, 13, "ran 2 times"),
        (nobody_reads_the_redirects_of_errands, 87, "and never ran"),
        (a_lease_believes_its_exec_after_its_slot_has_left, 16, "had been changed since WATCH"),
        (a_part_that_failed_is_sent_again, 117, "ran 2 times"),
        (each_doubt_begins_a_round, 10, "rounds of asking for the map began"),
    ],
)
def test_a_planted_bug_is_found(plant: Plant, seed: int, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert simulate_cluster(seed).failures == []
    plant(monkeypatch)
    assert any(complaint in failure for failure in simulate_cluster(seed).failures)
    gc.collect()  # the pool of the failed run was not closed, and warns of it in vain
