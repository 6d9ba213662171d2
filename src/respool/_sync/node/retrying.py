# Generated from respool/_async/node/retrying.py by tools/generate.py. Do not edit.
"""Repeat failed calls: in this one place, for every lane and every kind of pool.

Rule 1: ``retry`` decides what may be sent again (R-24); the policy of the pool decides how often and when.
Rule 2: every try but the first is charged to the budget of the node that was tried last, and none begins after its
        caller's deadline.
Rule 3: following a redirect is no retry: the command did not run, and the node that said so works. It costs nothing.
Rule 4: a command that came when its connection had ended already gets another one, once, whatever the policy: it has
        not been tried yet (R-11). With threads, the next use of an idle connection is what finds it closed.
Rule 5: what ends one connection often ends all of them. So before the second try the other shared ones are looked at,
        or the tries could be used up on one after the other (R-13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from respool._sync.node.node import Node
from respool._sync.shell.compat import pause
from respool._facts.errors import ConnectFailed, ConnectionLost, Error, ReadTimeout, TransportError, is_demoted
from respool._facts.events import Retried
from respool._facts.retry_policy import RetryPolicy
from respool._pooling.retry import RetryBudget, may_retry
from respool._protocol.run import as_raised
from respool._shell.sockets import Retired

_ONCE: Final = RetryPolicy(attempts=1)


class Retrying:
    """The policy and the budget for the second and later tries at one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._policy = node.options.retry
        self.budget = RetryBudget(self._policy or _ONCE, node.now())

    def pause_before(self, failure: Error, tries: int, deadline: float | None) -> float | None:
        """Return how many seconds to wait before the next try; None if there must be none."""
        node = self.node
        if tries == 1 and isinstance(failure, ConnectionLost):
            _notice_ends(node)
        is_late = tries == 1 and isinstance(failure, ConnectionLost) and failure.came_late
        policy = self._policy or (_ONCE if is_late else None)
        if policy is None:
            return None
        if isinstance(failure, ReadTimeout) and failure.__cause__ is None:
            return None  # the caller's deadline has passed; the end of a silent connection has a cause
        now = node.now()
        if isinstance(failure, ConnectFailed):
            if not node.is_within_grace(now):
                return None
        elif tries >= policy.attempts and not is_late:  # Rule 4
            return None
        is_free = tries == 1 and isinstance(failure, TransportError) and not isinstance(failure, ConnectFailed)
        seconds = 0.0 if is_free else policy.pause(tries, node.chance())
        if deadline is not None and now + seconds >= deadline:
            return None
        is_lost = tries == 1 and isinstance(failure, ConnectionLost)
        replies = node.replies
        with node.lock:
            return seconds if self.budget.take(replies, now, is_lost=is_lost) else None


def _notice_ends(node: Node) -> None:
    """Take the shared connections out of service that have ended and are idle (Rule 5)."""
    with node.lock:
        shared = [slot.connection for slot in node.ledger.shared_slots if slot.connection is not None]
    for connection in shared if len(shared) > 1 else ():
        connection._transport.notice_end()


class Call:
    """One call: how to try it, and what is known about it."""

    __slots__ = ("deadline", "is_safe", "name", "retrying", "runs_code", "try_it", "within")

    def __init__(
        self,
        try_it: Callable[..., Any],
        retrying: Retrying,
        name: str,
        deadline: float | None,
        *,
        is_safe: bool,
        runs_code: bool = False,
        within: float | None = None,
    ) -> None:
        """Describe a call.

        ``try_it(elsewhere=True)`` must avoid connections that are to be replaced: one of them answered READONLY.
        ``runs_code``: a server error may come from users' code (see ``may_retry``). ``within``: the caller's timeout,
        for messages.
        """
        self.try_it = try_it
        #: That of the node that was tried last.
        self.retrying = retrying
        self.name = name
        self.deadline = deadline
        self.is_safe = is_safe
        self.runs_code = runs_code
        self.within = within

    def pause_before(self, failure: Error, tries: int) -> float | None:
        """Return how many seconds to wait before the next try; None if there must be none."""
        if self.retrying.node.ledger.closed:
            return None
        return self.retrying.pause_before(failure, tries, self.deadline)

    def reroute(self, failure: Error) -> float | None:
        """Return after how many seconds to send the call where ``failure`` says; None unless it is a redirect."""
        return None


def persist(call: Call, failure: Error | None = None) -> Any:
    """Try a call until it returns no error or no further try is allowed; then raise the last error.

    ``failure`` is the error of a first try that was made elsewhere.
    """
    tries = 1
    elsewhere = was_silent = False
    reply: Any = None
    while True:
        if failure is None:
            try:
                reply = call.try_it(elsewhere=elsewhere)
            except ConnectFailed as error:
                reply = error
            if not isinstance(reply, Error):
                return reply
            failure = reply
        if isinstance(failure.__cause__, Retired):  # its connection was closed before the send: that was no try
            call.retrying.node.on_change()
            failure = None
            continue
        seconds = call.reroute(failure)
        if seconds is None:
            # A read too slow for ``read_timeout`` is too slow on every connection: retry it only once.
            is_hopeless = was_silent and isinstance(failure, ReadTimeout)
            was_silent = was_silent or isinstance(failure, ReadTimeout)
            is_allowed = not is_hopeless and may_retry(failure, safe=call.is_safe, runs_code=call.runs_code)
            seconds = call.pause_before(failure, tries) if is_allowed else None
            if seconds is None:
                try:
                    raise as_raised(failure, call.name, safe=call.is_safe, within=call.within)
                finally:
                    failure = reply = None
            call.retrying.node.emit(Retried, call.name, tries, failure)
            tries += 1
            elsewhere = elsewhere or is_demoted(failure, runs_code=call.runs_code)
        if seconds > 0:
            pause(seconds)
        failure = None
