"""The bare floor: the least that could work, without timeouts, errors, counting or cancelling. Not a client.

asyncio: a Protocol, hiredis, one future per command, one write per loop tick. A single command on an idle connection
is sent at once, because that is faster with one task. Threads: one blocking socket per thread, and hiredis.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import hiredis

if TYPE_CHECKING:
    from benchmarks._question import Place

_CHUNK = 64 * 1024
_NOTHING = object()


class AsyncBare(asyncio.Protocol):
    def __init__(self) -> None:
        self._gets = None
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._out: list[bytes] = []
        self._was_alone = True

    async def open(self, place: Place, tasks: int) -> None:
        self._loop = asyncio.get_running_loop()
        reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._feed, self._gets = reader.feed, reader.gets
        self._transport, _ = await self._loop.create_connection(lambda: self, place.host, place.port)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, key: str) -> asyncio.Future[Any]:
        return self._ask(hiredis.pack_command(("GET", key)))

    def set(self, key: str, value: bytes) -> asyncio.Future[Any]:
        return self._ask(hiredis.pack_command(("SET", key, value)))

    def _ask(self, data: bytes) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        out = self._out
        if out:
            out.append(data)
        elif self._was_alone and not self._waiting:
            self._transport.write(data)
        else:
            out.append(data)
            self._loop.call_soon(self._flush)
        self._waiting.append(future)
        return future

    def _flush(self) -> None:
        self._was_alone = len(self._out) == 1
        self._transport.write(b"".join(self._out))
        self._out.clear()

    def data_received(self, data: bytes) -> None:
        self._feed(data)
        gets, popleft = self._gets, self._waiting.popleft
        while (reply := gets()) is not _NOTHING:
            popleft().set_result(reply)

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        """Pack, write once, parse. Every reply is awaited through the last one."""
        pack, create = hiredis.pack_command, self._loop.create_future
        futures = [create() for _ in commands]
        self._waiting.extend(futures)
        self._transport.write(b"".join([pack(command) for command in commands]))
        await futures[-1]
        return [future.result() for future in futures]

    async def close(self) -> None:
        self._transport.close()


class SyncBare:
    """Each thread has a socket of its own, opened by its first request."""

    def open(self, place: Place, threads: int) -> None:
        self._place = place
        self._mine = threading.local()
        self._sockets: list[socket.socket] = []

    def _connect(self) -> tuple[socket.socket, Any]:
        sock = socket.create_connection((self._place.host, self._place.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(sock)
        self._mine.pair = sock, hiredis.Reader(notEnoughData=_NOTHING)
        return self._mine.pair

    def get(self, key: str) -> Any:
        return self._ask(hiredis.pack_command(("GET", key)))

    def set(self, key: str, value: bytes) -> Any:
        return self._ask(hiredis.pack_command(("SET", key, value)))

    def _ask(self, data: bytes) -> Any:
        try:
            sock, reader = self._mine.pair
        except AttributeError:
            sock, reader = self._connect()
        sock.sendall(data)
        while True:
            reader.feed(sock.recv(_CHUNK))
            reply = reader.gets()
            if reply is not _NOTHING:
                return reply

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        try:
            sock, reader = self._mine.pair
        except AttributeError:
            sock, reader = self._connect()
        pack, gets = hiredis.pack_command, reader.gets
        sock.sendall(b"".join([pack(command) for command in commands]))
        replies: list[Any] = []
        while len(replies) < len(commands):
            reader.feed(sock.recv(_CHUNK))
            while (reply := gets()) is not _NOTHING:
                replies.append(reply)
        return replies

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()
