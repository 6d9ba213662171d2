"""How hard the tests try: a short form for every run, and longer ones.

``make prove`` sets RESPOOL_PROVE=1: the long proofs leave nothing out. RESPOOL_EXAMPLES=5000 is for state machines in the
night. RESPOOL_MUTANT=1 is for tools/mutants.py: the first failure is enough there, nobody reads the shortest one.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

#: Whether a proof that has a short form and a full one must take its full form.
IS_PROOF = os.environ.get("RESPOOL_PROVE") == "1"

IS_MUTANT = os.environ.get("RESPOOL_MUTANT") == "1"

settings.register_profile(
    "machines",
    max_examples=int(os.environ.get("RESPOOL_EXAMPLES", "150")),
    stateful_step_count=int(os.environ.get("RESPOOL_STEPS", "40")),
    deadline=None,
    print_blob=not IS_MUTANT,
    database=None if IS_MUTANT else settings.default.database,
    derandomize=IS_MUTANT,
    phases=[Phase.generate] if IS_MUTANT else tuple(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("machines")
