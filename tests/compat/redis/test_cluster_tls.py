"""RedisCluster over TLS: the engine trusts whom redis-py trusts. Each node of a real cluster has a TLS proxy in front."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.backoff import NoBackoff
from redis.retry import Retry

from compat.redis.conftest import OF_CLUSTERS
from respool.compat import redis
from respool.compat.redis import asyncio as ours_async
from respool.testing import ClusterServers, FaultProxy, Server

pytestmark = OF_CLUSTERS

#: A name that the nodes' certificate does not have.
ELSEWHERE = "elsewhere.test"
Place = tuple[str, int]


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The certificate that every node shows, and that a client must trust."""
    place = tmp_path_factory.mktemp("tls") / "ca.pem"
    with Server(tls=True) as server:
        place.write_text(Path(str(server.ca_file)).read_text("ascii"), "ascii")
    return str(place)


@pytest.fixture
def proxies(servers: ClusterServers) -> Iterator[dict[int, FaultProxy]]:
    """The proxy of each node, by the node's port."""
    with ExitStack() as stack:
        yield {node.port: stack.enter_context(FaultProxy(node, tls=True)) for node in servers.nodes}


def remapped(proxies: dict[int, FaultProxy], host: str = "127.0.0.1") -> Callable[[Place], Place]:
    """Return ``address_remap``: a node is at its proxy. What is a proxy's address already stays as it is."""
    return lambda place: (host, proxies[place[1]].port) if place[1] in proxies else place


def options(proxies: dict[int, FaultProxy], host: str = "127.0.0.1", **given: Any) -> dict[str, Any]:
    first = next(iter(proxies.values()))
    return {"host": host, "port": first.port, "ssl": True, "address_remap": remapped(proxies, host), **given}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name for this machine that no certificate has."""
    resolve = socket.getaddrinfo

    def found(host: Any, *args: Any, **given: Any) -> Any:
        return resolve("127.0.0.1" if host in (ELSEWHERE, ELSEWHERE.encode()) else host, *args, **given)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return ELSEWHERE


def use(client: Any) -> None:
    """Send what goes to one node, to all of them, and over a lease."""
    keys = [f"k{number}" for number in range(20)]
    pipe = client.pipeline()
    for key in keys:
        pipe.set(key, 1)
    assert pipe.execute() == [True] * 20
    assert [client.get(key) for key in keys] == [b"1"] * 20
    assert client.dbsize(target_nodes=client.PRIMARIES) == 20
    assert client.transaction(lambda pipe: pipe.multi() or pipe.incr("k1"), "k1") == [2]


def test_commands_go_through_respool_over_tls(proxies: dict[int, FaultProxy], ca_file: str) -> None:
    client = redis.RedisCluster(**options(proxies, ssl_ca_certs=ca_file))
    for node in client.get_nodes():
        node.redis_connection.connection_pool.disconnect()
    use(client)
    assert set(client._engine.nodes) == {("127.0.0.1", proxy.port) for proxy in proxies.values()}
    assert not any(node.redis_connection.connection_pool._in_use_connections for node in client.get_nodes())
    client.close()


def test_a_url_with_rediss_and_a_certificate_in_memory(proxies: dict[int, FaultProxy], ca_file: str) -> None:
    first = next(iter(proxies.values()))
    data = Path(ca_file).read_text("ascii")
    client = redis.RedisCluster.from_url(first.url, ssl_ca_data=data, address_remap=remapped(proxies))
    use(client)
    assert client._engine is not None
    client.close()


async def test_asyncio_goes_through_respool_over_tls(proxies: dict[int, FaultProxy], ca_file: str) -> None:
    async with ours_async.RedisCluster(**options(proxies, ssl_ca_certs=ca_file)) as client:
        assert await client.pipeline().set("a", 1).set("b", 2).get("a").execute() == [True, True, b"1"]
        assert await client.dbsize(target_nodes=client.PRIMARIES) == 2
        assert set(client._engine.nodes) == {("127.0.0.1", proxy.port) for proxy in proxies.values()}


@pytest.mark.parametrize("lenient", [{"ssl_check_hostname": False}, {"ssl_cert_reqs": "none", "ssl_ca_certs": None}], ids=str)
def test_a_name_is_checked_unless_the_settings_say_otherwise(
    proxies: dict[int, FaultProxy], ca_file: str, elsewhere: str, lenient: dict[str, Any]
) -> None:
    given = options(proxies, elsewhere, **{"ssl_ca_certs": ca_file, **lenient}, retry=Retry(NoBackoff(), 0))
    client = redis.RedisCluster(**given)
    use(client)
    engine = client._engine
    settings = client.get_default_node().redis_connection.connection_pool.connection_kwargs
    settings.update(ssl_check_hostname=True, ssl_cert_reqs="required", ssl_ca_certs=ca_file)
    client._settings_changed()
    with pytest.raises(redis.ConnectionError, match="certificate"):
        client.get("k1")
    assert client._engine is not engine
    client.close()


def test_a_certificate_that_is_not_trusted_is_an_error_of_redis_py(proxies: dict[int, FaultProxy]) -> None:
    with pytest.raises(redis.exceptions.RedisClusterException):
        redis.RedisCluster(**options(proxies, retry=Retry(NoBackoff(), 0)))


async def test_asyncio_checks_names_unless_the_settings_say_otherwise(
    proxies: dict[int, FaultProxy], ca_file: str, elsewhere: str
) -> None:
    given = options(proxies, elsewhere, ssl_ca_certs=ca_file, ssl_check_hostname=False)
    async with ours_async.RedisCluster(**given) as client:
        assert await client.set("k", 1)
        client.connection_kwargs["ssl_check_hostname"] = True
        client._settings_changed()
        with pytest.raises(redis.ConnectionError, match="certificate"):
            await client.get("k")
