"""What servers report has one shape, also from servers that are older than those which tests can ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from respool.commands import _reports as reports
from respool.types import LatencyEvent, SlowLogEntry

INFO = """\
# Server\r
redis_version:7.2\r
redis_git_sha1:00000000\r
redis_build_id:1234567890123456\r
run_id:1234567890\r
process_id:42\r
executable:/opt/a=1/redis-server\r
config_file:\r
uptime_in_days:0\r
listener0:name=tcp,bind=127.0.0.1,bind=-::1,port=6379\r
\r
# Memory\r
used_memory_human:987.33K\r
used_memory_peak_perc:44.14%\r
mem_fragmentation_ratio:13.54\r
rss_overhead:-0.50\r
mem_allocator:jemalloc-5.3.0\r
aof_last_rewrite_time_sec:-1\r
odd:1e5\r
odder:inf\r
oddest:nan\r
\r
# Stats\r
search_global_idle:0\r
pubsubshard_channels:3\r
\r
# Replication\r
slave0:ip=::1,port=6380,state=online,offset=14,lag=1\r
master_replid2:0000000000000000000000000000000000000000\r
\r
# Modules\r
module:name=bf,ver=20802,usedby=[],options=[a|b]\r
\r
# Commandstats\r
cmdstat_config|get:calls=1,usec=975,usec_per_call=975.00\r
\r
# Errorstats\r
errorstat_ERR:count=1\r
\r
# Latencystats\r
latency_percentiles_usec_get:p50=1.003,p99.9=2.007\r
\r
# Keyspace\r
db0:keys=1,expires=0,avg_ttl=0\r
\r
# Keysizes\r
db0_distrib_strings_sizes:1=1,1K=2\r
"""


@pytest.mark.parametrize("reply", [INFO, INFO.encode()])
def test_only_what_is_written_as_a_number_is_one(reply: Any) -> None:
    expected = {
        "redis_version": "7.2",
        "redis_git_sha1": "00000000",
        "redis_build_id": "1234567890123456",
        "run_id": "1234567890",
        "process_id": 42,
        "executable": "/opt/a=1/redis-server",
        "config_file": "",
        "uptime_in_days": 0,
        "listener0": {"name": "tcp", "bind": ["127.0.0.1", "-::1"], "port": 6379},
        "used_memory_human": "987.33K",
        "used_memory_peak_perc": "44.14%",
        "mem_fragmentation_ratio": 13.54,
        "rss_overhead": -0.5,
        "mem_allocator": "jemalloc-5.3.0",
        "aof_last_rewrite_time_sec": -1,
        "odd": "1e5",
        "odder": "inf",
        "oddest": "nan",
        "search_global_idle": 0,
        "pubsubshard_channels": 3,
        "slave0": {"ip": "::1", "port": 6380, "state": "online", "offset": 14, "lag": 1},
        "master_replid2": "0" * 40,
        "module": [{"name": "bf", "ver": 20802, "usedby": "[]", "options": "[a|b]"}],
        "cmdstat_config|get": {"calls": 1, "usec": 975, "usec_per_call": 975.0},
        "errorstat_ERR": {"count": 1},
        "latency_percentiles_usec_get": {"p50": 1.003, "p99.9": 2.007},
        "db0": {"keys": 1, "expires": 0, "avg_ttl": 0},
        "db0_distrib_strings_sizes": {"1": 1, "1K": 2},
    }
    report = reports.as_report(reply)
    assert report == expected
    assert {name: type(value) for name, value in report.items()} == {
        name: type(value) for name, value in expected.items()
    }


def test_a_name_that_comes_more_than_once_has_a_list() -> None:
    assert reports.as_report("module:name=a\r\nmodule:name=b\r\nx:1\r\nx:y\r\n") == {
        "module": [{"name": "a"}, {"name": "b"}],
        "x": [1, "y"],
    }


@pytest.mark.parametrize("reply", ["", b"", "# Keyspace\r\n"])
def test_an_empty_report_is_an_empty_dict(reply: Any) -> None:
    assert reports.as_report(reply) == {}


def test_a_slow_log_of_a_server_before_4_0_has_no_clients() -> None:
    assert reports.as_slow_log([[1, 2, 3, [b"GET", b"\xff"]]]) == [SlowLogEntry(1, 2, 3, [b"GET", b"\xff"], "", "")]


def test_a_latency_event_has_sums_where_the_server_tells_them() -> None:
    old, new = reports.as_latency_events([[b"command", 1, 2, 3], ["fork", 1, 2, 3, 5, 2]])
    assert old == LatencyEvent("command", 1, 2, 3, None, None)
    assert new == LatencyEvent("fork", 1, 2, 3, 5, 2)


@pytest.mark.parametrize(
    "reply",
    [
        [b"get", [b"calls", 2, b"histogram_usec", [1, 1, 4, 2]]],
        {"get": {"calls": 2, "histogram_usec": {1: 1, 4: 2}}},
    ],
)
def test_a_histogram_has_numbers_as_keys(reply: Any) -> None:
    assert reports.as_histograms(reply) == {"get": (2, {1: 1, 4: 2})}


def test_commands_of_a_server_before_6_0_have_no_categories() -> None:
    found = reports.as_commands([[b"get", 2, [b"readonly", b"fast"], 1, 1, 1], None])
    assert found == {"get": ("get", 2, {"readonly", "fast"}, 1, 1, 1, set(), set(), [], {})}


def test_a_user_of_a_server_before_7_0_has_no_selectors() -> None:
    reply = [b"flags", [b"on"], b"passwords", [], b"commands", b"-@all", b"keys", [b"k*"], b"channels", []]
    assert reports.as_user(reply) == {
        "flags": ["on"],
        "passwords": [],
        "commands": "-@all",
        "keys": ["k*"],
        "channels": [],
    }


def test_the_role_of_a_sentinel_names_what_it_watches() -> None:
    role = reports.as_role([b"sentinel", [b"one", b"two"]])
    assert role.role == "sentinel"
    assert role.primaries == ["one", "two"]


def test_a_role_that_no_client_is_told_is_an_error() -> None:
    with pytest.raises(ValueError, match="ROLE does not tell 'arbiter' to a client"):
        reports.as_role([b"arbiter"])


def test_times_are_moments_in_utc() -> None:
    assert reports.as_time([b"1", b"5"]) == datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    assert reports.as_time(["1", "5"]) == datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    assert reports.as_moment(2).isoformat() == "1970-01-01T00:00:02+00:00"


def test_text_that_is_not_utf8_survives() -> None:
    assert reports.as_settings([b"logfile", b"\xff"]) == {"logfile": "\udcff"}
