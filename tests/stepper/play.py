"""Run one call in its scene with one interruption, and check what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from respool import AsyncPool

from .scenes import Call, Scene
from .stepper import WAYS, Interruption

#: The longest that anything here takes, in seconds of the loop's clock, real or virtual.
PATIENCE = 5.0

#: More than any call of ``scenes`` suspends.
MOST_SUSPENSIONS = 60


async def play(call: Call, way: str, k: int, where: dict[str, Any], accepted: Callable[[], int]) -> bool:
    """Interrupt ``call`` at its k-th suspension; return whether it had one. ``accepted`` counts connections."""
    mine = asyncio.all_tasks()
    scene = Scene(where, AsyncPool(**where, **call.options))
    if call.prepare is not None:
        await call.prepare(scene)
    before = accepted()
    neighbours = [asyncio.create_task(_neighbour(scene, name)) for name in "xy" if call.has_neighbours]
    interruption = Interruption(way, k)
    await interruption.of(call.act(scene))
    for neighbour in neighbours:
        await neighbour
    if call.is_free:
        assert accepted() == before, "an interruption cost a connection"
    scene.give_back()
    if scene.pool.closed:
        await scene.pool.aclose()
    else:
        await _works(scene)
        await _comes_to_rest(scene)
        await scene.pool.aclose()
    if scene.connection is not None:
        await scene.connection.aclose()
    _check_end(scene)
    await _until(lambda: asyncio.all_tasks() <= mine)
    return interruption.was_reached


async def every_suspension(call: Call, where: dict[str, Any], accepted: Callable[[], int]) -> int:
    """Interrupt ``call`` in every way at each of its suspensions; return the number of interruptions."""
    count = 0
    for way in WAYS:
        for k in range(1, MOST_SUSPENSIONS + 1):
            if not await play(call, way, k, where, accepted):
                break
            count += 1
        else:
            raise AssertionError(f"{call.name} suspends more than {MOST_SUSPENSIONS} times")
    return count


async def _neighbour(scene: Scene, name: str) -> None:
    for number in range(3):
        token = f"{name}{number}".encode()
        assert await scene.pool.execute("ECHO", token) == token


async def _works(scene: Scene) -> None:
    pool = scene.pool
    assert await pool.execute("ECHO", "after") == b"after"
    assert await pool.execute_many([("ECHO", "1"), ("ECHO", "2")], atomic=True) == [b"1", b"2"]
    async with pool.acquire(timeout=PATIENCE) as conn:
        assert await conn.execute("ECHO", "leased") == b"leased"
        assert conn.db == pool.db


async def _comes_to_rest(scene: Scene) -> None:
    pool = scene.pool

    def is_at_rest() -> bool:
        stats = pool.stats()
        return not (stats.leased or stats.waiting or stats.in_flight or stats.dialing)

    await _until(is_at_rest)
    stats = pool.stats()
    assert stats.leases == stats.releases
    assert stats.opened - stats.lost - stats.closed == stats.size


def _check_end(scene: Scene) -> None:
    stats = scene.pool.stats()
    left = stats.size, stats.leased, stats.waiting, stats.in_flight, stats.dialing
    assert left == (0, 0, 0, 0, 0)
    assert stats.leases == stats.releases
    assert stats.opened == stats.lost + stats.closed


async def _until(is_true: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not is_true():
        assert asyncio.get_running_loop().time() < deadline, "the pool does not come to rest"
        await asyncio.sleep(0.0002)
