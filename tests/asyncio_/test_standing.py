# Written once: tests/threads/test_standing.py is generated from this file.
"""What a pool of many nodes tells the connections of one node, and that they keep it (P-18)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from asyncio_.harness import wait_until
from asyncio_.test_handshake import told
from respool import AsyncConnection, AsyncPool
from respool._facts.options import make_options
from respool._facts.standing import Standing
from respool.errors import ConnectFailed, WrongRole
from respool.testing import ClusterServers, Server


def standing_pool(url: str, standing: Standing, **options: Any) -> AsyncPool[bytes]:
    """Make a pool of one node as a pool of many nodes has it."""
    pool: AsyncPool[bytes] = AsyncPool(url, **options)
    pool._options = pool._options.changed(standing=standing)
    return pool


def standing_connection(url: str, standing: Standing, **options: Any) -> AsyncConnection[bytes]:
    return AsyncConnection(config=make_options(url, options).changed(standing=standing))


@pytest.fixture(scope="module", params=[None, "redis-server"], ids=["valkey", "redis"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """A primary and its replica."""
    if request.param is not None and shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    with Server(request.param) as primary, Server(request.param) as replica:
        replica.command("REPLICAOF", primary.host, primary.port)
        yield primary, replica


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_node_of_the_expected_role_is_connected_to(pair: tuple[Server, Server], protocol: Any) -> None:
    for server, expects in zip(pair, ("primary", "replica"), strict=True):
        conn = standing_connection(server.url, Standing(expects=expects), protocol=protocol)  # type: ignore[arg-type]
        async with conn:
            assert await conn.ping()
            await conn.reset()
            assert await conn.ping()


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_node_of_another_role_is_not_connected_to(pair: tuple[Server, Server], protocol: Any) -> None:
    primary, replica = pair
    conn = standing_connection(replica.url, Standing(expects="primary"), protocol=protocol)
    with pytest.raises(WrongRole) as caught:
        await conn.open()
    assert conn.closed
    assert (caught.value.role, caught.value.primary) == ("replica", (primary.host, primary.port))
    conn = standing_connection(primary.url, Standing(expects="replica"), protocol=protocol)
    with pytest.raises(WrongRole, match="is a primary, and the pool needs a replica"):
        await conn.open()
    assert conn.closed


async def test_a_connection_whose_node_has_changed_its_role_does_not_survive_a_reset() -> None:
    with Server() as primary, Server() as other:
        conn = standing_connection(other.url, Standing(expects="primary"))
        await conn.open()
        other.command("REPLICAOF", primary.host, primary.port)
        with pytest.raises(WrongRole):
            await conn.reset()
        assert conn.closed


async def test_a_pool_finds_no_connection_while_its_node_has_another_role() -> None:
    with Server() as primary, Server() as other:
        other.command("REPLICAOF", primary.host, primary.port)
        pool = standing_pool(other.url, Standing(expects="primary"), shared=1, connect_timeout=0.5)
        try:
            with pytest.raises(WrongRole):
                await pool.set("k", "v")
            other.command("REPLICAOF", "NO", "ONE")
            await wait_until(lambda: pool.shared == 1)
            assert await pool.set("k", "v") is True
        finally:
            await pool.aclose()


async def test_a_replica_of_a_cluster_serves_reads_after_every_reset_and_reconnect() -> None:
    with ClusterServers(primaries=1, replicas=1) as cluster:
        (primary,) = cluster.primaries
        (replica,) = cluster.replicas_of(primary)
        primary.command("SET", "k", "v")
        with replica.connect() as ask:
            ask("READONLY")
            await wait_until(lambda: ask("GET", "k") == b"v")
        pool = standing_pool(replica.url, Standing(readonly=True, in_cluster=True), shared=1, max_size=2)
        async with pool:
            assert await pool.get("k") == b"v"
            async with pool.acquire() as lease:
                await lease.execute("MULTI")  # so that the pool resets it
            async with pool.acquire() as lease:
                assert await lease.get("k") == b"v"
                assert "r" in told(await lease.execute("CLIENT", "INFO"))["flags"]
            replica.command("CLIENT", "KILL", "TYPE", "NORMAL")
            assert await pool.get("k") == b"v"
            assert pool.stats().lost > 0
            async with pool.acquire() as lease:
                assert await lease.get("k") == b"v"


async def test_tls_checks_the_announced_name_in_place_of_the_address() -> None:
    with Server(tls=True) as server:
        options: dict[str, Any] = {"tls": server.ssl_context(), "connect_timeout": 5.0}
        async with standing_connection(server.tls_url, Standing(tls_name="localhost"), **options) as conn:
            assert await conn.ping()
        conn = standing_connection(server.tls_url, Standing(tls_name="elsewhere.test"), **options)
        with pytest.raises(ConnectFailed, match=r"certificate.*elsewhere\.test"):
            await conn.open()
