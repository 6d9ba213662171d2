# Written once: tests/threads/test_dirty_leases.py is generated from this file.
"""Whatever a caller did to its leased connection, the next caller gets it like new (R-28)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import echo, held_echo
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncConnection, AsyncPool
from respool.errors import ReadTimeout, TransactionAborted, UsageError, WrongType
from respool.testing import FakeNode, Hold, Server, Silence

#: State that a caller may leave behind, by name: the commands, separated by semicolons.
DIRT = {
    "an open transaction": "MULTI",
    "a queued command": "MULTI;SET k dirty",
    "a command that was refused while queueing": "MULTI;NOSUCHCOMMAND",
    "a transaction in a transaction": "MULTI;MULTI",
    "a watched key": "WATCH k",
    "a watched key in the middle of a transaction": "WATCH k;MULTI;GET k",
    "a watched key after an EXEC that was none": "WATCH k;EXEC",
    "a watched key after a DISCARD that was none": "WATCH k;DISCARD",
    "another database": "SELECT 5",
    "another database, perhaps": "MULTI;SELECT 5",
    "another database, by EXEC": "MULTI;SELECT 5;EXEC",
    "another user": "AUTH ann secret",
    "another user, by HELLO": "HELLO 3 AUTH ann secret",
    "another protocol": "HELLO 2",
    "another protocol and back": "HELLO 2;HELLO 3",
    "tracking": "CLIENT TRACKING ON",
    "broadcast tracking": "CLIENT TRACKING ON BCAST PREFIX k",
    "another name": "CLIENT SETNAME dirty",
    "no touching": "CLIENT NO-TOUCH ON",
    "a subscription": "SUBSCRIBE channel",
    "a pattern": "PSUBSCRIBE c*",
    "a sharded subscription": "SSUBSCRIBE channel",
    "a subscription, half undone": "SUBSCRIBE channel other;UNSUBSCRIBE channel",
    "a reset": "RESET",
    "several things": "SELECT 5;WATCH k;CLIENT TRACKING ON;SUBSCRIBE channel;MULTI;GET k",
}
#: CLIENT INFO of a clean connection. An open transaction or tracking is a letter among the flags.
CLEAN = {"db": "3", "name": "us", "user": "default", "flags": "N", "watch": "0", "sub": "0", "psub": "0", "ssub": "0"}


async def info(conn: AsyncConnection[Any]) -> dict[str, str]:
    text = (await conn.execute("CLIENT", "INFO")).decode()
    return dict(field.partition("=")[::2] for field in text.split())


async def leave_dirty(conn: AsyncConnection[Any], commands: str) -> None:
    """Run commands and ignore their replies."""
    for command in commands.split(";"):
        words = command.split()
        if "SUBSCRIBE" in words[0]:
            await conn.execute(*words)
        else:
            await conn.execute_many([words])  # where an error is a value


@pytest.fixture
def ann(server: Server) -> Any:
    """A user with the password "secret", who may do anything."""
    server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
    yield "ann"
    server.command("ACL", "DELUSER", "ann")


@pytest.mark.parametrize(
    ("dirt", "protocol"),
    [(dirt, protocol) for dirt in DIRT for protocol in (3, 2) if protocol == 3 or "SUBSCRIBE" not in DIRT[dirt]],
)
async def test_the_next_borrower_finds_nothing_of(server: Server, ann: str, dirt: str, protocol: Any) -> None:
    server.command("SET", "k", "wrong database")
    async with AsyncPool(server.url, db=3, shared=0, max_size=1, client_name="us", protocol=protocol) as pool:
        await pool.set("k", "v")
        async with pool.acquire() as conn:
            first = await conn.execute("CLIENT", "ID")
            await leave_dirty(conn, DIRT[dirt])
        async with pool.acquire() as conn:
            state = await info(conn)
            assert {name: state[name] for name in CLEAN} == CLEAN
            assert state["resp"] == str(protocol)
            assert conn.protocol == protocol
            assert conn.db == 3
            assert await conn.get("k") == b"v"
            assert await conn.execute("CLIENT", "ID") == first  # it was reset, not replaced
        stats = pool.stats()
        assert (stats.resets, stats.opened, stats.lost) == (1, 1, 0)
        assert (stats.idle, stats.leased, stats.dialing) == (1, 0, 0)


@pytest.mark.parametrize("command", ["CLIENT NO-EVICT ON", "CLIENT CAPA redirect", "CLIENT SOMETHING-NEW"])
async def test_what_a_reset_may_leave_behind_costs_the_connection(server: Server, command: str) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            first = await conn.execute("CLIENT", "ID")
            await leave_dirty(conn, command)
        async with pool.acquire() as conn:
            state = await info(conn)
            assert (state["flags"], state["capa"]) == ("N", "r")  # the handshake asks for redirects itself
            assert await conn.execute("CLIENT", "ID") != first
            await leave_dirty(conn, command)
            await conn.reset()
            assert not conn.is_clean  # and a reset by the caller does not change that
        assert (pool.stats().resets, pool.size) == (0, 0)


async def test_a_resp2_lease_does_not_subscribe(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, protocol=2) as pool, pool.acquire() as conn:
        with pytest.raises(UsageError, match="protocol=3"):
            await conn.execute("SUBSCRIBE", "channel")
        assert await conn.execute("PING") == b"PONG"
    assert pool.stats().resets == 0


@pytest.mark.parametrize("command", ["CLIENT REPLY OFF", "CLIENT REPLY SKIP", "MONITOR", "SYNC", "PSYNC ? -1"])
async def test_what_would_break_the_order_of_replies_is_refused_on_a_lease_too(server: Server, command: str) -> None:
    async with AsyncPool(server.url, shared=0) as pool, pool.acquire() as conn:
        with pytest.raises(UsageError):
            await conn.execute(*command.split())
        with pytest.raises(UsageError):
            await conn.execute_many([command.split()])
        assert await conn.execute("ECHO", "x") == b"x"


@pytest.mark.parametrize(
    "commands",
    [
        "MULTI;SET k v;EXEC",
        "MULTI;SET k v;DISCARD",
        "WATCH k;UNWATCH",
        "WATCH k;MULTI;GET k;EXEC",
        "WATCH k;MULTI;DISCARD",
        "MULTI;NOSUCHCOMMAND;EXEC",
        "SELECT 5;SELECT 3",
        "CLIENT ID;CLIENT INFO;CLIENT GETNAME",
        "SET k v",
    ],
)
async def test_what_was_undone_by_its_borrower_costs_no_reset(server: Server, commands: str) -> None:
    async with AsyncPool(server.url, db=3, shared=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            await leave_dirty(conn, commands)
            assert conn.is_clean
        async with pool.acquire() as conn:
            state = await info(conn)
            assert (state["db"], state["flags"], state["watch"]) == ("3", "N", "0")
        assert (pool.stats().resets, pool.stats().opened) == (0, 1)


async def test_an_error_of_the_server_keeps_the_connection(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        await pool.rpush("list", "a")
        async with pool.acquire() as conn:
            first = await conn.execute("CLIENT", "ID")
            for _ in range(3):
                with pytest.raises(WrongType):
                    await conn.get("list")
        with pytest.raises(WrongType):
            await pool.incr("list")
        assert await pool.execute("CLIENT", "ID") == first
        assert (pool.stats().resets, pool.stats().opened) == (0, 1)


async def test_after_a_reset_the_server_has_as_long_as_ever() -> None:
    with FakeNode({"WATCH": b"+OK\r\n", "GET": Silence()}) as node:
        options = {"connect_timeout": 5.0, "read_timeout": 0.1, "retry": None}
        async with AsyncPool(node.url, shared=0, max_size=1, **options) as pool:
            async with pool.acquire() as conn:
                await conn.execute("WATCH", "k")
            await wait_until(lambda: pool.idle == 1)
            async with pool.acquire() as conn:
                started = now()
                with pytest.raises(ReadTimeout):
                    await conn.execute("GET", "k")
                assert now() - started < 2.0  # and not connect_timeout
            assert (pool.stats().resets, node.connections) == (1, 1)


async def test_a_transaction_that_was_aborted_leaves_a_clean_connection(server: Server) -> None:
    async with AsyncPool(server.url, shared=0, max_size=2) as pool:
        async with pool.acquire() as conn:
            await conn.execute("WATCH", "k")
            await pool.set("k", "changed by somebody else")
            with pytest.raises(TransactionAborted):
                await conn.execute_many([("SET", "k", "mine")], atomic=True)
            assert conn.is_clean
            await conn.execute("WATCH", "k")
        async with pool.acquire() as conn:
            await pool.set("k", "changed again")
            assert await conn.execute_many([("SET", "k", "mine")], atomic=True) == [b"OK"]
        assert pool.stats().resets == 1


async def test_a_reply_that_is_still_to_come_does_not_reach_the_next_borrower() -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            async with pool.acquire() as conn:
                with pytest.raises(ReadTimeout):
                    await conn.execute("GET", "late", timeout=0.02)
                assert conn.in_flight == 1
            assert (pool.idle, pool.leased, pool.dialing) == (0, 0, 1)
            await wait_until(lambda: node.calls("GET"))
            node.release()
            assert await pool.execute("ECHO", "next") == b"next"
            assert (pool.stats().resets, pool.stats().opened, pool.stats().dropped) == (1, 1, 1)


async def test_a_reply_that_never_comes_costs_the_connection_and_not_the_next_borrower(callers: Callers) -> None:
    with FakeNode({"GET": Hold(Silence()), "ECHO": echo}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1, connect_timeout=1.0) as pool:
            async with pool.acquire() as conn:
                with pytest.raises(ReadTimeout):
                    await conn.execute("GET", "never", timeout=0.02)
            assert await pool.execute("ECHO", "next") == b"next"
            assert (pool.stats().resets, pool.stats().opened) == (1, 2)
            await wait_until(lambda: node.open_connections == 1)


async def test_a_waiter_gets_the_connection_when_it_is_clean(server: Server, callers: Callers) -> None:
    async with AsyncPool(server.url, db=3, shared=0, max_size=1) as pool:
        lease = await pool.acquire()
        caller = callers.start(pool.execute, "CLIENT", "INFO")
        await wait_until(lambda: pool.waiting == 1)
        await lease.execute("SELECT", 5)
        await lease.execute("MULTI")
        pool.release(lease)
        answer = await caller.result()
        assert b" db=3 " in answer
        assert b" flags=N " in answer


@pytest.mark.parametrize("answer", [b"-ERR unknown command 'RESET'\r\n", b"+WHAT\r\n-ERR surplus\r\n"])
async def test_a_server_that_cannot_reset_costs_the_connection_only(answer: bytes) -> None:
    with FakeNode({"RESET": answer, "ECHO": echo, "WATCH": b"+OK\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            async with pool.acquire() as conn:
                await conn.execute("WATCH", "k")
            assert await pool.execute("ECHO", "next") == b"next"
            await wait_until(lambda: pool.stats().opened == 2 and node.open_connections == 1)
            assert (pool.size, pool.idle) == (1, 1)


async def test_a_server_that_hangs_up_on_a_reset_costs_the_connection_only(callers: Callers) -> None:
    with FakeNode({"RESET": Hold(), "ECHO": echo, "WATCH": b"+OK\r\n"}) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            async with pool.acquire() as conn:
                await conn.execute("WATCH", "k")
            caller = callers.start(pool.execute, "ECHO", "next")
            await wait_until(lambda: node.calls("RESET") and pool.waiting == 1)
            node.drop()
            assert await caller.result() == b"next"
            assert pool.stats().opened == 2


async def test_the_credentials_of_the_pool_are_given_again_after_a_reset(ann: str, server: Server) -> None:
    async with AsyncPool(server.url, username=ann, password="secret", shared=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute("MULTI")
        assert await pool.execute("ACL", "WHOAMI") == b"ann"
        assert pool.stats().resets == 1


async def test_a_transaction_that_begins_behind_another_one_in_a_pipeline_is_not_left_to_the_next_user(
    server: Server,
) -> None:
    async with AsyncPool(server.url, shared=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute_many([("MULTI",), ("EXEC",), ("MULTI",)])
            assert not conn.is_clean
        assert await pool.execute("GET", "k") is None
