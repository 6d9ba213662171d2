"""Break the code on purpose, in one place at a time, and check that a test fails.

    python tools/mutants.py              all mutants of tests/mutants.txt
    python tools/mutants.py ledger take  only mutants whose file or story contains these words
    python tools/mutants.py --machines   those of ledger and wire, with only their state machine tests
    python tools/mutants.py --random 50  50 random mutants instead (see random_mutants.py)

Each mutant is a copy of the package with one text replaced. It is killed if a test fails. A mutant that survives shows
a rule that no test checks, unless mutants.txt explains why no test can notice it. The texts must match exactly: when
the code changes, a mutant that no longer fits is an error. The exit code is 0 if every survivor is explained and at
least 95 % are killed.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Final, NoReturn

import hiredis  # noqa: F401 - imported here, once for all forks
import hypothesis.stateful  # noqa: F401
import pytest

from random_mutants import random_changes

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "src" / "respool"
TESTS: Final = ROOT / "tests"
MUTANTS: Final = TESTS / "mutants.txt"
ENOUGH: Final = 0.95
LONGEST: Final = 300.0  # seconds for the tests of one file; with a mutant, the limit is four times what they took

_LEDGER = (
    "pooling/test_ledger.py pooling/test_keeping.py pooling/test_upkeep.py pooling/test_redial.py "
    "protocol/test_interrupted.py "
    "pooling/test_quota.py pooling/test_ledger_machine.py"
)
_FAKES: Final = "testing/test_fake_cluster.py testing/test_fake_cluster_is_like_servers.py"
_REDIRECTS: Final = "asyncio_/test_cluster_redirects.py asyncio_/test_cluster_runs.py asyncio_/test_cluster_errands.py"
_MAPS: Final = "asyncio_/test_cluster_refreshes.py asyncio_/test_cluster_life.py"
_SENTINELS: Final = "asyncio_/test_sentinel_pool.py"
_WIRE = (
    "protocol/test_wire.py protocol/test_blobs.py protocol/test_frames.py protocol/test_vectors.py "
    "protocol/test_interrupted.py protocol/test_wire_machine.py"
)
_OLD_POOLS: Final = (
    "compat/pyredis/asyncio_/test_pools.py compat/pyredis/test_tasks.py compat/pyredis/asyncio_/test_sentinels.py"
)
_BUCKETS: Final = "asyncio_/test_hash_pool.py"
#: The tests that must fail if a file is wrong, the quickest first.
TESTS_OF: Final = {
    "_pooling/ledger.py": _LEDGER,
    "_pooling/books.py": _LEDGER,
    "_pooling/keeping.py": "pooling/test_keeping.py protocol/test_interrupted.py pooling/test_ledger_machine.py",
    "_pooling/out_of_time.py": "pooling/test_keeping.py",
    "_pooling/quota.py": "pooling/test_quota.py pooling/test_quota_machine.py",
    "_pooling/upkeep.py": "pooling/test_upkeep.py pooling/test_ledger.py pooling/test_quota.py pooling/test_keeping.py "
    "pooling/test_ledger_machine.py",
    "_pooling/slot.py": "pooling/test_ledger.py",
    "_pooling/pipeline_result.py": "commands/test_pipeline_result.py asyncio_/test_mapped_replies.py",
    "_pooling/redial.py": "pooling/test_redial.py pooling/test_ledger.py pooling/test_ledger_machine.py",
    "_protocol/wire.py": _WIRE,
    "_protocol/screen.py": _WIRE,
    "_protocol/entries.py": _WIRE,
    "_protocol/frames.py": _WIRE,
    "_protocol/decoding.py": _WIRE,
    "_protocol/packing.py": f"protocol/test_packing.py {_WIRE}",
    "_protocol/admission.py": "protocol/test_admission.py",
    "_protocol/inbox.py": "protocol/test_inbox.py",
    "_protocol/subscribed.py": "protocol/test_subscribed.py protocol/test_subscribed_machine.py",
    "_protocol/subscriptions.py": "protocol/test_subscriptions.py",
    "_async/shell/pump.py": "asyncio_/only/test_subscribers.py",
    "_async/hub.py": "asyncio_/only/test_subscribers.py asyncio_/test_subscribers.py",
    "_async/subscriber.py": "asyncio_/only/test_subscribers.py asyncio_/test_subscribers.py",
    "_async/routing/homes.py": "asyncio_/test_hash_pool.py asyncio_/test_cluster_subscribers.py",
    "_facts/encoding.py": "protocol/test_packing.py facts/test_slots.py",
    "_facts/slots.py": "facts/test_slots.py",
    "_facts/command.py": "facts/test_command.py protocol/test_run.py asyncio_/test_lane_choice.py",
    "_facts/command_table.py": "facts/test_command.py protocol/test_session.py asyncio_/test_lane_choice.py",
    "_facts/module_table.py": "facts/test_command.py asyncio_/test_lane_choice.py",
    "_facts/routing_table.py": "facts/test_routing_table.py commands/test_routes.py",
    "_protocol/run.py": "protocol/test_run.py protocol/test_scripts.py protocol/test_session.py protocol/test_blobs.py "
    "asyncio_/test_lane_choice.py asyncio_/test_pipelines.py asyncio_/test_delivery.py",
    "_protocol/scripts.py": "protocol/test_scripts.py",
    "_protocol/collected.py": "protocol/test_run.py",
    "_async/node/script.py": "asyncio_/test_scripts.py",
    "_facts/errors.py": "facts/test_errors.py pooling/test_retry.py asyncio_/test_delivery.py",
    "_facts/retry_policy.py": "pooling/test_retry.py",
    "_pooling/retry.py": "pooling/test_retry.py asyncio_/test_delivery.py",
    "_routing/topology.py": "routing/test_topology.py routing/test_topology_machine.py",
    "_routing/refresh.py": "routing/test_refresh.py routing/test_refresh_machine.py",
    "_routing/sentinel_answers.py": "routing/test_sentinel_answers.py",
    "_routing/sentinels.py": "routing/test_sentinels.py routing/test_sentinel_view_machine.py",
    "_routing/sentinel_view.py": "routing/test_sentinel_view.py routing/test_sentinel_view_machine.py",
    "_async/routing/finder.py": _SENTINELS,
    "_async/routing/hearing.py": f"{_SENTINELS} asyncio_/test_sentinel_buckets.py",
    "_async/routing/sentinel.py": _SENTINELS,
    "_async/routing/service_buckets.py": "asyncio_/test_heirs_of_servers.py asyncio_/test_sentinel_buckets.py",
    "_facts/service_options.py": "facts/test_service_options.py",
    "_async/routing/followed.py": f"asyncio_/test_heirs_of_servers.py {_SENTINELS}",
    "_async/routing/replication.py": _SENTINELS,
    "_protocol/handshake.py": "protocol/test_handshake.py",
    "_protocol/masking.py": "protocol/test_peer.py",
    "_protocol/peer.py": "protocol/test_peer.py",
    "_protocol/session.py": "protocol/test_session.py",
    "_protocol/leftover.py": "protocol/test_leftover.py",
    "_protocol/redirect.py": "protocol/test_redirect.py protocol/test_leftover.py",
    "_routing/coverage.py": "routing/test_coverage.py routing/test_coverage_machine.py",
    "_async/routing/scans.py": "asyncio_/test_cluster_scans.py",
    "_protocol/misdirected.py": "protocol/test_misdirected.py",
    "_facts/hash_options.py": "facts/test_hash_options.py",
    "_async/routing/buckets.py": _BUCKETS,
    "_async/routing/group.py": _BUCKETS,
    "_async/many.py": _BUCKETS,
    "_routing/splitting.py": "routing/test_splitting.py",
    "_async/node/retrying.py": "asyncio_/test_delivery.py asyncio_/test_pipelines.py asyncio_/only/test_ticks.py "
    "asyncio_/test_half_open.py asyncio_/test_blocking_commands.py asyncio_/test_outages.py",
    "_async/node/connection.py": "asyncio_/test_pipelines.py asyncio_/only/test_cancelled_leases.py "
    "asyncio_/test_blobs.py asyncio_/test_views.py asyncio_/only/test_ticks.py asyncio_/test_scripts.py",
    "_async/node/slot_watch.py": "asyncio_/test_cluster_leases.py",
    "_async/routing/lease_watch.py": "asyncio_/test_cluster_leases.py",
    "_async/node/pipeline.py": "asyncio_/test_views.py asyncio_/test_mapped_replies.py asyncio_/test_pipelines.py",
    "_async/node/view.py": "asyncio_/test_views.py asyncio_/test_hash_pool.py",
    "_facts/conditions.py": "facts/test_conditions.py asyncio_/test_views.py",
    "_facts/url.py": "facts/test_url.py facts/test_hash_options.py",
    "_facts/options.py": "facts/test_options.py facts/test_url.py",
    "_async/node/node.py": "asyncio_/test_delivery.py asyncio_/test_outages.py asyncio_/test_cluster_redirects.py",
    "_async/routing/calls.py": f"{_REDIRECTS} asyncio_/test_cluster_life.py",
    "_async/routing/cluster.py": f"asyncio_/test_heirs.py {_MAPS} {_REDIRECTS}",
    "_async/routing/discovery.py": f"{_MAPS} {_REDIRECTS}",
    "_async/routing/errands.py": "asyncio_/test_cluster_errands.py asyncio_/test_cluster_life.py",
    "_async/routing/members.py": "asyncio_/test_cluster_life.py asyncio_/test_cluster_refreshes.py",
    "_async/routing/routed.py": f"{_REDIRECTS} asyncio_/test_cluster_life.py",
    "_async/routing/scatter.py": "asyncio_/test_heirs.py asyncio_/test_heirs_of_servers.py "
    "asyncio_/test_cluster_runs.py asyncio_/test_cluster_errands.py "
    "asyncio_/test_cluster_life.py asyncio_/only/test_cluster_loops.py asyncio_/test_hash_pool.py "
    "simulation/cluster/test_found_in_clusters.py asyncio_/test_cluster_scripts.py",
    "_async/routing/slot_map.py": f"asyncio_/test_heirs.py asyncio_/test_cluster_life.py {_MAPS} {_REDIRECTS} "
    "asyncio_/test_cluster_leases.py",
    "_async/shell/transport.py": "asyncio_/test_half_open.py asyncio_/test_shared_lane.py asyncio_/only/test_ticks.py "
    "asyncio_/test_blobs.py asyncio_/test_posted_runs.py asyncio_/only/test_posted_cancels.py",
    "_sync/shell/affinity.py": "threads/only/test_affinity.py threads/only/test_step.py threads/only/test_extra.py "
    "threads/only/test_interrupted_asking.py",
    "_sync/shell/compat.py": "threads/only/test_affinity.py threads/only/test_within_itself.py",
    "_sync/shell/transport.py": "threads/only/test_kept.py threads/only/test_affinity.py threads/only/test_step.py "
    "threads/only/test_alone.py "
    "threads/only/test_extra.py threads/only/test_interrupted_asking.py threads/test_posted_runs.py "
    "threads/only/test_posted_interrupts.py threads/only/test_leading.py threads/only/test_within_itself.py "
    "threads/test_shared_lane.py threads/only/test_end_of_interpreter.py threads/only/test_interrupted_endings.py "
    "interleavings/test_interleavings.py",
    "_sync/shell/calls.py": "threads/only/test_waking.py",
    "_sync/node/maintenance.py": "threads/only/test_extra.py",
    "_sync/node/serving.py": "threads/only/test_extra.py",
    "_sync/node/shared_lane.py": "threads/only/test_affinity.py threads/only/test_extra.py",
    "_sync/node/retrying.py": "threads/test_delivery.py threads/test_outages.py",
    "_async/node/scan.py": "asyncio_/test_scans.py asyncio_/test_hash_pool.py",
    "compat/pyredis/_async/hashed.py": "compat/pyredis/asyncio_/test_sentinels.py",
    "compat/coredis/pubsub.py": "compat/coredis/test_pubsub.py",
    "compat/coredis/script.py": "compat/coredis/test_pubsub.py",
    "commands/_arguments.py": "commands/test_arguments.py",
    "compat/aioredis/arguments.py": "compat/aioredis/test_aioredis.py",
    "compat/aioredis/connection.py": "compat/aioredis/test_aioredis.py",
    "compat/aioredis/pool.py": "compat/aioredis/test_aioredis.py",
    "compat/pyredis/_names.py": "compat/pyredis/test_urls.py compat/pyredis/asyncio_/test_many_nodes.py",
    "compat/pyredis/_async/pools.py": _OLD_POOLS,
    "compat/pyredis/_async/clients.py": f"{_OLD_POOLS} compat/pyredis/asyncio_/test_many_nodes.py",
    "compat/pyredis/_async/others.py": "compat/pyredis/test_tasks.py compat/pyredis/asyncio_/test_sentinels.py "
    "compat/pyredis/asyncio_/test_many_nodes.py",
    "compat/pyredis/_async/worlds.py": "compat/pyredis/test_tasks.py",
    "testing/_fake_cluster.py": _FAKES,
    "testing/_fake_cluster_node.py": _FAKES,
    "testing/_fake_routing.py": _FAKES,
    "testing/_fake_store.py": _FAKES,
    "testing/_fake_view.py": _FAKES,
    "_async/node/pieces.py": "asyncio_/test_pipelines.py asyncio_/only/test_steps.py "
    "asyncio_/only/test_cancelled_leases.py asyncio_/test_blobs.py",
    "_async/node/shared_lane.py": "asyncio_/test_shared_lane.py asyncio_/test_noreply.py "
    "asyncio_/test_pool_life.py asyncio_/test_outages.py asyncio_/test_delivery.py",
    "_async/commands.py": "asyncio_/test_own_commands.py",
    "compat/coredis/arguments.py": "compat/coredis/test_urls.py compat/coredis/test_connections.py",
    "compat/coredis/client.py": "compat/coredis/test_clients.py compat/coredis/test_urls.py "
    "compat/coredis/test_pools.py",
    "compat/coredis/connection.py": "compat/coredis/test_connections.py",
    "compat/coredis/exceptions.py": "compat/coredis/test_clients.py",
    "compat/coredis/pool.py": "compat/coredis/test_pools.py",
    "_async/node/maintenance.py": "asyncio_/only/test_event_loops.py",
    "compat/redis/_commands.py": "compat/redis/test_commands.py",
    "compat/redis/_settings.py": "compat/redis/test_settings.py compat/redis/test_sentinel.py",
    "compat/redis/_errors.py": "compat/redis/test_client.py compat/redis/test_cluster_watching.py",
    "compat/redis/_pools.py": "compat/redis/test_engine_life.py",
    "compat/redis/_engines.py": "compat/redis/test_engine_life.py",
    "compat/redis/_cluster.py": "compat/redis/test_cluster.py",
    "compat/redis/_async_cluster.py": "compat/redis/test_cluster.py",
    "compat/redis/_cluster_calls.py": "compat/redis/test_cluster_watching.py compat/redis/test_cluster.py",
    "compat/redis/_cluster_pipelines.py": "compat/redis/test_cluster_watching.py compat/redis/test_cluster.py",
    "compat/redis/_async_cluster_pipelines.py": "compat/redis/test_cluster_watching.py compat/redis/test_cluster.py",
    "compat/redis/_cluster_settings.py": "compat/redis/test_cluster.py compat/redis/test_cluster_tls.py",
    "compat/redis/_runs.py": "compat/redis/test_pipelines.py compat/redis/test_watching.py",
    "compat/redis/_watching.py": "compat/redis/test_watching.py",
    "compat/redis/_client.py": "compat/redis/test_watching.py",
    "compat/redis/_async_client.py": "compat/redis/test_watching.py",
    "compat/redis/_async_engines.py": "compat/redis/test_asyncio_client.py",
    "_async/door.py": "asyncio_/test_lane_choice.py asyncio_/test_delivery.py asyncio_/test_noreply.py "
    "asyncio_/test_pool_life.py "
    "asyncio_/test_pipelines.py asyncio_/test_shared_lane.py asyncio_/only/test_ticks.py "
    "asyncio_/test_blocking_commands.py asyncio_/test_outages.py asyncio_/only/test_event_loops.py",
    "_async/node/serving.py": "asyncio_/test_lane_choice.py asyncio_/test_blobs.py asyncio_/test_delivery.py "
    "asyncio_/test_noreply.py asyncio_/test_pipelines.py asyncio_/test_shared_lane.py asyncio_/only/test_ticks.py "
    "asyncio_/test_blocking_commands.py asyncio_/test_outages.py asyncio_/only/test_event_loops.py "
    "asyncio_/test_scripts.py asyncio_/test_cluster_redirects.py",
    "_async/node/lease_lane.py": "asyncio_/test_leases.py asyncio_/test_books.py "
    "asyncio_/only/test_cancelled_leases.py asyncio_/test_cluster_redirects.py",
    "_sync/node/lease_lane.py": "threads/only/test_kept.py threads/only/test_within_itself.py "
    "threads/only/test_interrupted_anywhere.py",
    "_sync/node/closing.py": "threads/only/test_kept.py",
    "_sync/node/node.py": "threads/only/test_kept.py",
    "_sync/node/select.py": "threads/only/test_kept.py",
}


@dataclass(frozen=True)
class Mutant:
    """One defect: a text of a file, and its replacement."""

    file: str
    story: str
    old: str
    new: str
    #: Why no test can notice it; empty for a mutant that must be killed.
    excuse: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.story}"

    @property
    def fits(self) -> bool:
        """Whether the file has its text exactly once, and the result is valid Python."""
        source = (PACKAGE / self.file).read_text("utf-8")
        try:
            ast.parse(source.replace(self.old, self.new))
        except SyntaxError:
            return False
        return source.count(self.old) == 1


def read(path: Path) -> list[Mutant]:
    """Read the file of mutants, whose first lines describe its format."""
    mutants = []
    for block in path.read_text("utf-8").split("\n# ")[1:]:
        title, _, texts = block.partition("\n")
        file, _, story = title.partition(": ")
        excuse = ""
        if texts.startswith("#? "):
            excuse, _, texts = texts.removeprefix("#? ").partition("\n")
        old, _, new = texts.partition("\n->\n")
        mutants.append(Mutant(file, story, old, new.rstrip("\n"), excuse))
    return mutants


def tests_of(file: str, *, only_machines: bool) -> tuple[Path, ...]:
    return tuple(TESTS / name for name in TESTS_OF[file].split() if not only_machines or name.endswith("_machine.py"))


@dataclass
class Trial:
    """A run of the tests of a file against a copy of the package, in a process of its own."""

    tests: Sequence[Path]
    mutant: Mutant | None
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    #: Whether a test failed, or the tests ran too long and were stopped.
    is_noticed: bool = False

    def run_and_exit(self, folder: Path, limit: float, options: argparse.Namespace) -> NoReturn:
        """Run the tests in this forked process, and exit with pytest's exit code."""
        code: int = pytest.ExitCode.INTERNAL_ERROR
        try:
            signal.signal(signal.SIGALRM, _stop)
            signal.setitimer(signal.ITIMER_REAL, limit, 10.0)
            folder.mkdir()
            said = os.open(folder / "said", os.O_CREAT | os.O_WRONLY)
            os.dup2(said, 1)
            os.dup2(said, 2)
            shutil.copytree(PACKAGE, folder / "respool")
            if self.mutant is not None:
                file = folder / "respool" / self.mutant.file
                file.write_text(file.read_text("utf-8").replace(self.mutant.old, self.mutant.new), "utf-8")
            os.environ.update(RESPOOL_MUTANT="1", RESPOOL_EXAMPLES="300" if options.machines else "100")
            sys.path[:0] = [str(folder), str(TESTS)]
            arguments = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
            arguments += ["-k", "not uvloop"]  # one event loop is enough
            arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # for plugins that are imported already
            code = pytest.main([*arguments, *map(str, self.tests)])
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            has_rung = signal.getsignal(signal.SIGALRM) is not _stop  # timed out: the mutant counts as noticed
            _end(pytest.ExitCode.INTERRUPTED if has_rung else code)


def _stop(*_: object) -> None:
    """Stop the tests as Ctrl-C would. If they do not stop, the next alarm ends the process."""
    signal.signal(signal.SIGALRM, lambda *_: _end(pytest.ExitCode.INTERRUPTED))
    raise KeyboardInterrupt


def _end(code: int) -> NoReturn:
    atexit._run_exitfuncs()  # stop servers that a test has left running
    os._exit(code)


def outcomes(
    trials: Iterable[Trial], limit_of: Callable[[Trial], float], options: argparse.Namespace
) -> Iterator[Trial]:
    """Run trials, ``options.jobs`` at a time, and yield each when it has ended.

    Each is a fork of this process, which has imported pytest and hypothesis already, because that takes longer than
    most tests. So nothing here may start a thread, or import respool.
    """
    running: dict[int, Trial] = {}
    waiting = list(trials)[::-1]
    folder = tempfile.mkdtemp(prefix="respool-mutants-")  # no TemporaryDirectory: the first fork to end would remove it
    try:
        while waiting or running:
            if waiting and len(running) < options.jobs:
                trial = waiting.pop()
                trial.began = time.monotonic()
                if (pid := os.fork()) == 0:
                    trial.run_and_exit(Path(folder, str(os.getpid())), limit_of(trial), options)
                running[pid] = trial
            else:
                pid, status = os.wait()
                trial = running.pop(pid)
                trial.seconds = time.monotonic() - trial.began
                own_folder = Path(folder, str(pid))
                if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, 1, 2):  # 2: it could not be imported
                    raise SystemExit(f"pytest could not run:\n{(own_folder / 'said').read_text('utf-8')}")
                shutil.rmtree(own_folder)
                trial.is_noticed = status != 0
                yield trial
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # after Ctrl-C some trials may still be writing there


def choose(options: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to try. Raises SystemExit if some of them do not fit the code."""
    if options.random:
        changes = random_changes(PACKAGE, options.random, options.seed, options.words)
        return [Mutant(file, story, (PACKAGE / file).read_text("utf-8"), new) for file, story, new in changes]
    mutants = [mutant for mutant in read(MUTANTS) if all(word in str(mutant) for word in options.words)]
    mutants = [mutant for mutant in mutants if tests_of(mutant.file, only_machines=options.machines)]
    misfits = [str(mutant) for mutant in mutants if not mutant.fits]
    if misfits:
        raise SystemExit("\n  ".join(["these do not fit the code any more:", *misfits]))
    return mutants


def main() -> int:
    parser = argparse.ArgumentParser(description="Break the machines, and see that a test notices.")
    parser.add_argument("words", nargs="*", help="only mutants whose file or story has all of these words")
    parser.add_argument("--machines", action="store_true", help="only the state machines may find them")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N random ones in place of the known ones")
    parser.add_argument("--seed", type=int, default=1, help="which random ones")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    options = parser.parse_args()
    mutants = choose(options)

    def trial(mutant: Mutant) -> Trial:
        return Trial(tests_of(mutant.file, only_machines=options.machines), mutant)

    for plugin in metadata.entry_points(group="pytest11"):
        plugin.load()  # before forking, so that forks need not import them
    began = time.monotonic()
    usual: dict[Sequence[Path], float] = {}
    sound_ones = [Trial(tests, None) for tests in dict.fromkeys(trial(mutant).tests for mutant in mutants)]
    for sound in outcomes(sound_ones, lambda _: LONGEST, options):
        if sound.is_noticed:
            raise SystemExit(f"these fail without any mutant: {', '.join(path.name for path in sound.tests)}")
        usual[sound.tests] = sound.seconds
    survivors: list[Mutant] = []
    for each in outcomes(map(trial, mutants), lambda each: usual[each.tests] * 4 + 10, options):
        if each.mutant is not None and not each.is_noticed:
            survivors.append(each.mutant)
            print(f"survived  {each.mutant}\n          {each.mutant.excuse or 'and nothing explains why'}", flush=True)
    killed_count = len(mutants) - len(survivors)
    print(f"killed {killed_count} of {len(mutants)} in {time.monotonic() - began:.0f} s")
    is_enough = killed_count >= ENOUGH * len(mutants)
    return 0 if is_enough and all(mutant.excuse for mutant in survivors) else 1


if __name__ == "__main__":
    raise SystemExit(main())
