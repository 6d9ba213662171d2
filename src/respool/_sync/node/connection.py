# Generated from respool/_async/node/connection.py by tools/generate.py. Do not edit.
"""One connection: a socket with a finished handshake, and all commands.

Rule 1: a command that changes the state of the connection is recorded when it is sent (``session``), so that the pool
        knows what to undo before it lends the connection again.
Rule 2: nothing is retried here: a connection makes one try. Pools retry.
Rule 3: a lease is a second object for the same connection, with the same ``__dict__``. Releasing it takes the
        ``__dict__`` away from that object, so a kept reference is dead for good, while the connection lives on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeVar, overload

from respool._sync.node.greeting import make_ready
from respool._sync.node.pieces import checked_pieces, send_pieces, take_in
from respool._sync.node.pipeline import Pipeline
from respool._sync.node.slot_watch import SlotWatch, execute_watched, judged, run_watched
from respool._sync.node.view import Viewable
from respool._sync.shell.compat import Cancelled, clock
from respool._sync.shell.transport import Transport
from respool._facts.command import Command, Parser, Spec, as_command
from respool._facts.command_table import NEVER, SUBSCRIBES
from respool._facts.errors import (
    Error,
    ReadTimeout,
    TransportError,
    UsageError,
    UsageTypeError,
    UsageValueError,
)
from respool._facts.option_types import FROM_URL, ConnectionOptions, Encoding, S
from respool._facts.options import Options, checked_timeout, make_options
from respool._facts.unknown import CONNECTION_NAMES, missing
from respool._protocol.peer import Peer
from respool._protocol.run import Run, as_raised, behind_others, noreply_args
from respool._protocol.scripts import as_text, reply_to_last
from respool._protocol.session import Session
from respool._shell.absent import RELEASED, UNOPENED
from respool._shell.sockets import tls_context
from respool._shell.unclosed import close_unclosed

if TYPE_CHECKING:
    from typing import Unpack

    from respool._pooling.slot import Slot

T = TypeVar("T")

#: How many seconds longer than the server the client waits for a blocking command (R-21).
BLOCKING_MARGIN: Final = 5.0


class Lender(Protocol):
    """The part of the lending lane that a lease itself uses."""

    def give_back(self, lease: Any) -> None:
        """Take a lease back; does nothing if it was given back before."""

    def leaked(self, slot: Slot) -> None:
        """Note, from a finaliser, that a lease was dropped without being given back."""

    @property
    def slots(self) -> SlotWatch | None:
        """What a lease asks about slots; None outside of clusters."""


class Connection(Viewable[S]):
    """A connection to use alone, to lease from a pool, or to subclass.

    A subclass given to a pool as ``connection_class`` is constructed with ``config=`` (the pool's checked options) and
    the pool's ``connection_options`` as keywords. It may override ``open`` (and call ``super().open()``), add methods,
    and keep state on ``self``: all leases of one connection share it.
    """

    __slots__ = ("_is_lease",)  # one per object: a lease and its connection share ``__dict__`` only

    _slot: Slot | None
    _lane: Lender | None

    def __init__(
        self,
        url: str | None = None,
        *,
        config: Options | None = None,
        encoding: Encoding[S] | None = FROM_URL,
        **options: Unpack[ConnectionOptions],
    ) -> None:
        """Take the options of ``Pool`` that concern one connection; no I/O. Raises UsageError for a bad one."""
        if config is None:
            config = make_options(url, options, encoding)
            config = config.changed(tls=tls_context(config.tls) or False)
        elif url is not None or options:
            raise UsageTypeError(f"beside config= a connection takes no {', '.join(options) or 'URL'}")
        self._is_lease = False
        self._options = config
        self._transport: Transport = UNOPENED  # type: ignore[assignment]  # it has the same interface
        self._session = Session(config.db)
        self._peer = Peer()  # a pool's connections share one
        self._protocol = config.protocol
        self._is_blocked = False  # a blocking command was sent and its reply has not been seen
        self._is_prepared = False  # a user's ``open`` changed the state, and RESET cannot restore that
        self._slot = self._lane = None
        self._on_push: Any = None

    # Opening and closing ---------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and do the handshake, within ``connect_timeout``.

        Raises ConnectFailed (ConnectTimeout), AuthenticationFailed or another ServerError. A failure or a cancel
        leaves no socket behind.
        """
        me = object()
        if self.__dict__.setdefault("_opener", me) is not me:  # atomic, so that one of two threads is refused
            raise UsageError("this connection is being opened already, by another task or thread")
        try:
            if self._transport.is_open:
                raise UsageError("this connection is open already")
            if self._slot is not None:
                raise UsageError("a lease that was closed is not opened again: give it back and acquire another one")
            make_ready(self)
        finally:
            del self.__dict__["_opener"]

    def reset(self) -> None:
        """Bring the connection back to the state of a new one: RESET and the handshake, in one round trip (R-28).

        Raises the same errors as ``open``, and closes the connection then.
        """
        make_ready(self, ("RESET",))
        if self._is_prepared or self._options.configure is not None:  # RESET does not restore what those set up
            self._session.stain()

    def close(self) -> None:
        """Close now; commands in flight fail. Idempotent. A lease that was closed must still be released."""
        transport = self._transport
        transport.abort()
        if isinstance(transport, Transport):
            transport.wait_closed()

    def abort(self) -> None:
        """Close at once without waiting for anything."""
        self._transport.abort()

    def __enter__(self) -> Connection[S]:
        if not self._is_lease:
            self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if not self._is_lease:
            self.close()
        elif self._lane is not None:
            self._lane.give_back(self)

    # State -----------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The node: ``host:port`` or ``unix:path``."""
        return self._options.address

    @property
    def db(self) -> int | None:
        """The selected database; None when the outcome of a SELECT is unknown."""
        return self._session.db

    @property
    def encoding(self) -> str | None:
        """The encoding of its replies; None for bytes."""
        return self._options.encoding

    @property
    def protocol(self) -> int:
        """The protocol spoken, 2 or 3."""
        return self._protocol

    @property
    def closed(self) -> bool:
        """Whether commands can no longer be sent."""
        return not self._transport.is_open

    @property
    def in_flight(self) -> int:
        """The number of replies still to come."""
        return self._transport.owes

    @property
    def is_clean(self) -> bool:
        """Whether it is as good as new: no pending reply, no transaction, no WATCH and its own database (R-28)."""
        session = self._session
        is_idle = self._transport.is_quiet and not self._is_blocked
        return is_idle and session.is_clean and session.db == self._options.db

    def __repr__(self) -> str:
        state = self.__dict__
        if "_options" not in state:
            return f"<{type(self).__name__} released>"
        options = self._options
        how = "closed" if self.closed else f"open in_flight={self.in_flight}"
        return f"<{type(self).__name__} {options.address}/{self.db} {how}>"

    # Commands --------------------------------------------------------------------------------------

    @overload
    def execute(self, command: Command[T], /, *, timeout: float | None = None) -> T: ...

    @overload
    def execute(self, *args: Any, timeout: float | None = None) -> Any: ...

    def execute(self, *args: Any, timeout: float | None = None) -> Any:
        """Send one command and return its reply; server errors are raised.

        ``timeout`` bounds the wait in seconds. Raises ServerError, ReadTimeout, ConnectionLost (OutcomeUnknown for a
        write that may have run), UsageError for arguments that cannot be sent.
        """
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        seconds = None if timeout is None else checked_timeout(timeout)
        return self._execute(command.args, command.spec, command.parse, seconds)

    def _execute(
        self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None, timeout: float | None = None
    ) -> Any:
        if not spec.plain:
            deadline = None if timeout is None else clock()() + timeout
            slots = self._slots if spec.effect in ("watch", "end") else None
            if slots is None:
                reply = self._execute_special(args, spec, deadline)
            else:
                reply = execute_watched(self, slots, args, spec, deadline)
        else:
            try:
                if timeout is None:
                    reply = self._transport.submit(args)
                else:
                    reply = self._transport.submit_until(args, clock()() + timeout)
            except Cancelled:
                self._transport.withdraw()
                raise
        if isinstance(reply, Error):
            try:
                raise as_raised(self._judged(reply, args, spec), spec.name, safe=spec.safe, within=timeout)
            finally:
                del reply  # the raised error refers to this frame: no reference cycle
        if parse is None:
            parse = spec.parse
        if parse is None or self._session.transaction:  # inside MULTI the reply is QUEUED
            return reply
        return parse(reply)

    def _is_queueing(self) -> bool:
        return self._session.transaction

    def _request(
        self, args: tuple[Any, ...], spec: Spec, deadline: float | None, *, asking: bool = False
    ) -> Any:
        """Send one command and return its reply, which may be an error value: the pool decides what to raise."""
        if asking or not spec.plain:
            return self._execute_special(args, spec, deadline, asking=asking)
        try:
            return self._transport.submit_until(args, deadline)
        except Cancelled:
            self._transport.withdraw()
            raise

    def _execute_special(
        self, args: tuple[Any, ...], spec: Spec, deadline: float | None = None, *, asking: bool = False
    ) -> Any:
        """Send a command that is not plain, or behind ASKING; return its reply."""
        if spec.name in NEVER:
            raise UsageValueError(f"{spec.name} cannot be sent on a lease: {NEVER[spec.name]}")
        if spec.name in SUBSCRIBES:
            return self._subscribe(args, spec, deadline)
        transport = self._transport
        blocks_for = spec.blocks_for(args)
        if blocks_for is not None and not self._session.transaction:
            transport.set_patience(None if blocks_for == float("inf") else blocks_for + BLOCKING_MARGIN)
            self._is_blocked = True
        self._session.sent(spec)
        # After a cancel or a timeout here, ``_is_blocked`` stays True, and so the connection is closed on release.
        try:
            if asking or (spec.script is not None and not self._session.transaction):
                commands, blobs = behind_others(args, spec, asking=asking)
                reply = reply_to_last(transport.submit_many(commands, deadline, blobs), spec)
            else:
                reply = transport.submit_until(as_text(args, spec), deadline, blob=spec.blob)
        except Cancelled:
            transport.withdraw()
            raise
        except UsageError:  # an argument that cannot be sent: the server is not blocking
            self._unblock()
            raise
        self._session.answered(spec, args, reply)
        if blocks_for is not None and not isinstance(reply, TransportError):
            self._unblock()
        return reply

    def _unblock(self) -> None:
        if self._is_blocked:
            self._transport.set_patience(self._options.read_timeout)
            self._is_blocked = False

    def _subscribe(self, args: tuple[Any, ...], spec: Spec, deadline: float | None) -> None:
        """Send a command that RESP3 answers with pushes, then a PING whose reply shows that the server has seen it."""
        if self._protocol != 3 or not self._session.is_protocol_kept:
            raise UsageValueError(f"{spec.name} on a lease needs protocol=3, and no HELLO or RESET that changed it")
        self._session.check_no_transaction(spec.name)
        self._session.sent(spec)
        reply = self._transport.submit_guarded([args, ("PING",)], 1, deadline)
        if isinstance(reply, Error):
            raise as_raised(self._judged(reply, args, spec), spec.name, safe=True)

    @property
    def _slots(self) -> SlotWatch | None:
        return None if self._lane is None else self._lane.slots

    def _judged(self, error: Error, args: tuple[Any, ...], spec: Spec) -> Error:
        """Return the error for the caller of a command that was answered with ``error``."""
        slots = self._slots
        return error if slots is None else judged(slots, self._session, error, spec, args)

    @overload
    def execute_many(
        self, commands: Iterable[Command[T]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[T | Error]: ...

    @overload
    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]: ...

    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]:
        """Send commands as one pipeline and return one value for each; a server error is a value in the list.

        ``atomic=True`` wraps them in MULTI/EXEC and raises TransactionAborted when nothing was run. ``timeout`` bounds
        all of it in seconds. Raises the same errors as ``execute``.
        """
        deadline = None if timeout is None else clock()() + checked_timeout(timeout)
        run = take_in(commands, atomic=atomic, deadline=deadline)
        if not run.calls and not (run.is_atomic and self._session.is_watching):
            return []
        if run.is_atomic:
            self._session.check_no_transaction("an atomic pipeline")
        queued = self._session.transaction
        slots = self._slots
        replies = run_watched(self, slots, run, deadline) if slots else self._send_run(run, deadline)
        if isinstance(replies, ReadTimeout) and run.is_atomic and run.is_big:
            self.abort()  # its time was over between two pieces, perhaps: the MULTI is open
        return run.read_on_lease(replies, queued=queued)

    def _send_run(self, run: Run, deadline: float | None = None) -> Any:
        """Send a run, in pieces if it is big, and return its replies, or an error value."""
        transport = self._transport
        if self._session.transaction:
            run.send_texts()
        pieces = checked_pieces(run, transport, deadline)
        if isinstance(pieces, Error):
            return pieces
        for spec in run.specs if not run.is_plain else ():
            if spec.name in NEVER or spec.name in SUBSCRIBES:
                raise UsageValueError(f"{spec.name} has no place in a pipeline")
        self._session.sent_run(run)
        blocks_for = run.blocks_for
        if blocks_for is not None:
            transport.set_patience(None if blocks_for == float("inf") else blocks_for + BLOCKING_MARGIN)
            self._is_blocked = True
        try:
            replies = send_pieces(run, transport, pieces, deadline)
        except UsageError:  # nothing was sent
            self._unblock()
            raise
        if not isinstance(replies, Error):
            replies = run.own(replies)
            self._session.answered_run(run, replies)
            self._unblock()
        return replies

    def execute_noreply(self, *args: Any) -> None:
        """Send one command between CLIENT REPLY OFF and ON, without waiting; its errors are not reported."""
        self.execute_many_noreply([args[0] if len(args) == 1 and isinstance(args[0], Command) else args])

    def execute_many_noreply(self, commands: Iterable[Command[Any] | Sequence[Any]]) -> None:
        """Send commands without replies; returns when they are queued. Raises if they were certainly not sent."""
        run = Run(commands)
        if run.calls:
            self._session.check_no_transaction("what is sent without replies")
            error = self._transport.submit_noreply(noreply_args(run))
            if error is not None:
                raise as_raised(error, "a run without reply", safe=False)

    def pipeline(self, *, atomic: bool = False, raise_errors: bool = True) -> Pipeline[S]:
        """Collect commands and send them as one pipeline at the end of ``with connection.pipeline() as p``.

        Leaving the block raises the first error among the replies; with ``raise_errors=False`` only ``result()`` does.
        """
        return Pipeline(self.execute_many, atomic=atomic, raise_errors=raise_errors)

    # Pushes and leases -------------------------------------------------------------------------------

    def _pushed(self, push: list[Any]) -> None:
        if self._on_push is not None:
            self._on_push(push)

    def _second_body(self, slot: Slot, lane: Lender) -> Connection[S]:
        """Return another object for this connection, to be leased (Rule 3). For the pool."""
        state = self.__dict__
        state["_slot"] = slot
        state["_lane"] = lane
        lease = object.__new__(self.__class__)
        lease.__dict__ = state
        lease._is_lease = True
        return lease

    def _vacate(self) -> bool:
        """End a lease: this object is no longer a connection. Return False if it was none before.

        No call is made, so of two threads that end the same lease only one gets True.
        """
        was_leased = self._slot is not None
        self.__dict__ = {"_transport": RELEASED, "_slot": None, "_lane": None}
        return was_leased

    if not TYPE_CHECKING:  # type checkers must still report names that do not exist

        def __getattr__(self, name: str) -> Any:
            """Raise the error for a missing name, such as any attribute of a released lease (R-31)."""
            if self.__dict__.get("_transport") is RELEASED and not name.startswith("__"):
                RELEASED.refuse()
            if name in CONNECTION_NAMES:
                raise missing(type(self), name, CONNECTION_NAMES[name])
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __reduce__(self) -> NoReturn:
        raise UsageTypeError("a connection cannot be copied or pickled; make another one")

    def __del__(self) -> None:
        if "_options" not in self.__dict__:  # a released lease, or an object whose construction failed
            return
        if getattr(self, "_is_lease", False):
            slot, lane = self.__dict__.get("_slot"), self.__dict__.get("_lane")
            if slot is not None and lane is not None:
                lane.leaked(slot)
        elif self.__dict__.get("_slot") is None and self.__dict__.get("_transport", UNOPENED).is_open:
            close_unclosed(self, self._transport.abort_in_finaliser)
