"""Which commands are retried (R-24), and how often at most (P-20)."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from respool._facts.errors import is_demoted
from respool._facts.retry_policy import RetryPolicy
from respool._pooling.retry import EVENT, RetryBudget, may_retry
from respool.errors import (
    AuthenticationFailed,
    ClusterDown,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DecodeError,
    Error,
    Loading,
    MasterDown,
    NotPrimary,
    OutcomeUnknown,
    OutOfMemory,
    PoolClosed,
    PoolExhausted,
    PoolTimeout,
    ProtocolError,
    ReadOnly,
    ReadTimeout,
    ServerError,
    TooManyWaiters,
    TransactionAborted,
    TryAgain,
    UsageValueError,
    WrongType,
)

#: The error; whether a command that is safe to run twice is then retried; whether a plain write is.
TABLE: list[tuple[Error, bool, bool]] = [
    (ConnectionLost("before a byte was written", executed="no"), True, True),
    (ConnectFailed("refused"), True, True),
    (ConnectTimeout("slow"), True, True),
    (ConnectionLost("written, no reply", executed="unknown"), True, False),
    (ReadTimeout("written, no reply", executed="unknown"), True, False),
    (OutcomeUnknown("written, no reply", executed="unknown"), True, False),
    (Loading("LOADING", ""), True, True),
    (TryAgain("TRYAGAIN", ""), True, True),
    (ClusterDown("CLUSTERDOWN", ""), True, True),
    (MasterDown("MASTERDOWN", ""), True, True),
    (ReadOnly("READONLY", ""), True, True),
    (NotPrimary("REDIRECT", "10.0.0.2:6380"), True, True),
    (DecodeError("not text"), False, False),
    (ProtocolError("not RESP"), False, False),
    (ServerError("ERR", "any other"), False, False),
    (WrongType("WRONGTYPE", ""), False, False),
    (OutOfMemory("OOM", ""), False, False),
    (AuthenticationFailed("WRONGPASS", ""), False, False),
    (PoolTimeout("none free"), False, False),
    (PoolExhausted("none free"), False, False),
    (TooManyWaiters("too many"), False, False),
    (PoolClosed("closed"), False, False),
    (UsageValueError("bad"), False, False),
]


@pytest.mark.parametrize(("error", "when_safe", "when_not"), TABLE, ids=lambda value: type(value).__name__)
def test_what_may_be_sent_again(error: Error, when_safe: bool, when_not: bool) -> None:
    assert may_retry(error, safe=True) is when_safe
    assert may_retry(error, safe=False) is when_not


class TestPolicy:
    def test_the_pause_grows_up_to_the_cap_and_is_random(self) -> None:
        policy = RetryPolicy(base=0.01, cap=0.05)
        assert [policy.pause(retry, 0.5) for retry in (1, 2, 3, 4, 9)] == pytest.approx(
            [0.005, 0.01, 0.02, 0.025, 0.025]
        )
        assert policy.pause(3, 0.0) == 0.0
        assert policy.pause(10_000, 0.5) == pytest.approx(0.025)

    @pytest.mark.parametrize("value", [0, -1])
    def test_there_is_at_least_one_attempt(self, value: int) -> None:
        with pytest.raises(UsageValueError, match="attempts must be 1 or more"):
            RetryPolicy(attempts=value)

    @pytest.mark.parametrize("value", [True, 2.0, "3", None])
    def test_attempts_is_a_whole_number(self, value: Any) -> None:
        with pytest.raises(TypeError, match="attempts must be a whole number"):
            RetryPolicy(attempts=value)

    @pytest.mark.parametrize("name", ["base", "cap", "budget", "budget_floor"])
    @pytest.mark.parametrize(
        ("value", "kind"),
        [(-1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), ("1", TypeError), (True, TypeError)],
    )
    def test_the_others_are_numbers(self, name: str, value: Any, kind: type[Exception]) -> None:
        with pytest.raises(kind, match=name):
            RetryPolicy(**{name: value})

    def test_a_policy_is_a_value(self) -> None:
        assert RetryPolicy() == RetryPolicy()
        with pytest.raises(dataclasses.FrozenInstanceError):
            RetryPolicy().attempts = 2  # type: ignore[misc]


class TestBudget:
    def test_the_floor_allows_some_without_any_traffic(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.2, budget_floor=10.0), 0.0)
        assert sum(budget.take(0, 0.0) for _ in range(100)) == 10
        assert (budget.taken, budget.refused) == (10, 90)

    def test_the_floor_comes_back_with_time_and_saves_no_more_than_a_second(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.0, budget_floor=10.0), 0.0)
        while budget.take(0, 0.0):
            pass
        assert sum(budget.take(0, 0.5) for _ in range(100)) == 5
        assert sum(budget.take(0, 100.0) for _ in range(100)) == 10

    def test_traffic_pays_for_a_fifth_of_itself(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.2, budget_floor=0.0), 0.0)
        while budget.take(0, 0.0):
            pass
        assert sum(budget.take(1001, 0.0) for _ in range(1000)) == 200  # one of them was the retry above

    def test_retries_stay_a_fifth_of_the_traffic_in_any_outage(self) -> None:
        chance = random.Random(1)
        budget = RetryBudget(RetryPolicy(budget=0.2, budget_floor=10.0), 0.0)
        sent = retried = 0
        for second in range(60):
            for _ in range(500):
                sent += 1
                if chance.random() < 0.9:
                    retried += budget.take(sent, second + 0.5)
        assert retried <= 0.2 * sent + 10 * 61

    def test_what_one_loss_has_cost_may_overdraw_the_budget_and_is_paid_back(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.2, budget_floor=10.0), 0.0)
        assert all(budget.take(0, 0.0, is_lost=True) for _ in range(60))
        assert not budget.take(0, 0.0)
        assert all(budget.take(0, EVENT * 0.9, is_lost=True) for _ in range(40))  # another connection, the same event
        assert not budget.take(0, EVENT, is_lost=True)
        assert not budget.take(0, 9.0)
        assert not budget.take(0, 9.0, is_lost=True)
        assert all(budget.take(0, 9.2, is_lost=True) for _ in range(5))
        assert not budget.take(0, 9.2)

    def test_one_loss_after_the_other_keeps_to_the_share(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.2, budget_floor=10.0), 0.0)
        sent = retried = 0
        for event in range(1, 601):  # ten a second, with fifty commands in flight at each
            sent += 50
            answered = sent // 2
            retried += sum(budget.take(answered + retried, event / 10, is_lost=True) for _ in range(50))
        assert retried <= 0.2 * sent + 10 * 61 + 500  # at most ten events overdraw the budget

    def test_retries_earn_no_retries(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.5, budget_floor=0.0), 0.0)
        sent = 0
        for _ in range(1000):
            sent += 1
            sent += budget.take(sent, 0.0)
        assert budget.taken == 501  # half of a thousand, and the token it starts with

    def test_without_a_budget_nothing_but_the_first_is_retried(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.0, budget_floor=0.0), 0.0)
        assert sum(budget.take(10_000, 10_000.0) for _ in range(10)) <= 1

    def test_a_retry_earns_nothing(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.5, budget_floor=0.0), 0.0)
        commands = 100
        while budget.take(commands, 0.0):
            commands += 1  # a retry is also a command that the server answers
        assert budget.taken == 51  # with the token it starts with

    def test_less_than_a_whole_retry_is_none(self) -> None:
        budget = RetryBudget(RetryPolicy(budget=0.25, budget_floor=0.0), 0.0)
        assert budget.take(0, 0.0)
        assert not budget.take(4, 0.0)  # three commands earn less than one retry
        assert budget.take(5, 0.0)


@pytest.mark.parametrize(("error", "when_safe", "when_not"), TABLE, ids=lambda value: type(value).__name__)
def test_what_runs_users_code_is_not_sent_again_for_a_word_of_the_server(
    error: Error, when_safe: bool, when_not: bool
) -> None:
    proves_nothing = isinstance(error, ServerError)
    assert may_retry(error, safe=True, runs_code=True) is when_safe
    assert may_retry(error, safe=False, runs_code=True) is (when_not and not proves_nothing)


def test_who_says_readonly_decides_whether_the_node_is_a_replica() -> None:
    own, quoted = ReadOnly("READONLY", "x"), ReadOnly("READONLY", "You can't write against a read only replica. script: 1")
    inside = ServerError("ERR", "Error running script (call to f): -READONLY You can't write against a read only slave.")
    aborted = TransactionAborted("EXECABORT", "")
    aborted.__cause__ = own
    assert is_demoted(own)
    assert is_demoted(aborted)
    assert is_demoted(NotPrimary("REDIRECT", "10.0.0.2:6380"))
    assert not is_demoted(own, runs_code=True)
    assert not is_demoted(NotPrimary("REDIRECT", "10.0.0.2:6380"), runs_code=True)
    assert is_demoted(quoted, runs_code=True)
    assert is_demoted(inside, runs_code=True)
    assert not is_demoted(inside)
    assert not is_demoted(Loading("LOADING", ""))
    assert not is_demoted(ConnectionLost("gone"))
