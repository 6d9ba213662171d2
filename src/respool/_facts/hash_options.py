"""The options of a pool that spreads its keys over a fixed list of servers, its buckets.

Rule 1: a bucket says where a server is and who connects. Every other option holds for each bucket by itself:
        ``max_size=16`` means 16 connections to each.
Rule 2: the order of the buckets decides which keys each of them has. So it is kept as given, and nobody changes it.
Rule 3: all buckets are on one database, and are reached through TLS all or none: a pool has one of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from respool._facts.cluster_options import as_address
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.option_types import FROM_URL, Address
from respool._facts.options import Options, make_options
from respool._facts.service_options import ServiceOptions, make_service_options
from respool._facts.url import kind_of, parse_url

_WANTED: Final = "buckets must be a list of URLs or addresses, as in ['10.0.0.1:6379', '10.0.0.2:6379']"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of the servers."""

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> Address:
        """Its host and port; the path of a unix socket, and 0."""
        return (self.host, self.port) if self.path is None else (self.path, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashOptions(Options):
    """All options of a pool over buckets, checked."""

    buckets: tuple[Bucket, ...] = ()

    def __post_init__(self) -> None:
        places: Any = self.buckets  # those of a URL are addresses
        buckets = tuple(place if isinstance(place, Bucket) else Bucket(*place) for place in places)
        object.__setattr__(self, "buckets", buckets)
        Options.__post_init__(self)

    def _check_together(self) -> None:
        Options._check_together(self)
        if not self.buckets:
            raise UsageValueError(f"a hash pool needs buckets: {_WANTED}")
        if (self.host, self.port, self.path) != ("localhost", 6379, None):
            raise UsageValueError("the buckets say where the servers are: leave host=, port= and path= out")
        places = [bucket.place for bucket in self.buckets]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice is not None:
            raise UsageValueError(f"{shown(twice)} stands twice among the buckets: each is a server of its own")
        for bucket in self.buckets:
            self.for_bucket(bucket)  # raises for what is wrong with one of them

    @property
    def address(self) -> str:
        """The pool as messages name it: by its buckets."""
        return "the buckets " + ", ".join(shown(bucket.place) for bucket in self.buckets)

    @property
    def places(self) -> list[Address]:
        """Where the buckets are, in their order."""
        return [bucket.place for bucket in self.buckets]

    def for_bucket(self, bucket: Bucket) -> Options:
        """Return the options of the connections to one bucket."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(Options)}
        own |= {"host": bucket.host, "port": bucket.port, "path": bucket.path}
        if bucket.password is not None:
            own |= {"username": bucket.username, "password": bucket.password}
        return Options(**own)

    def place_of(self, node: Any) -> Address:
        """Return where the bucket is that a caller has named. Raises UsageError."""
        for place in self.places:
            if node == place or (not place[1] and node in (place[0], shown(place))):
                return place
        place = as_address(node)
        if place not in self.places:
            known = ", ".join(map(shown, self.places))
            raise UsageValueError(f"the pool has no bucket {shown(place)}; its buckets are {known}")
        return place


def make_hash_options(
    buckets: Any, options: Mapping[str, Any], encoding: Any = FROM_URL
) -> HashOptions | ServiceOptions:
    """Return the options for a list of buckets, or for one URL that names all of them; keywords override URLs.

    With ``sentinels`` among the options the buckets are services. Raises UsageTypeError or UsageValueError.
    """
    if "sentinels" in options:
        return make_service_options(buckets, options, encoding)
    if isinstance(buckets, str):
        if kind_of(buckets) != "hash":
            raise UsageValueError(f"{_WANTED}, or one URL, as in redis+hash://10.0.0.1,10.0.0.2")
        return make_options(buckets, options, encoding, HashOptions)
    if not isinstance(buckets, Iterable) or isinstance(buckets, bytes | Mapping | set | frozenset):
        raise UsageTypeError(f"{_WANTED}, not {type(buckets).__name__}")
    read = [_read(place) for place in buckets]
    if options.get("tls") is False and any("tls" in found for found in read):
        raise UsageValueError("tls=False contradicts the URL of a bucket, which asks for TLS")
    merged: dict[str, Any] = {"db": 0, "tls": False}
    for name in merged.keys() - options.keys():
        said = {found.get(name, merged[name]) for found in read} or {merged[name]}
        if len(said) > 1:
            what = "databases" if name == "db" else "schemes, and only some of them ask for TLS"
            raise UsageValueError(f"the URLs of the buckets name different {what}: all buckets must agree")
        merged[name] = said.pop()
    who = () if {"password", "credentials"} & options.keys() else ("username", "password")
    names = ("host", "port", "path", *who)
    merged["buckets"] = tuple(Bucket(**{name: found[name] for name in names if name in found}) for found in read)
    return make_options(None, merged | dict(options), encoding, HashOptions)


def shown(place: Address) -> str:
    """Return where a bucket is, as messages and counters name it."""
    host, port = place
    return Options(host=host, port=port).address if port else f"unix:{host}"


def _read(place: Any) -> dict[str, Any]:
    """Return what one entry of the list says."""
    if isinstance(place, Bucket):
        return {entry.name: getattr(place, entry.name) for entry in fields(Bucket)}
    if isinstance(place, str) and place.startswith("/"):
        return {"path": place}
    if not isinstance(place, str) or "://" not in place:
        host, port = as_address(place)
        return {"host": host, "port": port}
    found = parse_url(place)
    if "sentinels" in found:
        raise UsageValueError("buckets behind sentinels are given by their names, beside sentinels=[...]")
    if "seeds" in found or "buckets" in found:
        raise UsageValueError("a bucket is a single server: its URL names one host, and its scheme has no +")
    if found.pop("query"):
        raise UsageValueError("options hold for all buckets: give them as keywords, not in the URL of one bucket")
    return found
