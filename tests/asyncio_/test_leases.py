# Written once: tests/threads/test_leases.py is generated from this file.
"""The leased lane: which caller gets a connection, which waits, which gets an error (R-01 to R-10, R-27, R-31)."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest

from answers import NIL, OK, echo, held_echo
from asyncio_.harness import Callers, Signal, now, wait_until
from respool import AsyncPool, commands
from respool.errors import (
    ConnectFailed,
    PoolExhausted,
    PoolTimeout,
    ReadTimeout,
    TooManyWaiters,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool.events import ConnectionOpened
from respool.testing import FakeConnection, FakeNode, Hold, Server
from respool.testing._script import hello

#: How much later than its deadline a call may end, in seconds: one tick, on a busy machine.
TICK = 1.5
#: How much earlier: uvloop counts whole milliseconds, from the beginning of the tick.
EARLY = 0.005


def held_hello(command: tuple[bytes, ...], connection: FakeConnection) -> Hold:
    return Hold(hello(command, connection))


async def keep(pool: AsyncPool[Any], name: Any, served: list[Any], until: Signal, timeout: float | None = 5.0) -> None:
    """Acquire a connection, record that it was served, and release it on a signal."""
    async with pool.acquire(timeout):
        served.append(name)
        await until.wait()


# How many ---------------------------------------------------------------------------------------------------


async def test_ten_callers_of_two_connections_that_do_not_wait_meet_exactly_eight_errors(callers: Callers) -> None:
    with FakeNode({"GET": Hold(NIL)}) as node:
        pool = AsyncPool(node.url, shared=0, max_size=2, on_full="raise")
        for _ in range(10):
            callers.start(pool.execute, "GET", "k")
        await wait_until(lambda: len(node.calls("GET")) == 2 and pool.stats().exhausted == 8)
        node.release()
        outcomes = await callers.outcomes()
        errors = [outcome for outcome in outcomes if outcome is not None]
        assert [type(error) for error in errors] == [PoolExhausted] * 8
        assert all(str(error).startswith("Max connections 2 exhausted") for error in errors)
        assert node.connections == 2
        assert (pool.size, pool.idle, pool.leased, pool.waiting) == (2, 2, 0, 0)
        await pool.aclose()


async def test_ten_callers_of_two_connections_that_wait_meet_no_error_and_the_server_sees_two(
    server: Server, callers: Callers
) -> None:
    opened = []
    most = 0

    async def ask(pool: AsyncPool[Any]) -> None:
        nonlocal most
        for _ in range(20):
            assert await pool.execute("GET", "k") == b"v"
            assert pool.size <= 2
        most = max(most, sum(client["name"] == "us" for client in server.clients()))

    server.command("SET", "k", "v")
    async with AsyncPool(
        server.url,
        shared=0,
        max_size=2,
        on_full="wait",
        client_name="us",
        listener=lambda event: opened.append(event) if isinstance(event, ConnectionOpened) else None,
    ) as pool:
        for _ in range(10):
            callers.start(ask, pool)
        await callers.results()
        assert 1 <= most <= 2
        assert len(opened) <= 2
        assert pool.stats().leases == pool.stats().releases == 200


async def test_a_connection_is_never_lent_to_two_callers(server: Server, callers: Callers) -> None:
    out = set()

    async def use(pool: AsyncPool[Any], name: int) -> None:
        for number in range(10):
            async with pool.acquire() as conn:
                client_id = await conn.execute("CLIENT", "ID")
                assert client_id not in out
                out.add(client_id)
                assert await conn.execute("ECHO", f"{name}:{number}") == f"{name}:{number}".encode()
                out.remove(client_id)

    async with AsyncPool(server.url, shared=0, max_size=3) as pool:
        for name in range(12):
            callers.start(use, pool, name)
        await callers.results()


@pytest.mark.parametrize("make_another", [copy.copy, copy.deepcopy, pickle.dumps])
async def test_a_lease_is_not_copied_and_lives_on(server: Server, make_another: Any) -> None:
    async with AsyncPool(server.url, shared=0) as pool, pool.acquire() as conn:
        with pytest.raises(UsageTypeError, match="cannot be copied or pickled; make another one"):
            make_another(conn)
        gc.collect()  # a dropped copy would look like a leaked lease
        assert await conn.execute("PING") == b"PONG"
        assert pool.stats().leaks == 0


async def test_the_seventeenth_lease_of_sixteen_waits_and_is_told_the_state_of_the_pool(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        leases = [await pool.acquire() for _ in range(16)]
        assert pool.leased == pool.size == 16
        started = now()
        with pytest.raises(PoolTimeout) as caught:
            await pool.acquire(timeout=0.05)
        assert 0.048 <= now() - started <= 0.05 + TICK
        error = caught.value
        assert isinstance(error, TimeoutError)
        assert (error.idle, error.leased, error.dialing, error.waiting, error.max_size) == (0, 16, 0, 0, 16)
        assert error.oldest_waiter >= 0.05 - EARLY
        assert error.last_dial_error is None
        assert f"127.0.0.1:{server.port}" in str(error)
        assert str(error).endswith("; leases and blocking commands have all of them: end some earlier, or raise max_size")
        pool.release(leases.pop())
        async with pool.acquire(timeout=0) as conn:
            assert await conn.execute("PING") == b"PONG"
        for lease in leases:
            pool.release(lease)
        assert (pool.leased, pool.idle) == (0, 16)


async def test_the_pool_can_be_full_of_shared_connections_and_says_so(server: Server) -> None:
    async with AsyncPool(server.url, shared=1, max_size=1) as pool:
        with pytest.raises(PoolExhausted, match="all of them are shared"):
            await pool.acquire()


async def test_a_lease_that_was_closed_is_not_opened_again(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        async with pool.acquire() as conn:
            with pytest.raises(UsageError, match="open already"):
                await conn.open()
            await conn.aclose()
            with pytest.raises(UsageError, match="acquire another one"):
                await conn.open()
        assert (pool.size, pool.stats().opened, pool.stats().closed) == (0, 1, 1)
        assert await pool.ping()


# How long ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -0.5])
async def test_a_timeout_of_zero_or_less_tries_once(server: Server, timeout: float) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        async with pool.acquire():
            started = now()
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=timeout)
            assert now() - started < TICK
            assert pool.waiting == 0
        async with pool.acquire(timeout=timeout) as conn:  # an idle one is there
            assert await conn.execute("PING") == b"PONG"


@pytest.mark.parametrize(
    ("timeout", "error"),
    [("1", UsageTypeError), (True, UsageTypeError), ([], UsageTypeError), (float("nan"), UsageValueError)],
)
async def test_a_timeout_that_is_none_is_refused_before_anything_happens(timeout: Any, error: type[Exception]) -> None:
    pool = AsyncPool("redis://127.0.0.1:1", shared=0)
    with pytest.raises(error):
        await pool.acquire(timeout=timeout)
    assert pool.stats().dial_failures == 0


async def test_acquire_ends_in_time_when_the_server_accepts_and_never_answers() -> None:
    with FakeNode.silent() as node:
        pool = AsyncPool(node.url, shared=0, connect_timeout=2.5)
        for timeout in (0.1, 0.02, 0, 0.1):
            started = now()
            with pytest.raises(PoolTimeout) as caught:
                await pool.acquire(timeout=timeout)
            assert timeout - 0.002 <= now() - started <= timeout + TICK  # uvloop counts in milliseconds
            assert caught.value.dialing > 0
            assert "raise max_size" not in str(caught.value)
        assert pool.waiting == pool.leased == 0
        await pool.aclose()


async def test_who_gets_no_connection_is_told_why_the_last_dial_failed() -> None:
    pool = AsyncPool("redis://127.0.0.1:1", shared=0)
    with pytest.raises(ConnectFailed):
        await pool.acquire()
    with pytest.raises(PoolTimeout, match=r"; the last dial failed: .*refused") as caught:
        await pool.acquire(timeout=0)
    assert isinstance(caught.value.__cause__, ConnectFailed)
    assert "e-" not in str(caught.value)  # no "within 5.87e-06 s"
    await pool.aclose()


async def test_acquire_ends_in_time_when_connecting_neither_succeeds_nor_fails() -> None:
    with FakeNode.full() as node:
        pool = AsyncPool(node.url, shared=0, connect_timeout=2.5)
        started = now()
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.1)
        assert 0.098 <= now() - started <= 0.1 + TICK
        await pool.aclose()


async def test_the_option_acquire_timeout_is_the_default_and_an_argument_wins(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1, acquire_timeout=0.05) as pool, pool.acquire(timeout=5):
        for options, least in (({}, 0.05), ({"timeout": 0.1}, 0.1)):
            started = now()
            with pytest.raises(PoolTimeout):
                await pool.acquire(**options)
            assert least - 0.002 <= now() - started <= least + TICK
        with pytest.raises(PoolTimeout):
            await pool.execute("GET", "k")
        assert pool.stats().timeouts == 3


async def test_a_timeout_of_none_waits_until_it_is_served(server: Server, callers: Callers) -> None:
    served: list[str] = []
    done = Signal()
    done.set()
    async with AsyncPool(server.url, shared=0, max_size=1, acquire_timeout=0.01) as pool:
        lease = await pool.acquire(timeout=5)
        callers.start(keep, pool, "patient", served, done, None)
        await wait_until(lambda: pool.waiting == 1)
        with pytest.raises(PoolTimeout):
            await pool.acquire()
        pool.release(lease)
        await callers.results()
        assert served == ["patient"]


# In which order ---------------------------------------------------------------------------------------------


async def test_waiters_are_served_in_the_order_of_their_coming(server: Server, callers: Callers) -> None:
    served: list[int] = []
    done = Signal()
    done.set()
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        for name in range(20):
            callers.start(keep, pool, name, served, done)
            await wait_until(lambda name=name: pool.waiting == name + 1)
        pool.release(lease)
        await callers.results()
        assert served == list(range(20))
        assert pool.stats().waits == 20 + 1  # the first one waited for the dial


async def test_a_waiter_that_gave_up_is_skipped_and_the_others_keep_their_order(
    server: Server, callers: Callers
) -> None:
    served: list[int] = []
    done = Signal()
    done.set()
    impatient = (0, 3, 4, 9)
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        for name in range(10):
            callers.start(keep, pool, name, served, done, 0.05 if name in impatient else 5.0)
            await wait_until(lambda name=name: pool.waiting + pool.stats().timeouts == name + 1)
        await wait_until(lambda: pool.stats().timeouts == len(impatient))
        assert pool.waiting == 10 - len(impatient)
        pool.release(lease)
        outcomes = await callers.outcomes()
        assert served == [name for name in range(10) if name not in impatient]
        assert [name for name in range(10) if isinstance(outcomes[name], PoolTimeout)] == list(impatient)


async def test_nobody_overtakes_a_waiter(server: Server, callers: Callers) -> None:
    served: list[str] = []
    done = Signal()
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        callers.start(keep, pool, "waiter", served, done)
        await wait_until(lambda: pool.waiting == 1)
        pool.release(lease)  # it is the waiter's from now on
        assert (pool.idle, pool.leased, pool.waiting) == (0, 1, 0)
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0)
        done.set()
        await callers.results()
        assert served == ["waiter"]


async def test_one_caller_too_many_is_told_at_once(server: Server, callers: Callers) -> None:
    served: list[int] = []
    done = Signal()
    done.set()
    async with AsyncPool(server.url, shared=0, max_size=1, max_waiting=2) as pool:
        lease = await pool.acquire()
        for name in range(2):
            callers.start(keep, pool, name, served, done)
            await wait_until(lambda name=name: pool.waiting == name + 1)
        started = now()
        with pytest.raises(TooManyWaiters, match="max_waiting"):
            await pool.acquire()
        assert now() - started < TICK
        assert pool.waiting == 2
        assert pool.stats().exhausted == 1
        pool.release(lease)
        await callers.results()
        assert served == [0, 1]


@pytest.mark.parametrize(("order", "lent"), [("lifo", [2, 1, 0]), ("fifo", [0, 1, 2])])
async def test_idle_connections_are_lent_in_the_order_of_the_option(server: Server, order: Any, lent: list[int]) -> None:
    async with AsyncPool(server.url, shared=0, idle_order=order) as pool:
        leases = [await pool.acquire() for _ in range(3)]
        ids = [await lease.execute("CLIENT", "ID") for lease in leases]
        for lease in leases:
            pool.release(lease)
        again = [await pool.acquire() for _ in range(3)]
        assert [ids.index(await lease.execute("CLIENT", "ID")) for lease in again] == lent
        for lease in again:
            pool.release(lease)


# Who dials --------------------------------------------------------------------------------------------------


async def test_a_connection_whose_caller_gave_up_becomes_idle() -> None:
    with FakeNode({"HELLO": held_hello}) as node:
        async with AsyncPool(node.url, shared=0) as pool:
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.05)
            assert (pool.dialing, pool.idle) == (1, 0)
            await wait_until(lambda: node.calls("HELLO"))
            node.release()
            await wait_until(lambda: (pool.dialing, pool.idle) == (0, 1))
            async with pool.acquire(timeout=0):
                assert node.connections == 1


async def test_a_waiter_is_served_by_a_returned_connection_while_its_own_is_being_made(callers: Callers) -> None:
    served: list[str] = []
    done = Signal()
    done.set()
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=0, max_size=2) as pool:
            lease = await pool.acquire()
            node.on("HELLO", held_hello)
            callers.start(keep, pool, "waiter", served, done)
            await wait_until(lambda: len(node.calls("HELLO")) == 2 and pool.waiting == 1)
            pool.release(lease)
            await callers.results()
            assert served == ["waiter"]
            assert (pool.dialing, pool.idle) == (1, 1)
            node.release()
            await wait_until(lambda: (pool.dialing, pool.idle) == (0, 2))


@pytest.mark.parametrize("max_dials", [1, 2, 3])
async def test_only_so_many_connections_are_made_at_a_time(callers: Callers, max_dials: int) -> None:
    served: list[int] = []
    done = Signal()
    done.set()
    most = 0
    with FakeNode({"HELLO": held_hello}) as node:
        async with AsyncPool(node.url, shared=0, max_dials=max_dials) as pool:
            for name in range(8):
                callers.start(keep, pool, name, served, done)
                await wait_until(lambda name=name: pool.waiting == name + 1)
            await wait_until(lambda: len(node.calls("HELLO")) == max_dials)
            assert pool.dialing == max_dials

            def all_are_served() -> bool:
                nonlocal most
                most = max(most, pool.dialing)
                node.release(1)
                return len(served) == 8

            await wait_until(all_are_served)
            await callers.results()
            assert most == max_dials
            node.release()
            await wait_until(lambda: node.release() == pool.dialing == 0)


async def test_a_dial_that_fails_is_a_connection_error_and_gives_its_slot_back() -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, shared=0, max_size=1, on_full="raise")
    for _ in range(5):
        with pytest.raises(ConnectFailed) as caught:
            await pool.acquire()
        assert caught.value.executed == "no"
        assert (pool.size, pool.leased, pool.waiting) == (0, 0, 0)
    node.start()
    async with pool.acquire() as conn:
        assert await conn.execute("PING") == b"PONG"
    node.stop()
    await pool.aclose()


async def test_every_waiter_hears_of_a_node_that_is_not_there(callers: Callers) -> None:
    with FakeNode() as node:
        url = node.url
    pool = AsyncPool(url, shared=0, max_size=4)
    for _ in range(8):
        callers.start(pool.execute, "GET", "k")
    outcomes = await callers.outcomes()
    assert [type(outcome) for outcome in outcomes] == [ConnectFailed] * 8
    assert len({id(outcome) for outcome in outcomes}) == 8  # each has an error of its own, for notes and tracebacks
    assert (pool.size, pool.waiting) == (0, 0)
    await pool.aclose()


# Giving back ------------------------------------------------------------------------------------------------


async def test_a_lease_comes_back_at_the_end_of_its_block_whatever_happened_in_it(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        with pytest.raises(LookupError):
            async with pool.acquire():
                raise LookupError
        assert (pool.leased, pool.idle) == (0, 1)
        lease = await pool.acquire()
        async with lease as same:
            assert same is lease
            assert await same.execute("PING") == b"PONG"
        assert (pool.leased, pool.idle) == (0, 1)
        async with pool.acquire() as lease:
            pool.release(lease)  # earlier than the end of the block
            assert (pool.leased, pool.idle) == (0, 1)
        assert (pool.leased, pool.idle) == (0, 1)
        assert pool.stats().leases == pool.stats().releases == 3


async def test_giving_back_twice_is_refused_and_changes_nothing(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        first = await pool.acquire()
        pool.release(first)
        before = pool.stats()
        with pytest.raises(UsageError, match="released already"):
            pool.release(first)
        assert pool.stats() == before
        second = await pool.acquire()
        with pytest.raises(UsageError, match="released already"):
            pool.release(first)  # the same connection, but leased by another caller now
        assert (pool.leased, pool.idle) == (1, 0)
        assert await second.execute("PING") == b"PONG"
        async with first:  # leaving this block is no second release either
            pass
        assert (pool.leased, pool.idle) == (1, 0)
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0)
        pool.release(second)
        assert (pool.leased, pool.idle) == (0, 1)


async def test_what_is_not_out_of_this_pool_cannot_be_given_back_to_it(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool, AsyncPool(server.url, shared=0) as other:
        lease = await other.acquire()
        with pytest.raises(UsageError, match="not leased from this pool"):
            pool.release(lease)
        with pytest.raises(UsageTypeError):
            pool.release(None)  # type: ignore[arg-type]
        with pytest.raises(UsageTypeError):
            pool.release("connection")  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            AsyncPool(server.url).release(lease)
        assert (pool.size, other.leased) == (0, 1)
        assert await lease.execute("PING") == b"PONG"
        other.release(lease)
        assert (other.leased, other.idle) == (0, 1)


async def test_what_a_hook_has_kept_is_no_lease(server: Server) -> None:
    kept: list[Any] = []
    async with AsyncPool(server.url, shared=0, max_size=1, configure=kept.append) as pool, pool.acquire() as lease:
        with pytest.raises(UsageError):
            pool.release(kept[0])
        assert pool.leased == 1
        assert await lease.execute("PING") == b"PONG"


async def test_a_lease_that_was_given_back_raises_on_every_use(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool:
        lease = await pool.acquire()
        pool.release(lease)
        for use in (
            lambda: lease.execute("PING"),
            lambda: lease.get("k"),
            lambda: lease.execute("BLPOP", "k", 1),
            lambda: lease.execute("PING", timeout=1.0),
            lambda: lease.execute_many([("PING",)]),
            lambda: lease.execute_noreply("PING"),
            lambda: lease.execute("SUBSCRIBE", "channel"),
        ):
            with pytest.raises(UsageError, match="given back"):
                await use()
        assert lease.closed
        assert lease.in_flight == 0
        assert "released" in repr(lease)
        await lease.aclose()
        assert pool.idle == 1


async def test_a_lease_the_borrower_has_closed_gives_its_capacity_back(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.aclose()
            assert conn.closed
            assert pool.leased == 1
        assert (pool.size, pool.leased) == (0, 0)
        stats = pool.stats()
        assert (stats.lost, stats.closed, stats.epoch) == (0, 1, 0)  # only the caller itself has ended it
        async with pool.acquire() as conn:
            assert await conn.execute("PING") == b"PONG"


async def test_a_waiter_is_woken_by_a_broken_connection_too(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        caller = callers.start(pool.execute, "ECHO", "hello")
        await wait_until(lambda: pool.waiting == 1)
        await lease.aclose()
        pool.release(lease)
        assert await caller.result() == b"hello"


async def test_replies_find_their_callers_under_a_storm_of_short_leases(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=4) as pool:

            async def ask(name: int) -> None:
                for number in range(25):
                    word = f"{name}:{number}"
                    assert await pool.execute("GET", word) == word.encode()

            for name in range(40):
                callers.start(ask, name)
            await callers.results()
            stats = pool.stats()
            assert stats.leases == stats.releases == 1000
            assert stats.size == stats.idle <= 4
            assert node.connections <= 4


async def test_typed_commands_of_a_run_inside_of_a_transaction_are_queued_and_not_parsed(server: Server) -> None:
    runs: list[Any] = [[commands.scan(), commands.mget("a")], [("EXEC",), commands.scan()]]
    async with AsyncPool(server.url, encoding="utf-8", shared=0) as pool, pool.acquire() as conn:
        assert await conn.execute("MULTI") == "OK"
        assert await conn.execute_many(runs[0]) == ["QUEUED", "QUEUED"]
        assert await conn.execute_many(runs[1]) == [[["0", []], [None]], (0, [])]
        whole = [commands.scan(), ("MULTI",), *runs[0], *runs[1]]
        assert await conn.execute_many(whole) == [(0, []), "OK", "QUEUED", "QUEUED", [["0", []], [None]], (0, [])]
        assert await conn.execute_many(runs[0], atomic=True) == [(0, []), [None]]
        assert await conn.scan() == (0, [])


# The lease of one command -------------------------------------------------------------------------------------


async def test_a_command_alone_is_a_lease_that_is_counted_and_traced(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, on_full="raise", trace_leases=True) as pool:
            asked = callers.start(pool.execute, "GET", "a")
            await wait_until(lambda: node.calls("GET"))
            stats = pool.stats()
            assert (stats.leased, stats.leases, stats.releases) == (1, 1, 0)
            with pytest.raises(PoolExhausted, match="borrowed: 1 at "):
                await pool.acquire()
            node.release()
            assert await asked.result() == b"a"
            stats = pool.stats()
            assert (stats.leased, stats.leases, stats.releases, stats.opened) == (0, 1, 1, 1)
            assert pool._serving.leases._traces == {}


async def test_a_command_alone_has_a_deadline_and_its_late_reply_is_nobodys() -> None:
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            with pytest.raises(ReadTimeout):
                await pool.execute("GET", "late", timeout=0.05)
            assert pool.stats().lost == 0  # it was not the silence of the server that ended it
            node.on("GET", echo)
            node.release()
            assert await pool.execute("GET", "b", timeout=5.0) == b"b"
            stats = pool.stats()
            assert (stats.leased, stats.leases, stats.releases, stats.timeouts) == (0, 2, 2, 0)


async def test_where_a_command_alone_was_refused_as_a_replica_is_not_lent_again() -> None:
    with FakeNode({"SET": OK, "GET": echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            assert await pool.execute("GET", "a") == b"a"
            node.once("SET", b"-READONLY You can't write against a read only replica.\r\n")
            assert await pool.execute("SET", "k", 1) == b"OK"
            assert [seen.connection for seen in node.calls("SET")] == [1, 2]
            assert (pool.stats().opened, pool.stats().epoch) == (2, 1)


async def test_a_command_that_changes_its_connection_alone_is_refused_and_one_that_may_block_is_a_lease_too() -> None:
    with FakeNode({"BLPOP": NIL}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            with pytest.raises(UsageError):
                await pool.execute("WATCH", "k")
            assert await pool.execute("BLPOP", "k", 0) is None
            assert not node.calls("WATCH")
            assert (pool.stats().leases, pool.stats().releases) == (1, 1)
