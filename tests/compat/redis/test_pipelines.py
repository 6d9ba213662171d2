"""Pipelines: without WATCH they are one run on the engine, with redis-py's results and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis as original

from respool.compat import redis
from respool.testing import FakeNode, Server

FILLS: list[Callable[[Any], Any]] = [
    lambda p: p,
    lambda p: p.set("a", 1).incr("a").get("a").hset("h", mapping={"x": 1}).hgetall("h").zadd("z", {"m": 1.5}),
    lambda p: p.set("a", 1).hget("a", "f").get("a"),
    lambda p: p.execute_command("NO.SUCH", "x").get("a"),
    lambda p: p.get("a").execute_command("ZREM", "b").set("c", 1),
    lambda p: p.execute_command("EXISTS").execute_command("ZREM", "b"),
    lambda p: p.eval("return {1, {err='MY own'}}", 0).dump("k").zrange("z", 0, -1, withscores=True),
    lambda p: p.config_get("maxmemory").client_getname().scan(),
    lambda p: p.evalsha("0" * 40, 0),
]


def outcome(url: str, kind: Any, fill: Callable[[Any], Any], options: dict[str, Any], *, raises: bool, atomic: bool) -> Any:
    client = kind.from_url(url, **options)
    try:
        pipe = client.pipeline(transaction=atomic)
        fill(pipe)
        try:
            return [plain(value) for value in pipe.execute(raise_on_error=raises)], len(pipe)
        except original.RedisError as error:
            return plain(error), len(pipe)
    finally:
        client.flushall()
        client.close()


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(part) for part in value]
    return (type(value), value.args) if isinstance(value, Exception) else value


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 2}], ids=str)
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("fill", FILLS)
def test_results_and_errors_are_redis_pys(
    server: Server, fill: Callable[[Any], Any], raises: bool, atomic: bool, options: dict[str, Any]
) -> None:
    ours, theirs = (outcome(server.url, kind, fill, options, raises=raises, atomic=atomic) for kind in (redis.Redis, original.Redis))
    assert ours == theirs


def test_a_pipeline_takes_no_connection_of_redis_pys(server: Server) -> None:
    with redis.from_url(server.url) as client:
        script = client.register_script("return ARGV[1]")
        with client.pipeline() as pipe:
            script(args=["x"], client=pipe)
            assert pipe.set("a", 1).execute() == [b"x", True]
            assert (pipe.command_stack, pipe.scripts, pipe.connection) == ([], set(), None)
            assert pipe.get("a").execute() == [b"1"]
        server.command("SCRIPT", "FLUSH")
        pipe = client.pipeline(transaction=False)
        script(args=["y"], client=pipe)
        assert pipe.execute() == [b"y"]
        assert client.connection_pool._created_connections == 0


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("before", [0, 1])
def test_an_error_that_ends_connections_ends_a_pipeline_where_it_does_in_redis_py(before: int, atomic: bool) -> None:
    def run(kind: Any) -> Any:
        with kind(port=node.port, protocol=2, retry=None) as client:
            pipe = client.pipeline(transaction=atomic)
            for _ in range(before):
                pipe.ping()
            try:
                return [plain(value) for value in pipe.get("k").execute(raise_on_error=False)]
            except original.RedisError as error:
                return plain(error)

    with FakeNode() as node:
        loading = b"-LOADING still\r\n"
        node.on("MULTI", b"+OK\r\n")
        node.on("PING", b"+QUEUED\r\n" if atomic else b"+PONG\r\n")
        node.on("GET", b"+QUEUED\r\n" if atomic else loading)
        node.on("EXEC", b"*%d\r\n" % (before + 1) + b"+PONG\r\n" * before + loading)
        assert run(redis.Redis) == run(original.Redis)


def test_a_transaction_is_one(server: Server) -> None:
    with redis.from_url(server.url) as client:
        before = int(client.info("commandstats").get("cmdstat_multi", {}).get("calls", 0))
        client.pipeline().incr("a").incr("a").execute()
        client.pipeline(transaction=False).incr("a").incr("a").execute()
        assert client.info("commandstats")["cmdstat_multi"]["calls"] == before + 1


def test_a_command_that_needs_a_connection_takes_the_whole_pipeline_to_redis_py(server: Server) -> None:
    with redis.from_url(server.url) as client:
        assert client.pipeline(transaction=False).set("a", 1).execute_command("CLIENT", "NO-EVICT", "ON").execute() == [True, b"OK"]
        assert client.connection_pool._created_connections == 1
