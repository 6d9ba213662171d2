"""What commands have done to the state of a leased connection (R-28).

Rule 1: in doubt, a connection is not clean. A command that can change its state marks it when it is *sent*, and only a
        reply which proves that the change is undone (that of EXEC, say) clears the mark.
Rule 2: no reply clears ``is_stained``; that takes a RESET and a new handshake.
Rule 3: state that a RESET may not undo (CLIENT CAPA; CLIENT NO-EVICT on Redis 7.0) spoils the connection for good.
"""

from __future__ import annotations

from typing import Any

from respool._facts.command import SPECS, Spec
from respool._facts.errors import ServerError, UsageValueError
from respool._protocol.run import EXEC, MULTI, Run, has_ended, is_without_multi


class Session:
    """The state of one connection, as far as it matters to the next user."""

    __slots__ = (
        "_is_nested",
        "db",
        "is_clean",
        "is_protocol_kept",
        "is_spoiled",
        "is_stained",
        "is_watching",
        "refusal",
        "transaction",
        "watched",
    )

    def __init__(self, db: int) -> None:
        #: Whether no RESET can make the connection as good as a new one.
        self.is_spoiled = False
        self.renew(db)

    def renew(self, db: int) -> None:
        """Forget all changes, after a handshake."""
        #: The selected database; None while the outcome of a SELECT is unknown.
        self.db: int | None = db
        #: Whether a MULTI is open.
        self.transaction = False
        self._is_nested = False  # the latest MULTI was sent while one was open
        #: Whether the protocol is certainly still that of the handshake.
        self.is_protocol_kept = True
        self.is_watching = False
        #: What the pool of a cluster must know of the watched keys; empty elsewhere.
        self.watched: list[Any] = []
        #: Why a command behind the latest MULTI was not queued, on a lease of a cluster.
        self.refusal: ServerError | None = None
        self.is_stained = self.is_spoiled
        self._note()

    def adopt(self) -> None:
        """Accept all changes since ``renew`` as the state of a new connection: the ``configure`` hook made them."""
        self.is_stained = self.is_spoiled = False
        self._note()

    def stain(self) -> None:
        """Note that the connection is no longer in the state of a new one."""
        self.is_stained = True
        self._note()

    def _note(self) -> None:
        #: Whether the connection is in the state of a new one, apart from its database. Every release of a lease reads
        #: this, so it is computed when something changes.
        self.is_clean = not (self.transaction or self.is_watching or self.is_stained)
        if self.watched and not self.is_watching:
            self.watched = []

    def check_no_transaction(self, what: str) -> None:
        """Raise UsageValueError inside MULTI, where the server would only queue ``what``, or refuse to nest it."""
        if self.transaction:
            raise UsageValueError(f"{what} has no place behind MULTI: send EXEC or DISCARD first")

    def sent(self, spec: Spec) -> None:
        """Note a command that has just been sent. Only commands with an ``effect`` matter."""
        effect = spec.effect
        if effect == "multi":
            self._is_nested = self.transaction
            self.refusal = self.refusal if self._is_nested else None
            self.transaction = True
        elif effect == "watch":
            self.is_watching = True
        elif effect == "select":
            self.db = None
        elif effect == "stain":
            self.is_stained = True
            self.is_protocol_kept = self.is_protocol_kept and spec.name not in ("HELLO", "RESET")
        elif effect == "spoil":
            self.is_stained = self.is_spoiled = True
        self._note()

    def answered(self, spec: Spec, args: tuple[Any, ...], reply: Any) -> None:
        """Note the answer to a command given to ``sent``; ``reply`` may be an error value."""
        effect = spec.effect
        if effect == "multi" and isinstance(reply, ServerError):
            self.transaction = self.transaction and self._is_nested
        elif effect in ("multi", "watch") and not isinstance(reply, ServerError):
            self.sent(spec)  # again: in a run, the answer to an EXEC before it has cleared the mark
        elif effect == "end":
            if has_ended(spec.name, reply):
                self.transaction = False
                self.is_watching = self.is_watching and is_without_multi(reply)
        elif effect == "unwatch" and not self.transaction and reply in (b"OK", "OK"):
            self.is_watching = False
        elif effect == "select":
            if self.transaction or reply not in (b"OK", "OK"):
                self.is_stained = True  # queued or refused: the selected database is unknown
            else:
                self.db = int(args[1])
        elif spec.name == "HELLO":
            self.is_protocol_kept = isinstance(reply, dict)  # only RESP3 has maps
        self._note()

    def sent_run(self, run: Run) -> None:
        """Note a run that is about to be sent."""
        for spec in run.specs if not run.is_plain else ():
            self.sent(spec)
        if run.is_atomic:
            self.sent(SPECS["WATCH"])  # not clean until EXEC is answered: a cancel between pieces leaves MULTI open

    def answered_run(self, run: Run, replies: list[Any]) -> None:
        """Note the answers to a run given to ``sent_run``, those to its MULTI and EXEC included."""
        own = replies
        if run.is_atomic:
            own = replies[1:-1]
            self.sent(SPECS["MULTI"])  # the commands before EXEC were only queued,
            self.answered(SPECS["MULTI"], MULTI, replies[0])  # unless MULTI was refused
        if not run.is_plain:
            for spec, call, reply in zip(run.specs, run.calls, own, strict=True):
                self.answered(spec, call, reply)
        if run.is_atomic:
            self.answered(SPECS["EXEC"], EXEC, replies[-1])  # it ends a WATCH too
