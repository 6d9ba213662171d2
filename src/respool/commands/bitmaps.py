"""Commands on the bits of strings.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. Offset 0 is
the most significant bit of the first byte. A string that is too short grows where something is set; beyond its end, and
where there is no key, all bits are 0. On a key that holds another type the server answers WrongType.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError
from respool.commands._arguments import nothing_to_send, option, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respool._facts.command import Arg, Key

Overflow: TypeAlias = Literal["WRAP", "SAT", "FAIL"]
"""What a number does that is too large or too small for its bits: it wraps around, it stays at the limit ("SAT"), or
nothing is written and the reply is None ("FAIL")."""
GetBits: TypeAlias = tuple[Literal["GET"], str, int | str]
"""``("GET", "u8", 0)``: the type of a number, and where it is. A type is "i" (signed, up to 64 bits) or "u" (unsigned,
up to 63) and the number of bits; an offset counts bits, or with "#" numbers of that type: ``"#2"``."""
BitOp: TypeAlias = GetBits | tuple[Literal["SET", "INCRBY"], str, int | str, int] | tuple[Literal["OVERFLOW"], Overflow]
"""One step of ``bitfield``: ``("GET", "u8", 0)``, ``("SET", "i5", "#1", 3)``, ``("INCRBY", "u2", 100, 1)``, or
``("OVERFLOW", "SAT")`` for all steps after it."""
Operation: TypeAlias = Literal["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"]
"""How bits are combined. The last four are since Redis 8.2: "DIFF" are those of the first string that no other has,
"DIFF1" those that the first has not but another has, "ANDOR" those of the first that another has too, "ONE" those that
exactly one has."""

BITCOUNT = spec("BITCOUNT")
BITFIELD = spec("BITFIELD")
BITFIELD_RO = spec("BITFIELD_RO")
BITOP = spec("BITOP")
BITPOS = spec("BITPOS")
GETBIT = spec("GETBIT")
SETBIT = spec("SETBIT")

#: How many words a step of ``bitfield`` has.
_LENGTHS = {"GET": 3, "SET": 4, "INCRBY": 4, "OVERFLOW": 2}


@overload
def bitcount(key: Key, start: int | None = None) -> Command[int]: ...
@overload
def bitcount(key: Key, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None) -> Command[int]: ...
def bitcount(
    key: Key, start: int | None = None, end: int | None = None, *, unit: Literal["BYTE", "BIT"] | None = None
) -> Command[int]:
    """Return how many bits are 1, in the whole string or from ``start`` to ``end``, both included.

    Both are bytes, or bits for ``unit="BIT"`` (Redis 7.0); negative ones count from the end. ``start`` without ``end``
    is only in Valkey (8.0). Raises UsageTypeError for ``end`` without ``start``, and for ``unit`` without both.
    """
    return Command(BITCOUNT, key, *_range(start, end, unit))


def bitfield(key: Key, *ops: BitOp, overflow: Overflow | None = None) -> Command[list[int | None]]:
    """Read, set and add numbers of any width in a string, step by step, and return a number for each.

    GET returns the number, SET the one that was there before, INCRBY the new one; OVERFLOW returns nothing. With the
    overflow "FAIL", a step that did not fit returns None and changes nothing. ``overflow`` holds for all steps up to an
    ``("OVERFLOW", ...)``; without either, numbers wrap around.

        bitfield("k", ("INCRBY", "u8", "#0", 1), ("GET", "i16", 8), overflow="SAT")

    Raises UsageValueError without steps, and UsageTypeError for what is no step.
    """
    return Command(BITFIELD, key, *option("OVERFLOW", overflow), *_steps("BITFIELD", ops, _LENGTHS))


def bitfield_ro(key: Key, *ops: GetBits) -> Command[list[int]]:
    """Read numbers of any width in a string; a replica can do it too.

    Otherwise it works like ``bitfield``, with GET only. Since Redis 6.0.
    """
    return Command(BITFIELD_RO, key, *_steps("BITFIELD_RO", ops, {"GET": 3}))


def bitop(operation: Operation, destination: Key, *keys: Key) -> Command[int]:
    """Combine strings bit by bit, store the result, and return its length in bytes.

    Shorter strings count as if they had zeros at the end. The result replaces what ``destination`` holds, of whatever
    type; an empty one removes it. "NOT" takes one key, and the server refuses more. Raises UsageValueError without
    keys.
    """
    if keys:
        return Command(BITOP, operation, destination, *keys)
    raise nothing_to_send(BITOP, "key")


@overload
def bitpos(key: Key, bit: int, start: int | None = None) -> Command[int]: ...
@overload
def bitpos(key: Key, bit: int, start: int, end: int, *, unit: Literal["BYTE", "BIT"] | None = None) -> Command[int]: ...
def bitpos(
    key: Key,
    bit: int,
    start: int | None = None,
    end: int | None = None,
    *,
    unit: Literal["BYTE", "BIT"] | None = None,
) -> Command[int]:
    """Return the offset of the first bit that is 1, or 0, from ``start`` to ``end``; -1 if there is none.

    Both are bytes, or bits for ``unit="BIT"`` (Redis 7.0), and belong to the range; negative ones count from the end.
    The offset counts from the beginning. Without ``end``, a string of ones has its first 0 behind its end.
    Raises UsageTypeError for ``end`` without ``start``, and for ``unit`` without both.
    """
    return Command(BITPOS, key, bit, *_range(start, end, unit))


def getbit(key: Key, offset: int) -> Command[int]:
    """Return the bit at an offset, 0 or 1."""
    return Command(GETBIT, key, offset)


def setbit(key: Key, offset: int, value: int) -> Command[int]:
    """Set the bit at an offset to 0 or 1, and return what it was before.

    The string grows as far as needed, up to an offset of 2**32 - 1, which takes 512 MiB at once.
    """
    return Command(SETBIT, key, offset, value)


def _range(start: int | None, end: int | None, unit: str | None) -> tuple[Arg, ...]:
    """Return the words of a range of bytes or bits."""
    if end is None and unit is not None:
        raise UsageTypeError("unit needs start and end")
    if start is None:
        if end is not None:
            raise UsageTypeError("end needs start: 0 is the first")
        return ()
    return (start,) if end is None else (start, end) if unit is None else (start, end, unit)


def _steps(name: str, ops: Sequence[Any], lengths: dict[str, int]) -> list[Arg]:
    """Return the words of all steps in one flat list."""
    if not ops:
        raise nothing_to_send(spec(name), "step")
    for op in ops:
        if not isinstance(op, tuple) or not op or len(op) != lengths.get(op[0] if isinstance(op[0], str) else ""):
            allowed = ", ".join(_SHAPES[word] for word in lengths)
            raise UsageTypeError(f"a step of {name} is one of {allowed}, not {shown(op)}")
    return [word for op in ops for word in op]


_SHAPES = {
    "GET": '("GET", type, offset)',
    "SET": '("SET", type, offset, value)',
    "INCRBY": '("INCRBY", type, offset, increment)',
    "OVERFLOW": '("OVERFLOW", how)',
}
