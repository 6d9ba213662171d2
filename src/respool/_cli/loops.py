"""The event loop of the command line: uvloop if it is installed, else asyncio's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def loop_factory() -> tuple[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the name of the loop, and the function that makes one."""
    try:
        import uvloop
    except ImportError:
        return "asyncio", asyncio.new_event_loop
    return "uvloop", uvloop.new_event_loop


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a new loop."""
    with asyncio.Runner(loop_factory=loop_factory()[1]) as runner:
        return runner.run(main)
