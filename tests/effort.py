"""How hard the tests try: a short form for every run, and longer ones.

``make prove`` sets RESPOOL_PROVE=1: the long proofs leave nothing out. RESPOOL_EXAMPLES=5000 is for state machines in the
night. RESPOOL_MUTANT=1 is for tools/mutants.py: the first failure is enough there, nobody reads the shortest one.

State machines look for failures at random in the two long forms only. The short form tries the same examples each time,
so that a failure says something about the change, and not that an old mistake of a model was found by chance today.

What a short form leaves out is one of two things. Of many similar cases it tries a part, which is large enough to find
every defect that is planted. Of worlds that share a mechanism, such as two event loops, each test is in one: ``deal``
says in which.
"""

from __future__ import annotations

import os
import traceback
import zlib
from asyncio.constants import DEBUG_STACK_DEPTH
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings

#: Whether a proof that has a short form and a full one must take its full form.
IS_PROOF = os.environ.get("RESPOOL_PROVE") == "1"

IS_MUTANT = os.environ.get("RESPOOL_MUTANT") == "1"

IS_SEARCH = not IS_MUTANT and (IS_PROOF or "RESPOOL_EXAMPLES" in os.environ)

World = TypeVar("World")

#: Files about real servers that fail over, which takes seconds. Their tests and the twins for threads take turns.
TAKING_TURNS = frozenset(
    {
        "test_cluster_failover.py",
        "test_cluster_scans.py",
        "test_cluster_scripts.py",
        "test_cluster_subscribers.py",
        "test_sentinel_buckets.py",
        "test_sentinel_failover.py",
    }
)


def deal(name: str, worlds: Sequence[World]) -> World:
    """Return the world in which the short form runs a test. The name decides, so it is the same one in every run."""
    return worlds[zlib.crc32(name.encode()) % len(worlds)]


settings.register_profile(
    "machines",
    max_examples=int(os.environ.get("RESPOOL_EXAMPLES", "150" if IS_PROOF else "100")),
    stateful_step_count=int(os.environ.get("RESPOOL_STEPS", "40")),
    deadline=None,
    print_blob=not IS_MUTANT,
    database=settings.default.database if IS_SEARCH else None,
    derandomize=not IS_SEARCH,
    phases=[Phase.generate] if IS_MUTANT else tuple(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("machines")

# In asyncio's debug mode a future notes the whole stack where it was made, which is half of the CPU time of the tests
# in asyncio. Callbacks note ten frames; those are enough for futures too.
traceback.extract_stack.__defaults__ = (None, DEBUG_STACK_DEPTH)
