# Written once: tests/threads/test_backpressure.py is generated from this file.
"""Commands in flight never exceed the caps; callers beyond them wait in the admission queue, in order (R-22)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import echo, held_echo, words
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool, RetryPolicy
from respool.errors import ConnectionLost, ReadTimeout
from respool.testing import FakeNode, Hold

HEAVY = b"x" * 10_000


async def stand_in_line(pool: AsyncPool[Any], count: int) -> None:
    """Wait until ``count`` commands are in flight or wait in the admission queue."""
    transport = pool._shared.only
    assert transport is not None
    await wait_until(lambda: transport.owes + transport.waiting == count)


async def test_the_server_never_owes_more_replies_than_the_cap_and_the_order_is_kept(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=3) as pool:
            for number in range(12):
                callers.start(pool.execute, "GET", f"k{number}")
                await stand_in_line(pool, number + 1)
            for answered in range(12):
                await wait_until(lambda n=answered: len(node.calls("GET")) > n)
                assert len(node.calls("GET")) <= answered + 3
                assert pool.stats().in_flight <= 3
                node.release(1)
            keys = [b"k%d" % number for number in range(12)]
            assert await callers.results() == keys
            assert words(node, "GET") == keys
            assert pool.stats().in_flight == 0


async def test_replies_are_counted_one_by_one_while_callers_wait_at_the_door(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=2) as pool:
            before = pool.stats().replies
            for number in range(6):
                callers.start(pool.execute, "GET", f"k{number}")
                await stand_in_line(pool, number + 1)
            for answered in range(6):
                await wait_until(lambda n=answered: len(node.calls("GET")) > n)
                node.release(1)
            await callers.results()
            assert pool.stats().replies == before + 6


async def test_a_storm_of_callers_never_owes_more_than_the_cap(callers: Callers) -> None:
    most = 0
    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=4) as pool:
            transport = pool._shared.only
            assert transport is not None

            async def ask(name: int) -> None:
                nonlocal most
                for number in range(20):
                    assert await pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)
                    most = max(most, transport.owes)

            for name in range(20):
                callers.start(ask, name)
            await callers.results()
            assert most <= 4
            assert len(node.calls("GET")) == 400
            assert node.connections == 1


async def test_the_server_never_owes_more_bytes_than_the_cap(callers: Callers) -> None:
    with FakeNode({"SET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight_bytes=25_000) as pool:
            for number in range(5):
                callers.start(pool.execute, "SET", f"k{number}", HEAVY)
                await stand_in_line(pool, number + 1)
            for answered in range(5):
                await wait_until(lambda n=answered: len(node.calls("SET")) > n)
                assert len(node.calls("SET")) <= answered + 2
                node.release(1)
            assert await callers.results() == [b"k0", b"k1", b"k2", b"k3", b"k4"]


async def test_a_small_command_does_not_overtake_a_large_one_at_the_door(callers: Callers) -> None:
    with FakeNode({"SET": held_echo, "GET": echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight_bytes=15_000) as pool:
            for position, command in enumerate((("SET", "a", HEAVY), ("SET", "b", HEAVY), ("GET", "c")), start=1):
                callers.start(pool.execute, *command)
                await stand_in_line(pool, position)
            await wait_until(lambda: words(node, "SET") == [b"a"])
            assert words(node, "GET") == []
            node.release(1)
            await wait_until(lambda: words(node, "SET") == [b"a", b"b"])
            node.release(1)
            assert await callers.results() == [b"a", b"b", b"c"]
            arrived = [seen.command[1] for seen in node.commands if seen.command[0] in (b"SET", b"GET")]
            assert arrived == [b"a", b"b", b"c"]


async def test_what_is_beyond_a_cap_by_itself_goes_when_nothing_is_before_it(callers: Callers) -> None:
    with FakeNode({"SET": held_echo, "GET": echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=2, max_in_flight_bytes=5_000) as pool:
            first = callers.start(pool.execute, "SET", "a", "small")
            await stand_in_line(pool, 1)
            run = callers.start(pool.execute_many, [("GET", "b"), ("GET", "c"), ("GET", "d")])
            await stand_in_line(pool, 2)
            assert words(node, "GET") == []
            node.release(1)
            assert await first.result() == b"a"
            assert await run.result() == [b"b", b"c", b"d"]
            heavy = callers.start(pool.execute, "SET", "e", HEAVY)
            await wait_until(lambda: words(node, "SET") == [b"a", b"e"])
            node.release(1)
            assert await heavy.result() == b"e"


async def test_a_caller_whose_time_is_over_at_the_door_of_a_connection_that_ends_is_counted(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "SET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1, retry=None) as pool:
            first = callers.start(pool.execute, "SET", "a", "v")
            await wait_until(lambda: node.calls("SET"))
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "b", timeout=0.02)
            with pytest.raises(ReadTimeout):
                await pool.execute_many([("GET", "c"), ("GET", "d")], timeout=0.02)
            node.drop()
            assert isinstance(await first.outcome(), ConnectionLost)
            await wait_until(lambda: pool.stats().taken_back == 3)
            assert node.calls("GET") == []


async def test_a_caller_whose_time_is_over_at_the_door_was_never_sent(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "GET", "a")
            await stand_in_line(pool, 1)
            started = now()
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "b", timeout=0.05)
            assert 0.045 <= now() - started < 3.0
            last = callers.start(pool.execute, "GET", "c")
            await stand_in_line(pool, 3)
            await wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert await first.result() == b"a"
            await wait_until(lambda: words(node, "GET") == [b"a", b"c"])
            node.release(1)
            assert await last.result() == b"c"
            assert pool.stats().taken_back == 1
            assert pool.stats().dropped == 0


async def test_those_who_give_up_at_the_door_make_room_and_are_counted(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            transport = pool._shared.only
            assert transport is not None
            callers.start(pool.execute, "GET", "first")
            await stand_in_line(pool, 1)
            patient = []
            for turn in range(4):
                hasty = [callers.start(pool.execute, "GET", "hasty", timeout=0.01) for _ in range(20)]
                assert {type(await caller.outcome()) for caller in hasty} == {ReadTimeout}
                patient += [callers.start(pool.execute, "GET", f"k{10 * turn + number}") for number in range(10)]
                await wait_until(lambda: sum(not waiter[-1].done() for waiter in list(transport._admission)) == len(patient))
            assert transport.waiting <= 80  # of 120 that came
            node.on("GET", echo)
            await wait_until(lambda: node.release() == 0 and all(caller.is_done for caller in patient))
            assert [await caller.result() for caller in patient] == [b"k%d" % number for number in range(40)]
            assert b"hasty" not in words(node, "GET")
            await wait_until(lambda: transport.waiting == 0)
            assert (pool.stats().taken_back, pool.stats().dropped) == (80, 0)


async def test_a_run_without_reply_waits_at_the_door_too(callers: Callers) -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": b"+OK\r\n", "SET": b""}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "GET", "a")
            await stand_in_line(pool, 1)
            told = callers.start(pool.execute_noreply, "SET", "k", "v")
            await stand_in_line(pool, 2)
            assert not told.is_done
            await wait_until(lambda: node.calls("GET"))
            node.release(1)
            assert await first.result() == b"a"
            assert await told.result() is None
            await wait_until(lambda: node.calls("CLIENT REPLY ON"))


async def test_callers_at_the_door_of_a_lost_connection_were_not_sent_and_go_elsewhere(callers: Callers) -> None:
    with FakeNode({"INCR": Hold(b":1\r\n"), "SET": echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1) as pool:
            first = callers.start(pool.execute, "INCR", "a")
            await stand_in_line(pool, 1)
            second = callers.start(pool.execute, "SET", "b", "v")
            await stand_in_line(pool, 2)
            await wait_until(lambda: node.calls("INCR"))
            node.drop()
            outcome = await first.outcome()
            assert type(outcome).__name__ == "OutcomeUnknown"
            assert await second.result() == b"b"  # a write, sent again because it had not been sent
            assert len(node.calls("INCR")) == 1


async def test_the_cap_is_the_same_after_callers_have_waited_at_the_door(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=3) as pool:
            for _ in range(2):
                group = [callers.start(pool.execute, "GET", f"k{number}") for number in range(6)]
                await stand_in_line(pool, 6)
                assert pool.stats().in_flight == 3
                await wait_until(lambda group=group: node.release() == 0 and all(caller.is_done for caller in group))


async def test_a_run_without_reply_at_the_door_of_a_lost_connection_goes_elsewhere(callers: Callers) -> None:
    script = {"GET": Hold(b"+OK\r\n"), "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": b"+OK\r\n", "SET": b""}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1, max_in_flight=1, retry=RetryPolicy()) as pool:
            first = callers.start(pool.execute, "GET", "a")
            await stand_in_line(pool, 1)
            told = callers.start(pool.execute_noreply, "SET", "k", "v")
            await stand_in_line(pool, 2)
            await wait_until(lambda: node.calls("GET"))
            node.on("GET", b"+OK\r\n")
            node.drop()
            assert await first.result() == b"OK"
            await told.result()
            await wait_until(lambda: words(node, "SET") == [b"k"])
            assert node.calls("SET")[0].connection == 2
