"""Strict decoding that never makes the parser lose its place.

The C parser decodes while it reads. A decoding error there would not show whether the text was in a reply or in a push,
and would lose a push; and a push mistaken for a reply shifts every later reply (R-25). So for errors="strict" the
parser gets an error handler that always succeeds.

Rule 1: an undecodable byte becomes a lone surrogate, as with "surrogateescape"; a strict decoder never makes one.
Rule 2: each time that happens, ``LATEST[0]`` becomes a new object. A wire that sees it change while its parser reads
        checks the reply. The change may come from a wire in another thread, but none of its own is ever missed.
Rule 3: what the parser was told to leave alone is decoded by ``decoded``, with the same encoding and error handler. So
        it gives what the parser would have given, and an undecodable byte is found in the same way.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

#: The name of the error handler, for the parser.
STRICT: Final = "respool-strict"

LATEST: Final[list[object]] = [object()]

_NO_TEXT: Final = re.compile("[\udc00-\udcff]")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    LATEST[0] = object()
    return "".join([chr(0xDC00 + byte) for byte in error.object[error.start : error.end]]), error.end


codecs.register_error(STRICT, _mark)


def decoded(value: Any, encoding: str, errors: str) -> Any:
    """Return a reply that was read as bytes with all its texts decoded; what is decoded already stays as it is.

    Raises UnicodeError if the error handler does.
    """
    if isinstance(value, bytes):
        return value.decode(encoding, errors)
    if isinstance(value, list):
        value[:] = [decoded(part, encoding, errors) for part in value]  # in place: a push keeps its type
        return value
    if isinstance(value, dict):
        return {decoded(key, encoding, errors): decoded(part, encoding, errors) for key, part in value.items()}
    return value


def what_is_wrong(value: Any, where: str = "the reply") -> str | None:
    """Describe the first undecodable byte of a reply and its place; None if there is none. Never show a value."""
    if isinstance(value, str):
        found = None if value.isascii() else _NO_TEXT.search(value)
        if found is None:
            return None
        return f"byte 0x{ord(found[0]) - 0xDC00:02x} behind {found.start()} characters of {where}"
    parts: Iterable[tuple[str, Any]] = ()
    if isinstance(value, list):
        parts = ((f"element {index} of {where}", part) for index, part in enumerate(value))
    elif isinstance(value, dict):
        keys = ((f"key {index} of {where}", key) for index, key in enumerate(value))
        parts = chain(keys, ((f"value {index} of {where}", part) for index, part in enumerate(value.values())))
    for place, part in parts:
        wrong = what_is_wrong(part, place)
        if wrong is not None:
            return wrong
    return None
