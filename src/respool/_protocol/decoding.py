"""Strict decoding by which the parser never loses its place.

The C parser decodes while it reads. An error there would tell neither whether the text stood in a reply or in a push,
nor leave anything of a push; and a push that is taken for a reply shifts every reply behind it (R-25). So where the
user wants "strict", the parser gets a handler that always succeeds.

Rule 1: a byte that is no text becomes a lone surrogate, as with "surrogateescape": no strict decoder makes one.
Rule 2: each time that happens ``LATEST[0]`` is another object. A wire that sees it change while its parser reads looks
        into the reply. In threads the change may have been another's at that moment; it is never missed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

#: The name of the handler, for the parser.
STRICT: Final = "respool-strict"

LATEST: Final[list[object]] = [object()]

_NO_TEXT: Final = re.compile("[\udc00-\udcff]")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    LATEST[0] = object()
    return "".join([chr(0xDC00 + byte) for byte in error.object[error.start : error.end]]), error.end


codecs.register_error(STRICT, _mark)


def what_is_wrong(value: Any, where: str = "the reply") -> str | None:
    """Say which byte of which element of a reply is no text, or return None when all of it is. Never show a value."""
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
