"""Every test must end and leave nothing behind. Measured figures are printed at the end of a run.

A folder's own conftest.py checks for more than threads and sockets if more can be counted there.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from effort import IS_MUTANT, IS_PROOF, TAKING_TURNS, deal  # and how hard the state machines try
from leavings import sockets, workers
from respool.testing import wait_until
from respool.testing._ports import keep_to

Figure = Callable[..., None]

#: So many processes run tests side by side without one taking the port of another's node that is down.
MOST_WORKERS = 8

#: A test that takes longer than this, in seconds, hangs. The longest takes 20 on an idle machine. A state machine that
#: fails is shrunk for up to 300 s before it says so.
LONGEST = 480.0


#: The files that take longest, those that wait and those that compute in turn, so that each fills the gaps of the other.
#: They begin first, so that none of them runs alone at the end.
LONG_FILES = (
    "docs/test_snippets.py",
    "threads/only/test_interrupted_anywhere.py",
    "threads/only/test_interrupted_subscribers.py",
    "testing/test_cluster_servers.py",
    "cli/test_cli.py",
    "asyncio_/test_cluster_scans.py",
    "asyncio_/only/test_cancelled_leases.py",
    "asyncio_/test_sentinel_failover.py",
    "commands/test_replies.py",
    "asyncio_/test_sentinel_buckets.py",
    "protocol/test_frames.py",
    "threads/test_sentinel_failover.py",
    "simulation/test_simulation.py",
    "asyncio_/test_cluster_failover.py",
    "interleavings/test_interleavings.py",
    "asyncio_/test_half_open.py",
    "threads/only/test_interrupted_endings.py",
    "commands/test_server_commands.py",
    "asyncio_/test_every_transport.py",
    "testing/test_sentinel_servers.py",
    "asyncio_/test_cuts.py",
    "servers/test_trouble.py",
    "threads/only/test_posted_interrupts.py",
    "threads/test_half_open.py",
    "compat/redis/test_cluster.py",
    "commands/test_cluster_replies.py",
    "asyncio_/test_cluster_leases.py",
    "threads/test_sentinel_buckets.py",
    "asyncio_/test_pipelines.py",
    "asyncio_/test_hash_pool.py",
    "threads/only/test_gevent.py",
    "threads/test_hash_pool.py",
    "threads/only/test_end_of_interpreter.py",
    "asyncio_/test_sentinel_pool.py",
    "interleavings/test_found.py",
    "threads/test_sentinel_pool.py",
    "stepper/test_servers.py",
    "asyncio_/test_cluster_subscribers.py",
    "asyncio_/test_forks.py",
    "threads/test_cluster_subscribers.py",
    "routing/test_topology_machine.py",
    "asyncio_/test_subscribers.py",
    "threads/test_cluster_scans.py",
    "threads/test_subscribers.py",
    "asyncio_/test_cluster_redirects.py",
    "asyncio_/test_cluster_refreshes.py",
    "gates/test_gates_asyncio.py",
    "threads/test_cluster_refreshes.py",
    "gates/test_gates_threads.py",
    "asyncio_/test_cluster_life.py",
    "threads/test_cluster_leases.py",
    "threads/test_cluster_life.py",
    "asyncio_/test_cluster_runs.py",
    "asyncio_/test_outages.py",
    "pooling/test_fleet.py",
    "asyncio_/test_liveness.py",
    "compat/coredis/test_pools.py",
    "testing/test_fake_cluster_is_like_servers.py",
    "asyncio_/test_heirs_of_servers.py",
    "threads/test_heirs_of_servers.py",
    "asyncio_/test_heirs.py",
    "threads/test_heirs.py",
)


def pytest_configure() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    keep_to(int(worker) % MOST_WORKERS, MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long files first; the others stay as they are. In the short form, leave out what the twin of a test does."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    if not (IS_PROOF or IS_MUTANT or is_named(config)):  # a mutant is in one of the worlds only
        left_out = [item for item in items if is_done_by_its_twin(item)]
        items[:] = [item for item in items if not is_done_by_its_twin(item)]
        config.hook.pytest_deselected(items=left_out)


def is_named(config: pytest.Config) -> bool:
    """Return whether files or tests were asked for by name: then all of them run."""
    return any(".py" in each for each in config.args)


def is_done_by_its_twin(item: pytest.Item) -> bool:
    """Return whether the short form runs the twin of a test, for threads or for asyncio, in its place."""
    worlds = ("asyncio_", "threads")
    if item.path.name not in TAKING_TURNS or item.path.parent.name not in worlds:
        return False
    assert isinstance(item, pytest.Function)
    return deal(f"turn of {item.originalname}", worlds) != item.path.parent.name


@pytest.fixture(scope="module", autouse=True)
def collections_are_cheap() -> None:
    """Leave the objects that exist now out of all collections: modules, tests and reports. Many tests end with one."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_hangs(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the run if a test hangs, by KeyboardInterrupt, which gets out of every loop and every lock."""
    if not hasattr(signal, "SIGALRM") or "RESPOOL_MUTANT" in os.environ:  # tools/mutants.py has an alarm of its own
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt(f"{request.node.nodeid} has not come to an end in {LONGEST:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST, 10.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = sockets()
    yield
    if workers() or sockets() > before:
        gc.collect()
        wait_until(lambda: workers() == [], 2.0)
        wait_until(lambda: sockets() <= before, 2.0)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Make warnings errors; return what finalisers raise, which nobody can catch and Python only prints."""
    errors: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: errors.append(str(what.exc_value)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield errors


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Report a number that proves a promise: ``figure("P-02", "combinations", 4096)``. Equal texts are summed up.

    Without a number only the text is reported. With ``most=True`` the largest number is reported, not the sum.
    """

    def tell(promise: str, text: str, number: float | None = None, *, most: bool = False) -> None:
        record_property("figure", [promise, text, number, most])

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told: defaultdict[tuple[str, str, bool], list[Any]] = defaultdict(list)
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "figure" and report.when == "call":
                promise, text, number, most = value
                told[promise, text, most].append(number)
    if told:
        terminalreporter.section("figures")
    for (promise, text, most), numbers in sorted(told.items()):
        known = [number for number in numbers if number is not None]
        number = f"{(max if most else sum)(known):,.6g}".replace(",", " ") if known else ""
        terminalreporter.line(f"{promise}  {text}{': ' if number else ''}{number}")
