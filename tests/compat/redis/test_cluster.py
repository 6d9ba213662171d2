"""RedisCluster: commands and pipelines of redis-py's client for a cluster go through respool's cluster pool."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as original
from redis import cluster as theirs
from redis.asyncio import cluster as async_theirs
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, LoadBalancingStrategy
from redis.retry import Retry

from compat.redis.conftest import OF_CLUSTERS, Connect, engine_connections
from respool import ClusterPool
from respool.compat import redis
from respool.compat.redis import asyncio as ours_async
from respool.testing import ClusterServers, wait_until

pytestmark = OF_CLUSTERS


def no_connections(client: Any) -> int:
    """Return how many connections of redis-py's own are in use."""
    pools = [node.redis_connection.connection_pool for node in client.get_nodes() if node.redis_connection]
    return sum(len(pool._in_use_connections) for pool in pools)


def calls(servers: ClusterServers, name: str) -> dict[int, int]:
    """Return how often each node has run a command."""
    counts: dict[int, int] = {}
    for node in servers.nodes:
        stats = node.command("INFO", "commandstats").decode()
        found = [line for line in stats.splitlines() if line.startswith(f"cmdstat_{name}:")]
        counts[node.port] = int(found[0].split("calls=")[1].split(",")[0]) if found else 0
    return counts


def outcome(error: Exception) -> Any:
    """Return what is compared of an error: its class and its text. Errors of arguments have respool's words."""
    return type(error), "" if isinstance(error, redis.DataError) else str(error)


def all_replies(client: Any) -> list[Any]:
    """Return what each of ``COMMANDS`` returns, or raises."""
    found: list[Any] = []
    for command in COMMANDS:
        try:
            found.append(command(client))
        except Exception as error:
            found.append(outcome(error))
    return found


async def all_async_replies(client: Any) -> list[Any]:
    found: list[Any] = []
    for command in COMMANDS:
        try:
            reply = command(client)
            found.append(await reply if inspect.isawaitable(reply) else reply)
        except Exception as error:
            found.append(outcome(error))
    return found


# Replies ------------------------------------------------------------------------------------------------------


COMMANDS: list[Callable[[Any], Any]] = [
    lambda client: client.set("k", 1, ex=10),
    lambda client: client.get("k"),
    lambda client: client.incr("k"),
    lambda client: client.hset("h", mapping={"a": 1}),
    lambda client: client.hgetall("h"),
    lambda client: client.zadd("z", {"a": 1.5}),
    lambda client: client.zrange("z", 0, -1, withscores=True),
    lambda client: client.incr("h"),
    lambda client: client.mset({"{a}1": 1, "{a}2": 2}),
    lambda client: client.mget("{a}1", "{a}2"),
    lambda client: client.mget("a", "b"),
    lambda client: client.mset_nonatomic({"x": 1, "y": 2}),
    lambda client: client.mget_nonatomic("x", "y", "nothing"),
    lambda client: client.exists("x", "y", "nothing"),
    lambda client: client.delete("x", "y", "nothing"),
    lambda client: client.execute_command("SET", "k"),
    lambda client: client.execute_command("GET", "k", "k"),
    lambda client: client.execute_command("NOTHING"),
    lambda client: client.dump("nothing"),
    lambda client: client.xadd("s", {"a": 1}, id="1-1"),
    lambda client: client.xread({"s": "0"}),
    lambda client: client.blpop(["nothing"], 0.01),
    lambda client: client.set("k", object()),
    lambda client: client.ping(),
    lambda client: client.ping(target_nodes=client.ALL_NODES),
    lambda client: client.dbsize(target_nodes=client.PRIMARIES),
    lambda client: client.execute_command("PING", target_nodes=client.get_primaries()),
    lambda client: client.execute_command("PING", target_nodes={1: client.get_replicas()[0]}),
    lambda client: client.config_get("maxmemory", target_nodes=client.get_primaries()[1]),
    lambda client: client.execute_command("PING", target_nodes=7),
    lambda client: client.execute_command("PING", target_nodes=[]),
    lambda client: client.keys("k*", target_nodes=client.PRIMARIES),
    lambda client: client.scan(match="k*", count=1000),
    lambda client: client.scan(match="k*", count=1000, target_nodes=client.get_primaries()[0]),
    lambda client: client.execute_command("PUBLISH", "channel", "message"),
    lambda client: client.execute_command("SPUBLISH", "channel", "message"),
    lambda client: client.pubsub_numsub("channel", target_nodes=client.ALL_NODES),
    lambda client: client.script_load("return 1"),
    lambda client: client.script_exists("e0e1f9fabfc9d4800c877a703b823ac0578ff8db"),
    lambda client: client.evalsha("e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 0),
    lambda client: client.evalsha("e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 1, "a"),
    lambda client: client.evalsha("f" * 40, 1, "a"),
    lambda client: client.eval("return KEYS", 2, "{a}1", "{a}2"),
    lambda client: client.eval("return 1", 2, "a", "b"),
    lambda client: client.execute_command("EVAL", "return 1"),
    lambda client: client.register_script("return ARGV[1]")(keys=["a"], args=["b"]),
    lambda client: client.cluster_keyslot("a"),
    lambda client: client.cluster_countkeysinslot(15495),
    lambda client: client.cluster_slots(),
    lambda client: client.cluster_get_keys_in_slot(15495, 1),
    lambda client: client.execute_command("MEMORY USAGE", "nothing"),
    lambda client: client.execute_command("OBJECT", "ENCODING", "k"),
    lambda client: client.object("ENCODING", "k"),
    lambda client: client.sort("nothing"),
    lambda client: client.rename("{a}1", "{a}3"),
    lambda client: client.rename("a", "b"),
    lambda client: client.client_getname(),
    lambda client: client.flushall(),
    lambda client: client.flushdb(target_nodes=client.PRIMARIES),
    lambda client: client.get("k", "too many"),
]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"decode_responses": True},
    {"protocol": 3},
    {"protocol": 2},
    {"encoding": "latin-1"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_reply_is_that_of_redis_py(connect: Connect, options: dict[str, Any]) -> None:
    ours, own = connect(**options), connect(theirs.RedisCluster, **options)
    expected = all_replies(own)
    for number, (found, wanted) in enumerate(zip(all_replies(ours), expected, strict=True)):
        assert found == wanted, number
    assert ours._engine is not None


@pytest.mark.parametrize("options", OPTIONS)
async def test_every_reply_is_that_of_redis_py_in_asyncio(servers: ClusterServers, options: dict[str, Any]) -> None:
    place = {"host": "127.0.0.1", "port": servers.nodes[0].port}
    own = async_theirs.RedisCluster(**place, **options)
    expected = await all_async_replies(own)
    primaries = len(own.get_primaries())
    await own.aclose()
    if primaries < 3:
        pytest.skip("redis-py 7.1 overlooks the primary that it asks first")
    async with ours_async.RedisCluster(**place, **options) as client:
        for number, (found, wanted) in enumerate(zip(await all_async_replies(client), expected, strict=True)):
            assert found == wanted, number
        assert client._engine is not None


# Where commands go ----------------------------------------------------------------------------------------------


def test_commands_for_one_slot_and_for_nodes_go_through_respool(servers: ClusterServers, connect: Connect) -> None:
    client = connect()
    assert client._engine is None  # redis-py finds the nodes by itself
    client.set("k", 1)
    assert isinstance(client._engine, ClusterPool)
    for node in client.get_nodes():
        node.redis_connection.connection_pool.disconnect()
    client.get("k")
    client.dbsize(target_nodes=client.ALL_NODES)
    client.pipeline().set("a", 1).set("b", 2).execute()
    client.pipeline(transaction=True).set("a", 1).incr("a").execute()
    for server in servers.nodes:
        assert {row["lib-name"] for row in server.clients()} - {""} == {"respool"}


def test_target_nodes_are_the_nodes_that_run_it(servers: ClusterServers, connect: Connect) -> None:
    client = connect()
    before = calls(servers, "time")
    one, *_ = client.get_replicas()
    client.execute_command("TIME", target_nodes=one)
    after = calls(servers, "time")
    assert {port: after[port] - before[port] for port in after if after[port] != before[port]} == {one.port: 1}
    client.execute_command("TIME", target_nodes=client.PRIMARIES)
    assert sum(calls(servers, "time").values()) == sum(after.values()) + 3
    before = calls(servers, "publish")[one.port]
    client.execute_command("PUBLISH", "channel", "message", target_nodes=one)
    assert calls(servers, "publish")[one.port] == before + 1


def test_a_command_at_a_node_without_its_key_follows_the_redirect(connect: Connect) -> None:
    client = connect(decode_responses=True)
    wrong = next(node for node in client.get_primaries() if node != client.get_node_from_key("k"))
    assert client.execute_command("SET", "k", 1, target_nodes=wrong)
    assert client.get("k") == "1"


def test_a_node_that_respool_does_not_know_is_asked_by_redis_py(servers: ClusterServers, connect: Connect) -> None:
    client = connect()
    known = client.get_primaries()[0]
    named = ClusterNode("127.0.0.1", known.port)
    named.host = "localhost"  # the cluster knows it by its address
    assert client.execute_command("PING", target_nodes=named) is True
    assert no_connections(client) == 0


def test_what_needs_a_connection_takes_redis_pys_own_path(connect: Connect) -> None:
    client = connect(decode_responses=True)
    client.set("k", 1)
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("k")
        client.set("k", 2)
        pipe.multi()
        pipe.set("k", 3)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.transaction(lambda pipe: (pipe.multi(), pipe.incr("k")), "k") == [3]
    assert client.transaction(lambda pipe: pipe.incr("k")) == [4]
    with client.pubsub() as pubsub:
        pubsub.subscribe("channel")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        client.publish("channel", "hello")
        assert pubsub.get_message(timeout=5)["data"] == "hello"
    node = client.get_primaries()[0]
    client.execute_command("TIME", target_nodes=node)  # its connections are there
    with client.monitor(node) as monitor:
        client.execute_command("TIME", target_nodes=node)
        assert monitor.next_command()["command"] == "TIME"


@pytest.mark.parametrize("name", ["SET", "EVAL"])
def test_user_callbacks_shape_replies(connect: Connect, name: str) -> None:
    client = connect()
    client.set_response_callback(name, lambda reply, **_: ("mine", reply))
    reply = client.set("k", 1) if name == "SET" else client.eval("return 1", 1, "k")
    assert reply == ("mine", True if name == "SET" else 1)
    if name == "SET":
        assert client.pipeline().set("k", 1).execute() == [("mine", True)]


def test_wait_counts_the_replicas_that_have_the_writes_of_other_connections(
    servers: ClusterServers, connect: Connect
) -> None:
    client = connect()
    owner = client.get_node_from_key("k")
    replica = servers.replicas_of(servers.owner_of("k"))[0]
    client.set("k", 1)
    assert client.wait(1, 5000, target_nodes=owner) == 1
    replica.pause()
    try:
        client.set("k", 2)
        assert client.wait(1, 50, target_nodes=owner) == 0
    finally:
        replica.resume()
    assert client.wait(1, 5000, target_nodes=owner) == 1


async def test_wait_in_asyncio(servers: ClusterServers) -> None:
    replica = servers.replicas_of(servers.owner_of("k"))[0]
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port) as client:
        owner = client.get_node_from_key("k")
        await client.set("k", 1)
        assert await client.execute_command("WAIT", 1, 5000, target_nodes=owner) == 1
        replica.pause()
        try:
            await client.set("k", 2)
            assert await client.execute_command("WAIT", 1, 50, target_nodes=owner) == 0
        finally:
            replica.resume()


# Pipelines ------------------------------------------------------------------------------------------------------


def commands_of_pipelines(pipe: Any) -> None:
    pipe.set("x", "a").incr("x").get("x").hset("{x}h", "f", 1).hgetall("{x}h").zadd("{x}z", {"m": 1})


def wrong(pipe: Any) -> None:
    pipe.execute_command("SET", "x")


@pytest.mark.parametrize("transaction", [False, True])
@pytest.mark.parametrize("raises", [False, True])
def test_pipelines_return_and_raise_what_redis_pys_do(connect: Connect, transaction: bool, raises: bool) -> None:
    found: list[Any] = []
    for kind in (theirs.RedisCluster, redis.RedisCluster):
        client = connect(kind)
        client.flushall()
        pipe = client.pipeline(transaction=transaction)
        for fill in (commands_of_pipelines, lambda pipe: pipe.set("x", 1).get("x"), wrong):
            fill(pipe)
            try:
                found.append([str(value) for value in pipe.execute(raise_on_error=raises)])
            except Exception as error:
                found.append((type(error), str(error), len(pipe)))
        found.append(pipe.execute())
    half = len(found) // 2
    assert found[:half] == found[half:]


@pytest.mark.skipif(not hasattr(async_theirs, "TransactionStrategy"), reason="redis-py 6 has no such transactions")
@pytest.mark.parametrize("transaction", [False, True])
@pytest.mark.parametrize("raises", [False, True])
async def test_pipelines_in_asyncio_do_too(servers: ClusterServers, transaction: bool, raises: bool) -> None:
    found: list[Any] = []
    for kind in (async_theirs.RedisCluster, ours_async.RedisCluster):
        async with kind(host="127.0.0.1", port=servers.nodes[0].port) as client:
            await client.flushall()
            pipe = client.pipeline(transaction=transaction)
            for fill in (commands_of_pipelines, lambda pipe: pipe.set("x", 1).get("x"), wrong):
                fill(pipe)
                try:
                    found.append([str(value) for value in await pipe.execute(raise_on_error=raises)])
                except Exception as error:
                    found.append((type(error), str(error), len(pipe)))
            found.append(await pipe.execute())
    half = len(found) // 2
    if found[0][0] is TypeError:
        pytest.skip("redis-py 6.2 to 7 fail here: they give a callback an option of the call")
    assert found[:half] == found[half:]


def test_a_pipeline_over_all_nodes_is_one_run_for_each(servers: ClusterServers, connect: Connect) -> None:
    client = connect(decode_responses=True)
    with client.pipeline() as pipe:
        for number in range(200):
            pipe.set(f"k{number}", number)
        assert pipe.execute() == [True] * 200
        for number in range(200):
            pipe.get(f"k{number}")
        assert pipe.execute() == [str(number) for number in range(200)]
        assert pipe.execute() == []
    assert no_connections(client) == 0


def test_a_pipeline_with_a_command_for_a_node_takes_redis_pys_own_path(connect: Connect) -> None:
    client = connect(decode_responses=True)
    pipe = client.pipeline()
    pipe.set("k", 1)
    pipe.execute_command("DBSIZE", target_nodes=client.get_node_from_key("k"))
    assert pipe.execute() == [True, 1]
    with pytest.raises(redis.exceptions.RedisClusterException):
        client.pipeline().execute_command("MGET", "a", "b").execute()
    with pytest.raises(redis.exceptions.CrossSlotTransactionError):
        client.pipeline(transaction=True).get("a").get("b").execute()


# Settings -------------------------------------------------------------------------------------------------------


class Stubborn(Retry):
    """Somebody's own way to retry."""


@pytest.mark.parametrize(
    "options",
    [
        {"retry": Stubborn(NoBackoff(), 1)},
        {"redis_connect_func": lambda connection: connection.on_connect()},
    ],
    ids=["retry", "connect"],
)
def test_settings_that_respool_does_not_know_leave_the_client_to_redis_py(
    connect: Connect, options: dict[str, Any]
) -> None:
    client = connect(**options)
    assert client.set("k", 1)
    assert client.pipeline().get("k").execute() == [b"1"]
    assert client._engine is None


def test_a_client_side_cache_leaves_the_client_to_redis_py(connect: Connect) -> None:
    client = connect()
    client.get_default_node().redis_connection.connection_pool.cache = object()
    assert client._read_options() == {}


@pytest.mark.filterwarnings("ignore:.*read_from_replicas:DeprecationWarning")
@pytest.mark.parametrize(
    ("options", "read_from"),
    [
        ({}, "primary"),
        ({"read_from_replicas": True}, "any"),
        ({"load_balancing_strategy": LoadBalancingStrategy.ROUND_ROBIN}, "any"),
        ({"load_balancing_strategy": LoadBalancingStrategy.ROUND_ROBIN_REPLICAS}, "replica"),
        ({"load_balancing_strategy": LoadBalancingStrategy.RANDOM_REPLICA}, "replica"),
    ],
)
async def test_strategies_say_which_nodes_answer_reads(
    servers: ClusterServers, connect: Connect, options: dict[str, Any], read_from: str
) -> None:
    client = connect(**options)
    client.set("k", 1)
    assert client._options["read_from"] == read_from
    owner = servers.owner_of("k").port

    def reads_elsewhere() -> int:
        return sum(count for port, count in calls(servers, "get").items() if port != owner)

    start = reads_elsewhere()
    if read_from != "primary":  # while no replica is up, primaries answer
        wait_until(lambda: client.get("k") == b"" or reads_elsewhere() > start)
    before = calls(servers, "get")
    for _ in range(20):
        assert client.get("k") in (b"1", None)
    after = calls(servers, "get")
    assert (after[owner] > before[owner]) is (read_from != "replica")
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port, **options) as other:
        await other.get("k")
        assert other._options["read_from"] == read_from


def test_nodes_are_dialed_where_address_remap_says(servers: ClusterServers, connect: Connect) -> None:
    asked: list[tuple[str, int]] = []
    client = connect(address_remap=lambda place: asked.append(place) or ("127.0.0.1", place[1]))
    asked.clear()
    assert client.set("k", 1)
    assert {port for _, port in asked} == {node.port for node in servers.nodes}


def test_tries_are_those_of_retry(connect: Connect) -> None:
    client = connect(retry=Retry(NoBackoff(), 7))
    client.set("k", 1)
    engine = client._engine
    assert client._options["retry"].attempts == 8
    client.set_retry(Retry(NoBackoff(), 2))
    assert client._engine is None
    client.set("k", 1)
    assert client._options["retry"].attempts == 3
    assert client._engine is not engine


# Who the client is, and its end -----------------------------------------------------------------------------------


@pytest.fixture
def reader(servers: ClusterServers) -> Iterator[None]:
    for node in servers.nodes:
        node.command("ACL", "SETUSER", "reader", "on", ">reader", "~*", "+@all", "-@write")
    yield
    for node in servers.nodes:
        node.command("ACL", "DELUSER", "reader")


@pytest.mark.usefixtures("reader")
def test_auth_holds_for_every_later_command(connect: Connect) -> None:
    client = connect()
    client.set("k", 1)
    assert client.auth("reader", "reader")
    for key in ("a", "b", "c", "k"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set(key, 2)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.pipeline().set("k", 2).execute()
    assert client.get("k") == b"1"
    client.close()
    assert client.set("k", 2)


@pytest.mark.usefixtures("reader")
async def test_auth_holds_in_asyncio_too(servers: ClusterServers) -> None:
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port) as client:
        await client.set("k", 1)
        assert await client.execute_command("AUTH", "reader", "reader")
        with pytest.raises(redis.exceptions.NoPermissionError):
            await client.set("k", 2)


@pytest.mark.parametrize("end", ["close", "disconnect_connection_pools"])
def test_a_client_that_was_closed_works_again(servers: ClusterServers, connect: Connect, end: str) -> None:
    client = connect()
    client.set("k", 1)
    getattr(client, end)()
    wait_until(lambda: engine_connections(servers) == 0)
    assert client.get("k") == b"1"
    assert client.pipeline().get("k").execute() == [b"1"]


def test_clients_that_nobody_closes_leave_nothing(servers: ClusterServers) -> None:
    for _ in range(3):
        client = redis.RedisCluster.from_url(f"redis://127.0.0.1:{servers.nodes[0].port}")
        client.set("k", 1)
        client.pipeline().get("k").execute()
    del client
    gc.collect()
    wait_until(lambda: engine_connections(servers) == 0)


def test_commands_that_redis_py_dispatches_leave_no_cycles(connect: Connect) -> None:
    client = connect()
    client.dbsize(target_nodes=client.PRIMARIES)
    gc.collect()
    gc.disable()
    try:
        client.dbsize(target_nodes=client.PRIMARIES)
        assert not [found for found in gc.get_objects() if type(found).__name__ == "EngineNode"]
    finally:
        gc.enable()


def test_asyncio_clients_that_nobody_closes_leave_nothing_in_any_loop(servers: ClusterServers) -> None:
    client = ours_async.RedisCluster.from_url(f"redis://127.0.0.1:{servers.nodes[0].port}")

    async def use(client: Any) -> None:
        await client.set("k", 1)
        assert await client.pipeline().get("k").get("a").execute() == [b"1", None]
        assert await client.dbsize(target_nodes=client.PRIMARIES)
        assert len(client.get_primaries()) == 3

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        asyncio.run(use(client))
        asyncio.run(use(client))
        del client
        gc.collect()


async def test_redis_py_keeps_no_connection_by_which_it_has_found_the_nodes(servers: ClusterServers) -> None:
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port) as client:
        await client.set("k", 1)
        manager = client.nodes_manager
        nodes = [*manager.nodes_cache.values(), *manager.startup_nodes.values()]
        assert nodes
        assert not any(conn.is_connected for node in nodes for conn in node._connections)


async def test_an_asyncio_client_with_a_connection_of_redis_pys_own_warns_as_before(servers: ClusterServers) -> None:
    client = ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port)
    await client.get("k")
    node = client.get_default_node()
    await node.execute_command("PING")
    with pytest.warns(ResourceWarning, match="Unclosed"):
        client.__del__()
    await client.aclose()


async def test_redis_py_finds_nodes_anew_without_closing_the_engine(servers: ClusterServers) -> None:
    async with ours_async.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port) as client:
        await client.set("k", 1)
        engine = client._engine
        wrong = next(node for node in client.get_primaries() if node != client.get_node_from_key("k"))
        client.reinitialize_steps = 1  # redis-py closes the client at each MOVED
        await client.execute_command("SET", "k", 2, target_nodes=wrong)
        assert client._engine is engine
        assert await client.get("k") == b"2"


def test_install_covers_clusters(servers: ClusterServers) -> None:
    redis.install()
    try:
        client = original.RedisCluster(host="127.0.0.1", port=servers.nodes[0].port)
        assert type(client) is original.cluster.RedisCluster is redis.RedisCluster
        assert client.pipeline().set("k", 1).execute() == [True]
        assert isinstance(client._engine, ClusterPool)
        assert original.asyncio.RedisCluster is original.asyncio.cluster.RedisCluster is ours_async.RedisCluster
        client.close()
    finally:
        redis.uninstall()
    assert original.RedisCluster is theirs.RedisCluster
    assert original.RedisCluster.__module__ == "redis.cluster"
    assert original.asyncio.RedisCluster.__module__ == "redis.asyncio.cluster"


# Changes of the cluster -------------------------------------------------------------------------------------------


@pytest.fixture
def unsteady() -> Iterator[ClusterServers]:
    with ClusterServers(primaries=3, replicas=1) as servers:
        yield servers


def test_slots_that_move_and_primaries_that_die(unsteady: ClusterServers) -> None:
    client = redis.RedisCluster(host="127.0.0.1", port=unsteady.nodes[0].port, decode_responses=True)
    client.set("k", 1)
    source = unsteady.owner_of("k")
    target = next(node for node in unsteady.primaries if node is not source)
    unsteady.move_slots(unsteady.slot_of("k"), target)
    unsteady.wait_agreed()
    assert client.incr("k") == 2
    assert client.pipeline().incr("k").set("a", 1).get("k").execute() == [3, True, "3"]
    assert client.pipeline(transaction=True).incr("k").execute() == [4]
    client.dbsize(target_nodes=client.PRIMARIES)
    assert client.get_node_from_key("k").port == target.port  # redis-py has looked again
    target.kill()
    unsteady.wait_agreed()
    assert client.incr("k") == 5
    assert client.flushall() == {f"127.0.0.1:{node.port}": True for node in unsteady.primaries}
    assert {node.port for node in client.get_primaries()} == {node.port for node in unsteady.primaries}
    client.close()


async def test_slots_that_move_and_primaries_that_die_in_asyncio(unsteady: ClusterServers) -> None:
    async with ours_async.RedisCluster(host="127.0.0.1", port=unsteady.nodes[0].port) as client:
        await client.set("k", 1)
        source = unsteady.owner_of("k")
        target = next(node for node in unsteady.primaries if node is not source)
        unsteady.move_slots(unsteady.slot_of("k"), target)
        unsteady.wait_agreed()
        assert await client.incr("k") == 2
        assert await client.pipeline().incr("k").set("a", 1).execute() == [3, True]
        await client.dbsize(target_nodes=client.PRIMARIES)
        assert client.get_node_from_key("k").port == target.port
        target.kill()
        unsteady.wait_agreed()
        assert await client.incr("k") == 4
        await client.flushall()
        owners = [client.nodes_manager.get_node_from_slot(slot) for slot in range(16384)]  # redis-py 7.4 keeps old roles
        assert {node.port for node in owners} == {node.port for node in unsteady.primaries}


def test_a_write_that_may_have_run_at_a_node_is_not_sent_there_again(servers: ClusterServers, connect: Connect) -> None:
    client = connect(socket_timeout=0.3)
    client.set("k", 1)
    client.dbsize(target_nodes=client.PRIMARIES)
    owner = servers.owner_of("k")
    before = calls(servers, "flushall")[owner.port]
    owner.pause()
    try:
        with pytest.raises(redis.TimeoutError) as caught:
            client.flushall()
        assert caught.value.__cause__.executed == "unknown"
    finally:
        owner.resume()
    wait_until(lambda: client.get("k") is None)
    assert calls(servers, "flushall")[owner.port] == before + 1
