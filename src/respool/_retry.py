"""When a failed command may be sent again, and how often the whole pool may do so.

Rule 1: a command that was not sent may always be sent again; one that may have run only when it is safe (R-24).
Rule 2: every retry spends from one budget, so that retries can never be most of the traffic (P-20). What was in
        flight when the node went is one event: its first retries are made even if that overdraws the budget (R-13),
        and nothing else is retried until traffic and time have paid it back.
Rule 3: a retry never outlives its caller's deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from respool._errors import (
    ClusterDown,
    ConnectFailed,
    Error,
    Loading,
    MasterDown,
    ReadOnly,
    ServerError,
    TransactionAborted,
    TransportError,
    TryAgain,
    UsageTypeError,
    UsageValueError,
)

#: Answers by which a server says "not now": the command did not run.
NOT_NOW: Final = (Loading, TryAgain, ClusterDown, MasterDown, ReadOnly)

#: What is lost within so many seconds of the first loss is one event: a node has many connections.
EVENT: Final = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What a pool sends again after a failure, and how long it pauses before.

    ``attempts`` counts the first one, so 1 retries nothing. The pause before retry n is random between zero and
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


def may_retry(error: Error, *, safe: bool) -> bool:
    """Tell whether a command that ended in ``error`` may be sent again (the table of R-24)."""
    if isinstance(error, ServerError):
        return isinstance(error.__cause__ if isinstance(error, TransactionAborted) else error, NOT_NOW)
    if isinstance(error, TransportError):
        return error.executed == "no" or safe
    return False


def is_not_now(errors: list[Error]) -> bool:
    """Tell whether there is an error and all of them say "not now"."""
    return bool(errors) and all(isinstance(error, NOT_NOW) for error in errors)


def is_node_gone(error: Error) -> bool:
    """Tell whether an error says that the node behind the pool is not what it was (R-13)."""
    return isinstance(error, ReadOnly | ConnectFailed)


class RetryBudget:
    """The purse that all retries of a pool pay from."""

    __slots__ = ("_counted", "_lenient_until", "_policy", "_purse", "_refilled", "refused", "spent")

    def __init__(self, policy: RetryPolicy, now: float) -> None:
        self._policy = policy
        self._purse = max(policy.budget_floor, 1.0)
        self._refilled = now
        self._counted = 0
        self._lenient_until = now  # until when what was lost with a connection may overdraw
        #: Retries made, and retries that the budget refused.
        self.spent = 0
        self.refused = 0

    def spend(self, commands: int, now: float, *, is_lost: bool = False) -> bool:
        """Take one retry from the purse, or say no. ``commands`` counts every command ever sent, retries too.

        ``is_lost``: it is the first one of a command that was lost with its connection. Retries earn nothing: a fifth
        of what they add would be added again, and again.
        """
        policy = self._policy
        commands = max(commands - self.spent, self._counted)
        grown = (commands - self._counted) * policy.budget + (now - self._refilled) * policy.budget_floor
        self._purse = min(self._purse + grown, max(policy.budget_floor, 1.0) + commands * policy.budget, 10_000.0)
        self._counted = commands
        self._refilled = now
        is_within = is_lost and now < self._lenient_until
        if self._purse < 1.0 and not is_within:
            self.refused += 1
            return False
        if is_lost and not is_within:
            self._lenient_until = now + EVENT
        self._purse -= 1.0
        self.spent += 1
        return True
