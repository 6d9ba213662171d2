"""Sentinel: a client for the primary goes through respool's Sentinel pool, one for replicas takes redis-py's own path."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from redis import sentinel as original
from redis.asyncio import sentinel as async_original

from respool import AsyncSentinelPool, SentinelPool
from respool.compat import redis
from respool.compat.redis import asyncio as ours
from respool.testing import SentinelServers, wait_until
from respool.testing._ports import candidates

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servers() -> Iterator[SentinelServers]:
    with SentinelServers(replicas=1, sentinels=1) as running:
        yield running


def close(manager: Any) -> None:
    for sentinel in manager.sentinels:
        sentinel.close()


def seeds(servers: SentinelServers) -> list[tuple[str, int]]:
    return [(sentinel.host, sentinel.port) for sentinel in servers.sentinels]


def test_a_client_for_the_primary_uses_respool(servers: SentinelServers) -> None:
    manager = redis.Sentinel(seeds(servers), decode_responses=True)
    primary = manager.master_for(servers.name)
    assert primary.set("k", 1)
    assert primary.pipeline().incr("k").get("k").execute() == [2, "2"]
    assert isinstance(primary.connection_pool._engine, SentinelPool)
    assert isinstance(primary.connection_pool, original.SentinelConnectionPool)
    assert primary.connection_pool._created_connections == 0
    with primary.pipeline() as pipe:  # redis-py's own path finds the primary too
        pipe.watch("k")
        pipe.multi()
        pipe.set("k", 3)
        assert pipe.execute() == [True]
    primary.close()
    close(manager)


def test_a_client_for_replicas_takes_redis_pys_own_path(servers: SentinelServers) -> None:
    manager = redis.Sentinel(seeds(servers))
    replica = manager.slave_for(servers.name)
    assert replica.info("replication")["role"] == "slave"
    assert replica.connection_pool._engine is None
    replica.close()
    close(manager)


@pytest.mark.parametrize("settings", [{"min_other_sentinels": 1}, {"redis_connect_func": print}])
def test_settings_that_respool_does_not_know_leave_the_primary_to_redis_py(
    servers: SentinelServers, settings: dict[str, Any]
) -> None:
    pool = redis.Sentinel(seeds(servers), **settings).master_for(servers.name).connection_pool
    assert pool._make_engine() is None


def test_a_plain_sentinel_gets_an_engine_through_our_client(servers: SentinelServers) -> None:
    manager = original.Sentinel(seeds(servers))
    primary = manager.master_for(servers.name, redis_class=redis.Redis)
    assert primary.ping()
    assert isinstance(primary.connection_pool._engine, SentinelPool)
    primary.close()
    close(manager)


def test_a_service_without_a_primary_is_redis_pys_error(servers: SentinelServers) -> None:
    for addresses, service in ((seeds(servers), "nobody"), ([(servers.primary.host, next(candidates()))], servers.name)):
        manager = redis.Sentinel(addresses, socket_timeout=1.0)
        primary = manager.master_for(service, retry=None)
        pipe = primary.pipeline()
        for call in (primary.ping, primary.pipeline().ping().execute, partial(pipe.watch, "k")):
            with pytest.raises(original.MasterNotFoundError, match=f"No master found for '{service}'") as caught:
                call()
            assert isinstance(caught.value, redis.ConnectionError)
        assert isinstance(primary.connection_pool._engine, SentinelPool)
        primary.close()
        close(manager)


async def test_in_asyncio_a_service_without_a_primary_is_redis_pys_error_too(servers: SentinelServers) -> None:
    manager = ours.Sentinel(seeds(servers), socket_timeout=1.0)
    primary = manager.master_for("nobody", retry=None)
    for call in (primary.ping, primary.pipeline().ping().execute):
        with pytest.raises(async_original.MasterNotFoundError, match="No master found for 'nobody'"):
            await call()
    await primary.aclose()
    for sentinel in manager.sentinels:
        await sentinel.aclose()


async def test_in_asyncio_too(servers: SentinelServers) -> None:
    manager = ours.Sentinel(seeds(servers))
    primary = manager.master_for(servers.name)
    assert await primary.set("k", 1)
    assert await primary.pipeline().incr("k").execute() == [2]
    assert isinstance(primary.connection_pool._engine, AsyncSentinelPool)
    replica = manager.slave_for(servers.name)
    assert (await replica.info("replication"))["role"] == "slave"
    assert replica.connection_pool._engine is None
    await primary.aclose()
    await replica.aclose()
    for sentinel in manager.sentinels:
        await sentinel.aclose()


def test_nothing_is_left_on_the_primary(servers: SentinelServers) -> None:
    manager = redis.Sentinel(seeds(servers))
    primary = manager.master_for(servers.name)
    primary.ping()
    del primary, manager
    gc.collect()
    wait_until(lambda: not [row for row in servers.primary.clients() if row.get("lib-name") == "respool"])


async def test_wait_counts_the_replicas_that_have_the_writes_of_other_connections(servers: SentinelServers) -> None:
    primary = servers.primary
    replica = next(node for node in servers.nodes if node is not primary)
    with redis.from_url(primary.url) as client:
        async with ours.from_url(primary.url) as other:
            client.set("k", 1)
            assert (client.wait(1, 5000), await other.wait(1, 5000)) == (1, 1)
            replica.pause()
            try:
                client.set("k", 2)
                assert (client.wait(1, 50), await other.wait(1, 50)) == (0, 0)
                assert client.pipeline(transaction=False).set("k", 3).wait(1, 50).execute() == [True, 0]
            finally:
                replica.resume()
            assert client.wait(1, 5000) == 1
