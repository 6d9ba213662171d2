# Generated from tests/asyncio_/test_lane_choice.py by tools/generate.py. Do not edit.
"""Which lane a command uses, and which commands are refused: decided before anything is sent (R-20, R-21, R-26)."""

from __future__ import annotations

from typing import Any

import pytest

from answers import NIL, OK, echo
from threads.harness import Callers, now, wait_until
from respool import Pool, Command
from respool._facts.command_table import BLOCKING, REFUSALS
from respool._facts.module_table import MODULE_BLOCKING
from respool.errors import ConnectionLost, PoolExhausted, UsageError
from respool.testing import Close, FakeNode, Hold, Server

BLOCKING_CALLS: list[tuple[Any, ...]] = [
    ("BLMOVE", "a", "b", "LEFT", "RIGHT", 1),
    ("BLMPOP", 1, 1, "a", "LEFT"),
    ("BLMOVEM", "a", "b", "LEFT", "RIGHT", 1, "COUNT", 2, "BULK"),
    ("BLPOP", "a", 1),
    ("BRPOP", "a", "b", 0),
    ("BRPOPLPUSH", "a", "b", 1),
    ("BZMPOP", 1, 1, "a", "MIN"),
    ("BZPOPMAX", "a", 1),
    ("BZPOPMIN", "a", 1),
    ("TS.READ", "a", "-", "BLOCK", 100, 1),
    ("WAIT", 1, 100),
    ("WAITAOF", 1, 1, 100),
    ("XREAD", "COUNT", 1, "BLOCK", 100, "STREAMS", "a", "$"),
    ("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "a", ">"),
]


def beyond_handshake(node: FakeNode) -> list[bytes]:
    """Return the names of the commands that are not part of a handshake."""
    return [seen.command[0] for seen in node.commands if seen.command[0] not in (b"HELLO", b"CLIENT")]


# Refused ---------------------------------------------------------------------------------------------------------


def test_every_command_that_would_change_the_connection_is_refused_with_the_right_call() -> None:
    with FakeNode(default=OK) as node:
        with Pool(node.url, shared=1) as pool:
            greeting = len(node.commands)
            for name, right_call in REFUSALS.items():
                words = name.split()
                forms: tuple[tuple[Any, ...], ...] = (
                    tuple(words),
                    (*words, "x"),
                    tuple(word.lower().encode() for word in words),
                    (Command(*words),),
                )
                for form in forms:
                    with pytest.raises(UsageError) as caught:
                        pool.execute(*form)
                    assert right_call in str(caught.value)
                    assert name in str(caught.value)
                with pytest.raises(UsageError):
                    pool.execute_many([("GET", "k"), tuple(words)])
                with pytest.raises(UsageError):
                    pool.execute_noreply(*words)
                with pytest.raises(UsageError):
                    with pool.pipeline() as p:
                        p.execute(*words)
            assert len(node.commands) == greeting
            assert node.connections == 1


def test_a_refusal_names_the_call_that_does_it() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=1) as pool:
            for words, call in (
                (("MULTI",), "atomic=True"),
                (("EXEC",), "atomic=True"),
                (("SELECT", 1), "pool.select(db)"),
                (("AUTH", "p"), "password="),
                (("WATCH", "k"), "pool.acquire()"),
                (("SUBSCRIBE", "c"), "pool.subscribe()"),
                (("CLIENT", "REPLY", "OFF"), "execute_noreply()"),
                (("CLIENT", "SETNAME", "n"), "client_name="),
                (("QUIT",), "close"),
            ):
                with pytest.raises(UsageError, match=call.replace("(", r"\(").replace(")", r"\)")):
                    pool.execute(*words)


def test_a_refusal_sends_nobody_to_a_lease_that_would_refuse_it_too() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=1) as pool:
            for words in (("MONITOR",), ("SYNC",), ("PSYNC", "?", -1), ("CLIENT", "REPLY", "OFF")):
                with pytest.raises(UsageError) as caught:
                    pool.execute(*words)
                assert "lease" not in str(caught.value)


def test_who_subscribes_is_told_of_subscribers(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        for kind in ("", "P", "S"):
            for name in ("SUBSCRIBE", "UNSUBSCRIBE"):
                with pytest.raises(UsageError, match=r"use pool\.subscribe\(\), which returns a subscriber"):
                    pool.execute(kind + name, "channel")


def test_several_values_in_one_argument_are_refused_with_what_to_do(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        for values in (["a", "b"], ("a", "b"), {"a"}):
            with pytest.raises(UsageError, match=r"argument 1 of MGET is \w+; give each of its values as an argument"):
                pool.mget(values)  # type: ignore[arg-type]


def test_what_only_tells_of_a_connection_is_not_refused(server: Server) -> None:
    with Pool(server.url, shared=1, client_name="asked") as pool:
        assert pool.execute("CLIENT", "GETNAME") == b"asked"
        assert pool.execute("CLIENT", "ID") > 0
        assert b"name=asked" in pool.execute("CLIENT", "INFO")


def test_arguments_that_cannot_be_sent_are_refused_and_leave_no_hole(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=1) as pool:

        def mix(name: int) -> None:
            for number in range(10):
                for wrong in (None, True, object(), ["list"], {"a": 1}):
                    with pytest.raises(UsageError) as caught:
                        pool.execute("SET", "k", wrong)
                    assert isinstance(caught.value, TypeError)
                with pytest.raises(UsageError):
                    pool.execute_many([("GET", "k"), ("SET", "k", None)])
                word = f"{name}:{number}"
                assert pool.execute("ECHO", word) == word.encode()

        for name in range(5):
            callers.start(mix, name)
        callers.results()
        for nothing in ((), [()], ["GET"], [7]):
            with pytest.raises(UsageError):
                (pool.execute(*nothing) if nothing == () else pool.execute_many(nothing))  # type: ignore[arg-type]
        assert pool.execute_many([]) == []
        assert pool.stats().opened == 1


def test_a_blocking_command_that_cannot_be_sent_costs_no_connection() -> None:
    wrong: Any = ["a", "list"]
    with FakeNode() as node:
        with Pool(node.url, shared=0) as pool:
            for _ in range(3):
                with pytest.raises(UsageError, match="is list"):
                    pool.blpop(wrong, timeout=1)
                with pytest.raises(UsageError, match="is list"):
                    pool.execute_many([("BLPOP", "a", 1), ("GET", wrong)])
            assert (pool.idle, pool.stats().opened, pool.stats().resets) == (1, 1, 0)
            with pool.acquire() as conn:
                assert conn._transport.patience == 5.0


def test_every_kind_of_argument_arrives_as_its_bytes(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        for value, stored in (
            ("text ü", "text ü".encode()),
            (b"\x00\r\n\xff", b"\x00\r\n\xff"),
            (bytearray(b"array"), b"array"),
            (memoryview(b"view"), b"view"),
            (7, b"7"),
            (-(2**63), b"-9223372036854775808"),
            (1.5, b"1.5"),
            ("", b""),
        ):
            pool.execute("SET", "k", value)
            assert pool.execute("GET", "k") == stored


# Leased ----------------------------------------------------------------------------------------------------------


def test_the_table_of_blocking_calls_is_complete() -> None:
    assert {call[0] for call in BLOCKING_CALLS} == {*BLOCKING, *MODULE_BLOCKING}


@pytest.mark.parametrize("call", BLOCKING_CALLS, ids=lambda call: call[0])
def test_a_blocking_command_goes_to_a_lease(callers: Callers, call: tuple[Any, ...]) -> None:
    with FakeNode({"GET": echo, call[0]: Hold(NIL)}) as node:
        with Pool(node.url, shared=1) as pool:
            blocked = callers.start(pool.execute, *call)
            wait_until(lambda: node.calls(call[0]))
            assert pool.leased == 1
            assert pool.execute("GET", "k") == b"k"  # no other command waits behind it
            assert node.calls("GET")[0].connection != node.calls(call[0])[0].connection
            node.release()
            assert blocked.result() is None
            assert pool.leased == 0
            assert pool.idle == 1


def test_a_run_with_a_blocking_command_goes_to_a_lease(callers: Callers) -> None:
    with FakeNode({"GET": echo, "BLPOP": Hold(NIL)}) as node:
        with Pool(node.url, shared=1) as pool:
            run = callers.start(pool.execute_many, [("GET", "a"), ("BLPOP", "b", 0)])
            wait_until(lambda: node.calls("BLPOP"))
            assert pool.execute("GET", "c") == b"c"
            node.release()
            assert run.result() == [b"a", None]
            assert node.calls("GET")[0].connection == node.calls("BLPOP")[0].connection


def test_a_run_with_a_blocking_command_may_not_change_the_connection_either() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(UsageError, match="SELECT"):
                pool.execute_many([("BLPOP", "a", 1), ("SELECT", 3)])
            assert not node.calls("BLPOP")


def test_a_command_that_could_block_and_does_not_is_shared(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        pool.execute("XADD", "s", "1-1", "field", "value")
        assert pool.execute("XREAD", "COUNT", 1, "STREAMS", "s", "0") is not None
        assert pool.execute("XREAD", "STREAMS", "BLOCK", "0") is None  # a stream called BLOCK
        assert pool.stats().leases == 0
        assert pool.execute("XREAD", "BLOCK", 5, "STREAMS", "s", "$") is None
        assert pool.stats().leases == 1


def test_a_blocking_command_keeps_its_own_time_and_runs_once(server: Server) -> None:
    with Pool(server.url, shared=1, read_timeout=0.1) as pool:
        server.command("CONFIG", "RESETSTAT")
        started = now()
        assert pool.execute("BLPOP", "nothing", 0.3) is None
        assert 0.29 <= now() - started < 3.0
        assert "calls=1," in server.info("commandstats")["cmdstat_blpop"]
        assert pool.stats().opened == 2
        assert pool.execute("BLPOP", "nothing", 0.05) is None  # the lease came back healthy
        assert pool.stats().opened == 2


def test_a_blocking_command_is_served_when_something_comes(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=1, read_timeout=1.0) as pool:
        blocked = callers.start(pool.execute, "BLPOP", "queue", 0)
        wait_until(lambda: any(row["cmd"] == "blpop" and "b" in row["flags"] for row in server.clients()))
        pool.execute("RPUSH", "queue", "item")
        assert blocked.result() == [b"queue", b"item"]


def test_a_blocking_command_that_was_written_is_never_sent_again() -> None:
    with FakeNode({"BLPOP": Close(), "XREAD": Close()}) as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(ConnectionLost):
                pool.execute("BLPOP", "a", 1)
            with pytest.raises(ConnectionLost):
                pool.execute("XREAD", "BLOCK", 5, "STREAMS", "a", "$")
            assert len(node.calls("BLPOP")) == len(node.calls("XREAD")) == 1


def test_a_blocking_command_cannot_be_sent_without_a_reply() -> None:
    with FakeNode() as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(UsageError, match="block"):
                pool.execute_noreply("BLPOP", "a", 1)


def test_a_pool_whose_connections_are_all_shared_has_no_place_for_a_blocking_command() -> None:
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=2, max_size=2) as pool:
            with pytest.raises(PoolExhausted):
                pool.execute("BLPOP", "a", 1)
            with pytest.raises(PoolExhausted):
                pool.execute_many([("GET", "a"), ("BLPOP", "a", 1)])
            assert not node.calls("BLPOP")
            keys = [f"k{number}" for number in range(2000)]
            assert pool.execute_many([("GET", key) for key in keys]) == [key.encode() for key in keys]


@pytest.mark.parametrize(
    ("commands", "is_big"),
    [
        ([("GET", "k")] * 1024, False),
        ([("GET", "k")] * 1025, True),
        ([("SET", "k", b"x" * 250_000)], False),
        ([("SET", "k", b"x" * 300_000)], True),
        ([("SET", "k", b"x" * 1000)] * 270, True),
    ],
    ids=["1024", "1025", "250 kB", "300 kB", "270 kB in pieces"],
)
def test_a_big_pipeline_leaves_by_a_lease(commands: list[tuple[Any, ...]], is_big: bool) -> None:
    with FakeNode({"GET": echo, "SET": OK}) as node:
        with Pool(node.url, shared=1) as pool:
            pool.execute_many(commands)
            assert pool.stats().leases == is_big
            assert pool.leased == 0


def test_small_commands_do_not_wait_behind_a_big_pipeline(callers: Callers) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=1) as pool:
            big = callers.start(pool.execute_many, [("SLOW", "x"), *[("GET", f"k{n}") for n in range(2000)]])
            wait_until(lambda: node.calls("SLOW"))
            assert pool.execute("GET", "small") == b"small"
            assert not big.is_done
            node.release()
            assert big.result() == [b"OK", *[b"k%d" % n for n in range(2000)]]


@pytest.mark.parametrize("options", [{"shared": 0}, {"max_size": 1}], ids=["shared=0", "max_size=1"])
def test_a_pool_without_shared_connections_leases_for_every_call(server: Server, options: Any) -> None:
    with Pool(server.url, **options) as pool:
        assert pool.shared == 0
        assert pool.set("k", "v") is True
        assert pool.get("k") == b"v"
        assert pool.execute_many([("GET", "k"), ("INCR", "n")]) == [b"v", 1]
        assert pool.execute_many([("GET", "k"), ("INCR", "n")], atomic=True) == [b"v", 2]
        pool.execute_noreply("SET", "k", "w")
        assert pool.get("k") == b"w"
        with pytest.raises(UsageError):
            pool.execute("MULTI")
        stats = pool.stats()
        assert (stats.leases, stats.releases, stats.leased) == (6, 6, 0)
        assert stats.opened == 1
