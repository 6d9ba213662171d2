"""What the demo of a cluster counts and draws, and that its checks fail when they must."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from respool import PoolStats
from respool._cli import timeline_svg
from respool._cli.demo_cluster import LOST, Outage, _checks
from respool._cli.timeline import COLUMNS, FASTEST, SLOWEST, Record, Timeline, height, picture

SVG = "{http://www.w3.org/2000/svg}"


def record(shard: int, *calls: tuple[float, float], failed: tuple[tuple[float, str], ...] = ()) -> Record:
    """The record of a caller whose calls ended at some time and took so long."""
    made = Record(shard, failed=list(failed))
    for ended, took in calls:
        made.answered(ended - took, ended)
        made.compare(b"key", b"key")
    return made


def outage(*records: Record) -> Timeline:
    """Ten seconds from 100 on; a primary of shard 1 is killed at 102."""
    return Timeline(callers="3 <tasks>", began=100.0, killed=102.0, ended=110.0, lost=1, records=records)


ERRORS = ((103.0, "ConnectFailed"), (103.2, "ConnectFailed"), (104.0, "OutcomeUnknown"))
SEEN = outage(
    record(0, (101.0, 0.001), (105.0, 0.002), (109.9, 0.001)),
    record(1, (101.0, 0.001), (102.5, 1.5), failed=ERRORS),
    record(1, (106.0, 2.0), (107.0, 0.25)),
)


def test_calls_and_errors_are_counted_for_each_shard() -> None:
    assert SEEN.shards == [0, 1]
    assert [SEEN.answered(shard) for shard in SEEN.shards] == [3, 4]
    assert SEEN.errors(1) == {"ConnectFailed": 2, "OutcomeUnknown": 1}
    assert not SEEN.errors(0)
    assert SEEN.slowest(1) == 2.0
    assert outage(record(0)).slowest(0) == 0.0


def test_an_outage_ends_with_the_first_answer_to_a_call_that_began_in_it() -> None:
    assert SEEN.outage(1) == pytest.approx(4.0), "the call that ended at 102.5 had been sent before"
    assert SEEN.outage(0) == pytest.approx(3.0)
    assert outage(record(1, (101.0, 0.5))).outage(1) is None


def test_a_moment_has_what_ended_in_it() -> None:
    moments = SEEN.moments(1, 10)
    assert [moment.answered for moment in moments] == [0, 1, 1, 0, 0, 0, 1, 1, 0, 0]
    assert [moment.failed for moment in moments] == [0, 0, 0, 2, 1, 0, 0, 0, 0, 0]
    assert moments[6].slowest == pytest.approx(2.0)
    assert outage(record(0, (110.0, 1.0))).moments(0, 10)[-1].answered == 1


def test_latencies_have_a_logarithmic_height() -> None:
    assert height(0.0) == height(FASTEST) == 0.0
    assert height((FASTEST * SLOWEST) ** 0.5) == pytest.approx(0.5)
    assert height(SLOWEST) == height(SLOWEST * 10) == 1.0


def test_the_picture_has_two_lines_for_each_shard_under_the_moment_of_the_kill() -> None:
    kill, first, _, second, slow, scale = ["".join(span.text for span in line) for line in picture(SEEN)]
    begin = first.index("calls") + len("calls ")
    assert kill.index("v shard 2 loses its primary") == begin + COLUMNS // 5
    assert len(first) == len(second) == len(scale) == begin + COLUMNS
    assert first[begin:].count("█") == 3
    assert second[begin:].count("█") == 4
    assert second[begin:].count("x") == 3
    assert slow[begin:].strip()[0] < slow[begin:].strip()[-1], "0.001 s and 0.25 s"
    assert scale.split() == ["0", "s", "10.0", "s"]


def test_the_drawing_is_valid_and_says_what_happened() -> None:
    root = ElementTree.fromstring(timeline_svg.draw([SEEN, outage(record(1, (101.0, 0.001)))]))
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert "3 <tasks>, 1 calls a second" in words
    assert words.count("shard 2 loses its primary") == 2
    assert {"3 errors", "0 errors", "slowest 2.00 s", "back after 4.00 s", "not served again"} <= set(words)
    kinds = [element.get("class") for element in root.iter(f"{SVG}rect")]
    assert kinds.count("errors") == 3
    assert kinds.count("calls") == 8
    lines = list(root.iter(f"{SVG}polyline"))
    assert len(lines) == 8, "no line where nobody got an answer"
    height_of_all = float(root.get("height", "0"))
    assert all(0 <= float(element.get("y", "0")) <= height_of_all for element in root.iter(f"{SVG}rect"))


# Checks ------------------------------------------------------------------------------------------------


def passed(*records: Record, stats: PoolStats | None = None) -> list[bool]:
    load = object.__new__(Outage)
    load.callers, load.records = "tasks", list(records)
    load.stats = PoolStats() if stats is None else stats
    timeline = outage(*records)
    assert timeline.lost == LOST
    return [is_passed for _, is_passed in _checks(load, timeline)]


GOOD = (record(0, (101.0, 0.1)), record(1, (101.0, 0.1), (105.0, 0.1)), record(2, (101.0, 0.1)))


def test_the_checks_pass_when_all_is_well() -> None:
    assert passed(*GOOD) == [True] * 4


def test_errors_of_the_shard_itself_are_no_failure() -> None:
    assert all(passed(*GOOD, record(1, failed=ERRORS)))


def test_a_shard_that_is_not_served_again_fails() -> None:
    assert passed(GOOD[0], record(1, (101.0, 0.1)), GOOD[2]) == [False, True, True, True]


def test_an_error_of_another_shard_fails() -> None:
    assert passed(*GOOD, record(2, failed=ERRORS)) == [True, False, True, True]


def test_a_reply_of_another_key_fails_and_a_lost_write_does_not() -> None:
    bad = record(1, (101.0, 0.1), (105.0, 0.1))
    bad.compare(None, b"key")
    assert all(passed(GOOD[0], bad, GOOD[2]))
    bad.compare(b"another", b"key")
    assert passed(GOOD[0], bad, GOOD[2]) == [True, True, False, True]


def test_a_lease_that_was_not_given_back_fails() -> None:
    assert passed(*GOOD, stats=PoolStats(leased=1)) == [True, True, True, False]
