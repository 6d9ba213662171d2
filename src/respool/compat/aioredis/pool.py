"""``create_pool`` and ``RedisPool``.

Rule 1: a pool is an ``AsyncPool`` without shared connections. That pool decides who gets which connection and counts
        them; this file translates names and errors.
Rule 2: what ``acquire`` returns is made anew for each lease. The pool refers to it weakly: a lease that is dropped
        without ``release`` is noticed, and its place is free again (R-30).
Rule 3: a connection that comes back in another state than it left is closed. Its next user never meets it.
"""

from __future__ import annotations

import asyncio
import warnings
import weakref
from asyncio import Task
from codecs import CodecInfo
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Final, Literal

from respool import AsyncPool
from respool.compat.aioredis.arguments import OWN, Address, codec_of, decoded, ignore, options_of, secret_of
from respool.compat.aioredis.connection import Redis, RedisConnection
from respool.errors import PoolClosed, UsageError, UsageTypeError, UsageValueError

_ENDLESS: Final = 2**31 - 1  # callers may wait for a connection; aioredis did not count them


class RedisPool:
    """A pool of connections, each for one user at a time; ``create_pool`` makes and opens it."""

    def __init__(
        self,
        address: Address,
        db: int = 0,
        password: str | None = None,
        *,
        minsize: int = 10,
        maxsize: int = 10,
        commands_factory: Callable[[RedisConnection], Any] = Redis,
        encoding: str | CodecInfo | None = None,
        loop: object = None,
    ) -> None:
        """Check the arguments; no I/O. Raises TypeError and ValueError."""
        ignore(loop)
        _check_sizes(minsize, maxsize)
        self._options = options_of(address, db, password, encoding)
        self._secret = _Secret(self._options.pop("password", None) or secret_of(self._options.get("url")))
        self._factory = commands_factory
        self._pool: AsyncPool[Any] = AsyncPool(
            shared=0,
            min_size=minsize,
            max_size=maxsize,
            max_waiting=_ENDLESS,
            idle_order="fifo",
            connection_class=RedisConnection,
            credentials=self._secret,
            **self._options,
        )
        self._out: dict[int, _Loan] = {}
        self._closing: Task[None] | None = None
        self._is_closed = False

    # Counts ------------------------------------------------------------------------------------------

    @property
    def minsize(self) -> int:
        """The smallest number of connections, free and used."""
        return self._pool.min_size

    @property
    def maxsize(self) -> int:
        """The largest number of connections."""
        return self._pool.max_size

    @property
    def size(self) -> int:
        """The number of connections, free and used."""
        return self._pool.idle + self._pool.leased

    @property
    def freesize(self) -> int:
        """The number of free connections."""
        return self._pool.idle

    @property
    def db(self) -> int:
        """The database of the pool."""
        return self._pool.db

    @property
    def encoding(self) -> str | None:
        """The encoding of replies; None for bytes."""
        encoding: str | None = self._options.get("encoding")
        return encoding

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._is_closed

    # Leases ------------------------------------------------------------------------------------------

    async def acquire(self) -> Any:
        """Take the oldest free connection, or a new one below ``maxsize``, or wait for one, first come, first served.

        Raises PoolClosedError, or the error of the dial that failed.
        """
        self._check_open()
        lease = await self._pool.acquire(None)
        try:
            self._check_open()
            conn = self._factory(lease)  # type: ignore[arg-type]  # the pool makes no others
            if id(conn) in self._out and self._out[id(conn)].is_for(conn):
                raise UsageTypeError("commands_factory returned an object for a second connection: make one for each")
        except BaseException:
            self._pool.release(lease)
            raise
        self._out[id(conn)] = _Loan(conn, lease)
        return conn

    def release(self, conn: Any) -> None:
        """Give a connection back. One that is closed, or in another state than when it was acquired, is closed.

        Raises AssertionError, with all counts unchanged, for what was not acquired here or was released before.
        """
        loan = self._out.get(id(conn))
        lease = loan.lease if loan is not None and loan.is_for(conn) else None
        if lease is None:
            raise AssertionError("this connection was not acquired from this pool, or was released before")
        del self._out[id(conn)]
        is_dirty = False
        if not lease.closed and not lease.is_clean:
            is_dirty = lease.db == self.db or lease.in_flight > 0
            lease.close()
        try:
            self._pool.release(lease)
        except UsageError as error:  # of a parent process, or of an event loop that has been closed
            raise AssertionError(str(error)) from error
        if is_dirty:
            warnings.warn(
                "a connection came back in a transaction, subscribed or with replies pending, and was closed: "
                "end what you begin before you release it",
                RuntimeWarning,
                stacklevel=2,
            )

    def get(self) -> _Borrowing:
        """Acquire for a block: ``async with pool.get() as conn``."""
        return _Borrowing(self)

    def __await__(self) -> Generator[Any, Any, _Borrowed]:
        conn = yield from self.acquire().__await__()
        return _Borrowed(self, conn)

    def __enter__(self) -> None:
        raise RuntimeError("write 'async with pool.get() as conn' or 'with await pool as conn', not 'with pool'")

    def __exit__(self, *exc_info: object) -> None:
        """Never called: ``__enter__`` raises."""

    # Control -----------------------------------------------------------------------------------------

    async def execute(self, *args: Any, encoding: str | CodecInfo | None = OWN) -> Any:
        """Run one command on a free connection, and return its reply."""
        self._check_open()
        if encoding is OWN:
            return await self._pool.execute(*args)
        return decoded(await self._pool.using(encoding=None).execute(*args), codec_of(encoding))

    async def select(self, db: int) -> Literal[True]:
        """Change the database of free and later connections; a used one is closed when it comes back.

        Raises TypeError, ValueError, or the server's error; then nothing has changed. A free connection tries it, or,
        if there is none, one that is made for that.
        """
        self._check_open()
        is_any_free = self._pool.idle > 0
        if not is_any_free:
            options: dict[str, Any] = {**self._options, "db": db}
            await self._try(RedisConnection(credentials=self._secret, **options))
        await self._pool.select(db, verify=is_any_free)
        return True

    async def auth(self, password: str) -> None:
        """Change the password of all connections. Raises the server's error; then nothing has changed.

        A connection is made to try it. All others are replaced, used ones when they come back.
        """
        self._check_open()
        await self._try(RedisConnection(credentials=lambda: password, **self._options))
        self._secret.value = password
        self._pool.drain()

    @staticmethod
    async def _try(connection: RedisConnection) -> None:
        """Open a connection and close it. Raises what the server has against it."""
        try:
            await connection.open()
        finally:
            await connection.wait_closed()

    def clear(self) -> _Done:
        """Close the free connections, at once. The result may be awaited, and need not be."""
        self._pool.discard_idle()
        return _Done()

    def close(self) -> None:
        """Close all connections, used ones too. Waiting and later callers get PoolClosedError."""
        if self._is_closed:
            return
        self._is_closed = True
        for loan in self._out.values():
            if loan.lease is not None:
                loan.lease.close()
        try:
            self._closing = asyncio.get_running_loop().create_task(self._pool.aclose(timeout=0.0))
        except RuntimeError:  # no event loop is running: wait_closed does it
            self._closing = None

    async def wait_closed(self) -> None:
        """Wait until everything is closed, after ``close``."""
        if not self._is_closed:
            raise UsageError("close() comes before wait_closed()")
        if self._closing is None:
            await self._pool.aclose(timeout=0.0)
        else:
            await asyncio.shield(self._closing)

    def _check_open(self) -> None:
        if self._is_closed:
            raise PoolClosed("the pool is closed")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [db:{self.db}, size:[{self.minsize}:{self.maxsize}], free:{self.freesize}]>"


class _Secret:
    """The password that the next dial uses, alone or behind a user's name; None if none is needed."""

    __slots__ = ("value",)

    def __init__(self, value: str | tuple[str, str] | None) -> None:
        self.value = value

    def __call__(self) -> str | tuple[str, str] | None:
        return self.value


class _Loan:
    """What was handed out, and the lease behind it, both held weakly where the object allows it (Rule 2)."""

    __slots__ = ("_conn", "_lease")

    def __init__(self, conn: Any, lease: Any) -> None:
        self._lease = weakref.ref(lease)
        try:
            self._conn: Callable[[], Any] = weakref.ref(conn)
        except TypeError:  # it has __slots__
            self._conn = lambda: conn

    @property
    def lease(self) -> Any:
        return self._lease()

    def is_for(self, conn: Any) -> bool:
        return self._conn() is conn


class _Borrowing:
    """``async with pool.get() as conn``."""

    def __init__(self, pool: RedisPool) -> None:
        self._pool = pool
        self._conn: Any = None

    async def __aenter__(self) -> Any:
        self._conn = await self._pool.acquire()
        return self._conn

    async def __aexit__(self, *exc_info: object) -> None:
        conn, self._conn = self._conn, None
        self._pool.release(conn)


class _Borrowed:
    """``with await pool as conn``."""

    def __init__(self, pool: RedisPool, conn: Any) -> None:
        self._pool = pool
        self._conn = conn

    def __enter__(self) -> Any:
        return self._conn

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        conn, self._conn = self._conn, None
        self._pool.release(conn)


class _Done:
    """The result of a call that has done its work: awaiting it returns None at once."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


async def create_pool(
    address: Address,
    db: int = 0,
    password: str | None = None,
    *,
    minsize: int = 10,
    maxsize: int = 10,
    commands_factory: Callable[[RedisConnection], Any] = Redis,
    encoding: str | CodecInfo | None = None,
    loop: object = None,
) -> RedisPool:
    """Make a pool and open ``minsize`` connections. After an error nothing is left open.

    ``address`` is (host, port), the path of a unix socket, or a URL, whose database and password hold unless they are
    given here. ``loop`` is ignored.
    """
    ignore(loop)
    pool = RedisPool(
        address, db, password, minsize=minsize, maxsize=maxsize, commands_factory=commands_factory, encoding=encoding
    )
    await pool._pool.open()
    return pool


def _check_sizes(minsize: object, maxsize: object) -> None:
    for name, size, least in (("minsize", minsize, 0), ("maxsize", maxsize, 1)):
        if not isinstance(size, int) or isinstance(size, bool):
            raise UsageTypeError(f"{name} must be a whole number, not {size!r}")
        if size < least:
            raise UsageValueError(f"{name} must be {least} or more, not {size!r}")
    if minsize > maxsize:  # type: ignore[operator]
        raise UsageValueError(f"minsize ({minsize!r}) is above maxsize ({maxsize!r})")
