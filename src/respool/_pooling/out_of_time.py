"""What a caller is told that got no connection in time: the state of the pool then, and why no dial helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._facts.errors import PoolTimeout

if TYPE_CHECKING:
    from respool._pooling.ledger import Ledger


def out_of_time(ledger: Ledger, words: str, now: float, since: float) -> PoolTimeout:
    """Make the error of a caller that waited from ``since`` until ``now``; ``words`` say for what.

    Called with the ledger's lock held, so that the numbers belong together.
    """
    oldest, last = next(iter(ledger.waiters), None), ledger.redial.last_error
    why = "" if last is None else f"; the last dial failed: {last}"
    error = PoolTimeout(
        f"{words}: shared {ledger.shared}, idle {ledger.idle}, leased {ledger.leased}, dialing {ledger.dialing}, "
        f"waiting {ledger.waiting}, max_size {ledger.max_size}{why}",
        idle=ledger.idle,
        leased=ledger.leased,
        dialing=ledger.dialing,
        waiting=ledger.waiting,
        max_size=ledger.max_size,
        oldest_waiter=now - (since if oldest is None else oldest.since),
        last_dial_error=last,
    )
    error.__cause__ = last
    return error
