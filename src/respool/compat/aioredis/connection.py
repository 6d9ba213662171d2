"""One connection, and the wrapper with all commands over it.

Rule 1: a command that waits when ``close`` is called ends in CancelledError, as it did there.
"""

from __future__ import annotations

from asyncio import CancelledError
from codecs import CodecInfo
from collections.abc import Callable
from typing import Any

from respool import AsyncConnection, Command
from respool.compat.aioredis.arguments import OWN, Address, codec_of, decoded, ignore, options_of
from respool.errors import TransportError, UsageError
from respool.types import AsyncCommands


class RedisConnection(AsyncConnection[Any]):
    """A connection as ``create_connection`` and ``commands_factory`` know it."""

    def __init__(self, url: str | None = None, **options: Any) -> None:
        """Take the options of ``AsyncConnection``; no I/O. ``create_connection`` opens one too."""
        super().__init__(url, **options)
        self._end = _End()

    async def execute(self, *args: Any, timeout: float | None = None, encoding: str | CodecInfo | None = OWN) -> Any:
        """Send one command, its name in any case, and return its reply.

        ``encoding`` is that of this reply; None returns bytes. A command that waits for its reply when ``close`` is
        called ends in CancelledError. Raises what ``AsyncConnection.execute`` raises.
        """
        was_open, end = not self.closed, self._end
        try:
            if encoding is OWN:
                return await super().execute(*args, timeout=timeout)
            return decoded(await self.using(encoding=None).execute(*args, timeout=timeout), codec_of(encoding))
        except (TransportError, UsageError) as error:  # the latter if it was released meanwhile, too
            if was_open and end.is_wanted:
                raise CancelledError from error
            raise

    def close(self) -> None:
        """Close at once. A leased connection must still be released."""
        if not self.closed:
            self._end.is_wanted = True
            self.abort()

    async def wait_closed(self) -> None:
        """Close, and wait until the socket is closed."""
        self.close()
        await self.aclose()


class _End:
    """Whether ``close`` has ended a connection. Commands keep it while they wait: a released lease knows nothing."""

    __slots__ = ("is_wanted",)

    def __init__(self) -> None:
        self.is_wanted = False


class Redis(AsyncCommands[Any]):
    """All commands over one connection. What they return and raise is what ``AsyncPool`` returns and raises."""

    def __init__(self, connection: RedisConnection) -> None:
        self.connection = connection

    async def _execute(self, args: tuple[Any, ...], spec: Any, parse: Any = None) -> Any:
        return await self.connection.execute(Command.of(args, spec, parse))

    @property
    def db(self) -> int | None:
        """The selected database."""
        return self.connection.db

    @property
    def encoding(self) -> str | None:
        """The encoding of replies; None for bytes."""
        return self.connection.encoding

    @property
    def closed(self) -> bool:
        """Whether commands can no longer be sent."""
        return self.connection.closed

    def close(self) -> None:
        """Close the connection at once."""
        self.connection.close()

    async def wait_closed(self) -> None:
        """Close, and wait until the socket is closed."""
        await self.connection.wait_closed()

    def __getattr__(self, name: str) -> Any:
        """Return what the connection has beside the commands: ``execute``, ``pipeline``, iterators."""
        if name.startswith("__") or name == "connection":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return getattr(self.connection, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.connection!r}>"


async def create_connection(
    address: Address,
    db: int = 0,
    password: str | None = None,
    *,
    encoding: str | CodecInfo | None = None,
    loop: object = None,
) -> RedisConnection:
    """Open one connection. Raises ConnectFailed, or the server's error."""
    ignore(loop)
    connection = RedisConnection(**options_of(address, db, password, encoding))
    await connection.open()
    return connection


async def create_redis(
    address: Address,
    db: int = 0,
    password: str | None = None,
    *,
    commands_factory: Callable[[RedisConnection], Any] = Redis,
    encoding: str | CodecInfo | None = None,
    loop: object = None,
) -> Any:
    """Open one connection, and return what ``commands_factory`` makes of it."""
    ignore(loop)
    connection = await create_connection(address, db, password, encoding=encoding)
    try:
        return commands_factory(connection)
    except BaseException:
        connection.close()
        raise
