"""The client: commands take the engine where that changes nothing else, with redis-py's replies, errors and options."""

from __future__ import annotations

import gc
import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis as original

from leavings import sockets, workers
from respool import Pool
from respool.compat import redis
from respool.compat.redis._errors import as_redis_error
from respool.errors import ConnectFailed, PoolTimeout, ServerError
from respool.testing import FakeNode, Server, wait_until
from respool.testing._ports import candidates


def connect(server: Server, **options: Any) -> Any:
    return redis.from_url(server.url, **options)


def own_connections(client: Any) -> int:
    """Return how many connections of redis-py's own the client has made."""
    return client.connection_pool._created_connections  # type: ignore[no-any-return]


# Names --------------------------------------------------------------------------------------------------------


def test_the_names_are_redis_pys_or_derived_from_them() -> None:
    assert issubclass(redis.Redis, original.Redis)
    assert redis.StrictRedis is redis.Redis
    assert issubclass(redis.BlockingConnectionPool, redis.ConnectionPool)
    assert issubclass(redis.BlockingConnectionPool, original.BlockingConnectionPool)
    assert redis.exceptions.ResponseError is original.ResponseError is redis.ResponseError
    assert redis.sentinel.Sentinel is not None
    assert inspect.signature(redis.Redis) == inspect.signature(original.Redis)
    with pytest.raises(AttributeError):
        redis.no_such_name  # noqa: B018 - reading it is the test


# Commands -----------------------------------------------------------------------------------------------------

CALLS: list[Callable[[Any], Any]] = [
    lambda r: r.set("a", 1),
    lambda r: r.get("a"),
    lambda r: r.get("nothing"),
    lambda r: r.set("b", "v", ex=100, get=True),
    lambda r: r.hset("h", mapping={"x": 1, "y": "é"}),
    lambda r: r.hgetall("h"),
    lambda r: r.sadd("s", 1, 2),
    lambda r: r.smembers("s"),
    lambda r: r.zadd("z", {"a": 1, "b": 2.5}),
    lambda r: r.zrange("z", 0, -1, withscores=True),
    lambda r: r.zscore("z", "b"),
    lambda r: r.xadd("x", {"f": "v"}, id="1-1"),
    lambda r: r.xrange("x"),
    lambda r: r.xread({"x": 0}),
    lambda r: r.config_get("maxmemory"),
    lambda r: r.command_count() > 0,
    lambda r: r.dbsize(),
    lambda r: r.time()[0] > 0,
    lambda r: r.scan(match="a"),
    lambda r: list(r.scan_iter("h")),
    lambda r: r.dump("a"),
    lambda r: r.object("encoding", "a"),
    lambda r: r.execute_command("CLIENT", "GETNAME"),
    lambda r: r.execute_command("SET c 1"),
    lambda r: r.execute_command("GET", "a", NEVER_DECODE=True),
    lambda r: r.eval("return {1, {'x', redis.status_reply('OK')}}", 0),
    lambda r: r.script_exists("0" * 40),
    lambda r: r.geoadd("g", [1.0, 2.0, "p"]),
    lambda r: r.geopos("g", "p", "q"),
    lambda r: r.lpush("l", 1, 2),
    lambda r: r.blpop("l", 1),
    lambda r: r.blpop("nothing", 0.01),
    lambda r: r.expire("a", 10),
    lambda r: r.ping(),
    lambda r: r.echo("x"),
    lambda r: r.bitfield("bf").set("u8", 0, 7).execute(),
    lambda r: r.memory_usage("a") > 0,
    lambda r: r.acl_whoami(),
    lambda r: r.function_list(),
    lambda r: r.latency_history("x"),
]


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 2}, {"protocol": 3}], ids=str)
def test_replies_have_the_shapes_that_redis_py_gives_them(server: Server, options: dict[str, Any]) -> None:
    with original.from_url(server.url, **options) as plain:
        expected = [call(plain) for call in CALLS]
    server.command("FLUSHALL")
    with connect(server, **options) as client:
        replies = [call(client) for call in CALLS]
        assert own_connections(client) == 0
        assert isinstance(client.connection_pool._engine, Pool)
    for reply, wanted in zip(replies, expected, strict=True):
        assert (type(reply), reply) == (type(wanted), wanted)


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.hget("text", "f"),
        lambda r: r.execute_command("NO.SUCH", "x"),
        lambda r: r.evalsha("0" * 40, 0),
        lambda r: r.set("k", object()),
        lambda r: r.set("k", True),
        lambda r: r.set(None, 1),
        lambda r: r.execute_command("AUTH", "wrong", "wrong"),
        lambda r: r.eval("return redis.error_reply('MY own')", 0),
        lambda r: r.restore("text", 0, b"bad"),
        lambda r: r.getrange("text", "x", 1),
        lambda r: r.config_set("no-such-thing", 1),
    ],
)
def test_errors_are_redis_pys(server: Server, call: Callable[[Any], Any]) -> None:
    server.command("SET", "text", "x")
    told: list[Exception] = []
    for client in (original.from_url(server.url), connect(server)):
        with client, pytest.raises(original.RedisError) as caught:
            call(client)
        told.append(caught.value)
    assert type(told[0]) is type(told[1])
    if not isinstance(told[0], original.DataError):  # those are respool's words: they name the argument
        assert told[0].args == told[1].args


def test_text_that_cannot_be_encoded_is_the_codecs_error(server: Server) -> None:
    with connect(server) as client:
        for call in (lambda: client.set("k", "\ud800"), lambda: client.pipeline().set("k", "\ud800").execute()):
            with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
                call()


def test_a_password_for_a_server_without_one_is_an_authentication_error(server: Server) -> None:
    with connect(server, password="x", protocol=2, retry=None) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.parametrize("kind", ["ConnectionPool", "BlockingConnectionPool"])
def test_a_full_pool_has_redis_pys_words(server: Server, kind: str) -> None:
    options = {"timeout": 0.01} if kind == "BlockingConnectionPool" else {}
    told: list[Exception] = []
    for module in (original, redis):
        pool = getattr(module, kind).from_url(server.url, max_connections=1, **options)
        with module.Redis(connection_pool=pool).pipeline() as first, module.Redis(connection_pool=pool).pipeline() as second:
            first.watch("k")
            with pytest.raises(redis.ConnectionError) as caught:
                second.watch("k")
            told.append(caught.value)
        pool.close() if hasattr(pool, "close") else pool.disconnect()
    assert type(told[0]) is type(told[1])
    assert told[0].args == told[1].args


def test_a_pool_whose_server_cannot_be_reached_is_not_said_to_be_full() -> None:
    refused = ConnectFailed("connection refused")
    told = as_redis_error(PoolTimeout("no connection; the last dial failed: refused", last_dial_error=refused))
    assert type(told) is redis.ConnectionError
    assert "the last dial failed" in str(told)
    assert as_redis_error(PoolTimeout("all are leased")).args == ("No connection available.",)


def test_the_cause_of_an_error_is_respools_own(server: Server) -> None:
    with connect(server) as client, pytest.raises(redis.ResponseError) as caught:
        client.execute_command("NO.SUCH")
    assert isinstance(caught.value.__cause__, ServerError)


def test_errors_inside_a_reply_are_redis_pys_too(server: Server) -> None:
    with connect(server) as client:
        first, second = client.eval("return {'x', {err='MY own'}}", 0)
    assert first == b"x"
    assert isinstance(second, redis.ResponseError)
    assert str(second) == "MY own"


def test_an_empty_response_stands_for_an_error_if_it_is_asked_for(server: Server) -> None:
    with connect(server) as client:
        assert client.execute_command("NO.SUCH", EMPTY_RESPONSE=[]) == []


@pytest.mark.parametrize("options", [{"port": next(candidates())}, {"unix_socket_path": "/nowhere/at.all"}], ids=["tcp", "unix"])
def test_a_server_that_is_down_is_a_connection_error_with_redis_pys_text(options: dict[str, Any]) -> None:
    told: list[str] = []
    for kind in (original.Redis, redis.Redis):
        with kind(host="127.0.0.1", retry=None, **options) as client, pytest.raises(redis.ConnectionError) as caught:
            client.ping()
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_a_silent_server_is_a_timeout_error() -> None:
    with FakeNode() as node:
        node.pause()
        with redis.Redis(port=node.port, socket_timeout=0.05, socket_connect_timeout=None, retry=None) as client, pytest.raises(redis.TimeoutError):
            client.get("k")
        node.resume()


def test_undecodable_text_is_a_unicode_error(server: Server) -> None:
    server.command("SET", "k", b"\xff")
    with connect(server, decode_responses=True) as client:
        with pytest.raises(UnicodeDecodeError, match="0xff"):
            client.get("k")
        assert client.ping()


@pytest.mark.parametrize("options", [{"encoding": "latin-1"}, {"encoding": "latin-1", "decode_responses": True}])
def test_text_is_sent_in_the_encoding_of_the_client(server: Server, options: dict[str, Any]) -> None:
    with connect(server, **options) as client:
        client.set("k", "é")
        assert client.pipeline().set("é", 1).execute() == [True]
        assert client.get("é") in (b"1", "1")
    assert server.command("GET", "k") == b"\xe9"
    assert server.command("GET", b"\xe9") == b"1"


def test_a_callback_of_the_user_shapes_replies(server: Server) -> None:
    with connect(server) as client:
        client.set_response_callback("get", lambda reply, **_: ("mine", reply))
        assert client.get("k") == ("mine", None)
        assert client.pipeline().get("k").execute() == [("mine", None)]


def test_a_lost_write_is_not_sent_again() -> None:
    with FakeNode() as node:
        node.on("INCRBY", lambda *_: node.drop())
        with redis.Redis(port=node.port) as client, pytest.raises(redis.ConnectionError):
            client.incr("k")
        assert len(node.calls("INCRBY")) == 1


def test_many_threads_share_one_connection(server: Server) -> None:
    with connect(server) as client:
        client.ping()
        threads = [threading.Thread(target=lambda: [client.incr("n") for _ in range(100)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("n") == b"800"
        assert server.client_count() == 1


def test_names_of_commands_are_sent_as_ascii_in_every_encoding(server: Server) -> None:
    with connect(server, encoding="utf-16") as client:
        client.set("k", "v")
        assert client.client_list()
    assert server.command("GET", "k".encode("utf-16")) == "v".encode("utf-16")


# redis-py's own path ------------------------------------------------------------------------------------------


def test_what_needs_a_connection_gets_one_of_redis_pys(server: Server) -> None:
    with connect(server) as client:
        with client.pubsub() as subscriber:
            subscriber.subscribe("c")
            assert subscriber.get_message(timeout=1)["type"] == "subscribe"
            assert client.publish("c", "m") == 1
            assert subscriber.get_message(timeout=1)["data"] == b"m"
        assert own_connections(client) == 1
        with client.client() as single:
            assert single.client_id() == single.client_id() != client.client_id()
        assert client.transaction(lambda pipe: pipe.multi() or pipe.set("k", 1), "k") == [True]


@pytest.mark.parametrize(
    "options",
    [
        {"redis_connect_func": lambda connection: connection.on_connect()},
        {"retry_on_error": [ValueError]},
        {"connection_class": type("Mine", (original.Connection,), {})},
        {"username": "nobody", "password": None, "socket_timeout": 0.5, "retry_on_error": [KeyError]},
    ],
)
def test_settings_that_respool_does_not_know_leave_everything_to_redis_py(server: Server, options: dict[str, Any]) -> None:
    options = {name: value for name, value in options.items() if name != "username"}
    pool = redis.ConnectionPool.from_url(server.url, **options)
    with redis.Redis(connection_pool=pool) as client:
        assert client.set("k", 1)
        assert client.pipeline().get("k").execute() == [b"1"]
        assert pool._engine is None
        assert own_connections(client) == 1
    pool.close()


def test_a_plain_pool_becomes_one_with_an_engine_in_place(server: Server) -> None:
    for kind, ours in ((original.ConnectionPool, redis.ConnectionPool), (original.BlockingConnectionPool, redis.BlockingConnectionPool)):
        pool = kind.from_url(server.url)
        client = redis.Redis(connection_pool=pool)
        assert client.ping()
        assert client.connection_pool is pool
        assert type(pool) is ours
        assert isinstance(pool._engine, Pool)
        pool.disconnect()


def test_a_pool_of_the_users_own_class_stays_as_it_is_with_a_warning(server: Server) -> None:
    class Mine(original.ConnectionPool):
        pass

    pool = Mine.from_url(server.url)
    with pytest.warns(RuntimeWarning, match=r"Mine is not one of redis-py's own pools"):
        client = redis.Redis(connection_pool=pool)
    assert client.ping()
    assert client.pipeline().ping().execute() == [True]
    assert type(pool) is Mine
    pool.disconnect()


# What patches redis-py ----------------------------------------------------------------------------------------


def test_patches_of_redis_pys_methods_see_every_call(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    execute_command, execute = original.Redis.execute_command, original.client.Pipeline.execute

    def see_command(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(args)
        return execute_command(self, *args, **options)

    def see_pipeline(self: Any, *args: Any, **options: Any) -> Any:
        seen.append([command for command, _ in self.command_stack])
        return execute(self, *args, **options)

    monkeypatch.setattr(original.Redis, "execute_command", see_command)
    monkeypatch.setattr(original.client.Pipeline, "execute", see_pipeline)
    with connect(server) as client:
        client.get("k")
        client.pipeline().get("k").incr("n").execute()
        assert own_connections(client) == 0
    assert seen == [("GET", "k"), [("GET", "k"), ("INCRBY", "n", 1)]]


# The end ------------------------------------------------------------------------------------------------------


def test_a_thousand_clients_that_nobody_closes_leave_no_thread_and_no_socket(server: Server) -> None:
    before = (sockets(), workers())
    for _ in range(1000):
        redis.from_url(server.url).ping()  # a warning would be an error
    gc.collect()
    wait_until(lambda: (sockets(), workers()) == before)


def test_a_client_per_call_over_one_pool_keeps_the_engine(server: Server) -> None:
    pool = redis.ConnectionPool.from_url(server.url)
    for _ in range(10):
        redis.Redis(connection_pool=pool).ping()
    assert int(server.info("clients")["connected_clients"]) <= 2  # this INFO has one of its own
    assert pool._engine.stats().opened == 1
    pool.close()
