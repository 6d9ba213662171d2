"""Checks of a pool at rest, after an outage without callers, and after its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from respool.errors import Error

from .books import Broken, HookError

if TYPE_CHECKING:
    from .run import Run

#: The longest pause between two dials of the maintenance task (R-17).
BACKOFF_CAP = 5.0


async def at_rest(run: Run) -> None:
    """Without callers, every lease is released and all counts agree (P-02, P-25)."""
    pool, options = run.pool, run.plan.options
    if pool._serving is None:
        return
    settled = run.loop.time() + BACKOFF_CAP + 2 * options["read_timeout"] + 4 * options["connect_timeout"] + 10.0
    while run.loop.time() < settled and _is_busy(run):
        await asyncio.sleep(0.0137)
    stats = pool.stats()
    _expect(run, "leased", stats.leased, 0)
    _expect(run, "waiting", stats.waiting, 0)
    _expect(run, "in_flight", stats.in_flight, 0)
    _expect(run, "leases given back", stats.releases + stats.leaks, stats.leases)
    _expect(run, "leaks", stats.leaks, run.books.leaks)
    _expect_counts(run, stats)
    if stuck := _in_transaction(run):
        run.books.fail(f"connections {stuck} are in service, and a transaction is open on them")
    if run.plan.is_calm:
        _expect(run, "lost connections", stats.lost, 0)
        if run.plan.hooks["configure"] != "raises":
            _expect(run, "failed dials", stats.dial_failures, 0)


def _expect_counts(run: Run, stats: Any) -> None:
    """Compare the pool's counts of connections with the sockets that exist and existed."""
    sockets = sum(sock.is_in_use for sock in run.watch.sockets)
    _expect(run, "connections that are up", stats.opened - stats.lost - stats.closed, stats.size - _unmade(run))
    if not _unmade(run):  # otherwise a dial may or may not have its socket yet
        _expect(run, "sockets in use", sockets, stats.size)


def _is_busy(run: Run) -> bool:
    pool = run.pool
    return bool(pool.stats().in_flight or pool.leased or _is_any_closing(run) or _in_transaction(run))


def _is_any_closing(run: Run) -> bool:
    """Whether a socket has just ended, and the pool does not know yet."""
    return any(not (sock.is_closed or sock.is_in_use) for sock in run.watch.sockets)


def _in_transaction(run: Run) -> list[int]:
    """Return the connections in use that the server has in a transaction. One that is being reset is still among them."""
    sockets = [sock for sock in run.watch.sockets if sock.is_in_use and sock.session is not None]
    return [sock.number for sock in sockets if sock.session.transaction is not None]


def _unmade(run: Run) -> int:
    """Return the slots without an open connection: being dialed, or lost while being reset."""
    serving = run.pool._serving
    dials = [] if serving is None else serving.ledger.dials
    return sum(slot.connection is None or slot.connection.closed for slot in dials)


async def recovers_alone(run: Run) -> None:
    """After an outage of any length the pool recovers within bounded time, without callers (P-08)."""
    pool, plan = run.pool, run.plan
    if not plan.last_outage or pool._serving is None or plan.hooks["configure"] == "raises":
        return
    if (plan.options.get("max_lifetime") or 60.0) < 2.0:
        return  # with so short a lifetime the pool never has all of its connections
    run.note("last outage", plan.last_outage)
    run.faults.outage(plan.last_outage)
    await asyncio.sleep(plan.last_outage)
    ledger, options = pool._serving.node.ledger, plan.options
    per_dial = 12 * run.plan.weather.latency * (1.0 + run.plan.weather.jitter) + 0.5
    bound = BACKOFF_CAP + options["connect_timeout"] + ledger.max_size * (per_dial + 0.1)
    deadline = run.loop.time() + bound
    while ledger.missing_shared or ledger.size - ledger.dialing < ledger.min_size:
        if run.loop.time() > deadline:
            raise Broken(f"{bound:.1f} s after an outage of {plan.last_outage:g} s the pool is {pool!r}")
        await asyncio.sleep(0.01)
    run.note("recovered")


async def still_works(run: Run) -> None:
    """Without faults and with the pool at rest, calls succeed, though the first may find a dead connection."""
    deadline = run.loop.time() + 60.0
    while True:
        try:
            answer = await run.pool.execute("ECHO", "the end")
        except (Error, HookError) as error:
            if run.loop.time() > deadline:
                raise Broken(f"the pool does not work any more: {error!r}") from error
            await asyncio.sleep(0.5)
        else:
            run.books.expect(got=answer, wanted=b"the end", what="ECHO")
            return


def after_close(run: Run) -> None:
    """Nothing is left: no task, no timer, no socket, and all counts are settled (P-21)."""
    loop, pool = run.loop, run.pool
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task(loop)]
    if tasks:
        run.books.fail(f"tasks are left after aclose: {[task.get_coro() for task in tasks]}")
    if loop.pending_timers:
        run.books.fail(f"timers are left after aclose: {loop.pending_timers}")
    open_sockets = [sock.number for sock in run.faults.sockets if not sock.is_closed]
    if open_sockets:
        run.books.fail(f"sockets are left after aclose: {open_sockets}")
    stats = pool.stats()
    for name in ("size", "shared", "idle", "leased", "dialing", "waiting", "in_flight"):
        _expect(run, f"{name} after aclose", getattr(stats, name), 0)
    _expect(run, "connections closed", stats.lost + stats.closed, stats.opened)
    _expect(run, "leases given back", stats.releases + stats.leaks, stats.leases)
    if pool._serving is not None:
        _expect(run, "connections opened", stats.opened, len(pool._serving.node.entered))
        read = sum(sock.replies_read for sock in pool._serving.node.entered)
        if "EXEC" in run.plan.refused:  # what was read together with its error is discarded with the connection
            read = min(read, stats.replies)
        _expect(run, "replies", stats.replies, read)
        fared = pool._serving.leases.fared
        for name in ("leases", "exhausted"):
            _expect(run, name, getattr(stats, name), fared[name])
        _expect(run, "timeouts", stats.timeouts, fared["timeouts"] + pool._shared.timeouts)


def _expect(run: Run, what: str, got: int, wanted: int) -> None:
    if got != wanted:
        run.books.fail(f"{what}: {got}, and not {wanted}")
