"""The error for a caller that got no connection in time: it shows the state of the pool and the last dial's error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from respool._facts.errors import PoolTimeout

if TYPE_CHECKING:
    from respool._pooling.ledger import Ledger

_FRAME: Final = re.compile(r'^  File "(.*)", line (\d+), in (.*)$', re.MULTILINE)
_OURS: Final = str(Path(__file__).parents[1])
_SHOWN: Final = 5


def holders(traces: Iterable[str]) -> str:
    """Describe where the current leases were borrowed, given their stack traces; places with most leases first."""
    places = Counter(map(_place, traces))
    shown = [f"{count} at {place}" for place, count in places.most_common(_SHOWN)]
    more = len(places) - len(shown)
    return "; borrowed: " + ", ".join(shown) + (f" and at {more} more places" if more else "") if shown else ""


def _place(trace: str) -> str:
    """Return the innermost frame of a stack trace that is not in this package."""
    frames = _FRAME.findall(trace)
    file, line, function = next((frame for frame in reversed(frames) if not frame[0].startswith(_OURS)), frames[-1])
    return f"{file}:{line} in {function}"


def out_of_time(ledger: Ledger, words: str, now: float, since: float, held: str = "") -> PoolTimeout:
    """Make the error for a caller that waited from ``since`` until ``now``; ``words`` says for what.

    ``held`` says where the leases were borrowed. Call it with the ledger's lock held, so that the numbers agree.
    """
    counts = ledger.counts()
    idle, leased = counts["idle"], counts["leased"]
    oldest, last = next(iter(ledger.waiters), None), ledger.redial.last_error
    why = "" if last is None else f"; the last dial failed: {last}"
    error = PoolTimeout(
        f"{words}: shared {ledger.shared}, idle {idle}, leased {leased}, dialing {ledger.dialing}, "
        f"waiting {ledger.waiting}, max_size {ledger.max_size}{why}{held}",
        idle=idle,
        leased=leased,
        dialing=ledger.dialing,
        waiting=ledger.waiting,
        max_size=ledger.max_size,
        oldest_waiter=now - (since if oldest is None else oldest.since),
        last_dial_error=last,
    )
    error.__cause__ = last
    return error
