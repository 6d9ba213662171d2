"""Parsers of the replies about vector sets; the rules are those of ``_parsers``.

Where RESP3 has a map from elements to what was asked for, RESP2 has a flat list, and its numbers are text.
"""

from __future__ import annotations

from typing import Any

from respool._facts.server_records import RawVector, VectorMatch
from respool.commands._json import as_json
from respool.commands._parsers import as_text


def as_vector(reply: Any) -> list[float] | None:
    """Return a vector as floats, or None."""
    return None if reply is None else [float(number) for number in reply]


def as_raw_vector(reply: Any) -> RawVector | None:
    """Return a vector as the server stores it, or None."""
    if reply is None:
        return None
    quantization, blob, *numbers = reply
    norm, *scale = map(float, numbers)
    return RawVector(as_text(quantization) or "", blob, norm, scale[0] if scale else None)


def as_scores(reply: Any) -> list[tuple[Any, float]]:
    """Return elements with their scores."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return [(element, float(score)) for element, score in pairs]


def as_layers_of_scores(reply: Any) -> list[list[tuple[Any, float]]]:
    """Return layers of elements with their scores; None becomes an empty list."""
    return [as_scores(layer) for layer in reply or ()]


def as_matches(reply: Any) -> list[VectorMatch[Any]]:
    """Return elements with their attributes."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return [VectorMatch(element, None, as_json(attributes)) for element, attributes in pairs]


def as_matches_with_scores(reply: Any) -> list[VectorMatch[Any]]:
    """Return elements with their scores and attributes."""
    if isinstance(reply, dict):
        triples = [(element, *values) for element, values in reply.items()]
    else:
        triples = list(zip(reply[::3], reply[1::3], reply[2::3], strict=True))
    return [VectorMatch(element, float(score), as_json(attributes)) for element, score, attributes in triples]
