"""Pipelines of RedisCluster that watch keys: they run on a lease of the engine, to the node of their slot."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import cluster as theirs
from redis.asyncio import cluster as async_theirs
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from compat.redis.conftest import OF_CLUSTERS, Connect
from compat.redis.test_pipelines import plain
from respool.compat import redis
from respool.compat.redis import asyncio as ours_async
from respool.testing import Close, ClusterServers, FakeCluster, Hold, Reset, wait_until

pytestmark = OF_CLUSTERS
in_new_versions = pytest.mark.skipif(
    not hasattr(async_theirs, "TransactionStrategy"), reason="redis-py 6 has no such transactions"
)

#: What COMMAND says of the commands here: redis-py finds their keys by it.
COMMANDS = b"*4\r\n" + b"".join(
    b"*6\r\n$%d\r\n%s\r\n:-2\r\n*0\r\n:1\r\n:%d\r\n:1\r\n" % (len(name), name, last)
    for name, last in {b"get": 1, b"set": 1, b"incrby": 1, b"watch": -1}.items()
)


@pytest.fixture
def scripted() -> Iterator[FakeCluster]:
    with FakeCluster(primaries=2) as cluster:
        cluster.on("COMMAND", COMMANDS)
        yield cluster


def client_of(cluster: FakeCluster, tries: int = 3) -> Any:
    return redis.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port, retry=Retry(NoBackoff(), tries - 1))


def async_client_of(cluster: FakeCluster) -> Any:
    return ours_async.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port, retry=AsyncRetry(NoBackoff(), 2))


def leased(client: Any) -> int:
    engine = client._engine
    return getattr(engine, "_sender", engine).leased  # type: ignore[no-any-return]  # it may be an EncodingEngine


def own_connections(client: Any) -> int:
    """Return how many connections of redis-py's own are open."""
    pools = [node.redis_connection.connection_pool for node in client.get_nodes() if node.redis_connection]
    made = [conn for pool in pools for conn in (*pool._available_connections, *pool._in_use_connections)]
    return sum(conn._sock is not None for conn in made)


# As in redis-py -----------------------------------------------------------------------------------------------


def reads_at_once(pipe: Any) -> Any:
    pipe.watch("{a}", "{a}2")
    before = pipe.get("{a}"), pipe.hgetall("{a}h")
    pipe.multi()
    pipe.set("{a}", 2).incr("{a}").hset("{a}h", "f", 1).hgetall("{a}h").zadd("{a}z", {"m": 1})
    return before, pipe.zrange("{a}z", 0, -1, withscores=True).execute()


def changes_a_watched_key(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.set("{a}", 3)
    pipe.multi()
    return pipe.get("{a}").execute()


def forgets(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.set("{a}", 3)
    return pipe.unwatch(), pipe.get("{a}") is pipe, pipe.execute()


def watches_again(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.watch("{a}2")
    pipe.unwatch()
    pipe.watch("{a}3")
    pipe.multi()
    return pipe.set("{a}3", 1).execute(), pipe.set("b", 1).execute()


def ends_without_commands(pipe: Any) -> Any:
    pipe.watch("{a}")
    return pipe.execute(), len(pipe)


def leaves_it_to_reset(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.reset()
    return (pipe.set("b", 9).execute(),)


def refused_at_once(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.hget("{a}", "f")


def refused_in_the_end(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    return pipe.set("{a}", 2).hget("{a}", "f").get("{a}").execute(raise_on_error=False)


def refused_in_the_end_and_raised(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    return pipe.set("{a}", 2).hget("{a}", "f").get("{a}").execute()


def refused_in_the_queue(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    return pipe.set("{a}", 2).execute_command("ZREM", "{a}").execute()


def watches_two_slots(pipe: Any) -> Any:
    pipe.watch("{a}", "b")


def reads_of_another_slot(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.get("b")


def writes_to_another_slot(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    pipe.set("b", 1).execute()


def watches_after_multi(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    pipe.watch("{a}")


def begins_twice(pipe: Any) -> Any:
    pipe.watch("{a}")
    pipe.multi()
    pipe.multi()


def reads_bytes(pipe: Any) -> Any:
    pipe.watch("{a}")
    first = pipe.dump("{a}")
    pipe.multi()
    return first, pipe.get("{a}").execute()


CASES: list[Callable[[Any], Any]] = [
    reads_at_once,
    changes_a_watched_key,
    forgets,
    watches_again,
    ends_without_commands,
    leaves_it_to_reset,
    refused_at_once,
    refused_in_the_end,
    refused_in_the_end_and_raised,
    refused_in_the_queue,
    watches_two_slots,
    reads_of_another_slot,
    writes_to_another_slot,
    watches_after_multi,
    begins_twice,
    reads_bytes,
]
OPTIONS: list[dict[str, Any]] = [{}, {"decode_responses": True}, {"protocol": 2}, {"encoding": "latin-1"}]


def outcome(client: Any, case: Callable[[Any], Any]) -> Any:
    client.set("{a}", 1)
    try:
        with client.pipeline(transaction=True) as pipe:
            return [plain(value) for value in case(pipe) or ()]
    except Exception as error:
        return plain(error)
    finally:
        client.flushall()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_results_and_errors_are_redis_pys(connect: Connect, options: dict[str, Any]) -> None:
    own, client = connect(theirs.RedisCluster, **options), connect(**options)
    for node in client.get_nodes():
        node.redis_connection.connection_pool.disconnect()
    for case in CASES:
        assert outcome(client, case) == outcome(own, case), case.__name__
    assert (own_connections(client), leased(client)) == (0, 0)


def test_the_lease_is_to_the_node_of_the_key_as_the_client_encodes_it(servers: ClusterServers, connect: Connect) -> None:
    client = connect(encoding="latin-1")
    letters = map(chr, range(0xC0, 0x100))
    key = next(one for one in letters if servers.owner_of(one.encode("latin-1")) is not servers.owner_of(one.encode()))
    assert client.transaction(lambda pipe: pipe.multi() or pipe.incr(key), key) == [1]
    assert servers.owner_of(key.encode("latin-1")).command("GET", key.encode("latin-1")) == b"1"


def test_a_changed_key_is_a_watch_error_and_nothing_is_run(connect: Connect) -> None:
    client = connect()
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("k")
        assert leased(client) == 1
        client.set("k", 1)
        pipe.multi()
        with pytest.raises(redis.WatchError, match=r"Watched variable changed\."):
            pipe.set("k", 2).execute()
        assert leased(client) == 0
    assert client.get("k") == b"1"


def test_transaction_runs_again_until_nobody_has_changed_the_key(connect: Connect) -> None:
    client = connect()
    client.set("k", 1)
    disturbances = [10, 20]

    def double(pipe: Any) -> None:
        value = int(pipe.get("k"))
        if disturbances:
            client.set("k", disturbances.pop())
        pipe.multi()
        pipe.set("k", 2 * value)

    assert client.transaction(double, "k") == [b"OK"]
    assert client.get("k") == b"20"
    assert leased(client) == 0


# The lease ----------------------------------------------------------------------------------------------------


def test_reset_gives_the_lease_back_clean(connect: Connect) -> None:
    client = connect()
    pipe = client.pipeline(transaction=True)
    pipe.watch("k")
    pipe.reset()
    assert (leased(client), client._engine.idle) == (0, 1)
    pipe.watch("k")
    pipe.unwatch()
    assert (leased(client), client._engine.idle) == (0, 1)


def test_a_pipeline_that_is_dropped_gives_its_lease_back(connect: Connect) -> None:
    client = connect()
    client.pipeline(transaction=True).watch("k")
    gc.collect()
    wait_until(lambda: leased(client) == 0)
    assert client.get("k") is None


def test_a_slot_that_moves_is_a_watch_error(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    owner = scripted.owner_of("k")
    other = next(node for node in scripted.primaries if node is not owner)
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("k")
        scripted.move_slots(scripted.slot_of("k"), other)
        with pytest.raises(redis.WatchError):  # redis-py would read it at the other node, where nobody watches it
            pipe.get("k")
        pipe.watch("k")
        pipe.multi()
        scripted.move_slots(scripted.slot_of("k"), owner)
        with pytest.raises(redis.WatchError):
            pipe.set("k", 1).execute()
        pipe.watch("k")
        pipe.multi()
        assert pipe.set("k", 2).execute() == [b"OK"]
    client.close()


def test_a_watch_at_a_node_that_has_lost_the_slot_goes_to_the_other_one(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    client.get("k")  # the map is known
    other = next(node for node in scripted.primaries if node is not scripted.owner_of("k"))
    scripted.move_slots(scripted.slot_of("k"), other)
    assert client.transaction(lambda pipe: pipe.multi() or pipe.set("k", 1), "k") == [b"OK"]
    assert other.calls("EXEC")
    client.close()


def test_a_watch_at_a_node_that_has_lost_the_slot_is_an_error_if_nothing_is_tried_again(scripted: FakeCluster) -> None:
    client = client_of(scripted, tries=1)
    client.get("k")
    other = next(node for node in scripted.primaries if node is not scripted.owner_of("k"))
    scripted.move_slots(scripted.slot_of("k"), other)
    with pytest.raises(redis.exceptions.ClusterError, match="is served by"):
        client.pipeline(transaction=True).watch("k")
    client.close()


# At most once -------------------------------------------------------------------------------------------------


def test_an_exec_that_may_have_run_is_no_watch_error(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    scripted.owner_of("k").on("EXEC", Close())
    with pytest.raises(redis.ConnectionError) as caught:
        client.transaction(lambda pipe: pipe.multi() or pipe.incr("k"), "k")
    assert caught.value.__cause__.executed == "unknown"  # type: ignore[union-attr]
    assert scripted.count("EXEC") == 1
    client.close()


def test_a_write_at_once_that_may_have_run_is_no_watch_error(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    scripted.owner_of("k").on("INCRBY", Close())
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("k")
        with pytest.raises(redis.ConnectionError):
            pipe.incr("k")
        assert (scripted.count("INCRBY"), leased(client)) == (1, 0)
    client.close()


def test_a_read_that_is_lost_is_a_watch_error_so_the_transaction_runs_again(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    scripted.owner_of("k").once("GET", Reset())

    def copy(pipe: Any) -> None:
        value = pipe.get("k")
        pipe.multi()
        pipe.set("{k}twin", value or "none")

    assert client.transaction(copy, "k") == [b"OK"]
    assert (scripted.count("WATCH"), scripted.count("EXEC")) == (2, 1)
    client.close()


@pytest.mark.parametrize("tries", [1, 3])
def test_a_watch_is_sent_again_as_often_as_retry_says(scripted: FakeCluster, tries: int) -> None:
    client = client_of(scripted, tries=tries)
    scripted.owner_of("k").on("WATCH", Close())
    with pytest.raises(redis.ConnectionError):
        client.pipeline(transaction=True).watch("k")
    assert scripted.count("WATCH") == tries
    client.close()


def test_a_write_behind_a_watch_that_was_refused_is_sent_once(scripted: FakeCluster) -> None:
    client = client_of(scripted)
    scripted.owner_of("k").on("WATCH", b"-NOPERM no\r\n")
    scripted.owner_of("k").on("INCRBY", Close())
    with client.pipeline(transaction=True) as pipe:
        with pytest.raises(redis.exceptions.NoPermissionError):
            pipe.watch("k")
        with pytest.raises(redis.ConnectionError):
            pipe.incr("k")
        assert (scripted.count("WATCH"), scripted.count("INCRBY")) == (1, 1)
    client.close()


# asyncio ------------------------------------------------------------------------------------------------------


async def in_asyncio(client: Any, case: Callable[[Any], Any]) -> Any:
    """Run a case, which is written for threads, on an asyncio pipeline, from a thread of its own."""
    loop = asyncio.get_running_loop()

    class Waiting:
        """A pipeline whose methods wait for what the asyncio one returns."""

        def __init__(self, pipe: Any) -> None:
            self.pipe = pipe

        def __len__(self) -> int:
            return len(self.pipe)

        def __getattr__(self, name: str) -> Any:
            method = getattr(self.pipe, name)

            def call(*args: Any, **options: Any) -> Any:
                async def run() -> Any:
                    result = method(*args, **options)
                    if result is not self.pipe and hasattr(result, "__await__"):
                        result = await result
                    return self if result is self.pipe else result

                return asyncio.run_coroutine_threadsafe(run(), loop).result()

            return call

    await client.set("{a}", 1)
    try:
        async with client.pipeline(transaction=True) as pipe:
            return [plain(value) for value in await asyncio.to_thread(case, Waiting(pipe)) or ()]
    except Exception as error:
        return plain(error)
    finally:
        await client.flushall()


@in_new_versions
@pytest.mark.parametrize("options", OPTIONS, ids=str)
async def test_results_and_errors_are_redis_pys_in_asyncio(servers: ClusterServers, options: dict[str, Any]) -> None:
    place = {"host": "127.0.0.1", "port": servers.nodes[0].port}
    async with async_theirs.RedisCluster(**place, **options) as own, ours_async.RedisCluster(**place, **options) as client:
        for case in CASES:
            expected = await in_asyncio(own, case)
            if expected[0] is not TypeError:  # redis-py's own: it gives a callback an option of the call
                assert await in_asyncio(client, case) == expected, case.__name__
        assert leased(client) == 0
        assert not any(conn.is_connected for node in client.get_nodes() for conn in node._connections)


@in_new_versions
async def test_in_asyncio_a_changed_key_is_a_watch_error(servers: ClusterServers) -> None:
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port) as client:
        async with client.pipeline(transaction=True) as pipe:
            await pipe.watch("k")
            await client.set("k", 1)
            pipe.multi()
            with pytest.raises(redis.WatchError, match=r"Watched variable changed\."):
                await pipe.set("k", 2).execute()
        assert await client.get("k") == b"1"


@in_new_versions
async def test_in_asyncio_an_exec_that_may_have_run_is_no_watch_error(scripted: FakeCluster) -> None:
    scripted.owner_of("k").on("EXEC", Close())
    async with async_client_of(scripted) as client, client.pipeline(transaction=True) as pipe:
        await pipe.watch("k")
        pipe.multi()
        with pytest.raises(redis.ConnectionError) as caught:
            await pipe.incr("k").execute()
        assert caught.value.__cause__.executed == "unknown"  # type: ignore[union-attr]
        assert scripted.count("EXEC") == 1


@in_new_versions
async def test_in_asyncio_what_is_lost_while_keys_are_watched_is_sent_once(scripted: FakeCluster) -> None:
    owner = scripted.owner_of("k")
    async with async_client_of(scripted) as client, client.pipeline(transaction=True) as pipe:
        owner.once("WATCH", Reset())
        await pipe.watch("k")
        assert scripted.count("WATCH") == 2
        owner.once("GET", Reset())
        with pytest.raises(redis.WatchError):
            await pipe.get("k")
        await pipe.watch("k")
        owner.once("INCRBY", Reset())
        with pytest.raises(redis.ConnectionError):
            await pipe.incr("k")
        assert (scripted.count("GET"), scripted.count("INCRBY"), leased(client)) == (1, 1, 0)


@in_new_versions
async def test_in_asyncio_a_write_behind_a_watch_that_was_refused_is_sent_once(scripted: FakeCluster) -> None:
    scripted.owner_of("k").on("WATCH", b"-NOPERM no\r\n")
    scripted.owner_of("k").on("INCRBY", Close())
    async with async_client_of(scripted) as client, client.pipeline(transaction=True) as pipe:
        with pytest.raises(redis.exceptions.NoPermissionError):
            await pipe.watch("k")
        with pytest.raises(redis.ConnectionError):
            await pipe.incr("k")
        assert (scripted.count("WATCH"), scripted.count("INCRBY")) == (1, 1)


@in_new_versions
@pytest.mark.parametrize("method", ["watch", "get", "execute", "reset"])
async def test_a_task_that_is_cancelled_in_a_watching_pipeline_gives_the_lease_back(
    scripted: FakeCluster, method: str
) -> None:
    owner = scripted.owner_of("k")
    async with async_client_of(scripted) as client:
        await client.get("k")
        command = {"watch": "WATCH", "get": "GET", "execute": "EXEC", "reset": "UNWATCH"}[method]

        async def work() -> None:
            async with client.pipeline(transaction=True) as pipe:
                await pipe.watch("k")
                if method == "get":
                    await pipe.get("k")
                elif method == "execute":
                    pipe.multi()
                    await pipe.set("k", 1).execute()

        is_held = threading.Event()
        owner.once(command, lambda *_: is_held.set() or Hold())
        task = asyncio.create_task(work())
        assert await asyncio.to_thread(is_held.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert leased(client) == 0
        assert await client.pipeline(transaction=True).set("k", 2).execute() == [True]
