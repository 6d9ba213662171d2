"""What both shells do with a socket: options, TLS, and error messages."""

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

#: The hint when the peer does not take part in a TLS handshake.
NO_TLS_THERE: Final = "perhaps this port does not speak TLS: try redis:// or tls=False, or the port for TLS"

#: Why a connection ended that its user, or its pool, has closed.
CLOSED: Final = "the connection was closed"


class Retired(ConnectionLost):
    """The pool closed the connection after the last reply in flight. Never raised, only used as a cause."""


class ClosedHere(ConnectionLost):
    """This side closed the connection. Never raised, only used as a cause."""


def tune(sock: Any, patience: float | None) -> None:
    """Set the socket options: no delay, keepalive probes, and a timeout for unacknowledged data (R-14).

    The kernel's own limits back up ``read_timeout``: it probes after 15 s of silence and gives up after about 30 s.
    Unix sockets are left as they are, and options that the platform does not have are skipped.
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
    """Return what ``getaddrinfo`` would for a numeric address; an empty list for a host name."""
    for family, address in ((socket.AF_INET, (host, port)), (socket.AF_INET6, (host, port, 0, 0))):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):  # ValueError for a text that cannot be a host at all
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]
    return []


def close_orphan(transport: Any) -> None:
    """Close the socket under an asyncio transport whose loop has been closed (R-35).

    The loop would close it in a callback, which never runs, so this does the callback's work. Other kinds of loops need
    nothing (uvloop closes all its sockets when it is closed), or the garbage collector does it.
    """
    inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    for close in (getattr(transport, "abort", None), partial(getattr(inner, "_call_connection_lost", _nothing), None)):
        try:
            if close is not None:
                close()
        except (RuntimeError, AttributeError):
            pass  # "Event loop is closed", from the part that needs a loop; or the socket was closed before


def _nothing(_error: object) -> None:
    """Do nothing."""


def tls_context(tls: Any) -> ssl.SSLContext | None:
    """Return the context for the ``tls`` option; call it once per pool, because reading certificates takes time."""
    if isinstance(tls, ssl.SSLContext):
        return tls
    return ssl.create_default_context() if tls else None


def weakly(method: Callable[[list[Any]], None]) -> Callable[[list[Any]], None]:
    """Wrap a method in a weak reference, so that its connection's finaliser runs if it is dropped while open."""
    method_if_there = WeakMethod(method)

    def call(push: list[Any]) -> None:
        if (called := method_if_there()) is not None:
            called(push)

    return call


def why(error: BaseException) -> str:
    """Describe an error of the operating system or of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        # The first is OpenSSL's reason for an answer that is not TLS at all; newer versions also give the others.
        is_plain = error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
        hint = f" ({NO_TLS_THERE})" if is_plain else ""
        return f"TLS: {error.reason or error}{hint}"
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno) if error.errno > 0 else str(error)
    return str(error) or type(error).__name__


def too_late(seconds: float | None, options: Options, *, is_connected: bool) -> str:
    """Say that a dial did not finish in time, and what may be wrong."""
    if is_connected:
        return f"connected, but no answer to the handshake within {seconds:g} s (connect_timeout)"
    return f"no connection within {seconds:g} s (connect_timeout){f'; {NO_TLS_THERE}' if options.tls else ''}"


def lost(cause: Error | None, address: str, executed: Executed) -> Error:
    """Make the error for one command whose connection ended; each caller gets its own, chained to the cause."""
    error: Error
    if isinstance(cause, ReadTimeout) and executed == "unknown":
        error = ReadTimeout("no reply in time, the connection was closed", address=address, executed=executed)
    else:
        error = ConnectionLost("the connection was lost", address=address, executed=executed)
    error.__cause__ = cause
    return error


def late(cause: Error | None, address: str) -> Error:
    """Make the error for a command that came when its connection had ended already: it has not been tried (R-11)."""
    error = lost(cause, address, "no")
    if isinstance(error, ConnectionLost):
        error.came_late = True
    return error
