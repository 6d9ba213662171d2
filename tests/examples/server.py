"""Examples of commands on a server as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from examples import NotMade, Refused, Row, call

ON_ITS_OWN = NotMade("test_server_commands has servers of its own for it")


def is_now(reply: Any) -> bool:
    return reply.tzinfo is UTC and abs(datetime.now(UTC) - reply) < timedelta(minutes=1)


def is_past(reply: Any) -> bool:
    return reply.tzinfo is UTC and datetime(2020, 1, 1, tzinfo=UTC) < reply <= datetime.now(UTC)


def is_info(reply: Any) -> bool:
    return (
        type(reply["redis_version"]) is str
        and type(reply["redis_git_sha1"]) is str
        and type(reply["process_id"]) is int
        and type(reply["mem_fragmentation_ratio"]) is float
        and reply["role"] == "master"
        and reply["db0"]["keys"] == 1
    )


def is_info_of_everything(reply: Any) -> bool:
    return (
        all(type(module) is dict for module in reply.get("module", []))
        and reply["cmdstat_flushall"]["calls"] > 0
        and type(reply["cmdstat_flushall"]["usec_per_call"]) is float
    )


def is_primary(reply: Any) -> bool:
    return type(reply).__name__ == "PrimaryRole" and reply.role == "master" and reply.replicas == []


def is_drawing(reply: Any) -> bool:
    return type(reply) is str and len(reply) > 10


EXAMPLES: list[Row] = [
    (call("bgrewriteaof"), ON_ITS_OWN),
    (call("bgsave"), ON_ITS_OWN),
    (call("bgsave", schedule=True), ON_ITS_OWN),
    (call("bgsave", cancel=True), ON_ITS_OWN),
    (call("config_get", "maxmemory-samples", "appendon*"), lambda reply: reply == {"maxmemory-samples": "5", "appendonly": "no"}),
    (call("config_get", "nope"), {}),
    (call("config_resetstat"), True),
    (call("config_rewrite"), ON_ITS_OWN),
    (call("config_set", {"maxmemory-samples": 5, "maxmemory": "0"}), True),
    (call("dbsize"), 1, "SET k v"),
    (call("dbsize"), 0),
    (call("failover"), ON_ITS_OWN),
    (call("failover", to=("127.0.0.1", 6380), force=True, timeout=500), ON_ITS_OWN),
    (call("failover", timeout=timedelta(seconds=1)), ON_ITS_OWN),
    (call("failover", abort=True), ON_ITS_OWN),
    (call("flushall"), True, "SET k v"),
    (call("flushall", "ASYNC"), True),
    (call("flushall", "SYNC"), True),
    (call("flushdb"), True, "SET k v"),
    (call("flushdb", "ASYNC"), True),
    (call("flushdb", "SYNC"), True),
    (call("info"), is_info, "SET k v"),
    (call("info", "everything"), is_info_of_everything),
    (call("info", "keyspace", "nope"), {}),
    (call("lastsave"), is_past),
    (call("lolwut"), is_drawing),
    (call("lolwut", 1, 1, 1, version=5), is_drawing),
    (call("replicaof", None), True),
    (call("replicaof", "127.0.0.1", 6380), ON_ITS_OWN),
    (call("role"), is_primary),
    (call("save"), ON_ITS_OWN),
    (call("shutdown"), ON_ITS_OWN),
    (call("shutdown", save=True, now=True, force=True), ON_ITS_OWN),
    (call("shutdown", save=False), ON_ITS_OWN),
    (call("shutdown", safe=True, failover=True), ON_ITS_OWN),
    (call("shutdown", abort=True), ON_ITS_OWN),
    (call("swapdb", 0, 1), True, "SET k v"),
    (call("time"), is_now),
]
REFUSED: list[Refused] = [
    (call("bgsave", schedule=True, cancel=True), "schedule and cancel exclude each other"),
    (call("config_get"), "CONFIG GET needs at least one pattern"),
    (call("config_set", {}), "CONFIG SET needs at least one setting"),
    (call("failover", abort=True, timeout=5), "abort excludes to, force and timeout"),
    (call("failover", force=True, to=("h", 1)), "force needs to and timeout"),
    (call("failover", force=True, timeout=5), "force needs to and timeout"),
    (call("failover", timeout=0), "timeout must be 1 or more, not 0"),
    (call("shutdown", abort=True, now=True), "abort excludes all other options"),
    (call("shutdown", abort=True, save=False), "abort excludes all other options"),
]
MISTYPED: list[Refused] = [
    (call("shutdown", save="no"), "save must be True or False, not 'no'"),
    (call("failover", to="h:1"), "an address must be a tuple of a host and a port, not 'h:1'"),
    (call("failover", to=("h", 1, 2)), "an address must be a tuple of a host and a port"),
    (call("config_set", [("hz", 10)]), "CONFIG SET takes a mapping of settings to values, not list"),
    (call("failover", to=("h", "1")), "port must be a whole number, not '1'"),
    (call("replicaof", "h"), "REPLICAOF takes a host and a port, or None"),
    (call("replicaof", None, 6379), "REPLICAOF takes a host and a port, or None"),
    (call("replicaof", "h", "6379"), "port must be a whole number, not '6379'"),
]
