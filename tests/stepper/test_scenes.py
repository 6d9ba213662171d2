"""The scenes: every public coroutine has one, and their assertions can fail."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from respool import AsyncConnection, AsyncPool
from respool._async.node import lease_lane as lease_lane_module
from respool._async.node.lease_lane import LeaseLane
from respool._async.node.pipeline import AsyncPipeline
from respool._async.shell.compat import Borrowing
from respool._async.shell.transport import AsyncTransport
from respool._surfaces.asyncio import AsyncCommands
from simulation.loop import Order
from simulation.stage import Stage

from .play import MOST_SUSPENSIONS, play
from .scenes import CALLS, Call, Scene
from .stepper import WAYS

PUBLIC = (AsyncPool, AsyncConnection, AsyncPipeline, Borrowing)
PROTOCOLS = {"__await__", "__aenter__", "__aexit__"}


def public_coroutines() -> Iterator[tuple[type, str]]:
    """Yield all public coroutines except the typed commands, each of which is a ``def`` that calls ``_execute``."""
    for kind in PUBLIC:
        for name in dir(kind):
            is_public = name in PROTOCOLS or not name.startswith("_")
            if is_public and (inspect.iscoroutinefunction(getattr(kind, name, None)) or name == "__await__"):
                yield kind, name


def test_every_public_coroutine_has_a_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    called: set[str] = set()
    acting: list[Any] = []

    def noted(kind: type, name: str) -> Callable[..., Any]:
        real = getattr(kind, name)

        def call(self: Any, *args: Any, **options: Any) -> Any:
            if asyncio.current_task() in acting:
                called.add(f"{kind.__name__}.{name}")
            return real(self, *args, **options)

        return call

    names = list(public_coroutines())
    for kind, name in names:
        monkeypatch.setattr(kind, name, noted(kind, name))

    async def story(call: Call) -> None:
        scene = Scene({}, AsyncPool(**call.options))
        if call.prepare is not None:
            await call.prepare(scene)
        acting[:] = [asyncio.ensure_future(call.act(scene))]
        await acting[0]
        acting.clear()
        scene.give_back()
        await scene.pool.aclose()
        if scene.connection is not None:
            await scene.connection.aclose()

    for call in CALLS:
        Stage().run(story(call))
    wanted = {f"{kind.__name__}.{name}" for kind, name in names}
    assert {"AsyncPool.execute", "AsyncConnection.reset", "AsyncPipeline.send", "Borrowing.__await__"} < wanted
    assert wanted - called == set()


def test_typed_commands_are_no_coroutines_of_their_own() -> None:
    own = [name for name in vars(AsyncCommands) if not name.startswith("_")]
    assert len(own) > 50
    assert [name for name in own if inspect.iscoroutinefunction(getattr(AsyncCommands, name))] == []


def test_no_two_scenes_have_the_same_name() -> None:
    assert len({call.name for call in CALLS}) == len(CALLS)


# What is asserted ---------------------------------------------------------------------------------------------


def what_fails(name: str) -> str:
    """Interrupt a call in every way at each of its suspensions, in the simulated world; return the failure."""
    failure = ""
    try:
        _step_through(next(call for call in CALLS if call.name == name))
    except BaseException as error:
        failure = str(error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the pool that failed was not closed
        gc.collect()
    return failure


def _step_through(call: Call) -> None:
    for way in WAYS:
        for k in range(1, MOST_SUSPENSIONS):
            stage = Stage(Order())
            if not stage.run(play(call, way, k, {}, lambda stage=stage: stage.server.accepted)):  # type: ignore[misc]
                break


def test_a_cancel_that_is_swallowed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real = AsyncPool._execute

    async def swallows(self: Any, *args: Any) -> Any:
        try:
            return await real(self, *args)
        except asyncio.CancelledError:
            return args[0][1].encode()

    monkeypatch.setattr(AsyncPool, "_execute", swallows)
    assert "came out as None" in what_fails("execute, warm, shared")


def test_a_cancel_that_costs_the_connection_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncTransport, "withdraw", lambda self: self.abort_as_silent())
    assert "an interruption cost a connection" in what_fails("execute, warm, shared")


def test_a_lease_that_is_not_given_back_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real, kept = LeaseLane.give_back, []

    def forgets(self: Any, lease: Any) -> None:
        if isinstance(sys.exception(), asyncio.CancelledError):
            kept.append(lease)
        else:
            real(self, lease)

    monkeypatch.setattr(LeaseLane, "give_back", forgets)
    failure = what_fails("lease, warm")
    assert "does not come to rest" in failure
    assert kept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept.clear()


def test_an_offer_that_is_taken_and_forgotten_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lease_lane_module.Waiter.give_up

    def forgets(self: Any) -> None:
        real(self)

    monkeypatch.setattr(lease_lane_module.Waiter, "give_up", forgets)
    assert "no connection to" in what_fails("lease_after_wait")
