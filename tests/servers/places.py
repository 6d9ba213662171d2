"""Where a pool can be used: a server, a protocol, a transport, and asyncio or threads, behind one face.

Tests are written once, for asyncio. ``Face`` makes a pool for threads, and the leases of it, look like those of
asyncio: each call runs in a thread.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from respool import AsyncPool, Pool
from respool.testing import Server

TRANSPORTS: Final = ("tcp", "tls", "unix")
WORLDS: Final = ("asyncio", "threads")


class Face:
    """A pool or a lease of either world: every method is awaited, every attribute is read."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.body, name)
        return _awaitable(attribute) if inspect.ismethod(attribute) else attribute

    @asynccontextmanager
    async def lease(self, timeout: float = 10.0) -> AsyncIterator[Face]:
        """Borrow a connection for a block."""
        if isinstance(self.body, AsyncPool):
            async with self.body.acquire(timeout) as connection:
                yield Face(connection)
        else:
            connection = await asyncio.to_thread(self.body.acquire, timeout)
            try:
                yield Face(connection)
            finally:
                self.body.release(connection)

    async def close(self) -> None:
        await (self.body.aclose() if isinstance(self.body, AsyncPool) else asyncio.to_thread(self.body.close))


def _awaitable(method: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **options: Any) -> Any:
        if inspect.iscoroutinefunction(method):
            return await method(*args, **options)
        result = await asyncio.to_thread(method, *args, **options)
        return await result if inspect.isawaitable(result) else result

    return call


@dataclass(frozen=True)
class Place:
    """One cell of the matrix."""

    server: Server
    protocol: int
    transport: str
    world: str

    def __str__(self) -> str:
        return f"resp{self.protocol}-{self.transport}-{self.world}"

    @property
    def options(self) -> dict[str, Any]:
        """The options by which a pool comes here."""
        server = self.server
        options: dict[str, Any] = {"protocol": self.protocol}
        if self.transport == "unix":
            options["path"] = server.unix_path
        elif self.transport == "tls":
            options |= {"host": server.host, "port": server.tls_port, "tls": server.ssl_context()}
        else:
            options |= {"host": server.host, "port": server.port}
        return options

    @asynccontextmanager
    async def pool(self, **options: Any) -> AsyncIterator[Face]:
        """Use a pool here; it is opened by its first use."""
        kind: Any = AsyncPool if self.world == "asyncio" else Pool
        pool = Face(kind(**self.options, **options))
        try:
            yield pool
        finally:
            await pool.close()


def places_of(server: Server) -> list[Place]:
    """Return all places of a server."""
    return [
        Place(server, protocol, transport, world) for protocol in (3, 2) for transport in TRANSPORTS for world in WORLDS
    ]


async def until(predicate: Callable[[], Any], timeout: float = 5.0) -> None:
    """Wait until a plain or ``async`` predicate is true; raise TimeoutError after ``timeout``."""
    async with asyncio.timeout(timeout):
        while True:
            answer = predicate()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.002)
