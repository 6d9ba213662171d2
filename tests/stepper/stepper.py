"""Interrupt a coroutine at its k-th suspension.

Rule 1: every value that the coroutine yields to its task is a suspension, in the call itself or in anything it awaits.
Rule 2: ``before`` and ``after`` cancel in the tick in which the suspension ends: just before the task is woken, or just
        after it has continued.
Rule 3: an accepted cancel raises CancelledError, a timeout raises TimeoutError; neither is swallowed (P-03).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

WAYS: Final = ("while suspended", "before the wake-up", "after the wake-up", "twice", "timeout")


class Stepped:
    """An awaitable that runs a coroutine, and calls ``at_suspension`` when it suspends for the k-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], k: int, at_suspension: Callable[[Any], None]) -> None:
        self._coroutine = coroutine
        self._left = k
        self._at_suspension = at_suspension
        self.was_reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731 - it is replaced in the loop
        while True:
            try:
                awaited = resume()
            except StopIteration as end:
                return end.value
            self._left -= 1
            if self._left == 0:
                self.was_reached = True
                self._at_suspension(awaited)
            try:
                value = yield awaited
            except BaseException as error:
                resume = _bind(steps.throw, error)
            else:
                resume = _bind(steps.send, value)


def _bind(resume: Callable[[Any], Any], what: Any) -> Callable[[], Any]:
    return lambda: resume(what)


class Interruption:
    """One way to interrupt one call at one suspension, and its result."""

    def __init__(self, way: str, k: int) -> None:
        self.way = way
        self.k = k
        self.was_reached = False
        self._was_accepted = False
        self._task: asyncio.Task[Any] | None = None
        self._clock: asyncio.Timeout | None = None

    async def of(self, coroutine: Coroutine[Any, Any, Any]) -> BaseException | None:
        """Run the call, interrupt it, and return what it raised. Fails if the interruption was swallowed."""
        stepped = Stepped(coroutine, self.k, self._discard)
        self._task = asyncio.get_running_loop().create_task(self._run(stepped))
        await asyncio.wait([self._task])
        self.was_reached = stepped.was_reached
        outcome: BaseException | None
        try:
            self._task.result()
            outcome = None
        except (Exception, asyncio.CancelledError) as error:
            outcome = error
        if self.was_reached:
            self._judge(outcome)
        elif outcome is not None:
            raise outcome
        return outcome

    async def _run(self, stepped: Stepped) -> Any:
        if self.way != "timeout":
            return await stepped
        async with asyncio.timeout(None) as self._clock:
            return await stepped

    def _judge(self, outcome: BaseException | None) -> None:
        if self.way == "timeout":
            assert type(outcome) is TimeoutError, f"a timeout came out as {outcome!r}"
        elif self._was_accepted:
            assert isinstance(outcome, asyncio.CancelledError), f"a cancel came out as {outcome!r}"
        elif outcome is not None:
            raise outcome

    # The ways --------------------------------------------------------------------------------------

    def _discard(self, awaited: Any) -> None:
        loop = asyncio.get_running_loop()
        is_future = asyncio.isfuture(awaited)
        if self.way == "timeout":
            assert self._clock is not None
            self._clock.reschedule(loop.time())
        elif self.way == "before the wake-up" and is_future:
            awaited.add_done_callback(self._cancel)  # the task adds its own callback behind this one
        elif self.way == "after the wake-up" and is_future:
            loop.call_soon(self._cancel_after, awaited)
        else:
            loop.call_soon(self._cancel)
            if self.way == "twice":
                loop.call_soon(loop.call_soon, self._cancel)

    def _cancel_after(self, awaited: asyncio.Future[Any]) -> None:
        awaited.add_done_callback(self._cancel)  # the task's own callback is before this one by now

    def _cancel(self, *_: Any) -> None:
        assert self._task is not None
        self._was_accepted |= self._task.cancel()
