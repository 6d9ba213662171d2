"""Posted runs whose thread is interrupted, forks, is a signal handler, or outlives the interpreter's other threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from answers import echo, held_echo
from interrupting import interrupted_at, interrupted_behind, moments, sparse_moments
from respool import Connection, Pool
from respool._sync.shell import transport as transport_module
from respool.errors import ConnectionLost, ConnectTimeout, PoolClosed, UsageError
from respool.testing import FakeNode, Server
from threads.harness import Callers, Signal, now, wait_until
from threads.signals import at_signal, send_signal

RUN = [("ECHO", "a"), ("ECHO", "b")]
ANSWERS = [b"a", b"b"]


def of(pool: Pool[Any]) -> Any:
    """Return the transport of a pool's only shared connection."""
    transport = pool._shared.only
    assert transport is not None
    return transport


def scatter(*pools: Pool[Any]) -> list[Any]:
    """Post a run on all pools and collect the replies, as a pool over many nodes does."""
    tickets: list[Any] = []
    try:
        for pool in pools:
            transport: Any = pool._shared.only or pool._shared.wait(now() + 2.0)
            tickets.append((transport, transport.post_many(RUN)))
        return [transport.collect(ticket) for transport, ticket in tickets]
    except BaseException:
        for transport, ticket in tickets:
            transport.give_up(ticket)
        raise


# Interrupts --------------------------------------------------------------------------------------------------


def are_at_rest(*pools: Pool[Any]) -> None:
    for pool in pools:
        for number in range(3):
            assert pool.execute("ECHO", number, timeout=2.0) == str(number).encode()
        wait_until(lambda pool=pool: pool.shared == 1 and pool.stats().in_flight == 0)  # type: ignore[misc]
        assert not of(pool).is_busy
        assert [call for call in of(pool)._followers if call.is_waiting] == []


@pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])
def test_who_collects_what_another_thread_has_posted_keeps_no_leadership(
    callers: Callers, server: Server, interrupt: Callable[..., bool]
) -> None:
    for moment in moments():
        with Pool(server.url, shared=1, max_size=2, retry=None) as pool:
            transport = of(pool)
            ticket = callers.start(transport.post_many, RUN).result()
            was_interrupted = interrupt(moment, lambda transport=transport, ticket=ticket: transport.collect(ticket))
            are_at_rest(pool)
        if not was_interrupted:
            return


@pytest.mark.parametrize("interrupt", [interrupted_at, interrupted_behind], ids=["at", "behind"])
@pytest.mark.parametrize("max_in_flight", [1, 1000])
def test_a_poster_alone_loses_no_leadership_and_shifts_no_reply(
    server: Server, interrupt: Callable[..., bool], max_in_flight: int
) -> None:
    options: dict[str, Any] = {"shared": 1, "max_size": 2, "retry": None, "max_in_flight": max_in_flight}
    for moment in moments():
        with Pool(server.url, **options) as one, Pool(server.url, **options) as two:
            outcomes: list[Any] = []
            was_interrupted = interrupt(moment, lambda: outcomes.extend(scatter(one, two)))
            are_at_rest(one, two)
        if not was_interrupted:
            assert outcomes == [ANSWERS, ANSWERS]
            return


@pytest.mark.parametrize("share", range(3))
def test_a_poster_among_others_leaves_nobody_asleep(callers: Callers, server: Server, share: int) -> None:
    for moment in sparse_moments(share):
        options: dict[str, Any] = {"shared": 1, "max_size": 2, "retry": None, "max_in_flight": (3, 1000)[moment % 2]}
        with Pool(server.url, **options) as one, Pool(server.url, **options) as two:
            is_over = Signal()

            def ask(name: int) -> None:
                number = 0
                while not is_over.is_set:
                    number += 1
                    try:
                        assert (one, two)[number % 2].execute("ECHO", f"{name}:{number}") == f"{name}:{number}".encode()
                    except ConnectionLost:
                        pass

            def post() -> None:
                while not is_over.is_set:
                    for replies in scatter(two, one):
                        assert replies == ANSWERS or isinstance(replies, ConnectionLost)

            others = [callers.start(ask, 0), callers.start(post)]
            was_interrupted = interrupted_at(moment, lambda: scatter(one, two))
            for pool in (one, two):
                assert pool.execute("ECHO", "after", timeout=2.0) == b"after"
            is_over.set()
            for other in others:
                other.result()
            are_at_rest(one, two)
        if not was_interrupted:
            return


def test_while_it_follows_it_is_given_up_and_the_leader_goes_on(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node:
        for moment in moments():
            with Pool(node.url, shared=1, max_size=2, retry=None) as pool:
                leader = callers.start(pool.execute, "GET", f"leader {moment}")
                wait_until(lambda: any(seen.command[1] == b"leader %d" % moment for seen in node.calls("GET")))
                transport, is_over = of(pool), Signal()

                def let_go() -> None:
                    wait_until(lambda: transport._followers or is_over.is_set)
                    wait_until(lambda: node.release() or not transport.is_open)

                helper = callers.start(let_go)
                was_interrupted = interrupted_at(moment, lambda: scatter(pool))
                is_over.set()
                helper.result()
                outcome = leader.outcome()
                assert outcome == b"leader %d" % moment or isinstance(outcome, ConnectionLost)
                are_at_rest(pool)
            if not was_interrupted:
                return


# The same thread, further up its stack ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["leader", "follower"])
@pytest.mark.parametrize("is_posted_before", [True, False])
def test_a_handler_that_collects_where_its_thread_waits_is_told_so(
    callers: Callers, role: str, *, is_posted_before: bool
) -> None:
    outcomes: list[Any] = []

    def work() -> None:
        outcomes.append(transport.collect(tickets[0] if tickets else transport.post_many(RUN)))

    with FakeNode({"GET": held_echo, "ECHO": echo}) as node, Pool(node.url, shared=1) as pool, at_signal(work):
        transport = of(pool)
        if role == "follower":
            callers.start(pool.execute, "GET", "leader")
            wait_until(lambda: node.calls("GET"))
        tickets = [transport.post_many(RUN)] if is_posted_before and role == "follower" else []

        is_asleep = (lambda: transport._followers) if role == "follower" else (lambda: node.calls("GET"))

        def disturb() -> None:
            wait_until(is_asleep)
            send_signal()
            wait_until(lambda: outcomes)
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and transport.owes == 0)

        callers.start(disturb)
        assert pool.execute("GET", "mine") == b"mine"
        assert isinstance(outcomes[0], UsageError)
        assert "would wait for itself" in str(outcomes[0])
        assert pool.execute("ECHO", "after") == b"after"


def test_a_handler_may_read_on_a_connection_where_its_thread_has_only_posted() -> None:
    outcomes: list[Any] = []

    def work() -> None:
        outcomes.append(pool.execute("ECHO", "inner", timeout=2.0))

    with FakeNode({"ECHO": echo}) as node, Pool(node.url, shared=1) as pool, at_signal(work):
        ticket = of(pool).post_many(RUN)
        send_signal()
        assert outcomes == [b"inner"]
        assert ticket.value == ANSWERS
        assert of(pool).collect(ticket) == ANSWERS


def test_inside_a_step_that_holds_the_lock_it_is_refused(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        transport = of(pool)
        ticket = transport.post_many(RUN)
        with transport._lock:
            for work in (lambda: transport.post_many(RUN), lambda: transport.collect(ticket)):
                with pytest.raises(UsageError, match="would wait for itself"):
                    work()
            transport.give_up(ticket)
        assert pool.execute("ECHO", "after") == b"after"
        assert pool.stats().dropped == 2


def test_what_was_given_up_cannot_be_collected(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        ticket = of(pool).post_many(RUN)
        of(pool).give_up(ticket)
        with pytest.raises(AssertionError, match="collected or given up"):
            of(pool).collect(ticket)
        assert pool.execute("ECHO", "after") == b"after"


# Other ends --------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_gets_an_error_also_if_another_thread_held_the_lock(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")  # it does not exist in the child
        wait_until(lambda: node.calls("GET"))
        ticket, is_held, is_over = transport.post_many(RUN), Signal(), Signal()

        def hold() -> None:
            with transport._lock:
                is_held.set()
                is_over.wait()

        holder = callers.start(hold)
        is_held.wait()
        pid = os.fork()
        if pid == 0:
            signal.alarm(5)
            try:
                error = transport.collect(ticket)
                transport.give_up(ticket)
                is_right = isinstance(error, ConnectionLost) and "forked" in str(error.__cause__) and error.executed == "no"
                late = transport.collect(transport.post_many(RUN))
                os._exit(0 if is_right and isinstance(late, ConnectionLost) else 1)
            finally:
                os._exit(2)
        code = os.waitpid(pid, 0)[1]
        is_over.set()
        holder.result()
        assert code == 0
        node.on("GET", echo)
        wait_until(lambda: node.release(1))
        assert leader.result() == b"leader"
        assert transport.collect(ticket) == ANSWERS


def test_at_the_end_of_the_interpreter_nobody_waits_for_a_thread_that_has_stopped(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeNode({"GET": held_echo, "ECHO": echo}) as node, Pool(node.url, shared=1, retry=None) as pool:
        transport = of(pool)
        leader = callers.start(pool.execute, "GET", "leader")
        wait_until(lambda: node.calls("GET"))
        ticket = transport.post_many(RUN)
        with monkeypatch.context() as patch:
            patch.setattr(transport_module, "is_finalizing", lambda: True)  # the state cannot be reached in a test
            assert isinstance(transport.collect(ticket), PoolClosed)
            assert isinstance(transport.collect(transport.post_many(RUN)), PoolClosed)
        wait_until(lambda: node.release(1))
        assert leader.result() == b"leader"
        assert pool.execute("ECHO", "after") == b"after"


def test_a_hook_that_posts_is_bounded(callers: Callers) -> None:
    seen: list[Any] = []

    def configure(conn: Connection[Any]) -> None:
        transport: Any = conn._transport
        ticket = transport.post_many([("GET", "a")])
        other = transport.post_many([("GET", "b")], now() + 60.0)
        seen.extend(transport.collect(each) for each in (ticket, other))
        raise seen[0]

    with FakeNode({"GET": held_echo}) as node:
        started = now()
        pool = Pool(node.url, shared=0, connect_timeout=0.2, configure=configure, retry=None)
        with pytest.raises(ConnectTimeout, match="the configure hook took too long"):
            pool.execute("PING")
        assert now() - started < 4.0
        assert {type(outcome).__name__ for outcome in seen} == {"ReadTimeout"}
        pool.close()
