"""The options that a pool for a cluster has beyond those of a pool for one node.

Rule 1: every other option holds for each node by itself: ``max_size=16`` means 16 connections to each node.
Rule 2: seeds are kept as the user wrote them, so that their names are resolved anew at each dial.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from respool._facts import option_checks as checks
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.option_checks import Check
from respool._facts.option_types import Address, Remap
from respool._facts.options import Options, from_text
from respool._facts.url import DEFAULT_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions(Options):
    """All options of a pool for a cluster, checked."""

    seeds: tuple[Address, ...] = ()
    read_from: str = "primary"
    zone: str | None = None
    max_total: int | None = None
    remap: Remap | None = None

    def __post_init__(self) -> None:
        seeds = [as_address(seed) for seed in _several(self.seeds)] if self.seeds else [(self.host, self.port)]
        object.__setattr__(self, "seeds", tuple(dict.fromkeys(seeds)))
        Options.__post_init__(self)

    def _check_together(self) -> None:
        Options._check_together(self)
        if self.path is not None:
            raise UsageValueError("the nodes of a cluster are reached over TCP: give host= and port=, or seeds=")
        if self.zone is not None and self.read_from == "primary":
            raise UsageValueError("zone= chooses among replicas: give read_from='replica' or read_from='any' too")

    @classmethod
    def _checks(cls) -> dict[str, Check]:
        return Options._checks() | _CHECKS

    @classmethod
    def _from_text(cls, name: str, text: str) -> Any:
        if name in ("read_from", "zone"):
            return text
        return from_text("max_size", text) if name == "max_total" else Options._from_text(name, text)

    @property
    def address(self) -> str:
        """The cluster as messages name it: by its seeds."""
        return "the cluster at " + ", ".join(f"{host}:{port}" for host, port in self.seeds)


def as_address(place: Any, default_port: int = DEFAULT_PORT) -> Address:
    """Return a host and a port, given as such or as ``"host:port"``. Raises UsageError."""
    wanted = "a node is named by 'host:port', or by (host, port)"
    if isinstance(place, str):
        try:
            parts = urlsplit(f"//{place}")
            place = (parts.hostname, parts.port or default_port)
        except ValueError:
            raise UsageValueError(f"{wanted}, not {place!r}") from None
    if not isinstance(place, tuple | list) or len(place) != 2:
        raise UsageTypeError(f"{wanted}, not {place!r}")
    host, port = place
    if not isinstance(host, str) or not isinstance(port, int) or isinstance(port, bool):
        raise UsageTypeError(f"{wanted}, not {place!r}")
    if not host or not 0 < port < 65536:
        raise UsageValueError(f"{wanted}, with a port from 1 to 65535, not {place!r}")
    return host, port


def _several(seeds: Any) -> Iterable[Any]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise UsageTypeError(f"seeds must be a list of nodes, as in ['10.0.0.1:7000', '10.0.0.2:7000'], not {seeds!r}")
    return seeds


_CHECKS: Final[dict[str, Check]] = {
    "read_from": checks.one_of("primary", "replica", "any"),
    "zone": lambda value: None if value is None else checks.text(value),
    "max_total": checks.whole(1, "a whole number above zero, or None", optional=True),
    "remap": checks.function,
}
