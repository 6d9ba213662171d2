"""The demo's checks fail when they must."""

from __future__ import annotations

from respool import PoolStats
from respool._cli.demo import _count_checks, _reply_checks
from respool._cli.demo_load import Cancelling, Outcome, Tally


def good_outcome() -> Outcome:
    tally = Tally()
    tally.compare(b"mine", b"mine")
    tally.pushed = {0: 0.0, 1: 0.0}
    tally.took_item(b"1")
    tally.took_item(b"0")
    stats = PoolStats(size=1, shared=1, opened=1, replies=7, leases=3, releases=3)
    return Outcome(callers="1 task", seconds=1.0, tally=tally, stats=stats, rows=[{"id": "5", "tot-cmds": "7"}])


def good_cancelling() -> Cancelling:
    return Cancelling(
        calls=10,
        cancelled=4,
        survivors=6,
        taken_back=1,
        dropped=3,
        replies=9,
        before=frozenset("5"),
        after=frozenset("5"),
    )


def passes(tasks: Outcome, cancelling: Cancelling) -> bool:
    checks = [*_reply_checks(tasks, good_outcome(), cancelling), *_count_checks(tasks, good_outcome(), cancelling)]
    return all(passed for _, passed in checks)


def test_they_pass_when_all_is_well() -> None:
    assert passes(good_outcome(), good_cancelling())


def test_a_wrong_reply_fails() -> None:
    outcome = good_outcome()
    outcome.tally.compare(b"yours", b"mine")
    assert not passes(outcome, good_cancelling())


def test_nothing_compared_fails() -> None:
    outcome = good_outcome()
    outcome.tally.compared = 0
    assert not passes(outcome, good_cancelling())


def test_an_item_taken_twice_fails() -> None:
    outcome = good_outcome()
    outcome.tally.took_item(b"1")
    assert not passes(outcome, good_cancelling())


def test_an_item_that_got_lost_fails() -> None:
    outcome = good_outcome()
    outcome.tally.pushed[2] = 0.0
    assert not passes(outcome, good_cancelling())


def test_a_lease_that_was_not_given_back_fails() -> None:
    outcome = good_outcome()
    outcome.stats = PoolStats(size=1, shared=1, opened=1, replies=7, leases=3, releases=2)
    assert not passes(outcome, good_cancelling())


def test_a_connection_that_only_the_server_knows_fails() -> None:
    outcome = good_outcome()
    outcome.rows.append({"id": "6", "tot-cmds": "0"})
    assert not passes(outcome, good_cancelling())


def test_a_command_the_pool_did_not_count_fails() -> None:
    outcome = good_outcome()
    outcome.rows[0]["tot-cmds"] = "8"
    assert not passes(outcome, good_cancelling())


def test_a_server_that_does_not_count_commands_is_not_asked() -> None:
    outcome = good_outcome()
    del outcome.rows[0]["tot-cmds"]
    assert outcome.at_server is None
    assert passes(outcome, good_cancelling())


def test_a_reconnect_fails() -> None:
    cancelling = good_cancelling()
    cancelling.after = frozenset("6")
    assert cancelling.reconnects == 1
    assert not passes(good_outcome(), cancelling)


def test_a_survivor_with_the_reply_of_another_fails() -> None:
    cancelling = good_cancelling()
    cancelling.wrong = 1
    assert not passes(good_outcome(), cancelling)


def test_a_call_without_a_trace_fails() -> None:
    cancelling = good_cancelling()
    cancelling.calls = 11
    assert not passes(good_outcome(), cancelling)
