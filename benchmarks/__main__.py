"""``python -m benchmarks``: measure all questions, print the table, and write it and the plots.

Only a full run writes ``benchmarks/results``. A quick or partial run writes to the directory of ``--out``, or nothing.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "src")]  # so that a checkout need not be installed

from benchmarks import _machine, _plots, _rounds, _table  # noqa: E402 - after sys.path is set
from benchmarks._cores import cores_awake  # noqa: E402
from benchmarks._question import Place, Question  # noqa: E402
from respool.testing import ClusterServers, Server  # noqa: E402

ROUNDS, SECONDS = 7, 0.3
QUICK_ROUNDS, QUICK_SECONDS = 2, 0.08
QUIET = 15_000  # milliseconds, the server's default: nodes of a cluster that nobody measures exchange few messages


def main() -> int:
    options = _options()
    modules = _questions(options.only)
    if not modules:
        sys.exit(f"no such question: {options.only}")
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    machine: list[tuple[str, str]] = []
    results = []
    with ExitStack() as stack:
        if options.awake:
            try:
                stack.enter_context(cores_awake())
            except OSError as error:
                sys.exit(f"--awake: {error.strerror}: the system does not let us")
        for name, question in modules.items():
            with ExitStack() as servers:  # new ones for each question
                server = servers.enter_context(Server(options.server))
                machine = machine or _machine.describe(server, is_awake=options.awake)
                places = {0: Place(server.host, server.port, server.pid, seconds, binary=options.server)}
                for size in question.clusters:
                    cluster = servers.enter_context(
                        ClusterServers(size, 0, binary=options.server, config={"cluster-node-timeout": QUIET})
                    )
                    primaries = tuple((node.host, node.port) for node in cluster.nodes)
                    places[size] = replace(places[0], primaries=primaries)
                results.append(_rounds.run(name, question, places, rounds, _tell, options.before))
    if options.before is not None:
        print(_table.against_before(machine, results, rounds=rounds, seconds=seconds))
        return 0
    table = _table.render(machine, results, rounds=rounds, seconds=seconds)
    print(table)
    is_full = not (options.quick or options.only or options.rounds or options.seconds)
    directory = Path(options.out) if options.out else HERE / "results" if is_full else None
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "latest.txt").write_text(table, "utf-8")
        try:
            _plots.draw(results, directory)
        except ImportError:
            _tell("no plots: matplotlib is not installed")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure respool against its bars.")
    parser.add_argument("--only", help="questions to ask, as in B1,B4", metavar="IDS")
    parser.add_argument("--rounds", type=int, help=f"recorded rounds (default {ROUNDS})")
    parser.add_argument("--seconds", type=float, help=f"length of one measurement (default {SECONDS})")
    parser.add_argument("--quick", action="store_true", help="see that everything runs; the figures mean nothing")
    parser.add_argument("--awake", action="store_true", help="keep idle cores from sleeping (Linux, root)")
    parser.add_argument("--before", type=Path, help="ask only respool: this tree and another checkout", metavar="DIR")
    parser.add_argument("--out", help="directory for the table and the plots", metavar="DIR")
    parser.add_argument("--server", help="another server than the embedded Valkey, as in redis-server")
    return parser.parse_args()


def _questions(only: str | None) -> dict[str, Question]:
    """Return the questions in order: one for every file ``bNN_*.py``."""
    wanted = {word.strip().upper() for word in only.split(",")} if only else None
    found = {path.stem: import_module(f"benchmarks.{path.stem}").QUESTION for path in sorted(HERE.glob("b[0-9]*.py"))}
    return {name: question for name, question in found.items() if wanted is None or question.id in wanted}


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
