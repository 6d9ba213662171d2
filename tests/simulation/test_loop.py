"""The simulated loop keeps asyncio's guarantees, except those it is configured to break."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from .loop import START, Hang, Order, SimLoop, World


@contextmanager
def loop_of(order: Order = Order(), seed: int = 0) -> Iterator[SimLoop]:  # noqa: B008 - it is frozen
    loop = SimLoop(World(), Random(seed), order)
    try:
        yield loop
    finally:
        loop.close()


def run(story: Coroutine[Any, Any, Any], order: Order = Order(), seed: int = 0) -> Any:  # noqa: B008 - it is frozen
    with loop_of(order, seed) as loop:
        return loop.run_until_complete(story)


def test_an_hour_passes_in_no_time() -> None:
    async def story() -> float:
        await asyncio.sleep(3600.0)
        return asyncio.get_running_loop().time() - START

    assert run(story()) == pytest.approx(3600.0)


def test_time_stands_still_while_anything_is_ready() -> None:
    async def story() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run(story()) == START


def test_what_can_never_go_on_is_a_hang() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with loop_of() as loop:
        task = loop.create_task(story())
        with pytest.raises(Hang):
            loop.run_until_complete(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)


def test_callbacks_come_in_the_order_they_were_scheduled() -> None:
    async def story() -> list[int]:
        seen: list[int] = []
        for number in range(20):
            asyncio.get_running_loop().call_soon(seen.append, number)
        await asyncio.sleep(0)
        return seen

    assert run(story(), Order(adversarial=True)) == list(range(20))


async def _two_tasks() -> list[tuple[str, int]]:
    seen: list[tuple[str, int]] = []

    async def steps(name: str) -> None:
        for number in range(5):
            seen.append((name, number))
            await asyncio.sleep(0)

    await asyncio.gather(steps("a"), steps("b"))
    return seen


def test_the_adversary_permutes_the_steps_of_different_tasks() -> None:
    stories = {tuple(run(_two_tasks(), Order(adversarial=True), seed)) for seed in range(20)}
    assert len(stories) > 5
    for story in stories:
        assert [number for name, number in story if name == "a"] == [0, 1, 2, 3, 4]


def test_without_the_adversary_tasks_take_turns_as_in_asyncio() -> None:
    assert {tuple(run(_two_tasks(), seed=seed)) for seed in range(20)} == {tuple(asyncio.run(_two_tasks()))}


def test_timers_of_one_moment_come_in_any_order() -> None:
    async def story() -> tuple[int, ...]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()
        when = loop.time() + 1.0
        for number in range(3):
            loop.call_at(when, seen.append, number)
        await asyncio.sleep(2.0)
        return tuple(seen)

    assert len({run(story(), seed=seed) for seed in range(100)}) == 6


def test_a_coarse_clock_counts_milliseconds_and_rings_very_short_timers_at_once() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert not hasattr(loop.call_later(0.0004, str), "when")
        await asyncio.sleep(0.0126)
        assert loop.time() == START + 0.013

    run(story(), Order(coarse=True))
