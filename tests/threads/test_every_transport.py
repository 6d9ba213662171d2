# Generated from tests/asyncio_/test_every_transport.py by tools/generate.py. Do not edit.
"""The same calls over TCP, TLS and unix sockets, in RESP2 and RESP3, with Valkey and Redis."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from threads.harness import Callers, wait_until
from respool import Connection, Pool
from respool.errors import ConnectFailed, OutcomeUnknown, ReadTimeout, ServerError, WrongType
from respool.testing import FakeNode, FaultProxy, Server
from respool.types import Message


@pytest.fixture(scope="module", params=[None, "redis-server"], ids=["valkey", "redis"])
def everywhere(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that can be reached in every way."""
    if request.param is not None and shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    with Server(request.param, tls=True, unix=True) as server:
        yield server


@pytest.fixture(params=["tcp", "tls", "unix"])
def way(request: pytest.FixtureRequest, everywhere: Server) -> dict[str, Any]:
    """The options of a pool that takes one of the ways."""
    everywhere.command("FLUSHALL")
    if request.param == "tls":
        return {"url": everywhere.tls_url, "tls": everywhere.ssl_context(), "connect_timeout": 5.0}
    return {"url": everywhere.unix_url if request.param == "unix" else everywhere.url}


@pytest.mark.parametrize("protocol", [2, 3])
def test_everything_works_everywhere(callers: Callers, way: dict[str, Any], protocol: Any) -> None:
    with Pool(**way, shared=2, max_size=4, protocol=protocol) as pool:

        def use(name: int) -> None:
            for number in range(8):
                key = f"{name}:{number}"
                assert pool.set(key, key) is True
                assert pool.get(key) == key.encode()
                assert pool.execute_many([("GET", key), ("LPUSH", key, "x"), ("STRLEN", key)]) == [
                    key.encode(),
                    SAME_AS(WrongType),
                    len(key),
                ]
                assert pool.execute_many([("INCR", f"n{name}"), ("GET", key)], atomic=True) == [
                    number + 1,
                    key.encode(),
                ]
                pool.execute_noreply("SET", key, "told")
                assert pool.get(key) == b"told"

        for name in range(6):
            callers.start(use, name)
        callers.results()
        assert pool.execute("BLPOP", "nothing", 0.01) is None
        with pool.acquire() as conn:
            assert conn.protocol == protocol
            conn.execute("SELECT", 1)
            assert conn.get("0:0") is None
        with pytest.raises(ReadTimeout):
            pool.execute("DEBUG", "SLEEP", 0.1, timeout=0.02)
        assert pool.get("0:0") == b"told"
        assert pool.stats().in_flight == 0
        assert pool.stats().lost == 0


def test_large_values_pass_everywhere(callers: Callers, way: dict[str, Any]) -> None:
    with Pool(**way, shared=1) as pool:

        def use(name: int) -> None:
            value = bytes([65 + name]) * (700_000 + name)
            pool.set(f"k{name}", value)
            assert pool.get(f"k{name}") == value

        for name in range(4):
            callers.start(use, name)
        callers.results()
        values = [bytes([97 + number % 26]) * 20_000 for number in range(60)]
        assert pool.execute_many([("ECHO", value) for value in values]) == values
        assert pool.stats().lost == 0


def test_a_connection_can_be_used_alone_everywhere(way: dict[str, Any]) -> None:
    with Connection(**way, encoding="utf-8") as conn:
        assert conn.set("k", "ü") is True
        assert conn.get("k") == "ü"
        with pytest.raises(WrongType):
            conn.execute("LPUSH", "k", "x")
        assert conn.in_flight == 0
    assert conn.closed


def test_a_server_that_hangs_up_is_noticed_everywhere(way: dict[str, Any], everywhere: Server) -> None:
    with Pool(**way, shared=1, client_name="victim") as pool:
        pool.set("k", "v")
        for row in everywhere.clients():
            if row["name"] == "victim":
                everywhere.command("CLIENT", "KILL", "ID", row["id"])
        assert pool.get("k") == b"v"
        assert pool.stats().lost == 1
        assert pool.incr("n") == 1


def test_a_certificate_nobody_signed_is_refused(everywhere: Server) -> None:
    with pytest.raises(ConnectFailed, match="certificate") as caught:
        with Pool(everywhere.tls_url, connect_timeout=5.0):
            pass
    assert caught.value.executed == "no"
    wrong_name = everywhere.ssl_context()
    wrong_name.check_hostname = True
    with pytest.raises(ConnectFailed):
        with Pool(f"rediss://localhost:{everywhere.tls_port}", tls=ssl.create_default_context()):
            pass


def test_tls_with_a_server_that_speaks_none_fails_to_connect(everywhere: Server) -> None:
    with pytest.raises(ConnectFailed):  # the server waits for the end of a line
        with Pool(everywhere.url, tls=everywhere.ssl_context(), connect_timeout=0.2):
            pass
    with pytest.raises(ConnectFailed):
        with Pool(host=everywhere.host, port=everywhere.tls_port, connect_timeout=1.0):
            pass
    with FakeNode.silent() as node, pytest.raises(ConnectFailed, match="TLS"):
        with Pool(node.url, tls=everywhere.ssl_context(), connect_timeout=1.0):
            pass


def test_an_address_where_nobody_listens_is_named() -> None:
    with pytest.raises(ConnectFailed, match="unix:/nowhere/at/all"):
        with Pool("unix:///nowhere/at/all"):
            pass
    for host in ("no-such-host.invalid", "." + "x" * 70 + ".invalid"):
        with pytest.raises(ConnectFailed) as caught:
            with Pool(host=host, connect_timeout=5.0):
                pass
        assert host in str(caught.value)
    with FakeNode() as node:
        port = node.port
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{port}"):
        with Pool(port=port, host="127.0.0.1"):
            pass


def test_a_slow_wire_over_tls_delivers_every_byte(callers: Callers, everywhere: Server) -> None:
    with FaultProxy((everywhere.host, everywhere.tls_port)) as proxy:
        options = {"tls": everywhere.ssl_context(), "connect_timeout": 5.0}
        with Pool(proxy.tls_url, shared=1, **options) as pool:
            proxy.down.slice_size = 97
            proxy.up.slice_size = 89

            def use(name: int) -> None:
                for number in range(6):
                    value = f"{name}:{number}".encode() * 40
                    assert pool.execute("ECHO", value) == value

            for name in range(4):
                callers.start(use, name)
            callers.results()
            assert proxy.connections == 1


def test_a_write_cut_within_tls_has_an_unknown_outcome(everywhere: Server) -> None:
    with FaultProxy((everywhere.host, everywhere.tls_port)) as proxy:
        options = {"tls": everywhere.ssl_context(), "connect_timeout": 5.0}
        with Pool(proxy.tls_url, shared=1, **options) as pool:
            everywhere.command("FLUSHALL")
            proxy.down.limit_after(3, total=True)
            with pytest.raises(OutcomeUnknown):
                pool.incr("n")
            assert pool.get("n") == b"1"
            wait_until(lambda: pool.shared == 1)


class SAME_AS:  # noqa: N801 - reads as a word in an expected reply
    """Equal to every error of a class."""

    def __init__(self, kind: type[ServerError]) -> None:
        self._kind = kind

    def __eq__(self, other: object) -> bool:
        return type(other) is self._kind

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_of_every_size_come_everywhere(way: dict[str, Any], protocol: Any) -> None:
    sizes = [0, 1, 1000, 16_000, 70_000, 1_000_000, 3]
    with Pool(**way, protocol=protocol) as pool, pool.subscribe("c", queue=5000) as sub:
        for size in sizes:
            pool.publish("c", b"x" * size)
        pool.execute_many([("PUBLISH", "c", number) for number in range(3000)])
        data = [b"x" * size for size in sizes] + [b"%d" % number for number in range(3000)]
        for each in data:
            assert sub.next(5.0) == Message(b"c", each, None, "message", gap=False)
