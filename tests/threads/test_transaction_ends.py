# Generated from tests/asyncio_/test_transaction_ends.py by tools/generate.py. Do not edit.
"""If it is unknown whether a transaction has ended, its connection is not used again (R-25, R-28)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import OK, Words, bulk, echo
from threads.harness import Callers, wait_until
from respool import Pool
from respool.errors import ConnectionLost, Error, ProtocolError, ServerError, UnknownCommand
from respool.testing import FakeConnection, FakeNode, Hold, Server

QUEUED = b"+QUEUED\r\n"
NO_MULTI = b"-ERR EXEC without MULTI\r\n"
UNKNOWN = b"-ERR unknown command 'EXEC'\r\n"
ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"

#: Replies to MULTI, the one command inside and EXEC, if it is unknown whether the transaction has ended.
IN_DOUBT = [
    (OK, QUEUED, UNKNOWN),
    (OK, QUEUED, b"-NOPERM no\r\n"),
    (OK, QUEUED, b"-LOADING as Redis 5 says it\r\n"),
    (OK, QUEUED, b"-ERR an error of a proxy\r\n"),
    (OK, QUEUED, NO_MULTI),
    (OK, QUEUED, QUEUED),
    (OK, QUEUED, b"+OK\r\n"),
    (OK, QUEUED, b"*0\r\n"),
    (QUEUED, QUEUED, QUEUED),
    (QUEUED, QUEUED, b"*1\r\n:1\r\n"),
    (b"-ERR MULTI calls can not be nested\r\n", QUEUED, UNKNOWN),
    (b"-ERR MULTI calls can not be nested\r\n", QUEUED, b"*1\r\n:1\r\n"),
]

#: The same if it has certainly ended, or never begun.
ENDED = [
    (OK, QUEUED, b"*1\r\n:1\r\n"),
    (OK, QUEUED, b"_\r\n"),
    (OK, b"-ERR no\r\n", ABORTED),
    (OK, QUEUED, b"-MOVED 1 127.0.0.1:1\r\n"),
    (OK, QUEUED, b"-ASK 1 127.0.0.1:1\r\n"),
    (OK, QUEUED, b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"),
    (b"-NOPERM no\r\n", b":1\r\n", NO_MULTI),
    (b"-NOPERM no\r\n", b":1\r\n", b"-NOPERM no\r\n"),
    (b"-NOPERM no\r\n", b":1\r\n", b"-EXECABORT Transaction discarded because of: NOPERM no\r\n"),
    (b"-ERR unknown command 'MULTI'\r\n", b":1\r\n", UNKNOWN),
]


def queued_on_the_first(command: Words, connection: FakeConnection) -> bytes:
    """Answer with the first argument, but on the first connection with QUEUED."""
    return QUEUED if connection.number == 1 else bulk(command[1])


@pytest.mark.parametrize("binary", [None, "redis-server"])
@pytest.mark.parametrize("shared", [0, 1])
def test_a_renamed_exec_queues_no_command_of_anybody_else(binary: str | None, shared: int) -> None:
    with Server(binary, config={"rename-command": 'EXEC ""'}) as server:
        with Pool(server.url, shared=shared) as pool:
            for _ in range(2):
                with pytest.raises(UnknownCommand):
                    pool.execute_many([("INCR", "n")], atomic=True)
                assert pool.execute("SET", "k", "v") == b"OK"
            assert pool.execute("GET", "k") == b"v"
            assert pool.execute("GET", "n") is None


def test_a_renamed_exec_ends_the_lease_that_sent_the_transaction() -> None:
    with Server(config={"rename-command": 'EXEC ""'}) as server:
        with Pool(server.url, shared=0) as pool:
            for commands in ([("INCR", "n")], [("INCR", "n")] * 3000):
                with pool.acquire() as conn:
                    with pytest.raises(UnknownCommand):
                        conn.execute_many(commands, atomic=True)
                    with pytest.raises(ConnectionLost):
                        conn.execute("GET", "n")
            assert pool.execute("GET", "n") is None


@pytest.mark.parametrize(("multi", "inside", "exec_"), IN_DOUBT)
@pytest.mark.parametrize("shared", [0, 1])
def test_a_transaction_whose_end_is_not_sure_ends_its_connection(
    multi: bytes, inside: bytes, exec_: bytes, shared: int
) -> None:
    with FakeNode({"MULTI": multi, "INCR": inside, "EXEC": exec_, "GET": echo}) as node:
        with Pool(node.url, shared=shared, retry=None) as pool:
            with pytest.raises(Error) as caught:
                pool.execute_many([("INCR", "n")], atomic=True)
            assert isinstance(caught.value, ServerError | ProtocolError)
            assert pool.execute("GET", "k") == b"k"
            assert node.calls("GET")[0].connection != node.calls("INCR")[0].connection


@pytest.mark.parametrize(("multi", "inside", "exec_"), ENDED)
@pytest.mark.parametrize("shared", [0, 1])
def test_a_transaction_that_has_surely_ended_keeps_its_connection(
    multi: bytes, inside: bytes, exec_: bytes, shared: int
) -> None:
    with FakeNode({"MULTI": multi, "INCR": inside, "EXEC": exec_, "GET": echo}) as node:
        with Pool(node.url, shared=shared, retry=None) as pool:
            try:
                pool.execute_many([("INCR", "n")], atomic=True)
            except ServerError:
                pass
            assert pool.execute("GET", "k") == b"k"
            assert node.calls("GET")[0].connection == node.calls("INCR")[0].connection
            assert pool.stats().opened == 1


def test_commands_that_were_sent_behind_such_a_transaction_are_not_answered_with_queued(callers: Callers) -> None:
    script = {"MULTI": OK, "INCR": QUEUED, "EXEC": Hold(UNKNOWN), "GET": queued_on_the_first, "SET": queued_on_the_first}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            atomic = callers.start(pool.execute_many, [("INCR", "n")], atomic=True)
            wait_until(lambda: node.calls("EXEC"))
            read = callers.start(pool.execute, "GET", "k")
            write = callers.start(pool.execute, "SET", "k", "v")
            wait_until(lambda: pool.stats().in_flight == 3)
            wait_until(lambda: node.release())
            assert isinstance(atomic.outcome(), UnknownCommand)
            assert read.result() == b"k"  # on another connection
            outcome = write.outcome()
            assert outcome == b"k" or isinstance(outcome, ConnectionLost)  # it may not have been written yet


def test_nor_when_the_caller_of_the_transaction_has_given_up(callers: Callers) -> None:
    script = {"MULTI": OK, "INCR": QUEUED, "EXEC": Hold(UNKNOWN), "GET": queued_on_the_first}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(TimeoutError):
                pool.execute_many([("INCR", "n")], atomic=True, timeout=0.05)
            read = callers.start(pool.execute, "GET", "k")
            wait_until(lambda: pool.stats().in_flight == 2)
            wait_until(lambda: node.release())
            assert read.result() == b"k"


def test_a_lease_can_go_on_after_an_exec_that_a_moved_slot_has_ended() -> None:
    for word in (b"MOVED 1 127.0.0.1:1", b"ASK 1 127.0.0.1:1", b"TRYAGAIN", b"CLUSTERDOWN", b"CROSSSLOT"):
        with FakeNode({"MULTI": OK, "SET": QUEUED, "EXEC": b"*1\r\n+OK\r\n", "GET": echo}) as node:
            node.once("EXEC", b"-%s\r\n" % word)
            with Pool(node.url, shared=0) as pool:
                with pool.acquire() as conn:
                    conn.execute("MULTI")
                    conn.execute("SET", "k", "v")
                    with pytest.raises(ServerError):
                        conn.execute("EXEC")
                    assert conn.execute_many([("SET", "k", "v")], atomic=True) == [b"OK"]
                assert pool.stats().resets == 0


def test_a_lease_whose_exec_was_refused_for_other_reasons_is_cleaned() -> None:
    for word in (b"NOPERM", b"LOADING", b"ERR unknown command 'EXEC'"):
        with FakeNode({"MULTI": OK, "SET": QUEUED, "EXEC": b"-%s\r\n" % word, "GET": echo}) as node:
            with Pool(node.url, shared=0) as pool:
                with pool.acquire() as conn:
                    replies = conn.execute_many([("MULTI",), ("SET", "k", "v"), ("EXEC",)])
                    assert isinstance(replies[2], ServerError)
                    assert not conn.is_clean
                wait_until(lambda: pool.stats().resets == 1)
                assert pool.execute("GET", "k") == b"k"


def test_a_run_without_replies_that_was_queued_ends_its_connection() -> None:
    with FakeNode({"CLIENT REPLY": QUEUED, "SET": QUEUED, "GET": echo}) as node:
        with Pool(node.url, shared=1) as pool:
            pool.execute_noreply("SET", "k", "v")
            assert pool.execute("GET", "k") == b"k"
            assert node.calls("GET")[-1].connection != node.calls("SET")[0].connection


def test_a_select_that_is_not_answered_with_ok_changes_nothing() -> None:
    for answer in (QUEUED, b":1\r\n"):
        with FakeNode({"GET": echo}) as node:
            with Pool(node.url, shared=1) as pool:
                node.on("SELECT", answer)
                with pytest.raises(ProtocolError, match="SELECT was answered neither with OK"):
                    pool.select(3)
                assert pool.db == 0
                first = node.calls("SELECT")[-1].connection
                assert pool.execute("GET", "k") == b"k"
                assert node.calls("GET")[0].connection != first


def test_a_reset_that_is_not_answered_as_one_is_none() -> None:
    answers: list[Any] = [QUEUED, OK]
    for answer in answers:
        with FakeNode({"WATCH": OK, "RESET": answer, "GET": echo}) as node:
            with Pool(node.url, shared=0, max_size=1) as pool:
                with pool.acquire() as conn:
                    conn.execute("WATCH", "k")
                assert pool.execute("GET", "k") == b"k"
                assert node.calls("GET")[0].connection != node.calls("WATCH")[0].connection
