# Generated from tests/asyncio_/test_mapped_replies.py by tools/generate.py. Do not edit.
"""A command with a function for its reply, or marked idempotent, works wherever a command does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from answers import echo
from threads.harness import Callers
from respool import Pool, Command, commands
from respool.errors import ConnectionLost, OutcomeUnknown, ReadOnly, WrongType
from respool.testing import Close, FakeNode, Server


class Boom(Exception):
    """What the functions here raise."""


def boom(value: Any) -> Any:
    raise Boom(value)


GET = commands.get("k")
#: Exceptions that mean something to respool when its own code raises them.
MISLEADING = [Boom, ConnectionLost, ReadOnly, TypeError, RuntimeError]


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_the_reply_is_given_to_the_function(server: Server, protocol: int, encoding: str | None) -> None:
    with Pool(server.url, protocol=protocol, encoding=encoding) as pool:
        pool.execute_many([("SET", "k", '{"a": 1}'), ("HSET", "h", "a", "1"), ("RPUSH", "l", "x", "y")])
        h, key = ({"a": "1"}, "l") if encoding else ({b"a": b"1"}, b"l")
        user, fields = GET.map(json.loads), commands.hgetall("h").map(dict.copy).map(lambda m: [m, len(m)])
        absent = commands.get("none").map(boom)
        expected = [{"a": 1}, [h, 1], None]
        assert [pool.execute(each) for each in (user, fields, absent)] == expected
        assert pool.execute(user, timeout=5) == {"a": 1}
        assert pool.execute_many([user, fields, absent]) == expected
        assert pool.execute_many([user, fields, absent], atomic=True) == expected
        for atomic in (False, True):
            with pool.pipeline(atomic=atomic) as pipe:
                results = [pipe.execute(each) for each in (user, fields, absent)]
            assert [result.result() for result in results] == expected
        with pool.acquire() as lease:
            assert [lease.execute(each) for each in (user, fields, absent)] == expected
            assert lease.execute_many([user, fields, absent]) == expected
            with lease.pipeline() as pipe:
                results = [pipe.execute(each) for each in (user, fields, absent)]
            assert [result.result() for result in results] == expected
        assert pool.execute(commands.blpop("l", timeout=1).map(lambda pair: pair[0])) == key  # on a lease


def test_inside_of_multi_the_function_does_not_see_queued(server: Server) -> None:
    with Pool(server.url) as pool, pool.acquire() as lease:
        lease.execute("MULTI")
        assert lease.execute(GET.map(boom)) == b"QUEUED"
        assert lease.execute_many([GET.map(boom)]) == [b"QUEUED"]
        with lease.pipeline() as pipe:
            queued = pipe.execute(GET.map(boom))
        assert queued.result() == b"QUEUED"
        assert lease.execute("EXEC") == [None, None, None]


def test_the_function_does_not_see_an_error(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.execute("RPUSH", "k", "v")
        with pytest.raises(WrongType):
            pool.execute(GET.map(boom))
        for atomic in (False, True):
            values = pool.execute_many([GET.map(boom), commands.llen("k").map(str)], atomic=atomic)
            assert [type(value) for value in values] == [WrongType, str]
            pipe = pool.pipeline(atomic=atomic, raise_errors=False)
            wrong, right = pipe.execute(GET.map(boom)), pipe.execute(commands.llen("k").map(str))
            assert [type(value) for value in pipe.send()] == [WrongType, str]
            with pytest.raises(WrongType):
                wrong.result()
            assert right.result() == "1"


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("kind", MISLEADING)
def test_what_the_function_raises_is_raised_as_it_is_and_nothing_is_sent_again(
    callers: Callers, shared: int, kind: type[Exception]
) -> None:
    error = kind("k")

    def fail(_: Any) -> Any:
        raise error

    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=shared, max_size=2) as pool:
            failing = GET.map(fail)

            def run_on_a_lease(*, many: bool) -> None:
                with pool.acquire() as lease:
                    (lease.execute_many([failing]) if many else lease.execute(failing))

            calls = [
                callers.start(pool.execute, failing),
                callers.start(pool.execute, failing, timeout=5),
                callers.start(pool.execute_many, [failing, GET]),
                callers.start(run_on_a_lease, many=False),
                callers.start(run_on_a_lease, many=True),
            ]
            well = [callers.start(pool.execute, "GET", name) for name in "abc"]
            for call in calls:
                assert call.outcome() is error
            assert [caller.result() for caller in well] == [b"a", b"b", b"c"]
            stats = pool.stats()
            assert (stats.retries, stats.closed, stats.leased, stats.in_flight) == (0, 0, 0, 0)
            assert len(node.calls("GET")) == 9
            assert pool.execute("GET", "d") == b"d"


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("kind", MISLEADING)
def test_in_a_pipeline_what_a_function_raises_is_the_result_of_its_command_alone(
    server: Server, kind: type[Exception], atomic: bool
) -> None:
    error = kind("k")

    def fail(_: Any) -> Any:
        raise error

    with Pool(server.url, shared=1) as pool:
        pool.set("k", "v")
        with pytest.raises(kind) as caught:
            with pool.pipeline(atomic=atomic) as pipe:
                first, wrong, other = pipe.incr("n"), pipe.execute(GET.map(fail)), pipe.execute(GET.map(boom))
                last = pipe.execute(GET.map(len))
        assert caught.value is error
        assert error.__notes__[-1] == "raised for the reply to command 2 of 4 (GET)"
        assert (first.result(), last.result()) == (1, 1)
        for _ in range(2):  # with the same traceback every time
            with pytest.raises(kind) as again:
                wrong.result()
            assert again.value is error
            assert [entry.name for entry in again.traceback][-1] == "fail"
            assert len(again.traceback) == 4  # the test, result, the caller of fail, fail
        with pytest.raises(Boom):
            other.result()
        assert wrong.done
        assert repr(wrong) == f"<PipelineResult GET: {kind.__name__}>"

        pipe = pool.pipeline(atomic=atomic, raise_errors=False)
        pipe.incr("n")
        pipe.execute(GET.map(fail))
        pipe.execute("LPUSH", "k", "x")
        assert (pipe.send())[:2] == [2, error]
        assert pool.stats().closed == 0


def test_the_first_error_of_a_pipeline_is_raised_whoever_made_it(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.set("k", "v")
        with pytest.raises(WrongType, match=r"command 1 of 2 \(LPUSH\)"):
            with pool.pipeline() as pipe:
                pipe.execute("LPUSH", "k", "x")
                pipe.execute(GET.map(boom))


def test_a_parser_of_ones_own_that_raises_is_treated_the_same(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.set("k", "v")
        failing: Command[int] = Command("GET", "k", parse=int)
        with pytest.raises(ValueError, match="invalid literal"):
            pool.execute(failing)
        with pytest.raises(ValueError, match="invalid literal"):
            with pool.pipeline() as pipe:
                wrong, right = pipe.execute(failing), pipe.get("k")
        with pytest.raises(ValueError, match="invalid literal"):
            wrong.result()
        assert right.result() == b"v"


class Stop(BaseException):
    """Like KeyboardInterrupt."""


def test_what_ends_a_program_is_never_a_value(server: Server) -> None:
    def stop(_: Any) -> Any:
        raise Stop

    with Pool(server.url, shared=1) as pool:
        pool.set("k", "v")
        for call in (lambda: pool.execute(GET.map(stop)), lambda: pool.execute_many([GET.map(stop)])):
            with pytest.raises(Stop):
                call()
        with pytest.raises(Stop):
            with pool.pipeline() as pipe:
                result = pipe.execute(GET.map(stop))
        assert not result.done
        assert pool.get("k") == b"v"
        assert pool.stats().closed == 0


def test_a_command_marked_idempotent_is_sent_again_and_keeps_its_function() -> None:
    with FakeNode({"INCR": b":1\r\n"}) as node:
        with Pool(node.url, shared=1) as pool:
            once, twice = commands.incr("k").map(str), commands.incr("k").map(str).idempotent()
            node.once("INCR", Close())
            with pytest.raises(OutcomeUnknown):
                pool.execute(once)
            node.once("INCR", Close())
            assert pool.execute(twice) == "1"
            node.once("INCR", Close())
            assert pool.execute_many([twice, twice]) == ["1", "1"]
            node.once("INCR", Close())
            with pool.pipeline() as pipe:
                result = pipe.execute(twice)
            assert result.result() == "1"
