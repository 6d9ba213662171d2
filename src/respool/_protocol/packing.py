"""Encode commands as bytes, and explain which argument cannot be encoded.

Rule 1: every invalid argument is found here, before anything is queued, so no other caller is affected.
Rule 2: text is encoded as UTF-8, unless the pool has another encoding.
Rule 3: a large value is copied once. hiredis' packer grows a buffer around it and copies that, which takes several
        times as long. Commands of two to five arguments are joined here. For longer ones, a connection looks for large
        values once it has seen one.
Rule 4: hiredis' packer gets only exact ``bytes`` and ``str``. It trusts ``repr`` of a float's subclass, ends the
        process at an int beyond ``sys.get_int_max_str_digits()``, and reads the memory behind a ``memoryview`` that
        has gaps or was released. ``_facts/encoding.py`` encodes the other types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

import hiredis

from respool._facts.encoding import encoded
from respool._facts.errors import UsageTypeError, UsageValueError

Packer = Callable[[tuple[Any, ...]], bytes]

#: A longer value is large. Slightly above this size malloc() starts to request pages from the kernel, the main cost.
LARGE_BYTES: Final = 64 * 1024

_pack_text: Final = cast("Packer", hiredis.pack_command)  # its stub says a tuple of one; it takes any
_is_text: Final = frozenset((bytes, str)).issuperset
_join: Final = b"".join

#: The lines that announce a text of so many bytes, without their "$"; longer ones are made when needed.
_LENGTHS: Final = tuple([b"%d\r\n" % length for length in range(1025)])
_LONG: Final = len(_LENGTHS)

#: By number of arguments, then by name: the bytes with which a command begins, up to the "$" of its next argument.
_HEADS: Final[tuple[dict[Any, bytes], ...]] = ({}, {}, {}, {}, {}, {})
_TWO, _THREE, _FOUR, _FIVE = _HEADS[2:]
_MOST_HEADS: Final = 1024
_LONGEST_NAME: Final = 32


def make_packer(encoding: str | None) -> Packer:
    """Return the function that encodes a command.

    It raises TypeError or UnicodeError for an argument it cannot encode; ``pack_again`` finds out which one that is.
    """
    if encoding is None or encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return _pack

    def pack(args: tuple[Any, ...]) -> bytes:
        return _pack(tuple([str.encode(arg, encoding) if isinstance(arg, str) else arg for arg in args]))

    return pack


def _pack(args: tuple[Any, ...]) -> bytes:
    # Written out for two to five arguments, which nearly all commands have: as fast as the C packer, and safe (Rule 4).
    # Types and lengths are checked inline, because a function call would cost as much as all the rest.
    count = len(args)
    try:
        if count == 2:
            name, one = args
            if type(one) is not bytes:
                one = one.encode() if type(one) is str else encoded(one)
            size = len(one)
            return _join((_TWO[name], _LENGTHS[size] if size < _LONG else b"%d\r\n" % size, one, b"\r\n"))
        if count == 3:
            name, one, two = args
            if type(one) is not bytes:
                one = one.encode() if type(one) is str else encoded(one)
            if type(two) is not bytes:
                two = two.encode() if type(two) is str else encoded(two)
            size, size2 = len(one), len(two)
            return _join(
                (
                    _THREE[name], _LENGTHS[size] if size < _LONG else b"%d\r\n" % size, one,
                    b"\r\n$", _LENGTHS[size2] if size2 < _LONG else b"%d\r\n" % size2, two, b"\r\n",
                )
            )  # fmt: skip
    except KeyError:  # the first command of this name
        if _learn_head(args[0], count):
            return _pack(args)
    return _pack_long(args)


def _pack_long(args: tuple[Any, ...]) -> bytes:
    count = len(args)
    try:
        if count == 4:
            name, one, two, three = args
            if type(one) is not bytes:
                one = one.encode() if type(one) is str else encoded(one)
            if type(two) is not bytes:
                two = two.encode() if type(two) is str else encoded(two)
            if type(three) is not bytes:
                three = three.encode() if type(three) is str else encoded(three)
            size, size2, size3 = len(one), len(two), len(three)
            return _join(
                (
                    _FOUR[name], _LENGTHS[size] if size < _LONG else b"%d\r\n" % size, one,
                    b"\r\n$", _LENGTHS[size2] if size2 < _LONG else b"%d\r\n" % size2, two,
                    b"\r\n$", _LENGTHS[size3] if size3 < _LONG else b"%d\r\n" % size3, three, b"\r\n",
                )
            )  # fmt: skip
        if count == 5:
            name, one, two, three, four = args
            if type(one) is not bytes:
                one = one.encode() if type(one) is str else encoded(one)
            if type(two) is not bytes:
                two = two.encode() if type(two) is str else encoded(two)
            if type(three) is not bytes:
                three = three.encode() if type(three) is str else encoded(three)
            if type(four) is not bytes:
                four = four.encode() if type(four) is str else encoded(four)
            size, size2, size3, size4 = len(one), len(two), len(three), len(four)
            return _join(
                (
                    _FIVE[name], _LENGTHS[size] if size < _LONG else b"%d\r\n" % size, one,
                    b"\r\n$", _LENGTHS[size2] if size2 < _LONG else b"%d\r\n" % size2, two,
                    b"\r\n$", _LENGTHS[size3] if size3 < _LONG else b"%d\r\n" % size3, three,
                    b"\r\n$", _LENGTHS[size4] if size4 < _LONG else b"%d\r\n" % size4, four, b"\r\n",
                )
            )  # fmt: skip
    except KeyError:
        if _learn_head(args[0], count):
            return _pack_long(args)
    if _is_text(map(type, args)):
        return _pack_text(args)
    return _pack_text(tuple([arg if type(arg) is bytes or type(arg) is str else encoded(arg) for arg in args]))


def _learn_head(name: Any, count: int) -> bool:
    """Cache the first bytes of commands with this name and argument count; return False if that is not possible."""
    heads = _HEADS[count]
    if type(name) not in (str, bytes) or len(name) > _LONGEST_NAME or len(heads) >= _MOST_HEADS:
        return False
    text = encoded(name)
    heads[name] = b"*%d\r\n$%d\r\n%s\r\n$" % (count, len(text), text)
    return True


def minding_large(pack: Packer) -> Packer:
    """Return a function that encodes as ``pack`` does, but copies large values only once (Rule 3)."""
    return pack if isinstance(pack, partial) else partial(_pack_large, pack)


def _pack_large(pack: Packer, args: tuple[Any, ...]) -> bytes:
    if len(args) < len(_HEADS):
        return pack(args)
    large = [place for place, arg in enumerate(args) if type(arg) is bytes and len(arg) > LARGE_BYTES]
    if not large:
        return pack(args)
    pieces = [b"*%d\r\n" % len(args)]
    begin = 0
    for place in [*large, len(args)]:
        if begin < place:
            packed = pack(args[begin:place])
            pieces.append(packed[packed.index(b"\n") + 1 :])  # without the line that holds their number
        if place < len(args):
            pieces += (b"$%d\r\n" % len(args[place]), args[place], b"\r\n")
        begin = place + 1
    return b"".join(pieces)


def pack_again(args: Sequence[Any], pack: Packer, error: Exception) -> bytes:
    """Encode a command that the packer refused, or raise a UsageError that names the bad argument and the reason.

    Nothing has been queued when this raises, so no other caller is affected.
    """
    if isinstance(error, UnicodeError):
        raise UsageValueError(f"an argument of {_name(args)} cannot be encoded: {error}") from error
    known = _known(args, error)
    try:
        return pack(tuple(known))
    except UnicodeError as unicode_error:
        raise UsageValueError(f"an argument of {_name(args)} cannot be encoded: {unicode_error}") from unicode_error


def check_kinds(args: Sequence[Any]) -> None:
    """Raise a UsageError if an argument is of no kind that can be sent. Whether text can be encoded is not checked."""
    _known(args, None)


def _known(args: Sequence[Any], error: Exception | None) -> list[Any]:
    """Return the arguments with all that is not text as bytes. Raises a UsageError, from ``error``, for a bad one."""
    known: list[Any] = []
    for position, arg in enumerate(args):
        if isinstance(arg, str):  # ``pack`` knows its encoding
            known.append(arg)
            continue
        try:
            known.append(encoded(arg))
        except TypeError as refusal:
            is_known = isinstance(arg, int | memoryview) and not isinstance(arg, bool)
            kind = UsageValueError if is_known else UsageTypeError
            raise kind(f"argument {position} of {_name(args)} is {type(arg).__name__}; {refusal}") from error
    return known


def pack_many(commands: Sequence[tuple[Any, ...]], pack: Packer) -> bytes:
    """Encode a run of commands as one piece."""
    try:
        return b"".join([pack(args) for args in commands])
    except (TypeError, UnicodeError):
        return b"".join([_pack_one(args, pack) for args in commands])


def check_piece(piece: Sequence[tuple[Any, ...]], pack: Packer) -> None:
    """Raise a UsageError if a piece of a run cannot be encoded; called before the first piece is sent."""
    others = [arg for args in piece for arg in args if arg.__class__ is not bytes]
    if pack is _pack and set(map(type, others)) == {str} and "".join(others).isascii():
        return  # text in ASCII, as most is: a third of the time that packing it takes
    try:
        pack(tuple(others))
    except (TypeError, UnicodeError):
        pack_many(piece, pack)  # raises a clear error, or finds that all can be encoded after all


def _pack_one(args: tuple[Any, ...], pack: Packer) -> bytes:
    try:
        return pack(args)
    except (TypeError, UnicodeError) as error:
        return pack_again(args, pack, error)


def _name(args: Sequence[Any]) -> str:
    name = args[0] if args else ""
    if isinstance(name, str):
        return str.__str__(name)
    return bytes.decode(name, "latin-1") if isinstance(name, bytes) else type(name).__name__
