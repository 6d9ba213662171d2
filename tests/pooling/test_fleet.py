"""Many pools on one server neither reconnect all at once nor let all their connections expire at once (P-15).

The ledgers are the real ones; time is a number, a dial takes a millisecond, and the random numbers are seeded.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from typing import Any

import pytest

from respool._pooling.ledger import Ledger
from respool._pooling.redial import BURST, RATE
from respool._pooling.slot import Slot
from respool.errors import ConnectFailed

POOLS = 100
CONNECTIONS = 10
DIAL_TIME = 0.001
REFUSED = ConnectFailed("refused", address="node:1")


def reconnects(outage: float, chance: random.Random) -> list[float]:
    """Return after how many seconds of the server's return each connection was replaced. All are lost at time 0."""
    ledgers = [Ledger(now=0.0, min_size=CONNECTIONS, max_size=16, shared_target=2) for _ in range(POOLS)]
    order = itertools.count()
    events: list[tuple[float, int, Ledger, Slot | None]] = []
    moments: list[float] = []

    def settle(ledger: Ledger, now: float) -> None:
        for slot in ledger.reserve(now):
            heapq.heappush(events, (now + DIAL_TIME, next(order), ledger, slot))
        dial_at = ledger.next_dial_at(now)
        if dial_at is not None:
            heapq.heappush(events, (max(dial_at, now + 1e-6), next(order), ledger, None))

    for ledger in ledgers:
        while slots := ledger.reserve(0.0):
            for slot in slots:
                ledger.dialed(slot, float("inf"), 0.0)
    for ledger in ledgers:
        for slot in [*ledger.shared_slots, *ledger.idle_slots]:
            ledger.lost(slot, 0.0)
        settle(ledger, 0.0)
    while events:
        now, _, ledger, slot = heapq.heappop(events)
        if slot is not None and now < outage:
            ledger.dial_failed(slot, REFUSED, now, chance.random())
        elif slot is not None:
            moments.append(now - outage)
            ledger.dialed(slot, float("inf"), now, chance.random())
        settle(ledger, now)
    assert all(ledger.size == CONNECTIONS and not ledger.dials for ledger in ledgers)
    return moments


def peak_to_mean(moments: list[float]) -> float:
    """Return the ratio of dials in the busiest tenth of a second to those in an average one."""
    tenths = Counter(int(moment * 10) for moment in moments)
    return max(tenths.values()) / (len(moments) / max(max(moments) * 10, 1.0))


@pytest.mark.parametrize("outage", [0.0, 0.05, 0.2, 0.5, 1.0, 1.4, 5.0, 60.0])
def test_pools_that_lost_their_server_come_back_spread_over_time(outage: float, figure: Any) -> None:
    """Take the average over five restarts; a single one deviates by a sixth at most."""
    runs = [reconnects(outage, random.Random(seed)) for seed in range(5)]
    assert all(len(run) == POOLS * CONNECTIONS for run in runs), "nobody dials more than was lost"
    ratios = [peak_to_mean(run) for run in runs]
    assert sum(ratios) / len(ratios) <= 3.0, ratios
    assert max(ratios) <= 3.5, ratios
    figure("P-15", "reconnects in the busiest tenth of a second against the mean, in a restart", max(ratios), most=True)
    firsts = [min(run) for run in runs]
    assert max(firsts) <= 0.1, "somebody is back at once"
    assert max(max(run) for run in runs) < 5.0 + CONNECTIONS * 0.5, "the longest pause, and the refill"


def test_callers_in_need_do_not_pay_for_each_connection_of_a_lost_epoch() -> None:
    """Forty connections are lost in one event, and forty callers get new ones as fast as they can be dialed (R-07)."""
    ledger = Ledger(now=0.0, max_size=50)
    lost = [Needy() for _ in range(40)]
    assert dial_for(ledger, lost, 0.0) == 40
    for caller in lost:
        assert caller.slot is not None
        ledger.lost(caller.slot, 1.0)
        ledger.release(caller.slot, 1.0, reusable=False)
    assert ledger.redial.debt == 1
    assert dial_for(ledger, [Needy() for _ in range(40)], 1.0) == 40


def test_a_node_that_drops_every_new_connection_is_dialed_ten_times_a_second() -> None:
    """Each lost connection is an event of its own there; a dial in progress beside it may be additional."""
    ledger = Ledger(now=0.0, max_size=50)
    dials = 0
    for tick in range(10_000):
        now = tick / 1000
        while len(ledger.waiters) < 10:
            ledger.enqueue(Needy(), now, patient=True)
        for slot in ledger.reserve(now):
            dials += 1
            ledger.dialed(slot, float("inf"), now)
            ledger.lost(slot, now)
            ledger.release(slot, now, reusable=False)
    assert RATE * 10 <= dials <= BURST + RATE * 10 + 2


class Needy:
    """A waiting caller."""

    since = 0.0

    def __init__(self) -> None:
        self.slot: Slot | None = None

    def offer(self, slot: Slot) -> bool:
        self.slot = slot
        return True

    def fail(self, error: BaseException) -> bool:
        raise AssertionError("no dial fails here") from error


def dial_for(ledger: Ledger, callers: list[Needy], now: float) -> int:
    """Queue callers and make the dials that the ledger allows at that moment; return their number."""
    made = 0
    for caller in callers:
        ledger.enqueue(caller, now, patient=True)
        for slot in ledger.reserve(now):
            ledger.dialed(slot, float("inf"), now, 0.999)
            made += 1
    return made
