# Generated from respool/_async/node/greeting.py by tools/generate.py. Do not edit.
"""Make a connection ready: connect, do the handshake, and try another one where the peer hangs up (R-37, R-40).

Rule 1: all of it together takes ``connect_timeout`` at most; a failure or a cancel leaves no socket behind.
Rule 2: ``Peer`` keeps what a dial has learned about the peer, for later dials.
"""

from __future__ import annotations

from typing import Any, Protocol

from respool._sync.shell.compat import bounded, call_credentials, clock
from respool._sync.shell.dial import connect
from respool._sync.shell.transport import Transport
from respool._facts.errors import ConnectFailed, ConnectTimeout, Error, ProtocolError
from respool._facts.options import Options
from respool._protocol.handshake import Handshake, as_credentials
from respool._protocol.peer import Peer
from respool._protocol.session import Session
from respool._shell.sockets import ClosedHere, too_late, weakly


class Greeted(Protocol):
    """The part of a connection that changes when it is made ready."""

    _options: Options
    _transport: Transport
    _session: Session
    _peer: Peer
    _protocol: int
    _is_blocked: bool

    def _pushed(self, push: list[Any]) -> None: ...


def make_ready(connection: Greeted, *first: tuple[Any, ...]) -> None:
    """Connect, or send ``first`` on the open connection, then do the handshake; close the connection on failure."""
    options = connection._options
    seconds = options.connect_timeout
    until = None if seconds is None else clock()() + seconds
    before = None if first else connection._transport
    try:
        with bounded(seconds):
            if not first:
                _connect(connection, until)
            connection._transport.set_patience(seconds)
            handshake = _prepared(connection, until)
            while not _greet(connection, handshake, *first, until=until):
                connection._transport.abort()
                _connect(connection, until)
                connection._transport.set_patience(seconds)
    except BaseException as error:
        if isinstance(error, ConnectFailed | TimeoutError):
            connection._peer.failed_at(connection._transport.remote)
        connection._transport.abort()
        if isinstance(error, TimeoutError) and not isinstance(error, ConnectTimeout):
            # Not chained: the TimeoutError of our own timer adds no information.
            raise ConnectTimeout(
                too_late(seconds, options, is_connected=connection._transport is not before), address=options.address
            ) from None
        raise
    connection._peer.greeted_at(connection._transport.remote)
    connection._transport.set_patience(options.read_timeout)


def _connect(connection: Greeted, until: float | None) -> None:
    on_push = weakly(connection._pushed)
    connection._transport = connect(connection._options, on_push, connection._peer, until)
    connection._session.is_spoiled = False


def _greet(
    connection: Greeted, handshake: Handshake, *first: tuple[Any, ...], until: float | None
) -> bool:
    """Send ``first`` and the handshake in one round trip, answered before ``until``, and start a clean session.

    Returns False when a new connection must be tried with another handshake: the peer hung up, or is a replica.
    """
    is_ready = False
    while not is_ready:
        replies = connection._transport.submit_many([*first, *handshake.commands()], until)
        if isinstance(replies, Error):
            is_ours = isinstance(replies.__cause__, ClosedHere)
            if not (first or is_ours) and handshake.may_dial_again(replies):
                return False
            if isinstance(replies, TimeoutError):
                raise TimeoutError  # ``make_ready`` says how long it waited
            raise handshake.ended(replies)
        for reply in replies[: len(first)]:
            if isinstance(reply, Error):
                raise reply
            if reply not in (b"RESET", "RESET"):
                raise ProtocolError("RESET was not answered as a server would", address=connection._options.address)
        is_ready = handshake.read(replies[len(first) :])
        if handshake.needs_new_connection:
            return False
        first = ()
    connection._protocol = handshake.protocol
    connection._session.renew(connection._options.db)
    connection._is_blocked = False
    return True


def _prepared(connection: Greeted, until: float | None) -> Handshake:
    """Return a handshake with the current credentials; no other frame keeps them in a local variable."""
    options = connection._options
    username, password = options.username, options.password
    if options.credentials is not None:
        username, password = as_credentials(call_credentials(options.credentials, until), options.encoding)
    return Handshake(
        protocol=options.protocol,
        db=options.db,
        username=username,
        password=password,
        client_name=options.client_name,
        client_info=options.client_info,
        address=options.address,
        peer=connection._peer,
        is_tls=bool(options.tls),
        standing=options.standing,
    )
