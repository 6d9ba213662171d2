# Generated from respool/_async/node/maker.py by tools/generate.py. Do not edit.
"""Make the connections of a node: construct them, let the user's hook prepare them, decide when they are retired.

Rule 1: a mistake in a user's class or hook ends this one connection, with an error that names the mistake (R-36).
Rule 2: connections that were made together are not retired together (R-15).
"""

from __future__ import annotations

from typing import Any, Final

from respool._sync.node.connection import Connection
from respool._sync.shell.compat import bounded_hook, call_hook, users_code
from respool._facts.errors import ConnectTimeout, Error, UsageError
from respool._facts.options import Options
from respool._facts.standing import Standing
from respool._protocol.peer import Peer

#: Connections are retired earlier than ``max_lifetime`` by up to this fraction of it.
EARLIER: Final = 0.1
GOLDEN: Final = 0.618_033_988_75


class Maker:
    """Makes the connections of one node."""

    def __init__(self, options: Options, share: float) -> None:
        """Spread the retirement of connections, starting at ``share``, a random number between 0 and 1."""
        #: Those of the pool. A pool of one node knows nothing else about it, but its connections are a pool's.
        self.options = options if options.standing is not None else options.changed(standing=Standing())
        self._share = share
        self._peer = Peer()

    def construct(self, db: int) -> Connection[Any]:
        """Construct a connection of the configured class for database ``db``."""
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
        """Open a connection with the ``open`` method of its class."""
        if type(connection).open is Connection.open:
            connection.open()
        else:
            with users_code():
                connection.open()

    def accept(self, connection: Connection[Any]) -> None:
        """Treat the state in which a user's ``open`` left a connection as the state of a new one."""
        session = connection._session
        if not session.is_clean or connection.db != connection._options.db:
            connection._is_prepared = True
            session.adopt()
            if not session.is_clean or connection.db != connection._options.db:
                raise UsageError(
                    f"{type(connection).__name__}.open() left a transaction, a WATCH or another database (use db=)"
                )

    def configure(self, connection: Connection[Any]) -> None:
        """Let the user's hook prepare a connection that is new or was reset."""
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
        """The shortest lifetime that a connection may get, in seconds; None for ever."""
        lifetime = self.options.max_lifetime
        return None if lifetime is None else (1.0 - EARLIER) * lifetime

    def retire_at(self, now: float) -> float:
        """Return when to replace a connection made now: after ``max_lifetime``, less up to ``EARLIER`` of it (R-15).

        Steps of the golden ratio spread connections of one age more evenly than random numbers do: of a hundred, no
        more than five expire within ten seconds (P-15).
        """
        lifetime = self.options.max_lifetime
        if lifetime is None:
            return float("inf")
        self._share = (self._share + GOLDEN) % 1.0
        return now + lifetime * (1.0 - EARLIER * self._share)
