"""``install()``: programs that name redis-py's classes get those of respool."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as original
import redis.asyncio
import redis.client

from respool import AsyncPool, Pool
from respool.compat import redis as ours
from respool.testing import Server


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    ours.install()
    ours.install()  # the second time changes nothing
    yield
    ours.uninstall()


def test_clients_made_by_redis_pys_names_use_respool(server: Server) -> None:
    for client in (
        original.Redis(host=server.host, port=server.port),
        original.StrictRedis.from_url(server.url),
        original.from_url(server.url),
        original.Redis(connection_pool=original.ConnectionPool.from_url(server.url)),
        original.client.Redis.from_pool(original.BlockingConnectionPool.from_url(server.url)),
    ):
        assert client.set("k", 1)
        assert client.pipeline().get("k").execute() == [b"1"]
        assert type(client) is ours.Redis
        assert isinstance(client.connection_pool._engine, Pool)
        assert isinstance(client.connection_pool, original.ConnectionPool)
        assert isinstance(client.pipeline(), original.client.Pipeline)
        client.connection_pool.disconnect()


async def test_asyncio_clients_made_by_redis_pys_names_use_respool(server: Server) -> None:
    for client in (original.asyncio.Redis(host=server.host, port=server.port), original.asyncio.from_url(server.url)):
        assert await client.set("k", 1)
        assert await client.pipeline().get("k").execute() == [b"1"]
        assert type(client) is ours.asyncio.Redis
        assert isinstance(client.connection_pool._engine, AsyncPool)
        await client.aclose()


def test_classes_derived_from_redis_pys_names_use_respool(server: Server) -> None:
    class Prefixed(original.Redis):
        def execute_command(self, *args: object, **options: object) -> object:
            return super().execute_command(args[0], f"p:{args[1]}", *args[2:], **options)

    with Prefixed.from_url(server.url) as client:
        client.set("k", 1)
        assert isinstance(client.connection_pool._engine, Pool)
    assert server.command("GET", "p:k") == b"1"


def test_uninstall_puts_everything_back() -> None:
    ours.uninstall()
    assert original.Redis.__module__ == original.client.Pipeline.__module__ == "redis.client"
    assert original.ConnectionPool.__module__ == original.connection.BlockingConnectionPool.__module__ == "redis.connection"
    assert original.asyncio.Redis.__module__ == original.asyncio.client.Pipeline.__module__ == "redis.asyncio.client"
    ours.uninstall()  # there is nothing to do


def test_uninstall_leaves_alone_what_somebody_else_has_put_there() -> None:
    class Theirs(original.Redis):
        pass

    ours.uninstall()
    plain = original.Redis
    ours.install()
    original.Redis = Theirs
    ours.uninstall()
    assert original.Redis is Theirs
    original.Redis = plain
