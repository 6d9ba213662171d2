# Generated from tests/asyncio_/test_shared_lane.py by tools/generate.py. Do not edit.
"""Many callers share a few connections: each gets its own reply, on the right connection (R-18, R-19, R-23)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from answers import OK, echo, held_echo, words
from threads.harness import Callers, Signal, now, wait_until
from respool import Pool
from respool.errors import PoolTimeout, ReadTimeout
from respool.testing import FakeNode, FaultProxy, Hold, Server, Silence

SILENT_RUN = {"CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK}


def by_connection(node: FakeNode, name: str) -> Counter[int]:
    return Counter(seen.connection for seen in node.calls(name))


# Every reply to its caller -------------------------------------------------------------------------------------


def shared_slots(pool: Pool[Any]) -> list[Any]:
    return list(pool._serving.node.ledger.shared_slots)  # type: ignore[union-attr]  # open, so there is one


@pytest.mark.parametrize("shared", [1, 3])
def test_every_caller_gets_its_own_reply(callers: Callers, server: Server, shared: int) -> None:
    with Pool(server.url, shared=shared) as pool:

        def ask(name: int) -> None:
            for number in range(25):
                word = f"{name}:{number}"
                assert pool.execute("ECHO", word) == word.encode()
                assert pool.set(word, number) is True
                assert pool.execute_many([("GET", word), ("ECHO", word)]) == [b"%d" % number, word.encode()]

        for name in range(20):
            callers.start(ask, name)
        callers.results()
        stats = pool.stats()
        assert stats.opened == shared
        assert (stats.in_flight, stats.dropped, stats.taken_back) == (0, 0, 0)


def test_replies_of_every_size_keep_their_order(callers: Callers, server: Server) -> None:
    sizes = [0, 1, 1023, 1024, 1025, 16_383, 65_536, 300_000]
    with Pool(server.url, shared=1) as pool:

        def ask(name: int) -> None:
            for turn in range(6):
                value = bytes([65 + name]) * sizes[(name + turn) % len(sizes)]
                assert pool.execute("ECHO", value) == value

        for name in range(16):
            callers.start(ask, name)
        callers.results()
        assert pool.stats().opened == 1


def test_giving_up_costs_no_reconnect(callers: Callers, server: Server) -> None:
    with FaultProxy(server) as proxy:
        with Pool(proxy.url, shared=1) as pool:
            proxy.down.hold()
            hasty = [callers.start(pool.execute, "ECHO", f"{number}", timeout=0.05) for number in range(50)]
            for caller in hasty:
                assert type(caller.outcome()) is ReadTimeout
            proxy.down.release()
            assert pool.execute("ECHO", "after") == b"after"
            stats = pool.stats()
            assert stats.dropped + stats.taken_back == 50
            assert (stats.in_flight, stats.opened, proxy.connections) == (0, 1, 1)


# Which connection ----------------------------------------------------------------------------------------------


def test_round_robin_gives_every_connection_the_same_number_of_commands() -> None:
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=4, strategy="round_robin") as pool:
            for number in range(40):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert sorted(by_connection(node, "GET").values()) == [10, 10, 10, 10]


def test_round_robin_is_seen_by_a_real_server(server: Server) -> None:
    with Pool(server.url, shared=3, strategy="round_robin", client_name="robin") as pool:
        before = {row["id"]: int(row["tot-cmds"]) for row in server.clients() if row["name"] == "robin"}
        for _ in range(30):
            pool.execute("PING")
        after = {row["id"]: int(row["tot-cmds"]) for row in server.clients() if row["name"] == "robin"}
        assert [after[name] - count for name, count in before.items()] == [10, 10, 10]


def test_random_uses_every_connection() -> None:
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=3, strategy="random") as pool:
            for number in range(120):
                pool.execute("GET", f"k{number}")
            counts = by_connection(node, "GET")
            assert len(counts) == 3
            assert min(counts.values()) >= 15


def test_least_pending_takes_the_connection_that_owes_least(callers: Callers) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=3, strategy="least_pending") as pool:
            for busy in (1, 2):
                callers.start(pool.execute, "SLOW", "x")
                wait_until(lambda n=busy: len(node.calls("SLOW")) == n)
            assert len(by_connection(node, "SLOW")) == 2
            for number in range(10):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert len(by_connection(node, "GET")) == 1
            assert by_connection(node, "GET").keys().isdisjoint(by_connection(node, "SLOW"))
            wait_until(lambda: node.release() == 0)


def test_least_pending_counts_those_who_wait_at_the_door(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=2, strategy="least_pending", max_in_flight=1) as pool:
            for number in range(4):
                callers.start(pool.execute, "GET", f"k{number}")
                wait_until(lambda n=number: sum(t.owes + t.waiting for t in pool._shared._live) == n + 1)
            assert [transport.waiting for transport in pool._shared._live] == [1, 1]
            wait_until(lambda: node.release() == 0 and len(node.calls("GET")) == 4)
            assert callers.results() == [b"k0", b"k1", b"k2", b"k3"]


@pytest.mark.parametrize("strategy", ["round_robin", "random", "least_pending"])
def test_a_stalled_connection_gets_no_new_work_until_it_answers(callers: Callers, strategy: Any) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=2, strategy=strategy, stall_after=0.05) as pool:
            slow = callers.start(pool.execute, "SLOW", "x")
            wait_until(lambda: node.calls("SLOW"))
            (stalled,) = by_connection(node, "SLOW")
            until = now() + 0.06
            wait_until(lambda: now() > until)
            for number in range(20):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert stalled not in by_connection(node, "GET")
            node.release()
            slow.result()

            def is_used() -> bool:
                for number in range(20):
                    callers.start(pool.execute, "GET", f"l{number}")
                callers.results()
                return stalled in by_connection(node, "GET")

            for _ in range(20):
                if is_used():
                    break
            else:
                pytest.fail("the connection that answered again was never used again")


def test_a_connection_whose_late_reply_has_come_is_not_stalled() -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=2, strategy="round_robin", stall_after=0.05) as pool:
            with pytest.raises(ReadTimeout):
                pool.execute("SLOW", "x", timeout=0.1)
            (late,) = by_connection(node, "SLOW")
            wait_until(lambda: node.release())
            until = now() + 0.06
            wait_until(lambda: now() > until)
            for number in range(20):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert by_connection(node, "GET")[late] >= 9


def test_a_connection_that_had_nothing_to_do_is_not_stalled(callers: Callers) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=2, stall_after=0.2) as pool:
            until = now() + 0.21
            wait_until(lambda: now() > until)
            slow = callers.start(pool.execute, "SLOW", "x")
            wait_until(lambda: node.calls("SLOW"))
            assert pool.execute("GET", "k", timeout=1.0) == b"k"  # not behind the slow command
            node.release()
            slow.result()


@pytest.mark.parametrize(("shared", "frozen"), [(2, 1), (4, 2), (4, 3)])
def test_all_work_goes_to_the_connections_that_answer(callers: Callers, shared: int, frozen: int) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=shared, strategy="least_pending", stall_after=0.5) as pool:
            warm = [callers.start(pool.execute, "GET", f"w{number}") for number in range(8 * shared)]
            for caller in warm:  # asyncio: after a busy tick the next command waits for the end of its tick
                caller.result()
            warmed = len(node.calls("GET"))
            for number in range(frozen):  # each on another connection: a reply is pending on those before
                callers.start(pool.execute, "SLOW", f"{number}")
                wait_until(lambda n=number: len(node.calls("SLOW")) == n + 1)
            stalled = set(by_connection(node, "SLOW"))
            assert len(stalled) == frozen
            until = now() + 0.6  # the others have also been idle for longer than a stall
            wait_until(lambda: now() > until)
            asked = [callers.start(pool.execute, "GET", f"k{number}") for number in range(40)]  # asyncio: in one tick
            assert [caller.result() for caller in asked] == [b"k%d" % number for number in range(40)]
            assert not stalled & {seen.connection for seen in node.calls("GET")[warmed:]}
            node.release()
            callers.results()


def test_when_all_are_stalled_work_goes_on_all_the_same(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=2, stall_after=0.02, strategy="round_robin") as pool:
            for number in range(6):
                callers.start(pool.execute, "GET", f"k{number}")
            wait_until(lambda: pool.stats().in_flight == 6)
            until = now() + 0.03
            wait_until(lambda: now() > until)
            last = callers.start(pool.execute, "GET", "last")
            wait_until(lambda: pool.stats().in_flight == 7)
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and last.is_done)
            assert callers.results() == [b"k%d" % number for number in range(6)] + [b"last"]


@pytest.mark.parametrize("how", ["lifetime", "drain"])
def test_connections_are_replaced_under_load_without_an_error(callers: Callers, how: str) -> None:
    options: dict[str, Any] = {"max_lifetime": 0.1} if how == "lifetime" else {}
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=2, max_size=3, retry=None, **options) as pool:
            is_over = Signal()

            def ask(name: int) -> int:
                number = 0
                while not is_over.is_set:
                    number += 1
                    assert pool.execute("GET", f"{name}:{number}") == b"%d:%d" % (name, number)
                return number

            for name in range(6):
                callers.start(ask, name)
            for opened in (3, 4):
                if how == "drain":
                    pool.drain()
                wait_until(lambda least=opened: node.connections >= least)
            is_over.set()
            assert all(callers.results())
            assert pool.stats().lost == 0


# Order ---------------------------------------------------------------------------------------------------------


def test_a_connection_that_is_drained_gets_no_new_work(callers: Callers) -> None:
    with FakeNode({"GET": echo, "SLOW": Hold(OK)}) as node:
        with Pool(node.url, shared=1, max_size=3, strategy="round_robin") as pool:
            slow = callers.start(pool.execute, "SLOW", "x")
            wait_until(lambda: node.calls("SLOW"))
            pool.drain()
            wait_until(lambda: pool.stats().opened == 2 and any(s.is_draining for s in shared_slots(pool)))
            until = now() + 0.02  # long enough to finish draining
            wait_until(lambda: now() > until)
            for number in range(6):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert set(by_connection(node, "GET")) == {2}
            node.release()
            assert slow.result() == b"OK"
            wait_until(lambda: node.open_connections == 1)


@pytest.mark.parametrize("strategy", ["round_robin", "random", "least_pending"])
def test_a_command_sees_the_writes_that_its_caller_did_not_wait_for(
    callers: Callers, server: Server, strategy: Any
) -> None:
    with Pool(server.url, shared=4, strategy=strategy) as pool:

        def write_and_read(name: str) -> None:
            for number in range(30):
                pool.execute_noreply("SET", name, f"{number}")
                assert pool.get(name) == b"%d" % number
                pool.execute_many_noreply([("SET", name, "old"), ("SET", name, f"new {number}")])
                assert pool.execute_many([("GET", name)]) == [b"new %d" % number]

        for number in range(5):
            callers.start(write_and_read, f"k{number}")
        callers.results()


@pytest.mark.parametrize("shared", [1, 3])
def test_a_command_on_a_lease_runs_after_what_its_caller_did_not_wait_for(callers: Callers, shared: int) -> None:
    has_run: list[bool] = []
    came_after: list[bool] = []

    def run(*_: Any) -> None:
        has_run.append(True)

    def note(command: Any, connection: Any) -> bytes:
        came_after.append(bool(has_run))
        return echo(command, connection)

    script: dict[str, Any] = {"SET": b"", "CLIENT REPLY OFF": b"", "GET": note, "BLPOP": note}
    with FakeNode({**script, "CLIENT REPLY ON": (Hold(OK), run)}) as node:
        with Pool(node.url, shared=shared) as pool:

            def tell_and_ask(ask: Any) -> None:
                pool.execute_noreply("SET", "k", "v")
                ask()

            for ask in (
                lambda: pool.execute_many([("GET", "k")] * 1100),
                lambda: pool.execute("BLPOP", "k", 1),
            ):
                caller = callers.start(tell_and_ask, ask)
                wait_until(lambda: pool.stats().in_flight == 2 or came_after)
                wait_until(lambda: node.release() > 0)
                caller.result()
                assert all(came_after)
                has_run.clear()
                came_after.clear()
            node.once("CLIENT REPLY ON", Hold(OK))
            pool.execute_noreply("SET", "k", "v")
            with pytest.raises(PoolTimeout, match=r"sent to .* before has not run in time"):
                pool.execute("BLPOP", "k", 1, timeout=0.05)
            assert came_after == []
            wait_until(lambda: node.release() > 0)


def test_the_next_command_after_one_given_up_goes_the_same_way() -> None:
    with FakeNode({"SET": Hold(OK), "GET": echo}) as node:
        with Pool(node.url, shared=3, strategy="round_robin") as pool:
            for turn in range(6):
                with pytest.raises(ReadTimeout):
                    pool.execute("SET", f"k{turn}", "v", timeout=0.1)
                with pytest.raises(ReadTimeout):
                    pool.execute("GET", f"k{turn}", timeout=0.1)
                wait_until(lambda n=turn + 1: len(node.calls("GET")) == n or node.release() != 0)
                wait_until(lambda n=turn + 1: len(node.calls("GET")) == n)
                assert node.calls("GET")[-1].connection == node.calls("SET")[-1].connection
                wait_until(lambda: node.release() == 0)


def test_the_next_command_after_a_pipeline_given_up_goes_the_same_way() -> None:
    with FakeNode({"SET": Hold(OK), "GET": echo}) as node:
        with Pool(node.url, shared=3, strategy="round_robin") as pool:
            for turn in range(6):
                with pytest.raises(ReadTimeout):
                    pool.execute_many([("SET", f"k{turn}", "v")], timeout=0.1)
                with pytest.raises(ReadTimeout):
                    pool.execute_many([("GET", f"k{turn}")], timeout=0.1)
                wait_until(lambda n=turn + 1: len(node.calls("GET")) == n)
                assert node.calls("GET")[-1].connection == node.calls("SET")[-1].connection
                wait_until(lambda: node.release() == 0)


def test_a_caller_stays_on_a_connection_being_replaced_while_what_it_sent_is_outstanding(
    callers: Callers,
) -> None:
    with FakeNode({"SET": Hold(OK), "GET": echo}) as node:
        with Pool(node.url, shared=1) as pool:
            (old,) = pool._shared._live
            with pytest.raises(ReadTimeout):
                pool.execute("SET", "k", "v", timeout=0.1)
            pool.drain()
            wait_until(lambda: pool._shared._live and old not in pool._shared._live)
            with pytest.raises(ReadTimeout):
                pool.execute_many([("GET", "k")], timeout=0.1)
            with pytest.raises(ReadTimeout):
                pool.execute("GET", "k", timeout=0.1)
            callers.start(pool.execute, "GET", "of another").result()
            first, last = node.calls("SET")[0].connection, node.calls("GET")[-1].connection
            assert first != last
            assert by_connection(node, "GET")[last] == 1  # the commands given up were not sent on another connection
            wait_until(lambda: node.release() == 0)
            assert pool.get("k") == b"k"
            wait_until(lambda: pool.stats().closed == 1)


def test_a_caller_is_free_again_when_its_replies_have_come(server: Server) -> None:
    with Pool(server.url, shared=3, strategy="round_robin", client_name="free") as pool:
        pool.execute_noreply("SET", "k", "v")
        pool.get("k")  # its reply comes last, so no other reply is pending
        before = {row["id"]: int(row["tot-cmds"]) for row in server.clients() if row["name"] == "free"}
        for _ in range(30):
            pool.execute("PING")
        after = {row["id"]: int(row["tot-cmds"]) for row in server.clients() if row["name"] == "free"}
        assert [after[name] - count for name, count in before.items()] == [10, 10, 10]


def test_a_tie_to_a_lost_connection_is_forgotten() -> None:
    with FakeNode({"SET": Silence(), "GET": echo}) as node:
        with Pool(node.url, shared=2, strategy="round_robin") as pool:
            with pytest.raises(ReadTimeout):
                pool.execute("SET", "k", "v", timeout=0.1)
            (seen,) = node.calls("SET")
            node.drop(seen.connection)
            for number in range(10):
                assert pool.execute("GET", f"k{number}") == b"k%d" % number
            assert words(node, "GET")[-1] == b"k9"


def test_who_gets_no_shared_connection_in_time_is_told_the_state_of_the_pool() -> None:
    with FakeNode.silent() as node:
        pool = Pool(node.url, shared=1, max_size=4)
        pool.open(wait=False)
        for ask in (lambda: pool.execute("GET", "k", timeout=0.1), lambda: pool.wait_ready(timeout=0.02)):
            with pytest.raises(PoolTimeout, match="dialing 1, waiting 0, max_size 4") as caught:
                ask()
            assert (caught.value.dialing, caught.value.waiting, caught.value.max_size) == (1, 0, 4)
        pool.close()


def test_what_its_caller_did_not_wait_for_is_not_overtaken_when_it_does_not_run_in_time() -> None:
    script = {"CLIENT REPLY OFF": b"", "SET": b"", "CLIENT REPLY ON": Hold(OK), "BLPOP": b"_\r\n"}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            pool.execute_noreply("SET", "k", "v")
            with pytest.raises(PoolTimeout):
                pool.execute("BLPOP", "k", 1, timeout=0.1)
            assert node.calls("BLPOP") == []
            node.release()
            assert pool.execute("BLPOP", "k", 1) is None
