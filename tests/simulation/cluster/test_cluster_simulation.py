"""The promises of the pool for a cluster, in some simulated runs; ``python -m tests.simulation --cluster`` runs more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..__main__ import show
from .run import simulate_cluster

SEEDS = 16
PER_TEST = 4


@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
def test_no_promise_is_broken_in_any_of_these_clusters(first: int, figure: Callable[..., None]) -> None:
    results = [simulate_cluster(seed) for seed in range(first, first + PER_TEST)]
    for result in results:
        show(result, is_cluster=True)
    assert [result.seed for result in results if result.failures] == []
    figure(
        "P-01", "simulated commands to clusters, each with its own reply", sum(result.commands for result in results)
    )
    figure("P-16", "simulated faults and changes of clusters survived", sum(result.faults for result in results))


@pytest.mark.parametrize("seed", [2, 9])
def test_the_same_seed_tells_the_same_story(seed: int) -> None:
    first = simulate_cluster(seed, keep_trace=True)
    assert simulate_cluster(seed, keep_trace=True).trace == first.trace
    assert len(first.trace) > 20
