"""Readable numbers, and statistics of many latencies."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Percentiles use at most this many values, evenly spaced, because sorting millions would take seconds.
ENOUGH: Final = 200_000


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long calls took, in seconds. ``count`` is the number of calls."""

    count: int = 0
    p50: float = 0.0
    p99: float = 0.0
    least: float = 0.0
    most: float = 0.0

    @classmethod
    def of(cls, seconds: array[float]) -> Latencies:
        """Summarize measured latencies; all zero if there are none."""
        if not seconds:
            return cls()
        ordered = sorted(seconds[:: len(seconds) // ENOUGH + 1])
        return cls(len(seconds), share(ordered, 0.5), share(ordered, 0.99), min(seconds), max(seconds))


def share(ordered: list[float], part: float) -> float:
    """Return the quantile ``part`` (0 to 1) of sorted values."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def joined(parts: Iterable[array[float]]) -> array[float]:
    """Return the samples of several callers as one array."""
    together = array("d")
    for part in parts:
        together.extend(part)
    return together


def whole(number: float) -> str:
    """``1234567`` -> ``1,234,567``."""
    return f"{number:,.0f}"


def short(seconds: float) -> str:
    """``0.000123`` -> ``123 µs``: three digits and a unit."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.2f} s"
