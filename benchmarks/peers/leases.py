"""Pools of leased connections, for B5: each yields a function that acquires and releases a given number of times.

The loop is part of each side, so that no layer of ours is between it and the library.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks._question import Missing
from benchmarks.peers import POOL_SIZE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from benchmarks._question import Place

IDLE = 0  # psycopg's state of a connection without a transaction


@asynccontextmanager
async def async_leases(side: str, place: Place) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Open the pool ``side`` in asyncio; yield its loop."""
    if side == "respool":
        from respool import AsyncPool

        async with AsyncPool(place.url) as pool:

            async def turn(times: int) -> None:
                for _ in range(times):
                    pool.release(await pool.acquire())

            yield turn
    elif side.startswith("redis-py"):
        from redis import asyncio as redis

        kind = redis.BlockingConnectionPool if "blocking" in side else redis.ConnectionPool
        their_pool = kind.from_url(place.url, max_connections=POOL_SIZE)

        async def turn(times: int) -> None:
            for _ in range(times):
                await their_pool.release(await their_pool.get_connection())

        yield turn
        await their_pool.aclose()
    else:
        async with _psycopg_pool().AsyncConnectionPool(connection_class=_AsyncDummy, min_size=1) as psycopg:

            async def turn(times: int) -> None:
                for _ in range(times):
                    await psycopg.putconn(await psycopg.getconn())

            yield turn


@contextmanager
def sync_leases(side: str, place: Place) -> Iterator[Callable[[int], None]]:
    """Open the pool ``side`` for threads; yield its loop."""
    if side == "respool":
        from respool import Pool

        with Pool(place.url) as pool:

            def turn(times: int) -> None:
                for _ in range(times):
                    pool.release(pool.acquire())

            yield turn
    elif side.startswith("redis-py"):
        import redis

        kind = redis.BlockingConnectionPool if "blocking" in side else redis.ConnectionPool
        their_pool = kind.from_url(place.url, max_connections=POOL_SIZE)

        def turn(times: int) -> None:
            for _ in range(times):
                their_pool.release(their_pool.get_connection())

        yield turn
        their_pool.close()
    else:
        with _psycopg_pool().ConnectionPool(connection_class=_SyncDummy, min_size=1) as psycopg:

            def turn(times: int) -> None:
                for _ in range(times):
                    psycopg.putconn(psycopg.getconn())

            yield turn


def _psycopg_pool() -> Any:
    try:
        import psycopg_pool
    except ImportError as error:  # psycopg also says so when it finds no libpq
        raise Missing(f"psycopg_pool: {error}".splitlines()[0]) from None
    return psycopg_pool


class _Dummy:
    """The part of a psycopg connection that its pool uses."""

    def __init__(self) -> None:
        self.pgconn = SimpleNamespace(transaction_status=IDLE)
        self.closed = False
        self._pool = None


class _SyncDummy(_Dummy):
    @classmethod
    def connect(cls, *_args: Any, **_options: Any) -> _SyncDummy:
        return cls()

    def close(self) -> None:
        self.closed = True


class _AsyncDummy(_Dummy):
    @classmethod
    async def connect(cls, *_args: Any, **_options: Any) -> _AsyncDummy:
        return cls()

    async def close(self) -> None:
        self.closed = True
