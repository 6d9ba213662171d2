"""Errors: their types, their texts, and that they can be copied and pickled."""

from __future__ import annotations

import builtins
import pickle
import traceback
from typing import Any

import pytest

from respool import errors
from respool._facts import errors as errors_module
from respool._facts.errors import again, server_error
from respool.errors import (
    AuthenticationFailed,
    Busy,
    BusyGroup,
    ClusterDown,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    CrossSlot,
    DecodeError,
    Error,
    Loading,
    MasterDown,
    NoPermission,
    NoScript,
    NotPrimary,
    OutcomeUnknown,
    OutOfMemory,
    PoolClosed,
    PoolError,
    PoolExhausted,
    PoolTimeout,
    ProtocolError,
    ReadOnly,
    ReadTimeout,
    ServerError,
    TooManyRedirects,
    TooManyWaiters,
    TransactionAborted,
    TransportError,
    TryAgain,
    UnknownCommand,
    UsageError,
    UsageTypeError,
    UsageValueError,
    WrongNode,
    WrongRole,
    WrongType,
)

TREE = [
    (ServerError, Error),
    *[
        (kind, ServerError)
        for kind in (
            WrongType, NoScript, ReadOnly, NoPermission, AuthenticationFailed, OutOfMemory, Busy, BusyGroup, Loading,
            TryAgain, ClusterDown, MasterDown, CrossSlot, TransactionAborted, UnknownCommand, WrongNode,
            TooManyRedirects, NotPrimary,
        )
    ],
    (NotPrimary, ReadOnly),
    (TransportError, Error), (ConnectFailed, TransportError), (ConnectTimeout, ConnectFailed), (WrongRole, ConnectFailed),
    (ConnectTimeout, TimeoutError), (ConnectionLost, TransportError), (OutcomeUnknown, ConnectionLost),
    (ReadTimeout, TransportError), (ReadTimeout, TimeoutError),
    (ProtocolError, Error), (DecodeError, Error), (DecodeError, ValueError),
    (UsageError, Error), (CrossSlot, UsageError), (UsageTypeError, UsageError), (UsageTypeError, TypeError), (UsageValueError, UsageError),
    (UsageValueError, ValueError),
    (PoolError, Error), (PoolExhausted, PoolError), (TooManyWaiters, PoolExhausted), (PoolTimeout, PoolError),
    (PoolTimeout, TimeoutError), (PoolClosed, PoolError),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "base"), TREE, ids=lambda kind: kind.__name__)
def test_the_tree_is_as_documented(kind: type[Exception], base: type[Exception]) -> None:
    assert issubclass(kind, base)


def public() -> list[type[Error]]:
    return [getattr(errors, name) for name in errors.__all__]


def test_every_error_is_public_and_no_name_hides_a_builtin() -> None:
    made = {name for name, value in vars(errors_module).items() if isinstance(value, type) and issubclass(value, Error)}
    assert made == set(errors.__all__)
    assert not made & set(dir(builtins))
    assert errors.__all__ == sorted(errors.__all__)


@pytest.mark.parametrize("kind", public(), ids=lambda kind: kind.__name__)
def test_a_traceback_names_an_error_as_it_is_imported(kind: type[Error]) -> None:
    assert traceback.format_exception_only(sample(kind))[0].startswith(f"respool.errors.{kind.__name__}: ")


def sample(kind: type[Error]) -> Error:
    if issubclass(kind, ServerError):
        return kind("CODE", "some message")
    if issubclass(kind, WrongRole):
        return kind("a replica", address="node:1", role="replica", primary=("10.0.0.2", 6380))
    if issubclass(kind, TransportError):
        return kind("it broke", address="node:1", executed="unknown")
    if issubclass(kind, ProtocolError):
        return kind("not RESP", address="node:1")
    if issubclass(kind, PoolTimeout):
        last = ConnectFailed("refused", address="node:1")
        return kind("none", idle=1, leased=2, dialing=3, waiting=4, max_size=5, oldest_waiter=0.5, last_dial_error=last)
    return kind("a message")


@pytest.mark.parametrize("kind", public(), ids=lambda kind: kind.__name__)
def test_every_error_can_be_pickled(kind: type[Error]) -> None:
    error = sample(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert picture(copy) == picture(error)


def picture(error: Error) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Error) else value for name, value in vars(error).items()}


@pytest.mark.parametrize("kind", public(), ids=lambda kind: kind.__name__)
def test_again_is_another_instance_with_the_same_cause(kind: type[Error]) -> None:
    error = sample(kind)
    error.__cause__ = OSError("of both")
    other = again(error)
    assert other is not error
    assert type(other) is kind
    assert str(other) == str(error)
    assert other.__cause__ is error.__cause__  # the original is not chained: it would repeat the message
    assert vars(other).keys() == vars(error).keys()


def test_again_copies_a_foreign_error_so_that_no_traceback_grows_with_its_callers() -> None:
    def hook() -> None:
        raise KeyError("of a hook")

    with pytest.raises(KeyError) as caught:
        hook()
    first = caught.value
    before = traceback.extract_tb(first.__traceback__)
    for _ in range(3):
        other = again(first)
        assert other is not first
        assert (type(other), other.args, other.__cause__) == (KeyError, first.args, None)
        with pytest.raises(KeyError):
            raise other
        assert "hook" in [frame.name for frame in traceback.extract_tb(other.__traceback__)]
    assert traceback.extract_tb(first.__traceback__) == before


def test_again_returns_a_foreign_error_that_cannot_be_copied() -> None:
    class Odd(Exception):
        def __init__(self, *, number: int) -> None:
            super().__init__("odd", number)

    error = Odd(number=7)
    assert again(error) is error


@pytest.mark.parametrize(
    ("line", "kind", "code"),
    [
        ("WRONGTYPE Operation against a key holding the wrong kind of value", WrongType, "WRONGTYPE"),
        ("NOSCRIPT No matching script.", NoScript, "NOSCRIPT"),
        ("READONLY You can't write against a read only replica.", ReadOnly, "READONLY"),
        ("NOPERM this user has no permissions", NoPermission, "NOPERM"),
        ("NOAUTH Authentication required.", AuthenticationFailed, "NOAUTH"),
        ("WRONGPASS invalid username-password pair", AuthenticationFailed, "WRONGPASS"),
        ("ERR invalid password", AuthenticationFailed, "ERR"),
        ("ERR AUTH <password> called without any password configured", AuthenticationFailed, "ERR"),
        ("ERR Client sent AUTH, but no password is set", AuthenticationFailed, "ERR"),
        ("OOM command not allowed when used memory > 'maxmemory'.", OutOfMemory, "OOM"),
        ("BUSY Redis is busy running a script.", Busy, "BUSY"),
        ("ERR max number of clients reached", Busy, "ERR"),
        ("BUSYGROUP Consumer Group name already exists", BusyGroup, "BUSYGROUP"),
        ("LOADING server is loading the dataset in memory", Loading, "LOADING"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", TryAgain, "TRYAGAIN"),
        ("CLUSTERDOWN The cluster is down", ClusterDown, "CLUSTERDOWN"),
        ("MASTERDOWN Link with MASTER is down", MasterDown, "MASTERDOWN"),
        ("CROSSSLOT Keys in request don't hash to the same slot", CrossSlot, "CROSSSLOT"),
        ("EXECABORT Transaction discarded because of previous errors.", TransactionAborted, "EXECABORT"),
        ("ERR unknown command 'FOO'", UnknownCommand, "ERR"),
        ("ERR syntax error", ServerError, "ERR"),
        ("MOVED banana", ServerError, "MOVED"),
        ("MOVED 1 host", ServerError, "MOVED"),
        ("ASK", ServerError, "ASK"),
        ("REDIRECT", ServerError, "REDIRECT"),
        ("REDIRECT here", ServerError, "REDIRECT"),
        ("REDIRECT :1", ServerError, "REDIRECT"),
        ("wrongtype lower case is no code", ServerError, "wrongtype"),
        ("CODE", ServerError, "CODE"),
        ("", ServerError, ""),
    ],
)
def test_the_type_of_a_server_error_follows_its_code(line: str, kind: type[ServerError], code: str) -> None:
    error = server_error(line)
    assert type(error) is kind
    assert error.code == code
    assert error.message == line[len(code) + 1 :]
    assert str(error) == line


@pytest.mark.parametrize("line", ["MOVED 1 host:1", "ASK 16383 ::1:6379", "MOVED 0 :6379", "ASK 5 ?:6379"])
def test_a_redirect_names_the_pool_for_a_cluster(line: str) -> None:
    error = server_error(line)
    assert type(error) is WrongNode
    assert f"{error.code} {error.message}" == line
    assert str(error).startswith(f"{line} (this server is a node of a cluster")
    assert "use ClusterPool or AsyncClusterPool" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("line", ["REDIRECT 10.0.0.2:6380", "REDIRECT ::1:6379", "REDIRECT node-b.test:1"])
def test_a_replica_that_was_a_primary_names_the_new_one_and_says_what_to_do(line: str) -> None:
    error = server_error(line)
    assert type(error) is NotPrimary
    assert f"{error.code} {error.message}" == line
    assert str(error).startswith(f"{line} (this server has become a replica of {error.message}, and nothing ran: connect")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_transport_error_names_the_address_and_whether_the_command_may_have_run() -> None:
    error = ConnectionLost("reset by peer", address="node:1", executed="unknown")
    assert str(error) == "node:1: reset by peer"
    assert (error.address, error.executed) == ("node:1", "unknown")
    assert str(ConnectFailed("refused")) == "refused"
    assert ConnectFailed("refused").executed == "no"
    assert ProtocolError("not RESP", address="node:1").executed == "unknown"


def test_a_pool_timeout_carries_the_state_of_the_pool() -> None:
    error = sample(PoolTimeout)
    assert isinstance(error, PoolTimeout)
    assert (error.idle, error.leased, error.dialing, error.waiting, error.max_size) == (1, 2, 3, 4, 5)
    assert error.oldest_waiter == 0.5
    assert isinstance(error.last_dial_error, ConnectFailed)


@pytest.mark.parametrize("kind", public(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means(kind: type[Error]) -> None:
    assert (kind.__doc__ or "").strip()
