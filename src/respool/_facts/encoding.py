"""The bytes of one argument of a command: what is sent for it, and what the slot of a key is computed from.

Rule 1: text is encoded as UTF-8. A pool with another encoding encodes its text before.
Rule 2: a value is encoded by the methods of its base type: a subclass's own ``__str__``, ``__repr__``, ``encode`` or
        ``__bytes__`` is never called.
"""

from __future__ import annotations

from typing import Any


def encoded(arg: Any) -> bytes:
    """Return one argument as bytes. Raises TypeError for a wrong type, or a value that has no text."""
    try:
        if type(arg) is int:
            return b"%d" % arg
        if isinstance(arg, str):
            return str.encode(arg)
        if isinstance(arg, bytes):
            return bytes.__getitem__(arg, slice(None))
        if isinstance(arg, int) and not isinstance(arg, bool):
            return int.__repr__(arg).encode()
        if isinstance(arg, float):
            return float.__repr__(arg).encode()
        if isinstance(arg, memoryview):
            return arg.tobytes()
    except UnicodeError:
        raise
    except ValueError as error:  # too many digits; a memoryview that was released
        raise TypeError(str(error)) from None
    if isinstance(arg, bytearray):
        return bytes(bytearray.__getitem__(arg, slice(None)))
    raise TypeError(_wanted(arg))


def _wanted(arg: Any) -> str:
    if isinstance(arg, list | tuple | set | frozenset):
        return "give each of its values as an argument of its own"
    return "a command takes bytes, str, int, float, bytearray, memoryview"
