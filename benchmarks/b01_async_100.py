"""B1: how many commands per second can 100 tasks send through one pool?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._load import run_gets
from benchmarks._question import BARE, OURS, Bar, Case, Place, Question
from benchmarks.peers import async_side

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "100 tasks"


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    return run_gets(async_side(side), place, params["tasks"])


QUESTION = Question(
    id="B1",
    title="asyncio, shared lane, 100 tasks, GET of 64 bytes",
    sides=(OURS, BARE, "redis-py", "valkey-glide", "coredis", "ioredis"),
    cases=(Case(NAME, {"work": "gets", "tasks": 100}),),
    bars=(
        Bar(NAME, "ops/s", over=BARE, at_least=0.80),
        Bar(NAME, "ops/s", over="redis-py", at_least=20),
        Bar(NAME, "ops/s", over="valkey-glide", at_least=5),
        Bar(NAME, "ops/s", over="ioredis", at_least=1.5),
    ),
    measure=measure,
)
