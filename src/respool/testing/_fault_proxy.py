"""A proxy that injects network faults on command, in front of a server, a node or any other listener.

Rule 1: without a fault it is transparent: bytes, ends of streams and resets are passed on unchanged.
Rule 2: ``up`` and ``down`` (``_faults``) hold the settings, ``_link`` and ``_pipe`` move the bytes. This file
        keeps the set of links, and changes it in the loop's thread only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from respool.testing._faults import Direction
from respool.testing._link import Address, Link, Plan
from respool.testing._listener import Listener
from respool.testing._loop import Loop
from respool.testing._ports import HOST

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable


class Addressed(Protocol):
    """An object with a TCP address: a ``Server``, a ``FakeNode``, another proxy."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


Target: TypeAlias = Addressed | tuple[str, int] | str | os.PathLike[str]


class FaultProxy:
    """A TCP proxy on 127.0.0.1 whose faults can be set while it runs, for each direction separately.

    ``target``              a ``Server``, a ``FakeNode``, a ``(host, port)``, or the path of a unix socket.
    ``tls``                 speak TLS with the client (see ``ssl_context()``) and plain with the target.
    ``unix``                listen on a unix socket instead of a port.
    ``port``                the port to listen on, instead of any free one.
    ``buffer_bytes``        how much it buffers while it cannot pass bytes on, per direction of a connection.
    ``socket_buffer_bytes`` the size of the kernel buffers on both sides, for tests of backpressure (the kernel
                            rounds up). It also makes TCP segments small.

        with Server() as server, FaultProxy(server) as proxy:
            proxy.down.latency = 0.1       # every reply takes 100 ms longer
            proxy.up.hold()                # commands wait until proxy.up.release()
            proxy.down.limit_after(10)     # cut after 10 bytes of replies
            proxy.cut()                    # close all connections now
            proxy.heal()                   # remove all faults

    ``up`` is client to server, ``down`` is server to client; see ``Direction`` for what can be set.
    All methods may be called from any thread and have taken effect when they return. The proxy runs in a
    thread of its own, without an event loop.
    """

    def __init__(
        self,
        target: Target,
        *,
        tls: bool = False,
        unix: bool = False,
        port: int | None = None,
        buffer_bytes: int = 1024 * 1024,
        socket_buffer_bytes: int | None = None,
    ) -> None:
        self.up = Direction(self._apply, self._read, self._limit_each)
        self.down = Direction(self._apply, self._read, self._limit_each)
        self._target = target
        self._tls = tls
        self._buffer_bytes = buffer_bytes
        self._socket_buffer_bytes = socket_buffer_bytes or 0
        self._listener = Listener(port=port or 0, unix=unix, buffer_bytes=self._socket_buffer_bytes)
        self._loop: Loop | None = None
        self._plan: Plan | None = None
        self._links: set[Link] = set()
        self._refuses = False
        self._hangs_up = False
        self._connections = 0
        self._cuts = 0

    def __repr__(self) -> str:
        return (
            f"<FaultProxy {self.url}, {self.open_connections} open of {self.connections}, "
            f"up {self.up!r}, down {self.down!r}>"
        )

    # Address and counts --------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """127.0.0.1"""
        return HOST

    @property
    def port(self) -> int:
        """The port, set by the first ``start()`` and then kept; 0 with a unix socket."""
        return self._listener.port

    @property
    def unix_path(self) -> str | None:
        """The path of the unix socket, or None."""
        return self._listener.path

    @property
    def url(self) -> str:
        """The URL for clients: ``rediss://`` with ``tls``; with the user and password of a ``Server``."""
        userinfo = getattr(self._target, "userinfo", "")
        return self._listener.url("rediss" if self._tls else "redis", userinfo)

    @property
    def tls_url(self) -> str:
        """The ``rediss://`` URL for a target that speaks TLS itself: ``FaultProxy((host, tls_port))``."""
        return self._listener.url("rediss", getattr(self._target, "userinfo", ""))

    @property
    def connections(self) -> int:
        """How many connections were accepted in total."""
        return self._read(lambda: self._connections)

    @property
    def open_connections(self) -> int:
        """How many connections are open: neither cut, nor reset, nor ended by both sides."""
        return self._read(lambda: len(self._links))

    @property
    def cuts(self) -> int:
        """How many connections were cut by ``limit_after``."""
        return self._read(lambda: self._cuts)

    @property
    def bytes_up(self) -> int:
        """How many bytes have passed from clients to the target, without those swallowed or held."""
        return self.up.passed

    @property
    def bytes_down(self) -> int:
        """How many bytes have passed from the target to clients."""
        return self.down.passed

    def ssl_context(self) -> ssl.SSLContext:
        """Return a new client context that trusts this proxy, and a ``Server`` that serves TLS itself."""
        from respool.testing._certificate import client_context

        return client_context()

    # Life ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen, and return the proxy. Does nothing if it runs already."""
        if self._loop is not None:
            return self
        context = None
        if self._tls:
            from respool.testing._certificate import server_context

            context = server_context()
        self._listener.open()
        loop = self._loop = Loop(f"FaultProxy {self._listener.port}")
        self._plan = Plan(
            loop=loop,
            address=self._address,
            up=self.up,
            down=self.down,
            tls=context,
            buffer_bytes=self._buffer_bytes,
            socket_buffer_bytes=self._socket_buffer_bytes,
            ended=self._links.discard,
            limit_reached=self._limit_reached,
        )
        loop.call(self._listen)
        return self

    def stop(self) -> None:
        """Close everything; calling it again does nothing. ``start()`` opens it again with the same faults."""
        loop = self._loop
        if loop is None:
            return
        loop.refuse_to_stop_itself()
        self._loop = None
        try:
            loop.call(lambda: self._listener.close(loop))
            loop.stop()
        finally:
            self._links.clear()
            self._listener.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Faults of whole connections -----------------------------------------------------------------------

    def cut(self) -> None:
        """Close both sides of every open connection now. Bytes that have passed arrive before the end."""
        self._apply(lambda: self._each(Link.cut))

    def reset(self) -> None:
        """Reset (RST) both sides of every open connection now. Bytes that the peers have not read may be lost."""
        self._apply(lambda: self._each(Link.reset))

    def refuse(self, *, hang_up: bool = False) -> None:
        """Refuse new connections until ``accept()`` or ``heal()``. Open connections stay open.

        The port is closed, so connecting fails with ``ECONNREFUSED``. With ``hang_up`` connecting succeeds,
        but the connection is closed at once.
        """

        def change() -> None:
            self._hangs_up = hang_up
            self._refuses = not hang_up
            self._listen()

        self._apply(change)

    def accept(self) -> None:
        """Accept new connections again."""

        def change() -> None:
            self._hangs_up = self._refuses = False
            self._listen()

        self._apply(change)

    def heal(self) -> None:
        """Remove every fault: connections are accepted, held bytes are sent, limits are removed.

        Bytes that a black hole has swallowed stay lost, and connections that lost bytes pass no more of them.
        """
        self.up.heal()
        self.down.heal()
        self.accept()

    def _read(self, count: Callable[[], int]) -> int:
        """Read a count between two rounds of the loop, so that it includes every byte a peer may have seen."""
        return count() if self._loop is None else self._loop.call(count)

    # In the loop's thread ------------------------------------------------------------------------------

    def _apply(self, change: Callable[[], None]) -> None:
        """Make a change and let every link act on it, in the loop's thread if there is one."""
        loop = self._loop
        if loop is None:
            change()
            return

        def change_and_refresh() -> None:
            change()
            self._each(Link.refresh)

        loop.call(change_and_refresh)

    def _listen(self) -> None:
        """Open the listener and serve, or close it while connections are refused."""
        if self._loop is None:
            return
        if self._refuses:
            self._listener.close(self._loop)
        else:
            self._listener.open()
            self._listener.serve(self._loop, self._accepted)

    def _each(self, act: Callable[[Link], None]) -> None:
        for link in list(self._links):
            act(link)

    def _accepted(self, client: socket.socket) -> None:
        self._connections += 1
        if self._loop is None or self._plan is None:  # stop() is under way
            client.close()
        elif self._hangs_up:
            self._loop.hang_up(client)
        else:
            with suppress(OSError):  # a client may reset before TLS has begun
                link = Link(self._plan, client)
                self._links.add(link)
                link.refresh()

    def _limit_each(self, direction: Direction, count: int | None) -> None:
        for link in self._links:
            for pipe in link.pipes():
                if pipe.faults is direction:
                    pipe.limit = count

    def _limit_reached(self, link: Link, direction: Direction) -> None:
        reached = [link]
        if direction.total == 0:
            direction.total = None  # the limit holds only once
            reached = list(self._links)
        self._cuts += len(reached)
        for each in reached:
            each.cut()

    def _address(self) -> Address:
        target = self._target
        if isinstance(target, tuple):
            return target
        if isinstance(target, str | os.PathLike):
            return os.fspath(target)
        return (target.host, target.port) if target.port else str(getattr(target, "unix_path", ""))
