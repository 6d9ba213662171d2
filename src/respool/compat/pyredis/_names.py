"""Names, places and options of pyredis, in the terms of respool; no I/O.

Rule 1: errors are respool's own. An old name stands for a class of them.
Rule 2: a ``sock`` is a node as text, ``"host_port"``.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterable, Mapping
from typing import Any, Final

from respool import Command
from respool.errors import (
    ConnectionLost,
    Error,
    ProtocolError,
    ReadTimeout,
    ServerError,
    TransportError,
    UsageError,
    UsageTypeError,
    UsageValueError,
)

PyRedisError = Error
PyRedisURLError = UsageValueError
PyRedisConnError = TransportError
PyRedisConnReadTimeout = ReadTimeout
PyRedisConnClosed = ConnectionLost
ReplyError = ServerError

__all__ = [
    "ProtocolError",
    "PyRedisConnClosed",
    "PyRedisConnError",
    "PyRedisConnReadTimeout",
    "PyRedisError",
    "PyRedisURLError",
    "ReplyError",
]

Place = tuple[str, int]
SLOTS: Final = 16384


def options_of(
    *,
    database: int | None = 0,
    password: str | None = None,
    encoding: str | None = None,
    conn_timeout: float | None = 2,
    read_timeout: float | None = 2,
    username: str | None = None,
) -> dict[str, Any]:
    """Return the options of respool for those that all pools and clients of pyredis have."""
    return {
        "db": 0 if database is None else database,
        "password": password or None,
        "username": (username or None) if password else None,
        "encoding": encoding,
        "connect_timeout": conn_timeout,
        "read_timeout": read_timeout,
    }


def where_of(host: str | None, port: int, unix_sock: str | None) -> dict[str, Any]:
    """Return where one server is. Raises UsageError unless exactly one of ``host`` and ``unix_sock`` is given."""
    if bool(host) == bool(unix_sock):
        raise UsageError("give either host= or unix_sock=: one of them says where the server is")
    return {"host": host, "port": port} if host else {"path": unix_sock}


def places_of(servers: Iterable[Any]) -> list[Place]:
    """Return servers, each given as (host, port) or [host, port], as addresses."""
    places = []
    for server in servers:
        if isinstance(server, str | bytes) or not isinstance(server, Iterable) or len(place := tuple(server)) != 2:
            raise UsageTypeError(f"a server is (host, port), not {server!r}")
        places.append((str(place[0]), int(place[1])))
    return places


def buckets_of(buckets: Any) -> list[Place]:
    """Return the buckets in their order: a list of (host, port), or a mapping with such values."""
    if isinstance(buckets, Mapping):
        buckets = [
            (each["host"], each.get("port", 6379)) if isinstance(each, Mapping) else each for each in buckets.values()
        ]
    return places_of(buckets)


def place_of(sock: str) -> Place:
    """Return the address in a ``sock``."""
    host, separator, port = str(sock).rpartition("_")
    if not separator or not port.isdecimal():
        raise UsageValueError(f"sock= is the node as host_port, as in '10.0.0.1_6379', not {sock!r}")
    return host, int(port)


def sock_of(place: Place) -> str:
    """Return an address as a ``sock``."""
    return f"{place[0]}_{place[1]}"


def check_place(command: Command[Any], shard_key: Any, sock: Any) -> None:
    """Raise UsageError unless it is clear to which node a command goes: by its keys, or one of the two others."""
    if shard_key is not None and sock is not None:
        raise UsageError(f"{command.name}: give either shard_key= or sock=, not both")
    if shard_key is None and sock is None and not command.keys:
        raise UsageError(f"{command.name} has no key that says where it goes: give shard_key= or sock=")


def check_tags(tags: str) -> str:
    """Return how hash tags are read. Raises UsageValueError for an unknown way."""
    if tags not in ("server", "pyredis"):
        raise UsageValueError(f"tags= is 'server' or 'pyredis', not {tags!r}")
    return tags


def slot_of(key: Any, encoding: str | None = None, tags: str = "server") -> int:
    """Return the slot of a key: the CRC16 of its hash tag, or of all of it if it has none.

    A server ends a tag at the first ``}`` behind the ``{``, and knows no empty tag. With ``tags="pyredis"`` a tag may
    be empty, and the first ``}`` anywhere ends it.
    """
    raw = bytes(key) if isinstance(key, bytes | bytearray | memoryview) else str(key).encode(encoding or "utf-8")
    begin = raw.find(b"{")
    if tags == "server":
        end = raw.find(b"}", begin + 1)
        has_tag = begin >= 0 and end > begin + 1
    else:
        end = raw.find(b"}")
        has_tag = begin >= 0 and end >= 0
    return crc_hqx(raw[begin + 1 : end] if has_tag else raw, 0) % SLOTS


def command_of(args: tuple[Any, ...]) -> Command[Any]:
    """Return the arguments of ``execute`` as a command."""
    if len(args) == 1 and isinstance(args[0], Command):
        return args[0]
    if not args:
        raise UsageValueError("a command needs at least its name")
    return Command(*args)


def refuse_state(command: Command[Any]) -> None:
    """Raise UsageError for a command that changes the state of a connection which the caller does not hold."""
    if command.spec.refusal is not None:
        raise UsageError(
            f"{command.name} changes the state of one connection: acquire() a client and send it there, "
            "or give database=, username= or password= to the pool"
        )


def is_session(command: Command[Any]) -> bool:
    """Return whether a command begins, uses or ends a state of its connection, so that it needs a certain one."""
    return command.spec.refusal is not None
