# Generated from respool/_async/node/retrying.py by tools/generate.py. Do not edit.
"""Retry failed commands: in this one place, for every lane.

Rule 1: ``retry`` decides what may be sent again (R-24); the policy of the pool decides how often and when.
Rule 2: every try but the first is charged to one shared budget, and none begins after its caller's deadline.
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
        """Call ``attempt`` until it returns no error or no further try is allowed; then raise the last error.

        ``attempt(elsewhere=True)`` must avoid connections that are to be replaced: one of them answered READONLY.
        ``failure`` is the error of a first try that was made elsewhere; ``runs_code`` means that a server error may
        come from users' code (see ``may_retry``). ``within`` is the caller's timeout, for messages.
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
            if isinstance(failure.__cause__, Retired):  # its connection was closed before the send: that was no try
                self._node.on_change()
                failure = None
                continue
            # A read too slow for ``read_timeout`` is too slow on every connection: retry it only once.
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
        """Return how many seconds to wait before the next try; None if there must be none."""
        policy, node = self._policy, self._node
        if policy is None or node.ledger.closed:
            return None
        if isinstance(failure, ReadTimeout) and failure.__cause__ is None:
            return None  # the caller's deadline has passed; the end of a silent connection has a cause
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
