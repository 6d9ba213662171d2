"""MIGRATE moves keys to another server of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from respool import Pool
from respool.errors import ServerError
from respool.testing import Server


@pytest.fixture
def other(server: Server) -> Iterator[Server]:
    with Server(server.binary.path) as running:
        running.command("ACL", "SETUSER", "ann", "on", ">secret", "+@all", "~*")
        yield running


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_keys_move_to_another_server(server: Server, other: Server, protocol: int, encoding: str | None) -> None:
    server.command("FLUSHALL")
    with Pool(server.url, protocol=protocol, encoding=encoding) as pool:
        pool.mset({"a": 1, "b": 2, "c": 3})
        assert pool.migrate(other.host, other.port, "a", timeout=5000) is True
        assert pool.migrate(other.host, other.port, "a", timeout=5000) is False
        assert pool.migrate(other.host, other.port, "b", "c", "x", timeout=5000, db=2, copy=True) is True
        with pytest.raises(ServerError, match="BUSYKEY"):
            pool.migrate(other.host, other.port, "b", timeout=5000, db=2)
        login = {"username": "ann", "password": "secret"}
        assert pool.migrate(other.host, other.port, "b", timeout=5000, db=2, replace=True, **login) is True
        assert pool.exists("a", "b", "c") == 1
    with Pool(other.url) as there:
        assert there.get("a") == b"1"
        other.command("FLUSHDB")
    with Pool(other.url, db=2) as there:
        assert there.mget("b", "c") == [b"2", b"3"]
