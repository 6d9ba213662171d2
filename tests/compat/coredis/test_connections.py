"""The connections of coredis: their kinds, their keywords, and classes of one's own."""

from __future__ import annotations

from typing import Any

import pytest

from asyncio_.harness import wait_until
from respool import AsyncConnection
from respool.compat.coredis import (
    BaseConnection,
    BlockingConnectionPool,
    ClusterConnection,
    ClusterConnectionPool,
    Connection,
    ConnectionPool,
    Redis,
    RedisCluster,
    UnixDomainSocketConnection,
    exceptions,
)
from respool.errors import ConnectFailed, UsageError, UsageTypeError
from respool.testing import ClusterServers, Server


class Tagged(BaseConnection):
    """Has an argument of its own, and the others by name only."""

    made = 0

    def __init__(self, your_arg: str, **others: Any) -> None:
        super().__init__(**others)
        self.your_arg = your_arg
        type(self).made += 1


class Narrow(Connection):
    """Names all of its arguments, as code for coredis may do: it knows nothing of a pool."""

    def __init__(self, host: str, port: int, color: str = "red") -> None:
        super().__init__(host=host, port=port)
        self.color = color


class Prepared(Connection):
    """Prepares each new connection."""

    async def open(self) -> None:
        await super().open()
        await self.client_setname("prepared")


class Greeting(Connection):
    """Prepares each new connection where coredis would have."""

    async def on_connect(self) -> None:
        await super().on_connect()
        await self.client_setname("greeted")


class Transported(BaseConnection):
    """Makes its own transport, as connections of coredis do."""

    async def _connect(self) -> None:
        raise AssertionError("never called")


class Elsewhere(Connection):
    """Chooses by itself which database it uses."""

    def __init__(self, **others: Any) -> None:
        super().__init__(**{**others, "db": 3})


# Kinds ------------------------------------------------------------------------------------------------------------


async def test_002_05_a_connection_can_be_used_alone(server: Server) -> None:
    connection = Connection(port=server.port, client_name="alone", decode_responses=True)
    assert (connection.host, connection.port, connection.path) == ("127.0.0.1", server.port, "")
    assert str(connection) == f"Connection<host=127.0.0.1,port={server.port},db=0>"
    assert connection.location == f"host=127.0.0.1,port={server.port}"
    assert not connection.is_connected
    await connection.connect()
    assert connection.is_connected
    assert await connection.execute("ECHO", "x") == "x"
    assert await connection.client_getname() == "alone"
    connection.disconnect()
    assert not connection.is_connected


async def test_002_05_a_unix_socket_has_its_connection(server: Server) -> None:
    with Server(unix=True) as other:
        connection = UnixDomainSocketConnection(str(other.unix_path))
        await connection.connect()
        assert str(connection) == f"UnixDomainSocketConnection<path={other.unix_path},db=0>"
        assert connection.location == f"path={other.unix_path}"
        assert await connection.ping()
        await connection.aclose()


async def test_002_05_options_of_a_connection_reach_the_server(server: Server) -> None:
    pool = ConnectionPool(
        port=server.port, db=3, client_name="ours", protocol_version=2, noevict=True, notouch=True, decode_responses=True
    )
    connection = await pool.get_connection()
    assert isinstance(connection, Connection)
    assert repr(connection) == f"Connection<host=127.0.0.1,port={server.port},db=3>"
    info = await connection.client_info()
    assert (info["name"], info["db"], info["resp"], connection.protocol) == ("ours", "3", "2", 2)
    assert {"e", "T"} <= set(info["flags"])
    assert (connection.client_name, connection.decode_responses, connection.noevict) == ("ours", True, True)
    pool.release(connection)
    assert repr(connection) == "<Connection released>"
    assert pool.engine.idle == 1  # it comes back as it went
    await pool.aclose()


async def test_002_05_a_user_and_a_password_reach_the_server() -> None:
    with Server(password="other") as server:
        server.command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
        async with Redis(port=server.port, username="ann", password="secret") as client:
            assert await client.acl_whoami() == "ann"
        async with Redis(port=server.port, password="other") as client:
            assert await client.acl_whoami() == "default"
        for password, kind in (
            ("wrong", exceptions.AuthenticationFailureError),
            ("", exceptions.AuthenticationRequiredError),
        ):
            async with Redis(port=server.port, password=password) as client:
                with pytest.raises(kind):
                    await client.ping()


async def test_002_05_connections_over_tls_are_checked_unless_told_not_to() -> None:
    with Server(tls=True) as server:
        believing: dict[str, Any] = {"ssl": True, "ssl_ca_certs": str(server.ca_file)}
        for arguments in (believing, {"ssl": True, "ssl_cert_reqs": "none"}):
            async with Redis("localhost", server.tls_port, **arguments) as client:
                assert await client.ping()
        async with Redis("localhost", server.tls_port, ssl=True) as client:
            with pytest.raises(exceptions.ConnectionError, match="certificate"):
                await client.ping()
        url = f"rediss://localhost:{server.tls_port}?ssl_ca_certs={server.ca_file}"
        async with Redis.from_url(url) as client:
            assert await client.ping()


@pytest.mark.parametrize("option", ["readonly", "read_from_replicas"])
async def test_002_05_connections_to_replicas_are_readonly_when_configured(
    cluster: ClusterServers, option: str
) -> None:
    replica = cluster.replicas_of(cluster.owner_of("k"))[0]
    pool = ClusterConnectionPool(host="localhost", port=cluster.nodes[0].port, decode_responses=True, **{option: True})
    async with RedisCluster(connection_pool=pool) as client:
        await client.set("k", "v")
        await wait_until(lambda: replica.command("READONLY") and replica.command("DBSIZE") == 1)
        connection = await pool.get_connection_by_node({"host": replica.host, "port": replica.port})
        assert isinstance(connection, ClusterConnection)
        assert connection.read_from_replicas
        assert connection.port == replica.port
        assert (await connection.client_info())["flags"] == "r"
        assert await connection.get("k") == "v"
        pool.release(connection)
    await pool.aclose()


async def test_002_05_a_connection_that_fails_in_its_handshake_is_closed_and_costs_no_place(server: Server) -> None:
    async with Redis(port=server.port, db=9999, max_connections=1) as client:
        for _ in range(3):
            with pytest.raises(exceptions.ResponseError, match="DB index is out of range"):
                await client.info()
        assert client.connection_pool.engine.size == 0


# Your own ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ConnectionPool, BlockingConnectionPool])
async def test_002_05_keywords_of_the_pool_reach_the_class_and_it_is_constructed_once_each(
    server: Server, kind: type[ConnectionPool]
) -> None:
    Tagged.made = 0
    pool = kind(connection_class=Tagged, your_arg="a tag", port=server.port, decode_responses=True)
    assert pool.connection_class is Tagged
    assert pool.connection_kwargs == {"your_arg": "a tag", "port": server.port, "decode_responses": True}
    connection = await pool.get_connection()
    assert type(connection) is Tagged
    assert (connection.your_arg, Tagged.made) == ("a tag", 1)
    assert await connection.execute("ECHO", "x") == "x"
    pool.release(connection)
    assert await Redis(connection_pool=pool).execute("ECHO", "x") == "x"
    assert Tagged.made == 1
    await pool.aclose()


async def test_002_05_a_class_that_names_all_of_its_arguments_needs_no_others(server: Server) -> None:
    pool = ConnectionPool(connection_class=Narrow, host="localhost", port=server.port, color="blue")
    connection = await pool.get_connection()
    assert (connection.color, connection.host, await connection.ping()) == ("blue", "localhost", True)
    pool.release(connection)
    await pool.aclose()


@pytest.mark.parametrize(("kind", "name"), [(Prepared, "prepared"), (Greeting, "greeted")])
async def test_002_05_open_and_on_connect_prepare_each_connection(
    server: Server, kind: type[BaseConnection], name: str
) -> None:
    pool = ConnectionPool(connection_class=kind, port=server.port)
    connections = [await pool.get_connection() for _ in range(2)]
    assert [await connection.client_getname() for connection in connections] == [name] * 2
    for connection in connections:
        pool.release(connection)
    await pool.aclose()


async def test_002_05_a_class_for_a_cluster_is_made_for_each_node(cluster: ClusterServers) -> None:
    class Ours(ClusterConnection):
        def __init__(self, shade: str, **others: Any) -> None:
            super().__init__(**others)
            self.shade = shade

    pool = ClusterConnectionPool(
        [{"host": "localhost", "port": cluster.nodes[0].port}], connection_class=Ours, shade="dark"
    )
    for node in cluster.primaries:
        connection = await pool.get_connection_by_node(f"{node.host}:{node.port}")
        assert (connection.shade, connection.port) == ("dark", node.port)
        pool.release(connection)
    await pool.aclose()


def test_002_05_a_connect_of_coredis_is_refused_and_the_hook_is_named() -> None:
    for make in (Transported, lambda: ConnectionPool(connection_class=Transported)):
        with pytest.raises(UsageError, match=r"Transported\._connect would never be called.*async def open\(self\)"):
            make()


def test_002_05_a_class_of_another_kind_is_refused() -> None:
    for kind in (object, AsyncConnection):
        with pytest.raises(UsageTypeError, match="must be derived from BaseConnection, not"):
            ConnectionPool(connection_class=kind)  # type: ignore[arg-type]


async def test_002_05_a_class_that_chooses_against_its_pool_is_refused(server: Server) -> None:
    pool = ConnectionPool(connection_class=Elsewhere, port=server.port)
    with pytest.raises(UsageError, match=r"Elsewhere\.__init__ chooses another db than its pool has: give it to the pool"):
        pool.release(await pool.get_connection())
    await pool.aclose()
    pool = ConnectionPool(connection_class=Elsewhere, port=server.port, db=3)
    pool.release(await pool.get_connection())
    await pool.aclose()


@pytest.mark.parametrize("lacking", [{}, {"your_arg": "x", "other": 1}])
async def test_a_constructor_that_cannot_be_called_says_why(server: Server, lacking: dict[str, Any]) -> None:
    pool = ConnectionPool(connection_class=Tagged, port=server.port, **lacking)
    with pytest.raises(TypeError, match=r"your_arg|other"):
        pool.release(await pool.get_connection())
    assert pool.engine.size == 0
    await pool.aclose()


async def test_on_a_connection_errors_are_those_of_respool() -> None:
    connection = Connection(port=1)
    with pytest.raises(ConnectFailed):
        await connection.connect()
