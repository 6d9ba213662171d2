"""The keywords of coredis as options of respool.

Rule 1: a keyword that has a counterpart is translated; one that only tuned coredis is accepted, and changes nothing.
Rule 2: a keyword that would promise something that does not happen is refused with a sentence that says what to do.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypedDict
from urllib.parse import parse_qs, unquote, urlsplit

from respool.errors import UsageTypeError, UsageValueError


class ConnectionArguments(TypedDict, total=False):
    """The keywords that all connections take, and so all pools and clients."""

    username: str | None
    """ACL user. Default: ``None``."""
    password: str | None
    """Default: ``None``."""
    stream_timeout: float | None
    """Longest silence of the server, in seconds, while a reply is due. Default: ``None``, no bound."""
    connect_timeout: float | None
    """Seconds for connecting, handshake included; also how long to wait for a lost server. Default: ``None``, 2."""
    ssl_context: ssl.SSLContext | None
    """Makes it TLS. Default: ``None``."""
    encoding: str
    """Of text in commands, and of replies with ``decode_responses``. Default: ``"utf-8"``."""
    decode_responses: bool
    """Whether replies are ``str``, not ``bytes``. Default: ``False``."""
    client_name: str | None
    """The name in CLIENT LIST. Default: ``None``."""
    protocol_version: Literal[2, 3]
    """RESP2 or RESP3. Default: ``3``."""
    noevict: bool
    """Whether the server keeps these clients when it evicts others. Default: ``False``."""
    notouch: bool
    """Whether commands leave the age of keys, for eviction, as it is. Default: ``False``."""
    retry_on_timeout: bool
    """Accepted; changes nothing. Default: ``False``."""
    socket_keepalive: bool | None
    """Accepted: it is always on. Default: ``None``."""


class ClientArguments(ConnectionArguments, total=False):
    """The keywords of a client that concern the pool it makes; one that is given a pool does not look at them."""

    max_idle_time: float
    """Seconds after which an unused connection is closed; 0 keeps it. Default: ``0``."""
    idle_check_interval: float
    """Accepted; changes nothing. Default: ``1``."""
    ssl: bool
    """Makes it TLS. Default: ``False``."""
    ssl_keyfile: str | None
    """The private key of ``ssl_certfile``, if that does not hold it. Default: ``None``."""
    ssl_certfile: str | None
    """The client's certificate. Default: ``None``."""
    ssl_cert_reqs: Literal["optional", "required", "none"] | None
    """Whether the server's certificate is checked. Default: ``None``, it is."""
    ssl_check_hostname: bool | None
    """Whether its name is checked. Default: ``None``, it is if the certificate is."""
    ssl_ca_certs: str | None
    """File or directory with the authorities to believe. Default: ``None``, those of the system."""


#: Keywords of connections, and the options that they are.
_OPTIONS: Final = {
    "host": "host",
    "port": "port",
    "path": "path",
    "db": "db",
    "username": "username",
    "password": "password",
    "client_name": "client_name",
    "protocol_version": "protocol",
    "stream_timeout": "read_timeout",
    "connect_timeout": "connect_timeout",
    "ssl_context": "tls",
}


def options_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the keywords of a connection mean. Raises UsageError for one that cannot be honoured."""
    if arguments.get("socket_keepalive_options"):
        raise UsageValueError(
            "socket_keepalive_options cannot be chosen: TCP keepalive is always on, with times of its own; leave it out"
        )
    options = {_OPTIONS[name]: value for name, value in arguments.items() if name in _OPTIONS}
    for name in ("username", "password"):
        options[name] = options.get(name) or None  # in a URL without them they are empty
    options["db"] = options.get("db") or 0
    options["tls"] = options.get("tls") or False
    options["read_timeout"] = options.get("read_timeout")  # unlike respool, coredis has no bound of its own
    if options.get("connect_timeout") is None:
        options.pop("connect_timeout", None)  # respool's own: without one, callers of a dead node would wait for ever
    return {**options, "encoding": encoding_of(arguments)}


def encoding_of(arguments: Mapping[str, Any]) -> str | None:
    """Return the encoding of replies, None for bytes. Raises UsageValueError for one that only arguments would have."""
    encoding = arguments.get("encoding") or "utf-8"
    if arguments.get("decode_responses"):
        return str(encoding)
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii"):
        raise UsageValueError(
            f"encoding={encoding!r} needs decode_responses=True: where replies are bytes, text is sent as UTF-8, and "
            "other bytes are encoded by the caller"
        )
    return None


def with_tls(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords in which an ``ssl_context`` stands for all that begin with ``ssl``."""
    wishes = {name: value for name, value in arguments.items() if name in _TLS and value is not None}
    rest = {name: value for name, value in arguments.items() if name not in (*_TLS, "ssl")}
    if arguments.get("ssl_context") is None and arguments.get("ssl"):
        rest["ssl_context"] = tls_of(**wishes)
    return rest


def tls_of(
    *,
    ssl_keyfile: str | None = None,
    ssl_certfile: str | None = None,
    ssl_cert_reqs: str | None = None,
    ssl_check_hostname: bool | None = None,
    ssl_ca_certs: str | None = None,
) -> ssl.SSLContext:
    """Return the TLS context that these wishes mean; certificates and names are checked unless told not to."""
    kinds = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    if ssl_cert_reqs not in (None, *kinds):
        raise UsageValueError(f"ssl_cert_reqs must be one of {', '.join(kinds)}, not {ssl_cert_reqs!r}")
    where = "capath" if ssl_ca_certs is not None and os.path.isdir(ssl_ca_certs) else "cafile"
    context = ssl.create_default_context(**{where: ssl_ca_certs})  # type: ignore[arg-type]
    if ssl_check_hostname is False or ssl_cert_reqs == "none":
        context.check_hostname = False
    if ssl_cert_reqs is not None:
        context.verify_mode = kinds[ssl_cert_reqs]
    if ssl_certfile is not None:
        context.load_cert_chain(ssl_certfile, ssl_keyfile)
    elif ssl_keyfile is not None:
        raise UsageValueError("ssl_keyfile= needs ssl_certfile=, the certificate of that key")
    return context


# From a URL -------------------------------------------------------------------------------------------------


def flag(text: str) -> bool | None:
    """Read a flag in a query string: None if it is empty; 0, f, false, n and no are False, anything else True."""
    return None if text == "" else text.upper() not in ("0", "F", "FALSE", "N", "NO")


#: How options in a query string are read; all others are texts.
PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "stream_timeout": float,
    "connect_timeout": float,
    "timeout": float,
    "max_connections": int,
    "max_idle_time": float,
    "idle_check_interval": float,
    "protocol_version": int,
    "reinitialize_steps": int,
    "retry_on_timeout": flag,
    "decode_responses": flag,
    "noreply": flag,
    "noevict": flag,
    "notouch": flag,
    "blocking": flag,
    "max_connections_per_node": flag,
    "readonly": flag,
    "read_from_replicas": flag,
    "skip_full_coverage_check": flag,
}

#: Keywords that say how TLS is done.
_TLS: Final = ("ssl_keyfile", "ssl_certfile", "ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs")


def arguments_of(
    url: str,
    db: int | str | None,
    given: Mapping[str, Any],
    parsers: Mapping[str, Callable[[str], Any]],
    *,
    decode: bool,
) -> dict[str, Any]:
    """Return the keywords that a URL and further keywords mean; in a conflict the URL wins, as in coredis.

    ``decode``: percent-escapes in the host, the path, the user and the password stand for characters.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise UsageValueError(f"a URL begins with redis://, rediss:// or unix://, not with {parts.scheme}://")
    found: dict[str, Any] = {}
    for name, texts in parse_qs(parts.query).items():
        try:
            found[name] = parsers.get(name, str)(texts[0])
        except ValueError:
            warnings.warn(f"Invalid value for `{name}` in connection URL.", UserWarning, stacklevel=3)
    read = unquote if decode else str
    found["username"] = read(parts.username or "") or given.get("username")
    found["password"] = read(parts.password or "") or given.get("password")
    if parts.scheme == "unix":
        found["path"] = read(parts.path)
    else:
        found["host"] = read(parts.hostname or "localhost")
        found["port"] = parts.port or 6379
        if "db" not in found and parts.path.strip("/").isdigit():
            found["db"] = parts.path.strip("/")
    found["db"] = _number(found.get("db", db or 0))
    wishes = {name: found.pop(name) for name in _TLS if name in found}
    if parts.scheme == "rediss":
        if "ssl_check_hostname" in wishes:
            wishes["ssl_check_hostname"] = flag(wishes["ssl_check_hostname"])
        found["ssl_context"] = given.get("ssl_context") or tls_of(**wishes)
    elif wishes:
        raise UsageValueError(f"{', '.join(wishes)} in a URL is for TLS: write rediss:// to have it")
    return {**given, **found}


def _number(db: Any) -> int:
    try:
        return int(db)
    except (TypeError, ValueError):
        raise UsageTypeError(f"db must be the number of a database, not {db!r}") from None
