"""Which connection a thread has to itself: the choice among several, one rule after the other (R-41)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from respool import Pool
from respool._facts.options import Options
from respool._sync.shell import affinity as affinity_module
from respool._sync.shell import compat, sockets
from respool._sync.shell.affinity import CROWDED, LATELY, PAUSE, Affinity, Seat
from respool._sync.shell.transport import Transport
from respool.errors import ConnectionLost
from respool.testing import Server

#: A time that is not there yet: whoever sent its last command then keeps its seat.
LATER = 1e9


class Clock:
    """The time, which passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(affinity_module, "monotonic", clock)
    return clock


@pytest.fixture
def live() -> Iterator[list[Transport]]:
    """Return three connections that nobody owns."""
    pairs = [socket.socketpair() for _ in range(3)]
    transports = [Transport(Options(), ours) for ours, _ in pairs]
    yield transports
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


@pytest.fixture
def affinity() -> Affinity:
    return Affinity()


class Call:
    """Counts how often it is made."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def give(transport: Transport, at: float = LATER) -> Seat:
    """Let another thread own a connection, which sent its last command then."""
    seat = Seat()
    seat.at, seat.transport, transport.owner = at, transport, seat
    return seat


def choose_as(seat: Seat, affinity: Affinity, live: list[Transport]) -> Transport | None:
    """Let another thread choose, and go on as this one."""
    mine = affinity._mine.seat
    affinity._mine.seat = seat
    try:
        return affinity.choose(live)
    finally:
        affinity._mine.seat = mine


def mine(affinity: Affinity) -> Seat:
    seat: Seat = affinity._mine.seat
    return seat


def owe(transport: Transport, count: int) -> None:
    """Let a connection have so many replies pending."""
    transport._queue.clear()
    transport._queue.extend([None] * count)  # type: ignore[list-item]


def elsewhere(work: Callable[[], Any]) -> Any:
    """Do it in another thread, which lives only for that, and return the outcome."""
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(work()))
    thread.start()
    thread.join()
    return got[0]


# Whose it is ---------------------------------------------------------------------------------------------------


def test_the_first_free_one_is_taken_and_kept(affinity: Affinity, live: list[Transport]) -> None:
    other = give(live[0])
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [other, mine(affinity), None]
    live[0].owner = None
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [None, mine(affinity), None]


def test_each_thread_has_another(affinity: Affinity, live: list[Transport]) -> None:
    assert affinity.choose(live) is live[0]
    assert elsewhere(lambda: affinity.choose(live)) is live[1]
    assert elsewhere(lambda: affinity.choose(live)) is live[2]
    assert elsewhere(lambda: affinity.choose(live)) is None
    assert len({transport.owner for transport in live}) == 3


def test_what_a_thread_has_is_known_to_it_alone(affinity: Affinity, live: list[Transport]) -> None:
    give(live[0])
    assert affinity.choose(live) is live[1]
    live[0].owner = None
    assert elsewhere(lambda: affinity.choose(live)) is live[0]
    live[0].owner = None
    assert affinity.choose(live) is live[1]


def test_what_a_thread_has_in_another_pool_is_no_matter(affinity: Affinity, live: list[Transport]) -> None:
    other = Affinity()
    assert affinity.choose(live[:1]) is live[0]
    assert other.choose(live[1:]) is live[1]
    assert affinity.choose(live) is live[0]
    assert mine(affinity) is not mine(other)


def test_one_that_another_thread_has_taken_over_is_left(affinity: Affinity, live: list[Transport]) -> None:
    assert affinity.choose(live) is live[0]
    other = give(live[0])
    assert affinity.choose(live) is live[1]
    assert live[0].owner is other


def test_one_that_was_taken_from_its_owner_is_taken_again(affinity: Affinity, live: list[Transport]) -> None:
    assert affinity.choose(live) is live[0]
    assert live[0].disown() is False
    assert affinity.choose(live) is live[0]
    assert live[0].owner is mine(affinity)


def test_it_says_once_whether_anybody_has_taken_it(live: list[Transport]) -> None:
    connection: Any = type("Lent", (), {"_transport": live[0]})
    assert compat.disown(connection) is True
    give(live[0])
    assert compat.disown(connection) is False
    assert live[0].owner is None
    assert compat.disown(connection) is True


# When a thread leaves its own ----------------------------------------------------------------------------------


def test_one_that_is_busy_is_left_for_a_free_one_and_given_back(affinity: Affinity, live: list[Transport]) -> None:
    assert affinity.choose(live) is live[0]
    owe(live[0], 1)
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [None, mine(affinity), None]
    owe(live[0], 0)
    assert affinity.choose(live) is live[1]
    assert elsewhere(lambda: affinity.choose(live)) is live[0]


def test_one_that_is_busy_is_kept_where_no_other_is_free(affinity: Affinity, live: list[Transport]) -> None:
    call = Call()
    affinity.prepare(live, call)
    give(live[1])
    owe(live[2], 1)
    assert affinity.choose(live) is live[0]
    owe(live[0], 1)
    assert affinity.choose(live) is None
    assert live[0].owner is mine(affinity)
    owe(live[0], 0)
    assert affinity.choose(live) is live[0], "this is no crowd"
    assert call.count == 0


def test_nor_is_that_a_crowd_where_no_other_can_be_made(affinity: Affinity, live: list[Transport]) -> None:
    affinity.prepare(live, None)
    others = [give(transport) for transport in live[1:]]
    assert affinity.choose(live) is live[0]
    owe(live[0], 1)
    assert affinity.choose(live) is None
    assert choose_as(others[0], affinity, live) is live[1]


def test_one_that_becomes_quiet_meanwhile_is_kept(
    affinity: Affinity, live: list[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert affinity.choose(live) is live[0]
    answers = iter([False, True])
    monkeypatch.setattr(Transport, "is_quiet", property(lambda _: next(answers)))
    assert affinity.choose(live) is live[0]
    assert [transport.owner for transport in live] == [mine(affinity), None, None]


def test_one_that_gets_no_new_work_is_left_and_given_back(affinity: Affinity, live: list[Transport]) -> None:
    give(live[0])
    assert affinity.choose(live) is live[1]
    assert affinity.choose([live[0], live[2]]) is live[2]
    assert live[1].owner is None
    assert live[2].owner is mine(affinity)


def test_one_that_has_ended_is_left(affinity: Affinity, live: list[Transport]) -> None:
    give(live[0])
    assert affinity.choose(live) is live[1]
    live[1]._end(ConnectionLost("gone"))
    assert affinity.choose(live) is live[2], "the pool may not know yet"


def test_one_that_has_ended_is_nobodys(affinity: Affinity, live: list[Transport]) -> None:
    """It and its owner's seat refer to each other: only the garbage collector would find them."""
    assert affinity.choose(live) is live[0]
    live[0].abort()
    assert live[0].owner is None


def test_who_has_one_that_gets_no_new_work_needs_another(affinity: Affinity, live: list[Transport]) -> None:
    call = Call()
    affinity.prepare(live, call)
    give(live[0])
    give(live[2])
    assert affinity.choose(live) is live[1]
    assert affinity.choose([live[0], live[2]]) is None
    assert call.count == 1
    assert live[1].owner is None


def test_where_all_are_gone_nobody_has_one(affinity: Affinity, live: list[Transport]) -> None:
    assert affinity.choose(live) is live[0]
    for transport in live:
        transport._end(ConnectionLost("gone"))
    assert affinity.choose(live) is None
    assert elsewhere(lambda: affinity.choose(live)) is None


# What is free --------------------------------------------------------------------------------------------------


def test_what_nobody_has_is_free_unless_it_is_busy(affinity: Affinity, live: list[Transport]) -> None:
    owe(live[0], 1)
    assert affinity.choose(live) is live[1]


def test_one_is_free_when_its_owner_has_sent_nothing_lately(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    others = [give(transport, clock.now) for transport in live]
    clock.now += LATELY * 0.99
    assert affinity.choose(live) is None
    others[0].at = others[2].at = clock.now
    clock.now += LATELY * 0.02
    assert PAUSE < LATELY * 0.99
    affinity._lacked_at = float("-inf")
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [others[0], mine(affinity), others[2]]


def test_one_is_not_free_while_its_silent_owner_waits_for_a_reply(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    for transport in live:
        give(transport, clock.now - LATELY * 100)
        owe(transport, 1)
    assert affinity.choose(live) is None
    owe(live[2], 0)
    clock.now += CROWDED
    assert affinity.choose(live) is live[2]


def test_an_owner_that_sends_on_another_connection_keeps_its_own(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    other, third = Seat(), Seat()
    assert affinity.choose(live) is live[0]
    assert choose_as(other, affinity, live) is live[1]
    give(live[2])
    for _ in range(5):
        clock.now += LATELY * 0.6
        affinity._lacked_at = clock.now  # in a crowd all share the first
        assert affinity.choose(live) is None
        affinity._lacked_at = float("-inf")
        owe(live[1], 1)  # where the own one is busy, its thread shares the first too
        assert choose_as(other, affinity, live) is None
        owe(live[1], 0)
        assert choose_as(third, affinity, live) is None
    affinity._lacked_at = float("-inf")
    assert affinity.choose(live) is live[0]
    assert choose_as(other, affinity, live) is live[1]


def test_an_owner_that_comes_back_after_a_rest_finds_its_own_unless_it_was_taken(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    other = Seat()
    assert affinity.choose(live) is live[0]
    give(live[1])
    give(live[2])
    clock.now += LATELY * 100
    assert affinity.choose(live) is live[0]
    clock.now += LATELY * 100
    assert choose_as(other, affinity, live) is live[0]
    assert affinity.choose(live) is None
    assert choose_as(other, affinity, live) is None, "now there is one thread too many"


# When a thread finds none --------------------------------------------------------------------------------------


def test_who_finds_none_asks_for_another_and_nobody_leaves_its_own(affinity: Affinity, live: list[Transport]) -> None:
    call = Call()
    affinity.prepare(live, call)
    others = [give(transport) for transport in live]
    assert affinity.choose(live) is None
    assert call.count == 1
    assert [choose_as(other, affinity, live) for other in others] == live


def test_another_one_is_asked_for_only_once(affinity: Affinity, live: list[Transport], clock: Clock) -> None:
    call = Call()
    affinity.prepare(live, call)
    others = [give(transport) for transport in live]
    for _ in range(3):
        assert affinity.choose(live) is None
        assert elsewhere(lambda: affinity.choose(live)) is None
        clock.now += CROWDED
    assert call.count == 1
    affinity.prepare(live, call)
    assert affinity.choose(live) is None
    assert call.count == 2
    for other in others:
        other.at = clock.now
    assert [choose_as(other, affinity, live) for other in others] == live


def test_where_no_other_can_be_made_all_share_for_a_while(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    others = [give(transport) for transport in live[1:]]
    assert affinity.choose(live) is live[0]
    affinity.prepare(live, None)
    third = Seat()
    assert choose_as(third, affinity, live) is None
    for passed in (0.0, CROWDED * 0.5, CROWDED * 0.49):
        clock.now += passed
        assert affinity.choose(live) is None
        assert [choose_as(other, affinity, live) for other in others] == [None, None]
    assert [transport.owner for transport in live] == [mine(affinity), *others], "they have them for later"
    clock.now += CROWDED * 0.02
    assert affinity.choose(live) is live[0]
    assert [choose_as(other, affinity, live) for other in others] == live[1:]


def test_they_share_for_as_long_as_a_thread_finds_none(affinity: Affinity, live: list[Transport], clock: Clock) -> None:
    give(live[1])
    give(live[2])
    assert affinity.choose(live) is live[0]
    third = Seat()
    for _ in range(5):
        assert choose_as(third, affinity, live) is None
        clock.now += CROWDED * 0.9
        assert affinity.choose(live) is None
    clock.now += CROWDED * 0.2
    assert affinity.choose(live) is live[0]


def test_who_has_found_none_looks_again_after_a_pause(affinity: Affinity, live: list[Transport], clock: Clock) -> None:
    others = [give(transport) for transport in live]
    assert affinity.choose(live) is None
    live[1].owner = None
    clock.now += PAUSE * 0.99
    assert affinity.choose(live) is None
    assert elsewhere(lambda: affinity.choose(live)) is None, "nor does any other thread that has none"
    assert live[1].owner is None
    clock.now += PAUSE * 0.02
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [others[0], mine(affinity), others[2]]


def test_threads_that_do_not_look_prolong_nothing(affinity: Affinity, live: list[Transport], clock: Clock) -> None:
    for transport in live[1:]:
        give(transport)
    assert affinity.choose(live) is live[0]
    third = Seat()
    assert choose_as(third, affinity, live) is None
    clock.now += PAUSE * 0.9
    assert choose_as(third, affinity, live) is None
    clock.now += CROWDED - PAUSE * 0.8
    assert affinity.choose(live) is live[0]


def test_who_takes_one_while_all_share_uses_it_when_that_is_over(
    affinity: Affinity, live: list[Transport], clock: Clock
) -> None:
    for transport in live:
        give(transport)
    third = Seat()
    assert affinity.choose(live) is None
    assert choose_as(third, affinity, live) is None
    live[1].owner = None
    clock.now += PAUSE * 1.01
    assert affinity.choose(live) is live[1]
    assert affinity.choose(live) is None
    clock.now += CROWDED
    assert affinity.choose(live) is live[1]


# Preparing -----------------------------------------------------------------------------------------------------


def test_the_only_one_is_told_whom_to_call_and_of_several_none(affinity: Affinity, live: list[Transport]) -> None:
    call = Call()
    affinity.prepare(live[:1], call)
    assert [transport.on_meeting for transport in live] == [call, None, None]
    affinity.prepare(live[:2], call)
    assert [transport.on_meeting for transport in live] == [None, None, None]
    affinity.prepare(live[1:2], call)
    assert [transport.on_meeting for transport in live] == [None, call, None]
    affinity.prepare(live[1:2], None)
    assert [transport.on_meeting for transport in live] == [None, None, None]
    affinity.prepare([], call)
    assert call.count == 0


def test_nobody_is_called_any_more_when_no_other_can_be_made(affinity: Affinity, live: list[Transport]) -> None:
    call = Call()
    affinity.prepare(live, call)
    affinity.prepare(live, None)
    for transport in live:
        give(transport)
    assert affinity.choose(live) is None
    assert call.count == 0


def test_threads_have_it_and_greenlets_have_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(compat.affinity(Options()), Affinity)
    monkeypatch.setattr(sockets, "_maker_of_sockets", lambda: "gevent")
    assert compat.affinity(Options()) is None


@pytest.mark.parametrize("options", [{}, {"shared": 1}, {"shared": 4}], ids=["default", "shared=1", "shared=4"])
def test_a_pool_says_whether_it_grows(server: Server, options: dict[str, Any]) -> None:
    with Pool(server.url, **options) as pool:
        assert pool.ping()
        lane: Any = pool._shared
        assert lane._affinity is not None
        assert lane._grows == (not options)
        assert (lane._affinity._on_lack is not None) == (not options)
        assert [transport.on_meeting is not None for transport in lane._live] == [not options] * len(lane._live)
