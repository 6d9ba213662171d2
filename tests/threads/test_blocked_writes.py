# Generated from tests/asyncio_/test_blocked_writes.py by tools/generate.py. Do not edit.
"""A peer that does not read what we send: no deadlock, no lost byte, no caller waits beyond its timeout (P-13)."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Self

import hiredis
import pytest

from answers import OK, bulk, echo
from threads.harness import Callers, now, wait_until
from respool import Pool
from respool.errors import OutcomeUnknown, ReadTimeout, TransportError
from respool.testing import Delay, FakeNode, FaultProxy, Server

BIG = b"x" * 8_000_000


class StubbornNode:
    """A RESP2 echo server of one client that does not read while its own write blocks."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="stubborn", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._listener.close()
        self._thread.join(5.0)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        reader = hiredis.Reader()
        with client:
            while data := client.recv(65536):
                reader.feed(data)
                while (words := reader.gets()) is not False:
                    client.sendall(bulk(words[1]) if words[0] == b"ECHO" else OK)


def test_two_full_buffers_are_no_deadlock(callers: Callers) -> None:
    with StubbornNode() as node:
        with Pool(node.url, shared=1, protocol=2) as pool:
            values = [bytes([65 + number]) * 4_000_000 for number in range(8)]
            for value in values:
                callers.start(pool.execute, "ECHO", value)
            assert callers.results() == values


def test_two_full_buffers_within_one_pipeline_are_no_deadlock(callers: Callers) -> None:
    with StubbornNode() as node:
        with Pool(node.url, max_size=1, protocol=2, shared=0) as pool:
            values = [bytes([65 + number % 26]) * 100_000 for number in range(200)]
            assert pool.execute_many([("ECHO", value) for value in values]) == values


def test_what_waited_for_the_socket_arrives_whole_and_in_order(callers: Callers) -> None:
    with FakeNode({"SET": OK, "GET": echo}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            proxy.up.stop_reading = True
            big = callers.start(pool.execute, "SET", "k", BIG)
            wait_until(lambda: pool.stats().in_flight == 1)
            small = [callers.start(pool.execute, "GET", f"k{number}") for number in range(5)]
            wait_until(lambda: pool.stats().in_flight == 6)
            assert not big.is_done
            proxy.heal()
            assert big.result() == b"OK"
            assert [caller.result() for caller in small] == [b"k0", b"k1", b"k2", b"k3", b"k4"]
            assert [len(seen.command[2]) for seen in node.calls("SET")] == [len(BIG)]
            assert proxy.connections == 1


def test_a_peer_that_takes_nothing_is_given_up_after_read_timeout(callers: Callers) -> None:
    with FakeNode({"SET": OK, "GET": echo}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, read_timeout=1.0, connect_timeout=5.0, retry=None) as pool:
            proxy.up.stop_reading = True
            started = now()
            big = callers.start(pool.execute, "SET", "k", BIG)
            wait_until(lambda: pool.stats().in_flight == 1)
            small = callers.start(pool.execute, "GET", "a")
            assert type(big.outcome()) is ReadTimeout
            assert isinstance(small.outcome(), TransportError)
            assert 0.99 <= now() - started < 4.0
            proxy.heal()
            assert pool.execute("GET", "b") == b"b"
            assert node.calls("SET") == []


def test_a_peer_that_takes_bytes_slowly_is_not_given_up(callers: Callers) -> None:
    with FakeNode({"SET": OK, "GET": echo}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, read_timeout=0.6, connect_timeout=5.0, retry=None) as pool:
            proxy.up.bandwidth = 8_000_000
            started = now()
            assert pool.execute("SET", "k", BIG) == b"OK"
            assert now() - started > 0.7
            assert proxy.connections == 1


def test_a_peer_that_has_taken_all_bytes_late_has_its_whole_time_to_answer(callers: Callers) -> None:
    with FakeNode({"SET": Delay(0.6, OK)}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, read_timeout=1.0, connect_timeout=5.0, retry=None) as pool:
            proxy.up.stop_reading = True
            half_time = now() + 0.6
            big = callers.start(pool.execute, "SET", "k", BIG)
            wait_until(lambda: now() > half_time)
            proxy.heal()
            assert big.result() == b"OK"
            assert (proxy.connections, pool.stats().lost) == (1, 0)


def test_a_caller_with_a_time_of_its_own_comes_back_while_the_socket_is_full(callers: Callers) -> None:
    with FakeNode({"SET": OK, "GET": echo, "INCR": b":1\r\n"}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            proxy.up.stop_reading = True
            started = now()
            big = callers.start(pool.execute, "SET", "k", BIG, timeout=0.2)
            wait_until(lambda: pool.stats().in_flight == 1)
            for number in range(10):
                callers.start(pool.execute, "INCR", f"k{number}", timeout=0.1)
            run = callers.start(pool.execute_many, [("INCR", "a"), ("INCR", "b")], timeout=0.1)
            outcomes: list[Any] = callers.outcomes()
            assert [type(outcome) for outcome in outcomes] == [ReadTimeout] * 12
            assert now() - started < 4.0
            with pytest.raises(ReadTimeout):
                run.result()
            proxy.heal()
            assert pool.execute("GET", "after") == b"after"
            assert node.calls("INCR") == []
            assert (pool.stats().taken_back, pool.stats().dropped) == (12, 1)
            assert big.is_done
            assert proxy.connections == 1


def test_what_waited_behind_a_blocked_write_is_sent_elsewhere_when_the_connection_ends(
    callers: Callers, server: Server
) -> None:
    with FaultProxy(server, socket_buffer_bytes=4096, buffer_bytes=4096) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            transport: Any = pool._shared.only
            proxy.up.stop_reading = True
            blocked = callers.start(pool.execute, "SET", "big", BIG)
            wait_until(lambda: getattr(transport, "_paused", False) or getattr(transport, "_rest", b""))
            waiting = callers.start(pool.incr, "n")
            wait_until(lambda: transport.owes == 2)
            proxy.up.stop_reading = False
            proxy.cut()
            assert waiting.result() == 1  # a write, retried because it was certainly not sent
            assert isinstance(blocked.outcome(), OutcomeUnknown)
