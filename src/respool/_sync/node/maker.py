# Generated from respool/_async/node/maker.py by tools/generate.py. Do not edit.
"""How the connections of a node are made: constructed, prepared by the user's hook, given the date of their end.

Rule 1: what a user's class or hook does wrong ends this connection with an error that names it (R-36).
Rule 2: connections that were made together do not end together (R-15).
"""

from __future__ import annotations

from typing import Any, Final

from respool._sync.node.connection import Connection
from respool._sync.shell.compat import bounded_hook, call_hook, users_code
from respool._facts.errors import ConnectTimeout, Error, UsageError
from respool._facts.options import Options
from respool._protocol.peer import Peer

#: The share of ``max_lifetime`` over which the ends of connections are spread.
EARLIER: Final = 0.1
GOLDEN: Final = 0.618_033_988_75


class Maker:
    """Makes the connections of one node."""

    def __init__(self, options: Options, share: float) -> None:
        """Begin to spread the ends of connections at ``share``, by chance between 0 and 1."""
        self.options = options
        self._share = share
        self._peer = Peer()

    def construct(self, db: int) -> Connection[Any]:
        """Construct a connection of the configured class, for a database."""
        options = self.options
        if db != options.db:
            options = options.changed(db=db)
        kind = options.connection_class or Connection
        own: dict[str, Any] = dict(options.connection_options or {})
        connection: Connection[Any] = kind(config=options, **own)
        if "_transport" not in connection.__dict__:
            raise UsageError(f"{kind.__name__}.__init__ must call super().__init__() with the options it was given")
        connection._peer = self._peer
        return connection

    def open(self, connection: Connection[Any]) -> None:
        """Open a connection, in the way of its class."""
        if type(connection).open is Connection.open:
            connection.open()
        else:
            with users_code():
                connection.open()

    def accept(self, connection: Connection[Any]) -> None:
        """Take the state in which an ``open`` of the user's own has left a connection for that of a new one."""
        session = connection._session
        if not session.is_clean or connection.db != connection._options.db:
            connection._is_prepared = True
            session.adopt()
            if not session.is_clean or connection.db != connection._options.db:
                raise UsageError(
                    f"{type(connection).__name__}.open() left a transaction, a WATCH or another database (use db=)"
                )

    def configure(self, connection: Connection[Any]) -> None:
        """Let the user's hook prepare a connection that is new or as good as new."""
        if self.options.configure is None:
            return
        try:
            with bounded_hook(self.options.connect_timeout, connection):
                call_hook(self.options.configure, connection)
            connection._session.adopt()
            if not connection._session.is_clean or connection.db != connection._options.db:
                raise UsageError("the configure hook left a transaction, a WATCH or another database (use db=)")
        except TimeoutError as error:
            if isinstance(error, Error):
                raise
            raise ConnectTimeout("the configure hook took too long", address=self.options.address) from error

    @property
    def shortest(self) -> float | None:
        """How long a connection lives at least; None for ever."""
        lifetime = self.options.max_lifetime
        return None if lifetime is None else (1.0 - EARLIER) * lifetime

    def retire_at(self, now: float) -> float:
        """Return when a connection made now is to be replaced: after ``max_lifetime``, less up to ``EARLIER`` (R-15).

        Steps of the golden ratio spread connections of one age more evenly than chance does: of a hundred, no more
        than five expire within ten seconds (P-15).
        """
        lifetime = self.options.max_lifetime
        if lifetime is None:
            return float("inf")
        self._share = (self._share + GOLDEN) % 1.0
        return now + lifetime * (1.0 - EARLIER * self._share)
