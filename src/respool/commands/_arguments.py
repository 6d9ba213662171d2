"""The types of arguments, and how options become words of a command.

Rule 1: a function refuses contradictory options, a call with nothing to send, and values that do not fit the
        unit; mistakes that the server refuses itself, without harm, are left to the server.
Rule 2: a duration is an int in the unit its parameter is named for, or a timedelta; a moment is an int since
        1970 in that unit, or a datetime with a timezone. Both are rounded up: nothing expires too early.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

from respool._facts.command import Arg, Key, Spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.slots import SLOTS

K_co = TypeVar("K_co", covariant=True)
V_co = TypeVar("V_co", covariant=True)

Text: TypeAlias = Any
"""A key or value in a reply: ``str`` where the pool has an encoding, else ``bytes``. The methods of pools, leases and
pipelines return exactly that; a ``Command`` does not know who will send it, so for a type checker it holds ``Any``."""
Value: TypeAlias = Arg
"""What is stored: a value, an element, a field. It comes back as ``Text``, also what was given as a number."""
Duration: TypeAlias = int | timedelta
"""How long: a ``timedelta``, or a whole number in the unit that the command's text names (``ex`` seconds, ``px``
milliseconds). A ``timedelta`` is rounded up to that unit: nothing expires too early."""
Moment: TypeAlias = int | datetime
"""When: a ``datetime`` with a timezone, or a whole number since 1970 in that unit (``exat`` seconds, ``pxat``
milliseconds)."""


class MappingOf(Protocol[K_co, V_co]):
    """A mapping whose keys may be of a narrower type: a ``dict[str, str]`` is a ``MappingOf[Key, Value]``.

    It is no ``Mapping[Key, Value]`` for a type checker, because ``Mapping`` is invariant in its key.
    """

    def __len__(self) -> int: ...

    def items(self) -> AbstractSet[tuple[K_co, V_co]]:
        """Return the pairs of a key and a value."""
        ...

    def values(self) -> Collection[V_co]:
        """Return the values."""
        ...


FlushMode: TypeAlias = Literal["ASYNC", "SYNC"]
"""Whether the server frees the memory of what it deletes later, in another thread, or before it answers."""

SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)


_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)


def flag(word: str, on: bool) -> tuple[Arg, ...]:  # noqa: FBT001 - the word says what is on
    """Return the word when it is on."""
    return (word,) if on else ()


def switch(name: str, on: bool, words: tuple[str, str] = ("ON", "OFF")) -> str:  # noqa: FBT001 - the name says what
    """Return the first word for True, the second for False. Raises UsageTypeError for others: even "off" is true."""
    if not isinstance(on, bool):
        raise UsageTypeError(f"{name} must be True or False, not {shown(on)}")
    return words[0] if on else words[1]


def option(word: str, value: Arg | None) -> tuple[Arg, ...]:
    """Return the word and its value, when there is one."""
    return () if value is None else (word, value)


def choose(**options: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Return the words of the one option that is given. Raises UsageValueError if more than one is."""
    given = [name for name, words in options.items() if words]
    if len(given) > 1:
        raise UsageValueError(f"{' and '.join(given)} exclude each other")
    return options[given[0]] if given else ()


def expiry(
    *,
    ex: Duration | None = None,
    px: Duration | None = None,
    exat: Moment | None = None,
    pxat: Moment | None = None,
    keepttl: bool = False,
    persist: bool = False,
) -> tuple[Arg, ...]:
    """Return the words that set or remove the expiry of a key.

    Raises UsageValueError for more than one option, and for a time that is not above 0.
    """
    return choose(
        ex=() if ex is None else ("EX", at_least(1, "ex", duration("ex", ex, SECOND))),
        px=() if px is None else ("PX", at_least(1, "px", duration("px", px, MILLISECOND))),
        exat=() if exat is None else ("EXAT", at_least(1, "exat", moment("exat", exat, SECOND))),
        pxat=() if pxat is None else ("PXAT", at_least(1, "pxat", moment("pxat", pxat, MILLISECOND))),
        keepttl=flag("KEEPTTL", keepttl),
        persist=flag("PERSIST", persist),
    )


def duration(name: str, value: Duration, unit: timedelta) -> int:
    """Return a duration as a number of units. Raises UsageTypeError unless it is a timedelta or a whole number."""
    if isinstance(value, timedelta):
        return -(-value // unit)
    if isinstance(value, bool) or not isinstance(value, int):
        units = "seconds" if unit == SECOND else "milliseconds"
        raise UsageTypeError(f"{name} must be a whole number of {units} or a timedelta, not {shown(value)}")
    return value


def moment(name: str, value: Moment, unit: timedelta) -> int:
    """Return a moment as a number of units since 1970.

    Raises UsageValueError for a datetime without a timezone.
    """
    if not isinstance(value, datetime):
        return whole(name, value)
    if value.utcoffset() is None:
        raise UsageValueError(f"{name} needs a datetime with a timezone: without one it is no moment")
    return -((_1970 - value) // unit)


def patience(timeout: float | timedelta) -> float:
    """Return a blocking command's timeout in seconds. Raises UsageValueError if it is negative or not finite."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise UsageTypeError(f"timeout must be a number of seconds or a timedelta, not {seconds!r}")
    try:
        is_finite = math.isfinite(seconds)
    except OverflowError:  # an int beyond all floats, perhaps with too many digits to be shown
        raise UsageValueError("timeout must be 0 (wait for ever) or more seconds that a clock can count") from None
    if seconds < 0 or not is_finite:
        raise UsageValueError(f"timeout must be 0 (wait for ever) or more seconds, not {seconds!r}")
    return seconds


def with_patience(spec: Spec, keys: Sequence[Key], timeout: float | timedelta) -> tuple[Arg, ...]:
    """Return the keys of a blocking command, and its timeout behind them.

    Raises UsageValueError without keys, and UsageTypeError for a number behind keys that are none, without ``timeout``:
    other clients take the timeout there.
    """
    if not keys:
        raise nothing_to_send(spec, "key")
    seconds = patience(timeout)
    last = keys[-1]
    if not seconds and isinstance(last, int | float) and not all(isinstance(key, int | float) for key in keys):
        what = f"{spec.name} takes its timeout by name, as in {spec.name.lower()}(key, timeout={shown(last)})"
        raise UsageTypeError(f"{what}; a key that is a number is given as text here, '{shown(last)}'")
    return (*keys, seconds)


def shown(value: object) -> str:
    """Return ``value`` as an error shows it. Python refuses to write an int of many thousand digits."""
    try:
        return repr(value)
    except ValueError:
        return "a number with too many digits"


def whole(name: str, value: int) -> int:
    """Return ``value``. Raises UsageTypeError unless it is a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageTypeError(f"{name} must be a whole number, not {shown(value)}")
    return value


def at_least(least: int, name: str, value: int) -> int:
    """Return ``value``. Raises UsageTypeError unless it is a whole number, UsageValueError if below ``least``."""
    if whole(name, value) < least:
        raise UsageValueError(f"{name} must be {least} or more, not {shown(value)}")
    return value


def number(name: str, value: float) -> float:
    """Return ``value``. Raises UsageTypeError unless it is a number, UsageValueError for NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageTypeError(f"{name} must be a number, not {shown(value)}")
    if value != value:
        raise UsageValueError(f"{name} must be a number, not NaN")
    return value


def counted(spec: Spec, keys: Sequence[Key]) -> tuple[Arg, ...]:
    """Return the number of keys, followed by the keys."""
    if not keys:
        raise nothing_to_send(spec, "key")
    return len(keys), *keys


def listed(spec: Spec, fields: Sequence[Value]) -> tuple[Arg, ...]:
    """Return the word FIELDS and the number of fields, followed by the fields."""
    if not fields:
        raise nothing_to_send(spec, "field")
    return "FIELDS", len(fields), *fields


def only_known(name: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageTypeError if one of the options of the command ``name`` is not known."""
    known = sorted(known)
    unknown = sorted(set(options).difference(known))
    if unknown:
        raise UsageTypeError(f"unknown option {unknown[0]!r} of {name}; known are {', '.join(known)}")


def several(name: str, what: str, values: object) -> Sequence[Any]:
    """Return ``values``. Raises UsageTypeError unless it is a list: text would become its characters."""
    if isinstance(values, str | bytes | bytearray | memoryview) or not isinstance(values, Sequence):
        raise UsageTypeError(f"{what} of {name} must be a list, not {type(values).__name__}: write {what}=[...]")
    return values


def limited(limit: tuple[int, int] | None) -> tuple[Arg, ...]:
    """Return the word LIMIT, an offset and a count, or nothing. Raises UsageTypeError for what is no such tuple."""
    match limit:
        case None:
            return ()
        case (offset, count):
            return "LIMIT", at_least(0, "the offset of limit", offset), whole("the count of limit", count)
    raise UsageTypeError(f"limit must be a tuple of an offset and a count, not {shown(limit)}")


def flattened(spec: Spec, items: MappingOf[Any, Any], what: str = "key", to: str = "value") -> list[Arg]:
    """Return the keys and values alternately, in one flat list. ``what`` says what a key is, ``to`` what a value is."""
    if not isinstance(items, Mapping):
        raise UsageTypeError(f"{spec.name} takes a mapping of {what}s to {to}s, not {type(items).__name__}")
    if not items:
        raise nothing_to_send(spec, what)
    return [word for item in items.items() for word in item]


def slot_number(name: str, value: int) -> int:
    """Return ``value``. Raises UsageTypeError unless it is a whole number, UsageValueError unless it is a slot."""
    if not 0 <= whole(name, value) < SLOTS:
        raise UsageValueError(f"{name} must be 0 to {SLOTS - 1}, not {shown(value)}")
    return value


def slot_numbers(spec: Spec, slots: Sequence[int]) -> list[int]:
    """Return the slots as they are, if there are any."""
    if not slots:
        raise nothing_to_send(spec, "slot")
    return [slot_number("a slot", slot) for slot in slots]


def slot_bounds(spec: Spec, ranges: Any) -> list[int]:
    """Return the first and last slot of each range, in one flat list."""
    if not isinstance(ranges, Sequence) or not all(isinstance(each, tuple) and len(each) == 2 for each in ranges):
        raise UsageTypeError(f"{spec.name} takes ranges of slots as tuples (start, end)")
    if not ranges:
        raise nothing_to_send(spec, "range")
    for start, end in ranges:
        if slot_number("the start of a range", start) > slot_number("the end of a range", end):
            raise UsageValueError(f"a range must not end before it starts, as ({start}, {end}) does")
    return [slot for each in ranges for slot in each]


def nothing_to_send(spec: Spec, what: str) -> UsageValueError:
    """Make the error for a call that lacks its main arguments."""
    return UsageValueError(f"{spec.name} needs at least one {what}")
