"""Bugs that the interleavings have found, as small scenes: each seed is another order of the same few calls."""

from __future__ import annotations

from typing import Any

from respool._facts.options import make_options
from respool._protocol.peer import Peer
from respool._sync.shell import dial as dial_module
from simulation.network import Weather

from .baton import Rhythm
from .primitives import SimThread
from .scenes import REPLY_OFF, REPLY_ON
from .stage import Stage


def test_a_run_without_reply_that_waits_at_the_door_is_sent_also_when_the_door_empties_just_then() -> None:
    lost = [seed for seed in range(400) if _heard_at_the_door(seed) != 3]
    assert lost == []


def _heard_at_the_door(seed: int) -> int:
    """Run three ``submit`` and three ``submit_noreply`` under a low cap; return how many of the latter arrived."""
    stage = Stage(seed, Rhythm(gap=20.0), Weather(latency=0.0))

    def story() -> None:
        transport: Any = dial_module.connect(make_options(None, {"max_in_flight": 1}), None, Peer(), None)
        works: list[tuple[Any, Any]] = []
        for number in range(3):
            works.append((transport.submit, ("ECHO", str(number))))
            works.append((transport.submit_noreply, [REPLY_OFF, ("SET", "k", f"tok:{number}"), REPLY_ON]))
        threads = [SimThread(stage.baton, target=work, args=(what,), name="caller") for work, what in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert transport.submit(("ECHO", "after")) == b"after"
        transport.abort()

    stage.run(story)
    assert stage.baton.failures == []
    return sum(stage.server.executed.values())
