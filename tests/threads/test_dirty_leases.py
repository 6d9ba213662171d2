# Generated from tests/asyncio_/test_dirty_leases.py by tools/generate.py. Do not edit.
"""Whatever a caller did to its leased connection, the next caller gets it like new (R-28)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import echo, held_echo
from threads.harness import Callers, now, wait_until
from respool import Connection, Pool
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


def info(conn: Connection[Any]) -> dict[str, str]:
    text = (conn.execute("CLIENT", "INFO")).decode()
    return dict(field.partition("=")[::2] for field in text.split())


def leave_dirty(conn: Connection[Any], commands: str) -> None:
    """Run commands and ignore their replies."""
    for command in commands.split(";"):
        words = command.split()
        if "SUBSCRIBE" in words[0]:
            conn.execute(*words)
        else:
            conn.execute_many([words])  # where an error is a value


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
def test_the_next_borrower_finds_nothing_of(server: Server, ann: str, dirt: str, protocol: Any) -> None:
    server.command("SET", "k", "wrong database")
    with Pool(server.url, db=3, shared=0, max_size=1, client_name="us", protocol=protocol) as pool:
        pool.set("k", "v")
        with pool.acquire() as conn:
            first = conn.execute("CLIENT", "ID")
            leave_dirty(conn, DIRT[dirt])
        with pool.acquire() as conn:
            state = info(conn)
            assert {name: state[name] for name in CLEAN} == CLEAN
            assert state["resp"] == str(protocol)
            assert conn.protocol == protocol
            assert conn.db == 3
            assert conn.get("k") == b"v"
            assert conn.execute("CLIENT", "ID") == first  # it was reset, not replaced
        stats = pool.stats()
        assert (stats.resets, stats.opened, stats.lost) == (1, 1, 0)
        assert (stats.idle, stats.leased, stats.dialing) == (1, 0, 0)


@pytest.mark.parametrize("command", ["CLIENT NO-EVICT ON", "CLIENT CAPA redirect", "CLIENT SOMETHING-NEW"])
def test_what_a_reset_may_leave_behind_costs_the_connection(server: Server, command: str) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        with pool.acquire() as conn:
            first = conn.execute("CLIENT", "ID")
            leave_dirty(conn, command)
        with pool.acquire() as conn:
            state = info(conn)
            assert (state["flags"], state["capa"]) == ("N", "r")  # the handshake asks for redirects itself
            assert conn.execute("CLIENT", "ID") != first
            leave_dirty(conn, command)
            conn.reset()
            assert not conn.is_clean  # and a reset by the caller does not change that
        assert (pool.stats().resets, pool.size) == (0, 0)


def test_a_resp2_lease_does_not_subscribe(server: Server) -> None:
    with Pool(server.url, shared=0, protocol=2) as pool, pool.acquire() as conn:
        with pytest.raises(UsageError, match="protocol=3"):
            conn.execute("SUBSCRIBE", "channel")
        assert conn.execute("PING") == b"PONG"
    assert pool.stats().resets == 0


@pytest.mark.parametrize("command", ["CLIENT REPLY OFF", "CLIENT REPLY SKIP", "MONITOR", "SYNC", "PSYNC ? -1"])
def test_what_would_break_the_order_of_replies_is_refused_on_a_lease_too(server: Server, command: str) -> None:
    with Pool(server.url, shared=0) as pool, pool.acquire() as conn:
        with pytest.raises(UsageError):
            conn.execute(*command.split())
        with pytest.raises(UsageError):
            conn.execute_many([command.split()])
        assert conn.execute("ECHO", "x") == b"x"


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
def test_what_was_undone_by_its_borrower_costs_no_reset(server: Server, commands: str) -> None:
    with Pool(server.url, db=3, shared=0, max_size=1) as pool:
        with pool.acquire() as conn:
            leave_dirty(conn, commands)
            assert conn.is_clean
        with pool.acquire() as conn:
            state = info(conn)
            assert (state["db"], state["flags"], state["watch"]) == ("3", "N", "0")
        assert (pool.stats().resets, pool.stats().opened) == (0, 1)


def test_an_error_of_the_server_keeps_the_connection(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        pool.rpush("list", "a")
        with pool.acquire() as conn:
            first = conn.execute("CLIENT", "ID")
            for _ in range(3):
                with pytest.raises(WrongType):
                    conn.get("list")
        with pytest.raises(WrongType):
            pool.incr("list")
        assert pool.execute("CLIENT", "ID") == first
        assert (pool.stats().resets, pool.stats().opened) == (0, 1)


def test_after_a_reset_the_server_has_as_long_as_ever() -> None:
    with FakeNode({"WATCH": b"+OK\r\n", "GET": Silence()}) as node:
        options = {"connect_timeout": 5.0, "read_timeout": 0.1, "retry": None}
        with Pool(node.url, shared=0, max_size=1, **options) as pool:
            with pool.acquire() as conn:
                conn.execute("WATCH", "k")
            wait_until(lambda: pool.idle == 1)
            with pool.acquire() as conn:
                started = now()
                with pytest.raises(ReadTimeout):
                    conn.execute("GET", "k")
                assert now() - started < 2.0  # and not connect_timeout
            assert (pool.stats().resets, node.connections) == (1, 1)


def test_a_transaction_that_was_aborted_leaves_a_clean_connection(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=2) as pool:
        with pool.acquire() as conn:
            conn.execute("WATCH", "k")
            pool.set("k", "changed by somebody else")
            with pytest.raises(TransactionAborted):
                conn.execute_many([("SET", "k", "mine")], atomic=True)
            assert conn.is_clean
            conn.execute("WATCH", "k")
        with pool.acquire() as conn:
            pool.set("k", "changed again")
            assert conn.execute_many([("SET", "k", "mine")], atomic=True) == [b"OK"]
        assert pool.stats().resets == 1


def test_a_reply_that_is_still_to_come_does_not_reach_the_next_borrower() -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node:
        with Pool(node.url, shared=0, max_size=1) as pool:
            with pool.acquire() as conn:
                with pytest.raises(ReadTimeout):
                    conn.execute("GET", "late", timeout=0.02)
                assert conn.in_flight == 1
            assert (pool.idle, pool.leased, pool.dialing) == (0, 0, 1)
            wait_until(lambda: node.calls("GET"))
            node.release()
            assert pool.execute("ECHO", "next") == b"next"
            assert (pool.stats().resets, pool.stats().opened, pool.stats().dropped) == (1, 1, 1)


def test_a_reply_that_never_comes_costs_the_connection_and_not_the_next_borrower(callers: Callers) -> None:
    with FakeNode({"GET": Hold(Silence()), "ECHO": echo}) as node:
        with Pool(node.url, shared=0, max_size=1, connect_timeout=1.0) as pool:
            with pool.acquire() as conn:
                with pytest.raises(ReadTimeout):
                    conn.execute("GET", "never", timeout=0.02)
            assert pool.execute("ECHO", "next") == b"next"
            assert (pool.stats().resets, pool.stats().opened) == (1, 2)
            wait_until(lambda: node.open_connections == 1)


def test_a_waiter_gets_the_connection_when_it_is_clean(server: Server, callers: Callers) -> None:
    with Pool(server.url, db=3, shared=0, max_size=1) as pool:
        lease = pool.acquire()
        caller = callers.start(pool.execute, "CLIENT", "INFO")
        wait_until(lambda: pool.waiting == 1)
        lease.execute("SELECT", 5)
        lease.execute("MULTI")
        pool.release(lease)
        answer = caller.result()
        assert b" db=3 " in answer
        assert b" flags=N " in answer


@pytest.mark.parametrize("answer", [b"-ERR unknown command 'RESET'\r\n", b"+WHAT\r\n-ERR surplus\r\n"])
def test_a_server_that_cannot_reset_costs_the_connection_only(answer: bytes) -> None:
    with FakeNode({"RESET": answer, "ECHO": echo, "WATCH": b"+OK\r\n"}) as node:
        with Pool(node.url, shared=0, max_size=1) as pool:
            with pool.acquire() as conn:
                conn.execute("WATCH", "k")
            assert pool.execute("ECHO", "next") == b"next"
            wait_until(lambda: pool.stats().opened == 2 and node.open_connections == 1)
            assert (pool.size, pool.idle) == (1, 1)


def test_a_server_that_hangs_up_on_a_reset_costs_the_connection_only(callers: Callers) -> None:
    with FakeNode({"RESET": Hold(), "ECHO": echo, "WATCH": b"+OK\r\n"}) as node:
        with Pool(node.url, shared=0, max_size=1) as pool:
            with pool.acquire() as conn:
                conn.execute("WATCH", "k")
            caller = callers.start(pool.execute, "ECHO", "next")
            wait_until(lambda: node.calls("RESET") and pool.waiting == 1)
            node.drop()
            assert caller.result() == b"next"
            assert pool.stats().opened == 2


def test_the_credentials_of_the_pool_are_given_again_after_a_reset(ann: str, server: Server) -> None:
    with Pool(server.url, username=ann, password="secret", shared=0, max_size=1) as pool:
        with pool.acquire() as conn:
            conn.execute("MULTI")
        assert pool.execute("ACL", "WHOAMI") == b"ann"
        assert pool.stats().resets == 1


def test_a_transaction_that_begins_behind_another_one_in_a_pipeline_is_not_left_to_the_next_user(
    server: Server,
) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        with pool.acquire() as conn:
            conn.execute_many([("MULTI",), ("EXEC",), ("MULTI",)])
            assert not conn.is_clean
        assert pool.execute("GET", "k") is None
