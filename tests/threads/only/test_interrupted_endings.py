"""A connection ends while a thread is interrupted: its callers get correct errors, its slot is dialed again at once.

``interrupting`` says how the moments are found.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from answers import NIL, echo
from interrupting import interrupted_at, interrupted_behind, moments, sparse_moments
from respool import Pool
from respool.errors import ConnectionLost, ReadTimeout, TransportError, ProtocolError
from respool.testing import FakeNode, Hold, Silence
from threads.harness import Callers, Signal, wait_until

Interrupt = Callable[..., bool]
MODES = pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])


def hang_up(node: FakeNode, connection: int) -> None:
    node.drop(connection)


def break_the_protocol(node: FakeNode, connection: int) -> None:
    node.send(b":12a4\r\n", connection)


def stay_silent(_: FakeNode, __: int) -> None:
    """Send nothing, so that ``read_timeout`` ends the connection."""


WAYS = {"eof": hang_up, "protocol": break_the_protocol, "silence": stay_silent}


@MODES
@pytest.mark.parametrize("way", WAYS)
def test_a_leader_is_interrupted_while_the_connection_ends(callers: Callers, interrupt: Interrupt, way: str) -> None:
    """Our thread follows, then leads. Of the commands behind it, one is sent with it, others wait for admission."""
    patience = 0.02 if way == "silence" else 5.0
    script = {"GET": Silence(), "GET first": Hold(NIL), "INCR": Silence(), "ECHO": echo}
    with FakeNode(script) as node:
        for moment in sparse_moments(list(WAYS).index(way)):
            with Pool(node.url, shared=1, max_size=1, retry=None, max_in_flight=3, keepalive=None) as pool:
                transport, ends, is_over = pool._shared.only, Signal(), Signal()
                before = len(node.calls("GET"))
                assert transport is not None
                callers.start(_ignore, pool.execute, "GET", "first")
                wait_until(lambda before=before: len(node.calls("GET")) > before)
                seen_before = len(node.calls("INCR"))

                number = node.calls("GET")[-1].connection

                def follow(seen_before: int = seen_before, transport: Any = transport, number: int = number) -> Any:
                    def until(answer: Callable[[], Any]) -> None:
                        wait_until(lambda: answer() or is_over.is_set or not transport.is_open)

                    until(lambda: transport.owes == 2)
                    followers = [callers.start(transport.submit, ("INCR", "written"))]
                    until(lambda: transport.owes == 3)
                    for turn in range(3):
                        followers.append(callers.start(transport.submit, ("INCR", f"waiting {turn}")))
                        until(lambda turn=turn: transport.waiting == turn + 1)
                    transport.set_patience(patience)
                    wait_until(lambda: node.release() or not transport.is_open)
                    until(lambda: len(node.calls("INCR")) > seen_before)
                    ends.set()
                    with suppress(LookupError):  # it had ended already
                        WAYS[way](node, number)
                    return followers

                helper = callers.start(follow)
                was_interrupted = interrupt(moment, lambda: _ignore(pool.execute, "GET", "mine"), lambda: ends.is_set)
                is_over.set()
                outcomes = [caller.outcome() for caller in helper.result()]
                seen = [each.command[1] for each in node.calls("INCR")[seen_before:]]
                words = [b"written", *(b"waiting %d" % number for number in range(3))]
                for outcome, word in zip(outcomes, words, strict=True):
                    assert isinstance(outcome, TransportError), (moment, outcome)
                    assert outcome.executed == "unknown" or word not in seen, moment  # otherwise it might run twice
                assert pool.execute("ECHO", "x", timeout=2.0) == b"x", moment
                stats = pool.stats()
                assert stats.opened == stats.closed + stats.lost + stats.size, (moment, stats)
                assert (stats.shared, stats.dialing) == (1, 0), moment
            if not was_interrupted:
                return


def _ignore(call: Callable[..., Any], *args: Any) -> None:
    try:
        call(*args)
    except (ConnectionLost, ReadTimeout, ProtocolError):
        pass


@MODES
def test_one_who_closes_a_connection_under_another_is_interrupted(callers: Callers, interrupt: Interrupt) -> None:
    with FakeNode({"GET": Silence(), "ECHO": echo}) as node:
        for moment in moments():
            with Pool(node.url, shared=0, max_size=1, read_timeout=30.0) as pool:
                lease, before = pool.acquire(), len(node.calls("GET"))
                leader = callers.start(lease.execute, "GET", "k")
                wait_until(lambda before=before: len(node.calls("GET")) > before)
                follower = callers.start(lease.execute, "GET", "k")
                wait_until(lambda lease=lease: lease.in_flight == 2)
                was_interrupted = interrupt(moment, lease.close)
                if not lease.closed:
                    lease.close()
                pool.release(lease)
                for caller, executed in ((leader, {"unknown"}), (follower, {"no", "unknown"})):
                    outcome = caller.outcome()
                    assert isinstance(outcome, ConnectionLost), (moment, outcome)
                    assert outcome.executed in executed, moment
                assert pool.execute("ECHO", "x", timeout=2.0) == b"x", moment
                stats = pool.stats()
                assert (stats.leased, stats.dialing, stats.opened) == (0, 0, stats.closed + stats.lost + stats.size)
            if not was_interrupted:
                return


@MODES
def test_the_next_caller_finishes_an_ending_that_nobody_finished(callers: Callers, interrupt: Interrupt) -> None:
    """The test's own signal handler ends the connection, so no interrupted call of ours can finish the ending."""
    with FakeNode({"ECHO": echo}) as node:
        for moment in moments():
            with Pool(node.url, shared=1, max_size=1, keepalive=None) as pool:
                pool.execute("ECHO", "x")
                transport = pool._shared.only
                assert transport is not None
                was_interrupted = interrupt(moment, lambda: transport._end(ConnectionLost("ended by the test")))
                assert pool.execute("ECHO", "y", timeout=0.4) == b"y", moment
                stats = pool.stats()
                assert stats.opened == stats.closed + stats.lost + stats.size, (moment, stats)
                assert stats.lost == (not transport.is_open), moment
            if not was_interrupted:
                return
