"""Helpful errors for unknown names: the name that was probably meant, or respool's counterpart of one in redis-py.

Rule 1: this is used only when a name was not found, so it costs nothing in a program that uses the right names. So a
        class gets a descriptor for each name instead of ``__getattr__``, which would slow down every other name. Only a
        connection has ``__getattr__``, for released leases, and looks names up there.
Rule 2: a name that a class really has is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn, TypeVar, final

from respool._facts.errors import UsageAttributeError

C = TypeVar("C", bound=type)

#: Options of redis-py, and what to write instead. docs/reference/options.md explains those of respool.
_OPTIONS: Final = {
    "connection_pool": "a pool is the client: keep one pool, and call its methods",
    "connection_pool_class": "choose the pool by its class or by from_url()",
    "cache": "respool has no client-side cache",
    "cache_config": "respool has no client-side cache",
    "credential_provider": "write credentials=, a function that returns a password or (username, password)",
    "decode_responses": "write encoding='utf-8' to get str; without it replies are bytes",
    "encoder_class": "write encoding= and encoding_errors=",
    "errors": "write encoding_errors=",
    "charset": "write encoding=",
    "health_check_interval": "write keepalive=, the seconds of idleness after which a connection is checked",
    "lib_name": "respool tells the server its own name and version; client_info=False tells nothing",
    "lib_version": "respool tells the server its own name and version; client_info=False tells nothing",
    "max_connections": "write max_size=, and on_full='raise' if callers must not wait for a full pool",
    "parser_class": "respool has one parser, hiredis",
    "redis_connect_func": "write configure=, a function that is called with each new connection",
    "retry_on_error": "write retry=RetryPolicy(...); which commands are safe to send again is decided by respool",
    "retry_on_timeout": "write retry=RetryPolicy(...); reads are sent again after a timeout by themselves",
    "single_connection_client": "use a Connection (AsyncConnection) in place of a pool, or pool.acquire()",
    "socket_connect_timeout": "write connect_timeout=",
    "socket_keepalive": "TCP keepalive is always on; keepalive= is when an idle connection is checked with PING",
    "socket_keepalive_options": "TCP keepalive is always on, with times of its own",
    "socket_read_size": "respool chooses how much it reads at a time",
    "socket_timeout": "write read_timeout=, the longest silence while replies are owed; timeout= bounds one call",
    "ssl": "write tls=True or tls=an ssl.SSLContext, or a URL that begins rediss://",
    "timeout": "write acquire_timeout= (waiting for a connection), connect_timeout= or read_timeout=",
    "unix_socket_path": "write path=, or a URL that begins unix://",
}


def unknown_option(name: str, known: Iterable[str], where: str = "") -> str:
    """Say that an option does not exist, and what to write instead."""
    said = f"unknown option {name!r}{where}"
    if name in _OPTIONS:
        return f"{said}: {_OPTIONS[name]}"
    if name.startswith("ssl_"):
        return f"{said}: write tls=an ssl.SSLContext that holds it"
    close = get_close_matches(name.lower(), known, 1)
    if close:
        return f"{said}; did you mean {close[0]!r}?"
    return f"{said}; known are {', '.join(sorted(known))}"


_EXECUTE: Final = "call execute('NAME', ...), or the method of the command"
_SCRIPT: Final = "call script(text), and what that returns as function(keys=[key], args=[...])"
_PUBSUB: Final = "call subscribe(), as in: with pool.subscribe(channel) as sub, and then: for message in sub"
_WATCH: Final = "acquire() a connection and call watch(key) on it"

#: Names that a client or pool has in other libraries.
POOL_NAMES: Final = {
    "aclose": "call close(), or leave the with block",
    "client": "call acquire(), as in: with pool.acquire() as connection",
    "close": "await aclose(), or leave the async with block",
    "connection_pool": "this is the pool itself",
    "disconnect": "call drain() to replace every connection, or close the pool",
    "execute_command": _EXECUTE,
    "from_pool": "this is the pool itself",
    "from_url": "call respool.from_url(url) or respool.async_from_url(url), or give the URL to the class itself",
    "get_connection": "call acquire(), as in: with pool.acquire() as connection",
    "initialize": "call open(), or nothing: the first use opens the pool",
    "lock": "call set(key, token, nx=True, ex=seconds), and give it back with the script in docs/how-to/scripts.md",
    "monitor": "use redis-cli or valkey-cli for MONITOR",
    "multi": "use pipeline(atomic=True)",
    "pubsub": _PUBSUB,
    "register_script": _SCRIPT,
    "set_response_callback": "give parse= to a Command: execute(Command('GET', key, parse=function))",
    "subscribe": _PUBSUB,
    "transaction": f"use pipeline(atomic=True); for WATCH, {_WATCH}",
}

#: Names that a connection has in other libraries.
CONNECTION_NAMES: Final = {
    "aclose": "call close(), or leave the with block",
    "close": "await aclose(), or leave the async with block",
    "connect": "call open()",
    "disconnect": "close it; a lease is given back with pool.release(connection)",
    "execute_command": _EXECUTE,
    "multi": "call execute('MULTI'), or use pipeline(atomic=True)",
    "pubsub": "call subscribe() of a pool, as in: with pool.subscribe(channel) as sub, and then: for message in sub",
    "read_response": "execute() sends a command and returns its reply",
    "register_script": _SCRIPT,
    "send_command": "execute() sends a command and returns its reply",
}

_SCAN: Final = "call it on the pool: an iterator needs each page before it asks for the next one"

#: Names that a pipeline has in other libraries.
PIPELINE_NAMES: Final = {
    "aclose": "nothing is sent until the with block is left without an error",
    "close": "nothing is sent until the with block is left without an error",
    "discard": "leave the with block with an error: nothing is sent then",
    "execute_command": "call execute('NAME', ...), or the method of the command",
    "hscan_iter": _SCAN,
    "immediate_execute_command": _WATCH,
    "multi": "make it with pipeline(atomic=True)",
    "register_script": "call script(text) of the pool before, and script(function, keys=[key]) of the pipeline",
    "reset": "make another pipeline",
    "scan_iter": _SCAN,
    "sscan_iter": _SCAN,
    "unwatch": _WATCH,
    "watch": _WATCH,
    "zscan_iter": _SCAN,
}


def missing(owner: type, name: str, instead: str) -> UsageAttributeError:
    """Make the error for a name that a class does not have."""
    return UsageAttributeError(f"{owner.__name__} has no {name}: {instead}")


@final
class _Elsewhere:
    """A descriptor for a name of another client: it raises an error that says what to use. ``hasattr`` is False."""

    __slots__ = ("_instead", "_name")

    def __init__(self, name: str, instead: str) -> None:
        self._name = name
        self._instead = instead

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise missing(owner, self._name, self._instead)


def answering(names: Mapping[str, str]) -> Callable[[C], C]:
    """Make a class explain these names of other clients, as far as it does not have them."""

    def decorate(kind: C) -> C:
        for name, instead in names.items():
            if not hasattr(kind, name):
                own: Any = _Elsewhere(name, instead)
                setattr(kind, name, own)
        return kind

    return decorate
