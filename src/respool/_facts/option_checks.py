"""Checks of the values of options: each returns None for a valid one, else an error class and what it must be."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from sys import float_info
from typing import Any, TypeAlias

from respool._facts.errors import UsageError, UsageTypeError, UsageValueError

Problem: TypeAlias = tuple[type[UsageError], str] | None
Check: TypeAlias = Callable[[Any], Problem]


def whole(least: int, wanted: str, *, most: float = math.inf, optional: bool = False) -> Check:
    def check(value: Any) -> Problem:
        if optional and value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            return UsageTypeError, wanted
        return None if least <= value <= most else (UsageValueError, wanted)

    return check


def seconds(*, zero: bool = False) -> Check:
    wanted = "a number of seconds, zero or more, or None" if zero else "a number of seconds above zero, or None"

    def check(value: Any) -> Problem:
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            return UsageTypeError, wanted
        good = (value >= 0 if zero else value > 0) and value <= float_info.max
        return None if good else (UsageValueError, wanted)

    return check


def of(kinds: type | tuple[type, ...], wanted: str) -> Check:
    def check(value: Any) -> Problem:
        return None if value is None or isinstance(value, kinds) else (UsageTypeError, wanted)

    return check


def one_of(*values: Any) -> Check:
    wanted = "one of " + ", ".join(repr(value) for value in values)

    def check(value: Any) -> Problem:
        if isinstance(value, bool) or not isinstance(value, type(values[0])):
            return UsageTypeError, wanted
        return None if value in values else (UsageValueError, wanted)

    return check


def must_be(kind: type, wanted: str) -> Check:
    def check(value: Any) -> Problem:
        return None if isinstance(value, kind) else (UsageTypeError, wanted)

    return check


def port(value: Any) -> Problem:
    wanted = "a port number from 1 to 65535"
    if not isinstance(value, int) or isinstance(value, bool):
        return UsageTypeError, wanted
    return None if 0 < value < 65536 else (UsageValueError, wanted)


def name(value: Any) -> Problem:
    wanted = "a name of visible ASCII letters, without spaces"
    if value is None:
        return None
    if not isinstance(value, str):
        return UsageTypeError, wanted
    return None if value and all("!" <= letter <= "~" for letter in value) else (UsageValueError, wanted)


def text(value: Any) -> Problem:
    if not isinstance(value, str):
        return UsageTypeError, "a non-empty text"
    return None if value else (UsageValueError, "a non-empty text")


def function(value: Any) -> Problem:
    return None if value is None or callable(value) else (UsageTypeError, "a function or None")


def plain_function(value: Any) -> Problem:
    if inspect.iscoroutinefunction(value):  # nobody would await it
        return UsageTypeError, "a plain function, not an async one, or None"
    return function(value)
