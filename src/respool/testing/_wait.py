"""Wait for a condition to become true, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import hiredis

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
POLL: Final = 0.01  # seconds between two questions to several servers


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


def wait_settled(doubt: Callable[[], str], timeout: float, complaint: str) -> None:
    """Call ``doubt`` until it returns an empty string instead of a sentence that says what is missing.

    A server that does not answer, or answers with an error, is a doubt too. Raises ``TimeoutError`` with the
    complaint and the last doubt after ``timeout`` seconds.
    """
    last = ""

    def is_settled() -> bool:
        nonlocal last
        try:
            last = doubt()
        except (OSError, hiredis.ReplyError) as error:
            last = str(error)
        return not last

    try:
        wait_until(is_settled, timeout, interval=POLL)
    except TimeoutError as error:
        raise TimeoutError(f"{complaint} after {timeout:g} s: {last}") from error
