"""The options that a pool with sentinels has beyond those of a pool for one node.

Rule 1: every other option holds for each node by itself: ``max_size=16`` means 16 connections to each node.
Rule 2: nothing that is given for the nodes holds for the sentinels, neither a password nor TLS: they are other servers.
        Times hold for both, and so does ``client_name``.
Rule 3: sentinels are kept as the user wrote them, so that their names are resolved anew at each dial.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from respool._facts import option_checks as checks
from respool._facts.cluster_options import as_address
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.option_checks import Check
from respool._facts.option_types import Address, Credentials, Remap
from respool._facts.options import Options, from_text
from respool._facts.url import SENTINEL_PORT

if TYPE_CHECKING:
    from ssl import SSLContext

_NODE: Final = ("host", "port", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelOptions(Options):
    """All options of a pool with sentinels, checked."""

    sentinels: tuple[Address, ...] = ()
    service: str = ""
    sentinel_tls: bool | SSLContext = False
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    sentinel_credentials: Credentials | None = field(default=None, repr=False)
    read_from: str = "primary"
    max_total: int | None = None
    remap: Remap | None = None

    def __post_init__(self) -> None:
        sentinels = [as_address(place, SENTINEL_PORT) for place in _several(self.sentinels)]
        object.__setattr__(self, "sentinels", tuple(dict.fromkeys(sentinels)))
        Options.__post_init__(self)

    def _check_together(self) -> None:
        Options._check_together(self)
        if any(getattr(self, name) != getattr(_PLAIN, name) for name in _NODE):
            raise UsageValueError("sentinels say where the nodes are: give sentinels= and service=, no host or path")
        if not self.sentinels or not self.service:
            raise UsageValueError(
                "sentinels= and service= must be given, or a URL: redis+sentinel://s1:26379,s2:26379/service"
            )
        self.for_sentinel(self.sentinels[0])  # raises for a password beside credentials, and the like

    @classmethod
    def _checks(cls) -> dict[str, Check]:
        return Options._checks() | _CHECKS

    @classmethod
    def _from_text(cls, name: str, text: str) -> Any:
        if name in ("service", "read_from", "sentinel_username", "sentinel_password"):
            return text
        like = {"max_total": "max_size", "sentinel_tls": "tls"}
        return from_text(like[name], text) if name in like else Options._from_text(name, text)

    @property
    def address(self) -> str:
        """The primary as messages name it."""
        return f"the primary {self.service!r}"

    def for_sentinel(self, address: Address) -> Options:
        """Return the options of the connections to one sentinel. Raises UsageValueError for contradictions."""
        try:
            return Options(
                host=address[0],
                port=address[1],
                tls=self.sentinel_tls,
                username=self.sentinel_username,
                password=self.sentinel_password,
                credentials=self.sentinel_credentials,
                client_name=self.client_name,
                client_info=self.client_info,
                connect_timeout=self.connect_timeout,
                read_timeout=self.read_timeout,
                retry=None,
            )
        except UsageValueError as error:
            raise UsageValueError(f"for the sentinels: {error}") from error


_PLAIN: Final = Options()


def _several(sentinels: Any) -> Iterable[Any]:
    if isinstance(sentinels, str) or not isinstance(sentinels, Iterable):
        example = "['10.0.0.1:26379', '10.0.0.2:26379']"
        raise UsageTypeError(f"sentinels must be a list of addresses, as in {example}, not {sentinels!r}")
    return sentinels


_AS_FOR_NODES: Final = {f"sentinel_{name}": name for name in ("tls", "username", "password", "credentials")}
_CHECKS: Final[dict[str, Check]] = {
    "service": checks.of(str, "the name of a primary, as SENTINEL MASTERS lists it"),
    **{name: Options._checks()[like] for name, like in _AS_FOR_NODES.items()},
    "read_from": checks.one_of("primary", "replica", "any"),
    "max_total": checks.whole(1, "a whole number above zero, or None", optional=True),
    "remap": checks.function,
}
