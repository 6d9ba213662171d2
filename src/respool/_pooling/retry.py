"""When a failed command may be sent again, and how often the whole pool may do so.

Rule 1: a command that was not sent may always be sent again; one that may have run only when it is safe (R-24).
Rule 2: every retry takes a token from one budget, so that retries can never be most of the traffic (P-20). Losing the
        node is one event: every command in flight then gets its first retry even if that overdraws the budget (R-13),
        and nothing else is retried until traffic and time have refilled it.
Rule 3: a retry never outlives its caller's deadline.
Rule 4: an error code proves something only when it comes from the server itself. A command that runs users' code may
        answer with any error, whatever it has done before.
"""

from __future__ import annotations

from typing import Final

from respool._facts.errors import NOT_NOW, Error, ServerError, TransactionAborted, TransportError
from respool._facts.retry_policy import RetryPolicy

#: All losses within this many seconds of the first are one event: a node has many connections.
EVENT: Final = 1.0


def may_retry(error: Error, *, safe: bool, runs_code: bool = False) -> bool:
    """Tell whether a command that ended in ``error`` may be sent again (the table of R-24).

    ``runs_code``: the command runs users' code, so ``error`` may come from that code.
    """
    if isinstance(error, ServerError):
        is_proof = safe or not runs_code
        return is_proof and isinstance(error.__cause__ if isinstance(error, TransactionAborted) else error, NOT_NOW)
    if isinstance(error, TransportError):
        return error.executed == "no" or safe
    return False


class RetryBudget:
    """The token bucket from which all retries of a pool are taken."""

    __slots__ = ("_counted", "_lenient_until", "_policy", "_refilled", "_tokens", "refused", "taken")

    def __init__(self, policy: RetryPolicy, now: float) -> None:
        self._policy = policy
        self._tokens = max(policy.budget_floor, 1.0)
        self._refilled = now
        self._counted = 0
        self._lenient_until = now  # until when commands lost with a connection may overdraw the budget
        #: Retries made, and retries that the budget refused.
        self.taken = 0
        self.refused = 0

    def take(self, commands: int, now: float, *, is_lost: bool = False) -> bool:
        """Take a token for one retry; False when there is none. ``commands`` counts all commands sent, retries too.

        ``is_lost``: it is the first retry of a command lost with its connection. Retries earn no tokens, or each would
        pay for a part of the next.
        """
        policy = self._policy
        commands = max(commands - self.taken, self._counted)
        grown = (commands - self._counted) * policy.budget + (now - self._refilled) * policy.budget_floor
        self._tokens = min(self._tokens + grown, max(policy.budget_floor, 1.0) + commands * policy.budget, 10_000.0)
        self._counted = commands
        self._refilled = now
        is_within = is_lost and now < self._lenient_until
        if self._tokens < 1.0 and not is_within:
            self.refused += 1
            return False
        if is_lost and not is_within:
            self._lenient_until = now + EVENT
        self._tokens -= 1.0
        self.taken += 1
        return True
