"""What a caller reads when a command met a node of a cluster that does not have its keys.

Rule 1: MOVED and ASK are words between servers and pools. Users read which slot is where, and what to do.
Rule 2: a transaction that a move has prevented ends in TransactionAborted, whose cause names the move.
"""

from __future__ import annotations

from typing import Any

from respool._facts.errors import ServerError, SlotMoved, TransactionAborted, TryAgain, WrongNode, again
from respool._protocol.redirect import Redirect, Step


def moved_on_lease(redirect: Redirect, here: str, there: str | None) -> SlotMoved:
    """Make the error for a command on a lease of the node ``here``, which said that its slot is ``there``."""
    where = there or "another node"
    if redirect.step is Step.ASK:
        return SlotMoved(
            redirect.code,
            f"slot {redirect.slot} is being moved from {here} to {where}, and this key has left: send the command "
            "through the pool, which follows it, or call acquire(key=...) again when the slot has moved",
        )
    return SlotMoved(
        redirect.code,
        f"slot {redirect.slot} is served by {where}, and this lease is a connection to {here}: release it, and call "
        "acquire(key=...) again",
    )


def moved_since_watched(slot: int, here: str, there: str | None) -> SlotMoved:
    """Make the cause for a transaction on ``here`` that watches a key whose slot has left: it is ``there`` now."""
    what = "and no node serves it" if there is None else f"and is served by {there}"
    if there == here:
        what = "and has come back"
    return SlotMoved(
        "MOVED",
        f"slot {slot} has left {here} since a key of it was watched, {what}, so the key may have been changed there: "
        "release this lease, and call acquire(key=...) again",
    )


def aborted(cause: ServerError) -> TransactionAborted:
    """Make the error of a transaction that was not run because of ``cause``."""
    advice = ""
    if isinstance(cause, TryAgain):
        advice = "; some of its keys are where their slot is being moved to: call acquire(key=...) again afterwards"
    error = TransactionAborted("EXECABORT", f"nothing was run, because: {cause}{advice}")
    error.__cause__ = cause
    return error


def not_queued(cause: ServerError) -> TransactionAborted:
    """Make the error of a command that was to be queued behind MULTI. The transaction stays open until EXEC."""
    error = TransactionAborted("EXECABORT", f"the command was not queued, so EXEC will run nothing: {cause}")
    error.__cause__ = cause
    return error


def is_about_place(error: Any) -> bool:
    """Tell whether a command was refused because of where its keys are."""
    return isinstance(error, WrongNode | TryAgain)


def named_wrongly(reply: Any, node: str) -> Any:
    """Return a reply of the node that ``node=`` named; if that has not the keys, with an error that says so."""
    if not isinstance(reply, WrongNode):
        return reply
    slot, _, there = reply.message.partition(" ")
    error = again(reply)
    how = "is being moved to" if reply.code == "ASK" else "is served by"
    where = there if not there.startswith((":", "?")) else "another node"
    error.args = (f"slot {slot} {how} {where}, and not by {node}, which node= names: leave node= out",)
    return error
