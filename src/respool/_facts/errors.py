"""Every error respool raises, sorted by what the caller can do about it.

Rule 1: a server's error reply is a value until it is raised to a caller; only ``server_error`` makes these values.
Rule 2: a transport error knows whether the command may have run: ``executed`` is ``"no"`` or ``"unknown"``.
Rule 3: messages name the address and the pool, never a secret; every error can be pickled.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeVar

E = TypeVar("E", bound=Exception)
Executed = Literal["no", "unknown"]


class Error(Exception):
    """Base class of all errors that respool raises on purpose."""

    #: The name of the command that failed, or a description of a run of commands; None if the error has neither.
    command: str | None = None
    #: The Sentinel service that has no primary, if that is why.
    service: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


def again(error: E) -> E:
    """Return another instance of ``error`` with the same cause, so that every caller raises one of its own.

    An instance that several callers raise would collect all their frames in its traceback. An error from a user's hook
    is copied if possible, with the traceback that shows its place in the hook.
    """
    other: Any
    if isinstance(error, Error):
        other = _rebuild(type(error), error.args, dict(error.__dict__))
    else:
        try:
            other = copy.copy(error)
        except Exception:
            return error
        if type(other) is not type(error):
            return error
        other.__traceback__ = error.__traceback__
    other.__context__ = error.__context__
    other.__cause__ = error.__cause__
    other.__suppress_context__ = error.__suppress_context__
    return other  # type: ignore[no-any-return]


def placed(error: Error, place: str) -> Error:
    """Return a copy of ``error`` whose text begins with ``place``. Type, attributes and cause stay the same."""
    other: Error = _rebuild(type(error), (f"{place}: {error}",), dict(error.__dict__))
    other.__cause__ = error.__cause__
    return other


# What the caller did ----------------------------------------------------------------------------------


class UsageError(Error):
    """An argument or call is wrong. Nothing ran, and nothing was sent unless a server said so (``CrossSlot``)."""


class UsageTypeError(UsageError, TypeError):
    """An argument has the wrong type."""


class UsageAttributeError(UsageError, AttributeError):
    """The name exists in another client only; the message says what to call instead. ``hasattr`` is False for it."""


class UsageValueError(UsageError, ValueError):
    """An argument has the right type but an invalid value."""


# What the server answered -----------------------------------------------------------------------------


class ServerError(Error):
    """The server answered with an error; the connection is healthy.

    ``code`` is the first word (``"WRONGTYPE"``), ``message`` the rest of the line.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code} {message}".rstrip())
        self.code = code
        self.message = message


class WrongType(ServerError):
    """The key holds a value of another type than the command works on."""


class NoScript(ServerError):
    """EVALSHA named a script that the server does not know."""


class ReadOnly(ServerError):
    """The server is a replica and does not accept writes."""


class NotPrimary(ReadOnly):
    """REDIRECT: the server has become a replica, and refuses reads too, which might be out of date. Nothing ran.

    ``message`` is the address of its primary, ``host:port``.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        what = f"this server has become a replica of {message}, and nothing ran"
        how = "connect to the new primary, or to a name that follows it; a new pool may read from this replica"
        self.args = (f"{code} {message} ({what}: {how})",)


class NoPermission(ServerError):
    """The user may not run this command or touch this key."""


class AuthenticationFailed(ServerError):
    """The password or user is wrong, or missing where the server requires one. Never retried."""


class OutOfMemory(ServerError):
    """The server is over ``maxmemory`` and refuses writes."""


class Busy(ServerError):
    """A script blocks the server, or it has too many clients."""


class BusyGroup(ServerError):
    """The consumer group exists already."""


class Loading(ServerError):
    """The server is loading its data set."""


class TryAgain(ServerError):
    """A multi-key command failed because its slot is being moved."""


class ClusterDown(ServerError):
    """The cluster does not serve this slot now."""


class MasterDown(ServerError):
    """A replica has lost its primary and is configured not to serve stale data."""


class CrossSlot(ServerError, UsageError):
    """The keys of one command or of one transaction are in different slots; nothing ran.

    A server says so, or respool does before it sends anything. It is the caller's mistake either way.
    """


class WrongNode(ServerError):
    """The key belongs to another node of the cluster than the one that was asked. The command did not run.

    A connection and a pool for a single node follow no redirects. A pool for a cluster does, but not with ``node=``.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        what = "this server is a node of a cluster, and the key belongs to another one; neither a connection nor a pool"
        how = "use ClusterPool or AsyncClusterPool"
        self.args = (f"{code} {message} ({what} of one node follows redirects: {how})",)


class SlotMoved(WrongNode):
    """The slot of a key is not, or no longer, served by the node of a lease. The command did not run."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.args = (message,)


class TooManyRedirects(ServerError):
    """The nodes of a cluster sent the command from one to the next, or in a circle. It did not run."""


class TransactionAborted(ServerError):
    """EXEC ran nothing: a watched key changed, or a queued command was refused (see ``__cause__``)."""

    #: The position of the refused command among those of the run, from zero; None if no reply tells which one it was.
    refused_index: int | None = None


class UnknownCommand(ServerError):
    """The server does not know this command."""


_BY_CODE: dict[str, type[ServerError]] = {
    "WRONGTYPE": WrongType,
    "NOSCRIPT": NoScript,
    "READONLY": ReadOnly,
    "REDIRECT": NotPrimary,
    "NOPERM": NoPermission,
    "NOAUTH": AuthenticationFailed,
    "WRONGPASS": AuthenticationFailed,
    "OOM": OutOfMemory,
    "BUSY": Busy,
    "BUSYGROUP": BusyGroup,
    "LOADING": Loading,
    "TRYAGAIN": TryAgain,
    "CLUSTERDOWN": ClusterDown,
    "MASTERDOWN": MasterDown,
    "CROSSSLOT": CrossSlot,
    "MOVED": WrongNode,
    "ASK": WrongNode,
    "EXECABORT": TransactionAborted,
}

# Redis before 6, and servers with a password but no ACL, answer with a bare ERR: only the wording tells the kind.
_BY_WORDING: tuple[tuple[str, type[ServerError]], ...] = (
    ("unknown command", UnknownCommand),
    ("invalid password", AuthenticationFailed),
    ("AUTH <password> called without any password", AuthenticationFailed),
    ("Client sent AUTH, but no password is set", AuthenticationFailed),
    ("max number of clients", Busy),
)


#: The text after MOVED or ASK, and after REDIRECT: a slot and an address, whose host may be missing; an address.
_REDIRECTS = {WrongNode: re.compile(r"\d+ \S*:\d+"), NotPrimary: re.compile(r"\S+:\d+")}


def server_error(line: str) -> ServerError:
    """Make the typed error for an error reply, given as its text without the leading ``-``."""
    code, _, message = line.partition(" ")
    kind = _BY_CODE.get(code)
    if kind is None:
        kind = ServerError
        if code == "ERR":
            for wording, candidate in _BY_WORDING:
                if message.startswith(wording):
                    kind = candidate
                    break
    elif kind in _REDIRECTS and _REDIRECTS[kind].fullmatch(message) is None:
        kind = ServerError
    return kind(code, message)


#: Errors by which a server says "not now": the command did not run.
NOT_NOW: Final = (Loading, TryAgain, ClusterDown, MasterDown, ReadOnly)


def is_not_now(errors: Sequence[Error]) -> bool:
    """Tell whether there are errors and all of them say "not now"."""
    return bool(errors) and all(isinstance(error, NOT_NOW) for error in errors)


#: How a replica refuses a write in a script, and a script that is flagged as writing.
REPLICA_SAYS: Final = ("You can't write against a read only", "Can not run script with write flag on readonly")


def is_demoted(error: Error, *, runs_code: bool = False) -> bool:
    """Tell whether an error shows that the node is no longer a primary, so its connections must be replaced (R-13).

    A script can return READONLY or REDIRECT on its own; that proves nothing. But if a replica stopped the script, the
    error has the server's wording; up to Redis 6.2 that is nested in another error.
    """
    if isinstance(error, TransactionAborted) and isinstance(error.__cause__, Error):
        return is_demoted(error.__cause__)
    if isinstance(error, ReadOnly):
        return not runs_code or error.message.startswith(REPLICA_SAYS)
    if not runs_code or not isinstance(error, ServerError) or not error.message.startswith("Error running script"):
        return False
    _, is_there, words = error.message.partition("-READONLY ")
    return bool(is_there) and words.startswith(REPLICA_SAYS)


# What happened in transit -----------------------------------------------------------------------------


class TransportError(Error):
    """The network or the peer failed. ``executed`` says whether the command may have run on the server.

    ``reason`` says what happened, without the address and the command.
    """

    #: The last reply to a run of commands before the connection ended, if it was an error.
    last_words: ServerError | None = None
    #: How many commands of that run were answered.
    answered: int = 0

    def __init__(self, message: str, *, address: str = "", executed: Executed = "no") -> None:
        super().__init__(f"{address}: {message}" if address else message)
        self.address = address
        self.reason = message
        self.executed: Executed = executed


class ConnectFailed(TransportError):
    """No connection could be made: it was refused, the host was unreachable, or TLS or the handshake failed."""


class ConnectTimeout(ConnectFailed, TimeoutError):
    """Connecting, with the handshake, took longer than ``connect_timeout``."""


class WrongRole(ConnectFailed):
    """The node answered, but it is not the primary, or the replica, that a pool of many nodes needs.

    ``role`` says what it is: ``"primary"``, ``"replica"``, or the word that its server used. ``primary`` is the host
    and the port of the primary that a replica named, else None.
    """

    def __init__(
        self, message: str, *, address: str = "", role: str = "", primary: tuple[str, int] | None = None
    ) -> None:
        super().__init__(message, address=address)
        self.role = role
        self.primary = primary


class ConnectionLost(TransportError):
    """The connection ended while the command was queued (``executed="no"``) or in flight (``"unknown"``)."""

    #: Whether it had ended before the command was queued.
    came_late: bool = False


class OutcomeUnknown(ConnectionLost):
    """A write was in flight when the connection ended: it ran once or not at all, and was not retried."""


class ReadTimeout(TransportError, TimeoutError):
    """The reply did not arrive in time."""


class ProtocolError(Error):
    """The reply cannot be parsed, or no command was waiting for it; the connection is closed. Never retried."""

    def __init__(self, message: str, *, address: str = "") -> None:
        super().__init__(f"{address}: {message}" if address else message)
        self.address = address
        self.executed: Executed = "unknown"


class DecodeError(Error, ValueError):
    """A reply cannot be decoded with the configured ``encoding``; the connection stays open."""


# What the pool reports --------------------------------------------------------------------------------


class PoolError(Error):
    """The pool could not serve the call."""


class PoolExhausted(PoolError):
    """No connection can be leased now, and the call does not wait for one."""


class TooManyWaiters(PoolExhausted):
    """``max_waiting`` callers are queued already."""


class QueueFull(PoolError):
    """The queue of a subscriber with ``on_full="close"`` was full: it reads more slowly than messages come."""


class PoolTimeout(PoolError, TimeoutError):
    """No connection became available in time. Carries the state of the pool at that moment.

    ``idle``, ``leased``, ``dialing``, ``waiting`` and ``max_size`` are counts; ``oldest_waiter`` is in seconds;
    ``last_dial_error`` is the error of the latest failed dial, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        idle: int = 0,
        leased: int = 0,
        dialing: int = 0,
        waiting: int = 0,
        max_size: int = 0,
        oldest_waiter: float = 0.0,
        last_dial_error: Exception | None = None,
    ) -> None:
        super().__init__(message)
        self.idle = idle
        self.leased = leased
        self.dialing = dialing
        self.waiting = waiting
        self.max_size = max_size
        self.oldest_waiter = oldest_waiter
        self.last_dial_error = last_dial_error


class PoolClosed(PoolError):
    """The pool is closed."""


def _name_as_imported() -> None:
    """Make tracebacks and pickles name the errors by the path from which users import them."""
    for kind in [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, Error)]:
        kind.__module__ = "respool.errors"


_name_as_imported()
