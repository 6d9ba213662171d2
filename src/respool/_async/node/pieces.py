# Written once: respool/_sync/node/pieces.py is generated from this file.
"""Send a long run in pieces on one connection, and report correctly what may have run if it is not completed.

Rule 1: earlier pieces have run, so the whole run may not be sent again (R-24), unless they were only queued: after a
        MULTI that was not refused.
Rule 2: a transaction that is given up half way, or whose outcome is uncertain, ends the connection: later commands
        would only be queued.
Rule 3: a long run is read and checked in steps. Between two steps other callers run, and the deadline is checked: a
        run that is not ready in time is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from respool._async.shell.compat import Cancelled, clock, pause
from respool._async.shell.transport import AsyncTransport
from respool._facts.command import Command
from respool._facts.errors import Error, ReadTimeout, TransportError
from respool._protocol.collected import Collected
from respool._protocol.packing import check_piece
from respool._protocol.run import NO_BLOBS, STEP_COUNT, Blobs, Run, why_in_doubt


async def take_in(
    commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool, deadline: float | None = None
) -> Run:
    """Make a run of commands, in steps if there are many or their number is unknown."""
    if isinstance(commands, list | tuple | Collected):
        if len(commands) <= STEP_COUNT:
            return Run(commands, atomic=atomic)
        if not isinstance(commands, Collected):  # nobody adds to a pipeline that is being sent
            commands = commands[:]  # the caller may change the list while others run
    elif isinstance(commands, str | bytes) or not isinstance(commands, Iterable):
        return Run(commands, atomic=atomic)  # refuses it
    parts = [Run((), atomic=atomic)]
    rest = iter(commands)
    while step := list(islice(rest, STEP_COUNT)):
        parts.append(Run(step))
        if len(step) < STEP_COUNT:
            break
        await pause(0)
        if deadline is not None and clock()() >= deadline:
            raise _too_late()
    return Run.joined(parts, atomic=atomic)


async def checked_pieces(
    run: Run, transport: AsyncTransport, deadline: float | None
) -> list[list[tuple[Any, ...]]] | Error:
    """Cut a run into pieces that can all be encoded; return an error value if the deadline passes before that.

    Raises UsageError if a command cannot be encoded. A run in one piece is encoded when it is sent.
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
        await pause(0)
        if deadline is not None and clock()() >= deadline:
            return _too_late()
    return pieces


def _too_late() -> ReadTimeout:
    return ReadTimeout("the time was over before the pipeline was ready to be sent: nothing was sent", executed="no")


def _within(blobs: Blobs, begin: int, count: int) -> Blobs:
    """Return which replies of the piece that begins at ``begin`` stay bytes."""
    if not blobs:
        return NO_BLOBS
    return {at - begin: blobs[at] for at in range(begin, begin + count) if at in blobs}


async def send_pieces(
    run: Run, transport: AsyncTransport, pieces: list[list[tuple[Any, ...]]], deadline: float | None
) -> list[Any] | Error:
    """Send each piece once the one before it is answered; return all replies, or an error value."""
    is_atomic, blobs = run.is_atomic, run.blobs
    replies: list[Any] = []
    for piece in pieces:
        own = blobs if len(pieces) == 1 else _within(blobs, len(replies), len(piece))
        try:
            answer = await transport.submit_many(piece, deadline, own)
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
    if is_atomic and len(pieces) > 1 and why_in_doubt(replies) is not None:  # for a single piece the wire does so
        transport.abort()
    return replies
