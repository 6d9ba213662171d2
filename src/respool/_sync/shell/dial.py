"""Open a socket for threads: name, TCP and TLS within one deadline, and to be called off by another thread.

Rule 1: ``connect_timeout`` covers everything together, however many addresses there are and however slow the peer is.
Rule 2: a thread that dials is known by the socket it waits for, so that whoever waits for the thread can hang up.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from time import monotonic
from typing import Any, Final

from respool._facts.options import Options
from respool._shell.sockets import tune
from respool._sync.shell.sockets import LONGEST

#: What each thread that dials waits for.
_dials: Final[dict[int, socket.socket]] = {}


def hang_up(thread: threading.Thread) -> None:
    """Let the dial of a thread fail now, if it is at one. It may have several addresses to try: ask again."""
    sock = _dials.get(thread.ident or 0)
    # Numbers of threads are used again. While this one lives its number is its own, and so was what stood there.
    if sock is not None and thread.is_alive():
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself


def open_socket(options: Options) -> socket.socket:
    """Connect as the options say. Raises OSError (TimeoutError when ``connect_timeout`` is over), UnicodeError.

    A failure leaves no socket behind.
    """
    seconds = options.connect_timeout
    deadline = None if seconds is None else monotonic() + seconds
    try:
        if options.path is not None:
            sock = _connected((socket.AF_UNIX, socket.SOCK_STREAM, 0), options.path, seconds)
        else:
            sock = _reach(options, deadline)
        if isinstance(options.tls, ssl.SSLContext):
            sock = _secured(sock, options.tls, options.host, deadline)
        return sock
    finally:
        _dials.pop(threading.get_ident(), None)


def _reach(options: Options, deadline: float | None) -> socket.socket:
    """Try the addresses of a name one after the other; each has its share of the time, so that none takes it all."""
    found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for left, (*kind, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            sock = _connected(tuple(kind), address, None if deadline is None else _left(deadline) / left)
        except OSError as error:
            failure = error
            continue
        tune(sock, options.read_timeout)
        return sock
    try:
        raise failure or OSError(f"{options.host} has no address")
    finally:
        failure = None


def _connected(kind: Any, address: Any, seconds: float | None) -> socket.socket:
    sock = socket.socket(*kind)
    try:
        _dials[threading.get_ident()] = sock
        sock.settimeout(None if seconds is None else min(seconds, LONGEST))
        sock.connect(address)
        sock.getpeername()  # Linux calls a socket connected that was shut before it was; this does not
    except BaseException:
        sock.close()
        raise
    return sock


def _secured(plain: socket.socket, context: ssl.SSLContext, host: str, deadline: float | None) -> ssl.SSLSocket:
    try:
        sock = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        _dials[threading.get_ident()] = sock
        sock.settimeout(0.0)
        while True:
            try:
                sock.do_handshake()
                return sock
            except ssl.SSLWantReadError:
                _wait(sock, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                _wait(sock, select.POLLOUT, deadline)
    except BaseException:
        sock.close()
        raise


def _wait(sock: socket.socket, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(sock, event)
    if not poll.poll(None if deadline is None else min(_left(deadline), LONGEST) * 1000):
        raise TimeoutError("no end of the TLS handshake")


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("the time to connect is over")
    return left
