"""``get_by_url`` of pyredis (001 and 003, point 7)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from respool.compat.pyredis import (
    AsyncClusterPool,
    AsyncPool,
    AsyncPubSubClient,
    AsyncSentinelHashPool,
    AsyncSentinelPool,
    ClusterPool,
    Pool,
    PubSubClient,
    PyRedisURLError,
    SentinelHashPool,
    SentinelPool,
    get_by_url,
)


def test_003_07_a_url_makes_a_pool_or_a_client() -> None:
    made: Any = get_by_url("redis://localhost:7000?database=3&pool_size=4&conn_timeout=0.5&password=secret")
    assert type(made) is Pool
    assert (made.host, made.port, made.database, made.pool_size) == ("localhost", 7000, 3, 4)
    assert (made.conn_timeout, made.read_timeout, made.password) == (0.5, 2, "secret")
    made = get_by_url("redis://localhost")
    assert (made.host, made.port) == ("localhost", 6379)
    made = get_by_url("cluster://a:7000,b:7001?slave_ok=true")
    assert type(made) is ClusterPool
    assert made.slave_ok is True
    assert get_by_url("cluster://a,b?slave_ok=no").slave_ok is False
    made = get_by_url("sentinel://a:26379,b?name=primary&retries=5")
    assert type(made) is SentinelPool
    assert (made.sentinels, made.name, made.retries) == ([("a", 26379), ("b", 26379)], "primary", 5)
    made = get_by_url("sentinel://a:26379?buckets=one,two")
    assert type(made) is SentinelHashPool
    assert made.buckets == ["one", "two"]
    assert type(get_by_url("pubsub://localhost:7000")) is PubSubClient
    kinds = [AsyncPool, AsyncClusterPool, AsyncSentinelPool, AsyncSentinelHashPool, AsyncPubSubClient]
    urls = ["redis://h", "cluster://h", "sentinel://h?name=p", "sentinel://h?buckets=p", "pubsub://h"]
    assert [type(get_by_url(url, async_client=True)) for url in urls] == kinds


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost", "a URL begins redis://"),
        ("buckets://localhost", "a URL begins redis://"),
        ("localhost:6379", "a URL begins redis://"),
        ("redis://", "host:port"),
        ("redis://localhost:port", "host:port"),
        ("redis://a,b", "names one host"),
        ("redis://localhost?database", "name=value"),
        ("redis://localhost?database=x", "must be a number"),
        ("redis://localhost?conn_timeout=x", "must be a number"),
        ("redis://localhost?colour=red", "an option too many"),
        ("sentinel://localhost", "one is missing"),
    ],
)
def test_003_07_a_wrong_url_is_an_error_of_its_own(url: str, said: str) -> None:
    with pytest.raises(PyRedisURLError, match=said):
        get_by_url(url)


def test_003_07_a_program_that_uses_threads_does_not_load_asyncio() -> None:
    program = "import sys; from respool.compat.pyredis import Pool; Pool('h'); print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout == "False\n"
