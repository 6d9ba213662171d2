"""JSON values as Python values: how they become text, and how text becomes them.

Rule 1: the text is JSON in UTF-8, as the stdlib's ``json`` writes and reads it. Other values than ``json`` knows are
        refused before anything is sent, and so are NaN and infinities, which JSON does not have.
Rule 2: text that is JSON already is given as ``RawJson``, so that a str is always a value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, final

from respool._facts.errors import UsageTypeError, UsageValueError

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@final
@dataclass(frozen=True, slots=True)
class RawJson:
    """Text that is JSON already and is sent as it is, in place of a Python value: ``RawJson(orjson.dumps(user))``."""

    text: bytes | str


def json_text(value: Any) -> bytes:
    """Return a value as JSON text. Raises UsageTypeError and UsageValueError for what JSON does not have."""
    try:
        if isinstance(value, RawJson):
            return value.text.encode() if isinstance(value.text, str) else value.text
        return _encode(value).encode()
    except TypeError as error:
        raise UsageTypeError(f"not a JSON value, convert it or give its text as RawJson(text): {error}") from None
    except ValueError as error:  # NaN, a circle, or half of a surrogate pair
        raise UsageValueError(f"not a JSON value: {error}") from None


def as_json(reply: Any) -> Any:
    """Return JSON text as a value, or None."""
    return None if reply is None else json.loads(reply)


def as_json_list(reply: Any) -> list[Any]:
    """Return a list of JSON texts as a list of values; None stays None."""
    return [None if text is None else json.loads(text) for text in reply]


def as_numbers(reply: Any) -> list[Any]:
    """Return a list of numbers, which is JSON text in RESP2."""
    return reply if isinstance(reply, list) else json.loads(reply)
