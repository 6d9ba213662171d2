# Written once: tests/threads/test_outages.py is generated from this file.
"""A node stops and comes back: what callers get, and how the pool recovers by itself (R-13, R-17)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from answers import echo
from asyncio_.harness import Callers, Signal, now, rest, wait_until
from respool import AsyncPool, RetryPolicy
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    Error,
    OutcomeUnknown,
    PoolClosed,
    PoolTimeout,
    ServerError,
    TransportError,
)
from respool.testing import Close, FakeNode, FaultProxy, Hold, Server
from respool.testing._script import hello

PROMPT = RetryPolicy(base=0.001, cap=0.01, budget_floor=1000.0)


async def in_the_background(work: Any) -> None:
    """Run a blocking function in a thread while the callers go on."""
    thread = threading.Thread(target=work)
    thread.start()
    await wait_until(lambda: not thread.is_alive(), timeout=10.0)


async def test_reads_see_nothing_of_a_restart(callers: Callers) -> None:
    with Server() as own:
        async with AsyncPool(own.url, shared=2, retry=PROMPT) as pool:
            is_over = Signal()

            async def read(name: int) -> int:
                number = 0
                while not is_over.is_set:
                    number += 1
                    word = f"{name}:{number}"
                    assert await pool.execute("ECHO", word) == word.encode()
                return number

            for name in range(4):
                callers.start(read, name)
            await wait_until(lambda: pool.stats().replies > 50)
            await in_the_background(own.restart)
            await wait_until(lambda: pool.shared == 2)
            before = pool.stats().replies
            await wait_until(lambda: pool.stats().replies > before + 50)
            is_over.set()
            assert all(await callers.results())


async def test_a_caller_that_writes_meets_one_error_at_most_in_a_restart(callers: Callers, figure: Any) -> None:
    with Server() as own:
        async with AsyncPool(own.url, shared=1, retry=PROMPT) as pool:
            is_over = Signal()
            errors: list[BaseException] = []

            async def write() -> None:
                while not is_over.is_set:
                    try:
                        await pool.incr("k")
                    except TransportError as error:
                        errors.append(error)

            callers.start(write)
            await wait_until(lambda: pool.stats().replies > 50)
            await in_the_background(own.restart)
            before = pool.stats().replies
            await wait_until(lambda: pool.stats().replies > before + 50)
            is_over.set()
            await callers.results()
            assert len(errors) <= 1
            assert all(type(error) is OutcomeUnknown for error in errors)
            figure("P-09", "errors of a caller that writes, in one restart, at most", len(errors), most=True)


async def test_callers_wait_for_a_node_that_went_down_and_are_told_when_it_stays_away() -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=2.0, retry=PROMPT) as pool:
            assert await pool.execute("GET", "a") == b"a"
            proxy.refuse()
            proxy.cut()
            started = now()
            with pytest.raises(ConnectFailed) as caught:
                await pool.execute("GET", "b")
            assert 1.0 <= now() - started < 5.0
            assert caught.value.executed == "no"
            assert str(proxy.port) in str(caught.value)
            started = now()
            with pytest.raises(ConnectFailed):
                await pool.execute("GET", "c")  # the other callers get the error at once
            assert now() - started < 1.5
            proxy.accept()
            await wait_until(lambda: pool.shared == 1)
            assert await pool.execute("GET", "d") == b"d"


async def test_a_node_that_is_back_within_the_grace_costs_no_error(callers: Callers) -> None:
    with FakeNode({"GET": echo, "INCR": b":1\r\n"}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=2.0, retry=PROMPT) as pool:
            assert await pool.execute("GET", "a") == b"a"
            proxy.refuse()
            proxy.cut()
            await wait_until(lambda: pool.shared == 0 or pool._shared.only is not None)
            waiting = [callers.start(pool.execute, "GET", f"k{number}") for number in range(10)]
            until = now() + 0.1
            await wait_until(lambda: now() > until)
            assert not any(caller.is_done for caller in waiting)
            writing = callers.start(pool.execute, "INCR", "n")  # not sent yet, so it waits as well
            proxy.accept()
            assert [await caller.result() for caller in waiting] == [b"k%d" % number for number in range(10)]
            assert await writing.result() == 1
            assert len(node.calls("INCR")) == 1


async def test_a_lease_that_was_lost_before_takes_nothing_of_the_grace(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=2.0, retry=PROMPT) as pool:
            assert await pool.execute("GET", "a") == b"a"
            async with pool.acquire() as lease:
                assert await lease.execute("GET", "b") == b"b"
                node.drop(node.calls("GET")[-1].connection)
                with pytest.raises(ConnectionLost):
                    await lease.execute("GET", "c")
            await wait_until(lambda: pool.stats().lost == 1)
            until = now() + 2.0
            await wait_until(lambda: now() > until)
            proxy.refuse()
            proxy.cut()
            await wait_until(lambda: proxy.open_connections == 0)
            waiting = [callers.start(pool.execute, "GET", f"k{number}") for number in range(10)]
            await wait_until(lambda: pool.stats().dial_failures > 0)
            until = now() + 0.1
            await wait_until(lambda: now() > until)
            assert not any(caller.is_done for caller in waiting)
            proxy.accept()
            assert [await caller.result() for caller in waiting] == [b"k%d" % number for number in range(10)]


async def test_the_callers_time_bounds_the_wait_for_a_node_that_is_down() -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=5.0, retry=PROMPT) as pool:
            await pool.execute("GET", "a")
            proxy.refuse()
            proxy.cut()
            await wait_until(lambda: proxy.open_connections == 0)
            started = now()
            with pytest.raises(TimeoutError):
                await pool.execute("GET", "b", timeout=0.1)
            assert 0.048 <= now() - started < 3.0


async def test_the_callers_time_bounds_the_wait_for_a_node_that_never_answers() -> None:
    with FakeNode({"HELLO": b""}) as node:
        pool: AsyncPool[bytes] = AsyncPool(node.url, shared=1, connect_timeout=5.0)
        for call in (
            lambda: pool.execute("GET", "a", timeout=0.1),
            lambda: pool.execute_many([("GET", "a")], timeout=0.1),
        ):
            started = now()
            with pytest.raises(PoolTimeout):
                await call()
            assert 0.048 <= now() - started < 3.0
        await pool.aclose()


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_nobody_is_told_an_error_that_is_not_true_any_more(shared: int) -> None:
    replies = [b"-WRONGPASS no\r\n"]
    with FakeNode({"HELLO": lambda *_: replies[-1], "GET": echo}) as node:
        pool: AsyncPool[bytes] = AsyncPool(node.url, shared=shared)
        for _ in range(12):  # more than can be dialed without a pause
            with pytest.raises(AuthenticationFailed):
                await pool.execute("GET", "a")
        ledger = pool._serving.node.ledger  # type: ignore[union-attr]  # open, so there is one
        await wait_until(lambda: not (ledger.is_called_for or ledger.dialing))
        replies.append(b"%1\r\n$5\r\nproto\r\n:3\r\n")
        assert await pool.execute("GET", "b") == b"b"  # without a caller the pool would wait for 2.5 s or more
        await pool.aclose()


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_a_caller_of_a_node_that_is_down_waits_for_the_dial_that_it_asked_for(
    callers: Callers, shared: int
) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        proxy.refuse()
        pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=shared, connect_timeout=10.0, retry=None)
        with pytest.raises(ConnectFailed):
            await pool.execute("GET", "a")
        await wait_until(lambda: pool.dialing == 0)
        dials = pool.stats().dial_failures
        proxy.accept()
        node.on("HELLO", Hold(b"%1\r\n$5\r\nproto\r\n:3\r\n"))
        caller = callers.start(pool.execute, "GET", "b")
        await wait_until(lambda: pool.dialing > 0)
        assert not caller.is_done
        assert pool.stats().dial_failures == dials or shared  # the pool dials shared connections by itself too
        await wait_until(lambda: node.release() or caller.is_done)
        assert await caller.result() == b"b"
        await pool.aclose()


async def test_dials_that_fail_while_callers_wait_wake_none_of_them_and_go_on_at_their_pace(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=1, connect_timeout=60.0)
        assert await pool.execute("GET", "a") == b"a"
        proxy.refuse()
        proxy.cut()
        waiting = [callers.start(pool.execute, "GET", name) for name in "bcd"]
        await wait_until(lambda: pool.stats().dial_failures > 10)
        lane = pool._serving.shared  # type: ignore[union-attr]  # open, so there is one
        gate = lane._gate
        # As many again would take the pool half a minute by itself.
        await wait_until(lambda: pool.stats().dial_failures > 20)
        assert lane._gate is gate
        proxy.accept()
        assert [await caller.result() for caller in waiting] == [b"b", b"c", b"d"]
        await pool.aclose()


async def test_dials_for_callers_that_have_gone_end_with_the_time_that_they_had() -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=1, connect_timeout=0.5)
        assert await pool.execute("GET", "a") == b"a"
        proxy.refuse()
        proxy.cut()
        with pytest.raises((PoolTimeout, ConnectFailed)):
            await pool.execute("GET", "b", timeout=0.05)
        ledger = pool._serving.node.ledger  # type: ignore[union-attr]  # open, so there is one
        await wait_until(lambda: not (ledger.is_called_for or ledger.dialing))
        await pool.aclose()


async def test_a_pool_that_waits_to_be_ready_learns_of_a_dial_that_fails_though_callers_wait_on(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=1, connect_timeout=60.0, keepalive=0.05)
        assert await pool.execute("GET", "a") == b"a"
        node.on("HELLO", Hold(b""))
        proxy.cut()
        await wait_until(lambda: pool.dialing and not pool.shared)  # a caller before that would learn of the loss itself
        waiting = callers.start(pool.execute, "GET", "b")
        ready = callers.start(pool._serving.wait_ready, 60.0, is_strict=True)  # type: ignore[union-attr]
        await rest()
        proxy.refuse()
        proxy.cut()
        with pytest.raises(ConnectFailed):
            await ready.result()
        assert not waiting.is_done
        await pool.aclose()
        with pytest.raises(PoolClosed):
            await waiting.result()


async def test_a_node_that_was_never_there_is_reported_promptly() -> None:
    with FakeNode() as node:
        url = node.url
    pool: AsyncPool[bytes] = AsyncPool(url, shared=1)
    for _ in range(3):
        started = now()
        with pytest.raises(ConnectFailed) as caught:
            await pool.execute("GET", "k")
        assert now() - started < 1.5  # and not connect_timeout
        assert caught.value.executed == "no"
    with pytest.raises(ConnectFailed):
        await pool.execute_many([("GET", "k")])
    with pytest.raises(ConnectFailed):
        await pool.execute_noreply("SET", "k", "v")
    await pool.aclose()
    assert pool.stats().dial_failures > 0


async def test_a_pool_opened_before_its_node_finds_it(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node:
        port = node.port
    pool: AsyncPool[bytes] = AsyncPool(node.url, shared=1)
    with pytest.raises(ConnectFailed):
        await pool.execute("GET", "k")
    with FakeNode({"GET": echo}, port=port):
        await wait_until(lambda: pool.shared == 1)
        assert await pool.execute("GET", "k") == b"k"
        await pool.aclose()


async def test_killed_connections_come_back_without_any_caller(server: Server) -> None:
    options: dict[str, Any] = {"client_name": "phoenix", "keepalive": 0.05}
    async with AsyncPool(server.url, shared=3, **options) as pool:
        await pool.execute("PING")
        before = {row["id"] for row in server.clients() if row["name"] == "phoenix"}
        assert len(before) == 3
        for number in before:
            server.command("CLIENT", "KILL", "ID", number)

        def is_back() -> bool:
            now_there = {row["id"] for row in server.clients() if row["name"] == "phoenix"}
            return len(now_there) == 3 and not now_there & before and pool.shared == 3

        await wait_until(is_back)
        assert pool.stats().lost == 3
        assert pool.stats().opened == 6
        assert await pool.execute("PING") == b"PONG"


async def test_the_loss_of_one_connection_does_not_disturb_the_others(callers: Callers, server: Server) -> None:
    async with AsyncPool(server.url, shared=3, client_name="trio", retry=PROMPT) as pool:
        is_over = Signal()

        async def read(name: int) -> int:
            number = 0
            while not is_over.is_set:
                number += 1
                word = f"{name}:{number}"
                assert await pool.execute("ECHO", word) == word.encode()
            return number

        for name in range(6):
            callers.start(read, name)
        for _ in range(3):
            victim = next(row["id"] for row in server.clients() if row["name"] == "trio")
            lost = pool.stats().lost
            server.command("CLIENT", "KILL", "ID", victim)
            await wait_until(lambda before=lost: pool.stats().lost > before and pool.shared == 3)
        is_over.set()
        assert all(await callers.results())


async def test_an_outage_is_forgotten_when_a_new_connection_has_served_a_reply() -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=2, connect_timeout=0.5, retry=PROMPT) as pool:
            await pool.execute("GET", "a")
            redial = pool._serving.node.ledger.redial  # type: ignore[union-attr]  # open, so there is one
            proxy.refuse()
            proxy.cut()
            with pytest.raises(Error):  # in threads, this is how the pool gets to know
                await pool.execute("GET", "b", timeout=0.1)
            await wait_until(lambda: redial.failures >= 5)
            proxy.accept()
            await wait_until(lambda: pool.shared == 2, timeout=10.0)
            assert redial.failures >= 5  # a handshake alone does not reset the backoff
            for number in range(20):
                assert await pool.execute("GET", f"k{number}") == b"k%d" % number
            proxy.cut()
            assert await pool.execute("GET", "a") == b"a"
            assert redial.failures == 0  # a reply does, and that is noted before the next dial


async def test_closing_ends_the_wait_for_a_node_that_is_down(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=1, connect_timeout=5.0, retry=PROMPT)
        await pool.open()
        await pool.execute("GET", "a")
        proxy.refuse()
        proxy.cut()
        waiting = callers.start(pool.execute, "GET", "b")
        await wait_until(lambda: pool.shared == 0)
        await pool.aclose()
        assert isinstance(await waiting.outcome(), PoolClosed | TransportError)
        with pytest.raises(PoolClosed):
            await pool.execute("GET", "c")


async def test_connections_made_after_a_failure_are_not_kept_once_they_are_gone() -> None:
    with FakeNode() as node:
        node.on("HELLO", lambda *seen: b"-DENIED\r\n" if seen[1].number == 1 else hello(*seen))
        async with AsyncPool(node.url, shared=0, max_size=2, retry=PROMPT, connect_timeout=5) as pool:
            with pytest.raises(ServerError):
                await pool.acquire()
            for _ in range(20):
                async with pool.acquire() as conn:
                    await conn.aclose()
            assert pool._serving is not None
            assert len(pool._serving.node._unproven) <= 2


async def test_a_node_that_greets_and_serves_nothing_is_not_well() -> None:
    with FakeNode({"GET": echo}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=1, connect_timeout=0.5, retry=None, keepalive=None) as pool:
            redial = pool._serving.node.ledger.redial  # type: ignore[union-attr]  # open, so there is one
            wanted = 5
            for _ in range(2):
                before, seen = redial.failures, []
                proxy.refuse()
                proxy.cut()
                with pytest.raises((TransportError, PoolTimeout)):  # a thread notices that it has ended
                    await pool.execute("SET", "k", "v", timeout=0.01)
                await wait_until(lambda: seen.append(redial.failures) or seen[-1] >= wanted, timeout=10.0)
                assert min(seen) >= before  # answered handshakes do not reset the backoff
                wanted = redial.failures + 1
                proxy.accept()
                await wait_until(lambda: pool.shared == 1, timeout=10.0)
            assert len(pool._serving.node._unproven) <= 1  # type: ignore[union-attr]
            assert await pool.execute("GET", "k") == b"k"


async def test_a_long_outage_leaves_nothing_of_its_dials() -> None:
    with FakeNode() as node:
        url = node.url
    pool: AsyncPool[bytes] = AsyncPool(url, shared=1, connect_timeout=0.5)
    with pytest.raises(ConnectFailed):
        await pool.execute("PING")
    await wait_until(lambda: pool.stats().dial_failures >= 5)
    assert len(pool._serving.node.in_making) <= 2  # type: ignore[union-attr]  # those in progress, if any
    await pool.aclose()


async def test_a_connection_that_ends_while_it_is_made_ready_is_made_again() -> None:
    made: list[Any] = []

    def configure(conn: Any) -> None:
        made.append(conn)
        if len(made) == 1:
            conn.abort()

    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=1, configure=configure) as pool:
            assert await pool.execute("GET", "k", timeout=3.0) == b"k"
            assert pool.shared == 1
        assert len(made) == 2


async def test_a_pool_without_shared_connections_waits_for_its_node_too(callers: Callers) -> None:
    with FakeNode({"SET": b"+OK\r\n"}) as node, FaultProxy(node) as proxy:
        async with AsyncPool(proxy.url, shared=0, min_size=1, connect_timeout=4.0, retry=PROMPT) as pool:
            proxy.refuse()
            proxy.cut()
            with pytest.raises((TransportError, PoolTimeout)):  # this caller finds the loss
                await pool.execute("SET", "k", "v", timeout=0.02)
            await wait_until(lambda: pool.stats().dial_failures >= 1)
            caller = callers.start(pool.execute, "SET", "k", "v")
            seen = pool.stats().dial_failures
            await wait_until(lambda: pool.stats().dial_failures > seen + 1)
            proxy.accept()
            assert await caller.result() == b"OK"


async def test_a_pipeline_on_a_lease_outlives_a_dial_that_fails_when_the_node_was_up() -> None:
    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            assert await pool.execute_many([("GET", "a")]) == [b"a"]
            node.once("HELLO", Close())
            node.once("PING", Close())  # the handshake in RESP2 fails as well
            node.drop()
            await wait_until(lambda: node.open_connections == 0)
            await rest()
            assert await pool.execute_many([("GET", "b"), ("GET", "c")]) == [b"b", b"c"]
            assert pool.stats().dial_failures == 1


async def test_a_caller_passes_over_all_connections_that_ended_together() -> None:
    """The one try more that a command gets whose connection had ended (R-11) is not spent on another of them."""
    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=8, retry=None) as pool:
            await wait_until(lambda: pool.stats().shared == 8)
            await rest()
            node.drop()
            assert await pool.execute("GET", "k") == b"k"
            await wait_until(lambda: pool.stats().lost == 8)


async def test_one_failed_dial_tells_all_who_wait_when_the_node_is_down(callers: Callers) -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, shared=0)

    async def borrow() -> None:
        async with pool.acquire():
            raise AssertionError("nobody can get a lease")

    started = now()
    for _ in range(100):
        callers.start(borrow)
    outcomes = await callers.outcomes()
    assert {type(outcome) for outcome in outcomes} == {ConnectFailed}
    assert now() - started < 4.0  # one by one, at ten dials a second, it would be nine
    await pool.aclose()
