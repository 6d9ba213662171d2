"""The stepper itself: it finds every suspension, and fails if a cancel is swallowed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .stepper import WAYS, Interruption


async def three_suspensions(seen: list[int]) -> str:
    for number in range(3):
        seen.append(number)
        await asyncio.sleep(0)
    return "done"


async def swallows() -> None:
    try:
        await asyncio.sleep(0.001)
    except (asyncio.CancelledError, TimeoutError):
        pass


async def interrupted(way: str, k: int, coroutine: Any) -> tuple[bool, Any]:
    interruption = Interruption(way, k)
    outcome = await interruption.of(coroutine)
    return interruption.was_reached, outcome


@pytest.mark.parametrize("way", ["while suspended", "before the wake-up", "twice", "timeout"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_call_ends_at_the_suspension_that_was_meant(way: str, k: int) -> None:
    seen: list[int] = []
    was_reached, outcome = asyncio.run(interrupted(way, k, three_suspensions(seen)))
    assert was_reached
    assert isinstance(outcome, TimeoutError if way == "timeout" else asyncio.CancelledError)
    assert seen == list(range(k))


@pytest.mark.parametrize("way", WAYS)
def test_behind_the_last_suspension_the_call_is_unharmed(way: str) -> None:
    assert asyncio.run(interrupted(way, 4, three_suspensions([]))) == (False, None)


@pytest.mark.parametrize("way", ["while suspended", "before the wake-up", "twice", "timeout"])
def test_a_call_that_swallows_a_cancel_is_found_out(way: str) -> None:
    with pytest.raises(AssertionError, match="came out as None"):
        asyncio.run(interrupted(way, 1, swallows()))


def test_after_the_wake_up_the_call_has_gone_on_before_the_cancel_comes() -> None:
    async def story() -> list[str]:
        seen: list[str] = []
        gate = asyncio.get_running_loop().create_future()

        async def call() -> None:
            await gate
            seen.append("woken")
            try:
                await asyncio.sleep(1.0)
            finally:
                seen.append("cancelled")

        asyncio.get_running_loop().call_later(0.001, gate.set_result, None)
        await interrupted("after the wake-up", 1, call())
        return seen

    assert asyncio.run(story()) == ["woken", "cancelled"]
