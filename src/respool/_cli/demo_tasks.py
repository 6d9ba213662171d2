"""The demo's load in asyncio: tasks on the shared lane, BLPOP on leases, then half of the calls cancelled."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from respool import AsyncPool
from respool._cli.demo_load import (
    CONSUMERS,
    EXPIRES,
    FEED_EVERY,
    FEEDERS,
    READS,
    STOP,
    Cancelling,
    Outcome,
    Plan,
    Tally,
    progress_words,
)
from respool._cli.numbers import whole

if TYPE_CHECKING:
    from respool._cli.screen import Screen, Ticker


async def run_tasks(plan: Plan, cancel_for: float, screen: Screen) -> tuple[Outcome, Cancelling]:
    """Run both loads on one pool."""
    async with AsyncPool(plan.url, client_name=plan.name) as pool:
        screen.heading(f"asyncio: {whole(plan.callers)} tasks and {CONSUMERS} blocking consumers on one pool")
        tally = Tally()
        with screen.progress(plan.seconds) as tick:
            seconds = await _load(pool, plan, tally, tick)
        screen.heading("cancelling half of the calls while they are on their way")
        with screen.progress(cancel_for) as tick:
            cancelling = await _cancel_half(pool, plan, cancel_for, tick)
        stats = pool.stats()  # before CLIENT LIST, which the server counts only after it has answered
        rows = await _ours(pool, plan)
        outcome = Outcome(callers=f"{whole(plan.callers)} tasks", seconds=seconds, tally=tally, stats=stats, rows=rows)
    return outcome, cancelling


async def _ours(pool: AsyncPool[bytes], plan: Plan) -> list[dict[str, str]]:
    """Return the server's CLIENT LIST rows of our connections."""
    return [row for row in await pool.client_list() if row["name"] == plan.name]


# The steady load -----------------------------------------------------------------------------------------


async def _load(pool: AsyncPool[bytes], plan: Plan, tally: Tally, tick: Ticker) -> float:
    """Run the load and return the seconds it took."""
    started = perf_counter()
    end = started + plan.seconds
    async with asyncio.TaskGroup() as group:
        consumers = [group.create_task(_consume(pool, plan, tally)) for _ in range(CONSUMERS)]
        async with asyncio.TaskGroup() as work:
            for number in range(plan.callers):
                work.create_task(_call(pool, plan, tally, number, end))
            for number in range(FEEDERS):
                work.create_task(_feed(pool, plan, tally, number, end))
            while (elapsed := perf_counter() - started) < plan.seconds:
                tick(elapsed, progress_words(len(tally.samples), elapsed))
                await asyncio.sleep(0.1)
        seconds = perf_counter() - started
        await pool.rpush(plan.key("items"), *[STOP] * len(consumers))
    return seconds


async def _call(pool: AsyncPool[bytes], plan: Plan, tally: Tally, number: int, end: float) -> None:
    """Set, get and increment this caller's own keys, and compare the replies."""
    key, counter = plan.key("value", number), plan.key("count", number)
    await pool.set(counter, 0, ex=EXPIRES)
    turn = 0
    then = perf_counter()
    while then < end:
        turn += 1
        value = b"%d/%d" % (number, turn)
        await pool.set(key, value, ex=EXPIRES)
        then = tally.took(then)
        for _ in range(READS):
            tally.compare(await pool.get(key), value)
            then = tally.took(then)
        tally.compare(await pool.incr(counter), turn)
        then = tally.took(then)


async def _feed(pool: AsyncPool[bytes], plan: Plan, tally: Tally, number: int, end: float) -> None:
    """Push numbered items into the consumers' list."""
    while perf_counter() < end:
        tally.pushed[number] = perf_counter()
        await pool.rpush(plan.key("items"), number)
        number += FEEDERS
        await asyncio.sleep(FEED_EVERY)


async def _consume(pool: AsyncPool[bytes], plan: Plan, tally: Tally) -> None:
    """Pop items from the list until STOP comes. The pool leases a connection for each BLPOP by itself."""
    while True:
        found = await pool.blpop(plan.key("items"), timeout=1)
        if found is not None:
            if found[1] == STOP:
                return
            tally.took_item(found[1])


# Cancelling ----------------------------------------------------------------------------------------------


async def _cancel_half(pool: AsyncPool[bytes], plan: Plan, seconds: float, tick: Ticker) -> Cancelling:
    """Again and again, start one call per caller, cancel every other one, and compare the replies of the rest."""
    keys = [plan.key("cancel", number) for number in range(plan.callers)]
    for number, key in enumerate(keys):
        await pool.set(key, number, ex=EXPIRES)
    sums = Cancelling(before=frozenset(row["id"] for row in await _ours(pool, plan)))
    base = pool.stats()
    started = perf_counter()
    turn = 0
    while (elapsed := perf_counter() - started) < seconds:
        calls = [asyncio.create_task(pool.get(key)) for key in keys]
        # Every call is queued after one turn of the loop, written after two, answered after a few more.
        for _ in range(1 + turn % 4):
            await asyncio.sleep(0)
        for call in calls[turn % 2 :: 2]:
            call.cancel()
        for number, found in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
            if isinstance(found, asyncio.CancelledError):
                sums.cancelled += 1
            elif isinstance(found, BaseException):
                raise found
            else:
                sums.survivors += 1
                sums.wrong += found != b"%d" % number
        sums.calls += len(calls)
        turn += 1
        tick(elapsed, f"{whole(sums.calls):>11} calls, {whole(sums.cancelled)} of them cancelled")
    await pool.ping()  # all pending replies arrive before this one
    now = pool.stats()
    sums.replies = now.replies - base.replies - 1
    sums.taken_back = now.taken_back - base.taken_back
    sums.dropped = now.dropped - base.dropped
    sums.after = frozenset(row["id"] for row in await _ours(pool, plan))
    return sums
