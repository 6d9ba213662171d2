"""The state in which the next user would find a connection (R-28)."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.command import find_spec
from respool._protocol.run import Run
from respool._protocol.session import Session
from respool.errors import ConnectionLost, ServerError, TransactionAborted

OK = b"OK"
QUEUED = b"QUEUED"
REFUSED = ServerError("ERR", "no")


def run(session: Session, *steps: tuple[str, Any]) -> Session:
    for line, reply in steps:
        args = tuple(line.split())
        spec = find_spec(args)
        session.sent(spec)
        session.answered(spec, args, reply)
    return session


def test_a_new_session_is_clean() -> None:
    session = Session(3)
    assert session.is_clean
    assert session.db == 3


@pytest.mark.parametrize(
    "line", ["GET k", "SET k v", "INCR k", "CLIENT LIST", "PING", "EVAL x 0", "CONFIG SET a b", "WAIT 1 1"]
)
def test_ordinary_commands_leave_it_clean(line: str) -> None:
    assert run(Session(0), (line, OK)).is_clean


@pytest.mark.parametrize(
    "line",
    [
        "AUTH pw", "HELLO 2", "RESET", "CLIENT REPLY OFF", "CLIENT TRACKING ON", "CLIENT SETNAME x",
        "CLIENT NO-EVICT ON", "CLIENT SOMETHING-NEW", "SUBSCRIBE a", "UNSUBSCRIBE", "PSUBSCRIBE a*", "SSUBSCRIBE a",
        "MONITOR", "READONLY", "READWRITE", "ASKING", "SCRIPT DEBUG YES", "QUIT", "CLIENT CACHING YES", "CLIENT NO-TOUCH ON",
        "CLIENT CAPA redirect", "CLIENT IMPORT-SOURCE ON", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "PSYNC ? -1", "SYNC", "REPLCONF ack 1",
    ],
)  # fmt: skip
def test_what_changes_the_connection_stains_it_when_it_is_sent_whatever_is_answered(line: str) -> None:
    spec = find_spec(line.split())
    session = Session(0)
    session.sent(spec)
    assert not session.is_clean
    assert not run(Session(0), (line, REFUSED)).is_clean


def test_a_multi_that_was_refused_is_open_only_inside_another_one() -> None:
    assert run(Session(0), ("MULTI", REFUSED)).is_clean
    assert run(Session(0), ("MULTI", OK), ("MULTI", REFUSED)).transaction
    assert run(Session(0), ("MULTI", OK), ("MULTI", REFUSED), ("EXEC", []), ("MULTI", REFUSED)).is_clean
    assert run(Session(0), ("MULTI", ConnectionLost("gone"))).transaction


def test_the_protocol_is_in_doubt_from_hello_or_reset_until_a_map_is_answered() -> None:
    assert run(Session(0), ("SUBSCRIBE a", OK), ("AUTH pw", OK)).is_protocol_kept
    for line, reply in (("RESET", b"RESET"), ("HELLO 2", [b"proto", 2]), ("HELLO 3", REFUSED), ("HELLO", QUEUED)):
        session = Session(0)
        session.sent(find_spec(line.split()))
        assert not session.is_protocol_kept
        session = run(Session(0), (line, reply))
        assert not session.is_protocol_kept
        run(session, ("AUTH pw", OK), ("HELLO", [b"proto", 2]))
        assert not session.is_protocol_kept
        assert run(session, ("HELLO 3", {b"proto": 3})).is_protocol_kept
        run(session, ("RESET", b"RESET"))
        session.renew(0)
        assert session.is_protocol_kept


def test_multi_is_open_until_exec_or_discard() -> None:
    for end in ("EXEC", "DISCARD"):
        session = run(Session(0), ("MULTI", OK), ("SET k v", QUEUED))
        assert not session.is_clean
        assert run(session, (end, [OK])).is_clean


def test_multi_stays_open_where_exec_or_discard_may_not_have_ended_it() -> None:
    for code in ("ERR", "NOPERM", "LOADING", "READONLY"):
        assert run(Session(0), ("MULTI", OK), ("EXEC", ServerError(code, "no"))).transaction
    for end in ("EXEC", "DISCARD"):
        assert run(Session(0), ("MULTI", OK), (end, QUEUED)).transaction
        assert run(Session(0), ("MULTI", OK), (end, ConnectionLost("gone"))).transaction


def test_an_exec_whose_slot_has_moved_ends_the_transaction_and_the_watch() -> None:
    for code in ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT", "REDIRECT"):
        assert run(Session(0), ("WATCH k", OK), ("MULTI", OK), ("EXEC", ServerError(code, "1 node:1"))).is_clean
        assert run(Session(0), ("MULTI", OK), ("DISCARD", ServerError(code, "1 node:1"))).transaction


def test_without_multi_there_is_none() -> None:
    for end in ("EXEC", "DISCARD"):
        session = run(Session(0), ("MULTI", OK), (end, ServerError("ERR", f"{end} without MULTI")))
        assert not session.transaction


def test_an_unwatch_that_was_queued_leaves_the_watch() -> None:
    assert run(Session(0), ("WATCH k", OK), ("UNWATCH", QUEUED)).is_watching


def test_watch_ends_with_exec_discard_or_unwatch() -> None:
    session = run(Session(0), ("WATCH k", OK))
    assert not session.is_clean
    assert run(session, ("UNWATCH", OK)).is_clean
    assert run(Session(0), ("WATCH k", OK), ("MULTI", OK), ("EXEC", None)).is_clean
    assert run(Session(0), ("WATCH k", OK), ("MULTI", OK), ("DISCARD", OK)).is_clean


def test_an_aborted_exec_ends_the_transaction() -> None:
    aborted = TransactionAborted("EXECABORT", "Transaction discarded because of previous errors.")
    assert run(Session(0), ("WATCH k", OK), ("MULTI", OK), ("EXEC", aborted)).is_clean


@pytest.mark.parametrize("end", ["EXEC", "DISCARD"])
def test_exec_without_multi_leaves_a_watch(end: str) -> None:
    session = run(Session(0), ("WATCH k", OK), (end, ServerError("ERR", f"{end} without MULTI")))
    assert session.is_watching


def test_an_exec_that_an_acl_refuses_leaves_the_transaction() -> None:
    session = run(Session(0), ("MULTI", OK), ("EXEC", ServerError("NOPERM", "no permissions")))
    assert session.transaction


def test_an_exec_that_was_never_answered_leaves_doubt() -> None:
    session = run(Session(0), ("MULTI", OK), ("EXEC", ConnectionLost("gone", executed="unknown")))
    assert not session.is_clean


def test_unwatch_inside_a_transaction_is_only_queued() -> None:
    session = run(Session(0), ("WATCH k", OK), ("MULTI", OK), ("UNWATCH", QUEUED))
    assert session.is_watching


def test_an_unwatch_that_failed_leaves_the_watch() -> None:
    assert not run(Session(0), ("WATCH k", OK), ("UNWATCH", REFUSED)).is_clean


def test_select_is_known_once_it_is_answered() -> None:
    session = Session(0)
    spec = find_spec(("SELECT", "5"))
    session.sent(spec)
    assert session.db is None
    session.answered(spec, ("SELECT", "5"), OK)
    assert session.db == 5
    assert session.is_clean
    session.answered(spec, ("SELECT", b"7"), "OK")
    assert session.db == 7


@pytest.mark.parametrize("reply", [REFUSED, QUEUED, "QUEUED"])
def test_a_select_that_was_refused_or_queued_leaves_doubt(reply: Any) -> None:
    session = run(Session(0), ("SELECT 5", reply))
    assert not session.is_clean
    assert session.db is None


def test_a_select_inside_a_transaction_leaves_doubt() -> None:
    assert not run(Session(0), ("MULTI", OK), ("SELECT 5", QUEUED), ("EXEC", [OK])).is_clean


def test_what_a_reset_may_leave_behind_spoils_the_connection() -> None:
    for line in ("CLIENT NO-EVICT ON", "CLIENT SOMETHING-NEW", "SCRIPT DEBUG YES"):
        assert run(Session(0), (line, OK)).is_spoiled
    assert not run(Session(0), ("CLIENT SETNAME x", OK), ("SELECT 1", OK)).is_spoiled


def test_what_the_configure_hook_did_is_the_state_of_a_new_connection() -> None:
    session = run(Session(0), ("CLIENT NO-EVICT ON", OK), ("READONLY", OK))
    session.adopt()
    assert session.is_clean
    assert not session.is_spoiled


def test_no_handshake_makes_a_spoiled_connection_clean() -> None:
    session = run(Session(0), ("CLIENT NO-EVICT ON", OK))
    session.renew(0)
    assert not session.is_clean


def test_a_new_handshake_makes_it_clean() -> None:
    session = run(Session(0), ("MULTI", OK), ("WATCH k", OK), ("CLIENT REPLY OFF", OK), ("SELECT 5", REFUSED))
    session.renew(2)
    assert session.is_clean
    assert session.db == 2


@pytest.mark.parametrize("is_atomic", [False, True])
def test_a_run_is_noted_when_it_is_sent_and_when_it_is_answered(*, is_atomic: bool) -> None:
    session = Session(0)
    calls = Run([("GET", "k"), ("SELECT", 2)], atomic=is_atomic)
    session.sent_run(calls)
    assert session.is_clean != is_atomic, "a transaction may stay open"
    assert session.db is None
    replies = [OK, QUEUED, QUEUED, [b"v", OK]] if is_atomic else [b"v", OK]
    session.answered_run(calls, replies)
    assert (session.transaction, session.is_watching) == (False, False)
    assert session.db == (None if is_atomic else 2), "it was only queued when it was answered"
    assert session.is_clean != is_atomic


def test_a_transaction_that_was_not_answered_is_not_clean_and_one_that_was_is() -> None:
    session = Session(0)
    calls = Run([("SET", "k", "v")], atomic=True)
    session.sent_run(calls)
    assert not session.is_clean
    session.answered_run(calls, [OK, QUEUED, [OK]])
    assert session.is_clean


def test_a_run_whose_multi_was_refused_leaves_no_transaction() -> None:
    session = Session(0)
    calls = Run([("SET", "k", "v")], atomic=True)
    session.sent_run(calls)
    session.answered_run(calls, [REFUSED, OK, REFUSED])
    assert not session.transaction


def test_what_a_run_begins_behind_the_end_of_a_transaction_is_noted() -> None:
    for last, is_open in ((("MULTI",), (True, False)), (("WATCH", "k"), (False, True))):
        session = Session(0)
        calls = Run([("MULTI",), ("EXEC",), last])
        session.sent_run(calls)
        session.answered_run(calls, [OK, [], OK])
        assert (session.transaction, session.is_watching) == is_open
        assert not session.is_clean


def test_what_such_a_run_was_refused_is_not_noted() -> None:
    session = Session(0)
    calls = Run([("MULTI",), ("MULTI",), ("EXEC",), ("WATCH", "k")])
    session.sent_run(calls)
    session.answered_run(calls, [OK, REFUSED, [], REFUSED])
    assert session.is_clean


def test_watched_keys_are_remembered_as_long_as_they_are_watched() -> None:
    for end, remembered in ((("EXEC", []), []), (("UNWATCH", OK), []), (("GET k", OK), ["k"])):
        session = run(Session(0), ("WATCH k", OK))
        session.watched = ["k"]
        assert run(session, end).watched == remembered


def test_why_a_command_was_not_queued_is_remembered_until_the_next_transaction() -> None:
    session = run(Session(0), ("MULTI", OK))
    session.refusal = REFUSED
    assert run(session, ("MULTI", REFUSED), ("EXEC", [])).refusal is REFUSED
    assert run(session, ("MULTI", OK)).refusal is None
