"""The examples of the handbook's page about connections, letter by letter but for the import and the address."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from respool.testing import ClusterServers, Server

NON_BLOCKING = """
    import coredis
    import asyncio

    async def test():
        client = coredis.Redis(max_connections=2)
        # or with cluster
        # client = coredis.RedisCluster(
        #   "localhost", 7000,
        #   max_connections=2, max_connections_per_node=True
        # )

        await client.set("fubar", 1)
        results = await asyncio.gather(
            *[client.get("fubar") for _ in range(10)],
            return_exceptions=True
        )
        print(len([r for r in results if isinstance(r, Exception)]))
        assert len([r for r in results if isinstance(r, Exception)]) == 8

    asyncio.run(test())
"""

ENOUGH = """
    import coredis
    import asyncio

    async def test():
        client = coredis.Redis(max_connections=10)
        # or with cluster
        # client = coredis.RedisCluster(
        #   "localhost", 7000,
        #   max_connections=2, max_connections_per_node=True
        # )

        await client.set("fubar", 1)
        results = await asyncio.gather(
            *[client.get("fubar") for _ in range(10)],
            return_exceptions=True
        )
        assert len([r for r in results if isinstance(r, Exception)]) == 0

    asyncio.run(test())
"""

BLOCKING = """
    import coredis
    import asyncio

    async def test():
        client = coredis.Redis(
            connection_pool_cls=coredis.BlockingConnectionPool,
            max_connections=2
        )
        # or with cluster
        # client = coredis.RedisCluster(
        #    "localhost", 7000,
        #    connection_pool_cls=coredis.BlockingClusterConnectionPool,
        #    max_connections=2,
        #    max_connections_per_node=True
        # )

        await client.set("fubar", 1)
        results = await asyncio.gather(
            *[client.get("fubar") for _ in range(10)],
            return_exceptions=True
        )
        assert len([r for r in results if isinstance(r, Exception)]) == 0

    asyncio.run(test())
"""

SOCKET = """
    import coredis
    import asyncio

    async def test():
        r = coredis.Redis(unix_socket_path='/tmp/redis.sock')
        assert await r.ping()

    asyncio.run(test())
"""

CONNECTION_CLASS = """
    import coredis
    import asyncio

    class YourConnectionClass(coredis.BaseConnection):
        def __init__(self, your_arg, **others):
            super().__init__(**others)
            self.your_arg = your_arg

    async def test():
        pool = coredis.ConnectionPool(connection_class=YourConnectionClass,
                                        your_arg='...', port=6379)
        connection = await pool.get_connection()
        print(connection.your_arg)
        pool.release(connection)
        assert await coredis.Redis(connection_pool=pool).ping()

    asyncio.run(test())
"""


def with_cluster(example: str) -> str:
    """Return an example with its second client, which stands there in comments, in place of the first."""
    before, _, rest = example.partition("        client = ")
    rest = rest.partition("# or with cluster\n")[2]
    return before + rest.replace("        # ", "        ")


def run(example: str, **addresses: object) -> list[str]:
    """Run a program with warnings as errors, and return what it prints."""
    text = textwrap.dedent(example).replace("import coredis", "import respool.compat.coredis as coredis")
    for old, new in addresses.items():
        replaced = text.replace(old, str(new)) if old.startswith("/") else text.replace(f"{old}(", f"{old}({new}, ")
        assert replaced != text
        text = replaced
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(("example", "printed"), [(NON_BLOCKING, ["8"]), (ENOUGH, []), (BLOCKING, [])])
def test_002_02_the_examples_of_one_server(server: Server, example: str, printed: list[str]) -> None:
    assert run(example, **{"coredis.Redis": f"port={server.port}"}) == printed


@pytest.mark.parametrize(
    ("example", "printed"),
    # As it stands there, the second one has the limit of the first, and would raise like it.
    [(NON_BLOCKING, ["8"]), (ENOUGH.replace("max_connections=2", "max_connections=10"), []), (BLOCKING, [])],
)
def test_002_02_the_examples_of_a_cluster(cluster: ClusterServers, example: str, printed: list[str]) -> None:
    text = with_cluster(example).replace('"localhost", 7000', f'"localhost", {cluster.nodes[0].port}')
    assert "RedisCluster" in text
    assert run(text) == printed


def test_002_01_the_example_of_a_unix_socket() -> None:
    with Server(unix=True) as server:
        assert run(SOCKET, **{"/tmp/redis.sock": server.unix_path}) == []


def test_002_05_the_example_of_a_connection_class(server: Server) -> None:
    assert run(CONNECTION_CLASS.replace("6379", str(server.port))) == ["..."]
