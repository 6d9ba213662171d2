"""The options of a pool that spreads its keys over services: primaries that the same sentinels watch.

Rule 1: a bucket is the name of a service. Every other option holds for each node by itself, but ``max_total`` for all
        nodes together, and what begins with ``sentinel`` for the sentinels.
Rule 2: the order of the services decides which keys each of them has, as that of buckets does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.option_types import FROM_URL, Address
from respool._facts.options import make_options
from respool._facts.sentinel_options import SentinelOptions

_WANTED: Final = "with sentinels= the buckets must be a list of the names of services, as in ['bucket-a', 'bucket-b']"
#: What sentinels allow in a name.
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions(SentinelOptions):
    """All options of a pool over services, checked."""

    services: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The pool as messages name it: by its buckets."""
        return "the buckets " + ", ".join(self.services)

    @property
    def places(self) -> list[Address]:
        """The buckets in their order: each is the name of a service, and 0."""
        return [(name, 0) for name in self.services]

    def for_service(self, name: str) -> SentinelOptions:
        """Return the options of one bucket."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(SentinelOptions)}
        return SentinelOptions(**{**own, "service": name})

    def place_of(self, node: Any) -> Address:
        """Return the bucket that a caller has named. Raises UsageError."""
        for place in self.places:
            if node in (place, place[0]):
                return place
        raise UsageValueError(f"the pool has no bucket {node!r}; its buckets are {', '.join(self.services)}")


def make_service_options(buckets: Any, options: Mapping[str, Any], encoding: Any = FROM_URL) -> ServiceOptions:
    """Return the options for a list of names. Raises UsageTypeError or UsageValueError."""
    if isinstance(buckets, str | bytes | Mapping | set | frozenset) or not isinstance(buckets, Iterable):
        raise UsageTypeError(f"{_WANTED}, not {type(buckets).__name__}")
    if "service" in options:
        raise UsageValueError(f"leave service= out: {_WANTED}")
    names = tuple(buckets)
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            what = "an address" if isinstance(name, str | tuple) else type(name).__name__
            raise UsageValueError(f"{_WANTED}; a bucket here is {what}: servers and services do not mix")
        if names.count(name) > 1:
            raise UsageValueError(f"{name} stands twice among the buckets: each is a service of its own")
    if not names:
        raise UsageValueError(f"a hash pool needs buckets: {_WANTED}")
    return make_options(None, {**options, "services": names, "service": names[0]}, encoding, ServiceOptions)
