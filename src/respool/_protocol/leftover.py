"""What is left of a run, not an atomic one, that a node has refused in part because it was demoted.

    Leftover.run -> sent -> take -> the refusal, and a shorter run -> sent to the next primary -> ...

Rule 1: a command that was refused did not run: it is left. What was answered is never sent again but by Rule 2.
Rule 2: what such a node answers behind a refusal would have seen the refused write. So a read there is left too, if
        repeating it does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from respool._facts.command import Spec
from respool._facts.errors import Error, ServerError, again
from respool._protocol.collected import unparsed
from respool._protocol.redirect import Redirect
from respool._protocol.run import Run

#: Reads the error of a command as a refusal by the node that was asked; None if it is the reply.
Read = Callable[[Error, Spec], Redirect | None]


class Leftover:
    """A run on its way from one primary to the next."""

    __slots__ = ("_left", "_whole", "has_answers", "replies", "run")

    def __init__(self, run: Run) -> None:
        self._whole = run
        self._left: Sequence[int] = range(len(run))
        #: What is left, to be sent.
        self.run = run
        #: The latest reply to each command of the whole run.
        self.replies: list[Any] = []
        #: Whether a command was not refused.
        self.has_answers = False

    def take(self, replies: list[Any], read: Read) -> tuple[Redirect | None, Error | None]:
        """Note the replies to ``run``. Return the first refusal, and its error; None twice if nothing is left."""
        if self.run is self._whole:
            self.replies = replies
            if not any(issubclass(kind, Error) for kind in set(map(type, replies))):
                return None, None
        first: tuple[Redirect | None, Error | None] = None, None
        left: list[int] = []
        for at, reply in zip(self._left, replies, strict=True):
            spec = self._whole.specs[at]
            refusal = read(reply, spec) if isinstance(reply, Error) else None
            if refusal is None:
                self.has_answers = True
            elif not left:
                first = refusal, reply
            if refusal is not None or (left and spec.safe):
                left.append(at)
            self.replies[at] = reply
        self._left = left
        if left:
            self.run = self._part(left)
        return first

    def fail(self, error: Error) -> None:
        """End what is left: in ``error``, or in what the servers said last if that is an error of theirs too."""
        for at in () if isinstance(error, ServerError) else self._left:
            self.replies[at] = again(error)

    def _part(self, places: Sequence[int]) -> Run:
        whole = self._whole
        return Run(unparsed([whole.calls[at] for at in places], [whole.specs[at] for at in places]))
