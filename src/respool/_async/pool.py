# Written once: respool/_sync/pool.py is generated from this file.
"""The pool for a single node: ``AsyncDoor`` over one ``Serving``, and changes to the pool at run time (R-34)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._async.door import AsyncDoor
from respool._async.node.serving import Serving
from respool._facts.option_types import FROM_URL, Encoding, PoolOptions, S
from respool._facts.options import make_options

if TYPE_CHECKING:
    from typing import Unpack


class AsyncPool(AsyncDoor[S]):
    """A pool of connections to one Redis or Valkey server.

    Options are given as keywords or in the URL's query string; keywords win. docs/reference/options.md lists all of
    them. Use it as ``async with AsyncPool("redis://localhost") as pool``, or
    just call its methods: the first use opens it.

    ``execute()`` and the command methods share a few connections between all callers. ``acquire()`` leases a connection
    to one caller. ``shared=0`` makes it a classic exclusive pool: each command leases a connection while it runs.
    """

    def __init__(
        self, url: str | None = None, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[PoolOptions]
    ) -> None:
        """Check the options; no I/O. Raises UsageError (a TypeError or ValueError) for an invalid one.

        ``encoding``, such as ``"utf-8"``, makes replies ``str``; without it, here and in the URL, they are ``bytes``.
        """
        super().__init__(make_options(url, options, encoding))

    def _make_serving(self) -> Serving:
        return Serving(self._options)

    # Run-time control --------------------------------------------------------------------------------

    async def resize(self, *, min_size: int | None = None, max_size: int | None = None) -> None:
        """Set new bounds. Surplus idle connections close at once, leased ones when released. Raises UsageError."""
        changes = {"min_size": min_size, "max_size": max_size}
        wanted = {name: size for name, size in changes.items() if size is not None}
        self._bound()
        with self._opening:
            self._options = options = self._options.changed(**wanted)
            serving = self._serving
        if serving is not None:
            serving.resize(options.min_size, options.max_size)

    async def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""
        serving = self._bound()
        if serving is not None:
            await serving.clear()

    def drain(self) -> None:
        """Begin a new epoch: replace every existing connection, leased and busy ones once they are free."""
        serving = self._bound()
        if serving is not None:
            serving.node.drain()

    async def select(self, db: int) -> bool:
        """Change the database of idle, shared and future connections, and return True.

        A lease on the old database is closed when it is released. Raises UsageTypeError or UsageValueError for an
        invalid database number, and the server's error when it refuses; then nothing has changed.
        """
        self._options.changed(db=db)  # raises for an invalid number
        serving = self._opened()
        try:
            await serving.select(db)
        finally:
            with self._opening:
                self._options = self._options.changed(db=serving.node.db)  # the pool may have moved before a cancel
        return True

    # State -------------------------------------------------------------------------------------------

    @property
    def db(self) -> int:
        """The database of the pool's connections."""
        return self._options.db if self._serving is None else self._serving.node.db

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "unopened" if self._serving is None else "open"
        return (
            f"<{type(self).__name__} {self._options.address}/{self.db} {state} size={self.size}/{self.max_size} "
            f"shared={self.shared} idle={self.idle} leased={self.leased} dialing={self.dialing} waiting={self.waiting}>"
        )
