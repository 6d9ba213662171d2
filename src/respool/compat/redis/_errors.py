"""respool's errors as those of redis-py: the same classes and texts that its own connections raise.

Rule 1: an error reply goes through redis-py's own table, so that every class and text is the one of its version.
Rule 2: respool's error is the cause of the one that is raised: it knows whether the command may have run.
Rule 3: a full pool has redis-py's words, which never changed and which programs look for. respool's, in the cause, have
        the counts. A pool whose server cannot be reached is not full, and says why.
"""

from __future__ import annotations

from typing import Any

from redis import exceptions, sentinel
from redis._parsers.base import BaseParser
from redis.asyncio import sentinel as async_sentinel
from redis.utils import format_error_message

from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    DecodeError,
    Error,
    PoolExhausted,
    PoolTimeout,
    ServerError,
    SlotMoved,
    TooManyRedirects,
    UsageError,
)


class MasterNotFoundError(sentinel.MasterNotFoundError, async_sentinel.MasterNotFoundError):
    """No sentinel names a primary. redis-py has a class for this in each of its two packages."""


def as_redis_error(error: Error) -> Exception:
    """Return the error of redis-py that stands for one of respool, which is its cause."""
    made: Exception = _made(error)
    made.__cause__ = error
    return made


def _made(error: Error) -> Any:
    if error.service is not None:
        return MasterNotFoundError(f"No master found for {error.service!r} : {error}")
    if isinstance(error, TooManyRedirects | SlotMoved):
        return exceptions.ClusterError(str(error))
    if isinstance(error, ServerError):
        made = BaseParser.parse_error(f"{error.code} {error.message}" if error.message else error.code)
        if isinstance(error, AuthenticationFailed) and type(made) is exceptions.ResponseError:
            return exceptions.AuthenticationError(error.message)  # the table has whole texts, and this has an address
        return made
    if isinstance(error, DecodeError):
        return UnicodeDecodeError("utf-8", b"", 0, 0, str(error))  # the bytes themselves are not kept
    if isinstance(error, UsageError):
        if isinstance(error.__cause__, UnicodeEncodeError):
            return UnicodeEncodeError(*error.__cause__.args)
        return exceptions.DataError(str(error))
    if isinstance(error, PoolExhausted):
        return exceptions.MaxConnectionsError("Too many connections")
    if isinstance(error, PoolTimeout):
        return exceptions.ConnectionError(str(error) if error.last_dial_error else "No connection available.")
    if isinstance(error, ConnectFailed) and isinstance(reason := error.__cause__, OSError) and reason.errno:
        return exceptions.ConnectionError(format_error_message(error.address.removeprefix("unix:"), reason))
    if isinstance(error, TimeoutError):
        return exceptions.TimeoutError(str(error))
    return exceptions.ConnectionError(str(error))


def last_of(replies: list[Any]) -> Any:
    """Return the last reply to a run. Raises the first error among the replies."""
    for reply in replies:
        if isinstance(reply, Error):
            raise as_redis_error(reply)
    return replies[-1]


def with_redis_errors(reply: Any) -> Any:
    """Return a reply in which nested error replies are redis-py's: a script or a module may return such."""
    if isinstance(reply, Error):
        return as_redis_error(reply)
    if type(reply) is list:
        return [with_redis_errors(part) for part in reply]
    if type(reply) is dict:
        return {key: with_redis_errors(part) for key, part in reply.items()}
    return reply
