"""What a name that respool does not know is answered with: the name that was meant, or the one redis-py has for it.

Rule 1: looked at only when something has failed already; nothing here costs a program that uses the right names.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

#: Options of redis-py and what to write here. docs/reference/options.md explains ours.
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
    "lib_name": "write client_name=, the name in CLIENT LIST",
    "lib_version": "write client_name=, the name in CLIENT LIST",
    "max_connections": "write max_size=, and on_full='raise' where a full pool shall not be waited for",
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
    """Say that an option does not exist, and what to write in its place."""
    said = f"unknown option {name!r}{where}"
    if name in _OPTIONS:
        return f"{said}: {_OPTIONS[name]}"
    if name.startswith("ssl_"):
        return f"{said}: write tls=an ssl.SSLContext that holds it"
    close = get_close_matches(name.lower(), known, 1)
    if close:
        return f"{said}; did you mean {close[0]!r}?"
    return f"{said}; known are {', '.join(sorted(known))}"
