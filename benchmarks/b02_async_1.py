"""B2: how many commands per second can a single task send, with no other task to share a write with?"""

from __future__ import annotations

from benchmarks._question import BARE, OURS, Bar, Case, Question
from benchmarks.b01_async_100 import measure

NAME = "1 task"

QUESTION = Question(
    id="B2",
    title="asyncio, shared lane, 1 task, GET of 64 bytes",
    sides=(OURS, BARE, "redis-py", "valkey-glide", "coredis", "ioredis"),
    cases=(Case(NAME, {"work": "gets", "tasks": 1}),),
    bars=(
        Bar(NAME, "ops/s", over=BARE, at_least=0.85),
        Bar(NAME, "ops/s", over="redis-py", at_least=1.8),
    ),
    measure=measure,
)
