"""Open a socket in asyncio: try the addresses of a host in parallel, each with a head start on the next (R-40).

Rule 1: the caller limits the time by cancelling; a cancel leaves no socket and no task behind.
Rule 2: this works alike on every event loop: uvloop's ``create_connection`` has no ``happy_eyeballs_delay``.

``_sync/shell/dial.py`` is the counterpart for threads.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from respool._async.shell.transport import AsyncTransport
from respool._facts.errors import ConnectFailed
from respool._facts.options import Options
from respool._protocol.peer import Peer, head_start
from respool._shell.fork import dial_begins, dial_ends
from respool._shell.sockets import literal, why


async def connect(
    options: Options, on_push: Callable[[list[Any]], None] | None, peer: Peer, until: float | None
) -> AsyncTransport:
    """Open a socket as the options say and return its transport. The caller limits the time by cancelling.

    Raises ConnectFailed; a cancel leaves no socket behind.
    """
    loop = asyncio.get_running_loop()

    def make() -> AsyncTransport:
        return AsyncTransport(options, loop, on_push)

    try:
        sock, remote = await _open_socket(options, peer)
        try:
            if options.path is not None:
                _, transport = await loop.create_unix_connection(make, sock=sock)
            else:
                name = options.tls_name if options.tls else None
                _, transport = await loop.create_connection(
                    make, sock=sock, ssl=options.tls or None, server_hostname=name
                )
        except BaseException:
            peer.failed_at(remote)
            sock.close()
            raise
        finally:
            dial_ends(sock)
    # ValueError: an invalid host name. RuntimeError: asyncio resolves names in a thread, and an interpreter that is
    # ending starts none.
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectFailed(f"cannot connect: {why(error)}", address=options.address) from error
    transport.remote = remote
    return transport


async def _open_socket(options: Options, peer: Peer) -> tuple[socket.socket, Any]:
    """Connect as the options say, without TLS. Return a socket, to be passed to ``dial_ends``, and its address.

    Raises OSError, UnicodeError.
    """
    loop = asyncio.get_running_loop()
    if options.path is not None:
        return await _connected(loop, (socket.AF_UNIX, socket.SOCK_STREAM, 0), options.path), None
    host, port = options.host, options.port
    found = literal(host, port) or await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    kinds = {address: (family, kind, proto) for family, kind, proto, _, address in found}
    left = peer.in_order(list(kinds))
    if not left:
        raise OSError(f"{host} has no address")
    if len(left) == 1:
        return await _connected(loop, kinds[left[0]], left[0]), left[0]
    delay = head_start(options.connect_timeout, len(left))
    return await _first(loop, [(kinds[address], address) for address in left], delay)


async def _first(loop: asyncio.AbstractEventLoop, left: list[Any], delay: float) -> tuple[socket.socket, Any]:
    """Return the first socket that connects. Each dial starts ``delay`` seconds after the last, or when one fails."""
    dials: dict[asyncio.Task[socket.socket], Any] = {}
    failure: BaseException | None = None
    try:
        while left or dials:
            if left:
                kind, address = left.pop(0)
                dials[loop.create_task(_connected(loop, kind, address))] = address
            done, _ = await asyncio.wait(
                dials, timeout=delay if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for dial in done:
                if dial.exception() is None:
                    return dial.result(), dials.pop(dial)
                failure = dial.exception()
                del dials[dial]
        raise failure or OSError("no address could be reached")
    finally:
        failure = None  # it refers to this frame
        await _call_off(list(dials))


async def _call_off(dials: list[asyncio.Task[socket.socket]]) -> None:
    for dial in dials:
        dial.cancel()
    if dials:
        try:
            await asyncio.wait(dials)
        finally:
            for dial in dials:
                if dial.done() and not dial.cancelled() and dial.exception() is None:
                    dial_ends(dial.result())
                    dial.result().close()


async def _connected(loop: asyncio.AbstractEventLoop, kind: Any, address: Any) -> socket.socket:
    sock = socket.socket(*kind)
    try:
        dial_begins(sock)
        sock.settimeout(0.0)
        await loop.sock_connect(sock, address)
    except BaseException:
        dial_ends(sock)
        sock.close()
        raise
    return sock
