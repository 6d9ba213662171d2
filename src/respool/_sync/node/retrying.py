# Generated from respool/_async/node/retrying.py by tools/generate.py. Do not edit.
"""Sends again what failed: once, here, for every lane.

Rule 1: what may be sent again is decided in ``retry`` (R-24); how often and when, by the policy of the pool.
Rule 2: every try but the first is paid from one budget, and none begins after its caller's deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool._sync.node.node import Node
from respool._sync.shell.compat import pause
from respool._facts.errors import ConnectFailed, ConnectionLost, Error, ReadTimeout, TransportError, is_demoted
from respool._facts.events import Retried
from respool._facts.retry_policy import RetryPolicy
from respool._pooling.retry import RetryBudget, may_retry
from respool._protocol.run import as_raised
from respool._shell.sockets import Retired


class Retrying:
    """The second and later tries of all commands of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._policy = node.options.retry
        self.budget = RetryBudget(self._policy or RetryPolicy(attempts=1), node.now())

    def persist(
        self,
        attempt: Callable[..., Any],
        name: str,
        deadline: float | None,
        *,
        is_safe: bool,
        runs_code: bool = False,
        failure: Error | None = None,
        within: float | None = None,
    ) -> Any:
        """Call ``attempt`` until it returns no error, or there shall be no more tries; then raise the last one's.

        ``attempt`` takes whether it must avoid every connection that is to be replaced: one of them answered READONLY.
        ``failure`` is what a first try, made elsewhere, has ended in; ``runs_code`` tells whose words a server error
        may be (see ``may_retry``). ``within`` is the caller's timeout, for messages.
        """
        tries = 1
        elsewhere = was_silent = False
        while True:
            if failure is None:
                try:
                    reply = attempt(elsewhere=elsewhere)
                except ConnectFailed as error:
                    reply = error
                if not isinstance(reply, Error):
                    return reply
                failure = reply
            if isinstance(failure.__cause__, Retired):  # chosen just before it was closed: that was no try at all
                self._node.on_change()
                failure = None
                continue
            # A read that is too slow for ``read_timeout`` is so everywhere: once more, and not again and again.
            is_hopeless = was_silent and isinstance(failure, ReadTimeout)
            was_silent = was_silent or isinstance(failure, ReadTimeout)
            is_allowed = not is_hopeless and may_retry(failure, safe=is_safe, runs_code=runs_code)
            seconds = self._pause_before(failure, tries, deadline) if is_allowed else None
            if seconds is None:
                try:
                    raise as_raised(failure, name, safe=is_safe, within=within)
                finally:
                    failure = reply = None
            self._node.emit(Retried, name, tries, failure)
            if seconds > 0:
                pause(seconds)
            tries += 1
            elsewhere = elsewhere or is_demoted(failure, runs_code=runs_code)
            failure = None

    def _pause_before(self, failure: Error, tries: int, deadline: float | None) -> float | None:
        """Return how long to wait before the next try; None when there shall be none."""
        policy, node = self._policy, self._node
        if policy is None or node.ledger.closed:
            return None
        if isinstance(failure, ReadTimeout) and failure.__cause__ is None:
            return None  # the caller's own time is over; the end of a silent connection has a cause
        now = node.now()
        if isinstance(failure, ConnectFailed):
            if not node.is_within_grace(now):
                return None
        elif tries >= policy.attempts:
            return None
        is_free = tries == 1 and isinstance(failure, TransportError) and not isinstance(failure, ConnectFailed)
        seconds = 0.0 if is_free else policy.pause(tries, node.chance())
        if deadline is not None and now + seconds >= deadline:
            return None
        is_lost = tries == 1 and isinstance(failure, ConnectionLost)
        replies = node.replies
        with node.lock:
            return seconds if self.budget.take(replies, now, is_lost=is_lost) else None
