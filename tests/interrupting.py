"""Interrupts the calling thread at a chosen moment, at any of those at which CPython lets a signal handler run.

CPython looks for signals when a function begins, when a call has returned to Python code and when a loop jumps back.
A handler that raises then raises there. Two hooks of the interpreter come by at the same moments, and what they raise
goes the same way:

* a profiler (``sys.setprofile``) is called when a function begins and when a function written in C has returned;
* a tracer of single instructions (``sys.settrace``) also sees the rest: behind the call of a class, and behind a jump
  back. It raises one instruction late, so moments are left out where that would cross the border of a ``with`` block
  (an exit that a signal cannot interrupt). Nothing looks for signals where a Python function returns to its caller.

A scene is played again and again, interrupted one moment later each time, until it comes to its end.
"""

from __future__ import annotations

import dis
import itertools
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import respool

_OURS = str(Path(respool.__file__).parent)

#: After these instructions the interpreter looks for signals.
_LOOKS = ("CALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD", "RESUME")


class Interrupted(BaseException):
    """What a signal handler raises."""


def moments(step: int = 1) -> Iterator[int]:
    """Count the moments, or every ``step``-th of a long scene. A scene has many, but not that many."""
    yield from range(0, 4000, step)
    raise AssertionError("the scene never came to its end")


def is_ours(frame: Any) -> bool:
    """Tell whether our code runs here; a finaliser cannot be interrupted, what it raises is only printed."""
    if not frame.f_code.co_filename.startswith(_OURS):
        return False
    if frame.f_code.co_name == "<genexpr>":  # one that is dropped unfinished is called once more, by its finaliser
        return False
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return False
        frame = frame.f_back
    return True


def _always() -> bool:
    return True


def interrupted_at(moment: int, work: Callable[[], Any], since: Callable[[], Any] = _always) -> bool:
    """Do ``work`` and interrupt it at its n-th call or return in our own code; False when it was over before.

    Moments count from when ``since`` is true.
    """
    left = moment

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal left
        if event in ("call", "c_return") and is_ours(frame) and since():
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise Interrupted

    sys.setprofile(count)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.setprofile(None)
    return False


def interrupted_behind(moment: int, work: Callable[[], Any], since: Callable[[], Any] = _always) -> bool:
    """Do ``work`` and interrupt it behind its n-th call or jump back, whatever is called; False when it was over."""
    left = moment
    returned: Any = None  # the frame that Python code has just returned to

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left, returned
        if event == "opcode":
            came_back, returned = returned is frame, None
            if frame.f_lasti in _moments_of(frame.f_code) and not came_back and is_ours(frame) and since():
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise Interrupted
        elif event == "return":
            returned = None if frame.f_code.co_name == "__init__" else frame.f_back  # a class is no Python function
        return step

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_lines = False
        frame.f_trace_opcodes = is_ours(frame)
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False


@cache
def _moments_of(code: CodeType) -> frozenset[int]:
    """Return where the instructions stand before which a signal may be noticed."""
    steps = list(dis.get_instructions(code))
    found = set()
    for step, following in itertools.pairwise(steps):
        if step.opname.startswith(_LOOKS) and not step.opname.endswith("NO_INTERRUPT"):
            after = step.argval if "JUMP" in step.opname else following.offset
            if _handler(code, step.offset) == _handler(code, after):
                found.add(after)
    return frozenset(found)


@cache
def _handlers(code: CodeType) -> tuple[Any, ...]:
    return tuple(dis._parse_exception_table(code))  # type: ignore[attr-defined]


def _handler(code: CodeType, offset: int) -> int | None:
    """Return where an exception at ``offset`` is handled."""
    return next((entry.target for entry in _handlers(code) if entry.start <= offset < entry.end), None)
