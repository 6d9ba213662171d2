# Written once: tests/threads/test_delivery.py is generated from this file.
"""Which commands are retried: a write runs at most once, a read is retried until it is answered (R-24)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from answers import OK, echo, held_echo, words
from asyncio_.harness import Callers, now, wait_until
from respool import AsyncPool, Command, RetryPolicy
from respool.errors import (
    ClusterDown,
    ConnectionLost,
    Loading,
    MasterDown,
    NotPrimary,
    OutcomeUnknown,
    PoolTimeout,
    ReadOnly,
    ReadTimeout,
    ServerError,
    TransportError,
    TryAgain,
    WrongNode,
    WrongType,
)
from respool.testing import Close, FakeConnection, FakeNode, FaultProxy, Hold, Reset, Server, Silence

NOT_NOW = {
    "LOADING server is loading the dataset in memory": Loading,
    "TRYAGAIN Multiple keys request during rehashing of slot": TryAgain,
    "CLUSTERDOWN Hash slot not served": ClusterDown,
    "MASTERDOWN Link with MASTER is down": MasterDown,
    "READONLY You can't write against a read only replica.": ReadOnly,
    "REDIRECT 10.0.0.2:6380": NotPrimary,
}
PROMPT = RetryPolicy(base=0.001, cap=0.001)


# Connections that are lost ------------------------------------------------------------------------------------


async def test_a_write_whose_reply_is_lost_ran_once_and_is_not_sent_again(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            for turn in range(1, 6):
                await wait_until(lambda: pool.shared == 1)
                proxy.down.limit_after(0, total=True)
                with pytest.raises(OutcomeUnknown) as caught:
                    await pool.incr("k")
                assert caught.value.executed == "unknown"
                assert server.command("GET", "k") == b"%d" % turn


async def test_a_write_that_is_lost_on_its_way_ran_at_most_once(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.up.limit_after(5, total=True)
            with pytest.raises(OutcomeUnknown):
                await pool.incr("k")
            assert server.command("GET", "k") is None


async def test_a_read_whose_reply_is_lost_is_asked_again(server: Server) -> None:
    server.command("SET", "k", "v")
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.down.limit_after(0, total=True)
            assert await pool.get("k") == b"v"
            assert pool.stats().retries == 1
            assert pool.stats().lost == 1


async def test_a_command_that_its_caller_calls_idempotent_is_sent_again(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.down.limit_after(0, total=True)
            assert await pool.execute(Command("SET", "k", "v", idempotent=True)) == b"OK"
            proxy.down.limit_after(0, total=True)
            assert await pool.execute(Command("INCR", "n", idempotent=True)) == 2  # it was declared idempotent


async def test_a_pipeline_of_reads_is_sent_again_and_one_with_a_write_is_not(server: Server) -> None:
    server.command("SET", "k", "v")
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.down.limit_after(2, total=True)
            assert await pool.execute_many([("GET", "k"), ("GET", "none")]) == [b"v", None]
            proxy.down.limit_after(2, total=True)
            with pytest.raises(OutcomeUnknown):
                await pool.execute_many([("GET", "k"), ("INCR", "n")])
            assert server.command("GET", "n") == b"1"


async def test_an_atomic_run_whose_reply_is_lost_ran_once_and_is_not_sent_again(server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            proxy.down.limit_after(3, total=True)
            with pytest.raises(OutcomeUnknown):
                await pool.execute_many([("INCR", "n"), ("INCR", "n")], atomic=True)
            assert server.command("GET", "n") == b"2"


@pytest.mark.parametrize("end", [Close(), Reset()], ids=["closed", "reset"])
async def test_a_read_is_retried_whatever_way_the_connection_ends(end: Any) -> None:
    with FakeNode({"GET": echo}) as node:
        node.once("GET", end)
        async with AsyncPool(node.url, shared=1) as pool:
            assert await pool.execute("GET", "k") == b"k"
            assert node.connections == 2


async def test_a_read_whose_reply_is_cut_in_the_middle_is_asked_again() -> None:
    with FakeNode({"GET": echo}) as node:
        node.once("GET", (b"$5\r\nhal", Close()))
        async with AsyncPool(node.url, shared=1) as pool:
            assert await pool.execute("GET", "k") == b"k"


async def test_a_node_that_always_hangs_up_is_asked_as_often_as_the_policy_says() -> None:
    with FakeNode({"GET": Close()}) as node:
        async with AsyncPool(node.url, shared=1, retry=RetryPolicy(attempts=3, base=0.001)) as pool:
            with pytest.raises(ConnectionLost):
                await pool.execute("GET", "k")
            assert len(node.calls("GET")) == 3


@pytest.mark.parametrize("retry", [None, RetryPolicy(attempts=1)], ids=["None", "attempts=1"])
async def test_without_retries_everything_is_sent_once(retry: RetryPolicy | None) -> None:
    with FakeNode({"GET": echo, "SET": b"-LOADING wait\r\n"}) as node:
        node.once("GET", Close())
        async with AsyncPool(node.url, shared=1, retry=retry) as pool:
            with pytest.raises(ConnectionLost) as caught:
                await pool.execute("GET", "k")
            assert caught.value.executed == "unknown"
            with pytest.raises(Loading):
                await pool.execute("SET", "k", "v")
            assert len(node.calls("GET")) == len(node.calls("SET")) == 1
            assert pool.stats().retries == 0


@pytest.mark.parametrize("retry", [None, RetryPolicy(attempts=1)], ids=["None", "attempts=1"])
async def test_without_retries_a_connection_that_was_closed_while_idle_costs_no_error(
    server: Server, retry: RetryPolicy | None
) -> None:
    async with AsyncPool(server.url, shared=1, retry=retry) as pool:
        await pool.set("n", 0)
        for turn in range(1, 4):
            await hang_up_on_all(server)
            assert await pool.incr("n") == turn
            await hang_up_on_all(server)
            assert await pool.execute_many([("GET", "n")], atomic=True) == [b"%d" % turn]


async def hang_up_on_all(server: Server) -> None:
    """Let the server close its connections, as it does with ``timeout``, and wait until they count as idle."""
    connected = {client["id"] for client in server.clients()}
    server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await wait_until(lambda: connected.isdisjoint(client["id"] for client in server.clients()))
    closed = now()
    await wait_until(lambda: now() > closed + 0.01)


async def test_every_history_of_cuts_is_one_that_at_most_once_allows(callers: Callers, server: Server) -> None:
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=2, max_size=3, retry=PROMPT) as pool:
            sure = unsure = 0

            async def count(name: str) -> None:
                nonlocal sure, unsure
                for _ in range(25):
                    try:
                        await pool.incr(name)
                    except TransportError as error:
                        unsure += error.executed == "unknown"
                    else:
                        sure += 1
                    assert await pool.execute("ECHO", name) == name.encode()

            for number in range(4):
                callers.start(count, f"counter{number}")
            for cut in range(8):
                await wait_until(lambda least=cut * 10: sure > least)
                proxy.cut()
            await callers.results()
            total = sum(int(server.command("GET", f"counter{number}") or 0) for number in range(4))
            assert sure <= total <= sure + unsure


# Servers that say "not now" ------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", NOT_NOW, ids=lambda line: line.split()[0])
async def test_what_a_server_refuses_for_now_is_sent_again_be_it_a_write(line: str) -> None:
    refusal = f"-{line}\r\n".encode()
    with FakeNode({"GET": echo, "INCR": b":7\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            node.once("GET", refusal)
            node.once("GET", refusal)
            assert await pool.execute("GET", "k") == b"k"
            node.once("INCR", refusal)
            assert await pool.execute("INCR", "k") == 7
            assert len(node.calls("GET")) == 3
            assert len(node.calls("INCR")) == 2
            assert pool.stats().retries == 3


@pytest.mark.parametrize("line", NOT_NOW, ids=lambda line: line.split()[0])
async def test_what_a_server_always_refuses_is_raised_after_the_last_attempt(line: str) -> None:
    with FakeNode({"SET": f"-{line}\r\n".encode()}) as node:
        async with AsyncPool(node.url, shared=1, retry=RetryPolicy(attempts=3, base=0.001)) as pool:
            with pytest.raises(NOT_NOW[line]) as caught:
                await pool.execute("SET", "k", "v")
            assert isinstance(caught.value, ServerError)
            assert f"{caught.value.code} {caught.value.message}" == line
            assert len(node.calls("SET")) == 3


async def test_a_node_that_has_become_a_replica_begins_a_new_epoch() -> None:
    with FakeNode({"SET": OK}) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            node.once("SET", b"-READONLY You can't write against a read only replica.\r\n")
            assert await pool.execute("SET", "k", "v") == b"OK"
            assert pool.stats().epoch == 1
            await wait_until(lambda: node.connections == 2 and node.open_connections == 1)
            assert await pool.execute("SET", "k", "v") == b"OK"


async def test_a_burst_of_such_answers_begins_one_epoch_a_second(callers: Callers) -> None:
    with FakeNode({"SET": b"-READONLY You can't write against a read only replica.\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=RetryPolicy(base=0.001, cap=0.002, budget_floor=1000.0)) as pool:
            started = now()
            for number in range(20):
                callers.start(pool.execute, "SET", f"k{number}", "v")
            assert {type(outcome) for outcome in await callers.outcomes()} == {ReadOnly}
            assert len(node.calls("SET")) >= 40
            assert 1 <= pool.stats().epoch <= 1 + (now() - started)


async def test_any_other_error_is_raised_at_once_and_keeps_the_connection(server: Server) -> None:
    async with AsyncPool(server.url, shared=1) as pool:
        await pool.set("k", "v")
        with pytest.raises(WrongType):
            await pool.execute("LPUSH", "k", "v")
        with pytest.raises(ServerError) as caught:
            await pool.execute("NO-SUCH-COMMAND")
        assert caught.value.code == "ERR"
        assert pool.stats().retries == 0
        assert pool.stats().opened == 1


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("word", ["MOVED", "ASK"])
async def test_a_pool_of_one_node_follows_no_redirect_and_says_which_pool_does(word: str, shared: int) -> None:
    with FakeNode({"GET": f"-{word} 866 10.0.0.1:6379\r\n".encode()}) as node:
        async with AsyncPool(node.url, shared=shared) as pool:
            with pytest.raises(WrongNode, match=r"a node of a cluster.* use ClusterPool or ") as caught:
                await pool.execute("GET", "k")
            assert caught.value.code == word
            assert len(node.calls("GET")) == 1
            with pytest.raises(WrongNode, match=r"command 1 of 1 \(GET\): .* use ClusterPool"):
                async with pool.pipeline() as p:
                    p.get("k")
            assert "use ClusterPool" in str((await pool.execute_many([("GET", "k")]))[0])
            assert pool.stats().retries == 0


# Limits of trying again ----------------------------------------------------------------------------------------


async def test_retries_share_a_budget(callers: Callers) -> None:
    with FakeNode({"GET": b"-LOADING wait\r\n"}) as node:
        policy = RetryPolicy(attempts=4, base=0.001, budget=0.0, budget_floor=5.0)
        async with AsyncPool(node.url, shared=1, retry=policy) as pool:
            for _ in range(20):
                callers.start(pool.execute, "GET", "k")
            assert [type(outcome) for outcome in await callers.outcomes()] == [Loading] * 20
            stats = pool.stats()
            assert 5 <= stats.retries <= 8  # five tokens are saved, and five come per second
            assert stats.retries_refused >= 12
            assert len(node.calls("GET")) == 20 + stats.retries


@pytest.mark.parametrize("shared", [0, 1])
async def test_what_was_in_flight_when_the_node_went_is_retried_beyond_the_budget(callers: Callers, shared: int) -> None:
    """A pool that was hardly used has saved ten tokens, yet after a restart of the node no read may fail (R-13)."""
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=shared, max_size=60) as pool:
            for number in range(50):
                callers.start(pool.execute, "GET", f"k{number}")
            # Threads that share a connection: one has sent its command, the others have queued theirs.
            await wait_until(lambda: node.calls("GET") and pool.stats().in_flight + pool.leased == 50)
            if not shared:
                await wait_until(lambda: len(node.calls("GET")) == 50)
            node.on("GET", echo)
            node.drop()
            assert await callers.results() == [f"k{number}".encode() for number in range(50)]
            assert (pool.stats().retries, pool.stats().retries_refused) == (50, 0)


async def test_a_node_that_hangs_up_on_all_again_and_again_is_asked_no_more_than_the_budget_allows(
    callers: Callers,
) -> None:
    """Tokens overdrawn by one loss are paid back before the retries of the next one: no amplification (P-20)."""
    with FakeNode({"GET": held_echo}) as node:
        async with AsyncPool(node.url, shared=1) as pool:
            for _ in range(50):
                callers.start(pool.execute, "GET", "k")
            await wait_until(lambda: pool.stats().in_flight == 50 and node.calls("GET"))
            node.drop()
            await wait_until(lambda: pool.stats().retries == pool.stats().in_flight == 50)
            await wait_until(lambda: len({seen.connection for seen in node.calls("GET")}) == 2)
            node.drop()
            assert {type(outcome) for outcome in await callers.outcomes()} == {ConnectionLost}
            assert (pool.stats().retries, pool.stats().retries_refused) == (50, 50)


async def test_a_retry_never_outlives_the_callers_time() -> None:
    with FakeNode({"GET": b"-LOADING wait\r\n"}) as node:
        policy = RetryPolicy(attempts=1000, base=0.01, cap=0.01, budget_floor=1000.0)
        async with AsyncPool(node.url, shared=1, retry=policy) as pool:
            started = now()
            with pytest.raises((Loading, ReadTimeout)):  # the latter if the last retry was in flight
                await pool.execute("GET", "k", timeout=0.1)
            assert 0.048 <= now() - started < 3.0
            assert len(node.calls("GET")) > 2


async def test_between_two_tries_a_command_pauses_as_long_as_the_policy_says() -> None:
    heard: list[float] = []
    with FakeNode({"GET": echo}) as node:
        policy = RetryPolicy(base=0.02, cap=0.05)
        async with AsyncPool(node.url, shared=1, retry=policy, listener=lambda _: heard.append(now())) as pool:
            pool._serving.node.chance = lambda: 0.999  # type: ignore[union-attr]  # open, so there is one
            for _ in range(3):
                node.once("GET", b"-LOADING wait\r\n")
            heard.clear()
            assert await pool.execute("GET", "k") == b"k"
            pauses = [after - before for before, after in itertools.pairwise([*heard, now()])]
            assert len(pauses) == 3
            assert all(pause >= least for pause, least in zip(pauses, (0.018, 0.038, 0.048), strict=True)), pauses


async def test_only_the_first_retry_after_a_lost_connection_is_made_at_once() -> None:
    with FakeNode({"GET": echo}) as node:
        policy = RetryPolicy(base=30.0, cap=30.0)
        async with AsyncPool(node.url, shared=1, retry=policy) as pool:
            pool._serving.node.chance = lambda: 0.999  # type: ignore[union-attr]  # open, so there is one
            node.once("GET", Close())
            assert await pool.execute("GET", "k", timeout=5.0) == b"k"
            node.once("GET", Close())
            node.once("GET", Close())
            with pytest.raises(ConnectionLost):  # the pause before the second retry is longer than the remaining time
                await pool.execute("GET", "k", timeout=5.0)
            assert len(node.calls("GET")) == 4


async def test_a_retry_that_could_not_begin_in_time_is_not_waited_for() -> None:
    with FakeNode({"GET": b"-LOADING wait\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=RetryPolicy(base=30.0, cap=30.0)) as pool:
            pool._serving.node.chance = lambda: 0.999  # type: ignore[union-attr]  # open, so there is one
            started = now()
            with pytest.raises(Loading):
                await pool.execute("GET", "k", timeout=4.0)
            assert now() - started < 3.0
            assert len(node.calls("GET")) == 1


async def test_a_listener_hears_of_every_retry() -> None:
    heard: list[Any] = []
    with FakeNode({"GET": echo}) as node:
        node.once("GET", b"-LOADING wait\r\n")
        node.once("GET", Close())
        async with AsyncPool(node.url, shared=1, retry=PROMPT, listener=heard.append) as pool:
            assert await pool.execute("GET", "k") == b"k"
            retried = [event for event in heard if type(event).__name__ == "Retried"]
            assert [(event.command, event.attempt, type(event.error)) for event in retried] == [
                ("GET", 1, Loading),
                ("GET", 2, ConnectionLost),
            ]


async def test_everybody_in_flight_on_a_lost_connection_gets_an_answer_or_an_error_of_its_own(callers: Callers) -> None:
    with FakeNode({"GET": b"", "INCR": b""}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:
            for number in range(10):
                callers.start(pool.execute, "GET", f"k{number}")
                callers.start(pool.execute, "INCR", f"k{number}")
            await wait_until(lambda: pool.stats().in_flight == 20)
            await wait_until(lambda: node.calls("GET"))
            node.drop()
            outcomes = await callers.outcomes()
            assert all(isinstance(outcome, ConnectionLost) for outcome in outcomes)
            assert len({id(outcome) for outcome in outcomes}) == 20
            sent = {*words(node, "INCR")}
            for number, outcome in enumerate(outcomes[1::2]):
                if f"k{number}".encode() in sent:
                    assert type(outcome) is OutcomeUnknown


# What runs users' code ----------------------------------------------------------------------------------------

SCRIPT = "redis.call('RPUSH', 'jobs', 'x') return redis.error_reply(ARGV[1])"
RUN_CODE = ["EVAL", "EVALSHA", "FCALL", "MODULE.COMMAND", "NEVER-HEARD-OF", "CONFIG NEVER-HEARD-OF"]


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("word", [line.split()[0] for line in NOT_NOW])
async def test_a_script_that_answers_an_error_word_of_the_server_ran_once(
    server: Server, word: str, shared: int
) -> None:
    sha = server.command("SCRIPT", "LOAD", SCRIPT)
    async with AsyncPool(server.url, shared=shared, retry=PROMPT) as pool:
        for number, call in enumerate([("EVAL", SCRIPT), ("EVALSHA", sha)], start=1):
            with pytest.raises(ServerError, match=f"{word} x"):
                await pool.execute(*call, 0, f"{word} x")
            assert await pool.execute("LLEN", "jobs") == number
        replies = await pool.execute_many([("EVAL", SCRIPT, 0, f"{word} x")], atomic=True)
        assert isinstance(replies[0], ServerError)  # just a value
        assert replies[0].code == word
        assert await pool.execute("LLEN", "jobs") == 3
        assert pool.stats().retries == 0
        assert pool.stats().epoch == 0  # a READONLY error made by a script says nothing about the server


@pytest.mark.parametrize("name", RUN_CODE)
async def test_an_error_word_of_what_may_run_users_code_proves_nothing(name: str) -> None:
    with FakeNode() as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            for count, (line, kind) in enumerate(NOT_NOW.items(), start=1):
                node.once(name, b"-%s\r\n" % line.encode())
                with pytest.raises(kind):
                    await pool.execute(*name.split(), "a", 0)
                assert len(node.calls(name)) == count
            assert pool.stats().retries == 0


@pytest.mark.parametrize("name", ["EVAL_RO", "EVALSHA_RO", "FCALL_RO"])
async def test_what_runs_code_that_only_reads_is_asked_again(name: str) -> None:
    with FakeNode({name: OK}) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            node.once(name, b"-LOADING wait\r\n")
            assert await pool.execute(name, "a", 0) == b"OK"
            node.on("EVAL", OK)
            node.once("EVAL", b"-LOADING wait\r\n")
            assert await pool.execute(Command("EVAL", "a", 0, idempotent=True)) == b"OK"
            assert pool.stats().retries == 2


@pytest.mark.parametrize(
    "says",
    [
        "READONLY You can't write against a read only replica. script: 88c9, on @user_script:1.",
        "READONLY Can not run script with write flag on readonly replica.",
        "ERR Error running script (call to f_88c9): @user_script:1: -READONLY You can't write against a read only replica.",
    ],
)
async def test_a_script_that_a_replica_has_stopped_renews_the_connections_and_runs_once(says: str) -> None:
    with FakeNode({"EVAL": OK}) as node:
        node.once("EVAL", f"-{says}\r\n".encode())
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            with pytest.raises(ServerError, match="READONLY"):
                await pool.execute("EVAL", "script", 0)
            assert len(node.calls("EVAL")) == 1
            assert pool.stats().epoch == 1
            await wait_until(lambda: pool.stats().opened == 2)


async def test_readonly_in_other_errors_of_scripts_renews_nothing() -> None:
    with FakeNode({"EVAL": b"-ERR -READONLY You can't write against a read only replica.\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            with pytest.raises(ServerError):
                await pool.execute("EVAL", "script", 0)
            node.on("EVAL", b"-ERR Error running script (call to f_88c9): @user_script:1: -READONLY x\r\n")
            with pytest.raises(ServerError):
                await pool.execute("EVAL", "script", 0)
            assert pool.stats().epoch == 0


async def test_readonly_renews_the_connections_where_nothing_is_retried_too() -> None:
    with FakeNode({"SET": b"-READONLY You can't write against a read only replica.\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=None) as pool:
            with pytest.raises(ReadOnly):
                await pool.execute("SET", "k", "v")
            assert pool.stats().epoch == 1


async def test_a_script_whose_transaction_was_none_is_not_sent_again() -> None:
    loading = b"-LOADING wait\r\n"
    script = {"MULTI": loading, "EVAL": loading, "INCR": loading, "EXEC": b"-ERR EXEC without MULTI\r\n"}
    with FakeNode(script) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            with pytest.raises(Loading):
                await pool.execute_many([("INCR", "k"), ("EVAL", "script", 0)], atomic=True)
            assert len(node.calls("EVAL")) == 1


async def test_a_script_that_was_not_queued_for_now_is_sent_again() -> None:
    with FakeNode({"MULTI": OK, "EVAL": b"+QUEUED\r\n", "EXEC": b"*1\r\n:1\r\n"}) as node:
        node.once("EVAL", b"-LOADING wait\r\n")
        node.once("EXEC", b"-EXECABORT Transaction discarded because of previous errors.\r\n")
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            assert await pool.execute_many([("EVAL", "script", 0)], atomic=True) == [1]


async def test_traffic_on_connections_that_are_up_pays_for_retries() -> None:
    policy = RetryPolicy(base=0, budget=0.2, budget_floor=0)
    with FakeNode({"GET": echo, "SET": b"-LOADING server is loading the dataset in memory\r\n"}) as node:
        async with AsyncPool(node.url, shared=1, retry=policy) as pool:
            for _ in range(500):
                await pool.execute("GET", "k")
            for _ in range(20):
                with pytest.raises(Loading):
                    await pool.execute("SET", "k", "v")
            assert (pool.stats().retries, pool.stats().retries_refused) == (60, 0)


# A node that is not the primary any more (R-13, R-24) ----------------------------------------------------------


READONLY = b"-READONLY You can't write against a read only replica.\r\n"
GREETING = b"%1\r\n$5\r\nproto\r\n:3\r\n"


def demoted(until: int, *, in_exec: bool = False) -> FakeNode:
    """Make a node whose first ``until`` connections reach a replica, and later ones the primary, as behind one name."""
    queued = set()

    def set_(_: Any, connection: FakeConnection) -> bytes:
        is_late = in_exec and connection.number in queued
        return b"+QUEUED\r\n" if is_late else READONLY if connection.number <= until else OK

    def multi(_: Any, connection: FakeConnection) -> bytes:
        queued.add(connection.number)
        return OK

    def exec_(_: Any, connection: FakeConnection) -> bytes:
        queued.discard(connection.number)
        if connection.number > until:
            return b"*1\r\n+OK\r\n"
        return b"-EXECABORT Transaction discarded because of" + (b": READONLY replica" if in_exec else b" errors") + b"\r\n"

    return FakeNode({"SET": set_, "MULTI": multi, "EXEC": exec_, "GET": echo})


def one_set(pool: AsyncPool[bytes]) -> Any:
    return lambda: pool.execute("SET", "k", "v", timeout=20.0)


def one_run(pool: AsyncPool[bytes]) -> Any:
    return lambda: pool.execute_many([("SET", "k", "v")], atomic=True, timeout=20.0)


@pytest.mark.parametrize("in_exec", [False, True], ids=["when queued", "by EXEC"])
@pytest.mark.parametrize("call", [one_set, one_run])
@pytest.mark.parametrize("shared", [2, 1, 0])
async def test_a_write_that_met_a_replica_waits_for_a_connection_to_the_new_primary(
    callers: Callers, shared: int, call: Any, in_exec: bool
) -> None:
    with demoted(max(shared, 1), in_exec=in_exec) as node:
        async with AsyncPool(node.url, shared=shared, min_size=1, max_size=4, retry=PROMPT) as pool:
            assert pool.size == max(shared, 1)
            node.on("HELLO", Hold(GREETING))  # the new primary is slow to answer the handshake
            caller = callers.start(call(pool))
            await wait_until(lambda: len(node.calls("HELLO")) > max(shared, 1))
            assert not caller.is_done
            node.on("HELLO", GREETING)
            await wait_until(lambda: node.release() or caller.is_done)
            assert await caller.result() in (b"OK", [b"OK"])
            asked = [seen.connection for seen in node.calls("SET")]
            assert len(asked) == 2
            assert asked[1] > max(shared, 1)


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_each_retry_of_a_write_goes_to_another_connection_than_the_one_that_said_no(shared: int) -> None:
    with demoted(3) as node:
        async with AsyncPool(node.url, shared=shared, retry=PROMPT) as pool:
            assert await pool.execute("SET", "k", "v") == b"OK"
            asked = [seen.connection for seen in node.calls("SET")]
            assert len(set(asked)) == len(asked) == 4


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_a_write_that_meets_replicas_only_is_told_so_after_its_attempts(shared: int) -> None:
    with demoted(1000) as node:
        async with AsyncPool(node.url, shared=shared, retry=PROMPT) as pool:
            with pytest.raises(ReadOnly):
                await pool.execute("SET", "k", "v")
            assert len(node.calls("SET")) == 4
            assert await pool.execute("GET", "k") == b"k"


async def test_a_write_that_waits_for_the_new_primary_is_bounded_by_its_caller() -> None:
    with demoted(1) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            node.on("HELLO", Silence())
            with pytest.raises(PoolTimeout):
                await pool.execute("SET", "k", "v", timeout=0.3)
            assert len(node.calls("SET")) == 1
            assert await pool.execute("GET", "k") == b"k"  # reads go on


async def test_replicas_do_not_have_their_connections_renewed_without_end() -> None:
    with demoted(1000) as node:
        async with AsyncPool(node.url, shared=1, retry=PROMPT) as pool:
            started = now()
            for _ in range(8):
                with pytest.raises(ReadOnly):
                    await pool.execute("SET", "k", "v")
            assert node.connections <= 14 + 10 * (now() - started)  # ten tokens, and ten for each second


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
async def test_a_replica_in_a_pipeline_renews_the_connections(shared: int) -> None:
    with demoted(1) as node:
        async with AsyncPool(node.url, shared=shared, retry=PROMPT) as pool:
            (reply,) = await pool.execute_many([("SET", "k", "v")])
            assert isinstance(reply, ReadOnly)  # an error is a value in the list
            await wait_until(lambda: not shared or node.connections == 2)
            assert await pool.execute("SET", "k", "v") == b"OK"
