"""Runs: several commands that are sent together, and what their replies mean."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from respool._facts.command import Command, find_spec
from respool._facts.errors import server_error
from respool._protocol.run import (
    ASKING,
    ATOMIC,
    ATOMIC_ASKED,
    BIG_BYTES,
    BIG_COUNT,
    EXEC_PIECE,
    Run,
    as_raised,
    kind_of,
    noreply_args,
    refused,
    why_in_doubt,
)
from respool.errors import (
    ConnectFailed,
    ConnectionLost,
    DecodeError,
    Error,
    OutcomeUnknown,
    ProtocolError,
    ReadTimeout,
    ServerError,
    TransactionAborted,
    UsageTypeError,
    UsageValueError,
)

OK = b"OK"
QUEUED = b"QUEUED"
ERROR = ServerError("ERR", "no")


def upper(reply: Any) -> Any:
    return reply.upper()


class TestMaking:
    def test_commands_and_sequences_may_be_mixed(self) -> None:
        run = Run([("SET", "k", 1), ["GET", "k"], Command("GET", "k")])
        assert run.args == [("SET", "k", 1), ("GET", "k"), ("GET", "k")]
        assert len(run) == 3

    def test_any_iterable_is_taken(self) -> None:
        assert len(Run(("GET", str(number)) for number in range(3))) == 3

    @pytest.mark.parametrize("commands", ["GET k", b"GET k", 7, None])
    def test_what_is_no_list_is_refused(self, commands: Any) -> None:
        with pytest.raises(UsageTypeError, match="commands must be a list"):
            Run(commands)

    @pytest.mark.parametrize("command", ["GET", b"GET", 7, None])
    def test_what_is_no_command_is_refused(self, command: Any) -> None:
        with pytest.raises(UsageTypeError, match="a command is a Command or a sequence"):
            Run([("GET", "k"), command])

    def test_a_command_without_a_name_is_refused(self) -> None:
        with pytest.raises(UsageValueError, match="at least its name"):
            Run([()])

    def test_atomic_is_a_flag(self) -> None:
        with pytest.raises(UsageTypeError, match="atomic must be True or False"):
            Run([], atomic="yes")  # type: ignore[arg-type]

    def test_a_run_is_safe_when_all_of_it_is(self) -> None:
        assert Run([("GET", "a"), ("TTL", "a")]).is_safe
        assert not Run([("GET", "a"), ("INCR", "a")]).is_safe
        assert Run([Command("INCR", "a", idempotent=True)]).is_safe
        assert Run([]).is_safe

    def test_the_first_command_that_has_no_place_on_a_shared_connection(self) -> None:
        assert Run([("GET", "a"), ("SET", "a", 1)]).misplaced is None
        assert Run([("XREAD", "STREAMS", "s", "0")]).misplaced is None
        for line in ("SUBSCRIBE a", "WATCH a", "SELECT 1", "CLIENT REPLY OFF", "CLIENT UNHEARD-OF"):
            spec = Run([("BLPOP", "a", 1), line.split(), ("MONITOR",)]).misplaced
            assert spec is not None
            assert line.startswith(spec.name)

    def test_one_command_that_may_block_makes_the_run_one(self) -> None:
        assert not Run([("GET", "a"), ("XREAD", "STREAMS", "s", "0"), ("SELECT", 1)]).may_block
        assert Run([("GET", "a"), ("BLPOP", "a", 1)]).may_block

    def test_what_blocks_in_a_run_adds_up(self) -> None:
        assert Run([("GET", "a")]).blocks_for is None
        assert Run([("BLPOP", "a", 2), ("GET", "a"), ("BLPOP", "b", 3)]).blocks_for == 5.0
        assert Run([("BLPOP", "a", 2), ("BLPOP", "b", 0)]).blocks_for == float("inf")
        assert Run([("BLPOP", "a", 2)], atomic=True).blocks_for is None


class TestAtomic:
    def test_an_atomic_run_is_multi_to_exec(self) -> None:
        assert Run([("INCR", "k")], atomic=True).args == [("MULTI",), ("INCR", "k"), ("EXEC",)]

    @pytest.mark.parametrize("name", ["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"])
    def test_what_belongs_to_transactions_has_no_place_inside(self, name: str) -> None:
        with pytest.raises(UsageValueError, match=f"{name} has no place in an atomic pipeline"):
            Run([("INCR", "k"), (name, "k")], atomic=True)

    def test_its_values_are_those_of_exec(self) -> None:
        run = Run([("INCR", "k"), Command("GET", "k", parse=upper)], atomic=True)
        assert run.read([OK, QUEUED, QUEUED, [1, b"a"]]) == [1, b"A"]

    def test_an_error_inside_exec_is_a_value(self) -> None:
        run = Run([("INCR", "k"), Command("GET", "k", parse=upper)], atomic=True)
        assert run.read([OK, QUEUED, QUEUED, [1, ERROR]]) == [1, ERROR]

    def test_a_changed_watched_key_aborts_it(self) -> None:
        run = Run([("INCR", "k")], atomic=True)
        with pytest.raises(TransactionAborted, match="a watched key was changed"):
            run.read([OK, QUEUED, None])

    def test_a_command_that_was_not_queued_aborts_it_and_is_the_cause(self) -> None:
        run = Run([("INCR", "k"), ("BAD",)], atomic=True)
        abort = TransactionAborted("EXECABORT", "Transaction discarded because of previous errors.")
        with pytest.raises(TransactionAborted, match=r"nothing was run, because: ERR no \(command 2 of 2, BAD\)") as caught:
            run.read([OK, QUEUED, ERROR, abort])
        assert (caught.value.__cause__, caught.value.refused_index) == (ERROR, 1)
        with pytest.raises(TransactionAborted, match="Transaction discarded") as caught:
            run.read([OK, QUEUED, QUEUED, abort])
        assert caught.value.refused_index is None

    def test_a_refused_multi_is_raised(self) -> None:
        run = Run([("INCR", "k")], atomic=True)
        with pytest.raises(ServerError) as caught:
            run.read([ERROR, 1, ServerError("ERR", "EXEC without MULTI")])
        assert type(caught.value) is type(ERROR)
        assert (caught.value.code, caught.value.message) == ("ERR", "no")
        assert caught.value is not ERROR  # a copy: the list of replies must not keep the frames of the traceback alive

    def test_it_tells_which_commands_ran_all_the_same(self) -> None:
        run = Run([("INCR", "secret"), ("GET", "secret")], atomic=True)
        no_multi = ServerError("ERR", "EXEC without MULTI")
        for replies, what in (
            ([1, b"x"], "all of the 2 commands ran, each for itself"),
            ([1, ERROR], "1 of the 2 commands ran, each for itself, and the first error is that of command 2 (GET)"),
            ([ERROR, ERROR], "0 of the 2 commands ran, each for itself, and the first error is that of command 1 (INCR)"),
            ([QUEUED, QUEUED], "how many of the 2 commands ran is not known"),
        ):
            with pytest.raises(ServerError) as caught:
                run.read([ERROR, *replies, no_multi])
            assert str(caught.value) == f"ERR no (MULTI was refused; {what})"
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)

    def test_a_script_that_ran_outside_of_it_may_have_said_the_servers_words(self) -> None:
        loading, no_multi = server_error("LOADING wait"), ServerError("ERR", "EXEC without MULTI")
        replies = [loading, loading, no_multi]
        assert Run([("INCR", "k")], atomic=True).why_not_now(replies) is not None
        assert Run([("EVAL", "script", 0)], atomic=True).why_not_now(replies) is None
        assert Run([("MODULE.COMMAND", "k")], atomic=True).why_not_now(replies) is None

    def test_any_other_error_of_exec_is_raised(self) -> None:
        run = Run([("INCR", "k")], atomic=True)
        with pytest.raises(ServerError) as caught:
            run.read([OK, QUEUED, ERROR])
        assert (type(caught.value), str(caught.value)) == (type(ERROR), str(ERROR))
        assert caught.value is not ERROR  # a copy: the list of replies must not keep the frames of the traceback alive

    def test_what_exec_cannot_answer_is_said_so(self) -> None:
        run = Run([("INCR", "k")], atomic=True)
        for replies in ([OK, QUEUED, 7], [OK, QUEUED, []], [OK, QUEUED, [1, 2]], [7, QUEUED, [1]], [QUEUED] * 3):
            with pytest.raises(ProtocolError, match="this is not how a server answers a transaction"):
                run.read(replies)

    def test_an_empty_one_has_no_values(self) -> None:
        assert Run([], atomic=True).read([OK, []]) == []


class TestItsEnd:
    """Whether the connection has certainly left the transaction (R-25)."""

    @pytest.mark.parametrize(
        "replies",
        [
            [OK, QUEUED, [1]],
            [OK, QUEUED, None],
            [OK, QUEUED, DecodeError("no text")],
            [OK, ERROR, ServerError("EXECABORT", "Transaction discarded because of previous errors.")],
            *[[OK, QUEUED, ServerError(code)] for code in "MOVED ASK TRYAGAIN CLUSTERDOWN CROSSSLOT REDIRECT".split()],
            [ERROR, 1, ServerError("ERR", "EXEC without MULTI")],
            [ERROR, ERROR, ServerError("EXECABORT", "Transaction discarded because of: NOPERM no")],
            [ERROR, b"x", ERROR],
        ],
    )
    def test_it_is_sure(self, replies: list[Any]) -> None:
        assert why_in_doubt(replies) is None
        for asking in (OK, ERROR, QUEUED):  # the reply to ASKING does not matter
            assert why_in_doubt([asking, *replies], 1) is None

    @pytest.mark.parametrize(
        "replies",
        [
            *[[OK, QUEUED, ServerError(code, "no")] for code in "ERR NOPERM LOADING READONLY MASTERDOWN BUSY".split()],
            [OK, QUEUED, ServerError("ERR", "EXEC without MULTI")],
            [OK, QUEUED, QUEUED],
            [OK, QUEUED, OK],
            [OK, QUEUED, []],
            [OK, QUEUED, [1, 2]],
            [QUEUED, QUEUED, [1]],
            [DecodeError("no text"), QUEUED, [1]],
            [ERROR, QUEUED, [1]],
            [ERROR, 1, [1]],
            [ERROR, 1, None],
            [ERROR, QUEUED, ERROR],
            [ERROR, "QUEUED", ERROR],
        ],
    )
    def test_it_is_not(self, replies: list[Any]) -> None:
        assert why_in_doubt(replies) is not None
        for asking in (OK, ERROR, QUEUED):
            assert why_in_doubt([asking, *replies], 1) == why_in_doubt(replies)

    def test_why_is_told_without_a_value(self) -> None:
        assert why_in_doubt([OK, QUEUED, ServerError("ERR", "secret")]) == "MULTI answered OK and EXEC ERR"
        assert why_in_doubt([b"secret", QUEUED, [b"secret", 1]]) == "MULTI answered bytes and EXEC a list of 2"
        assert why_in_doubt([QUEUED, QUEUED, None]) == "MULTI answered QUEUED and EXEC nil"

    def test_only_a_whole_atomic_run_is_known_as_one(self) -> None:
        run = Run([("INCR", "k")] * 3000, atomic=True)
        assert kind_of(run.args) == ATOMIC
        first, *_, last = run.pieces()
        assert (kind_of(first), kind_of(last)) == (None, EXEC_PIECE)
        assert kind_of([("MULTI",), ("INCR", "k"), ("EXEC",)]) is None  # a user's own MULTI: the lease tracks it

    def test_behind_asking_it_is_known_as_well(self) -> None:
        run = Run([("INCR", "k")] * 3000, atomic=True)
        assert kind_of([ASKING, *run.args]) == ATOMIC_ASKED
        assert kind_of([ASKING, *Run([], atomic=True).args]) == ATOMIC_ASKED
        first, *_, last = run.pieces()
        assert (kind_of([ASKING, *first]), kind_of([ASKING, *last])) == (None, EXEC_PIECE)
        assert kind_of([ASKING, ("GET", "k")]) is None
        assert kind_of([last[-1]]) == EXEC_PIECE


class TestReading:
    def test_one_value_for_each_command_errors_among_them(self) -> None:
        run = Run([Command("GET", "a", parse=upper), ("INCR", "b"), ("GET", "c")])
        undecodable = DecodeError("no")
        assert run.read([b"x", ERROR, undecodable]) == [b"X", ERROR, undecodable]

    def test_a_lost_connection_is_raised(self) -> None:
        error = ConnectionLost("gone", address="node:1", executed="unknown")
        with pytest.raises(ConnectionLost, match=r"^node:1: a pipeline: gone before the reply came$"):
            Run([("GET", "a")]).read(error)

    def test_for_a_write_on_its_way_the_outcome_is_unknown(self) -> None:
        error = ConnectionLost("gone", address="node:1", executed="unknown")
        with pytest.raises(
            OutcomeUnknown, match=r"^node:1: a pipeline: gone while a write was on its way: it ran once or not at all$"
        ) as caught:
            Run([("GET", "a"), ("INCR", "a")]).read(error)
        assert caught.value.executed == "unknown"

    def test_what_is_raised_for_one_command(self) -> None:
        def told(error: Error, *, safe: bool = False, within: float | None = None) -> tuple[type[Error], str]:
            raised = as_raised(error, "INCR", safe=safe, within=within)
            assert raised.command == "INCR"
            return type(raised), str(raised)

        never = ConnectionLost("gone", executed="no")
        assert told(never) == (ConnectionLost, "INCR: gone before it was sent")
        silent = ReadTimeout("no reply in time", executed="unknown")
        assert told(silent) == (ReadTimeout, "INCR: no reply in time")
        assert told(silent, within=0.25) == (ReadTimeout, "INCR: no reply within 0.25 s")
        lost = ConnectionLost("gone", executed="unknown")
        assert told(lost, safe=True) == (ConnectionLost, "INCR: gone before the reply came")
        assert told(lost) == (OutcomeUnknown, "INCR: gone while a write was on its way: it ran once or not at all")
        assert told(DecodeError("not text")) == (DecodeError, "INCR: not text")
        assert told(ConnectFailed("refused", address="h:1")) == (ConnectFailed, "h:1: refused")
        refusal = ServerError("ERR", "no")
        assert told(refusal) == (ServerError, "ERR no")
        assert refusal.__notes__ == ["in answer to INCR"]

    def test_how_a_connection_ended_is_told_in_the_words_of_the_error_and_not_chained(self) -> None:
        end = ConnectionLost("reset by the peer", address="h:1")
        end.__cause__ = OSError("of the system")
        error = ConnectionLost("the connection was lost", address="h:1", executed="unknown")
        error.__cause__ = end
        error.last_words = ERROR
        raised = as_raised(error, "GET", safe=True)
        assert str(raised) == "h:1: GET: reset by the peer before the reply came"
        assert raised.__cause__ is end.__cause__
        assert isinstance(raised, ConnectionLost)
        assert (raised.executed, raised.last_words) == ("unknown", ERROR)
        silent = ReadTimeout("no reply in time", executed="unknown")
        silent.__cause__ = ReadTimeout("no reply for 5 s", executed="unknown")
        assert str(as_raised(silent, "GET", safe=True)) == "GET: no reply for 5 s, so the connection was closed"
        broken = ConnectionLost("the connection was lost", executed="unknown")
        broken.__cause__ = ProtocolError("not RESP")
        assert as_raised(broken, "GET", safe=True).__cause__ is broken.__cause__


class TestWithoutReplies:
    def test_the_run_stands_between_reply_off_and_on(self) -> None:
        run = Run([("SET", "a", 1), ("INCR", "b")])
        assert noreply_args(run) == [
            ("CLIENT", "REPLY", "OFF"),
            ("SET", "a", 1),
            ("INCR", "b"),
            ("CLIENT", "REPLY", "ON"),
        ]

    @pytest.mark.parametrize("line", ["SUBSCRIBE a", "CLIENT REPLY ON", "MULTI", "SELECT 1", "CLIENT UNHEARD-OF"])
    def test_what_changes_the_connection_is_refused(self, line: str) -> None:
        with pytest.raises(UsageValueError, match="cannot be sent without a reply"):
            noreply_args(Run([("SET", "a", 1), line.split()]))

    def test_what_blocks_is_refused(self) -> None:
        with pytest.raises(UsageValueError, match="BLPOP may block"):
            noreply_args(Run([("BLPOP", "a", 1)]))
        assert noreply_args(Run([("XREAD", "STREAMS", "s", "0")]))


class TestPieces:
    def test_a_small_run_is_one_piece(self) -> None:
        run = Run([("GET", "a")] * 10)
        assert list(run.pieces()) == [run.args]
        assert not run.is_big
        assert list(Run([]).pieces()) == []

    def test_many_commands_are_cut(self) -> None:
        run = Run([("GET", "a")] * (2 * BIG_COUNT + 1))
        pieces = list(run.pieces())
        assert [len(piece) for piece in pieces] == [BIG_COUNT, BIG_COUNT, 1]
        assert run.is_big
        assert not Run([("GET", "a")] * BIG_COUNT).is_big

    def test_many_bytes_are_cut(self) -> None:
        run = Run([("SET", "a", b"x" * 100_000)] * 10)
        pieces = list(run.pieces())
        assert run.is_big
        assert [args for piece in pieces for args in piece] == run.args
        assert [len(piece) for piece in pieces] == [3, 3, 3, 1]

    def test_a_number_among_the_arguments_weighs_nothing_and_hides_nothing(self) -> None:
        assert Run([("SETEX", "a", 60, b"x" * (BIG_BYTES - 5))]).is_big  # with name and key, one byte too many
        assert not Run([("SETEX", "a", 60, b"x" * (BIG_BYTES - 6))]).is_big

    def test_one_command_is_never_cut(self) -> None:
        assert [len(piece) for piece in Run([("SET", "a", b"x" * BIG_BYTES * 3)]).pieces()] == [1]


def test_a_refusal_names_the_call_that_is_right() -> None:
    error = refused(find_spec(("SELECT", 1)))
    assert "SELECT has no place on a shared connection" in str(error)
    assert "pool.select(db)" in str(error)
