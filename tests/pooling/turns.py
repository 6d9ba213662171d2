"""Two threads that take turns, line by line of the ledger: every order with few switches can be tried.

Rule 1: an actor runs until it has reached so many lines of the traced files, and then stands still until its next turn.
Rule 2: nothing else runs meanwhile, so an order is the same each time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

from respool._pooling import keeping, ledger

TRACED: Final = frozenset({keeping.__file__, ledger.__file__})
FOREVER: Final = sys.maxsize


class Actor:
    """A thread that goes on only in its turns."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._lines = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.is_over = False
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go(self, lines: int = FOREVER) -> bool:
        """Let it run for so many lines; return whether it is at its end."""
        if not self.is_over:
            self._lines = lines
            self._go.release()
            assert self._stopped.acquire(timeout=15.0), "an actor stands still in its turn"
        if self.is_over:
            self._thread.join()
            if self.error is not None:
                raise self.error
        return self.is_over

    def _run(self) -> None:
        self._go.acquire()
        sys.settrace(self._trace)
        try:
            self.result = self._work()
        except BaseException as error:  # the test raises it
            self.error = error
        finally:
            sys.settrace(None)
            self.is_over = True
            self._stopped.release()

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            if self._lines == 0:
                self._stopped.release()
                self._go.acquire()
            self._lines -= 1
        return self._trace


#: Returns two works and what checks their results, for a new ledger each time.
Maker = Callable[[], tuple[Callable[[], Any], Callable[[], Any], Callable[[Any, Any], None]]]


def in_all_orders(make: Maker, *, comes_twice: bool = False) -> int:
    """Run two works in all orders in which each is interrupted once at most; return how many there were.

    ``comes_twice``: the first one is interrupted a second time.
    """
    count = 0
    for first_lines, second_lines, more_lines in _orders(make, comes_twice=comes_twice):
        count += 1
        first, second, check = _start(make)
        first.go(first_lines)
        second.go(second_lines)
        first.go(more_lines)
        second.go()
        first.go()
        check(first.result, second.result)
    return count


def _start(make: Maker) -> tuple[Actor, Actor, Callable[[Any, Any], None]]:
    one, other, check = make()
    return Actor(one), Actor(other), check


def _orders(make: Maker, *, comes_twice: bool) -> Iterator[tuple[int, int, int]]:
    first, second, _ = _start(make)
    firsts, seconds = _length(first), _length(second)
    for first_lines in range(firsts + 1):
        for second_lines in range(seconds + 1):
            for more_lines in range(firsts - first_lines) if comes_twice else (FOREVER,):
                yield first_lines, second_lines, more_lines


def _length(actor: Actor) -> int:
    count = 0
    while not actor.go(1):
        count += 1
    return count
