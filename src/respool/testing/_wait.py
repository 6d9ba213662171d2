"""Wait for a condition to become true, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], timeout: float = 5.0, *, interval: float = 0.002) -> T:
    """Call ``predicate`` until it returns a true value, and return that value.

    It is called at once and then every ``interval`` seconds. Raises ``TimeoutError`` if it is still false
    after ``timeout`` seconds. This blocks its thread: in an async test write ``await
    asyncio.to_thread(wait_until, ...)``.

        wait_until(lambda: server.client_count() == 0)
    """
    deadline = time.monotonic() + timeout
    while not (answer := predicate()):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"still {answer!r} after {timeout:g} s: {predicate!r}")
        time.sleep(interval)
    return answer
