"""``respool demo --cluster``: load on all slots of a cluster, of which one primary is killed.

Rule 1: it kills a node, so it starts a cluster of its own.
Rule 2: each caller works on the slots of one shard. So it can be seen what happens to the others.
Rule 3: a failover may lose writes that were acknowledged, because replication is asynchronous. So a key may read as
        missing, but never as another one.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from respool import AsyncClusterPool, ClusterPool
from respool._cli import timeline_svg
from respool._cli.demo_load import progress_words
from respool._cli.loops import loop_factory, run_async
from respool._cli.numbers import short, whole
from respool._cli.timeline import Record, Timeline, picture
from respool._facts.slots import SLOTS, key_of
from respool._facts.version import __version__
from respool.errors import Error, UsageError

if TYPE_CHECKING:
    from argparse import Namespace

    from respool import PoolStats
    from respool._cli.screen import Screen, Ticker
    from respool.testing import ClusterServers

SHARDS: Final = 3
#: The shard whose primary is killed, counted from 0.
LOST: Final = 1
#: When the primary is killed, and for how long the load goes on once the shard is served again, as parts of the time.
KILL_AT: Final = 0.25
AFTERWARDS: Final = 0.25
#: Seconds: how long to wait for a shard to be served again, between two looks, and how long callers rest after errors.
PATIENCE: Final = 20.0
LOOK: Final = 0.05
REST: Final = 0.02
#: One of so many calls is a write.
WRITES: Final = 4

#: The keys of each shard: one for each of its slots.
_KEYS: Final = [
    [key_of(slot) for slot in range(SLOTS * shard // SHARDS, SLOTS * (shard + 1) // SHARDS)] for shard in range(SHARDS)
]


def run(args: Namespace, screen: Screen) -> int:
    """Run both loads, draw what happened, and return 1 if a check failed."""
    if args.url is not None:
        raise UsageError("--cluster kills a node, so it starts a cluster of its own: leave out --url")
    from respool.testing import ClusterServers

    started = perf_counter()
    with ClusterServers(SHARDS, 1) as cluster:
        server = f"{cluster.binary.flavor} {'.'.join(map(str, cluster.binary.version))}"
        how = f"Python {platform.python_version()}, {loop_factory()[0]}"
        screen.say(f"respool {__version__} · {SHARDS} primaries and {SHARDS} replicas of {server} (embedded) · {how}")
        outages = [Outage(cluster, args.tasks, args.seconds / 2, "tasks")]
        run_async(_run_tasks(outages[0], screen))
        outages[0].mend()
        outages.append(Outage(cluster, args.threads, args.seconds / 2, "threads"))
        _run_threads(outages[1], screen)
    timelines = [outage.timeline() for outage in outages]
    for timeline in timelines:
        screen.heading(f"what happened to {timeline.callers}")
        screen.picture(picture(timeline))
        screen.table(("", *(f"shard {shard + 1}" for shard in timeline.shards)), _rows(timeline))
    if args.save is not None:
        Path(args.save).write_text(timeline_svg.draw(timelines), "utf-8")
        screen.heading(f"drawn in {args.save}")
    screen.heading("checks")
    checks = [check for outage, timeline in zip(outages, timelines, strict=True) for check in _checks(outage, timeline)]
    for text, passed in checks:
        screen.check(text, passed=passed)
    failed = sum(not passed for _, passed in checks)
    verdict = "all passed" if not failed else f"{failed} FAILED"
    screen.heading(f"{len(checks)} checks, {verdict}, {perf_counter() - started:.1f} s")
    return 1 if failed else 0


class Outage:
    """One load, and the end of a primary in the middle of it."""

    def __init__(self, cluster: ClusterServers, callers: int, seconds: float, kind: str) -> None:
        self.records = [Record(number % SHARDS) for number in range(max(callers, SHARDS))]
        self.callers = f"{whole(len(self.records))} {kind}"
        self.seconds = seconds
        self.is_over = False
        self.stats: PoolStats | None = None  # once the load is over
        self.url = cluster.url
        self._cluster = cluster
        self._victim = cluster.owner_of(SLOTS * LOST // SHARDS + 1)
        self._began = self._killed = self._ended = 0.0

    def steps(self, tick: Ticker) -> Iterator[float]:
        """Yield the seconds to wait until the next step; kill the primary, and end once its shard is served again."""
        self._began = now = perf_counter()
        end = float("inf")
        while now < end:
            elapsed = now - self._began
            tick(elapsed, progress_words(sum(len(record.ended) for record in self.records), elapsed))
            if not self._killed and elapsed >= self.seconds * KILL_AT:
                self._victim.kill()
                self._killed = perf_counter()
                end = self._killed + PATIENCE
            elif self._killed and end == self._killed + PATIENCE and self._is_served_again():
                end = max(self._began + self.seconds, now + self.seconds * AFTERWARDS)
            yield LOOK
            now = perf_counter()
        self._ended = now
        self.is_over = True

    def mend(self) -> None:
        """Start the node again, as a replica of the one that took its place, and wait until the cluster is whole."""
        self._victim.start()
        self._cluster.wait_agreed()

    def _is_served_again(self) -> bool:
        mine = [record for record in self.records if record.shard == LOST and record.ended]
        return any(record.ended[-1] - record.took[-1] > self._killed for record in mine)

    def timeline(self) -> Timeline:
        """Return what the callers saw."""
        return Timeline(
            callers=self.callers,
            began=self._began,
            killed=self._killed,
            ended=self._ended,
            lost=LOST,
            records=self.records,
        )


# The loads -----------------------------------------------------------------------------------------------


async def _run_tasks(outage: Outage, screen: Screen) -> None:
    async with AsyncClusterPool(outage.url) as pool:
        screen.heading(f"asyncio: {outage.callers} on all slots; a primary is killed")
        with screen.progress(outage.seconds) as tick:
            async with asyncio.TaskGroup() as group:
                for number, record in enumerate(outage.records):
                    group.create_task(_call_on(pool, outage, record, number))
                for seconds in outage.steps(tick):
                    await asyncio.sleep(seconds)
        outage.stats = pool.stats()


async def _call_on(pool: AsyncClusterPool[bytes], outage: Outage, record: Record, turn: int) -> None:
    keys = _KEYS[record.shard]
    while not outage.is_over:
        turn += 1
        key = keys[turn % len(keys)]
        began = perf_counter()
        try:
            found = await (pool.get(key) if turn % WRITES else pool.set(key, key))
        except Error as error:
            record.failed.append((perf_counter(), type(error).__name__))
            await asyncio.sleep(REST)
        else:
            record.answered(began, perf_counter())
            if turn % WRITES:
                record.compare(found, key)


def _run_threads(outage: Outage, screen: Screen) -> None:
    failures: list[BaseException] = []
    rest = Event()  # never set: a wait that ends with the thread's own time

    def call_on(record: Record, turn: int) -> None:
        keys = _KEYS[record.shard]
        while not outage.is_over:
            turn += 1
            key = keys[turn % len(keys)]
            began = perf_counter()
            try:
                found: Any = pool.get(key) if turn % WRITES else pool.set(key, key)
            except Error as error:
                record.failed.append((perf_counter(), type(error).__name__))
                rest.wait(REST)
            else:
                record.answered(began, perf_counter())
                if turn % WRITES:
                    record.compare(found, key)

    def call_or_tell(record: Record, turn: int) -> None:
        try:
            call_on(record, turn)
        except BaseException as error:
            failures.append(error)
            outage.is_over = True

    with ClusterPool(outage.url) as pool:
        screen.heading(f"threads: {outage.callers} on all slots; a primary is killed")
        threads = [Thread(target=call_or_tell, args=(record, turn)) for turn, record in enumerate(outage.records)]
        try:
            for thread in threads:
                thread.start()
            with screen.progress(outage.seconds) as tick:
                for seconds in outage.steps(tick):
                    if failures:
                        break
                    rest.wait(seconds)
        finally:
            outage.is_over = True
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if failures:
            raise failures[0]
        outage.stats = pool.stats()


# Tables and checks ---------------------------------------------------------------------------------------


def _rows(timeline: Timeline) -> list[tuple[str, ...]]:
    shards = timeline.shards
    outages = [timeline.outage(shard) for shard in shards]
    errors = [timeline.errors(shard) for shard in shards]
    return [
        ("calls answered", *[whole(timeline.answered(shard)) for shard in shards]),
        ("errors", *[whole(sum(each.values())) for each in errors]),
        *[
            (f"  {name}", *[whole(each[name]) for each in errors])
            for name in sorted({name for each in errors for name in each})
        ],
        ("slowest answer", *[short(timeline.slowest(shard)) for shard in shards]),
        ("first answer after the kill", *["never" if each is None else short(each) for each in outages]),
    ]


def _checks(outage: Outage, timeline: Timeline) -> list[tuple[str, bool]]:
    lost, others = timeline.lost, [shard for shard in timeline.shards if shard != timeline.lost]
    back = timeline.outage(lost)
    compared, wrong = (sum(getattr(record, name) for record in outage.records) for name in ("compared", "wrong"))
    calls, failed = (sum(counts) for counts in zip(*[_counts(timeline, shard) for shard in others], strict=True))
    again = "is not served again" if back is None else f"was served again after {short(back)}"
    stats = outage.stats
    is_tidy = stats is not None and not (stats.leased or stats.waiting or stats.in_flight)
    return [
        (f"{outage.callers}: shard {lost + 1} {again}", back is not None),
        (f"the other shards lost nothing: {whole(calls)} calls, {whole(failed)} errors", calls > 0 and not failed),
        (f"every reply is of its key: {whole(compared)} compared, {whole(wrong)} wrong", compared > 0 and not wrong),
        ("nothing is leased, waiting or in flight", is_tidy),
    ]


def _counts(timeline: Timeline, shard: int) -> tuple[int, int]:
    return timeline.answered(shard), sum(timeline.errors(shard).values())
