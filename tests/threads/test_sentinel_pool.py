# Generated from tests/asyncio_/test_sentinel_pool.py by tools/generate.py. Do not edit.
"""A pool whose primary is found through sentinels: opening, calls, leases, life, and what it says when it finds none."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from threads.harness import LOOPS, Callers, complaints, now, wait_until
from respool import Pool, SentinelPool, from_url
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    PoolClosed,
    PoolExhausted,
    ReadOnly,
    ServerError,
    TransactionAborted,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool.events import PrimaryChanged
from respool.testing import SentinelServers, Server
from respool.testing._ports import candidates
from scripts import run_script
from sentinels import FLAVORS, servers_of


@pytest.fixture(scope="module")
def running() -> Iterator[SentinelServers]:
    yield from servers_of("valkey", replicas=1)


@pytest.fixture
def servers(running: SentinelServers) -> SentinelServers:
    """Sentinels and nodes that run, without keys. A test that changes or ends one makes its own."""
    running.primary.command("FLUSHALL")
    return running


def at(server: Server) -> tuple[str, int]:
    return server.host, server.port


def clients(servers: SentinelServers) -> int:
    """Count the connections called "us" at all nodes and sentinels."""
    return sum(server.command("CLIENT", "LIST").count(b" name=us ") for server in (*servers.nodes, *servers.sentinels))


def subscribers(servers: SentinelServers) -> int:
    """Count the connections called "us" that have subscribed to something at a sentinel."""
    lines = [line for server in servers.sentinels for line in server.command("CLIENT", "LIST").splitlines()]
    return sum(b" name=us " in line and b" sub=0 " not in line for line in lines)


def seeds(servers: SentinelServers) -> list[tuple[str, int]]:
    return [at(sentinel) for sentinel in servers.sentinels]


def dead() -> tuple[str, int]:
    """Return the address of nobody."""
    return "127.0.0.1", next(candidates())


# Finding the primary ------------------------------------------------------------------------------------------


def test_open_finds_the_primary_and_its_replicas_through_one_sentinel(servers: SentinelServers) -> None:
    events: list[Any] = []
    options: Any = {"client_name": "us", "listener": events.append}
    with SentinelPool(sentinels=seeds(servers)[:1], service=servers.name, **options) as pool:
        assert pool.primary == at(servers.primary)
        assert pool.set("k", "v") is True
        wait_until(lambda: pool.replicas == [at(servers.replicas[0])])
        wait_until(lambda: subscribers(servers) == 3)
        assert repr(pool).startswith(f"<{type(pool).__name__} of the primary 'primary' at 127.0.0.1:")
    changes = [event for event in events if isinstance(event, PrimaryChanged)]
    assert [(change.address, change.old, change.new) for change in changes] == [
        ("the primary 'primary'", None, f"127.0.0.1:{servers.primary.port}")
    ]
    assert "sentinels name it at epoch 0" in changes[0].why


@pytest.mark.parametrize("make", [SentinelPool, from_url])
def test_a_url_names_the_sentinels_the_service_and_the_database(servers: SentinelServers, make: Any) -> None:
    with make(f"{servers.url}/3?read_from=replica", encoding="utf-8") as pool:
        assert pool.db == 3
        assert pool.set("k", "v") is True
        with servers.primary.connect() as ask:
            ask("SELECT", 3)
            assert ask("GET", "k") == b"v"


def test_dead_sentinels_do_not_matter_as_long_as_one_lives(servers: SentinelServers) -> None:
    since = now()
    with SentinelPool(
        sentinels=[dead(), seeds(servers)[0], dead()], service=servers.name
    ) as pool:
        assert pool.ping()
    assert now() - since < 2.0


def test_a_name_that_no_sentinel_knows_is_one_error_that_lists_them(servers: SentinelServers) -> None:
    pool: Any = SentinelPool(sentinels=seeds(servers), service="nobody", client_name="us")
    with pytest.raises(UsageError, match="no sentinel knows 'nobody'") as caught:
        pool.open()
    assert str(caught.value).count("does not know it") == 3
    wait_until(lambda: clients(servers) == 0)
    with pytest.raises(UsageError, match="no sentinel knows"):  # a first use opens it, and it stays open
        pool.ping()
    with pytest.raises(UsageError, match="no sentinel knows"):
        pool.ping()
    pool.close()


def test_a_service_that_the_sentinels_begin_to_watch_is_found_without_a_call(servers: SentinelServers) -> None:
    pool: Any = SentinelPool(sentinels=seeds(servers), service="later", client_name="us")
    with pytest.raises(UsageError):
        pool.ping()
    wait_until(lambda: subscribers(servers) == 3)
    try:
        servers.sentinels[0].command("SENTINEL", "MONITOR", "later", *map(str, at(servers.primary)), 1)
        wait_until(lambda: pool.primary == at(servers.primary))
        assert pool.ping()
    finally:
        servers.sentinels[0].command("SENTINEL", "REMOVE", "later")
        pool.close()


def test_sentinels_that_cannot_be_reached_are_one_error_that_lists_them() -> None:
    places = [dead() for _ in range(3)]
    pool: Any = SentinelPool(sentinels=places, service="primary")
    with pytest.raises(ConnectFailed, match="no primary is known for 'primary'") as caught:
        pool.open()
    assert caught.value.executed == "no"
    for host, port in places:
        assert f"{host}:{port}" in str(caught.value)
    with pytest.raises(ConnectFailed):
        pool.ping()
    pool.close()


def test_nobody_is_asked_for_ever_who_refuses_us() -> None:
    with SentinelServers(replicas=0, sentinel_password="hush") as servers:
        pool: Any = SentinelPool(servers.url, sentinel_password="wrong")
        with pytest.raises(AuthenticationFailed, match="WRONGPASS") as caught:
            pool.ping()
        assert str(caught.value).count("WRONGPASS") >= 3
        assert "wrong" not in str(caught.value).replace("WRONGPASS", "").replace("wrong password", "")
        finder = pool._serving.finder
        assert finder._is_parked
        assert finder.work() == float("inf")
        refused = servers.sentinels[0].info("stats")["acl_access_denied_auth"]
        with pytest.raises(AuthenticationFailed):
            pool.ping()
        assert int(servers.sentinels[0].info("stats")["acl_access_denied_auth"]) > int(refused)
        pool.close()
        with SentinelPool(servers.url, sentinel_password="hush") as pool:
            assert pool.ping()


def test_a_wrong_password_for_the_nodes_says_so() -> None:
    with SentinelServers(replicas=0, sentinels=1, username="ann", password="secret") as servers:
        url = servers.url.replace("ann:secret@", "")
        with pytest.raises(AuthenticationFailed, match="wants a password"):
            SentinelPool(url).open()
        with SentinelPool(servers.url) as pool:
            assert pool.acl_whoami() == "ann"


def test_credentials_of_sentinels_are_their_own() -> None:
    with SentinelServers(
        replicas=1, sentinels=2, username="ann", password="secret", sentinel_username="guard", sentinel_password="hush"
    ) as servers:
        for given in (
            {"sentinel_username": "guard", "sentinel_password": "hush"},
            {"sentinel_credentials": lambda: ("guard", "hush")},
        ):
            options: Any = given
            with SentinelPool(servers.url, client_name="us", **options) as pool:
                assert pool.set("k", "v") is True
                wait_until(lambda: len(pool.replicas) == 1)
                with servers.sentinels[0].connect() as ask:
                    wait_until(lambda: b"name=us" in ask("CLIENT", "LIST"))
        with pytest.raises(AuthenticationFailed):
            SentinelPool(servers.url).open()


def test_every_address_goes_through_remap(servers: SentinelServers) -> None:
    asked: set[int] = set()

    def remap(host: str, port: int) -> tuple[str, int]:
        asked.add(port)
        return "localhost", port

    with SentinelPool(servers.url, remap=remap) as pool:
        assert pool.primary == ("localhost", servers.primary.port)
        assert pool.ping()
        wait_until(lambda: len(pool.replicas) == 1)
    assert {server.port for server in servers.nodes} <= asked


# Calls -----------------------------------------------------------------------------------------------------


def test_commands_pipelines_transactions_and_leases_go_to_the_primary(servers: SentinelServers) -> None:
    with SentinelPool(servers.url, encoding="utf-8") as pool:
        assert pool.execute("SET", "k", "1", timeout=5.0) == "OK"
        assert pool.execute_many([("INCR", "k"), ("GET", "k")]) == [2, "2"]
        assert pool.execute_many([("INCR", "k"), ("INCR", "k")], atomic=True) == [3, 4]
        with pool.pipeline() as pipeline:
            value = pipeline.get("k")
        assert value.result() == "4"
        pool.execute_noreply("SET", "quiet", "1")
        wait_until(lambda: servers.primary.command("GET", "quiet") == b"1")
        with pool.acquire() as lease:
            lease.watch("k")
            pool.incr("k")
            with pytest.raises(TransactionAborted):
                lease.execute_many([("SET", "k", "9")], atomic=True)
        lease = pool.acquire(timeout=5.0)
        assert pool.leased == 1
        pool.release(lease)
        with pytest.raises(UsageError):
            pool.release(lease)
        assert pool.rpush("q", "a") == 1
        assert pool.blpop("q", timeout=1) == ("q", "a")
        with pytest.raises(UsageValueError):
            pool.execute("WATCH", "k")


def test_a_pool_of_leases_alone_serves_too(servers: SentinelServers) -> None:
    with SentinelPool(servers.url, shared=0, max_size=1, on_full="raise") as pool:
        assert pool.set("k", "v") is True
        with pool.acquire():
            with pytest.raises(PoolExhausted):
                pool.get("k")
        assert pool.stats().size == 1


@pytest.mark.parametrize("other", ["a text", None, 5])
def test_what_is_no_lease_is_not_taken_back(servers: SentinelServers, other: Any) -> None:
    with SentinelPool(servers.url) as pool:
        with pytest.raises(UsageTypeError, match="leased connection"):
            pool.release(other)


def test_reads_go_to_replicas_where_that_is_wanted(servers: SentinelServers) -> None:
    replica = servers.replicas[0]
    with SentinelPool(servers.url, read_from="replica", encoding="utf-8") as pool:
        assert pool.set("k", "v") is True
        wait_until(lambda: replica.command("GET", "k") == b"v")
        wait_until(lambda: replica.client_count() > 0)
        wait_until(lambda: pool.shared == 2)
        replica.command("CONFIG", "RESETSTAT")
        assert pool.get("k") == "v"
        assert pool.execute_many([("GET", "k"), ("EXISTS", "k")]) == ["v", 1]
        assert pool.set("k", "w") is True
        counted = replica.info("commandstats")
        assert "calls=1," in counted["cmdstat_get"] or "calls=2," in counted["cmdstat_get"]
        stats = pool.stats()
        assert set(stats.nodes) == {f"127.0.0.1:{node.port}" for node in servers.nodes}


def test_a_replica_that_refuses_a_read_is_passed_over() -> None:
    with SentinelServers(replicas=1, sentinels=1) as servers:
        replica = servers.replicas[0]
        with SentinelPool(servers.url, read_from="replica") as pool:
            assert pool.set("k", "v") is True
            wait_until(lambda: pool.shared == 2)
            replica.command("CONFIG", "SET", "replica-serve-stale-data", "no")
            replica.command("REPLICAOF", "127.0.0.1", dead()[1])
            assert pool.get("k") == b"v"  # MASTERDOWN at the replica
            assert pool.primary == at(servers.primary)


def test_reads_go_to_the_primary_while_no_replica_is_up() -> None:
    with SentinelServers(replicas=1, sentinels=1) as servers:
        replica = servers.replicas[0]
        with SentinelPool(servers.url, read_from="replica") as pool:
            assert pool.set("k", "v") is True
            wait_until(lambda: pool.shared == 2)
            replica.kill()
            assert [pool.get("k") for _ in range(10)] == [b"v"] * 10
            wait_until(lambda: pool.replicas == [], 20.0)  # the sentinel says that it is down
            wait_until(lambda: set(pool.stats().nodes) == {f"127.0.0.1:{servers.primary.port}"})
            assert pool.get("k") == b"v"


@pytest.mark.parametrize("flavor", FLAVORS)
def test_what_a_demoted_node_refuses_goes_to_the_next_primary(callers: Callers, flavor: str) -> None:
    if flavor == "redis" and shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    with SentinelServers(1, 0, binary="redis-server" if flavor == "redis" else None) as servers:
        node = servers.primary
        with SentinelPool(servers.url, connect_timeout=10.0) as pool:
            pool.set("k", "v")

            def over_a_demotion(*call: Any) -> Any:
                """Run a call at a node that is a replica by now, and for a moment only."""
                node.command("REPLICAOF", *map(str, dead()))
                caller = callers.start(*call)
                wait_until(lambda: pool.primary is None)
                node.command("REPLICAOF", "NO", "ONE")
                wait_until(lambda: pool.primary == at(node))
                return caller.outcome()

            assert over_a_demotion(pool.set, "k", "w") is True
            assert over_a_demotion(pool.execute_many, [("SET", "a", "1"), ("INCR", "a")]) == [b"OK", 2]
            run = [("INCR", "n"), ("INCR", "n")]

            def atomically() -> Any:
                return pool.execute_many(run, atomic=True)

            assert over_a_demotion(atomically) == [1, 2]
            script = ("EVAL", "return redis.call('set', KEYS[1], 'x')", 1, "s")  # it may have done something before
            assert isinstance(over_a_demotion(pool.execute, *script), ReadOnly)
            popped = callers.start(pool.blpop, "q", timeout=20)
            wait_until(lambda: pool.leased == 1)
            node.command("REPLICAOF", *map(str, dead()))  # it refuses what was waiting
            wait_until(lambda: pool.primary is None)
            node.command("REPLICAOF", "NO", "ONE")
            wait_until(lambda: pool.primary == at(node) and pool.leased == 1)
            pool.rpush("q", "a")
            assert popped.result() == (b"q", b"a")


def test_a_blocked_command_keeps_its_own_time_at_the_next_primary(callers: Callers) -> None:
    with SentinelServers(1, 0) as servers:
        node = servers.primary
        with SentinelPool(servers.url, connect_timeout=10.0) as pool:
            since = now()
            popped = callers.start(pool.blpop, "q", timeout=2)
            wait_until(lambda: pool.leased == 1)
            node.command("REPLICAOF", *map(str, dead()))
            wait_until(lambda: pool.primary is None)
            wait_until(lambda: now() > since + 1.0)
            node.command("REPLICAOF", "NO", "ONE")
            assert popped.result() is None
            assert 1.9 < now() - since < 3.0


def test_select_moves_all_nodes_or_none(servers: SentinelServers) -> None:
    with SentinelPool(servers.url, read_from="any") as pool:
        wait_until(lambda: pool.shared == 2)
        assert pool.select(2) is True
        assert pool.db == 2
        assert pool.set("k", "v") is True
        with servers.primary.connect() as ask:
            ask("SELECT", 2)
            assert ask("GET", "k") == b"v"
        wait_until(lambda: pool.shared == 2)
        with servers.replicas[0].connect() as ask:
            ask("SELECT", 2)
            wait_until(lambda: ask("GET", "k") == b"v")
        assert {pool.get("k") for _ in range(20)} == {b"v"}
        with pytest.raises(ServerError, match="out of range"):
            pool.select(1000)
        assert pool.db == 2


# Options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "sentinels= and service= must be given"),
        ({"sentinels": ["h"]}, "sentinels= and service= must be given"),
        ({"service": "primary"}, "sentinels= and service= must be given"),
        ({"sentinels": ["h"], "service": "primary", "host": "h"}, "give sentinels= and service=, no host"),
        ({"sentinels": ["h"], "service": "primary", "path": "/s"}, "give sentinels= and service=, no host"),
        ({"sentinels": ["h:x"], "service": "primary"}, "a node is named by 'host:port'"),
        (
            {"sentinels": ["h"], "service": "p", "sentinel_password": "a", "sentinel_credentials": print},
            "for the sentinels: give password= or credentials=",
        ),
        ({"sentinels": ["h"], "service": "p", "sentinel_username": "u"}, "for the sentinels: username= needs password="),
        ({"sentinels": ["h"], "service": "p", "read_from": "nobody"}, "read_from must be one of"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, why: str) -> None:
    with pytest.raises(UsageValueError, match=why):
        SentinelPool(**options)


def test_options_of_a_wrong_type_are_refused_and_no_secret_is_shown() -> None:
    pool: Any = SentinelPool
    with pytest.raises(UsageTypeError, match="sentinels must be a list of addresses"):
        pool(sentinels="h:26379", service="p")
    with pytest.raises(UsageTypeError, match="sentinel_password must be text or None, not bytes"):
        pool(sentinels=["h"], service="p", sentinel_password=b"secret")
    with pytest.raises(UsageTypeError, match="did you mean 'service'"):
        pool(sentinels=["h"], servise="p")
    options = pool(sentinels=["h"], service="p", sentinel_password="secret")._options
    assert "secret" not in repr(options)
    assert options.sentinels == (("h", 26379),)


def test_a_url_with_tls_means_the_sentinels_that_it_names_and_the_nodes() -> None:
    pool: Any = SentinelPool
    options = pool("rediss+sentinel://h:1,[::1]/p")._options
    assert options.sentinels == (("h", 1), ("::1", 26379))
    assert options.tls
    assert options.sentinel_tls
    options = pool("redis+sentinel://h/p?tls=true")._options
    assert (bool(options.tls), options.sentinel_tls) == (True, False)
    with pytest.raises(UsageValueError, match="sentinel_tls=False contradicts the scheme of the URL"):
        pool("rediss+sentinel://h/p?sentinel_tls=false")
    with pytest.raises(UsageValueError, match="sentinel_tls=False contradicts the scheme of the URL"):
        pool("rediss+sentinel://h/p", sentinel_tls=False)
    with pytest.raises(UsageValueError, match=r"^tls=False contradicts the scheme of the URL"):
        pool("rediss+sentinel://h/p", tls=False)
    options = pool(sentinels=["h"], service="p", tls=True)._options
    assert (bool(options.tls), options.sentinel_tls) == (True, False)


def test_a_url_of_another_kind_names_the_right_pool() -> None:
    with pytest.raises(UsageValueError, match="this URL names sentinels: use SentinelPool"):
        Pool("redis+sentinel://h/p")
    with pytest.raises(UsageValueError, match="this URL names a cluster"):
        SentinelPool("redis+cluster://h")
    with pytest.raises(UsageValueError, match="the path of the URL must be a database number"):
        SentinelPool("redis+sentinel://h/p/x")


# Life ------------------------------------------------------------------------------------------------------------


def test_a_pool_that_was_never_opened_or_is_just_looking_closes_at_once(servers: SentinelServers) -> None:
    pool: Any = SentinelPool(servers.url)
    pool.close()
    with pytest.raises(PoolClosed):
        pool.ping()
    pool = SentinelPool(servers.url, read_from="any", client_name="us")
    pool.open(wait=False)
    pool.close()
    assert (pool.size, pool.dialing) == (0, 0)
    wait_until(lambda: clients(servers) == 0)


def test_closing_in_use_leaves_nothing(servers: SentinelServers, callers: Callers) -> None:
    pool: Any = SentinelPool(servers.url, min_size=3, read_from="any", client_name="us")
    pool.open()
    wait_until(lambda: len(pool.replicas) == 1)
    popped = callers.start(pool.blpop, "q", timeout=30)
    wait_until(lambda: pool.leased == 1)
    lease = pool.acquire()
    pool.close(timeout=0.1)
    with pytest.raises(PoolClosed):
        pool.ping()
    servers.primary.command("RPUSH", "q", "a")  # what is leased is closed when it comes back
    assert popped.result() == (b"q", b"a")
    pool.release(lease)
    wait_until(lambda: clients(servers) == 0)
    pool.close()


def test_closing_while_everything_hangs_leaves_nothing(callers: Callers) -> None:
    with SentinelServers(replicas=1, sentinels=2) as servers:
        pool: Any = SentinelPool(servers.url, read_from="any")
        pool.set("k", "v")
        for server in (*servers.sentinels, *servers.nodes):
            server.pause()
        pool._serving.finder.ask_all()
        waiting = callers.start(pool.set, "k", "w")
        wait_until(lambda: not waiting.is_done)
        since = now()
        pool.close(timeout=0.2)
        assert now() - since < 2.0
        assert isinstance(waiting.outcome(), ConnectionLost)
        for server in (*servers.sentinels, *servers.nodes):
            server.resume()


def test_a_pool_that_is_dropped_closes_everything(servers: SentinelServers) -> None:
    pool: Any = SentinelPool(servers.url, client_name="us")
    pool.ping()
    gone = weakref.ref(pool)
    with pytest.warns(ResourceWarning, match="was never closed"):
        del pool
        gc.collect()
    assert gone() is None
    wait_until(lambda: clients(servers) == 0)


def test_callers_that_wait_for_a_primary_have_their_deadline_and_hear_of_the_end(callers: Callers) -> None:
    with SentinelServers(replicas=0, sentinels=1) as servers:
        servers.sentinels[0].pause()
        pool: Any = SentinelPool(servers.url, connect_timeout=None)
        waiting = [callers.start(pool.ping), callers.start(pool.get, "k"), callers.start(pool.blpop, "q")]
        since = now()
        with pytest.raises(ConnectFailed, match="was not found within"):
            pool.execute("GET", "k", timeout=0.1)
        with pytest.raises(ConnectFailed, match="was not found within"):
            pool.acquire(timeout=0.1)
        with pytest.raises(ConnectFailed, match="was not found within"):
            pool.open(timeout=0.1)
        assert now() - since < 2.0
        pool.close(timeout=0.1)
        for caller in waiting:
            assert isinstance(caller.outcome(), PoolClosed)
        servers.sentinels[0].resume()


def test_a_sentinel_that_hangs_up_is_asked_and_heard_again(servers: SentinelServers) -> None:
    with SentinelPool(servers.url, client_name="us") as pool:
        wait_until(lambda: subscribers(servers) == 3)
        for sentinel in servers.sentinels:
            sentinel.command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: subscribers(servers) == 3)
        assert pool.ping()


def test_credentials_that_fail_for_a_while_are_asked_for_again(servers: SentinelServers) -> None:
    calls = 0

    def credentials() -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise LookupError("the vault is closed")

    with complaints() as errors:
        with SentinelPool(servers.url, client_name="us", sentinel_credentials=credentials) as pool:
            wait_until(lambda: subscribers(servers) == 3, 20.0)
            assert pool.ping()
    assert errors == []


def test_credentials_that_always_fail_are_named() -> None:
    def credentials() -> str:
        raise LookupError("the vault is closed")

    with SentinelServers(replicas=0, sentinels=1) as servers:
        pool = SentinelPool(servers.url, sentinel_credentials=credentials)
        with pytest.raises(ConnectFailed, match=r"sentinel_credentials raised LookupError\('the vault is closed'\)"):
            pool.open()
        pool.close()


def test_a_mistake_of_ours_beside_a_subscription_is_seen_and_the_sentinel_is_heard_again() -> None:
    class Mistaken:
        """Hears sentinels, as a finder does, but fails when a new subscription has begun, once."""

        def __init__(self) -> None:
            self.view, self.sentinels, self.times = self, set(seeds(servers)), 0

        def ask_by(self, *_: Any) -> None:
            self.times += 1
            if self.times == 2:  # the first time is when the old subscription ended
                raise ZeroDivisionError

        def hear(self, *_: Any) -> None: ...

    with SentinelServers(replicas=0, sentinels=1) as servers, complaints() as errors:
        with SentinelPool(servers.url, client_name="us") as pool:
            wait_until(lambda: subscribers(servers) == 1)
            pool._serving.finder._hearing.hearers.append(Mistaken())
            servers.sentinels[0].command("CLIENT", "KILL", "TYPE", "pubsub")
            wait_until(lambda: errors)
            wait_until(lambda: subscribers(servers) == 1)
            assert [type(error) for error in errors] == [ZeroDivisionError]
            assert pool.ping()


FORK = """
import os, sys, traceback
from threads.harness import run, wait_until
from respool import SentinelPool

url = sys.argv[1]

def main():
    with SentinelPool(url) as pool:
        assert pool.set("k", "v") is True
        where = pool.primary

        def is_heard():
            sentinels = list(pool._serving.finder._hearing._sentinels.values())
            hearing = [each._hearing for each in sentinels if each._hearing is not None]
            return len(hearing) == 3 and not any(each.closed for each in hearing)

        wait_until(is_heard)

        def child():
            assert (pool.primary, pool.size) == (None, 0)
            assert pool.get("k") == b"v"
            assert pool.primary == where
            pool.close()

        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run(child)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert is_heard()
        assert pool.get("k") == b"v"
        assert pool.stats().lost == 0

run(main)
print("done")
"""


@pytest.mark.parametrize("loop", LOOPS)
def test_the_child_of_a_fork_starts_afresh_and_the_parent_goes_on(servers: SentinelServers, loop: str) -> None:
    assert run_script(FORK, servers.url, loop=loop) == "done\n"
