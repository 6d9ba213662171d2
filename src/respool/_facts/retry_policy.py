"""Which commands a pool may retry, how often, and how long it pauses before."""

from __future__ import annotations

from dataclasses import dataclass

from respool._facts.errors import UsageTypeError, UsageValueError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a pool retries commands that failed.

    ``attempts`` includes the first one, so 1 retries nothing. The pause before retry n is random between zero and
    ``base * 2**(n-1)`` seconds, at most ``cap``; the first retry after a connection was lost is made at once.
    ``budget`` is the share of all commands that may be retries, with a floor of ``budget_floor`` per second.
    Reads, and commands marked idempotent, are retried even when they may have run; other writes never are.
    """

    attempts: int = 4
    base: float = 0.01
    cap: float = 0.5
    budget: float = 0.2
    budget_floor: float = 10.0

    def __post_init__(self) -> None:
        attempts: object = self.attempts
        if not isinstance(attempts, int) or isinstance(attempts, bool):
            raise UsageTypeError(f"attempts must be a whole number, not {self.attempts!r}")
        if self.attempts < 1:
            raise UsageValueError(f"attempts must be 1 or more, not {self.attempts}")
        for name in ("base", "cap", "budget", "budget_floor"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise UsageTypeError(f"{name} must be a number, not {value!r}")
            if not 0 <= value < float("inf"):
                raise UsageValueError(f"{name} must be zero or more, not {value!r}")

    def pause(self, retry: int, chance: float) -> float:
        """Return the seconds to wait before retry number ``retry`` (1 is the first); ``chance`` is in [0, 1)."""
        ceiling: float = min(self.cap, self.base * 2.0 ** min(retry - 1, 60))
        return ceiling * chance
