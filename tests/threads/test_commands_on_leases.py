# Generated from tests/asyncio_/test_commands_on_leases.py by tools/generate.py. Do not edit.
"""A pool without shared connections leases one for each command: what is counted, and what a command may cost."""

from __future__ import annotations

from typing import Any

import pytest

from answers import NIL, OK
from threads.harness import Callers, rest, wait_until
from respool import Pool
from respool.errors import ConnectionLost, PoolClosed, PoolTimeout, ReadOnly, ServerError, UsageTypeError
from respool.testing import Close, FakeNode, Hold, Server


def test_each_command_counts_as_a_lease_that_came_back(server: Server) -> None:
    with Pool(server.url, shared=0) as pool:
        for number in range(20):
            assert pool.incr("k") == number + 1
        stats = pool.stats()
        assert (stats.leases, stats.releases, stats.leased, stats.opened, stats.idle) == (20, 20, 0, 1, 1)


def test_a_bad_argument_or_an_error_of_the_server_costs_no_connection(server: Server) -> None:
    pool: Any
    with Pool(server.url, shared=0) as pool:
        pool.set("k", "text")
        with pytest.raises(UsageTypeError):
            pool.execute("SET", "k", object())
        with pytest.raises(ServerError):
            pool.incr("k")
        assert pool.get("k") == b"text"
        assert (pool.stats().opened, pool.idle, pool.leased) == (1, 1, 0)


def test_a_connection_that_has_ended_while_idle_costs_no_try(server: Server) -> None:
    with Pool(server.url, shared=0, retry=None) as pool:
        assert pool.incr("k") == 1
        server.command("CLIENT", "KILL", "TYPE", "normal")
        rest()
        assert pool.incr("k") == 2
        assert (pool.stats().lost, pool.stats().retries) == (1, 0)


def test_a_connection_that_ends_in_a_command_is_not_idle_after_it() -> None:
    with FakeNode({"GET": Close(), "SET": OK}) as node:
        with Pool(node.url, shared=0, retry=None) as pool:
            pool.set("k", 1)
            with pytest.raises(ConnectionLost):
                pool.get("k")
            assert (pool.size, pool.idle, pool.leased) == (0, 0, 0)
            pool.set("k", 2)
            assert pool.stats().lost == 1


def test_a_connection_that_was_idle_for_long_is_asked_first() -> None:
    with FakeNode({"GET": NIL, "PING": b"+PONG\r\n"}) as node:
        with Pool(node.url, shared=0, keepalive=1000.0) as pool:
            assert pool.get("k") is None
            assert pool._serving is not None
            (slot,) = (*pool._serving.ledger.idle_slots, *pool._serving.ledger.kept_slots)
            slot.idle_since -= 1001.0
            assert pool.get("k") is None
            assert len(node.calls("PING")) == 1


def test_what_waits_for_a_lease_is_served_first(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        lease = pool.acquire()
        first = callers.start(pool.acquire)
        wait_until(lambda: pool.waiting == 1)
        second = callers.start(pool.incr, "k")
        wait_until(lambda: pool.waiting == 2)
        pool.release(lease)
        lease = first.result()
        assert not second.is_done
        pool.release(lease)
        assert second.result() == 1


def test_whoever_waits_gets_the_connection_of_a_command(callers: Callers) -> None:
    with FakeNode({"GET": Hold(b"$1\r\nx\r\n"), "SET": OK}) as node:
        with Pool(node.url, shared=0, max_size=1) as pool:
            pool.set("k", 1)
            reader = callers.start(pool.get, "k")
            wait_until(lambda: node.calls("GET"))
            with pytest.raises(PoolTimeout):
                pool.acquire(timeout=0.0)
            waiter = callers.start(pool.acquire)
            wait_until(lambda: pool.waiting == 1)
            node.release()
            assert reader.result() == b"x"
            pool.release(waiter.result())
            assert pool.stats().opened == 1


def test_a_pool_that_is_closed_meanwhile_takes_its_connection_back(callers: Callers) -> None:
    with FakeNode({"GET": Hold(b"$1\r\nx\r\n"), "SET": OK}) as node:
        pool = Pool(node.url, shared=0, max_size=1)
        pool.set("k", 1)
        reader = callers.start(pool.get, "k")
        wait_until(lambda: node.calls("GET"))
        pool.close(timeout=0.0)
        with pytest.raises(PoolClosed):
            pool.get("k")
        assert (pool.size, pool.leased) == (1, 1)
        node.release()
        assert reader.result() == b"x"
        assert (pool.size, pool.leased) == (0, 0)


@pytest.mark.parametrize(
    ("words", "opened"),
    [("You can't write against a read only replica.", 2), ("said by a script", 1)],
    ids=["by the node", "by a script"],
)
def test_only_the_node_itself_can_say_that_it_was_demoted(words: str, opened: int) -> None:
    with FakeNode({"FCALL": f"-READONLY {words}\r\n".encode(), "SET": OK}) as node:
        with Pool(node.url, shared=0, retry=None) as pool:
            pool.set("k", 1)
            with pytest.raises(ReadOnly):
                pool.execute("FCALL", "f", 1, "k")
            pool.set("k", 2)
            assert pool.stats().opened == opened


def test_after_a_resize_a_command_gives_its_connection_up(callers: Callers) -> None:
    with FakeNode({"GET": Hold(b"$1\r\nx\r\n")}) as node:
        with Pool(node.url, shared=0, max_size=3) as pool:
            for _ in range(2):
                pool.release(pool.acquire())
            readers = [callers.start(pool.get, "k") for _ in range(3)]
            wait_until(lambda: len(node.calls("GET")) == 3)
            pool.resize(max_size=1)
            node.release()
            for reader in readers:
                assert reader.result() == b"x"
            wait_until(lambda: pool.size == node.open_connections == 1)
