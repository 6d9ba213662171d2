"""Parse a server's URL.

Rule 1: the scheme says how to connect: ``redis``/``valkey`` TCP, ``rediss``/``valkeys`` TLS, ``unix`` a socket file.
        What follows a ``+`` says what is there: ``redis+cluster``, ``redis+sentinel``, ``redis+hash``. Then there may
        be several hosts: ``a:7000,b:7001``.
Rule 2: the path of a TCP URL is the database, and with sentinels the service and the database. The query string may
        hold any option that can be written as text.
Rule 3: an invalid or ambiguous URL is refused; nothing is guessed. Messages never show the password.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from respool._facts.errors import UsageTypeError, UsageValueError

TCP: Final = frozenset({"redis", "valkey"})
TLS: Final = frozenset({"rediss", "valkeys"})
UNIX: Final = frozenset({"unix", "redis+unix", "valkey+unix"})
CLUSTER: Final = frozenset(f"{scheme}+cluster" for scheme in TCP | TLS)
SENTINEL: Final = frozenset(f"{scheme}+sentinel" for scheme in TCP | TLS)
HASH: Final = frozenset(f"{scheme}+hash" for scheme in TCP | TLS)
SEVERAL: Final = CLUSTER | SENTINEL | HASH

DEFAULT_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
_UNREADABLE: Final = (
    "not a URL: its host and port cannot be read; / ? # @ : in a password are written %2F %3F %23 %40 %3A"
)


def kind_of(url: str) -> str:
    """Return what a URL says is there: ``"cluster"``, ``"sentinel"``, ``"hash"``; empty for one node, or for no URL."""
    scheme = str(url).partition("://")[0].lower()
    return scheme.rpartition("+")[2] if scheme in SEVERAL else ""


def parse_url(url: str) -> dict[str, Any]:
    """Return the options in a URL; those of the query string are returned as text, under ``"query"``."""
    if not isinstance(url, str):
        raise UsageTypeError(f"the URL must be text, not {type(url).__name__}")
    known = TCP | TLS | UNIX | SEVERAL
    try:
        parts = urlsplit(url)
        if parts.scheme in TCP | TLS and "," in parts.netloc.rpartition("@")[2]:
            raise UsageValueError(
                f"a URL with several hosts says what they are: {parts.scheme}+cluster://, {parts.scheme}+sentinel:// "
                f"or {parts.scheme}+hash://"
            )
        is_one = parts.scheme not in SEVERAL
        hosts = [(parts.hostname, parts.port)] if parts.scheme in known and is_one else _hosts(parts.netloc)
    except UsageValueError:
        raise
    except ValueError:
        # Python's error would quote the text in place of the port, which may be part of a password.
        raise UsageValueError(_UNREADABLE) from None
    if parts.scheme not in known:
        raise UsageValueError(
            f"unknown URL scheme {parts.scheme!r}; known are {', '.join(sorted(known))}; as in redis://localhost:6379/0"
        )
    if parts.scheme not in UNIX and not url.partition(":")[2].startswith("//"):
        raise UsageValueError(f"a URL begins {parts.scheme}://")
    if parts.fragment:
        raise UsageValueError("a URL with a # in it; write it as %23")
    found = _user(parts.username, parts.password)
    found["query"] = _query(parts.query)
    if parts.scheme in UNIX:
        path = unquote(parts.netloc.rpartition("@")[2] + parts.path)
        if not path:
            raise UsageValueError("a unix URL needs a path: unix:///run/valkey.sock")
        return found | {"path": path}
    if parts.scheme.partition("+")[0] in TLS:
        found["tls"] = True
    if parts.scheme in SENTINEL:
        return found | _service(hosts, parts.path, is_secure=found.get("tls", False))
    if parts.scheme in SEVERAL:
        places = [(unquote(host or "localhost"), port or DEFAULT_PORT) for host, port in hosts]
        found["seeds" if parts.scheme in CLUSTER else "buckets"] = places
    else:
        host, port = hosts[0]
        if host:
            found["host"] = unquote(host)
        if port is not None:
            found["port"] = port
    return found | _database(unquote(parts.path).strip("/"))


def _database(text: str) -> dict[str, Any]:
    if not text:
        return {}
    if not (text.isascii() and text.isdigit()):
        raise UsageValueError("the path of the URL must be a database number")
    return {"db": int(text)}


def _service(hosts: list[tuple[str | None, int | None]], path: str, *, is_secure: bool) -> dict[str, Any]:
    """Return the sentinels, the service and the database of a URL. TLS in it holds for the sentinels that it names."""
    found: dict[str, Any] = {}
    found["sentinels"] = [(unquote(host or "localhost"), port or SENTINEL_PORT) for host, port in hosts]
    if is_secure:
        found["sentinel_tls"] = True
    service, _, database = path.strip("/").partition("/")
    if service:
        found["service"] = unquote(service)
    return found | _database(unquote(database))


def _hosts(netloc: str) -> list[tuple[str | None, int | None]]:
    """Return the hosts and ports of a URL that may name several. Raises ValueError."""
    places = [urlsplit(f"//{place}") for place in netloc.rpartition("@")[2].split(",")]
    return [(place.hostname, place.port) for place in places]


def _user(username: str | None, password: str | None) -> dict[str, Any]:
    if username and not password:
        raise UsageValueError("the URL names a user and no password; a password alone is written :password@")
    found = {"username": username, "password": password}
    return {name: unquote(text) for name, text in found.items() if text}


def _query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise UsageValueError("the query string of the URL is not name=value&name=value") from error
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UsageValueError(f"{min(twice)} stands twice in the URL")
    return dict(pairs)
