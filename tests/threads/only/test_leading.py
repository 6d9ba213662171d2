"""Threads share a connection (leader and followers): leadership is never lost, no reply goes to another call."""

from __future__ import annotations

import random
import socket
import struct
import sys
import threading
import time
from typing import Any

import pytest

from interrupting import Interrupted
from answers import OK, echo, held_echo, words
from respool import Connection, Pool
from respool._sync.shell.calls import WAITING, Answered, Call
from respool.errors import ConnectionLost, PoolClosed, ReadTimeout
from respool.testing import FakeNode, FaultProxy, Server, Silence
from threads.harness import Callers, now, socket_of, wait_until
from threads.signals import interrupt_when, interruptible, send_signal

HEAVY = b"x" * 10_000


def transport_of(pool: Pool[Any]) -> Any:
    transport = pool._shared.only
    assert transport is not None
    return transport


def stand_in_line(pool: Pool[Any], count: int) -> None:
    """Wait until ``count`` commands are in flight or wait in the admission queue."""
    transport = transport_of(pool)
    wait_until(lambda: transport.owes + transport.waiting == count)


# Handing over -------------------------------------------------------------------------------------------------


def segments_sent(pool: Pool[Any]) -> int:
    """Return how many TCP segments with data the connection has sent: on loopback, one per small write (Linux)."""
    info = transport_of(pool)._sock._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    (count,) = struct.unpack_from("@I", info, 156)  # tcpi_data_segs_out of struct tcp_info
    return int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO counts segments on Linux only")
def test_what_queued_up_behind_a_leader_leaves_in_one_write(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            callers.start(pool.execute, "GET", "first")
            wait_until(lambda: node.calls("GET"))
            callers.start(pool.execute, "GET", "second")  # it may still be sent before the leader reads
            stand_in_line(pool, 2)
            before = segments_sent(pool)
            for number in range(30):
                callers.start(pool.execute, "GET", f"k{number}")
            stand_in_line(pool, 32)
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and len(node.calls("GET")) == 32)
            assert len(callers.results()) == 32
            assert segments_sent(pool) - before <= 2


def test_every_follower_leads_in_its_turn_and_nobody_in_the_end(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            for number in range(5):
                callers.start(pool.execute, "GET", f"k{number}")
                stand_in_line(pool, number + 1)
            for _ in range(5):
                wait_until(lambda: node.release(1))
            assert callers.results() == [b"k0", b"k1", b"k2", b"k3", b"k4"]
            assert words(node, "GET") == [b"k0", b"k1", b"k2", b"k3", b"k4"]
            assert not transport_of(pool).is_busy


def test_a_leader_whose_time_is_over_hands_over_and_its_reply_is_dropped(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            leader = callers.start(pool.execute, "GET", "a", timeout=0.1)
            stand_in_line(pool, 1)
            followers = [callers.start(pool.execute, "GET", key) for key in "bc"]
            stand_in_line(pool, 3)
            with pytest.raises(ReadTimeout):
                leader.result()
            wait_until(lambda: words(node, "GET") == [b"a", b"b", b"c"])
            for _ in range(3):
                wait_until(lambda: node.release(1))
            assert [follower.result() for follower in followers] == [b"b", b"c"]
            assert pool.stats().dropped == 1
            assert pool.stats().in_flight == 0
            assert node.connections == 1


def test_a_follower_whose_time_is_over_is_taken_back_and_the_rest_goes_on(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            leader = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("GET"))
            hasty = callers.start(pool.execute, "GET", "b", timeout=0.05)
            stand_in_line(pool, 2)
            last = callers.start(pool.execute, "GET", "c")
            stand_in_line(pool, 3)
            with pytest.raises(ReadTimeout):
                hasty.result()
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and last.is_done)
            assert leader.result() == b"a"
            assert last.result() == b"c"
            was_sent = b"b" in words(node, "GET")  # if it came before the leader began to read
            assert (pool.stats().taken_back, pool.stats().dropped) == (not was_sent, was_sent)


def test_all_times_are_over_and_the_late_replies_are_dropped_by_whoever_comes_next(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            hasty = [callers.start(pool.execute, "GET", f"k{number}", timeout=0.1) for number in range(4)]
            for caller in hasty:
                with pytest.raises(ReadTimeout):
                    caller.result()
            assert not transport_of(pool).is_busy
            late = callers.start(pool.execute, "GET", "late")
            wait_until(lambda: b"late" in words(node, "GET"))
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and late.is_done)
            assert late.result() == b"late"
            stats = pool.stats()
            assert stats.dropped + stats.taken_back == 4
            assert stats.in_flight == 0


def test_whoever_waits_at_the_door_is_let_in_when_all_before_it_is_taken_back(callers: Callers) -> None:
    with FakeNode({"GET": held_echo, "SET": OK}) as node:
        with Pool(node.url, shared=1, max_in_flight_bytes=15_000) as pool:
            leader = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("GET"))
            hasty = callers.start(pool.execute, "SET", "b", HEAVY, timeout=0.05)
            stand_in_line(pool, 2)
            last = callers.start(pool.execute, "SET", "c", HEAVY)
            stand_in_line(pool, 3)
            assert type(hasty.outcome()) is ReadTimeout
            wait_until(lambda: node.release(1))
            assert leader.result() == b"a"
            assert last.result() == b"OK"
            assert words(node, "SET") in ([b"c"], [b"b", b"c"])  # the latter if it came before the leader began to read
            assert node.connections == 1


def test_a_run_without_reply_leaves_although_its_caller_does_not_lead_and_nobody_comes_after_it(
    callers: Callers,
) -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": b""}
    with FakeNode(script) as node:
        with Pool(node.url, shared=1) as pool:
            leader = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("GET"))
            pool.execute_noreply("SET", "k", "v")
            wait_until(lambda: node.release(1))
            assert leader.result() == b"a"
            wait_until(lambda: words(node, "SET") == [b"k"])


def test_abort_from_another_thread_wakes_everybody(callers: Callers) -> None:
    with FakeNode.silent(handshake=True) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            sleepers = [callers.start(pool.execute, "GET", f"k{number}") for number in range(8)]
            stand_in_line(pool, 8)
            wait_until(lambda: node.calls("GET"))
            started = now()
            transport_of(pool).abort()
            for sleeper in sleepers:
                assert type(sleeper.outcome()) is ConnectionLost
            assert now() - started < 3.0


def test_abort_over_tls_wakes_everybody(callers: Callers) -> None:
    with FakeNode.silent(handshake=True) as node, FaultProxy(node, tls=True) as proxy:
        for _ in range(10):
            with Pool(proxy.url, tls=proxy.ssl_context(), shared=1, retry=None, connect_timeout=5.0) as pool:
                sleepers = [callers.start(pool.execute, "GET", f"k{number}") for number in range(4)]
                stand_in_line(pool, 4)
                transport_of(pool).abort()
                for sleeper in sleepers:
                    assert type(sleeper.outcome()) is ConnectionLost


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_abort_at_any_moment_ends_every_call_with_a_value_or_a_transport_error(
    callers: Callers, server: Server, tls: bool
) -> None:
    chance = random.Random(7)
    with FaultProxy(server, tls=tls) as proxy:
        options: dict[str, Any] = {"tls": proxy.ssl_context()} if tls else {}
        with Pool(proxy.url, shared=1, retry=None, connect_timeout=5.0, **options) as pool:
            is_over = threading.Event()

            def ask(name: int) -> set[type]:
                ends = set()
                number = 0
                while not is_over.is_set():
                    number += 1
                    word = f"{name}:{number}"
                    try:
                        assert pool.execute("ECHO", word) == word.encode()
                    except ConnectionLost as error:
                        ends.add(type(error))
                return ends

            for name in range(4):
                callers.start(ask, name)
            for _ in range(10):
                transport = wait_until(lambda: pool._shared.only)
                seen = transport.completed
                wait_until(lambda t=transport, s=seen: t.completed > s + chance.randrange(20))
                transport._end(ConnectionLost("cut by the test"))
            is_over.set()
            for ends in callers.results():
                assert ends <= {ConnectionLost}


def test_a_tls_record_that_comes_byte_by_byte_is_read_and_the_time_is_kept(callers: Callers) -> None:
    with FakeNode({"GET": echo, "STALL": (b"$20000\r\n", Silence())}) as node, FaultProxy(node, tls=True) as tls:
        with FaultProxy(("127.0.0.1", tls.port)) as proxy:
            options: dict[str, Any] = {"tls": tls.ssl_context(), "connect_timeout": 5.0}
            with Pool(proxy.tls_url, shared=1, retry=None, **options) as pool:
                value = b"x" * 4000  # one record, in more pieces than Python has stack frames
                proxy.down.slice_size = 1
                assert pool.execute("GET", value) == value
                proxy.down.slice_gap = 0.001
                started = now()
                with pytest.raises(ReadTimeout):
                    pool.execute("GET", value, timeout=0.1)
                assert 0.09 <= now() - started < 3.0
                proxy.heal()
                assert pool.execute("GET", "after") == b"after"


def test_closing_waits_for_the_leader_and_not_for_ever(callers: Callers) -> None:
    script = {"GET": held_echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK, "SET": b""}
    with FakeNode(script) as node:
        pool = Pool(node.url, shared=1)
        pool.open()
        leader = callers.start(pool.execute, "GET", "a")
        wait_until(lambda: node.calls("GET"))
        pool.execute_noreply("SET", "k", "v")
        started = now()
        transport = transport_of(pool)
        closing = callers.start(pool.close)
        wait_until(lambda: transport._is_watched)
        node.on("GET", echo)
        node.release(1)
        assert leader.result() == b"a"
        closing.result()
        assert now() - started < 3.0
        assert words(node, "SET") == [b"k"]


@pytest.mark.parametrize("how", ["drained", "closed"])
def test_who_chose_a_connection_just_before_it_was_retired_has_sent_nothing_and_gets_the_next(how: str) -> None:
    with FakeNode({"GET": echo, "SET": OK}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            chosen = transport_of(pool)
            if how == "drained":
                pool.drain()
                wait_until(lambda: not chosen.is_open and pool._shared.only not in (None, chosen))
            else:
                pool.close()
            # As a thread would hold it that is paused between choosing a connection and sending on it.
            for act, reply in (("GET", "a"), b"a"), (("SET", "k", "v"), b"OK"):
                pool._shared.only, pool._shared._live = chosen, [chosen]
                if how == "drained":
                    assert pool.execute(*act) == reply
                else:
                    with pytest.raises(PoolClosed):
                        pool.execute(*act)
            assert len(node.calls("SET")) == (how == "drained")
            assert pool.stats().lost == 0


def test_a_connection_that_is_retired_ends_in_the_step_that_finds_it_idle(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node:
        with Pool(node.url, shared=1) as pool:
            transport = transport_of(pool)
            caller = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("GET"))
            retiring = callers.start(transport.wait_idle, then_close=True)
            wait_until(lambda: transport._is_watched)
            assert transport.is_open
            node.on("GET", echo)
            node.release(1)
            retiring.result()
            assert caller.result() == b"a"
            late = transport.submit(("GET", "b"))
            assert isinstance(late, ConnectionLost)
            assert late.executed == "no"
            assert len(node.calls("GET")) == 1


# Time ---------------------------------------------------------------------------------------------------------


def test_a_caller_with_a_timeout_comes_back_in_time_while_the_socket_takes_nothing(callers: Callers) -> None:
    with FakeNode({"SET": OK, "GET": echo}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            proxy.up.stop_reading = True
            started = now()
            leader = callers.start(pool.execute, "SET", "big", b"x" * 8_000_000, timeout=0.3)
            stand_in_line(pool, 1)
            follower = callers.start(pool.execute, "GET", "b", timeout=3.0)
            stand_in_line(pool, 2)
            patient = callers.start(pool.execute, "GET", "c")
            assert type(leader.outcome()) is ReadTimeout
            assert 0.29 <= now() - started < 2.5
            assert type(follower.outcome()) is ReadTimeout
            assert 2.99 <= now() - started < 4.9
            proxy.up.stop_reading = False
            assert patient.result() == b"c"
            assert pool.execute("GET", "d") == b"d"
            assert [len(seen.command[2]) for seen in node.calls("SET")] == [8_000_000]
            assert node.connections == 1


def test_a_storm_of_threads_with_timeouts_delivers_every_value_to_its_key(callers: Callers, server: Server) -> None:
    with FaultProxy(server) as proxy:
        with Pool(proxy.url, shared=1) as pool:
            proxy.down.latency = 0.002

            def ask(name: int) -> tuple[int, int]:
                chance = random.Random(name)
                right = late = 0
                for number in range(60):
                    word = f"{name}:{number}"
                    try:
                        reply = pool.execute("ECHO", word, timeout=chance.choice((None, 0.001, 0.003, 0.005, 0.02)))
                    except ReadTimeout:
                        late += 1
                    else:
                        assert reply == word.encode()
                        right += 1
                return right, late

            for name in range(16):
                callers.start(ask, name)
            counts = callers.results()
            proxy.heal()
            assert pool.execute("ECHO", "after") == b"after"
            right, late = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
            assert right + late == 16 * 60
            assert right > 0
            assert late > 0
            stats = pool.stats()
            assert stats.in_flight == 0
            assert stats.dropped + stats.taken_back == late
            assert stats.retries == 0
            assert proxy.connections == 1


# Interrupts ---------------------------------------------------------------------------------------------------


def test_a_leader_interrupted_while_it_reads_ends_the_connection_and_the_others_go_elsewhere(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, interruptible():
        with Pool(node.url, shared=1) as pool:
            interrupt_when(callers, lambda: pool.stats().in_flight == 3 and node.calls("GET"))
            started: list[Any] = []

            def follow() -> None:
                stand_in_line(pool, 1)
                started.extend(callers.start(pool.execute, "GET", key) for key in "bc")

            starter = callers.start(follow)
            with pytest.raises(Interrupted):
                pool.execute("GET", "a")
            starter.result()
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and all(caller.is_done for caller in started))
            assert [caller.result() for caller in started] == [b"b", b"c"]
            assert pool.execute("GET", "d") == b"d"
            assert node.connections == 2


def test_a_follower_interrupted_gives_up_its_reply_and_nothing_else(callers: Callers) -> None:
    with FakeNode({"GET": held_echo}) as node, interruptible():
        with Pool(node.url, shared=1) as pool:
            leader = callers.start(pool.execute, "GET", "a")
            wait_until(lambda: node.calls("GET"))
            interrupt_when(callers, lambda: pool.stats().in_flight == 2)
            with pytest.raises(Interrupted):
                pool.execute("GET", "b")
            last = callers.start(pool.execute, "GET", "c")
            stand_in_line(pool, 3)
            node.on("GET", echo)
            wait_until(lambda: node.release() == 0 and last.is_done)
            assert leader.result() == b"a"
            assert last.result() == b"c"
            assert pool.stats().taken_back + pool.stats().dropped == 1
            assert node.connections == 1


@pytest.mark.parametrize("how", ["execute", "execute_noreply"])
def test_a_leader_interrupted_while_it_writes_ends_the_connection(callers: Callers, how: str) -> None:
    with FakeNode({"SET": OK, "GET": echo, "CLIENT REPLY OFF": b"", "CLIENT REPLY ON": OK}) as node, FaultProxy(
        node, socket_buffer_bytes=4096, buffer_bytes=4096
    ) as proxy, interruptible():
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            proxy.up.stop_reading = True
            interrupt_when(callers, lambda: pool.stats().in_flight == 1 and transport_of(pool).wire.unwritten == 0)
            with pytest.raises(Interrupted):
                getattr(pool, how)("SET", "big", b"x" * 8_000_000)
            proxy.up.stop_reading = False
            assert pool.execute("GET", "a") == b"a"
            assert pool.execute("GET", "b") == b"b"
            assert node.calls("SET") == []
            assert proxy.connections == 2


def test_a_storm_of_interrupts_loses_no_leadership_and_shifts_no_reply(callers: Callers, server: Server) -> None:
    chance = random.Random(3)
    with Pool(server.url, shared=1, retry=None, acquire_timeout=5.0) as pool:
        is_over = threading.Event()

        def ask(name: int) -> int:
            number = 0
            while not is_over.is_set():
                number += 1
                word = f"{name}:{number}"
                try:
                    assert pool.execute("ECHO", word) == word.encode()
                except ConnectionLost:
                    pass
            return number

        def interrupt() -> None:
            for _ in range(60):
                is_ready.wait(5.0)
                is_ready.clear()
                time.sleep(chance.random() * 0.002)  # a random moment, not a wait for anything
                send_signal()

        is_ready = threading.Event()
        for name in range(3):
            callers.start(ask, name)
        with interruptible():
            storm = callers.start(interrupt)
            for turn in range(60):
                try:
                    is_ready.set()
                    number = 0
                    while True:
                        number += 1
                        word = f"main {turn}:{number}"
                        try:
                            assert pool.execute("ECHO", word) == word.encode()
                        except ConnectionLost:
                            pass
                except Interrupted:
                    pass
            storm.result()
        assert pool.execute("ECHO", "after", timeout=2.0) == b"after"
        is_over.set()
        assert all(callers.results()[:3])
        assert pool.stats().in_flight == 0


def test_a_silent_server_is_noticed_by_the_leader_and_everybody_is_told(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        with Pool(node.url, shared=1, read_timeout=0.1, retry=None) as pool:
            sleepers = [callers.start(pool.execute, "GET", f"k{number}") for number in range(6)]
            for sleeper in sleepers:
                assert isinstance(sleeper.outcome(), ReadTimeout | ConnectionLost)
            assert not transport_of(pool).is_busy if pool._shared.only else True


def test_followers_that_gave_up_are_forgotten_although_the_leader_goes_on_waiting(callers: Callers) -> None:
    with FakeNode({"GET": Silence()}) as node:
        with Pool(node.url, shared=1, read_timeout=None, max_in_flight=4, retry=None) as pool:
            leader = callers.start(pool.execute, "GET", "a", timeout=3.0)
            wait_until(lambda: node.calls("GET"))
            for _ in range(500):
                with pytest.raises(ReadTimeout):
                    pool.execute("GET", "b", timeout=0.0)
            transport = transport_of(pool)
            kept = len(transport._followers) + transport.waiting + transport.owes
            transport.abort()
            assert type(leader.outcome()) is ConnectionLost
            assert kept < 50
# Moments that no clock can hit --------------------------------------------------------------------------------


def test_a_descriptor_is_not_closed_while_a_thread_reads_from_it() -> None:
    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        leader = Call()
        transport._leader = leader  # as if a thread were in a read
        transport.abort()
        assert socket_of(transport).fileno() >= 0  # not closed: another socket could get its descriptor
        transport._resign()
        assert socket_of(transport).fileno() == -1


def test_a_connection_that_was_closed_before_a_fork_is_no_trouble_to_the_child() -> None:
    with FakeNode.silent(handshake=True) as node:
        with Connection(node.url) as conn:
            transport: Any = conn._transport
        transport.forget()  # as after a fork, where what closed it may still exist


def test_whoever_closes_waits_until_the_leader_has_let_go_of_the_socket(callers: Callers) -> None:
    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        transport._leader = Call()
        transport.abort()

        def close() -> int:
            transport.wait_closed()
            return int(socket_of(transport).fileno())

        closing = callers.start(close)
        wait_until(lambda: transport._is_watched)
        transport._resign()
        assert closing.result() == -1


def test_a_reply_that_comes_at_the_very_end_of_the_time_is_taken() -> None:
    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        call = Call()
        call.set_result(b"in time")
        assert transport._give_up(call) == b"in time"
        assert transport.wire.withdrawn == 0


def test_replies_that_come_when_a_thread_has_just_stopped_waiting_wake_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._sync.shell.calls.PATIENCE", 3600.0)
    late, other = Call(), Call()

    class Moment(Answered):
        """When the late thread looks whom to wake, there is nobody yet; then the leader completes both calls."""

        def __len__(self) -> int:
            count = super().__len__()
            if late.value is WAITING:
                for call in (late, other):
                    call.set_result(b"")
                self.since = now()
                self.wake_next()
            return count

    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        transport._answered = Moment()
        for call in (late, other):
            call.sleep_until_answered(transport._answered)
        assert transport._follow(late, now()) == b""
        assert other.gate is None  # it has been woken


def test_a_thread_that_is_woken_before_it_falls_asleep_wakes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._sync.shell.calls.PATIENCE", 3600.0)
    early, other = Call(), Call()
    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        answered = transport._answered
        for call in (early, other):
            call.sleep_until_answered(answered)
        for call in (early, other):
            call.set_result(b"")
        answered.since = now()
        answered.wake_next()
        assert transport._follow(early, None) == b""
        assert other.gate is None


@pytest.mark.parametrize("is_woken", [True, False])
def test_a_thread_that_is_interrupted_wakes_the_next(is_woken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respool._sync.shell.calls.PATIENCE", 3600.0)
    stopped, other = Call(), Call()
    with FakeNode.silent(handshake=True) as node, Connection(node.url) as conn:
        transport: Any = conn._transport
        answered = transport._answered
        for call in (stopped, other):
            call.sleep_until_answered(answered)
        stopped.set_result(b"")
        answered.since = now()
        if is_woken:
            other.set_result(b"")
            answered.wake_next()
        transport._interrupted(stopped, KeyboardInterrupt())
        if not is_woken:
            answered.append(stopped)  # the leader was just about to
            other.set_result(b"")
            answered.wake_next()
        assert other.gate is None


def test_a_lease_that_comes_at_the_very_end_of_the_time_is_taken(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        lease = pool.acquire()
        slot: Any = lease._slot
        waiting = callers.start(pool.acquire, timeout=0.05)
        wait_until(lambda: pool.waiting == 1)
        with pool._serving.node.lock:  # type: ignore[union-attr]  # its timeout passes, but it cannot give up while the lock is held
            until = now() + 0.1
            wait_until(lambda: now() > until)
            pool._serving.node.ledger.release(slot, now(), reusable=True)  # type: ignore[union-attr]
        late = waiting.result()
        assert late.execute("PING") == b"PONG"
        assert (pool.leased, pool.waiting) == (1, 0)
        pool.release(late)
        assert (pool.leased, pool.idle) == (0, 1)
        assert pool.stats().timeouts == 0


def test_what_queued_up_behind_a_run_without_reply_is_led(callers: Callers, server: Server) -> None:
    with FaultProxy(server, socket_buffer_bytes=4096, buffer_bytes=4096) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            transport = transport_of(pool)
            proxy.up.stop_reading = True
            telling = callers.start(pool.execute_noreply, "SET", "k", b"x" * 4_000_000)
            wait_until(lambda: transport._rest)
            follower = callers.start(pool.execute, "ECHO", "hello")
            wait_until(lambda: transport.owes == 2)
            proxy.up.stop_reading = False
            assert follower.result() == b"hello"
            assert telling.result() is None


def test_a_command_given_up_while_the_socket_is_full_never_leaves(callers: Callers, server: Server) -> None:
    with FaultProxy(server, socket_buffer_bytes=4096, buffer_bytes=4096) as proxy:
        with Pool(proxy.url, shared=1, connect_timeout=5.0) as pool:
            transport = transport_of(pool)
            proxy.up.stop_reading = True
            blocked = callers.start(pool.execute, "SET", "big", b"x" * 8_000_000)
            wait_until(lambda: transport._rest)
            hasty = [callers.start(pool.execute, "INCR", "given up", timeout=0.02) for _ in range(5)]
            hasty.append(callers.start(pool.execute_many, [("INCR", "given up")] * 2, timeout=0.02))
            for caller in hasty:
                assert type(caller.outcome()) is ReadTimeout
            kept = callers.start(pool.incr, "kept")
            wait_until(lambda: transport.owes == 9)
            proxy.up.stop_reading = False
            assert blocked.result() == b"OK"
            assert kept.result() == 1
            assert pool.get("given up") is None
            assert (pool.stats().taken_back, pool.stats().dropped) == (7, 0)
