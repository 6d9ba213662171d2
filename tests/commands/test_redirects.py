"""Transactions on a slot that moves, on real clusters: what servers answer, how it is read, and what is open then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from clusters import Cluster
from examples.cluster import A, B
from respool._facts.command import spec
from respool._protocol.redirect import Address, Redirect, Step, read_redirect, read_run
from respool._protocol.run import ASKING, Run
from respool._protocol.session import Session
from respool.testing import Server

#: A slot of node ``a``, and two keys in it.
TAG = "{moving}"
PRESENT, ABSENT = f"{TAG}:present", f"{TAG}:absent"


class Moving:
    """A slot that ``a`` is about to give to ``b``; ``PRESENT`` is still at ``a``."""

    def __init__(self, cluster: Cluster, talk_to: Any) -> None:
        self.talk_to = talk_to
        self.cluster, self.a, self.b = cluster, cluster.a, cluster.b
        self.slot = self.a.command("CLUSTER", "KEYSLOT", TAG)
        self.a.command("SET", PRESENT, 5)

    def begin(self) -> None:
        self.b.command("CLUSTER", "SETSLOT", self.slot, "IMPORTING", A)
        self.a.command("CLUSTER", "SETSLOT", self.slot, "MIGRATING", B)

    def leave(self) -> None:
        """Let ``a`` believe that the slot is at ``b``."""
        self.a.command("DEL", PRESENT)
        self.a.command("CLUSTER", "SETSLOT", self.slot, "NODE", B)

    def end(self) -> None:
        self.b.command("FLUSHALL")
        self.a.command("CLUSTER", "SETSLOT", self.slot, "NODE", A)
        for node in (self.a, self.b):
            node.command("CLUSTER", "SETSLOT", self.slot, "STABLE")
        self.cluster.restore()


@pytest.fixture
def moving(cluster: Cluster, talk_to: Any) -> Iterator[Moving]:
    found = Moving(cluster, talk_to)
    yield found
    found.end()


def address(node: Server) -> Address:
    return (node.host, node.port)


def send(moving: Moving, node: Server, commands: Sequence[Any], *, asking: bool = False, before_exec: Any = None) -> Any:
    """Run a transaction, and return its run and its replies; afterwards its connection must be clean."""
    run, session = Run(commands, atomic=True), Session(0)
    talk = moving.talk_to(node)
    session.sent_run(run)
    args = [ASKING, *run.args] if asking else run.args  # one serves a whole transaction
    replies = [talk(*call) for call in args[:-1]]
    if before_exec is not None:
        before_exec()
    replies.append(talk(*args[-1]))
    replies = replies[1:] if asking else replies
    session.answered_run(run, replies)
    assert session.is_clean
    session.check_no_transaction("this")
    assert talk("MULTI") == b"OK", "the server sees no transaction either"
    assert talk("DISCARD") == b"OK"
    return run, replies


def follow(moving: Moving, commands: Sequence[Any], before_exec: Any = None) -> Redirect | None:
    run, replies = send(moving, moving.a, commands, before_exec=before_exec)
    return read_run(run, replies, address(moving.a))


def test_with_an_absent_key_it_follows_ask_and_runs_there(moving: Moving) -> None:
    moving.begin()
    redirect = follow(moving, [("INCR", ABSENT), ("INCR", ABSENT)])
    assert redirect == Redirect("ASK", Step.ASK, address(moving.b), moving.slot)
    run, replies = send(moving, moving.b, [("INCR", ABSENT), ("INCR", ABSENT)], asking=True)
    assert read_run(run, replies, address(moving.b)) is None
    assert run.read(replies) == [1, 2]


@pytest.mark.parametrize("keys", [(PRESENT, ABSENT), (ABSENT, PRESENT)])
def test_with_keys_on_both_sides_it_waits(moving: Moving, keys: tuple[str, str]) -> None:
    moving.begin()
    for commands in ([("INCR", key) for key in keys], [("MGET", *keys), ("INCR", PRESENT)]):
        redirect = follow(moving, commands)
        assert redirect is not None
        assert (redirect.step, redirect.to) == (Step.WAIT, None)
    assert moving.a.command("GET", PRESENT) == b"5"


def test_two_keys_that_are_new_wait_at_the_new_owner(moving: Moving) -> None:
    moving.begin()
    run, replies = send(moving, moving.b, [("SET", ABSENT, 1), ("SET", f"{ABSENT}2", 1)], asking=True)
    redirect = read_run(run, replies, address(moving.b))
    assert redirect is not None
    assert redirect.step is Step.WAIT


def test_without_asking_the_new_owner_sends_it_back(moving: Moving) -> None:
    moving.begin()
    run, replies = send(moving, moving.b, [("INCR", ABSENT)])
    redirect = read_run(run, replies, address(moving.b))
    assert redirect is not None
    assert (redirect.step, redirect.to) == (Step.GO, address(moving.a))


def test_with_a_key_of_another_node_it_goes_there(moving: Moving) -> None:
    run, replies = send(moving, moving.b, [("INCR", ABSENT), ("PING",)])
    expected = Redirect("MOVED", Step.GO, address(moving.a), moving.slot, needs_refresh=True)
    assert read_run(run, replies, address(moving.b)) == expected


def test_when_the_slot_leaves_after_the_commands_were_queued_exec_is_redirected(moving: Moving) -> None:
    moving.begin()
    redirect = follow(moving, [("INCR", PRESENT)], before_exec=moving.leave)
    assert redirect is not None
    assert (redirect.code, redirect.step, redirect.slot) == ("MOVED", Step.GO, moving.slot)


def test_a_command_behind_asking_is_served_once(moving: Moving) -> None:
    moving.begin()
    run = Run([("INCR", ABSENT), ("INCR", ABSENT)])
    refused = moving.talk_to(moving.a)("INCR", ABSENT)
    redirect = read_redirect(refused, address(moving.a), spec("INCR"), moving.slot)
    assert redirect == Redirect("ASK", Step.ASK, address(moving.b), moving.slot)
    talk = moving.talk_to(moving.b)
    replies = [talk(*args) for call in run.args for args in (ASKING, call)]
    assert replies == [b"OK", 1, b"OK", 2]
    back = read_redirect(talk("INCR", ABSENT), address(moving.b), spec("INCR"), moving.slot)
    assert back is not None
    assert (back.step, back.to) == (Step.GO, address(moving.a))
