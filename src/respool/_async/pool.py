# Written once: respool/_sync/pool.py is generated from this file.
"""The pool for a single node: ``AsyncDoor`` over one ``Serving``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._async.door import AsyncDoor
from respool._async.node.home import OneHome
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

    def _make_homes(self, serving: Serving) -> OneHome:
        return OneHome(serving)

    # State -------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "unopened" if self._serving is None else "open"
        return (
            f"<{type(self).__name__} {self._options.address}/{self.db} {state} size={self.size}/{self.max_size} "
            f"shared={self.shared} idle={self.idle} leased={self.leased} dialing={self.dialing} waiting={self.waiting}>"
        )
