"""A stand-in for a connection's transport when there is none (null object): every use raises a clear error.

It answers all queries ("is it open?" no) and refuses all work, so that no hot path has to check first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from respool._facts.errors import Error, UsageError
from respool._protocol.run import NO_BLOBS, Blobs


class Absent:
    """A missing transport, and the error that says why it is missing."""

    __slots__ = ("_make_error",)

    owes = 0
    waiting = 0
    completed = 0
    is_open = False
    is_quiet = False
    silent_for = 0.0
    patience = None
    remote = None
    error = None
    heard = 0.0

    def __init__(self, make_error: Callable[[], Error]) -> None:
        self._make_error = make_error

    def refuse(self) -> NoReturn:
        """Raise the error."""
        raise self._make_error()

    def submit(self, args: tuple[Any, ...]) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def submit_until(self, args: tuple[Any, ...], deadline: float | None, *, blob: bool = False) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def submit_many(
        self, commands: list[tuple[Any, ...]], deadline: float | None = None, blobs: Blobs = NO_BLOBS
    ) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def post_many(
        self, commands: list[tuple[Any, ...]], deadline: float | None = None, blobs: Blobs = NO_BLOBS
    ) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    @property
    def pack(self) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def submit_guarded(
        self, commands: list[tuple[Any, ...]], hidden: int, deadline: float | None = None
    ) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def submit_noreply(self, commands: list[tuple[Any, ...]]) -> NoReturn:
        """Refuse."""
        raise self._make_error()

    def is_reusable(self, now: float) -> bool:
        """Return False: there is nothing to use."""
        return False

    def notice_end(self) -> None:
        """Do nothing: nothing can end."""

    def set_patience(self, patience: float | None) -> None:
        """Do nothing: no server is waited for."""

    def withdraw(self) -> None:
        """Do nothing: no command is queued."""

    def abort(self, reason: str = "") -> None:
        """Do nothing: no socket is open."""

    def abort_in_finaliser(self) -> None:
        """Do nothing: no socket is open."""

    def forget(self) -> None:
        """Do nothing: there is nothing to drop."""


UNOPENED: Final = Absent(
    lambda: UsageError("this connection was never opened: call its open() first, or use it in a with block")
)
RELEASED: Final = Absent(
    lambda: UsageError("this lease was given back to its pool; acquire another one")
)
OUTLIVED: Final = Absent(
    lambda: UsageError("the event loop of this connection has been closed; acquire another one in the running loop")
)
FORKED: Final = Absent(
    lambda: UsageError("this connection belongs to the parent process; a forked child must get one of its own")
)
