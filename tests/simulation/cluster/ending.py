"""Checks of a cluster pool at rest, of its recovery, and after its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from respool._facts.slots import SLOTS, key_of
from respool._routing.refresh import CAP
from respool.errors import Error

from ..books import Broken
from ..ending import BACKOFF_CAP
from .watch import questions

if TYPE_CHECKING:
    from .run import ClusterRun

#: How long a call of the check for recovery may take.
TRY: Final = 1.0


async def recovers(run: ClusterRun) -> None:
    """After the last fault every slot is served again, within the pauses between dials and between views (P-16)."""
    options, weather = run.plan.options, run.plan.weather
    per_dial = 12 * weather.latency * (1.0 + weather.jitter) + 0.5
    bound = BACKOFF_CAP + CAP * 1.25 + options["connect_timeout"] + options["read_timeout"] + 4 * per_dial + TRY
    deadline = run.loop.time() + bound
    edges = [slot for first, last, _ in run.server.view.ranges for slot in (first, last)]
    keys = [*run.keys, *(key_of(slot) for slot in edges), *(key_of(slot) for slot in range(0, SLOTS, SLOTS // 16))]
    for key in keys:
        await _is_served(run, key, deadline, bound)
    run.note("recovered")


async def _is_served(run: ClusterRun, key: Any, deadline: float, bound: float) -> None:
    while True:
        try:
            await run.pool.execute("EXISTS", key, timeout=TRY)
            await run.pool.execute("DEL", b"x:{%b}" % (key if isinstance(key, bytes) else key.encode()), timeout=TRY)
        except Error as error:
            if run.loop.time() > deadline:
                raise Broken(f"{bound:.1f} s after the last fault {key!r} is not served: {error!r}") from error
            await asyncio.sleep(0.05)
        else:
            return


async def at_rest(run: ClusterRun) -> None:
    """Without callers, every lease is released and all counts agree with the network (P-02, P-25)."""
    pool, options = run.pool, run.plan.options
    settled = run.loop.time() + BACKOFF_CAP + 2 * options["read_timeout"] + 4 * options["connect_timeout"] + 20.0
    while run.loop.time() < settled and _is_busy(run):
        await asyncio.sleep(0.0137)
    stats = pool.stats()
    for name in ("leased", "waiting", "in_flight"):
        _expect(run, name, getattr(stats, name), 0)
    _expect(run, "leases given back", stats.releases + stats.leaks, stats.leases)
    unmade = _unmade(run)
    _expect(run, "connections that are up", stats.opened - stats.lost - stats.closed, stats.size - unmade)
    if not unmade:  # otherwise a dial may or may not have its socket yet
        _expect(run, "sockets in use", sum(sock.is_in_use for sock in run.watch.sockets), stats.size)
        _expect_per_node(run, stats)


def _expect_per_node(run: ClusterRun, stats: Any) -> None:
    """Compare the counts of each node with the connections that it has."""
    servings = run.pool._serving.members.all()
    for name, own in stats.nodes.items():
        at = [serving for serving in servings if serving.node.options.address == name and not serving.ledger.closed]
        sockets = sum(sock.is_in_use for serving in at for sock in serving.node.entered)
        _expect(run, f"sockets of {name}", sockets, own.size)


def _is_busy(run: ClusterRun) -> bool:
    stats = run.pool.stats()
    is_closing = any(not (sock.is_closed or sock.is_in_use) for sock in run.watch.sockets)
    return bool(stats.in_flight or stats.leased or stats.dialing or is_closing)


def _unmade(run: ClusterRun) -> int:
    dials = [slot for serving in run.pool._serving.members.all() for slot in serving.ledger.dials]
    return sum(slot.connection is None or slot.connection.closed for slot in dials)


def after_close(run: ClusterRun) -> None:
    """Nothing is left: no task, no timer, no socket, and all counts are settled (P-21, P-25)."""
    loop, pool = run.loop, run.pool
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task(loop)]
    if tasks:
        run.books.fail(f"tasks are left after aclose: {[task.get_coro() for task in tasks]}")
    if loop.pending_timers:
        run.books.fail(f"timers are left after aclose: {loop.pending_timers}")
    if open_sockets := [sock.number for sock in run.faults.sockets if not sock.is_closed]:
        run.books.fail(f"sockets are left after aclose: {open_sockets}")
    stats = pool.stats()
    for name in ("size", "shared", "idle", "leased", "dialing", "waiting", "in_flight"):
        _expect(run, f"{name} after aclose", getattr(stats, name), 0)
    _expect(run, "connections closed", stats.lost + stats.closed, stats.opened)
    _expect(run, "leases given back", stats.releases + stats.leaks, stats.leases)
    entered = [sock for node in run.watch.nodes if node.alarm is pool._serving.members.alarm for sock in node.entered]
    _expect(run, "connections opened", stats.opened, len(entered))
    _expect(run, "replies", stats.replies, sum(sock.replies_read for sock in entered))
    if run.server.views_given > sum(questions):
        run.books.fail(f"{sum(questions)} nodes were to be asked for their view, and {run.server.views_given} were")


def _expect(run: ClusterRun, what: str, got: int, wanted: int) -> None:
    if got != wanted:
        run.books.fail(f"{what}: {got}, and not {wanted}")
