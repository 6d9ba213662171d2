"""What URLs and ``repr`` say, as tests of coredis check it too."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from respool.compat.coredis import (
    BlockingConnectionPool,
    ClusterConnectionPool,
    Connection,
    ConnectionPool,
    Redis,
    RedisCluster,
    UnixDomainSocketConnection,
)
from respool.compat.coredis.arguments import flag
from respool.errors import UsageError
from respool.testing import ClusterServers, Server

NOBODY = {"username": None, "password": None}
HERE = {"host": "localhost", "port": 6379, "db": 0, **NOBODY}


@pytest.mark.parametrize(
    ("url", "others", "arguments"),
    [
        ("redis://localhost", {}, HERE),
        ("redis://", {}, HERE),
        ("redis://myhost:6380", {}, {**HERE, "host": "myhost", "port": 6380}),
        ("redis://localhost", {"db": "1"}, {**HERE, "db": 1}),
        ("redis://localhost/2", {"db": 1}, {**HERE, "db": 2}),
        ("redis://localhost/2?db=3", {"db": 1}, {**HERE, "db": 3}),
        ("redis://:secret@localhost", {}, {**HERE, "password": "secret"}),
        ("redis://user:@localhost", {"password": "secret"}, {**HERE, "username": "user", "password": "secret"}),
        ("redis://user:secret@localhost", {"password": "other"}, {**HERE, "username": "user", "password": "secret"}),
        ("redis://:%2Fmy%2B%24@localhost", {}, {**HERE, "password": "%2Fmy%2B%24"}),
        (
            "redis://:%2Fmy%2B%24+@my%20host%2B",
            {"decode_components": True},
            {**HERE, "host": "my host+", "password": "/my+$+"},
        ),
        ("redis://localhost?stream_timeout=20&connect_timeout=1.5", {}, {**HERE, "stream_timeout": 20.0, "connect_timeout": 1.5}),
        ("redis://localhost?client_name=a&noevict=no", {"client_name": "b"}, {**HERE, "client_name": "a", "noevict": False}),
    ],
)  # fmt: skip
def test_002_06_a_url_of_a_server_is_read_as_coredis_reads_it(
    url: str, others: dict[str, Any], arguments: dict[str, Any]
) -> None:
    pool = ConnectionPool.from_url(url, **others)
    assert pool.connection_class is Connection
    assert pool.connection_kwargs == arguments


@pytest.mark.parametrize(
    ("url", "others", "arguments"),
    [
        ("unix:///socket", {}, {"path": "/socket", "db": 0, **NOBODY}),
        ("unix:///socket?db=2", {"db": 1}, {"path": "/socket", "db": 2, **NOBODY}),
        ("unix://:secret@/socket", {}, {"path": "/socket", "db": 0, "username": None, "password": "secret"}),
        ("unix:///my%2Fso+cket", {"decode_components": True}, {"path": "/my/so+cket", "db": 0, **NOBODY}),
    ],
)
def test_002_06_a_url_of_a_unix_socket_is_read_as_coredis_reads_it(
    url: str, others: dict[str, Any], arguments: dict[str, Any]
) -> None:
    pool = ConnectionPool.from_url(url, **others)
    assert pool.connection_class is UnixDomainSocketConnection
    assert pool.connection_kwargs == arguments


def test_002_06_in_a_conflict_the_query_string_wins() -> None:
    pool = BlockingConnectionPool.from_url(
        "redis://localhost?max_connections=32&max_idle_time=5&idle_check_interval=1&timeout=7&decode_responses=yes",
        max_connections=2,
        max_idle_time=1,
        decode_responses=False,
    )
    assert (pool.max_connections, pool.max_idle_time, pool.idle_check_interval) == (32, 5, 1)
    assert (pool.timeout, pool.decode_responses) == (7, True)


def test_002_06_a_value_that_is_none_is_left_out_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="Invalid value for `stream_timeout` in connection URL"):
        pool = ConnectionPool.from_url("redis://localhost?stream_timeout=soon")
    assert pool.connection_kwargs == HERE


@pytest.mark.parametrize(
    ("expected", "texts"),
    [(None, [""]), (False, ["0", "f", "F", "False", "n", "N", "No"]), (True, ["1", "y", "Y", "Yes", "true"])],
)
def test_002_06_flags_are_read_as_coredis_reads_them(expected: bool | None, texts: list[str]) -> None:
    assert [flag(text) for text in texts] == [expected] * len(texts)


def test_002_06_rediss_makes_a_context_that_checks_unless_the_url_says_otherwise() -> None:
    for query, mode, checks in (
        ("", ssl.CERT_REQUIRED, True),
        ("?ssl_cert_reqs=required&ssl_check_hostname=no", ssl.CERT_REQUIRED, False),
        ("?ssl_cert_reqs=optional", ssl.CERT_OPTIONAL, True),
        ("?ssl_cert_reqs=none", ssl.CERT_NONE, False),
    ):
        context = ConnectionPool.from_url(f"rediss://localhost{query}").connection_kwargs["ssl_context"]
        assert (context.verify_mode, context.check_hostname) == (mode, checks)
    for url, words in (
        ("rediss://localhost?ssl_cert_reqs=maybe", "ssl_cert_reqs must be one of none, optional, required"),
        ("rediss://localhost?ssl_keyfile=key.pem", "ssl_keyfile= needs ssl_certfile="),
        ("redis://localhost?ssl_cert_reqs=none", "write rediss://"),
        ("http://localhost", r"redis://, rediss:// or unix://, not with http://"),
    ):
        with pytest.raises(UsageError, match=words):
            ConnectionPool.from_url(url)


async def test_002_06_a_client_from_a_url_has_a_pool_of_its_own(server: Server) -> None:
    async with Redis.from_url(f"redis://127.0.0.1:{server.port}/3?client_name=ours", decode_responses=True) as client:
        assert repr(client) == f"Redis<ConnectionPool<Connection<host=127.0.0.1,port={server.port},db=3>>>"
        assert (await client.client_info())["db"] == "3"
        assert await client.execute("CLIENT", "GETNAME") == "ours"
    assert client.connection_pool.engine.closed


async def test_002_06_a_client_of_a_cluster_from_a_url(cluster: ClusterServers) -> None:
    url = f"redis://localhost:{cluster.nodes[0].port}?max_connections=3&max_connections_per_node=1"
    async with RedisCluster.from_url(url, decode_responses=True) as client:
        assert type(client.connection_pool) is ClusterConnectionPool
        assert (client.connection_pool.max_connections, client.connection_pool.max_connections_per_node) == (3, True)
        await client.set("k", "v")
        assert await client.get("k") == "v"


@pytest.mark.parametrize("kind", [ConnectionPool, BlockingConnectionPool])
def test_a_repr_names_the_place_and_no_secret(kind: type[ConnectionPool]) -> None:
    pool = kind(host="localhost", port=6379, db=1, password="secret")
    assert repr(pool) == f"{kind.__name__}<Connection<host=localhost,port=6379,db=1>>"
    pool = kind(connection_class=UnixDomainSocketConnection, path="/abc", db=1)
    assert repr(pool) == f"{kind.__name__}<UnixDomainSocketConnection<path=/abc,db=1>>"
