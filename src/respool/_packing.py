"""Turn commands into bytes, with hiredis' packer, and say clearly what cannot be sent.

Rule 1: whatever is wrong with an argument is found here, before anything is queued; no other caller is touched.
Rule 2: text is UTF-8 unless the pool's encoding is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

from respool._errors import UsageTypeError, UsageValueError

Packer = Callable[[tuple[Any, ...]], bytes]


def make_packer(encoding: str | None) -> Packer:
    """Return the function that encodes a command: hiredis' own, unless text is not UTF-8."""
    pack_utf8: Packer = cast("Packer", hiredis.pack_command)  # its stub says a tuple of one; it takes any
    if encoding is None or encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return pack_utf8

    def pack(args: tuple[Any, ...]) -> bytes:
        return pack_utf8(tuple([arg.encode(encoding) if isinstance(arg, str) else arg for arg in args]))

    return pack


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
                f"argument {position} of {_name(args)} is {type(arg).__name__}; "
                "a command takes bytes, str, int, float, memoryview"
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


def _pack_one(args: tuple[Any, ...], pack: Packer) -> bytes:
    try:
        return pack(args)
    except (TypeError, UnicodeError) as error:
        return pack_again(args, pack, error)


def _name(args: Sequence[Any]) -> str:
    name = args[0] if args else ""
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
