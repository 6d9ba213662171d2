"""Which connection a thread has to itself: the choice among several, one rule after the other (R-41)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from respool import Pool
from respool._facts.options import Options
from respool._sync.shell import affinity as affinity_module
from respool._sync.shell import compat, sockets
from respool._sync.shell import transport as transport_module
from respool._sync.shell.affinity import Affinity
from respool._sync.shell.transport import CROWD, NOBODY, Transport
from respool.errors import ConnectionLost
from respool.testing import Server

OTHER = -1
LATELY = transport_module._LATELY
REMEMBERED = transport_module._REMEMBERED


@pytest.fixture
def live() -> Iterator[list[Transport]]:
    """Return three connections that nobody owns."""
    pairs = [socket.socketpair() for _ in range(3)]
    transports = [Transport(Options(), ours) for ours, _ in pairs]
    yield transports
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


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


def use_long_ago(transport: Transport) -> None:
    transport._heard = monotonic() - LATELY - 0.001


# Choosing ------------------------------------------------------------------------------------------------------


def test_the_first_free_one_is_taken_and_kept(live: list[Transport]) -> None:
    affinity = Affinity()
    me = threading.get_ident()
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [OTHER, me, NOBODY]
    live[0].owner = NOBODY
    assert affinity.choose(live) is live[1]
    assert [transport.owner for transport in live] == [NOBODY, me, NOBODY]


def test_each_thread_has_another(live: list[Transport]) -> None:
    affinity = Affinity()
    assert affinity.choose(live) is live[0]
    live[0].owner = OTHER  # so that the number of this thread, used again for another, makes no difference
    assert elsewhere(lambda: affinity.choose(live)) is live[1]
    live[1].owner = OTHER
    assert elsewhere(lambda: affinity.choose(live)) is live[2]
    live[2].owner = OTHER
    assert elsewhere(lambda: affinity.choose(live)) is None
    assert affinity.choose(live) is None


def test_what_a_thread_has_is_known_to_it_alone(live: list[Transport]) -> None:
    affinity = Affinity()
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]
    live[0].owner = NOBODY
    assert elsewhere(lambda: affinity.choose(live)) is live[0]
    live[0].owner = NOBODY
    assert affinity.choose(live) is live[1]


def test_one_that_another_thread_has_taken_over_is_left(live: list[Transport]) -> None:
    affinity = Affinity()
    assert affinity.choose(live) is live[0]
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]


def test_one_that_is_busy_is_left_and_found_again(live: list[Transport]) -> None:
    affinity = Affinity()
    assert affinity.choose(live) is live[0]
    owe(live[0], 1)
    assert affinity.choose(live) is live[1]
    owe(live[0], 0)
    live[1].owner = OTHER
    assert affinity.choose(live) is live[0]


def test_one_that_gets_no_new_work_is_left(live: list[Transport]) -> None:
    affinity = Affinity()
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]
    assert affinity.choose([live[0], live[2]]) is live[2]


def test_one_that_has_ended_is_left(live: list[Transport]) -> None:
    affinity = Affinity()
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]
    live[1]._end(ConnectionLost("gone"))
    assert affinity.choose(live) is live[2]


def test_one_whose_owner_has_not_used_it_lately_is_free(live: list[Transport]) -> None:
    affinity = Affinity()
    for transport in live:
        transport.owner = OTHER
        transport._heard = monotonic() + 3600.0
    assert affinity.choose(live) is None
    live[0]._heard += REMEMBERED * 1.01  # the crowd is forgotten
    use_long_ago(live[1])
    assert affinity.choose(live) is live[1]
    assert live[1].owner == threading.get_ident()


def test_nobody_has_one_to_itself_while_the_first_is_crowded(live: list[Transport]) -> None:
    affinity = Affinity()
    live[0].owner = OTHER
    assert affinity.choose(live) is live[1]
    owe(live[0], CROWD)
    assert affinity.choose(live) is None
    owe(live[0], CROWD - 1)
    live[0]._heard += REMEMBERED * 1.01
    assert affinity.choose(live) is live[1]
    owe(live[2], CROWD)  # only the first one matters
    assert affinity.choose(live) is live[1]


def test_once_a_thread_finds_none_nobody_has_one_for_a_while(live: list[Transport]) -> None:
    affinity = Affinity()
    assert affinity.choose(live) is live[0]
    for transport in live[1:]:
        transport.owner = OTHER
        transport._heard = monotonic() + 3600.0
    live[0]._heard = monotonic()
    assert elsewhere(lambda: affinity.choose(live)) is None
    assert affinity.choose(live) is None, "it shares the first with that thread"
    live[0]._heard += REMEMBERED * 1.01
    assert affinity.choose(live) is live[0]


# What it asks of a connection ----------------------------------------------------------------------------------


def test_a_crowd_is_remembered_from_the_last_time_that_anything_was_heard(live: list[Transport]) -> None:
    first = live[0]
    first._heard = 100.0
    assert not first.is_crowded
    owe(first, CROWD - 1)
    assert not first.is_crowded
    owe(first, CROWD)
    assert first.is_crowded
    owe(first, 0)
    assert first.is_crowded
    first._heard = 100.0 + REMEMBERED * 0.99
    assert first.is_crowded
    first._heard = 100.0 + REMEMBERED * 1.01
    assert not first.is_crowded
    first.crowd()
    assert first.is_crowded
    first._heard += REMEMBERED * 1.01
    assert not first.is_crowded


def test_one_is_free_for_its_owner_and_for_others_after_a_rest(live: list[Transport]) -> None:
    first = live[0]
    first._heard = 100.0
    assert first.is_free_for(1, 100.0)
    first.owner = 1
    assert first.is_free_for(1, 100.0)
    assert not first.is_free_for(2, 100.0 + LATELY * 0.99)
    assert first.is_free_for(2, 100.0 + LATELY * 1.01)
    owe(first, 1)
    assert not first.is_free_for(1, 100.0)
    assert not first.is_free_for(2, 200.0)


def test_it_says_once_whether_anybody_has_chosen_it(live: list[Transport]) -> None:
    connection: Any = type("Lent", (), {"_transport": live[0]})
    assert compat.disown(connection) is True
    live[0].owner = 1
    assert compat.disown(connection) is False
    assert live[0].owner == NOBODY
    assert compat.disown(connection) is True


# Preparing -----------------------------------------------------------------------------------------------------


def test_all_are_told_whom_to_call(live: list[Transport]) -> None:
    affinity = Affinity()
    met = lambda: None  # noqa: E731
    affinity.prepare(live[:1], met)
    assert [transport.on_meeting for transport in live] == [met, None, None]
    affinity.prepare(live[:2], met)
    assert [transport.on_meeting for transport in live] == [met, met, None]
    affinity.prepare(live, None)
    assert [transport.on_meeting for transport in live] == [None, None, None]
    affinity.prepare([], met)


def test_threads_have_it_and_greenlets_have_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(compat.affinity(), affinity_module.Affinity)
    monkeypatch.setattr(sockets, "_maker_of_sockets", lambda: "gevent")
    assert compat.affinity() is None


@pytest.mark.parametrize("options", [{}, {"shared": 1}, {"shared": 4}], ids=["default", "shared=1", "shared=4"])
def test_a_pool_says_whether_it_grows(server: Server, options: dict[str, Any]) -> None:
    with Pool(server.url, **options) as pool:
        assert pool.ping()
        lane: Any = pool._shared
        assert lane._affinity is not None
        assert lane._grows == (not options)
        assert [transport.on_meeting is not None for transport in lane._live] == [not options] * len(lane._live)
