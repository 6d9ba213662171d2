"""Redirects: where a command goes that a server did not run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool._facts.command import Spec, spec
from respool._facts.errors import server_error
from respool._protocol.redirect import (
    MOST_HOPS,
    Address,
    Hops,
    Redirect,
    Step,
    read_redirect,
    read_run,
)
from respool._protocol.run import Run
from respool.errors import ConnectionLost, Error, ServerError, TooManyRedirects

OK, QUEUED = b"OK", b"QUEUED"
A, B, C = ("a", 1), ("b", 2), ("c", 3)
SET, GET, EVAL, EVAL_RO = spec("SET"), spec("GET"), spec("EVAL"), spec("EVAL_RO")
ABORTED = server_error("EXECABORT Transaction discarded because of previous errors.")


def read(line: str, asked: Address = A, of: Spec = SET, slot: int | None = None) -> Redirect | None:
    return read_redirect(server_error(line), asked, of, slot)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MOVED 7 b:2", Redirect("MOVED", Step.GO, B, 7, needs_refresh=True)),
        ("MOVED 0 node-1.example:65535", Redirect("MOVED", Step.GO, ("node-1.example", 65535), 0, needs_refresh=True)),
        ("MOVED 16383 ::1:6379", Redirect("MOVED", Step.GO, ("::1", 6379), 16383, needs_refresh=True)),
        ("MOVED 7 :6379", Redirect("MOVED", Step.GO, ("a", 6379), 7, needs_refresh=True)),
        ("MOVED 7 ?:6379", Redirect("MOVED", Step.WAIT, None, 7, needs_refresh=True)),
        ("ASK 7 b:2", Redirect("ASK", Step.ASK, B, 7)),
        ("ASK 7 :2", Redirect("ASK", Step.ASK, ("a", 2), 7)),
        ("ASK 7 ?:2", Redirect("ASK", Step.WAIT, None, 7, needs_refresh=True)),
        ("REDIRECT b:2", Redirect("REDIRECT", Step.GO, B, None, needs_refresh=True)),
        ("REDIRECT ::1:6379", Redirect("REDIRECT", Step.GO, ("::1", 6379), None, needs_refresh=True)),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Redirect("TRYAGAIN", Step.WAIT)),
        ("LOADING Valkey is loading the dataset in memory", Redirect("LOADING", Step.WAIT)),
        ("MASTERDOWN Link with MASTER is down", Redirect("MASTERDOWN", Step.WAIT, needs_refresh=True)),
        ("CLUSTERDOWN Hash slot not served", Redirect("CLUSTERDOWN", Step.WAIT, needs_refresh=True)),
        ("UNBLOCKED force unblock from blocking operation", Redirect("UNBLOCKED", Step.WAIT, needs_refresh=True)),
        ("UNBLOCKED the stream key no longer exists", Redirect("UNBLOCKED", Step.WAIT, needs_refresh=True)),
    ],
)
def test_what_a_server_says_that_did_not_run_a_command(line: str, expected: Redirect) -> None:
    assert read(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "MOVED", "MOVED 7", "MOVED b:2", "MOVED 7 b", "MOVED 7 b:", "MOVED 7 b:x", "MOVED 7 b:0", "MOVED 7 b:65536",
        "MOVED 16384 b:2", "MOVED -1 b:2", "MOVED 7  b:2", "MOVED 7 b:2 x", "MOVED x b:2", "MOVED 7 b:2\n",
        "ASK 99999 b:2", "ASK 7 b:0", "REDIRECT", "REDIRECT b", "REDIRECT b:0", "REDIRECT 7 b:2", "moved 7 b:2",
        "UNBLOCKED client unblocked via CLIENT UNBLOCK", "READONLY x", "ERR MOVED 7 b:2", "CROSSSLOT x", "WRONGTYPE x",
        "EXECABORT Transaction discarded because of: MOVED 7 b:2",
    ],
)  # fmt: skip
def test_what_is_malformed_or_means_something_else_is_an_ordinary_error(line: str) -> None:
    assert read(line) is None


def test_a_cursor_waits_for_its_slot_to_move_since_neither_node_has_all_of_its_keys() -> None:
    scan = spec("CLUSTERSCAN")
    assert read("ASK 7 b:2", of=scan, slot=7) == Redirect("ASK", Step.WAIT, None, 7)
    assert read("MOVED 7 b:2", of=scan, slot=7) == Redirect("MOVED", Step.GO, B, 7, needs_refresh=True)


def test_a_lost_connection_is_no_redirect() -> None:
    assert read_redirect(ConnectionLost("gone", executed="unknown"), A, GET) is None


@given(st.text(max_size=40), st.sampled_from(["MOVED", "ASK", "REDIRECT"]))
def test_no_text_whatever_is_more_than_an_ordinary_error(text: str, code: str) -> None:
    redirect = read_redirect(ServerError(code, text), A, GET)
    if redirect is not None and redirect.to is not None:
        host, port = redirect.to
        assert host
        assert (redirect.slot is None) == (code == "REDIRECT")
        assert 0 < port < 65536


@given(
    st.sampled_from(["MOVED", "ASK"]),
    st.integers(0, 16383),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1).filter(lambda host: host != "?"),
    st.integers(1, 65535),
)
def test_any_host_is_read_up_to_the_last_colon(code: str, slot: int, host: str, port: int) -> None:
    redirect = read(f"{code} {slot} {host}:{port}")
    assert redirect is not None
    assert (redirect.code, redirect.to, redirect.slot) == (code, (host, port), slot)


def test_of_users_code_only_a_redirect_of_its_own_slot_is_believed() -> None:
    assert read("MOVED 7 b:2", of=EVAL, slot=7) == read("MOVED 7 b:2")
    assert read("ASK 7 b:2", of=EVAL, slot=7) == read("ASK 7 b:2")
    assert read("MOVED 8 b:2", of=EVAL, slot=7) is None
    assert read("MOVED 7 b:2", of=EVAL) is None
    assert read("REDIRECT b:2", of=EVAL, slot=7) is None
    assert read("REDIRECT b:2", of=EVAL) is None
    assert read("TRYAGAIN x", of=EVAL, slot=7) is None
    assert read("TRYAGAIN x", of=EVAL) is None
    assert read("MOVED 8 b:2", of=EVAL_RO, slot=7) == read("MOVED 8 b:2")
    assert read("MOVED 8 b:2", of=EVAL.derive(safe=True), slot=7) == read("MOVED 8 b:2")
    assert read("TRYAGAIN x", of=EVAL_RO) == read("TRYAGAIN x")


# Atomic runs ------------------------------------------------------------------------------------------


def two(*replies: Any, commands: Any = (("SET", "k", "v"), ("INCR", "n"))) -> Redirect | None:
    return read_run(Run(commands, atomic=True), [server_error(r) if isinstance(r, str) else r for r in replies], A)


MOVED, ASK = Redirect("MOVED", Step.GO, B, 7, needs_refresh=True), Redirect("ASK", Step.ASK, B, 7)
LATER = Redirect("TRYAGAIN", Step.WAIT)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ((OK, QUEUED, QUEUED, "MOVED 7 b:2"), MOVED),
        ((OK, QUEUED, QUEUED, "ASK 7 b:2"), ASK),
        ((OK, QUEUED, QUEUED, "TRYAGAIN x"), LATER),
        ((OK, QUEUED, QUEUED, "REDIRECT b:2"), Redirect("REDIRECT", Step.GO, B, None, needs_refresh=True)),
        ((OK, QUEUED, QUEUED, "CLUSTERDOWN x"), Redirect("CLUSTERDOWN", Step.WAIT, needs_refresh=True)),
        ((OK, "MOVED 7 b:2", "MOVED 7 b:2", ABORTED), MOVED),
        ((OK, "ASK 7 b:2", "ASK 7 b:2", ABORTED), ASK),
        ((OK, QUEUED, "MOVED 7 b:2", ABORTED), MOVED),
        ((OK, "MOVED 7 c:3", "MOVED 7 b:2", ABORTED), MOVED),
        ((OK, "ASK 7 b:2", "MOVED 7 b:2", ABORTED), MOVED),
        ((OK, "TRYAGAIN x", "MOVED 7 b:2", ABORTED), MOVED),
        ((OK, "MOVED 7 b:2", "ASK 7 c:3", ABORTED), MOVED),
        ((OK, QUEUED, "ASK 7 b:2", ABORTED), Redirect("ASK", Step.WAIT, None, 7)),
        ((OK, "ASK 7 b:2", QUEUED, ABORTED), Redirect("ASK", Step.WAIT, None, 7)),
        ((OK, "ASK 7 b:2", "ASK 7 c:3", ABORTED), Redirect("ASK", Step.WAIT, None, 7)),
        ((OK, "ASK 7 b:2", "TRYAGAIN x", ABORTED), LATER),
        ((OK, "TRYAGAIN x", QUEUED, ABORTED), LATER),
        ((OK, "TRYAGAIN x", "CLUSTERDOWN x", ABORTED), LATER._replace(needs_refresh=True)),
        ((OK, QUEUED, QUEUED, "EXECABORT Transaction discarded because of: LOADING x"), Redirect("LOADING", Step.WAIT)),
        (("LOADING x", "LOADING x", "LOADING x", "ERR EXEC without MULTI"), Redirect("LOADING", Step.WAIT)),
    ],
)
def test_a_transaction_that_was_dropped_goes_on_as_a_whole(replies: Any, expected: Redirect) -> None:
    assert two(*replies) == expected


@pytest.mark.parametrize(
    "replies",
    [
        (OK, QUEUED, QUEUED, [OK, 1]),
        (OK, QUEUED, QUEUED, None),
        (OK, QUEUED, QUEUED, ABORTED),
        (OK, QUEUED, QUEUED, "READONLY x"),
        (OK, QUEUED, QUEUED, "LOADING x"),
        (OK, QUEUED, QUEUED, "ERR x"),
        (OK, QUEUED, QUEUED, "EXECABORT Transaction discarded because of: NOPERM x"),
        (OK, "MOVED 7 b:2", "ERR wrong number of arguments", ABORTED),
        (OK, "ERR unknown command", "ASK 7 b:2", ABORTED),
        (OK, "MOVED 7 b:2", QUEUED, "ERR x"),
        ("LOADING x", OK, "LOADING x", "ERR EXEC without MULTI"),
        ("LOADING x", QUEUED, "LOADING x", "LOADING x"),
        ("ERR x", "MOVED 7 b:2", "MOVED 7 b:2", "ERR EXEC without MULTI"),
    ],
)
def test_one_that_ran_or_is_in_doubt_or_was_refused_otherwise_does_not(replies: Any) -> None:
    assert two(*replies) is None


def test_commands_without_keys_are_queued_anywhere() -> None:
    commands = [("PING",), ("SET", "k", "v")]
    assert two(OK, QUEUED, "ASK 7 b:2", ABORTED, commands=commands) == ASK


def test_a_script_is_not_run_while_it_is_queued_but_it_is_where_multi_was_refused() -> None:
    commands = [("EVAL", "return 1", 1, "k")]
    assert two(OK, "MOVED 7 b:2", ABORTED, commands=commands) == MOVED
    assert two("LOADING x", "LOADING x", "LOADING x", commands=commands) is None
    assert two("LOADING x", "LOADING x", "LOADING x", commands=[("GET", "k")]) == Redirect("LOADING", Step.WAIT)


def test_other_runs_and_lost_connections_are_not_read() -> None:
    assert read_run(Run([("SET", "k", "v")]), [server_error("MOVED 7 b:2")], A) is None
    assert read_run(Run([("SET", "k", "v")], atomic=True), ConnectionLost("gone"), A) is None


@dataclass
class Node:
    """One node of a cluster of two, as far as one slot goes: how Redis 7 or Valkey 9 answers a transaction."""

    address: Address
    is_old: bool  # Redis 7 looks at keys when it queues a command as well
    keys: set[str]
    is_owner: bool
    ran: int = 0
    peer: Node = field(init=False)

    def say(self, keys: set[str], *, is_moving: bool, asking: bool) -> str | None:
        """Return the error for a command with these keys, or None if it is served."""
        host, port = self.peer.address
        if not keys:
            return None
        here = keys & self.keys
        if self.is_owner:
            if not is_moving or here == keys:
                return None
            return "TRYAGAIN x" if here else f"ASK 7 {host}:{port}"
        if not (is_moving and asking):
            return f"MOVED 7 {host}:{port}"
        return "TRYAGAIN x" if len(keys) > 1 and here != keys else None

    def run(self, commands: list[set[str]], *, is_moving: bool, asking: bool) -> list[Any]:
        state = {"is_moving": is_moving, "asking": asking}
        early = [self.say(keys, **state) for keys in commands]
        if not self.is_old:  # Valkey 9 asks only who owns the slot, before EXEC
            early = [line if line and line.startswith("MOVED") else None for line in early]
        queued = [QUEUED if line is None else server_error(line) for line in early]
        if any(early):
            return [OK, *queued, ABORTED]
        line = self.say(set().union(*commands), **state)
        if line is not None:
            return [OK, *queued, server_error(line)]
        self.ran += 1
        return [OK, *queued, [OK] * len(commands)]


@given(
    st.lists(st.sets(st.sampled_from("kmn"), max_size=2), min_size=1, max_size=4),
    st.sets(st.sampled_from("kmn")),
    st.booleans(),
    st.sampled_from([0, 1, 2, 3, 99]),
    st.booleans(),
)
def test_in_a_slot_that_moves_a_transaction_runs_once_where_all_of_its_keys_are(
    commands: list[set[str]], at_first: set[str], is_old: bool, ends_at: int, knows_the_old_one: bool
) -> None:
    """The slot moves from A to B, and the move ends after some steps; some keys are still at A."""
    old, new = Node(A, is_old, at_first, True), Node(B, is_old, set("kmn") - at_first, False)
    old.peer, new.peer = new, old
    run = Run([("MGET", *sorted(keys)) if keys else ("PING",) for keys in commands], atomic=True)
    node, asking, hops = old if knows_the_old_one else new, False, Hops()
    wanted = set().union(*commands)
    for step in range(20):
        is_moving = step < ends_at
        if step == ends_at:
            old.is_owner, new.is_owner, old.keys, new.keys = False, True, set(), set("kmn")
        if step == 8:
            ends_at = min(ends_at, 9)
        holder = set(node.keys)
        replies = node.run(commands, is_moving=is_moving, asking=asking)
        redirect = read_run(run, replies, node.address)
        if redirect is None:
            assert isinstance(replies[-1], list)
            assert old.ran + new.ran == 1
            is_new_here = len(wanted) == 1 and asking  # a single key that is nowhere may be made where it will be
            assert wanted <= holder or is_new_here
            return
        assert old.ran + new.ran == 0
        hops.pause_before(redirect, node.address, 0.5)
        asking = redirect.step is Step.ASK
        if asking:
            assert not wanted & holder, "some of the keys are still here"
        to = redirect.to or (A if old.is_owner else B)
        node = old if to == A else new
    raise AssertionError("it has not run")


# Hops -------------------------------------------------------------------------------------------------


def go(to: Address, step: Step = Step.GO) -> Redirect:
    return Redirect("MOVED", step, to, 7, needs_refresh=True)


def test_a_node_that_is_new_to_the_call_is_asked_at_once_and_a_circle_pauses() -> None:
    hops = Hops()
    assert hops.pause_before(go(B), A, 0.0) == 0.0
    assert hops.pause_before(go(C, Step.ASK), B, 0.0) == 0.0
    assert hops.pause_before(go(A), C, 0.0) == 0.001
    assert hops.pause_before(go(B), A, 0.0) == 0.002
    assert hops.pause_before(go(C), B, 1.0) == 0.002


def test_a_node_that_names_itself_is_a_circle() -> None:
    assert Hops().pause_before(go(A), A, 0.0) == 0.001


def test_two_nodes_that_name_each_other_are_given_up_within_two_seconds() -> None:
    hops, total, asked, other = Hops(), 0.0, A, B
    with pytest.raises(TooManyRedirects) as caught:
        for _ in range(100):
            total += hops.pause_before(go(other), asked, 0.0)
            asked, other = other, asked
    assert total < 2.0
    said = "MOVED after 16 redirects, the last from a:1 to b:2, which had been asked before; it did not run: "
    assert str(caught.value) == f"{said}compare CLUSTER SLOTS of these nodes"


def test_a_chain_of_nodes_is_given_up_too() -> None:
    hops = Hops()
    for number in range(MOST_HOPS):
        assert hops.pause_before(go(("n", number + 2)), ("n", number + 1), 0.0) == 0.0
    with pytest.raises(TooManyRedirects, match="from n:17 to n:18; it did not run"):
        hops.pause_before(go(("n", 18)), ("n", 17), 0.0)


def test_waiting_pauses_longer_each_time_and_is_bounded_by_the_deadline_alone() -> None:
    hops = Hops()
    assert [hops.pause_before(LATER, A, 0.0) for _ in range(6)] == [0.02, 0.04, 0.08, 0.16, 0.2, 0.2]
    assert hops.pause_before(LATER, A, 1.0) == 0.1
    assert all(hops.pause_before(LATER, A, 0.0) == 0.2 for _ in range(2000))


def test_after_waiting_the_hops_are_counted_anew() -> None:
    hops = Hops()
    for _ in range(100):  # A says ASK, B says TRYAGAIN: as long as the slot moves
        assert hops.pause_before(go(B, Step.ASK), A, 0.0) == 0.0
        assert hops.pause_before(go(A), B, 0.0) == 0.001
        hops.pause_before(LATER, B, 0.0)


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from([A, B, C, None])), max_size=60), st.floats(0, 1))
def test_no_way_is_longer_than_the_bound(steps: list[tuple[Address, Address | None]], chance: float) -> None:
    hops, hop_count, paused = Hops(), 0, 0.0
    for asked, to in steps:
        if to is None:
            assert 0.01 <= hops.pause_before(LATER, asked, chance) <= 0.2
            hop_count, paused = 0, 0.0
            continue
        hop_count += 1
        if hop_count > MOST_HOPS:
            with pytest.raises(TooManyRedirects):
                hops.pause_before(go(to), asked, chance)
            return
        paused += hops.pause_before(go(to), asked, chance)
        assert paused < 2.0


def test_every_code_of_r_24_is_read_as_not_run() -> None:
    """But READONLY: it concerns the connections to a node as well (``is_demoted``)."""
    lines = ["LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "MOVED 1 h:1", "ASK 1 h:1", "REDIRECT h:1", "UNBLOCKED"]
    errors: list[Error] = [server_error(line) for line in lines]
    assert all(read_redirect(error, A, SET) for error in errors)
