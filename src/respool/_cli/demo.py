"""``respool demo``: a mixed load on both lanes, in asyncio and in threads, with every reply checked.

Rule 1: respool is not trusted: replies are compared with the expected values, and the pool's counters with the
        server's.
Rule 2: on any server it touches only keys with a prefix of its own. It removes them, and they expire as well.
"""

from __future__ import annotations

import platform
import secrets
from contextlib import ExitStack, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Final

from respool import Connection
from respool._cli.demo_load import CONSUMERS, Cancelling, Outcome, Plan
from respool._cli.demo_tasks import run_tasks
from respool._cli.demo_threads import run_threads
from respool._cli.loops import loop_factory, run_async
from respool._cli.numbers import Latencies, short, whole
from respool._cli.ping import describe
from respool._facts.version import __version__
from respool.errors import Error

if TYPE_CHECKING:
    from argparse import Namespace

    from respool._cli.screen import Screen

#: How the seconds are divided: tasks, cancelling, threads.
TASKS: Final = 0.45
CANCELLING: Final = 0.15
THREADS: Final = 0.4


def run(args: Namespace, screen: Screen) -> int:
    """Run the load, print what happened, and return 1 if a check failed."""
    started = perf_counter()
    with ExitStack() as stack:
        url, where = args.url, "not embedded"
        if url is None:
            from respool.testing import Server

            url, where = stack.enter_context(Server()).url, "embedded, started for this"
        keeper = stack.enter_context(Connection(url, encoding="utf-8"))
        how = f"Python {platform.python_version()}, {loop_factory()[0]}"
        screen.say(f"respool {__version__} · {describe(keeper)} ({where}) · {how}")
        name = f"respool-demo-{secrets.token_hex(4)}"
        stack.callback(_remove_keys, keeper, name)
        plan = Plan(url=url, name=name, callers=args.tasks, seconds=args.seconds * TASKS)
        tasks, cancelling = run_async(run_tasks(plan, args.seconds * CANCELLING, screen))
        plan = Plan(url=url, name=name, callers=args.threads, seconds=args.seconds * THREADS)
        threads = run_threads(plan, screen)
    screen.heading("what happened")
    screen.table(("", "asyncio", "threads"), _load_rows(tasks, threads))
    screen.heading("what cancelling did")
    screen.table(("calls", whole(cancelling.calls)), _cancel_rows(cancelling))
    screen.heading("checks")
    checks = [*_reply_checks(tasks, threads, cancelling), *_count_checks(tasks, threads, cancelling)]
    for text, passed in checks:
        screen.check(text, passed=passed)
    failed = sum(not passed for _, passed in checks)
    verdict = "all passed" if not failed else f"{failed} FAILED"
    screen.heading(f"{len(checks)} checks, {verdict}, {perf_counter() - started:.1f} s")
    return 1 if failed else 0


def _remove_keys(keeper: Connection[str], name: str) -> None:
    """Remove the keys that the load wrote. Keys that cannot be removed expire."""
    with suppress(Error):
        cursor = 0
        while True:
            cursor, keys = keeper.scan(cursor, match=f"{name}:*", count=1000)
            if keys:
                keeper.unlink(*keys)
            if not cursor:
                return


# Tables and checks -------------------------------------------------------------------------------------


def _load_rows(*outcomes: Outcome) -> list[tuple[str, ...]]:
    found = [outcome.latencies for outcome in outcomes]
    handover = [Latencies.of(outcome.tally.handover) for outcome in outcomes]
    return [
        ("callers on the shared lane", *[outcome.callers for outcome in outcomes]),
        ("commands", *[whole(one.count) for one in found]),
        (
            "commands per second",
            *[whole(one.count / outcome.seconds) for one, outcome in zip(found, outcomes, strict=True)],
        ),
        ("latency, half of the calls within", *[short(one.p50) for one in found]),
        ("latency, 99 % within", *[short(one.p99) for one in found]),
        ("blocking consumers, on leases", *[str(CONSUMERS) for _ in outcomes]),
        ("items handed over", *[whole(one.count) for one in handover]),
        ("push to pop, half within", *[short(one.p50) for one in handover]),
        ("connections, says the server", *[str(len(outcome.rows)) for outcome in outcomes]),
        ("of them shared", *[str(outcome.stats.shared) for outcome in outcomes]),
        ("opened in all", *[str(outcome.stats.opened) for outcome in outcomes]),
    ]


def _cancel_rows(sums: Cancelling) -> list[tuple[str, ...]]:
    return [
        ("cancelled", whole(sums.cancelled)),
        ("  taken back before they were written", whole(sums.taken_back)),
        ("  their replies dropped on arrival", whole(sums.dropped)),
        ("  answered in the same instant", whole(sums.cancelled - sums.taken_back - sums.dropped)),
        ("not cancelled, and got a reply", whole(sums.survivors)),
        ("new connections", whole(sums.reconnects)),
    ]


def _reply_checks(tasks: Outcome, threads: Outcome, sums: Cancelling) -> list[tuple[str, bool]]:
    compared = tasks.tally.compared + threads.tally.compared
    wrong = tasks.tally.wrong + threads.tally.wrong
    items = len(tasks.tally.pushed) + len(threads.tally.pushed)
    return [
        (
            f"every reply reached its caller: {whole(compared)} compared, {whole(wrong)} wrong",
            min(tasks.tally.compared, threads.tally.compared) > 0 and not wrong,
        ),
        (
            f"calls that were not cancelled, too: {whole(sums.survivors)} compared, {whole(sums.wrong)} wrong",
            sums.survivors > 0 and not sums.wrong,
        ),
        (
            f"every list item reached exactly one consumer: {whole(items)} items",
            tasks.items_once and threads.items_once,
        ),
    ]


def _count_checks(tasks: Outcome, threads: Outcome, sums: Cancelling) -> list[tuple[str, bool]]:
    checks = [
        (
            f"cancelling {whole(sums.cancelled)} calls cost {sums.reconnects} reconnects",
            sums.cancelled > 0 and sums.before == sums.after,
        ),
        ("each of those calls was answered or never sent: the counters add up", sums.adds_up),
        (
            "nothing is leased, waiting or in flight; pool and server count the same connections",
            tasks.is_tidy and threads.is_tidy,
        ),
    ]
    for world, outcome in (("asyncio", tasks), ("threads", threads)):
        if outcome.at_server is not None:  # older servers do not count the commands of a connection
            replies, commands = outcome.stats.replies, outcome.at_server
            text = f"{world}: the pool counts {whole(replies)} replies, the server {whole(commands)} commands"
            checks.append((text, replies == commands))
    return checks
