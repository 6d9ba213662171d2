"""Every public coroutine, interrupted at each of its suspensions, in a simulated world."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.loop import Order
from simulation.stage import Stage

from .play import MOST_SUSPENSIONS, play
from .scenes import CALLS, Call
from .stepper import WAYS


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
@pytest.mark.parametrize("way", WAYS)
def test_interrupted_at_each_suspension_it_leaves_a_working_pool(call: Call, way: str, figure: Any) -> None:
    for k in range(1, MOST_SUSPENSIONS + 1):
        stage = Stage(Order(coarse=k % 2 == 0))
        was_reached = stage.run(play(call, way, k, {}, lambda: stage.server.accepted))
        if not was_reached:
            figure("P-03", "interruptions at a suspension, simulated", k - 1)
            return
    raise AssertionError(f"{call.name} suspends more than {MOST_SUSPENSIONS} times")
