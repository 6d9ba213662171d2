"""Every option of a pool, its default, and the one place where it is checked.

Rule 1: every ``Options`` object is valid; later code does not check again.
Rule 2: a wrong type is a UsageTypeError, a wrong value a UsageValueError; both are raised before any dial.
Rule 3: ``repr`` shows no secret.
Rule 4: ``standing`` comes from a pool, never from a user: it is no option, so ``make_options`` does not know it.
Times are in seconds. ``None`` switches a limit off where that makes sense.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ssl import SSLContext
from typing import Any, Final, Self, TypeVar

from respool._facts import option_checks as checks
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.option_checks import Check
from respool._facts.option_types import FROM_URL, Address, Credentials, Hook
from respool._facts.retry_policy import RetryPolicy
from respool._facts.standing import Standing
from respool._facts.unknown import unknown_option
from respool._facts.url import parse_url

Kind = TypeVar("Kind", bound="Options")

#: How many shared connections a pool opens by default (docs/explanation/shared-connections.md).
DEFAULT_SHARED: Final = 1

#: The characters of command names; an encoding must encode them as ASCII does.
_SPOKEN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 -_."


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All options of a pool or a single connection, checked.

    Raises UsageTypeError or UsageValueError (both UsageError) from its constructor.
    """

    # Where
    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    tls: bool | SSLContext = False
    # Who
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials: Credentials | None = field(default=None, repr=False)
    client_name: str | None = None
    client_info: bool = True
    protocol: int = 3
    encoding: str | None = None
    encoding_errors: str = "strict"
    # How long
    connect_timeout: float | None = 2.0
    read_timeout: float | None = 5.0
    acquire_timeout: float | None = 30.0
    stall_after: float | None = 1.0
    # How many
    min_size: int = 0
    max_size: int = 16
    shared: int | None = None
    strategy: str = "least_pending"
    on_full: str = "wait"
    max_waiting: int = 1024
    max_dials: int = 2
    max_in_flight: int = 16_384
    max_in_flight_bytes: int = 64 * 1024 * 1024
    # How connections live
    idle_order: str = "lifo"
    max_idle: float | None = 600.0
    max_lifetime: float | None = 3600.0
    keepalive: float | None = 30.0
    close_on_error: bool = False
    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    # What the user plugs in
    connection_class: type[Any] | None = None
    connection_options: Mapping[str, Any] | None = field(default=None, repr=False)
    configure: Hook | None = None
    check: Hook | None = None
    reset: Hook | None = None
    listener: Callable[[Any], None] | None = None
    trace_leases: bool = False
    warn_unclosed: bool = True
    # What a pool says about the node; None for a connection that is used alone
    standing: Standing | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, check in self._checks().items():
            problem = check(getattr(self, name))
            if problem is not None:
                kind, wanted = problem
                raise kind(f"{name} must be {wanted}, not {_shown(name, getattr(self, name))}")
        self._check_together()

    @classmethod
    def _checks(cls) -> dict[str, Check]:
        return _CHECKS

    @classmethod
    def _from_text(cls, name: str, text: str) -> Any:
        """Convert an option of a URL's query string to its type."""
        return from_text(name, text)

    def _check_together(self) -> None:
        if self.min_size > self.max_size:
            raise UsageValueError(f"min_size ({self.min_size}) is above max_size ({self.max_size})")
        if self.shared is not None and self.shared > self.max_size:
            raise UsageValueError(f"shared ({self.shared}) is above max_size ({self.max_size})")
        if self.path is not None and self.tls:
            raise UsageValueError("TLS over a unix socket is not supported: give path= or tls=")
        if self.password is not None and self.credentials is not None:
            raise UsageValueError("give password= or credentials=, not both")
        if self.username is not None and self.password is None and self.credentials is None:
            raise UsageValueError("username= needs password= or credentials=")
        name = "encoding_errors"
        try:
            codecs.lookup_error(self.encoding_errors)
            name = "encoding"
            # Encoding some text shows whether it is a text encoding; codecs.lookup does not.
            spoken = _SPOKEN.encode("ascii" if self.encoding is None else self.encoding)
        except (LookupError, ValueError) as error:
            raise UsageValueError(f"{name}: {error}") from error
        if spoken != _SPOKEN.encode():
            raise UsageValueError(
                f"encoding {self.encoding!r} does not write letters as ASCII does: no server would know a command"
            )
        for name in ("username", "password"):
            if not can_be_encoded(getattr(self, name) or "", self.encoding):
                raise UsageValueError(f"{name} must be a text that can be written in {self.encoding or 'utf-8'}")

    @property
    def address(self) -> str:
        """The node's address as in messages: ``host:port`` or ``unix:path``."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def tls_name(self) -> str:
        """The host name for TLS: the server gets it (SNI), and the certificate must be issued for it."""
        announced = None if self.standing is None else self.standing.tls_name
        return self.host if announced is None else announced

    @property
    def shared_target(self) -> int:
        """How many shared connections the pool keeps: the option, or the default if that leaves room for a lease."""
        if self.shared is not None:
            return self.shared
        return DEFAULT_SHARED if self.max_size > DEFAULT_SHARED else 0

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all options: every field but the standing (Rule 4)."""
        return frozenset(entry.name for entry in fields(cls)) - {"standing"}

    def changed(self, **changes: Any) -> Self:
        """Return a checked copy with some options, or the standing, replaced."""
        return replace(self, **changes)

    def for_node(self, address: Address, standing: Standing) -> Options:
        """Return the options of the connections to one of the nodes of a pool of several."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(Options)}
        return Options(**{**own, "host": address[0], "port": address[1], "standing": standing})


def make_options(
    url: str | None, options: Mapping[str, Any], encoding: Any = FROM_URL, kind: type[Kind] = Options  # type: ignore[assignment]
) -> Kind:
    """Merge a URL and keywords into checked options of this kind; keywords override the URL."""
    given = dict(options) if encoding is FROM_URL else {**options, "encoding": encoding}
    names = kind.names()
    for name in given:
        if name not in names:
            raise UsageTypeError(unknown_option(name, names))
    merged: dict[str, Any] = {}
    if url is not None:
        merged = parse_url(url)
        if "seeds" in merged and "seeds" not in names:
            raise UsageValueError("this URL names a cluster: use ClusterPool or AsyncClusterPool, or from_url")
        if "buckets" in merged and "buckets" not in names:
            raise UsageValueError("this URL names buckets: use HashPool or AsyncHashPool, or from_url")
        if "sentinels" in merged and "sentinels" not in names:
            raise UsageValueError("this URL names sentinels: use SentinelPool or AsyncSentinelPool, or from_url")
        secure = [name for name in ("tls", "sentinel_tls") if merged.get(name, False)]
        for name, text in merged.pop("query", {}).items():
            value = kind._from_text(name, text)
            if name in merged and merged[name] != value and name not in ("tls", "sentinel_tls"):
                raise UsageValueError(f"the URL says two things about {name}: leave {name}= out of its query string")
            merged[name] = value
        for name in secure:
            if given.get(name, merged[name]) is False:
                raise UsageValueError(
                    f"{name}=False contradicts the scheme of the URL, which asks for TLS: password and data would go "
                    "in clear text; write redis:// or valkey:// if that is meant"
                )
    merged.update(given)
    if merged.get("credentials") is not None and "credentials" in given and "password" not in given:
        merged.pop("password", None)  # the callable overrides the URL's password, which may be out of date
    if "host" in given and "path" not in given:
        merged.pop("path", None)
    if merged.keys() & {"host", "port"} & given.keys() and "seeds" not in given:
        merged.pop("seeds", None)
    return kind(**merged)


def can_be_encoded(text: str, encoding: str | None) -> bool:
    """Tell whether a text can be encoded. Python's own error would contain the text, which may be a secret."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeError:
        return False
    return True


def checked_timeout(timeout: Any) -> float:
    """Check a caller's ``timeout`` and return it in seconds; zero or less means: try once, do not wait."""
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise UsageTypeError(f"timeout must be a number of seconds or None, not {timeout!r}")
    try:
        seconds = float(timeout)
    except OverflowError:
        raise UsageValueError("timeout must be a number of seconds or None, not one that no clock can count") from None
    if math.isnan(seconds):
        raise UsageValueError("timeout must be a number of seconds or None, not nan")
    return seconds


# Checks ----------------------------------------------------------------------------------------------

_CHECKS: Final[dict[str, Check]] = {
    "host": checks.text,
    "port": checks.port,
    "path": lambda value: None if value is None else checks.text(value),
    "tls": checks.must_be((bool, SSLContext), "True, False or an ssl.SSLContext"),  # type: ignore[arg-type]
    "db": checks.whole(0, "a whole number from 0 to 2147483647", most=2**31 - 1),
    "username": checks.of(str, "text or None"),
    "password": checks.of(str, "text or None"),
    "credentials": checks.function,
    "client_name": checks.name,
    "client_info": checks.must_be(bool, "True or False"),
    "protocol": checks.one_of(3, 2),
    "encoding": checks.of(str, "the name of an encoding, or None for bytes"),
    "encoding_errors": checks.text,
    "connect_timeout": checks.seconds(),
    "read_timeout": checks.seconds(),
    "acquire_timeout": checks.seconds(zero=True),
    "stall_after": checks.seconds(),
    "min_size": checks.whole(0, "a whole number, zero or more"),
    "max_size": checks.whole(1, "a whole number above zero"),
    "shared": checks.whole(0, "a whole number, zero or more, or None for the default", optional=True),
    "strategy": checks.one_of("least_pending", "round_robin", "random"),
    "on_full": checks.one_of("wait", "raise"),
    "max_waiting": checks.whole(0, "a whole number, zero or more"),
    "max_dials": checks.whole(1, "a whole number above zero"),
    "max_in_flight": checks.whole(1, "a whole number above zero"),
    "max_in_flight_bytes": checks.whole(1, "a whole number above zero"),
    "idle_order": checks.one_of("lifo", "fifo"),
    "max_idle": checks.seconds(),
    "max_lifetime": checks.seconds(),
    "keepalive": checks.seconds(),
    "close_on_error": checks.must_be(bool, "True or False"),
    "retry": checks.of(RetryPolicy, "a RetryPolicy, or None to retry nothing"),
    "connection_class": checks.of(type, "a class or None"),
    "connection_options": checks.of(Mapping, "a mapping or None"),
    "configure": checks.function,
    "check": checks.function,
    "reset": checks.function,
    "listener": checks.plain_function,
    "trace_leases": checks.must_be(bool, "True or False"),
    "warn_unclosed": checks.must_be(bool, "True or False"),
}

NAMES: Final = Options.names()
_SECRETS: Final = frozenset({"password", "credentials", "connection_options"})


def _shown(name: str, value: Any) -> str:
    return type(value).__name__ if name.removeprefix("sentinel_") in _SECRETS else repr(value)


# From a URL's query string ------------------------------------------------------------------------------

_WHOLE: Final = frozenset(
    "port db protocol min_size max_size shared max_waiting max_dials max_in_flight max_in_flight_bytes".split()
)
_SECONDS: Final = frozenset(
    "connect_timeout read_timeout acquire_timeout stall_after max_idle max_lifetime keepalive".split()
)
_FLAGS: Final = frozenset("tls client_info close_on_error trace_leases warn_unclosed".split())
_TEXTS: Final = frozenset(
    "host path username password client_name encoding encoding_errors strategy on_full idle_order".split()
)


def from_text(name: str, text: str) -> Any:
    """Convert an option of a URL's query string to its type."""
    if name in _TEXTS:
        return text
    if name in _FLAGS:
        flag = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())
        if flag is None:
            raise UsageValueError(f"{name} in the URL must be true or false, not {text!r}")
        return flag
    if name in _WHOLE or name in _SECONDS:
        if text.lower() == "none" and name in _SECONDS:
            return None
        try:
            return int(text) if name in _WHOLE else float(text)
        except ValueError as error:
            raise UsageValueError(f"{name} in the URL must be a number, not {text!r}") from error
    if name in NAMES:
        raise UsageValueError(f"{name} cannot be given in a URL; pass it as a keyword")
    raise UsageValueError(unknown_option(name, NAMES, " in the URL"))
