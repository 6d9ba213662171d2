# Generated from respool/_async/node/slot_watch.py by tools/generate.py. Do not edit.
"""What a lease of a cluster does when slots move: it believes no transaction whose watched keys may be elsewhere.

Rule 1: a transaction is not begun to run once the pool knows that the slot of a watched key has left the node, not even
        for a while. DISCARD takes the place of EXEC, so that the connection is as clean as after an EXEC.
Rule 2: what the pool does not know the server says, by refusing a key. An EXEC that ran nothing has no keys: then the
        watched keys are asked for behind it.
Rule 3: what the server says reaches the pool, so that the next lease is one of the right node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from respool._sync.shell.compat import Cancelled
from respool._sync.shell.transport import Transport
from respool._facts.command import Spec, spec
from respool._facts.errors import Error, ServerError, SlotMoved, TransactionAborted, again
from respool._protocol.collected import unparsed
from respool._protocol.misdirected import aborted, is_about_place, not_queued
from respool._protocol.run import EXEC, MULTI, Run, has_ended, is_without_multi, reasons_of
from respool._protocol.session import Session

_MULTI: Final = spec("MULTI")
_EXEC: Final = spec("EXEC")
_DISCARD: Final = spec("DISCARD")
_UNWATCH: Final = spec("UNWATCH")
_EXISTS: Final = spec("EXISTS")


class Mark(NamedTuple):
    """A watched key: its slot, and how often that had changed its node when the key was watched."""

    key: Any
    slot: int
    version: int


class SlotWatch(Protocol):
    """What a lease asks and tells the cluster that its node belongs to."""

    def marks(self, keys: Iterable[Any]) -> list[Mark]:
        """Return what to remember of keys that are about to be watched."""
        ...

    def left(self, marks: Iterable[Mark]) -> SlotMoved | None:
        """Return the reason if the slot of a watched key has left the node since then."""

    def heard(self, error: ServerError, spec: Spec, args: Sequence[Any]) -> ServerError:
        """Take note of an error that the node has answered, and return the one for the caller."""
        ...


class Watching(Protocol):
    """The part of a connection that watches keys and runs transactions."""

    _session: Session
    _transport: Transport

    def _execute_special(self, args: tuple[Any, ...], spec: Spec, deadline: float | None = None) -> Any: ...
    def _send_run(self, run: Run, deadline: float | None = None) -> Any: ...


def execute_watched(
    connection: Watching, slots: SlotWatch, args: tuple[Any, ...], spec: Spec, deadline: float | None
) -> Any:
    """Send a command that begins or ends a WATCH or a transaction, and return its reply; it may be an error value."""
    session = connection._session
    watched = session.watched
    if spec.effect == "watch":
        session.watched = [*watched, *slots.marks(args[1:])]
    elif spec.name == "EXEC" and watched and session.transaction:
        moved = slots.left(watched)
        if moved is not None:
            connection._execute_special(("DISCARD",), _DISCARD, deadline)  # if that fails, it is not clean
            return aborted(moved)
    reply = connection._execute_special(args, spec, deadline)
    if spec.name == "EXEC" and watched and reply == []:
        return _checked(connection, slots, watched, deadline) or reply
    return reply


def run_watched(connection: Watching, slots: SlotWatch, run: Run, deadline: float | None) -> Any:
    """Send a run, and return its replies with errors for the caller among them, or an error value."""
    session = connection._session
    queued, refusal, watched = session.transaction, session.refusal, session.watched
    moved = slots.left(watched) if watched else None
    if moved is not None and run.is_atomic:
        connection._execute_special(("UNWATCH",), _UNWATCH, deadline)
        return aborted(moved)
    at = None if moved is None or run.is_plain else _first_exec(run)
    marks = _marks(slots, run)
    for begun in marks.values():
        session.watched = [*session.watched, *begun]
    replies = connection._send_run(run if at is None else _discarding(run, at), deadline)
    if isinstance(replies, Error):
        return replies
    if at is not None and moved is not None and not is_without_multi(replies[at]):
        replies[at] = aborted(moved)
    empty, watched = _empty_ends(run, replies, watched, marks)
    if session.is_watching:
        session.watched = watched
    for place, keys in empty.items():
        problem = _checked(connection, slots, keys, deadline) if keys else None
        if problem is not None and not isinstance(problem, TransactionAborted):
            return problem
        replies[place] = problem or replies[place]
    return _judged_run(slots, run, replies, refusal if queued else None, queued=queued)


def judged(slots: SlotWatch, session: Session, error: Error, spec: Spec, args: Sequence[Any]) -> Error:
    """Return the error to raise for a command on a lease that was answered with ``error``."""
    if not isinstance(error, ServerError):
        return error
    if spec.name == "EXEC":
        return _judged_end(slots, error, session.refusal)
    heard = slots.heard(error, spec, args)
    if not session.transaction or spec.effect is not None:
        return heard
    session.refusal = session.refusal or again(heard)
    return not_queued(heard) if is_about_place(heard) else heard


def _judged_run(slots: SlotWatch, run: Run, replies: list[Any], refusal: ServerError | None, *, queued: bool) -> Any:
    """Put the errors for the caller in the place of those that the server answered."""
    if not any(issubclass(kind, ServerError) for kind in set(map(type, replies))):
        return replies
    specs, calls = run.specs, run.calls
    if run.is_atomic:
        specs, calls = [_MULTI, *specs, _EXEC], [MULTI, *calls, EXEC]
    values = []
    for each, args, reply in zip(specs, calls, replies, strict=True):
        value = reply
        if each.effect == "end":
            if each.name == "EXEC" and isinstance(reply, ServerError):
                value = _judged_end(slots, reply, refusal)
            queued = queued and not has_ended(each.name, reply)
        elif isinstance(reply, ServerError):
            value = slots.heard(reply, each, args)
            refusal = refusal or (value if queued else None)
        elif each.effect == "multi":
            queued, refusal = True, None
        values.append(value)
    return values


def _judged_end(slots: SlotWatch, error: ServerError, refusal: ServerError | None) -> ServerError:
    """Return the error for the caller of an EXEC. ``refusal``: why a command before it was not queued."""
    if isinstance(error, TransactionAborted):
        said = [slots.heard(each, _EXEC, EXEC) for each in reasons_of(error)]
        cause = next((each for each in (error.__cause__, refusal, *said) if isinstance(each, ServerError)), None)
        return error if cause is None else aborted(cause)
    heard = slots.heard(error, _EXEC, EXEC)
    return aborted(heard) if is_about_place(heard) else heard


def _checked(
    connection: Watching, slots: SlotWatch, marks: list[Mark], deadline: float | None
) -> Error | None:
    """Return why an EXEC that ran nothing proves nothing about the watched keys; None if the node has them (Rule 2)."""
    transport = connection._transport
    calls = [("EXISTS", mark.key) for mark in marks]
    try:
        replies = transport.submit_many(calls, deadline)
    except Cancelled:
        transport.withdraw()
        raise
    if isinstance(replies, Error):
        return replies
    for call, reply in zip(calls, replies, strict=True):
        if isinstance(reply, ServerError):
            heard = slots.heard(reply, _EXISTS, call)
            if is_about_place(heard):
                return aborted(heard)
    return None


def _marks(slots: SlotWatch, run: Run) -> dict[int, list[Mark]]:
    """Return what to remember of the keys that a run will watch, by the place of its WATCH."""
    places = [] if run.is_plain else [at for at, each in enumerate(run.specs) if each.effect == "watch"]
    return {at: slots.marks(run.calls[at][1:]) for at in places}


def _empty_ends(
    run: Run, replies: list[Any], watched: list[Mark], marks: dict[int, list[Mark]]
) -> tuple[dict[int, list[Mark]], list[Mark]]:
    """Return each EXEC that ran nothing, with the keys watched then, and the keys that are watched after the run."""
    if run.is_atomic:
        return {len(replies) - 1: watched} if replies[-1] == [] else {}, watched
    empty = {}
    for at, each in enumerate(run.specs) if not run.is_plain else ():
        if each.effect == "watch":
            watched = [*watched, *marks[at]]
        elif each.effect == "end" and not is_without_multi(replies[at]):
            if each.name == "EXEC" and replies[at] == []:
                empty[at] = watched
            watched = []
    return empty, watched


def _first_exec(run: Run) -> int | None:
    """Return the place of the EXEC that ends what was watched before a run; None if there is none, or a DISCARD."""
    first = next((at for at, each in enumerate(run.specs) if each.effect == "end"), None)
    return None if first is None or run.specs[first].name != "EXEC" else first


def _discarding(run: Run, at: int) -> Run:
    """Return a run with DISCARD in the place of its EXEC at ``at``."""
    calls, specs = run.calls.copy(), run.specs.copy()
    calls[at], specs[at] = ("DISCARD",), _DISCARD
    return Run(unparsed(calls, specs))
