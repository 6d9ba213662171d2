"""Many clients of one cluster ask for its map seldom, and not all at once (P-17). ``fleet`` prints more of it."""

from __future__ import annotations

from respool._routing.refresh import CAP, PAUSE, PERIOD, PROBES

from . import fleet

CLIENTS, NODES = 20, 40


def test_in_quiet_a_client_asks_once_a_period() -> None:
    counts = fleet.watch_quiet(CLIENTS, NODES)
    assert 0.5 <= counts.each / (fleet.WATCHED / PERIOD) <= 1.5
    assert counts.peak <= CLIENTS / 4, "their timers do not run together"
    assert counts.probes == 0


def test_a_failover_is_learned_at_once_and_for_a_few_questions() -> None:
    seconds = 3.0
    counts = fleet.watch_failover(CLIENTS, NODES, seconds)
    assert len(counts.learned) == CLIENTS
    assert max(counts.learned) <= 1.0 / PROBES + fleet.GOSSIP + 0.1
    # At once, in the pauses while nobody has taken over, once after the MOVED, and the timer.
    assert counts.each <= 1 + seconds / PAUSE + 1 + fleet.WATCHED / PERIOD * 1.25
    assert counts.peak_of_probes <= CLIENTS * (PROBES + 1)


def test_a_primary_that_flaps_makes_no_storm() -> None:
    counts = fleet.watch_flapping(3, NODES, 1.0)
    assert counts.each <= fleet.WATCHED / PAUSE
    assert counts.each >= fleet.WATCHED / CAP / 2, "each time is heard anew"


def test_the_larger_the_cluster_the_less_often_its_map_is_asked_for() -> None:
    small, large = fleet.watch_flapping(2, 100, 4.0), fleet.watch_flapping(2, 600, 4.0)
    assert large.each < small.each / 2


def test_the_table_has_a_line_for_each_case() -> None:
    text = fleet.table([fleet.Counts("a case", 10, asked=1200, peak=7, learned=[0.5, 0.25])])
    assert text.splitlines()[1].split() == ["a", "case", "10.0", "7", "0", "120.00", "0", "0.50", "s"]
