# Generated from tests/asyncio_/test_demotion.py by tools/generate.py. Do not edit.
"""A server becomes a replica: what callers get, and who goes on reading from it (R-13, R-24, R-37)."""

from __future__ import annotations

import shutil
import socket
from typing import Any

import pytest

from threads.harness import Callers, Signal, resolves_in_python, rest, wait_until
from threads.test_handshake import told
from threads.test_standing import standing_connection
from respool import Connection, Pool, RetryPolicy
from respool._facts.standing import Standing
from respool.errors import NotPrimary, ReadOnly, TransactionAborted
from respool.testing import Server

#: Without it, a primary waits some seconds before it sends its data to a replica.
AT_ONCE = {"repl-diskless-sync-delay": 0}
PATIENT = RetryPolicy(attempts=200, base=0.02, cap=0.05, budget_floor=10_000.0)
PROMPT = RetryPolicy(base=0.001, cap=0.01)


def replicate(replica: Server, primary: Server) -> None:
    """Make one server the replica of another, and wait until it is in step."""
    replica.command("REPLICAOF", primary.host, primary.port)
    wait_until(lambda: "state=online" in primary.info("replication").get("slave0", ""), timeout=20.0)


def promote(server: Server) -> None:
    server.command("REPLICAOF", "NO", "ONE")


def capabilities(conn: Any) -> str:
    """Return what the server knows of a client's capabilities: "r" for redirect."""
    return told(conn.execute("CLIENT", "INFO"))["capa"]


# A pool of a primary ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [1, 0], ids=["shared", "leased"])
def test_a_pool_whose_primary_became_a_replica_reads_nothing_stale_and_names_the_new_primary(shared: int) -> None:
    with Server(config=AT_ONCE) as node, Server(config=AT_ONCE) as other:
        with Pool(node.url, shared=shared, retry=PROMPT) as pool:
            assert pool.set("k", "v") is True
            node.command("REPLICAOF", other.host, other.port)
            for call in (("GET", "k"), ("SET", "k", "w"), ("BLPOP", "q", 1)):
                with pytest.raises(NotPrimary, match="connect to the new primary") as caught:
                    pool.execute(*call)
                assert caught.value.message == f"{other.host}:{other.port}"
            assert pool.ping()  # it serves what concerns no data
            with pytest.raises(TransactionAborted) as aborted:
                pool.execute_many([("GET", "k")], atomic=True)
            assert isinstance(aborted.value.__cause__, NotPrimary)
            stats = pool.stats()
            assert stats.retries > 0
            assert stats.opened > 1
            promote(node)
            assert pool.set("k", "x") is True


def test_with_redis_only_writes_notice_that_the_server_became_a_replica() -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    with Server("redis-server") as node, Server("redis-server") as other:
        with Pool(node.url, shared=1, retry=PROMPT) as pool:
            assert pool.set("k", "v") is True
            node.command("REPLICAOF", other.host, other.port)
            with pytest.raises(ReadOnly, match="read only replica"):
                pool.set("k", "w")
            pool.get("k")


def test_a_name_that_follows_the_primary_hides_a_failover(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not resolves_in_python():
        pytest.skip("uvloop does not ask Python's resolver")
    real = socket.getaddrinfo
    with Server(config=AT_ONCE) as old, Server() as new:
        replicate(new, old)
        at = [old]

        def resolve(host: str, port: int, *args: Any, **options: Any) -> Any:
            return real("127.0.0.1", at[0].port, *args, **options) if host == "primary.test" else real(host, port, *args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with Pool("redis://primary.test", shared=1, retry=PATIENT, acquire_timeout=60.0) as pool:
            is_over = Signal()

            def write() -> int:
                number = 0
                while not is_over.is_set:
                    number = pool.incr("n")
                    assert int(pool.get("n")) >= number
                    assert (pool.execute_many([("INCR", "n")], atomic=True))[0] > number
                return number

            for _ in range(3):
                callers.start(write)
            blocked = callers.start(pool.execute, "BLPOP", "q", 0)
            wait_until(lambda: int(old.command("GET", "n") or 0) > 50)
            assert old.command("FAILOVER") == b"OK"
            wait_until(lambda: new.info("replication")["role"] == "master", timeout=20.0)
            at[0] = new
            before = int(new.command("GET", "n"))
            wait_until(lambda: int(new.command("GET", "n")) > before + 50, timeout=20.0)
            is_over.set()
            new.command("RPUSH", "q", "x")
            assert blocked.result() == [b"q", b"x"]
            assert max(number for number in callers.results() if isinstance(number, int)) <= int(new.command("GET", "n"))
            assert pool.stats().lost == 0


def test_who_says_readonly_may_go_on_reading_there() -> None:
    def accept_stale_reads(conn: Any) -> None:
        conn.execute("READONLY")

    with Server(config=AT_ONCE) as node, Server(config=AT_ONCE) as other:
        with Pool(node.url, shared=1, retry=PROMPT, configure=accept_stale_reads) as pool:
            pool.set("k", "v")
            replicate(other, node)
            promote(other)
            node.command("REPLICAOF", other.host, other.port)
            assert pool.get("k") == b"v"
            with pytest.raises(NotPrimary):
                pool.set("k", "w")
            assert pool.get("k") == b"v"


# A pool of a replica ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", [None, "redis-server"], ids=["valkey", "redis"])
@pytest.mark.parametrize("options", [{"shared": 1}, {"shared": 0, "min_size": 3}], ids=["shared", "leased"])
def test_a_pool_that_was_made_for_a_replica_reads_from_it(like: str | None, options: dict[str, Any]) -> None:
    if like is not None and shutil.which(like) is None:
        pytest.skip(f"no {like} here")
    with Server(like, config=AT_ONCE) as primary, Server(like) as replica:
        replicate(replica, primary)
        primary.command("SET", "k", "v")
        wait_until(lambda: replica.command("GET", "k") == b"v")
        with Pool(replica.url, retry=PROMPT, **options) as pool:
            for _ in range(3):
                assert pool.get("k") == b"v"
                with pool.acquire() as lease:
                    assert lease.get("k") == b"v"
                    lease.execute("MULTI")  # so that the pool resets it
                with pytest.raises(ReadOnly) as caught:  # also renews the connections
                    pool.set("k", "w")
                assert type(caught.value) is ReadOnly
            promote(replica)
            assert pool.set("k", "w") is True
            replica.command("REPLICAOF", primary.host, primary.port)
            pool.get("k")
            assert pool.stats().dial_failures == 0


# Which connections are told -----------------------------------------------------------------------------------


def test_every_connection_of_a_pool_is_told_again_after_each_reset_and_reconnect(server: Server) -> None:
    with Pool(server.url, shared=1, max_size=2) as pool:
        assert capabilities(pool) == "r"
        with pool.acquire() as lease:
            assert capabilities(lease) == "r"
            lease.execute("MULTI")
        with pool.acquire() as lease:
            assert capabilities(lease) == "r"
            number = lease.execute("CLIENT", "ID")
        assert pool.stats().opened == 2  # reset, not replaced: what the handshake sends spoils nothing
        server.command("CLIENT", "KILL", "ID", number)
        rest()
        with pool.acquire() as lease:
            assert lease.execute("CLIENT", "ID") != number
            assert capabilities(lease) == "r"
            opened = pool.stats().opened
            lease.client_capa("redirect")
        with pool.acquire() as lease:
            assert capabilities(lease) == "r"
        assert pool.stats().opened == opened + 1  # what a user asks for is never undone


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_connection_that_must_lead_to_a_primary_is_told_in_both_protocols(
    server: Server, protocol: Any
) -> None:
    with standing_connection(server.url, Standing(expects="primary"), protocol=protocol) as conn:
        assert capabilities(conn) == "r"
        conn.reset()
        assert capabilities(conn) == "r"


def test_a_connection_that_is_used_alone_is_not_told(server: Server) -> None:
    with Connection(server.url) as conn:
        assert capabilities(conn) == ""
    with standing_connection(server.url, Standing(in_cluster=True)) as conn:
        assert capabilities(conn) == ""
    with Pool(server.url, protocol=2) as pool:
        assert capabilities(pool) == ""
