"""When a node may be dialed again after something went wrong (R-07, R-17).

Rule 1: after k failures in a row the pool itself waits a random time up to ``BASE * 2**(k-1)``, at most ``CAP``.
Rule 2: the failures are forgotten when a connection has served a reply, not when a dial succeeded.
Rule 3: a dial that follows a lost epoch, replaces a connection that a check refused, or is wanted by a caller while the
        pool would still wait, costs a token; ``RATE`` tokens come per second and ``BURST`` can be saved. All
        connections of an epoch are lost in one event and cost one token: the bucket is against a node that takes
        connections and drops them again, and there every new connection is an event of its own.
Rule 4: until it has all it lost, the pool dials on its own account one at a time, and pauses after each for a random
        time, so that many pools that lost the same server do not come back in one instant (P-15). A caller in need
        does not wait for that pause.
"""

from __future__ import annotations

from typing import Final

from respool._facts.errors import AuthenticationFailed

BASE: Final = 0.01
CAP: Final = 5.0
RATE: Final = 10.0
BURST: Final = 10.0
#: The longest pause between two replacements is that of the last failed dial, but no less and no more than this. The
#: least makes it RATE on average. The most is for outages of about a second: then most pools would be back within the
#: first tenths, and the refill has to make up for it; after longer ones the backoff itself has spread them.
REFILL_LEAST: Final = 0.2
REFILL_MOST: Final = 0.5
_WHOLE: Final = 1.0 - 1e-6  # a token; less the rounding of a clock that has run for years


class Redial:
    """The memory of failed dials and lost connections of one node."""

    __slots__ = (
        "_filled",
        "_tokens",
        "debt",
        "down_since",
        "failed_dials",
        "failures",
        "is_recovering",
        "last_error",
        "not_before",
        "refill_at",
    )

    def __init__(self, now: float) -> None:
        self._tokens = BURST
        self._filled = now
        #: Lost epochs, and connections found unfit, that no new connection has followed yet.
        self.debt = 0
        #: Dials that failed since a connection last served a reply.
        self.failures = 0
        #: Dials that ever failed.
        self.failed_dials = 0
        #: Until when the pool does not dial on its own account.
        self.not_before = now
        #: Since a loss or a failed dial, until the pool has all it keeps.
        self.is_recovering = False
        #: Until when the pool does not replace what it has lost.
        self.refill_at = float("-inf")
        #: The latest dial error, None once a dial succeeded.
        self.last_error: Exception | None = None
        #: Since when every dial has failed or the last connection is lost; None while the node is up or unknown.
        self.down_since: float | None = None

    def lost(self, now: float) -> None:
        """Note that an epoch ended because a connection ended by itself."""
        self.debt += 1
        self.is_recovering = True
        if self.down_since is None:
            self.down_since = now

    def refused(self) -> None:
        """Note that a connection that stood was found unfit, by a check or a hook."""
        self.debt += 1
        self.is_recovering = True

    def failed(self, error: Exception, now: float, chance: float) -> None:
        """Note a failed dial. ``chance`` is a random number in [0, 1)."""
        self.last_error = error
        self.is_recovering = True
        self.failures += 1
        self.failed_dials += 1
        ceiling = self._ceiling
        if isinstance(error, AuthenticationFailed):
            ceiling = CAP  # wrong credentials do not get better by asking again soon
            chance = max(chance, 0.5)
        self.not_before = now + ceiling * chance

    def succeeded(self, now: float, chance: float, *, is_of_now: bool = True) -> None:
        """Note a dial that ended in a connection: callers need not wait any more. ``chance`` is in [0, 1).

        One that was begun before the latest loss (not ``is_of_now``) does not pay for it: of two dials side by side
        to a node that drops what it takes, each would make the next one of the other free.
        """
        self.not_before = float("-inf")
        if self.is_recovering:
            self.refill_at = now + chance * min(max(self._ceiling, REFILL_LEAST), REFILL_MOST)
        self.last_error = None
        self.down_since = None
        if is_of_now:
            self.debt = max(0, self.debt - 1)

    def served(self) -> None:
        """Note that a connection has served a reply: the node is well."""
        self.failures = 0

    def recovered(self) -> None:
        """Note that the pool has all it keeps: what it dials from here on replaces nothing that was lost."""
        self.is_recovering = False
        self.refill_at = float("-inf")

    def may_dial(self, now: float, *, wanted: bool) -> bool:
        """Tell whether to dial now, and pay for it. ``wanted``: a caller waits for the result."""
        is_early = now < self.not_before
        if not wanted and (is_early or now < self.refill_at):
            return False
        if not is_early and self.debt == 0:
            return True
        self._fill(now)
        if self._tokens < _WHOLE:
            return False
        self._tokens -= 1.0
        return True

    def next_chance(self, now: float, *, wanted: bool) -> float:
        """Return when ``may_dial`` will say yes, if nothing happens until then."""
        self._fill(now)
        token = now if self._tokens >= _WHOLE else now + (1.0 - self._tokens) / RATE
        unhurried = max(now, self.not_before)
        if self.debt:
            unhurried = max(unhurried, token)
        return min(unhurried, token) if wanted else max(unhurried, self.refill_at)

    @property
    def _ceiling(self) -> float:
        """The longest pause after the last of the failed dials."""
        return min(CAP, BASE * 2.0 ** min(self.failures - 1, 30))

    def _fill(self, now: float) -> None:
        self._tokens = min(BURST, self._tokens + (now - self._filled) * RATE)
        self._filled = now
