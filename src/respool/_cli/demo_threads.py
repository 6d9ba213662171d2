"""The demo's load in threads: the same calls as in ``demo_tasks``, without ``await``."""

from __future__ import annotations

from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING

from respool import Pool
from respool._cli.demo_load import (
    CONSUMERS,
    EXPIRES,
    FEED_EVERY,
    FEEDERS,
    READS,
    STOP,
    Outcome,
    Plan,
    Tally,
    progress_words,
)
from respool._cli.numbers import joined, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from respool._cli.screen import Screen, Ticker


def run_threads(plan: Plan, screen: Screen) -> Outcome:
    """Run the load on a pool of its own."""
    with Pool(plan.url, client_name=plan.name) as pool:
        screen.heading(f"threads: {whole(plan.callers)} threads and {CONSUMERS} blocking consumers on one pool")
        with screen.progress(plan.seconds) as tick:
            tally, seconds = _Load(pool, plan).run(tick)
        stats = pool.stats()
        rows = [row for row in pool.client_list() if row["name"] == plan.name]
    return Outcome(callers=f"{whole(plan.callers)} threads", seconds=seconds, tally=tally, stats=stats, rows=rows)


class _Load:
    """The threads of a load. Each caller has a tally of its own, so that they share no lock."""

    def __init__(self, pool: Pool[bytes], plan: Plan) -> None:
        self._pool = pool
        self._plan = plan
        self._items = Tally()
        self._tallies = [Tally() for _ in range(plan.callers)]
        self._stopped = Event()
        self._failures: list[BaseException] = []

    def run(self, tick: Ticker) -> tuple[Tally, float]:
        """Run all threads until they end; return the sum of their tallies, and the seconds they took."""
        plan = self._plan
        workers = [self._thread(self._call, tally, number) for number, tally in enumerate(self._tallies)]
        workers += [self._thread(self._feed, number) for number in range(FEEDERS)]
        consumers = [self._thread(self._consume) for _ in range(CONSUMERS)]
        started = perf_counter()
        try:
            for thread in consumers + workers:
                thread.start()
            while (elapsed := perf_counter() - started) < plan.seconds and not self._failures:
                tick(elapsed, progress_words(sum(len(tally.samples) for tally in self._tallies), elapsed))
                self._stopped.wait(0.1)
        finally:
            self._stopped.set()
            _join(workers)
            seconds = perf_counter() - started
            if not self._failures:
                self._pool.rpush(plan.key("items"), *[STOP] * len(consumers))
            _join(consumers)
        if self._failures:
            raise self._failures[0]
        return self._sum(), seconds

    def _thread(self, work: Callable[..., None], *args: object) -> Thread:
        def run() -> None:
            try:
                work(*args)
            except BaseException as error:
                self._failures.append(error)

        return Thread(target=run)

    def _sum(self) -> Tally:
        total = self._items
        total.samples = joined(tally.samples for tally in self._tallies)
        total.compared = sum(tally.compared for tally in self._tallies)
        total.wrong = sum(tally.wrong for tally in self._tallies)
        return total

    def _call(self, tally: Tally, number: int) -> None:
        """Set, get and increment this caller's own keys, and compare the replies."""
        pool, stopped = self._pool, self._stopped
        key, counter = self._plan.key("value", number), self._plan.key("count", number)
        pool.set(counter, 0, ex=EXPIRES)
        turn = 0
        then = perf_counter()
        while not stopped.is_set():
            turn += 1
            value = b"%d/%d" % (number, turn)
            pool.set(key, value, ex=EXPIRES)
            then = tally.took(then)
            for _ in range(READS):
                tally.compare(pool.get(key), value)
                then = tally.took(then)
            tally.compare(pool.incr(counter), turn)
            then = tally.took(then)

    def _feed(self, number: int) -> None:
        """Push numbered items into the consumers' list."""
        while not self._stopped.is_set():
            self._items.pushed[number] = perf_counter()
            self._pool.rpush(self._plan.key("items"), number)
            number += FEEDERS
            self._stopped.wait(FEED_EVERY)

    def _consume(self) -> None:
        """Pop items from the list until STOP comes. The pool leases a connection for each BLPOP by itself."""
        while not self._failures:
            found = self._pool.blpop(self._plan.key("items"), timeout=1)
            if found is not None:
                if found[1] == STOP:
                    return
                self._items.took_item(found[1])


def _join(threads: list[Thread]) -> None:
    for thread in threads:
        if thread.ident is not None:
            thread.join()
