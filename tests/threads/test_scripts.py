# Generated from tests/asyncio_/test_scripts.py by tools/generate.py. Do not edit.
"""Scripts of a pool for one node: sent by their hash, loaded where that is not known, and run once."""

from __future__ import annotations

import asyncio
from hashlib import sha1
from typing import Any

import pytest

from answers import OK
from threads.harness import Callers, now, wait_until
from respool import Connection, Pool
from respool.errors import (
    ConnectionLost,
    NoPermission,
    NoScript,
    OutcomeUnknown,
    ReadTimeout,
    ServerError,
    UsageTypeError,
    UsageValueError,
)
from respool.testing import Close, Delay, FakeNode, Hold, Server, Silence

COUNT = "return redis.call('INCR', KEYS[1])"
SHOW = "return ARGV[1]"
LOOK = "return redis.call('GET', KEYS[1])"
LANES = pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
NO_SCRIPT = b"-NOSCRIPT No matching script.\r\n"


@pytest.fixture(autouse=True)
def no_scripts(server: Server) -> None:
    server.command("SCRIPT", "FLUSH")


def sent(node: FakeNode) -> list[tuple[bytes, ...]]:
    """Return what a node was sent about scripts, without the texts and the hashes."""
    return [seen.command[:1] for seen in node.commands if seen.command[0].startswith((b"EVAL", b"SCRIPT", b"ASKING"))]


def calls(server: Server, *names: str) -> list[int]:
    """Return how often a server has run each command since ``CONFIG RESETSTAT``."""
    stats = server.info("commandstats")
    return [int(stats.get(f"cmdstat_{name}", "calls=0").partition("calls=")[2].split(",")[0]) for name in names]


# Calls ------------------------------------------------------------------------------------------------------


@LANES
def test_a_script_is_loaded_once_and_then_called_by_its_hash(server: Server, shared: int) -> None:
    server.command("CONFIG", "RESETSTAT")
    with Pool(server.url, shared=shared) as pool:
        count = pool.script(COUNT)
        assert [count(keys=["k"]) for _ in range(5)] == [1, 2, 3, 4, 5]
        assert count.sha == sha1(COUNT.encode(), usedforsecurity=False).hexdigest()
        assert pool.script_exists(count.sha) == [True]
        assert calls(server, "evalsha", "script|load", "eval") == [6, 1, 0]
        assert pool.stats().retries == 0


@LANES
def test_a_server_that_forgot_a_script_gets_it_again_and_runs_it_once(server: Server, shared: int) -> None:
    with Pool(server.url, shared=shared) as pool:
        count = pool.script(COUNT)
        for number in range(1, 6):
            assert count(keys=["k"], timeout=None if number % 2 else 5.0) == number
            pool.script_flush()


def test_a_server_that_was_restarted_gets_the_script_again() -> None:
    with Server() as mortal:
        with Pool(mortal.url) as pool:
            count = pool.script(COUNT)
            assert count(keys=["k"]) == 1
            mortal.restart()
            assert count(keys=["k"]) == 1


def test_callers_who_find_a_script_missing_at_once_all_run_it_once(callers: Callers, server: Server) -> None:
    with Pool(server.url, shared=2) as pool:
        count = pool.script(COUNT)
        for _ in range(30):
            callers.start(count, keys=["k"])
        assert sorted(callers.results()) == list(range(1, 31))


def test_the_cure_is_one_write_on_one_connection() -> None:
    with FakeNode({"EVALSHA": b":7\r\n", "SCRIPT": OK}) as node:
        node.once("EVALSHA", NO_SCRIPT)
        with Pool(node.url, shared=1) as pool:
            assert pool.script(SHOW)(args=["x"]) == 7
            assert sent(node) == [(b"EVALSHA",), (b"SCRIPT",), (b"EVALSHA",)]
            assert node.calls("SCRIPT")[0].command == (b"SCRIPT", b"LOAD", SHOW.encode())


def test_a_script_that_stays_unknown_raises_noscript_after_one_cure() -> None:
    with FakeNode({"EVALSHA": NO_SCRIPT, "SCRIPT": OK}) as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(NoScript):
                pool.script(SHOW)()
            assert sent(node) == [(b"EVALSHA",), (b"SCRIPT",), (b"EVALSHA",)]


def test_a_script_that_says_noscript_itself_is_not_run_again(server: Server) -> None:
    text = "redis.call('INCR', KEYS[1]) return redis.error_reply('NOSCRIPT of mine')"
    with Pool(server.url) as pool:
        liar = pool.script(text)
        for number in (1, 2):
            with pytest.raises(NoScript, match="of mine"):
                liar(keys=["k"])
            assert server.command("GET", "k") == b"%d" % number


def test_a_text_that_lua_cannot_compile_raises_what_the_server_says(server: Server) -> None:
    with Pool(server.url) as pool:
        with pytest.raises(ServerError, match="Error compiling script") as caught:
            pool.script("retur 1")()
        assert (type(caught.value), caught.value.__context__) == (ServerError, None)


def test_who_may_not_load_scripts_is_told_so_and_may_call_those_that_are_there(server: Server) -> None:
    server.command("ACL", "SETUSER", "eve", "on", ">pw", "~*", "&*", "+@all", "-script|load")
    with Pool(server.url, username="eve", password="pw") as pool:
        count = pool.script(COUNT)
        with pytest.raises(NoPermission, match="load"):
            count(keys=["k"])
        server.command("SCRIPT", "LOAD", COUNT)
        assert count(keys=["k"]) == 1
        with pool.pipeline() as pipe:
            counted = pipe.script(count, keys=["k"])
        assert counted.result() == 2
    server.command("ACL", "DELUSER", "eve")


@pytest.mark.parametrize("is_view", [False, True], ids=["call", "view"])
def test_one_deadline_bounds_the_call_and_its_cure(is_view: bool) -> None:
    with FakeNode({"SCRIPT": Silence(), "EVALSHA": Delay(0.6, NO_SCRIPT)}) as node:
        with Pool(node.url, shared=1) as pool:
            script = pool.using(timeout=0.9).script(SHOW) if is_view else pool.script(SHOW)
            began = now()
            with pytest.raises(ReadTimeout):
                script(timeout=None if is_view else 0.9)
            assert 0.8 < now() - began < 1.4  # the time of two calls would be 1.5
            assert len(node.calls("SCRIPT")) == 1
            pool.close(timeout=0)  # which would wait for the reply that never comes


def test_a_write_whose_connection_is_lost_has_an_unknown_outcome(server: Server) -> None:
    with FakeNode({"EVALSHA": Close()}) as node:
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(OutcomeUnknown):
                pool.script(COUNT)(keys=["k"])
            assert len(node.calls("EVALSHA")) == 1


def test_a_write_whose_connection_is_lost_while_it_is_loaded_has_an_unknown_outcome() -> None:
    with FakeNode({"SCRIPT": OK, "EVALSHA": Close()}) as node:
        node.once("EVALSHA", NO_SCRIPT)
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(OutcomeUnknown):
                pool.script(COUNT)(keys=["k"])
            assert len(node.calls("EVALSHA")) == 2


@pytest.mark.parametrize("kind", ["readonly", "idempotent"])
def test_what_may_run_twice_is_sent_again_when_its_connection_is_killed(kind: str) -> None:
    with FakeNode({"EVALSHA_RO": b":1\r\n", "EVALSHA": b":1\r\n", "SCRIPT": OK}) as node:
        name = "EVALSHA_RO" if kind == "readonly" else "EVALSHA"
        node.once(name, NO_SCRIPT)
        node.once(name, Close())
        with Pool(node.url, shared=1) as pool:
            through: Any = pool if kind == "readonly" else pool.using(idempotent=True)
            assert through.script(LOOK, readonly=kind == "readonly")(keys=["k"]) == 1
            assert len(node.calls(name)) == 3
            assert len(node.calls("SCRIPT")) == 2
            assert pool.stats().retries == 1


def test_a_script_survives_that_its_connections_are_killed(server: Server) -> None:
    with Pool(server.url, shared=1) as pool:
        look = pool.script(LOOK, readonly=True)
        for _ in range(5):
            assert look(keys=["k"]) is None
            server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            server.command("SCRIPT", "FLUSH")


def test_the_server_refuses_writes_of_a_script_that_is_readonly(server: Server) -> None:
    with Pool(server.url) as pool:
        with pytest.raises(ServerError, match="read-only"):
            pool.script(COUNT, readonly=True)(keys=["k"])


def test_a_call_that_is_cancelled_while_it_is_loaded_costs_no_connection(callers: Callers) -> None:
    with FakeNode({"EVALSHA": b":7\r\n", "SCRIPT": Hold(OK)}) as node:
        node.once("EVALSHA", NO_SCRIPT)
        with Pool(node.url, shared=1) as pool:
            with pytest.raises(ReadTimeout):
                pool.script(SHOW)(timeout=0.1)
            node.release()
            assert pool.script(SHOW)() == 7
            assert node.connections == 1


# What it is made of -----------------------------------------------------------------------------------------


def test_parse_gets_what_the_script_returns(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool:
        half = pool.script("return tostring(ARGV[1] / 2)", parse=float)
        assert half(args=[7]) == 3.5
        assert pool.script("return false", parse=str)() == "None"
        with pool.pipeline() as pipe:
            first, second = pipe.script(half, args=[3]), pipe.using(encoding=None).script(half, args=[5])
        assert (first.result(), second.result()) == (1.5, 2.5)


def test_replies_are_in_the_encoding_of_the_pool_or_of_the_view(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool:
        raw = pool.using(encoding=None)
        for _ in range(2):
            assert pool.script(SHOW)(args=["é"]) == "é"
            server.command("SCRIPT", "FLUSH")
            assert raw.script(SHOW)(args=["é"]) == "é".encode()


def test_a_text_that_is_not_ascii_has_the_hash_of_the_server_on_every_pool(server: Server) -> None:
    for encoding in ("latin-1", "utf-8", None):
        with Pool(server.url, encoding=encoding) as pool:
            for text in ("return #'é'", "return #'é'".encode(), b"return #'\xe9'"):
                script = pool.script(text)
                assert script() == (1 if text == b"return #'\xe9'" else 2)
                assert pool.script_exists(script.sha) == [True]
                assert script.source == text


def test_what_is_no_script_is_refused_before_anything_is_sent(server: Server) -> None:
    with Pool(server.url) as pool:
        anything: Any = pool

        for source, options in (
            (7, {}),
            (None, {}),
            (bytearray(b"return 1"), {}),
            (SHOW, {"readonly": 1}),
            (SHOW, {"parse": "float"}),
            (SHOW, {"parse": asyncio.sleep}),
        ):
            with pytest.raises(UsageTypeError):
                anything.script(source, **options)
        with pytest.raises(UsageValueError, match="cannot be encoded"):
            pool.script("return '\ud800'")
        with pytest.raises(UsageTypeError, match="keys of EVALSHA must be a list"):
            pool.script(SHOW)(keys="k")
        with pytest.raises(UsageTypeError, match="args of EVALSHA_RO must be a list"):
            pool.script(SHOW, readonly=True)(args="k")
        with pytest.raises(UsageTypeError, match=r"write script = pool.script\(text\)"):
            anything.pipeline().script(SHOW)
        assert server.command("SCRIPT", "EXISTS", pool.script(SHOW).sha) == [0]


def test_a_script_shows_its_hash_and_where_it_runs(server: Server) -> None:
    with Pool(server.url) as pool:
        script = pool.script(SHOW)
        assert repr(script).startswith(f"<{type(script).__name__} {script.sha} of <{type(pool).__name__} ")


# Pipelines --------------------------------------------------------------------------------------------------


@LANES
def test_a_pipeline_brings_its_scripts_along(server: Server, shared: int) -> None:
    with Pool(server.url, encoding="utf-8", shared=shared) as pool:
        count, show = pool.script(COUNT), pool.script(SHOW)
        for round_ in range(3):
            with pool.pipeline() as pipe:
                pipe.set("k", round_ * 10)
                counts = [pipe.script(count, keys=["k"]) for _ in range(3)]
                shown = pipe.script(show, args=["x"])
                got, dumped = pipe.get("k"), pipe.function_dump()
            assert [each.result() for each in counts] == [round_ * 10 + 1, round_ * 10 + 2, round_ * 10 + 3]
            assert (shown.result(), got.result()) == ("x", str(round_ * 10 + 3))
            assert isinstance(dumped.result(), bytes)
            pool.script_flush()


@LANES
def test_an_atomic_pipeline_sends_the_texts(server: Server, shared: int) -> None:
    server.command("CONFIG", "RESETSTAT")
    with Pool(server.url, encoding="utf-8", shared=shared) as pool:
        count = pool.script(COUNT)
        with pool.pipeline(atomic=True) as pipe:
            first, second, got = pipe.script(count, keys=["k"]), pipe.script(count, keys=["k"]), pipe.get("k")
            read, dumped = pipe.script(pool.script(LOOK, readonly=True), keys=["k"]), pipe.function_dump()
        assert (first.result(), second.result(), got.result(), read.result()) == (1, 2, "2", "2")
        assert isinstance(dumped.result(), bytes)
        assert calls(server, "eval", "eval_ro", "evalsha", "script|load") == [2, 1, 0, 0]


@pytest.mark.parametrize("atomic", [False, True])
def test_a_big_pipeline_brings_its_scripts_along(server: Server, atomic: bool) -> None:
    server.command("CONFIG", "RESETSTAT")
    with Pool(server.url) as pool:
        count = pool.script(COUNT)
        with pool.pipeline(atomic=atomic) as pipe:
            counts = [pipe.script(count, keys=["k"]) for _ in range(9000)]
        assert [each.result() for each in counts] == list(range(1, 9001))
        assert calls(server, "script|load", "evalsha") == ([0, 0] if atomic else [1, 9000])


def test_an_error_in_a_pipeline_is_that_of_the_script_that_has_it(server: Server) -> None:
    with Pool(server.url) as pool:
        bad, count = pool.script("retur 1"), pool.script(COUNT)
        with pytest.raises(ServerError, match=r"command 2 of 3 \(EVALSHA\): .*Error compiling script"):
            with pool.pipeline() as pipe:
                first, failed, last = pipe.script(count, keys=["k"]), pipe.script(bad), pipe.script(count, keys=["k"])
        assert (first.result(), last.result()) == (1, 2)
        with pytest.raises(ServerError, match="Error compiling script"):
            failed.result()


def test_a_pipeline_without_replies_runs_scripts(server: Server) -> None:
    with Pool(server.url) as pool:
        pipe = pool.pipeline()
        pipe.script(pool.script(COUNT), keys=["k"])
        pool.execute_many_noreply(pipe._commands)
        wait_until(lambda: server.command("GET", "k") == b"1")
        pipe._give_up()


def test_a_pipeline_whose_connection_is_lost_is_sent_again_if_it_only_reads() -> None:
    with FakeNode({"EVALSHA_RO": b":1\r\n", "SCRIPT": OK}) as node:
        node.once("SCRIPT", Close())
        with Pool(node.url, shared=1) as pool:
            look = pool.script(LOOK, readonly=True)
            with pool.pipeline() as pipe:
                looked = pipe.script(look, keys=["k"])
            assert looked.result() == 1
            assert [each.command[0] for each in node.commands][-2:] == [b"SCRIPT", b"EVALSHA_RO"]


# Leases and connections -------------------------------------------------------------------------------------


def test_a_lease_and_a_connection_of_ones_own_run_scripts(server: Server) -> None:
    with Pool(server.url) as pool, pool.acquire() as lease, Connection(server.url) as own:
        for connection in (lease, own):
            server.command("SCRIPT", "FLUSH")
            server.command("DEL", "k")
            count = connection.script(COUNT)
            assert count(keys=["k"]) == 1
            server.command("SCRIPT", "FLUSH")
            assert connection.using(timeout=5.0).script(COUNT)(keys=["k"]) == 2
            server.command("SCRIPT", "FLUSH")
            with connection.pipeline() as pipe:
                counted = pipe.script(count, keys=["k"])
            assert counted.result() == 3
            server.command("SCRIPT", "FLUSH")
            with connection.pipeline(atomic=True) as pipe:
                counted = pipe.script(count, keys=["k"])
            assert counted.result() == 4
            assert connection.is_clean


def test_in_a_transaction_of_a_lease_a_script_is_sent_as_text(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.acquire() as lease:
        count = lease.script(COUNT, parse=str)
        lease.execute("MULTI")
        assert count(keys=["k"]) == "QUEUED"
        assert lease.using(timeout=5.0).script(COUNT)(keys=["k"]) == "QUEUED"
        with lease.pipeline() as pipe:
            queued = pipe.script(count, keys=["k"])
        assert queued.result() == "QUEUED"
        assert lease.execute("EXEC") == [1, 2, 3]
        assert count(keys=["k"]) == "4"


def test_a_run_that_opens_a_transaction_on_a_lease_sends_texts(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool, pool.acquire() as lease:
        count = lease.script(COUNT)
        with lease.pipeline() as pipe:
            pipe.execute("MULTI")
            pipe.script(count, keys=["k"])
            done = pipe.execute("EXEC")
            after = pipe.script(count, keys=["k"])
        assert (done.result(), after.result()) == ([1], 2)


def test_a_connection_that_is_lost_is_not_tried_again(server: Server) -> None:
    with FakeNode({"EVALSHA_RO": NO_SCRIPT, "SCRIPT": Close()}) as node:
        with Connection(node.url) as connection:
            with pytest.raises(ConnectionLost):
                connection.script(LOOK, readonly=True)(keys=["k"])
