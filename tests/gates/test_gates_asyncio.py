"""All combinations of gates and callers in asyncio: nothing is lost in any of them (P-02, R-01, R-05, R-36)."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from effort import IS_PROOF
from gates.combinations import LONG, SHORT, SLOW, STATES, Combination, Gates, Site, all_combinations
from respool import AsyncConnection, AsyncPool
from respool._pooling import books as books_module
from respool.errors import PoolClosed, PoolTimeout

#: How many combinations are tried at the same time.
AT_ONCE = 96


class Hooks(Gates):
    """The gates as hooks for asyncio."""

    async def enter(self, gate: str) -> None:
        state = self.state(gate)
        if state == "slow":
            await asyncio.sleep(SLOW)
        elif state == "never" and gate != "dial":
            await asyncio.get_running_loop().create_future()

    async def configure(self, _: AsyncConnection[Any]) -> None:
        await self.enter("configure")

    async def check(self, _: AsyncConnection[Any]) -> None:
        await self.enter("check")

    async def reset(self, _: AsyncConnection[Any]) -> None:
        await self.enter("reset")


class GatedConnection(AsyncConnection[Any]):
    """A connection whose dial is a gate."""

    def __init__(self, *, config: Any, gates: Hooks) -> None:
        super().__init__(config=config.changed(port=gates.port(), connect_timeout=gates.now.time_to_open))
        self.gates = gates

    async def open(self) -> None:
        await self.gates.enter("dial")
        await super().open()


def make_pool(site: Site, gates: Hooks) -> AsyncPool[Any]:
    return AsyncPool(
        host="127.0.0.1",
        port=site.node.port,
        password=f"c{gates.now.number}",
        shared=0,
        max_size=2,
        connect_timeout=gates.now.time_for_hooks,
        connection_class=GatedConnection,
        connection_options={"gates": gates},
        configure=gates.configure,
        check=gates.check,
        reset=gates.reset,
    )


async def until(predicate: Callable[[], bool]) -> None:
    now = asyncio.get_running_loop().time
    deadline = now() + LONG
    while not predicate():
        assert now() < deadline, "it never came to rest"
        await asyncio.sleep(0.005)


async def borrow(pool: AsyncPool[Any], timeout: float) -> Exception | None:
    """Acquire, use and release a lease; return the error, if there was one."""
    try:
        async with pool.acquire(timeout=timeout) as lease:
            assert await lease.execute("PING") == b"PONG"
    except Exception as error:
        return error
    return None


# Callers ----------------------------------------------------------------------------------------------------


async def wait_for_it(pool: AsyncPool[Any], gates: Hooks) -> None:
    error = await borrow(pool, gates.now.patience)
    expected = gates.now.errors or (type(None),)
    assert isinstance(error, expected), repr(error)


async def have_little_time(pool: AsyncPool[Any], gates: Hooks) -> None:
    error = await borrow(pool, SHORT)
    assert error is None or isinstance(error, (PoolTimeout, *gates.now.errors)), repr(error)
    assert pool.waiting == 0  # at once, not only when the dial that it started has ended


async def start_inside(pool: AsyncPool[Any], gates: Hooks) -> asyncio.Task[Exception | None]:
    """Start a caller, and return it when it is inside a slow gate; if there is none, anywhere on its way."""
    gates.reached.clear()
    task = asyncio.get_running_loop().create_task(borrow(pool, gates.now.patience))
    halt = gates.now.halt
    if halt is not None:
        await until(lambda: task.done() or halt in gates.reached)
    for _ in range(random.Random(gates.now.number).randrange(12)):
        await asyncio.sleep(0)
    return task


async def be_cancelled(pool: AsyncPool[Any], gates: Hooks) -> None:
    task = await start_inside(pool, gates)
    was_running = task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() == was_running, "the cancel was swallowed"
    assert pool.waiting == 0


async def close_the_pool(pool: AsyncPool[Any], gates: Hooks) -> None:
    task = await start_inside(pool, gates)
    await pool.aclose()
    assert pool.waiting == pool.idle == pool.dialing == 0
    error = await task
    assert error is None or isinstance(error, (PoolClosed, *gates.now.errors)), repr(error)


CALLERS: dict[str, Callable[[AsyncPool[Any], Hooks], Awaitable[None]]] = {
    "waits": wait_for_it,
    "has little time": have_little_time,
    "is cancelled": be_cancelled,
    "closes the pool": close_the_pool,
}


# The matrix -------------------------------------------------------------------------------------------------


def check_at_rest(pool: AsyncPool[Any]) -> None:
    stats = pool.stats()
    pool._serving.node.ledger.check()  # type: ignore[union-attr]  # it is open
    assert (stats.leased, stats.dialing, stats.waiting, stats.shared) == (0, 0, 0, 0)
    assert stats.size == stats.idle <= pool.max_size
    assert stats.leases == stats.releases
    assert stats.opened == stats.size + stats.closed + stats.lost, "the counters have drifted"


async def try_one(combination: Combination, site: Site) -> None:
    gates = Hooks(combination, site)
    act = CALLERS[combination.caller]
    async with make_pool(site, gates) as pool:
        await act(pool, gates)
        if not pool.closed:
            await act(pool, gates)  # the second caller may find an idle connection
            await until(lambda: pool.dialing == 0)
            check_at_rest(pool)
            if combination.caller == "waits":
                assert pool.size in combination.kept
            gates.heal()
            assert await borrow(pool, LONG) is None, "it does not serve although all is well again"
            await until(lambda: pool.dialing == 0)
            check_at_rest(pool)
            assert pool.size >= 1
    check_at_rest(pool)
    assert pool.size == 0


def own_share(loop: asyncio.AbstractEventLoop) -> Iterator[Combination]:
    """Return every combination; in the short form, a quarter of them for asyncio and another one for uvloop."""
    matrix = all_combinations(STATES, tuple(CALLERS))
    return matrix if IS_PROOF else itertools.islice(matrix, int(isinstance(loop, uvloop.Loop)), None, 4)


@pytest.mark.slow
async def test_nothing_is_lost_in_any_combination_of_gates_and_callers(
    site: Site, monkeypatch: pytest.MonkeyPatch, figure: Any
) -> None:
    # On a busy machine a reset of 10 ms can take longer than a caller waits for one.
    monkeypatch.setattr(books_module, "STAGGER", 0.5)
    asyncio.get_running_loop().set_debug(False)  # four thousand pools: it would take minutes
    before = asyncio.all_tasks()
    matrix = own_share(asyncio.get_running_loop())
    failed: list[str] = []

    async def work() -> None:
        for combination in matrix:
            try:
                await try_one(combination, site)
            except Exception as error:
                failed.append(f"{combination}: {error!r}")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    assert not failed, "\n".join([f"{len(failed)} combinations failed", *failed[:20]])
    assert asyncio.all_tasks() == before
    assert len(site.gates) == (4096 if IS_PROOF else 1024)
    figure("P-02", "combinations of gates and callers that lost nothing", len(site.gates))
