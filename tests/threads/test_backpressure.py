# Generated from tests/asyncio_/test_backpressure.py by tools/generate.py. Do not edit.
"""Commands in flight never exceed the caps; callers beyond them wait in the admission queue, in order (R-22)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import echo, held_echo, words
from threads.harness import Callers, now, wait_until
from respool import Pool, RetryPolicy
from respool.errors import ConnectionLost, ReadTimeout
from respool.testing import FakeNode, Hold

HEAVY = b"x" * 10_000


def stand_in_line(pool: Pool[Any], count: int) -> None:
    """Wait until ``count`` commands are in flight or wait in the admission queue."""
    transport = pool._shared.only
    assert transport is not None
    wait_until(lambda: transport.owes + transport.waiting == count)


def test_the_server_never_owes_more_replies_than_the_cap_and_the_order_is_kept(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=3) as pool:
            for number in range(12):
                callers.start(pool.execute, "GET", f"k{number}")
                stand_in_line(pool, number + 1)
            for answered in range(12):
                wait_until(lambda n=answered: len(node.calls("GET")) > n)
                assert len(node.calls("GET")) <= answered + 3
                assert pool.stats().in_flight <= 3
                node.release(1)
            keys = [b"k%d" % number for number in range(12)]
            assert callers.results() == keys
            assert words(node, "GET") == keys
            assert pool.stats().in_flight == 0


def test_replies_are_counted_one_by_one_while_callers_wait_at_the_door(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=2) as pool:
            before = pool.stats().replies
            for number in range(6):
                callers.start(pool.execute, "GET", f"k{number}")
                stand_in_line(pool, number + 1)
            for answered in range(6):
                wait_until(lambda n=answered: len(node.calls("GET")) > n)
                node.release(1)
            callers.results()
            assert pool.stats().replies == before + 6


def test_a_storm_of_callers_never_owes_more_than_the_cap(callers: Callers) -> None:
    most = 0
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=4) as pool:
            transport = pool._shared.only
            assert transport is not None

            def ask(name: int) -> None:
                nonlocal most
                for number in range(20):
                    assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)
                    most = max(most, transport.owes)

            for name in range(20):
                callers.start(ask, name)
            callers.results()
            assert most <= 4
            assert len(node.calls("GET")) == 400
            assert node.connections == 1


def test_the_server_never_owes_more_bytes_than_the_cap(callers: Callers) -> None:
    with FakeNode({"SET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight_bytes=25_000) as pool:
            for number in range(5):
                callers.start(pool.execute, "SET", f"k{number}", HEAVY)
                stand_in_line(pool, number + 1)
            for answered in range(5):
                wait_until(lambda n=answered: len(node.calls("SET")) > n)
                assert len(node.calls("SET")) <= answered + 2
                node.release(1)
            assert callers.results() == [b"k0", b"k1", b"k2", b"k3", b"k4"]


def test_a_small_command_does_not_overtake_a_large_one_at_the_door(callers: Callers) -> None:
    with FakeNode({"SET": held_echo, "GET": echo}) as node:
        with Pool(node.url, shared=1, max_in_flight_bytes=15_000) as pool:
            for position, command in enumerate((("SET", "a", HEAVY), ("SET", "b", HEAVY), ("GET", "c")), start=1):
                callers.start(pool.execute, *command)
                stand_in_line(pool, position)
            wait_until(lambda: words(node, "SET") == [b"a"])
            assert words(node, "GET") == []
            node.release(1)
            wait_until(lambda: words(node, "SET") == [b"a", b"b"])
            node.release(1)
            assert callers.results() == [b"a", b"b", b"c"]
            arrived = [seen.command[1] for seen in node.commands if seen.command[0] in (b"SET", b"GET")]
            assert arrived == [b"a", b"b", b"c"]


def test_what_is_beyond_a_cap_by_itself_goes_when_nothing_is_before_it(callers: Callers) -> None:
    with FakeNode({"SET": held_echo, "GET": echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=2, max_in_flight_bytes=5_000) as pool:
            first = callers.start(pool.execute, "SET", "a", "small")
            stand_in_line(pool, 1)
            run = callers.start(pool.execute_many, [("GET", "b"), ("GET", "c"), ("GET", "d")])
            stand_in_line(pool, 2)
            assert words(node, "GET") == []
            node.release(1)
            assert first.result() == b"a"
            assert run.result() == [b"b", b"c", b"d"]
            heavy = callers.start(pool.execute, "SET", "e", HEAVY)
            wait_until(lambda: words(node, "SET") == [b"a", b"e"])
            node.release(1)
            assert heavy.result() == b"e"


def test_a_caller_whose_time_is_over_at_the_door_of_a_connection_that_ends_is_counted(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "SET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
            first = callers.start(pool.execute, "SET", "a", "v")
            wait_until(lambda: node.calls("SET"))
            with pytest.raises(ReadTimeout):
                pool.execute("GET", "b", timeout=0.02)
            with pytest.raises(ReadTimeout):
                pool.execute_many([("GET", "c"), ("GET", "d")], timeout=0.02)
            node.drop()
            assert isinstance(first.outcome(), ConnectionLost)
            wait_until(lambda: pool.stats().taken_back == 3)
            assert node.calls("GET") == []


def test_a_caller_whose_time_is_over_at_the_door_was_never_sent(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "GET", "a")
            stand_in_line(pool, 1)
            started = now()
            with pytest.raises(ReadTimeout):
                pool.execute("GET", "b", timeout=0.05)
            assert 0.045 <= now() - started < 3.0
            last = callers.start(pool.execute, "GET", "c")
            stand_in_line(pool, 3)
            wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert first.result() == b"a"
            wait_until(lambda: words(node, "GET") == [b"a", b"c"])
            node.release(1)
            assert last.result() == b"c"
            assert pool.stats().taken_back == 1
            assert pool.stats().dropped == 0


def test_those_who_give_up_at_the_door_make_room_and_are_counted(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=1) as pool:
            transport = pool._shared.only
            assert transport is not None
            callers.start(pool.execute, "GET", "first")
            stand_in_line(pool, 1)
            patient = []
            for turn in range(4):
                hasty = [callers.start(pool.execute, "GET", "hasty", timeout=0.01) for _ in range(20)]
                assert {type(caller.outcome()) for caller in hasty} == {ReadTimeout}
                patient += [callers.start(pool.execute, "GET", f"k{10 * turn + number}") for number in range(10)]
                wait_until(lambda: sum(not waiter[-1].done() for waiter in list(transport._admission)) == len(patient))
            assert transport.waiting <= 80  # of 120 that came
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and all(caller.is_done for caller in patient))
            assert [caller.result() for caller in patient] == [b"k%d" % number for number in range(40)]
            assert b"hasty" not in words(node, "GET")
            wait_until(lambda: transport.waiting == 0)
            assert (pool.stats().taken_back, pool.stats().dropped) == (80, 0)


def test_a_run_without_reply_waits_at_the_door_too(callers: Callers) -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": b"+OK\r\n", "SET": b""}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "GET", "a")
            stand_in_line(pool, 1)
            told = callers.start(pool.execute_noreply, "SET", "k", "v")
            stand_in_line(pool, 2)
            assert not told.is_done
            wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert first.result() == b"a"
            assert told.result() is None
            wait_until(lambda: node.calls("CLIENT REPLY ON"))


def test_callers_at_the_door_of_a_lost_connection_were_not_sent_and_go_elsewhere(callers: Callers) -> None:
    with FakeNode({"INCR": Hold(b":1\r\n"), "SET": echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "INCR", "a")
            stand_in_line(pool, 1)
            second = callers.start(pool.execute, "SET", "b", "v")
            stand_in_line(pool, 2)
            wait_until(lambda: node.calls("INCR"))
            node.drop()
            outcome = first.outcome()
            assert type(outcome).__name__ == "OutcomeUnknown"
            assert second.result() == b"b"  # a write, sent again because it had not been sent
            assert len(node.calls("INCR")) == 1


def test_the_cap_is_the_same_after_callers_have_waited_at_the_door(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1, max_in_flight=3) as pool:
            for _ in range(2):
                group = [callers.start(pool.execute, "GET", f"k{number}") for number in range(6)]
                stand_in_line(pool, 6)
                assert pool.stats().in_flight == 3
                wait_until(lambda group=group: node.release() == 0 and all(caller.is_done for caller in group))


def test_a_run_without_reply_at_the_door_of_a_lost_connection_goes_elsewhere(callers: Callers) -> None:
    script = {"GET": Hold(b"+OK\r\n"), "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": b"+OK\r\n", "SET": b""}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1, max_in_flight=1, retry=RetryPolicy()) as pool:
            first = callers.start(pool.execute, "GET", "a")
            stand_in_line(pool, 1)
            told = callers.start(pool.execute_noreply, "SET", "k", "v")
            stand_in_line(pool, 2)
            wait_until(lambda: node.calls("GET"))
            node.on("GET", b"+OK\r\n")
            node.drop()
            assert first.result() == b"OK"
            told.result()
            wait_until(lambda: words(node, "SET") == [b"k"])
            assert node.calls("SET")[0].connection == 2
