"""The buckets of a hash pool that are services: how they are given, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.hash_options import make_hash_options
from respool._facts.service_options import ServiceOptions
from respool.errors import UsageError, UsageTypeError, UsageValueError

SEEDS = {"sentinels": ["s1", "s2:7000"]}


def made(buckets: Any, **options: Any) -> ServiceOptions:
    found = make_hash_options(buckets, SEEDS | options)
    assert isinstance(found, ServiceOptions)
    return found


def test_with_sentinels_a_bucket_is_the_name_of_a_service() -> None:
    options = made(["b", "a.1_x-y"], max_size=3, db=2, read_from="any", max_total=9, sentinel_password="pw")
    assert options.places == [("b", 0), ("a.1_x-y", 0)]
    assert options.address == "the buckets b, a.1_x-y"
    for name in options.services:
        own = options.for_service(name)
        assert (own.service, own.address) == (name, f"the primary {name!r}")
        assert own.sentinels == (("s1", 26379), ("s2", 7000))
        assert (own.max_size, own.db, own.read_from, own.max_total, own.sentinel_password) == (3, 2, "any", 9, "pw")
    assert options.changed(min_size=1).places == options.places
    assert make_hash_options(iter(["a"]), SEEDS, "utf-8").encoding == "utf-8"


def test_a_bucket_is_named_by_its_service() -> None:
    options = made(["a", "b"])
    assert options.place_of("b") == options.place_of(("b", 0)) == ("b", 0)
    for wrong in ("c", ("a", 6379), "a:0", None, 7):
        with pytest.raises(UsageValueError, match="its buckets are a, b"):
            options.place_of(wrong)


@pytest.mark.parametrize(
    ("buckets", "why"),
    [
        (["a", "10.0.0.1:6379"], "a bucket here is an address: servers and services do not mix"),
        (["a", ("10.0.0.1", 6379)], "a bucket here is an address"),
        (["redis+sentinel://s:26379/a"], "a bucket here is an address"),
        (["/run/valkey.sock"], "a bucket here is an address"),
        (["a", ""], "do not mix"),
        (["a", 7], "a bucket here is int"),
        (["a", "b", "a"], "a stands twice"),
        ([], "needs buckets"),
    ],
)
def test_what_is_no_name_is_refused(buckets: Any, why: str) -> None:
    with pytest.raises(UsageValueError, match=why):
        made(buckets)


@pytest.mark.parametrize("buckets", ["redis+hash://a,b", b"a", {"a": 1}, {"a"}, None, 7])
def test_what_is_no_list_is_refused(buckets: Any) -> None:
    with pytest.raises(UsageTypeError, match="must be a list of the names of services"):
        made(buckets)


def test_options_that_contradict_services_are_refused() -> None:
    for wrong in ({"service": "a"}, {"host": "h"}, {"path": "/run/x"}, {"zone": "z"}, {"sentinels": []}):
        with pytest.raises(UsageError):
            made(["a"], **wrong)
    with pytest.raises(UsageValueError, match=r"beside sentinels=\[...\]"):
        make_hash_options(["redis+sentinel://s:26379/a"], {})
