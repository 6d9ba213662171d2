"""The URLs of pyredis: ``redis://host:port?option=value``; other schemes are cluster, sentinel and pubsub."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from respool.compat.pyredis._names import PyRedisURLError

_WHOLE: Final = frozenset(("database", "pool_size", "retries"))
_SECONDS: Final = frozenset(("conn_timeout", "read_timeout"))

#: The class that each scheme makes; that of the last one is for ``sentinel`` with ``buckets=``.
_KINDS: Final = {
    "redis": "Pool",
    "pubsub": "PubSubClient",
    "cluster": "ClusterPool",
    "sentinel": "SentinelPool",
    "buckets": "SentinelHashPool",
}


def get_by_url(url: str, async_client: bool = False) -> Any:  # noqa: FBT001, FBT002
    """Return the pool, or with ``pubsub://`` the client, for a URL; with ``async_client`` that for asyncio.

    ``cluster://`` and ``sentinel://`` name several hosts, with commas between them; ``buckets=a,b`` behind
    ``sentinel://`` makes a pool over these primaries. Raises PyRedisURLError for a URL or an option that is none.
    """
    scheme, separator, rest = str(url).partition("://")
    if not separator or scheme not in _KINDS or scheme == "buckets":
        raise PyRedisURLError(f"a URL begins redis://, cluster://, sentinel:// or pubsub://, not {scheme!r}")
    hosts, _, query = rest.partition("?")
    places = [_place(host, 26379 if scheme == "sentinel" else 6379) for host in hosts.rstrip("/").split(",")]
    options = dict(_option(text) for text in query.split("&") if text)
    if scheme == "sentinel" and "buckets" in options:
        scheme = "buckets"
        options["buckets"] = options["buckets"].split(",")
    where: dict[str, Any] = {"host": places[0][0], "port": places[0][1]}
    if scheme == "cluster":
        where = {"seeds": places}
    elif scheme in ("sentinel", "buckets"):
        where = {"sentinels": places}
    elif len(places) > 1:
        raise PyRedisURLError(f"{scheme}:// names one host, and cluster:// or sentinel:// several")
    kind = getattr(import_module("respool.compat.pyredis"), ("Async" if async_client else "") + _KINDS[scheme])
    try:
        return kind(**where, **options)
    except TypeError as error:
        raise PyRedisURLError(f"the URL has an option too many, or one is missing: {error}") from error


def _place(text: str, default: int) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator:
        host, port = text, str(default)
    if not host or not port.isdecimal():
        raise PyRedisURLError("the hosts of a URL are host:port,host:port; options follow behind a ?")
    return host, int(port)


def _option(text: str) -> tuple[str, Any]:
    """Return an option with its value, as the type that it has."""
    name, separator, value = text.partition("=")
    if not separator:
        raise PyRedisURLError(f"an option of a URL is name=value, not {name!r}")
    try:
        if name in _WHOLE:
            return name, int(value)
        if name in _SECONDS:
            return name, float(value)
    except ValueError as error:
        raise PyRedisURLError(f"{name} in the URL must be a number, not {value!r}") from error
    if name == "slave_ok":
        return name, value.lower() in ("true", "1")
    return name, value
