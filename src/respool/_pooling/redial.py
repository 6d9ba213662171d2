"""When a node may be dialed again after something went wrong (R-07, R-17).

Rule 1: after k failures in a row the pool waits a random time before its next dial: up to ``BASE * 2**(k-1)``, at most
        ``CAP``. A caller that needs a connection can cut the wait short, for a token (Rule 3).
Rule 2: the failure count is reset when a connection has served a reply, not when a dial succeeds.
Rule 3: a dial costs a token if it follows a lost epoch, replaces a connection that failed a check, or serves a caller
        during the wait of Rule 1. The bucket gets ``RATE`` tokens per second and holds ``BURST``. It guards against a
        node that accepts connections and drops them. All connections of one epoch are lost together and cost one token.
Rule 4: until everything lost is replaced, the pool makes one unasked dial at a time, and pauses after each for a random
        time, so that many pools of one server do not come back at once (P-15). A waiting caller skips that pause.
"""

from __future__ import annotations

from typing import Final

from respool._facts.errors import AuthenticationFailed

BASE: Final = 0.01
CAP: Final = 5.0
RATE: Final = 10.0
BURST: Final = 10.0
#: Bounds of the longest pause between two replacements, which is otherwise that of the last failed dial. The lower
#: bound allows RATE dials per second on average. The upper bound matters after outages of about a second: most pools
#: come back within a few tenths of a second then, so the pauses must spread them; after longer ones the backoff does.
REFILL_LEAST: Final = 0.2
REFILL_MOST: Final = 0.5
_WHOLE: Final = 1.0 - 1e-6  # one token, less the rounding error of a clock that has run for years


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
        #: Lost epochs and unfit connections that are not yet made up for by a new connection.
        self.debt = 0
        #: Dials that failed since a connection last served a reply.
        self.failures = 0
        #: All dials that have failed.
        self.failed_dials = 0
        #: Until when the pool makes no dial unless a caller needs it.
        self.not_before = now
        #: True from a loss or a failed dial until the pool has its shared connections and ``min_size`` back.
        self.is_recovering = False
        #: Until when the pool does not replace lost connections, unless a caller needs one.
        self.refill_at = float("-inf")
        #: The latest dial error, None once a dial succeeded.
        self.last_error: Exception | None = None
        #: Time of the first loss that left no shared connection up, since the last successful dial; None if none did.
        self.down_since: float | None = None

    def lost(self, now: float, *, is_down: bool = True) -> None:
        """Note that an epoch ended because a connection ended by itself; ``is_down``: none is in service any more."""
        self.debt += 1
        self.is_recovering = True
        if is_down and self.down_since is None:
            self.down_since = now

    def refused(self) -> None:
        """Note that a working connection was found unfit, by a check or a hook."""
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
        """Note a successful dial: the backoff ends. ``chance`` is a random number in [0, 1).

        A dial that began before the latest loss (not ``is_of_now``) does not reduce the debt. Otherwise two dials side
        by side, to a node that accepts and drops connections, would each make the other's next dial free.
        """
        self.not_before = float("-inf")
        if self.is_recovering:
            self.refill_at = now + chance * min(max(self._ceiling, REFILL_LEAST), REFILL_MOST)
        self.last_error = None
        self.down_since = None
        if is_of_now:
            self.debt = max(0, self.debt - 1)

    def served(self) -> None:
        """Note that a connection has served a reply: the node is healthy."""
        self.failures = 0

    def recovered(self) -> None:
        """Note that everything lost has been replaced: later dials are no part of a recovery."""
        self.is_recovering = False
        self.refill_at = float("-inf")

    def may_dial(self, now: float, *, wanted: bool) -> bool:
        """Tell whether to dial now, and take a token if that costs one. ``wanted``: a caller waits for the result."""
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
        """The longest pause, in seconds, after the latest failed dial."""
        return min(CAP, BASE * 2.0 ** min(self.failures - 1, 30))

    def _fill(self, now: float) -> None:
        self._tokens = min(BURST, self._tokens + (now - self._filled) * RATE)
        self._filled = now
