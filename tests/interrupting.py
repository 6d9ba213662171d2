"""Interrupts the calling thread at a chosen moment, at any of those at which CPython lets a signal handler run.

CPython checks for signals when a function begins, when a call has returned to Python code and when a loop jumps back.
If the handler raises, it raises there. Two hooks of the interpreter are called at the same moments, and exceptions
from them propagate in the same way:

* a profiler (``sys.setprofile``) is called when a function begins and when a function written in C has returned;
* a tracer of single instructions (``sys.settrace``) also sees the others: after the call of a class, and after a jump
  back. It raises one instruction late, so moments are left out where that would cross the border of a ``with`` block
  (an exit that a signal cannot interrupt). CPython does not check where a Python function returns to its caller.

A scene runs again and again, interrupted one moment later each time, until it ends without an interrupt. Long scenes
have a short form, which takes every third moment, and a full form for ``make prove``.
"""

from __future__ import annotations

import _weakrefset
import dis
import itertools
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import respool
from effort import IS_PROOF

THIRDS = 3
_FIRST = Random().randrange(THIRDS)

_OURS = str(Path(respool.__file__).parent)

#: The files of the standard library in which callbacks of weak references run.
_CALLBACKS = (weakref.__file__, _weakrefset.__file__)

#: After these instructions the interpreter checks for signals.
_LOOKS = ("CALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD", "RESUME")


class Interrupted(BaseException):
    """Raised as by a signal handler."""


def moments(step: int = 1) -> Iterator[int]:
    """Yield the numbers of the moments, or every ``step``-th for a long scene, up to more than any scene has."""
    yield from range(0, 4000, step)
    raise AssertionError("the scene never came to its end")


def sparse_moments(share: int) -> Iterator[int]:
    """Yield a third of the moments; in the full form, all of them.

    Three similar scenes, with the shares 0, 1 and 2, take every moment between them; shares are counted modulo 3. Each
    run deals the thirds anew.
    """
    if IS_PROOF:
        return moments()
    first = (_FIRST + share) % THIRDS
    print(f"Interrupted at every third moment, from number {first} on. RESPOOL_PROVE=1 takes all moments.")
    return itertools.islice(moments(), first, None, THIRDS)


def is_ours(frame: Any) -> bool:
    """Return whether our code runs here. Finalisers do not count."""
    if not frame.f_code.co_filename.startswith(_OURS):
        return False
    if frame.f_code.co_name == "<genexpr>":  # an unfinished one that is dropped is called again by its finaliser
        return False
    return not is_only_printed(frame)


def is_only_printed(frame: Any) -> bool:
    """Return whether what is raised here is only printed: in a finaliser, or a callback of a weak reference."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename in _CALLBACKS:
            return True
        frame = frame.f_back
    return False


def _always() -> bool:
    return True


def interrupted_at(moment: int, work: Callable[[], Any], since: Callable[[], Any] = _always) -> bool:
    """Run ``work`` and interrupt it at its n-th call or return in our code. Return False if it ended before.

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
    """Run ``work`` and interrupt it after its n-th call or jump back of any kind. Return False if it ended before."""
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
            returned = None if frame.f_code.co_name == "__init__" else frame.f_back  # a class is not a Python function
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
    """Return the offsets of the instructions before which a signal may be noticed."""
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
