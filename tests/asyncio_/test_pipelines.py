# Written once: tests/threads/test_pipelines.py is generated from this file.
"""Pipelines: one value per command, errors as values, all or nothing with ``atomic``."""

from __future__ import annotations

import gc
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from answers import OK, echo, held_echo
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool, Command, RetryPolicy
from respool._async.shell.transport import AsyncTransport
from respool._protocol.run import Run
from respool.errors import (
    ConnectionLost,
    DecodeError,
    Loading,
    NoPermission,
    OutcomeUnknown,
    OutOfMemory,
    ReadTimeout,
    ServerError,
    TransactionAborted,
    UnknownCommand,
    UsageError,
    WrongType,
)
from respool.testing import Close, FakeNode, Server


async def test_a_pipeline_returns_one_value_for_each_command(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        replies = await pool.execute_many([("SET", "k", "1"), ("INCR", "k"), ["GET", "k"], Command("GET", "none")])
        assert replies == [b"OK", 2, b"2", None]
        assert await pool.execute_many(command for command in [("PING",)]) == [b"PONG"]
        assert await pool.execute_many([]) == []


async def test_a_server_error_is_a_value_and_its_neighbours_are_well(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        replies = await pool.execute_many(
            [("SET", "k", "v"), ("LPUSH", "k", "x"), ("NO-SUCH",), ("GET", "k"), ("GET",)]
        )
        assert [type(reply) for reply in replies] == [bytes, WrongType, UnknownCommand, bytes, ServerError]
        assert replies[3] == b"v"
        assert pool.stats().opened == 1


async def test_results_of_a_pipeline_that_raised_do_not_ask_to_leave_its_block() -> None:
    with FakeNode({"MULTI": b"-ERR no\r\n"}, default=b"-ERR no\r\n") as node:
        async with AsyncPool(node.url, shared=1) as pool:
            with pytest.raises(ServerError):
                async with pool.pipeline(atomic=True) as refused:
                    in_vain = refused.execute("GET", "k")
            with pytest.raises(KeyError):
                async with pool.pipeline() as unsent:
                    never_sent = unsent.execute("GET", "k")
                    raise KeyError
            for result in (in_vain, never_sent):
                with pytest.raises(UsageError, match="its pipeline was left with an error"):
                    result.result()


async def test_pipelines_of_many_callers_do_not_mix(callers: Callers, server: Server) -> None:
    async with AsyncPool(server.url, shared=2) as pool:

        async def ask(name: int) -> None:
            for number in range(15):
                keys = [f"{name}:{number}:{position}" for position in range(1 + (name + number) % 7)]
                replies = await pool.execute_many(
                    [*[("SET", key, key) for key in keys], *[("GET", key) for key in keys]], atomic=number % 2 == 0
                )
                assert replies == [b"OK"] * len(keys) + [key.encode() for key in keys]

        for name in range(12):
            callers.start(ask, name)
        await callers.results()
        assert pool.stats().in_flight == 0


async def test_a_connection_lost_within_a_pipeline_is_raised() -> None:
    with FakeNode({"GET": echo, "SET": OK, "INCR": Close()}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:
            with pytest.raises(OutcomeUnknown):
                await pool.execute_many([("GET", "a"), ("SET", "b", "c"), ("INCR", "d")])
            node.on("INCR", b":1\r\n")
            node.once("GET", Close())
            with pytest.raises(ConnectionLost) as caught:
                await pool.execute_many([("GET", "a"), ("GET", "b")])
            assert type(caught.value) is ConnectionLost


async def test_a_pipeline_given_up_shifts_nothing(callers: Callers) -> None:
    with FakeNode({"GET": echo}) as node:
        node.once("GET", held_echo)
        async with AsyncPool(node.url, shared=1) as pool:
            with pytest.raises(ReadTimeout):
                await pool.execute_many([("GET", "a"), ("GET", "b"), ("GET", "c")], timeout=0.03)
            next_one = callers.start(pool.execute_many, [("GET", "d"), ("GET", "e")])
            await wait_until(lambda: pool.stats().in_flight == 5)
            await wait_until(lambda: node.release())
            assert await next_one.result() == [b"d", b"e"]
            assert pool.stats().dropped == 3


# All or nothing ----------------------------------------------------------------------------------------------


def meddle(monkeypatch: pytest.MonkeyPatch, second: Callable[[AsyncTransport, Any], Any]) -> list[int]:
    """Return the sizes of the batches that are sent; ``second`` is called before the second one, with the deadline."""
    sizes: list[int] = []
    submit_many = AsyncTransport.submit_many

    def submit(self: AsyncTransport, commands: list[Any], deadline: float | None = None, *rest: Any) -> Any:
        if len(commands) > 100:
            sizes.append(len(commands))
            if len(sizes) == 2:
                deadline = second(self, deadline)
        return submit_many(self, commands, deadline, *rest)

    monkeypatch.setattr(AsyncTransport, "submit_many", submit)
    return sizes


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that are sent. The connection ends before the second one."""
    return meddle(monkeypatch, lambda transport, _: transport.abort_as_silent())


async def test_long_reads_whose_connection_ends_between_two_pieces_are_sent_again(sizes: list[int]) -> None:
    with FakeNode({"GET": b":1\r\n"}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            assert await pool.execute_many([("GET", "k")] * 2500) == [1] * 2500
            assert sizes == [1024, 1024, 1024, 1024, 452]


async def test_long_writes_whose_connection_ends_between_two_pieces_are_not(sizes: list[int], server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        with pytest.raises(OutcomeUnknown):
            await pool.execute_many([("INCR", "n")] * 2500)
        assert server.command("GET", "n") == b"1024"
        sizes.clear()
        async with pool.acquire() as conn:
            with pytest.raises(ConnectionLost) as caught:
                await conn.execute_many([("INCR", "n")] * 2500)
            assert caught.value.executed == "unknown"


async def test_a_long_transaction_whose_connection_ends_before_its_last_piece_runs_once(
    sizes: list[int], server: Server
) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        assert await pool.execute_many([("INCR", "n")] * 2500, atomic=True) == list(range(1, 2501))
        assert sizes == [1024, 1024, 1024, 1024, 454]


async def test_a_long_transaction_whose_multi_was_refused_is_not_sent_again(sizes: list[int], server: Server) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all", "-multi")
    try:
        async with AsyncPool(server.url, shared=1, username="ann", password="secret") as pool:
            with pytest.raises(OutcomeUnknown):
                await pool.execute_many([("INCR", "n")] * 2500, atomic=True)
            assert server.command("GET", "n") == b"1023"  # there was no transaction
            assert sizes == [1024, 1024]
    finally:
        server.command("ACL", "DELUSER", "ann")


async def test_a_long_transaction_that_is_out_of_time_between_two_pieces_leaves_no_open_transaction(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = meddle(monkeypatch, lambda _, __: now())
    async with AsyncPool(server.url, shared=1, max_size=2, retry=None) as pool:
        with pytest.raises(ReadTimeout):
            await pool.execute_many([("INCR", "n")] * 3000, atomic=True, timeout=30.0)
        assert sizes == [1024, 1024]
        async with pool.acquire() as conn:
            assert await conn.execute("INCR", "n") == 1


async def test_of_a_long_pipeline_with_a_bad_argument_nothing_is_sent(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        for bad in (None, "\udcff"):
            with pytest.raises(UsageError, match="SET"):
                await pool.execute_many([("INCR", "n")] * 3000 + [("SET", "k", bad)])
            async with pool.acquire() as conn:
                with pytest.raises(UsageError, match="SET"):
                    await conn.execute_many([("INCR", "n")] * 3000 + [("SET", "k", bad)])
        assert server.command("GET", "n") is None
        assert pool.stats().opened == 2
        answers = await pool.execute_many([("SET", b"k", bytearray(b"v"))] * 3000)  # a rare type is allowed
        assert set(answers) == {b"OK"}


async def test_an_atomic_run_is_multi_and_exec_with_nothing_in_between(callers: Callers) -> None:
    script = {"GET": echo, "MULTI": OK, "SET": b"+QUEUED\r\n", "EXEC": b"*2\r\n+OK\r\n+OK\r\n"}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1) as pool:

            async def noise(name: int) -> None:
                for number in range(20):
                    assert await pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)

            async def run() -> None:
                for _ in range(10):
                    assert await pool.execute_many([("SET", "a", 1), ("SET", "b", 2)], atomic=True) == [b"OK", b"OK"]

            for name in range(4):
                callers.start(noise, name)
                callers.start(run)
            await callers.results()
            names = [seen.command[0] for seen in node.commands]
            begins = [index for index, name in enumerate(names) if name == b"MULTI"]
            assert len(begins) == 40
            for index in begins:
                assert names[index : index + 4] == [b"MULTI", b"SET", b"SET", b"EXEC"]
            assert node.connections == 1


async def test_an_error_inside_a_transaction_that_ran_is_a_value(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        replies = await pool.execute_many([("SET", "k", "v"), ("LPUSH", "k", "x"), ("GET", "k")], atomic=True)
        assert replies[0] == b"OK"
        assert type(replies[1]) is WrongType
        assert replies[2] == b"v"


@pytest.mark.parametrize("shared", [0, 1])
async def test_a_transaction_with_a_command_that_cannot_be_queued_runs_nothing(server: Server, shared: int) -> None:
    async with AsyncPool(server.url, shared=shared) as pool:
        with pytest.raises(TransactionAborted) as caught:
            await pool.execute_many([("SET", "k", "v"), ("NO-SUCH",), ("SET", "l", "w")], atomic=True)
        assert type(caught.value.__cause__) is UnknownCommand
        assert "NO-SUCH" in str(caught.value)
        assert await pool.get("k") is None
        assert await pool.execute_many([("SET", "k", "v")], atomic=True) == [b"OK"]
        assert pool.stats().opened == 1
        assert pool.stats().resets == 0


QUEUED = b"+QUEUED\r\n"
LOADING = b"-LOADING wait\r\n"
ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
BECAUSE = b"-EXECABORT Transaction discarded because of: LOADING wait\r\n"
NO_MULTI = b"-ERR EXEC without MULTI\r\n"


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize(
    ("multi", "queueing", "exec_"),
    [(OK, LOADING, ABORTED), (OK, QUEUED, BECAUSE), (OK, QUEUED, LOADING), (LOADING, LOADING, NO_MULTI)],
)
async def test_a_transaction_that_the_server_refuses_for_now_is_sent_again(
    multi: bytes, queueing: bytes, exec_: bytes, shared: int
) -> None:
    with FakeNode({"MULTI": OK, "INCR": QUEUED, "EXEC": b"*1\r\n:1\r\n"}) as node:
        node.once("MULTI", multi)
        node.once("INCR", queueing)
        node.once("EXEC", exec_)
        async with AsyncPool(node.url, shared=shared) as pool:
            assert await pool.execute_many([("INCR", "k")], atomic=True) == [1]
            assert len(node.calls("INCR")) == 2
            assert pool.stats().retries == 1
            may_be_open = exec_ == LOADING  # Redis 5 says it so, and keeps the transaction
            assert pool.stats().opened == 1 + may_be_open


@pytest.mark.parametrize(
    ("multi", "first", "second", "exec_", "error"),
    [
        (LOADING, b":1\r\n", b":2\r\n", NO_MULTI, Loading),  # both have run, each for itself
        (LOADING, LOADING, b":2\r\n", NO_MULTI, Loading),
        (b"-NOPERM no\r\n", LOADING, LOADING, NO_MULTI, NoPermission),
        (LOADING, LOADING, b"-ERR in the middle\r\n", NO_MULTI, Loading),  # a script that fails has begun to run
        (OK, LOADING, b"-ERR unknown command\r\n", ABORTED, TransactionAborted),  # retrying does not help
        (OK, QUEUED, QUEUED, ABORTED, TransactionAborted),
        (OK, QUEUED, QUEUED, b"-EXECABORT Transaction discarded because of: OOM no\r\n", TransactionAborted),
        (OK, QUEUED, QUEUED, b"_\r\n", TransactionAborted),  # a watched key
    ],
)
async def test_one_that_may_have_run_or_would_never_run_is_sent_once(
    multi: bytes, first: bytes, second: bytes, exec_: bytes, error: type[Exception]
) -> None:
    with FakeNode({"MULTI": multi, "INCR": first, "DECR": second, "EXEC": exec_}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            with pytest.raises(error):
                await pool.execute_many([("INCR", "k"), ("DECR", "k")], atomic=True)
            assert len(node.calls("MULTI")) == 1
            assert pool.stats().retries == 0


@pytest.mark.parametrize("shared", [0, 1])
async def test_where_an_acl_forbids_multi_the_error_tells_what_ran(server: Server, shared: int) -> None:
    server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all", "-multi", "-get")
    try:
        async with AsyncPool(server.url, shared=shared, username="ann", password="secret") as pool:
            with pytest.raises(NoPermission, match=r"MULTI was refused; all of the 2 commands ran, each for itself"):
                await pool.execute_many([("INCR", "n"), ("INCR", "n")], atomic=True)
            ran = r"MULTI was refused; 1 of the 2 commands ran, each for itself, .* that of command 2 \(GET\)"
            with pytest.raises(NoPermission, match=ran):
                async with pool.pipeline(atomic=True) as p:
                    p.incr("n")
                    p.get("n")
            with pytest.raises(NoPermission, match=ran):
                async with pool.acquire() as conn:
                    await conn.execute_many([("INCR", "n"), ("GET", "n")], atomic=True)
            assert server.command("GET", "n") == b"4"
            assert pool.stats().retries == 0
    finally:
        server.command("ACL", "DELUSER", "ann")


async def test_a_transaction_that_is_always_refused_says_so_after_the_last_attempt() -> None:
    with FakeNode({"MULTI": OK, "INCR": LOADING, "EXEC": ABORTED}) as node:
        async with AsyncPool(node.url, shared=1, retry=RetryPolicy(attempts=3, base=0.001)) as pool:
            with pytest.raises(TransactionAborted) as caught:
                await pool.execute_many([("INCR", "k")], atomic=True)
            assert type(caught.value.__cause__) is Loading
            assert len(node.calls("INCR")) == 3


async def test_commands_that_make_a_transaction_have_no_place_in_an_atomic_run(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        for name in ("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"):
            with pytest.raises(UsageError):
                await pool.execute_many([("SET", "k", "v"), (name, "k")], atomic=True)
        with pytest.raises(UsageError):
            await pool.execute_many([("GET", "k")], atomic="yes")  # type: ignore[arg-type]
        assert await pool.get("k") is None


async def test_a_watch_on_a_lease_decides_whether_the_transaction_runs(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute("WATCH", "k")
            assert await conn.execute_many([("SET", "k", "mine")], atomic=True) == [b"OK"]
            await conn.execute("WATCH", "k")
            await pool.set("k", "theirs")
            with pytest.raises(TransactionAborted) as caught:
                await conn.execute_many([("SET", "k", "mine again")], atomic=True)
            assert caught.value.__cause__ is None
            assert await conn.get("k") == b"theirs"
        assert pool.stats().resets == 0  # EXEC has ended the watch, whatever it answered
        assert pool.idle == 1


async def test_a_watch_that_no_transaction_ended_is_cleaned_up(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute("WATCH", "k")
        await wait_until(lambda: pool.idle == 1)
        assert pool.stats().resets == 1
        async with pool.acquire() as conn:
            await pool.set("k", "theirs")
            assert await conn.execute_many([("SET", "k", "mine")], atomic=True) == [b"OK"]


async def test_a_select_inside_a_transaction_that_did_not_run_leaves_the_next_user_on_the_right_database(
    server: Server,
) -> None:
    async with AsyncPool(server.url, shared=1, max_size=2) as pool:
        async with pool.acquire() as conn:
            await conn.execute("SELECT", 1)
            await conn.execute("WATCH", "k")
            with server.connect() as ask:
                ask("SELECT", 1)
                ask("SET", "k", "theirs")
            with pytest.raises(TransactionAborted):
                await conn.execute_many([("SELECT", 0), ("SET", "k", "mine")], atomic=True)
        await wait_until(lambda: pool.idle == 1)
        async with pool.acquire() as conn:
            assert await conn.get("k") is None
            assert conn.db == 0


async def test_a_big_transaction_is_one_transaction(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        commands = [("INCR", "n")] * 3000
        assert await pool.execute_many(commands, atomic=True) == [*range(1, 3001)]
        assert pool.stats().leases == 1
        with pytest.raises(TransactionAborted):
            await pool.execute_many([*commands, ("NO-SUCH",)], atomic=True)
        assert await pool.get("n") == b"3000"
        assert pool.idle == 1
        assert pool.stats().resets == 0


async def test_a_big_transaction_given_up_in_the_middle_leaves_no_open_transaction(callers: Callers) -> None:
    script = {"MULTI": OK, "INCR": b"+QUEUED\r\n", "EXEC": b"*1\r\n:1\r\n", "GET": echo}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=0, max_size=1) as pool:
            commands = [("INCR", "n")] * 1500
            for _ in range(1200):
                node.once("INCR", b"+QUEUED\r\n")
            node.once("INCR", held_echo)
            with pytest.raises(ReadTimeout):
                await pool.execute_many(commands, atomic=True, timeout=0.3)
            await wait_until(lambda: node.release())
            assert await pool.execute("GET", "k") == b"k"
            first_get = next(index for index, seen in enumerate(node.commands) if seen.command[0] == b"GET")
            before = [
                seen.command[0]
                for seen in node.commands[:first_get]
                if seen.connection == node.commands[first_get].connection and seen.command[0] != b"INCR"
            ]
            assert b"MULTI" not in before or b"RESET" in before


# The builder -------------------------------------------------------------------------------------------------


async def test_a_pipeline_hands_out_a_place_for_each_result(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        async with pool.pipeline(raise_errors=False) as p:
            was_set = p.set("k", "v")
            value = p.get("k")
            raw = p.execute("STRLEN", "k")
            wrong = p.execute("LPUSH", "k", "x")
            assert len(p) == 4
            assert not value.done
            with pytest.raises(UsageError):
                value.result()
        assert was_set.result() is True
        assert value.result() == b"v"
        assert raw.result() == 1
        assert wrong.done
        with pytest.raises(WrongType):
            wrong.result()
        assert "secret" not in repr(value)
        with pytest.raises(UsageError):
            p.get("k")
        with pytest.raises(UsageError):
            await p.send()


async def test_an_atomic_pipeline_runs_whole_or_not_at_all(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        async with pool.pipeline(atomic=True) as p:
            first = p.incr("n")
            second = p.incr("n")
        assert (first.result(), second.result()) == (1, 2)
        pipeline = pool.pipeline(atomic=True)
        third = pipeline.incr("n")
        pipeline.execute("NO-SUCH")
        with pytest.raises(TransactionAborted):
            await pipeline.send()
        assert not third.done
        assert await pool.get("n") == b"2"


async def test_a_block_that_raises_sends_nothing() -> None:
    with FakeNode({"SET": OK}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            with pytest.raises(KeyError):
                async with pool.pipeline() as p:
                    p.set("k", "v")
                    raise KeyError("mine")
            assert node.calls("SET") == []
            async with pool.pipeline() as p:
                pass  # nothing to send
            assert await pool.pipeline().send() == []


async def test_sending_early_is_not_sending_twice(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        async with pool.pipeline() as p:
            counted = p.incr("n")
            assert await p.send() == [1]
        assert counted.result() == 1
        assert await pool.get("n") == b"1"


async def test_a_lease_has_pipelines_too(server: Server) -> None:
    async with AsyncPool(server.url, shared=0) as pool, pool.acquire() as conn:
        async with conn.pipeline(atomic=True) as p:
            value = p.incr("n")
        assert value.result() == 1
        assert await conn.execute_many([("GET", "n"), ("LPUSH", "n", "x")]) == [b"1", *[ANY_ERROR]]


class _AnyError:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerError)

    __hash__ = None  # type: ignore[assignment]


ANY_ERROR = _AnyError()


# Errors of the builder ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_lease", [False, True])
@pytest.mark.parametrize("atomic", [False, True])
async def test_leaving_a_pipeline_raises_the_first_error_when_every_result_is_there(
    server: Server, atomic: bool, on_lease: bool
) -> None:
    async with AsyncPool(server.url, shared=1) as pool, pool.acquire() as conn:
        maker = conn if on_lease else pool
        with pytest.raises(WrongType) as caught:
            async with maker.pipeline(atomic=atomic) as p:
                first = p.set("k", "secret")
                second = p.execute("LPUSH", "k", "secret")
                third = p.execute("GETRANGE", "k", "no", "number")
                last = p.get("k")
        error = caught.value
        assert str(error).startswith("command 2 of 4 (LPUSH): WRONGTYPE Operation against")
        assert "secret" not in str(error)
        assert error.code == "WRONGTYPE"
        assert error.message.startswith("Operation against")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.code, again.message) == (WrongType, str(error), error.code, error.message)
        assert (first.result(), last.result()) == (True, b"secret")
        with pytest.raises(WrongType, match=r"^WRONGTYPE"):
            second.result()
        with pytest.raises(ServerError, match="not an integer"):
            third.result()


async def test_sending_a_pipeline_raises_the_first_error_or_returns_all(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        loud, quiet = pool.pipeline(), pool.pipeline(raise_errors=False)
        for p in (loud, quiet):
            p.set("k", "v")
            p.execute("NO-SUCH")
        with pytest.raises(UnknownCommand, match=r"^command 2 of 2 \(NO-SUCH\): ERR unknown command"):
            await loud.send()
        values = await quiet.send()
        assert values[0] is True
        assert type(values[1]) is UnknownCommand
        assert str(values[1]).startswith("ERR unknown command")


async def test_a_pipeline_on_a_full_server_tells_that_it_is_full() -> None:
    with Server(config={"maxmemory-policy": "noeviction"}) as server:
        async with AsyncPool(server.url) as pool:
            used = int((await pool.execute("INFO", "memory")).partition(b"used_memory:")[2].partition(b"\r")[0])
            server.command("CONFIG", "SET", "maxmemory", used + 2_000_000)
            with pytest.raises(OutOfMemory, match=r"command \d+ of 20000 \(SET\): OOM command not allowed"):
                async with pool.pipeline() as p:
                    results = [p.set(f"k{number}", "v" * 500) for number in range(20000)]
            assert all(result.done for result in results)
            async with pool.pipeline(raise_errors=False) as p:
                results = [p.set(f"k{number}", "v" * 500) for number in range(20000)]
            with pytest.raises(OutOfMemory):
                results[-1].result()


async def test_an_undecodable_reply_is_raised_by_a_pipeline_too(server: Server) -> None:
    server.command("SET", "bytes", b"\xff\xfe")
    async with AsyncPool(server.url, shared=1, encoding="utf-8") as pool:
        with pytest.raises(DecodeError, match=r"command 1 of 2 \(GET\): byte 0xff .* is not utf-8"):
            async with pool.pipeline() as p:
                p.get("bytes")
                other = p.ping()
        assert other.result() is True


@pytest.mark.parametrize("on_lease", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("count", [1, 500, 3000])  # in one piece, in a large one, and in several
async def test_a_transaction_has_an_undecodable_reply_and_all_others(
    server: Server, count: int, protocol: Any, on_lease: bool
) -> None:
    server.command("FLUSHALL")
    server.command("HSET", "bytes", "f", b"\xff\xfe")
    async with (
        AsyncPool(server.url, shared=1, encoding="utf-8", protocol=protocol) as pool,
        pool.acquire() as conn,
    ):
        target = conn if on_lease else pool
        with pytest.raises(DecodeError, match=rf"command {count + 1} of {count + 2} \(HGETALL\): byte 0xff .* is not utf-8"):
            async with target.pipeline(atomic=True) as p:
                counts = [p.incr("n") for _ in range(count)]
                fields = p.hgetall("bytes")
                other = p.using(encoding=None).hgetall("bytes")
        assert [each.result() for each in counts] == list(range(1, count + 1))
        with pytest.raises(DecodeError):
            fields.result()
        assert other.result() == {b"f": b"\xff\xfe"}
        assert await target.get("n") == str(count)
        assert pool.stats().lost == 0


@pytest.mark.parametrize("on_lease", [False, True])
async def test_a_transaction_that_cannot_be_queued_names_the_command(server: Server, on_lease: bool) -> None:
    async with AsyncPool(server.url, shared=1) as pool, pool.acquire() as conn:
        with pytest.raises(TransactionAborted, match=r"because: ERR .*\(command 2 of 2, NO-SUCH\)"):
            async with (conn if on_lease else pool).pipeline(atomic=True, raise_errors=False) as p:
                p.set("k", "v")
                p.execute("NO-SUCH")


async def test_raise_errors_is_a_flag(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool, pool.acquire() as conn:
        for maker in (pool, conn):
            with pytest.raises(UsageError, match="raise_errors must be True or False"):
                maker.pipeline(raise_errors="no")  # type: ignore[arg-type]


async def test_a_filled_pipeline_that_is_never_sent_warns(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        forgotten = pool.pipeline()
        forgotten.set("k", "secret")
        with pytest.warns(ResourceWarning, match="commands=1 .* was never sent: leave its with block") as caught:
            del forgotten
            gc.collect()
        assert "secret" not in str(caught[0].message)


async def test_a_pipeline_that_was_sent_left_by_an_exception_or_is_empty_does_not_warn(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sent, refused = pool.pipeline(), pool.pipeline()
            sent.set("k", "v")
            await sent.send()
            refused.execute("SUBSCRIBE", "c")
            with pytest.raises(UsageError):
                await refused.send()
            with pytest.raises(KeyError):
                async with pool.pipeline() as left:
                    left.set("k", "v")
                    raise KeyError
            empty = pool.pipeline()
            del sent, refused, left, empty
            gc.collect()
        assert [str(warning.message) for warning in caught if "never sent" in str(warning.message)] == []


async def test_an_undecodable_reply_is_a_value_within_a_pipeline(server: Server) -> None:
    server.command("SET", "bytes", b"\xff\xfe")
    server.command("SET", "text", "ok")
    async with AsyncPool(server.url, shared=1, encoding="utf-8") as pool:
        replies: list[Any] = await pool.execute_many([("GET", "text"), ("GET", "bytes"), ("GET", "text")])
        assert replies[0] == replies[2] == "ok"
        assert type(replies[1]) is DecodeError
        assert pool.stats().opened == 1


# Long pipelines are packed in steps --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["list", "commands", "generator"])
async def test_a_long_pipeline_that_is_not_ready_in_time_is_not_sent(kind: str) -> None:
    with FakeNode(default=OK) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            commands: Any = [("SET", "k", number) for number in range(200_000)]
            if kind == "commands":
                commands = [Command("SET", "k", "v")] * 200_000
            elif kind == "generator":
                commands = iter(commands)
            with pytest.raises(ReadTimeout, match="nothing was sent") as caught:
                await pool.execute_many(commands, timeout=0.001)
            assert caught.value.executed == "no"
            assert not node.calls("SET")
            assert pool.stats().retries == 0
            assert await pool.execute("SET", "k", "v") == b"OK"


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("count", [8191, 8192, 8193, 20_000])
async def test_a_long_pipeline_is_one_run_however_it_was_given(server: Server, count: int, atomic: bool) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        commands: list[Any] = [("INCR", "n") for _ in range(count - 1)]
        commands.append(Command("GET", "n", parse=int))
        expected = [*range(1, count), count - 1]
        assert await pool.execute_many(commands, atomic=atomic) == expected
        server.command("DEL", "n")
        assert await pool.execute_many(iter(commands), atomic=atomic) == expected
        server.command("DEL", "n")
        async with pool.acquire() as conn:
            assert await conn.execute_many(tuple(commands), atomic=atomic) == expected


@pytest.mark.parametrize("place", [0, 8191, 8192, 19_999])
@pytest.mark.parametrize("wrong", [("SET", "k", None), (), ("SELECT", 1)], ids=["argument", "empty", "refused"])
async def test_of_a_long_pipeline_with_a_wrong_command_nothing_is_sent(place: int, wrong: Any) -> None:
    with FakeNode(default=OK) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            commands: list[Any] = [("SET", "k", "v")] * 20_000
            commands[place] = wrong
            with pytest.raises(UsageError):
                await pool.execute_many(commands)
            assert not node.calls("SET")


async def test_others_have_their_turn_while_a_long_pipeline_is_made_ready(callers: Callers) -> None:
    """Packing is done in bounded steps: another caller's command is answered before the pipeline is sent."""
    with FakeNode({"GET": echo}, default=OK) as node:
        async with AsyncPool(node.url, shared=1, max_size=2) as pool:
            assert await pool.execute("GET", "before") == b"before"
            callers.start(pool.execute_many, [("SET", "k", number) for number in range(300_000)], timeout=0.001)
            callers.start(pool.execute, "GET", "between")
            outcomes = await callers.outcomes()
            assert isinstance(outcomes[0], ReadTimeout)
            assert outcomes[1] == b"between"
            assert not node.calls("SET")


async def test_a_long_pipeline_whose_time_ends_while_it_is_checked_is_not_sent() -> None:
    with FakeNode(default=OK) as node:
        async with AsyncPool(node.url, shared=0) as pool, pool.acquire() as conn:
            outcome = await conn._send_run(Run([("SET", "k", "v")] * 10_000), now())
            assert isinstance(outcome, ReadTimeout)
            assert outcome.executed == "no"
            assert await conn.execute("GET", "k") == b"OK"
            assert not node.calls("SET")
