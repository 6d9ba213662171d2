# Generated from respool/_async/node/pieces.py by tools/generate.py. Do not edit.
"""Send a long run piece by piece on one connection, and say truly what may have run when it does not get to its end.

Rule 1: what was sent before has run, so not all of it may be sent again (R-24), unless it was only queued: behind a
        MULTI that was not refused.
Rule 2: a transaction that is given up half way, or whose end is not sure, ends the connection: what came next would
        only be queued.
"""

from __future__ import annotations

from typing import Any

from respool._sync.shell.compat import Cancelled
from respool._sync.shell.transport import Transport
from respool._facts.errors import Error, TransportError
from respool._protocol.run import why_in_doubt


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
