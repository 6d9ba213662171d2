"""Several commands that are sent as one run on one connection, and what their replies mean.

Rule 1: a run is checked before any of it is sent, even if it is encoded and sent in pieces.
Rule 2: a server's error is a value in the list (its command failed, the others did not); a lost connection is raised,
        because then no outcome is known.
Rule 3: an atomic run is MULTI ... EXEC with nothing in between but its own commands; all of it runs, or none.
Rule 4: what loads a script (``scripts``) is sent with the run, but is none of its commands: ``own`` drops the reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

from respool._facts.command import Args, Command, Parser, Spec
from respool._facts.errors import (
    ConnectFailed,
    ConnectionLost,
    DecodeError,
    Error,
    OutcomeUnknown,
    ProtocolError,
    ReadTimeout,
    ServerError,
    TransactionAborted,
    TransportError,
    UsageTypeError,
    UsageValueError,
    again,
    is_demoted,
    is_not_now,
    server_error,
)
from respool._protocol.collected import columns
from respool._protocol.scripts import by_text, loads_of, with_loads, without_loads

#: Which replies of a run stay bytes where the connection has an encoding: their positions. The value says which
#: elements of that reply do; None stands for all of it.
Blobs: TypeAlias = Mapping[int, frozenset[int] | None]

NO_BLOBS: Final[Blobs] = {}
#: The one reply of a single command.
ONE_BLOB: Final[Blobs] = {0: None}

ASKING: Final[Args] = ("ASKING",)
MULTI: Final[Args] = ("MULTI",)
EXEC: Final[Args] = ("EXEC",)
REPLY_OFF: Final[Args] = ("CLIENT", "REPLY", "OFF")
REPLY_ON: Final[Args] = ("CLIENT", "REPLY", "ON")

#: Marks a run that is one transaction, alone or behind ASKING; the transports pass it where they pass ``hidden``.
ATOMIC: Final = -1
ATOMIC_ASKED: Final = -3
#: Marks the last piece of such a run that is sent in pieces.
EXEC_PIECE: Final = -2

#: EXEC's error codes when the server has discarded the transaction: a command in it was refused, or its keys moved.
#: Any other error may come from a server (or proxy) that keeps the transaction open: the command was renamed, or an old
#: server is loading.
_DROPPED: Final = frozenset(("EXECABORT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT", "REDIRECT"))
_OK: Final = (b"OK", "OK")
_QUEUED: Final = (b"QUEUED", "QUEUED")

_NO_PLACES: Final[set[int]] = set()

#: A run with more commands or bytes than this is sent on a connection of its own (R-26), in pieces of that size.
BIG_COUNT: Final = 1024
BIG_BYTES: Final = 256 * 1024

#: A longer run is prepared in steps of this many commands, so that other callers do not wait long for it.
STEP_COUNT: Final = 8192


class Run:
    """A checked list of commands, to be sent as ``args`` and read back with ``read``.

    It is kept in columns (arguments, specs, parsers), which is faster than an object per command in a long pipeline.
    """

    __slots__ = ("_kinds", "_loads", "_parsers", "args", "calls", "is_atomic", "is_plain", "specs")

    def __init__(self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False) -> None:
        if isinstance(commands, str | bytes) or not isinstance(commands, Iterable):
            raise UsageTypeError(f"commands must be a list of commands, not {type(commands).__name__}")
        if not isinstance(atomic, bool):
            raise UsageTypeError(f"atomic must be True or False, not {atomic!r}")
        #: The arguments of each command, and the spec of each.
        self.calls, self.specs, self._parsers = columns(commands)
        self._kinds = set(self.specs)
        self._finish(atomic=atomic)

    @classmethod
    def joined(cls, runs: Sequence[Run], *, atomic: bool) -> Run:
        """Make one run of several that were prepared in steps."""
        run = object.__new__(cls)
        run.calls = list(chain.from_iterable([part.calls for part in runs]))
        run.specs = list(chain.from_iterable([part.specs for part in runs]))
        run._parsers = list(chain.from_iterable([part._parsers for part in runs]))
        run._kinds = set().union(*[part._kinds for part in runs])
        run._finish(atomic=atomic)
        return run

    def _finish(self, *, atomic: bool) -> None:
        #: Whether no command can block, changes the state of its connection, or is refused on a shared one.
        self.is_plain = all(kind.plain for kind in self._kinds)
        self.is_atomic = atomic
        #: The commands to send, with MULTI and EXEC around them if atomic, and with the scripts that they need.
        self.args = self.calls
        self._loads: set[int] = _NO_PLACES
        if not self.is_plain and any(kind.script is not None for kind in self._kinds):
            self.args, self._loads = with_loads(self.calls, self.specs)
            if atomic or any(map(_opens, self._kinds)):
                self.send_texts()
        if atomic:
            misplaced = [kind for kind in self._kinds if kind.effect in ("multi", "end", "watch", "unwatch")]
            for spec in self.specs if misplaced else ():
                if spec in misplaced:
                    instead = ": call watch() on a lease, before it" if spec.effect == "watch" else ""
                    message = f"{spec.name} has no place in an atomic pipeline, which sends MULTI itself{instead}"
                    raise UsageValueError(message)
            self.args = [MULTI, *self.args, EXEC]

    def send_texts(self) -> None:
        """Send scripts as text, not by their hashes: in a transaction nothing can be loaded before they are called."""
        if self._loads:
            self.args, self._loads = by_text(self.calls, self.specs), _NO_PLACES

    def own(self, replies: Any) -> Any:
        """Return the replies, or the error value, without those to the loading of scripts."""
        if not self._loads or isinstance(replies, Error):
            return replies
        return without_loads(replies, self._loads, self.specs)

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def is_safe(self) -> bool:
        """Whether sending the whole run twice does no harm."""
        return all(kind.safe for kind in self._kinds)

    @property
    def runs_code(self) -> bool:
        """Whether one of the commands runs users' code, so that its errors prove nothing (R-24)."""
        return any(kind.runs_code for kind in self._kinds)

    @property
    def loads_scripts(self) -> bool:
        """Whether something is sent before a command whose script it loads."""
        return bool(self._loads)

    @property
    def misplaced(self) -> Spec | None:
        """The spec of the first command that is refused on a shared connection, or None (R-20)."""
        if self.is_plain:
            return None
        return next((spec for spec in self.specs if spec.refusal is not None), None)

    @property
    def may_block(self) -> bool:
        """Whether the server may delay one of the commands on purpose, as BLPOP (R-21)."""
        if self.is_plain:
            return False
        return any(spec.blocks_for(call) is not None for spec, call in zip(self.specs, self.calls, strict=True))

    @property
    def is_big(self) -> bool:
        """Whether it is so large that small commands would wait long behind it (R-26)."""
        if len(self.args) > BIG_COUNT:
            return True
        try:
            return sum(map(len, chain.from_iterable(self.args))) > BIG_BYTES
        except TypeError:  # a number among the arguments
            return sum(map(_weight, self.args)) > BIG_BYTES

    @property
    def blobs(self) -> Blobs:
        """Which of the replies to ``args`` stay bytes. Those of an atomic run are elements of the reply to its EXEC."""
        if self.is_plain:
            return NO_BLOBS
        places = [at for at, spec in enumerate(self.specs) if spec.blob]
        if not self.is_atomic or not places:
            sent = [at for at in range(len(self.args)) if at not in self._loads]
            return {sent[at]: None for at in places}
        return {len(self.args) - 1: frozenset(places) if len(places) < len(self.calls) else None}

    def pieces(self) -> Iterator[list[Args]]:
        """Cut the run into pieces to encode and send one at a time, so that a piece is all that memory holds."""
        piece: list[Args] = []
        weight = 0
        for args in self.args:
            if weight >= BIG_BYTES or len(piece) >= BIG_COUNT:
                yield piece
                piece, weight = [], 0
            piece.append(args)
            weight += _weight(args)
        if piece:
            yield piece

    @property
    def blocks_for(self) -> float | None:
        """How many seconds the server may block for the whole run (the sum over its commands), or None."""
        if self.is_plain or self.is_atomic:  # nothing blocks inside MULTI
            return None
        pairs = zip(self.specs, self.calls, strict=True)
        times = [time for spec, call in pairs if (time := spec.blocks_for(call)) is not None]
        return sum(times) if times else None

    def read(self, replies: list[Any] | Error) -> list[Any]:
        """Return one value per command; server errors and undecodable replies are values.

        Raises TransactionAborted when an atomic run was refused, and the transport's error when the connection ended.
        """
        if isinstance(replies, Error):
            try:
                raise as_raised(replies, "a pipeline", safe=self.is_safe)
            finally:
                del replies  # the error's traceback holds this frame; holding the error too would make a cycle
        if self.is_atomic:
            replies = self._read_exec(replies)
        if not any(self._parsers):
            return replies
        return [_parsed(parse, reply) for parse, reply in zip(self._parsers, replies, strict=True)]

    def why_not_now(self, replies: list[Any] | Error) -> Error | None:
        """Return the error of an atomic run that the server refused for now, if certainly none of it ran (R-24).

        If MULTI was refused there was no transaction, so each command must have been refused too, and by the server
        itself: a script can answer with any error.
        """
        if isinstance(replies, Error):
            return None
        began, outcome, refusals = replies[0], replies[-1], _refusals(replies)
        if isinstance(began, Error):
            is_whole = len(refusals) == len(replies) - 2 and isinstance(outcome, Error) and not self.runs_code
            return self._refused(replies) if is_whole and is_not_now([began, *refusals]) else None
        if isinstance(outcome, TransactionAborted):
            return self._aborted(outcome, replies) if is_not_now(refusals or reasons_of(outcome)) else None
        return again(outcome) if isinstance(outcome, Error) and is_not_now([outcome]) else None

    def is_refused_as_replica(self, replies: list[Any] | Error) -> bool:
        """Tell whether a reply says that the node is no primary any more (R-13)."""
        if isinstance(replies, Error):
            return is_demoted(replies)
        if not any(issubclass(kind, ServerError) for kind in set(map(type, replies))):
            return False
        own = replies[1:-1] if self.is_atomic else replies
        if any(
            is_demoted(reply, runs_code=spec.runs_code)
            for spec, reply in zip(self.specs, own, strict=True)
            if isinstance(reply, ServerError)
        ):
            return True
        outcome = replies[-1] if self.is_atomic else None
        return isinstance(outcome, TransactionAborted) and any(map(is_demoted, reasons_of(outcome)))

    def read_on_lease(self, replies: list[Any] | Error, *, queued: bool) -> list[Any]:
        """Like ``read``, for a run that may hold a MULTI or be inside one (``queued``): QUEUED is not parsed."""
        in_doubt = queued or (not self.is_plain and any(map(_opens, self._kinds)))
        if self.is_atomic or isinstance(replies, Error) or not in_doubt:
            return self.read(replies)
        values: list[Any] = []
        for spec, parse, reply in zip(self.specs, self._parsers, replies, strict=True):
            values.append(reply if queued else _parsed(parse, reply))
            if spec.effect == "end":
                queued = queued and not has_ended(spec.name, reply)
            else:
                queued = queued or (_opens(spec) and not isinstance(reply, Error))
        return values

    def _read_exec(self, replies: list[Any]) -> list[Any]:
        outcome = replies[-1]
        if isinstance(replies[0], Error):
            raise self._refused(replies)
        if not isinstance(outcome, Error) and (doubt := why_in_doubt(replies)) is not None:
            raise ProtocolError(f"this is not how a server answers a transaction: {doubt}")
        if isinstance(outcome, list):
            return outcome
        if outcome is None:
            raise TransactionAborted("EXECABORT", "a watched key was changed, nothing was run")
        if isinstance(outcome, TransactionAborted):
            raise self._aborted(outcome, replies)
        if isinstance(outcome, Error):
            raise again(outcome)
        raise AssertionError(f"EXEC answered {_kind(outcome)}")  # cannot happen: it was in doubt above

    def _refused(self, replies: list[Any]) -> Error:
        """Make the error to raise when MULTI was refused: its own, and what happened to the commands after it.

        It is a copy, because the callers' frames hold the list of replies.
        """
        values, count = replies[1:-1], len(self.calls)
        failed = [at for at, value in enumerate(values) if isinstance(value, Error)]
        if why_in_doubt(replies) is not None:
            what = f"MULTI was refused; how many of the {count} commands ran is not known"
        elif not failed:
            what = f"MULTI was refused; all of the {count} commands ran, each for itself"
        else:
            first = f"the first error is that of command {failed[0] + 1} ({self.specs[failed[0]].name})"
            what = f"MULTI was refused; {count - len(failed)} of the {count} commands ran, each for itself, and {first}"
        error: Error = again(replies[0])
        error.args = (f"{error} ({what})",)
        return error

    def _aborted(self, aborted: TransactionAborted, replies: list[Any]) -> TransactionAborted:
        """Make the error to raise for a transaction that was not run, with its reason as the cause."""
        message, reason = aborted.message, next(iter(reasons_of(aborted)), aborted.__cause__)
        index: int | None = None
        for at, (spec, reply) in enumerate(zip(self.specs, replies[1:-1], strict=True)):
            if isinstance(reply, Error):
                message = f"nothing was run, because: {reply} (command {at + 1} of {len(self.calls)}, {spec.name})"
                reason, index = reply, at
                break
        error = TransactionAborted(aborted.code, message)
        error.refused_index = index
        error.__cause__ = reason
        return error


def behind_others(args: Args, spec: Spec, *, asking: bool) -> tuple[list[Args], Blobs]:
    """Return one call with what goes before it: its script, and ASKING, which holds for the next command alone."""
    front = [*loads_of(spec), ASKING] if asking else [*loads_of(spec)]
    return [*front, args], {len(front): None} if spec.blob else NO_BLOBS


def noreply_args(run: Run) -> list[Args]:
    """Return the run between CLIENT REPLY OFF and ON; only the last is answered, with OK (see ``Guarded``)."""
    for spec, call in zip(run.specs, run.calls, strict=True):
        if spec.refusal is not None:
            raise UsageValueError(f"{spec.name} cannot be sent without a reply: {spec.refusal}")
        if spec.blocks_for(call) is not None:
            raise UsageValueError(f"{spec.name} may block, and so cannot be sent without a reply")
    return [REPLY_OFF, *run.args, REPLY_ON]


def kind_of(commands: list[Args]) -> int | None:
    """Return ATOMIC or ATOMIC_ASKED for a whole atomic run, EXEC_PIECE for the last piece of one, else None."""
    if commands[-1] is not EXEC:
        return None
    if commands[0] is MULTI:
        return ATOMIC
    return ATOMIC_ASKED if commands[0] is ASKING and commands[1] is MULTI else EXEC_PIECE


def has_ended(name: str, reply: Any) -> bool:
    """Tell whether this answer to EXEC or DISCARD proves that no transaction is open any more (R-28)."""
    if isinstance(reply, ServerError):
        return is_without_multi(reply) or (name == "EXEC" and reply.code in _DROPPED)
    if name == "EXEC":
        return reply is None or isinstance(reply, list | DecodeError)  # a DecodeError replaces a list
    return not isinstance(reply, Error) and reply not in _QUEUED


def is_without_multi(reply: Any) -> bool:
    """Tell whether EXEC or DISCARD was refused because no transaction was open. A WATCH then stays in force."""
    return isinstance(reply, ServerError) and "without MULTI" in reply.message


def why_in_doubt(replies: list[Any], multi_at: int = 0) -> str | None:
    """Say why the connection may still be in a transaction, given all replies to an atomic run; None when it is not.

    The connection must then be closed, because the server might only queue every later command (R-25). The reply to
    MULTI is at ``multi_at``: 1 behind ASKING, whose own reply proves nothing.
    """
    began, outcome = replies[multi_at], replies[-1]
    if isinstance(began, ServerError):  # then no other reply may suggest that a transaction was open
        is_sure = isinstance(outcome, Error) and not any(reply in _QUEUED for reply in replies[multi_at + 1 : -1])
    else:
        is_sure = began in _OK and has_ended("EXEC", outcome) and not is_without_multi(outcome)
        is_sure = is_sure and (not isinstance(outcome, list) or len(outcome) == len(replies) - multi_at - 2)
    return None if is_sure else f"MULTI answered {_kind(began)} and EXEC {_kind(outcome)}"


def as_raised(error: Error, name: str, *, safe: bool, within: float | None = None) -> Error:
    """Return the error to raise for the command ``name``, which ended in ``error``; call it once for each error.

    It is OutcomeUnknown for a write in flight (R-24). Its text includes how the connection ended, so the error that
    ended it for all callers is not chained. ``within`` is the caller's timeout in seconds.
    """
    error.command = name
    if isinstance(error, ServerError):
        error.add_note(f"in answer to {name}")  # its text stays what the server sent
        return error
    if isinstance(error, DecodeError):
        error.args = (f"{name}: {error}",)
        return error
    if not isinstance(error, TransportError) or isinstance(error, ConnectFailed):
        return error
    reason, cause = error.reason, error.__cause__
    if isinstance(cause, TransportError):
        reason, cause = cause.reason, cause.__cause__
    kind: type[TransportError] = type(error)
    if isinstance(error, ReadTimeout):
        if error.__cause__ is not None:
            reason += ", so the connection was closed"
        elif within is not None:
            reason = f"no reply within {within:.3g} s"
    elif error.executed == "no":
        reason += " before it was sent"
    elif safe or not isinstance(error, ConnectionLost):
        reason += " before the reply came"
    else:
        kind = OutcomeUnknown
        reason += " while a write was on its way: it ran once or not at all"
    raised = kind(f"{name}: {reason}", address=error.address, executed=error.executed)
    raised.command, raised.reason, raised.last_words = name, reason, error.last_words
    raised.__cause__ = cause
    return raised


def refused(spec: Spec) -> UsageValueError:
    """Make the error for a command that has no place on a shared connection (R-20)."""
    return UsageValueError(f"{spec.name} has no place on a shared connection: {spec.refusal}")


def _refusals(replies: list[Any]) -> list[Error]:
    """Return the errors of the commands between MULTI and EXEC that were not queued."""
    return [reply for reply in replies[1:-1] if isinstance(reply, Error)]


def reasons_of(aborted: TransactionAborted) -> list[ServerError]:
    """Return why EXEC itself was refused, if its error says so: "EXECABORT Transaction discarded because of: ..."."""
    _, _, reason = aborted.message.partition("discarded because of: ")
    return [server_error(reason)] if reason else []


def _kind(reply: Any) -> str:
    """Describe a reply without its value."""
    if reply is None or isinstance(reply, ServerError):
        return "nil" if reply is None else reply.code
    if reply in _OK or reply in _QUEUED:
        return "OK" if reply in _OK else "QUEUED"
    return f"a list of {len(reply)}" if isinstance(reply, list) else type(reply).__name__


def _opens(spec: Spec) -> bool:
    return spec.effect == "multi"


def _parsed(parse: Parser | None, reply: Any) -> Any:
    return reply if parse is None or isinstance(reply, Error) else parse(reply)


def _weight(args: Args) -> int:
    """Return about how many bytes a command is on the wire; only large arguments matter."""
    return sum(len(arg) for arg in args if isinstance(arg, bytes | str | bytearray | memoryview))
