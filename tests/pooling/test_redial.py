"""When a node is dialed again: backoff with full jitter, and tokens for reconnects (R-07, R-17)."""

from __future__ import annotations

import pytest

from respool._pooling.redial import BASE, BURST, CAP, RATE, REFILL_LEAST, REFILL_MOST, Redial
from respool.errors import AuthenticationFailed, ConnectFailed

REFUSED = ConnectFailed("refused")
NEARLY_ONE = 0.999_999


def test_a_node_nobody_failed_to_reach_may_be_dialed_at_once_and_for_free() -> None:
    redial = Redial(0.0)
    assert all(redial.may_dial(0.0, wanted=False) for _ in range(1000))
    assert redial.next_chance(0.0, wanted=False) == 0.0


def test_the_ceiling_of_the_pause_doubles_from_ten_milliseconds_to_five_seconds() -> None:
    redial = Redial(0.0)
    pauses = []
    for _ in range(12):
        redial.failed(REFUSED, 0.0, NEARLY_ONE)
        pauses.append(redial.not_before)
    assert pauses[:4] == pytest.approx([BASE, BASE * 2, BASE * 4, BASE * 8], rel=1e-3)
    assert pauses[9:] == pytest.approx([CAP] * 3, rel=1e-3)
    redial.failures = 10_000
    redial.failed(REFUSED, 0.0, NEARLY_ONE)
    assert redial.not_before < CAP


def test_the_jitter_is_full() -> None:
    redial = Redial(0.0)
    redial.failures = 20
    for chance in (0.0, 0.25, 0.5):
        redial.failed(REFUSED, 100.0, chance)
        assert redial.not_before == 100.0 + CAP * chance


def test_wrong_credentials_are_not_tried_again_soon() -> None:
    redial = Redial(0.0)
    redial.failed(AuthenticationFailed("WRONGPASS", "no"), 0.0, 0.0)
    assert redial.not_before == CAP / 2
    redial.failed(AuthenticationFailed("WRONGPASS", "no"), 0.0, 0.75)
    assert redial.not_before == CAP * 0.75


def test_the_pool_waits_for_the_end_of_the_pause() -> None:
    redial = Redial(0.0)
    redial.failures = 20
    redial.failed(REFUSED, 0.0, 0.5)
    assert not redial.may_dial(2.49, wanted=False)
    assert redial.next_chance(0.0, wanted=False) == 2.5
    assert redial.may_dial(2.5, wanted=False)


def test_where_one_dial_got_through_the_next_need_not_wait() -> None:
    redial = Redial(0.0)
    redial.failures = 20
    redial.failed(REFUSED, 0.0, 0.5)
    redial.succeeded(0.0, 0.0)
    assert redial.next_chance(0.0, wanted=False) == 0.0
    assert redial.may_dial(0.0, wanted=False)


def test_each_replacement_pays_for_one_lost_connection() -> None:
    redial = Redial(0.0)
    for _ in range(3):
        redial.lost(0.0)
    redial.succeeded(0.0, 0.0)
    assert redial.debt == 2
    for _ in range(3):
        redial.succeeded(0.0, 0.0)
    assert redial.debt == 0


def test_failures_are_forgotten_when_a_reply_was_served_not_when_a_dial_succeeded() -> None:
    redial = Redial(0.0)
    for _ in range(5):
        redial.failed(REFUSED, 0.0, 0.0)
    redial.succeeded(0.0, 0.0)
    assert redial.failures == 5
    assert redial.last_error is None
    redial.served()
    assert redial.failures == 0


def test_a_caller_need_not_wait_for_the_pause_but_pays_a_token() -> None:
    redial = Redial(0.0)
    redial.failures = 20
    redial.failed(REFUSED, 0.0, NEARLY_ONE)
    assert [redial.may_dial(0.0, wanted=True) for _ in range(int(BURST) + 2)] == [True] * int(BURST) + [False] * 2
    assert redial.next_chance(0.0, wanted=True) == pytest.approx(1 / RATE)
    assert redial.may_dial(1 / RATE, wanted=True)


def test_replacing_lost_connections_is_limited_to_ten_a_second() -> None:
    redial = Redial(0.0)
    for _ in range(100):
        redial.lost(0.0)
    made = 0
    for tick in range(200):  # two seconds in steps of ten milliseconds
        now = tick / 100
        while redial.may_dial(now, wanted=False):
            made += 1
    assert int(BURST) + 19 <= made <= int(BURST) + 20


def test_a_replacement_that_stands_pays_the_debt() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    assert redial.debt == 1
    redial.succeeded(0.0, 0.0)
    assert redial.debt == 0
    redial.succeeded(0.0, 0.0)
    assert redial.debt == 0


def test_after_a_loss_the_pool_dials_at_once_and_pauses_before_each_further_replacement() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    assert redial.may_dial(0.0, wanted=False)
    redial.succeeded(0.0, 0.5)
    assert not redial.may_dial(0.0, wanted=False)
    assert redial.next_chance(0.0, wanted=False) == REFILL_LEAST / 2
    assert redial.may_dial(REFILL_LEAST / 2, wanted=False)


def test_a_caller_in_need_does_not_wait_for_that_pause_and_pays_nothing() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    redial.succeeded(0.0, NEARLY_ONE)
    assert redial.next_chance(0.0, wanted=True) == 0.0
    assert all(redial.may_dial(0.0, wanted=True) for _ in range(1000))


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, REFILL_LEAST), (5, REFILL_LEAST), (6, 0.32), (7, REFILL_MOST), (100, REFILL_MOST)]
)
def test_the_pause_before_a_replacement_grows_with_the_outage_within_bounds(failures: int, pause: float) -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    for _ in range(failures):
        redial.failed(REFUSED, 0.0, 0.0)
    redial.succeeded(10.0, 0.5)
    assert redial.refill_at == pytest.approx(10.0 + pause / 2)


def test_when_nothing_is_missing_any_more_nothing_pauses() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    redial.succeeded(0.0, NEARLY_ONE)
    redial.recovered()
    assert redial.may_dial(0.0, wanted=False)
    redial.succeeded(0.0, NEARLY_ONE)
    assert redial.may_dial(0.0, wanted=False)


def test_tokens_are_saved_up_to_the_burst_and_no_further() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    assert sum(redial.may_dial(10_000.0, wanted=False) for _ in range(50)) == int(BURST)


def test_at_the_next_chance_the_answer_is_yes() -> None:
    """This holds even after days on the clock, when sums of times are no longer exact."""
    for start in (0.0, 12_345.678, 9_876_543.21):
        redial = Redial(start)
        redial.lost(start)
        redial.failures = 20
        redial.failed(REFUSED, start, 0.1)
        now = start
        for step in range(60):
            wanted = step % 3 != 0
            now = redial.next_chance(now, wanted=wanted)
            assert redial.may_dial(now, wanted=wanted)


def test_after_the_pause_without_a_token_the_next_chance_is_the_token() -> None:
    redial = Redial(0.0)
    redial.lost(0.0)
    while redial.may_dial(0.0, wanted=True):
        pass
    redial.failed(REFUSED, 0.0, 0.5)  # five milliseconds
    assert redial.next_chance(0.0, wanted=False) == pytest.approx(1 / RATE)


def test_the_node_is_down_from_the_first_loss_to_the_first_success() -> None:
    redial = Redial(0.0)
    assert redial.down_since is None
    redial.lost(5.0)
    redial.lost(6.0)
    redial.failed(REFUSED, 7.0, 0.0)
    assert redial.down_since == 5.0
    redial.succeeded(0.0, 0.0)
    assert redial.down_since is None


def test_what_follows_a_refused_connection_comes_with_a_pause() -> None:
    redial = Redial(0.0)
    redial.refused()
    assert redial.may_dial(0.0, wanted=False)
    redial.succeeded(0.0, 0.5)
    assert not redial.may_dial(REFILL_LEAST * 0.4, wanted=False)
    assert redial.may_dial(REFILL_LEAST * 0.5, wanted=False)


def test_what_follows_a_failed_dial_of_a_pool_that_was_never_up_comes_with_a_pause() -> None:
    redial = Redial(0.0)
    redial.failed(REFUSED, 0.0, 0.0)
    assert redial.may_dial(0.0, wanted=False)
    redial.succeeded(0.0, 0.5)
    assert not redial.may_dial(REFILL_LEAST * 0.4, wanted=False)
    assert redial.may_dial(REFILL_LEAST * 0.5, wanted=False)
