"""Pipelines that watch keys: they run on a lease of the engine, and nothing that users see changes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as original
from redis import asyncio as original_asyncio

from compat.redis.test_pipelines import plain
from respool.compat import redis
from respool.compat.redis import asyncio as ours
from respool.testing import FakeNode, Hold, Server, wait_until

OK = b"+OK\r\n"


def connect(server: Server, **options: Any) -> Any:
    return redis.from_url(server.url, **options)


def leased(client: Any) -> int:
    """Return how many leases of the client's engine are out; none of redis-py's own connections may have been made."""
    assert client.connection_pool._created_connections == 0
    return client.connection_pool._engine.leased  # type: ignore[no-any-return]


@pytest.fixture
def node() -> Iterator[FakeNode]:
    """A node that answers what transactions need, if it is not told otherwise."""
    with FakeNode() as running:
        for command, answer in {"WATCH": OK, "UNWATCH": OK, "MULTI": OK, "GET": b"_\r\n", "EXEC": b"*1\r\n+OK\r\n"}.items():
            running.on(command, answer)
        yield running


# As in redis-py -----------------------------------------------------------------------------------------------


def reads_at_once(pipe: Any) -> Any:
    pipe.watch("a", "b")
    before = pipe.get("a"), pipe.hgetall("h")
    pipe.multi()
    return before, pipe.set("a", 2).incr("a").hgetall("h").zadd("z", {"m": 1}).zrange("z", 0, -1, withscores=True).execute()


def changes_a_watched_key(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.set("a", 3)
    pipe.multi()
    return pipe.get("a").execute()


def forgets(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.set("a", 3)
    return pipe.unwatch(), pipe.get("a") is pipe, pipe.execute(), pipe.watching, pipe.connection


def ends_without_commands(pipe: Any) -> Any:
    pipe.watch("a")
    return pipe.execute(), pipe.watching, pipe.connection


def leaves_it_to_reset(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.reset()
    return pipe.watching, pipe.connection, pipe.set("a", 9).execute()


def refused_at_once(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.hget("a", "f")


def refused_in_the_end(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.multi()
    return pipe.set("a", 2).hget("a", "f").get("a").execute(raise_on_error=False)


def refused_in_the_end_and_raised(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.multi()
    return pipe.set("a", 2).hget("a", "f").get("a").execute()


def refused_in_the_queue(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.multi()
    return pipe.set("a", 2).execute_command("ZREM", "b").execute()


def watches_after_multi(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.multi()
    pipe.watch("a")


def begins_twice(pipe: Any) -> Any:
    pipe.watch("a")
    pipe.multi()
    pipe.multi()


def cannot_watch(pipe: Any) -> Any:
    pipe.execute_command("WATCH")


def reads_bytes(pipe: Any) -> Any:
    pipe.watch("a")
    first = pipe.dump("a")
    pipe.multi()
    return first, pipe.get("a").execute()


def asks_for_no_keys(pipe: Any) -> Any:
    pipe.watch("a")
    first = pipe.mget([])
    pipe.multi()
    return first, pipe.set("a", 2).mget([]).get("a").mget([]).execute()


def sends_multi_itself(pipe: Any) -> Any:
    pipe.watch("a")
    return pipe.execute_command("MULTI"), pipe.execute_command("GET", "a"), pipe.execute_command("EXEC"), pipe.watching


CASES: list[Callable[[Any], Any]] = [
    reads_at_once,
    changes_a_watched_key,
    forgets,
    ends_without_commands,
    leaves_it_to_reset,
    refused_at_once,
    refused_in_the_end,
    refused_in_the_end_and_raised,
    refused_in_the_queue,
    watches_after_multi,
    begins_twice,
    cannot_watch,
    reads_bytes,
    asks_for_no_keys,
    sends_multi_itself,
]


def outcome(client: Any, case: Callable[[Any], Any]) -> Any:
    client.mset({"a": 1, "b": "text"})
    try:
        with client.pipeline() as pipe:
            return [plain(value) for value in case(pipe) or ()]
    except original.RedisError as error:
        return plain(error)
    finally:
        client.flushall()


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 2}, {"encoding": "latin-1"}], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_results_and_errors_are_redis_pys(server: Server, case: Callable[[Any], Any], options: dict[str, Any]) -> None:
    with original.from_url(server.url, **options) as theirs:
        expected = outcome(theirs, case)
    with connect(server, **options) as client:
        assert outcome(client, case) == expected
        assert client.connection_pool._created_connections == 0


def test_a_changed_key_is_a_watch_error_and_nothing_is_run(server: Server) -> None:
    with connect(server) as client:
        with client.pipeline() as pipe:
            pipe.watch("k")
            assert leased(client) == 1
            client.set("k", 1)
            pipe.multi()
            pipe.set("k", 2)
            with pytest.raises(redis.WatchError, match=r"Watched variable changed\."):
                pipe.execute()
            assert leased(client) == 0
        assert client.get("k") == b"1"


def test_transaction_runs_again_until_nobody_has_changed_the_key(server: Server) -> None:
    with connect(server) as client:
        client.set("k", 1)
        disturbances = [10, 20]

        def double(pipe: Any) -> None:
            value = int(pipe.get("k"))
            if disturbances:
                client.set("k", disturbances.pop())
            pipe.multi()
            pipe.set("k", 2 * value)

        assert client.transaction(double, "k") == [True]
        assert client.get("k") == b"20"
        assert leased(client) == 0


def test_a_script_in_a_watching_pipeline_is_loaded_on_its_lease(server: Server) -> None:
    with connect(server) as client:
        script = client.register_script("return ARGV[1]")
        with client.pipeline() as pipe:
            pipe.watch("k")
            assert script(args=["now"], client=pipe) == b"now"
            server.command("SCRIPT", "FLUSH")
            pipe.multi()
            script(args=["later"], client=pipe)
            assert pipe.execute() == [b"later"]
        assert leased(client) == 0


def test_blobs_stay_bytes_in_a_transaction_too(server: Server) -> None:
    with connect(server, decode_responses=True) as client, client.pipeline() as pipe:
        client.set("k", "v")
        pipe.watch("k")
        pipe.multi()
        blob, text = pipe.dump("k").get("k").execute()  # redis-py raises UnicodeDecodeError
        assert (blob, text) == (client.dump("k"), "v")


# The lease ----------------------------------------------------------------------------------------------------


def test_reset_gives_the_lease_back_clean(server: Server) -> None:
    with connect(server) as client:
        pipe = client.pipeline()
        pipe.watch("k")
        number = pipe.client_id()
        pipe.reset()
        assert (leased(client), client.connection_pool._engine.idle) == (0, 1)
        pipe.watch("k")
        assert pipe.client_id() == number
        pipe.reset()


def test_reset_spares_the_pool_a_handshake(node: FakeNode) -> None:
    with redis.Redis(port=node.port) as client:
        pipe = client.pipeline()
        for _ in range(2):
            pipe.watch("k")
            pipe.reset()
        pipe.watch("k")
        assert (len(node.calls("UNWATCH")), node.calls("RESET")) == (2, [])
        assert len({seen.connection for seen in node.calls("WATCH")}) == 1


def test_a_pipeline_that_is_dropped_gives_its_lease_back(server: Server) -> None:
    with connect(server) as client:
        client.pipeline().watch("k")
        gc.collect()
        wait_until(lambda: leased(client) == 0)
        assert client.ping()


def test_a_pool_that_has_lent_all_it_has_refuses_a_watch_at_once(server: Server) -> None:
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 2)
    pool = redis.ConnectionPool.from_url(server.url, max_connections=1, retry=retry)
    client = redis.Redis(connection_pool=pool)
    with client.pipeline() as first, client.pipeline() as second:
        first.watch("k")
        with pytest.raises(redis.exceptions.MaxConnectionsError):
            second.watch("k")
        assert pool._engine.stats().exhausted == 1
        first.reset()
        assert second.watch("k")
        assert leased(client) == 1
    pool.close()


def test_disconnect_leaves_a_pipeline_what_it_watches(server: Server) -> None:
    with connect(server) as client, client.pipeline() as pipe:
        pipe.watch("k")
        client.connection_pool.disconnect()
        client.set("k", 1)
        pipe.multi()
        with pytest.raises(redis.WatchError):
            pipe.set("k", 2).execute()
        wait_until(lambda: server.client_count() == 1)  # its engine was closed: so is its lease
        pipe.watch("k")
        pipe.multi()
        assert pipe.set("k", 3).execute() == [True]


def test_after_auth_a_pipeline_watches_as_the_new_user(users: Server) -> None:
    with connect(users) as client:
        with client.pipeline() as pipe:
            pipe.watch("k")
            client.auth("reader", "reader")
            assert pipe.acl_whoami() == "default"
            pipe.reset()
            pipe.watch("k")
            assert pipe.acl_whoami() == "reader"
            pipe.multi()
            with pytest.raises(redis.exceptions.NoPermissionError):
                pipe.set("k", 1).execute()
        client.connection_pool.disconnect()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_leaves_its_parents_watch_alone(server: Server) -> None:
    with connect(server) as client, client.pipeline() as pipe:
        pipe.watch("k")
        child = os.fork()
        if child == 0:
            try:
                client.set("other", 1)
                pipe.reset()
                pipe.watch("other")
                pipe.multi()
                os._exit(0 if pipe.incr("other").execute() == [2] else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        pipe.multi()
        assert pipe.set("k", 1).get("other").execute() == [True, b"2"]


# At most once -------------------------------------------------------------------------------------------------


def test_an_exec_that_may_have_run_is_no_watch_error(node: FakeNode) -> None:
    node.on("EXEC", lambda *_: node.drop())
    with redis.Redis(port=node.port) as client:
        with pytest.raises(redis.ConnectionError) as caught:
            client.transaction(lambda pipe: pipe.multi() or pipe.incr("k"), "k")
        assert caught.value.__cause__.executed == "unknown"  # type: ignore[union-attr]
        assert len(node.calls("EXEC")) == 1


def test_a_write_at_once_that_may_have_run_is_no_watch_error(node: FakeNode) -> None:
    node.on("INCRBY", lambda *_: node.drop())
    with redis.Redis(port=node.port) as client, client.pipeline() as pipe:
        pipe.watch("k")
        with pytest.raises(redis.ConnectionError):
            pipe.incr("k")
        assert (len(node.calls("INCRBY")), pipe.watching, pipe.connection) == (1, False, None)


def test_a_read_that_is_lost_is_a_watch_error_so_the_transaction_runs_again(node: FakeNode) -> None:
    node.once("GET", lambda *_: node.drop())
    with redis.Redis(port=node.port) as client:

        def copy(pipe: Any) -> None:
            value = pipe.get("k")
            pipe.multi()
            pipe.set("twin", value or "none")

        assert client.transaction(copy, "k") == [True]
        assert (len(node.calls("WATCH")), len(node.calls("EXEC"))) == (2, 1)


@pytest.mark.parametrize(("retry", "tries"), [(None, 1), (redis.retry.Retry(redis.backoff.NoBackoff(), 2), 3)])
def test_a_watch_is_sent_again_as_often_as_retry_says(node: FakeNode, retry: Any, tries: int) -> None:
    node.on("WATCH", lambda *_: node.drop())
    with redis.Redis(port=node.port, retry=retry) as client, client.pipeline() as pipe:
        with pytest.raises(redis.ConnectionError):
            pipe.watch("k")
        assert len(node.calls("WATCH")) == tries


# asyncio ------------------------------------------------------------------------------------------------------


async def in_asyncio(client: Any, case: Callable[[Any], Any]) -> Any:
    """Run a case, which is written for threads, on an asyncio pipeline in a thread of its own."""
    loop = asyncio.get_running_loop()

    class Waiting:
        """A pipeline whose methods wait for what the asyncio one returns."""

        def __init__(self, pipe: Any) -> None:
            self.pipe = pipe

        def __getattr__(self, name: str) -> Any:
            found = getattr(self.pipe, name)
            return self.called(found) if callable(found) else found

        def called(self, method: Any) -> Any:
            def call(*args: Any, **options: Any) -> Any:
                async def run() -> Any:
                    result = method(*args, **options)
                    return self if result is self.pipe else await result if hasattr(result, "__await__") else result

                return asyncio.run_coroutine_threadsafe(run(), loop).result()

            return call

    await client.mset({"a": 1, "b": "text"})
    try:
        async with client.pipeline() as pipe:
            return [plain(value) for value in await asyncio.to_thread(case, Waiting(pipe)) or ()]
    except original.RedisError as error:
        return plain(error)
    finally:
        await client.flushall()


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"encoding": "latin-1"}], ids=str)
@pytest.mark.parametrize("case", CASES)
async def test_results_and_errors_are_redis_pys_in_asyncio(
    server: Server, case: Callable[[Any], Any], options: dict[str, Any]
) -> None:
    async with original_asyncio.from_url(server.url, **options) as theirs:
        expected = await in_asyncio(theirs, case)
    async with ours.from_url(server.url, **options) as client:
        assert await in_asyncio(client, case) == expected
        pool = client.connection_pool
        assert (len(pool._available_connections), len(pool._in_use_connections)) == (0, 0)


async def test_in_asyncio_an_exec_that_may_have_run_is_no_watch_error(node: FakeNode) -> None:
    node.on("EXEC", lambda *_: node.drop())
    async with ours.Redis(port=node.port) as client:

        async def count(pipe: Any) -> None:
            pipe.multi()
            pipe.incr("k")

        with pytest.raises(redis.ConnectionError) as caught:
            await client.transaction(count, "k")
        assert caught.value.__cause__.executed == "unknown"  # type: ignore[union-attr]
        assert len(node.calls("EXEC")) == 1


async def test_in_asyncio_a_write_at_once_that_may_have_run_is_no_watch_error(node: FakeNode) -> None:
    node.on("INCRBY", lambda *_: node.drop())
    async with ours.Redis(port=node.port) as client, client.pipeline() as pipe:
        await pipe.watch("k")
        with pytest.raises(redis.ConnectionError):
            await pipe.incr("k")
        assert (len(node.calls("INCRBY")), pipe.watching, pipe.connection) == (1, False, None)


async def test_in_asyncio_a_read_that_is_lost_is_a_watch_error_so_the_transaction_runs_again(node: FakeNode) -> None:
    node.once("GET", lambda *_: node.drop())
    async with ours.Redis(port=node.port) as client:

        async def copy(pipe: Any) -> None:
            value = await pipe.get("k")
            pipe.multi()
            pipe.set("twin", value or "none")

        assert await client.transaction(copy, "k") == [True]
        assert (len(node.calls("WATCH")), len(node.calls("EXEC"))) == (2, 1)


@pytest.mark.parametrize("method", ["watch", "get", "execute", "reset"])
async def test_a_task_that_is_cancelled_in_a_watching_pipeline_gives_the_lease_back(node: FakeNode, method: str) -> None:
    async with ours.Redis(port=node.port) as client:
        await client.ping()
        command = {"watch": "WATCH", "get": "GET", "execute": "EXEC", "reset": "UNWATCH"}[method]

        async def work() -> None:
            async with client.pipeline() as pipe:
                await pipe.watch("k")
                if method == "get":
                    await pipe.get("k")
                elif method == "execute":
                    pipe.multi()
                    await pipe.set("k", 1).execute()

        is_held = threading.Event()
        node.once(command, lambda *_: is_held.set() or Hold())
        task = asyncio.create_task(work())
        assert await asyncio.to_thread(is_held.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        engine = client.connection_pool._engine
        assert engine.leased == 0
        assert await client.transaction(lambda pipe: pipe.multi() or pipe.set("k", 2), "k") == [True]


async def test_a_pipeline_that_nobody_resets_frees_its_place_with_a_warning(server: Server) -> None:
    async with ours.from_url(server.url) as client:
        await client.ping()
        engine = client.connection_pool._engine
        with pytest.warns(ResourceWarning) as caught:
            await client.pipeline().watch("k")
            gc.collect()
        assert {str(warning.message).split()[0] for warning in caught} == {"Unclosed", "a"}  # redis-py's, and the pool's
        await asyncio.to_thread(wait_until, lambda: engine.leased == 0)
