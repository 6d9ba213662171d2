# Generated from respool/_async/node/pieces.py by tools/generate.py. Do not edit.
"""Send a long run piece by piece on one connection, and say truly what may have run when it does not get to its end.

Rule 1: what was sent before has run, so not all of it may be sent again (R-24), unless it was only queued: behind a
        MULTI that was not refused.
Rule 2: a transaction that is given up half way, or whose end is not sure, ends the connection: what came next would
        only be queued.
Rule 3: a long run is taken in and checked in steps. Between two of them others have their turn, and the deadline is
        looked at: what is not ready in time is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from respool._sync.shell.compat import Cancelled, clock, pause
from respool._sync.shell.transport import Transport
from respool._facts.command import Command
from respool._facts.errors import Error, ReadTimeout, TransportError
from respool._protocol.packing import check_piece
from respool._protocol.run import STEP_COUNT, Run, why_in_doubt


def take_in(
    commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool, deadline: float | None = None
) -> Run:
    """Make a run of commands, in steps where they are many or it is not known how many they are."""
    if isinstance(commands, list | tuple):
        if len(commands) <= STEP_COUNT:
            return Run(commands, atomic=atomic)
        commands = commands[:]  # the caller may go on with the list while others have their turn
    elif isinstance(commands, str | bytes) or not isinstance(commands, Iterable):
        return Run(commands, atomic=atomic)  # refuses it
    parts = [Run((), atomic=atomic)]
    rest = iter(commands)
    while step := list(islice(rest, STEP_COUNT)):
        parts.append(Run(step))
        if len(step) < STEP_COUNT:
            break
        pause(0)
        if deadline is not None and clock()() >= deadline:
            raise _too_late()
    return Run.joined(parts, atomic=atomic)


def checked_pieces(
    run: Run, transport: Transport, deadline: float | None
) -> list[list[tuple[Any, ...]]] | Error:
    """Cut a run into pieces, each of which can be encoded; return an error value when the time is over before that.

    Raises UsageError for what cannot be. A run in one piece is encoded when it is sent.
    """
    if len(run.args) <= STEP_COUNT:
        pieces = list(run.pieces())
        for piece in pieces if len(pieces) > 1 else ():
            check_piece(piece, transport.pack)
        return pieces
    pieces = []
    for piece in run.pieces():
        check_piece(piece, transport.pack)
        pieces.append(piece)
        pause(0)
        if deadline is not None and clock()() >= deadline:
            return _too_late()
    return pieces


def _too_late() -> ReadTimeout:
    return ReadTimeout("the time was over before the pipeline was ready to be sent: nothing was sent", executed="no")


def send_pieces(
    transport: Transport, pieces: list[list[tuple[Any, ...]]], deadline: float | None, *, is_atomic: bool
) -> list[Any] | Error:
    """Send one piece when the one before is answered; return all replies, or an error value."""
    replies: list[Any] = []
    for piece in pieces:
        try:
            answer = transport.submit_many(piece, deadline)
        except Cancelled:
            transport.withdraw()
            if is_atomic and len(pieces) > 1:
                transport.abort()
            raise
        if isinstance(answer, Error):
            if isinstance(answer, TransportError) and replies and not (is_atomic and replies[0] in (b"OK", "OK")):
                answer.executed = "unknown"
            return answer
        replies += answer
    if is_atomic and len(pieces) > 1 and why_in_doubt(replies) is not None:  # of one piece the wire sees to it
        transport.abort()
    return replies
