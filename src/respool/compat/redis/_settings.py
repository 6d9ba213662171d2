"""What a pool of redis-py is configured with, as options of the respool pool behind it.

Rule 1: whatever the engine does not do exactly as redis-py has no options: ``options_of`` returns None, and redis-py's
        own path serves that client. Nothing is half supported.
Rule 2: settings are read when an engine is made. ``Settings`` reports later changes to the pool that owns it.
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis import connection, exceptions
from redis.credentials import CredentialProvider, StreamingCredentialProvider

from respool import RetryPolicy

#: The errors after which redis-py can be told to try again, and respool tries again too.
_RETRIED: Final = frozenset(
    (
        exceptions.ConnectionError,
        exceptions.TimeoutError,
        exceptions.BusyLoadingError,
        exceptions.ReadOnlyError,
        exceptions.TryAgainError,
        exceptions.ClusterDownError,
        exceptions.MasterDownError,
        ConnectionError,
        TimeoutError,
        OSError,
    )
)
#: Settings that make no difference to the engine: it does the same in its own way, or has no use for them.
_IGNORED: Final = frozenset(
    (
        "connection_pool driver_info event_dispatcher himport_registry legacy_responses lib_name "
        "lib_version maint_notifications_config maint_notifications_pool_handler max_connections orig_host_address "
        "orig_socket_connect_timeout orig_socket_timeout parser_class queue_class retry_on_timeout socket_keepalive "
        "socket_keepalive_options socket_read_size socket_type timeout"
    ).split()
)
#: Settings that only redis-py's own path serves, unless they are empty.
_UNSUPPORTED: Final = frozenset(
    "cache cache_config command_packer oss_cluster_maint_notifications_handler redis_connect_func ssl_ocsp_context "
    "ssl_ocsp_expected_cert ssl_validate_ocsp ssl_validate_ocsp_stapled".split()
)
_READ: Final = frozenset(
    "client_name credential_provider db decode_responses encoding encoding_errors health_check_interval host password "
    "path port protocol retry retry_on_error socket_connect_timeout socket_timeout username".split()
)
_TLS: Final = frozenset(
    "ssl_ca_certs ssl_ca_data ssl_ca_path ssl_cert_reqs ssl_certfile ssl_check_hostname ssl_ciphers "
    "ssl_exclude_verify_flags ssl_include_verify_flags ssl_keyfile ssl_min_version ssl_password".split()
)
_KNOWN: Final = _IGNORED | _UNSUPPORTED | _READ | _TLS

#: What redis-py waits for if no timeout is given.
_SECONDS: Final[float | None] = getattr(connection, "DEFAULT_SOCKET_TIMEOUT", None)
#: The seconds for a dial of a client without timeouts. redis-py waits for the network then, but never for a server that
#: refuses; an engine would wait for that too, because callers wait for a lost server as long as for a dial.
LONGEST_DIAL: Final = 5.0
_RESP: Final[int] = getattr(connection, "DEFAULT_RESP_VERSION", 2)


class Settings(dict[str, Any]):
    """``connection_kwargs``: a dict that tells the pool which owns it when it changes. Copies are plain dicts."""

    __slots__ = ("_owner",)

    def __init__(self, values: dict[str, Any], owner: Any) -> None:
        super().__init__(values)
        self._owner = weakref.ref(owner)

    def _changed(self) -> None:
        owner = self._owner()
        if owner is not None:
            owner._settings_changed()

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._changed()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._changed()

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]  # dict's own has overloads
        self.update(other)
        return self

    def update(self, *args: Any, **values: Any) -> None:
        super().update(*args, **values)
        self._changed()

    def pop(self, *args: Any) -> Any:
        value = super().pop(*args)
        self._changed()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self._changed()
        return item

    def setdefault(self, name: str, value: Any = None) -> Any:
        found = super().setdefault(name, value)
        self._changed()
        return found

    def clear(self) -> None:
        super().clear()
        self._changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


@dataclass(frozen=True)
class Classes:
    """The classes of connections of one kind of pool of redis-py."""

    tcp: type[Any]
    tls: type[Any]
    unix: type[Any] | None = None
    sentinel_tls: type[Any] | None = None


def options_of(pool: Any, classes: Classes) -> dict[str, Any] | None:
    """Return the options of the engine for a pool of redis-py, None if only redis-py's own path serves it (Rule 1).

    ``tls`` is a tuple of settings, or False: ``tls_context`` makes a context of it. So options can be compared.
    """
    given: dict[str, Any] = pool.connection_kwargs
    kind = pool.connection_class
    if kind not in (classes.tcp, classes.tls, classes.unix) or not _is_usual(pool, given):
        return None
    retry = _retry(given)
    if retry is None:
        return None
    reads, waits = given.get("socket_timeout", _SECONDS), given.get("socket_connect_timeout", _SECONDS)
    options: dict[str, Any] = {
        "db": int(given.get("db") or 0),
        "username": given.get("username") or None,
        "password": given.get("password") or None,
        "client_name": given.get("client_name") or None,
        "client_info": given.get("driver_info", "") is not None and given.get("lib_name", "") is not None,
        "protocol": _RESP if given.get("protocol") is None else int(given["protocol"]),
        "connect_timeout": waits or reads or LONGEST_DIAL,
        "read_timeout": reads,
        "keepalive": given.get("health_check_interval") or 30.0,
        "retry": retry,
        "max_size": pool.max_connections + 1,  # all of them can be leased beside the shared one
        "shared": 1,
        "max_waiting": 2**31 - 1,
        "warn_unclosed": False,
    }
    if kind is classes.unix:
        options["path"] = given.get("path", "")
    else:
        options["host"] = given.get("host", "localhost")
        options["port"] = int(given.get("port", 6379))
        options["tls"] = _tls(given) if kind is classes.tls else False
    if given.get("decode_responses"):
        options["encoding"] = given.get("encoding") or "utf-8"
        options["encoding_errors"] = given.get("encoding_errors") or "strict"
    provider = given.get("credential_provider")
    if provider is not None:
        options["credentials"] = provider  # ``finished`` makes a function of it
    return options


def sentinel_options_of(pool: Any, classes: Classes) -> dict[str, Any] | None:
    """Return the options of the engine for a ``SentinelConnectionPool``; None for one of replicas.

    redis-py sends all commands of such a pool to replicas, those that write or have no key too; respool does not.
    """
    options, manager = options_of(pool, classes), pool.sentinel_manager
    if options is None or not pool.is_master or manager.min_other_sentinels:
        return None
    if getattr(manager, "_force_master_ip", None) is not None:
        return None
    pools: list[Any] = [getattr(sentinel, "connection_pool", None) for sentinel in manager.sentinels]
    if None in pools:  # somebody else's clients
        return None
    del options["host"], options["port"]
    asked = [asked_pool.connection_kwargs for asked_pool in pools]
    for name in ("username", "password"):
        given = {settings.get(name) or None for settings in asked}
        if len(given) != 1:
            return None
        options[f"sentinel_{name}"] = given.pop()
    secure = {asked_pool.connection_class is classes.sentinel_tls for asked_pool in pools}
    if len(secure) != 1:
        return None
    options["sentinel_tls"] = _tls(asked[0]) if secure.pop() else False
    options["sentinels"] = [(settings["host"], int(settings["port"])) for settings in asked]
    options["service"] = pool.service_name
    return options


def _is_usual(pool: Any, given: dict[str, Any]) -> bool:
    """Tell whether the engine knows every setting, and does what it says."""
    if getattr(pool, "cache", None) is not None or not given.keys() <= _KNOWN:
        return False
    if any(given.get(name) for name in _UNSUPPORTED):
        return False
    if getattr(given.get("maint_notifications_config"), "enabled", None) is True:
        return False
    parser = given.get("parser_class")
    if parser is not None and not parser.__module__.startswith("redis."):
        return False
    provider = given.get("credential_provider")
    if provider is None:
        return True
    return isinstance(provider, CredentialProvider) and not isinstance(provider, StreamingCredentialProvider)


def _retry(given: dict[str, Any]) -> RetryPolicy | None:
    """Return how often commands are tried; None if redis-py is told to retry after errors that respool does not."""
    extra: set[Any] = set(given.get("retry_on_error") or ())
    if given.get("retry_on_timeout"):
        extra.add(exceptions.TimeoutError)
    retry = given.get("retry")
    if not extra <= _RETRIED:
        return None
    if retry is None:
        return RetryPolicy(attempts=2 if extra else 1, base=0.0, cap=0.0)
    count, errors = getattr(retry, "_retries", 0), set(getattr(retry, "_supported_errors", ()))
    if count and not {exceptions.ConnectionError, exceptions.TimeoutError} <= (errors | extra) <= _RETRIED:
        return None
    backoff = retry._backoff
    base = getattr(backoff, "_base", getattr(backoff, "_backoff", 0.0))
    cap = getattr(backoff, "_cap", base)
    return RetryPolicy(attempts=1_000_000 if count < 0 else count + 1, base=float(base), cap=float(cap))


# TLS and credentials ------------------------------------------------------------------------------------------

_REQUIRED: Final[dict[Any, Any]] = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def _tls(given: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, given[name]) for name in _TLS & given.keys()))


def tls_context(settings: tuple[tuple[str, Any], ...]) -> ssl.SSLContext:
    """Make the TLS context that redis-py's ``ssl_`` settings describe. Raises as ``ssl`` does for a bad file."""
    given = dict(settings)
    required = given.get("ssl_cert_reqs", "required")
    mode: ssl.VerifyMode = ssl.CERT_NONE if required is None else _REQUIRED.get(required, required)
    context = ssl.create_default_context()
    context.check_hostname = bool(given.get("ssl_check_hostname", True)) and mode != ssl.CERT_NONE
    context.verify_mode = mode
    for flag in given.get("ssl_include_verify_flags") or ():
        context.verify_flags |= flag
    for flag in given.get("ssl_exclude_verify_flags") or ():
        context.verify_flags &= ~flag
    if given.get("ssl_certfile") or given.get("ssl_keyfile"):
        context.load_cert_chain(given["ssl_certfile"], given.get("ssl_keyfile"), given.get("ssl_password"))
    file, path, data = (given.get(f"ssl_ca_{name}") for name in ("certs", "path", "data"))
    if file is not None or path is not None or data is not None:
        context.load_verify_locations(file, path, data)
    if given.get("ssl_min_version") is not None:
        context.minimum_version = given["ssl_min_version"]
    if given.get("ssl_ciphers"):
        context.set_ciphers(given["ssl_ciphers"])
    return context


def as_credentials(given: Any) -> Any:
    """Return what a credential provider gave as respool takes it: redis-py takes a password alone in a tuple of one."""
    return given[0] if isinstance(given, tuple | list) and len(given) == 1 else given


def finished(options: dict[str, Any], credentials: Callable[[Any], Any]) -> dict[str, Any]:
    """Return options as respool takes them: with a TLS context, and with a function for a credential provider."""
    made = dict(options)
    for name in ("tls", "sentinel_tls"):
        if made.get(name) or made.get(name) == ():
            made[name] = tls_context(made[name])
    if made.get("credentials") is not None:
        made["credentials"] = credentials(made["credentials"])
    return made
