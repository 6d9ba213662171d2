"""The exceptions of coredis, and which of them an error of respool becomes.

Rule 1: the error of respool is the ``__cause__``: it names the address, and whether the command may have run.
Rule 2: a ``UsageError`` stays what it is, a TypeError or ValueError where it is one: the call must be changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from respool import errors


class RedisError(Exception):
    """Base of all errors below, except ``RedisClusterException``."""


class ConnectionError(RedisError):  # noqa: A001 - the old name
    """No connection could be had, or it was lost."""


class ProtocolError(ConnectionError):
    """The server's reply cannot be parsed."""


class BusyLoadingError(ConnectionError):
    """The server is loading its data set."""


class TimeoutError(RedisError):  # noqa: A001 - the old name
    """The reply did not arrive within ``stream_timeout``."""


class DataError(RedisError):
    """A reply cannot be decoded with the ``encoding``."""


class WatchError(RedisError):
    """A watched key changed, and so the transaction did not run."""


class AuthorizationError(RedisError):
    """The user may not run this command or touch this key."""


class ResponseError(RedisError):
    """The server answered with an error."""


class AuthenticationError(ResponseError):
    """The server did not accept the user and the password."""


class AuthenticationFailureError(AuthenticationError):
    """The user or the password is wrong."""


class AuthenticationRequiredError(AuthenticationError):
    """The server wants a password, and none was given."""


class ExecAbortError(ResponseError):
    """A command of a transaction was refused, and so none was run."""


class NoScriptError(ResponseError):
    """The server does not know the script."""


class NotBusyError(ResponseError):
    """There is no script or function to kill."""


class ReadOnlyError(ResponseError):
    """A write reached a replica."""


class UnblockedError(ResponseError):
    """A blocked call was ended by CLIENT UNBLOCK."""


class UnknownCommandError(ResponseError):
    """The server does not know the command."""


class WrongTypeError(ResponseError):
    """The key holds a value of another type."""


class StreamDuplicateConsumerGroupError(ResponseError):
    """The consumer group exists already."""


class ClusterError(RedisError):
    """The nodes of the cluster sent a command from one to the next too often."""


class ClusterDownError(ClusterError, ResponseError):
    """The cluster does not serve this slot now."""


class ClusterCrossSlotError(ResponseError):
    """The keys of one command are in different slots."""


class TryAgainError(ResponseError):
    """The keys of one command are on two nodes, because their slot is being moved."""


class AskError(ResponseError):
    """The key has moved, for this command, to another node than the one that was asked."""


class MovedError(AskError):
    """The key belongs to another node than the one that was asked: use ``RedisCluster``."""


class RedisClusterException(Exception):
    """The cluster cannot be used in this way, or none of its nodes can be reached."""


_BY_CODE: dict[str, type[RedisError]] = {
    "ASK": AskError,
    "BUSYGROUP": StreamDuplicateConsumerGroupError,
    "CLUSTERDOWN": ClusterDownError,
    "CROSSSLOT": ClusterCrossSlotError,
    "LOADING": BusyLoadingError,
    "MOVED": MovedError,
    "NOAUTH": AuthenticationRequiredError,
    "NOPERM": AuthorizationError,
    "NOSCRIPT": NoScriptError,
    "NOTBUSY": NotBusyError,
    "READONLY": ReadOnlyError,
    "TRYAGAIN": TryAgainError,
    "UNBLOCKED": UnblockedError,
    "WRONGPASS": AuthenticationFailureError,
    "WRONGTYPE": WrongTypeError,
}

#: For what is left: the first that fits.
_BY_CLASS: tuple[tuple[type[errors.Error], type[RedisError]], ...] = (
    (errors.UnknownCommand, UnknownCommandError),
    (errors.AuthenticationFailed, AuthenticationError),
    (errors.TooManyRedirects, ClusterError),
    (errors.ServerError, ResponseError),
    (errors.ReadTimeout, TimeoutError),
    (errors.TransportError, ConnectionError),
    (errors.ProtocolError, ProtocolError),
    (errors.PoolError, ConnectionError),
    (errors.DecodeError, DataError),
    (errors.Error, RedisError),
)


def translated(error: errors.Error) -> Exception:
    """Return the exception of coredis for an error of respool, with that as its cause; a UsageError as it is."""
    if isinstance(error, errors.UsageError) and not isinstance(error, errors.ServerError):
        return error
    if isinstance(error, errors.PoolExhausted):
        old: RedisError = ConnectionError("Too many connections")
    elif isinstance(error, errors.PoolTimeout):
        old = ConnectionError("No connection available.")
    elif isinstance(error, errors.TransactionAborted):
        is_refused = error.__cause__ is not None and not isinstance(error.__cause__, errors.SlotMoved)
        old = (ExecAbortError if is_refused else WatchError)(error.message)
    elif isinstance(error, errors.ServerError) and error.code in _BY_CODE:
        old = _BY_CODE[error.code](error.message)
    else:
        old = next(new for kind, new in _BY_CLASS if isinstance(error, kind))(str(error).removeprefix("ERR "))
    old.__cause__ = error
    return old


@contextmanager
def old_errors() -> Iterator[None]:
    """Raise the exceptions of coredis in place of respool's."""
    try:
        yield
    except errors.Error as error:
        old = translated(error)
        if old is error:
            raise
        try:
            raise old from error
        finally:
            del old  # the raised exception refers to this frame: without a cycle, no gc run is needed
