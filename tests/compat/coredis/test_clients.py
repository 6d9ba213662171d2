"""The clients of coredis: commands, options and errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncPool, RetryPolicy, commands, errors
from respool.compat import coredis
from respool.compat.coredis import ConnectionPool, Redis, RedisCluster, exceptions
from respool.compat.coredis.exceptions import translated
from respool.errors import UsageAttributeError, UsageError, UsageTypeError
from respool.testing import Close, FakeNode, Server, Silence


def test_002_06_everything_that_the_handbook_names_is_there() -> None:
    for name in (
        "BaseConnection BlockingClusterConnectionPool BlockingConnectionPool ClusterConnection ClusterConnectionPool "
        "Connection ConnectionPool Redis RedisCluster UnixDomainSocketConnection exceptions"
    ).split():
        assert name in coredis.__all__
        assert hasattr(coredis, name)
    assert coredis.pool.ConnectionPool is ConnectionPool
    assert coredis.connection.Connection is coredis.Connection
    for method in ("get_connection", "release", "disconnect", "reset", "from_url"):
        assert callable(getattr(coredis.BlockingClusterConnectionPool, method))


def test_002_06_a_client_has_every_command_of_a_pool() -> None:
    of_pools = {name for name in commands.__all__ if callable(getattr(AsyncPool, name, None))}
    assert len(of_pools) > 400
    for client in (Redis, RedisCluster):
        assert not [name for name in of_pools if not callable(getattr(client, name, None))]


async def test_002_06_commands_are_typed_or_raw(server: Server) -> None:
    async with Redis(port=server.port) as client:
        assert await client.set("k", 1) is True
        assert await client.get("k") == b"1"
        assert await client.hset("h", mapping={"a": "1"}) == 1
        assert await client.hgetall("h") == {b"a": b"1"}
        assert await client.execute_command(b"GET", "k") == b"1"
        assert await client.execute_command(b"OBJECT ENCODING", "k") == b"int"
        assert await client.execute(commands.get("k").map(int)) == 1
        assert {key async for key in client.scan_iter()} == {b"k", b"h"}
        assert await client.blpop("nothing", timeout=0.01) is None


async def test_002_06_decode_responses_and_encoding(server: Server) -> None:
    async with Redis(port=server.port, decode_responses=True) as client:
        await client.set("k", "é")
        assert await client.get("k") == "é"
        assert (client.decode_responses, client.encoding) == (True, "utf-8")
    async with Redis(port=server.port, decode_responses=True, encoding="latin-1") as client:
        await client.set("k", "é")
        assert await client.get("k") == "é"
        assert server.command("GET", "k") == b"\xe9"
    async with Redis(port=server.port) as client:
        assert await client.get("k") == b"\xe9"


async def test_002_06_the_pool_decides_how_replies_are_read(server: Server) -> None:
    pool = ConnectionPool(port=server.port, decode_responses=True, protocol_version=2)
    client = Redis(connection_pool=pool)
    assert (client.decode_responses, client.protocol_version) == (True, 2)
    assert await client.execute("ECHO", "x") == "x"
    await pool.aclose()


async def test_002_06_noreply_waits_for_no_reply(server: Server) -> None:
    async with Redis(port=server.port, noreply=True) as client:
        assert client.noreply
        assert await client.set("k", 1) is None
        assert await client.incr("k") is None
        await wait_until(lambda: server.command("GET", "k") == b"2")
        client.noreply = False
        assert await client.get("k") == b"2"


async def test_replies_are_ignored_in_a_block_and_in_this_task_alone(server: Server) -> None:
    async with Redis(port=server.port) as client:
        with client.ignore_replies() as same:
            assert same is client
            other = asyncio.create_task(client.incr("n"))
            assert await client.incr("k") is None
        assert await client.incr("k") == 2
        assert await other is None  # it began inside of the block


async def test_002_06_stream_timeout_bounds_the_silence_of_the_server() -> None:
    with FakeNode({"GET": Silence(), "SET": Silence()}) as node:
        async with Redis(port=node.port, stream_timeout=0.1, retry_policy=None) as client:
            with pytest.raises(exceptions.TimeoutError) as caught:
                await client.get("k")
            assert isinstance(caught.value.__cause__, errors.ReadTimeout)


async def test_002_06_connect_timeout_bounds_connecting() -> None:
    with FakeNode({"HELLO": Silence()}) as node:
        async with Redis(port=node.port, connect_timeout=0.1) as client:
            with pytest.raises(exceptions.ConnectionError) as caught:
                await client.get("k")
            assert isinstance(caught.value.__cause__, errors.ConnectTimeout)


@pytest.mark.parametrize(("policy", "asked"), [(RetryPolicy(attempts=3, base=0.001), 3), (None, 1)])
async def test_002_06_a_retry_policy_is_that_of_respool_and_repeats_reads(
    policy: RetryPolicy | None, asked: int
) -> None:
    with FakeNode({"GET": Close(), "INCR": Close()}) as node:
        async with Redis(port=node.port, retry_policy=policy) as client:
            with pytest.raises(exceptions.ConnectionError):
                await client.get("k")
            assert len(node.calls("GET")) == asked
            with pytest.raises(exceptions.ConnectionError) as caught:
                await client.incr("k")
            assert isinstance(caught.value.__cause__, errors.OutcomeUnknown)
            assert len(node.calls("INCR")) == 1


def test_002_06_a_retry_policy_of_another_library_or_of_a_client_of_many_is_refused() -> None:
    with pytest.raises(UsageTypeError, match=r"retry_policy must be a respool\.RetryPolicy"):
        Redis(retry_policy=object())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="give it to the pool"):
        Redis(connection_pool=ConnectionPool(), retry_policy=None)


async def test_pipelines_are_those_of_respool_with_errors_of_coredis(server: Server) -> None:
    async with Redis(port=server.port) as client:
        async with client.pipeline(atomic=True) as pipe:
            first, second = pipe.incr("n"), pipe.incr("n")
        assert (first.result(), second.result()) == (1, 2)
        with pytest.raises(exceptions.ExecAbortError):
            async with client.pipeline(atomic=True) as pipe:
                pipe.execute("NOSUCH")


@pytest.mark.parametrize("name", ["sharded_pubsub", "monitor", "decoding", "register_library", "ensure_replication"])
def test_a_name_that_is_not_here_says_what_to_write(name: str) -> None:
    with pytest.raises(UsageAttributeError, match=f"has no {name}: "):
        getattr(Redis(), name)
    assert not hasattr(Redis(), "nonsense")


# Errors ---------------------------------------------------------------------------------------------------------


async def test_errors_of_the_server_are_those_of_coredis(server: Server) -> None:
    async with Redis(port=server.port) as client:
        await client.lpush("l", "x")
        await client.xgroup_create("s", "g", "$", mkstream=True)
        for make, kind in (
            (lambda: client.incr("l"), exceptions.WrongTypeError),
            (lambda: client.execute("NOSUCH"), exceptions.UnknownCommandError),
            (lambda: client.evalsha("0" * 40), exceptions.NoScriptError),
            (lambda: client.execute("SCRIPT", "KILL"), exceptions.NotBusyError),
            (lambda: client.xgroup_create("s", "g", "$"), exceptions.StreamDuplicateConsumerGroupError),
            (lambda: client.execute("GET"), exceptions.ResponseError),
        ):
            with pytest.raises(kind) as caught:
                await make()
            assert type(caught.value) is kind
            assert isinstance(caught.value.__cause__, errors.ServerError)
            assert isinstance(caught.value, exceptions.RedisError)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("LOADING wait", exceptions.BusyLoadingError),
        ("NOPERM no", exceptions.AuthorizationError),
        ("NOAUTH who", exceptions.AuthenticationRequiredError),
        ("WRONGPASS no", exceptions.AuthenticationFailureError),
        ("READONLY no", exceptions.ReadOnlyError),
        ("CLUSTERDOWN down", exceptions.ClusterDownError),
        ("TRYAGAIN later", exceptions.TryAgainError),
        ("MOVED 1 10.0.0.1:1", exceptions.MovedError),
        ("ASK 1 10.0.0.1:1", exceptions.AskError),
        ("UNBLOCKED no", exceptions.UnblockedError),
        ("CROSSSLOT no", exceptions.ClusterCrossSlotError),
        ("ODD thing", exceptions.ResponseError),
    ],
)
async def test_an_error_of_a_server_becomes_one_class(words: str, kind: type[Exception]) -> None:
    with FakeNode({"EVAL": f"-{words}\r\n".encode()}) as node:
        async with Redis(port=node.port) as client:
            with pytest.raises(kind) as caught:
                await client.eval("return 1")
            assert type(caught.value) is kind


def test_every_error_of_respool_has_a_counterpart_or_is_a_mistake_of_the_caller() -> None:
    for name in errors.__all__:
        kind: Any = getattr(errors, name)
        error = kind("CODE", "words") if issubclass(kind, errors.ServerError) else kind("words")
        old = translated(error)
        if issubclass(kind, errors.UsageError) and not issubclass(kind, errors.ServerError):
            assert old is error
        else:
            assert isinstance(old, exceptions.RedisError)
            assert old.__cause__ is error


def test_a_watched_key_and_a_refused_command_are_told_apart() -> None:
    aborted = errors.TransactionAborted("EXECABORT", "a watched key was changed")
    assert type(translated(aborted)) is exceptions.WatchError
    aborted.__cause__ = errors.SlotMoved("MOVED", "elsewhere")
    assert type(translated(aborted)) is exceptions.WatchError
    aborted.__cause__ = errors.UnknownCommand("ERR", "unknown command")
    assert type(translated(aborted)) is exceptions.ExecAbortError


async def test_a_bad_argument_is_refused_before_anything_is_sent(server: Server) -> None:
    async with Redis(port=server.port) as client:
        with pytest.raises(UsageTypeError):
            await client.expire("k", "soon")  # type: ignore[arg-type]
        assert client.connection_pool.engine.size == 0
