"""``respool bench``: throughput and latency of one command, for tasks and for threads.

Rule 1: it is a closed loop, so throughput depends on latency. The table therefore names the number of callers.
Rule 2: the measured loop is what a user would write: a call of a pool's command method, and one read of the clock.
"""

from __future__ import annotations

import asyncio
import secrets
from array import array
from contextlib import suppress
from threading import Thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final

from respool import AsyncPool, Connection, Pool
from respool._cli.loops import loop_factory, run_async
from respool._cli.numbers import Latencies, joined, short, whole
from respool._cli.ping import describe
from respool.errors import Error, UsageError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Awaitable, Callable

    from respool._cli.screen import Screen

#: Seconds of load before counting begins.
WARM_UP: Final = 0.2
COLUMNS: Final = ("callers", "ops/s", "p50", "p99", "max", "connections")


def run(args: Namespace, screen: Screen) -> int:
    """Measure, and print a table."""
    if not args.tasks and not args.threads:
        raise UsageError("nothing to measure: neither tasks nor threads")
    key = f"respool-bench:{secrets.token_hex(6)}"
    with Connection(args.url, encoding="utf-8") as keeper:
        screen.say(f"{describe(keeper)} · {args.command.upper()}, {args.size} bytes · {loop_factory()[0]}")
        keeper.set(key, "x" * args.size, ex=3600)
        try:
            rows = _measure(args, screen, key)
        finally:
            with suppress(Error):
                keeper.delete(key)
    screen.table(COLUMNS, rows)
    return 0


def _measure(args: Namespace, screen: Screen, key: str) -> list[tuple[str, ...]]:
    rows = []
    plan = [(_tasks, "task", count) for count in args.tasks] + [(_threads, "thread", count) for count in args.threads]
    with screen.progress((args.seconds + WARM_UP) * len(plan)) as tick:
        for number, (measure, name, callers) in enumerate(plan):
            start = number * (args.seconds + WARM_UP)
            who = f"{whole(callers)} {name}{'' if callers == 1 else 's'}"
            tick(start, who)
            rows.append((who, *measure(args, key, callers)))
    return rows


def _row(samples: array[float], seconds: float, size: int) -> tuple[str, ...]:
    found = Latencies.of(samples)
    return whole(found.count / seconds), short(found.p50), short(found.p99), short(found.most), str(size)


def _tasks(args: Namespace, key: str, count: int) -> tuple[str, ...]:
    return run_async(_run_tasks(args, key, count))


async def _run_tasks(args: Namespace, key: str, count: int) -> tuple[str, ...]:
    samples = array("d")
    value = b"x" * args.size
    async with AsyncPool(args.url) as pool:
        call: Callable[[], Awaitable[Any]] = (
            (lambda: pool.get(key)) if args.command == "get" else lambda: pool.set(key, value)
        )
        start = perf_counter() + WARM_UP
        end = start + args.seconds

        async def work() -> None:
            while (then := perf_counter()) < start:
                await call()
            while then < end:
                await call()
                now = perf_counter()
                samples.append(now - then)
                then = now

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
        return _row(samples, args.seconds, pool.size)


def _threads(args: Namespace, key: str, count: int) -> tuple[str, ...]:
    """Like ``_run_tasks``, for threads. Each thread has samples of its own."""
    value = b"x" * args.size
    failures: list[BaseException] = []
    collected = [array("d") for _ in range(count)]
    with Pool(args.url) as pool:
        call: Callable[[], Any] = (lambda: pool.get(key)) if args.command == "get" else lambda: pool.set(key, value)
        start = perf_counter() + WARM_UP
        end = start + args.seconds
        stopped = False

        def work(samples: array[float]) -> None:
            try:
                while (then := perf_counter()) < start and not stopped:
                    call()
                while then < end and not stopped:
                    call()
                    now = perf_counter()
                    samples.append(now - then)
                    then = now
            except Error as error:
                failures.append(error)

        threads = [Thread(target=work, args=(samples,)) for samples in collected]
        try:
            for thread in threads:
                thread.start()
            sleep(max(end - perf_counter(), 0.0))
        finally:
            stopped = True
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if failures:
            raise failures[0]
        return _row(joined(collected), args.seconds, pool.size)
