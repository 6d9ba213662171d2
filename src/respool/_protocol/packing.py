"""Turn commands into bytes, with hiredis' packer, and say clearly what cannot be sent.

Rule 1: whatever is wrong with an argument is found here, before anything is queued; no other caller is touched.
Rule 2: text is UTF-8 unless the pool's encoding is another.
Rule 3: a large value is copied once. hiredis grows a buffer around it and copies that, which takes several times as
        long. Looking for large values costs time too: a connection does so when it has seen the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

import hiredis

from respool._facts.errors import UsageTypeError, UsageValueError

Packer = Callable[[tuple[Any, ...]], bytes]

#: What is longer is large. A little above it malloc() begins to ask the kernel for new pages, which costs most.
LARGE_BYTES: Final = 64 * 1024


def make_packer(encoding: str | None) -> Packer:
    """Return the function that encodes a command: hiredis' own, unless text is not UTF-8."""
    pack_utf8: Packer = cast("Packer", hiredis.pack_command)  # its stub says a tuple of one; it takes any
    if encoding is None or encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return pack_utf8

    def pack(args: tuple[Any, ...]) -> bytes:
        return pack_utf8(tuple([arg.encode(encoding) if isinstance(arg, str) else arg for arg in args]))

    return pack


def minding_large(pack: Packer) -> Packer:
    """Return a function that encodes as ``pack`` does, but copies large values once (Rule 3)."""
    return pack if isinstance(pack, partial) else partial(_pack_large, pack)


def _pack_large(pack: Packer, args: tuple[Any, ...]) -> bytes:
    large = [place for place, arg in enumerate(args) if type(arg) is bytes and len(arg) > LARGE_BYTES]
    if not large:
        return pack(args)
    pieces = [b"*%d\r\n" % len(args)]
    begin = 0
    for place in [*large, len(args)]:
        if begin < place:
            packed = pack(args[begin:place])
            pieces.append(packed[packed.index(b"\n") + 1 :])  # behind the line that counts them
        if place < len(args):
            pieces += (b"$%d\r\n" % len(args[place]), args[place], b"\r\n")
        begin = place + 1
    return b"".join(pieces)


def pack_again(args: Sequence[Any], pack: Packer, error: Exception) -> bytes:
    """Encode what the packer refused: bytearrays and members of an IntEnum; anything else gets a clear error.

    Nothing has been queued when this raises, so no other caller is touched.
    """
    if isinstance(error, UnicodeError):
        raise UsageValueError(f"an argument of {_name(args)} cannot be encoded: {error}") from error
    known: list[Any] = []
    for position, arg in enumerate(args):
        if isinstance(arg, bool) or not isinstance(arg, bytes | bytearray | str | int | float | memoryview):
            raise UsageTypeError(
                f"argument {position} of {_name(args)} is {type(arg).__name__}; {_wanted(arg)}"
            ) from error
        known.append(bytes(arg) if isinstance(arg, bytearray) else int(arg) if isinstance(arg, int) else arg)
    try:
        return pack(tuple(known))
    except UnicodeError as unicode_error:
        raise UsageValueError(f"an argument of {_name(args)} cannot be encoded: {unicode_error}") from unicode_error


def pack_many(commands: Sequence[tuple[Any, ...]], pack: Packer) -> bytes:
    """Encode a run of commands as one piece."""
    try:
        return b"".join([pack(args) for args in commands])
    except (TypeError, UnicodeError):
        return b"".join([_pack_one(args, pack) for args in commands])


def check_pieces(pieces: Sequence[Sequence[tuple[Any, ...]]], pack: Packer) -> None:
    """Raise for what cannot be encoded of a run in pieces, before the first of them is sent."""
    for piece in pieces if len(pieces) > 1 else ():  # a single one is encoded before it is sent
        others = tuple([arg for args in piece for arg in args if arg.__class__ is not bytes])
        try:
            pack(others)
        except (TypeError, UnicodeError):
            pack_many(piece, pack)  # it knows what to call it, and what is no mistake


def _pack_one(args: tuple[Any, ...], pack: Packer) -> bytes:
    try:
        return pack(args)
    except (TypeError, UnicodeError) as error:
        return pack_again(args, pack, error)


def _wanted(arg: Any) -> str:
    if isinstance(arg, list | tuple | set | frozenset):
        return "give each of its values as an argument of its own"
    return "a command takes bytes, str, int, float, memoryview"


def _name(args: Sequence[Any]) -> str:
    name = args[0] if args else ""
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
