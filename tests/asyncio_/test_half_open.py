# Written once: tests/threads/test_half_open.py is generated from this file.
"""A connection ends if replies are pending and nothing comes for ``read_timeout``; callers have timeouts too (R-14)."""

from __future__ import annotations

import gc
import os

import pytest

from answers import SlowEcho, echo, held_echo, words
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool
from respool.errors import ConnectionLost, OutcomeUnknown, ReadTimeout, TransportError
from respool.testing import Close, FakeNode, FaultProxy, Server, Silence


async def test_a_silent_server_is_given_up_after_read_timeout() -> None:
    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.0, retry=None) as pool:
            started = now()
            with pytest.raises(ReadTimeout) as caught:
                await pool.execute("GET", "k")
            assert 0.99 <= now() - started < 4.0
            assert caught.value.executed == "unknown"
            assert isinstance(caught.value, TimeoutError)
            assert str(node.port) in str(caught.value)
            await wait_until(lambda: node.open_connections == 1 and node.connections == 2)
            node.on("GET", echo)
            assert await pool.execute("GET", "k") == b"k"
            assert pool.stats().lost == 1


async def test_everything_in_flight_fails_with_the_silent_connection(callers: Callers) -> None:
    with FakeNode({"GET": Silence(), "INCR": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=0.1, retry=None) as pool:
            for number in range(5):
                callers.start(pool.execute, "GET", f"k{number}")
                callers.start(pool.execute, "INCR", f"k{number}")
            outcomes = await callers.outcomes()
            assert all(isinstance(outcome, ReadTimeout | ConnectionLost) for outcome in outcomes)
            assert len({id(outcome) for outcome in outcomes}) == 10  # every caller raises an error of its own
            assert all("no reply for 0.1 s" in str(outcome) for outcome in outcomes)


async def test_a_read_in_flight_is_asked_again_elsewhere_and_a_write_is_not() -> None:
    with FakeNode({"GET": echo, "INCR": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.0) as pool:
            node.once("GET", Silence())
            assert await pool.execute("GET", "k") == b"k"
            assert len(node.calls("GET")) == 2
            with pytest.raises(TransportError) as caught:
                await pool.execute("INCR", "k")
            assert caught.value.executed == "unknown"
            assert len(node.calls("INCR")) == 1


async def test_a_read_that_outlasts_read_timeout_is_asked_once_more_and_not_again_and_again() -> None:
    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=0.1) as pool:
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "k")
            assert len(node.calls("GET")) == 2


async def test_the_time_starts_again_with_every_reply(callers: Callers) -> None:
    with FakeNode({"GET": SlowEcho(0.3)}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.2) as pool:
            for number in range(6):
                callers.start(pool.execute, "GET", f"k{number}")
            assert await callers.results() == [b"k%d" % number for number in range(6)]
            assert node.connections == 1


async def test_a_reply_does_not_give_the_next_one_more_than_its_time(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.5, retry=None) as pool:
            node.once("GET", SlowEcho(0.3))
            started = now()
            callers.start(pool.execute, "GET", "answered")
            await wait_until(lambda: node.calls("GET"))
            callers.start(pool.execute, "GET", "not answered")
            answer, failure = await callers.outcomes()
            assert (answer, type(failure)) == (b"answered", ReadTimeout)
            assert 1.75 <= now() - started < 2.9  # and not 3.0


async def test_who_waits_on_when_another_gives_up_has_no_more_time_for_it(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=2.0, retry=None) as pool:
            started = now()
            callers.start(pool.execute, "GET", "a", timeout=1.6)
            await wait_until(lambda: node.calls("GET"))
            last = callers.start(pool.execute, "GET", "b")
            assert type(await last.outcome()) in (ReadTimeout, ConnectionLost)
            assert 1.95 <= now() - started < 3.4  # and not 3.6
            await callers.outcomes()


async def test_new_commands_are_no_sign_of_life(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=0.5, retry=None) as pool:
            first = callers.start(pool.execute, "GET", "first")
            started = asked = now()
            while not first.is_done and now() < started + 4.0:
                callers.start(pool.execute, "GET", "more")  # always before the timeout
                asked += 0.02
                await wait_until(lambda until=asked: now() > until)
            assert isinstance(await first.outcome(), ReadTimeout)
            assert now() < started + 4.0
            await callers.outcomes()


async def test_a_silence_while_nothing_is_owed_does_not_count() -> None:
    with FakeNode({"GET": SlowEcho(0.2)}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=1.2) as pool:
            await pool.execute("GET", "a")
            rested = now() + 1.3
            await wait_until(lambda: now() > rested)
            assert await pool.execute("GET", "b") == b"b"
            assert node.connections == 1


async def test_the_time_of_a_command_begins_when_it_is_the_oldest_and_not_with_an_earlier_one(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=1, read_timeout=2.0, retry=None) as pool:
            started = now()
            await pool.execute("GET", "a")
            await wait_until(lambda: now() > started + 1.0)
            node.on("GET", held_echo)
            late = callers.start(pool.execute, "GET", "b")
            await wait_until(lambda: now() > started + 2.2)  # longer than the timeout, counted from the first one
            assert not late.is_done
            await wait_until(lambda: node.release() or late.is_done)
            assert await late.result() == b"b"
            assert node.connections == 1


async def test_the_callers_own_time_ends_its_wait_and_keeps_the_connection() -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            started = now()
            with pytest.raises(ReadTimeout) as caught:
                await pool.execute("GET", "late", timeout=0.05)
            assert 0.045 <= now() - started < 3.0  # and not read_timeout
            assert caught.value.executed == "unknown"
            await wait_until(lambda: node.release(1))
            node.on("GET", echo)
            assert await pool.execute("GET", "next") == b"next"
            assert words(node, "GET") == [b"late", b"next"]
            assert node.connections == 1
            assert pool.stats().dropped == 1
            assert pool.stats().in_flight == 0
            assert pool.stats().retries == 0


async def test_the_callers_own_time_bounds_a_pipeline_too() -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            with pytest.raises(ReadTimeout):
                await pool.execute_many([("GET", "a"), ("GET", "b")], timeout=0.05)
            node.on("GET", echo)
            await wait_until(lambda: node.release())
            assert await pool.execute_many([("GET", "c"), ("GET", "d")]) == [b"c", b"d"]
            assert node.connections == 1
            assert pool.stats().dropped == 2
            assert pool.stats().in_flight == 0


async def test_a_time_of_zero_or_less_does_not_wait() -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            for timeout in (0, -1):
                started = now()
                with pytest.raises(ReadTimeout):
                    await pool.execute("GET", "k", timeout=timeout)
                assert now() - started < 3.0  # and not read_timeout
            await wait_until(lambda: node.release() == 0 and not pool.stats().in_flight)
            node.on("GET", echo)
            assert await pool.execute("GET", "next") == b"next"


async def test_a_server_that_sleeps_answers_everybody_in_the_end(callers: Callers, server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        hasty = callers.start(pool.execute, "DEBUG", "SLEEP", "1.5", timeout=0.05)
        await wait_until(lambda: pool.stats().in_flight == 1)
        patient = [callers.start(pool.execute, "ECHO", f"{number}") for number in range(5)]
        with pytest.raises(ReadTimeout):
            await hasty.result()
        assert [await caller.result() for caller in patient] == [b"0", b"1", b"2", b"3", b"4"]
        assert pool.stats().opened == 1


async def test_a_frozen_server_is_noticed_and_found_again(callers: Callers) -> None:
    with Server() as own:
        async with AsyncPool(own.url, shared=1, read_timeout=1.0, connect_timeout=2.0, retry=None) as pool:
            await pool.set("k", "v")
            own.pause()
            try:
                with pytest.raises(ReadTimeout):
                    await pool.get("k")
            finally:
                own.resume()
            await wait_until(lambda: pool.shared == 1)
            assert await pool.get("k") == b"v"


async def test_a_reply_that_arrives_in_pieces_keeps_the_connection_alive(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, read_timeout=0.9, connect_timeout=5.0) as pool:
            proxy.down.slice_size = 1
            proxy.down.slice_gap = 0.06
            started = now()
            assert await pool.execute("GET", "ten bytes.") == b"ten bytes."
            assert now() - started > 0.95
            assert proxy.connections == 1


async def test_the_end_of_a_connection_is_found_before_a_write_goes_to_it() -> None:
    with FakeNode({"INCR": b":1\r\n", "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": b"+OK\r\n", "SET": b""}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            for turn, call in enumerate(
                (
                    lambda: pool.execute("INCR", "a"),
                    lambda: pool.execute("INCR", "b", timeout=1.0),
                    lambda: pool.execute_many([("INCR", "c"), ("INCR", "c")]),
                    lambda: pool.execute_noreply("SET", "d", "v"),
                )
            ):
                node.drop()
                rested = now() + 0.003
                await wait_until(lambda until=rested: now() > until)
                await call()  # no OutcomeUnknown: nothing was written to the dead connection
                await wait_until(lambda opened=turn + 2: node.connections == opened)
            await wait_until(lambda: words(node, "SET") == [b"d"])
            assert words(node, "INCR") == [b"a", b"b", b"c", b"c"]


async def test_a_write_cut_on_its_way_has_an_unknown_outcome(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.down.limit_after(0, total=True)
            with pytest.raises(OutcomeUnknown) as caught:
                await pool.incr("k")
            assert caught.value.executed == "unknown"
            assert "INCR: the server closed the connection while a write was on its way" in str(caught.value)
            assert await pool.get("k") == b"1"


async def test_nothing_of_a_reply_that_came_by_half_stays_when_its_connection_is_lost() -> None:
    size = 8 * 1024 * 1024
    with FakeNode({"GET": (b"$%d\r\n" % (2 * size) + b"x" * size, Close())}) as node:
        async with AsyncPool(node.url, shared=0, retry=None) as pool:
            with pytest.raises(TransportError):
                await pool.execute("GET", "warm")
            gc.collect()
            before = resident()
            for _ in range(8):
                with pytest.raises(TransportError):
                    await pool.execute("GET", "k")
            assert resident() - before < 4 * size
            assert pool.stats().lost == 9


def resident() -> int:
    """Return how many bytes of memory this process uses."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
