# Generated from respool/_async/routing/sentinel.py by tools/generate.py. Do not edit.
"""One sentinel as a pool uses it: asked over one connection, and heard over another one.

Rule 1: both are dialed when they are needed. The first stays open for the next question; the second one ends when it is
        lost, and whoever listens must ask then, for something may have been missed.
Rule 2: two connections, because in threads a connection that is being listened to cannot be written to. Hearing needs
        RESP3, as every subscription of this library does; asking does not.
Rule 3: each step ends by itself or by ``abort``, which ends all of them for good.
Rule 4: what the user's ``sentinel_credentials`` raises is a failed dial. Any other error that is not of this library is
        a mistake in it, and is never taken for an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool._sync.node.connection import Connection
from respool._facts.errors import ConnectFailed, ConnectionLost, Error, PoolClosed
from respool._facts.option_types import Address
from respool._facts.options import Options
from respool._routing.sentinel_answers import CHANNELS
from respool._shell.absent import Absent


class Sentinel:
    """The connections to one sentinel."""

    def __init__(self, address: Address, options: Options) -> None:
        """Prepare; no I/O."""
        self.address = address
        self._options = options
        self._asking: Connection[Any] | None = None
        self._hearing: Connection[Any] | None = None
        #: Whether somebody listens, or is about to.
        self.is_heard = False
        #: How many questions in a row had no answer.
        self.failures = 0
        self._has_ended = False

    def ask(self, commands: list[tuple[str, ...]], deadline: float | None) -> list[Any]:
        """Send commands in one write and return their replies, errors of the server as values.

        Raises the error if there are no replies by ``deadline``. One caller at a time.
        """
        connection = self._asking
        if connection is not None and not connection.closed:
            replies = connection._transport.submit_many(commands, deadline)
            if not isinstance(replies, ConnectionLost):
                return self._checked(connection, replies)
        connection = self._asking = Connection(config=self._options)
        self._open(connection)
        return self._checked(connection, connection._transport.submit_many(commands, deadline))

    def _checked(self, connection: Connection[Any], replies: Any) -> list[Any]:
        if isinstance(replies, Error):
            connection.abort()
            self._asking = None
            raise replies
        return replies  # type: ignore[no-any-return]

    def listen(self, hear: Callable[[str, str], None], begin: Callable[[], None]) -> None:
        """Subscribe, call ``begin``, and call ``hear`` with every channel and message until the connection ends.

        Raises the error if it cannot subscribe. ``hear`` must not raise, nor wait.
        """

        def pushed(push: list[Any]) -> None:
            if len(push) == 3 and _text(push[0]) == "message":
                hear(_text(push[1]), _text(push[2]))

        connection = self._hearing = Connection(config=self._options)
        try:
            self._open(connection)
            connection._on_push = pushed
            connection.execute("SUBSCRIBE", *CHANNELS, timeout=self._options.connect_timeout)
            begin()
            connection._transport.listen()
        finally:
            connection.abort()
            connection._on_push = None

    def _open(self, connection: Connection[Any]) -> None:
        try:
            connection.open()
        except Exception as error:
            if isinstance(error, Error) or self._options.credentials is None:
                raise
            what = f"the function sentinel_credentials raised {error!r}"
            raise ConnectFailed(what, address=self._options.address) from error
        if self._has_ended:  # meanwhile
            connection.abort()
            raise PoolClosed("the pool is closed")

    # The end -----------------------------------------------------------------------------------------

    def _connections(self) -> list[Connection[Any]]:
        return [each for each in (self._asking, self._hearing) if each is not None]

    def abort(self) -> None:
        """Close both connections at once, for good."""
        self._has_ended = True
        for connection in self._connections():
            connection.abort()

    def wait_closed(self) -> None:
        """Wait until the sockets are closed, after ``abort``."""
        for connection in self._connections():
            connection.close()

    def forget(self, instead: Absent) -> None:
        """Drop the sockets (R-35)."""
        self._has_ended = True
        for connection in self._connections():
            connection._transport.forget()
            connection.__dict__["_transport"] = instead


def _text(word: Any) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
