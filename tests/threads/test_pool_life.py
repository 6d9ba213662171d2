# Generated from tests/asyncio_/test_pool_life.py by tools/generate.py. Do not edit.
"""A pool's life: opening, waiting for it to be ready, closing in every state (R-32, R-33)."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from typing import Any

import pytest

from answers import NIL, OK
from threads.harness import Callers, Signal, now, rest, socket_of, wait_until
from respool import Pool
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    PoolClosed,
    PoolTimeout,
    UsageError,
    UsageTypeError,
)
from respool.testing import FakeNode, Hold, Server, Silence
from respool.testing._ports import candidates
from respool.testing._script import hello


def dead_url() -> str:
    """Return the URL of a port without a listener."""
    return f"redis://127.0.0.1:{next(candidates())}"


def held_hello(command: tuple[bytes, ...], connection: Any) -> Hold:
    return Hold(hello(command, connection))


# Opening ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make_another", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_pool_is_not_copied_and_lives_on(server: Server, make_another: Any) -> None:
    with Pool(server.url) as pool:
        with pytest.raises(UsageTypeError, match="cannot be copied or pickled; make one in each process"):
            make_another(pool)
        gc.collect()  # a dropped copy would close connections that are not its own
        assert pool.execute("PING") == b"PONG"
        assert pool.stats().opened == 1


def test_making_a_pool_does_no_io_and_the_first_use_opens_it(server: Server) -> None:
    pool = Pool(server.url, shared=0, min_size=2)
    assert (pool.size, pool.dialing, pool.closed) == (0, 0, False)
    assert server.client_count() == 0
    assert pool.execute("PING") == b"PONG"
    wait_until(lambda: pool.size == 2)
    pool.close()


def test_open_returns_when_the_minimum_is_up(server: Server) -> None:
    pool = Pool(server.url, shared=0, min_size=4)
    pool.open()
    assert (pool.idle, pool.size, server.client_count()) == (4, 4, 4)
    pool.open()  # opening again does nothing
    assert pool.size == 4
    pool.close()


def test_open_without_waiting_returns_at_once_and_wait_ready_waits() -> None:
    with FakeNode({"HELLO": held_hello}) as node:
        pool = Pool(node.url, shared=0, min_size=1)
        pool.open(wait=False)
        assert (pool.idle, pool.dialing) == (0, 1)
        with pytest.raises(PoolTimeout) as caught:
            pool.wait_ready(timeout=0.05)
        assert caught.value.dialing == 1
        node.release()
        pool.wait_ready(timeout=2)
        assert pool.idle == 1
        pool.close()


def test_open_on_a_dead_port_leaves_nothing_and_can_be_tried_again() -> None:
    with FakeNode() as node:
        url = node.url
    pool = Pool(url, shared=0, min_size=3)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            pool.open()
        assert (pool.size, pool.dialing, pool.closed) == (0, 0, False)
    node.start()
    pool.open()
    assert pool.idle == 3
    pool.close()
    node.stop()


def test_open_with_a_wrong_password_says_so(server: Server) -> None:
    server.command("ACL", "SETUSER", "bob", "on", ">right", "+@all")
    pool = Pool(server.url, username="bob", password="wrong", shared=0, min_size=2)
    started = now()
    with pytest.raises(AuthenticationFailed) as caught:
        pool.open()
    assert now() - started < 4.0
    assert "wrong" not in str(caught.value).replace("WRONGPASS", "")
    assert pool.size == 0
    pool.close()
    server.command("ACL", "DELUSER", "bob")


def test_open_does_not_wait_longer_than_it_may() -> None:
    with FakeNode.silent() as node:
        pool = Pool(node.url, shared=0, min_size=1, connect_timeout=2.0)
        started = now()
        with pytest.raises(PoolTimeout):
            pool.open(timeout=0.1)
        assert now() - started < 1.5
        assert (pool.size, pool.dialing) == (0, 0)
        with pytest.raises(ConnectTimeout):
            pool.open()
        assert (pool.size, pool.dialing) == (0, 0)
        pool.close()


def test_the_block_of_a_pool_that_cannot_be_opened_is_not_entered() -> None:
    with pytest.raises(ConnectFailed):
        with Pool(dead_url(), shared=0, min_size=1):
            raise AssertionError("never here")


def test_wait_ready_names_the_last_cause_and_goes_on_trying() -> None:
    with FakeNode() as node:
        url = node.url
    pool = Pool(url, shared=0, min_size=2)
    pool.open(wait=False)
    with pytest.raises(PoolTimeout) as caught:
        pool.wait_ready(timeout=0.1)
    assert isinstance(caught.value.__cause__, ConnectFailed)
    assert isinstance(caught.value.last_dial_error, ConnectFailed)
    node.start()
    pool.wait_ready(timeout=4)
    assert pool.idle == 2
    pool.close()
    node.stop()


def test_callers_who_open_a_pool_at_the_same_time_open_one(callers: Callers) -> None:
    with FakeNode() as node:
        pool = Pool(node.url, shared=0, min_size=2)
        for _ in range(10):
            callers.start(pool.open)
        callers.results()
        assert (pool.idle, node.connections) == (2, 2)
        pool.close()


def test_callers_who_open_a_dead_pool_at_the_same_time_all_hear_why(callers: Callers) -> None:
    pool = Pool(dead_url(), shared=0, min_size=2)
    for _ in range(6):
        callers.start(pool.open)
    assert {type(outcome) for outcome in callers.outcomes()} == {ConnectFailed}
    assert (pool.size, pool.dialing) == (0, 0)
    pool.close()


def test_opening_an_open_pool_in_vain_takes_nothing_from_those_who_use_it(callers: Callers) -> None:
    with FakeNode() as node:
        pool = Pool(node.url, shared=0, min_size=1)
        pool.open()
        lease = pool.acquire()
        node.on("HELLO", held_hello)
        pool.resize(min_size=2)
        with pytest.raises(PoolTimeout):
            pool.open(timeout=0.05)
        assert lease.execute("PING") == b"PONG"
        node.release()
        pool.wait_ready(timeout=2)
        pool.release(lease)
        assert (pool.idle, node.connections) == (2, 2)
        pool.close()


# Closing ----------------------------------------------------------------------------------------------------


def test_closing_closes_all_connections_before_it_returns() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=0, min_size=5) as pool:
            assert node.open_connections == 5
            ours = [socket_of(connection._transport) for connection in pool._serving.node.connections()]  # type: ignore[union-attr]
        assert [sock.fileno() for sock in ours] == [-1] * 5
        assert pool.closed
        assert (pool.size, pool.idle, pool.leased, pool.dialing, pool.waiting) == (0, 0, 0, 0, 0)
        wait_until(lambda: node.open_connections == 0)


def test_a_lease_outlives_the_close_and_is_closed_when_it_comes_back(server: Server) -> None:
    pool = Pool(server.url, shared=0)
    lease = pool.acquire()
    pool.close()
    assert (pool.leased, pool.size) == (1, 1)
    assert lease.execute("PING") == b"PONG"
    pool.release(lease)
    assert (pool.leased, pool.size) == (0, 0)
    wait_until(lambda: server.client_count() == 0)


def test_a_dirty_lease_that_comes_back_after_the_close_is_closed(server: Server) -> None:
    pool = Pool(server.url, shared=0)
    with pool.acquire() as lease:
        lease.execute("MULTI")
        pool.close()
    assert pool.size == 0
    wait_until(lambda: server.client_count() == 0)


def test_waiting_callers_are_told_at_once_that_the_pool_is_closed(server: Server, callers: Callers) -> None:
    pool = Pool(server.url, shared=0, max_size=1)
    lease = pool.acquire()
    for _ in range(5):
        callers.start(pool.execute, "PING")
    callers.start(pool.acquire)
    wait_until(lambda: pool.waiting == 6)
    pool.close()
    assert pool.waiting == 0
    assert [type(outcome) for outcome in callers.outcomes()] == [PoolClosed] * 6
    pool.release(lease)


@pytest.mark.parametrize("silent", ["handshake", "connect"])
def test_closing_while_connecting_does_not_wait_for_the_network(callers: Callers, silent: str) -> None:
    with FakeNode.silent() if silent == "handshake" else FakeNode.full() as node:
        pool = Pool(node.url, shared=0, connect_timeout=5.0 if silent == "handshake" else 1.0)
        caller = callers.start(pool.acquire)
        wait_until(lambda: pool.dialing == 1 and (silent == "connect" or node.calls("HELLO")))
        started = now()
        pool.close()
        assert now() - started < 3.0
        assert isinstance(caller.outcome(), PoolClosed)
        assert (pool.size, pool.dialing, pool.waiting) == (0, 0, 0)


def test_closing_while_a_connection_is_made_clean_does_not_wait_for_it(server: Server) -> None:
    with FakeNode({"RESET": Hold(), "WATCH": b"+OK\r\n"}) as node:
        pool = Pool(node.url, shared=0, connect_timeout=5.0)
        with pool.acquire() as conn:
            conn.execute("WATCH", "k")
        wait_until(lambda: node.calls("RESET"))
        started = now()
        pool.close()
        assert now() - started < 3.0
        assert pool.size == 0
        wait_until(lambda: node.open_connections == 0)


def test_closing_while_a_connection_is_probed_does_not_wait_for_it() -> None:
    with FakeNode({"PING": Hold()}) as node:
        pool = Pool(node.url, shared=0, min_size=1, keepalive=0.02)
        pool.open()
        wait_until(lambda: node.calls("PING"))
        started = now()
        pool.close()
        assert now() - started < 3.0
        assert pool.size == 0


def test_closing_twice_or_at_the_same_time_is_fine(server: Server, callers: Callers) -> None:
    pool = Pool(server.url, shared=0, min_size=2)
    pool.open()
    for _ in range(5):
        callers.start(pool.close)
    callers.results()
    pool.close()
    assert pool.closed
    assert server.client_count() == 0


def test_a_pool_that_was_never_opened_can_be_closed(server: Server) -> None:
    pool = Pool(server.url)
    pool.close()
    assert pool.closed
    with pytest.raises(PoolClosed):
        pool.execute("PING")


def test_whoever_is_using_a_connection_at_the_close_gets_the_reply(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        pool = Pool(node.url, shared=0)
        caller = callers.start(pool.execute, "GET", "k")
        wait_until(lambda: node.calls("GET"))
        pool.close()
        assert not caller.is_done
        node.release()
        assert caller.result() is None
        assert pool.size == 0
        wait_until(lambda: node.open_connections == 0)


def test_a_pool_that_is_closing_takes_no_new_commands(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        pool = Pool(node.url, shared=2)
        pool.open()
        caller = callers.start(pool.get, "k")
        wait_until(lambda: node.calls("GET"))
        closing = callers.start(pool.close)
        wait_until(lambda: pool.closed and pool._serving is not None and pool._serving.node.ledger.closed)
        for call in (pool.get, pool.execute_noreply, lambda _: pool.execute_many([["GET", "k"]])):
            with pytest.raises(PoolClosed):
                call("k")
        assert pool.stats().in_flight == 1
        node.release()
        assert caller.result() is None
        closing.result()
        assert len(node.calls("GET")) == 1


def test_closing_waits_for_runs_that_nobody_waits_for() -> None:
    script = {"CLIENT REPLY OFF": b"", "SET": b"", "CLIENT REPLY ON": Hold(OK)}
    with FakeNode(script) as node:
        pool: Pool[bytes] = Pool(node.url, shared=1)
        pool.open()
        before = pool.stats().replies
        pool.execute_noreply("SET", "k", "v")
        wait_until(lambda: node.calls("CLIENT REPLY ON"))
        node.release()
        pool.close()
        assert pool.stats().replies > before  # it was read, so all before it has run
        assert pool.stats().in_flight == 0


def test_closing_waits_no_longer_than_its_time_and_tells_whoever_is_in_flight(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        pool: Pool[bytes] = Pool(node.url, shared=1, read_timeout=60.0)
        pool.open()
        caller = callers.start(pool.execute, "GET", "k")
        wait_until(lambda: node.calls("GET"))
        started = now()
        pool.close(timeout=0.05)
        assert 0.045 <= now() - started < 2.0
        outcome = caller.outcome()
        assert isinstance(outcome, ConnectionLost | PoolClosed)


def test_closing_does_not_wait_for_a_connection_that_has_ended(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        pool: Pool[bytes] = Pool(node.url, shared=1, read_timeout=60.0)
        pool.open()
        caller = callers.start(pool.execute, "GET", "k")
        wait_until(lambda: node.calls("GET"))
        closing = callers.start(pool.close)
        wait_until(lambda: pool.closed)
        node.drop()
        closing.result()
        assert isinstance(caller.outcome(), ConnectionLost | PoolClosed)


def test_open_that_meets_a_close_says_so_and_leaves_nothing(callers: Callers) -> None:
    with FakeNode({"HELLO": held_hello}) as node:
        pool = Pool(node.url, shared=0, min_size=1)
        caller = callers.start(pool.open)
        wait_until(lambda: node.calls("HELLO"))
        pool.close()
        assert isinstance(caller.outcome(), PoolClosed)
        assert pool.size == 0


@pytest.mark.parametrize("was_open", [True, False])
def test_after_the_close_every_use_says_so(server: Server, was_open: bool) -> None:
    pool = Pool(server.url, shared=0)
    if was_open:
        pool.open()
    pool.close()
    for use in (
        lambda: pool.execute("PING"),
        lambda: pool.get("k"),
        lambda: pool.execute("PING", timeout=1.0),
        lambda: pool.execute("BLPOP", "k", 1),
        lambda: pool.execute_many([("PING",), ("PING",)]),
        lambda: pool.execute_noreply("PING"),
        lambda: pool.select(1),
        pool.open,
        pool.wait_ready,
    ):
        with pytest.raises(PoolClosed):
            use()
    with pytest.raises(PoolClosed):
        pool.acquire()
    with pytest.raises(PoolClosed):
        with pool.acquire(timeout=0):
            raise AssertionError("never here")
    with pytest.raises(PoolClosed):
        with pool:
            raise AssertionError("never here")
    pool.clear()
    pool.resize(max_size=3)
    pool.drain()
    assert (pool.size, pool.max_size, pool.closed) == (0, 3, True)
    assert "closed" in repr(pool)


def test_a_bad_timeout_opens_nothing(server: Server) -> None:
    pool = Pool(server.url)
    for bad in ("1", float("nan"), True, 10**400):
        for call in (pool.wait_ready, pool.open, lambda timeout: pool.execute("PING", timeout=timeout)):
            with pytest.raises(UsageError, match="timeout"):
                call(timeout=bad)
        with pytest.raises(UsageError, match="timeout"):
            pool.execute_many([("PING",)], timeout=bad)  # type: ignore[arg-type]
    assert "unopened" in repr(pool)
    assert pool.ping()
    pool.close()


def test_close_checks_its_timeout(server: Server) -> None:
    pool = Pool(server.url)
    for timeout in ("1", float("nan"), True):
        with pytest.raises(UsageError):
            pool.close(timeout=timeout)  # type: ignore[arg-type]
    pool.close()


def test_a_storm_of_callers_meets_a_close_and_every_one_comes_back(server: Server, callers: Callers) -> None:
    started = Signal()

    def use(pool: Pool[Any]) -> int:
        count = 0
        try:
            while True:
                assert pool.execute("ECHO", count) == str(count).encode()
                count += 1
                if count == 5:
                    started.set()
        except PoolClosed:
            return count

    pool = Pool(server.url, shared=0, max_size=3)
    for _ in range(12):
        callers.start(use, pool)
    started.wait()
    pool.close()
    callers.results()
    wait_until(lambda: pool.size == 0)
    stats = pool.stats()
    assert stats.leases == stats.releases
    assert stats.opened == stats.closed


def test_closing_calls_off_a_dial_under_way() -> None:
    with FakeNode.full() as node:
        pool = Pool(node.url, shared=1, connect_timeout=20.0)
        pool.open(wait=False)
        wait_until(lambda: pool._serving is not None and pool._serving.node.in_making)  # it connects
        started = now()
        pool.close()
        assert now() - started < 2.0
        assert pool.size == 0


def test_closing_calls_off_a_tls_handshake_under_way() -> None:
    with FakeNode(accepting=False) as node:
        pool = Pool(f"rediss://127.0.0.1:{node.port}", shared=1, connect_timeout=20.0)
        pool.open(wait=False)
        wait_until(lambda: pool._serving is not None and pool._serving.node.in_making)  # it connects
        started = now()
        pool.close()
        assert now() - started < 2.0
        assert pool.size == 0


def test_a_pool_that_is_dropped_open_is_closed_with_a_warning(server: Server) -> None:
    before = server.client_count()
    with pytest.warns(ResourceWarning, match="never closed"):
        forget_one(server)
        gc.collect()
    wait_until(lambda: server.client_count() == before)
    rest()


def test_it_is_closed_too_if_that_warning_is_an_error(server: Server, printed: list[str]) -> None:
    before = server.client_count()
    forget_one(server)
    gc.collect()
    wait_until(lambda: server.client_count() == before)
    rest()
    assert len(printed) == 1
    assert "was never closed" in printed[0]


def forget_one(server: Server) -> None:
    pool = Pool(server.url, shared=1, min_size=3)
    pool.open()
    assert pool.execute("PING") == b"PONG"


def test_a_pool_need_not_warn_when_it_is_dropped_and_is_closed_all_the_same(server: Server) -> None:
    before = server.client_count()
    pool: Any = Pool(server.url, warn_unclosed=False)
    assert pool.execute("PING") == b"PONG"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del pool
        gc.collect()
    assert [str(warning.message) for warning in told if warning.category is ResourceWarning] == []
    wait_until(lambda: server.client_count() == before)
