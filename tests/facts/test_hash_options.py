"""The buckets of a hash pool: how they are given, and what is refused."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from respool._facts.hash_options import Bucket, make_hash_options, shown
from respool._facts.url import kind_of
from respool.errors import UsageError, UsageTypeError, UsageValueError

TWO = ["10.0.0.1:7001", "10.0.0.2"]


def places(buckets: Any, **options: Any) -> list[tuple[str, int]]:
    return make_hash_options(buckets, options).places


def test_a_bucket_is_a_url_an_address_or_the_path_of_a_socket() -> None:
    given = ["redis://a:7001", "B:7002", ("c", 7003), "d", "/run/e.sock", "unix:///run/f.sock", "[::1]:7004"]
    wanted = [("a", 7001), ("b", 7002), ("c", 7003), ("d", 6379), ("/run/e.sock", 0), ("/run/f.sock", 0), ("::1", 7004)]
    assert places(given) == wanted
    assert places(iter(given)) == wanted
    assert [shown(place) for place in wanted[3:]] == ["d:6379", "unix:/run/e.sock", "unix:/run/f.sock", "[::1]:7004"]


@pytest.mark.parametrize("scheme", ["redis+hash", "valkey+hash", "rediss+hash", "valkeys+hash", "REDIS+HASH"])
def test_one_url_names_all_buckets(scheme: str) -> None:
    url = f"{scheme}://u:pw@a:7001,b,[::1]:7002/3?max_size=5"
    options = make_hash_options(url, {})
    assert options.places == [("a", 7001), ("b", 6379), ("::1", 7002)]
    assert (options.db, options.username, options.password, options.max_size) == (3, "u", "pw", 5)
    assert options.tls is scheme.startswith(("rediss", "valkeys"))
    assert kind_of(url) == "hash"
    assert make_hash_options(url, {"db": 1}, "utf-8").changed(min_size=1).places == options.places


def test_credentials_are_those_of_the_bucket_unless_a_keyword_says_otherwise() -> None:
    urls = ["redis://:one@a", "redis://u:two@b", "c"]

    def who(**given: Any) -> list[tuple[str | None, str | None]]:
        options = make_hash_options(urls, given)
        every = [options.for_bucket(bucket) for bucket in options.buckets]
        return [(each.username, each.password) for each in every]

    assert who() == [(None, "one"), ("u", "two"), (None, None)]
    assert who(password="all") == [(None, "all")] * 3
    assert who(credentials=lambda: "x") == [(None, None)] * 3
    assert "two" not in repr(make_hash_options(urls, {}))


def test_the_other_options_hold_for_every_bucket() -> None:
    options = make_hash_options(["redis://a/2", "redis://b/2"], {"max_size": 7, "client_name": "us"}, "latin-1")
    for bucket in options.buckets:
        own = options.for_bucket(bucket)
        assert (own.db, own.max_size, own.client_name, own.encoding) == (2, 7, "us", "latin-1")
    assert options.address == "the buckets a:6379, b:6379"
    assert make_hash_options(["redis://a/2", "redis://b/3"], {"db": 4}).db == 4
    assert make_hash_options(["rediss://a", "rediss://b"], {}).tls is True
    context = ssl.create_default_context()
    assert make_hash_options(["rediss://a", "b"], {"tls": context}).tls is context


@pytest.mark.parametrize(
    ("buckets", "options", "kind", "why"),
    [
        ([], {}, UsageValueError, "a hash pool needs buckets"),
        (["a:1", "b:1", "a:1"], {}, UsageValueError, "a:1 stands twice among the buckets"),
        (["a", "redis://a:6379"], {}, UsageValueError, "a:6379 stands twice"),
        (["/s", "unix:///s"], {}, UsageValueError, "unix:/s stands twice"),
        ("redis+hash://a,a", {}, UsageValueError, "a:6379 stands twice"),
        ("a:6379", {}, UsageValueError, "buckets must be a list of URLs or addresses"),
        ("redis://a", {}, UsageValueError, "buckets must be a list of URLs or addresses"),
        (None, {}, UsageTypeError, "buckets must be a list of URLs or addresses, as in .*, not NoneType"),
        ({"a": 1}, {}, UsageTypeError, "not dict"),
        ({"a"}, {}, UsageTypeError, "not set"),
        (b"a", {}, UsageTypeError, "not bytes"),
        ([1], {}, UsageTypeError, "a node is named by"),
        (["a:x"], {}, UsageValueError, "a node is named by"),
        (["redis+cluster://a"], {}, UsageValueError, "a bucket is a single server"),
        (["redis+hash://a"], {}, UsageValueError, "a bucket is a single server"),
        (["redis://a?max_size=5"], {}, UsageValueError, "give them as keywords"),
        (["redis://a/1", "redis://b/2"], {}, UsageValueError, "name different databases"),
        (["redis://a/1", "b"], {}, UsageValueError, "name different databases"),
        (["rediss://a", "redis://b"], {}, UsageValueError, "only some of them ask for TLS"),
        (["rediss://a"], {"tls": False}, UsageValueError, "tls=False contradicts the URL of a bucket"),
        (["/s"], {"tls": True}, UsageValueError, "TLS over a unix socket"),
        (TWO, {"host": "c"}, UsageValueError, "the buckets say where the servers are"),
        (TWO, {"port": 1}, UsageValueError, "the buckets say where the servers are"),
        (TWO, {"path": "/s"}, UsageValueError, "the buckets say where the servers are"),
        (TWO, {"max_size": 0}, UsageValueError, "max_size must be"),
        (TWO, {"read_from": "any"}, UsageTypeError, "unknown option 'read_from'"),
    ],
)
def test_what_is_refused(buckets: Any, options: dict[str, Any], kind: type[UsageError], why: str) -> None:
    with pytest.raises(kind, match=why):
        make_hash_options(buckets, options)


def test_a_bucket_is_found_by_all_of_its_names_and_by_no_other() -> None:
    options = make_hash_options(["a:7001", "b", "/run/c.sock"], {})
    for name in ("a:7001", ("a", 7001), ["a", 7001]):
        assert options.place_of(name) == ("a", 7001)
    assert options.place_of("b") == ("b", 6379)
    for name in ("/run/c.sock", "unix:/run/c.sock", ("/run/c.sock", 0)):
        assert options.place_of(name) == ("/run/c.sock", 0)
    with pytest.raises(UsageValueError, match=r"no bucket a:7002; its buckets are a:7001, b:6379, unix:/run/c\.sock"):
        options.place_of("a:7002")
    with pytest.raises(UsageTypeError, match="a node is named by"):
        options.place_of(7001)
    assert make_hash_options(options.buckets, {}).buckets == options.buckets
    assert Bucket("a", 7001).place == ("a", 7001)
