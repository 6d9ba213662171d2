"""What both shells do with a socket: options, TLS, and words for what went wrong."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakMethod

from respool._facts.errors import ConnectionLost, Error, Executed, ReadTimeout
from respool._facts.options import Options

#: How many callers may have given up in the admission queue of a full connection before they are looked for.
ADMISSION_ROOM: Final = 16

#: What to do where the peer does not take part in a TLS handshake.
NO_TLS_THERE: Final = "perhaps this port does not speak TLS: try redis:// or tls=False, or the port for TLS"


class Retired(ConnectionLost):
    """The pool has closed the connection after all that was in flight on it. Never raised, only a cause."""


class ClosedHere(ConnectionLost):
    """This side has closed the connection. Never raised, only a cause."""


def tune(sock: Any, patience: float | None) -> None:
    """Set what a connection wants: no delay, keepalive probes, and an end to unacknowledged data (R-14).

    The kernel's own limits are a second net under ``read_timeout``: probes after 15 s of silence, dead after about
    30 s. A unix socket, or a platform without an option, is left as it is.
    """
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    unacknowledged = 30_000 if patience is None else max(int(min(patience * 2000, 2**31 - 1)), 1000)
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", unacknowledged),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def literal(host: str, port: int) -> list[Any]:
    """Return what ``getaddrinfo`` would for an address written as numbers; nothing for a name."""
    for family, address in ((socket.AF_INET, (host, port)), (socket.AF_INET6, (host, port, 0, 0))):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):  # the latter for what cannot be a host at all
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]
    return []


def close_orphan(transport: Any) -> None:
    """Close the socket under an asyncio transport whose loop has been closed (R-35).

    The loop would do it in a callback, which never runs: so do what that does. Where a loop is made otherwise (uvloop
    closes all of its sockets when it is closed itself) there is nothing to do, or the garbage collector does it.
    """
    inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    for close in (getattr(transport, "abort", None), partial(getattr(inner, "_call_connection_lost", _nothing), None)):
        try:
            if close is not None:
                close()
        except (RuntimeError, AttributeError):
            pass  # "Event loop is closed", from the half that needs one; or it was closed before


def _nothing(_error: object) -> None:
    """Do nothing."""


def tls_context(tls: Any) -> ssl.SSLContext | None:
    """Return the context for the ``tls`` option; made once for a pool, because reading certificates takes time."""
    if isinstance(tls, ssl.SSLContext):
        return tls
    return ssl.create_default_context() if tls else None


def weakly(method: Callable[[list[Any]], None]) -> Callable[[list[Any]], None]:
    """Make a callback that does not keep the connection: one that is dropped open shall be found by its finaliser."""
    method_if_there = WeakMethod(method)

    def call(push: list[Any]) -> None:
        if (called := method_if_there()) is not None:
            called(push)

    return call


def why(error: BaseException) -> str:
    """Return an operating system's or TLS error in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        # The first is OpenSSL's word for an answer that is not TLS at all; newer versions have more of them.
        is_plain = error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
        hint = f" ({NO_TLS_THERE})" if is_plain else ""
        return f"TLS: {error.reason or error}{hint}"
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno) if error.errno > 0 else str(error)
    return str(error) or type(error).__name__


def too_late(seconds: float | None, options: Options, *, is_connected: bool) -> str:
    """Say that a dial has not ended in time, and what may be wrong."""
    if is_connected:
        return f"connected, but no answer to the handshake within {seconds:g} s (connect_timeout)"
    return f"no connection within {seconds:g} s (connect_timeout){f'; {NO_TLS_THERE}' if options.tls else ''}"


def lost(cause: Error | None, address: str, executed: Executed) -> Error:
    """Make the error of one command whose connection ended; each caller gets one of its own, chained to the cause."""
    error: Error
    if isinstance(cause, ReadTimeout) and executed == "unknown":
        error = ReadTimeout("no reply in time, the connection was closed", address=address, executed=executed)
    else:
        error = ConnectionLost("the connection was lost", address=address, executed=executed)
    error.__cause__ = cause
    return error
